/* SPDX-License-Identifier: MIT */
#include "store/run_folder.h"

#include "temporary.h"
#include "util/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_path(char *path, const char *expected)
{
    assert_string_equal(path, expected);
    free(path);
}

static void paths_are_those_of_the_layout(void **state)
{
    (void)state;
    assert_path(p2p_result_path("a/b"), "a/b/result.json");
    assert_path(p2p_boot_folder("a", "native", 1), "a/native/boot-001");
    assert_path(p2p_boot_folder("a", "xen", 1000), "a/xen/boot-1000");
}

static void a_folder_is_made_with_all_above_it_and_may_be_there_empty(void **state)
{
    char *base = temporary_folder();
    char *folder = p2p_format("%s/a/b", base);
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(p2p_run_folder_create(folder, &error), P2P_OK);
    assert_int_equal(p2p_run_folder_create(folder, &error), P2P_OK);
    free(folder);
    temporary_remove(base);
}

static void a_folder_that_holds_anything_is_refused(void **state)
{
    char *base = temporary_folder();
    char *message = p2p_format("%s: not empty (.hidden is in it); a run needs a folder of its own", base);
    struct p2p_error error = {0};

    (void)state;
    temporary_write(base, ".hidden", "");
    assert_int_equal(p2p_run_folder_create(base, &error), P2P_E_INPUT);
    assert_string_equal(error.message, message);
    free(message);
    temporary_remove(base);
}

static void a_file_is_no_folder(void **state)
{
    char *base = temporary_folder();
    char *path = p2p_format("%s/file", base);
    struct p2p_error error = {0};

    (void)state;
    temporary_write(base, "file", "");
    assert_int_not_equal(p2p_run_folder_create(path, &error), P2P_OK);
    assert_non_null(strstr(error.message, path));
    free(path);
    temporary_remove(base);
}

#define LONG_TEXT "0123456789012345678901234567890123456789012345678901234567890123" /* one too many */
#define BOOT(complete, fault, probe)                                                                                   \
    "{\"schema\": \"pin2pin.boot\", \"version\": 1, \"configuration\": \"c\", \"boot\": 7, \"complete\": " complete    \
    ", \"fault\": " fault ", \"probe\": " probe "}"
/* As files of before the budget have it, and as they are now. */
#define PROBE "{\"name\": \"ideal\", \"tick_hz\": 1, \"time_base\": \"hardware\", \"uncertainty_ns\": 0.25}"
#define BUDGETED(budget)                                                                                               \
    "{\"name\": \"ftdi\", \"serial\": \"e661640843\", \"firmware\": \"pin2pin 0.1.0\", \"tick_hz\": 1, "               \
    "\"time_base\": \"hardware\", \"uncertainty_ns\": 13, \"budget\": " budget "}"

static void assert_near(double found, double expected)
{
    assert_true(fabs(found - expected) < 1e-9);
}

static void a_summary_is_what_the_file_says(void **state)
{
    char *base = temporary_folder();
    struct p2p_boot_summary summary;
    struct p2p_error error = {0};
    bool present;

    (void)state;
    temporary_write(base, "boot.json", BOOT("true", "null", PROBE));
    assert_int_equal(p2p_boot_summary_load(base, &summary, &present, &error), P2P_OK);
    assert_true(present && summary.complete);
    assert_string_equal(summary.fault, "");
    assert_string_equal(summary.configuration, "c");
    assert_int_equal(summary.boot, 7);
    assert_string_equal(summary.probe, "ideal");
    assert_string_equal(summary.serial, "");
    assert_string_equal(summary.firmware, "");
    assert_near(p2p_uncertainty_of_sample_ns(&summary.budget, 0), 0.25);
    temporary_write(base, "boot.json", BOOT("false", "\"it broke\"", PROBE));
    assert_int_equal(p2p_boot_summary_load(base, &summary, &present, &error), P2P_OK);
    assert_true(present && !summary.complete);
    assert_string_equal(summary.fault, "it broke");
    temporary_remove(base);
}

static void a_probe_may_have_a_budget_or_not_be_known(void **state)
{
    char *base = temporary_folder();
    struct p2p_boot_summary summary;
    struct p2p_error error = {0};
    bool present;

    (void)state;
    temporary_write(base, "boot.json",
                    BOOT("true", "null",
                         BUDGETED("{\"quantisation_ns\": 3, \"skew_ns\": 4.5, \"trigger_ns\": 1000000, "
                                  "\"timebase_ppm\": 30, \"skew_correction_ns\": -1000000}")));
    assert_int_equal(p2p_boot_summary_load(base, &summary, &present, &error), P2P_OK);
    assert_true(present);
    assert_string_equal(summary.probe, "ftdi");
    assert_string_equal(summary.serial, "e661640843");
    assert_string_equal(summary.firmware, "pin2pin 0.1.0");
    assert_near(summary.budget.quantisation_ns, 3);
    assert_near(summary.budget.skew_ns, 4.5);
    assert_near(summary.budget.trigger_ns, 1e6);
    assert_near(summary.budget.timebase_ppm, 30);
    assert_near(summary.budget.skew_correction_ns, -1e6);
    temporary_write(base, "boot.json", BOOT("true", "null", BUDGETED("{}"))); /* it is there, and all of it is 0 */
    assert_int_equal(p2p_boot_summary_load(base, &summary, &present, &error), P2P_OK);
    assert_near(p2p_uncertainty_of_sample_ns(&summary.budget, 1e9), 0);
    temporary_write(base, "boot.json", BOOT("false", "\"the probe does not answer\"", "null"));
    assert_int_equal(p2p_boot_summary_load(base, &summary, &present, &error), P2P_OK);
    assert_true(present);
    assert_string_equal(summary.probe, "");
    assert_string_equal(summary.fault, "the probe does not answer");
    temporary_remove(base);
}

