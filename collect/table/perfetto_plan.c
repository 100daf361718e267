/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of each kind of event, and of linked rows, in Perfetto's viewer. */
#include <errno.h>
#include <stdlib.h>

#include "table/perfetto_plan.h"
#include "table/perfetto_wire.h"
#include "table/text.h"

/* ---- what becomes of a kind of event ---- */

/* What is not here is an instant on a track of its kind's name. */
/* clang-format off */
static const struct rule {
    const char *kind, *group;
    enum how how;
    const char *lasted; /* SPAN, SINCE: the column */
} rules[] = {
    {"stream_create", "stream", BEGIN, NULL},
    {"stream_stop", "stream", END, NULL},
    {"stream_attach", "stream", INSTANT, NULL},
    {"stream_detach", "stream", INSTANT, NULL},
    {"stream_drop", "stream", INSTANT, NULL},
    {"stream_rate", "stream", INSTANT, NULL},
    {"stream_first_rate", "stream", INSTANT, NULL},
    {"stream_report", "stream", INSTANT, NULL},
    {"stream_encode", "compression", SPAN, "took"},
    {"image", "compression", SPAN, "took"},
    {"oom_begin", "memory", BEGIN, NULL},
    {"oom_end", "memory", END, NULL},
    {"free_some_begin", "memory", BEGIN, NULL},
    {"free_some_end", "memory", END, NULL},
    {"flush_resources", "memory", INSTANT, NULL},
    {"evict", "memory", INSTANT, NULL},
    {"trace_add", "memory", INSTANT, NULL},
    {"guest_alloc", "thread", SPAN, "took"},
    {"guest_bo", "thread", SPAN, "took"},
    {"guest_wait_end", "thread", SPAN, "took"},
    {"guest_oom", "thread", SPAN, "took"},
    {"guest_push", "thread", SPAN, "took"},
    {"guest_gc", "thread", SPAN, "took"},
    {"guest_full", "thread", SPAN, "took"},
    {"guest_delete", "thread", SPAN, "took"},
    {"loss", "loss", SINCE, "since"},
    {"client_stream", "stream", INSTANT, NULL},
    {"client_frame", "stream", INSTANT, NULL},
};
/* clang-format on */

/* What a counter shows, and by which column it has a track of its own. */
static const struct counter counters[] = {
    {"guest_memory", "used", "memory in use", "domain", false, true},
    {"oom_begin", "drawables", "drawables at an OOM", "display", false, false},
    {"sent", "size", "bytes sent", "channel", true, true},
    {"client_message", "size", "bytes received", "channel", true, true},
};

static const struct link links[] = {
    {"journeys",
     {{"alloc", SOURCE_GUEST},
      {"cmd", SOURCE_SPICE},
      {"evict", SOURCE_SPICE},
      {"release", SOURCE_SPICE},
      {"res_push", SOURCE_QEMU},
      {"free", SOURCE_GUEST}}},
    {"oom",
     {{"guest_oom_begin", SOURCE_GUEST},
      {"io_write", SOURCE_QEMU},
      {"oom_begin", SOURCE_SPICE},
      {"oom_end", SOURCE_SPICE},
      {"res_push", SOURCE_QEMU},
      {"reclaim_first", SOURCE_GUEST}}},
    {"fences",
     {{"queue", SOURCE_GUEST},
      {"qemu_ctrl", SOURCE_QEMU},
      {"qemu_resp", SOURCE_QEMU},
      {"response", SOURCE_GUEST}}},
    {"updates", {{"update", SOURCE_QEMU}, {"cmd", SOURCE_SPICE}, {"draw", SOURCE_SPICE}}},
};

/* ---- the plan of a table ---- */

static const struct column *column_of(const struct schema *schema, const char *name, unsigned *bit)
{
    for (unsigned i = 0; name && i < schema->count; i++)
        if (!strcmp(schema->columns[i].name, name)) {
            if (bit)
                *bit = i;
            return &schema->columns[i];
        }
    return NULL;
}

static const struct rule *rule_of(const char *kind)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if (!strcmp(rules[i].kind, kind))
            return &rules[i];
    return NULL;
}

