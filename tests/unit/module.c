/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A module of QEMU with one of its probes, for test_loader_attach: Fedora builds QXL into one. */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

__attribute__((section(".probes"))) unsigned short qemu_qxl_spice_oom_semaphore;

void module_oom(unsigned qid);

/* An int in events.def: the recorder takes QEMU's types as they come. */
void module_oom(unsigned qid)
{
    STAP_PROBE1(qemu, qxl_spice_oom, qid);
}
