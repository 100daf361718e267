/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What export prints, to the letter; and what a second reader makes of the same log. */
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include "cmd/commands.h"
#include "desktop.h"
#include "craft.h"

static void make_run(const char *path)
{
    struct bundle_writer *b;
    struct tap_writer *spice, *qemu;

    assert_int_equal(bundle_create(&b, path), 0);
    json_object_set_new(bundle_run(b), "started", json_pack("{sI}", "monotonic", (json_int_t)1000));
    assert_int_equal(bundle_log(b, SOURCE_SPICE, &spice), 0);
    assert_int_equal(bundle_log(b, SOURCE_QEMU, &qemu), 0);
    PUT(spice, draw, 2000, .display = 1, .drawable = 0x7f00deadbeefcafe, .release_id = 16,
        .type = 3, .effect = 99, .box = {-5, 0, 100, INT32_MAX}, .src_width = -1,
        .src_height = INT32_MIN, .created = 1999, .verdict = 0);
    PUT(qemu, qxl_io_write, 2500, .qid = -1, .port = 4, .val = UINT64_MAX, .size = 1, .async = 1);
    assert_int_equal(tap_write_loss(spice, 3000, 42, LOSS_REASON_ring_full), 0);
    assert_int_equal(tap_writer_flush(spice), 0);
    PUT(spice, stream_stop, 2000001000, .stream = UINT32_MAX, .reason = 0, .age = INT64_MIN,
        .frames = 3);
    assert_int_equal(bundle_log_close(b, spice), 0);
    assert_int_equal(bundle_log_close(b, qemu), 0);
    assert_int_equal(bundle_finish(b, "time is up"), 0);
}

static void expect(const char *file, const char *want)
{
    char *text = fake_text(file);

    assert_string_equal(text, want);
    free(text);
}

#define DRAW                                                                                       \
    "{\"t\":2000,\"source\":\"spice\",\"event\":\"draw\",\"tid\":7,\"display\":1,\"drawable\":"    \
    "\"0x7f00deadbeefcafe\",\"release_id\":\"0x10\",\"surface\":0,\"type\":\"copy\",\"effect\":"   \
    "99,\"box\":[-5,0,100,2147483647],\"src_width\":-1,\"src_height\":-2147483648,\"verdict\":"    \
    "\"can_stream\",\"created\":1999}\n"
#define IO                                                                                         \
    "{\"t\":2500,\"source\":\"qemu\",\"event\":\"qxl_io_write\",\"tid\":7,\"qid\":-1,\"port\":"    \
    "\"notify_oom\",\"val\":\"0xffffffffffffffff\",\"size\":1,\"async\":true}\n"
#define LOSS                                                                                       \
    "{\"t\":3000,\"source\":\"spice\",\"event\":\"loss\",\"tid\":0,\"count\":42,\"reason\":"       \
    "\"ring_full\",\"since\":2000}\n"
#define STOP                                                                                       \
    "{\"t\":2000001000,\"source\":\"spice\",\"event\":\"stream_stop\",\"tid\":7,\"display\":0,"    \
    "\"stream\":4294967295,\"reason\":\"timeout\",\"age\":-9223372036854775808,\"idle\":0,"        \
    "\"frames\":3}\n"

static void jsonl(void **state)
{
    char *run = strdup(fake_path("run"));
    (void)state;

    make_run(run);
    assert_int_equal(RUN(cmd_export, run, "--format", "jsonl"), EXIT_DONE);
    expect("out", DRAW IO LOSS STOP);
    expect("err", "");
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "--source", "qemu"), EXIT_DONE);
    expect("out", IO);
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "--kind", "stream_stop"), EXIT_DONE);
    expect("out", LOSS STOP);
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "--kind", "stream_stop,qxl_io_write",
                         "--from", "2500ns", "--to", "2"),
                     EXIT_DONE);
    expect("out", IO LOSS);
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "--from", "2.0"), EXIT_DONE);
    expect("out", STOP);
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "-o", fake_path("file")), EXIT_DONE);
    expect("out", "");
    expect("file", DRAW IO LOSS STOP);
    free(run);
}

#define DRAW_CSV                                                                                   \
    "t,source,event,tid,display,drawable,release_id,surface,type,effect,box_left,box_top,"         \
    "box_right,box_bottom,src_width,src_height,verdict,created\n"                                  \
    "2000,spice,draw,7,1,0x7f00deadbeefcafe,0x10,0,copy,99,-5,0,100,2147483647,-1,-2147483648,"    \
    "can_stream,1999\n"

