/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explain/names.h"

const char *const cause_names[CAUSES] = {
    [CAUSE_RUNNING] = "running",           [CAUSE_GUEST_IDLE] = "guest_idle",
    [CAUSE_GUEST_WAITED] = "guest_waited", [CAUSE_PIPE_BLOCKED] = "pipe_blocked",
    [CAUSE_REFUSED] = "refused",           [CAUSE_SURFACE_GONE] = "surface_gone",
    [CAUSE_CLIENT_GONE] = "client_gone",   [CAUSE_CODECS] = "codecs",
    [CAUSE_MIGRATED] = "migrated",         [CAUSE_INCONCLUSIVE] = "inconclusive",
};

const char *const outcome_names[OUTCOMES] = {
    [DRAW_VERDICT_can_stream] = "unused",
    [DRAW_VERDICT_video_off] = "video_off",
    [DRAW_VERDICT_not_primary] = "not_primary",
    [DRAW_VERDICT_not_opaque] = "not_opaque",
    [DRAW_VERDICT_not_copy] = "not_copy",
    [DRAW_VERDICT_not_put] = "not_put",
    [DRAW_VERDICT_not_bitmap] = "not_bitmap",
    [DRAW_VERDICT_too_small] = "too_small",
    [DRAW_VERDICT_shadow] = "shadow",
    [DRAW_VERDICT_empty] = "empty",
    [DRAW_VERDICT_rejected] = "rejected",
    [DRAW_VERDICT_malformed] = "malformed",
    [OUT_STREAMED] = "streamed",
    [OUT_COUNTED] = "counted",
    [OUT_NOT_NATURAL] = "not_natural",
    [OUT_NO_ROOM] = "no_room",
    [OUT_TOO_LATE] = "too_late",
    [OUT_BOX_DIFFERS] = "box_differs",
    [OUT_SIZE_DIFFERS] = "size_differs",
    [OUT_NOT_CONTAINED] = "not_contained",
    [OUT_TOO_BIG] = "too_big",
    [OUT_ORIENTATION] = "orientation",
    [OUT_EVICTED_OVER] = "evicted_over",
    [OUT_OTHER_OVER] = "other_over",
    [OUT_NO_HISTORY] = "no_history",
    [OUT_FIRST] = "first",
    [OUT_LOST] = "events_lost",
};

bool outcome_is_refusal(enum outcome o)
{
    return o < OUT_VERDICTS || (o >= OUT_NOT_NATURAL && o <= OUT_NO_HISTORY);
}

uint64_t outcome_refusals(const uint64_t *out)
{
    uint64_t n = 0;

    for (unsigned o = 0; o < OUTCOMES; o++)
        n += outcome_is_refusal(o) ? out[o] : 0;
    return n;
}

enum outcome outcome_main_refusal(const uint64_t *out, uint64_t *count)
{
    enum outcome best = OUTCOMES;

    *count = 0;
    for (unsigned o = 0; o < OUTCOMES; o++)
        if (outcome_is_refusal(o) && out[o] > *count) {
            *count = out[o];
            best = o;
        }
    return best;
}

double percent(uint64_t part, uint64_t all)
{
    return all ? 100.0 * (double)part / (double)all : 0;
}
