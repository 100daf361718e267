/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "report/explain.h"
#include "report/sentence.h"

enum { WIDTH = 98, INDENT = 9 };

struct page {
    struct finder finder;
    char object; /* of the last finding */
    uint32_t id;
    bool headings;
};

static const char *const headings[128] = {['i'] = "In short",
                                          ['e'] = "Memory",
                                          ['s'] = "Streams",
                                          ['r'] = "Places redrawn like a video",
                                          ['b'] = "Boxes that alternate",
                                          ['t'] = "Throughput",
                                          ['h'] = "Hypotheses"};

/* A sentence behind its reference, folded at the page's width. */
static void print_folded(const char *ref, const char *p)
{
    int column = printf("  [%s]", ref);

    for (; column < INDENT - 1; column++)
        putchar(' ');
    for (size_t word; *p; p += word) {
        p += *p == ' ';
        word = strcspn(p, " ");
        if (column >= INDENT && column + 1 + (int)word > WIDTH)
            column = printf("\n%*s", INDENT, "") - 1;
        else
            column += printf(" ");
        for (size_t i = 0; i < word; i++)
            putchar(iscntrl((unsigned char)p[i]) ? '?' : p[i]);
        column += (int)word;
    }
    putchar('\n');
}

static void on_page(struct finder *s, const struct finding *f)
{
    struct page *p = s->arg;
    char text[SENTENCE_SIZE];

    if (p->headings && f->object != p->object)
        printf("\n%s\n", headings[f->object & 127]);
    else if (f->id != p->id && f->object != 'h' && f->id)
        putchar('\n');
    p->object = f->object;
    p->id = f->id;
    sentence_text(f, text);
    print_folded(f->ref, text);
}

static void print_head(const struct model *x)
{
    const struct model_counts *f = &x->counts;

    printf("%s: %.1f s, %" PRIu64 " events, ", x->run, x->seconds, f->events);
    if (f->lost_unknown)
        printf("an unknown number lost\n");
    else if (f->listed.count)
        printf("%" PRIu64 " lost\n", f->lost);
    else
        printf("none lost\n");
    printf("spicetap explain RUN --events REFERENCE lists the events behind a sentence.\n");
}

/* Tables whose overflow no sentence names. */
static const struct {
    const char *table, *what;
} unnamed[] = {
    {"covered_streams", "streams covered by one drawing"},
    {"victims", "places whose history one out-of-memory episode took"},
    {"victim_streams", "streams that lost frames in one out-of-memory episode"},
    {"calls", "calls for memory of one thread, or episodes of one call"},
    {"waiters", "guest threads that waited at one time"},
    {"deleters", "guest threads that free memory"},
};

static void print_left_out(const struct model *x)
{
    struct model_overflow tables[MODEL_TABLES];
    unsigned count = model_overflows(x, tables);
    bool any = false;

    for (unsigned i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof(unnamed) / sizeof(*unnamed); k++) {
            if (!tables[i].count || strcmp(tables[i].table, unnamed[k].table))
                continue;
            if (!any)
                printf("\nLeft out above, because a table was full:\n");
            any = true;
            printf("  %s: %" PRIu64 "\n", unnamed[k].what, tables[i].count);
        }
}

static int none(const char *what, uint32_t id)
{
    fprintf(stderr, "spicetap explain: this run has no %s %" PRIu32 "\n", what, id);
    return EXIT_USAGE;
}

static int print_at(const struct model *x, const struct explain_options *o, struct finder *s)
{
    find_at(x, x->start + (uint64_t)(o->at * 1e9), s);
    printf("\nEvents within 50 ms, coincident if nothing more joins them:\n");
    return explain_events(x, o);
}

static int print_things(const struct model *x, const struct explain_options *o, struct finder *s)
{
    const struct model_stream *t = model_stream_at(x, o->stream);
    const struct model_episode *e = model_episode_at(x, o->episode);
    const struct model_region *r = model_kept(x, o->region);

    if (o->stream && !t)
        return none("stream", o->stream);
    if (o->episode && !e)
        return none("episode", o->episode);
    if (o->region && !r)
        return none("region", o->region);
    if (t)
        find_stream(x, t, s);
    if (e)
        find_episode(x, e, s);
    if (r)
        find_place(x, r, s);
    return EXIT_DONE;
}

int explain_text(const struct model *x, const struct explain_options *o)
{
    bool things = o->stream || o->episode || o->region;
    struct page p = {.headings = !things && o->at < 0};

    p.finder = (struct finder){.found = on_page, .deep = !p.headings, .arg = &p};
    if (o->at >= 0)
        return print_at(x, o, &p.finder);
    if (things)
        return print_things(x, o, &p.finder);
    print_head(x);
    find_page(x, &p.finder);
    print_left_out(x);
    for (int h = 1; o->hypotheses && h <= HYPOTHESES; h++)
        find_hypothesis(x, h, &p.finder);
    return EXIT_DONE;
}