static void csv(void **state)
{
    char *run = strdup(fake_path("run")), *folder = strdup(fake_path("tables"));
    (void)state;

    assert_int_equal(RUN(cmd_export, run, "-f", "csv"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_export, run, "-f", "csv", "--kind", "draw"), EXIT_DONE);
    expect("out", DRAW_CSV);
    expect("err", "spicetap export: 1 loss in this time: see --kind loss\n");
    assert_int_equal(RUN(cmd_export, run, "-f", "csv", "--kind", "wakeup"), EXIT_DONE);
    expect("out", "t,source,event,tid,display\n");
    assert_int_equal(RUN(cmd_export, run, "-f", "csv", "-o", folder), EXIT_DONE);
    expect("tables/draw.csv", DRAW_CSV);
    expect("tables/loss.csv", "t,source,event,tid,count,reason,since\n"
                              "3000,spice,loss,0,42,ring_full,2000\n");
    assert_int_equal(RUN(cmd_export, run, "-f", "csv", "-o", folder), EXIT_ENV);
    assert_int_equal(RUN(cmd_export, run, "--oom", "--summary"), EXIT_DONE);
    expect("err",
           "spicetap export: 1 loss: rows beside it may not be whole; --kind loss lists it\n");
    free(run);
    free(folder);
}

static void complains(const char *what)
{
    char *text = fake_text("err");

    if (!strstr(text, what))
        fail_msg("no \"%s\" in: %s", what, text);
    free(text);
}

/* The values of one statement as text, a row a line, columns apart by |. */
static void asked(const char *file, const char *sql, const char *want)
{
    char text[4096] = "", *end = text;
    sqlite3_stmt *s = NULL;
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open_v2(fake_path(file), &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL))
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    while (sqlite3_step(s) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            const unsigned char *v = sqlite3_column_text(s, i);

            end += sprintf(end, "%s%s", i ? "|" : "", v ? (const char *)v : "-");
        }
        end += sprintf(end, "\n");
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
    assert_string_equal(text, want);
}

static void sqlite(void **state)
{
    char *run = strdup(fake_path("run")), *file = strdup(fake_path("db"));
    (void)state;

    assert_int_equal(RUN(cmd_export, run, "-f", "sqlite", "-o", file), EXIT_DONE);
    expect("err",
           "spicetap export: 1 loss: rows beside it may not be whole; --kind loss lists it\n");
    asked("db",
          "SELECT t, source, event, tid, display, printf('0x%x', drawable), release_id, type, "
          "effect, box_left, box_bottom, src_height, verdict, created FROM draw",
          "2000|spice|draw|7|1|0x7f00deadbeefcafe|16|copy|99|-5|2147483647|-2147483648|can_stream|"
          "1999\n");
    asked("db", "SELECT qid, port, val, printf('%u', val), async FROM qxl_io_write",
          "-1|notify_oom|-1|18446744073709551615|1\n");
    asked("db", "SELECT t, source, count, reason, since FROM losses",
          "3000|spice|42|ring_full|2000\n");
    asked("db", "SELECT reason, age FROM stream_stop", "timeout|-9223372036854775808\n");
    asked("db", "SELECT count(*) FROM wakeup", "0\n"); /* of a kind that did not happen */
    asked("db", "SELECT unit, help FROM columns WHERE \"table\" = 'stream_stop' AND name = 'idle'",
          "ns|time since its last frame\n");
    asked("db", "SELECT json_extract(value, '$.state') FROM run WHERE name = 'run.json'",
          "complete\n");
    asked("db",
          "SELECT count(*) FROM sqlite_master WHERE name IN ('draw_t', 'draw_release_id', "
          "'journeys', 'oom', 'fences', 'updates', 'streams', 'frames')",
          "8\n");
    assert_int_equal(RUN(cmd_export, run, "-f", "sqlite", "-o", file, "--kind", "draw"), EXIT_DONE);
    asked("db",
          "SELECT (SELECT count(*) FROM draw), count(*) FROM sqlite_master WHERE "
          "name IN ('stream_stop', 'journeys')",
          "1|0\n");
    free(run);
    free(file);
}

/* Rows are written many at a time, those of two logs into one table: each is there once, as it was,
 * and they are in order of time. */
