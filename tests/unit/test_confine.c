/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process can still do after confine(). Each is tried by a child: there is no way back. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/confine.h"
#include "base/confine_calls.h"

static char folder[64], outside[64];
static pid_t other;
static struct confine_lacks lacks;

/* A process of that user which waits to be killed. */
static pid_t start_other(const struct confine_user *user)
{
    pid_t pid = fork();

    if (!pid) {
        if (setgroups(0, NULL) || setgid(user->gid) || setuid(user->uid))
            _exit(1);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    return pid;
}

static int make_folder(void **state)
{
    struct confine_user user;
    char command[2 * sizeof(folder) + 64];
    int fd;

    (void)state;
    strcpy(folder, "/tmp/spicetap-confine-XXXXXX");
    if (!mkdtemp(folder) || confine_user_find(&user) || chown(folder, user.uid, user.gid))
        return 1;
    other = start_other(&user);
    strcpy(outside, "/tmp/spicetap-outside-XXXXXX");
    fd = mkstemp(outside);
    if (fd < 0 || fchown(fd, user.uid, user.gid) || close(fd))
        return 1;
    /* A program that makes anybody else root. */
    snprintf(command, sizeof(command), "cp /usr/bin/id %s/id && chmod 4755 %s/id", folder, folder);
    return system(command);
}

static int remove_folder(void **state)
{
    char command[sizeof(folder) + sizeof(outside) + 16];

    (void)state;
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    snprintf(command, sizeof(command), "rm -rf %s %s", folder, outside);
    return system(command);
}

static void need_root(void)
{
    if (geteuid()) {
        print_message("skipped: needs root\n");
        skip();
    }
}

/* What a child finds that took itself everything: 0, or the line where it was wrong. */
static int in_a_child(int (*look)(void), bool files_only)
{
    const char *writable[] = {folder, NULL}, *what;
    struct confine_user user;
    int status;
    pid_t pid = fork();

    if (!pid) {
        if (confine_user_find(&user) || confine(&user, writable, -1, &lacks, &what) ||
            lacks.landlock || lacks.seccomp || (files_only && confine_to_files(false)))
            _exit(255);
        _exit(look());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__ & 0xff ?: 1;                                                           \
    } while (0)

static int make(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd < 0 ? -errno : 0;
}

static int writes_elsewhere(void)
{
    char own[96], link_in[96];

    NEED(make("/etc/spicetap-test") == -EACCES);
    NEED(make("/tmp/spicetap-test") == -EACCES);   /* anybody may: but for Landlock */
    NEED(truncate(outside, 0) && errno == EACCES); /* its own file */
    NEED(open(outside, O_WRONLY) < 0 && errno == EACCES);
    snprintf(own, sizeof(own), "%s/own", folder);
    NEED(!make(own));
    NEED(make("/dev/null") == 0);
    NEED(rename(own, "/tmp/spicetap-test") && (errno == EXDEV || errno == EACCES));
    snprintf(link_in, sizeof(link_in), "%s/link", folder);
    NEED(symlink("/etc/passwd", link_in) && errno == EACCES);
    return 0;
}

static int becomes_root(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "re");
    unsigned long long caps;
    int found = 0;

    NEED(getuid() && geteuid() && getgid() && getegid());
    NEED(setuid(0) && setresuid(0, 0, 0) && setgid(0) && setgroups(0, NULL));
    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "Cap%*[IPEA]%*[nhrfm]: %llx", &caps) == 1 ||
            sscanf(line, "CapEff: %llx", &caps) == 1 || sscanf(line, "CapPrm: %llx", &caps) == 1)
            NEED(!caps);
        found += !strcmp(line, "NoNewPrivs:\t1\n") || !strncmp(line, "CapEff:\t0", 9);
    }
    NEED(found == 2);
    fclose(f);
    snprintf(line, sizeof(line), "test $(%s/id -u) -eq %u", folder, getuid());
    NEED(!system(line));
    return 0;
}

