/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings: what a rule may conclude, that a sentence adds nothing to its finding, and In short. */
#include <ctype.h>

#include "cmd/commands.h"
#include "fake.h"
#include "explain/explain.h"
#include "report/sentence.h"
#include "run/input.h"

#define MS     1000000ull
#define SECOND (1000 * MS)

static const int32_t clip_box[4] = {100, 100, 420, 340};
static struct tap_writer *spice, *qemu, *client, *guest; /* guest: NULL if there is none */
static char folder[PATH_MAX];
static uint64_t now, drawable;

static struct tap_writer *log_of(const char *name, enum tap_source source)
{
    char path[PATH_MAX + 32];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return fake_log(path, source);
}

static void begin(void)
{
    char command[2 * PATH_MAX + 32];

    snprintf(folder, sizeof(folder), "%s", fake_path("run"));
    snprintf(command, sizeof(command), "rm -rf '%s' && mkdir '%s'", folder, folder);
    assert_int_equal(system(command), 0);
    spice = log_of("spice.tap", SOURCE_SPICE);
    qemu = log_of("qemu.tap", SOURCE_QEMU);
    client = log_of("client.tap", SOURCE_CLIENT);
    guest = NULL;
    now = 5 * SECOND;
    drawable = 0x1000;
}

/* `more`: further members of run.json. */
static void end(const char *more)
{
    static const char clocks[] =
        ",\"clocks\":[{\"log\":\"guest.tap\",\"pairs\":9,\"rejected\":0,\"violations\":0,"
        "\"segments\":[{\"guest_from\":1,\"guest_to\":900000000000,\"guest_at\":1,\"host_at\":1,"
        "\"drift_ppb\":0,\"error_ns\":1000,\"pairs\":9,\"method\":\"io\",\"jump\":false}]}]";
    char text[1024];

    if (guest)
        assert_int_equal(tap_writer_close(guest), 0);
    assert_int_equal(tap_writer_close(spice), 0);
    assert_int_equal(tap_writer_close(qemu), 0);
    assert_int_equal(tap_writer_close(client), 0);
    snprintf(text, sizeof(text),
             "{\"format\":{\"major\":1,\"minor\":0},\"state\":\"complete\",\"logs\":[\"spice.tap\","
             "\"qemu.tap\",\"client.tap\"%s]%s%s}",
             guest ? ",\"guest.tap\"" : "", guest ? clocks : "", more);
    strcat(folder, "/run.json");
    fake_store(folder, text, strlen(text));
    *strrchr(folder, '/') = '\0';
}

static struct tap_rect rect(const int32_t *box)
{
    return (struct tap_rect){box[0], box[1], box[2], box[3]};
}

/* One drawing of that box, without what the server decides of it. */
static void draw(const int32_t *box, int verdict)
{
    drawable += 16;
    PUT(spice, cmd, now - 1000, .type = 1, .release_id = drawable);
    PUT(spice, draw, now, .drawable = drawable, .release_id = drawable, .type = 3, .effect = 1,
        .box = rect(box), .src_width = box[2] - box[0], .src_height = box[3] - box[1],
        .verdict = (uint64_t)verdict, .created = now);
}

/* A frame of stream 3, which begins with the first. */
static void frame(bool first)
{
    now += 40 * MS;
    draw(clip_box, 0);
    if (first)
        PUT(spice, stream_create, now + 20, .stream = 3, .drawable = drawable,
            .box = rect(clip_box), .fps = 25, .frames = 20);
    else
        PUT(spice, stream_attach, now + 20, .stream = 3, .drawable = drawable, .since = 40 * MS,
            .box = rect(clip_box));
}

static void video(int frames)
{
    for (int i = 0; i < frames; i++)
        frame(i == 0);
}

static void caught_up(void)
{
    PUT(spice, ring_empty, now + 5 * MS, .display = 0);
}

static void stop(uint64_t after)
{
    now += after;
    PUT(spice, stream_stop, now, .stream = 3, .frames = 31, .age = (int64_t)(2 * SECOND),
        .idle = (int64_t)after);
}

static json_t *explained(void)
{
    char *text;
    json_t *o;

    assert_int_equal(RUN(cmd_explain, folder, "--json"), EXIT_DONE);
    text = fake_text("out");
    o = json_loads(text, 0, NULL);
    if (!o)
        fail_msg("not JSON: %s", text);
    free(text);
    return o;
}

static const char *word(const json_t *o, const char *list, size_t at, const char *key)
{
    return json_string_value(json_object_get(json_array_get(json_object_get(o, list), at), key));
}

static char *page(const char *option)
{
    assert_int_equal(option ? RUN(cmd_explain, folder, option) : RUN(cmd_explain, folder),
                     EXIT_DONE);
    return fake_text("out");
}

static void page_has(const char *words, bool yes)
{
    char *text = page(NULL), *p = text, *q = text;

    for (; *p; p++) /* as one line */
        if (!isspace((unsigned char)*p))
            *q++ = *p;
        else if (q > text && q[-1] != ' ')
            *q++ = ' ';
    *q = '\0';
    if (!strstr(text, words) == yes)
        fail_msg("%s \"%s\" in %s", yes ? "no" : "there is", words, text);
    free(text);
}

/* ---- no absence without presence ---- */

