/* SPDX-License-Identifier: MIT */
#include "firmware/protocol/protocol.h"

enum {
    HEADER = 3, /* type, sequence */
    CRC = 2,
    EVENT_BYTES = 5,
    EVENTS_BASE = 8,
};

/* `*at` runs along; byte by byte, as the Cortex-M0+ faults on an unaligned word. */
static void put(uint8_t **at, uint64_t value, unsigned bytes)
{
    for (; bytes > 0; bytes--, value >>= 8) {
        *(*at)++ = (uint8_t)value;
    }
}

static uint64_t get(const uint8_t **at, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t) * (*at)++ << 8 * i;
    }
    return value;
}

/* The polynomial's three taps, a byte at a time: as small as the loop over bits and four times as fast. */
uint16_t probe_crc(const uint8_t *data, size_t size)
{
    uint16_t crc = 0xffff;

    for (size_t i = 0; i < size; i++) {
        crc = (uint16_t)(crc >> 8 | crc << 8);
        crc = (uint16_t)(crc ^ data[i]);
        crc = (uint16_t)(crc ^ (crc & 0xff) >> 4);
        crc = (uint16_t)(crc ^ crc << 12);
        crc = (uint16_t)(crc ^ (crc & 0xff) << 5);
    }
    return crc;
}

/* CRC-32 of up to four bytes in the order of the wire, the first lowest, four bits a step: 16 words of table. */
static uint32_t crc32_bytes(uint32_t crc, uint32_t bytes, unsigned count)
{
    static const uint32_t steps[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };

    crc ^= bytes;
    for (unsigned i = 0; i < 2 * count; i++) {
        crc = crc >> 4 ^ steps[crc & 0xf];
    }
    return crc;
}

uint32_t probe_checksum(uint32_t checksum, const struct probe_event *event)
{
    uint32_t crc = ~checksum;

    crc = crc32_bytes(crc, (uint32_t)event->ticks, 4);
    crc = crc32_bytes(crc, (uint32_t)(event->ticks >> 32), 4);
    return ~crc32_bytes(crc, event->what, 1);
}

/* In place: wire[1..size] holds the frame. At most 250 bytes, so that one code byte reaches over all of them. */
static size_t cobs_encode(uint8_t *wire, size_t size)
{
    size_t code_at = 0;

    for (size_t i = 1; i <= size; i++) {
        if (wire[i] == 0) {
            wire[code_at] = (uint8_t)(i - code_at);
            code_at = i;
        }
    }
    wire[code_at] = (uint8_t)(size + 1 - code_at);
    wire[size + 1] = 0;
    return size + 2;
}

/* In place: the frame lies in wire[1..result] afterwards. Returns 0 if a code byte points past the end. */
static size_t cobs_decode(uint8_t *wire, size_t size)
{
    size_t code_at = 0;

    while (code_at < size) {
        const size_t next = code_at + wire[code_at];

        wire[code_at] = 0;
        code_at = next;
    }
    return code_at == size ? size - 1 : 0;
}

/* The length of a text, or SIZE_MAX if a byte of it is not printable ASCII: texts end up on terminals. */
static size_t text_length(const char *text, size_t max)
{
    size_t length = 0;

    while (length < max && text[length] != '\0') {
        if (text[length] < ' ' || text[length] > '~') {
            return SIZE_MAX;
        }
        length++;
    }
    return length;
}

static bool events_valid(const struct probe_events *events)
{
    if (events->count < 1 || events->count > PROBE_EVENTS_MAX) {
        return false;
    }
    for (size_t i = 0; i < events->count; i++) {
        const struct probe_event *event = &events->event[i];

        if (event->ticks >= PROBE_TICKS_END || event->ticks < events->event[i > 0 ? i - 1 : 0].ticks ||
            event->ticks - events->event[0].ticks > UINT32_MAX || (event->what & PROBE_WHAT_ZERO) != 0 ||
            (event->what & PROBE_WHAT_CHANNEL) >= PROBE_CHANNELS) {
            return false;
        }
    }
    return true;
}

static bool overflow_valid(const struct probe_overflow *overflow)
{
    return overflow->channel < PROBE_CHANNELS && overflow->layer >= PROBE_LAYER_FIFO &&
           overflow->layer <= PROBE_LAYER_LINK && overflow->lost > 0 && overflow->from_ticks <= overflow->to_ticks &&
           overflow->to_ticks < PROBE_TICKS_END;
}

