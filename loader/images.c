/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that a process has mapped. Each is opened once, through the mapping itself, so that it
 * is the file that runs: whatever has its name now, and in whatever container the process lives.
 * What is checked and what is attached is then that open file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images.h"

#define SPICE_LIBRARY "libspice-server.so"
#define DELETED       " (deleted)"

/* ---- one file ------------------------------------------------------------------------------ */

static void image_free(struct image *image)
{
    if (image->path) {
        close(image->fd);
    }
    free(image->name);
    free(image->path);
    probe_file_free(&image->probes);
    *image = (struct image){.fd = -1};
}

static bool cut_deleted(char *name)
{
    size_t length = strlen(name), tail = strlen(DELETED);

    if (length < tail || strcmp(name + length - tail, DELETED) != 0) {
        return false;
    }
    name[length - tail] = '\0';
    return true;
}

/* The file under the image's name in the process's root. False: there is none. */
static bool stat_name(const struct image *image, pid_t pid, struct stat *st)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "/proc/%d/root%s", pid, image->name) < PATH_MAX &&
           !stat(path, st);
}

/* Takes the open file `fd` for its own, and the name. */
static int image_take(struct image *image, int fd, pid_t pid, const char *name)
{
    struct stat now, st;

    image->name = strdup(name);
    if (!image->name || asprintf(&image->path, "/proc/self/fd/%d", fd) < 0) {
        image->path = NULL;
        close(fd);
        return -ENOMEM;
    }
    image->fd = fd;
    image->replaced = cut_deleted(image->name) || fstat(fd, &st) || !stat_name(image, pid, &now) ||
                      now.st_ino != st.st_ino;
    loader_clean(image->name);
    return 0;
}

/* ---- mappings ------------------------------------------------------------------------------ */

struct mapping {
    char range[40]; /* names its link in /proc/PID/map_files */
    unsigned long inode;
    char *name;
};

/* "7f00-7f01 r--p 00000000 fd:00 1234     /usr/lib/libspice-server.so.1.14.1" */
static bool parse_mapping(struct mapping *m, char *line)
{
    int name = 0;

    line[strcspn(line, "\n")] = '\0';
    if (sscanf(line, "%39s %*s %*s %*s %lu %n", m->range, &m->inode, &name) != 2 || !name) {
        return false;
    }
    m->name = line + name;
    return *m->name == '/' && m->inode;
}

static bool is_spice(const struct mapping *m)
{
    return !strncmp(strrchr(m->name, '/') + 1, SPICE_LIBRARY, strlen(SPICE_LIBRARY));
}

/* QEMU's modules are in a folder named qemu: hw-display-qxl.so, as Fedora builds it. */
static bool is_module(const struct mapping *m)
{
    const char *file = strrchr(m->name, '/');

    return file - m->name > 5 && !strncmp(file - 5, "/qemu/", 6) && strstr(file, ".so");
}

/* The mapped file. Without the right to follow a mapping, the file of that name, if it is the same
 * one: device numbers are not compared, as the maps show other ones on btrfs and overlayfs. */
static int open_mapping(const struct mapping *m, pid_t pid)
{
    char path[PATH_MAX];
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/map_files/%s", pid, m->range);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 || (errno != EPERM && errno != EACCES)) {
        return fd < 0 ? -errno : fd;
    }
    if (snprintf(path, sizeof(path), "/proc/%d/root%s", pid, m->name) >= PATH_MAX) {
        return -ENAMETOOLONG;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_ino == m->inode) {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -EPERM;
}

static int cannot_open(const struct vm *vm, const struct mapping *m, int error,
                       struct loader_error *e)
{
    if (error != -EPERM && error != -EACCES) {
        return loader_fail(e, error, "cannot open %s of pid %d: %s", m->name, vm->pid,
                           strerror(-error));
    }
    cut_deleted(m->name);
    return loader_fail(
        e, error,
        "%s of pid %d was replaced on disk after the VM started, and the file that the VM "
        "still uses cannot be opened (%s): run as root, or grant CAP_CHECKPOINT_RESTORE and "
        "CAP_DAC_READ_SEARCH, or restart the VM",
        m->name, vm->pid, strerror(-error));
}

static int read_image(struct image *image, const struct vm *vm, const struct mapping *m,
                      struct loader_error *e)
{
    int fd = open_mapping(m, vm->pid), error;

    if (fd < 0) {
        return cannot_open(vm, m, fd, e);
    }
    error = image_take(image, fd, vm->pid, m->name);
    return error ? loader_fail(e, error, "no memory")
                 : probe_file_read(&image->probes, image->path, e);
}

/* ---- the files of a VM ---------------------------------------------------------------------- */

static int no_right(const struct vm *vm, struct loader_error *e)
{
    return loader_fail(e, -EPERM, "may not read /proc/%d: run as root, or grant CAP_SYS_PTRACE",
                       vm->pid);
}

