/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way to the socket of the guest's port. It belongs to QEMU's user, so a recorder that was
 * begun by root could not connect once it has no rights. Hence a helper process: it keeps the right
 * to connect to that socket, reads nothing from it, and hands the connection over.
 */
#ifndef SPICETAP_RECORD_CONNECTOR_H
#define SPICETAP_RECORD_CONNECTOR_H

#include <stdbool.h>
#include <sys/types.h>

struct connector {
    const char *path, *name; /* of the socket; its last part. The caller's */
    int folder;              /* the socket's folder, which stays open; -1: the path is used */
    pid_t owner;             /* it must be the socket of this process, or of libvirt; 0: of any */
    int helper;              /* a socket to the helper; -1: there is none */
    pid_t pid;               /* the helper; 0: none */
};

/* Call it while the process has its rights. `path` must outlive *c. The caller closes *c, also
 * after an error. -ENOMEM. `owner`: where the path is the word of a process, that process; 0: where
 * the user gave it. Where a helper cannot be made, or the kernel cannot confine it, this process
 * connects by itself, with the rights it then has. */
int connector_open(struct connector *c, const char *path, pid_t owner);
/* Does this process connect by itself, for want of a helper? */
bool connector_alone(const struct connector *c);
/* A connected socket, non-blocking, which the caller closes; or negative errno. */
int connector_connect(struct connector *c);
void connector_close(struct connector *c);

#endif
