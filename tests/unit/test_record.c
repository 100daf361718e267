/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `record` and `probes` refuse before they touch a VM. */
#include "cmd/commands.h"
#include "fake.h"

/* Runs `spicetap ARGS...`; *err gets what it printed to standard error, for the caller to free. */
static int run(const char *const *args, char **err)
{
    char *argv[16] = {"spicetap"};
    const char *path = fake_path("stderr");
    int argc = 1, saved = dup(STDERR_FILENO), code;
    FILE *f;
    size_t n;

    for (; args[argc - 1]; argc++)
        argv[argc] = (char *)args[argc - 1];
    assert_non_null(freopen(path, "w", stderr));
    code = spicetap(argc, argv);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    f = fopen(path, "r");
    *err = calloc(1, 4096);
    n = fread(*err, 1, 4095, f);
    (*err)[n] = '\0';
    fclose(f);
    return code;
}

static void refuses(const char *const *args, const char *names)
{
    char *err;

    assert_int_equal(run(args, &err), EXIT_USAGE);
    assert_non_null(strstr(err, names));
    free(err);
}

/* 4294967297 is 1 in 32 bits: `probes` read the probes of process 1. */
static void process_ids(void **state)
{
    static const char *const bad[] = {"4294967297", "0", "-1", "1x", "", " 1", "0x1", "2147483648"};
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        refuses((const char *[]){"record", "--pid", bad[i], NULL}, "--pid");
        refuses((const char *[]){"probes", "--pid", bad[i], NULL}, "--pid");
    }
}

static void numbers(void **state)
{
    (void)state;
    refuses((const char *[]){"record", "--pid", "1", "--time", "0", NULL}, "--time");
    refuses((const char *[]){"record", "--pid", "1", "--time", "1.5", NULL}, "--time");
    refuses((const char *[]){"record", "--pid", "1", "--buffer", "3", NULL}, "power of two");
    refuses((const char *[]){"record", "--pid", "1", "--buffer", "2048", NULL}, "--buffer");
    refuses((const char *[]){"record", "--pid", "1", "--client", "spice://h:1", "--client-rate",
                             "999", NULL},
            "--client-rate");
}

static void one_vm(void **state)
{
    (void)state;
    refuses((const char *[]){"record", NULL}, "--domain");
    refuses((const char *[]){"record", "--pid", "1", "--domain", "a", NULL}, "--domain");
    refuses((const char *[]){"probes", NULL}, "--domain");
    refuses((const char *[]){"probes", "--pid", "1", "file", NULL}, "--domain");
    refuses((const char *[]){"probes", "--check", "--pid", "1", NULL}, "--check");
}

static void client_options_need_a_client(void **state)
{
    (void)state;
    refuses((const char *[]){"record", "--pid", "1", "--client-rate", "5000", NULL}, "--client");
    refuses((const char *[]){"record", "--pid", "1", "--client", "spice://h:1", "--client-clip",
                             "5", NULL},
            "--client-clip");
    refuses((const char *[]){"record", "--pid", "1", "--client", "spice://h:1",
                             "--client-compression", "best", NULL},
            "--client-compression");
}

/* A run is handed on, and ps shows the client's command line. */
static void a_password_is_refused_and_not_printed(void **state)
{
    static const char *const uris[] = {"spice://:hunter2@localhost:5900",
                                       "spice://localhost?port=5900&password=hunter2"};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        char *err;

        assert_int_equal(
            run((const char *[]){"record", "--pid", "1", "--client", uris[i], NULL}, &err),
            EXIT_USAGE);
        assert_non_null(strstr(err, "SPICETAP_PASSWORD"));
        assert_null(strstr(err, "hunter2"));
        free(err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(process_ids),
        cmocka_unit_test(numbers),
        cmocka_unit_test(one_vm),
        cmocka_unit_test(client_options_need_a_client),
        cmocka_unit_test(a_password_is_refused_and_not_printed),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
