/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * repeat IN.tap OUT.tap TIMES: writes the log's events TIMES times, each round later by the log's
 * length and a second. A loss stands between two rounds, because a round begins with other
 * drawables than the round before it ended with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/fields.h"
#include "log/tap.h"

#define SECOND 1000000000u

/* Times in fields move too: whatif compares them with the events' times. */
static void move(struct tap_event *ev, uint64_t shift)
{
    const struct tap_kind_desc *kind = tap_kind_find(ev->kind);
    static const struct tap_rect empty;

    ev->time += shift;
    for (unsigned i = 0; kind && i < kind->count; i++)
        if (!strcmp(kind->fields[i].meaning, "time") && ev->v[kind->fields[i].slot])
            ev->v[kind->fields[i].slot] += shift;
    /* An empty slot of the trace ring has time 0: the span since then is a time. */
    if (ev->kind == EV_match && FIELDS(ev, match)->against == MATCH_AGAINST_trace &&
        !memcmp(&FIELDS(ev, match)->other, &empty, sizeof(empty)))
        ((struct fields_match *)ev->v)->since += (int64_t)shift;
}

static int once(const char *path, struct tap_writer *w, uint64_t shift, uint64_t *first,
                uint64_t *last)
{
    struct tap_reader *r = NULL;
    struct tap_event ev;
    int more = tap_reader_open(&r, path);

    while (!more && (more = tap_reader_next(r, &ev)) == 1) {
        *first = *first && *first < ev.time ? *first : ev.time;
        *last = *last > ev.time ? *last : ev.time;
        if (w) {
            move(&ev, shift);
            tap_write(w, &ev);
        }
        more = 0;
    }
    tap_reader_close(r);
    return more;
}

static int repeat(const char *from, const char *to, unsigned times)
{
    struct tap_reader *r = NULL;
    struct tap_writer *w = NULL;
    uint64_t first = 0, last = 0, length;
    int err = tap_reader_open(&r, from);

    if (!err)
        err = tap_writer_open(&w, to, tap_reader_source(r));
    tap_reader_close(r);
    if (!err)
        err = once(from, NULL, 0, &first, &last);
    length = last - first + SECOND;
    for (unsigned i = 0; i < times && !err; i++) {
        err = once(from, w, i * length, &first, &last);
        if (!err && i + 1 < times)
            tap_write_loss(w, last + i * length + SECOND / 2, 1, LOSS_REASON_ring_full);
    }
    if (w) {
        int closed = tap_writer_close(w);

        err = err ? err : closed;
    }
    return err;
}

int main(int argc, char **argv)
{
    int err;

    if (argc != 4)
        return 2;
    err = repeat(argv[1], argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    if (err)
        fprintf(stderr, "repeat: %s: %s\n", argv[1], strerror(-err));
    return err != 0;
}
