/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for a guest and its QXL device: speaks the QXL interface to libspice-server, and keeps
 * an account of what it did, so that a test can compare a recording with it.
 */
#ifndef STACK_DRIVER_H
#define STACK_DRIVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <glib.h>
#include <spice.h>
#include <spice/enums.h>
#include <spice/qxl_dev.h>

#include "../../bpf/events.h"
#include "event/clip_bars.h"

/* ---- core.c: a SpiceCoreInterface on GLib's default main context ----------------------- */

SpiceCoreInterface *core_glib(void);
/* Runs `f(arg)` in the main loop's thread and waits for it. Calls that change the server's state
 * belong there. */
void core_call(void (*f)(void *arg), void *arg);

/* ---- picture.c: pixels ------------------------------------------------------------------ */

/* PICTURE_CLIP shows its phase as the number that guest-configs/clip.sh draws into each frame.
 * PICTURE_DESKTOP is text that stands still, with a natural picture that moves in a quarter of it.
 */
enum picture_style { PICTURE_NATURAL, PICTURE_TEXT, PICTURE_CLIP, PICTURE_DESKTOP };

enum {
    CLIP_WIDTH = 320, /* less than the real clip's, so that many fit into memory */
    CLIP_HEIGHT = CLIP_TOP + CLIP_CELLS * CLIP_CELL,
};

struct picture {
    int width, height;
    enum picture_style style;
    unsigned phase;
    uint32_t *pixels;
};

/* A picture, which is made once and kept, since the server only reads it. NULL: no memory. */
const struct picture *picture_get(int width, int height, enum picture_style style, unsigned phase);
void picture_free_all(void);

/* ---- guest.c: memory, rings, device ------------------------------------------------------ */

enum { VERDICTS = DRAW_VERDICT_malformed + 1 };

extern const char *const verdict_names[VERDICTS]; /* by DRAW_VERDICT_ */

enum draw_kind {
    DRAW_COPY,
    DRAW_TEXT,
    DRAW_BOTTOM_UP,
    DRAW_FILL,
    DRAW_INVERS,
    DRAW_BLEND,
    DRAW_XOR,
    DRAW_FROM_SURFACE,
    DRAW_COPY_BITS,
    DRAW_CLIPPED,
    DRAW_OUTSIDE,
    DRAW_BAD_IMAGE,
    DRAW_CLIP_FRAME,
    DRAW_DESKTOP,
    DRAW_KINDS
};

extern const char *const draw_kind_names[DRAW_KINDS];

struct draw {
    enum draw_kind kind;
    int32_t x, y, width, height;
    int32_t src_width, src_height; /* 0: the box's */
    uint32_t surface;
    unsigned phase; /* of the picture: another phase is another picture */
};

struct counts {
    uint64_t draws, verdicts[VERDICTS], releases, cursors, surfaces_made, surfaces_gone, oom_calls;
    uint64_t flushes, commands_taken, commands_sent, cursors_taken, wakeups, notify_requests;
    uint64_t notify_armed, wrong_releases, draw_releases;
};

#define RING_MAX 65536 /* a deep ring holds a whole batch; the real device's holds 32 */

struct ring {
    struct command *slots[RING_MAX];
    unsigned head, tail, depth;
    bool notify;
};

#define SURFACES_MAX 64

struct surface {
    void *memory; /* NULL: the surface does not exist */
    int32_t width, height;
};

struct guest {
    QXLInstance qxl;
    SpiceServer *server;
    pthread_mutex_t lock;
    pthread_cond_t moved; /* a ring got room, memory was released, a client came or went */
    struct ring commands, cursors;
    uint64_t next_id, outstanding, outstanding_bytes, memory_limit;
    int flush_answer; /* the result of flush_resources */
    int oom_again; /* in so many calls of flush_resources, the guest reports out-of-memory again */
    bool client, video_off;
    bool lockstep;                         /* send the next command only when the server is idle */
    struct surface surfaces[SURFACES_MAX]; /* 0 is the primary surface: the screen */
    GPtrArray *kept;                       /* memory of destroyed surfaces */
    pthread_t worker;
    bool worker_known;
    int worker_tid;
    FILE *account;
    struct counts counts;
};

/* Functions return 0 or negative errno. */
int guest_init(struct guest *g, SpiceServer *server, unsigned ring_depth, int display);
void guest_free(struct guest *g);
int guest_screen(struct guest *g, uint32_t width, uint32_t height); /* 0 x 0: no screen */
int guest_draw(struct guest *g, const struct draw *d);
int guest_surface_create(struct guest *g, uint32_t id, uint32_t width, uint32_t height);
int guest_surface_destroy(struct guest *g, uint32_t id);
int guest_cursor(struct guest *g, int x, int y);
void guest_oom(struct guest *g);
void guest_update(struct guest *g, uint32_t surface);
/* Waits until the worker has taken all commands, for ever if it does not. */
void guest_settle(struct guest *g);
/* Waits until all memory is released. False: not within `ms`. */
bool guest_drain(struct guest *g, int ms);
bool guest_wait_client(struct guest *g, bool present, int ms);
uint64_t guest_worker_cpu(struct guest *g); /* ns; 0 before the worker took a command */

#endif
