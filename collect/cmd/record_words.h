/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `record` prints. */
#ifndef SPICETAP_RECORD_WORDS_H
#define SPICETAP_RECORD_WORDS_H

#include "record/recorder.h"

extern const char *record_speaker; /* begins each message: "spicetap record" */

/* A message of one line, without its newline. */
__attribute__((format(printf, 1, 2))) void record_tell(const char *format, ...);
void record_print_line(void *who, const char *text); /* for struct record_say */
/* Once all probes are on. */
void record_print_attached(const struct recorder *r, const struct recorder_options *o);

struct record_live {
    bool quiet, tty;
    uint64_t seconds;
    uint64_t before, events, sent; /* when the last line was printed, and what it had */
};

/* Called about once a second of the host; `who` is a struct record_live. */
void record_print_live(void *who, const struct recorder *r);
/* The summary, on standard output. */
void record_print_end(const struct recorder *r);
void record_print_json(const struct recorder *r);

#endif
