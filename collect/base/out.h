/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffered output for exporters: they print millions of numbers a second. */
#ifndef SPICETAP_OUT_H
#define SPICETAP_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    OUT_SIZE = 1 << 17,
    OUT_LINE = 1 << 13, /* a line has this room; a longer one needs out_reserve() */
};

struct out {
    int fd, error;
    uint64_t written; /* bytes */
    char *p, *end;    /* the next byte; where no line may begin */
    char *buffer;     /* OUT_SIZE bytes, or more after out_reserve() */
};

int out_open(struct out *o, int fd); /* owns fd from now on. -ENOMEM */
/* Writes the buffer. Keeps the first error, a negative errno, and returns it from then on. */
int out_flush(struct out *o);
/* Flushes if need be, and makes room for `size` bytes at o->p. */
int out_reserve(struct out *o, size_t size);
/* Flushes, and closes the file unless it is standard output. */
int out_close(struct out *o);

/* Flushes `f`. Returns the error of this or an earlier write: -EIO where its errno is not known. */
int out_finish(FILE *f);

/* At the end of each line: makes room for the next. */
static inline int out_line(struct out *o)
{
    *o->p++ = '\n';
    return o->p >= o->end ? out_flush(o) : o->error;
}

static inline char *put_text(char *p, const char *text, size_t length)
{
    memcpy(p, text, length);
    return p + length;
}

char *put_unsigned(char *p, uint64_t v);
char *put_signed(char *p, int64_t v);
char *put_hex(char *p, uint64_t v); /* with 0x */

#endif
