/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory.h"
#include "stats/histogram.h"
#include "util/prng.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { PAGE_VALUES = 4096, VALUES = 2000 };

static struct p2p_histogram *new_histogram(void)
{
    struct p2p_histogram *histogram = p2p_histogram_new();

    assert_non_null(histogram);
    return histogram;
}

static void an_empty_histogram_has_no_figures(void **state)
{
    struct p2p_histogram *histogram = new_histogram();

    (void)state;
    assert_int_equal(p2p_histogram_count(histogram), 0);
    assert_int_equal(p2p_histogram_min(histogram), 0);
    assert_int_equal(p2p_histogram_max(histogram), 0);
    assert_int_equal(p2p_histogram_quantile(histogram, 1, 2), 0);
    assert_true(isnan(p2p_histogram_mean(histogram)));
    p2p_histogram_free(histogram);
    p2p_histogram_free(NULL);
}

static void values_reach_up_to_the_limit(void **state)
{
    const uint64_t values[] = {0, PAGE_VALUES - 1, PAGE_VALUES, P2P_HISTOGRAM_VALUE_LIMIT - 1};
    struct p2p_histogram *histogram = new_histogram();

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(p2p_histogram_add(histogram, values[i]));
        assert_int_equal(p2p_histogram_max(histogram), values[i]);
    }
    assert_false(p2p_histogram_add(histogram, P2P_HISTOGRAM_VALUE_LIMIT));
    assert_false(p2p_histogram_add(histogram, UINT64_MAX));
    assert_int_equal(p2p_histogram_count(histogram), 4);
    assert_int_equal(p2p_histogram_min(histogram), 0);
    assert_int_equal(p2p_histogram_quantile(histogram, 1, 2), PAGE_VALUES - 1);
    assert_int_equal(p2p_histogram_quantile(histogram, 3, 4), PAGE_VALUES);
    p2p_histogram_free(histogram);
}

static void variance_is_by_count_minus_1(void **state)
{
    struct p2p_histogram *histogram = new_histogram();

    (void)state;
    assert_true(p2p_histogram_variance(histogram) == 0);
    assert_true(p2p_histogram_add(histogram, 4294967290));
    assert_true(p2p_histogram_variance(histogram) == 0);
    assert_true(p2p_histogram_add(histogram, 4294967294)); /* large values, small variance: nothing cancels */
    assert_true(p2p_histogram_add(histogram, 4294967294));
    assert_true(fabs(p2p_histogram_variance(histogram) - 16.0 / 3) < 1e-5);
    p2p_histogram_free(histogram);
}

static void what_is_taken_back_or_cleared_is_gone(void **state)
{
    struct p2p_histogram *histogram = new_histogram();

    (void)state;
    p2p_histogram_clear(histogram);
    assert_true(p2p_histogram_add(histogram, 7));
    assert_true(p2p_histogram_add(histogram, 17 * PAGE_VALUES));
    p2p_histogram_take_back(histogram, 7);
    assert_int_equal(p2p_histogram_count(histogram), 1);
    assert_int_equal(p2p_histogram_min(histogram), 17 * PAGE_VALUES);
    p2p_histogram_clear(histogram);
    assert_int_equal(p2p_histogram_count(histogram), 0);
    assert_int_equal(p2p_histogram_max(histogram), 0);
    memory_lasts_for(0);
    assert_true(p2p_histogram_add(histogram, 17 * PAGE_VALUES)); /* into the room that it had */
    assert_false(memory_ran_out());
    assert_int_equal(p2p_histogram_max(histogram), 17 * PAGE_VALUES);
    p2p_histogram_free(histogram);
}

static void quantiles_are_nearest_rank(void **state)
{
    struct p2p_histogram *histogram = new_histogram();

    (void)state;
    for (uint64_t value = 10; value <= 1000; value += 10)
        assert_true(p2p_histogram_add(histogram, value));
    assert_int_equal(p2p_histogram_quantile(histogram, 1, 1000000), 10);
    assert_int_equal(p2p_histogram_quantile(histogram, 1, 100), 10);
    assert_int_equal(p2p_histogram_quantile(histogram, 1, 2), 500);
    assert_int_equal(p2p_histogram_quantile(histogram, 501, 1000), 510);
    assert_int_equal(p2p_histogram_quantile(histogram, 99, 100), 990);
    assert_int_equal(p2p_histogram_quantile(histogram, 999, 1000), 1000);
    assert_int_equal(p2p_histogram_quantile(histogram, 1, 1), 1000);
    p2p_histogram_free(histogram);
}

