/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the server paces each client's video, and why it was put off: the server's own probes decide.
 */
#include <zlib.h>

#include "cmd/commands.h"
#include "model/model.h"
#include "fake.h"

#define MS     1000000ull
#define SECOND (1000 * MS)
#define MBIT   (1024 * 1024ull)

enum { CLIENT = 0x5000, BEGAN = 5 };

static struct tap_writer *spice, *client;
static char folder[PATH_MAX];

/* The client's log: frames that waited so long until they were due; 0: there is no such log. */
static void begin(uint64_t waited)
{
    char command[2 * PATH_MAX + 32];

    snprintf(folder, sizeof(folder), "%s", fake_path("run"));
    snprintf(command, sizeof(command), "rm -rf '%s' && mkdir '%s'", folder, folder);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof(command), "%s/spice.tap", folder);
    spice = fake_log(command, SOURCE_SPICE);
    snprintf(command, sizeof(command), "%s/client.tap", folder);
    client = waited ? fake_log(command, SOURCE_CLIENT) : NULL;
    if (waited)
        PUT_AS(client, 1, client_frame, BEGAN * SECOND, .stream = 1, .wait = (int64_t)waited);
}

static void end(const char *missing)
{
    char path[PATH_MAX + 32];
    FILE *f;

    PUT(spice, ring_empty, (BEGAN + 9) * SECOND, .display = 0);
    assert_int_equal(tap_writer_close(spice), 0);
    assert_int_equal(client ? tap_writer_close(client) : 0, 0);
    snprintf(path, sizeof(path), "%s/run.json", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(
        f,
        "{\"format\":{\"major\":1,\"minor\":0},\"state\":\"complete\",\"logs\":[\"spice.tap\"%s],"
        "\"probes\":{\"missing\":[%s]}}",
        client ? ",\"client.tap\"" : "", missing);
    assert_int_equal(fclose(f), 0);
}

static json_t *printed(void)
{
    json_t *o;
    char *text = fake_text("out");

    o = json_loads(text, 0, NULL);
    assert_non_null(o);
    free(text);
    return o;
}

static json_t *explained(void)
{
    assert_int_equal(RUN(cmd_explain, folder, "--json"), EXIT_DONE);
    return printed();
}

/* The finding of that rule in a list; NULL: none. */
static const json_t *of_rule(const json_t *o, const char *list, const char *rule)
{
    const json_t *f;
    size_t i;

    json_array_foreach(json_object_get(o, list), i, f)
    {
        if (!strcmp(json_string_value(json_object_get(f, "rule")), rule))
            return f;
    }
    return NULL;
}

static const char *word(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

static json_int_t number(const json_t *o, const char *key)
{
    assert_true(json_is_integer(json_object_get(o, key)));
    return json_integer_value(json_object_get(o, key));
}

static void says(const json_t *finding, const char *words)
{
    if (!strstr(word(finding, "text"), words))
        fail_msg("no \"%s\" in %s", words, word(finding, "text"));
}

/* ---- a session ---------------------------------------------------------------------------- */

/* The three pings; the last one took so long. */
static void tests_net(uint64_t address, uint64_t now, uint64_t last)
{
    const uint64_t latency = 9 * MS / 10;
    bool valid = last > latency;

    PUT(spice, net_test, now, .client = address, .step = NET_TEST_STEP_warmup, .roundtrip = MS,
        .latency = MS);
    PUT(spice, net_test, now + MS, .client = address, .step = NET_TEST_STEP_latency,
        .roundtrip = latency, .latency = latency);
    PUT(spice, net_test, now + 2 * MS, .client = address,
        .step = valid ? NET_TEST_STEP_measured : NET_TEST_STEP_invalid, .roundtrip = last,
        .latency = latency, .rate = valid ? 250 * 1024 * 8 * SECOND / (last - latency) : 0);
}

static void streams(uint64_t now, unsigned number, unsigned origin, uint64_t all, uint64_t share)
{
    PUT(spice, stream_first_rate, now, .client = CLIENT, .stream = number, .origin = origin,
        .all = all, .share = share);
    PUT(spice, stream_create, now + 1, .stream = number, .box = {0, 0, 600, 546}, .fps = 25);
}

static void encodes(uint64_t now, unsigned number, uint64_t size)
{
    PUT(spice, stream_encode, now, .client = CLIENT, .stream = number, .codec = CODEC_mjpeg,
        .raw = 10 * size, .sent = size);
}

static void asks(uint64_t now, unsigned number, uint64_t asked, uint64_t most, uint64_t rate)
{
    PUT(spice, delay_ask, now, .client = CLIENT, .stream = number, .asked = asked, .most = most,
        .rate = rate);
}

static void orders(uint64_t now, unsigned verdict, uint64_t asked, uint64_t holds)
{
    PUT(spice, delay_order, now, .client = CLIENT, .verdict = verdict, .asked = asked,
        .holds = holds);
}

/* ---- what made the delay ------------------------------------------------------------------ */

static const struct {
    const char *verdict, *change, *words;
    uint64_t last_ping; /* 0: no net test */
    unsigned origin;
    uint64_t all, share, rate;
} causes[] = {
    {"test_failed", "domain_bit_rate",
     "because the net test gave no result: its last ping, with 256.0 kB, took 0.7 ms, and an empty "
     "one 0.9 ms.",
     7 * MS / 10, FIRST_RATE_high_default, 10 * MBIT, 446000, 446000},
    {"no_test", "domain_bit_rate", "the server's guess where it has no net test.", 0,
     FIRST_RATE_high_default, 10 * MBIT, 446000, 446000},
    {"earlier_stream", "domain_bit_rate",
     "with its share of 1.9 Mbit/s for all streams: the server took that from one earlier stream",
     7 * MS / 10, FIRST_RATE_earlier_stream, 1900000, 446000, 446000},
    {"measured", "client_or_link", "with its share of 2.4 Mbit/s, which the net test had measured.",
     850 * MS, FIRST_RATE_net_test, 2412000, 446000, 446000},
    {"set", "domain_bit_rate", "with its share of 1.0 Mbit/s, which SPICE_BIT_RATE sets.", 3 * MS,
     FIRST_RATE_environment, MBIT, 446000, 446000},
    {"lowered", "domain_bit_rate",
     "The stream had begun with 8.4 Mbit/s, and its encoder lowered that 1 time for the client's "
     "reports.",
     7 * MS / 10, FIRST_RATE_high_default, 10 * MBIT, 8 * MBIT, 446000},
};

static void put_off(size_t cause, bool with_client)
{
    uint64_t now = BEGAN * SECOND;

    begin(with_client ? 2760 * MS : 0);
    if (causes[cause].last_ping)
        tests_net(CLIENT, now, causes[cause].last_ping);
    streams(now + SECOND, 1, causes[cause].origin, causes[cause].all, causes[cause].share);
    if (causes[cause].rate != causes[cause].share)
        PUT(spice, stream_rate, now + 2 * SECOND, .client = CLIENT, .stream = 1,
            .reason = RATE_REASON_client_report, .before = causes[cause].share,
            .now = causes[cause].rate);
    encodes(now + 2 * SECOND + MS, 1, 77000);
    asks(now + 2 * SECOND + 2 * MS, 1, 2760 * MS, 2760 * MS, causes[cause].rate);
    orders(now + 2 * SECOND + 3 * MS, DELAY_VERDICT_passed_on, 2760 * MS, 2760 * MS);
    end("");
}

/* Each cause has its own sentence, and its own change. The order is there without a client's log.
 */
static void cause_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
        for (int with_client = 0; with_client < 2; with_client++) {
            const json_t *f;
            json_t *o;

            put_off(i, with_client);
            o = explained();
            f = of_rule(o, "short", "short_put_off");
            assert_non_null(f);
            assert_string_equal(word(f, "verdict"), causes[i].verdict);
            assert_string_equal(word(f, "change"), causes[i].change);
            assert_string_equal(word(f, "doubt"), "");
            says(f, "to show frames of video 2.76 s after they came.");
            says(f,
                 "The encoder of stream s1 needs that: at its 446 kbit/s a frame of 77.0 kB takes "
                 "1.38 s.");
            says(f, causes[i].words);
            assert_int_equal(json_object_get(json_object_get(f, "values"), "delay_ns") != NULL,
                             with_client);
            json_decref(o);
        }
}

/* The events behind the sentence: the order, the ask it passed on, the rate, the net test. */
static void evidence_is_listed(void **state)
{
    static const char *const kinds[] = {"delay_order", "delay_ask", "stream_first_rate", "net_test",
                                        "client_frame"};
    char *text;
    (void)state;

    put_off(0, true);
    assert_int_equal(RUN(cmd_explain, folder, "--events", "i0.6"), EXIT_DONE);
    text = fake_text("out");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strstr(text, kinds[i]))
            fail_msg("no %s in %s", kinds[i], text);
    assert_null(strstr(text, "stream_encode"));
    free(text);
}

