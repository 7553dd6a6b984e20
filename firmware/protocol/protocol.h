/* SPDX-License-Identifier: MIT */
/*
 * The probe's protocol, as SPEC.md beside this file writes it down. Freestanding C17: no allocation, no libc beyond
 * <stdint.h>, <stddef.h>, <stdbool.h>; shared by the firmware and the host.
 */
#ifndef P2P_PROTOCOL_PROTOCOL_H
#define P2P_PROTOCOL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROBE_PROTOCOL_VERSION = 1,
    PROBE_CHANNELS = 2,
    PROBE_FRAME_MAX = 250,                                /* decoded, with type, sequence and crc */
    PROBE_OVERHEAD = 5,                                   /* type, sequence, crc */
    PROBE_PAYLOAD_MAX = PROBE_FRAME_MAX - PROBE_OVERHEAD, /* 245 */
    PROBE_WIRE_MAX = PROBE_FRAME_MAX + 2,                 /* COBS byte and delimiter */
    PROBE_EVENTS_MAX = (PROBE_PAYLOAD_MAX - 8) / 5,       /* in one EVENTS frame: 47 */
    PROBE_NAME_BYTES = 16,
    PROBE_ERROR_TEXT_MAX = 64,
};

#define PROBE_TICKS_END    (UINT64_C(1) << 56) /* all times are below: 18 years at 125 MHz */
#define PROBE_LOST_UNKNOWN UINT32_C(0xffffffff)

enum probe_type {
    PROBE_HELLO = 0x01,
    PROBE_EVENTS = 0x02,
    PROBE_EPOCH = 0x03,
    PROBE_OVERFLOW = 0x04,
    PROBE_STATS = 0x05,
    PROBE_ERROR = 0x06,
    PROBE_ACK = 0x07,
    PROBE_IDENTIFY = 0x41,
    PROBE_ARM = 0x42,
    PROBE_STOP = 0x43,
    PROBE_SELF_TEST = 0x44,
    PROBE_GET_STATS = 0x45,
};

enum probe_what {
    PROBE_WHAT_CHANNEL = 0x0f,
    PROBE_WHAT_LEVEL = 0x10,
    PROBE_WHAT_GLITCH = 0x20,
    PROBE_WHAT_CLIPPED = 0x40,
    PROBE_WHAT_ZERO = 0x80, /* never set */
};

enum probe_layer { PROBE_LAYER_FIFO = 1, PROBE_LAYER_RING = 2, PROBE_LAYER_LINK = 3 };

enum probe_status { PROBE_DONE = 0, PROBE_WRONG_STATE = 1, PROBE_BAD_ARGUMENT = 2, PROBE_FAILED = 3 };

struct probe_hello {
    uint16_t version;
    uint16_t channels;
    uint32_t clk_hz;
    uint16_t resolution_ticks;
    uint16_t dead_ticks;
    uint64_t board_id;
    uint32_t run_id;
    char firmware[PROBE_NAME_BYTES + 1]; /* printable ASCII, NUL-terminated here */
};

struct probe_event {
    uint64_t ticks;
    uint8_t what; /* enum probe_what */
};

struct probe_events {
    uint8_t count; /* 1..PROBE_EVENTS_MAX; all within 2^32 ticks of the first, ascending */
    struct probe_event event[PROBE_EVENTS_MAX];
};

struct probe_epoch {
    uint64_t now_ticks;
    uint32_t events[PROBE_CHANNELS];
    uint32_t lost;
    uint32_t checksum; /* probe_checksum of all events since ARM, and of one at now_ticks with `what` 0 */
};

struct probe_overflow {
    uint8_t channel;
    uint8_t layer; /* enum probe_layer */
    uint32_t lost; /* at least 1, or PROBE_LOST_UNKNOWN */
    uint64_t from_ticks, to_ticks;
};

struct probe_stats {
    uint64_t now_ticks;
    uint32_t events[PROBE_CHANNELS];
    uint32_t glitches, clipped, lost, fifo_overflows, ring_overflows, link_overflows, bad_commands;
};

struct probe_error {
    uint8_t code;
    char text[PROBE_ERROR_TEXT_MAX + 1]; /* printable ASCII, NUL-terminated here */
};

struct probe_ack {
    uint8_t command; /* enum probe_type */
    uint16_t sequence;
    uint8_t status; /* enum probe_status */
    uint32_t value;
};

struct probe_message {
    uint8_t type; /* enum probe_type */
    uint16_t sequence;
    union {
        struct probe_hello hello;
        struct probe_events events;
        struct probe_epoch epoch;
        struct probe_overflow overflow;
        struct probe_stats stats;
        struct probe_error error;
        struct probe_ack ack;
        uint8_t arm_mask;
    };
};

/*
 * Encodes `message` with COBS and delimiter into `wire` (at least PROBE_WIRE_MAX bytes). Returns the number of bytes, 0
 * if the message breaks a rule of the protocol (unknown type, too many events, events out of order, ...).
 */
size_t probe_encode(const struct probe_message *message, uint8_t *wire);

/* What probe_decoder_feed found. */
enum probe_found {
    PROBE_FOUND_NOTHING, /* the frame is not complete yet */
    PROBE_FOUND_MESSAGE,
    PROBE_FOUND_BAD_CRC,    /* also what COBS can't decode */
    PROBE_FOUND_BAD_LENGTH, /* too long, too short, or wrong for its type */
    PROBE_FOUND_BAD_TYPE,
    PROBE_FOUND_BAD_VALUE, /* a field breaks a rule: bits that must be 0, events out of order */
};

struct probe_decoder {
    uint8_t wire[PROBE_WIRE_MAX]; /* full: longer than any frame */
    size_t length;
};

/*
 * Zero-initialise the decoder. `message` is whole only when PROBE_FOUND_MESSAGE says so. Takes one byte; a message is
 * complete with the 0x00 that ends its frame.
 */
enum probe_found probe_decoder_feed(struct probe_decoder *decoder, uint8_t byte, struct probe_message *message);

/* CRC-16/CCITT-FALSE; check value of "123456789": 0x29b1. */
uint16_t probe_crc(const uint8_t *data, size_t size);

/* The checksum of events so far, of none 0, becomes that of them and `event`. */
uint32_t probe_checksum(uint32_t checksum, const struct probe_event *event);

#endif
