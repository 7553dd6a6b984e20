/* SPDX-License-Identifier: MIT */
#include "store/run_folder.h"

#include "temporary.h"
#include "util/file.h"

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

#define BOOT(complete, fault, probe)                                                                                   \
    "{\"schema\": \"pin2pin.boot\", \"version\": 1, \"configuration\": \"c\", \"boot\": 7, \"complete\": " complete    \
    ", \"fault\": " fault ", \"probe\": " probe "}"
#define PROBE "{\"name\": \"ideal\", \"tick_hz\": 1, \"time_base\": \"hardware\", \"uncertainty_ns\": 0.25}"

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
    assert_true(summary.uncertainty_ns > 0.24 && summary.uncertainty_ns < 0.26);
    temporary_write(base, "boot.json", BOOT("false", "\"it broke\"", PROBE));
    assert_int_equal(p2p_boot_summary_load(base, &summary, &present, &error), P2P_OK);
    assert_true(present && !summary.complete);
    assert_string_equal(summary.fault, "it broke");
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
        {BOOT("true", "null", "null"), "$.probe: expected an object"},
        {BOOT("true", "null", "{\"name\": \"../x\"}"), "$.probe.name: expected a name"},
        {BOOT("true", "null", "{\"name\": \"x\"}"), "$.probe.uncertainty_ns: missing"},
        {BOOT("true", "null", "{\"strange\": \"x\"}"), "$.probe: unknown key \"strange\""},
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
        assert_non_null(strstr(error.message, cases[i].message));
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
        cmocka_unit_test(no_file_is_no_error),
        cmocka_unit_test(a_damaged_file_is_an_error_that_names_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
