/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model's answers where events are lost, where guest and host disagree, and with several
 * displays. Each test writes a run of its own and reads it back. */
#include <inttypes.h>

#include "fake.h"
#include "model/model.h"

#define MS     1000000ull
#define US     1000ull
#define SECOND (1000 * MS)

enum { PLAYER = 5, KERNEL = 77, RAM = GUEST_DOMAIN_vram };

static struct tap_writer *spice, *guest, *reboot, *client;
static char folder[PATH_MAX];
static uint64_t now;

static struct tap_writer *a_log(const char *name, enum tap_source source)
{
    char path[PATH_MAX + 32];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return fake_log(path, source);
}

static void begin(void)
{
    char command[2 * PATH_MAX + 32];

    snprintf(folder, sizeof(folder), "%s", fake_path("model"));
    snprintf(command, sizeof(command), "rm -rf '%s' && mkdir '%s'", folder, folder);
    assert_int_equal(system(command), 0);
    spice = a_log("spice.tap", SOURCE_SPICE);
    guest = a_log("guest.tap", SOURCE_GUEST);
    reboot = a_log("guest-2.tap", SOURCE_GUEST);
    client = a_log("client.tap", SOURCE_CLIENT);
    now = 5 * SECOND;
}

/* The window is [5 s, `to`]. The guest's clock is the host's, known to 1 us; its agent has probes
 * on the guest's waits. */
static struct model *gather(uint64_t to, unsigned qxl_devices)
{
    static const char clock[] =
        "\"pairs\":9,\"rejected\":0,\"violations\":0,\"segments\":[{\"guest_from\":1,"
        "\"guest_to\":900000000000,\"guest_at\":1,\"host_at\":1,\"drift_ppb\":0,"
        "\"error_ns\":1000,\"pairs\":9,\"method\":\"io\",\"jump\":false}]";
    static const char hello[] = "\"hello\":{\"attached\":[\"guest_oom\",\"guest_wait_begin\","
                                "\"guest_wait_end\",\"guest_delete\"]}";
    char path[PATH_MAX + 32];
    struct model *x = NULL;
    FILE *f;

    assert_int_equal(tap_writer_close(spice), 0);
    assert_int_equal(tap_writer_close(guest), 0);
    assert_int_equal(tap_writer_close(reboot), 0);
    assert_int_equal(tap_writer_close(client), 0);
    snprintf(path, sizeof(path), "%s/run.json", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "{\"format\":{\"major\":1,\"minor\":0},\"state\":\"complete\",\"logs\":[\"spice.tap\","
            "\"guest.tap\",\"guest-2.tap\",\"client.tap\"],\"window\":{\"from\":5000000000,"
            "\"to\":%" PRIu64 "},\"guest\":{\"logs\":[{\"log\":\"guest.tap\",%s},"
            "{\"log\":\"guest-2.tap\",%s}]},\"clocks\":[{\"log\":\"guest.tap\",%s},"
            "{\"log\":\"guest-2.tap\",%s}],\"devices\":[",
            to, hello, hello, clock, clock);
    for (unsigned i = 0; i < qxl_devices; i++)
        fprintf(f, "%s{\"driver\":\"qxl-vga\"}", i ? "," : "");
    fprintf(f, "]}");
    assert_int_equal(fclose(f), 0);
    assert_int_equal(model_new(&x), 0);
    x->run = folder;
    assert_int_equal(bundle_open(&x->bundle, folder), 0);
    assert_int_equal(model_gather(x), 0);
    return x;
}

static void done(struct model *x)
{
    bundle_close(x->bundle);
    model_free(x);
}

/* The agent answers pings all the time, until it is gone. */
static void alive(struct tap_writer *log, uint64_t from, uint64_t to)
{
    for (uint64_t t = from; t <= to; t += 250 * MS)
        PUT_AS(log, 1, clock_ping, t, .sent = t, .received = t);
}

/* A stream whose last frame came at `now` and which ends a second later. */
static void stream_begins(void)
{
    PUT(spice, stream_create, now, .stream = 3, .box = {100, 100, 420, 340}, .fps = 25);
}

static void stream_ends(void)
{
    PUT(spice, ring_empty, now + 1005 * MS, .display = 0);
    PUT(spice, stream_stop, now + 1010 * MS, .stream = 3, .frames = 1, .idle = 1010 * MS);
}

