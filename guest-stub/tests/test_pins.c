/* SPDX-License-Identifier: MIT */
#include "core/pins.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

static void good_in_any_order(void **state)
{
    struct pins pins;

    (void)state;
    assert_null(pins_parse("stimulus=0 answer=1 query=2", 8, &pins));
    assert_int_equal(pins.stimulus, 0);
    assert_int_equal(pins.answer, 1);
    assert_int_equal(pins.query, 2);
    assert_null(pins_parse("  query=7  stimulus=6 answer=05 ", 8, &pins));
    assert_int_equal(pins.stimulus, 6);
    assert_int_equal(pins.answer, 5);
    assert_int_equal(pins.query, 7);
    assert_null(pins_parse("stimulus=31 answer=30 query=29", 32, &pins));
    assert_int_equal(pins.stimulus, 31);
}

static void bad_with_reason(void **state)
{
    static const struct {
        const char *command_line;
        const char *wrong;
    } cases[] = {
        {"", "a pin is missing"},
        {"stimulus=0 answer=1", "a pin is missing"},
        {"answer=1 query=2", "a pin is missing"},
        {"stimulus=0 query=2", "a pin is missing"},
        {"stimulus=0 answer=1 query=2 quiet", "unknown word"},
        {"console=ttyAMA0", "unknown word"},
        {"stimulus=0 answer=1 query=2 query=2", "a pin is given twice"},
        {"stimulus=8 answer=1 query=2", "a pin is no number of a pin of this GPIO block"},
        {"stimulus=4294967296 answer=1 query=2", "a pin is no number of a pin of this GPIO block"},
        {"stimulus= answer=1 query=2", "a pin is no number of a pin of this GPIO block"},
        {"stimulus=-1 answer=1 query=2", "a pin is no number of a pin of this GPIO block"},
        {"stimulus=0x1 answer=1 query=2", "a pin is no number of a pin of this GPIO block"},
        {"stimulus=0,answer=1 query=2", "a pin is no number of a pin of this GPIO block"},
        {"stimulus=1 answer=1 query=2", "two uses of one pin"},
        {"stimulus=2 answer=1 query=2", "two uses of one pin"},
        {"stimulus=0 answer=2 query=2", "two uses of one pin"},
    };
    struct pins pins;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *wrong = pins_parse(cases[i].command_line, 8, &pins);

        if (!wrong)
            fail_msg("\"%s\" was taken", cases[i].command_line);
        assert_string_equal(wrong, cases[i].wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_in_any_order),
        cmocka_unit_test(bad_with_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
