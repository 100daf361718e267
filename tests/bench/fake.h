/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_FAKE_H
#define BENCH_FAKE_H

#include <stdint.h>

struct hit {
    uint64_t address;
    int64_t signed64;
    uint32_t number;
    uint8_t small;
    uint64_t left_top, right_bottom;
};

struct fake_probe {
    const char *name;
    void (*hit)(const struct hit *h);
};

extern const struct fake_probe fake_probes[];
extern const int fake_probe_count;

#endif
