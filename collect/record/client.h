/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's part of a recording: spicetap meter as a child. */
#ifndef SPICETAP_RECORD_CLIENT_H
#define SPICETAP_RECORD_CLIENT_H

#include <jansson.h>
#include <sys/types.h>

struct record_client {
    const char *uri;         /* NULL: none was asked for */
    unsigned long rate;      /* bytes a second at most, 0: no limit */
    const char *compression; /* to ask the server for; NULL: its own */
    const char *clip;        /* where the clip is, as clip_place.h has it; NULL: the usual */
    pid_t pid;               /* 0: not running */
};

/* Starts the client `c` tells of, and waits until it shows a picture, for some seconds, or until
 * `signals` can be read. It writes client.tap, client.json and client.log into `folder`. The
 * recording goes on without it if it cannot be started; why is said. */
void record_client_start(struct record_client *c, const char *folder, int signals);
/* Ends it, and lists in run.json what it left: its log under "logs", how it ended as "client". */
void record_client_end(struct record_client *c, json_t *run, const char *folder);

#endif
