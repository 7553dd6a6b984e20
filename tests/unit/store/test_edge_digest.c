/* SPDX-License-Identifier: MIT */
/* The digest by which boot.json vouches for its edge files (host/store/SPEC.md). */
#include "store/edge_file.h"

#include "temporary.h"
#include "util/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

enum { PER_BLOCK = 510, HEADER_BYTES = 64, BLOCK_BYTES = 4096, HEADER_CRC = 60, BLOCK_CRC = 12 };

static const struct p2p_edge_file_header HEADER = {.tick_hz = 1000000000, .time_base = P2P_TIME_INSTRUCTIONS};

/* `count` edges, a flush after every `flush` of them; edge number `odd` a tick late. The digest is the writer's. */
static uint32_t record(const char *path, size_t count, size_t flush, size_t odd)
{
    struct p2p_error error = {0};
    struct p2p_edge_writer *writer = p2p_edge_writer_open(path, &HEADER, &error);
    uint32_t digest;

    assert_non_null(writer);
    for (size_t i = 0; i < count; i++) {
        const struct p2p_edge edge = {.ticks = 1000 * i + (i == odd), .level = i % 2 == 0};

        assert_int_equal(p2p_edge_writer_append(writer, &edge, 1, &error), P2P_OK);
        if (i % flush == 0) {
            assert_int_equal(p2p_edge_writer_flush(writer, &error), P2P_OK);
        }
    }
    digest = p2p_edge_writer_digest(writer);
    assert_int_equal(p2p_edge_writer_finish(writer, &error), P2P_OK);
    return digest;
}

static uint32_t digest_of_reader(const char *path)
{
    struct p2p_edge_file_header header;
    struct p2p_error error = {0};
    struct p2p_edge_reader *reader = p2p_edge_reader_open(path, &header, &error);
    struct p2p_edge edges[100];
    size_t count = 0;
    uint32_t digest;

    assert_non_null(reader);
    do {
        assert_int_equal(p2p_edge_reader_next(reader, edges, 100, &count, &error), P2P_OK);
    } while (count > 0);
    digest = p2p_edge_reader_digest(reader);
    p2p_edge_reader_close(reader);
    return digest;
}

/* By the words of SPEC.md alone. */
static uint32_t digest_of_bytes(const char *path, size_t count)
{
    struct p2p_error error = {0};
    uLong crc = 0;
    size_t size = 0, blocks = (count + PER_BLOCK - 1) / PER_BLOCK;
    char *data = NULL;

    assert_int_equal(p2p_read_file(path, 1 << 20, &data, &size, &error), P2P_OK);
    assert_int_equal(size, HEADER_BYTES + (blocks + 1) * BLOCK_BYTES);
    crc = crc32(crc, (const Bytef *)data + HEADER_CRC, 4);
    for (size_t i = 0; i < blocks; i++) {
        crc = crc32(crc, (const Bytef *)data + HEADER_BYTES + i * BLOCK_BYTES + BLOCK_CRC, 4);
    }
    free(data);
    return (uint32_t)crc;
}

static void writer_reader_and_spec_agree(void **state)
{
    static const size_t counts[] = {0, 1, PER_BLOCK - 1, PER_BLOCK, PER_BLOCK + 1, (size_t)3 * PER_BLOCK};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (size_t flush = 1; flush < 1000; flush *= 7) {
            char *folder = temporary_folder();
            char *path = p2p_format("%s/edges.p2p", folder);
            uint32_t digest = record(path, counts[i], flush, SIZE_MAX);

            assert_int_equal(digest, digest_of_reader(path));
            assert_int_equal(digest, digest_of_bytes(path, counts[i]));
            free(path);
            temporary_remove(folder);
        }
    }
}

static void one_edge_a_tick_later_is_another_digest(void **state)
{
    static const size_t odds[] = {0, PER_BLOCK - 1, PER_BLOCK, 2 * PER_BLOCK - 1, 2 * PER_BLOCK + 3};
    char *folder = temporary_folder();
    char *path = p2p_format("%s/edges.p2p", folder);
    uint32_t digest = record(path, 2 * PER_BLOCK + 10, 3, SIZE_MAX);

    (void)state;
    for (size_t i = 0; i < sizeof odds / sizeof *odds; i++) {
        assert_int_equal(unlink(path), 0);
        assert_int_not_equal(record(path, 2 * PER_BLOCK + 10, 3, odds[i]), digest);
        assert_int_not_equal(digest_of_reader(path), digest);
    }
    free(path);
    temporary_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writer_reader_and_spec_agree),
        cmocka_unit_test(one_edge_a_tick_later_is_another_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
