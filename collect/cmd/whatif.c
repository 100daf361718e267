/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap whatif: the recorded draws through stream detectors with other constants. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "cmd/commands.h"
#include "report/whatif.h"
#include "run/input.h"

/* OPT_CONSTANT + n is the n-th of whatif_constants. */
enum {
    OPT_CONSTANT = OPTIONS_LONG,
    OPT_RECORDED = OPT_CONSTANT + WHATIF_CONSTANTS,
    OPT_REGION,
    OPT_ASSUME,
    OPT_DECISIONS
};

static const struct argp_option option_table[] = {
    {NULL, 0, NULL, OPTION_DOC, "Each takes a value or a sweep, A..B/STEP:", 1},
    {"trace-items", OPT_CONSTANT, "N", 0,
     "Slots of the trace ring, a power of two (8); A..B alone doubles", 1},
    {"detection-delta", OPT_CONSTANT + 1, "MS", 0,
     "Longest time between two frames before there is a stream (200)", 1},
    {"continuous-delta", OPT_CONSTANT + 2, "MS", 0,
     "Longest time between two frames of a stream (1000)", 1},
    {"timeout", OPT_CONSTANT + 3, "MS", 0, "A stream without a frame for so long ends (1000)", 1},
    {"frames-start", OPT_CONSTANT + 4, "N", 0, "Frames that make a stream (20)", 1},
    {"gradual", OPT_CONSTANT + 5, "F", 0, "Share of them that must be natural pictures (0.2)", 1},
    {"min-size", OPT_CONSTANT + 6, "PIXELS", 0, "Smallest source area of a frame (9216)", 1},
    {"box-tolerance", OPT_CONSTANT + 7, "PX", 0,
     "How far each edge may be off (0; spice-server has no tolerance)", 1},
    {"recorded", OPT_RECORDED, "NAME=V,...", 0,
     "Constants of the recorded library, where they differ from the values above: "
     "--recorded trace-items=128",
     2},
    {"region", OPT_REGION, "WxH+X+Y", 0,
     "The clip's box (default: where the client read the clip's numbers, else the box that is "
     "redrawn most like a clip)",
     2},
    {"assume", OPT_ASSUME, "WORD", 0,
     "Take frames of unknown graduality for `natural` pictures (default) or `text`", 2},
    {"decisions", OPT_DECISIONS, NULL, 0,
     "Print each decision of the one alternative as a line of JSON, and nothing else; without an "
     "alternative, of the recorded constants",
     3},
    {"json", 'j', NULL, 0, "Print everything as JSON (docs/whatif.md)", 3},
    {0},
};

static const char doc[] =
    "Predicts what other constants of spice-server's stream detector would have made of RUN. First "
    "the recorded draws run through a model with the recorded library's constants, and every "
    "decision must be the recorded one. If one is not, it prints where, predicts nothing and exits "
    "with 1. Needs neither root nor the VM."
    "\vRUN is the folder that `spicetap record` made, or its spice.tap. See spicetap-whatif(1).";

/* ---- options ---- */

struct sweep {
    bool given;
    double values[REPLAY_DETECTORS];
    unsigned count;
};

struct options {
    const char *run;
    struct sweep sweeps[WHATIF_CONSTANTS];
    struct constants recorded;
    struct tap_rect region;
    bool has_region, json, decisions, assume_low;
    struct constants list[REPLAY_DETECTORS]; /* the recorded ones, then the alternatives */
    unsigned detectors;                      /* in `list` */
};

static bool fits(unsigned which, double v)
{
    const struct whatif_constant *c = &whatif_constants[which];
    uint32_t n;

    if (!(v >= c->least && v <= c->most) || (c->whole && v != floor(v)))
        return false;
    n = (uint32_t)v;
    return !c->power_of_two || !(n & (n - 1));
}

/* The number in the first `length` bytes of `text`. */
static bool number(const char *text, size_t length, unsigned which, double *out)
{
    char copy[64];

    if (length >= sizeof(copy))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return !number_decimal(copy, whatif_constants[which].most, out);
}

/* The values of A..B/STEP; with step 0 each is twice the last. */
static int fill_sweep(struct sweep *s, unsigned which, double from, double to, double step)
{
    s->count = 0;
    for (unsigned i = 0;; i++) {
        double v = step > 0 ? from + i * step : from * pow(2, i);

        if (v > to * (1 + 1e-9))
            return 0;
        if (!fits(which, v) || s->count == REPLAY_DETECTORS - 1)
            return -EINVAL;
        s->values[s->count++] = v;
    }
}

