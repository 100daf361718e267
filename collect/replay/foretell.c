/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/foretell.h"
#include "replay/prove.h"
#include "replay/sight.h"

/* No event shows when a stream's frame leaves the tree. Here it leaves when a draw covers its box.
 */
static void leave_unseen(struct replay_display *d, const struct drawable *cover)
{
    for (size_t i = 0; i < d->tree_count;) {
        struct drawable *p = d->tree[i];

        if (!rect_holds(&cover->box, &p->box) || p == cover ||
            detector_leaves_trace(&d->detectors[0], p)) {
            i++;
            continue;
        }
        d->replay->inferred++;
        replay_leave(d, p, REMOVE_REASON_obscured, 1);
    }
}

void foretell_leave_older(struct replay_display *d, const struct drawable *than, unsigned reason)
{
    for (size_t i = 0; i < d->tree_count && d->tree[i] != than;) {
        if (detector_leaves_trace(&d->detectors[0], d->tree[i]))
            i++;
        else
            replay_leave(d, d->tree[i], reason, 1);
    }
}

void foretell_time_out(struct replay_display *d, uint64_t now)
{
    const uint64_t dispatch =
        10000000; /* ns; red_process_display, server/red-worker.cpp: longest it takes commands */

    for (unsigned k = 1; k < d->replay->detectors; k++) {
        struct detector *det = &d->detectors[k];

        for (unsigned i = 0; i < det->running;) {
            int at = det->order[i];
            uint64_t due = det->streams[at].last + det->constants.timeout;

            if (now < due || (d->busy && now < due + dispatch)) {
                i++;
                continue;
            }
            det->now = due;
            detector_stop(det, at, STOP_REASON_timeout);
            det->now = now;
        }
    }
}

void foretell_draw_over(struct replay_display *d, const struct drawable *c)
{
    for (unsigned k = 1; k < d->replay->detectors; k++)
        for (unsigned i = 0; i < d->detectors[k].running; i++) {
            int at = d->detectors[k].order[i];
            const struct drawable *p = d->detectors[k].streams[at].current;

            if (p && p->of[0].stream < 0 && rect_meets(&c->box, &p->box))
                detector_detach(&d->detectors[k], at, DETACH_REASON_overlap);
        }
}

static void look_everywhere(struct replay_display *d)
{
    struct group *g = &d->group;

    if (g->opaque)
        leave_unseen(d, g->candidate);
    for (unsigned k = 1; !g->equal && g->opaque && k < d->replay->detectors; k++)
        detector_look(&d->detectors[k], g->candidate);
}

void foretell_group(struct replay_display *d)
{
    struct group *g = &d->group;

    for (size_t i = 0; i <= g->count; i++) {
        const struct tap_event *ev = i < g->count ? &g->items[i] : NULL;
        struct drawable *p = ev && ev->kind == EV_trace_add
                                 ? display_find(d, FIELDS(ev, trace_add)->drawable)
                                 : NULL;

        if (i == g->insert)
            look_everywhere(d);
        if (ev)
            sight_set_time(d, ev->time);
        for (unsigned k = 1; ev && g->met_at[i] && k < d->replay->detectors; k++)
            detector_meet(&d->detectors[k], g->candidate, g->met_at[i]);
        if (p) {
            if (FIELDS(ev, trace_add)->reason == REMOVE_REASON_drawn)
                foretell_leave_older(d, p, REMOVE_REASON_drawn);
            replay_leave(d, p, (unsigned)FIELDS(ev, trace_add)->reason, 1);
        }
        if (ev && ev->kind == EV_stream_detach &&
            FIELDS(ev, stream_detach)->reason != DETACH_REASON_next_frame &&
            FIELDS(ev, stream_detach)->reason != DETACH_REASON_stopping)
            replay_detach(d, ev);
    }
}
