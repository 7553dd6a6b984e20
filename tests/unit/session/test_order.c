/* SPDX-License-Identifier: MIT */
#include "session/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 7, ROUNDS = 400, SEEDS = 50 };

static void each_round_has_everybody_once(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (uint32_t round = 1; round <= 9; round++) {
            bool seen[MANY] = {false};
            size_t order[MANY];

            p2p_order_round(seed, round, MANY, order);
            for (size_t i = 0; i < MANY; i++) {
                assert_true(order[i] < MANY && !seen[order[i]]);
                seen[order[i]] = true;
            }
        }
    }
}

/* ABBA: a steady drift adds the same to all of them. */
static void the_second_of_a_pair_is_the_first_mirrored(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        size_t first[MANY], second[MANY];

        for (uint32_t round = 1; round < 20; round += 2) {
            p2p_order_round(seed, round, MANY, first);
            p2p_order_round(seed, round + 1, MANY, second);
            for (size_t i = 0; i < MANY; i++) {
                assert_int_equal(second[i], first[MANY - 1 - i]);
            }
        }
    }
}

static void a_seed_repeats_it_and_another_does_not(void **state)
{
    size_t a[MANY], b[MANY], different = 0;

    (void)state;
    for (uint32_t round = 1; round < 40; round += 2) {
        p2p_order_round(1, round, MANY, a);
        p2p_order_round(1, round, MANY, b);
        assert_memory_equal(a, b, sizeof a);
        p2p_order_round(2, round, MANY, b);
        different += memcmp(a, b, sizeof a) != 0;
        p2p_order_round(1, round + 2, MANY, b);
        different += memcmp(a, b, sizeof a) != 0;
    }
    assert_true(different > 35); /* of 40: orders of 7 agree by chance once in 5040 */
}

/* Over many pairs of rounds each of three comes first about as often: 66.7 of 200, standard deviation 6.7. */
static void nobody_is_favoured(void **state)
{
    size_t first[3] = {0}, order[3];

    (void)state;
    for (uint32_t round = 1; round < ROUNDS; round += 2) {
        p2p_order_round(7, round, 3, order);
        first[order[0]]++;
    }
    for (size_t i = 0; i < 3; i++) {
        assert_in_range(first[i], 40, 94);
    }
}

/* Figures of nights are compared: the order must never change under the same seed. */
static void the_order_is_written_down(void **state)
{
    static const size_t expected[] = {3, 1, 0, 4, 2};
    size_t order[5];

    (void)state;
    p2p_order_round(1, 1, 5, order);
    assert_memory_equal(order, expected, sizeof expected);
}

static void one_alone_is_always_next(void **state)
{
    size_t order[1] = {9};

    (void)state;
    p2p_order_round(5, 2, 1, order);
    assert_int_equal(order[0], 0);
    p2p_order_round(5, 1, 0, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_round_has_everybody_once),
        cmocka_unit_test(the_second_of_a_pair_is_the_first_mirrored),
        cmocka_unit_test(a_seed_repeats_it_and_another_does_not),
        cmocka_unit_test(nobody_is_favoured),
        cmocka_unit_test(the_order_is_written_down),
        cmocka_unit_test(one_alone_is_always_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
