/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recorder's part of run.json (docs/dev/format.md). */
#ifndef SPICETAP_RECORD_DESCRIBE_H
#define SPICETAP_RECORD_DESCRIBE_H

#include "loader/loader.h"
#include "record/counts.h"

/* What is known before the first event: target, devices, probes, buffers. Leaves out arguments of
 * the VM's command line that may hold a secret. */
void describe_vm(json_t *run, const struct vm *vm, const struct tracer *tracer,
                 unsigned buffer_mib);
/* The events and losses of the host: counters. */
void describe_counts(json_t *run, const struct record_counts *counts);

#endif
