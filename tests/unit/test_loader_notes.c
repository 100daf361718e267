/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probe notes, and what events.def wants of them, on notes made up here and on those of this very
 * program. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#include "../../loader/loader.h"

__attribute__((section(".probes"))) unsigned short notes_plain_semaphore, notes_five_semaphore;

/* Never called with anything that matters: it is the notes that count. */
__attribute__((noinline)) static void plain(uint32_t a, int64_t b)
{
    STAP_PROBE2(notes, plain, a, b);
}

#undef _SDT_NOP
#define _SDT_NOP .nops 5

__attribute__((noinline)) static void five(uint8_t a)
{
    STAP_PROBE1(notes, five, a);
}

static const struct probe_site *site(const struct probe_file *file, const char *name)
{
    const struct probe_site *s = NULL;

    assert_int_equal(probe_file_sites(file, "notes", name, &s), 1);
    return s;
}

static void own_notes(void **state)
{
    struct probe_file file;
    struct loader_error e;
    (void)state;

    plain(1, 2);
    five(3);
    assert_int_equal(probe_file_read(&file, "/proc/self/exe", &e), 0);
    assert_true(probe_file_has(&file, "notes"));
    assert_false(probe_file_has(&file, "spice"));
    assert_string_equal(nop_kind_name(site(&file, "plain")->nop), "nop");
    assert_string_equal(nop_kind_name(site(&file, "five")->nop), "nop5");
    assert_int_equal(site(&file, "plain")->arg_count, 2);
    assert_int_equal(site(&file, "plain")->arg_size[0], 4);
    assert_int_equal(site(&file, "plain")->arg_size[1], -8);
    assert_int_equal(site(&file, "five")->arg_size[0], 1);
    assert_int_not_equal(site(&file, "five")->semaphore, 0);
    probe_file_free(&file);
}

static void not_elf(void **state)
{
    struct probe_file file;
    struct loader_error e;
    (void)state;

    assert_int_equal(probe_file_read(&file, "/etc/passwd", &e), -ENOEXEC);
    assert_non_null(strstr(e.text, "/etc/passwd"));
    assert_int_equal(probe_file_read(&file, "/nowhere/at/all", &e), -ENOENT);
    assert_non_null(strstr(e.text, "/nowhere/at/all"));
}

/* ---- made-up notes --------------------------------------------------------------------- */

struct note {
    uint64_t words[3];
    char text[200];
};

static size_t make_note(struct note *n, const char *provider, const char *name, const char *args)
{
    char *p = n->text;

    *n = (struct note){.words = {0x1000, 0x5000, 0x6000}};
    p = stpcpy(p, provider) + 1;
    p = stpcpy(p, name) + 1;
    p = stpcpy(p, args) + 1;
    return sizeof(n->words) + (size_t)(p - n->text);
}

/* On the heap and of the exact size, so that the sanitizer sees a read beyond. */
static bool parse(struct probe_site *s, const struct note *n, size_t size, uint64_t base)
{
    struct probe_bases bases = {.linked = base};
    void *exact = malloc(size ? size : 1);
    bool good;

    memcpy(exact, n, size);
    good = probe_note_parse(s, exact, size, &bases);
    free(exact);
    return good;
}

static void note_good(void **state)
{
    struct probe_site s;
    struct note n;
    size_t size = make_note(&n, "spice", "x", "4@%edi -8@16(%rsp)  1@$-3 8f@%xmm0 -4@a+8(%rip)");
    (void)state;

    assert_true(parse(&s, &n, size, 0));
    assert_int_equal(s.address, 0x1000);
    assert_int_equal(s.semaphore, 0x6000);
    assert_int_equal(s.arg_count, 5);
    assert_int_equal(s.arg_size[0], 4);
    assert_int_equal(s.arg_size[1], -8);
    assert_int_equal(s.arg_size[2], 1);
    assert_int_equal(s.arg_size[3], 0);
    assert_int_equal(s.arg_size[4], -4);
}

static void note_prelinked(void **state)
{
    struct probe_site s;
    struct note n;
    size_t size = make_note(&n, "spice", "x", "");
    (void)state;

    assert_true(parse(&s, &n, size, 0x5100));
    assert_int_equal(s.address, 0x1100);
    assert_int_equal(s.semaphore, 0x6100);
    assert_int_equal(s.arg_count, 0);
    n.words[2] = 0; /* no semaphore stays none */
    assert_true(parse(&s, &n, size, 0x5100));
    assert_int_equal(s.semaphore, 0);
}

