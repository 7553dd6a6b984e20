/* SPDX-License-Identifier: MIT */
#include "store/edge_format.h"

#include <zlib.h>

const uint8_t edge_file_header_magic[8] = {'P', '2', 'P', 'E', 'D', 'G', 'E', 'S'};
const uint8_t edge_file_block_magic[4] = {'P', '2', 'P', 'B'};

bool edge_file_all_zero(const uint8_t *bytes, const uint8_t *end)
{
    while (bytes < end && *bytes == 0) {
        bytes++;
    }
    return bytes == end;
}

uint32_t edge_file_header_crc(const uint8_t *header)
{
    return (uint32_t)crc32(0, header, EDGE_FILE_HEADER_CRC);
}

uint32_t edge_file_block_crc(const uint8_t *block)
{
    static const uint8_t zero_field[EDGE_FILE_BLOCK_CONTENTS - EDGE_FILE_BLOCK_CRC];
    uLong crc = crc32(0, block, EDGE_FILE_BLOCK_CRC);

    crc = crc32(crc, zero_field, sizeof zero_field);
    return (uint32_t)crc32(crc, block + EDGE_FILE_BLOCK_CONTENTS, EDGE_FILE_BLOCK_BYTES - EDGE_FILE_BLOCK_CONTENTS);
}

uint32_t edge_file_digest(uint32_t digest, const uint8_t *crc)
{
    return (uint32_t)crc32(digest, crc, sizeof(uint32_t));
}

uint64_t edge_file_block_at(uint64_t number)
{
    return EDGE_FILE_HEADER_BYTES + number * EDGE_FILE_BLOCK_BYTES;
}

bool edge_file_header_is_valid(const struct p2p_edge_file_header *header)
{
    return header->tick_hz > 0 &&
           (header->time_base == P2P_TIME_HARDWARE || header->time_base == P2P_TIME_INSTRUCTIONS);
}

uint64_t edge_file_encode_edge(const struct p2p_edge *edge)
{
    return edge->ticks | (uint64_t)edge->level << EDGE_FILE_SHIFT_LEVEL |
           (uint64_t)edge->channel << EDGE_FILE_SHIFT_CHANNEL | (uint64_t)edge->flags << EDGE_FILE_SHIFT_FLAGS;
}

enum p2p_code edge_file_outcome(const struct p2p_error *failure, struct p2p_error *error)
{
    if (failure->code == P2P_OK) {
        return P2P_OK;
    }
    return p2p_error_set(error, failure->code, "%s", failure->message);
}
