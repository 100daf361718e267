/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the agent may do: no more than loading BPF programs and attaching them needs. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF     39
#endif

#define BIT(capability) (UINT64_C(1) << (capability))

/* Gives up what it is permitted beyond `permitted`. Of the rest `effective` holds now. */
static int keep(uint64_t permitted, uint64_t effective)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};

    if (syscall(SYS_capget, &header, sets)) {
        return -errno;
    }
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        sets[i].permitted &= (uint32_t)(permitted >> (32 * i));
        sets[i].effective = sets[i].permitted & (uint32_t)(effective >> (32 * i));
        sets[i].inheritable = 0;
    }
    return syscall(SYS_capset, &header, sets) ? -errno : 0;
}

/* Debian's kernels want CAP_SYS_ADMIN for perf events where kernel.perf_event_paranoid is 3. */
static bool admin_is_needed(void)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_DUMMY};
    int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);

    if (fd >= 0) {
        close(fd);
    }
    return fd < 0 && (errno == EACCES || errno == EPERM);
}

int rights_drop(void)
{
    uint64_t needed = BIT(CAP_BPF) | BIT(CAP_PERFMON), with_admin = needed | BIT(CAP_SYS_ADMIN);
    int error = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : keep(with_admin, needed);

    if (error) {
        return error;
    }
    return admin_is_needed() ? keep(with_admin, with_admin) : keep(needed, needed);
}
