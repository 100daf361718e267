/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words for a finding's doubt, for what to change, and for a redraw's outcome. */
#include "report/sentence.h"

/* clang-format off */
const struct doubt_words doubt_words[] = {
    {UNSURE_LOST, RULE_MEMORY_RAN_OUT,
     "Inconclusive: {lost} event{lost:s} {lost:were} lost in {lost_places} place{lost_places:s}, where the "
     "guest may have run out of memory unseen."},
    {UNSURE_LOST, RULE_PLACES_COUNT,
     "Inconclusive: {lost} event{lost:s} {lost:were} lost in {lost_places} place{lost_places:s}, where more "
     "places may have been redrawn."},
    {UNSURE_LOST, RULE_PLACE_REDRAWS,
     "Inconclusive: {lost} event{lost:s} lost here, while it was redrawn. What became of the redraws among "
     "them is unknown."},
    {UNSURE_LOST, RULE_STREAM_LIFE,
     "Inconclusive: {lost} event{lost:s} {lost:were} lost during its life, so its counts are not certain."},
    {UNSURE_LOST, RULE_STREAM_END,
     "Inconclusive: {lost} event{lost:s} lost here[, after its last known frame at {last_frame_ns}][, since a "
     "client was last seen to take one of its frames, at {client_at_ns}]."},
    {UNSURE_GUEST_LOST, RULE_STREAM_END,
     "Inconclusive: {lost} event{lost:s} of the guest's side lost here: the guest may have waited for memory."},
    {UNSURE_CLOCK, RULE_STREAM_END,
     "Inconclusive: the guest waited for memory about then, but whether for half of that span depends on an "
     "order of the guest's events and the host's that its clock[ (known to {clock_error_ns})] does not show."},
    {UNSURE_GUEST_GONE, RULES,
     "Inconclusive: the guest began to wait for memory, then its agent stopped answering. When the wait "
     "ended is unknown."},
    {UNSURE_DISPLAY, RULES,
     "Inconclusive: the guest waited for memory then. It has several qxl devices, and its events do not name "
     "the device."},
    {UNSURE_BEFORE, RULE_STREAM_END,
     "Inconclusive: its last frame came before the recording began."},
    {UNSURE_NOT_SEEN, RULE_STREAM_END,
     "Inconclusive: no event shows that the server had read all the guest's commands, so frames may have "
     "waited unread."},
    {UNSURE_CLOCK, RULE_EPISODE_ASKED,
     "Inconclusive: what the guest did and what the host saw are nearer in time than the guest's clock is "
     "known ({clock_error_ns})."},
    {UNSURE_CLOCK, RULES,
     "Inconclusive: what the guest did and what the host saw are nearer in time than the guest's clock is "
     "known."},
    {UNSURE_TABLE, RULE_MEMORY_HELD,
     "Inconclusive: the table was full, and {left_out} drawings are not in these bytes."},
    {UNSURE_TABLE, RULE_MEMORY_TABLE,
     "The {left_out} later ones are in the counts of how often, how long and what was evicted; what the "
     "guest asked for in them is inconclusive."},
    {UNSURE_TABLE, RULE_DISPLAYS_TABLE,
     "Inconclusive beyond them: {left_out} event{left_out:s} of others {left_out:were} left out."},
    {UNSURE_TABLE, RULE_STREAMS_COUNT,
     "Inconclusive for {left_out} of them: more ran at one time than can be followed."},
    {UNSURE_TABLE, RULE_STREAMS_TABLE,
     "The {left_out} later ones are in these counts alone."},
    {UNSURE_LOST, RULE_SHORT_ALTERNATE,
     "Inconclusive: {lost} event{lost:s} lost here, while it was redrawn."},
    {UNSURE_LOST, RULE_ALTERNATE_BOXES,
     "Inconclusive: {lost} event{lost:s} lost here, while it was redrawn."},
    {UNSURE_NOT_SEEN, RULE_SHORT_ALTERNATE,
     "Inconclusive: no frame was counted, so whether its pictures look natural to the server is unknown."},
    {UNSURE_NOT_SEEN, RULE_ALTERNATE_BOXES,
     "Inconclusive: no frame was counted, so whether its pictures look natural to the server is unknown."},
    {UNSURE_TABLE, RULE_ALTERNATE_TABLE,
     "[+{left_out} place{left_out:s} did not fit the table. ][+{forgotten} box{forgotten:es} "
     "{forgotten:were} forgotten for newer ones while still redrawn. ]Boxes that alternate there are unknown."},
    {UNSURE_TABLE, RULE_PLACES_TABLE,
     "[+{left_out} place{left_out:s} did not fit the table. ][+{forgotten} box{forgotten:es} "
     "{forgotten:were} forgotten for newer ones while still redrawn. ]What became of these is unknown."},
    {UNSURE_TABLE, RULE_FREEZES_MORE,
     "{left_out} more {left_out:are} in the count alone."},
    {UNSURE_TABLE, RULE_PLACE_STRETCHES, ""},
    {UNSURE_TABLE, RULE_PACING_TABLE, "How the server paced the video of {left_out} more is unknown."},
    {UNSURE_TABLE, RULE_H_EVICTION_KILLS, "A table was full."},
    {UNSURE_TABLE, RULES, "Inconclusive: a table was full."},
    {UNSURE_NO_GUEST, RULES, "There are no events from the guest: record with --guest."},
    {UNSURE_GUEST_PART, RULES, "Inconclusive: the guest's events do not cover the whole run."},
    {UNSURE_NO_CLIENT, RULE_SHORT_NOTHING,
     "But what the client showed is unknown: there are no events from a client. Record with --client."},
    {UNSURE_NO_CLIENT, RULES, "There are no events from a client: record with --client."},
    {UNSURE_NO_PROBE, RULE_SHORT_PUT_OFF, "Why is unknown: the probe {probe} was not recorded."},
    {UNSURE_NO_PROBE, RULES, "Inconclusive: the probe {probe} was not recorded."},
    {UNSURE_NOT_SEEN, RULE_SHORT_FREEZES, "What held it is not certain."},
    {UNSURE_NOT_SEEN, RULE_H_VIRTIO, "This run's display is not virtio alone, or nothing was redrawn like a video."},
    {UNSURE_NOT_SEEN, RULES, "This run has too few such events to decide."},
    {UNSURE_ONE_RUN, RULES, "One run cannot show that: compare runs that differ in memory alone."},
    {UNSURE_LOST, RULE_FREEZE, "Inconclusive: events were lost here."},
    {UNSURE_LOST, RULE_EPISODE_COURSE, "Inconclusive: {lost} event{lost:s} lost here."},
    {UNSURE_LOST, RULE_EPISODE_ANSWER, "Inconclusive: {lost} event{lost:s} lost here."},
    {UNSURE_LOST, RULE_H_EVICTION_KILLS,
     "{lost} event{lost:s} {lost:were} lost in {lost_places} place{lost_places:s}."},
    {UNSURE_LOST, RULES,
     "Inconclusive: {lost} event{lost:s} {lost:were} lost in {lost_places} place{lost_places:s}."},
    {UNSURE_GUEST_LOST, RULES,
     "Inconclusive: {lost} event{lost:s} of the guest's side {lost:were} lost in {lost_places} "
     "place{lost_places:s}."},
};
const size_t doubt_words_count = sizeof(doubt_words) / sizeof(*doubt_words);

