/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap info: a first look at a run. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "model/facts.h"
#include "report/info.h"
#include "run/input.h"

const char help_info[] =
    "Usage: spicetap info RUN [--json]\n"
    "\n"
    "Says what is in RUN (the folder `spicetap record` made, or one of its *.tap logs) and what\n"
    "happened in it: OOM episodes and evictions, streams and how long they lived, draws and\n"
    "matches by verdict, bytes by class, and what was lost. Needs neither root nor the VM.\n"
    "\n"
    "      --json  the same facts as JSON\n"
    "  -h, --help  this text\n";

static void facts_free(struct facts **f)
{
    free(*f);
}

static void measure(struct info *i)
{
    bundle_window(i->bundle, &i->start, &i->end);
    if (!i->start)
        i->start = i->facts->first;
    if (!i->end)
        i->end = i->facts->last;
    if (i->end < i->start)
        i->end = i->start;
    i->seconds = (double)(i->end - i->start) / 1e9;
    i->log_count = bundle_logs(i->bundle, &i->logs);
    for (size_t l = 0; l < i->log_count; l++)
        i->bytes += i->logs[l].bytes;
}

const char *info_stream_end(const struct facts_stream *s)
{
    static const struct tap_enum *reasons;
    const char *name;

    if (s->end_lost)
        return "end not seen";
    if (!s->ended)
        return "still running at the end";
    if (!reasons) {
        const struct tap_kind_desc *stop = tap_kind_find(EV_stream_stop);

        for (unsigned f = 0; f < stop->count; f++)
            if (!strcmp(stop->fields[f].name, "reason"))
                reasons = stop->fields[f].names;
    }
    name = tap_enum_name(reasons, s->reason);
    return name ? name : "for a reason this version does not know";
}

const char *info_stream_note(const struct info *i, const struct facts_stream *s)
{
    if (s->began)
        return NULL;
    if (i->facts->all_losses && s->created >= i->start)
        return "its beginning was lost";
    return "began before the recording";
}

bool info_has_client(const struct info *i)
{
    return json_is_object(json_object_get(bundle_about(i->bundle), "client")) ||
           i->facts->of_source[SOURCE_CLIENT];
}

struct facts_bytes info_client_bytes(const struct info *i)
{
    struct facts_bytes all = {0};

    for (int c = 0; c < FACTS_CHANNELS; c++) {
        all.count += i->facts->client.channels[c].count;
        all.sent += i->facts->client.channels[c].sent;
    }
    return all;
}

const struct tap_enum *info_enum(uint16_t kind, const char *field)
{
    const struct tap_kind_desc *k = tap_kind_find(kind);

    for (unsigned f = 0; f < k->count; f++)
        if (!strcmp(k->fields[f].name, field))
            return k->fields[f].names;
    return NULL;
}

const char *info_value(const struct tap_enum *e, unsigned value, char *text, size_t size)
{
    const char *name = tap_enum_name(e, value);

    if (name)
        return name;
    snprintf(text, size, "%u", value);
    return text;
}

static int look(const char *run, bool json)
{
    struct facts *facts __attribute__((cleanup(facts_free))) = calloc(1, sizeof(*facts));
    struct info i = {.run = run, .facts = facts};
    int code = facts ? input_open(&i.bundle, "info", run) : EXIT_ENV;

    if (code)
        return code;
    facts_gather(facts, i.bundle);
    measure(&i);
    code = json ? info_json(&i) : info_text(&i);
    if (!code)
        code = input_end(i.bundle, "info", run);
    bundle_close(i.bundle);
    return code;
}

int cmd_info(int argc, char **argv)
{
    static const struct option longs[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    bool json = false;
    int c;

    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (c == '?')
            return EXIT_USAGE;
        if (c == 'h') {
            fputs(help_info, stdout);
            return EXIT_DONE;
        }
        json = true;
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "spicetap info: %s; see spicetap info --help\n",
                optind == argc ? "no run given" : "one run at a time");
        return EXIT_USAGE;
    }
    return look(argv[optind], json);
}
