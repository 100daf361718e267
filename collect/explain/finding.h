/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A finding is what one rule concluded about one thing: its verdict, how sure that is, the numbers,
 * and the events that prove it. Pages render findings and add nothing: no number, no decision.
 */
#ifndef SPICETAP_FINDING_H
#define SPICETAP_FINDING_H

#include "explain/evidence.h"
#include "explain/rules.h"
#include "model/model.h"

enum {
    FINDING_VALUES = 24,
    FINDING_EVIDENCE = 10,
    FINDING_REF = 24, /* bytes of a reference's text */
};

/* How a value is printed. A value's name says its unit too: _ns, _bytes, _bits (a
 * second), _percent, a count else. */
enum unit {
    UNIT_COUNT,
    UNIT_SPAN, /* ns */
    UNIT_TIME, /* ns, CLOCK_MONOTONIC; a page prints it since the run's start */
    UNIT_BYTES,
    UNIT_BITS, /* a second */
    UNIT_PERCENT,
    UNIT_RATE, /* real */
    UNIT_BOX,
    UNIT_STREAM, /* ids: s3, r2, e5, b1 */
    UNIT_REGION,
    UNIT_EPISODE,
    UNIT_ALTERNATE,
    UNIT_OUTCOME, /* enum outcome: a page prints its words */
    UNIT_WORD,
};

struct value {
    const char *name;
    enum unit unit;
    bool unknown; /* a count that is not known, such as of lost events */
    union {
        uint64_t n;
        double real;
        int32_t box[4];
        const char *word;
    };
};

/* Why a verdict is not certain. */
enum unsure {
    SURE,
    UNSURE_LOST,       /* events of spice-server were lost */
    UNSURE_GUEST_LOST, /* events of the guest or of QEMU were lost */
    UNSURE_CLOCK,      /* the guest's clock is not known well enough */
    UNSURE_GUEST_GONE, /* the guest's agent was gone while the guest waited */
    UNSURE_DISPLAY,    /* the guest's events name no display */
    UNSURE_BEFORE,     /* the recording began too late */
    UNSURE_TABLE,      /* a table was full */
    UNSURE_NO_GUEST,   /* there is no log of a guest */
    UNSURE_GUEST_PART, /* the guest's events do not cover the whole run */
    UNSURE_NO_CLIENT,  /* there is no log of a client */
    UNSURE_NO_PROBE,   /* the probes that would show it were not recorded */
    UNSURE_NOT_SEEN,   /* no event shows it, and none rules it out */
    UNSURE_ONE_RUN,    /* it takes several runs */
    UNSURES,
};

/* What to change, where the evidence names it. */
enum change {
    CHANGE_NONE,
    CHANGE_RAM,        /* domain XML: the device's ram */
    CHANGE_VRAM,       /* domain XML: the device's vram */
    CHANGE_STREAMING,  /* domain XML: the streaming mode */
    CHANGE_STREAM_ALL, /* domain XML: streaming mode `all` */
    CHANGE_NOT_MEMORY, /* guest: its driver calls without need; memory does not help */
    CHANGE_PLAYER,     /* guest: the player drew nothing, or in another way */
    CHANGE_LINK,       /* client: it, or the link, is too slow */
    CHANGE_SPICE,      /* package: a newer spice-server */
    CHANGE_BIT_RATE,   /* domain XML: SPICE_BIT_RATE; or the package */
    CHANGE_BOX,        /* guest: keep the video's box still */
    CHANGE_RING,       /* spicetap record: a larger ring */
    CHANGES,
};

struct finding {
    enum rule rule;
    const char *verdict; /* one of a short list for each rule */
    enum unsure unsure;
    enum change change;
    char ref[FINDING_REF];
    char object; /* the reference's letter; r is a region, t the run's throughput */
    uint32_t id; /* 0: about all of them */
    bool has_display;
    uint32_t display;
    uint64_t cost;     /* ns of the viewer's time, of a finding that In short can choose */
    bool lost_unknown; /* the run has losses of unknown size: no count of lost events is certain */
    uint64_t start;    /* of the run: UNIT_TIME counts from it */
    struct value values[FINDING_VALUES];
    size_t value_count;
    struct select evidence[FINDING_EVIDENCE];
    size_t evidence_count;
};

/* Takes findings one by one. */
struct finder {
    void (*found)(struct finder *s, const struct finding *f);
    bool deep; /* all there is, not only what the page shows */
    void *arg;
};

extern const char *const rule_names[RULES], *const unsure_names[UNSURES],
                                                *const change_names[CHANGES];

/* A finding of that rule, without values. `offset` is added to the rule's number. */
struct finding finding_new(const struct model *x, enum rule rule, uint32_t id, unsigned offset,
                           const char *verdict);

void put_count(struct finding *f, const char *name, uint64_t n);
void put_unknown(struct finding *f, const char *name);
void put_span(struct finding *f, const char *name, uint64_t ns);
void put_time(struct finding *f, const char *name, uint64_t ns);
void put_bytes(struct finding *f, const char *name, uint64_t bytes);
void put_bits(struct finding *f, const char *name, uint64_t bits);
void put_percent(struct finding *f, const char *name, uint64_t part, uint64_t all);
void put_rate(struct finding *f, const char *name, double rate);
void put_box(struct finding *f, const char *name, const int32_t *box);
void put_id(struct finding *f, const char *name, enum unit unit, uint32_t id);
void put_word(struct finding *f, const char *name, const char *word);
/* The outcome, with the server's limits that its words name. */
void put_outcome(struct finding *f, const char *name, enum outcome o);
/* With what its words name besides. */
void put_change(struct finding *f, const struct model *x, enum change change);
/* The finding is of that display; named in the text where there are several. */
void put_display(struct finding *f, const struct model *x, uint32_t display);

void put_evidence(struct finding *f, struct select events);

/* Events were lost: the finding is unsure of that, with their number and the loss events. */
void doubt_lost(struct finding *f, enum unsure why, uint64_t events, uint64_t places);

const struct value *finding_value(const struct finding *f, const char *name); /* NULL: none */

#endif
