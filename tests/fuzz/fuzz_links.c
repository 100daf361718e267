/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever events a run holds, in whatever order: linking and printing them must not crash, and
 * every view must end. The first byte chooses the view; each event takes a few bytes.
 * A long run: scripts/fuzz.sh run build/fuzz/fuzz_links 3600
 */
#include <stdlib.h>

#include "links/links.h"
#include "table/sink.h"

static uint8_t take(const uint8_t **p, const uint8_t *end)
{
    return *p < end ? *(*p)++ : 0;
}

/* Mostly small values, which meet each other; now and then an extreme one. */
static uint64_t value(uint8_t b)
{
    return b < 0xf0 ? b & 7 : b < 0xf8 ? UINT64_MAX - (b & 7) : 1ull << ((b & 7) * 9);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct link_view *const views[] = {&view_journeys, &view_oom, &view_fences,
                                                    &view_updates};
    const uint8_t *p = data, *end = data + size;
    const struct link_view *view = views[take(&p, end) & 3];
    struct sink sink;
    struct sink_rows rows;
    void *state;
    uint64_t t = 1000;

    if (sink_open(&sink, size & 1 ? &sink_jsonl : &sink_csv, "/dev/null", true) ||
        sink_rows(&rows, &sink, view->schema))
        abort();
    state = view->begin(&rows.to);
    if (!state)
        abort();
    while (p < end) {
        const struct tap_kind_desc *k = &tap_kinds[take(&p, end) % tap_kind_count];
        uint8_t step = take(&p, end);
        struct tap_event ev = {.kind = k->kind, .slots = k->slots, .tid = step & 3};
        enum tap_source source = k->source == SOURCE_META ? step % SOURCES : k->source;

        t += step >> 2;
        ev.time = step == 0xff ? UINT64_MAX : t;
        for (unsigned i = 0; i < k->slots; i++)
            ev.v[i] = value(take(&p, end));
        view->add(state, &ev, source, step & 0x80 ? value(step) : 20);
    }
    if (view->end(state))
        abort();
    json_decref(links_summary(view, state));
    view->free(state);
    if (sink_close(&sink))
        abort();
    return 0;
}
