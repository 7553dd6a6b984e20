/* SPDX-License-Identifier: MIT */
#include "store/baseline.h"

#include "temporary.h"
#include "util/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RESULT P2P_SOURCE_DIR "/tests/unit/store/good/all-of-today.json" /* of configuration "a", FAIL */
#define OLD    P2P_SOURCE_DIR "/tests/unit/store/good/whole.json"        /* without figures of boots */
#define VOID   P2P_SOURCE_DIR "/tests/unit/store/good/nothing-measured.json"

struct fixture {
    char *base, *folder; /* the folder of baselines is not made yet */
    struct p2p_error error;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->base = temporary_folder();
    fixture->folder = p2p_format("%s/data/baselines", fixture->base);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    free(fixture->folder);
    temporary_remove(fixture->base);
    free(fixture);
    return 0;
}

static void pin(struct fixture *fixture, const char *name)
{
    assert_int_equal(p2p_baseline_pin(fixture->folder, name, RESULT, &fixture->error), P2P_OK);
}

static void expect_refused(struct fixture *fixture, enum p2p_code code, const char *words)
{
    assert_int_equal(code, P2P_E_INPUT);
    assert_int_equal(fixture->error.code, P2P_E_INPUT);
    assert_non_null(strstr(fixture->error.message, words));
    fixture->error = (struct p2p_error){0};
}

static void what_is_pinned_comes_back_byte_for_byte(void **state)
{
    struct fixture *fixture = *state;
    struct p2p_result *result;
    char *path = p2p_format("%s/4.20.0.json", fixture->folder);
    char *pinned, *original;
    size_t pinned_size, original_size;

    pin(fixture, "4.20.0");
    assert_int_equal(p2p_read_file(path, 1 << 20, &pinned, &pinned_size, &fixture->error), P2P_OK);
    assert_int_equal(p2p_read_file(RESULT, 1 << 20, &original, &original_size, &fixture->error), P2P_OK);
    assert_int_equal(pinned_size, original_size);
    assert_memory_equal(pinned, original, original_size);
    result = p2p_baseline_load(fixture->folder, "4.20.0", &fixture->error);
    assert_non_null(result);
    assert_string_equal(result->configurations[0].name, "a");
    p2p_result_free(result);
    free(original);
    free(pinned);
    free(path);
}

static void they_are_listed_by_name(void **state)
{
    struct fixture *fixture = *state;
    size_t count = 9;
    char **names = p2p_baseline_list(fixture->folder, &count, &fixture->error);

    assert_non_null(names); /* no folder: none */
    assert_int_equal(count, 0);
    assert_null(names[0]);
    p2p_baseline_names_free(names);
    pin(fixture, "b");
    pin(fixture, "a.1");
    pin(fixture, "a");
    temporary_write(fixture->folder, "notes.txt", "");
    temporary_write(fixture->folder, "Upper.json", "");
    temporary_write(fixture->folder, ".json", "");
    names = p2p_baseline_list(fixture->folder, &count, &fixture->error);
    assert_int_equal(count, 3);
    assert_string_equal(names[0], "a.1"); /* "." is before "j", in "a.json" too: by the bytes of the files' names */
    assert_string_equal(names[1], "a");
    assert_string_equal(names[2], "b");
    assert_null(names[3]);
    p2p_baseline_names_free(names);
    p2p_baseline_names_free(NULL);
}

static void a_pinned_one_does_not_move(void **state)
{
    struct fixture *fixture = *state;

    pin(fixture, "a");
    expect_refused(fixture, p2p_baseline_pin(fixture->folder, "a", RESULT, &fixture->error), "drop it first");
    assert_int_equal(p2p_baseline_drop(fixture->folder, "a", &fixture->error), P2P_OK);
    pin(fixture, "a");
}

static void who_is_not_there_is_told_who_is(void **state)
{
    struct fixture *fixture = *state;

    expect_refused(fixture, p2p_baseline_drop(fixture->folder, "x", &fixture->error), "there are: none");
    pin(fixture, "a");
    pin(fixture, "b");
    expect_refused(fixture, p2p_baseline_drop(fixture->folder, "x", &fixture->error), "there are: a, b");
    assert_null(p2p_baseline_load(fixture->folder, "x", &fixture->error));
    expect_refused(fixture, P2P_E_INPUT, "there is no baseline x in ");
}

