/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a .tap log, chunk by chunk. Nothing in the file is believed before it is checked;
 * what cannot be read is told as a loss, and reading goes on at the next chunk that can.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/tap_format.h"

enum { RESYNC_WINDOW = 1 << 16 };

/* Where a column is being read, and the value before. Behind its end a column gives zeros. */
struct cursor {
    const uint8_t *p, *end;
    uint64_t before;
};

/* How an event of the log becomes one of the built-in table. */
struct translation {
    const struct tap_kind_desc *to; /* NULL: not known here */
    bool same;
    struct {
        uint8_t from, to, slots;
    } move[TAP_MAX_SLOTS];
    unsigned moves;
};

struct tap_reader {
    int fd;
    struct tap_desc desc;
    struct translation *known;                      /* by index in desc.plans */
    struct tap_kind_plan *by_number[TAP_MAX_KINDS]; /* the low numbers, found at once */
    const struct tap_kind_plan *loss;               /* what the log calls EV_loss */
    bool recovered, at_end, told;                   /* told: a loss stands before this chunk */
    uint64_t lost, last_time, position;
    uint32_t next_chunk; /* the number it should have */
    size_t count, next;  /* events of the chunk */
    struct tap_event *event;
    size_t room; /* events */
    struct tap_memory memory;
    uint8_t *payload, *raw;
    size_t payload_room, raw_room;
    struct cursor *cursors, **of_kind; /* of_kind: by index in desc.plans */
    z_stream z;
};

static void reader_free(struct tap_reader *r)
{
    if (r->fd >= 0)
        close(r->fd);
    tap_desc_free(&r->desc);
    free(r->memory.known);
    inflateEnd(&r->z);
    free(r->known);
    free(r->event);
    free(r->payload);
    free(r->raw);
    free(r->cursors);
    free(r->of_kind);
    free(r);
}

