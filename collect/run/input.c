/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/exit.h"
#include "run/input.h"

static int exit_code(int err)
{
    return err == -EACCES || err == -EPERM || err == -ENOMEM ? EXIT_ENV : EXIT_INPUT;
}

int input_open(struct bundle **out, const char *command, const char *path)
{
    int err = bundle_open(out, path);

    if (err) {
        fprintf(stderr, "spicetap %s: %s: %s\n", command, path, bundle_strerror(err));
        return exit_code(err);
    }
    if (bundle_state(*out) == BUNDLE_RECORDING)
        fprintf(stderr, "spicetap %s: %s: still being recorded: this is what there is so far\n",
                command, path);
    if (bundle_state(*out) == BUNDLE_RECOVERED)
        fprintf(stderr,
                "spicetap %s: %s: recovered: its recorder did not end in order; read as far as "
                "it goes\n",
                command, path);
    return 0;
}

int input_end(const struct bundle *b, const char *command, const char *path)
{
    const struct bundle_log *logs;
    size_t count = bundle_logs(b, &logs);
    int code = 0;

    for (size_t i = 0; i < count; i++) {
        const struct bundle_log *log = &logs[i];

        if (log->error) {
            fprintf(stderr, "spicetap %s: %s/%s: left out: %s\n", command, path, log->name,
                    bundle_strerror(log->error));
            code = EXIT_PART;
        }
        if (log->reader && tap_reader_recovered(log->reader))
            fprintf(stderr,
                    "spicetap %s: %s/%s: recovered: a part is damaged or cut off and stands as a "
                    "loss; %" PRIu64 " events are known to be lost\n",
                    command, path, log->name, tap_reader_lost(log->reader));
    }
    return code;
}
