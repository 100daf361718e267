/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's agent says, checked, and into the log. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "record/guest_hello.h"
#include "record/guest_session.h"

#define SECOND UINT64_C(1000000000)
/* The agent sends what it has collected, and samples beside it: an event may be that much older
 * than the one before. Less than that, and a guest that stands still for a moment is refused. */
#define SLACK (2 * SECOND)
/* Tracing begins before HELLO is sent; in an emulated guest attaching takes seconds. */
#define BEFORE_HELLO (30 * SECOND)
#define ASTRAY       (3 * SECOND)
#define MAX_LOST     (UINT64_C(1) << 40)

static const char *const refusals[REFUSALS] = {
    [REFUSED_FRAME] = "frame", [REFUSED_TYPE] = "type",   [REFUSED_LENGTH] = "length",
    [REFUSED_HELLO] = "hello", [REFUSED_KIND] = "kind",   [REFUSED_VALUE] = "value",
    [REFUSED_TIME] = "time",   [REFUSED_PONG] = "pong",   [REFUSED_SEQUENCE] = "sequence",
    [REFUSED_BOOTS] = "boots", [REFUSED_FLOOD] = "flood", [REFUSED_FLOOD_MIB] = "flood_mib",
};

static struct guest_log *current(struct guest_port *g)
{
    return g->log_count ? &g->logs[g->log_count - 1] : NULL;
}

/* ---- refusing ----------------------------------------------------------------------------------
 */

/* `events`: how many that cost; 0: nobody can tell. */
static void refuse(struct guest_port *g, enum guest_refusal why, uint64_t count, uint64_t events)
{
    struct guest_told *told = why == REFUSED_FLOOD ? &g->flood_told : &g->refused_told;

    g->refused[why] += count;
    told->count += events;
    told->any = true;
}

static void check_error(struct guest_port *g, int err)
{
    /* -EINVAL: not as events.def has it, which was checked; nothing to end a recording for */
    if (err && err != -EINVAL && !g->error)
        g->error = err;
}

static void tell(struct guest_port *g, struct guest_told *told, unsigned reason)
{
    struct guest_log *log = current(g);

    if (told->any && log && log->log)
        check_error(g, tap_write_loss(log->log, log->last, told->count, reason));
    if (log)
        *told = (struct guest_told){0};
}

void session_nonsense(struct guest_port *g)
{
    uint64_t bad = g->parser.bad_headers + g->parser.bad_payloads;

    if (bad != g->bad_frames)
        refuse(g, REFUSED_FRAME, bad - g->bad_frames, 0);
    g->bad_frames = bad;
}

void session_flood(struct guest_port *g, size_t bytes)
{
    g->flood_bytes += bytes;
    g->refused[REFUSED_FLOOD_MIB] = g->flood_bytes >> 20;
    g->flood_told.any = true;
}

/* ---- times -------------------------------------------------------------------------------------
 */

/* The guest's clock cannot show more now: what it showed, and what has passed since by ours. */
static bool in_future(const struct guest_port *g, uint64_t time, uint64_t slack)
{
    uint64_t passed = g->received > g->anchor_at ? g->received - g->anchor_at : 0;

    return time > g->anchor_guest + passed + passed / 64 + slack;
}

static bool good_time(struct guest_port *g, uint64_t time)
{
    bool good = time + BEFORE_HELLO >= g->began && time + SLACK >= g->session_last &&
                !in_future(g, time, SLACK);

    if (good)
        g->astray = 0;
    else if (!g->astray)
        g->astray = g->received;
    if (good && time > g->session_last)
        g->session_last = time;
    if (good && time > current(g)->last)
        current(g)->last = time;
    return good;
}

bool session_astray(const struct guest_port *g)
{
    return g->astray && g->now > g->astray + ASTRAY;
}

/* ---- HELLO -------------------------------------------------------------------------------------
 */

static bool same_boot(const struct guest_log *log, const json_t *hello)
{
    return json_equal(json_object_get(log->hello, "boot_id"), json_object_get(hello, "boot_id"));
}

/* A guest that was restored to an earlier state has its boot id, and goes through times again. */
static bool fits(const struct guest_log *log, const json_t *hello, uint64_t time)
{
    return log && same_boot(log, hello) && time + SLACK >= log->last;
}

static bool new_log(struct guest_port *g)
{
    struct guest_log *log = current(g);
    int err;

    if (g->log_count == GUEST_LOGS)
        return false;
    tell(g, &g->refused_told, LOSS_REFUSED);
    tell(g, &g->flood_told, LOSS_FLOOD);
    if (log && log->log)
        check_error(g, tap_writer_flush(log->log));
    log = &g->logs[g->log_count++];
    bundle_log_name(log->name, SOURCE_GUEST, g->log_count);
    err = bundle_log_numbered(g->bundle, SOURCE_GUEST, g->log_count, &log->log);
    check_error(g, err);
    return !err;
}

static void put(struct guest_port *g, const struct tap_event *ev)
{
    check_error(g, tap_write(current(g)->log, ev));
}

