/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spicetap-guest: sends what the guest's graphics driver does through a virtio-serial port.
 *
 *   probes -> trace.c -> queue.c -> port          session.c runs the loop, main.c starts it
 *
 * The agent never makes the guest wait: it writes only when the port has room, and its memory is
 * bounded. Events that do not fit are counted and reported as lost. It does not trust the host
 * either: it accepts three kinds of small frames, and checks them first. Errors are negative errno.
 * Times are ns of CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns().
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

uint64_t agent_now(void); /* ns of CLOCK_MONOTONIC */

/* Reads the first line of a file, without its newline. `line` is empty if there is none. */
void text_from_file(char *line, size_t size, const char *path);

/* Gives up, for good, all capabilities but CAP_BPF and CAP_PERFMON, and CAP_SYS_ADMIN where this
 * kernel wants it for perf events (rights.c). 0, or negative errno. */
int rights_drop(void);

/* ---- the queue to the port (queue.c) ----------------------------------------------------------
 */

enum {
    QUEUE_BYTES = 1 << 20,
    QUEUE_URGENT = 16,       /* PONGs that can wait; a PING beyond them is not answered */
    QUEUE_LOSS_REASONS = 16, /* above every LOSS_REASON_ */
};

struct agent_queue {
    uint8_t *ring; /* QUEUE_BYTES of frames to send: type, length, payload */
    size_t head, used;
    uint8_t batch[WIRE_MAX_PAYLOAD]; /* events for the next frame */
    uint32_t batch_bytes, batch_events;
    uint64_t lost[QUEUE_LOSS_REASONS]; /* by LOSS_REASON_: losses that have no frame yet */
    struct {
        uint8_t type, payload[16];
    } urgent[QUEUE_URGENT];
    unsigned urgent_count;
    uint8_t out[WIRE_HEADER + WIRE_MAX_PAYLOAD]; /* the frame that the port is taking */
    size_t out_length, out_done;
    uint32_t sequence;
};

int queue_init(struct agent_queue *q); /* 0 or -ENOMEM */
void queue_free(struct agent_queue *q);
/* Empties the queue and restarts the frame numbers at 0. A frame that the port has begun is still
 * finished, so the host need not search for the next one inside it. */
void queue_reset(struct agent_queue *q);
/* Drops the frame that the port has begun, because its reader is gone. */
void queue_cut(struct agent_queue *q);
/* Appends a frame. False: no room. */
bool queue_frame(struct agent_queue *q, uint8_t type, const void *payload, uint32_t length);
/* Puts a frame ahead of all others. `payload` has 16 bytes. False: QUEUE_URGENT are waiting. */
bool queue_urgent(struct agent_queue *q, uint8_t type, const uint8_t *payload);
/* Events and losses gather until queue_flush() appends them as frames. The losses' frames go first:
 * so a loss happened between the events of the frames around it. */
void queue_event(struct agent_queue *q, const struct tap_event *ev);
void queue_lost(struct agent_queue *q, unsigned reason, uint64_t count);
void queue_flush(struct agent_queue *q);
bool queue_empty(const struct agent_queue *q); /* nothing waits for the port */
/* Writes frames until the queue is empty: 0; the port is full: -EAGAIN; or the port's error. */
int queue_write(struct agent_queue *q, int fd);

/* ---- tracing, as the session sees it ----------------------------------------------------------
 */

typedef void agent_event_fn(void *context, const struct tap_event *ev);

/* trace.c implements it; the tests have one of their own. */
struct agent_tracing {
    /* Attaches everything this guest has, and adds HELLO's members from "drivers" on, which say
     * what is missing. */
    void (*start)(void *self, json_t *hello);
    void (*stop)(void *self);
    /* Passes the events since the last call to `fn`. */
    void (*drain)(void *self, agent_event_fn *fn, void *context);
    /* A descriptor that becomes readable when many events wait; -1: none. Valid until stop(). */
    int (*ring)(void *self);
    /* Called once a second: passes how full the device's memory is to `fn`, or nothing if it is too
     * early to look again. */
    void (*sample)(void *self, agent_event_fn *fn, void *context);
    /* Events lost for a LOSS_REASON_ since the last call. */
    uint64_t (*lost)(void *self, unsigned reason);
    void *self;
};

/* ---- the session (session.c) ------------------------------------------------------------------
 */

