/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
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

void text_add(struct agent_text *t, const char *format, ...)
{
    size_t room = sizeof(t->data) - t->length;
    va_list args;
    int length;

    va_start(args, format);
    length = vsnprintf(t->data + t->length, room, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= room) {
        t->data[t->length] = '\0';
        t->full = true;
    } else {
        t->length += length;
    }
}

void text_quoted(struct agent_text *t, const char *s)
{
    text_add(t, "\"");
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') {
            text_add(t, "\\%c", *s);
        } else {
            text_add(t, "%c", *s >= ' ' && *s <= '~' ? *s : '?');
        }
    }
    text_add(t, "\"");
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
