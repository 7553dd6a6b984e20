/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "firmware/protocol/protocol.h"
#include "util/prng.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RAW_MAX = 600, RANDOM_MESSAGES = 20000, SPEC_BYTES = 32768 };

static const uint8_t types[] = {PROBE_HELLO, PROBE_EVENTS, PROBE_EPOCH,     PROBE_OVERFLOW,
                                PROBE_STATS, PROBE_ERROR,  PROBE_ACK,       PROBE_IDENTIFY,
                                PROBE_ARM,   PROBE_STOP,   PROBE_SELF_TEST, PROBE_GET_STATS};

static struct probe_message hello_message(void)
{
    return (struct probe_message){
        .type = PROBE_HELLO,
        .hello = {.version = 1,
                  .channels = 2,
                  .clk_hz = 125000000,
                  .resolution_ticks = 1,
                  .dead_ticks = 9,
                  .board_id = UINT64_C(0xe660583883123456),
                  .run_id = 0x1badcafe,
                  .firmware = "pin2pin 0.1.0"},
    };
}

static struct probe_message events_message(void)
{
    return (struct probe_message){
        .type = PROBE_EVENTS,
        .sequence = 258,
        .events = {.count = 2,
                   .event = {{.ticks = UINT64_C(1) << 32, .what = PROBE_WHAT_LEVEL},
                             {.ticks = (UINT64_C(1) << 32) + 1950, .what = 1 | PROBE_WHAT_CLIPPED}}},
    };
}

static struct probe_message ack_message(void)
{
    return (struct probe_message){
        .type = PROBE_ACK,
        .sequence = 259,
        .ack = {.command = PROBE_ARM, .sequence = 1, .status = PROBE_DONE},
    };
}

/* After events_message. */
static struct probe_message epoch_message(void)
{
    const struct probe_event now = {.ticks = UINT64_C(4307467296)};
    const struct probe_message events = events_message();
    uint32_t checksum = 0;

    for (size_t i = 0; i < events.events.count; i++) {
        checksum = probe_checksum(checksum, &events.events.event[i]);
    }
    return (struct probe_message){
        .type = PROBE_EPOCH,
        .sequence = 260,
        .epoch = {.now_ticks = now.ticks, .events = {1, 1}, .checksum = probe_checksum(checksum, &now)},
    };
}

static struct probe_message overflow_message(void)
{
    return (struct probe_message){
        .type = PROBE_OVERFLOW,
        .overflow = {.channel = 1, .layer = PROBE_LAYER_LINK, .lost = 3, .from_ticks = 7, .to_ticks = 7},
    };
}

/* What the last byte of `wire` brings; every byte before it brings nothing. */
static enum probe_found feed(struct probe_decoder *decoder, const uint8_t *wire, size_t size,
                             struct probe_message *message)
{
    for (size_t i = 0; i + 1 < size; i++) {
        assert_int_equal(probe_decoder_feed(decoder, wire[i], message), PROBE_FOUND_NOTHING);
    }
    return probe_decoder_feed(decoder, wire[size - 1], message);
}

static enum probe_found decode(const uint8_t *wire, size_t size, struct probe_message *message)
{
    struct probe_decoder decoder = {0};

    return feed(&decoder, wire, size, message);
}

/* Frames that the codec would not make; COBS as its paper has it, not as the codec has it. */
static size_t raw_frame(uint8_t type, const uint8_t *payload, size_t size, uint8_t *wire)
{
    uint8_t frame[RAW_MAX] = {type};
    size_t length = 3 + size, out = 0;
    uint16_t crc;

    memcpy(frame + 3, payload, size);
    crc = probe_crc(frame, length);
    frame[length++] = (uint8_t)crc;
    frame[length++] = (uint8_t)(crc >> 8);
    for (size_t at = 0; at <= length;) {
        size_t run = 0;

        while (at + run < length && frame[at + run] != 0 && run < 254) {
            run++;
        }
        wire[out++] = (uint8_t)(run + 1);
        memcpy(wire + out, frame + at, run);
        out += run;
        at += run + (run < 254);
    }
    wire[out++] = 0;
    return out;
}

static enum probe_found decode_raw(uint8_t type, const uint8_t *payload, size_t size)
{
    struct probe_message message;
    uint8_t wire[RAW_MAX + 16];

    return decode(wire, raw_frame(type, payload, size, wire), &message);
}

static void test_crc_has_the_published_check_value(void **state)
{
    (void)state;
    assert_int_equal(probe_crc((const uint8_t *)"123456789", 9), 0x29b1);
    assert_int_equal(probe_crc(NULL, 0), 0xffff);
}

