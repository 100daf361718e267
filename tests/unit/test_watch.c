/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a watcher counts, how processes share it, and what becomes of a VM's name in a page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/watch.h"
#include "report/live.h"
#include "fake.h"

static void happens(struct watch_counts *c, uint16_t kind, uint64_t time, uint64_t display,
                    uint64_t second, uint64_t third)
{
    struct tap_event ev = {.kind = kind, .time = time};

    ev.v[0] = display;
    ev.v[1] = second;
    ev.v[2] = third;
    watch_event(c, &ev);
}

static void streams_and_their_ends(void **state)
{
    struct watch_counts c = {0};
    struct board_figures f;

    (void)state;
    happens(&c, EV_stream_create, 1, 0, 3, 0);
    happens(&c, EV_stream_attach, 2, 0, 3, 0);
    happens(&c, EV_stream_attach, 3, 1, 3, 0); /* began before it was watched */
    watch_figures(&c, 100, &f);
    assert_int_equal(f.streams_running, 2);
    assert_int_equal(f.frames, 3);
    happens(&c, EV_stream_stop, 4, 0, 3, STOP_REASON_surface);
    happens(&c, EV_stream_stop, 5, 0, 4, STOP_REASON_timeout); /* unknown until now */
    watch_figures(&c, 100, &f);
    assert_int_equal(f.streams_running, 1);
    assert_int_equal(f.streams_created, 1);
    assert_int_equal(f.streams_ended[STOP_REASON_surface], 1);
    assert_int_equal(f.streams_ended[STOP_REASON_timeout], 1);
}

static void time_in_episodes_that_are_over(void **state)
{
    struct watch_counts c = {0};
    struct board_figures f;

    (void)state;
    happens(&c, EV_oom_end, 5, 0, 0, 0); /* began before */
    happens(&c, EV_oom_begin, 10, 0, 0, 0);
    happens(&c, EV_oom_begin, 20, 1, 0, 0); /* another display, at once */
    happens(&c, EV_oom_end, 13, 0, 0, 0);
    watch_figures(&c, 13, &f);
    assert_int_equal(f.oom_ns, 3);
    happens(&c, EV_oom_end, 27, 1, 0, 0);
    watch_figures(&c, 30, &f);
    assert_int_equal(f.oom_ns, 10);
    assert_int_equal(f.ooms, 2);
}

static void numbers_that_cannot_be(void **state)
{
    struct watch_counts c = {0};
    struct board_figures f;

    (void)state;
    happens(&c, EV_stream_create, 1, UINT32_MAX, 0, 0);
    happens(&c, EV_stream_attach, 2, 0, UINT32_MAX, 0);
    happens(&c, EV_stream_stop, 3, UINT32_MAX, UINT32_MAX, UINT8_MAX);
    happens(&c, EV_oom_begin, 4, UINT32_MAX, 0, 0);
    happens(&c, EV_oom_end, 1, UINT32_MAX, 0, 0);
    happens(&c, EV_stream_drop, 1, 0, UINT8_MAX, UINT8_MAX);
    watch_figures(&c, 100, &f);
    assert_int_equal(f.streams_running, 0);
    assert_int_equal(f.oom_ns, 0);
}

/* A guest that stands still for longer than the figures' span would seem to run. */
static void an_episode_that_goes_on(void **state)
{
    struct watch_counts c = {0};
    struct board_figures f;

    (void)state;
    happens(&c, EV_oom_begin, 10, 0, 0, 0);
    watch_figures(&c, 25, &f);
    assert_int_equal(f.oom_ns, 15);
    happens(&c, EV_oom_end, 24, 0, 0, 0); /* counters never go back */
    watch_figures(&c, 30, &f);
    assert_int_equal(f.oom_ns, 15);
    assert_int_equal(f.now, 30);
}

/* A watcher that is killed in the midst of writing leaves no figures that mix two moments. */
static void half_written_is_not_shown(void **state)
{
    struct board *b = board_open();
    struct board_figures f = {.sent = 1};
    struct board_vm got;

    (void)state;
    assert_non_null(b);
    board_set(&b->vms[0], BOARD_WATCHED, 1, "a", NULL);
    board_put(&b->vms[0], &f);
    assert_true(board_get(&b->vms[0], &got));
    assert_int_equal(got.figures.sent, 1);
    b->vms[0].sequence |= 1;
    assert_false(board_get(&b->vms[0], &got));
    board_set(&b->vms[0], BOARD_FAILED, 1, "a", "its watcher ended unexpectedly");
    assert_true(board_get(&b->vms[0], &got));
    assert_int_equal(got.state, BOARD_FAILED);
    board_close(b);
}

static char *page(struct live *l, bool open)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    live_metrics(f, l, open);
    fclose(f);
    return text;
}

static void names_in_labels(void **state)
{
    struct board *b = board_open();
    struct live *l = calloc(1, sizeof(*l));
    char *text;

    (void)state;
    assert_non_null(b);
    assert_non_null(l);
    board_set(&b->vms[0], BOARD_WATCHED, 2, "q\"b\\n\nu\xff", NULL);
    board_set(&b->vms[1], BOARD_FAILED, 3, "same", "no probes");
    board_set(&b->vms[3], BOARD_NO_SPICE, 5, "vnc", "not a QEMU with SPICE");
    live_take(l, b);
    assert_int_equal(l->count, 2);
    text = page(l, false);
    assert_non_null(strstr(text, "spicetap_watched{domain=\"q\\\"b\\\\n\\nu?\"} 1\n"));
    assert_non_null(strstr(text, "spicetap_watched{domain=\"same\"} 0\n"));
    assert_null(strstr(text, "vnc"));
    assert_null(strstr(text, "# EOF"));
    free(text);
    text = page(l, true);
    assert_non_null(strstr(text, "# TYPE spicetap_sent_bytes counter\n# UNIT spicetap_sent_bytes"));
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
    free(text);
    free(l);
    board_close(b);
}

static void rates_are_of_the_span(void **state)
{
    struct board_vm before = {.figures = {.since = 1, .now = 1000000001, .frames = 10, .ooms = 1}};
    struct board_vm now = before;
    struct live_rates r;

    (void)state;
    now.figures.now += 2000000000;
    now.figures.frames += 50;
    now.figures.ooms += 1;
    now.figures.oom_ns += 500000000;
    live_rates(&r, &now, &before);
    assert_float_equal(r.frames, 25, 1e-9);
    assert_float_equal(r.ooms, 30, 1e-9);
    assert_float_equal(r.oom_share, 0.25, 1e-9);
    live_rates(&r, &before, &before);
    assert_float_equal(r.seconds, 0, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_and_their_ends),
        cmocka_unit_test(time_in_episodes_that_are_over),
        cmocka_unit_test(numbers_that_cannot_be),
        cmocka_unit_test(an_episode_that_goes_on),
        cmocka_unit_test(half_written_is_not_shown),
        cmocka_unit_test(names_in_labels),
        cmocka_unit_test(rates_are_of_the_span),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