/* Two streams: the order passes on what the neediest needs, though another asked last. */
static void the_needy_stream(void **state)
{
    uint64_t now = BEGAN * SECOND;
    json_t *o;
    (void)state;

    begin(0);
    streams(now, 1, FIRST_RATE_high_default, 10 * MBIT, 8 * MBIT);
    streams(now + 10, 2, FIRST_RATE_earlier_stream, MBIT, 200000);
    encodes(now + MS, 2, 40000);
    asks(now + 2 * MS, 2, 3200 * MS, 3200 * MS, 200000);
    asks(now + 3 * MS, 1, 80 * MS, 3200 * MS, 8 * MBIT);
    orders(now + 4 * MS, DELAY_VERDICT_passed_on, 3200 * MS, 3200 * MS);
    orders(now + 5 * MS, DELAY_VERDICT_not_longer, 3200 * MS, 3200 * MS);
    end("");
    o = explained();
    assert_string_equal(word(of_rule(o, "short", "short_put_off"), "verdict"), "earlier_stream");
    says(of_rule(o, "short", "short_put_off"), "The encoder of stream s2 needs that");
    json_decref(o);
}

/* A longer delay held before the first ask: whoever ordered it is not in the recording. */
static void ordered_before(void **state)
{
    json_t *o;
    (void)state;

    begin(2760 * MS);
    asks(BEGAN * SECOND, 1, 300 * MS, 300 * MS, MBIT);
    orders(BEGAN * SECOND + MS, DELAY_VERDICT_not_longer, 300 * MS, 2760 * MS);
    end("");
    o = explained();
    assert_string_equal(word(of_rule(o, "short", "short_put_off"), "verdict"), "before");
    json_decref(o);
}