/* Nothing shows that the server had read all the guest's commands. */
static void idle_needs_an_empty_ring(void **state)
{
    (void)state;
    for (int empty = 0; empty < 2; empty++) {
        json_t *o;

        begin();
        video(30);
        if (empty)
            caught_up();
        stop(1010 * MS);
        end("");
        o = explained();
        assert_string_equal(word(o, "streams", 0, "cause"), empty ? "guest_idle" : "inconclusive");
        if (!empty)
            assert_string_equal(word(o, "streams", 0, "doubt"), "not_seen");
        json_decref(o);
        page_has("the guest was free", empty);
    }
}

/* A call of the guest that the server did not answer says nothing of what the server held. */
static void held_needs_an_answer(void **state)
{
    (void)state;
    begin();
    video(30);
    PUT(qemu, qxl_io_write, now, .port = QXL_IO_notify_oom);
    now += SECOND;
    draw(clip_box, 0);
    end("");
    page_has("ran out of graphics memory 1 time", true);
    page_has("held 0 drawing", false);
    page_has("the server held", false);
    page_has("evicted none", false);
    page_has("No answer of the server was recorded", true);
}

/* "The guest did not run out of memory" takes the probe that would have shown it. */
static void never_needs_the_probe(void **state)
{
    (void)state;
    begin();
    video(30);
    end("");
    page_has("The guest did not run out of graphics memory.", true);
    page_has("Inconclusive: the probe oom_begin was not recorded", false);
    begin();
    video(30);
    end(",\"probes\":{\"missing\":[{\"provider\":\"spice\",\"name\":\"oom_begin\",\"why\":\"x\"}]"
        "}");
    page_has("Inconclusive: the probe oom_begin was not recorded", true);
    begin();
    video(30);
    assert_int_equal(tap_write_loss(spice, now, 7, LOSS_REASON_ring_full), 0);
    end("");
    page_has("may have run out of memory unseen", true);
}

/* 7 events and an unknown number are lost: how many is unknown. */
static void an_unknown_loss_has_no_number(void **state)
{
    json_t *o;
    (void)state;

    begin();
    video(30);
    assert_int_equal(tap_write_loss(spice, now, 7, LOSS_REASON_ring_full), 0);
    assert_int_equal(tap_write_loss(spice, now + MS, 0, LOSS_REASON_ring_full), 0);
    now += 10 * MS;
    draw(clip_box, 0);
    end("");
    o = explained();
    assert_null(json_object_get(o, "lost"));
    assert_null(json_object_get(json_array_get(json_object_get(o, "streams"), 0), "losses"));
    assert_string_equal(word(o, "short", 0, "rule"), "short_losses");
    json_decref(o);
    page_has("The recording lost an unknown number of events in 2 places", true);
    page_has("Inconclusive: an unknown number of events lost here", true);
    page_has("0 events", false);
}

/* The client's own losses leave what it showed in doubt, and nothing else. */
static void a_clients_losses(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        begin();
        video(60);
        for (int i = 0; i < 600; i++)
            PUT_AS(client, 1, client_clip, now += 10 * MS, .number = i, .since = i ? 10 * MS : 0);
        if (lost)
            assert_int_equal(
                tap_write_loss_since(client, now, now + 4 * MS, 2, LOSS_REASON_damaged), 0);
        PUT_AS(client, 1, client_clip, now += 5 * MS, .number = 600, .since = 5 * MS);
        end("");
        page_has("showed 601 pictures of the clip. It stood still for 500 ms or longer 0 times.",
                 true);
        page_has("0 times. Inconclusive: 2 events were lost in 1 place.", lost);
        page_has("sent as video. Inconclusive: 2 events were lost in 1 place.", lost);
        page_has("did not run out of graphics memory. Inconclusive", false);
    }
}

/* A short clip is not a slow one. */
static void too_slow_for_the_server(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        begin();
        for (int i = 0; i < 45; i++) {
            now += slow ? 300 * MS : 40 * MS;
            draw(clip_box, 0);
        }
        end("");
        page_has("Region r1, the clip, 320x240", true);
        page_has("That is too slow for the server", slow);
        page_has("It was redrawn for 1.76 s in all, too briefly", !slow);
    }
}

/* Nothing shows how long a stream lived on after its last event before a loss. */
static void a_life_that_a_loss_ends(void **state)
{
    (void)state;
    begin();
    video(30);
    assert_int_equal(
        tap_write_loss_since(spice, now + MS, now + 5 * SECOND, 7, LOSS_REASON_truncated), 0);
    end("");
    page_has("It lived at least 1.16 s and had 30 frames", true);
    assert_int_equal(RUN(cmd_info, folder), EXIT_DONE);
    {
        char *text = fake_text("out");

        assert_non_null(strstr(text, "> 1.16 s"));
        free(text);
    }
}

/* Memory runs out, and a thread of the guest waits for 300 ms of it. Its events end with the run,
 * or before it began to wait. */
