/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/wire.h"
#include "run/guest_clock.h"
#include "record/guest.h"

/* The agent attaches before it answers, which takes seconds in an emulated guest. */
enum { WAIT_SECONDS = 10, TURN_MS = 20 };

#define SECOND UINT64_C(1000000000)

int record_guest_open(struct guest_port **out, const struct vm *vm, const char *where,
                      const struct run_time *time, const struct record_say *say)
{
    char *found = strcmp(where, "auto") ? strdup(where) : vm_port(vm, WIRE_PORT);
    int err;

    if (!found) {
        record_say(say,
                   "guest: pid %d has no port " WIRE_PORT " on a unix socket; recording without "
                   "the guest. docs/guest-agent.md shows how to add the port",
                   vm->pid);
        return 0;
    }
    err = guest_port_open(out, found, strcmp(where, "auto") ? 0 : vm->pid, time);
    free(found);
    return err;
}

void record_guest_wait(struct guest_port *g, int stop, const struct run_time *time,
                       const struct record_say *say)
{
    uint64_t end = run_time_now(time) + WAIT_SECONDS * SECOND;
    char text[512];

    while (!guest_port_agent(g) && run_time_now(time) < end) {
        struct pollfd fds[] = {{.fd = stop, .events = POLLIN},
                               {.fd = guest_port_fd(g), .events = POLLIN}};

        poll(fds, 2, TURN_MS);
        if (fds[0].revents || guest_port_run(g))
            break;
    }
    guest_port_say(g, text, sizeof(text));
    record_say(say, "guest: %s", text);
}

/* Bytes of logs from which working out a clock takes some seconds. */
#define LONG_LOGS (16 << 20)

static json_t *clock_of(const char *folder, const char *log, bool qemu)
{
    char guest[PATH_MAX], host[PATH_MAX];
    struct clock_map map = {0};
    json_t *entry = NULL;

    if (snprintf(guest, sizeof(guest), "%s/%s", folder, log) >= (int)sizeof(guest) ||
        snprintf(host, sizeof(host), "%s/qemu.tap", folder) >= (int)sizeof(host))
        return NULL;
    if (!guest_clock_make(&map, guest, qemu ? host : NULL, NULL) && map.count)
        entry = clock_map_json(&map, log);
    clock_map_free(&map);
    return entry;
}

void record_guest_clocks(struct bundle_writer *b, bool qemu, uint64_t bytes,
                         const struct record_say *say)
{
    json_t *run = bundle_run(b), *clocks = json_array(), *log;
    json_t *logs = json_object_get(json_object_get(run, "guest"), "logs");
    size_t i;

    if (bytes > LONG_LOGS)
        record_say(say, "guest: working out its clock");
    json_array_foreach(logs, i, log)
    {
        json_t *entry =
            clock_of(bundle_path(b), json_string_value(json_object_get(log, "log")), qemu);

        if (entry)
            json_array_append_new(clocks, entry);
    }
    json_object_set_new(run, "clocks", clocks);
}
