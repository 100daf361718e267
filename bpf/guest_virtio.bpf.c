/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands and responses of the virtio_gpu driver, from its tracepoints. */
#include "guest.bpf.h"

const volatile struct virtio_format virtio_format;

#define FIELD(name) bpf_probe_read_kernel(&name, sizeof(name), ctx + virtio_format.name)

#define VIRTIO_PROGRAM(event)                                                                      \
    SEC("tp") int event(void *ctx)                                                                 \
    {                                                                                              \
        uint64_t time = bpf_ktime_get_ns(), fence_id = 0;                                          \
        uint32_t type = 0, flags = 0, ctx_id = 0;                                                  \
        int32_t vq = 0;                                                                            \
                                                                                                   \
        if (!shared.recording) {                                                                   \
            return 0;                                                                              \
        }                                                                                          \
        FIELD(fence_id);                                                                           \
        FIELD(type);                                                                               \
        FIELD(flags);                                                                              \
        FIELD(ctx_id);                                                                             \
        FIELD(vq);                                                                                 \
        PUT(event, time, fence_id, type, flags, ctx_id, (uint64_t)(int64_t)vq);                    \
        return 0;                                                                                  \
    }

VIRTIO_PROGRAM(guest_virtio_queue)
VIRTIO_PROGRAM(guest_virtio_response)