static bool error_valid(const struct probe_error *error)
{
    const size_t length = text_length(error->text, PROBE_ERROR_TEXT_MAX);

    return length >= 1 && length <= PROBE_ERROR_TEXT_MAX;
}

/* The rules on values, the same for what goes out and what comes in. */
static bool message_valid(const struct probe_message *message)
{
    switch (message->type) {
    case PROBE_HELLO:
        return text_length(message->hello.firmware, PROBE_NAME_BYTES) <= PROBE_NAME_BYTES;
    case PROBE_EVENTS:
        return events_valid(&message->events);
    case PROBE_EPOCH:
        return message->epoch.now_ticks < PROBE_TICKS_END;
    case PROBE_OVERFLOW:
        return overflow_valid(&message->overflow);
    case PROBE_STATS:
        return message->stats.now_ticks < PROBE_TICKS_END;
    case PROBE_ERROR:
        return error_valid(&message->error);
    case PROBE_ACK:
        return message->ack.command >= PROBE_IDENTIFY && message->ack.command <= PROBE_GET_STATS &&
               message->ack.status <= PROBE_FAILED;
    default:
        return true; /* commands: what they ask for is the probe's to judge, and to answer */
    }
}

static bool type_known(uint8_t type)
{
    return (type >= PROBE_HELLO && type <= PROBE_ACK) || (type >= PROBE_IDENTIFY && type <= PROBE_GET_STATS);
}

/* Of a known type. */
static bool length_fits(uint8_t type, size_t size)
{
    switch (type) {
    case PROBE_HELLO:
        return size == 24 + PROBE_NAME_BYTES;
    case PROBE_EVENTS:
        return size > EVENTS_BASE && (size - EVENTS_BASE) % EVENT_BYTES == 0 &&
               (size - EVENTS_BASE) / EVENT_BYTES <= PROBE_EVENTS_MAX;
    case PROBE_EPOCH:
    case PROBE_OVERFLOW:
        return size == 24;
    case PROBE_STATS:
        return size == 44;
    case PROBE_ERROR:
        return size >= 2 && size <= 1 + PROBE_ERROR_TEXT_MAX;
    case PROBE_ACK:
        return size == 8;
    case PROBE_ARM:
        return size == 1;
    default:
        return size == 0;
    }
}

static void put_hello(uint8_t **at, const struct probe_hello *hello)
{
    const size_t length = text_length(hello->firmware, PROBE_NAME_BYTES);

    put(at, hello->version, 2);
    put(at, hello->channels, 2);
    put(at, hello->clk_hz, 4);
    put(at, hello->resolution_ticks, 2);
    put(at, hello->dead_ticks, 2);
    put(at, hello->board_id, 8);
    put(at, hello->run_id, 4);
    for (size_t i = 0; i < PROBE_NAME_BYTES; i++) {
        put(at, i < length ? (uint8_t)hello->firmware[i] : 0, 1);
    }
}

/* False: there is something after the name's end. */
static bool get_hello(const uint8_t *at, struct probe_hello *hello)
{
    bool ended = false;

    hello->version = (uint16_t)get(&at, 2);
    hello->channels = (uint16_t)get(&at, 2);
    hello->clk_hz = (uint32_t)get(&at, 4);
    hello->resolution_ticks = (uint16_t)get(&at, 2);
    hello->dead_ticks = (uint16_t)get(&at, 2);
    hello->board_id = get(&at, 8);
    hello->run_id = (uint32_t)get(&at, 4);
    for (size_t i = 0; i < PROBE_NAME_BYTES; i++) {
        hello->firmware[i] = (char)get(&at, 1);
        if (ended && hello->firmware[i] != '\0') {
            return false;
        }
        ended = hello->firmware[i] == '\0';
    }
    hello->firmware[PROBE_NAME_BYTES] = '\0';
    return true;
}

static void put_events(uint8_t **at, const struct probe_events *events)
{
    const uint64_t base = events->event[0].ticks;

    put(at, base, 8);
    for (size_t i = 0; i < events->count; i++) {
        put(at, events->event[i].ticks - base, 4);
        put(at, events->event[i].what, 1);
    }
}

