/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fabricated logs and runs for the unit tests. */
#ifndef SPICETAP_TEST_FAKE_H
#define SPICETAP_TEST_FAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/bundle.h"
#include "event/fields.h"
#include "log/tap_format.h"

/* A folder of the test's own, removed by fake_clean(). */
static char fake_dir[64];

static inline int fake_setup(void **state)
{
    (void)state;
    strcpy(fake_dir, "/tmp/spicetap-test-XXXXXX");
    return mkdtemp(fake_dir) ? 0 : -1;
}

static inline int fake_clean(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf '%s'", fake_dir);
    return system(command);
}

static inline const char *fake_path(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", fake_dir, name);
    return path;
}

static inline uint64_t fake_random(void)
{
    static uint64_t x = 0x2545f4914f6cdd1du;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

/* A value such as the kind's field could have, small ones and extreme ones alike. */
static inline uint64_t fake_value(enum tap_type type)
{
    uint64_t v = fake_random() >> (fake_random() % 64);

    switch (type) {
    case TYPE_U32:
        return (uint32_t)v;
    case TYPE_S32:
        return (uint64_t)(int64_t)(int32_t)v;
    case TYPE_U8:
        return (uint8_t)v;
    case TYPE_BOOL:
        return v & 1;
    default:
        return v;
    }
}

static inline struct tap_event fake_event(const struct tap_kind_desc *kind, uint64_t time)
{
    struct tap_event ev = {.time = time,
                           .tid = (uint32_t)(fake_random() % 4),
                           .kind = kind->kind,
                           .slots = kind->slots};

    for (unsigned i = 0; i < kind->count; i++) {
        const struct tap_field *f = &kind->fields[i];

        ev.v[f->slot] = fake_value(f->type);
        if (f->type == TYPE_RECT)
            ev.v[f->slot + 1] = fake_value(f->type);
    }
    return ev;
}

static inline const struct tap_kind_desc *fake_kind(enum tap_source source)
{
    const struct tap_kind_desc *k;

    do
        k = &tap_kinds[fake_random() % tap_kind_count];
    while (k->source != source);
    return k;
}

static inline void fake_put(struct tap_writer *w, uint32_t tid, enum tap_kind kind, uint64_t time,
                            const void *v)
{
    struct tap_event ev = {.time = time,
                           .tid = tid,
                           .kind = (uint16_t)kind,
                           .slots = tap_kind_find((uint16_t)kind)->slots};

    memcpy(ev.v, v, ev.slots * sizeof(*ev.v));
    assert_int_equal(tap_write(w, &ev), 0);
}

/* PUT(w, draw, 1000, .display = 0, .box = {0, 0, 10, 10}); PUT_AS: in that thread */
#define PUT_AS(w, tid, name, time, ...)                                                            \
    fake_put(w, tid, EV_##name, time, &(struct fields_##name){__VA_ARGS__})
#define PUT(w, name, time, ...) PUT_AS(w, 7, name, time, __VA_ARGS__)

static inline struct tap_writer *fake_log(const char *path, enum tap_source source)
{
    struct tap_writer *w = NULL;

    assert_int_equal(tap_writer_open(&w, path, source), 0);
    return w;
}

static inline uint8_t *fake_load(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    data = malloc(*size + 1);
    assert_int_equal(fread(data, 1, *size, f), *size);
    data[*size] = '\0';
    fclose(f);
    return data;
}

static inline void fake_store(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Runs a command of spicetap with its output in files; gives the exit code. */
static inline int fake_run(int (*command)(int, char **), const char *out, const char *err,
                           char **argv)
{
    int argc = 0, code, saved[2] = {dup(1), dup(2)};
    const char *files[2] = {out, err};

    while (argv[argc])
        argc++;
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        int fd = open(files[i], O_WRONLY | O_CREAT | O_TRUNC, 0600);

        dup2(fd, i + 1);
        close(fd);
    }
    optind = 0;
    code = command(argc, argv);
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    return code;
}

#define RUN(command, ...)                                                                          \
    fake_run(command, fake_path("out"), fake_path("err"),                                          \
             (char **)(const char *[]){"spicetap", ##__VA_ARGS__, NULL})

static inline char *fake_text(const char *name)
{
    size_t size;

    return (char *)fake_load(fake_path(name), &size);
}

#endif
