/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the BPF programs for the probes of a VM, and attaches them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tracer.h"
#include "spice.skel.h"
#include "qemu.skel.h"

#define RELEASE_WITH_RINGBUF "5.8"

/* The last warning of libbpf, which gives its reasons only by printing them. */
static char complaint[512];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
    if (level == LIBBPF_WARN && !strncmp(format, "libbpf: ", 8)) {
        vsnprintf(complaint, sizeof(complaint), format + 8, args);
        complaint[strcspn(complaint, "\n")] = '\0';
    }
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* ---- which probes --------------------------------------------------------------------------- */

static int add_missing(struct tracer *t, const struct wanted_probe *w, const char *why)
{
    json_t *text = json_string(why); /* NULL: a note's own text that is no UTF-8 */
    json_t *entry = json_pack("{s:s, s:s, s:o}", "provider", w->provider, "name", w->name, "why",
                              text ? text : json_string("has arguments that cannot be read"));

    return entry && !json_array_append_new(t->missing, entry) ? 0 : -ENOMEM;
}

static bool is_asked_for(const uint16_t *kinds, uint16_t kind)
{
    if (!kinds) {
        return true;
    }
    while (*kinds && *kinds != kind) {
        kinds++;
    }
    return *kinds;
}

/* Of a library with probes, its functions tell nothing more. */
static bool is_left_out(const struct tracer *t, const struct wanted_probe *w)
{
    return (wanted_is_call(w) && !t->stock) || !is_asked_for(t->kinds, w->kind);
}

/* Tells the programs where the arguments of a probe's sites are. */
static int plan_sites(struct tracer_part *part, const struct wanted_probe *w,
                      const struct probe_file *file, char *why, size_t size)
{
    unsigned words = wanted_arg_count(w) > REGISTER_ARGS ? SITE_WORDS : WORD_STACK, bad;
    const struct probe_site *sites;
    unsigned count = (unsigned)probe_file_sites(file, w->provider, w->name, &sites);

    if (part->site_count + count > MAX_SITES) {
        snprintf(why, size, "has too many sites: all probes together may have %d", MAX_SITES);
        return -E2BIG;
    }
    for (unsigned i = 0; i < count; i++) {
        if (site_plan_make(&part->plans->sites[part->site_count + i], &sites[i], words, &bad)) {
            snprintf(why, size, "argument %u is in a place that cannot be read: %s", bad,
                     sites[i].args);
            return -EINVAL;
        }
    }
    part->plans->of[w->kind] = (struct probe_sites){part->site_count, count};
    part->site_count += count;
    return 0;
}

static bool choose(struct tracer_part *part, const struct wanted_probe *w, const struct vm *vm,
                   char *why, size_t size)
{
    const struct probe_file *file = &vm_image_of(vm, w)->probes;

    return wanted_check(w, file, why, size) == PROBE_FITS && !plan_sites(part, w, file, why, size);
}

