/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "report/whatif.h"

enum { TEXT = 96, LISTED_STREAMS = 100 };

static const uint16_t decision_kinds[] = {EV_draw,          EV_match,         EV_frame,
                                          EV_trace_add,     EV_stream_create, EV_stream_attach,
                                          EV_stream_detach, EV_stream_stop};
enum { DECISIONS = sizeof(decision_kinds) / sizeof(*decision_kinds) };

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static const char *box_text(const struct tap_rect *b, char *text)
{
    snprintf(text, TEXT, "%" PRId64 "x%" PRId64 "+%d+%d", (int64_t)b->right - b->left,
             (int64_t)b->bottom - b->top, b->left, b->top);
    return text;
}

void whatif_differences(const struct whatif *w, FILE *out)
{
    const struct replay *r = &w->replay;

    fprintf(out, "Model and recording differ in %" PRIu64 " place%s, so nothing is predicted.\n",
            r->differs, r->differs == 1 ? "" : "s");
    for (size_t i = 0; i < r->differs && i < REPLAY_DIFFERENCES; i++) {
        const struct replay_difference *x = &r->differences[i];

        fprintf(out, "  at %.6f s (%" PRIu64 " ns)%s%s\n    expected  ", whatif_seconds(w, x->time),
                x->time, x->why ? ": " : "", x->why ? x->why : "");
        whatif_event(out, &x->expected);
        fputs("\n    recorded  ", out);
        whatif_event(out, &x->recorded);
        fputs("\n", out);
    }
    if (r->differs > REPLAY_DIFFERENCES)
        fprintf(out, "  and %" PRIu64 " more\n", r->differs - REPLAY_DIFFERENCES);
    fputs("If the library has other constants, name them: --recorded trace-items=128\n", out);
}

/* ---- the proof ---- */

static void print_proof(const struct whatif *w)
{
    const struct replay *r = &w->replay;
    uint64_t all = 0, good = 0, taken = 0, given = 0;

    for (int i = 0; i < DECISIONS; i++) {
        all += r->decisions[decision_kinds[i]];
        good += r->reproduced[decision_kinds[i]];
        taken += r->taken[decision_kinds[i]];
        given += r->given[decision_kinds[i]];
    }
    printf("With the recorded constants: reproduced %" PRIu64 " of %" PRIu64 " decisions\n", good,
           all - taken - given);
    for (int i = 0; i < DECISIONS; i++) {
        uint16_t k = decision_kinds[i];

        if (r->decisions[k])
            printf("  %-14s %9" PRIu64 " of %9" PRIu64 "\n", tap_kind_find(k)->name,
                   r->reproduced[k], r->decisions[k] - r->taken[k] - r->given[k]);
    }
    if (taken)
        printf("  %" PRIu64
               " more depend on what was there before the recording%s; they are taken as "
               "recorded\n",
               taken, r->losses ? " or a loss" : "");
    if (given)
        printf("  %" PRIu64
               " more are not decisions of the detector: other kinds of draws, frames detached "
               "from outside\n",
               given);
}

static void print_left_out(const struct whatif *w)
{
    const struct replay *r = &w->replay;

    if (r->known.over)
        printf("  %" PRIu64 " events of displays beyond the first %d are left out\n", r->known.over,
               REPLAY_DISPLAYS);
    if (r->boxes.over)
        printf("  %" PRIu64 " box%s gave way to newer ones while still being drawn, so the clip "
               "may be another one; --region names it\n",
               r->boxes.over, r->boxes.over == 1 ? "" : "es");
    if (r->groups.places.over || r->groups.boxes_over)
        printf("  more boxes overlap than are followed, so boxes that alternate may be missing "
               "from the "
               "clip\n");
    if (r->unsure.over)
        printf("  %" PRIu64 " more span%s without conclusions not listed\n", r->unsure.over,
               r->unsure.over == 1 ? " is" : "s are");
}

static const char *blind_text(enum replay_blind why, char *text)
{
    if (why == BLIND_OVERFLOW)
        snprintf(text, TEXT, "more than %d drawables at once", REPLAY_DRAWABLES);
    else
        snprintf(text, TEXT, "events were lost");
    return text;
}

static void print_spans(const struct whatif *w)
{
    const struct replay *r = &w->replay;
    char text[TEXT];

    if (r->inconclusive)
        printf("  no conclusions for %.2f s: %s\n", (double)r->inconclusive / 1e9,
               r->losses ? "events were lost, or the state before is not known"
               : r->drawables_over
                   ? "there were too many drawables, or the state before is not known"
                   : "the state at the start of the recording is not known");
    for (size_t i = 0; i < r->unsure.count; i++)
        if (r->spans[i].why != BLIND_DIFFERENCE)
            printf("  inconclusive: %s at %.3f s; state known again at %.3f s\n",
                   blind_text(r->spans[i].why, text), whatif_seconds(w, r->spans[i].from),
                   whatif_seconds(w, r->spans[i].to));
}

/* ---- predictions ---- */

