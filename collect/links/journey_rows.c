/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap export --journeys: a row for each release. docs/journeys.md says what a column is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "links/journey.h"
#include "links/links.h"

#define COLUMNS(C)                                                                                 \
    C(release_id, HEX)                                                                             \
    C(generation, NUMBER)                                                                          \
    C(display, NUMBER)                                                                             \
    C(type, TEXT)                                                                                  \
    C(size, NUMBER)                                                                                \
    C(alloc, NUMBER)                                                                               \
    C(alloc_took, NUMBER)                                                                          \
    C(alloc_tid, NUMBER)                                                                           \
    C(bo_domain, TEXT)                                                                             \
    C(bo_size, NUMBER)                                                                             \
    C(push_begin, NUMBER)                                                                          \
    C(push_end, NUMBER)                                                                            \
    C(push_result, SIGNED)                                                                         \
    C(cmd, NUMBER)                                                                                 \
    C(cmd_type, TEXT)                                                                              \
    C(drawable, HEX)                                                                               \
    C(draw, NUMBER)                                                                                \
    C(draw_type, TEXT)                                                                             \
    C(verdict, TEXT)                                                                               \
    C(box, BOX)                                                                                    \
    C(stream, SIGNED)                                                                              \
    C(stream_attach, NUMBER)                                                                       \
    C(frames, NUMBER)                                                                              \
    C(frame_bytes, NUMBER)                                                                         \
    C(frames_dropped, NUMBER)                                                                      \
    C(images, NUMBER)                                                                              \
    C(image_bytes, NUMBER)                                                                         \
    C(bytes_sent, NUMBER)                                                                          \
    C(evict, NUMBER)                                                                               \
    C(evict_oom, NUMBER)                                                                           \
    C(release, NUMBER)                                                                             \
    C(res_put, NUMBER)                                                                             \
    C(res_push, NUMBER)                                                                            \
    C(free, NUMBER)                                                                                \
    C(reclaimed, FLAG)                                                                             \
    C(end, TEXT)                                                                                   \
    C(inside, FLAG)                                                                                \
    C(whole, FLAG)                                                                                 \
    C(why, TEXT)                                                                                   \
    C(order, TEXT)                                                                                 \
    C(error, NUMBER)

enum {
#define C(name, kind) J_##name,
    COLUMNS(C)
#undef C
        J_COUNT
};

static const struct row_column columns[] = {
#define C(name, kind) {#name, CELL_##kind},
    COLUMNS(C)
#undef C
};

struct state {
    struct rows *rows;
    struct journeys *journeys;
};

static void guest_cells(struct cell *c, const struct life *l)
{
    if (l->type >= 0)
        cell_enum(&c[J_type], EV_guest_alloc, "type", (uint64_t)l->type);
    cell_known(&c[J_size], l->size);
    cell_known(&c[J_alloc], l->alloc.t);
    if (l->alloc.t) {
        cell_number(&c[J_alloc_took], (uint64_t)l->alloc_took);
        cell_number(&c[J_alloc_tid], l->alloc_tid);
        cell_number(&c[J_error], l->alloc.error);
    }
    if (l->bo_domain >= 0) {
        cell_enum(&c[J_bo_domain], EV_guest_bo, "domain", (uint64_t)l->bo_domain);
        cell_number(&c[J_bo_size], l->bo_size);
    }
    if (l->push_begin.t) {
        cell_number(&c[J_push_begin], l->push_begin.t);
        cell_number(&c[J_push_end], l->push_end.t);
        cell_number(&c[J_push_result], (uint64_t)l->push_result);
    }
    if (l->freed) {
        cell_number(&c[J_free], l->free.t);
        cell_number(&c[J_reclaimed], !l->gave_up);
        cell_number(&c[J_error], l->free.error);
    }
}

