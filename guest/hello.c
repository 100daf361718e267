/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent.h"
#include "../collect/commands.h"

/* PRETTY_NAME of /etc/os-release, without its quotes */
static void distribution(char *name, size_t size)
{
    FILE *file = fopen("/etc/os-release", "re");
    char line[256];

    snprintf(name, size, "unknown");
    while (file && fgets(line, sizeof(line), file)) {
        char *value = line + strlen("PRETTY_NAME=");

        if (!strncmp(line, "PRETTY_NAME=", strlen("PRETTY_NAME="))) {
            value += strspn(value, "\"'");
            value[strcspn(value, "\"'\n")] = '\0';
            snprintf(name, size, "%s", value);
        }
    }
    if (file) {
        fclose(file);
    }
}

static void member(struct agent_text *t, const char *name, const char *value)
{
    text_quoted(t, name);
    text_add(t, ": ");
    text_quoted(t, value);
    text_add(t, ", ");
}

void hello_system(struct agent_text *t)
{
    char line[256];
    struct utsname uts;

    uname(&uts);
    member(t, "agent", SPICETAP_VERSION);
    text_from_file(line, sizeof(line), "/proc/sys/kernel/random/boot_id");
    member(t, "boot_id", line);
    member(t, "kernel", uts.release);
    member(t, "machine", uts.machine);
    distribution(line, sizeof(line));
    member(t, "distribution", line);
    text_add(t, "\"cpus\": %ld, ", sysconf(_SC_NPROCESSORS_ONLN));
}
