/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spice-server gave to the clients' sockets. */
#ifndef SPICETAP_BYTES_H
#define SPICETAP_BYTES_H

#include "model/displays.h"
#include "model/seen.h"

struct model_bytes {
    uint64_t last_sent[MODEL_DISPLAYS]; /* by slot: time of the last message on its channel, ns */
};

void bytes_add(struct model_bytes *b, const struct model_seen *e);

#endif
