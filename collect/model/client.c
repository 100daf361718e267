/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/client.h"

static void add_age(void *context, uint64_t age, uint64_t time)
{
    histogram_add(context, age, time);
}

void client_init(struct model_client *c, const struct model_waits *waits,
                 const struct model_regions *regions, const struct model_losses *losses)
{
    c->waits = waits;
    c->regions = regions;
    c->losses = losses;
    c->screen.age.sample = add_age;
    c->screen.age.context = &c->screen.ages;
    clip_bars_init(&c->screen.bars);
    c->number = -1;
}

void client_free(struct model_client *c)
{
    histogram_free(&c->shown);
    histogram_free(&c->keys.took);
    histogram_free(&c->screen.ages);
    histogram_free(&c->arrivals.frames_took);
    histogram_free(&c->arrivals.drawings_took);
}

void client_window(struct model_client *c, uint64_t from, uint64_t to)
{
    c->from = from;
    c->to = to;
}

static void sums(const struct model_client *c, uint64_t now, struct model_mark *m)
{
    m->time = now;
    m->delay = c->delay;
    m->drawn = c->drawn;
    m->bars = c->screen.changes;
    m->losses = 0;
    for (unsigned i = 0; i < MODEL_DISPLAYS; i++) {
        uint64_t stalled = waits_stalled(c->waits, i, now), waited = waits_waited(c->waits, i, now);

        m->stalled[i] = stalled > waited ? stalled : waited;
        m->blocked[i] = waits_blocked(c->waits, i, now);
    }
    for (int i = 0; i < SOURCES; i++)
        m->losses += i == SOURCE_CLIENT ? 0 : c->losses->places[i];
    for (int i = 0; i < MODEL_BOXES; i++)
        m->draws[i] = (uint32_t)c->regions->boxes[i].all_draws;
    for (unsigned i = 0; i < MODEL_DISPLAYS; i++) /* their fate is not decided yet */
        if (c->regions->now[i].open)
            m->draws[c->regions->now[i].region - 1]++;
}

/* Makes room in the list, longest first; NULL: all kept freezes are longer. */
static struct model_freeze *place_for(struct model_client *c, uint64_t length)
{
    uint32_t kept = c->kept.count, at = 0;

    while (at < kept && c->freezes[at].to - c->freezes[at].from >= length)
        at++;
    if (!bounded_take(&c->kept, MODEL_FREEZES)) {
        if (at == kept)
            return NULL;
        kept--; /* the shortest one goes */
    }
    memmove(&c->freezes[at + 1], &c->freezes[at], (kept - at) * sizeof(c->freezes[0]));
    return &c->freezes[at];
}

/* Was the picture's number read from the mark until `now`, and the same all the time? */
static bool same_number(const struct model_client *c, const struct model_mark *now, bool open)
{
    const struct client_screen *s = &c->screen;
    uint64_t changes = !open && s->changed_at == now->time ? s->changes_before : s->changes;

    return c->mark.bars && changes == c->mark.bars && clip_bars_number(&s->bars) != CLIP_NONE;
}

static void freeze(struct model_client *c, const struct model_mark *now, uint64_t from, bool open)
{
    const struct model_mark *before = &c->mark;
    struct model_freeze *z = place_for(c, now->time - from);
    uint32_t drawn = now->drawn - before->drawn;
    bool same;

    drawn -= drawn > 0 && !open; /* the one that ended it */
    same = drawn && same_number(c, now, open);
    c->moved_count += drawn > 0;
    c->same_count += same;
    if (!drawn || same) {
        c->still_count++;
        c->still += now->time - from;
        if (now->time - from > c->longest_still)
            c->longest_still = now->time - from;
    }
    if (!z)
        return;
    *z = (struct model_freeze){.from = from,
                               .to = now->time,
                               .open = open,
                               .delay_before = before->time ? before->delay : now->delay,
                               .delay = now->delay,
                               .drawn = drawn,
                               .same_frame = same,
                               .lost = now->losses != before->losses || !before->time};
    for (int i = 0; i < MODEL_DISPLAYS; i++) {
        z->stalled_of[i] = waits_since(now->stalled[i], before->stalled[i]);
        z->blocked_of[i] = waits_since(now->blocked[i], before->blocked[i]);
    }
    for (int i = 0; i < MODEL_BOXES; i++)
        z->draws[i] = (uint32_t)waits_since(now->draws[i], before->draws[i]);
}