/* CRC-32 as its definition has it, a bit at a time. */
static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0xedb88320) : 0);
        }
    }
    return ~crc;
}

static void test_checksum_is_the_published_crc_of_nine_bytes_an_event(void **state)
{
    const struct probe_event digits = {.ticks = UINT64_C(0x3837363534333231), .what = '9'}; /* "123456789" */
    struct p2p_prng prng;
    uint32_t checksum = 0, expected = 0;

    (void)state;
    assert_int_equal(probe_checksum(0, &digits), 0xcbf43926);
    p2p_prng_seed(&prng, 1);
    for (int i = 0; i < 1000; i++) {
        const struct probe_event event = {.ticks = p2p_prng_next(&prng), .what = (uint8_t)p2p_prng_next(&prng)};
        uint8_t bytes[9] = {[8] = event.what};

        for (unsigned at = 0; at < 8; at++) {
            bytes[at] = (uint8_t)(event.ticks >> 8 * at);
        }
        checksum = probe_checksum(checksum, &event);
        expected = crc32(expected, bytes, sizeof bytes);
        assert_int_equal(checksum, expected);
    }
}

/* The whole SPEC with each run of blanks made one, so that an example may span lines. */
static void read_spec(char *text)
{
    FILE *file = fopen(P2P_SOURCE_DIR "/firmware/protocol/SPEC.md", "r");
    size_t length = 0;
    int byte;

    assert_non_null(file);
    while ((byte = fgetc(file)) != EOF) {
        if (isspace(byte) == 0) {
            text[length++] = (char)byte;
        } else if (length > 0 && text[length - 1] != ' ') {
            text[length++] = ' ';
        }
        assert_true(length < SPEC_BYTES);
    }
    text[length] = '\0';
    fclose(file);
}

static void test_examples_in_the_spec_are_what_the_codec_makes(void **state)
{
    const struct probe_message examples[] = {
        {.type = PROBE_IDENTIFY}, hello_message(), events_message(), epoch_message(), ack_message()};
    static char spec[SPEC_BYTES];

    (void)state;
    read_spec(spec);
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        uint8_t wire[PROBE_WIRE_MAX];
        char hex[3 * PROBE_WIRE_MAX + 3] = ": ";
        const size_t size = probe_encode(&examples[i], wire);

        for (size_t at = 0; at < size; at++) {
            snprintf(hex + 2 + 3 * at, 4, "%02x ", wire[at]);
        }
        if (strstr(spec, hex) == NULL) {
            fail_msg("SPEC.md lacks example %zu%s", i, hex);
        }
    }
}

static void random_events(struct p2p_prng *prng, struct probe_events *events)
{
    uint64_t ticks = p2p_prng_below(prng, PROBE_TICKS_END - UINT32_MAX);

    events->count = (uint8_t)(1 + p2p_prng_below(prng, PROBE_EVENTS_MAX));
    for (size_t i = 0; i < events->count; i++) {
        events->event[i].ticks = ticks;
        events->event[i].what = (uint8_t)(p2p_prng_below(prng, 8) << 4 | p2p_prng_below(prng, PROBE_CHANNELS));
        ticks += p2p_prng_below(prng, UINT32_MAX / PROBE_EVENTS_MAX);
    }
}

static void random_text(struct p2p_prng *prng, char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        text[i] = (char)(' ' + p2p_prng_below(prng, '~' - ' ' + 1));
    }
}

/* Half of all fields are small, so that zero bytes stand everywhere. */
static uint64_t random_field(struct p2p_prng *prng, uint64_t bound)
{
    return p2p_prng_below(prng, p2p_prng_below(prng, 2) == 0 ? 3 : bound);
}

static void random_stats(struct p2p_prng *prng, struct probe_stats *stats)
{
    uint32_t *const fields[] = {&stats->events[0],      &stats->events[1],      &stats->glitches,
                                &stats->clipped,        &stats->lost,           &stats->fifo_overflows,
                                &stats->ring_overflows, &stats->link_overflows, &stats->bad_commands};

    stats->now_ticks = random_field(prng, PROBE_TICKS_END);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        *fields[i] = (uint32_t)random_field(prng, UINT64_C(1) << 32);
    }
}

