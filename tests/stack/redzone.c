/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack-redzone: a program with a probe of spice-server in a function that keeps its data below the
 * stack pointer, and another probe in one that does not. Standard input has
 *   call COUNT     calls both; prints how often the first found other data than it had written
 *   listeners      prints how many listen to the first
 */
#include <stdio.h>
#include <string.h>

#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

#define SEMAPHORE(name) __attribute__((section(".probes"))) unsigned short spice_##name##_semaphore

SEMAPHORE(wakeup);
SEMAPHORE(ring_empty);

__attribute__((noinline)) static void ring_empty(unsigned display)
{
    STAP_PROBE2(spice, ring_empty, display, (unsigned char)0);
}

#undef _SDT_NOP
#define _SDT_NOP .nops 5

enum { WORDS = 14 }; /* 112 of the 128 bytes that the ABI gives a function without calls */

__attribute__((noinline)) static int keeps_its_data(unsigned long seed)
{
    volatile unsigned long data[WORDS];
    int kept = 1;

    for (int i = 0; i < WORDS; i++) {
        data[i] = seed + (unsigned long)i;
    }
    STAP_PROBE1(spice, wakeup, (unsigned)seed);
    for (int i = 0; i < WORDS; i++) {
        kept &= data[i] == seed + (unsigned long)i;
    }
    return kept;
}

static void call(unsigned long count)
{
    unsigned long broken = 0;

    for (unsigned long i = 0; i < count; i++) {
        broken += !keeps_its_data(0x5a5a5a5a00000000 + i);
        ring_empty((unsigned)i);
    }
    printf("%lu\n", broken);
}

int main(void)
{
    char line[64];
    unsigned long count;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof(line), stdin)) {
        if (sscanf(line, "call %lu", &count) == 1) {
            call(count);
        } else if (!strcmp(line, "listeners\n")) {
            printf("%u\n", *(volatile unsigned short *)&spice_wakeup_semaphore);
        } else {
            return 2;
        }
    }
    return 0;
}
