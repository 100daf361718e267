/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs: what is written is read, and damage costs no more than the chunk it is in. */
#include <signal.h>
#include <sys/resource.h>

#include "craft.h"
#include "desktop.h"

enum { CHUNKS = 3, PER_CHUNK = 20, MANY = 20000 };

static void same_event(const struct tap_event *a, const struct tap_event *b)
{
    assert_int_equal(a->time, b->time);
    assert_int_equal(a->tid, b->tid);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->slots, b->slots);
    assert_memory_equal(a->v, b->v, a->slots * sizeof(*a->v));
}

/* ---- all goes well ---------------------------------------------------------------------- */

static void round_trip_of(enum tap_source source)
{
    struct tap_event *all = calloc(MANY, sizeof(*all)), ev;
    const char *path = fake_path("round.tap");
    struct tap_writer *w = fake_log(path, source);
    struct tap_reader *r;
    uint64_t time = fake_random() >> 20;

    for (int i = 0; i < MANY; i++) {
        time += fake_random() % 200000;
        all[i] = fake_event(i % 50 ? fake_kind(source) : tap_kind_find(EV_loss), time);
        assert_int_equal(tap_write(w, &all[i]), 0);
    }
    assert_int_equal(tap_writer_events(w), MANY);
    assert_int_equal(tap_writer_close(w), 0);
    assert_int_equal(tap_reader_open(&r, path), 0);
    assert_int_equal(tap_reader_source(r), source);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(tap_reader_next(r, &ev), 1);
        same_event(&ev, &all[i]);
    }
    assert_int_equal(tap_reader_next(r, &ev), 0);
    assert_int_equal(tap_reader_next(r, &ev), 0);
    assert_false(tap_reader_recovered(r));
    tap_reader_close(r);
    unlink(path);
    free(all);
}

static void round_trip(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        round_trip_of(SOURCE_SPICE);
        round_trip_of(SOURCE_QEMU);
    }
}

/* The log's own description says of each kind what the built-in table says. */
static void description(void **state)
{
    const char *path = fake_path("description.tap");
    struct tap_reader *r;
    (void)state;

    assert_int_equal(tap_writer_close(fake_log(path, SOURCE_SPICE)), 0);
    assert_int_equal(tap_reader_open(&r, path), 0);
    for (size_t k = 0; k < tap_kind_count; k++) {
        const struct tap_kind_desc *want = &tap_kinds[k], *have = tap_reader_kind(r, want->kind);

        if (want->source != SOURCE_SPICE && want->source != SOURCE_META) {
            assert_null(have);
            continue;
        }
        assert_string_equal(have->name, want->name);
        assert_string_equal(have->help, want->help);
        assert_int_equal(have->count, want->count);
        assert_int_equal(have->slots, want->slots);
        for (unsigned i = 0; i < want->count; i++) {
            const struct tap_field *f = &want->fields[i], *g = &have->fields[i];

            assert_string_equal(g->name, f->name);
            assert_string_equal(g->meaning, f->meaning);
            assert_int_equal(g->type, f->type);
            assert_int_equal(g->slot, f->slot);
            assert_int_equal(!g->names, !f->names);
            for (size_t v = 0; f->names && v < f->names->count; v++)
                assert_string_equal(tap_enum_name(g->names, f->names->values[v].value),
                                    f->names->values[v].name);
        }
    }
    tap_reader_close(r);
    unlink(path);
}

static void order_in_chunk(void **state)
{
    const char *path = fake_path("order.tap");
    struct tap_writer *w = fake_log(path, SOURCE_SPICE);
    struct tap_reader *r;
    struct tap_event ev;
    uint64_t before = 0;
    (void)state;

    for (uint64_t i = 0; i < 1000; i++)
        PUT(w, wakeup, 1000000 + i * 10 - fake_random() % 40, .display = 0);
    assert_int_equal(tap_writer_close(w), 0);
    assert_int_equal(tap_reader_open(&r, path), 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(tap_reader_next(r, &ev), 1);
        assert_true(ev.time >= before);
        before = ev.time;
    }
    tap_reader_close(r);
    unlink(path);
}

