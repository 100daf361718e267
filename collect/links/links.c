/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap export --journeys, --oom, --fences, --updates: the pass, and where its rows go. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit.h"
#include "run/cursor.h"
#include "run/input.h"
#include "links/links.h"

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

int links_walk(const struct link_view *view, void *state, struct bundle *b)
{
    struct run_cursor *c = NULL;
    struct run_event e;
    int err = cursor_open(&c, b);

    if (err)
        return err;
    while (cursor_next(c, &e) == 1)
        if (e.event)
            view->add(state, e.event, e.source, e.clock_error);
    cursor_close(c);
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
