/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a .tap log. Events are collected until the chunk is full or old. Then their columns are
 * deflated, and appended with one write().
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "log/tap_encode.h"

enum {
    CHUNK_EVENTS = 4096,
    CHUNK_AGE = 1000000000, /* ns: then it ends if it has so many events: */
    CHUNK_MANY = 1024,
    CHUNK_OLD = 4, /* so often CHUNK_AGE: then it ends with any */
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
    struct tap_encoder encoder;
    uint8_t *raw, *out;
    struct libdeflate_compressor *deflater;
};

_Static_assert(CHUNK_EVENTS *TAP_MOST_ENCODED < TAP_MAX_RAW, "a full chunk fits");

static void writer_free(struct tap_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    tap_encoder_close(&w->encoder);
    tap_desc_free(&w->desc);
    libdeflate_free_compressor(w->deflater);
    free(w->event);
    free(w->raw);
    free(w->out);
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
    if (!err)
        err = tap_encoder_open(&w->encoder, &w->desc, CHUNK_EVENTS);
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
    w->raw = malloc(TAP_MAX_RAW);
    w->out = malloc(TAP_MAX_PAYLOAD);
    w->deflater = libdeflate_alloc_compressor(DEFLATE_LEVEL);
    if (w->event && w->raw && w->out && w->deflater) {
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

static int write_chunk(struct tap_writer *w)
{
    uint8_t *h = w->out;
    size_t raw, packed;

    raw = tap_encode(&w->encoder, w->event, w->count, w->raw);
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

/* A chunk costs some 300 bytes beside its events, so one of few events may wait longer. */
static bool is_old(const struct tap_writer *w, uint64_t time)
{
    int64_t age = w->count ? (int64_t)(time - w->event[0].time) : 0;

    return age >= CHUNK_AGE && (w->count >= CHUNK_MANY || age / CHUNK_AGE >= CHUNK_OLD);
}

int tap_write(struct tap_writer *w, const struct tap_event *ev)
{
    const struct tap_kind_plan *plan = tap_desc_plan(&w->desc, ev->kind);
    struct tap_event *e;

    if (w->error)
        return w->error;
    if (!plan || ev->slots != plan->desc->slots || ev->kind == EV_log_end || w->ended)
        return -EINVAL;
    if (is_old(w, ev->time) && tap_writer_flush(w))
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
