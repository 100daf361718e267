/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events of one display in their order: a draw with all that belongs to it, and the rest. */
#ifndef SPICETAP_REPLAY_EVENTS_H
#define SPICETAP_REPLAY_EVENTS_H

#include "replay/display.h"

/* Takes one event, of a kind that replay.c does not pass over. -ENOMEM. */
int events_take(struct replay_display *d, const struct tap_event *ev);
/* The worker's next step came: decides what became of the open draw, if there is one. */
void events_close_group(struct replay_display *d);
/* Events were lost: the open draw may miss some, so nothing is concluded from it. */
void events_drop_group(struct replay_display *d);

#endif
