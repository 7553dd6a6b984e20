/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "counters.h"
#include "firmware/core/probe.h"
#include "util/prng.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CLK_HZ = 1000000,
    SETTLE_TICKS = 500,
    SELF_TEST_VALUE = 5,
    RANDOM_EDGES = 4000,
};

static const uint64_t epoch_ticks = CLK_HZ / 10;
static struct probe *probe;
static uint16_t command_count;
static uint32_t received_checksum; /* of the events since arm() */
static int self_test_context;

static uint32_t self_test(void *context)
{
    assert_ptr_equal(context, &self_test_context);
    return SELF_TEST_VALUE;
}

/* The next message on the link; false: there is none. */
static bool receive(struct probe_message *message)
{
    struct probe_decoder decoder = {0};
    enum probe_found found = PROBE_FOUND_NOTHING;
    const uint8_t *byte;

    while (found == PROBE_FOUND_NOTHING && probe_queue_front(&probe->outbox.queue, 1, &byte) == 1) {
        found = probe_decoder_feed(&decoder, *byte, message);
        probe_queue_drop(&probe->outbox.queue, 1);
    }
    assert_true(found == PROBE_FOUND_MESSAGE || (found == PROBE_FOUND_NOTHING && decoder.length == 0));
    for (unsigned i = 0; found == PROBE_FOUND_MESSAGE && message->type == PROBE_EVENTS && i < message->events.count;
         i++) {
        received_checksum = probe_checksum(received_checksum, &message->events.event[i]);
    }
    return found == PROBE_FOUND_MESSAGE;
}

static void expect(enum probe_type type, struct probe_message *message)
{
    assert_true(receive(message));
    assert_int_equal(message->type, type);
}

static void expect_nothing(void)
{
    struct probe_message message;

    assert_false(receive(&message));
}

static void expect_ack(enum probe_type command, enum probe_status status, uint32_t value)
{
    struct probe_message message;

    expect(PROBE_ACK, &message);
    assert_int_equal(message.ack.command, command);
    assert_int_equal(message.ack.sequence, command_count - 1);
    assert_int_equal(message.ack.status, status);
    assert_int_equal(message.ack.value, value);
}

static void check_checksum(const struct probe_epoch *epoch)
{
    const struct probe_event now = {.ticks = epoch->now_ticks};

    assert_int_equal(epoch->checksum, probe_checksum(received_checksum, &now));
}

static void expect_epoch(uint64_t now_ticks, uint32_t events0, uint32_t events1, uint32_t lost)
{
    struct probe_message message;

    expect(PROBE_EPOCH, &message);
    assert_int_equal(message.epoch.now_ticks, now_ticks);
    assert_int_equal(message.epoch.events[0], events0);
    assert_int_equal(message.epoch.events[1], events1);
    assert_int_equal(message.epoch.lost, lost);
    check_checksum(&message.epoch);
}

static void command(enum probe_type type, uint8_t mask, uint64_t now_ticks)
{
    const struct probe_message message = {.type = (uint8_t)type, .sequence = command_count++, .arm_mask = mask};
    uint8_t wire[PROBE_WIRE_MAX];
    const size_t size = probe_encode(&message, wire);

    assert_true(size > 0);
    for (size_t i = 0; i < size; i++) {
        probe_receive(probe, wire[i], now_ticks);
    }
}

static int make_probe(void **state)
{
    const struct probe_hello hello = {.clk_hz = CLK_HZ, .board_id = 77, .run_id = 88, .firmware = "test"};

    (void)state;
    command_count = 0;
    probe = calloc(1, sizeof *probe);
    if (probe == NULL) {
        return -1;
    }
    probe_start(probe, &hello, self_test, &self_test_context);
    return 0;
}

static int make_stopped(void **state)
{
    const int result = make_probe(state);

    if (result == 0) {
        probe_queue_drop(&probe->outbox.queue, PROBE_QUEUE_BYTES - probe_queue_free(&probe->outbox.queue));
    }
    return result;
}

static int free_probe(void **state)
{
    (void)state;
    free(probe);
    return 0;
}

static void arm(uint8_t mask, uint64_t now_ticks)
{
    command(PROBE_ARM, mask, now_ticks);
    expect_ack(PROBE_ARM, PROBE_DONE, 0);
    received_checksum = 0;
    expect_epoch(now_ticks, 0, 0, 0);
}

