/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One JSON object a line. Nothing is allocated or looked up by name per event. */
#include "table/export.h"

static char *put_box(char *p, const uint64_t *v)
{
    int32_t box[4];

    memcpy(box, v, sizeof(box));
    for (int i = 0; i < 4; i++) {
        *p++ = i ? ',' : '[';
        p = put_signed(p, box[i]);
    }
    *p++ = ']';
    return p;
}

static int jsonl_event(struct export *x, struct table *t, const struct tap_event *ev)
{
    char *p = put_text(x->out.p, "{\"t\":", 5);

    p = put_unsigned(p, ev->time);
    p = put_text(p, t->head, t->head_length);
    p = put_unsigned(p, ev->tid);
    for (unsigned i = 0; i < t->count; i++) {
        const struct column *c = &t->columns[i];

        p = put_text(p, c->key, c->length);
        if (c->kind == COLUMN_BOX)
            p = put_box(p, &ev->v[c->slot]);
        else
            p = export_value(p, c, ev->v[c->slot], true);
    }
    *p++ = '}';
    x->out.p = p;
    return out_line(&x->out);
}

static int jsonl_end(struct export *x)
{
    return out_close(&x->out);
}

const struct exporter export_jsonl = {
    .name = "jsonl",
    .help = "one JSON object a line, all kinds in order of time",
    .begin = export_open_file,
    .event = jsonl_event,
    .end = jsonl_end,
};
