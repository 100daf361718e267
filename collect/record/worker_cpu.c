/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/worker_cpu.h"

#define WORKER_NAME "SPICE Worker\n" /* red_worker_run, server/red-worker.cpp */

static bool read_line(pid_t pid, pid_t tid, const char *file, char *line, int size)
{
    char path[96];
    FILE *f;
    bool good;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, file);
    f = fopen(path, "re");
    good = f && fgets(line, size, f);
    if (f)
        fclose(f);
    return good;
}

/* The thread's name stands in brackets and can hold anything, so fields count from the last ')'. */
bool worker_cpu_parse(const char *stat, uint64_t *ns)
{
    const char *rest = strrchr(stat, ')');
    uint64_t user, kernel, tick = (uint64_t)sysconf(_SC_CLK_TCK);

    if (!rest ||
        sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64, &user,
               &kernel) != 2)
        return false;
    *ns = (user + kernel) * (1000000000 / tick);
    return true;
}

static bool used(pid_t pid, pid_t tid, uint64_t *ns)
{
    char line[1024];

    return read_line(pid, tid, "stat", line, sizeof(line)) && worker_cpu_parse(line, ns);
}

static bool is_worker(pid_t pid, pid_t tid)
{
    char name[32];

    return read_line(pid, tid, "comm", name, sizeof(name)) && !strcmp(name, WORKER_NAME);
}

void worker_cpu_begin(struct worker_cpu *w, pid_t pid)
{
    char path[64];
    const struct dirent *entry;
    DIR *tasks;

    w->count = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    tasks = opendir(path);
    while (tasks && w->count < WORKERS && (entry = readdir(tasks))) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (tid > 0 && is_worker(pid, tid) && used(pid, tid, &w->workers[w->count].began))
            w->workers[w->count++].tid = tid;
    }
    if (tasks)
        closedir(tasks);
}

json_t *worker_cpu_end(const struct worker_cpu *w, pid_t pid)
{
    json_t *list = json_array();
    uint64_t now;

    for (unsigned i = 0; i < w->count; i++)
        if (used(pid, w->workers[i].tid, &now) && now >= w->workers[i].began)
            json_array_append_new(list, json_pack("{si sI}", "tid", w->workers[i].tid, "cpu_ns",
                                                  (json_int_t)(now - w->workers[i].began)));
    return list;
}

double worker_cpu_share(const json_t *run, double seconds)
{
    const json_t *list = json_object_get(run, "workers");
    double sum = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t ns = json_integer_value(json_object_get(json_array_get(list, i), "cpu_ns"));

        if (ns < 0)
            return -1;
        sum += (double)ns / 1e9;
    }
    return json_array_size(list) && seconds > 0 ? sum / seconds : -1;
}