static enum tap_source party_of(const struct schema *schema)
{
    const struct column *source = column_of(schema, "source", NULL);

    for (enum tap_source i = 0; source && source->kind == COLUMN_CONSTANT && i < SOURCES; i++)
        if (!strcmp(source->text, tap_source_name(i)))
            return i;
    return SOURCE_META;
}

static int plan_argument(struct sink *s, struct plan *p, const struct column *c, unsigned bit)
{
    struct argument *g = &p->arguments[p->count++];
    char name[128];
    uint64_t iid;

    p->has_text |= c->kind == COLUMN_TEXT;
    g->column = c;
    g->bit = bit;
    for (int side = 0; side < (c->kind == COLUMN_BOX ? 4 : 1); side++) {
        snprintf(name, sizeof(name), "%s%s", c->name,
                 c->kind == COLUMN_BOX ? text_sides[side] : "");
        iid = perfetto_intern(s, ARGUMENT_NAME, name);
        if (!iid)
            return -ENOMEM;
        g->head_length[side] = (uint8_t)(pack_number(g->head[side], 1, iid) - g->head[side]);
    }
    if (c->kind != COLUMN_ENUM)
        return 0;
    g->value_iid = calloc(c->names->count + 1, sizeof(*g->value_iid));
    for (size_t i = 0; g->value_iid && i < c->names->count; i++) {
        g->value_iid[i] = perfetto_intern(s, VALUE, c->names->values[i].name);
        if (!g->value_iid[i])
            return -ENOMEM;
    }
    return g->value_iid ? 0 : -ENOMEM;
}

static int plan_events(struct sink *s, struct plan *p, const struct schema *schema)
{
    const struct rule *r = rule_of(schema->name);
    const char *group = r ? r->group : schema->name;

    p->party = party_of(schema);
    p->group = perfetto_group(s, group);
    p->how = r ? r->how : INSTANT;
    p->time = column_of(schema, "t", NULL);
    p->lasted = column_of(schema, r ? r->lasted : NULL, NULL);
    if (p->party != SOURCE_GUEST) /* whose field of that name is a counter */
        p->display = column_of(schema, "display", NULL);
    if (!strcmp(group, "stream"))
        p->number = column_of(schema, "stream", NULL);
    else if (!strcmp(group, "thread"))
        p->number = column_of(schema, "tid", NULL);
    for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
        if (!strcmp(counters[i].kind, schema->name)) {
            p->counter = &counters[i];
            p->counted = column_of(schema, counters[i].value, NULL);
            p->counted_by = column_of(schema, counters[i].by, NULL);
        }
    if (p->counter && !p->counted)
        p->counter = NULL;
    p->name = perfetto_intern(s, EVENT_NAME, schema->name);
    return !p->name || !p->group ? -ENOMEM : p->time ? 0 : -EPROTO;
}

static int plan_links(struct sink *s, struct plan *p, const struct schema *schema)
{
    for (int i = 0; i < STEPS; i++) {
        const char *name = p->link->steps[i].column;

        p->steps[i] = column_of(schema, name, &p->step_bits[i]);
        if (p->steps[i])
            p->step_names[i] = perfetto_intern(s, EVENT_NAME, name);
    }
    return 0;
}

int plan_make(struct sink *s, const struct schema *schema, struct plan **out)
{
    struct plan *p = calloc(1, sizeof(*p) + schema->count * sizeof(*p->arguments));
    int error;

    *out = p;
    if (!p)
        return -ENOMEM;
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
        if (!strcmp(links[i].table, schema->name))
            p->link = &links[i];
    error = p->link ? plan_links(s, p, schema) : plan_events(s, p, schema);
    p->category = perfetto_intern(s, EVENT_NAME, schema->name);
    for (unsigned i = 0; i < schema->count && !error; i++) {
        const struct column *c = &schema->columns[i];

        if (c != p->time && c->kind != COLUMN_CONSTANT)
            error = plan_argument(s, p, c, i);
    }
    return error ? error : p->category ? 0 : -ENOMEM;
}

void plan_clear(const struct plan *p)
{
    for (unsigned i = 0; p && i < p->count; i++)
        free(p->arguments[i].value_iid);
}
