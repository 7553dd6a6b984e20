/* SPDX-License-Identifier: MIT */
#include "store/edge_format.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

struct p2p_edge_writer {
    char *path;
    int fd;
    uint64_t number;          /* of the block being filled */
    size_t count;             /* edges in it */
    uint64_t total;           /* edges in it and in all blocks before it */
    bool dirty;               /* it holds edges that are not written yet */
    uint32_t digest;          /* of the header and of all blocks before it */
    struct p2p_error failure; /* the first one: nothing is appended after it */
    uint8_t block[EDGE_FILE_BLOCK_BYTES];
};

/* 0, or -1 with errno. */
static int write_all(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, bytes, size, (off_t)offset);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return -1;
        }
        if (written == 0) { /* must not be, and must not make us spin */
            errno = EIO;
            return -1;
        }
        bytes += written;
        offset += (uint64_t)written;
        size -= (size_t)written;
    }
    return 0;
}

static void writer_free(struct p2p_edge_writer *writer)
{
    if (writer->fd >= 0) {
        (void)close(writer->fd); /* after fsync it has nothing left to report */
    }
    free(writer->path);
    free(writer);
}

static int write_header(int fd, const struct p2p_edge_file_header *header, uint32_t *digest)
{
    uint8_t bytes[EDGE_FILE_HEADER_BYTES] = {0};

    memcpy(bytes + EDGE_FILE_HEADER_MAGIC, edge_file_header_magic, sizeof edge_file_header_magic);
    edge_file_store_u16(bytes + EDGE_FILE_HEADER_VERSION, EDGE_FILE_VERSION);
    edge_file_store_u16(bytes + EDGE_FILE_HEADER_SIZE, EDGE_FILE_HEADER_BYTES);
    edge_file_store_u32(bytes + EDGE_FILE_HEADER_BLOCK_SIZE, EDGE_FILE_BLOCK_BYTES);
    edge_file_store_u64(bytes + EDGE_FILE_HEADER_TICK_HZ, header->tick_hz);
    bytes[EDGE_FILE_HEADER_TIME_BASE] = (uint8_t)header->time_base;
    edge_file_store_u32(bytes + EDGE_FILE_HEADER_CRC, edge_file_header_crc(bytes));
    *digest = edge_file_digest(0, bytes + EDGE_FILE_HEADER_CRC);
    return write_all(fd, bytes, sizeof bytes, 0);
}

struct p2p_edge_writer *p2p_edge_writer_open(const char *path, const struct p2p_edge_file_header *header,
                                             struct p2p_error *error)
{
    struct p2p_edge_writer *writer;

    if (!edge_file_header_is_valid(header)) {
        p2p_error_set(error, P2P_E_BENCH, "%s: cannot record at %" PRIu64 " ticks a second in time base %d", path,
                      header->tick_hz, (int)header->time_base);
        return NULL;
    }
    writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        p2p_error_set_errno(error, P2P_E_HOST, ENOMEM, "%s", path);
        return NULL;
    }
    writer->fd = -1;
    writer->path = strdup(path);
    if (writer->path == NULL) {
        p2p_error_set_errno(error, P2P_E_HOST, ENOMEM, "%s", path);
        goto out;
    }
    writer->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (writer->fd < 0) {
        p2p_error_set_errno(error, errno == EEXIST ? P2P_E_INPUT : P2P_E_HOST, errno, "%s: cannot create", path);
        goto out;
    }
    if (write_header(writer->fd, header, &writer->digest) != 0) {
        p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot write", path);
        (void)unlink(path);
        goto out;
    }
    return writer;
out:
    writer_free(writer);
    return NULL;
}

