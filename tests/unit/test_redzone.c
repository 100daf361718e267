/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions keep data below the stack pointer, by their instructions and in this program. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../loader/redzone.h"

#define NOP5 0x0f, 0x1f, 0x44, 0x00, 0x00
#define RET  0xc3

#define IN(...) red_zone_in((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void uses_it(void **state)
{
    (void)state;
    /* mov %edi,-4(%rsp) */
    assert_int_equal(IN(0x89, 0x7c, 0x24, 0xfc, NOP5, RET), RED_ZONE_USED);
    /* read after the site: mov -8(%rsp),%rax */
    assert_int_equal(IN(NOP5, 0x48, 0x8b, 0x44, 0x24, 0xf8, RET), RED_ZONE_USED);
    /* its address is taken: lea -0x18(%rsp),%rax */
    assert_int_equal(IN(0x48, 0x8d, 0x44, 0x24, 0xe8, NOP5, RET), RED_ZONE_USED);
    /* push %rbp; mov %rsp,%rbp; mov %edi,-4(%rbp): nothing was allocated */
    assert_int_equal(IN(0x55, 0x48, 0x89, 0xe5, 0x89, 0x7d, 0xfc, NOP5, 0x5d, RET), RED_ZONE_USED);
    /* the same with sub $8,%rsp, and -16(%rbp) */
    assert_int_equal(
        IN(0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x08, 0x89, 0x7d, 0xf0, NOP5, 0xc9, RET),
        RED_ZONE_USED);
}

static void does_not_use_it(void **state)
{
    (void)state;
    assert_int_equal(IN(NOP5, RET), RED_ZONE_UNUSED);
    /* push %rbx; mov 16(%rsp),%ebx; pop %rbx */
    assert_int_equal(IN(0x53, 0x8b, 0x5c, 0x24, 0x10, NOP5, 0x5b, RET), RED_ZONE_UNUSED);
    /* sub $8,%rsp; mov %edi,4(%rsp); add $8,%rsp */
    assert_int_equal(
        IN(0x48, 0x83, 0xec, 0x08, 0x89, 0x7c, 0x24, 0x04, NOP5, 0x48, 0x83, 0xc4, 0x08, RET),
        RED_ZONE_UNUSED);
    /* lea -8(%rsp),%rsp allocates */
    assert_int_equal(IN(0x48, 0x8d, 0x64, 0x24, 0xf8, NOP5, 0x48, 0x8d, 0x64, 0x24, 0x08, RET),
                     RED_ZONE_UNUSED);
    /* push %rbp; mov %rsp,%rbp; sub $16,%rsp; mov %edi,-16(%rbp); leave */
    assert_int_equal(
        IN(0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 0x10, 0x89, 0x7d, 0xf0, NOP5, 0xc9, RET),
        RED_ZONE_UNUSED);
    /* mov -8(%rbp),%eax, where %rbp is no frame */
    assert_int_equal(IN(0x8b, 0x45, 0xf8, NOP5, RET), RED_ZONE_UNUSED);
    /* a padding nop with an operand: nopw -8(%rsp) */
    assert_int_equal(IN(NOP5, RET, 0x66, 0x0f, 0x1f, 0x44, 0x24, 0xf8), RED_ZONE_UNUSED);
}

static void cannot_be_known(void **state)
{
    (void)state;
    assert_int_equal(IN(0x06, NOP5, RET), RED_ZONE_UNKNOWN); /* no instruction in 64 bits */
    assert_int_equal(IN(NOP5, 0x0f, 0x1f), RED_ZONE_UNKNOWN);
    assert_int_equal(IN(NOP5, 0xeb, 0x10, RET), RED_ZONE_UNKNOWN); /* jmp to another part */
    assert_int_equal(IN(NOP5, 0x74, 0xf9, RET), RED_ZONE_UNUSED);  /* je to the site */
}

/* Two functions in a file of its own: at 0x1000 one that uses it, at 0x1010 another. */
static const uint8_t code[] = {0x89, 0x7c, 0x24, 0xfc, NOP5, RET,  0x90,
                               0x90, 0x90, 0x90, 0x90, 0x90, NOP5, RET};

struct index {
    uint8_t kind[4];
    int32_t descriptions, count;
    int32_t entries[2][2];
};

struct description {
    int32_t size, cie, begin, length;
};

enum { INDEX = 0x2000, DESCRIPTIONS = 0x3000 };

static const struct description descriptions[] = {
    {12, 0, 0x1000 - (DESCRIPTIONS + 8), 10},
    {12, 0, 0x1010 - (DESCRIPTIONS + 16 + 8), 6},
};

static enum red_zone around(const struct index *index, size_t size, uint64_t address,
                            uint64_t offset)
{
    struct frames frames = {{(const uint8_t *)index, size, INDEX},
                            {(const uint8_t *)descriptions, sizeof(descriptions), DESCRIPTIONS}};
    int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    enum red_zone found;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, code, sizeof(code)), sizeof(code));
    found = red_zone_around(fd, &frames, address, offset);
    close(fd);
    return found;
}

static void by_the_file(void **state)
{
    struct index i = {
        {1, 0x1b, 0x03, 0x3b},
        0,
        2,
        {{0x1000 - INDEX, DESCRIPTIONS - INDEX}, {0x1010 - INDEX, DESCRIPTIONS + 16 - INDEX}}};
    (void)state;

    assert_int_equal(around(&i, sizeof(i), 0x1004, 4), RED_ZONE_USED);
    assert_int_equal(around(&i, sizeof(i), 0x1010, 0x10), RED_ZONE_UNUSED);
    assert_int_equal(around(&i, sizeof(i), 0x0fff, 0), RED_ZONE_UNKNOWN); /* before all functions */
    assert_int_equal(around(&i, sizeof(i), 0x100a, 10), RED_ZONE_UNKNOWN);   /* between them */
    assert_int_equal(around(&i, sizeof(i), 0x1016, 0x16), RED_ZONE_UNKNOWN); /* behind them */
    assert_int_equal(around(&i, sizeof(i), 0x1014, 2), RED_ZONE_UNKNOWN);    /* before the file */
    assert_int_equal(around(&i, 20, 0x1010, 0x10), RED_ZONE_UNKNOWN);        /* the index is cut */
    i.entries[1][1] = DESCRIPTIONS - INDEX; /* another function's */
    assert_int_equal(around(&i, sizeof(i), 0x1010, 0x10), RED_ZONE_UNKNOWN);
    i.entries[1][1] = DESCRIPTIONS + 17 - INDEX; /* not all of it is there */
    assert_int_equal(around(&i, sizeof(i), 0x1010, 0x10), RED_ZONE_UNKNOWN);
    i.kind[3] = 0x33; /* another encoding */
    assert_int_equal(around(&i, sizeof(i), 0x1004, 4), RED_ZONE_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uses_it),
        cmocka_unit_test(does_not_use_it),
        cmocka_unit_test(cannot_be_known),
        cmocka_unit_test(by_the_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
