/* SPDX-License-Identifier: MIT */
#include "util/prng.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

/* The known outputs of splitmix64.c for seed 1234567. */
static void seed_fills_the_state_by_splitmix64(void **state)
{
    struct p2p_prng prng;

    (void)state;
    p2p_prng_seed(&prng, 1234567);
    assert_int_equal(prng.state[0], UINT64_C(6457827717110365317));
    assert_int_equal(prng.state[1], UINT64_C(3203168211198807973));
    assert_int_equal(prng.state[2], UINT64_C(9817491932198370423));
    assert_int_equal(prng.state[3], UINT64_C(4593380528125082431));
}

/* The known outputs of xoshiro256starstar.c from the state 1, 2, 3, 4; many libraries test against them. */
static void next_is_xoshiro256_star_star(void **state)
{
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct p2p_prng prng = {{1, 2, 3, 4}};

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(p2p_prng_next(&prng), expected[i]);
}

/* Both together; a plan's seed must mean the same stimuli for ever. */
static void seed_zero_gives_the_known_stream(void **state)
{
    struct p2p_prng prng;

    (void)state;
    p2p_prng_seed(&prng, 0);
    assert_int_equal(p2p_prng_next(&prng), UINT64_C(0x99ec5f36cb75f2b4));
    assert_int_equal(p2p_prng_next(&prng), UINT64_C(0xbf6e1f784956452a));
    assert_int_equal(p2p_prng_next(&prng), UINT64_C(0x1a5f849d4933e6e0));
    assert_int_equal(p2p_prng_next(&prng), UINT64_C(0x6aa594f1262d2d2c));
}

static void below_hits_every_value_equally_often(void **state)
{
    enum { BOUND = 6, DRAWS = 60000, EXPECTED = DRAWS / BOUND };
    unsigned int hits[BOUND] = {0};
    struct p2p_prng prng;

    (void)state;
    p2p_prng_seed(&prng, 1);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t value = p2p_prng_below(&prng, BOUND);

        assert_true(value < BOUND);
        hits[value]++;
    }
    for (int i = 0; i < BOUND; i++)
        assert_in_range(hits[i], EXPECTED - 500, EXPECTED + 500); /* 5 standard deviations are 456 */
}

/* A generator whose next output is `value`: the output function of xoshiro256**, turned round. */
static struct p2p_prng prng_before(uint64_t value)
{
    const uint64_t inverse_of_5 = UINT64_C(0xcccccccccccccccd);
    const uint64_t inverse_of_9 = UINT64_C(0x8e38e38e38e38e39);
    uint64_t rotated = value * inverse_of_9;

    return (struct p2p_prng){{UINT64_C(1) << 56, (rotated >> 7 | rotated << 57) * inverse_of_5, 3, 4}};
}

/* 2^64 = 3 * 2^62 + 2^62: the lowest 2^62 values are one too many and must be drawn again, exactly these. */
static void below_draws_again_what_would_be_biased(void **state)
{
    const uint64_t quarter = UINT64_C(1) << 62;
    struct p2p_prng prng = prng_before(quarter);
    struct p2p_prng twin = prng_before(quarter - 1);
    uint64_t second;

    (void)state;
    assert_int_equal(p2p_prng_below(&prng, 3 * quarter), quarter);

    prng = twin;
    assert_int_equal(p2p_prng_next(&twin), quarter - 1);
    second = p2p_prng_next(&twin);
    assert_true(second >= quarter);
    assert_int_equal(p2p_prng_below(&prng, 3 * quarter), second % (3 * quarter));
}

static void below_one_is_zero(void **state)
{
    struct p2p_prng prng;

    (void)state;
    p2p_prng_seed(&prng, 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p2p_prng_below(&prng, 1), 0);
}

static void upto_includes_its_maximum(void **state)
{
    unsigned int hits[3] = {0};
    struct p2p_prng prng;

    (void)state;
    p2p_prng_seed(&prng, 1);
    for (int i = 0; i < 300; i++) {
        uint64_t value = p2p_prng_upto(&prng, 2);

        assert_true(value <= 2);
        hits[value]++;
    }
    assert_true(hits[0] > 0 && hits[1] > 0 && hits[2] > 0);
}

static void upto_the_largest_number_is_next(void **state)
{
    struct p2p_prng prng;
    struct p2p_prng twin;

    (void)state;
    p2p_prng_seed(&prng, 1);
    twin = prng;
    for (int i = 0; i < 100; i++)
        assert_int_equal(p2p_prng_upto(&prng, UINT64_MAX), p2p_prng_next(&twin));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seed_fills_the_state_by_splitmix64),
        cmocka_unit_test(next_is_xoshiro256_star_star),
        cmocka_unit_test(seed_zero_gives_the_known_stream),
        cmocka_unit_test(below_hits_every_value_equally_often),
        cmocka_unit_test(below_draws_again_what_would_be_biased),
        cmocka_unit_test(below_one_is_zero),
        cmocka_unit_test(upto_includes_its_maximum),
        cmocka_unit_test(upto_the_largest_number_is_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
