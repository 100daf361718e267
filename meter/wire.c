/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cuts a SPICE connection into messages, and reads those that the meter counts. */
#include <errno.h>
#include <spice/enums.h>
#include <spice/protocol.h>
#include <string.h>

#include "wire.h"

enum {
    LINK_HEADER = 16, /* SpiceLinkHeader: magic, major, minor, size */
    LINK_REPLY = 178, /* SpiceLinkReply: error, key[162], two counts, offset */
    LINK_MESS = 18,   /* SpiceLinkMess: connection id, type, id, two counts, offset */
    MINI_HEADER = 6,  /* SpiceMiniDataHeader: type, size */
    FULL_HEADER = 18, /* SpiceDataHeader: serial, type, size, sub list */
    AUTH_SASL = 2,    /* SPICE_COMMON_CAP_AUTH_SASL as a mechanism, see SpiceLinkAuthMechanism */
};

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Takes bytes that `part` still wants. True: it is complete. */
static bool collect(struct wire_part *part, const uint8_t **p, size_t *n)
{
    size_t take = least(part->want - part->have, *n);

    memcpy(part->bytes + part->have, *p, take);
    part->have += take;
    *p += take;
    *n -= take;
    return part->have == part->want;
}

static bool bit(const uint8_t *words, uint32_t count, unsigned number)
{
    return number / 32 < count && le32(words + number / 32 * 4) >> number % 32 & 1;
}

static void opaque(struct wire *w, const char *why)
{
    w->state = WIRE_OPAQUE;
    w->why = why;
}

void wire_init(struct wire *w, void (*message)(void *, const struct wire_message *), void *context)
{
    memset(w, 0, sizeof(*w));
    w->message = message;
    w->context = context;
    w->link.want = LINK_HEADER;
    w->from_client.want = LINK_HEADER;
}

/* ---- the link ------------------------------------------------------------------------------- */

/* The capabilities in a link message. NULL: they would lie outside it. `fixed`: size of its fixed
 * part; `counts`: offset of its two counts. */
static const uint8_t *caps_at(const struct wire_part *part, size_t fixed, size_t counts,
                              uint32_t *common)
{
    const uint8_t *body = part->bytes + LINK_HEADER;
    size_t size = part->want - LINK_HEADER;
    uint32_t channel, offset;

    if (size < fixed)
        return NULL;
    *common = le32(body + counts);
    channel = le32(body + counts + 4);
    offset = le32(body + counts + 8);
    if (offset < fixed || offset > size || *common > size || channel > size ||
        (*common + (size_t)channel) * 4 > size - offset)
        return NULL;
    return body + offset;
}

/* Wants the rest of a link message, whose length is in its header. False: it is no SPICE header. */
static bool link_length(struct wire_part *part, size_t fixed)
{
    uint32_t size = le32(part->bytes + 12);

    if (le32(part->bytes) != SPICE_MAGIC || size < fixed ||
        size > sizeof(part->bytes) - LINK_HEADER)
        return false;
    part->want += size;
    return true;
}

static void client_linked(struct wire *w)
{
    const struct wire_part *part = &w->from_client;
    uint32_t common = 0;
    const uint8_t *caps = caps_at(part, LINK_MESS, 6, &common);

    if (caps) {
        w->known = true;
        w->channel = part->bytes[LINK_HEADER + 4];
        w->id = part->bytes[LINK_HEADER + 5];
        w->client_mini = bit(caps, common, SPICE_COMMON_CAP_MINI_HEADER);
    }
}

void wire_client(struct wire *w, const uint8_t *p, size_t n)
{
    struct wire_part *part = &w->from_client;

    while (n && !w->client_done) {
        if (!collect(part, &p, &n))
            return;
        if (w->client_choice) { /* the authentication method */
            w->client_done = true;
            if (le32(part->bytes) == AUTH_SASL && w->auth_selection)
                opaque(w, "the client uses SASL");
        } else if (part->want == LINK_HEADER) {
            w->client_done = !link_length(part, LINK_MESS);
        } else {
            client_linked(w);
            w->client_choice = true;
            *part = (struct wire_part){.want = 4};
        }
    }
}

static int no_spice(struct wire *w)
{
    opaque(w, "the server does not speak SPICE");
    return -EPROTO;
}

