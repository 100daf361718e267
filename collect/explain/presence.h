/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No absence without presence: "nothing came" may be concluded only where the probes that would
 * have shown it were on, for the whole run, with nothing lost.
 */
#ifndef SPICETAP_PRESENCE_H
#define SPICETAP_PRESENCE_H

#include "explain/finding.h"

/* Was every event of this kind recorded, but for losses? */
bool presence_of(const struct model *x, uint16_t kind);
/* Makes the finding unsure if the kind's probe was not recorded. */
void presence_of_probe(struct finding *f, const struct model *x, uint16_t kind);
/* Makes the finding unsure if one of the kinds was not recorded, or if events of its source were
 * lost. `kinds` ends with 0. */
void presence_needed(struct finding *f, const struct model *x, const uint16_t *kinds);
/* Are the guest's own waits for memory of that span all in the run? */
bool presence_of_waits(const struct model *x, uint64_t from, uint64_t to);
/* Losses of that source and its side: the server's, the guest's and QEMU's, or the client's. */
uint64_t presence_lost(const struct model *x, enum tap_source side, uint64_t *places);

#endif
