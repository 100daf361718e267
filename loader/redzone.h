/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a function keeps data below the stack pointer, which a traced 5-byte nop overwrites. */
#ifndef SPICETAP_REDZONE_H
#define SPICETAP_REDZONE_H

#include "loader.h"

/* Sections of a file, which say where its functions are; size 0: it has none. */
struct frames {
    struct frame_section {
        const uint8_t *bytes;
        size_t size;
        uint64_t address;  /* as linked */
    } index, descriptions; /* .eh_frame_hdr, .eh_frame */
};

/* Looks at the instructions in `code`, those of one function of x86-64. RED_ZONE_UNKNOWN: some
 * bytes are no instruction, or it jumps out of them. */
enum red_zone red_zone_in(const uint8_t *code, size_t size);
/* The same for the function of the ELF file `fd` that has the instruction at `address`, as linked,
 * which is at `offset` in the file. RED_ZONE_UNKNOWN: also if the file does not say where that
 * function begins and ends. */
enum red_zone red_zone_around(int fd, const struct frames *frames, uint64_t address,
                              uint64_t offset);

#endif
