/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "table/sqlite_rows.h"
#include "table/sqlite_views.h"

enum {
    SQLITE_ROWS = 64,
    MOST_COLUMNS = 4 * ROW_COLUMNS, /* a box is four */
};

/* ---- the virtual table: one row for each that waits ---- */

struct feed_table {
    sqlite3_vtab base;
    const struct sqlite_feed *feed;
};

struct feed_cursor {
    sqlite3_vtab_cursor base;
    const struct sqlite_rows *rows;
    unsigned at;
};

static int feed_connect(sqlite3 *db, void *feed, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **message)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    struct feed_table *t = sqlite3_malloc(sizeof(*t));
    char *text;
    int code = SQLITE_NOMEM;

    (void)argc, (void)argv, (void)message;
    for (int i = 0; i < MOST_COLUMNS; i++)
        sqlite3_str_appendf(sql, "%sc%d", i ? ", " : "CREATE TABLE x (", i);
    sqlite3_str_appendall(sql, ")");
    text = sqlite3_str_finish(sql);
    if (text && t)
        code = sqlite3_declare_vtab(db, text);
    sqlite3_free(text);
    if (code) {
        sqlite3_free(t);
        return code;
    }
    *t = (struct feed_table){.feed = feed};
    *out = &t->base;
    return SQLITE_OK;
}

static int feed_disconnect(sqlite3_vtab *t)
{
    sqlite3_free(t);
    return SQLITE_OK;
}

static int feed_plan(sqlite3_vtab *t, sqlite3_index_info *info)
{
    (void)t;
    info->estimatedRows = SQLITE_ROWS;
    return SQLITE_OK;
}

static int feed_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
    struct feed_cursor *c = sqlite3_malloc(sizeof(*c));

    if (!c)
        return SQLITE_NOMEM;
    *c = (struct feed_cursor){.rows = ((struct feed_table *)t)->feed->rows};
    *out = &c->base;
    return SQLITE_OK;
}

static int feed_close(sqlite3_vtab_cursor *c)
{
    sqlite3_free(c);
    return SQLITE_OK;
}

static int feed_first(sqlite3_vtab_cursor *c, int number, const char *text, int argc,
                      sqlite3_value **argv)
{
    struct feed_cursor *own = (struct feed_cursor *)c;

    (void)number, (void)text, (void)argc, (void)argv;
    own->rows = ((struct feed_table *)c->pVtab)->feed->rows;
    own->at = 0;
    return SQLITE_OK;
}

static int feed_next(sqlite3_vtab_cursor *c)
{
    ((struct feed_cursor *)c)->at++;
    return SQLITE_OK;
}

static int feed_ended(sqlite3_vtab_cursor *c)
{
    const struct feed_cursor *own = (const struct feed_cursor *)c;

    return own->at >= own->rows->count;
}

static int feed_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *out)
{
    *out = ((const struct feed_cursor *)c)->at;
    return SQLITE_OK;
}

static void give(sqlite3_context *to, const struct sqlite_rows *r, const struct sqlite_cell *c,
                 const uint64_t *v)
{
    const char *name;
    int32_t box[4];
    double real;

    switch (c->kind) {
    case COLUMN_ENUM:
        name = tap_enum_name(c->names, (int64_t)v[c->slot]);
        if (name)
            sqlite3_result_text(to, name, -1, SQLITE_STATIC);
        else
            sqlite3_result_int64(to, (int64_t)v[c->slot]);
        break;
    case COLUMN_REAL:
        memcpy(&real, &v[c->slot], sizeof(real));
        sqlite3_result_double(to, real); /* not a number: null */
        break;
    case COLUMN_TEXT: /* NULL: null */
        if (v[c->slot])
            sqlite3_result_text(to, r->texts + v[c->slot] - 1, -1, SQLITE_STATIC);
        break;
    case COLUMN_CONSTANT:
        sqlite3_result_text(to, c->text, -1, SQLITE_STATIC);
        break;
    case COLUMN_BOX:
        memcpy(box, &v[c->slot], sizeof(box));
        sqlite3_result_int(to, box[c->side]);
        break;
    default:
        sqlite3_result_int64(to, (int64_t)v[c->slot]);
    }
}

static int feed_column(sqlite3_vtab_cursor *c, sqlite3_context *to, int column)
{
    const struct feed_cursor *own = (const struct feed_cursor *)c;
    const struct sqlite_rows *r = own->rows;
    const struct sqlite_cell *cell = &r->row[own->at].layout->cells[column];

    if (!(r->row[own->at].null >> cell->column & 1))
        give(to, r, cell, r->v + (size_t)own->at * r->words);
    return SQLITE_OK;
}

int sqlite_feed_open(sqlite3 *db, struct sqlite_feed *feed)
{
    static const sqlite3_module module = {
        .xConnect = feed_connect,
        .xDisconnect = feed_disconnect,
        .xBestIndex = feed_plan,
        .xOpen = feed_open,
        .xClose = feed_close,
        .xFilter = feed_first,
        .xNext = feed_next,
        .xEof = feed_ended,
        .xColumn = feed_column,
        .xRowid = feed_rowid,
    };

    return sqlite_error(db, sqlite3_create_module(db, SQLITE_FEED, &module, feed));
}

