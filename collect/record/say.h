/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the parts of a recording send sentences for the user. Nothing in record/ prints. */
#ifndef SPICETAP_RECORD_SAY_H
#define SPICETAP_RECORD_SAY_H

struct record_say {
    void (*line)(void *who, const char *text); /* one sentence, without a newline */
    void *who;
};

__attribute__((format(printf, 2, 3))) void record_say(const struct record_say *say,
                                                      const char *format, ...);

#endif
