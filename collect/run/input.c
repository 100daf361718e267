/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/exit.h"
#include "run/input.h"

static int exit_code(int err)
{
    return err == -EACCES || err == -EPERM || err == -ENOMEM ? EXIT_ENV : EXIT_INPUT;
}

/* A folder without run.json is no run; any other error is of its run.json. */
static bool is_folder(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISDIR(st.st_mode);
}

int input_open(struct bundle **out, const char *command, const char *path)
{
    int err = bundle_open(out, path);

    if (err) {
        fprintf(stderr, "spicetap %s: %s%s: %s\n", command, path,
                is_folder(path) && err != -ENODATA ? "/run.json" : "", bundle_strerror(err));
        return exit_code(err);
    }
    if (bundle_state(*out) == BUNDLE_RECORDING)
        fprintf(stderr, "spicetap %s: %s: still being recorded; this is what there is so far\n",
                command, path);
    if (bundle_state(*out) == BUNDLE_RECOVERED)
        fprintf(stderr,
                "spicetap %s: %s: recovered: its recorder was killed or its disk was full; the end "
                "of each log is missing\n",
                command, path);
    return 0;
}

const char *input_warning(const struct bundle *b)
{
    const struct bundle_log *logs;
    size_t count = bundle_logs(b, &logs);
    bool missed = false;

    for (size_t i = 0; i < count; i++) {
        if (logs[i].error || !logs[i].reader)
            return "A log of this run is damaged or missing: what it had is not here.";
        missed |= tap_reader_missed(logs[i].reader);
    }
    switch (bundle_state(b)) {
    case BUNDLE_RECORDING:
        return "This run is still being recorded: it ends here where its logs end now.";
    case BUNDLE_RECOVERED:
        return "The recorder of this run was killed, or its disk was full: the end is missing.";
    default:
        return missed ? "A log of this run is damaged in part: what is missing counts as lost."
                      : "";
    }
}

static void print_recovered(const struct bundle_log *log, const char *command, const char *path)
{
    uint64_t lost = tap_reader_lost(log->reader);

    if (!tap_reader_missed(log->reader)) {
        fprintf(stderr, "spicetap %s: %s/%s: damaged, but no event of it is missing\n", command,
                path, log->name);
        return;
    }
    fprintf(stderr,
            "spicetap %s: %s/%s: recovered: a part is damaged or missing and counts as a loss; ",
            command, path, log->name);
    if (lost)
        fprintf(stderr, "at least %" PRIu64 " event%s of this log are lost\n", lost,
                lost == 1 ? "" : "s");
    else
        fprintf(stderr, "how many events are lost is not known\n");
}

static int end_log(const struct bundle_log *log, const char *command, const char *path)
{
    const char *field;
    unsigned left_out = log->reader ? tap_reader_left_out(log->reader, &field) : 0;

    if (left_out)
        fprintf(stderr,
                "spicetap %s: %s/%s: %u field%s left out, the first is %s: this version has room "
                "for %d values in an event\n",
                command, path, log->name, left_out, left_out == 1 ? " is" : "s are", field,
                TAP_MAX_SLOTS);
    if (log->reader && tap_reader_recovered(log->reader))
        print_recovered(log, command, path);
    if (!log->error)
        return 0;
    fprintf(stderr, "spicetap %s: %s/%s: left out: %s\n", command, path, log->name,
            log->error == -ENOENT ? "run.json lists it, and it is not there"
                                  : bundle_strerror(log->error));
    return EXIT_PART;
}

int input_end(const struct bundle *b, const char *command, const char *path)
{
    const struct bundle_log *logs;
    const struct bundle_bad *bad;
    size_t count = bundle_logs(b, &logs), bad_count = bundle_bad_files(b, &bad);
    int code = 0;

    for (size_t i = 0; i < count; i++) {
        int part = end_log(&logs[i], command, path);

        code = code ? code : part;
    }
    for (size_t i = 0; i < bad_count; i++) {
        fprintf(stderr, "spicetap %s: %s/%s: not read: %s\n", command, path, bad[i].name,
                bundle_strerror(bad[i].error));
        code = EXIT_PART;
    }
    if (bundle_logs_over(b)) {
        fprintf(stderr, "spicetap %s: %s: %zu log%s left out: a run has at most 16\n", command,
                path, bundle_logs_over(b), bundle_logs_over(b) == 1 ? " is" : "s are");
        code = EXIT_PART;
    }
    return code;
}
