/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's tracing files; Documentation/trace/{events,kprobetrace}.rst describe them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"

/* Mounts it unless `folder` has `file`. NULL: errno says why not. */
static const char *mounted(const char *folder, const char *type, const char *file)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, file);
    if (!access(path, F_OK)) {
        return folder;
    }
    if (mount(type, folder, type, MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700") && errno != EBUSY) {
        return NULL;
    }
    return access(path, F_OK) ? NULL : folder;
}

const char *tracefs_folder(void)
{
    return mounted("/sys/kernel/tracing", "tracefs", "events");
}

/* No file is in the debugfs of every kernel. It is mounted if its folder is on another device than
 * sysfs. */
const char *debugfs_folder(void)
{
    struct stat top, here;
    const char *folder = "/sys/kernel/debug";

    if (stat("/sys/kernel", &top) || stat(folder, &here)) {
        return NULL;
    }
    return top.st_dev != here.st_dev ? folder : mounted(folder, "debugfs", ".");
}

long tracefs_read(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
    size_t length = 0;

    if (fd < 0) {
        return -errno;
    }
    while (length < size) {
        ssize_t n = read(fd, text + length, size - length);

        if (n <= 0) {
            error = n < 0 ? -errno : 0;
            break;
        }
        length += n;
    }
    close(fd);
    if (error) {
        return error;
    }
    if (length == size) {
        return -E2BIG;
    }
    text[length] = '\0';
    return (long)length;
}

int tracefs_append(const char *path, const char *line)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), error = 0;

    if (fd < 0) {
        return -errno;
    }
    if (write(fd, line, strlen(line)) < 0) {
        error = -errno;
    }
    close(fd);
    return error;
}

/* ---- format: lines "<tab>field:u32 type;<tab>offset:24;<tab>size:4;<tab>signed:0;" ------------
 */

/* Does "unsigned int context", "__data_loc char[] driver" or "char comm[16]" declare `name`?
 * *other: yes, but not with `type`. */
static bool declares(const char *at, size_t length, const char *name, const char *type, bool *other)
{
    size_t size = strlen(name), end = length;

    if (length && at[length - 1] == ']') {
        while (end && at[end - 1] != '[') {
            end--;
        }
        end -= end > 0;
    }
    if (end <= size || at[end - size - 1] != ' ' || memcmp(at + end - size, name, size)) {
        return false;
    }
    *other = type &&
             (end != length || strlen(type) != end - size - 1 || memcmp(at, type, end - size - 1));
    return true;
}

int tracefs_field(const char *format, const char *name, const char *type,
                  struct tracefs_field *field)
{
    for (const char *line = format; line; line = strchr(line, '\n')) {
        const char *at, *semicolon;
        bool other = false;

        line += *line == '\n';
        if (strncmp(line, "\tfield:", 7)) {
            continue;
        }
        at = line + 7;
        semicolon = strchr(at, ';');
        if (!semicolon || !declares(at, semicolon - at, name, type, &other)) {
            continue;
        }
        if (other ||
            sscanf(semicolon, ";\toffset:%u;\tsize:%u;", &field->offset, &field->size) != 2) {
            return -EINVAL;
        }
        /* A record fits into a page. */
        return field->offset < 4096 && field->size <= 4096 ? 0 : -EINVAL;
    }
    return -ENOENT;
}

/* ---- kprobes ----------------------------------------------------------------------------------
 */

/* Lines are "  NAME   HITS   MISSED"; the group of a name is not in them. */
uint64_t tracefs_missed(const char *profile, const char *prefix)
{
    uint64_t sum = 0, missed;
    char name[128];
    int length;

    for (const char *at = profile;
         sscanf(at, "%127s %*u %" SCNu64 "%n", name, &missed, &length) == 2; at += length) {
        if (!strncmp(name, prefix, strlen(prefix))) {
            sum += missed;
        }
    }
    return sum;
}

void tracefs_why_not(const char *symbol, char *why, size_t size)
{
    FILE *file = fopen("/proc/kallsyms", "re");
    size_t length = strlen(symbol);
    char line[512], name[384];

    snprintf(why, size, "this kernel has no function %s", symbol);
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%*s %*s %383s", name) == 1 && !strncmp(name, symbol, length) &&
            name[length] == '.' && strncmp(name + length, ".cold", 5)) {
            snprintf(why, size, "the compiler turned %s into %s, which may have other arguments",
                     symbol, name);
        }
    }
    if (file) {
        fclose(file);
    }
}
