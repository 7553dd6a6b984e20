/* SPDX-License-Identifier: MIT */
#include "calibration/calibration_file.h"

#include "../config/allocations.h"
#include "../config/corpus.h"
#include "../store/temporary.h"
#include "util/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOOD   P2P_SOURCE_DIR "/tests/unit/calibration/good/"
#define SERIAL "e660583883123456"

enum { FILE_BYTES_MAX = 1 << 20 };

static const struct p2p_probe_plan FTDI = {.kind = P2P_PROBE_FTDI, .trigger_ns = 0.7, .timebase_ppm = 17};
static const struct p2p_probe_plan VIRTUAL = {.kind = P2P_PROBE_VIRTUAL, .trigger_ns = 0.7, .timebase_ppm = 17};

static void *load(const char *path, struct p2p_error *error)
{
    struct p2p_calibration calibration;

    /* Not by an allocation that the tests make fail. */
    return p2p_calibration_load(path, &calibration, error) == P2P_OK ? realloc(NULL, 1) : NULL;
}

static const struct corpus_loader LOADER = {"../../calibration/good", load, free};
static const struct corpus_loader BAD = {"../../calibration/bad", load, free};

static struct p2p_calibration load_good(const char *path)
{
    struct p2p_calibration calibration;
    struct p2p_error error = {0};

    p2p_calibration_load(path, &calibration, &error);
    assert_string_equal(error.message, "");
    return calibration;
}

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-9)) {
        print_error("found %.12g, expected %.12g\n", found, expected);
        fail();
    }
}

/* ---- The file ---- */

static void every_figure_is_read(void **state)
{
    struct p2p_calibration calibration = load_good(GOOD "whole.json");
    const struct p2p_skew_mean *swapped = &calibration.skew[P2P_FALLING][P2P_WIRING_SWAPPED];

    (void)state;
    assert_string_equal(calibration.serial, SERIAL);
    assert_string_equal(calibration.firmware, "pin2pin 1.0");
    assert_int_equal(calibration.tick_hz, 125000000);
    assert_string_equal(calibration.date, "2026-01-31T23:59:59Z");
    assert_true(p2p_calibration_complete(&calibration));
    assert_near(calibration.skew[P2P_RISING][P2P_WIRING_STRAIGHT].mean_ns, 1.52);
    assert_near(calibration.skew[P2P_RISING][P2P_WIRING_SWAPPED].mean_ns, -0.72);
    assert_near(calibration.skew[P2P_FALLING][P2P_WIRING_STRAIGHT].mean_ns, 1.32);
    assert_int_equal(swapped->n, 9999);
    assert_near(swapped->mean_ns, -0.92);
    assert_near(swapped->u_ns, 0.08);
    assert_near(calibration.clock.ppm, -12.25);
    assert_near(calibration.clock.u_ppm, 0.5);
    assert_near(calibration.clock.period_ns, 1e9);
    assert_near(calibration.clock.reference_u_ppm, 0.25);
    assert_int_equal(calibration.clock.n, 61);
    assert_int_equal(calibration.clock.missing, 0);
    assert_near(calibration.clock.seconds, 60);
}

static void assert_saved_as_loaded(const char *path)
{
    struct p2p_calibration calibration = load_good(path);
    char *folder = temporary_folder();
    char *copy = p2p_format("%s/copy.calibration.json", folder);
    struct p2p_error error = {0};
    char *expected, *found;
    size_t size;

    assert_int_equal(p2p_calibration_save(copy, &calibration, &error), P2P_OK);
    assert_int_equal(p2p_read_file(path, FILE_BYTES_MAX, &expected, &size, &error), P2P_OK);
    assert_int_equal(p2p_read_file(copy, FILE_BYTES_MAX, &found, &size, &error), P2P_OK);
    assert_string_equal(found, expected);
    free(found);
    free(expected);
    free(copy);
    temporary_remove(folder);
}

static void a_file_is_saved_to_the_same_bytes(void **state)
{
    (void)state;
    assert_saved_as_loaded(GOOD "whole.json");
    assert_saved_as_loaded(GOOD "straight-only.json");
    assert_saved_as_loaded(GOOD "swapped-only.json");
    assert_saved_as_loaded(GOOD "clock-only.json");
}

/* Figures with more digits than the file keeps: what is read again must still agree with itself. */
static void rounded_figures_agree(void **state)
{
    struct p2p_calibration calibration = load_good(GOOD "whole.json");
    char *folder = temporary_folder();
    char *path = p2p_format("%s/rounded.calibration.json", folder);
    struct p2p_error error = {0};

    (void)state;
    for (size_t i = 0; i < P2P_POLARITIES; i++) {
        calibration.skew[i][P2P_WIRING_STRAIGHT].mean_ns = 1.0000005;
        calibration.skew[i][P2P_WIRING_SWAPPED].mean_ns = -1.0000015 - 1e-7;
        calibration.skew[i][P2P_WIRING_STRAIGHT].u_ns = 1e-6 / 3;
    }
    calibration.clock.ppm = -1e-9; /* not "-0.0" */
    assert_int_equal(p2p_calibration_save(path, &calibration, &error), P2P_OK);
    calibration = load_good(path);
    assert_false(signbit(calibration.clock.ppm));
    free(path);
    temporary_remove(folder);
}

