/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the model says in sentences, and the events that each sentence rests on. */
#ifndef SPICETAP_EXPLAIN_H
#define SPICETAP_EXPLAIN_H

#include "model/model.h"

/* What an event must be besides, as the first pass knows it. */
enum select_rule {
    RULE_NONE,
    RULE_CAUSE,      /* of a stream that ended by cause `value` */
    RULE_DELETES,    /* in an episode in which nobody asked for memory */
    RULE_ASK,        /* what was asked for in its episode, in domain `value` */
    RULE_FULLEST,    /* the memory of domain `value` was never fuller */
    RULE_OF_STREAM,  /* an eviction of a running stream's frame */
    RULE_HOST_LOSS,  /* lost of spice-server's events */
    RULE_GUEST_LOSS, /* lost of the guest's or QEMU's */
    RULE_CLIP_PLACE, /* in the place where the client read its numbers */
    RULE_COUNTS, /* a wait that held the guest up, a command that ended a block, a dropped call */
};

/* Which events a sentence rests on. 0 in a field: any. */
struct select {
    uint64_t from, to;
    uint16_t kinds[8]; /* ends with 0 */
    uint32_t stream, region, episode, other_region;
    uint32_t display;  /* its id + 1 */
    uint32_t outcomes; /* of a region's redraws: bits of enum outcome */
    uint32_t refused;  /* redraws of this stream's place that it did not get */
    bool late;         /* ... those too late as well */
    const char *field; /* NULL, or it must have this value */
    uint64_t value;
    enum select_rule rule;
};

struct sentence {
    char ref[24];
    char object; /* letter of the ref: r(un) is x */
    uint32_t id;
    unsigned number;
    char text[768];
    const struct select *selects;
    size_t count;
};

struct sayer {
    void (*say)(struct sayer *s, const struct sentence *what);
    bool deep; /* all there is, not only the page */
    void *arg;
};

enum verdict_of { VERDICT_SUPPORTED, VERDICT_REFUTED, VERDICT_INCONCLUSIVE };
extern const char *const verdict_of_names[3],
    *const cause_names[CAUSES], *const outcome_names[OUTCOMES], *const outcome_words[OUTCOMES],
                                                                    *const cause_words[CAUSES];
enum { HYPOTHESES = 5 };
extern const char *const hypothesis_words[HYPOTHESES];

void say_episodes(const struct model *x, struct sayer *s); /* e0: all of them */
void say_episode(const struct model *x, const struct model_episode *e, struct sayer *s);
void say_streams(const struct model *x, struct sayer *s);
void say_stream(const struct model *x, const struct model_stream *t, struct sayer *s);
void say_regions(const struct model *x, struct sayer *s);
void say_region(const struct model *x, const struct model_region *r, struct sayer *s);
void say_traffic(const struct model *x, struct sayer *s);
enum verdict_of say_hypothesis(const struct model *x, int n, struct sayer *s); /* 1 to 5 */
void say_all(const struct model *x, struct sayer *s);
/* A sentence: printf's way. */
void say(struct sayer *s, char object, uint32_t id, unsigned number, const struct select *selects,
         size_t count, const char *format, ...) __attribute__((format(printf, 7, 8)));

/* Text of a span, a time since the start, a size, a box: `text` has TEXT_SIZE bytes. */
enum { TEXT_SIZE = 64 };
const char *text_span(uint64_t ns, char *text);
const char *text_at(const struct model *x, uint64_t time, char *text);
const char *text_bytes(uint64_t bytes, char *text);
const char *text_box(const int32_t *box, char *text);
const char *text_display(const struct model *x, uint32_t id, char *text); /* "": there is but one */
const char *text_s(uint64_t n);                                           /* "" or "s" */
const char *text_were(uint64_t n);                                        /* "was" or "were" */
double percent(uint64_t part, uint64_t all);
/* The most frequent refusal of a region's redraws; OUTCOMES: none. */
enum outcome model_main_refusal(const uint64_t *out, uint64_t *count);
bool model_is_refusal(enum outcome o);
uint64_t model_refusals(const uint64_t *out);

struct explain_options {
    const char *events; /* a reference, or NULL */
    uint32_t stream, episode, region;
    double at; /* s, negative: not asked */
    bool json;
};

/* Opens the run again and lists the events behind a sentence, or around a time. */
int explain_events(const struct model *x, const struct explain_options *o);

#endif