static int server_linked(struct wire *w)
{
    uint32_t common = 0;
    const uint8_t *caps = caps_at(&w->link, LINK_REPLY, 166, &common);

    w->link_error = le32(w->link.bytes + LINK_HEADER);
    if (!caps && !w->link_error)
        return no_spice(w);
    if (caps) {
        w->mini = w->client_mini && bit(caps, common, SPICE_COMMON_CAP_MINI_HEADER);
        w->auth_selection = bit(caps, common, SPICE_COMMON_CAP_PROTOCOL_AUTH_SELECTION);
    }
    w->state = WIRE_LINK_RESULT;
    w->link = (struct wire_part){.want = 4};
    return 0;
}

static int link_step(struct wire *w)
{
    switch (w->state) {
    case WIRE_LINK_HEADER:
        w->state = WIRE_LINK_REPLY;
        return link_length(&w->link, 4) ? 0 : no_spice(w);
    case WIRE_LINK_REPLY:
        return server_linked(w);
    default:
        if (!w->link_error)
            w->link_error = le32(w->link.bytes);
        w->state = WIRE_MESSAGES;
        return 0;
    }
}

/* ---- messages ------------------------------------------------------------------------------- */

static void take_header(struct wire *w, const uint8_t **p, size_t *n)
{
    size_t whole = w->mini ? MINI_HEADER : FULL_HEADER;
    size_t take = least(whole - w->header_have, *n);

    memcpy(w->header + w->header_have, *p, take);
    w->header_have += take;
    *p += take;
    *n -= take;
    if (w->header_have == whole) {
        const uint8_t *h = w->mini ? w->header : w->header + 8;

        w->now = (struct wire_message){
            .type = le16(h), .size = le32(h + 2), .bytes = whole + le32(h + 2), .body = w->body};
        w->body_have = 0;
    }
}

static bool header_whole(const struct wire *w)
{
    return w->header_have == (w->mini ? MINI_HEADER : FULL_HEADER);
}

static void take_body(struct wire *w, const uint8_t **p, size_t *n)
{
    size_t take = least(w->now.size - w->body_have, *n);
    size_t keep = w->now.have < WIRE_PREFIX ? least(take, WIRE_PREFIX - w->now.have) : 0;

    memcpy(w->body + w->now.have, *p, keep);
    w->now.have += keep;
    w->body_have += take;
    *p += take;
    *n -= take;
}

static void take_messages(struct wire *w, const uint8_t *p, size_t n)
{
    while (n) {
        if (!header_whole(w))
            take_header(w, &p, &n);
        if (header_whole(w)) {
            take_body(w, &p, &n);
            if (w->body_have == w->now.size) {
                w->message(w->context, &w->now);
                w->header_have = 0;
                w->body_have = 0;
            }
        }
    }
    w->rest = w->header_have + (header_whole(w) ? w->body_have : 0);
}

int wire_server(struct wire *w, const uint8_t *p, size_t n)
{
    while (n && w->state < WIRE_MESSAGES) {
        size_t before = n;
        bool whole = collect(&w->link, &p, &n);
        int error;

        w->link_bytes += before - n;
        if (!whole)
            return 0;
        error = link_step(w);
        if (error) {
            w->opaque += n;
            return error;
        }
    }
    if (w->state == WIRE_OPAQUE)
        w->opaque += n;
    else
        take_messages(w, p, n);
    return 0;
}

/* ---- what is in them ------------------------------------------------------------------------ */

static struct wire_rect rect_at(const uint8_t *p) /* Rect: top, left, bottom, right */
{
    return (struct wire_rect){.top = (int32_t)le32(p),
                              .left = (int32_t)le32(p + 4),
                              .bottom = (int32_t)le32(p + 8),
                              .right = (int32_t)le32(p + 12)};
}

bool wire_get_frame(const struct wire_message *m, struct wire_frame *f)
{
    bool sized = m->type == SPICE_MSG_DISPLAY_STREAM_DATA_SIZED;

    if ((!sized && m->type != SPICE_MSG_DISPLAY_STREAM_DATA) || m->have < (sized ? 32 : 8))
        return false;
    *f = (struct wire_frame){.stream = le32(m->body), .mm_time = le32(m->body + 4), .sized = sized};
    if (sized)
        f->dest = rect_at(m->body + 16);
    return true;
}

bool wire_get_stream(const struct wire_message *m, struct wire_stream *s)
{
    enum { DEST = 4 + 4 + 1 + 1 + 8 + 4 * 4 }; /* surface, id, flags, codec, stamp, four sizes */

    if (m->type != SPICE_MSG_DISPLAY_STREAM_CREATE || m->have < DEST + 16)
        return false;
    *s = (struct wire_stream){.surface = le32(m->body),
                              .stream = le32(m->body + 4),
                              .codec = m->body[9],
                              .dest = rect_at(m->body + DEST)};
    return true;
}

