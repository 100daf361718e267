/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/host.h"

/* The value of `key` in a file of lines `key separator value`, without quotes; "": none. */
static void value_of(const char *path, const char *key, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    char line[512];

    *out = '\0';
    while (f && fgets(line, sizeof(line), f)) {
        char *value = line + strlen(key);

        if (strncmp(line, key, strlen(key)))
            continue;
        value += strspn(value, " \t:=\"");
        value[strcspn(value, "\"\n")] = '\0';
        snprintf(out, size, "%s", value);
        break;
    }
    if (f)
        fclose(f);
}

/* "family 26, model 2, stepping 1": names the processor where a cloud hides its name. "" if the
 * kernel shows no such numbers, as on other machines than x86. */
static void cpu_version(char *out, size_t size)
{
    char family[16], model[16], stepping[16];

    value_of("/proc/cpuinfo", "cpu family", family, sizeof(family));
    value_of("/proc/cpuinfo", "model\t", model, sizeof(model));
    value_of("/proc/cpuinfo", "stepping", stepping, sizeof(stepping));
    *out = '\0';
    if (*family)
        snprintf(out, size, "family %s, model %s, stepping %s", family, model, stepping);
}

json_t *host_about(void)
{
    struct utsname u = {0};
    struct sysinfo s = {0};
    char cpu[256], version[80], distribution[256];
    json_t *o = json_object();

    uname(&u);
    sysinfo(&s);
    value_of("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
    cpu_version(version, sizeof(version));
    value_of("/etc/os-release", "PRETTY_NAME", distribution, sizeof(distribution));
    json_object_set_new(o, "kernel", json_string(u.release));
    json_object_set_new(o, "machine", json_string(u.machine));
    json_object_set_new(o, "cpu", json_string(cpu));
    json_object_set_new(o, "cpu_version", json_string(version));
    json_object_set_new(o, "cores", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    json_object_set_new(o, "memory", json_integer((json_int_t)s.totalram * s.mem_unit));
    json_object_set_new(o, "distribution", json_string(distribution));
    return o;
}