static void wrong_events(void **state)
{
    const char *path = fake_path("wrong.tap");
    struct tap_writer *w = fake_log(path, SOURCE_SPICE);
    struct tap_event ev = fake_event(tap_kind_find(EV_draw), 1);
    struct tap_writer *other;
    struct tap_reader *r;
    (void)state;

    assert_int_equal(tap_writer_open(&other, path, SOURCE_SPICE), -EEXIST);
    ev.slots--;
    assert_int_equal(tap_write(w, &ev), -EINVAL);
    ev.slots++;
    ev.kind = EV_qxl_io_write;
    assert_int_equal(tap_write(w, &ev), -EINVAL);
    ev.kind = EV_draw;
    assert_int_equal(tap_write(w, &ev), 0);
    assert_int_equal(tap_writer_close(w), 0);
    assert_int_equal(tap_reader_open(&r, path), 0);
    assert_int_equal(tap_reader_next(r, &ev), 1);
    assert_int_equal(tap_reader_next(r, &ev), 0);
    tap_reader_close(r);
    assert_int_equal(tap_reader_open(&r, fake_path("nothing.tap")), -ENOENT);
    unlink(path);
}

static void losses_counted(void **state)
{
    const char *path = fake_path("losses.tap");
    struct tap_writer *w = fake_log(path, SOURCE_QEMU);
    struct tap_reader *r;
    struct tap_event ev;
    (void)state;

    assert_int_equal(tap_write_loss(w, 10, 5, LOSS_REASON_ring_full), 0);
    PUT(w, qxl_spice_oom, 20, .qid = 0);
    assert_int_equal(tap_write_loss(w, 30, 7, LOSS_REASON_bad_memory), 0);
    assert_int_equal(tap_writer_close(w), 0);
    assert_int_equal(tap_reader_open(&r, path), 0);
    assert_int_equal(tap_reader_next(r, &ev), 1);
    assert_int_equal(ev.kind, EV_loss);
    assert_int_equal(ev.v[0], 5);
    assert_int_equal(tap_reader_next(r, &ev), 1);
    assert_int_equal(tap_reader_next(r, &ev), 1);
    assert_int_equal(ev.v[1], LOSS_REASON_bad_memory);
    assert_int_equal(tap_reader_next(r, &ev), 0);
    assert_int_equal(tap_reader_lost(r), 12);
    assert_false(tap_reader_recovered(r));
    tap_reader_close(r);
    unlink(path);
}

/* The goal is 5 bytes an event over the demo's run. The desktop of our own has times of pure noise:
 * it took 6.07 when a field was predicted from its own column alone. */
static void small_enough(void **state)
{
    const char *spice = fake_path("spice.tap"), *qemu = fake_path("qemu.tap");
    struct tap_writer *s = fake_log(spice, SOURCE_SPICE), *q = fake_log(qemu, SOURCE_QEMU);
    struct desktop *d = malloc(sizeof(*d));
    (void)state;

    desktop_init(d, s, q);
    while (tap_writer_events(s) < 100000)
        desktop_step(d);
    assert_int_equal(d->error, 0);
    assert_int_equal(tap_writer_flush(s), 0);
    assert_int_equal(tap_writer_flush(q), 0);
    assert_true(tap_writer_bytes(s) + tap_writer_bytes(q) <
                5.85 * (double)(tap_writer_events(s) + tap_writer_events(q)));
    assert_int_equal(tap_writer_close(s), 0);
    assert_int_equal(tap_writer_close(q), 0);
    unlink(spice);
    unlink(qemu);
    free(d);
}

/* ---- a log to be damaged -------------------------------------------------------------------- */

static struct {
    uint8_t *data;
    size_t size, start[CHUNKS + 1]; /* of each chunk, and of the one with log_end */
    struct tap_event events[CHUNKS * PER_CHUNK];
} whole;

