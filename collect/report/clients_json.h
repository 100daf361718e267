/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SPICETAP_CLIENTS_JSON_H
#define SPICETAP_CLIENTS_JSON_H

#include <jansson.h>

#include "model/pacing.h"

/* An element of explain's list `clients`, without its findings. */
json_t *client_json(const struct paced_client *c);

#endif
