/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/bytes.h"

void bytes_add(struct model_bytes *b, const struct model_seen *e)
{
    if (e->ev->kind == EV_sent)
        b->last_sent[e->slot] = e->ev->time;
}
