/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's BPF programs share with spicetap-guest, beside the ring buffer. */
#ifndef SPICETAP_GUEST_SHARED_H
#define SPICETAP_GUEST_SHARED_H

#ifndef __bpf__
#include <stdint.h>
#endif

/* In each object's .bss */
struct guest_shared {
    uint64_t recording; /* events count from when all probes are there until the first goes */
    uint64_t lost;      /* events that found the ring buffer full */
    uint64_t forgotten; /* calls that could not be remembered until they returned */
};

/* Offsets of a tracepoint's fields in its record, from its `format` file: they differ between
 * kernels. Set before loading. */
struct fence_format {
    uint32_t driver; /* of the __data_loc word */
    uint32_t context, seqno;
};

struct virtio_format {
    uint32_t vq, type, flags, fence_id, ctx_id;
};

#endif
