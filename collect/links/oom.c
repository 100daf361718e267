/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spicetap export --oom: a row each time the guest told that it is out of memory, from the wait in
 * which it did to the memory it got. What links:
 * - the guest's thread: qxl_fence_wait calls qxl_io_notify_oom, and is called in the allocation;
 * - the I/O write, which is in QEMU while it is in the guest; writes are in one order on both
 * sides;
 * - QEMU's thread: ioport_write calls spice_qxl_oom, unless the release ring is not empty;
 * - the server's pending bit (red_qxl_set_pending): one message, and so one episode, for all
 * notifies until handle_dev_oom is done;
 * - the worker's thread: what it does between oom_begin and oom_end;
 * - the release ids it pushed, which the guest then frees (journey.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/fields.h"
#include "links/journey.h"
#include "links/links.h"

enum { MAX_ROWS = 4096, MAX_WAITS = 256, MAX_EPISODES = 1024, PORT_OOM = 4, GROUP_GUEST = 1 };
#define PATIENCE 20000000000u /* ns: longer than the driver's longest wait, 15 s */

#define COLUMNS(C)                                                                                 \
    C(notify, NUMBER)                                                                              \
    C(wait, NUMBER)                                                                                \
    C(notify_of_wait, NUMBER)                                                                      \
    C(wait_tid, NUMBER)                                                                            \
    C(wait_release, HEX)                                                                           \
    C(wait_begin, NUMBER)                                                                          \
    C(wait_end, NUMBER)                                                                            \
    C(asked, TEXT)                                                                                 \
    C(asked_domain, TEXT)                                                                          \
    C(asked_size, NUMBER)                                                                          \
    C(asked_result, SIGNED)                                                                        \
    C(guest_oom_begin, NUMBER)                                                                     \
    C(guest_oom_end, NUMBER)                                                                       \
    C(io_write, NUMBER)                                                                            \
    C(spice_oom, NUMBER)                                                                           \
    C(episode, NUMBER)                                                                             \
    C(oom_begin, NUMBER)                                                                           \
    C(flushes, NUMBER)                                                                             \
    C(flushed, NUMBER)                                                                             \
    C(free_some, NUMBER)                                                                           \
    C(glz_freed, NUMBER)                                                                           \
    C(evicted, NUMBER)                                                                             \
    C(releases, NUMBER)                                                                            \
    C(oom_end, NUMBER)                                                                             \
    C(res_push, NUMBER)                                                                            \
    C(pushed, NUMBER)                                                                              \
    C(reclaim_first, NUMBER)                                                                       \
    C(reclaim_last, NUMBER)                                                                        \
    C(reclaimed, NUMBER)                                                                           \
    C(gc, NUMBER)                                                                                  \
    C(outcome, TEXT)                                                                               \
    C(complete, FLAG)                                                                              \
    C(why, TEXT)                                                                                   \
    C(order, TEXT)                                                                                 \
    C(error, NUMBER)

enum {
#define C(name, kind) O_##name,
    COLUMNS(C)
#undef C
        O_COUNT
};

static const struct row_column columns[] = {
#define C(name, kind) {#name, CELL_##kind},
    COLUMNS(C)
#undef C
};

#define WHYS_OF_OOM(W)                                                                             \
    W(none)                                                                                        \
    W(no_guest)                                                                                    \
    W(began_before)                                                                                \
    W(open_at_end)                                                                                 \
    W(loss)                                                                                        \
    W(no_guest_oom)                                                                                \
    W(no_wait)                                                                                     \
    W(no_wait_end)                                                                                 \
    W(no_io_write)                                                                                 \
    W(no_oom_begin)                                                                                \
    W(no_oom_end)                                                                                  \
    W(no_reclaim)                                                                                  \
    W(order)
enum oom_why {
#define W(name) OOM_##name,
    WHYS_OF_OOM(W)
#undef W
        OOM_WHYS
};
static const char *const whys[OOM_WHYS] = {
#define W(name) #name,
    WHYS_OF_OOM(W)
#undef W
};

enum { GOT_MEMORY, GOT_NOTHING, RING_NOT_EMPTY, UNKNOWN, OUTCOMES };
static const char *const outcomes[OUTCOMES] = {"memory", "nothing", "release_ring_not_empty",
                                               "unknown"};

struct wait {
    uint64_t number, begin, end, release, notifies;
    uint32_t tid;
    unsigned users; /* rows */
    bool listed;
    int asked; /* EV_guest_bo, EV_guest_alloc, EV_guest_delete; 0: not known, or none of them */
    uint64_t domain, size;
    int64_t result;
};

struct episode {
    uint64_t number, begin, end, flushes, flushed, free_some, glz, evicted, releases;
    uint64_t push, push_from, push_to, pushed, named, reclaimed, reclaim_first, reclaim_last, gc;
    uint32_t tid, gc_tid;
    unsigned users;
    bool listed;
};

struct notify {
    uint64_t number, at, guest_begin, guest_end, error, io_write, spice_oom, nth;
    uint32_t io_tid;
    bool on_guest;
    uint64_t losses;
    struct wait *wait;
    struct episode *episode;
    struct notify *next;
};

struct state {
    struct rows *rows;
    struct journeys *journeys;
    struct notify *head, *tail;
    size_t count;
    struct wait *waits[MAX_WAITS]; /* the latest; the oldest is given up first */
    size_t wait_count;
    struct episode *episodes[MAX_EPISODES], *now;
    size_t episode_count;
    uint64_t losses, time, notified, waits_seen, episodes_seen, complete, asked_known, deleting;
    uint64_t with_wait, spice_ooms, io_writes, guest_ooms, violated;
    uint64_t why_count[OOM_WHYS], outcome_count[OUTCOMES];
    bool guest;
    int error;
};

/* ---- waits and episodes, which several rows share ---------------------------------------------
 */

static void drop_wait(struct wait *w)
{
    if (w && !w->users && !w->listed)
        free(w);
}

static void drop_episode(struct state *s, struct episode *e)
{
    if (e && !e->users && !e->listed && e != s->now)
        free(e);
}

static void unlist_wait(struct state *s, size_t at)
{
    struct wait *w = s->waits[at];

    w->listed = false;
    memmove(&s->waits[at], &s->waits[at + 1], (--s->wait_count - at) * sizeof(struct wait *));
    drop_wait(w);
}

static void unlist_episode(struct state *s)
{
    struct episode *e = s->episodes[0];

    e->listed = false;
    memmove(&s->episodes[0], &s->episodes[1], --s->episode_count * sizeof(struct episode *));
    drop_episode(s, e);
}

static struct wait *open_wait(struct state *s, uint32_t tid)
{
    for (size_t i = s->wait_count; i--;)
        if (s->waits[i]->tid == tid && !s->waits[i]->end)
            return s->waits[i];
    return NULL;
}

static void wait_begin(struct state *s, const struct tap_event *ev)
{
    struct wait *w = calloc(1, sizeof(*w));

    if (!w) {
        s->error = -ENOMEM;
        return;
    }
    if (s->wait_count == MAX_WAITS)
        unlist_wait(s, 0);
    w->number = ++s->waits_seen;
    w->begin = ev->time;
    w->tid = ev->tid;
    w->release = FIELDS(ev, guest_wait_begin)->release_id;
    w->listed = true;
    s->waits[s->wait_count++] = w;
}

static void wait_end(struct state *s, const struct tap_event *ev)
{
    struct wait *w = open_wait(s, ev->tid);

    if (w)
        w->end = ev->time;
}

/* A call of this thread ends: the waits in it were for what it asked. The innermost call ends
 * first. */
static void asked(struct state *s, const struct tap_event *ev, int64_t took, uint64_t domain,
                  uint64_t size, int64_t result)
{
    uint64_t began = took > 0 && (uint64_t)took < ev->time ? ev->time - (uint64_t)took : ev->time;

    for (size_t i = 0; i < s->wait_count;) {
        struct wait *w = s->waits[i];

        if (w->tid != ev->tid || !w->end || w->begin < began) {
            i++;
            continue;
        }
        w->asked = ev->kind;
        w->domain = domain;
        w->size = size;
        w->result = result;
        unlist_wait(s, i);
    }
}

/* ---- rows
 * ---------------------------------------------------------------------------------------- */

static void later(unsigned *order, uint64_t a, uint64_t b, uint64_t error)
{
    if (!a || !b || a <= b)
        return;
    if (a - b > error)
        *order = ORDER_VIOLATED;
    else if (*order == ORDER_OK)
        *order = ORDER_WITHIN_ERROR;
}

static unsigned order_of(const struct notify *n)
{
    const struct episode *e = n->episode;
    const struct wait *w = n->wait;
    unsigned order = ORDER_OK;

    if (w) {
        later(&order, w->begin, n->guest_begin, n->error);
        later(&order, n->guest_end, w->end, n->error);
    }
    later(&order, n->guest_begin, n->io_write, n->error);
    later(&order, n->io_write, n->guest_end, n->error);
    later(&order, n->io_write, n->spice_oom, 0);
    if (e) {
        later(&order, n->spice_oom, e->end, 0);
        later(&order, e->begin, e->push, 0);
        later(&order, e->push, e->end, 0);
        later(&order, e->push, e->reclaim_first, n->error);
    }
    return order;
}

static unsigned outcome_of(const struct notify *n)
{
    const struct episode *e = n->episode;

    if (n->io_write && !n->spice_oom)
        return RING_NOT_EMPTY;
    if (!e || !e->end)
        return UNKNOWN;
    return e->pushed ? GOT_MEMORY : GOT_NOTHING;
}

static enum oom_why missing(const struct state *s, const struct notify *n, bool at_end)
{
    const struct episode *e = n->episode;

    if (!n->io_write)
        return OOM_no_io_write;
    if (n->spice_oom && !e)
        return at_end ? OOM_open_at_end : OOM_no_oom_begin;
    if (n->spice_oom && (!e->end || !e->flushes))
        return at_end ? OOM_open_at_end : OOM_no_oom_end;
    if (!s->guest)
        return OOM_no_guest;
    if (!n->on_guest)
        return s->guest_ooms ? OOM_no_guest_oom : OOM_began_before;
    if (!n->wait)
        return s->waits_seen ? OOM_no_wait : OOM_began_before;
    if (!n->wait->end)
        return at_end ? OOM_open_at_end : OOM_no_wait_end;
    if (e && e->named && e->reclaimed < e->named)
        return at_end ? OOM_open_at_end : OOM_no_reclaim;
    return OOM_none;
}

static void wait_cells(struct cell *c, const struct wait *w)
{
    cell_number(&c[O_wait], w->number);
    cell_number(&c[O_wait_tid], w->tid);
    cell_known(&c[O_wait_release], w->release);
    cell_number(&c[O_wait_begin], w->begin);
    cell_known(&c[O_wait_end], w->end);
    if (!w->asked)
        return;
    cell_text(&c[O_asked], w->asked == EV_guest_bo       ? "bo"
                           : w->asked == EV_guest_delete ? "delete"
                                                         : "release");
    if (w->asked != EV_guest_alloc)
        cell_enum(&c[O_asked_domain], EV_guest_bo, "domain", w->domain);
    cell_number(&c[O_asked_size], w->size);
    cell_number(&c[O_asked_result], (uint64_t)w->result);
}

static void episode_cells(struct cell *c, const struct episode *e)
{
    cell_number(&c[O_episode], e->number);
    cell_number(&c[O_oom_begin], e->begin);
    cell_number(&c[O_flushes], e->flushes);
    cell_number(&c[O_flushed], e->flushed);
    cell_known(&c[O_free_some], e->free_some);
    cell_number(&c[O_glz_freed], e->glz);
    cell_number(&c[O_evicted], e->evicted);
    cell_number(&c[O_releases], e->releases);
    cell_known(&c[O_oom_end], e->end);
    cell_known(&c[O_res_push], e->push);
    cell_number(&c[O_pushed], e->pushed);
    cell_known(&c[O_reclaim_first], e->reclaim_first);
    cell_known(&c[O_reclaim_last], e->reclaim_last);
    cell_number(&c[O_reclaimed], e->reclaimed);
    cell_known(&c[O_gc], e->gc);
}

static void emit(struct state *s, bool at_end)
{
    struct notify *n = s->head;
    struct cell c[ROW_CELLS] = {0};
    unsigned outcome = outcome_of(n), order = order_of(n);
    enum oom_why why = missing(s, n, at_end);

    if (why > OOM_loss && n->losses != s->losses)
        why = OOM_loss;
    if (!why && order == ORDER_VIOLATED)
        why = OOM_order;
    s->why_count[why]++;
    s->outcome_count[outcome]++;
    s->complete += !why;
    s->violated += order == ORDER_VIOLATED;
    s->with_wait += n->wait != NULL;
    s->asked_known += n->wait && n->wait->asked;
    s->deleting += n->wait && n->wait->asked == EV_guest_delete;
    cell_number(&c[O_notify], n->number);
    if (n->wait) {
        wait_cells(c, n->wait);
        cell_number(&c[O_notify_of_wait], n->nth);
    }
    cell_known(&c[O_guest_oom_begin], n->guest_begin);
    cell_known(&c[O_guest_oom_end], n->guest_end);
    cell_known(&c[O_io_write], n->io_write);
    cell_known(&c[O_spice_oom], n->spice_oom);
    if (n->episode)
        episode_cells(c, n->episode);
    cell_text(&c[O_outcome], outcomes[outcome]);
    cell_number(&c[O_complete], !why);
    if (why)
        cell_text(&c[O_why], whys[why]);
    cell_text(&c[O_order], journey_orders[order]);
    cell_number(&c[O_error], n->error);
    rows_put(s->rows, c);
    s->head = n->next;
    if (!s->head)
        s->tail = NULL;
    s->count--;
    if (n->wait) {
        n->wait->users--;
        drop_wait(n->wait);
    }
    if (n->episode) {
        n->episode->users--;
        drop_episode(s, n->episode);
    }
    free(n);
}

static bool is_ready(const struct state *s, const struct notify *n)
{
    if (s->count > MAX_ROWS || (s->time > n->at && s->time - n->at > PATIENCE))
        return true;
    return n->next && n->wait && !n->wait->listed && !missing(s, n, false);
}

static struct notify *new_notify(struct state *s, uint64_t t)
{
    struct notify *n = calloc(1, sizeof(*n));

    if (!n) {
        s->error = -ENOMEM;
        return NULL;
    }
    n->number = ++s->notified;
    n->at = t;
    n->losses = s->losses;
    if (s->tail)
        s->tail->next = n;
    else
        s->head = n;
    s->tail = n;
    s->count++;
    return n;
}

/* ---- guest and QEMU
 * ------------------------------------------------------------------------------- */

/* The write took place while the guest was in it. */
static bool agree(const struct notify *n, uint64_t begin, uint64_t end, uint64_t io, uint64_t error)
{
    (void)n;
    return (io >= begin || begin - io <= error) && (io <= end || io - end <= error);
}

static void guest_oom(struct state *s, const struct tap_event *ev, uint64_t error)
{
    int64_t took = FIELDS(ev, guest_oom)->took;
    uint64_t begin = took > 0 && (uint64_t)took < ev->time ? ev->time - (uint64_t)took : ev->time;
    struct wait *w = open_wait(s, ev->tid);
    struct notify *n;

    s->guest_ooms++;
    for (n = s->head; n; n = n->next)
        if (!n->on_guest && n->io_write && agree(n, begin, ev->time, n->io_write, error))
            break;
    if (!n)
        n = new_notify(s, ev->time);
    if (!n)
        return;
    n->on_guest = true;
    n->guest_begin = begin;
    n->guest_end = ev->time;
    n->error = error;
    if (w) {
        n->wait = w;
        n->nth = ++w->notifies;
        w->users++;
    }
}

static void io_write(struct state *s, const struct tap_event *ev)
{
    struct notify *n;

    if (FIELDS(ev, qxl_io_write)->port != PORT_OOM)
        return;
    s->io_writes++;
    for (n = s->head; n; n = n->next)
        if (n->on_guest && !n->io_write &&
            agree(n, n->guest_begin, n->guest_end, ev->time, n->error))
            break;
    if (!n)
        n = new_notify(s, ev->time);
    if (!n)
        return;
    n->io_write = ev->time;
    n->io_tid = ev->tid;
}

static void join(struct notify *n, struct episode *e)
{
    n->episode = e;
    e->users++;
}

static void spice_oom(struct state *s, const struct tap_event *ev)
{
    struct notify *last = NULL;

    s->spice_ooms++;
    for (struct notify *n = s->head; n; n = n->next)
        if (n->io_write && n->io_write <= ev->time && n->io_tid == ev->tid &&
            (!last || n->io_write >= last->io_write))
            last = n;
    if (!last || last->spice_oom)
        return;
    last->spice_oom = ev->time;
    if (s->now)
        join(last, s->now);
}

/* ---- the server
 * ------------------------------------------------------------------------------------ */

static void oom_begin(struct state *s, const struct tap_event *ev)
{
    struct episode *e = calloc(1, sizeof(*e));
    struct episode *before = s->now;

    if (!e) {
        s->error = -ENOMEM;
        return;
    }
    if (s->episode_count == MAX_EPISODES)
        unlist_episode(s);
    e->number = ++s->episodes_seen;
    e->begin = ev->time;
    e->tid = ev->tid;
    e->listed = true;
    s->now = e;
    drop_episode(s, before);
    s->episodes[s->episode_count++] = e;
    for (struct notify *n = s->head; n; n = n->next)
        if (n->spice_oom && !n->episode)
            join(n, e);
}

static void oom_end(struct state *s, const struct tap_event *ev)
{
    struct episode *e = s->now;

    if (!e)
        return;
    e->end = ev->time;
    s->now = NULL;
    drop_episode(s, e);
}

static void pushed(struct state *s, struct episode *e, const struct tap_event *ev)
{
    uint64_t named;

    e->push_to = journeys_pushes(s->journeys, &named);
    if (!e->push) {
        e->push = ev->time;
        e->push_from = e->push_to;
    }
    e->pushed += FIELDS(ev, qxl_ring_res_push)->freed;
    e->named += named;
}

/* Between oom_begin and oom_end, in the worker's thread. */
static void in_episode(struct state *s, const struct tap_event *ev)
{
    struct episode *e = s->now;

    if (!e || e->tid != ev->tid)
        return;
    switch (ev->kind) {
    case EV_flush_resources:
        e->flushes++;
        e->flushed += (uint64_t)FIELDS(ev, flush_resources)->flushed;
        break;
    case EV_free_some_begin:
        e->free_some = ev->time;
        break;
    case EV_free_some_end:
        e->glz += FIELDS(ev, free_some_end)->glz_freed;
        e->evicted += FIELDS(ev, free_some_end)->evicted;
        break;
    case EV_release:
        e->releases += FIELDS(ev, release)->group == GROUP_GUEST;
        break;
    case EV_qxl_ring_res_push:
        pushed(s, e, ev);
        break;
    default:
        break;
    }
}

/* A release is over: if an episode pushed it, its memory came back. */
static void closed(void *context, const struct life *l)
{
    struct state *s = context;

    if (!l->res_push_number || !l->freed)
        return;
    for (size_t i = s->episode_count; i--;) {
        struct episode *e = s->episodes[i];

        if (!e->push || l->res_push_number > e->push_to)
            continue;
        if (l->res_push_number < e->push_from)
            continue;
        e->reclaimed++;
        e->gc_tid = l->free_tid;
        if (!e->reclaim_first || l->free.t < e->reclaim_first)
            e->reclaim_first = l->free.t;
        if (l->free.t > e->reclaim_last)
            e->reclaim_last = l->free.t;
        return;
    }
}

static void guest_gc(struct state *s, const struct tap_event *ev)
{
    int64_t took = FIELDS(ev, guest_gc)->took;

    for (size_t i = s->episode_count; i--;) {
        struct episode *e = s->episodes[i];

        if (e->reclaim_first && !e->gc && e->gc_tid == ev->tid && took > 0 &&
            e->reclaim_first <= ev->time && ev->time - e->reclaim_first <= (uint64_t)took)
            e->gc = ev->time;
    }
}

/* ---- the pass
 * ---------------------------------------------------------------------------------------- */

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

static void add_guest(struct state *s, const struct tap_event *ev, uint64_t error)
{
    s->guest = true;
    if (ev->kind == EV_guest_wait_begin) {
        wait_begin(s, ev);
    } else if (ev->kind == EV_guest_wait_end) {
        wait_end(s, ev);
    } else if (ev->kind == EV_guest_oom) {
        guest_oom(s, ev, error);
    } else if (ev->kind == EV_guest_gc) {
        guest_gc(s, ev);
    } else if (ev->kind == EV_guest_bo) {
        const struct fields_guest_bo *e = FIELDS(ev, guest_bo);

        asked(s, ev, e->took, e->domain, e->size, e->result);
    } else if (ev->kind == EV_guest_alloc) {
        const struct fields_guest_alloc *e = FIELDS(ev, guest_alloc);

        asked(s, ev, e->took, 0, e->size, e->result);
    } else if (ev->kind == EV_guest_delete) {
        const struct fields_guest_delete *e = FIELDS(ev, guest_delete);

        asked(s, ev, e->took, e->domain, e->size, 0);
    }
}

static void add(void *state, const struct tap_event *ev, enum tap_source source, uint64_t error)
{
    struct state *s = state;

    s->time = ev->time;
    journeys_add(s->journeys, ev, source, error);
    if (ev->kind == EV_loss)
        s->losses += source != SOURCE_CLIENT;
    else if (source == SOURCE_GUEST)
        add_guest(s, ev, error);
    else if (ev->kind == EV_qxl_io_write)
        io_write(s, ev);
    else if (ev->kind == EV_qxl_spice_oom)
        spice_oom(s, ev);
    else if (ev->kind == EV_oom_begin)
        oom_begin(s, ev);
    else if (ev->kind == EV_oom_end)
        oom_end(s, ev);
    else
        in_episode(s, ev);
    while (s->wait_count && s->waits[0]->end && s->time > s->waits[0]->end &&
           s->time - s->waits[0]->end > PATIENCE)
        unlist_wait(s, 0);
    while (s->head && is_ready(s, s->head))
        emit(s, false);
}

static int end(void *state)
{
    struct state *s = state;

    journeys_end(s->journeys);
    while (s->head)
        emit(s, true);
    return s->error ? s->error : journeys_error(s->journeys);
}

static json_t *summary(void *state)
{
    const struct state *s = state;
    json_t *o = json_pack(
        "{sI sI sI sI sI sI sI sI sI sI sI}", "notifies", (json_int_t)s->notified, "complete",
        (json_int_t)s->complete, "with_wait", (json_int_t)s->with_wait, "asked_known",
        (json_int_t)s->asked_known, "deleting", (json_int_t)s->deleting, "order_violations",
        (json_int_t)s->violated, "waits", (json_int_t)s->waits_seen, "guest_ooms",
        (json_int_t)s->guest_ooms, "io_writes", (json_int_t)s->io_writes, "spice_ooms",
        (json_int_t)s->spice_ooms, "episodes", (json_int_t)s->episodes_seen);
    json_t *reasons = json_object(), *ends = json_object();

    for (int i = 1; i < OOM_WHYS; i++)
        json_count(reasons, whys[i], s->why_count[i]);
    for (int i = 0; i < OUTCOMES; i++)
        json_count(ends, outcomes[i], s->outcome_count[i]);
    json_object_set_new(o, "outcomes", ends);
    json_object_set_new(o, "not_complete", reasons);
    return o;
}

static void text(const json_t *s, FILE *f)
{
    fprintf(f, "notifies of no memory: %lld, complete ", number_of(s, "notifies"));
    text_share(f, s, "complete", "notifies");
    fprintf(f, ", order violations %lld\n", number_of(s, "order_violations"));
    text_counts(f, s, "not complete", "not_complete");
    text_counts(f, s, "what the guest got", "outcomes");
    fprintf(f, "in a wait: ");
    text_share(f, s, "with_wait", "notifies");
    fprintf(f, "; domain and size it could not get known: ");
    text_share(f, s, "asked_known", "notifies");
    if (number_of(s, "deleting")) {
        fprintf(f, "\nof these nobody asked for memory, an object was deleted: ");
        text_share(f, s, "deleting", "notifies");
    }
    fprintf(f,
            "\ncounts: waits %lld, guest_oom %lld, qxl_io_write notify_oom %lld, qxl_spice_oom "
            "%lld, oom_begin %lld\n",
            number_of(s, "waits"), number_of(s, "guest_ooms"), number_of(s, "io_writes"),
            number_of(s, "spice_ooms"), number_of(s, "episodes"));
}

static void release(void *state)
{
    struct state *s = state;

    s->rows->silent = true;
    while (s->head)
        emit(s, true);
    while (s->wait_count)
        unlist_wait(s, 0);
    s->now = NULL;
    while (s->episode_count)
        unlist_episode(s);
    journeys_free(s->journeys);
    free(s);
}

const struct link_view view_oom = {
    .name = "oom",
    .columns = columns,
    .count = O_COUNT,
    .begin = begin,
    .add = add,
    .end = end,
    .summary = summary,
    .text = text,
    .free = release,
};