/* ---- a guest's wait whose end is not in the log ---- */

/* The wait is open at the stream's last frame already. What is lost afterwards must not make its
 * length wrap around. */
static void loss_while_a_wait_is_open(void **state)
{
    struct model *x;
    (void)state;

    begin();
    now += SECOND;
    alive(guest, now - 300 * MS, now - 100 * MS);
    PUT_AS(guest, PLAYER, guest_wait_begin, now - 50 * MS, .release_id = 1);
    stream_begins();
    PUT_AS(guest, 1, clock_ping, now + 20 * MS);
    assert_int_equal(tap_write_loss(guest, now + 100 * MS, 7, LOSS_REASON_port_full), 0);
    alive(guest, now + 200 * MS, now + 2 * SECOND);
    stream_ends();
    x = gather(now + 2 * SECOND, 1);
    assert_in_range(model_stream_at(x, 1)->gap.waited, 0, 100 * MS);
    assert_int_equal(model_stream_at(x, 1)->cause, CAUSE_INCONCLUSIVE);
    assert_int_equal(model_stream_at(x, 1)->doubt, DOUBT_GUEST);
    done(x);
}

/* The agent dies inside a wait: nothing says that the guest waits on. */
static void agent_dies_in_a_wait(void **state)
{
    struct model *x;
    (void)state;

    begin();
    now += SECOND;
    alive(guest, now - 300 * MS, now);
    PUT_AS(guest, PLAYER, guest_wait_begin, now + 10 * MS, .release_id = 1);
    stream_begins();
    stream_ends();
    now += 10 * SECOND;
    stream_begins();
    stream_ends();
    x = gather(now + 20 * SECOND, 1);
    assert_int_equal(model_stream_at(x, 1)->cause, CAUSE_INCONCLUSIVE);
    assert_int_equal(model_stream_at(x, 1)->doubt, DOUBT_SILENT);
    assert_int_equal(model_stream_at(x, 2)->cause, CAUSE_GUEST_IDLE);
    assert_in_range(model_stream_at(x, 2)->gap.waited, 0, 10 * MS);
    done(x);
}

/* The guest reboots inside a wait: from then on the wait is unknown, and the new boot's waits are
 * its own. */
static void reboot_in_a_wait(void **state)
{
    struct model *x;
    (void)state;

    begin();
    now += SECOND;
    alive(guest, now - 300 * MS, now);
    PUT_AS(guest, PLAYER, guest_wait_begin, now + 10 * MS, .release_id = 1);
    stream_begins();
    alive(reboot, now + 500 * MS, now + 20 * SECOND);
    stream_ends();
    now += 10 * SECOND;
    stream_begins();
    stream_ends();
    x = gather(now + 9 * SECOND, 1);
    assert_int_equal(model_stream_at(x, 1)->cause, CAUSE_INCONCLUSIVE);
    assert_int_equal(model_stream_at(x, 2)->cause, CAUSE_GUEST_IDLE);
    done(x);
}

/* ---- the guest's word and the host's guess ---- */

/* A call for memory that the server answers, and a guest that waits for `waits` of the 400 ms in
 * which the host takes it to stand still. */
static struct model *called(uint64_t waits, uint32_t tid, bool deletes)
{
    begin();
    now += SECOND;
    alive(guest, now - 500 * MS, now + 3 * SECOND);
    stream_begins();
    PUT(spice, oom_begin, now + MS, .drawables = 9);
    if (waits) {
        PUT_AS(guest, tid, guest_wait_begin, now + 2 * MS, .release_id = 1);
        PUT_AS(guest, tid, guest_wait_end, now + 2 * MS + waits, .release_id = 1,
               .took = (int64_t)waits);
    }
    if (deletes)
        PUT_AS(guest, tid, guest_delete, now + 3 * MS + waits, .domain = RAM,
               .took = (int64_t)(waits + 2 * MS));
    PUT(spice, oom_end, now + 401 * MS, .drawables = 9);
    PUT(spice, cmd, now + 402 * MS, .type = QXL_CMD_draw);
    stream_ends();
    return gather(now + 2 * SECOND, 1);
}

