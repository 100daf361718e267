/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What explain makes of a run whose cause is known, and of the same run with a loss in the decisive
 * place. */
#include "cmd/commands.h"
#include "fake.h"

#define MS 1000000ull
static struct tap_writer *writer;
static uint64_t now, drawable;

static void begin(void)
{
    unlink(fake_path("spice.tap"));
    writer = fake_log(fake_path("spice.tap"), SOURCE_SPICE);
    now = 5000 * MS;
    drawable = 0x1000;
}

/* One redraw: its draw, and whatever decides it. */
static void redraw(uint64_t after, int verdict, int match, int off)
{
    now += after;
    drawable += 16;
    PUT(writer, cmd, now - 1000, .type = 1, .release_id = drawable);
    PUT(writer, draw, now, .drawable = drawable, .release_id = drawable, .type = 3, .effect = 1,
        .box = {100, 100, 420, 340}, .src_width = 320, .src_height = 240,
        .verdict = (uint64_t)verdict, .created = now);
    if (match >= 0)
        PUT(writer, match, now + 10, .drawable = drawable, .release_id = drawable, .against = 1,
            .verdict = (uint64_t)match, .since = (int64_t)after,
            .other = {100 - off, 100, 420 - off, 340});
}

static void born(void)
{
    redraw(40 * MS, 0, -1, 0);
    PUT(writer, stream_create, now + 20, .stream = 3, .drawable = drawable,
        .box = {100, 100, 420, 340}, .fps = 25, .frames = 20);
    for (int i = 0; i < 30; i++) {
        redraw(40 * MS, 0, -1, 0);
        PUT(writer, stream_attach, now + 20, .stream = 3, .drawable = drawable, .since = 40 * MS,
            .box = {100, 100, 420, 340});
    }
}

static void stop(unsigned reason)
{
    PUT(writer, stream_stop, now + 1010 * MS, .stream = 3, .reason = reason, .frames = 31,
        .age = 2300 * MS, .idle = 1010 * MS);
}

static void expect(const char *words)
{
    char *text, *flat;

    assert_int_equal(tap_writer_close(writer), 0);
    assert_int_equal(RUN(cmd_explain, fake_path("spice.tap"), "--json"), EXIT_DONE);
    text = fake_text("out");
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    flat = json_dumps(o, JSON_COMPACT);
    if (!strstr(flat, words))
        fail_msg("no \"%s\" in %s", words, text);
    json_decref(o);
    free(text);
    free(flat);
    assert_int_equal(RUN(cmd_explain, fake_path("spice.tap")), EXIT_DONE);
}

static void idle(void **state)
{
    (void)state;
    begin();
    born();
    PUT(writer, ring_empty, now + 5 * MS, .display = 0);
    stop(0);
    expect("\"cause\":\"guest_idle\"");
    assert_int_equal(RUN(cmd_explain, fake_path("spice.tap"), "--events", "s1.1"), EXIT_DONE);
    char *text = fake_text("out");
    assert_non_null(strstr(text, "stream_create"));
    assert_non_null(strstr(text, "\n1 event\n"));
    free(text);
    assert_int_equal(RUN(cmd_explain, fake_path("spice.tap"), "--events", "s9.1"), EXIT_USAGE);
}

static void waited(void **state)
{
    (void)state;
    begin();
    born();
    for (unsigned i = 0; i < 50; i++) {
        PUT(writer, oom_begin, now + i * 20 * MS, .display = 0);
        PUT(writer, flush_resources, now + i * 20 * MS + 10, .flushed = 1);
        PUT(writer, oom_end, now + i * 20 * MS + 100, .display = 0);
    }
    stop(0);
    expect("\"cause\":\"guest_waited\"");
}

static void blocked(void **state)
{
    (void)state;
    begin();
    born();
    PUT(writer, blocked, now + 10 * MS, .pipe = 51);
    stop(0);
    expect("\"cause\":\"pipe_blocked\"");
}

static void refused(void **state)
{
    uint64_t last;
    (void)state;
    begin();
    born();
    last = now;
    for (int i = 0; i < 20; i++)
        redraw(40 * MS, 3, -1, 0);
    now = last;
    stop(0);
    expect("\"cause\":\"refused\"");
}

static void surface(void **state)
{
    (void)state;
    begin();
    born();
    stop(1);
    expect("\"cause\":\"surface_gone\"");
}

/* Each of the decisive gaps, with a loss in it. */
static void lost(void **state)
{
    (void)state;
    begin();
    born();
    assert_int_equal(tap_write_loss(writer, now + 500 * MS, 12, LOSS_REASON_ring_full), 0);
    stop(0);
    expect("Inconclusive: 12 events lost here");
}

static void never(int verdict, int match, uint64_t apart, int off, const char *words)
{
    begin();
    for (int i = 0; i < 70; i++)
        redraw(apart, verdict, match, off);
    expect(words);
}

static void regions(void **state)
{
    (void)state;
    never(0, 2, 201 * MS, 0, "Nearest miss in time: 1.0 ms beyond the 200 ms");
    never(0, 3, 40 * MS, 1, "Nearest miss in place: 1 pixel off");
    never(3, -1, 40 * MS, 0, "drawn with transparency");
    never(4, -1, 40 * MS, 0, "not a plain copy of a picture");
    never(7, -1, 40 * MS, 0, "smaller than 96x96 pixels");
    never(0, -1, 40 * MS, 0, "nothing in the server to compare with");
}

static void usage(void **state)
{
    (void)state;
    assert_int_equal(RUN(cmd_explain), EXIT_USAGE);
    assert_int_equal(RUN(cmd_explain, "a", "b"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_explain, "a", "--stream", "x"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_explain, fake_path("none")), EXIT_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(idle),    cmocka_unit_test(waited),  cmocka_unit_test(blocked),
        cmocka_unit_test(refused), cmocka_unit_test(surface), cmocka_unit_test(lost),
        cmocka_unit_test(regions), cmocka_unit_test(usage),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
