/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What explain makes of the guest's own events, whose clock is known only so well; of tables that
 * overflow; of several displays; and which place it takes for the clip. */
#include <inttypes.h>

#include "cmd/commands.h"
#include "model/model.h"
#include "fake.h"

#define MS     1000000ull
#define US     1000ull
#define SECOND (1000 * MS)

enum { KERNEL = 77, PLAYER = 5, RAM = 2, VRAM = 3 };

static struct tap_writer *spice, *qemu, *guest, *client;
static char folder[PATH_MAX];
static uint64_t now;

static void begin(void)
{
    char command[2 * PATH_MAX + 32];

    snprintf(folder, sizeof(folder), "%s", fake_path("run"));
    snprintf(command, sizeof(command), "rm -rf '%s' && mkdir '%s'", folder, folder);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof(command), "%s/spice.tap", folder);
    spice = fake_log(command, SOURCE_SPICE);
    snprintf(command, sizeof(command), "%s/qemu.tap", folder);
    qemu = fake_log(command, SOURCE_QEMU);
    snprintf(command, sizeof(command), "%s/guest.tap", folder);
    guest = fake_log(command, SOURCE_GUEST);
    snprintf(command, sizeof(command), "%s/client.tap", folder);
    client = fake_log(command, SOURCE_CLIENT);
    now = 5 * SECOND;
}

/* The guest's clock is the host's, known to so many ns. */
static void end(uint64_t error)
{
    char path[PATH_MAX + 32];
    FILE *f;

    assert_int_equal(tap_writer_close(spice), 0);
    assert_int_equal(tap_writer_close(qemu), 0);
    assert_int_equal(tap_writer_close(guest), 0);
    assert_int_equal(tap_writer_close(client), 0);
    snprintf(path, sizeof(path), "%s/run.json", folder);
    f = fopen(path, "w");
    assert_non_null(f);
    fprintf(
        f,
        "{\"format\":{\"major\":1,\"minor\":0},\"state\":\"complete\",\"logs\":[\"spice.tap\","
        "\"qemu.tap\","
        "\"guest.tap\",\"client.tap\"],\"client\":{\"summary\":\"client.json\"},\"clocks\":[{"
        "\"log\":"
        "\"guest.tap\",\"pairs\":9,\"rejected\":0,\"violations\":0,\"segments\":[{\"guest_from\":"
        "1,\"guest_to\":900000000000,\"guest_at\":1,\"host_at\":1,\"drift_ppb\":0,\"error_ns\":"
        "%" PRIu64 ",\"pairs\":9,\"method\":\"io\",\"jump\":false}]}]}",
        error);
    assert_int_equal(fclose(f), 0);
}

static json_t *told(void)
{
    json_t *o;
    char *text;

    assert_int_equal(RUN(cmd_explain, folder, "--json"), EXIT_DONE);
    text = fake_text("out");
    o = json_loads(text, 0, NULL);
    assert_non_null(o);
    free(text);
    return o;
}

static void says(const json_t *what, const char *words, bool yes)
{
    char *flat = json_dumps(what, JSON_COMPACT);

    assert_non_null(flat);
    if (!strstr(flat, words) == yes)
        fail_msg("%s \"%s\" in %s", yes ? "no" : "there is", words, flat);
    free(flat);
}

static const json_t *first(const json_t *o, const char *list)
{
    assert_true(json_array_size(json_object_get(o, list)) > 0);
    return json_array_get(json_object_get(o, list), 0);
}

static json_int_t number(const json_t *o, const char *key)
{
    assert_true(json_is_integer(json_object_get(o, key)));
    return json_integer_value(json_object_get(o, key));
}

/* How many events stand behind a sentence, all of that kind if one is named. */
static unsigned behind(const char *ref, const char *kind)
{
    unsigned n = 0;
    char *text;

    assert_int_equal(RUN(cmd_explain, folder, "--events", ref, "--json"), EXIT_DONE);
    text = fake_text("out");
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), n++)
        if (kind && !strstr(line, kind))
            fail_msg("%s lists %s", ref, line);
    free(text);
    return n;
}

/* ---- who asked for memory ---------------------------------------------------------------------
 */

/* One time that memory ran out, 500 us long, in which that thread of the guest called. */
static void ran_out(uint32_t tid)
{
    PUT_AS(guest, tid, guest_oom, now - 50 * US, .took = 40 * US);
    PUT(spice, oom_begin, now, .drawables = 9);
    PUT(spice, flush_resources, now + 100 * US, .flushed = 1);
    PUT(spice, oom_end, now + 500 * US, .drawables = 8);
}

static void command_comes(uint64_t after)
{
    now += after;
    PUT(spice, cmd, now, .type = 1, .release_id = now);
}

/* The host is quick: it has answered before the guest's call returns, by more than the clock's
 * error. The call began before that, and is of that time. */
