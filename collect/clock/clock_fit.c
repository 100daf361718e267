/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects bounds of a clock in bands of a minute, and makes each band a segment of the map. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "clock/clock_fit.h"

/* ns: bounds are exact to 2, and the map's heights and products are rounded to 1 */
#define ROUNDING  4
#define MAX_DRIFT (CLOCK_MAX_DRIFT_PPM * 1e-6)

static struct clock_band *last_band(const struct clock_fit *f)
{
    return f->count ? &f->bands[f->count - 1] : NULL;
}

/* Half of what a map can hold, because each band may need a bridge. Beyond that the last band goes
 * on with a growing error: a clock that leaps thousands of times has no map. */
static struct clock_band *add_band(struct clock_fit *f, int *err)
{
    struct clock_band *b;

    *err = 0;
    if (f->count >= CLOCK_MAX_SEGMENTS / 2)
        return NULL;
    b = reallocarray(f->bands, f->count + 1, sizeof(*b));
    if (!b) {
        *err = -ENOMEM;
        return NULL;
    }
    f->bands = b;
    return &b[f->count++];
}

void clock_fit_free(struct clock_fit *f)
{
    free(f->bands);
    *f = (struct clock_fit){0};
}

static int begin(struct clock_fit *f, uint64_t guest, uint64_t low, uint64_t high, bool jump)
{
    int err;
    struct clock_band *b = add_band(f, &err);

    f->streak = 0;
    if (!b)
        return err;
    band_begin(b, guest, (int64_t)low, (int64_t)high, (double)GUEST_CLOCK_SPAN, MAX_DRIFT);
    b->pings = 1;
    b->jump = jump;
    return 0;
}

int clock_fit_ping(struct clock_fit *f, uint64_t guest, uint64_t sent, uint64_t received)
{
    struct clock_band *b = last_band(f);

    if (sent > received)
        return 0;
    if (!b || (int64_t)(guest - b->guest) > (int64_t)GUEST_CLOCK_SPAN)
        return begin(f, guest, sent, received, false);
    if (!band_bound(b, guest, (int64_t)sent, (int64_t)received)) {
        if (guest <= b->last) /* out of order and outside the band: no new band begins there */
            return 0;
        return begin(f, guest, sent, received, true);
    }
    b->pings++;
    if (f->streak && !band_bound(&f->other, guest, (int64_t)sent, (int64_t)received))
        f->streak = 0;
    return 0;
}

static bool bound_pair(struct clock_band *b, uint64_t begin, uint64_t end, uint64_t host)
{
    struct clock_band tried = *b;

    if (!band_bound(&tried, begin, BAND_NO_LOW, (int64_t)host) ||
        !band_bound(&tried, end, (int64_t)host, BAND_NO_HIGH))
        return false;
    *b = tried;
    b->pairs++;
    return true;
}

/* A pair contradicts the band. One is an outlier; several in a row are a leap. */
static int contradicted(struct clock_fit *f, uint64_t begin, uint64_t end, uint64_t host)
{
    double longest = (double)(end - begin) * (1 + MAX_DRIFT);
    int err;

    f->rejected++;
    if (f->streak && bound_pair(&f->other, begin, end, host)) {
        f->streak++;
    } else {
        f->before = f->sure.guest == last_band(f)->guest ? f->sure : *last_band(f);
        band_begin(&f->other, begin, (int64_t)(host - (uint64_t)ceil(longest)), (int64_t)host,
                   (double)GUEST_CLOCK_SPAN, MAX_DRIFT);
        f->streak = bound_pair(&f->other, begin, end, host);
    }
    if (f->streak < GUEST_CLOCK_JUMP_PAIRS || !add_band(f, &err))
        return f->streak < GUEST_CLOCK_JUMP_PAIRS ? 0 : err;
    f->bands[f->count - 2] = f->before;
    f->bands[f->count - 1] = f->other;
    f->bands[f->count - 1].jump = true;
    if (f->before.last > f->other.guest)
        f->bands[f->count - 2].last = f->other.guest;
    f->rejected -= f->streak;
    f->pairs += f->streak;
    f->streak = 0;
    return 0;
}

int clock_fit_pair(struct clock_fit *f, uint64_t begin, uint64_t end, uint64_t host)
{
    struct clock_band *b = last_band(f);

    if (!b || begin < b->guest || end < begin)
        return 0;
    if (!bound_pair(b, begin, end, host))
        return contradicted(f, begin, end, host);
    f->pairs++;
    f->streak = 0;
    f->sure = *b;
    return 0;
}

void clock_fit_fence(struct clock_fit *f, uint64_t guest, uint64_t host)
{
    struct clock_band *b = last_band(f);

    if (!b || guest < b->guest)
        return;
    if (band_bound(b, guest, (int64_t)host, BAND_NO_HIGH)) {
        b->fences++;
        f->pairs++;
    } else {
        f->rejected++;
    }
}

static size_t band_at(const struct clock_fit *f, uint64_t guest)
{
    size_t low = 0, high = f->count;

    while (high - low > 1) {
        size_t middle = (low + high) / 2;

        if (f->bands[middle].guest <= guest)
            low = middle;
        else
            high = middle;
    }
    return low;
}

