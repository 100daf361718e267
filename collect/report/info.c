/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What text and JSON of info share. */
#include <stdio.h>

#include "report/info.h"

void info_init(struct info *i, const struct model *x)
{
    *i = (struct info){.run = x->run,
                       .bundle = x->bundle,
                       .model = x,
                       .start = x->start,
                       .end = x->end,
                       .seconds = x->seconds};
    i->log_count = bundle_logs(i->bundle, &i->logs);
    for (size_t l = 0; l < i->log_count; l++)
        i->bytes += i->logs[l].bytes;
}

const char *info_stream_end(const struct model_stream *s)
{
    const char *name;

    if (s->end_lost)
        return "end not seen";
    if (!s->ended)
        return "still running at the end";
    name = tap_enum_name(&tap_enum_stop_reason, s->reason);
    return name ? name : "for a reason this version does not know";
}

const char *info_stream_note(const struct info *i, const struct model_stream *s)
{
    if (s->began)
        return NULL;
    if (i->model->counts.listed.count && s->born >= i->start)
        return "its beginning was lost";
    return "began before the recording";
}

uint64_t info_unlisted(const struct info *i)
{
    uint64_t count = bounded_all(&i->model->streams.kept);

    return count > MODEL_STREAMS ? count - MODEL_STREAMS : 0;
}

bool info_has_client(const struct info *i)
{
    return json_is_object(json_object_get(bundle_about(i->bundle), "client")) ||
           i->model->counts.of_source[SOURCE_CLIENT];
}

struct byte_sum info_client_bytes(const struct info *i)
{
    struct byte_sum all = {0};

    for (int c = 0; c < BYTES_CHANNELS; c++) {
        all.count += i->model->client.arrivals.channels[c].count;
        all.sent += i->model->client.arrivals.channels[c].sent;
    }
    return all;
}

const char *info_value(const struct tap_enum *e, unsigned value, char *text, size_t size)
{
    const char *name = tap_enum_name(e, value);

    if (name)
        return name;
    snprintf(text, size, "%u", value);
    return text;
}
