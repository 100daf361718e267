/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever run.json holds, opening and describing the run must not crash.
 * A long run: scripts/fuzz.sh run build/fuzz/fuzz_run 3600
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/bundle.h"
#include "report/info.h"

static char folder[64] = "/tmp/spicetap-fuzz-XXXXXX";

static void clean(void)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/run.json", folder);
    unlink(path);
    rmdir(folder);
}

/* What info prints is not what is looked for here. */
static void silent(struct info *i)
{
    int kept = dup(STDOUT_FILENO), null = open("/dev/null", O_WRONLY);

    fflush(stdout);
    dup2(null, STDOUT_FILENO);
    info_text(i);
    info_json(i);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(null);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model *x; /* of a run without events */
    struct info i;
    char path[128];
    json_t *run;
    FILE *f;

    if (bundle_parse((const char *)data, size, &run))
        return 0;
    json_decref(run);
    snprintf(path, sizeof(path), "%s/run.json", folder);
    f = fopen(path, "w");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f))
        abort();
    if (!x && model_new(&x))
        abort();
    x->run = folder;
    x->seconds = 1;
    if (!bundle_open(&x->bundle, folder)) {
        info_init(&i, x);
        silent(&i);
        bundle_close(x->bundle);
    }
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char seed[] =
        "{\"format\":{\"major\":1,\"minor\":0},\"state\":\"recording\",\"started\":{\"wall\":"
        "\"2026-01-01T00:00:00Z\",\"monotonic\":5},\"ended\":{\"monotonic\":9},\"logs\":["
        "\"spice.tap\"],\"host\":{\"cores\":2,\"cpu\":\"x\"},\"target\":{\"pid\":7,\"qemu\":{"
        "\"build_id\":\"ab\"}},\"devices\":[{\"driver\":\"qxl\",\"properties\":{\"ram_size\":"
        "\"67108864\"}}]}";

    if (!mkdtemp(folder))
        return 1;
    atexit(clean);
    for (int i = 1; i < *argc; i++)
        if ((*argv)[i][0] != '-') {
            char path[4096];
            FILE *f;

            snprintf(path, sizeof(path), "%s/seed-run", (*argv)[i]);
            f = fopen(path, "wx");
            if (f) {
                fwrite(seed, 1, sizeof(seed) - 1, f);
                fclose(f);
            }
            break;
        }
    return 0;
}
