/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clip at the client: its bars, tearing, the age of its picture. */
#include "fake.h"

#include "../../meter/clip.c"
#include "../../meter/samples.c"

#define MS UINT64_C(1000000)

/* ---- the code in a bar ------------------------------------------------------------------------
 */

static void a_number_is_read_back(void **state)
{
    (void)state;
    for (int n = 0; n < CLIP_FRAMES; n++)
        assert_int_equal(clip_decode(clip_code((unsigned)n)), n);
    assert_int_equal(clip_decode(clip_code(CLIP_FRAMES)), CLIP_NONE); /* there is no such frame */
}

/* The example of docs/dev/guests.md. */
static void cells_of_a_known_number(void **state)
{
    (void)state;
    /* 5: cells 0 and 2; all of 10 to 19 but 10 and 12; 20 to 29 of 5 ^ 0x2aa; 30 */
    assert_int_equal(clip_code(5), 5u | 0x3fau << 10 | 0x2afu << 20 | 1u << 30);
}

/* No single wrong cell, and no bar of which the top is one frame and the rest another, is read as
 * a third frame. */
static void a_torn_bar_is_no_number(void **state)
{
    (void)state;
    for (unsigned n = 0; n < CLIP_FRAMES; n++)
        for (unsigned cell = 0; cell < CLIP_CELLS; cell++)
            assert_int_equal(clip_decode(clip_code(n) ^ 1u << cell), CLIP_NONE);
    for (unsigned n = 0; n + 1 < CLIP_FRAMES; n++)
        for (unsigned cut = 1; cut < CLIP_CELLS; cut++) {
            uint32_t top = (1u << cut) - 1;
            int read = clip_decode((clip_code(n + 1) & top) | (clip_code(n) & ~top));

            assert_true(read == CLIP_NONE || read == (int)n || read == (int)n + 1);
        }
}

/* Whatever stands where a bar would be is next to never read as one. */
static void no_bar_is_no_number(void **state)
{
    unsigned read = 0;
    (void)state;

    assert_int_equal(clip_decode(0), CLIP_NONE);
    assert_int_equal(clip_decode(UINT32_MAX), CLIP_NONE);
    for (int i = 0; i < 200000; i++)
        read += clip_decode((uint32_t)fake_random()) != CLIP_NONE;
    assert_in_range(read, 0, 3);
    for (unsigned i = 0; i <= CLIP_CELLS; i++) { /* light above, dark below, and the reverse */
        uint32_t edge = i < CLIP_CELLS ? (1u << i) - 1 : UINT32_MAX;

        assert_int_equal(clip_decode(edge), CLIP_NONE);
        assert_int_equal(clip_decode(~edge), CLIP_NONE);
    }
}

/* A bar lies within one of QEMU's columns, which are 32 pixels wide and begin where what changed
 * begins: at the clip's left edge, or at the screen's (the clip is at x = 50). No other offset but
 * one cuts through two bars. */
static void bars_do_not_straddle_columns(void **state)
{
    static const int widths[] = {1024, 640, 320};
    (void)state;

    for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++)
        for (int offset = 0; offset < 32; offset++) {
            int cut = 0, on_edge = 0;

            for (int i = 0; i < CLIP_BARS; i++) {
                int left = clip_bar_left(widths[w], i), column = (left + offset) % 32;

                assert_in_range(left, 16 * i, widths[w] - CLIP_CELL);
                cut += column + CLIP_CELL > 32;
                on_edge += column == 0 || column + CLIP_CELL == 32;
            }
            assert_in_range(cut, 0, offset == 9 ? 2 : 1);
            if (offset == 0 || offset == 50 % 32)
                assert_int_equal(cut + on_edge, 0);
        }
}

static void the_picture_s_number(void **state)
{
    static const struct {
        int bars[CLIP_BARS], number;
    } cases[] = {
        {{CLIP_NONE, CLIP_NONE, CLIP_NONE}, CLIP_NONE},
        {{CLIP_NONE, 7, CLIP_NONE}, 7},
        {{8, 7, CLIP_NONE}, 7},
        {{CLIP_NONE, 0, 999}, 999},
        {{7, 8, 9}, 8},
        {{9, 9, 3}, 9},
        {{3, 9, 9}, 9},
        {{0, 999, 1}, 0},
        {{999, 998, 0}, 999},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct clip_bars b;

        clip_bars_init(&b);
        for (unsigned k = 0; k < CLIP_BARS; k++)
            clip_bars_show(&b, k, cases[i].bars[k], 1);
        assert_int_equal(clip_bars_number(&b), cases[i].number);
    }
}

