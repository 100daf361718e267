/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens a run's folder, or one log alone; cursor.c reads it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/bundle_parts.h"
#include "run/guest_clock.h"

enum { MAX_RUN_JSON = 4 << 20 };

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

int bundle_parse(const char *text, size_t length, json_t **out)
{
    json_t *run = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    json_int_t major = json_integer_value(json_object_get(json_object_get(run, "format"), "major"));
    int err = 0;

    if (!json_is_object(run) || major < 1 || !json_is_string(json_object_get(run, "state")))
        err = -EBADMSG;
    else if (major > BUNDLE_MAJOR)
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

    if (b->count == BUNDLE_MAX_LOGS || strlen(name) >= sizeof(log->name))
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