static void guest_decides(void **state)
{
    static const struct {
        uint64_t waits;
        bool deletes;
        uint64_t least, most;
    } cases[] = {
        {0, false, 0, 0},                      /* a false alarm: nobody waited */
        {390 * MS, true, 0, 0},                /* a kernel thread waited to delete */
        {100 * MS, false, 100 * MS, 100 * MS}, /* it waited for a part of the time */
        {399 * MS, false, 399 * MS, 399 * MS},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct model *x =
            called(cases[i].waits, cases[i].deletes ? KERNEL : PLAYER, cases[i].deletes);

        assert_in_range(model_episode_at(x, 1)->stalled, cases[i].least, cases[i].most);
        assert_in_range(waits_stalled(&x->waits, 0, x->end), cases[i].least, cases[i].most);
        assert_int_equal(model_episode_at(x, 1)->waited, cases[i].most);
        done(x);
    }
}

/* Where events of the guest are missing, the host's guess stands. */
static void guest_is_not_heard(void **state)
{
    struct model *x;
    (void)state;

    begin();
    now += SECOND;
    alive(guest, now - 500 * MS, now - 10 * MS);
    PUT(spice, oom_begin, now + MS, .drawables = 9);
    assert_int_equal(tap_write_loss(guest, now + 100 * MS, 7, LOSS_REASON_port_full), 0);
    alive(guest, now + 200 * MS, now + SECOND);
    PUT(spice, oom_end, now + 401 * MS, .drawables = 9);
    PUT(spice, cmd, now + 402 * MS, .type = QXL_CMD_draw);
    x = gather(now + 2 * SECOND, 1);
    assert_int_equal(model_episode_at(x, 1)->stalled, 400 * MS);
    done(x);
}

/* ---- blocks ---- */

static void a_block_ends(void **state)
{
    static const struct {
        unsigned blocked, ends_kind, ends_value;
        uint64_t took;
    } cases[] = {
        {RING_command, EV_cmd, QXL_CMD_draw, 100 * MS},
        {RING_command, EV_ring_empty, RING_command, 100 * MS}, /* it reads the ring again */
        {RING_command, EV_ring_empty, RING_cursor, 1010 * MS}, /* it reads the other one */
        {RING_command, EV_cmd, QXL_CMD_cursor, 1010 * MS},
        {RING_cursor, EV_cmd, QXL_CMD_draw, 0},
        {RING_cursor, EV_ring_empty, RING_cursor, 0},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct model *x;

        begin();
        now += SECOND;
        stream_begins();
        PUT(spice, blocked, now, .ring = cases[i].blocked, .pipe = 51);
        if (cases[i].ends_kind == EV_cmd)
            PUT(spice, cmd, now + 100 * MS, .type = cases[i].ends_value);
        else
            PUT(spice, ring_empty, now + 100 * MS, .ring = cases[i].ends_value);
        PUT(spice, stream_stop, now + 1010 * MS, .stream = 3, .frames = 1, .idle = 1010 * MS);
        x = gather(now + 2 * SECOND, 1);
        assert_int_equal(model_stream_at(x, 1)->gap.blocked, cases[i].took);
        assert_int_equal(model_stream_at(x, 1)->cause == CAUSE_PIPE_BLOCKED,
                         cases[i].took > 500 * MS);
        done(x);
    }
}

/* Events are lost while the worker is blocked: nothing shows that it was blocked until the end. */
static void a_block_ends_at_a_loss(void **state)
{
    struct model *x;
    (void)state;

    begin();
    now += SECOND;
    PUT(spice, blocked, now, .pipe = 51);
    stream_begins();
    PUT(spice, stream_attach, now + 90 * MS, .stream = 3, .box = {100, 100, 420, 340});
    assert_int_equal(
        tap_write_loss_since(spice, now + 50 * MS, now + 2 * SECOND, 7, LOSS_REASON_ring_full), 0);
    x = gather(now + 2 * SECOND, 1);
    assert_int_equal(x->waits.blocked_count, 1);
    assert_int_equal(x->waits.blocked_ns, 50 * MS);
    assert_int_equal(model_stream_at(x, 1)->gap.blocked, 0);
    done(x);
}

/* ---- several displays ---- */