/* Frames waited at the client, but not by order. */
static void not_ordered(void **state)
{
    json_t *o;
    (void)state;

    begin(2760 * MS);
    asks(BEGAN * SECOND, 1, 300 * MS, 300 * MS, MBIT);
    orders(BEGAN * SECOND + MS, DELAY_VERDICT_not_longer, 300 * MS, 400 * MS);
    end("");
    o = explained();
    assert_string_equal(word(of_rule(o, "short", "short_put_off"), "verdict"), "not_ordered");
    says(of_rule(o, "short", "short_put_off"), "the longest is 400 ms.");
    json_decref(o);
}

/* The server counts a delay that it ordered of the client before: this one was told nothing, and is
 * not put off, whatever the server counts. */
static void not_told(void **state)
{
    const json_t *f;
    json_t *o;
    (void)state;

    begin(400 * MS);
    tests_net(CLIENT, BEGAN * SECOND, 3 * MS);
    asks(BEGAN * SECOND + SECOND, 1, 1300 * MS, 1300 * MS, MBIT);
    orders(BEGAN * SECOND + SECOND + MS, DELAY_VERDICT_not_longer, 1300 * MS, 2760 * MS);
    end("");
    o = explained();
    assert_null(of_rule(o, "short", "short_put_off"));
    f = of_rule(o, "findings", "delay");
    assert_string_equal(word(f, "verdict"), "not_told");
    says(f, "was not told of the 1.30 s that it needed: the server still counted 2.76 s");
    json_decref(o);
}

/* A recording of an older library: the client's events alone, and why is unknown. */
static void older_library(void **state)
{
    const json_t *f;
    json_t *o;
    (void)state;

    begin(2760 * MS);
    end("{\"provider\":\"spice\",\"name\":\"delay_order\",\"why\":\"is missing\"}");
    o = explained();
    f = of_rule(o, "short", "short_put_off");
    assert_string_equal(word(f, "verdict"), "found");
    assert_string_equal(word(f, "doubt"), "no_probe");
    says(f, "as late as 2.76 s after they came. Why is unknown: the probe delay_order was not");
    assert_null(of_rule(o, "findings", "delay"));
    assert_null(of_rule(o, "findings", "net_test"));
    json_decref(o);
}

