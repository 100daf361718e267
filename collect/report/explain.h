/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spicetap explain shows, as text or as JSON. All return an exit code. */
#ifndef SPICETAP_EXPLAIN_REPORT_H
#define SPICETAP_EXPLAIN_REPORT_H

#include "explain/explain.h"

struct explain_options {
    const char *events; /* a reference, or NULL */
    uint32_t stream, episode, region;
    double at; /* s, negative: not asked */
    bool json, hypotheses;
};

int explain_text(const struct model *x, const struct explain_options *o);
int explain_json(const struct model *x, const struct explain_options *o);
/* The events behind a finding, or around a time. */
int explain_events(const struct model *x, const struct explain_options *o);

#endif
