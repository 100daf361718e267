/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records a running VM into a run's folder: the tracer's events, and if asked for the guest's and a
 * client's. Call recorder_open, _begin, _run, _end, _close in this order; after an error of _open
 * or _begin only recorder_close.
 *
 * Functions return 0 or a negative errno and leave a sentence for the user in a loader_error.
 * Nothing here prints, and nothing ends the process.
 */
#ifndef SPICETAP_RECORDER_H
#define SPICETAP_RECORDER_H

#include "loader/loader.h"
#include "record/client.h"
#include "record/counts.h"
#include "record/disk.h"
#include "record/say.h"

/* The caller owns everything; it must live as long as the recorder. */
struct recorder_options {
    const char *domain; /* the VM's name; NULL: take pid */
    pid_t pid;
    const char *output; /* the folder to make; NULL: run-NAME-TIME */
    unsigned seconds;   /* how long, in run time; 0: until `stop` or the VM's end */
    int stop;           /* a file descriptor: readable when the user wants an end */
    struct disk_bounds disk;
    const char *guest; /* socket of the guest's port, or "auto"; NULL: no guest */
    struct tracer_options tracer;
    struct client_options client;
    struct record_say say;
};

/* What a recording is and has so far. Pointers live as long as the recorder. */
struct recorder_view {
    const struct vm *vm;
    const char *path;                   /* the run's folder */
    const struct record_counts *counts; /* of the host's events */
    uint64_t started, ended; /* ns, run time: all probes were on between them; 0: not yet */
    uint64_t now;            /* ns, run time */
    double scale;            /* a second of run time takes so many seconds of the host; usually 1 */
    uint64_t events;         /* of host and guest */
    uint64_t lost, unknown;  /* of host and guest: events; losses of unknown count */
    uint64_t bytes;          /* of the logs; 0 before the end */
    unsigned spice, qemu;    /* probes attached */
    bool stock;              /* those of spice are functions: it has no probes */
    const json_t *missing;   /* array of {provider, name, why}: probes that are not recorded */
    const char *end;         /* why it ended: "time is up", "interrupted"...; NULL: not yet */
};

struct recorder;

/* Finds the VM and attaches to its probes. -EEXIST: there is such a folder; -EBUSY: its disk has
 * less free space than options->disk wants. */
int recorder_open(struct recorder **out, const struct recorder_options *options,
                  struct loader_error *e);
/* Makes the folder and its logs, gives up all rights, waits for guest and client, and switches the
 * probes on. -EEXIST as above. What was written so far is kept. */
int recorder_begin(struct recorder *r, struct loader_error *e);
/* Records until time is up, `stop` is readable, the VM ends, a bound of options->disk is reached or
 * a log cannot be written. Calls `second` about once a second of the host. */
void recorder_run(struct recorder *r, void (*second)(void *who, const struct recorder *r),
                  void *who);
/* Ends guest and client, closes the logs, completes run.json. An error (a full disk) costs the
 * events since then; the run is readable. -ENOSPC also if the disk had too little left: then
 * nothing is lost. */
int recorder_end(struct recorder *r);
void recorder_close(struct recorder *r); /* detaches, which may take seconds; NULL is fine */

void recorder_look(const struct recorder *r, struct recorder_view *view);

#endif
