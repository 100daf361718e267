/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/record_words.h"

#define SECOND 1000000000

enum { LIVE_EVERY = 10 /* seconds between live lines where no terminal overwrites them */ };

const char *record_speaker = "spicetap record";

void record_tell(const char *format, ...)
{
    char text[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "%s: %s\n", record_speaker, text);
}

void record_print_line(void *who, const char *text)
{
    (void)who;
    record_tell("%s", text);
}

static const char *human(char *text, size_t size, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    size_t unit = 0;

    for (; bytes >= 1000 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
        bytes /= 1000;
    snprintf(text, size, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return text;
}

/* "3 events lost", or "3 events lost and 2 losses of unknown size". */
static const char *losses(char *text, size_t size, const struct recorder_view *v)
{
    int n = snprintf(text, size, "%" PRIu64 " event%s lost", v->lost, v->lost == 1 ? "" : "s");

    if (v->unknown)
        snprintf(text + n, size - (size_t)n, " and %" PRIu64 " loss%s of unknown size", v->unknown,
                 v->unknown == 1 ? "" : "es");
    return text;
}

static void print_missing(const json_t *missing, bool stock)
{
    const json_t *entry;
    size_t i;

    if (stock)
        record_tell("this spice-server has no probes (a stock build): only QEMU's "
                    "calls of it are recorded, nothing of streams, evictions and clients");
    json_array_foreach(missing, i, entry)
    {
        if (stock && !strcmp(json_string_value(json_object_get(entry, "provider")), "spice"))
            continue;
        record_tell("not recorded: %s:%s: %s",
                    json_string_value(json_object_get(entry, "provider")),
                    json_string_value(json_object_get(entry, "name")),
                    json_string_value(json_object_get(entry, "why")));
    }
}

void record_print_attached(const struct recorder *r, const struct recorder_options *o)
{
    struct recorder_view v;

    recorder_look(r, &v);
    if (v.vm->spice.replaced)
        record_tell("%s was replaced on disk since the VM started. The VM's own copy "
                    "is traced (build id %s)",
                    v.vm->spice.name, v.vm->spice.probes.build_id);
    if (!o->tracer.no_qemu && !vm_has_qemu_probes(v.vm))
        record_tell("%s has no probes (a stock build): recording without QEMU's", v.vm->exe.name);
    print_missing(v.missing, v.stock);
    fprintf(stderr, "recording %d (%s) to %s: attached to %u %s and %u qemu probes\n", v.vm->pid,
            v.vm->domain ? v.vm->domain : "no name", v.path, v.spice,
            v.stock ? "functions of spice-server" : "spice", v.qemu);
    if (v.scale != 1)
        record_tell("the VM runs in slow motion (libfaketime). All times are the "
                    "VM's: 1 s takes %g s",
                    v.scale);
    fflush(stderr);
}

void record_print_live(void *who, const struct recorder *r)
{
    struct record_live *l = who;
    struct recorder_view v;
    char sent[32], lost[96];
    double seconds;

    l->seconds++;
    if (l->quiet || (!l->tty && l->seconds % LIVE_EVERY))
        return;
    recorder_look(r, &v);
    seconds = (double)(v.now - (l->before ? l->before : v.started)) / SECOND;
    human(sent, sizeof(sent), (double)(v.counts->sent - l->sent) / seconds);
    fprintf(stderr, "%s%" PRIu64 " s  %.0f events/s  ", l->tty ? "\r" : "",
            (v.now - v.started) / SECOND, (double)(v.events - l->events) / seconds);
    if (v.stock)
        fprintf(stderr, "%" PRIu64 " calls for memory  ", v.counts->kinds[EV_spice_qxl_oom]);
    else
        fprintf(stderr, "%" PRIu64 " OOMs  streams %u of %" PRIu64 "  %s/s sent  ",
                v.counts->kinds[EV_oom_begin], counts_running(v.counts), v.counts->streams, sent);
    fprintf(stderr, "%s%s", losses(lost, sizeof(lost), &v), l->tty ? "\033[K" : "\n");
    l->before = v.now;
    l->events = v.events;
    l->sent = v.counts->sent;
}

void record_print_json(const struct recorder *r)
{
    struct recorder_view v;
    json_t *o;

    recorder_look(r, &v);
    o = json_pack("{ss so sf sI sI sI sI sI ss}", "run", v.path, "domain",
                  v.vm->domain ? json_string(v.vm->domain) : json_null(), "seconds",
                  (double)(v.ended - v.started) / SECOND, "events", (json_int_t)v.events, "bytes",
                  (json_int_t)v.bytes, "lost", (json_int_t)v.lost, "losses_of_unknown_size",
                  (json_int_t)v.unknown, "pid", (json_int_t)v.vm->pid, "end", v.end);
    if (o)
        json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
}

void record_print_end(const struct recorder *r)
{
    char size[32], sent[32], lost[96];
    struct recorder_view v;

    recorder_look(r, &v);
    printf("%s: %.1f s, %" PRIu64 " events in %s, ", v.path, (double)(v.ended - v.started) / SECOND,
           v.events, human(size, sizeof(size), (double)v.bytes));
    if (v.stock)
        printf("%" PRIu64 " calls for memory, ", v.counts->kinds[EV_spice_qxl_oom]);
    else
        printf("%" PRIu64 " OOMs, %" PRIu64 " evictions, %" PRIu64 " streams created and %" PRIu64
               " ended, %s sent, ",
               v.counts->kinds[EV_oom_begin], v.counts->kinds[EV_evict],
               v.counts->kinds[EV_stream_create], v.counts->kinds[EV_stream_stop],
               human(sent, sizeof(sent), (double)v.counts->sent));
    printf("%s; %s\n", losses(lost, sizeof(lost), &v), v.end);
}
