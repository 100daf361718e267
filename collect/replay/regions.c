/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "replay/regions.h"

enum { STILL_DRAWN = 1000000000, RECENT = 500000000 }; /* ns since the last draw */

struct replay_region *region_of(struct replay *r, uint32_t display, const struct tap_rect *box)
{
    for (uint32_t i = 0; i < r->boxes.count; i++)
        if (r->regions[i].display == display && rect_same(&r->regions[i].box, box))
            return &r->regions[i];
    return NULL;
}

/* Is `a` worth less than `b`? Boxes that are no longer drawn go first, then those drawn least. */
static bool is_less(const struct replay_region *a, const struct replay_region *b, uint64_t now)
{
    bool still_a = a->last + STILL_DRAWN > now, still_b = b->last + STILL_DRAWN > now;

    return still_a == still_b ? a->pixels < b->pixels : still_b;
}

struct replay_region *region_new(struct replay *r, const struct drawable *p, uint32_t display)
{
    struct replay_region *least = &r->regions[0];

    if (r->boxes.count < REPLAY_REGIONS) {
        least = &r->regions[r->boxes.count++];
    } else {
        for (uint32_t i = 1; i < REPLAY_REGIONS; i++)
            if (is_less(&r->regions[i], least, p->created))
                least = &r->regions[i];
        r->boxes.over += least->draws > 2 && least->last + RECENT > p->created;
    }
    memset(least, 0, sizeof(*least));
    least->display = display;
    least->box = p->box;
    least->first = p->created;
    least->graduality = -1;
    return least;
}

static void count_share(struct replay *r, struct replay_region *g, const struct drawable *p,
                        bool same)
{
    g->pixels += (uint64_t)rect_pixels(&p->box);
    g->draws += same;
    for (unsigned k = 0; k < r->detectors; k++)
        if (p->of[k].stream >= 0) {
            g->of[k].frames += same;
            g->of[k].pixels += (uint64_t)rect_pixels(&p->box);
        }
}

struct replay_region *region_group(struct replay *r, uint32_t display, const struct tap_rect *box)
{
    int at = groups_like(&r->groups, display, (const int32_t *)box);

    return at == GROUP_NONE ? NULL : &r->grouped[at];
}

/* Streamed time: from the draw before, if that was at most 1 s ago. */
static void count_group(struct replay *r, uint32_t display, const struct drawable *p, bool count)
{
    struct group_draw d = groups_draw(&r->groups, display, (const int32_t *)&p->box, p->created);
    struct replay_region *g;
    const struct box_group *of;
    uint64_t before;

    if (d.group == GROUP_NONE)
        return;
    g = &r->grouped[d.group];
    of = &r->groups.list[d.group];
    if (d.new_group) {
        memset(g, 0, sizeof(*g));
        g->display = display;
        g->first = p->created;
        g->graduality = -1;
    }
    memcpy(&g->box, of->boxes[of->core].box, sizeof(g->box));
    g->last = p->created;
    before = g->steady.ns;
    steady_draw(&g->steady, p->created);
    if (p->graduality_known)
        *(p->graduality == GRADUALITY_low ? &g->steady.text : &g->steady.natural) += 1;
    if (!count)
        return;
    count_share(r, g, p, true);
    for (unsigned k = 0; k < r->detectors; k++)
        if (p->of[k].stream >= 0)
            g->of[k].time += g->steady.ns - before;
}

void region_count_draw(struct replay *r, uint32_t display, const struct drawable *p, bool count)
{
    struct replay_region *own = region_of(r, display, &p->box);

    if (!own)
        own = region_new(r, p, display);
    count_group(r, display, p, count);
    own->last = p->created;
    steady_draw(&own->steady, p->created);
    if (p->graduality_known) {
        own->graduality = p->graduality;
        *(p->graduality == GRADUALITY_low ? &own->steady.text : &own->steady.natural) += 1;
    }
    if (!count)
        return;
    r->draws++;
    r->pixels += (uint64_t)rect_pixels(&p->box);
    for (unsigned k = 0; k < r->detectors; k++)
        if (p->of[k].stream >= 0) {
            r->results[k].frames++;
            r->results[k].pixels += (uint64_t)rect_pixels(&p->box);
        }
    for (uint32_t i = 0; i < r->boxes.count; i++) {
        struct replay_region *g = &r->regions[i];

        if (g->display == display && rect_holds(&g->box, &p->box))
            count_share(r, g, p, g == own);
    }
}
