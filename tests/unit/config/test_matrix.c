/* SPDX-License-Identifier: MIT */
#include "config/matrix.h"

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

static const struct p2p_json_key KEYS[] = {{"schema", "the kind"}, {"version", "the form"}, {"matrix", "axes"},
                                           {"some", "a few"},      {"gic", "own"},          {NULL, NULL}};

struct fixture {
    int fd;
    struct p2p_json_file *file;
    struct p2p_json_object set, some;
    struct p2p_matrix matrix;
    struct p2p_error error;
};

static void open_set(struct fixture *f, const char *matrix, const char *some)
{
    char *text = p2p_format("{\"schema\": \"pin2pin.test\", \"version\": 1, \"matrix\": %s, \"some\": %s, \"gic\": 2}",
                            matrix, some);
    char path[32];

    *f = (struct fixture){.fd = -1};
    assert_non_null(text);
    f->fd = p2p_memory_file("set", text, strlen(text), &f->error);
    snprintf(path, sizeof path, "/proc/self/fd/%d", f->fd);
    f->file = p2p_json_file_load(path, &f->error);
    assert_non_null(f->file);
    f->set = p2p_json_root(f->file, "pin2pin.test", 1, KEYS);
    f->matrix = p2p_matrix_read(&f->set);
    f->some = p2p_json_child(&f->set, "some", P2P_AXES);
    free(text);
}

static void close_set(struct fixture *f)
{
    p2p_json_file_free(f->file);
    close(f->fd);
}

static void assert_refused(const struct fixture *f, const char *part)
{
    assert_int_equal(f->error.code, P2P_E_INPUT);
    assert_non_null(strstr(f->error.message, part));
}

static void the_last_axis_is_the_fastest(void **state)
{
    static const char *const expected[] = {"s-null-gicv2-cpus1", "s-null-gicv2-cpus4", "s-null-gicv3-cpus1",
                                           "s-null-gicv3-cpus4", "s-rtds-gicv2-cpus1", "s-rtds-gicv2-cpus4",
                                           "s-rtds-gicv3-cpus1", "s-rtds-gicv3-cpus4"};
    struct fixture f;

    (void)state;
    open_set(&f, "{\"scheduler\": [\"null\", \"rtds\"], \"vwfi\": [\"trap\"], \"gic\": [2, 3], \"cpus\": [1, 4]}",
             "{}");
    assert_int_equal(f.matrix.count, 8);
    for (size_t i = 0; i < f.matrix.count; i++) {
        struct p2p_combination combination = p2p_matrix_combination(&f.matrix, i);
        char name[P2P_NAME_BYTES];

        assert_true(p2p_matrix_name(&f.matrix, &combination, "s", name));
        assert_string_equal(name, expected[i]);
    }
    close_set(&f);
}

static void a_name_too_long_is_told(void **state)
{
    static const char too_long[] = "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssss";
    const char *longest = too_long + 1;
    struct p2p_combination combination;
    char name[P2P_NAME_BYTES];
    struct fixture f;

    (void)state;
    open_set(&f, "{\"gic\": [2, 3]}", "{}");
    combination = p2p_matrix_combination(&f.matrix, 0);
    assert_int_equal(strlen(longest) + strlen("-gicv2"), P2P_NAME_BYTES - 1);
    assert_true(p2p_matrix_name(&f.matrix, &combination, longest, name));
    assert_false(p2p_matrix_name(&f.matrix, &combination, too_long, name));
    close_set(&f);
}

static void some_values_choose_combinations(void **state)
{
    struct fixture f;
    size_t matches = 0;

    (void)state;
    open_set(&f, "{\"scheduler\": [\"null\", \"rtds\"], \"gic\": [2, 3], \"cpus\": [1, 4]}",
             "{\"cpus\": 4, \"scheduler\": \"rtds\"}");
    for (size_t i = 0; i < f.matrix.count; i++) {
        struct p2p_combination combination = p2p_matrix_combination(&f.matrix, i);
        bool match = p2p_matrix_matches(&f.matrix, &f.some, &combination);

        assert_int_equal(match, i == 5 || i == 7);
        matches += match;
        p2p_matrix_move(&f.matrix, &f.some, &combination);
        assert_true(p2p_matrix_matches(&f.matrix, &f.some, &combination));
    }
    assert_int_equal(matches, 2);
    assert_int_equal(f.error.code, P2P_OK);
    close_set(&f);
}

static void values_that_are_none_are_refused(void **state)
{
    struct p2p_combination combination = {{0}};
    struct fixture f;

    (void)state;
    open_set(&f, "{\"gic\": [2, 3]}", "{\"gic\": 4}");
    p2p_matrix_matches(&f.matrix, &f.some, &combination);
    assert_refused(&f, "$.some.gic: expected one of the values of $.matrix.gic, found the integer 4");
    close_set(&f);
    open_set(&f, "{\"gic\": [2, 3]}", "{\"cpus\": 4}");
    p2p_matrix_matches(&f.matrix, &f.some, &combination);
    assert_refused(&f, "$.some.cpus: is no axis of $.matrix: leave it out");
    close_set(&f);
}

static void the_matrix_comes_before_the_set_and_not_with_it(void **state)
{
    struct p2p_json_object picked;
    struct p2p_combination combination;
    struct fixture f;

    (void)state;
    open_set(&f, "{\"cpus\": [1, 4]}", "{}");
    combination = p2p_matrix_combination(&f.matrix, 1);
    picked = p2p_matrix_pick(&f.matrix, &combination);
    assert_int_equal(p2p_json_integer(&picked, "cpus", (struct p2p_json_range){1, 8}), 4);
    assert_ptr_equal(p2p_matrix_or_own(NULL, &f.set, "gic"), &f.set);
    assert_ptr_equal(p2p_matrix_or_own(&picked, &f.set, "gic"), &f.set);
    close_set(&f);
    open_set(&f, "{\"gic\": [2, 3]}", "{}");
    combination = p2p_matrix_combination(&f.matrix, 1);
    picked = p2p_matrix_pick(&f.matrix, &combination);
    assert_ptr_equal(p2p_matrix_or_own(&picked, &f.set, "gic"), &picked);
    assert_refused(&f, "$.gic: the set's matrix gives it, too: keep one of the two");
    close_set(&f);
}

static void a_matrix_without_end_is_refused(void **state)
{
    struct fixture f;

    (void)state;
    open_set(&f, "{}", "{}");
    assert_int_equal(f.matrix.count, 0);
    assert_refused(&f, "$.matrix: expected at least one key");
    close_set(&f);
    open_set(&f,
             "{\"build\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16], \"vwfi\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16],"
             " \"gic\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}",
             "{}");
    assert_int_equal(f.matrix.count, 4096);
    close_set(&f);
    open_set(&f,
             "{\"build\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16], \"vwfi\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16],"
             " \"gic\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16], \"cpus\": [1, 2]}",
             "{}");
    assert_int_equal(f.matrix.count, 0);
    assert_refused(&f, "$.matrix: more than 4096 combinations: make several sets of it");
    close_set(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_axis_is_the_fastest),
        cmocka_unit_test(a_name_too_long_is_told),
        cmocka_unit_test(some_values_choose_combinations),
        cmocka_unit_test(values_that_are_none_are_refused),
        cmocka_unit_test(the_matrix_comes_before_the_set_and_not_with_it),
        cmocka_unit_test(a_matrix_without_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