static void torn_time(void **state)
{
    struct clip_bars b;
    (void)state;

    clip_bars_init(&b);
    clip_bars_show(&b, 0, 1, 100);
    clip_bars_show(&b, 1, 1, 110); /* one bar alone cannot be torn */
    clip_bars_show(&b, 2, 1, 130); /* 20 ns whole */
    clip_bars_show(&b, 0, 2, 160); /* 30 ns whole */
    clip_bars_show(&b, 1, 2, 165); /* 5 ns torn */
    clip_bars_show(&b, 2, 2, 170); /* 5 ns torn */
    clip_bars_show(&b, 3, 5, 171);
    clip_bars_show(&b, 0, CLIP_FRAMES, 171); /* forged ones are ignored */
    clip_bars_forget(&b, 200);               /* 30 ns whole */
    clip_bars_until(&b, 1000);
    assert_int_equal(b.read, 90);
    assert_int_equal(b.torn, 10);
}

/* ---- the age of the picture --------------------------------------------------------------------
 */

struct ages {
    uint64_t count, most, last;
};

static void take(void *context, uint64_t age, uint64_t time)
{
    struct ages *a = context;

    assert_true(time % CLIP_AGE_SAMPLE == 0);
    a->count++;
    a->most = age > a->most ? age : a->most;
    a->last = age;
}

static void age_of_a_clip_that_plays(void **state)
{
    struct ages got = {0};
    struct clip_age a = {.sample = take, .context = &got};
    (void)state;

    /* Two passes and a half, on time; each pass begins 100 ms late, which is the player's. */
    for (uint64_t i = 0; i < 2500; i++)
        clip_age_show(&a, (int)(i % 1000), 0, (1000 + i * 40 + i / 1000 * 100) * MS);
    assert_in_range(got.most, 30 * MS, 140 * MS); /* 999 stays for 140 ms */
    assert_int_equal(got.count, 10000 + 17);      /* 100 a second, over 100.16 s */
    got.most = 0;
    clip_age_until(&a, (1000 + 2499 * 40 + 200 + 39) * MS);
    assert_in_range(got.most, 30 * MS, 40 * MS);
    /* 600 ms behind from here on, through the next pass. */
    for (uint64_t i = 2600; i < 3100; i++)
        clip_age_show(&a, (int)(i % 1000), 0, (1000 + i * 40 + i / 1000 * 100 + 600) * MS);
    assert_in_range(got.last, 450 * MS, 650 * MS); /* a new pass may hide CLIP_AGE_LOOP of it */
    /* It stands still for 5 s. */
    clip_age_until(&a, (1000 + 3099 * 40 + 300 + 600 + 5000) * MS);
    assert_in_range(got.last, 5400 * MS, 5650 * MS);
}

static void age_of_a_clip_that_goes(void **state)
{
    struct ages got = {0};
    struct clip_age a = {.sample = take, .context = &got};
    uint64_t count;
    (void)state;

    clip_age_show(&a, CLIP_NONE, 0, 900 * MS);
    clip_age_show(&a, 10, 0, 1000 * MS);
    clip_age_show(&a, 9, 0, 1040 * MS); /* an older frame again */
    clip_age_until(&a, 1050 * MS);
    assert_int_equal(got.last, 90 * MS);
    clip_age_show(&a, CLIP_NONE, 0, 1050 * MS);
    count = got.count;
    clip_age_show(&a, 11, 0, 1100 * MS); /* covered for a moment: the schedule goes on */
    assert_int_equal(got.count, count);
    clip_age_until(&a, 1100 * MS);
    assert_int_equal(got.last, 60 * MS);
    clip_age_show(&a, CLIP_NONE, 0, 1110 * MS);
    clip_age_show(&a, 0, 0, 60000 * MS); /* started anew */
    clip_age_until(&a, 60010 * MS);
    assert_int_equal(got.last, 10 * MS);
}

/* A drawing of frame 10 is shown at once. The frames after it are a stream's, which the client
 * keeps for 400 ms: their age is that, and not what the first one took longer. */
static void age_of_what_the_client_keeps(void **state)
{
    struct ages got = {0};
    struct clip_age a = {.sample = take, .context = &got};
    (void)state;

    clip_age_show(&a, 10, 0, 1120 * MS);
    for (uint64_t i = 11; i < 60; i++)
        clip_age_show(&a, (int)i, 400 * MS, (1000 + (i - 10) * 40 + 400) * MS);
    got.most = 0;
    clip_age_until(&a, (1000 + 49 * 40 + 400 + 39) * MS);
    assert_in_range(got.most, 430 * MS, 440 * MS);
    clip_age_show(&a, 60, UINT64_MAX,
                  (1000 + 50 * 40 + 400) * MS); /* forged: longer than all time */
    clip_age_until(&a, (1000 + 50 * 40 + 400 + 20) * MS);
    assert_in_range(got.last, 400 * MS, 420 * MS);
}

