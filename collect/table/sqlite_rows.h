/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows on their way into a table of a database. They are collected, and SQLite takes many in one
 * statement: INSERT ... SELECT from a virtual table that reads the collected rows. A statement for
 * each row costs twice as much.
 */
#ifndef SPICETAP_SQLITE_ROWS_H
#define SPICETAP_SQLITE_ROWS_H

#include <sqlite3.h>

#include "event/row.h"

#define SQLITE_FEED "spicetap_rows" /* the virtual table: no table may have this name */

/* One column of the table: where a row has its value. A box is four. */
struct sqlite_cell {
    enum column_kind kind;
    uint16_t slot;
    uint8_t side;
    unsigned column; /* its bit in `null` */
    const struct tap_enum *names;
    const char *text;
};

/* How rows of a schema are laid out. */
struct sqlite_layout {
    struct sqlite_rows *rows; /* where they wait */
    unsigned count, words;
    bool has_text;
    struct sqlite_cell cells[];
};

/* The rows of one table that wait. All zero: none yet. */
struct sqlite_rows {
    sqlite3_stmt *insert;
    unsigned count, words; /* words: of a row, at most */
    uint64_t *v;           /* SQLITE_ROWS of `words` each */
    struct {
        const struct sqlite_layout *layout;
        uint64_t null;
    } * row;
    char *texts; /* a row's word has the place in it, plus 1; 0: null */
    size_t texts_length, texts_room;
};

/* What the virtual table reads; it must live as long as the database. */
struct sqlite_feed {
    const struct sqlite_rows *rows;
};

/* Columns that `computed` picks are left out. free() frees it. NULL: no memory, or more than
 * ROW_COLUMNS. The enums and texts of `schema` must live until the last flush. */
struct sqlite_layout *sqlite_layout_new(const struct schema *schema,
                                        bool (*computed)(const struct schema *,
                                                         const struct column *));
int sqlite_feed_open(sqlite3 *db, struct sqlite_feed *feed);
/* Makes the statement that fills columns `names` (SQL, with commas) of `table`, `count` of them. */
int sqlite_rows_open(struct sqlite_rows *r, sqlite3 *db, const char *table, const char *names,
                     unsigned count);
/* Makes room for rows of this layout, whose columns are the table's. */
int sqlite_rows_fit(struct sqlite_rows *r, struct sqlite_feed *feed,
                    const struct sqlite_layout *layout);
int sqlite_rows_put(struct sqlite_feed *feed, const struct sqlite_layout *layout, const uint64_t *v,
                    const uint64_t *null);
/* Writes what waits. */
int sqlite_rows_flush(struct sqlite_rows *r, struct sqlite_feed *feed);
void sqlite_rows_close(struct sqlite_rows *r);

#endif
