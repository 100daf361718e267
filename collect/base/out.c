/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/out.h"

int out_open(struct out *o, int fd)
{
    *o = (struct out){.fd = fd, .buffer = malloc(OUT_SIZE)};
    if (!o->buffer)
        return -ENOMEM;
    o->p = o->buffer;
    o->end = o->buffer + OUT_SIZE - OUT_LINE;
    return 0;
}

int out_flush(struct out *o)
{
    for (char *from = o->buffer; !o->error && from < o->p;) {
        ssize_t n = write(o->fd, from, (size_t)(o->p - from));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            o->error = n ? -errno : -EIO;
            break;
        }
        from += n;
        o->written += (uint64_t)n;
    }
    o->p = o->buffer;
    return o->error;
}

int out_reserve(struct out *o, size_t size)
{
    size_t room = (size_t)(o->end - o->buffer); /* before the last line's own room */
    int error = (size_t)(o->end + OUT_LINE - o->p) < size ? out_flush(o) : 0;
    char *larger;

    if (error || size <= room + OUT_LINE)
        return error;
    larger = realloc(o->buffer, size + OUT_LINE);
    if (!larger)
        return -ENOMEM;
    o->buffer = o->p = larger;
    o->end = larger + size;
    return 0;
}

int out_close(struct out *o)
{
    if (!o->buffer)
        return o->error;
    out_flush(o);
    if (o->fd != STDOUT_FILENO && close(o->fd) && !o->error)
        o->error = -errno;
    free(o->buffer);
    o->buffer = NULL;
    return o->error;
}

int out_finish(FILE *f)
{
    bool failed = ferror(f); /* its errno is gone */

    errno = 0;
    if (fflush(f))
        return errno ? -errno : -EIO;
    return failed ? -EIO : 0;
}

static const char pairs[200] = "00010203040506070809101112131415161718192021222324"
                               "25262728293031323334353637383940414243444546474849"
                               "50515253545556575859606162636465666768697071727374"
                               "75767778798081828384858687888990919293949596979899";

char *put_unsigned(char *p, uint64_t v)
{
    char digits[20], *d = digits + sizeof(digits);

    if (v < 10) { /* by far the most */
        *p = (char)('0' + v);
        return p + 1;
    }
    for (; v >= 100; v /= 100)
        memcpy(d -= 2, pairs + v % 100 * 2, 2);
    if (v >= 10)
        memcpy(d -= 2, pairs + v * 2, 2);
    else
        *--d = (char)('0' + v);
    return put_text(p, d, (size_t)(digits + sizeof(digits) - d));
}

char *put_signed(char *p, int64_t v)
{
    if (v >= 0)
        return put_unsigned(p, (uint64_t)v);
    *p = '-';
    return put_unsigned(p + 1, -(uint64_t)v);
}

char *put_hex(char *p, uint64_t v)
{
    int digits = v ? (67 - __builtin_clzll(v)) / 4 : 1;

    *p++ = '0';
    *p++ = 'x';
    for (int i = digits; i--; v >>= 4)
        p[i] = "0123456789abcdef"[v & 15];
    return p + digits;
}
