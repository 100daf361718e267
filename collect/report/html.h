/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `spicetap report`: one HTML file that needs nothing else. */
#ifndef SPICETAP_REPORT_HTML_H
#define SPICETAP_REPORT_HTML_H

#include <jansson.h>

#include "model/model.h"

/* What the page shows of one run, after model_gather(): sentences, the events behind them, the
 * journeys of their releases, the timeline. The caller owns it. NULL: no memory, or the run cannot
 * be read any more. */
json_t *html_run(const struct model *x);

/* Writes the page of these runs, an array of html_run(). 0 or -errno. */
int html_write(FILE *f, const json_t *runs);

#endif
