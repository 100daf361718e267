/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image compressions of SPICE by the names that QEMU and libvirt give them. */
#ifndef SPICETAP_COMPRESSION_H
#define SPICETAP_COMPRESSION_H

#include <stddef.h>
#include <string.h>

#define COMPRESSION_NAMES "off, auto_glz, auto_lz, quic, glz, lz or lz4"

/* The i-th name; NULL behind the last. */
static inline const char *compression_name(size_t i)
{
    static const char *const names[] = {"off", "auto_glz", "auto_lz", "quic", "glz", "lz", "lz4"};

    return i < sizeof(names) / sizeof(*names) ? names[i] : NULL;
}

/* SPICE_IMAGE_COMPRESSION_... (spice/enums.h of spice-protocol); 0, which is no compression's
 * number, for another name. */
static inline int compression_number(const char *name)
{
    for (int i = 0; compression_name((size_t)i); i++)
        if (!strcmp(name, compression_name((size_t)i)))
            return i + 1;
    return 0;
}

#endif
