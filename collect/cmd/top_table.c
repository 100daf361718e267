/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/top_table.h"

enum column { NAME, PID, STREAMS, FRAMES, OOMS, OOM_SHARE, EVICTIONS, BLOCKED, BYTES, LOST };

static const struct {
    const char *title;
    int width, digits; /* behind the point */
} columns[TOP_COLUMNS] = {
    {"VM", 0, 0},   {"PID", 8, 0},        {"STREAMS", 8, 0},    {"FPS", 6, 1},    {"OOM/MIN", 8, 1},
    {"OOM%", 6, 1}, {"EVICT/MIN", 10, 1}, {"BLOCK/MIN", 10, 1}, {"SENT/S", 7, 0}, {"LOST/S", 7, 1},
};

const char *top_title(unsigned column)
{
    return columns[column].title;
}

static double figure(unsigned column, const struct board_vm *vm, const struct live_rates *r)
{
    switch (column) {
    case PID:
        return vm->pid;
    case STREAMS:
        return (double)vm->figures.streams_running;
    case FRAMES:
        return r->frames;
    case OOMS:
        return r->ooms;
    case OOM_SHARE:
        return r->oom_share * 100;
    case EVICTIONS:
        return r->evictions;
    case BLOCKED:
        return r->blocked;
    case BYTES:
        return r->bytes;
    default:
        return r->lost;
    }
}

int top_order(unsigned column, const struct board_vm *a, const struct live_rates *ra,
              const struct board_vm *b, const struct live_rates *rb)
{
    double x, y;

    if (column == NAME)
        return strcmp(a->name, b->name);
    x = figure(column, a, ra);
    y = figure(column, b, rb);
    return (x < y) - (x > y);
}

void top_head(char *line, size_t size, int name_width)
{
    size_t used = (size_t)snprintf(line, size, "%*s", -name_width, columns[NAME].title);

    for (unsigned c = PID; c < TOP_COLUMNS && used < size; c++)
        used +=
            (size_t)snprintf(line + used, size - used, "%*s", columns[c].width, columns[c].title);
}

/* "1.2M": three digits are enough to see a change. */
static void human(char *text, size_t size, double bytes)
{
    static const char units[] = " kMGT";
    size_t unit = 0;

    for (; bytes >= 1000 && units[unit + 1]; unit++)
        bytes /= 1000;
    snprintf(text, size, unit ? "%.*f%c" : "%.*f", unit && bytes < 100 ? 1 : 0, bytes, units[unit]);
}

/* Names are cut by characters, so that the columns stay in line. */
static size_t put_name(char *line, size_t size, const char *name, int width)
{
    size_t bytes = 0;
    int shown = 0;

    while (name[bytes] && shown < width - 1) {
        do
            bytes++;
        while ((name[bytes] & 0xc0) == 0x80);
        shown++;
    }
    return (size_t)snprintf(line, size, "%.*s%*s", (int)bytes, name, width - shown, "");
}

void top_row(char *line, size_t size, int name_width, const struct board_vm *vm,
             const struct live_rates *r)
{
    size_t used = put_name(line, size, vm->name, name_width);
    char bytes[32];

    used += (size_t)snprintf(line + used, size - used, "%*d", columns[PID].width, vm->pid);
    if (vm->state != BOARD_WATCHED) {
        snprintf(line + used, size - used, "  %s",
                 vm->state == BOARD_ATTACHING ? "attaching" : vm->why);
        return;
    }
    human(bytes, sizeof(bytes), r->bytes);
    for (unsigned c = STREAMS; c < TOP_COLUMNS && used < size; c++) {
        if (c == BYTES)
            used += (size_t)snprintf(line + used, size - used, "%*s", columns[c].width, bytes);
        else
            used += (size_t)snprintf(line + used, size - used, "%*.*f", columns[c].width,
                                     columns[c].digits, figure(c, vm, r));
    }
}
