/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever a .tap log holds, the reader must not crash, hang or use memory without bound.
 * The first byte says what the rest is: a whole file; a chunk's payload, to be wrapped in right
 * lengths and CRCs; or a description and a payload, likewise.
 * A short run is part of `make check`; a long one: scripts/fuzz.sh run build/fuzz/fuzz_tap 3600
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "log/tap_format.h"
#include "../unit/desktop.h"

/* Every type, meaning and code there is; a real log's description is longer, and slower to read. */
static const char small_json[] =
    "{\"source\":\"spice\",\"enums\":{\"e\":[{\"value\":1,\"name\":\"one\"}]},\"kinds\":[{"
    "\"number\":27,\"name\":\"wakeup\",\"source\":\"spice\",\"fields\":["
    "{\"name\":\"drawable\",\"type\":\"u64\",\"meaning\":\"hex\",\"code\":\"delta\"},"
    "{\"name\":\"x\",\"type\":\"u64\",\"meaning\":\"e\",\"code\":\"by\",\"by\":\"drawable\"},"
    "{\"name\":\"b\",\"type\":\"rect\",\"meaning\":\"box\",\"columns\":4},"
    "{\"name\":\"new\",\"type\":\"blob\",\"columns\":2},"
    "{\"name\":\"c\",\"type\":\"s64\",\"meaning\":\"time\",\"code\":\"time\"}]},"
    "{\"number\":2,\"name\":\"match\",\"source\":\"spice\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"u64\",\"meaning\":\"hex\",\"code\":\"recent\",\"columns\":2},"
    "{\"name\":\"x\",\"type\":\"u64\",\"meaning\":\"num\",\"code\":\"last\",\"by\":\"id\"},"
    "{\"name\":\"o\",\"type\":\"rect\",\"meaning\":\"box\",\"code\":\"last\",\"of\":\"b\"},"
    "{\"name\":\"s\",\"type\":\"s64\",\"meaning\":\"ns\",\"code\":\"since\",\"of\":\"c\","
    "\"by\":[\"id\",\"x\"],\"anew\":\"x\"},"
    "{\"name\":\"d\",\"type\":\"u64\",\"code\":\"last\",\"of\":\"new\"}]},"
    "{\"number\":1000,\"name\":\"loss\",\"source\":\"meta\",\"fields\":["
    "{\"name\":\"count\",\"type\":\"u64\",\"meaning\":\"num\"}]}]}";
/* Two wakeups and two matches: order; time; match: tid, id (2), x, o (4), s, d; wakeup: tid,
 * drawable, x, b (4), new (2), c. */
static const uint8_t small_raw[] = {4, 27, 2, 27, 2, 1, 3, 0, 1, 64, 1, 8, 1, 2, 1, 6, 0, 0,
                                    0, 1,  5, 0,  0, 1, 2, 1, 4, 0,  0, 1, 7, 0, 0, 0, 1, 9};

static void put(int fd, const void *data, size_t size)
{
    if (write(fd, data, size) != (ssize_t)size)
        abort();
}

static void wrap(int fd, const char *json, size_t json_size, const uint8_t *raw, size_t size,
                 uint32_t events)
{
    static uint8_t file[1 << 21];
    uLongf packed = 1 << 20;
    uint8_t *p = file;

    if (compress2(p + TAP_HEADER_SIZE, &packed, (const Bytef *)json, json_size, 1) != Z_OK)
        return;
    memset(p, 0, TAP_HEADER_SIZE);
    memcpy(p, TAP_MAGIC, 8);
    put_le(p + 8, TAP_MAJOR, 2);
    put_le(p + 10, TAP_MINOR, 2);
    put_le(p + 12, packed, 4);
    put_le(p + 16, json_size, 4);
    put_le(p + 20, tap_crc(p + TAP_HEADER_SIZE, packed), 4);
    put_le(p + 28, tap_crc(p, 28), 4);
    p += TAP_HEADER_SIZE + packed;
    packed = 1 << 20;
    if (compress2(p + TAP_CHUNK_SIZE, &packed, raw, size, 1) != Z_OK)
        return;
    memset(p, 0, TAP_CHUNK_SIZE);
    memcpy(p, TAP_CHUNK_MARK, 4);
    put_le(p + 4, packed, 4);
    put_le(p + 8, size, 4);
    put_le(p + 12, events, 4);
    put_le(p + 48, tap_crc(p + TAP_CHUNK_SIZE, packed), 4);
    put_le(p + 52, tap_crc(p, 52), 4);
    put(fd, file, (size_t)(p - file) + TAP_CHUNK_SIZE + packed);
}

static void read_it(const char *path)
{
    struct tap_reader *r;
    struct tap_event ev, known;

    if (tap_reader_open(&r, path))
        return;
    while (tap_reader_next(r, &ev) == 1) {
        const struct tap_kind_desc *kind = tap_reader_kind(r, ev.kind);

        if (!kind || kind->slots != ev.slots || ev.slots > TAP_MAX_SLOTS)
            abort();
        tap_reader_known(r, &ev, &known);
    }
    tap_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("log", MFD_CLOEXEC);
    size_t json;

    if (size < 3)
        size = 0;
    switch (size ? data[0] % 3 : 3) {
    case 0:
        put(fd, data + 1, size - 1);
        break;
    case 1:
        wrap(fd, small_json, strlen(small_json), data + 3, size - 3, data[1] | data[2] << 8);
        break;
    case 2: /* one byte of events; the description ends at the first 0 */
        json = strnlen((const char *)data + 2, size - 2);
        if (json + 3 <= size)
            wrap(fd, (const char *)data + 2, json, data + 3 + json, size - 3 - json, data[1]);
        break;
    default:
        break;
    }
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    read_it(path);
    close(fd);
    return 0;
}

/* ---- what to begin with ----------------------------------------------------------------- */

static void seed(const char *folder, const char *name, uint8_t mode, const uint8_t *head,
                 size_t head_size, const void *data, size_t size)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof(path), "%s/seed-%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return;
    put(fd, &mode, 1);
    put(fd, head, head_size);
    put(fd, data, size);
    close(fd);
}

static void seed_log(const char *folder)
{
    static uint8_t log[1 << 20];
    static struct desktop d;
    char path[] = "/tmp/spicetap-fuzz-XXXXXX";
    char file[64];
    struct tap_writer *w;
    ssize_t size = 0;
    int fd;

    if (!mkdtemp(path))
        return;
    snprintf(file, sizeof(file), "%s/log", path);
    if (!tap_writer_open(&w, file, SOURCE_SPICE)) {
        desktop_init(&d, w, NULL);
        while (tap_writer_events(w) < 300)
            desktop_step(&d);
        tap_writer_close(w);
        fd = open(file, O_RDONLY);
        size = read(fd, log, sizeof(log));
        close(fd);
        unlink(file);
    }
    rmdir(path);
    if (size > 0)
        seed(folder, "log", 0, NULL, 0, log, (size_t)size);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t both[sizeof(small_json) + sizeof(small_raw)];

    memcpy(both, small_json, sizeof(small_json));
    memcpy(both + sizeof(small_json), small_raw, sizeof(small_raw));
    for (int i = 1; i < *argc; i++)
        if ((*argv)[i][0] != '-') {
            const char *folder = (*argv)[i];

            seed_log(folder);
            seed(folder, "payload", 1, (const uint8_t *)"\x04", 2, small_raw, sizeof(small_raw));
            seed(folder, "description", 2, (const uint8_t *)"\x04", 1, both, sizeof(both));
            break;
        }
    return 0;
}
