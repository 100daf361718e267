/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU and the server report: the I/O write, and the episode that frees memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "links/oom_state.h"

void oom_drop_episode(struct oom_episode *e)
{
    if (!e->users && !e->listed)
        free(e);
}

void oom_unlist_episode(struct oom *s)
{
    struct oom_episode *e = s->episodes[0];

    e->listed = false;
    s->open_count -= e->open;
    memmove(&s->episodes[0], &s->episodes[1],
            --s->listed_episodes.count * sizeof(struct oom_episode *));
    oom_drop_episode(e);
}

/* The episode that is open in this thread or, with `tid` 0, on this display. */
static struct oom_episode *open_episode(const struct oom *s, uint32_t tid, uint64_t display)
{
    for (size_t i = s->open_count ? s->listed_episodes.count : 0; i--;) {
        struct oom_episode *e = s->episodes[i];

        if (e->open && (tid ? e->tid == tid : e->display == display))
            return e;
    }
    return NULL;
}

static void close_episode(struct oom *s, struct oom_episode *e)
{
    e->open = false;
    s->open_count--;
}

static void io_write(struct oom *s, const struct tap_event *ev)
{
    struct oom_notify *n;

    if (FIELDS(ev, qxl_io_write)->port != QXL_IO_notify_oom)
        return;
    s->io_writes++;
    for (n = s->head; n; n = n->next)
        if (n->on_guest && !n->io_write &&
            oom_agree(n->guest_begin, n->guest_end, ev->time, n->error))
            break;
    if (!n)
        n = oom_new_notify(s, ev->time);
    if (!n)
        return;
    n->io_write = ev->time;
    n->io_tid = ev->tid;
}

static void join(struct oom_notify *n, struct oom_episode *e)
{
    n->episode = e;
    e->users++;
}

static void spice_oom(struct oom *s, const struct tap_event *ev)
{
    struct oom_notify *last = NULL;
    struct oom_episode *e;

    s->spice_ooms++;
    for (struct oom_notify *n = s->head; n; n = n->next)
        if (n->io_write && n->io_write <= ev->time && n->io_tid == ev->tid &&
            (!last || n->io_write >= last->io_write))
            last = n;
    if (!last || last->spice_oom)
        return;
    last->spice_oom = ev->time;
    last->qid = FIELDS(ev, qxl_spice_oom)->qid;
    e = open_episode(s, 0, (uint64_t)(int64_t)last->qid);
    if (e)
        join(last, e);
}

static void oom_begin(struct oom *s, const struct tap_event *ev)
{
    struct oom_episode *e = calloc(1, sizeof(*e)), *before = open_episode(s, ev->tid, 0);

    if (!e) {
        s->error = -ENOMEM;
        return;
    }
    if (before) /* its end was lost */
        close_episode(s, before);
    if (s->listed_episodes.count == OOM_EPISODES) {
        s->listed_episodes.over += s->episodes[0]->reclaimed < s->episodes[0]->named;
        oom_unlist_episode(s);
    }
    e->number = ++s->episodes_seen;
    e->begin = ev->time;
    e->tid = ev->tid;
    e->display = FIELDS(ev, oom_begin)->display;
    e->listed = e->open = true;
    s->episodes[s->listed_episodes.count++] = e;
    s->open_count++;
    for (struct oom_notify *n = s->head; n; n = n->next)
        if (n->spice_oom && !n->episode && (uint64_t)(int64_t)n->qid == e->display)
            join(n, e);
}

static void oom_end(struct oom *s, const struct tap_event *ev)
{
    struct oom_episode *e = open_episode(s, ev->tid, 0);

    if (!e)
        return;
    e->end = ev->time;
    close_episode(s, e);
}

static void pushed(struct oom *s, struct oom_episode *e, const struct tap_event *ev)
{
    uint64_t named;

    e->push_to = journeys_pushes(s->journeys, &named);
    if (!e->push) {
        e->push = ev->time;
        e->push_from = e->push_to;
    }
    e->pushed += FIELDS(ev, qxl_ring_res_push)->freed;
    e->named += named;
}

/* Between oom_begin and oom_end, in the worker's thread. */
static void in_episode(struct oom *s, const struct tap_event *ev)
{
    struct oom_episode *e = open_episode(s, ev->tid, 0);

    if (!e)
        return;
    switch (ev->kind) {
    case EV_flush_resources:
        e->flushes++;
        e->flushed += (uint64_t)FIELDS(ev, flush_resources)->flushed;
        break;
    case EV_free_some_begin:
        e->free_some = ev->time;
        break;
    case EV_free_some_end:
        e->glz += FIELDS(ev, free_some_end)->glz_freed;
        e->evicted += FIELDS(ev, free_some_end)->evicted;
        break;
    case EV_release:
        e->releases += FIELDS(ev, release)->group == GROUP_GUEST;
        break;
    case EV_qxl_ring_res_push:
        pushed(s, e, ev);
        break;
    default:
        break;
    }
}

void oom_reclaimed(void *context, const struct life *l)
{
    struct oom *s = context;

    if (!l->res_push_number || !l->freed)
        return;
    for (size_t i = s->listed_episodes.count; i--;) {
        struct oom_episode *e = s->episodes[i];

        if (!e->push || l->res_push_number > e->push_to)
            continue;
        if (l->res_push_number < e->push_from)
            continue;
        e->reclaimed++;
        e->gc_tid = l->free_tid;
        if (!e->reclaim_first || l->free.t < e->reclaim_first)
            e->reclaim_first = l->free.t;
        if (l->free.t > e->reclaim_last)
            e->reclaim_last = l->free.t;
        return;
    }
}

void oom_collected(struct oom *s, const struct tap_event *ev)
{
    int64_t took = FIELDS(ev, guest_gc)->took;

    for (size_t i = s->listed_episodes.count; i--;) {
        struct oom_episode *e = s->episodes[i];

        if (e->reclaim_first && !e->gc && e->gc_tid == ev->tid && took > 0 &&
            e->reclaim_first <= ev->time && ev->time - e->reclaim_first <= (uint64_t)took)
            e->gc = ev->time;
    }
}

void oom_server(struct oom *s, const struct tap_event *ev)
{
    switch (ev->kind) {
    case EV_qxl_io_write:
        io_write(s, ev);
        break;
    case EV_qxl_spice_oom:
        spice_oom(s, ev);
        break;
    case EV_oom_begin:
        oom_begin(s, ev);
        break;
    case EV_oom_end:
        oom_end(s, ev);
        break;
    default:
        in_episode(s, ev);
        break;
    }
}
