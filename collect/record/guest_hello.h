/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SPICETAP_GUEST_HELLO_H
#define SPICETAP_GUEST_HELLO_H

#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

/* HELLO's JSON, only what guest/wire.h names, cut to size and without control characters. NULL: it
 * is not that. The caller owns it. */
json_t *guest_hello_parse(const uint8_t *json, size_t length);

#endif
