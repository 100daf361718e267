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

#include "../../collect/tap_format.h"
#include "../unit/desktop.h"

static char *spice_json;

static void put(int fd, const void *data, size_t size)
{
    if (write(fd, data, size) != (ssize_t)size)
        abort();
}

static void wrap(int fd, const char *json, size_t json_size, const uint8_t *raw, size_t size,
                 uint32_t events)
{
    static uint8_t file[1 << 21];
    static uLongf spice_packed;
    uLongf packed = 1 << 20;
    uint8_t *p = file;

    /* Our own description stays where it is from run to run. */
    if (json == spice_json && spice_packed)
        packed = spice_packed;
    else if (compress2(p + TAP_HEADER_SIZE, &packed, (const Bytef *)json, json_size, 1) != Z_OK)
        return;
    spice_packed = json == spice_json ? packed : 0;
    memset(p, 0, TAP_HEADER_SIZE);
    memcpy(p, TAP_MAGIC, 8);
    put_le(p + 8, TAP_MAJOR, 2);
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
        tap_reader_translate(r, &ev, &known);
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
        wrap(fd, spice_json, strlen(spice_json), data + 3, size - 3, data[1] | data[2] << 8);
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
    static uint8_t log[1 << 20], raw[1 << 20];
    static struct desktop d;
    char path[] = "/tmp/spicetap-fuzz-XXXXXX";
    struct tap_writer *w;
    ssize_t size = 0;
    uLongf raw_size = sizeof(raw);
    uint8_t *chunk;
    int fd = -1;

    if (mkdtemp(path) && !chdir(path) && !tap_writer_open(&w, "log", SOURCE_SPICE)) {
        desktop_init(&d, w, NULL);
        while (tap_writer_events(w) < 300)
            desktop_step(&d);
        tap_writer_close(w);
        fd = open("log", O_RDONLY);
        size = read(fd, log, sizeof(log));
        close(fd);
        unlink("log");
    }
    if (chdir("/") || rmdir(path) || size <= 0)
        return;
    seed(folder, "log", 0, NULL, 0, log, (size_t)size);
    chunk = log + TAP_HEADER_SIZE + get_le(log + 12, 4);
    if (uncompress(raw, &raw_size, chunk + TAP_CHUNK_SIZE, get_le(chunk + 4, 4)) == Z_OK)
        seed(folder, "payload", 1, chunk + 12, 2, raw, raw_size);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char small[] =
        "{\"source\":\"spice\",\"enums\":{\"e\":[{\"value\":1,\"name\":\"one\"}]},\"kinds\":[{"
        "\"number\":27,\"name\":\"wakeup\",\"source\":\"spice\",\"fields\":[{\"name\":"
        "\"drawable\",\"type\":\"u64\",\"meaning\":\"hex\",\"code\":\"delta\",\"columns\":1},{"
        "\"name\":\"x\",\"type\":\"u64\",\"meaning\":\"e\",\"code\":\"by\",\"by\":\"drawable\","
        "\"columns\":1},{\"name\":\"b\",\"type\":\"rect\",\"meaning\":\"box\",\"columns\":4},{"
        "\"name\":\"c\",\"type\":\"u64\",\"meaning\":\"time\",\"code\":\"time\",\"columns\":1}]}]}"
        "\0\x02\x1b\x1b\0\0\x01\x02\x01\x04\0\0\0\0\x01\x09";
    char folder[4096];

    spice_json = tap_desc_json(SOURCE_SPICE);
    for (int i = 1; i < *argc; i++)
        if ((*argv)[i][0] != '-' && realpath((*argv)[i], folder)) {
            char here[4096];

            if (!getcwd(here, sizeof(here)))
                break;
            seed(folder, "description", 2, (const uint8_t *)"\x02", 1, small, sizeof(small) - 1);
            seed_log(folder);
            if (chdir(here))
                abort();
            break;
        }
    return 0;
}
