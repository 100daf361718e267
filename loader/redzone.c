/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the function around a site keep data below the stack pointer, in its red zone? Linux 6.18
 * and later trace a 5-byte nop by a call (arch/x86/kernel/uprobes.c, uprobe_trampoline_entry),
 * which pushes onto the stack there.
 */
#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "redzone.h"

/* ---- one function's code --------------------------------------------------------------------- */

/* How far the stack pointer is below its place at entry, in the order of the code. */
struct stack {
    int64_t depth;
    int64_t frame; /* `depth` where %rbp was set to %rsp; -1: it was not */
};

static bool is_register(const cs_x86_op *op, x86_reg reg)
{
    return op->type == X86_OP_REG && op->reg == reg;
}

static void follow_stack(struct stack *s, const cs_insn *insn)
{
    const cs_x86_op *op = insn->detail->x86.operands;
    bool of_stack = insn->detail->x86.op_count == 2 && is_register(&op[0], X86_REG_RSP);

    if (insn->id == X86_INS_PUSH) {
        s->depth += 8;
    } else if (insn->id == X86_INS_SUB && of_stack && op[1].type == X86_OP_IMM) {
        s->depth += op[1].imm;
    } else if (insn->id == X86_INS_LEA && of_stack && op[1].mem.base == X86_REG_RSP) {
        s->depth -= op[1].mem.disp < 0 ? op[1].mem.disp : 0;
    } else if (insn->id == X86_INS_MOV && is_register(&op[0], X86_REG_RBP) &&
               is_register(&op[1], X86_REG_RSP)) {
        s->frame = s->depth;
    }
}

/* Does the operand lie below the stack pointer? Taking an address there counts too, but for the
 * stack pointer's own. */
static bool is_below(const struct stack *s, const cs_insn *insn, const cs_x86_op *op)
{
    if (op->type != X86_OP_MEM || op->mem.disp >= 0 || insn->id == X86_INS_NOP) {
        return false;
    }
    if (op->mem.base == X86_REG_RSP) {
        return insn->id != X86_INS_LEA || !is_register(&insn->detail->x86.operands[0], X86_REG_RSP);
    }
    return op->mem.base == X86_REG_RBP && s->frame >= 0 && -op->mem.disp > s->depth - s->frame;
}

static bool uses_red_zone(struct stack *s, const cs_insn *insn)
{
    for (unsigned i = 0; i < insn->detail->x86.op_count; i++) {
        if (is_below(s, insn, &insn->detail->x86.operands[i])) {
            return true;
        }
    }
    follow_stack(s, insn);
    return false;
}

/* Compilers put what seldom runs elsewhere, with a description of its own: the site's part then
 * does not show what the other one keeps. */
static bool leaves(csh handle, const cs_insn *insn, uint64_t size)
{
    const cs_x86_op *target = insn->detail->x86.operands;

    return cs_insn_group(handle, insn, CS_GRP_JUMP) && target->type == X86_OP_IMM &&
           (uint64_t)target->imm >= size;
}

enum red_zone red_zone_in(const uint8_t *code, size_t size)
{
    struct stack stack = {.frame = -1};
    enum red_zone found = RED_ZONE_UNUSED;
    uint64_t address = 0, end = size;
    cs_insn *insn;
    csh handle;

    if (cs_open(CS_ARCH_X86, CS_MODE_64, &handle) != CS_ERR_OK) {
        return RED_ZONE_UNKNOWN;
    }
    cs_option(handle, CS_OPT_DETAIL, CS_OPT_ON);
    insn = cs_malloc(handle);
    while (insn && size && found == RED_ZONE_UNUSED) {
        if (!cs_disasm_iter(handle, &code, &size, &address, insn) || leaves(handle, insn, end)) {
            found = RED_ZONE_UNKNOWN;
        } else if (uses_red_zone(&stack, insn)) {
            found = RED_ZONE_USED;
        }
    }
    if (insn) {
        cs_free(insn, 1);
    }
    cs_close(&handle);
    return insn ? found : RED_ZONE_UNKNOWN;
}