/* Writes the block in memory to its place. */
static bool write_block(struct p2p_edge_writer *writer, enum edge_file_kind kind)
{
    uint8_t *block = writer->block;

    memcpy(block + EDGE_FILE_BLOCK_MAGIC, edge_file_block_magic, sizeof edge_file_block_magic);
    edge_file_store_u32(block + EDGE_FILE_BLOCK_NUMBER, (uint32_t)writer->number); /* modulo 2^32, says the SPEC */
    edge_file_store_u16(block + EDGE_FILE_BLOCK_COUNT, (uint16_t)writer->count);
    block[EDGE_FILE_BLOCK_KIND] = (uint8_t)kind;
    edge_file_store_u32(block + EDGE_FILE_BLOCK_CRC, edge_file_block_crc(block));
    if (write_all(writer->fd, block, EDGE_FILE_BLOCK_BYTES, edge_file_block_at(writer->number)) == 0) {
        return true;
    }
    p2p_error_set_errno(&writer->failure, P2P_E_HOST, errno,
                        "%s: kept the %" PRIu64 " edges before block %" PRIu64 ", which cannot be written",
                        writer->path, writer->total - writer->count, writer->number);
    return false;
}

static void start_block(struct p2p_edge_writer *writer)
{
    writer->number++;
    writer->count = 0;
    memset(writer->block, 0, sizeof writer->block);
}

/* Tries again after an error, too: what found no room before may find it now. */
static void flush_edges(struct p2p_edge_writer *writer)
{
    if (!writer->dirty || !write_block(writer, EDGE_FILE_KIND_EDGES)) {
        return;
    }
    writer->dirty = false;
    if (writer->count == EDGE_FILE_BLOCK_EDGES) {
        writer->digest = edge_file_digest(writer->digest, writer->block + EDGE_FILE_BLOCK_CRC);
        start_block(writer);
    }
}

enum p2p_code p2p_edge_writer_append(struct p2p_edge_writer *writer, const struct p2p_edge *edges, size_t count,
                                     struct p2p_error *error)
{
    for (size_t i = 0; i < count && writer->failure.code == P2P_OK; i++) {
        const struct p2p_edge *edge = &edges[i];

        if (!edge_file_edge_is_valid(edge)) {
            p2p_error_set(&writer->failure, P2P_E_BENCH,
                          "%s: edge %" PRIu64 " is impossible: channel %u, level %u, flags 0x%x, ticks %" PRIu64,
                          writer->path, writer->total, edge->channel, edge->level, edge->flags, edge->ticks);
            break;
        }
        edge_file_store_u64(writer->block + EDGE_FILE_BLOCK_CONTENTS + writer->count * EDGE_FILE_RECORD_BYTES,
                            edge_file_encode_edge(edge));
        writer->count++;
        writer->total++;
        writer->dirty = true;
        if (writer->count == EDGE_FILE_BLOCK_EDGES) {
            flush_edges(writer);
        }
    }
    return edge_file_outcome(&writer->failure, error);
}

enum p2p_code p2p_edge_writer_flush(struct p2p_edge_writer *writer, struct p2p_error *error)
{
    flush_edges(writer);
    return edge_file_outcome(&writer->failure, error);
}

uint32_t p2p_edge_writer_digest(struct p2p_edge_writer *writer)
{
    flush_edges(writer);
    return writer->count == 0 ? writer->digest : edge_file_digest(writer->digest, writer->block + EDGE_FILE_BLOCK_CRC);
}

static void write_end(struct p2p_edge_writer *writer)
{
    if (writer->count > 0) {
        start_block(writer);
    }
    edge_file_store_u64(writer->block + EDGE_FILE_BLOCK_CONTENTS, writer->total);
    (void)write_block(writer, EDGE_FILE_KIND_END);
}

enum p2p_code p2p_edge_writer_finish(struct p2p_edge_writer *writer, struct p2p_error *error)
{
    enum p2p_code code;

    if (writer == NULL) {
        return P2P_OK;
    }
    flush_edges(writer);
    if (writer->failure.code == P2P_OK) {
        write_end(writer);
    }
    if (writer->failure.code == P2P_OK && (!p2p_sync(writer->fd) || !p2p_sync_folder_of(writer->path))) {
        p2p_error_set_errno(&writer->failure, P2P_E_HOST, errno, "%s: cannot sync to the disk", writer->path);
    }
    code = edge_file_outcome(&writer->failure, error);
    writer_free(writer);
    return code;
}

void p2p_edge_writer_abandon(struct p2p_edge_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    flush_edges(writer);
    writer_free(writer);
}
