/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts of spicetap info for other programs; docs/dev/format.md lists them. */
#include <errno.h>
#include <stdio.h>

#include "report/info.h"

static void set_count(json_t *o, const char *key, uint64_t v)
{
    json_object_set_new(o, key, json_integer((json_int_t)v));
}

static json_t *losses_json(const struct model_counts *f)
{
    const struct tap_enum *reasons = &tap_enum_loss_reason;
    json_t *o = json_object(), *list = json_array();
    char text[32];

    set_count(o, "places", bounded_all(&f->listed));
    set_count(o, "events", f->lost);
    set_count(o, "places_without_count", f->lost_unknown);
    for (size_t l = 0; l < f->listed.count; l++) {
        const struct counts_loss *x = &f->losses[l];
        json_t *count = x->count == RUN_UNKNOWN ? json_null() : json_integer((json_int_t)x->count);
        json_t *one = json_pack("{sI so ss ss}", "t", (json_int_t)x->time, "count", count, "source",
                                tap_source_name(x->source), "reason",
                                info_value(reasons, x->reason, text, sizeof(text)));

        json_array_append_new(list, one);
    }
    json_object_set_new(o, "list", list);
    return o;
}

static json_t *memory_json(const struct model *x)
{
    const struct model_memory *m = &x->memory;
    const struct model_waits *w = &x->waits;
    json_t *o = json_object();

    set_count(o, "oom_episodes", m->all.ooms);
    set_count(o, "oom_ns", w->oom_ns);
    set_count(o, "oom_longest_ns", w->oom_longest);
    set_count(o, "oom_not_whole", w->oom_cut);
    set_count(o, "free_some", m->passes);
    set_count(o, "evictions", m->all.evicted);
    set_count(o, "evictions_in_oom", m->evicted_in_oom);
    set_count(o, "evictions_streamable", m->all.streamable);
    return o;
}

static json_t *stream_json(const struct info *i, const struct model_stream *s)
{
    json_t *o = json_object();
    const char *note = info_stream_note(i, s);

    set_count(o, "display", s->display);
    set_count(o, "stream", s->number);
    json_object_set_new(o, "box",
                        s->has_box ? json_pack("[iiii]", s->box[0], s->box[1], s->box[2], s->box[3])
                                   : json_null());
    json_object_set_new(o, "created", s->born ? json_integer((json_int_t)s->born) : json_null());
    set_count(o, "until", s->died);
    set_count(o, "frames", s->frames);
    json_object_set_new(o, "began_in_recording", json_boolean(s->began));
    json_object_set_new(o, "ended", json_boolean(s->ended));
    json_object_set_new(o, "end", json_string(info_stream_end(s)));
    if (note)
        json_object_set_new(o, "note", json_string(note));
    set_count(o, "losses", s->losses);
    return o;
}

static json_t *streams_json(const struct info *i)
{
    json_t *o = json_object(), *list = json_array();
    const struct model_stream *s;

    set_count(o, "created", i->model->counts.of_kind[EV_stream_create]);
    set_count(o, "stopped", i->model->counts.of_kind[EV_stream_stop]);
    set_count(o, "unlisted", info_unlisted(i));
    for (uint32_t id = 1; (s = model_stream_at(i->model, id)); id++)
        json_array_append_new(list, stream_json(i, s));
    json_object_set_new(o, "list", list);
    return o;
}

static json_t *counts_json(const uint64_t *counts, const struct tap_enum *names)
{
    json_t *o = json_object();
    char text[32];

    for (unsigned v = 0; v < COUNTS_VALUES; v++)
        if (counts[v])
            set_count(o, info_value(names, v, text, sizeof(text)), counts[v]);
    return o;
}

