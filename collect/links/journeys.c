/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/fields.h"
#include "links/journey.h"
#include "base/map.h"

enum {
    MAX_IDS = 1 << 20,   /* ids that are remembered; a driver uses as many as are in flight */
    MAX_LIVES = 1 << 20, /* open at once */
    MAX_QUEUE = 6,       /* lives of one id of which only one side is known */
    MAX_THREADS = 4096,
    GROUP_GUEST = 1, /* MEMSLOT_GROUP_GUEST, hw/display/qxl.h */
    CMD_DRAW = 1,
    CMD_CURSOR = 3,
    CMD_SURFACE = 5,
    UNKNOWN_TYPE = 255,
};

const char *const journey_whys[WHYS] = {
#define W(name) #name,
    JOURNEY_WHYS(W)
#undef W
};
const char *const journey_orders[3] = {"ok", "within_error", "violated"};
static const char *const ends[6] = {"released",    "evicted",      "guest_gave_up",
                                    "open_at_end", "began_before", "not_seen"};

/* One id and its lives, oldest first. `guest` and `server`: the latest life that side told of. */
struct id {
    uint64_t key, value;
    struct life *head, *tail, *guest, *server;
    uint32_t generation, display, queued;
    bool guest_seen, other_device;
};

/* A thread of the host that is about to put a release on the ring, or is in an OOM episode; or a
 * thread of the guest, with the buffer objects it made. */
struct thread {
    uint64_t key;
    struct life *releasing, *allocated;
    uint64_t bo_t, bo_began, bo_size;
    int bo_domain;
    uint64_t oom;
};

struct journeys {
    void (*closed)(void *context, const struct life *life);
    void *context;
    struct journeys_summary sum;
    struct map ids, threads;
    uint64_t open, losses[SOURCES], serial, ooms[16];
    int64_t device; /* the display whose guest commands were first seen, -1: none yet */
    bool guest_is_there;
    struct life *chain_head, *chain_tail; /* put on the release ring and not pushed */
    uint64_t chain, chain_named, push_number, push_named;
    bool chain_sound;
    int error;
};

/* ---- ids, lives, threads ------------------------------------------------------------------ */

struct journeys *journeys_new(void (*closed)(void *context, const struct life *life), void *context)
{
    struct journeys *j = calloc(1, sizeof(*j));

    if (j) {
        j->closed = closed;
        j->context = context;
        j->device = -1;
    }
    return j;
}

/* Ids that nobody uses now, and threads, are forgotten when there are too many. */
static void forget_ids(struct journeys *j)
{
    struct map kept = {0};

    for (size_t i = 0; i < j->ids.size; i++) {
        struct id *id = j->ids.slots[i].value;

        if (id && id->head) {
            if (map_set(&kept, id->key, id))
                j->error = -ENOMEM;
        } else {
            free(id);
        }
    }
    map_free(&j->ids);
    j->ids = kept;
    j->sum.generations_restarted++;
}

static void forget_threads(struct journeys *j)
{
    for (size_t i = 0; i < j->threads.size; i++) {
        struct thread *t = j->threads.slots[i].value;

        if (t && t->releasing)
            t->releasing->in_chain = false;
        free(t);
    }
    map_free(&j->threads);
}

static struct thread *thread_of(struct journeys *j, enum tap_source source, uint32_t tid)
{
    uint64_t key = (uint64_t)(source == SOURCE_GUEST) << 32 | tid;
    struct thread *t = map_get(&j->threads, key);

    if (t)
        return t;
    if (j->threads.count >= MAX_THREADS)
        forget_threads(j);
    t = calloc(1, sizeof(*t));
    if (!t || map_set(&j->threads, key, t)) {
        free(t);
        j->error = -ENOMEM;
        return NULL;
    }
    t->key = key;
    t->bo_domain = -1;
    return t;
}

static bool own_device(const struct journeys *j, uint64_t display)
{
    return j->device < 0 || (uint64_t)j->device == display;
}

static struct id *known_id(const struct journeys *j, uint64_t display, uint64_t value)
{
    uint64_t key = own_device(j, display) ? value : value ^ (display + 1) << 48;
    struct id *id = map_get(&j->ids, key);

    return id && id->value == value ? id : NULL;
}