static void a_file_that_cannot_be_written_is_told(void **state)
{
    struct p2p_calibration calibration = load_good(GOOD "whole.json");
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(p2p_calibration_save("/proc/no/such.calibration.json", &calibration, &error), P2P_E_HOST);
    assert_non_null(strstr(error.message, "/proc/no/such.calibration.json"));
}

static void good_files_load(void **state)
{
    (void)state;
    assert_int_equal(corpus_check_good(&LOADER), 4);
}

static void bad_files_are_refused_in_the_expected_words(void **state)
{
    (void)state;
    assert_true(corpus_check_bad(&BAD) >= 45);
}

static void every_truncation_is_refused_with_its_place(void **state)
{
    (void)state;
    corpus_check_truncated(&LOADER, GOOD "whole.json");
}

static void a_missing_file_is_told(void **state)
{
    struct p2p_calibration calibration;
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(p2p_calibration_load(GOOD "none.json", &calibration, &error), P2P_E_INPUT);
    assert_string_equal(error.message, GOOD "none.json: cannot open: No such file or directory");
}

static void every_failed_allocation_of_the_reader_is_told(void **state)
{
    size_t count = 0;
    bool failed = true;

    (void)state;
    while (failed) {
        struct p2p_calibration calibration;
        struct p2p_error error = {0};
        enum p2p_code code;

        allocations_fail_after(count++);
        code = p2p_calibration_load(GOOD "whole.json", &calibration, &error);
        failed = allocations_failed();
        assert_int_equal(code, failed ? P2P_E_HOST : P2P_OK);
        assert_int_equal(error.code, code);
    }
    assert_true(count > 4);
}

static void every_failed_allocation_of_the_writer_is_told(void **state)
{
    struct p2p_calibration calibration = load_good(GOOD "whole.json");
    char *folder = temporary_folder();
    char *path = p2p_format("%s/x.calibration.json", folder);
    size_t count = 0;
    bool failed = true;

    (void)state;
    allocations_hook_jansson(true);
    while (failed) {
        struct p2p_error error = {0};
        enum p2p_code code;

        allocations_fail_after(count++);
        code = p2p_calibration_save(path, &calibration, &error);
        failed = allocations_failed();
        assert_int_equal(code, failed ? P2P_E_HOST : P2P_OK);
        assert_int_equal(error.code, code);
    }
    allocations_hook_jansson(false);
    assert_true(count > 50);
    free(path);
    temporary_remove(folder);
}

/* ---- Its use ---- */

static void only_its_own_probe_may_use_it(void **state)
{
    struct p2p_calibration calibration = load_good(GOOD "whole.json");
    struct p2p_error serial = {0}, rate = {0}, none = {0};

    (void)state;
    assert_int_equal(p2p_calibration_check_probe(&calibration, "a.json", SERIAL, 125000000, &none), P2P_OK);
    assert_int_equal(p2p_calibration_check_probe(&calibration, "a.json", "e660583883123457", 125000000, &serial),
                     P2P_E_INPUT);
    assert_string_equal(serial.message, "a.json: made with probe " SERIAL ", but this is probe e660583883123457: name "
                                        "that one's calibration");
    assert_int_equal(p2p_calibration_check_probe(&calibration, "a.json", SERIAL, 200000000, &rate), P2P_E_INPUT);
    assert_string_equal(rate.message,
                        "a.json: made at 125000000 Hz, but probe " SERIAL " runs at 200000000 Hz: calibrate it again");
    assert_int_equal(none.code, P2P_OK);
}

static void assert_incomplete(const char *name, const char *wiring)
{
    char *path = p2p_format(GOOD "%s.json", name);
    struct p2p_calibration calibration = load_good(path);
    char *expected =
        p2p_format("a.json: not complete: run `pin2pin probe calibrate BENCH --wiring %s -o a.json` (a virtual "
                   "probe's without --wiring)",
                   wiring);
    struct p2p_error error = {0};

    assert_false(p2p_calibration_complete(&calibration));
    assert_int_equal(p2p_calibration_check_complete(&calibration, "a.json", &error), P2P_E_INPUT);
    assert_string_equal(error.message, expected);
    free(expected);
    free(path);
}

static void an_incomplete_file_says_what_is_missing(void **state)
{
    struct p2p_calibration whole = load_good(GOOD "whole.json");
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(p2p_calibration_check_complete(&whole, "a.json", &error), P2P_OK);
    assert_incomplete("straight-only", "swapped");
    assert_incomplete("swapped-only", "straight");
    assert_incomplete("clock-only", "straight");
}

