/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a .tap log: the file, its header, its description of itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log/tap_reader.h"

/* Buffers grow to what the log needs, within the format's limits. */
int tap_make_room(uint8_t **buffer, size_t *room, size_t size)
{
    uint8_t *more = size > *room ? realloc(*buffer, size) : *buffer;

    if (size <= *room)
        return 0;
    if (!more)
        return -ENOMEM;
    *buffer = more;
    *room = size;
    return 0;
}

ssize_t tap_read_all(struct tap_reader *r, uint8_t *to, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t n = pread(r->fd, to + done, length - done, (off_t)(r->position + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (!n)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

int tap_read_packed(struct tap_reader *r, size_t packed, uint32_t crc, size_t raw)
{
    size_t used;
    ssize_t n;

    if (tap_make_room(&r->payload, &r->payload_room, packed) ||
        tap_make_room(&r->raw, &r->raw_room, raw))
        return -ENOMEM;
    n = tap_read_all(r, r->payload, packed);
    if (n < 0)
        return (int)n;
    if ((size_t)n < packed)
        return -ENODATA;
    if (tap_crc(r->payload, packed) != crc)
        return -EBADMSG;
    if (libdeflate_zlib_decompress_ex(r->inflater, r->payload, packed, r->raw, raw, &used, NULL) ||
        used != packed)
        return -EBADMSG;
    return 0;
}

static int read_header(struct tap_reader *r)
{
    uint8_t h[TAP_HEADER_SIZE];
    ssize_t n = tap_read_all(r, h, sizeof(h));
    size_t packed, raw;
    int err;

    if (n < 0)
        return (int)n;
    if (n < 8 || memcmp(h, TAP_MAGIC, 8) || n < TAP_HEADER_SIZE)
        return -ENODATA;
    if (get_le(h + 28, 4) != tap_crc(h, 28))
        return -EBADMSG;
    if (get_le(h + 8, 2) > TAP_MAJOR)
        return -EPROTO;
    r->minor = (unsigned)get_le(h + 10, 2);
    packed = get_le(h + 12, 4);
    raw = get_le(h + 16, 4);
    if (!get_le(h + 8, 2) || packed > TAP_MAX_PAYLOAD || !raw || raw > TAP_MAX_DESC)
        return -EBADMSG;
    r->position += TAP_HEADER_SIZE;
    err = tap_read_packed(r, packed, (uint32_t)get_le(h + 20, 4), raw);
    r->position += packed;
    return err ? err : tap_desc_parse(&r->desc, (char *)r->raw, raw);
}

/* The recorder's own kinds are found by name; no other kind may use a loss's number. */
static int learn_kinds(struct tap_reader *r)
{
    r->known = calloc(r->desc.count, sizeof(*r->known));
    if (!r->known)
        return -ENOMEM;
    for (size_t i = 0; i < r->desc.count; i++) {
        const struct tap_kind_desc *to;

        tap_translation_learn(&r->known[i], r->desc.plans[i].desc);
        to = r->known[i].to;
        if (to && to->kind == EV_loss)
            r->loss = r->desc.plans[i].number;
        else if (r->desc.plans[i].number == EV_loss)
            return -EBADMSG;
        if (to && to->kind == EV_log_end)
            r->log_end = r->desc.plans[i].number;
    }
    return 0;
}

/* Without O_NONBLOCK a FIFO would be waited for. */
static int open_file(struct tap_reader *r, int folder, const char *name, int flags)
{
    struct stat st;

    r->fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
    if (r->fd < 0)
        return errno == ENXIO ? -EINVAL : -errno; /* a socket */
    if (fstat(r->fd, &st))
        return -errno;
    return S_ISREG(st.st_mode) ? 0 : -EINVAL;
}

static int open_reader(struct tap_reader **out, int folder, const char *name, int flags)
{
    struct tap_reader *r = calloc(1, sizeof(*r));
    int err = -ENOMEM;

    if (!r)
        return -ENOMEM;
    r->fd = r->loss = r->log_end = r->skipped = NOTHING;
    r->inflater = libdeflate_alloc_decompressor();
    if (r->inflater) {
        err = open_file(r, folder, name, flags);
        if (!err)
            err = read_header(r);
        if (!err)
            err = tap_decoder_open(&r->decoder, &r->desc);
        if (!err)
            err = learn_kinds(r);
    }
    if (err) {
        tap_reader_close(r);
        return err;
    }
    *out = r;
    return 0;
}

int tap_reader_open(struct tap_reader **out, const char *path)
{
    return open_reader(out, AT_FDCWD, path, 0);
}

int tap_reader_open_at(struct tap_reader **out, int folder, const char *name)
{
    return open_reader(out, folder, name, O_NOFOLLOW);
}

void tap_reader_close(struct tap_reader *r)
{
    if (!r)
        return;
    if (r->fd >= 0)
        close(r->fd);
    tap_decoder_close(&r->decoder);
    tap_desc_free(&r->desc);
    libdeflate_free_decompressor(r->inflater);
    free(r->known);
    free(r->event);
    free(r->payload);
    free(r->raw);
    free(r);
}
