/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/sentence.h"

/* The text so far. What does not fit is cut. */
struct text {
    const struct finding *f;
    char *at, *end;
};

static void put(struct text *t, const char *s, size_t length)
{
    size_t room = (size_t)(t->end - t->at);

    if (length > room)
        length = room;
    memcpy(t->at, s, length);
    t->at += length;
    *t->at = '\0';
}

/* ---- values ---- */

static void span(uint64_t ns, char *text)
{
    double v = (double)ns / 1e6;

    snprintf(text, VALUE_SIZE,
             !ns           ? "0 ms"
             : v >= 100000 ? "%.1f s"
             : v >= 999.5  ? "%.2f s"
             : v >= 10     ? "%.0f ms"
             : v >= 0.1    ? "%.1f ms"
                           : "%.3f ms",
             v >= 999.5 ? v / 1000 : v);
}

static void bytes(uint64_t n, char *text)
{
    double v = (double)n;

    snprintf(text, VALUE_SIZE,
             v >= 1e9   ? "%.2f GB"
             : v >= 1e6 ? "%.1f MB"
             : v >= 1e3 ? "%.1f kB"
             : n == 1   ? "%.0f byte"
                        : "%.0f bytes",
             v >= 1e9   ? v / 1e9
             : v >= 1e6 ? v / 1e6
             : v >= 1e3 ? v / 1e3
                        : v);
}

static void bits(uint64_t n, char *text)
{
    double v = (double)n;

    snprintf(text, VALUE_SIZE,
             v >= 99.95e6 ? "%.0f Mbit/s"
             : v >= 1e6   ? "%.1f Mbit/s"
                          : "%.0f kbit/s",
             v >= 1e6 ? v / 1e6 : v / 1e3);
}

/* Only all is 100%, and only none is 0%. */
static void share(double v, char *text)
{
    if (v > 0 && v < 0.1)
        snprintf(text, VALUE_SIZE, "less than 0.1%%");
    else if (v > 99.9 && v < 100)
        snprintf(text, VALUE_SIZE, "more than 99.9%%");
    else
        snprintf(text, VALUE_SIZE, v > 0 && (v < 10 || (v > 90 && v < 100)) ? "%.1f%%" : "%.0f%%",
                 v);
}

static void box(const int32_t *b, char *text)
{
    snprintf(text, VALUE_SIZE, "%" PRId64 "x%" PRId64 " at (%d, %d)", (int64_t)b[2] - b[0],
             (int64_t)b[3] - b[1], b[0], b[1]);
}

static void fill(struct text *t, const char *template);

void value_text(const struct finding *f, const struct value *v, char text[VALUE_SIZE])
{
    static const char letters[] = {
        [UNIT_STREAM] = 's', [UNIT_REGION] = 'r', [UNIT_EPISODE] = 'e', [UNIT_ALTERNATE] = 'b'};
    struct text t = {.f = f, .at = text, .end = text + VALUE_SIZE - 1};

    *text = '\0';
    switch (v->unit) {
    case UNIT_COUNT:
        snprintf(text, VALUE_SIZE, v->unknown ? "an unknown number of" : "%" PRIu64, v->n);
        break;
    case UNIT_SPAN:
        span(v->n, text);
        break;
    case UNIT_TIME:
        snprintf(text, VALUE_SIZE, "%.3f s",
                 v->n > f->start ? (double)(v->n - f->start) / 1e9 : 0.0);
        break;
    case UNIT_BYTES:
        bytes(v->n, text);
        break;
    case UNIT_BITS:
        bits(v->n, text);
        break;
    case UNIT_PERCENT:
        share(v->real, text);
        break;
    case UNIT_RATE:
        snprintf(text, VALUE_SIZE, "%.1f", v->real);
        break;
    case UNIT_BOX:
        box(v->box, text);
        break;
    case UNIT_STREAM:
    case UNIT_REGION:
    case UNIT_EPISODE:
    case UNIT_ALTERNATE:
        snprintf(text, VALUE_SIZE, "%c%" PRIu64, letters[v->unit], v->n);
        break;
    case UNIT_OUTCOME:
        fill(&t, outcome_words[v->n % OUTCOMES]);
        break;
    case UNIT_WORD:
        snprintf(text, VALUE_SIZE, "%s", v->word);
        break;
    }
}