/* What both counters of a channel write at an edge. */
static void put_edge(unsigned channel, uint64_t ticks, bool level)
{
    for (unsigned i = 0; i < PROBE_PHASES; i++) {
        const unsigned phase = (unsigned)((ticks + i) % PROBE_PHASES);

        assert_true(probe_wants(probe, PROBE_PHASES * channel + phase));
        probe_word(probe, PROBE_PHASES * channel + phase, (phase - (uint32_t)(ticks + i)) | level, ticks);
    }
}

/* A round of the main loop that has all words. */
static void close_round(uint64_t horizon_ticks)
{
    while (probe_take(probe, horizon_ticks)) {
    }
    probe_close(probe, true, horizon_ticks);
}

static void test_hello_comes_first_after_a_delimiter(void **state)
{
    struct probe_message message;
    const uint8_t *byte;

    (void)state;
    assert_int_equal(probe_queue_front(&probe->outbox.queue, 1, &byte), 1);
    assert_int_equal(*byte, 0);
    expect(PROBE_HELLO, &message);
    assert_int_equal(message.sequence, 0);
    assert_int_equal(message.hello.version, PROBE_PROTOCOL_VERSION);
    assert_int_equal(message.hello.channels, 2);
    assert_int_equal(message.hello.clk_hz, CLK_HZ);
    assert_int_equal(message.hello.resolution_ticks, 1);
    assert_int_equal(message.hello.dead_ticks, 8);
    assert_int_equal(message.hello.board_id, 77);
    assert_int_equal(message.hello.run_id, 88);
    assert_string_equal(message.hello.firmware, "test");
}

static void test_identify_is_answered_in_any_state(void **state)
{
    struct probe_message message;

    (void)state;
    command(PROBE_IDENTIFY, 0, 1000);
    expect(PROBE_HELLO, &message);
    expect_ack(PROBE_IDENTIFY, PROBE_DONE, 0);
    arm(3, 2000);
    command(PROBE_IDENTIFY, 0, 3000);
    expect(PROBE_HELLO, &message);
    expect_ack(PROBE_IDENTIFY, PROBE_DONE, 0);
}

static void test_events_flow_from_arm_to_stop_only(void **state)
{
    struct probe_message message;

    (void)state;
    put_edge(0, 900, true);
    close_round(950);
    expect_nothing();
    put_edge(1, 980, true);
    arm(3, 1000);
    close_round(1000);
    put_edge(0, 1000, false);
    put_edge(1, 1001, false);
    command(PROBE_STOP, 0, 2000);
    close_round(1500);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.count, 2);
    assert_int_equal(message.events.event[0].ticks, 1000);
    assert_int_equal(message.events.event[0].what, 0);
    assert_int_equal(message.events.event[1].ticks, 1001);
    assert_int_equal(message.events.event[1].what, 1);
    put_edge(0, 1999, true);
    put_edge(1, 2000, true);
    expect_nothing();
    close_round(2100);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.count, 1);
    assert_int_equal(message.events.event[0].ticks, 1999);
    expect_epoch(2000, 2, 1, 0);
    expect(PROBE_STATS, &message);
    assert_int_equal(message.stats.events[0], 2);
    expect_ack(PROBE_STOP, PROBE_DONE, 0);
    put_edge(0, 3000, false);
    close_round(4000);
    expect_nothing();
}

static void test_a_round_that_was_cut_short_does_not_stop(void **state)
{
    (void)state;
    arm(3, 1000);
    command(PROBE_STOP, 0, 2000);
    probe_close(probe, false, 3000);
    expect_nothing();
    probe_close(probe, true, 1999);
    expect_nothing();
    probe_close(probe, true, 2000);
    expect_epoch(2000, 0, 0, 0);
}

static void test_channels_are_in_order_of_time_stimulus_first(void **state)
{
    struct probe_message message;

    (void)state;
    arm(3, 0);
    put_edge(1, 1000, true);
    put_edge(0, 1002, true);
    probe_take(probe, 5000);
    put_edge(1, 1020, false);
    probe_take(probe, 5000);
    put_edge(0, 1020, false);
    close_round(5000);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.count, 4);
    assert_int_equal(message.events.event[0].what, PROBE_WHAT_LEVEL | 1);
    assert_int_equal(message.events.event[1].what, PROBE_WHAT_LEVEL);
    assert_int_equal(message.events.event[2].what, 0);
    assert_int_equal(message.events.event[3].what, 1);
}