/* The guest has two qxl devices: which of them it waits for is not known. */
static void wait_of_an_unknown_display(void **state)
{
    (void)state;
    for (unsigned devices = 1; devices <= 2; devices++) {
        struct model *x;

        begin();
        now += SECOND;
        alive(guest, now - 300 * MS, now);
        stream_begins();
        PUT(spice, stream_create, now + 10, .display = 1, .stream = 4, .box = {0, 0, 200, 200});
        PUT_AS(guest, PLAYER, guest_wait_begin, now + 100 * MS, .release_id = 1);
        PUT_AS(guest, PLAYER, guest_wait_end, now + 900 * MS, .release_id = 1);
        stream_ends();
        PUT(spice, ring_empty, now + 1005 * MS, .display = 1);
        PUT(spice, stream_stop, now + 1020 * MS, .display = 1, .stream = 4, .frames = 1,
            .idle = 1010 * MS);
        x = gather(now + 2 * SECOND, devices);
        if (devices == 1) {
            assert_int_equal(model_stream_at(x, 1)->cause, CAUSE_GUEST_WAITED);
            assert_int_equal(model_stream_at(x, 2)->cause, CAUSE_GUEST_IDLE);
        } else {
            assert_int_equal(model_stream_at(x, 1)->cause, CAUSE_INCONCLUSIVE);
            assert_int_equal(model_stream_at(x, 2)->cause, CAUSE_INCONCLUSIVE);
            assert_int_equal(model_stream_at(x, 2)->doubt, DOUBT_DISPLAY);
        }
        done(x);
    }
}

static void redraw(unsigned display, int32_t left, uint64_t drawable)
{
    PUT(spice, draw, now, .display = display, .drawable = drawable, .release_id = drawable,
        .type = DRAW_TYPE_copy, .effect = 1, .box = {left, 0, left + 200, 200}, .src_width = 200,
        .src_height = 200, .created = now);
    now += MS;
}

/* A draw on one display, then as many boxes of another display as the table has places, then the
 * first one's stream: its box must still be its own. */
static void a_full_table_keeps_what_is_undecided(void **state)
{
    struct model *x;
    uint32_t at;
    (void)state;

    begin();
    redraw(0, 5, 16);
    for (int i = 0; i < MODEL_BOXES + 20; i++)
        redraw(1, 1000 * (i + 1), 1600 + 16 * (uint64_t)i);
    PUT(spice, stream_attach, now, .display = 0, .stream = 3, .drawable = 16,
        .box = {5, 0, 205, 200});
    x = gather(now + SECOND, 0);
    at = regions_find(&x->regions, 0, 0, (const int32_t[]){5, 0, 205, 200});
    assert_true(at > 0);
    assert_int_equal(x->regions.boxes[at - 1].all_draws, 1);
    assert_int_equal(x->regions.boxes[at - 1].all_out[OUT_STREAMED], 1);
    done(x);
}

/* Both displays stand still in the same 400 ms. */
static void stalls_are_not_summed_over_displays(void **state)
{
    struct model *x;
    (void)state;

    begin();
    PUT_AS(client, 1, client_clip, now, .number = 1);
    now += SECOND;
    for (unsigned d = 0; d < 2; d++)
        PUT(spice, oom_begin, now + d, .display = d);
    for (unsigned d = 0; d < 2; d++)
        PUT(spice, oom_end, now + 400 * MS + d, .display = d);
    for (unsigned d = 0; d < 2; d++)
        PUT(spice, cmd, now + 401 * MS + d, .display = d, .type = QXL_CMD_draw);
    PUT_AS(client, 1, client_clip, now + SECOND, .number = 2, .since = 2 * SECOND);
    PUT_AS(client, 1, client_clip, now + SECOND + MS, .number = 3, .since = MS);
    x = gather(now + SECOND + 2 * MS, 1);
    assert_true(bounded_all(&x->client.kept) >= 1);
    assert_in_range(x->client.freezes[0].stalled, 400 * MS - US, 400 * MS + US);
    done(x);
}

/* Both displays are blocked, at the same time and for 300 and 400 ms. */
static void blocks_are_not_summed_over_displays(void **state)
{
    struct model *x;
    (void)state;

    begin();
    now += SECOND;
    for (unsigned d = 0; d < 2; d++)
        PUT(spice, blocked, now + d, .display = d, .pipe = 51);
    for (unsigned d = 0; d < 2; d++)
        PUT(spice, cmd, now + d + (300 + 100 * d) * MS, .display = d, .type = QXL_CMD_draw);
    x = gather(now + SECOND, 1);
    assert_int_equal(x->waits.blocked_count, 1);
    assert_int_equal(x->waits.blocked_ns, 400 * MS);
    assert_int_equal(x->displays.ids[x->waits.blocked_slot], 1);
    done(x);
}

