/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export --format perfetto, read back with a parser that knows the format's definitions alone:
 * names and tracks are defined before their use, slices end, flows join what belongs together, and
 * there is an event for each one of the run.
 */
#include <inttypes.h>

#include "cmd/commands.h"
#include "fake.h"
#include "table/perfetto_trace.h"

enum { MAX = 4096 };

/* What was defined, by number. */
struct seen {
    char *names[MAX], *arguments[MAX], *values[MAX], *tracks[MAX];
    uint64_t parents[MAX], flows[MAX];
    int depth[MAX];
    bool ended[MAX], counts[MAX];
    unsigned named;     /* events with a name */
    char text[1 << 21]; /* the events, a line each */
};

static void define(char **list, uint64_t iid, const char *text)
{
    assert_true(iid && iid < MAX);
    assert_null(list[iid]);
    list[iid] = strdup(text);
}

static void see_names(struct seen *x, const Perfetto__InternedData *d)
{
    for (size_t i = 0; i < d->n_event_names; i++)
        define(x->names, d->event_names[i]->iid, d->event_names[i]->name);
    for (size_t i = 0; i < d->n_debug_annotation_names; i++)
        define(x->arguments, d->debug_annotation_names[i]->iid, d->debug_annotation_names[i]->name);
    for (size_t i = 0; i < d->n_debug_annotation_string_values; i++) {
        const Perfetto__InternedString *v = d->debug_annotation_string_values[i];
        char *text = strndup((char *)v->str.data, v->str.len);

        define(x->values, v->iid, text);
        free(text);
    }
}

static void see_track(struct seen *x, const Perfetto__TrackDescriptor *t)
{
    define(x->tracks, t->uuid, t->name);
    x->counts[t->uuid] = t->counter != NULL;
    x->parents[t->uuid] = t->parent_uuid;
    if (t->has_parent_uuid)
        assert_non_null(x->tracks[t->parent_uuid]);
}

static char *put_argument(char *p, const struct seen *x, const Perfetto__DebugAnnotation *a)
{
    assert_non_null(x->arguments[a->name_iid]);
    p += sprintf(p, " %s=", x->arguments[a->name_iid]);
    if (a->has_string_value_iid) {
        assert_non_null(x->values[a->string_value_iid]);
        return p + sprintf(p, "%s", x->values[a->string_value_iid]);
    }
    if (a->has_pointer_value)
        return p + sprintf(p, "0x%" PRIx64, a->pointer_value);
    if (a->has_int_value)
        return p + sprintf(p, "%" PRId64, a->int_value);
    if (a->has_bool_value)
        return p + sprintf(p, "%s", a->bool_value ? "true" : "false");
    if (a->string_value)
        return p + sprintf(p, "'%s'", a->string_value);
    assert_true(a->has_uint_value || a->has_double_value);
    return p + sprintf(p, "%" PRIu64, a->uint_value);
}

static void see_event(struct seen *x, uint64_t time, const Perfetto__TrackEvent *e)
{
    static const char *const types[] = {"", "begin", "end", "instant", "counter"};
    char *p = x->text + strlen(x->text);

    assert_non_null(x->tracks[e->track_uuid]);
    assert_int_equal(x->counts[e->track_uuid],
                     e->type == PERFETTO__TRACK_EVENT__TYPE__TYPE_COUNTER);
    x->depth[e->track_uuid] += e->type == PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN;
    x->depth[e->track_uuid] -= e->type == PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END;
    assert_true(x->depth[e->track_uuid] >= 0);
    /* Perfetto ends a slice of the same name and category, or whichever is open if there is none.
     */
    if (e->type == PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END)
        assert_true(!e->has_name_iid && !e->n_category_iids);
    p += sprintf(p, "%" PRIu64 " %s/%s %s", time,
                 x->parents[e->track_uuid] ? x->tracks[x->parents[e->track_uuid]] : "",
                 x->tracks[e->track_uuid], types[e->type]);
    if (e->has_name_iid) {
        x->named++;
        assert_non_null(x->names[e->name_iid]);
        p += sprintf(p, " %s", x->names[e->name_iid]);
    }
    if (e->has_counter_value)
        p += sprintf(p, " %" PRId64, e->counter_value);
    for (size_t i = 0; i < e->n_flow_ids + e->n_terminating_flow_ids; i++) {
        uint64_t id = i < e->n_flow_ids ? e->flow_ids[i] : e->terminating_flow_ids[0];

        assert_true(id < MAX && !x->ended[id]);
        x->flows[id]++;
        x->ended[id] = i >= e->n_flow_ids;
    }
    for (size_t i = 0; i < e->n_debug_annotations; i++)
        p = put_argument(p, x, e->debug_annotations[i]);
    sprintf(p, "\n");
    assert_true(strlen(x->text) < sizeof(x->text) - 4096);
}