/* What makes this alternative: every constant that an option named, as recorded or not. */
static const char *varied_text(const struct whatif *w, unsigned k, char *text)
{
    const struct constants *c = &w->replay.results[k].constants;
    int at = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < WHATIF_CONSTANTS && at < TEXT - 1; i++)
        if (w->swept & 1u << i)
            at += snprintf(text + at, (size_t)(TEXT - at), "%s%s %g", at ? ", " : "",
                           whatif_constants[i].option, whatif_get(c, i));
    return text;
}

static void print_row(const struct whatif *w, unsigned k)
{
    const struct replay *r = &w->replay;
    const struct replay_result *x = &r->results[k];
    const struct replay_share *s = w->clip ? &w->clip->of[k] : NULL;
    char text[TEXT], first[32] = "-";

    if (s && s->first)
        snprintf(first, sizeof(first), "%.2f s", whatif_seconds(w, s->first));
    printf("  %-26s %8" PRIu64 " %6.1f%% %9" PRIu64 " %7.1f%% %7.1f%% %8.2f s %10s\n",
           k ? varied_text(w, k, text) : "recorded", x->created, percent(x->pixels, r->pixels),
           s ? s->streams : 0, s ? percent(s->frames, w->clip->draws) : 0,
           s ? percent(s->pixels, w->clip->pixels) : 0, s ? (double)s->time / 1e9 : 0, first);
}

/* Nothing if there is only one. */
static void print_display(const struct whatif *w, uint32_t display)
{
    if (w->replay.known.count > 1)
        printf(" on display %" PRIu32, display);
}

static void print_table(const struct whatif *w)
{
    const struct replay *r = &w->replay;
    const struct box_group *boxes = replay_boxes(r, w->clip);
    char text[TEXT];

    if (w->clip) {
        printf("\nThe clip: %s", box_text(&w->clip->box, text));
        print_display(w, w->clip->display);
        if (boxes)
            printf(" and %" PRIu32 " other box%s that alternate%s with it", boxes->count - 1,
                   boxes->count == 2 ? "" : "es", boxes->count == 2 ? "s" : "");
        printf(", drawn %" PRIu64 " times from %.2f s to %.2f s", w->clip->draws,
               whatif_seconds(w, w->clip->first), whatif_seconds(w, w->clip->last));
        if (r->inconclusive)
            printf(", not counting the %.2f s without conclusions", (double)r->inconclusive / 1e9);
        printf("\n  (%s)\n", w->clip_why);
    } else {
        printf("\nNo clip: no box is redrawn like one; --region names it\n");
    }
    printf("\n  %-26s |   screen        | the clip\n  %-26s %8s %7s %9s %8s %8s %10s %10s\n", "",
           "constants", "streams", "area", "streams", "frames", "area", "streamed", "first at");
    for (unsigned k = 0; k < r->detectors; k++)
        print_row(w, k);
}

static void print_streams(const struct whatif *w, unsigned k)
{
    const struct replay_result *x = &w->replay.results[k];
    char text[TEXT];

    printf("\nStreams %s%s:\n  %-22s %12s %10s %8s  end\n", k ? "with " : "as recorded",
           k ? varied_text(w, k, text) : "", "box", "created at", "lived", "frames");
    for (size_t i = 0; i < x->listed.count && i < LISTED_STREAMS; i++) {
        const struct replay_stream *s = &x->streams[i];

        if (s->created)
            printf("  %-22s %10.3f s %8.2f s %8" PRIu64 "  %s", box_text(&s->box, text),
                   whatif_seconds(w, s->created), (double)(s->until - s->created) / 1e9, s->frames,
                   whatif_stop(s->reason));
        else
            printf("  %-22s %12s %10s %8" PRIu64 "  %s", box_text(&s->box, text), "before", "-",
                   s->frames, whatif_stop(s->reason));
        print_display(w, s->display);
        putchar('\n');
    }
    if (x->listed.count > LISTED_STREAMS)
        printf("  and %" PRIu64 " more\n", bounded_all(&x->listed) - LISTED_STREAMS);
}

static void print_inputs(const struct whatif *w)
{
    const struct replay *r = &w->replay;
    uint64_t guessed = 0, assumed = 0;

    for (unsigned k = 1; k < r->detectors; k++) {
        guessed = r->results[k].guessed > guessed ? r->results[k].guessed : guessed;
        assumed = r->results[k].assumed > assumed ? r->results[k].assumed : assumed;
    }
    printf(
        "\nHeld as recorded: the draws and their times, what covered what, evictions, clients.\n");
    if (r->inferred)
        printf("  %" PRIu64
               " streamed frames left the tree unseen; each is taken to leave when a later draw "
               "covers its box\n",
               r->inferred);
    if (guessed + assumed)
        printf("  in one alternative up to %" PRIu64
               " counted frames have the graduality of the box's frame before; for up to %" PRIu64
               " nothing is known, and they are taken for %s\n",
               guessed, assumed, r->assume_low ? "text" : "natural pictures");
}

int whatif_text(const struct whatif *w)
{
    const struct replay *r = &w->replay;

    print_proof(w);
    print_spans(w);
    print_left_out(w);
    if (!w->sound) {
        whatif_differences(w, stdout);
        return 0;
    }
    print_table(w);
    for (unsigned k = 0; k < r->detectors && r->detectors <= 2; k++)
        print_streams(w, k);
    if (r->detectors > 1)
        print_inputs(w);
    return 0;
}