const char *const change_words[CHANGES] = {
    [CHANGE_NONE] = "",
    [CHANGE_RAM] = ("Raise `ram` of <model type='qxl'> in the domain XML[, for example to "
                    "ram='{example_kib}' ({example_mib} MiB)]."),
    [CHANGE_VRAM] = "Raise `vram` of <model type='qxl'> in the domain XML.",
    [CHANGE_STREAMING] = "Set <streaming mode='filter'/> in <graphics type='spice'> of the domain XML.",
    [CHANGE_STREAM_ALL] = ("<streaming mode='all'/> in <graphics type='spice'> of the domain XML streams what looks like "
                           "text, too."),
    [CHANGE_NOT_MEMORY] = "More memory does not prevent false alarms.",
    [CHANGE_PLAYER] = "Look at the player and the display driver in the guest.",
    [CHANGE_LINK] = "Look at the client and at its link.",
    [CHANGE_SPICE] = "spice-server {version} and later do not do this: update the package.",
    [CHANGE_BIT_RATE] = ("Set SPICE_BIT_RATE to the link's Mbit/s in QEMU's environment (<qemu:env> in the domain XML), "
                         "or update spice-server: {version} and later do not do this."),
    [CHANGE_BOX] = "Keep the video's box still: show it in full screen, or on a page where nothing else moves.",
    [CHANGE_RING] = "Record again with a larger --buffer.",
};

const char *const outcome_words[OUTCOMES] = {
    [DRAW_VERDICT_can_stream] = "passed every test",
    [DRAW_VERDICT_video_off] = "streaming is switched off in the server",
    [DRAW_VERDICT_not_primary] = "drawn off the screen, on another surface",
    [DRAW_VERDICT_not_opaque] = "drawn with transparency",
    [DRAW_VERDICT_not_copy] = "not a plain copy of a picture (a fill, a text, a line...)",
    [DRAW_VERDICT_not_put] = "mixed with what was below (XOR and the like), not put over it",
    [DRAW_VERDICT_not_bitmap] = "pixels that are not a picture in guest memory",
    [DRAW_VERDICT_too_small] = "smaller than {least_side}x{least_side} pixels",
    [DRAW_VERDICT_shadow] = "moved within the screen, not sent as a picture",
    [DRAW_VERDICT_empty] = "no part of the redraw could be seen",
    [DRAW_VERDICT_rejected] = "outside the screen",
    [DRAW_VERDICT_malformed] = "the command could not be read",
    [OUT_STREAMED] = "sent as video",
    [OUT_COUNTED] = 
        "counted as a frame, but not yet {frames_to_start} in a row; each late redraw begins the count again",
    [OUT_NOT_NATURAL] = "{frames_to_start} in a row, but too few of them look like a natural picture",
    [OUT_NO_ROOM] = "{frames_to_start} in a row, but no stream was free",
    [OUT_TOO_LATE] = "more than {limit_ns} after the one before",
    [OUT_BOX_DIFFERS] = "not at exactly the same place",
    [OUT_SIZE_DIFFERS] = "not of the same size",
    [OUT_NOT_CONTAINED] = "not covering the stream's place",
    [OUT_TOO_BIG] = "more than twice as big as the stream",
    [OUT_ORIENTATION] = "upside down against the stream",
    [OUT_EVICTED_OVER] = "history in the server's trace ring overwritten by evictions",
    [OUT_OTHER_OVER] = "history in the server's trace ring overwritten by other drawings",
    [OUT_NO_HISTORY] = "nothing in the server to compare with",
    [OUT_FIRST] = "the first of all",
    [OUT_LOST] = "undecided, because events were lost",
};
/* clang-format on */
