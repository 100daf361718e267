/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row for each fence of a virtio-gpu guest. The id is the driver's own count
 * (virtio_gpu_fence_emit, drivers/gpu/drm/virtio/virtgpu_fence.c). It starts anew with the driver.
 * It is also the fence's seqno, but only once the fence is emitted: dma_fence_init reports 0, so
 * that event cannot be linked. QEMU reports fences only if it renders with virgl
 * (virtio-gpu-virgl.c); otherwise it answers each command at once.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/bounded.h"
#include "base/hash.h"
#include "event/fields.h"
#include "links/links.h"

enum { MAX_OPEN = 65536 };
#define PATIENCE 5000000000u /* ns: a fence's last event comes no later after its response */

#define COLUMNS(C)                                                                                 \
    C(fence, UNSIGNED, "", ALWAYS, _, "the driver's number")                                       \
    C(type, HEX, "", MAYBE, _, "of the command")                                                   \
    C(context, UNSIGNED, "", ALWAYS, _, "the rendering context")                                   \
    C(queue, UNSIGNED, "ns", MAYBE, _, "when the guest queued the command")                        \
    C(qemu_ctrl, UNSIGNED, "ns", MAYBE, _, "when QEMU took it")                                    \
    C(qemu_resp, UNSIGNED, "ns", MAYBE, _, "when QEMU answered")                                   \
    C(response, UNSIGNED, "ns", MAYBE, _, "when the guest had the answer")                         \
    C(response_type, HEX, "", MAYBE, _, "of the answer")                                           \
    C(signaled, UNSIGNED, "ns", MAYBE, _, "when the driver signaled its dma_fence")                \
    C(both_ends, FLAG, "", ALWAYS, _, "queue and response are there")                              \
    C(whole, FLAG, "", ALWAYS, _, "all of its events are there, in order")                         \
    C(why, TEXT, "", MAYBE, _, "why it is not whole")                                              \
    C(order, TEXT, "", ALWAYS, _, "ok, within_error or violated")                                  \
    C(error, UNSIGNED, "ns", MAYBE, _, "bound on the error of the guest's times")

LINK_COLUMNS(COLUMNS);

static const struct schema schema = {"fences", "each fence of a virtio-gpu guest", columns,
                                     AT_COUNT};

#define WHYS_OF_FENCE(W)                                                                           \
    W(none)                                                                                        \
    W(began_before)                                                                                \
    W(open_at_end)                                                                                 \
    W(loss)                                                                                        \
    W(no_queue)                                                                                    \
    W(no_response)                                                                                 \
    W(no_signal)                                                                                   \
    W(no_qemu)                                                                                     \
    W(too_many_open)                                                                               \
    W(order)
enum fence_why {
#define W(name) FENCE_##name,
    WHYS_OF_FENCE(W)
#undef W
        FENCE_WHYS
};
static const char *const whys[FENCE_WHYS] = {
#define W(name) #name,
    WHYS_OF_FENCE(W)
#undef W
};

struct fence {
    uint64_t id, first, after, queue, ctrl, resp, response, signaled, error;
    uint32_t type, context, response_type;
    uint64_t losses; /* of the guest and QEMU, when it began */
    struct fence *next;
    bool findable; /* in state.open; else a later fence has its id */
    UT_hash_handle hh;
};

struct state {
    struct row_sink *rows;
    struct fence *open;        /* by id */
    struct fence *head, *tail; /* in order of their first event */
    struct bounded places;     /* over: fences given up */
    uint64_t queued;           /* the latest fence */
    uint64_t losses, now, fences, inside, both, whole, violated, within;
    uint64_t why_count[FENCE_WHYS];
    bool virgl, signals;
    int error;
};

static void *begin(struct row_sink *rows)
{
    struct state *s = calloc(1, sizeof(*s));

    if (s)
        s->rows = rows;
    return s;
}

/* virtio_gpu_queue_ctrl_sgs (drivers/gpu/drm/virtio/virtgpu_vq.c) shows the command to the device
 * and then traces it, both under the queue's lock. So QEMU may have it before the guest's event,
 * but not before the event of the previous fence (`after`). */
static enum link_order order(const struct fence *f)
{
    uint64_t a = f->queue, c = f->resp, d = f->response;
    uint64_t early = f->ctrl && f->ctrl < f->after ? f->after - f->ctrl : 0;
    uint64_t late = c && d && c > d ? c - d : 0;
    bool bad =
        (a && d && a > d) || (f->signaled && d && f->signaled < d - (d > f->error ? f->error : d));

    if (bad || early > f->error || late > f->error)
        return ORDER_VIOLATED;
    return early || late ? ORDER_WITHIN_ERROR : ORDER_OK;
}

/* What is missing first. */
static enum fence_why missing(const struct state *s, const struct fence *f, bool at_end)
{
    bool lost = s->losses != f->losses;

    if (!f->queue)
        return lost ? FENCE_loss : s->both ? FENCE_no_queue : FENCE_began_before;
    if (!f->response)
        return at_end ? FENCE_open_at_end : lost ? FENCE_loss : FENCE_no_response;
    if (s->virgl && (!f->ctrl || !f->resp))
        return lost ? FENCE_loss : FENCE_no_qemu;
    if (s->signals && !f->signaled)
        return lost ? FENCE_loss : FENCE_no_signal;
    return FENCE_none;
}

static void hide(struct state *s, struct fence *f)
{
    if (f->findable)
        HASH_DEL(s->open, f);
    f->findable = false;
}

static struct fence *find(const struct state *s, uint64_t id)
{
    struct fence *f;

    HASH_FIND_U64(s->open, &id, f);
    return f;
}

