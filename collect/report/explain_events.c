/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events behind a finding, or around a time. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "report/event_text.h"
#include "report/explain.h"
#include "report/finding_json.h"
#include "report/sentence.h"

#define AROUND (50 * NS_PER_MS)

/* ---- the finding of a reference ---- */

struct wanted {
    const char *ref;
    struct finding finding;
    bool found;
};

static void on_finding(struct finder *s, const struct finding *f)
{
    struct wanted *w = s->arg;

    if (w->found || strcmp(f->ref, w->ref))
        return;
    w->found = true;
    w->finding = *f;
}

static bool find(const struct model *x, struct wanted *w)
{
    struct finder s = {.found = on_finding, .deep = true, .arg = w};

    if (*w->ref == 'i')
        find_short(x, &s);
    else
        find_all(x, &s);
    return w->found;
}

/* ---- one event ---- */

struct listing {
    uint64_t start, count;
    bool json;
};

/* For programs: as the log has it. */
static json_t *field_json(const struct tap_field *f, const struct tap_event *ev)
{
    uint64_t v = ev->v[f->slot];
    const char *name = f->names ? tap_enum_name(f->names, (int64_t)v) : NULL;
    int32_t box[4];
    char hex[32];

    if (f->type == TYPE_RECT) {
        memcpy(box, &ev->v[f->slot], sizeof(box));
        return box_json(box);
    }
    snprintf(hex, sizeof(hex), "0x%" PRIx64, v);
    if (name || !strcmp(f->meaning, "hex"))
        return json_string(name ? name : hex);
    return json_integer((json_int_t)v);
}

static void list(void *arg, size_t which, const struct tap_event *ev, const struct bundle_log *from)
{
    struct listing *l = arg;
    const struct tap_kind_desc *k = tap_kind_find(ev->kind);
    char text[FIELD_TEXT];

    (void)which;
    l->count++;
    if (l->json) {
        json_t *o = json_pack("{ss sI ss}", "log", from->name, "t", (json_int_t)ev->time, "event",
                              k ? k->name : "?");

        for (unsigned i = 0; k && o && i < k->count; i++)
            json_object_set_new(o, k->fields[i].name, field_json(&k->fields[i], ev));
        json_dumpf(o, stdout, JSON_COMPACT);
        json_decref(o);
        putchar('\n');
        return;
    }
    printf("%12.6f s  %-10s %s", ev->time > l->start ? (double)(ev->time - l->start) / 1e9 : 0.0,
           from->name, k ? k->name : "?");
    for (unsigned i = 0; k && i < k->count; i++) {
        field_text(&k->fields[i], ev, l->start, text);
        printf(" %s=%s", k->fields[i].name, text);
    }
    putchar('\n');
}

int explain_events(const struct model *x, const struct explain_options *o)
{
    struct listing l = {.start = x->start, .json = o->json};
    struct wanted w = {.ref = o->events};
    uint64_t at = x->start + (uint64_t)((o->at > 0 ? o->at : 0) * 1e9);
    char text[SENTENCE_SIZE];
    int code;

    if (!o->events) {
        w.finding.evidence_count = 1;
        w.finding.evidence[0] =
            (struct select){.from = at > AROUND ? at - AROUND : 0, .to = at + AROUND};
    } else if (!find(x, &w)) {
        fprintf(stderr, "spicetap explain: %s: this run has no such sentence\n", o->events);
        return EXIT_USAGE;
    } else if (!o->json) {
        sentence_text(&w.finding, text);
        printf("[%s] %s\n\n", o->events, text);
    }
    code = evidence_find(x, w.finding.evidence, w.finding.evidence_count, false, list, &l);
    if (!code && !o->json)
        printf("%" PRIu64 " event%s\n", l.count, l.count == 1 ? "" : "s");
    return code;
}
