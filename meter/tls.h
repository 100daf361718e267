/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS towards the server. */
#ifndef SPICETAP_TLS_H
#define SPICETAP_TLS_H

#include <gio/gio.h>

#include "target.h"

/* Takes `fd` and shakes hands. The certificate must lead to the CA, and name the host, or have the
 * subject that the target asks for. NULL: `text` says why. `fd` is closed with the stream. */
GIOStream *tls_open(const struct target *t, int fd, char *text, size_t size);

/* Whether two subjects ("O=Lab,CN=vm", in any order, with or without spaces) are the same. */
gboolean tls_same_subject(const char *a, const char *b);

#endif
