/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the map of a guest's clock from the run's logs (docs/dev/clocks.md). */
#ifndef SPICETAP_GUEST_CLOCK_H
#define SPICETAP_GUEST_CLOCK_H

#include "clock/clock_fit.h"

/* Reads the log `guest` (a path), and `qemu` for the I/O writes and fences; NULL: pings alone.
 * Calls `progress`, if not NULL, every 65536 events. 0, or a negative errno of the reader; -ENOMEM.
 * Free the map with clock_map_free(). */
int guest_clock_make(struct clock_map *m, const char *guest, const char *qemu,
                     void (*progress)(void));
int guest_clock_from_pings(struct clock_map *m, const char *guest);

#endif
