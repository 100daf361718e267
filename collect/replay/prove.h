/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The detector with the recorded constants: compares every decision with the recorded one. */
#ifndef SPICETAP_REPLAY_PROVE_H
#define SPICETAP_REPLAY_PROVE_H

#include "replay/display.h"

/* Counts a decision as reproduced or, if it depends on unknown state, as taken. */
void prove_count(struct replay_display *d, uint16_t kind, bool known);
bool prove_is_decision(const struct tap_event *ev);
/* A trace_add. False: it differs. */
bool prove_leave(struct replay_display *d, const struct tap_event *ev);
/* A stream lost its frame for a reason outside of the detector. False: it differs. */
bool prove_detach(struct replay_display *d, const struct tap_event *ev);
/* The decisions of one group in their order. False: they differ. */
bool prove_group(struct replay_display *d);
/* The drawable leaves the tree, in the detectors from number `from` on. */
void replay_leave(struct replay_display *d, struct drawable *p, unsigned reason, unsigned from);
/* A recorded stream_detach, in all detectors. */
void replay_detach(struct replay_display *d, const struct tap_event *ev);

#endif
