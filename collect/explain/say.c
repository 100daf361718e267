/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentences, for an operator who has never seen the source, and what each rests on. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "explain/explain.h"

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

const char *text_span(uint64_t ns, char *text)
{
    double v = (double)ns / 1e6;

    snprintf(text, TEXT_SIZE,
             !ns         ? "0 ms"
             : v >= 1000 ? "%.2f s"
             : v >= 10   ? "%.0f ms"
                         : "%.1f ms",
             v >= 1000 ? v / 1000 : v);
    return text;
}

const char *text_at(const struct model *x, uint64_t time, char *text)
{
    snprintf(text, TEXT_SIZE, "%.3f s", time > x->start ? (double)(time - x->start) / 1e9 : 0.0);
    return text;
}

const char *text_bytes(uint64_t bytes, char *text)
{
    double v = (double)bytes;

    snprintf(text, TEXT_SIZE,
             v >= 1e6   ? "%.1f MB"
             : v >= 1e3 ? "%.1f kB"
                        : "%.0f bytes",
             v >= 1e6   ? v / 1e6
             : v >= 1e3 ? v / 1e3
                        : v);
    return text;
}

const char *text_box(const int32_t *box, char *text)
{
    snprintf(text, TEXT_SIZE, "%" PRId64 "x%" PRId64 " at (%d, %d)", (int64_t)box[2] - box[0],
             (int64_t)box[3] - box[1], box[0], box[1]);
    return text;
}

double percent(uint64_t part, uint64_t all)
{
    return all ? 100.0 * (double)part / (double)all : 0;
}

bool model_is_refusal(enum outcome o)
{
    return o < OUT_VERDICTS || (o >= OUT_NOT_NATURAL && o <= OUT_NO_HISTORY);
}

uint64_t model_refusals(const uint64_t *out)
{
    uint64_t n = 0;

    for (unsigned o = 0; o < OUTCOMES; o++)
        n += model_is_refusal(o) ? out[o] : 0;
    return n;
}

enum outcome model_main_refusal(const uint64_t *out, uint64_t *count)
{
    enum outcome best = OUTCOMES;

    *count = 0;
    for (unsigned o = 0; o < OUTCOMES; o++)
        if (model_is_refusal(o) && out[o] > *count) {
            *count = out[o];
            best = o;
        }
    return best;
}

const char *text_s(uint64_t n)
{
    return n == 1 ? "" : "s";
}

const char *text_were(uint64_t n)
{
    return n == 1 ? "was" : "were";
}

const char *text_display(const struct model *x, uint32_t id, char *text)
{
    *text = '\0';
    if (x->displays.count > 1)
        snprintf(text, TEXT_SIZE, " on display %" PRIu32, id);
    return text;
}

/* ---- memory ---------------------------------------------------------------------------------- */

enum { NOTIFY_OOM = 4, EVICTED = 1, RAM = 2, VRAM = 3 };

static const char *const memory_names[] = {[RAM] = "ram (libvirt's `ram`, QEMU's ram_size)",
                                           [VRAM] = "vram (libvirt's `vram`, QEMU's vram_size)"};

static void full(const struct model_domain *m, char *text)
{
    if (m->known)
        snprintf(
            text, 2 * TEXT_SIZE,
            "It was %.0f%% full at most, and never less than %.0f%%: so much is always in use.",
            percent(m->most, m->total), percent(m->least, m->total));
    else
        snprintf(text, 2 * TEXT_SIZE, "How full it was the guest did not say.");
}

static void say_domain(const struct model *x, struct sayer *s)
{
    char fullness[2 * TEXT_SIZE];
    static const struct select deletes[] = {{.kinds = {EV_guest_delete}, .rule = RULE_DELETES}};

    if (!x->has_guest) {
        say(s, 'e', 0, 6, NULL, 0,
            "Which of the device's memories ran out, what the guest asked for and who waited "
            "cannot be told: there are no events from the guest (record --guest).");
        return;
    }
    for (unsigned d = RAM; d <= VRAM; d++) {
        const struct select asks[] = {
            {.kinds = {EV_guest_bo}, .rule = RULE_ASK, .value = d},
            {.kinds = {EV_guest_memory}, .rule = RULE_FULLEST, .value = d}};

        if (x->memory.named[d]) {
            full(&x->memory.domains[d], fullness);
            say(s, 'e', 0, 2u + d, asks, 2,
                "In %" PRIu64 " of them the guest was asking for memory in %s: that size would "
                "have to grow. %s",
                x->memory.named[d], memory_names[d], fullness);
        }
    }
    if (!x->memory.named[RAM] && !x->memory.named[VRAM])
        say(s, 'e', 0, 7, NULL, 0,
            "The guest's events name no memory for these times, so no size can be said to be "
            "too small.");
    if (x->memory.only_deleting)
        say(s, 'e', 0, 8, deletes, 1,
            "In %" PRIu64
            " of them nobody in the guest asked for memory: its kernel waited to be rid "
            "of pictures that it had thrown away, and said on the way that memory had run out. "
            "More memory does not prevent these.",
            x->memory.only_deleting);
    if (x->memory.unsure)
        say(s, 'e', 0, 9, NULL, 0,
            "Inconclusive for %" PRIu64 " of them: what the guest did then and what the host saw "
            "are nearer in time than the guest's clock is known.",
            x->memory.unsure);
}

