/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "table/text.h"

const char *const text_sides[4] = {"_left", "_top", "_right", "_bottom"};

/* ---- text of any origin ---- */

/* Bytes of the UTF-8 character at `s`, 0: it is none. Overlong forms and surrogates are none. */
static unsigned utf8_length(const unsigned char *s)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned n = *s < 0x80                 ? 1
                 : *s >= 0xc2 && *s < 0xe0 ? 2
                 : *s >= 0xe0 && *s < 0xf0 ? 3
                 : *s >= 0xf0 && *s < 0xf5 ? 4
                                           : 0;
    uint32_t c = n < 2 ? *s : *s & (0x7fu >> n);

    for (unsigned i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    return n && (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) ? 0 : n;
}

/* Copies one character, or its replacement, and moves *text behind it. */
static char *put_character(char *p, const char **text)
{
    unsigned n = utf8_length((const unsigned char *)*text);

    p = n ? put_text(p, *text, n) : put_text(p, "\xef\xbf\xbd", 3);
    *text += n ? n : 1;
    return p;
}

char *put_json_text(char *p, const char *text)
{
    *p++ = '"';
    while (*text) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            *p++ = '\\';
            *p++ = *text++;
        } else if (c < 0x20) {
            p += sprintf(p, "\\u%04x", c);
            text++;
        } else {
            p = put_character(p, &text);
        }
    }
    *p++ = '"';
    return p;
}

char *put_csv_text(char *p, const char *text)
{
    bool quote = text[strcspn(text, ",\"\r\n")] || *text == ' ' || !*text;

    if (quote)
        *p++ = '"';
    while (*text) {
        if (*text == '"')
            *p++ = '"';
        p = put_character(p, &text);
    }
    if (quote)
        *p++ = '"';
    return p;
}

/* ---- the plan ---- */

/* Bytes of a value at most. */
static size_t most_of(const struct column *c)
{
    size_t most = 20; /* a number of 64 bits, or 0x and 16 digits in quotes */

    switch (c->kind) {
    case COLUMN_REAL:
        return 16;
    case COLUMN_BOX:
        return sizeof("[-2147483648,-2147483648,-2147483648,-2147483648]");
    case COLUMN_ENUM:
        for (size_t i = 0; i < c->names->count; i++)
            if (strlen(c->names->values[i].name) + 2 > most)
                most = strlen(c->names->values[i].name) + 2;
        return most;
    default:
        return most;
    }
}

/* Bytes that the names and constants of a schema need at most. */
static size_t names_size(const struct schema *s)
{
    size_t size = 8;

    for (unsigned i = 0; i < s->count; i++) {
        size += TEXT_GROWTH * strlen(s->columns[i].name) + 8;
        if (s->columns[i].kind == COLUMN_CONSTANT)
            size += TEXT_GROWTH * strlen(s->columns[i].text) + 8;
    }
    return size;
}

struct text_plan *text_plan_new(const struct schema *s, bool json)
{
    size_t cells = s->count * sizeof(struct text_cell);
    struct text_plan *plan = calloc(1, sizeof(*plan) + cells + names_size(s));
    char *p, *from;

    if (!plan)
        return NULL;
    plan->json = json;
    p = from = (char *)plan->cells + cells;
    for (unsigned i = 0; i < s->count; i++) {
        const struct column *c = &s->columns[i];

        if (json) {
            *p++ = i ? ',' : '{';
            p = put_json_text(p, c->name);
            *p++ = ':';
        } else if (i) {
            *p++ = ',';
        }
        if (c->kind == COLUMN_CONSTANT) {
            p = json ? put_json_text(p, c->text) : put_csv_text(p, c->text);
            continue;
        }
        plan->cells[plan->count++] = (struct text_cell){.kind = c->kind,
                                                        .slot = c->slot,
                                                        .length = (uint16_t)(p - from),
                                                        .column = i,
                                                        .before = from,
                                                        .names = c->names};
        plan->most += (size_t)(p - from) + most_of(c);
        plan->has_text |= c->kind == COLUMN_TEXT;
        from = p;
    }
    if (json)
        p = put_text(p, s->count ? "}" : "{}", s->count ? 1 : 2);
    plan->after = from;
    plan->after_length = (size_t)(p - from);
    plan->most += plan->after_length + 1;
    return plan;
}