static void no_file_is_no_error(void **state)
{
    char *base = temporary_folder();
    struct p2p_boot_summary summary;
    struct p2p_error error = {0};
    bool present = true;

    (void)state;
    assert_int_equal(p2p_boot_summary_load(base, &summary, &present, &error), P2P_OK);
    assert_false(present);
    assert_false(summary.complete);
    temporary_remove(base);
}

static void a_damaged_file_is_an_error_that_names_it(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "boot.json:1:0: "},
        {"{\"schema\": \"pin2pin.result\", \"version\": 1}", "$.schema: expected \"pin2pin.boot\""},
        {BOOT("1", "null", PROBE), "$.complete: expected a boolean"},
        {BOOT("true", "\"boom\"", PROBE), "$.complete: true and a fault"},
        {BOOT("false", "null", PROBE), "$.complete: true and a fault"},
        {BOOT("false", "7", PROBE), "$.fault: expected a string"},
        {BOOT("true", "null", "null"), "$.probe: null, but complete: such a boot knows what measured it"},
        {BOOT("true", "null", "7"), "$.probe: expected an object"},
        {BOOT("true", "null", "{\"name\": \"../x\"}"), "$.probe.name: expected a name"},
        {BOOT("true", "null", "{\"name\": \"x\"}"), "$.probe.uncertainty_ns: missing"},
        {BOOT("true", "null", "{\"strange\": \"x\"}"), "$.probe: unknown key \"strange\""},
        {BOOT("true", "null", "{\"name\": \"x\", \"uncertainty_ns\": -1}"),
         "$.probe.uncertainty_ns: expected a number from 0 to 2000000, found the integer -1"},
        {BOOT("true", "null", "{\"name\": \"x\", \"uncertainty_ns\": 2000001}"),
         "$.probe.uncertainty_ns: expected a number from 0 to 2000000"},
        {BOOT("true", "null", "{\"name\": \"x\", \"uncertainty_ns\": 0, \"firmware\": \"\u00fc\"}"),
         "$.probe.firmware: expected at most 63 printable ASCII characters"},
        {BOOT("true", "null", "{\"name\": \"x\", \"uncertainty_ns\": 0, \"serial\": \"" LONG_TEXT "\"}"),
         "$.probe.serial: expected at most 63 printable ASCII characters"},
        {BOOT("true", "null", "{\"name\": \"x\", \"uncertainty_ns\": 0, \"serial\": 5}"),
         "$.probe.serial: expected a string"},
        {BOOT("true", "null", BUDGETED("null")), "$.probe.budget: expected an object"},
        {BOOT("true", "null", BUDGETED("{\"skew\": 1}")), "$.probe.budget: unknown key \"skew\""},
        {BOOT("true", "null", BUDGETED("{\"skew_ns\": -1}")),
         "$.probe.budget.skew_ns: expected a number from 0 to 1e+06"},
        {BOOT("true", "null", BUDGETED("{\"quantisation_ns\": 1000001}")),
         "$.probe.budget.quantisation_ns: expected a number from 0 to 1e+06"},
        {BOOT("true", "null", BUDGETED("{\"trigger_ns\": null}")), "$.probe.budget.trigger_ns: expected a number"},
        {BOOT("true", "null", BUDGETED("{\"timebase_ppm\": \"1\"}")), "$.probe.budget.timebase_ppm: expected a number"},
        {BOOT("true", "null", BUDGETED("{\"skew_correction_ns\": -1000001}")),
         "$.probe.budget.skew_correction_ns: expected a number from -1e+06 to 1e+06"},
    };
    char *base = temporary_folder();

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct p2p_boot_summary summary;
        struct p2p_error error = {0};
        bool present = true;

        temporary_write(base, "boot.json", cases[i].text);
        assert_int_equal(p2p_boot_summary_load(base, &summary, &present, &error), P2P_E_INPUT);
        assert_false(present);
        assert_non_null(strstr(error.message, base));
        if (strstr(error.message, cases[i].message) == NULL) {
            fail_msg("expected %s, found %s", cases[i].message, error.message);
        }
    }
    temporary_remove(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_those_of_the_layout),
        cmocka_unit_test(a_folder_is_made_with_all_above_it_and_may_be_there_empty),
        cmocka_unit_test(a_folder_that_holds_anything_is_refused),
        cmocka_unit_test(a_file_is_no_folder),
        cmocka_unit_test(a_summary_is_what_the_file_says),
        cmocka_unit_test(a_probe_may_have_a_budget_or_not_be_known),
        cmocka_unit_test(no_file_is_no_error),
        cmocka_unit_test(a_damaged_file_is_an_error_that_names_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