static void waits_for_memory(bool to_the_end)
{
    begin();
    guest = log_of("guest.tap", SOURCE_GUEST);
    for (int i = 0; i < 20; i++) {
        now += 100 * MS;
        draw(clip_box, 0);
        if (i < 5 || to_the_end)
            PUT_AS(guest, 9, guest_memory, now, .domain = GUEST_DOMAIN_vram, .used = 1, .total = 2);
        if (i == 10) {
            PUT(spice, oom_begin, now, .drawables = 9);
            PUT(spice, oom_end, now + MS, .drawables = 9);
            if (to_the_end)
                PUT_AS(guest, 9, guest_wait_begin, now, .release_id = 1);
            now += 300 * MS;
            if (to_the_end)
                PUT_AS(guest, 9, guest_wait_end, now, .release_id = 1);
        }
    }
    end(",\"guest\":{\"logs\":[{\"log\":\"guest.tap\",\"hello\":{\"attached\":["
        "\"guest_wait_begin\",\"guest_wait_end\"]}}]}");
}

static void the_guests_word_needs_its_events(void **state)
{
    (void)state;
    waits_for_memory(true);
    page_has("By its own events it waited for 300 ms", true);
    page_has("It stood still for at least", false);
    page_has("By its own events the guest waited for memory for 300 ms", true);
    waits_for_memory(false);
    page_has("It stood still for at least", true);
    page_has(
        "By its own events the guest never waited for memory. Inconclusive: the guest's events "
        "do not cover the whole run.",
        true);
}

/* Each call frees old images alone, but the last if `asked`: the guest lacks memory only then. */
static void calls_for_memory(bool asked)
{
    begin();
    guest = log_of("guest.tap", SOURCE_GUEST);
    for (int i = 0; i < 3; i++) {
        PUT_AS(guest, 9, guest_memory, now, .domain = GUEST_DOMAIN_vram, .used = 1, .total = 2);
        now += 100 * MS;
        PUT_AS(guest, 9, guest_oom, now + MS / 20, .took = MS / 10);
        PUT(spice, oom_begin, now, .drawables = 9);
        PUT(spice, flush_resources, now + MS / 10, .flushed = 1);
        PUT(spice, oom_end, now + MS / 2, .drawables = 8);
        if (asked && i == 2)
            PUT_AS(guest, 9, guest_bo, now + 2 * MS, .domain = GUEST_DOMAIN_vram, .size = 4096,
                   .took = 3 * MS);
        else
            PUT_AS(guest, 9, guest_delete, now + 2 * MS, .domain = GUEST_DOMAIN_vram, .size = 4096,
                   .took = 3 * MS);
        now += 200 * MS;
        draw(clip_box, 0);
    }
    end(",\"guest\":{\"logs\":[{\"log\":\"guest.tap\",\"hello\":{\"attached\":["
        "\"guest_wait_begin\",\"guest_wait_end\"]}}]}");
}

static void false_alarms_are_no_lack_of_memory(void **state)
{
    (void)state;
    for (int asked = 0; asked < 2; asked++) {
        calls_for_memory(asked);
        page_has("The guest called for graphics memory 3 times", !asked);
        page_has("All 3 were false alarms", !asked);
        page_has("The guest ran out of graphics memory 3 times", asked);
    }
}

/* ---- a redraw of the stream's place is one of its own box ---- */

/* The player ends, and something else is drawn where it was: 24 times in the last second. */
static void ends_below(const int32_t *other, const char *cause)
{
    uint64_t last;
    json_t *o;

    begin();
    video(30);
    caught_up();
    last = now;
    for (int i = 0; i < 24; i++) {
        now += 40 * MS;
        draw(other, DRAW_VERDICT_not_opaque);
    }
    now = last;
    stop(1010 * MS);
    end("");
    o = explained();
    assert_string_equal(word(o, "streams", 0, "cause"), cause);
    json_decref(o);
}

static void a_terminal_is_no_frame(void **state)
{
    static const int32_t terminal[4] = {90, 90, 700, 600}, row[4] = {100, 100, 380, 340},
                         column[4] = {100, 150, 420, 340}, line[4] = {100, 300, 420, 340};
    (void)state;

    ends_below(terminal, "guest_idle");
    ends_below(clip_box, "refused");
    ends_below(column, "refused"); /* most of it, from the left edge to the right */
    ends_below(line, "guest_idle");
    ends_below(row, "refused");
}

/* Its last frame is evicted, and redraws of its box are refused for what `verdict` says of each; or
 * because evictions overwrote what they would have been compared with. */
static void after_an_eviction(bool overwritten)
{
    uint64_t last;

    begin();
    video(30);
    caught_up();
    PUT(spice, evict, now + 10 * MS, .drawable = drawable, .release_id = drawable,
        .box = rect(clip_box), .streamable = 1, .stream = 3);
    last = now;
    for (int i = 0; i < 24; i++) {
        now += 40 * MS;
        if (overwritten)
            PUT(spice, trace_add, now - MS, .drawable = 64, .reason = REMOVE_REASON_evicted,
                .old = rect(clip_box), .old_age = 39 * (int64_t)MS - 1, .box = {0, 0, 9, 9});
        draw(clip_box, 0);
        if (!overwritten) /* resized: its source has another size now */
            PUT(spice, match, now + 10, .drawable = drawable, .release_id = drawable,
                .against = MATCH_AGAINST_stream, .index = 3, .verdict = MATCH_VERDICT_size_differs,
                .since = 40 * MS, .other = rect(clip_box));
    }
    draw((int32_t[]){0, 0, 9, 9}, DRAW_VERDICT_too_small);
    now = last;
    stop(1010 * MS);
    end("");
}