static int make_whole(void **state)
{
    const char *path;
    struct tap_writer *w;

    if (fake_setup(state))
        return -1;
    path = fake_path("whole.tap");
    w = fake_log(path, SOURCE_SPICE);
    for (int i = 0; i < CHUNKS * PER_CHUNK; i++) {
        whole.events[i] = fake_event(fake_kind(SOURCE_SPICE), 1000000u + 10u * (unsigned)i);
        if (i % PER_CHUNK == 0) {
            tap_writer_flush(w);
            whole.start[i / PER_CHUNK] = tap_writer_bytes(w);
        }
        tap_write(w, &whole.events[i]);
    }
    tap_writer_flush(w);
    whole.start[CHUNKS] = tap_writer_bytes(w);
    tap_writer_close(w);
    whole.data = fake_load(path, &whole.size);
    return 0;
}

static int drop_whole(void **state)
{
    free(whole.data);
    return fake_clean(state);
}

/* What came of a damaged log. */
struct outcome {
    bool came[CHUNKS];
    int losses, unknown; /* unknown: losses without a count */
    uint64_t lost;       /* the sum of the counts */
    int reason;          /* of the last loss */
    bool recovered;
};

/* Reads a log of the whole's making: all events that come must be unchanged and in order. */
static int read_damaged(const uint8_t *data, size_t size, const struct tap_end *end,
                        struct outcome *o)
{
    const char *path = fake_path("damaged.tap");
    struct tap_reader *r;
    struct tap_event ev;
    int err, next = 0, more;

    fake_store(path, data, size);
    *o = (struct outcome){.reason = -1};
    err = tap_reader_open(&r, path);
    if (err)
        return err;
    if (end)
        tap_reader_expect(r, end);
    while ((more = tap_reader_next(r, &ev)) == 1) {
        if (ev.kind == EV_loss) {
            o->losses++;
            o->unknown += !ev.v[0];
            o->lost += ev.v[0];
            o->reason = (int)ev.v[1];
            continue;
        }
        while (next < CHUNKS * PER_CHUNK && whole.events[next].time != ev.time)
            next++;
        assert_true(next < CHUNKS * PER_CHUNK);
        same_event(&ev, &whole.events[next]);
        o->came[next / PER_CHUNK] = true;
    }
    assert_int_equal(more, 0);
    assert_int_equal(tap_reader_next(r, &ev), 0);
    o->recovered = tap_reader_recovered(r);
    assert_true(o->recovered || !o->losses);
    tap_reader_close(r);
    return 0;
}

/* Wherever a log is cut, also between two chunks, the reader reports it. */
static void truncated(void **state)
{
    struct outcome o;
    (void)state;

    for (size_t size = 0; size <= whole.size; size++) {
        int err = read_damaged(whole.data, size, NULL, &o), cut = CHUNKS;

        if (size < whole.start[0]) {
            assert_int_equal(err, -ENODATA);
            continue;
        }
        assert_int_equal(err, 0);
        for (int c = 0; c < CHUNKS; c++)
            assert_int_equal(o.came[c], size >= whole.start[c + 1]);
        while (size < whole.start[cut])
            cut--;
        if (cut == CHUNKS && size >= whole.start[CHUNKS] + TAP_CHUNK_SIZE) {
            assert_int_equal(o.losses, 0); /* the last header is enough */
            assert_int_equal(o.recovered, size < whole.size);
            continue;
        }
        assert_int_equal(o.reason, LOSS_REASON_truncated);
        assert_int_equal(o.unknown, 1);
        assert_int_equal(o.lost, size >= whole.start[cut] + TAP_CHUNK_SIZE ? PER_CHUNK : 0);
    }
}

/* With run.json's word, each missing event is counted, and no more than that. */
static void truncated_in_a_run(void **state)
{
    static const struct tap_end end = {CHUNKS + 1, CHUNKS * PER_CHUNK};
    struct outcome o;
    (void)state;

    for (size_t size = whole.start[0]; size <= whole.size; size++) {
        unsigned came = 0;

        assert_int_equal(read_damaged(whole.data, size, &end, &o), 0);
        for (int c = 0; c < CHUNKS; c++)
            came += o.came[c];
        assert_int_equal(o.lost, (CHUNKS - came) * PER_CHUNK);
        assert_int_equal(o.unknown, 0);
    }
}