static void a_name_leaves_the_folder_nowhere(void **state)
{
    static const char *const names[] = {"", "../a", "a/b", ".a", "A", "a b"};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        expect_refused(fixture, p2p_baseline_pin(fixture->folder, names[i], RESULT, &fixture->error),
                       "cannot name a baseline");
        expect_refused(fixture, p2p_baseline_drop(fixture->folder, names[i], &fixture->error),
                       "cannot name a baseline");
        assert_null(p2p_baseline_load(fixture->folder, names[i], &fixture->error));
        expect_refused(fixture, P2P_E_INPUT, "cannot name a baseline");
    }
}

static void only_figures_that_count_are_pinned(void **state)
{
    struct fixture *fixture = *state;

    expect_refused(fixture, p2p_baseline_pin(fixture->folder, "a", VOID, &fixture->error), "cannot be a baseline");
    expect_refused(fixture, p2p_baseline_pin(fixture->folder, "a", "/nonexistent", &fixture->error), "cannot open");
    assert_int_not_equal(access(fixture->folder, F_OK), 0);
}

/* ---- the folder ---- */

static void expect_folder(const char *chosen, const char *expected)
{
    struct p2p_error error = {0};
    char *folder = p2p_baseline_folder(chosen, &error);

    if (expected == NULL) {
        assert_null(folder);
        assert_int_equal(error.code, P2P_E_INPUT);
    } else {
        assert_string_equal(folder, expected);
    }
    free(folder);
}

static void the_folder_is_the_plans_or_the_users_own(void **state)
{
    (void)state;
    assert_int_equal(setenv("XDG_DATA_HOME", "/data", 1), 0);
    assert_int_equal(setenv("HOME", "/home/alice", 1), 0);
    expect_folder("/plan/baselines", "/plan/baselines");
    expect_folder(NULL, "/data/pin2pin/baselines");
    assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0);
    expect_folder(NULL, "/home/alice/.local/share/pin2pin/baselines");
    assert_int_equal(unsetenv("XDG_DATA_HOME"), 0);
    expect_folder(NULL, "/home/alice/.local/share/pin2pin/baselines");
    assert_int_equal(unsetenv("HOME"), 0);
    expect_folder(NULL, NULL);
}

/* ---- what a run is held against ---- */

/* A new run of configurations "a" and "b", both held against "a" of `baseline`. */
static struct p2p_result *new_run(const char *baseline, const char *of)
{
    struct p2p_configuration configurations[] = {{.name = "a", .limits = P2P_NO_LIMITS},
                                                 {.name = "b", .limits = P2P_NO_LIMITS}};
    const struct p2p_plan plan = {.name = "p", .boots = 1, .configuration_count = 2, .configurations = configurations};
    const struct p2p_bench bench = {.name = "x"};
    const size_t selected[] = {0, 1};
    struct p2p_result *result;

    for (size_t i = 0; i < 2; i++) {
        struct p2p_limits *limits = &configurations[i].limits;

        limits->relative_count = 2;
        snprintf(limits->relative[0].of, sizeof limits->relative[0].of, "b"); /* of the same run */
        snprintf(limits->relative[1].of, sizeof limits->relative[1].of, "%s", of);
        snprintf(limits->relative[1].baseline, sizeof limits->relative[1].baseline, "%s", baseline);
    }
    result = p2p_result_new(&plan, &bench, selected, 2);
    assert_non_null(result);
    return result;
}

