/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parses the places of a site's arguments. A probe's note has them in assembler syntax, as in
 * "4@%edi", "-8@16(%rsp)", "1@$-3", "8@-8(%rax,%rbx,8)".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"
#include "../bpf/shared.h"

/* The index is the register's x86-64 number; its names have 64, 32, 16 and 8 bits. */
static const char *const registers[][4] = {
    {"rax", "eax", "ax", "al"},      {"rcx", "ecx", "cx", "cl"},
    {"rdx", "edx", "dx", "dl"},      {"rbx", "ebx", "bx", "bl"},
    {"rsp", "esp", "sp", "spl"},     {"rbp", "ebp", "bp", "bpl"},
    {"rsi", "esi", "si", "sil"},     {"rdi", "edi", "di", "dil"},
    {"r8", "r8d", "r8w", "r8b"},     {"r9", "r9d", "r9w", "r9b"},
    {"r10", "r10d", "r10w", "r10b"}, {"r11", "r11d", "r11w", "r11b"},
    {"r12", "r12d", "r12w", "r12b"}, {"r13", "r13d", "r13w", "r13b"},
    {"r14", "r14d", "r14w", "r14b"}, {"r15", "r15d", "r15w", "r15b"},
};

/* The take_ functions parse a token at *text and move *text behind it. False: it is none. */
static bool take_register(const char **text, uint8_t *word)
{
    const char *name = *text + 1; /* behind the %, which is looked for first */
    size_t length;

    if (**text != '%') {
        return false;
    }
    length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
    *text = name + length;
    for (size_t r = 0; r < sizeof(registers) / sizeof(registers[0]); r++) {
        for (size_t width = 0; width < 4; width++) {
            if (strlen(registers[r][width]) == length &&
                !memcmp(registers[r][width], name, length)) {
                *word = (uint8_t)r;
                return true;
            }
        }
    }
    return false;
}

static bool take_number(const char **text, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = **text == '-' ? (uint64_t)strtoll(*text, &end, 0) : strtoull(*text, &end, 0);
    if (end == *text || errno) {
        return false;
    }
    *text = end;
    return true;
}

static bool take_scale(const char **text, uint8_t *scale)
{
    uint64_t value;

    if (!take_number(text, &value)) {
        return false;
    }
    for (*scale = 0; *scale < 4; ++*scale) {
        if (value == 1u << *scale) {
            return true;
        }
    }
    return false;
}

/* "(%rax)", "(%rax,%rbx)", "(%rax,%rbx,8)", "(,%rbx,8)" */
static bool take_address(const char **text, struct place *p)
{
    p->word = p->index = WORD_ZERO;
    if (*(*text)++ != '(' || (**text != ',' && !take_register(text, &p->word))) {
        return false;
    }
    if (**text == ',') {
        ++*text;
        if (!take_register(text, &p->index)) {
            return false;
        }
    }
    if (**text == ',') {
        ++*text;
        if (!take_scale(text, &p->scale)) {
            return false;
        }
    }
    return *(*text)++ == ')';
}

/* Programs copy the top of the stack in one read, so a place there is a word that they hold.
 * Returns how many bytes of the stack it needs. */
static uint32_t use_stack_word(struct place *p, unsigned words)
{
    uint64_t word = WORD_STACK + p->value / sizeof(uint64_t);

    if (p->kind == PLACE_MEMORY && p->word == WORD_RSP && p->index == WORD_ZERO &&
        p->value % sizeof(uint64_t) == 0 && p->value < STACK_WORDS * sizeof(uint64_t) &&
        word < words) {
        p->kind = PLACE_WORD;
        p->word = (uint8_t)word;
        return (uint32_t)(p->value + sizeof(uint64_t));
    }
    return 0;
}

static bool parse_place(struct place *p, const char *text)
{
    if (*text == '$') {
        p->kind = PLACE_CONST;
        text++;
        return take_number(&text, &p->value) && (*text == ' ' || !*text);
    }
    if (*text == '%') {
        p->kind = PLACE_WORD;
        return take_register(&text, &p->word) && (*text == ' ' || !*text);
    }
    p->kind = PLACE_MEMORY;
    if (*text != '(' && !take_number(&text, &p->value)) {
        return false;
    }
    return take_address(&text, p) && (*text == ' ' || !*text);
}

int site_plan_make(struct site_plan *plan, const struct probe_site *site, unsigned words,
                   unsigned *bad_arg)
{
    const char *arg = site->args;

    *plan = (struct site_plan){0};
    for (unsigned i = 0; i < site->arg_count; i++) {
        struct place *p = &plan->args[i];
        int size = site->arg_size[i];
        uint32_t stack;

        arg += strspn(arg, " ");
        *bad_arg = i;
        if (size && !parse_place(p, strchr(arg, '@') + 1)) {
            return -EINVAL;
        }
        p->shift = size ? (uint8_t)(64 - 8 * abs(size)) : 0;
        p->is_signed = size < 0;
        stack = use_stack_word(p, words);
        plan->stack_bytes = stack > plan->stack_bytes ? stack : plan->stack_bytes;
        arg += strcspn(arg, " ");
    }
    return 0;
}
