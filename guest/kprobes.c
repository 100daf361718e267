/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qxl driver's kprobes, in tracefs' kprobe_events. libbpf would use perf's kprobe PMU instead.
 * Only kprobe_events lets us say how many calls at a time a return probe can follow (the 64 in
 * "r64"). The default is one per processor, and calls of qxl_fence_wait or qxl_bo_create sleep.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trace.h"

static int kprobe_events(const struct trace *t, const char *line)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/kprobe_events", t->tracefs);
    return tracefs_append(path, line);
}

static void undefine(struct trace *t, unsigned i)
{
    char line[128];

    if (t->defined[i]) {
        snprintf(line, sizeof(line), "-:spicetap/%s%s\n", t->prefix, trace_hooks[i].program);
        kprobe_events(t, line);
        t->defined[i] = false;
    }
}

void kprobes_undefine_unneeded(struct trace *t)
{
    for (unsigned i = 0; i < TRACE_HOOKS; i++) {
        if (!trace_needs(t, i)) {
            undefine(t, i);
        }
    }
}

void kprobes_undefine_all(struct trace *t)
{
    for (unsigned i = 0; i < TRACE_HOOKS; i++) {
        undefine(t, i);
    }
}

/* An agent that was killed leaves its kprobes behind. This asks the kernel to remove every agent's;
 * it refuses where a running agent uses one. */
static void remove_leftovers(const struct trace *t)
{
    char path[128], line[512], name[200], command[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/kprobe_events", t->tracefs);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%*[^:]:spicetap/%199s", name) == 1) {
            snprintf(command, sizeof(command), "-:spicetap/%s\n", name);
            kprobe_events(t, command);
        }
    }
    if (file) {
        fclose(file);
    }
}

static const char *module_of(const struct trace_hook *h)
{
    return strncmp(h->target, "ttm_", 4) ? "qxl" : "ttm";
}

static bool has_member(const struct btf *btf, const char *structure, const char *member)
{
    int id = btf ? btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT) : -ENOENT;
    const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

    for (unsigned i = 0; type && i < btf_vlen(type); i++) {
        if (!strcmp(btf__name_by_offset(btf, btf_members(type)[i].name_off), member)) {
            return true;
        }
    }
    return false;
}

/* Before Linux 6.3 ttm_bo_delayed_delete walks a list and does not wait, so its time means nothing.
 */
static void look_for_deletes(struct trace *t)
{
    struct btf *kernel = btf__load_vmlinux_btf(), *module = NULL;

    if (kernel && !access("/sys/kernel/btf/ttm", F_OK)) {
        module = btf__load_module_btf("ttm", kernel);
    }
    if (!has_member(module ? module : kernel, "ttm_buffer_object", "delayed_delete")) {
        trace_without(t, BIT(guest_delete),
                      "this kernel's BTF has no ttm_buffer_object.delayed_delete: before Linux 6.3 "
                      "deleting does not wait");
    }
    btf__free(module);
    btf__free(kernel);
}

static void define(struct trace *t, unsigned i)
{
    const struct trace_hook *h = &trace_hooks[i];
    char line[256], why[160], path[64];
    bool is_module;
    int error;

    /* "qxl:" restricts the search to the module's functions. A built-in driver has no module. */
    snprintf(path, sizeof(path), "/sys/module/%s/initstate", module_of(h));
    is_module = !access(path, F_OK);
    snprintf(line, sizeof(line), "%s:spicetap/%s%s %s%s%s\n", h->at_return ? "r64" : "p", t->prefix,
             h->program, is_module ? module_of(h) : "", is_module ? ":" : "", h->target);
    error = kprobe_events(t, line);
    t->defined[i] = !error;
    if (error == -ENOENT || error == -EINVAL) {
        tracefs_why_not(h->target, why, sizeof(why));
        trace_without(t, h->events, "%s", why);
    } else if (error) {
        trace_without(t, h->events, "cannot probe %s: %s", h->target, strerror(-error));
    }
}

void kprobes_define(struct trace *t)
{
    char path[128];

    if (!(trace_part_events(PART_QXL) & t->wanted)) {
        return;
    }
    snprintf(path, sizeof(path), "%s/kprobe_events", t->tracefs);
    if (access(path, W_OK)) {
        trace_without(t, trace_part_events(PART_QXL), "no %s (CONFIG_KPROBE_EVENTS): %s", path,
                      strerror(errno));
        return;
    }
    remove_leftovers(t);
    look_for_deletes(t);
    for (unsigned i = 0; i < TRACE_HOOKS; i++) {
        if (trace_hooks[i].part == PART_QXL && trace_needs(t, i)) {
            define(t, i);
        }
    }
}
