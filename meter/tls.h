/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS with the server. */
#ifndef SPICETAP_TLS_H
#define SPICETAP_TLS_H

#include <gio/gio.h>

#include "target.h"

/* Does the TLS handshake on `fd`, which then belongs to the stream. The certificate must be signed
 * by the target's CA, and have its subject if it names one, else its host name. NULL: `text` says
 * why, and `fd` is closed. */
GIOStream *tls_open(const struct target *t, int fd, char *text, size_t size);

/* Are two subjects the same ("O=Lab,CN=vm")? The order and spaces around parts do not matter. */
gboolean tls_same_subject(const char *a, const char *b);

#endif
