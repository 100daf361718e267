/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of `top`. */
#ifndef SPICETAP_TOP_TABLE_H
#define SPICETAP_TOP_TABLE_H

#include "report/live.h"

enum {
    TOP_LINE = 1024, /* bytes; room for the longest reason */
    TOP_COLUMNS = 10,
    TOP_NAME = 24,    /* characters of the column of names */
    TOP_FIGURES = 70, /* of all others together */
};

/* The titles of the columns, and a VM below them. */
void top_head(char *line, size_t size, int name_width);
void top_row(char *line, size_t size, int name_width, const struct board_vm *vm,
             const struct live_rates *r);
const char *top_title(unsigned column);
/* Which of two VMs comes first by a column: names from a to z, figures from the largest down. */
int top_order(unsigned column, const struct board_vm *a, const struct live_rates *ra,
              const struct board_vm *b, const struct live_rates *rb);

#endif
