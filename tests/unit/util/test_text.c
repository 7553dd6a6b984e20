/* SPDX-License-Identifier: MIT */
#include "util/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void assert_printable(const char *text, const char *expected)
{
    char copy[64];

    snprintf(copy, sizeof copy, "%s", text);
    p2p_make_printable(copy);
    assert_string_equal(copy, expected);
}

static void control_characters_become_visible(void **state)
{
    (void)state;
    assert_printable("", "");
    assert_printable("a ~ text", "a ~ text");
    assert_printable("two\nlines\tand a tab\r", "two|lines and a tab?");
    assert_printable("\033[31mred\007\177\001\037", "?[31mred????");
    assert_printable("\302\2331m\302\200\302\237", "??1m????"); /* some terminals take U+009B for "ESC [" */
}

static void utf8_stays(void **state)
{
    static const char *const texts[] = {"gr\303\266\303\237e", "\302\240",        "\340\240\200",
                                        "\355\237\277",        "\356\200\200",    "\342\202\254 100",
                                        "\360\220\200\200",    "\364\217\277\277"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_printable(texts[i], texts[i]);
    }
}

static void what_is_no_utf8_becomes_visible(void **state)
{
    (void)state;
    assert_printable("\377a\200", "?a?");
    assert_printable("\303", "?"); /* cut */
    assert_printable("\342\202", "??");
    assert_printable("\303\303\266", "?\303\266");
    assert_printable("\300\257\301\277", "????"); /* needlessly long */
    assert_printable("\340\237\277\360\217\277\277", "???????");
    assert_printable("\355\240\200", "???");           /* half of a pair */
    assert_printable("\364\220\200\200\365", "?????"); /* beyond Unicode */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_characters_become_visible),
        cmocka_unit_test(utf8_stays),
        cmocka_unit_test(what_is_no_utf8_becomes_visible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