static void resizing_supports_no_hypothesis(void **state)
{
    json_t *o;
    (void)state;

    after_an_eviction(false);
    o = explained();
    assert_string_equal(word(o, "streams", 0, "cause"), "refused");
    assert_string_equal(word(o, "hypotheses", 0, "verdict"), "inconclusive");
    json_decref(o);
    after_an_eviction(true);
    o = explained();
    assert_string_equal(word(o, "streams", 0, "cause"), "refused");
    assert_string_equal(word(o, "hypotheses", 0, "verdict"), "supported");
    json_decref(o);
}

/* ---- a sentence has no number that its finding has not ---- */

static bool has_digit(const char *text)
{
    return strpbrk(text, "0123456789") != NULL;
}

static void templates_have_no_number(void **state)
{
    (void)state;
    for (size_t i = 0; i < words_count; i++)
        if (has_digit(words[i].text))
            fail_msg("%s", words[i].text);
    for (size_t i = 0; i < page_words_count; i++)
        if (has_digit(page_words[i].text))
            fail_msg("%s", page_words[i].text);
    for (size_t i = 0; i < doubt_words_count; i++)
        if (has_digit(doubt_words[i].text))
            fail_msg("%s", doubt_words[i].text);
    for (int i = 0; i < OUTCOMES; i++)
        assert_true(outcome_words[i] && !has_digit(outcome_words[i]));
    for (int i = 0; i < CHANGES; i++)
        assert_true(change_words[i] && !has_digit(change_words[i]));
}

static void every_rule_has_words(void **state)
{
    (void)state;
    for (unsigned r = 0; r < RULES; r++) {
        bool any = false;

        for (size_t i = 0; i < words_count; i++)
            any |= words[i].rule == r && *words[i].text;
        if (!any)
            fail_msg("%s has no sentence", rule_names[r]);
    }
}

/* The next number in *text, of digits and points; NULL: there is none. */
static char *number_in(const char **text, char *number, size_t size)
{
    const char *p = *text + strcspn(*text, "0123456789");
    size_t length = strspn(p, "0123456789.");

    while (length && p[length - 1] == '.')
        length--;
    snprintf(number, size, "%.*s", (int)length, p);
    *text = p + length;
    return length ? number : NULL;
}

static bool is_of_a_value(const struct finding *f, const char *number)
{
    char text[VALUE_SIZE], other[64];

    for (size_t i = 0; i < f->value_count; i++) {
        const char *p = text;

        value_text(f, &f->values[i], text);
        while (number_in(&p, other, sizeof(other)))
            if (!strcmp(other, number))
                return true;
    }
    return false;
}

static unsigned findings;
static char refs[4096][FINDING_REF];
static size_t ref_count;

/* A reference names one finding of a run. */
static void check_ref(const char *ref)
{
    for (size_t i = 0; i < ref_count; i++)
        if (!strcmp(refs[i], ref))
            fail_msg("two findings are %s", ref);
    assert_true(ref_count < sizeof(refs) / sizeof(*refs));
    strcpy(refs[ref_count++], ref);
}

static void check_finding(struct finder *s, const struct finding *f)
{
    char text[SENTENCE_SIZE], number[64];
    const char *p = text;

    if (s->deep)
        check_ref(f->ref);
    sentence_text(f, text);
    findings++;
    if (strlen(text) < 8 || strlen(text) + 2 > SENTENCE_SIZE || strpbrk(text, "{}[]") ||
        strstr(text, "  ") || strstr(text, " .") || strstr(text, " ,") || strstr(text, "()") ||
        !strchr(".)", text[strlen(text) - 1]))
        fail_msg("%s %s: \"%s\"", f->ref, f->verdict, text);
    while (number_in(&p, number, sizeof(number)))
        if (!is_of_a_value(f, number))
            fail_msg("%s is of no value of %s: %s", number, f->ref, text);
}

/* What --json printed of the runs so far, in files of their own. */
static unsigned printed;

static void keep_json(void)
{
    char name[32];

    json_decref(explained());
    snprintf(name, sizeof(name), "json-%u", printed++);
    assert_int_equal(rename(fake_path("out"), fake_path(name)), 0);
}

static void check_run(void)
{
    struct finder deep = {.found = check_finding, .deep = true}, flat = {.found = check_finding};
    struct model *x = NULL;

    assert_int_equal(model_new(&x), 0);
    x->run = folder;
    assert_int_equal(input_open(&x->bundle, "explain", folder), 0);
    assert_int_equal(model_gather(x), 0);
    ref_count = 0;
    find_short(x, &deep);
    find_all(x, &deep);
    find_page(x, &flat);
    bundle_close(x->bundle);
    model_free(x);
    keep_json();
}

static void clips(int from, int to, uint64_t apart)
{
    for (int i = from; i < to; i++) {
        now += i == from ? apart : 100 * MS;
        PUT_AS(client, 1, client_clip, now, .number = i,
               .since = i ? (int64_t)(i == from ? apart : 100 * MS) : 0);
    }
}

/* A bit of everything, by chance: what the rules say of it may be nonsense, and must be consistent.
 */