bool clock_fit_range(const struct clock_fit *f, uint64_t guest, int64_t *low, int64_t *high)
{
    size_t i = f->count ? band_at(f, guest) : 0;
    int64_t other_low, other_high;

    if (!f->count)
        return false;
    band_range(&f->bands[i], guest, low, high);
    if (i + 1 < f->count && f->bands[i + 1].jump && guest > f->bands[i].last) {
        band_range(&f->bands[i + 1], guest, &other_low, &other_high);
        *low = other_low < *low ? other_low : *low;
        *high = other_high > *high ? other_high : *high;
    }
    return true;
}

/* ---- the map -------------------------------------------------------------------------------- */

static int64_t middle(const struct clock_band *b, uint64_t guest)
{
    int64_t low, high;

    band_range(b, guest, &low, &high);
    return low + (high - low) / 2;
}

/* The largest distance between the segment's line and a line of the band, at one end. */
static uint64_t farthest(const struct clock_band *b, const struct clock_segment *s, uint64_t guest)
{
    double since = (double)(int64_t)(guest - s->guest_at);
    int64_t low, high,
        host = (int64_t)s->host_at + (int64_t)(guest - s->guest_at) +
               (int64_t)llround(since * (double)s->drift_ppb * 1e-9);

    band_range(b, guest, &low, &high);
    return (uint64_t)(high - host > host - low ? high - host : host - low);
}

/* The distance of two lines is largest at an end, so both ends bound it everywhere. */
static void lay(struct clock_segment *s, const struct clock_band *b, uint64_t from, uint64_t to)
{
    int64_t first = middle(b, from), length = (int64_t)(to - from);
    uint64_t other;

    s->guest_from = s->guest_at = from;
    s->guest_to = to;
    s->host_at = first > 0 ? (uint64_t)first : 0;
    if (length > 0)
        s->drift_ppb = llround((double)(middle(b, to) - first - length) / (double)length * 1e9);
    s->error = farthest(b, s, from);
    other = farthest(b, s, to);
    s->error = (s->error > other ? s->error : other) + ROUNDING;
    s->method = b->pairs ? CLOCK_IO : b->fences ? CLOCK_FENCE : CLOCK_PING;
    s->pairs = b->pairs ? b->pairs : b->fences ? b->fences : b->pings;
}

/* The clock leapt at an unknown time between the two bands, so the error there is the whole leap.
 */
static void bridge(struct clock_segment *s, const struct clock_segment *a,
                   const struct clock_band *b)
{
    int64_t from = (int64_t)a->host_at + (int64_t)(a->guest_to - a->guest_at) +
                   llround((double)(a->guest_to - a->guest_at) * (double)a->drift_ppb * 1e-9);
    int64_t to = middle(b, b->guest), low, high, length = (int64_t)(b->guest - a->guest_to);

    band_range(b, b->guest, &low, &high);
    s->bridge = true;
    s->guest_from = s->guest_at = a->guest_to;
    s->guest_to = b->guest;
    s->host_at = (uint64_t)from;
    if (length > 0)
        s->drift_ppb = llround((double)(to - from - length) / (double)length * 1e9);
    if (s->drift_ppb <= -1000000000)
        s->drift_ppb = -999999999; /* the clock leapt back; a map never goes back */
    s->error = a->error + (uint64_t)(to > from ? to - from : from - to) + (uint64_t)(high - low);
    s->method = CLOCK_PING;
}

static bool overlap(const struct clock_band *a, const struct clock_band *b, uint64_t guest)
{
    int64_t a_low, a_high, b_low, b_high;

    band_range(a, guest, &a_low, &a_high);
    band_range(b, guest, &b_low, &b_high);
    return a_low <= b_high && b_low <= a_high;
}

/* A recording's last band may have only a ping or two. The band before then covers it too, for a
 * tenth of its span at most, unless a bound there contradicts it. */
static bool swallows(const struct clock_fit *f, const struct clock_band *b, uint64_t last)
{
    const struct clock_band *next = b + 1;

    return next == last_band(f) && !next->jump &&
           (int64_t)(last - next->guest) < (int64_t)(GUEST_CLOCK_SPAN / 10) &&
           overlap(b, next, next->guest) && overlap(b, next, next->last);
}

int clock_fit_map(const struct clock_fit *f, struct clock_map *m, uint64_t first, uint64_t last)
{
    *m = (struct clock_map){.pairs = f->pairs + f->rejected, .rejected = f->rejected};
    for (size_t i = 0; i < f->count; i++) {
        const struct clock_band *b = &f->bands[i], *next = i + 1 < f->count ? b + 1 : NULL;
        struct clock_segment *s = clock_map_add(m);
        uint64_t from = i ? b->guest : first < b->guest ? first : b->guest;
        if (next && swallows(f, b, last > next->last ? last : next->last)) {
            last = last > next->last ? last : next->last;
            next = NULL;
            i++;
        }
        uint64_t to = !next        ? (last > b->last ? last : b->last)
                      : next->jump ? b->last
                                   : next->guest;

        if (s)
            lay(s, b, from, to > from ? to : from);
        if (s && next && next->jump && next->guest > s->guest_to) {
            size_t at = m->count - 1;

            s = clock_map_add(m);
            if (s)
                bridge(s, &m->segments[at], next);
        }
        if (!s) {
            clock_map_free(m);
            return -ENOMEM;
        }
    }
    clock_map_settle(m);
    return 0;
}