static void note_cut(void **state)
{
    struct probe_site s;
    struct note n;
    size_t size = make_note(&n, "spice", "draw", "4@%edi 8@%rsi");
    (void)state;

    for (size_t cut = 0; cut < size; cut++) {
        assert_false(parse(&s, &n, cut, 0));
    }
    assert_true(parse(&s, &n, size, 0));
}

static void note_bad(void **state)
{
    struct probe_site s;
    struct note n;
    (void)state;

    assert_false(parse(&s, &n, make_note(&n, "", "x", ""), 0));
    assert_false(parse(&s, &n, make_note(&n, "spice", "", ""), 0));
    assert_false(parse(&s, &n, make_note(&n, "spice", "x", "4%edi"), 0));
    assert_false(parse(
        &s, &n,
        make_note(&n, "spice", "x", "1@1 1@2 1@3 1@4 1@5 1@6 1@7 1@8 1@9 1@10 1@11 1@12 1@13"), 0));
    assert_true(parse(&s, &n, make_note(&n, "spice", "x", "99@%rax"), 0));
    assert_int_equal(s.arg_size[0], 0);
}

/* ---- what is wanted ------------------------------------------------------------------------ */

static enum probe_fit check(const struct wanted_probe *w, struct probe_site *s, bool strict)
{
    struct probe_file file = {.sites = s, .count = 1};
    char why[128];
    enum probe_fit fit = wanted_check(w, &file, strict, why, sizeof(why));

    if (fit != PROBE_FITS) {
        assert_true(strlen(why) > 0);
    }
    return fit;
}

static struct probe_site fitting(const struct wanted_probe *w)
{
    static const int8_t sizes[] = {
        [TYPE_U64] = 8, [TYPE_U32] = 4,  [TYPE_S32] = -4, [TYPE_S64] = -8,
        [TYPE_U8] = 1,  [TYPE_BOOL] = 1, [TYPE_RECT] = 8,
    };
    struct probe_site s = {.provider = w->provider, .name = w->name, .semaphore = 1};

    s.arg_count = (uint8_t)wanted_arg_count(w);
    for (unsigned i = 0; i < w->count; i++) {
        s.arg_size[w->args[i].number] = sizes[w->args[i].type];
    }
    return s;
}

static void wanted_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < wanted_probe_count; i++) {
        const struct wanted_probe *w = &wanted_probes[i];
        struct probe_site s = fitting(w);

        assert_ptr_equal(wanted_find(w->provider, w->name), w);
        assert_true(w->kind && w->kind < 128); /* LOST_KINDS of bpf/shared.h */
        assert_int_equal(check(w, &s, true), PROBE_FITS);
        s.arg_count++;
        assert_int_equal(check(w, &s, true), PROBE_ARG_COUNT);
        assert_int_equal(check(w, &s, false), PROBE_FITS);
        s.arg_count -= 2;
        assert_int_equal(check(w, &s, false), PROBE_ARG_COUNT);
    }
    assert_null(wanted_find("spice", "no such probe"));
    assert_null(wanted_find("meta", "loss"));
}

static void wanted_faults(void **state)
{
    const struct wanted_probe *draw = wanted_find("spice", "draw");
    struct probe_site s = fitting(draw);
    struct probe_file none = {0};
    char why[128];
    (void)state;

    s.arg_size[0] = -4;
    assert_int_equal(check(draw, &s, true), PROBE_ARG_TYPE);
    assert_int_equal(check(draw, &s, false), PROBE_FITS);
    s.arg_size[0] = 0; /* a float */
    assert_int_equal(check(draw, &s, false), PROBE_ARG_TYPE);
    s = fitting(draw);
    s.semaphore = 0;
    assert_int_equal(check(draw, &s, true), PROBE_NO_SEMAPHORE);
    assert_int_equal(check(draw, &s, false), PROBE_FITS);
    assert_int_equal(wanted_check(draw, &none, true, why, sizeof(why)), PROBE_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_notes),  cmocka_unit_test(not_elf),
        cmocka_unit_test(note_good),  cmocka_unit_test(note_prelinked),
        cmocka_unit_test(note_cut),   cmocka_unit_test(note_bad),
        cmocka_unit_test(wanted_all), cmocka_unit_test(wanted_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
