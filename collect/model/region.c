/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "event/event.h"
#include "model/region.h"

/* A spell is more than 2 s with more than 4 redraws a second. The server's limit of 200 ms needs 5
 * a second; 4 also shows regions that miss it narrowly. */

static void add_spell(struct model_region *r)
{
    uint64_t took = r->spell_to - r->spell_from;

    if (bounded_take(&r->listed, MODEL_SPELLS))
        r->spells[r->listed.count - 1] = (struct model_spell){r->spell_from, r->spell_to};
    else
        r->spells[MODEL_SPELLS - 1].to = r->spell_to;
    r->busy_ns += took;
    if (took > r->longest_spell)
        r->longest_spell = took;
    r->draws += r->spell_draws;
    for (int o = 0; o < OUTCOMES; o++)
        r->out[o] += r->spell_out[o];
}

void region_end_spell(struct model_region *r)
{
    if (r->busy && r->qualified)
        add_spell(r);
    r->busy = r->qualified = false;
    r->spell_draws = 0;
    memset(r->spell_out, 0, sizeof(r->spell_out));
}

/* Adds a redraw to the region's spell, or to the redraws that can begin one. */
static bool spell(struct model_region *r, uint64_t time, enum outcome o)
{
    uint64_t oldest;

    r->recent[r->count++ % MODEL_RECENT].time = time;
    r->recent[(r->count - 1) % MODEL_RECENT].outcome = (uint8_t)o;
    if (r->count < MODEL_RECENT)
        return false;
    oldest = r->recent[r->count % MODEL_RECENT].time;
    if (r->busy && time - oldest > 3 * NS_PER_SECOND)
        region_end_spell(r);
    else if (r->busy) {
        r->spell_draws++;
        r->spell_out[o]++;
        r->spell_to = time;
    } else if (time - oldest < 5 * NS_PER_SECOND / 2) {
        r->busy = true;
        r->spell_from = oldest;
        r->spell_to = time;
        r->spell_draws = MODEL_RECENT;
        for (int i = 0; i < MODEL_RECENT; i++)
            r->spell_out[r->recent[i].outcome]++;
    }
    return r->busy && !r->qualified && r->spell_to - r->spell_from > 2 * NS_PER_SECOND &&
           (r->spell_draws - 1) * NS_PER_SECOND > 4 * (r->spell_to - r->spell_from);
}

static void note_miss(struct model_region *r, const struct model_candidate *c, enum outcome o)
{
    uint64_t since = c->has_near ? (uint64_t)c->near_since : c->interval;

    if (o == OUT_TOO_LATE && c->near_against != MATCH_AGAINST_stream && since > MODEL_MAX_DELTA &&
        since - MODEL_MAX_DELTA < r->least_late) {
        r->least_late = since - MODEL_MAX_DELTA;
        r->least_late_at = c->time;
    }
    if (o == OUT_BOX_DIFFERS && c->near_off < r->least_off) {
        r->least_off = c->near_off;
        r->least_off_at = c->time;
    }
    if (o == OUT_BOX_DIFFERS && c->near_off > r->most_off)
        r->most_off = c->near_off;
    if ((o == OUT_COUNTED || o == OUT_NOT_NATURAL) && (uint64_t)c->frames > r->most_frames &&
        c->frames > 0 && c->frames < INT32_MAX) {
        r->most_frames = (uint32_t)c->frames;
        r->most_frames_at = c->time;
        r->gradual = (uint32_t)c->gradual;
        r->gradual_of = (uint32_t)c->frames;
    }
    if (o == OUT_STREAMED) {
        r->first_streamed = r->first_streamed ? r->first_streamed : c->time;
        r->last_streamed = c->time;
    }
}

static void all_draws(struct model_region *r, const struct model_candidate *c, enum outcome o)
{
    uint64_t before = r->steady.ns;

    steady_draw(&r->steady, c->created);
    r->streamed_ns += o == OUT_STREAMED ? r->steady.ns - before : 0;
    r->first = r->first ? r->first : c->time;
    r->all_draws++;
    r->all_out[o]++;
}

bool region_redraw(struct model_region *r, const struct model_candidate *c, enum outcome o)
{
    note_miss(r, c, o);
    all_draws(r, c, o);
    if (r->last_created && c->created > r->last_created)
        histogram_add(&r->intervals, c->created - r->last_created, c->time);
    r->last_created = c->created;
    r->last = c->time;
    r->doubt_last = false;
    return spell(r, c->time, o);
}