static void server_cells(struct cell *c, const struct life *l)
{
    cell_known(&c[J_cmd], l->cmd);
    if (l->cmd_type >= 0)
        cell_enum(&c[J_cmd_type], EV_cmd, "type", (uint64_t)l->cmd_type);
    cell_known(&c[J_drawable], l->drawable);
    cell_known(&c[J_draw], l->draw);
    if (l->draw) {
        cell_enum(&c[J_draw_type], EV_draw, "type", (uint64_t)l->draw_type);
        cell_enum(&c[J_verdict], EV_draw, "verdict", (uint64_t)l->verdict);
    }
    if (l->draw || l->evict)
        cell_box(&c[J_box], l->box);
    if (l->stream >= 0)
        cell_number(&c[J_stream], (uint64_t)(int64_t)l->stream);
    cell_known(&c[J_stream_attach], l->streamed);
    if (l->on_server) {
        cell_number(&c[J_frames], l->frames);
        cell_number(&c[J_frame_bytes], l->frame_bytes);
        cell_number(&c[J_frames_dropped], l->drops);
        cell_number(&c[J_images], l->images);
        cell_number(&c[J_image_bytes], l->image_bytes);
        cell_number(&c[J_bytes_sent], l->frame_bytes + l->image_bytes);
    }
    cell_known(&c[J_evict], l->evict);
    cell_known(&c[J_evict_oom], l->oom);
    cell_known(&c[J_release], l->release);
    cell_known(&c[J_res_put], l->put);
    cell_known(&c[J_res_push], l->res_push);
}

static void closed(void *context, const struct life *l)
{
    struct state *s = context;
    struct cell c[ROW_CELLS] = {0};

    if (s->rows->silent)
        return;
    cell_number(&c[J_release_id], l->id);
    cell_number(&c[J_generation], l->generation);
    cell_number(&c[J_display], l->display);
    guest_cells(c, l);
    server_cells(c, l);
    cell_text(&c[J_end], l->end);
    cell_number(&c[J_inside], l->inside);
    cell_number(&c[J_whole], l->whole);
    if (l->why)
        cell_text(&c[J_why], journey_whys[l->why]);
    cell_text(&c[J_order], journey_orders[l->order]);
    rows_put(s->rows, c);
}

static void *begin(struct rows *rows)
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
    static const char *const ends[] = {"released",    "evicted",      "guest_gave_up",
                                       "open_at_end", "began_before", "not_seen"};
    const struct journeys_summary *s = journeys_summary(((struct state *)state)->journeys);
    json_t *o = json_pack("{sI sI sI sI sI sI sI}", "lives", (json_int_t)s->lives, "inside",
                          (json_int_t)s->inside, "whole", (json_int_t)s->whole, "order_violations",
                          (json_int_t)s->order[ORDER_VIOLATED], "order_within_error",
                          (json_int_t)s->order[ORDER_WITHIN_ERROR], "worst_within_error_ns",
                          (json_int_t)s->worst_within, "open_at_once", (json_int_t)s->open_most);
    json_t *by_type = json_object(), *by_end = json_object();

    for (int i = 0; i < 3; i++)
        json_count(by_type, types[i], s->by_type[i]);
    for (int i = 0; i < 6; i++)
        json_count(by_end, ends[i], s->by_end[i]);
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
    json_object_set_new(o, "clock_error_ns", json_integer((json_int_t)s->worst_error));
    json_object_set_new(o, "generations_restarted",
                        json_integer((json_int_t)s->generations_restarted));
    return o;
}

static void text(const json_t *s, FILE *f)
{
    fprintf(f, "releases allocated and freed inside the recording: %lld, whole ",
            number_of(s, "inside"));
    text_share(f, s, "whole", "inside");
    fprintf(f, ", order violations %lld\n", number_of(s, "order_violations"));
    text_counts(f, s, "not whole, inside the recording", "not_whole_inside");
    text_counts(f, s, "by type", "inside_by_type");
    fprintf(f, "all releases seen: %lld (%lld in a reused id)\n", number_of(s, "lives"),
            number_of(s, "id_reused"));
    text_counts(f, s, "ends", "ends");
    text_counts(f, s, "not whole, not inside", "not_whole_outside");
    fprintf(
        f,
        "order not judged, finer than the clock: %lld, by %lld ns at most; clock error %lld ns\n",
        number_of(s, "order_within_error"), number_of(s, "worst_within_error_ns"),
        number_of(s, "clock_error_ns"));
    fprintf(f, "pushes on the release ring: %lld, not tied to their releases %lld\n",
            number_of(s, "ring_pushes"), number_of(s, "ring_pushes_not_tied"));
}

static void release(void *state)
{
    struct state *s = state;

    journeys_free(s->journeys);
    free(s);
}

const struct link_view view_journeys = {
    .name = "journeys",
    .columns = columns,
    .count = J_COUNT,
    .begin = begin,
    .add = add,
    .end = end,
    .summary = summary,
    .text = text,
    .free = release,
};
