/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pictures.h"

enum { PATH_SIZE = 4096 };

/* A picture to write, or without pixels a file to delete. */
struct job {
    char path[PATH_SIZE];
    int width, height;
    uint8_t rgb[];
};

static int write_png(const struct job *j)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)j->width,
                       .height = (png_uint_32)j->height,
                       .format = PNG_FORMAT_RGB,
                       .flags = PNG_IMAGE_FLAG_FAST};
    int done;

    errno = 0;
    done = png_image_write_to_file(&image, j->path, 0, j->rgb, 0, NULL);
    png_image_free(&image);
    return done ? 0 : errno ? errno : EIO;
}

static void on_job(gpointer data, gpointer user)
{
    struct pictures *p = user;
    struct job *j = data;
    int error = 0;

    /* It must not take the processor from the client or the guest. On Linux this is the thread's.
     */
    setpriority(PRIO_PROCESS, (id_t)gettid(), 19);
    if (j->width)
        error = write_png(j);
    else if (unlink(j->path))
        error = errno;
    if (error)
        g_atomic_int_compare_and_exchange(&p->error, 0, error);
    free(j);
}

int pictures_open(struct pictures *p, const char *folder, unsigned most)
{
    *p = (struct pictures){.folder = folder, .most = most, .interval = 1000000000};
    if (mkdir(folder, 0755))
        return -errno;
    p->list = calloc(most, sizeof(*p->list));
    p->writer = p->list ? g_thread_pool_new(on_job, p, 1, TRUE, NULL) : NULL;
    return p->writer ? 0 : -ENOMEM;
}

static struct job *new_job(const struct pictures *p, unsigned place, size_t bytes)
{
    struct job *j = malloc(sizeof(*j) + bytes);

    if (!j)
        return NULL;
    j->width = j->height = 0;
    snprintf(j->path, sizeof(j->path), "%s/%06u.png", p->folder, place);
    return j;
}

/* Deletes every second one: those that are left are as far apart as the ones to come. */
static void thin_out(struct pictures *p)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < p->count; i++) {
        struct job *j;

        if (i % 2 == 0) {
            p->list[kept++] = p->list[i];
            continue;
        }
        j = new_job(p, p->list[i].place, 0);
        if (j)
            g_thread_pool_push(p->writer, j, NULL);
    }
    p->count = kept;
    p->interval *= 2;
}

static void copy(uint8_t *rgb, const struct screen *s, const struct wire_rect *at)
{
    for (int y = at->top; y < at->bottom; y++) {
        const uint8_t *from = s->pixels + (size_t)y * (size_t)s->stride + (size_t)at->left * 4;

        for (int x = at->left; x < at->right; x++, from += 4, rgb += 3) {
            rgb[0] = from[2];
            rgb[1] = from[1];
            rgb[2] = from[0];
        }
    }
}

void pictures_look(struct pictures *p, const struct clip *c, const struct screen *s, int64_t now)
{
    struct wire_rect at = clip_region(c);
    int width = at.right - at.left, height = at.bottom - at.top;
    struct job *j;

    if (!p->writer || now < p->next || !s->pixels || !s->readable || at.right > s->width ||
        at.bottom > s->height)
        return;
    if (p->count == p->most)
        thin_out(p);
    p->next = now + p->interval;
    j = new_job(p, p->taken, (size_t)width * (size_t)height * 3);
    if (!j)
        return;
    j->width = width;
    j->height = height;
    copy(j->rgb, s, &at);
    p->list[p->count] = (struct picture){now, p->taken++, clip_bars_number(&c->bars), {0}};
    memcpy(p->list[p->count++].bars, c->bars.number, sizeof(c->bars.number));
    g_thread_pool_push(p->writer, j, NULL);
}

int pictures_close(struct pictures *p)
{
    if (p->writer)
        g_thread_pool_free(p->writer, FALSE, TRUE);
    p->writer = NULL;
    return -g_atomic_int_get(&p->error);
}

static json_t *number(int number)
{
    return number == CLIP_NONE ? json_null() : json_integer(number);
}

json_t *pictures_json(const struct pictures *p)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < p->count; i++) {
        const struct picture *s = &p->list[i];
        json_t *bars = json_array();
        char name[32];

        for (int k = 0; k < CLIP_BARS; k++)
            json_array_append_new(bars, number(s->bars[k]));
        snprintf(name, sizeof(name), "%06u.png", s->place);
        json_array_append_new(list, json_pack("{s:s, s:I, s:o, s:o}", "file", name, "time",
                                              (json_int_t)s->time, "number", number(s->number),
                                              "bars", bars));
    }
    return list;
}

void pictures_free(struct pictures *p)
{
    free(p->list);
    p->list = NULL;
}
