/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds a VM by its name, reads its devices, and checks that errors name what is wrong. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
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
    name_is("b\303\274ro", "b\303\274ro");
    name_is("a\033[2J\302\233b", "a?[2J??b"); /* a terminal would obey */
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

/* A process whose /mnt is its own, with a file there, as in a container. */
static pid_t contained(int *end)
{
    int up[2], down[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(down), 0);
    pid = fork();
    if (!pid) {
        close(down[1]);
        if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
            mount("none", "/mnt", "tmpfs", 0, NULL) || !freopen("/mnt/port", "w", stderr) ||
            write(up[1], "", 1) != 1) {
            _exit(1);
        }
        _exit(read(down[0], &byte, 1) != 0);
    }
    close(up[1]);
    close(down[0]);
    assert_int_equal(read(up[0], &byte, 1), 1);
    close(up[0]);
    *end = down[1];
    return pid;
}

static void ports_are(pid_t pid, const char *path)
{
    char chardev[] = "socket,id=c,path=/mnt/port";
    char *args[] = {
        "qemu", "-chardev", chardev, "-device", "virtserialport,chardev=c,name=org.spicetap.0",
        NULL};
    struct vm vm = {.pid = pid, .args = args};
    char *port = vm_port(&vm, "org.spicetap.0");

    assert_non_null(port);
    assert_string_equal(port, path);
    free(port);
}

static void port_of_a_container(void **state)
{
    char through[64];
    int end, status;
    pid_t pid;
    (void)state;

    ports_are(getpid(), "/mnt/port"); /* the same place, even if nothing is there yet */
    if (geteuid()) {
        skip();
    }
    pid = contained(&end);
    snprintf(through, sizeof(through), "/proc/%d/root/mnt/port", pid);
    ports_are(pid, through);
    close(end);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* A shell that is called as Proxmox calls QEMU. */
static void proxmox_calls_it_kvm(void **state)
{
    char vms[4096] = "", entry[64];
    int ready[2], status;
    char byte;
    pid_t pid;
    (void)state;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    if (!pid) {
        dup2(ready[1], STDOUT_FILENO);
        execl("/bin/sh", "/usr/bin/kvm", "-c", "echo; sleep 60", "-name", "spicetap-test", NULL);
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    vm_list(vms, sizeof(vms));
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    close(ready[0]);
    snprintf(entry, sizeof(entry), "spicetap-test (pid %d)", pid);
    assert_non_null(strstr(vms, entry));
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
        cmocka_unit_test(names),
        cmocka_unit_test(devices_as_json),
        cmocka_unit_test(devices_as_list),
        cmocka_unit_test(devices_as_vga),
        cmocka_unit_test(port_of_a_container),
        cmocka_unit_test(proxmox_calls_it_kvm),
        cmocka_unit_test(errors_name_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