/* ---- the rows ---- */

struct sqlite_layout *sqlite_layout_new(const struct schema *schema,
                                        bool (*computed)(const struct schema *,
                                                         const struct column *))
{
    struct sqlite_layout *l = NULL;

    if (schema->count <= ROW_COLUMNS)
        l = calloc(1, sizeof(*l) + 4 * (size_t)schema->count * sizeof(*l->cells));
    for (unsigned i = 0; l && i < schema->count; i++) {
        const struct column *c = &schema->columns[i];
        unsigned end = c->slot + (c->kind == COLUMN_BOX ? 2 : 1);

        if (computed(schema, c))
            continue;
        if (c->kind != COLUMN_CONSTANT && l->words < end)
            l->words = end;
        l->has_text |= c->kind == COLUMN_TEXT;
        for (int side = 0; side < (c->kind == COLUMN_BOX ? 4 : 1); side++)
            l->cells[l->count++] = (struct sqlite_cell){.kind = c->kind,
                                                        .slot = c->slot,
                                                        .side = (uint8_t)side,
                                                        .column = i,
                                                        .names = c->names,
                                                        .text = c->text};
    }
    return l;
}

int sqlite_rows_open(struct sqlite_rows *r, sqlite3 *db, const char *table, const char *names,
                     unsigned count)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    char *text;
    int error;

    if (count > MOST_COLUMNS) {
        sqlite3_free(sqlite3_str_finish(sql));
        return -E2BIG;
    }
    sqlite3_str_appendf(sql, "INSERT INTO \"%w\" (%s) SELECT ", table, names);
    for (unsigned i = 0; i < count; i++)
        sqlite3_str_appendf(sql, "%sc%u", i ? ", " : "", i);
    sqlite3_str_appendall(sql, " FROM " SQLITE_FEED);
    text = sqlite3_str_finish(sql);
    error = text ? sqlite_error(db, sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT,
                                                       &r->insert, NULL))
                 : -ENOMEM;
    sqlite3_free(text);
    r->row = calloc(SQLITE_ROWS, sizeof(*r->row));
    return error ? error : r->row ? 0 : -ENOMEM;
}

int sqlite_rows_flush(struct sqlite_rows *r, struct sqlite_feed *feed)
{
    int code;

    if (!r->count)
        return 0;
    feed->rows = r;
    code = sqlite3_step(r->insert);
    sqlite3_reset(r->insert);
    r->count = 0;
    r->texts_length = 0;
    return sqlite_error(sqlite3_db_handle(r->insert), code);
}

int sqlite_rows_fit(struct sqlite_rows *r, struct sqlite_feed *feed,
                    const struct sqlite_layout *layout)
{
    int error;
    uint64_t *v;

    if (layout->words <= r->words && r->v)
        return 0;
    error = sqlite_rows_flush(r, feed);
    if (error)
        return error;
    v = calloc((size_t)SQLITE_ROWS * (layout->words + 1), sizeof(*v));
    if (!v)
        return -ENOMEM;
    free(r->v);
    r->v = v;
    r->words = layout->words;
    return 0;
}

/* A row's texts may change after it was put: copies them. */
static int keep_texts(struct sqlite_rows *r, const struct sqlite_layout *layout, uint64_t *v)
{
    for (unsigned i = 0; i < layout->count; i++) {
        const struct sqlite_cell *c = &layout->cells[i];
        const char *text = (const char *)(uintptr_t)v[c->slot];
        size_t size;

        if (c->kind != COLUMN_TEXT || !text)
            continue;
        size = strlen(text) + 1;
        if (r->texts_room < r->texts_length + size) {
            size_t room = 2 * (r->texts_length + size);
            char *larger = realloc(r->texts, room);

            if (!larger)
                return -ENOMEM;
            r->texts = larger;
            r->texts_room = room;
        }
        memcpy(r->texts + r->texts_length, text, size);
        v[c->slot] = r->texts_length + 1;
        r->texts_length += size;
    }
    return 0;
}

int sqlite_rows_put(struct sqlite_feed *feed, const struct sqlite_layout *layout, const uint64_t *v,
                    const uint64_t *null)
{
    struct sqlite_rows *r = layout->rows;
    uint64_t *own = r->v + (size_t)r->count * r->words;
    int error;

    memcpy(own, v, layout->words * sizeof(*v));
    r->row[r->count].layout = layout;
    r->row[r->count].null = null ? *null : 0;
    error = layout->has_text ? keep_texts(r, layout, own) : 0;
    if (error)
        return error;
    return ++r->count == SQLITE_ROWS ? sqlite_rows_flush(r, feed) : 0;
}

void sqlite_rows_close(struct sqlite_rows *r)
{
    sqlite3_finalize(r->insert);
    free(r->v);
    free(r->row);
    free(r->texts);
}