static void answered_before_it_returns(void **state)
{
    json_t *o;
    (void)state;

    begin();
    PUT(spice, oom_begin, now, .drawables = 9);
    PUT(spice, flush_resources, now + 10 * US, .flushed = 1);
    PUT(spice, oom_end, now + 15 * US, .drawables = 8);
    PUT_AS(guest, PLAYER, guest_oom, now + 30 * US, .took = 130 * US);
    PUT_AS(guest, PLAYER, guest_bo, now + 2 * MS, .domain = RAM, .size = 5000000, .took = 3 * MS);
    command_comes(10 * MS);
    end(US);
    o = told();
    says(o, "In 1 of these episodes the guest asked for memory in ram", true);
    says(first(o, "episodes"), "The guest was asking for 5.0 MB in ram.", true);
    json_decref(o);
}

static void deletes(void **state)
{
    json_t *o;
    (void)state;

    begin();
    ran_out(KERNEL);
    PUT_AS(guest, KERNEL, guest_delete, now + 2 * MS, .domain = RAM, .size = 4096, .took = 3 * MS);
    command_comes(10 * MS);
    now += SECOND;
    ran_out(PLAYER);
    PUT_AS(guest, PLAYER, guest_bo, now + 2 * MS, .domain = VRAM, .size = 5000000, .took = 3 * MS);
    command_comes(10 * MS);
    end(100 * US);
    o = told();
    assert_int_equal(json_array_size(json_object_get(o, "episodes")), 2);
    assert_int_equal(number(first(o, "episodes"), "deletes"), 1);
    says(first(o, "episodes"), "A false alarm: the guest's kernel waited 1 time to free old images",
         true);
    says(first(o, "episodes"), "nothing in the guest asked for memory", true);
    says(json_array_get(json_object_get(o, "episodes"), 1), "\"deletes\":0", true);
    says(json_array_get(json_object_get(o, "episodes"), 1), "asking for 5.0 MB in vram", true);
    says(o, "1 of 2 was a false alarm: the guest's kernel was freeing old images", true);
    says(o, "In 1 of these episodes the guest asked for memory in vram", true);
    json_decref(o);
    assert_int_equal(behind("e1.8", "guest_delete"), 1);
    assert_int_equal(behind("e0.8", "guest_delete"), 1);
    assert_int_equal(behind("e2.7", "guest_bo"), 1);
    assert_int_equal(behind("e0.5", "guest_bo"), 1);
}

/* Two times 20 ms apart, and one call: with a clock known to 100 us it belongs to the second, with
 * one known to 50 ms to either. */
static void call_between_two(uint64_t error)
{
    begin();
    PUT(spice, oom_begin, now, .drawables = 9);
    PUT(spice, oom_end, now + 500 * US, .drawables = 8);
    command_comes(10 * MS);
    now += 10 * MS;
    ran_out(PLAYER);
    PUT_AS(guest, PLAYER, guest_bo, now + 2 * MS, .domain = RAM, .size = 5000000, .took = 3 * MS);
    command_comes(10 * MS);
    end(error);
}

static void which_of_two(void **state)
{
    json_t *o;
    (void)state;

    call_between_two(100 * US);
    o = told();
    says(first(o, "episodes"), "asking for", false);
    says(json_array_get(json_object_get(o, "episodes"), 1), "asking for 5.0 MB in ram", true);
    says(o, "nearer in time", false);
    json_decref(o);
    call_between_two(50 * MS);
    o = told();
    says(o, "asking for 5.0 MB", false);
    says(first(o, "episodes"), "nearer in time than the guest's clock is known (50 ms)", true);
    says(first(o, "episodes"), "\"inconclusive\":true", true);
    says(o, "What the guest did in 2 of these episodes is unknown", true);
    json_decref(o);
}

/* An agent that cannot tell of its calls: what lies within the wait by more than the error counts.
 */
static void without_calls(void **state)
{
    static const uint64_t errors[] = {100 * US, 50 * MS};
    (void)state;

    for (int i = 0; i < 2; i++) {
        json_t *o;

        begin();
        PUT(spice, oom_begin, now, .drawables = 9);
        PUT(spice, oom_end, now + 500 * US, .drawables = 8);
        PUT_AS(guest, PLAYER, guest_bo, now + 2 * MS, .domain = RAM, .size = 5000000,
               .took = 3 * MS);
        command_comes(10 * MS);
        end(errors[i]);
        o = told();
        says(first(o, "episodes"), "asking for 5.0 MB in ram", i == 0);
        says(first(o, "episodes"), "\"inconclusive\":true", i == 1);
        json_decref(o);
    }
}

/* ---- what a stream's end rests on -------------------------------------------------------------
 */

/* A stream's last frame, a guest that waits from 100 ms on for so long, the end after 1010 ms; with
 * as many events of another display, which are none of its business. */
