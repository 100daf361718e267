/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentences, for an operator who has never seen the source, and what each rests on. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "explain.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

const char *const verdict_of_names[3] = {"supported", "refuted", "inconclusive"};
const char *const cause_names[CAUSES] = {"running",  "guest_idle",   "guest_waited", "pipe_blocked",
                                         "refused",  "surface_gone", "client_gone",  "codecs",
                                         "migrated", "inconclusive"};
const char *const cause_words[CAUSES] = {
    "they had not ended",
    "no new frame came, although the guest was free to send one",
    "no new frame came, because the guest waited for memory",
    "no new frame was read, because a client took its data too slowly",
    "new frames came, but the server did not take them for frames of the stream",
    "the screen it was on was taken away",
    "the client had gone",
    "the video codecs were changed",
    "the client moved to another host",
    "inconclusive"};
const char *const outcome_names[OUTCOMES] = {
    "unused",       "video_off",     "not_primary", "not_opaque",  "not_copy",     "not_put",
    "not_bitmap",   "too_small",     "shadow",      "empty",       "rejected",     "malformed",
    "streamed",     "counted",       "not_natural", "no_room",     "too_late",     "box_differs",
    "size_differs", "not_contained", "too_big",     "orientation", "evicted_over", "other_over",
    "no_history",   "first",         "events_lost"};
const char *const outcome_words[OUTCOMES] = {
    "",
    "streaming is switched off in the server",
    "drawn off the screen, on another surface",
    "drawn with transparency",
    "no plain copy of a picture (a fill, a text, a line...)",
    "mixed with what was below (XOR and the like), not put over it",
    "its pixels are not a picture in guest memory",
    "smaller than 96x96 pixels",
    "moved within the screen, not sent as a picture",
    "nothing of it could be seen",
    "outside of the screen",
    "the command could not be read",
    "sent as video",
    "counted as a frame, but not yet 20 in a row",
    "20 in a row, but too few of them look like a natural picture",
    "20 in a row, but no stream was free",
    "later than 200 ms after the one before",
    "not at exactly the same place",
    "not of the same size",
    "does not cover the stream's place",
    "more than twice as big as the stream",
    "upside down against the stream",
    "the server's short memory of it was overwritten by evictions",
    "the server's short memory of it was overwritten by other drawings",
    "the server had nothing to compare it with",
    "the first of all",
    "events were lost while it was decided"};
const char *const hypothesis_words[HYPOTHESES] = {
    "eviction of what stream detection needs kills streams",
    "evictions overwrite the server's short memory (trace ring), so that videos are not detected",
    "the draws are of the wrong kind, place or time for streaming",
    "a virtio display cannot stream",
    "more memory lowers the out-of-memory rate, but does not bring streams back"};

void say(struct sayer *s, char object, uint32_t id, unsigned number, const struct select *selects,
         size_t count, const char *format, ...)
{
    struct sentence what = {
        .object = object, .id = id, .number = number, .selects = selects, .count = count};
    va_list ap;

    snprintf(what.ref, sizeof(what.ref), "%c%u.%u", object, id, number);
    va_start(ap, format);
    vsnprintf(what.text, sizeof(what.text), format, ap);
    va_end(ap);
    s->say(s, &what);
}

const char *x_span(uint64_t ns, char *text)
{
    double v = (double)ns / 1e6;

    snprintf(text, X_TEXT,
             v >= 1000 ? "%.2f s"
             : v >= 10 ? "%.0f ms"
                       : "%.1f ms",
             v >= 1000 ? v / 1000 : v);
    return text;
}

const char *x_at(const struct explain *x, uint64_t time, char *text)
{
    snprintf(text, X_TEXT, "%.3f s", time > x->start ? (double)(time - x->start) / 1e9 : 0.0);
    return text;
}

