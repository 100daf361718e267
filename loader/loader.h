/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a running VM to its events: find the VM, read its probes, attach, drain. Knows BPF, ELF and
 * /proc, and writes no files. Functions return 0 or negative errno, and leave a text for the user
 * in a struct loader_error. It names what failed and what to do. Nothing here prints.
 */
#ifndef SPICETAP_LOADER_H
#define SPICETAP_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <jansson.h>

#include "../bpf/events.h"

struct loader_error {
    char text[1024];
};

/* Formats the text and returns `error`, so that a function can end with `return loader_fail(...)`.
 */
__attribute__((format(printf, 3, 4))) int loader_fail(struct loader_error *e, int error,
                                                      const char *format, ...);

/* Replaces what a terminal would obey by question marks: a VM's name or path may hold anything. */
void loader_clean(char *text);

/* ---- probe notes of an ELF file (notes.c) --------------------------------------------- */

enum nop_kind {
    NOP_OTHER, /* another instruction */
    NOP_ONE,   /* 90: every kernel replaces it by a trap */
    NOP_CALL,  /* no probe: the first instruction of a function */
    NOP_FIVE,  /* 0f 1f 44 00 00: Linux 6.18 and later replace it by a call, which is faster */
};
const char *nop_kind_name(enum nop_kind nop); /* "other", "nop", "call", "nop5" */

/* Data of the function around a site, below the stack pointer. */
enum red_zone { RED_ZONE_UNUSED, RED_ZONE_USED, RED_ZONE_UNKNOWN };

#define PROBE_MAX_ARGS 12 /* of a USDT probe: the most that sys/sdt.h allows */

struct probe_site {
    const char *provider, *name; /* point into the probe_file's notes, as `args` does */
    const char *args;            /* as in the note: "4@%edi -8@16(%rsp)" */
    uint64_t address;            /* of the site, as linked */
    uint64_t semaphore;          /* its address, as linked; 0: none */
    uint64_t offset;             /* of the site in the file; 0: it is in no executable segment */
    uint64_t
        semaphore_offset; /* of the semaphore in the file; 0: none, or in no writable segment */
    enum nop_kind nop;
    enum red_zone red_zone; /* known only of NOP_FIVE at a probe that events.def wants */
    uint8_t arg_count;
    int16_t arg_size[PROBE_MAX_ARGS]; /* bytes, negative if signed; 0: not an integer */
};

struct probe_file {
    char build_id[41];        /* hex; "": the file has none */
    struct probe_site *sites; /* sorted by provider, name, address */
    size_t count;
    unsigned looks; /* how many functions were looked at for a red zone */
    void *notes;    /* owns the sites' strings, but for those of functions */
};

/* The provider of sites that are no probes, but functions that the file exports and events.def
 * lists as a CALL. */
#define CALL_PROVIDER "libspice-server"

/* Fills in *file, which probe_file_free() frees. A file without probes is no error.
 * -ENOEXEC: not an ELF file for x86-64; -EFBIG: its notes are larger than those of any QEMU; or the
 * errno of opening it. */
int probe_file_read(struct probe_file *file, const char *path, struct loader_error *e);
void probe_file_free(struct probe_file *file);
/* The number of sites of a probe; they follow one another from *first. 0: *first is not set. */
size_t probe_file_sites(const struct probe_file *file, const char *provider, const char *name,
                        const struct probe_site **first);
bool probe_file_has(const struct probe_file *file, const char *provider);

/* Parses the description of one note, for probe_file_read() and the tests. The strings of *site
 * point into `desc`. False: it is damaged. */
struct probe_bases {
    uint64_t linked; /* address of .stapsdt.base in this file; 0: unknown, no correction */
};
bool probe_note_parse(struct probe_site *site, const void *desc, size_t size,
                      const struct probe_bases *bases);

/* Works out where the arguments are, for the BPF programs (places.c). `words`: how many words of
 * bpf/shared.h the program holds. -EINVAL: argument *bad_arg is in a place that they cannot read,
 * such as a vector register; no probe of spice-server or QEMU has one. */
