/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The codes of fields: what a field is predicted from, byte by byte as docs/dev/format.md has it.
 */
#include "craft.h"

/* A payload, column by column. */
static struct {
    uint8_t data[1 << 16];
    size_t size;
} raw;

static void begin(void)
{
    raw.size = 0;
}

static void column(const uint8_t *data, size_t size)
{
    uint8_t *p = put_varint(raw.data + raw.size, size);

    memcpy(p, data, size);
    raw.size = (size_t)(p - raw.data) + size;
}

#define COLUMN(...) column((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define EMPTY()     column(raw.data, 0)

#define FIELD(name, type, rest)                                                                    \
    "{\"name\":\"" name "\",\"type\":\"" type "\",\"meaning\":\"num\"" rest "}"
#define CODE(code)       ",\"code\":\"" code "\""
#define WITH(key, value) ",\"" key "\":\"" value "\""
#define KIND(number, name, fields)                                                                 \
    "{\"number\":" number ",\"name\":\"" name "\",\"source\":\"spice\",\"fields\":[" fields "]}"
#define LOG(kinds) "{\"source\":\"spice\",\"enums\":{},\"kinds\":[" kinds "]}"

static struct tap_reader *reader_of(const char *json, uint32_t events)
{
    struct craft c = {.major = 1,
                      .minor = 2,
                      .json = json,
                      .raw = raw.data,
                      .raw_size = (uint32_t)raw.size,
                      .events = events};
    struct tap_reader *r = NULL;

    assert_int_equal(tap_reader_open(&r, craft(&c)), 0);
    return r;
}

static int open_error(const char *json)
{
    struct craft c = {
        .major = 1, .minor = 2, .json = json, .raw = raw.data, .raw_size = 1, .events = 1};
    struct tap_reader *r = NULL;
    int err = tap_reader_open(&r, craft(&c));

    if (!err)
        tap_reader_close(r);
    return err;
}