const char *x_bytes(uint64_t bytes, char *text)
{
    double v = (double)bytes;

    snprintf(text, X_TEXT,
             v >= 1e6   ? "%.1f MB"
             : v >= 1e3 ? "%.1f kB"
                        : "%.0f bytes",
             v >= 1e6   ? v / 1e6
             : v >= 1e3 ? v / 1e3
                        : v);
    return text;
}

const char *x_box(const int32_t *box, char *text)
{
    snprintf(text, X_TEXT, "%" PRId64 "x%" PRId64 " at (%d, %d)", (int64_t)box[2] - box[0],
             (int64_t)box[3] - box[1], box[0], box[1]);
    return text;
}

double x_percent(uint64_t part, uint64_t all)
{
    return all ? 100.0 * (double)part / (double)all : 0;
}

bool x_is_refusal(enum outcome o)
{
    return o < OUT_VERDICTS || (o >= OUT_NOT_NATURAL && o <= OUT_NO_HISTORY);
}

uint64_t x_refusals(const uint64_t *out)
{
    uint64_t n = 0;

    for (unsigned o = 0; o < OUTCOMES; o++)
        n += x_is_refusal(o) ? out[o] : 0;
    return n;
}

enum outcome x_main_refusal(const uint64_t *out, uint64_t *count)
{
    enum outcome best = OUTCOMES;

    *count = 0;
    for (unsigned o = 0; o < OUTCOMES; o++)
        if (x_is_refusal(o) && out[o] > *count) {
            *count = out[o];
            best = o;
        }
    return best;
}

