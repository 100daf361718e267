/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exit codes of every spicetap command, and the version. */
#ifndef SPICETAP_EXIT_H
#define SPICETAP_EXIT_H

#define SPICETAP_VERSION "0.1"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_PART = 1, /* failed part way: what was written is kept and named */
    EXIT_USAGE = 2,
    EXIT_ENV = 3,   /* no right, no probe, no VM */
    EXIT_INPUT = 4, /* bad input */
};

#endif