static struct id *id_of(struct journeys *j, uint64_t display, uint64_t value)
{
    uint64_t key = own_device(j, display) ? value : value ^ (display + 1) << 48;
    struct id *id = map_get(&j->ids, key);

    if (id)
        return id->value == value ? id : NULL;
    if (j->ids.count >= MAX_IDS)
        forget_ids(j);
    id = calloc(1, sizeof(*id));
    if (!id || map_set(&j->ids, key, id)) {
        free(id);
        j->error = -ENOMEM;
        return NULL;
    }
    id->key = key;
    id->value = value;
    id->display = (uint32_t)display;
    id->other_device = !own_device(j, display);
    return id;
}

static void close_head(struct journeys *j, struct id *id, bool at_end);

/* Behind `after`, or first of all. */
static struct life *new_life(struct journeys *j, struct id *id, struct life *after)
{
    struct life *l = calloc(1, sizeof(*l));

    if (!l) {
        j->error = -ENOMEM;
        return NULL;
    }
    l->id = id->value;
    l->display = id->display;
    l->serial = ++j->serial;
    l->type = l->group = l->cmd_type = l->draw_type = l->verdict = l->bo_domain = -1;
    l->stream = -1;
    memcpy(l->loss_marks, j->losses, sizeof(l->loss_marks));
    l->next = after ? after->next : id->head;
    if (after)
        after->next = l;
    else
        id->head = l;
    if (!l->next)
        id->tail = l;
    id->queued++;
    if (++j->open > j->sum.open_most)
        j->sum.open_most = j->open;
    return l;
}

/* ---- the end of a life ---------------------------------------------------------------------- */

static void order_of(struct journeys *j, struct life *l, struct moment a, struct moment b)
{
    uint64_t bound = a.error + b.error;

    if (bound < a.error)
        bound = UINT64_MAX;
    if (!a.t || !b.t || a.t <= b.t)
        return;
    if (a.t - b.t <= bound) {
        if (a.t - b.t > j->sum.worst_within)
            j->sum.worst_within = a.t - b.t;
        if (l->order == ORDER_OK)
            l->order = ORDER_WITHIN_ERROR;
    } else {
        l->order = ORDER_VIOLATED;
    }
}

/* Allocation, push, command, draw, eviction, release, reclaim. */
static void judge_order(struct journeys *j, struct life *l)
{
    struct moment cmd = {l->cmd, 0}, draw = {l->draw, 0}, evict = {l->evict, 0};
    struct moment release = {l->release, 0}, alloc = l->alloc;

    if (alloc.t)
        alloc.t -= (uint64_t)l->alloc_took < alloc.t ? (uint64_t)l->alloc_took : 0;
    order_of(j, l, alloc, l->push_begin);
    order_of(j, l, alloc, l->free);
    order_of(j, l, l->push_begin, cmd.t ? cmd : draw);
    order_of(j, l, cmd, draw);
    order_of(j, l, draw, evict);
    order_of(j, l, draw, release);
    order_of(j, l, evict, release);
    order_of(j, l, release.t ? release : draw.t ? draw : cmd, l->free);
    if (l->push_result >= 0)
        order_of(j, l, l->push_begin, l->free);
}

static bool is_drawable(const struct life *l)
{
    return l->type == 0 || (l->type < 0 && (l->cmd_type == CMD_DRAW || l->draw));
}

/* What is missing first, in the order of the journey; in a loss of its source that is the reason.
 */
static enum journey_why missing(const struct journeys *j, const struct life *l)
{
    bool guest = j->losses[SOURCE_GUEST] != l->loss_marks[SOURCE_GUEST];
    bool spice = j->losses[SOURCE_SPICE] != l->loss_marks[SOURCE_SPICE];

    if (l->gave_up && !l->push_begin.t && !l->on_server)
        return l->alloc.t ? WHY_none : guest ? WHY_loss_guest : WHY_no_alloc;
    if (!l->alloc.t)
        return guest ? WHY_loss_guest : WHY_no_alloc;
    if (!l->push_begin.t)
        return guest ? WHY_loss_guest : WHY_no_push;
    if (l->push_result < 0)
        return l->gave_up && !l->on_server ? WHY_none : WHY_push_failed;
    if (!l->cmd)
        return spice ? WHY_loss_spice : WHY_no_cmd;
    if (is_drawable(l) && !l->draw)
        return spice ? WHY_loss_spice : WHY_no_draw;
    if (is_drawable(l) && !l->release)
        return spice ? WHY_loss_spice : WHY_no_release;
    if (!l->freed)
        return guest ? WHY_loss_guest : WHY_no_free;
    return l->order == ORDER_VIOLATED ? WHY_order : WHY_none;
}

