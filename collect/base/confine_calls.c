/* SPDX-License-Identifier: GPL-2.0-or-later */
/* seccomp: which system calls are left. Calls that the library does not know are left out. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/confine_calls.h"

static int load(scmp_filter_ctx filter, int error)
{
    if (!error) /* the kernel's own errors, not the library's */
        error = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
    if (!error) {
        error = seccomp_load(filter);
        error = error == -EINVAL ? -ENOSYS : error; /* a kernel without seccomp */
    }
    seccomp_release(filter);
    return error;
}

/* `names`: of system calls, with a space between two. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *names)
{
    char name[32];
    int error = 0, length;

    for (; !error && sscanf(names, "%31s%n", name, &length) == 1; names += length) {
        int call = seccomp_syscall_resolve_name(name);

        if (call != __NR_SCMP_ERROR)
            error = seccomp_rule_add(filter, action, call, 0);
    }
    return error;
}

/* ---- recorder and client ------------------------------------------------------------------ */

/* What neither has a use for, and what has opened a way out of such a cage before. */
static const char refused[] =
    "acct add_key adjtimex bpf chroot clock_adjtime clock_settime delete_module "
    "fanotify_init finit_module fsconfig fsmount fsopen fspick init_module io_uring_enter "
    "io_uring_register io_uring_setup ioperm iopl kcmp kexec_file_load kexec_load keyctl "
    "lookup_dcookie mknod mknodat mount mount_setattr move_mount name_to_handle_at "
    "open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise "
    "process_vm_readv process_vm_writev ptrace quotactl quotactl_fd reboot request_key "
    "setdomainname setfsgid setfsuid setgid setgroups sethostname setns setregid setresgid "
    "setresuid setreuid settimeofday setuid swapoff swapon syslog umount2 unshare "
    "userfaultfd vhangup";

#define NAMESPACES                                                                                 \
    (CLONE_NEWCGROUP | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER |  \
     CLONE_NEWUTS)

/* clone() with any of these flags. The flags of clone3() are in memory, which a filter cannot read:
 * without that call glibc makes threads with clone(). */
static int refuse_namespaces(scmp_filter_ctx filter)
{
    int error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);

    for (unsigned bit = 1; bit && !error; bit <<= 1)
        if (bit & NAMESPACES)
            error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                     SCMP_A0(SCMP_CMP_MASKED_EQ, bit, bit));
    return error;
}

/* Sockets of a kind that nothing here speaks: packets, netlink, Bluetooth and so on. */
static int refuse_sockets(scmp_filter_ctx filter)
{
    const uint32_t action = SCMP_ACT_ERRNO(EAFNOSUPPORT);
    int error = 0;

    for (int family = 0; family < AF_INET6 && !error; family++)
        if (family != AF_UNIX && family != AF_INET)
            error = seccomp_rule_add(filter, action, SCMP_SYS(socket), 1,
                                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family, 0));
    if (!error)
        error = seccomp_rule_add(filter, action, SCMP_SYS(socket), 1,
                                 SCMP_A0(SCMP_CMP_GT, AF_INET6, 0));
    return error;
}

/* Typing into the terminal, which may be root's. */
static int refuse_typing(scmp_filter_ctx filter)
{
    static const unsigned requests[] = {TIOCSTI, TIOCLINUX};
    int error = 0;

    for (size_t i = 0; i < 2 && !error; i++) /* the kernel looks at 32 bits of it */
        error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                                 SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
    return error;
}

int confine_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int error;

    if (!filter)
        return -ENOMEM;
    error = add(filter, SCMP_ACT_ERRNO(EPERM), refused);
    if (!error)
        error = refuse_namespaces(filter);
    if (!error)
        error = refuse_sockets(filter);
    if (!error)
        error = refuse_typing(filter);
    return load(filter, error);
}

/* ---- the recorder alone -------------------------------------------------------------------- */

static const char kept[] =
    "access brk clock_gettime clock_nanosleep close close_range dup dup2 dup3 exit "
    "exit_group faccessat faccessat2 fallocate fcntl fdatasync flock fstat fstatfs fsync "
    "ftruncate futex getcwd getdents64 getegid geteuid getgid getpid getppid getrandom "
    "getrlimit getrusage getsockopt gettid gettimeofday getuid ioctl kill lseek lstat "
    "madvise mmap mprotect mremap munmap nanosleep newfstatat open openat poll ppoll pread64 "
    "pselect6 pwrite64 read readlink readlinkat readv recvfrom recvmsg rename "
    "renameat renameat2 restart_syscall rseq rt_sigaction rt_sigprocmask rt_sigreturn "
    "sched_getaffinity sched_yield select sendfile sendmsg sendto set_robust_list shutdown "
    "sigaltstack stat statfs statx sysinfo tgkill time uname unlink unlinkat wait4 waitid "
    "write writev";

int confine_to_files(bool connects)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int error;

    if (!filter)
        return -ENOMEM;
    error = add(filter, SCMP_ACT_ALLOW, kept);
    if (!error) /* its own limits */
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                                 SCMP_A0(SCMP_CMP_EQ, 0, 0));
    if (!error && connects)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                 SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
    if (!error && connects)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(connect), 0);
    error = load(filter, error);
    return error == -ENOSYS ? 0 : error;
}
