/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which things a page shows, and in which order. */
#include "explain/explain.h"
#include "explain/presence.h"

enum { STREAMS_ON_PAGE = 4, PLACES_ON_PAGE = 4, ALTERNATES_ON_PAGE = 2 };

static uint32_t streams_kept(const struct model *x)
{
    return x->streams.kept.count;
}

void find_all(const struct model *x, struct finder *s)
{
    find_memory(x, s);
    for (uint32_t i = 1; i <= model_episodes(x); i++)
        find_episode(x, model_episode_at(x, i), s);
    find_streams(x, s);
    for (uint32_t i = 1; i <= streams_kept(x); i++)
        find_stream(x, model_stream_at(x, i), s);
    find_places(x, s);
    for (uint32_t i = 1; i <= x->regions.kept.count; i++)
        find_place(x, model_kept(x, i), s);
    find_alternates(x, s);
    for (uint32_t i = 1; i <= x->alternates.kept; i++)
        find_alternate(x, alternates_kept(&x->alternates, i), s);
    find_throughput(x, s);
    for (int h = 1; h <= HYPOTHESES; h++)
        find_hypothesis(x, h, s);
}

static void more(const struct model *x, enum rule rule, const char *verdict, uint32_t all,
                 uint32_t shown, uint32_t last, struct finder *s)
{
    struct finding f = finding_new(x, rule, 0, 0, verdict);

    if (all <= shown)
        return;
    put_count(&f, "more", all - shown);
    put_count(&f, "last", last);
    s->found(s, &f);
}

/* All of them together, and the longest: by the guest's own events where there are any. */
static void page_memory(const struct model *x, struct finder *s)
{
    bool none_held = presence_of_waits(x, x->start, x->end) && !x->waits.guest.longest;
    const struct model_episode *longest = NULL;

    find_memory(x, s);
    for (uint32_t i = 1; i <= model_episodes(x); i++) {
        const struct model_episode *e = model_episode_at(x, i);

        if (!longest || e->waited > longest->waited ||
            (e->waited == longest->waited && e->stalled > longest->stalled))
            longest = e;
    }
    if (longest)
        find_episode(x, longest, s);
    more(x, RULE_EPISODES_MORE, none_held ? "none_held" : "more", bounded_all(&x->memory.kept),
         longest != NULL, model_episodes(x), s);
}

static bool is_clips(const struct model *x, const struct model_stream *t)
{
    const struct model_region *clip = model_clip(x);
    uint32_t off;

    return clip && t->display == clip->display && boxes_alike(t->box, clip->box, &off);
}

/* It still runs, or ended as a video ends: not worth a place on the page. */
static bool is_fine(const struct model_stream *t)
{
    return (t->cause == CAUSE_RUNNING || t->cause == CAUSE_GUEST_IDLE) && !t->losses &&
           !(t->also & (ALSO_REFUSED | ALSO_DROPS));
}

/* The clip's, then those with something wrong; one at least. */
static void page_streams(const struct model *x, struct finder *s)
{
    uint32_t shown = 0;

    find_streams(x, s);
    for (int rank = 0; rank < 3; rank++)
        for (uint32_t i = 1; i <= streams_kept(x) && shown < STREAMS_ON_PAGE; i++) {
            const struct model_stream *t = model_stream_at(x, i);
            int its = is_clips(x, t) ? 0 : !is_fine(t) ? 1 : 2;

            if (its != rank || (rank == 2 && shown))
                continue;
            find_stream(x, t, s);
            shown++;
        }
    more(x, RULE_STREAMS_MORE, "more", bounded_all(&x->streams.kept), shown, streams_kept(x), s);
}

/* The clip, then those that were mostly not sent as video; one at least. */
static void page_places(const struct model *x, struct finder *s)
{
    uint32_t shown = 0;

    find_places(x, s);
    for (int rank = 0; rank < 3; rank++)
        for (uint32_t i = 1; i <= x->regions.kept.count && shown < PLACES_ON_PAGE; i++) {
            const struct model_region *r = model_kept(x, i);
            int its = i == x->regions.clip ? 0 : r->out[OUT_STREAMED] * 2 < r->draws ? 1 : 2;

            if (its != rank || (rank == 2 && shown))
                continue;
            find_place(x, r, s);
            shown++;
        }
    more(x, RULE_PLACES_MORE, "more", x->regions.kept.count, shown, x->regions.kept.count, s);
}

/* The costliest. None, where no place was redrawn like a video either. */
static void page_alternates(const struct model *x, struct finder *s)
{
    uint32_t kept = x->alternates.kept,
             shown = kept < ALTERNATES_ON_PAGE ? kept : ALTERNATES_ON_PAGE;

    find_alternates(x, s);
    for (uint32_t i = 1; i <= shown; i++)
        find_alternate(x, alternates_kept(&x->alternates, i), s);
    more(x, RULE_ALTERNATE_MORE, "more", kept, shown, kept, s);
}

void find_page(const struct model *x, struct finder *s)
{
    find_short(x, s);
    page_memory(x, s);
    page_streams(x, s);
    page_places(x, s);
    page_alternates(x, s);
    find_throughput(x, s);
}

void find_at(const struct model *x, uint64_t time, struct finder *s)
{
    for (uint32_t i = 1; i <= streams_kept(x); i++)
        if (model_stream_at(x, i)->born <= time && model_stream_at(x, i)->died >= time)
            find_stream(x, model_stream_at(x, i), s);
    for (uint32_t i = 1; i <= model_episodes(x); i++)
        if (model_episode_at(x, i)->from <= time && model_episode_at(x, i)->to >= time)
            find_episode(x, model_episode_at(x, i), s);
}
