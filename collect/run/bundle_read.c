/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens a run's folder, or one log alone; cursor.c reads it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "run/bundle_parts.h"
#include "run/guest_clock.h"

enum { MAX_JSON = 4 << 20 };

/* ---- the JSON files -------------------------------------------------------------------- */

/* A run can come from anyone: O_NONBLOCK because a FIFO would be waited for. */
static int read_text(int folder, const char *name, char **text, size_t *length)
{
    CLOSES int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    struct stat st;
    ssize_t n = 1;

    if (fd < 0)
        return errno == ENXIO ? -EINVAL : -errno;
    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (st.st_size > MAX_JSON)
        return -EFBIG;
    *text = malloc((size_t)st.st_size + 1);
    if (!*text)
        return -ENOMEM;
    for (*length = 0; n > 0 && *length < (size_t)st.st_size; *length += (size_t)n) {
        n = read(fd, *text + *length, (size_t)st.st_size - *length);
        if (n < 0)
            return -errno;
    }
    return 0;
}

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

static int read_run(struct bundle *b)
{
    FREES char *text = NULL;
    size_t length = 0;
    int err = read_text(b->folder, "run.json", &text, &length);

    if (err)
        return err == -ENOENT ? -ENODATA : err;
    return bundle_parse(text, length, &b->about);
}

static int load_json(const struct bundle *b, const char *name, json_t **out)
{
    FREES char *text = NULL;
    size_t length;
    int err;

    if (strchr(name, '/') || !*name || *name == '.')
        return -EINVAL;
    err = read_text(b->folder, name, &text, &length);
    if (err)
        return err;
    *out = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    return *out ? 0 : -EBADMSG;
}

int bundle_json(struct bundle *b, const char *name, json_t **out)
{
    int err = b->folder < 0 ? -ENOENT : load_json(b, name, out);

    if (err)
        *out = NULL;
    if (err && err != -ENOENT && b->bad_count < BUNDLE_MAX_BAD) {
        struct bundle_bad *bad = &b->bad[b->bad_count++];

        *bad = (struct bundle_bad){.error = err};
        memccpy(bad->name, name, '\0', sizeof(bad->name) - 1);
    }
    return err;
}

size_t bundle_bad_files(const struct bundle *b, const struct bundle_bad **bad)
{
    *bad = b->bad;
    return b->bad_count;
}

/* ---- the logs ---------------------------------------------------------------------------- */

/* A clock that is nonsense is no reason not to show the log: its errors are then unknown. */
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

/* Of a log that cannot be opened, its name is all there is. */
static enum tap_source source_by_name(const char *name)
{
    for (enum tap_source s = SOURCE_META + 1; s < SOURCES; s++) {
        size_t length = strlen(tap_source_name(s));

        if (!strncmp(name, tap_source_name(s), length) && strchr("-.", name[length]))
            return s;
    }
    return SOURCE_META;
}

static uint64_t size_of(int folder, const char *name)
{
    struct stat st;

    return !fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode)
               ? (uint64_t)st.st_size
               : 0;
}

/* The log's size by run.json; events 0 and chunks 0: run.json has none. */
static void find_end(const struct bundle *b, struct bundle_log *log)
{
    const json_t *end = json_object_get(json_object_get(b->about, "log_ends"), log->name);
    json_int_t chunks = json_integer_value(json_object_get(end, "chunks"));
    json_int_t events = json_integer_value(json_object_get(end, "events"));

    if (chunks > 0 && events >= 0)
        log->end = (struct tap_end){(uint64_t)chunks, (uint64_t)events};
}