/* What filled it, as far as the server holds it. */
static void say_held(const struct model *x, struct sayer *s)
{
    static const struct select begins[] = {{.kinds = {EV_oom_begin}}};
    const struct model_episode *most = &x->memory.most_held;
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];

    if (!x->memory.sized)
        return;
    say(s, 'e', 0, 13, begins, 1,
        "At these times the server held %.0f drawings on average, with at least %s of pictures. "
        "At the worst, at %s, it held %" PRIu64 " with at least %s: %" PRIu64
        " of them made up the screen, %" PRIu64 " were in its image dictionary, and %" PRIu64
        " item%s waited for clients.",
        (double)x->memory.all.drawables / (double)x->memory.sized,
        text_bytes(x->memory.all.held_bytes / x->memory.sized, a), text_at(x, most->from, b),
        most->drawables, text_bytes(most->held_bytes, c), most->current, most->glz, most->pipes,
        text_s(most->pipes));
    if (x->memory.held.over)
        say(s, 'e', 0, 14, NULL, 0,
            "It held more than could be followed: %" PRIu64 " drawings are not in these bytes.",
            x->memory.held.over);
}

/* What the fixed tables and the losses leave out. */
static void say_left_out(const struct model *x, struct sayer *s)
{
    static const struct select losses[] = {{.kinds = {EV_loss}, .rule = RULE_HOST_LOSS},
                                           {.kinds = {EV_loss}, .rule = RULE_GUEST_LOSS}};
    uint64_t lost = 0, places = 0;

    for (int i = 0; i < SOURCES; i++)
        if (i != SOURCE_CLIENT) {
            places += x->losses.places[i];
            lost += x->losses.events[i];
        }
    if (places)
        say(s, 'e', 0, 10, losses, 2,
            "Inconclusive where events were lost (%" PRIu64 " in %" PRIu64
            " place%s): there the guest may have run out of memory unseen.",
            lost, places, text_s(places));
    if (x->memory.count > MODEL_EPISODES)
        say(s, 'e', 0, 11, NULL, 0,
            "Only the first %u are told one by one. The %u later ones are in the counts of how "
            "often, how long and what was given up; whose fault they were is inconclusive.",
            model_episodes(x), x->memory.count - model_episodes(x));
    if (x->displays.over)
        say(s, 'e', 0, 12, NULL, 0,
            "Inconclusive beyond the first %u displays: %" PRIu64 " events of others are left out.",
            MODEL_DISPLAYS, x->displays.over);
}

