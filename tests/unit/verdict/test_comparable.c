/* SPDX-License-Identifier: MIT */
#include "verdict/comparable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct p2p_setup LAB = {
    .time_base = P2P_TIME_HARDWARE,
    .wiring = "uboot, pins 0 1 2, probe ftdi",
    .probe = "ftdi",
    .serial = "e6616408432d2b21",
    .tick_hz = 125000000,
    .stub = "pin2pin-stub 0.1.0",
    .stub_path = "2",
};

static struct p2p_comparability compare(const struct p2p_setup *a, const struct p2p_setup *b)
{
    struct p2p_comparability comparability = {0};

    p2p_compare_benches(a, b, &comparability);
    p2p_compare_guests("native", a, b, &comparability);
    return comparability;
}

static void assert_compared(struct p2p_setup other, const char *reasons, const char *notes)
{
    struct p2p_comparability found = compare(&LAB, &other);

    assert_string_equal(found.reasons, reasons);
    assert_string_equal(found.notes, notes);
    assert_int_equal(p2p_is_comparable(&found), reasons[0] == '\0');
}

static void the_same(void **state)
{
    (void)state;
    assert_compared(LAB, "", "");
}

static void each_difference_is_refused(void **state)
{
    struct p2p_setup other = LAB;

    (void)state;
    other.time_base = P2P_TIME_INSTRUCTIONS;
    assert_compared(other, "time base: hardware and instructions", "");
    other = LAB;
    other.wiring = "uboot, pins 3 4 5, probe ftdi";
    assert_compared(other, "wiring: \"uboot, pins 0 1 2, probe ftdi\" and \"uboot, pins 3 4 5, probe ftdi\"", "");
    other = LAB;
    other.probe = "serial";
    other.tick_hz = 200000000; /* follows from it, and is not told beside it */
    assert_compared(other, "probe: \"ftdi\" and \"serial\"", "");
    other = LAB;
    other.tick_hz = 200000000;
    assert_compared(other, "probe's clock: 125000000 Hz and 200000000 Hz", "");
    other = LAB;
    other.stub = "pin2pin-stub 0.2.0";
    other.stub_path = "3";
    assert_compared(other, "guest stub: \"pin2pin-stub 0.1.0\" and \"pin2pin-stub 0.2.0\"", "");
}

static void all_reasons_are_told_at_once(void **state)
{
    struct p2p_setup other = {.time_base = P2P_TIME_INSTRUCTIONS,
                              .wiring = "qemu-virt",
                              .probe = "ideal",
                              .serial = "",
                              .tick_hz = 1000000000,
                              .stub = "tbm 1",
                              .stub_path = ""};

    (void)state;
    assert_compared(other,
                    "time base: hardware and instructions; wiring: \"uboot, pins 0 1 2, probe ftdi\" and "
                    "\"qemu-virt\"; probe: \"ftdi\" and \"ideal\"; guest stub: \"pin2pin-stub 0.1.0\" and \"tbm 1\"",
                    "");
}

static void what_an_old_file_does_not_say_is_not_taken_for_equal(void **state)
{
    struct p2p_setup other = LAB;
    struct p2p_comparability found;

    (void)state;
    other.wiring = "";
    found = compare(&LAB, &other);
    assert_string_equal(found.reasons, "wiring: B does not say; make its result again from its run folder, by `pin2pin "
                                       "report --format json`");
    found = compare(&other, &LAB);
    assert_non_null(strstr(found.reasons, "wiring: A does not say"));
    other = LAB;
    other.stub = "";
    found = compare(&LAB, &other);
    assert_non_null(strstr(found.reasons, "guest stub: B does not say"));
}

static void another_probe_of_the_kind_and_another_path_are_noted(void **state)
{
    struct p2p_setup other = LAB;

    (void)state;
    other.serial = "e660583883123456";
    other.stub_path = "3";
    assert_compared(other, "",
                    "another probe of the same kind: \"e6616408432d2b21\" and \"e660583883123456\"; native: the stub "
                    "answers after 2 and 3 instructions");
}

static void a_remark_is_made_once(void **state)
{
    char remarks[P2P_REMARKS_BYTES] = "";

    (void)state;
    p2p_remark(remarks, "one %d", 1);
    p2p_remark(remarks, "two");
    p2p_remark(remarks, "one %d", 1);
    assert_string_equal(remarks, "one 1; two");
}

static void remarks_that_do_not_fit_are_cut_and_say_so(void **state)
{
    char remarks[P2P_REMARKS_BYTES] = "";

    (void)state;
    for (int i = 0; i < P2P_REMARKS_BYTES; i++) {
        p2p_remark(remarks, "remark number %d", i);
    }
    assert_int_equal(strlen(remarks), P2P_REMARKS_BYTES - 1);
    assert_string_equal(remarks + P2P_REMARKS_BYTES - sizeof "...", "...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same),
        cmocka_unit_test(each_difference_is_refused),
        cmocka_unit_test(all_reasons_are_told_at_once),
        cmocka_unit_test(what_an_old_file_does_not_say_is_not_taken_for_equal),
        cmocka_unit_test(another_probe_of_the_kind_and_another_path_are_noted),
        cmocka_unit_test(a_remark_is_made_once),
        cmocka_unit_test(remarks_that_do_not_fit_are_cut_and_say_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
