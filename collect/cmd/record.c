/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap record: options and messages; record/recorder.h does the work. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "base/secret.h"
#include "base/signals.h"
#include "cmd/commands.h"
#include "cmd/record_many.h"
#include "cmd/record_words.h"
#include "event/clip_place.h"
#include "event/compression.h"
#include "event/keys_spec.h"
#include "event/link_spec.h"
#include "record/recorder.h"

enum {
    DEFAULT_BUFFER_MIB = 16,
    MAX_BUFFER_MIB = 1024,
    MAX_SECONDS = 10000000,
    LEAST_RATE = 1000, /* bytes a second; the same limits as spicetap-meter's --rate */
};

#define MAX_RATE (UINT64_C(1) << 39)

#define MOST_BYTES   (UINT64_C(1) << 50)
#define DEFAULT_FREE (UINT64_C(1) << 30)

/* ---- options ---- */

enum {
    OPT_ALL = OPTIONS_LONG,
    OPT_JSON,
    OPT_MAX_SIZE,
    OPT_MIN_FREE,
    OPT_BUFFER,
    OPT_STOCK,
    OPT_NO_QEMU,
    OPT_GUEST,
    OPT_CLIENT,
    OPT_CLIENT_RATE,
    OPT_CLIENT_LINK,
    OPT_CLIENT_KEYS,
    OPT_CLIENT_COMPRESSION,
    OPT_CLIENT_CLIP,
    OPT_CLIENT_PICTURES
};

static const struct argp_option option_table[] = {
    {"domain", 'd', "NAME", 0,
     "The VM, by its libvirt domain or QEMU's -name; may be given several times", 0},
    {"pid", 'p', "PID", 0, "The VM, by its process", 0},
    {"all", OPT_ALL, NULL, 0, "All VMs that run now", 0},
    {"output", 'o', "RUN", 0,
     "The folder to make (default: run-NAME-TIME); of several VMs, a folder with a run for each",
     1},
    {"time", 't', "SECONDS", 0,
     "How long to record, in the VM's time (default: until Ctrl-C or the VM's end)", 1},
    {"quiet", 'q', NULL, 0, "Print no live line", 1},
    {"json", OPT_JSON, NULL, 0, "Print the last line as JSON, a line for each VM", 1},
    {"max-size", OPT_MAX_SIZE, "SIZE", 0,
     "End when the run has this size, such as 500M or 2G (default: no bound)", 1},
    {"min-free", OPT_MIN_FREE, "SIZE", 0,
     "End, or do not begin, with less than this free on the disk (default: 1G; 0: no bound)", 1},
    {"buffer", OPT_BUFFER, "MIB", 0,
     "Size of the kernel's ring buffer, a power of two up to 1024 (default: 16)", 1},
    {"stock", OPT_STOCK, NULL, 0,
     "Record a spice-server without probes too: QEMU's calls of it, and nothing of its inside", 1},
    {"no-qemu", OPT_NO_QEMU, NULL, 0, "Record spice-server's probes and not QEMU's", 1},
    {"guest", OPT_GUEST, "PATH", 0,
     "Record the guest's events too, from spicetap-guest. PATH is the unix socket of its port "
     "org.spicetap.0, or `auto`",
     2},
    {"client", OPT_CLIENT, "URI", 0, "Run a client without a window (spicetap meter) meanwhile", 3},
    {"client-rate", OPT_CLIENT_RATE, "N", 0, "The client reads at most N bytes a second", 3},
    {"client-link", OPT_CLIENT_LINK, "LINK", 0,
     "The client is behind a slow link: RTT/RATE[/QUEUE], such as 80ms/10mbit", 3},
    {"client-keys", OPT_CLIENT_KEYS, "KEYS", 0,
     "The client presses keys and measures until the picture answers: N[,MS[,X,Y,WxH]]", 3},
    {"client-compression", OPT_CLIENT_COMPRESSION, "NAME", 0,
     "The client asks for this image compression", 3},
    {"client-clip", OPT_CLIENT_CLIP, "X,Y[,WxH]", 0,
     "Where the client looks for the clip (default: 50,50,1024x768)", 3},
    {"client-pictures", OPT_CLIENT_PICTURES, "N", 0,
     "The client keeps up to N pictures of the clip, as PNG files in the run's folder pictures", 3},
    {0},
};

static const char doc[] =
    "Records what the SPICE server and QEMU of a running VM do into a folder. `spicetap info`, "
    "`explain`, `export` and others read it without the VM and without rights."
    "\vNeeds root, or the capabilities CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE; older kernels "
    "need CAP_SYS_ADMIN too: see spicetap-record(1). Gives all of them up once it is attached.\n"
    "The VM must run on a spice-server with probes: see spicetap-stack(7). --stock records what a "
    "library without them gives.\n"
    "Where the VM runs in slow motion (under libfaketime), all times are the VM's.";

static error_t parse_buffer(struct argp_state *state, const char *text, unsigned *mib)
{
    uint32_t value;

    if (options_u32(state, "--buffer", text, 1, MAX_BUFFER_MIB, &value))
        return EINVAL;
    *mib = value;
    if (!(value & (value - 1)))
        return 0;
    argp_error(state, "--buffer %s: not a power of two", text);
    return EINVAL;
}

/* Does not print the URI: it holds the secret. */
static error_t parse_client(struct argp_state *state, const char *uri)
{
    if (!secret_in_uri(uri))
        return 0;
    argp_error(state, "--client: a user or password in the URI would be visible to every user and "
                      "in the run; set SPICETAP_PASSWORD instead");
    return EINVAL;
}

