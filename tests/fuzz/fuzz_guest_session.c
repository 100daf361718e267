/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever frames a guest's agent sends, in any order and at any time, the session must not crash.
 * Its logs can be read to their end, and hold the events that it counted: no more than it may send.
 * An input is a list of steps; START's nonce and the ids of pings are filled in, so that greetings
 * and answers are taken. Opening a log takes longer than all the rest: one input in 1024 writes
 * real ones, the others count what would be written.
 *
 * Ten million inputs: scripts/fuzz.sh inputs build/fuzz/fuzz_guest_session 10000000
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/tap_format.h"
#include "record/guest_session.h"

#define SECOND     UINT64_C(1000000000)
#define GUEST_TIME (100 * SECOND)

/* In memory: a bundle waits for the disk. */
static char folder[64] = "/dev/shm/spicetap-fuzz-XXXXXX";
static struct guest_session session;
static uint64_t now, seconds;
static uint32_t sequence;

static const char *path_of(const char *name)
{
    static char path[160];

    snprintf(path, sizeof(path), "%s/run/%s", folder, name);
    return path;
}

static void clean(void)
{
    char name[64];

    for (unsigned i = 1; i <= GUEST_LOGS; i++) {
        bundle_log_name(name, SOURCE_GUEST, i);
        unlink(path_of(name));
    }
    unlink(path_of("run.json"));
    rmdir(path_of(""));
}

static void clean_all(void)
{
    clean();
    rmdir(folder);
}

/* ---- logs that only count (the linker's --wrap, see the Makefile) ---- */

static bool on_disk;
static uint64_t counted;
static char counting[GUEST_LOGS]; /* their addresses stand for writers */

static bool counts(const struct tap_writer *w)
{
    return !on_disk && w;
}

int __real_bundle_log_numbered(struct bundle_writer *b, enum tap_source source, unsigned number,
                               struct tap_writer **out);
int __wrap_bundle_log_numbered(struct bundle_writer *b, enum tap_source source, unsigned number,
                               struct tap_writer **out)
{
    if (on_disk)
        return __real_bundle_log_numbered(b, source, number, out);
    if (!number || number > GUEST_LOGS || source != SOURCE_GUEST)
        abort();
    *out = (struct tap_writer *)&counting[number - 1];
    return 0;
}

int __real_bundle_log_close(struct bundle_writer *b, struct tap_writer *w);
int __wrap_bundle_log_close(struct bundle_writer *b, struct tap_writer *w)
{
    return counts(w) ? 0 : __real_bundle_log_close(b, w);
}

int __real_tap_writer_close(struct tap_writer *w);
int __wrap_tap_writer_close(struct tap_writer *w)
{
    return counts(w) ? 0 : __real_tap_writer_close(w);
}

int __real_tap_write(struct tap_writer *w, const struct tap_event *ev);
int __wrap_tap_write(struct tap_writer *w, const struct tap_event *ev)
{
    const struct tap_kind_desc *k = tap_kind_find(ev->kind);

    if (!counts(w))
        return __real_tap_write(w, ev);
    if (!k || k->slots != ev->slots || (k->source != SOURCE_GUEST && k->source != SOURCE_META))
        abort();
    counted += ev->kind != EV_clock_ping;
    return 0;
}

int __real_tap_write_loss(struct tap_writer *w, uint64_t time, uint64_t count, unsigned reason);
int __wrap_tap_write_loss(struct tap_writer *w, uint64_t time, uint64_t count, unsigned reason)
{
    return counts(w) ? 0 : __real_tap_write_loss(w, time, count, reason);
}

int __real_tap_writer_flush(struct tap_writer *w);
int __wrap_tap_writer_flush(struct tap_writer *w)
{
    return counts(w) ? 0 : __real_tap_writer_flush(w);
}

uint64_t __real_tap_writer_bytes(const struct tap_writer *w);
uint64_t __wrap_tap_writer_bytes(const struct tap_writer *w)
{
    return counts(w) ? 0 : __real_tap_writer_bytes(w);
}

/* ---- the agent ---- */

static void send(uint8_t type, const uint8_t *payload, size_t length)
{
    struct wire_frame frame = {
        .type = type, .length = (uint32_t)length, .sequence = sequence++, .payload = payload};

    guest_session_now(&session, now, now);
    guest_session_frame(&session, &frame);
}

/* The guest's time that `shift`, in ms, would make of its right one. */
static uint64_t guest_time(int16_t shift)
{
    return (uint64_t)((int64_t)(GUEST_TIME + now) + shift * INT64_C(1000000));
}