static void judge(const struct journeys *j, const struct id *id, struct life *l, bool at_end)
{
    bool began = l->alloc.t || id->guest_seen, ended = l->freed || l->left;

    /* An id that the guest spoke of before was free before: it was allocated since. */
    l->inside = began && ended && !id->other_device && (l->alloc.t || id->generation > 1);
    l->why = missing(j, l);
    if (!l->why) {
    } else if (!j->guest_is_there) {
        l->why = WHY_no_guest;
    } else if (id->other_device) {
        l->why = WHY_other_device;
    } else if (!l->inside && !ended && at_end) {
        l->why = WHY_open_at_end;
    } else if (!l->inside && !l->alloc.t && l->why == WHY_no_alloc) {
        l->why = WHY_began_before;
    } else if (!l->inside && j->open >= MAX_LIVES) {
        l->why = WHY_too_many_open;
    }
    l->whole = !l->why;
}

static unsigned end_of(const struct journeys *j, const struct life *l)
{
    if (l->freed && l->gave_up)
        return 2;
    if (l->evict && (l->release || l->freed))
        return 1;
    if (l->freed || l->release)
        return 0;
    if (l->left)
        return 5;
    return l->alloc.t || l->cmd || !j->guest_is_there ? 3 : 4;
}

static void count(struct journeys *j, const struct life *l, unsigned end)
{
    struct journeys_summary *s = &j->sum;

    s->lives++;
    s->inside += l->inside;
    s->whole += l->inside && l->whole;
    if (l->inside && l->type >= 0 && l->type < 3)
        s->by_type[l->type]++;
    s->by_end[end]++;
    s->reused += l->generation > 1;
    s->order[l->order]++;
    s->violated_inside += l->inside && l->order == ORDER_VIOLATED;
    (l->inside ? s->why_inside : s->why_outside)[l->why]++;
}

static void close_head(struct journeys *j, struct id *id, bool at_end)
{
    struct life *l = id->head;
    unsigned end;

    id->head = l->next;
    if (!id->head)
        id->tail = NULL;
    if (id->guest == l)
        id->guest = NULL;
    if (id->server == l)
        id->server = NULL;
    id->queued--;
    if (l->group == 0 || (l->group < 0 && !l->on_guest)) { /* not a guest's release at all */
        j->open--;
        free(l);
        return;
    }
    l->generation = ++id->generation;
    judge_order(j, l);
    judge(j, id, l, at_end);
    id->guest_seen |= l->on_guest;
    end = end_of(j, l);
    l->end = ends[end];
    count(j, l, end);
    if (j->closed)
        j->closed(j->context, l);
    j->open--;
    free(l);
}

static bool needs_release(const struct life *l)
{
    return is_drawable(l) || (l->type < 0 && l->cmd_type < 0);
}

static bool is_over(const struct life *l)
{
    bool guest = l->freed || l->left;
    bool server = l->passed || l->release || (l->cmd && !needs_release(l)) ||
                  (l->gave_up && (!l->push_begin.t || l->push_result < 0));

    return guest && server && !l->in_chain;
}

static void settle(struct journeys *j, struct id *id)
{
    while (id->head && (is_over(id->head) ||
                        (id->queued > MAX_QUEUE && !id->head->in_chain && id->head != id->tail)))
        close_head(j, id, false);
}

/* ---- what the guest says -----------------------------------------------------------------------
 */

/* The next life for the guest to tell of, which began at `began` (0: not known). A life that the
 * server had, over before that, is one whose guest half was not seen. */
static struct life *next_guest_life(struct journeys *j, struct id *id, uint64_t began,
                                    uint64_t error)
{
    struct life *l = id->guest ? id->guest->next : id->head;

    if (id->guest)
        id->guest->left |= !id->guest->freed;
    while (l && began && l->on_server) {
        uint64_t first = l->cmd ? l->cmd : l->draw;
        uint64_t known = first ? first : l->release;

        if (!known || known + error < known || known + error >= began)
            break;
        l->left = true; /* the guest never told of it, and now it is at a later one */
        l = l->next;
    }
    if (!l)
        l = new_life(j, id, id->tail);
    if (!l)
        return NULL;
    l->on_guest = true;
    id->guest = l;
    return l;
}