static const char *s_of(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* ---- memory ------------------------------------------------------------------------------------
 */

static void say_domain(const struct explain *x, struct sayer *s)
{
    static const struct select deletes[] = {{.kinds = {EV_guest_delete}}};
    static const struct select asks[] = {{.kinds = {EV_guest_bo, EV_guest_memory}}};
    static const char *const names[] = {[2] = "ram (libvirt's `ram`, QEMU's ram_size)",
                                        [3] = "vram (libvirt's `vram`, QEMU's vram_size)"};

    if (!x->has_guest) {
        say(s, 'e', 0, 4, NULL, 0,
            "Which of the device's memories ran out, what the guest asked for and who waited "
            "cannot be told: there are no events from the guest (record --guest).");
        return;
    }
    if (x->only_deleting)
        say(s, 'e', 0, 8, deletes, 1,
            "In %" PRIu64 " of them nobody in the guest asked for memory: its kernel waited until "
            "pictures that it had thrown away were handed back, and said on the way that memory "
            "had run out. More memory does not prevent these.",
            x->only_deleting);
    if (!x->named[2] && !x->named[3])
        say(s, 'e', 0, 4, asks, 1,
            "The guest's events name no memory for these episodes, so no size can be said to be "
            "too small.");
    for (int d = 2; d < 4; d++)
        if (x->named[d])
            say(s, 'e', 0, 2u + (unsigned)d, asks, 1,
                "In %" PRIu64 " of them the guest was asking for memory in %s: that size would "
                "have to grow. It was %.0f%% full at most.",
                x->named[d], names[d], x_percent(x->memory[d].most, x->memory[d].total));
}

void say_episodes(const struct explain *x, struct sayer *s)
{
    static const struct select calls[] = {
        {.kinds = {EV_oom_begin, EV_oom_end}},
        {.kinds = {EV_qxl_io_write}, .field = "port", .value = 4}};
    static const struct select gone[] = {{.kinds = {EV_evict}},
                                         {.kinds = {EV_trace_add}, .field = "reason", .value = 1}};
    char a[X_TEXT], b[X_TEXT];

    if (!x->episode_count) {
        say(s, 'e', 0, 1, calls, 2, "The guest never said that its graphics memory ran out.");
        return;
    }
    say(s, 'e', 0, 1, calls, 2,
        "The guest ran out of graphics memory %u time%s (%.1f a minute). It is known to have stood "
        "still for %s in all, %.1f%% of the run; the longest was %s.",
        x->episode_count, s_of(x->episode_count),
        x->seconds > 0 ? x->episode_count * 60 / x->seconds : 0, x_span(x->still_ns, a),
        x->seconds > 0 ? (double)x->still_ns / x->seconds / 1e7 : 0, x_span(x->longest_stall, b));
    if (x->all.evicted)
        say(s, 'e', 0, 2, gone, 2,
            "To make room the server gave up %" PRIu64 " drawing%s early; %" PRIu64
            " could have been video frames, %" PRIu64 " were a running stream's. %" PRIu64
            " entered its short memory, and %" PRIu64
            " of these pushed out something that was still of use (younger than 200 ms).",
            x->all.evicted, s_of(x->all.evicted), x->all.streamable, x->all.of_streams,
            x->traced_evicted, x->usable_evicted);
    else
        say(s, 'e', 0, 2, gone, 2,
            "The server gave up no drawing for it: handing back what was done with was enough.");
    if (x->has_guest)
        say(s, 'e', 0, 3, &(struct select){.kinds = {EV_guest_wait_begin, EV_guest_wait_end}}, 1,
            "By its own events the guest waited %s for releases.", x_span(x->all.waited, a));
    say_domain(x, s);
}

void say_episode(const struct explain *x, const struct x_episode *e, struct sayer *s)
{
    const struct select own[] = {{.episode = e->id}};
    const struct select gone[] = {{.episode = e->id, .kinds = {EV_evict, EV_trace_add}}};
    char a[X_TEXT], b[X_TEXT], c[X_TEXT] = "the end of what is known";

    if (e->resumed && e->resumed > e->from)
        x_span(e->resumed - e->from, c);
    say(s, 'e', e->id, 1, own, 1,
        "At %s the guest ran out of graphics memory and said so %" PRIu64
        " time%s; the server answered %" PRIu64 " of them. It stood still for at least %s; its "
        "next command came after %s.",
        x_at(x, e->from, a), e->notifies ? e->notifies : e->ooms,
        s_of(e->notifies ? e->notifies : e->ooms), e->ooms, x_span(e->stalled, b), c);
    say(s, 'e', e->id, 2, gone, 1,
        "The server held %" PRIu64 " drawings then (%" PRIu64 " for its image dictionary, %" PRIu64
        " items waited for clients). It handed back %" PRIu64
        " that were done with, and gave up %" PRIu64 " early: %" PRIu64
        " could have been video frames, %" PRIu64 " were a running stream's. %" PRIu64
        " slots of its short memory were overwritten, %" PRIu64 " of them still of use.",
        e->drawables, e->glz, e->pipes, e->flushed, e->evicted, e->streamable, e->of_streams,
        e->overwritten, e->usable);
    for (int i = 0; i < 4 && e->victims[i]; i++)
        say(s, 'e', e->id, 3u + (unsigned)i, gone, 1,
            "%u of these slots held the history of region r%u.", e->victim_slots[i], e->victims[i]);
    if (e->asked)
        say(s, 'e', e->id, 7, &(struct select){.episode = e->id, .kinds = {EV_guest_bo}}, 1,
            "The guest was asking for %s in %s.", x_bytes(e->asked_bytes, a),
            e->domain == 2   ? "ram"
            : e->domain == 3 ? "vram"
                             : "another memory than the device's");
    if (e->deletes)
        say(s, 'e', e->id, 8, &(struct select){.episode = e->id, .kinds = {EV_guest_delete}}, 1,
            "The guest's kernel waited %" PRIu64 " time%s to have back what it had thrown away%s.",
            e->deletes, s_of(e->deletes), e->asked ? "" : "; nobody asked for memory");
    if (e->losses)
        say(s, 'e', e->id, 9,
            &(struct select){.kinds = {EV_loss}, .from = e->from, .to = e->resumed}, 1,
            "Inconclusive: %" PRIu64 " events lost here.", e->lost);
}

/* ---- streams
 * --------------------------------------------------------------------------------------
 */

void say_streams(const struct explain *x, struct sayer *s)
{
    static const struct select all[] = {{.kinds = {EV_stream_create, EV_stream_stop}}};
    uint64_t ended = x->stream_count - x->causes[CAUSE_RUNNING];

    say(s, 's', 0, 1, all, 1, "The server saw %u video stream%s; %" PRIu64 " ended during the run.",
        x->stream_count, s_of(x->stream_count), ended);
    for (unsigned c = 1; c < CAUSES; c++)
        if (x->causes[c])
            say(s, 's', 0, 1 + c, all, 1, "%" PRIu64 " of them: %s.", x->causes[c], cause_words[c]);
    if (ended && !x->has_guest && x->causes[CAUSE_GUEST_IDLE])
        say(s, 's', 0, 15, NULL, 0,
            "Whether the player had paused or was held up inside the guest cannot be told without "
            "events from the guest.");
}

static void say_death(const struct explain *x, const struct x_stream *t, struct sayer *s)
{
    const struct select proof[] = {
        {.stream = t->id, .kinds = {EV_stream_stop}},
        {.from = t->last_frame,
         .to = t->died,
         .kinds = {EV_blocked, EV_oom_begin, EV_oom_end, EV_ring_empty, EV_evict, EV_loss, EV_draw,
                   EV_qxl_io_write}},
        {.from = t->last_frame, .to = t->died, .kinds = {EV_guest_wait_begin, EV_guest_wait_end}}};
    uint64_t gap = t->died > t->last_frame ? t->died - t->last_frame : 0, n;
    char a[X_TEXT], b[X_TEXT], c[X_TEXT];
    enum outcome why = x_main_refusal(t->gap.refused, &n);

    x_at(x, t->died, a);
    x_span(gap, b);
    if (t->cause == CAUSE_RUNNING)
        say(s, 's', t->id, 3, proof, 1, "It was still running at the end.");
    else if (t->cause == CAUSE_INCONCLUSIVE)
        say(s, 's', t->id, 3, proof, 3,
            "Why it ended is inconclusive: %" PRIu64 " events lost here, between its last known "
            "frame and %s.",
            t->gap.lost, a);
    else if (t->cause == CAUSE_GUEST_IDLE)
        say(s, 's', t->id, 3, proof, 3,
            "It ended at %s, because no new frame came for %s although the guest was free: the "
            "server had read all its commands (%" PRIu64 " times in that span, %" PRIu64
            " other commands came).",
            a, b, t->gap.empties, t->gap.commands);
    else if (t->cause == CAUSE_GUEST_WAITED)
        say(s, 's', t->id, 3, proof, 3,
            "It ended at %s, because no new frame came for %s: the guest waited for memory for %s "
            "of that.",
            a, b, x_span(t->gap.stalled, c));
    else if (t->cause == CAUSE_PIPE_BLOCKED)
        say(s, 's', t->id, 3, proof, 3,
            "It ended at %s, because no new frame was read for %s: for %s of that the server did "
            "not read the guest's commands, since a client took its data too slowly.",
            a, b, x_span(t->gap.blocked, c));
    else if (t->cause == CAUSE_REFUSED)
        say(s, 's', t->id, 3, proof, 3,
            "It ended at %s: %" PRIu64 " redraws of its place came in the last %s, and the server "
            "did not take them as its frames. %" PRIu64 " of them: %s.",
            a, t->gap.all_refused, b, n, outcome_words[why % OUTCOMES]);
    else if (t->cause == CAUSE_CLIENT_GONE)
        say(s, 's', t->id, 3, proof, 3,
            "The client had gone: its last frame was sent at %s, %" PRIu64
            " later ones went to nobody. The server dropped it at %s.",
            x_at(x, t->client_at, c), t->unseen, a);
    else
        say(s, 's', t->id, 3, proof, 1, "It ended at %s, because %s.", a, cause_words[t->cause]);
}

static void say_also(const struct explain *x, const struct x_stream *t, struct sayer *s)
{
    const struct select gap[] = {{.from = t->last_frame,
                                  .to = t->died,
                                  .kinds = {EV_evict, EV_stream_detach, EV_oom_begin, EV_blocked}}};
    char a[X_TEXT];

    (void)x;
    if (t->also & ALSO_FRAME_EVICTED)
        say(s, 's', t->id, 4, gap, 1,
            "Beside it: its last frame was given up to make room. That alone does not end a "
            "stream.");
    if (t->also & ALSO_OVERLAP)
        say(s, 's', t->id, 5, gap, 1, "Beside it: something was drawn over its last frame.");
    if (t->also & ALSO_OOM)
        say(s, 's', t->id, 6, gap, 1,
            "Coincident, not shown to be a cause: the server was told %" PRIu64
            " time%s in that span that memory ran out, which held the guest up for %s.",
            t->gap.oom, s_of(t->gap.oom), x_span(t->gap.stalled, a));
    if (t->also & (ALSO_REFUSED | ALSO_LATE))
        say(s, 's', t->id, 7, gap, 1,
            "Beside it: %" PRIu64 " redraws of its place were refused and %" PRIu64
            " came too late.",
            t->gap.all_refused, t->gap.late);
    if (t->also & ALSO_DROPS)
        say(s, 's', t->id, 8, &(struct select){.stream = t->id, .kinds = {EV_stream_drop}}, 1,
            "While it lived, the encoder skipped %" PRIu64 " of its frames to keep its bit rate.",
            t->drops[0]);
}

void say_stream(const struct explain *x, const struct x_stream *t, struct sayer *s)
{
    const struct select birth[] = {{.stream = t->id, .kinds = {EV_stream_create}}};
    const struct select life[] = {
        {.stream = t->id, .kinds = {EV_stream_create, EV_stream_attach, EV_stream_stop}}};
    char a[X_TEXT], b[X_TEXT], c[X_TEXT], d[X_TEXT];
    uint64_t lived = t->born && t->died > t->born ? t->died - t->born : 0;

    if (t->began)
        say(s, 's', t->id, 1, birth, 1, "Stream s%u, %s: began at %s.", t->id, x_box(t->box, a),
            x_at(x, t->born, b));
    else
        say(s, 's', t->id, 1, birth, 1, "Stream s%u, %s: its beginning is not in the recording.",
            t->id, x_box(t->box, a));
    say(s, 's', t->id, 2, life, 1,
        "It lived %s and had %" PRIu64 " frames, half of them within %s of the one before, the "
        "longest pause %s at %s.",
        x_span(lived, a), t->frames, x_span(x_quantile(&t->intervals, 0.5), b),
        x_span(t->intervals.longest, c), x_at(x, t->intervals.longest_at, d));
    say_death(x, t, s);
    say_also(x, t, s);
    if (t->losses && t->cause != CAUSE_INCONCLUSIVE)
        say(s, 's', t->id, 9, &(struct select){.from = t->born, .to = t->died, .kinds = {EV_loss}},
            1, "%" PRIu64 " events were lost during its life: its counts are not certain.",
            t->lost);
}

/* ---- regions
 * -----------------------------------------------------------------------------------------
 */

void say_regions(const struct explain *x, struct sayer *s)
{
    say(s, 'r', 0, 1, NULL, 0,
        "%u place%s on the screen were redrawn like a video (more than 4 times a second for more "
        "than 2 s; the server wants 5).",
        x->region_count, s_of(x->region_count));
    if (x->regions_over || x->boxes_dropped)
        say(s, 'r', 0, 2, NULL, 0,
            "Not all was followed: %u such places did not fit the table, and %u boxes were "
            "forgotten for newer ones.",
            x->regions_over, x->boxes_dropped);
}

static void say_misses(const struct explain *x, const struct x_region *r, struct sayer *s)
{
    const struct select late[] = {{.region = r->id, .outcomes = 1u << OUT_TOO_LATE}};
    const struct select off[] = {{.region = r->id, .outcomes = 1u << OUT_BOX_DIFFERS}};
    const struct select few[] = {{.region = r->id, .outcomes = 1u << OUT_COUNTED}};
    char a[X_TEXT], b[X_TEXT];

    if (r->out[OUT_TOO_LATE] && r->least_late < X_SECOND)
        say(s, 'r', r->id, 20, late, 1, "Nearest miss in time: %s beyond the 200 ms, at %s.",
            x_span(r->least_late, a), x_at(x, r->least_late_at, b));
    if (r->least_off != UINT32_MAX)
        say(s, 'r', r->id, 21, off, 1, "Nearest miss in place: %u pixel%s off.", r->least_off,
            s_of(r->least_off));
    if (r->most_frames && r->most_frames < X_START_FRAMES &&
        (!r->streams || r->out[OUT_STREAMED] * 2 < r->draws || s->deep))
        say(s, 'r', r->id, 22, few, 1,
            "Without becoming a stream it came to %u frames in a row: %u short of 20.",
            r->most_frames, X_START_FRAMES - r->most_frames);
}

void say_region(const struct explain *x, const struct x_region *r, struct sayer *s)
{
    const struct select draws[] = {{.region = r->id, .kinds = {EV_draw}}};
    const struct select sent[] = {{.region = r->id, .outcomes = 1u << OUT_STREAMED}};
    char a[X_TEXT], b[X_TEXT], c[X_TEXT];

    say(s, 'r', r->id, 1, draws, 1,
        "Region r%u, %s: redrawn %" PRIu64 " times, %.1f a second, over %s in %" PRIu64
        " stretch%s; half of the redraws within %s of the one before.",
        r->id, x_box(r->first_box, a), r->draws,
        r->busy_ns ? (double)r->draws * 1e9 / (double)r->busy_ns : 0, x_span(r->busy_ns, b),
        r->spells_all, r->spells_all == 1 ? "" : "es", x_span(x_quantile(&r->intervals, 0.5), c));
    say(s, 'r', r->id, 2, sent, 1, "%.0f%% of these redraws were sent as video (%" PRIu64 ").",
        x_percent(r->out[OUT_STREAMED], r->draws), r->out[OUT_STREAMED]);
    for (unsigned o = 0; o < OUTCOMES; o++) {
        const struct select why[] = {{.region = r->id, .outcomes = 1u << o}};

        if (!r->out[o] || o == OUT_STREAMED || (!s->deep && r->out[o] * 50 < r->draws))
            continue;
        say(s, 'r', r->id, 30 + o, why, 1, "%" PRIu64 " (%.0f%%) were not: %s.", r->out[o],
            x_percent(r->out[o], r->draws), outcome_words[o]);
    }
    say_misses(x, r, s);
}

/* ---- throughput
 * --------------------------------------------------------------------------------------
 */

void say_traffic(const struct explain *x, struct sayer *s)
{
    static const struct select sent[] = {{.kinds = {EV_sent}}};
    const struct facts *f = x->facts;
    uint64_t other = 0;
    char a[X_TEXT], b[X_TEXT], c[X_TEXT];

    for (int i = 0; i < FACTS_CHANNELS; i++)
        other += f->channels[i].sent;
    say(s, 't', 0, 1, sent, 1, "Sent to clients: %s as video, %s as drawings, %s of other things.",
        x_bytes(f->stream_data.sent, a), x_bytes(f->drawing.sent, b), x_bytes(other, c));
    if (x->blocked_count)
        say(s, 't', 0, 2, &(struct select){.kinds = {EV_blocked}}, 1,
            "The server stopped reading the guest's commands for %s, because a client took its "
            "data too slowly.",
            x_span(x->blocked_ns, a));
    if (!x->has_client)
        say(s, 't', 0, 3, NULL, 0,
            "What the client showed, and when it froze, cannot be told: there are no events from a "
            "client.");
    else
        say(s, 't', 0, 3, NULL, 0,
            "The client showed %" PRIu64 " pictures of the clip; it froze for 500 ms or more %u "
            "time%s, %s at the longest.",
            x->pictures, x->freeze_count, s_of(x->freeze_count), x_span(x->freeze_longest, a));
    if (f->all_losses)
        say(s, 't', 0, 4, &(struct select){.kinds = {EV_loss}}, 1,
            "%" PRIu64 " events were lost in %" PRIu64 " places.", f->lost, f->all_losses);
}

/* ---- hypotheses
 * -------------------------------------------------------------------------------------
 */

static void sums(const struct explain *x, uint64_t *draws, uint64_t *out)
{
    for (uint32_t i = 1; i <= x->region_count; i++) {
        const struct x_region *r = x_kept(x, i);

        *draws += r->draws;
        for (int o = 0; o < OUTCOMES; o++)
            out[o] += r->out[o];
    }
}

static enum verdict_of h1(const struct explain *x, struct sayer *s)
{
    static const struct select gone[] = {{.kinds = {EV_evict}, .field = "stream"}};
    uint64_t evicted = 0, survived = 0, died = 0, blamed = 0;
    enum verdict_of v;

    for (uint32_t i = 1; i <= x->stream_count && i <= X_STREAMS; i++) {
        const struct x_stream *t = x_stream(x, i);

        evicted += t->own_evicted;
        survived += t->evicted_survived;
        died += t->ended && (t->also & ALSO_FRAME_EVICTED);
        blamed += (t->also & ALSO_FRAME_EVICTED) && t->cause == CAUSE_REFUSED;
    }
    v = blamed                             ? VERDICT_SUPPORTED
        : !evicted || x->facts->all_losses ? VERDICT_INCONCLUSIVE
        : survived && !died                ? VERDICT_REFUTED
                                           : VERDICT_INCONCLUSIVE;
    say(s, 'h', 1, 1, gone, 1,
        "H1, %s: %s. A running stream's frame was evicted %" PRIu64 " times; %" PRIu64
        " times the stream went on, %" PRIu64 " streams died with no frame after it, %" PRIu64
        " of these because their next frames were refused.",
        hypothesis_words[0], verdict_of_names[v], evicted, survived, died, blamed);
    return v;
}

static enum verdict_of h2(const struct explain *x, struct sayer *s)
{
    const struct select over[] = {{.outcomes = 1u << OUT_EVICTED_OVER | 1u << OUT_OTHER_OVER},
                                  {.kinds = {EV_trace_add}, .field = "reason", .value = 1}};
    uint64_t draws = 0, out[OUTCOMES] = {0}, refused;
    enum verdict_of v;

    sums(x, &draws, out);
    refused = x_refusals(out);
    v = out[OUT_EVICTED_OVER] && out[OUT_EVICTED_OVER] * 5 >= refused ? VERDICT_SUPPORTED
        : x->facts->all_losses || !x->traced_evicted || !draws        ? VERDICT_INCONCLUSIVE
        : out[OUT_EVICTED_OVER] * 20 < refused + !refused             ? VERDICT_REFUTED
                                                                      : VERDICT_INCONCLUSIVE;
    say(s, 'h', 2, 1, over, 2,
        "H2, %s: %s. Of %" PRIu64 " refused redraws of video-like places %" PRIu64
        " were refused since evictions had overwritten their history, %" PRIu64
        " since other drawings had. Evictions wrote %" PRIu64 " entries, and pushed out %" PRIu64
        " that were still of use.",
        hypothesis_words[1], verdict_of_names[v], refused, out[OUT_EVICTED_OVER],
        out[OUT_OTHER_OVER], x->traced_evicted, x->usable_evicted);
    return v;
}

static enum verdict_of h3(const struct explain *x, struct sayer *s)
{
    const struct select why[] = {
        {.outcomes = 0xffeu | 1u << OUT_TOO_LATE | 1u << OUT_BOX_DIFFERS | 1u << OUT_SIZE_DIFFERS}};
    uint64_t draws = 0, out[OUTCOMES] = {0}, kind = 0, place, refused;
    enum verdict_of v;

    sums(x, &draws, out);
    refused = x_refusals(out);
    for (int o = 1; o < OUT_VERDICTS; o++)
        kind += out[o];
    place = out[OUT_BOX_DIFFERS] + out[OUT_SIZE_DIFFERS];
    v = refused * 10 >= draws && refused && (kind + place + out[OUT_TOO_LATE]) * 2 >= refused
            ? VERDICT_SUPPORTED
        : x->facts->all_losses || !draws ? VERDICT_INCONCLUSIVE
                                         : VERDICT_REFUTED;
    say(s, 'h', 3, 1, why, 1,
        "H3, %s: %s. Of %" PRIu64 " redraws of video-like places %" PRIu64 " were refused: %" PRIu64
        " for their kind, %" PRIu64 " for their place or size, %" PRIu64
        " because they came too late.",
        hypothesis_words[2], verdict_of_names[v], draws, refused, kind, place, out[OUT_TOO_LATE]);
    return v;
}

static enum verdict_of h4(const struct explain *x, struct sayer *s)
{
    static const struct select made[] = {{.kinds = {EV_stream_create}}};
    enum verdict_of v = !x->virtio || x->qxl   ? VERDICT_INCONCLUSIVE
                        : x->stream_count      ? VERDICT_REFUTED
                        : x->facts->all_losses ? VERDICT_INCONCLUSIVE
                        : x->region_count      ? VERDICT_SUPPORTED
                                               : VERDICT_INCONCLUSIVE;

    if (!x->virtio || x->qxl)
        say(s, 'h', 4, 1, NULL, 0, "H4, %s: inconclusive. This run's display is not virtio alone.",
            hypothesis_words[3]);
    else
        say(s, 'h', 4, 1, made, 1,
            "H4, %s: %s. %u places were redrawn like a video, %u streams were created.",
            hypothesis_words[3], verdict_of_names[v], x->region_count, x->stream_count);
    return v;
}

static enum verdict_of h5(const struct explain *x, struct sayer *s)
{
    uint64_t draws = 0, out[OUTCOMES] = {0};

    sums(x, &draws, out);
    say(s, 'h', 5, 1, NULL, 0,
        "H5, %s: inconclusive. One run cannot tell; compare runs that differ in memory alone. "
        "Here: "
        "%.1f episodes a minute, %.0f%% of the redraws of video-like places streamed.",
        hypothesis_words[4], x->seconds > 0 ? x->episode_count * 60 / x->seconds : 0,
        x_percent(out[OUT_STREAMED], draws));
    return VERDICT_INCONCLUSIVE;
}

enum verdict_of say_hypothesis(const struct explain *x, int n, struct sayer *s)
{
    static enum verdict_of (*const all[])(const struct explain *, struct sayer *) = {h1, h2, h3, h4,
                                                                                     h5};

    return all[n - 1](x, s);
}

void say_all(const struct explain *x, struct sayer *s)
{
    say_episodes(x, s);
    for (uint32_t i = 1; i <= x->episode_count && i <= X_EPISODES; i++)
        say_episode(x, x_episode(x, i), s);
    say_streams(x, s);
    for (uint32_t i = 1; i <= x->stream_count && i <= X_STREAMS; i++)
        say_stream(x, x_stream(x, i), s);
    say_regions(x, s);
    for (uint32_t i = 1; i <= x->region_count; i++)
        say_region(x, x_kept(x, i), s);
    say_traffic(x, s);
    for (int h = 1; h <= HYPOTHESES; h++)
        say_hypothesis(x, h, s);
}
