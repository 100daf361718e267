/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user and the capabilities; confine_paths.c and confine_calls.c have the rest. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/confine_calls.h"
#include "base/confine_paths.h"

/* ---- who --------------------------------------------------------------------------------- */

static int take(struct confine_user *user, const struct passwd *entry)
{
    if (!entry)
        return -ENOENT;
    *user = (struct confine_user){.uid = entry->pw_uid, .gid = entry->pw_gid};
    snprintf(user->name, sizeof(user->name), "%s", entry->pw_name);
    snprintf(user->home, sizeof(user->home), "%s", entry->pw_dir);
    return 0;
}

/* The user whose number is in an environment variable. -ENOENT: it has none, or root's. */
static int named_by(struct confine_user *user, const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    unsigned long uid;

    if (!text || *text < '0' || *text > '9')
        return -ENOENT;
    errno = 0;
    uid = strtoul(text, &end, 10);
    if (errno || *end || !uid || uid >= (uid_t)-1)
        return -ENOENT;
    return take(user, getpwuid((uid_t)uid));
}

/* `nobody` would not do: other services run as nobody, and could read the run. Nothing gives away
 * these numbers: systemd, docs/UIDS-GIDS.md. */
enum { FIRST_FREE = 65520, LAST_FREE = 65533 };

static int of_its_own(struct confine_user *user)
{
    for (uid_t id = LAST_FREE; id >= FIRST_FREE; id--)
        if (!getpwuid(id) && !getgrgid(id)) {
            *user = (struct confine_user){.uid = id, .gid = id};
            return 0;
        }
    return -ENOENT;
}

int confine_user_find(struct confine_user *user)
{
    if (getuid()) {
        *user = (struct confine_user){.uid = getuid(), .gid = getgid()};
        return 0;
    }
    if (!named_by(user, "SUDO_UID") || !named_by(user, "PKEXEC_UID") ||
        !take(user, getpwnam("spicetap")))
        return 0;
    return of_its_own(user);
}

/* ---- rights ------------------------------------------------------------------------------ */

static int become(const struct confine_user *user)
{
    if (getuid() && geteuid())
        return 0;           /* no root: it is the user already */
    if (setgroups(0, NULL)) /* docker, disk and others are as good as root */
        return -errno;
    if (setresgid(user->gid, user->gid, user->gid) || setresuid(user->uid, user->uid, user->uid))
        return -errno;
    if (*user->home && setenv("HOME", user->home, 1))
        return -errno;
    return getuid() && geteuid() ? 0 : -EPERM;
}

static int keep_only(cap_value_t keep)
{
    cap_t caps = cap_init();
    int error = caps ? 0 : -errno;

    if (caps && keep >= 0 &&
        (cap_set_flag(caps, CAP_PERMITTED, 1, &keep, CAP_SET) ||
         cap_set_flag(caps, CAP_EFFECTIVE, 1, &keep, CAP_SET)))
        error = -errno;
    if (!error && cap_set_proc(caps))
        error = -errno;
    if (caps)
        cap_free(caps);
    return error;
}

static int no_new_privileges(void)
{
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

/* 0, also where the kernel lacks it, which *lacks then says. */
static int unless_lacking(int error, bool *lacks)
{
    *lacks = error == -ENOSYS || error == -EOPNOTSUPP;
    return *lacks ? 0 : error;
}

int confine(const struct confine_user *user, const char *const *writable, int keep,
            struct confine_lacks *lacks, const char **what)
{
    int error;

    *lacks = (struct confine_lacks){false};
    *what = "root's user id";
    error = keep >= 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) ? -errno : become(user);
    if (!error) {
        *what = "the capabilities";
        error = keep_only(keep);
    }
    if (!error) {
        *what = "new privileges";
        error = no_new_privileges();
    }
    if (!error) {
        *what = "writing elsewhere (Landlock)";
        error = unless_lacking(confine_paths(writable, &lacks->scopes), &lacks->landlock);
    }
    if (!error) {
        *what = "system calls (seccomp)";
        error = unless_lacking(confine_calls(), &lacks->seccomp);
    }
    return error;
}

int confine_nowhere(const char **what)
{
    static const char *const nowhere[] = {NULL};
    struct confine_user user;
    struct confine_lacks lacks;
    int error = confine_user_find(&user);

    *what = "root's user id: there is no other user; make one named spicetap";
    return error ? error : confine(&user, nowhere, -1, &lacks, what);
}
