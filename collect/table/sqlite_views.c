/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes a database of events quick to ask: indices, and views of what belongs together. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "table/sqlite_views.h"

int sqlite_error(sqlite3 *db, int code)
{
    int system = sqlite3_system_errno(db);

    switch (code) {
    case SQLITE_OK:
    case SQLITE_DONE:
        return 0;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return -ENOSPC;
    default:
        return system ? -system : -EIO;
    }
}

int sqlite_do(sqlite3 *db, const char *sql)
{
    return sqlite_error(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

/* Columns by which rows of several tables belong together. */
static const char *const identities[] = {"t", "release_id", "drawable", "stream", "fence"};

int sqlite_indices(sqlite3 *db, const char *table)
{
    int error = 0;

    for (size_t i = 0; i < sizeof(identities) / sizeof(*identities) && !error; i++) {
        const char *column = identities[i];
        char *sql;

        if (sqlite3_table_column_metadata(db, NULL, table, column, NULL, NULL, NULL, NULL, NULL))
            continue;
        sql = sqlite3_mprintf("CREATE INDEX \"%w_%w\" ON \"%w\" (\"%w\")", table, column, table,
                              column);
        error = sql ? sqlite_do(db, sql) : -ENOMEM;
        sqlite3_free(sql);
    }
    return error;
}

static const struct {
    const char *needs[2];
    const char *sql;
} views[] = {
    /* A stream's number is used again: its end is the first one before the number's next begin. One
     * that began before the recording has its end alone. */
    {{"stream_create", "stream_stop"},
     "CREATE VIEW streams AS SELECT c.display, c.stream, c.t AS created, s.t AS stopped, "
     "s.t - c.t AS lived, s.reason, s.frames, c.box_left, c.box_top, c.box_right, c.box_bottom, "
     "c.fps, c.release_id FROM stream_create c LEFT JOIN stream_stop s ON s.rowid = "
     "(SELECT x.rowid FROM stream_stop x WHERE x.display = c.display AND x.stream = c.stream "
     "AND x.t >= c.t AND x.t <= ifnull((SELECT min(n.t) FROM stream_create n WHERE "
     "n.display = c.display AND n.stream = c.stream AND n.t > c.t), 9223372036854775807) "
     "ORDER BY x.t LIMIT 1) UNION ALL "
     "SELECT s.display, s.stream, NULL, s.t, s.age, s.reason, s.frames, NULL, NULL, NULL, NULL, "
     "NULL, NULL FROM stream_stop s WHERE NOT EXISTS (SELECT 1 FROM stream_create c WHERE "
     "c.display = s.display AND c.stream = s.stream AND c.t <= s.t AND NOT EXISTS (SELECT 1 FROM "
     "stream_stop x WHERE x.display = s.display AND x.stream = s.stream AND x.t >= c.t AND "
     "x.t < s.t))"},
    {{"stream_encode", "stream_drop"},
     "CREATE VIEW frames AS SELECT t, display, client, stream, drawable, release_id, sent, took, "
     "NULL AS dropped FROM stream_encode UNION ALL SELECT t, display, client, stream, drawable, "
     "release_id, NULL, NULL, reason FROM stream_drop"},
    {{"loss", "loss"}, "CREATE VIEW losses AS SELECT t, source, since, count, reason FROM loss"},
};

static bool is_table(sqlite3 *db, const char *name)
{
    return sqlite3_table_column_metadata(db, NULL, name, NULL, NULL, NULL, NULL, NULL, NULL) ==
           SQLITE_OK;
}

/* Every event's time, source and kind; of so many kinds as SQLite joins. */
enum { TERMS = 400 };

static int timeline(sqlite3 *db)
{
    sqlite3_str *sql = sqlite3_str_new(db);
    sqlite3_stmt *s = NULL;
    char *text;
    int count = 0, error;

    error = sqlite_error(
        db,
        sqlite3_prepare_v2(db, "SELECT \"table\" FROM columns WHERE name = 'event'", -1, &s, NULL));
    sqlite3_str_appendall(sql, "CREATE VIEW timeline AS ");
    while (!error && count < TERMS && sqlite3_step(s) == SQLITE_ROW)
        sqlite3_str_appendf(sql, "%sSELECT t, source, event FROM \"%w\"",
                            count++ ? " UNION ALL " : "", sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    text = sqlite3_str_finish(sql);
    if (!error && count)
        error = text ? sqlite_do(db, text) : -ENOMEM;
    sqlite3_free(text);
    return error;
}

int sqlite_views(sqlite3 *db)
{
    int error = timeline(db);

    for (size_t i = 0; i < sizeof(views) / sizeof(*views) && !error; i++)
        if (is_table(db, views[i].needs[0]) && is_table(db, views[i].needs[1]))
            error = sqlite_do(db, views[i].sql);
    return error;
}
