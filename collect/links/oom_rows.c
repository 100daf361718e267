/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports as rows, one for each. docs/journeys.md describes them. */
#include <stdlib.h>

#include "links/oom_state.h"

#define COLUMNS(C)                                                                                 \
    C(notify, UNSIGNED, "", ALWAYS, _, "number of the report")                                     \
    C(wait, UNSIGNED, "", MAYBE, _, "number of the wait that reported it")                         \
    C(notify_of_wait, UNSIGNED, "", MAYBE, _, "which report of this wait, from 1")                 \
    C(wait_tid, UNSIGNED, "", MAYBE, _, "the guest's thread")                                      \
    C(wait_release, HEX, "", MAYBE, _, "the release whose fence it waited for")                    \
    C(wait_begin, UNSIGNED, "ns", MAYBE, _, "when the wait began")                                 \
    C(wait_end, UNSIGNED, "ns", MAYBE, _, "when it ended")                                         \
    C(asked, TEXT, "", MAYBE, _, "what the guest waited for: bo, release or delete")               \
    C(asked_domain, ENUM, "", MAYBE, guest_domain, "of what it asked for")                         \
    C(asked_size, UNSIGNED, "bytes", MAYBE, _, "of what it asked for")                             \
    C(asked_result, SIGNED, "", MAYBE, _, "what the request returned")                             \
    C(guest_oom_begin, UNSIGNED, "ns", MAYBE, _, "when the guest began the report")                \
    C(guest_oom_end, UNSIGNED, "ns", MAYBE, _, "when it ended")                                    \
    C(io_write, UNSIGNED, "ns", MAYBE, _, "when QEMU had the I/O write")                           \
    C(spice_oom, UNSIGNED, "ns", MAYBE, _, "when QEMU passed the report to the server")            \
    C(episode, UNSIGNED, "", MAYBE, _, "number of the server's episode")                           \
    C(oom_begin, UNSIGNED, "ns", MAYBE, _, "when the server began to free memory")                 \
    C(flushes, UNSIGNED, "", MAYBE, _, "calls of flush_resources")                                 \
    C(flushed, UNSIGNED, "", MAYBE, _, "releases that they pushed")                                \
    C(free_some, UNSIGNED, "ns", MAYBE, _, "when the server began to evict")                       \
    C(glz_freed, UNSIGNED, "", MAYBE, _, "drawables that left a glz dictionary")                   \
    C(evicted, UNSIGNED, "", MAYBE, _, "drawables")                                                \
    C(releases, UNSIGNED, "", MAYBE, _, "released to the guest")                                   \
    C(oom_end, UNSIGNED, "ns", MAYBE, _, "when the server was done")                               \
    C(res_push, UNSIGNED, "ns", MAYBE, _, "when QEMU first pushed its release ring")               \
    C(pushed, UNSIGNED, "", MAYBE, _, "releases that QEMU pushed")                                 \
    C(reclaim_first, UNSIGNED, "ns", MAYBE, _, "when the guest had the first of these back")       \
    C(reclaim_last, UNSIGNED, "ns", MAYBE, _, "when it had the last")                              \
    C(reclaimed, UNSIGNED, "", MAYBE, _, "releases that the guest had back")                       \
    C(gc, UNSIGNED, "ns", MAYBE, _, "when the guest's collection of them ended")                   \
    C(outcome, TEXT, "", ALWAYS, _, "what the guest got")                                          \
    C(complete, FLAG, "", ALWAYS, _, "each link of the outcome is there")                          \
    C(why, TEXT, "", MAYBE, _, "why it is not complete")                                           \
    C(order, TEXT, "", ALWAYS, _, "ok, within_error or violated")                                  \
    C(error, UNSIGNED, "ns", MAYBE, _, "bound on the error of the guest's times")

LINK_COLUMNS(COLUMNS);

const struct schema oom_schema = {"oom", "each time that the guest reported out of memory", columns,
                                  AT_COUNT};

const char *const oom_whys[OOM_WHYS] = {
#define W(name) #name,
    WHYS_OF_OOM(W)
#undef W
};

const char *const oom_outcomes[OUTCOMES] = {"memory", "nothing", "release_ring_not_empty",
                                            "unknown"};

static void later(enum link_order *order, uint64_t a, uint64_t b, uint64_t error)
{
    if (!a || !b || a <= b)
        return;
    if (a - b > error)
        *order = ORDER_VIOLATED;
    else if (*order == ORDER_OK)
        *order = ORDER_WITHIN_ERROR;
}

static enum link_order order_of(const struct oom_notify *n)
{
    const struct oom_episode *e = n->episode;
    const struct oom_wait *w = n->wait;
    enum link_order order = ORDER_OK;

    if (w) {
        later(&order, w->begin, n->guest_begin, n->error);
        later(&order, n->guest_end, w->end, n->error);
    }
    later(&order, n->guest_begin, n->io_write, n->error);
    later(&order, n->io_write, n->guest_end, n->error);
    later(&order, n->io_write, n->spice_oom, 0);
    if (e) {
        later(&order, n->spice_oom, e->end, 0);
        later(&order, e->begin, e->push, 0);
        later(&order, e->push, e->end, 0);
        later(&order, e->push, e->reclaim_first, n->error);
    }
    return order;
}

static enum oom_outcome outcome_of(const struct oom_notify *n)
{
    const struct oom_episode *e = n->episode;

