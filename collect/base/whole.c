/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/whole.h"

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof(ending) / sizeof(*ending) };

static struct sigaction before[SIGNALS];
static const char *volatile unfinished; /* for the handler */

static void on_signal(int number)
{
    if (unfinished)
        unlink(unfinished);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch(const char *part)
{
    struct sigaction act = {.sa_handler = on_signal};

    unfinished = part;
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(ending[i], NULL, &before[i]);
        if (before[i].sa_handler == SIG_DFL)
            sigaction(ending[i], &act, NULL);
    }
}

static void unwatch(void)
{
    for (int i = 0; i < SIGNALS; i++)
        sigaction(ending[i], &before[i], NULL);
    unfinished = NULL;
}

int whole_begin(struct whole *w, const char *path)
{
    struct stat st;
    mode_t mask;
    int fd;

    if (snprintf(w->place, sizeof(w->place), "%s", path) >= (int)sizeof(w->place))
        return -ENAMETOOLONG;
    if (!stat(path, &st)) {
        if (!S_ISREG(st.st_mode))
            return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        if (!realpath(path, w->place))
            return -errno;
    } else if (errno != ENOENT) {
        return -errno;
    }
    if (snprintf(w->part, sizeof(w->part), "%s.XXXXXX", w->place) >= (int)sizeof(w->part))
        return -ENAMETOOLONG;
    fd = mkostemp(w->part, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    mask = umask(0);
    umask(mask);
    fchmod(fd, 0666 & ~mask);
    close(fd);
    watch(w->part);
    return 0;
}

int whole_end(struct whole *w, int error)
{
    if (!error && rename(w->part, w->place))
        error = -errno;
    if (error)
        unlink(w->part);
    unwatch();
    return error;
}