static void by_chance(unsigned seed)
{
    static const enum tap_source sources[] = {SOURCE_SPICE, SOURCE_QEMU, SOURCE_CLIENT,
                                              SOURCE_GUEST};

    begin();
    if (seed % 2)
        guest = log_of("guest.tap", SOURCE_GUEST);
    video(40);
    for (unsigned i = 0; i < 3000; i++) {
        struct tap_writer *const logs[] = {spice, qemu, client, guest};
        unsigned which = i % (guest ? 4 : 3);
        struct tap_event ev =
            fake_event(fake_kind(sources[which]), now += fake_random() % (3 * MS));

        if (ev.slots && which < 2)
            ev.v[0] %= 3; /* the display */
        assert_int_equal(tap_write(logs[which], &ev), 0);
        if (i % 500 == 499)
            assert_int_equal(
                tap_write_loss(spice, now, i % 1000 == 999 ? 0 : 5, LOSS_REASON_ring_full), 0);
    }
    end("");
}

static void sentences_add_no_number(void **state)
{
    (void)state;
    begin();
    end("");
    check_run();
    begin();
    video(60);
    caught_up();
    clips(0, 20, 0);
    clips(20, 30, 700 * MS);
    stop(1010 * MS);
    end("");
    check_run();
    after_an_eviction(true);
    check_run();
    for (unsigned i = 0; i < 12; i++) {
        by_chance(i);
        check_run();
    }
    assert_true(findings > 500);
}

/* ---- the schema ---- */

static void named_in(const char *schema, const char *name)
{
    char quoted[64];

    snprintf(quoted, sizeof(quoted), "\"%s\"", name);
    if (*name && !strstr(schema, quoted))
        fail_msg("docs/dev/explain.schema.json lacks %s", name);
}

/* After sentences_add_no_number, whose runs it checks. */
static void json_follows_its_schema(void **state)
{
    char command[256], *schema;
    size_t size;
    (void)state;

    assert_true(printed > 10);
    snprintf(command, sizeof(command),
             "python3 tests/unit/check_schema.py docs/dev/explain.schema.json %s/json-*", fake_dir);
    assert_int_equal(system(command), 0);
    schema = (char *)fake_load("docs/dev/explain.schema.json", &size);
    for (unsigned i = 0; i < RULES; i++)
        named_in(schema, rule_names[i]);
    for (unsigned i = 0; i < UNSURES; i++)
        named_in(schema, unsure_names[i]);
    for (unsigned i = 0; i < CHANGES; i++)
        named_in(schema, change_names[i]);
    free(schema);
}

/* ---- in short ---- */

static unsigned lines(const char *text)
{
    unsigned n = 0;

    for (; *text; text++)
        n += *text == '\n';
    return n;
}

/* 10 s of a video that streams from end to end, and that the client shows. */
static void clean(void)
{
    begin();
    for (int i = 0; i < 250; i++) {
        frame(i == 0);
        caught_up();
        PUT_AS(client, 1, client_clip, now + 10 * MS, .number = i, .since = i ? 40 * MS : 0);
    }
    end("");
}

/* Two streams of one place, or a stream and drawings, show frames in another order than they were
 * drawn. The clip begins anew after its frame 999, which is no step back. */
static void an_older_frame_after_a_newer_one(void **state)
{
    static const int numbers[] = {997, 998, 999, 0, 1, 4, 2, 5, 6, 3};
    (void)state;

    begin();
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        frame(i == 0);
        caught_up();
        PUT_AS(client, 1, client_clip, now + 10 * MS, .number = numbers[i],
               .since = i ? 40 * MS : 0);
    }
    end("");
    page_has("The picture went back to an older frame 2 times.", true);
    clean();
    page_has("went back", false);
}

/* Without the clip's numbers nobody knows that nothing is wrong. */
static void freezes_that_nobody_saw(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 250; i++) {
        frame(i == 0);
        caught_up();
        PUT_AS(client, 1, client_clip, now + 10 * MS, .number = -1, .since = i ? 40 * MS : 0);
    }
    end("");
    page_has("Nothing is wrong", false);
    page_has("the client read no frame numbers", true);
    check_run();
}

/* What a command cannot show is refused, not left out. */
static void options_that_cannot_be_kept(void **state)
{
    (void)state;
    clean();
    assert_int_equal(RUN(cmd_explain, folder, "--at", "9"), EXIT_DONE);
    assert_int_equal(RUN(cmd_explain, folder, "--at", "999"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_explain, folder, "--at", "999", "--json"), EXIT_USAGE);
    assert_int_equal(RUN(cmd_explain, folder, "--stream", "1", "--json"), EXIT_USAGE);
}

static void a_clean_run_fits_40_lines(void **state)
{
    char *text;
    json_t *o;
    (void)state;

    clean();
    text = page(NULL);
    assert_non_null(strstr(text, "In short\n  [i0.8] Nothing is wrong."));
    assert_null(strstr(text, "H1"));
    if (lines(text) > 40)
        fail_msg("%u lines: %s", lines(text), text);
    free(text);
    text = page("--hypotheses");
    assert_non_null(strstr(text, "H1, eviction of what stream detection needs"));
    free(text);
    o = explained();
    assert_int_equal(json_array_size(json_object_get(o, "hypotheses")), 6);
    json_decref(o);
}