bool wire_get_stream_end(const struct wire_message *m, uint32_t *stream)
{
    if (m->type == SPICE_MSG_DISPLAY_STREAM_DESTROY_ALL) {
        *stream = UINT32_MAX;
        return true;
    }
    if (m->type != SPICE_MSG_DISPLAY_STREAM_DESTROY || m->have < 4)
        return false;
    *stream = le32(m->body);
    return true;
}

bool wire_get_surface_gone(const struct wire_message *m, uint32_t *surface)
{
    if (m->type != SPICE_MSG_DISPLAY_SURFACE_DESTROY || m->have < 4)
        return false;
    *surface = le32(m->body);
    return true;
}

/* The offset, after the clip, of the pointer to a drawing's image. -1: it has no image. */
static int image_pointer(uint16_t type)
{
    switch (type) {
    case SPICE_MSG_DISPLAY_DRAW_OPAQUE:
    case SPICE_MSG_DISPLAY_DRAW_COPY:
    case SPICE_MSG_DISPLAY_DRAW_BLEND:
    case SPICE_MSG_DISPLAY_DRAW_ROP3:
    case SPICE_MSG_DISPLAY_DRAW_TRANSPARENT:
        return 0;
    case SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND: /* after flags and alpha */
        return 2;
    case SPICE_MSG_DISPLAY_DRAW_COMPOSITE: /* after flags */
        return 4;
    default:
        return -1;
    }
}

/* The pointer is an offset into the body, of an ImageDescriptor: id (8 bytes), type, flags, width,
 * height. */
static uint8_t image_of(const struct wire_message *m, int pointer)
{
    uint64_t at = 4 + 16; /* DisplayBase: surface, box, and then the clip */
    uint32_t image;

    if (pointer < 0)
        return IMAGE_TYPE_none;
    if (m->have < at + 1)
        return IMAGE_TYPE_unread;
    if (m->body[at++] == SPICE_CLIP_TYPE_RECTS) {
        if (m->have < at + 4)
            return IMAGE_TYPE_unread;
        at += 4 + (uint64_t)le32(m->body + at) * 16;
    }
    at += (unsigned)pointer;
    if (m->have < at + 4)
        return IMAGE_TYPE_unread;
    image = le32(m->body + at);
    if (!image)
        return IMAGE_TYPE_none;
    return m->have < (uint64_t)image + 9 ? IMAGE_TYPE_unread : m->body[image + 8];
}

static bool is_draw(uint16_t type)
{
    return type == SPICE_MSG_DISPLAY_COPY_BITS || type == SPICE_MSG_DISPLAY_DRAW_COMPOSITE ||
           (type >= SPICE_MSG_DISPLAY_DRAW_FILL && type <= SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND);
}

bool wire_get_draw(const struct wire_message *m, struct wire_draw *d)
{
    if (!is_draw(m->type) || m->have < 20)
        return false;
    *d = (struct wire_draw){.surface = le32(m->body),
                            .box = rect_at(m->body + 4),
                            .image = image_of(m, image_pointer(m->type))};
    return true;
}

bool wire_get_mm_time(const struct wire_message *m, uint32_t *mm_time)
{
    enum { IN_INIT = 6 * 4 }; /* after session, hint, two mouse modes, two fields of the agent */
    size_t at = m->type == SPICE_MSG_MAIN_INIT ? IN_INIT : 0;

    if ((m->type != SPICE_MSG_MAIN_INIT && m->type != SPICE_MSG_MAIN_MULTI_MEDIA_TIME) ||
        m->have < at + 4)
        return false;
    *mm_time = le32(m->body + at);
    return true;
}

/* ---- names ---------------------------------------------------------------------------------- */

struct name {
    uint8_t channel; /* 0: every channel */
    uint16_t type;
    const char *name;
};