static void put_ping(struct guest_port *g, uint64_t time, uint64_t sent)
{
    struct tap_event ev = {
        .time = time, .kind = EV_clock_ping, .slots = 2, .v = {sent, g->received}};

    put(g, &ev);
    g->pongs++;
}

static void start_session(struct guest_port *g, json_t *hello, uint64_t time)
{
    struct guest_log *log = current(g);

    json_decref(log->hello);
    log->hello = hello;
    log->last = time > log->last ? time : log->last;
    g->session = true;
    g->sessions++;
    g->sequence = 0;
    g->began = g->session_last = g->pong_last = time;
    g->anchor_guest = time;
    g->anchor_at = g->asked;
    g->astray = g->session_pings = g->next_ping = 0;
    if (log->sessions++)
        check_error(g, tap_write_loss(log->log, time, 0, LOSS_GAP));
    put_ping(g, time, g->asked); /* it read its clock after START and before we read HELLO */
}

static void take_hello(struct guest_port *g, const struct wire_frame *f)
{
    json_t *hello;
    uint64_t time;

    if (f->length < 16 || get_le(f->payload, 8) != g->nonce || !g->asked) {
        g->strangers++; /* an answer to somebody before us */
        return;
    }
    time = get_le(f->payload + 8, 8);
    hello = time < UINT64_C(1) << 61 ? guest_hello_parse(f->payload + 16, f->length - 16) : NULL;
    if (!hello) {
        refuse(g, REFUSED_HELLO, 1, 0);
        return;
    }
    g->session = false;
    if (!fits(current(g), hello, time) && !new_log(g)) {
        if (!g->error)
            refuse(g, REFUSED_BOOTS, 1, 0);
        json_decref(hello);
        return;
    }
    start_session(g, hello, time);
}

/* ---- EVENTS ------------------------------------------------------------------------------------
 */

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
    case TYPE_S64: /* a span: it did not begin before the guest's clock did */
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

static void take_event(struct guest_port *g, const struct tap_event *ev)
{
    const struct tap_kind_desc *kind = tap_kind_find(ev->kind);

    if (!kind || kind->source != SOURCE_GUEST || kind->kind == EV_clock_ping ||
        kind->slots != ev->slots) {
        refuse(g, REFUSED_KIND, 1, 1);
    } else if (!good_time(g, ev->time)) {
        refuse(g, REFUSED_TIME, 1, 1);
    } else if (!good_values(kind, ev)) {
        refuse(g, REFUSED_VALUE, 1, 1);
    } else if (g->may_events < 1) {
        refuse(g, REFUSED_FLOOD, 1, 1);
    } else {
        g->may_events -= 1;
        g->events++;
        put(g, ev);
    }
}

static void take_events(struct guest_port *g, const struct wire_frame *f)
{
    enum { HEAD = 16 };
    const uint8_t *p = f->payload;
    size_t left = f->length;

    while (left) {
        struct tap_event ev;
        size_t size;

        if (left < HEAD || get_le(p + 2, 2) > TAP_MAX_SLOTS ||
            left < (size = HEAD + 8 * get_le(p + 2, 2))) {
            refuse(g, REFUSED_LENGTH, 1, 0);
            return;
        }
        ev.kind = (uint16_t)get_le(p, 2);
        ev.slots = (uint16_t)get_le(p + 2, 2);
        ev.tid = (uint32_t)get_le(p + 4, 4);
        ev.time = get_le(p + 8, 8);
        for (unsigned i = 0; i < ev.slots; i++)
            ev.v[i] = get_le(p + HEAD + 8 * i, 8);
        take_event(g, &ev);
        p += size;
        left -= size;
    }
}

/* ---- the other frames
 * ---------------------------------------------------------------------------- */

static void take_pong(struct guest_port *g, const struct wire_frame *f)
{
    uint64_t id, time;
    struct guest_ping *p;

    if (f->length != 16) {
        refuse(g, REFUSED_LENGTH, 1, 0);
        return;
    }
    id = get_le(f->payload, 8);
    time = get_le(f->payload + 8, 8);
    p = &g->pings[id % GUEST_PINGS];
    if (!id || p->id != id || !p->sent) {
        refuse(g, REFUSED_PONG, 1, 0);
        return;
    }
    if (time < g->pong_last || time + SLACK < g->session_last || in_future(g, time, SLACK)) {
        if (!g->astray)
            g->astray = g->received;
        refuse(g, REFUSED_TIME, 1, 0);
        return;
    }
    g->pong_last = g->anchor_guest = time;
    g->anchor_at = p->sent;
    if (time > current(g)->last)
        current(g)->last = time;
    put_ping(g, time, p->sent);
    p->sent = 0;
}

