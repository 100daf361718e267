/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds a VM by its libvirt domain or its process id, and the files that it has mapped. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "images.h"

#define PID_FILE      "/run/libvirt/qemu/%s.pid"
#define MAX_ARGUMENTS (1 << 20) /* bytes of a command line; libvirt's have some KiB */

static void close_file(FILE **f)
{
    if (*f) {
        fclose(*f);
    }
}

static void close_dir(DIR **d)
{
    if (*d) {
        closedir(*d);
    }
}

static void free_text(char **text)
{
    free(*text);
}

static void free_args(char ***args)
{
    if (*args) {
        free((*args)[0]);
        free(*args);
    }
}

#define CLEANUP(function) __attribute__((cleanup(function)))

/* ---- command lines -------------------------------------------------------------------------- */

/* The arguments share `block`, which the first pointer owns. */
static char **split_args(char *block, size_t size)
{
    size_t count = 0;
    char **args;

    for (size_t i = 0; i < size; i++) {
        count += !block[i];
    }
    args = calloc(count + 1, sizeof(*args));
    if (!args || !count) {
        free(block);
        free(args);
        return NULL;
    }
    for (size_t i = 0, at = 0; i < count; i++) {
        args[i] = block + at;
        at += strlen(block + at) + 1;
    }
    return args;
}

/* NULL: no such process, or a kernel thread, which has no arguments. */
static char **read_args(pid_t pid)
{
    char path[64], *block = malloc(MAX_ARGUMENTS);
    size_t size = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    f = fopen(path, "re");
    if (f && block) {
        size = fread(block, 1, MAX_ARGUMENTS - 1, f);
    }
    if (f) {
        fclose(f);
    }
    if (!size) {
        free(block);
        return NULL;
    }
    block[size] = '\0';
    /* A program can overwrite its arguments, and then the last NUL may be missing. */
    return split_args(block, block[size - 1] ? size + 1 : size);
}

char *vm_name_option(const char *option)
{
    const char *from = strncmp(option, "guest=", 6) == 0 ? option + 6 : option;
    char *name = malloc(strlen(from) + 1), *to = name;

    if (!name) {
        return NULL;
    }
    for (; *from; from++) {
        /* In QEMU's lists one comma separates entries and two stand for a literal comma. */
        if (*from == ',' && *++from != ',') {
            break;
        }
        *to++ = *from;
    }
    *to = '\0';
    loader_clean(name);
    if (to == name) {
        free(name);
        return NULL;
    }
    return name;
}

static char *name_of(char *const *args)
{
    for (size_t i = 0; args[i]; i++) {
        if (!strcmp(args[i], "-name") && args[i + 1]) {
            return vm_name_option(args[i + 1]);
        }
    }
    return NULL;
}

/* Proxmox calls QEMU kvm. */
static bool looks_like_qemu(char *const *args)
{
    const char *slash = strrchr(args[0], '/'), *base = slash ? slash + 1 : args[0];

    return strstr(base, "qemu") || !strcmp(base, "kvm");
}

/* ---- all VMs of this machine ------------------------------------------------------------------
 */

static void visit(pid_t pid, vm_fn *fn, void *context)
{
    CLEANUP(free_args) char **args = read_args(pid);
    CLEANUP(free_text) char *name = NULL;

    if (args && looks_like_qemu(args) && (name = name_of(args))) {
        fn(context, pid, name);
    }
}

void vm_each(vm_fn *fn, void *context)
{
    CLEANUP(close_dir) DIR *proc = opendir("/proc");
    struct dirent *entry;

    while (proc && (entry = readdir(proc))) {
        pid_t pid = atoi(entry->d_name);

        if (pid > 0) {
            visit(pid, fn, context);
        }
    }
}

struct list {
    char *text;
    size_t size, used;
};

static void list_one(void *context, pid_t pid, const char *name)
{
    struct list *l = context;
    int n = snprintf(l->text + l->used, l->size - l->used, "%s%s (pid %d)", l->used ? ", " : "",
                     name, pid);

    if (n > 0 && (size_t)n < l->size - l->used) {
        l->used += (size_t)n;
    } else {
        l->text[l->used] = '\0'; /* no room: drop the whole entry */
    }
}

void vm_list(char *text, size_t size)
{
    struct list l = {text, size, 0};

    snprintf(text, size, "none");
    vm_each(list_one, &l);
}

struct search {
    const char *name;
    pid_t found;
    unsigned count;
};

static void search_one(void *context, pid_t pid, const char *name)
{
    struct search *s = context;

    if (!strcmp(name, s->name)) {
        s->found = pid;
        s->count++;
    }
}

/* The process id in libvirt's pid file, if that process has the domain's name; else 0. */
static pid_t pid_file(const char *domain)
{
    CLEANUP(close_file) FILE *f = NULL;
    CLEANUP(free_args) char **args = NULL;
    CLEANUP(free_text) char *name = NULL;
    char path[PATH_MAX];
    int pid = 0;

    snprintf(path, sizeof(path), PID_FILE, domain);
    f = strchr(domain, '/') ? NULL : fopen(path, "re");
    if (!f || fscanf(f, "%d", &pid) != 1 || pid <= 0 || !(args = read_args(pid))) {
        return 0;
    }
    name = name_of(args);
    return name && !strcmp(name, domain) ? pid : 0;
}

/* ---- finding it --------------------------------------------------------------------------------
 */

bool vm_running(const struct vm *vm)
{
    struct pollfd p = {.fd = vm->pidfd, .events = POLLIN};

    return poll(&p, 1, 0) == 0;
}

int vm_find_pid(struct vm *vm, pid_t pid, struct loader_error *e)
{
    char vms[512];
    int error;

    *vm = (struct vm){.pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0)};
    if (vm->pidfd < 0) {
        vm_list(vms, sizeof(vms));
        return loader_fail(e, -ESRCH, "no process has the id %d; running VMs: %s", pid, vms);
    }
    vm->args = read_args(pid);
    if (!vm->args) {
        vm_close(vm);
        return loader_fail(e, -ENOEXEC, "pid %d is not a QEMU: it has no command line", pid);
    }
    vm->domain = name_of(vm->args);
    error = vm_images_read(vm, e);
    /* Only if it still runs was all of that its own, and not another process's of that number. */
    if (!error && !vm_running(vm)) {
        error = loader_fail(e, -ESRCH, "pid %d has just ended", pid);
    }
    if (error) {
        vm_close(vm);
    }
    return error;
}

int vm_find_domain(struct vm *vm, const char *domain, struct loader_error *e)
{
    struct search s = {.name = domain};
    pid_t pid = pid_file(domain);
    char vms[512];

    *vm = (struct vm){.pidfd = -1};
    if (!pid) {
        vm_each(search_one, &s);
        pid = s.found;
    }
    if (s.count > 1) {
        return loader_fail(e, -ESRCH, "%u VMs are called %s: name one with --pid", s.count, domain);
    }
    if (!pid) {
        vm_list(vms, sizeof(vms));
        return loader_fail(e, -ESRCH, "no running VM is called %s; running VMs: %s", domain, vms);
    }
    return vm_find_pid(vm, pid, e);
}

void vm_close(struct vm *vm)
{
    if (vm->pidfd >= 0) {
        close(vm->pidfd);
    }
    free(vm->domain);
    free_args(&vm->args);
    vm_images_free(vm);
    vm_clock_free(&vm->clock);
    *vm = (struct vm){.pidfd = -1};
}