static int read_sweep(struct sweep *s, unsigned which, const char *text)
{
    const char *dots = strstr(text, ".."), *slash = strchr(text, '/');
    double from, to, step = 0;

    s->given = true;
    if (!number(text, dots ? (size_t)(dots - text) : strlen(text), which, &from))
        return -EINVAL;
    if (!dots) {
        s->values[0] = from;
        s->count = 1;
        return fits(which, from) ? 0 : -EINVAL;
    }
    dots += 2;
    if (slash && (slash < dots || !number(slash + 1, strlen(slash + 1), which, &step) || step <= 0))
        return -EINVAL;
    if (!number(dots, slash ? (size_t)(slash - dots) : strlen(dots), which, &to) || to < from)
        return -EINVAL;
    if (!slash && (!whatif_constants[which].power_of_two || from < 1))
        return -EINVAL;
    return fill_sweep(s, which, from, to, step);
}

static int read_recorded(struct constants *c, const char *text)
{
    char copy[256], *rest = NULL;

    if (!*text || snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
        return -EINVAL;
    for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(word, '=');
        unsigned i = 0;
        double v;

        if (!equals)
            return -EINVAL;
        *equals++ = '\0';
        while (i < WHATIF_CONSTANTS && strcmp(whatif_constants[i].option, word))
            i++;
        if (i == WHATIF_CONSTANTS || !number(equals, strlen(equals), i, &v) || !fits(i, v))
            return -EINVAL;
        whatif_set(c, i, v);
    }
    return 0;
}

static int read_region(struct tap_rect *r, const char *text)
{
    int width, height, x, y, n = 0;

    if (sscanf(text, "%7dx%7d+%7d+%7d%n", &width, &height, &x, &y, &n) != 4 || text[n] ||
        width < 1 || height < 1)
        return -EINVAL;
    *r = (struct tap_rect){x, y, x + width, y + height};
    return 0;
}

static error_t refuse(struct argp_state *state, const char *option, const char *value,
                      const char *expected)
{
    argp_error(state, "--%s %s: not %s", option, value, expected);
    return EINVAL;
}

/* Fills o->list with all combinations of the sweeps' values. False: too many. */
static bool combine(struct options *o)
{
    unsigned total = 1;
    bool any = false;

    o->list[0] = o->recorded;
    for (unsigned i = 0; i < WHATIF_CONSTANTS; i++)
        if (o->sweeps[i].given) {
            total *= o->sweeps[i].count;
            any = true;
            if (total > REPLAY_DETECTORS - 1)
                return false;
        }
    for (unsigned n = 0; any && n < total; n++) {
        unsigned rest = n;

        o->list[n + 1] = o->recorded;
        for (unsigned i = WHATIF_CONSTANTS; i-- > 0;)
            if (o->sweeps[i].given) {
                whatif_set(&o->list[n + 1], i, o->sweeps[i].values[rest % o->sweeps[i].count]);
                rest /= o->sweeps[i].count;
            }
    }
    o->detectors = any ? total + 1 : 1;
    return true;
}

static error_t check_options(struct argp_state *state, struct options *o)
{
    if (!combine(o))
        argp_error(state, "the sweeps make more than %d combinations", REPLAY_DETECTORS - 1);
    else if (o->decisions && o->detectors > 2)
        argp_error(state, "--decisions is for one alternative");
    else
        return 0;
    return EINVAL;
}

static error_t on_constant(struct argp_state *state, struct options *o, unsigned which,
                           const char *arg)
{
    const struct whatif_constant *c = &whatif_constants[which];

    if (!read_sweep(&o->sweeps[which], which, arg))
        return 0;
    return refuse(state, c->option, arg,
                  c->power_of_two ? "a power of two in range, or a sweep A..B of them"
                                  : "a value in range, or a sweep A..B/STEP of at most 64 values");
}

enum { ASSUME_NATURAL, ASSUME_TEXT, ASSUMED };
static const char *const assumed[ASSUMED] = {"natural", "text"};