static void sqlite_many(void **state)
{
    char *run = strdup(fake_path("many")), *file = strdup(fake_path("many.db"));
    struct tap_writer *logs[2];
    struct bundle_writer *b;
    (void)state;

    assert_int_equal(bundle_create(&b, run), 0);
    assert_int_equal(bundle_log(b, SOURCE_SPICE, &logs[0]), 0);
    assert_int_equal(bundle_log(b, SOURCE_QEMU, &logs[1]), 0);
    for (uint64_t i = 0; i < 301; i++) {
        uint64_t t = 1000 + 10 * i;

        PUT(logs[0], draw, t, .drawable = 7 * i, .box = {1, 2, (int32_t)i, 4},
            .verdict = i % 3 ? DRAW_VERDICT_too_small : 99);
        assert_int_equal(tap_write_loss(logs[i % 2], t + 1, i % 5, LOSS_REASON_ring_full), 0);
    }
    assert_int_equal(bundle_log_close(b, logs[0]), 0);
    assert_int_equal(bundle_log_close(b, logs[1]), 0);
    assert_int_equal(bundle_finish(b, "time is up"), 0);
    assert_int_equal(RUN(cmd_export, run, "-f", "sqlite", "-o", file), EXIT_DONE);
    asked("many.db",
          "SELECT count(*), min(t = 1000 + 10 * (rowid - 1)), min(drawable = 7 * (rowid - 1)), "
          "min(box_right = rowid - 1), min(box_bottom), min(verdict = iif((rowid - 1) % 3, "
          "'too_small', 99)) FROM draw",
          "301|1|1|1|4|1\n");
    asked("many.db",
          "SELECT count(*), min(t = 1001 + 10 * (rowid - 1)), min(source = iif((rowid - 1) % 2, "
          "'qemu', 'spice')), sum(count IS NULL), sum(count) FROM loss",
          "301|1|1|61|600\n");
    free(run);
    free(file);
}

/* No kind may take a name that the database needs. */
static void sqlite_names(void **state)
{
    static const char json[] =
        "{\"source\":\"spice\",\"kinds\":["
        "{\"number\":1,\"name\":\"spicetap_rows\",\"fields\":[{\"name\":\"x\",\"type\":\"u64\"}]},"
        "{\"number\":2,\"name\":\"streams\",\"fields\":[{\"name\":\"x\",\"type\":\"u64\"}]}]}";
    static const uint8_t raw[] = {2, 1, 2, 0, 0, 1, 10, 0, 1, 14}; /* x: 5; 7 */
    struct craft c = {.major = 1, .json = json, .raw = raw, .raw_size = sizeof(raw), .events = 2};
    char *file = strdup(fake_path("names.db"));
    (void)state;

    assert_int_equal(RUN(cmd_export, craft(&c), "-f", "sqlite", "-o", file), EXIT_DONE);
    asked("names.db", "SELECT (SELECT x FROM kind_spicetap_rows), (SELECT x FROM kind_streams)",
          "5|7\n");
    free(file);
}

/* A stream's number is used again: each stream has its own end, or none. */
static void sqlite_streams(void **state)
{
    char *log = strdup(fake_path("streams.tap")), *file = strdup(fake_path("streams"));
    struct tap_writer *w = fake_log(log, SOURCE_SPICE);
    (void)state;

    PUT(w, stream_stop, 50, .display = 1, .stream = 5, .frames = 9, .age = 1000); /* began before */
    for (uint64_t t = 100; t < 700; t += 100) {
        PUT(w, stream_create, t, .display = t % 200 ? 1 : 0, .stream = 5, .fps = (uint32_t)t);
        if (t != 300 && t != 400) /* these ends were lost */
            PUT(w, stream_stop, t + 50, .display = t % 200 ? 1 : 0, .stream = 5,
                .frames = (uint32_t)t);
    }
    assert_int_equal(tap_writer_close(w), 0);
    assert_int_equal(RUN(cmd_export, log, "-f", "sqlite", "-o", file), EXIT_DONE);
    asked("streams", "SELECT display, created, stopped, lived, frames, fps FROM streams ORDER BY 2",
          "1|-|50|1000|9|-\n1|100|150|50|100|100\n0|200|250|50|200|200\n1|300|-|-|-|300\n0|400|-|-|"
          "-|400\n"
          "1|500|550|50|500|500\n0|600|650|50|600|600\n");
    free(log);
    free(file);
}

