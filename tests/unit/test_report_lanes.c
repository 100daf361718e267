/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lanes of `spicetap report`: what its bars are, and the events behind each. */
#include "cmd/commands.h"
#include "fake.h"

#define SECOND UINT64_C(1000000000)
#define MS     UINT64_C(1000000)
#define OPEN   "<script type=\"application/json\" id=\"runs\">"

static struct bundle_writer *bundle;
static struct tap_writer *spice, *client, *guest;
static char *folder;
static uint64_t now;

/* The guest's clock is the host's. */
#define CLOCKS                                                                                     \
    "[{\"log\":\"guest.tap\",\"pairs\":9,\"rejected\":0,\"violations\":0,\"segments\":[{"          \
    "\"guest_from\":1,\"guest_to\":9000000000000,\"guest_at\":1,\"host_at\":1,\"drift_ppb\":0,"    \
    "\"error_ns\":1000,\"pairs\":9,\"method\":\"io\",\"jump\":false}]}]"

static void begin(const char *name, uint64_t seconds)
{
    free(folder);
    folder = strdup(fake_path(name));
    assert_int_equal(bundle_create(&bundle, folder), 0);
    now = 100 * SECOND;
    json_object_set_new(bundle_run(bundle), "started",
                        json_pack("{sI}", "monotonic", (json_int_t)now));
    json_object_set_new(
        bundle_run(bundle), "window",
        json_pack("{sI sI}", "from", (json_int_t)now, "to", (json_int_t)(now + seconds * SECOND)));
    json_object_set_new(bundle_run(bundle), "clocks", json_loads(CLOCKS, 0, NULL));
    assert_int_equal(bundle_log(bundle, SOURCE_SPICE, &spice), 0);
    assert_int_equal(bundle_log(bundle, SOURCE_CLIENT, &client), 0);
    assert_int_equal(bundle_log(bundle, SOURCE_GUEST, &guest), 0);
}

static void end(void)
{
    assert_int_equal(bundle_log_close(bundle, spice), 0);
    assert_int_equal(bundle_log_close(bundle, client), 0);
    assert_int_equal(bundle_log_close(bundle, guest), 0);
    assert_int_equal(bundle_finish(bundle, "time is up"), 0);
}

/* The run as the page has it. */
static json_t *page(void)
{
    char *file = strdup(fake_path("page")), *text, *from, *to;
    json_t *runs, *run;

    assert_int_equal(RUN(cmd_report, folder, "-o", file), EXIT_DONE);
    text = fake_text("page");
    from = strstr(text, OPEN);
    assert_non_null(from);
    from += strlen(OPEN);
    to = strstr(from, "</script>");
    runs = json_loadb(from, (size_t)(to - from), 0, NULL);
    assert_non_null(runs);
    run = json_incref(json_array_get(runs, 0));
    json_decref(runs);
    free(text);
    free(file);
    return run;
}

