/* SPDX-License-Identifier: MIT */
/* SPEC.md beside this file is the authority for every offset and every rule here. */
#include "store/edge_file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#include <zlib.h>

enum {
    VERSION = 1,
    HEADER_BYTES = 64,
    BLOCK_BYTES = 4096,
    RECORD_BYTES = 8,
};

enum header_offset {
    HEADER_MAGIC = 0,
    HEADER_VERSION = 8,
    HEADER_SIZE = 10,
    HEADER_BLOCK_SIZE = 12,
    HEADER_TICK_HZ = 16,
    HEADER_TIME_BASE = 24,
    HEADER_RESERVED = 25,
    HEADER_CRC = 60,
};

enum block_offset {
    BLOCK_MAGIC = 0,
    BLOCK_NUMBER = 4,
    BLOCK_COUNT = 8,
    BLOCK_KIND = 10,
    BLOCK_RESERVED = 11,
    BLOCK_CRC = 12,
    BLOCK_CONTENTS = 16,
};

enum { BLOCK_EDGES = (BLOCK_BYTES - BLOCK_CONTENTS) / RECORD_BYTES };

enum block_kind {
    KIND_EDGES = 1,
    KIND_END = 2,
};

enum record_shift {
    SHIFT_LEVEL = 56,
    SHIFT_CHANNEL = 57,
    SHIFT_FLAGS = 60,
};

#define TICKS_LIMIT (UINT64_C(1) << SHIFT_LEVEL)

static const uint8_t header_magic[8] = {'P', '2', 'P', 'E', 'D', 'G', 'E', 'S'};
static const uint8_t block_magic[4] = {'P', '2', 'P', 'B'};

struct p2p_edge_writer {
    char *path;
    int fd;
    uint64_t number;          /* of the block being filled */
    size_t count;             /* edges in it */
    uint64_t total;           /* edges in it and in all blocks before it */
    bool dirty;               /* it holds edges that are not written yet */
    struct p2p_error failure; /* the first one: nothing is appended after it */
    uint8_t block[BLOCK_BYTES];
};

struct p2p_edge_reader {
    char *path;
    FILE *file;
    uint64_t number; /* of the block to load next */
    uint64_t total;  /* edges in all blocks before it */
    bool partial;    /* the block before it was not full: only the end block may follow */
    bool complete;   /* the end block was there */
    struct p2p_error failure;
    size_t count; /* edges of the loaded block */
    size_t taken; /* how many of them have been handed out */
    struct p2p_edge edges[BLOCK_EDGES];
    uint8_t block[BLOCK_BYTES];
};

static void store_u16(uint8_t *at, uint16_t value)
{
    value = htole16(value);
    memcpy(at, &value, sizeof value);
}

static void store_u32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof value);
}

static void store_u64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

static uint16_t load_u16(const uint8_t *at)
{
    uint16_t value;

    memcpy(&value, at, sizeof value);
    return le16toh(value);
}

static uint32_t load_u32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof value);
    return le32toh(value);
}

static uint64_t load_u64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

static bool all_zero(const uint8_t *bytes, const uint8_t *end)
{
    while (bytes < end && *bytes == 0)
        bytes++;
    return bytes == end;
}

static uint32_t header_crc(const uint8_t *header)
{
    return (uint32_t)crc32(0, header, HEADER_CRC);
}

static uint32_t block_crc(const uint8_t *block)
{
    static const uint8_t zero_field[BLOCK_CONTENTS - BLOCK_CRC];
    uLong crc = crc32(0, block, BLOCK_CRC);

    crc = crc32(crc, zero_field, sizeof zero_field);
    return (uint32_t)crc32(crc, block + BLOCK_CONTENTS, BLOCK_BYTES - BLOCK_CONTENTS);
}

static uint64_t block_offset(uint64_t number)
{
    return HEADER_BYTES + number * BLOCK_BYTES;
}

