/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap probes: what can be traced in a VM, a library or a QEMU, and what is missing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "cmd/commands.h"
#include "loader/loader.h"

static const struct argp_option option_table[] = {
    {"domain", 'd', "NAME", 0, "The VM, by its libvirt domain or QEMU's -name", 0},
    {"pid", 'p', "PID", 0, "The VM, by its process", 0},
    {"all", 'a', NULL, 0, "List also probes that are not in the table of events", 1},
    {"json", 'j', NULL, 0, "Print the same as JSON", 1},
    {"check", 'c', NULL, 0,
     "Fail unless FILE has each probe of the table of events, with a semaphore and with exactly "
     "its arguments",
     1},
    {0},
};

static const char doc[] =
    "Lists the probes of a VM's spice-server and QEMU, or of a file: how many sites each has, of "
    "which kind (nop5: five bytes, cheap on Linux 6.18 and later; nop: one byte, a trap), how many "
    "arguments, whether it has a semaphore, and whether `spicetap record` can record it.";

struct options {
    const char *domain, *file;
    pid_t pid;
    bool json, all, check;
};

static error_t check_options(struct argp_state *state, const struct options *o)
{
    if (!!o->domain + !!o->pid + !!o->file != 1)
        argp_error(state, "name one VM (--domain NAME or --pid PID) or one FILE");
    else if (o->check && !o->file)
        argp_error(state, "--check needs a FILE");
    else
        return 0;
    return EINVAL;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case 'd':
        o->domain = arg;
        return 0;
    case 'p':
        return options_pid(state, "--pid", arg, &o->pid);
    case 'j':
        o->json = true;
        return 0;
    case 'a':
        o->all = true;
        return 0;
    case 'c':
        o->check = true;
        return 0;
    case ARGP_KEY_ARG:
        return options_one(state, key, arg, "file", &o->file);
    case ARGP_KEY_END:
        return check_options(state, o);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- one file as JSON; the text is made from it ---- */

static json_t *describe_probe(const struct probe_file *file, const struct probe_site *first,
                              size_t sites)
{
    const struct wanted_probe *wanted = wanted_find(first->provider, first->name);
    const char *nop = nop_kind_name(first->nop);
    char why[128] = "not in the table of events";
    bool recorded = wanted && wanted_check(wanted, file, why, sizeof(why)) == PROBE_FITS;
    json_t *probe;

    for (size_t i = 1; i < sites; i++) {
        nop = first[i].nop == first->nop ? nop : "mixed";
    }
    probe = json_pack("{s:s, s:s, s:I, s:s, s:i, s:b, s:b, s:b}", "provider", first->provider,
                      "name", first->name, "sites", (json_int_t)sites, "nop", nop, "args",
                      first->arg_count, "semaphore", first->semaphore != 0, "known", wanted != NULL,
                      "recorded", recorded);
    if (!recorded) {
        json_object_set_new(probe, "why", json_string(why));
    }
    return probe;
}

static json_t *describe_present(const struct probe_file *file)
{
    json_t *probes = json_array();

    for (size_t i = 0; i < file->count;) {
        const struct probe_site *first = &file->sites[i];
        size_t sites = probe_file_sites(file, first->provider, first->name, &first);

        if (strcmp(first->provider, CALL_PROVIDER) != 0) {
            json_array_append_new(probes, describe_probe(file, first, sites));
        }
        i += sites;
    }
    return probes;
}

static json_t *describe_missing(const struct probe_file *file)
{
    json_t *missing = json_array();

    for (size_t i = 0; i < wanted_probe_count; i++) {
        const struct wanted_probe *w = &wanted_probes[i];
        const struct probe_site *site;

        if (!wanted_is_call(w) && probe_file_has(file, w->provider) &&
            !probe_file_sites(file, w->provider, w->name, &site)) {
            json_array_append_new(
                missing, json_pack("{s:s, s:s}", "provider", w->provider, "name", w->name));
        }
    }
    return missing;
}

/* Those that record --stock attaches to. */
static int count_functions(const struct probe_file *file)
{
    int count = 0;

    for (size_t i = 0; i < file->count; i++) {
        count += !strcmp(file->sites[i].provider, CALL_PROVIDER);
    }
    return count;
}

static json_t *describe_file(const struct probe_file *file, const char *name, bool replaced)
{
    return json_pack("{s:s, s:s, s:b, s:o, s:o, s:i}", "path", name, "build_id", file->build_id,
                     "replaced_on_disk", replaced, "probes", describe_present(file), "missing",
                     describe_missing(file), "functions", count_functions(file));
}

/* ---- printing ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static int number_of(const json_t *object, const char *key)
{
    return (int)json_integer_value(json_object_get(object, key));
}

static void print_probe(const json_t *probe)
{
    char name[128];

    snprintf(name, sizeof(name), "%s:%s", text_of(probe, "provider"), text_of(probe, "name"));
    printf("  %-36s %5d  %-5s  %4d  %-9s  %s\n", name, number_of(probe, "sites"),
           text_of(probe, "nop"), number_of(probe, "args"),
           json_is_true(json_object_get(probe, "semaphore")) ? "yes" : "no",
           json_is_true(json_object_get(probe, "recorded")) ? "yes" : text_of(probe, "why"));
}

static void print_missing(const json_t *missing)
{
    const json_t *probe;
    size_t i;

    json_array_foreach(missing, i, probe)
    {
        printf("  %s:%s is missing\n", text_of(probe, "provider"), text_of(probe, "name"));
    }
}

static void print_file(const json_t *file, bool all)
{
    const char *id = text_of(file, "build_id");
    const json_t *probe, *probes = json_object_get(file, "probes");
    size_t i, others = 0;

    printf("%s, build id %s%s\n", text_of(file, "path"), *id ? id : "unknown",
           json_is_true(json_object_get(file, "replaced_on_disk"))
               ? " (the file of that name on disk is another one)"
               : "");
    if (!json_array_size(probes)) {
        printf("  no probes\n");
        if (number_of(file, "functions")) {
            printf("  %d functions that record --stock can attach to\n",
                   number_of(file, "functions"));
        }
        return;
    }
    printf("  %-36s %5s  %-5s  %4s  %-9s  %s\n", "probe", "sites", "nop", "args", "semaphore",
           "recorded");
    json_array_foreach(probes, i, probe)
    {
        if (all || json_is_true(json_object_get(probe, "known"))) {
            print_probe(probe);
        } else {
            others++;
        }
    }
    if (others) {
        printf("  and %zu others, not in the table of events: --all lists them\n", others);
    }
    print_missing(json_object_get(file, "missing"));
}

static void print_files(json_t *files, const struct options *o)
{
    const json_t *file;
    size_t i;

    if (o->json) {
        json_t *all = json_pack("{s:O}", "files", files);

        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    } else {
        json_array_foreach(files, i, file)
        {
            print_file(file, o->all);
        }
    }
    json_decref(files);
}

/* ---- the command ---- */

static int fault(const char *text, int exit_code)
{
    fflush(stdout);
    fprintf(stderr, "spicetap probes: %s\n", text);
    return exit_code;
}

static int check_file(const struct probe_file *file, const char *name)
{
    /* A file with QEMU's probes alone is a QEMU; any other file should be the library. */
    bool qemu = probe_file_has(file, "qemu") && !probe_file_has(file, "spice");
    enum tap_source source = qemu ? SOURCE_QEMU : SOURCE_SPICE;
    unsigned good = 0, bad = 0;

    for (size_t i = 0; i < wanted_probe_count; i++) {
        const struct wanted_probe *w = &wanted_probes[i];
        char why[128];

        if (w->source != source || wanted_is_call(w)) {
            continue;
        }
        if (wanted_check(w, file, why, sizeof(why)) == PROBE_FITS) {
            good++;
            continue;
        }
        bad++;
        fprintf(stderr, "spicetap probes: %s: %s:%s %s\n", name, w->provider, w->name, why);
    }
    printf("%s: %u of %u probes are as events.def describes them\n", name, good, good + bad);
    return bad ? EXIT_INPUT : EXIT_DONE;
}

static int probes_of_file(const struct options *o)
{
    struct probe_file file;
    struct loader_error e = {""};
    int result = EXIT_DONE, error = probe_file_read(&file, o->file, &e);

    if (error) {
        return fault(e.text, EXIT_INPUT);
    }
    if (o->check) {
        result = check_file(&file, o->file);
    } else {
        print_files(json_pack("[o]", describe_file(&file, o->file, false)), o);
        if (!probe_file_has(&file, "spice") && !probe_file_has(&file, "qemu")) {
            snprintf(e.text, sizeof(e.text), "%s has no spice probes: see spicetap-stack(7)",
                     o->file);
            result = fault(e.text, EXIT_ENV);
        }
    }
    probe_file_free(&file);
    return result;
}

static int probes_of_vm(const struct options *o)
{
    struct vm vm;
    struct loader_error e = {""};
    json_t *files;
    int result = EXIT_DONE;
    int error = o->domain ? vm_find_domain(&vm, o->domain, &e) : vm_find_pid(&vm, o->pid, &e);

    if (error) {
        return fault(e.text, EXIT_ENV);
    }
    files = json_pack("[o]", describe_file(&vm.spice.probes, vm.spice.name, vm.spice.replaced));
    if (strcmp(vm.spice.name, vm.exe.name) != 0) {
        json_array_append_new(files, describe_file(&vm.exe.probes, vm.exe.name, vm.exe.replaced));
    }
    for (size_t i = 0; i < vm.module_count; i++) {
        const struct image *module = &vm.modules[i];

        json_array_append_new(files,
                              describe_file(&module->probes, module->name, module->replaced));
    }
    print_files(files, o);
    if (vm_require_probes(&vm, false, &e)) {
        result = fault(e.text, EXIT_ENV);
    }
    vm_close(&vm);
    return result;
}

const struct command_options probes_options = {
    .parser = {option_table, on_option, "--domain NAME\n--pid PID\nFILE", doc, NULL, NULL, NULL},
};

int cmd_probes(int argc, char **argv)
{
    struct options o = {0};
    int code = options_parse(&probes_options.parser, argc, argv, &o);

    if (code != OPTIONS_GO)
        return code;
    return o.file ? probes_of_file(&o) : probes_of_vm(&o);
}
