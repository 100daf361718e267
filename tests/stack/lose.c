/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lose IN.tap OUT.tap FROM TO: the same log, but what came from FROM to TO (ns) is lost, and the
 * log says so where it was: as if the kernel's ring had been full then.
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
    bool said = false;
    int more;

    while ((more = tap_reader_next(r, &ev)) == 1) {
        if (ev.time >= from && ev.time <= to) {
            lost++;
            continue;
        }
        if (ev.time > to && !said) {
            tap_write_loss(w, from + (to - from) / 2, lost, LOSS_RING_FULL);
            said = true;
        }
        tap_write(w, &ev);
    }
    if (!said && lost)
        tap_write_loss(w, from + (to - from) / 2, lost, LOSS_RING_FULL);
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
