/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen of `top`. */
#ifndef SPICETAP_TOP_SCREEN_H
#define SPICETAP_TOP_SCREEN_H

#include "record/board.h"

/* Draws until `stop` is readable or q is pressed. Returns the exit code. */
int top_screen(const struct board *board, int stop, unsigned delay);

#endif
