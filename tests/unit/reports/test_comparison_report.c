/* SPDX-License-Identifier: MIT */
/*
 * Comparisons against the files in tests/golden/comparison, byte for byte. To take a wanted change over, run with
 * P2P_GOLDEN_UPDATE=1 and read the difference.
 */
#include "reports/comparison_report.h"

#include "sample.h"
#include "util/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN P2P_SOURCE_DIR "/tests/golden/comparison/"

static void assert_golden(const char *text, const char *golden)
{
    struct p2p_error error = {0};
    char *expected = NULL;
    size_t size;

    assert_non_null(text);
    if (getenv("P2P_GOLDEN_UPDATE") != NULL) {
        assert_int_equal(p2p_write_file(golden, text, strlen(text), &error), P2P_OK);
    }
    assert_int_equal(p2p_read_file(golden, 1 << 20, &expected, &size, &error), P2P_OK);
    assert_string_equal(text, expected);
    free(expected);
}

enum { CONFIGURATIONS = 2, ROWS = 7 };

struct sides {
    struct p2p_result_configuration a[CONFIGURATIONS], b[CONFIGURATIONS];
    struct p2p_result a_result, b_result;
    struct p2p_named_result a_named, b_named;
};

static void make_sides(struct sides *sides)
{
    *sides = (struct sides){.a = {sample_configuration("native", 320), sample_configuration("xen-credit2", 1850)},
                            .b = {sample_configuration("native", 320), sample_configuration("xen-credit2", 1900)}};
    sides->a_result = sample_result(sides->a, CONFIGURATIONS);
    sides->b_result = sample_result(sides->b, CONFIGURATIONS);
    sides->a_named = (struct p2p_named_result){"baseline:4.20.0", &sides->a_result};
    sides->b_named = (struct p2p_named_result){"runs/nightly-\xff", &sides->b_result};
}

/* One row of each word. */
static void make_rows(struct p2p_comparison_row rows[ROWS])
{
    const struct p2p_comparison_row all[ROWS] = {
        {"xen-credit2",
         P2P_FIGURE_WARM_MAX,
         10,
         10,
         1900,
         1995,
         {95, 80, 110, true, 1.08e-5, 1.08e-5},
         0.05,
         1.7e-5,
         P2P_CHANGE_SLOWER,
         false,
         "p is at most 0.01, and the effect beyond the noise floor of 1 %"},
        {"native",
         P2P_FIGURE_MAX,
         2,
         2,
         320,
         312,
         {-8, -8, -8, true, 0, 0},
         -0.025,
         0,
         P2P_CHANGE_FASTER,
         true,
         "exact: all boots of A agree, and all of B do"},
        {"native",
         P2P_FIGURE_AVG,
         10,
         10,
         0,
         8,
         {8, 7, 9, true, 0.5, 1.08e-5},
         (double)INFINITY,
         0.9,
         P2P_CHANGE_UNDECIDED,
         false,
         "p is above 0.01: chance can explain it"},
        {"native",
         P2P_FIGURE_P50,
         10,
         10,
         320,
         321,
         {1, -1, 2, true, 0.2, 1.08e-5},
         0.003125,
         0.4,
         P2P_CHANGE_SAME,
         false,
         "the whole interval is within the noise floor of 1 %"},
        {"xen-credit2",
         P2P_FIGURE_P99,
         3,
         3,
         1890,
         1891,
         {1, 0, 0, false, 0.1, 0.1},
         0.000529,
         0.2,
         P2P_CHANGE_TOO_FEW,
         false,
         "3 and 3 boots of 1 configuration can show nothing: take 5 of each"},
        {"xen-credit2",
         P2P_FIGURE_AVG,
         20,
         20,
         1890,
         1990,
         {100, 90, 110, true, 1e-11, 1e-11},
         0.0529,
         0.000105,
         P2P_CHANGE_TOO_STRICT,
         false,
         "200000 random splits of the boots cannot tell so little chance in 21 configurations: --alpha 0.000105 at "
         "least"},
        {"xen-credit2",
         P2P_FIGURE_P99_9,
         0,
         3,
         0,
         0,
         {0, 0, 0, false, 0, 0},
         0,
         0,
         P2P_CHANGE_NOT_COMPARED,
         false,
         "no boot of A has samples after warm-up"},
    };

    memcpy(rows, all, sizeof all);
}

