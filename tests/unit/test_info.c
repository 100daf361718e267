/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What info makes of a run: streams, OOM episodes, and losses where they matter. */
#include "cmd/commands.h"
#include "model/model.h"
#include "fake.h"

static struct tap_writer *writer;
static struct model *model;

static void begin(void)
{
    unlink(fake_path("spice.tap"));
    writer = fake_log(fake_path("spice.tap"), SOURCE_SPICE);
}

static void gather(void)
{
    assert_int_equal(tap_writer_close(writer), 0);
    model_free(model);
    assert_int_equal(model_new(&model), 0);
    model->run = fake_path("spice.tap");
    assert_int_equal(bundle_open(&model->bundle, model->run), 0);
    assert_int_equal(model_gather(model), 0);
    bundle_close(model->bundle);
    model->bundle = NULL;
}

static json_t *json_of(const char *path)
{
    json_t *o;
    char *text;

    assert_int_equal(RUN(cmd_info, path, "--json"), EXIT_DONE);
    text = fake_text("out");
    o = json_loads(text, 0, NULL);
    assert_non_null(o);
    free(text);
    return o;
}

static int64_t number(const json_t *o, const char *part, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(o, part), key));
}

/* Stream `at` of the list, from 0: in order of their begin. */
static int64_t of_stream(const json_t *o, size_t at, const char *key)
{
    const json_t *list = json_object_get(json_object_get(o, "streams"), "list"), *v;

    v = json_object_get(json_array_get(list, at), key);
    assert_non_null(v);
    return json_is_true(v) ? 1 : json_integer_value(v);
}

static void streams(void **state)
{
    json_t *o, *list;
    (void)state;

    begin();
    PUT(writer, stream_attach, 900, .stream = 1, .box = {1, 2, 3, 4}); /* began before */
    PUT(writer, stream_create, 1000, .stream = 0, .box = {10, 20, 110, 220}, .frames = 20);
    PUT(writer, stream_attach, 1100, .stream = 0);
    PUT(writer, stream_create, 1150, .display = 1, .stream = 0);
    PUT(writer, stream_stop, 2000, .stream = 1, .reason = 0, .age = 1500, .frames = 70);
    PUT(writer, stream_stop, 3000, .stream = 0, .reason = 3, .age = 2000, .frames = 2);
    PUT(writer, stream_attach, 3100, .display = 1, .stream = 0);
    assert_int_equal(tap_writer_close(writer), 0);
    o = json_of(fake_path("spice.tap"));
    assert_int_equal(number(o, "streams", "created"), 2);
    assert_int_equal(number(o, "streams", "stopped"), 2);
    assert_int_equal(number(o, "streams", "unlisted"), 0);
    list = json_object_get(json_object_get(o, "streams"), "list");
    assert_int_equal(json_array_size(list), 3);
    assert_true(!of_stream(o, 0, "began_in_recording") && of_stream(o, 0, "ended"));
    assert_int_equal(of_stream(o, 0, "created"), 500);
    assert_int_equal(of_stream(o, 0, "frames"), 70);
    assert_true(of_stream(o, 1, "began_in_recording") && of_stream(o, 1, "ended"));
    assert_int_equal(of_stream(o, 1, "losses"), 0);
    assert_int_equal(of_stream(o, 1, "created"), 1000);
    assert_int_equal(of_stream(o, 1, "until"), 3000);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "end")),
                        tap_enum_name(&tap_enum_stop_reason, 3));
    assert_int_equal(
        json_integer_value(json_array_get(json_object_get(json_array_get(list, 1), "box"), 3)),
        220);
    assert_true(of_stream(o, 2, "began_in_recording") && !of_stream(o, 2, "ended"));
    assert_int_equal(of_stream(o, 2, "display"), 1);
    assert_int_equal(of_stream(o, 2, "frames"), 2);
    assert_int_equal(of_stream(o, 2, "until"), 3100); /* the end of the recording */
    json_decref(o);
}