static struct seen *see(const char *file)
{
    struct seen *x = calloc(1, sizeof(*x));
    size_t size;
    uint8_t *data = fake_load(fake_path(file), &size);
    Perfetto__Trace *t = perfetto__trace__unpack(NULL, size, data);

    assert_non_null(t);
    assert_int_equal(t->packet[0]->sequence_flags, 1);
    assert_int_equal(t->packet[0]->clock_snapshot->primary_trace_clock, 3);
    assert_int_equal(t->packet[0]->trace_packet_defaults->timestamp_clock_id, 3);
    for (size_t i = 0; i < t->n_packet; i++) {
        const Perfetto__TracePacket *p = t->packet[i];

        assert_int_equal(p->trusted_packet_sequence_id, 1);
        assert_int_equal(p->sequence_flags, i ? 2 : 1);
        if (p->interned_data)
            see_names(x, p->interned_data);
        if (p->track_descriptor)
            see_track(x, p->track_descriptor);
        if (p->track_event)
            see_event(x, p->timestamp, p->track_event);
    }
    perfetto__trace__free_unpacked(t, NULL);
    free(data);
    return x;
}

static void forget(struct seen *x)
{
    for (int i = 0; i < MAX; i++) {
        free(x->names[i]);
        free(x->arguments[i]);
        free(x->values[i]);
        free(x->tracks[i]);
    }
    free(x);
}

static void has(const struct seen *x, const char *line)
{
    if (!strstr(x->text, line))
        fail_msg("no \"%s\" in:\n%s", line, x->text);
}

/* A stream, an OOM with an eviction, a loss; then what has no slice to end. */
static void events(void **state)
{
    char *run = strdup(fake_path("run")), *file = strdup(fake_path("trace"));
    struct bundle_writer *b;
    struct tap_writer *w;
    struct seen *x;
    (void)state;

    assert_int_equal(bundle_create(&b, run), 0);
    assert_int_equal(bundle_log(b, SOURCE_SPICE, &w), 0);
    PUT(w, stream_stop, 1000, .stream = 9, .frames = 3); /* began before */
    PUT(w, stream_create, 2000, .display = 1, .stream = 5, .release_id = 16, .fps = 25,
        .box = {-5, 0, 100, 200}, .top_down = 1);
    PUT(w, stream_encode, 9000, .display = 1, .stream = 5, .client = 0xabc, .sent = 77,
        .took = 4000);
    PUT(w, oom_begin, 10000, .drawables = 12);
    PUT(w, evict, 11000, .stream = -1, .release_id = 16);
    PUT(w, oom_end, 12000, .drawables = 3);
    PUT(w, sent, 13000, .channel = CHANNEL_display, .size = 100);
    PUT(w, sent, 14000, .channel = CHANNEL_display, .size = 20);
    PUT(w, stream_stop, 15000, .display = 1, .stream = 5);
    assert_int_equal(tap_write_loss(w, 16000, 42, LOSS_REASON_ring_full), 0);
    assert_int_equal(bundle_log_close(b, w), 0);
    assert_int_equal(bundle_finish(b, "time is up"), 0);
    assert_int_equal(RUN(cmd_export, run, "-f", "perfetto", "-o", file), EXIT_DONE);
    x = see("trace");
    assert_int_equal(x->named, 8); /* an end needs no name */
    has(x, "1000 server/stream 9 instant stream_stop");
    has(x,
        "2000 server/stream 5 of display 1 begin stream_create tid=7 display=1 stream=5 "
        "drawable=0x0 release_id=0x10 box_left=-5 box_top=0 box_right=100 box_bottom=200 width=0 "
        "height=0 fps=25 frames=0 top_down=true\n");
    has(x, "5000 server/compression of display 1 begin stream_encode tid=7 display=1 client=0xabc");
    has(x, "9000 server/compression of display 1 end\n");
    has(x, "10000 server/memory begin oom_begin");
    has(x, "10000 server/drawables at an OOM counter 12\n");
    has(x, "11000 server/memory instant evict");
    has(x, "12000 server/memory end tid=7 display=0 drawables=3");
    has(x, "13000 server/bytes sent: display counter 100\n");
    has(x, "14000 server/bytes sent: display counter 120\n");
    has(x, "15000 server/stream 5 of display 1 end tid=7 display=1 stream=5 reason=timeout");
    has(x, "15000 server/loss begin loss tid=0 count=42 reason=ring_full since=15000\n");
    forget(x);
    free(run);
    free(file);
}

