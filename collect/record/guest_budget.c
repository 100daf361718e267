/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/guest_budget.h"
#include "record/guest_limits.h"

void guest_budget_refill(struct guest_budget *b, double seconds)
{
    const double most = (double)GUEST_BURST_SECONDS * GUEST_EVENTS_A_SECOND;

    b->records += seconds * GUEST_EVENTS_A_SECOND;
    if (b->records > most)
        b->records = most;
    b->debt -= seconds * GUEST_LOG_BYTES_A_SECOND;
    if (b->debt < 0)
        b->debt = 0;
}

bool guest_budget_take(struct guest_budget *b)
{
    if (b->records < 1 || b->debt > GUEST_LOG_BURST_BYTES)
        return false;
    b->records -= 1;
    return true;
}

void guest_budget_logs(struct guest_budget *b, uint64_t bytes)
{
    b->debt += (double)(bytes - b->logged);
    b->logged = bytes;
}
