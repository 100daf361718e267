/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same draws in the detectors with other constants. */
#ifndef SPICETAP_REPLAY_FORETELL_H
#define SPICETAP_REPLAY_FORETELL_H

#include "replay/display.h"

/* spice-server gives up the oldest drawables first: all older ones have left before `than`. */
void foretell_leave_older(struct replay_display *d, const struct drawable *than, unsigned reason);
/* Stops streams that ran out of time. */
void foretell_time_out(struct replay_display *d, uint64_t now);
/* A draw that is not opaque takes the frames of the streams below (video_stream_detach_behind),
 * except frames that were the recorded detector's: their detach is recorded. */
void foretell_draw_over(struct replay_display *d, const struct drawable *c);
/* The group again in all alternatives. */
void foretell_group(struct replay_display *d);

#endif