/* The life that a push (`began`: its begin) or a free (`freed`: its time) is about: the open one;
 * or one whose allocation was not seen. Of several that the server told of since, a free means the
 * last that had begun by then. */
static struct life *guest_life(struct journeys *j, struct id *id, uint64_t began, uint64_t freed,
                               uint64_t error)
{
    struct life *l = id->guest ? id->guest->next : id->head;

    if (id->guest && !id->guest->freed && !id->guest->left)
        return id->guest;
    while (freed && l && l->next && l->on_server && l->next->cmd &&
           l->next->cmd + error >= l->next->cmd && l->next->cmd + error < freed) {
        began = l->next->cmd - (l->next->cmd > error ? error : 0);
        l = l->next;
    }
    return next_guest_life(j, id, began, error);
}

static uint64_t began_at(uint64_t t, int64_t took)
{
    return took > 0 && (uint64_t)took < t ? t - (uint64_t)took : t;
}

static void guest_bo(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_guest_bo *e = FIELDS(ev, guest_bo);
    struct thread *t = thread_of(j, SOURCE_GUEST, ev->tid);

    if (!t || e->result < 0)
        return;
    t->bo_t = ev->time;
    t->bo_began = began_at(ev->time, e->took);
    t->bo_size = e->size;
    t->bo_domain = (int)e->domain;
}

static void guest_alloc(struct journeys *j, const struct tap_event *ev, uint64_t error)
{
    const struct fields_guest_alloc *e = FIELDS(ev, guest_alloc);
    struct thread *t = thread_of(j, SOURCE_GUEST, ev->tid);
    uint64_t began = began_at(ev->time, e->took);
    struct life *l;
    struct id *id;

    if (e->result < 0 || !e->release_id)
        return;
    id = id_of(j, j->device < 0 ? 0 : (uint64_t)j->device, e->release_id);
    l = id ? next_guest_life(j, id, began, error) : NULL;
    if (!l || !t)
        return;
    l->type = e->type == UNKNOWN_TYPE ? -1 : (int)e->type;
    l->size = e->size;
    l->alloc = (struct moment){ev->time, error};
    l->alloc_took = e->took > 0 ? e->took : 0;
    l->alloc_tid = ev->tid;
    if (t->bo_domain >= 0 && t->bo_began >= began && t->bo_t <= ev->time) {
        l->bo_domain = t->bo_domain;
        l->bo_size = t->bo_size;
    }
    t->bo_domain = -1;
    settle(j, id);
}

static void guest_push(struct journeys *j, const struct tap_event *ev, uint64_t error)
{
    const struct fields_guest_push *e = FIELDS(ev, guest_push);
    struct life *l;
    struct id *id;

    if (!e->release_id) {
        j->sum.unknown_pushes++;
        return;
    }
    id = id_of(j, j->device < 0 ? 0 : (uint64_t)j->device, e->release_id);
    l = id ? guest_life(j, id, began_at(ev->time, e->took), 0, error) : NULL;
    if (l && l->push_begin.t) /* a life is pushed once: the free and the allocation are missing */
        l = next_guest_life(j, id, began_at(ev->time, e->took), error);
    if (!l)
        return;
    l->push_begin = (struct moment){began_at(ev->time, e->took), error};
    l->push_end = (struct moment){ev->time, error};
    l->push_result = e->result;
    settle(j, id);
}

static void guest_free(struct journeys *j, const struct tap_event *ev, uint64_t error)
{
    const struct fields_guest_free *e = FIELDS(ev, guest_free);
    struct life *l;
    struct id *id;

    if (!e->release_id)
        return;
    id = id_of(j, j->device < 0 ? 0 : (uint64_t)j->device, e->release_id);
    l = id ? guest_life(j, id, 0, ev->time, error) : NULL;
    if (!l)
        return;
    if (l->type < 0 && e->type != UNKNOWN_TYPE)
        l->type = (int)e->type;
    l->freed = true;
    l->gave_up = !e->reclaimed;
    l->free = (struct moment){ev->time, error};
    l->free_tid = ev->tid;
    settle(j, id);
}

/* ---- what the server says ---------------------------------------------------------------------
 */