/* The next event has these values. */
static void expect(struct tap_reader *r, uint16_t kind, const uint64_t *v, unsigned count)
{
    struct tap_event ev;

    assert_int_equal(tap_reader_next(r, &ev), 1);
    assert_int_equal(ev.kind, kind);
    assert_int_equal(ev.slots, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(ev.v[i], v[i]);
}

#define EXPECT(r, kind, ...)                                                                       \
    expect(r, kind, (const uint64_t[]){__VA_ARGS__},                                               \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* All events were read: what is missing is the end of the log. Closes the reader. */
static void expect_end(struct tap_reader *r)
{
    struct tap_event ev;

    assert_int_equal(tap_reader_next(r, &ev), 1);
    assert_int_equal(ev.kind, EV_loss);
    assert_int_equal(ev.v[1], LOSS_REASON_truncated);
    assert_int_equal(tap_reader_next(r, &ev), 0);
    tap_reader_close(r);
}

/* No event was read: the chunk is a loss. */
static void expect_damaged(const char *json, uint32_t events)
{
    struct tap_reader *r = reader_of(json, events);
    struct tap_event ev;

    assert_int_equal(tap_reader_next(r, &ev), 1);
    assert_int_equal(ev.kind, EV_loss);
    assert_int_equal(ev.v[0], events);
    assert_int_equal(ev.v[1], LOSS_REASON_damaged);
    expect_end(r);
}

static uint64_t pair(int32_t low, int32_t high)
{
    return (uint32_t)low | (uint64_t)(uint32_t)high << 32;
}

/* A small difference as a column stores it. */
#define D(v) ((uint8_t)((v) < 0 ? -2 * (v)-1 : 2 * (v)))

/* ---- last -------------------------------------------------------------------------------- */

#define LAST                                                                                       \
    LOG(KIND(                                                                                      \
        "1", "a",                                                                                  \
        FIELD("x", "u64", "") "," FIELD(                                                           \
            "y", "u64", CODE("last") WITH("of", "x"))) "," KIND("2", "b",                          \
                                                                FIELD("x", "u64", CODE("last"))))

/* The latest field of that name in any kind, this event's own included; 0 at first. */
static void last_of_any_kind(void **state)
{
    struct tap_reader *r;
    (void)state;

    begin();
    COLUMN(2, 1, 2);
    EMPTY();            /* time */
    EMPTY();            /* a: tid */
    COLUMN(D(5));       /* x */
    COLUMN(D(-1));      /* y */
    EMPTY();            /* b: tid */
    COLUMN(D(3), D(9)); /* x */
    r = reader_of(LAST, 3);
    EXPECT(r, 2, 3);
    EXPECT(r, 1, 5, 4);
    EXPECT(r, 2, 14);
    expect_end(r);
}

/* A rect is predicted part by part, and from a rect only. */
static void last_rect(void **state)
{
    static const char json[] = LOG(KIND("1", "a", FIELD("box", "rect", "")) "," KIND(
        "2", "b",
        FIELD("other", "rect", CODE("last") WITH("of", "box"))) "," KIND("3", "c",
                                                                         FIELD("box", "u64", "")));
    struct tap_reader *r;
    (void)state;

    begin();
    COLUMN(2, 1, 3, 2);
    EMPTY();
    EMPTY(); /* a: tid, left, top, width, height */
    COLUMN(D(2));
    COLUMN(D(-3));
    COLUMN(D(10));
    COLUMN(D(20));
    EMPTY(); /* b: the same */
    COLUMN(D(0), D(1));
    EMPTY();
    EMPTY();
    COLUMN(D(7), D(-1));
    EMPTY(); /* c: tid, box */
    COLUMN(D(50));
    r = reader_of(json, 4);
    EXPECT(r, 2, pair(0, 0), pair(0, 7));
    EXPECT(r, 1, pair(2, -3), pair(12, 17));
    EXPECT(r, 3, 50);
    EXPECT(r, 2, pair(3, -3), pair(13, 16));
    expect_end(r);
}

/* ---- recent ------------------------------------------------------------------------------ */

#define RECENT                                                                                     \
    LOG(KIND("1", "a", FIELD("id", "u64", CODE("recent"))) "," KIND(                               \
        "2", "b", FIELD("id", "u64", CODE("recent")) "," FIELD("z", "u64", "")))

static void recent(void **state)
{
    struct tap_reader *r;
    (void)state;

    begin();
    COLUMN(1, 1, 2, 1, 1, 2, 1);
    EMPTY();
    EMPTY();                /* a: tid, place, new */
    COLUMN(64, 1, 2, 1, 1); /* the second place is not there, nor is the third */
    COLUMN(D(10), D(5), D(20));
    EMPTY(); /* b: tid, place, new, z */
    COLUMN(1, 0);
    EMPTY();
    COLUMN(D(1));
    r = reader_of(RECENT, 7);
    EXPECT(r, 1, 10);    /* 10 */
    EXPECT(r, 1, 15);    /* 15 10 */
    EXPECT(r, 2, 10, 1); /* 10 15 */
    EXPECT(r, 1, 35);    /* 35 10 15 */
    EXPECT(r, 1, 10);    /* 10 35 15 */
    EXPECT(r, 2, 10, 1);
    EXPECT(r, 1, 35);
    expect_end(r);
}

/* Of 65 values the first is forgotten. */
static void recent_forgets(void **state)
{
    uint8_t order[66], places[66], values[65];
    struct tap_reader *r;
    (void)state;

    memset(order, 1, sizeof(order));
    memset(places, 64, sizeof(places));
    memset(values, D(1), sizeof(values));
    places[65] = 63;
    begin();
    column(order, sizeof(order));
    EMPTY();
    EMPTY();
    column(places, sizeof(places));
    column(values, sizeof(values));
    r = reader_of(RECENT, 66);
    for (uint64_t i = 1; i <= 65; i++)
        EXPECT(r, 1, i);
    EXPECT(r, 1, 2);
    expect_end(r);
}

/* Places beyond any list, a value that is cut, a place that is. */
static void recent_forged(void **state)
{
    struct tap_reader *r;
    (void)state;

    begin();
    COLUMN(1, 1, 1);
    EMPTY();
    EMPTY();
    COLUMN(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x80, 0x01, 1);
    COLUMN(D(3), D(1));
    r = reader_of(RECENT, 3);
    EXPECT(r, 1, 3);
    EXPECT(r, 1, 4);
    EXPECT(r, 1, 3);
    expect_end(r);

    begin();
    COLUMN(1);
    EMPTY();
    EMPTY();
    COLUMN(64);
    COLUMN(0x80);
    expect_damaged(RECENT, 1);

    begin();
    COLUMN(1);
    EMPTY();
    EMPTY();
    COLUMN(0x80);
    COLUMN(D(1));
    expect_damaged(RECENT, 1);

    begin(); /* the second column is missing */
    COLUMN(1);
    EMPTY();
    EMPTY();
    COLUMN(64);
    expect_damaged(RECENT, 1);
}

/* ---- since ------------------------------------------------------------------------------- */

/* Without `of` a span ends at the event's time, without `by` all have one beginning. The chunk's
 * first time is 500. */
static void since_the_event(void **state)
{
    static const char json[] = LOG(KIND("1", "a", FIELD("age", "u64", CODE("since"))));
    struct tap_reader *r;
    (void)state;

    begin();
    COLUMN(1, 1, 1);
    COLUMN(D(0), D(10), D(20));
    EMPTY();
    COLUMN(0xe7, 0x07, D(0), D(4)); /* 500 - 0 - 500 + ... : 500 + D(-500) = 0 */
    r = reader_of(json, 3);
    EXPECT(r, 1, 0);  /* began at 500 */
    EXPECT(r, 1, 10); /* still at 500 */
    EXPECT(r, 1, 34); /* 530 - 500 + 4: at 496 */
    expect_end(r);
}

#define SINCE                                                                                      \
    LOG(KIND("1", "a", FIELD("end", "u64", "")) "," KIND(                                          \
        "2", "b",                                                                                  \
        FIELD("i", "u64", "") "," FIELD("j", "u64", "") "," FIELD("state", "u64", "") "," FIELD(   \
            "span", "s64", CODE("since") WITH("of", "end") WITH("anew", "state") KEY)))
#define KEY ",\"by\":[\"i\",\"j\"]"

/* From a beginning for each key until the last `end`; where `state` is 0 the next one begins there.
 */
static void since_by_key(void **state)
{
    struct tap_reader *r;
    (void)state;

    begin();
    COLUMN(1, 2, 2, 1, 2, 2, 2);
    EMPTY();
    EMPTY(); /* a: tid, end: 60, 100 */
    COLUMN(D(60), D(40));
    EMPTY();                                /* b: tid, i, j, state, span */
    COLUMN(D(1), D(0), D(0), D(0), D(0));   /* 1 1 1 1 1 */
    COLUMN(D(0), D(1), D(-1), D(1), D(-1)); /* 0 1 0 1 0 */
    COLUMN(D(0), D(7), D(-7), D(7), D(0));  /* 0 7 0 7 7 */
    COLUMN(D(-50), D(-20), D(3), D(0), D(1));
    r = reader_of(SINCE, 7);
    EXPECT(r, 1, 60);
    EXPECT(r, 2, 1, 0, 0, 10); /* 60 - 0 - 50; anew at 60 */
    EXPECT(r, 2, 1, 1, 7, 40); /* another key: 60 - 0 - 20, from 20 on */
    EXPECT(r, 1, 100);
    EXPECT(r, 2, 1, 0, 0, 43); /* 100 - 60 + 3; anew at 100 */
    EXPECT(r, 2, 1, 1, 7, 80); /* 100 - 20 */
    EXPECT(r, 2, 1, 0, 7, 1);  /* 100 - 100 + 1 */
    expect_end(r);
}

/* ---- what a reader leaves out ------------------------------------------------------------ */

#define LIST(key, ...) ",\"" key "\":[" #__VA_ARGS__ "]"
#define X(code)        FIELD("x", "u64", code)
#define Y(code)        FIELD("y", "u64", code)
#define Z              FIELD("z", "u64", "")
#define A(fields)      KIND("1", "a", fields)
#define B(fields)      KIND("2", "b", fields)

/* What is left of kind 1 is what can be read without what is not known. */
static void left_out(void **state)
{
    static const struct {
        const char *json, *left;
    } logs[] = {
        {LOG(A(X(CODE("magic")) "," Y(CODE("last") WITH("of", "x")) "," Z)), " z"},
        {LOG(A(Y(CODE("last") WITH("of", "x")) "," Z) "," B(X(CODE("magic")))), " z"},
        {LOG(A(Y(CODE("last") WITH("of", "x")) "," Z) "," B(X(",\"columns\":3"))), " z"},
        {LOG(A(Y(CODE("last") WITH("of", "w")) "," Z) "," B(X(CODE("magic")))), " y z"},
        {LOG(A(X(CODE("recent")) "," Z) "," B(X(CODE("magic")))), " z"},
        {LOG(A(X(CODE("recent") ",\"columns\":1") "," Z)), " z"},
        {LOG(A(FIELD("x", "rect", CODE("recent")) "," Z)), " z"},
        {LOG(A(FIELD("x", "rect", CODE("since")) "," Z)), " z"},
        {LOG(A(FIELD("x", "rect", CODE("by") WITH("by", "z")) "," Z)), " z"},
        {LOG(A(FIELD("x", "rect", CODE("last") ",\"columns\":4") "," Z)), " x z"},
        {LOG(A(X(CODE("since") WITH("of", "y")) "," Z) "," B(Y(CODE("magic")))), " z"},
        {LOG(A(X(CODE("since") WITH("by", "z")) "," Z)), " z"},
        {LOG(A(X(CODE("since") WITH("anew", "z")) "," Z)), " z"},
        {LOG(A(Z "," X(CODE("since") LIST("by", "z", "z", "z")))), " z"},
        {LOG(A(Z "," X(CODE("since") LIST("by", "z", 1)))), " z"},
        {LOG(A(Z "," X(CODE("since") WITH("by", "z") WITH("anew", "z")))), " z x"},
        {LOG(A(Z "," X(CODE("by") WITH("by", "z"))) "," B(Z "," Y(CODE("magic") WITH("by", "z")))),
         " z"},
        {LOG(A(Z "," X(CODE("by") LIST("by", "z", "z")))), " z"},
        {LOG(A(Z "," X(WITH("by", "no")))), " z x"},
        {LOG(A(Z "," X(CODE("last") WITH("by", "no")))), " z x"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(logs) / sizeof(*logs); i++) {
        char left[64] = "";
        const struct tap_kind_desc *kind;
        struct tap_reader *r;

        begin();
        COLUMN(1);
        for (int k = 0; k < 20; k++)
            EMPTY();
        r = reader_of(logs[i].json, 1);
        kind = tap_reader_kind(r, 1);
        for (unsigned k = 0; k < kind->count; k++)
            strcat(strcat(left, " "), kind->fields[k].name);
        assert_string_equal(left, logs[i].left);
        tap_reader_close(r);
    }
}

/* `count` kinds, each with a field that is predicted from the next kind's; the last one's is not
 * known. */
static const char *chain(int count)
{
    static char json[8192];
    char *p = json + sprintf(json, "{\"source\":\"spice\",\"kinds\":[");

    for (int i = 0; i < count; i++)
        p += sprintf(p,
                     "%s{\"number\":%d,\"name\":\"k%d\",\"fields\":[{\"name\":\"f%d\",\"type\":"
                     "\"u64\",\"code\":\"%s\",\"of\":\"f%d\"}]}",
                     i ? "," : "", i + 1, i, i, i + 1 < count ? "last" : "magic", i + 1);
    strcpy(p, "]}");
    return json;
}

static void chains(void **state)
{
    struct tap_reader *r;
    (void)state;

    begin();
    COLUMN(1);
    EMPTY();
    EMPTY();
    EMPTY();
    r = reader_of(chain(7), 1);
    for (uint16_t i = 1; i <= 7; i++)
        assert_int_equal(tap_reader_kind(r, i)->count, 0);
    tap_reader_close(r);
    assert_int_equal(open_error(chain(9)), -EBADMSG);
}

/* Fields beyond 32 names are left out. */
static void many_names(void **state)
{
    static char json[1 << 14];
    char *p = json + sprintf(json, "{\"source\":\"spice\",\"kinds\":[");
    struct tap_reader *r;
    unsigned count = 0;
    (void)state;

    for (int k = 0; k < 5; k++) {
        p += sprintf(p, "%s{\"number\":%d,\"name\":\"k%d\",\"fields\":[", k ? "," : "", k + 1, k);
        for (int i = 0; i < 8; i++)
            p +=
                sprintf(p, "%s{\"name\":\"f%d\",\"type\":\"u64\",\"code\":\"last\",\"of\":\"n%d\"}",
                        i ? "," : "", i, 8 * k + i);
        p += sprintf(p, "]}");
    }
    strcpy(p, "]}");
    begin();
    COLUMN(1);
    for (int i = 0; i < 10; i++)
        EMPTY();
    r = reader_of(json, 1);
    for (uint16_t k = 1; k <= 5; k++)
        count += tap_reader_kind(r, k)->count;
    assert_int_equal(count, TAP_MAX_REGISTERS);
    tap_reader_close(r);
}

/* The memory has room for two keys an event. */
static void refused(void **state)
{
    (void)state;
    begin();
    COLUMN(1);
    assert_int_equal(open_error(LOG(A(X(CODE("since")) "," Y(CODE("since"))))), -EBADMSG);
    assert_int_equal(open_error(LOG(A(Z "," X(CODE("by") WITH("by", "z")) "," Y(WITH("by", "z"))))),
                     -EBADMSG);
    assert_int_equal(open_error(LOG(A(X(",\"columns\":-1")))), -EBADMSG);
    assert_int_equal(open_error(LOG(A(X(",\"columns\":65")))), -EBADMSG);
}

/* 16384 events with two new keys each. */
static void full_memory(void **state)
{
    static const char json[] =
        LOG(A(Z "," X(CODE("by") WITH("by", "z")) "," Y(CODE("since") WITH("by", "z"))));
    static uint8_t ones[TAP_MAX_EVENTS];
    struct tap_reader *r;
    struct tap_event ev;
    (void)state;

    memset(ones, 1, sizeof(ones)); /* the kind, and z: -1, -2, ... */
    begin();
    column(ones, sizeof(ones));
    EMPTY();
    EMPTY();
    column(ones, sizeof(ones));
    EMPTY();
    EMPTY();
    r = reader_of(json, TAP_MAX_EVENTS);
    for (int i = 1; i <= TAP_MAX_EVENTS; i++) {
        assert_int_equal(tap_reader_next(r, &ev), 1);
        assert_true(ev.v[0] == (uint64_t)-i && ev.v[2] == 500);
    }
    expect_end(r);
}

/* ---- logs of 1.1, and what the writer makes ---------------------------------------------- */

/* Kinds and codes as 1.1 had them: `by` in an event, and set by a `delta`. */
#define OF_1_1(name, type, code, columns)                                                          \
    FIELD(name, type, ",\"code\":\"" code "\",\"columns\":" columns)
#define OLD_DRAWABLE OF_1_1("drawable", "u64", "delta", "1") ","
#define OLD_ID(code) OF_1_1("release_id", "u64", code "\",\"by\":\"drawable", "1") ","
#define OLD_DRAW     OLD_DRAWABLE OLD_ID("delta") OF_1_1("created", "u64", "time", "1")
#define OLD_RELEASE  OLD_DRAWABLE OLD_ID("by") OF_1_1("box", "rect", "delta", "4")

static void older_minor(void **state)
{
    static const char json[] =
        LOG(KIND("1", "draw", OLD_DRAW) "," KIND("22", "release", OLD_RELEASE));
    struct craft c = {.major = 1, .minor = 1, .json = json, .raw = raw.data, .events = 4};
    struct tap_reader *r;
    (void)state;

    begin();
    COLUMN(1, 1, 22, 22);
    COLUMN(D(0), D(5));
    EMPTY(); /* draw: tid, drawable, release_id, created */
    COLUMN(D(20), D(1));
    COLUMN(D(30), D(2));
    COLUMN(D(-1), D(-2));
    EMPTY(); /* release: tid, drawable, release_id, left, top, width, height */
    COLUMN(D(21), D(-1));
    COLUMN(D(0), D(1));
    COLUMN(D(1), D(1));
    EMPTY();
    COLUMN(D(4));
    EMPTY();
    c.raw_size = (uint32_t)raw.size;
    assert_int_equal(tap_reader_open(&r, craft(&c)), 0);
    EXPECT(r, 1, 20, 30, 499);
    EXPECT(r, 1, 21, 32, 503);
    EXPECT(r, 22, 21, 32, pair(1, 0), pair(5, 0));
    EXPECT(r, 22, 20, 31, pair(2, 0), pair(6, 0));
    expect_end(r);
}

static size_t written(void (*make)(struct tap_writer *))
{
    const char *path = fake_path("written.tap");
    struct tap_writer *w = fake_log(path, SOURCE_SPICE);
    uint64_t before = tap_writer_bytes(w);

    make(w);
    assert_int_equal(tap_writer_flush(w), 0);
    before = tap_writer_bytes(w) - before;
    assert_int_equal(tap_writer_close(w), 0);
    unlink(path);
    return before;
}

/* A chain of events about one drawable, its ids without a pattern. */
static void known_drawables(struct tap_writer *w)
{
    for (uint64_t i = 0; i < 500; i++) {
        struct fields_draw d = {.drawable = fake_random() >> 17, .release_id = fake_random()};
        uint64_t t = 1000 + 10 * i;

        for (int side = 0; side < 4; side++)
            ((int32_t *)&d.box)[side] = (int32_t)(fake_random() % 2000);
        PUT(w, cmd, t, .release_id = d.release_id);
        fake_put(w, 7, EV_draw, t + 1, &d);
        PUT(w, match, t + 2, .drawable = d.drawable, .release_id = d.release_id, .other = d.box);
        PUT(w, stream_attach, t + 3, .drawable = d.drawable, .release_id = d.release_id,
            .box = d.box);
        PUT(w, release, t + 4, .drawable = d.drawable, .release_id = d.release_id);
    }
}

/* The same, but nothing is known of the drawable. */
static void unknown_drawables(struct tap_writer *w)
{
    for (uint64_t i = 0; i < 500; i++)
        for (int k = 0; k < 5; k++)
            PUT(w, wakeup, 1000 + 10 * i + (uint64_t)k, .display = 0);
}

/* 500 drawables cost their own bytes once: 6 of the address, 8 of the id and 8 of the box. */
static void stored_once(void **state)
{
    size_t with, without;
    (void)state;

    with = written(known_drawables);
    without = written(unknown_drawables);
    assert_true(with - without < 500 * 26);
}

/* How much a killed recorder loses: 4096 events; a second, if that has 1024; four seconds. */
static void chunk_sizes(void **state)
{
    static const struct {
        uint64_t step; /* ns between two events */
        uint64_t most; /* of them in a chunk */
    } rates[] = {{1000, 4096}, {500000, 2000}, {900000, 1112}, {2000000, 1024}, {10000000, 400}};
    (void)state;

    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        const char *path = fake_path("rate.tap");
        struct tap_writer *w = fake_log(path, SOURCE_SPICE);
        uint64_t bytes = tap_writer_bytes(w), n = 0;

        while (tap_writer_bytes(w) == bytes)
            PUT(w, wakeup, 1000 + rates[i].step * n++, .display = 0);
        assert_int_equal(rates[i].most == 4096 ? n : n - 1, rates[i].most);
        assert_int_equal(tap_writer_close(w), 0);
        unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_of_any_kind), cmocka_unit_test(last_rect),
        cmocka_unit_test(recent),           cmocka_unit_test(recent_forgets),
        cmocka_unit_test(recent_forged),    cmocka_unit_test(since_the_event),
        cmocka_unit_test(since_by_key),     cmocka_unit_test(left_out),
        cmocka_unit_test(chains),           cmocka_unit_test(many_names),
        cmocka_unit_test(refused),          cmocka_unit_test(full_memory),
        cmocka_unit_test(older_minor),      cmocka_unit_test(stored_once),
        cmocka_unit_test(chunk_sizes),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
