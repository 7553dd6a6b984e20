/* SPDX-License-Identifier: MIT */
/*
 * Reports against the files in tests/golden/junit, which xmllint and junitparser check (schema.junit). Their
 * system-out, which is the text report, is replaced by a word, so that they change only with what is tested here. To
 * take a wanted change over, run with P2P_GOLDEN_UPDATE=1 and read the difference.
 */
#include "reports/result_report.h"

#include "reports/plain.h"
#include "sample.h"
#include "util/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN P2P_SOURCE_DIR "/tests/golden/junit/"

static const char OPEN[] = "<system-out>", CLOSE[] = "</system-out>";

/* `quoted` begins with `text` as it is in an element, and the element's end. */
static void assert_quoted(const char *quoted, const char *text)
{
    static const struct {
        char character;
        const char *quoted;
    } MARKS[] = {{'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}};

    for (; *text != '\0'; text++) {
        char expected[8] = {0};

        expected[0] = *text;
        if (*text != '\n') {
            expected[0] = p2p_plain_character(*text);
        }

        for (size_t i = 0; i < sizeof MARKS / sizeof MARKS[0]; i++) {
            if (MARKS[i].character == *text) {
                snprintf(expected, sizeof expected, "%s", MARKS[i].quoted);
            }
        }
        assert_memory_equal(quoted, expected, strlen(expected));
        quoted += strlen(expected);
    }
    assert_memory_equal(quoted, CLOSE, strlen(CLOSE));
}

static void assert_report(const struct p2p_result *result, const char *golden)
{
    struct p2p_error error = {0};
    char *report = p2p_result_report(result, "junit"), *text = p2p_result_report(result, "text");
    char *expected = NULL, *begin, *shown;
    size_t size;

    assert_non_null(report);
    begin = strstr(report, OPEN);
    assert_non_null(begin);
    begin += strlen(OPEN);
    assert_quoted(begin, text);
    shown = p2p_format("%.*stext report%s", (int)(begin - report), report, strstr(begin, CLOSE));
    assert_non_null(shown);
    if (getenv("P2P_GOLDEN_UPDATE") != NULL) {
        assert_int_equal(p2p_write_file(golden, shown, strlen(shown), &error), P2P_OK);
    }
    assert_int_equal(p2p_read_file(golden, 1 << 20, &expected, &size, &error), P2P_OK);
    assert_string_equal(shown, expected);
    free(expected);
    free(shown);
    free(text);
    free(report);
}

static void each_verdict_has_its_element(void **state)
{
    struct p2p_result_configuration configurations[] = {
        sample_configuration("native", 320), sample_configuration("slow", 1850), sample_configuration("short", 1850),
        sample_configuration("broken", 1850)};
    struct p2p_result result = sample_result(configurations, 4);

    (void)state;
    configurations[1].limits.warm_max_ns = 1800;
    sample_judge(&result, 1, P2P_VERDICT_FAIL, "warm_max 1900 ns > limit 1800 ns; \"quoted\" & <marked>");
    sample_judge(&result, 2, P2P_VERDICT_INCONCLUSIVE, "1996 warm samples, 10000 needed");
    sample_judge(&result, 3, P2P_VERDICT_BENCH_FAULT, "boot 1: edges.p2p: \x1b[31m\xff\xfe\n2 lines");
    assert_report(&result, GOLDEN "verdicts.xml");
}

static void an_incomplete_run_is_an_error_though_every_configuration_passed(void **state)
{
    struct p2p_result_configuration configurations[] = {sample_configuration("native", 320)};
    struct p2p_result result = sample_result(configurations, 1);

    (void)state;
    result.complete = false;
    p2p_judgement_add(&result.judgement, P2P_VERDICT_BENCH_FAULT, "the run is incomplete: 1 of 2 boots recorded");
    assert_report(&result, GOLDEN "incomplete.xml");
}

static void a_run_before_its_first_boot(void **state)
{
    struct p2p_result_configuration configurations[] = {
        {.name = "native", .limits = P2P_NO_LIMITS},
    };
    struct p2p_result result = sample_result(configurations, 1);

    (void)state;
    result.probe[0] = result.serial[0] = result.firmware[0] = '\0';
    result.complete = false;
    sample_judge(&result, 0, P2P_VERDICT_BENCH_FAULT, "not measured");
    assert_report(&result, GOLDEN "before.xml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_verdict_has_its_element),
        cmocka_unit_test(an_incomplete_run_is_an_error_though_every_configuration_passed),
        cmocka_unit_test(a_run_before_its_first_boot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
