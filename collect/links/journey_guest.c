/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest reports of its releases. */
#include "links/journey_state.h"

/* The next life that the guest reports. It began at `began` (0: unknown). The guest's half of a
 * life that the server had before `began` was not seen. */
static struct life *next_guest_life(struct journeys *j, struct id *id, uint64_t began,
                                    uint64_t error)
{
    struct life *l = id->guest ? id->guest->next : id->head;

    if (id->guest)
        id->guest->left |= !id->guest->freed;
    while (l && began && l->on_server) {
        uint64_t first = l->cmd ? l->cmd : l->draw;
        uint64_t known = first ? first : l->release;

        if (!known || known + error < known || known + error >= began)
            break;
        l->left = true; /* the guest never reported it, and is at a later one now */
        l = l->next;
    }
    if (!l)
        l = journey_new_life(j, id, id->tail);
    if (!l)
        return NULL;
    l->on_guest = true;
    id->guest = l;
    return l;
}

/* The life of a push (`began`: its begin) or of a free (`freed`: its time): the open one, or one
 * whose allocation was not seen. If the server reported several since, a free is of the last one
 * that had begun by then. */
static struct life *guest_life(struct journeys *j, struct id *id, uint64_t began, uint64_t freed,
                               uint64_t error)
{
    struct life *l = id->guest ? id->guest->next : id->head;

    if (id->guest && !id->guest->freed && !id->guest->left)
        return id->guest;
    while (freed && l && l->next && l->on_server && l->next->cmd &&
           l->next->cmd + error >= l->next->cmd && l->next->cmd + error < freed) {
        began = l->next->cmd - (l->next->cmd > error ? error : 0);
        l = l->next;
    }
    return next_guest_life(j, id, began, error);
}

static void guest_bo(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_guest_bo *e = FIELDS(ev, guest_bo);
    struct thread *t = journey_thread(j, SOURCE_GUEST, ev->tid);

    if (!t || e->result < 0)
        return;
    t->bo_t = ev->time;
    t->bo_began = journey_began(ev->time, e->took);
    t->bo_size = e->size;
    t->bo_domain = (int)e->domain;
}

static void guest_alloc(struct journeys *j, const struct tap_event *ev, uint64_t error)
{
    const struct fields_guest_alloc *e = FIELDS(ev, guest_alloc);
    struct thread *t = journey_thread(j, SOURCE_GUEST, ev->tid);
    uint64_t began = journey_began(ev->time, e->took);
    struct life *l;
    struct id *id;

    if (e->result < 0 || !e->release_id)
        return;
    id = journey_id(j, j->device < 0 ? 0 : (uint64_t)j->device, e->release_id);
    l = id ? next_guest_life(j, id, began, error) : NULL;
    if (!l || !t)
        return;
    l->type = e->type == RELEASE_TYPE_unknown ? -1 : (int)e->type;
    l->size = e->size;
    l->alloc = (struct moment){ev->time, error};
    l->alloc_took = e->took > 0 ? e->took : 0;
    l->alloc_tid = ev->tid;
    if (t->bo_domain >= 0 && t->bo_began >= began && t->bo_t <= ev->time) {
        l->bo_domain = t->bo_domain;
        l->bo_size = t->bo_size;
    }
    t->bo_domain = -1;
    journey_settle(j, id);
}

static void guest_push(struct journeys *j, const struct tap_event *ev, uint64_t error)
{
    const struct fields_guest_push *e = FIELDS(ev, guest_push);
    struct life *l;
    struct id *id;

    if (!e->release_id) {
        j->sum.unknown_pushes++;
        return;
    }
    id = journey_id(j, j->device < 0 ? 0 : (uint64_t)j->device, e->release_id);
    l = id ? guest_life(j, id, journey_began(ev->time, e->took), 0, error) : NULL;
    if (l && l->push_begin.t) /* a life is pushed once: a free and an allocation are missing */
        l = next_guest_life(j, id, journey_began(ev->time, e->took), error);
    if (!l)
        return;
    l->push_begin = (struct moment){journey_began(ev->time, e->took), error};
    l->push_end = (struct moment){ev->time, error};
    l->push_result = e->result;
    journey_settle(j, id);
}

static void guest_free(struct journeys *j, const struct tap_event *ev, uint64_t error)
{
    const struct fields_guest_free *e = FIELDS(ev, guest_free);
    struct life *l;
    struct id *id;

    if (!e->release_id)
        return;
    id = journey_id(j, j->device < 0 ? 0 : (uint64_t)j->device, e->release_id);
    l = id ? guest_life(j, id, 0, ev->time, error) : NULL;
    if (!l)
        return;
    if (l->type < 0 && e->type != RELEASE_TYPE_unknown)
        l->type = (int)e->type;
    l->freed = true;
    l->gave_up = !e->reclaimed;
    l->free = (struct moment){ev->time, error};
    l->free_tid = ev->tid;
    journey_settle(j, id);
}

void journey_guest(struct journeys *j, const struct tap_event *ev, uint64_t error)
{
    j->guest_is_there = true;
    j->sum.guest_events++;
    if (error > j->sum.worst_error)
        j->sum.worst_error = error;
    switch (ev->kind) {
    case EV_guest_bo:
        guest_bo(j, ev);
        break;
    case EV_guest_alloc:
        guest_alloc(j, ev, error);
        break;
    case EV_guest_push:
        guest_push(j, ev, error);
        break;
    case EV_guest_free:
        guest_free(j, ev, error);
        break;
    default:
        break;
    }
}
