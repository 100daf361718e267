/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SPICETAP_FINDING_JSON_H
#define SPICETAP_FINDING_JSON_H

#include <jansson.h>

#include "explain/finding.h"

enum { EXPLAIN_SCHEMA = 2 };

json_t *finding_json(const struct finding *f);
json_t *box_json(const int32_t *box);

#endif
