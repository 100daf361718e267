/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a .tap log, chunk by chunk. Nothing in the file is believed before it is checked. What
 * cannot be read becomes a loss, and reading goes on at the next chunk that can.
 */
#include <errno.h>
#include <stdlib.h>

#include "log/tap_reader.h"

enum { RESYNC_WINDOW = 1 << 16 };

void tap_reader_expect(struct tap_reader *r, const struct tap_end *end)
{
    r->expected = *end;
    r->expects = true;
}

void tap_reader_growing(struct tap_reader *r)
{
    r->growing = true;
}

void tap_reader_unended(struct tap_reader *r)
{
    r->unended = true;
}

/* ---- what is missing ---------------------------------------------------------------------- */

/* `count` 0: not known. */
static void miss(struct tap_reader *r, uint64_t from, uint64_t to, uint64_t count, int reason)
{
    uint64_t time = to == UINT64_MAX ? r->last_time : to;

    r->missing.event = (struct tap_event){
        .time = time, .kind = EV_loss, .slots = 3, .v = {count, (uint64_t)reason, from}};
    r->missing.from = from < time ? from : time;
    r->missing.to = to;
    r->missing.due = true;
    r->lost += count;
    r->recovered = r->missed = true;
}

/* Is something missing before this chunk? */
static bool has_gap(const struct tap_reader *r, const struct tap_chunk_header *h)
{
    return h->number != r->next_chunk || (r->skipped != NOTHING && !r->explained);
}

/* How many events are missing before the last `own` of a chunk. A header has the sum of all events
 * so far, modulo 2^32. False: it has no sum, as in 1.0, or an impossible one. */
static bool count_missing(const struct tap_reader *r, const struct tap_chunk_header *h,
                          uint32_t own, uint64_t chunks, uint64_t *count)
{
    *count = (uint32_t)(h->sum - own - (uint32_t)r->passed);
    return h->sum && *count <= chunks * TAP_MAX_EVENTS;
}

/* After a chunk was read: is something missing before it? */
static void check_gap(struct tap_reader *r, const struct tap_chunk_header *h, uint32_t own)
{
    uint64_t count;
    bool known = count_missing(r, h, own, h->number - r->next_chunk, &count);

    if (!has_gap(r, h))
        return;
    if (known && !count)
        r->recovered = true; /* bytes between two chunks that belong to neither */
    else
        miss(r, r->last_time, h->first, known ? count : 0,
             r->skipped == NOTHING ? LOSS_REASON_damaged : r->skipped);
    r->passed += known ? count : 0;
}

/* ---- from chunk to chunk ---------------------------------------------------------------- */

static bool parse_chunk(const uint8_t *p, struct tap_chunk_header *h)
{
    if (memcmp(p, TAP_CHUNK_MARK, 4) || get_le(p + 52, 4) != tap_crc(p, 52))
        return false;
    h->payload = (uint32_t)get_le(p + 4, 4);
    h->raw = (uint32_t)get_le(p + 8, 4);
    h->events = (uint32_t)get_le(p + 12, 4);
    h->first = get_le(p + 16, 8);
    h->last = get_le(p + 24, 8);
    h->lost = get_le(p + 32, 8);
    h->number = (uint32_t)get_le(p + 40, 4);
    h->sum = (uint32_t)get_le(p + 44, 4);
    h->crc = (uint32_t)get_le(p + 48, 4);
    if (h->lost > TAP_MAX_LOST)
        h->lost = 0;
    return h->payload <= TAP_MAX_PAYLOAD && h->raw <= TAP_MAX_RAW && h->events &&
           h->events <= TAP_MAX_EVENTS;
}