static void ends(uint64_t waits, uint64_t error)
{
    begin();
    PUT(spice, stream_create, now, .stream = 3, .box = {100, 100, 420, 340}, .fps = 25);
    PUT(spice, stream_create, now + 10, .display = 1, .stream = 3, .box = {100, 100, 420, 340});
    PUT_AS(guest, PLAYER, guest_wait_begin, now + 100 * MS, .release_id = 1);
    for (unsigned i = 0; i < 5; i++)
        PUT(spice, ring_empty, now + 200 * MS + i, .display = i % 2);
    PUT(spice, cmd, now + 300 * MS, .display = 1, .type = 1);
    PUT_AS(guest, PLAYER, guest_wait_end, now + 100 * MS + waits, .release_id = 1);
    PUT(spice, stream_stop, now + 1010 * MS, .stream = 3, .frames = 9, .idle = 1010 * MS);
    end(error);
}

static void clock_of_the_guest(void **state)
{
    static const struct {
        uint64_t waits, error;
        const char *cause, *words;
    } cases[] = {
        {600 * MS, 1 * MS, "\"cause\":\"guest_waited\"", "the guest waited for memory for 600 ms"},
        {600 * MS, 100 * MS, "\"cause\":\"inconclusive\"",
         "its clock (known to 100 ms) does not show"},
        {450 * MS, 100 * MS, "\"cause\":\"inconclusive\"", "\"doubt\":\"clock\""},
        {200 * MS, 1 * MS, "\"cause\":\"guest_idle\"", "2 other"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        json_t *o;

        ends(cases[i].waits, cases[i].error);
        o = told();
        says(first(o, "streams"), cases[i].cause, true);
        if (i < 3)
            says(first(o, "streams"), cases[i].words, true);
        assert_int_equal(number(o, "displays"), 2);
        json_decref(o);
    }
    /* Its stop, its last frame, and three times that its own display's ring was empty. */
    assert_int_equal(behind("s1.3", "\"display\":0"), 5);
    assert_int_equal(behind("s2.3", "\"display\":1"), 1);
    ends(600 * MS, 1 * MS);
    assert_int_equal(behind("s1.3", NULL), 4); /* stop, last frame, wait's begin and end */
}

/* ---- tables that are full ---------------------------------------------------------------------
 */

static json_int_t overflow(const json_t *o, const char *key)
{
    return number(json_object_get(o, "overflow"), key);
}

static void redraw(unsigned display, int32_t x, int32_t width, int32_t height)
{
    static uint64_t drawable;

    drawable += 16;
    PUT(spice, draw, now, .display = display, .drawable = drawable, .release_id = drawable,
        .type = 3, .effect = 1, .box = {x, 0, x + width, height}, .src_width = width,
        .src_height = height, .created = now);
}

static void too_many(void **state)
{
    json_t *o;
    (void)state;

    begin();
    for (unsigned i = 0; i < MODEL_STREAMS + 4; i++) {
        now += MS;
        PUT(spice, stream_create, now, .stream = i % 8, .box = {0, 0, 100, 100});
        PUT(spice, stream_stop, now + 10, .stream = i % 8, .reason = 1, .frames = 1);
    }
    for (unsigned i = 0; i < MODEL_EPISODES + 9; i++) {
        now += MS;
        PUT(spice, oom_begin, now, .drawables = 9);
        PUT(spice, oom_end, now + 10, .drawables = 9);
        command_comes(20);
    }
    for (unsigned i = 0; i < 15 * (MODEL_REGIONS + 3); i++) {
        now += 3 * MS;
        redraw(0, (int32_t)(i % (MODEL_REGIONS + 3)) * 100, 98, 98);
    }
    for (unsigned i = 0; i < MODEL_DISPLAYS + 2; i++)
        redraw(i, 0, 10, 10);
    end(0);
    o = told();
    assert_int_equal(overflow(o, "streams"), 4);
    assert_int_equal(overflow(o, "episodes"), 9);
    assert_int_equal(overflow(o, "regions"), 3);
    assert_int_equal(overflow(o, "display_events"), 2);
    assert_int_equal(overflow(o, "running_streams"), 0);
    assert_int_equal(json_array_size(json_object_get(o, "streams")), MODEL_STREAMS);
    assert_int_equal(json_array_size(json_object_get(o, "episodes")), MODEL_EPISODES);
    says(o, "The 4 later ones are in these counts alone", true);
    says(o, "The 9 later ones are in the counts", true);
    says(o, "3 places did not fit the table", true);
    says(o, "Only the first 16 displays are followed. Inconclusive beyond them: 2 events", true);
    says(json_object_get(o, "hypotheses"), "\"refuted\"", false);
    json_decref(o);
    assert_int_equal(RUN(cmd_explain, folder), EXIT_DONE);
}

/* A redraw with more comparisons than are held until its fate is decided. */
static void too_much_evidence(void **state)
{
    char *text;
    (void)state;

    begin();
    for (unsigned i = 0; i < 30; i++, now += 100 * MS)
        redraw(0, 0, 200, 200);
    PUT(spice, draw, now, .drawable = 7, .box = {0, 0, 200, 200}, .created = now);
    for (unsigned i = 0; i < 1024; i++)
        PUT(spice, match, now += US, .against = MATCH_AGAINST_trace, .drawable = 7);
    end(0);
    assert_int_equal(RUN(cmd_explain, folder, "--events", "r1.1"), EXIT_DONE);
    text = fake_text("err");
    assert_non_null(strstr(text, "; 1 are missing here"));
    free(text);
}

/* Tables without a sentence of their own are in the text too, and only if something did not fit. */
static void left_out_in_the_text(void **state)
{
    char *text;
    (void)state;

    for (unsigned more = 0; more < 2; more++) {
        begin();
        for (unsigned i = 0; i < 50 + 3 * more; i++)
            PUT(spice, stream_create, now += US, .stream = i, .box = {0, 0, 200, 200});
        redraw(0, 0, 200, 200);
        end(0);
        assert_int_equal(RUN(cmd_explain, folder), EXIT_DONE);
        text = fake_text("out");
        assert_int_equal(strstr(text, "covered by one drawing: 3") != NULL, more);
        assert_int_equal(strstr(text, "Left out") != NULL, more);
        free(text);
    }
}

static void nothing_left_out(void **state)
{
    static const char *const keys[] = {"display_events", "streams", "running_streams", "episodes",
                                       "regions",        "boxes",   "freezes"};
    json_t *o;
    (void)state;

    begin();
    redraw(0, 0, 10, 10);
    end(0);
    o = told();
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        assert_int_equal(overflow(o, keys[i]), 0);
    says(o, "nconclusive beyond", false);
    json_decref(o);
}

/* ---- the clip -----------------------------------------------------------------------------------
 */

/* For a minute: a big slow clip; for half of it a terminal that scrolls fast and draws as much. */
static void clip_and_terminal(void)
{
    begin();
    for (unsigned i = 0; i < 60 * 15; i++) {
        now += SECOND / 15;
        if (i % 5 == 0)
            redraw(0, 50, 1024, 768);
        if (i % 60 < 30)
            redraw(0, 1200, 900, 700);
    }
    end(0);
}

static void says_clip(int32_t left, const char *why)
{
    json_t *o = told();
    const json_t *clip = json_object_get(o, "clip");

    assert_int_equal(json_integer_value(json_array_get(json_object_get(clip, "box"), 0)), left);
    says(clip, why, true);
    says(o, "The clip is", true);
    json_decref(o);
}

/* whatif chooses the same; these draws have no decisions, so that it foretells nothing of it. */
static void whatif_says(const char *box, const char *why)
{
    char *text;

    assert_int_equal(RUN(cmd_whatif, folder), EXIT_PART);
    assert_int_equal(RUN(cmd_whatif, folder, "--json"), EXIT_PART);
    text = fake_text("out");
    json_t *o = json_loads(text, 0, NULL);
    says(json_object_get(o, "clip"), box, true);
    says(json_object_get(o, "clip"), why, true);
    json_decref(o);
    free(text);
}

static void the_clip(void **state)
{
    char path[PATH_MAX + 32];
    static const char summary[] = "{\"clip\":{\"numbered\":true,\"region\":[1200,0,2100,700]}}",
                      unread[] = "{\"clip\":{\"numbered\":false,\"region\":[1200,0,2100,700]}}",
                      inside[] = "{\"clip\":{\"numbered\":true,\"region\":[1300,100,1400,200]}}",
                      elsewhere[] = "{\"clip\":{\"numbered\":true,\"region\":[1,2,3,4]}}";
    (void)state;

    clip_and_terminal();
    says_clip(50, "most pixels times time");
    whatif_says("[50,0,1074,768]", "most pixels times time");
    snprintf(path, sizeof(path), "%s/client.json", folder);
    fake_store(path, unread, strlen(unread));
    says_clip(50, "most pixels times time");
    fake_store(path, elsewhere, strlen(elsewhere));
    says_clip(50, "most pixels times time");
    fake_store(path, inside, strlen(inside));
    says_clip(1200, "nothing smaller was drawn there");
    whatif_says("[1200,0,2100,700]", "nothing smaller was drawn there");
    fake_store(path, summary, strlen(summary));
    says_clip(1200, "the client read");
    whatif_says("[1200,0,2100,700]", "the client read");
}

/* A display that draws the clip in two halves, of which one is a stream, and a terminal beside it.
 * Only the halves count, by their pixels; without the client it would be the terminal or a half. */
static void the_clip_in_pieces(void **state)
{
    static const char summary[] = "{\"clip\":{\"numbered\":true,\"region\":[0,0,400,100]}}",
                      forged[] = "{\"clip\":{\"numbered\":true,\"region\":[-2147483648,"
                                 "-2147483648,2147483647,2147483647]}}";
    char path[PATH_MAX + 32];
    json_t *o;
    (void)state;

    begin();
    for (int i = 0; i < 40; i++) {
        now += 40 * MS;
        PUT(spice, draw, now, .display = 0, .drawable = 64, .release_id = 1,
            .box = {0, 0, 100, 100}, .verdict = 0, .created = now);
        PUT(spice, stream_attach, now, .display = 0, .stream = 1, .drawable = 64,
            .box = {0, 0, 100, 100});
        PUT(spice, draw, now + MS, .display = 0, .drawable = 128, .release_id = 2,
            .box = {100, 0, 400, 100}, .verdict = 7, .created = now);
        PUT(spice, draw, now + 2 * MS, .display = 0, .drawable = 192, .release_id = 3,
            .box = {500, 0, 900, 400}, .verdict = 7, .created = now);
    }
    PUT_AS(client, 1, client_clip, now, .number = 1, .since = 0);
    for (int i = 1; i <= 4; i++) /* two halves, a terminal, the half that ends it */
        PUT_AS(client, 1, client_picture, now + i * 250 * MS,
               .box = {i == 3 ? 500 : 0, 0, i == 3 ? 900 : 100, 100});
    PUT_AS(client, 1, client_clip, now + SECOND, .number = 2, .since = SECOND);
    now += 2 * SECOND;
    end(US);
    snprintf(path, sizeof(path), "%s/client.json", folder);
    fake_store(path, summary, strlen(summary));
    o = told();
    says(o, "read the clip's frame numbers in 400x100 at (0, 0)", true);
    says(o, "25% of their pixels were sent as video", true);
    says(o, "It stood still for 500 ms or longer 1 time, 1.00 s at the longest. In 1 of these",
         true);
    says(o, "the clip's number at the client had stood still for 1.00 s", true);
    says(o, "The client drew 2 times in the clip's place meanwhile", true);
    assert_int_equal(number(first(o, "freezes"), "drawn"), 2);
    json_decref(o);
    /* a forged summary and a forged draw: more pixels than fit 63 bits */
    begin();
    PUT(spice, draw, now, .display = 0, .drawable = 64, .release_id = 1,
        .box = {INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX - 1}, .created = now);
    end(US);
    fake_store(path, forged, strlen(forged));
    json_decref(told());
}

/* A display that draws its whole screen for each frame, and most of it is text: no client's box was
 * drawn, nor a part of it. A box beside it has no clip in it. */
static void the_clip_in_the_whole_screen(void **state)
{
    static const char summary[] = "{\"clip\":{\"numbered\":true,\"region\":[100,100,500,400]}}";
    char path[PATH_MAX + 32];
    json_t *o;
    (void)state;

    begin();
    for (int i = 0; i < 100; i++) {
        now += 40 * MS;
        PUT(spice, draw, now, .display = 0, .drawable = 64, .release_id = 1,
            .box = {0, 0, 1000, 800}, .verdict = 0, .created = now);
        PUT(spice, frame, now + US, .drawable = 64, .frames = i + 1, .gradual_frames = 0,
            .graduality = GRADUALITY_low);
        PUT(spice, draw, now + MS, .display = 0, .drawable = 128, .release_id = 2,
            .box = {1000, 0, 1900, 900}, .verdict = 7, .created = now);
    }
    PUT_AS(client, 1, client_clip, now, .number = 1, .since = 0);
    now += SECOND;
    end(US);
    snprintf(path, sizeof(path), "%s/client.json", folder);
    fake_store(path, summary, strlen(summary));
    o = told();
    says(json_object_get(o, "clip"), "[0,0,1000,800]", true);
    says(json_object_get(o, "clip"), "nothing smaller was drawn there", true);
    assert_false(json_is_true(json_object_get(json_object_get(o, "clip"), "told_by_client")));
    says(o, "The clip is part of r1, 1000x800 at (0, 0)", true);
    says(o, "The clip (part of a larger box), 1000x800 at (0, 0), was sent as single pictures",
         true);
    says(o, "too few of them look like a natural picture", true);
    says(o, "<streaming mode='all'/>", true);
    json_decref(o);
}

/* ---- the client's freezes
 * ------------------------------------------------------------------------ */

/* 40 pictures of the clip's place 100 ms apart, each redrawn before. */
static void pictures(bool numbered)
{
    for (int i = 0; i < 40; i++) {
        redraw(0, 50, 1024, 768);
        PUT_AS(client, 1, client_clip, now + 10 * MS, .number = numbered ? i : -1,
               .since = i ? 100 * MS : 0);
        now += 100 * MS;
    }
}

/* 40 pictures 100 ms apart, and one 800 ms after: meanwhile the guest drew three, the first 100 ms
 * of it the worker was held up; in a second run some events were lost besides. */
static void freezes(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        const json_t *z;
        json_t *o;

        begin();
        pictures(true);
        now += 10 * MS;
        PUT(spice, blocked, now, .pipe = 51);
        PUT(spice, cmd, now + 100 * MS, .type = 1);
        if (lost)
            assert_int_equal(tap_write_loss(spice, now + 150 * MS, 3, LOSS_REASON_ring_full), 0);
        for (int i = 0; i < 3; i++) {
            now += 200 * MS;
            redraw(0, 50, 1024, 768);
        }
        PUT_AS(client, 1, client_clip, now + 100 * MS, .number = 41, .since = 800 * MS);
        redraw(0, 0, 10, 10);
        end(0);
        o = told();
        z = first(o, "freezes");
        assert_int_equal(json_array_size(json_object_get(o, "freezes")), 1);
        assert_int_equal(number(z, "to") - number(z, "from"), 800 * MS);
        assert_int_equal(number(z, "redraws"), 3);
        assert_int_equal(number(z, "blocked_ns"), 100 * MS);
        assert_true(json_is_true(json_object_get(z, "inconclusive")) == (lost == 1));
        says(o, "the client's picture of the clip had stood still for 800 ms", true);
        says(o, "in the clip's place meanwhile", false);
        assert_int_equal(number(z, "drawn"), 0);
        says(o, "Inconclusive: events were lost here.", lost == 1);
        json_decref(o);
    }
}

