/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/event.h"
#include "model/fate.h"

enum outcome fate_of_match(unsigned verdict)
{
    static const uint8_t outcomes[] = {
        [MATCH_VERDICT_match] = OUT_NO_HISTORY,
        [MATCH_VERDICT_not_streamable] = OUT_NO_HISTORY,
        [MATCH_VERDICT_too_late] = OUT_TOO_LATE,
        [MATCH_VERDICT_box_differs] = OUT_BOX_DIFFERS,
        [MATCH_VERDICT_size_differs] = OUT_SIZE_DIFFERS,
        [MATCH_VERDICT_not_contained] = OUT_NOT_CONTAINED,
        [MATCH_VERDICT_too_big] = OUT_TOO_BIG,
        [MATCH_VERDICT_orientation] = OUT_ORIENTATION,
    };

    return (enum outcome)outcomes[verdict & 7];
}

enum outcome fate_refusal(const struct model_candidate *c, int i, enum outcome o)
{
    return c->covered_asked[i] && !c->verdict ? fate_of_match(c->covered_verdict[i]) : o;
}
