/* SPDX-License-Identifier: MIT */
#include "verdict/trend.h"

#include "boots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NIGHTS_MAX = 30, SEED = 1 };

struct nights {
    struct boots boots[NIGHTS_MAX];
    struct p2p_named_result named[NIGHTS_MAX];
    size_t count;
};

/* A night whose boots have the median `ns`. */
static void add_night(struct nights *nights, double ns)
{
    struct boots *boots = &nights->boots[nights->count];

    boots_from(boots, ns - 2, 1, 5);
    nights->named[nights->count++] = (struct p2p_named_result){"night", &boots->result};
}

static struct nights *make_nights(size_t count, size_t changed, double before_ns, double after_ns)
{
    struct nights *nights = calloc(1, sizeof *nights);

    assert_non_null(nights);
    for (size_t i = 0; i < count; i++) {
        add_night(nights, (i < changed ? before_ns : after_ns) + (double)(i * 7 % 5)); /* some noise */
    }
    return nights;
}

static struct p2p_trend trend_of(const struct nights *nights)
{
    struct p2p_trend trend;

    assert_true(p2p_trend_of(nights->named, nights->count, 0.01, SEED, &trend));
    return trend;
}

static void a_step_is_found_in_each_figure(void **state)
{
    struct nights *nights = make_nights(20, 12, 1000, 1100);
    struct p2p_trend trend = trend_of(nights);

    (void)state;
    assert_int_equal(trend.series_count, P2P_FIGURE_COUNT);
    assert_int_equal(trend.change_count, P2P_FIGURE_COUNT);
    for (size_t i = 0; i < trend.change_count; i++) {
        assert_string_equal(trend.changes[i].configuration, "xen");
        assert_int_equal(trend.changes[i].figure, i);
        assert_int_equal(trend.changes[i].night, 12);
        assert_int_equal(trend.changes[i].before_ns, 1002);
        assert_int_equal(trend.changes[i].after_ns, 1102);
    }
    p2p_trend_free(&trend);
    free(nights);
}

static void nights_alike_show_no_change(void **state)
{
    struct nights *nights = make_nights(20, 20, 1000, 0);
    struct p2p_trend trend = trend_of(nights);

    (void)state;
    assert_int_equal(trend.series_count, P2P_FIGURE_COUNT);
    assert_int_equal(trend.change_count, 0);
    p2p_trend_free(&trend);
    free(nights);
}

/* The night without samples is no part of the series, but it keeps its number. */
static void a_night_without_the_figure_is_left_out(void **state)
{
    struct nights *nights = make_nights(20, 12, 1000, 1100);
    struct p2p_trend trend;

    (void)state;
    nights->boots[3].configuration.boot_figure_count = 0;
    trend = trend_of(nights);
    assert_int_equal(trend.change_count, P2P_FIGURE_COUNT);
    assert_int_equal(trend.changes[0].night, 12);
    p2p_trend_free(&trend);
    free(nights);
}

static void too_few_nights_are_not_tested(void **state)
{
    struct nights *nights = make_nights(P2P_TREND_NIGHTS_MIN - 1, 2, 1000, 2000);
    struct p2p_trend trend = trend_of(nights);

    (void)state;
    assert_int_equal(trend.series_count, 0);
    assert_int_equal(trend.change_count, 0);
    p2p_trend_free(&trend);
    free(nights);
}

static void a_night_of_another_kind_is_refused(void **state)
{
    struct nights *nights = make_nights(20, 12, 1000, 1100);
    struct p2p_trend trend;

    (void)state;
    nights->boots[5].result.time_base = P2P_TIME_INSTRUCTIONS;
    trend = trend_of(nights);
    assert_string_equal(trend.comparability.reasons, "time base: instructions and hardware");
    assert_int_equal(trend.change_count, 0);
    p2p_trend_free(&trend);
    free(nights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_found_in_each_figure),         cmocka_unit_test(nights_alike_show_no_change),
        cmocka_unit_test(a_night_without_the_figure_is_left_out), cmocka_unit_test(too_few_nights_are_not_tested),
        cmocka_unit_test(a_night_of_another_kind_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
