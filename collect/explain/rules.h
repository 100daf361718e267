/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one table of rules. A finding's reference is made from it: [s3.3] is number 3 of stream 3.
 * Documents and old pages cite references, so a number is never used for another rule.
 * Retired: e0.10, e0.14, e#.9, e#.10, s0.17, s#.9, r0.4, r#.3: each is the doubt of another
 * finding.
 */
#ifndef SPICETAP_RULES_H
#define SPICETAP_RULES_H

/* R(constant, letter of its object, number, name). A rule about one of several things of an object
 * (a cause, an outcome, a victim, a freeze) adds that thing's index to its number. */
#define EXPLAIN_RULES(R)                                                                           \
    /* what cost the viewer most */                                                                \
    R(RULE_SHORT_LOSSES, 'i', 1, "short_losses")                                                   \
    R(RULE_SHORT_FREEZES, 'i', 2, "short_freezes")                                                 \
    R(RULE_SHORT_STREAM_LOST, 'i', 3, "short_stream_lost")                                         \
    R(RULE_SHORT_NOT_STREAMED, 'i', 4, "short_not_streamed")                                       \
    R(RULE_SHORT_WAITED, 'i', 5, "short_waited")                                                   \
    R(RULE_SHORT_PUT_OFF, 'i', 6, "short_put_off")                                                 \
    R(RULE_SHORT_BLOCKED, 'i', 7, "short_blocked")                                                 \
    R(RULE_SHORT_NOTHING, 'i', 8, "short_nothing")                                                 \
    R(RULE_SHORT_ALTERNATE, 'i', 9, "short_alternate")                                             \
    R(RULE_SHORT_STOCK, 'i', 10, "short_stock")                                                    \
    /* memory: all out-of-memory episodes, then each one */                                        \
    R(RULE_MEMORY_RAN_OUT, 'e', 1, "memory_ran_out")                                               \
    R(RULE_MEMORY_EVICTED, 'e', 2, "memory_evicted")                                               \
    R(RULE_MEMORY_WAITED, 'e', 3, "memory_waited")                                                 \
    R(RULE_MEMORY_ASKED, 'e', 2, "memory_asked") /* + guest_domain: 4 is ram, 5 is vram */         \
    R(RULE_MEMORY_NO_GUEST, 'e', 6, "memory_no_guest")                                             \
    R(RULE_MEMORY_NOT_NAMED, 'e', 7, "memory_not_named")                                           \
    R(RULE_MEMORY_FALSE_ALARMS, 'e', 8, "memory_false_alarms")                                     \
    R(RULE_MEMORY_CLOCK, 'e', 9, "memory_clock")                                                   \
    R(RULE_MEMORY_TABLE, 'e', 11, "memory_table")                                                  \
    R(RULE_DISPLAYS_TABLE, 'e', 12, "displays_table")                                              \
    R(RULE_MEMORY_HELD, 'e', 13, "memory_held")                                                    \
    R(RULE_MEMORY_DROPPED, 'e', 15, "memory_dropped")                                              \
    R(RULE_EPISODES_MORE, 'e', 16, "episodes_more")                                                \
    R(RULE_MEMORY_CALLED, 'e', 17, "memory_called")                                                \
    R(RULE_EPISODE_COURSE, 'e', 1, "episode_course")                                               \
    R(RULE_EPISODE_ANSWER, 'e', 2, "episode_answer")                                               \
    R(RULE_EPISODE_VICTIM, 'e', 3, "episode_victim") /* 3 to 6 */                                  \
    R(RULE_EPISODE_ASKED, 'e', 7, "episode_asked")                                                 \
    R(RULE_EPISODE_DELETES, 'e', 8, "episode_deletes")                                             \
    /* streams */                                                                                  \
    R(RULE_STREAMS_COUNT, 's', 1, "streams_count")                                                 \
    R(RULE_STREAMS_CAUSE, 's', 1, "streams_cause") /* + enum cause */                              \
    R(RULE_STREAMS_NO_GUEST, 's', 15, "streams_no_guest")                                          \
    R(RULE_STREAMS_TABLE, 's', 16, "streams_table")                                                \
    R(RULE_STREAMS_MORE, 's', 18, "streams_more")                                                  \
    R(RULE_STREAM_BIRTH, 's', 1, "stream_birth")                                                   \
    R(RULE_STREAM_LIFE, 's', 2, "stream_life")                                                     \
    R(RULE_STREAM_END, 's', 3, "stream_end")                                                       \
    R(RULE_STREAM_EVICTED, 's', 4, "stream_evicted")                                               \
    R(RULE_STREAM_OVERLAP, 's', 5, "stream_overlap")                                               \
    R(RULE_STREAM_OOM, 's', 6, "stream_oom")                                                       \
    R(RULE_STREAM_REFUSED, 's', 7, "stream_refused")                                               \
    R(RULE_STREAM_DROPS, 's', 8, "stream_drops")                                                   \
    /* places redrawn like a video */                                                              \
    R(RULE_PLACES_COUNT, 'r', 1, "places_count")                                                   \
    R(RULE_PLACES_TABLE, 'r', 2, "places_table")                                                   \
    R(RULE_PLACES_CLIP, 'r', 3, "places_clip")                                                     \
    R(RULE_PLACES_PIECES, 'r', 5, "places_pieces")                                                 \
    R(RULE_PLACES_MORE, 'r', 6, "places_more")                                                     \
    R(RULE_PLACE_REDRAWS, 'r', 1, "place_redraws")                                                 \
    R(RULE_PLACE_STREAMED, 'r', 2, "place_streamed")                                               \
    R(RULE_PLACE_STRETCHES, 'r', 4, "place_stretches")                                             \
    R(RULE_PLACE_MISS_TIME, 'r', 20, "place_miss_time")                                            \
    R(RULE_PLACE_MISS_BOX, 'r', 21, "place_miss_box")                                              \
    R(RULE_PLACE_MISS_FRAMES, 'r', 22, "place_miss_frames")                                        \
    R(RULE_PLACE_OUTCOME, 'r', 30, "place_outcome") /* + enum outcome */                           \
    /* boxes that alternate at a place redrawn like a video */                                     \
    R(RULE_ALTERNATE_COUNT, 'b', 1, "alternate_count")                                             \
    R(RULE_ALTERNATE_TABLE, 'b', 2, "alternate_table")                                             \
    R(RULE_ALTERNATE_MORE, 'b', 3, "alternate_more")                                               \
    R(RULE_ALTERNATE_BOXES, 'b', 1, "alternate_boxes")                                             \
    R(RULE_ALTERNATE_RUN, 'b', 2, "alternate_run")                                                 \
    R(RULE_ALTERNATE_RETURN, 'b', 3, "alternate_return")                                           \
    R(RULE_ALTERNATE_NEED, 'b', 4, "alternate_need")                                               \
    /* throughput, and what the client showed */                                                   \
    R(RULE_SENT, 't', 1, "sent")                                                                   \
    R(RULE_BLOCKED, 't', 2, "blocked")                                                             \
    R(RULE_SHOWN, 't', 3, "shown")                                                                 \
    R(RULE_LOSSES, 't', 4, "losses")                                                               \
    R(RULE_FREEZES_MORE, 't', 5, "freezes_more")                                                   \
    R(RULE_NET_TEST, 't', 6, "net_test")                                                           \
    R(RULE_RATES, 't', 7, "rates")                                                                 \
    R(RULE_DELAY, 't', 8, "delay")                                                                 \
    R(RULE_PACING_TABLE, 't', 9, "clients_table")                                                  \
    R(RULE_FREEZE, 't', 10, "freeze") /* + its place among the longest */                          \
    R(RULE_KEYS, 't', 90, "keys")                                                                  \
    /* H1 to H6: h1.1 to h6.1 */                                                                   \
    R(RULE_H_EVICTION_KILLS, 'h', 1, "eviction_kills_streams")                                     \
    R(RULE_H_RING_OVERWRITTEN, 'h', 1, "evictions_overwrite_ring")                                 \
    R(RULE_H_DRAWS_UNFIT, 'h', 1, "draws_unfit")                                                   \
    R(RULE_H_VIRTIO, 'h', 1, "virtio_cannot_stream")                                               \
    R(RULE_H_MEMORY, 'h', 1, "memory_brings_no_stream")                                            \
    R(RULE_H_ALTERNATE, 'h', 1, "boxes_alternate")

#define RULE_CONSTANT(constant, object, number, name) constant,
enum rule { EXPLAIN_RULES(RULE_CONSTANT) RULES };
#undef RULE_CONSTANT

#endif
