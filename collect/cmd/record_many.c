/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/confine_calls.h"
#include "base/exit.h"
#include "cmd/record_many.h"

/* A VM to record, and the process that does. */
struct recording {
    const char *domain; /* NULL: it is named by pid */
    pid_t pid;
    char *name, *output; /* output NULL: run-NAME-TIME */
    pid_t child;
};

struct recordings {
    const struct record_command *command;
    struct recording of[RECORD_VMS];
    unsigned count, running, good, beyond; /* beyond: VMs for which there is no place */
    int stop[2];                           /* whoever reads it ends with this process */
    int code;                              /* of the first that failed */
};

/* ---- which ---- */

static void add(struct recordings *r, const char *domain, pid_t pid, const char *name)
{
    r->beyond += r->count == RECORD_VMS;
    if (r->count < RECORD_VMS)
        r->of[r->count++] = (struct recording){.domain = domain, .pid = pid, .name = strdup(name)};
}

static void add_found(void *context, pid_t pid, const char *name)
{
    add(context, NULL, pid, name);
}

static bool named_before(const struct recordings *r, unsigned i)
{
    for (unsigned j = 0; j < i; j++)
        if (!strcmp(r->of[j].name, r->of[i].name))
            return true;
    return false;
}

/* FOLDER/NAME. Two VMs of one name are told apart by their process. */
static int name_output(const struct recordings *r, unsigned i, const char *folder)
{
    struct recording *one = &((struct recordings *)r)->of[i];
    int length = named_before(r, i)
                     ? asprintf(&one->output, "%s/%s-%d", folder, one->name, one->pid)
                     : asprintf(&one->output, "%s/%s", folder, one->name);

    if (length < 0)
        return -ENOMEM;
    for (char *c = one->output + strlen(folder) + 1; *c; c++)
        *c = *c == '/' ? '_' : *c;
    return 0;
}

/* Whoever asked may remove the folder again. */
static int make_folder(const char *folder)
{
    struct confine_user user;

    if (mkdir(folder, 0750))
        return -errno;
    return confine_user_find(&user) || chown(folder, user.uid, user.gid) ? -EPERM : 0;
}

static int open_folder(const char *folder)
{
    int error = folder ? make_folder(folder) : 0;

    if (!error)
        return EXIT_DONE;
    if (error == -EEXIST)
        fprintf(stderr, "spicetap record: %s exists already: name another folder with -o\n",
                folder);
    else
        fprintf(stderr, "spicetap record: cannot make the folder %s: %s\n", folder,
                strerror(-error));
    return error == -EEXIST ? EXIT_USAGE : EXIT_ENV;
}

static int choose(struct recordings *r)
{
    const struct record_command *o = r->command;

    for (unsigned i = 0; i < o->domain_count; i++)
        add(r, o->domains[i], 0, o->domains[i]);
    if (o->all)
        vm_each(add_found, r);
    if (!r->count) {
        fprintf(stderr, "spicetap record: no VM with a name runs on this host\n");
        return EXIT_ENV;
    }
    for (unsigned i = 0; i < r->count; i++)
        if (!r->of[i].name || (o->recorder.output && name_output(r, i, o->recorder.output))) {
            fprintf(stderr, "spicetap record: out of memory\n");
            return EXIT_ENV;
        }
    return open_folder(o->recorder.output);
}

/* ---- the processes ---- */

static int record_child(const struct recordings *r, const struct recording *one)
{
    struct record_command o = *r->command;
    char who[192];

    o.recorder.domain = one->domain;
    o.recorder.pid = one->pid;
    o.recorder.output = one->output;
    o.quiet = true;
    snprintf(who, sizeof(who), "spicetap record: %s", one->name);
    return record_one(&o, r->stop[0], who);
}

static void begin(struct recordings *r, struct recording *one)
{
    one->child = fork();
    if (!one->child) {
        close(r->stop[1]);
        exit(record_child(r, one));
    }
    if (one->child > 0) {
        r->running++;
        return;
    }
    fprintf(stderr, "spicetap record: %s: no process for its recorder\n", one->name);
    r->code = EXIT_ENV;
}

static void collect(struct recordings *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        int status, code;

        if (r->of[i].child <= 0 || waitpid(r->of[i].child, &status, WNOHANG) != r->of[i].child)
            continue;
        r->of[i].child = 0;
        r->running--;
        code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_PART;
        if (!WIFEXITED(status))
            fprintf(stderr, "spicetap record: %s: its recorder was killed\n", r->of[i].name);
        r->good += code == EXIT_DONE;
        r->code = r->code ? r->code : code;
    }
}

/* A line on a terminal, gone before the next message. */
static void live(const struct recordings *r, unsigned seconds)
{
    if (!r->command->quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "\r%u s  %u of %u VMs are recorded\033[K\r", seconds, r->running, r->count);
}

static void wait_for(struct recordings *r, int signals)
{
    enum { SECOND_MS = 1000 };
    struct pollfd fd = {.fd = signals, .events = POLLIN};
    bool open = true;
    unsigned seconds = 0;

    while (r->running) {
        poll(&fd, 1, SECOND_MS);
        if (fd.revents && open) {
            close(r->stop[1]); /* all of them see it */
            open = false;
            fd.fd = -1;
        }
        collect(r);
        if (open && r->running)
            live(r, ++seconds);
    }
    if (open)
        close(r->stop[1]);
}

int record_many(const struct record_command *o)
{
    struct recordings *r = calloc(1, sizeof(*r));
    const char *what;
    int code, signals;

    if (!r || pipe2(r->stop, O_CLOEXEC)) {
        free(r);
        fprintf(stderr, "spicetap record: out of memory\n");
        return EXIT_ENV;
    }
    r->command = o;
    signals = o->recorder.stop;
    code = choose(r);
    for (unsigned i = 0; !code && i < r->count; i++)
        begin(r, &r->of[i]);
    /* From now on this process only waits. */
    if (r->running && (confine_nowhere(&what) || confine_to_files(false)))
        fprintf(stderr, "spicetap record: the process that waits keeps its rights\n");
    wait_for(r, signals);
    if (!code)
        code = (r->code || r->beyond) && r->good ? EXIT_PART : r->code;
    if (!r->good && o->recorder.output)
        rmdir(o->recorder.output); /* only if it is empty */
    if (r->beyond)
        fprintf(stderr, "spicetap record: %u more VMs were not recorded: at most %d are\n",
                r->beyond, RECORD_VMS);
    close(r->stop[0]);
    for (unsigned i = 0; i < r->count; i++) {
        free(r->of[i].name);
        free(r->of[i].output);
    }
    free(r);
    return code;
}
