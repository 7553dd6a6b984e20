/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/edge.h"

static void names_each_time_base(void **state)
{
    (void)state;
    assert_string_equal(p2p_time_base_name(P2P_TIME_HARDWARE), "hardware");
    assert_string_equal(p2p_time_base_name(P2P_TIME_INSTRUCTIONS), "instructions");
}

static void a_damaged_time_base_has_no_valid_name(void **state)
{
    (void)state;
    assert_string_equal(p2p_time_base_name((enum p2p_time_base)2), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_each_time_base),
        cmocka_unit_test(a_damaged_time_base_has_no_valid_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
