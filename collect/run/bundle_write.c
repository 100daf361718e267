/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a run's folder; bundle_read.c opens it. */
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

#include "base/cleanup.h"
#include "run/bundle.h"
#include "base/exit.h"
#include "base/host.h"

enum { LOG_NAME = 64, OPEN_LOGS = 32 };

/* ---- writing -------------------------------------------------------------------------- */

struct bundle_writer {
    char *path; /* /proc/self/fd/... */
    int folder; /* open and locked while we record */
    json_t *run;
    struct run_time time;
    struct {
        struct tap_writer *writer; /* NULL: closed, or another's */
        char name[LOG_NAME];
    } logs[OPEN_LOGS];
};

static json_t *now_json(const struct run_time *time)
{
    struct timespec wall;
    struct tm tm;
    char day[32], text[64];

    clock_gettime(CLOCK_REALTIME, &wall);
    gmtime_r(&wall.tv_sec, &tm);
    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof(text), "%s.%03ldZ", day, wall.tv_nsec / 1000000);
    return json_pack("{ss sI}", "wall", text, "monotonic", (json_int_t)run_time_now(time));
}

static json_t *first_run(void)
{
    const struct run_time kernel = {0};
    json_t *run = json_pack("{s{si si} ss ss}", "format", "major", BUNDLE_MAJOR, "minor",
                            BUNDLE_MINOR, "state", "recording", "spicetap", SPICETAP_VERSION);

    json_object_set_new(run, "started", now_json(&kernel));
    json_object_set_new(run, "host", host_about());
    json_object_set_new(run, "logs", json_array());
    json_object_set_new(run, "log_ends", json_object());
    return run;
}

static void writer_free(struct bundle_writer *b)
{
    cleanup_fd(&b->folder);
    json_decref(b->run);
    free(b->path);
    free(b);
}

/* Who may rename the folder that was just made could put another one in its place. */
static bool is_own(int folder)
{
    struct stat st;

    return !fstat(folder, &st) && st.st_uid == geteuid() && (st.st_mode & 0777 & ~0750) == 0;
}

int bundle_create(struct bundle_writer **out, const char *path)
{
    struct bundle_writer *b = calloc(1, sizeof(*b));
    int err = 0;

    if (!b)
        return -ENOMEM;
    b->folder = -1;
    b->run = first_run();
    if (!b->run)
        err = -ENOMEM;
    else if (mkdir(path, 0750))
        err = -errno;
    else if ((b->folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0 ||
             flock(b->folder, LOCK_EX | LOCK_NB))
        err = -errno;
    else if (!is_own(b->folder))
        err = -EPERM;
    else if (asprintf(&b->path, "/proc/self/fd/%d", b->folder) < 0)
        err = -ENOMEM;
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

int bundle_give(struct bundle_writer *b, uid_t uid, gid_t gid)
{
    return fchown(b->folder, uid, gid) ? -errno : 0;
}

void bundle_time(struct bundle_writer *b, const struct run_time *time)
{
    b->time = *time;
    if (time->rate <= 0)
        return;
    json_object_set_new(b->run, "started", now_json(time));
    json_object_set_new(b->run, "time_scale", json_real(run_time_scale(time)));
    json_object_set_new(b->run, "time_line",
                        json_pack("{sI sI sf}", "kernel", (json_int_t)time->kernel, "run",
                                  (json_int_t)time->run, "rate", time->rate));
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
    char name[LOG_NAME] = "", path[PATH_MAX];
    size_t at = 0;
    int err;

    bundle_log_name(name, source, number);
    if (snprintf(path, sizeof(path), "%s/%s", b->path, name) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    while (at < OPEN_LOGS && b->logs[at].writer)
        at++;
    if (at == OPEN_LOGS)
        return -EMFILE;
    err = tap_writer_open(out, path, source);
    if (err)
        return err;
    b->logs[at].writer = *out;
    memcpy(b->logs[at].name, name, sizeof(name));
    json_array_append_new(json_object_get(b->run, "logs"), json_string(name));
    return bundle_save(b);
}

int bundle_log_close(struct bundle_writer *b, struct tap_writer *w)
{
    struct tap_end end;

    tap_writer_finish(w, &end); /* the error comes again from tap_writer_close */
    for (size_t i = 0; i < OPEN_LOGS; i++) {
        if (b->logs[i].writer != w)
            continue;
        b->logs[i].writer = NULL;
        json_object_set_new(json_object_get(b->run, "log_ends"), b->logs[i].name,
                            json_pack("{sI sI sI}", "chunks", (json_int_t)end.chunks, "events",
                                      (json_int_t)end.events, "bytes",
                                      (json_int_t)tap_writer_bytes(w)));
    }
    return tap_writer_close(w);
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
    fd = openat(b->folder, "run.json.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                0640);
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
    json_object_set_new(b->run, "ended", now_json(&b->time));
    json_object_set_new(b->run, "end", json_string(why));
    err = bundle_save(b);
    writer_free(b);
    return err;
}
