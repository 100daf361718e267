/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/progress.h"

#define PAUSE 0.25 /* s between two lines */

double progress_after = 2;

static const char *label = "reading";
static double began, last;
static bool shown;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void progress_label(const char *what)
{
    label = what;
    last = 0;
}

void progress_at(double part)
{
    double at = now();

    if (!began)
        began = at;
    if (!label || at < began + progress_after || at < last + PAUSE || !isatty(STDERR_FILENO))
        return;
    last = at;
    shown = true;
    if (part < 0)
        fprintf(stderr, "\r\033[K%s\r", label);
    else
        fprintf(stderr, "\r\033[K%s: %.0f%%\r", label, 100 * (part < 1 ? part : 1));
}

void progress_done(void)
{
    if (shown)
        fputs("\r\033[K", stderr);
    shown = false;
}
