/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "explain/presence.h"

static const char *const providers[SOURCES] = {[SOURCE_SPICE] = "spice", [SOURCE_QEMU] = "qemu"};

/* run.json lists the probes of the event table that this recording lacks. */
static bool is_missing(const json_t *probes, const char *provider, const char *name)
{
    const json_t *list = json_object_get(probes, "missing");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *probe = json_array_get(list, i);
        const char *p = json_string_value(json_object_get(probe, "provider"));
        const char *n = json_string_value(json_object_get(probe, "name"));

        if (p && n && !strcmp(p, provider) && !strcmp(n, name))
            return true;
    }
    return false;
}

/* A recorder that is older than the kind neither records it nor lists it as missing. */
static bool is_described(const struct model *x, const struct tap_kind_desc *k)
{
    const struct bundle_log *logs;
    size_t count = bundle_logs(x->bundle, &logs), seen = 0;

    for (size_t i = 0; i < count; i++) {
        if (logs[i].source != k->source || !logs[i].reader)
            continue;
        seen++;
        if (tap_reader_kind(logs[i].reader, k->kind))
            return true;
    }
    return !seen;
}

bool presence_of(const struct model *x, uint16_t kind)
{
    const struct tap_kind_desc *k = tap_kind_find(kind);
    const json_t *probes = json_object_get(bundle_about(x->bundle), "probes");

    if (!k || !is_described(x, k) || (EV_IS_CALL(kind) && !bundle_stock(x->bundle)))
        return false;
    switch (k->source) {
    case SOURCE_GUEST:
        return x->has_guest;
    case SOURCE_CLIENT:
        return x->has_client;
    case SOURCE_QEMU:
        if (!x->has_qemu)
            return false;
        break;
    default:
        break;
    }
    return !providers[k->source] || !is_missing(probes, providers[k->source], k->name);
}

bool presence_of_waits(const struct model *x, uint64_t from, uint64_t to)
{
    const struct guest_waits *g = &x->waits.guest;

    return g->probed && g->whole_since && g->whole_since <= from + MODEL_GUEST_SILENCE &&
           to <= g->seen + MODEL_GUEST_SILENCE;
}

static bool on_side(enum tap_source side, enum tap_source source)
{
    if (losses_of_guest(side))
        return losses_of_guest(source);
    return side == SOURCE_CLIENT ? source == SOURCE_CLIENT : losses_of_server(source);
}

uint64_t presence_lost(const struct model *x, enum tap_source side, uint64_t *places)
{
    uint64_t lost = 0;

    *places = 0;
    for (enum tap_source i = 0; i < SOURCES; i++)
        if (on_side(side, i)) {
            *places += x->losses.places[i];
            lost += x->losses.events[i];
        }
    return lost;
}

static void doubt_losses(struct finding *f, const struct model *x, enum tap_source side)
{
    uint64_t places, lost = presence_lost(x, side, &places);
    bool guest = losses_of_guest(side);

    if (!places || f->unsure)
        return;
    doubt_lost(f, guest ? UNSURE_GUEST_LOST : UNSURE_LOST, lost, places);
    put_evidence(f, (struct select){.kinds = {EV_loss},
                                    .rule = guest                   ? SELECT_GUEST_LOSS
                                            : side == SOURCE_CLIENT ? SELECT_CLIENT_LOSS
                                                                    : SELECT_HOST_LOSS});
}

void presence_of_probe(struct finding *f, const struct model *x, uint16_t kind)
{
    const struct tap_kind_desc *k = tap_kind_find(kind);

    if (f->unsure || presence_of(x, kind))
        return;
    f->unsure = k->source == SOURCE_GUEST    ? UNSURE_NO_GUEST
                : k->source == SOURCE_CLIENT ? UNSURE_NO_CLIENT
                                             : UNSURE_NO_PROBE;
    if (f->unsure == UNSURE_NO_PROBE)
        put_word(f, "probe", k->name);
    /* That none was recorded does not say that there was none. */
    if (!strcmp(f->verdict, "none"))
        f->verdict = "unknown";
}

void presence_needed(struct finding *f, const struct model *x, const uint16_t *kinds)
{
    for (; *kinds; kinds++) {
        presence_of_probe(f, x, *kinds);
        doubt_losses(f, x, tap_kind_find(*kinds)->source);
    }
}
