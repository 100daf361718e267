/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock of a VM in slow motion. libfaketime, preloaded into QEMU, answers clock_gettime with
 *
 *     start.real + offset + factor * (now - start.monotonic)
 *
 * FAKETIME has offset and factor ("+0 x0.1"). The start is in memory that libfaketime shares with
 * child processes: one page, mapped from /dev/shm/faketime_shm_PID. It is read from the process,
 * since only 8 bytes of that file can be read, and since libvirt may have given the VM a /dev of
 * its own. docs/dev/clocks.md says why it is not worked out from the events.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader.h"

#define LIBRARY    "/libfaketime"
#define SHARED     "/faketime_shm_"
#define VARIABLE   "FAKETIME="
#define MAX_BYTES  (1 << 20) /* of an environment */
#define NS         INT64_C(1000000000)
#define LEAST_RATE 0.001 /* a second of such a VM takes a quarter of an hour */
/* A factor is one that somebody can mean, and the clock stays far from 2^63 ns. */
#define LEAST_FACTOR 1e-4
#define MOST_FACTOR  1e3
#define MOST_OFFSET  1e9 /* s */

static void close_file(FILE **f)
{
    if (*f) {
        fclose(*f);
    }
}

static void free_text(char **text)
{
    free(*text);
}

#define CLEANUP(function) __attribute__((cleanup(function)))

bool faketime_parse(const char *text, int64_t *offset_ns, double *factor)
{
    char *end;
    double offset;

    if (*text != '+' && *text != '-') {
        return false; /* a date: that clock stands still, or starts elsewhere */
    }
    offset = strtod(text, &end);
    if (end != text + strspn(text, "+-.0123456789") || !(fabs(offset) <= MOST_OFFSET)) {
        return false; /* "+0x0.1" would be a hexadecimal offset */
    }
    *factor = 1;
    if (*end) {
        const char *from = end + 2;

        if (end[0] != ' ' || end[1] != 'x') {
            return false; /* m, h, d, y: units; i: a clock that advances by calls */
        }
        *factor = strtod(from, &end);
        if (end == from || *end || !(*factor >= LEAST_FACTOR && *factor <= MOST_FACTOR)) {
            return false;
        }
    }
    *offset_ns = (int64_t)(floor(offset) * 1e9) + (int64_t)((offset - floor(offset)) * 1e9);
    return true;
}

/* The process's environment: texts that end with NUL, one after another, and an empty one. NULL: it
 * cannot be read. */
static char *read_environment(pid_t pid)
{
    char path[64], *block = malloc(MAX_BYTES + 2);
    size_t size;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/environ", pid);
    f = fopen(path, "re");
    if (!f || !block) {
        close_file(&f);
        free(block);
        return NULL;
    }
    size = fread(block, 1, MAX_BYTES, f);
    close_file(&f);
    block[size] = block[size + 1] = '\0';
    return block;
}

/* What follows `start` in the first text that starts so; NULL: none does. */
static const char *find_text(const char *environment, const char *start)
{
    for (const char *at = environment; *at; at += strlen(at) + 1) {
        if (!strncmp(at, start, strlen(start))) {
            return at + strlen(start);
        }
    }
    return NULL;
}

/* A variable that takes the clock off its line; NULL: none is set. */
static const char *find_obstacle(const char *environment)
{
    static const char *const starts[] = {
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "DONT_FAKE_MONOTONIC=1",
        "FAKETIME_START_AFTER_",
        "FAKETIME_STOP_AFTER_",
        "FAKETIME_LOAD_FILE=",
        "FAKETIME_SKIP_CMDS=",
        "FAKETIME_ONLY_CMDS=",
    };

    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        if (find_text(environment, starts[i])) {
            return starts[i];
        }
    }
    return NULL;
}

/* Finds libfaketime and its shared page among the mappings. */
static int find_mappings(pid_t pid, char **library, unsigned long *shared)
{
    CLEANUP(close_file) FILE *maps = NULL;
    CLEANUP(free_text) char *line = NULL;
    char path[64];
    size_t room = 0;

    snprintf(path, sizeof(path), "/proc/%d/maps", pid);
    maps = fopen(path, "re");
    while (maps && getline(&line, &room, maps) > 0) {
        char *name = strchr(line, '/'), *base = name ? strrchr(name, '/') : NULL;

        line[strcspn(line, "\n")] = '\0';
        if (base && !*library && !strncmp(base, LIBRARY, strlen(LIBRARY))) {
            *library = strdup(name);
            if (!*library) {
                return -ENOMEM;
            }
        } else if (base && !strncmp(base, SHARED, strlen(SHARED))) {
            *shared = strtoul(line, NULL, 16);
        }
    }
    return maps ? 0 : -EPERM;
}

