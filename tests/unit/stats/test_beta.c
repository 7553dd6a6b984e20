/* SPDX-License-Identifier: MIT */
/* Against closed forms; tests/system/test_statistics.py holds it against SciPy. */
#include "stats/beta.h"

#include "near.h"

#define PI 3.14159265358979323846

static void it_has_its_ends(void **state)
{
    (void)state;
    assert_near(p2p_beta(3, 7, 0), 0, 0);
    assert_near(p2p_beta(3, 7, 1), 1, 0);
}

static void small_parameters_have_closed_forms(void **state)
{
    (void)state;
    for (int i = 1; i < 100; i++) {
        const double x = i / 100.0;

        assert_near(p2p_beta(1, 1, x), x, 1e-14);
        assert_near(p2p_beta(2, 3, x), x * x * (6 - 8 * x + 3 * x * x), 1e-14);
        assert_near(p2p_beta(0.5, 0.5, x), 2 / PI * asin(sqrt(x)), 1e-14);
        assert_near(p2p_beta(17, 1, x), pow(x, 17), 1e-14);
    }
}

/* The chance of something rare in many trials. */
static void it_stays_exact_far_out(void **state)
{
    (void)state;
    for (int digits = 1; digits <= 10; digits++) {
        const double n = pow(10, digits);

        assert_near(p2p_beta(1, n, 3 / n), -expm1(n * log1p(-3 / n)), 1e-14);
        assert_near(p2p_beta(n, 1, 1 - 3 / n), pow(1 - 3 / n, n), 1e-14);
    }
    assert_near(p2p_beta(5e9, 5e9, 0.5), 0.5, 1e-10);
    assert_near(p2p_beta(100, 1, 1e-3) * 1e300, 1, 1e-11); /* an exponent of 690 leaves so many digits */
}

static void both_sides_mirror_each_other(void **state)
{
    (void)state;
    for (int i = 1; i < 64; i++) {
        const double x = i / 64.0; /* 1 - x is exact */

        assert_near(p2p_beta(40, 90, x) + p2p_beta(90, 40, 1 - x), 1, 1e-13);
    }
}

static void the_quantile_is_the_inverse(void **state)
{
    (void)state;
    assert_near(p2p_beta_quantile(1, 1, 0.25), 0.25, 1e-15);
    assert_near(p2p_beta_quantile(1, 10, 0.95), 1 - pow(0.05, 0.1), 1e-14);
    assert_near(p2p_beta_quantile(1, 1e9, 0.95) * 1e9, -log(0.05), 1e-8);
    for (int i = 1; i < 20; i++) {
        assert_near(p2p_beta(6.5, 2.5, p2p_beta_quantile(6.5, 2.5, i / 20.0)), i / 20.0, 1e-13);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_its_ends),
        cmocka_unit_test(small_parameters_have_closed_forms),
        cmocka_unit_test(it_stays_exact_far_out),
        cmocka_unit_test(both_sides_mirror_each_other),
        cmocka_unit_test(the_quantile_is_the_inverse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