/* A whole log of another size than run.json has is not the log that was recorded. */
static void contradicted(void **state)
{
    static const struct tap_end more = {CHUNKS + 2, CHUNKS * PER_CHUNK + 5},
                                fewer = {CHUNKS, (CHUNKS - 1) * PER_CHUNK};
    struct outcome o;
    (void)state;

    assert_int_equal(read_damaged(whole.data, whole.size, &more, &o), 0);
    assert_int_equal(o.lost, 5);
    assert_int_equal(o.reason, LOSS_REASON_damaged);
    assert_int_equal(read_damaged(whole.data, whole.size, &fewer, &o), 0);
    assert_int_equal(o.unknown, 1);
    assert_int_equal(o.reason, LOSS_REASON_damaged);
}

/* Logs of 1.0 have no end: one that is cut between two chunks cannot be told from a whole one. One
 * that is cut in a chunk lacks that chunk, and nobody knows what came after it. */
static void truncated_of_1_0(void **state)
{
    struct outcome o;
    uint8_t *h = whole.data;
    (void)state;

    put_le(h + 10, 0, 2);
    put_le(h + 28, tap_crc(h, 28), 4);
    assert_int_equal(read_damaged(whole.data, whole.start[1], NULL, &o), 0);
    assert_int_equal(o.losses, 0);
    assert_int_equal(read_damaged(whole.data, whole.start[1] + 20, NULL, &o), 0);
    assert_int_equal(o.losses, 1);
    assert_int_equal(read_damaged(whole.data, whole.start[2] - 1, NULL, &o), 0);
    assert_int_equal(o.losses, 2);
    assert_int_equal(o.lost, PER_CHUNK);
    assert_int_equal(o.unknown, 1);
    put_le(h + 10, TAP_MINOR, 2);
    put_le(h + 28, tap_crc(h, 28), 4);
}

/* While a recorder writes it, a log has no end yet. */
static void growing(void **state)
{
    const char *path = fake_path("growing.tap");
    struct tap_reader *r;
    struct tap_event ev;
    int events = 0;
    (void)state;

    fake_store(path, whole.data, whole.start[1] + 60);
    assert_int_equal(tap_reader_open(&r, path), 0);
    tap_reader_growing(r);
    for (; tap_reader_next(r, &ev) == 1; events++)
        assert_int_not_equal(ev.kind, EV_loss);
    assert_int_equal(events, PER_CHUNK);
    tap_reader_close(r);
}

static void flipped_header(void **state)
{
    struct outcome o;
    (void)state;

    for (size_t at = 0; at < whole.start[0]; at++)
        for (int bit = 0; bit < 8; bit += at < TAP_HEADER_SIZE ? 1 : 8) {
            whole.data[at] ^= (uint8_t)(1 << bit);
            int err = read_damaged(whole.data, whole.size, NULL, &o);
            assert_int_equal(err, at < 8 ? -ENODATA : -EBADMSG);
            whole.data[at] ^= (uint8_t)(1 << bit);
        }
}

/* A chunk that cannot be read costs its own events, and their number is known: from its header, or
 * from the chunk behind it. */
static void flipped_chunks(void **state)
{
    struct outcome o;
    (void)state;

    for (int c = 0; c < CHUNKS; c++)
        for (size_t at = whole.start[c]; at < whole.start[c + 1]; at++)
            for (int bit = 0; bit < 8; bit += at < whole.start[c] + TAP_CHUNK_SIZE ? 1 : 8) {
                whole.data[at] ^= (uint8_t)(1 << bit);
                assert_int_equal(read_damaged(whole.data, whole.size, NULL, &o), 0);
                for (int d = 0; d < CHUNKS; d++)
                    assert_int_equal(o.came[d], d != c);
                assert_int_equal(o.losses, 1);
                assert_int_equal(o.lost, PER_CHUNK);
                assert_int_equal(o.reason, LOSS_REASON_damaged);
                whole.data[at] ^= (uint8_t)(1 << bit);
            }
}

