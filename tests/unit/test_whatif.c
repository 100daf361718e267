/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The detector's model on runs of our own making: a video whose frames replace each other in the
 * tree. What is recorded is written by hand from the server's rules, not by the model.
 */
#include "cmd/commands.h"
#include "replay/replay.h"
#include "replay/regions.h"
#include "replay/sight.h"
#include "fake.h"

enum { MS = 1000000, START = 1000000000 };

static struct tap_writer *writer;
static uint64_t now;
static struct replay replay;

static void begin(void)
{
    unlink(fake_path("spice.tap"));
    writer = fake_log(fake_path("spice.tap"), SOURCE_SPICE);
    now = START;
}

static void finish(const struct constants *constants, unsigned count)
{
    struct run_cursor *c;
    struct run_event e;
    struct bundle *b;

    assert_int_equal(tap_writer_close(writer), 0);
    assert_int_equal(bundle_open(&b, fake_path("spice.tap")), 0);
    assert_int_equal(replay_init(&replay, constants, count), 0);
    assert_int_equal(cursor_open(&c, b), 0);
    while (cursor_next(c, &e) == 1)
        assert_int_equal(replay_add(&replay, &e), 0);
    cursor_close(c);
    replay_end(&replay);
    bundle_close(b);
}

static uint64_t draw_at(unsigned n, unsigned verdict, int width)
{
    now += 1000;
    PUT(writer, draw, now, .drawable = n, .release_id = n, .type = 3, .effect = 1,
        .box = {10, 10, 10 + width, 210}, .src_width = width, .src_height = 200, .verdict = verdict,
        .created = now - 500);
    return now - 500;
}

static void look_in_empty_ring(unsigned n, uint64_t created, int from)
{
    for (int i = from; i < 8; i++)
        PUT(writer, match, now += 10, .drawable = n, .release_id = n, .against = 1, .index = i,
            .verdict = 2, .since = (int64_t)created);
}

/* Frame n takes the place of frame n - 1, `gap` later, and is its next one. */
static void replace(unsigned n, uint64_t gap, int frames, bool late, unsigned slot)
{
    static uint64_t before;
    uint64_t created;

    now += gap;
    created = draw_at(n, 0, 200);
    if (frames) {
        PUT(writer, match, now += 10, .drawable = n, .release_id = n, .against = 2, .index = -1,
            .verdict = late ? 2 : 0, .since = (int64_t)(created - before),
            .other = {10, 10, 210, 210});
        if (!late)
            PUT(writer, frame, now += 10, .drawable = n, .release_id = n, .frames = frames,
                .gradual_frames = frames, .last_gradual = frames, .graduality = 4,
                .starts = frames >= 20);
    } else {
        look_in_empty_ring(n, created, 0);
    }
    before = created;
    (void)slot;
}

/* A client's encoder is made first: its events come between the frame and its stream. */
static void create(unsigned n, int frames, unsigned fps)
{
    PUT(writer, stream_first_rate, now += 10, .stream = 49, .all = 10485760, .share = 8388608);
    PUT(writer, stream_rate, now += 10, .stream = 49);
    PUT(writer, delay_ask, now += 10, .stream = 49);
    PUT(writer, stream_create, now += 10, .stream = 49, .drawable = n, .release_id = n,
        .box = {10, 10, 210, 210}, .width = 200, .height = 200, .fps = fps, .frames = frames,
        .top_down = 1);
}

struct slot {
    uint64_t created;
    int frames;
};

/* A video: each frame replaces the one before; the ring fills with them. 19 gaps of 40 ms. */
static void video(unsigned count, uint64_t gap, int wrong)
{
    struct slot ring[8] = {{0, 0}}, last = {0, 0};

    for (unsigned n = 1; n <= count; n++) {
        struct slot *old = &ring[(n - 2) % 8];
        bool late = gap > 200 * (uint64_t)MS;
        int frames = late ? 0 : (int)n - 1;

        replace(n, gap, n == 1 ? 0 : (late ? 1 : frames + ((int)n == wrong)), late, 0);
        if (n > 1 && frames >= 20) {
            create(n, frames, 25);
            PUT(writer, trace_add, now += 10, .drawable = n - 1, .release_id = n - 1,
                .slot = (n - 2) % 8, .reason = 0, .frames = last.frames,
                .old = {old->created ? 10 : 0, old->created ? 10 : 0, old->created ? 210 : 0,
                        old->created ? 210 : 0},
                .old_age = old->created ? (int64_t)(now - old->created) : -1,
                .old_frames = old->frames, .box = {10, 10, 210, 210});
            return;
        }
        if (n > 1) {
            PUT(writer, trace_add, now += 10, .drawable = n - 1, .release_id = n - 1,
                .slot = (n - 2) % 8, .reason = 0, .frames = last.frames,
                .old = {old->created ? 10 : 0, old->created ? 10 : 0, old->created ? 210 : 0,
                        old->created ? 210 : 0},
                .old_age = old->created ? (int64_t)(now - old->created) : -1,
                .old_frames = old->frames, .box = {10, 10, 210, 210});
            *old = last;
        }
        last = (struct slot){now, frames};
        PUT(writer, ring_empty, now += 10, .ring = 0);
    }
}

