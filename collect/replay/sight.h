/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which state is known, what is concluded from it, and the spans without conclusions. */
#ifndef SPICETAP_REPLAY_SIGHT_H
#define SPICETAP_REPLAY_SIGHT_H

#include "replay/display.h"

/* Takes the decisions of all detectors; `who` is a struct listener. */
void sight_decided(void *who, const struct tap_event *decision, int stream);
void sight_set_time(struct replay_display *d, uint64_t now);
/* Forgets all: nothing is known at `time`. */
void sight_forget(struct replay_display *d, uint64_t time);
/* Ends conclusions at `from`, until the state is known again. `now` is the current time. */
void sight_lose(struct replay_display *d, uint64_t from, uint64_t now, enum replay_blind why);
/* Draws conclusions again, once all running streams are known and what was before is too old to be
 * matched. */
void sight_regain(struct replay_display *d, uint64_t now);
/* Model and recording differ. Events may be NULL; `why` is NULL if the events say it. */
void sight_differ(struct replay_display *d, uint64_t time, const struct tap_event *expected,
                  const struct tap_event *recorded, const char *why);
/* Detector k's stream ends at `until` for `reason`: see struct replay_stream. */
void sight_end_stream(struct replay_display *d, unsigned k, const struct stream *s, uint64_t until,
                      unsigned reason);
/* Detector k decided: counts it. `at`: the stream's place. */
void sight_count(struct replay_display *d, unsigned k, const struct tap_event *ev, int at);

#endif
