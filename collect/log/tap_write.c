/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a .tap log. Events are collected until the chunk is full or a second old. Then the
 * columns of each kind are written one behind the other, deflated, and appended with one write().
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "log/tap_format.h"

enum {
    CHUNK_EVENTS = 4096,
    CHUNK_AGE = 1000000000, /* ns */
    MAX_VARINT = 10,
    DEFLATE_LEVEL = 6,
};

struct tap_writer {
    int fd, error;
    struct tap_desc desc;
    uint64_t events, bytes, lost; /* lost: in this chunk */
    uint64_t last;                /* the latest time in the log */
    uint32_t chunks, sum;         /* sum: events in all chunks so far, modulo 2^32 */
    bool ended;                   /* log_end was written */
    size_t count;
    struct tap_event *event; /* CHUNK_EVENTS of them, in order of arrival until the chunk ends */
    uint64_t *predicted;     /* beside each event: what its CODE_BY field is expected to be */
    uint32_t *of_kind;       /* indices of the events of one kind */
    struct tap_memory memory;
    uint8_t *raw, *out, *column;
    struct libdeflate_compressor *deflater;
};

/* The order column, then each kind's columns, in the worst case. */
_Static_assert(CHUNK_EVENTS *(3 + MAX_VARINT * (2 + TAP_MAX_SLOTS)) < TAP_MAX_RAW,
               "a full chunk fits");

static void writer_free(struct tap_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    tap_desc_free(&w->desc);
    free(w->memory.known);
    libdeflate_free_compressor(w->deflater);
    free(w->event);
    free(w->predicted);
    free(w->of_kind);
    free(w->raw);
    free(w->out);
    free(w->column);
    free(w);
}

/* Appends all of it, or leaves the log as it was. */
static int append(struct tap_writer *w, const uint8_t *data, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = write(w->fd, data + done, length - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int err = n ? -errno : -EIO;
            /* Half a chunk is useless. If it cannot be cut off, the reader skips it. */
            if (done && ftruncate(w->fd, (off_t)w->bytes) == 0)
                lseek(w->fd, (off_t)w->bytes, SEEK_SET);
            return err;
        }
        done += (size_t)n;
    }
    w->bytes += length;
    return 0;
}

/* Deflates w->raw into w->out behind `head` bytes; gives the length, 0 if there is no room. */
static size_t deflate_raw(struct tap_writer *w, size_t raw, size_t head)
{
    return libdeflate_zlib_compress(w->deflater, w->raw, raw, w->out + head,
                                    TAP_MAX_PAYLOAD - head);
}

/* Writes the description of the log, and reads it back as the coder's plan. */
static int write_header(struct tap_writer *w, enum tap_source source)
{
    char *json = tap_desc_json(source);
    size_t length = json ? strlen(json) : 0, packed;
    int err = json ? tap_desc_parse(&w->desc, json, length) : -ENOMEM;
    uint8_t *h = w->out;

    if (!err && length > TAP_MAX_DESC)
        err = -EOVERFLOW;
    if (!err) {
        memcpy(w->raw, json, length);
        packed = deflate_raw(w, length, TAP_HEADER_SIZE);
        memcpy(h, TAP_MAGIC, 8);
        put_le(h + 8, TAP_MAJOR, 2);
        put_le(h + 10, TAP_MINOR, 2);
        put_le(h + 12, packed, 4);
        put_le(h + 16, length, 4);
        put_le(h + 20, tap_crc(h + TAP_HEADER_SIZE, packed), 4);
        put_le(h + 24, 0, 4);
        put_le(h + 28, tap_crc(h, 28), 4);
        err = append(w, h, TAP_HEADER_SIZE + packed);
    }
    free(json);
    return err;
}

int tap_writer_open(struct tap_writer **out, const char *path, enum tap_source source)
{
    struct tap_writer *w = calloc(1, sizeof(*w));
    int err = -ENOMEM;

    if (!w)
        return -ENOMEM;
    w->fd = -1;
    w->event = calloc(CHUNK_EVENTS, sizeof(*w->event));
    w->predicted = calloc(CHUNK_EVENTS, sizeof(*w->predicted));
    w->of_kind = calloc(CHUNK_EVENTS, sizeof(*w->of_kind));
    w->raw = malloc(TAP_MAX_RAW);
    w->out = malloc(TAP_MAX_PAYLOAD);
    w->column = malloc(CHUNK_EVENTS * MAX_VARINT);
    w->deflater = libdeflate_alloc_compressor(DEFLATE_LEVEL);
    if (w->event && w->predicted && w->of_kind && w->raw && w->out && w->column && w->deflater &&
        !tap_memory_reset(&w->memory, CHUNK_EVENTS)) {
        w->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
        err = w->fd < 0 ? -errno : write_header(w, source);
        if (err && w->fd >= 0)
            unlink(path); /* nobody could open it */
    }
    if (err) {
        writer_free(w);
        return err;
    }
    *out = w;
    return 0;
}