/* All bytes that the type does not use are 0, so that messages compare by memcmp. */
static void random_message(struct p2p_prng *prng, struct probe_message *message)
{
    const uint64_t word = UINT64_C(1) << 32;

    memset(message, 0, sizeof *message);
    message->type = types[p2p_prng_below(prng, sizeof types)];
    message->sequence = (uint16_t)random_field(prng, 65536);
    switch (message->type) {
    case PROBE_HELLO:
        message->hello = (struct probe_hello){
            .version = (uint16_t)random_field(prng, 65536),
            .channels = (uint16_t)random_field(prng, 65536),
            .clk_hz = (uint32_t)random_field(prng, word),
            .resolution_ticks = (uint16_t)random_field(prng, 65536),
            .dead_ticks = (uint16_t)random_field(prng, 65536),
            .board_id = random_field(prng, UINT64_MAX),
            .run_id = (uint32_t)random_field(prng, word),
        };
        random_text(prng, message->hello.firmware, p2p_prng_upto(prng, PROBE_NAME_BYTES));
        break;
    case PROBE_EVENTS:
        random_events(prng, &message->events);
        break;
    case PROBE_EPOCH:
        message->epoch = (struct probe_epoch){
            .now_ticks = random_field(prng, PROBE_TICKS_END),
            .events = {(uint32_t)random_field(prng, word), (uint32_t)random_field(prng, word)},
            .lost = (uint32_t)random_field(prng, word),
            .checksum = (uint32_t)random_field(prng, word),
        };
        break;
    case PROBE_OVERFLOW:
        message->overflow = (struct probe_overflow){
            .channel = (uint8_t)p2p_prng_below(prng, PROBE_CHANNELS),
            .layer = (uint8_t)(1 + p2p_prng_below(prng, 3)),
            .lost = (uint32_t)(1 + random_field(prng, word - 1)),
            .from_ticks = random_field(prng, 1000),
            .to_ticks = 1000 + random_field(prng, PROBE_TICKS_END - 1000),
        };
        break;
    case PROBE_STATS:
        random_stats(prng, &message->stats);
        break;
    case PROBE_ERROR:
        message->error.code = (uint8_t)random_field(prng, 256);
        random_text(prng, message->error.text, 1 + p2p_prng_below(prng, PROBE_ERROR_TEXT_MAX));
        break;
    case PROBE_ACK:
        message->ack = (struct probe_ack){
            .command = (uint8_t)(PROBE_IDENTIFY + p2p_prng_below(prng, 5)),
            .sequence = (uint16_t)random_field(prng, 65536),
            .status = (uint8_t)p2p_prng_below(prng, 4),
            .value = (uint32_t)random_field(prng, word),
        };
        break;
    case PROBE_ARM:
        message->arm_mask = (uint8_t)random_field(prng, 256);
        break;
    default:
        break;
    }
}

static uint64_t seed_of_this_run(void)
{
    const char *text = getenv("P2P_TEST_SEED");

    return text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
}

