/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regions that are redrawn like a video, and what became of each redraw. A drawable's comparisons
 * follow its `draw` at once, in the same thread; its fate is decided at the display's next draw.
 */
#include <string.h>

#include "model/model.h"

static const uint8_t match_outcomes[8] = {OUT_NO_HISTORY,  OUT_NO_HISTORY,   OUT_TOO_LATE,
                                          OUT_BOX_DIFFERS, OUT_SIZE_DIFFERS, OUT_NOT_CONTAINED,
                                          OUT_TOO_BIG,     OUT_ORIENTATION};
enum { AGAINST_STREAM = 0, MATCHED = 0, BOX_DIFFERS = 3, GRADUAL_LOW = 2 };

uint32_t regions_find(const struct model *x, uint64_t display, uint64_t surface, const int32_t *box)
{
    int32_t key[6] = {box[0], box[1], box[2], box[3], (int32_t)display, (int32_t)surface};

    for (uint32_t i = 0; i < MODEL_BOXES; i++)
        if (!memcmp(x->box_keys[i], key, sizeof(key)) && x->boxes[i].used)
            return i + 1;
    return 0;
}

static void set_key(struct model *x, uint32_t i, const int32_t *box)
{
    struct model_region *r = &x->boxes[i];

    memcpy(r->box, box, sizeof(r->box));
    memcpy(x->box_keys[i], box, sizeof(r->box));
    x->box_keys[i][4] = (int32_t)r->display;
    x->box_keys[i][5] = (int32_t)r->surface;
}

/* A box that moved a little since it was last drawn is the same region. */
static uint32_t find_near(struct model *x, const struct fields_draw *f, uint64_t now)
{
    const int32_t *box = (const int32_t *)&f->box;
    uint32_t off, best = 0, best_off = UINT32_MAX;

    for (uint32_t i = 0; i < MODEL_BOXES; i++) {
        const struct model_region *r = &x->boxes[i];

        if (r->used && r->display == f->display && r->surface == f->surface &&
            now - r->last < NS_PER_SECOND && model_near(r->box, box, &off) && off < best_off) {
            best = i + 1;
            best_off = off;
        }
    }
    if (best) {
        x->boxes[best - 1].moves++;
        set_key(x, best - 1, box);
    }
    return best;
}

static uint32_t make(struct model *x, const struct fields_draw *f, uint64_t now)
{
    uint32_t at = MODEL_BOXES, i;
    struct model_region *r;

    for (i = 0; i < MODEL_BOXES; i++) {
        if (!x->boxes[i].used) {
            at = i;
            break;
        }
        if (!x->boxes[i].kept && (at == MODEL_BOXES || x->boxes[i].last < x->boxes[at].last))
            at = i;
    }
    r = &x->boxes[at];
    x->boxes_dropped += r->used && r->count > 2 && now - r->last < NS_PER_SECOND / 2;
    memset(r, 0, sizeof(*r));
    r->used = true;
    r->doubt_last = x->losses_of[SOURCE_META] + x->losses_of[SOURCE_SPICE];
    r->display = (uint32_t)f->display;
    r->surface = (uint32_t)f->surface;
    memcpy(r->first_box, &f->box, sizeof(r->first_box));
    set_key(x, at, r->first_box);
    r->least_late = UINT64_MAX;
    r->least_off = UINT32_MAX;
    return at + 1;
}

/* ---- spells: more than 4 redraws a second for more than 2 s. The rule says 5, which is the
 * server's 200 ms; 4 lets those be seen that miss it by a little. ---- */

static void add_spell(struct model *x, struct model_region *r)
{
    uint64_t took = r->spell_to - r->spell_from;

    if (r->spell_count < MODEL_SPELLS)
        r->spells[r->spell_count++] = (struct model_spell){r->spell_from, r->spell_to};
    else
        r->spells[MODEL_SPELLS - 1].to = r->spell_to;
    r->spells_all++;
    r->busy_ns += took;
    if (took > r->longest_spell)
        r->longest_spell = took;
    r->draws += r->spell_draws;
    for (int o = 0; o < OUTCOMES; o++)
        r->out[o] += r->spell_out[o];
    (void)x;
}

static void end_spell(struct model *x, struct model_region *r)
{
    if (r->busy && r->qualified)
        add_spell(x, r);
    r->busy = r->qualified = false;
    r->spell_draws = 0;
    memset(r->spell_out, 0, sizeof(r->spell_out));
}

