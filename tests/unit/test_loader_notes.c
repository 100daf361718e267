/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads probe notes, fabricated ones and those of this program, and compares them with events.def.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#include "../../loader/loader.h"
#include "../../bpf/shared.h"

__attribute__((section(".probes"))) unsigned short notes_plain_semaphore, notes_five_semaphore;

/* Only its notes matter. */
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

/* Replaces each `old` in a copy of this program by `now`. */
static void copy_with(const char *path, uint64_t old, uint64_t now)
{
    FILE *from = fopen("/proc/self/exe", "re"), *to = fopen(path, "we");
    static uint8_t bytes[64 << 20];
    size_t length, found = 0;

    assert_non_null(from);
    assert_non_null(to);
    length = fread(bytes, 1, sizeof(bytes), from);
    for (size_t i = 0; i + sizeof(old) <= length; i++) {
        if (!memcmp(bytes + i, &old, sizeof(old))) {
            memcpy(bytes + i, &now, sizeof(now));
            found++;
        }
    }
    assert_true(found);
    assert_int_equal(fwrite(bytes, 1, length, to), length);
    fclose(from);
    fclose(to);
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
    struct loader_error e = {""};
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

/* A forged note: a site among the data, and a semaphore among the code. */
static void places_of_a_forged_note(void **state)
{
    char path[] = "/tmp/spicetap-notes-XXXXXX";
    struct probe_file file, forged;
    struct loader_error e = {""};
    uint64_t code, data;
    (void)state;

    close(mkstemp(path));
    assert_int_equal(probe_file_read(&file, "/proc/self/exe", &e), 0);
    code = site(&file, "plain")->address;
    data = site(&file, "plain")->semaphore;
    assert_int_not_equal(site(&file, "plain")->offset, 0);
    assert_int_not_equal(site(&file, "plain")->semaphore_offset, 0);

    copy_with(path, code, data);
    assert_int_equal(probe_file_read(&forged, path, &e), 0);
    assert_int_equal(site(&forged, "plain")->offset, 0);
    probe_file_free(&forged);

    copy_with(path, data, code);
    assert_int_equal(probe_file_read(&forged, path, &e), 0);
    assert_int_equal(site(&forged, "plain")->semaphore_offset, 0);
    probe_file_free(&forged);
    probe_file_free(&file);
    unlink(path);
}

static void not_elf(void **state)
{
    struct probe_file file;
    struct loader_error e = {""};
    (void)state;

    assert_int_equal(probe_file_read(&file, "/etc/passwd", &e), -ENOEXEC);
    assert_non_null(strstr(e.text, "/etc/passwd"));
    assert_int_equal(probe_file_read(&file, "/nowhere/at/all", &e), -ENOENT);
    assert_non_null(strstr(e.text, "/nowhere/at/all"));
}

/* ---- fabricated notes --------------------------------------------------------------------- */

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

/* On the heap, with the exact size, so the sanitizer notices a read past the end. */
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
    n.words[2] = 0; /* without a semaphore, the base must not add one */
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

/* ---- places of the arguments -------------------------------------------------------------- */

static int plan(struct site_plan *out, const char *args, unsigned words)
{
    static const struct probe_bases none;
    struct probe_site s;
    struct note n;
    size_t size = make_note(&n, "spice", "x", args);
    void *exact = malloc(size); /* a read behind it would be seen */
    unsigned bad;
    int result;

    memcpy(exact, &n, size);
    assert_true(probe_note_parse(&s, exact, size, &none));
    result = site_plan_make(out, &s, words, &bad);
    free(exact);
    return result;
}

static void place_is(const char *arg, enum place_kind kind, unsigned word, unsigned index,
                     unsigned scale, int64_t value)
{
    struct site_plan p;

    assert_int_equal(plan(&p, arg, SITE_WORDS), 0);
    assert_int_equal(p.args[0].kind, kind);
    if (kind != PLACE_CONST) {
        assert_int_equal(p.args[0].word, word);
    }
    if (kind == PLACE_MEMORY) {
        assert_int_equal(p.args[0].index, index);
        assert_int_equal(p.args[0].scale, scale);
    }
    if (kind != PLACE_WORD) {
        assert_true((int64_t)p.args[0].value == value);
    }
}

static void places(void **state)
{
    (void)state;
    place_is("4@%edi", PLACE_WORD, 7, 0, 0, 0);
    place_is("1@%r9b", PLACE_WORD, 9, 0, 0, 0);
    place_is("2@%ax", PLACE_WORD, 0, 0, 0, 0);
    place_is("-8@%r15", PLACE_WORD, 15, 0, 0, 0);
    place_is("4@$17", PLACE_CONST, 0, 0, 0, 17);
    place_is("-4@$-9", PLACE_CONST, 0, 0, 0, -9);
    place_is("8@$0xffffffffffffffff", PLACE_CONST, 0, 0, 0, -1);
    place_is("8@8(%rsp)", PLACE_WORD, WORD_STACK + 1, 0, 0, 0);
    place_is("8@(%rsp)", PLACE_WORD, WORD_STACK, 0, 0, 0);
    place_is("1@15(%rsp)", PLACE_MEMORY, WORD_RSP, WORD_ZERO, 0, 15);
    place_is("8@128(%rsp)", PLACE_MEMORY, WORD_RSP, WORD_ZERO, 0, 128);
    place_is("8@-8(%rsp)", PLACE_MEMORY, WORD_RSP, WORD_ZERO, 0, -8);
    place_is("-4@-1204(%rbp)", PLACE_MEMORY, 5, WORD_ZERO, 0, -1204);
    place_is("8@-8(%rax,%rbx,8)", PLACE_MEMORY, 0, 3, 3, -8);
    place_is("8@(%rax,%r10)", PLACE_MEMORY, 0, 10, 0, 0);
    place_is("4@0x10(,%rcx,4)", PLACE_MEMORY, WORD_ZERO, 1, 2, 16);
}

static void places_widths(void **state)
{
    struct site_plan p;
    (void)state;

    assert_int_equal(plan(&p, "4@%edi -8@%rsi -1@%dl 8f@%xmm0 2@40(%rsp)", WORD_STACK), 0);
    assert_true(p.args[0].shift == 32 && !p.args[0].is_signed);
    assert_true(p.args[1].shift == 0 && p.args[1].is_signed);
    assert_true(p.args[2].shift == 56 && p.args[2].is_signed);
    assert_true(p.args[4].shift == 48 &&
                p.args[4].kind == PLACE_MEMORY); /* the program holds no stack words */
    assert_int_equal(p.stack_bytes, 0);
    assert_int_equal(plan(&p, "8@24(%rsp) 8@8(%rsp) 8@%rax", SITE_WORDS), 0);
    assert_int_equal(p.stack_bytes, 32); /* up to the end of the farthest */
}

static void places_out_of_reach(void **state)
{
    static const char *const bad[] = {
        "8@global(%rip)",
        "8@16(%rip)",
        "1@%ah",
        "8@%xmm0",
        "8@",
        "8@$",
        "8@$x",
        "8@%",
        "8@%edix",
        "8@(%rax",
        "8@(%rax,%rbx,3)",
        "8@(%rax,%rbx,8",
        "8@()",
        "8@(",
        "8@5",
        "8@%fs:16",
        "8@(%rax)x",
        "8@$5x",
        "8@(%rax,)",
        "8@(%rax,%rbx,)",
        "8@(%rax,",
        "8@(,",
        "8@99999999999999999999(%rax)",
    };
    struct site_plan p;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (plan(&p, bad[i], SITE_WORDS) != -EINVAL) {
            fail_msg("%s was taken", bad[i]);
        }
    }
}

