/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spicetap info shows, as text or as JSON. */
#ifndef SPICETAP_INFO_H
#define SPICETAP_INFO_H

#include "model/model.h"

struct info {
    const char *run;
    const struct bundle *bundle;
    const struct model *model; /* gathered */
    uint64_t start, end;       /* of the recording, ns, CLOCK_MONOTONIC */
    double seconds;
    const struct bundle_log *logs;
    size_t log_count;
    uint64_t bytes; /* of all logs */
};

/* `x` is gathered, and outlives *i. */
void info_init(struct info *i, const struct model *x);
void info_text(const struct info *i); /* to stdout */
int info_json(const struct info *i);  /* to stdout; -ENOMEM */

/* How a stream ended, in words: a stop_reason's name, or that it did not end. */
const char *info_stream_end(const struct model_stream *s);
/* Why the beginning of a stream is unknown; NULL: it is known. */
const char *info_stream_note(const struct info *i, const struct model_stream *s);
/* Streams that are not listed: the table was full. */
uint64_t info_unlisted(const struct info *i);
/* A client was asked for, or its log is there. */
bool info_has_client(const struct info *i);
/* Bytes of all channels of the client. */
struct byte_sum info_client_bytes(const struct info *i);
/* The name of a value, or its number in `text`. */
const char *info_value(const struct tap_enum *e, unsigned value, char *text, size_t size);

/* ---- parts of the text ---- */

enum { INFO_TEXT = 64 }; /* bytes of a `text` */
/* 1234567 as "1.2 MB". */
const char *info_bytes(uint64_t bytes, char *text);
const char *info_span(uint64_t ns, char *text);
/* Text from run.json, without what could harm a terminal. */
void info_plain(const char *text);
const char *info_string(const json_t *o, const char *key); /* "": none */
/* Who, what, when: the run, its target, its devices, its guest and the guest's clock. */
void info_about(const struct info *i);

#endif