/* ---- templates ---- */

/* What follows a number: its word for 1, and for any other. */
static const struct {
    const char *name, *one, *other;
} forms[] = {{"s", "", "s"},
             {"es", "", "es"},
             {"y", "y", "ies"},
             {"were", "was", "were"},
             {"are", "is", "are"},
             {"have", "has", "have"},
             {"they", "it", "they"},
             {"them", "it", "them"},
             {"these", "this", "these"},
             {"frames", "a video frame", "video frames"},
             {"alarms", "a false alarm", "false alarms"}};

static const struct value *named(const struct finding *f, const char *at, size_t length, char *form)
{
    char name[64], *colon;

    snprintf(name, sizeof(name), "%.*s", (int)length, at);
    colon = strchr(name, ':');
    *form = '\0';
    if (colon) {
        *colon = '\0';
        snprintf(form, 8, "%s", colon + 1);
    }
    return finding_value(f, name);
}

/* `at` is behind the opening brace. Gives the place behind the closing one. */
static const char *put_value(struct text *t, const char *at)
{
    size_t length = strcspn(at, "}");
    char form[8], text[VALUE_SIZE];
    const struct value *v = named(t->f, at, length, form);

    if (v && !*form) {
        value_text(t->f, v, text);
        put(t, text, strlen(text));
    }
    for (size_t i = 0; v && *form && i < sizeof(forms) / sizeof(*forms); i++)
        if (!strcmp(form, forms[i].name)) {
            const char *s = v->n == 1 && !v->unknown ? forms[i].one : forms[i].other;

            put(t, s, strlen(s));
        }
    return at + length + (at[length] == '}');
}

/* Has the finding all values of the section, none of them 0 if it begins with a plus? */
static bool has_all(const struct finding *f, const char *at, size_t length)
{
    const char *end = at + length;
    bool plus = *at == '+';
    char form[8];

    while ((at = memchr(at, '{', (size_t)(end - at)))) {
        size_t name = strcspn(++at, "}");
        const struct value *v = named(f, at, name, form);

        if (!v || (plus && (v->unit == UNIT_COUNT || v->unit == UNIT_SPAN) && !v->n && !v->unknown))
            return false;
        at += name;
    }
    return true;
}

static void fill(struct text *t, const char *at)
{
    while (*at) {
        size_t plain = strcspn(at, "{[]");

        put(t, at, plain);
        at += plain;
        if (*at == '{')
            at = put_value(t, at + 1);
        else if (*at == '[' && !has_all(t->f, at + 1, strcspn(at, "]") - 1))
            at += strcspn(at, "]");
        else if (*at)
            at += at[0] == '[' && at[1] == '+' ? 2 : 1;
    }
}

/* NULL: none. */
static const char *words_of(const struct finding *f, const struct words *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].rule == f->rule && (!list[i].verdict || !strcmp(list[i].verdict, f->verdict)))
            return list[i].text;
    return NULL;
}

static const char *doubt_of(const struct finding *f)
{
    for (size_t i = 0; f->unsure && i < doubt_words_count; i++) {
        enum rule rule = doubt_words[i].rule;

        if (doubt_words[i].unsure == f->unsure &&
            (rule == f->rule || rule == RULES ||
             (rule == RULE_H_EVICTION_KILLS && f->object == 'h')))
            return doubt_words[i].text;
    }
    return "";
}

static void put_sentence(const struct finding *f, const char *template, char text[SENTENCE_SIZE])
{
    const char *const parts[] = {template ? template : "", doubt_of(f), change_words[f->change]};
    struct text t = {.f = f, .at = text, .end = text + SENTENCE_SIZE - 1};

    *text = '\0';
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (t.at > text && *parts[i])
            put(&t, " ", 1);
        fill(&t, parts[i]);
    }
}

void sentence_text(const struct finding *f, char text[SENTENCE_SIZE])
{
    put_sentence(f, words_of(f, words, words_count), text);
}

void sentence_page_text(const struct finding *f, char text[SENTENCE_SIZE])
{
    const char *template = words_of(f, page_words, page_words_count);

    put_sentence(f, template ? template : words_of(f, words, words_count), text);
}
