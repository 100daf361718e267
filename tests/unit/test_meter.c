/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of spicetap-meter that need no server: its URIs. */
#include "fake.h"

#include "../../meter/target.c"

static void parsed(const char *uri, enum target_kind kind, const char *shown)
{
    struct target t;
    char text[TARGET_TEXT];
    const char *why = NULL;

    if (!target_parse(&t, uri, &why))
        fail_msg("%s is refused: %s", uri, why);
    assert_int_equal(t.kind, kind);
    target_text(&t, text, sizeof(text));
    assert_string_equal(text, shown);
}

static void refused(const char *uri, const char *word)
{
    struct target t;
    const char *why = "";

    if (target_parse(&t, uri, &why))
        fail_msg("%s is accepted", uri);
    if (!strstr(why, word))
        fail_msg("%s is refused because \"%s\", not because of \"%s\"", uri, why, word);
}

static void uris(void **state)
{
    (void)state;
    parsed("spice://host:5900", TARGET_TCP, "spice://host:5900");
    parsed("spice://host?port=5900", TARGET_TCP, "spice://host:5900");
    parsed("spice://host?port=5900&tls-port=5901", TARGET_TLS, "spice+tls://host:5901");
    parsed("spice+tls://[::1]:5901/", TARGET_TLS, "spice+tls://[::1]:5901");
    parsed("spices://host:1", TARGET_TLS, "spice+tls://host:1");
    parsed("spice+unix:///run/vm.sock", TARGET_UNIX, "spice+unix:///run/vm.sock");
    refused("spice://host", "names no port");
    refused("spice://:5900", "names no host");
    refused("spice://host:65536", "1 to 65535");
    refused("spice://host:5900/more", "may follow");
    refused("http://host:5900", "must begin with");
    refused("spice+unix://", "path");
}

/* A password is refused wherever it stands, and neither the reason nor the text shows it. */
static void no_password_is_kept(void **state)
{
    static const char *const uris[] = {
        "spice://:secret@host:5900",
        "spice://user:secret@host:5900",
        "spice+tls://:secret@[::1]:5900",
        "spice://host:5900?password=secret",
        "spice://host?port=1&password=secret",
        "spice://host:5900/?PassWord=secret",
        "spice://host:5900?a=b;password=secret",
    };
    struct target t;
    const char *why;
    (void)state;

    for (size_t i = 0; i < sizeof(uris) / sizeof(*uris); i++) {
        refused(uris[i], "does not belong on a command line");
        target_parse(&t, uris[i], &why);
        assert_null(strstr(why, "secret"));
    }
    /* A key that nobody knows may be anything: it is accepted, and not shown. */
    parsed("spice://host:5900?token=secret", TARGET_TCP, "spice://host:5900");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris),
        cmocka_unit_test(no_password_is_kept),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
