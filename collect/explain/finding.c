/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "explain/finding.h"
#include "explain/names.h"

enum { EXAMPLE_MIB = 256 }; /* of ram: docs/libvirt-spice-recommendations.md */

#define RULE_NAME(constant, object, number, name)   [constant] = name,
#define RULE_OBJECT(constant, object, number, name) [constant] = object,
#define RULE_NUMBER(constant, object, number, name) [constant] = number,

const char *const rule_names[RULES] = {EXPLAIN_RULES(RULE_NAME)};
static const char objects[RULES] = {EXPLAIN_RULES(RULE_OBJECT)};
static const uint8_t numbers[RULES] = {EXPLAIN_RULES(RULE_NUMBER)};

const char *const unsure_names[UNSURES] = {
    [SURE] = "",
    [UNSURE_LOST] = "lost",
    [UNSURE_GUEST_LOST] = "lost_of_guest",
    [UNSURE_CLOCK] = "clock",
    [UNSURE_BEFORE] = "before",
    [UNSURE_TABLE] = "table_full",
    [UNSURE_NO_GUEST] = "no_guest_log",
    [UNSURE_GUEST_PART] = "guest_part",
    [UNSURE_NO_CLIENT] = "no_client_log",
    [UNSURE_NO_PROBE] = "no_probe",
    [UNSURE_NOT_SEEN] = "not_seen",
    [UNSURE_GUEST_GONE] = "guest_gone",
    [UNSURE_DISPLAY] = "display",
    [UNSURE_ONE_RUN] = "one_run",
};

const char *const change_names[CHANGES] = {
    [CHANGE_NONE] = "",
    [CHANGE_RAM] = "domain_ram",
    [CHANGE_VRAM] = "domain_vram",
    [CHANGE_STREAMING] = "domain_streaming",
    [CHANGE_STREAM_ALL] = "domain_streaming_all",
    [CHANGE_NOT_MEMORY] = "guest_driver",
    [CHANGE_PLAYER] = "guest_player",
    [CHANGE_LINK] = "client_or_link",
    [CHANGE_SPICE] = "package_spice",
    [CHANGE_BIT_RATE] = "domain_bit_rate",
    [CHANGE_BOX] = "guest_box",
    [CHANGE_RING] = "record_ring",
};

struct finding finding_new(const struct model *x, enum rule rule, uint32_t id, unsigned offset,
                           const char *verdict)
{
    struct finding f = {.rule = rule, .verdict = verdict, .object = objects[rule], .id = id};

    f.start = x->start;
    f.lost_unknown = x->counts.lost_unknown > 0;
    snprintf(f.ref, sizeof(f.ref), "%c%u.%u", f.object, id, numbers[rule] + offset);
    return f;
}

static struct value *put(struct finding *f, const char *name, enum unit unit)
{
    struct value *v = &f->values[f->value_count++];

    assert(f->value_count <= FINDING_VALUES);
    *v = (struct value){.name = name, .unit = unit};
    return v;
}

void put_count(struct finding *f, const char *name, uint64_t n)
{
    put(f, name, UNIT_COUNT)->n = n;
}

void put_unknown(struct finding *f, const char *name)
{
    put(f, name, UNIT_COUNT)->unknown = true;
}

void put_span(struct finding *f, const char *name, uint64_t ns)
{
    put(f, name, UNIT_SPAN)->n = ns;
}

void put_time(struct finding *f, const char *name, uint64_t ns)
{
    put(f, name, UNIT_TIME)->n = ns;
}

void put_bytes(struct finding *f, const char *name, uint64_t bytes)
{
    put(f, name, UNIT_BYTES)->n = bytes;
}

void put_bits(struct finding *f, const char *name, uint64_t bits)
{
    put(f, name, UNIT_BITS)->n = bits;
}

void put_percent(struct finding *f, const char *name, uint64_t part, uint64_t all)
{
    put(f, name, UNIT_PERCENT)->real = percent(part, all);
}

void put_rate(struct finding *f, const char *name, double rate)
{
    put(f, name, UNIT_RATE)->real = rate;
}

void put_box(struct finding *f, const char *name, const int32_t *box)
{
    memcpy(put(f, name, UNIT_BOX)->box, box, 4 * sizeof(*box));
}

void put_id(struct finding *f, const char *name, enum unit unit, uint32_t id)
{
    put(f, name, unit)->n = id;
}

void put_word(struct finding *f, const char *name, const char *word)
{
    put(f, name, UNIT_WORD)->word = word;
}

void put_outcome(struct finding *f, const char *name, enum outcome o)
{
    put(f, name, UNIT_OUTCOME)->n = o;
    if (o == OUT_TOO_LATE)
        put_span(f, "limit_ns", MODEL_MAX_DELTA);
    else if (o == (enum outcome)DRAW_VERDICT_too_small)
        put_count(f, "least_side", 96); /* RED_STREAM_MIN_SIZE is 96 * 96 */
    else if (o == OUT_COUNTED || o == OUT_NOT_NATURAL || o == OUT_NO_ROOM)
        put_count(f, "frames_to_start", MODEL_START_FRAMES);
}

/* An example must at least double what the guest has. */
static bool example_helps(const struct model *x)
{
    const struct model_domain *m = &x->memory.domains[GUEST_DOMAIN_vram];

    return m->known && m->total * 2 <= (uint64_t)EXAMPLE_MIB << 20;
}

void put_change(struct finding *f, const struct model *x, enum change change)
{
    f->change = change;
    if (change == CHANGE_RAM && example_helps(x)) {
        put_count(f, "example_kib", EXAMPLE_MIB << 10); /* libvirt counts in KiB */
        put_count(f, "example_mib", EXAMPLE_MIB);
    }
    if (change == CHANGE_SPICE || change == CHANGE_BIT_RATE)
        put_word(f, "version", "0.16");
}

void put_display(struct finding *f, const struct model *x, uint32_t display)
{
    f->has_display = true;
    f->display = display;
    if (x->displays.places.count > 1)
        put_count(f, "display", display);
}

void put_evidence(struct finding *f, struct select events)
{
    assert(f->evidence_count < FINDING_EVIDENCE);
    f->evidence[f->evidence_count++] = events;
}

void doubt_lost(struct finding *f, enum unsure why, uint64_t events, uint64_t places)
{
    f->unsure = why;
    if (events && !f->lost_unknown)
        put_count(f, "lost", events);
    else
        put_unknown(f, "lost");
    put_count(f, "lost_places", places);
}

const struct value *finding_value(const struct finding *f, const char *name)
{
    for (size_t i = 0; i < f->value_count; i++)
        if (!strcmp(f->values[i].name, name))
            return &f->values[i];
    return NULL;
}