/* A server or a guest with more streams than there are tracks: no slice is left open by that. */
static void many_tracks(void **state)
{
    char *log = strdup(fake_path("many.tap")), *file = strdup(fake_path("many"));
    struct tap_writer *w = fake_log(log, SOURCE_SPICE);
    unsigned open = 0;
    struct seen *x;
    (void)state;

    for (uint64_t i = 0; i < 2000; i++)
        PUT(w, stream_create, 1000 + i, .display = 0, .stream = (uint32_t)i);
    for (uint64_t i = 0; i < 2000; i++)
        PUT(w, stream_stop, 5000 + i, .display = 0, .stream = (uint32_t)i);
    assert_int_equal(tap_writer_close(w), 0);
    perfetto_tracks = 1000;
    assert_int_equal(RUN(cmd_export, log, "-f", "perfetto", "-o", file), EXIT_DONE);
    perfetto_tracks = 4096;
    x = see("many");
    for (int i = 0; i < MAX; i++)
        open += x->depth[i] != 0;
    assert_int_equal(open, 0);
    forget(x);
    free(log);
    free(file);
}

/* Each journey of a guest's release is one flow, over guest, server and device. */
static void flows(void **state)
{
    char *run = strdup(fake_path("flows")), *file = strdup(fake_path("flowing"));
    static const enum tap_source sources[] = {SOURCE_SPICE, SOURCE_QEMU, SOURCE_GUEST};
    struct tap_writer *w[3];
    struct bundle_writer *b;
    unsigned joined = 0;
    struct seen *x;
    (void)state;

    assert_int_equal(bundle_create(&b, run), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bundle_log(b, sources[i], &w[i]), 0);
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t t = 1000000 + i * 100000;

        PUT(w[2], guest_alloc, t, .release_id = 16, .type = RELEASE_TYPE_drawable, .took = 5);
        PUT(w[2], guest_push, t + 500, .release_id = 16, .type = 1, .took = 5);
        PUT(w[0], cmd, t + 1000, .type = 1, .release_id = 16, .group = 1);
        PUT(w[0], draw, t + 1100, .drawable = 0x1000 + i, .release_id = 16, .type = 3);
        PUT(w[0], release, t + 5000, .drawable = 0x1000 + i, .release_id = 16, .group = 1);
        PUT(w[1], qxl_ring_res_put, t + 5001, .freed = 1);
        PUT(w[1], qxl_ring_res_push, t + 5002, .freed = 1);
        PUT(w[2], guest_free, t + 9000, .release_id = 16, .reclaimed = 1);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(bundle_log_close(b, w[i]), 0);
    json_object_set_new(bundle_run(b), "clocks",
                        json_pack("[{ss s[{sI sI sI sI si si si ss}]}]", "log", "guest.tap",
                                  "segments", "guest_from", (json_int_t)1, "guest_to",
                                  (json_int_t)1000000000, "guest_at", (json_int_t)1, "host_at",
                                  (json_int_t)1, "drift_ppb", 0, "error_ns", 5, "pairs", 9,
                                  "method", "io"));
    assert_int_equal(bundle_finish(b, "time is up"), 0);
    assert_int_equal(RUN(cmd_export, run, "-f", "perfetto", "-o", file), EXIT_DONE);
    x = see("flowing");
    for (int i = 0; i < MAX; i++)
        if (x->flows[i]) {
            joined++;
            assert_true(x->ended[i]);
            assert_int_equal(x->flows[i], 5); /* alloc, cmd, release, res_push, free */
        }
    assert_int_equal(joined, 3);
    has(x, "guest/journeys instant alloc release_id=0x10 generation=1");
    has(x, "server/journeys instant release\n");
    has(x, "1005002 device (QEMU)/journeys instant res_push\n");
    has(x, "1009000 guest/journeys instant free\n");
    has(x, "1000000 guest/thread 7 end\n"); /* of guest_alloc, which took 5 ns */
    forget(x);
    free(run);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events),
        cmocka_unit_test(many_tracks),
        cmocka_unit_test(flows),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