struct site_plan;
int site_plan_make(struct site_plan *plan, const struct probe_site *site, unsigned words,
                   unsigned *bad_arg);

/* ---- the probes that events.def wants (wanted.c) ------------------------------------------ */

struct wanted_arg {
    int number; /* index of the USDT argument */
    enum tap_type type;
};

struct wanted_probe {
    uint16_t kind; /* an EV_ constant */
    enum tap_source source;
    const char *provider, *name;
    const struct wanted_arg *args;
    unsigned count; /* of args */
};

extern const struct wanted_probe wanted_probes[];
extern const size_t wanted_probe_count;
const struct wanted_probe *wanted_find(const char *provider, const char *name); /* NULL: none */
/* The number of arguments that the probe must have: one more than the highest index recorded. */
unsigned wanted_arg_count(const struct wanted_probe *wanted);

bool wanted_is_call(const struct wanted_probe *wanted);

enum probe_fit {
    PROBE_FITS,
    PROBE_MISSING,
    PROBE_NO_SEMAPHORE, /* without one, it computes its arguments even when nobody traces; one that
                         * cannot be raised leaves it silent */
    PROBE_ARG_COUNT,    /* too few arguments; of spice-server also too many */
    PROBE_ARG_TYPE,     /* an argument has another width or sign */
    PROBE_BAD_SITE,     /* attaching there would damage the program */
};
/* Can the probe in `file` be recorded? Our own probes in spice-server must match events.def in
 * every argument; QEMU's may differ in arguments that are not recorded. `why` gets the end of a
 * sentence
 * ("has no semaphore") unless the probe fits. */
enum probe_fit wanted_check(const struct wanted_probe *wanted, const struct probe_file *file,
                            char *why, size_t size);

/* ---- the VM (target.c) ------------------------------------------------------------------- */

/* A file that a running process has mapped. */
struct image {
    char *name;    /* the path as the process sees it */
    int fd;        /* the mapped file; open while `path` is set */
    char *path;    /* of `fd`, for those who want a path: /proc/self/fd/... */
    bool replaced; /* the file under `name` is another one, or gone */
    struct probe_file probes;
};

/* The clock of a process under libfaketime (faketime.c), whose time passes at another rate than the
 * kernel's: at the kernel's CLOCK_MONOTONIC `kernel` its own was `run`, ns. */
struct vm_clock {
    double rate; /* its time that passes in a unit of the kernel's; 0: not under libfaketime */
    uint64_t kernel, run;
    char *library, *faketime; /* the preloaded file, as the process sees it; its FAKETIME */
    /* What libfaketime shares with child processes: seconds and ns at its start, by clock. */
    struct faketime_start {
        uint64_t unused[2];
        int64_t real[2], monotonic[2], raw[2], boot[2];
    } start;
};

enum { VM_MODULES = 16 }; /* with probes; QEMU 10 has fewer than ten for displays */

struct vm {
    pid_t pid;
    int pidfd;          /* readable once the process has ended */
    char *domain;       /* QEMU's -name, which libvirt sets to the domain's; NULL: none */
    char **args;        /* the command line, NULL-terminated */
    struct image spice; /* libspice-server, or the executable if it is linked statically */
    struct image exe;
    struct image modules[VM_MODULES]; /* QEMU's, with probes of QEMU */
    size_t module_count;
    struct vm_clock clock; /* for vm_clock_read(&vm->clock, vm->pid, e) */
};

/* Fill in *vm, which vm_close() frees. -ESRCH: no such domain or process; -ENOEXEC: no SPICE server
 * in the process; -EPERM: too few rights. */
int vm_find_domain(struct vm *vm, const char *domain, struct loader_error *e);
int vm_find_pid(struct vm *vm, pid_t pid, struct loader_error *e);
bool vm_running(const struct vm *vm);
/* The file that has that probe; without one, the file that should have it. */
const struct image *vm_image_of(const struct vm *vm, const struct wanted_probe *wanted);
bool vm_has_qemu_probes(const struct vm *vm);
/* 0, or -ENOENT: its libspice-server has no probes, or, if `stock`, not even the functions. */
int vm_require_probes(const struct vm *vm, bool stock, struct loader_error *e);
void vm_close(struct vm *vm);