/* No other picture was shown from `from` to the mark. */
static void stood(struct model_client *c, const struct model_mark *now, uint64_t from, bool open)
{
    uint64_t length = waits_since(now->time, from);

    if (length > c->longest_freeze)
        c->longest_freeze = length;
    if (length >= MODEL_FREEZE)
        freeze(c, now, from, open);
}

/* Pictures without a number, before the first number or between two, are no pictures of the clip if
 * any number was read. */
static void shown(struct model_client *c, const struct fields_client_clip *e, uint64_t time)
{
    uint64_t since = e->since > 0 && (uint64_t)e->since <= time ? (uint64_t)e->since : 0;
    uint64_t from = time - since > c->from ? time - since : c->from;
    struct model_mark now;

    if (e->number < 0 && c->numbered)
        return;
    if (e->number >= 0 && !c->numbered) {
        c->numbered = true;
        c->pictures = c->moved_count = c->same_count = 0;
        c->still_count = c->still = c->longest_still = 0;
        c->kept = (struct bounded){0};
        c->longest_freeze = 0;
        c->late = c->lost = 0;
        histogram_free(&c->shown);
        since = 0;
    }
    c->pictures++;
    c->late += e->late != 0;
    c->lost += e->lost;
    if (e->number >= 0 && e->number < CLIP_FRAMES) {
        c->went_back += c->number >= 0 && clip_step(c->number, (int)e->number) < 0;
        c->number = (int32_t)e->number;
    }
    sums(c, time, &now);
    if (since) {
        histogram_add(&c->shown, time - from, time);
        stood(c, &now, from, false);
    }
    c->mark = now;
    c->cut.time = c->back.time = 0;
}

static void show_bar(struct client_screen *s, const struct fields_client_bar *e, uint64_t time)
{
    if (time != s->changed_at) {
        s->changes_before = s->changes;
        s->changed_at = time;
    }
    s->changes++;
    clip_bars_show(&s->bars, e->bar, e->number, time);
    clip_age_show(&s->age, clip_bars_number(&s->bars), time == s->drawn_at ? s->held : 0, time);
}

/* From `time` on nobody knows what the screen shows. */
static void forget_screen(struct client_screen *s, uint64_t time)
{
    clip_bars_forget(&s->bars, time);
    clip_age_show(&s->age, CLIP_NONE, 0, time);
}

void client_missing(struct model_client *c, uint64_t now)
{
    forget_screen(&c->screen, now);
    if (c->mark.time && !c->cut.time)
        sums(c, now, &c->cut);
}

void client_loss(struct model_client *c, uint64_t from, uint64_t to)
{
    client_missing(c, to);
    if (from < c->cut.time)
        c->cut.time = from > c->mark.time ? from : c->mark.time;
    sums(c, to, &c->back);
}

static void stood_until(struct model_client *c, uint64_t end)
{
    struct model_mark now;

    if (c->cut.time && c->cut.time < end) {
        stood(c, &c->cut, c->mark.time, true);
        if (!c->back.time)
            return;
        c->mark = c->back;
    }
    sums(c, end, &now);
    stood(c, &now, c->mark.time, true);
}

