/* SPDX-License-Identifier: MIT */
/* Counts that nobody can wait for, set behind the interface: hence the source itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/histogram.c"

/* As if `value` had been added `times` times. */
static void add_times(struct p2p_histogram *histogram, uint64_t value, uint64_t times)
{
    assert_true(p2p_histogram_add(histogram, value));
    histogram->pages[value / PAGE_VALUES][value % PAGE_VALUES] += times - 1;
    histogram->count += times - 1;
}

static void counts_up_to_64_bits_do_not_wrap(void **state)
{
    const uint64_t half = UINT64_C(1) << 63;
    struct p2p_histogram *histogram = p2p_histogram_new();

    (void)state;
    assert_non_null(histogram);
    add_times(histogram, 1, half - 1);
    add_times(histogram, P2P_HISTOGRAM_VALUE_LIMIT - 1, half);
    assert_int_equal(p2p_histogram_count(histogram), UINT64_MAX);
    assert_int_equal(p2p_histogram_quantile(histogram, 499999, 1000000), 1);
    assert_int_equal(p2p_histogram_quantile(histogram, 1, 2), P2P_HISTOGRAM_VALUE_LIMIT - 1);
    assert_int_equal(p2p_histogram_max(histogram), P2P_HISTOGRAM_VALUE_LIMIT - 1);
    assert_true(p2p_histogram_mean(histogram) == 2147483648.0); /* (2^95 - 1) / (2^64 - 1) */
    p2p_histogram_free(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_up_to_64_bits_do_not_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
