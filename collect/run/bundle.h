/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run is a folder: run.json and one *.tap log for each source (docs/dev/format.md). Here it is
 * written and opened; run/cursor.h reads it. Times are ns of the host's CLOCK_MONOTONIC, in slow
 * motion as the VM's own process reads it (clock/run_time.h). Errors are negative errno.
 */
#ifndef SPICETAP_BUNDLE_H
#define SPICETAP_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <jansson.h>

#include "clock/clock_map.h"
#include "clock/run_time.h"
#include "log/tap.h"

enum { BUNDLE_MAJOR = 1, BUNDLE_MINOR = 2 }; /* run.json's `format` */

/* ---- recording ---------------------------------------------------------------------- */

struct bundle_writer;

/* Makes the folder (mode 0750; -EEXIST if there is one already) and a run.json whose state is
 * "recording". The folder stays locked while the writer lives, so that a reader can tell a run that
 * is being recorded from one whose recorder was killed. */
int bundle_create(struct bundle_writer **out, const char *path);
/* run.json as it stands; the writer owns it. Add to it with json_object_set_new(); format.md lists
 * the keys. `format`, `state`, `spicetap`, `started`, `ended`, `end`, `host`, `time_scale`,
 * `time_line`, `logs` and `log_ends` are this module's own. */
json_t *bundle_run(struct bundle_writer *b);
/* The run is in that time: notes it in run.json. Call it before anything else. */
void bundle_time(struct bundle_writer *b, const struct run_time *time);
/* Opens the log of `source` in the folder (spice.tap, qemu.tap; number 2 is guest-2.tap and so on)
 * and lists it in run.json. Close it with bundle_log_close, before bundle_finish. */
int bundle_log(struct bundle_writer *b, enum tap_source source, struct tap_writer **out);
int bundle_log_numbered(struct bundle_writer *b, enum tap_source source, unsigned number,
                        struct tap_writer **out);
/* Closes the log and notes its size for run.json. Frees `w` even if it fails. */
int bundle_log_close(struct bundle_writer *b, struct tap_writer *w);
/* Puts the file name of such a log into `name`, which has 64 bytes. */
void bundle_log_name(char *name, enum tap_source source, unsigned number);
/* A path of the folder for this process alone: by its descriptor, so that it needs no right on the
 * folders above. The writer owns it. */
const char *bundle_path(const struct bundle_writer *b);
/* Gives the folder to a user, who can then go on writing it. What is in it stays the old user's. */
int bundle_give(struct bundle_writer *b, uid_t uid, gid_t gid);
/* Writes run.json anew: to a temporary file, fsync, rename. */
int bundle_save(struct bundle_writer *b);
/* Ends the run: state "complete", `why` as run.json's "end" ("time is up"...), save, unlock, free.
 * Frees `b` even if it fails. */
int bundle_finish(struct bundle_writer *b, const char *why);

/* ---- reading -------------------------------------------------------------------------- */

struct bundle;

enum bundle_state {
    BUNDLE_COMPLETE,
    BUNDLE_RECORDING, /* a recorder is writing it */
    BUNDLE_RECOVERED, /* a recorder wrote it and is gone: it was killed, or its disk was full */
};

struct bundle_log {
    char name[64]; /* of the file in the folder */
    enum tap_source source;
    struct tap_reader *reader; /* NULL if it cannot be opened */
    int error;                 /* why not, or why it cannot be read on */
    uint64_t bytes;            /* size on disk */
    struct tap_end end;        /* as run.json has it; chunks 0: it does not */
    /* From a guest's times to the host's: run.json's `clocks`, or made from the log's clock_ping
     * events. NULL: the log's times are the host's. */
    const struct clock_map *clock;
};

/* A file of the run that could not be used. */
struct bundle_bad {
    char name[64];
    int error;
};

/* Opens a run's folder, or one *.tap log alone. -ENOENT: no such folder; -ENODATA: no run;
 * -EBADMSG: run.json is damaged; -EPROTO: a newer major version; -EINVAL, -ELOOP: a FIFO, a device
 * or a link where a file should be; -EFBIG: run.json is larger than 4 MiB. */
int bundle_open(struct bundle **out, const char *path);
void bundle_close(struct bundle *b);
/* The bundle owns what these return. */
enum bundle_state bundle_state(const struct bundle *b);
const json_t *bundle_about(const struct bundle *b); /* run.json; an empty object for a log alone */
size_t bundle_logs(const struct bundle *b, const struct bundle_log **logs);
size_t bundle_logs_over(const struct bundle *b); /* logs beyond the 16 that a run may have */
/* Is it of a spice-server without probes? Then its events are calls of the library, and nothing is
 * known of its inside. */
bool bundle_stock(const struct bundle *b);
/* When recording began and ended. 0: not known, as the end of a run that was not finished. */
void bundle_window(const struct bundle *b, uint64_t *from, uint64_t *to);
/* Reads another JSON file of the folder, at most 4 MiB; the caller owns *out. -ENOENT if there is
 * none. Any other error is also kept for bundle_bad_files. */
int bundle_json(struct bundle *b, const char *name, json_t **out);
size_t bundle_bad_files(const struct bundle *b, const struct bundle_bad **bad);
/* How far a host time of this log's events can be from the truth: 0 for the host's own events,
 * CLOCK_UNKNOWN if nothing bounds it. Events of two logs nearer than the sum of both errors have
 * no known order. */
uint64_t bundle_clock_error(const struct bundle_log *from, uint64_t time);
/* What an error of this header means to a user, and the way out. */
const char *bundle_strerror(int error);

/* For fuzzing: reads the text of a run.json and checks what this program relies on. The caller owns
 * *out. */
int bundle_parse(const char *text, size_t length, json_t **out);

#endif
