/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spicetap export --fences: a row for each fence of a virtio-gpu guest. The id is the driver's own
 * count (virtio_gpu_fence_emit, drivers/gpu/drm/virtio/virtgpu_fence.c); it starts anew with the
 * driver. It is the fence's seqno too, but only once it is emitted: dma_fence_init says 0, so that
 * event cannot be tied. QEMU tells of a fence only if it renders with virgl (virtio-gpu-virgl.c);
 * without, it answers each command at once.
 */
#include <errno.h>
#include <stdlib.h>

#include "event/fields.h"
#include "links/links.h"
#include "base/map.h"

enum { MAX_OPEN = 65536, DRIVER_VIRTIO = 2 };
#define PATIENCE 5000000000u /* ns that a fence's last event may come late */

#define COLUMNS(C)                                                                                 \
    C(fence, NUMBER)                                                                               \
    C(type, HEX)                                                                                   \
    C(context, NUMBER)                                                                             \
    C(queue, NUMBER)                                                                               \
    C(qemu_ctrl, NUMBER)                                                                           \
    C(qemu_resp, NUMBER)                                                                           \
    C(response, NUMBER)                                                                            \
    C(response_type, HEX)                                                                          \
    C(signaled, NUMBER)                                                                            \
    C(both_ends, FLAG)                                                                             \
    C(whole, FLAG)                                                                                 \
    C(why, TEXT)                                                                                   \
    C(order, TEXT)                                                                                 \
    C(error, NUMBER)

enum {
#define C(name, kind) F_##name,
    COLUMNS(C)
#undef C
        F_COUNT
};

static const struct row_column columns[] = {
#define C(name, kind) {#name, CELL_##kind},
    COLUMNS(C)
#undef C
};

struct fence {
    uint64_t id, first, after, queue, ctrl, resp, response, signaled, error;
    uint32_t type, context, response_type;
    uint64_t losses; /* of the guest and QEMU, when it began */
    struct fence *next;
};

struct state {
    struct rows *rows;
    struct map open;
    struct fence *head, *tail; /* in order of their first event */
    size_t count;
    uint64_t queued; /* the latest fence */
    uint64_t losses, now, fences, inside, both, whole, violated, within;
    uint64_t began_before, open_at_end, lost, no_queue, no_response, no_signal, no_qemu;
    bool virgl, signals;
    int error;
};

static void *begin(struct rows *rows)
{
    struct state *s = calloc(1, sizeof(*s));

    if (s)
        s->rows = rows;
    return s;
}

/* virtio_gpu_queue_ctrl_sgs (drivers/gpu/drm/virtio/virtgpu_vq.c) shows the command to the device,
 * then traces it, both under the queue's lock: QEMU may have it before the guest's event, but not
 * before that of the fence before it (`after`). */
static unsigned order(const struct fence *f)
{
    uint64_t a = f->queue, c = f->resp, d = f->response;
    uint64_t early = f->ctrl && f->ctrl < f->after ? f->after - f->ctrl : 0;
    uint64_t late = c && d && c > d ? c - d : 0;
    bool bad =
        (a && d && a > d) || (f->signaled && d && f->signaled < d - (d > f->error ? f->error : d));

    return bad || early > f->error || late > f->error ? 2 : early || late;
}

static const char *why(struct state *s, const struct fence *f, bool at_end)
{
    bool lost = s->losses != f->losses;

    if (!f->queue && !lost && f->first < s->now && !s->both)
        s->began_before++;
    else if (!f->queue)
        lost ? s->lost++ : s->no_queue++;
    else if (!f->response && at_end)
        s->open_at_end++;
    else if (!f->response)
        lost ? s->lost++ : s->no_response++;
    else if (s->virgl && (!f->ctrl || !f->resp))
        lost ? s->lost++ : s->no_qemu++;
    else if (s->signals && !f->signaled)
        lost ? s->lost++ : s->no_signal++;
    if (!f->queue)
        return lost ? "loss" : s->both ? "no_queue" : "began_before";
    if (!f->response)
        return at_end ? "open_at_end" : lost ? "loss" : "no_response";
    if (s->virgl && (!f->ctrl || !f->resp))
        return lost ? "loss" : "no_qemu";
    return s->signals && !f->signaled ? lost ? "loss" : "no_signal" : NULL;
}

static void emit(struct state *s, bool at_end)
{
    static const char *const orders[] = {"ok", "within_error", "violated"};
    struct cell c[ROW_CELLS] = {0};
    struct fence *f = s->head;
    const char *reason = why(s, f, at_end);
    unsigned o = order(f);
    bool both = f->queue && f->response, whole = !reason && o < 2;

    s->head = f->next;
    if (!s->head)
        s->tail = NULL;
    s->count--;
    if (map_get(&s->open, f->id) == f)
        map_remove(&s->open, f->id);
    s->fences++;
    s->inside += f->queue && (f->response || !at_end);
    s->both += both;
    s->whole += whole;
    s->violated += o == 2;
    s->within += o == 1;
    cell_number(&c[F_fence], f->id);
    cell_known(&c[F_type], f->type);
    cell_number(&c[F_context], f->context);
    cell_known(&c[F_queue], f->queue);
    cell_known(&c[F_qemu_ctrl], f->ctrl);
    cell_known(&c[F_qemu_resp], f->resp);
    cell_known(&c[F_response], f->response);
    cell_known(&c[F_response_type], f->response_type);
    cell_known(&c[F_signaled], f->signaled);
    cell_number(&c[F_both_ends], both);
    cell_number(&c[F_whole], whole);
    cell_text(&c[F_why], reason ? reason : o == 2 ? "order" : NULL);
    cell_text(&c[F_order], orders[o]);
    cell_number(&c[F_error], f->error);
    rows_put(s->rows, c);
    free(f);
}