/* Buffers grow to what the log needs, within the format's limits. */
static int make_room(uint8_t **buffer, size_t *room, size_t size)
{
    uint8_t *more = size > *room ? realloc(*buffer, size) : *buffer;

    if (size <= *room)
        return 0;
    if (!more)
        return -ENOMEM;
    *buffer = more;
    *room = size;
    return 0;
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

/* As much as there is, up to `length`; <0: error. */
static ssize_t read_all(struct tap_reader *r, uint8_t *to, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t n = pread(r->fd, to + done, length - done, (off_t)(r->position + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (!n)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* Reads `packed` bytes at r->position, checks them, and inflates them to exactly `raw` bytes. */
static int read_packed(struct tap_reader *r, size_t packed, uint32_t crc, size_t raw)
{
    ssize_t n;

    if (make_room(&r->payload, &r->payload_room, packed) || make_room(&r->raw, &r->raw_room, raw))
        return -ENOMEM;
    n = read_all(r, r->payload, packed);
    if (n < 0)
        return (int)n;
    if ((size_t)n < packed)
        return -ENODATA;
    if (tap_crc(r->payload, packed) != crc)
        return -EBADMSG;
    inflateReset(&r->z);
    r->z.next_in = r->payload;
    r->z.avail_in = (uInt)packed;
    r->z.next_out = r->raw;
    r->z.avail_out = (uInt)raw;
    if (inflate(&r->z, Z_FINISH) != Z_STREAM_END || r->z.total_out != raw || r->z.avail_in)
        return -EBADMSG;
    return 0;
}

static int read_header(struct tap_reader *r)
{
    uint8_t h[TAP_HEADER_SIZE];
    ssize_t n = read_all(r, h, sizeof(h));
    size_t packed, raw;
    int err;

    if (n < 0)
        return (int)n;
    if (n < 8 || memcmp(h, TAP_MAGIC, 8) || n < TAP_HEADER_SIZE)
        return -ENODATA;
    if (get_le(h + 28, 4) != tap_crc(h, 28))
        return -EBADMSG;
    if (get_le(h + 8, 2) > TAP_MAJOR)
        return -EPROTO;
    packed = get_le(h + 12, 4);
    raw = get_le(h + 16, 4);
    if (!get_le(h + 8, 2) || packed > TAP_MAX_PAYLOAD || !raw || raw > TAP_MAX_DESC)
        return -EBADMSG;
    r->position += TAP_HEADER_SIZE;
    err = read_packed(r, packed, (uint32_t)get_le(h + 20, 4), raw);
    r->position += packed;
    return err ? err : tap_desc_parse(&r->desc, (char *)r->raw, raw);
}

/* Lays out a cursor for each column of each kind. */
static int make_cursors(struct tap_reader *r)
{
    size_t columns = 0;

    for (size_t i = 0; i < r->desc.count; i++)
        columns += r->desc.plans[i].columns;
    r->cursors = calloc(columns + 1, sizeof(*r->cursors));
    r->of_kind = calloc(r->desc.count, sizeof(*r->of_kind));
    if (!r->cursors || !r->of_kind)
        return -ENOMEM;
    columns = 0;
    for (size_t i = 0; i < r->desc.count; i++) {
        struct tap_kind_plan *plan = &r->desc.plans[i];

        r->of_kind[i] = r->cursors + columns;
        columns += plan->columns;
        if (plan->number < TAP_MAX_KINDS)
            r->by_number[plan->number] = plan;
    }
    return 0;
}

static const struct tap_field *field_named(const struct tap_kind_desc *kind, const char *name)
{
    for (unsigned i = 0; i < kind->count; i++)
        if (!strcmp(kind->fields[i].name, name))
            return &kind->fields[i];
    return NULL;
}

/* Kinds and fields are known by their names, so that a later version may add to them. */
static void learn(const struct tap_kind_desc *from, struct translation *t)
{
    t->to = tap_kind_by_name(from->name);
    if (t->to && (t->to->source == SOURCE_META) != (from->source == SOURCE_META))
        t->to = NULL;
    if (!t->to)
        return;
    t->same = from->slots == t->to->slots && from->kind == t->to->kind;
    for (unsigned i = 0; i < t->to->count; i++) {
        const struct tap_field *want = &t->to->fields[i], *have = field_named(from, want->name);

        if (!have || (have->type == TYPE_RECT) != (want->type == TYPE_RECT)) {
            t->same = false;
            continue;
        }
        t->same = t->same && have->slot == want->slot;
        t->move[t->moves].from = (uint8_t)have->slot;
        t->move[t->moves].to = (uint8_t)want->slot;
        t->move[t->moves++].slots = want->type == TYPE_RECT ? 2 : 1;
    }
}

/* A loss is EV_loss to our callers, laid out as events.def has it, and no other kind is. */
static int learn_kinds(struct tap_reader *r)
{
    r->known = calloc(r->desc.count, sizeof(*r->known));
    if (!r->known)
        return -ENOMEM;
    for (size_t i = 0; i < r->desc.count; i++) {
        const struct tap_kind_plan *plan = &r->desc.plans[i];

        learn(plan->desc, &r->known[i]);
        if (r->known[i].to && r->known[i].to->kind == EV_loss)
            r->loss = plan;
        else if (plan->number == EV_loss)
            return -EBADMSG;
    }
    return 0;
}

int tap_reader_open(struct tap_reader **out, const char *path)
{
    struct tap_reader *r = calloc(1, sizeof(*r));
    int err = -ENOMEM;

    if (!r)
        return -ENOMEM;
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0)
        err = -errno;
    if (r->fd >= 0 && inflateInit(&r->z) == Z_OK) {
        err = read_header(r);
        if (!err)
            err = make_cursors(r);
        if (!err)
            err = learn_kinds(r);
        if (!err)
            err = grow(r, 1);
    }
    if (err) {
        reader_free(r);
        return err;
    }
    *out = r;
    return 0;
}

/* ---- a chunk -------------------------------------------------------------------------- */

static inline int get_varint(struct cursor *c, uint64_t *out)
{
    uint64_t v = 0;

    if (c->p == c->end) {
        *out = 0;
        return 0;
    }
    for (int shift = 0; shift < 64 && c->p < c->end; shift += 7) {
        uint8_t byte = *c->p++;

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = v;
            return 0;
        }
    }
    return -EBADMSG;
}

static inline int next_delta(struct cursor *c, uint64_t *value)
{
    uint64_t d;

    if (c->p < c->end && *c->p < 0x80) /* by far the most */
        d = *c->p++;
    else if (get_varint(c, &d))
        return -EBADMSG;
    c->before += unzigzag(d);
    *value = c->before;
    return 0;
}

/* Takes the next column's length and sets a cursor on it. */
static int take_column(struct cursor *all, struct cursor *column)
{
    uint64_t length;

    if (all->p == all->end || get_varint(all, &length) || length > (size_t)(all->end - all->p))
        return -EBADMSG;
    *column = (struct cursor){.p = all->p, .end = all->p + length};
    all->p += length;
    return 0;
}

static struct tap_kind_plan *plan_of(const struct tap_reader *r, uint64_t number)
{
    if (number < TAP_MAX_KINDS)
        return r->by_number[number];
    return number <= UINT16_MAX ? tap_desc_plan(&r->desc, (unsigned)number) : NULL;
}

/* Which kinds are in the chunk; then where each of their columns is. */
static int take_columns(struct tap_reader *r, struct cursor *all, struct cursor order, size_t count)
{
    bool present[TAP_MAX_KINDS] = {false};

    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        const struct tap_kind_plan *plan;

        if (order.p == order.end || get_varint(&order, &number))
            return -EBADMSG;
        plan = plan_of(r, number);
        if (!plan)
            return -EBADMSG;
        present[plan - r->desc.plans] = true;
    }
    for (size_t k = 0; k < r->desc.count; k++)
        for (unsigned c = 0; present[k] && c < r->desc.plans[k].columns; c++)
            if (take_column(all, &r->of_kind[k][c]))
                return -EBADMSG;
    return 0;
}

static inline int read_rect(struct cursor *c, uint64_t *v)
{
    uint64_t l, t, w, h;
    uint32_t box[4];

    if (next_delta(c, &l) || next_delta(c + 1, &t) || next_delta(c + 2, &w) ||
        next_delta(c + 3, &h))
        return -EBADMSG;
    box[0] = (uint32_t)l;
    box[1] = (uint32_t)t;
    box[2] = (uint32_t)(l + w);
    box[3] = (uint32_t)(t + h);
    memcpy(v, box, sizeof(box));
    return 0;
}

static inline int read_fields(struct tap_reader *r, const struct tap_kind_plan *plan,
                              struct cursor *c, struct tap_event *e)
{
    for (unsigned f = 0; f < plan->count; c += plan->fields[f++].columns) {
        const struct tap_plan *p = &plan->fields[f];
        uint64_t *known = p->remember ? tap_memory_at(&r->memory, e->v[p->by]) : NULL;

        if (p->code == CODE_SKIP)
            continue;
        if (p->type == TYPE_RECT) {
            if (read_rect(c, &e->v[p->slot]))
                return -EBADMSG;
            continue;
        }
        if (p->code == CODE_TIME)
            c->before = e->time;
        else if (p->code == CODE_BY && known)
            c->before = *known;
        if (next_delta(c, &e->v[p->slot]))
            return -EBADMSG;
        if (known)
            *known = e->v[p->slot];
    }
    return 0;
}

static int decode(struct tap_reader *r, const struct tap_chunk_header *h)
{
    struct cursor all = {.p = r->raw, .end = r->raw + h->raw}, order, times;

    if (take_column(&all, &order) || take_column(&all, &times) ||
        take_columns(r, &all, order, h->events))
        return -EBADMSG;
    times.before = h->first;
    for (size_t i = 0; i < h->events; i++) {
        struct tap_event *e = &r->event[i];
        const struct tap_kind_plan *plan;
        struct cursor *c;
        uint64_t number, tid;

        if (get_varint(&order, &number) || next_delta(&times, &e->time))
            return -EBADMSG;
        plan = plan_of(r, number);
        c = r->of_kind[plan - r->desc.plans];
        if (next_delta(c, &tid))
            return -EBADMSG;
        e->tid = (uint32_t)tid;
        e->kind = plan->desc->kind;
        e->slots = plan->desc->slots;
        if (read_fields(r, plan, c + 1, e))
            return -EBADMSG;
    }
    return 0;
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
    h->crc = (uint32_t)get_le(p + 48, 4);
    return h->payload <= TAP_MAX_PAYLOAD && h->raw <= TAP_MAX_RAW && h->events &&
           h->events <= TAP_MAX_EVENTS;
}

/* One loss as the next event; `count` 0: not known. */
static void tell_loss(struct tap_reader *r, uint64_t time, uint64_t count, unsigned reason)
{
    r->event[0] =
        (struct tap_event){.time = time, .kind = EV_loss, .slots = 2, .v = {count, reason}};
    r->next = 0;
    r->count = 1;
    r->lost += count;
    r->recovered = true;
    r->told = true;
}

/* Looks from here on for the next header that is whole. 1: found, 0: none. */
static int resync(struct tap_reader *r)
{
    if (make_room(&r->payload, &r->payload_room, RESYNC_WINDOW))
        return -ENOMEM;
    for (;;) {
        ssize_t n = read_all(r, r->payload, RESYNC_WINDOW);
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
                return 1;
            }
        }
        r->position += last + 1;
    }
}