/* The times of a forged log neither overflow nor take for ever. */
static void ages_of_forged_times(void **state)
{
    struct ages got = {0};
    struct clip_age a = {.sample = take, .context = &got};
    (void)state;

    clip_age_show(&a, 1, 0, 0);
    clip_age_show(&a, 2, 0, UINT64_MAX);
    clip_age_show(&a, 3, 0, INT64_MAX / 2 / CLIP_AGE_SAMPLE * CLIP_AGE_SAMPLE);
    clip_age_show(&a, 4, 0, 5);
    assert_true(a.full);
}

/* ---- the client's picture -----------------------------------------------------------------------
 */

enum { WIDTH = 500, HEIGHT = 400 };
static uint32_t pixels[HEIGHT][WIDTH];
static const struct screen shown = {(const uint8_t *)pixels, WIDTH, HEIGHT, WIDTH * 4, true};

static void paint(const struct clip *c, int bar, uint32_t cells)
{
    struct wire_rect at = clip_bar(c, bar);

    for (int y = at.top; y < at.bottom; y++)
        for (int x = at.left; x < at.right; x++)
            pixels[y][x] = cells >> (y - at.top) / CLIP_CELL & 1 ? 0xd8d8d8 : 0x181818;
}

/* Each bar is read alone, at once; the picture's number is the middle one. */
static void each_bar_for_itself(void **state)
{
    static const struct clip_place place = {50, 50, 320, 272};
    struct clip c;
    struct clip_change change;
    (void)state;

    clip_init(&c, &place);
    for (int i = 0; i < CLIP_BARS; i++)
        paint(&c, i, clip_code(998));
    clip_look(&c, &shown, 1000 * (int64_t)MS, 0, CLIP_ALL_BARS, false, &change);
    assert_int_equal(change.bars, CLIP_ALL_BARS);
    assert_true(change.picture);
    assert_int_equal(change.number, 998);
    paint(&c, 0, clip_code(999));
    clip_look(&c, &shown, 1010 * (int64_t)MS, 0, 1, true, &change);
    assert_int_equal(change.bars, 1);
    assert_false(change.picture); /* two of three still show the one before */
    paint(&c, 1, clip_code(0));
    clip_look(&c, &shown, 1020 * (int64_t)MS, 0, 2, true, &change);
    assert_int_equal(change.number, 999);
    assert_true(change.picture);
    paint(&c, 2, clip_code(999) ^ 4);
    clip_look(&c, &shown, 1030 * (int64_t)MS, 0, 4, true, &change);
    assert_int_equal(change.bars, 4); /* it cannot be read */
    assert_int_equal(c.bars.number[2], CLIP_NONE);
    assert_false(change.picture); /* 999 and 0: the older one */
    clip_end(&c, 1040 * (int64_t)MS);
    assert_int_equal(c.bars.read, 40 * MS);
    assert_int_equal(c.bars.torn, 30 * MS);
    assert_int_equal(c.bar[2].looks, 2);
    assert_int_equal(c.bar[2].unread, 1);
    assert_int_equal(clip_distinct(&c), 2);
    assert_int_equal(c.unread, 0);
    clip_free(&c);
}

/* Without bars a hash tells pictures apart, as soon as the region is complete. */
static void a_clip_without_bars(void **state)
{
    static const struct clip_place place = {50, 50, 320, 272};
    struct clip c;
    struct clip_change change;
    (void)state;

    memset(pixels, 0x40, sizeof(pixels));
    clip_init(&c, &place);
    clip_look(&c, &shown, 1, 0, CLIP_ALL_BARS, true, &change);
    assert_false(change.picture);
    for (int i = 0; i < 4; i++) {
        pixels[60][60] = (uint32_t)i / 2;
        clip_look(&c, &shown, 2 + i, 0, CLIP_ALL_BARS, false, &change);
        assert_int_equal(change.picture, i % 2 == 0);
        assert_int_equal(change.bars, 0);
        assert_int_equal(change.number, CLIP_NONE);
    }
    assert_int_equal(clip_distinct(&c), 2);
    assert_false(c.numbered);
    assert_int_equal(c.bars.read, 0);
    assert_int_equal(c.ages.count, 0);
    clip_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_read_back),
        cmocka_unit_test(cells_of_a_known_number),
        cmocka_unit_test(a_torn_bar_is_no_number),
        cmocka_unit_test(no_bar_is_no_number),
        cmocka_unit_test(bars_do_not_straddle_columns),
        cmocka_unit_test(the_picture_s_number),
        cmocka_unit_test(torn_time),
        cmocka_unit_test(age_of_a_clip_that_plays),
        cmocka_unit_test(age_of_a_clip_that_goes),
        cmocka_unit_test(age_of_what_the_client_keeps),
        cmocka_unit_test(ages_of_forged_times),
        cmocka_unit_test(each_bar_for_itself),
        cmocka_unit_test(a_clip_without_bars),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
