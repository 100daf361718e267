/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page of spicetap whatif, as text or as JSON (docs/whatif.md), on standard output. */
#ifndef SPICETAP_WHATIF_H
#define SPICETAP_WHATIF_H

#include <stdio.h>

#include "replay/replay.h"

enum { WHATIF_CONSTANTS = 8 };

/* A constant of the detector as the user writes it. */
struct whatif_constant {
    const char *option; /* on the command line, without dashes */
    const char *key;    /* in JSON, with its unit */
    double least, most;
    bool whole, power_of_two;
};

extern const struct whatif_constant whatif_constants[WHATIF_CONSTANTS];
/* In the option's unit: ms, pixels, frames, slots or a share. */
double whatif_get(const struct constants *c, unsigned which);
void whatif_set(struct constants *c, unsigned which, double v);

struct whatif {
    const char *run;
    struct replay replay;
    const struct replay_region *clip; /* NULL: none */
    const char *clip_why;             /* why this box, in words */
    uint64_t start, end;              /* of the recording: ns, CLOCK_MONOTONIC */
    bool sound;                       /* the model made every recorded decision */
    unsigned swept; /* bits of whatif_constants: the options that make the alternatives */
};

int whatif_text(const struct whatif *w);
int whatif_json(const struct whatif *w);
/* Where model and recording differ. */
void whatif_differences(const struct whatif *w, FILE *out);
/* Prints a decision as one line of JSON, as `export` does; `who` is not used. */
void whatif_decision(void *who, const struct tap_event *ev);
/* An event's fields as text: "match drawable=0x12 against=trace...". */
void whatif_event(FILE *out, const struct tap_event *ev);
/* How a stream ended, in words: struct replay_stream's reason. */
const char *whatif_stop(unsigned reason);
/* Seconds since the recording began. */
double whatif_seconds(const struct whatif *w, uint64_t t);

#endif
