/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "record/disk.h"

static bool left(const char *path, uint64_t *bytes)
{
    struct statvfs fs;

    if (statvfs(path, &fs))
        return false;
    *bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return true;
}

bool disk_free(const char *path, uint64_t *bytes)
{
    char folder[PATH_MAX];
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/') /* of the run itself */
        length--;
    while (length && path[length - 1] != '/')
        length--;
    if (!length)
        return left(".", bytes);
    if (length >= sizeof(folder))
        return false;
    memcpy(folder, path, length);
    folder[length] = '\0';
    return left(folder, bytes);
}

/* Of the files in a folder, and in its folders if `deep`. A run has one: pictures. */
static uint64_t size_of(const char *folder, bool deep)
{
    DIR *d = opendir(folder);
    const struct dirent *entry;
    char path[PATH_MAX];
    uint64_t bytes = 0;
    struct stat st;

    while (d && (entry = readdir(d))) {
        if (*entry->d_name == '.' || fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        if (S_ISREG(st.st_mode))
            bytes += (uint64_t)st.st_size;
        else if (S_ISDIR(st.st_mode) && deep &&
                 snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) < PATH_MAX)
            bytes += size_of(path, false);
    }
    if (d)
        closedir(d);
    return bytes;
}

enum disk_state disk_look(const struct disk_bounds *bounds, const char *folder)
{
    uint64_t bytes;

    if (bounds->free && left(folder, &bytes) && bytes < bounds->free)
        return DISK_SHORT;
    if (bounds->most && size_of(folder, true) >= bounds->most)
        return DISK_USED;
    return DISK_GOOD;
}