static json_t *table_json(const struct byte_sum *table, unsigned count,
                          const struct tap_enum *names, bool raw)
{
    json_t *o = json_object();
    char text[32];

    for (unsigned v = 0; v < count; v++) {
        json_t *row = table[v].count ? json_object() : NULL;

        if (!row)
            continue;
        set_count(row, "count", table[v].count);
        if (raw)
            set_count(row, "raw", table[v].raw);
        set_count(row, "sent", table[v].sent);
        json_object_set_new(o, info_value(names, v, text, sizeof(text)), row);
    }
    return o;
}

static json_t *bytes_json(const struct model_bytes *f)
{
    json_t *o = json_object();

    set_count(o, "stream_data", f->stream_data.sent);
    set_count(o, "stream_data_messages", f->stream_data.count);
    set_count(o, "drawing", f->drawing.sent);
    set_count(o, "drawing_messages", f->drawing.count);
    json_object_set_new(o, "other_by_channel",
                        table_json(f->channels, BYTES_CHANNELS, &tap_enum_channel, false));
    json_object_set_new(o, "images",
                        table_json(f->images, COUNTS_VALUES, &tap_enum_image_type, true));
    json_object_set_new(o, "frames", table_json(f->encoded, COUNTS_VALUES, &tap_enum_codec, true));
    return o;
}

static json_t *events_json(const struct info *i)
{
    const struct model_counts *f = &i->model->counts;
    json_t *o = json_object(), *sources = json_object(), *kinds = json_object();

    for (int s = SOURCE_SPICE; s < SOURCES; s++)
        set_count(sources, tap_source_name((enum tap_source)s), f->of_source[s]);
    for (unsigned k = 0; k < COUNTS_KINDS; k++)
        if (f->of_kind[k] && f->kinds[k])
            set_count(kinds, f->kinds[k]->name, f->of_kind[k]);
    set_count(o, "count", f->events);
    set_count(o, "first", f->first);
    set_count(o, "last", f->last);
    json_object_set_new(o, "by_source", sources);
    json_object_set_new(o, "by_kind", kinds);
    return o;
}

