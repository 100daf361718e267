/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Journeys, OOM reports, fences and updates on runs whose truth is known: each test makes the
 * events of a run and checks the rows.
 */
#include <time.h>

#include "links/journey.h"
#include "links/links.h"
#include "table/sink.h"
#include "cmd/commands.h"
#include "fake.h"

/* ---- feeding a view ------------------------------------------------------------------------- */

static const struct link_view *view;
static struct sink sink;
static struct sink_rows rows;
static bool silent; /* of the next start() */
static void *state;
static char *printed;

static void start(const struct link_view *v)
{
    view = v;
    assert_int_equal(sink_open(&sink, &sink_jsonl, fake_path("rows"), true), 0);
    assert_int_equal(sink_rows(&rows, &sink, v->schema), 0);
    state = v->begin(silent ? NULL : &rows.to);
    silent = false;
    assert_non_null(state);
}

static void feed(enum tap_kind kind, uint64_t t, uint32_t tid, uint64_t error, const void *v)
{
    const struct tap_kind_desc *k = tap_kind_find((uint16_t)kind);
    struct tap_event ev = {.time = t, .tid = tid, .kind = (uint16_t)kind, .slots = k->slots};

    memcpy(ev.v, v, k->slots * sizeof(*ev.v));
    view->add(state, &ev, k->source, error);
}

static uint64_t clock_error;