/* 70 freezes of 600 ms, one of 5 s, one of 900 ms: the two are told, the longest first. */
static void the_longest_freezes(void **state)
{
    const json_t *list;
    json_t *o;
    (void)state;

    begin();
    redraw(0, 50, 1024, 768);
    PUT_AS(client, 1, client_clip, now, .number = 0, .since = 0);
    for (int i = 1; i <= 72; i++) {
        uint64_t length = i == 71 ? 5 * SECOND : i == 72 ? 900 * MS : 600 * MS;

        now += length;
        PUT_AS(client, 1, client_clip, now, .number = i, .since = length);
    }
    redraw(0, 0, 10, 10);
    end(0);
    o = told();
    list = json_object_get(o, "freezes");
    assert_int_equal(json_array_size(list), 64);
    for (size_t i = 0; i < 64; i++) {
        const json_t *z = json_array_get(list, i);

        assert_int_equal(number(z, "to") - number(z, "from"), i == 0   ? 5 * SECOND
                                                              : i == 1 ? 900 * MS
                                                                       : 600 * MS);
    }
    assert_int_equal(number(json_object_get(o, "overflow"), "freezes"), 8);
    says(o, "stood still for 500 ms or longer 72 times, 5.00 s at the longest", true);
    json_decref(o);
}

