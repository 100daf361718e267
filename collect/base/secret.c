/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/secret.h"

/* The '@' behind user and password. The last one: a password may hold '@', '/' or '?' unescaped. */
static const char *user_end(const char *uri)
{
    return strrchr(uri, '@');
}

bool secret_in_uri(const char *uri)
{
    const char *query = strchr(uri, '?');

    return user_end(uri) || (query && strcasestr(query, "password"));
}

const char *secret_hide_uri(char *out, size_t size, const char *uri)
{
    const char *slashes = strstr(uri, "//"), *at = user_end(uri);
    const char *host = slashes ? slashes + 2 : uri, *rest = at ? at : host;

    if (at && at < host) /* the slashes are behind the user: "me@host//" */
        host = uri;
    snprintf(out, size, "%.*s%s%.*s", (int)(host - uri), uri, at ? "***" : "",
             (int)strcspn(rest, "?"), rest);
    return out;
}

bool secret_in_argument(const char *arg)
{
    const char *uri = strstr(arg, "://");

    return strstr(arg, "password") || (strstr(arg, "secret") && strstr(arg, "data")) ||
           (uri && strchr(uri, '@'));
}
