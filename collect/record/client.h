/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client of a recording: spicetap-meter as a child process. */
#ifndef SPICETAP_RECORD_CLIENT_H
#define SPICETAP_RECORD_CLIENT_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "loader/loader.h"
#include "record/say.h"

/* What was asked for. */
struct client_options {
    const char *uri;         /* NULL: no client. Must hold no password: base/secret.h */
    uint64_t rate;           /* bytes a second at most; 0: no limit */
    const char *link;        /* as event/link_spec.h reads it; NULL: none is played */
    const char *keys;        /* as event/keys_spec.h reads it; NULL: it presses none */
    const char *compression; /* the image compression to ask for; NULL: the server's own choice */
    const char *clip;        /* where the clip is, as event/clip_place.h reads it; NULL: default */
    uint32_t pictures;       /* of the clip to keep at most; 0: none */
};

struct record_client {
    struct client_options options;
    const struct vm_clock *clock;
    pid_t pid;   /* 0: not running */
    int go;      /* to the client, while it waits to press keys; -1: it does not */
    int program; /* spicetap-meter, open; -1: the one in PATH is taken */
};

/* Starts the client that c->options describe, if there is one, on c->clock, and waits until it
 * shows a picture: 20 s of run time at most, or until `stop` can be read. The client writes
 * client.tap, client.json and client.log into `folder`, a path as bundle_path() gives. Says how it
 * went; the recording goes on without it if it fails. */
void record_client_start(struct record_client *c, const char *folder, int stop,
                         const struct record_say *say);
/* The recording has begun: the client may press keys. */
void record_client_go(struct record_client *c);
/* Ends the client. Lists its log in run.json's `logs`, and how it ended in `client`. */
void record_client_end(struct record_client *c, json_t *run, const char *folder,
                       const struct record_say *say);

#endif
