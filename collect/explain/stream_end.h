/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SPICETAP_STREAM_END_H
#define SPICETAP_STREAM_END_H

#include "explain/finding.h"

/* The one cause of a stream's end, with the events that prove it. */
void find_stream_end(const struct model *x, const struct model_stream *t, struct finder *s);
struct finding of_stream(const struct model *x, const struct model_stream *t, enum rule rule,
                         const char *verdict);

#endif