static void put_fence(const struct state *s, const struct fence *f, enum fence_why why,
                      enum link_order o)
{
    struct row row, *r = &row;

    row_clear(r, &schema);
    row_set(r, AT_fence, f->id);
    row_known(r, AT_type, f->type);
    row_set(r, AT_context, f->context);
    row_known(r, AT_queue, f->queue);
    row_known(r, AT_qemu_ctrl, f->ctrl);
    row_known(r, AT_qemu_resp, f->resp);
    row_known(r, AT_response, f->response);
    row_known(r, AT_response_type, f->response_type);
    row_known(r, AT_signaled, f->signaled);
    row_set(r, AT_both_ends, f->queue && f->response);
    row_set(r, AT_whole, !why);
    row_text(r, AT_why, why ? whys[why] : NULL);
    row_text(r, AT_order, link_orders[o]);
    row_bounded(r, AT_error, f->error);
    row_put(s->rows, r);
}

/* The oldest fence is over, or given up for want of room. */
static void emit(struct state *s, bool at_end, bool given_up)
{
    struct fence *f = s->head;
    enum fence_why why = missing(s, f, at_end);
    enum link_order o = order(f);

    s->head = f->next;
    if (!s->head)
        s->tail = NULL;
    s->places.count--;
    hide(s, f);
    if (given_up && why >= FENCE_no_queue)
        why = FENCE_too_many_open;
    if (!why && o == ORDER_VIOLATED)
        why = FENCE_order;
    s->fences++;
    s->inside += f->queue && (f->response || !at_end);
    s->both += f->queue && f->response;
    s->whole += !why;
    s->violated += o == ORDER_VIOLATED;
    s->within += o == ORDER_WITHIN_ERROR;
    s->why_count[why]++;
    put_fence(s, f, why, o);
    free(f);
}

static bool is_over(const struct state *s, const struct fence *f)
{
    return f->queue && f->response && (!s->signals || f->signaled) &&
           (!s->virgl || (f->ctrl && f->resp));
}

static bool is_late(const struct state *s, const struct fence *f)
{
    return f->response && s->now > f->response && s->now - f->response > PATIENCE;
}

static struct fence *fence_of(struct state *s, uint64_t id, uint64_t t)
{
    struct fence *f = find(s, id);

    if (f)
        return f;
    f = calloc(1, sizeof(*f));
    if (f) {
        f->id = id;
        HASH_ADD_U64(s->open, id, f);
    }
    if (!f || !f->hh.tbl) {
        free(f);
        s->error = -ENOMEM;
        return NULL;
    }
    f->findable = true;
    f->first = t;
    f->losses = s->losses;
    if (s->tail)
        s->tail->next = f;
    else
        s->head = f;
    s->tail = f;
    s->places.count++;
    return f;
}

static void queued(struct state *s, const struct tap_event *ev, uint64_t error)
{
    const struct fields_guest_virtio_queue *e = FIELDS(ev, guest_virtio_queue);
    struct fence *f = e->fence ? fence_of(s, e->fence, ev->time) : NULL;

    if (f && f->queue) { /* the driver began anew: this is another fence */
        hide(s, f);
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
        f = find(s, FIELDS(ev, guest_fence_signaled)->seqno);
        if (FIELDS(ev, guest_fence_signaled)->driver != FENCE_DRIVER_virtio_gpu)
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
        f = find(s, FIELDS(ev, virtio_gpu_fence_resp)->fence);
        if (f)
            f->resp = ev->time;
        break;
    default:
        return;
    }
    while (s->head && (is_over(s, s->head) || is_late(s, s->head)))
        emit(s, false, false);
    if (bounded_overflows(&s->places, MAX_OPEN + 1))
        emit(s, false, true);
}

static int end(void *state)
{
    struct state *s = state;

    while (s->head)
        emit(s, true, false);
    return s->error;
}

static json_t *summary(void *state)
{
    const struct state *s = state;
    json_t *reasons = json_object();
    json_t *o = json_pack("{sI sI sI sI sI sI sb}", "fences", (json_int_t)s->fences, "inside",
                          (json_int_t)s->inside, "both_ends", (json_int_t)s->both, "whole",
                          (json_int_t)s->whole, "order_violations", (json_int_t)s->violated,
                          "order_within_error", (json_int_t)s->within, "qemu_tells", (int)s->virgl);

    for (int i = 1; i < FENCE_order; i++)
        json_count(reasons, whys[i], s->why_count[i]);
    json_object_set_new(o, "not_whole", reasons);
    return o;
}

static void text(const json_t *s, FILE *f)
{
    fprintf(f, "fences queued and due inside the recording: %lld, both ends ",
            json_number(s, "inside"));
    text_share(f, s, "both_ends", "inside");
    fprintf(f, ", whole ");
    text_share(f, s, "whole", "inside");
    fprintf(f, ", order violations %lld\n", json_number(s, "order_violations"));
    text_counts(f, s, "not whole", "not_whole");
    fprintf(f, "fences seen: %lld; QEMU %s them in this run\n", json_number(s, "fences"),
            json_is_true(json_object_get(s, "qemu_tells")) ? "reports" : "does not report");
}

static void overflows(const void *state, json_t *list)
{
    json_count(list, "open_fences", ((const struct state *)state)->places.over);
}

static void release(void *state)
{
    struct state *s = state;

    HASH_CLEAR(hh, s->open);
    while (s->head) {
        struct fence *f = s->head;

        s->head = f->next;
        free(f);
    }
    free(s);
}

const struct link_view view_fences = {
    .schema = &schema,
    .begin = begin,
    .add = add,
    .end = end,
    .summary = summary,
    .text = text,
    .overflows = overflows,
    .free = release,
};