/* Goes on to the next header that is whole, or to the file's last bytes. */
static int resync(struct tap_reader *r)
{
    if (tap_make_room(&r->payload, &r->payload_room, RESYNC_WINDOW))
        return -ENOMEM;
    for (;;) {
        ssize_t n = tap_read_all(r, r->payload, RESYNC_WINDOW);
        struct tap_chunk_header h;
        size_t last;

        if (n < TAP_CHUNK_SIZE)
            return n < 0 ? (int)n : 0;
        last = (size_t)n - TAP_CHUNK_SIZE;
        for (size_t at = 0; at <= last; at++) {
            const uint8_t *found = memchr(r->payload + at, TAP_CHUNK_MARK[0] & 0xff, last - at + 1);

            if (!found)
                break;
            at = (size_t)(found - r->payload);
            if (parse_chunk(found, &h)) {
                r->position += at;
                return 0;
            }
        }
        r->position += last + 1;
    }
}

/* A chunk whose header could be read, but not its events. */
static int lose_chunk(struct tap_reader *r, const struct tap_chunk_header *h, int reason)
{
    bool gap = has_gap(r, h);
    uint64_t count;

    if (count_missing(r, h, 0, (uint64_t)(h->number - r->next_chunk) + 1, &count)) {
        r->passed += count;
        r->ended = !count; /* only log_end leaves the sum as it was */
    } else {
        r->passed += h->events;
        count = gap ? 0 : h->events;
        r->ended = false;
    }
    if (r->ended)
        r->recovered = true;
    else
        miss(r, gap ? r->last_time : h->first, h->last, count ? count + h->lost : 0, reason);
    if (h->last > r->last_time)
        r->last_time = h->last;
    r->next_chunk = h->number + 1;
    r->skipped = reason;
    r->explained = true;
    return resync(r);
}

/* A number that was passed already: a copy, or the numbers are wrong. It is not given twice. */
static void repeat_chunk(struct tap_reader *r, const struct tap_chunk_header *h)
{
    r->position += h->payload;
    miss(r, h->first, h->last, 0, LOSS_REASON_damaged);
}

static int grow(struct tap_reader *r, size_t events)
{
    struct tap_event *e;

    if (events <= r->room)
        return 0;
    e = reallocarray(r->event, events, sizeof(*e));
    if (!e)
        return -ENOMEM;
    r->event = e;
    r->room = events;
    return 0;
}

static int load_chunk(struct tap_reader *r, const struct tap_chunk_header *h)
{
    int err = grow(r, h->events);

    if (!err)
        err = tap_read_packed(r, h->payload, h->crc, h->raw);
    return err ? err : tap_decode(&r->decoder, h, r->raw, r->event);
}

static void take_chunk(struct tap_reader *r, const struct tap_chunk_header *h)
{
    bool end = h->events == 1 && r->event[0].kind == r->log_end;
    uint32_t own = end ? 0 : h->events;

    check_gap(r, h, own);
    r->position += h->payload;
    r->passed += own;
    r->next_chunk = h->number + 1;
    r->skipped = NOTHING;
    r->explained = false;
    r->ended = end;
    r->lost += h->lost;
    r->next = 0;
    r->count = h->events;
    if (r->event[h->events - 1].time > r->last_time)
        r->last_time = r->event[h->events - 1].time;
}

/* Is this whole log not the one whose size run.json has? */
static bool is_another(const struct tap_reader *r)
{
    return r->ended && r->expects && !r->missed && r->expected.events != r->passed;
}

/*
 * The end of the file, with `rest` bytes that are no chunk. run.json knows how many events a log
 * has; without run.json, a log of 1.1 that does not end in log_end lacks an unknown number. So does
 * one of 1.0 that ends within a chunk, or whose recorder was killed.
 */
static int end_file(struct tap_reader *r, bool rest)
{
    uint64_t count =
        r->expects && r->expected.events > r->passed ? r->expected.events - r->passed : 0;
    bool lost = r->expects
                    ? count
                    : r->minor || r->unended || rest || r->skipped == LOSS_REASON_truncated ||
                          (r->skipped != NOTHING && !r->explained);

    if (r->ended)
        lost = is_another(r);
    if (r->finished || r->growing)
        lost = false;
    r->finished = true;
    r->recovered |= rest;
    if (lost && r->ended)
        r->skipped = LOSS_REASON_damaged;
    if (lost)
        miss(r, r->last_time, UINT64_MAX, count <= TAP_MAX_LOST ? count : 0,
             r->skipped == NOTHING || r->explained ? LOSS_REASON_truncated : r->skipped);
    return lost;
}

