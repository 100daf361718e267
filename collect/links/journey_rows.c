/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Journeys as rows, one for each release. docs/journeys.md describes them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "links/journey.h"
#include "links/links.h"

#define COLUMNS(C)                                                                                 \
    C(release_id, HEX, "", ALWAYS, _, "the release")                                               \
    C(generation, UNSIGNED, "", ALWAYS, _, "which life of the id in the recording, from 1")        \
    C(display, UNSIGNED, "", ALWAYS, _, "the display of the device")                               \
    C(type, ENUM, "", MAYBE, release_type, "what the guest allocated it for")                      \
    C(size, UNSIGNED, "bytes", MAYBE, _, "of the release")                                         \
    C(alloc, UNSIGNED, "ns", MAYBE, _, "when the guest had allocated it")                          \
    C(alloc_took, UNSIGNED, "ns", MAYBE, _, "how long the allocation took")                        \
    C(alloc_tid, UNSIGNED, "", MAYBE, _, "the guest's thread")                                     \
    C(bo_domain, ENUM, "", MAYBE, guest_domain, "of a buffer object that this allocation made")    \
    C(bo_size, UNSIGNED, "bytes", MAYBE, _, "of that buffer object")                               \
    C(push_begin, UNSIGNED, "ns", MAYBE, _, "when qxl_ring_push began")                            \
    C(push_end, UNSIGNED, "ns", MAYBE, _, "when it ended")                                         \
    C(push_result, SIGNED, "", MAYBE, _, "its result")                                             \
    C(cmd, UNSIGNED, "ns", MAYBE, _, "when the server took the command")                           \
    C(cmd_type, ENUM, "", MAYBE, qxl_cmd, "of the command")                                        \
    C(drawable, HEX, "", MAYBE, _, "the drawable it became")                                       \
    C(draw, UNSIGNED, "ns", MAYBE, _, "when the server added the drawable")                        \
    C(draw_type, ENUM, "", MAYBE, draw_type, "of the drawable")                                    \
    C(verdict, ENUM, "", MAYBE, draw_verdict, "whether it may be streamed")                        \
    C(box, BOX, "pixels", MAYBE, _, "where it is")                                                 \
    C(stream, SIGNED, "", MAYBE, _, "the stream it is a frame of")                                 \
    C(stream_attach, UNSIGNED, "ns", MAYBE, _, "since when")                                       \
    C(frames, UNSIGNED, "", MAYBE, _, "sent as frames, over all clients")                          \
    C(frame_bytes, UNSIGNED, "bytes", MAYBE, _, "of these frames, compressed")                     \
    C(frames_dropped, UNSIGNED, "", MAYBE, _, "frames not sent")                                   \
    C(images, UNSIGNED, "", MAYBE, _, "sent as images")                                            \
    C(image_bytes, UNSIGNED, "bytes", MAYBE, _, "of these images, compressed")                     \
    C(bytes_sent, UNSIGNED, "bytes", MAYBE, _, "frames and images")                                \
    C(evict, UNSIGNED, "ns", MAYBE, _, "when the server evicted it")                               \
    C(evict_oom, UNSIGNED, "ns", MAYBE, _, "oom_begin of the episode in which it was evicted")     \
    C(release, UNSIGNED, "ns", MAYBE, _, "when the server released it")                            \
    C(res_put, UNSIGNED, "ns", MAYBE, _, "when QEMU put it on the chain of the release ring")      \
    C(res_push, UNSIGNED, "ns", MAYBE, _, "when QEMU pushed that chain")                           \
    C(free, UNSIGNED, "ns", MAYBE, _, "when the guest had it back")                                \
    C(reclaimed, FLAG, "", MAYBE, _, "false: the driver gave it up itself")                        \
    C(end, TEXT, "", ALWAYS, _, "how it ended")                                                    \
    C(inside, FLAG, "", ALWAYS, _, "allocated and freed inside the recording")                     \
    C(whole, FLAG, "", ALWAYS, _, "all of its events are there, in order")                         \
    C(why, TEXT, "", MAYBE, _, "why it is not whole")                                              \
    C(order, TEXT, "", ALWAYS, _, "ok, within_error or violated")                                  \
    C(error, UNSIGNED, "ns", MAYBE, _, "bound on the error of the guest's times")

