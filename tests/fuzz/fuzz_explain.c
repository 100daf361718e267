/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forged bundles: whatever events the logs of a run hold, in whatever order, and whatever run.json
 * says of clocks, explain (page, JSON, the events behind each sentence) and whatif must not crash,
 * and must come to an end. The logs are made here, since a random file is no log: fuzz_tap is for
 * those.
 * A long run: scripts/fuzz.sh run build/fuzz/fuzz_explain 3600
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/bundle.h"
#include "cmd/commands.h"
#include "event/fields.h"

static const char *const names[] = {"spice.tap", "qemu.tap", "guest.tap", "client.tap"};
static const enum tap_source sources[] = {SOURCE_SPICE, SOURCE_QEMU, SOURCE_GUEST, SOURCE_CLIENT};
enum { LOGS = 4 };

static char folder[64];
static FILE *null_file; /* what is printed is not looked for here */

static uint8_t take(const uint8_t **p, const uint8_t *end)
{
    return *p < end ? *(*p)++ : 0;
}

static const char *path_of(const char *name)
{
    static char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void clean(void)
{
    for (int i = 0; i < LOGS; i++)
        unlink(path_of(names[i]));
    unlink(path_of("run.json"));
}

static void gone(void)
{
    clean();
    rmdir(folder);
}

/* Mostly small values, which meet each other; boxes of a few places; now and then an extreme one.
 */
static uint64_t value(uint8_t b, uint64_t now)
{
    if (b < 0xc0)
        return b & 7;
    if (b < 0xd0)
        return now - (uint64_t)(b & 15) * 20000000; /* a time, an age */
    if (b < 0xe0)
        return (uint64_t)(b & 15) * 64 | (uint64_t)(b & 15) * 64 << 32;
    if (b < 0xf0)
        return (uint64_t)(b & 15) * 30000000;
    return b < 0xf8 ? UINT64_MAX - (b & 7) : 1ull << ((b & 7) * 9);
}

static uint64_t fit(uint64_t v, enum tap_type type)
{
    switch (type) {
    case TYPE_U32:
        return (uint32_t)v;
    case TYPE_S32:
        return (uint64_t)(int64_t)(int32_t)v;
    case TYPE_U8:
        return (uint8_t)v;
    case TYPE_BOOL:
        return v & 1;
    default:
        return v;
    }
}

static void fill(struct tap_event *ev, const struct tap_kind_desc *k, const uint8_t **p,
                 const uint8_t *end)
{
    for (unsigned i = 0; i < k->count; i++) {
        const struct tap_field *f = &k->fields[i];

        ev->v[f->slot] = fit(value(take(p, end), ev->time), f->type);
        if (f->type == TYPE_RECT)
            ev->v[f->slot + 1] = value(take(p, end), ev->time);
    }
}

/* ---- things that belong together: single events seldom come to more than that they are odd
 * ------- */

static void put(struct tap_writer *w, enum tap_kind kind, uint64_t time, const void *fields)
{
    struct tap_event ev = {.time = time,
                           .tid = 1,
                           .kind = (uint16_t)kind,
                           .slots = tap_kind_find((uint16_t)kind)->slots};

    memcpy(ev.v, fields, ev.slots * sizeof(*ev.v));
    tap_write(w, &ev);
}

#define PUT(w, name, time, ...) put(w, EV_##name, time, &(struct fields_##name){__VA_ARGS__})

/* A redraw of one of four boxes, and what a server could decide of it */
static void redraw(struct tap_writer *w, uint64_t now, uint8_t b, uint8_t how)
{
    static uint64_t last;
    uint64_t drawable = 0x1000 + how % 32 * 16, display = b >> 2 & 1;
    struct tap_rect box = {b % 4 * 50, 0, b % 4 * 50 + 120, 110};

    PUT(w, cmd, now, .display = display, .type = 1, .release_id = drawable);
    PUT(w, draw, now, .display = display, .drawable = drawable, .release_id = drawable, .type = 3,
        .effect = 1, .box = box, .src_width = 120, .src_height = 110, .created = now,
        .verdict = b & 8 ? how % 12 : 0);
    if (how & 32)
        PUT(w, match, now, .display = display, .drawable = drawable, .release_id = drawable,
            .against = how >> 6, .index = how & 7, .since = (int64_t)(now - last), .other = box,
            .verdict = b & 16 ? how & 7 : 0);
    if (b & 32)
        PUT(w, frame, now, .display = display, .drawable = drawable, .release_id = drawable,
            .frames = how, .gradual_frames = how & 7, .graduality = how & 3, .starts = how > 19);
    if (how > 200)
        PUT(w, stream_create, now, .display = display, .stream = how & 3, .drawable = drawable,
            .release_id = drawable, .box = box, .width = 120, .height = 110, .fps = 25);
    else if (how > 100)
        PUT(w, stream_attach, now, .display = display, .stream = how & 3, .drawable = drawable,
            .release_id = drawable, .since = (int64_t)(now - last), .box = box);
    last = now;
}

static void ran_out(struct tap_writer *const *w, uint64_t now, uint8_t b)
{
    PUT(w[2], guest_oom, now, .took = 1000);
    PUT(w[1], qxl_io_write, now, .qid = b & 1, .port = 4);
    PUT(w[0], oom_begin, now, .display = b & 1, .drawables = b);
    PUT(w[0], evict, now, .display = b & 1, .drawable = 0x1000 + b % 32 * 16u,
        .stream = (int32_t)(b & 3) - 1, .streamable = 1);
    PUT(w[0], trace_add, now, .display = b & 1, .drawable = 0x1000 + b % 32 * 16u, .slot = b & 7,
        .reason = 1, .old_age = b * 1000000);
    PUT(w[0], oom_end, now, .display = b & 1);
    PUT(w[2], guest_bo, now, .domain = b & 3, .size = b, .took = b * 1000000);
}

static uint64_t write_logs(const uint8_t **p, const uint8_t *end)
{
    struct tap_writer *w[LOGS] = {NULL};
    uint64_t now = 1000000000;

    for (int i = 0; i < LOGS; i++)
        if (tap_writer_open(&w[i], path_of(names[i]), sources[i]))
            abort();
    while (*p < end) {
        uint8_t which = take(p, end);
        const struct tap_kind_desc *k = &tap_kinds[which % tap_kind_count];
        uint8_t step = take(p, end);
        struct tap_event ev = {.kind = k->kind, .slots = k->slots, .tid = step & 3};

        now += (uint64_t)(step >> 2) * (step & 2 ? 5000000 : 20000);
        ev.time = now;
        if (which >= 0xa0) {
            redraw(w[0], now, which, take(p, end));
            continue;
        }
        if (which >= 0x98) {
            ran_out(w, now, take(p, end));
            continue;
        }
        fill(&ev, k, p, end);
        if (k->source == SOURCE_META)
            tap_write_loss(w[step % LOGS], now, ev.v[0], LOSS_REASON_ring_full);
        for (int i = 0; i < LOGS; i++)
            if (k->source == sources[i])
                tap_write(w[i], &ev);
    }
    for (int i = 0; i < LOGS; i++)
        tap_writer_close(w[i]);
    return now;
}

static void write_about(uint8_t what, uint64_t now)
{
    static const char *const devices[] = {"qxl-vga", "virtio-vga", "", "qxl"};
    FILE *f = fopen(path_of("run.json"), "w");

    if (!f)
        abort();
    fprintf(f,
            "{\"format\":{\"major\":1,\"minor\":0},\"state\":\"complete\",\"devices\":[{\"driver\":"
            "\"%s\"}],\"logs\":[\"spice.tap\",\"qemu.tap\",\"guest.tap\",\"client.tap\"]",
            devices[what & 3]);
    if (what & 4)
        fprintf(f, ",\"window\":{\"from\":%" PRIu64 ",\"to\":%" PRIu64 "}",
                what & 8 ? now : UINT64_C(1000000000), what & 16 ? UINT64_C(1) : now);
    if (what & 32)
        fprintf(f,
                ",\"clocks\":[{\"log\":\"guest.tap\",\"pairs\":1,\"rejected\":0,\"violations\":0,"
                "\"segments\":[{\"guest_from\":1,\"guest_to\":%" PRIu64
                ",\"guest_at\":1,\"host_at\":1,\"drift_ppb\":0,\"error_ns\":%s,\"pairs\":1,"
                "\"method\":\"io\",\"jump\":false}]}]",
                now, what & 64 ? "50000000" : "null");
    fprintf(f, "}\n");
    fclose(f);
}

static void run(int (*command)(int, char **), char **argv)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    optind = 0;
    if (command(argc, argv) == EXIT_ENV)
        abort();
}

