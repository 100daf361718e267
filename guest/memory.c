/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads how full the device's memories are from the qxl driver's debugfs files: qxl_mem_mm (BAR 0)
 * and qxl_surf_mm (BAR 1), which drm_mm_print() writes; and the counters in irq_received.
 *
 * The kernel prints a line for each block and each hole, and holds the allocator's lock meanwhile.
 * In an emulated guest thousands of blocks take milliseconds. So the time that a sample took
 * decides when the next one is due: sampling costs at most 1/SHARE of a processor.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "agent.h"

#define SECOND_NS 1000000000ull
#define SHARE     500

static const char *const files[] = {
    [GUEST_DOMAIN_vram] = "qxl_mem_mm",
    [GUEST_DOMAIN_surface] = "qxl_surf_mm",
};
enum { DOMAINS = sizeof(files) / sizeof(files[0]) };

static bool has_file(const char *folder, const char *name)
{
    char path[384];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return !access(path, R_OK);
}

/* The qxl driver's folder below `dri`; its number is the device's minor. */
static void find_folder(struct memory *m, const char *dri)
{
    DIR *dir = opendir(dri);
    struct dirent *entry;

    if (!dir) {
        snprintf(m->why, sizeof(m->why), "cannot read %s: %s", dri, strerror(errno));
        return;
    }
    while ((entry = readdir(dir)) && !*m->folder) {
        char path[sizeof(m->folder)];

        if (snprintf(path, sizeof(path), "%s/%.64s", dri, entry->d_name) < (int)sizeof(path) &&
            *entry->d_name != '.' && has_file(path, "irq_received") &&
            has_file(path, "qxl_buffers")) {
            memcpy(m->folder, path, sizeof(path));
        }
    }
    closedir(dir);
}

void memory_open(struct memory *m)
{
    const char *debugfs = debugfs_folder();
    char path[128];

    memset(m, 0, sizeof(*m));
    if (!debugfs) {
        snprintf(m->why, sizeof(m->why), "debugfs cannot be mounted: %s", strerror(errno));
        return;
    }
    snprintf(m->why, sizeof(m->why), "no qxl device below %s/dri", debugfs);
    snprintf(path, sizeof(path), "%s/dri", debugfs);
    find_folder(m, path);
    if (*m->folder) {
        m->has_counters = true;
        for (unsigned domain = 0; domain < DOMAINS; domain++) {
            m->has_domain[domain] = files[domain] && has_file(m->folder, files[domain]);
        }
    }
}

bool memory_parse(const char *text, uint64_t page, struct memory_use *use)
{
    uint64_t total, used, free;
    const char *at = NULL;

    for (const char *next = text; (next = strstr(next, "total: ")); next++) {
        at = next;
    }
    if (!at ||
        sscanf(at, "total: %" SCNu64 ", used %" SCNu64 " free %" SCNu64, &total, &used, &free) !=
            3 ||
        total > UINT64_MAX / page || used > total) {
        return false;
    }
    *use = (struct memory_use){.total = total * page, .used = used * page};
    return true;
}

/* Reads the last size - 1 bytes of a file into `text`, and ends it with a NUL. */
static bool read_end(const char *path, char *text, size_t size)
{
    static char block[65536];
    size_t length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        return false;
    }
    while ((n = read(fd, block, sizeof(block))) > 0) {
        size_t part = (size_t)n < size - 1 ? (size_t)n : size - 1;
        size_t keep = length + part < size ? length : size - 1 - part;

        memmove(text, text + length - keep, keep);
        memcpy(text + keep, block + n - part, part);
        length = keep + part;
    }
    close(fd);
    text[length] = '\0';
    return n == 0 && length;
}

bool memory_read(const struct memory *m, unsigned domain, struct memory_use *use)
{
    char path[384], text[256];

    if (domain >= DOMAINS || !m->has_domain[domain]) {
        return false;
    }
    snprintf(path, sizeof(path), "%s/%s", m->folder, files[domain]);
    return read_end(path, text, sizeof(text)) && memory_parse(text, sysconf(_SC_PAGESIZE), use);
}

bool memory_parse_counters(const char *text, uint64_t counters[4])
{
    return sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &counters[0], &counters[1],
                  &counters[2], &counters[3]) == 4;
}

static void sample_counters(const struct memory *m, agent_event_fn *fn, void *context)
{
    struct tap_event ev = {.kind = EV_guest_counters, .slots = 4, .tid = gettid()};
    char path[384], text[256];

    snprintf(path, sizeof(path), "%s/irq_received", m->folder);
    ev.time = agent_now();
    if (read_end(path, text, sizeof(text)) && memory_parse_counters(text, ev.v)) {
        fn(context, &ev);
    }
}

static uint64_t cpu_time(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * SECOND_NS + t.tv_nsec;
}

void memory_sample(struct memory *m, agent_event_fn *fn, void *context)
{
    uint64_t began = cpu_time(), took;

    if (!*m->folder || agent_now() < m->due) {
        return;
    }
    for (unsigned domain = 0; domain < DOMAINS; domain++) {
        struct tap_event ev = {.kind = EV_guest_memory, .slots = 3, .tid = gettid()};
        struct memory_use use;

        ev.time = agent_now();
        if (memory_read(m, domain, &use)) {
            ev.v[0] = domain;
            ev.v[1] = use.total;
            ev.v[2] = use.used;
            fn(context, &ev);
        }
    }
    if (m->has_counters) {
        sample_counters(m, fn, context);
    }
    took = (cpu_time() - began) * SHARE;
    m->due = agent_now() + (took > SECOND_NS ? took : 0);
}