/* The stop of stream 0 is lost: its number comes again. */
static void stream_loss(void **state)
{
    json_t *o, *list;
    (void)state;

    begin();
    PUT(writer, stream_create, 1000, .stream = 0);
    PUT(writer, stream_attach, 1100, .stream = 0);
    assert_int_equal(tap_write_loss(writer, 1500, 12, LOSS_REASON_ring_full), 0);
    PUT(writer, stream_create, 2000, .stream = 0);
    PUT(writer, stream_stop, 2500, .stream = 0, .frames = 9, .age = 500);
    PUT(writer, stream_stop, 2600, .stream = 4, .frames = 3, .age = 900);
    assert_int_equal(tap_writer_close(writer), 0);
    o = json_of(fake_path("spice.tap"));
    list = json_object_get(json_object_get(o, "streams"), "list");
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "end")),
                        "end not seen");
    assert_int_equal(of_stream(o, 0, "losses"), 1);
    assert_int_equal(of_stream(o, 0, "until"), 1100);
    assert_true(of_stream(o, 1, "ended") && !of_stream(o, 1, "losses"));
    assert_false(of_stream(o, 2, "began_in_recording"));
    assert_int_equal(of_stream(o, 2, "created"), 1700);
    assert_int_equal(number(o, "losses", "events"), 12);
    json_decref(o);

    assert_int_equal(RUN(cmd_info, fake_path("spice.tap")), EXIT_DONE);
    char *text = fake_text("out");
    assert_non_null(strstr(text, "12 events in 1 place:"));
    assert_non_null(strstr(text, "end not seen; not certain: 1 loss in its life"));
    assert_non_null(strstr(text, "its beginning was lost"));
    free(text);
}

/* A loss of unknown count is an unknown number: not 0, and no huge one. */
static void uncounted_loss(void **state)
{
    json_t *o, *list;
    char *text;
    (void)state;

    begin();
    PUT(writer, stream_create, 1000, .stream = 0);
    assert_int_equal(tap_write_loss(writer, 1500, 0, LOSS_REASON_gap), 0);
    assert_int_equal(tap_write_loss(writer, 1600, 12, LOSS_REASON_ring_full), 0);
    PUT(writer, stream_create, 2000, .stream = 1);
    gather();
    assert_int_equal(RUN(cmd_info, fake_path("spice.tap")), EXIT_DONE);
    text = fake_text("out");
    assert_non_null(strstr(text, "at least 13 events in 2 places; the number is unknown at 1 of"));
    assert_non_null(strstr(text, "spice: an unknown number of events, gap"));
    free(text);
    assert_int_equal(RUN(cmd_info, fake_path("spice.tap"), "--json"), EXIT_DONE);
    text = fake_text("out");
    o = json_loads(text, 0, NULL);
    list = json_object_get(json_object_get(o, "losses"), "list");
    assert_true(json_is_null(json_object_get(json_array_get(list, 0), "count")));
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "count")), 12);
    json_decref(o);
    free(text);
    assert_int_equal(RUN(cmd_export, fake_path("spice.tap"), "--kind", "loss", "-f", "jsonl"),
                     EXIT_DONE);
    text = fake_text("out");
    assert_non_null(strstr(text, "\"count\":null,\"reason\":\"gap\""));
    assert_non_null(strstr(text, "\"count\":12,\"reason\":\"ring_full\""));
    free(text);
    assert_int_equal(RUN(cmd_export, fake_path("spice.tap"), "--kind", "loss", "-f", "csv"),
                     EXIT_DONE);
    text = fake_text("out");
    assert_non_null(strstr(text, "loss,0,,gap,1000\n"));
    free(text);
}