static void test_random_messages_come_back_whole(void **state)
{
    const uint64_t seed = seed_of_this_run();
    struct probe_decoder decoder = {0};
    struct p2p_prng prng;

    (void)state;
    print_message("P2P_TEST_SEED=%" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (int i = 0; i < RANDOM_MESSAGES; i++) {
        struct probe_message sent, got;
        uint8_t wire[PROBE_WIRE_MAX];
        size_t size;

        random_message(&prng, &sent);
        memset(&got, 0, sizeof got);
        size = probe_encode(&sent, wire);
        assert_in_range(size, 2 + PROBE_OVERHEAD, PROBE_WIRE_MAX);
        assert_null(memchr(wire, 0, size - 1));
        assert_int_equal(feed(&decoder, wire, size, &got), PROBE_FOUND_MESSAGE);
        assert_memory_equal(&sent, &got, sizeof sent);
    }
}

static void test_events_reach_over_the_whole_base(void **state)
{
    struct probe_message message = events_message(), got;
    uint8_t wire[PROBE_WIRE_MAX];

    (void)state;
    message.events.event[1].ticks = message.events.event[0].ticks + UINT32_MAX;
    assert_int_equal(decode(wire, probe_encode(&message, wire), &got), PROBE_FOUND_MESSAGE);
    assert_int_equal(got.events.event[1].ticks, message.events.event[1].ticks);
    message.events.event[1].ticks++;
    assert_int_equal(probe_encode(&message, wire), 0);
}

static void test_encode_refuses_what_breaks_a_rule(void **state)
{
    struct probe_message bad[] = {
        {.type = 0},
        {.type = PROBE_ACK + 1},
        {.type = PROBE_IDENTIFY - 1},
        {.type = PROBE_GET_STATS + 1},
        hello_message(),  /* 4: a name with an escape */
        events_message(), /* 5: none */
        events_message(), /* 6: too many */
        events_message(), /* 7: out of order */
        events_message(), /* 8: bit 7 */
        events_message(), /* 9: channel 2 */
        events_message(), /* 10: time */
        {.type = PROBE_EPOCH, .epoch = {.now_ticks = PROBE_TICKS_END}},
        {.type = PROBE_STATS, .stats = {.now_ticks = PROBE_TICKS_END}},
        {.type = PROBE_ERROR, .error = {.text = ""}},
        {.type = PROBE_ERROR, .error = {.text = "\t"}},
        {.type = PROBE_ERROR, .error = {.text = "\x7f"}},
        {.type = PROBE_ACK, .ack = {.command = PROBE_ACK}},
        {.type = PROBE_ACK, .ack = {.command = PROBE_GET_STATS + 1}},
        {.type = PROBE_ACK, .ack = {.command = PROBE_STOP, .status = PROBE_FAILED + 1}},
        overflow_message(), /* 19: channel */
        overflow_message(), /* 20: layer 0 */
        overflow_message(), /* 21: layer 4 */
        overflow_message(), /* 22: none lost */
        overflow_message(), /* 23: ends before it begins */
        overflow_message(), /* 24: time */
    };
    const struct probe_message good[] = {hello_message(), events_message(), overflow_message()};
    uint8_t wire[PROBE_WIRE_MAX];

    (void)state;
    bad[4].hello.firmware[0] = '\x1b';
    bad[5].events.count = 0;
    bad[6].events.count = PROBE_EVENTS_MAX + 1;
    bad[7].events.event[1].ticks = bad[7].events.event[0].ticks - 1;
    bad[8].events.event[1].what |= 0x80;
    bad[9].events.event[1].what = 2;
    bad[10].events.event[0].ticks = PROBE_TICKS_END - 1;
    bad[10].events.event[1].ticks = PROBE_TICKS_END;
    bad[19].overflow.channel = 2;
    bad[20].overflow.layer = 0;
    bad[21].overflow.layer = 4;
    bad[22].overflow.lost = 0;
    bad[23].overflow.from_ticks++;
    bad[24].overflow.to_ticks = PROBE_TICKS_END;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (probe_encode(&bad[i], wire) != 0) {
            fail_msg("bad message %zu was encoded", i);
        }
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(probe_encode(&good[i], wire) > 0);
    }
}

static void test_lengths_are_of_their_type(void **state)
{
    static const struct {
        uint8_t type;
        size_t size; /* the smallest that fits */
    } rows[] = {{PROBE_HELLO, 40}, {PROBE_EVENTS, 13},  {PROBE_EPOCH, 24}, {PROBE_STATS, 44},    {PROBE_ERROR, 2},
                {PROBE_ACK, 8},    {PROBE_IDENTIFY, 0}, {PROBE_ARM, 1},    {PROBE_OVERFLOW, 24}, {PROBE_STOP, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t size = 0; size <= PROBE_PAYLOAD_MAX; size++) {
            uint8_t payload[PROBE_PAYLOAD_MAX] = {0};
            bool fits = size == rows[i].size;

            if (rows[i].type == PROBE_EVENTS) {
                fits = size > 8 && (size - 8) % 5 == 0;
            } else if (rows[i].type == PROBE_ERROR) {
                fits = size >= 2 && size <= 65;
            }
            assert_true((decode_raw(rows[i].type, payload, size) != PROBE_FOUND_BAD_LENGTH) == fits);
        }
    }
}

static void test_unknown_types_are_told_apart(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        const bool known = memchr(types, (int)type, sizeof types) != NULL;

        assert_true((decode_raw((uint8_t)type, types, 0) != PROBE_FOUND_BAD_TYPE) == known);
    }
}

