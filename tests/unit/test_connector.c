/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to the guest's port, with its helper and without. Needs root: there is a helper then. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "record/connector.h"

static char folder[] = "/tmp/spicetap-connector-XXXXXX";
static struct sockaddr_un at = {.sun_family = AF_UNIX};
static int listener;

static int listens(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return 1;
    snprintf(at.sun_path, sizeof(at.sun_path), "%s/port", folder);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 8);
}

static int stops(void **state)
{
    (void)state;
    close(listener);
    unlink(at.sun_path);
    return rmdir(folder);
}

static void opens(struct connector *c, const char *path, pid_t owner)
{
    if (geteuid()) {
        print_message("skipped: needs root\n");
        skip();
    }
    assert_int_equal(connector_open(c, path, owner), 0);
    assert_false(connector_alone(c));
}

static void helper_connects(void **state)
{
    struct connector c;
    int fd;
    (void)state;

    opens(&c, at.sun_path, getpid()); /* this process listens there */
    fd = connector_connect(&c);
    assert_true(fd >= 0);
    assert_false(connector_alone(&c));
    close(fd);
    connector_close(&c);
}

/* As on a kernel that cannot confine it. */
static void without_its_helper(void **state)
{
    struct connector c;
    int fd;
    (void)state;

    opens(&c, at.sun_path, 0);
    kill(c.pid, SIGKILL);
    fd = connector_connect(&c);
    assert_true(fd >= 0);
    assert_true(connector_alone(&c));
    close(fd);
    connector_close(&c);
}

/* The path is a process's word, and the socket another's: of init, say. */
static void socket_of_another_process(void **state)
{
    struct connector c;
    (void)state;

    opens(&c, at.sun_path, 1);
    assert_int_equal(connector_connect(&c), -EPERM);
    connector_close(&c);
}

static void a_link_is_not_followed(void **state)
{
    struct connector c;
    char link[64];
    (void)state;

    snprintf(link, sizeof(link), "%s/link", folder);
    assert_int_equal(symlink(at.sun_path, link), 0);
    opens(&c, link, 0);
    assert_int_equal(connector_connect(&c), -ENOTSOCK);
    connector_close(&c);
    unlink(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(helper_connects),
        cmocka_unit_test(without_its_helper),
        cmocka_unit_test(socket_of_another_process),
        cmocka_unit_test(a_link_is_not_followed),
    };

    return cmocka_run_group_tests(tests, listens, stops);
}