void client_end(struct model_client *c, int slot)
{
    bool gone = c->gone > c->mark.time && c->gone < c->to;

    forget_screen(&c->screen, c->to);
    if (c->mark.time && c->to)
        stood_until(c, gone ? c->gone : c->to);
    for (uint32_t i = 0; i < c->kept.count; i++) {
        struct model_freeze *z = &c->freezes[i];

        for (int d = slot < 0 ? 0 : slot; d <= (slot < 0 ? MODEL_DISPLAYS - 1 : slot); d++) {
            z->stalled = z->stalled_of[d] > z->stalled ? z->stalled_of[d] : z->stalled;
            z->blocked = z->blocked_of[d] > z->blocked ? z->blocked_of[d] : z->blocked;
        }
    }
}

bool client_stood_still(const struct model_client *c, const struct model_freeze *z)
{
    return c->numbered && (!z->drawn || z->same_frame);
}

int64_t client_put_off(const struct model_freeze *z)
{
    return z->delay_before > 0 && z->delay > 0 ? z->delay - z->delay_before : 0;
}

bool client_in_clip_place(const struct model_client *c, const struct fields_client_picture *e)
{
    const int32_t *place = c->regions->client_box;

    return c->regions->has_client_box && e->box.left < place[2] && place[0] < e->box.right &&
           e->box.top < place[3] && place[1] < e->box.bottom;
}

static uint64_t positive(int64_t ns)
{
    return ns > 0 ? (uint64_t)ns : 0;
}

static void frame(struct model_client *c, const struct fields_client_frame *f)
{
    byte_sum_add(&c->arrivals.frames, 0, f->size);
    c->arrivals.too_late += f->wait < 0;
    if (f->wait > c->arrivals.longest_wait)
        c->arrivals.longest_wait = f->wait;
    if (f->wait)
        c->delay = f->wait;
}

static void picture(struct model_client *c, const struct fields_client_picture *f, uint64_t now)
{
    struct client_arrivals *a = &c->arrivals;

    if (client_in_clip_place(c, f)) {
        c->drawn++;
        c->screen.drawn_at = now;
        c->screen.held = f->stream >= 0 ? positive(f->wait) : 0;
    }
    if (f->stream >= 0) /* its wait until it was due is no delay */
        histogram_add(&a->frames_took, positive((int64_t)((uint64_t)f->took - (uint64_t)f->wait)),
                      now);
    else if (f->stream == -1)
        histogram_add(&a->drawings_took, positive(f->took), now);
}

static void answer(struct client_keys *k, const struct fields_client_answer *f, uint64_t now)
{
    k->unanswered += !f->answered;
    k->answered += f->answered != 0;
    if (f->answered)
        histogram_add(&k->took, positive(f->took), now);
}

void client_add(struct model_client *c, const struct tap_event *ev)
{
    const struct fields_client_message *m = FIELDS(ev, client_message);

    switch (ev->kind) {
    case EV_client_message:
        byte_sum_add(&c->arrivals.channels[m->channel < BYTES_CHANNELS ? m->channel : 0], 0,
                     m->size);
        break;
    case EV_client_frame:
        frame(c, FIELDS(ev, client_frame));
        break;
    case EV_client_picture:
        picture(c, FIELDS(ev, client_picture), ev->time);
        break;
    case EV_client_clip:
        shown(c, FIELDS(ev, client_clip), ev->time);
        break;
    case EV_client_key:
        c->keys.pressed++;
        break;
    case EV_client_answer:
        answer(&c->keys, FIELDS(ev, client_answer), ev->time);
        break;
    case EV_client_bar:
        show_bar(&c->screen, FIELDS(ev, client_bar), ev->time);
        break;
    case EV_client_disconnected:
        c->arrivals.ended++;
        if (FIELDS(ev, client_disconnected)->channel != CHANNEL_display)
            break;
        c->gone = ev->time;
        forget_screen(&c->screen, ev->time);
        break;
    default:
        break;
    }
}

uint64_t client_took(const struct model_client *c, double quantile)
{
    struct histogram all = {0};
    uint64_t took;

    histogram_merge(&all, &c->arrivals.frames_took);
    histogram_merge(&all, &c->arrivals.drawings_took);
    took = histogram_quantile(&all, quantile);
    histogram_free(&all);
    return took;
}
