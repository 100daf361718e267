/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the recorder refuses of a guest is a loss in its log: with its count, or of unknown count.
 */
#include "fake.h"
#include "log/tap.h"
#include "record/guest_session.h"

#define SECOND      UINT64_C(1000000000)
#define GUEST_TIME  (100 * SECOND)
#define HELLO_JSON  "{\"agent\": \"test\", \"boot_id\": \"%u\", \"kernel\": \"k\"}"
#define NOT_A_KIND  999
#define NOT_A_FRAME 77

static struct guest_session session;
static uint64_t now;
static uint32_t sequence;

static void send(uint8_t type, const uint8_t *payload, uint32_t length)
{
    guest_session_now(&session, now, now);
    guest_session_frame(
        &session, &(struct wire_frame){
                      .type = type, .length = length, .sequence = sequence++, .payload = payload});
}

/* The agent of that boot answers START. */
static void answer(unsigned boot)
{
    uint8_t payload[16 + sizeof(HELLO_JSON) + 16];
    int length;

    put_le(payload, guest_session_ask(&session, now), 8);
    put_le(payload + 8, GUEST_TIME, 8);
    length = snprintf((char *)payload + 16, sizeof(payload) - 16, HELLO_JSON, boot);
    send(WIRE_HELLO, payload, 16 + (uint32_t)length);
}

static void begin(struct bundle_writer *b)
{
    session = (struct guest_session){.bundle = b};
    now = 50 * SECOND;
    sequence = 0;
    guest_budget_refill(&session.budget, 1);
    answer(0);
    assert_true(session.open);
}

static void send_event(uint16_t kind)
{
    uint8_t payload[16] = {0};

    put_le(payload, kind, 2);
    put_le(payload + 8, GUEST_TIME, 8);
    send(WIRE_EVENTS, payload, sizeof(payload));
}

/* `n`: a value that differs each time, so that the log cannot be packed to nothing. */
static void send_gc(uint64_t n)
{
    uint8_t payload[16 + 2 * 8] = {0};

    put_le(payload, EV_guest_gc, 2);
    put_le(payload + 2, 2, 2);
    put_le(payload + 8, GUEST_TIME + n, 8);
    put_le(payload + 16, n % 7, 8);
    put_le(payload + 24, n % 1000, 8);
    send(WIRE_EVENTS, payload, sizeof(payload));
}

static void a_second_passes(void)
{
    now += SECOND;
    guest_session_now(&session, now, now);
    guest_session_tick(&session);
}

static void known_and_unknown_are_two_losses(void **state)
{
    struct bundle_writer *b;
    struct tap_reader *reader;
    struct tap_event ev;
    unsigned known = 0, unknown = 0;
    (void)state;

    assert_int_equal(bundle_create(&b, fake_path("run")), 0);
    begin(b);
    a_second_passes();
    send_event(NOT_A_KIND);
    send_event(NOT_A_KIND);
    send(NOT_A_FRAME, NULL, 0);
    a_second_passes();
    a_second_passes(); /* nothing new: no loss */
    assert_int_equal(guest_session_lost(&session), 2);
    assert_int_equal(session.unknown, 1);
    assert_true(guest_session_end(&session) > 0);
    assert_int_equal(session.error, 0);
    guest_session_free(&session);
    assert_int_equal(bundle_finish(b, "test"), 0);

    assert_int_equal(tap_reader_open(&reader, fake_path("run/guest.tap")), 0);
    while (tap_reader_next(reader, &ev) == 1)
        if (ev.kind == EV_loss) {
            known += FIELDS(&ev, loss)->count == 2;
            unknown += FIELDS(&ev, loss)->count == 0;
            assert_int_equal(FIELDS(&ev, loss)->reason, LOSS_REASON_refused);
        }
    tap_reader_close(reader);
    assert_int_equal(known, 1);
    assert_int_equal(unknown, 1);
}

