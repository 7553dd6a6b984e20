/* SPDX-License-Identifier: MIT */
#include "store/edge_format.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 16 }; /* one system call for 16 blocks: the usual 4096 bytes would need one each */

struct p2p_edge_reader {
    char *path;
    FILE *file;
    uint64_t number; /* of the block to load next */
    uint64_t total;  /* edges in all blocks before it */
    bool partial;    /* the block before it was not full: only the end block may follow */
    bool complete;   /* the end block was there */
    uint32_t digest; /* of the header and of all blocks of edges before it */
    struct p2p_error failure;
    size_t count; /* edges of the loaded block */
    size_t taken; /* how many of them have been handed out */
    struct p2p_edge edges[EDGE_FILE_BLOCK_EDGES];
    uint8_t block[EDGE_FILE_BLOCK_BYTES];
    char buffer[BUFFER_BYTES]; /* of `file` */
};

/* For a read that ended early with ferror set: a folder is the user's mistake, a bad disk is not. */
static enum p2p_code read_error(const char *path, struct p2p_error *error)
{
    return p2p_error_set_errno(error, errno == EISDIR ? P2P_E_INPUT : P2P_E_HOST, errno, "%s: cannot read", path);
}

/* The version is looked at before the checksum, so that the future is not called damaged. */
static enum p2p_code parse_header(const uint8_t *bytes, size_t size, const char *path,
                                  struct p2p_edge_file_header *header, struct p2p_error *error)
{
    unsigned int version;

    if (size < EDGE_FILE_HEADER_BYTES ||
        memcmp(bytes + EDGE_FILE_HEADER_MAGIC, edge_file_header_magic, sizeof edge_file_header_magic) != 0) {
        return p2p_error_set(error, P2P_E_INPUT, "%s: not an edge file", path);
    }
    version = edge_file_load_u16(bytes + EDGE_FILE_HEADER_VERSION);
    if (version > EDGE_FILE_VERSION) {
        return p2p_error_set(error, P2P_E_INPUT,
                             "%s: made by a newer pin2pin (edge file version %u; this one reads up to %d)", path,
                             version, EDGE_FILE_VERSION);
    }
    if (edge_file_load_u32(bytes + EDGE_FILE_HEADER_CRC) != edge_file_header_crc(bytes)) {
        return p2p_error_set(error, P2P_E_INPUT, "%s: damaged: the header's checksum is wrong", path);
    }
    header->tick_hz = edge_file_load_u64(bytes + EDGE_FILE_HEADER_TICK_HZ);
    header->time_base = (enum p2p_time_base)bytes[EDGE_FILE_HEADER_TIME_BASE];
    if (version != EDGE_FILE_VERSION || edge_file_load_u16(bytes + EDGE_FILE_HEADER_SIZE) != EDGE_FILE_HEADER_BYTES ||
        edge_file_load_u32(bytes + EDGE_FILE_HEADER_BLOCK_SIZE) != EDGE_FILE_BLOCK_BYTES ||
        !edge_file_header_is_valid(header) ||
        !edge_file_all_zero(bytes + EDGE_FILE_HEADER_RESERVED, bytes + EDGE_FILE_HEADER_CRC)) {
        return p2p_error_set(error, P2P_E_INPUT, "%s: the header has a value that no pin2pin writes", path);
    }
    return P2P_OK;
}

static enum p2p_code read_header(FILE *file, const char *path, struct p2p_edge_file_header *header, uint32_t *digest,
                                 struct p2p_error *error)
{
    uint8_t bytes[EDGE_FILE_HEADER_BYTES] = {0};
    size_t size = fread(bytes, 1, sizeof bytes, file);

    if (ferror(file)) {
        return read_error(path, error);
    }
    *digest = edge_file_digest(0, bytes + EDGE_FILE_HEADER_CRC);
    return parse_header(bytes, size, path, header, error);
}

/* A FIFO must not hang us. */
static FILE *open_regular(const char *path, struct p2p_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *file = NULL;
    struct stat status;

    if (fd < 0) {
        p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: cannot open", path);
        return NULL;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        p2p_error_set(error, P2P_E_INPUT, "%s: not a regular file", path);
    } else if ((file = fdopen(fd, "rb")) == NULL) {
        p2p_error_set_errno(error, P2P_E_HOST, errno, "%s", path);
    }
    if (file == NULL) {
        close(fd);
    }
    return file;
}

struct p2p_edge_reader *p2p_edge_reader_open(const char *path, struct p2p_edge_file_header *header,
                                             struct p2p_error *error)
{
    struct p2p_edge_reader *reader = calloc(1, sizeof *reader);

    if (reader != NULL) {
        reader->path = strdup(path);
    }
    if (reader == NULL || reader->path == NULL) {
        p2p_error_set_errno(error, P2P_E_HOST, ENOMEM, "%s", path);
        goto out;
    }
    reader->file = open_regular(path, error);
    if (reader->file == NULL) {
        goto out;
    }
    (void)setvbuf(reader->file, reader->buffer, _IOFBF, sizeof reader->buffer); /* else it is only slower */
    if (read_header(reader->file, path, header, &reader->digest, error) != P2P_OK) {
        goto out;
    }
    return reader;
out:
    p2p_edge_reader_close(reader);
    return NULL;
}

