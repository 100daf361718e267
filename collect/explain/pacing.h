/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules over how the server paces each client's video: net test, bit rates, playback delay. */
#ifndef SPICETAP_EXPLAIN_PACING_H
#define SPICETAP_EXPLAIN_PACING_H

#include "explain/finding.h"

/* t#: one client after the other, as far as there are events of it. */
void find_pacing(const struct model *x, struct finder *s);
/* Frames of video waited a second or more at the client until they were due: why, with the cost.
 * False: they did not. */
bool pacing_put_off_finding(const struct model *x, struct finding *f);

#endif
