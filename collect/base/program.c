/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/program.h"

int program_open_meter(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("-meter"));

    if (n <= 0)
        return -1;
    memcpy(path + n, "-meter", sizeof("-meter"));
    return open(path, O_RDONLY | O_CLOEXEC);
}

int program_exec_meter(int fd, char **argv)
{
    if (fd >= 0)
        fexecve(fd, argv, environ);
    execvp("spicetap-meter", argv);
    return -errno;
}
