/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is events.def sound, and docs/dev/events.md made from it? */
#include <ctype.h>
#include <strings.h>

#include "cmd/commands.h"
#include "event/fields.h"
#include "fake.h"

static void sorted_unique(void **state)
{
    (void)state;
    for (size_t i = 1; i < tap_kind_count; i++)
        assert_true(tap_kinds[i].kind > tap_kinds[i - 1].kind);
    for (size_t i = 0; i < tap_kind_count; i++) {
        assert_ptr_equal(tap_kind_find(tap_kinds[i].kind), &tap_kinds[i]);
        assert_ptr_equal(tap_kind_by_name(tap_kinds[i].name), &tap_kinds[i]);
        assert_true(tap_kinds[i].kind > 0 && tap_kinds[i].kind < TAP_MAX_KINDS);
    }
    assert_null(tap_kind_find(0));
    assert_null(tap_kind_find(UINT16_MAX));
    assert_null(tap_kind_by_name("no_such_kind"));
}

static void plain(const char *name)
{
    assert_true(strlen(name) > 0 && strlen(name) <= TAP_MAX_NAME);
    for (; *name; name++)
        assert_true(islower((unsigned char)*name) || isdigit((unsigned char)*name) || *name == '_');
}

static void fields_sound(void **state)
{
    static const char *const reserved[] = {"t", "source", "event", "tid"};
    (void)state;

    for (size_t k = 0; k < tap_kind_count; k++) {
        const struct tap_kind_desc *kind = &tap_kinds[k];
        unsigned slot = 0, seen = 0;

        plain(kind->name);
        for (unsigned i = 0; i < kind->count; i++) {
            const struct tap_field *f = &kind->fields[i];

            plain(f->name);
            assert_true(strlen(f->help) > 0);
            assert_int_equal(f->slot, slot);
            slot += f->type == TYPE_RECT ? 2 : 1;
            assert_true(f->arg < 12);
            if (f->arg >= 0) {
                assert_false(seen & 1u << f->arg);
                seen |= 1u << f->arg;
            }
            assert_true((f->arg < 0) ==
                        (kind->source != SOURCE_SPICE && kind->source != SOURCE_QEMU));
            assert_true((f->type == TYPE_RECT) == !strcmp(f->meaning, "box"));
            for (int r = 0; r < 4; r++)
                assert_string_not_equal(f->name, reserved[r]);
        }
        assert_int_equal(kind->slots, slot);
        assert_true(slot <= TAP_MAX_SLOTS);
    }
}

static void enums_sound(void **state)
{
    (void)state;
    for (size_t k = 0; k < tap_kind_count; k++)
        for (unsigned i = 0; i < tap_kinds[k].count; i++) {
            const struct tap_enum *e = tap_kinds[k].fields[i].names;

            for (size_t v = 0; e && v < e->count; v++) {
                plain(e->values[v].name);
                assert_string_equal(tap_enum_name(e, e->values[v].value), e->values[v].name);
                for (size_t w = 0; w < v; w++) {
                    assert_true(e->values[w].value != e->values[v].value);
                    assert_string_not_equal(e->values[w].name, e->values[v].name);
                }
            }
            assert_true(!e || !tap_enum_name(e, 9999));
        }
}

struct constant {
    const char *enum_name, *prefix, *name;
    int64_t value;
};

/* The constants of events.h, one row for each V of events.def. */
static const struct constant constants[] = {
#define V(prefix, value, name, help) {NULL, #prefix, #name, prefix##_##name},
#define ENUM(enum_name, values)      {#enum_name, NULL, NULL, 0}, values
#include "../../bpf/events.def"
#undef V
};

static const struct tap_enum *enum_by_name(const char *name)
{
    for (size_t k = 0; k < tap_kind_count; k++)
        for (unsigned f = 0; f < tap_kinds[k].count; f++)
            if (tap_kinds[k].fields[f].names && !strcmp(tap_kinds[k].fields[f].names->name, name))
                return tap_kinds[k].fields[f].names;
    return NULL;
}

