/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HELLO's members that describe the guest. */
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent.h"
#include "base/exit.h"

/* PRETTY_NAME of /etc/os-release, without its quotes; "unknown" if there is none. */
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

/* As /proc/PID/status has them: CapEff. */
static void capabilities(char *hex, size_t size)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};

    syscall(SYS_capget, &header, sets);
    snprintf(hex, size, "%08" PRIx32 "%08" PRIx32, sets[1].effective, sets[0].effective);
}

void hello_system(json_t *hello)
{
    char boot[64], name[256], rights[17];
    struct utsname uts;

    uname(&uts);
    text_from_file(boot, sizeof(boot), "/proc/sys/kernel/random/boot_id");
    distribution(name, sizeof(name));
    capabilities(rights, sizeof(rights));
    json_object_set_new(hello, "agent", json_string(SPICETAP_VERSION));
    json_object_set_new(hello, "boot_id", json_string(boot));
    json_object_set_new(hello, "kernel", json_string(uts.release));
    json_object_set_new(hello, "machine", json_string(uts.machine));
    json_object_set_new(hello, "distribution", json_string(name));
    json_object_set_new(hello, "capabilities", json_string(rights));
    json_object_set_new(hello, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
}