static const char *text_of(json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static unsigned bars(json_t *run, const char *lane, const char *means)
{
    json_t *list = json_object_get(json_object_get(run, "timeline"), "spans"), *s;
    unsigned count = 0;
    size_t i;

    json_array_foreach(list, i, s)
    {
        count +=
            !strcmp(text_of(s, "lane"), lane) && (!means || !strcmp(text_of(s, "means"), means));
    }
    return count;
}

/* Has a sentence of the page this text? */
static bool says(json_t *run, const char *text)
{
    json_t *section, *item;
    size_t i, n;

    json_array_foreach(json_object_get(run, "sections"), i, section)
    {
        json_array_foreach(json_object_get(section, "items"), n, item)
        {
            if (strstr(text_of(item, "text"), text))
                return true;
        }
    }
    return false;
}

static void shown(int number, uint64_t since)
{
    now += since;
    PUT_AS(client, 1, client_clip, now, .number = number, .since = (int64_t)since);
}

/* In short and the lane count one thing: three times nothing came, and once something that covers
 * the clip was drawn. */
static void freezes_have_one_rule(void **state)
{
    static const char summary[] = "{\"clip\":{\"numbered\":true,\"region\":[0,0,100,100]}}";
    char path[PATH_MAX + 32];
    json_t *run, *list, *bar;
    size_t i;
    (void)state;

    begin("freezes", 20);
    json_object_set_new(bundle_run(bundle), "client",
                        json_pack("{ss ss}", "log", "client.tap", "summary", "client.json"));
    shown(1, 0);
    for (int n = 0; n < 4; n++) {
        for (int k = 0; n == 2 && k < 3; k++)
            PUT_AS(client, 1, client_picture, now + (unsigned)(k + 1) * 100 * MS,
                   .box = {0, 0, 50, 50}, .stream = -1);
        shown(2 + n, 2 * SECOND);
        PUT(spice, sent, now, .channel = CHANNEL_display, .size = 1000);
    }
    end();
    snprintf(path, sizeof(path), "%s/client.json", folder);
    fake_store(path, summary, strlen(summary));
    run = page();
    assert_int_equal(bars(run, "Picture stood still", "unread"), 1);
    /* the last one lasts until the window's end */
    assert_int_equal(bars(run, "Picture stood still", "still"), 4);
    assert_true(says(run, "(4 times, "));
    list = json_object_get(json_object_get(run, "timeline"), "spans");
    json_array_foreach(list, i, bar) /* the pictures that began and ended it; the last has no end */
    {
        double to = json_number_value(json_object_get(bar, "to"));

        if (!strcmp(text_of(bar, "lane"), "Picture stood still"))
            assert_int_equal(json_integer_value(json_object_get(bar, "all")), to < 19 ? 2 : 1);
    }
    json_decref(run);
}

static void stream(uint32_t number, uint64_t frames)
{
    uint64_t born = now;

    for (uint64_t i = 0; i < frames; i++, now += 40 * MS) {
        PUT(spice, draw, now, .drawable = 0x100 + i, .release_id = i + 1, .created = now,
            .box = {0, 0, 320, 240});
        if (i)
            PUT(spice, stream_attach, now + 10, .stream = number, .drawable = 0x100 + i,
                .release_id = i + 1, .since = 40 * MS, .box = {0, 0, 320, 240});
        else
            PUT(spice, stream_create, now + 10, .stream = number, .drawable = 0x100 + i,
                .release_id = i + 1, .box = {0, 0, 320, 240});
    }
    PUT(spice, stream_stop, now, .stream = number, .frames = (uint32_t)frames,
        .age = (int64_t)(now - born));
}

static void episode(unsigned evicted)
{
    PUT(spice, oom_begin, now, .drawables = 200);
    for (unsigned i = 0; i < evicted; i++)
        PUT(spice, evict, now + 10 + i, .drawable = 0x9000 + i, .release_id = 0x5000 + i,
            .age = (int64_t)SECOND, .stream = -1, .box = {0, 0, 10, 10});
    PUT(spice, oom_end, now + MS, .drawables = 100);
    PUT_AS(guest, 3, guest_wait_end, now + 2 * MS, .release_id = 7, .took = 2 * MS);
    now += 3 * MS;
    PUT(spice, draw, now, .drawable = 0x77, .release_id = 9, .created = now, .box = {0, 0, 9, 9});
    now += SECOND;
}

static void make_busy(const char *name)
{
    begin(name, 60);
    for (uint32_t i = 0; i < 8; i++) {
        stream(i % 2, 30);
        episode(i);
    }
    end();
}

/* Each bar has its first and its last events, and how many there are. */
static void bars_have_their_events(void **state)
{
    json_t *run, *list, *s;
    size_t i;
    (void)state;

    make_busy("bars");
    run = page();
    list = json_object_get(json_object_get(run, "timeline"), "spans");
    assert_int_equal(bars(run, "Streams", "video"), 8);
    assert_int_equal(bars(run, "Guest waited", "memory"), 8);
    assert_true(bars(run, "Out of memory", "memory") >= 7);
    json_array_foreach(list, i, s)
    {
        json_t *events = json_object_get(s, "events");
        size_t count = json_array_size(events);
        json_t *last = json_array_get(events, count - 1);

        assert_true(count > 0);
        assert_true(json_integer_value(json_object_get(s, "all")) >= (json_int_t)count);
        if (strcmp(text_of(s, "lane"), "Streams"))
            continue;
        assert_int_equal(json_integer_value(json_object_get(s, "all")), 31);
        assert_string_equal(json_string_value(json_array_get(json_array_get(events, 0), 2)),
                            "stream_create");
        assert_string_equal(json_string_value(json_array_get(last, 2)), "stream_stop");
    }
    json_decref(run);
}

/* A reader of the page chooses a bar. The text page names the option. */
static void the_page_names_no_option(void **state)
{
    json_t *run;
    char *text;
    (void)state;

    make_busy("options");
    run = page();
    assert_true(says(run, "Choose a bar of the lane Streams"));
    assert_true(says(run, "Choose a bar of the lane Out of memory"));
    assert_false(says(run, "--stream"));
    assert_false(says(run, "--episode"));
    json_decref(run);
    assert_int_equal(RUN(cmd_explain, folder), EXIT_DONE);
    text = fake_text("out");
    assert_non_null(strstr(text, "--stream N"));
    assert_non_null(strstr(text, "--episode N"));
    free(text);
}

/* A field has one text: the page's, and that of `explain --events`. */
static void fields_have_one_text(void **state)
{
    json_t *run, *events, *of, *names, *row;
    const char *ref;
    unsigned compared = 0;
    (void)state;

    make_busy("fields");
    run = page();
    names = json_object_get(run, "fields");
    json_object_foreach(json_object_get(run, "evidence"), ref, of)
    {
        char *text, line[2048];
        size_t i, n;
        json_t *name;

        events = json_object_get(of, "list");
        if (!json_array_size(events))
            continue;
        assert_int_equal(RUN(cmd_explain, folder, "--events", ref), EXIT_DONE);
        text = fake_text("out");
        json_array_foreach(events, i, row)
        {
            const char *kind = json_string_value(json_array_get(row, 2));
            size_t at = (size_t)snprintf(line, sizeof(line), "%s", kind);

            json_array_foreach(json_object_get(names, kind), n, name)
            {
                at += (size_t)snprintf(
                    line + at, sizeof(line) - at, " %s=%s", json_string_value(name),
                    json_string_value(json_array_get(json_array_get(row, 3), n)));
            }
            if (!strstr(text, line))
                fail_msg("%s: no %s", ref, line);
            compared++;
        }
        free(text);
    }
    assert_true(compared > 20);
    json_decref(run);
}

/* As much as a page holds: an hour with an episode, a wait and a stream each second and more. */
static void an_hour_is_small(void **state)
{
    struct stat about;
    json_t *run;
    (void)state;

    begin("hour", 3600);
    for (uint64_t i = 0; i < 3500; i++) {
        now = 100 * SECOND + i * SECOND;
        stream((uint32_t)(i % 40), 6);
        episode(4);
    }
    end();
    run = page();
    assert_int_equal(bars(run, "Streams", NULL), 3500);
    assert_true(bars(run, "Out of memory", NULL) > 3000);
    assert_int_equal(stat(fake_path("page"), &about), 0);
    assert_in_range(about.st_size, 500000, 5000000 - 1);
    json_decref(run);
}

static int clean(void **state)
{
    free(folder);
    return fake_clean(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freezes_have_one_rule),    cmocka_unit_test(bars_have_their_events),
        cmocka_unit_test(the_page_names_no_option), cmocka_unit_test(fields_have_one_text),
        cmocka_unit_test(an_hour_is_small),
    };

    return cmocka_run_group_tests(tests, fake_setup, clean);
}
