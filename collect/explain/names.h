/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of causes and outcomes, as JSON and tables print them, and which outcomes are refusals. */
#ifndef SPICETAP_NAMES_H
#define SPICETAP_NAMES_H

#include "model/model.h"

extern const char *const cause_names[CAUSES], *const outcome_names[OUTCOMES];

bool outcome_is_refusal(enum outcome o);
uint64_t outcome_refusals(const uint64_t *out);
/* The most frequent refusal; OUTCOMES: none. */
enum outcome outcome_main_refusal(const uint64_t *out, uint64_t *count);
double percent(uint64_t part, uint64_t all);

#endif