/* Fills in *clock, which vm_clock_free() frees. -ENOTSUP: that clock is none that can be converted;
 * -EPERM: too few rights. */
int vm_clock_read(struct vm_clock *clock, pid_t pid, struct loader_error *e);
void vm_clock_free(struct vm_clock *clock);
/* FAKETIME's text: "+0 x0.1" is an offset of 0 s and a factor of 0.1. False: it is another form. */
bool faketime_parse(const char *text, int64_t *offset_ns, double *factor);

/* The path of the unix socket behind the virtio-serial port `name` (port.c). The caller frees it.
 * NULL: the VM has no such port, or the port no such socket. */
char *vm_port(const struct vm *vm, const char *name);

/* Calls `fn` for each QEMU of this machine that has a name. */
typedef void vm_fn(void *context, pid_t pid, const char *name);
void vm_each(vm_fn *fn, void *context);
/* Lists them: "a (pid 1), b (pid 2)", or "none". */
void vm_list(char *text, size_t size);
/* The name in QEMU's -name option: "guest=a,,b,debug-threads=on" has "a,b". The caller frees it.
 * NULL: it has none. */
char *vm_name_option(const char *option);
/* The display devices of a QEMU command line, as an array of {driver, id, properties{}} that the
 * caller owns. Reads all forms that QEMU accepts. */
json_t *vm_devices(char *const *args);

/* ---- tracing (attach.c, drain.c, rights.c) ------------------------------------------------ */

struct tracer;

struct tracer_options {
    unsigned buffer_mib;   /* size of the ring buffer in MiB, a power of two */
    bool no_qemu;          /* do not attach to QEMU's own probes */
    bool stock;            /* a library without probes will do: attach to its functions */
    const uint16_t *kinds; /* EV_ constants, 0 behind the last: attach to these alone; NULL: all */
};

/* Loads the programs and attaches them to every probe of the VM. *out is for tracer_close().
 * -EPERM: capabilities are missing, which the text names; -ENOSYS: the kernel has no uprobes or no
 * BPF ring buffer; -ENOENT: no spice probes. */
int tracer_open(struct tracer **out, const struct vm *vm, const struct tracer_options *options,
                struct loader_error *e);
/* Are functions recorded, because the library has no probes? */
bool tracer_is_stock(const struct tracer *t);
/* The number of attached probes of a source. */
unsigned tracer_attached(const struct tracer *t, enum tap_source source);
/* The probes of events.def that are not recorded: an array of {provider, name, why}, owned by `t`.
 */
const json_t *tracer_missing(const struct tracer *t);

/* Starts and stops recording at all probes at once. After tracer_open() it is off. Once it is off
 * again, the ring buffer gets no more events. */
void tracer_switch(struct tracer *t, enum record_level level);

/* `ev` points into the ring buffer: only its first `slots` values exist. A result other than 0
 * stops the pass. */
typedef int tracer_event_fn(void *context, const struct tap_event *ev);

struct tracer_loss {
    enum tap_source source;
    enum tap_loss_reason reason;
    uint64_t count;
    uint64_t time; /* when the last of them was lost: CLOCK_MONOTONIC, ns */
};

/* Passes up to `budget` events of the ring buffer to `fn`. The budget lets the caller serve its
 * clock and signals under any load. Returns the number of events, the result of `fn` that stopped
 * it, or negative errno. */
int tracer_drain(struct tracer *t, unsigned budget, tracer_event_fn *fn, void *context);
/* 1: *loss was lost since it was last reported; call again. 0: nothing more. */
int tracer_loss(struct tracer *t, struct tracer_loss *loss);
/* Detaches from all probes, which can take a second or two. Afterwards no program runs any more, so
 * the ring buffer can be drained to its end. */
void tracer_detach(struct tracer *t);
/* Does the ring buffer hold anything? After tracer_detach and a drain to the end: a record that
 * never became ready, with unknown ones behind it. */
bool tracer_holds(const struct tracer *t);
void tracer_close(struct tracer *t); /* detaches, which can take a second or two; NULL is fine */

#endif