static void test_nothing_is_taken_from_the_horizon_on(void **state)
{
    (void)state;
    put_edge(0, 1000, true);
    assert_false(probe_take(probe, 1000));
    assert_true(probe_take(probe, 1001));
    assert_false(probe_take(probe, UINT64_MAX));
}

static void test_only_the_channels_of_the_mask(void **state)
{
    struct probe_message message;

    (void)state;
    arm(2, 0);
    put_edge(0, 1000, true);
    put_edge(1, 1010, true);
    probe_lose(probe, 0, PROBE_LAYER_FIFO, 1020);
    close_round(2000);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.count, 1);
    assert_int_equal(message.events.event[0].ticks, 1010);
    expect_nothing();
}

static void test_arm_is_refused(void **state)
{
    (void)state;
    command(PROBE_ARM, 0, 1000);
    expect_ack(PROBE_ARM, PROBE_BAD_ARGUMENT, 0);
    command(PROBE_ARM, 4, 1000);
    expect_ack(PROBE_ARM, PROBE_BAD_ARGUMENT, 0);
    arm(1, 1000);
    command(PROBE_ARM, 1, 1500);
    expect_ack(PROBE_ARM, PROBE_WRONG_STATE, 0);
    command(PROBE_STOP, 0, 2000);
    command(PROBE_ARM, 1, 2500);
    expect_ack(PROBE_ARM, PROBE_WRONG_STATE, 0);
}

static void test_stop_may_be_repeated(void **state)
{
    struct probe_message message;

    (void)state;
    command(PROBE_STOP, 0, 500);
    expect_ack(PROBE_STOP, PROBE_DONE, 0);
    arm(3, 1000);
    command(PROBE_STOP, 0, 2000);
    command(PROBE_STOP, 0, 3000);
    close_round(2500);
    expect_epoch(2000, 0, 0, 0);
    expect(PROBE_STATS, &message);
    assert_int_equal(message.stats.now_ticks, 2000);
    expect_ack(PROBE_STOP, PROBE_DONE, 0);
    expect_nothing();
}

static void test_self_test_only_when_stopped(void **state)
{
    (void)state;
    command(PROBE_SELF_TEST, 0, 1000);
    expect_ack(PROBE_SELF_TEST, PROBE_DONE, SELF_TEST_VALUE);
    arm(3, 1000);
    command(PROBE_SELF_TEST, 0, 1000);
    expect_ack(PROBE_SELF_TEST, PROBE_WRONG_STATE, 0);
}

static void test_an_epoch_every_tenth_of_a_second_while_armed(void **state)
{
    (void)state;
    close_round(5 * epoch_ticks);
    expect_nothing();
    arm(3, 6 * epoch_ticks);
    close_round(7 * epoch_ticks - 1);
    expect_nothing();
    close_round(7 * epoch_ticks);
    expect_epoch(7 * epoch_ticks, 0, 0, 0);
    put_edge(1, 7 * epoch_ticks + 5, true);
    close_round(8 * epoch_ticks + 10);
    assert_int_equal(probe->outbox.stats.events[1], 1);
}

/* In a backlog an EPOCH vouches only for what was taken. */
static void test_an_epoch_comes_after_all_events_before_it(void **state)
{
    struct probe_message message;

    (void)state;
    arm(3, 0);
    put_edge(0, epoch_ticks + 10, true);
    assert_true(probe_take(probe, 3 * epoch_ticks));
    probe_close(probe, false, 3 * epoch_ticks);
    expect(PROBE_EVENTS, &message);
    expect_epoch(epoch_ticks + 10, 1, 0, 0);
}

static void test_stats_are_since_arm(void **state)
{
    struct probe_message message;

    (void)state;
    probe_receive(probe, 5, 0);
    probe_receive(probe, 0, 0);
    for (int run = 0; run < 2; run++) {
        const uint64_t from = (uint64_t)(run + 1) * 10000;

        arm(3, from);
        put_edge(0, from + 100, run == 0);
        put_edge(1, from + 100, run == 0);
        close_round(from + 105);
        put_edge(1, from + 107, run != 0);
        close_round(from + 200);
        command(PROBE_GET_STATS, 0, from + 300);
        expect(PROBE_EVENTS, &message);
        expect(PROBE_EVENTS, &message);
        expect(PROBE_STATS, &message);
        assert_int_equal(message.stats.events[0], 1);
        assert_int_equal(message.stats.events[1], 2);
        assert_int_equal(message.stats.clipped, 1);
        assert_int_equal(message.stats.bad_commands, 1);
        expect_ack(PROBE_GET_STATS, PROBE_DONE, 0);
        command(PROBE_STOP, 0, from + 400);
        close_round(from + 500);
        expect_epoch(from + 400, 1, 2, 0);
        expect(PROBE_STATS, &message);
        expect_ack(PROBE_STOP, PROBE_DONE, 0);
    }
}

