/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks what tracing needs of the kernel and the user before anything is attached. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <unistd.h>

#include "tracer.h"

/* Tests set this to a folder that looks like sysfs of a kernel without uprobes. */
#define SYSFS_VARIABLE "SPICETAP_SYSFS"
#define UPROBES        "/bus/event_source/devices/uprobe/type"

struct right {
    cap_value_t cap;
    const char *name, *purpose;
};

static const struct right rights[] = {
    {CAP_BPF, "CAP_BPF", "to load BPF programs"},
    {CAP_PERFMON, "CAP_PERFMON", "to attach them to probes"},
};

static void free_caps(cap_t *caps)
{
    if (*caps) {
        cap_free(*caps);
    }
}

static bool have(cap_t caps, cap_value_t cap)
{
    cap_flag_value_t value = CAP_CLEAR;

    return !cap_get_flag(caps, cap, CAP_EFFECTIVE, &value) && value == CAP_SET;
}

int rights_check(struct loader_error *e)
{
    __attribute__((cleanup(free_caps))) cap_t caps = cap_get_proc();
    char missing[256] = "";
    size_t used = 0;

    if (!caps || have(caps, CAP_SYS_ADMIN)) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(rights) / sizeof(*rights); i++) {
        if (!have(caps, rights[i].cap)) {
            used += (size_t)snprintf(missing + used, sizeof(missing) - used, "%s%s (%s)",
                                     used ? " and " : "", rights[i].name, rights[i].purpose);
        }
    }
    if (!used) {
        return 0;
    }
    return loader_fail(e, -EPERM,
                       "too few rights to trace: %s missing: run as root, or grant CAP_BPF, "
                       "CAP_PERFMON and CAP_SYS_PTRACE",
                       missing);
}

int rights_kernel(struct loader_error *e)
{
    const char *root = getenv(SYSFS_VARIABLE);
    char path[4096];

    snprintf(path, sizeof(path), "%s" UPROBES, root && *root ? root : "/sys");
    if (access(path, F_OK)) {
        return loader_fail(e, -ENOSYS,
                           "this kernel has no uprobes (%s: %s): use one that is built with "
                           "CONFIG_UPROBE_EVENTS=y, as Debian's are",
                           path, strerror(errno));
    }
    return 0;
}