static void say_times(const struct model *x, struct sayer *s)
{
    static const struct select calls[] = {
        {.kinds = {EV_oom_begin, EV_oom_end}},
        {.kinds = {EV_qxl_io_write}, .field = "port", .value = NOTIFY_OOM},
        {.kinds = {EV_guest_wait_begin, EV_guest_wait_end}, .rule = RULE_COUNTS}};
    static const struct select gone[] = {
        {.kinds = {EV_evict}}, {.kinds = {EV_trace_add}, .field = "reason", .value = EVICTED}};
    static const struct select waits[] = {
        {.kinds = {EV_guest_wait_begin, EV_guest_wait_end}, .rule = RULE_COUNTS}};
    static const struct select dropped[] = {{.kinds = {EV_qxl_spice_oom}, .rule = RULE_COUNTS}};
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];
    /* by what the server saw, or by the guest's own word, whichever knows of more */
    uint64_t still =
        x->memory.all.waited > x->waits.still_ns ? x->memory.all.waited : x->waits.still_ns;
    uint64_t longest = x->waits.longest_wait > x->memory.longest_stall ? x->waits.longest_wait
                                                                       : x->memory.longest_stall;

    say(s, 'e', 0, 1, calls, 3,
        "The guest ran out of graphics memory %u time%s (%.1f a minute). It is known to have stood "
        "still for %s in all, %.1f%% of the run; the longest was %s.",
        x->memory.count, text_s(x->memory.count),
        x->seconds > 0 ? x->memory.count * 60 / x->seconds : 0, text_span(still, a),
        x->seconds > 0 ? (double)still / x->seconds / 1e7 : 0, text_span(longest, b));
    if (x->memory.all.evicted)
        say(s, 'e', 0, 2, gone, 2,
            "To make room the server gave up %" PRIu64 " drawing%s early; %" PRIu64
            " could have been video frames, %" PRIu64 " %s a running stream's. %" PRIu64
            " entered its short memory, and %" PRIu64
            " of these pushed out something that was still of use (younger than 200 ms).",
            x->memory.all.evicted, text_s(x->memory.all.evicted), x->memory.all.streamable,
            x->memory.all.of_streams, text_were(x->memory.all.of_streams), x->memory.traced_evicted,
            x->memory.usable_evicted);
    else
        say(s, 'e', 0, 2, gone, 2,
            "The server gave up no drawing for it: handing back what was done with was enough.");
    if (x->has_guest && !x->waits.longest_wait)
        say(s, 'e', 0, 3, waits, 1, "By its own events the guest waited for no release.");
    else if (x->has_guest)
        say(s, 'e', 0, 3, waits, 1,
            "By its own events the guest waited %s for releases, at the longest %s, until %s.",
            text_span(x->memory.all.waited, a), text_span(x->waits.longest_wait, b),
            text_at(x, x->waits.longest_wait_at, c));
    if (x->memory.dropped)
        say(s, 'e', 0, 15, dropped, 1,
            "%" PRIu64 " call%s for memory came while the server was still busy with the one "
            "before, and %s dropped: a guest that has nothing else to wake it then waits in vain "
            "(Linux for 15 s).",
            x->memory.dropped, text_s(x->memory.dropped), text_were(x->memory.dropped));
    say_held(x, s);
    say_domain(x, s);
}

void say_episodes(const struct model *x, struct sayer *s)
{
    if (x->memory.count)
        say_times(x, s);
    else
        say(s, 'e', 0, 1, NULL, 0, "The guest never said that its graphics memory ran out.");
    say_left_out(x, s);
}

/* How it began, and what the server did. */
static void say_course(const struct model *x, const struct model_episode *e, struct sayer *s)
{
    const struct select own[] = {
        {.episode = e->id, .kinds = {EV_qxl_io_write, EV_oom_begin, EV_oom_end, EV_cmd}}};
    const struct select gone[] = {
        {.episode = e->id, .kinds = {EV_oom_begin, EV_flush_resources, EV_evict, EV_trace_add}}};
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE], d[TEXT_SIZE], f[TEXT_SIZE];
    uint64_t said = e->notifies ? e->notifies : e->ooms;

    snprintf(c, sizeof(c), "its next command is not known");
    if (e->resumed > e->from) {
        char span[TEXT_SIZE];

        snprintf(c, sizeof(c), "its next command came after %.32s",
                 text_span(e->resumed - e->from, span));
    }
    say(s, 'e', e->id, 1, own, 1,
        "At %s the guest%s ran out of graphics memory and said so %" PRIu64
        " time%s; the server answered %" PRIu64 " of them. It stood still for at least %s; %s.",
        text_at(x, e->from, a), text_display(x, e->display, d), said, text_s(said), e->ooms,
        text_span(e->stalled, b), c);
    say(s, 'e', e->id, 2, gone, 1,
        "The server held %" PRIu64 " drawing%s then, with at least %s of pictures (%" PRIu64
        " made up the screen, %" PRIu64 " were in its image dictionary, %" PRIu64
        " item%s waited for clients). It handed back %" PRIu64
        " that were done with, and gave up %" PRIu64 " early: %" PRIu64
        " could have been video frames, %" PRIu64 " %s a running stream's. %" PRIu64
        " slot%s of its short memory %s overwritten, %" PRIu64 " of them still of use.",
        e->drawables, text_s(e->drawables), text_bytes(e->held_bytes, f), e->current, e->glz,
        e->pipes, text_s(e->pipes), e->flushed, e->evicted, e->streamable, e->of_streams,
        text_were(e->of_streams), e->overwritten, text_s(e->overwritten), text_were(e->overwritten),
        e->usable);
}

