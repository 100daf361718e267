/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is left to a process before it parses what others send: a guest, a client, a file. It runs
 * as the user who asked, gets no right back, writes below a few folders alone, and lacks system
 * calls. All of it holds for its children too, whatever they execute.
 */
#ifndef SPICETAP_CONFINE_H
#define SPICETAP_CONFINE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { CONFINE_NAME = 64 };

/* Whom the process becomes. */
struct confine_user {
    uid_t uid;
    gid_t gid;
    char name[CONFINE_NAME]; /* "": the user has none */
    char home[PATH_MAX];     /* "": not known */
};

/* The user who asked: this process's own, or, if that is root, the one in SUDO_UID or PKEXEC_UID.
 * Root alone becomes the user `spicetap`, or without such a user a number that nobody has. -ENOENT:
 * there is none. */
int confine_user_find(struct confine_user *user);

/* What the kernel could not do. */
struct confine_lacks {
    bool landlock; /* it may write wherever its user may */
    bool scopes;   /* it may signal its user's other processes; before 6.2 truncate their files */
    bool seccomp;  /* it has all system calls */
};

/* Becomes `user`, for good, without any capability but `keep` (-1: none), and with no_new_privs. It
 * can write below the folders in `writable`, a list that NULL ends, and to /dev/null, and nowhere
 * else. It cannot trace or signal other processes, load BPF programs, mount, or make a namespace or
 * a socket other than unix and IP. Files that are open stay so.
 *
 * The process must have one thread. Negative errno: a right could not be given up, and the caller
 * must end; `what` names it. */
int confine(const struct confine_user *user, const char *const *writable, int keep,
            struct confine_lacks *lacks, const char **what);

/* confine() as the user who asked, with no folder to write to and no capability. Negative errno:
 * `what` names what could not be given up. */
int confine_nowhere(const char **what);

#endif
