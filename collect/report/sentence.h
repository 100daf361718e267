/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A finding as an English sentence. Its numbers come from the finding's values alone. */
#ifndef SPICETAP_SENTENCE_H
#define SPICETAP_SENTENCE_H

#include "explain/finding.h"

enum { SENTENCE_SIZE = 1024, VALUE_SIZE = 256 };

/* The whole text: the sentence, its doubt, and what to change. */
void sentence_text(const struct finding *f, char text[SENTENCE_SIZE]);
/* The same for a page with bars to choose, which needs no options. */
void sentence_page_text(const struct finding *f, char text[SENTENCE_SIZE]);
/* One value as the sentence has it. */
void value_text(const struct finding *f, const struct value *v, char text[VALUE_SIZE]);

/*
 * Templates. `{name}` is a value; `{name:s}` is "s", `{name:were}` "were" and so on, unless the
 * value is 1. What is in [brackets] is left out unless the finding has all values it names, and
 * what is in [+brackets] also if one of them is 0. No template has a digit: a test checks it.
 */
struct words {
    enum rule rule;
    const char *verdict; /* NULL: any */
    const char *text;
};

struct doubt_words {
    enum unsure unsure;
    enum rule rule; /* RULES: any other; RULE_H_EVICTION_KILLS: all hypotheses */
    const char *text;
};

/* All are searched from the top; for a page `page_words` first. */
extern const struct words words[], page_words[];
extern const struct doubt_words doubt_words[];
extern const size_t words_count, page_words_count, doubt_words_count;
extern const char *const outcome_words[OUTCOMES], *const change_words[CHANGES];

#endif
