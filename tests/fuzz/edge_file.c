/* SPDX-License-Identifier: MIT */
/*
 * Any bytes in an edge file: whatever the reader hands out, the writer turns back into the very bytes that it
 * came from, and a file that is called complete comes back whole. Input: one byte, odd if the checksums are
 * to be made right again; two bytes, where the file is cut; then changes of three bytes: which part, where in
 * it, new value.
 */
#include "store/edge_file.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
    HEADER = 64,
    BLOCK = 4096,
    BLOCKS = 4, /* 510, 510 and 10 edges, the end */
    EDGES = 1030,
    IMAGE_BYTES = HEADER + BLOCKS * BLOCK,
    MOST_EDGES = BLOCKS * 510,
    CUT_BYTES = 3,
    CHANGE_BYTES = 3,
};

static char folder[] = "/tmp/p2p-fuzz-edge-file-XXXXXX";
static char input_path[64];
static char output_path[64];
static uint8_t base[IMAGE_BYTES];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of the C library's: these files need not outlive a power failure. */
int fsync(int fd)
{
    (void)fd;
    return 0;
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void clean_up(void)
{
    (void)unlink(input_path);
    (void)unlink(output_path);
    (void)rmdir(folder);
}

static size_t load(const char *path, uint8_t *bytes)
{
    FILE *file = fopen(path, "rb");
    size_t size;

    require(file != NULL);
    size = fread(bytes, 1, IMAGE_BYTES, file);
    require(fgetc(file) == EOF && ferror(file) == 0);
    (void)fclose(file);
    return size;
}

static void save(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    require(file != NULL);
    require(fwrite(bytes, 1, size, file) == size);
    require(fclose(file) == 0);
}

static size_t write_edges(const struct p2p_edge_file_header *header, const struct p2p_edge *edges, size_t count,
                          bool complete, uint8_t *bytes)
{
    struct p2p_error error = {0};
    struct p2p_edge_writer *writer;

    (void)unlink(output_path);
    writer = p2p_edge_writer_open(output_path, header, &error);
    require(writer != NULL);
    require(p2p_edge_writer_append(writer, edges, count, &error) == P2P_OK);
    if (complete)
        require(p2p_edge_writer_finish(writer, &error) == P2P_OK);
    else
        p2p_edge_writer_abandon(writer);
    return load(output_path, bytes);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const struct p2p_edge_file_header header = {.tick_hz = 1, .time_base = P2P_TIME_HARDWARE};
    static struct p2p_edge edges[EDGES]; /* all zero is a good edge */

    (void)argc;
    (void)argv;
    require(mkdtemp(folder) != NULL);
    (void)snprintf(input_path, sizeof input_path, "%s/input.p2p", folder);
    (void)snprintf(output_path, sizeof output_path, "%s/output.p2p", folder);
    require(atexit(clean_up) == 0);
    require(write_edges(&header, edges, EDGES, true, base) == IMAGE_BYTES);
    return 0;
}

/* Offsets below 64 reach every field; those above reach the byte of a record that holds channel, level and
 * flags. */
static void change(uint8_t *image, const uint8_t *how)
{
    size_t part = how[0] % (BLOCKS + 1);
    size_t offset = how[1];

    if (part == 0)
        image[offset % HEADER] = how[2];
    else
        image[HEADER + (part - 1) * BLOCK + (offset < HEADER ? offset : offset * 16 + 15)] = how[2];
}

static void put_crc(uint8_t *at, uLong crc)
{
    uint32_t field = htole32((uint32_t)crc);

    memcpy(at, &field, sizeof field);
}

static void seal(uint8_t *image)
{
    put_crc(image + 60, crc32(0, image, 60));
    for (uint8_t *block = image + HEADER; block < image + IMAGE_BYTES; block += BLOCK) {
        put_crc(block + 12, 0);
        put_crc(block + 12, crc32(0, block, BLOCK));
    }
}

/* Room for one edge more than any such file can hold. */
static size_t read_edges(struct p2p_edge_reader *reader, struct p2p_edge *edges)
{
    struct p2p_error error = {0};
    size_t total = 0;
    size_t count;

    do {
        (void)p2p_edge_reader_next(reader, edges + total, MOST_EDGES + 1 - total, &count, &error);
        total += count;
        require(total <= MOST_EDGES);
    } while (count > 0);
    return total;
}

static void check(const uint8_t *image, size_t size)
{
    static struct p2p_edge edges[MOST_EDGES + 1];
    static uint8_t again[IMAGE_BYTES];
    struct p2p_error error = {0};
    struct p2p_edge_file_header header;
    struct p2p_edge_reader *reader;
    bool complete;
    size_t count;
    size_t written;

    save(input_path, image, size);
    reader = p2p_edge_reader_open(input_path, &header, &error);
    if (reader == NULL) {
        require(error.code == P2P_E_INPUT);
        return;
    }
    count = read_edges(reader, edges);
    complete = p2p_edge_reader_complete(reader);
    p2p_edge_reader_close(reader);
    written = write_edges(&header, edges, count, complete, again);
    require(complete ? written == size : written <= size);
    require(memcmp(image, again, written) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t image[IMAGE_BYTES];
    size_t cut;

    if (size < CUT_BYTES)
        return 0;
    memcpy(image, base, sizeof image);
    cut = (size_t)data[1] | (size_t)data[2] << 8;
    for (size_t at = CUT_BYTES; at + CHANGE_BYTES <= size; at += CHANGE_BYTES)
        change(image, data + at);
    if (data[0] & 1)
        seal(image);
    check(image, cut < IMAGE_BYTES && cut > 0 ? cut : IMAGE_BYTES);
    return 0;
}
