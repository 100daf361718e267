/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Presses keys, and measures until the picture in a box answers. One press waits at a time. Knows
 * neither GLib nor a server: session.c presses, and hands in the picture. Times are ns.
 */
#ifndef SPICETAP_KEYS_H
#define SPICETAP_KEYS_H

#include "clip.h"
#include "event/keys_spec.h"
#include "samples.h"
#include "wire.h"

enum {
    KEYS_SCANCODE = 0x39,          /* the space bar, which no layout moves */
    KEYS_JITTER_MS = 67,           /* presses must not keep step with 30 pictures a second */
    KEYS_QUIET_MS = KEYS_LEAST_MS, /* the box was not drawn over for so long */
    KEYS_FIRST_MS = 3000,          /* so long may the first picture of the box take */
};

struct keys_press {
    int64_t time;
    int64_t took; /* until the answer; -1: none within the limit, or not yet */
};

struct keys {
    struct keys_spec spec;
    int64_t limit;              /* without an answer for so long, the next key is pressed */
    struct keys_press *presses; /* spec.count of them; NULL: no key is to be pressed */
    unsigned pressed, answered, unanswered;
    bool waiting;    /* for the answer to the last press */
    uint8_t *before; /* the box's pixels when it was pressed */
    int64_t due;     /* when the next key was to be pressed; 0: not yet */
    int64_t drawn;   /* when the box was drawn over last; 0: not yet */
    uint32_t jitter;
    struct samples took;
};

/* 0 or -ENOMEM. `spec` without presses is good. */
int keys_init(struct keys *k, const struct keys_spec *spec, int64_t limit);
void keys_free(struct keys *k);
struct wire_rect keys_box(const struct keys *k);
/* Is it time? The box must be quiet: what is drawn there now belongs to what was before. A box that
 * is never quiet is waited for as long as for an answer. */
bool keys_quiet(struct keys *k, int64_t time);
/* Keeps the picture, and counts a press. False: the box is not on the screen, so no key can be
 * pressed. */
bool keys_pressed(struct keys *k, const struct screen *s, int64_t time);
/* The box was drawn over, and may have changed. True: it answers the waiting press. */
bool keys_look(struct keys *k, const struct screen *s, int64_t time);
/* True: the waiting press has had its time, and counts as unanswered. */
bool keys_too_late(struct keys *k, int64_t time);
bool keys_done(const struct keys *k); /* all were pressed, and none waits */
/* ms until the next press. */
unsigned keys_gap(struct keys *k);

#endif
