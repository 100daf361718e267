/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap-meter: a client without a window, and what it measures. */
#ifndef SPICETAP_METER_H
#define SPICETAP_METER_H

#include <pthread.h>
#include <spice-client.h>

#include "base/exit.h"
#include "log/tap.h"
#include "clip.h"
#include "count.h"
#include "relay.h"
#include "target.h"

struct options {
    const char *uri, *json, *tap, *password_file;
    struct target target;
    uint64_t rate;           /* bytes a second; 0: no limit */
    const char *compression; /* to ask the server for; NULL: its own */
    unsigned seconds;        /* 0: until interrupted */
    struct clip_place clip;
    int ready_fd;
    bool quiet;
};

struct meter {
    const struct options *options;
    const char *password; /* NULL: none known */
    /* Guards counts and tap: the relay's threads write them. */
    pthread_mutex_t lock;
    struct counts counts;
    struct tap_writer *tap;
    int tap_error;
    struct relay *relay;
    /* The session, its loop, and the picture of display 0. */
    SpiceSession *session;
    GMainLoop *loop;
    SpiceChannel *display;
    struct screen screen;
    struct clip clip;
    uint64_t primaries;
    guint settle, ready_timer;           /* GLib sources; 0: not waiting */
    int64_t first_touched, last_touched; /* of the clip's region, while it settles */
    /* How it went. Times are ns of CLOCK_MONOTONIC. */
    uint64_t opened, ready, ended;
    const char *end; /* why, in words */
    int result;      /* EXIT_ */
    bool wants_password;
    char error[600]; /* "": none */
    struct {
        uint64_t time;
        struct tally all;
        uint64_t distinct;
    } before; /* the last live line's */
};

/* session.c: connects and runs until something ends it; fills in how it went. */
void session_run(struct meter *m);

/* report.c */
void report_live(struct meter *m);
void report_text(struct meter *m);
/* Writes options->json, by rename; -errno. */
int report_json(struct meter *m);

#endif