/* Joins parts of the whole, given as pairs of chunk numbers: [from, to). */
static size_t join(uint8_t *to, const int (*parts)[2], int count)
{
    size_t size = whole.start[0];

    memcpy(to, whole.data, size);
    for (int i = 0; i < count; i++) {
        size_t from = whole.start[parts[i][0]];
        size_t end = parts[i][1] > CHUNKS ? whole.size : whole.start[parts[i][1]];

        memcpy(to + size, whole.data + from, end - from);
        size += end - from;
    }
    return size;
}

static void missing_chunks(void **state)
{
    uint8_t *data = malloc(2 * whole.size);
    struct outcome o;
    size_t size;
    (void)state;

    size = join(data, (const int[][2]){{0, 1}, {2, CHUNKS + 1}}, 2);
    assert_int_equal(read_damaged(data, size, NULL, &o), 0);
    assert_true(o.came[0] && !o.came[1] && o.came[2]);
    assert_int_equal(o.losses, 1);
    assert_int_equal(o.lost, PER_CHUNK);

    size = join(data, (const int[][2]){{2, CHUNKS + 1}}, 1);
    assert_int_equal(read_damaged(data, size, NULL, &o), 0);
    assert_int_equal(o.losses, 1);
    assert_int_equal(o.lost, 2 * PER_CHUNK);

    size = join(data, (const int[][2]){{0, 1}, {CHUNKS, CHUNKS + 1}}, 2);
    assert_int_equal(read_damaged(data, size, NULL, &o), 0);
    assert_int_equal(o.losses, 1);
    assert_int_equal(o.lost, 2 * PER_CHUNK);
    free(data);
}

/* A chunk that comes again is not read again: whether it is a copy is not known, so it is a loss
 * of unknown count. */
static void repeated_chunk(void **state)
{
    uint8_t *data = malloc(2 * whole.size);
    struct outcome o;
    size_t size;
    (void)state;

    size = join(data, (const int[][2]){{0, 2}, {0, 1}, {2, CHUNKS + 1}}, 3);
    assert_int_equal(read_damaged(data, size, NULL, &o), 0);
    assert_true(o.came[0] && o.came[1] && o.came[2]);
    assert_int_equal(o.losses, 1);
    assert_int_equal(o.unknown, 1);
    free(data);
}

/* Bytes between two chunks cost no event; the log is damaged all the same. */
static void rubbish_between_chunks(void **state)
{
    uint8_t *data = malloc(whole.size + 4000);
    size_t second = whole.start[1];
    struct outcome o;
    (void)state;

    memcpy(data, whole.data, second);
    for (int i = 0; i < 4000; i++)
        data[second + (size_t)i] = (uint8_t)(i % 7 ? fake_random() : 0xf5);
    memcpy(data + second + 4000, whole.data + second, whole.size - second);
    assert_int_equal(read_damaged(data, whole.size + 4000, NULL, &o), 0);
    assert_true(o.came[0] && o.came[1] && o.came[2]);
    assert_int_equal(o.losses, 0);
    assert_true(o.recovered);
    free(data);
}