#define RUN(command, ...)                                                                          \
    run(command, (char **)(const char *[]){"spicetap", folder, ##__VA_ARGS__, NULL})

/* One view of the run at a time: each takes some ms to set up. */
static void look(uint8_t how)
{
    static const char *const refs[] = {
        "i0.1",  "i0.2", "i0.3", "i0.4", "i0.5", "i0.7", "i0.8", "e0.1",  "e0.2",
        "e0.3",  "e0.8", "e1.1", "e1.2", "e1.8", "e1.9", "s0.2", "s1.2",  "s1.3",
        "s1.4",  "s1.6", "s1.7", "s1.9", "s2.3", "r1.1", "r1.2", "r1.43", "r1.46",
        "r1.20", "t0.1", "t0.2", "t0.3", "t0.4", "h1.1", "h2.1", "h3.1",  "h4.1"};

    switch (how % 8) {
    case 0:
        RUN(cmd_explain, "--json");
        break;
    case 1:
        RUN(cmd_explain, "--stream", "1", "--region", "1", "--episode", "1");
        RUN(cmd_explain, "--at", "0.1");
        break;
    case 2:
        RUN(cmd_whatif, "--trace-items", "8..64", "--json");
        break;
    case 3:
        RUN(cmd_whatif, "--frames-start", "2", "--box-tolerance", "8");
        break;
    case 4:
        RUN(cmd_compare, "--format", "json");
        break;
    case 5:
        RUN(cmd_explain, "--hypotheses");
        break;
    default:
        RUN(cmd_explain, "--events", refs[how / 8 % (sizeof(refs) / sizeof(*refs))]);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *p = data, *end = data + size;
    uint8_t what = take(&p, end), more = take(&p, end);
    FILE *out = stdout, *err = stderr;

    clean();
    write_about(what, write_logs(&p, end));
    stdout = stderr = null_file;
    look(more);
    stdout = out;
    stderr = err;
    return 0;
}

/* Long inputs to begin with: a stream takes twenty redraws. */
static void seed(const char *corpus)
{
    uint64_t x = 88172645463325252u;

    for (int n = 0; n < 16; n++) {
        char path[PATH_MAX];
        FILE *f;

        snprintf(path, sizeof(path), "%s/seed-%d", corpus, n);
        f = fopen(path, "wx");
        for (int i = 0; f && i < 1500; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            fputc(i == 1 ? n : (int)(x >> 32 & 0xff), f);
        }
        if (f)
            fclose(f);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    for (int i = 1; i < *argc; i++)
        if ((*argv)[i][0] != '-') {
            seed((*argv)[i]);
            break;
        }
    snprintf(folder, sizeof(folder), "%s/spicetap-fuzz-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(folder))
        return 1;
    null_file = fopen("/dev/null", "w");
    atexit(gone);
    return !null_file;
}