#define GUEST(name, t, ...)                                                                        \
    feed(EV_##name, t, 50, clock_error, &(struct fields_##name){__VA_ARGS__})
#define HOST(name, t, ...) feed(EV_##name, t, 90, 0, &(struct fields_##name){__VA_ARGS__})
#define VCPU(name, t, ...) feed(EV_##name, t, 91, 0, &(struct fields_##name){__VA_ARGS__})

static void lose(enum tap_source source, uint64_t t)
{
    struct tap_event ev = {.time = t, .kind = EV_loss, .slots = 2, .v = {3, LOSS_REASON_ring_full}};

    view->add(state, &ev, source, 0);
}

static json_t *finish(void)
{
    json_t *s;

    assert_int_equal(view->end(state), 0);
    s = links_summary(view, state);
    assert_non_null(s);
    view->free(state);
    assert_int_equal(rows.to.error, 0);
    assert_int_equal(sink_close(&sink), 0);
    free(printed);
    printed = fake_text("rows");
    return s;
}

/* Row number `row`, from 0, of those that were printed. */
static json_t *row_at(int row)
{
    const char *p = printed;
    json_t *o;

    while (row-- && p)
        p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL;
    assert_non_null(p);
    o = json_loads(p, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(o);
    return o;
}

static void is_text(int row, const char *column, const char *want)
{
    json_t *o = row_at(row);
    const char *got = json_string_value(json_object_get(o, column));

    if (!json_object_get(o, column) || (!got != !want) || (got && strcmp(got, want)))
        fail_msg("row %d: %s is %s, not %s: %s", row, column, got, want, printed);
    json_decref(o);
}

static void is_number(int row, const char *column, long long want)
{
    json_t *o = row_at(row), *v = json_object_get(o, column);
    long long got = json_is_true(v) ? 1 : json_is_null(v) ? -1 : json_integer_value(v);

    if (got != want)
        fail_msg("row %d: %s is %lld, not %lld: %s", row, column, got, want, printed);
    json_decref(o);
}

static void counts(json_t *s, const char *key, long long want)
{
    char path[64], *rest = NULL;
    const json_t *at = s;

    snprintf(path, sizeof(path), "%s", key);
    for (char *part = strtok_r(path, ".", &rest); part; part = strtok_r(NULL, ".", &rest))
        at = json_object_get(at, part);
    if (json_integer_value(at) != want)
        fail_msg("%s is %lld, not %lld", key, (long long)json_integer_value(at), want);
}

/* ---- journeys
 * ------------------------------------------------------------------------------------ */

static void guest_begins(uint64_t id, uint64_t t)
{
    GUEST(guest_alloc, t, .release_id = id, .type = 0, .size = 200, .took = 5);
    GUEST(guest_push, t + 20, .release_id = id, .type = 1, .took = 5);
}

static void server_has(uint64_t id, uint64_t drawable, uint64_t t)
{
    HOST(cmd, t, .type = 1, .release_id = id, .group = 1);
    HOST(draw, t + 5, .drawable = drawable, .release_id = id, .type = 3, .box = {1, 2, 3, 4});
    HOST(image, t + 10, .drawable = drawable, .release_id = id, .sent = 100);
}

static void server_gives_back(uint64_t id, uint64_t drawable, uint64_t t, uint64_t chain)
{
    HOST(release, t, .drawable = drawable, .release_id = id, .group = 1);
    HOST(qxl_ring_res_put, t + 1, .freed = chain);
    HOST(qxl_ring_res_push, t + 2, .freed = chain);
}

static void life(uint64_t id, uint64_t t)
{
    guest_begins(id, t);
    server_has(id, id * 1000, t + 40);
    server_gives_back(id, id * 1000, t + 60, 1);
    GUEST(guest_free, t + 80, .release_id = id, .type = 0, .reclaimed = 1);
}

static void whole(void **unused)
{
    json_t *s;
    (void)unused;

    clock_error = 0;
    start(&view_journeys);
    life(7, 1000);
    life(7, 2000); /* the same id again */
    guest_begins(8, 3000);
    GUEST(guest_free, 3100, .release_id = 9, .reclaimed = 1); /* began before */
    s = finish();
    counts(s, "inside", 2);
    counts(s, "whole", 2);
    counts(s, "order_violations", 0);
    counts(s, "ring_pushes_not_tied", 0);
    is_number(0, "generation", 1);
    is_number(1, "generation", 2);
    is_number(1, "whole", 1);
    is_number(1, "alloc", 2000);
    is_number(1, "draw", 2045);
    is_number(1, "bytes_sent", 100);
    is_number(1, "res_push", 2062);
    is_number(1, "free", 2080);
    is_text(1, "end", "released");
    counts(s, "not_whole_outside.began_before", 1);
    counts(s, "not_whole_outside.open_at_end", 1);
    json_decref(s);
}

static void evicted(void **unused)
{
    json_t *s;
    (void)unused;

    start(&view_journeys);
    guest_begins(7, 1000);
    server_has(7, 70, 1040);
    HOST(oom_begin, 1050, .drawables = 1);
    HOST(evict, 1055, .drawable = 70, .release_id = 7, .box = {1, 2, 3, 4});
    server_gives_back(7, 70, 1060, 1);
    HOST(oom_end, 1070, .drawables = 0);
    GUEST(guest_free, 1080, .release_id = 7, .reclaimed = 1);
    GUEST(guest_alloc, 2000, .release_id = 7, .type = 0);
    GUEST(guest_free, 2010, .release_id = 7); /* given up */
    GUEST(guest_alloc, 3000, .release_id = 8, .type = 2, .took = 1);
    GUEST(guest_push, 3010, .release_id = 8, .ring = 1, .type = 3);
    HOST(cmd, 3020, .type = 3, .release_id = 8, .group = 1);
    GUEST(guest_free, 3030, .release_id = 8, .type = 2, .reclaimed = 1); /* a cursor: no release */
    s = finish();
    counts(s, "inside", 3);
    counts(s, "whole", 3);
    is_text(0, "end", "evicted");
    is_number(0, "evict_oom", 1050);
    is_text(1, "end", "guest_gave_up");
    is_text(2, "type", "cursor_cmd");
    is_number(2, "whole", 1);
    json_decref(s);
}

/* The guest's clock is off by 100: all of its events come before or after their time. */
static void clocks(void **unused)
{
    (void)unused;
    for (int way = 0; way < 3; way++) {
        json_t *s;

        start(&view_journeys);
        clock_error = way == 2 ? 10 : 120;
        if (way == 0) { /* the guest's clock is ahead: its events come too late */
            server_has(7, 70, 1040);
            server_gives_back(7, 70, 1060, 1);
            guest_begins(7, 1100);
            server_has(7, 71, 1140);
            GUEST(guest_free, 1160, .release_id = 7, .reclaimed = 1);
            guest_begins(7, 1170);
            server_gives_back(7, 71, 1200, 1);
            GUEST(guest_free, 1300, .release_id = 7, .reclaimed = 1);
        } else { /* it is behind: even the second life begins before the server has the first */
            guest_begins(7, 900);
            GUEST(guest_free, 980, .release_id = 7, .reclaimed = 1);
            guest_begins(7, 990);
            server_has(7, 70, 1040);
            server_gives_back(7, 70, 1060, 1);
            server_has(7, 71, 1100);
            server_gives_back(7, 71, 1120, 1);
            GUEST(guest_free, 1130, .release_id = 7, .reclaimed = 1);
        }
        s = finish();
        if (way < 2) {
            counts(s, "inside", 2);
            counts(s, "whole", 2);
            counts(s, "order_violations", 0);
            is_text(0, "order", "within_error");
            is_text(0, "drawable", "0x46");
            is_text(1, "drawable", "0x47");
        } else { /* the bound is too small for that: it cannot be so */
            assert_true(json_integer_value(json_object_get(s, "whole")) < 2);
        }
        json_decref(s);
    }
    clock_error = 0;
}

static void violated(void **unused)
{
    json_t *s;
    (void)unused;

    start(&view_journeys);
    guest_begins(7, 1000);
    server_has(7, 70, 1040);
    GUEST(guest_free, 1050, .release_id = 7, .reclaimed = 1);
    server_gives_back(7, 70, 1060, 1); /* after the guest had it back */
    s = finish();
    counts(s, "order_violations", 1);
    counts(s, "not_whole_inside.order", 1);
    is_text(0, "order", "violated");
    is_text(0, "why", "order");
    json_decref(s);
}

static void losses(void **unused)
{
    json_t *s;
    (void)unused;

    start(&view_journeys);
    life(7, 1000);
    guest_begins(7, 2000); /* the server's half is lost */
    lose(SOURCE_SPICE, 2050);
    GUEST(guest_free, 2080, .release_id = 7, .reclaimed = 1);
    life(7, 3000);
    lose(SOURCE_GUEST, 4000); /* the guest's half is lost */
    server_has(7, 70, 4040);
    server_gives_back(7, 70, 4060, 1);
    lose(SOURCE_GUEST, 4070);
    life(7, 5000);
    guest_begins(7, 6000); /* nothing is lost, yet the server does not tell */
    GUEST(guest_free, 6080, .release_id = 7, .reclaimed = 1);
    life(7, 7000);
    s = finish();
    counts(s, "inside", 7);
    counts(s, "whole", 4);
    is_text(1, "why", "loss_spice");
    is_text(3, "why", "loss_guest");
    is_text(5, "why", "no_cmd");
    counts(s, "not_whole_inside.loss_spice", 1);
    counts(s, "not_whole_inside.loss_guest", 1);
    counts(s, "not_whole_inside.no_cmd", 1);
    json_decref(s);
}

/* The host is recorded for a while before the guest is. */
static void late_guest(void **unused)
{
    json_t *s;
    (void)unused;

    start(&view_journeys);
    for (uint64_t i = 0; i < 3; i++) {
        server_has(7, 70, 1000 + i * 100);
        server_gives_back(7, 70, 1050 + i * 100, 1);
    }
    server_has(7, 70, 1400);
    server_gives_back(7, 70, 1450, 1);
    GUEST(guest_free, 1480, .release_id = 7, .reclaimed = 1);
    life(7, 2000);
    s = finish();
    counts(s, "inside", 1);
    counts(s, "whole", 1);
    counts(s, "lives", 5);
    is_number(3, "free", 1480);
    is_number(4, "whole", 1);
    json_decref(s);
}

/* ---- OOM
 * ------------------------------------------------------------------------------------------- */

static void oom(void **unused)
{
    json_t *s;
    (void)unused;

    start(&view_oom);
    guest_begins(7, 500);
    server_has(7, 70, 540);
    GUEST(guest_wait_begin, 1000, .release_id = 7);
    VCPU(qxl_io_write, 1010, .port = 4);
    VCPU(qxl_spice_oom, 1011, .qid = 0);
    GUEST(guest_oom, 1015, .took = 10);
    VCPU(qxl_io_write, 1020, .port = 4);
    VCPU(qxl_spice_oom, 1021, .qid = 0);
    GUEST(guest_oom, 1025, .took = 10);
    HOST(oom_begin, 1030, .drawables = 1);
    HOST(flush_resources, 1032, .flushed = 0);
    HOST(free_some_begin, 1033, .asked = 64);
    HOST(evict, 1034, .drawable = 70, .release_id = 7);
    server_gives_back(7, 70, 1035, 1);
    HOST(free_some_end, 1039, .evicted = 1);
    HOST(flush_resources, 1040, .flushed = 1);
    HOST(oom_end, 1041, .drawables = 0);
    VCPU(qxl_io_write, 1045, .port = 4); /* there is something on the ring: QEMU does not ask */
    GUEST(guest_oom, 1047, .took = 5);
    GUEST(guest_free, 1050, .release_id = 7, .reclaimed = 1);
    GUEST(guest_gc, 1052, .freed = 1, .took = 5);
    GUEST(guest_wait_end, 1060, .release_id = 7, .result = 5, .took = 60);
    GUEST(guest_bo, 1070, .domain = 2, .size = 65536, .took = 80);
    s = finish();
    counts(s, "notifies", 3);
    counts(s, "complete", 3);
    counts(s, "asked_known", 3);
    counts(s, "order_violations", 0);
    counts(s, "outcomes.memory", 2);
    counts(s, "outcomes.release_ring_not_empty", 1);
    is_text(0, "asked_domain", "vram");
    is_number(0, "asked_size", 65536);
    is_number(1, "notify_of_wait", 2);
    is_number(1, "episode", 1);
    is_number(0, "evicted", 1);
    is_number(0, "reclaim_first", 1050);
    is_number(0, "gc", 1052);
    is_text(2, "outcome", "release_ring_not_empty");
    json_decref(s);
}

/* Linux 6.3 and later: the guest has memory, and waits for what it deletes. */
static void oom_of_a_deletion(void **unused)
{
    json_t *s;
    (void)unused;

    start(&view_oom);
    GUEST(guest_wait_begin, 1000, .release_id = 7);
    VCPU(qxl_io_write, 1010, .port = 4);
    VCPU(qxl_spice_oom, 1011, .qid = 0);
    GUEST(guest_oom, 1015, .took = 10);
    GUEST(guest_wait_end, 1060, .release_id = 7, .result = 5, .took = 60);
    GUEST(guest_delete, 1070, .domain = 2, .size = 4096, .took = 80);
    GUEST(guest_wait_begin, 2000, .release_id = 7);
    GUEST(guest_oom, 2015, .took = 10);
    GUEST(guest_wait_end, 2060, .release_id = 7, .result = 5, .took = 60);
    s = finish();
    counts(s, "asked_known", 1);
    counts(s, "deleting", 1);
    is_text(0, "asked", "delete");
    is_text(0, "asked_domain", "vram");
    is_number(0, "asked_size", 4096);
    is_text(1, "asked", NULL);
    json_decref(s);
}

static void oom_not_complete(void **unused)
{
    json_t *s;
    (void)unused;

    start(&view_oom);
    GUEST(guest_wait_begin, 1000, .release_id = 7);
    GUEST(guest_oom, 1015, .took = 10); /* its I/O write is not there */
    GUEST(guest_wait_end, 1060, .release_id = 7, .took = 60);
    GUEST(guest_wait_begin, 2000, .release_id = 7);
    VCPU(qxl_io_write, 2010, .port = 4);
    VCPU(qxl_spice_oom, 2011, .qid = 0);
    GUEST(guest_oom, 2015, .took = 10);
    s = finish();
    is_text(0, "why", "no_io_write");
    is_text(1, "why", "open_at_end");
    counts(s, "complete", 0);
    json_decref(s);
    start(&view_oom);
    GUEST(guest_wait_begin, 1000, .release_id = 7);
    VCPU(qxl_io_write, 3010, .port = 4); /* not while the guest was in it */
    GUEST(guest_oom, 1015, .took = 10);
    lose(SOURCE_SPICE, 3020);
    s = finish();
    counts(s, "notifies", 2);
    counts(s, "complete", 0);
    is_text(0, "why", "loss");
    json_decref(s);
}

/* ---- fences and updates
 * ------------------------------------------------------------------------------ */

static void fences(void **unused)
{
    json_t *s;
    (void)unused;

    start(&view_fences);
    GUEST(guest_virtio_response, 900, .fence = 4, .type = 0x1100);
    for (uint64_t i = 5; i < 8; i++) {
        GUEST(guest_virtio_queue, i * 1000, .fence = i, .type = 0x104);
        if (i != 6)
            GUEST(guest_virtio_response, i * 1000 + 50, .fence = i, .type = 0x1100);
        GUEST(guest_fence_signaled, i * 1000 + 60, .driver = 2, .seqno = i);
    }
    GUEST(guest_virtio_queue, 9000, .fence = 0, .type = 0x104); /* none was asked for */
    s = finish();
    counts(s, "fences", 4);
    counts(s, "both_ends", 2);
    counts(s, "not_whole.began_before", 1);
    json_decref(s);
}

/* Linux shows the command to the device before it traces it, but the next one not before. */
static void fence_read_before_it_is_traced(void **unused)
{
    json_t *s;
    (void)unused;

    clock_error = 100;
    start(&view_fences);
    for (uint64_t i = 1; i < 4; i++) {
        VCPU(virtio_gpu_fence_ctrl, i * 10000 - (i == 3 ? 10101 : 5000), .fence = i);
        GUEST(guest_virtio_queue, i * 10000, .fence = i, .type = 0x104);
        VCPU(virtio_gpu_fence_resp, i * 10000 + 40, .fence = i);
        GUEST(guest_virtio_response, i * 10000 + 50, .fence = i, .type = 0x1100);
    }
    s = finish();
    counts(s, "whole", 2);
    counts(s, "order_violations", 1);
    is_text(1, "order", "ok");
    is_text(2, "order", "violated");
    json_decref(s);
    clock_error = 0;
}

static void update(uint64_t t, uint64_t left)
{
    VCPU(qemu_spice_create_update, t, .left = left, .right = left + 32, .top = 0, .bottom = 9);
}

static void host_draw(uint64_t t, uint64_t id, int32_t left)
{
    HOST(cmd, t, .type = 1, .release_id = id, .group = 0);
    HOST(draw, t + 1, .drawable = id, .release_id = id, .box = {left, 0, left + 32, 9});
}

static void updates(void **unused)
{
    json_t *s;
    (void)unused;

    start(&view_updates);
    host_draw(500, 0x5000, 0); /* made before the recording */
    update(1000, 0);
    update(1001, 32);
    VCPU(qemu_spice_display_refresh, 1002, .qid = 0, .notify = 1);
    host_draw(1010, 0x5000, 0);
    host_draw(1020, 0x5100, 32);
    update(2000, 0);
    update(2001, 32);
    update(2002, 64);
    VCPU(qemu_spice_display_refresh, 2003, .qid = 0, .notify = 1);
    host_draw(2010, 0x5000, 0); /* then the surface is switched */
    update(3000, 64);
    VCPU(qemu_spice_display_refresh, 3003, .qid = 0, .notify = 1);
    host_draw(3010, 0x5000, 64);
    s = finish();
    counts(s, "updates", 6);
    counts(s, "linked", 4);
    counts(s, "not_linked.began_before", 1);
    counts(s, "not_linked.discarded", 2);
    json_decref(s);
}

/* ---- tables that overflow say so ---- */

/* One more fence than fits: it is in the summary, and its row does not blame the guest. */
static void too_many_fences(void **unused)
{
    const uint64_t fits = 65536;
    (void)unused;

    start(&view_fences);
    for (uint64_t i = 0; i <= fits; i++)
        GUEST(guest_virtio_queue, 1000 + i, .fence = i + 1, .type = 1);
    json_t *s = finish();
    counts(s, "overflows.open_fences", 1);
    counts(s, "not_whole.too_many_open", 1);
    counts(s, "not_whole.open_at_end", (long long)fits);
    is_text(0, "why", "too_many_open");
    json_decref(s);
}

static void too_many_updates(void **unused)
{
    const uint64_t fits = 16384;
    (void)unused;

    start(&view_updates);
    for (uint64_t i = 0; i < fits + 3; i++)
        VCPU(qemu_spice_create_update, 1000 + i, .left = 0, .right = 10, .top = 0, .bottom = 10);
    json_t *s = finish();
    counts(s, "overflows.queued_updates", 3);
    counts(s, "not_linked.too_many_open", 3);
    is_text(2, "why", "too_many_open");
    is_text(3, "why", "open_at_end");
    json_decref(s);
}

static void too_many_waits(void **unused)
{
    (void)unused;
    start(&view_oom);
    for (uint32_t i = 0; i < 258; i++)
        feed(EV_guest_wait_begin, 1000 + i, 100 + i, 0, &(struct fields_guest_wait_begin){0});
    json_t *s = finish();
    counts(s, "overflows.waits", 2);
    json_decref(s);
}

static void too_many_reports(void **unused)
{
    (void)unused;
    start(&view_oom);
    for (uint64_t i = 0; i < 4096 + 3; i++) {
        VCPU(qxl_io_write, 1000 + 2 * i, .port = QXL_IO_notify_oom);
        VCPU(qxl_spice_oom, 1001 + 2 * i, .qid = 0);
    }
    json_t *s = finish();
    counts(s, "overflows.notifies", 3);
    counts(s, "not_complete.too_many_open", 3);
    is_text(2, "why", "too_many_open");
    json_decref(s);
}

/* The first two episodes give way. Only what the first one pushed never came back. */
static void too_many_episodes(void **unused)
{
    (void)unused;
    start(&view_oom);
    guest_begins(7, 500);
    server_has(7, 70, 540);
    for (uint64_t i = 0; i < 1024 + 2; i++) {
        HOST(oom_begin, 1000 + 10 * i, .drawables = 1);
        if (!i)
            server_gives_back(7, 70, 1001, 1);
        HOST(oom_end, 1005 + 10 * i, .drawables = 1);
    }
    json_t *s = finish();
    counts(s, "episodes", 1026);
    counts(s, "overflows.episodes", 1);
    json_decref(s);
}

/* One more thread than fits: all are forgotten. */
static void too_many_threads(void **unused)
{
    (void)unused;
    start(&view_journeys);
    for (uint32_t i = 0; i < 4096 + 1; i++)
        feed(EV_guest_bo, 1000 + i, 100 + i, 0, &(struct fields_guest_bo){.took = 10});
    json_t *s = finish();
    counts(s, "overflows.threads", 4096);
    json_decref(s);
}

static void nothing_overflows(void **unused)
{
    (void)unused;
    start(&view_fences);
    json_t *s = finish();
    assert_null(json_object_get(s, "overflows"));
    json_decref(s);
}

/* What overflows is on standard error too, beside the rows. */
static void overflow_on_stderr(void **unused)
{
    char *path = strdup(fake_path("spice.tap")), *text;
    struct tap_writer *w = fake_log(path, SOURCE_QEMU);
    (void)unused;

    for (uint64_t i = 0; i < 16385; i++)
        PUT(w, qemu_spice_create_update, 1000 + i, .right = 10, .bottom = 10);
    assert_int_equal(tap_writer_close(w), 0);
    assert_int_equal(RUN(cmd_export, path, "--updates"), EXIT_DONE);
    text = fake_text("err");
    assert_non_null(strstr(text, "1 queued_updates did not fit a table"));
    free(text);
    free(path);
}

/* ---- what is not known is empty ---- */

/* Nothing bounds the guest's clock: the error is null, in rows and in the summary. */
static void unknown_error(void **unused)
{
    json_t *row, *s;
    (void)unused;

    clock_error = UINT64_MAX;
    start(&view_journeys);
    GUEST(guest_alloc, 1000, .release_id = 5, .type = 0);
    GUEST(guest_free, 2000, .release_id = 5, .reclaimed = 1);
    s = finish();
    row = row_at(0);
    assert_true(json_is_null(json_object_get(row, "error")));
    json_decref(row);
    assert_true(json_is_null(json_object_get(s, "clock_error_ns")));
    json_decref(s);
    start(&view_fences);
    GUEST(guest_virtio_queue, 1000, .fence = 1);
    json_decref(finish());
    row = row_at(0);
    assert_true(json_is_null(json_object_get(row, "error")));
    json_decref(row);
    start(&view_oom);
    GUEST(guest_oom, 1000, .took = 10);
    json_decref(finish());
    row = row_at(0);
    assert_true(json_is_null(json_object_get(row, "error")));
    json_decref(row);
    clock_error = 0;
}

/* ---- two displays ---- */

/* The end of one worker's episode does not end that of the other, and a report joins its own. */
static void oom_on_two_displays(void **unused)
{
    (void)unused;
    start(&view_oom);
    for (uint32_t d = 0; d < 2; d++) {
        feed(EV_qxl_io_write, 1000 + d, 90 + d, 0,
             &(struct fields_qxl_io_write){.qid = (uint64_t)d, .port = QXL_IO_notify_oom});
        feed(EV_qxl_spice_oom, 1010 + d, 90 + d, 0, &(struct fields_qxl_spice_oom){.qid = d});
        feed(EV_oom_begin, 1020 + d, 70 + d, 0, &(struct fields_oom_begin){.display = d});
    }
    feed(EV_oom_end, 1030, 71, 0, &(struct fields_oom_end){.display = 1});
    feed(EV_oom_end, 1040, 70, 0, &(struct fields_oom_end){.display = 0});
    json_decref(finish());
    is_number(0, "oom_begin", 1020);
    is_number(0, "oom_end", 1040);
    is_number(1, "oom_begin", 1021);
    is_number(1, "oom_end", 1030);
}

/* ---- hostile and long ---- */

/* Small ids and few threads, so that everything meets everything. */
static void nonsense(void **unused)
{
    static const struct link_view *const all[] = {&view_journeys, &view_oom, &view_fences,
                                                  &view_updates};
    (void)unused;
    for (unsigned v = 0; v < 4; v++) {
        uint64_t t = 1000;

        silent = v % 2; /* with rows, and without */
        start(all[v]);
        for (int i = 0; i < 200000; i++) {
            enum tap_source source =
                (enum tap_source[]){SOURCE_SPICE, SOURCE_QEMU, SOURCE_GUEST}[fake_random() % 3];
            struct tap_event ev;

            ev = fake_event(fake_kind(source), t += fake_random() % 100);
            for (unsigned k = 0; k < ev.slots; k++)
                ev.v[k] = fake_random() % 8 ? fake_random() % 5 : ev.v[k];
            if (fake_random() % 500 == 0)
                ev = (struct tap_event){.time = t, .kind = EV_loss, .slots = 2};
            view->add(state, &ev, source, fake_random() % 8 ? fake_random() % 200 : UINT64_MAX);
        }
        json_decref(finish());
    }
}

static void long_run(void **unused)
{
    struct timespec a, b;
    uint64_t n = 100000;
    json_t *s;
    double took;
    (void)unused;

    silent = true;
    start(&view_journeys);
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (uint64_t i = 0; i < n; i++)
        life(1 + i % 300, 1000 + i * 100);
    clock_gettime(CLOCK_MONOTONIC, &b);
    s = finish();
    took = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    print_message("%.0f events a second, under sanitizers\n", (double)n * 9 / took);
    counts(s, "whole", (long long)n);
    assert_true(json_integer_value(json_object_get(s, "open_at_once")) < 10);
    json_decref(s);
}

static void count_one(void *count, const struct tap_event *ev, enum tap_source source,
                      uint64_t error)
{
    (void)source;
    (void)error;
    assert_true(ev->time >= 1000);
    ++*(unsigned *)count;
}

static int no_end(void *count)
{
    (void)count;
    return 0;
}

/* The guest's agent is there before the host's probes: what it saw then has no other half. */
static void before_the_window(void **unused)
{
    static const struct link_view counter = {.add = count_one, .end = no_end};
    const char *path = fake_path("window");
    struct tap_event ev = fake_event(tap_kind_find(EV_draw), 999);
    struct bundle_writer *w;
    struct tap_writer *log;
    struct bundle *b;
    unsigned seen = 0;
    (void)unused;

    assert_int_equal(bundle_create(&w, path), 0);
    assert_int_equal(bundle_log(w, SOURCE_SPICE, &log), 0);
    for (ev.time = 998; ev.time < 1002; ev.time++)
        assert_int_equal(tap_write(log, &ev), 0);
    assert_int_equal(tap_writer_close(log), 0);
    json_object_set_new(bundle_run(w), "window", json_pack("{s:i, s:i}", "from", 1000, "to", 2000));
    assert_int_equal(bundle_finish(w, "test"), 0);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(links_walk(&(struct link_walk){&counter, &seen, NULL}, 1, b, NULL), 0);
    bundle_close(b);
    assert_int_equal(seen, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(evicted),
        cmocka_unit_test(clocks),
        cmocka_unit_test(violated),
        cmocka_unit_test(losses),
        cmocka_unit_test(late_guest),
        cmocka_unit_test(oom),
        cmocka_unit_test(oom_of_a_deletion),
        cmocka_unit_test(oom_not_complete),
        cmocka_unit_test(fences),
        cmocka_unit_test(fence_read_before_it_is_traced),
        cmocka_unit_test(updates),
        cmocka_unit_test(too_many_fences),
        cmocka_unit_test(too_many_updates),
        cmocka_unit_test(too_many_waits),
        cmocka_unit_test(too_many_reports),
        cmocka_unit_test(too_many_episodes),
        cmocka_unit_test(too_many_threads),
        cmocka_unit_test(nothing_overflows),
        cmocka_unit_test(overflow_on_stderr),
        cmocka_unit_test(unknown_error),
        cmocka_unit_test(oom_on_two_displays),
        cmocka_unit_test(nonsense),
        cmocka_unit_test(long_run),
        cmocka_unit_test(before_the_window),
    };
    int failed = cmocka_run_group_tests(tests, fake_setup, fake_clean);

    free(printed);
    return failed;
}