struct session {
    struct agent_tracing tracing;
    const char *path; /* of the port; NULL: only session_port() sets one, for the tests */
    int port;         /* -1: it does not exist */
    int ring;         /* of agent_tracing; -1: none, or tracing is off */
    int epoll, second_timer;
    bool on;             /* tracing: from START to STOP */
    bool waits_for_room; /* in the port, so epoll reports when it has some */
    bool hung_up;        /* the port reported that no host is connected */
    struct wire_parser parser;
    struct agent_queue queue;
    json_t *hello; /* of the START that switched tracing on */
};

/* 0 or negative errno. The strings and `tracing->self` must outlive the session. */
int session_init(struct session *s, const char *path, const struct agent_tracing *tracing);
/* Takes over the port's descriptor, which must be non-blocking. 0 or negative errno: then closed.
 */
int session_port(struct session *s, int fd);
/* Waits up to `timeout` ms (-1: for ever) for something to do, and does it: 0 or negative errno.
 * 1: the descriptor `other` became readable (-1: there is none). */
int session_step(struct session *s, int other, int timeout);
/* Sends BYE if a host listens, and frees everything. */
void session_close(struct session *s);

/* Adds HELLO's members from "agent" to "cpus", which describe the guest. */
void hello_system(json_t *hello);

/* ---- the device's memory, from debugfs (memory.c) ---------------------------------------------
 */

struct memory_use {
    uint64_t total, used; /* bytes */
};
struct memory {
    char folder[256]; /* the qxl driver's in debugfs; "": none */
    char why[160];    /* why there is none */
    bool has_counters;
    bool has_domain[4]; /* by GUEST_DOMAIN_ */
    uint64_t due;       /* when to sample again */
};
void memory_open(struct memory *m);
/* Parses drm_mm_print()'s text, which ends in "total: N, used N free N" in pages of `page` bytes.
 * False: it does not. */
bool memory_parse(const char *text, uint64_t page, struct memory_use *use);
/* False: that GUEST_DOMAIN_ cannot be read. */
bool memory_read(const struct memory *m, unsigned domain, struct memory_use *use);
/* Parses irq_received: interrupts in all, for display, for cursor, for I/O commands. */
bool memory_parse_counters(const char *text, uint64_t counters[4]);
/* Passes guest_memory and guest_counters to `fn`, if they are due. */
void memory_sample(struct memory *m, agent_event_fn *fn, void *context);

/* ---- the kernel's tracing files (tracefs.c) ---------------------------------------------------
 */

/* The folder where it is mounted, after mounting it if necessary. NULL: errno says why not. */
const char *tracefs_folder(void);
const char *debugfs_folder(void);

struct tracefs_field {
    unsigned offset, size; /* bytes */
};
/* Finds a field in the text of a `format` file. `type`: how it must be declared ("unsigned int");
 * NULL: any. -ENOENT: no field of that name; -EINVAL: it has another type or makes no sense. */
int tracefs_field(const char *format, const char *name, const char *type,
                  struct tracefs_field *field);
/* Reads a file into `text` and ends it with a NUL. Its length, or negative errno; -E2BIG: too long.
 */
long tracefs_read(const char *path, char *text, size_t size);
int tracefs_append(const char *path, const char *line); /* 0 or negative errno */
/* The missed hits, in the text of kprobe_profile, of all probes whose names begin with `prefix`. */
uint64_t tracefs_missed(const char *profile, const char *prefix);
/* Looks up in /proc/kallsyms why a function cannot be probed: the compiler renamed it, or the
 * kernel has none of that name. */
void tracefs_why_not(const char *symbol, char *why, size_t size);

/* ---- tracing (trace.c) ------------------------------------------------------------------------
 */

struct trace;
struct trace *trace_new(void); /* NULL: no memory */
void trace_free(struct trace *t);
struct agent_tracing trace_ops(struct trace *t);

enum trace_part { PART_QXL, PART_FENCE, PART_VIRTIO, PART_MEMORY, PARTS };
struct trace_event_state {
    const char *name;
    enum trace_part part;
    const char *why; /* NULL: it is recorded */
    bool foreign;    /* its driver is not on this machine, so nothing is wrong */
};
/* The state of the i-th event after start(). False: there are no more. */
bool trace_state(const struct trace *t, unsigned i, struct trace_event_state *state);

#endif
