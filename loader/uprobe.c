/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaches a program to the sites of a probe, in one of two ways. A multi-uprobe link (since Linux
 * 6.6, selecting by process since 6.10) takes all sites at once, makes each event cheaper, detaches
 * quickly, and needs no more rights than loading the program did. Older kernels get a perf event
 * for each site.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "tracer.h"

/* Tests set this to "perf" to run both ways on one kernel. */
#define WAY_VARIABLE "SPICETAP_UPROBES"

/* From <linux/bpf.h> of Linux 6.6; libbpf and the headers of Debian 12 are older. */
#define ATTACH_UPROBE_MULTI 48

struct multi_attr {
    uint32_t prog_fd, target_fd, attach_type, flags;
    uint64_t path, offsets, semaphores, cookies;
    uint32_t count, multi_flags, pid, unused;
};

static int create(const struct multi_attr *attr)
{
    long fd = syscall(SYS_bpf, BPF_LINK_CREATE, attr, sizeof(*attr));

    return fd < 0 ? -errno : (int)fd;
}

static int empty_program(void)
{
    static const struct bpf_insn code[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
        {.code = BPF_JMP | BPF_EXIT},
    };
    /* Not const: from 1.2 on libbpf writes into it. */
    struct bpf_prog_load_opts options = {
        .sz = sizeof(options),
        .expected_attach_type = (enum bpf_attach_type)ATTACH_UPROBE_MULTI,
    };

    return bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", code, sizeof(code) / sizeof(*code),
                         &options);
}

/* Asks for a link that must fail, and sees where. A kernel with these links refuses the path, a
 * folder, with EBADF. One whose links select by process, not by thread as they first did, checks
 * the process id before the path, and refuses -1 with EINVAL. */
bool uprobe_multi_works(void)
{
    const char *way = getenv(WAY_VARIABLE);
    uint64_t offset = 0;
    struct multi_attr attr = {
        .attach_type = ATTACH_UPROBE_MULTI,
        .path = (uintptr_t) "/",
        .offsets = (uintptr_t)&offset,
        .count = 1,
    };
    int fd = way && !strcmp(way, "perf") ? -1 : empty_program();
    bool works = false;

    if (fd >= 0) {
        attr.prog_fd = (uint32_t)fd;
        works = create(&attr) == -EBADF;
        attr.pid = (uint32_t)-1;
        works = works && create(&attr) == -EINVAL;
        close(fd);
    }
    return works;
}

void uprobe_prepare(struct bpf_object *object)
{
    struct bpf_program *program;

    bpf_object__for_each_program(program, object)
    {
        bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)ATTACH_UPROBE_MULTI);
    }
}

static int attach_multi(struct hook *hook, const struct bpf_program *program, pid_t pid,
                        const char *path, const struct probe_site *sites, unsigned count,
                        uint64_t cookie)
{
    uint64_t offsets[MAX_SITES], semaphores[MAX_SITES], cookies[MAX_SITES];
    struct multi_attr attr = {
        .prog_fd = (uint32_t)bpf_program__fd(program),
        .attach_type = ATTACH_UPROBE_MULTI,
        .path = (uintptr_t)path,
        .offsets = (uintptr_t)offsets,
        .semaphores = (uintptr_t)semaphores,
        .cookies = (uintptr_t)cookies,
        .count = count,
        .pid = (uint32_t)pid,
    };

    for (unsigned i = 0; i < count; i++) {
        offsets[i] = sites[i].offset;
        semaphores[i] = sites[i].semaphore_offset;
        cookies[i] = cookie + i;
    }
    hook->fd = create(&attr);
    return hook->fd < 0 ? hook->fd : 1;
}

static int attach_perf(struct hook *hooks, const struct bpf_program *program, pid_t pid,
                       const char *path, const struct probe_site *sites, unsigned count,
                       uint64_t cookie)
{
    for (unsigned i = 0; i < count; i++) {
        const struct bpf_uprobe_opts options = {
            .sz = sizeof(options),
            .ref_ctr_offset = sites[i].semaphore_offset,
            .bpf_cookie = cookie + i,
        };

        hooks[i].fd = -1;
        hooks[i].link =
            bpf_program__attach_uprobe_opts(program, pid, path, sites[i].offset, &options);
        if (!hooks[i].link) {
            int error = -errno;

            while (i--) {
                uprobe_detach(&hooks[i]);
            }
            return error;
        }
    }
    return (int)count;
}

int uprobe_attach(struct hook *hooks, bool multi, const struct bpf_program *program, pid_t pid,
                  const char *path, const struct probe_site *sites, unsigned count, uint64_t cookie)
{
    return (multi ? attach_multi : attach_perf)(hooks, program, pid, path, sites, count, cookie);
}

void uprobe_detach(struct hook *hook)
{
    if (hook->link) {
        bpf_link__destroy(hook->link);
    } else if (hook->fd >= 0) {
        close(hook->fd);
    }
    *hook = (struct hook){.fd = -1};
}
