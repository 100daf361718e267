/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row for each update that QEMU made of its own screen (any device but a QXL in native mode),
 * with the drawable the server made of it. ui/spice-display.c keeps updates in a queue, and the
 * worker empties it from the front. So the order is the link, and the box must agree. A switch of
 * the surface discards the queue without an event: then the box is found further back in the queue.
 * The release id is the address of the update in QEMU's heap; no event of QEMU's names it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded.h"
#include "event/fields.h"
#include "links/links.h"

enum { MAX_QUEUE = 16384, GROUP_HOST = 0 /* MEMSLOT_GROUP_HOST, QEMU's ui/spice-display.h */ };

#define COLUMNS(C)                                                                                 \
    C(update, UNSIGNED, "ns", MAYBE, _, "when QEMU made the update")                               \
    C(box, BOX, "pixels", MAYBE, _, "where")                                                       \
    C(display, UNSIGNED, "", MAYBE, _, "of which display")                                         \
    C(cmd, UNSIGNED, "ns", MAYBE, _, "when the server took it")                                    \
    C(release_id, HEX, "", MAYBE, _, "address of the update in QEMU")                              \
    C(drawable, HEX, "", MAYBE, _, "the drawable it became")                                       \
    C(draw, UNSIGNED, "ns", MAYBE, _, "when the server added the drawable")                        \
    C(verdict, ENUM, "", MAYBE, draw_verdict, "whether it may be streamed")                        \
    C(whole, FLAG, "", ALWAYS, _, "update and drawable are linked")                                \
    C(why, TEXT, "", MAYBE, _, "why they are not")

LINK_COLUMNS(COLUMNS);

static const struct schema schema = {"updates", "each update that QEMU itself made of the screen",
                                     columns, AT_COUNT};

struct update {
    uint64_t t, batch, losses;
    int32_t box[4];
    int32_t qid; /* -1: unknown as yet */
};

struct state {
    struct row_sink *rows;
    struct update *queue;  /* oldest first */
    struct bounded places; /* of `queue`; over: updates given up */
    uint64_t batch, losses;
    bool in_batch,
        switched;         /* switched: updates were discarded, or lost, since the queue was empty */
    struct tap_event cmd; /* the worker's last command of the host's, until its draw */
    uint64_t updates, draws, linked, ambiguous, discarded, lost, began_before, no_update, open;
};

static void *begin(struct row_sink *rows)
{
    struct state *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->rows = rows;
    s->queue = calloc(MAX_QUEUE, sizeof(*s->queue));
    if (!s->queue) {
        free(s);
        return NULL;
    }
    return s;
}

static void row(struct state *s, const struct update *u, const struct tap_event *draw,
                const char *why)
{
    const struct fields_draw *e = draw ? FIELDS(draw, draw) : NULL;
    struct row row, *r = &row;

    row_clear(r, &schema);
    if (u) {
        row_set(r, AT_update, u->t);
        row_box(r, AT_box, u->box);
        if (u->qid >= 0)
            row_set(r, AT_display, (uint64_t)u->qid);
    }
    if (e) {
        int32_t box[4];

        memcpy(box, &e->box, sizeof(box));
        row_box(r, AT_box, box);
        row_set(r, AT_display, e->display);
        row_set(r, AT_cmd, s->cmd.time);
        row_set(r, AT_release_id, e->release_id);
        row_set(r, AT_drawable, e->drawable);
        row_set(r, AT_draw, draw->time);
        row_set(r, AT_verdict, e->verdict);
    }
    row_set(r, AT_whole, !why);
    row_text(r, AT_why, why);
    row_put(s->rows, r);
}

static void take_out(struct state *s, size_t at)
{
    memmove(&s->queue[at], &s->queue[at + 1], (--s->places.count - at) * sizeof(*s->queue));
}

static void give_up_oldest(struct state *s)
{
    row(s, &s->queue[0], NULL, "too_many_open");
    s->switched = true;
    take_out(s, 0);
}

static void discard(struct state *s, size_t at)
{
    const struct update *u = &s->queue[at];
    bool lost = u->losses != s->losses;

    row(s, u, NULL, lost ? "loss" : "discarded");
    lost ? s->lost++ : s->discarded++;
    s->switched = true;
    take_out(s, at);
}

static void created(struct state *s, const struct tap_event *ev)
{
    const struct fields_qemu_spice_create_update *e = FIELDS(ev, qemu_spice_create_update);

    if (!s->in_batch)
        s->batch++;
    s->in_batch = true;
    if (bounded_overflows(&s->places, MAX_QUEUE))
        give_up_oldest(s);
    if (!s->places.count)
        s->switched = false;
    s->queue[s->places.count++] = (struct update){
        .t = ev->time,
        .batch = s->batch,
        .losses = s->losses,
        .box = {(int32_t)e->left, (int32_t)e->top, (int32_t)e->right, (int32_t)e->bottom},
        .qid = -1};
    s->updates++;
}

/* Ends a batch and names its display. QEMU makes a batch only when that display's queue is empty:
 * of older updates only the one that the worker holds now can still be drawn. */
