/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements on a database of events, its indices and views. All return 0 or -errno. */
#ifndef SPICETAP_SQLITE_VIEWS_H
#define SPICETAP_SQLITE_VIEWS_H

#include <sqlite3.h>

int sqlite_error(sqlite3 *db, int code); /* of a result code */
int sqlite_do(sqlite3 *db, const char *sql);

/* After the last row: an index for the time, and for each identity. */
int sqlite_indices(sqlite3 *db, const char *table);
/* Each view whose tables are there. */
int sqlite_views(sqlite3 *db);

#endif
