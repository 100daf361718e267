/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules, by what they are about. Each calls back with its findings, always in the same order.
 */
#ifndef SPICETAP_EXPLAIN_H
#define SPICETAP_EXPLAIN_H

#include "explain/finding.h"

enum { HYPOTHESES = 6, SHORT_FINDINGS = 5 };

/* In short: at most SHORT_FINDINGS, what cost the viewer most first; or one, that nothing is wrong.
 */
void find_short(const struct model *x, struct finder *s);
void find_memory(const struct model *x, struct finder *s); /* e0: all out-of-memory episodes */
void find_episode(const struct model *x, const struct model_episode *e, struct finder *s);
void find_streams(const struct model *x, struct finder *s); /* s0 */
void find_stream(const struct model *x, const struct model_stream *t, struct finder *s);
void find_places(const struct model *x, struct finder *s); /* r0 */
void find_place(const struct model *x, const struct model_region *r, struct finder *s);
void find_alternates(const struct model *x, struct finder *s); /* b0 */
void find_alternate(const struct model *x, const struct model_alternate *p, struct finder *s);
void find_throughput(const struct model *x, struct finder *s);
void find_freezes(const struct model *x, struct finder *s);
void find_hypothesis(const struct model *x, int n, struct finder *s); /* 1 to HYPOTHESES */

/* Of the place with these boxes, in doubt or not. */
struct finding alternate_finding(const struct model *x, const struct model_alternate *p,
                                 enum rule rule, const char *verdict);
/* Do the boxes of that place alternate where the region is? */
bool alternate_is_at(const struct model *x, const struct model_alternate *p,
                     const struct model_region *r);

/* Everything, each thing one by one; without In short, which repeats it. */
void find_all(const struct model *x, struct finder *s);
/* The page: In short, then of each kind the things that matter most. */
void find_page(const struct model *x, struct finder *s);
/* What ran, was kept or stood still at that time: streams and episodes. */
void find_at(const struct model *x, uint64_t time, struct finder *s);

#endif
