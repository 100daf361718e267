/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the results as JSON, as a summary and as a live line. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <spice/enums.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "meter.h"

static json_t *number(uint64_t v)
{
    return json_integer((json_int_t)v);
}

static double seconds_of(const struct meter *m)
{
    return m->opened && m->ended > m->opened ? (double)(m->ended - m->opened) / 1e9 : 0;
}

static json_t *tally(const struct tally *t)
{
    return json_pack("{s:o, s:o}", "messages", number(t->messages), "bytes", number(t->bytes));
}

static json_t *types(const struct count_channel *ch)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < COUNT_TYPES; i++) {
        const char *name = wire_message_name(ch->type, i);

        if (ch->types[i].messages)
            json_array_append_new(list, json_pack("{s:i, s:s?, s:o, s:o}", "msg", i, "name", name,
                                                  "messages", number(ch->types[i].messages),
                                                  "bytes", number(ch->types[i].bytes)));
    }
    return list;
}

static json_t *images(const struct count_channel *ch)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < COUNT_IMAGES; i++)
        if (ch->images[i].messages)
            json_array_append_new(list, json_pack("{s:i, s:o, s:o}", "type", i, "messages",
                                                  number(ch->images[i].messages), "bytes",
                                                  number(ch->images[i].bytes)));
    return list;
}

static json_t *streams(const struct count_channel *ch)
{
    json_t *list = json_array();

    for (unsigned i = 0; ch->streams && i < COUNT_STREAMS; i++) {
        const struct count_stream *s = &ch->streams[i];

        if (s->used)
            json_array_append_new(
                list, json_pack("{s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "stream", i, "codec",
                                s->codec, "created", number(s->created), "ended", number(s->ended),
                                "frames", number(s->frames.messages), "bytes",
                                number(s->frames.bytes), "shown", number(s->pictures)));
    }
    return list;
}

static json_t *channel(const struct count_channel *ch)
{
    json_t *o = json_pack("{s:i, s:i, s:b, s:o, s:o, s:o, s:o, s:o}", "channel", ch->type, "id",
                          ch->id, "mini_header", ch->wire.mini, "total", tally(&ch->total),
                          "link_bytes", number(ch->wire.link_bytes), "rest", number(ch->wire.rest),
                          "up_bytes", number(ch->up), "types", types(ch));

    if (ch->wire.opaque)
        json_object_set_new(o, "opaque_bytes", number(ch->wire.opaque));
    if (ch->type == SPICE_CHANNEL_DISPLAY) {
        json_object_set_new(o, "images", images(ch));
        json_object_set_new(o, "streams", streams(ch));
    }
    return o;
}

static json_t *spread(struct samples *s)
{
    return json_pack("{s:o, s:I, s:I, s:I}", "count", number(s->count), "p50_ns",
                     (json_int_t)samples_percentile(s, 50), "p95_ns",
                     (json_int_t)samples_percentile(s, 95), "max_ns", (json_int_t)s->max);
}

static json_t *bars(const struct clip *c)
{
    json_t *list = json_array();

    for (int i = 0; i < CLIP_BARS; i++)
        json_array_append_new(list, json_pack("{s:i, s:o, s:o}", "left", clip_bar(c, i).left,
                                              "looks", number(c->bar[i].looks), "unreadable",
                                              number(c->bar[i].unread)));
    return list;
}

static json_t *clip(struct meter *m)
{
    struct clip *c = &m->clip;
    struct wire_rect at = clip_region(c);
    double seconds = seconds_of(m);
    json_t *o = json_pack("{s:b, s:o, s:f, s:o, s:I}", "numbered", c->numbered, "distinct",
                          number(clip_distinct(c)), "distinct_per_second",
                          seconds > 0 ? (double)clip_distinct(c) / seconds : 0.0, "interval",
                          spread(&c->intervals), "longest_freeze_ns", (json_int_t)c->longest);

    json_object_set_new(o, "region",
                        json_pack("[i, i, i, i]", at.left, at.top, at.right, at.bottom));
    json_object_set_new(o, "looks", number(c->looks));
    json_object_set_new(o, "unreadable", number(c->unread));
    json_object_set_new(o, "bars", bars(c));
    if (c->numbered) {
        json_object_set_new(o, "age", spread(&c->ages));
        json_object_set_new(o, "read_ns", number(c->bars.read));
        json_object_set_new(o, "torn_ns", number(c->bars.torn));
        json_object_set_new(o, "shown", number(c->shown));
        json_object_set_new(o, "late", number(c->late));
        json_object_set_new(o, "lost", number(c->lost));
        json_object_set_new(o, "backwards", number(c->backwards));
    }
    return o;
}

static json_t *keys_json(struct meter *m)
{
    const struct keys *k = &m->keys;
    struct wire_rect box = keys_box(k);
    json_t *o =
        json_pack("{s:i, s:i, s:I, s:[i, i, i, i], s:i, s:i, s:i, s:o}", "asked", k->spec.count,
                  "every_ms", k->spec.every, "limit_ns", (json_int_t)k->limit, "box", box.left,
                  box.top, box.right, box.bottom, "pressed", k->pressed, "answered", k->answered,
                  "unanswered", k->unanswered, "answer", spread(&m->keys.took));
    json_t *list = json_array();

    for (unsigned i = 0; i < k->pressed; i++)
        json_array_append_new(
            list,
            json_pack("{s:I, s:o}", "time", (json_int_t)k->presses[i].time, "took_ns",
                      k->presses[i].took < 0 ? json_null() : json_integer(k->presses[i].took)));
    json_object_set_new(o, "presses", list);
    return o;
}

