/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "report/explain.h"

enum { WIDTH = 98, ON_PAGE = 4 };

/* A sentence behind its reference, folded at the page's width. */
static void print_sentence(struct sayer *s, const struct sentence *what)
{
    const char *p = what->text;
    int column = printf("  [%s] ", what->ref), indent = 9;

    (void)s;
    for (; column < indent; column++)
        putchar(' ');
    while (*p) {
        size_t word = strcspn(p, " ");

        if (column + (int)word > WIDTH && column > indent)
            column = printf("\n%*s", indent, "") - 1;
        for (size_t i = 0; i < word; i++)
            putchar(iscntrl((unsigned char)p[i]) ? '?' : p[i]);
        column += (int)word + 1;
        p += word;
        if (*p) {
            putchar(' ');
            p++;
        }
    }
    putchar('\n');
}

static void print_head(const struct model *x)
{
    const struct facts *f = x->facts;

    printf("%s: %.1f s, %" PRIu64 " events, ", x->run, x->seconds, f->events);
    if (f->all_losses)
        printf("%" PRIu64 " lost in %" PRIu64 " places", f->lost, f->all_losses);
    else
        printf("none lost");
    printf(
        "\nEach sentence rests on events: spicetap explain RUN --events REFERENCE lists them.\n");
}

static int longest_first(const void *a, const void *b)
{
    const struct model_episode *const *e = a, *const *g = b;

    return ((*e)->stalled < (*g)->stalled) - ((*e)->stalled > (*g)->stalled);
}

static void print_episodes(const struct model *x, struct sayer *s)
{
    uint32_t n = model_episodes(x);
    const struct model_episode **all = calloc(n + 1, sizeof(*all));

    printf("\nMemory\n");
    say_episodes(x, s);
    for (uint32_t i = 0; all && i < n; i++)
        all[i] = &x->memory.episodes[i];
    if (all)
        qsort(all, n, sizeof(*all), longest_first);
    for (uint32_t i = 0; all && i < n && i < 1; i++)
        say_episode(x, all[i], s);
    if (n > 1)
        printf("         That one lasted longest; --episode N shows another of the %u.\n", n);
    free(all);
}

static bool is_clips(const struct model *x, const struct model_stream *t)
{
    const struct model_region *clip = model_clip(x);
    uint32_t off;

    return clip && t->display == clip->display && region_near(t->box, clip->box, &off);
}

/* The clip's first: that is what is asked. */
static void print_streams(const struct model *x, struct sayer *s)
{
    uint32_t n = x->streams.count < MODEL_STREAMS ? x->streams.count : MODEL_STREAMS, shown = 0;

    printf("\nStreams\n");
    say_streams(x, s);
    for (int others = 0; others < 2; others++)
        for (uint32_t i = 1; i <= n && shown < ON_PAGE; i++) {
            if (is_clips(x, model_stream(x, i)) == others)
                continue;
            putchar('\n');
            say_stream(x, model_stream(x, i), s);
            shown++;
        }
    if (x->streams.count > shown)
        printf("\n         and %u more: --stream N, up to %u\n", x->streams.count - shown, n);
}

static void print_regions(const struct model *x, struct sayer *s)
{
    uint32_t shown = 0;

    printf("\nPlaces redrawn like a video\n");
    say_regions(x, s);
    for (int others = 0; others < 2; others++)
        for (uint32_t i = 1; i <= x->regions.count && shown < ON_PAGE; i++) {
            if ((i == x->regions.clip) == others)
                continue;
            putchar('\n');
            say_region(x, model_kept(x, i), s);
            shown++;
        }
    if (x->regions.count > shown)
        printf("\n         and %u more: --region N, up to %u\n", x->regions.count - shown,
               x->regions.count);
}

static void print_page(const struct model *x, struct sayer *s)
{
    print_head(x);
    print_episodes(x, s);
    print_streams(x, s);
    print_regions(x, s);
    printf("\nThroughput\n");
    say_traffic(x, s);
    printf("\nHypotheses\n");
    for (int h = 1; h <= HYPOTHESES; h++)
        say_hypothesis(x, h, s);
}

static int none(const char *what, uint32_t id)
{
    fprintf(stderr, "spicetap explain: this run has no %s %u\n", what, id);
    return EXIT_USAGE;
}

static int print_at(const struct model *x, const struct explain_options *o, struct sayer *s)
{
    uint64_t t = x->start + (uint64_t)(o->at * 1e9);

    for (uint32_t i = 1; i <= x->streams.count && i <= MODEL_STREAMS; i++)
        if (model_stream(x, i)->born <= t && model_stream(x, i)->died >= t)
            say_stream(x, model_stream(x, i), s);
    for (uint32_t i = 1; i <= model_episodes(x); i++)
        if (model_episode(x, i)->from <= t && model_episode(x, i)->to >= t)
            say_episode(x, model_episode(x, i), s);
    printf("\nEvents within 50 ms, coincident if nothing more joins them:\n");
    return explain_events(x, o);
}

int explain_text(const struct model *x, const struct explain_options *o)
{
    struct sayer s = {.say = print_sentence,
                      .deep = o->stream || o->episode || o->region || o->at >= 0};

    if (o->at >= 0)
        return print_at(x, o, &s);
    if (o->stream && !model_stream(x, o->stream))
        return none("stream", o->stream);
    if (o->episode && !model_episode(x, o->episode))
        return none("episode", o->episode);
    if (o->region && !model_kept(x, o->region))
        return none("region", o->region);
    if (o->stream)
        say_stream(x, model_stream(x, o->stream), &s);
    if (o->episode)
        say_episode(x, model_episode(x, o->episode), &s);
    if (o->region)
        say_region(x, model_kept(x, o->region), &s);
    if (!s.deep)
        print_page(x, &s);
    return EXIT_DONE;
}
