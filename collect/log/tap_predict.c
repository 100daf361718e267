/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "log/tap_predict.h"

/* An event names two keys at most, and half of the table stays empty. */
enum { PLACES = 4 };

static int forget(struct tap_memory *m, size_t events)
{
    size_t size = 64;

    while (size < PLACES * events)
        size *= 2;
    if (!m->known || size > m->mask + 1u) {
        free(m->known);
        m->known = calloc(size, sizeof(*m->known));
        m->mask = (uint32_t)size - 1;
        m->stamp = 0;
    }
    if (!m->known)
        return -ENOMEM;
    if (!++m->stamp) { /* all stamps are used */
        memset(m->known, 0, (m->mask + 1u) * sizeof(*m->known));
        m->stamp = 1;
    }
    return 0;
}

int tap_predictor_reset(struct tap_predictor *p, size_t events)
{
    memset(p->last, 0, sizeof(p->last));
    for (unsigned i = 0; i < TAP_MAX_REGISTERS; i++)
        p->recent[i].count = 0;
    return forget(&p->memory, events);
}