LINK_COLUMNS(COLUMNS);

static const struct schema schema = {
    "journeys", "each release of a QXL guest, from its allocation to its reclaim", columns,
    AT_COUNT};

struct state {
    struct row_sink *rows;
    struct journeys *journeys;
};

static void guest_cells(struct row *r, const struct life *l)
{
    if (l->type >= 0)
        row_set(r, AT_type, (uint64_t)l->type);
    row_known(r, AT_size, l->size);
    row_known(r, AT_alloc, l->alloc.t);
    if (l->alloc.t) {
        row_set(r, AT_alloc_took, (uint64_t)l->alloc_took);
        row_set(r, AT_alloc_tid, l->alloc_tid);
        row_bounded(r, AT_error, l->alloc.error);
    }
    if (l->bo_domain >= 0) {
        row_set(r, AT_bo_domain, (uint64_t)l->bo_domain);
        row_set(r, AT_bo_size, l->bo_size);
    }
    if (l->push_begin.t) {
        row_set(r, AT_push_begin, l->push_begin.t);
        row_set(r, AT_push_end, l->push_end.t);
        row_set(r, AT_push_result, (uint64_t)l->push_result);
    }
    if (l->freed) {
        row_set(r, AT_free, l->free.t);
        row_set(r, AT_reclaimed, !l->gave_up);
        row_bounded(r, AT_error, l->free.error);
    }
}

static void server_cells(struct row *r, const struct life *l)
{
    row_known(r, AT_cmd, l->cmd);
    if (l->cmd_type >= 0)
        row_set(r, AT_cmd_type, (uint64_t)l->cmd_type);
    row_known(r, AT_drawable, l->drawable);
    row_known(r, AT_draw, l->draw);
    if (l->draw) {
        row_set(r, AT_draw_type, (uint64_t)l->draw_type);
        row_set(r, AT_verdict, (uint64_t)l->verdict);
    }
    if (l->draw || l->evict)
        row_box(r, AT_box, l->box);
    if (l->stream >= 0)
        row_set(r, AT_stream, (uint64_t)(int64_t)l->stream);
    row_known(r, AT_stream_attach, l->streamed);
    if (l->on_server) {
        row_set(r, AT_frames, l->frames);
        row_set(r, AT_frame_bytes, l->frame_bytes);
        row_set(r, AT_frames_dropped, l->drops);
        row_set(r, AT_images, l->images);
        row_set(r, AT_image_bytes, l->image_bytes);
        row_set(r, AT_bytes_sent, l->frame_bytes + l->image_bytes);
    }
    row_known(r, AT_evict, l->evict);
    row_known(r, AT_evict_oom, l->oom);
    row_known(r, AT_release, l->release);
    row_known(r, AT_res_put, l->put);
    row_known(r, AT_res_push, l->res_push);
}

static void closed(void *context, const struct life *l)
{
    struct state *s = context;
    struct row row, *r = &row;

    if (!s->rows)
        return;
    row_clear(r, &schema);
    row_set(r, AT_release_id, l->id);
    row_set(r, AT_generation, l->generation);
    row_set(r, AT_display, l->display);
    guest_cells(r, l);
    server_cells(r, l);
    row_text(r, AT_end, l->end);
    row_set(r, AT_inside, l->inside);
    row_set(r, AT_whole, l->whole);
    if (l->why)
        row_text(r, AT_why, journey_whys[l->why]);
    row_text(r, AT_order, link_orders[l->order]);
    row_put(s->rows, r);
}

static void *begin(struct row_sink *rows)
{
    struct state *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->rows = rows;
    s->journeys = journeys_new(closed, s);
    if (!s->journeys) {
        free(s);
        return NULL;
    }
    return s;
}

static void add(void *state, const struct tap_event *ev, enum tap_source source, uint64_t error)
{
    struct state *s = state;

    journeys_add(s->journeys, ev, source, error);
}

static int end(void *state)
{
    struct state *s = state;

    journeys_end(s->journeys);
    return journeys_error(s->journeys);
}