static void take_loss(struct guest_port *g, const struct wire_frame *f)
{
    uint64_t time, count, reason;

    if (f->length != 24) {
        refuse(g, REFUSED_LENGTH, 1, 0);
        return;
    }
    time = get_le(f->payload, 8);
    count = get_le(f->payload + 8, 8);
    reason = get_le(f->payload + 16, 2);
    if (count > MAX_LOST || (reason != LOSS_RING_FULL && reason != LOSS_BAD_MEMORY &&
                             reason != LOSS_PORT_FULL && reason != LOSS_MISSED)) {
        refuse(g, REFUSED_VALUE, 1, 0);
        return;
    }
    if (!good_time(g, time)) {
        refuse(g, REFUSED_TIME, 1, 0);
        return;
    }
    if (g->may_events < 1) {
        refuse(g, REFUSED_FLOOD, 1, count);
        return;
    }
    g->may_events -= 1;
    g->agent_lost += count;
    check_error(g, tap_write_loss(current(g)->log, time, count, (unsigned)reason));
}

void session_frame(struct guest_port *g, const struct wire_frame *f)
{
    if (f->type == WIRE_HELLO) {
        take_hello(g, f);
        g->heard = g->received;
        return;
    }
    if (!g->session) {
        g->strangers++;
        return;
    }
    if (f->sequence != g->sequence + 1)
        refuse(g, REFUSED_SEQUENCE, 1, 0);
    g->sequence = f->sequence;
    g->heard = g->received;
    if (f->type == WIRE_EVENTS)
        take_events(g, f);
    else if (f->type == WIRE_PONG)
        take_pong(g, f);
    else if (f->type == WIRE_LOSS)
        take_loss(g, f);
    else if (f->type == WIRE_BYE)
        session_gone(g);
    else
        refuse(g, REFUSED_TYPE, 1, 0);
}

void session_gone(struct guest_port *g)
{
    g->session = false;
    g->asked = 0;
    g->next_start = 0;
    memset(g->pings, 0, sizeof(g->pings));
}

/* ---- each second, and the end
 * -------------------------------------------------------------------- */

void session_tick(struct guest_port *g)
{
    struct guest_log *log = current(g);

    if (g->now < g->next_second)
        return;
    g->next_second = g->now + SECOND;
    tell(g, &g->refused_told, LOSS_REFUSED);
    tell(g, &g->flood_told, LOSS_FLOOD);
    if (log && log->log && g->events == g->events_at_tick)
        check_error(g, tap_writer_flush(log->log));
    g->events_at_tick = g->events;
}

uint64_t guest_port_lost(const struct guest_port *g)
{
    uint64_t lost = g->agent_lost;

    for (int r = REFUSED_KIND; r <= REFUSED_TIME; r++)
        lost += g->refused[r];
    return lost + g->refused[REFUSED_FLOOD];
}

void session_say(const struct guest_port *g, char *text, size_t size)
{
    const json_t *hello = g->logs[g->log_count - 1].hello;
    const char *kernel = json_string_value(json_object_get(hello, "kernel"));
    const char *agent = json_string_value(json_object_get(hello, "agent"));

    snprintf(text, size, "spicetap-guest %s, kernel %s: %zu probes, %zu missing",
             agent ? agent : "?", kernel ? kernel : "?",
             json_array_size(json_object_get(hello, "attached")),
             json_array_size(json_object_get(hello, "missing")));
}

static json_t *describe(const struct guest_port *g)
{
    json_t *logs = json_array(), *refused = json_object();

    for (unsigned i = 0; i < g->log_count; i++)
        json_array_append_new(logs, json_pack("{ss si sO?}", "log", g->logs[i].name, "sessions",
                                              (int)g->logs[i].sessions, "hello", g->logs[i].hello));
    for (int r = 0; r < REFUSALS; r++)
        if (g->refused[r])
            json_object_set_new(refused, refusals[r], json_integer((json_int_t)g->refused[r]));
    return json_pack("{ss sI sI sI sI sI sI so so}", "port", g->path, "sessions",
                     (json_int_t)g->sessions, "events", (json_int_t)g->events, "pings",
                     (json_int_t)g->pongs, "bytes", (json_int_t)g->bytes, "agent_lost",
                     (json_int_t)g->agent_lost, "before_hello", (json_int_t)g->strangers, "logs",
                     logs, "refused", refused);
}

void session_end(struct guest_port *g, uint64_t *bytes)
{
    tell(g, &g->refused_told, LOSS_REFUSED);
    tell(g, &g->flood_told, LOSS_FLOOD);
    if (g->bundle)
        json_object_set_new(bundle_run(g->bundle), "guest", describe(g));
    *bytes = 0;
    for (unsigned i = 0; i < g->log_count; i++)
        if (g->logs[i].log) {
            check_error(g, tap_writer_flush(g->logs[i].log));
            *bytes += tap_writer_bytes(g->logs[i].log);
            check_error(g, tap_writer_close(g->logs[i].log));
            g->logs[i].log = NULL;
        }
}

void session_free(struct guest_port *g)
{
    for (unsigned i = 0; i < g->log_count; i++) {
        if (g->logs[i].log)
            tap_writer_close(g->logs[i].log);
        json_decref(g->logs[i].hello);
    }
}
