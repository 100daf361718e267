/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/program.h"

int program_exec_meter(char **argv)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("-meter"));

    if (n > 0) {
        memcpy(path + n, "-meter", sizeof("-meter"));
        execv(path, argv);
    }
    execvp("spicetap-meter", argv);
    return -errno;
}
