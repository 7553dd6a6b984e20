/* SPDX-License-Identifier: MIT */
#include "stats/holm.h"

#include "memory.h"
#include "near.h"

static void each_gets_its_step(void **state)
{
    const double expected[] = {0.03, 0.06, 0.06, 0.02};
    double p[] = {0.01, 0.04, 0.03, 0.005}; /* times 3, 1, 2 and 4; and 0.04 is not below 0.06 */

    (void)state;
    assert_true(p2p_holm(p, 4));
    for (size_t i = 0; i < 4; i++) {
        assert_near(p[i], expected[i], 1e-15);
    }
}

static void equal_ones_stay_equal(void **state)
{
    double p[] = {0.2, 0.1, 0.1};

    (void)state;
    assert_true(p2p_holm(p, 3));
    assert_near(p[0], 0.3, 1e-15);
    assert_near(p[1], 0.3, 1e-15);
    assert_near(p[2], 0.3, 1e-15);
}

static void none_passes_1(void **state)
{
    double p[] = {0.6, 0.7, 1};

    (void)state;
    assert_true(p2p_holm(p, 3));
    assert_near(p[0], 1, 0);
    assert_near(p[1], 1, 0);
    assert_near(p[2], 1, 0);
}

static void one_alone_stays_and_none_is_fine(void **state)
{
    double p = 0.04;

    (void)state;
    assert_true(p2p_holm(&p, 1));
    assert_near(p, 0.04, 0);
    assert_true(p2p_holm(NULL, 0));
}

static void out_of_memory_changes_nothing(void **state)
{
    double p[] = {0.01, 0.02};

    (void)state;
    memory_lasts_for(0);
    assert_false(p2p_holm(p, 2));
    assert_true(memory_ran_out());
    assert_near(p[0], 0.01, 0);
    assert_near(p[1], 0.02, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_its_step),
        cmocka_unit_test(equal_ones_stay_equal),
        cmocka_unit_test(none_passes_1),
        cmocka_unit_test(one_alone_stays_and_none_is_fine),
        cmocka_unit_test(out_of_memory_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
