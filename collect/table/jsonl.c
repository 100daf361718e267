/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One JSON object a line, the rows of all tables in one file. */
#include <errno.h>

#include "table/sink.h"
#include "table/text.h"

static int jsonl_open(struct sink *s)
{
    return sink_open_file(s, s->output, &s->out);
}

static int jsonl_begin(struct sink *s, struct table *t)
{
    (void)s;
    t->state = text_plan_new(t->schema, true);
    return t->state ? 0 : -ENOMEM;
}

static int jsonl_row(struct sink *s, struct table *t, const uint64_t *v, const uint64_t *null)
{
    return text_row_json(&s->out, t->state, v, null);
}

/* A warning is the first line, an object of its own. */
static int jsonl_about(struct sink *s, const char *name, const char *text, uint64_t number)
{
    size_t length = text ? strlen(text) : 0;
    int error = 0;

    (void)number;
    if (strcmp(name, "warning") || !length)
        return 0;
    error = out_reserve(&s->out, TEXT_GROWTH * length + 32);
    if (error)
        return error;
    s->out.p = put_text(s->out.p, "{\"warning\":", 11);
    s->out.p = put_json_text(s->out.p, text);
    *s->out.p++ = '}';
    return out_line(&s->out);
}

static int jsonl_close(struct sink *s)
{
    return out_close(&s->out);
}

const struct sink_kind sink_jsonl = {
    .name = "jsonl",
    .help = "one JSON object a line, the rows of all tables in order",
    .open = jsonl_open,
    .begin = jsonl_begin,
    .row = jsonl_row,
    .about = jsonl_about,
    .close = jsonl_close,
};