/* Makes the log of a recorder that does not know delay_order: its description has no such kind. */
static void forget_the_order(void)
{
    char path[PATH_MAX + 32], *text = calloc(1, TAP_MAX_DESC), *number_at;
    uint8_t *file, *made = malloc(TAP_MAX_DESC + (1 << 16));
    uLongf length = TAP_MAX_DESC - 1, packed = TAP_MAX_DESC;
    size_t size, old;

    snprintf(path, sizeof(path), "%s/spice.tap", folder);
    file = fake_load(path, &size);
    old = file[12] | (size_t)file[13] << 8 | (size_t)file[14] << 16;
    assert_int_equal(uncompress((uint8_t *)text, &length, file + TAP_HEADER_SIZE, old), Z_OK);
    number_at = strstr(text, "\"number\":35,");
    assert_non_null(number_at);
    number_at[9] = '4'; /* a kind that this program does not know */
    memcpy(made, file, TAP_HEADER_SIZE);
    assert_int_equal(compress2(made + TAP_HEADER_SIZE, &packed, (uint8_t *)text, length, 9), Z_OK);
    put_le(made + 12, packed, 4);
    put_le(made + 20, tap_crc(made + TAP_HEADER_SIZE, packed), 4);
    put_le(made + 28, tap_crc(made, 28), 4);
    memcpy(made + TAP_HEADER_SIZE + packed, file + TAP_HEADER_SIZE + old,
           size - TAP_HEADER_SIZE - old);
    fake_store(path, made, size - old + packed);
    free(made);
    free(file);
    free(text);
}

/* An older recorder does not list as missing what it does not know. */
static void older_recorder(void **state)
{
    json_t *o;
    (void)state;

    begin(2760 * MS);
    end("");
    o = explained();
    assert_string_equal(word(of_rule(o, "short", "short_put_off"), "verdict"), "not_ordered");
    json_decref(o);
    forget_the_order();
    o = explained();
    assert_string_equal(word(of_rule(o, "short", "short_put_off"), "verdict"), "found");
    assert_string_equal(word(of_rule(o, "short", "short_put_off"), "doubt"), "no_probe");
    json_decref(o);
}

/* ---- the clients -------------------------------------------------------------------------- */

static void session(void)
{
    uint64_t now = BEGAN * SECOND;

    begin(0);
    tests_net(CLIENT, now, 20 * MS);
    streams(now + SECOND, 1, FIRST_RATE_net_test, 107 * MBIT, 80 * MBIT);
    for (int i = 0; i < 30; i++)
        encodes(now + SECOND + (10 + (uint64_t)i) * MS, 1, 20000);
    for (int i = 0; i < 10; i++)
        PUT(spice, stream_drop, now + 2 * SECOND + (uint64_t)i * MS, .client = CLIENT, .stream = 1,
            .reason = i < 6 ? DROP_REASON_encoder : DROP_REASON_superseded);
    PUT(spice, stream_rate, now + 3 * SECOND, .client = CLIENT, .stream = 1,
        .reason = RATE_REASON_server_drops, .before = 80 * MBIT, .now = 2 * MBIT);
    PUT(spice, stream_rate, now + 4 * SECOND, .client = CLIENT, .stream = 1,
        .reason = RATE_REASON_client_report, .before = 2 * MBIT, .now = 3 * MBIT);
    asks(now + 5 * SECOND, 1, 700 * MS, 700 * MS, 3 * MBIT);
    orders(now + 5 * SECOND + MS, DELAY_VERDICT_passed_on, 700 * MS, 700 * MS);
    PUT(spice, delay_order, now + 6 * SECOND, .verdict = DELAY_VERDICT_reset, .holds = 400 * MS);
    end("");
}

