/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap export --journeys, --oom, --fences, --updates: the pass, and where its rows go. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "run/input.h"
#include "links/links.h"

/* Events of two processors may stand in a log out of order by a little, at the border of two
 * chunks: so many are held back and sorted. */
enum { WINDOW = 512 };

struct held {
    struct tap_event ev;
    enum tap_source source;
    uint64_t error;
};

static const struct link_view *const views[] = {&view_journeys, &view_oom, &view_fences,
                                                &view_updates};

const struct link_view *link_view(const char *name)
{
    for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++)
        if (!strcmp(views[i]->name, name))
            return views[i];
    return NULL;
}

void text_counts(FILE *f, const json_t *s, const char *title, const char *key)
{
    json_t *counts = json_object_get(s, key), *value;
    const char *name;

    if (!json_object_size(counts))
        return;
    fprintf(f, "%s:", title);
    json_object_foreach(counts, name, value)
    {
        fprintf(f, " %s %lld", name, (long long)json_integer_value(value));
    }
    fputc('\n', f);
}

static void free_held(struct held **h)
{
    free(*h);
}

int links_walk(const struct link_view *view, void *state, struct bundle *b)
{
    struct held *held __attribute__((cleanup(free_held))) = calloc(WINDOW, sizeof(*held));
    struct held *order[WINDOW];
    const struct bundle_log *from;
    struct tap_event ev;
    size_t first = 0, count = 0;
    uint64_t began, ended;

    bundle_window(b, &began, &ended);
    if (!held)
        return -ENOMEM;
    for (size_t i = 0; i < WINDOW; i++)
        order[i] = &held[i];
    while (bundle_next(b, &ev, &from) == 1) {
        struct held *h;
        size_t at;

        /* the guest's agent is started before the host's probes are switched on, all at once */
        if (ev.time < began)
            continue;
        if (count == WINDOW) {
            h = order[first];
            view->add(state, &h->ev, h->source, h->error);
            first = (first + 1) % WINDOW;
            count--;
        }
        h = order[(first + count) % WINDOW];
        if (!tap_reader_translate(from->reader, &ev, &h->ev))
            continue;
        h->source = from->source;
        h->error = bundle_clock_error(from, ev.time);
        for (at = count++; at > 0 && order[(first + at - 1) % WINDOW]->ev.time > ev.time; at--)
            order[(first + at) % WINDOW] = order[(first + at - 1) % WINDOW];
        order[(first + at) % WINDOW] = h;
    }
    for (; count; count--, first = (first + 1) % WINDOW)
        view->add(state, &order[first]->ev, order[first]->source, order[first]->error);
    return view->end(state);
}

static int print_summary(const struct link_view *view, void *state, const char *output, bool json)
{
    json_t *s = view->summary(state);
    FILE *f = output ? fopen(output, "we") : stdout;
    int err = 0;

    if (!s || !f) {
        err = f ? -ENOMEM : -errno;
    } else if (json) {
        json_dumpf(s, f, JSON_INDENT(2));
        fputc('\n', f);
    } else {
        view->text(s, f);
    }
    if (f && (fflush(f) || ferror(f)))
        err = -errno;
    if (f && f != stdout)
        fclose(f);
    json_decref(s);
    return err;
}

static int open_rows(struct rows *r, const char *output)
{
    int fd = STDOUT_FILENO, err;

    if (output)
        fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    err = fd < 0 ? -errno : out_open(&r->out, fd);
    if (!err)
        rows_begin(r);
    return err;
}

static int complain(const char *output, int err, uint64_t written)
{
    if (!err || err == -EPIPE)
        return EXIT_DONE;
    fprintf(stderr, "spicetap export: %s: %s\n", output ? output : "standard output",
            strerror(-err));
    return written ? EXIT_PART : EXIT_ENV;
}

int links_export(const struct link_view *view, const char *run, const char *output, bool json,
                 bool summary)
{
    struct rows rows = {
        .columns = view->columns, .count = view->count, .json = json, .silent = summary};
    struct bundle *b = NULL;
    int code = input_open(&b, "export", run), err = 0, closed = 0;
    void *state;

    if (code)
        return code;
    state = view->begin(&rows);
    if (!state)
        err = -ENOMEM;
    if (!err && !summary)
        err = open_rows(&rows, output);
    if (!err)
        err = links_walk(view, state, b);
    if (!err && summary)
        err = print_summary(view, state, output, json);
    if (!summary)
        closed = out_close(&rows.out);
    if (state)
        view->free(state);
    code = complain(output, err ? err : rows.error ? rows.error : closed, rows.out.written);
    err = input_end(b, "export", run);
    bundle_close(b);
    return code ? code : err;
}
