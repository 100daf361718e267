/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was lost so far, by source. */
#ifndef SPICETAP_LOSSES_H
#define SPICETAP_LOSSES_H

#include <stdbool.h>

#include "event/event.h"

struct model_losses {
    uint64_t places[SOURCES]; /* loss records */
    uint64_t events[SOURCES];
    uint64_t last[SOURCES]; /* time of the last event of each source, ns */
};

static inline bool losses_of_server(enum tap_source s)
{
    return s == SOURCE_META || s == SOURCE_SPICE;
}

static inline bool losses_of_guest(enum tap_source s)
{
    return s == SOURCE_GUEST || s == SOURCE_QEMU;
}

#endif
