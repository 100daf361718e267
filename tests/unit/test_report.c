/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `spicetap report` puts into its page. tests/report/run looks at the page in a browser. */
#include <signal.h>
#include <sys/resource.h>

#include "cmd/commands.h"
#include "fake.h"

#define OPEN  "<script type=\"application/json\" id=\"runs\">"
#define CLOSE "</script>"

/* The runs of a page. */
static json_t *runs_of(const char *file)
{
    char *text = fake_text(file), *from = strstr(text, OPEN), *to;
    json_t *runs;

    assert_non_null(from);
    from += strlen(OPEN);
    to = strstr(from, CLOSE);
    assert_non_null(to);
    runs = json_loadb(from, (size_t)(to - from), 0, NULL);
    assert_non_null(runs);
    free(text);
    return runs;
}

static json_t *curve(json_t *run, const char *name)
{
    json_t *list = json_object_get(json_object_get(run, "timeline"), "curves"), *c;
    size_t i;

    json_array_foreach(list, i, c)
    {
        if (!strcmp(json_string_value(json_object_get(c, "name")), name))
            return c;
    }
    fail_msg("no curve %s", name);
    return NULL;
}

/* The area below it: a curve in things a second, times the seconds. */
static double area(json_t *run, const char *name)
{
    json_t *values = json_object_get(curve(run, name), "values"), *v;
    json_t *timeline = json_object_get(run, "timeline");
    double sum = 0;
    size_t i;

    assert_int_equal(json_array_size(values),
                     json_integer_value(json_object_get(timeline, "bins")));
    json_array_foreach(values, i, v)
    {
        sum += json_number_value(v);
    }
    return sum * json_number_value(json_object_get(timeline, "bin"));
}

static unsigned nulls(json_t *run, const char *name)
{
    json_t *values = json_object_get(curve(run, name), "values"), *v;
    unsigned count = 0;
    size_t i;

    json_array_foreach(values, i, v)
    {
        count += json_is_null(v);
    }
    return count;
}

static unsigned spans(json_t *run, const char *lane, double *seconds)
{
    json_t *list = json_object_get(json_object_get(run, "timeline"), "spans"), *s;
    unsigned count = 0;
    size_t i;

    *seconds = 0;
    json_array_foreach(list, i, s)
    {
        if (strcmp(json_string_value(json_object_get(s, "lane")), lane))
            continue;
        count++;
        *seconds += json_number_value(json_object_get(s, "to")) -
                    json_number_value(json_object_get(s, "from"));
    }
    return count;
}

static const char *warning(json_t *run)
{
    return json_string_value(json_object_get(run, "warning"));
}

#define SECOND UINT64_C(1000000000)

/* Ten seconds with a stream of four, 50 drawings and two losses. */
static void make_run(const char *path)
{
    struct bundle_writer *b;
    struct tap_writer *w;

    assert_int_equal(bundle_create(&b, path), 0);
    json_object_set_new(bundle_run(b), "started",
                        json_pack("{sI}", "monotonic", (json_int_t)(100 * SECOND)));
    json_object_set_new(bundle_run(b), "window",
                        json_pack("{sI sI}", "from", (json_int_t)(100 * SECOND), "to",
                                  (json_int_t)(110 * SECOND + 10)));
    assert_int_equal(bundle_log(b, SOURCE_SPICE, &w), 0);
    for (uint64_t i = 0; i <= 50; i++) {
        uint64_t t = 100 * SECOND + i * SECOND / 5;

        PUT(w, draw, t, .drawable = 0x100 + i, .release_id = i + 1, .type = 3);
        if (i == 10)
            PUT(w, stream_create, t, .stream = 3, .drawable = 0x100 + i, .release_id = i + 1,
                .box = {0, 0, 320, 240});
        if (i == 30)
            PUT(w, stream_stop, t, .stream = 3, .frames = 1, .age = 4 * SECOND);
        PUT(w, sent, t + 5, .channel = CHANNEL_display, .size = 1000);
        if (i == 20 || i == 40)
            assert_int_equal(tap_write_loss(w, t + 10, i, LOSS_REASON_ring_full), 0);
    }
    assert_int_equal(bundle_log_close(b, w), 0);
    assert_int_equal(bundle_finish(b, "time is up"), 0);
}

static void figures(void **state)
{
    char *run = strdup(fake_path("run")), *file = strdup(fake_path("page"));
    json_t *runs, *first, *section;
    double seconds;
    (void)state;

    make_run(run);
    assert_int_equal(RUN(cmd_report, run, "-o", file), EXIT_DONE);
    runs = runs_of("page");
    first = json_array_get(runs, 0);
    assert_int_equal(json_array_size(runs), 1);
    /* 51 drawings, but for those of the two steps in which events were lost */
    assert_in_range((int)(area(first, "all") * 10), 480, 499);
    assert_in_range((int)area(first, "all messages"), 48000, 49900);
    assert_int_equal(nulls(first, "all"), 2);
    assert_int_equal(spans(first, "Streams", &seconds), 1);
    assert_in_range((int)(seconds * 1000), 3999, 4001);
    assert_int_equal(spans(first, "Lost", &seconds), 2);
    assert_string_equal(warning(first), "Events were lost: see the lane Lost.");
    section = json_array_get(json_object_get(first, "sections"), 0);
    assert_string_equal(json_string_value(json_object_get(section, "title")), "In short");
    assert_int_equal(json_integer_value(json_object_get(first, "lost")), 60);
    json_decref(runs);
    assert_int_equal(RUN(cmd_report, run, run, "-o", file), EXIT_DONE);
    runs = runs_of("page");
    assert_int_equal(json_array_size(runs), 2);
    json_decref(runs);
    free(run);
    free(file);
}

