/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Perfetto's format: packets, names that are written once, tracks. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "table/perfetto_trace.h"
#include "table/perfetto_wire.h"

enum { MONOTONIC = 3 }; /* BUILTIN_CLOCK_MONOTONIC */

unsigned perfetto_tracks = 4096;

static const char *const parties[] = {[SOURCE_SPICE] = "server",
                                      [SOURCE_QEMU] = "device (QEMU)",
                                      [SOURCE_GUEST] = "guest",
                                      [SOURCE_CLIENT] = "client",
                                      [SOURCE_META] = "recorder"};

/* ---- packets ---- */

static int put_packet(struct sink *s, Perfetto__TracePacket *p)
{
    struct perfetto *x = s->state;
    size_t size;
    uint8_t *at;
    int error;

    p->has_trusted_packet_sequence_id = true;
    p->trusted_packet_sequence_id = PERFETTO_SEQUENCE;
    p->has_sequence_flags = true;
    p->sequence_flags = x->began ? PERFETTO_NEEDED : PERFETTO_CLEARED;
    x->began = true;
    size = perfetto__trace_packet__get_packed_size(p);
    error = out_reserve(&s->out, size + 16);
    if (error)
        return error;
    at = pack_varint((uint8_t *)s->out.p, PACK_TAG(1, WIRE_BYTES)); /* Trace.packet */
    at = pack_varint(at, size);
    s->out.p = (char *)at + perfetto__trace_packet__pack(p, at);
    return s->out.p >= s->out.end ? out_flush(&s->out) : s->out.error;
}

/* The first packet: times are CLOCK_MONOTONIC. */
int perfetto_head(struct sink *s)
{
    Perfetto__ClockSnapshot__Clock clock = PERFETTO__CLOCK_SNAPSHOT__CLOCK__INIT;
    Perfetto__ClockSnapshot__Clock *clocks[] = {&clock};
    Perfetto__ClockSnapshot snapshot = PERFETTO__CLOCK_SNAPSHOT__INIT;
    Perfetto__TracePacketDefaults defaults = PERFETTO__TRACE_PACKET_DEFAULTS__INIT;
    Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;

    clock.has_clock_id = clock.has_timestamp = true;
    clock.clock_id = MONOTONIC;
    clock.timestamp = 1;
    snapshot.n_clocks = 1;
    snapshot.clocks = clocks;
    snapshot.has_primary_trace_clock = true;
    snapshot.primary_trace_clock = MONOTONIC;
    defaults.has_timestamp_clock_id = true;
    defaults.timestamp_clock_id = MONOTONIC;
    packet.trace_packet_defaults = &defaults;
    packet.clock_snapshot = &snapshot;
    return put_packet(s, &packet);
}

