/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of each box; which is the clip. */
#include <string.h>

#include "replay/replay_state.h"

/* ---- regions: what became of each box
 * ---------------------------------------------------------------- */

struct replay_region *replay_region_of(struct replay *r, uint32_t display,
                                       const struct tap_rect *box)
{
    for (int i = 0; i < REPLAY_REGIONS; i++)
        if (r->regions[i].used && r->regions[i].display == display &&
            rect_same(&r->regions[i].box, box))
            return &r->regions[i];
    return NULL;
}

/* Which of two is the lesser loss? What is no longer drawn goes first, then what was drawn least.
 */
static bool is_less(const struct replay_region *a, const struct replay_region *b, uint64_t now)
{
    bool still_a = a->last + 1000000000 > now, still_b = b->last + 1000000000 > now;

    return still_a == still_b ? a->pixels < b->pixels : still_b;
}

struct replay_region *replay_new_region(struct replay *r, const struct drawable *p,
                                        uint32_t display)
{
    struct replay_region *least = &r->regions[0];

    for (int i = 0; i < REPLAY_REGIONS && least->used; i++)
        if (!r->regions[i].used || is_less(&r->regions[i], least, p->created))
            least = &r->regions[i];
    r->regions_over += least->used && least->draws > 2 && least->last + 500000000 > p->created;
    memset(least, 0, sizeof(*least));
    least->used = true;
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

void replay_count_draw(struct replay_display *d, const struct drawable *p)
{
    struct replay *r = d->replay;
    struct replay_region *own = replay_region_of(r, d->id, &p->box);

    if (!own)
        own = replay_new_region(r, p, d->id);
    own->last = p->created;
    steady_draw(&own->steady, p->created);
    if (p->graduality_known) {
        own->graduality = p->graduality;
        *(p->graduality == GRADUAL_LOW ? &own->steady.text : &own->steady.natural) += 1;
    }
    if (d->unsure)
        return;
    r->draws++;
    r->pixels += (uint64_t)rect_pixels(&p->box);
    for (unsigned k = 0; k < r->detectors; k++)
        if (p->of[k].stream >= 0) {
            r->results[k].frames++;
            r->results[k].pixels += (uint64_t)rect_pixels(&p->box);
        }
    for (int i = 0; i < REPLAY_REGIONS; i++) {
        struct replay_region *g = &r->regions[i];

        if (g->used && g->display == d->id && rect_holds(&g->box, &p->box))
            count_share(r, g, p, g == own);
    }
}

static double weight(const struct replay_region *g)
{
    return steady_weight(&g->steady, (int64_t)g->box.right - g->box.left,
                         (int64_t)g->box.bottom - g->box.top);
}

const struct replay_region *replay_clip(const struct replay *r)
{
    const struct replay_region *clip = NULL;

    for (int i = 0; i < REPLAY_REGIONS; i++) {
        const struct replay_region *g = &r->regions[i];

        if (g->used && weight(g) > (clip ? weight(clip) : 0))
            clip = g;
    }
    return clip;
}

const struct replay_region *replay_box(const struct replay *r, const struct tap_rect *box)
{
    const struct replay_region *found = NULL;

    for (int i = 0; i < REPLAY_REGIONS; i++) {
        const struct replay_region *g = &r->regions[i];

        if (g->used && rect_same(&g->box, box) && (!found || g->draws > found->draws))
            found = g;
    }
    return found;
}
