/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the writer and the reader of a .tap log share: docs/dev/format.md in numbers.
 * All numbers in a log are little-endian.
 */
#ifndef SPICETAP_TAP_FORMAT_H
#define SPICETAP_TAP_FORMAT_H

#include <libdeflate.h>
#include <string.h>
#include <sys/types.h>

#include "log/tap.h"

#define TAP_MAGIC      "SPICETAP"
#define TAP_MAJOR      1
#define TAP_MINOR      2
#define TAP_CHUNK_MARK "\xf5TAP"

enum tap_limits {
    TAP_HEADER_SIZE = 32,
    TAP_CHUNK_SIZE = 56, /* a chunk's header */
    TAP_MAX_DESC = 1 << 20,
    TAP_MAX_RAW = 1 << 20,     /* a chunk's payload, inflated */
    TAP_MAX_PAYLOAD = 1 << 21, /* and as it is stored */
    TAP_MAX_EVENTS = 16384,    /* in a chunk */
    TAP_MAX_KINDS = 1024,
    TAP_MAX_FIELDS = 64, /* of a kind */
    TAP_MAX_NAME = 63,
    TAP_MAX_REGISTERS = 32, /* names of fields that others are predicted from */
    TAP_RECENT = 64,        /* values in a list of CODE_RECENT */
};

/* More events than any recorder can lose: what a damaged or forged number must not exceed. */
#define TAP_MAX_LOST (UINT64_C(1) << 48)

struct tap_chunk_header {
    uint32_t payload, raw, events, number;
    uint64_t first, last, lost;
    uint32_t sum; /* events of the log so far, this chunk's included, modulo 2^32; 0: not known */
    uint32_t crc;
};

/* How a column predicts its next value; what is stored is the difference. */
enum tap_code {
    CODE_DELTA,  /* the value this field had in the previous event of the kind */
    CODE_TIME,   /* the event's own time */
    CODE_BY,     /* the value any `by` field had when its drawable was last named */
    CODE_LAST,   /* the value that a field of some name had last, in any kind */
    CODE_RECENT, /* stored as its place in a list of recent values */
    CODE_SINCE,  /* a span from a time known for a key until the last value of some field */
    CODE_SKIP,   /* not known to this reader */
};

enum { TAP_NONE = 0xff }; /* no slot, no register */

/* One field as the coder sees it. */
struct tap_plan {
    enum tap_code code;
    enum tap_type type;
    uint16_t slot, columns;
    uint16_t plain; /* so many fields from this one on are one column each, CODE_DELTA, one slot
                       after the other, and not linked */
    uint8_t by[2];  /* slots of the fields that make the key of `remember` or CODE_SINCE */
    uint8_t anew;   /* CODE_SINCE: where this slot is 0, the next span begins at this one's end */
    uint8_t of;     /* CODE_LAST, CODE_SINCE, CODE_RECENT: the register or list */
    uint8_t set;    /* the register that holds this field's value */
    bool remember;  /* its value belongs to the key by[0] */
    bool linked;    /* it reads or sets something beside its own columns */
};

struct tap_kind_plan {
    const struct tap_kind_desc *desc;
    struct tap_plan *fields; /* all of them, those not known included */
    uint16_t count, columns; /* columns: the thread's one included */
    uint16_t links;          /* how many fields are linked, and which */
    uint8_t link[TAP_MAX_FIELDS];
    uint16_t number; /* what the log calls it */
};

/* A log's description of itself. */
struct tap_desc {
    enum tap_source source;
    struct tap_kind_desc *kinds;
    struct tap_kind_plan *plans; /* by ascending number */
    size_t count;
    struct tap_kind_plan *by_number[TAP_MAX_KINDS]; /* the low numbers, found at once */
    struct tap_register {
        const char *name;
        bool rect;
    } registers[TAP_MAX_REGISTERS];
    unsigned register_count;
    unsigned left_out;          /* fields beyond TAP_MAX_SLOTS */
    const char *left_out_first; /* "KIND.FIELD" of the first of them */
    struct tap_arena *memory;   /* all that the above points to */
};

extern const char *const tap_type_names[];

/* The description of `source`'s kinds and META's, as JSON; free() it. NULL: no memory. */
char *tap_desc_json(enum tap_source source);
int tap_desc_parse(struct tap_desc *out, const char *json, size_t length);
void tap_desc_free(struct tap_desc *d);
struct tap_kind_plan *tap_desc_find(const struct tap_desc *d, uint64_t number);

/* How the log describes a kind; NULL: it does not. */
static inline struct tap_kind_plan *tap_desc_plan(const struct tap_desc *d, uint64_t number)
{
    return number < TAP_MAX_KINDS ? d->by_number[number] : tap_desc_find(d, number);
}

static inline uint64_t zigzag(uint64_t v)
{
    return v << 1 ^ -(v >> 63);
}

static inline uint64_t unzigzag(uint64_t v)
{
    return v >> 1 ^ -(v & 1);
}

static inline uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)v | 0x80;
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

static inline void put_le(uint8_t *p, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static inline uint64_t get_le(const uint8_t *p, int bytes)
{
    uint64_t v = 0;

    for (int i = bytes; i--;)
        v = v << 8 | p[i];
    return v;
}

static inline uint32_t tap_crc(const uint8_t *p, size_t length)
{
    return libdeflate_crc32(0, p, length);
}

#endif
