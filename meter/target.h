/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the server is: a URI taken apart. Knows no GLib. */
#ifndef SPICETAP_TARGET_H
#define SPICETAP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

enum target_kind { TARGET_TCP, TARGET_TLS, TARGET_UNIX };

struct target {
    enum target_kind kind;
    char host[256], port[8];
    char path[108];           /* of a unix socket: as long as sun_path */
    const char *ca_file;      /* PEM; NULL: the system's trust. Not owned */
    const char *host_subject; /* the certificate's, instead of its name. Not owned */
};

/*
 * spice://HOST:PORT, spice://HOST?port=N&tls-port=N, spice+tls://HOST:PORT, spice+unix:///PATH.
 * HOST may be in [] (IPv6). With a tls-port TLS is used. False: *why says what is wrong.
 * A password in the URI is refused: arguments can be read by every user.
 */
bool target_parse(struct target *t, const char *uri, const char **why);
/* As it is shown: never a secret. */
void target_text(const struct target *t, char *text, size_t size);

#endif