/* Does not load the programs whose probes are missing or do not fit. */
static int choose_programs(struct tracer *t, struct tracer_part *part, const struct vm *vm)
{
    struct bpf_object *obj = *part->skeleton->obj;

    for (size_t i = 0; i < wanted_probe_count; i++) {
        const struct wanted_probe *w = &wanted_probes[i];
        struct bpf_program *program;
        char why[256];

        if (w->source != part->source ||
            (!is_left_out(t, w) && choose(part, w, vm, why, sizeof(why)))) {
            continue;
        }
        program = bpf_object__find_program_by_name(obj, w->name);
        if (program) {
            bpf_program__set_autoload(program, false);
        }
        if (is_left_out(t, w)) {
            continue; /* nobody misses it */
        }
        loader_clean(why);
        if (add_missing(t, w, why)) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* ---- loading --------------------------------------------------------------------------------- */

static int load_error(int error, struct loader_error *e)
{
    if (error == -EPERM || error == -EACCES) {
        return loader_fail(
            e, -EPERM,
            "the kernel refuses to load BPF programs (%s): run as root, or grant CAP_BPF and "
            "CAP_PERFMON; a kernel in lockdown mode refuses root too",
            *complaint ? complaint : strerror(-error));
    }
    if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 0) {
        return loader_fail(e, -ENOSYS,
                           "this kernel has no BPF ring buffer: Linux " RELEASE_WITH_RINGBUF
                           " or newer is needed");
    }
    return loader_fail(e, error, "cannot load the BPF programs: %s",
                       *complaint ? complaint : strerror(-error));
}

static struct tracer_part *add_part(struct tracer *t, enum tap_source source,
                                    struct bpf_object_skeleton *skeleton)
{
    struct tracer_part *part = &t->parts[t->part_count++];

    *part = (struct tracer_part){.source = source, .skeleton = skeleton};
    return part;
}

static int load_spice(struct tracer *t, const struct vm *vm, unsigned buffer_mib,
                      struct loader_error *e)
{
    struct tracer_part *part;
    int error;

    t->spice = spice_bpf__open();
    if (!t->spice) {
        return loader_fail(e, -errno, "cannot read the BPF programs: %s", complaint);
    }
    part = add_part(t, SOURCE_SPICE, t->spice->skeleton);
    part->plans = (struct plans *)&t->spice->rodata->plans;
    bpf_map__set_max_entries(t->spice->maps.events, buffer_mib << 20);
    error = choose_programs(t, part, vm);
    if (t->multi) {
        uprobe_prepare(t->spice->obj);
    }
    if (!error) {
        error = spice_bpf__load(t->spice);
    }
    if (error) {
        return load_error(error, e);
    }
    part->shared = &t->spice->bss->shared;
    return 0;
}

/* Both sources share one ring buffer, so their events are in one order. */
static int load_qemu(struct tracer *t, const struct vm *vm, struct loader_error *e)
{
    struct tracer_part *part;
    int error;

    t->qemu = qemu_bpf__open();
    if (!t->qemu) {
        return loader_fail(e, -errno, "cannot read the BPF programs: %s", complaint);
    }
    part = add_part(t, SOURCE_QEMU, t->qemu->skeleton);
    part->plans = (struct plans *)&t->qemu->rodata->plans;
    error = bpf_map__reuse_fd(t->qemu->maps.events, bpf_map__fd(t->spice->maps.events));
    if (!error) {
        error = choose_programs(t, part, vm);
    }
    if (t->multi) {
        uprobe_prepare(t->qemu->obj);
    }
    if (!error) {
        error = qemu_bpf__load(t->qemu);
    }
    if (error) {
        return load_error(error, e);
    }
    part->shared = &t->qemu->bss->shared;
    return 0;
}

/* ---- attaching ------------------------------------------------------------------------------- */

static int attach_error(const struct tracer *t, const struct vm *vm, const struct image *image,
                        const struct wanted_probe *w, int error, struct loader_error *e)
{
    if (error != -EPERM && error != -EACCES) {
        return loader_fail(e, error, "cannot attach to probe %s:%s of %s in pid %d: %s",
                           w->provider, w->name, base_name(image->name), vm->pid, strerror(-error));
    }
    return loader_fail(e, -EPERM, "may not attach to %s of pid %d: run as root, or grant %s",
                       base_name(image->name), vm->pid,
                       t->multi ? "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE"
                                : "CAP_SYS_ADMIN (needed for uprobes before Linux 6.10) and "
                                  "CAP_SYS_PTRACE");
}

static int attach_one(struct tracer *t, struct tracer_part *part, const struct vm *vm,
                      const struct wanted_probe *w, struct loader_error *e)
{
    const struct image *image = vm_image_of(vm, w);
    struct bpf_program *program = bpf_object__find_program_by_name(*part->skeleton->obj, w->name);
    const struct probe_site *sites;
    unsigned count;
    int hooks;

    if (!program || !bpf_program__autoload(program)) {
        return 0;
    }
    count = (unsigned)probe_file_sites(&image->probes, w->provider, w->name, &sites);
    hooks = uprobe_attach(part->hooks + part->hook_count, t->multi, program, vm->pid, image->path,
                          sites, count, part->plans->of[w->kind].first);
    if (hooks < 0) {
        return attach_error(t, vm, image, w, hooks, e);
    }
    part->hook_count += (unsigned)hooks;
    part->attached++;
    return 0;
}

static int attach_part(struct tracer *t, struct tracer_part *part, const struct vm *vm,
                       struct loader_error *e)
{
    for (size_t i = 0; i < wanted_probe_count; i++) {
        const struct wanted_probe *w = &wanted_probes[i];
        int error = w->source == part->source ? attach_one(t, part, vm, w, e) : 0;

        if (error) {
            return error;
        }
    }
    return 0;
}

static int attach_parts(struct tracer *t, const struct vm *vm, struct loader_error *e)
{
    for (unsigned i = 0; i < t->part_count; i++) {
        int error = attach_part(t, &t->parts[i], vm, e);

        if (error) {
            return error;
        }
    }
    /* Another process may have its number by now; the programs must not be attached to that. */
    return vm_running(vm) ? 0 : loader_fail(e, -ESRCH, "pid %d has just ended", vm->pid);
}

static int open_ring(struct tracer *t, struct loader_error *e)
{
    t->ring_fd = bpf_map__fd(t->spice->maps.events);
    t->ring = ring_buffer__new(t->ring_fd, tracer_sample, t, NULL);
    return t->ring ? 0 : loader_fail(e, -errno, "cannot map the ring buffer: %s", strerror(errno));
}

static int load_and_attach(struct tracer *t, const struct vm *vm,
                           const struct tracer_options *options, struct loader_error *e)
{
    int error = load_spice(t, vm, options->buffer_mib, e);

    if (!error && !options->no_qemu && vm_has_qemu_probes(vm)) {
        error = load_qemu(t, vm, e);
    }
    if (!error) {
        error = open_ring(t, e);
    }
    return error ? error : attach_parts(t, vm, e);
}

int vm_require_probes(const struct vm *vm, bool stock, struct loader_error *e)
{
    bool calls = probe_file_has(&vm->spice.probes, CALL_PROVIDER);

    if (probe_file_has(&vm->spice.probes, "spice") || (stock && calls)) {
        return 0;
    }
    return loader_fail(e, -ENOENT,
                       "%s of pid %d (build id %s) has no spice probes: start the VM on the traced "
                       "stack, see spicetap-stack(7)%s",
                       base_name(vm->spice.name), vm->pid,
                       *vm->spice.probes.build_id ? vm->spice.probes.build_id : "unknown",
                       calls ? ", or record what a stock library gives: --stock" : "");
}

int tracer_open(struct tracer **out, const struct vm *vm, const struct tracer_options *options,
                struct loader_error *e)
{
    struct tracer *t = NULL;
    int error = vm_require_probes(vm, options->stock, e);

    *out = NULL;
    if (!error) {
        error = rights_kernel(e);
    }
    if (!error) {
        error = rights_check(e);
    }
    if (error) {
        return error;
    }
    libbpf_set_print(keep_complaint);
    libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
    t = calloc(1, sizeof(*t));
    if (!t || !(t->missing = json_array())) {
        free(t);
        return loader_fail(e, -ENOMEM, "no memory");
    }
    keeper_start(&t->keeper);
    t->multi = uprobe_multi_works();
    t->stock = !probe_file_has(&vm->spice.probes, "spice");
    t->kinds = options->kinds;
    error = load_and_attach(t, vm, options, e);
    if (error) {
        tracer_close(t);
        return error;
    }
    *out = t;
    return 0;
}

bool tracer_is_stock(const struct tracer *t)
{
    return t->stock;
}

unsigned tracer_attached(const struct tracer *t, enum tap_source source)
{
    for (unsigned i = 0; i < t->part_count; i++) {
        if (t->parts[i].source == source) {
            return t->parts[i].attached;
        }
    }
    return 0;
}

const json_t *tracer_missing(const struct tracer *t)
{
    return t->missing;
}

static void detach(struct tracer_part *part)
{
    while (part->hook_count) {
        uprobe_detach(&part->hooks[--part->hook_count]);
    }
}

void tracer_detach(struct tracer *t)
{
    for (unsigned i = 0; i < t->part_count; i++) {
        detach(&t->parts[i]);
    }
}

void tracer_close(struct tracer *t)
{
    if (!t) {
        return;
    }
    tracer_detach(t);
    keeper_end(&t->keeper);
    ring_buffer__free(t->ring);
    qemu_bpf__destroy(t->qemu);
    spice_bpf__destroy(t->spice);
    json_decref(t->missing);
    free(t);
}
