/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spicetap explain shows, as text or as JSON. */
#ifndef SPICETAP_EXPLAIN_REPORT_H
#define SPICETAP_EXPLAIN_REPORT_H

#include "explain/explain.h"

int explain_text(const struct model *x, const struct explain_options *o); /* EXIT_... */
int explain_json(const struct model *x, const struct explain_options *o);

#endif