static int put_name(struct sink *s, enum perfetto_interned what, const char *text, uint64_t iid)
{
    Perfetto__InternedName name = PERFETTO__INTERNED_NAME__INIT, *names[] = {&name};
    Perfetto__InternedString string = PERFETTO__INTERNED_STRING__INIT, *strings[] = {&string};
    Perfetto__InternedData data = PERFETTO__INTERNED_DATA__INIT;
    Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;

    name.has_iid = string.has_iid = string.has_str = true;
    name.iid = string.iid = iid;
    name.name = (char *)text;
    string.str = (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
    if (what == EVENT_NAME) { /* categories are names, too */
        data.n_event_names = data.n_event_categories = 1;
        data.event_names = data.event_categories = names;
    } else if (what == ARGUMENT_NAME) {
        data.n_debug_annotation_names = 1;
        data.debug_annotation_names = names;
    } else {
        data.n_debug_annotation_string_values = 1;
        data.debug_annotation_string_values = strings;
    }
    packet.interned_data = &data;
    return put_packet(s, &packet);
}

static struct perfetto_name *name_of(struct sink *s, enum perfetto_interned what, const char *text)
{
    struct perfetto *x = s->state;
    struct perfetto_name **all = &x->names[what], *n;

    HASH_FIND_STR(*all, text, n);
    if (n)
        return n;
    n = calloc(1, sizeof(*n));
    if (n)
        n->text = strdup(text);
    if (!n || !n->text) {
        free(n);
        return NULL;
    }
    n->iid = ++x->iids;
    HASH_ADD_KEYPTR(hh, *all, n->text, strlen(n->text), n);
    if (!n->hh.tbl) {
        free(n->text);
        free(n);
        return NULL;
    }
    return put_name(s, what, text, n->iid) ? NULL : n;
}

uint64_t perfetto_intern(struct sink *s, enum perfetto_interned what, const char *text)
{
    const struct perfetto_name *n = name_of(s, what, text);

    return n ? n->iid : 0;
}

const char *perfetto_group(struct sink *s, const char *text)
{
    const struct perfetto_name *n = name_of(s, EVENT_NAME, text);

    return n ? n->text : NULL;
}

/* ---- tracks ---- */

static int put_track(struct sink *s, const struct perfetto_track *t, uint64_t parent,
                     const char *name, Perfetto__CounterDescriptor *counter)
{
    Perfetto__TrackDescriptor track = PERFETTO__TRACK_DESCRIPTOR__INIT;
    Perfetto__TracePacket packet = PERFETTO__TRACE_PACKET__INIT;

    track.has_uuid = true;
    track.uuid = t->uuid;
    track.has_parent_uuid = parent != 0;
    track.parent_uuid = parent;
    track.name = (char *)name;
    track.counter = counter;
    packet.track_descriptor = &track;
    return put_packet(s, &packet);
}

/* *made: it is new, and has no descriptor yet. NULL: no memory, or too many. */
static struct perfetto_track *track_get(struct perfetto *x, uint64_t party, const char *group,
                                        uint64_t number, bool *made)
{
    uint64_t key[3] = {party, (uintptr_t)group, number};
    struct perfetto_track *t;

    HASH_FIND(hh, x->tracks, key, sizeof(key), t);
    *made = !t;
    if (t || (group && HASH_COUNT(x->tracks) >= perfetto_tracks))
        return t;
    t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    memcpy(t->key, key, sizeof(key));
    t->uuid = ++x->uuids;
    t->party = !group;
    HASH_ADD(hh, x->tracks, key, sizeof(key), t);
    if (!t->hh.tbl) {
        free(t);
        return NULL;
    }
    return t;
}

static struct perfetto_track *party_track(struct sink *s, enum tap_source party)
{
    struct perfetto *x = s->state;
    struct perfetto_track *t = x->parties[party];
    bool made;

    if (t)
        return t;
    t = track_get(x, party, NULL, 0, &made);
    if (t && made && put_track(s, t, 0, parties[party], NULL))
        return NULL;
    x->parties[party] = t;
    return t;
}

/* "stream 5 of display 1" */
static void name_track(char *name, size_t size, const char *group, uint64_t display,
                       const uint64_t *number)
{
    size_t length = (size_t)snprintf(name, size, "%s", group);

    if (number)
        length += (size_t)snprintf(name + length, size - length, " %" PRIu64, *number);
    if (display)
        snprintf(name + length, size - length, " of display %" PRIu64, display);
}

struct perfetto_track *perfetto_track(struct sink *s, enum tap_source party, const char *group,
                                      uint64_t display, const uint64_t *number)
{
    struct perfetto_track *parent = party_track(s, party), *t;
    char name[128];
    bool made;

    if (!parent)
        return NULL;
    t = track_get(s->state, party, group, display << 32 | (number ? (uint32_t)*number : 0), &made);
    if (!t || !made)
        return t ? t : parent;
    name_track(name, sizeof(name), group, display, number);
    return put_track(s, t, parent->uuid, name, NULL) ? NULL : t;
}

struct perfetto_track *perfetto_counter(struct sink *s, enum tap_source party, const char *name,
                                        uint64_t number, const char *word, bool bytes)
{
    Perfetto__CounterDescriptor count = PERFETTO__COUNTER_DESCRIPTOR__INIT;
    struct perfetto_track *parent = party_track(s, party), *t;
    char text[128];
    bool made;

    t = parent ? track_get(s->state, party, name, number, &made) : NULL;
    if (!t || !made)
        return t;
    if (word)
        snprintf(text, sizeof(text), "%s: %s", name, word);
    else
        name_track(text, sizeof(text), name, number, NULL);
    count.has_unit = true;
    count.unit = bytes ? PERFETTO__COUNTER_DESCRIPTOR__UNIT__UNIT_SIZE_BYTES
                       : PERFETTO__COUNTER_DESCRIPTOR__UNIT__UNIT_COUNT;
    return put_track(s, t, parent->uuid, text, &count) ? NULL : t;
}

void perfetto_free(struct perfetto *x)
{
    struct perfetto_track *t, *rest;
    struct perfetto_name *n, *more;

    for (int i = 0; i < INTERNED; i++)
        HASH_ITER(hh, x->names[i], n, more)
        {
            HASH_DEL(x->names[i], n);
            free(n->text);
            free(n);
        }
    HASH_ITER(hh, x->tracks, t, rest)
    {
        HASH_DEL(x->tracks, t);
        free(t);
    }
    free(x->arguments.data);
    free(x);
}