static void episodes(void **state)
{
    (void)state;
    begin();
    PUT(writer, evict, 900, .streamable = 1); /* outside of any */
    PUT(writer, oom_begin, 1000, .display = 0);
    PUT(writer, free_some_begin, 1001, .asked = 64);
    PUT(writer, evict, 1002, .streamable = 1);
    PUT(writer, evict, 1003, .display = 1, .streamable = 0); /* another display's */
    PUT(writer, evict, 1004, .streamable = 0);
    PUT(writer, oom_end, 1100, .display = 0);
    PUT(writer, evict, 1200, .streamable = 0);
    PUT(writer, oom_begin, 2000, .display = 0);
    PUT(writer, oom_end, 2300, .display = 0);
    gather();
    assert_int_equal(model->memory.all.ooms, 2);
    assert_int_equal(model->waits.oom_cut, 0);
    assert_int_equal(model->waits.oom_ns, 400);
    assert_int_equal(model->waits.oom_longest, 300);
    assert_int_equal(model->memory.all.evicted, 5);
    assert_int_equal(model->memory.evicted_in_oom, 2);
    assert_int_equal(model->memory.all.streamable, 2);
    assert_int_equal(model->memory.passes, 1);
}

/* A loss within an episode: its end is not taken from the next one. */
static void episode_loss(void **state)
{
    (void)state;
    begin();
    PUT(writer, oom_end, 500, .display = 0); /* begun before the recording */
    PUT(writer, oom_begin, 1000, .display = 0);
    assert_int_equal(tap_write_loss(writer, 1500, 100, LOSS_REASON_ring_full), 0);
    PUT(writer, evict, 1600, .streamable = 1);
    PUT(writer, oom_end, 9000, .display = 0);
    PUT(writer, oom_begin, 9500, .display = 0); /* still going on at the end */
    gather();
    assert_int_equal(model->memory.all.ooms, 2);
    assert_int_equal(model->waits.oom_ns, 0);
    assert_int_equal(model->memory.evicted_in_oom, 0);
    assert_int_equal(model->waits.oom_cut, 4);
}

static void bytes(void **state)
{
    (void)state;
    begin();
    PUT(writer, sent, 1, .channel = 2, .msg = 123, .size = 1000);
    PUT(writer, sent, 2, .channel = 2, .msg = 316, .size = 100);
    PUT(writer, sent, 3, .channel = 2, .msg = 304, .size = 70);
    PUT(writer, sent, 4, .channel = 2, .msg = 122, .size = 5);
    PUT(writer, sent, 5, .channel = 4, .msg = 104, .size = 3);
    PUT(writer, sent, 6, .channel = 200, .msg = 1, .size = 2);
    PUT(writer, image, 7, .type = 102, .raw = 4000, .sent = 60);
    PUT(writer, image, 8, .type = 9999, .raw = 1, .sent = 1);
    PUT(writer, draw, 9, .verdict = 0);
    PUT(writer, draw, 10, .verdict = 7);
    PUT(writer, draw, 11, .verdict = 7);
    PUT(writer, match, 12, .against = 1, .verdict = 3);
    gather();
    assert_int_equal(model->bytes.stream_data.sent, 1100);
    assert_int_equal(model->bytes.drawing.sent, 70);
    assert_int_equal(model->bytes.channels[2].sent, 5);
    assert_int_equal(model->bytes.channels[4].sent, 3);
    assert_int_equal(model->bytes.channels[0].sent, 2);
    assert_int_equal(model->bytes.images[102].raw, 4000);
    assert_int_equal(model->counts.draws[7], 2);
    assert_int_equal(model->counts.matches[1][3], 1);
    assert_int_equal(model->counts.events, 12);
}

static void as_json(void **state)
{
    json_t *o;
    (void)state;

    begin();
    PUT(writer, stream_create, 1000, .stream = 0, .box = {10, 20, 110, 220}, .frames = 20);
    PUT(writer, oom_begin, 2000, .display = 0);
    PUT(writer, oom_end, 2500, .display = 0);
    assert_int_equal(tap_writer_close(writer), 0);
    o = json_of(fake_path("spice.tap"));
    assert_int_equal(number(o, "memory", "oom_episodes"), 1);
    assert_int_equal(number(o, "memory", "oom_ns"), 500);
    assert_int_equal(number(o, "streams", "created"), 1);
    assert_int_equal(number(o, "events", "count"), 3);
    assert_int_equal(number(o, "losses", "places"), 0);
    json_decref(o);
}

