/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one guest may still write into its logs (guest_limits.h). */
#ifndef SPICETAP_GUEST_BUDGET_H
#define SPICETAP_GUEST_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

/* All zero to begin with: it may write nothing until guest_budget_refill(). */
struct guest_budget {
    double records;  /* that it may write now */
    double debt;     /* bytes that its logs grew by beyond GUEST_LOG_BYTES_A_SECOND */
    uint64_t logged; /* bytes of its logs when they were last looked at */
};

/* `seconds` passed. */
void guest_budget_refill(struct guest_budget *b, double seconds);
/* Takes the right to one more record. False: it is used up. */
bool guest_budget_take(struct guest_budget *b);
/* Its logs have `bytes` in all. */
void guest_budget_logs(struct guest_budget *b, uint64_t bytes);

#endif
