/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/fields.h"
#include "model/bytes.h"

/* Messages of the display channel: SPICE_MSG_DISPLAY_... of spice-protocol's enums.h. */
enum {
    MSG_COPY_BITS = 104,
    MSG_STREAM_DATA = 123,
    MSG_FIRST_DRAW = 302, /* DRAW_FILL */
    MSG_LAST_DRAW = 313,  /* DRAW_ALPHA_BLEND */
    MSG_STREAM_DATA_SIZED = 316,
    MSG_DRAW_COMPOSITE = 318,
};

static bool is_frame(uint64_t msg)
{
    return msg == MSG_STREAM_DATA || msg == MSG_STREAM_DATA_SIZED;
}

static bool is_drawing(uint64_t msg)
{
    return (msg >= MSG_FIRST_DRAW && msg <= MSG_LAST_DRAW) || msg == MSG_DRAW_COMPOSITE ||
           msg == MSG_COPY_BITS;
}

static void sent(struct model_bytes *b, const struct fields_sent *f)
{
    bool display = f->channel == CHANNEL_display;

    if (display && is_frame(f->msg))
        byte_sum_add(&b->stream_data, 0, f->size);
    else if (display && is_drawing(f->msg))
        byte_sum_add(&b->drawing, 0, f->size);
    else
        byte_sum_add(&b->channels[f->channel < BYTES_CHANNELS ? f->channel : 0], 0, f->size);
}

static struct byte_sum *at(struct byte_sum *list, uint64_t value)
{
    return &list[value < BYTES_VALUES ? value : BYTES_VALUES - 1];
}

void bytes_add(struct model_bytes *b, const struct tap_event *ev)
{
    const struct fields_image *image = FIELDS(ev, image);
    const struct fields_stream_encode *frame = FIELDS(ev, stream_encode);

    if (ev->kind == EV_sent)
        sent(b, FIELDS(ev, sent));
    else if (ev->kind == EV_image)
        byte_sum_add(at(b->images, image->type), image->raw, image->sent);
    else if (ev->kind == EV_stream_encode)
        byte_sum_add(at(b->encoded, frame->codec), frame->raw, frame->sent);
}

void bytes_sent_to(struct model_bytes *b, unsigned slot, const struct tap_event *ev)
{
    if (ev->kind == EV_sent && FIELDS(ev, sent)->channel == CHANNEL_display)
        b->last_sent[slot] = ev->time;
}
