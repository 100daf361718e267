/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/secret.h"
#include "record/describe.h"

static json_t *describe_image(const struct image *image)
{
    return json_pack("{s:s, s:s, s:b}", "path", image->name, "build_id", image->probes.build_id,
                     "replaced_on_disk", image->replaced);
}

/* Which kind of sites the file has for `provider`: a nop_kind_name, "mixed" or "none". */
static const char *describe_sites(const struct probe_file *file, const char *provider)
{
    const char *kind = NULL;

    for (size_t i = 0; i < file->count; i++) {
        const char *here = nop_kind_name(file->sites[i].nop);

        if (!strcmp(file->sites[i].provider, provider))
            kind = !kind || kind == here ? here : "mixed";
    }
    return kind ? kind : "none";
}

static json_t *describe_arguments(char *const *args)
{
    json_t *list = json_array();

    for (size_t i = 0; args[i]; i++)
        json_array_append_new(list, json_string(secret_in_argument(args[i])
                                                    ? "(left out: it may hold a secret)"
                                                    : args[i]));
    return list;
}

static json_t *describe_modules(const struct vm *vm)
{
    json_t *list = json_array();

    for (size_t i = 0; i < vm->module_count; i++)
        json_array_append_new(list, describe_image(&vm->modules[i]));
    return list;
}

void describe_vm(json_t *run, const struct vm *vm, const struct tracer *tracer, unsigned buffer_mib)
{
    const struct probe_file *spice = &vm->spice.probes, *qemu = &vm->exe.probes;

    json_object_set_new(run, "target",
                        json_pack("{s:i, s:s?, s:o, s:o, s:o, s:o}", "pid", vm->pid, "domain",
                                  vm->domain, "spice", describe_image(&vm->spice), "qemu",
                                  describe_image(&vm->exe), "modules", describe_modules(vm),
                                  "command_line", describe_arguments(vm->args)));
    json_object_set_new(run, "devices", vm_devices(vm->args));
    json_object_set_new(run, "probes",
                        json_pack("{s:b, s:{s:i, s:s}, s:{s:i, s:s}, s:O}", "stock",
                                  tracer_is_stock(tracer), "spice", "attached",
                                  tracer_attached(tracer, SOURCE_SPICE), "sites",
                                  describe_sites(spice, "spice"), "qemu", "attached",
                                  tracer_attached(tracer, SOURCE_QEMU), "sites",
                                  describe_sites(qemu, "qemu"), "missing", tracer_missing(tracer)));
    json_object_set_new(run, "buffers",
                        json_pack("{s:I}", "ring_bytes", (json_int_t)buffer_mib << 20));
}

static json_t *describe_losses(const struct record_counts *counts)
{
    /* Readers of older runs expect these two, even if 0. */
    json_t *lost =
        json_pack("{s:I, s:I}", "ring_full", (json_int_t)counts->lost[LOSS_REASON_ring_full],
                  "bad_memory", (json_int_t)counts->lost[LOSS_REASON_bad_memory]);
    const struct tap_kind_desc *loss = tap_kind_find(EV_loss);

    for (unsigned f = 0; f < loss->count; f++)
        for (unsigned r = 0; loss->fields[f].names && r < COUNTS_REASONS; r++) {
            const char *name = tap_enum_name(loss->fields[f].names, r);

            if (name && counts->lost[r])
                json_object_set_new(lost, name, json_integer((json_int_t)counts->lost[r]));
        }
    if (counts->unknown)
        json_object_set_new(lost, "unknown", json_integer((json_int_t)counts->unknown));
    return lost;
}

void describe_counts(json_t *run, const struct record_counts *counts)
{
    json_t *kinds = json_object();

    for (size_t i = 0; i < tap_kind_count; i++) {
        uint64_t count = counts->kinds[tap_kinds[i].kind];

        if (count)
            json_object_set_new(kinds, tap_kinds[i].name, json_integer((json_int_t)count));
    }
    json_object_set_new(run, "counters",
                        json_pack("{s:I, s:o, s:o}", "events", (json_int_t)counts->events, "kinds",
                                  kinds, "lost", describe_losses(counts)));
}
