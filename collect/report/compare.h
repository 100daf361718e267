/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap compare: the matrix, a row a run or a row an experiment that was repeated. */
#ifndef SPICETAP_COMPARE_H
#define SPICETAP_COMPARE_H

#include <stdio.h>

#include "event/row.h"
#include "explain/names.h"

enum { COMPARE_RUNS = 256, COMPARE_NAME = 128 };

/* C(name, unit, help). A value that is unknown for a run is empty, never 0. The clip is the same
 * place as in explain. */
#define COMPARE_COLUMNS(C)                                                                         \
    C(seconds, "s", "length of the recording")                                                     \
    C(ooms_a_minute, "1/min", "how often the guest ran out of graphics memory; QXL alone")         \
    C(still_share, "%", "of the run that the guest stood still for it, at least")                  \
    C(waited_share, "%", "of the run that the guest waited, by its own events")                    \
    C(evicted, "drawables", "given up to make room")                                               \
    C(streams, "", "seen")                                                                         \
    C(life, "s", "median, of streams that began and ended in the recording")                       \
    C(clip_streamed, "%", "of the clip's redraws, and so of its area, that were streamed")         \
    C(clip_time, "%", "of the time that the clip was drawn in which it was a stream")              \
    C(clip_frames, "1/s", "pictures of the clip that the client showed")                           \
    C(interval_median, "ms", "between two of them")                                                \
    C(interval_p95, "ms", "the same, 95th percentile")                                             \
    C(longest_freeze, "s", "longest time without a new one")                                       \
    C(age_median, "ms", "that the picture on the screen was behind the clip's own schedule")       \
    C(age_p95, "ms", "the same, 95th percentile")                                                  \
    C(torn, "%", "of the time that parts of the screen showed different frames of the clip")       \
    C(ssim, "%", "median SSIM of the client's kept pictures, of the clip's own frames")            \
    C(put_off, "s", "longest that a frame of video waited at the client until it was due")         \
    C(net_test, "Mbit/s", "measured as the client connected; empty if the test gave no result")    \
    C(first_rate, "Mbit/s", "that the server took for all streams together as the first began")    \
    C(least_rate, "Mbit/s", "lowest bit rate of an encoder")                                       \
    C(skipped, "%", "of the streams' frames that the encoder skipped to keep its bit rate")        \
    C(delay_asked, "s", "longest playback delay that an encoder asked for")                        \
    C(delay_ordered, "s",                                                                          \
      "longest playback delay that held at the client, by the server's orders")                    \
    C(press_median, "ms", "from a key press to the picture's answer at the client")                \
    C(press_p95, "ms", "the same, 95th percentile")                                                \
    C(press_unanswered, "", "key presses without an answer in time")                               \
    C(decode, "ms", "mean, from a message's last byte to its picture, frames and drawings")        \
    C(decode_median, "ms", "the same, median")                                                     \
    C(decode_p95, "ms", "the same, 95th percentile")                                               \
    C(stream_bytes, "B/s", "sent as video")                                                        \
    C(drawing_bytes, "B/s", "sent as drawings")                                                    \
    C(other_bytes, "B/s", "sent otherwise")                                                        \
    C(worker_cpu, "%", "of one core, by the server's threads that serve displays")                 \
    C(lost, "events", "lost by the recording")

enum compare_column {
#define C(name, unit, help) COL_##name,
    COMPARE_COLUMNS(C)
#undef C
        COMPARE_FIXED
};

/* Groups follow: their members are the values of an enum. Text and JSON leave a member out that is
 * 0 in all rows. */
enum {
    COL_deaths = COMPARE_FIXED,          /* streams by cause */
    COL_redraws = COL_deaths + CAUSES,   /* of the clip, by outcome, without those streamed */
    COL_images = COL_redraws + OUTCOMES, /* bytes by image type */
    COMPARE_IMAGES = 32,
    COMPARE_COUNT = COL_images + COMPARE_IMAGES,
};

struct compare_run {
    const char *path;
    char name[COMPARE_NAME]; /* of its experiment; else of its folder */
    char settings[24];       /* a hash: experiments of one name can differ in them */
    bool alone;              /* of no experiment: shares no row */
    bool refused, folded;    /* by experiment.json; already part of a row */
    bool known[COMPARE_COUNT];
    double value[COMPARE_COUNT];
    const char *death, *refusal; /* the most frequent; NULL: none */
};

/* One row: the median, least and most of `n` runs. */
struct compare_row {
    const struct compare_run *first;
    unsigned n, refused;
    bool known[COMPARE_COUNT];
    double median[COMPARE_COUNT], least[COMPARE_COUNT], most[COMPARE_COUNT];
    bool same_death, same_refusal;
};

struct compare_column_name {
    const char *name, *unit, *help;
};
extern const struct compare_column_name compare_names[COMPARE_FIXED];

struct compare_group {
    const char *name, *prefix, *unit;
    int from, count;
    const char *(*member)(int at); /* NULL: no such member */
};
enum { COMPARE_GROUPS = 3 };
extern const struct compare_group compare_groups[COMPARE_GROUPS];
/* The type of image that a column of `images` is about, or -1. */
int64_t compare_image(int at);

/* Names a run by its experiment.json, else by its folder. `path` must outlive the run. */
void compare_name(struct compare_run *run, const char *path, struct bundle *b);
/* Its figures, from the model. */
void compare_fill(struct compare_run *run, const struct model *x);
/* Sorts `values`; n > 0. */
double compare_median(double *values, size_t n);
/* All good runs of `runs[at]`'s experiment (all: it alone) as one row, and marks them folded. */
void compare_fold(struct compare_row *row, struct compare_run *runs, unsigned count, unsigned at,
                  bool all);
/* As a table to read, one line a figure. */
void compare_text(FILE *out, const struct compare_row *rows, unsigned count, bool markdown);
/* -ENOMEM, or 0. */
int compare_json(FILE *out, const struct compare_row *rows, unsigned count);

/* As a table of rows: name, runs, refused_runs, then three columns a figure. The caller frees it
 * with compare_schema_free(). NULL: no memory. */
struct compare_schema;
struct compare_schema *compare_schema_new(void);
void compare_schema_free(struct compare_schema *s);
const struct schema *compare_columns(const struct compare_schema *s);
/* The words of a row and the bits of its nulls, valid until the next call. */
const uint64_t *compare_words(struct compare_schema *s, const struct compare_row *row,
                              const uint64_t **null);
/* "" without one, "differs" where the runs do not agree. */
const char *compare_word(const struct compare_row *row, const char *word, bool same);

#endif