static enum p2p_code damaged(struct p2p_edge_reader *reader, const char *how)
{
    return p2p_error_set(&reader->failure, P2P_E_INPUT, "%s: block %" PRIu64 " at offset %" PRIu64 ": %s", reader->path,
                         reader->number, edge_file_block_at(reader->number), how);
}

/* What cannot be read is there all the same. */
static bool something_follows(struct p2p_edge_reader *reader)
{
    return fgetc(reader->file) != EOF || ferror(reader->file) != 0;
}

/* The loaded block, whose checksum is right, becomes reader->edges. */
static enum p2p_code take_edges(struct p2p_edge_reader *reader)
{
    const uint8_t *record = reader->block + EDGE_FILE_BLOCK_CONTENTS;
    size_t count = edge_file_load_u16(reader->block + EDGE_FILE_BLOCK_COUNT);

    if (count == 0 || count > EDGE_FILE_BLOCK_EDGES) {
        return damaged(reader, "edge count out of range");
    }
    if (reader->partial) {
        return damaged(reader, "edges after a block that is not full");
    }
    for (size_t i = 0; i < count; i++, record += EDGE_FILE_RECORD_BYTES) {
        reader->edges[i] = edge_file_decode_edge(edge_file_load_u64(record));
        if (!edge_file_edge_is_valid(&reader->edges[i])) {
            return damaged(reader, "unknown channel, flag or mark");
        }
    }
    if (!edge_file_all_zero(record, reader->block + EDGE_FILE_BLOCK_BYTES)) {
        return damaged(reader, "bytes behind the edges are not zero");
    }
    reader->partial = count < EDGE_FILE_BLOCK_EDGES;
    reader->count = count;
    reader->total += count;
    reader->digest = edge_file_digest(reader->digest, reader->block + EDGE_FILE_BLOCK_CRC);
    reader->number++;
    return P2P_OK;
}

static enum p2p_code take_end(struct p2p_edge_reader *reader)
{
    const uint8_t *total = reader->block + EDGE_FILE_BLOCK_CONTENTS;

    if (edge_file_load_u16(reader->block + EDGE_FILE_BLOCK_COUNT) != 0 || edge_file_load_u64(total) != reader->total ||
        !edge_file_all_zero(total + sizeof reader->total, reader->block + EDGE_FILE_BLOCK_BYTES)) {
        return damaged(reader, "the end block does not agree with the edges before it");
    }
    if (something_follows(reader)) {
        return damaged(reader, "data after the end block");
    }
    reader->complete = true;
    return P2P_OK;
}

static enum p2p_code take_block(struct p2p_edge_reader *reader)
{
    const uint8_t *block = reader->block;

    if (memcmp(block + EDGE_FILE_BLOCK_MAGIC, edge_file_block_magic, sizeof edge_file_block_magic) != 0 ||
        edge_file_load_u32(block + EDGE_FILE_BLOCK_NUMBER) != (uint32_t)reader->number ||
        block[EDGE_FILE_BLOCK_RESERVED] != 0) {
        return damaged(reader, "not the block that belongs here");
    }
    switch (block[EDGE_FILE_BLOCK_KIND]) {
    case EDGE_FILE_KIND_EDGES:
        return take_edges(reader);
    case EDGE_FILE_KIND_END:
        return take_end(reader);
    default:
        return damaged(reader, "unknown kind");
    }
}

static enum p2p_code load_block(struct p2p_edge_reader *reader)
{
    size_t size = fread(reader->block, 1, EDGE_FILE_BLOCK_BYTES, reader->file);

    reader->count = 0;
    reader->taken = 0;
    if (ferror(reader->file)) {
        return read_error(reader->path, &reader->failure);
    }
    if (size == EDGE_FILE_BLOCK_BYTES &&
        edge_file_load_u32(reader->block + EDGE_FILE_BLOCK_CRC) == edge_file_block_crc(reader->block)) {
        return take_block(reader);
    }
    if (size == EDGE_FILE_BLOCK_BYTES && something_follows(reader)) {
        return damaged(reader, "the checksum is wrong");
    }
    /* The end, which a crash may have torn. The stream stays at its end: later calls come here again. */
    return P2P_OK;
}

enum p2p_code p2p_edge_reader_next(struct p2p_edge_reader *reader, struct p2p_edge *edges, size_t capacity,
                                   size_t *count, struct p2p_error *error)
{
    size_t left;

    *count = 0;
    if (reader->failure.code == P2P_OK && reader->taken == reader->count) {
        (void)load_block(reader);
    }
    if (reader->failure.code != P2P_OK) {
        return edge_file_outcome(&reader->failure, error);
    }
    left = reader->count - reader->taken;
    *count = left < capacity ? left : capacity;
    memcpy(edges, reader->edges + reader->taken, *count * sizeof *edges);
    reader->taken += *count;
    return P2P_OK;
}

bool p2p_edge_reader_complete(const struct p2p_edge_reader *reader)
{
    return reader->complete;
}

uint32_t p2p_edge_reader_digest(const struct p2p_edge_reader *reader)
{
    return reader->digest;
}

void p2p_edge_reader_close(struct p2p_edge_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->file != NULL) {
        (void)fclose(reader->file);
    }
    free(reader->path);
    free(reader);
}
