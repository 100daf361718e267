/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One program for each of spice-server's probes in events.def. */
#include "usdt_event.bpf.h"

#define EVENT_SPICE(name, fields) PROGRAM(name, fields)
#define EVENT_QEMU(name, fields)
#include "events.def"
