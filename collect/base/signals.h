/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals that ask a program to end, at a descriptor that poll() sees. */
#ifndef SPICETAP_SIGNALS_H
#define SPICETAP_SIGNALS_H

/* Readable after SIGINT, SIGTERM or SIGHUP. One that was ignored as the program began stays so, as
 * after nohup. They are blocked from now on. SIGPIPE and SIGXFSZ are ignored: whoever read our
 * messages is gone, and a limit of a file's size becomes an error of write(), as a full disk is. */
int signals_open(void);

#endif
