/* SPDX-License-Identifier: MIT */
/* The wires protocol as host/ports/WIRES-SPEC.md writes it down; shared by the host and the QEMU plugin. */
#ifndef P2P_PORTS_WIRES_PROTOCOL_H
#define P2P_PORTS_WIRES_PROTOCOL_H

#include <stdint.h>

enum {
    WIRES_VERSION = 1,
    WIRES_HEADER_BYTES = 8,
    WIRES_RECORD_BYTES = 16,
    WIRES_RECORDS_MAX = 4096, /* in one EDGES or SEEN frame */
    WIRES_PAYLOAD_MAX = WIRES_RECORD_BYTES * WIRES_RECORDS_MAX,
    WIRES_HELLO_BYTES = 12,
    WIRES_TIME_BYTES = 8,
};

enum wires_type {
    /* host to board */
    WIRES_RUN = 0x01,   /* u64 until_ns */
    WIRES_EDGES = 0x02, /* records: edges to play */
    /* board to host */
    WIRES_HELLO = 0x81,  /* u16 version, u16 lines, u32 QEMU version a.b.c as a << 16 | b << 8 | c, u32 reserved */
    WIRES_SEEN = 0x82,   /* records: edges that happened */
    WIRES_PAUSED = 0x83, /* u64 at_ns */
    WIRES_FAULT = 0x84,  /* text */
};

enum wires_source {
    WIRES_DRIVEN = 0, /* by us, into the board */
    WIRES_OUTPUT = 1, /* by the board */
};

struct wires_record {
    uint64_t at_ns; /* QEMU's virtual clock */
    uint8_t line;
    uint8_t level;
    uint8_t source; /* enum wires_source; 0 in EDGES */
};

static inline void wires_put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint64_t wires_get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static inline void wires_put_header(uint8_t *at, enum wires_type type, uint32_t payload_bytes)
{
    wires_put(at, payload_bytes, 4);
    wires_put(at + 4, type, 4);
}

static inline void wires_put_record(uint8_t *at, const struct wires_record *record)
{
    wires_put(at, record->at_ns, 8);
    at[8] = record->line;
    at[9] = record->level;
    at[10] = record->source;
    wires_put(at + 11, 0, 5);
}

static inline struct wires_record wires_get_record(const uint8_t *at)
{
    return (struct wires_record){.at_ns = wires_get(at, 8), .line = at[8], .level = at[9], .source = at[10]};
}

#endif