/* The next life for the server to tell of, at time t. A life the guest had, over before that, was
 * never seen by the server; one that began later is not it. */
static struct life *next_server_life(struct journeys *j, struct id *id, uint64_t t)
{
    struct life *before = id->server, *l = before ? before->next : id->head;

    if (before)
        before->passed = true;
    while (l && l->on_guest) {
        uint64_t over = l->freed ? l->free.t + l->free.error : UINT64_MAX;
        uint64_t began = began_at(l->alloc.t, l->alloc_took);
        bool never = l->gave_up && (!l->push_begin.t || l->push_result < 0);

        if (l->freed && over < l->free.t)
            over = UINT64_MAX;
        if (l->alloc.t && began > l->alloc.error && began - l->alloc.error > t) {
            l = NULL; /* an earlier one, which the guest did not tell of: stands before it */
            break;
        }
        if (!never && over >= t)
            break;
        l->passed = true;
        before = l;
        l = l->next;
    }
    if (!l)
        l = new_life(j, id, before);
    if (!l)
        return NULL;
    l->left |= !l->on_guest && l->next; /* the guest is at a later one */
    l->on_server = true;
    id->server = l;
    return l;
}

/* The open life that an event of a drawable is about; NULL: the guest's memory lied, or it began
 * before the recording and nothing needs it. */
static struct life *server_life(struct journeys *j, uint64_t display, uint64_t value,
                                uint64_t drawable)
{
    struct id *id = known_id(j, display, value);
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
    id = id_of(j, e->display, e->release_id);
    l = id ? next_server_life(j, id, ev->time) : NULL;
    if (!l)
        return;
    l->group = GROUP_GUEST;
    l->cmd = ev->time;
    l->cmd_type = (int)e->type;
    settle(j, id);
}

