/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "report/info.h"
#include "record/worker_cpu.h"

enum { TEXT = 64, LISTED_LOSSES = 10 };

static double rate(const struct info *i, uint64_t count)
{
    return i->seconds > 0 ? (double)count / i->seconds : 0;
}

/* 1234567 as "1.2 MB". */
static const char *bytes_text(uint64_t bytes, char *text)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double v = (double)bytes;
    int unit = 0;

    for (; v >= 1000 && unit < 4; unit++)
        v /= 1000;
    snprintf(text, TEXT, unit ? "%.1f %s" : "%.0f %s", v, units[unit]);
    return text;
}

static const char *span_text(uint64_t ns, char *text)
{
    double s = (double)ns / 1e9;

    snprintf(text, TEXT,
             s >= 1      ? "%.2f s"
             : s >= 1e-3 ? "%.1f ms"
                         : "%.1f us",
             s >= 1      ? s
             : s >= 1e-3 ? s * 1e3
                         : s * 1e6);
    return text;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

/* ---- who, what, when ------------------------------------------------------------------------ */

/* Text from run.json, kept from doing harm on a terminal. */
static void print_plain(const char *text)
{
    for (; *text; text++)
        putchar(iscntrl((unsigned char)*text) ? '?' : *text);
}

static bool print_scalar(const json_t *v)
{
    if (json_is_string(v))
        print_plain(json_string_value(v));
    else if (json_is_integer(v))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if (json_is_boolean(v))
        printf(json_is_true(v) ? "yes" : "no");
    else
        return false;
    return true;
}

/* Sizes of memory are easier to read with a unit. */
static void print_member(const char *key, const json_t *value)
{
    char text[TEXT];

    if (!strcmp(key, "memory") && json_integer_value(value) > 0)
        printf("%s", bytes_text((uint64_t)json_integer_value(value), text));
    else
        print_scalar(value);
}

static void print_members(const char *title, const json_t *object)
{
    const char *key, *between = "";
    json_t *value;

    if (!json_object_size(object))
        return;
    printf("%-9s ", title);
    json_object_foreach((json_t *)object, key, value)
    {
        if (json_is_object(value) || json_is_array(value) || json_is_null(value))
            continue;
        printf("%s", between);
        print_plain(key);
        putchar(' ');
        print_member(key, value);
        between = ", ";
    }
    putchar('\n');
    json_object_foreach((json_t *)object, key, value)
    {
        if (json_is_object(value)) {
            char name[TEXT];

            snprintf(name, sizeof(name), "  %s", key);
            print_members(name, value);
        }
    }
}

static void print_devices(const json_t *devices)
{
    for (size_t d = 0; d < json_array_size(devices); d++) {
        const json_t *device = json_array_get(devices, d);
        const char *driver = json_string_value(json_object_get(device, "driver")), *key;
        json_t *value, *properties = json_object_get(device, "properties");

        printf("%-9s ", d ? "" : "devices");
        print_plain(driver ? driver : "?");
        json_object_foreach(properties, key, value)
        {
            if (!strcmp(key, "driver") || !strcmp(key, "id") || !strcmp(key, "bus") ||
                !strcmp(key, "addr"))
                continue;
            printf(" ");
            print_plain(key);
            printf("=");
            print_scalar(value);
            if (strstr(key, "_size") && json_integer_value(value) >= 1 << 20)
                printf(" (%" JSON_INTEGER_FORMAT " MiB)", json_integer_value(value) >> 20);
        }
        printf("\n");
    }
}

static const char *text_at(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

static void print_run(const struct info *i)
{
    static const char *const states[] = {
        [BUNDLE_COMPLETE] = "complete",
        [BUNDLE_RECORDING] = "still being recorded",
        [BUNDLE_RECOVERED] = "recovered: its recorder did not end in order",
    };
    const json_t *about = bundle_about(i->bundle);
    const char *wall = text_at(json_object_get(about, "started"), "wall"),
               *why = text_at(about, "end");

    printf("run       ");
    print_plain(i->run);
    printf(": %.1f s", i->seconds);
    if (*wall) {
        printf(" from ");
        print_plain(wall);
    }
    printf("; %s", json_object_size(about) ? states[bundle_state(i->bundle)] : "a log alone");
    if (*why) {
        printf(": ");
        print_plain(why);
    }
    putchar('\n');
    print_members("target", json_object_get(about, "target"));
    print_devices(json_object_get(about, "devices"));
    print_members("host", json_object_get(about, "host"));
    if (worker_cpu_share(about, i->seconds) >= 0)
        printf("worker    the spice server's used %.1f%% of one core\n",
               100 * worker_cpu_share(about, i->seconds));
}

static void print_hello(const char *name, const json_t *hello)
{
    const json_t *missing = json_object_get(hello, "missing");

    printf("guest     ");
    print_plain(name);
    printf(": kernel ");
    print_plain(text_at(hello, "kernel"));
    printf(", ");
    print_plain(text_at(hello, "distribution"));
    printf(", spicetap-guest ");
    print_plain(text_at(hello, "agent"));
    printf(", %zu probes attached, %zu missing",
           json_array_size(json_object_get(hello, "attached")), json_array_size(missing));
    for (size_t m = 0; m < json_array_size(missing); m++) {
        printf(m ? ", " : ": ");
        print_plain(text_at(json_array_get(missing, m), "name"));
    }
    printf("\n");
}

static void print_clock(const char *name, const struct clock_map *m)
{
    for (size_t s = 0; s < m->count; s++) {
        const struct clock_segment *c = &m->segments[s];

        printf("  clock   ");
        print_plain(name);
        printf(" %s: %.1f s, offset %.6f s, drift %.3f ppm, error ",
               c->bridge ? "jump" : clock_method_name(c->method),
               (double)(c->guest_to - c->guest_from) / 1e9,
               ((double)c->host_at - (double)c->guest_at) / 1e9, (double)c->drift_ppb / 1e3);
        if (c->error == CLOCK_UNKNOWN)
            printf("unknown\n");
        else
            printf("%.1f us, %" PRIu64 " pairs\n", (double)c->error / 1e3, c->pairs);
    }
    printf("  clock   ");
    print_plain(name);
    printf(": %" PRIu64 " pairs, %" PRIu64 " rejected, %" PRIu64 " violations\n", m->pairs,
           m->rejected, m->violations);
}

static void print_guest(const struct info *i)
{
    const json_t *guest = json_object_get(bundle_about(i->bundle), "guest");
    const json_t *logs = json_object_get(guest, "logs");

    for (size_t l = 0; l < json_array_size(logs); l++) {
        const json_t *log = json_array_get(logs, l);

        print_hello(text_at(log, "log"), json_object_get(log, "hello"));
    }
    if (json_object_size(guest))
        print_members("  port", guest);
    for (size_t l = 0; l < i->log_count; l++)
        if (i->logs[l].clock)
            print_clock(i->logs[l].name, i->logs[l].clock);
}

static void print_events(const struct info *i)
{
    const struct facts *f = i->facts;
    char text[TEXT];

    printf("events    %" PRIu64 " (%.0f a second)", f->events, rate(i, f->events));
    for (int s = SOURCE_SPICE; s < FACTS_SOURCES; s++)
        if (f->of_source[s])
            printf(", %s %" PRIu64, tap_source_name((enum tap_source)s), f->of_source[s]);
    printf("\non disk   %s", bytes_text(i->bytes, text));
    if (f->events)
        printf(", %.1f bytes an event", (double)i->bytes / (double)f->events);
    putchar('\n');
}

static void print_losses(const struct info *i)
{
    const struct facts *f = i->facts;
    const struct tap_enum *reasons = info_enum(EV_loss, "reason");
    char text[TEXT];

    if (!f->all_losses) {
        printf("losses    none\n");
        return;
    }
    printf("losses    %" PRIu64 " event%s in %" PRIu64 " place%s", f->lost, plural(f->lost),
           f->all_losses, plural(f->all_losses));
    if (f->lost_unknown)
        printf("; how many at %" PRIu64 " of them is not known", f->lost_unknown);
    printf(":\n");
    for (size_t l = 0; l < f->loss_count && l < LISTED_LOSSES; l++) {
        const struct facts_loss *x = &f->losses[l];

        printf("          at %.3f s, %s: ",
               x->time > i->start ? (double)(x->time - i->start) / 1e9 : 0.0,
               tap_source_name(x->source));
        if (x->count)
            printf("%" PRIu64 " event%s, ", x->count, plural(x->count));
        printf("%s\n", info_value(reasons, x->reason, text, sizeof(text)));
    }
    if (f->all_losses > LISTED_LOSSES)
        printf("          and %" PRIu64 " more: spicetap export --kind loss\n",
               f->all_losses - LISTED_LOSSES);
}

/* ---- what happened -----------------------------------------------------------------------------
 */

static void print_memory(const struct info *i)
{
    const struct facts *f = i->facts;
    char each[TEXT], longest[TEXT];

    printf("\nMemory\n  OOM episodes  %" PRIu64, f->oom);
    if (f->oom)
        printf(" (%.1f a minute)", rate(i, f->oom) * 60);
    if (f->oom_longest)
        printf(", %s in all, the longest %s", span_text(f->oom_time, each),
               span_text(f->oom_longest, longest));
    if (f->oom_cut)
        printf("; %" PRIu64 " not whole in the recording", f->oom_cut);
    printf("\n  evictions     %" PRIu64, f->evicted);
    if (f->evicted)
        printf(" in %" PRIu64 " calls of free_some, %" PRIu64
               " of them inside an OOM episode; %" PRIu64 " streamable",
               f->free_some, f->evicted_in_oom, f->evicted_streamable);
    printf("\n");
}

static void print_stream(const struct info *i, const struct facts_stream *s)
{
    const char *note = info_stream_note(i, s);
    char name[TEXT], box[TEXT] = "?", created[TEXT] = "-", lived[TEXT] = "?";
    uint64_t until = s->ended || s->end_lost ? s->until : i->end;

    snprintf(name, sizeof(name), "%u:%u", s->display, s->number);
    if (s->has_box)
        snprintf(box, sizeof(box), "%" PRId64 "x%" PRId64 "+%d+%d", (int64_t)s->box[2] - s->box[0],
                 (int64_t)s->box[3] - s->box[1], s->box[0], s->box[1]);
    if (s->created >= i->start && s->created)
        snprintf(created, sizeof(created), "%.3f s", (double)(s->created - i->start) / 1e9);
    if (s->created && until >= s->created)
        span_text(until - s->created, lived);
    else if (!s->created && until >= i->start) /* it began before, and nothing says when */
        snprintf(lived, sizeof(lived), "> %.2f s", (double)(until - i->start) / 1e9);
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
    const struct facts *f = i->facts;
    uint64_t running = 0;

    for (size_t s = 0; s < f->stream_count; s++)
        running += !f->streams[s].ended && !f->streams[s].end_lost;
    printf("\nStreams: %" PRIu64 " created, %" PRIu64 " stopped, %" PRIu64
           " still running at the end\n",
           f->created, f->stopped, running);
    if (f->stream_count)
        printf("  %-8s %-20s %10s %10s %8s  %s\n", "display:n", "box", "created at", "lived",
               "frames", "end");
    for (size_t s = 0; s < f->stream_count; s++)
        print_stream(i, &f->streams[s]);
    if (f->unlisted)
        printf("  and %" PRIu64 " more\n", f->unlisted);
}

static void print_class(const char *name, const struct facts_bytes *b, uint64_t all)
{
    char text[TEXT];

    if (b->count)
        printf("  %-22s %10s %5.1f%%  %8" PRIu64 " messages\n", name, bytes_text(b->sent, text),
               all ? 100.0 * (double)b->sent / (double)all : 0, b->count);
}

static void print_compressed(const char *what, const struct facts_bytes *table,
                             const struct tap_enum *names)
{
    char name[TEXT], raw[TEXT], sent[TEXT];

    for (unsigned v = 0; v < FACTS_VALUES; v++) {
        const struct facts_bytes *b = &table[v];

        if (b->count)
            printf("  %s %-16s %8" PRIu64 ": %10s -> %10s (%.1f to 1)\n", what,
                   info_value(names, v, name, sizeof(name)), b->count, bytes_text(b->raw, raw),
                   bytes_text(b->sent, sent), b->sent ? (double)b->raw / (double)b->sent : 0.0);
    }
}

static void print_bytes(const struct info *i)
{
    const struct facts *f = i->facts;
    const struct tap_enum *channels = info_enum(EV_sent, "channel");
    uint64_t all = f->stream_data.sent + f->drawing.sent;
    char text[TEXT], name[TEXT];

    for (int c = 0; c < FACTS_CHANNELS; c++)
        all += f->channels[c].sent;
    printf("\nBytes sent: %s", bytes_text(all, text));
    printf(" (%s a second)\n", bytes_text((uint64_t)rate(i, all), text));
    print_class("display, stream data", &f->stream_data, all);
    print_class("display, drawing", &f->drawing, all);
    for (unsigned c = 0; c < FACTS_CHANNELS; c++) {
        char full[2 * TEXT];

        snprintf(full, sizeof(full), c == 2 ? "%s, other" : "%s",
                 info_value(channels, c, name, sizeof(name)));
        print_class(full, &f->channels[c], all);
    }
    print_compressed("frames,", f->encoded, info_enum(EV_stream_encode, "codec"));
    print_compressed("images,", f->images, info_enum(EV_image, "type"));
}

static void print_took(const struct facts_took *t, const char *since)
{
    char mean[TEXT], longest[TEXT];

    if (t->count)
        printf(", %s until in the picture mean %s, longest %s", since,
               span_text(t->sum / t->count, mean), span_text(t->longest, longest));
    printf("\n");
}

static void print_clip(const struct facts_client *c)
{
    char text[TEXT];

    if (c->shown)
        printf("  clip      %" PRIu64 " frame%s shown, %" PRIu64 " late, %" PRIu64 " lost",
               c->shown, plural(c->shown), c->late, c->lost);
    else
        printf("  clip      no number could be read; %" PRIu64 " change%s of its region",
               c->changes, plural(c->changes));
    printf("; longest freeze %s\n", span_text(c->longest_freeze, text));
}

static void print_client_log(const struct info *i)
{
    const struct facts_client *c = &i->facts->client;
    struct facts_bytes all = info_client_bytes(i);
    char text[TEXT];

    printf("  got       %s in %" PRIu64 " message%s", bytes_text(all.sent, text), all.count,
           plural(all.count));
    printf(", of the display %s in %" PRIu64 "\n", bytes_text(c->channels[2].sent, text),
           c->channels[2].count);
    printf("  frames    %" PRIu64 " of streams, %" PRIu64 " came too late; %" PRIu64 " shown",
           c->frames.count, c->too_late, c->frames_took.count);
    print_took(&c->frames_took, "from there and due");
    printf("  drawings  %" PRIu64 " shown", c->drawings_took.count);
    print_took(&c->drawings_took, "from the last byte");
    print_clip(c);
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
    print_plain(about ? text_at(about, "uri") : "its log alone");
    putchar('\n');
    if (i->facts->of_source[SOURCE_CLIENT])
        print_client_log(i);
    if (status < 0)
        printf("  it had to be killed\n");
    else if (status)
        printf("  it ended with status %" JSON_INTEGER_FORMAT ": see client.log\n", status);
}

static void print_counts(const char *title, const uint64_t *counts, const struct tap_enum *names)
{
    char name[TEXT];
    uint64_t all = 0;

    for (unsigned v = 0; v < FACTS_VALUES; v++)
        all += counts[v];
    if (!all)
        return;
    printf("\n%s: %" PRIu64 "\n", title, all);
    for (unsigned v = 0; v < FACTS_VALUES; v++)
        if (counts[v])
            printf("  %-22s %10" PRIu64 " %5.1f%%\n", info_value(names, v, name, sizeof(name)),
                   counts[v], 100.0 * (double)counts[v] / (double)all);
}

static void print_kinds(const struct info *i)
{
    const struct facts *f = i->facts;

    printf("\nEvents by kind\n");
    for (unsigned k = 0; k < FACTS_KINDS; k++)
        if (f->of_kind[k])
            printf("  %-28s %10" PRIu64 " %9.1f a second\n", f->kinds[k] ? f->kinds[k]->name : "?",
                   f->of_kind[k], rate(i, f->of_kind[k]));
}

int info_text(const struct info *i)
{
    static const char *const against[] = {"Matches against running streams",
                                          "Matches against the trace ring",
                                          "Matches against the drawable replaced", "Matches"};
    const struct facts *f = i->facts;

    print_run(i);
    print_guest(i);
    print_events(i);
    print_losses(i);
    print_memory(i);
    print_streams(i);
    print_counts("Draws by verdict", f->draws, info_enum(EV_draw, "verdict"));
    for (int a = 0; a < 4; a++)
        print_counts(against[a], f->matches[a], info_enum(EV_match, "verdict"));
    print_counts("Written into the trace ring, by reason", f->trace_adds,
                 info_enum(EV_trace_add, "reason"));
    print_counts("Frames not sent as frames", f->drops, info_enum(EV_stream_drop, "reason"));
    print_bytes(i);
    print_client(i);
    print_kinds(i);
    return EXIT_DONE;
}
