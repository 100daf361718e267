/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "base/signals.h"

int signals_open(void)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction now;
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
        if (!sigaction(ending[i], NULL, &now) && now.sa_handler != SIG_IGN)
            sigaddset(&set, ending[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