/* Where the lost events were: between the chunks around them. */
static void spans_of_losses(void **state)
{
    uint8_t *data = malloc(2 * whole.size);
    const char *path = fake_path("spans.tap");
    uint64_t from, to, last = whole.events[PER_CHUNK - 1].time;
    size_t size = join(data, (const int[][2]){{0, 1}, {2, 3}}, 2);
    struct tap_reader *r;
    struct tap_event ev;
    (void)state;

    fake_store(path, data, size);
    assert_int_equal(tap_reader_open(&r, path), 0);
    for (int i = 0; i <= PER_CHUNK; i++)
        assert_int_equal(tap_reader_next(r, &ev), 1);
    tap_reader_span(r, &from, &to);
    assert_int_equal(ev.kind, EV_loss);
    assert_int_equal(from, last);
    assert_int_equal(to, whole.events[2 * PER_CHUNK].time);
    assert_int_equal(ev.time, to);
    for (int i = 0; i <= PER_CHUNK; i++)
        assert_int_equal(tap_reader_next(r, &ev), 1);
    tap_reader_span(r, &from, &to);
    assert_int_equal(ev.kind, EV_loss);
    assert_int_equal(from, whole.events[3 * PER_CHUNK - 1].time);
    assert_true(to == UINT64_MAX);
    tap_reader_close(r);
    free(data);
}

/* ---- logs of other versions ------------------------------------------------------------------ */

/* One wakeup of a later version: a number, a new type, a new code, and a field under a known name.
 */
#define NEWER                                                                                      \
    "{\"source\":\"spice\",\"mood\":\"new\",\"enums\":{},\"kinds\":[{\"number\":27,\"name\":"      \
    "\"wakeup\",\"source\":\"spice\",\"help\":\"h\",\"fields\":["                                  \
    "{\"name\":\"extra\",\"type\":\"u64\",\"meaning\":\"num\",\"code\":\"delta\",\"columns\":1},"  \
    "{\"name\":\"picture\",\"type\":\"blob\",\"meaning\":\"num\",\"code\":\"delta\","              \
    "\"columns\":2},"                                                                              \
    "{\"name\":\"display\",\"type\":\"u32\",\"meaning\":\"num\",\"code\":\"delta\","               \
    "\"columns\":1},"                                                                              \
    "{\"name\":\"odd\",\"type\":\"u32\",\"meaning\":\"num\",\"code\":\"magic\",\"columns\":1}]}"   \
    ",{\"number\":3000,\"name\":\"unheard_of\",\"source\":\"spice\",\"fields\":[]}]}"

/* order 27; time 0; tid, extra, picture (2), display, odd */
static const uint8_t newer_raw[] = {1, 27, 1, 0, 1, 2, 1, 10, 1, 1, 1, 1, 1, 6, 1, 1};

static void newer_minor(void **state)
{
    struct craft c = {.major = 1,
                      .minor = 9,
                      .json = NEWER,
                      .raw = newer_raw,
                      .raw_size = sizeof(newer_raw),
                      .events = 1};
    struct tap_reader *r;
    struct tap_event ev, known;
    (void)state;

    assert_int_equal(tap_reader_open(&r, craft(&c)), 0);
    assert_int_equal(tap_reader_next(r, &ev), 1);
    assert_int_equal(ev.kind, EV_wakeup);
    assert_int_equal(ev.slots, 2);
    assert_int_equal(ev.v[0], 5);
    assert_int_equal(ev.v[1], 3);
    assert_int_equal(tap_reader_kind(r, EV_wakeup)->count, 2);
    assert_string_equal(tap_reader_kind(r, 3000)->name, "unheard_of");
    assert_ptr_equal(tap_reader_known(r, &ev, &known), &known);
    assert_int_equal(FIELDS(&known, wakeup)->display, 3);
    ev.kind = 3000;
    assert_null(tap_reader_known(r, &ev, &known));
    assert_int_equal(tap_reader_next(r, &ev), 1);
    assert_int_equal(ev.kind, EV_loss); /* it has no log_end */
    assert_int_equal(ev.v[0], 0);
    assert_int_equal(tap_reader_next(r, &ev), 0);
    tap_reader_close(r);
}