static void test_lost_words_are_reported_with_their_interval(void **state)
{
    const enum probe_layer layers[] = {PROBE_LAYER_FIFO, PROBE_LAYER_RING};
    struct probe_message message;

    (void)state;
    arm(3, 1000);
    probe_lose(probe, 0, PROBE_LAYER_FIFO, 1500);
    close_round(1400);
    expect(PROBE_OVERFLOW, &message);
    assert_int_equal(message.overflow.from_ticks, 1000);
    for (size_t i = 0; i < 2; i++) {
        const uint64_t from = 2000 * (i + 1);

        close_round(from);
        probe_lose(probe, 1, layers[i], from + 1000);
        close_round(from + 500);
        expect(PROBE_OVERFLOW, &message);
        assert_int_equal(message.overflow.channel, 1);
        assert_int_equal(message.overflow.layer, layers[i]);
        assert_true(message.overflow.lost == PROBE_LOST_UNKNOWN);
        assert_int_equal(message.overflow.from_ticks, from);
        assert_int_equal(message.overflow.to_ticks, from + 1000);
    }
    command(PROBE_STOP, 0, 9000);
    probe_lose(probe, 0, PROBE_LAYER_FIFO, 9500);
    close_round(9900);
    expect(PROBE_OVERFLOW, &message);
    expect_epoch(9000, 0, 0, 4);
}

/* Even when the link is full, as it is the account of the run. */
static void test_losses_are_reported_before_stop_is_answered(void **state)
{
    struct probe_message message = {.type = PROBE_EPOCH};

    (void)state;
    arm(3, 0);
    while (probe_queue_free(&probe->outbox.queue) >= PROBE_OUTBOX_RESERVE_BYTES) {
        probe_outbox_send(&probe->outbox, &message);
    }
    put_edge(1, 100, true);
    command(PROBE_STOP, 0, 200);
    close_round(300);
    while (receive(&message) && message.type == PROBE_EPOCH) {
    }
    assert_int_equal(message.type, PROBE_OVERFLOW);
    assert_int_equal(message.overflow.channel, 1);
    assert_int_equal(message.overflow.lost, 1);
    expect_epoch(200, 0, 0, 1);
    expect(PROBE_STATS, &message);
    expect_ack(PROBE_STOP, PROBE_DONE, 0);
}

/* A lapped ring: the word that waited is forgotten, and the first after it is not trusted. */
static void test_a_lapped_ring_starts_anew(void **state)
{
    struct probe_message message;

    (void)state;
    arm(3, 1000);
    put_edge(0, 2000, true);
    probe_lose(probe, 0, PROBE_LAYER_RING, 3000);
    put_edge(0, 3005, false);
    close_round(4000);
    expect(PROBE_OVERFLOW, &message);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.count, 1);
    assert_int_equal(message.events.event[0].ticks, 3005);
    assert_int_equal(message.events.event[0].what, PROBE_WHAT_CLIPPED);
}

static void test_lost_words_when_stopped_are_nobodys(void **state)
{
    (void)state;
    probe_lose(probe, 0, PROBE_LAYER_RING, 1000);
    close_round(2000);
    expect_nothing();
    arm(3, 3000);
}

static void test_what_is_no_command_is_counted(void **state)
{
    (void)state;
    command(PROBE_EPOCH, 0, 1000); /* the line is looped back */
    probe_receive(probe, 9, 1000);
    probe_receive(probe, 0, 1000);
    expect_nothing();
    assert_int_equal(probe->outbox.stats.bad_commands, 2);
}

static void test_led(void **state)
{
    (void)state;
    assert_true(probe_led(probe, 0));
    assert_false(probe_led(probe, CLK_HZ));
    arm(3, 0);
    assert_true(probe_led(probe, 0));
    assert_true(probe_led(probe, CLK_HZ));
    probe_lose(probe, 0, PROBE_LAYER_FIFO, 1000);
    assert_true(probe_led(probe, 0));
    assert_false(probe_led(probe, CLK_HZ / 8));
    assert_true(probe_led(probe, CLK_HZ / 4));
}

