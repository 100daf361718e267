/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A SQLite database: a table for each schema, and what sqlite_views.c adds. It is written beside
 * its place and moved there when it is whole, so a full disk leaves no half of it.
 *
 * SQLite's integers have a sign: an unsigned value of 2^63 or more is negative there, and
 * printf('%u', x) or printf('%x', x) shows it as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/whole.h"
#include "table/sink.h"
#include "table/sqlite_rows.h"
#include "table/sqlite_views.h"
#include "table/text.h"

enum { NAME = 80 };

struct sqlite_table {
    char name[NAME];
    const struct schema *schema; /* of its first part; not valid in close() */
    struct sqlite_rows rows;
    struct sqlite_table *next;
};

struct sqlite {
    sqlite3 *db;
    struct sqlite_table *tables;
    struct sqlite_feed feed;
    struct whole file;
    bool begun; /* the file */
};

/* ---- statements ---- */

/* A column with the same value in each row takes no room: SQLite computes it. Not so in a table of
 * several sources. */
static bool computed(const struct schema *schema, const struct column *c)
{
    const struct tap_kind_desc *kind = tap_kind_by_name(schema->name);

    return c->kind == COLUMN_CONSTANT && !(kind && kind->source == SOURCE_META);
}

/* A kind of a newer version may have a name that the database needs for itself. */
static void name_table(char name[NAME], const char *kind)
{
    static const char *const own[] = {"run",    "columns", "timeline", "streams",
                                      "frames", "losses",  SQLITE_FEED};
    bool taken = !strncasecmp(kind, "sqlite_", 7);

    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
        taken |= !strcasecmp(kind, own[i]);
    snprintf(name, NAME, "%s%s", taken ? "kind_" : "", kind);
}

static const char *sql_type(enum column_kind kind)
{
    switch (kind) {
    case COLUMN_ENUM:
    case COLUMN_TEXT:
    case COLUMN_CONSTANT:
        return "TEXT";
    case COLUMN_REAL:
        return "REAL";
    default:
        return "INTEGER";
    }
}

static void put_column(sqlite3_str *sql, const struct schema *schema, const struct column *c)
{
    if (c->kind == COLUMN_BOX) {
        for (int side = 0; side < 4; side++)
            sqlite3_str_appendf(sql, "%s\"%w%s\" INTEGER", side ? ", " : "", c->name,
                                text_sides[side]);
        return;
    }
    sqlite3_str_appendf(sql, "\"%w\" %s", c->name, sql_type(c->kind));
    if (computed(schema, c))
        sqlite3_str_appendf(sql, " AS (%Q)", c->text);
}

static int create(sqlite3 *db, const char *name, const struct schema *schema)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    char *text;
    int error;

    sqlite3_str_appendf(sql, "CREATE TABLE \"%w\" (", name);
    for (unsigned i = 0; i < schema->count; i++) {
        sqlite3_str_appendall(sql, i ? ", " : "");
        put_column(sql, schema, &schema->columns[i]);
    }
    sqlite3_str_appendall(sql, ")");
    text = sqlite3_str_finish(sql);
    error = text ? sqlite_do(db, text) : -ENOMEM;
    sqlite3_free(text);
    return error;
}

/* What the columns hold, for who opens the file: the table `columns`. */
static int describe(sqlite3 *db, const char *name, const struct schema *schema)
{
    sqlite3_stmt *s = NULL;
    int error = sqlite_error(
        db, sqlite3_prepare_v2(db, "INSERT INTO columns VALUES (?, ?, ?, ?)", -1, &s, NULL));

    for (unsigned i = 0; i < schema->count && !error; i++) {
        const struct column *c = &schema->columns[i];

        for (int side = 0; side < (c->kind == COLUMN_BOX ? 4 : 1) && !error; side++) {
            char column[2 * NAME];

            snprintf(column, sizeof(column), "%s%s", c->name,
                     c->kind == COLUMN_BOX ? text_sides[side] : "");
            sqlite3_bind_text(s, 1, name, -1, SQLITE_TRANSIENT);
            sqlite3_bind_text(s, 2, column, -1, SQLITE_TRANSIENT);
            sqlite3_bind_text(s, 3, c->kind == COLUMN_BOX ? "pixels" : c->unit, -1,
                              SQLITE_TRANSIENT);
            sqlite3_bind_text(s, 4, c->help, -1, SQLITE_TRANSIENT);
            error = sqlite_error(db, sqlite3_step(s));
            sqlite3_reset(s);
        }
    }
    sqlite3_finalize(s);
    return error;
}

static int prepare(sqlite3 *db, struct sqlite_table *t)
{
    sqlite3_str *names = sqlite3_str_new(db);
    unsigned count = 0;
    char *text;
    int error;

    for (unsigned i = 0; i < t->schema->count; i++) {
        const struct column *c = &t->schema->columns[i];

        if (computed(t->schema, c))
            continue;
        for (int side = 0; side < (c->kind == COLUMN_BOX ? 4 : 1); side++, count++)
            sqlite3_str_appendf(names, "%s\"%w%s\"", count ? ", " : "", c->name,
                                c->kind == COLUMN_BOX ? text_sides[side] : "");
    }
    text = sqlite3_str_finish(names);
    error = text ? sqlite_rows_open(&t->rows, db, t->name, text, count) : -ENOMEM;
    sqlite3_free(text);
    return error;
}

