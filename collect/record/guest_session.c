/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "log/tap_format.h"
#include "record/guest_hello.h"
#include "record/guest_session.h"

#define SECOND UINT64_C(1000000000)
/* An event may be this much older than the one before: the agent sends what it collected and
 * samples in between. With less, a guest that stands still for a moment would be refused. */
#define SLACK (2 * SECOND)
/* The agent traces before it sends HELLO; attaching takes seconds in an emulated guest. */
#define BEFORE_HELLO (30 * SECOND)
#define ASTRAY       (3 * SECOND)
#define MAX_LOST     (UINT64_C(1) << 40) /* in one loss */

static const char *const refusals[REFUSALS] = {
    [REFUSED_FRAME] = "frame", [REFUSED_TYPE] = "type",   [REFUSED_LENGTH] = "length",
    [REFUSED_HELLO] = "hello", [REFUSED_KIND] = "kind",   [REFUSED_VALUE] = "value",
    [REFUSED_TIME] = "time",   [REFUSED_PONG] = "pong",   [REFUSED_SEQUENCE] = "sequence",
    [REFUSED_BOOTS] = "boots", [REFUSED_FLOOD] = "flood", [REFUSED_FLOOD_MIB] = "flood_mib",
};

static struct guest_log *current(struct guest_session *s)
{
    return s->log_count ? &s->logs[s->log_count - 1] : NULL;
}

/* ---- refusing ---- */

/* `events`: how many events were in it; 0: unknown. */
static void refuse(struct guest_session *s, enum guest_refusal why, uint64_t count, uint64_t events)
{
    struct guest_refused *refused = why == REFUSED_FLOOD ? &s->flood : &s->bad;

    s->refused[why] += count;
    refused->count += events;
    refused->unknown |= !events;
}

static void check_error(struct guest_session *s, int err)
{
    /* -EINVAL: the event is not as events.def has it. It was checked, and is no reason to end. */
    if (err && err != -EINVAL && !s->error)
        s->error = err;
}

static void put_loss(struct guest_session *s, uint64_t time, uint64_t count, unsigned reason)
{
    s->unknown += !count;
    check_error(s, tap_write_loss(current(s)->log, time, count, reason));
}

/* A known count and an unknown one are two losses. */
static void put_refused(struct guest_session *s, struct guest_refused *refused, unsigned reason)
{
    const struct guest_log *log = current(s);

    if (!log)
        return;
    if (log->log && refused->count)
        put_loss(s, log->last, refused->count, reason);
    if (log->log && refused->unknown)
        put_loss(s, log->last, 0, reason);
    *refused = (struct guest_refused){0};
}

static void put_all_refused(struct guest_session *s)
{
    put_refused(s, &s->bad, LOSS_REASON_refused);
    put_refused(s, &s->flood, LOSS_REASON_flood);
}

void guest_session_nonsense(struct guest_session *s, uint64_t bad)
{
    if (bad != s->bad_frames)
        refuse(s, REFUSED_FRAME, bad - s->bad_frames, 0);
    s->bad_frames = bad;
}

void guest_session_flood(struct guest_session *s, size_t bytes)
{
    s->flood_bytes += bytes;
    s->refused[REFUSED_FLOOD_MIB] = s->flood_bytes >> 20;
    s->flood.unknown = true;
}

/* ---- times ---- */

/* Is the time beyond what the guest's clock can show now? The bound is its latest time, plus the
 * host's time since then. */
static bool in_future(const struct guest_session *s, uint64_t time, uint64_t slack)
{
    uint64_t passed = s->received > s->anchor_at ? s->received - s->anchor_at : 0;

    return time > s->anchor_guest + passed + passed / 64 + slack;
}

static bool good_time(struct guest_session *s, uint64_t time)
{
    bool good = time + BEFORE_HELLO >= s->began && time + SLACK >= s->session_last &&
                !in_future(s, time, SLACK);

    if (good)
        s->astray = 0;
    else if (!s->astray)
        s->astray = s->received;
    if (good && time > s->session_last)
        s->session_last = time;
    if (good && time > current(s)->last)
        current(s)->last = time;
    return good;
}

void guest_session_now(struct guest_session *s, uint64_t now, uint64_t received)
{
    s->now = now;
    s->received = received;
}