static void twenty_frames_make_a_stream(void **state)
{
    (void)state;
    begin();
    video(21, 40 * MS, 0);
    finish(&constants_built, 1);
    assert_int_equal(replay.differs, 0);
    assert_int_equal(replay.results[0].created, 1);
    replay_free(&replay);
}

static void nineteen_do_not(void **state)
{
    struct constants two[2] = {constants_built, constants_built};
    (void)state;

    begin();
    video(20, 40 * MS, 0);
    two[1].frames_start = 19;
    finish(two, 2);
    assert_int_equal(replay.differs, 0);
    assert_int_equal(replay.results[0].created, 0);
    assert_int_equal(replay.results[1].created, 1);
    assert_int_equal(replay.results[1].frames, 1);
    replay_free(&replay);
}

static void too_late_by_a_millisecond(void **state)
{
    struct constants three[3] = {constants_built, constants_built, constants_built};
    (void)state;

    begin();
    video(24, 201 * MS, 0);
    three[1].detection_delta = 202 * MS;
    three[2].detection_delta = 200 * MS;
    finish(three, 3);
    assert_int_equal(replay.differs, 0);
    assert_int_equal(replay.results[0].created, 0);
    assert_int_equal(replay.results[1].created, 1);
    assert_int_equal(replay.results[2].created, 0);
    replay_free(&replay);
}

static void a_wrong_count_is_found(void **state)
{
    (void)state;
    begin();
    video(12, 40 * MS, 9);
    finish(&constants_built, 1);
    assert_true(replay.differs >= 1);
    assert_int_equal(replay.differences[0].recorded.kind, EV_frame);
    assert_int_equal(FIELDS(&replay.differences[0].expected, frame)->frames, 8);
    replay_free(&replay);
}

static void nothing_is_concluded_across_a_loss(void **state)
{
    (void)state;
    begin();
    video(12, 40 * MS, 0);
    assert_int_equal(tap_write_loss(writer, now += MS, 3, 0), 0);
    draw_at(100, 7, 40); /* too small: nothing is looked for */
    finish(&constants_built, 1);
    assert_int_equal(replay.differs, 0);
    assert_int_equal(replay.losses, 1);
    assert_int_equal(replay.unsure.count, 1);
    assert_true(replay.inconclusive > 0);
    replay_free(&replay);
}

/* No event comes after the loss: its time counts too. */
static void nothing_is_concluded_of_an_end_that_is_cut(void **state)
{
    uint64_t last;
    (void)state;

    begin();
    video(12, 40 * MS, 0);
    last = now;
    assert_int_equal(
        tap_write_loss_since(writer, last, last + 2000ull * MS, 3, LOSS_REASON_truncated), 0);
    finish(&constants_built, 1);
    assert_int_equal(replay.losses, 1);
    assert_in_range(replay.inconclusive, 2000ull * MS, 2000ull * MS + last - START);
    replay_free(&replay);
}

/* Releases that never come: the table of drawables fills, and the model forgot the oldest unseen.
 */
static void too_many_drawables_are_reported(void **state)
{
    (void)state;
    begin();
    for (unsigned n = 1; n <= REPLAY_DRAWABLES + 100; n++)
        draw_at(n, DRAW_VERDICT_too_small, 40);
    finish(&constants_built, 1);
    assert_int_equal(replay.differs, 0);
    assert_int_equal(replay.drawables_over, 1);
    assert_int_equal(replay.unsure.count, 1);
    assert_int_equal(replay.spans[0].why, BLIND_OVERFLOW);
    /* Nothing was compared with the ring, so nothing was known before the overflow either. */
    assert_int_equal(replay.inconclusive, replay.last - replay.first);
    replay_free(&replay);
}

