/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bundle_read.c and cursor.c share; nothing outside run/ includes it. */
#ifndef SPICETAP_BUNDLE_PARTS_H
#define SPICETAP_BUNDLE_PARTS_H

#include "run/bundle.h"

enum { BUNDLE_MAX_LOGS = 16, BUNDLE_MAX_BAD = 4 };

struct bundle {
    int folder; /* -1: a log alone */
    json_t *about;
    enum bundle_state state;
    struct bundle_log logs[BUNDLE_MAX_LOGS];
    struct clock_map clocks[BUNDLE_MAX_LOGS];
    size_t count, logs_over; /* logs_over: found, but there was no room */
    struct bundle_bad bad[BUNDLE_MAX_BAD];
    size_t bad_count;
};

#endif
