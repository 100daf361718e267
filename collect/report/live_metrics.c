/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and types: https://prometheus.io/docs/practices/naming and the OpenMetrics specification.
 */
#include <inttypes.h>
#include <stddef.h>

#include "base/exit.h"
#include "event/event.h"
#include "report/live.h"

enum type { GAUGE, COUNTER, NANOSECONDS }; /* NANOSECONDS: a counter, printed in seconds */

struct family {
    const char *name; /* of a counter without _total */
    const char *unit; /* the last word of its name; NULL: none */
    const char *help;
    enum type type;
    size_t offset;                 /* in board_figures */
    const struct tap_enum *reason; /* the label `reason`; NULL: none */
};

#define FIGURE(field) offsetof(struct board_figures, field)

static const struct family families[] = {
    {"spicetap_streams_running", NULL, "Video streams that run now", GAUGE, FIGURE(streams_running),
     NULL},
    {"spicetap_streams_created", NULL, "Video streams that spice-server began", COUNTER,
     FIGURE(streams_created), NULL},
    {"spicetap_streams_ended", NULL, "Video streams that ended, by reason", COUNTER,
     FIGURE(streams_ended), &tap_enum_stop_reason},
    {"spicetap_stream_frames", NULL, "Frames that joined a video stream", COUNTER, FIGURE(frames),
     NULL},
    {"spicetap_stream_frames_encoded", NULL, "Frames encoded, once for each client", COUNTER,
     FIGURE(frames_encoded), NULL},
    {"spicetap_stream_frames_dropped", NULL, "Frames not sent to a client, by reason", COUNTER,
     FIGURE(frames_dropped), &tap_enum_drop_reason},
    {"spicetap_ooms", NULL, "Times the guest reported that it is out of graphics memory", COUNTER,
     FIGURE(ooms), NULL},
    {"spicetap_oom_seconds", "seconds", "Time that spice-server spent on such reports", NANOSECONDS,
     FIGURE(oom_ns), NULL},
    {"spicetap_evictions", NULL, "Drawings given up early to free the guest's memory", COUNTER,
     FIGURE(evictions), NULL},
    {"spicetap_blocked", NULL,
     "Times spice-server stopped reading the guest's commands, as a client's pipe was too long",
     COUNTER, FIGURE(blocked), NULL},
    {"spicetap_sent_bytes", "bytes", "Bytes written to the clients' sockets", COUNTER, FIGURE(sent),
     NULL},
    {"spicetap_lost_events", NULL, "Events that spicetap lost, so that its counts are too low",
     COUNTER, FIGURE(lost), NULL},
};

struct page {
    FILE *out;
    const struct live *live;
    bool open;
};

static const char *suffix(const struct family *f)
{
    return f->type == GAUGE ? "" : "_total";
}

/* OpenMetrics names a counter's family without _total, the older format with it. */
static void print_head(const struct page *p, const char *name, const char *end, const char *type,
                       const char *unit, const char *help)
{
    if (p->open)
        end = "";
    fprintf(p->out, "# HELP %s%s %s.\n# TYPE %s%s %s\n", name, end, help, name, end, type);
    if (p->open && unit)
        fprintf(p->out, "# UNIT %s %s\n", name, unit);
}

static void print_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '\\' || c == '"')
            fputc('\\', out);
        if (c == '\n')
            fputs("\\n", out);
        else
            fputc(c < ' ' || c == 0x7f ? '?' : c, out);
    }
}

static void print_value(const struct page *p, const struct family *f, uint64_t value)
{
    const uint64_t second = 1000000000;

    if (f->type == NANOSECONDS)
        fprintf(p->out, "%" PRIu64 ".%09" PRIu64 "\n", value / second, value % second);
    else
        fprintf(p->out, "%" PRIu64 "\n", value);
}

static void print_series(const struct page *p, const struct family *f, unsigned i,
                         const char *reason, uint64_t value)
{
    fprintf(p->out, "%s%s{domain=\"", f->name, suffix(f));
    print_escaped(p->out, p->live->vms[i].name);
    if (reason)
        fprintf(p->out, "\",reason=\"%s", reason);
    fputs("\"} ", p->out);
    print_value(p, f, value);
}

static void print_family(const struct page *p, const struct family *f)
{
    print_head(p, f->name, suffix(f), f->type == GAUGE ? "gauge" : "counter", f->unit, f->help);
    for (unsigned i = 0; i < p->live->count; i++) {
        const struct board_vm *vm = &p->live->vms[i];
        const uint64_t *values = (const uint64_t *)((const char *)&vm->figures + f->offset);

        if (vm->state != BOARD_WATCHED)
            continue;
        if (!f->reason)
            print_series(p, f, i, NULL, *values);
        for (size_t r = 0; f->reason && r < f->reason->count; r++)
            print_series(p, f, i, f->reason->values[r].name,
                         values[f->reason->values[r].value % BOARD_REASONS]);
    }
}

static void print_watched(const struct page *p)
{
    print_head(p, "spicetap_watched", "", "gauge", NULL,
               "1: the VM is watched; 0: it cannot be, or not yet");
    for (unsigned i = 0; i < p->live->count; i++) {
        fputs("spicetap_watched{domain=\"", p->out);
        print_escaped(p->out, p->live->vms[i].name);
        fprintf(p->out, "\"} %d\n", p->live->vms[i].state == BOARD_WATCHED);
    }
    print_head(p, "spicetap_vms_beyond_table", "", "gauge", NULL,
               "VMs that are not watched because there are too many");
    fprintf(p->out, "spicetap_vms_beyond_table %u\n", p->live->beyond);
}

void live_metrics(FILE *out, const struct live *l, bool open)
{
    const struct page p = {out, l, open};

    print_head(&p, "spicetap_build", "_info", open ? "info" : "gauge", NULL,
               "The version of spicetap");
    fputs("spicetap_build_info{version=\"" SPICETAP_VERSION "\"} 1\n", out);
    print_watched(&p);
    for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++)
        print_family(&p, &families[i]);
    if (open)
        fputs("# EOF\n", out);
}
