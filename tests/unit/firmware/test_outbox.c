/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "firmware/core/outbox.h"

#include <stdlib.h>

static struct probe_outbox *outbox;

static int make_outbox(void **state)
{
    (void)state;
    outbox = calloc(1, sizeof *outbox);
    return outbox != NULL ? 0 : -1;
}

static int free_outbox(void **state)
{
    (void)state;
    free(outbox);
    return 0;
}

/* The next message on the link; false: there is none. Nothing that is no message may be there. */
static bool receive(struct probe_message *message)
{
    struct probe_decoder decoder = {0};
    enum probe_found found = PROBE_FOUND_NOTHING;
    const uint8_t *byte;

    *message = (struct probe_message){0};
    while (found == PROBE_FOUND_NOTHING && probe_queue_front(&outbox->queue, 1, &byte) == 1) {
        found = probe_decoder_feed(&decoder, *byte, message);
        probe_queue_drop(&outbox->queue, 1);
    }
    assert_true(found == PROBE_FOUND_MESSAGE || (found == PROBE_FOUND_NOTHING && decoder.length == 0));
    return found == PROBE_FOUND_MESSAGE;
}

static void expect(enum probe_type type, struct probe_message *message)
{
    assert_true(receive(message));
    assert_int_equal(message->type, type);
}

static void send_event(uint64_t ticks, uint8_t what)
{
    probe_outbox_event(outbox, ticks, what);
}

/* Events of channel 0, a tick apart, until the queue has lost one. Returns how many there were. */
static uint32_t flood(void)
{
    uint32_t count = 0;

    while (outbox->stats.lost == 0) {
        send_event(count++, 0);
    }
    return count;
}

static void test_events_wait_for_flush(void **state)
{
    struct probe_message message;

    (void)state;
    send_event(1000, PROBE_WHAT_LEVEL);
    send_event(1009, 1);
    assert_false(receive(&message));
    probe_outbox_flush(outbox);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.count, 2);
    assert_int_equal(message.events.event[0].ticks, 1000);
    assert_int_equal(message.events.event[0].what, PROBE_WHAT_LEVEL);
    assert_int_equal(message.events.event[1].ticks, 1009);
    assert_int_equal(message.events.event[1].what, 1);
    probe_outbox_flush(outbox);
    assert_false(receive(&message));
}

static void test_a_full_frame_goes_by_itself(void **state)
{
    struct probe_message message;

    (void)state;
    for (unsigned i = 0; i < PROBE_EVENTS_MAX + 1; i++) {
        send_event(i, 0);
    }
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.count, PROBE_EVENTS_MAX);
    assert_false(receive(&message));
    probe_outbox_flush(outbox);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.event[0].ticks, PROBE_EVENTS_MAX);
}

static void test_a_frame_spans_less_than_2_to_32_ticks(void **state)
{
    struct probe_message message;

    (void)state;
    send_event(5, 0);
    send_event(5 + UINT64_C(0xffffffff), 0);
    send_event(5 + UINT64_C(0x100000000), 0);
    probe_outbox_flush(outbox);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.count, 2);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.count, 1);
    assert_true(message.events.event[0].ticks == 5 + UINT64_C(0x100000000));
}

static void test_messages_are_numbered(void **state)
{
    struct probe_message message = {.type = PROBE_EPOCH};

    (void)state;
    outbox->next_sequence = 0xffff;
    probe_outbox_send(outbox, &message);
    send_event(1, 0);
    probe_outbox_flush(outbox);
    expect(PROBE_EPOCH, &message);
    assert_int_equal(message.sequence, 0xffff);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.sequence, 0);
}

static void test_what_was_sent_is_counted(void **state)
{
    (void)state;
    send_event(1, 0);
    send_event(2, 1 | PROBE_WHAT_GLITCH);
    send_event(3, 1 | PROBE_WHAT_CLIPPED | PROBE_WHAT_GLITCH);
    assert_int_equal(outbox->stats.events[1], 0);
    probe_outbox_flush(outbox);
    assert_int_equal(outbox->stats.events[0], 1);
    assert_int_equal(outbox->stats.events[1], 2);
    assert_int_equal(outbox->stats.glitches, 2);
    assert_int_equal(outbox->stats.clipped, 1);
}

static void test_each_event_is_sent_or_counted_as_lost(void **state)
{
    struct probe_message message;
    const uint32_t count = flood(), sent = outbox->stats.events[0];
    uint32_t received = 0;

    (void)state;
    assert_int_equal(outbox->stats.lost, PROBE_EVENTS_MAX);
    assert_int_equal(sent + outbox->stats.lost + outbox->batch.events.count, count);
    while (receive(&message)) {
        assert_int_equal(message.type, PROBE_EVENTS);
        received += message.events.count;
    }
    assert_int_equal(received, sent);
}

static void test_a_gap_is_one_record_with_count_and_times(void **state)
{
    struct probe_message message;

    (void)state;
    flood();
    send_event(1000000, 1);
    probe_outbox_flush(outbox); /* the queue is still full: all of it is lost */
    while (receive(&message)) {
    }
    send_event(2000000, 0);
    probe_outbox_flush(outbox);
    expect(PROBE_OVERFLOW, &message);
    assert_int_equal(message.overflow.channel, 0);
    assert_int_equal(message.overflow.layer, PROBE_LAYER_LINK);
    assert_int_equal(message.overflow.lost, PROBE_EVENTS_MAX + 1);
    assert_int_equal(message.overflow.from_ticks, outbox->stats.events[0] - 1);
    assert_int_equal(message.overflow.to_ticks, outbox->stats.events[0] - 1 + PROBE_EVENTS_MAX);
    expect(PROBE_OVERFLOW, &message);
    assert_int_equal(message.overflow.channel, 1);
    assert_int_equal(message.overflow.lost, 1);
    assert_int_equal(message.overflow.from_ticks, 1000000);
    assert_int_equal(message.overflow.to_ticks, 1000000);
    expect(PROBE_EVENTS, &message);
    assert_int_equal(message.events.event[0].ticks, 2000000);
    assert_false(receive(&message));
    assert_int_equal(outbox->stats.lost, PROBE_EVENTS_MAX + 2);
    assert_int_equal(outbox->stats.link_overflows, 2);
}

