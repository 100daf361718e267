/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events in Perfetto's format, packed at once: a run has millions, and protobuf-c looks at each
 * field of each message twice. The numbers of fields are those of perfetto.proto.
 */
#ifndef SPICETAP_PERFETTO_PACK_H
#define SPICETAP_PERFETTO_PACK_H

#include "table/perfetto_trace.h"

/* What is 0 or NULL is not written. */
struct perfetto_event {
    Perfetto__TrackEvent__Type type;
    uint64_t category, name, track;
    const struct perfetto_arguments *arguments;
    const int64_t *counter;
    uint64_t flow;
    bool flow_ends;
};

/* Writes its packet to the sink; 0 or -errno. */
int perfetto_event(struct sink *s, uint64_t time, const struct perfetto_event *e);

#endif