static void refreshed(struct state *s, const struct tap_event *ev)
{
    int32_t qid = (int32_t)FIELDS(ev, qemu_spice_display_refresh)->qid;
    bool kept = false;

    if (!s->in_batch)
        return;
    s->in_batch = false;
    for (size_t i = 0; i < s->places.count; i++)
        if (s->queue[i].batch == s->batch)
            s->queue[i].qid = qid;
    for (size_t i = 0; i < s->places.count;) {
        if (s->queue[i].qid != qid || s->queue[i].batch == s->batch) {
            i++;
        } else if (!kept) {
            kept = true;
            i++;
        } else {
            discard(s, i);
        }
    }
}

static void drawn(struct state *s, const struct tap_event *ev)
{
    const struct fields_draw *e = FIELDS(ev, draw);
    const struct fields_cmd *cmd = FIELDS(&s->cmd, cmd);
    size_t found = MAX_QUEUE, older = 0, same = 0;
    bool ambiguous;

    if (!s->cmd.time || s->cmd.tid != ev->tid || cmd->release_id != e->release_id ||
        cmd->display != e->display)
        return;
    s->draws++;
    for (size_t i = 0; i < s->places.count && s->queue[i].t <= ev->time; i++) {
        const struct update *u = &s->queue[i];

        if (u->qid >= 0 && (uint64_t)u->qid != e->display)
            continue;
        if (memcmp(u->box, &e->box, sizeof(u->box))) {
            older += found == MAX_QUEUE;
            continue;
        }
        same++;
        if (found == MAX_QUEUE)
            found = i;
    }
    if (found == MAX_QUEUE) {
        const char *why = s->losses ? "loss" : s->linked ? "no_update" : "began_before";

        s->losses ? s->lost++ : s->linked ? s->no_update++ : s->began_before++;
        row(s, NULL, ev, why);
        s->cmd.time = 0;
        return;
    }
    ambiguous = same > 1 && (older || s->switched || s->queue[found].losses != s->losses);
    for (size_t i = 0; older && i < found;) {
        if (s->queue[i].qid >= 0 && (uint64_t)s->queue[i].qid != e->display) {
            i++;
            continue;
        }
        discard(s, i);
        found--;
    }
    row(s, &s->queue[found], ev, ambiguous ? "ambiguous" : NULL);
    ambiguous ? s->ambiguous++ : s->linked++;
    take_out(s, found);
    s->cmd.time = 0;
}

static void add(void *state, const struct tap_event *ev, enum tap_source source, uint64_t error)
{
    struct state *s = state;

    (void)error;
    switch (ev->kind) {
    case EV_loss:
        if (source == SOURCE_QEMU || source == SOURCE_SPICE) {
            s->losses++;
            s->switched = true;
            s->in_batch = false;
        }
        break;
    case EV_qemu_spice_create_update:
        created(s, ev);
        break;
    case EV_qemu_spice_display_refresh:
        refreshed(s, ev);
        break;
    case EV_cmd:
        if (FIELDS(ev, cmd)->group == GROUP_HOST && FIELDS(ev, cmd)->type == QXL_CMD_draw)
            s->cmd = *ev;
        break;
    case EV_draw:
        drawn(s, ev);
        break;
    default:
        break;
    }
}

static int end(void *state)
{
    struct state *s = state;

    for (size_t i = 0; i < s->places.count; i++, s->open++)
        row(s, &s->queue[i], NULL, "open_at_end");
    s->places.count = 0;
    return 0;
}

static json_t *summary(void *state)
{
    const struct state *s = state;
    json_t *whys = json_object();
    json_t *o = json_pack("{sI sI sI}", "updates", (json_int_t)s->updates, "draws_of_the_host",
                          (json_int_t)s->draws, "linked", (json_int_t)s->linked);

    json_count(whys, "ambiguous", s->ambiguous);
    json_count(whys, "discarded", s->discarded);
    json_count(whys, "loss", s->lost);
    json_count(whys, "began_before", s->began_before);
    json_count(whys, "no_update", s->no_update);
    json_count(whys, "open_at_end", s->open);
    json_count(whys, "too_many_open", s->places.over);
    json_object_set_new(o, "not_linked", whys);
    return o;
}

static void text(const json_t *s, FILE *f)
{
    fprintf(f, "updates that QEMU made: %lld, linked to their drawable ",
            json_number(s, "updates"));
    text_share(f, s, "linked", "updates");
    fprintf(f, "; drawables of QEMU's own: %lld\n", json_number(s, "draws_of_the_host"));
    text_counts(f, s, "not linked", "not_linked");
}

static void overflows(const void *state, json_t *list)
{
    json_count(list, "queued_updates", ((const struct state *)state)->places.over);
}

static void release(void *state)
{
    struct state *s = state;

    free(s->queue);
    free(s);
}

const struct link_view view_updates = {
    .schema = &schema,
    .begin = begin,
    .add = add,
    .end = end,
    .summary = summary,
    .text = text,
    .overflows = overflows,
    .free = release,
};