static int compare(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a;
    const uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static void random_values_agree_with_sorting(void **state)
{
    const char *text = getenv("P2P_TEST_SEED");
    const uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    struct p2p_prng prng;
    struct p2p_histogram *histogram = new_histogram();
    uint64_t values[VALUES];
    uint64_t sum = 0;

    (void)state;
    print_message("P2P_TEST_SEED=%" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (size_t i = 0; i < VALUES; i++) {
        /* repeated and scattered ones */
        values[i] = p2p_prng_below(&prng, i % 2 == 0 ? 50 : 3 * PAGE_VALUES);
        sum += values[i];
        assert_true(p2p_histogram_add(histogram, values[i]));
    }
    qsort(values, VALUES, sizeof values[0], compare);
    for (size_t rank = 1; rank <= VALUES; rank++) {
        assert_int_equal(p2p_histogram_at_rank(histogram, rank), values[rank - 1]);
    }
    for (uint32_t numerator = 1; numerator <= 1000; numerator++) {
        const size_t rank = (VALUES * numerator + 999) / 1000;

        assert_int_equal(p2p_histogram_quantile(histogram, numerator, 1000), values[rank - 1]);
    }
    assert_int_equal(p2p_histogram_min(histogram), values[0]);
    assert_int_equal(p2p_histogram_max(histogram), values[VALUES - 1]);
    assert_true(p2p_histogram_mean(histogram) == (double)sum / VALUES);
    p2p_histogram_free(histogram);
}

struct visits {
    uint64_t values[4];
    uint64_t counts[4];
    size_t count;
};

static void note(void *user, uint64_t value, uint64_t count)
{
    struct visits *visits = user;

    assert_true(visits->count < 4);
    visits->values[visits->count] = value;
    visits->counts[visits->count++] = count;
}

static void each_visits_what_occurred_in_order(void **state)
{
    const uint64_t added[] = {17 * PAGE_VALUES, 3, 0, 4094, 3};
    struct p2p_histogram *histogram = new_histogram();
    struct visits visits = {0};

    (void)state;
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        assert_true(p2p_histogram_add(histogram, added[i]));
    p2p_histogram_each(histogram, note, &visits);
    assert_int_equal(visits.count, 4);
    assert_memory_equal(visits.values, ((uint64_t[]){0, 3, 4094, 17 * PAGE_VALUES}), sizeof visits.values);
    assert_memory_equal(visits.counts, ((uint64_t[]){1, 2, 1, 1}), sizeof visits.counts);
    p2p_histogram_free(histogram);
}

static void out_of_memory_counts_nothing(void **state)
{
    struct p2p_histogram *histogram;

    (void)state;
    memory_lasts_for(0);
    histogram = p2p_histogram_new();
    assert_true(memory_ran_out());
    assert_null(histogram);

    histogram = new_histogram();
    assert_true(p2p_histogram_add(histogram, 5));
    for (int left = 0; left < 2; left++) { /* no directory, then a directory but no page */
        memory_lasts_for(left);
        assert_false(p2p_histogram_add(histogram, 70000));
        assert_true(memory_ran_out());
        assert_int_equal(p2p_histogram_count(histogram), 1);
        assert_int_equal(p2p_histogram_max(histogram), 5);
    }
    memory_lasts_for(0);
    assert_true(p2p_histogram_add(histogram, 5)); /* needs none */
    assert_false(memory_ran_out());
    assert_true(p2p_histogram_add(histogram, 70000));
    assert_int_equal(p2p_histogram_count(histogram), 3);
    assert_int_equal(p2p_histogram_max(histogram), 70000);
    p2p_histogram_free(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variance_is_by_count_minus_1),       cmocka_unit_test(what_is_taken_back_or_cleared_is_gone),
        cmocka_unit_test(an_empty_histogram_has_no_figures),  cmocka_unit_test(values_reach_up_to_the_limit),
        cmocka_unit_test(quantiles_are_nearest_rank),         cmocka_unit_test(random_values_agree_with_sorting),
        cmocka_unit_test(each_visits_what_occurred_in_order), cmocka_unit_test(out_of_memory_counts_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