static error_t parse_client_option(struct argp_state *state, int key, const char *arg,
                                   struct client_options *client)
{
    struct clip_place unused;
    struct link_spec link;
    struct keys_spec keys;
    enum { LEAST_PICTURES = 2, MOST_PICTURES = 1000 };

    switch (key) {
    case OPT_CLIENT_PICTURES:
        return options_u32(state, "--client-pictures", arg, LEAST_PICTURES, MOST_PICTURES,
                           &client->pictures);
    case OPT_CLIENT:
        client->uri = arg;
        return parse_client(state, arg);
    case OPT_CLIENT_RATE:
        return options_u64(state, "--client-rate", arg, LEAST_RATE, MAX_RATE, &client->rate);
    case OPT_CLIENT_LINK:
        client->link = arg;
        if (link_spec_parse(&link, arg))
            return 0;
        argp_error(state, "--client-link %s: not " LINK_SPEC_WORDS, arg);
        return EINVAL;
    case OPT_CLIENT_KEYS:
        client->keys = arg;
        if (keys_spec_parse(&keys, arg))
            return 0;
        argp_error(state, "--client-keys %s: not " KEYS_SPEC_WORDS, arg);
        return EINVAL;
    case OPT_CLIENT_COMPRESSION:
        client->compression = arg;
        if (compression_number(arg))
            return 0;
        argp_error(state, "--client-compression %s: not " COMPRESSION_NAMES, arg);
        return EINVAL;
    case OPT_CLIENT_CLIP:
        client->clip = arg;
        if (clip_place_parse(&unused, arg))
            return 0;
        argp_error(state, "--client-clip %s: not X,Y or X,Y,WIDTHxHEIGHT, in pixels", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool is_several(const struct record_command *o)
{
    return o->all || o->domain_count > 1;
}

static error_t check_options(struct argp_state *state, struct record_command *command)
{
    struct recorder_options *o = &command->recorder;
    const struct client_options *c = &o->client;

    if ((command->domain_count > 0) + (o->pid > 0) + command->all != 1)
        argp_error(state, "name the VM with --domain NAME or --pid PID, or take --all");
    else if (!c->uri && (c->rate || c->link || c->keys || c->compression || c->clip || c->pictures))
        argp_error(state, "--client-rate, --client-link, --client-keys, --client-compression, "
                          "--client-clip and --client-pictures need --client");
    else if (c->rate && c->link)
        argp_error(state, "--client-rate and --client-link exclude each other: a link has a rate");
    else if (is_several(command) && (c->uri || (o->guest && strcmp(o->guest, "auto"))))
        argp_error(state, "--client and the path of --guest are those of one VM: record it alone");
    else {
        o->domain = command->domain_count ? command->domains[0] : NULL;
        return 0;
    }
    return EINVAL;
}

static error_t add_domain(struct argp_state *state, struct record_command *o, const char *name)
{
    if (o->domain_count < RECORD_VMS) {
        o->domains[o->domain_count++] = name;
        return 0;
    }
    argp_error(state, "--domain: at most %d", RECORD_VMS);
    return EINVAL;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct record_command *command = state->input;
    struct recorder_options *o = &command->recorder;

    switch (key) {
    case 'd':
        return add_domain(state, command, arg);
    case OPT_ALL:
        command->all = true;
        return 0;
    case 'p':
        return options_pid(state, "--pid", arg, &o->pid);
    case 'o':
        o->output = arg;
        return 0;
    case 't':
        return options_u32(state, "--time", arg, 1, MAX_SECONDS, &o->seconds);
    case 'q':
        command->quiet = true;
        return 0;
    case OPT_JSON:
        command->json = true;
        return 0;
    case OPT_MAX_SIZE:
        return options_bytes(state, "--max-size", arg, MOST_BYTES, &o->disk.most);
    case OPT_MIN_FREE:
        return options_bytes(state, "--min-free", arg, MOST_BYTES, &o->disk.free);
    case OPT_BUFFER:
        return parse_buffer(state, arg, &o->tracer.buffer_mib);
    case OPT_STOCK:
        o->tracer.stock = true;
        return 0;
    case OPT_NO_QEMU:
        o->tracer.no_qemu = true;
        return 0;
    case OPT_GUEST:
        o->guest = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "%s: name the VM with --domain or --pid, or take --all", arg);
        return EINVAL;
    case ARGP_KEY_END:
        return check_options(state, command);
    default:
        return parse_client_option(state, key, arg, &o->client);
    }
}

/* ---- the command ---- */

const struct command_options record_options = {
    .parser = {option_table, on_option, "--domain NAME\n--pid PID\n--all", doc, NULL, NULL, NULL},
    .words = {{OPT_CLIENT_COMPRESSION, compression_name, false}},
};

int cmd_record(int argc, char **argv)
{
    struct record_command o = {.recorder = {.tracer.buffer_mib = DEFAULT_BUFFER_MIB,
                                            .disk.free = DEFAULT_FREE,
                                            .say.line = record_print_line}};
    int code = options_parse(&record_options.parser, argc, argv, &o);

    if (code != OPTIONS_GO)
        return code;
    setvbuf(stderr, NULL, _IOLBF, 0); /* several recorders: a line is one write */
    o.recorder.stop = signals_open();
    code = is_several(&o) ? record_many(&o) : record_one(&o, -1, record_speaker);
    close(o.recorder.stop);
    return code;
}
