/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals that ask a program to end, at a descriptor that poll() sees. */
#ifndef SPICETAP_SIGNALS_H
#define SPICETAP_SIGNALS_H

/* Readable after SIGINT, SIGTERM or SIGHUP. SIGHUP stays ignored after nohup; SIGINT ends the
 * program even in a shell's background, where shells ignore it. They are blocked from now on.
 * SIGPIPE and SIGXFSZ are ignored: whoever read our messages is gone, and a limit of a file's size
 * becomes an error of write(), as a full disk is. */
int signals_open(void);

#endif
