/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap whatif: the recorded draws through stream detectors with other constants. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "run/input.h"
#include "report/whatif.h"

static const char help_whatif[] =
    "Usage: spicetap whatif RUN [OPTIONS]\n"
    "\n"
    "Runs the draws of RUN (the folder `spicetap record` made, or its spice.tap) through a model "
    "of\n"
    "spice-server's stream detector. With the constants of the recorded library every decision "
    "must\n"
    "come out as it was recorded; where one does not, it says where, predicts nothing and exits\n"
    "with 1. Then it says what other constants would have made of the same draws.\n"
    "Needs neither root nor the VM.\n"
    "\n"
    "Each of these takes one value or a sweep, A..B/STEP; --trace-items A..B doubles:\n"
    "      --trace-items N        slots of the trace ring, a power of two (8)\n"
    "      --detection-delta MS   longest time between frames before there is a stream (200)\n"
    "      --continuous-delta MS  longest time between a stream's frames (1000)\n"
    "      --timeout MS           a stream without a frame for so long is stopped (1000)\n"
    "      --frames-start N       frames that make a stream (20)\n"
    "      --gradual F            share of them that must be natural pictures (0.2)\n"
    "      --min-size PIXELS      smallest source area of a frame (9216)\n"
    "      --box-tolerance PX     how far each edge may be off (0; the server knows none)\n"
    "\n"
    "      --recorded NAME=V,...  what the recorded library was built with, where it differs from\n"
    "                             the values above: --recorded trace-items=128\n"
    "      --region WxH+X+Y       the clip's box; else that in which the client read the clip's\n"
    "                             numbers, or the one that is redrawn most like a clip\n"
    "      --assume natural|text  what frames are taken for of which nothing is known (natural)\n"
    "      --decisions            print each decision of the one alternative (without one: of the\n"
    "                             recorded constants) as a JSON object a line, and nothing else\n"
    "      --json                 the same facts as JSON\n"
    "  -h, --help                 this text\n";

enum { OPT_CONSTANT = 256, OPT_RECORDED = 300, OPT_REGION, OPT_ASSUME, OPT_DECISIONS, OPT_JSON };

const struct whatif_constant whatif_constants[] = {
    {"trace-items", "trace_items", 1, DETECTOR_TRACE_ITEMS, true},
    {"detection-delta", "detection_delta_ms", 0, 1e6, false},
    {"continuous-delta", "continuous_delta_ms", 0, 1e6, false},
    {"timeout", "timeout_ms", 1, 1e6, false},
    {"frames-start", "frames_start", 1, 1e6, true},
    {"gradual", "gradual", 0, 1, false},
    {"min-size", "min_size", 0, 2e9, true},
    {"box-tolerance", "box_tolerance", 0, 10000, true},
};

double whatif_get(const struct constants *c, unsigned which)
{
    const double values[] = {(double)c->trace_items,
                             (double)c->detection_delta / 1e6,
                             (double)c->continuous_delta / 1e6,
                             (double)c->timeout / 1e6,
                             (double)c->frames_start,
                             c->gradual,
                             (double)c->min_size,
                             (double)c->box_tolerance};

    return values[which];
}

static void set(struct constants *c, unsigned which, double v)
{
    switch (which) {
    case 0:
        c->trace_items = (uint32_t)v;
        break;
    case 1:
        c->detection_delta = (uint64_t)llround(v * 1e6);
        break;
    case 2:
        c->continuous_delta = (uint64_t)llround(v * 1e6);
        break;
    case 3:
        c->timeout = (uint64_t)llround(v * 1e6);
        break;
    case 4:
        c->frames_start = (int32_t)v;
        break;
    case 5:
        c->gradual = v;
        break;
    case 6:
        c->min_size = (int64_t)v;
        break;
    default:
        c->box_tolerance = (int32_t)v;
        break;
    }
}

/* ---- options --------------------------------------------------------------------------------- */

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
};

static int usage(const char *problem, const char *what)
{
    fprintf(stderr, "spicetap whatif: %s%s%s; see spicetap whatif --help\n", problem,
            *what ? ": " : "", what);
    return EXIT_USAGE;
}

