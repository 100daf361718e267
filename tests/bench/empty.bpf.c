/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A BPF program that does nothing, to measure a probe hit without any recording. */
#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

char LICENSE[] SEC("license") = "GPL";

SEC("usdt") int empty(struct pt_regs *ctx)
{
    (void)ctx;
    return 0;
}
