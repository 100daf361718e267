/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's clock, and files of one line. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent.h"

uint64_t agent_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void text_from_file(char *line, size_t size, const char *path)
{
    FILE *file = fopen(path, "re");

    *line = '\0';
    if (file) {
        if (!fgets(line, (int)size, file)) {
            *line = '\0';
        }
        fclose(file);
    }
    line[strcspn(line, "\n")] = '\0';
}