/* A freeze of 3 s, a worker that did not read for 2 s of 10: the freeze first. */
static void the_costliest_first(void **state)
{
    const json_t *list;
    json_t *o;
    (void)state;

    begin();
    for (int i = 0; i < 250; i++) {
        frame(i == 0);
        caught_up();
        if (i < 100 || i >= 175)
            PUT_AS(client, 1, client_clip, now + 10 * MS, .number = i,
                   .since = i == 175 ? 3040 * MS
                            : i      ? 40 * MS
                                     : 0);
    }
    PUT(spice, blocked, now + 6 * MS, .pipe = 51);
    now += 2 * SECOND;
    draw(clip_box, 0);
    end("");
    o = explained();
    list = json_object_get(o, "short");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(word(o, "short", 0, "rule"), "short_freezes");
    assert_string_equal(word(o, "short", 1, "rule"), "short_blocked");
    assert_string_equal(word(o, "short", 1, "change"), "client_or_link");
    json_decref(o);
    page_has("Nothing is wrong", false);
}

/* 30 frames, then 2 s in which the clip's place is drawn 20 times and its bars are read, with or
 * without a time in which they cannot be. */
static void drawn_again(bool covered)
{
    static const char client_json[] = "{\"clip\":{\"numbered\":true,\"region\":[50,50,1074,818]}}";
    char path[PATH_MAX + 32];

    begin();
    for (int i = 0; i < 31; i++) {
        if (i == 30)
            now += SECOND;
        frame(i == 0);
        caught_up();
        PUT_AS(client, 1, client_picture, now + 10 * MS, .box = rect(clip_box), .stream = 3);
        for (uint8_t bar = 0; bar < 3; bar++)
            PUT_AS(client, 1, client_bar, now + 10 * MS, .bar = bar, .number = i);
        PUT_AS(client, 1, client_clip, now + 10 * MS, .number = i,
               .since = i == 30 ? 2040 * MS
                        : i     ? 40 * MS
                                : 0);
        for (int d = 0; i == 29 && d < 20; d++) {
            now += 50 * MS;
            draw(clip_box, 0);
            PUT(spice, stream_attach, now + 20, .stream = 3, .drawable = drawable, .since = 50 * MS,
                .box = rect(clip_box));
            PUT_AS(client, 1, client_picture, now + 10 * MS, .box = rect(clip_box), .stream = 3);
            for (int look = 0; covered && d == 10 && look < 2; look++)
                PUT_AS(client, 1, client_bar, now + 20 * MS + look * MS, .bar = 1,
                       .number = look ? 29 : -1);
        }
    }
    end(",\"client\":{\"log\":\"client.tap\",\"summary\":\"client.json\"}");
    snprintf(path, sizeof(path), "%s/client.json", folder);
    fake_store(path, client_json, strlen(client_json));
}

static void the_same_frame_again(void **state)
{
    json_t *o;
    (void)state;

    drawn_again(false);
    o = explained();
    assert_string_equal(word(o, "short", 0, "rule"), "short_freezes");
    assert_string_equal(word(o, "short", 0, "verdict"), "same_frame");
    assert_string_equal(word(o, "short", 0, "change"), "guest_player");
    json_decref(o);
    page_has(
        "stood still for 2.04 s in all (1 time, 2.04 s at the longest), mostly while its place "
        "was drawn again with the same frame (2.04 s).",
        true);
    page_has("In 1 of them it was the same frame all the time.", true);
    page_has("20 times in its place meanwhile, and it was the same frame all the time.", true);
    drawn_again(true);
    page_has("the same frame", false);
    page_has("the number could not be read, or did not change", true);
    check_run();
}

/* The video's stream ends with a pause; then 10 s of it come in a way that the server refuses. */
static void a_stream_that_did_not_come_back(void **state)
{
    json_t *o;
    (void)state;

    begin();
    video(30);
    caught_up();
    stop(1010 * MS);
    for (int i = 0; i < 250; i++) {
        now += 40 * MS;
        draw(clip_box, DRAW_VERDICT_not_copy);
    }
    end("");
    o = explained();
    assert_string_equal(word(o, "short", 0, "rule"), "short_stream_lost");
    assert_string_equal(word(o, "short", 0, "change"), "guest_player");
    json_decref(o);
    page_has("ended at 2.170 s and did not come back", true);
    page_has("was sent as single pictures", false); /* not said twice */
    assert_int_equal(RUN(cmd_explain, folder, "--events", "i0.3"), EXIT_DONE);
    check_run();
}

/* The same, but a stream of another box has the frames: they are sized to it. The place is
 * streamed. */
static void a_stream_that_another_followed(void **state)
{
    int32_t smaller[4] = {clip_box[0], clip_box[1] + 100, clip_box[2], clip_box[3]};
    json_t *o;
    (void)state;

    begin();
    video(30);
    caught_up();
    stop(1010 * MS);
    for (int i = 0; i < 250; i++) {
        now += 40 * MS;
        draw(i ? clip_box : smaller, 0);
        if (i)
            PUT(spice, stream_attach, now + 20, .stream = 4, .drawable = drawable, .since = 40 * MS,
                .box = rect(clip_box));
        else
            PUT(spice, stream_create, now + 20, .stream = 4, .drawable = drawable,
                .box = rect(smaller), .fps = 25, .frames = 20);
    }
    end("");
    o = explained();
    for (size_t i = 0; i < json_array_size(json_object_get(o, "short")); i++)
        assert_string_not_equal(word(o, "short", i, "rule"), "short_stream_lost");
    json_decref(o);
    page_has("did not come back", false);
    check_run();
}