/* ---- rows ---- */

static inline __attribute__((always_inline)) char *put_box(char *p, const uint64_t *v, bool json)
{
    int32_t box[4];

    memcpy(box, v, sizeof(box));
    if (json)
        *p++ = '[';
    for (int i = 0; i < 4; i++) {
        if (i)
            *p++ = ',';
        p = put_signed(p, box[i]);
    }
    if (json)
        *p++ = ']';
    return p;
}

static inline __attribute__((always_inline)) char *put_name(char *p, const struct text_cell *c,
                                                            int64_t v, bool json)
{
    const char *name = tap_enum_name(c->names, v);

    if (!name)
        return put_signed(p, v);
    if (json)
        *p++ = '"';
    p = put_text(p, name, strlen(name));
    if (json)
        *p++ = '"';
    return p;
}

static char *put_real(char *p, uint64_t v, bool json)
{
    double real;

    memcpy(&real, &v, sizeof(real));
    if (!isfinite(real))
        return json ? put_text(p, "null", 4) : p;
    return p + sprintf(p, "%.6g", real);
}

static char *put_words(char *p, const char *text, bool json)
{
    if (!text)
        return json ? put_text(p, "null", 4) : p;
    return json ? put_json_text(p, text) : put_csv_text(p, text);
}

static inline __attribute__((always_inline)) char *put_value(char *p, const struct text_cell *c,
                                                             const uint64_t *v, bool json)
{
    switch (c->kind) {
    case COLUMN_SIGNED:
        return put_signed(p, (int64_t)*v);
    case COLUMN_HEX:
        if (json)
            *p++ = '"';
        p = put_hex(p, *v);
        if (json)
            *p++ = '"';
        return p;
    case COLUMN_FLAG:
        return *v ? put_text(p, "true", 4) : put_text(p, "false", 5);
    case COLUMN_ENUM:
        return put_name(p, c, (int64_t)*v, json);
    case COLUMN_BOX:
        return put_box(p, v, json);
    case COLUMN_REAL:
        return put_real(p, *v, json);
    case COLUMN_TEXT:
        return put_words(p, (const char *)(uintptr_t)*v, json);
    default:
        return put_unsigned(p, *v);
    }
}

static inline __attribute__((always_inline)) int put_row(struct out *o,
                                                         const struct text_plan *plan,
                                                         const uint64_t *v, const uint64_t *null,
                                                         bool json)
{
    char *p = o->p;

    for (unsigned i = 0; i < plan->count; i++) {
        const struct text_cell *c = &plan->cells[i];

        p = put_text(p, c->before, c->length);
        if (null && null[c->column / 64] >> c->column % 64 & 1)
            p = json ? put_text(p, "null", 4) : c->kind == COLUMN_BOX ? put_text(p, ",,,", 3) : p;
        else
            p = put_value(p, c, &v[c->slot], json);
    }
    p = put_text(p, plan->after, plan->after_length);
    o->p = p;
    return out_line(o);
}

/* Makes room for one row. A line of ordinary length always has it. */
static int reserve(struct out *o, const struct text_plan *plan, const uint64_t *v,
                   const uint64_t *null)
{
    size_t need = plan->most;

    for (unsigned i = 0; plan->has_text && i < plan->count; i++) {
        const struct text_cell *c = &plan->cells[i];

        if (c->kind == COLUMN_TEXT && !(null && null[c->column / 64] >> c->column % 64 & 1) &&
            v[c->slot])
            need += TEXT_GROWTH * strlen((const char *)(uintptr_t)v[c->slot]) + 2;
    }
    return need > OUT_LINE ? out_reserve(o, need) : 0;
}

int text_row_json(struct out *o, const struct text_plan *p, const uint64_t *v, const uint64_t *null)
{
    int error = p->has_text || p->most > OUT_LINE ? reserve(o, p, v, null) : 0;

    return error ? error : put_row(o, p, v, null, true);
}

int text_row_csv(struct out *o, const struct text_plan *p, const uint64_t *v, const uint64_t *null)
{
    int error = p->has_text || p->most > OUT_LINE ? reserve(o, p, v, null) : 0;

    return error ? error : put_row(o, p, v, null, false);
}
