/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A row for each time that the guest reported out of memory (a notify), from the wait in which it
 * did to the memory it got. What links the events:
 * - the guest's thread: qxl_fence_wait calls qxl_io_notify_oom, inside the allocation;
 * - the I/O write: QEMU has it while the guest is in it, and both sides have writes in one order;
 * - QEMU's thread: ioport_write calls spice_qxl_oom, unless the release ring is not empty;
 * - the server's pending bit (red_qxl_set_pending): all notifies until handle_dev_oom is done share
 *   one message, and so one episode;
 * - the worker's thread: what it does between oom_begin and oom_end;
 * - the release ids that it pushed and the guest then frees (journey.h).
 */
#include <stdlib.h>

#include "links/oom_state.h"

static void *begin(struct row_sink *rows)
{
    struct oom *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->rows = rows;
    s->journeys = journeys_new(oom_reclaimed, s);
    if (!s->journeys) {
        free(s);
        return NULL;
    }
    return s;
}

static void add_guest(struct oom *s, const struct tap_event *ev, uint64_t error)
{
    if (ev->kind == EV_guest_gc)
        oom_collected(s, ev);
    oom_guest(s, ev, error);
}

static void add(void *state, const struct tap_event *ev, enum tap_source source, uint64_t error)
{
    struct oom *s = state;

    s->time = ev->time;
    journeys_add(s->journeys, ev, source, error);
    if (ev->kind == EV_loss)
        s->losses += source != SOURCE_CLIENT;
    else if (source == SOURCE_GUEST)
        add_guest(s, ev, error);
    else
        oom_server(s, ev);
    while (s->listed_waits.count && s->waits[0]->end && s->time > s->waits[0]->end &&
           s->time - s->waits[0]->end > OOM_PATIENCE)
        oom_unlist_wait(s, 0);
    while (s->head && oom_is_ready(s, s->head))
        oom_put(s, OOM_READY);
    if (bounded_overflows(&s->open_rows, OOM_ROWS + 1))
        oom_put(s, OOM_GIVEN_UP);
}

static int end(void *state)
{
    struct oom *s = state;

    journeys_end(s->journeys);
    while (s->head)
        oom_put(s, OOM_AT_END);
    return s->error ? s->error : journeys_error(s->journeys);
}

static json_t *summary(void *state)
{
    const struct oom *s = state;
    json_t *o = json_pack(
        "{sI sI sI sI sI sI sI sI sI sI sI}", "notifies", (json_int_t)s->notified, "complete",
        (json_int_t)s->complete, "with_wait", (json_int_t)s->with_wait, "asked_known",
        (json_int_t)s->asked_known, "deleting", (json_int_t)s->deleting, "order_violations",
        (json_int_t)s->violated, "waits", (json_int_t)s->waits_seen, "guest_ooms",
        (json_int_t)s->guest_ooms, "io_writes", (json_int_t)s->io_writes, "spice_ooms",
        (json_int_t)s->spice_ooms, "episodes", (json_int_t)s->episodes_seen);
    json_t *reasons = json_object(), *ends = json_object();

    for (int i = 1; i < OOM_WHYS; i++)
        json_count(reasons, oom_whys[i], s->why_count[i]);
    for (int i = 0; i < OUTCOMES; i++)
        json_count(ends, oom_outcomes[i], s->outcome_count[i]);
    json_object_set_new(o, "outcomes", ends);
    json_object_set_new(o, "not_complete", reasons);
    return o;
}

static void text(const json_t *s, FILE *f)
{
    fprintf(f, "reports of no memory: %lld, complete ", json_number(s, "notifies"));
    text_share(f, s, "complete", "notifies");
    fprintf(f, ", order violations %lld\n", json_number(s, "order_violations"));
    text_counts(f, s, "not complete", "not_complete");
    text_counts(f, s, "what the guest got", "outcomes");
    fprintf(f, "in a wait: ");
    text_share(f, s, "with_wait", "notifies");
    fprintf(f, "; with what the guest waited for: ");
    text_share(f, s, "asked_known", "notifies");
    if (json_number(s, "deleting")) {
        fprintf(f, "\nwhile the guest freed an object and asked for no memory: ");
        text_share(f, s, "deleting", "notifies");
    }
    fprintf(f,
            "\ncounts: waits %lld, guest_oom %lld, qxl_io_write notify_oom %lld, qxl_spice_oom "
            "%lld, oom_begin %lld\n",
            json_number(s, "waits"), json_number(s, "guest_ooms"), json_number(s, "io_writes"),
            json_number(s, "spice_ooms"), json_number(s, "episodes"));
}

static void overflows(const void *state, json_t *list)
{
    const struct oom *s = state;

    json_count(list, "notifies", s->open_rows.over);
    json_count(list, "waits", s->listed_waits.over);
    json_count(list, "episodes", s->listed_episodes.over);
    journeys_overflows(s->journeys, list);
}

static void release(void *state)
{
    struct oom *s = state;

    s->rows = NULL;
    while (s->head)
        oom_put(s, OOM_AT_END);
    while (s->listed_waits.count)
        oom_unlist_wait(s, 0);
    while (s->listed_episodes.count)
        oom_unlist_episode(s);
    journeys_free(s->journeys);
    free(s);
}

const struct link_view view_oom = {
    .schema = &oom_schema,
    .begin = begin,
    .add = add,
    .end = end,
    .summary = summary,
    .text = text,
    .overflows = overflows,
    .free = release,
};