static const struct name names[] = {
    {0, SPICE_MSG_MIGRATE, "migrate"},
    {0, SPICE_MSG_MIGRATE_DATA, "migrate_data"},
    {0, SPICE_MSG_SET_ACK, "set_ack"},
    {0, SPICE_MSG_PING, "ping"},
    {0, SPICE_MSG_WAIT_FOR_CHANNELS, "wait_for_channels"},
    {0, SPICE_MSG_DISCONNECTING, "disconnecting"},
    {0, SPICE_MSG_NOTIFY, "notify"},
    {0, SPICE_MSG_LIST, "list"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_INIT, "init"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_CHANNELS_LIST, "channels_list"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_MOUSE_MODE, "mouse_mode"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_MULTI_MEDIA_TIME, "multi_media_time"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_AGENT_CONNECTED, "agent_connected"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_AGENT_DISCONNECTED, "agent_disconnected"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_AGENT_DATA, "agent_data"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_AGENT_TOKEN, "agent_token"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_NAME, "name"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_UUID, "uuid"},
    {SPICE_CHANNEL_MAIN, SPICE_MSG_MAIN_AGENT_CONNECTED_TOKENS, "agent_connected_tokens"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_MODE, "mode"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_MARK, "mark"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_RESET, "reset"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_COPY_BITS, "copy_bits"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_INVAL_LIST, "inval_list"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_INVAL_ALL_PIXMAPS, "inval_all_pixmaps"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_INVAL_PALETTE, "inval_palette"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_INVAL_ALL_PALETTES, "inval_all_palettes"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_STREAM_CREATE, "stream_create"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_STREAM_DATA, "stream_data"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_STREAM_CLIP, "stream_clip"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_STREAM_DESTROY, "stream_destroy"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_STREAM_DESTROY_ALL, "stream_destroy_all"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_FILL, "draw_fill"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_OPAQUE, "draw_opaque"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_COPY, "draw_copy"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_BLEND, "draw_blend"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_BLACKNESS, "draw_blackness"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_WHITENESS, "draw_whiteness"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_INVERS, "draw_invers"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_ROP3, "draw_rop3"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_STROKE, "draw_stroke"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_TEXT, "draw_text"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_TRANSPARENT, "draw_transparent"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_ALPHA_BLEND, "draw_alpha_blend"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_SURFACE_CREATE, "surface_create"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_SURFACE_DESTROY, "surface_destroy"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_STREAM_DATA_SIZED, "stream_data_sized"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_MONITORS_CONFIG, "monitors_config"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_DRAW_COMPOSITE, "draw_composite"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_STREAM_ACTIVATE_REPORT, "stream_activate_report"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_GL_SCANOUT_UNIX, "gl_scanout_unix"},
    {SPICE_CHANNEL_DISPLAY, SPICE_MSG_DISPLAY_GL_DRAW, "gl_draw"},
    {SPICE_CHANNEL_INPUTS, SPICE_MSG_INPUTS_INIT, "init"},
    {SPICE_CHANNEL_INPUTS, SPICE_MSG_INPUTS_KEY_MODIFIERS, "key_modifiers"},
    {SPICE_CHANNEL_CURSOR, SPICE_MSG_CURSOR_INIT, "init"},
    {SPICE_CHANNEL_CURSOR, SPICE_MSG_CURSOR_RESET, "reset"},
    {SPICE_CHANNEL_CURSOR, SPICE_MSG_CURSOR_SET, "set"},
    {SPICE_CHANNEL_CURSOR, SPICE_MSG_CURSOR_MOVE, "move"},
    {SPICE_CHANNEL_CURSOR, SPICE_MSG_CURSOR_HIDE, "hide"},
    {SPICE_CHANNEL_CURSOR, SPICE_MSG_CURSOR_TRAIL, "trail"},
    {SPICE_CHANNEL_CURSOR, SPICE_MSG_CURSOR_INVAL_ONE, "inval_one"},
    {SPICE_CHANNEL_CURSOR, SPICE_MSG_CURSOR_INVAL_ALL, "inval_all"},
    {SPICE_CHANNEL_PLAYBACK, SPICE_MSG_PLAYBACK_DATA, "data"},
    {SPICE_CHANNEL_PLAYBACK, SPICE_MSG_PLAYBACK_MODE, "mode"},
    {SPICE_CHANNEL_PLAYBACK, SPICE_MSG_PLAYBACK_START, "start"},
    {SPICE_CHANNEL_PLAYBACK, SPICE_MSG_PLAYBACK_STOP, "stop"},
    {SPICE_CHANNEL_PLAYBACK, SPICE_MSG_PLAYBACK_VOLUME, "volume"},
    {SPICE_CHANNEL_PLAYBACK, SPICE_MSG_PLAYBACK_MUTE, "mute"},
    {SPICE_CHANNEL_PLAYBACK, SPICE_MSG_PLAYBACK_LATENCY, "latency"},
};

const char *wire_message_name(uint8_t channel, uint32_t type)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].type == type && (!names[i].channel || names[i].channel == channel))
            return names[i].name;
    return NULL;
}