/* The chunk at r->position cannot be read: tell so, and go on at the next. */
static int skip_damage(struct tap_reader *r, uint64_t time, uint64_t count, unsigned reason)
{
    int found = resync(r);

    if (found < 0)
        return found;
    r->at_end = !found;
    tell_loss(r, time, count, reason);
    return 1;
}

static int load_chunk(struct tap_reader *r, const struct tap_chunk_header *h)
{
    int err = grow(r, h->events);

    if (!err)
        err = tap_memory_reset(&r->memory, h->events);
    if (!err)
        err = read_packed(r, h->payload, h->crc, h->raw);
    return err ? err : decode(r, h);
}

/* Sets up the events of the next chunk, or a loss in its place. 1: there is one, 0: the end. */
static int next_chunk(struct tap_reader *r)
{
    uint8_t head[TAP_CHUNK_SIZE];
    struct tap_chunk_header h;
    ssize_t n = r->at_end ? 0 : read_all(r, head, sizeof(head));
    int err;

    if (n <= 0)
        return (int)n;
    if (n < TAP_CHUNK_SIZE)
        return skip_damage(r, r->last_time, 0, LOSS_TRUNCATED);
    if (!parse_chunk(head, &h))
        return skip_damage(r, r->last_time, 0, LOSS_DAMAGED);
    if (h.number != r->next_chunk && !r->told) {
        tell_loss(r, r->last_time, 0, LOSS_DAMAGED); /* whole chunks are gone */
        return 1;
    }
    r->next_chunk = h.number + 1;
    r->position += TAP_CHUNK_SIZE;
    r->told = false;
    err = load_chunk(r, &h);
    if (err == -EBADMSG || err == -ENODATA)
        return skip_damage(r, h.first, h.events + h.lost,
                           err == -ENODATA ? LOSS_TRUNCATED : LOSS_DAMAGED);
    if (err)
        return err;
    r->position += h.payload;
    r->last_time = h.last;
    r->lost += h.lost;
    r->next = 0;
    r->count = h.events;
    return 1;
}