static void keep(struct model *x, struct model_region *r)
{
    r->qualified = true;
    if (r->kept)
        return;
    if (x->region_count == MODEL_REGIONS) {
        x->regions_over += !r->over;
        r->over = true;
        r->qualified = false;
        return;
    }
    r->kept = true;
    x->kept[x->region_count++] = (uint16_t)(r - x->boxes);
    r->id = x->region_count;
}

/* The fate of a redraw joins the region's spell, or waits until one begins. */
static void spell(struct model *x, struct model_region *r, uint64_t time, enum outcome o)
{
    uint64_t oldest;

    r->recent[r->count++ % MODEL_RECENT].time = time;
    r->recent[(r->count - 1) % MODEL_RECENT].outcome = (uint8_t)o;
    if (r->count < MODEL_RECENT)
        return;
    oldest = r->recent[r->count % MODEL_RECENT].time;
    if (r->busy && time - oldest > 3 * NS_PER_SECOND)
        end_spell(x, r);
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
    if (r->busy && !r->qualified && r->spell_to - r->spell_from > 2 * NS_PER_SECOND &&
        (r->spell_draws - 1) * NS_PER_SECOND > 4 * (r->spell_to - r->spell_from))
        keep(x, r);
}

/* ---- one drawable
 * -------------------------------------------------------------------------------- */

static enum outcome outcome_of(const struct model *x, const struct model_candidate *c)
{
    const struct model_region *r = &x->boxes[c->region - 1];
    bool late = c->interval > MODEL_MAX_DELTA;

    if (c->lost)
        return OUT_LOST;
    if (c->streamed)
        return OUT_STREAMED;
    if (c->verdict)
        return c->verdict < OUT_VERDICTS ? (enum outcome)c->verdict : OUT_LOST;
    if (c->starts)
        return OUT_NO_ROOM;
    if (c->counted)
        return c->frames >= MODEL_START_FRAMES ? OUT_NOT_NATURAL : OUT_COUNTED;
    if (!r->last_created)
        return OUT_FIRST;
    if (r->doubt_last) /* whether one came between is not known, nor what became of its history */
        return OUT_LOST;
    if (c->has_near && match_outcomes[c->near_verdict & 7] != OUT_TOO_LATE)
        return (enum outcome)match_outcomes[c->near_verdict & 7];
    if (late || (c->has_near && c->near_since <= (int64_t)(c->interval + NS_PER_MS)))
        return OUT_TOO_LATE;
    if (r->history_lost >= r->last)
        return r->history_lost_evicted ? OUT_EVICTED_OVER : OUT_OTHER_OVER;
    return OUT_NO_HISTORY;
}

