/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bounded.h"
#include "base/histogram.h"

#define MS UINT64_C(1000000)

static void near(uint64_t got, uint64_t want)
{
    uint64_t off = got > want ? got - want : want - got;

    assert_true(off * 100 <= want + 100 * 1024);
}

static void quantiles(void **state)
{
    struct histogram h = {0}, other = {0};
    (void)state;

    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        histogram_add(&h, i * MS, 5000 + i);
    assert_int_equal(h.all, 1000);
    assert_int_equal(h.sum, 500500 * MS);
    assert_int_equal(h.longest, 1000 * MS);
    assert_int_equal(h.longest_at, 6000);
    near(histogram_quantile(&h, 0.5), 500 * MS);
    near(histogram_quantile(&h, 0.95), 950 * MS);
    near(histogram_quantile(&h, 0.01), 10 * MS);
    assert_int_equal(histogram_quantile(&h, 1), h.longest);
    for (int i = 0; i < 9000; i++)
        histogram_add(&other, 2 * MS, 5);
    histogram_merge(&h, &other);
    assert_int_equal(h.all, 10000);
    assert_int_equal(h.longest, 1000 * MS);
    near(histogram_quantile(&h, 0.5), 2 * MS);
    histogram_free(&h);
    assert_int_equal(h.all, 0);
    histogram_free(&other);
}

/* Longer than a minute: the quantile is the longest span. A copy of an empty one frees nothing. */
static void long_spans(void **state)
{
    struct histogram h = {0};
    (void)state;

    histogram_add(&h, 100000 * MS, 1);
    assert_int_equal(histogram_quantile(&h, 0.5), 100000 * MS);
    histogram_add(&h, UINT64_MAX, 2);
    assert_int_equal(histogram_quantile(&h, 0.99), UINT64_MAX);
    histogram_free(&h);
    histogram_free(&h);
}

/* An entry without a place is counted; a place that was given back can be taken again. */
static void places(void **state)
{
    struct bounded b = {0};
    (void)state;

    assert_true(bounded_take(&b, 2) && bounded_take(&b, 2));
    assert_int_equal(bounded_all(&b), 2);
    assert_false(bounded_take(&b, 2));
    assert_int_equal(b.count, 2);
    assert_int_equal(b.over, 1);
    assert_int_equal(bounded_all(&b), 3);
    b.count--;
    assert_false(bounded_overflows(&b, 2));
    assert_true(bounded_take(&b, 2));
    assert_int_equal(b.over, 1);
    assert_true(bounded_overflows(&b, 2));
    assert_int_equal(b.over, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles),
        cmocka_unit_test(long_spans),
        cmocka_unit_test(places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
