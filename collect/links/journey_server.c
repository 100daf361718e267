/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the server reports of the releases. */
#include "links/journey_state.h"

/* The next life that the server reports, at time t. The server never saw a life that ended in the
 * guest before t. A life that began later is another one. */
static struct life *next_server_life(struct journeys *j, struct id *id, uint64_t t)
{
    struct life *before = id->server, *l = before ? before->next : id->head;

    if (before)
        before->passed = true;
    while (l && l->on_guest) {
        uint64_t over = l->freed ? l->free.t + l->free.error : UINT64_MAX;
        uint64_t began = journey_began(l->alloc.t, l->alloc_took);
        bool never = l->gave_up && (!l->push_begin.t || l->push_result < 0);

        if (l->freed && over < l->free.t)
            over = UINT64_MAX;
        if (l->alloc.t && began > l->alloc.error && began - l->alloc.error > t) {
            l = NULL; /* an earlier one that the guest did not report */
            break;
        }
        if (!never && over >= t)
            break;
        l->passed = true;
        before = l;
        l = l->next;
    }
    if (!l)
        l = journey_new_life(j, id, before);
    if (!l)
        return NULL;
    l->left |= !l->on_guest && l->next; /* the guest is at a later one */
    l->on_server = true;
    id->server = l;
    return l;
}

/* The open life of a drawable's event. NULL: it began before the recording, or the guest's memory
 * names a wrong release. */
static struct life *server_life(struct journeys *j, uint64_t display, uint64_t value,
                                uint64_t drawable)
{
    struct id *id = journey_known_id(j, display, value);
    struct life *l = id ? id->server : NULL;

    if (!l || l->release)
        return NULL;
    if (l->drawable && drawable && l->drawable != drawable) {
        j->sum.wrong_drawable++;
        return NULL;
    }
    return l;
}

static void cmd(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_cmd *e = FIELDS(ev, cmd);
    struct life *l;
    struct id *id;

    if (e->group != GROUP_GUEST || !e->release_id)
        return;
    if (j->device < 0)
        j->device = (int64_t)e->display;
    id = journey_id(j, e->display, e->release_id);
    l = id ? next_server_life(j, id, ev->time) : NULL;
    if (!l)
        return;
    l->group = GROUP_GUEST;
    l->cmd = ev->time;
    l->cmd_type = (int)e->type;
    journey_settle(j, id);
}

static void draw(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_draw *e = FIELDS(ev, draw);
    struct life *l = server_life(j, e->display, e->release_id, 0);

    if (!l || l->draw || (l->cmd && l->cmd_type != QXL_CMD_draw))
        return;
    l->draw = ev->time;
    l->drawable = e->drawable;
    l->draw_type = (int)e->type;
    l->verdict = (int)e->verdict;
    memcpy(l->box, &e->box, sizeof(l->box));
}

static void evict(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_evict *e = FIELDS(ev, evict);
    struct life *l = server_life(j, e->display, e->release_id, e->drawable);
    struct thread *t = journey_thread(j, SOURCE_SPICE, ev->tid);

    if (!l || !t)
        return;
    l->evict = ev->time;
    l->oom = t->oom;
    l->drawable = e->drawable;
    memcpy(l->box, &e->box, sizeof(l->box));
}

static void release(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_release *e = FIELDS(ev, release);
    struct life *l = server_life(j, e->display, e->release_id, e->drawable);
    struct thread *t = journey_thread(j, SOURCE_SPICE, ev->tid);
    struct id *id;

    if (e->group != GROUP_GUEST || !t)
        return;
    id = journey_id(j, e->display, e->release_id);
    if (!id)
        return;
    if (!l) /* it began before the recording */
        l = next_server_life(j, id, ev->time);
    if (!l)
        return;
    l->group = GROUP_GUEST;
    l->drawable = e->drawable;
    l->release = ev->time;
    l->in_chain = true; /* only its push closes it now */
    if (t->releasing) { /* QEMU did not report the one before */
        j->chain_sound = false;
        journey_not_put(j, t);
    }
    t->releasing = l;
    journey_settle(j, id);
}

static void image(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_image *e = FIELDS(ev, image);
    struct life *l = server_life(j, e->display, e->release_id, e->drawable);

    if (l) {
        l->images++;
        l->image_bytes += e->sent;
    }
}

static void stream_attach(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_stream_attach *e = FIELDS(ev, stream_attach);
    struct life *l = server_life(j, e->display, e->release_id, e->drawable);

    if (l) {
        l->stream = (int32_t)e->stream;
        l->streamed = ev->time;
    }
}

static void stream_create(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_stream_create *e = FIELDS(ev, stream_create);
    struct life *l = server_life(j, e->display, e->release_id, e->drawable);

    if (l) {
        l->stream = (int32_t)e->stream;
        l->streamed = ev->time;
    }
}

static void stream_encode(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_stream_encode *e = FIELDS(ev, stream_encode);
    struct life *l = server_life(j, e->display, e->release_id, e->drawable);

    if (l) {
        l->stream = (int32_t)e->stream;
        l->frames++;
        l->frame_bytes += e->sent;
    }
}

static void stream_drop(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_stream_drop *e = FIELDS(ev, stream_drop);
    struct life *l = server_life(j, e->display, e->release_id, e->drawable);

    if (l)
        l->drops++;
}

static void oom(struct journeys *j, const struct tap_event *ev)
{
    struct thread *t = journey_thread(j, SOURCE_SPICE, ev->tid);

    if (t)
        t->oom = ev->kind == EV_oom_begin ? ev->time : 0;
}

void journey_server(struct journeys *j, const struct tap_event *ev)
{
    switch (ev->kind) {
    case EV_cmd:
        cmd(j, ev);
        break;
    case EV_draw:
        draw(j, ev);
        break;
    case EV_evict:
        evict(j, ev);
        break;
    case EV_release:
        release(j, ev);
        break;
    case EV_image:
        image(j, ev);
        break;
    case EV_stream_create:
        stream_create(j, ev);
        break;
    case EV_stream_attach:
        stream_attach(j, ev);
        break;
    case EV_stream_encode:
        stream_encode(j, ev);
        break;
    case EV_stream_drop:
        stream_drop(j, ev);
        break;
    case EV_oom_begin:
    case EV_oom_end:
        oom(j, ev);
        break;
    case EV_qxl_ring_res_put:
        journey_res_put(j, ev);
        break;
    case EV_qxl_ring_res_push:
        journey_res_push(j, ev);
        break;
    default:
        break;
    }
}
