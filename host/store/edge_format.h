/* SPDX-License-Identifier: MIT */
/*
 * The bytes of an edge file: what its writer and its reader share, and nobody else needs. SPEC.md beside this file is
 * the authority for every offset and every rule here.
 */
#ifndef P2P_STORE_EDGE_FORMAT_H
#define P2P_STORE_EDGE_FORMAT_H

#include "capture/edge.h"
#include "store/edge_file.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    EDGE_FILE_VERSION = 1,
    EDGE_FILE_HEADER_BYTES = 64,
    EDGE_FILE_BLOCK_BYTES = 4096,
    EDGE_FILE_RECORD_BYTES = 8,
};

enum edge_file_header_offset {
    EDGE_FILE_HEADER_MAGIC = 0,
    EDGE_FILE_HEADER_VERSION = 8,
    EDGE_FILE_HEADER_SIZE = 10,
    EDGE_FILE_HEADER_BLOCK_SIZE = 12,
    EDGE_FILE_HEADER_TICK_HZ = 16,
    EDGE_FILE_HEADER_TIME_BASE = 24,
    EDGE_FILE_HEADER_RESERVED = 25,
    EDGE_FILE_HEADER_CRC = 60,
};

enum edge_file_block_offset {
    EDGE_FILE_BLOCK_MAGIC = 0,
    EDGE_FILE_BLOCK_NUMBER = 4,
    EDGE_FILE_BLOCK_COUNT = 8,
    EDGE_FILE_BLOCK_KIND = 10,
    EDGE_FILE_BLOCK_RESERVED = 11,
    EDGE_FILE_BLOCK_CRC = 12,
    EDGE_FILE_BLOCK_CONTENTS = 16,
};

enum { EDGE_FILE_BLOCK_EDGES = (EDGE_FILE_BLOCK_BYTES - EDGE_FILE_BLOCK_CONTENTS) / EDGE_FILE_RECORD_BYTES };

enum edge_file_kind {
    EDGE_FILE_KIND_EDGES = 1,
    EDGE_FILE_KIND_END = 2,
};

enum edge_file_shift {
    EDGE_FILE_SHIFT_LEVEL = 56,
    EDGE_FILE_SHIFT_CHANNEL = 57,
    EDGE_FILE_SHIFT_FLAGS = 60,
};

#define EDGE_FILE_TICKS_LIMIT (UINT64_C(1) << EDGE_FILE_SHIFT_LEVEL)

extern const uint8_t edge_file_header_magic[8];
extern const uint8_t edge_file_block_magic[4];

static inline void edge_file_store_u16(uint8_t *at, uint16_t value)
{
    value = htole16(value);
    memcpy(at, &value, sizeof value);
}

static inline void edge_file_store_u32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

static inline void edge_file_store_u64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

static inline uint16_t edge_file_load_u16(const uint8_t *at)
{
    uint16_t value;

    memcpy(&value, at, sizeof value);
    return le16toh(value);
}

static inline uint32_t edge_file_load_u32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static inline uint64_t edge_file_load_u64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

bool edge_file_all_zero(const uint8_t *bytes, const uint8_t *end);
uint32_t edge_file_header_crc(const uint8_t *header);
uint32_t edge_file_block_crc(const uint8_t *block);
uint64_t edge_file_block_at(uint64_t number); /* offset in the file */
/* The digest of SPEC.md with one more checksum in it; 0 before the first, the header's. */
uint32_t edge_file_digest(uint32_t digest, const uint8_t *crc);

/* One rule for both sides: the writer makes no file that the reader would refuse. */
bool edge_file_header_is_valid(const struct p2p_edge_file_header *header);

/* Inline, as this one and the next are done for every edge of a file. */
static inline bool edge_file_edge_is_valid(const struct p2p_edge *edge)
{
    if (edge->ticks >= EDGE_FILE_TICKS_LIMIT || edge->level > 1) {
        return false;
    }
    switch (edge->channel) {
    case P2P_CHANNEL_STIMULUS:
    case P2P_CHANNEL_ANSWER:
        return (edge->flags & ~(P2P_EDGE_GLITCH | P2P_EDGE_CLIPPED)) == 0;
    case P2P_CHANNEL_MARK:
        return edge->flags == P2P_MARK_ARMED || edge->flags == P2P_MARK_DISARMED;
    default:
        return false;
    }
}

static inline struct p2p_edge edge_file_decode_edge(uint64_t record)
{
    return (struct p2p_edge){
        .ticks = record & (EDGE_FILE_TICKS_LIMIT - 1),
        .level = (uint8_t)(record >> EDGE_FILE_SHIFT_LEVEL & 1),
        .channel = (uint8_t)(record >> EDGE_FILE_SHIFT_CHANNEL & 7),
        .flags = (uint8_t)(record >> EDGE_FILE_SHIFT_FLAGS),
    };
}

uint64_t edge_file_encode_edge(const struct p2p_edge *edge);

/* The error that stands, copied to the caller. */
enum p2p_code edge_file_outcome(const struct p2p_error *failure, struct p2p_error *error);

#endif
