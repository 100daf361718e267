/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Landlock: where a process may write. Reading is left to its user's rights. */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/confine_paths.h"

/* From <linux/landlock.h> of later kernels than Debian 12's headers, by the ABI that brought them.
 */
#define ACCESS_REFER    (1ULL << 13) /* 2 */
#define ACCESS_TRUNCATE (1ULL << 14) /* 3 */
#define SCOPE_ABSTRACT  (1ULL << 0)  /* 6: no connection to an abstract unix socket from outside */
#define SCOPE_SIGNAL    (1ULL << 1)  /* 6: no signal to a process outside */

/* struct landlock_ruleset_attr of ABI 6. */
struct rules {
    uint64_t files, net, scopes;
};

#define IN_A_FOLDER                                                                                \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |   \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR)
#define ANYWHERE                                                                                   \
    (IN_A_FOLDER | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                  \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

static int allow(int rules, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access};
    int error = 0;

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return -errno;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
        error = -errno;
    close(rule.parent_fd);
    return error;
}

static int fill(int rules, const char *const *writable, uint64_t truncate)
{
    int error = allow(rules, "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE | truncate);

    for (; *writable && !error; writable++)
        error = allow(rules, *writable, IN_A_FOLDER | truncate);
    if (!error && syscall(SYS_landlock_restrict_self, rules, 0))
        error = -errno;
    return error;
}

int confine_paths(const char *const *writable, bool *old)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    uint64_t truncate = abi >= 3 ? ACCESS_TRUNCATE : 0;
    struct rules r = {.files = ANYWHERE | truncate};
    size_t size = sizeof(r.files);
    int rules, error;

    if (abi < 0)
        return -errno;
    *old = abi < 6;
    if (abi >= 2)
        r.files |= ACCESS_REFER;
    if (abi >= 6) {
        r.scopes = SCOPE_ABSTRACT | SCOPE_SIGNAL;
        size = sizeof(r);
    }
    rules = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
    if (rules < 0)
        return -errno;
    error = fill(rules, writable, truncate);
    close(rules);
    return error;
}
