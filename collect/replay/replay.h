/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the recorded draws through models of the stream detector (detector.h): one with the
 * constants of the recorded library, whose every decision is compared with the recorded one, and
 * any number with other constants. It takes one pass; its memory does not grow with the run.
 * docs/whatif.md says what is held as it was recorded. Errors are negative errno.
 */
#ifndef SPICETAP_REPLAY_H
#define SPICETAP_REPLAY_H

#include "replay/result.h"
#include "run/cursor.h"

/* constants[0] are those of the recorded library; `detectors` is 1 to REPLAY_DETECTORS. -ENOMEM. */
int replay_init(struct replay *r, const struct constants *constants, unsigned detectors);
/* Adds the run's next event; ignores those that are not spice-server's. -ENOMEM. */
int replay_add(struct replay *r, const struct run_event *e);
void replay_end(struct replay *r); /* after the last event */
void replay_free(struct replay *r);
/* The box around that place that is redrawn most often. NULL: there is none, or a part of the place
 * was drawn by itself. */
const struct replay_region *replay_around(const struct replay *r, const struct tap_rect *place);
/* The box that is redrawn most like a clip (run/clip.h); NULL: none is. */
const struct replay_region *replay_clip(const struct replay *r);
/* The group of boxes that alternate where `of` was drawn; `of` NULL: the one redrawn most like a
 * clip. NULL: there is none. */
const struct replay_region *replay_group(const struct replay *r, const struct replay_region *of);
/* The boxes of such a group; NULL: it is one box. */
const struct box_group *replay_boxes(const struct replay *r, const struct replay_region *of);
/* Exactly this box, on the display where most of it was drawn; NULL: it was not drawn. */
const struct replay_region *replay_box(const struct replay *r, const struct tap_rect *box);

#endif
