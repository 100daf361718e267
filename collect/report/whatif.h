/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spicetap whatif shows, as text or as JSON. */
#ifndef SPICETAP_WHATIF_H
#define SPICETAP_WHATIF_H

#include <stdio.h>

#include "replay/replay.h"

enum { WHATIF_CONSTANTS = 8 };

struct whatif_constant {
    const char *option, *key; /* on the command line; in JSON, with its unit */
    double least, most;
    bool whole;
};

extern const struct whatif_constant whatif_constants[WHATIF_CONSTANTS];
double whatif_get(const struct constants *c, unsigned which); /* in the option's unit */

struct whatif {
    const char *run;
    struct replay replay;
    const struct replay_region *clip; /* NULL: none */
    const char *clip_why;             /* in words: why this box */
    uint64_t start, end;              /* of the recording, ns */
    bool sound;                       /* the model gave every recorded decision */
};

int whatif_text(const struct whatif *w); /* 0, or a negative errno */
int whatif_json(const struct whatif *w);
void whatif_differences(const struct whatif *w, FILE *out);
/* A decision as one line of JSON, as export's jsonl has it. */
void whatif_decision(void *who, const struct tap_event *ev);
/* An event's fields as text: "match drawable 0x12 against trace..." */
void whatif_event(FILE *out, const struct tap_event *ev);
const char *whatif_stop(unsigned reason);

#endif
