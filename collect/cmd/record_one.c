/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/exit.h"
#include "cmd/record_one.h"
#include "cmd/record_words.h"

static int failed(const struct loader_error *e, int error)
{
    record_tell("%s", e->text);
    if (error == -EEXIST)
        return EXIT_USAGE;
    return error == -ENOSPC || error == -EFBIG || error == -EDQUOT ? EXIT_PART : EXIT_ENV;
}

static int record(struct recorder *r, const struct record_command *o)
{
    struct record_live live = {.quiet = o->quiet, .tty = isatty(STDERR_FILENO)};
    struct loader_error e = {""};
    struct recorder_view v;
    int error = recorder_begin(r, &e);

    if (error)
        return failed(&e, error);
    record_print_attached(r, &o->recorder);
    recorder_run(r, record_print_live, &live);
    if (live.tty && !live.quiet)
        fputc('\n', stderr);
    error = recorder_end(r);
    if (o->json)
        record_print_json(r);
    else
        record_print_end(r);
    if (!error)
        return EXIT_DONE;
    recorder_look(r, &v);
    record_tell("%s: %s; what was recorded before is kept in %s", v.end, strerror(-error), v.path);
    return EXIT_PART;
}

/* Readable when one of the two is. */
static int either(int signals, int stop)
{
    struct epoll_event readable = {.events = EPOLLIN};
    int both = epoll_create1(EPOLL_CLOEXEC);

    if (both >= 0 && (epoll_ctl(both, EPOLL_CTL_ADD, signals, &readable) ||
                      epoll_ctl(both, EPOLL_CTL_ADD, stop, &readable))) {
        close(both);
        both = -1;
    }
    return both;
}

int record_one(const struct record_command *command, int stop, const char *who)
{
    struct record_command o = *command;
    struct recorder *r = NULL;
    struct loader_error e = {""};
    int code, error;

    record_speaker = who;
    if (stop >= 0)
        o.recorder.stop = either(o.recorder.stop, stop);
    error = recorder_open(&r, &o.recorder, &e);
    code = error ? failed(&e, error) : record(r, &o);
    recorder_close(r);
    return code;
}
