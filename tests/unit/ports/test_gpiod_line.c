/* SPDX-License-Identifier: MIT */
#include "fake_gpiod.h"
#include "ports/gpiod_line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PLACE "lab.bench.json: $.stimulus"

static const struct p2p_line_plan PLAN = {.place = PLACE, .chip = "pl061", .line = "STIMULUS"};

static int set_up(void **state)
{
    (void)state;
    fake_gpiod_reset();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fake_gpiod_check_all_given_back();
    return 0;
}

static struct p2p_gpiod_line *open_good(const struct p2p_line_plan *plan)
{
    struct p2p_error error = {0};
    struct p2p_gpiod_line *line = p2p_gpiod_line_open(plan, &error);

    assert_string_equal(error.message, "");
    assert_non_null(line);
    assert_int_equal(fake_gpiod.open_chips + fake_gpiod.infos, 0);
    return line;
}

static void check_refused(const struct p2p_line_plan *plan, enum p2p_code code, const char *message)
{
    struct p2p_error error = {0};

    assert_null(p2p_gpiod_line_open(plan, &error));
    assert_string_equal(error.message, message);
    assert_int_equal(error.code, code);
    fake_gpiod_check_all_given_back();
}

static void check_level(const struct p2p_gpiod_line *line, bool active, bool high)
{
    struct p2p_error error = {0};

    assert_int_equal(p2p_gpiod_line_set(line, active, &error), P2P_OK);
    assert_int_equal(fake_gpiod.chips[0].lines[0].high, high);
    assert_int_equal(p2p_gpiod_line_check(line, active, &error), P2P_OK);
}

static void a_line_is_driven_and_left_inactive(void **state)
{
    struct p2p_gpiod_line *line = open_good(&PLAN);

    (void)state;
    assert_true(fake_gpiod.chips[0].lines[0].held);
    check_level(line, true, true);
    check_level(line, false, false);
    check_level(line, true, true);
    p2p_gpiod_line_close(line);
    assert_false(fake_gpiod.chips[0].lines[0].high);
    assert_false(fake_gpiod.chips[0].lines[0].held);
    p2p_gpiod_line_close(NULL);
}

static void opening_and_closing_makes_no_edge(void **state)
{
    struct p2p_line_plan plan = PLAN;

    (void)state;
    p2p_gpiod_line_close(open_good(&plan));
    assert_int_equal(fake_gpiod.change_count, 0);
    plan.active_low = true;
    fake_gpiod.chips[0].lines[0].high = true;
    p2p_gpiod_line_close(open_good(&plan));
    assert_int_equal(fake_gpiod.change_count, 0);
}

static void active_low_is_the_other_voltage(void **state)
{
    struct p2p_line_plan plan = PLAN;
    struct p2p_gpiod_line *line;

    (void)state;
    plan.active_low = true;
    line = open_good(&plan);
    assert_true(fake_gpiod.chips[0].lines[0].high);
    check_level(line, true, false);
    p2p_gpiod_line_close(line);
    assert_true(fake_gpiod.chips[0].lines[0].high);
}

static void a_chip_is_found_by_label_name_and_path(void **state)
{
    static const char *const names[] = {"expander", "gpiochip7", "/dev/gpiochip7"};

    (void)state;
    fake_gpiod_add("/dev/gpiochip7", "gpiochip7", "expander");
    fake_gpiod_add("/dev/gpiochip-lab", "gpiochip8", "other")->is_chip = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct p2p_line_plan plan = {.place = PLACE, .chip = names[i], .offset = 3};
        struct p2p_gpiod_line *line = open_good(&plan);

        assert_true(fake_gpiod.chips[1].lines[3].held);
        p2p_gpiod_line_close(line);
    }
}

static void a_chip_that_is_not_there_is_told_with_those_that_are(void **state)
{
    struct p2p_line_plan plan = PLAN;

    (void)state;
    plan.chip = "nix";
    check_refused(&plan, P2P_E_BENCH, PLACE ": no GPIO chip \"nix\"; there are: gpiochip0 \"pl061\" (4 lines)");
    fake_gpiod_add("/dev/gpiochip1", "gpiochip1", "expander");
    check_refused(&plan, P2P_E_BENCH,
                  PLACE ": no GPIO chip \"nix\"; there are: gpiochip0 \"pl061\" (4 lines), gpiochip1 \"expander\" (4 "
                        "lines)");
    fake_gpiod.chips[1].is_chip = false; /* some other file of such a name */
    check_refused(&plan, P2P_E_BENCH, PLACE ": no GPIO chip \"nix\"; there are: gpiochip0 \"pl061\" (4 lines)");
    fake_gpiod.chip_count = 0;
    check_refused(&plan, P2P_E_BENCH,
                  PLACE ": no GPIO chip \"nix\", nor any other in /dev: plug it in, or load its driver");
    plan.chip = "/dev/gpiochip9";
    check_refused(&plan, P2P_E_BENCH, PLACE ": there is no /dev/gpiochip9: see `gpiodetect`");
    fake_gpiod_add("/dev/gpiochip9", "", "")->is_chip = false;
    check_refused(&plan, P2P_E_BENCH, PLACE ": /dev/gpiochip9 is not a GPIO chip: see `gpiodetect`");
}

