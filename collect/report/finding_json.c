/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/finding_json.h"

#include "explain/names.h"
#include "report/sentence.h"

#define NUMBER(v) ((json_int_t)(v))

json_t *box_json(const int32_t *box)
{
    return json_pack("[iiii]", box[0], box[1], box[2], box[3]);
}

static json_t *value_json(const struct value *v)
{
    switch (v->unit) {
    case UNIT_PERCENT:
    case UNIT_RATE:
        return json_real(v->real);
    case UNIT_BOX:
        return box_json(v->box);
    case UNIT_OUTCOME:
        return json_string(outcome_names[v->n % OUTCOMES]);
    case UNIT_WORD:
        return json_string(v->word);
    default:
        return v->unknown ? json_null() : json_integer(NUMBER(v->n));
    }
}

static json_t *values_json(const struct finding *f)
{
    json_t *o = json_object();

    for (size_t i = 0; i < f->value_count; i++)
        json_object_set_new(o, f->values[i].name, value_json(&f->values[i]));
    return o;
}

static void set_number(json_t *o, const char *name, uint64_t v)
{
    if (v)
        json_object_set_new(o, name, json_integer(NUMBER(v)));
}

static void set_kinds(json_t *o, const uint16_t *kinds)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < 8 && kinds[i]; i++)
        json_array_append_new(list, json_string(tap_kind_find(kinds[i])->name));
    if (json_array_size(list))
        json_object_set(o, "kinds", list);
    json_decref(list);
}

static void set_outcomes(json_t *o, uint32_t bits)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < OUTCOMES; i++)
        if (bits >> i & 1)
            json_array_append_new(list, json_string(outcome_names[i]));
    if (bits)
        json_object_set(o, "outcomes", list);
    json_decref(list);
}

/* Only what the selection asks for. */
static json_t *select_json(const struct select *q)
{
    json_t *o = json_object();

    set_kinds(o, q->kinds);
    set_number(o, "from", q->from);
    set_number(o, "to", q->to);
    set_number(o, "stream", q->stream);
    set_number(o, "region", q->region);
    set_number(o, "overwritten_region", q->other_region);
    set_number(o, "episode", q->episode);
    set_number(o, "alternate", q->alternate);
    if (q->display)
        json_object_set_new(o, "display", json_integer(NUMBER(q->display - 1)));
    set_outcomes(o, q->outcomes);
    set_number(o, "refused_by_stream", q->refused);
    if (q->late)
        json_object_set_new(o, "late", json_true());
    if (q->field) {
        json_object_set_new(o, "field", json_string(q->field));
        json_object_set_new(o, "value", json_integer(NUMBER(q->value)));
    }
    if (q->rule) {
        json_object_set_new(o, "only", json_string(select_names[q->rule]));
        if (!q->field)
            set_number(o, "value", q->value);
    }
    return o;
}

static json_t *object_json(const struct finding *f)
{
    static const char *const kinds[128] = {
        ['i'] = "run",       ['e'] = "episode",    ['s'] = "stream",    ['r'] = "region",
        ['b'] = "alternate", ['t'] = "throughput", ['h'] = "hypothesis"};
    json_t *o = json_pack("{ss sI}", "kind", kinds[f->object & 127], "id", NUMBER(f->id));

    if (f->has_display)
        json_object_set_new(o, "display", json_integer(NUMBER(f->display)));
    return o;
}

json_t *finding_json(const struct finding *f)
{
    json_t *evidence = json_array(), *o;
    char text[SENTENCE_SIZE];

    sentence_text(f, text);
    for (size_t i = 0; i < f->evidence_count; i++)
        json_array_append_new(evidence, select_json(&f->evidence[i]));
    o = json_pack("{ss ss so ss so ss so}", "ref", f->ref, "rule", rule_names[f->rule], "object",
                  object_json(f), "verdict", f->verdict, "values", values_json(f), "text", text,
                  "evidence", evidence);
    if (f->unsure)
        json_object_set_new(o, "doubt", json_string(unsure_names[f->unsure]));
    if (f->change)
        json_object_set_new(o, "change", json_string(change_names[f->change]));
    return o;
}
