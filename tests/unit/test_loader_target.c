/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds a VM by its name, reads its devices, and checks that errors name what is wrong. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../loader/loader.h"

static void name_is(const char *option, const char *name)
{
    char *found = vm_name_option(option);

    if (name) {
        assert_non_null(found);
        assert_string_equal(found, name);
    } else {
        assert_null(found);
    }
    free(found);
}

static void names(void **state)
{
    (void)state;
    name_is("guest=debian11,debug-threads=on", "debian11");
    name_is("guest=a,,b,debug-threads=on", "a,b");
    name_is("guest=a,,,debug-threads=on", "a,");
    name_is("plain", "plain");
    name_is("plain,process=x", "plain");
    name_is("guest=", NULL);
    name_is("", NULL);
    name_is(",", NULL);
}

static void devices_are(char *const *args, const char *json)
{
    json_t *found = vm_devices(args), *expected = json_loads(json, 0, NULL);

    assert_non_null(expected);
    assert_true(json_equal(found, expected));
    json_decref(found);
    json_decref(expected);
}

static void devices_as_json(void **state)
{
    char *const args[] = {
        "qemu",
        "-device",
        "{\"driver\":\"qxl-vga\",\"id\":\"video0\",\"max_outputs\":1,\"ram_size\":67108864,"
        "\"vram64_size_mb\":0,\"vgamem_mb\":16,\"bus\":\"pcie.0\"}",
        "-device",
        "{\"driver\":\"virtio-net-pci\",\"id\":\"net0\"}",
        "-device",
        "{broken",
        NULL};
    (void)state;

    devices_are(args,
                "[{\"driver\":\"qxl-vga\",\"id\":\"video0\",\"properties\":{\"max_outputs\":1,"
                "\"ram_size\":67108864,\"vram64_size_mb\":0,\"vgamem_mb\":16,"
                "\"bus\":\"pcie.0\"}}]");
}

static void devices_as_list(void **state)
{
    char *const args[] = {"qemu",
                          "-device",
                          "qxl-vga,id=v,ram_size=67108864,vram_size=1,,2,x",
                          "-device",
                          "virtio-vga-gl,max_outputs=1",
                          "-vga",
                          "none",
                          "-device",
                          NULL};
    (void)state;

    devices_are(args,
                "[{\"driver\":\"qxl-vga\",\"id\":\"v\",\"properties\":{\"ram_size\":67108864,"
                "\"vram_size\":\"1,2\",\"x\":true}},{\"driver\":\"virtio-vga-gl\",\"id\":\"\","
                "\"properties\":{\"max_outputs\":1}}]");
}

static void devices_as_vga(void **state)
{
    char *const args[] = {"qemu",
                          "-global",
                          "qxl-vga.ram_size=134217728",
                          "-vga",
                          "qxl",
                          "-global",
                          "VGA.vgamem_mb=1",
                          "-global",
                          "broken",
                          NULL};
    (void)state;

    devices_are(args, "[{\"driver\":\"qxl-vga\",\"id\":\"\",\"properties\":"
                      "{\"ram_size\":134217728}}]");
}

static void errors_name_it(void **state)
{
    struct loader_error e = {""};
    struct vm vm;
    (void)state;

    assert_int_equal(vm_find_domain(&vm, "no-such-domain-at-all", &e), -ESRCH);
    assert_non_null(strstr(e.text, "no-such-domain-at-all"));
    assert_non_null(strstr(e.text, "running VMs: "));
    assert_int_equal(vm_find_pid(&vm, 0x7ffffff0, &e), -ESRCH);
    assert_non_null(strstr(e.text, "2147483632"));
    /* This program is not a QEMU, and has no SPICE server in it. */
    assert_int_equal(vm_find_pid(&vm, getpid(), &e), -ENOEXEC);
    assert_non_null(strstr(e.text, "is not a QEMU with SPICE"));
    /* A name that is a path must not leave libvirt's folder. */
    assert_int_equal(vm_find_domain(&vm, "../../etc/passwd", &e), -ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),           cmocka_unit_test(devices_as_json),
        cmocka_unit_test(devices_as_list), cmocka_unit_test(devices_as_vga),
        cmocka_unit_test(errors_name_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
