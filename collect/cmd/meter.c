/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap meter: hands over to spicetap-meter, so that spicetap itself needs no GLib. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"

int cmd_meter(int argc, char **argv)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("-meter"));
    (void)argc;

    if (n > 0) {
        memcpy(path + n, "-meter", sizeof("-meter"));
        execv(path, argv);
    }
    execvp("spicetap-meter", argv);
    fprintf(stderr, "spicetap meter: spicetap-meter: %s: it belongs beside spicetap or in PATH\n",
            strerror(errno));
    return EXIT_ENV;
}