static void test_decode_refuses_bad_values(void **state)
{
    uint8_t payload[PROBE_PAYLOAD_MAX] = {0};

    (void)state;
    assert_int_equal(decode_raw(PROBE_EVENTS, payload, 18), PROBE_FOUND_MESSAGE);
    payload[8] = 1; /* the first event is after the second */
    assert_int_equal(decode_raw(PROBE_EVENTS, payload, 18), PROBE_FOUND_BAD_VALUE);
    payload[13] = 1;
    assert_int_equal(decode_raw(PROBE_EVENTS, payload, 18), PROBE_FOUND_MESSAGE);
    memset(payload, 0xff, 8); /* base + 1 would wrap to 0 */
    assert_int_equal(decode_raw(PROBE_EVENTS, payload, 18), PROBE_FOUND_BAD_VALUE);

    memset(payload, 0, sizeof payload);
    payload[24] = 'a';
    payload[26] = 'b'; /* after the end of the name */
    assert_int_equal(decode_raw(PROBE_HELLO, payload, 40), PROBE_FOUND_BAD_VALUE);
    payload[25] = 'c';
    assert_int_equal(decode_raw(PROBE_HELLO, payload, 40), PROBE_FOUND_MESSAGE);

    memset(payload, 0, sizeof payload);
    payload[1] = PROBE_LAYER_RING;
    payload[4] = 1;
    assert_int_equal(decode_raw(PROBE_OVERFLOW, payload, 24), PROBE_FOUND_MESSAGE);
    payload[3] = 1; /* reserved */
    assert_int_equal(decode_raw(PROBE_OVERFLOW, payload, 24), PROBE_FOUND_BAD_VALUE);

    assert_int_equal(decode_raw(PROBE_ERROR, (const uint8_t *)"\1ab", 3), PROBE_FOUND_MESSAGE);
    assert_int_equal(decode_raw(PROBE_ERROR, (const uint8_t *)"\1a\0", 3), PROBE_FOUND_BAD_VALUE);
}

/* One byte changed is one short burst, or a code byte that breaks the frame: this frame's crc finds all of them. */
static void test_every_changed_byte_is_found(void **state)
{
    const struct probe_message sent = events_message();
    struct probe_message message;
    uint8_t wire[PROBE_WIRE_MAX];
    const size_t size = probe_encode(&sent, wire);

    (void)state;
    for (size_t at = 0; at < size; at++) {
        for (unsigned change = 1; change < 256; change++) {
            struct probe_decoder decoder = {0};

            wire[at] = (uint8_t)(wire[at] ^ change);
            for (size_t i = 0; i < size; i++) {
                assert_int_not_equal(probe_decoder_feed(&decoder, wire[i], &message), PROBE_FOUND_MESSAGE);
            }
            wire[at] = (uint8_t)(wire[at] ^ change);
        }
    }
    assert_int_equal(decode(wire, size, &message), PROBE_FOUND_MESSAGE);
}

static void test_decoder_finds_its_way_after_garbage(void **state)
{
    const struct probe_message sent = ack_message();
    struct probe_decoder decoder = {0};
    struct probe_message message;
    uint8_t wire[PROBE_WIRE_MAX], zero = 0, one = 1;
    const size_t size = probe_encode(&sent, wire);

    (void)state;
    assert_int_equal(feed(&decoder, &zero, 1, &message), PROBE_FOUND_NOTHING);
    for (size_t length = 1; length < 1000; length++) { /* shorter and longer than any frame */
        for (size_t i = 0; i < length; i++) {
            assert_int_equal(probe_decoder_feed(&decoder, one, &message), PROBE_FOUND_NOTHING);
        }
        assert_int_equal(feed(&decoder, &zero, 1, &message),
                         length <= 5 || length > 251 ? PROBE_FOUND_BAD_LENGTH : PROBE_FOUND_BAD_CRC);
        assert_int_equal(feed(&decoder, wire, size, &message), PROBE_FOUND_MESSAGE);
        assert_int_equal(message.ack.command, PROBE_ARM);
    }
    for (size_t cut = 1; cut + 1 < size; cut++) { /* the tail of a frame, as one that joins in mid-stream sees it */
        assert_int_not_equal(feed(&decoder, wire + cut, size - cut, &message), PROBE_FOUND_MESSAGE);
        assert_int_equal(feed(&decoder, wire, size, &message), PROBE_FOUND_MESSAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc_has_the_published_check_value),
        cmocka_unit_test(test_checksum_is_the_published_crc_of_nine_bytes_an_event),
        cmocka_unit_test(test_examples_in_the_spec_are_what_the_codec_makes),
        cmocka_unit_test(test_random_messages_come_back_whole),
        cmocka_unit_test(test_events_reach_over_the_whole_base),
        cmocka_unit_test(test_encode_refuses_what_breaks_a_rule),
        cmocka_unit_test(test_lengths_are_of_their_type),
        cmocka_unit_test(test_unknown_types_are_told_apart),
        cmocka_unit_test(test_decode_refuses_bad_values),
        cmocka_unit_test(test_every_changed_byte_is_found),
        cmocka_unit_test(test_decoder_finds_its_way_after_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
