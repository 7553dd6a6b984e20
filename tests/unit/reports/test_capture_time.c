/* SPDX-License-Identifier: MIT */
#include "reports/capture_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TICKS_END (UINT64_C(1) << 56)

struct example {
    uint64_t ticks, tick_hz;
    const char *ns, *ps;
};

static void assert_examples(const struct example *examples, size_t count)
{
    char text[P2P_TIME_TEXT_BYTES];

    for (size_t i = 0; i < count; i++) {
        p2p_format_ns(examples[i].ticks, examples[i].tick_hz, text);
        assert_string_equal(text, examples[i].ns);
        p2p_format_ps(examples[i].ticks, examples[i].tick_hz, text);
        assert_string_equal(text, examples[i].ps);
    }
}

static void whole_nanoseconds_have_no_decimals(void **state)
{
    static const struct example examples[] = {
        {0, 125000000, "0", "0"},
        {1, 125000000, "8", "8000"},
        {1, 200000000, "5", "5000"},
        {244, 125000000, "1952", "1952000"},
        {125000000, 125000000, "1000000000", "1000000000000"},
        {125000001, 125000000, "1000000008", "1000000008000"},
        {1250000000, 125000000, "10000000000", "10000000000000"},
        {7, 1, "7000000000", "7000000000000"},
    };

    (void)state;
    assert_examples(examples, sizeof examples / sizeof examples[0]);
}

static void part_nanoseconds_have_three(void **state)
{
    static const struct example examples[] = {
        {0, 400000000, "0.000", "0"},     {1, 400000000, "2.500", "2500"},
        {3, 400000000, "7.500", "7500"},  {400000001, 400000000, "1000000002.500", "1000000002500"},
        {1, 16000000, "62.500", "62500"},
    };

    (void)state;
    assert_examples(examples, sizeof examples / sizeof examples[0]);
}

/* 1 / 133 MHz is 7518.796... ps. */
static void what_is_no_picosecond_is_rounded_to_the_nearest(void **state)
{
    static const struct example examples[] = {
        {1, 133000000, "7.519", "7519"},
        {2, 133000000, "15.038", "15038"},
        {133000000, 133000000, "1000000000.000", "1000000000000"},
        {133000000 - 1, 133000000, "999999992.481", "999999992481"},
    };

    (void)state;
    assert_examples(examples, sizeof examples / sizeof examples[0]);
}

/* At the fastest clock there may be. */
static void a_tick_before_the_second_is_not_rounded_up_to_it(void **state)
{
    static const struct example examples[] = {
        {4294967294, 4294967295, "999999999.767", "999999999767"},
        {4294967295, 4294967295, "1000000000.000", "1000000000000"},
    };

    (void)state;
    assert_examples(examples, sizeof examples / sizeof examples[0]);
}

/* 2^56 - 1 ticks: 18 years in picoseconds do not fit 64 bits. */
static void the_largest_stamp_is_exact(void **state)
{
    static const struct example examples[] = {
        {TICKS_END - 1, 125000000, "576460752303423480", "576460752303423480000"},
        {TICKS_END - 1, 400000000, "180143985094819837.500", "180143985094819837500"},
        {TICKS_END - 1, 1, "72057594037927935000000000", "72057594037927935000000000000"},
    };

    (void)state;
    assert_examples(examples, sizeof examples / sizeof examples[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_nanoseconds_have_no_decimals),
        cmocka_unit_test(part_nanoseconds_have_three),
        cmocka_unit_test(what_is_no_picosecond_is_rounded_to_the_nearest),
        cmocka_unit_test(a_tick_before_the_second_is_not_rounded_up_to_it),
        cmocka_unit_test(the_largest_stamp_is_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