/* The page's queries work: on a run with all sources, of which nothing happened. */
static void queries(void **state)
{
    static const enum tap_source sources[] = {SOURCE_SPICE, SOURCE_QEMU, SOURCE_GUEST,
                                              SOURCE_CLIENT};
    char *run = strdup(fake_path("all")), *file = strdup(fake_path("all.db"));
    char *page = (char *)fake_load("docs/queries.md", &(size_t){0}), *at = page;
    struct bundle_writer *b;
    struct tap_writer *w;
    int count = 0;
    (void)state;

    assert_int_equal(bundle_create(&b, run), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(bundle_log(b, sources[i], &w), 0);
        assert_int_equal(bundle_log_close(b, w), 0);
    }
    assert_int_equal(bundle_finish(b, "time is up"), 0);
    assert_int_equal(RUN(cmd_export, run, "-f", "sqlite", "-o", file), EXIT_DONE);
    while ((at = strstr(at, "```sql\n"))) {
        char *end = strstr(at + 7, "```");

        assert_non_null(end);
        *end = '\0';
        asked("all.db", at + 7, "");
        at = end + 1;
        count++;
    }
    assert_true(count >= 12);
    free(page);
    free(run);
    free(file);
}

/* No half file, and no file beside it. */
static void sqlite_disk_full(void **state)
{
    struct rlimit all, little = {100000, RLIM_INFINITY};
    char *run = strdup(fake_path("run")), *file = strdup(fake_path("none"));
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    (void)state;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    assert_int_equal(RUN(cmd_export, run, "-f", "sqlite", "-o", file), EXIT_PART);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    signal(SIGXFSZ, before);
    complains("none: Input/output error; nothing is left of it"); /* as SQLite calls this limit */
    assert_int_equal(access(file, F_OK), -1);
    assert_int_equal(RUN(cmd_export, run, "-f", "sqlite", "-o", "/proc/none/out"), EXIT_ENV);
    assert_int_equal(RUN(cmd_export, run, "-f", "sqlite", "-o", "/dev/null"), EXIT_ENV);
    complains("/dev/null: not a file: name one with -o");
    assert_int_equal(RUN(cmd_export, run, "-f", "sqlite", "-o", fake_dir), EXIT_ENV);
    assert_int_equal(RUN(cmd_export, run, "-f", "sqlite"), EXIT_USAGE);
    complains("sqlite needs a file: -o FILE");
    free(run);
    free(file);
}

static void usage(void **state)
{
    char *run = strdup(fake_path("run"));
    (void)state;

    assert_int_equal(RUN(cmd_export, "-f", "jsonl"), EXIT_USAGE);
    complains("no run given");
    assert_int_equal(RUN(cmd_export, run), EXIT_USAGE);
    complains("--format jsonl");
    assert_int_equal(RUN(cmd_export, run, "-f", "xml"), EXIT_USAGE);
    complains("--format xml: not one of jsonl, csv");
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "--kind", "drow"), EXIT_USAGE);
    complains("no such kind of event: drow");
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "--source", "nobody"), EXIT_USAGE);
    complains("--source nobody: not one of spice, qemu, guest, client");
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "--from", "soon"), EXIT_USAGE);
    complains("not a time");
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "--to", "1e3"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "--to", "-1"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "--to", "18446744073709551616ns"),
                     EXIT_USAGE);
    assert_int_equal(RUN(cmd_export, run, run, "-f", "jsonl"), EXIT_USAGE);
    complains("one run at a time");
    assert_int_equal(RUN(cmd_export, fake_path("gone"), "-f", "jsonl"), EXIT_INPUT);
    complains("there is no such run");
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "-o", "/proc/none/out"), EXIT_ENV);
    complains("/proc/none/out: No such file");
    free(run);
}

/* What is wrong inside a run is named, not the run. */
static void names_the_file(void **state)
{
    static const char gone[] = "{\"format\":{\"major\":1},\"state\":\"complete\","
                               "\"logs\":[\"spice.tap\"]}";
    char *run = strdup(fake_path("lacking"));
    (void)state;

    assert_int_equal(mkdir(run, 0700), 0);
    fake_store(fake_path("lacking/run.json"), "{", 1);
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl"), EXIT_INPUT);
    complains("lacking/run.json: its description is damaged");
    fake_store(fake_path("lacking/run.json"), gone, strlen(gone));
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl"), EXIT_PART);
    complains("lacking/spice.tap: left out: run.json lists it, and it is not there");
    free(run);
}

