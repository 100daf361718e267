/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's address, parsed from a URI. Knows no GLib. */
#ifndef SPICETAP_TARGET_H
#define SPICETAP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

enum target_kind { TARGET_TCP, TARGET_TLS, TARGET_UNIX };

struct target {
    enum target_kind kind;
    char host[256], port[8];
    char path[108];           /* of a unix socket; the size of sun_path in struct sockaddr_un */
    const char *ca_file;      /* PEM; NULL: the system's authorities. Not owned */
    const char *host_subject; /* expected in the certificate; NULL: expect `host`. Not owned */
};

enum { TARGET_TEXT = 400 }; /* bytes: room for every target_text() */

/*
 * Parses spice://HOST:PORT, spice://HOST?port=N&tls-port=N, spice+tls://HOST:PORT, or
 * spice+unix:///PATH. HOST may be in [] (IPv6). A tls-port selects TLS.
 * False: *why is a sentence's end for the user; it never quotes the URI.
 * A URI with a password is refused, because every user can read a program's arguments.
 */
bool target_parse(struct target *t, const char *uri, const char **why);
/* The URI to print and store. It is made from the parsed parts, so no secret can be in it. */
void target_text(const struct target *t, char *text, size_t size);

#endif
