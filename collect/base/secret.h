/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secrets in command lines and URIs. People hand runs on, so none may reach a file or a message. */
#ifndef SPICETAP_SECRET_H
#define SPICETAP_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* Does the URI carry a user or password (`//user:password@host`), or a password in its query? */
bool secret_in_uri(const char *uri);
/* Writes the URI to `out`, with *** in place of user and password, and without its query. Cuts
 * what does not fit into `size` bytes. Returns `out`. */
const char *secret_hide_uri(char *out, size_t size, const char *uri);
/* Does one argument of QEMU's command line carry a secret? `-spice password=`, `-object
 * secret,data=`, or a URI with a user. May err on the side of yes. */
bool secret_in_argument(const char *arg);

#endif
