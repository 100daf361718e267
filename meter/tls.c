/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls.h"

enum { HANDSHAKE_SECONDS = 10 };

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The parts of "O=Lab,CN=vm", trimmed and sorted. */
static char **subject_parts(const char *subject)
{
    char **parts = g_strsplit(subject, ",", -1);

    for (char **p = parts; *p; p++)
        g_strstrip(*p);
    qsort(parts, g_strv_length(parts), sizeof(*parts), compare);
    return parts;
}

gboolean tls_same_subject(const char *a, const char *b)
{
    g_auto(GStrv) one = subject_parts(a);
    g_auto(GStrv) two = subject_parts(b);

    return g_strv_equal((const gchar *const *)one, (const gchar *const *)two);
}

struct check {
    const struct target *target;
    char why[256];
};

/* GLib calls this only for certificates that it refuses. When a subject is expected, GLib gets no
 * host name to compare, and reports BAD_IDENTITY: that is accepted here and the subject checked
 * later.
 */
static gboolean on_certificate(GTlsConnection *tls, GTlsCertificate *certificate,
                               GTlsCertificateFlags flags, gpointer data)
{
    struct check *c = data;
    (void)tls, (void)certificate;

    if (c->target->host_subject && flags == G_TLS_CERTIFICATE_BAD_IDENTITY)
        return TRUE;
    snprintf(c->why, sizeof(c->why), "%s",
             flags & G_TLS_CERTIFICATE_UNKNOWN_CA      ? "it does not lead to the CA"
             : flags & G_TLS_CERTIFICATE_BAD_IDENTITY  ? "it is not this host's"
             : flags & G_TLS_CERTIFICATE_EXPIRED       ? "it has expired"
             : flags & G_TLS_CERTIFICATE_NOT_ACTIVATED ? "it is not valid yet"
                                                       : "it cannot be trusted");
    return FALSE;
}

static gboolean subject_wanted(GTlsConnection *tls, struct check *c)
{
    GTlsCertificate *certificate = g_tls_connection_get_peer_certificate(tls);
    g_autofree char *subject = NULL;

    if (!c->target->host_subject)
        return TRUE;
    if (certificate)
        g_object_get(certificate, "subject-name", &subject, NULL);
    if (subject && tls_same_subject(subject, c->target->host_subject))
        return TRUE;
    snprintf(c->why, sizeof(c->why), "its subject is %s", subject ? subject : "unreadable");
    return FALSE;
}

static GTlsConnection *tls_on(const struct target *t, GSocket *socket, GError **error)
{
    g_autoptr(GSocketConnection) base = g_socket_connection_factory_create_connection(socket);
    g_autoptr(GSocketConnectable) name = t->host_subject ? NULL : g_network_address_new(t->host, 0);
    GIOStream *stream = g_tls_client_connection_new(G_IO_STREAM(base), name, error);

    if (stream && t->ca_file) {
        g_autoptr(GTlsDatabase) ca = g_tls_file_database_new(t->ca_file, error);

        if (!ca) {
            g_object_unref(stream);
            return NULL;
        }
        g_tls_connection_set_database(G_TLS_CONNECTION(stream), ca);
    }
    return stream ? G_TLS_CONNECTION(stream) : NULL;
}

GIOStream *tls_open(const struct target *t, int fd, char *text, size_t size)
{
    struct check check = {.target = t};
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocket) socket = g_socket_new_from_fd(fd, &error);
    GTlsConnection *tls;

    if (!socket) {
        close(fd);
        snprintf(text, size, "%s", error->message);
        return NULL;
    }
    g_socket_set_timeout(socket, HANDSHAKE_SECONDS);
    tls = tls_on(t, socket, &error);
    if (!tls) {
        snprintf(text, size, "%s%s%s", t->ca_file ? t->ca_file : "", t->ca_file ? ": " : "",
                 error->message);
        return NULL;
    }
    /* spice-server closes the socket without a TLS close_notify. */
    g_object_set(tls, "require-close-notify", FALSE, NULL);
    g_signal_connect(tls, "accept-certificate", G_CALLBACK(on_certificate), &check);
    if (!g_tls_connection_handshake(tls, NULL, &error) || !subject_wanted(tls, &check)) {
        if (check.why[0])
            snprintf(text, size, "the server's certificate is refused: %s", check.why);
        else
            snprintf(text, size, "no TLS there: %s", error->message);
        g_object_unref(tls);
        return NULL;
    }
    g_signal_handlers_disconnect_by_data(tls, &check);
    g_socket_set_timeout(socket, 0);
    return G_IO_STREAM(tls);
}
