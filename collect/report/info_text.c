/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explain/names.h"
#include "report/info.h"

enum { LISTED_LOSSES = 10 };

static double rate(const struct info *i, uint64_t count)
{
    return i->seconds > 0 ? (double)count / i->seconds : 0;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void print_events(const struct info *i)
{
    const struct model_counts *f = &i->model->counts;
    char text[INFO_TEXT];

    printf("events    %" PRIu64 " (%.0f a second)", f->events, rate(i, f->events));
    for (int s = SOURCE_SPICE; s < SOURCES; s++)
        if (f->of_source[s])
            printf(", %s %" PRIu64, tap_source_name((enum tap_source)s), f->of_source[s]);
    printf("\non disk   %s", info_bytes(i->bytes, text));
    if (f->events)
        printf(", %.1f bytes an event", (double)i->bytes / (double)f->events);
    putchar('\n');
}

static void print_losses(const struct info *i)
{
    const struct model_counts *f = &i->model->counts;
    const struct tap_enum *reasons = &tap_enum_loss_reason;
    char text[INFO_TEXT];
    uint64_t least;

    if (!f->listed.count) {
        printf("losses    none\n");
        return;
    }
    least = f->lost + f->lost_unknown; /* a loss is of one event or more */
    printf("losses    %s%" PRIu64 " event%s in %" PRIu64 " place%s",
           f->lost_unknown ? "at least " : "", least, plural(least), bounded_all(&f->listed),
           plural(bounded_all(&f->listed)));
    if (f->lost_unknown)
        printf("; the number is unknown at %" PRIu64 " of them", f->lost_unknown);
    printf(":\n");
    for (size_t l = 0; l < f->listed.count && l < LISTED_LOSSES; l++) {
        const struct counts_loss *x = &f->losses[l];

        printf("          at %.3f s, %s: ",
               x->time > i->start ? (double)(x->time - i->start) / 1e9 : 0.0,
               tap_source_name(x->source));
        if (x->count == RUN_UNKNOWN)
            printf("an unknown number of events, ");
        else
            printf("%" PRIu64 " event%s, ", x->count, plural(x->count));
        printf("%s\n", info_value(reasons, x->reason, text, sizeof(text)));
    }
    if (bounded_all(&f->listed) > LISTED_LOSSES)
        printf("          and %" PRIu64 " more: spicetap export --kind loss\n",
               bounded_all(&f->listed) - LISTED_LOSSES);
}

/* ---- what happened ---- */

static void print_memory(const struct info *i)
{
    const struct model_memory *m = &i->model->memory;
    const struct model_waits *w = &i->model->waits;
    char each[INFO_TEXT], longest[INFO_TEXT];

    printf("\nMemory\n  OOM answers   %" PRIu64, m->all.ooms);
    if (m->all.ooms)
        printf(" (%.1f a minute)", rate(i, m->all.ooms) * 60);
    if (w->oom_longest)
        printf(", %s in all from oom_begin to oom_end, the longest %s", info_span(w->oom_ns, each),
               info_span(w->oom_longest, longest));
    if (w->oom_cut)
        printf("; %" PRIu64 " not whole in the recording", w->oom_cut);
    printf("\n  evictions     %" PRIu64, m->all.evicted);
    if (m->all.evicted)
        printf(" in %" PRIu64 " calls of free_some, %" PRIu64
               " of them during an OOM answer; %" PRIu64 " streamable",
               m->passes, m->evicted_in_oom, m->all.streamable);
    printf("\n");
}

static void print_stream(const struct info *i, const struct model_stream *s)
{
    const char *note = info_stream_note(i, s);
    char name[INFO_TEXT], box[INFO_TEXT] = "?", created[INFO_TEXT] = "-", lived[INFO_TEXT] = "?";

    snprintf(name, sizeof(name), "%u:%u", s->display, s->number);
    if (s->has_box)
        snprintf(box, sizeof(box), "%" PRId64 "x%" PRId64 "+%d+%d", (int64_t)s->box[2] - s->box[0],
                 (int64_t)s->box[3] - s->box[1], s->box[0], s->box[1]);
    if (s->born >= i->start && s->born)
        snprintf(created, sizeof(created), "%.3f s", (double)(s->born - i->start) / 1e9);
    if (s->born && !stream_end_seen(s))
        snprintf(lived, sizeof(lived), "> %.2f s", (double)(s->last_frame - s->born) / 1e9);
    else if (s->born && s->died >= s->born)
        info_span(s->died - s->born, lived);
    else if (!s->born && s->died >= i->start) /* it began before, and nothing shows when */
        snprintf(lived, sizeof(lived), "> %.2f s", (double)(s->died - i->start) / 1e9);
    printf("  %-8s %-20s %10s %10s %8" PRIu64 "  %s", name, box, created, lived, s->frames,
           info_stream_end(s));
    if (note)
        printf("; %s", note);
    if (s->losses)
        printf("; not certain: %" PRIu64 " loss%s in its life", s->losses,
               s->losses == 1 ? "" : "es");
    printf("\n");
}

static void print_streams(const struct info *i)
{
    const struct model_counts *f = &i->model->counts;
    const struct model_stream *s;
    uint64_t running = 0;

    for (uint32_t id = 1; (s = model_stream_at(i->model, id)); id++)
        running += !s->ended && !s->end_lost;
    printf("\nStreams: %" PRIu64 " created, %" PRIu64 " stopped, %" PRIu64
           " still running at the end\n",
           f->of_kind[EV_stream_create], f->of_kind[EV_stream_stop], running);
    if (i->model->streams.kept.count)
        printf("  %-8s %-20s %10s %10s %8s  %s\n", "display:n", "box", "created at", "lived",
               "frames", "end");
    for (uint32_t id = 1; (s = model_stream_at(i->model, id)); id++)
        print_stream(i, s);
    if (info_unlisted(i))
        printf("  and %" PRIu64 " more\n", info_unlisted(i));
}

static void print_class(const char *name, const struct byte_sum *b, uint64_t all)
{
    char text[INFO_TEXT];

    if (b->count)
        printf("  %-22s %10s %5.1f%%  %8" PRIu64 " messages\n", name, info_bytes(b->sent, text),
               all ? 100.0 * (double)b->sent / (double)all : 0, b->count);
}

static void print_compressed(const char *what, const struct byte_sum *table,
                             const struct tap_enum *names)
{
    char name[INFO_TEXT], raw[INFO_TEXT], sent[INFO_TEXT];

    for (unsigned v = 0; v < COUNTS_VALUES; v++) {
        const struct byte_sum *b = &table[v];

        if (b->count)
            printf("  %s %-16s %8" PRIu64 ": %10s -> %10s (%.1f to 1)\n", what,
                   info_value(names, v, name, sizeof(name)), b->count, info_bytes(b->raw, raw),
                   info_bytes(b->sent, sent), b->sent ? (double)b->raw / (double)b->sent : 0.0);
    }
}

static void print_bytes(const struct info *i)
{
    const struct model_bytes *f = &i->model->bytes;
    const struct tap_enum *channels = &tap_enum_channel;
    uint64_t all = f->stream_data.sent + f->drawing.sent;
    char text[INFO_TEXT], name[INFO_TEXT];

    for (int c = 0; c < BYTES_CHANNELS; c++)
        all += f->channels[c].sent;
    printf("\nBytes sent: %s", info_bytes(all, text));
    printf(" (%s a second)\n", info_bytes((uint64_t)rate(i, all), text));
    print_class("display, stream data", &f->stream_data, all);
    print_class("display, drawing", &f->drawing, all);
    for (unsigned c = 0; c < BYTES_CHANNELS; c++) {
        char full[2 * INFO_TEXT];

        snprintf(full, sizeof(full), c == 2 ? "%s, other" : "%s",
                 info_value(channels, c, name, sizeof(name)));
        print_class(full, &f->channels[c], all);
    }
    print_compressed("frames,", f->encoded, &tap_enum_codec);
    print_compressed("images,", f->images, &tap_enum_image_type);
}

static void print_took(const struct histogram *t, const char *since)
{
    char mean[INFO_TEXT], longest[INFO_TEXT];

    if (t->all)
        printf(", %s until in the picture mean %s, longest %s", since,
               info_span(t->sum / t->all, mean), info_span(t->longest, longest));
    printf("\n");
}

static void print_clip(const struct info *i)
{
    const struct model_client *c = &i->model->client;
    char text[INFO_TEXT];

    if (c->numbered)
        printf("  clip      %" PRIu64 " frame%s shown, %" PRIu64 " late, %" PRIu64 " lost",
               c->pictures, plural(c->pictures), c->late, c->lost);
    else
        printf("  clip      no number could be read; %" PRIu64 " change%s of its region",
               c->pictures, plural(c->pictures));
    printf("; longest freeze %s", info_span(c->longest_freeze, text));
    if (c->screen.ages.all && !c->screen.age.full)
        printf("; %s behind in the median",
               info_span(histogram_quantile(&c->screen.ages, 0.5), text));
    if (c->screen.bars.read)
        printf("; torn %.1f%% of the time", percent(c->screen.bars.torn, c->screen.bars.read));
    printf("\n");
}

static void print_keys(const struct client_keys *k)
{
    char median[INFO_TEXT], p95[INFO_TEXT];

    if (!k->pressed)
        return;
    printf("  keys      %" PRIu64 " pressed, %" PRIu64 " answered, %" PRIu64
           " without answer in time",
           k->pressed, k->answered, k->unanswered);
    if (k->answered)
        printf("; press to picture median %s, p95 %s",
               info_span(histogram_quantile(&k->took, 0.5), median),
               info_span(histogram_quantile(&k->took, 0.95), p95));
    printf("\n");
}

static void print_client_log(const struct info *i)
{
    const struct client_arrivals *c = &i->model->client.arrivals;
    struct byte_sum all = info_client_bytes(i);
    char text[INFO_TEXT];

    printf("  got       %s in %" PRIu64 " message%s", info_bytes(all.sent, text), all.count,
           plural(all.count));
    printf(", of the display %s in %" PRIu64 "\n", info_bytes(c->channels[2].sent, text),
           c->channels[2].count);
    printf("  frames    %" PRIu64 " of streams, %" PRIu64 " came too late; %" PRIu64 " shown",
           c->frames.count, c->too_late, c->frames_took.all);
    print_took(&c->frames_took, "from there and due");
    printf("  drawings  %" PRIu64 " shown", c->drawings_took.all);
    print_took(&c->drawings_took, "from the last byte");
    print_clip(i);
    print_keys(&i->model->client.keys);
    if (c->ended)
        printf("  %" PRIu64 " of its channels ended before the recording did\n", c->ended);
}

static void print_client(const struct info *i)
{
    const json_t *about = json_object_get(bundle_about(i->bundle), "client");
    json_int_t status = json_integer_value(json_object_get(about, "exit"));

    if (!info_has_client(i))
        return;
    printf("\nClient: ");
    info_plain(about ? info_string(about, "uri") : "its log alone");
    putchar('\n');
    if (i->model->counts.of_source[SOURCE_CLIENT])
        print_client_log(i);
    if (status < 0)
        printf("  it had to be killed\n");
    else if (status)
        printf("  it ended with status %" JSON_INTEGER_FORMAT ": see client.log\n", status);
}

static void print_counts(const char *title, const uint64_t *counts, const struct tap_enum *names)
{
    char name[INFO_TEXT];
    uint64_t all = 0;

    for (unsigned v = 0; v < COUNTS_VALUES; v++)
        all += counts[v];
    if (!all)
        return;
    printf("\n%s: %" PRIu64 "\n", title, all);
    for (unsigned v = 0; v < COUNTS_VALUES; v++)
        if (counts[v])
            printf("  %-22s %10" PRIu64 " %5.1f%%\n", info_value(names, v, name, sizeof(name)),
                   counts[v], 100.0 * (double)counts[v] / (double)all);
}

static void print_kinds(const struct info *i)
{
    const struct model_counts *f = &i->model->counts;

    printf("\nEvents by kind\n");
    for (unsigned k = 0; k < COUNTS_KINDS; k++)
        if (f->of_kind[k])
            printf("  %-28s %10" PRIu64 " %9.1f a second\n", f->kinds[k] ? f->kinds[k]->name : "?",
                   f->of_kind[k], rate(i, f->of_kind[k]));
}

/* Of a spice-server without probes. */
static void print_calls(const struct info *i)
{
    const uint64_t *calls = i->model->counts.of_kind;

    printf("\nCalls of spice-server, which has no probes\n"
           "  for memory    %" PRIu64 " (%.1f a minute)\n"
           "  wakeups       %" PRIu64 "\n"
           "Its evictions, its streams and the bytes it sent are unknown.\n",
           calls[EV_spice_qxl_oom], rate(i, calls[EV_spice_qxl_oom]) * 60,
           calls[EV_spice_qxl_wakeup]);
}

static void print_server(const struct info *i)
{
    static const char *const against[] = {"Matches against running streams",
                                          "Matches against the trace ring",
                                          "Matches against the drawable replaced", "Matches"};
    const struct model_counts *f = &i->model->counts;

    print_memory(i);
    print_streams(i);
    print_counts("Draws by verdict", f->draws, &tap_enum_draw_verdict);
    for (int a = 0; a < 4; a++)
        print_counts(against[a], f->matches[a], &tap_enum_match_verdict);
    print_counts("Written into the trace ring, by reason", f->trace_adds, &tap_enum_remove_reason);
    print_counts("Frames not sent as frames", f->drops, &tap_enum_drop_reason);
    print_bytes(i);
}

void info_text(const struct info *i)
{
    info_about(i);
    print_events(i);
    print_losses(i);
    if (bundle_stock(i->bundle))
        print_calls(i);
    else
        print_server(i);
    print_client(i);
    print_kinds(i);
}
