/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "run/groups.h"

enum { MAIN_PERCENT = 5 };

/* What gives its place to another, and was drawn so short a time ago, may be drawn on: more is
 * drawn than the table can follow. ns. */
enum { SURELY_DRAWN = 200000000, STILL_DRAWN = 500000000 };

static bool is_missed(uint64_t draws, uint64_t last, uint64_t now)
{
    return now - last < SURELY_DRAWN || (draws > 2 && now - last < STILL_DRAWN);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* No screen has a side of HOSTILE; the product must not overflow. */
#define HOSTILE ((int64_t)1 << 30)

static int64_t pixels(int64_t width, int64_t height)
{
    return width > 0 && height > 0 ? least(width, HOSTILE) * least(height, HOSTILE) : 0;
}

static int64_t area(const int32_t *b)
{
    return pixels((int64_t)b[2] - b[0], (int64_t)b[3] - b[1]);
}

/* Pixels of both. */
static int64_t shared(const int32_t *a, const int32_t *b)
{
    return pixels(least(a[2], b[2]) - most(a[0], b[0]), least(a[3], b[3]) - most(a[1], b[1]));
}

bool groups_share_half(const int32_t *a, const int32_t *b)
{
    int64_t both = shared(a, b), larger = most(area(a), area(b));

    return larger && both * 2 >= larger;
}

static int find_box(const struct box_group *g, const int32_t *box)
{
    for (uint32_t i = 0; i < g->count; i++)
        if (!memcmp(g->boxes[i].box, box, sizeof(g->boxes[i].box)))
            return (int)i;
    return GROUP_NONE;
}

int groups_find(const struct groups *g, uint32_t display, const int32_t *box)
{
    if (g->recent < g->places.count && g->list[g->recent].display == display &&
        find_box(&g->list[g->recent], box) >= 0)
        return (int)g->recent;
    for (uint32_t i = 0; i < g->places.count; i++)
        if (g->list[i].display == display && find_box(&g->list[i], box) >= 0)
            return (int)i;
    return GROUP_NONE;
}

int groups_like(const struct groups *g, uint32_t display, const int32_t *box)
{
    int64_t best = 0;
    int at = groups_find(g, display, box);

    if (at != GROUP_NONE)
        return at;
    for (uint32_t i = 0; i < g->places.count; i++) {
        const struct box_group *of = &g->list[i];
        const int32_t *core = of->boxes[of->core].box;

        if (of->display == display && groups_share_half(core, box) && shared(core, box) > best) {
            best = shared(core, box);
            at = (int)i;
        }
    }
    return at;
}

/* A free place, or that of the group drawn longest ago. */
static int place(const struct groups *g)
{
    int at = GROUP_NONE;

    if (g->places.count < GROUPS)
        return (int)g->places.count;
    for (int i = 0; i < GROUPS; i++)
        if (!g->list[i].fixed && (at == GROUP_NONE || g->list[i].last < g->list[at].last))
            at = i;
    return at;
}

static int make(struct groups *g, uint32_t display, uint64_t now)
{
    int at = place(g);

    if (at == GROUP_NONE) {
        g->places.over++;
        return at;
    }
    if (at == (int)g->places.count)
        g->places.count++;
    else
        g->places.over += is_missed(g->list[at].draws, g->list[at].last, now);
    memset(&g->list[at], 0, sizeof(g->list[at]));
    g->list[at].display = display;
    return at;
}

/* A new box of the group. The core keeps its place. */
static int add_box(struct groups *all, struct box_group *g, const int32_t *box, uint64_t now)
{
    uint32_t at = g->count;

    if (at < GROUP_BOXES) {
        g->count++;
    } else {
        at = g->core ? 0 : 1;
        for (uint32_t i = 0; i < GROUP_BOXES; i++)
            if (i != g->core && g->boxes[i].last < g->boxes[at].last)
                at = i;
        all->boxes_over += is_missed(g->boxes[at].draws, g->boxes[at].last, now);
    }
    memset(&g->boxes[at], 0, sizeof(g->boxes[at]));
    memcpy(g->boxes[at].box, box, sizeof(g->boxes[at].box));
    return (int)at;
}

struct group_draw groups_draw(struct groups *g, uint32_t display, const int32_t *box, uint64_t now)
{
    struct group_draw d = {.group = groups_like(g, display, box)};
    struct box_group *of;

    if (d.group == GROUP_NONE) {
        d.group = make(g, display, now);
        d.new_group = true;
    }
    if (d.group == GROUP_NONE)
        return d;
    of = &g->list[d.group];
    d.box = find_box(of, box);
    if (d.box == GROUP_NONE) {
        d.box = add_box(g, of, box, now);
        d.new_box = true;
    }
    g->recent = (uint32_t)d.group;
    of->draws++;
    of->last = now;
    of->boxes[d.box].draws++;
    of->boxes[d.box].last = now;
    if (of->boxes[d.box].draws > of->boxes[of->core].draws)
        of->core = (uint32_t)d.box;
    return d;
}

unsigned groups_main_boxes(const struct box_group *group)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < group->count; i++)
        n += group->boxes[i].draws * 100 >= group->draws * MAIN_PERCENT;
    return n;
}