/* One rule for both sides: the writer makes no file that the reader would refuse. */
static bool edge_is_valid(const struct p2p_edge *edge)
{
    if (edge->ticks >= TICKS_LIMIT || edge->level > 1)
        return false;
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

static bool header_is_valid(const struct p2p_edge_file_header *header)
{
    return header->tick_hz > 0 &&
           (header->time_base == P2P_TIME_HARDWARE || header->time_base == P2P_TIME_INSTRUCTIONS);
}

static uint64_t encode_edge(const struct p2p_edge *edge)
{
    return edge->ticks | (uint64_t)edge->level << SHIFT_LEVEL | (uint64_t)edge->channel << SHIFT_CHANNEL |
           (uint64_t)edge->flags << SHIFT_FLAGS;
}

static struct p2p_edge decode_edge(uint64_t record)
{
    return (struct p2p_edge){
        .ticks = record & (TICKS_LIMIT - 1),
        .level = (uint8_t)(record >> SHIFT_LEVEL & 1),
        .channel = (uint8_t)(record >> SHIFT_CHANNEL & 7),
        .flags = (uint8_t)(record >> SHIFT_FLAGS),
    };
}

/* The error that stands, copied to the caller. */
static enum p2p_code outcome(const struct p2p_error *failure, struct p2p_error *error)
{
    if (failure->code == P2P_OK)
        return P2P_OK;
    return p2p_error_set(error, failure->code, "%s", failure->message);
}

/* 0, or -1 with errno. */
static int write_all(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, bytes, size, (off_t)offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
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

/* 0, or -1 with errno. */
static int sync_descriptor(int fd)
{
    int status;

    do
        status = fsync(fd);
    while (status != 0 && errno == EINTR);
    return status;
}

/* Makes the file's name as durable as its bytes. 0, or -1 with errno. */
static int sync_folder_of(const char *path)
{
    int status = -1;
    char *copy = strdup(path); /* dirname writes into it */
    int fd;

    if (copy == NULL)
        return -1;
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        status = sync_descriptor(fd);
        (void)close(fd);
    }
    free(copy);
    return status;
}

static void writer_free(struct p2p_edge_writer *writer)
{
    if (writer->fd >= 0)
        (void)close(writer->fd); /* after fsync it has nothing left to report */
    free(writer->path);
    free(writer);
}

static int write_header(int fd, const struct p2p_edge_file_header *header)
{
    uint8_t bytes[HEADER_BYTES] = {0};

    memcpy(bytes + HEADER_MAGIC, header_magic, sizeof header_magic);
    store_u16(bytes + HEADER_VERSION, VERSION);
    store_u16(bytes + HEADER_SIZE, HEADER_BYTES);
    store_u32(bytes + HEADER_BLOCK_SIZE, BLOCK_BYTES);
    store_u64(bytes + HEADER_TICK_HZ, header->tick_hz);
    bytes[HEADER_TIME_BASE] = (uint8_t)header->time_base;
    store_u32(bytes + HEADER_CRC, header_crc(bytes));
    return write_all(fd, bytes, sizeof bytes, 0);
}

struct p2p_edge_writer *p2p_edge_writer_open(const char *path, const struct p2p_edge_file_header *header,
                                             struct p2p_error *error)
{
    struct p2p_edge_writer *writer;

    if (!header_is_valid(header)) {
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
    if (write_header(writer->fd, header) != 0) {
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
static bool write_block(struct p2p_edge_writer *writer, enum block_kind kind)
{
    uint8_t *block = writer->block;

    memcpy(block + BLOCK_MAGIC, block_magic, sizeof block_magic);
    store_u32(block + BLOCK_NUMBER, (uint32_t)writer->number); /* modulo 2^32, says the SPEC */
    store_u16(block + BLOCK_COUNT, (uint16_t)writer->count);
    block[BLOCK_KIND] = (uint8_t)kind;
    store_u32(block + BLOCK_CRC, block_crc(block));
    if (write_all(writer->fd, block, BLOCK_BYTES, block_offset(writer->number)) == 0)
        return true;
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
    if (!writer->dirty || !write_block(writer, KIND_EDGES))
        return;
    writer->dirty = false;
    if (writer->count == BLOCK_EDGES)
        start_block(writer);
}

enum p2p_code p2p_edge_writer_append(struct p2p_edge_writer *writer, const struct p2p_edge *edges, size_t count,
                                     struct p2p_error *error)
{
    for (size_t i = 0; i < count && writer->failure.code == P2P_OK; i++) {
        const struct p2p_edge *edge = &edges[i];

        if (!edge_is_valid(edge)) {
            p2p_error_set(&writer->failure, P2P_E_BENCH,
                          "%s: edge %" PRIu64 " is impossible: channel %u, level %u, flags 0x%x, ticks %" PRIu64,
                          writer->path, writer->total, edge->channel, edge->level, edge->flags, edge->ticks);
            break;
        }
        store_u64(writer->block + BLOCK_CONTENTS + writer->count * RECORD_BYTES, encode_edge(edge));
        writer->count++;
        writer->total++;
        writer->dirty = true;
        if (writer->count == BLOCK_EDGES)
            flush_edges(writer);
    }
    return outcome(&writer->failure, error);
}

enum p2p_code p2p_edge_writer_flush(struct p2p_edge_writer *writer, struct p2p_error *error)
{
    flush_edges(writer);
    return outcome(&writer->failure, error);
}

static void write_end(struct p2p_edge_writer *writer)
{
    if (writer->count > 0)
        start_block(writer);
    store_u64(writer->block + BLOCK_CONTENTS, writer->total);
    (void)write_block(writer, KIND_END);
}

enum p2p_code p2p_edge_writer_finish(struct p2p_edge_writer *writer, struct p2p_error *error)
{
    enum p2p_code code;

    if (writer == NULL)
        return P2P_OK;
    flush_edges(writer);
    if (writer->failure.code == P2P_OK)
        write_end(writer);
    if (writer->failure.code == P2P_OK && (sync_descriptor(writer->fd) != 0 || sync_folder_of(writer->path) != 0))
        p2p_error_set_errno(&writer->failure, P2P_E_HOST, errno, "%s: cannot sync to the disk", writer->path);
    code = outcome(&writer->failure, error);
    writer_free(writer);
    return code;
}

void p2p_edge_writer_abandon(struct p2p_edge_writer *writer)
{
    if (writer == NULL)
        return;
    flush_edges(writer);
    writer_free(writer);
}

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

    if (size < HEADER_BYTES || memcmp(bytes + HEADER_MAGIC, header_magic, sizeof header_magic) != 0)
        return p2p_error_set(error, P2P_E_INPUT, "%s: not an edge file", path);
    version = load_u16(bytes + HEADER_VERSION);
    if (version > VERSION)
        return p2p_error_set(error, P2P_E_INPUT,
                             "%s: made by a newer pin2pin (edge file version %u; this one reads up to %d)", path,
                             version, VERSION);
    if (load_u32(bytes + HEADER_CRC) != header_crc(bytes))
        return p2p_error_set(error, P2P_E_INPUT, "%s: damaged: the header's checksum is wrong", path);
    header->tick_hz = load_u64(bytes + HEADER_TICK_HZ);
    header->time_base = (enum p2p_time_base)bytes[HEADER_TIME_BASE];
    if (version != VERSION || load_u16(bytes + HEADER_SIZE) != HEADER_BYTES ||
        load_u32(bytes + HEADER_BLOCK_SIZE) != BLOCK_BYTES || !header_is_valid(header) ||
        !all_zero(bytes + HEADER_RESERVED, bytes + HEADER_CRC))
        return p2p_error_set(error, P2P_E_INPUT, "%s: the header has a value that no pin2pin writes", path);
    return P2P_OK;
}

static enum p2p_code read_header(FILE *file, const char *path, struct p2p_edge_file_header *header,
                                 struct p2p_error *error)
{
    uint8_t bytes[HEADER_BYTES];
    size_t size = fread(bytes, 1, sizeof bytes, file);

    if (ferror(file))
        return read_error(path, error);
    return parse_header(bytes, size, path, header, error);
}

struct p2p_edge_reader *p2p_edge_reader_open(const char *path, struct p2p_edge_file_header *header,
                                             struct p2p_error *error)
{
    struct p2p_edge_reader *reader = calloc(1, sizeof *reader);

    if (reader != NULL)
        reader->path = strdup(path);
    if (reader == NULL || reader->path == NULL) {
        p2p_error_set_errno(error, P2P_E_HOST, ENOMEM, "%s", path);
        goto out;
    }
    reader->file = fopen(path, "rbe");
    if (reader->file == NULL) {
        p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: cannot open", path);
        goto out;
    }
    if (read_header(reader->file, path, header, error) != P2P_OK)
        goto out;
    return reader;
out:
    p2p_edge_reader_close(reader);
    return NULL;
}

static enum p2p_code damaged(struct p2p_edge_reader *reader, const char *how)
{
    return p2p_error_set(&reader->failure, P2P_E_INPUT, "%s: block %" PRIu64 " at offset %" PRIu64 ": %s", reader->path,
                         reader->number, block_offset(reader->number), how);
}

/* What cannot be read is there all the same. */
static bool something_follows(struct p2p_edge_reader *reader)
{
    return fgetc(reader->file) != EOF || ferror(reader->file) != 0;
}

/* The loaded block, whose checksum is right, becomes reader->edges. */
static enum p2p_code take_edges(struct p2p_edge_reader *reader)
{
    const uint8_t *record = reader->block + BLOCK_CONTENTS;
    size_t count = load_u16(reader->block + BLOCK_COUNT);

    if (count == 0 || count > BLOCK_EDGES)
        return damaged(reader, "edge count out of range");
    if (reader->partial)
        return damaged(reader, "edges after a block that is not full");
    for (size_t i = 0; i < count; i++, record += RECORD_BYTES) {
        reader->edges[i] = decode_edge(load_u64(record));
        if (!edge_is_valid(&reader->edges[i]))
            return damaged(reader, "unknown channel, flag or mark");
    }
    if (!all_zero(record, reader->block + BLOCK_BYTES))
        return damaged(reader, "bytes behind the edges are not zero");
    reader->partial = count < BLOCK_EDGES;
    reader->count = count;
    reader->total += count;
    reader->number++;
    return P2P_OK;
}

static enum p2p_code take_end(struct p2p_edge_reader *reader)
{
    const uint8_t *total = reader->block + BLOCK_CONTENTS;

    if (load_u16(reader->block + BLOCK_COUNT) != 0 || load_u64(total) != reader->total ||
        !all_zero(total + sizeof reader->total, reader->block + BLOCK_BYTES))
        return damaged(reader, "the end block does not agree with the edges before it");
    if (something_follows(reader))
        return damaged(reader, "data after the end block");
    reader->complete = true;
    return P2P_OK;
}

static enum p2p_code take_block(struct p2p_edge_reader *reader)
{
    const uint8_t *block = reader->block;

    if (memcmp(block + BLOCK_MAGIC, block_magic, sizeof block_magic) != 0 ||
        load_u32(block + BLOCK_NUMBER) != (uint32_t)reader->number || block[BLOCK_RESERVED] != 0)
        return damaged(reader, "not the block that belongs here");
    switch (block[BLOCK_KIND]) {
    case KIND_EDGES:
        return take_edges(reader);
    case KIND_END:
        return take_end(reader);
    default:
        return damaged(reader, "unknown kind");
    }
}

static enum p2p_code load_block(struct p2p_edge_reader *reader)
{
    size_t size = fread(reader->block, 1, BLOCK_BYTES, reader->file);

    reader->count = 0;
    reader->taken = 0;
    if (ferror(reader->file))
        return read_error(reader->path, &reader->failure);
    if (size == BLOCK_BYTES && load_u32(reader->block + BLOCK_CRC) == block_crc(reader->block))
        return take_block(reader);
    if (size == BLOCK_BYTES && something_follows(reader))
        return damaged(reader, "the checksum is wrong");
    /* The end, which a crash may have torn. The stream stays at its end: later calls come here again. */
    return P2P_OK;
}

enum p2p_code p2p_edge_reader_next(struct p2p_edge_reader *reader, struct p2p_edge *edges, size_t capacity,
                                   size_t *count, struct p2p_error *error)
{
    size_t left;

    *count = 0;
    if (reader->failure.code == P2P_OK && reader->taken == reader->count)
        (void)load_block(reader);
    if (reader->failure.code != P2P_OK)
        return outcome(&reader->failure, error);
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

void p2p_edge_reader_close(struct p2p_edge_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->file != NULL)
        (void)fclose(reader->file);
    free(reader->path);
    free(reader);
}