/* ---- freezes ---- */

/* The window is [5 s, 10.4 s]; pictures come before, within and after it. A freeze that began
 * before the window counts from its begin; one that nothing ended counts to its end. What was shown
 * before the first number that can be read may have been no clip, and is no freeze. */
static void freezes_are_of_the_window(void **state)
{
    (void)state;
    for (int numbered = 0; numbered < 2; numbered++) {
        const struct model_freeze *z;
        struct model *x;

        begin();
        PUT_AS(client, 1, client_clip, 3 * SECOND, .number = numbered - 1);
        PUT_AS(client, 1, client_clip, 5600 * MS, .number = numbered ? 2 : -1, .since = 2600 * MS);
        for (int i = 0; i < 40; i++)
            PUT_AS(client, 1, client_clip, (uint64_t)(5700 + 100 * i) * MS,
                   .number = numbered ? 3 + i : -1, .since = 100 * MS);
        PUT_AS(client, 1, client_clip, 11 * SECOND, .number = numbered ? 50 : -1,
               .since = 1400 * MS);
        x = gather(10400 * MS, 1);
        assert_int_equal(bounded_all(&x->client.kept), numbered ? 1 : 2);
        z = &x->client.freezes[0];
        assert_int_equal(z->from, 9600 * MS);
        assert_int_equal(z->to, 10400 * MS);
        assert_true(z->open);
        z = &x->client.freezes[1];
        if (!numbered) {
            assert_int_equal(z->from, 5 * SECOND);
            assert_int_equal(z->to, 5600 * MS);
        }
        assert_int_equal(x->client.longest_freeze, 800 * MS);
        done(x);
    }
}

/* What the client showed while its events were lost is not known: a freeze is no longer than what
 * is seen of it. Nor is the guest's wait in that span a part of it. */
static void a_freeze_ends_at_a_loss(void **state)
{
    (void)state;
    for (int goes_on = 0; goes_on < 2; goes_on++) {
        struct model *x;

        begin();
        PUT_AS(client, 1, client_clip, 5100 * MS, .number = 1);
        PUT_AS(client, 1, client_clip, 5200 * MS, .number = 2, .since = 100 * MS);
        PUT(spice, oom_begin, 6 * SECOND);
        PUT(spice, oom_end, 8 * SECOND);
        PUT(spice, cmd, 8 * SECOND, .type = QXL_CMD_draw);
        assert_int_equal(tap_write_loss_since(client, 5800 * MS, goes_on ? 9 * SECOND : 10 * SECOND,
                                              7, LOSS_REASON_damaged),
                         0);
        x = gather(10 * SECOND, 1);
        assert_int_equal(x->client.kept.count, 1 + goes_on);
        assert_int_equal(x->client.longest_freeze, (goes_on ? 1000 : 600) * MS);
        for (int i = 0; i <= goes_on; i++) {
            assert_true(x->client.freezes[i].open);
            assert_int_equal(x->client.freezes[i].stalled, 0);
        }
        done(x);
    }
}

/* A picture after the loss says itself how long the one before it stood. */
static void a_freeze_across_a_loss(void **state)
{
    struct model *x;
    (void)state;

    begin();
    PUT_AS(client, 1, client_clip, 5100 * MS, .number = 1);
    assert_int_equal(tap_write_loss_since(client, 5200 * MS, 6 * SECOND, 7, LOSS_REASON_ring_full),
                     0);
    PUT_AS(client, 1, client_clip, 8 * SECOND, .number = 2, .since = 900 * MS);
    x = gather(8100 * MS, 1);
    assert_int_equal(x->client.kept.count, 1);
    assert_int_equal(x->client.longest_freeze, 900 * MS);
    done(x);
}

/* ---- tables that are full ---- */

static uint64_t over(const struct model *x, const char *table)
{
    struct model_overflow list[MODEL_TABLES];
    unsigned n = model_overflows(x, list);

    assert_int_equal(n, MODEL_TABLES);
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(list[i].table, table))
            return list[i].count;
    fail_msg("no table %s", table);
    return 0;
}

