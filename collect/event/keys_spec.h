/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Key presses of a client, in words: N, N,EVERY or N,EVERY,X,Y,WIDTHxHEIGHT. */
#ifndef SPICETAP_KEYS_SPEC_H
#define SPICETAP_KEYS_SPEC_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "event/clip_place.h"

#define KEYS_SPEC_WORDS                                                                            \
    "N, N,EVERY or N,EVERY,X,Y,WIDTHxHEIGHT (N up to 9999, EVERY in ms from 200)"

enum { KEYS_LEAST_MS = 200, KEYS_MOST_PIXELS = 1 << 20 };

struct keys_spec {
    uint32_t count;        /* presses; 0: none */
    uint32_t every;        /* ms from an answer to the next press, at least */
    struct clip_place box; /* where the answer is looked for */
};

/* The workload `keys` has its box there (docs/dev/guests.md). */
static const struct keys_spec KEYS_SPEC = {0, 500, {800, 64, 128, 64}};

/* False: `text` is no such thing; `spec` is then undefined. */
static inline bool keys_spec_parse(struct keys_spec *spec, const char *text)
{
    int end = 0; /* of the numbers */

    *spec = KEYS_SPEC;
    if (text[strspn(text, "0123456789,x")] ||
        sscanf(text, "%4u%n,%5u%n", &spec->count, &end, &spec->every, &end) < 1)
        return false;
    if (text[end] && (text[end] != ',' || !strchr(text + end, 'x') ||
                      !clip_place_parse(&spec->box, text + end + 1)))
        return false;
    return spec->count > 0 && spec->every >= KEYS_LEAST_MS &&
           (int64_t)spec->box.width * spec->box.height <= KEYS_MOST_PIXELS;
}

#endif