static json_t *about_client(void)
{
    return json_pack("{s:s, s:i, s:s}", "uri", "spice://h:1", "exit", 0, "summary", "client.json");
}

/* A run from 1000000 to 3000000 with a log of its client, which was there before and after. */
static void client_run(const char *folder)
{
    struct bundle_writer *b;
    char tap[PATH_MAX];

    assert_int_equal(bundle_create(&b, folder), 0);
    json_object_set_new(bundle_run(b), "window",
                        json_pack("{s:i, s:i}", "from", 1000000, "to", 3000000));
    json_object_set_new(bundle_run(b), "logs", json_pack("[s]", "client.tap"));
    json_object_set_new(bundle_run(b), "client", about_client());
    snprintf(tap, sizeof(tap), "%s/client.tap", folder);
    writer = fake_log(tap, SOURCE_CLIENT);
    PUT(writer, client_message, 999999, .channel = 2, .size = 5000);
    PUT(writer, client_message, 1000000, .channel = 2, .size = 700);
    PUT(writer, client_message, 1000001, .channel = 2, .size = 50);
    PUT(writer, client_message, 1000002, .channel = 1, .size = 3);
    PUT(writer, client_frame, 1000003, .size = 700, .wait = 40000);
    PUT(writer, client_frame, 1000004, .size = 60, .wait = -1);
    PUT(writer, client_picture, 1000005, .stream = 0, .took = 50000, .wait = 40000);
    PUT(writer, client_picture, 1000006, .stream = 3, .took = 30000);
    PUT(writer, client_picture, 1000007, .stream = -1, .took = 8000);
    PUT(writer, client_picture, 1000008, .stream = -2);
    PUT(writer, client_clip, 1100000, .number = -1);
    PUT(writer, client_clip, 1200000, .number = 7, .since = 900000); /* its begin is outside */
    PUT(writer, client_clip, 1300000, .number = 10, .since = 100000, .lost = 2, .late = 1);
    PUT(writer, client_clip, 2200000, .number = 11, .since = 900000);
    PUT(writer, client_key, 1000100, .number = 2);
    PUT(writer, client_answer, 1200100, .number = 2, .answered = 1, .took = 200000);
    PUT(writer, client_key, 1300000, .number = 3);
    PUT(writer, client_answer, 1400000, .number = 3, .took = 100000);
    PUT(writer, client_disconnected, 2500000, .channel = 2);
    PUT(writer, client_message, 3000001, .channel = 2, .size = 5000);
    assert_int_equal(tap_writer_close(writer), 0);
    assert_int_equal(bundle_finish(b, "test"), 0);
}