/* PREFIX_name is the number that a log holds, and PREFIX is the ENUM's own name in capitals. */
static void constants_match_the_table(void **state)
{
    const struct tap_enum *e = NULL;
    const char *enum_name = NULL;
    size_t seen = 0;
    (void)state;

    for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++) {
        const struct constant *c = &constants[i];

        if (c->enum_name) {
            assert_true(!e || seen == e->count);
            enum_name = c->enum_name;
            e = enum_by_name(enum_name);
            seen = 0;
            if (!e)
                fail_msg("no field of any event has values of %s", enum_name);
            continue;
        }
        if (strcasecmp(c->prefix, enum_name) || islower((unsigned char)c->prefix[0]))
            fail_msg("%s: its values have the prefix %s", enum_name, c->prefix);
        assert_true(seen < e->count);
        assert_string_equal(e->values[seen].name, c->name);
        assert_int_equal(e->values[seen].value, c->value);
        assert_string_equal(tap_enum_name(e, c->value), c->name);
        seen++;
    }
    assert_true(e && seen == e->count);

    /* By hand, so that the test does not lean on events.def alone. */
    assert_int_equal(DRAW_VERDICT_can_stream, 0);
    assert_int_equal(MATCH_VERDICT_orientation, 7);
    assert_int_equal(IMAGE_TYPE_none, 255);
    assert_int_equal(LOSS_REASON_gap, 8);
}

/* The structs of fields.h lie over the slots. */
static void structs_fit(void **state)
{
    (void)state;
#define F(arg, type, name, kind, help)
#define EVENT(source, number, NAME, help, fields)                                                  \
    assert_int_equal(sizeof(struct fields_##NAME), 8 * tap_kind_find(number)->slots);
#include "../../bpf/events.def"
#undef F
    for (unsigned i = 0; i < tap_kind_find(EV_draw)->count; i++) {
        const struct tap_field *f = &tap_kind_find(EV_draw)->fields[i];

        if (!strcmp(f->name, "box"))
            assert_int_equal(offsetof(struct fields_draw, box), 8 * f->slot);
        if (!strcmp(f->name, "verdict"))
            assert_int_equal(offsetof(struct fields_draw, verdict), 8 * f->slot);
    }
}

static void loss_reasons(void **state)
{
    const struct tap_enum *e = tap_kind_find(EV_loss)->fields[1].names;
    (void)state;

    assert_string_equal(tap_enum_name(e, LOSS_REASON_ring_full), "ring_full");
    assert_string_equal(tap_enum_name(e, LOSS_REASON_bad_memory), "bad_memory");
    assert_string_equal(tap_enum_name(e, LOSS_REASON_damaged), "damaged");
    assert_string_equal(tap_enum_name(e, LOSS_REASON_truncated), "truncated");
}

static void page_is_current(void **state)
{
    size_t size;
    uint8_t *page = fake_load("docs/dev/events.md", &size);
    (void)state;

    assert_int_equal(RUN(cmd_events, "--markdown"), EXIT_DONE);
    char *made = fake_text("out");
    if (strcmp(made, (char *)page))
        fail_msg("docs/dev/events.md is not what bpf/events.def says: make docs");
    free(made);
    free(page);
}

static void events_command(void **state)
{
    (void)state;
    assert_int_equal(RUN(cmd_events, "draw"), EXIT_DONE);
    char *text = fake_text("out");
    assert_non_null(strstr(text, "spice:draw (kind 1)"));
    assert_non_null(strstr(text, "can_stream"));
    free(text);
    assert_int_equal(RUN(cmd_events, "nothing"), EXIT_USAGE);
    text = fake_text("err");
    assert_non_null(strstr(text, "no such kind: nothing"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_unique),   cmocka_unit_test(fields_sound),
        cmocka_unit_test(enums_sound),     cmocka_unit_test(structs_fit),
        cmocka_unit_test(loss_reasons),    cmocka_unit_test(constants_match_the_table),
        cmocka_unit_test(page_is_current), cmocka_unit_test(events_command),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
