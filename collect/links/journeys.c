/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "links/journey_state.h"

const char *const journey_whys[WHYS] = {
#define W(name) #name,
    JOURNEY_WHYS(W)
#undef W
};

struct journeys *journeys_new(void (*closed)(void *context, const struct life *life), void *context)
{
    struct journeys *j = calloc(1, sizeof(*j));

    if (j) {
        j->closed = closed;
        j->context = context;
        j->device = -1;
    }
    return j;
}

/* Nothing of this source's state can be believed after a loss. */
static void loss(struct journeys *j, enum tap_source source)
{
    struct thread *t, *next;

    if ((unsigned)source < SOURCES)
        j->losses[source]++;
    if (source != SOURCE_SPICE && source != SOURCE_QEMU)
        return;
    journey_drop_chain(j, 0);
    j->chain_sound = false;
    for (t = j->threads; t; t = next) {
        next = t->hh.next;
        if (source == SOURCE_SPICE)
            t->oom = 0;
        if (t->releasing)
            journey_not_put(j, t);
    }
}

/* Closes everything: the oldest life of each id until none is left. */
static void close_all(struct journeys *j, bool at_end)
{
    struct id *id, *next;

    journey_drop_chain(j, 0);
    journey_forget_threads(j);
    for (id = j->ids; id; id = next) {
        next = id->hh.next;
        while (id->head)
            journey_close_head(j, id, at_end);
    }
}

void journeys_add(struct journeys *j, const struct tap_event *ev, enum tap_source source,
                  uint64_t error)
{
    if (ev->kind == EV_loss)
        loss(j, source);
    else if (source == SOURCE_GUEST)
        journey_guest(j, ev, error);
    else
        journey_server(j, ev);
    if (j->open_lives.count >= JOURNEY_LIVES) {
        j->open_lives.over += j->open_lives.count;
        j->giving_up = true;
        close_all(j, false);
        j->giving_up = false;
    }
}

void journeys_end(struct journeys *j)
{
    close_all(j, true);
}

const struct journey_counts *journeys_summary(const struct journeys *j)
{
    return &j->sum;
}

uint64_t journeys_pushes(const struct journeys *j, uint64_t *named)
{
    *named = j->push_named;
    return j->push_number;
}

void journeys_overflows(const struct journeys *j, json_t *list)
{
    json_count(list, "release_ids", j->known_ids.over);
    json_count(list, "open_releases", j->open_lives.over);
    json_count(list, "threads", j->known_threads.over);
}

int journeys_error(const struct journeys *j)
{
    return j->error;
}

void journeys_free(struct journeys *j)
{
    struct id *id, *next;

    if (!j)
        return;
    j->closed = NULL;
    close_all(j, true);
    for (id = j->ids; id; id = next) {
        next = id->hh.next;
        HASH_DEL(j->ids, id);
        free(id);
    }
    free(j);
}
