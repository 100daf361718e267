/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the display devices from a QEMU command line. libvirt writes -device as JSON; people write
 * driver,property=value lists or -vga. -global sets a property of all devices of a driver.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

static const char *const display_drivers[] = {
    "qxl-vga",
    "qxl",
    "virtio-vga",
    "virtio-vga-gl",
    "virtio-gpu-pci",
    "virtio-gpu-gl-pci",
    "virtio-gpu-device",
    "VGA",
    "secondary-vga",
    "bochs-display",
    "cirrus-vga",
    "vmware-svga",
    "ramfb",
};

static const char *const vga_drivers[][2] = {
    {"qxl", "qxl-vga"},        {"std", "VGA"}, {"virtio", "virtio-vga"}, {"cirrus", "cirrus-vga"},
    {"vmware", "vmware-svga"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool is_display(const char *driver)
{
    for (size_t i = 0; driver && i < COUNT(display_drivers); i++) {
        if (!strcmp(driver, display_drivers[i])) {
            return true;
        }
    }
    return false;
}

/* Takes the next entry of a QEMU list, where two commas stand for a literal comma. NULL: none. */
static char *next_entry(char **list)
{
    char *start = *list, *to = start, *from = start;

    if (!*start) {
        return NULL;
    }
    while (*from && (*from != ',' || from[1] == ',')) {
        from += *from == ',';
        *to++ = *from++;
    }
    *list = *from ? from + 1 : from;
    *to = '\0';
    return start;
}

static json_t *typed(const char *value)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(value, &end, 10);
    return isdigit((unsigned char)*value) && !*end && !errno ? json_integer(number)
                                                             : json_string(value);
}

/* Makes {driver, id, properties} and moves `driver` and `id` out of `properties`, which it takes
 * over. NULL: not a display device. */
static json_t *device_new(json_t *properties)
{
    const char *driver = json_string_value(json_object_get(properties, "driver"));
    const char *id = json_string_value(json_object_get(properties, "id"));
    json_t *device = NULL;

    if (is_display(driver)) {
        device = json_pack("{s:s, s:s, s:O}", "driver", driver, "id", id ? id : "", "properties",
                           properties);
        json_object_del(properties, "id");
        json_object_del(properties, "driver");
    }
    json_decref(properties);
    return device;
}

static json_t *from_list(const char *option)
{
    char *copy = strdup(option), *list = copy, *entry;
    json_t *properties = json_object();
    bool first = true;

    while (copy && (entry = next_entry(&list))) {
        char *value = strchr(entry, '=');

        if (value) {
            *value++ = '\0';
            json_object_set_new(properties, entry, typed(value));
        } else if (first) {
            json_object_set_new(properties, "driver", json_string(entry));
        } else {
            json_object_set_new(properties, entry, json_true());
        }
        first = false;
    }
    free(copy);
    return device_new(properties);
}

static json_t *from_device(const char *option)
{
    json_t *properties;

    if (*option != '{') {
        return from_list(option);
    }
    properties = json_loads(option, 0, NULL);
    return properties ? device_new(properties) : NULL;
}

static json_t *from_vga(const char *option)
{
    for (size_t i = 0; i < COUNT(vga_drivers); i++) {
        if (!strcmp(option, vga_drivers[i][0])) {
            return device_new(json_pack("{s:s}", "driver", vga_drivers[i][1]));
        }
    }
    return NULL;
}

/* "qxl-vga.ram_size=67108864" applies to the driver's devices that do not set the property. */
static void apply_global(json_t *devices, const char *option)
{
    char *copy = strdup(option), *property = copy ? strchr(copy, '.') : NULL;
    char *value = property ? strchr(property, '=') : NULL;
    json_t *device;
    size_t i;

    if (value) {
        *property++ = '\0';
        *value++ = '\0';
        json_array_foreach(devices, i, device)
        {
            json_t *properties = json_object_get(device, "properties");

            if (!strcmp(json_string_value(json_object_get(device, "driver")), copy) &&
                !json_object_get(properties, property)) {
                json_object_set_new(properties, property, typed(value));
            }
        }
    }
    free(copy);
}

json_t *vm_devices(char *const *args)
{
    json_t *devices = json_array();

    for (size_t i = 0; args[i] && args[i + 1]; i++) {
        json_t *device = !strcmp(args[i], "-device") ? from_device(args[i + 1])
                         : !strcmp(args[i], "-vga")  ? from_vga(args[i + 1])
                                                     : NULL;

        if (device) {
            json_array_append_new(devices, device);
        }
    }
    for (size_t i = 0; args[i] && args[i + 1]; i++) {
        if (!strcmp(args[i], "-global")) {
            apply_global(devices, args[i + 1]);
        }
    }
    return devices;
}