/* ---- wanted probes ------------------------------------------------------------------------ */

static enum probe_fit check(const struct wanted_probe *w, struct probe_site *s)
{
    struct probe_file file = {.sites = s, .count = 1};
    char why[128];
    enum probe_fit fit = wanted_check(w, &file, why, sizeof(why));

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
    struct probe_site s = {.provider = w->provider,
                           .name = w->name,
                           .offset = 1,
                           .semaphore = 1,
                           .semaphore_offset = 1,
                           .nop = NOP_ONE};

    s.arg_count = (uint8_t)wanted_arg_count(w);
    for (unsigned i = 0; i < w->count; i++) {
        s.arg_size[w->args[i].number] = sizes[w->args[i].type];
        if (w->args[i].type == TYPE_RECT) {
            s.arg_size[w->args[i].number + 1] = sizes[TYPE_RECT];
        }
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
        assert_true(w->kind && w->kind < LOST_KINDS);
        assert_int_equal(check(w, &s), PROBE_FITS);
        s.arg_count++;
        assert_int_equal(check(w, &s), w->source == SOURCE_SPICE ? PROBE_ARG_COUNT : PROBE_FITS);
        s.arg_count -= 2;
        assert_int_equal(check(w, &s), PROBE_ARG_COUNT);
    }
    assert_null(wanted_find("spice", "no such probe"));
    assert_null(wanted_find("meta", "loss"));
}

static void wanted_faults(void **state)
{
    const struct wanted_probe *draw = wanted_find("spice", "draw");
    const struct wanted_probe *oom = wanted_find("qemu", "qxl_spice_oom");
    struct probe_site s = fitting(draw);
    struct probe_file none = {0};
    char why[128];
    (void)state;

    s.arg_size[0] = -4;
    assert_int_equal(check(draw, &s), PROBE_ARG_TYPE);
    s = fitting(draw);
    s.semaphore = 0;
    assert_int_equal(check(draw, &s), PROBE_NO_SEMAPHORE);
    s = fitting(oom); /* of QEMU: its types may differ, and it may lack a semaphore */
    s.arg_size[0] = 4;
    s.semaphore = s.semaphore_offset = 0;
    assert_int_equal(check(oom, &s), PROBE_FITS);
    s.arg_size[0] = 0; /* a float */
    assert_int_equal(check(oom, &s), PROBE_ARG_TYPE);
    assert_int_equal(wanted_check(draw, &none, why, sizeof(why)), PROBE_MISSING);
}

/* Attaching at such a site would damage the program, or raise a semaphore that is none. */
static void wanted_bad_sites(void **state)
{
    const struct wanted_probe *both[] = {wanted_find("spice", "draw"),
                                         wanted_find("qemu", "qxl_spice_oom")};
    struct probe_site s;
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        s = fitting(both[i]);
        s.offset = 0;
        assert_int_equal(check(both[i], &s), PROBE_BAD_SITE);
        s = fitting(both[i]);
        s.nop = NOP_OTHER;
        assert_int_equal(check(both[i], &s), PROBE_BAD_SITE);
        s = fitting(both[i]);
        s.semaphore_offset = 0;
        assert_int_equal(check(both[i], &s), PROBE_NO_SEMAPHORE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_notes),        cmocka_unit_test(places_of_a_forged_note),
        cmocka_unit_test(not_elf),          cmocka_unit_test(note_good),
        cmocka_unit_test(note_prelinked),   cmocka_unit_test(note_cut),
        cmocka_unit_test(note_bad),         cmocka_unit_test(places),
        cmocka_unit_test(places_widths),    cmocka_unit_test(places_out_of_reach),
        cmocka_unit_test(wanted_all),       cmocka_unit_test(wanted_faults),
        cmocka_unit_test(wanted_bad_sites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
