/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libfaketime looks for a semaphore and a page of shared memory, named by FAKETIME_SHARED. If the
 * page has a start, it takes that; else it sets its own. QEMU's own page is no use: it belongs to
 * QEMU's user, and may lie in a /dev of QEMU's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/client_clock.h"

enum { NAME = 64 };

static bool slow(const struct vm_clock *clock)
{
    return clock->rate > 0;
}

static void names(char *semaphore, char *page, pid_t recorder)
{
    snprintf(semaphore, NAME, "/faketime_sem_spicetap_%d", recorder);
    snprintf(page, NAME, "/faketime_shm_spicetap_%d", recorder); /* vm_clock_read knows the start */
}

static int write_page(const char *name, const struct faketime_start *start)
{
    int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    int error = fd < 0 || write(fd, start, sizeof(*start)) != sizeof(*start) ? -errno : 0;

    if (fd >= 0)
        close(fd);
    return error;
}

int client_clock_open(const struct vm_clock *clock)
{
    char semaphore[NAME], page[NAME];
    sem_t *s;
    int error;

    if (!slow(clock))
        return 0;
    client_clock_close(clock); /* what a killed recorder of this number left */
    names(semaphore, page, getpid());
    s = sem_open(semaphore, O_CREAT | O_EXCL, 0600, 1);
    error = s == SEM_FAILED ? -errno : write_page(page, &clock->start);
    if (s != SEM_FAILED)
        sem_close(s);
    if (error)
        client_clock_close(clock);
    return error;
}

/* The VM's process names the library, and the client would run its code: only root may have written
 * it. */
static bool is_roots(const char *library)
{
    struct stat st;

    return !stat(library, &st) && S_ISREG(st.st_mode) && !st.st_uid && !(st.st_mode & 022);
}

void client_clock_take(const struct vm_clock *clock)
{
    char semaphore[NAME], page[NAME], both[2 * NAME];

    if (!slow(clock) || !is_roots(clock->library))
        return; /* client_clock_same finds out */
    names(semaphore, page, getppid());
    snprintf(both, sizeof(both), "%s %s", semaphore, page);
    setenv("FAKETIME_SHARED", both, 1);
    setenv("FAKETIME", clock->faketime, 1);
    setenv("LD_PRELOAD", clock->library, 1);
}

bool client_clock_same(const struct vm_clock *clock, pid_t pid)
{
    struct loader_error e;
    struct vm_clock its;
    bool same;

    if (!slow(clock))
        return true;
    if (vm_clock_read(&its, pid, &e))
        return false;
    same = its.rate == clock->rate && its.kernel == clock->kernel && its.run == clock->run;
    vm_clock_free(&its);
    return same;
}

void client_clock_close(const struct vm_clock *clock)
{
    char semaphore[NAME], page[NAME];

    if (!slow(clock))
        return;
    names(semaphore, page, getpid());
    sem_unlink(semaphore);
    shm_unlink(page);
}
