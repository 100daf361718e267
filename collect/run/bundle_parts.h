/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bundle_read.c and cursor.c share; nothing outside run/ includes it. */
#ifndef SPICETAP_BUNDLE_PARTS_H
#define SPICETAP_BUNDLE_PARTS_H

#include "run/bundle.h"

enum { BUNDLE_MAX_LOGS = 16 };

struct bundle {
    json_t *about;
    enum bundle_state state;
    struct bundle_log logs[BUNDLE_MAX_LOGS];
    struct clock_map clocks[BUNDLE_MAX_LOGS];
    size_t count;
};

#endif
