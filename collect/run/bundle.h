/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run is a folder: run.json and one *.tap log a source (docs/dev/format.md). Errors are negative
 * errno.
 */
#ifndef SPICETAP_BUNDLE_H
#define SPICETAP_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

#include "clock/clock_map.h"
#include "log/tap.h"

enum { BUNDLE_MAJOR = 1, BUNDLE_MINOR = 0 }; /* run.json's `format` */

/* ---- recording ---------------------------------------------------------------------- */

struct bundle_writer;

/* Makes the folder (mode 0750; -EEXIST if there is one already) and its run.json, which says
 * "recording". The folder stays locked while the writer lives: that is how a reader tells a
 * run still being recorded from one whose recorder was killed. */
int bundle_create(struct bundle_writer **out, const char *path);
/* run.json as it stands, to be added to with json_object_set_new(): target, devices, probes,
 * buffers, counters... docs/dev/format.md lists them. `format`, `state`, `spicetap`, `started`,
 * `ended`, `end`, `host` and `logs` are this module's own. */
json_t *bundle_run(struct bundle_writer *b);
/* Opens the log of `source` in the folder (spice.tap, qemu.tap; for number > 1 guest-2.tap and so
 * on) and lists it in run.json. The caller closes it, before bundle_finish. */
int bundle_log(struct bundle_writer *b, enum tap_source source, struct tap_writer **out);
int bundle_log_numbered(struct bundle_writer *b, enum tap_source source, unsigned number,
                        struct tap_writer **out);
/* The file name of such a log; `name` has 64 bytes. */
void bundle_log_name(char *name, enum tap_source source, unsigned number);
const char *bundle_path(const struct bundle_writer *b); /* the folder's */
/* Writes run.json anew: to a temporary file, fsync, rename. */
int bundle_save(struct bundle_writer *b);
/* The end: state "complete", `why` as run.json's "end" ("time is up", "interrupted", "the VM
 * ended"...), save, unlock, free. Frees even if it fails. */
int bundle_finish(struct bundle_writer *b, const char *why);

/* ---- reading -------------------------------------------------------------------------- */

struct bundle;

enum bundle_state {
    BUNDLE_COMPLETE,
    BUNDLE_RECORDING, /* the recorder is still at it */
    BUNDLE_RECOVERED, /* it says "recording", but nobody records: read as far as it goes */
};

struct bundle_log {
    char name[64]; /* file name in the folder */
    enum tap_source source;
    struct tap_reader *reader; /* NULL if it cannot be read */
    int error;                 /* why not */
    uint64_t bytes;            /* size on disk */
    /* A guest's log only: how its times became the host's. run.json's `clocks`, or, where a killed
     * recorder left none, made of the log's clock_ping events. NULL: its times are the host's. */
    const struct clock_map *clock;
};

/* Opens a run's folder, or one *.tap log alone. -ENOENT: no such folder; -ENODATA: no run (no
 * run.json); -EBADMSG: run.json damaged; -EPROTO: a newer major version. */
int bundle_open(struct bundle **out, const char *path);
enum bundle_state bundle_state(const struct bundle *b);
const json_t *bundle_about(const struct bundle *b); /* run.json */
/* When recording began and ended, ns of CLOCK_MONOTONIC: between them every event counts. 0: not
 * known, as for the end of a run that was not finished. */
void bundle_window(const struct bundle *b, uint64_t *from, uint64_t *to);
size_t bundle_logs(const struct bundle *b, const struct bundle_log **logs);
/* How far a host time of this log's events can be from the truth, in ns: 0 for what the host saw
 * itself, CLOCK_UNKNOWN if nothing bounds it. No order between two logs that is
 * finer than the sum of both errors is to be believed. */
uint64_t bundle_clock_error(const struct bundle_log *from, uint64_t time);
void bundle_close(struct bundle *b);
/* What a failed bundle_open or a log's error means, with the way out. */
const char *bundle_strerror(int error);

/* For fuzzing and bundle_open: reads the text of a run.json and checks what this program relies on.
 */
int bundle_parse(const char *text, size_t length, json_t **out);

#endif
