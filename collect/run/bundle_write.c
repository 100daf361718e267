/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run's folder: written by the recorder, read by everything else. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "run/bundle.h"
#include "base/exit.h"
#include "base/host.h"

enum { LOG_NAME = 64 };

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static void free_text(char **text)
{
    free(*text);
}

#define CLOSES __attribute__((cleanup(close_fd)))
#define FREES  __attribute__((cleanup(free_text)))

/* ---- writing -------------------------------------------------------------------------- */

struct bundle_writer {
    char *path;
    int folder; /* open and locked while we record */
    json_t *run;
};

static json_t *now_json(void)
{
    struct timespec wall, mono;
    struct tm tm;
    char day[32], text[64];

    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    gmtime_r(&wall.tv_sec, &tm);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof(text), "%s.%03ldZ", day, wall.tv_nsec / 1000000);
    return json_pack("{ss sI}", "wall", text, "monotonic",
                     (json_int_t)mono.tv_sec * 1000000000 + mono.tv_nsec);
}

static json_t *first_run(void)
{
    json_t *run = json_pack("{s{si si} ss ss}", "format", "major", BUNDLE_MAJOR, "minor",
                            BUNDLE_MINOR, "state", "recording", "spicetap", SPICETAP_VERSION);

    json_object_set_new(run, "started", now_json());
    json_object_set_new(run, "host", host_about());
    json_object_set_new(run, "logs", json_array());
    return run;
}

static void writer_free(struct bundle_writer *b)
{
    close_fd(&b->folder);
    json_decref(b->run);
    free(b->path);
    free(b);
}

int bundle_create(struct bundle_writer **out, const char *path)
{
    struct bundle_writer *b = calloc(1, sizeof(*b));
    int err = 0;

    if (!b)
        return -ENOMEM;
    b->folder = -1;
    b->path = strdup(path);
    b->run = first_run();
    if (!b->path || !b->run)
        err = -ENOMEM;
    else if (mkdir(path, 0750))
        err = -errno;
    else if ((b->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
             flock(b->folder, LOCK_EX | LOCK_NB))
        err = -errno;
    else
        err = bundle_save(b);
    if (err) {
        writer_free(b);
        return err;
    }
    *out = b;
    return 0;
}

json_t *bundle_run(struct bundle_writer *b)
{
    return b->run;
}

const char *bundle_path(const struct bundle_writer *b)
{
    return b->path;
}

void bundle_log_name(char *name, enum tap_source source, unsigned number)
{
    if (number > 1)
        snprintf(name, LOG_NAME, "%s-%u.tap", tap_source_name(source), number);
    else
        snprintf(name, LOG_NAME, "%s.tap", tap_source_name(source));
}

int bundle_log(struct bundle_writer *b, enum tap_source source, struct tap_writer **out)
{
    return bundle_log_numbered(b, source, 1, out);
}

int bundle_log_numbered(struct bundle_writer *b, enum tap_source source, unsigned number,
                        struct tap_writer **out)
{
    char name[LOG_NAME], path[PATH_MAX];
    int err;

    bundle_log_name(name, source, number);
    if (snprintf(path, sizeof(path), "%s/%s", b->path, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    err = tap_writer_open(out, path, source);
    if (!err)
        json_array_append_new(json_object_get(b->run, "logs"), json_string(name));
    return err ? err : bundle_save(b);
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length) {
        ssize_t n = write(fd, text, length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n ? -errno : -EIO;
        text += n;
        length -= (size_t)n;
    }
    return 0;
}

/* A reader sees the old run.json or the new one, never half of one. */
int bundle_save(struct bundle_writer *b)
{
    FREES char *text = json_dumps(b->run, JSON_INDENT(2));
    CLOSES int fd = -1;
    int err;

    if (!text)
        return -ENOMEM;
    fd = openat(b->folder, "run.json.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    err = write_all(fd, text, strlen(text));
    if (!err)
        err = write_all(fd, "\n", 1);
    if (!err && fsync(fd))
        err = -errno;
    if (!err && renameat(b->folder, "run.json.new", b->folder, "run.json"))
        err = -errno;
    if (err)
        unlinkat(b->folder, "run.json.new", 0);
    else
        fsync(b->folder);
    return err;
}

int bundle_finish(struct bundle_writer *b, const char *why)
{
    int err;

    json_object_set_new(b->run, "state", json_string("complete"));
    json_object_set_new(b->run, "ended", now_json());
    json_object_set_new(b->run, "end", json_string(why));
    err = bundle_save(b);
    writer_free(b);
    return err;
}