static bool is_over(const struct state *s, const struct fence *f)
{
    return f->queue && f->response && (!s->signals || f->signaled) &&
           (!s->virgl || (f->ctrl && f->resp));
}

static struct fence *fence_of(struct state *s, uint64_t id, uint64_t t)
{
    struct fence *f = map_get(&s->open, id);

    if (f)
        return f;
    f = calloc(1, sizeof(*f));
    if (!f || map_set(&s->open, id, f)) {
        free(f);
        s->error = -ENOMEM;
        return NULL;
    }
    f->id = id;
    f->first = t;
    f->losses = s->losses;
    if (s->tail)
        s->tail->next = f;
    else
        s->head = f;
    s->tail = f;
    s->count++;
    return f;
}

static void queued(struct state *s, const struct tap_event *ev, uint64_t error)
{
    const struct fields_guest_virtio_queue *e = FIELDS(ev, guest_virtio_queue);
    struct fence *f = e->fence ? fence_of(s, e->fence, ev->time) : NULL;

    if (f && f->queue) { /* the driver began anew: this is another fence */
        map_remove(&s->open, e->fence);
        f = fence_of(s, e->fence, ev->time);
    }
    if (!f)
        return;
    f->queue = ev->time;
    f->after = s->queued < ev->time ? s->queued : ev->time;
    s->queued = ev->time;
    f->error = error;
    f->type = (uint32_t)e->type;
    f->context = (uint32_t)e->context;
}

static void responded(struct state *s, const struct tap_event *ev, uint64_t error)
{
    const struct fields_guest_virtio_response *e = FIELDS(ev, guest_virtio_response);
    struct fence *f = e->fence ? fence_of(s, e->fence, ev->time) : NULL;

    if (!f || f->response)
        return;
    f->response = ev->time;
    f->error = error > f->error ? error : f->error;
    f->response_type = (uint32_t)e->type;
}

static void add(void *state, const struct tap_event *ev, enum tap_source source, uint64_t error)
{
    struct state *s = state;
    struct fence *f;

    s->now = ev->time;
    switch (ev->kind) {
    case EV_loss:
        s->losses += source == SOURCE_GUEST || source == SOURCE_QEMU;
        break;
    case EV_guest_virtio_queue:
        queued(s, ev, error);
        break;
    case EV_guest_virtio_response:
        responded(s, ev, error);
        break;
    case EV_guest_fence_signaled:
        f = map_get(&s->open, FIELDS(ev, guest_fence_signaled)->seqno);
        if (FIELDS(ev, guest_fence_signaled)->driver != DRIVER_VIRTIO)
            break;
        s->signals = true;
        if (f && !f->signaled)
            f->signaled = ev->time;
        break;
    case EV_virtio_gpu_fence_ctrl:
        s->virgl = true;
        f = fence_of(s, FIELDS(ev, virtio_gpu_fence_ctrl)->fence, ev->time);
        if (f)
            f->ctrl = ev->time;
        break;
    case EV_virtio_gpu_fence_resp:
        f = map_get(&s->open, FIELDS(ev, virtio_gpu_fence_resp)->fence);
        if (f)
            f->resp = ev->time;
        break;
    default:
        return;
    }
    while (s->head && (is_over(s, s->head) || s->count > MAX_OPEN ||
                       (s->head->response && s->now > s->head->response &&
                        s->now - s->head->response > PATIENCE)))
        emit(s, false);
}

static int end(void *state)
{
    struct state *s = state;

    while (s->head)
        emit(s, true);
    return s->error;
}

static json_t *summary(void *state)
{
    const struct state *s = state;
    json_t *whys = json_object();
    json_t *o = json_pack("{sI sI sI sI sI sI sb}", "fences", (json_int_t)s->fences, "inside",
                          (json_int_t)s->inside, "both_ends", (json_int_t)s->both, "whole",
                          (json_int_t)s->whole, "order_violations", (json_int_t)s->violated,
                          "order_within_error", (json_int_t)s->within, "qemu_tells", (int)s->virgl);

    json_count(whys, "began_before", s->began_before);
    json_count(whys, "open_at_end", s->open_at_end);
    json_count(whys, "loss", s->lost);
    json_count(whys, "no_queue", s->no_queue);
    json_count(whys, "no_response", s->no_response);
    json_count(whys, "no_signal", s->no_signal);
    json_count(whys, "no_qemu", s->no_qemu);
    json_object_set_new(o, "not_whole", whys);
    return o;
}

static void text(const json_t *s, FILE *f)
{
    fprintf(f, "fences queued and due inside the recording: %lld, both ends ",
            number_of(s, "inside"));
    text_share(f, s, "both_ends", "inside");
    fprintf(f, ", whole ");
    text_share(f, s, "whole", "inside");
    fprintf(f, ", order violations %lld\n", number_of(s, "order_violations"));
    text_counts(f, s, "not whole", "not_whole");
    fprintf(f, "fences seen: %lld; QEMU %s of fences in this run\n", number_of(s, "fences"),
            json_is_true(json_object_get(s, "qemu_tells")) ? "tells" : "does not tell");
}

static void release(void *state)
{
    struct state *s = state;

    while (s->head) {
        struct fence *f = s->head;

        s->head = f->next;
        free(f);
    }
    map_free(&s->open);
    free(s);
}

const struct link_view view_fences = {
    .name = "fences",
    .columns = columns,
    .count = F_COUNT,
    .begin = begin,
    .add = add,
    .end = end,
    .summary = summary,
    .text = text,
    .free = release,
};