/* ---- a chunk ------------------------------------------------------------------------- */

/* Insertion sort: most events are in order, or off by one or two places. false: too many moves, as
 * a hostile guest can cause; the caller sorts in another way. */
static bool insert_by_time(struct tap_event *e, size_t count)
{
    size_t moves = 0;

    for (size_t i = 1; i < count; i++) {
        struct tap_event moved;
        size_t at = i;

        if (e[i - 1].time <= e[i].time)
            continue;
        if (moves > 16 * count)
            return false;
        moved = e[i];
        for (; at && e[at - 1].time > moved.time; at--, moves++)
            e[at] = e[at - 1];
        e[at] = moved;
    }
    return true;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = ((const struct tap_event *)a)->time, y = ((const struct tap_event *)b)->time;

    return x < y ? -1 : x > y;
}

/* Both ways are stable: glibc's qsort is a merge sort while it gets memory. */
static void sort_by_time(struct tap_event *e, size_t count)
{
    if (!insert_by_time(e, count))
        qsort(e, count, sizeof(*e), compare_times);
}

/* Predicts, in order of time, the fields that follow from a drawable. */
static void predict(struct tap_writer *w)
{
    tap_memory_reset(&w->memory, CHUNK_EVENTS);
    for (size_t i = 0; i < w->count; i++) {
        const struct tap_event *e = &w->event[i];
        const struct tap_kind_plan *plan = tap_desc_plan(&w->desc, e->kind);

        for (unsigned f = 0; f < plan->count; f++) {
            const struct tap_plan *p = &plan->fields[f];

            if (p->remember) {
                uint64_t *known = tap_memory_at(&w->memory, e->v[p->by]);
                w->predicted[i] = *known;
                *known = e->v[p->slot];
            }
        }
    }
}

struct raw {
    uint8_t *p;
};

/* Leaves out the zeros at a column's end: most columns hardly change. */
static void end_column(struct tap_writer *w, struct raw *r, const uint8_t *end)
{
    size_t length = (size_t)(end - w->column);

    while (length && !w->column[length - 1])
        length--;
    r->p = put_varint(r->p, length);
    memcpy(r->p, w->column, length);
    r->p += length;
}

static void time_column(struct tap_writer *w, struct raw *r)
{
    uint64_t before = w->event[0].time;
    uint8_t *c = w->column;

    for (size_t i = 0; i < w->count; i++) {
        c = put_varint(c, zigzag(w->event[i].time - before));
        before = w->event[i].time;
    }
    end_column(w, r, c);
}

static void order_column(struct tap_writer *w, struct raw *r)
{
    uint8_t *c = w->column;

    for (size_t i = 0; i < w->count; i++)
        c = put_varint(c, w->event[i].kind);
    end_column(w, r, c);
}

static void tid_column(struct tap_writer *w, struct raw *r, size_t count)
{
    uint64_t before = 0;
    uint8_t *c = w->column;

    for (size_t i = 0; i < count; i++) {
        uint64_t tid = w->event[w->of_kind[i]].tid;
        c = put_varint(c, zigzag(tid - before));
        before = tid;
    }
    end_column(w, r, c);
}

static void scalar_column(struct tap_writer *w, struct raw *r, size_t count,
                          const struct tap_plan *p)
{
    uint64_t before = 0;
    uint8_t *c = w->column;

    for (size_t i = 0; i < count; i++) {
        const struct tap_event *e = &w->event[w->of_kind[i]];

        if (p->code == CODE_TIME)
            before = e->time;
        else if (p->code == CODE_BY)
            before = w->predicted[w->of_kind[i]];
        c = put_varint(c, zigzag(e->v[p->slot] - before));
        before = e->v[p->slot];
    }
    end_column(w, r, c);
}

/* Left, top, width, height: a thing that moves keeps its size. */
static void rect_columns(struct tap_writer *w, struct raw *r, size_t count,
                         const struct tap_plan *p)
{
    for (int part = 0; part < 4; part++) {
        uint32_t before = 0;
        uint8_t *c = w->column;

        for (size_t i = 0; i < count; i++) {
            uint32_t box[4], value;

            memcpy(box, &w->event[w->of_kind[i]].v[p->slot], sizeof(box));
            value = part < 2 ? box[part] : box[part] - box[part - 2];
            c = put_varint(c, zigzag((uint64_t)(int64_t)(int32_t)(value - before)));
            before = value;
        }
        end_column(w, r, c);
    }
}

