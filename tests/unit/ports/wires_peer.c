/* SPDX-License-Identifier: MIT */
#include "wires_peer.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void peer_put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

uint64_t peer_get(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;

    while (bytes > 0) {
        value = value << 8 | at[--bytes];
    }
    return value;
}

void peer_put_edge(uint8_t at[RECORD_BYTES], const struct peer_edge *edge)
{
    memset(at, 0, RECORD_BYTES);
    peer_put(at, edge->at_ns, 8);
    at[8] = edge->line;
    at[9] = edge->level;
    at[10] = edge->source;
}

struct peer_edge peer_get_edge(const uint8_t at[RECORD_BYTES])
{
    return (struct peer_edge){.at_ns = peer_get(at, 8), .line = at[8], .level = at[9], .source = at[10]};
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t count = write(fd, data, size);

        if (count <= 0) {
            return false;
        }
        data += count;
        size -= (size_t)count;
    }
    return true;
}

static bool read_all(int fd, uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t count = read(fd, data, size);

        if (count <= 0) {
            return false;
        }
        data += count;
        size -= (size_t)count;
    }
    return true;
}

bool peer_send(int fd, uint32_t type, const void *payload, size_t size)
{
    uint8_t header[HEADER_BYTES];

    peer_put(header, size, 4);
    peer_put(header + 4, type, 4);
    return write_all(fd, header, sizeof header) && write_all(fd, payload, size);
}

bool peer_receive(int fd, struct peer_frame *frame)
{
    uint8_t header[HEADER_BYTES];

    if (!read_all(fd, header, sizeof header)) {
        return false;
    }
    frame->size = (uint32_t)peer_get(header, 4);
    frame->type = (uint32_t)peer_get(header + 4, 4);
    return frame->size <= sizeof frame->payload && read_all(fd, frame->payload, frame->size);
}

void peer_says(int fd, uint32_t type, const void *payload, size_t size)
{
    uint8_t header[HEADER_BYTES];

    peer_put(header, size, 4);
    peer_put(header + 4, type, 4);
    assert_int_equal(write(fd, header, sizeof header), sizeof header);
    assert_int_equal(write(fd, payload, size), size);
}

void peer_greets(int fd)
{
    static const uint8_t hello[12] = {1, 0, 8, 0, 2, 0, 10, 0}; /* version 1, 8 lines, QEMU 10.0.2 */

    peer_says(fd, HELLO, hello, sizeof hello);
}

void peer_pauses(int fd, uint64_t at_ns)
{
    uint8_t payload[8];

    peer_put(payload, at_ns, 8);
    peer_says(fd, PAUSED, payload, sizeof payload);
}

void peer_sees(int fd, uint64_t at_ns, uint8_t line, uint8_t level, uint8_t source)
{
    uint8_t record[RECORD_BYTES];

    peer_put_edge(record, &(struct peer_edge){at_ns, line, level, source});
    peer_says(fd, SEEN, record, sizeof record);
}

void peer_babbles(int fd, uint64_t from_ns, uint64_t step_ns)
{
    static uint8_t payload[FRAME_BYTES];

    for (size_t i = 0; i < FRAME_EDGES; i++) {
        peer_put_edge(payload + RECORD_BYTES * i, &(struct peer_edge){from_ns + i * step_ns, 1, i % 2 == 0, 1});
    }
    peer_says(fd, SEEN, payload, sizeof payload);
}

static bool has_bytes(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};

    return poll(&one, 1, 0) == 1;
}

static void hear(int fd, uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t count;

        assert_true(has_bytes(fd));
        count = read(fd, bytes + at, size - at);
        assert_true(count > 0);
        at += (size_t)count;
    }
}

void peer_hears(int fd, const void *expected, size_t size)
{
    uint8_t bytes[64];

    assert_true(size <= sizeof bytes);
    hear(fd, bytes, size);
    assert_memory_equal(bytes, expected, size);
}

void peer_hears_frame(int fd, struct peer_frame *frame)
{
    uint8_t header[HEADER_BYTES];

    hear(fd, header, sizeof header);
    frame->size = (uint32_t)peer_get(header, 4);
    frame->type = (uint32_t)peer_get(header + 4, 4);
    assert_in_range(frame->size, 0, FRAME_BYTES);
    hear(fd, frame->payload, frame->size);
}

void peer_hears_run(int fd, uint64_t until_ns)
{
    uint8_t run[16] = {8, 0, 0, 0, RUN};

    peer_put(run + 8, until_ns, 8);
    peer_hears(fd, run, sizeof run);
}

void peer_hears_nothing(int fd)
{
    assert_false(has_bytes(fd));
}