/* A field that this program has no room for is reported, and the others are read. */
static void too_many_fields(void **state)
{
    static const char head[] = "{\"source\":\"spice\",\"enums\":{},\"kinds\":[{\"number\":27,"
                               "\"name\":\"wakeup\",\"source\":\"spice\",\"fields\":[";
    static const uint8_t raw[] = {1, 27, 1, 0, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1,
                                  2, 1,  2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 8, 1, 8};
    struct craft c = {.major = 1, .raw = raw, .raw_size = sizeof(raw), .events = 1};
    struct tap_reader *r;
    struct tap_event ev;
    const char *first;
    char json[4096];
    size_t length = (size_t)sprintf(json, "%s", head);
    (void)state;

    for (int i = 0; i < TAP_MAX_SLOTS + 2; i++)
        length += (size_t)sprintf(json + length, "%s{\"name\":\"f%d\",\"type\":\"u64\"}",
                                  i ? "," : "", i);
    strcpy(json + length, "]}]}");
    c.json = json;
    assert_int_equal(tap_reader_open(&r, craft(&c)), 0);
    assert_int_equal(tap_reader_left_out(r, &first), 2);
    assert_string_equal(first, "wakeup.f16");
    assert_int_equal(tap_reader_next(r, &ev), 1);
    assert_int_equal(ev.kind, EV_wakeup);
    assert_int_equal(ev.slots, TAP_MAX_SLOTS);
    assert_int_equal(ev.v[TAP_MAX_SLOTS - 1], 1);
    tap_reader_close(r);
}

static void newer_major(void **state)
{
    struct craft c = {.major = 2, .json = "{}", .raw = newer_raw, .raw_size = 1, .events = 1};
    struct tap_reader *r;
    (void)state;

    assert_int_equal(tap_reader_open(&r, craft(&c)), -EPROTO);
    c.major = 0;
    assert_int_equal(tap_reader_open(&r, craft(&c)), -EBADMSG);
}

/* Descriptions with right CRCs, but not to be believed. */
static void bad_descriptions(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"source\":\"spice\"}",
        "{\"source\":\"spice\",\"kinds\":[]}",
        "{\"source\":\"spice\",\"kinds\":[1]}",
        "{\"source\":\"spice\",\"kinds\":[{\"number\":70000,\"name\":\"a\"}]}",
        "{\"source\":\"spice\",\"kinds\":[{\"number\":-1,\"name\":\"a\"}]}",
        "{\"source\":\"spice\",\"kinds\":[{\"number\":1,\"name\":\"a\\\"b\"}]}",
        "{\"source\":\"spice\",\"kinds\":[{\"number\":1,\"name\":\"../a\"}]}",
        "{\"source\":\"spice\",\"kinds\":[{\"number\":1,\"name\":\"a\"},{\"number\":1,\"name\":"
        "\"b\"}]}",
        "{\"source\":\"spice\",\"kinds\":[{\"number\":1000,\"name\":\"not_loss\"}]}",
        "{\"source\":\"spice\",\"kinds\":[{\"number\":1,\"name\":\"a\",\"fields\":[{\"name\":"
        "\"x\",\"type\":\"u64\",\"columns\":9999}]}]}",
        "{\"source\":\"spice\",\"kinds\":[{\"number\":1,\"name\":\"a\",\"fields\":[{}]}]}",
    };
    struct craft c = {.major = 1, .raw = newer_raw, .raw_size = sizeof(newer_raw), .events = 1};
    struct tap_reader *r;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        c.json = bad[i];
        assert_int_equal(tap_reader_open(&r, craft(&c)), -EBADMSG);
    }
}

