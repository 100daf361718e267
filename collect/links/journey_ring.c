/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's release ring. The destructor that fires `release` calls interface_release_resource() in
 * the same thread. That reports qxl_ring_res_put with the number of releases in the chain.
 * qxl_ring_res_push reports how many are pushed: the whole chain. Where these counts differ from
 * ours, nothing is linked. Releases of cursors and surfaces are put too, but no event names them.
 */
#include "links/journey_state.h"

void journey_drop_chain(struct journeys *j, uint64_t t)
{
    struct life *l = j->chain_head;

    if (t)
        j->push_named = j->chain_named;
    j->chain_head = j->chain_tail = NULL;
    j->chain = j->chain_named = 0;
    while (l) {
        struct life *next = l->chain;
        struct id *id = journey_known_id(j, l->display, l->id);

        if (t) {
            l->res_push = t;
            l->res_push_number = j->push_number;
        }
        l->in_chain = false;
        l->chain = NULL;
        if (id)
            journey_settle(j, id);
        l = next;
    }
}

void journey_res_put(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_qxl_ring_res_put *e = FIELDS(ev, qxl_ring_res_put);
    struct thread *t = journey_thread(j, SOURCE_SPICE, ev->tid);
    struct life *l = t ? t->releasing : NULL;

    if (!t || (j->device >= 0 && e->qid != j->device))
        return;
    t->releasing = NULL;
    if (e->freed == 1 && j->chain) {
        journey_drop_chain(j, 0); /* a reset, or a lost push */
        j->chain_sound = true;
    } else if (e->freed == 1) {
        j->chain_sound = true;
    }
    if (++j->chain != e->freed) {
        j->chain_sound = false;
        j->chain = e->freed;
    }
    if (!l)
        return;
    l->put = ev->time;
    l->chain = NULL;
    if (j->chain_tail)
        j->chain_tail->chain = l;
    else
        j->chain_head = l;
    j->chain_tail = l;
    j->chain_named++;
}

void journey_res_push(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_qxl_ring_res_push *e = FIELDS(ev, qxl_ring_res_push);
    bool sound = j->chain_sound && e->freed == j->chain;

    if (j->device >= 0 && e->qid != j->device)
        return;
    j->sum.pushes++;
    j->sum.pushes_not_tied += !sound;
    j->push_number++;
    j->push_named = 0;
    journey_drop_chain(j, sound ? ev->time : 0);
    j->chain_sound = true;
}

void journey_not_put(struct journeys *j, struct thread *t)
{
    struct life *l = t->releasing;
    struct id *id = journey_known_id(j, l->display, l->id);

    t->releasing = NULL;
    l->in_chain = false;
    if (id)
        journey_settle(j, id);
}