static int leaves_the_cage(void)
{
    union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY};

    NEED(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)) < 0 && errno == EPERM);
    NEED(ptrace(PTRACE_SEIZE, getppid(), 0, 0) && errno == EPERM);
    NEED(unshare(CLONE_NEWUSER) && errno == EPERM);
    NEED(mount("none", "/mnt", "tmpfs", 0, NULL) && errno == EPERM);
    NEED(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) < 0 && errno == EPERM);
    NEED(lacks.scopes || (kill(other, 0) && errno == EPERM)); /* a process of the same user */
    NEED(ioctl(0, TIOCSTI, "x") && errno == EPERM);
    NEED(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT);
    NEED(socket(AF_NETLINK, SOCK_RAW, 0) < 0 && errno == EAFNOSUPPORT);
    return 0;
}

static int connects_as_a_client_does(void)
{
    NEED(socket(AF_INET, SOCK_STREAM, 0) >= 0);
    NEED(socket(AF_INET6, SOCK_STREAM, 0) >= 0);
    NEED(socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
    NEED(!system("true"));
    return 0;
}

static int only_reads_and_writes(void)
{
    char own[96];

    NEED(socket(AF_INET, SOCK_STREAM, 0) < 0);
    NEED(socket(AF_UNIX, SOCK_STREAM, 0) < 0);
    NEED(fork() < 0);
    NEED(execl("/bin/true", "true", NULL) < 0 && errno == ENOSYS);
    snprintf(own, sizeof(own), "%s/more", folder);
    NEED(!make(own));
    return 0;
}

struct
try {
    int (*look)(void);
    bool files_only;
};

static void tried(void **state)
{
    const struct try *t = *state;
    struct stat st;

    need_root();
    assert_int_equal(in_a_child(t->look, t->files_only), 0);
    assert_int_equal(stat("/etc/spicetap-test", &st), -1);
    assert_int_equal(stat("/tmp/spicetap-test", &st), -1);
}

static uid_t uid_for(const char *sudo, const char *pkexec)
{
    struct confine_user user;

    sudo ? setenv("SUDO_UID", sudo, 1) : unsetenv("SUDO_UID");
    pkexec ? setenv("PKEXEC_UID", pkexec, 1) : unsetenv("PKEXEC_UID");
    assert_int_equal(confine_user_find(&user), 0);
    unsetenv("SUDO_UID");
    unsetenv("PKEXEC_UID");
    return user.uid;
}

/* daemon and bin are users of every Debian. */
static void the_user_who_asked(void **state)
{
    (void)state;
    need_root();
    assert_int_equal(uid_for("1", NULL), 1);
    assert_int_equal(uid_for(NULL, "2"), 2);
    assert_int_equal(uid_for("1", "2"), 1);
    assert_int_equal(uid_for("0", "2"), 2);
    /* None of these names a user: never root, and never nobody. */
    for (const char *const *bad =
             (const char *const[]){"0", "", "-1", "4294967295", "1x", "12345678", NULL};
         *bad; bad++) {
        uid_t uid = uid_for(*bad, NULL);

        assert_int_not_equal(uid, 0);
        assert_int_not_equal(uid, 65534);
        assert_int_equal(uid, uid_for(NULL, NULL));
    }
}

int main(void)
{
    struct try elsewhere = {writes_elsewhere, false}, root = {becomes_root, false};
    struct try out = {leaves_the_cage, false}, client = {connects_as_a_client_does, false};
    struct try recorder = {only_reads_and_writes, true};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_user_who_asked),
        {"writes_into_its_folder_alone", tried, NULL, NULL, &elsewhere},
        {"never_root_again", tried, NULL, NULL, &root},
        {"no_way_out", tried, NULL, NULL, &out},
        {"a_client_can_do_its_work", tried, NULL, NULL, &client},
        {"the_recorder_has_less", tried, NULL, NULL, &recorder},
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
