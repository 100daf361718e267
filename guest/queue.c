/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames that wait for the port. When the host reads too slowly, the queue fills up; then events
 * are counted as lost, and the count is sent once there is room. A frame gets its number when the
 * port takes it, because a PONG overtakes the others.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

enum { ENTRY_HEADER = 8, RECORD_HEADER = 16 };

int queue_init(struct agent_queue *q)
{
    memset(q, 0, sizeof(*q));
    q->ring = malloc(QUEUE_BYTES);
    return q->ring ? 0 : -ENOMEM;
}

void queue_free(struct agent_queue *q)
{
    free(q->ring);
    q->ring = NULL;
}

void queue_reset(struct agent_queue *q)
{
    q->head = q->used = 0;
    q->batch_bytes = q->batch_events = 0;
    q->urgent_count = 0;
    if (!q->out_done) {
        q->out_length = 0;
    }
    q->sequence = 0;
    memset(q->lost, 0, sizeof(q->lost));
}

/* ---- the ring ---------------------------------------------------------------------------------
 */

static void ring_put(struct agent_queue *q, const void *data, size_t length)
{
    size_t at = (q->head + q->used) % QUEUE_BYTES;
    size_t part = length < QUEUE_BYTES - at ? length : QUEUE_BYTES - at;

    if (length) {
        memcpy(q->ring + at, data, part);
        memcpy(q->ring, (const uint8_t *)data + part, length - part);
    }
    q->used += length;
}

static void ring_take(struct agent_queue *q, void *data, size_t length)
{
    size_t part = length < QUEUE_BYTES - q->head ? length : QUEUE_BYTES - q->head;

    memcpy(data, q->ring + q->head, part);
    memcpy((uint8_t *)data + part, q->ring, length - part);
    q->head = (q->head + length) % QUEUE_BYTES;
    q->used -= length;
}

bool queue_frame(struct agent_queue *q, uint8_t type, const void *payload, uint32_t length)
{
    uint32_t entry[2] = {type, length};

    if (length > WIRE_MAX_PAYLOAD || q->used + ENTRY_HEADER + length > QUEUE_BYTES) {
        return false;
    }
    ring_put(q, entry, sizeof(entry));
    ring_put(q, payload, length);
    return true;
}

bool queue_urgent(struct agent_queue *q, uint8_t type, const uint8_t *payload)
{
    if (q->urgent_count == QUEUE_URGENT) {
        return false;
    }
    q->urgent[q->urgent_count].type = type;
    memcpy(q->urgent[q->urgent_count].payload, payload, sizeof(q->urgent[0].payload));
    q->urgent_count++;
    return true;
}

void queue_cut(struct agent_queue *q)
{
    q->out_length = q->out_done = 0;
}

bool queue_empty(const struct agent_queue *q)
{
    return !q->used && !q->urgent_count && q->out_done == q->out_length;
}

/* ---- events and losses ------------------------------------------------------------------------
 */

void queue_lost(struct agent_queue *q, unsigned reason, uint64_t count)
{
    if (reason < QUEUE_LOSS_REASONS) {
        q->lost[reason] += count;
    }
}

/* True: every loss so far has its frame. */
static bool flush_losses(struct agent_queue *q)
{
    for (unsigned reason = 0; reason < QUEUE_LOSS_REASONS; reason++) {
        uint8_t payload[24] = {};

        if (!q->lost[reason]) {
            continue;
        }
        put_le(payload, agent_now(), 8);
        put_le(payload + 8, q->lost[reason], 8);
        payload[16] = reason;
        if (!queue_frame(q, WIRE_LOSS, payload, sizeof(payload))) {
            return false;
        }
        q->lost[reason] = 0;
    }
    return true;
}

void queue_flush(struct agent_queue *q)
{
    bool flushed = flush_losses(q);

    if (q->batch_events && !(flushed && queue_frame(q, WIRE_EVENTS, q->batch, q->batch_bytes))) {
        queue_lost(q, LOSS_REASON_port_full, q->batch_events);
    }
    q->batch_bytes = q->batch_events = 0;
}

void queue_event(struct agent_queue *q, const struct tap_event *ev)
{
    size_t size = RECORD_HEADER + ev->slots * sizeof(ev->v[0]);
    uint8_t *out;

    if (ev->slots > TAP_MAX_SLOTS) {
        return;
    }
    if (q->batch_bytes + size > sizeof(q->batch)) {
        queue_flush(q);
    }
    out = q->batch + q->batch_bytes;
    put_le(out, ev->kind | (uint64_t)ev->slots << 16 | (uint64_t)ev->tid << 32, 8);
    put_le(out + 8, ev->time, 8);
    for (unsigned i = 0; i < ev->slots; i++) {
        put_le(out + RECORD_HEADER + i * 8, ev->v[i], 8);
    }
    q->batch_bytes += size;
    q->batch_events++;
}

/* ---- the port ---------------------------------------------------------------------------------
 */

/* Moves the next frame into `out`. False: none waits. */
static bool next_frame(struct agent_queue *q)
{
    uint8_t payload[WIRE_MAX_PAYLOAD];
    uint32_t entry[2];

    q->out_done = q->out_length = 0;
    if (q->urgent_count) {
        q->out_length = wire_frame_make(q->out, q->urgent[0].type, q->sequence++,
                                        q->urgent[0].payload, sizeof(q->urgent[0].payload));
        q->urgent_count--;
        memmove(q->urgent, q->urgent + 1, q->urgent_count * sizeof(q->urgent[0]));
        return true;
    }
    if (!q->used) {
        return false;
    }
    ring_take(q, entry, sizeof(entry));
    ring_take(q, payload, entry[1]);
    q->out_length = wire_frame_make(q->out, entry[0], q->sequence++, payload, entry[1]);
    return true;
}

int queue_write(struct agent_queue *q, int fd)
{
    while (q->out_done < q->out_length || next_frame(q)) {
        ssize_t n = write(fd, q->out + q->out_done, q->out_length - q->out_done);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        q->out_done += n;
    }
    return 0;
}