static void test_rest_ends_with_the_led_or_the_epoch(void **state)
{
    (void)state;
    assert_int_equal(probe_rest(probe, 0), CLK_HZ);
    assert_int_equal(probe_rest(probe, CLK_HZ + 1), CLK_HZ - 1);
    arm(3, 10);
    assert_int_equal(probe_rest(probe, 10), epoch_ticks);
    assert_int_equal(probe_rest(probe, epoch_ticks), 10);
    assert_int_equal(probe_rest(probe, epoch_ticks + 10), 0);
    assert_int_equal(probe_rest(probe, 5 * epoch_ticks), 0);
    close_round(10 * epoch_ticks - 30); /* an EPOCH, late */
    assert_int_equal(probe_rest(probe, 10 * epoch_ticks - 20), 20);
    probe_lose(probe, 0, PROBE_LAYER_FIFO, 10 * epoch_ticks);
    close_round(10 * epoch_ticks);
    assert_int_equal(probe_rest(probe, 10 * epoch_ticks), epoch_ticks - 30);
    close_round(12 * epoch_ticks); /* an EPOCH; the LED flickers */
    assert_int_equal(probe_rest(probe, 12 * epoch_ticks), 5 * epoch_ticks / 10);
}

static void test_no_rest_while_something_waits(void **state)
{
    struct probe_message message = {.type = PROBE_EPOCH};

    (void)state;
    put_edge(1, 100, true);
    assert_int_equal(probe_rest(probe, 101), 0);
    close_round(101);
    assert_true(probe_rest(probe, 101) > 0);
    arm(3, 200);
    while (probe_queue_free(&probe->outbox.queue) >= PROBE_OUTBOX_RESERVE_BYTES) {
        probe_outbox_send(&probe->outbox, &message);
    }
    close_round(300);
    assert_int_equal(probe_rest(probe, 300), 0); /* congested: an OVERFLOW may wait for room */
    probe_queue_drop(&probe->outbox.queue, PROBE_QUEUE_BYTES - probe_queue_free(&probe->outbox.queue));
    close_round(400);
    assert_true(probe_rest(probe, 400) > 0);
    command(PROBE_STOP, 0, 500);
    assert_int_equal(probe_rest(probe, 500), 0);
    close_round(500);
    assert_true(probe_rest(probe, 500) > 0);
}

/* Two lines, four counters, and a reader that comes by now and then. */
struct bench {
    struct program program;
    struct counter counters[PROBE_STREAMS];
    uint32_t words[PROBE_STREAMS][2 * RANDOM_EDGES];
    size_t written[PROBE_STREAMS], read[PROBE_STREAMS];
    bool level[PROBE_CHANNELS];
    uint64_t cycle, edge_at[PROBE_CHANNELS];
    uint64_t edges[PROBE_CHANNELS][RANDOM_EDGES];
    size_t edge_count[PROBE_CHANNELS];
};

static void step(struct bench *bench, struct p2p_prng *prng)
{
    for (unsigned channel = 0; channel < PROBE_CHANNELS; channel++) {
        if (bench->cycle == bench->edge_at[channel] && bench->edge_count[channel] < RANDOM_EDGES) {
            bench->level[channel] = !bench->level[channel];
            bench->edges[channel][bench->edge_count[channel]++] = bench->cycle;
            bench->edge_at[channel] += 10 + p2p_prng_below(prng, 400);
        }
    }
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        counter_step(&bench->counters[stream], &bench->program, bench->level[stream / PROBE_PHASES]);
        if (counter_pull(&bench->counters[stream], &bench->words[stream][bench->written[stream]])) {
            bench->written[stream]++;
        }
    }
    bench->cycle++;
}

static void visit(struct bench *bench, int budget)
{
    const uint64_t now = bench->cycle, horizon = now > SETTLE_TICKS ? now - SETTLE_TICKS : 0;
    bool more = true;

    for (; more && budget > 0; budget--) {
        for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
            if (probe_wants(probe, stream) && bench->read[stream] < bench->written[stream]) {
                probe_word(probe, stream, bench->words[stream][bench->read[stream]++], now);
            }
        }
        more = probe_take(probe, horizon);
    }
    probe_close(probe, !more, horizon);
}

