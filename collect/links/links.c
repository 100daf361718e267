/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "run/cursor.h"
#include "links/links.h"

static const struct link_view *const views[] = {&view_journeys, &view_oom, &view_fences,
                                                &view_updates};

const struct link_view *link_view(const char *name)
{
    for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++)
        if (!strcmp(views[i]->schema->name, name))
            return views[i];
    return NULL;
}

static int rows_error(const struct link_walk *walks, size_t count)
{
    int error = 0;

    for (size_t i = 0; i < count && !error; i++)
        error = walks[i].rows ? walks[i].rows->error : 0;
    return error;
}

int links_walk(const struct link_walk *walks, size_t count, struct bundle *b, uint64_t *losses)
{
    struct run_cursor *c = NULL;
    struct run_event e;
    int error = cursor_open(&c, b);

    if (error)
        return error;
    while (!rows_error(walks, count) && cursor_next(c, &e) == 1) {
        if (losses && e.event && e.event->kind == EV_loss)
            ++*losses;
        for (size_t i = 0; e.event && i < count; i++)
            walks[i].view->add(walks[i].state, e.event, e.source, e.clock_error);
    }
    cursor_close(c);
    for (size_t i = 0; i < count; i++) {
        int ended = walks[i].view->end(walks[i].state);

        error = error ? error : ended;
    }
    return error ? error : rows_error(walks, count);
}

json_t *links_summary(const struct link_view *view, void *state)
{
    json_t *o = view->summary(state), *list = json_object();

    view->overflows(state, list);
    if (json_object_size(list))
        json_object_set(o, "overflows", list);
    json_decref(list);
    return o;
}

void links_text(const struct link_view *view, const json_t *summary, FILE *f)
{
    view->text(summary, f);
    text_counts(f, summary, "did not fit a table, so rows are missing or not whole", "overflows");
}

/* ---- for the views ---- */

const char *const link_orders[3] = {"ok", "within_error", "violated"};

void json_count(json_t *object, const char *name, uint64_t count)
{
    if (count)
        json_object_set_new(object, name, json_integer((json_int_t)count));
}

long long json_number(const json_t *s, const char *key)
{
    return (long long)json_integer_value(json_object_get(s, key));
}

void text_share(FILE *f, const json_t *s, const char *part, const char *of)
{
    double a = (double)json_number(s, part), b = (double)json_number(s, of);

    fprintf(f, "%.0f (%.2f %%)", a, b > 0 ? 100 * a / b : 0.0);
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