static void note_miss(struct model_region *r, const struct model_candidate *c, enum outcome o)
{
    uint64_t since = c->has_near ? (uint64_t)c->near_since : c->interval;

    if (o == OUT_TOO_LATE && c->near_against != AGAINST_STREAM && since > MODEL_MAX_DELTA &&
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
    if (o == OUT_STREAMED && !r->first_streamed)
        r->first_streamed = c->time;
}

enum outcome model_refusal(const struct model_candidate *c, int i, enum outcome o)
{
    return c->covered_asked[i] && !c->verdict
               ? (enum outcome)match_outcomes[c->covered_verdict[i] & 7]
               : o;
}

static void tell_streams(struct model *x, const struct model_candidate *c, enum outcome o)
{
    for (int i = 0; i < MODEL_COVERED && !c->streamed; i++)
        if (c->covered[i])
            streams_refused(x, c->covered[i], model_refusal(c, i, o), c->time);
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

static void piece(struct model *x, const int32_t *box, enum outcome o)
{
    const int32_t *whole = x->client_box;
    int64_t width = (int64_t)box[2] - box[0], height = (int64_t)box[3] - box[1];

    if (!x->has_client_box || width <= 0 || height <= 0 || box[0] < whole[0] || box[1] < whole[1] ||
        box[2] > whole[2] || box[3] > whole[3])
        return;
    x->pieces[o] += (uint64_t)width * (uint64_t)height;
    x->pieces_all += (uint64_t)width * (uint64_t)height;
}

static void decide(struct model *x, struct model_display *d)
{
    struct model_candidate *c = &d->now;
    struct model_region *r;
    enum outcome o;

    if (!c->open)
        return;
    c->open = false;
    r = &x->boxes[c->region - 1];
    o = outcome_of(x, c);
    tell_streams(x, c, o);
    if (x->decided)
        x->decided(x, d, c->region, o);
    note_miss(r, c, o);
    all_draws(r, c, o);
    piece(x, c->box, o);
    if (r->last_created && c->created > r->last_created)
        model_interval(&r->intervals, c->created - r->last_created, c->time);
    r->last_created = c->created;
    r->last = c->time;
    r->doubt_last = false;
    spell(x, r, c->time, o);
}

/* Does it cover at least half of a running stream's place? Then it is a frame of it, or a drawing
 * that stands in its way. */
static void cover(struct model *x, struct model_candidate *c, uint64_t display)
{
    int n = 0;

    for (uint32_t i = 0; i < x->live_count && n < MODEL_COVERED; i++) {
        const struct model_stream *t = &x->live[i];
        int64_t w, h, area;

        if (t->display != (uint32_t)display || !t->has_box)
            continue;
        w = (int64_t)(t->box[2] < c->box[2] ? t->box[2] : c->box[2]) -
            (t->box[0] > c->box[0] ? t->box[0] : c->box[0]);
        h = (int64_t)(t->box[3] < c->box[3] ? t->box[3] : c->box[3]) -
            (t->box[1] > c->box[1] ? t->box[1] : c->box[1]);
        area = ((int64_t)t->box[2] - t->box[0]) * ((int64_t)t->box[3] - t->box[1]);
        if (w > 0 && h > 0 && area > 0 && w <= INT32_MAX && h <= INT32_MAX && w * h >= area / 2)
            c->covered[n++] = t->id;
    }
}

static void draw(struct model *x, const struct tap_event *ev)
{
    const struct fields_draw *f = FIELDS(ev, draw);
    struct model_display *d = model_display_of(x, f->display);
    struct model_candidate *c = &d->now;
    uint32_t at;

    decide(x, d);
    d->draws++;
    d->last_draw = ev->time;
    at = regions_find(x, f->display, f->surface, (const int32_t *)&f->box);
    if (!at)
        at = find_near(x, f, ev->time);
    if (!at)
        at = make(x, f, ev->time);
    memset(c, 0, sizeof(*c));
    c->open = true;
    c->drawable = f->drawable;
    c->release_id = f->release_id;
    c->time = ev->time;
    c->created = f->created ? f->created : ev->time;
    c->region = at;
    c->verdict = (uint8_t)f->verdict;
    c->interval = x->boxes[at - 1].last_created && c->created > x->boxes[at - 1].last_created
                      ? c->created - x->boxes[at - 1].last_created
                      : 0;
    memcpy(c->box, &f->box, sizeof(c->box));
    if (f->verdict < 9) /* it entered the tree */
        cover(x, c, f->display);
    x->attr.region = at;
}

static struct model_candidate *candidate(struct model *x, uint64_t display, uint64_t drawable)
{
    struct model_candidate *c = &model_display_of(x, display)->now;

    if (!c->open || c->drawable != drawable)
        return NULL;
    x->attr.region = c->region;
    return c;
}

static void match(struct model *x, const struct tap_event *ev)
{
    const struct fields_match *f = FIELDS(ev, match);
    struct model_candidate *c = candidate(x, f->display, f->drawable);
    uint32_t off = 0;

    if (!c)
        return;
    for (int i = 0; f->against == AGAINST_STREAM && i < MODEL_COVERED && c->covered[i]; i++) {
        const struct model_stream *t = streams_running(x, c->covered[i]);

        if (t && t->number == (uint32_t)f->index) {
            c->covered_asked[i] = true;
            c->covered_verdict[i] = (uint8_t)f->verdict;
        }
    }
    if (f->verdict == MATCHED || !model_near(c->box, (const int32_t *)&f->other, &off))
        return;
    if (c->has_near && f->since >= c->near_since)
        return;
    c->has_near = true;
    c->near_verdict = (uint8_t)f->verdict;
    c->near_against = (uint8_t)f->against;
    c->near_since = f->since > 0 ? f->since : 0;
    c->near_off = off;
}

static void traced(struct model *x, const struct tap_event *ev)
{
    const struct fields_trace_add *f = FIELDS(ev, trace_add);
    uint32_t from = regions_find(x, f->display, 0, (const int32_t *)&f->box);
    uint32_t old = f->old_age >= 0 ? regions_find(x, f->display, 0, (const int32_t *)&f->old) : 0;
    struct model_region *r = old ? &x->boxes[old - 1] : NULL;
    uint64_t then =
        f->old_age >= 0 && (uint64_t)f->old_age < ev->time ? ev->time - (uint64_t)f->old_age : 0;

    x->attr.region = from;
    if (!r || old == from)
        return;
    x->attr.other_region = old;
    /* Only its newest frame matters, and only while it may still be matched. */
    if (then + NS_PER_MS < r->last_created || (uint64_t)f->old_age > MODEL_MAX_DELTA)
        return;
    r->history_lost = ev->time;
    r->history_lost_evicted = f->reason == 1;
}

void regions_add(struct model *x, const struct tap_event *ev)
{
    struct model_candidate *c;

    switch (ev->kind) {
    case EV_draw:
        draw(x, ev);
        break;
    case EV_match:
        match(x, ev);
        break;
    case EV_frame:
        c = candidate(x, FIELDS(ev, frame)->display, FIELDS(ev, frame)->drawable);
        if (c) {
            c->counted = true;
            c->frames = FIELDS(ev, frame)->frames;
            c->gradual = FIELDS(ev, frame)->gradual_frames;
            *(FIELDS(ev, frame)->graduality == GRADUAL_LOW
                  ? &x->boxes[c->region - 1].steady.text
                  : &x->boxes[c->region - 1].steady.natural) += 1;
            c->starts = FIELDS(ev, frame)->starts != 0;
        }
        break;
    case EV_stream_create:
        c = candidate(x, FIELDS(ev, stream_create)->display, FIELDS(ev, stream_create)->drawable);
        if (c)
            c->streamed = true;
        break;
    case EV_stream_attach:
        c = candidate(x, FIELDS(ev, stream_attach)->display, FIELDS(ev, stream_attach)->drawable);
        if (c)
            c->streamed = true;
        break;
    case EV_stream_stop: /* what was refused before it counts */
        decide(x, model_display_of(x, FIELDS(ev, stream_stop)->display));
        break;
    case EV_trace_add:
        traced(x, ev);
        break;
    default:
        break;
    }
}

/* What was drawn in the second before the last event that is known may have been drawn in what is
 * lost; what had ended by then is not in doubt. */
void regions_loss(struct model *x, enum tap_source source, uint64_t count)
{
    uint64_t known = x->last_of[SOURCE_SPICE];

    if (source > SOURCE_SPICE)
        return;
    for (int i = 0; i < MODEL_DISPLAYS; i++)
        x->displays[i].now.lost = true;
    for (int i = 0; i < MODEL_BOXES; i++) {
        struct model_region *r = &x->boxes[i];

        r->doubt_last = true;
        if (!r->used || (known > r->last && known - r->last > NS_PER_SECOND))
            continue;
        r->losses++;
        r->lost += count;
    }
}

/* ---- the clip ----------------------------------------------------------------------------------
 */

static double weight(const struct model_region *r)
{
    return steady_weight(&r->steady, (int64_t)r->box[2] - r->box[0],
                         (int64_t)r->box[3] - r->box[1]);
}

static struct model_region *find_clip(struct model *x)
{
    struct model_region *clip = NULL;

    x->clip_told = x->has_client_box;
    for (int i = 0; i < MODEL_BOXES; i++) {
        struct model_region *r = &x->boxes[i];

        if (!r->used)
            continue;
        if (x->clip_told && !memcmp(r->box, x->client_box, sizeof(r->box)))
            return r;
        if (weight(r) > 0 && (!clip || weight(r) > weight(clip)))
            clip = r;
    }
    x->clip_told = false;
    return clip;
}

/* All redraws of the clip count, in stretches or not, and however slowly they come. */
static void keep_whole(struct model *x, struct model_region *r)
{
    r->slow = !r->kept;
    keep(x, r);
    if (!r->kept)
        return;
    r->draws = r->all_draws;
    memcpy(r->out, r->all_out, sizeof(r->out));
    r->spells[0] = (struct model_spell){r->first, r->last};
    r->spell_count = 1;
    r->spells_all = 1;
    r->busy_ns = r->steady.ns;
}

const struct model_region *model_clip(const struct model *x)
{
    return model_kept(x, x->clip);
}

bool model_in_pieces(const struct model *x)
{
    return x->has_client_box && !x->clip_told && x->pieces_all;
}

void regions_end(struct model *x)
{
    struct model_region *clip;

    for (int i = 0; i < MODEL_DISPLAYS; i++)
        decide(x, &x->displays[i]);
    for (int i = 0; i < MODEL_BOXES; i++)
        if (x->boxes[i].used)
            end_spell(x, &x->boxes[i]);
    clip = find_clip(x);
    if (clip)
        keep_whole(x, clip);
    x->clip = clip ? clip->id : 0;
}