static void greet(unsigned boot, int16_t shift)
{
    uint8_t payload[128];
    int length;

    put_le(payload, guest_session_ask(&session, now), 8);
    put_le(payload + 8, guest_time(shift), 8);
    length = snprintf((char *)payload + 16, sizeof(payload) - 16,
                      "{\"agent\": \"1\", \"boot_id\": \"%u\", \"kernel\": \"k\"}", boot);
    sequence = 0;
    send(WIRE_HELLO, payload, 16 + (size_t)length);
}

static void pong(int16_t shift)
{
    uint8_t payload[16];

    put_le(payload, guest_session_ping(&session, now), 8);
    now += 1000;
    put_le(payload + 8, guest_time(shift), 8);
    send(WIRE_PONG, payload, sizeof(payload));
}

/* An event that is right but for its time and values. */
static void event(uint16_t kind, int16_t shift, const uint8_t *values, size_t size)
{
    const struct tap_kind_desc *k = tap_kind_find(kind);
    uint8_t payload[16 + 8 * TAP_MAX_SLOTS] = {0};
    size_t slots = k ? k->slots : 1, length = 16 + 8 * slots;

    put_le(payload, kind, 2);
    put_le(payload + 2, slots, 2);
    put_le(payload + 8, guest_time(shift), 8);
    memcpy(payload + 16, values, size < 8 * slots ? size : 8 * slots);
    send(WIRE_EVENTS, payload, length);
}

static void pass(uint64_t ns)
{
    now += ns;
    seconds += ns / SECOND + 1;
    guest_budget_refill(&session.budget, (double)ns / 1e9);
    guest_session_now(&session, now, now);
    guest_session_tick(&session);
}

/* One step, of `size` bytes. */
static void step(const uint8_t *data, size_t size)
{
    enum { GREET, PONG, EVENT, PASS, GONE, NONSENSE, FRAME };
    int16_t shift = size > 3 ? (int16_t)get_le(data + 2, 2) : 0;

    switch (data[0] & 7) {
    case GREET:
        greet(data[1], shift);
        break;
    case PONG:
        pong(shift);
        break;
    case EVENT:
        event(data[1], shift, data, size);
        break;
    case PASS:
        pass(UINT64_C(1000000) << (data[1] % 16));
        break;
    case GONE:
        guest_session_gone(&session);
        break;
    case NONSENSE:
        guest_session_nonsense(&session, session.bad_frames + data[1]);
        guest_session_flood(&session, data[1]);
        break;
    default: /* FRAME and 7 */
        send(data[1], data + 2, size - 2);
    }
    if (session.open && !session.log_count)
        abort();
}

/* Events of the guest in a log, without pings and losses. */
static uint64_t events_in(const char *name)
{
    struct tap_reader *reader;
    struct tap_event ev;
    uint64_t count = 0;
    int result;

    if (tap_reader_open(&reader, path_of(name)))
        abort();
    while ((result = tap_reader_next(reader, &ev)) == 1)
        count += ev.kind != EV_clock_ping && ev.kind != EV_loss && ev.kind != EV_log_end;
    if (result)
        abort();
    tap_reader_close(reader);
    return count;
}

static void check(void)
{
    uint64_t count = counted;

    for (unsigned i = 0; on_disk && i < session.log_count; i++)
        count += events_in(session.logs[i].name);
    if (count != session.events || session.error || count > (seconds + 1) * GUEST_EVENTS_A_SECOND)
        abort();
}

static bool one_in_1024(const uint8_t *data, size_t size)
{
    uint32_t hash = 2166136261;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 16777619;
    return hash >> 22 == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bundle_writer *bundle = NULL;

    on_disk = one_in_1024(data, size);
    counted = 0;
    if (on_disk) {
        clean();
        if (bundle_create(&bundle, path_of("")))
            abort();
    }
    session = (struct guest_session){.bundle = bundle};
    now = 50 * SECOND;
    sequence = 0;
    seconds = 1;
    guest_budget_refill(&session.budget, 1);
    while (size > 2 && data[0] <= size - 1) { /* length, then the step */
        size_t length = data[0] < 2 ? 2 : data[0];

        if (length > size - 1)
            break;
        step(data + 1, length);
        data += 1 + length;
        size -= 1 + length;
    }
    json_decref(guest_session_about(&session, "port", 0));
    guest_session_end(&session);
    check();
    guest_session_free(&session);
    if (bundle && bundle_finish(bundle, "fuzz"))
        abort();
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (!mkdtemp(folder))
        return 1;
    atexit(clean_all);
    return 0;
}