static json_t *whys(const uint64_t *counts)
{
    json_t *o = json_object();

    for (int i = 1; i < WHYS; i++)
        json_count(o, journey_whys[i], counts[i]);
    return o;
}

static json_t *summary(void *state)
{
    static const char *const types[] = {"drawable", "surface_cmd", "cursor_cmd"};
    const struct journey_counts *s = journeys_summary(((struct state *)state)->journeys);
    json_t *o = json_pack("{sI sI sI sI sI sI sI}", "lives", (json_int_t)s->lives, "inside",
                          (json_int_t)s->inside, "whole", (json_int_t)s->whole, "order_violations",
                          (json_int_t)s->order[ORDER_VIOLATED], "order_within_error",
                          (json_int_t)s->order[ORDER_WITHIN_ERROR], "worst_within_error_ns",
                          (json_int_t)s->worst_within, "open_at_once", (json_int_t)s->open_most);
    json_t *by_type = json_object(), *by_end = json_object();

    for (int i = 0; i < 3; i++)
        json_count(by_type, types[i], s->by_type[i]);
    for (int i = 0; i < JOURNEY_ENDS; i++)
        json_count(by_end, journey_ends[i], s->by_end[i]);
    json_object_set_new(o, "inside_by_type", by_type);
    json_object_set_new(o, "ends", by_end);
    json_object_set_new(o, "not_whole_inside", whys(s->why_inside));
    json_object_set_new(o, "not_whole_outside", whys(s->why_outside));
    json_object_set_new(o, "id_reused", json_integer((json_int_t)s->reused));
    json_object_set_new(o, "ring_pushes", json_integer((json_int_t)s->pushes));
    json_object_set_new(o, "ring_pushes_not_tied", json_integer((json_int_t)s->pushes_not_tied));
    json_object_set_new(o, "pushes_without_id", json_integer((json_int_t)s->unknown_pushes));
    json_object_set_new(o, "wrong_drawable", json_integer((json_int_t)s->wrong_drawable));
    json_object_set_new(o, "guest_events", json_integer((json_int_t)s->guest_events));
    json_object_set_new(o, "clock_error_ns",
                        s->worst_error == UINT64_MAX ? json_null()
                                                     : json_integer((json_int_t)s->worst_error));
    json_object_set_new(o, "generations_restarted",
                        json_integer((json_int_t)s->generations_restarted));
    return o;
}

static void text(const json_t *s, FILE *f)
{
    fprintf(f, "releases allocated and freed inside the recording: %lld, whole ",
            json_number(s, "inside"));
    text_share(f, s, "whole", "inside");
    fprintf(f, ", order violations %lld\n", json_number(s, "order_violations"));
    text_counts(f, s, "not whole, inside the recording", "not_whole_inside");
    text_counts(f, s, "by type", "inside_by_type");
    fprintf(f, "all releases seen: %lld (%lld in a reused id)\n", json_number(s, "lives"),
            json_number(s, "id_reused"));
    text_counts(f, s, "ends", "ends");
    text_counts(f, s, "not whole, not inside", "not_whole_outside");
    fprintf(f, "order not judged, finer than the clock: %lld, by %lld ns at most; clock error ",
            json_number(s, "order_within_error"), json_number(s, "worst_within_error_ns"));
    if (json_is_null(json_object_get(s, "clock_error_ns")))
        fprintf(f, "unknown\n");
    else
        fprintf(f, "%lld ns\n", json_number(s, "clock_error_ns"));
    fprintf(f, "pushes on the release ring: %lld, not linked to their releases %lld\n",
            json_number(s, "ring_pushes"), json_number(s, "ring_pushes_not_tied"));
}

static void overflows(const void *state, json_t *list)
{
    journeys_overflows(((const struct state *)state)->journeys, list);
}

static void release(void *state)
{
    struct state *s = state;

    journeys_free(s->journeys);
    free(s);
}

const struct link_view view_journeys = {
    .schema = &schema,
    .begin = begin,
    .add = add,
    .end = end,
    .summary = summary,
    .text = text,
    .overflows = overflows,
    .free = release,
};