/* With a full table each display still has its own episode: the sums are right. */
static void episodes_that_do_not_fit(void **state)
{
    struct model *x;
    (void)state;

    begin();
    for (unsigned i = 0; i < MODEL_EPISODES; i++) {
        now += MS;
        PUT(spice, oom_begin, now, .drawables = 9);
        PUT(spice, oom_end, now + 10, .drawables = 9);
        PUT(spice, cmd, now + 20, .type = QXL_CMD_draw);
    }
    now += MS;
    PUT(spice, oom_begin, now, .display = 0);
    PUT(spice, oom_begin, now + 1, .display = 1);
    PUT(spice, oom_end, now + 200 * MS, .display = 1);
    PUT(spice, cmd, now + 201 * MS, .display = 1, .type = QXL_CMD_draw);
    PUT(spice, oom_end, now + 400 * MS, .display = 0);
    PUT(spice, cmd, now + 401 * MS, .display = 0, .type = QXL_CMD_draw);
    x = gather(now + SECOND, 0);
    assert_int_equal(bounded_all(&x->memory.kept), MODEL_EPISODES + 2);
    assert_int_equal(model_episodes(x), MODEL_EPISODES);
    assert_null(model_episode_at(x, MODEL_EPISODES + 1));
    assert_int_equal(over(x, "episodes"), 2);
    assert_int_equal(over(x, "streams"), 0);
    assert_int_equal(x->memory.longest_stall, 400 * MS);
    done(x);
}

/* Some run at once, all in one place; one drawing covers them; one episode evicts frames of five.
 */
static void streams_that_do_not_fit(void **state)
{
    struct model *x;
    (void)state;

    begin();
    for (unsigned i = 0; i < MODEL_LIVE + 2; i++)
        PUT(spice, stream_create, now += US, .stream = i, .box = {0, 0, 200, 200});
    redraw(0, 0, 16);
    PUT(spice, oom_begin, now, .drawables = 9);
    for (unsigned i = 0; i < MODEL_VICTIMS + 1; i++)
        PUT(spice, evict, now += US, .drawable = 32 + i, .stream = (int)(100 + i));
    x = gather(now + SECOND, 1);
    assert_int_equal(over(x, "running_streams"), 2);
    assert_int_equal(over(x, "covered_streams"), MODEL_LIVE - MODEL_COVERED);
    assert_int_equal(over(x, "victim_streams"), 1);
    assert_int_equal(over(x, "streams"), 0);
    done(x);
}

/* Boxes that give way while they are redrawn: each was drawn three times, a moment ago. */
static void boxes_that_do_not_fit(void **state)
{
    struct model *x;
    (void)state;

    begin();
    for (int i = 0; i < MODEL_BOXES + 3; i++)
        for (int k = 0; k < 3; k++) {
            redraw(0, 16 * i, 16 * (uint64_t)(1 + i * 3 + k));
            now -= MS - US;
        }
    x = gather(now + SECOND, 1);
    assert_int_equal(over(x, "boxes"), 3);
    assert_int_equal(over(x, "regions"), 0);
    done(x);
}

/* Five places are redrawn in more stretches than one place has room for. Then one episode takes
 * the history of all five. One of them is the clip, which has one stretch, the whole run. */
static void stretches_that_do_not_fit(void **state)
{
    enum { PLACES = MODEL_VICTIMS + 1 };
    struct model *x;
    (void)state;

    begin();
    for (unsigned i = 0; i < MODEL_SPELLS + 2; i++, now += 5 * SECOND)
        for (unsigned k = 0; k < 15; k++, now += 200 * MS)
            for (int place = 0; place < PLACES; place++)
                redraw(0, 400 * place, 16 * (uint64_t)(1 + place));
    PUT(spice, oom_begin, now, .drawables = 9);
    for (int place = 0; place < PLACES; place++)
        PUT(spice, trace_add, now += US, .reason = REMOVE_REASON_evicted, .old_age = MS,
            .old = {400 * place, 0, 400 * place + 200, 200});
    x = gather(now + SECOND, 1);
    assert_int_equal(x->regions.kept.count, PLACES);
    assert_int_equal(over(x, "spells"), (PLACES - 1) * 2);
    assert_int_equal(over(x, "victims"), 1);
    done(x);
}

