/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures of one run, from the model. */
#include <stdlib.h>

#include "record/worker_cpu.h"
#include "report/compare.h"

static void set(struct compare_run *run, int c, double value)
{
    run->known[c] = true;
    run->value[c] = value;
}

static void fill_streams(struct compare_run *run, const struct model *x)
{
    double *lives = calloc(MODEL_STREAMS, sizeof(*lives));
    uint64_t most = 0;
    size_t n = 0;

    set(run, COL_streams, bounded_all(&x->streams.kept));
    for (uint32_t i = 1; lives && i <= x->streams.kept.count; i++) {
        const struct model_stream *s = model_stream_at(x, i);

        if (s->began && s->ended && s->died >= s->born)
            lives[n++] = (double)(s->died - s->born) / 1e9;
    }
    if (n && !x->streams.kept.over)
        set(run, COL_life, compare_median(lives, n));
    free(lives);
    for (unsigned c = 0; c < CAUSES; c++)
        set(run, COL_deaths + (int)c, (double)x->streams.causes[c]);
    for (unsigned c = 1; c < CAUSES; c++)
        if (x->streams.causes[c] > most) {
            most = x->streams.causes[c];
            run->death = cause_names[c];
        }
}

static void fill_clip(struct compare_run *run, const struct model *x)
{
    const struct model_region *clip = model_clip(x);
    bool pieces = model_in_pieces(x);
    const uint64_t *out;
    enum outcome why;
    uint64_t count, all;

    if (!clip && !pieces)
        return;
    out = pieces ? x->regions.pieces : clip->all_out;
    all = pieces ? x->regions.pieces_all : clip->all_draws;
    set(run, COL_clip_streamed, percent(out[OUT_STREAMED], all));
    if (!pieces && clip->steady.ns)
        set(run, COL_clip_time, percent(clip->streamed_ns, clip->steady.ns));
    for (int o = 1; o < OUTCOMES; o++)
        if (o != OUT_STREAMED)
            set(run, COL_redraws + o, percent(out[o], all));
    why = outcome_main_refusal(out, &count);
    if (count)
        run->refusal = outcome_names[why];
}

static void fill_bytes(struct compare_run *run, const struct model *x)
{
    const struct model_bytes *f = &x->bytes;
    uint64_t other = 0;

    for (int i = 0; i < BYTES_CHANNELS; i++)
        other += f->channels[i].sent;
    set(run, COL_stream_bytes, (double)f->stream_data.sent / x->seconds);
    set(run, COL_drawing_bytes, (double)f->drawing.sent / x->seconds);
    set(run, COL_other_bytes, (double)other / x->seconds);
    for (int i = 0; i < COMPARE_IMAGES; i++)
        if (compare_image(i) >= 0)
            set(run, COL_images + i, (double)f->images[compare_image(i)].sent / x->seconds);
}

static void fill_screen(struct compare_run *run, const struct client_screen *s)
{
    if (s->ages.all && !s->age.full) {
        set(run, COL_age_median, (double)histogram_quantile(&s->ages, 0.5) / 1e6);
        set(run, COL_age_p95, (double)histogram_quantile(&s->ages, 0.95) / 1e6);
    }
    if (s->bars.read)
        set(run, COL_torn, percent(s->bars.torn, s->bars.read));
}

static void fill_client(struct compare_run *run, const struct model *x)
{
    const struct client_arrivals *c = &x->client.arrivals;
    uint64_t pictures = c->frames_took.all + c->drawings_took.all;

    if (!x->has_client)
        return;
    if (x->client.pictures) {
        set(run, COL_clip_frames, (double)x->client.pictures / x->seconds);
        set(run, COL_longest_freeze, (double)x->client.longest_freeze / 1e9);
    }
    if (x->client.pictures > 1) {
        set(run, COL_interval_median, (double)histogram_quantile(&x->client.shown, 0.5) / 1e6);
        set(run, COL_interval_p95, (double)histogram_quantile(&x->client.shown, 0.95) / 1e6);
    }
    fill_screen(run, &x->client.screen);
    if (c->frames.count)
        set(run, COL_put_off, (double)c->longest_wait / 1e9);
    if (x->client.keys.pressed)
        set(run, COL_press_unanswered, (double)x->client.keys.unanswered);
    if (x->client.keys.answered) {
        set(run, COL_press_median, (double)histogram_quantile(&x->client.keys.took, 0.5) / 1e6);
        set(run, COL_press_p95, (double)histogram_quantile(&x->client.keys.took, 0.95) / 1e6);
    }
    if (!pictures)
        return;
    set(run, COL_decode,
        (double)(c->frames_took.sum + c->drawings_took.sum) / (double)pictures / 1e6);
    set(run, COL_decode_median, (double)client_took(&x->client, 0.5) / 1e6);
    set(run, COL_decode_p95, (double)client_took(&x->client, 0.95) / 1e6);
}

/* Of the client that got the most frames. */
static void fill_pacing(struct compare_run *run, const struct model *x)
{
    const struct paced_client *c = pacing_main(&x->pacing);

    if (!c)
        return;
    if (c->tested && c->verdict == NET_TEST_STEP_measured)
        set(run, COL_net_test, (double)c->net_rate / 1e6);
    if (c->first_at)
        set(run, COL_first_rate, (double)c->first_all / 1e6);
    if (c->least)
        set(run, COL_least_rate, (double)c->least / 1e6);
    if (c->encoded + c->skipped)
        set(run, COL_skipped, percent(c->skipped, c->encoded + c->skipped));
    if (c->asks)
        set(run, COL_delay_asked, (double)c->asked / 1e9);
    if (c->holds)
        set(run, COL_delay_ordered, (double)c->holds / 1e9);
}

/* scripts/ssim.sh puts it there. */
static void fill_ssim(struct compare_run *run, struct bundle *b)
{
    json_t *o = NULL;
    const json_t *median;

    if (bundle_json(b, "ssim.json", &o))
        return;
    median = json_object_get(o, "median");
    if (json_is_number(median) && json_number_value(median) >= -1 && json_number_value(median) <= 1)
        set(run, COL_ssim, 100 * json_number_value(median));
    json_decref(o);
}

static void fill_memory(struct compare_run *run, const struct model *x)
{
    if (x->qxl || x->memory.kept.count) {
        set(run, COL_ooms_a_minute, bounded_all(&x->memory.kept) * 60 / x->seconds);
        set(run, COL_still_share, (double)waits_still(&x->waits) / x->seconds / 1e7);
    }
    set(run, COL_evicted, (double)x->memory.all.evicted);
}

void compare_fill(struct compare_run *run, const struct model *x)
{
    double cpu = worker_cpu_share(bundle_about(x->bundle), x->seconds);

    if (!(x->seconds > 0))
        return;
    set(run, COL_seconds, x->seconds);
    if ((x->qxl || x->memory.kept.count) && x->has_guest)
        set(run, COL_waited_share, (double)x->waits.guest.waited / x->seconds / 1e7);
    if (!bundle_stock(x->bundle)) {
        fill_memory(run, x);
        fill_streams(run, x);
        fill_clip(run, x);
        fill_pacing(run, x);
        fill_bytes(run, x);
    }
    fill_client(run, x);
    fill_ssim(run, x->bundle);
    if (cpu >= 0)
        set(run, COL_worker_cpu, 100 * cpu);
    if (!x->counts.lost_unknown)
        set(run, COL_lost, (double)x->counts.lost);
}
