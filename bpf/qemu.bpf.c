/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One program for each of QEMU's probes in events.def. */
#include "usdt_event.bpf.h"

#define EVENT_QEMU(name, fields) PROGRAM(name, fields)
#define EVENT_SPICE(name, fields)
#include "events.def"