/* Every sentence has its events, and they are those of `explain --events`. */
static void evidence(void **state)
{
    char *run = strdup(fake_path("run")), *file = strdup(fake_path("page"));
    json_t *runs, *events, *list;
    const char *ref;
    unsigned with_events = 0;
    (void)state;

    assert_int_equal(RUN(cmd_report, run, "-o", file), EXIT_DONE);
    runs = runs_of("page");
    events = json_object_get(json_array_get(runs, 0), "evidence");
    json_object_foreach(events, ref, list)
    {
        char *text;
        size_t lines = 0;

        assert_int_equal(RUN(cmd_explain, run, "--json", "--events", ref), EXIT_DONE);
        text = fake_text("out");
        for (const char *p = text; (p = strchr(p, '\n')); p++)
            lines++;
        free(text);
        assert_int_equal(json_integer_value(json_object_get(list, "all")), lines);
        assert_int_equal(json_array_size(json_object_get(list, "list")), lines < 100 ? lines : 100);
        with_events += lines > 0;
    }
    assert_true(with_events >= 3);
    json_decref(runs);
    free(run);
    free(file);
}

/* Names are data: they end no element, whatever is in them. */
static void hostile_names(void **state)
{
    char *run = strdup(fake_path("<!--<script>alert(1)<_script>' OR 1=1 --")),
         *file = strdup(fake_path("page")), *text;
    json_t *runs;
    unsigned scripts = 0;
    (void)state;

    make_run(run);
    assert_int_equal(RUN(cmd_report, run, "-o", file), EXIT_DONE);
    runs = runs_of("page");
    assert_non_null(strstr(json_string_value(json_object_get(json_array_get(runs, 0), "name")),
                           "<script>alert(1)"));
    json_decref(runs);
    text = fake_text("page");
    for (const char *p = text; (p = strstr(p, CLOSE)); p++)
        scripts++;
    assert_int_equal(scripts, 3); /* the runs, uPlot, ours */
    assert_null(strstr(strstr(text, OPEN) + strlen(OPEN), "<!--"));
    free(text);
    assert_int_equal(RUN(cmd_export, run, "-f", "sqlite", "-o", file), EXIT_DONE);
    free(run);
    free(file);
}

static void bad_input(void **state)
{
    char *run = strdup(fake_path("run")), *log = strdup(fake_path("run/spice.tap")),
         *file = strdup(fake_path("bad page")), *empty = strdup(fake_path("empty"));
    struct bundle_writer *b;
    struct tap_writer *w;
    json_t *runs;
    size_t size;
    uint8_t *data;
    (void)state;

    assert_int_equal(RUN(cmd_report, run), EXIT_USAGE);
    assert_int_equal(RUN(cmd_report, "-o", file), EXIT_USAGE);
    assert_int_equal(RUN(cmd_report, fake_path("gone"), "-o", file), EXIT_INPUT);
    assert_int_equal(RUN(cmd_report, run, "-o", "/dev/null"), EXIT_ENV);
    assert_int_equal(RUN(cmd_report, run, "-o", fake_dir), EXIT_ENV);
    assert_int_equal(symlink("target", fake_path("a link")), 0);
    fake_store(fake_path("target"), "x", 1);
    assert_int_equal(RUN(cmd_report, run, "-o", fake_path("a link")), EXIT_DONE);
    assert_int_equal(readlink(fake_path("a link"), (char[9]){0}, 8), 6); /* it still is one */
    json_decref(runs_of("target"));
    assert_int_equal(access(file, F_OK), -1);
    assert_int_equal(bundle_create(&b, empty), 0);
    assert_int_equal(bundle_log(b, SOURCE_SPICE, &w), 0);
    assert_int_equal(bundle_log_close(b, w), 0);
    assert_int_equal(bundle_finish(b, "time is up"), 0);
    assert_int_equal(RUN(cmd_report, empty, "-o", file), EXIT_DONE);
    runs = runs_of("bad page");
    assert_string_equal(warning(json_array_get(runs, 0)), "This run has no events.");
    json_decref(runs);
    data = fake_load(log, &size);
    assert_int_equal(truncate(log, (off_t)size / 2), 0);
    RUN(cmd_report, run, "-o", file);
    runs = runs_of("bad page");
    assert_true(*warning(json_array_get(runs, 0)));
    json_decref(runs);
    free(data);
    free(empty);
    free(run);
    free(log);
    free(file);
}

/* No half page, and no file beside it. */
static void disk_full(void **state)
{
    struct rlimit all, little = {20000, RLIM_INFINITY};
    char *run = strdup(fake_path("empty")), *file = strdup(fake_path("none"));
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    (void)state;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    assert_int_equal(RUN(cmd_report, run, "-o", file), EXIT_PART);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    signal(SIGXFSZ, before);
    assert_int_equal(access(file, F_OK), -1);
    free(run);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures),   cmocka_unit_test(evidence),  cmocka_unit_test(hostile_names),
        cmocka_unit_test(bad_input), cmocka_unit_test(disk_full),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
