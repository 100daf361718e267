/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spicetap info shows, as text or as JSON. */
#ifndef SPICETAP_INFO_H
#define SPICETAP_INFO_H

#include "model/facts.h"

struct info {
    const char *run;
    struct bundle *bundle;
    const struct facts *facts;
    uint64_t start, end; /* of the recording, ns, CLOCK_MONOTONIC */
    double seconds;
    const struct bundle_log *logs;
    size_t log_count;
    uint64_t bytes; /* of all logs */
};

int info_text(const struct info *i); /* EXIT_... */
int info_json(const struct info *i);

/* How it ended, in words: a stop_reason's name, or that it did not end. */
const char *info_stream_end(const struct facts_stream *s);
/* Why its beginning is not known; NULL: it is. */
const char *info_stream_note(const struct info *i, const struct facts_stream *s);
/* A client was asked for, or its log is there. */
bool info_has_client(const struct info *i);
/* All its channels. */
struct facts_bytes info_client_bytes(const struct info *i);
const struct tap_enum *info_enum(uint16_t kind, const char *field);
const char *info_value(const struct tap_enum *e, unsigned value, char *text, size_t size);

#endif