/* Chunks with right CRCs whose numbers lie. */
static void lying_chunks(void **state)
{
    static const uint8_t long_varint[] = {1,    27,   11,   0x80, 0x80, 0x80, 0x80, 0x80,
                                          0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0,    0};
    static const uint8_t unknown_kind[] = {1, 99, 1, 0};
    static const uint8_t overlong[] = {1, 27, 200, 0};
    const struct craft lies[] = {
        {.raw = newer_raw, .raw_size = sizeof(newer_raw), .events = 2},
        {.raw = newer_raw, .raw_size = sizeof(newer_raw), .events = 0},
        {.raw = newer_raw, .raw_size = sizeof(newer_raw), .events = TAP_MAX_EVENTS},
        {.raw = newer_raw, .raw_size = sizeof(newer_raw), .events = UINT32_MAX},
        {.raw = newer_raw, .raw_size = sizeof(newer_raw), .events = 1, .say_raw = 5},
        {.raw = newer_raw, .raw_size = sizeof(newer_raw), .events = 1, .say_raw = 500},
        {.raw = newer_raw, .raw_size = sizeof(newer_raw), .events = 1, .say_raw = UINT32_MAX},
        {.raw = newer_raw, .raw_size = sizeof(newer_raw), .events = 1, .say_payload = 3},
        {.raw = newer_raw, .raw_size = sizeof(newer_raw), .events = 1, .say_payload = UINT32_MAX},
        {.raw = newer_raw, .raw_size = 3, .events = 1},
        {.raw = long_varint, .raw_size = sizeof(long_varint), .events = 1},
        {.raw = unknown_kind, .raw_size = sizeof(unknown_kind), .events = 1},
        {.raw = overlong, .raw_size = sizeof(overlong), .events = 1},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        struct craft c = lies[i];
        struct tap_reader *r;
        struct tap_event ev;

        c.major = 1;
        c.json = NEWER;
        assert_int_equal(tap_reader_open(&r, craft(&c)), 0);
        assert_int_equal(tap_reader_next(r, &ev), 1);
        assert_int_equal(ev.kind, EV_loss);
        assert_int_equal(tap_reader_next(r, &ev), 0);
        tap_reader_close(r);
    }
}

/* ---- the disk fills ----------------------------------------------------------------------------
 */

static void disk_full(void **state)
{
    const char *path = fake_path("full.tap");
    struct tap_writer *w = fake_log(path, SOURCE_SPICE);
    struct rlimit before, limit;
    struct tap_reader *r;
    struct tap_event ev;
    int err = 0, written = 0, read = 0;
    (void)state;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    limit = before;
    limit.rlim_cur = 1000000;
    setrlimit(RLIMIT_FSIZE, &limit);
    for (uint64_t i = 0; i < 200000 && !err; i++, written++) {
        ev = fake_event(tap_kind_find(EV_draw), 1000 + i);
        err = tap_write(w, &ev);
    }
    assert_int_equal(err, -EFBIG);
    assert_int_equal(tap_write(w, &ev), -EFBIG);
    assert_int_equal(tap_writer_flush(w), -EFBIG);
    assert_int_equal(tap_writer_close(w), -EFBIG);
    setrlimit(RLIMIT_FSIZE, &before);

    assert_int_equal(tap_reader_open(&r, path), 0);
    while (tap_reader_next(r, &ev) == 1)
        read++;
    assert_int_equal(ev.kind, EV_loss); /* the end is missing; the half chunk was cut off */
    read--;
    assert_true(read > 0 && read < written && written - read <= 4096);
    tap_reader_close(r);
    assert_int_equal(tap_writer_open(&w, "/proc/none/spice.tap", SOURCE_SPICE), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(description),
        cmocka_unit_test(order_in_chunk),
        cmocka_unit_test(wrong_events),
        cmocka_unit_test(losses_counted),
        cmocka_unit_test(small_enough),
        cmocka_unit_test(truncated),
        cmocka_unit_test(flipped_header),
        cmocka_unit_test(truncated_in_a_run),
        cmocka_unit_test(truncated_of_1_0),
        cmocka_unit_test(contradicted),
        cmocka_unit_test(growing),
        cmocka_unit_test(spans_of_losses),
        cmocka_unit_test(flipped_chunks),
        cmocka_unit_test(missing_chunks),
        cmocka_unit_test(repeated_chunk),
        cmocka_unit_test(rubbish_between_chunks),
        cmocka_unit_test(newer_minor),
        cmocka_unit_test(newer_major),
        cmocka_unit_test(too_many_fields),
        cmocka_unit_test(bad_descriptions),
        cmocka_unit_test(lying_chunks),
        cmocka_unit_test(disk_full),
    };

    return cmocka_run_group_tests(tests, make_whole, drop_whole);
}
