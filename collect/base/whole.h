/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that is of use only when it is whole: it is written under another name beside its place,
 * and moved there at the end. An error, or a signal that ends the program, leaves nothing.
 */
#ifndef SPICETAP_WHOLE_H
#define SPICETAP_WHOLE_H

#include <limits.h>

/* One at a time in a program. */
struct whole {
    char place[PATH_MAX]; /* links resolved */
    char part[PATH_MAX];  /* an empty file of our own to write to */
};

/* 0 or -errno; then nothing is there. -EISDIR, and -EINVAL for what is no regular file: a device or
 * a FIFO is not replaced. */
int whole_begin(struct whole *w, const char *path);
/* Moves the file to its place, unless `error`: then it goes. The first error: 0 or -errno. */
int whole_end(struct whole *w, int error);

#endif