bool guest_session_astray(const struct guest_session *s)
{
    return s->astray && s->now > s->astray + ASTRAY;
}

/* ---- START, HELLO and pings ---- */

uint64_t guest_session_ask(struct guest_session *s, uint64_t now)
{
    if (!s->asked) {
        if (getrandom(&s->nonce, sizeof(s->nonce), 0) != sizeof(s->nonce))
            s->nonce ^= now;
        s->asked = now;
    }
    return s->nonce;
}

uint64_t guest_session_ping(struct guest_session *s, uint64_t now)
{
    struct guest_ping *p = &s->pings[++s->ping_id % GUEST_PINGS];

    *p = (struct guest_ping){.id = s->ping_id, .sent = now};
    return p->id;
}

static bool same_boot(const struct guest_log *log, const json_t *hello)
{
    return json_equal(json_object_get(log->hello, "boot_id"), json_object_get(hello, "boot_id"));
}

/* A guest that was restored to an earlier state keeps its boot id: only its time shows it. */
static bool fits(const struct guest_log *log, const json_t *hello, uint64_t time)
{
    return log && same_boot(log, hello) && time + SLACK >= log->last;
}

static bool new_log(struct guest_session *s)
{
    struct guest_log *log = current(s);
    int err;

    if (s->log_count == GUEST_LOGS)
        return false;
    put_all_refused(s);
    if (log && log->log)
        check_error(s, tap_writer_flush(log->log));
    log = &s->logs[s->log_count++];
    bundle_log_name(log->name, SOURCE_GUEST, s->log_count);
    err = bundle_log_numbered(s->bundle, SOURCE_GUEST, s->log_count, &log->log);
    check_error(s, err);
    return !err;
}

static void put(struct guest_session *s, const struct tap_event *ev)
{
    check_error(s, tap_write(current(s)->log, ev));
}

static void put_ping(struct guest_session *s, uint64_t time, uint64_t sent)
{
    struct tap_event ev = {
        .time = time, .kind = EV_clock_ping, .slots = 2, .v = {sent, s->received}};

    put(s, &ev);
    s->pongs++;
}

static void start_session(struct guest_session *s, json_t *hello, uint64_t time)
{
    struct guest_log *log = current(s);

    json_decref(log->hello);
    log->hello = hello;
    log->last = time > log->last ? time : log->last;
    s->open = true;
    s->sessions++;
    s->sequence = 0;
    s->began = s->session_last = s->pong_last = time;
    s->anchor_guest = time;
    s->anchor_at = s->asked;
    s->astray = 0;
    if (log->sessions++)
        put_loss(s, time, 0, LOSS_REASON_gap);
    /* START is a ping too: the agent read its clock after START and before we read HELLO. */
    put_ping(s, time, s->asked);
}

static void take_hello(struct guest_session *s, const struct wire_frame *f)
{
    json_t *hello;
    uint64_t time;

    if (f->length < 16 || get_le(f->payload, 8) != s->nonce || !s->asked) {
        s->strangers++; /* it answers a recorder before us */
        return;
    }
    if (!guest_budget_take(&s->budget)) { /* each greeting is a ping and a loss in the log */
        refuse(s, REFUSED_FLOOD, 1, 0);
        return;
    }
    time = get_le(f->payload + 8, 8);
    hello = time < UINT64_C(1) << 61 ? guest_hello_parse(f->payload + 16, f->length - 16) : NULL;
    if (!hello) {
        refuse(s, REFUSED_HELLO, 1, 0);
        return;
    }
    s->open = false;
    if (!fits(current(s), hello, time) && !new_log(s)) {
        if (!s->error)
            refuse(s, REFUSED_BOOTS, 1, 0);
        json_decref(hello);
        return;
    }
    start_session(s, hello, time);
}

/* ---- EVENTS ---- */

static bool good_value(const struct tap_field *f, uint64_t v, uint64_t time)
{
    switch (f->type) {
    case TYPE_U32:
        return v <= UINT32_MAX;
    case TYPE_S32:
        return (uint64_t)(int64_t)(int32_t)v == v;
    case TYPE_U8:
        return v <= UINT8_MAX;
    case TYPE_BOOL:
        return v <= 1;
    case TYPE_S64: /* a span in ns began no earlier than the guest's clock */
        return strcmp(f->meaning, "ns") != 0 || v <= time;
    default:
        return true;
    }
}