/* False: a time beyond what a base may lead to, which must not wrap into a good one. */
static bool get_events(const uint8_t *at, size_t size, struct probe_events *events)
{
    const uint64_t base = get(&at, EVENTS_BASE);

    events->count = (uint8_t)((size - EVENTS_BASE) / EVENT_BYTES);
    for (size_t i = 0; i < events->count; i++) {
        events->event[i].ticks = base + get(&at, 4);
        events->event[i].what = (uint8_t)get(&at, 1);
    }
    return base < PROBE_TICKS_END;
}

static void put_epoch(uint8_t **at, const struct probe_epoch *epoch)
{
    put(at, epoch->now_ticks, 8);
    put(at, epoch->events[0], 4);
    put(at, epoch->events[1], 4);
    put(at, epoch->lost, 4);
    put(at, epoch->checksum, 4);
}

static bool get_epoch(const uint8_t *at, struct probe_epoch *epoch)
{
    epoch->now_ticks = get(&at, 8);
    epoch->events[0] = (uint32_t)get(&at, 4);
    epoch->events[1] = (uint32_t)get(&at, 4);
    epoch->lost = (uint32_t)get(&at, 4);
    epoch->checksum = (uint32_t)get(&at, 4);
    return true;
}

static void put_overflow(uint8_t **at, const struct probe_overflow *overflow)
{
    put(at, overflow->channel, 1);
    put(at, overflow->layer, 1);
    put(at, 0, 2);
    put(at, overflow->lost, 4);
    put(at, overflow->from_ticks, 8);
    put(at, overflow->to_ticks, 8);
}

static bool get_overflow(const uint8_t *at, struct probe_overflow *overflow)
{
    uint64_t zero;

    overflow->channel = (uint8_t)get(&at, 1);
    overflow->layer = (uint8_t)get(&at, 1);
    zero = get(&at, 2);
    overflow->lost = (uint32_t)get(&at, 4);
    overflow->from_ticks = get(&at, 8);
    overflow->to_ticks = get(&at, 8);
    return zero == 0;
}

static void put_stats(uint8_t **at, const struct probe_stats *stats)
{
    put(at, stats->now_ticks, 8);
    put(at, stats->events[0], 4);
    put(at, stats->events[1], 4);
    put(at, stats->glitches, 4);
    put(at, stats->clipped, 4);
    put(at, stats->lost, 4);
    put(at, stats->fifo_overflows, 4);
    put(at, stats->ring_overflows, 4);
    put(at, stats->link_overflows, 4);
    put(at, stats->bad_commands, 4);
}

static bool get_stats(const uint8_t *at, struct probe_stats *stats)
{
    stats->now_ticks = get(&at, 8);
    stats->events[0] = (uint32_t)get(&at, 4);
    stats->events[1] = (uint32_t)get(&at, 4);
    stats->glitches = (uint32_t)get(&at, 4);
    stats->clipped = (uint32_t)get(&at, 4);
    stats->lost = (uint32_t)get(&at, 4);
    stats->fifo_overflows = (uint32_t)get(&at, 4);
    stats->ring_overflows = (uint32_t)get(&at, 4);
    stats->link_overflows = (uint32_t)get(&at, 4);
    stats->bad_commands = (uint32_t)get(&at, 4);
    return true;
}

static void put_error(uint8_t **at, const struct probe_error *error)
{
    const size_t length = text_length(error->text, PROBE_ERROR_TEXT_MAX);

    put(at, error->code, 1);
    for (size_t i = 0; i < length; i++) {
        put(at, (uint8_t)error->text[i], 1);
    }
}

/* False: a NUL in the text, which must not shorten it. */
static bool get_error(const uint8_t *at, size_t size, struct probe_error *error)
{
    const size_t length = size - 1;
    bool whole = true;

    error->code = (uint8_t)get(&at, 1);
    for (size_t i = 0; i < length; i++) {
        error->text[i] = (char)get(&at, 1);
        whole = whole && error->text[i] != '\0';
    }
    error->text[length] = '\0';
    return whole;
}

static void put_ack(uint8_t **at, const struct probe_ack *ack)
{
    put(at, ack->command, 1);
    put(at, ack->sequence, 2);
    put(at, ack->status, 1);
    put(at, ack->value, 4);
}