static void too_many_displays_and_spans_are_reported(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 0; i < REPLAY_DISPLAYS + 2; i++)
        PUT(writer, cmd, now += 10, .display = i, .type = QXL_CMD_draw);
    for (unsigned i = 0; i < REPLAY_SPANS / REPLAY_DISPLAYS + 1; i++) {
        assert_int_equal(tap_write_loss(writer, now += MS, 3, 0), 0);
        PUT(writer, cmd, now += MS, .display = 0, .type = QXL_CMD_draw);
    }
    finish(&constants_built, 1);
    assert_int_equal(replay.known.count, REPLAY_DISPLAYS);
    assert_int_equal(replay.known.over, 2);
    assert_int_equal(replay.unsure.count, REPLAY_SPANS);
    assert_int_equal(replay.unsure.over, REPLAY_DISPLAYS); /* each display is blind in each span */
    replay_free(&replay);
}

/* Only boxes that are still drawn count as lost. */
static void too_many_boxes_are_reported(void **state)
{
    struct standing none = {.stream = -1};
    struct drawable p = {.created = START, .of = &none};
    (void)state;

    assert_int_equal(replay_init(&replay, &constants_built, 1), 0);
    for (int i = 0; i < REPLAY_REGIONS + 4; i++)
        for (int k = 0; k < 3; k++) {
            p.created += 1000;
            p.box = (struct tap_rect){0, 0, 40 + i, 200};
            region_count_draw(&replay, 0, &p, true);
        }
    assert_int_equal(replay.boxes.count, REPLAY_REGIONS);
    assert_int_equal(replay.boxes.over, 4);
    p.created += START;
    p.box.right = 1000;
    region_count_draw(&replay, 0, &p, true); /* takes the place of one that is drawn no more */
    assert_int_equal(replay.boxes.over, 4);
    replay_free(&replay);
}

/* The clip is all boxes that alternate at its place, and no others. */
static void a_clip_of_several_boxes(void **state)
{
    static const struct tap_rect boxes[] = {{0, 0, 400, 300},
                                            {0, 0, 500, 300},
                                            {0, 0, 400, 250},
                                            {0, 0, 2000, 1500},
                                            {900, 900, 1100, 1100}};
    static const char order[] = "aaabacd"; /* d: what else is drawn, once in a while */
    struct standing of = {.stream = -1};
    struct drawable p = {
        .created = START, .of = &of, .graduality_known = true, .graduality = GRADUALITY_high};
    const struct replay_region *clip, *all;
    (void)state;

    assert_int_equal(replay_init(&replay, &constants_built, 1), 0);
    for (int i = 0; i < 70; i++) {
        p.created += 100 * MS;
        p.box = boxes[order[i % 7] - 'a'];
        of.stream = i >= 35 && i % 7 < 6 ? 0 : -1; /* one stream has them all */
        region_count_draw(&replay, 0, &p, true);
        if (i % 35 == 0) { /* beside it, hardly ever */
            p.box = boxes[4];
            region_count_draw(&replay, 0, &p, true);
        }
    }
    clip = replay_clip(&replay);
    assert_non_null(clip);
    assert_true(rect_same(&clip->box, &boxes[0]));
    assert_null(replay_boxes(&replay, clip));
    all = replay_group(&replay, clip);
    assert_non_null(all);
    assert_int_equal(replay_boxes(&replay, all)->count, 3);
    assert_int_equal(all->draws, 60);
    assert_int_equal(all->of[0].frames, 30);
    assert_int_equal(all->of[0].time, 35 * 100ull * MS); /* over d's pauses, too */
    assert_ptr_equal(replay_group(&replay, NULL), all);  /* no single box is a clip: the place is */
    assert_null(replay_group(&replay, region_of(&replay, 0, &boxes[4]))); /* one box alone */
    replay_free(&replay);
}

/* A guest can draw boxes of any size. */
static void boxes_that_no_screen_has(void **state)
{
    static const int32_t all[] = {INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX};
    static const int32_t half[] = {INT32_MIN, INT32_MIN, INT32_MAX, 0};
    static const int32_t none[] = {5, 5, 5, 9}, odd[] = {9, 9, 0, 0}, one[] = {0, 0, 1, 1};
    (void)state;

    assert_true(groups_share_half(all, all));
    assert_true(groups_share_half(all, half));
    assert_false(groups_share_half(all, one));
    assert_false(groups_share_half(none, none));
    assert_false(groups_share_half(odd, odd));
    assert_false(groups_share_half(odd, all));
}