static struct p2p_comparison comparison_of(struct p2p_comparison_row rows[ROWS],
                                           struct p2p_comparison_answers answers[CONFIGURATIONS])
{
    const struct p2p_account all = {.stimuli = 2000, .answered = 2000};
    const struct p2p_account some = {.stimuli = 2000, .answered = 1995, .missed = 2, .late = 3};

    answers[0] = (struct p2p_comparison_answers){"native", all, all, P2P_CHANGE_SAME};
    answers[1] = (struct p2p_comparison_answers){"xen-credit2", all, some, P2P_CHANGE_SLOWER};
    make_rows(rows);
    return (struct p2p_comparison){.rules = {.alpha = 0.01, .noise_floor = 0.01},
                                   .comparability = {.notes = "only in B: xen-null"},
                                   .row_count = ROWS,
                                   .rows = rows,
                                   .configuration_count = CONFIGURATIONS,
                                   .answers = answers};
}

static char *text_of(const struct p2p_comparison *comparison, const struct sides *sides)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    p2p_comparison_text(comparison, sides->a_named, sides->b_named, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void a_table_with_every_word(void **state)
{
    struct p2p_comparison_row rows[ROWS];
    struct p2p_comparison_answers answers[CONFIGURATIONS];
    struct p2p_comparison comparison = comparison_of(rows, answers);
    struct sides sides;
    char *text;

    (void)state;
    make_sides(&sides);
    sides.b_named.name = "runs/nightly-2";
    sides.a[1].limits.exceedance = sides.b[1].limits.exceedance = (struct p2p_exceedance_limit){4500, 1e-4};
    sides.a[1].exceedance = (struct p2p_exceedance){.n = 100000, .count = 3, .upper_95 = 7.75e-5};
    sides.b[1].exceedance = (struct p2p_exceedance){.n = 100000, .count = 12, .upper_95 = 1.94e-4};
    text = text_of(&comparison, &sides);
    assert_golden(text, GOLDEN "words.txt");
    free(text);
}

static void the_same_as_json(void **state)
{
    struct p2p_comparison_row rows[ROWS];
    struct p2p_comparison_answers answers[CONFIGURATIONS];
    struct p2p_comparison comparison = comparison_of(rows, answers);
    struct sides sides;
    char *text;

    (void)state;
    make_sides(&sides);
    text = p2p_comparison_encode(&comparison, sides.a_named, sides.b_named);
    assert_golden(text, GOLDEN "words.json");
    free(text);
}

static void a_trend(void **state)
{
    struct p2p_trend_change changes[] = {{"xen-credit2", P2P_FIGURE_WARM_MAX, 1, 1900, 1995.5}};
    struct p2p_trend trend = {.series_count = 12, .change_count = 1, .changes = changes};
    struct p2p_named_result nights[2];
    struct sides sides;
    char *text = NULL, *json;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    make_sides(&sides);
    nights[0] = sides.a_named;
    nights[1] = sides.b_named;
    assert_non_null(out);
    p2p_trend_text(&trend, nights, 2, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "2 nights, from baseline:4.20.0 to runs/nightly-\xff\n"
                              "xen-credit2 warm_max: from 1900.00 to 1995.50 ns (+95.50) since runs/nightly-\xff\n"
                              "1 change in 12 series\n");
    json = p2p_trend_encode(&trend, nights, 2);
    assert_golden(json, GOLDEN "trend.json");
    free(json);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_with_every_word),
        cmocka_unit_test(the_same_as_json),
        cmocka_unit_test(a_trend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