/* ---- the sink ---- */

static int open_database(struct sqlite *q)
{
    int code =
        sqlite3_open_v2(q->file.part, &q->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    int error = sqlite_error(q->db, code);

    error = error ? error : sqlite_feed_open(q->db, &q->feed);
    if (error)
        return error;
    /* Nobody else sees the file before it is whole, so nothing needs to be undone. */
    return sqlite_do(q->db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = 4096;"
                            "PRAGMA cache_size = -8192; PRAGMA temp_store = FILE; BEGIN;"
                            "CREATE TABLE run (name TEXT PRIMARY KEY, value);"
                            "CREATE TABLE columns (\"table\" TEXT, name TEXT, unit TEXT, "
                            "help TEXT)");
}

static int sqlite_open(struct sink *s)
{
    struct sqlite *q = calloc(1, sizeof(*q));
    int error;

    if (!q)
        return -ENOMEM;
    s->state = q;
    snprintf(s->failed, sizeof(s->failed), "%s", s->output);
    error = whole_begin(&q->file, s->output);
    if (error)
        return error;
    q->begun = true;
    return open_database(q);
}

/* Two parts of one name, such as a kind of event in two logs, share a table. */
static int sqlite_begin(struct sink *s, struct table *t)
{
    struct sqlite *q = s->state;
    struct sqlite_table *own = q->tables;
    struct sqlite_layout *layout;
    char name[NAME];
    int error = 0;

    name_table(name, t->schema->name);
    while (own && strcmp(own->name, name))
        own = own->next;
    if (own && !schema_same(own->schema, t->schema)) {
        snprintf(s->failed, sizeof(s->failed), "%s", own->name);
        return -EPROTO;
    }
    if (!own) {
        own = calloc(1, sizeof(*own));
        if (!own)
            return -ENOMEM;
        snprintf(own->name, sizeof(own->name), "%s", name);
        own->schema = t->schema;
        own->next = q->tables;
        q->tables = own;
        error = create(q->db, own->name, own->schema);
        error = error ? error : describe(q->db, own->name, own->schema);
        error = error ? error : prepare(q->db, own);
    }
    if (error == -EIO) /* the statement, not the disk: a name of a newer version */
        snprintf(s->failed, sizeof(s->failed), "%s: %s", name, sqlite3_errmsg(q->db));
    if (error)
        return error;
    layout = sqlite_layout_new(t->schema, computed);
    t->state = layout;
    if (!layout)
        return -ENOMEM;
    layout->rows = &own->rows;
    return sqlite_rows_fit(&own->rows, &q->feed, layout);
}

static int sqlite_row(struct sink *s, struct table *t, const uint64_t *v, const uint64_t *null)
{
    struct sqlite *q = s->state;

    return sqlite_rows_put(&q->feed, t->state, v, null);
}

static int sqlite_about(struct sink *s, const char *name, const char *text, uint64_t number)
{
    const struct sqlite *q = s->state;
    char *sql = text ? sqlite3_mprintf("INSERT INTO run VALUES (%Q, %Q)", name, text)
                     : sqlite3_mprintf("INSERT INTO run VALUES (%Q, %llu)", name, number);
    int error = sql ? sqlite_do(q->db, sql) : -ENOMEM;

    sqlite3_free(sql);
    return error;
}

static int finish(struct sink *s, struct sqlite *q)
{
    int error = 0;

    for (struct sqlite_table *t = q->tables; t && !error; t = t->next)
        error = sqlite_rows_flush(&t->rows, &q->feed);
    /* What an index sorts in memory is as large as the cache at most. */
    error = error ? error : sqlite_do(q->db, "COMMIT; PRAGMA cache_size = -2048; BEGIN");
    for (const struct sqlite_table *t = q->tables; t && !error; t = t->next)
        error = sqlite_indices(q->db, t->name);
    error = error ? error : sqlite_views(q->db);
    error = error ? error : sqlite_do(q->db, "COMMIT");
    s->out.written = (uint64_t)sqlite3_total_changes64(q->db);
    return error;
}

static int sqlite_close(struct sink *s)
{
    struct sqlite *q = s->state;
    int error = s->error;

    if (!q)
        return error;
    if (!error && q->db)
        error = finish(s, q);
    while (q->tables) {
        struct sqlite_table *t = q->tables;

        q->tables = t->next;
        sqlite_rows_close(&t->rows);
        free(t);
    }
    if (sqlite3_close(q->db) && !error)
        error = -EIO;
    if (q->begun)
        error = whole_end(&q->file, error);
    free(q);
    s->state = NULL;
    return error;
}

const struct sink_kind sink_sqlite = {
    .name = "sqlite",
    .help = "a database with a table for each kind, indexed, and views",
    .empty = true,
    .links = true,
    .whole = true,
    .open = sqlite_open,
    .begin = sqlite_begin,
    .row = sqlite_row,
    .about = sqlite_about,
    .close = sqlite_close,
};
