/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "record/board.h"

struct board *board_open(void)
{
    void *memory =
        mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

void board_close(struct board *b)
{
    if (b)
        munmap(b, sizeof(*b));
}

/* A writer that died in the midst of it left an odd number. */
static void begin(struct board_vm *vm)
{
    uint32_t odd = __atomic_load_n(&vm->sequence, __ATOMIC_RELAXED) | 1;

    __atomic_store_n(&vm->sequence, odd, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void end(struct board_vm *vm)
{
    __atomic_store_n(&vm->sequence, vm->sequence + 1, __ATOMIC_RELEASE);
}

/* JSON and Prometheus take UTF-8 alone; a VM may be called anything, and a long name is cut. */
static void clean(char *text)
{
    json_t *utf8 = json_string(text);

    for (; !utf8 && *text; text++)
        if (*text & 0x80)
            *text = '?';
    json_decref(utf8);
}

void board_set(struct board_vm *vm, enum board_state state, pid_t pid, const char *name,
               const char *why)
{
    begin(vm);
    vm->state = state;
    vm->pid = pid;
    snprintf(vm->name, sizeof(vm->name), "%s", name ? name : "");
    snprintf(vm->why, sizeof(vm->why), "%s", why ? why : "");
    clean(vm->name);
    clean(vm->why);
    if (state != BOARD_WATCHED)
        vm->figures = (struct board_figures){0};
    end(vm);
}

void board_put(struct board_vm *vm, const struct board_figures *figures)
{
    begin(vm);
    vm->figures = *figures;
    end(vm);
}

/* Whoever writes may be taken over, and leave a text without an end. */
static void end_texts(struct board_vm *vm)
{
    vm->name[sizeof(vm->name) - 1] = '\0';
    vm->why[sizeof(vm->why) - 1] = '\0';
}

bool board_get(const struct board_vm *vm, struct board_vm *copy)
{
    enum { TRIES = 1000 }; /* a write takes less than a microsecond */

    for (int i = 0; i < TRIES; i++) {
        uint32_t before = __atomic_load_n(&vm->sequence, __ATOMIC_ACQUIRE);

        memcpy(copy, vm, sizeof(*copy));
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (!(before & 1) && before == __atomic_load_n(&vm->sequence, __ATOMIC_RELAXED)) {
            end_texts(copy);
            return true;
        }
    }
    end_texts(copy);
    return false;
}