static void disk_full(void **state)
{
    char *run = strdup(fake_path("run"));
    (void)state;

    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl", "-o", "/dev/full"), EXIT_PART);
    complains("/dev/full: No space left on device; 0 bytes written so far are kept");
    free(run);
}

static void recovered(void **state)
{
    char *run = strdup(fake_path("run")), *log = strdup(fake_path("run/spice.tap"));
    size_t size;
    uint8_t *data = fake_load(log, &size), *chunk = data + size - 4;
    (void)state;

    assert_int_equal(truncate(log, (off_t)size - 3), 0);
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl"), EXIT_DONE);
    complains("run/spice.tap: damaged, but no event of it is missing");
    expect("out", DRAW IO LOSS STOP);
    for (int marks = 0; marks < 2; marks += !memcmp(chunk, TAP_CHUNK_MARK, 4))
        chunk--; /* the one with stream_stop */
    assert_int_equal(truncate(log, chunk - data + 60), 0);
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl"), EXIT_DONE);
    complains("run/spice.tap: recovered: a part is damaged or missing");
    expect("out", DRAW IO LOSS
           "{\"t\":2000001000,\"source\":\"spice\",\"event\":\"loss\",\"tid\":0,\"count\":1,"
           "\"reason\":\"truncated\",\"since\":2000001000}\n");
    assert_int_equal(truncate(log, 20), 0);
    assert_int_equal(RUN(cmd_export, run, "-f", "jsonl"), EXIT_PART);
    expect(
        "out",
        "{\"warning\":\"A log of this run is damaged or missing: what it had is not here.\"}\n" IO
        "{\"t\":2500,\"source\":\"spice\",\"event\":\"loss\",\"tid\":0,\"count\":3,"
        "\"reason\":\"damaged\",\"since\":null}\n");
    complains("run/spice.tap: left out: no run and no log of spicetap, or cut off");
    free(data);
    free(log);
    free(run);
}

/* A reader written from docs/dev/format.md alone reads the same. */
static void second_reader(void **state)
{
    char *spice = strdup(fake_path("s.tap")), *qemu = strdup(fake_path("q.tap"));
    struct tap_writer *s = fake_log(spice, SOURCE_SPICE), *q = fake_log(qemu, SOURCE_QEMU);
    struct desktop *d = malloc(sizeof(*d));
    char command[512];
    (void)state;

    desktop_init(d, s, q);
    while (tap_writer_events(s) < 9000)
        desktop_step(d);
    for (uint64_t i = 0; i < 9000; i++) {
        struct tap_event ev = fake_event(fake_kind(SOURCE_SPICE), d->time + i);
        assert_int_equal(tap_write(s, &ev), 0);
        ev = fake_event(fake_kind(SOURCE_QEMU), d->time + i);
        assert_int_equal(tap_write(q, &ev), 0);
    }
    assert_int_equal(tap_write_loss(s, d->time + 10000, 3, LOSS_REASON_ring_full), 0);
    assert_int_equal(tap_writer_close(s), 0);
    assert_int_equal(tap_writer_close(q), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(RUN(cmd_export, i ? qemu : spice, "-f", "jsonl"), EXIT_DONE);
        snprintf(command, sizeof(command), "python3 tests/unit/read_tap.py '%s' | cmp - '%s'",
                 i ? qemu : spice, fake_path("out"));
        assert_int_equal(system(command), 0);
    }
    free(spice);
    free(qemu);
    free(d);
}

static json_t *segment(json_int_t from, json_int_t to, json_int_t at, json_int_t host,
                       json_int_t drift)
{
    return json_pack("{sI sI sI sI sI si si ss}", "guest_from", from, "guest_to", to, "guest_at",
                     at, "host_at", host, "drift_ppb", drift, "error_ns", 5, "pairs", 9, "method",
                     "io");
}

/* Two boots of a guest. The first's clock has products that do not divide, a gap between segments,
 * and a segment that begins before the end of the one before. */
static json_t *clocks(void)
{
    json_t *first = json_array();

    json_array_append_new(first, segment(10007, 2000000, 12345, 5000000003, -7654321));
    json_array_append_new(first, segment(3000000, 4000000, 3000000, 5002900000, 7654321));
    json_array_append_new(first, segment(4000000, 6000001, 4000000, 5003700000, -1));
    return json_pack("[{ss so}, {ss s[o]}]", "log", "guest.tap", "segments", first, "log",
                     "guest-2.tap", "segments", segment(0, 1, 0, 5000000000, 0));
}

