/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probes that events.def wants, and whether those of a file fit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define NOARG (-1)

#define F(arg, type, name, kind, help) {arg, TYPE_##type},
#define EVENT(source, number, name, help, fields)                                                  \
    __attribute__((unused)) static const struct wanted_arg args_##name[] = {fields};
#include "../bpf/events.def"
#undef F

/* Only events of spice-server and QEMU have USDT probes. */
#define F(arg, type, name, kind, help)
#define PROBE(source, number, name, provider)                                                      \
    {number, SOURCE_##source, provider, #name, args_##name, ARRAY_SIZE(args_##name)},
#define EVENT_SPICE(number, name) PROBE(SPICE, number, name, "spice")
#define EVENT_QEMU(number, name)  PROBE(QEMU, number, name, "qemu")
#define EVENT_CALL(number, name)  PROBE(SPICE, number, name, CALL_PROVIDER)
#define EVENT_GUEST(number, name)
#define EVENT_CLIENT(number, name)
#define EVENT_META(number, name)
#define EVENT(source, number, name, help, fields) EVENT_##source(number, name)
const struct wanted_probe wanted_probes[] = {
#include "../bpf/events.def"
};
#undef F

const size_t wanted_probe_count = ARRAY_SIZE(wanted_probes);

const struct wanted_probe *wanted_find(const char *provider, const char *name)
{
    for (size_t i = 0; i < wanted_probe_count; i++) {
        const struct wanted_probe *w = &wanted_probes[i];

        if (!strcmp(w->provider, provider) && !strcmp(w->name, name)) {
            return w;
        }
    }
    return NULL;
}

static unsigned arg_width(const struct wanted_arg *arg)
{
    return arg->type == TYPE_RECT ? 2 : 1;
}

unsigned wanted_arg_count(const struct wanted_probe *wanted)
{
    unsigned needed = 0;

    for (unsigned i = 0; i < wanted->count; i++) {
        unsigned end = (unsigned)(wanted->args[i].number + 1) + arg_width(&wanted->args[i]) - 1;

        needed = end > needed ? end : needed;
    }
    return needed;
}

/* `size`: width in bytes, negative if signed, as sys/sdt.h writes it. */
static bool type_fits(enum tap_type type, int size)
{
    switch (type) {
    case TYPE_U64:
    case TYPE_RECT:
        return size == 8;
    case TYPE_S64:
        return size == -8;
    case TYPE_U32:
        return size == 4;
    case TYPE_S32:
        return size == -4;
    case TYPE_U8:
        return size == 1;
    case TYPE_BOOL:
        return size == 1 || abs(size) == 4;
    }
    return false;
}

bool wanted_is_call(const struct wanted_probe *wanted)
{
    return !strcmp(wanted->provider, CALL_PROVIDER);
}

/* Attaching overwrites the site. Only a nop can be lost; the kernel knows a function's first
 * instruction. What a nop of five bytes becomes overwrites the red zone too. */
static enum probe_fit check_place(const struct probe_site *site, bool strict, char *why,
                                  size_t size)
{
    if (!site->offset) {
        snprintf(why, size, "has a site that is not executable");
        return PROBE_BAD_SITE;
    }
    if (site->nop == NOP_CALL) {
        return PROBE_FITS;
    }
    if (site->nop == NOP_OTHER) {
        snprintf(why, size, "has a site that is no nop");
        return PROBE_BAD_SITE;
    }
    if (site->nop == NOP_FIVE && site->red_zone != RED_ZONE_UNUSED) {
        snprintf(why, size, "%s",
                 site->red_zone == RED_ZONE_USED
                     ? "has a site in a function that keeps data below the stack pointer"
                     : "has a site in a function that may keep data below the stack pointer");
        return PROBE_BAD_SITE;
    }
    if (site->semaphore && !site->semaphore_offset) {
        snprintf(why, size, "has a semaphore that is in no writable segment");
        return PROBE_NO_SEMAPHORE;
    }
    if (strict && !site->semaphore) {
        snprintf(why, size, "has no semaphore");
        return PROBE_NO_SEMAPHORE;
    }
    return PROBE_FITS;
}

static enum probe_fit check_arg(const struct wanted_arg *arg, const struct probe_site *site,
                                bool strict, char *why, size_t size)
{
    for (unsigned number = (unsigned)arg->number, i = 0; i < arg_width(arg); i++, number++) {
        int bytes = site->arg_size[number];

        if (strict ? !type_fits(arg->type, bytes) : !bytes) {
            snprintf(why, size, "argument %u has %d bytes%s, not the type in events.def", number,
                     abs(bytes), bytes < 0 ? " (signed)" : "");
            return PROBE_ARG_TYPE;
        }
    }
    return PROBE_FITS;
}

static enum probe_fit check_site(const struct wanted_probe *wanted, const struct probe_site *site,
                                 char *why, size_t size)
{
    bool strict = wanted->source == SOURCE_SPICE;
    unsigned needed = wanted_arg_count(wanted);

    if (site->arg_count < needed || (strict && site->arg_count != needed)) {
        snprintf(why, size, "has %u arguments, not the %u of events.def", site->arg_count, needed);
        return PROBE_ARG_COUNT;
    }
    for (unsigned i = 0; i < wanted->count; i++) {
        enum probe_fit fit = check_arg(&wanted->args[i], site, strict, why, size);

        if (fit != PROBE_FITS) {
            return fit;
        }
    }
    return check_place(site, strict, why, size);
}

enum probe_fit wanted_check(const struct wanted_probe *wanted, const struct probe_file *file,
                            char *why, size_t size)
{
    const struct probe_site *site = NULL;
    size_t sites = probe_file_sites(file, wanted->provider, wanted->name, &site);

    if (!sites) {
        snprintf(why, size, "is missing");
        return PROBE_MISSING;
    }
    for (size_t i = 0; i < sites; i++) {
        enum probe_fit fit = check_site(wanted, &site[i], why, size);

        if (fit != PROBE_FITS) {
            return fit;
        }
    }
    return PROBE_FITS;
}
