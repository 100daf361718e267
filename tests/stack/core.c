/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SpiceCoreInterface on GLib's default main context: timers and watches. */
#include "driver.h"

#include <glib-unix.h>

struct SpiceTimer {
    SpiceTimerFunc func;
    void *opaque;
    guint source;
};

struct SpiceWatch {
    int fd;
    SpiceWatchFunc func;
    void *opaque;
    guint source;
};

static SpiceTimer *timer_add(SpiceTimerFunc func, void *opaque)
{
    SpiceTimer *t = g_new0(SpiceTimer, 1);
    t->func = func;
    t->opaque = opaque;
    return t;
}

static void timer_cancel(SpiceTimer *t)
{
    if (t->source)
        g_source_remove(t->source);
    t->source = 0;
}

static gboolean timer_fires(gpointer data)
{
    SpiceTimer *t = data;
    /* A timer fires once. The callback may start it again. */
    t->source = 0;
    t->func(t->opaque);
    return G_SOURCE_REMOVE;
}

static void timer_start(SpiceTimer *t, uint32_t ms)
{
    timer_cancel(t);
    t->source = g_timeout_add(ms, timer_fires, t);
}

static void timer_remove(SpiceTimer *t)
{
    timer_cancel(t);
    g_free(t);
}

static gboolean watch_fires(gint fd, GIOCondition condition, gpointer data)
{
    SpiceWatch *w = data;
    int events = 0;
    if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR))
        events |= SPICE_WATCH_EVENT_READ;
    if (condition & G_IO_OUT)
        events |= SPICE_WATCH_EVENT_WRITE;
    /* The callback may free the watch, so `w` is not used after it. */
    w->func(fd, events, w->opaque);
    return G_SOURCE_CONTINUE;
}

static void watch_update_mask(SpiceWatch *w, int mask)
{
    GIOCondition condition = 0;
    if (w->source)
        g_source_remove(w->source);
    w->source = 0;
    if (mask & SPICE_WATCH_EVENT_READ)
        condition |= G_IO_IN | G_IO_HUP | G_IO_ERR;
    if (mask & SPICE_WATCH_EVENT_WRITE)
        condition |= G_IO_OUT;
    if (condition)
        w->source = g_unix_fd_add(w->fd, condition, watch_fires, w);
}

static SpiceWatch *watch_add(int fd, int mask, SpiceWatchFunc func, void *opaque)
{
    SpiceWatch *w = g_new0(SpiceWatch, 1);
    w->fd = fd;
    w->func = func;
    w->opaque = opaque;
    watch_update_mask(w, mask);
    return w;
}

static void watch_remove(SpiceWatch *w)
{
    watch_update_mask(w, 0);
    g_free(w);
}

static void channel_event(int event, SpiceChannelEventInfo *info)
{
    (void)event;
    (void)info;
}

SpiceCoreInterface *core_glib(void)
{
    static SpiceCoreInterface core = {
        .base = {.type = SPICE_INTERFACE_CORE,
                 .description = "stack driver",
                 .major_version = SPICE_INTERFACE_CORE_MAJOR,
                 .minor_version = SPICE_INTERFACE_CORE_MINOR},
        .timer_add = timer_add,
        .timer_start = timer_start,
        .timer_cancel = timer_cancel,
        .timer_remove = timer_remove,
        .watch_add = watch_add,
        .watch_update_mask = watch_update_mask,
        .watch_remove = watch_remove,
        .channel_event = channel_event,
    };
    return &core;
}

struct call {
    void (*f)(void *arg);
    void *arg;
    GMutex lock;
    GCond done_cond;
    bool done;
};

static gboolean call_run(gpointer data)
{
    struct call *c = data;
    c->f(c->arg);
    g_mutex_lock(&c->lock);
    c->done = true;
    g_cond_signal(&c->done_cond);
    g_mutex_unlock(&c->lock);
    return G_SOURCE_REMOVE;
}

void core_call(void (*f)(void *arg), void *arg)
{
    struct call c = {.f = f, .arg = arg};
    g_mutex_init(&c.lock);
    g_cond_init(&c.done_cond);
    g_main_context_invoke(NULL, call_run, &c);
    g_mutex_lock(&c.lock);
    while (!c.done)
        g_cond_wait(&c.done_cond, &c.lock);
    g_mutex_unlock(&c.lock);
    g_cond_clear(&c.done_cond);
    g_mutex_clear(&c.lock);
}