static json_t *link_json(const struct options *o)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "words", o->link_words, "rtt_ns", number(o->link.rtt),
                     "bytes_per_second", number(o->link.rate), "queue_bytes",
                     number(o->link.queue));
}

static json_t *all(struct meter *m)
{
    char uri[TARGET_TEXT];
    struct tally total;
    uint64_t link;
    json_t *channels = json_array(), *o;

    target_text(&m->options->target, uri, sizeof(uri));
    counts_total(&m->counts, &total, &link);
    for (unsigned i = 0; i < m->counts.count; i++)
        json_array_append_new(channels, channel(m->counts.channels[i]));
    o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:I}", "uri", uri, "end", m->end ? m->end : "",
                  "opened", (json_int_t)m->opened, "ready", (json_int_t)m->ready, "ended",
                  (json_int_t)m->ended, "seconds", seconds_of(m), "rate_limit",
                  (json_int_t)m->options->rate);
    if (m->options->link_words)
        json_object_set_new(o, "link", link_json(m->options));
    if (m->options->compression)
        json_object_set_new(o, "asked_compression", json_string(m->options->compression));
    json_object_set_new(o, "total", tally(&total));
    json_object_set_new(o, "link_bytes", number(link));
    json_object_set_new(o, "channels", channels);
    json_object_set_new(o, "decode",
                        json_pack("{s:o, s:o, s:o}", "frames", spread(&m->counts.frame_took),
                                  "frames_beyond_due", spread(&m->counts.frame_beyond), "drawings",
                                  spread(&m->counts.draw_took)));
    json_object_set_new(o, "unmatched_pictures", number(m->counts.unmatched));
    json_object_set_new(o, "clip", clip(m));
    if (m->keys.spec.count)
        json_object_set_new(o, "keys", keys_json(m));
    if (m->options->pictures)
        json_object_set_new(o, "pictures", pictures_json(&m->pictures));
    if (m->error[0])
        json_object_set_new(o, "error", json_string(m->error));
    return o;
}

int report_json(struct meter *m)
{
    char path[4096];
    json_t *o = all(m);
    int error = 0;

    if (snprintf(path, sizeof(path), "%s.new", m->options->json) >= (int)sizeof(path))
        error = -ENAMETOOLONG;
    else if (json_dump_file(o, path, JSON_INDENT(2)))
        error = errno ? -errno : -EIO;
    else if (rename(path, m->options->json))
        error = -errno;
    json_decref(o);
    return error;
}

void report_live(struct meter *m)
{
    uint64_t now = relay_now(), link;
    struct tally total;
    double seconds = m->before.time ? (double)(now - m->before.time) / 1e9 : 1;

    pthread_mutex_lock(&m->lock);
    counts_total(&m->counts, &total, &link);
    pthread_mutex_unlock(&m->lock);
    fprintf(stderr,
            "\r%" PRIu64 " s  %.0f kB/s  %.0f pictures/s  late %" PRIu64 "  lost %" PRIu64 "\033[K",
            (now - m->opened) / UINT64_C(1000000000),
            (double)(total.bytes - m->before.all.bytes) / seconds / 1000,
            (double)(clip_distinct(&m->clip) - m->before.distinct) / seconds, m->clip.late,
            m->clip.lost);
    m->before.time = now;
    m->before.all = total;
    m->before.distinct = clip_distinct(&m->clip);
}

void report_text(struct meter *m)
{
    struct counts *c = &m->counts;
    struct tally total;
    uint64_t link;

    counts_total(c, &total, &link);
    printf("%.1f s: %" PRIu64 " messages, %" PRIu64 " bytes (and %" PRIu64 " of the links); %s\n",
           seconds_of(m), total.messages, total.bytes, link, m->end ? m->end : "");
    printf("frames: %" PRIu64 " shown, from last byte to picture p50 %.1f p95 %.1f max %.1f ms\n",
           c->frame_took.count, (double)samples_percentile(&c->frame_took, 50) / 1e6,
           (double)samples_percentile(&c->frame_took, 95) / 1e6, (double)c->frame_took.max / 1e6);
    printf("drawings: %" PRIu64 ", p50 %.1f p95 %.1f max %.1f ms\n", c->draw_took.count,
           (double)samples_percentile(&c->draw_took, 50) / 1e6,
           (double)samples_percentile(&c->draw_took, 95) / 1e6, (double)c->draw_took.max / 1e6);
    if (m->clip.numbered)
        printf("clip: %" PRIu64 " frames shown, %" PRIu64 " late, %" PRIu64 " lost\n",
               m->clip.shown, m->clip.late, m->clip.lost);
    else
        printf("clip: no number could be read; %" PRIu64 " changes of its region\n",
               m->clip.changes);
    if (m->keys.pressed)
        printf("keys: %u pressed, %u answered, p50 %.1f p95 %.1f max %.1f ms; %u without answer\n",
               m->keys.pressed, m->keys.answered,
               (double)samples_percentile(&m->keys.took, 50) / 1e6,
               (double)samples_percentile(&m->keys.took, 95) / 1e6, (double)m->keys.took.max / 1e6,
               m->keys.unanswered);
    printf("longest freeze %.1f s", (double)m->clip.longest / 1e9);
    if (m->clip.ages.count)
        printf("; age of the picture p50 %.0f p95 %.0f ms",
               (double)samples_percentile(&m->clip.ages, 50) / 1e6,
               (double)samples_percentile(&m->clip.ages, 95) / 1e6);
    if (m->clip.bars.read)
        printf("; torn %.1f%% of the time",
               100 * (double)m->clip.bars.torn / (double)m->clip.bars.read);
    printf("\n");
}
