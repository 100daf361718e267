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
#include "table/sqlite_views.h"
#include "table/text.h"

enum { NAME = 80 };

struct sqlite_table {
    char name[NAME];
    const struct schema *schema; /* of its first part; not valid in close() */
    sqlite3_stmt *insert;
    struct sqlite_table *next;
};

struct sqlite {
    sqlite3 *db;
    struct sqlite_table *tables;
    struct whole file;
    bool begun; /* the file */
};

/* A column of a row, and the statement's parameter for it. */
struct cell {
    enum column_kind kind;
    uint16_t slot;
    unsigned column;
    int parameter; /* from 1 */
    const struct tap_enum *names;
    const char *text;
};

struct plan {
    sqlite3_stmt *insert;
    unsigned count;
    struct cell cells[];
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
    static const char *const own[] = {"run", "columns", "timeline", "streams", "frames", "losses"};
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
    sqlite3_str *sql = sqlite3_str_new(db), *values = sqlite3_str_new(db);
    char *text, *marks;
    int error;

    sqlite3_str_appendf(sql, "INSERT INTO \"%w\" (", t->name);
    for (unsigned i = 0, n = 0; i < t->schema->count; i++) {
        const struct column *c = &t->schema->columns[i];

        if (computed(t->schema, c))
            continue;
        for (int side = 0; side < (c->kind == COLUMN_BOX ? 4 : 1); side++, n++) {
            sqlite3_str_appendf(sql, "%s\"%w%s\"", n ? ", " : "", c->name,
                                c->kind == COLUMN_BOX ? text_sides[side] : "");
            sqlite3_str_appendall(values, n ? ", ?" : "?");
        }
    }
    marks = sqlite3_str_finish(values);
    sqlite3_str_appendf(sql, ") VALUES (%s)", marks);
    text = sqlite3_str_finish(sql);
    error = text && marks
                ? sqlite_error(db, sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT,
                                                      &t->insert, NULL))
                : -ENOMEM;
    sqlite3_free(marks);
    sqlite3_free(text);
    return error;
}

/* ---- the sink ---- */

static int open_database(struct sqlite *q)
{
    int code =
        sqlite3_open_v2(q->file.part, &q->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

    if (code)
        return sqlite_error(q->db, code);
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

static struct plan *plan_of(const struct schema *schema, sqlite3_stmt *insert)
{
    struct plan *p = calloc(1, sizeof(*p) + schema->count * sizeof(*p->cells));
    int parameter = 1;

    if (!p)
        return NULL;
    p->insert = insert;
    for (unsigned i = 0; i < schema->count; i++) {
        const struct column *c = &schema->columns[i];

        if (computed(schema, c))
            continue;
        p->cells[p->count++] = (struct cell){.kind = c->kind,
                                             .slot = c->slot,
                                             .column = i,
                                             .parameter = parameter,
                                             .names = c->names,
                                             .text = c->text};
        parameter += c->kind == COLUMN_BOX ? 4 : 1;
    }
    return p;
}

/* Two parts of one name, such as a kind of event in two logs, share a table. */
static int sqlite_begin(struct sink *s, struct table *t)
{
    struct sqlite *q = s->state;
    struct sqlite_table *own = q->tables;
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
    t->state = plan_of(t->schema, own->insert);
    return t->state ? 0 : -ENOMEM;
}

static void bind(const struct plan *p, const struct cell *c, const uint64_t *v)
{
    const char *name;
    int32_t box[4];
    double real;

    switch (c->kind) {
    case COLUMN_ENUM:
        name = tap_enum_name(c->names, (int64_t)v[c->slot]);
        if (name)
            sqlite3_bind_text(p->insert, c->parameter, name, -1, SQLITE_STATIC);
        else
            sqlite3_bind_int64(p->insert, c->parameter, (int64_t)v[c->slot]);
        break;
    case COLUMN_REAL:
        memcpy(&real, &v[c->slot], sizeof(real));
        sqlite3_bind_double(p->insert, c->parameter, real); /* not a number: null */
        break;
    case COLUMN_TEXT: /* NULL: null; sqlite3_step comes before it can change */
        sqlite3_bind_text(p->insert, c->parameter, (const char *)(uintptr_t)v[c->slot], -1,
                          SQLITE_STATIC);
        break;
    case COLUMN_CONSTANT:
        sqlite3_bind_text(p->insert, c->parameter, c->text, -1, SQLITE_STATIC);
        break;
    case COLUMN_BOX:
        memcpy(box, &v[c->slot], sizeof(box));
        for (int side = 0; side < 4; side++)
            sqlite3_bind_int(p->insert, c->parameter + side, box[side]);
        break;
    default:
        sqlite3_bind_int64(p->insert, c->parameter, (int64_t)v[c->slot]);
    }
}

static int sqlite_row(struct sink *s, struct table *t, const uint64_t *v, const uint64_t *null)
{
    const struct sqlite *q = s->state;
    const struct plan *p = t->state;
    int code;

    for (unsigned i = 0; i < p->count; i++) {
        const struct cell *c = &p->cells[i];

        if (!null || !(null[c->column / 64] >> c->column % 64 & 1)) {
            bind(p, c, v);
            continue;
        }
        for (int side = 0; side < (c->kind == COLUMN_BOX ? 4 : 1); side++)
            sqlite3_bind_null(p->insert, c->parameter + side);
    }
    code = sqlite3_step(p->insert);
    sqlite3_reset(p->insert);
    return sqlite_error(q->db, code);
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

static int finish(struct sink *s, const struct sqlite *q)
{
    int error = sqlite_do(q->db, "COMMIT; BEGIN");

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
        sqlite3_finalize(t->insert);
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