/* ---- boxes that alternate ---- */

/* Merged damage: all at one place, as the page of a browser makes them. */
static const int32_t merged[5][4] = {{300, 200, 1570, 978},
                                     {300, 200, 1690, 978},
                                     {300, 200, 1442, 978},
                                     {300, 200, 1700, 1150},
                                     {300, 200, 1324, 968}};

/* What the server does with one redraw: the letter is its box, `apart` the time since the last one.
 * It compares with the box before, if that is equal, or with the trace ring, which has all. */
static void redraw(char letter, uint64_t apart, uint64_t graduality)
{
    static uint64_t last[5], row[5];
    static char before;
    unsigned i = (unsigned)(letter - 'A');
    int64_t since;

    if (drawable == 0x1000) { /* the first of a run */
        memset(last, 0, sizeof(last));
        before = '\0';
    }
    now += apart;
    since = (int64_t)(now - last[i]);
    draw(merged[i], 0);
    if (last[i]) {
        bool late = since > (int64_t)(200 * MS);

        PUT(spice, match, now + 10, .drawable = drawable, .since = since, .other = rect(merged[i]),
            .against = before == letter ? MATCH_AGAINST_previous : MATCH_AGAINST_trace,
            .verdict = late ? MATCH_VERDICT_too_late : MATCH_VERDICT_match);
        row[i] = late ? 0 : row[i] + 1;
    } else {
        row[i] = 0;
    }
    if (row[i])
        PUT(spice, frame, now + 20, .drawable = drawable, .frames = (int64_t)row[i],
            .gradual_frames = graduality == GRADUALITY_low ? 0 : (int64_t)row[i],
            .graduality = graduality);
    last[i] = now;
    before = letter;
}

static void redraws(const char *letters, unsigned times, uint64_t apart, uint64_t graduality)
{
    for (unsigned i = 0; i < times * strlen(letters); i++)
        redraw(letters[i % strlen(letters)], apart, graduality);
}

static const char *verdict_on(const json_t *o, unsigned hypothesis)
{
    return word(o, "hypotheses", hypothesis - 1, "verdict");
}

static json_int_t number_of(const json_t *o, const char *list, const char *key)
{
    const json_t *v = json_object_get(json_array_get(json_object_get(o, list), 0), key);

    assert_true(json_is_integer(v));
    return json_integer_value(v);
}

static void boxes_alternate(void **state)
{
    json_t *o;
    (void)state;

    begin();
    redraws("AAAABCAAAADE", 6, 100 * MS, GRADUALITY_high);
    end("");
    o = explained();
    assert_string_equal(word(o, "short", 0, "rule"), "short_alternate");
    assert_string_equal(word(o, "short", 0, "change"), "guest_box");
    assert_int_equal(json_array_size(json_object_get(o, "short")), 1); /* not said twice */
    assert_int_equal(json_array_size(json_object_get(o, "alternates")), 1);
    assert_int_equal(number_of(o, "alternates", "redraws"), 72);
    assert_int_equal(number_of(o, "alternates", "in_a_row"), 3);
    assert_int_equal(number_of(o, "alternates", "any_box_in_a_row"), 71);
    assert_int_equal(number_of(o, "alternates", "lost_ns"), 51 * 100 * MS);
    assert_int_equal(number_of(o, "alternates", "need_delta_ns"), 300 * MS);
    assert_int_equal(number_of(o, "alternates", "need_pixels"), 246); /* E to A, before D */
    assert_string_equal(verdict_on(o, 6), "supported");
    json_decref(o);
    page_has("because its box alternates with 4 other boxes", true);
    page_has("never counted more than 3", true);
    page_has("accepted 300 ms between two equal boxes", true);
    page_has("drew 15.0 times a second in place of 10.0", true);
    assert_int_equal(RUN(cmd_explain, folder, "--events", "b1.1"), EXIT_DONE);
    {
        char *text = fake_text("out"), *p = text;
        unsigned draws = 0;

        while ((p = strstr(p, " draw "))) {
            draws++;
            p++;
        }
        assert_int_equal(draws, 72);
        free(text);
    }
    check_run();
}

/* The rule is of boxes alone. */
static void nothing_alternates(void **state)
{
    static const struct {
        const char *letters;
        unsigned times;
        uint64_t apart, graduality;
    } cases[] = {
        {"A", 60, 100 * MS, GRADUALITY_low},            /* one box of text */
        {"AAAABCAAAADE", 5, 100 * MS, GRADUALITY_low},  /* text in several */
        {"AAAABCAAAADE", 5, 220 * MS, GRADUALITY_high}, /* too slow in one box too */
        {"AAAABCAAAADE", 2, 100 * MS, GRADUALITY_high}, /* for less than 2 s more than needed */
        {"AAAAAAAAAAAAAAAAAAB", 5, 100 * MS, GRADUALITY_high}, /* hardly ever another */
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        json_t *o;

        begin();
        redraws(cases[i].letters, cases[i].times, cases[i].apart, cases[i].graduality);
        end("");
        o = explained();
        if (json_array_size(json_object_get(o, "alternates")))
            fail_msg("case %zu alternates", i);
        assert_string_not_equal(verdict_on(o, 6), "supported");
        json_decref(o);
        page_has("Boxes that alternate", false);
    }
}

