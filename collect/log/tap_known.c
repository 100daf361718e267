/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log/tap_known.h"

static const struct tap_field *field_named(const struct tap_kind_desc *kind, const char *name)
{
    for (unsigned i = 0; i < kind->count; i++)
        if (!strcmp(kind->fields[i].name, name))
            return &kind->fields[i];
    return NULL;
}

void tap_translation_learn(struct tap_translation *t, const struct tap_kind_desc *from)
{
    *t = (struct tap_translation){.to = tap_kind_by_name(from->name)};
    if (t->to && (t->to->source == SOURCE_META) != (from->source == SOURCE_META))
        t->to = NULL;
    if (!t->to)
        return;
    t->same = from->slots == t->to->slots && from->kind == t->to->kind;
    for (unsigned i = 0; i < t->to->count; i++) {
        const struct tap_field *want = &t->to->fields[i], *have = field_named(from, want->name);

        if (!have || (have->type == TYPE_RECT) != (want->type == TYPE_RECT)) {
            t->same = false;
            continue;
        }
        t->same = t->same && have->slot == want->slot;
        t->move[t->moves].from = (uint8_t)have->slot;
        t->move[t->moves].to = (uint8_t)want->slot;
        t->move[t->moves++].slots = want->type == TYPE_RECT ? 2 : 1;
    }
}

const struct tap_event *tap_translate(const struct tap_translation *t, const struct tap_event *e,
                                      struct tap_event *room)
{
    if (t->same)
        return e;
    if (!t->to)
        return NULL;
    *room = (struct tap_event){
        .time = e->time, .tid = e->tid, .kind = t->to->kind, .slots = t->to->slots};
    for (unsigned i = 0; i < t->moves; i++)
        memcpy(&room->v[t->move[i].to], &e->v[t->move[i].from], t->move[i].slots * sizeof(*e->v));
    return room;
}