/* What stands in the clip's place has no frame number: it is not called the clip, and what the
 * guest drew of it is not told. */
static void freeze_without_a_clip(void **state)
{
    const json_t *z;
    json_t *o;
    (void)state;

    begin();
    pictures(false);
    PUT_AS(client, 1, client_clip, now + 710 * MS, .number = -1, .since = 800 * MS);
    now += 800 * MS;
    redraw(0, 0, 10, 10);
    end(0);
    o = told();
    z = first(o, "freezes");
    assert_int_equal(number(z, "to") - number(z, "from"), 800 * MS);
    assert_null(json_object_get(z, "redraws"));
    says(o, "The client showed 41 pictures in the clip's place. They stood still", true);
    says(o, "The client read no frame number there: it need not be a clip.", true);
    says(o,
         "picture in the clip's place had stood still for 800 ms. Whether the guest drew there is "
         "unknown.",
         true);
    json_decref(o);
}

static double compared(const char *column)
{
    char *text;
    json_t *o;
    double d;

    assert_int_equal(RUN(cmd_compare, folder, "--format", "json"), EXIT_DONE);
    text = fake_text("out");
    o = json_loads(text, 0, NULL);
    free(text);
    d = json_number_value(json_object_get(json_object_get(json_array_get(o, 0), column), "median"));
    json_decref(o);
    return d;
}

