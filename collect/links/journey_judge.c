/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a life: whether it is whole, and why not. */
#include <stdlib.h>

#include "links/journey_state.h"

enum end { END_RELEASED, END_EVICTED, END_GAVE_UP, END_OPEN, END_BEGAN_BEFORE, END_NOT_SEEN };
const char *const journey_ends[JOURNEY_ENDS] = {
    [END_RELEASED] = "released",         [END_EVICTED] = "evicted",
    [END_GAVE_UP] = "guest_gave_up",     [END_OPEN] = "open_at_end",
    [END_BEGAN_BEFORE] = "began_before", [END_NOT_SEEN] = "not_seen",
};

/* a must not be later than b. */
static void order_of(struct journeys *j, struct life *l, struct moment a, struct moment b)
{
    uint64_t bound = a.error + b.error;

    if (bound < a.error)
        bound = UINT64_MAX;
    if (!a.t || !b.t || a.t <= b.t)
        return;
    if (a.t - b.t <= bound) {
        if (a.t - b.t > j->sum.worst_within)
            j->sum.worst_within = a.t - b.t;
        if (l->order == ORDER_OK)
            l->order = ORDER_WITHIN_ERROR;
    } else {
        l->order = ORDER_VIOLATED;
    }
}

/* The order is allocation, push, command, draw, eviction, release, reclaim. */
static void judge_order(struct journeys *j, struct life *l)
{
    struct moment cmd = {l->cmd, 0}, draw = {l->draw, 0}, evict = {l->evict, 0};
    struct moment release = {l->release, 0}, alloc = l->alloc;

    if (alloc.t)
        alloc.t -= (uint64_t)l->alloc_took < alloc.t ? (uint64_t)l->alloc_took : 0;
    order_of(j, l, alloc, l->push_begin);
    order_of(j, l, alloc, l->free);
    order_of(j, l, l->push_begin, cmd.t ? cmd : draw);
    order_of(j, l, cmd, draw);
    order_of(j, l, draw, evict);
    order_of(j, l, draw, release);
    order_of(j, l, evict, release);
    order_of(j, l, release.t ? release : draw.t ? draw : cmd, l->free);
    if (l->push_result >= 0)
        order_of(j, l, l->push_begin, l->free);
}

static bool is_drawable(const struct life *l)
{
    return l->type == RELEASE_TYPE_drawable ||
           (l->type < 0 && (l->cmd_type == QXL_CMD_draw || l->draw));
}

/* What is missing first, in the order of the journey; or the loss that may hide it. */
static enum journey_why missing(const struct journeys *j, const struct life *l)
{
    bool guest = j->losses[SOURCE_GUEST] != l->loss_marks[SOURCE_GUEST];
    bool spice = j->losses[SOURCE_SPICE] != l->loss_marks[SOURCE_SPICE];

    if (l->gave_up && !l->push_begin.t && !l->on_server)
        return l->alloc.t ? WHY_none : guest ? WHY_loss_guest : WHY_no_alloc;
    if (!l->alloc.t)
        return guest ? WHY_loss_guest : WHY_no_alloc;
    if (!l->push_begin.t)
        return guest ? WHY_loss_guest : WHY_no_push;
    if (l->push_result < 0)
        return l->gave_up && !l->on_server ? WHY_none : WHY_push_failed;
    if (!l->cmd)
        return spice ? WHY_loss_spice : WHY_no_cmd;
    if (is_drawable(l) && !l->draw)
        return spice ? WHY_loss_spice : WHY_no_draw;
    if (is_drawable(l) && !l->release)
        return spice ? WHY_loss_spice : WHY_no_release;
    if (!l->freed)
        return guest ? WHY_loss_guest : WHY_no_free;
    return l->order == ORDER_VIOLATED ? WHY_order : WHY_none;
}

static void judge(const struct journeys *j, const struct id *id, struct life *l, bool at_end)
{
    bool began = l->alloc.t || id->guest_seen, ended = l->freed || l->left;

    /* An id with an earlier life was free in between, so this life was allocated since. */
    l->inside = began && ended && !id->other_device && (l->alloc.t || id->generation > 1);
    l->why = missing(j, l);
    if (!l->why) {
    } else if (!j->guest_is_there) {
        l->why = WHY_no_guest;
    } else if (id->other_device) {
        l->why = WHY_other_device;
    } else if (!l->inside && !ended && at_end) {
        l->why = WHY_open_at_end;
    } else if (!l->inside && !l->alloc.t && l->why == WHY_no_alloc) {
        l->why = WHY_began_before;
    } else if (!l->inside && j->giving_up) {
        l->why = WHY_too_many_open;
    }
    l->whole = !l->why;
}

static enum end end_of(const struct journeys *j, const struct life *l)
{
    if (l->freed && l->gave_up)
        return END_GAVE_UP;
    if (l->evict && (l->release || l->freed))
        return END_EVICTED;
    if (l->freed || l->release)
        return END_RELEASED;
    if (l->left)
        return END_NOT_SEEN;
    return l->alloc.t || l->cmd || !j->guest_is_there ? END_OPEN : END_BEGAN_BEFORE;
}

static void count(struct journeys *j, const struct life *l, enum end end)
{
    struct journey_counts *s = &j->sum;

    s->lives++;
    s->inside += l->inside;
    s->whole += l->inside && l->whole;
    if (l->inside && l->type >= 0 && l->type < 3)
        s->by_type[l->type]++;
    s->by_end[end]++;
    s->reused += l->generation > 1;
    s->order[l->order]++;
    s->violated_inside += l->inside && l->order == ORDER_VIOLATED;
    (l->inside ? s->why_inside : s->why_outside)[l->why]++;
}

void journey_close_head(struct journeys *j, struct id *id, bool at_end)
{
    struct life *l = id->head;
    enum end end;

    id->head = l->next;
    if (!id->head)
        id->tail = NULL;
    if (id->guest == l)
        id->guest = NULL;
    if (id->server == l)
        id->server = NULL;
    id->queued--;
    if (l->group == 0 || (l->group < 0 && !l->on_guest)) { /* not a guest's release */
        j->open_lives.count--;
        free(l);
        return;
    }
    l->generation = ++id->generation;
    judge_order(j, l);
    judge(j, id, l, at_end);
    id->guest_seen |= l->on_guest;
    end = end_of(j, l);
    l->end = journey_ends[end];
    count(j, l, end);
    if (j->closed)
        j->closed(j->context, l);
    j->open_lives.count--;
    free(l);
}

static bool needs_release(const struct life *l)
{
    return is_drawable(l) || (l->type < 0 && l->cmd_type < 0);
}

static bool is_over(const struct life *l)
{
    bool guest = l->freed || l->left;
    bool server = l->passed || l->release || (l->cmd && !needs_release(l)) ||
                  (l->gave_up && (!l->push_begin.t || l->push_result < 0));

    return guest && server && !l->in_chain;
}

void journey_settle(struct journeys *j, struct id *id)
{
    while (id->head && (is_over(id->head) || (id->queued > JOURNEY_QUEUE && !id->head->in_chain &&
                                              id->head != id->tail)))
        journey_close_head(j, id, false);
}
