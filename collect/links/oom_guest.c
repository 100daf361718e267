/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest reports: its waits, and that it is out of memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "links/oom_state.h"

void oom_drop_wait(struct oom_wait *w)
{
    if (!w->users && !w->listed)
        free(w);
}

void oom_unlist_wait(struct oom *s, size_t at)
{
    struct oom_wait *w = s->waits[at];

    w->listed = false;
    memmove(&s->waits[at], &s->waits[at + 1],
            (--s->listed_waits.count - at) * sizeof(struct oom_wait *));
    oom_drop_wait(w);
}

static struct oom_wait *open_wait(struct oom *s, uint32_t tid)
{
    for (size_t i = s->listed_waits.count; i--;)
        if (s->waits[i]->tid == tid && !s->waits[i]->end)
            return s->waits[i];
    return NULL;
}

static void wait_begin(struct oom *s, const struct tap_event *ev)
{
    struct oom_wait *w = calloc(1, sizeof(*w));

    if (!w) {
        s->error = -ENOMEM;
        return;
    }
    if (bounded_overflows(&s->listed_waits, OOM_WAITS))
        oom_unlist_wait(s, 0);
    w->number = ++s->waits_seen;
    w->begin = ev->time;
    w->tid = ev->tid;
    w->release = FIELDS(ev, guest_wait_begin)->release_id;
    w->listed = true;
    s->waits[s->listed_waits.count++] = w;
}

static void wait_end(struct oom *s, const struct tap_event *ev)
{
    struct oom_wait *w = open_wait(s, ev->tid);

    if (w)
        w->end = ev->time;
}

/* A call of this thread ends, and the waits in it belong to it. The innermost call ends first, so
 * it gets them. */
static void asked(struct oom *s, const struct tap_event *ev, int64_t took, uint64_t domain,
                  uint64_t size, int64_t result)
{
    uint64_t began = took > 0 && (uint64_t)took < ev->time ? ev->time - (uint64_t)took : ev->time;

    for (size_t i = 0; i < s->listed_waits.count;) {
        struct oom_wait *w = s->waits[i];

        if (w->tid != ev->tid || !w->end || w->begin < began) {
            i++;
            continue;
        }
        w->asked = ev->kind;
        w->domain = domain;
        w->size = size;
        w->result = result;
        oom_unlist_wait(s, i);
    }
}

struct oom_notify *oom_new_notify(struct oom *s, uint64_t t)
{
    struct oom_notify *n = calloc(1, sizeof(*n));

    if (!n) {
        s->error = -ENOMEM;
        return NULL;
    }
    n->number = ++s->notified;
    n->at = t;
    n->losses = s->losses;
    if (s->tail)
        s->tail->next = n;
    else
        s->head = n;
    s->tail = n;
    s->open_rows.count++;
    return n;
}

bool oom_agree(uint64_t begin, uint64_t end, uint64_t io, uint64_t error)
{
    return (io >= begin || begin - io <= error) && (io <= end || io - end <= error);
}

static void guest_oom(struct oom *s, const struct tap_event *ev, uint64_t error)
{
    int64_t took = FIELDS(ev, guest_oom)->took;
    uint64_t begin = took > 0 && (uint64_t)took < ev->time ? ev->time - (uint64_t)took : ev->time;
    struct oom_wait *w = open_wait(s, ev->tid);
    struct oom_notify *n;

    s->guest_ooms++;
    for (n = s->head; n; n = n->next)
        if (!n->on_guest && n->io_write && oom_agree(begin, ev->time, n->io_write, error))
            break;
    if (!n)
        n = oom_new_notify(s, ev->time);
    if (!n)
        return;
    n->on_guest = true;
    n->guest_begin = begin;
    n->guest_end = ev->time;
    n->error = error;
    if (w) {
        n->wait = w;
        n->nth = ++w->notifies;
        w->users++;
    }
}

void oom_guest(struct oom *s, const struct tap_event *ev, uint64_t error)
{
    s->guest = true;
    if (ev->kind == EV_guest_wait_begin) {
        wait_begin(s, ev);
    } else if (ev->kind == EV_guest_wait_end) {
        wait_end(s, ev);
    } else if (ev->kind == EV_guest_oom) {
        guest_oom(s, ev, error);
    } else if (ev->kind == EV_guest_bo) {
        const struct fields_guest_bo *e = FIELDS(ev, guest_bo);

        asked(s, ev, e->took, e->domain, e->size, e->result);
    } else if (ev->kind == EV_guest_alloc) {
        const struct fields_guest_alloc *e = FIELDS(ev, guest_alloc);

        asked(s, ev, e->took, 0, e->size, e->result);
    } else if (ev->kind == EV_guest_delete) {
        const struct fields_guest_delete *e = FIELDS(ev, guest_delete);

        asked(s, ev, e->took, e->domain, e->size, 0);
    }
}