static void kind_columns(struct tap_writer *w, struct raw *r, const struct tap_kind_plan *plan)
{
    size_t count = 0;

    for (size_t i = 0; i < w->count; i++)
        if (w->event[i].kind == plan->number)
            w->of_kind[count++] = (uint32_t)i;
    if (!count)
        return;
    tid_column(w, r, count);
    for (unsigned f = 0; f < plan->count; f++) {
        if (plan->fields[f].type == TYPE_RECT)
            rect_columns(w, r, count, &plan->fields[f]);
        else
            scalar_column(w, r, count, &plan->fields[f]);
    }
}

static size_t encode(struct tap_writer *w)
{
    struct raw r = {.p = w->raw};

    sort_by_time(w->event, w->count);
    predict(w);
    order_column(w, &r);
    time_column(w, &r);
    for (size_t k = 0; k < w->desc.count; k++)
        kind_columns(w, &r, &w->desc.plans[k]);
    return (size_t)(r.p - w->raw);
}

static int write_chunk(struct tap_writer *w)
{
    uint8_t *h = w->out;
    size_t raw = encode(w), packed;

    packed = deflate_raw(w, raw, TAP_CHUNK_SIZE);
    memcpy(h, TAP_CHUNK_MARK, 4);
    put_le(h + 4, packed, 4);
    put_le(h + 8, raw, 4);
    put_le(h + 12, w->count, 4);
    put_le(h + 16, w->event[0].time, 8);
    put_le(h + 24, w->event[w->count - 1].time, 8);
    put_le(h + 32, w->lost, 8);
    put_le(h + 40, w->chunks, 4);
    put_le(h + 44, w->sum, 4);
    put_le(h + 48, tap_crc(h + TAP_CHUNK_SIZE, packed), 4);
    put_le(h + 52, tap_crc(h, 52), 4);
    w->error = append(w, h, TAP_CHUNK_SIZE + packed);
    if (w->event[w->count - 1].time > w->last)
        w->last = w->event[w->count - 1].time;
    w->chunks++;
    w->count = 0;
    w->lost = 0;
    return w->error;
}

int tap_writer_flush(struct tap_writer *w)
{
    if (w->error || !w->count)
        return w->error;
    w->sum += (uint32_t)w->count;
    return write_chunk(w);
}

/* The last chunk holds log_end alone, so that a reader of 1.0 finds nothing unusual in it. */
int tap_writer_finish(struct tap_writer *w, struct tap_end *end)
{
    int err = tap_writer_flush(w);

    if (!err && !w->ended) {
        w->event[w->count++] = (struct tap_event){
            .time = w->last, .kind = EV_log_end, .slots = 2, .v = {w->chunks + 1, w->events}};
        w->ended = true;
        err = write_chunk(w);
    }
    if (end)
        *end = (struct tap_end){w->chunks + !w->ended, w->events};
    return err;
}

int tap_write(struct tap_writer *w, const struct tap_event *ev)
{
    const struct tap_kind_plan *plan = tap_desc_plan(&w->desc, ev->kind);
    struct tap_event *e;

    if (w->error)
        return w->error;
    if (!plan || ev->slots != plan->desc->slots || ev->kind == EV_log_end || w->ended)
        return -EINVAL;
    if (w->count && (int64_t)(ev->time - w->event[0].time) >= CHUNK_AGE && tap_writer_flush(w))
        return w->error;
    e = &w->event[w->count++];
    e->time = ev->time;
    e->tid = ev->tid;
    e->kind = ev->kind;
    e->slots = ev->slots;
    memcpy(e->v, ev->v, ev->slots * sizeof(*ev->v));
    w->events++;
    if (e->kind == EV_loss)
        w->lost += e->v[0];
    return w->count == CHUNK_EVENTS ? tap_writer_flush(w) : 0;
}

int tap_write_loss_since(struct tap_writer *w, uint64_t since, uint64_t time, uint64_t count,
                         unsigned reason)
{
    struct tap_event ev = {.time = time, .kind = EV_loss, .slots = 3, .v = {count, reason, since}};

    return tap_write(w, &ev);
}

int tap_write_loss(struct tap_writer *w, uint64_t time, uint64_t count, unsigned reason)
{
    return tap_write_loss_since(w, 0, time, count, reason);
}

uint64_t tap_writer_events(const struct tap_writer *w)
{
    return w->events;
}

uint64_t tap_writer_bytes(const struct tap_writer *w)
{
    return w->bytes;
}

int tap_writer_close(struct tap_writer *w)
{
    int err = tap_writer_finish(w, NULL);

    if (fsync(w->fd) && !err && errno != EINVAL && errno != EROFS)
        err = -errno;
    if (close(w->fd) && !err)
        err = -errno;
    w->fd = -1;
    writer_free(w);
    return err;
}
