/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "cmd/watching.h"

error_t watching_domain(struct argp_state *state, struct watchers_options *o, const char *name)
{
    if (o->domain_count < WATCHERS_DOMAINS) {
        o->domains[o->domain_count++] = name;
        return 0;
    }
    argp_error(state, "--domain: at most %d; without it all VMs are watched", WATCHERS_DOMAINS);
    return EINVAL;
}

int watching_run(const char *command, const struct watchers_options *o)
{
    struct loader_error e = {""};
    int code = EXIT_ENV;

    if (watchers_run(o, &code, &e))
        fprintf(stderr, "spicetap %s: %s\n", command, e.text);
    return code;
}

void watching_wait(const struct board *board, int stop)
{
    enum { STEP_MS = 20 };
    struct pollfd fd = {.fd = stop, .events = POLLIN};

    while (!__atomic_load_n(&board->ready, __ATOMIC_ACQUIRE) && !poll(&fd, 1, STEP_MS)) {
    }
}

static bool is_there(const struct live *l, const char *name)
{
    for (unsigned i = 0; i < l->count; i++)
        if (!strncmp(l->vms[i].name, name, BOARD_NAME - 1))
            return true;
    return false;
}

static void name_unknown(const char *command, const struct live *l,
                         const struct watchers_options *o)
{
    char vms[512];

    for (unsigned i = 0; i < o->domain_count; i++)
        if (!is_there(l, o->domains[i])) {
            vm_list(vms, sizeof(vms));
            fprintf(stderr, "spicetap %s: no running VM is called %s; running VMs: %s\n", command,
                    o->domains[i], vms);
        }
}

int watching_complain(const char *command, const struct live *l, const struct watchers_options *o)
{
    unsigned watched = 0;

    name_unknown(command, l, o);

    for (unsigned i = 0; i < l->count; i++) {
        const struct board_vm *vm = &l->vms[i];

        watched += vm->state == BOARD_WATCHED;
        if (vm->state == BOARD_FAILED)
            fprintf(stderr, "spicetap %s: %s (pid %d) is not watched: %s\n", command, vm->name,
                    vm->pid, vm->why);
    }
    return (l->count || o->domain_count) && !watched ? EXIT_ENV : EXIT_DONE;
}