static void a_label_of_several_chips_is_refused(void **state)
{
    (void)state;
    fake_gpiod_add("/dev/gpiochip1", "gpiochip1", "pl061");
    fake_gpiod_add("/dev/gpiochip2", "gpiochip2", "pl061");
    check_refused(&PLAN, P2P_E_BENCH,
                  PLACE ": several GPIO chips are called \"pl061\": gpiochip0, gpiochip1, gpiochip2; use one's name or "
                        "path");
}

static void a_forbidden_chip_is_told_with_the_cure(void **state)
{
    static const char cure[] =
        PLACE ": cannot open /dev/gpiochip0: join its group and log in again; if it has none (see `ls -l "
              "/dev/gpiochip0`), add the udev rule SUBSYSTEM==\"gpio\", GROUP=\"gpio\", MODE=\"0660\": Permission "
              "denied";
    struct p2p_line_plan plan = PLAN;

    (void)state;
    fake_gpiod.chips[0].open_errno = EACCES;
    check_refused(&plan, P2P_E_BENCH, cure);
    plan.chip = "/dev/gpiochip0";
    check_refused(&plan, P2P_E_BENCH, cure);
}

/* Only if the wanted one is not among those that can be read. */
static void another_chip_that_cannot_be_read_is_in_nobody_s_way(void **state)
{
    struct p2p_line_plan plan = PLAN;

    (void)state;
    fake_gpiod_add("/dev/gpiochip1", "gpiochip1", "expander")->info_errno = EIO;
    p2p_gpiod_line_close(open_good(&plan));
    plan.chip = "expander";
    check_refused(&plan, P2P_E_BENCH, PLACE ": cannot open /dev/gpiochip1: Input/output error");
    plan.chip = "/dev/gpiochip1";
    check_refused(&plan, P2P_E_BENCH,
                  PLACE ": cannot read what lines GPIO chip \"/dev/gpiochip1\" has: Input/output error");
}

static void a_line_that_is_not_there_is_told(void **state)
{
    struct p2p_line_plan plan = PLAN;

    (void)state;
    plan.line = "nix";
    check_refused(&plan, P2P_E_INPUT,
                  PLACE ": GPIO chip \"pl061\" has no line \"nix\"; its named lines are: STIMULUS, QUERY");
    fake_gpiod.chips[0].lines[0].name = NULL;
    fake_gpiod.chips[0].lines[1].name = NULL;
    check_refused(&plan, P2P_E_INPUT, PLACE ": GPIO chip \"pl061\" has no line \"nix\"; none has a name");
    plan.line = NULL;
    plan.offset = FAKE_LINES;
    check_refused(&plan, P2P_E_INPUT, PLACE ": GPIO chip \"pl061\" has no line 4, only 4 lines from 0 on");
    fake_gpiod.chips[0].line_info_errno = EIO;
    plan.line = "STIMULUS";
    check_refused(&plan, P2P_E_BENCH, PLACE ": cannot read what lines GPIO chip \"pl061\" has: Input/output error");
}

static void a_name_of_several_lines_is_refused(void **state)
{
    (void)state;
    fake_gpiod.chips[0].lines[3].name = "STIMULUS";
    check_refused(&PLAN, P2P_E_INPUT,
                  PLACE ": GPIO chip \"pl061\" has several lines \"STIMULUS\": use one of the offsets 0, 3");
}

static void long_lists_are_cut(void **state)
{
    char name[250];
    struct p2p_line_plan plan = PLAN;
    struct p2p_error error = {0};

    (void)state;
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t i = 0; i < FAKE_LINES; i++) {
        fake_gpiod.chips[0].lines[i].name = name;
    }
    plan.line = "nix";
    assert_null(p2p_gpiod_line_open(&plan, &error));
    assert_int_equal(strlen(strstr(error.message, "are: ")), strlen("are: , , ...") + 2 * strlen(name));
    assert_string_equal(error.message + strlen(error.message) - 6, "x, ...");
}