/* Checks all that came; an edge at cycle c has tick c + 1. */
static void check_received(const struct bench *bench, size_t next[PROBE_CHANNELS])
{
    struct probe_message message;
    uint64_t last = 0;

    while (receive(&message)) {
        for (size_t i = 0; message.type == PROBE_EVENTS && i < message.events.count; i++) {
            const struct probe_event *event = &message.events.event[i];
            const unsigned channel = event->what & PROBE_WHAT_CHANNEL;

            assert_int_equal(event->what & (PROBE_WHAT_GLITCH | PROBE_WHAT_CLIPPED), 0);
            assert_int_equal(event->ticks, bench->edges[channel][next[channel]] + 1);
            assert_int_equal((event->what & PROBE_WHAT_LEVEL) != 0, next[channel] % 2 == 0);
            assert_true(event->ticks >= last);
            last = event->ticks;
            next[channel]++;
        }
        if (message.type == PROBE_EPOCH) {
            assert_int_equal(message.epoch.events[0], next[0]);
            assert_int_equal(message.epoch.events[1], next[1]);
            assert_int_equal(message.epoch.lost, 0);
            check_checksum(&message.epoch);
            for (unsigned channel = 0; channel < PROBE_CHANNELS; channel++) {
                assert_true(next[channel] == RANDOM_EDGES ||
                            bench->edges[channel][next[channel]] + 1 >= message.epoch.now_ticks ||
                            next[channel] == bench->edge_count[channel]);
            }
        }
    }
}

static void test_every_edge_of_both_lines_comes_out_once(void **state)
{
    static struct bench bench; /* too large for the stack */
    const uint64_t seed = (uint64_t)time(NULL);
    struct p2p_prng prng;
    size_t next[PROBE_CHANNELS] = {0};

    (void)state;
    print_message("seed %" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    bench = (struct bench){.edge_at = {50, 51}};
    program_load(&bench.program);
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        bench.counters[stream] = counter_start(&bench.program, stream % PROBE_PHASES == 1, 0);
    }
    arm(3, 0);
    while (bench.edge_count[0] < RANDOM_EDGES || bench.edge_count[1] < RANDOM_EDGES) {
        const uint64_t until = bench.cycle + 1 + p2p_prng_below(&prng, 8000);

        while (bench.cycle < until) {
            step(&bench, &prng);
        }
        visit(&bench, 1 + (int)p2p_prng_below(&prng, 200));
        check_received(&bench, next);
    }
    for (int i = 0; i < 2000; i++) {
        step(&bench, &prng);
    }
    command(PROBE_STOP, 0, bench.cycle - SETTLE_TICKS);
    visit(&bench, 3 * RANDOM_EDGES);
    check_received(&bench, next);
    assert_int_equal(next[0], RANDOM_EDGES);
    assert_int_equal(next[1], RANDOM_EDGES);
    assert_int_equal(probe->state, PROBE_STOPPED);
}

#define PROBE_TEST(function) cmocka_unit_test_setup_teardown(function, make_stopped, free_probe)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hello_comes_first_after_a_delimiter, make_probe, free_probe),
        PROBE_TEST(test_identify_is_answered_in_any_state),
        PROBE_TEST(test_events_flow_from_arm_to_stop_only),
        PROBE_TEST(test_a_round_that_was_cut_short_does_not_stop),
        PROBE_TEST(test_channels_are_in_order_of_time_stimulus_first),
        PROBE_TEST(test_nothing_is_taken_from_the_horizon_on),
        PROBE_TEST(test_only_the_channels_of_the_mask),
        PROBE_TEST(test_arm_is_refused),
        PROBE_TEST(test_stop_may_be_repeated),
        PROBE_TEST(test_self_test_only_when_stopped),
        PROBE_TEST(test_an_epoch_every_tenth_of_a_second_while_armed),
        PROBE_TEST(test_an_epoch_comes_after_all_events_before_it),
        PROBE_TEST(test_stats_are_since_arm),
        PROBE_TEST(test_lost_words_are_reported_with_their_interval),
        PROBE_TEST(test_losses_are_reported_before_stop_is_answered),
        PROBE_TEST(test_a_lapped_ring_starts_anew),
        PROBE_TEST(test_lost_words_when_stopped_are_nobodys),
        PROBE_TEST(test_what_is_no_command_is_counted),
        PROBE_TEST(test_led),
        PROBE_TEST(test_rest_ends_with_the_led_or_the_epoch),
        PROBE_TEST(test_no_rest_while_something_waits),
        PROBE_TEST(test_every_edge_of_both_lines_comes_out_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
