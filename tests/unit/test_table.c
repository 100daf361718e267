/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of every kind of column in every sink, to the letter; hostile text; several tables. */
#include <math.h>

#include "event/row.h"
#include "table/sink.h"
#include "table/text.h"
#include "fake.h"

static const struct column columns[] = {
    {.name = "id", .kind = COLUMN_HEX, .slot = 0},
    {.name = "source", .kind = COLUMN_CONSTANT, .text = "a,b"},
    {.name = "n", .kind = COLUMN_UNSIGNED, .slot = 1, .nullable = true},
    {.name = "s", .kind = COLUMN_SIGNED, .slot = 2, .nullable = true},
    {.name = "flag", .kind = COLUMN_FLAG, .slot = 3, .nullable = true},
    {.name = "verdict", .kind = COLUMN_ENUM, .slot = 4, .names = &tap_enum_draw_verdict},
    {.name = "share", .kind = COLUMN_REAL, .slot = 5, .nullable = true},
    {.name = "box", .kind = COLUMN_BOX, .slot = 6, .nullable = true},
    {.name = "text", .kind = COLUMN_TEXT, .slot = 8, .nullable = true},
};
enum { ID, SOURCE, N, S, FLAG, VERDICT, SHARE, BOX, TEXT, COUNT };
static const struct schema all = {"all", "every kind of column", columns, COUNT};
static const struct schema few = {"few", "the first of them", columns, 3};
static const struct schema same_name = {"few", "other columns, same name", columns, 2};

static void full(struct row *r, const char *text)
{
    static const int32_t box[4] = {-5, 0, INT32_MAX, INT32_MIN};
    double share = 0.125;

    row_clear(r, &all);
    row_set(r, ID, 0xabc);
    row_set(r, N, UINT64_MAX);
    row_set(r, S, (uint64_t)INT64_MIN);
    row_set(r, FLAG, 1);
    row_set(r, VERDICT, DRAW_VERDICT_can_stream);
    memcpy(row_cell(r, SHARE), &share, sizeof(share));
    row_box(r, BOX, box);
    row_text(r, TEXT, text);
}

/* The rows of `rows`, as `kind` prints them into one file. */
static char *print(const struct sink_kind *kind, const struct row *rows, unsigned count)
{
    struct sink s;
    struct sink_rows to;

    assert_int_equal(sink_open(&s, kind, fake_path("table"), true), 0);
    assert_int_equal(sink_rows(&to, &s, rows->schema), 0);
    for (unsigned i = 0; i < count; i++)
        row_put(&to.to, &rows[i]);
    assert_int_equal(to.to.error, 0);
    assert_int_equal(to.to.rows, count);
    assert_int_equal(sink_close(&s), 0);
    return fake_text("table");
}

static void prints(const struct sink_kind *kind, const struct row *rows, unsigned count,
                   const char *want)
{
    char *text = print(kind, rows, count);

    assert_string_equal(text, want);
    free(text);
}

#define HEAD "id,source,n,s,flag,verdict,share,box_left,box_top,box_right,box_bottom,text\n"

/* A value, its absence, and a number that its enum does not name. */
static void kinds(void **state)
{
    struct row rows[2];
    double nan_value = NAN;
    (void)state;

    full(&rows[0], "plain");
    row_clear(&rows[1], &all);
    row_set(&rows[1], ID, 0);
    row_set(&rows[1], VERDICT, 250);
    memcpy(row_cell(&rows[1], SHARE), &nan_value, sizeof(nan_value));
    prints(&sink_jsonl, rows, 2,
           "{\"id\":\"0xabc\",\"source\":\"a,b\",\"n\":18446744073709551615,"
           "\"s\":-9223372036854775808,\"flag\":true,\"verdict\":\"can_stream\",\"share\":0.125,"
           "\"box\":[-5,0,2147483647,-2147483648],\"text\":\"plain\"}\n"
           "{\"id\":\"0x0\",\"source\":\"a,b\",\"n\":null,\"s\":null,\"flag\":null,"
           "\"verdict\":250,\"share\":null,\"box\":null,\"text\":null}\n");
    prints(&sink_csv, rows, 2,
           HEAD "0xabc,\"a,b\",18446744073709551615,-9223372036854775808,true,can_stream,0.125,-5,"
                "0,2147483647,-2147483648,plain\n"
                "0x0,\"a,b\",,,,250,,,,,,\n");
}

static const char *const texts[][3] = {
    /* text, in JSON, in CSV */
    {"", "\"\"", "\"\""},
    {"a b", "\"a b\"", "a b"},
    {"say \"hi\"", "\"say \\\"hi\\\"\"", "\"say \"\"hi\"\"\""},
    {"a,b", "\"a,b\"", "\"a,b\""},
    {"a\nb\r\t\x01", "\"a\\u000ab\\u000d\\u0009\\u0001\"", "\"a\nb\r\t\x01\""},
    {"back\\slash", "\"back\\\\slash\"", "back\\slash"},
    {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\xac", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\xac\"",
     "gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\xac"},
    /* not UTF-8: a lone byte, an overlong slash, a surrogate, a cut character */
    {"\xff", "\"\xef\xbf\xbd\"", "\xef\xbf\xbd"},
    {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\xef\xbf\xbd\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"",
     "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"x\xe2\x82", "\"x\xef\xbf\xbd\xef\xbf\xbd\"", "x\xef\xbf\xbd\xef\xbf\xbd"},
};