static bool good_values(const struct tap_kind_desc *kind, const struct tap_event *ev)
{
    for (unsigned i = 0; i < kind->count; i++)
        if (!good_value(&kind->fields[i], ev->v[kind->fields[i].slot], ev->time))
            return false;
    return true;
}

static void take_event(struct guest_session *s, const struct tap_event *ev)
{
    const struct tap_kind_desc *kind = tap_kind_find(ev->kind);

    if (!kind || kind->source != SOURCE_GUEST || kind->kind == EV_clock_ping ||
        kind->slots != ev->slots) {
        refuse(s, REFUSED_KIND, 1, 1);
    } else if (!good_time(s, ev->time)) {
        refuse(s, REFUSED_TIME, 1, 1);
    } else if (!good_values(kind, ev)) {
        refuse(s, REFUSED_VALUE, 1, 1);
    } else if (!guest_budget_take(&s->budget)) {
        refuse(s, REFUSED_FLOOD, 1, 1);
    } else {
        s->events++;
        put(s, ev);
    }
}

static void take_events(struct guest_session *s, const struct wire_frame *f)
{
    enum { HEAD = 16 };
    const uint8_t *p = f->payload;
    size_t left = f->length;

    while (left) {
        struct tap_event ev;
        size_t size;

        if (left < HEAD || get_le(p + 2, 2) > TAP_MAX_SLOTS ||
            left < (size = HEAD + 8 * get_le(p + 2, 2))) {
            refuse(s, REFUSED_LENGTH, 1, 0);
            return;
        }
        ev.kind = (uint16_t)get_le(p, 2);
        ev.slots = (uint16_t)get_le(p + 2, 2);
        ev.tid = (uint32_t)get_le(p + 4, 4);
        ev.time = get_le(p + 8, 8);
        for (unsigned i = 0; i < ev.slots; i++)
            ev.v[i] = get_le(p + HEAD + 8 * i, 8);
        take_event(s, &ev);
        p += size;
        left -= size;
    }
}

/* ---- the other frames ---- */

static void take_pong(struct guest_session *s, const struct wire_frame *f)
{
    uint64_t id, time;
    struct guest_ping *p;

    if (f->length != 16) {
        refuse(s, REFUSED_LENGTH, 1, 0);
        return;
    }
    id = get_le(f->payload, 8);
    time = get_le(f->payload + 8, 8);
    p = &s->pings[id % GUEST_PINGS];
    if (!id || p->id != id || !p->sent) {
        refuse(s, REFUSED_PONG, 1, 0);
        return;
    }
    if (time < s->pong_last || time + SLACK < s->session_last || in_future(s, time, SLACK)) {
        if (!s->astray)
            s->astray = s->received;
        refuse(s, REFUSED_TIME, 1, 0);
        return;
    }
    s->pong_last = s->anchor_guest = time;
    s->anchor_at = p->sent;
    if (time > current(s)->last)
        current(s)->last = time;
    put_ping(s, time, p->sent);
    p->sent = 0;
}

static void take_loss(struct guest_session *s, const struct wire_frame *f)
{
    uint64_t time, count, reason;

    if (f->length != 24) {
        refuse(s, REFUSED_LENGTH, 1, 0);
        return;
    }
    time = get_le(f->payload, 8);
    count = get_le(f->payload + 8, 8);
    reason = get_le(f->payload + 16, 2);
    if (count > MAX_LOST || (reason != LOSS_REASON_ring_full && reason != LOSS_REASON_bad_memory &&
                             reason != LOSS_REASON_port_full && reason != LOSS_REASON_missed)) {
        refuse(s, REFUSED_VALUE, 1, 0);
        return;
    }
    if (!good_time(s, time)) {
        refuse(s, REFUSED_TIME, 1, 0);
        return;
    }
    if (!guest_budget_take(&s->budget)) {
        refuse(s, REFUSED_FLOOD, 1, count);
        return;
    }
    s->agent_lost += count;
    put_loss(s, time, count, (unsigned)reason);
}

