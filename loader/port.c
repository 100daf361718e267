/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the host's end of a virtio-serial port: the unix socket of its chardev. QEMU's command line
 * has its path, or only the number of a listening socket that QEMU inherits; libvirt passes sockets
 * that way since version 6. The kernel's list of sockets then has the path.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader.h"

/* A copy of the value of `key` in "a=b,key=value,..." or in a flat JSON object. NULL: not there. */
static char *option_value(const char *text, const char *key)
{
    json_t *o = *text == '{' ? json_loads(text, 0, NULL) : NULL;
    const char *value = json_string_value(json_object_get(o, key));
    char *found = value ? strdup(value) : NULL;
    size_t length = strlen(key);

    json_decref(o);
    for (const char *p = *text == '{' ? NULL : text; p && *p && !found;) {
        if (!strncmp(p, key, length) && p[length] == '=')
            found = strndup(p + length + 1, strcspn(p + length + 1, ","));
        p = strchr(p, ',');
        p = p ? p + 1 : NULL;
    }
    return found;
}

static bool option_is(const char *text, const char *key, const char *want)
{
    char *value = option_value(text, key);
    bool is = value && !strcmp(value, want);

    free(value);
    return is;
}

/* The path to which the socket with that inode is bound. */
static char *path_of_socket(pid_t pid, unsigned long inode)
{
    char file[64], *line = NULL, *path = NULL;
    size_t room = 0;
    FILE *f;

    snprintf(file, sizeof(file), "/proc/%d/net/unix", pid);
    f = fopen(file, "re");
    while (f && !path && getline(&line, &room, f) > 0) {
        unsigned long found = 0;
        int at = 0;

        if (sscanf(line, "%*s %*s %*s %*s %*s %*s %lu %n", &found, &at) == 1 && at &&
            found == inode && line[at] == '/')
            path = strndup(line + at, strcspn(line + at, "\n"));
    }
    free(line);
    if (f)
        fclose(f);
    return path;
}

static char *path_of_fd(pid_t pid, const char *number)
{
    char link[64], target[64];
    unsigned long inode;
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, atoi(number));
    n = readlink(link, target, sizeof(target) - 1);
    if (n < 0)
        return NULL;
    target[n] = '\0';
    return sscanf(target, "socket:[%lu]", &inode) == 1 ? path_of_socket(pid, inode) : NULL;
}

static char *path_of_chardev(const struct vm *vm, const char *id)
{
    for (size_t i = 0; vm->args[i] && vm->args[i + 1]; i++) {
        const char *option = vm->args[i + 1];
        char *path, *fd;

        if (strcmp(vm->args[i], "-chardev") != 0 || !option_is(option, "id", id))
            continue;
        path = option_value(option, "path");
        fd = path ? NULL : option_value(option, "fd");
        if (fd)
            path = path_of_fd(vm->pid, fd);
        free(fd);
        return path;
    }
    return NULL;
}

/* The path by which this process reaches what the VM's process calls `path`, which it frees:
 * another one if the VM lives in a container. */
static char *path_from_here(pid_t pid, char *path)
{
    struct stat here, there;
    char *through;

    if (!path || *path != '/' || asprintf(&through, "/proc/%d/root%s", pid, path) < 0)
        return path;
    if (stat(through, &there) ||
        (!stat(path, &here) && here.st_ino == there.st_ino && here.st_dev == there.st_dev)) {
        free(through);
        return path;
    }
    free(path);
    return through;
}

char *vm_port(const struct vm *vm, const char *name)
{
    for (size_t i = 0; vm->args[i] && vm->args[i + 1]; i++) {
        char *chardev, *path;

        if (strcmp(vm->args[i], "-device") != 0 || !option_is(vm->args[i + 1], "name", name))
            continue;
        chardev = option_value(vm->args[i + 1], "chardev");
        path = chardev ? path_of_chardev(vm, chardev) : NULL;
        free(chardev);
        return path_from_here(vm->pid, path);
    }
    return NULL;
}
