/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lose IN.tap OUT.tap FROM TO: copies a log without the events from FROM to TO (ns), and puts a
 * loss there, as if the kernel's ring buffer had been full. Prints the number of lost events.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/tap.h"

static int copy(struct tap_reader *r, struct tap_writer *w, uint64_t from, uint64_t to)
{
    struct tap_event ev;
    uint64_t lost = 0;
    bool reported = false;
    int more;

    while ((more = tap_reader_next(r, &ev)) == 1) {
        if (ev.time >= from && ev.time <= to) {
            lost++;
            continue;
        }
        if (ev.time > to && !reported) {
            tap_write_loss(w, from + (to - from) / 2, lost, LOSS_REASON_ring_full);
            reported = true;
        }
        tap_write(w, &ev);
    }
    if (!reported && lost)
        tap_write_loss(w, from + (to - from) / 2, lost, LOSS_REASON_ring_full);
    printf("%" PRIu64 "\n", lost);
    return more;
}

int main(int argc, char **argv)
{
    struct tap_reader *r = NULL;
    struct tap_writer *w = NULL;
    int err;

    if (argc != 5)
        return 2;
    err = tap_reader_open(&r, argv[1]);
    if (!err)
        err = tap_writer_open(&w, argv[2], tap_reader_source(r));
    if (!err)
        err = copy(r, w, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    if (w) {
        int closed = tap_writer_close(w);

        err = err ? err : closed;
    }
    tap_reader_close(r);
    if (err)
        fprintf(stderr, "lose: %s: %s\n", argv[1], strerror(-err));
    return err != 0;
}