static bool get_ack(const uint8_t *at, struct probe_ack *ack)
{
    ack->command = (uint8_t)get(&at, 1);
    ack->sequence = (uint16_t)get(&at, 2);
    ack->status = (uint8_t)get(&at, 1);
    ack->value = (uint32_t)get(&at, 4);
    return true;
}

static void put_payload(uint8_t **at, const struct probe_message *message)
{
    switch (message->type) {
    case PROBE_HELLO:
        put_hello(at, &message->hello);
        break;
    case PROBE_EVENTS:
        put_events(at, &message->events);
        break;
    case PROBE_EPOCH:
        put_epoch(at, &message->epoch);
        break;
    case PROBE_OVERFLOW:
        put_overflow(at, &message->overflow);
        break;
    case PROBE_STATS:
        put_stats(at, &message->stats);
        break;
    case PROBE_ERROR:
        put_error(at, &message->error);
        break;
    case PROBE_ACK:
        put_ack(at, &message->ack);
        break;
    case PROBE_ARM:
        put(at, message->arm_mask, 1);
        break;
    default:
        break; /* a command without an argument */
    }
}

/* False: bits that `message` cannot hold break a rule. */
static bool get_payload(const uint8_t *at, size_t size, struct probe_message *message)
{
    switch (message->type) {
    case PROBE_HELLO:
        return get_hello(at, &message->hello);
    case PROBE_EVENTS:
        return get_events(at, size, &message->events);
    case PROBE_EPOCH:
        return get_epoch(at, &message->epoch);
    case PROBE_OVERFLOW:
        return get_overflow(at, &message->overflow);
    case PROBE_STATS:
        return get_stats(at, &message->stats);
    case PROBE_ERROR:
        return get_error(at, size, &message->error);
    case PROBE_ACK:
        return get_ack(at, &message->ack);
    case PROBE_ARM:
        message->arm_mask = *at;
        return true;
    default:
        return true;
    }
}

size_t probe_encode(const struct probe_message *message, uint8_t *wire)
{
    uint8_t *const frame = wire + 1;
    uint8_t *at = frame;

    if (!type_known(message->type) || !message_valid(message)) {
        return 0;
    }
    put(&at, message->type, 1);
    put(&at, message->sequence, 2);
    put_payload(&at, message);
    put(&at, probe_crc(frame, (size_t)(at - frame)), CRC);
    return cobs_encode(wire, (size_t)(at - frame));
}

/* `frame` as it was before COBS. */
static enum probe_found decode(const uint8_t *frame, size_t size, struct probe_message *message)
{
    const uint8_t *at = frame;
    const uint8_t *crc = frame + size - CRC;
    const size_t payload = size - PROBE_OVERHEAD;

    if (probe_crc(frame, size - CRC) != get(&crc, CRC)) {
        return PROBE_FOUND_BAD_CRC;
    }
    message->type = (uint8_t)get(&at, 1);
    message->sequence = (uint16_t)get(&at, 2);
    if (!type_known(message->type)) {
        return PROBE_FOUND_BAD_TYPE;
    }
    if (!length_fits(message->type, payload)) {
        return PROBE_FOUND_BAD_LENGTH;
    }
    return get_payload(at, payload, message) && message_valid(message) ? PROBE_FOUND_MESSAGE : PROBE_FOUND_BAD_VALUE;
}

enum probe_found probe_decoder_feed(struct probe_decoder *decoder, uint8_t byte, struct probe_message *message)
{
    const size_t length = decoder->length;
    size_t size;

    if (byte != 0) {
        if (length < sizeof decoder->wire) {
            decoder->wire[decoder->length++] = byte;
        }
        return PROBE_FOUND_NOTHING;
    }
    decoder->length = 0;
    if (length == 0) {
        return PROBE_FOUND_NOTHING;
    }
    if (length <= PROBE_OVERHEAD || length > PROBE_FRAME_MAX + 1) {
        return PROBE_FOUND_BAD_LENGTH;
    }
    size = cobs_decode(decoder->wire, length);
    return size == 0 ? PROBE_FOUND_BAD_CRC : decode(decoder->wire + 1, size, message);
}