/* A video that streams refutes H6, with nothing lost; where it was lost, or its probe, nothing is
 * concluded. */
static void alternation_in_doubt(void **state)
{
    static const char lacks_frame[] =
        ",\"probes\":{\"missing\":[{\"provider\":\"spice\",\"name\":\"frame\",\"why\":\"x\"}]}";
    json_t *o;
    (void)state;

    for (int lost = 0; lost < 3; lost++) {
        begin();
        video(100);
        if (lost == 1)
            assert_int_equal(tap_write_loss(spice, now, 7, LOSS_REASON_ring_full), 0);
        end(lost == 2 ? lacks_frame : "");
        o = explained();
        assert_string_equal(verdict_on(o, 6), lost ? "inconclusive" : "refuted");
        json_decref(o);
    }
    for (int lost = 0; lost < 2; lost++) {
        begin();
        redraws("AAAABCAAAADE", 3, 100 * MS, GRADUALITY_high);
        if (!lost)
            assert_int_equal(tap_write_loss(spice, now, 7, LOSS_REASON_ring_full), 0);
        redraws("AAAABCAAAADE", 5, 100 * MS, GRADUALITY_high);
        end(lost ? lacks_frame : "");
        o = explained();
        assert_int_equal(json_array_size(json_object_get(o, "alternates")), 1);
        assert_string_equal(verdict_on(o, 6), "inconclusive");
        json_decref(o);
        page_has("lost here, while it was redrawn", !lost);
        page_has("the probe frame was not recorded", lost);
        check_run();
    }
}

/* No frame was counted: the server never looked at the picture. */
static void no_frame_was_counted(void **state)
{
    json_t *o;
    (void)state;

    begin();
    redraws("ABCDE", 12, 100 * MS, GRADUALITY_high);
    end("");
    o = explained();
    assert_string_equal(verdict_on(o, 6), "inconclusive");
    assert_int_equal(number_of(o, "alternates", "in_a_row"), 0);
    assert_true(json_is_true(
        json_object_get(json_array_get(json_object_get(o, "alternates"), 0), "inconclusive")));
    json_decref(o);
    page_has("whether its pictures look natural to the server is unknown", true);
    check_run();
}

/* More places than the table holds: the overflow is reported, and nothing is refuted. */
static void more_places_than_fit(void **state)
{
    json_t *o;
    (void)state;

    begin();
    video(100);
    for (unsigned n = 0; n < 4; n++)
        for (int i = 0; i < 100; i++) {
            const int32_t box[4] = {i * 100, 3000, i * 100 + 99, 3099};

            now += MS;
            draw(box, 0);
        }
    now += 500 * MS;
    for (int n = 0; n < 60; n++) /* boxes of one place */
        for (int i = 0; i < 20; i++) {
            const int32_t box[4] = {0, 0, 300 + i, 300};

            now += MS;
            draw(box, 0);
        }
    end("");
    o = explained();
    assert_true(json_integer_value(json_object_get(json_object_get(o, "overflow"), "groups")) > 0);
    assert_true(json_integer_value(json_object_get(json_object_get(o, "overflow"), "group_boxes")) >
                100);
    assert_string_equal(verdict_on(o, 6), "inconclusive");
    json_decref(o);
    page_has("did not fit the table", true);
    check_run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_alternate),
        cmocka_unit_test(nothing_alternates),
        cmocka_unit_test(alternation_in_doubt),
        cmocka_unit_test(no_frame_was_counted),
        cmocka_unit_test(more_places_than_fit),
        cmocka_unit_test(idle_needs_an_empty_ring),
        cmocka_unit_test(held_needs_an_answer),
        cmocka_unit_test(never_needs_the_probe),
        cmocka_unit_test(an_unknown_loss_has_no_number),
        cmocka_unit_test(a_clients_losses),
        cmocka_unit_test(a_life_that_a_loss_ends),
        cmocka_unit_test(too_slow_for_the_server),
        cmocka_unit_test(the_guests_word_needs_its_events),
        cmocka_unit_test(false_alarms_are_no_lack_of_memory),
        cmocka_unit_test(a_terminal_is_no_frame),
        cmocka_unit_test(resizing_supports_no_hypothesis),
        cmocka_unit_test(templates_have_no_number),
        cmocka_unit_test(every_rule_has_words),
        cmocka_unit_test(sentences_add_no_number),
        cmocka_unit_test(json_follows_its_schema),
        cmocka_unit_test(a_clean_run_fits_40_lines),
        cmocka_unit_test(an_older_frame_after_a_newer_one),
        cmocka_unit_test(freezes_that_nobody_saw),
        cmocka_unit_test(options_that_cannot_be_kept),
        cmocka_unit_test(the_costliest_first),
        cmocka_unit_test(the_same_frame_again),
        cmocka_unit_test(a_stream_that_did_not_come_back),
        cmocka_unit_test(a_stream_that_another_followed),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