static void a_busy_line_is_told_with_who_holds_it(void **state)
{
    (void)state;
    fake_gpiod.chips[0].lines[0].held = true;
    fake_gpiod.chips[0].lines[0].consumer = "gpioset";
    check_refused(&PLAN, P2P_E_BENCH,
                  PLACE ": line \"STIMULUS\" of GPIO chip \"pl061\": busy: held by \"gpioset\" (see `gpioinfo`)");
    fake_gpiod.chips[0].lines[0].consumer = NULL;
    check_refused(&PLAN, P2P_E_BENCH,
                  PLACE ": line \"STIMULUS\" of GPIO chip \"pl061\": busy: held by \"?\" (see `gpioinfo`)");
}

static void a_busy_line_is_told_even_if_its_holder_is_not(void **state)
{
    const struct p2p_line_plan plan = {.place = PLACE, .chip = "gpiochip0", .offset = 1};

    (void)state;
    fake_gpiod.request_errno = EBUSY;
    fake_gpiod.chips[0].line_info_errno = EIO;
    check_refused(&plan, P2P_E_BENCH,
                  PLACE ": line 1 of GPIO chip \"gpiochip0\": busy: held by \"?\" (see `gpioinfo`)");
}

static void a_line_that_cannot_be_an_output_is_told(void **state)
{
    (void)state;
    fake_gpiod.request_errno = EINVAL;
    check_refused(&PLAN, P2P_E_BENCH,
                  PLACE ": line \"STIMULUS\" of GPIO chip \"pl061\": cannot take it as an output: Invalid argument");
}

static void faults_in_mid_run_are_told(void **state)
{
    struct p2p_gpiod_line *line = open_good(&PLAN);
    struct p2p_error error = {0};

    (void)state;
    fake_gpiod.sets_fail_in = 1;
    assert_int_equal(p2p_gpiod_line_set(line, true, &error), P2P_E_BENCH);
    assert_string_equal(error.message,
                        PLACE ": line \"STIMULUS\" of GPIO chip \"pl061\": cannot drive it active: Input/output error");
    error = (struct p2p_error){0};
    fake_gpiod.read_errno = EIO;
    assert_int_equal(p2p_gpiod_line_check(line, true, &error), P2P_E_BENCH);
    assert_string_equal(error.message,
                        PLACE ": line \"STIMULUS\" of GPIO chip \"pl061\": cannot read it back: Input/output error");
    p2p_gpiod_line_close(line);
}

static void a_stuck_line_is_told(void **state)
{
    struct p2p_gpiod_line *line = open_good(&PLAN);
    struct p2p_error error = {0};

    (void)state;
    fake_gpiod.chips[0].lines[0].sticks = 0;
    assert_int_equal(p2p_gpiod_line_set(line, true, &error), P2P_OK);
    assert_int_equal(p2p_gpiod_line_check(line, true, &error), P2P_E_BENCH);
    assert_string_equal(error.message, PLACE
                        ": line \"STIMULUS\" of GPIO chip \"pl061\": stuck: driven active, it reads back inactive");
    assert_int_equal(p2p_gpiod_line_check(line, false, &error), P2P_OK);
    p2p_gpiod_line_close(line);
}

static void every_failed_allocation_is_told(void **state)
{
    int count = 0;

    (void)state;
    for (bool failed = true; failed;) {
        struct p2p_error error = {0};
        struct p2p_gpiod_line *line;

        fake_gpiod.allocations_fail_in = ++count;
        line = p2p_gpiod_line_open(&PLAN, &error);
        failed = line == NULL;
        assert_int_equal(error.code, failed ? P2P_E_HOST : P2P_OK);
        assert_int_equal(fake_gpiod.open_chips + fake_gpiod.infos, 0);
        fake_gpiod.allocations_fail_in = FAKE_NEVER;
        p2p_gpiod_line_close(line);
    }
    assert_int_equal(count, 1 + 6); /* ours, glob's, the name's, three of libgpiod's */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_is_driven_and_left_inactive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(opening_and_closing_makes_no_edge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(active_low_is_the_other_voltage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chip_is_found_by_label_name_and_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chip_that_is_not_there_is_told_with_those_that_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_label_of_several_chips_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_forbidden_chip_is_told_with_the_cure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_chip_that_cannot_be_read_is_in_nobody_s_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_is_not_there_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_of_several_lines_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_lists_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_busy_line_is_told_with_who_holds_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_busy_line_is_told_even_if_its_holder_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_cannot_be_an_output_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(faults_in_mid_run_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stuck_line_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_failed_allocation_is_told, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
