/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ids, their lives, and the threads of a run. */
#include <errno.h>
#include <stdlib.h>

#include "links/journey_state.h"

/* Forgets the ids that nobody uses now: their next life is generation 1 again. */
static void forget_ids(struct journeys *j)
{
    struct id *id, *next;

    for (id = j->ids; id; id = next) {
        next = id->hh.next;
        if (id->head)
            continue;
        HASH_DEL(j->ids, id);
        free(id);
        j->known_ids.count--;
        j->known_ids.over++;
    }
    j->sum.generations_restarted++;
}

void journey_forget_threads(struct journeys *j)
{
    struct thread *t, *next;

    for (t = j->threads; t; t = next) {
        next = t->hh.next;
        HASH_DEL(j->threads, t);
        if (t->releasing)
            t->releasing->in_chain = false;
        free(t);
    }
    j->known_threads.count = 0;
}

struct thread *journey_thread(struct journeys *j, enum tap_source source, uint32_t tid)
{
    uint64_t key = (uint64_t)(source == SOURCE_GUEST) << 32 | tid;
    struct thread *t;

    HASH_FIND_U64(j->threads, &key, t);
    if (t)
        return t;
    if (j->known_threads.count >= JOURNEY_THREADS) {
        j->known_threads.over += j->known_threads.count;
        journey_forget_threads(j);
    }
    t = calloc(1, sizeof(*t));
    if (t) {
        t->key = key;
        t->bo_domain = -1;
        HASH_ADD_U64(j->threads, key, t);
    }
    if (!t || !t->hh.tbl) {
        free(t);
        j->error = -ENOMEM;
        return NULL;
    }
    j->known_threads.count++;
    return t;
}

static bool own_device(const struct journeys *j, uint64_t display)
{
    return j->device < 0 || (uint64_t)j->device == display;
}

static struct id *find(const struct journeys *j, uint64_t display, uint64_t value, uint64_t *key)
{
    struct id *id;

    *key = own_device(j, display) ? value : value ^ (display + 1) << 48;
    HASH_FIND_U64(j->ids, key, id);
    return id;
}

struct id *journey_known_id(const struct journeys *j, uint64_t display, uint64_t value)
{
    uint64_t key;
    struct id *id = find(j, display, value, &key);

    return id && id->value == value ? id : NULL;
}

struct id *journey_id(struct journeys *j, uint64_t display, uint64_t value)
{
    uint64_t key;
    struct id *id = find(j, display, value, &key);

    if (id)
        return id->value == value ? id : NULL;
    if (j->known_ids.count >= JOURNEY_IDS)
        forget_ids(j);
    id = calloc(1, sizeof(*id));
    if (id) {
        id->key = key;
        id->value = value;
        id->display = (uint32_t)display;
        id->other_device = !own_device(j, display);
        HASH_ADD_U64(j->ids, key, id);
    }
    if (!id || !id->hh.tbl) {
        free(id);
        j->error = -ENOMEM;
        return NULL;
    }
    j->known_ids.count++;
    return id;
}

struct life *journey_new_life(struct journeys *j, struct id *id, struct life *after)
{
    struct life *l = calloc(1, sizeof(*l));

    if (!l) {
        j->error = -ENOMEM;
        return NULL;
    }
    l->id = id->value;
    l->display = id->display;
    l->serial = ++j->serial;
    l->type = l->group = l->cmd_type = l->draw_type = l->verdict = l->bo_domain = -1;
    l->stream = -1;
    memcpy(l->loss_marks, j->losses, sizeof(l->loss_marks));
    l->next = after ? after->next : id->head;
    if (after)
        after->next = l;
    else
        id->head = l;
    if (!l->next)
        id->tail = l;
    id->queued++;
    if (++j->open_lives.count > j->sum.open_most)
        j->sum.open_most = j->open_lives.count;
    return l;
}

uint64_t journey_began(uint64_t t, int64_t took)
{
    return took > 0 && (uint64_t)took < t ? t - (uint64_t)took : t;
}