static bool have_module(const struct vm *vm, const char *name)
{
    for (size_t i = 0; i < vm->module_count; i++) {
        if (!strcmp(vm->modules[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Keeps a module that has probes of QEMU. One that cannot be read has none: QEMU runs without. */
static void take_module(struct vm *vm, const struct mapping *m)
{
    struct image *image = &vm->modules[vm->module_count];
    struct loader_error ignored;

    if (vm->module_count == VM_MODULES || have_module(vm, m->name)) {
        return;
    }
    *image = (struct image){.fd = -1};
    if (!read_image(image, vm, m, &ignored) && probe_file_has(&image->probes, "qemu")) {
        vm->module_count++;
    } else {
        image_free(image);
    }
}

static int read_maps(struct vm *vm, FILE *maps, struct loader_error *e)
{
    char *line = NULL, *last = NULL;
    size_t room = 0;
    struct mapping m;
    int error = 0;

    while (!error && getline(&line, &room, maps) > 0) {
        if (!parse_mapping(&m, line)) {
            continue;
        }
        if (is_spice(&m) && !vm->spice.path) {
            error = read_image(&vm->spice, vm, &m, e);
        } else if (is_module(&m) && (!last || strcmp(last, m.name) != 0)) {
            take_module(vm, &m);
            free(last);
            last = strdup(m.name); /* a file has several mappings, one after another */
        }
    }
    if (!error && ferror(maps)) {
        error = no_right(vm, e);
    }
    free(line);
    free(last);
    return error;
}

static int read_mapped(struct vm *vm, struct loader_error *e)
{
    char path[64];
    FILE *maps;
    int error;

    snprintf(path, sizeof(path), "/proc/%d/maps", vm->pid);
    maps = fopen(path, "re");
    if (!maps) {
        return no_right(vm, e);
    }
    error = read_maps(vm, maps, e);
    fclose(maps);
    return error;
}

static int read_exe(struct vm *vm, struct loader_error *e)
{
    char link[64], name[PATH_MAX];
    ssize_t length;
    int fd, error;

    snprintf(link, sizeof(link), "/proc/%d/exe", vm->pid);
    length = readlink(link, name, sizeof(name) - 1);
    fd = length < 0 ? -1 : open(link, O_RDONLY | O_CLOEXEC); /* the running file, even if deleted */
    if (fd < 0) {
        return no_right(vm, e);
    }
    name[length] = '\0';
    error = image_take(&vm->exe, fd, vm->pid, name);
    return error ? loader_fail(e, error, "no memory")
                 : probe_file_read(&vm->exe.probes, vm->exe.path, e);
}

/* A server that is linked into the executable, as in the tests and in static builds of QEMU. */
static int use_linked_in(struct vm *vm, struct loader_error *e)
{
    char vms[512];
    int fd, error;

    if (!probe_file_has(&vm->exe.probes, "spice")) {
        vm_list(vms, sizeof(vms));
        return loader_fail(e, -ENOEXEC,
                           "pid %d (%s) is not a QEMU with SPICE: it has not loaded " SPICE_LIBRARY
                           "; running VMs: %s",
                           vm->pid, vm->exe.name, vms);
    }
    fd = fcntl(vm->exe.fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
        return loader_fail(e, -errno, "cannot open %s: %s", vm->exe.name, strerror(errno));
    }
    error = image_take(&vm->spice, fd, vm->pid, vm->exe.name);
    if (error) {
        return loader_fail(e, error, "no memory");
    }
    vm->spice.replaced = vm->exe.replaced;
    return probe_file_read(&vm->spice.probes, vm->spice.path, e);
}

int vm_images_read(struct vm *vm, struct loader_error *e)
{
    int error = read_exe(vm, e);

    if (!error) {
        error = read_mapped(vm, e);
    }
    return error || vm->spice.path ? error : use_linked_in(vm, e);
}

void vm_images_free(struct vm *vm)
{
    image_free(&vm->spice);
    image_free(&vm->exe);
    while (vm->module_count) {
        image_free(&vm->modules[--vm->module_count]);
    }
}

/* ---- where a probe is ------------------------------------------------------------------------ */

const struct image *vm_image_of(const struct vm *vm, const struct wanted_probe *w)
{
    const struct probe_site *site;

    if (w->source == SOURCE_SPICE) {
        return &vm->spice;
    }
    for (size_t i = 0; i < vm->module_count; i++) {
        if (probe_file_sites(&vm->modules[i].probes, w->provider, w->name, &site)) {
            return &vm->modules[i];
        }
    }
    return &vm->exe;
}

bool vm_has_qemu_probes(const struct vm *vm)
{
    return vm->module_count || probe_file_has(&vm->exe.probes, "qemu");
}