static bool fits(unsigned which, double v)
{
    const struct whatif_constant *c = &whatif_constants[which];
    uint32_t n;

    if (!(v >= c->least && v <= c->most) || (c->whole && v != floor(v)))
        return false;
    n = (uint32_t)v;
    return which != 0 || !(n & (n - 1));
}

/* The first dot of ".." is no decimal point. */
static bool number(const char *text, const char **end, double *out)
{
    const char *dots = strstr(text, "..");
    char copy[64], *e;
    size_t length = dots ? (size_t)(dots - text) : strlen(text);

    if (!length || length >= sizeof(copy))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    errno = 0;
    *out = strtod(copy, &e);
    *end = text + (e - copy);
    return e != copy && !errno && isfinite(*out);
}

/* The values of A..B/STEP; without a step each is twice the last. */
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
    double from, to, step = 0;
    const char *end;

    s->given = true;
    if (!number(text, &end, &from))
        return -EINVAL;
    if (!*end) {
        s->values[0] = from;
        s->count = 1;
        return fits(which, from) ? 0 : -EINVAL;
    }
    if (strncmp(end, "..", 2) || !number(end + 2, &end, &to) || to < from)
        return -EINVAL;
    if (*end == '/' && (!number(end + 1, &end, &step) || step <= 0))
        return -EINVAL;
    if (*end || (step <= 0 && (which != 0 || from < 1)))
        return -EINVAL;
    return fill_sweep(s, which, from, to, step);
}

static int read_recorded(struct constants *c, const char *text)
{
    char copy[256], *rest = NULL;

    if (strlen(text) >= sizeof(copy))
        return -EINVAL;
    strcpy(copy, text);
    for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(word, '=');
        const char *end;
        unsigned i = 0;
        double v;

        if (!equals)
            return -EINVAL;
        *equals = '\0';
        while (i < WHATIF_CONSTANTS && strcmp(whatif_constants[i].option, word))
            i++;
        if (i == WHATIF_CONSTANTS || !number(equals + 1, &end, &v) || *end || !fits(i, v))
            return -EINVAL;
        set(c, i, v);
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

static int read_option(struct options *o, int c, const char *value)
{
    char text[128];

    if (c >= OPT_CONSTANT && c < OPT_CONSTANT + WHATIF_CONSTANTS) {
        unsigned which = (unsigned)(c - OPT_CONSTANT);

        if (!read_sweep(&o->sweeps[which], which, value))
            return 0;
        snprintf(text, sizeof(text), "--%s is not a value, or a sweep A..B/STEP of 64 at most",
                 whatif_constants[which].option);
        return usage(text, value);
    }
    if (c == OPT_RECORDED && read_recorded(&o->recorded, value))
        return usage("not constants, NAME=VALUE,...", value);
    if (c == OPT_REGION && read_region(&o->region, value))
        return usage("not a box, WxH+X+Y", value);
    if (c == OPT_ASSUME && strcmp(value, "natural") && strcmp(value, "text"))
        return usage("--assume is natural or text", value);
    o->has_region |= c == OPT_REGION;
    o->assume_low |= c == OPT_ASSUME && !strcmp(value, "text");
    o->decisions |= c == OPT_DECISIONS;
    o->json |= c == OPT_JSON;
    return 0;
}

static int read_options(struct options *o, int argc, char **argv)
{
    struct option longs[WHATIF_CONSTANTS + 7] = {{0}};
    int c, n = 0;

    for (; n < WHATIF_CONSTANTS; n++)
        longs[n] =
            (struct option){whatif_constants[n].option, required_argument, NULL, OPT_CONSTANT + n};
    longs[n++] = (struct option){"recorded", required_argument, NULL, OPT_RECORDED};
    longs[n++] = (struct option){"region", required_argument, NULL, OPT_REGION};
    longs[n++] = (struct option){"assume", required_argument, NULL, OPT_ASSUME};
    longs[n++] = (struct option){"decisions", no_argument, NULL, OPT_DECISIONS};
    longs[n++] = (struct option){"json", no_argument, NULL, OPT_JSON};
    longs[n++] = (struct option){"help", no_argument, NULL, 'h'};
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        int code;

        if (c == 'h') {
            fputs(help_whatif, stdout);
            return -1;
        }
        if (c == '?')
            return EXIT_USAGE;
        code = read_option(o, c, optarg);
        if (code)
            return code;
    }
    if (optind + 1 != argc)
        return usage(optind == argc ? "no run given" : "one run at a time", "");
    o->run = argv[optind];
    return 0;
}

