/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules over one out-of-memory episode. */
#include "explain/explain.h"
#include "explain/presence.h"

static struct finding of_episode(const struct model *x, const struct model_episode *e,
                                 enum rule rule, unsigned offset, const char *verdict)
{
    struct finding f = finding_new(x, rule, e->id, offset, verdict);

    put_display(&f, x, e->display);
    return f;
}

/* Losses inside the episode put all its counts in doubt. */
static void doubt_own_losses(struct finding *f, const struct model_episode *e)
{
    if (!e->losses || f->unsure)
        return;
    doubt_lost(f, UNSURE_LOST, e->lost, e->losses);
    put_evidence(
        f, (struct select){
               .kinds = {EV_loss}, .from = e->from, .to = e->until, .rule = SELECT_HOST_LOSS});
    put_evidence(
        f, (struct select){
               .kinds = {EV_loss}, .from = e->from, .to = e->until, .rule = SELECT_GUEST_LOSS});
}

static void course(const struct model *x, const struct model_episode *e, struct finder *s)
{
    uint64_t until = e->until > e->to ? e->until : e->to;
    bool covered = presence_of_waits(x, e->from, until);
    struct finding f = of_episode(x, e, RULE_EPISODE_COURSE, 0,
                                  !covered    ? "at_least"
                                  : e->waited ? "waited"
                                              : "no_wait");

    put_time(&f, "from_ns", e->from);
    put_count(&f, "calls", e->notifies ? e->notifies : e->ooms);
    if (!covered)
        put_span(&f, "stalled_ns", e->stalled);
    else if (e->waited)
        put_span(&f, "waited_ns", e->waited);
    if (e->resumed > e->from)
        put_span(&f, "resumed_after_ns", e->resumed - e->from);
    put_evidence(&f, (struct select){.episode = e->id,
                                     .kinds = {EV_qxl_io_write, EV_oom_begin, EV_oom_end, EV_cmd}});
    if (covered)
        put_evidence(&f, (struct select){.kinds = {EV_guest_wait_begin, EV_guest_wait_end},
                                         .from = e->from,
                                         .to = until,
                                         .rule = SELECT_COUNTS});
    doubt_own_losses(&f, e);
    s->found(s, &f);
}

/* What the server did. A call that reached no oom_begin was not answered, or not recorded. */
static void answer(const struct model *x, const struct model_episode *e, struct finder *s)
{
    struct finding f = of_episode(x, e, RULE_EPISODE_ANSWER, 0,
                                  !e->sized    ? "none"
                                  : e->evicted ? "evicted"
                                               : "released");

    if (e->sized) {
        put_count(&f, "answers", e->ooms);
        put_count(&f, "drawables", e->drawables);
        put_bytes(&f, "held_bytes", e->held_bytes);
        put_count(&f, "on_screen", e->current);
        put_count(&f, "in_dictionary", e->glz);
        put_count(&f, "waiting", e->pipes);
        put_count(&f, "released", e->flushed);
        put_evidence(&f, (struct select){
                             .episode = e->id,
                             .kinds = {EV_oom_begin, EV_flush_resources, EV_evict, EV_trace_add}});
    }
    if (e->evicted) {
        put_count(&f, "evicted", e->evicted);
        put_count(&f, "streamable", e->streamable);
        put_count(&f, "of_streams", e->of_streams);
        put_count(&f, "overwritten", e->overwritten);
        put_count(&f, "overwrote_young", e->usable);
        put_span(&f, "young_ns", MODEL_MAX_DELTA);
    }
    doubt_own_losses(&f, e);
    presence_of_probe(&f, x, e->sized ? EV_evict : EV_oom_begin);
    s->found(s, &f);
}

static void victims(const struct model *x, const struct model_episode *e, struct finder *s)
{
    for (unsigned i = 0; i < 4 && e->victims[i]; i++) {
        struct finding f = of_episode(x, e, RULE_EPISODE_VICTIM, i, "found");

        put_count(&f, "entries", e->victim_slots[i]);
        put_id(&f, "region", UNIT_REGION, e->victims[i]);
        put_evidence(&f, (struct select){.episode = e->id,
                                         .kinds = {EV_trace_add},
                                         .other_region = e->victims[i]});
        s->found(s, &f);
    }
}

/* If the clock cannot place a request in one episode, the findings about that request are unsure.
 */
static void guests_side(const struct model *x, const struct model_episode *e, struct finder *s)
{
    struct finding f;

    if (e->asked || e->unsure) {
        f = of_episode(x, e, RULE_EPISODE_ASKED, 0,
                       !e->asked                           ? "inconclusive"
                       : e->domain == GUEST_DOMAIN_vram    ? "ram"
                       : e->domain == GUEST_DOMAIN_surface ? "vram"
                                                           : "other");
        if (e->asked)
            put_bytes(&f, "asked_bytes", e->asked_bytes);
        if (e->asked)
            put_evidence(
                &f, (struct select){.kinds = {EV_guest_bo}, .episode = e->id, .rule = SELECT_ASK});
        if (e->unsure) {
            f.unsure = UNSURE_CLOCK;
            put_span(&f, "clock_error_ns", e->unsure_error);
        }
        s->found(s, &f);
    }
    if (e->deletes) {
        f = of_episode(x, e, RULE_EPISODE_DELETES, 0, e->asked ? "beside" : "alone");
        put_count(&f, "deletes", e->deletes);
        put_evidence(&f, (struct select){.kinds = {EV_guest_delete}, .episode = e->id});
        s->found(s, &f);
    }
}

void find_episode(const struct model *x, const struct model_episode *e, struct finder *s)
{
    course(x, e, s);
    answer(x, e, s);
    victims(x, e, s);
    guests_side(x, e, s);
}
