/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every sentence of spicetap explain, by rule and verdict. sentence.h has the template language. */
#include "report/sentence.h"

/* clang-format off */
#define PUT_OFF                                                                                       \
    "The server ordered the client[, at {ordered_at_ns},] to show frames of video {ordered_ns} after "  \
    "they came.[ The encoder of stream {stream} needs that: at its {rate_bits} a frame of "             \
    "{frame_bytes} takes {frame_ns}.]"
#define RATES                                                                                         \
    "[ The lowest rate of an encoder was {least_bits}.][+ Encoders lowered it "     \
    "{lowered} time{lowered:s}.][+ They raised it {raised} time{raised:s}.][+ {shares} later "          \
    "stream{shares:s} began with a share of one earlier stream's.][+ The encoders skipped {skipped} of " \
    "{frames} frames to keep it.]"
#define ASKED                                                                                         \
    "Encoders asked {asks} time{asks:s} for a playback delay[ of client {client}][+, {asked_ns} at the " \
    "most]."

const struct words words[] = {
    /* in short */
    {RULE_SHORT_LOSSES, NULL,
     "The recording lost {lost_events} event{lost_events:s} in {places} place{places:s}[, beside "
     "{events} that it has]: what follows may be wrong."},
    {RULE_SHORT_STOCK, NULL,
     "This spice-server has no probes, so nothing is known of its streams, its evictions, and what it "
     "sent. QEMU called it {ooms} time{ooms:s} for memory, and woke it {wakeups} time{wakeups:s}. Run "
     "the VM on the traced stack: `make stack`."},
    {RULE_SHORT_FREEZES, "guest_waited",
     "The picture of the clip stood still for {froze_ns} in all ({times} time{times:s}, {longest_ns} "
     "at the longest), mostly because the guest waited for graphics memory ({main_ns})."},
    {RULE_SHORT_FREEZES, "pipe_blocked",
     "The picture of the clip stood still for {froze_ns} in all ({times} time{times:s}, {longest_ns} "
     "at the longest), mostly because a client took its data too slowly ({main_ns})."},
    {RULE_SHORT_FREEZES, "put_off",
     "The picture of the clip stood still for {froze_ns} in all ({times} time{times:s}, {longest_ns} "
     "at the longest), mostly because the server told the client to show frames later ({main_ns})."},
    {RULE_SHORT_FREEZES, "not_drawn",
     "The picture of the clip stood still for {froze_ns} in all ({times} time{times:s}, {longest_ns} "
     "at the longest), mostly because the guest drew nothing new in its place ({main_ns})."},
    {RULE_SHORT_FREEZES, "same_frame",
     "The picture of the clip stood still for {froze_ns} in all ({times} time{times:s}, {longest_ns} "
     "at the longest), mostly while its place was drawn again with the same frame ({main_ns}). The "
     "guest's player showed no new one."},
    {RULE_SHORT_FREEZES, "inconclusive",
     "The picture of the clip stood still for {froze_ns} in all ({times} time{times:s}, {longest_ns} "
     "at the longest)."},
    {RULE_SHORT_STREAM_LOST, NULL,
     "The video stream {stream}, {box}[ on display {display}], ended at {died_ns} and did not come back, although "
     "its place was redrawn like a video for {redrawn_ns} more.[ The main reason ({main_percent} of all redraws of "
     "the place): {why}.][ The same happened to {others} other place{others:s}.]"},
    {RULE_SHORT_NOT_STREAMED, "in_pieces",
     "The display draws the clip, {box}[ on display {display}], in pieces. {streamed_percent} of their pixels were "
     "sent as video.[ The main reason in the greatest piece ({main_percent} of all its redraws): {why}.]"},
    {RULE_SHORT_NOT_STREAMED, NULL,
     "The clip[ ({part})], {box}[ on display {display}], was sent as single pictures, not as video,[ for "
     "{not_streamed_ns} of the {redrawn_ns} that it was redrawn.][ for all the {never_streamed_ns} that it "
     "was redrawn.][ The main reason ({main_percent} of all its redraws): {why}.]"},
    {RULE_SHORT_ALTERNATE, NULL,
     "A place redrawn like a video, {box}[ on display {display}], was sent as single pictures for "
     "{lost_ns}, because its box alternates with {other_boxes} other box{other_boxes:es}. The server "
     "makes a stream of {frames_to_start} frames of one box in a row, and never counted more than "
     "{in_a_row}.[ In the closest row of {frames_to_start} equal boxes, two came {need_delta_ns} apart; "
     "the server accepts {limit_ns}. A guest that draws {need_per_second} times a second in place of "
     "{per_second} could have a stream.][ The same happened in {others} other place{others:s}.]"},
    {RULE_SHORT_WAITED, "by_guest",
     "The guest waited for graphics memory for {waited_ns}, {waited_percent} of the run; the longest "
     "wait took {longest_ns}.[ All {false_alarms} calls for memory were false alarms: the guest's "
     "kernel was freeing old images.]"},
    {RULE_SHORT_WAITED, "at_least",
     "The guest stood still for at least {waited_ns}, {waited_percent} of the run, because its "
     "graphics memory ran out ({times} time{times:s}); the longest time was {longest_ns}."},
    {RULE_SHORT_PUT_OFF, "found",
     "The server told the client to show frames of video as late as {delay_ns} after they came."},
    {RULE_SHORT_PUT_OFF, "not_ordered",
     "Frames of video waited at the client for up to {delay_ns} until they were due. No order of the "
     "server in the recording is that long[: the longest is {holds_ns}]."},
    {RULE_SHORT_PUT_OFF, "before",
     "The client showed frames of video {ordered_ns} after they came: the server had ordered that before "
     "the recording began."},
    {RULE_SHORT_PUT_OFF, "ordered", PUT_OFF},
    {RULE_SHORT_PUT_OFF, "lowered",
     PUT_OFF " The stream had begun with {share_bits}, and its encoder lowered that[+ {for_reports} "
             "time{for_reports:s} for the client's reports][+, {for_drops} time{for_drops:s} because newer "
             "frames came]."},
    {RULE_SHORT_PUT_OFF, "set",
     PUT_OFF " The stream began with its share of {all_bits}, which SPICE_BIT_RATE sets."},
    {RULE_SHORT_PUT_OFF, "measured",
     PUT_OFF " The stream began with its share of {all_bits}, which the net test had measured."},
    {RULE_SHORT_PUT_OFF, "earlier_stream",
     PUT_OFF " The stream began with its share of {all_bits} for all streams: the server took that from one "
             "earlier stream, whose own share it was."},
    {RULE_SHORT_PUT_OFF, "test_failed",
     PUT_OFF " The stream began with its share of {all_bits}, the server's guess, because the net test gave "
             "no result: its last ping, with {test_bytes}, took {roundtrip_ns}, and an empty one "
             "{latency_ns}."},
    {RULE_SHORT_PUT_OFF, "no_test",
     PUT_OFF " The stream began with its share of {all_bits}, the server's guess where it has no net "
             "test."},
    {RULE_SHORT_BLOCKED, NULL,
     "The server did not read the guest's commands for {blocked_ns}, {blocked_percent} of the run, "
     "because a client took its data too slowly."},
    {RULE_SHORT_NOTHING, "no_numbers",
     "Nothing that was recorded cost the viewer a noticeable time.[ {streamed_percent} of the clip's redraws were "
     "sent as video.] Whether the picture froze is unknown: the client read no frame numbers."},
    {RULE_SHORT_NOTHING, "no_client",
     "Nothing that was recorded cost the viewer a noticeable time.[ {streamed_percent} of the clip's "
     "redraws were sent as video.]"},
    {RULE_SHORT_NOTHING, NULL,
     "Nothing is wrong.[ The picture of the clip never stood still for {freeze_ns} or longer.][ "
     "{streamed_percent} of the clip's redraws were sent as video.]"},

    /* memory, all episodes */
    {RULE_MEMORY_RAN_OUT, "found",
     "The guest ran out of graphics memory {times} time{times:s} ({per_minute} a minute).[ It stood still for at "
     "least {still_ns} in all, {still_percent} of the run; the longest time was {longest_still_ns}.]"},
    {RULE_MEMORY_RAN_OUT, "false_alarms",
     "The guest called for graphics memory {times} time{times:s} ({per_minute} a minute), but never ran out."},
    {RULE_MEMORY_RAN_OUT, "none", "The guest did not run out of graphics memory."},
    {RULE_MEMORY_RAN_OUT, "unknown", "Whether the guest ran out of graphics memory is unknown."},
    {RULE_MEMORY_CALLED, "found",
     "QEMU told the server {times} time{times:s} ({per_minute} a minute) that the guest ran out of "
     "graphics memory. What the server did then is not known."},
    {RULE_MEMORY_CALLED, "none",
     "QEMU did not tell the server that the guest ran out of graphics memory."},
    {RULE_MEMORY_CALLED, "unknown",
     "Whether QEMU told the server that the guest ran out of graphics memory is unknown."},
    {RULE_MEMORY_EVICTED, "found",
     "To make room the server evicted {evicted} drawing{evicted:s}: {streamable} could have been "
     "{streamable:frames}, and {of_streams} {of_streams:were} a running stream's.[+ {traced} entered the "
     "trace ring.][+ {overwrote_young} of these overwrote an entry younger than {young_ns}.]"},
    {RULE_MEMORY_EVICTED, "none",
     "The server evicted no drawing: it was enough to release those that it had finished with."},
    {RULE_MEMORY_EVICTED, "unknown", "Whether the server evicted drawings is unknown."},
    {RULE_MEMORY_WAITED, "found",
     "By its own events the guest waited for memory for {waited_ns} in all, {waited_percent} of the "
     "run. The longest wait took {longest_ns} and ended at {longest_end_ns}."},
    {RULE_MEMORY_WAITED, "none", "By its own events the guest never waited for memory."},
    {RULE_MEMORY_WAITED, "unknown", "How long the guest waited for memory is unknown."},
    {RULE_MEMORY_ASKED, "ram",
     "In {times} of these episodes the guest asked for memory in {memory} (QEMU's ram_size).[ That "
     "memory was {fullest_percent} full at the most and {emptiest_percent} at the least.]"},
    {RULE_MEMORY_ASKED, "vram",
     "In {times} of these episodes the guest asked for memory in {memory} (QEMU's vram_size).[ That "
     "memory was {fullest_percent} full at the most and {emptiest_percent} at the least.]"},
    {RULE_MEMORY_NO_GUEST, NULL,
     "Which memory ran out, what the guest asked for and who waited is unknown."},
    {RULE_MEMORY_NOT_NAMED, NULL,
     "The guest's events name no memory for these episodes, so no size is known to be too small."},
    {RULE_MEMORY_FALSE_ALARMS, "all",
     "All {false_alarms} were false alarms: the guest's kernel was freeing old images, not allocating."},
    {RULE_MEMORY_FALSE_ALARMS, "some",
     "{false_alarms} of {times} {false_alarms:were} {false_alarms:alarms}: the guest's kernel was freeing "
     "old images, not allocating."},
    {RULE_MEMORY_CLOCK, NULL,
     "What the guest did in {times} of these episodes is unknown."},
    {RULE_MEMORY_TABLE, NULL,
     "Only the first {described} episodes are described one by one."},
    {RULE_DISPLAYS_TABLE, NULL,
     "Only the first {displays} displays are followed."},
    {RULE_MEMORY_HELD, NULL,
     "When the guest called for memory, the server held {drawables_mean} drawings on average, with at "
     "least {mean_bytes} of pictures. It held the most bytes at {most_at_ns}: at least {most_bytes} in "
     "{most_drawables} drawing{most_drawables:s}. {on_screen} of these made up the screen.[+ The image dictionary had "
     "{in_dictionary} image{in_dictionary:s}.][+ {waiting} item{waiting:s} waited for clients.]"},
    {RULE_MEMORY_DROPPED, NULL,
     "{calls} call{calls:s} for memory came while the server was still answering the one before, and {calls:were} "
     "dropped. A guest that nothing else wakes then waits in vain (Linux for {linux_waits_ns})."},
    {RULE_EPISODES_MORE, "none_held",
     "No episode held the guest up; --episode N shows one of the others, N up to {last}."},
    {RULE_EPISODES_MORE, NULL,
     "That episode held the guest up longest; --episode N shows one of the others, N up to {last}."},

    /* one episode */
    {RULE_EPISODE_COURSE, "waited",
     "At {from_ns} the guest[ on display {display}] ran out of graphics memory and called the server "
     "{calls} time{calls:s}. By its own events it waited for {waited_ns}.[ Its next command came "
     "{resumed_after_ns} after the first call.]"},
    {RULE_EPISODE_COURSE, "no_wait",
     "At {from_ns} the guest[ on display {display}] called the server {calls} time{calls:s} for graphics memory. By "
     "its own events nothing in it waited for that.[ Its next command came {resumed_after_ns} after the first call.]"},
    {RULE_EPISODE_COURSE, "at_least",
     "At {from_ns} the guest[ on display {display}] ran out of graphics memory and called the server "
     "{calls} time{calls:s}. It stood still for at least {stalled_ns}.[ Its next command came "
     "{resumed_after_ns} after the first call.]"},
    {RULE_EPISODE_ANSWER, "none", "No answer of the server was recorded."},
    {RULE_EPISODE_ANSWER, "unknown", "What the server did is unknown."},
    {RULE_EPISODE_ANSWER, "released",
     "The server answered {answers} time{answers:s}. It held {drawables} drawing{drawables:s}, with at "
     "least {held_bytes} of pictures; {on_screen} made up the screen.[+ The image dictionary had "
     "{in_dictionary} image{in_dictionary:s}.][+ {waiting} item{waiting:s} waited for clients.] It "
     "released {released} that it had finished with, and evicted none."},
    {RULE_EPISODE_ANSWER, "evicted",
     "The server answered {answers} time{answers:s}. It held {drawables} drawing{drawables:s}, with at least "
     "{held_bytes} of pictures; {on_screen} made up the screen.[+ The image dictionary had {in_dictionary} "
     "image{in_dictionary:s}.][+ {waiting} item{waiting:s} waited for clients.] It released {released} that it had "
     "finished with, and evicted {evicted}: {streamable} could have been {streamable:frames}, {of_streams} "
     "{of_streams:were} a running stream's.[+ {overwritten} entr{overwritten:y} of the trace ring "
     "{overwritten:were} overwritten, {overwrote_young} of them younger than {young_ns}.]"},
    {RULE_EPISODE_VICTIM, NULL,
     "{entries} of the overwritten entries held the history of region {region}."},
    {RULE_EPISODE_ASKED, "ram", "The guest was asking for {asked_bytes} in ram."},
    {RULE_EPISODE_ASKED, "vram", "The guest was asking for {asked_bytes} in vram."},
    {RULE_EPISODE_ASKED, "other",
     "The guest was asking for {asked_bytes} in memory that is not the device's."},
    {RULE_EPISODE_ASKED, "inconclusive", "What the guest asked for is unknown."},
    {RULE_EPISODE_DELETES, "alone",
     "A false alarm: the guest's kernel waited {deletes} time{deletes:s} to free old images, and "
     "nothing in the guest asked for memory."},
    {RULE_EPISODE_DELETES, "beside",
     "The guest's kernel also waited {deletes} time{deletes:s} to free old images."},

    /* streams */
    {RULE_STREAMS_COUNT, "found",
     "The server had {streams} video stream{streams:s}; {ended} ended during the run."},
    {RULE_STREAMS_COUNT, "none", "The server had no video stream."},
    {RULE_STREAMS_COUNT, "unknown", "Whether the server had a video stream is unknown."},
    {RULE_STREAMS_CAUSE, "guest_idle",
     "{streams} ended because no new frame came, although the guest was free to send one."},
    {RULE_STREAMS_CAUSE, "guest_waited",
     "{streams} ended because no new frame came while the guest waited for memory."},
    {RULE_STREAMS_CAUSE, "pipe_blocked",
     "{streams} ended because no new frame was read while a client took its data too slowly."},
    {RULE_STREAMS_CAUSE, "refused",
     "{streams} ended although new frames came: the server did not take them as the stream's."},
    {RULE_STREAMS_CAUSE, "surface_gone", "{streams} ended because the screen was taken away."},
    {RULE_STREAMS_CAUSE, "client_gone", "{streams} ended because the client had gone."},
    {RULE_STREAMS_CAUSE, "codecs", "{streams} ended because the video codecs were changed."},
    {RULE_STREAMS_CAUSE, "migrated", "{streams} ended because the client moved to another host."},
    {RULE_STREAMS_CAUSE, "inconclusive", "{streams} ended for a reason that is not certain."},
    {RULE_STREAMS_NO_GUEST, NULL,
     "Whether a player had paused, or was held up inside the guest, is unknown."},
    {RULE_STREAMS_TABLE, NULL, "Only the first {described} streams are described one by one."},
    {RULE_STREAMS_MORE, NULL,
     "{more} more {more:are} not on this page: --stream N shows one, N up to {last}."},
    {RULE_STREAM_BIRTH, "found",
     "Stream {stream}, {box}[ on display {display}], began at {born_ns}."},
    {RULE_STREAM_BIRTH, "before",
     "Stream {stream}[, {box}][ on display {display}]: its beginning is not in the recording."},
    {RULE_STREAM_LIFE, "found",
     "It lived {lived_ns} and had {frames} frame{frames:s}[, half of them within {median_interval_ns} of the one "
     "before; the longest pause took {longest_pause_ns} and ended at {longest_pause_end_ns}]."},
    {RULE_STREAM_LIFE, "at_least",
     "It lived at least {lived_ns} and had {frames} frame{frames:s}[, half of them within {median_interval_ns} of "
     "the one before; the longest pause took {longest_pause_ns} and ended at {longest_pause_end_ns}]."},
    {RULE_STREAM_END, "running", "It was still running at the end."},
    {RULE_STREAM_END, "guest_idle",
     "It ended at {died_ns}, because no new frame came for {gap_ns} although the guest was free: the server had "
     "read all its commands {empties} time{empties:s} in that span, and {commands} other command{commands:s} came."},
    {RULE_STREAM_END, "guest_waited",
     "It ended at {died_ns}, because no new frame came for {gap_ns}: the guest waited for memory for "
     "{waited_ns} of that."},
    {RULE_STREAM_END, "pipe_blocked",
     "It ended at {died_ns}, because no new frame was read for {gap_ns}: the server did not read the "
     "guest's commands for {blocked_ns} of that, since a client took its data too slowly."},
    {RULE_STREAM_END, "refused",
     "It ended at {died_ns}: {refused} redraw{refused:s} of its place came in the last {gap_ns}, and "
     "the server did not take them as its frames. {main} of them: {why}."},
    {RULE_STREAM_END, "surface_gone", "It ended at {died_ns}, because its screen was taken away."},
    {RULE_STREAM_END, "client_gone",
     "It ended at {died_ns}, because the client had gone: a client took its last frame at "
     "{client_at_ns}, and {unseen} later one{unseen:s} went to nobody."},
    {RULE_STREAM_END, "codecs", "It ended at {died_ns}, because the video codecs were changed."},
    {RULE_STREAM_END, "migrated", "It ended at {died_ns}, because the client moved to another host."},
    {RULE_STREAM_END, "inconclusive",
     "[It ended at {died_ns}, after {gap_ns} without a new frame. ]Why it ended is not certain."},
    {RULE_STREAM_EVICTED, NULL,
     "Beside it: its last frame was evicted. That alone does not end a stream."},
    {RULE_STREAM_OVERLAP, NULL, "Beside it: something was drawn over its last frame."},
    {RULE_STREAM_OOM, NULL,
     "Coincident, not shown to be a cause: in that span the guest ran out of memory and called the "
     "server {calls} time{calls:s}, which held it up for {held_up_ns}."},
    {RULE_STREAM_REFUSED, NULL,
     "Beside it: {refused} redraw{refused:s} of its place {refused:were} refused, and {late} came too late."},
    {RULE_STREAM_DROPS, NULL,
     "While it lived, the encoder skipped {skipped} of its frames to keep its bit rate."},

    /* places */
    {RULE_PLACES_COUNT, "found",
     "{places} place{places:s} on the screen {places:were} redrawn like a video: more than "
     "{per_second} times a second for more than {for_ns}. (The server wants {server_per_second}.)"},
    {RULE_PLACES_COUNT, "none",
     "No place on the screen was redrawn like a video: more than {per_second} times a second for more "
     "than {for_ns}. (The server wants {server_per_second}.)"},
    {RULE_PLACES_COUNT, "unknown", "Whether a place on the screen was redrawn like a video is unknown."},
    {RULE_PLACES_PIECES, NULL,
     "The client read the clip's frame numbers in {box}, but nothing was drawn in just this place: the "
     "display draws the clip in pieces. {video_percent} of their pixels were sent as video."},
    {RULE_PLACES_CLIP, "by_client",
     "The clip is {region}, {box}[ on display {display}]: the client read the clip's frame numbers "
     "there.[ Its box alternates with others: see {alternate}.]"},
    {RULE_PLACES_CLIP, "around",
     "The clip is part of {region}, {box}[ on display {display}]: the client read the clip's frame numbers "
     "in it, and nothing smaller was drawn there.[ Its box alternates with others: see {alternate}.]"},
    {RULE_PLACES_CLIP, "by_size",
     "The clip is taken to be {region}, {box}[ on display {display}][ ({part})]: of the places that are redrawn "
     "like a picture, it has the most pixels times time.[ Its box alternates with others: see {alternate}.]"},
    {RULE_PLACES_TABLE, NULL, "Not all places were followed."},
    {RULE_PLACES_MORE, NULL,
     "{more} more {more:are} not on this page: --region N shows one, N up to {last}."},
    {RULE_PLACE_REDRAWS, "place",
     "Region {region}, {box}[ on display {display}], was redrawn {redraws} times, {per_second} a second, "
     "over {busy_ns} in {stretches} stretch{stretches:es}; half of the redraws came within "
     "{median_interval_ns} of the one before."},
    {RULE_PLACE_REDRAWS, "clip",
     "Region {region}, the clip[ ({part})], {box}[ on display {display}], was redrawn {redraws} "
     "time{redraws:s}, {per_second} a second over all the time that it was redrawn; half of the redraws "
     "came within {median_interval_ns} of the one before."},
    {RULE_PLACE_REDRAWS, "brief_clip",
     "Region {region}, the clip[ ({part})], {box}[ on display {display}], was redrawn {redraws} time{redraws:s}, "
     "{per_second} a second; half of the redraws came within {median_interval_ns} of the one before. It was redrawn "
     "for {busy_ns} in all, too briefly or with too long pauses to be listed as a place redrawn like a video."},
    {RULE_PLACE_REDRAWS, "slow_clip",
     "Region {region}, the clip[ ({part})], {box}[ on display {display}], was redrawn {redraws} time{redraws:s}, "
     "{per_second} a second; half of the redraws came within {median_interval_ns} of the one before. That is too "
     "slow for the server: it takes for video what comes within {limit_ns}."},
    {RULE_PLACE_STREAMED, "found", "{streamed_percent} of these redraws were sent as video ({streamed})."},
    {RULE_PLACE_STREAMED, "none", "None of these redraws was sent as video."},
    {RULE_PLACE_OUTCOME, NULL, "{redraws} ({redraws_percent}) {redraws:were} not: {why}."},
    {RULE_PLACE_MISS_TIME, NULL,
     "Nearest miss in time: {late_ns} beyond the {limit_ns}, at {at_ns}."},
    {RULE_PLACE_MISS_BOX, NULL, "Nearest miss in place: {off_pixels} pixel{off_pixels:s} off, at {at_ns}."},
    {RULE_PLACE_MISS_FRAMES, NULL,
     "Nearest miss in number: {in_a_row} frame{in_a_row:s} in a row, at {at_ns}; {frames_to_start} make a stream."},
    {RULE_PLACE_STRETCHES, NULL,
     "Only its first {kept} stretches are kept apart; the later ones are listed as one."},

    /* boxes that alternate */
    {RULE_ALTERNATE_COUNT, "found",
     "In {places} place{places:s} redrawn like a video no stream began, because the box alternates: "
     "{lost_ns} in all."},
    {RULE_ALTERNATE_COUNT, "none", "No place redrawn like a video lost a stream to boxes that alternate."},
    {RULE_ALTERNATE_COUNT, "unknown", "Whether boxes that alternate cost a place its stream is unknown."},
    {RULE_ALTERNATE_TABLE, NULL, "Not all boxes that overlap were followed."},
    {RULE_ALTERNATE_MORE, NULL, "{more} more {more:are} not on this page: --json has all {last}."},
    {RULE_ALTERNATE_BOXES, NULL,
     "Place {alternate}[ on display {display}], {box} and {other_boxes} other box{other_boxes:es} that overlap it, "
     "was redrawn {redraws} times without a stream, {per_second} a second. Its box changed {changes} "
     "time{changes:s}. In one box, a video would have been streamed for {lost_ns} of that time."},
    {RULE_ALTERNATE_RUN, "counted",
     "Each change of box begins the server's count anew: it counted {in_a_row} frame{in_a_row:s} in a "
     "row at most, at {at_ns}, and {frames_to_start} make a stream. Whatever the box, up to "
     "{any_box_in_a_row} redraws in a row came within {limit_ns} of the one before."},
    {RULE_ALTERNATE_RUN, "none_counted",
     "Each change of box begins the server's count anew: it counted no frame, and {frames_to_start} in a row make a "
     "stream. Whatever the box, up to {any_box_in_a_row} redraws in a row came within {limit_ns} of the one before."},
    {RULE_ALTERNATE_RETURN, "found",
     "After another box, an equal one came back {returns} time{returns:s}, {late} of these later than the "
     "{limit_ns} that the server accepts; the median is {returns_ns}.[+ The server itself compared {seen_late} of "
     "these redraws with an equal box that was too old.][+ Its trace ring had lost the history of {overwritten}.]"},
    {RULE_ALTERNATE_RETURN, "none", "No box came back after another."},
    {RULE_ALTERNATE_NEED, "delta",
     "A stream could have begun if the server accepted {need_delta_ns} between two equal boxes, or if "
     "the guest drew {need_per_second} times a second in place of {per_second}.[ A tolerance of "
     "{need_pixels} pixels for each edge could have done as well.] spicetap whatif --detection-delta "
     "replays the server's detector, and foretells whether it would."},
    {RULE_ALTERNATE_NEED, "tolerance",
     "No box came back often enough for a longer time to help. A stream could have begun if the server accepted "
     "edges that are {need_pixels} pixels off: spicetap whatif --box-tolerance replays its detector."},
    {RULE_ALTERNATE_NEED, "none", "Neither a longer time nor a tolerance would have begun a stream."},

    /* throughput */
    {RULE_SENT, NULL,
     "Sent to clients: {video_bytes} as video, {drawing_bytes} as drawings, {other_bytes} of other things."},
    {RULE_BLOCKED, NULL,
     "The server stopped reading the guest's commands {times} time{times:s}, for {blocked_ns} in all, "
     "because a client took its data too slowly."},
    {RULE_SHOWN, "inconclusive", "What the client showed, and when it froze, is unknown."},
    {RULE_SHOWN, "clip",
     "The client showed {pictures} picture{pictures:s} of the clip. It stood still for {freeze_ns} or longer "
     "{freezes} time{freezes:s}[, {longest_ns} at the longest].[ In {drawn_meanwhile} of these times the client "
     "drew on in the clip's place: the frame number could not be read, or did not change.][ In {same_frame} of them "
     "it was the same frame all the time.][ The picture went back to an older frame {went_back} "
     "time{went_back:s}.][ It was {behind_ns} behind the clip's own schedule in the median, and {behind_long_ns} or "
     "more for a twentieth of the time.][ Parts of it showed different frames for {torn_ns} of {read_ns}.]"},
    {RULE_SHOWN, "no_numbers",
     "The client showed {pictures} picture{pictures:s} in the clip's place. They stood still for "
     "{freeze_ns} or longer {freezes} time{freezes:s}[, {longest_ns} at the longest]. The client read "
     "no frame number there: it need not be a clip."},
    {RULE_NET_TEST, "measured",
     "The net test[ of client {client}] measured {net_bits}[ at {at_ns}]: its last ping, with {test_bytes}, "
     "took {roundtrip_ns}, and an empty one {latency_ns}."},
    {RULE_NET_TEST, "invalid",
     "The net test[ of client {client}] gave no result[ at {at_ns}]: its last ping, with {test_bytes}, took "
     "{roundtrip_ns}, no longer than an empty one ({latency_ns})."},
    {RULE_NET_TEST, "none",
     "No net test[ of client {client}] is in the recording: the client came before it, or through a unix "
     "socket, where the server makes none."},
    {RULE_NET_TEST, "unknown", "What the net test[ of client {client}] gave is unknown."},
    {RULE_RATES, "environment",
     "SPICE_BIT_RATE sets {all_bits} for all streams[ of client {client}]." RATES},
    {RULE_RATES, "net_test",
     "The first stream[ of client {client}] began with its share of {all_bits}, which the net test had measured." RATES},
    {RULE_RATES, "earlier_stream",
     "The first stream[ of client {client}] in the recording began with its share of {all_bits}, the rate of a stream before it." RATES},
    {RULE_RATES, "high_default",
     "The first stream[ of client {client}] began with its share of {all_bits}, the server's guess without a net test." RATES},
    {RULE_RATES, "low_default",
     "The first stream[ of client {client}] began with its share of {all_bits}, the server's guess for a slow link." RATES},
    {RULE_RATES, NULL, "The streams[ of client {client}] began before the recording." RATES},
    {RULE_DELAY, "not_told",
     ASKED " The client was not told of the {owed_ns} that it needed: the server still counted {counted_ns}, "
           "which it had ordered of a client before it. Frames may come too late there."},
    {RULE_DELAY, "ordered",
     ASKED " The client was told {told} time{told:s} to show frames later, {ordered_ns} after they came at the "
           "most[, at {at_ns}]."},
    {RULE_DELAY, NULL,
     ASKED " The client was never told to show frames later[ than {holds_ns} after they came]."},
    {RULE_PACING_TABLE, NULL, "Only the first {clients} clients are followed."},
    {RULE_KEYS, "answered",
     "Of {pressed} key press{pressed:es} the picture answered {answered}: after {median_ns} (median); one "
     "in twenty took {one_in_twenty_ns} or longer, the longest {longest_ns}.[ {unanswered} had no answer in time.]"},
    {RULE_KEYS, "unanswered",
     "The picture answered none of {pressed} key press{pressed:es}[; {unanswered} had no answer in time]."},
    {RULE_FREEZE, "picture",
     "At {to_ns} the client's picture of the clip had stood still for {froze_ns}.[ In that span the guest redrew "
     "its place {redraws} time{redraws:s}.][+ The guest waited for memory for {waited_ns}.][ The guest stood still "
     "for at least {stalled_ns}, for want of memory.][ The server did not read the guest's commands for "
     "{blocked_ns}.][ Frames of video were shown {delay_before_ns} after they came when that began, and {delay_ns} "
     "after at its end, as the server ordered: that alone holds the picture for {put_off_ns}.]"},
    {RULE_FREEZE, "number",
     "At {to_ns} the clip's number at the client had stood still for {froze_ns}. The client drew {drawn} "
     "time{drawn:s} in the clip's place meanwhile: the number could not be read, or did not change.[ In that span "
     "the guest redrew its place {redraws} time{redraws:s}.][+ The guest waited for memory for {waited_ns}.][ The "
     "guest stood still for at least {stalled_ns}, for want of memory.][ The server did not read the guest's "
     "commands for {blocked_ns}.][ Frames of video were shown {delay_before_ns} after they came when that began, "
     "and {delay_ns} after at its end, as the server ordered: that alone holds the picture for {put_off_ns}.]"},
    {RULE_FREEZE, "same_frame",
     "At {to_ns} the client's picture of the clip had stood still for {froze_ns}. The client drew {drawn} "
     "time{drawn:s} in its place meanwhile, and it was the same frame all the time.[ In that span the guest redrew "
     "its place {redraws} time{redraws:s}.][+ The guest waited for memory for {waited_ns}.][ The guest stood still "
     "for at least {stalled_ns}, for want of memory.][ The server did not read the guest's commands for "
     "{blocked_ns}.][ Frames of video were shown {delay_before_ns} after they came when that began, and {delay_ns} "
     "after at its end, as the server ordered: that alone holds the picture for {put_off_ns}.]"},
    {RULE_FREEZE, "no_numbers",
     "At {to_ns} the client's picture in the clip's place had stood still for {froze_ns}. Whether the guest drew "
     "there is unknown.[+ It waited for memory for {waited_ns}.][ It stood still for at least {stalled_ns}, for "
     "want of memory.][ The server did not read the guest's commands for {blocked_ns}.][ Frames of video were shown "
     "{delay_before_ns} after they came when that began, and {delay_ns} after at its end, as the server ordered: "
     "that alone holds the picture for {put_off_ns}.]"},
    {RULE_FREEZES_MORE, NULL, "Only the longest freezes are described one by one."},
    {RULE_LOSSES, NULL,
     "The recording lost {lost_events} event{lost_events:s} in {places} place{places:s}.[ How many were "
     "lost is unknown in {unknown_places} of these.]"},

    /* hypotheses */
    {RULE_H_EVICTION_KILLS, NULL,
     "{hypothesis}, eviction of what stream detection needs kills streams: {says}. A running stream's frame was "
     "evicted {evicted} time{evicted:s}; {survived} time{survived:s} the stream went on. {died} stream{died:s} "
     "ended with no frame after it, {killed} of these because an evicted frame was missing when the next one came."},
    {RULE_H_RING_OVERWRITTEN, NULL,
     "{hypothesis}, evictions overwrite the server's trace ring, so that videos are not detected: {says}. Of "
     "{refused} refused redraws of video-like places {evicted_over} {evicted_over:were} refused because evictions "
     "had overwritten their history, and {other_over} because other drawings had. Evictions wrote {traced} "
     "entr{traced:y}; {overwrote_young} of these overwrote one younger than {young_ns}."},
    {RULE_H_DRAWS_UNFIT, NULL,
     "{hypothesis}, the draws are of the wrong kind, or in the wrong place or time: {says}. Of {redraws} "
     "redraw{redraws:s} of video-like places {refused} {refused:were} refused: {kind} for their kind, "
     "{place} for their place or size, {late} because they came too late, and {overwritten} because "
     "their history had been overwritten.[+ {others} had other reasons.]"},
    {RULE_H_VIRTIO, "inconclusive",
     "{hypothesis}, a virtio display cannot stream: {says}.[ {places} place{places:s} {places:were} "
     "redrawn like a video, and {streams} stream{streams:s} {streams:were} created.]"},
    {RULE_H_VIRTIO, NULL,
     "{hypothesis}, a virtio display cannot stream: {says}. {places} place{places:s} {places:were} "
     "redrawn like a video, and {streams} stream{streams:s} {streams:were} created."},
    {RULE_H_MEMORY, NULL,
     "{hypothesis}, more memory lowers the rate of out-of-memory, but brings no stream back: {says}. Here: "
     "{per_minute} episodes a minute, and {streamed_percent} of the redraws of video-like places were streamed."},
    {RULE_H_ALTERNATE, "refuted",
     "{hypothesis}, boxes that alternate keep a video from becoming a stream: {says}. {video_places} "
     "place{video_places:s} {video_places:were} redrawn like a video, and none lost a stream to that."},
    {RULE_H_ALTERNATE, NULL,
     "{hypothesis}, boxes that alternate keep a video from becoming a stream: {says}.[+ In {places} "
     "place{places:s} it did; in {alternate} for {lost_ns}, with {in_a_row} frame{in_a_row:s} in a row "
     "at most of the {frames_to_start} that make a stream.]"},
};
const size_t words_count = sizeof(words) / sizeof(*words);
/* clang-format on */