static bool good_time(const int64_t *t)
{
    return t[0] >= 0 && t[0] < INT64_C(1) << 33 && t[1] >= 0 && t[1] < NS;
}

static bool read_start(pid_t pid, unsigned long from, struct faketime_start *start)
{
    struct timespec now;
    char path[64];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : pread(fd, start, sizeof(*start), (off_t)from);
    if (fd >= 0) {
        close(fd);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    /* Another layout of another version would not look like this. */
    return n == sizeof(*start) && good_time(start->real) && good_time(start->monotonic) &&
           good_time(start->boot) && start->real[0] > start->monotonic[0] &&
           start->boot[0] + 1 >= start->monotonic[0] && start->monotonic[0] <= now.tv_sec;
}

static int not_understood(pid_t pid, const char *what, struct loader_error *e)
{
    return loader_fail(e, -ENOTSUP,
                       "pid %d runs under libfaketime, and its clock cannot be converted: %s", pid,
                       what);
}

static int read_factor(struct vm_clock *clock, pid_t pid, int64_t *offset, struct loader_error *e)
{
    CLEANUP(free_text) char *environment = read_environment(pid);
    const char *text = environment ? find_text(environment, VARIABLE) : NULL, *obstacle;
    char what[256];

    if (!text) {
        return not_understood(pid, "FAKETIME is not in its environment", e);
    }
    obstacle = find_obstacle(environment);
    if (obstacle) {
        snprintf(what, sizeof(what), "its environment has %s...", obstacle);
        return not_understood(pid, what, e);
    }
    if (!faketime_parse(text, offset, &clock->rate)) {
        snprintf(what, sizeof(what),
                 "FAKETIME is \"%.64s\", and must be an offset in seconds and a factor, as "
                 "\"+0 x0.1\"",
                 text);
        return not_understood(pid, what, e);
    }
    clock->faketime = strdup(text);
    return clock->faketime ? 0 : loader_fail(e, -ENOMEM, "no memory");
}

static int read_clock(struct vm_clock *clock, pid_t pid, unsigned long shared,
                      struct loader_error *e)
{
    char what[256];
    int64_t offset = 0;
    int error = read_factor(clock, pid, &offset, e);

    if (error) {
        return error;
    }
    if (clock->rate > 1 || clock->rate < LEAST_RATE) {
        snprintf(what, sizeof(what), "its rate is not between %g and 1", LEAST_RATE);
        return not_understood(pid, what, e);
    }
    if (!shared || !read_start(pid, shared, &clock->start)) {
        snprintf(what, sizeof(what),
                 "it shares no start time. If /dev/shm has a sem.faketime_sem_%d of an earlier "
                 "process, remove it and start the VM again",
                 pid);
        return not_understood(pid, what, e);
    }
    clock->kernel = (uint64_t)(clock->start.monotonic[0] * NS + clock->start.monotonic[1]);
    clock->run = (uint64_t)(clock->start.real[0] * NS + clock->start.real[1] + offset);
    return 0;
}

int vm_clock_read(struct vm_clock *clock, pid_t pid, struct loader_error *e)
{
    unsigned long shared = 0;
    int error;

    *clock = (struct vm_clock){0};
    error = find_mappings(pid, &clock->library, &shared);
    if (error == -EPERM) {
        return loader_fail(e, error, "may not read /proc/%d: run as root, or grant CAP_SYS_PTRACE",
                           pid);
    }
    if (!error && clock->library) {
        error = read_clock(clock, pid, shared, e);
    } else if (error) {
        error = loader_fail(e, error, "no memory");
    }
    if (error) {
        vm_clock_free(clock);
    }
    return error;
}

void vm_clock_free(struct vm_clock *clock)
{
    free(clock->library);
    free(clock->faketime);
    *clock = (struct vm_clock){0};
}
