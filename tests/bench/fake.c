/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for libspice-server.so.1: it has only the probes, with the names and arguments of
 * events.def, so a measurement can hit one probe as often as it needs. Its arguments are in
 * registers too. It is built twice: with one-byte nops at the sites, and with 5-byte nops
 * (-DPROBE_NOP5).
 */
#define SDT_USE_VARIADIC        1
#define STAP_SDT_ARG_CONSTRAINT nr
#define _SDT_HAS_SEMAPHORES     1
#include <sys/sdt.h>

#ifdef PROBE_NOP5
#undef _SDT_NOP
#define _SDT_NOP .nops 5
#endif

#include "fake.h"

#define SEMAPHORE_SPICE(name)                                                                      \
    __extension__ unsigned short spice_##name##_semaphore __attribute__((unused))                  \
    __attribute__((section(".probes")));
#define SEMAPHORE_QEMU(name)
#define SEMAPHORE_CALL(name)
#define SEMAPHORE_GUEST(name)
#define SEMAPHORE_CLIENT(name)
#define SEMAPHORE_META(name)
#define EVENT(source, number, name, help, fields) SEMAPHORE_##source(name)
#include "../../bpf/events.def"

/* Arguments change from hit to hit as real ones do, because the log encodes differences. */
#define ARG_U64(i)                     (h->address + (i))
#define ARG_S64(i)                     (h->signed64 + (i))
#define ARG_U32(i)                     ((uint32_t)(h->number + (i)))
#define ARG_S32(i)                     ((int32_t)(h->number + (i)))
#define ARG_U8(i)                      ((uint8_t)(h->small))
#define ARG_BOOL(i)                    ((h->small & 1) != 0)
#define ARG_RECT(i)                    (h->left_top), (h->right_bottom)
#define F(arg, type, name, kind, help) , ARG_##type(arg)
#define HIT(name, ...)                 STAP_PROBEV(spice, name, ##__VA_ARGS__)
#define FUNCTION_SPICE(name, ...)                                                                  \
    static void hit_##name(const struct hit *h)                                                    \
    {                                                                                              \
        if (__builtin_expect(spice_##name##_semaphore, 0))                                         \
            HIT(name __VA_ARGS__);                                                                 \
    }
#define FUNCTION_QEMU(name, ...)
#define FUNCTION_CALL(name, ...)
#define FUNCTION_GUEST(name, ...)
#define FUNCTION_CLIENT(name, ...)
#define FUNCTION_META(name, ...)
#define EVENT(source, number, name, help, fields) FUNCTION_##source(name, fields)
#include "../../bpf/events.def"

#define ROW_SPICE(name) {#name, hit_##name},
#define ROW_QEMU(name)
#define ROW_CALL(name)
#define ROW_GUEST(name)
#define ROW_CLIENT(name)
#define ROW_META(name)
#define EVENT(source, number, name, help, fields) ROW_##source(name)
const struct fake_probe fake_probes[] = {
#include "../../bpf/events.def"
};
const int fake_probe_count = sizeof(fake_probes) / sizeof(fake_probes[0]);