static void too_many_streams_are_reported(void **state)
{
    struct replay_display *d;
    (void)state;

    assert_int_equal(replay_init(&replay, &constants_built, 1), 0);
    d = display_make(&replay, 0, sight_decided);
    assert_non_null(d);
    for (unsigned i = 0; i < REPLAY_STREAMS + 5; i++)
        sight_end_stream(d, 0, &(struct stream){.known = true}, i, STOP_REASON_timeout);
    assert_int_equal(replay.results[0].listed.count, REPLAY_STREAMS);
    assert_int_equal(replay.results[0].listed.over, 5);
    display_free(d);
    replay_free(&replay);
}

/* What cannot be concluded is said in both outputs. */
static void the_overflow_is_printed(void **state)
{
    char *text;
    json_t *json;
    (void)state;

    begin();
    for (unsigned n = 1; n <= REPLAY_DRAWABLES + 100; n++)
        draw_at(n, DRAW_VERDICT_too_small, 40);
    assert_int_equal(tap_writer_close(writer), 0);
    assert_int_equal(RUN(cmd_whatif, fake_path("spice.tap")), 0);
    text = fake_text("out");
    assert_non_null(strstr(text, "more than 65536 drawables"));
    free(text);
    assert_int_equal(RUN(cmd_whatif, fake_path("spice.tap"), "--json"), 0);
    text = fake_text("out");
    json = json_loads(text, 0, NULL);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(json, "overflow"), "drawables")), 1);
    json_decref(json);
    free(text);
}

static void the_command(void **state)
{
    char *text;
    (void)state;

    begin();
    video(20, 40 * MS, 0);
    assert_int_equal(tap_writer_close(writer), 0);
    assert_int_equal(RUN(cmd_whatif, fake_path("spice.tap"), "--frames-start", "10..19/3"), 0);
    text = fake_text("out");
    assert_non_null(strstr(text, "frames-start 19"));
    free(text);
    assert_int_equal(RUN(cmd_whatif, fake_path("spice.tap"), "--trace-items", "8..256", "--json"),
                     0);
    text = fake_text("out");
    assert_non_null(strstr(text, "\"trace_items\": 256"));
    free(text);
    assert_int_equal(RUN(cmd_whatif, fake_path("spice.tap"), "--trace-items", "9"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_whatif, fake_path("spice.tap"), "--gradual", "0..1"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_whatif, fake_path("spice.tap"), "--region", "7x7+1+1"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_whatif, fake_path("spice.tap"), "--recorded", ""), EXIT_USAGE);
    assert_int_equal(RUN(cmd_whatif, fake_path("spice.tap"), "--trace-items", "8"), 0);
    text = fake_text("out");
    assert_non_null(strstr(text, "Streams as recorded:"));
    assert_non_null(strstr(text, "Streams with trace-items 8:"));
    free(text);
    assert_int_equal(RUN(cmd_whatif, fake_path("nothing")), EXIT_INPUT);
    begin();
    video(12, 40 * MS, 9);
    assert_int_equal(tap_writer_close(writer), 0);
    assert_int_equal(RUN(cmd_whatif, fake_path("spice.tap"), "--frames-start", "10"), EXIT_PART);
    text = fake_text("out");
    assert_non_null(strstr(text, "nothing is predicted"));
    assert_null(strstr(text, "constants  "));
    free(text);
}

/* What a hostile log could hold: it must only not crash. */
static void noise(void **state)
{
    struct constants two[2] = {constants_built, constants_built};
    (void)state;

    begin();
    for (int i = 0; i < 20000; i++) {
        struct tap_event ev = fake_event(fake_kind(SOURCE_SPICE), now += fake_random() % MS);

        ev.v[0] = fake_random() % 3;
        if (ev.kind <= EV_stream_stop && fake_random() % 4)
            ev.v[1] = fake_random() % 4;
        assert_int_equal(tap_write(writer, &ev), 0);
    }
    two[1].trace_items = 64;
    finish(two, 2);
    replay_free(&replay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_frames_make_a_stream),
        cmocka_unit_test(nineteen_do_not),
        cmocka_unit_test(too_late_by_a_millisecond),
        cmocka_unit_test(a_wrong_count_is_found),
        cmocka_unit_test(nothing_is_concluded_across_a_loss),
        cmocka_unit_test(nothing_is_concluded_of_an_end_that_is_cut),
        cmocka_unit_test(too_many_drawables_are_reported),
        cmocka_unit_test(too_many_displays_and_spans_are_reported),
        cmocka_unit_test(too_many_boxes_are_reported),
        cmocka_unit_test(a_clip_of_several_boxes),
        cmocka_unit_test(boxes_that_no_screen_has),
        cmocka_unit_test(too_many_streams_are_reported),
        cmocka_unit_test(the_overflow_is_printed),
        cmocka_unit_test(the_command),
        cmocka_unit_test(noise),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
