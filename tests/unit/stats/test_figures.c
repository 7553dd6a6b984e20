/* SPDX-License-Identifier: MIT */
#include "stats/figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_figure_has_a_name_and_back(void **state)
{
    const char *const names[] = {"avg", "p50", "p99", "p99_9", "max", "warm_max"};

    (void)state;
    assert_int_equal(P2P_FIGURE_COUNT, 6);
    for (int figure = 0; figure < P2P_FIGURE_COUNT; figure++) {
        assert_string_equal(p2p_figure_name((enum p2p_figure)figure), names[figure]);
        assert_int_equal(p2p_figure_from_name(names[figure]), figure);
    }
}

static void other_names_are_no_figure(void **state)
{
    (void)state;
    assert_int_equal(p2p_figure_from_name(""), -1);
    assert_int_equal(p2p_figure_from_name("AVG"), -1);
    assert_int_equal(p2p_figure_from_name("avg_ns"), -1);
    assert_int_equal(p2p_figure_from_name("p99_99"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_has_a_name_and_back),
        cmocka_unit_test(other_names_are_no_figure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
