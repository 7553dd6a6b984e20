/* SPDX-License-Identifier: MIT */
#include "reports/result_report.h"

#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Others read these by name or by number: new ones go to the end. */
#define FIRST_COLUMNS                                                                                                  \
    "plan,bench,time_base,set,configuration,verdict,reason,boots,n,n_warm,avg_ns,min_ns,max_ns,warm_max_ns,p50_ns,"    \
    "p99_ns,p99_9_ns,uncertainty_ns,avg_uncertainty_ns,stimuli,answered,missed,late,spurious,clipped,lost,"            \
    "limit_avg_ns,limit_max_ns,limit_warm_max_ns,limit_p99_ns,limit_p99_9_ns"

static void assert_begins(const char *text, const char *start)
{
    assert_true(strlen(text) >= strlen(start));
    assert_memory_equal(text, start, strlen(start));
}

/* A row's start, by number; row 0 is the head. */
static const char *row(const char *text, int number)
{
    for (int i = 0; i < number; i++) {
        text = strstr(text, "\r\n");
        assert_non_null(text);
        text += 2;
    }
    return text;
}

/* Commas of a row outside of quotes. */
static int commas(const char *text)
{
    bool quoted = false;
    int count = 0;

    for (; *text != '\r'; text++) {
        quoted ^= *text == '"';
        count += !quoted && *text == ',';
    }
    return count;
}

static void a_row_for_each_configuration(void **state)
{
    struct p2p_result_configuration configurations[] = {sample_configuration("native", 320),
                                                        sample_configuration("xen", 1850)};
    struct p2p_result result = sample_result(configurations, 2);
    char *text;

    (void)state;
    configurations[1].limits.warm_max_ns = 1800;
    sample_judge(&result, 1, P2P_VERDICT_FAIL, "warm_max 1900 ns > limit 1800 ns");
    text = p2p_result_report(&result, "csv");
    assert_begins(row(text, 0), FIRST_COLUMNS);
    assert_begins(row(text, 1),
                  "nightly,lab-1,hardware,,native,PASS,,2,2000,1996,320.250,311,720,370,320,360,365,8.500,"
                  "4.625,2000,2000,0,0,0,0,0,,,,,");
    assert_begins(row(text, 2),
                  "nightly,lab-1,hardware,,xen,FAIL,warm_max 1900 ns > limit 1800 ns,2,2000,1996,1850.250,"
                  "1841,2250,1900,1850,1890,1895,8.500,4.625,2000,2000,0,0,0,0,0,,,1800,,");
    assert_string_equal(row(text, 3), "");
    free(text);
}

/* What a row ends in. */
static void assert_last_fields(const char *text, int number, const char *expected)
{
    const char *begin = row(text, number), *end = strstr(begin, "\r\n");

    assert_non_null(end);
    assert_true((size_t)(end - begin) > strlen(expected));
    assert_memory_equal(end - strlen(expected), expected, strlen(expected));
}

static void intervals_spread_and_exceedances(void **state)
{
    struct p2p_result_configuration configurations[] = {sample_configuration("native", 320),
                                                        sample_configuration("xen", 1850)};
    struct p2p_result result = sample_result(configurations, 2);
    char *text;

    (void)state;
    configurations[1].stats.avg = (struct p2p_interval){1849.5, 1851, true};
    configurations[1].stats.p99 = (struct p2p_interval){1888, 1893, true};
    configurations[1].boot_figure_count = 2;
    configurations[1].spread = (struct p2p_spread){1.5, 12.25};
    configurations[1].outliers = (struct p2p_outliers){.count = 4, .fence_ns = 2000};
    configurations[1].limits.exceedance = (struct p2p_exceedance_limit){4500, 0.0001};
    configurations[1].exceedance =
        (struct p2p_exceedance){.n = 2000, .count = 1, .upper_95 = 0.00237, .lower_95 = 2.5e-5};
    text = p2p_result_report(&result, "csv");
    assert_last_fields(text, 0,
                       ",avg_low_ns,avg_high_ns,p50_low_ns,p50_high_ns,p99_low_ns,p99_high_ns,p99_9_low_ns,"
                       "p99_9_high_ns,between_boots_ns,within_boot_ns,outliers,outlier_fence_ns,over_ns,over_limit,"
                       "over_count,over_upper_95,over_lower_95");
    assert_last_fields(text, 1, ",,,,,,,,,,,,,,,,,");
    assert_last_fields(text, 2,
                       ",1849.500,1851.000,,,1888.000,1893.000,,,1.500,12.250,4,2000,4500,0.0001,1,0.00237,2.5e-05");
    free(text);
}

static void no_figure_is_an_empty_field(void **state)
{
    struct p2p_result_configuration configurations[] = {
        {.name = "native", .limits = P2P_NO_LIMITS},
    };
    struct p2p_result result = sample_result(configurations, 1);
    char *text = p2p_result_report(&result, "csv");

    (void)state;
    assert_begins(row(text, 1), "nightly,lab-1,hardware,,native,PASS,,0,0,0,,,,,,,,,,0,0,0,0,0,0,0,,,,,");
    assert_int_equal(commas(row(text, 1)), commas(row(text, 0)));
    free(text);
}

static void a_reason_is_quoted(void **state)
{
    struct p2p_result_configuration configurations[] = {sample_configuration("native", 320)};
    struct p2p_result result = sample_result(configurations, 1);
    char *text;

    (void)state;
    sample_judge(&result, 0, P2P_VERDICT_BENCH_FAULT, "a \"quoted\" one, with\r\nlines and \xff\x01");
    text = p2p_result_report(&result, "csv");
    assert_begins(row(text, 1),
                  "nightly,lab-1,hardware,,native,BENCH FAULT,\"a \"\"quoted\"\" one, with??lines and ??\",2,2000,");
    assert_int_equal(commas(row(text, 1)), commas(row(text, 0)));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_for_each_configuration),
        cmocka_unit_test(intervals_spread_and_exceedances),
        cmocka_unit_test(no_figure_is_an_empty_field),
        cmocka_unit_test(a_reason_is_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
