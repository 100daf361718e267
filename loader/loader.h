/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a running VM to its events: find the VM, read its probes, attach, drain. Knows BPF and
 * /proc, not files of its own. Errors are negative errno; the text for the user, which names the
 * thing and the way out, is left in a struct loader_error. Nothing here prints.
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

/* Formats the text and returns `error`, so that a failing function ends with one statement. */
__attribute__((format(printf, 3, 4))) int loader_fail(struct loader_error *e, int error,
                                                      const char *format, ...);

/* ---- probe notes of an ELF file (notes.c) --------------------------------------------- */

enum nop_kind {
    NOP_OTHER, /* neither: not a site this program knows */
    NOP_ONE,   /* one byte, 90: a trap on every kernel */
    NOP_FIVE,  /* five bytes, 0f 1f 44 00 00: Linux 6.18 and later replace it by a call */
};
const char *nop_kind_name(enum nop_kind nop); /* "other", "nop", "nop5" */

#define PROBE_MAX_ARGS 12

struct probe_site {
    const char *provider, *name; /* inside the file's own copy of its notes */
    const char *args;            /* as the note has them: "4@%edi -8@16(%rsp)" */
    uint64_t address;            /* of the site, as linked */
    uint64_t semaphore;          /* likewise; 0: none */
    uint64_t offset;             /* of the site in the file; 0: not in it */
    uint64_t semaphore_offset;
    enum nop_kind nop;
    uint8_t arg_count;
    int8_t arg_size[PROBE_MAX_ARGS]; /* bytes, negative if signed; 0 for what is not an integer */
};

struct probe_file {
    char build_id[41]; /* hex, "" if the file has none */
    struct probe_site *sites;
    size_t count;
    void *notes; /* what the sites' strings point into */
};

/* -ENOEXEC: not an ELF file; -ENOENT and the like: cannot be opened. No probes is no error. */
int probe_file_read(struct probe_file *file, const char *path, struct loader_error *e);
void probe_file_free(struct probe_file *file);
size_t probe_file_sites(const struct probe_file *file, const char *provider, const char *name,
                        const struct probe_site **first);
bool probe_file_has(const struct probe_file *file, const char *provider);

/* For probe_file_read and the tests: reads the text of one note; false if it is damaged. */
struct probe_bases {
    uint64_t linked; /* where .stapsdt.base is now; 0: unknown, no correction */
};
bool probe_note_parse(struct probe_site *site, const void *desc, size_t size,
                      const struct probe_bases *bases);

/* Where the arguments are, for the BPF programs (places.c). `words`: how many of a site's words the
 * program has, all of them or only the registers. -EINVAL and the argument's number: it is where
 * they cannot look, which a compiler does with other people's probes alone. */
struct site_plan;
int site_plan_make(struct site_plan *plan, const struct probe_site *site, unsigned words,
                   unsigned *bad_arg);

/* ---- what events.def wants of a library (wanted.c) --------------------------------------- */

struct wanted_arg {
    int number; /* of the USDT argument */
    enum tap_type type;
};

struct wanted_probe {
    uint16_t kind;
    enum tap_source source;
    const char *provider, *name;
    const struct wanted_arg *args;
    unsigned count; /* of args */
};

extern const struct wanted_probe wanted_probes[];
extern const size_t wanted_probe_count;
const struct wanted_probe *wanted_find(const char *provider, const char *name);
/* Arguments the probe must have: the highest number recorded, and one. */
unsigned wanted_arg_count(const struct wanted_probe *wanted);

enum probe_fit {
    PROBE_FITS,
    PROBE_MISSING,
    PROBE_NO_SEMAPHORE, /* it costs its arguments even when nobody listens */
    PROBE_ARG_COUNT,    /* too few to record, or not those of events.def */
    PROBE_ARG_TYPE,     /* other widths: another version's probe */
};
/* Can `file`'s probe be recorded? `strict`: is it, besides, exactly what events.def says? That is
 * asked of spice-server's, which are ours; QEMU's own may differ in what is not recorded.
 * `why` gets a text if it is not PROBE_FITS. */
