/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs side by side: repeats folded, what is not known empty, what was refused in no figure. */
#include "../../collect/bundle.h"
#include "../../collect/commands.h"
#include "../../collect/compare.h"
#include "fake.h"

static struct compare_run run(const char *name, const char *settings, bool refused, double evicted,
                              const char *death)
{
    struct compare_run r = {.path = name, .refused = refused, .death = death};

    snprintf(r.name, sizeof(r.name), "%s", name);
    snprintf(r.settings, sizeof(r.settings), "%s", settings);
    r.known[COL_evicted] = evicted >= 0;
    r.value[COL_evicted] = evicted;
    return r;
}

static void folds(void **state)
{
    struct compare_run runs[] = {
        run("16a", "x", false, 10, "guest_idle"), run("16b", "x", false, 7, NULL),
        run("16a", "x", true, 5000, "refused"),   run("16a", "x", false, 30, "guest_idle"),
        run("16a", "y", false, 99, NULL),         run("16a", "x", false, 20, "refused"),
    };
    struct compare_row row;
    (void)state;

    compare_fold(&row, runs, 6, 0, false);
    assert_int_equal(row.n, 3);
    assert_int_equal(row.refused, 1);
    assert_true(row.known[COL_evicted]);
    assert_true(row.median[COL_evicted] == 20 && row.least[COL_evicted] == 10 &&
                row.most[COL_evicted] == 30);
    assert_false(row.known[COL_streams]);
    assert_false(row.same_death);
    assert_true(runs[0].folded && runs[2].folded && runs[3].folded && runs[5].folded);
    assert_false(runs[1].folded || runs[4].folded);
    compare_fold(&row, runs, 6, 4, false);
    assert_int_equal(row.n, 1);
}

/* Of three repeats one does not know it: no figure, not that of the other two. */
static void half_known(void **state)
{
    struct compare_run runs[] = {run("a", "", false, 1, NULL), run("a", "", false, -1, NULL)};
    struct compare_row row;
    (void)state;

    compare_fold(&row, runs, 2, 0, false);
    assert_int_equal(row.n, 2);
    assert_false(row.known[COL_evicted]);
}

static void each_alone(void **state)
{
    struct compare_run runs[] = {run("a", "", false, 1, NULL), run("a", "", false, 2, NULL)};
    struct compare_row row;
    (void)state;

    compare_fold(&row, runs, 2, 0, true);
    assert_int_equal(row.n, 1);
    assert_false(runs[1].folded);
}

static void bundle_of(const char *name, const char *experiment)
{
    struct bundle_writer *b;
    struct tap_writer *w;
    char path[PATH_MAX], file[PATH_MAX + 32];

    snprintf(path, sizeof(path), "%s", fake_path(name));
    assert_int_equal(bundle_create(&b, path), 0);
    assert_int_equal(bundle_log(b, SOURCE_SPICE, &w), 0);
    for (uint64_t i = 0; i < 100; i++)
        PUT(w, evict, 1000000000 + i * 100000000, .drawable = i, .stream = -1);
    assert_int_equal(tap_writer_close(w), 0);
    assert_int_equal(bundle_finish(b, "time is up"), 0);
    snprintf(file, sizeof(file), "%s/experiment.json", path);
    fake_store(file, experiment, strlen(experiment));
}

static void formats(void **state)
{
    static const char good[] = "{\"name\":\"a, \\\"b\\\"\",\"verdict\":\"ok\",\"settings\":{}}";
    char first[PATH_MAX], second[PATH_MAX];
    char *text;
    json_t *o;
    (void)state;

    bundle_of("one", good);
    bundle_of("two", good);
    snprintf(first, sizeof(first), "%s", fake_path("one"));
    snprintf(second, sizeof(second), "%s", fake_path("two"));
    assert_int_equal(RUN(cmd_compare, first, second, "--format", "json"), EXIT_DONE);
    text = fake_text("out");
    o = json_loads(text, 0, NULL);
    assert_int_equal(json_array_size(o), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(o, 0), "runs")), 2);
    assert_true(json_number_value(json_object_get(json_object_get(json_array_get(o, 0), "evicted"),
                                                  "median")) == 100);
    assert_true(json_is_null(json_object_get(json_array_get(o, 0), "clip_frames")));
    json_decref(o);
    free(text);
    assert_int_equal(RUN(cmd_compare, first, "--format", "csv"), EXIT_DONE);
    text = fake_text("out");
    assert_non_null(strstr(text, "\n\"a, \"\"b\"\"\",1,0,"));
    free(text);
    assert_int_equal(RUN(cmd_compare, first, "--format", "markdown"), EXIT_DONE);
    text = fake_text("out");
    assert_non_null(strstr(text, "|---|"));
    free(text);
    assert_int_equal(RUN(cmd_compare, first, "--format", "xml"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_compare), EXIT_USAGE);
    assert_int_equal(RUN(cmd_compare, fake_path("none")), EXIT_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds),
        cmocka_unit_test(half_known),
        cmocka_unit_test(each_alone),
        cmocka_unit_test(formats),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
