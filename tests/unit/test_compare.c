/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs side by side: repeats folded, what is not known empty, what was refused in no figure. */
#include "run/bundle.h"
#include "cmd/commands.h"
#include "report/compare.h"
#include "record/worker_cpu.h"
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

/* A group's members that occur nowhere are left out, and one that occurs in another row is 0. */
static void groups(void **state)
{
    struct compare_run runs[] = {run("a", "", false, 1, NULL), run("b", "", false, 1, NULL)};
    struct compare_row rows[2];
    json_t *all, *of;
    char *text;
    FILE *f = fopen(fake_path("groups"), "w");
    (void)state;

    for (int i = 0; i < 2; i++) {
        runs[i].known[COL_deaths + CAUSE_REFUSED] = runs[i].known[COL_deaths + CAUSE_CODECS] = true;
        runs[i].value[COL_deaths + CAUSE_REFUSED] = i * 7;
        compare_fold(&rows[i], runs, 2, (unsigned)i, false);
    }
    assert_non_null(f);
    assert_int_equal(compare_json(f, rows, 2), 0);
    fclose(f);
    text = fake_text("groups");
    all = json_loads(text, 0, NULL);
    of = json_object_get(json_array_get(all, 0), "deaths");
    assert_int_equal(json_object_size(of), 1);
    assert_true(json_number_value(json_object_get(json_object_get(of, "refused"), "median")) == 0);
    of = json_object_get(json_array_get(all, 1), "deaths");
    assert_true(json_number_value(json_object_get(json_object_get(of, "refused"), "median")) == 7);
    assert_true(json_is_null(json_object_get(json_array_get(all, 0), "images")));
    json_decref(all);
    free(text);
}

/* Of /proc/PID/task/TID/stat, whatever the thread's name; and what run.json says, if it does. */
static void worker(void **state)
{
    uint64_t ns = 0, tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
    json_t *o = json_pack("{s[{si sI} {si sI}]}", "workers", "tid", 1, "cpu_ns",
                          (json_int_t)1500000000, "tid", 2, "cpu_ns", (json_int_t)500000000);
    (void)state;

    assert_true(worker_cpu_parse(
        "7 (a) R 9 9 9) S 1 2 3 0 -1 64 1 2 3 4 25 17 9 9 20 0 6 0 1 2 3 4 5 6\n", &ns));
    assert_int_equal(ns, 42 * tick);
    assert_false(worker_cpu_parse("7 (SPICE Worker) S 1 2", &ns));
    assert_false(worker_cpu_parse("", &ns));
    assert_true(worker_cpu_share(o, 4) == 0.5);
    json_object_set_new(o, "workers", json_pack("[{sI}]", "cpu_ns", (json_int_t)-1));
    assert_true(worker_cpu_share(o, 4) < 0);
    json_object_del(o, "workers");
    assert_true(worker_cpu_share(o, 4) < 0);
    json_decref(o);
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

static int lines(const char *text)
{
    int n = 0;

    while ((text = strchr(text, '\n'))) {
        text++;
        n++;
    }
    return n;
}

/* Two runs of no experiment are no repeats, however alike the ends or begins of their paths. */
static void of_no_experiment(void **state)
{
    char folders[2][PATH_MAX], *text;
    (void)state;

    for (int i = 0; i < 2; i++) {
        char folder[128];

        snprintf(folder, sizeof(folder), "%0100d%c", 0, 'a' + i);
        assert_int_equal(mkdir(fake_path(folder), 0700), 0);
        snprintf(folders[i], PATH_MAX, "%s/run", fake_path(folder));
        snprintf(folder, sizeof(folder), "%0100d%c/run", 0, 'a' + i);
        bundle_of(folder, "{}");
    }
    assert_int_equal(RUN(cmd_compare, folders[0], folders[1], "--format", "csv"), EXIT_DONE);
    text = fake_text("out");
    assert_int_equal(3, lines(text));
    free(text);
}

/* A loss of unknown count: how many were lost is not known, and not 0. */
static void lost_unknown(void **state)
{
    char *path = strdup(fake_path("lost.tap")), *text;
    struct tap_writer *w = fake_log(path, SOURCE_SPICE);
    json_t *o;
    (void)state;

    PUT(w, evict, 1000000000, .drawable = 1, .stream = -1);
    assert_int_equal(tap_write_loss(w, 1500000000, 0, LOSS_REASON_gap), 0);
    PUT(w, evict, 2000000000, .drawable = 2, .stream = -1);
    assert_int_equal(tap_writer_close(w), 0);
    assert_int_equal(RUN(cmd_compare, path, "--format", "json"), EXIT_DONE);
    text = fake_text("out");
    o = json_loads(text, 0, NULL);
    assert_true(json_is_null(json_object_get(json_array_get(o, 0), "lost")));
    json_decref(o);
    free(text);
    free(path);
}

static double ssim_with(const char *text)
{
    char path[PATH_MAX];
    FILE *f;
    json_t *o;
    double v = -1;
    char *out;

    snprintf(path, sizeof(path), "%s/ssim.json", fake_path("ssim"));
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(RUN(cmd_compare, fake_path("ssim"), "--format", "json"), EXIT_DONE);
    out = fake_text("out");
    o = json_loads(out, 0, NULL);
    free(out);
    if (json_is_object(json_object_get(json_array_get(o, 0), "ssim")))
        v = json_number_value(
            json_object_get(json_object_get(json_array_get(o, 0), "ssim"), "median"));
    json_decref(o);
    return v;
}

/* scripts/ssim.sh puts ssim.json into a run. What it does not say is unknown, not 0. */
static void likeness(void **state)
{
    (void)state;
    bundle_of("ssim", "{\"name\":\"a\",\"verdict\":\"ok\",\"settings\":{}}");
    assert_true(ssim_with("{\"median\":0.5,\"pictures\":[]}") == 50);
    assert_true(ssim_with("{\"pictures\":[]}") == -1);
    assert_true(ssim_with("{\"median\":7}") == -1);
    assert_true(ssim_with("{\"median\":\"0.5\"}") == -1);
    assert_true(ssim_with("[") == -1);
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
    assert_int_equal(RUN(cmd_compare, first, second, "--format", "csv", "--all"), EXIT_DONE);
    text = fake_text("out");
    assert_int_equal(3, lines(text)); /* a head, and a row each */
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
        cmocka_unit_test(folds),        cmocka_unit_test(half_known),
        cmocka_unit_test(groups),       cmocka_unit_test(worker),
        cmocka_unit_test(each_alone),   cmocka_unit_test(likeness),
        cmocka_unit_test(formats),      cmocka_unit_test(of_no_experiment),
        cmocka_unit_test(lost_unknown),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
