/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sentences that differ where the reader can choose a bar in place of an option. */
#include "report/sentence.h"

const struct words page_words[] = {
    {RULE_EPISODES_MORE, "none_held",
     "No episode held the guest up. Choose a bar of the lane Out of memory to see an episode's "
     "events."},
    {RULE_EPISODES_MORE, NULL,
     "That episode held the guest up longest. Choose a bar of the lane Out of memory to see the "
     "events of another."},
    {RULE_STREAMS_MORE, NULL,
     "{more} more {more:are} not described in words. Choose a bar of the lane Streams to see a "
     "stream's events."},
    {RULE_PLACES_MORE, NULL, "{more} more {more:are} not described on this page."},
    {RULE_ALTERNATE_MORE, NULL, "{more} more {more:are} not described on this page."},
};
const size_t page_words_count = sizeof(page_words) / sizeof(*page_words);
