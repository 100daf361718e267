/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `spicetap report` draws of a run over time: curves in bins, and spans. */
#ifndef SPICETAP_TIMELINE_H
#define SPICETAP_TIMELINE_H

#include <jansson.h>

#include "model/model.h"

/*
 * Reads the run at `x->run` again. The object has `bins` (how many), `bin` (s of each), `curves`
 * (lane, name, unit, means, values: a number for each bin, or null), and `spans` and `notes` of
 * bars.h. The caller owns it. NULL: no memory, or the run cannot be read any more.
 */
json_t *timeline_json(const struct model *x);

#endif
