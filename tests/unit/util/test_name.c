/* SPDX-License-Identifier: MIT */
#include "util/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void names_are_taken(void **state)
{
    static const char *const names[] = {"a", "0", "xen-4.20_trap", "a.b", "a-", "9._-"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_true(p2p_is_name(names[i], P2P_NAME_BYTES));
    }
}

static void what_could_leave_a_folder_or_surprise_a_shell_is_not(void **state)
{
    static const char *const names[] = {"", ".", "..", "-a", "_a", ".a", "A", "aB", "a/b", "a b", "a\n", "\xc3\xbc"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_false(p2p_is_name(names[i], P2P_NAME_BYTES));
    }
}

static void a_name_has_to_fit_with_its_end(void **state)
{
    (void)state;
    assert_true(p2p_is_name("abc", 4));
    assert_false(p2p_is_name("abc", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken),
        cmocka_unit_test(what_could_leave_a_folder_or_surprise_a_shell_is_not),
        cmocka_unit_test(a_name_has_to_fit_with_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