void say_episode(const struct model *x, const struct model_episode *e, struct sayer *s)
{
    const struct select ask[] = {{.kinds = {EV_guest_bo}, .episode = e->id, .rule = RULE_ASK}};
    const struct select deletes[] = {{.kinds = {EV_guest_delete}, .episode = e->id}};
    const struct select losses[] = {
        {.kinds = {EV_loss}, .from = e->from, .to = e->until, .rule = RULE_HOST_LOSS},
        {.kinds = {EV_loss}, .from = e->from, .to = e->until, .rule = RULE_GUEST_LOSS}};
    char a[TEXT_SIZE];

    say_course(x, e, s);
    for (int i = 0; i < 4 && e->victims[i]; i++) {
        const struct select victim[] = {
            {.episode = e->id, .kinds = {EV_trace_add}, .other_region = e->victims[i]}};

        say(s, 'e', e->id, 3u + (unsigned)i, victim, 1,
            "%u of these slots held the history of region r%u.", e->victim_slots[i], e->victims[i]);
    }
    if (e->asked)
        say(s, 'e', e->id, 7, ask, 1, "The guest was asking for %s in %s.",
            text_bytes(e->asked_bytes, a),
            e->domain == RAM    ? "ram"
            : e->domain == VRAM ? "vram"
                                : "another memory than the device's");
    if (e->deletes)
        say(s, 'e', e->id, 8, deletes, 1,
            "The guest's kernel waited %" PRIu64 " time%s to be rid of what it had thrown away%s.",
            e->deletes, text_s(e->deletes), e->asked ? "" : "; nobody asked for memory");
    if (e->losses)
        say(s, 'e', e->id, 9, losses, 2, "Inconclusive: %" PRIu64 " events lost here.", e->lost);
    if (e->unsure)
        say(s, 'e', e->id, 10, NULL, 0,
            "What the guest asked for then is inconclusive: what it did and what the host saw are "
            "nearer in time than the guest's clock is known (%s).",
            text_span(e->unsure_error, a));
}

/* ---- throughput
 * --------------------------------------------------------------------------------------
 */

/* The server had the client show what comes later than before: the picture stands still meanwhile.
 */
static void say_put_off(const struct model_freeze *z, char *text, size_t size)
{
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];

    *text = '\0';
    if (client_put_off(z) >= (int64_t)MODEL_FREEZE)
        snprintf(
            text, size,
            " A frame of video was shown %s after it had come when that began, and %s after at "
            "its end, as the server wanted it: that alone holds the picture for %s.",
            text_span((uint64_t)z->delay_before, a), text_span((uint64_t)z->delay, b),
            text_span((uint64_t)client_put_off(z), c));
}

/* What stood still: where the client drew on, only the number that it could read. */
static const char *what_froze(const struct model *x, const struct model_freeze *z)
{
    if (!model_numbered(x))
        return "the client's picture in the clip's place";
    return z->drawn ? "the clip's number at the client" : "the client's picture of the clip";
}

static void say_drawn(const struct model *x, const struct model_freeze *z, char *text, size_t size)
{
    *text = '\0';
    if (model_numbered(x) && z->drawn)
        snprintf(
            text, size,
            " The client drew %u time%s in the clip's place meanwhile: its number could not be "
            "read, or did not change.",
            z->drawn, text_s(z->drawn));
}

/* What the guest drew of the clip meanwhile. Without frame numbers it is not known which redraws
 * belong to what the client watched. */
static void say_freeze_draws(const struct model *x, const struct model_freeze *z, char *text,
                             size_t size)
{
    if (model_numbered(x))
        snprintf(text, size, "The guest redrew the clip's place %u time%s in that span and",
                 model_freeze_draws(x, z), text_s(model_freeze_draws(x, z)));
    else
        snprintf(text, size, "Whether the guest drew there is not told; it");
}