/* A window was dragged about in the place, then the clip began; then another client came. */
static void pictures_of_another(void **state)
{
    json_t *o;
    (void)state;

    begin();
    pictures(false);
    for (int i = 1; i <= 5; i++) {
        now += i == 1 ? 700 * MS : 300 * MS;
        redraw(0, 50, 1024, 768);
        PUT_AS(client, 1, client_clip, now, .number = i, .since = i == 1 ? 790 * MS : 300 * MS);
    }
    PUT_AS(client, 1, client_clip, now + 10 * MS, .number = -1, .since = 0);
    PUT_AS(client, 1, client_clip, now + 20 * MS, .number = -1, .since = 10 * MS);
    redraw(0, 0, 10, 10);
    end(0);
    o = told();
    says(o, "The client showed 5 pictures of the clip. It stood still for 500 ms or longer 0 times",
         true);
    assert_true(compared("interval_median") > 295 && compared("interval_median") < 305);
    assert_true(compared("longest_freeze") < 0.305);
    json_decref(o);
}

/* Ten presses: nine answers of 81 to 89 ms, and none to the last. Without presses explain is
 * silent. */
static void keys(void **state)
{
    (void)state;
    for (int pressed = 0; pressed < 2; pressed++) {
        json_t *o;

        begin();
        pictures(true);
        for (uint32_t i = 1; pressed && i <= 10; i++) {
            int64_t took = i == 10 ? SECOND : (80 + i) * MS;

            PUT_AS(client, 1, client_key, now, .number = i, .scancode = 0x39);
            PUT_AS(client, 1, client_answer, now += (uint64_t)took, .number = i, .took = took,
                   .answered = i < 10);
        }
        redraw(0, 0, 10, 10);
        end(0);
        o = told();
        says(o, "Of 10 key presses the picture answered 9: after 85", pressed);
        says(o, "the longest 89 ms. 1 had no answer in time.", pressed);
        says(o, "key press", pressed);
        json_decref(o);
        assert_true(!pressed || (compared("press_median") > 84 && compared("press_median") < 86));
        assert_true(!pressed || compared("press_unanswered") == 1);
    }
}