/* ---- where the function is ------------------------------------------------------------------- */

/* As linkers write the two sections (Linux Standard Base, Core, 10.6). The index has a header, and
 * for each function two words relative to the index: where the function begins, and its
 * description. The description has its length, its CIE, where the function begins, relative to that
 * word, and the function's length. */
#define INDEX_VERSION 1
#define PC_RELATIVE   0x1b /* DW_EH_PE_pcrel | DW_EH_PE_sdata4 */
#define COUNT         0x03 /* DW_EH_PE_udata4 */
#define TABLE         0x3b /* DW_EH_PE_datarel | DW_EH_PE_sdata4 */
#define INDEX_HEADER  12   /* bytes */
#define INDEX_ENTRY   8
#define BEGIN_AT      8 /* in a description */
#define LENGTH_AT     12
#define DESCRIPTION   16   /* bytes of it that are looked at */
#define FUNCTION_MOST 8192 /* bytes; the sites' own functions have some hundred */

static int32_t word_at(const uint8_t *bytes)
{
    int32_t word;

    memcpy(&word, bytes, sizeof(word));
    return word;
}

static uint64_t relative(uint64_t base, const uint8_t *word)
{
    return base + (uint64_t)(int64_t)word_at(word);
}

static size_t entries(const struct frame_section *index)
{
    static const uint8_t usual[] = {INDEX_VERSION, PC_RELATIVE, COUNT, TABLE};
    size_t room, count;

    if (index->size < INDEX_HEADER || memcmp(index->bytes, usual, sizeof(usual)) != 0) {
        return 0;
    }
    room = (index->size - INDEX_HEADER) / INDEX_ENTRY;
    count = (uint32_t)word_at(index->bytes + 8);
    return count < room ? count : room;
}

/* The entry of the function that begins last before `address`, or at it. NULL: there is none. */
static const uint8_t *entry_of(const struct frame_section *index, uint64_t address)
{
    size_t count = entries(index);
    const uint8_t *found = NULL;
    uint64_t best = 0;

    for (size_t i = 0; i < count; i++) {
        const uint8_t *entry = index->bytes + INDEX_HEADER + i * INDEX_ENTRY;
        uint64_t begin = relative(index->address, entry);

        if (begin <= address && begin >= best) {
            best = begin;
            found = entry;
        }
    }
    return found;
}

/* The length of the function that begins at `begin`. 0: its description is elsewhere, or another's.
 */
static uint32_t length_of(const struct frame_section *descriptions, uint64_t at, uint64_t begin)
{
    const uint8_t *description;

    if (at < descriptions->address || descriptions->size < DESCRIPTION ||
        at - descriptions->address > descriptions->size - DESCRIPTION) {
        return 0;
    }
    description = descriptions->bytes + (at - descriptions->address);
    if (relative(at + BEGIN_AT, description + BEGIN_AT) != begin) {
        return 0;
    }
    return (uint32_t)word_at(description + LENGTH_AT);
}

enum red_zone red_zone_around(int fd, const struct frames *frames, uint64_t address,
                              uint64_t offset)
{
    const uint8_t *entry = entry_of(&frames->index, address);
    enum red_zone found = RED_ZONE_UNKNOWN;
    uint64_t begin, before;
    uint32_t length;
    uint8_t *code;

    if (!entry) {
        return RED_ZONE_UNKNOWN;
    }
    begin = relative(frames->index.address, entry);
    before = address - begin;
    length = length_of(&frames->descriptions, relative(frames->index.address, entry + 4), begin);
    if (before >= length || before > offset || length > FUNCTION_MOST) {
        return RED_ZONE_UNKNOWN;
    }
    code = malloc(length);
    if (code && pread(fd, code, length, (off_t)(offset - before)) == (ssize_t)length) {
        found = red_zone_in(code, length);
    }
    free(code);
    return found;
}
