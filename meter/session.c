/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SPICE session. libspice-client-glib connects, decodes and draws as in any client. */
#include <errno.h>
#include <glib-unix.h>
#include <spice/enums.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "event/fields.h"
#include "event/compression.h"
#include "meter.h"

enum {
    OPEN_SECONDS = 20,  /* the main channel must be open by then */
    READY_SECONDS = 3,  /* after that, start measuring even if there is no picture */
    SETTLE_MS = 8,      /* without another drawing on it, the clip's region is complete */
    SETTLE_MAX_MS = 40, /* look at it even if drawings go on */
};

#define MS INT64_C(1000000)

static int64_t now(void)
{
    return (int64_t)relay_now();
}

void session_end(struct meter *m, const char *why, int result)
{
    if (!m->end) {
        m->end = why;
        m->result = result;
        m->ended = relay_now();
    }
    g_main_loop_quit(m->loop);
}

/* ---- the clip's region ------------------------------------------------------------------------
 */

static bool touches(const struct wire_rect *a, const struct wire_rect *b)
{
    return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

static bool covers(const struct wire_rect *a, const struct wire_rect *b)
{
    return a->left <= b->left && a->right >= b->right && a->top <= b->top && a->bottom >= b->bottom;
}

static void look(struct meter *m, int64_t time, int64_t held, unsigned bars, bool number_only)
{
    struct clip_change change;

    clip_look(&m->clip, &m->screen, time, held, bars, number_only, &change);
    pthread_mutex_lock(&m->lock);
    for (unsigned i = 0; i < CLIP_BARS; i++)
        if (change.bars >> i & 1)
            EMIT(&m->counts, time, client_bar, .bar = i, .number = m->clip.bars.number[i]);
    if (change.picture)
        EMIT(&m->counts, time, client_clip, .number = change.number, .since = change.since,
             .lost = change.lost, .late = change.late);
    pthread_mutex_unlock(&m->lock);
}

static gboolean on_settled(gpointer data)
{
    struct meter *m = data;
    int64_t t = now();

    if (t - m->last_touched < SETTLE_MS * MS && t - m->first_touched < SETTLE_MAX_MS * MS)
        return G_SOURCE_CONTINUE;
    m->settle = 0;
    look(m, m->last_touched, m->last_held, CLIP_ALL_BARS, false);
    return G_SOURCE_REMOVE;
}

static void settle_later(struct meter *m, int64_t time, int64_t held)
{
    m->last_touched = time;
    m->last_held = held;
    if (!m->settle) {
        m->first_touched = time;
        m->settle = g_timeout_add(SETTLE_MS, on_settled, m);
    }
}

/* A drawing that covers a whole bar changes its number at once. Several smaller ones can leave it
 * half old and half new until the last one. */
static void region_changed(struct meter *m, const struct wire_rect *box, int64_t time, int64_t held)
{
    struct wire_rect region = clip_region(&m->clip);
    unsigned whole = 0;
    bool part = false;

    for (int i = 0; i < CLIP_BARS; i++) {
        struct wire_rect bar = clip_bar(&m->clip, i);

        if (covers(box, &bar))
            whole |= 1u << i;
        else
            part |= touches(box, &bar);
    }
    if (whole)
        look(m, time, held, whole, true);
    if (part || (!m->clip.numbered && touches(box, &region)))
        settle_later(m, time, held);
}

/* ---- the display ------------------------------------------------------------------------------
 */

static void on_invalidate(SpiceChannel *channel, gint x, gint y, gint w, gint h, gpointer data)
{
    struct meter *m = data;
    struct wire_rect box = {x, y, x + w, y + h};
    int64_t time = now(), held;
    int id = 0;

    g_object_get(channel, "channel-id", &id, NULL);
    pthread_mutex_lock(&m->lock);
    count_picture(&m->counts, (uint8_t)id, box, time, &held);
    pthread_mutex_unlock(&m->lock);
    if (channel == m->display) {
        region_changed(m, &box, time, held);
        press_look(m, &box, time);
    }
}

static gboolean on_ready(gpointer data)
{
    struct meter *m = data;

    m->ready_timer = 0;
    if (m->ready || !m->opened)
        return G_SOURCE_REMOVE;
    m->ready = relay_now();
    if (m->options->ready_fd >= 0) {
        if (write(m->options->ready_fd, "r", 1) != 1)
            fprintf(stderr, "spicetap meter: --ready-fd: %s\n", strerror(errno));
        close(m->options->ready_fd);
    }
    return G_SOURCE_REMOVE;
}

static void on_primary(SpiceChannel *channel, gint format, gint width, gint height, gint stride,
                       gint shm, gpointer pixels, gpointer data)
{
    struct meter *m = data;
    (void)shm;

    if (channel != m->display)
        return;
    m->screen = (struct screen){
        .pixels = pixels,
        .width = width,
        .height = height,
        .stride = stride,
        .readable = format == SPICE_SURFACE_FMT_32_xRGB || format == SPICE_SURFACE_FMT_32_ARGB,
    };
    if (m->ready_timer) {
        g_source_remove(m->ready_timer);
        on_ready(m);
    }
}

static void on_primary_gone(SpiceChannel *channel, gpointer data)
{
    struct meter *m = data;

    if (channel == m->display)
        m->screen.pixels = NULL;
}

static void add_display(struct meter *m, SpiceChannel *channel)
{
    int id = 0;

    g_object_get(channel, "channel-id", &id, NULL);
    if (id == 0)
        m->display = channel;
    g_signal_connect(channel, "display-primary-create", G_CALLBACK(on_primary), m);
    g_signal_connect(channel, "display-primary-destroy", G_CALLBACK(on_primary_gone), m);
    g_signal_connect(channel, "display-invalidate", G_CALLBACK(on_invalidate), m);
}

/* ---- channels ---------------------------------------------------------------------------------
 */

static uint32_t link_error(struct meter *m)
{
    uint32_t error = 0;

    pthread_mutex_lock(&m->lock);
    if (m->counts.count)
        error = m->counts.channels[0]->wire.link_error; /* the main channel's */
    pthread_mutex_unlock(&m->lock);
    return error;
}

static void refused(struct meter *m, uint32_t error)
{
    static const char *const words[] = {
        [SPICE_LINK_ERR_ERROR] = "the server refuses the connection",
        [SPICE_LINK_ERR_INVALID_MAGIC] = "the server does not recognize a SPICE client",
        [SPICE_LINK_ERR_INVALID_DATA] = "the server does not understand the link message",
        [SPICE_LINK_ERR_VERSION_MISMATCH] = "the server speaks another version of SPICE",
        [SPICE_LINK_ERR_NEED_SECURED] =
            "the server wants TLS: name its TLS port with spice+tls://HOST:PORT",
        [SPICE_LINK_ERR_NEED_UNSECURED] = "the server wants no TLS: use spice://HOST:PORT",
        [SPICE_LINK_ERR_BAD_CONNECTION_ID] = "the server does not know this session",
        [SPICE_LINK_ERR_CHANNEL_NOT_AVAILABLE] = "the server has no such channel",
    };
    bool password = error == SPICE_LINK_ERR_PERMISSION_DENIED;

    if (password)
        snprintf(m->error, sizeof(m->error),
                 m->password ? "the server refuses the password (is it wrong, or expired?)"
                             : "the server wants a password: use --password-file FILE or "
                               "SPICETAP_PASSWORD");
    else
        snprintf(m->error, sizeof(m->error), "%s",
                 error < G_N_ELEMENTS(words) && words[error] ? words[error]
                                                             : "the server refuses the connection");
    session_end(m, "refused", EXIT_ENV);
}

/* The main channel closed, or never opened. */
static void lost(struct meter *m)
{
    char text[sizeof(m->error)];
    uint32_t error = link_error(m);
    enum relay_fault fault = relay_fault(m->relay, text, sizeof(text));

    if (m->end)
        return;
    if (m->opened) {
        snprintf(m->error, sizeof(m->error), "%s",
                 fault == RELAY_NO_SPICE ? text : "the server went away");
        session_end(m, "the server went away", EXIT_PART);
    } else if (error) {
        refused(m, error);
    } else {
        snprintf(m->error, sizeof(m->error), "%s",
                 fault == RELAY_SERVER_GONE ? "the server closed the connection at once: is this "
                                              "the SPICE port, and does it want TLS?"
                 : *text                    ? text
                                            : "the connection failed");
        session_end(m, "no connection", fault == RELAY_NO_SPICE ? EXIT_INPUT : EXIT_ENV);
    }
}

static void opened(struct meter *m)
{
    m->opened = relay_now();
    if (!m->ready && !m->ready_timer)
        m->ready_timer = g_timeout_add_seconds(READY_SECONDS, on_ready, m);
}

static void on_event(SpiceChannel *channel, SpiceChannelEvent event, gpointer data)
{
    struct meter *m = data;
    int type = 0;

    g_object_get(channel, "channel-type", &type, NULL);
    if (type == SPICE_CHANNEL_INPUTS)
        m->inputs = event == SPICE_CHANNEL_OPENED ? SPICE_INPUTS_CHANNEL(channel) : NULL;
    if (type == SPICE_CHANNEL_MAIN) {
        if (event == SPICE_CHANNEL_OPENED)
            opened(m);
        else if (event != SPICE_CHANNEL_NONE && event != SPICE_CHANNEL_SWITCHING)
            lost(m);
    } else if (channel == m->display && event == SPICE_CHANNEL_OPENED && m->options->compression) {
        spice_display_channel_change_preferred_compression(
            channel, compression_number(m->options->compression));
    } else if (channel == m->display && event >= SPICE_CHANNEL_CLOSED && !m->end) {
        m->screen.pixels = NULL;
        fprintf(stderr, "spicetap meter: the display channel closed; its counts are kept\n");
    }
}

static void on_open_fd(SpiceChannel *channel, int with_tls, gpointer data)
{
    struct meter *m = data;
    int fd;

    if (with_tls) { /* spice-gtk tries again with TLS because the server wants it */
        refused(m, SPICE_LINK_ERR_NEED_SECURED);
        return;
    }
    fd = relay_channel(m->relay);
    if (fd < 0) {
        snprintf(m->error, sizeof(m->error), "no connection for a channel: %s", strerror(-fd));
        session_end(m, "out of resources", EXIT_PART);
        return;
    }
    spice_channel_open_fd(channel, fd);
}

static void on_channel(SpiceSession *session, SpiceChannel *channel, gpointer data)
{
    struct meter *m = data;
    int type = 0;
    (void)session;

    g_object_get(channel, "channel-type", &type, NULL);
    g_signal_connect(channel, "channel-event", G_CALLBACK(on_event), m);
    g_signal_connect(channel, "open-fd", G_CALLBACK(on_open_fd), m);
    if (type == SPICE_CHANNEL_DISPLAY)
        add_display(m, channel);
    if (type != SPICE_CHANNEL_MAIN)
        spice_channel_connect(channel);
}

/* ---- time and signals -------------------------------------------------------------------------
 */

static gboolean on_signal(gpointer data)
{
    session_end(data, "interrupted", EXIT_DONE);
    return G_SOURCE_CONTINUE;
}

static void keep_tap(struct meter *m)
{
    pthread_mutex_lock(&m->lock);
    if (m->tap && !m->tap_error)
        m->tap_error = tap_writer_flush(m->tap);
    pthread_mutex_unlock(&m->lock);
    if (m->tap_error) {
        snprintf(m->error, sizeof(m->error), "%s: %s", m->options->tap, strerror(-m->tap_error));
        session_end(m, "the log cannot be written", EXIT_PART);
    }
}

static gboolean on_second(gpointer data)
{
    struct meter *m = data;

    keep_tap(m);
    if (m->opened && !m->end && !m->options->quiet && isatty(STDERR_FILENO))
        report_live(m);
    return G_SOURCE_CONTINUE;
}

static gboolean on_tick(gpointer data)
{
    struct meter *m = data;

    if (m->ready && m->options->seconds &&
        relay_now() - m->ready >= m->options->seconds * UINT64_C(1000000000))
        session_end(m, "time is up", EXIT_DONE);
    if (m->ready && !m->end)
        pictures_look(&m->pictures, &m->clip, &m->screen, now());
    return G_SOURCE_CONTINUE;
}

static gboolean on_timeout(gpointer data)
{
    struct meter *m = data;

    if (!m->opened) {
        snprintf(m->error, sizeof(m->error), "the server did not answer within %d s", OPEN_SECONDS);
        session_end(m, "no answer", EXIT_ENV);
    }
    return G_SOURCE_CONTINUE;
}

/* A session that is only read presses no key. */
static SpiceSession *make_session(struct meter *m)
{
    SpiceSession *session = spice_session_new();

    g_object_set(session, "read-only", !m->keys.spec.count, "enable-audio", FALSE,
                 "enable-usbredir", FALSE, "enable-smartcard", FALSE, NULL);
    if (m->password)
        g_object_set(session, "password", m->password, NULL);
    g_signal_connect(session, "channel-new", G_CALLBACK(on_channel), m);
    return session;
}

void session_run(struct meter *m)
{
    guint sources[] = {
        g_unix_signal_add(SIGINT, on_signal, m), g_unix_signal_add(SIGTERM, on_signal, m),
        g_unix_signal_add(SIGHUP, on_signal, m), g_timeout_add_seconds(1, on_second, m),
        g_timeout_add(20, on_tick, m),           g_timeout_add_seconds(OPEN_SECONDS, on_timeout, m),
    };

    m->loop = g_main_loop_new(NULL, FALSE);
    m->session = make_session(m);
    spice_session_open_fd(m->session, -1); /* each channel asks for its own socket: on_open_fd() */
    press_begin(m);
    if (!m->end)
        g_main_loop_run(m->loop);
    press_end(m);
    clip_end(&m->clip, (int64_t)m->ended);
    m->pictures_error = pictures_close(&m->pictures);
    relay_stop(m->relay);
    for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
        g_source_remove(sources[i]);
    if (m->settle)
        g_source_remove(m->settle);
    if (m->ready_timer)
        g_source_remove(m->ready_timer);
    m->settle = m->ready_timer = 0;
    g_signal_handlers_disconnect_by_data(m->session, m);
    spice_session_disconnect(m->session);
    g_object_unref(m->session);
    while (g_main_context_iteration(NULL, FALSE)) { /* lets the channels finish */
    }
    g_main_loop_unref(m->loop);
}
