/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client got: its own log is read by the names that log gives, if there is one. */
#include <string.h>

#include "explain.h"

enum { CHANNEL_DISPLAY = 2 };

/* "client_clip" tells when the clip's picture changed, and since when it had not. */
static void find_kind(struct explain *x, const struct bundle_log *from, uint16_t kind)
{
    const struct tap_kind_desc *k = tap_reader_kind(from->reader, kind);

    if (!k || strcmp(k->name, "client_clip"))
        return;
    for (unsigned i = 0; i < k->count; i++)
        if (!strcmp(k->fields[i].name, "since")) {
            x->client_kind = kind;
            x->client_slot = k->fields[i].slot;
        }
}

static void shown(struct explain *x, uint64_t since, uint64_t now)
{
    struct x_freeze *z;

    x->pictures++;
    if (!since || since > now)
        return;
    x_interval(&x->shown, since, now);
    if (since < X_FREEZE)
        return;
    if (since > x->freeze_longest)
        x->freeze_longest = since;
    if (x->freeze_count++ >= X_FREEZES)
        return;
    z = &x->freezes[x->freeze_count - 1];
    *z = (struct x_freeze){.from = now - since, .to = now};
}

void traffic_add(struct explain *x, const struct tap_event *ev, const struct bundle_log *from)
{
    if (from->source == SOURCE_CLIENT) {
        if (x->client_slot < 0)
            find_kind(x, from, ev->kind);
        if (x->client_slot >= 0 && ev->kind == x->client_kind)
            shown(x, ev->v[x->client_slot], ev->time);
        return;
    }
    if (from->source == SOURCE_SPICE && ev->kind == EV_sent) {
        struct tap_event known;

        if (tap_reader_translate(from->reader, ev, &known) &&
            FIELDS(&known, sent)->channel == CHANNEL_DISPLAY &&
            x_has_place(x, (uint32_t)FIELDS(&known, sent)->id))
            x_display_of(x, FIELDS(&known, sent)->id)->last_sent = ev->time;
    }
}
