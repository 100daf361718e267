/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run's folder: written by the recorder, read by everything else. */
#include <dirent.h>
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
#include "run/guest_clock.h"

enum {
    FORMAT_MAJOR = 1,
    FORMAT_MINOR = 0,
    MAX_LOGS = 16,
    LOG_NAME = 64,
    MAX_RUN_JSON = 4 << 20,
};

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
    json_t *run = json_pack("{s{si si} ss ss}", "format", "major", FORMAT_MAJOR, "minor",
                            FORMAT_MINOR, "state", "recording", "spicetap", SPICETAP_VERSION);

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

/* ---- reading --------------------------------------------------------------------------- */

struct bundle {
    json_t *about;
    enum bundle_state state;
    struct bundle_log logs[MAX_LOGS];
    struct clock_map clocks[MAX_LOGS];
    struct tap_event heads[MAX_LOGS]; /* the next event of each log */
    bool has_head[MAX_LOGS];
    size_t count;
};

int bundle_parse(const char *text, size_t length, json_t **out)
{
    json_t *run = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    json_int_t major = json_integer_value(json_object_get(json_object_get(run, "format"), "major"));
    int err = 0;

    if (!json_is_object(run) || major < 1 || !json_is_string(json_object_get(run, "state")))
        err = -EBADMSG;
    else if (major > FORMAT_MAJOR)
        err = -EPROTO;
    if (err)
        json_decref(run);
    else
        *out = run;
    return err;
}

static int read_run(int folder, json_t **out)
{
    CLOSES int fd = openat(folder, "run.json", O_RDONLY | O_CLOEXEC);
    FREES char *text = NULL;
    struct stat st;
    ssize_t n;

    if (fd < 0)
        return errno == ENOENT ? -ENODATA : -errno;
    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size > MAX_RUN_JSON)
        return -EBADMSG;
    text = malloc((size_t)st.st_size + 1);
    if (!text)
        return -ENOMEM;
    n = read(fd, text, (size_t)st.st_size);
    if (n < 0)
        return -errno;
    return bundle_parse(text, (size_t)n, out);
}

/* Not a clock is no reason not to show the log: its errors are then unknown. */
static void open_clock(struct bundle *b, const char *path)
{
    struct bundle_log *log = &b->logs[b->count];
    struct clock_map *clock = &b->clocks[b->count];

    if (log->source != SOURCE_GUEST)
        return;
    if (clock_map_parse(clock, json_object_get(b->about, "clocks"), log->name))
        guest_clock_from_pings(clock, path);
    log->clock = clock;
}

static void add_log(struct bundle *b, const char *path, const char *name)
{
    struct bundle_log *log = &b->logs[b->count];
    struct stat st;

    if (b->count == MAX_LOGS || strlen(name) >= sizeof(log->name))
        return;
    *log = (struct bundle_log){0};
    memcpy(log->name, name, strlen(name));
    log->error = tap_reader_open(&log->reader, path);
    if (!log->error) {
        log->source = tap_reader_source(log->reader);
        open_clock(b, path);
    }
    if (!stat(path, &st))
        log->bytes = (uint64_t)st.st_size;
    b->count++;
}

static bool is_log(const char *name)
{
    size_t length = strlen(name);

    return length > 4 && *name != '.' && !strchr(name, '/') && !strcmp(name + length - 4, ".tap");
}

static int only_logs(const struct dirent *e)
{
    return is_log(e->d_name);
}

static bool has_log(const struct bundle *b, const char *name)
{
    for (size_t i = 0; i < b->count; i++)
        if (!strcmp(b->logs[i].name, name))
            return true;
    return false;
}

/* Every log there is, and an error for each that run.json names and that is gone. */
static int open_logs(struct bundle *b, const char *path)
{
    const json_t *named = json_object_get(b->about, "logs");
    struct dirent **found = NULL;
    int n = scandir(path, &found, only_logs, alphasort);
    char file[PATH_MAX];

    if (n < 0)
        return -errno;
    for (int i = 0; i < n; i++) {
        if (snprintf(file, sizeof(file), "%s/%s", path, found[i]->d_name) < (int)sizeof(file))
            add_log(b, file, found[i]->d_name);
        free(found[i]);
    }
    free(found);
    for (size_t i = 0; i < json_array_size(named); i++) {
        const char *name = json_string_value(json_array_get(named, i));

        if (name && is_log(name) && !has_log(b, name) &&
            snprintf(file, sizeof(file), "%s/%s", path, name) < (int)sizeof(file))
            add_log(b, file, name);
    }
    return 0;
}

