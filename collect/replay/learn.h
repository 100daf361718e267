/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Learns from a draw and its decisions what was there before the recording or a loss. */
#ifndef SPICETAP_REPLAY_LEARN_H
#define SPICETAP_REPLAY_LEARN_H

#include "replay/display.h"

bool group_is_match(const struct tap_event *ev, unsigned against);
/* Finds group.tail. */
void group_find_tail(struct replay_display *d);
/* Finds where video_stream_trace_update was or would be called: behind all that the draw covered.
 * Sets group.insert, equal and met. */
void group_read(struct replay_display *d);
void group_clear_rings(struct replay_display *d);
/* Learns what the ring's slots held. Call it once the draw's own removals are in the ring. */
void group_learn_slots(struct replay_display *d);
void group_learn(struct replay_display *d);
/* Takes the graduality of the box's frame before, where the recording has none. */
void group_guess_graduality(struct replay_display *d, struct drawable *c);
/* The drawable that the candidate met in the match at item `at`. */
struct drawable *group_met(struct replay_display *d, size_t at);

#endif