static void copy_event(const struct tap_event *e, struct tap_event *out)
{
    out->time = e->time;
    out->tid = e->tid;
    out->kind = e->kind;
    out->slots = e->slots;
    memcpy(out->v, e->v, e->slots * sizeof(*e->v));
}

static const struct tap_event *translate(const struct translation *t, const struct tap_event *e,
                                         struct tap_event *room)
{
    if (t->same)
        return e;
    if (!t->to)
        return NULL;
    *room = (struct tap_event){
        .time = e->time, .tid = e->tid, .kind = t->to->kind, .slots = t->to->slots};
    for (unsigned i = 0; i < t->moves; i++)
        memcpy(&room->v[t->move[i].to], &e->v[t->move[i].from], t->move[i].slots * sizeof(*e->v));
    return room;
}

int tap_reader_next(struct tap_reader *r, struct tap_event *ev)
{
    const struct tap_event *e;

    if (r->next == r->count) {
        int more = next_chunk(r);
        if (more <= 0)
            return more;
    }
    e = &r->event[r->next++];
    if (r->loss && e->kind == r->loss->number && !r->told)
        e = translate(&r->known[r->loss - r->desc.plans], e, ev);
    if (e != ev)
        copy_event(e, ev);
    return 1;
}

const struct tap_event *tap_reader_known(const struct tap_reader *r, const struct tap_event *ev,
                                         struct tap_event *room)
{
    const struct tap_kind_plan *plan;

    if (ev->kind == EV_loss)
        return ev;
    plan = plan_of(r, ev->kind);
    return plan ? translate(&r->known[plan - r->desc.plans], ev, room) : NULL;
}

const struct tap_kind_desc *tap_reader_kind(const struct tap_reader *r, uint16_t kind)
{
    const struct tap_kind_plan *plan = kind == EV_loss ? NULL : plan_of(r, kind);

    if (kind == EV_loss)
        return tap_kind_find(EV_loss);
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

uint64_t tap_reader_lost(const struct tap_reader *r)
{
    return r->lost;
}

void tap_reader_close(struct tap_reader *r)
{
    if (r)
        reader_free(r);
}