static json_t *logs_json(const struct info *i)
{
    json_t *list = json_array();

    for (size_t l = 0; l < i->log_count; l++) {
        const struct bundle_log *log = &i->logs[l];
        json_t *o = json_object();

        json_object_set_new(o, "name", json_string(log->name));
        set_count(o, "bytes", log->bytes);
        json_object_set_new(o, "readable", json_boolean(log->reader && !log->error));
        json_object_set_new(o, "damaged",
                            json_boolean(log->reader && tap_reader_recovered(log->reader)));
        if (log->clock)
            json_object_set_new(o, "clock", clock_map_json(log->clock, log->name));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *matches_json(const struct model_counts *f)
{
    const struct tap_enum *against = &tap_enum_match_against;
    json_t *o = json_object();
    char text[32];

    for (unsigned a = 0; a < against->count; a++)
        json_object_set_new(o, info_value(against, a, text, sizeof(text)),
                            counts_json(f->matches[a], &tap_enum_match_verdict));
    return o;
}

static json_t *took_json(const struct histogram *t)
{
    json_t *o = json_object();

    set_count(o, "shown", t->all);
    set_count(o, "mean_ns", t->all ? t->sum / t->all : 0);
    set_count(o, "longest_ns", t->longest);
    return o;
}

static json_t *clip_json(const struct info *i)
{
    const struct model_client *c = &i->model->client;
    json_t *o = json_object();

    json_object_set_new(o, "numbered", json_boolean(c->numbered));
    set_count(o, "shown", c->pictures);
    if (c->numbered) {
        set_count(o, "late", c->late);
        set_count(o, "lost", c->lost);
    }
    set_count(o, "longest_freeze_ns", c->longest_freeze);
    if (c->screen.ages.all && !c->screen.age.full) {
        set_count(o, "age_median_ns", histogram_quantile(&c->screen.ages, 0.5));
        set_count(o, "age_p95_ns", histogram_quantile(&c->screen.ages, 0.95));
    }
    if (c->screen.bars.read) {
        set_count(o, "read_ns", c->screen.bars.read);
        set_count(o, "torn_ns", c->screen.bars.torn);
    }
    return o;
}

static json_t *keys_json(const struct client_keys *k)
{
    json_t *o = json_object();

    set_count(o, "pressed", k->pressed);
    set_count(o, "answered", k->answered);
    set_count(o, "unanswered", k->unanswered);
    if (k->answered) {
        set_count(o, "median_ns", histogram_quantile(&k->took, 0.5));
        set_count(o, "p95_ns", histogram_quantile(&k->took, 0.95));
        set_count(o, "longest_ns", k->took.longest);
    }
    return o;
}

/* What run.json has of it, and what its log has. */
static json_t *client_json(const struct info *i)
{
    const struct client_arrivals *c = &i->model->client.arrivals;
    struct byte_sum all = info_client_bytes(i);
    json_t *o = json_object(), *frames = took_json(&c->frames_took);

    json_object_update(o, json_object_get(bundle_about(i->bundle), "client"));
    set_count(o, "messages", all.count);
    set_count(o, "bytes", all.sent);
    json_object_set_new(o, "by_channel",
                        table_json(c->channels, BYTES_CHANNELS, &tap_enum_channel, false));
    set_count(o, "channels_ended", c->ended);
    set_count(frames, "count", c->frames.count);
    set_count(frames, "bytes", c->frames.sent);
    set_count(frames, "too_late", c->too_late);
    json_object_set_new(o, "frames", frames);
    json_object_set_new(o, "drawings", took_json(&c->drawings_took));
    json_object_set_new(o, "clip", clip_json(i));
    if (i->model->client.keys.pressed)
        json_object_set_new(o, "keys", keys_json(&i->model->client.keys));
    return o;
}

/* What only spice-server's probes tell: null where it has none. */
static void set_server(json_t *o, const struct info *i)
{
    static const char *const names[] = {"memory",     "streams",      "draws", "matches",
                                        "trace_adds", "stream_drops", "bytes"};
    const struct model_counts *f = &i->model->counts;

    if (bundle_stock(i->bundle)) {
        for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++)
            json_object_set_new(o, names[n], json_null());
        return;
    }
    json_object_set_new(o, "memory", memory_json(i->model));
    json_object_set_new(o, "streams", streams_json(i));
    json_object_set_new(o, "draws", counts_json(f->draws, &tap_enum_draw_verdict));
    json_object_set_new(o, "matches", matches_json(f));
    json_object_set_new(o, "trace_adds", counts_json(f->trace_adds, &tap_enum_remove_reason));
    json_object_set_new(o, "stream_drops", counts_json(f->drops, &tap_enum_drop_reason));
    json_object_set_new(o, "bytes", bytes_json(&i->model->bytes));
}

static json_t *all_json(const struct info *i)
{
    static const char *const states[] = {"complete", "recording", "recovered"};
    json_t *o = json_object();

    json_object_set(o, "run", (json_t *)bundle_about(i->bundle));
    json_object_set_new(o, "state", json_string(states[bundle_state(i->bundle)]));
    set_count(o, "start", i->start);
    set_count(o, "end", i->end);
    json_object_set_new(o, "seconds", json_real(i->seconds));
    set_count(o, "bytes_on_disk", i->bytes);
    json_object_set_new(o, "logs", logs_json(i));
    json_object_set_new(o, "events", events_json(i));
    json_object_set_new(o, "losses", losses_json(&i->model->counts));
    set_server(o, i);
    if (info_has_client(i))
        json_object_set_new(o, "client", client_json(i));
    return o;
}

int info_json(const struct info *i)
{
    json_t *o = all_json(i);
    int failed = json_dumpf(o, stdout, JSON_INDENT(2));

    json_decref(o);
    putchar('\n');
    return failed && !ferror(stdout) ? -ENOMEM : 0;
}
