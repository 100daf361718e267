/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Views of linked events as tables. */
#include <errno.h>
#include <inttypes.h>

#include "table/export.h"

static void print_overflows(const struct link_view *view, void *state)
{
    json_t *list = json_object(), *count;
    const char *table;

    view->overflows(state, list);
    json_object_foreach(list, table, count)
    {
        fprintf(stderr,
                "spicetap export: %" JSON_INTEGER_FORMAT
                " %s did not fit a table: rows of --%s are missing or not whole\n",
                json_integer_value(count), table, view->schema->name);
    }
    json_decref(list);
}

int export_links(struct sink *s, struct bundle *b, const struct link_view *const *views,
                 size_t count, json_t **summary, uint64_t *losses)
{
    struct sink_rows rows[EXPORT_VIEWS];
    struct link_walk walks[EXPORT_VIEWS] = {{0}};
    int error = count <= EXPORT_VIEWS ? 0 : -E2BIG;

    *losses = 0;
    for (size_t i = 0; i < count && !error; i++) {
        walks[i].view = views[i];
        if (s)
            error = sink_rows(&rows[i], s, views[i]->schema);
        if (s)
            walks[i].rows = &rows[i].to;
        if (!error)
            walks[i].state = views[i]->begin(s ? &rows[i].to : NULL);
        if (!error && !walks[i].state)
            error = -ENOMEM;
    }
    if (!error)
        error = links_walk(walks, count, b, losses);
    for (size_t i = 0; i < count && !error; i++)
        print_overflows(views[i], walks[i].state);
    if (!error && summary) {
        *summary = links_summary(views[0], walks[0].state);
        error = *summary ? 0 : -ENOMEM;
    }
    for (size_t i = 0; i < EXPORT_VIEWS; i++)
        if (walks[i].state)
            walks[i].view->free(walks[i].state);
    return error;
}
