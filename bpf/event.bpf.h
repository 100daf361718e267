/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Included first by every BPF program: events.h without the headers of the C library. */
#ifndef SPICETAP_EVENT_BPF_H
#define SPICETAP_EVENT_BPF_H

#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

typedef __u64 uint64_t;
typedef __s64 int64_t;
typedef __u32 uint32_t;
typedef __s32 int32_t;
typedef __u16 uint16_t;
typedef __u8 uint8_t;

#include "events.h"

char LICENSE[] SEC("license") = "GPL";

#endif
