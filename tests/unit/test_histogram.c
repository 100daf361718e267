/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bounded.h"
#include "base/histogram.h"

static void quantiles(void **state)
{
    struct histogram h = histogram_of(10, 5), other = histogram_of(10, 5);
    (void)state;

    assert_int_equal(histogram_quantile(&h, 0.5), 0);
    for (uint64_t i = 0; i < 40; i++)
        histogram_add(&h, i, 1000 + i);
    assert_int_equal(h.all, 40);
    assert_int_equal(h.sum, 780);
    assert_int_equal(h.longest, 39);
    assert_int_equal(h.longest_at, 1039);
    assert_int_equal(histogram_quantile(&h, 0), 5);
    assert_int_equal(histogram_quantile(&h, 0.5), 25);
    for (int i = 0; i < 60; i++) /* beyond the bins: the longest */
        histogram_add(&other, 777, 5);
    histogram_merge(&h, &other);
    assert_int_equal(h.all, 100);
    assert_int_equal(h.longest, 777);
    assert_int_equal(histogram_quantile(&h, 0.39), 35);
    assert_int_equal(histogram_quantile(&h, 0.95), 777);
    histogram_free(&h);
    assert_int_equal(h.all, 0);
    histogram_add(&h, 3, 1);
    assert_int_equal(histogram_quantile(&h, 0.5), 5);
    histogram_free(&h);
    histogram_free(&other);
}

static void places(void **state)
{
    struct bounded b = {.capacity = 2};
    (void)state;

    assert_true(bounded_take(&b) && bounded_take(&b));
    assert_false(bounded_take(&b));
    assert_int_equal(b.count, 2);
    assert_int_equal(b.over, 1);
    b.count--;
    assert_true(bounded_take(&b));
    assert_int_equal(b.over, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles),
        cmocka_unit_test(places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
