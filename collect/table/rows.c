/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "table/rows.h"

static const char *const sides[] = {"_left", "_top", "_right", "_bottom"};

void rows_begin(struct rows *r)
{
    char *p = r->out.p;

    if (r->silent || r->json)
        return;
    for (unsigned i = 0; i < r->count; i++) {
        const struct row_column *c = &r->columns[i];

        for (int side = 0; side < (c->kind == CELL_BOX ? 4 : 1); side++) {
            if (i || side)
                *p++ = ',';
            p = put_text(p, c->name, strlen(c->name));
            if (c->kind == CELL_BOX)
                p = put_text(p, sides[side], strlen(sides[side]));
        }
    }
    r->out.p = p;
    r->error = out_line(&r->out);
}

static char *put_value(char *p, const struct row_column *c, const struct cell *v, bool json)
{
    switch (c->kind) {
    case CELL_NUMBER:
        return put_unsigned(p, v->v);
    case CELL_SIGNED:
        return put_signed(p, (int64_t)v->v);
    case CELL_FLAG:
        if (json)
            return v->v ? put_text(p, "true", 4) : put_text(p, "false", 5);
        return v->v ? put_text(p, "yes", 3) : put_text(p, "no", 2);
    case CELL_HEX:
        if (json)
            *p++ = '"';
        p = put_hex(p, v->v);
        if (json)
            *p++ = '"';
        return p;
    default:
        break;
    }
    if (!v->text)
        return put_signed(p, (int64_t)v->v);
    if (json)
        *p++ = '"';
    p = put_text(p, v->text, strlen(v->text));
    if (json)
        *p++ = '"';
    return p;
}

static char *put_sides(char *p, const struct cell *v, bool json)
{
    if (json)
        *p++ = '[';
    for (int i = 0; i < 4; i++) {
        if (i)
            *p++ = ',';
        p = v->set ? put_signed(p, v->box[i]) : p;
    }
    if (json)
        *p++ = ']';
    return p;
}

static char *put_cell(char *p, const struct row_column *c, const struct cell *v, bool json)
{
    if (c->kind == CELL_BOX && (v->set || !json))
        return put_sides(p, v, json);
    if (v->set)
        return put_value(p, c, v, json);
    return json ? put_text(p, "null", 4) : p;
}

void rows_put(struct rows *r, const struct cell *cells)
{
    char *p = r->out.p;

    r->printed++;
    if (r->silent || r->error)
        return;
    for (unsigned i = 0; i < r->count; i++) {
        if (r->json) {
            p = put_text(p, i ? ",\"" : "{\"", 2);
            p = put_text(p, r->columns[i].name, strlen(r->columns[i].name));
            p = put_text(p, "\":", 2);
        } else if (i) {
            *p++ = ',';
        }
        p = put_cell(p, &r->columns[i], &cells[i], r->json);
    }
    if (r->json)
        *p++ = '}';
    r->out.p = p;
    r->error = out_line(&r->out);
}

void cell_enum(struct cell *c, uint16_t kind, const char *field, uint64_t v)
{
    const struct tap_kind_desc *k = tap_kind_find(kind);

    c->set = true;
    c->v = v;
    for (unsigned i = 0; i < k->count; i++)
        if (k->fields[i].names && !strcmp(k->fields[i].name, field))
            c->text = tap_enum_name(k->fields[i].names, (int64_t)v);
}

void cell_box(struct cell *c, const int32_t *box)
{
    c->set = true;
    memcpy(c->box, box, sizeof(c->box));
}