/* Events of four logs around the window, out of order across chunks, many at equal times. */
static void make_guest_run(const char *path)
{
    static const enum tap_source sources[] = {SOURCE_SPICE, SOURCE_QEMU, SOURCE_GUEST,
                                              SOURCE_GUEST};
    struct bundle_writer *b;

    assert_int_equal(bundle_create(&b, path), 0);
    for (unsigned l = 0; l < 4; l++) {
        struct tap_writer *w;

        assert_int_equal(bundle_log_numbered(b, sources[l], l == 3 ? 2 : 1, &w), 0);
        for (uint64_t i = 0; i < 7000; i++) {
            uint64_t time = (l < 2 ? 5000000000 : 0) + i * 1000 - (i % 100 == 7 ? 77001 : 0);
            struct tap_event ev = fake_event(fake_kind(sources[l]), i < 100 ? i * 1000 : time);

            ev.time += l < 2 && i < 100 ? 5000000000 : 0;
            assert_int_equal(tap_write(w, &ev), 0);
            if (i % 1000 == 999)
                assert_int_equal(tap_write_loss_since(w, i % 2000 == 999 ? 0 : ev.time - 5000,
                                                      ev.time - 10, i % 3000,
                                                      LOSS_REASON_ring_full),
                                 0);
            if (i % 100 == 6)
                assert_int_equal(tap_writer_flush(w), 0);
        }
        assert_int_equal(bundle_log_close(b, w), 0);
    }
    json_object_set_new(bundle_run(b), "clocks", clocks());
    json_object_set_new(
        bundle_run(b), "window",
        json_pack("{sI sI}", "from", (json_int_t)5000500000, "to", (json_int_t)5006500000));
    assert_int_equal(bundle_finish(b, "time is up"), 0);
}

static void both_read(const char *run)
{
    char command[PATH_MAX * 2 + 64];
    int code = RUN(cmd_export, run, "-f", "jsonl");

    assert_true(code == EXIT_DONE || code == EXIT_PART);
    snprintf(command, sizeof(command), "python3 tests/unit/read_tap.py '%s' | cmp - '%s'", run,
             fake_path("out"));
    assert_int_equal(system(command), 0);
}

/* Whole runs: the window, the clocks, ties, spans of losses. Then damaged ones. */
static void second_reader_of_runs(void **state)
{
    char *run = strdup(fake_path("guest")), *log = strdup(fake_path("guest/spice.tap"));
    uint8_t *data, *copy;
    size_t size, mark = 0, marks[4] = {0};
    (void)state;

    make_guest_run(run);
    both_read(run);
    data = fake_load(log, &size);
    copy = malloc(2 * size);
    for (size_t at = 0, n = 0; at + TAP_CHUNK_SIZE <= size; at++)
        if (!memcmp(data + at, TAP_CHUNK_MARK, 4) && n++ >= 20 && mark < 4)
            marks[mark++] = at;
    for (int way = 0; way < 7; way++) {
        size_t cut = marks[1], length = size;

        memcpy(copy, data, size);
        if (way == 0) /* cut between chunks */
            length = cut;
        else if (way == 1) /* in a header */
            length = cut + 20;
        else if (way == 2) /* in a payload */
            length = cut + 80;
        else if (way == 3) /* a bad header */
            copy[cut + 20] ^= 1;
        else if (way == 4) /* a bad payload */
            copy[cut + 60] ^= 1;
        else if (way == 5) { /* a chunk is gone */
            memmove(copy + cut, copy + marks[2], size - marks[2]);
            length = size - (marks[2] - cut);
        } else { /* chunks come twice */
            memmove(copy + marks[2], data + marks[0], size - marks[0]);
            length = size + marks[2] - marks[0];
        }
        fake_store(log, copy, length);
        both_read(run);
        both_read(log);
    }
    free(copy);
    free(data);
    free(log);
    free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jsonl),         cmocka_unit_test(csv),
        cmocka_unit_test(sqlite),        cmocka_unit_test(sqlite_streams),
        cmocka_unit_test(sqlite_many),   cmocka_unit_test(sqlite_names),
        cmocka_unit_test(queries),       cmocka_unit_test(sqlite_disk_full),
        cmocka_unit_test(usage),         cmocka_unit_test(names_the_file),
        cmocka_unit_test(disk_full),     cmocka_unit_test(recovered),
        cmocka_unit_test(second_reader), cmocka_unit_test(second_reader_of_runs),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