static void hostile_text(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        char out[256];

        *put_json_text(out, texts[i][0]) = '\0';
        assert_string_equal(out, texts[i][1]);
        json_t *read = json_loads(out, JSON_DECODE_ANY, NULL);
        assert_non_null(read);
        json_decref(read);
        *put_csv_text(out, texts[i][0]) = '\0';
        assert_string_equal(out, texts[i][2]);
    }
}

/* A text larger than any buffer: the row is whole, and so is the one behind it. */
static void long_text(void **state)
{
    size_t length = 300000;
    char *text = malloc(length + 1), *printed;
    struct row rows[3];
    (void)state;

    memset(text, '\x02', length); /* six bytes each in JSON */
    text[length] = '\0';
    full(&rows[0], "before");
    full(&rows[1], text);
    full(&rows[2], "after");
    for (int i = 0; i < 3; i++)
        row_set(&rows[i], N, 7); /* jansson's integers are signed */
    printed = print(&sink_jsonl, rows, 3);
    for (char *line = strtok(printed, "\n"), *want[] = {"before", text, "after"}, **w = want; line;
         line = strtok(NULL, "\n"), w++) {
        json_t *o = json_loads(line, 0, NULL);

        assert_string_equal(json_string_value(json_object_get(o, "text")), *w);
        json_decref(o);
    }
    free(printed);
    free(text);
}

/* JSON lines hold several tables in one output, CSV one file each in a new folder. */
static void several_tables(void **state)
{
    struct table *a, *b, *c;
    struct sink s;
    uint64_t v[ROW_WORDS] = {0x10, 1}, null = UINT64_C(1) << 2;
    char *text;
    (void)state;

    assert_int_equal(sink_open(&s, &sink_jsonl, fake_path("both"), false), 0);
    assert_int_equal(sink_table(&s, &few, &a), 0);
    assert_int_equal(sink_row(&s, a, v, NULL), 0);
    assert_int_equal(sink_table(&s, &same_name, &b), 0);
    assert_int_equal(sink_row(&s, b, v, NULL), 0);
    assert_int_equal(sink_row(&s, a, v, &null), 0);
    assert_int_equal(sink_close(&s), 0);
    text = fake_text("both");
    assert_string_equal(text, "{\"id\":\"0x10\",\"source\":\"a,b\",\"n\":1}\n"
                              "{\"id\":\"0x10\",\"source\":\"a,b\"}\n"
                              "{\"id\":\"0x10\",\"source\":\"a,b\",\"n\":null}\n");
    free(text);

    assert_int_equal(sink_open(&s, &sink_csv, fake_path("folder"), false), 0);
    assert_int_equal(sink_table(&s, &few, &a), 0);
    assert_int_equal(sink_table(&s, &all, &b), 0);
    assert_int_equal(sink_row(&s, a, v, &null), 0);
    assert_int_equal(sink_table(&s, &few, &c), 0); /* again: into the same file */
    assert_int_equal(sink_row(&s, c, v, NULL), 0);
    assert_int_equal(sink_table(&s, &same_name, &c), -EPROTO);
    assert_int_equal(sink_close(&s), 0);
    text = fake_text("folder/few.csv");
    assert_string_equal(text, "id,source,n\n0x10,\"a,b\",\n0x10,\"a,b\",1\n");
    free(text);
    text = fake_text("folder/all.csv");
    assert_string_equal(text, HEAD);
    free(text);
    assert_int_equal(sink_open(&s, &sink_csv, fake_path("folder"), false), -EEXIST);
}

/* Nulls of a schema with more columns than one word of bits. */
static void many_columns(void **state)
{
    static struct column wide[130];
    static char names[130][8];
    const struct schema schema = {"wide", "", wide, 130};
    uint64_t v[130], null[3] = {UINT64_MAX, UINT64_MAX & ~(UINT64_C(1) << 1), 2};
    struct table *t;
    struct sink s;
    char *text;
    (void)state;

    for (unsigned i = 0; i < 130; i++) {
        snprintf(names[i], sizeof(names[i]), "c%u", i);
        wide[i] = (struct column){.name = names[i], .kind = COLUMN_UNSIGNED, .slot = (uint16_t)i};
        v[i] = i;
    }
    assert_int_equal(sink_open(&s, &sink_jsonl, fake_path("wide"), true), 0);
    assert_int_equal(sink_table(&s, &schema, &t), 0);
    assert_int_equal(sink_row(&s, t, v, null), 0);
    assert_int_equal(sink_close(&s), 0);
    text = fake_text("wide");
    json_t *o = json_loads(text, 0, NULL);
    for (unsigned i = 0; i < 130; i++) {
        const json_t *cell = json_object_get(o, names[i]);

        if (i == 65 || i == 128)
            assert_int_equal(json_integer_value(cell), i);
        else
            assert_true(json_is_null(cell));
    }
    json_decref(o);
    free(text);
}

static void full_disk(void **state)
{
    struct row row;
    struct sink s;
    struct sink_rows to;
    (void)state;

    full(&row, "text");
    assert_int_equal(sink_open(&s, &sink_jsonl, "/dev/full", true), 0);
    assert_int_equal(sink_rows(&to, &s, &all), 0);
    for (int i = 0; i < 10000 && !to.to.error; i++)
        row_put(&to.to, &row);
    assert_int_equal(to.to.error, -ENOSPC);
    assert_int_equal(sink_close(&s), -ENOSPC);
    assert_int_equal(sink_open(&s, &sink_jsonl, "/proc/none", true), -ENOENT);
    assert_string_equal(s.failed, "/proc/none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),        cmocka_unit_test(hostile_text),
        cmocka_unit_test(long_text),    cmocka_unit_test(several_tables),
        cmocka_unit_test(many_columns), cmocka_unit_test(full_disk),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