/* The recorder holds a lock on the folder for as long as it lives. */
static enum bundle_state find_state(const struct bundle *b, int folder)
{
    const char *state = json_string_value(json_object_get(b->about, "state"));

    if (state && !strcmp(state, "complete"))
        return BUNDLE_COMPLETE;
    if (flock(folder, LOCK_SH | LOCK_NB))
        return errno == EWOULDBLOCK ? BUNDLE_RECORDING : BUNDLE_RECOVERED;
    flock(folder, LOCK_UN);
    return BUNDLE_RECOVERED;
}

static int open_folder(struct bundle *b, const char *path)
{
    CLOSES int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err;

    if (folder < 0)
        return -errno;
    err = read_run(folder, &b->about);
    if (err)
        return err;
    b->state = find_state(b, folder);
    return open_logs(b, path);
}

/* A log alone can be read too: the way out when run.json is lost. */
static int open_single(struct bundle *b, const char *path)
{
    const char *name = strrchr(path, '/');

    b->about = json_object();
    if (!b->about)
        return -ENOMEM;
    name = name ? name + 1 : path;
    if (!is_log(name) || strlen(name) >= sizeof(b->logs[0].name))
        return -ENODATA;
    add_log(b, path, name);
    return b->logs[0].error;
}

static void pull(struct bundle *b, size_t i)
{
    struct bundle_log *log = &b->logs[i];
    int more = log->reader && !log->error ? tap_reader_next(log->reader, &b->heads[i]) : 0;

    b->has_head[i] = more == 1;
    if (more < 0)
        log->error = more;
    else if (more && log->clock)
        b->heads[i].time = clock_map_host(log->clock, b->heads[i].time);
}

int bundle_open(struct bundle **out, const char *path)
{
    struct bundle *b = calloc(1, sizeof(*b));
    struct stat st;
    int err;

    if (!b)
        return -ENOMEM;
    if (stat(path, &st))
        err = -errno;
    else
        err = S_ISDIR(st.st_mode) ? open_folder(b, path) : open_single(b, path);
    if (err) {
        bundle_close(b);
        return err;
    }
    for (size_t i = 0; i < b->count; i++)
        pull(b, i);
    *out = b;
    return 0;
}

enum bundle_state bundle_state(const struct bundle *b)
{
    return b->state;
}

const json_t *bundle_about(const struct bundle *b)
{
    return b->about;
}

static uint64_t moment(const json_t *about, const char *part, const char *key)
{
    json_int_t t = json_integer_value(json_object_get(json_object_get(about, part), key));

    return t > 0 ? (uint64_t)t : 0;
}

void bundle_window(const struct bundle *b, uint64_t *from, uint64_t *to)
{
    *from = moment(b->about, "window", "from");
    *to = moment(b->about, "window", "to");
    if (!*from)
        *from = moment(b->about, "started", "monotonic");
    if (!*to)
        *to = moment(b->about, "ended", "monotonic");
}

size_t bundle_logs(const struct bundle *b, const struct bundle_log **logs)
{
    *logs = b->logs;
    return b->count;
}

uint64_t bundle_clock_error(const struct bundle_log *from, uint64_t time)
{
    return from->clock ? clock_map_error(from->clock, time) : 0;
}

int bundle_next(struct bundle *b, struct tap_event *ev, const struct bundle_log **from)
{
    size_t first = b->count;
    const struct tap_event *e;

    for (size_t i = 0; i < b->count; i++)
        if (b->has_head[i] && (first == b->count || b->heads[i].time < b->heads[first].time))
            first = i;
    if (first == b->count)
        return 0;
    e = &b->heads[first];
    ev->time = e->time;
    ev->tid = e->tid;
    ev->kind = e->kind;
    ev->slots = e->slots;
    memcpy(ev->v, e->v, e->slots * sizeof(*e->v));
    *from = &b->logs[first];
    pull(b, first);
    return 1;
}

void bundle_close(struct bundle *b)
{
    if (!b)
        return;
    for (size_t i = 0; i < b->count; i++) {
        tap_reader_close(b->logs[i].reader);
        clock_map_free(&b->clocks[i]);
    }
    json_decref(b->about);
    free(b);
}

const char *bundle_strerror(int error)
{
    switch (error) {
    case -ENOENT:
        return "there is no such run";
    case -ENODATA:
        return "not a run or a log of spicetap, or cut off in its first bytes; a run is the folder "
               "that `spicetap record -o` made";
    case -EBADMSG:
        return "its description is damaged, so that its contents cannot be told; the other files "
               "of the run can still be read one by one: spicetap export RUN/NAME.tap";
    case -EPROTO:
        return "written by a newer spicetap, in a format this one cannot read: use that version";
    default:
        return strerror(-error);
    }
}
