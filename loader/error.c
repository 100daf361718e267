/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the loader says what failed: an errno to act on, and a line that names the thing and the way
 * out. */
#include <stdarg.h>
#include <stdio.h>

#include "loader.h"

int loader_fail(struct loader_error *e, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(e->text, sizeof(e->text), format, args);
    va_end(args);
    return error;
}
