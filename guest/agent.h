/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spicetap-guest: what happens in the guest's graphics driver, out through a virtio-serial port.
 *
 *   probes -> trace.c -> queue.c -> port          session.c turns it all, main.c starts it
 *
 * It must never make the guest wait: the port is never written to but when it takes something, all
 * memory is bounded, and what does not fit is counted and told. Nor does it trust the host: what
 * comes in is a handful of small frames, checked before anything is done. Errors are negative
 * errno. Times are ns of CLOCK_MONOTONIC, which is what bpf_ktime_get_ns() counts.
 */
#ifndef SPICETAP_AGENT_H
#define SPICETAP_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/events.h"
#include <jansson.h>

#include "log/tap_format.h"
#include "wire.h"

uint64_t agent_now(void);

/* The first line of a file without its end, or an empty string. */
void text_from_file(char *line, size_t size, const char *path);

/* ---- what waits for the port (queue.c) ---------------------------------------------------------
 */

enum {
    QUEUE_BYTES = 1 << 20,
    QUEUE_URGENT = 16,       /* PONGs that wait; more PINGs are not answered */
    QUEUE_LOSS_REASONS = 16, /* above every loss_reason */
};

struct agent_queue {
    uint8_t *ring; /* of QUEUE_BYTES: type, length, payload; one after the other */
    size_t head, used;
    uint8_t batch[WIRE_MAX_PAYLOAD]; /* events that are not in the ring yet */
    uint32_t batch_bytes, batch_events;
    uint64_t lost[QUEUE_LOSS_REASONS]; /* that no LOSS in the ring tells of yet */
    struct {
        uint8_t type, payload[16];
    } urgent[QUEUE_URGENT];
    unsigned urgent_count;
    uint8_t out[WIRE_HEADER + WIRE_MAX_PAYLOAD]; /* the frame that is being written */
    size_t out_length, out_done;
    uint32_t sequence;
};

int queue_init(struct agent_queue *q);
void queue_free(struct agent_queue *q);
/* Empty, and the next frame has number 0. A frame that the port has a part of is still finished, so
 * that the host need not look for the next one inside it. */
void queue_reset(struct agent_queue *q);
/* Nor is that finished: who had the first part is gone. */
void queue_cut(struct agent_queue *q);
/* False: no room. */
bool queue_frame(struct agent_queue *q, uint8_t type, const void *payload, uint32_t length);
/* Ahead of all that waits; payload has 16 bytes. */
bool queue_urgent(struct agent_queue *q, uint8_t type, const uint8_t *payload);
/* Events are gathered, and go into the ring by queue_flush(), losses before them: what is lost
 * there lies between the frames before and after in time, too. */
void queue_event(struct agent_queue *q, const struct tap_event *ev);
void queue_lost(struct agent_queue *q, unsigned reason, uint64_t count);
void queue_flush(struct agent_queue *q);
bool queue_empty(const struct agent_queue *q);
/* Writes what the port takes: 0 all, -EAGAIN the port is full, or the port's error. */
int queue_write(struct agent_queue *q, int fd);

/* ---- tracing, as the session sees it ------------------------------------------------------------
 */

typedef void agent_event_fn(void *context, const struct tap_event *ev);

/* trace.c has the true one; the tests have another. */
struct agent_tracing {
    /* Attaches, and adds HELLO's members from "drivers" on. What cannot be had is no error. */
    void (*start)(void *self, json_t *hello);
    void (*stop)(void *self);
    void (*drain)(void *self, agent_event_fn *fn, void *context);
    /* A descriptor that can be read when much waits for drain(); -1: there is none. Between start()
     * and stop(). */
    int (*ring)(void *self);
    /* Once a second, perhaps: how full the device's memory is. */
    void (*sample)(void *self, agent_event_fn *fn, void *context);
    /* Events lost for that reason since the last call. */
    uint64_t (*lost)(void *self, unsigned reason);
    void *self;
};

/* ---- a session: from START to STOP (session.c) --------------------------------------------------
 */

struct session {
    struct agent_tracing tracing;
    const char *path; /* of the port */
    int port;         /* -1: not there, not yet or no longer */
    int ring;         /* of the tracing that is on, or -1 */
    int epoll, second_timer;
    bool on, waits_for_room, hung_up;
    struct wire_parser parser;
    struct agent_queue queue;
    json_t *hello; /* of the START that switched tracing on */
};

int session_init(struct session *s, const char *path, const struct agent_tracing *tracing);
/* Takes over the port's descriptor, non-blocking. */
int session_port(struct session *s, int fd);
/* Waits for something to do, up to timeout ms (-1: as long as it takes), and does it. `other`: a
 * descriptor that ends the wait too, or -1; 1: it did. */
int session_step(struct session *s, int other, int timeout);
/* Says BYE if somebody listens. */
void session_close(struct session *s);

/* HELLO's members up to "cpus": who and where. */
void hello_system(json_t *hello);

/* ---- the device's memory, from debugfs (memory.c)
 * -------------------------------------------------- */

struct memory_use {
    uint64_t total, used; /* bytes */
};
struct memory {
    char folder[256]; /* the driver's in debugfs, "" if there is none */
    char why[160];    /* there is none */
    bool has_counters;
    bool has_domain[4]; /* by guest_domain */
    uint64_t due;       /* when to sample again */
};
void memory_open(struct memory *m);
/* `text`: what the driver prints, of which the last line says "total: N, used N free N" in pages.
 */
bool memory_parse(const char *text, uint64_t page, struct memory_use *use);
bool memory_read(const struct memory *m, unsigned domain, struct memory_use *use);
/* `text` of irq_received: interrupts in all, for display, cursor, I/O commands, errors. */
bool memory_parse_counters(const char *text, uint64_t counters[4]);
void memory_sample(struct memory *m, agent_event_fn *fn, void *context);

/* ---- the kernel's tracing files (tracefs.c)
 * ------------------------------------------------------- */

/* Mounts it where it is not: its folder, or NULL and errno. */
const char *tracefs_folder(void);
const char *debugfs_folder(void);

struct tracefs_field {
    unsigned offset, size;
};
/* A field of a `format` file's text: -ENOENT if it has none of that name. `type`: what it must be
 * declared as ("unsigned int"), NULL for anything. -EINVAL: it is something else. */
int tracefs_field(const char *format, const char *name, const char *type,
                  struct tracefs_field *field);
/* The file into `text`, ended by a NUL: its length, or negative errno; -E2BIG: does not fit. */
long tracefs_read(const char *path, char *text, size_t size);
int tracefs_append(const char *path, const char *line);
/* Sum of the missed hits of the probes whose names begin so, in kprobe_profile's text. */
uint64_t tracefs_missed(const char *profile, const char *prefix);
/* Why a function cannot be probed, from /proc/kallsyms: the compiler gave it another name, or it is
 * not there at all. */
void tracefs_why_not(const char *symbol, char *why, size_t size);

/* ---- BPF (trace.c)
 * ------------------------------------------------------------------------------- */

struct trace;
struct trace *trace_new(void); /* NULL: no memory */
void trace_free(struct trace *t);
struct agent_tracing trace_ops(struct trace *t);

enum trace_part { PART_QXL, PART_FENCE, PART_VIRTIO, PART_MEMORY, PARTS };
struct trace_event_state {
    const char *name;
    enum trace_part part;
    const char *why; /* NULL: it is recorded */
    bool foreign;    /* its driver is not on this machine: that is no fault */
};
/* What start() made of event `i`; false: there are no more. */
bool trace_state(const struct trace *t, unsigned i, struct trace_event_state *state);

#endif
