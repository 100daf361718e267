/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "target.h"

static const char no_password_here[] =
    "a password does not belong on a command line: use --password-file or SPICETAP_PASSWORD";

static const char *after(const char *text, const char *start)
{
    size_t n = strlen(start);

    return strncmp(text, start, n) ? NULL : text + n;
}

static bool is_port(const char *text, size_t n)
{
    long value = 0;

    if (!n || n > 5)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    return value >= 1 && value <= 65535;
}

static bool set_port(struct target *t, const char *text, size_t n, const char **why)
{
    if (!is_port(text, n)) {
        *why = "its port is not a number from 1 to 65535";
        return false;
    }
    memcpy(t->port, text, n);
    t->port[n] = '\0';
    return true;
}

/* `query` is "port=N&tls-port=N". As in spice-gtk, unknown keys are ignored. */
static bool parse_query(struct target *t, const char *query, const char **why)
{
    bool tls = false;

    while (*query) {
        size_t n = strcspn(query, "&;");
        const char *plain = after(query, "port="), *secure = after(query, "tls-port=");

        if (!strncasecmp(query, "password=", strlen("password="))) {
            *why = no_password_here;
            return false;
        }
        if (secure && secure < query + n) {
            if (!set_port(t, secure, (size_t)(query + n - secure), why))
                return false;
            t->kind = TARGET_TLS;
            tls = true;
        } else if (plain && !tls && plain < query + n) {
            if (!set_port(t, plain, (size_t)(query + n - plain), why))
                return false;
        }
        query += n + (query[n] != '\0');
    }
    return true;
}

static bool set_host(struct target *t, const char *text, size_t n, const char **why)
{
    if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    if (!n || n >= sizeof(t->host)) {
        *why = "it names no host";
        return false;
    }
    memcpy(t->host, text, n);
    t->host[n] = '\0';
    return true;
}

static bool parse_network(struct target *t, const char *rest, const char **why)
{
    size_t n = strcspn(rest, "/?");
    const char *query = rest + n, *colon = memrchr(rest, ':', n), *end = rest + n;

    if (memchr(rest, '@', n)) {
        *why = no_password_here;
        return false;
    }
    if (colon && !memchr(colon, ']', (size_t)(end - colon))) {
        if (!set_port(t, colon + 1, (size_t)(end - colon - 1), why))
            return false;
        end = colon;
    }
    query += *query == '/';
    if (*query && *query != '?') {
        *why = "only ?port= and ?tls-port= may follow its host and port";
        return false;
    }
    if (!set_host(t, rest, (size_t)(end - rest), why) ||
        (*query && !parse_query(t, query + 1, why)))
        return false;
    *why = "it names no port";
    return t->port[0];
}

bool target_parse(struct target *t, const char *uri, const char **why)
{
    const char *rest;

    *t = (struct target){.kind = TARGET_TCP};
    if ((rest = after(uri, "spice+unix://"))) {
        t->kind = TARGET_UNIX;
        *why = "the path of its socket is missing or too long (107 bytes at most)";
        return *rest && snprintf(t->path, sizeof(t->path), "%s", rest) < (int)sizeof(t->path);
    }
    if ((rest = after(uri, "spice+tls://")) || (rest = after(uri, "spices://"))) {
        t->kind = TARGET_TLS;
        return parse_network(t, rest, why);
    }
    if ((rest = after(uri, "spice://")))
        return parse_network(t, rest, why);
    *why = "it must begin with spice://, spice+tls:// or spice+unix://";
    return false;
}

void target_text(const struct target *t, char *text, size_t size)
{
    bool six = strchr(t->host, ':') != NULL;

    if (t->kind == TARGET_UNIX)
        snprintf(text, size, "spice+unix://%s", t->path);
    else
        snprintf(text, size, "spice%s://%s%s%s:%s", t->kind == TARGET_TLS ? "+tls" : "",
                 six ? "[" : "", t->host, six ? "]" : "", t->port);
}
