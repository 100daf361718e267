/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Perfetto's format, for its sink: packets, names that are written once, tracks. */
#ifndef SPICETAP_PERFETTO_TRACE_H
#define SPICETAP_PERFETTO_TRACE_H

#include "perfetto.pb-c.h"
#include "table/sink.h"

/* Eight bytes at a time, the rest one by one: keys are numbers, or texts. */
static inline unsigned perfetto_hash(const void *key, size_t length)
{
    const unsigned char *p = key;
    uint64_t h = length, word;

    for (; length >= sizeof(word); p += sizeof(word), length -= sizeof(word)) {
        memcpy(&word, p, sizeof(word));
        h = (h ^ word) * 0x9e3779b97f4a7c15;
        h ^= h >> 32;
    }
    for (size_t i = 0; i < length; i++)
        h = (h ^ p[i]) * 0x9e3779b97f4a7c15;
    return (unsigned)(h ^ h >> 29);
}

#define HASH_NONFATAL_OOM                1
#define HASH_FUNCTION(key, length, hash) ((hash) = perfetto_hash(key, length))
#include <uthash.h>

/* At most so many: a guest chooses numbers of streams and threads. Tests change it. */
extern unsigned perfetto_tracks;

struct perfetto_track {
    uint64_t key[3]; /* party, the group's name, display and number */
    uint64_t uuid;
    int64_t sum;    /* a counter's */
    unsigned depth; /* slices that began on it */
    bool party;     /* a party's own: no slice may begin there, since those of several groups mix */
    UT_hash_handle hh;
};

struct perfetto_name {
    char *text;
    uint64_t iid;
    UT_hash_handle hh;
};

enum {
    PERFETTO_SEQUENCE = 1, /* trusted_packet_sequence_id: all packets are one sequence */
    PERFETTO_CLEARED = 1,  /* SEQ_INCREMENTAL_STATE_CLEARED: interned names begin anew */
    PERFETTO_NEEDED = 2,   /* SEQ_NEEDS_INCREMENTAL_STATE */
};

/* What is written once, and then named by its number. Categories are event names. */
enum perfetto_interned { EVENT_NAME, ARGUMENT_NAME, VALUE, INTERNED };

/* Arguments of an event, packed one behind the other. */
struct perfetto_arguments {
    uint8_t *data;
    size_t length, room;
};

struct perfetto {
    struct perfetto_arguments arguments; /* of the row that is being written */
    struct perfetto_name *names[INTERNED];
    struct perfetto_track *tracks;
    struct perfetto_track *parties[SOURCES]; /* those that have a track */
    uint64_t iids, uuids, flows;
    bool began;
};

/* Writes the first packet to the sink; 0 or -errno. */
int perfetto_head(struct sink *s);

/* The number of a text. 0: no memory, or it was not written. */
uint64_t perfetto_intern(struct sink *s, enum perfetto_interned what, const char *text);

/* The one pointer that stands for a group of that name: perfetto_track() compares pointers. NULL:
 * as above. */
const char *perfetto_group(struct sink *s, const char *text);

/* A track below its party's, made when first asked for; `number` NULL: the group has one. Where
 * there are too many tracks, the party's own. NULL: no memory, or it was not written. */
struct perfetto_track *perfetto_track(struct sink *s, enum tap_source party, const char *group,
                                      uint64_t display, const uint64_t *number);
/* A counter's, one for each `number`, which has that name if it is not NULL. NULL: also where there
 * are too many. */
struct perfetto_track *perfetto_counter(struct sink *s, enum tap_source party, const char *name,
                                        uint64_t number, const char *word, bool bytes);
void perfetto_free(struct perfetto *x);

#endif
