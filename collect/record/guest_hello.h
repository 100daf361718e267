/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SPICETAP_GUEST_HELLO_H
#define SPICETAP_GUEST_HELLO_H

#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

/* Reads the JSON of a HELLO. Keeps only what guest/wire.h names, cuts long texts and lists, and
 * replaces control characters. NULL: it is no HELLO. The caller owns the result. */
json_t *guest_hello_parse(const uint8_t *json, size_t length);

#endif
