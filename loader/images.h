/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that a VM's process runs: target.c finds the process, images.c its files. */
#ifndef SPICETAP_IMAGES_H
#define SPICETAP_IMAGES_H

#include "loader.h"

/* Opens vm->exe, vm->spice and vm->modules of process vm->pid, and reads their probes. Errors as of
 * vm_find_pid(); the caller frees what was opened. */
int vm_images_read(struct vm *vm, struct loader_error *e);
void vm_images_free(struct vm *vm);

#endif