/* The longest ones, and what stood in their way: what had been drawn, and what kept it. */
static void say_freezes(const struct model *x, struct sayer *s)
{
    const struct model_region *clip = model_clip(x);
    uint32_t kept = x->client.freeze_count < MODEL_FREEZES ? x->client.freeze_count : MODEL_FREEZES;
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE], d[TEXT_SIZE], drawn[128], moved[192], later[384];

    for (uint32_t i = 0; i < kept && (s->deep || i < 3); i++) {
        const struct model_freeze *z = &x->client.freezes[i];
        const struct select behind[] = {
            {.kinds = {EV_client_clip}, .from = z->to, .to = z->to},
            {.region = clip ? clip->id : 0,
             .outcomes = clip && model_numbered(x) ? (1u << OUTCOMES) - 1 : 0,
             .from = z->from,
             .to = z->to},
            {.kinds = {EV_oom_begin, EV_oom_end, EV_blocked}, .from = z->from, .to = z->to},
            {.kinds = {EV_guest_wait_begin, EV_guest_wait_end},
             .from = z->from,
             .to = z->to,
             .rule = RULE_COUNTS},
            {.kinds = {EV_loss}, .from = z->from, .to = z->to},
            {.kinds = {EV_client_picture}, .from = z->from, .to = z->to, .rule = RULE_CLIP_PLACE},
            {.kinds = {EV_client_frame}, .from = z->from, .to = z->to}};

        say_freeze_draws(x, z, drawn, sizeof(drawn));
        say_drawn(x, z, moved, sizeof(moved));
        say_put_off(z, later, sizeof(later));
        say(s, 't', 0, 10 + i, behind, *later ? 7 : 6,
            "At %s %s had stood still for %s. %s waited for memory for %s; for %s of it the server "
            "did not read the guest's commands.%s%s%s",
            text_at(x, z->to, a), what_froze(x, z), text_span(z->to - z->from, b), drawn,
            text_span(z->stalled, c), text_span(z->blocked, d), moved, later,
            z->lost ? " Inconclusive: events were lost here." : "");
    }
    if (x->client.freeze_count > MODEL_FREEZES)
        say(s, 't', 0, 5, NULL, 0, "%u more such times are counted, but not told one by one.",
            x->client.freeze_count - MODEL_FREEZES);
}

static void say_pictures(const struct model *x, struct sayer *s)
{
    static const struct select shown[] = {{.kinds = {EV_client_clip}}};
    uint64_t longest =
        x->client.freeze_count ? x->client.freezes[0].to - x->client.freezes[0].from : 0;
    char a[TEXT_SIZE], more[192] = "";

    if (!x->has_client) {
        say(s, 't', 0, 3, NULL, 0,
            "What the client showed, and when it froze, cannot be told: there are no events from a "
            "client.");
        return;
    }
    if (x->client.pictures && !model_numbered(x))
        snprintf(more, sizeof(more), " It read no frame number there: that need not be a clip.");
    else if (x->client.moved_count)
        snprintf(more, sizeof(more),
                 " In %u of these times it drew on in the clip's place: the number could not be "
                 "read then (pieces of different frames, or no clip), or did not change.",
                 x->client.moved_count);
    say(s, 't', 0, 3, shown, 1,
        "The client showed %" PRIu64 " pictures %s; %s for 500 ms or more %u time%s, %s at the "
        "longest.%s",
        x->client.pictures, model_numbered(x) ? "of the clip" : "in the clip's place",
        model_numbered(x) && x->client.moved_count ? "its number stood still" : "it froze",
        x->client.freeze_count, text_s(x->client.freeze_count), text_span(longest, a), more);
}

void say_traffic(const struct model *x, struct sayer *s)
{
    static const struct select sent[] = {{.kinds = {EV_sent}}};
    static const struct select blocks[] = {{.kinds = {EV_blocked}},
                                           {.kinds = {EV_cmd}, .rule = RULE_COUNTS}};
    const struct facts *f = x->facts;
    uint64_t other = 0;
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];

    for (int i = 0; i < FACTS_CHANNELS; i++)
        other += f->channels[i].sent;
    say(s, 't', 0, 1, sent, 1, "Sent to clients: %s as video, %s as drawings, %s of other things.",
        text_bytes(f->stream_data.sent, a), text_bytes(f->drawing.sent, b), text_bytes(other, c));
    if (x->waits.blocked_count)
        say(s, 't', 0, 2, blocks, 2,
            "The server stopped reading the guest's commands for %s, because a client took its "
            "data too slowly.",
            text_span(x->waits.blocked_ns, a));
    say_pictures(x, s);
    say_freezes(x, s);
    if (f->all_losses)
        say(s, 't', 0, 4, &(struct select){.kinds = {EV_loss}}, 1,
            "%" PRIu64 " events were lost in %" PRIu64 " places.", f->lost, f->all_losses);
}

void say_all(const struct model *x, struct sayer *s)
{
    say_episodes(x, s);
    for (uint32_t i = 1; i <= model_episodes(x); i++)
        say_episode(x, model_episode(x, i), s);
    say_streams(x, s);
    for (uint32_t i = 1; i <= x->streams.count && i <= MODEL_STREAMS; i++)
        say_stream(x, model_stream(x, i), s);
    say_regions(x, s);
    for (uint32_t i = 1; i <= x->regions.count; i++)
        say_region(x, model_kept(x, i), s);
    say_traffic(x, s);
    for (int h = 1; h <= HYPOTHESES; h++)
        say_hypothesis(x, h, s);
}
