/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spicetap-meter: a SPICE client without a window, and what it measures.
 *
 *   relay.c (threads) -> count.c -> the log         session.c (GLib's thread) -> clip.c -> the log
 *
 * Times are ns of CLOCK_MONOTONIC unless a name ends in another unit.
 */
#ifndef SPICETAP_METER_H
#define SPICETAP_METER_H

#include <pthread.h>
#include <spice-client.h>

#include "base/exit.h"
#include "log/tap.h"
#include "clip.h"
#include "count.h"
#include "keys.h"
#include "pictures.h"
#include "relay.h"
#include "target.h"

/* The strings belong to argv or the environment. */
struct options {
    const char *uri; /* as given: may hold a password, so print target_text() of `target` instead */
    const char *json, *tap; /* paths to write; NULL: none */
    const char *password_file, *ca_file, *host_subject;
    struct target target;
    uint64_t rate;           /* bytes a second; 0: no limit */
    struct link_spec link;   /* its rate 0: none is played */
    const char *link_words;  /* as given; NULL: none */
    const char *compression; /* to ask the server for; NULL: leave the server's choice */
    unsigned seconds;        /* 0: until interrupted */
    struct clip_place clip;
    const char *pictures; /* folder for pictures of the clip; NULL: none */
    unsigned picture_count;
    int ready_fd;          /* gets a byte once the picture is there; -1: none */
    struct keys_spec keys; /* without presses: none */
    unsigned keys_limit;   /* ms that an answer may take */
    int go_fd;             /* no key is pressed before it can be read; -1: none */
    bool quiet;
};

struct meter {
    const struct options *options;
    const char *password; /* NULL: none */
    pthread_mutex_t lock; /* guards counts and tap, which the relay's threads write */
    struct counts counts;
    struct tap_writer *tap;
    int tap_error; /* the first negative errno of writing `tap`; no more is written after it */
    struct relay *relay;
    SpiceSession *session;
    GMainLoop *loop;
    SpiceChannel *display; /* of display 0; the others are only counted */
    struct screen screen;  /* its picture */
    struct clip clip;
    struct keys keys;
    SpiceInputsChannel *inputs; /* linked; NULL: not yet, or not any more */
    guint press, go;            /* GLib sources; 0: none */
    struct pictures pictures;
    int pictures_error;
    guint settle, ready_timer;           /* GLib sources; 0: not waiting */
    int64_t first_touched, last_touched; /* drawings on the clip's region that have not settled */
    int64_t last_held;                   /* how long the last of them was kept until it was due */
    uint64_t opened, ready, ended;       /* main channel open, picture there, end; 0: not reached */
    const char *end;                     /* why the session ended */
    int result;                          /* an EXIT_ code */
    char error[600];                     /* a sentence for the user; "": none */
    struct {
        uint64_t time;
        struct tally all;
        uint64_t distinct;
    } before; /* values of the last live line */
};

/* session.c: connects, runs until something ends it, and fills in `opened` to `error`. */
void session_run(struct meter *m);
/* Ends it, unless something has done so: why, and an EXIT_ code. */
void session_end(struct meter *m, const char *why, int result);

/* press.c: presses the keys of m->keys while the session runs. */
void press_begin(struct meter *m); /* from the session's begin to press_end() */
void press_end(struct meter *m);
/* The first display's picture has changed in that box. */
void press_look(struct meter *m, const struct wire_rect *box, int64_t time);

/* report.c */
void report_live(struct meter *m); /* one line over the last one, on standard error */
void report_text(struct meter *m); /* the summary, on standard output */
/* Replaces the file options->json in one step. 0 or negative errno. */
int report_json(struct meter *m);

#endif