static void each_is_attached_once_with_all_that_makes_it_comparable(void **state)
{
    struct fixture *fixture = *state;
    struct p2p_result *result = new_run("4.20.0", "a");
    const struct p2p_reference *reference;

    pin(fixture, "4.20.0");
    assert_int_equal(p2p_baseline_attach(result, fixture->folder, &fixture->error), P2P_OK);
    assert_int_equal(result->reference_count, 1);
    reference = &result->references[0];
    assert_string_equal(reference->baseline, "4.20.0");
    assert_string_equal(reference->configuration, "a");
    assert_int_equal(reference->time_base, P2P_TIME_HARDWARE);
    assert_string_equal(reference->wiring, "qemu-virt gicv2, pins 0 1 2, probe virtual");
    assert_string_equal(reference->stub, "pin2pin-stub 0.1.0");
    assert_string_equal(reference->stub_path, "2");
    assert_string_equal(reference->probe, "virtual");
    assert_int_equal(reference->tick_hz, 125000000);
    assert_int_equal(reference->boot_figure_count, 2);
    assert_int_equal(reference->boot_figures[1].figures.value_ns[P2P_FIGURE_MAX], 7);
    p2p_result_free(result);
}

static void what_is_missing_is_refused_before_the_run(void **state)
{
    struct fixture *fixture = *state;
    struct p2p_result *result = new_run("4.20.0", "a");

    expect_refused(fixture, p2p_baseline_attach(result, fixture->folder, &fixture->error),
                   "there is no baseline 4.20.0 in ");
    assert_int_equal(p2p_baseline_pin(fixture->folder, "4.20.0", OLD, &fixture->error), P2P_OK);
    expect_refused(fixture, p2p_baseline_attach(result, fixture->folder, &fixture->error),
                   "has no figures of boots of a");
    p2p_result_free(result);
    pin(fixture, "4.20.1");
    result = new_run("4.20.1", "b");
    expect_refused(fixture, p2p_baseline_attach(result, fixture->folder, &fixture->error),
                   "has no figures of boots of b");
    p2p_result_free(result);
}

/* Somebody wrote into the folder, or into a file before it was pinned. */
static void a_void_or_edited_file_is_no_baseline(void **state)
{
    struct fixture *fixture = *state;
    struct p2p_result *result = new_run("4.20.0", "a");
    struct p2p_result *edited = p2p_result_load(RESULT, &fixture->error);
    char *text, *path = p2p_format("%s/edited.json", fixture->base);

    assert_non_null(edited);
    edited->configurations[0].account.lost = 3;
    text = p2p_result_encode(edited);
    temporary_write(fixture->base, "edited.json", text);
    expect_refused(fixture, p2p_baseline_pin(fixture->folder, "4.20.0", path, &fixture->error), "is a BENCH FAULT");
    pin(fixture, "4.20.0");
    temporary_write(fixture->folder, "4.20.0.json", text);
    expect_refused(fixture, p2p_baseline_attach(result, fixture->folder, &fixture->error),
                   "4.20.0.json: cannot be a baseline, for its run is a BENCH FAULT");
    assert_int_equal(result->reference_count, 0);
    free(path);
    free(text);
    p2p_result_free(edited);
    p2p_result_free(result);
}

/* Who asks for none needs no folder. */
static void without_such_a_limit_nothing_is_looked_at(void **state)
{
    struct fixture *fixture = *state;
    struct p2p_result *result = new_run("", "a");

    assert_int_equal(unsetenv("HOME"), 0);
    assert_int_equal(p2p_baseline_attach(result, NULL, &fixture->error), P2P_OK);
    assert_int_equal(result->reference_count, 0);
    p2p_result_free(result);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(what_is_pinned_comes_back_byte_for_byte),
        IN_A_FOLDER(they_are_listed_by_name),
        IN_A_FOLDER(a_pinned_one_does_not_move),
        IN_A_FOLDER(who_is_not_there_is_told_who_is),
        IN_A_FOLDER(a_name_leaves_the_folder_nowhere),
        IN_A_FOLDER(only_figures_that_count_are_pinned),
        cmocka_unit_test(the_folder_is_the_plans_or_the_users_own),
        IN_A_FOLDER(each_is_attached_once_with_all_that_makes_it_comparable),
        IN_A_FOLDER(what_is_missing_is_refused_before_the_run),
        IN_A_FOLDER(a_void_or_edited_file_is_no_baseline),
        IN_A_FOLDER(without_such_a_limit_nothing_is_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
