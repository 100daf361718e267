/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fences of the drivers qxl and virtio_gpu, from the kernel's tracepoints. */
#include "guest.bpf.h"

const volatile struct fence_format fence_format;

/* The drivers' names as little-endian words. They come from get_driver_name of qxl_fence_ops
 * (qxl_release.c) and of virtio_gpu_fence_ops (virtgpu_fence.c). */
#define WORD_QXL    0x6c7871ull           /* "qxl" */
#define WORD_VIRTIO 0x675f6f6974726976ull /* "virtio_g" */
#define WORD_GPU    0x7570ull             /* "pu" */

static __always_inline unsigned driver_of(void *ctx)
{
    uint64_t name[2] = {};
    uint32_t where = 0; /* __data_loc: offset in the lower half, length in the upper */

    bpf_probe_read_kernel(&where, sizeof(where), ctx + fence_format.driver);
    bpf_probe_read_kernel_str(name, sizeof(name), ctx + (where & 0xffff));
    if (name[0] == WORD_QXL && !name[1]) {
        return FENCE_DRIVER_qxl;
    }
    return name[0] == WORD_VIRTIO && name[1] == WORD_GPU ? FENCE_DRIVER_virtio_gpu
                                                         : FENCE_DRIVER_other;
}

#define FENCE_PROGRAM(event)                                                                       \
    SEC("tp") int event(void *ctx)                                                                 \
    {                                                                                              \
        uint64_t time = bpf_ktime_get_ns();                                                        \
        uint32_t context = 0, seqno = 0;                                                           \
        unsigned driver;                                                                           \
                                                                                                   \
        if (!shared.recording) {                                                                   \
            return 0;                                                                              \
        }                                                                                          \
        driver = driver_of(ctx);                                                                   \
        if (driver == FENCE_DRIVER_other) {                                                        \
            return 0;                                                                              \
        }                                                                                          \
        bpf_probe_read_kernel(&context, sizeof(context), ctx + fence_format.context);              \
        bpf_probe_read_kernel(&seqno, sizeof(seqno), ctx + fence_format.seqno);                    \
        PUT(event, time, driver, context, seqno);                                                  \
        return 0;                                                                                  \
    }

FENCE_PROGRAM(guest_fence_init)
FENCE_PROGRAM(guest_fence_signaled)