/* A second of the clip, 25 frames. The right bar is 10 ms behind the others: a fourth of the time
 * the picture is torn. Then the clip's window is closed: what was there does not grow older. */
static void behind_and_torn(void **state)
{
    for (int bars = 0; bars < 2; bars++) {
        json_t *o;
        (void)state;

        begin();
        for (int i = 0; i < 250; i++) {
            redraw(0, 50, 1024, 768);
            for (unsigned bar = 0; bars && bar < 3; bar++)
                PUT_AS(client, 1, client_bar, now + (bar == 2 ? 10 * MS : 0), .bar = bar,
                       .number = (900 + i) % 1000);
            PUT_AS(client, 1, client_clip, now + 10 * MS, .number = (900 + i) % 1000,
                   .since = i ? 40 * MS : 0);
            now += 40 * MS;
        }
        for (unsigned bar = 0; bars && bar < 3; bar++)
            PUT_AS(client, 1, client_bar, now, .bar = bar, .number = -1);
        now += 300 * SECOND;
        redraw(0, 0, 10, 10);
        end(0);
        o = told();
        says(o, " ms behind the clip's own schedule in the median", bars);
        says(o, "Parts of it showed different frames for 2.49 s of 10.00 s.", bars);
        if (bars) {
            assert_true(compared("age_median") > 15 && compared("age_median") < 25);
            assert_true(compared("age_p95") > 30 && compared("age_p95") < 42);
            assert_true(compared("torn") > 24.5 && compared("torn") < 25.5);
        } else { /* a log of before has no client_bar: unknown is not 0 */
            assert_true(compared("torn") == 0 && compared("age_p95") == 0);
        }
        json_decref(o);
    }
}

/* A client that lost nothing is told to play later: 2 s after a frame is there in place of 400 ms.
 * The picture stands still for that difference, and for nothing else. By 100 ms it says nothing of
 * it. */
static void put_off(void **state)
{
    (void)state;
    for (int64_t later = 100; later <= 1600; later += 1500) {
        json_t *o;

        begin();
        for (int i = 0; i < 40; i++) {
            redraw(0, 50, 1024, 768);
            PUT_AS(client, 1, client_frame, now + 5 * MS, .stream = 1, .wait = 400 * MS);
            PUT_AS(client, 1, client_clip, now + 10 * MS, .number = i, .since = i ? 100 * MS : 0);
            now += 100 * MS;
        }
        PUT_AS(client, 1, client_frame, now, .stream = 1, .wait = (400 + later) * MS);
        now += 10 * MS + 1600 * MS;
        PUT_AS(client, 1, client_clip, now, .number = 41, .since = 1700 * MS);
        redraw(0, 0, 10, 10);
        end(0);
        o = told();
        assert_int_equal(number(first(o, "freezes"), "put_off_ns"), later * MS);
        assert_true(compared("put_off") == (double)(400 + later) / 1000);
        says(o, "had stood still for 1.70 s", true);
        says(o, "were shown 400 ms after they came when that began, and 2.00 s after at its end",
             later == 1600);
        says(o, "that alone holds the picture for 1.60 s", later == 1600);
        if (later == 1600) { /* the frames that show it are listed with the rest */
            char *text;

            assert_int_equal(RUN(cmd_explain, folder, "--events", "t0.10"), EXIT_DONE);
            text = fake_text("out");
            assert_non_null(strstr(text, "client_frame"));
            free(text);
        }
        json_decref(o);
    }
}

/* No frame of video came before the freeze: how late one was shown then is not known, and is not 0.
 */
static void put_off_from_unknown(void **state)
{
    json_t *o;
    (void)state;

    begin();
    redraw(0, 50, 1024, 768);
    PUT_AS(client, 1, client_clip, now, .number = 1, .since = 0);
    PUT_AS(client, 1, client_frame, now + 100 * MS, .stream = 1, .wait = 900 * MS);
    now += SECOND;
    PUT_AS(client, 1, client_clip, now, .number = 2, .since = SECOND);
    redraw(0, 0, 10, 10);
    end(0);
    o = told();
    assert_int_equal(number(first(o, "freezes"), "put_off_ns"), 0);
    says(o, "had stood still for 1.00 s", true);
    says(o, "after they came when that began", false);
    json_decref(o);
}

/* ---- what the server held ----------------------------------------------------------------------
 */

static void draw_held(uint64_t drawable, int width, int height)
{
    now += MS;
    PUT(spice, draw, now, .display = 0, .drawable = drawable, .release_id = drawable,
        .src_width = width, .src_height = height);
}