static void one_polarity_is_not_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < P2P_POLARITIES; i++) {
        struct p2p_calibration calibration = load_good(GOOD "whole.json");
        struct p2p_error error = {0};

        calibration.skew[i][P2P_WIRING_SWAPPED] = (struct p2p_skew_mean){0};
        assert_false(p2p_calibration_complete(&calibration));
        assert_int_equal(p2p_calibration_check_complete(&calibration, "a.json", &error), P2P_E_INPUT);
    }
}

/* The rising skew is 0.4 ns, the falling one 0.2 ns. */
static void a_calibration_corrects_by_the_mean_of_both_polarities(void **state)
{
    struct p2p_calibration calibration = load_good(GOOD "whole.json");
    struct p2p_uncertainty budget = p2p_calibration_budget(&calibration, &VIRTUAL);
    double measured = hypot(0.025, 0.05) / 2;

    (void)state;
    assert_near(budget.skew_correction_ns, 0.3);
    assert_near(budget.skew_ns, hypot(measured, 0.1));
    assert_near(budget.timebase_ppm, hypot(12.25, 0.5));
    assert_near(budget.trigger_ns, 0.7);
    assert_near(budget.quantisation_ns, 0);
}

static void a_real_probe_keeps_what_no_calibration_sees(void **state)
{
    struct p2p_calibration calibration = load_good(GOOD "whole.json");
    double virtual_ns = p2p_calibration_budget(&calibration, &VIRTUAL).skew_ns;
    struct p2p_uncertainty budget = p2p_calibration_budget(&calibration, &FTDI);

    (void)state;
    assert_near(budget.skew_ns, sqrt(virtual_ns * virtual_ns + (1.5 * 1.5 + 0.5 * 0.5) / 3));
    assert_near(budget.skew_correction_ns, 0.3);
}

static void without_a_calibration_bounds_stand_in(void **state)
{
    const struct p2p_probe_plan serial = {.kind = P2P_PROBE_SERIAL, .timebase_ppm = 5};
    struct p2p_uncertainty ftdi = p2p_calibration_budget(NULL, &FTDI);

    (void)state;
    assert_near(ftdi.skew_ns, sqrt((1.5 * 1.5 + 0.5 * 0.5 + 1.0 * 1.0) / 3));
    assert_near(ftdi.skew_correction_ns, 0);
    assert_near(ftdi.trigger_ns, 0.7);
    assert_near(ftdi.timebase_ppm, 17);
    assert_near(p2p_calibration_budget(NULL, &serial).skew_ns, ftdi.skew_ns);
    assert_near(p2p_calibration_budget(NULL, &serial).timebase_ppm, 5);
}

static void an_emulated_probe_has_no_skew(void **state)
{
    struct p2p_uncertainty budget = p2p_calibration_budget(NULL, &VIRTUAL);

    (void)state;
    assert_near(budget.skew_ns, 0);
    assert_near(budget.skew_correction_ns, 0);
    assert_near(budget.timebase_ppm, 17);
}

static void the_ideal_probe_has_no_uncertainty(void **state)
{
    const struct p2p_probe_plan ideal = {.kind = P2P_PROBE_IDEAL};
    struct p2p_uncertainty budget = p2p_calibration_budget(NULL, &ideal);

    (void)state;
    assert_true(p2p_uncertainty_of_sample_ns(&budget, 1e6) == 0);
}

static void without_a_clock_the_bench_files_figure_stays(void **state)
{
    struct p2p_calibration calibration = load_good(GOOD "whole.json");

    (void)state;
    calibration.clock = (struct p2p_rate_result){0};
    assert_near(p2p_calibration_budget(&calibration, &FTDI).timebase_ppm, 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_is_read),
        cmocka_unit_test(a_file_is_saved_to_the_same_bytes),
        cmocka_unit_test(rounded_figures_agree),
        cmocka_unit_test(a_file_that_cannot_be_written_is_told),
        cmocka_unit_test(good_files_load),
        cmocka_unit_test(bad_files_are_refused_in_the_expected_words),
        cmocka_unit_test(every_truncation_is_refused_with_its_place),
        cmocka_unit_test(a_missing_file_is_told),
        cmocka_unit_test(every_failed_allocation_of_the_reader_is_told),
        cmocka_unit_test(every_failed_allocation_of_the_writer_is_told),
        cmocka_unit_test(only_its_own_probe_may_use_it),
        cmocka_unit_test(an_incomplete_file_says_what_is_missing),
        cmocka_unit_test(one_polarity_is_not_complete),
        cmocka_unit_test(a_calibration_corrects_by_the_mean_of_both_polarities),
        cmocka_unit_test(a_real_probe_keeps_what_no_calibration_sees),
        cmocka_unit_test(without_a_calibration_bounds_stand_in),
        cmocka_unit_test(an_emulated_probe_has_no_skew),
        cmocka_unit_test(the_ideal_probe_has_no_uncertainty),
        cmocka_unit_test(without_a_clock_the_bench_files_figure_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
