/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the text and the JSON of whatif share. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "report/whatif.h"

/* ---- constants ---- */

enum {
    TRACE_ITEMS,
    DETECTION_DELTA,
    CONTINUOUS_DELTA,
    TIMEOUT,
    FRAMES_START,
    GRADUAL,
    MIN_SIZE,
    BOX_TOLERANCE
};

const struct whatif_constant whatif_constants[WHATIF_CONSTANTS] = {
    [TRACE_ITEMS] = {"trace-items", "trace_items", 1, DETECTOR_TRACE_ITEMS, true, true},
    [DETECTION_DELTA] = {"detection-delta", "detection_delta_ms", 0, 1e6, false, false},
    [CONTINUOUS_DELTA] = {"continuous-delta", "continuous_delta_ms", 0, 1e6, false, false},
    [TIMEOUT] = {"timeout", "timeout_ms", 1, 1e6, false, false},
    [FRAMES_START] = {"frames-start", "frames_start", 1, 1e6, true, false},
    [GRADUAL] = {"gradual", "gradual", 0, 1, false, false},
    [MIN_SIZE] = {"min-size", "min_size", 0, 2e9, true, false},
    [BOX_TOLERANCE] = {"box-tolerance", "box_tolerance", 0, 10000, true, false},
};

double whatif_get(const struct constants *c, unsigned which)
{
    const double values[WHATIF_CONSTANTS] = {
        [TRACE_ITEMS] = (double)c->trace_items,
        [DETECTION_DELTA] = (double)c->detection_delta / 1e6,
        [CONTINUOUS_DELTA] = (double)c->continuous_delta / 1e6,
        [TIMEOUT] = (double)c->timeout / 1e6,
        [FRAMES_START] = (double)c->frames_start,
        [GRADUAL] = c->gradual,
        [MIN_SIZE] = (double)c->min_size,
        [BOX_TOLERANCE] = (double)c->box_tolerance,
    };

    return values[which];
}

void whatif_set(struct constants *c, unsigned which, double v)
{
    switch (which) {
    case TRACE_ITEMS:
        c->trace_items = (uint32_t)v;
        break;
    case DETECTION_DELTA:
        c->detection_delta = (uint64_t)llround(v * 1e6);
        break;
    case CONTINUOUS_DELTA:
        c->continuous_delta = (uint64_t)llround(v * 1e6);
        break;
    case TIMEOUT:
        c->timeout = (uint64_t)llround(v * 1e6);
        break;
    case FRAMES_START:
        c->frames_start = (int32_t)v;
        break;
    case GRADUAL:
        c->gradual = v;
        break;
    case MIN_SIZE:
        c->min_size = (int64_t)v;
        break;
    default:
        c->box_tolerance = (int32_t)v;
        break;
    }
}

/* ---- events ---- */

const char *whatif_stop(unsigned reason)
{
    const struct tap_kind_desc *k = tap_kind_find(EV_stream_stop);
    const char *name = NULL;

    if (reason == REPLAY_RUNNING)
        return "still running at the end";
    if (reason == REPLAY_CUT)
        return "not known: sight was lost";
    for (unsigned f = 0; f < k->count; f++)
        if (!strcmp(k->fields[f].name, "reason"))
            name = tap_enum_name(k->fields[f].names, reason);
    return name ? name : "unknown";
}

static void print_value(FILE *out, const struct tap_field *f, const uint64_t *v, bool json)
{
    const char *name = f->names ? tap_enum_name(f->names, (int64_t)*v) : NULL;
    const struct tap_rect *b = (const void *)v;

    if (f->type == TYPE_RECT)
        fprintf(out, "[%d,%d,%d,%d]", b->left, b->top, b->right, b->bottom);
    else if (name)
        fprintf(out, json ? "\"%s\"" : "%s", name);
    else if (!strcmp(f->meaning, "hex"))
        fprintf(out, json ? "\"0x%" PRIx64 "\"" : "0x%" PRIx64, *v);
    else if (!strcmp(f->meaning, "flag"))
        fputs(*v ? "true" : "false", out);
    else
        fprintf(out, "%" PRId64, (int64_t)*v);
}

void whatif_event(FILE *out, const struct tap_event *ev)
{
    const struct tap_kind_desc *k = tap_kind_find(ev->kind);

    if (!k) {
        fputs("nothing", out);
        return;
    }
    fputs(k->name, out);
    for (unsigned i = 0; i < k->count; i++) {
        fprintf(out, " %s=", k->fields[i].name);
        print_value(out, &k->fields[i], &ev->v[k->fields[i].slot], false);
    }
}

void whatif_decision(void *who, const struct tap_event *ev)
{
    const struct tap_kind_desc *k = tap_kind_find(ev->kind);

    (void)who;
    printf("{\"t\":%" PRIu64 ",\"event\":\"%s\"", ev->time, k->name);
    for (unsigned i = 0; i < k->count; i++) {
        printf(",\"%s\":", k->fields[i].name);
        print_value(stdout, &k->fields[i], &ev->v[k->fields[i].slot], true);
    }
    puts("}");
}

double whatif_seconds(const struct whatif *w, uint64_t t)
{
    return t > w->start ? (double)(t - w->start) / 1e9 : 0;
}
