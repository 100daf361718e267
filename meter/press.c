/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --keys: presses a key when the last one is answered, and logs both. */
#include <glib-unix.h>

#include "event/fields.h"
#include "meter.h"

enum { RETRY_MS = 20 }; /* until a key can be pressed; then how often its limit is looked at */

#define MS INT64_C(1000000)

static gboolean on_press(gpointer data);

static void press_in(struct meter *m, unsigned ms)
{
    m->press = g_timeout_add(ms, on_press, m);
}

static void log_answer(struct meter *m, int64_t time)
{
    const struct keys *k = &m->keys;
    int64_t took = k->presses[k->pressed - 1].took;

    pthread_mutex_lock(&m->lock);
    EMIT(&m->counts, time, client_answer, .number = k->pressed, .answered = took >= 0,
         .took = took >= 0 ? took : time - k->presses[k->pressed - 1].time);
    pthread_mutex_unlock(&m->lock);
}

/* The last press was answered, or is not waited for any more. */
static void go_on(struct meter *m)
{
    if (m->press)
        g_source_remove(m->press);
    m->press = 0;
    if (!keys_done(&m->keys))
        press_in(m, keys_gap(&m->keys));
    else if (!m->options->seconds && m->options->ready_fd < 0)
        session_end(m, "all keys were pressed", EXIT_DONE);
}

/* The time is taken before the key is on its way. */
static bool press(struct meter *m)
{
    int64_t time = (int64_t)relay_now();

    if (!m->inputs || !m->ready || m->go || !keys_quiet(&m->keys, time) ||
        !keys_pressed(&m->keys, &m->screen, time))
        return false;
    pthread_mutex_lock(&m->lock);
    EMIT(&m->counts, time, client_key, .number = m->keys.pressed, .scancode = KEYS_SCANCODE);
    pthread_mutex_unlock(&m->lock);
    spice_inputs_channel_key_press_and_release(m->inputs, KEYS_SCANCODE);
    return true;
}

static gboolean on_press(gpointer data)
{
    struct meter *m = data;
    int64_t time = (int64_t)relay_now();

    m->press = 0;
    if (keys_too_late(&m->keys, time)) {
        log_answer(m, time);
        go_on(m);
        return G_SOURCE_REMOVE;
    }
    if (!m->keys.waiting)
        press(m);
    press_in(m, RETRY_MS);
    return G_SOURCE_REMOVE;
}

void press_look(struct meter *m, const struct wire_rect *box, int64_t time)
{
    struct wire_rect mine = keys_box(&m->keys);

    if (box->left >= mine.right || mine.left >= box->right || box->top >= mine.bottom ||
        mine.top >= box->bottom || !keys_look(&m->keys, &m->screen, time))
        return;
    log_answer(m, time);
    go_on(m);
}

static gboolean on_go(gint fd, GIOCondition condition, gpointer data)
{
    struct meter *m = data;
    (void)fd, (void)condition;

    m->go = 0;
    return G_SOURCE_REMOVE;
}

void press_begin(struct meter *m)
{
    if (!m->keys.spec.count)
        return;
    if (m->options->go_fd >= 0)
        m->go = g_unix_fd_add(m->options->go_fd, G_IO_IN | G_IO_HUP, on_go, m);
    press_in(m, keys_gap(&m->keys));
}

void press_end(struct meter *m)
{
    if (m->press)
        g_source_remove(m->press);
    if (m->go)
        g_source_remove(m->go);
    m->press = m->go = 0;
}
