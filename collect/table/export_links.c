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

int export_links(struct sink *s, struct bundle *b, const struct link_view *view, json_t **summary,
                 uint64_t *losses)
{
    struct sink_rows rows;
    int error = s ? sink_rows(&rows, s, view->schema) : 0;
    void *state = error ? NULL : view->begin(s ? &rows.to : NULL);

    *losses = 0;
    if (!state)
        return error ? error : -ENOMEM;
    error = links_walk(view, state, b, s ? &rows.to : NULL, losses);
    if (!error)
        print_overflows(view, state);
    if (!error && summary) {
        *summary = links_summary(view, state);
        error = *summary ? 0 : -ENOMEM;
    }
    view->free(state);
    return error;
}
