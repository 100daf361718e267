/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image compressions of SPICE by the names that QEMU and libvirt give them. */
#ifndef SPICETAP_COMPRESSION_H
#define SPICETAP_COMPRESSION_H

#include <string.h>

#define COMPRESSION_NAMES "off, auto_glz, auto_lz, quic, glz, lz or lz4"

/* SPICE_IMAGE_COMPRESSION_... (spice/enums.h of spice-protocol); 0, which is no compression's
 * number, for another name. */
static inline int compression_number(const char *name)
{
    static const char *const names[] = {"off", "auto_glz", "auto_lz", "quic", "glz", "lz", "lz4"};

    for (int i = 0; i < (int)(sizeof(names) / sizeof(*names)); i++)
        if (!strcmp(name, names[i]))
            return i + 1;
    return 0;
}

#endif