/* Half of the queue must be free before events are sent again. */
static void test_congestion_ends_late(void **state)
{
    (void)state;
    flood();
    probe_outbox_flush(outbox);
    probe_queue_drop(&outbox->queue, PROBE_QUEUE_BYTES / 2 - PROBE_OUTBOX_RESERVE_BYTES - PROBE_WIRE_MAX);
    send_event(1000000, 0);
    probe_outbox_flush(outbox);
    assert_true(outbox->congested);
    probe_queue_drop(&outbox->queue, PROBE_WIRE_MAX);
    probe_queue_drop(&outbox->queue, PROBE_OUTBOX_RESERVE_BYTES);
    send_event(1000001, 0);
    probe_outbox_flush(outbox);
    assert_false(outbox->congested);
}

/* Events leave room for other messages; when that is used up too, numbers are missing. */
static void test_the_reserve_is_for_other_messages(void **state)
{
    struct probe_message message = {.type = PROBE_EPOCH};
    uint16_t first, last = 0;
    unsigned received = 0;

    (void)state;
    flood();
    first = outbox->next_sequence;
    for (int i = 0; i < 1000; i++) {
        probe_outbox_send(outbox, &message);
    }
    while (receive(&message)) {
        received += message.type == PROBE_EPOCH ? 1 : 0;
        last = message.sequence;
    }
    assert_true(received * 31 >= PROBE_OUTBOX_RESERVE_BYTES - 31); /* an EPOCH has 31 bytes */
    assert_int_equal(last, first + received - 1);
    assert_int_equal(outbox->next_sequence, first + 1000);
}

/* Of what OVERFLOW reports nobody gets a checksum. */
static void test_the_checksum_is_of_the_events_in_frames(void **state)
{
    struct probe_message message;
    uint32_t checksum = 0;

    (void)state;
    flood();
    while (receive(&message)) {
        for (unsigned i = 0; message.type == PROBE_EVENTS && i < message.events.count; i++) {
            checksum = probe_checksum(checksum, &message.events.event[i]);
        }
    }
    assert_int_not_equal(checksum, 0);
    assert_int_equal(outbox->checksum, checksum);
    probe_outbox_report(outbox);
    probe_outbox_restart(outbox);
    assert_int_equal(outbox->checksum, 0);
}

static void test_overflows_of_words_are_extended_until_reported(void **state)
{
    struct probe_overflow overflow = {1, PROBE_LAYER_FIFO, PROBE_LOST_UNKNOWN, 100, 200};
    struct probe_message message;

    (void)state;
    probe_outbox_overflow(outbox, &overflow);
    overflow.from_ticks = 200;
    overflow.to_ticks = 300;
    probe_outbox_overflow(outbox, &overflow);
    overflow.layer = PROBE_LAYER_RING;
    probe_outbox_overflow(outbox, &overflow);
    probe_outbox_report(outbox);
    expect(PROBE_OVERFLOW, &message);
    assert_int_equal(message.overflow.layer, PROBE_LAYER_FIFO);
    assert_true(message.overflow.lost == PROBE_LOST_UNKNOWN);
    assert_int_equal(message.overflow.from_ticks, 100);
    assert_int_equal(message.overflow.to_ticks, 300);
    expect(PROBE_OVERFLOW, &message);
    assert_int_equal(message.overflow.layer, PROBE_LAYER_RING);
    assert_int_equal(message.overflow.from_ticks, 200);
    probe_outbox_report(outbox);
    assert_false(receive(&message));
    assert_int_equal(outbox->stats.lost, 3);
    assert_int_equal(outbox->stats.fifo_overflows, 1);
    assert_int_equal(outbox->stats.ring_overflows, 1);
}

static void test_restart_keeps_bad_commands_only(void **state)
{
    (void)state;
    outbox->stats = (struct probe_stats){.events = {1, 2}, .lost = 3, .link_overflows = 4, .bad_commands = 5};
    probe_outbox_restart(outbox);
    assert_int_equal(outbox->stats.events[0] + outbox->stats.events[1] + outbox->stats.lost, 0);
    assert_int_equal(outbox->stats.link_overflows, 0);
    assert_int_equal(outbox->stats.bad_commands, 5);
}

#define OUTBOX_TEST(function) cmocka_unit_test_setup_teardown(function, make_outbox, free_outbox)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTBOX_TEST(test_events_wait_for_flush),
        OUTBOX_TEST(test_a_full_frame_goes_by_itself),
        OUTBOX_TEST(test_a_frame_spans_less_than_2_to_32_ticks),
        OUTBOX_TEST(test_messages_are_numbered),
        OUTBOX_TEST(test_what_was_sent_is_counted),
        OUTBOX_TEST(test_each_event_is_sent_or_counted_as_lost),
        OUTBOX_TEST(test_a_gap_is_one_record_with_count_and_times),
        OUTBOX_TEST(test_congestion_ends_late),
        OUTBOX_TEST(test_the_reserve_is_for_other_messages),
        OUTBOX_TEST(test_the_checksum_is_of_the_events_in_frames),
        OUTBOX_TEST(test_overflows_of_words_are_extended_until_reported),
        OUTBOX_TEST(test_restart_keeps_bad_commands_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
