/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watches all VMs of a host. The calling process keeps its rights, because VMs come and go, and
 * does nothing but look for them; it reads no data of theirs. Each VM has a watcher, and what is
 * known is shown by one more process: none of these has a right.
 */
#ifndef SPICETAP_WATCHERS_H
#define SPICETAP_WATCHERS_H

#include "loader/loader.h"
#include "record/board.h"

enum { WATCHERS_DOMAINS = 64 };

struct watchers_options {
    const char *domains[WATCHERS_DOMAINS]; /* only VMs of these names; none: all */
    unsigned domain_count;
    unsigned look_seconds; /* how often VMs are looked for */
    /* Shows the board until `stop` is readable; in a process of its own. Returns an exit code. */
    int (*show)(const struct board *board, int stop, void *who);
    void *who;
    bool rights; /* `show` keeps this process's rights */
};

/* Until `show` returns, or SIGINT, SIGTERM or SIGHUP. *code is what `show` returned. Errors: no
 * memory or no process. */
int watchers_run(const struct watchers_options *options, int *code, struct loader_error *e);

#endif
