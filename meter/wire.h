/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two byte streams of one SPICE connection, cut into messages as they pass. Nothing here is
 * trusted: lengths are bounded or only counted, and of a body the first WIRE_PREFIX bytes are kept.
 * Layouts: spice-protocol's protocol.h and enums.h, spice-common's spice.proto.
 */
#ifndef SPICETAP_WIRE_H
#define SPICETAP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WIRE_PREFIX = 16384, /* of a body: where a drawing's image descriptor is looked for */
    WIRE_IMAGE_UNREAD = 254,
    WIRE_IMAGE_NONE = 255, /* both of events.def's image_type */
};

struct wire_message {
    uint16_t type;
    uint32_t size;       /* of the body, as the header says */
    uint64_t bytes;      /* with the header */
    const uint8_t *body; /* its first `have` bytes */
    size_t have;
};

enum wire_state {
    WIRE_LINK_HEADER,
    WIRE_LINK_REPLY,
    WIRE_LINK_RESULT,
    WIRE_MESSAGES,
    WIRE_OPAQUE, /* cannot be cut into messages: `why` says so; bytes are still counted */
};

/* Collects what must be whole before it can be looked at. */
struct wire_part {
    size_t want, have;
    uint8_t bytes[4096];
};

struct wire {
    void (*message)(void *context, const struct wire_message *m);
    void *context;
    enum wire_state state;
    const char *why;
    uint32_t link_error; /* SPICE_LINK_ERR_ of the link's reply or result; 0: none */
    uint64_t link_bytes; /* from the server, before its first message */
    uint64_t rest;       /* bytes of the message that is not whole yet */
    uint64_t opaque;     /* bytes from the server that could not be cut */
    bool known;          /* the client said which channel it is */
    uint8_t channel, id; /* SPICE_CHANNEL_ and its number */
    bool client_mini, mini, client_done, client_choice, auth_selection;
    struct wire_part link, from_client;
    /* The message that is coming. */
    uint8_t header[18];
    size_t header_have;
    struct wire_message now;
    uint64_t body_have;
    uint8_t body[WIRE_PREFIX];
};

void wire_init(struct wire *w, void (*message)(void *, const struct wire_message *), void *context);
/* Bytes on their way to the server: which channel, which headers. */
void wire_client(struct wire *w, const uint8_t *p, size_t n);
/* Bytes on their way to the client. Calls `message` for each message whose last byte is in them.
 * -EPROTO: the server does not speak SPICE; everything from there on is opaque. */
int wire_server(struct wire *w, const uint8_t *p, size_t n);

/* ---- what a message of the display or main channel holds ---------------------------------- */

struct wire_rect {
    int32_t left, top, right, bottom;
};

struct wire_frame { /* STREAM_DATA, STREAM_DATA_SIZED */
    uint32_t stream, mm_time;
    bool sized;
    struct wire_rect dest; /* if sized */
};

struct wire_stream { /* STREAM_CREATE */
    uint32_t surface, stream;
    uint8_t codec;
    struct wire_rect dest;
};

struct wire_draw { /* COPY_BITS and all DRAW_ messages */
    uint32_t surface;
    struct wire_rect box;
    uint8_t image; /* SPICE_IMAGE_TYPE_ or WIRE_IMAGE_ */
};

/* true: it is such a message and could be read. */
bool wire_get_frame(const struct wire_message *m, struct wire_frame *f);
bool wire_get_stream(const struct wire_message *m, struct wire_stream *s);
bool wire_get_stream_end(const struct wire_message *m, uint32_t *stream); /* UINT32_MAX: all */
bool wire_get_draw(const struct wire_message *m, struct wire_draw *d);
bool wire_get_surface_gone(const struct wire_message *m, uint32_t *surface);
/* Of the main channel: the server's multimedia clock, ms. */
bool wire_get_mm_time(const struct wire_message *m, uint32_t *mm_time);

/* "stream_data", or NULL for a message this version does not know. */
const char *wire_message_name(uint8_t channel, uint32_t type);

#endif