static const char *assume_word(size_t i)
{
    return i < ASSUMED ? assumed[i] : NULL;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    unsigned word;

    switch (key) {
    case OPT_RECORDED:
        return read_recorded(&o->recorded, arg) ? refuse(state, "recorded", arg, "NAME=VALUE,...")
                                                : 0;
    case OPT_REGION:
        o->has_region = true;
        return read_region(&o->region, arg) ? refuse(state, "region", arg, "a box, WxH+X+Y") : 0;
    case OPT_ASSUME:
        if (options_word(state, "--assume", arg, assumed, ASSUMED, &word))
            return EINVAL;
        o->assume_low = word == ASSUME_TEXT;
        return 0;
    case OPT_DECISIONS:
        o->decisions = true;
        return 0;
    case 'j':
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_NO_ARGS:
        return options_one(state, key, arg, "run", &o->run);
    case ARGP_KEY_END:
        return check_options(state, o);
    default:
        if (key >= OPT_CONSTANT && key < OPT_CONSTANT + WHATIF_CONSTANTS)
            return on_constant(state, o, (unsigned)(key - OPT_CONSTANT), arg);
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- the run ---- */

static int gather(struct replay *r, struct bundle *b, const char *run)
{
    struct run_cursor *c = NULL;
    struct run_event e;
    int err = cursor_open(&c, b);

    while (!err && cursor_next(c, &e) == 1)
        err = replay_add(r, &e);
    cursor_close(c);
    if (err) {
        fprintf(stderr, "spicetap whatif: %s: %s\n", run, strerror(-err));
        return EXIT_ENV;
    }
    replay_end(r);
    if (r->events)
        return 0;
    fprintf(stderr, "spicetap whatif: %s: no events of spice-server in it\n", run);
    return EXIT_INPUT;
}

/* In this order: the box that --region names, where the client read the clip's numbers, the box
 * around that place, what is redrawn most like a clip. Of all but the first: all boxes that
 * alternate there. */
static void choose_clip(struct whatif *w, const struct options *o, struct bundle *b)
{
    const struct replay_region *group;
    struct tap_rect seen;
    int32_t box[4];

    w->clip_why = "--region names it";
    if (o->has_region) {
        w->clip = replay_box(&w->replay, &o->region);
        return;
    }
    if (clip_of_client(b, box)) {
        seen = (struct tap_rect){box[0], box[1], box[2], box[3]};
        w->clip = replay_box(&w->replay, &seen);
        w->clip_why = clip_why[CLIP_BY_CLIENT];
        if (!w->clip) {
            w->clip = replay_around(&w->replay, &seen);
            w->clip_why = clip_why[CLIP_AROUND];
        }
    }
    if (!w->clip) {
        w->clip = replay_clip(&w->replay);
        w->clip_why = clip_why[CLIP_BY_SIZE];
    }
    group = replay_group(&w->replay, w->clip);
    if (group)
        w->clip = group;
}

static int report(struct whatif *w, const struct options *o, struct bundle *b)
{
    const struct tap_rect *box = &o->region;

    w->sound = !w->replay.differs;
    for (unsigned i = 0; i < WHATIF_CONSTANTS; i++)
        w->swept |= (unsigned)o->sweeps[i].given << i;
    if (o->decisions) {
        if (!w->sound)
            whatif_differences(w, stderr);
        return w->sound ? EXIT_DONE : EXIT_PART;
    }
    choose_clip(w, o, b);
    if (w->sound && o->has_region && !w->clip) {
        fprintf(stderr,
                "spicetap whatif: %s: nothing that can be streamed was drawn in %dx%d+%d+%d\n",
                o->run, box->right - box->left, box->bottom - box->top, box->left, box->top);
        return EXIT_USAGE;
    }
    if (o->json ? whatif_json(w) : whatif_text(w))
        return EXIT_ENV;
    return w->sound ? EXIT_DONE : EXIT_PART;
}

static int run(const struct options *o)
{
    struct whatif w = {.run = o->run};
    struct bundle *b = NULL;
    int code = input_open(&b, "whatif", o->run), rest;

    if (code)
        return code;
    if (bundle_stock(b)) {
        bundle_close(b);
        fprintf(
            stderr,
            "spicetap whatif: %s: recorded on a spice-server without probes: it has no decision "
            "that could be replayed\n",
            o->run);
        return EXIT_INPUT;
    }
    if (replay_init(&w.replay, o->list, o->detectors)) {
        bundle_close(b);
        fprintf(stderr, "spicetap whatif: out of memory\n");
        return EXIT_ENV;
    }
    w.replay.assume_low = o->assume_low;
    if (o->decisions) {
        w.replay.listen = whatif_decision;
        w.replay.listed = o->detectors - 1;
    }
    bundle_window(b, &w.start, &w.end);
    code = gather(&w.replay, b, o->run);
    w.start = w.start ? w.start : w.replay.first;
    w.end = w.end > w.start ? w.end : w.replay.last;
    if (!code)
        code = report(&w, o, b);
    rest = input_end(b, "whatif", o->run);
    replay_free(&w.replay);
    bundle_close(b);
    return code ? code : rest;
}

const struct command_options whatif_options = {
    .parser = {option_table, on_option, "RUN", doc, NULL, NULL, NULL},
    .words = {{OPT_ASSUME, assume_word, false}},
};

int cmd_whatif(int argc, char **argv)
{
    struct options o = {.recorded = constants_built};
    int code = options_parse(&whatif_options.parser, argc, argv, &o);

    return code == OPTIONS_GO ? run(&o) : code;
}
