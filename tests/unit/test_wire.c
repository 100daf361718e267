/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of the guest's port: cut at every byte, with every bit flipped, after any garbage. */
#include "record/guest_hello.h"
#include "../../guest/wire.h"
#include "fake.h"

enum { FRAMES = 5 };

static uint8_t stream[2048];
static size_t length, ends[FRAMES];

static void make(void)
{
    uint8_t payload[200];

    length = 0;
    for (unsigned i = 0; i < FRAMES; i++) {
        size_t size = i * 50;

        for (size_t b = 0; b < size; b++)
            payload[b] = (uint8_t)fake_random();
        length += wire_frame_make(stream + length, WIRE_EVENTS, i + 1, payload, size);
        ends[i] = length;
    }
}

static unsigned feed(struct wire_parser *p, const uint8_t *data, size_t size, size_t piece,
                     uint32_t *numbers)
{
    unsigned count = 0;

    for (size_t at = 0; at < size; at += piece) {
        size_t room, n = size - at < piece ? size - at : piece;
        uint8_t *to = wire_parser_room(p, &room);
        struct wire_frame f;

        assert_true(room >= n);
        memcpy(to, data + at, n);
        wire_parser_filled(p, n);
        while (wire_parser_next(p, &f)) {
            assert_true(count < 2 * FRAMES);
            numbers[count++] = f.sequence;
        }
    }
    return count;
}

static void every_piece(void **state)
{
    uint32_t numbers[2 * FRAMES];
    (void)state;

    make();
    for (size_t piece = 1; piece <= length; piece++) {
        struct wire_parser p;

        assert_int_equal(wire_parser_open(&p), 0);
        assert_int_equal(feed(&p, stream, length, piece, numbers), FRAMES);
        assert_int_equal(p.skipped, 0);
        wire_parser_close(&p);
    }
}

/* An agent ends in the middle of a frame, and the next agent starts with a new one. */
static void every_cut(void **state)
{
    uint32_t numbers[2 * FRAMES];
    uint8_t cut[sizeof(stream) * 2];
    (void)state;

    make();
    for (size_t at = 1; at < length; at++) {
        struct wire_parser p;
        unsigned whole = 0, got;

        while (ends[whole] <= at)
            whole++;
        memcpy(cut, stream, at);
        memcpy(cut + at, stream, length);
        assert_int_equal(wire_parser_open(&p), 0);
        got = feed(&p, cut, at + length, 64, numbers);
        assert_true(got == whole + FRAMES || got == whole + FRAMES - 1);
        assert_int_equal(numbers[got - 1], FRAMES);
        wire_parser_close(&p);
    }
}

static void every_bit(void **state)
{
    uint32_t numbers[2 * FRAMES];
    (void)state;

    make();
    for (size_t bit = 0; bit < length * 8; bit++) {
        struct wire_parser p;
        unsigned got;

        stream[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(wire_parser_open(&p), 0);
        got = feed(&p, stream, length, 100, numbers);
        assert_true(got >= FRAMES - 1 && got <= FRAMES);
        if (got < FRAMES)
            assert_true(p.skipped >= WIRE_HEADER);
        wire_parser_close(&p);
        stream[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void hello(void **state)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "{}",
                                      "{\"boot_id\":7}",
                                      "{\"boot_id\":\"\"}",
                                      "{\"boot_id\":\"b\",\"boot_id\":\"c\"}",
                                      "{\"boot_id\":\"b\",\"x\":[[[[[[[[[]]]]]]]]]}"};
    static const char good[] = "{\"boot_id\":\"b\",\"kernel\":\"5\\u001b[1m\\u00e4\",\"odd\":{},"
                               "\"cpus\":-1,\"attached\":[\"a\",7],\"memory\":[{\"total\":5}]}";
    json_t *h;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_null(guest_hello_parse((const uint8_t *)bad[i], strlen(bad[i])));
    h = guest_hello_parse((const uint8_t *)good, strlen(good));
    assert_non_null(h);
    assert_string_equal(json_string_value(json_object_get(h, "kernel")), "5?[1m??");
    assert_null(json_object_get(h, "odd"));
    assert_null(json_object_get(h, "cpus"));
    assert_int_equal(json_array_size(json_object_get(h, "attached")), 1);
    json_decref(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(every_bit),
        cmocka_unit_test(hello),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
