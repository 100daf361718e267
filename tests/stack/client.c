/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack-client: the real SPICE client without a window, on libspice-client-glib.
 *
 *   stack-client URI [SECONDS]
 *
 * Connects all channels that the server offers, decodes everything, and prints what it saw as one
 * line of JSON. It ends when the server closes, after SECONDS, or on SIGTERM or SIGINT.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib-unix.h>
#include <spice-client.h>

#define CHANNELS 16

struct seen {
    int type, id;
    SpiceChannel *channel;
    gulong bytes; /* kept here too, because a closed channel resets its own count */
    uint64_t opened, errors;
};

struct client {
    SpiceSession *session;
    GMainLoop *loop;
    struct seen channels[CHANNELS];
    int count;
    uint64_t primaries, invalidates, pixels, marks, width, height;
};

static struct seen *seen_of(struct client *c, SpiceChannel *channel)
{
    for (int i = 0; i < c->count; i++)
        if (c->channels[i].channel == channel)
            return &c->channels[i];
    return NULL;
}

static void on_primary(SpiceChannel *channel, gint format, gint width, gint height, gint stride,
                       gint shm, gpointer pixels, gpointer data)
{
    struct client *c = data;
    (void)channel, (void)format, (void)stride, (void)shm, (void)pixels;
    c->primaries++;
    c->width = width;
    c->height = height;
}

static void on_invalidate(SpiceChannel *channel, gint x, gint y, gint w, gint h, gpointer data)
{
    struct client *c = data;
    (void)channel, (void)x, (void)y;
    c->invalidates++;
    c->pixels += (uint64_t)w * h;
}

static void on_mark(SpiceChannel *channel, gint mark, gpointer data)
{
    struct client *c = data;
    (void)channel;
    c->marks += mark != 0;
}

static void on_event(SpiceChannel *channel, SpiceChannelEvent event, gpointer data)
{
    struct client *c = data;
    struct seen *s = seen_of(c, channel);
    if (!s)
        return;
    if (event == SPICE_CHANNEL_OPENED) {
        s->opened++;
        return;
    }
    s->errors += event != SPICE_CHANNEL_CLOSED && event != SPICE_CHANNEL_SWITCHING;
    g_object_get(channel, "total-read-bytes", &s->bytes, NULL);
    if (s->type == SPICE_CHANNEL_MAIN)
        g_main_loop_quit(c->loop);
}

static void on_channel(SpiceSession *session, SpiceChannel *channel, gpointer data)
{
    struct client *c = data;
    struct seen *s = &c->channels[c->count];
    (void)session;
    if (c->count == CHANNELS)
        return;
    c->count++;
    s->channel = g_object_ref(channel);
    g_object_get(channel, "channel-type", &s->type, "channel-id", &s->id, NULL);
    g_signal_connect(channel, "channel-event", G_CALLBACK(on_event), c);
    if (s->type == SPICE_CHANNEL_DISPLAY) {
        g_signal_connect(channel, "display-primary-create", G_CALLBACK(on_primary), c);
        g_signal_connect(channel, "display-invalidate", G_CALLBACK(on_invalidate), c);
        g_signal_connect(channel, "display-mark", G_CALLBACK(on_mark), c);
    }
    if (s->type != SPICE_CHANNEL_MAIN)
        spice_channel_connect(channel);
}

static gboolean on_end(gpointer data)
{
    g_main_loop_quit(data);
    return G_SOURCE_REMOVE;
}

static void print_seen(struct client *c)
{
    printf("{\"primaries\":%" PRIu64 ",\"marks\":%" PRIu64 ",\"invalidates\":%" PRIu64
           ",\"pixels\":%" PRIu64 ",\"width\":%" PRIu64 ",\"height\":%" PRIu64 ",\"channels\":[",
           c->primaries, c->marks, c->invalidates, c->pixels, c->width, c->height);
    for (int i = 0; i < c->count; i++) {
        struct seen *s = &c->channels[i];
        gulong bytes = 0;
        g_object_get(s->channel, "total-read-bytes", &bytes, NULL);
        printf("%s{\"type\":\"%s\",\"id\":%d,\"read\":%lu,\"opened\":%" PRIu64
               ",\"errors\":%" PRIu64 "}",
               i ? "," : "", spice_channel_type_to_string(s->type), s->id, MAX(bytes, s->bytes),
               s->opened, s->errors);
    }
    printf("]}\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct client c = {.count = 0};
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: stack-client URI [SECONDS]\n");
        return 2;
    }
    c.loop = g_main_loop_new(NULL, FALSE);
    c.session = spice_session_new();
    g_object_set(c.session, "uri", argv[1], NULL);
    g_signal_connect(c.session, "channel-new", G_CALLBACK(on_channel), &c);
    g_unix_signal_add(SIGTERM, on_end, c.loop);
    g_unix_signal_add(SIGINT, on_end, c.loop);
    if (argc == 3)
        g_timeout_add_seconds(atoi(argv[2]), on_end, c.loop);
    if (!spice_session_connect(c.session)) {
        fprintf(stderr, "stack-client: cannot connect to %s\n", argv[1]);
        return 3;
    }
    g_main_loop_run(c.loop);
    print_seen(&c);
    return c.primaries ? 0 : 1;
}
