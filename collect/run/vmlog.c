/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's log is its standard error if that is a file, else the file of libvirt's log daemon. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/vmlog.h"

#define LIBVIRT_LOG "/var/log/libvirt/qemu/%s.log"
#define MAX_COPY    (64 << 20) /* bytes; what QEMU adds beyond them is left out */

static int open_file(const char *path, off_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
        close(fd);
        fd = -1;
    }
    *size = fd >= 0 ? st.st_size : 0;
    return fd;
}

/* Only a file is opened: opening a terminal or a pipe has effects. */
static bool is_file(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* Replaces a link's path by its target's. */
static void name_target(char *path, size_t size)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target) - 1);

    if (length > 0 && (size_t)length < size) {
        memcpy(path, target, (size_t)length);
        path[length] = '\0';
    }
}

void vmlog_open(struct vmlog *log, pid_t pid, const char *domain)
{
    *log = (struct vmlog){.fd = -1};
    snprintf(log->path, sizeof(log->path), "/proc/%d/fd/2", pid);
    if (is_file(log->path)) {
        log->fd = open_file(log->path, &log->from);
        name_target(log->path, sizeof(log->path));
    }
    if (log->fd < 0 && domain && !strchr(domain, '/')) {
        snprintf(log->path, sizeof(log->path), LIBVIRT_LOG, domain);
        log->fd = open_file(log->path, &log->from);
    }
}

static int copy(int from, int to, off_t at, size_t *copied)
{
    while (*copied < MAX_COPY) {
        ssize_t n = sendfile(to, from, &at, MAX_COPY - *copied);

        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        *copied += (size_t)n;
    }
    return 0;
}

int vmlog_close(struct vmlog *log, struct bundle_writer *bundle)
{
    char path[PATH_MAX];
    size_t bytes = 0;
    int fd, error;

    if (log->fd < 0) {
        return 0;
    }
    snprintf(path, sizeof(path), "%s/qemu.log", bundle_path(bundle));
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    error = fd < 0 ? -errno : copy(log->fd, fd, log->from, &bytes);
    if (fd >= 0 && close(fd) && !error) {
        error = -errno;
    }
    close(log->fd);
    log->fd = -1;
    json_object_set_new(bundle_run(bundle), "qemu_log",
                        json_pack("{s:s, s:s, s:I}", "file", "qemu.log", "of", log->path, "bytes",
                                  (json_int_t)bytes));
    return error;
}
