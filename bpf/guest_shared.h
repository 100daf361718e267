/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory and settings that spicetap-guest shares with its BPF programs, beside the ring buffer. */
#ifndef SPICETAP_GUEST_SHARED_H
#define SPICETAP_GUEST_SHARED_H

#ifndef __bpf__
#include <stdint.h>
#endif

/* One in each BPF object's .bss. */
struct guest_shared {
    uint64_t recording; /* set from the last attach to the first detach; else nothing is recorded */
    uint64_t lost;      /* events that found the ring buffer full */
    uint64_t forgotten; /* calls under way that found their table full */
};

/* Offsets, in bytes, of a tracepoint's fields in its record. They differ between kernels: the agent
 * reads them from the tracepoint's `format` file and sets them before loading. */
struct fence_format {
    uint32_t driver; /* of the __data_loc word */
    uint32_t context, seqno;
};

struct virtio_format {
    uint32_t vq, type, flags, fence_id, ctx_id;
};

#endif