/* One step ahead: a chunk's events, or a loss, or both. 1: go on, 0: the end of the log. */
static int next_chunk(struct tap_reader *r)
{
    uint8_t head[TAP_CHUNK_SIZE];
    struct tap_chunk_header h;
    ssize_t n = tap_read_all(r, head, sizeof(head));
    int err;

    if (n < 0)
        return (int)n;
    if (n < TAP_CHUNK_SIZE)
        return end_file(r, n > 0 && !r->explained);
    if (!parse_chunk(head, &h)) {
        if (!r->explained)
            r->skipped = LOSS_REASON_damaged;
        err = resync(r);
        return err ? err : 1;
    }
    r->position += TAP_CHUNK_SIZE;
    if (h.number < r->next_chunk) {
        repeat_chunk(r, &h);
        return 1;
    }
    err = load_chunk(r, &h);
    if (err == -ENODATA && r->growing)
        return 0;
    if (err == -EBADMSG || err == -ENODATA)
        err = lose_chunk(r, &h, err == -ENODATA ? LOSS_REASON_truncated : LOSS_REASON_damaged);
    else if (!err)
        take_chunk(r, &h);
    return err ? err : 1;
}

/* ---- event by event ------------------------------------------------------------------------ */

static void give_missing(struct tap_reader *r, struct tap_event *ev)
{
    *ev = r->missing.event;
    r->from = r->missing.from;
    r->to = r->missing.to;
    r->missing.due = false;
}

/* A loss that the recorder wrote. */
static void give_loss(struct tap_reader *r, const struct tap_event *e, struct tap_event *ev)
{
    const struct tap_event *known =
        tap_translate(&r->known[tap_desc_plan(&r->desc, e->kind) - r->desc.plans], e, ev);

    if (known != ev)
        *ev = *known;
    r->to = ev->time;
    r->from = ev->v[2] ? ev->v[2] : r->before;
    if (r->from > r->to)
        r->from = r->to;
}

int tap_reader_next(struct tap_reader *r, struct tap_event *ev)
{
    for (;;) {
        const struct tap_event *e;
        int more;

        if (r->missing.due) {
            give_missing(r, ev);
            return 1;
        }
        if (r->next == r->count) {
            more = next_chunk(r);
            if (more <= 0)
                return more;
            continue;
        }
        e = &r->event[r->next++];
        if (e->kind == r->log_end)
            continue;
        if (e->kind == r->loss) {
            give_loss(r, e, ev);
            return 1;
        }
        r->before = e->time;
        *ev = *e; /* all slots: a copy of a known size is the fastest */
        return 1;
    }
}

void tap_reader_span(const struct tap_reader *r, uint64_t *from, uint64_t *to)
{
    *from = r->from;
    *to = r->to;
}

const struct tap_event *tap_reader_known(const struct tap_reader *r, const struct tap_event *ev,
                                         struct tap_event *room)
{
    const struct tap_kind_plan *plan;

    if (ev->kind == EV_loss)
        return ev;
    plan = tap_desc_plan(&r->desc, ev->kind);
    return plan ? tap_translate(&r->known[plan - r->desc.plans], ev, room) : NULL;
}

const struct tap_kind_desc *tap_reader_kind(const struct tap_reader *r, uint16_t kind)
{
    const struct tap_kind_plan *plan;

    if (kind == EV_loss)
        return tap_kind_find(EV_loss);
    plan = tap_desc_plan(&r->desc, kind);
    return plan ? plan->desc : NULL;
}

enum tap_source tap_reader_source(const struct tap_reader *r)
{
    return r->desc.source;
}

bool tap_reader_recovered(const struct tap_reader *r)
{
    return r->recovered;
}

bool tap_reader_missed(const struct tap_reader *r)
{
    return r->missed;
}

uint64_t tap_reader_lost(const struct tap_reader *r)
{
    return r->lost;
}

unsigned tap_reader_left_out(const struct tap_reader *r, const char **first)
{
    *first = r->desc.left_out_first;
    return r->desc.left_out;
}