    if (n->io_write && !n->spice_oom)
        return RING_NOT_EMPTY;
    if (!e || !e->end)
        return UNKNOWN;
    return e->pushed ? GOT_MEMORY : GOT_NOTHING;
}

static enum oom_why missing(const struct oom *s, const struct oom_notify *n, bool at_end)
{
    const struct oom_episode *e = n->episode;

    if (!n->io_write)
        return OOM_no_io_write;
    if (n->spice_oom && !e)
        return at_end ? OOM_open_at_end : OOM_no_oom_begin;
    if (n->spice_oom && (!e->end || !e->flushes))
        return at_end ? OOM_open_at_end : OOM_no_oom_end;
    if (!s->guest)
        return OOM_no_guest;
    if (!n->on_guest)
        return s->guest_ooms ? OOM_no_guest_oom : OOM_began_before;
    if (!n->wait)
        return s->waits_seen ? OOM_no_wait : OOM_began_before;
    if (!n->wait->end)
        return at_end ? OOM_open_at_end : OOM_no_wait_end;
    if (e && e->named && e->reclaimed < e->named)
        return at_end ? OOM_open_at_end : OOM_no_reclaim;
    return OOM_none;
}

static void wait_cells(struct row *r, const struct oom_wait *w)
{
    row_set(r, AT_wait, w->number);
    row_set(r, AT_wait_tid, w->tid);
    row_known(r, AT_wait_release, w->release);
    row_set(r, AT_wait_begin, w->begin);
    row_known(r, AT_wait_end, w->end);
    if (!w->asked)
        return;
    row_text(r, AT_asked,
             w->asked == EV_guest_bo       ? "bo"
             : w->asked == EV_guest_delete ? "delete"
                                           : "release");
    if (w->asked != EV_guest_alloc)
        row_set(r, AT_asked_domain, w->domain);
    row_set(r, AT_asked_size, w->size);
    row_set(r, AT_asked_result, (uint64_t)w->result);
}

static void episode_cells(struct row *r, const struct oom_episode *e)
{
    row_set(r, AT_episode, e->number);
    row_set(r, AT_oom_begin, e->begin);
    row_set(r, AT_flushes, e->flushes);
    row_set(r, AT_flushed, e->flushed);
    row_known(r, AT_free_some, e->free_some);
    row_set(r, AT_glz_freed, e->glz);
    row_set(r, AT_evicted, e->evicted);
    row_set(r, AT_releases, e->releases);
    row_known(r, AT_oom_end, e->end);
    row_known(r, AT_res_push, e->push);
    row_set(r, AT_pushed, e->pushed);
    row_known(r, AT_reclaim_first, e->reclaim_first);
    row_known(r, AT_reclaim_last, e->reclaim_last);
    row_set(r, AT_reclaimed, e->reclaimed);
    row_known(r, AT_gc, e->gc);
}

static void put_row(const struct oom *s, const struct oom_notify *n, enum oom_why why)
{
    struct row row, *r = &row;

    row_clear(r, &oom_schema);
    row_set(r, AT_notify, n->number);
    if (n->wait) {
        wait_cells(r, n->wait);
        row_set(r, AT_notify_of_wait, n->nth);
    }
    row_known(r, AT_guest_oom_begin, n->guest_begin);
    row_known(r, AT_guest_oom_end, n->guest_end);
    row_known(r, AT_io_write, n->io_write);
    row_known(r, AT_spice_oom, n->spice_oom);
    if (n->episode)
        episode_cells(r, n->episode);
    row_text(r, AT_outcome, oom_outcomes[outcome_of(n)]);
    row_set(r, AT_complete, !why);
    row_text(r, AT_why, why ? oom_whys[why] : NULL);
    row_text(r, AT_order, link_orders[order_of(n)]);
    row_bounded(r, AT_error, n->error);
    row_put(s->rows, r);
}

static void take_head(struct oom *s)
{
    struct oom_notify *n = s->head;

    s->head = n->next;
    if (!s->head)
        s->tail = NULL;
    s->open_rows.count--;
    if (n->wait) {
        n->wait->users--;
        oom_drop_wait(n->wait);
    }
    if (n->episode) {
        n->episode->users--;
        oom_drop_episode(n->episode);
    }
    free(n);
}

void oom_put(struct oom *s, enum oom_why_now now)
{
    const struct oom_notify *n = s->head;
    enum oom_why why = missing(s, n, now == OOM_AT_END);
    bool violated = order_of(n) == ORDER_VIOLATED;

    if (why > OOM_too_many_open && n->losses != s->losses)
        why = OOM_loss;
    if (why > OOM_too_many_open && now == OOM_GIVEN_UP)
        why = OOM_too_many_open;
    if (!why && violated)
        why = OOM_order;
    s->why_count[why]++;
    s->outcome_count[outcome_of(n)]++;
    s->complete += !why;
    s->violated += violated;
    s->with_wait += n->wait != NULL;
    s->asked_known += n->wait && n->wait->asked;
    s->deleting += n->wait && n->wait->asked == EV_guest_delete;
    put_row(s, n, why);
    take_head(s);
}

bool oom_is_ready(const struct oom *s, const struct oom_notify *n)
{
    if (s->time > n->at && s->time - n->at > OOM_PATIENCE)
        return true;
    return n->next && n->wait && !n->wait->listed && !missing(s, n, false);
}