/* 100 drawables of 100x250 pixels, 40 of them handed back, one address used again: 60 x 100 kB */
static void held_by_the_server(void **state)
{
    json_t *o;
    (void)state;

    begin();
    for (uint64_t i = 1; i <= 100; i++)
        draw_held(i * 64, 100, 250);
    for (uint64_t i = 1; i <= 40; i++)
        PUT(spice, release, ++now, .display = 0, .drawable = i * 64, .release_id = i * 64);
    draw_held(100 * 64, 100, 250);
    draw_held(200 * 64, 0, 0); /* a fill has no picture */
    ran_out(KERNEL);
    command_comes(10 * MS);
    end(US);
    o = told();
    says(o, "held 9.0 drawings on average, with at least 6.0 MB", true);
    assert_int_equal(behind("e0.13", "oom_begin"), 1);
    json_decref(o);
}

/* Of what was drawn before a loss it is not known whether it is still held. */
static void held_after_a_loss(void **state)
{
    json_t *o;
    (void)state;

    begin();
    for (uint64_t i = 1; i <= 50; i++)
        draw_held(i * 64, 100, 250);
    assert_int_equal(tap_write_loss(spice, ++now, 3, LOSS_REASON_ring_full), 0);
    draw_held(51 * 64, 100, 250);
    ran_out(KERNEL);
    command_comes(10 * MS);
    end(US);
    o = told();
    says(o, "with at least 100.0 kB", true);
    json_decref(o);
}

/* More than the table takes is said, and nothing is overrun. */
static void held_beyond_the_table(void **state)
{
    json_t *o;
    (void)state;

    begin();
    for (uint64_t i = 1; i <= 10000; i++)
        draw_held(i * 160, 10, 10);
    ran_out(KERNEL);
    command_comes(10 * MS);
    end(US);
    o = told();
    says(o, "1808 drawings are not in these bytes", true);
    json_decref(o);
}

/* A call while the server is busy with the one before is dropped, and the guest waits long. */
static void dropped_call(void **state)
{
    json_t *o;
    (void)state;

    begin();
    PUT_AS(guest, PLAYER, guest_wait_begin, now - 100 * US, .release_id = 17);
    PUT(qemu, qxl_spice_oom, now - 20 * US, .qid = 0);
    ran_out(PLAYER);
    PUT(qemu, qxl_spice_oom, now + 600 * US, .qid = 0); /* after oom_end: not dropped */
    now += SECOND;
    PUT(spice, oom_begin, now, .drawables = 9);
    PUT(qemu, qxl_spice_oom, now + 50 * US, .qid = 0);
    PUT(spice, flush_resources, now + 100 * US, .flushed = 13);
    PUT(spice, oom_end, now + 500 * US, .drawables = 9);
    now += 15 * SECOND;
    PUT_AS(guest, PLAYER, guest_wait_end, now, .release_id = 17, .took = 16 * SECOND);
    command_comes(10 * MS);
    end(US);
    o = told();
    says(o, "The longest wait took 16.00 s and ended at 16.000 s", true);
    says(o, "1 call for memory came while the server was still answering", true);
    assert_int_equal(behind("e0.15", "qxl_spice_oom"), 1);
    json_decref(o);
}

/* A stream that ends just after the recording began: what kept its frames back was not seen. If its
 * screen went, that is known. */
static void ended_by_what_came_before(void **state)
{
    static const char *const causes[] = {"inconclusive", "surface_gone"};
    (void)state;

    for (unsigned i = 0; i < 2; i++) {
        json_t *o;

        begin();
        PUT(spice, ring_empty, now, .display = 0);
        PUT(spice, stream_stop, now + 900 * MS, .display = 0, .stream = 3, .reason = i,
            .age = 5 * SECOND, .idle = SECOND, .frames = 50);
        end(US);
        o = told();
        assert_string_equal(json_string_value(json_object_get(first(o, "streams"), "cause")),
                            causes[i]);
        says(o, "came before the recording began", !i);
        json_decref(o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answered_before_it_returns),
        cmocka_unit_test(deletes),
        cmocka_unit_test(which_of_two),
        cmocka_unit_test(without_calls),
        cmocka_unit_test(clock_of_the_guest),
        cmocka_unit_test(too_many),
        cmocka_unit_test(too_much_evidence),
        cmocka_unit_test(left_out_in_the_text),
        cmocka_unit_test(nothing_left_out),
        cmocka_unit_test(the_clip),
        cmocka_unit_test(the_clip_in_pieces),
        cmocka_unit_test(the_clip_in_the_whole_screen),
        cmocka_unit_test(pictures_of_another),
        cmocka_unit_test(freezes),
        cmocka_unit_test(the_longest_freezes),
        cmocka_unit_test(behind_and_torn),
        cmocka_unit_test(freeze_without_a_clip),
        cmocka_unit_test(put_off),
        cmocka_unit_test(keys),
        cmocka_unit_test(put_off_from_unknown),
        cmocka_unit_test(held_by_the_server),
        cmocka_unit_test(held_after_a_loss),
        cmocka_unit_test(held_beyond_the_table),
        cmocka_unit_test(ended_by_what_came_before),
        cmocka_unit_test(dropped_call),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
