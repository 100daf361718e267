/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CLOSES int fd = ...; FREES char *text = ...: released when they go out of scope. */
#ifndef SPICETAP_CLEANUP_H
#define SPICETAP_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_text(char **text)
{
    free(*text);
}

#define CLOSES __attribute__((cleanup(cleanup_fd)))
#define FREES  __attribute__((cleanup(cleanup_text)))

#endif