/* `folder`: where `file` is; `path` leads to it too. */
static void add_log(struct bundle *b, int folder, const char *file, const char *path,
                    const char *name)
{
    struct bundle_log *log = &b->logs[b->count];

    if (b->count == BUNDLE_MAX_LOGS || strlen(name) >= sizeof(log->name)) {
        b->logs_over++;
        return;
    }
    *log = (struct bundle_log){.source = source_by_name(name), .bytes = size_of(folder, file)};
    memcpy(log->name, name, strlen(name));
    find_end(b, log);
    log->error = folder == AT_FDCWD ? tap_reader_open(&log->reader, path)
                                    : tap_reader_open_at(&log->reader, folder, file);
    if (!log->error) {
        log->source = tap_reader_source(log->reader);
        if (log->end.chunks)
            tap_reader_expect(log->reader, &log->end);
        if (b->state == BUNDLE_RECORDING)
            tap_reader_growing(log->reader);
        if (b->state == BUNDLE_RECOVERED)
            tap_reader_unended(log->reader);
        open_clock(b, path);
    }
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

/* The order of ties between logs: it must not depend on the locale, as alphasort does. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool has_log(const struct bundle *b, const char *name)
{
    for (size_t i = 0; i < b->count; i++)
        if (!strcmp(b->logs[i].name, name))
            return true;
    return false;
}

static void add_named(struct bundle *b, const char *path, const char *name)
{
    char file[PATH_MAX];

    if (snprintf(file, sizeof(file), "%s/%s", path, name) < (int)sizeof(file))
        add_log(b, b->folder, name, file, name);
    else
        b->logs_over++;
}

/* Opens every log of the folder. Each log that run.json names and that is gone gets an error. */
static int open_logs(struct bundle *b, const char *path)
{
    const json_t *named = json_object_get(b->about, "logs");
    struct dirent **found = NULL;
    int n = scandir(path, &found, only_logs, by_name);

    if (n < 0)
        return -errno;
    for (int i = 0; i < n; i++) {
        add_named(b, path, found[i]->d_name);
        free(found[i]);
    }
    free(found);
    for (size_t i = 0; i < json_array_size(named); i++) {
        const char *name = json_string_value(json_array_get(named, i));

        if (name && is_log(name) && !has_log(b, name))
            add_named(b, path, name);
    }
    return 0;
}

/* The recorder holds a lock on the folder for as long as it lives. */
static enum bundle_state find_state(const struct bundle *b)
{
    const char *state = json_string_value(json_object_get(b->about, "state"));

    if (state && !strcmp(state, "complete"))
        return BUNDLE_COMPLETE;
    if (flock(b->folder, LOCK_SH | LOCK_NB))
        return errno == EWOULDBLOCK ? BUNDLE_RECORDING : BUNDLE_RECOVERED;
    flock(b->folder, LOCK_UN);
    return BUNDLE_RECOVERED;
}

static int open_folder(struct bundle *b, const char *path)
{
    int err;

    b->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (b->folder < 0)
        return -errno;
    err = read_run(b);
    if (err)
        return err;
    b->state = find_state(b);
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
    add_log(b, AT_FDCWD, path, path, name);
    return b->logs[0].error;
}

int bundle_open(struct bundle **out, const char *path)
{
    struct bundle *b = calloc(1, sizeof(*b));
    struct stat st;
    int err;

    if (!b)
        return -ENOMEM;
    b->folder = -1;
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

bool bundle_stock(const struct bundle *b)
{
    return json_is_true(json_object_get(json_object_get(bundle_about(b), "probes"), "stock"));
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

size_t bundle_logs_over(const struct bundle *b)
{
    return b->logs_over;
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
    cleanup_fd(&b->folder);
    json_decref(b->about);
    free(b);
}

const char *bundle_strerror(int error)
{
    switch (error) {
    case -ENOENT:
        return "there is no such run";
    case -ENODATA:
        return "no run and no log of spicetap, or cut off in its first bytes; a run is the folder "
               "that `spicetap record -o` makes";
    case -EBADMSG:
        return "its description is damaged, so it cannot be read; the run's other logs can be read "
               "one by one: spicetap export RUN/NAME.tap";
    case -EPROTO:
        return "a newer spicetap wrote it, in a format this one cannot read: use that version";
    case -EINVAL:
        return "no regular file, and nothing else can be part of a run";
    case -ELOOP:
        return "a symbolic link, and a run holds none: copy the file to its place";
    case -EFBIG:
        return "more than 4 MiB of JSON, which no recorder writes";
    default:
        return strerror(-error);
    }
}