enum probe_fit wanted_check(const struct wanted_probe *wanted, const struct probe_file *file,
                            bool strict, char *why, size_t size);

/* ---- the VM (target.c) ------------------------------------------------------------------- */

/* A program file as a running process has it mapped. */
struct image {
    char *name;    /* as the process opened it */
    char *path;    /* where that very inode can be opened now, whatever lies under `name` */
    bool replaced; /* the file of that name is another one, or gone */
    struct probe_file probes;
};

struct vm {
    pid_t pid;
    int pidfd;          /* readable once the process has ended */
    char *domain;       /* QEMU's -name guest=..., which is libvirt's domain; NULL if it has none */
    char **args;        /* the command line, NULL-terminated */
    struct image spice; /* libspice-server, or the executable it is linked into */
    struct image exe;
};

/* -ESRCH: no such domain or process; -ENOEXEC: nothing of SPICE in it; -EPERM: too few rights. */
int vm_find_domain(struct vm *vm, const char *domain, struct loader_error *e);
int vm_find_pid(struct vm *vm, pid_t pid, struct loader_error *e);
bool vm_running(const struct vm *vm);
/* -ENOENT: its libspice-server is a stock one. */
int vm_require_probes(const struct vm *vm, struct loader_error *e);
void vm_close(struct vm *vm);

/* The path of the unix socket behind the virtio-serial port of that name (port.c), for the caller
 * to free; NULL: it has none. */
char *vm_port(const struct vm *vm, const char *name);

/* "a (pid 1), b (pid 2)" of all QEMUs that have a name, or "none". */
void vm_list(char *text, size_t size);
/* QEMU's -name: "guest=a,,b,debug-threads=on" is "a,b". NULL if it holds no name. */
char *vm_name_option(const char *option);
/* Array of {driver, id, properties{}}: the display devices of a QEMU command line, in either of
 * the ways QEMU takes them, with all their properties. */
json_t *vm_devices(char *const *args);

/* ---- tracing (attach.c, drain.c, rights.c) ------------------------------------------------ */

struct tracer;

struct tracer_options {
    unsigned buffer_mib; /* ring buffer, a power of two */
    bool no_qemu;        /* leave QEMU's own probes alone */
};

/* Loads the programs and attaches them to every probe the VM has. Errors: -EPERM with the missing
 * capabilities named, -ENOSYS a kernel without uprobes or ring buffers, -ENOENT no spice probes. */
int tracer_open(struct tracer **out, const struct vm *vm, const struct tracer_options *options,
                struct loader_error *e);
unsigned tracer_attached(const struct tracer *t, enum tap_source source);
/* Array of {provider, name, why}: probes of events.def that are not recorded. */
const json_t *tracer_missing(const struct tracer *t);

/* Gives up every capability and the way to get one back: what follows needs none. */
int rights_drop(struct loader_error *e);

/* All probes are there, but nothing is recorded until this says so, for all of them at once; and
 * after it said no, nothing more comes than what is in the ring buffer. */
void tracer_switch(struct tracer *t, bool on);

/* `ev` lies in the ring buffer, only its first `slots` values are there. <0 stops the pass. */
typedef int tracer_event_fn(void *context, const struct tap_event *ev);

struct tracer_loss {
    enum tap_source source;
    unsigned reason; /* LOSS_REASON_... */
    uint64_t count;
    uint64_t time; /* when the latest of them was lost */
};

/* One pass over what is in the ring buffer, at most `budget` events, so that the caller's clock and
 * signals are served under any load: how many there were, or what the function returned. */
int tracer_drain(struct tracer *t, unsigned budget, tracer_event_fn *fn, void *context);
/* What was lost since the last call; 1 and *loss, call again; 0: nothing more. */
int tracer_loss(struct tracer *t, struct tracer_loss *loss);
void tracer_close(struct tracer *t); /* detaches, which may take a second or two */

#endif