static void draw(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_draw *e = FIELDS(ev, draw);
    struct life *l = server_life(j, e->display, e->release_id, 0);

    if (!l || l->draw || (l->cmd && l->cmd_type != CMD_DRAW))
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
    struct thread *t = thread_of(j, SOURCE_SPICE, ev->tid);

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
    struct thread *t = thread_of(j, SOURCE_SPICE, ev->tid);
    struct id *id;

    if (e->group != GROUP_GUEST || !t)
        return;
    id = id_of(j, e->display, e->release_id);
    if (!id)
        return;
    if (!l) /* it began before the recording */
        l = next_server_life(j, id, ev->time);
    if (!l)
        return;
    l->group = GROUP_GUEST;
    l->drawable = e->drawable;
    l->release = ev->time;
    l->in_chain = true; /* from here on nothing closes it but its push */
    if (t->releasing) { /* QEMU said nothing of the one before */
        struct life *old = t->releasing;
        struct id *its = known_id(j, old->display, old->id);

        t->releasing = NULL;
        old->in_chain = false;
        j->chain_sound = false;
        if (its)
            settle(j, its);
    }
    t->releasing = l;
    settle(j, id);
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

/* ---- QEMU's release ring ----------------------------------------------------------------------
 *
 * interface_release_resource() is called by the destructor that fired `release`, in its thread, and
 * says qxl_ring_res_put with the number of releases in the chain. qxl_ring_res_push says how many
 * are pushed: all of the chain. Where these counts do not agree with ours, nothing is tied.
 * Releases of cursors and surfaces are put too, but no event names them.
 */

static void drop_chain(struct journeys *j, uint64_t t)
{
    struct life *l = j->chain_head;

    if (t)
        j->push_named = j->chain_named;
    j->chain_head = j->chain_tail = NULL;
    j->chain = j->chain_named = 0;
    while (l) {
        struct life *next = l->chain;
        struct id *id = known_id(j, l->display, l->id);

        if (t) {
            l->res_push = t;
            l->res_push_number = j->push_number;
        }
        l->in_chain = false;
        l->chain = NULL;
        if (id)
            settle(j, id);
        l = next;
    }
}

static void res_put(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_qxl_ring_res_put *e = FIELDS(ev, qxl_ring_res_put);
    struct thread *t = thread_of(j, SOURCE_SPICE, ev->tid);
    struct life *l = t ? t->releasing : NULL;

    if (!t || (j->device >= 0 && e->qid != j->device))
        return;
    t->releasing = NULL;
    if (e->freed == 1 && j->chain) {
        drop_chain(j, 0); /* a reset, or a push that was lost */
        j->chain_sound = true;
    } else if (e->freed == 1) {
        j->chain_sound = true;
    }
    if (++j->chain != e->freed) {
        j->chain_sound = false;
        j->chain = e->freed;
    }
    if (!l)
        return;
    l->put = ev->time;
    l->chain = NULL;
    if (j->chain_tail)
        j->chain_tail->chain = l;
    else
        j->chain_head = l;
    j->chain_tail = l;
    j->chain_named++;
}

static void res_push(struct journeys *j, const struct tap_event *ev)
{
    const struct fields_qxl_ring_res_push *e = FIELDS(ev, qxl_ring_res_push);
    bool sound = j->chain_sound && e->freed == j->chain;

    if (j->device >= 0 && e->qid != j->device)
        return;
    j->sum.pushes++;
    j->sum.pushes_not_tied += !sound;
    j->push_number++;
    j->push_named = 0;
    drop_chain(j, sound ? ev->time : 0);
    j->chain_sound = true;
}

/* ---- losses ------------------------------------------------------------------------------------
 */

static void loss(struct journeys *j, enum tap_source source)
{
    if ((unsigned)source < SOURCES)
        j->losses[source]++;
    if (source != SOURCE_SPICE && source != SOURCE_QEMU)
        return;
    drop_chain(j, 0);
    j->chain_sound = false;
    for (size_t i = 0; i < j->threads.size; i++) {
        struct thread *t = j->threads.slots[i].value;
        struct life *l = t ? t->releasing : NULL;
        struct id *id = l ? known_id(j, l->display, l->id) : NULL;

        if (!t)
            continue;
        t->releasing = NULL;
        if (source == SOURCE_SPICE)
            t->oom = 0;
        if (l)
            l->in_chain = false;
        if (id)
            settle(j, id);
    }
}

/* ---- the pass ----------------------------------------------------------------------------------
 */

static void oom(struct journeys *j, const struct tap_event *ev)
{
    struct thread *t = thread_of(j, SOURCE_SPICE, ev->tid);

    if (t)
        t->oom = ev->kind == EV_oom_begin ? ev->time : 0;
}

static void add_guest(struct journeys *j, const struct tap_event *ev, uint64_t error)
{
    j->guest_is_there = true;
    j->sum.guest_events++;
    if (error > j->sum.worst_error)
        j->sum.worst_error = error;
    switch (ev->kind) {
    case EV_guest_bo:
        guest_bo(j, ev);
        break;
    case EV_guest_alloc:
        guest_alloc(j, ev, error);
        break;
    case EV_guest_push:
        guest_push(j, ev, error);
        break;
    case EV_guest_free:
        guest_free(j, ev, error);
        break;
    default:
        break;
    }
}

static void add_host(struct journeys *j, const struct tap_event *ev)
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
        res_put(j, ev);
        break;
    case EV_qxl_ring_res_push:
        res_push(j, ev);
        break;
    default:
        break;
    }
}

/* Everything: the oldest life of each id until none is left. */
static void close_all(struct journeys *j, bool at_end)
{
    drop_chain(j, 0);
    forget_threads(j);
    for (size_t i = 0; i < j->ids.size; i++) {
        struct id *id = j->ids.slots[i].value;

        while (id && id->head)
            close_head(j, id, at_end);
    }
}

void journeys_add(struct journeys *j, const struct tap_event *ev, enum tap_source source,
                  uint64_t error)
{
    if (ev->kind == EV_loss)
        loss(j, source);
    else if (source == SOURCE_GUEST)
        add_guest(j, ev, error);
    else
        add_host(j, ev);
    if (j->open >= MAX_LIVES)
        close_all(j, false);
}

void journeys_end(struct journeys *j)
{
    close_all(j, true);
}

const struct journeys_summary *journeys_summary(const struct journeys *j)
{
    return &j->sum;
}

uint64_t journeys_pushes(const struct journeys *j, uint64_t *named)
{
    *named = j->push_named;
    return j->push_number;
}

int journeys_error(const struct journeys *j)
{
    return j->error;
}

void journeys_free(struct journeys *j)
{
    if (!j)
        return;
    j->closed = NULL;
    close_all(j, true);
    for (size_t i = 0; i < j->ids.size; i++)
        free(j->ids.slots[i].value);
    map_free(&j->ids);
    forget_threads(j);
    free(j);
}