/* All combinations of the sweeps' values; 0: too many. */
static unsigned alternatives(const struct options *o, struct constants *list)
{
    unsigned total = 1;
    bool any = false;

    list[0] = o->recorded;
    for (unsigned i = 0; i < WHATIF_CONSTANTS; i++)
        if (o->sweeps[i].given) {
            total *= o->sweeps[i].count;
            any = true;
            if (total > REPLAY_DETECTORS - 1)
                return 0;
        }
    for (unsigned n = 0; any && n < total; n++) {
        unsigned rest = n;

        list[n + 1] = o->recorded;
        for (unsigned i = WHATIF_CONSTANTS; i-- > 0;)
            if (o->sweeps[i].given) {
                set(&list[n + 1], i, o->sweeps[i].values[rest % o->sweeps[i].count]);
                rest /= o->sweeps[i].count;
            }
    }
    return any ? total + 1 : 1;
}

/* ---- the run ------------------------------------------------------------------------------------
 */

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
    fprintf(stderr, "spicetap whatif: %s: has no events of spice-server\n", run);
    return EXIT_INPUT;
}

/* The box that was asked for, that in which the client read the clip's numbers, or the one that is
 * redrawn most like a clip. */
static void choose_clip(struct whatif *w, const struct options *o, const struct bundle *b)
{
    struct tap_rect told;
    int32_t box[4];

    w->clip_why = "it was asked for";
    if (o->has_region) {
        w->clip = replay_box(&w->replay, &o->region);
        if (!w->clip)
            fprintf(stderr,
                    "spicetap whatif: %s: nothing that may be streamed was drawn in just this "
                    "box\n",
                    o->run);
        return;
    }
    if (clip_of_client(o->run, bundle_about(b), box)) {
        told = (struct tap_rect){box[0], box[1], box[2], box[3]};
        w->clip = replay_box(&w->replay, &told);
    }
    w->clip_why = clip_why[w->clip != NULL];
    if (!w->clip)
        w->clip = replay_clip(&w->replay);
}

static int report(struct whatif *w, const struct options *o, const struct bundle *b)
{
    w->sound = !w->replay.differs;
    choose_clip(w, o, b);
    if (o->decisions) {
        if (!w->sound)
            whatif_differences(w, stderr);
        return w->sound ? EXIT_DONE : EXIT_PART;
    }
    if (o->json ? whatif_json(w) : whatif_text(w))
        return EXIT_ENV;
    return w->sound ? EXIT_DONE : EXIT_PART;
}

static int run(const struct options *o, const struct constants *list, unsigned detectors)
{
    struct whatif w = {.run = o->run};
    struct bundle *b = NULL;
    int code = input_open(&b, "whatif", o->run), rest;

    if (code)
        return code;
    if (replay_init(&w.replay, list, detectors)) {
        bundle_close(b);
        fprintf(stderr, "spicetap whatif: %s\n", strerror(ENOMEM));
        return EXIT_ENV;
    }
    w.replay.assume_low = o->assume_low;
    if (o->decisions) {
        w.replay.listen = whatif_decision;
        w.replay.listed = detectors - 1;
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

int cmd_whatif(int argc, char **argv)
{
    struct options o = {.recorded = constants_built};
    struct constants list[REPLAY_DETECTORS];
    int code = read_options(&o, argc, argv);
    unsigned detectors;

    if (code)
        return code < 0 ? EXIT_DONE : code;
    detectors = alternatives(&o, list);
    if (!detectors)
        return usage("the sweeps make more than 64 combinations", "");
    if (o.decisions && detectors > 2)
        return usage("--decisions is for one alternative", "");
    return run(&o, list, detectors);
}
