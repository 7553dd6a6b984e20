/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "firmware/core/queue.h"
#include "util/prng.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

static struct probe_queue *queue;

static int make_queue(void **state)
{
    (void)state;
    queue = calloc(1, sizeof *queue);
    return queue != NULL ? 0 : -1;
}

static int free_queue(void **state)
{
    (void)state;
    free(queue);
    return 0;
}

static void test_empty_queue_has_nothing(void **state)
{
    const uint8_t *bytes;

    (void)state;
    assert_int_equal(probe_queue_front(queue, 100, &bytes), 0);
    assert_int_equal(probe_queue_free(queue), PROBE_QUEUE_BYTES);
}

static void test_what_does_not_fit_changes_nothing(void **state)
{
    static const uint8_t block[PROBE_QUEUE_BYTES];
    const uint8_t *bytes;

    (void)state;
    assert_true(probe_queue_put(queue, block, PROBE_QUEUE_BYTES - 3));
    assert_false(probe_queue_put(queue, (const uint8_t[]){1, 2, 3, 4}, 4));
    assert_int_equal(probe_queue_free(queue), 3);
    assert_true(probe_queue_put(queue, (const uint8_t[]){1, 2, 3}, 3));
    assert_int_equal(probe_queue_free(queue), 0);
    assert_int_equal(probe_queue_front(queue, SIZE_MAX, &bytes), PROBE_QUEUE_BYTES);
    assert_memory_equal(bytes + PROBE_QUEUE_BYTES - 4, ((const uint8_t[]){0, 1, 2, 3}), 4);
}

static void test_front_stays_until_dropped_and_is_limited(void **state)
{
    const uint8_t *bytes;

    (void)state;
    assert_true(probe_queue_put(queue, (const uint8_t[]){7, 8, 9}, 3));
    assert_int_equal(probe_queue_front(queue, 2, &bytes), 2);
    assert_int_equal(bytes[0], 7);
    assert_int_equal(probe_queue_front(queue, 2, &bytes), 2);
    assert_int_equal(bytes[0], 7);
    probe_queue_drop(queue, 2);
    assert_int_equal(probe_queue_front(queue, 2, &bytes), 1);
    assert_int_equal(bytes[0], 9);
}

/* Round and round, also past 2^32 bytes in all. */
static void test_bytes_come_out_in_order(void **state)
{
    const uint64_t seed = (uint64_t)time(NULL);
    struct p2p_prng prng;
    uint8_t next_in = 0, next_out = 0;

    (void)state;
    print_message("seed %" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    queue->put = queue->dropped = UINT32_MAX - 100000;
    for (int round = 0; round < 20000; round++) {
        uint8_t block[300];
        const size_t size = p2p_prng_below(&prng, sizeof block);
        const uint8_t *bytes;
        size_t count;

        for (size_t i = 0; i < size; i++) {
            block[i] = (uint8_t)(next_in + i);
        }
        if (probe_queue_put(queue, block, size)) {
            next_in = (uint8_t)(next_in + size);
        }
        count = probe_queue_front(queue, p2p_prng_below(&prng, 310), &bytes);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(bytes[i], next_out++);
        }
        probe_queue_drop(queue, count);
    }
    assert_true(queue->put < UINT32_MAX / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty_queue_has_nothing, make_queue, free_queue),
        cmocka_unit_test_setup_teardown(test_what_does_not_fit_changes_nothing, make_queue, free_queue),
        cmocka_unit_test_setup_teardown(test_front_stays_until_dropped_and_is_limited, make_queue, free_queue),
        cmocka_unit_test_setup_teardown(test_bytes_come_out_in_order, make_queue, free_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