static void client(void **state)
{
    const char *folder = fake_path("client");
    json_t *o, *c;
    char *text;
    (void)state;

    client_run(folder);
    o = json_of(folder);
    c = json_object_get(o, "client");
    assert_string_equal(json_string_value(json_object_get(c, "uri")), "spice://h:1");
    assert_int_equal(json_integer_value(json_object_get(c, "exit")), 0);
    assert_int_equal(json_integer_value(json_object_get(c, "messages")), 3);
    assert_int_equal(json_integer_value(json_object_get(c, "bytes")), 753);
    assert_int_equal(number(json_object_get(c, "by_channel"), "display", "sent"), 750);
    assert_int_equal(json_integer_value(json_object_get(c, "channels_ended")), 1);
    assert_int_equal(number(c, "frames", "count"), 2);
    assert_int_equal(number(c, "frames", "bytes"), 760);
    assert_int_equal(number(c, "frames", "too_late"), 1);
    assert_int_equal(number(c, "frames", "shown"), 2);
    assert_int_equal(number(c, "frames", "mean_ns"), 20000);
    assert_int_equal(number(c, "frames", "longest_ns"), 30000);
    assert_int_equal(number(c, "drawings", "shown"), 1);
    assert_int_equal(number(c, "drawings", "longest_ns"), 8000);
    assert_int_equal(number(c, "clip", "shown"), 3);
    assert_int_equal(number(c, "clip", "late"), 1);
    assert_int_equal(number(c, "clip", "lost"), 2);
    assert_int_equal(number(c, "clip", "longest_freeze_ns"), 900000);
    assert_int_equal(number(c, "keys", "pressed"), 2);
    assert_int_equal(number(c, "keys", "answered"), 1);
    assert_int_equal(number(c, "keys", "unanswered"), 1);
    assert_int_equal(number(c, "keys", "longest_ns"), 200000);
    assert_in_range(number(c, "keys", "median_ns"), 198000, 202000);
    json_decref(o);

    assert_int_equal(RUN(cmd_info, fake_path("client")), EXIT_DONE);
    text = fake_text("out");
    assert_non_null(strstr(text, "\nClient: spice://h:1\n"));
    assert_non_null(strstr(text, "753 B in 3 messages"));
    assert_non_null(strstr(text, "3 frames shown, 1 late, 2 lost"));
    assert_non_null(strstr(text, "2 pressed, 1 answered, 1 without answer in time"));
    free(text);
}

/* It was asked for and did not come; or nobody asked. */
static void no_client(void **state)
{
    struct bundle_writer *b;
    const char *folder = fake_path("none-came");
    char *text;
    json_t *o;
    (void)state;

    assert_int_equal(bundle_create(&b, folder), 0);
    json_object_set_new(bundle_run(b), "client", about_client());
    json_object_set_new(json_object_get(bundle_run(b), "client"), "exit", json_integer(3));
    assert_int_equal(bundle_finish(b, "test"), 0);
    assert_int_equal(RUN(cmd_info, folder), EXIT_DONE);
    text = fake_text("out");
    assert_non_null(strstr(text, "\nClient: spice://h:1\n"));
    assert_non_null(strstr(text, "ended with status 3: see client.log"));
    free(text);

    assert_int_equal(bundle_create(&b, fake_path("killed")), 0);
    json_object_set_new(bundle_run(b), "client", json_pack("{s:s, s:i}", "uri", "u", "exit", -1));
    assert_int_equal(bundle_finish(b, "test"), 0);
    assert_int_equal(RUN(cmd_info, fake_path("killed")), EXIT_DONE);
    text = fake_text("out");
    assert_non_null(strstr(text, "\nClient: u\n  it had to be killed\n"));
    free(text);

    begin();
    assert_int_equal(tap_writer_close(writer), 0);
    o = json_of(fake_path("spice.tap"));
    assert_null(json_object_get(o, "client"));
    json_decref(o);
}

static void bad_input(void **state)
{
    char *text;
    (void)state;

    assert_int_equal(RUN(cmd_info), EXIT_USAGE);
    assert_int_equal(RUN(cmd_info, "a", "b"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_info, fake_path("none")), EXIT_INPUT);
    text = fake_text("err");
    assert_non_null(strstr(text, "none: there is no such run"));
    free(text);
}

static int clean(void **state)
{
    model_free(model);
    return fake_clean(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams),        cmocka_unit_test(stream_loss),
        cmocka_unit_test(uncounted_loss), cmocka_unit_test(episodes),
        cmocka_unit_test(episode_loss),   cmocka_unit_test(bytes),
        cmocka_unit_test(as_json),        cmocka_unit_test(client),
        cmocka_unit_test(no_client),      cmocka_unit_test(bad_input),
    };

    return cmocka_run_group_tests(tests, fake_setup, clean);
}
