/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far a command is, on standard error: on a terminal only, from the third second on. The line
 * is gone once the command prints.
 */
#ifndef SPICETAP_PROGRESS_H
#define SPICETAP_PROGRESS_H

extern double progress_after; /* s that a command may take without it: 2; tests change it */

/* What is being done from now on. NULL: nothing is said, as where the command prints meanwhile. */
void progress_label(const char *label);
/* `part` of it, 0 to 1, is done; negative: nobody knows. Cheap enough for every thousandth event.
 */
void progress_at(double part);
/* Takes the line away. */
void progress_done(void);

#endif