/* One object takes so long to make that the first of its thread's calls was forgotten. */
static void guest_events_that_do_not_fit(void **state)
{
    struct model *x;
    (void)state;

    begin();
    for (unsigned i = 0; i < MODEL_WAITERS + 4; i++)
        PUT_AS(guest, 500 + i, guest_wait_begin, now += US, .release_id = i);
    for (unsigned i = 0; i < MODEL_DELETERS + 3; i++)
        PUT_AS(guest, 1000 + i, guest_delete, now += US, .domain = RAM, .took = 10);
    for (unsigned i = 0; i < MODEL_CALLS + 1; i++)
        PUT_AS(guest, PLAYER, guest_oom, now += MS, .took = 10);
    PUT_AS(guest, PLAYER, guest_bo, now += MS, .domain = RAM, .took = SECOND);
    x = gather(now + SECOND, 1);
    assert_int_equal(over(x, "waiters"), 4);
    assert_int_equal(over(x, "deleters"), 3);
    assert_int_equal(over(x, "calls"), 1);
    done(x);
}

static void drawables_and_losses_that_do_not_fit(void **state)
{
    struct model *x;
    (void)state;

    begin();
    for (unsigned i = 0; i < MODEL_HELD + 5; i++)
        redraw(0, 0, 16 * (i + 1));
    for (unsigned i = 0; i < COUNTS_LOSSES + 6; i++) {
        assert_int_equal(tap_write_loss(spice, now += MS, 1, LOSS_REASON_ring_full), 0);
        PUT(spice, wakeup, now += MS, .display = 0);
    }
    x = gather(now + SECOND, 1);
    assert_int_equal(over(x, "held_drawables"), 5);
    assert_int_equal(over(x, "losses"), 6);
    assert_int_equal(bounded_all(&x->counts.listed), COUNTS_LOSSES + 6);
    assert_int_equal(over(x, "calls"), 0);
    done(x);
}

/* The longest are kept, the longest first. */
static void freezes_that_do_not_fit(void **state)
{
    uint64_t last = 0;
    struct model *x;
    (void)state;

    begin();
    PUT_AS(client, 1, client_clip, now, .number = 1);
    for (uint64_t i = 0; i < MODEL_FREEZES + 7; i++) {
        uint64_t took = SECOND + i * 7 % 31 * MS;

        PUT_AS(client, 1, client_clip, now += took, .number = (int64_t)i + 2,
               .since = (int64_t)took);
    }
    x = gather(now, 1);
    assert_int_equal(over(x, "freezes"), 7);
    assert_int_equal(bounded_all(&x->client.kept), MODEL_FREEZES + 7);
    for (unsigned i = MODEL_FREEZES; i--;) {
        uint64_t took = x->client.freezes[i].to - x->client.freezes[i].from;

        assert_true(took >= last);
        last = took;
    }
    assert_int_equal(last, SECOND + 30 * MS);
    done(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_while_a_wait_is_open),
        cmocka_unit_test(agent_dies_in_a_wait),
        cmocka_unit_test(reboot_in_a_wait),
        cmocka_unit_test(guest_decides),
        cmocka_unit_test(guest_is_not_heard),
        cmocka_unit_test(a_block_ends),
        cmocka_unit_test(a_block_ends_at_a_loss),
        cmocka_unit_test(wait_of_an_unknown_display),
        cmocka_unit_test(a_full_table_keeps_what_is_undecided),
        cmocka_unit_test(stalls_are_not_summed_over_displays),
        cmocka_unit_test(blocks_are_not_summed_over_displays),
        cmocka_unit_test(freezes_are_of_the_window),
        cmocka_unit_test(a_freeze_ends_at_a_loss),
        cmocka_unit_test(a_freeze_across_a_loss),
        cmocka_unit_test(episodes_that_do_not_fit),
        cmocka_unit_test(streams_that_do_not_fit),
        cmocka_unit_test(boxes_that_do_not_fit),
        cmocka_unit_test(stretches_that_do_not_fit),
        cmocka_unit_test(guest_events_that_do_not_fit),
        cmocka_unit_test(drawables_and_losses_that_do_not_fit),
        cmocka_unit_test(freezes_that_do_not_fit),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