static void facts_of_a_client(void **state)
{
    const json_t *c, *net, *rate, *delay;
    json_t *o;
    (void)state;

    session();
    o = explained();
    assert_int_equal(json_array_size(json_object_get(o, "clients")), 1);
    c = json_array_get(json_object_get(o, "clients"), 0);
    net = json_object_get(c, "net_test");
    rate = json_object_get(c, "rate");
    delay = json_object_get(c, "delay");
    assert_string_equal(word(net, "verdict"), "measured");
    assert_int_equal(number(net, "warmup_ns"), MS);
    assert_int_equal(number(net, "second_ns"), 9 * MS / 10);
    assert_int_equal(number(net, "last_ns"), 20 * MS);
    assert_int_equal(number(net, "bits"), 250 * 1024 * 8 * SECOND / (20 * MS - 9 * MS / 10));
    assert_string_equal(word(rate, "origin"), "net_test");
    assert_int_equal(number(rate, "first_bits"), 107 * MBIT);
    assert_int_equal(number(rate, "least_bits"), 2 * MBIT);
    assert_int_equal(number(rate, "lowered"), 1);
    assert_int_equal(number(rate, "raised"), 1);
    assert_int_equal(number(delay, "asks"), 1);
    assert_int_equal(number(delay, "asked_ns"), 700 * MS);
    assert_int_equal(number(delay, "passed_on_ns"), 700 * MS);
    assert_int_equal(number(json_object_get(delay, "orders"), "passed_on"), 1);
    assert_int_equal(number(c, "encoded"), 30);
    assert_int_equal(number(c, "skipped"), 6);
    says(of_rule(o, "findings", "rates"), "The encoders skipped 6 of 36 frames to keep it.");
    says(of_rule(o, "findings", "delay"),
         "The client was told 1 time to show frames later, 700 ms");
    assert_null(of_rule(o, "short", "short_put_off")); /* less than a second */
    json_decref(o);
}

static bool median(const json_t *row, const char *column, double *value)
{
    const json_t *o = json_object_get(json_object_get(row, column), "median");

    *value = json_number_value(o);
    return json_is_number(o);
}

/* An unknown figure is null, never 0: a net test without result has no rate. */
static void columns_of_compare(void **state)
{
    double v;
    json_t *o;
    (void)state;

    session();
    assert_int_equal(RUN(cmd_compare, folder, "--format", "json"), EXIT_DONE);
    o = printed();
    assert_true(median(json_array_get(o, 0), "net_test", &v) && v > 107 && v < 108);
    assert_true(median(json_array_get(o, 0), "first_rate", &v) && v > 112 && v < 113);
    assert_true(median(json_array_get(o, 0), "least_rate", &v) && v > 2 && v < 2.2);
    assert_true(median(json_array_get(o, 0), "delay_asked", &v) && v == 0.7);
    assert_true(median(json_array_get(o, 0), "delay_ordered", &v) && v == 0.7);
    assert_true(median(json_array_get(o, 0), "skipped", &v) && v > 16.6 && v < 16.7);
    json_decref(o);
    put_off(0, true);
    assert_int_equal(RUN(cmd_compare, folder, "--format", "json"), EXIT_DONE);
    o = printed();
    assert_false(median(json_array_get(o, 0), "net_test", &v));
    assert_true(median(json_array_get(o, 0), "delay_ordered", &v) && v == 2.76);
    json_decref(o);
}

/* A new client at the address of one that has gone; and more clients than are followed. */
static void clients_come_and_go(void **state)
{
    json_t *o;
    (void)state;

    begin(0);
    for (uint64_t i = 0; i < PACED_CLIENTS + 2; i++)
        tests_net(CLIENT, BEGAN * SECOND + i * SECOND / 10, i % 2 ? MS / 2 : 5 * MS);
    end("");
    o = explained();
    assert_int_equal(json_array_size(json_object_get(o, "clients")), PACED_CLIENTS);
    assert_string_equal(
        word(json_object_get(json_array_get(json_object_get(o, "clients"), 0), "net_test"),
             "verdict"),
        "measured");
    assert_string_equal(
        word(json_object_get(json_array_get(json_object_get(o, "clients"), 1), "net_test"),
             "verdict"),
        "invalid");
    assert_int_equal(number(json_object_get(o, "overflow"), "clients"), 2);
    assert_non_null(of_rule(o, "findings", "clients_table"));
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cause_is_named),      cmocka_unit_test(evidence_is_listed),
        cmocka_unit_test(the_needy_stream),    cmocka_unit_test(ordered_before),
        cmocka_unit_test(not_ordered),         cmocka_unit_test(not_told),
        cmocka_unit_test(older_library),       cmocka_unit_test(older_recorder),
        cmocka_unit_test(facts_of_a_client),   cmocka_unit_test(columns_of_compare),
        cmocka_unit_test(clients_come_and_go),
    };

    return cmocka_run_group_tests_name("pacing", tests, fake_setup, fake_clean);
}