void guest_session_frame(struct guest_session *s, const struct wire_frame *f)
{
    if (f->type == WIRE_HELLO) {
        take_hello(s, f);
        s->heard = s->received;
        return;
    }
    if (!s->open) {
        s->strangers++;
        return;
    }
    if (f->sequence != s->sequence + 1)
        refuse(s, REFUSED_SEQUENCE, 1, 0);
    s->sequence = f->sequence;
    s->heard = s->received;
    if (f->type == WIRE_EVENTS)
        take_events(s, f);
    else if (f->type == WIRE_PONG)
        take_pong(s, f);
    else if (f->type == WIRE_LOSS)
        take_loss(s, f);
    else if (f->type == WIRE_BYE)
        guest_session_gone(s);
    else
        refuse(s, REFUSED_TYPE, 1, 0);
}

void guest_session_gone(struct guest_session *s)
{
    s->open = false;
    s->asked = 0;
    memset(s->pings, 0, sizeof(s->pings));
}

/* ---- each second, and the end ---- */

static uint64_t log_bytes(const struct guest_session *s)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < s->log_count; i++)
        bytes += s->logs[i].log ? tap_writer_bytes(s->logs[i].log) : 0;
    return bytes;
}

void guest_session_tick(struct guest_session *s)
{
    struct guest_log *log = current(s);

    if (s->now < s->next_second)
        return;
    s->next_second = s->now + SECOND;
    guest_budget_logs(&s->budget, log_bytes(s));
    put_all_refused(s);
    if (log && log->log && s->events == s->events_at_second)
        check_error(s, tap_writer_flush(log->log));
    s->events_at_second = s->events;
}

uint64_t guest_session_lost(const struct guest_session *s)
{
    uint64_t lost = s->agent_lost;

    for (int r = REFUSED_KIND; r <= REFUSED_TIME; r++)
        lost += s->refused[r];
    return lost + s->refused[REFUSED_FLOOD];
}

void guest_session_say(const struct guest_session *s, char *text, size_t size)
{
    const json_t *hello = s->logs[s->log_count - 1].hello;
    const char *kernel = json_string_value(json_object_get(hello, "kernel"));
    const char *agent = json_string_value(json_object_get(hello, "agent"));

    snprintf(text, size, "spicetap-guest %s, kernel %s: %zu probes, %zu missing",
             agent ? agent : "?", kernel ? kernel : "?",
             json_array_size(json_object_get(hello, "attached")),
             json_array_size(json_object_get(hello, "missing")));
}

json_t *guest_session_about(const struct guest_session *s, const char *path, uint64_t bytes)
{
    json_t *logs = json_array(), *refused = json_object();

    for (unsigned i = 0; i < s->log_count; i++)
        json_array_append_new(logs, json_pack("{ss si sO?}", "log", s->logs[i].name, "sessions",
                                              (int)s->logs[i].sessions, "hello", s->logs[i].hello));
    for (int r = 0; r < REFUSALS; r++)
        if (s->refused[r])
            json_object_set_new(refused, refusals[r], json_integer((json_int_t)s->refused[r]));
    return json_pack("{ss sI sI sI sI sI sI so so}", "port", path, "sessions",
                     (json_int_t)s->sessions, "events", (json_int_t)s->events, "pings",
                     (json_int_t)s->pongs, "bytes", (json_int_t)bytes, "agent_lost",
                     (json_int_t)s->agent_lost, "before_hello", (json_int_t)s->strangers, "logs",
                     logs, "refused", refused);
}

uint64_t guest_session_end(struct guest_session *s)
{
    uint64_t bytes = 0;

    put_all_refused(s);
    for (unsigned i = 0; i < s->log_count; i++)
        if (s->logs[i].log) {
            check_error(s, tap_writer_flush(s->logs[i].log));
            bytes += tap_writer_bytes(s->logs[i].log);
            check_error(s, bundle_log_close(s->bundle, s->logs[i].log));
            s->logs[i].log = NULL;
        }
    return bytes;
}

void guest_session_free(struct guest_session *s)
{
    for (unsigned i = 0; i < s->log_count; i++) {
        if (s->logs[i].log)
            tap_writer_close(s->logs[i].log);
        json_decref(s->logs[i].hello);
    }
}
