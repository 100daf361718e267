/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap info: a first look at a run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "cmd/commands.h"
#include "model/facts.h"
#include "report/info.h"
#include "run/input.h"

static const struct argp_option option_table[] = {
    {"json", 'j', NULL, 0, "Print the same facts as JSON", 0},
    {0},
};

static const char doc[] =
    "Prints what is in RUN and what happened in it: times that the guest ran out of graphics "
    "memory, evictions, streams and how long they lived, draws and matches by verdict, bytes by "
    "class, and what was lost. Needs neither root nor the VM."
    "\vRUN is the folder that `spicetap record` made, or one of its *.tap logs. See "
    "spicetap-info(1).";

struct options {
    const char *run;
    bool json;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case 'j':
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_NO_ARGS:
        return options_one(state, key, arg, "run", &o->run);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

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
    if (facts_gather(facts, i.bundle)) {
        bundle_close(i.bundle);
        return EXIT_ENV;
    }
    measure(&i);
    code = json ? info_json(&i) : info_text(&i);
    if (!code)
        code = input_end(i.bundle, "info", run);
    bundle_close(i.bundle);
    return code;
}

int cmd_info(int argc, char **argv)
{
    static const struct argp parser = {option_table, on_option, "RUN", doc, NULL, NULL, NULL};
    struct options o = {0};
    int code = options_parse(&parser, argc, argv, &o);

    return code == OPTIONS_GO ? look(o.run, o.json) : code;
}
