/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No password of a URI or of QEMU's command line reaches run.json or a message. */
#include "base/secret.h"
#include "fake.h"

static void hides(const char *uri, const char *expected)
{
    char out[64];

    assert_true(secret_in_uri(uri));
    assert_string_equal(secret_hide_uri(out, sizeof(out), uri), expected);
}

static void keeps(const char *uri)
{
    char out[64];

    assert_false(secret_in_uri(uri));
    assert_string_equal(secret_hide_uri(out, sizeof(out), uri), uri);
}

static void uris(void **state)
{
    (void)state;
    keeps("spice://localhost:5900");
    keeps("spice://[::1]:5900/");
    keeps("spice+unix:///run/vm.sock");
    hides("spice://:hunter2@localhost:5900", "spice://***@localhost:5900");
    hides("spice://me@localhost:5900", "spice://***@localhost:5900");
    hides("spice://:a@b@localhost:5900", "spice://***@localhost:5900");
    hides("spice://:a/b?c@localhost:5900", "spice://***@localhost:5900");
    hides("spice://:hunter2@localhost?port=5900", "spice://***@localhost");
    hides("spice://localhost?port=1&PASSWORD=hunter2", "spice://localhost");
    hides(":hunter2@localhost", "***@localhost");
    hides("@localhost", "***@localhost");
}

static void query_goes_whole(void **state)
{
    char out[64];

    (void)state;
    assert_false(secret_in_uri("spice://localhost?port=1"));
    assert_string_equal(secret_hide_uri(out, sizeof(out), "spice://localhost?port=1"),
                        "spice://localhost");
}

static void cut_to_size(void **state)
{
    char out[12];

    (void)state;
    assert_string_equal(secret_hide_uri(out, sizeof(out), "spice://:pw@localhost"), "spice://***");
}

static void arguments(void **state)
{
    (void)state;
    assert_true(secret_in_argument("port=5900,password=hunter2"));
    assert_true(secret_in_argument("secret,id=s,data=hunter2"));
    assert_true(secret_in_argument("file=https://me:hunter2@host/disk"));
    assert_false(secret_in_argument("port=5900,disable-ticketing=on"));
    assert_false(secret_in_argument("file=nbd://host/disk"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris),
        cmocka_unit_test(query_goes_whole),
        cmocka_unit_test(cut_to_size),
        cmocka_unit_test(arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
