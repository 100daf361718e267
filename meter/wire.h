/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts the two byte streams of one SPICE connection into messages as they pass. It trusts neither
 * side: lengths are bounded or only counted, and only the first WIRE_PREFIX bytes of a body are
 * kept. The layouts are those of spice-protocol's protocol.h and enums.h, and spice-common's
 * spice.proto.
 */
#ifndef SPICETAP_WIRE_H
#define SPICETAP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/events.h"

enum {
    WIRE_PREFIX = 16384, /* bytes of a body that are kept; a drawing's image descriptor is there */
};

struct wire_message {
    uint16_t type;
    uint32_t size;       /* of the body, from the header */
    uint64_t bytes;      /* of header and body */
    const uint8_t *body; /* its first `have` bytes */
    size_t have;
};

enum wire_state {
    WIRE_LINK_HEADER,
    WIRE_LINK_REPLY,
    WIRE_LINK_RESULT,
    WIRE_MESSAGES,
    WIRE_OPAQUE, /* cannot be cut into messages, for the reason `why`; bytes are still counted */
};

/* Collects bytes until `want` are there. */
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
    bool known;          /* `channel` and `id` are set, from the client's link message */
    uint8_t channel, id; /* SPICE_CHANNEL_ and its number */
    bool client_mini, mini, client_done, client_choice, auth_selection;
    struct wire_part link, from_client;
    /* The message that is arriving: */
    uint8_t header[18];
    size_t header_have;
    struct wire_message now;
    uint64_t body_have;
    uint8_t body[WIRE_PREFIX];
};

void wire_init(struct wire *w, void (*message)(void *, const struct wire_message *), void *context);
/* Bytes from the client: reads which channel it is and which headers it can. */
void wire_client(struct wire *w, const uint8_t *p, size_t n);
/* Bytes from the server. Calls `message` for each message whose last byte is among them.
 * 0, or -EPROTO: the server does not speak SPICE, and all further bytes are opaque. */
int wire_server(struct wire *w, const uint8_t *p, size_t n);

/* ---- the contents of messages of the display and main channels ---------------------------- */

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
    uint8_t image; /* IMAGE_TYPE_ of events.h */
};

/* True: the message is of that kind, complete enough, and was read. */
bool wire_get_frame(const struct wire_message *m, struct wire_frame *f);
bool wire_get_stream(const struct wire_message *m, struct wire_stream *s);
bool wire_get_stream_end(const struct wire_message *m, uint32_t *stream); /* UINT32_MAX: all */
bool wire_get_draw(const struct wire_message *m, struct wire_draw *d);
bool wire_get_surface_gone(const struct wire_message *m, uint32_t *surface);
/* The server's multimedia clock in ms, from a message of the main channel. */
bool wire_get_mm_time(const struct wire_message *m, uint32_t *mm_time);

/* A message type's name, such as "stream_data". NULL: this version does not know it. */
const char *wire_message_name(uint8_t channel, uint32_t type);

#endif