/* Each boot has a log. The boots without one are in run.json, and each is a loss of unknown size.
 */
static void boots_that_do_not_fit(void **state)
{
    struct bundle_writer *b;
    json_t *about;
    (void)state;

    assert_int_equal(bundle_create(&b, fake_path("boots")), 0);
    begin(b);
    for (unsigned boot = 1; boot < GUEST_LOGS + 2; boot++) {
        a_second_passes();
        answer(boot);
        assert_int_equal(session.open, boot < GUEST_LOGS);
    }
    assert_int_equal(session.log_count, GUEST_LOGS);
    about = guest_session_about(&session, "port", 0);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(about, "refused"), "boots")), 2);
    json_decref(about);
    a_second_passes();
    assert_int_equal(session.unknown, 2);
    guest_session_end(&session);
    guest_session_free(&session);
    assert_int_equal(bundle_finish(b, "test"), 0);
}

static uint64_t refused_in_log(const char *log, unsigned reason)
{
    struct tap_reader *reader;
    struct tap_event ev;
    uint64_t count = 0;

    assert_int_equal(tap_reader_open(&reader, fake_path(log)), 0);
    while (tap_reader_next(reader, &ev) == 1)
        count += ev.kind == EV_loss && FIELDS(&ev, loss)->reason == reason;
    tap_reader_close(reader);
    return count;
}

/* Each greeting is written to the log. A guest that only greets pays for it as for events. */
static void greetings_are_counted(void **state)
{
    enum { GREETINGS = 3 * GUEST_EVENTS_A_SECOND / 2 };
    struct bundle_writer *b;
    (void)state;

    assert_int_equal(bundle_create(&b, fake_path("greetings")), 0);
    begin(b); /* a second's worth */
    for (unsigned i = 0; i < GREETINGS; i++)
        answer(0);
    assert_int_equal(session.sessions, GUEST_EVENTS_A_SECOND);
    assert_int_equal(session.refused[REFUSED_FLOOD], 1 + GREETINGS - GUEST_EVENTS_A_SECOND);
    a_second_passes();
    guest_budget_refill(&session.budget, 1);
    answer(0);
    assert_int_equal(session.sessions, 1 + GUEST_EVENTS_A_SECOND);
    guest_session_end(&session);
    guest_session_free(&session);
    assert_int_equal(bundle_finish(b, "test"), 0);
    assert_int_equal(refused_in_log("greetings/guest.tap", LOSS_REASON_flood), 1);
}

/* A guest that sends as much as it may for hours: its logs grow by GUEST_LOG_BYTES_A_SECOND. */
static void logs_grow_only_so_fast(void **state)
{
    struct bundle_writer *b;
    uint64_t before, after;
    (void)state;

    assert_int_equal(bundle_create(&b, fake_path("hours")), 0);
    begin(b);
    session.budget.debt =
        GUEST_LOG_BURST_BYTES + GUEST_LOG_BYTES_A_SECOND; /* the burst is used up */
    before = session.events;
    send_gc(0);
    assert_int_equal(session.events, before);
    assert_int_equal(session.refused[REFUSED_FLOOD], 1);
    guest_budget_refill(&session.budget, 1);
    for (unsigned i = 0; i < GUEST_EVENTS_A_SECOND / 2; i++)
        send_gc(i);
    after = session.events;
    assert_int_equal(after, GUEST_EVENTS_A_SECOND / 2);
    a_second_passes(); /* it is seen that the log grew */
    send_gc(0);
    assert_int_equal(session.events, after);
    assert_int_equal(session.refused[REFUSED_FLOOD], 2);
    guest_session_end(&session);
    guest_session_free(&session);
    assert_int_equal(bundle_finish(b, "test"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_and_unknown_are_two_losses), cmocka_unit_test(boots_that_do_not_fit),
        cmocka_unit_test(greetings_are_counted), cmocka_unit_test(logs_grow_only_so_fast)};

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
