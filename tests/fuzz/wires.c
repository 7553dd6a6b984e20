/* SPDX-License-Identifier: MIT */
/*
 * Any bytes from the board: the host's end of the wires never fails but by its error, and what it hands out is edges.
 * Input: one byte of which bit 0 puts a good greeting in front and bit 1 makes frames of the rest, each from a type, a
 * length and its bytes; else the rest is sent as it is. With bits 3 to 7 all set, which is seldom as it takes long,
 * frames of 4096 edges are among them.
 */
#include "ports/wires.h"

#include "ports/virtual_clock.h"
#include "ports/wires_protocol.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STREAM_BYTES = 200 * 1024, PORTION = 1000 };

struct stream {
    uint8_t bytes[STREAM_BYTES];
    size_t size;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void append(struct stream *stream, const void *data, size_t size)
{
    if (size > 0 && size <= STREAM_BYTES - stream->size) {
        memcpy(stream->bytes + stream->size, data, size);
        stream->size += size;
    }
}

static void append_frame(struct stream *stream, enum wires_type type, const void *payload, size_t size)
{
    uint8_t header[WIRES_HEADER_BYTES];

    wires_put_header(header, type, (uint32_t)size);
    append(stream, header, sizeof header);
    append(stream, payload, size);
}

static void append_greeting(struct stream *stream)
{
    static const uint8_t hello[WIRES_HELLO_BYTES] = {WIRES_VERSION};
    static const uint8_t time_0[WIRES_TIME_BYTES];

    append_frame(stream, WIRES_HELLO, hello, sizeof hello);
    append_frame(stream, WIRES_PAUSED, time_0, sizeof time_0);
}

/* The largest frame: `byte` decides on its records. */
static void append_many_edges(struct stream *stream, uint8_t byte)
{
    static uint8_t payload[WIRES_PAYLOAD_MAX];

    if (stream->size + sizeof payload > STREAM_BYTES) {
        return;
    }
    for (size_t i = 0; i < WIRES_RECORDS_MAX; i++) {
        struct wires_record record = {.at_ns = i, .line = byte >> 4, .level = i & 1, .source = byte & 1};

        wires_put_record(payload + i * WIRES_RECORD_BYTES, &record);
    }
    append_frame(stream, WIRES_SEEN, payload, sizeof payload);
}

static void append_frames(struct stream *stream, bool large, const uint8_t *data, size_t size)
{
    static const enum wires_type types[] = {WIRES_HELLO, WIRES_SEEN, WIRES_PAUSED, WIRES_FAULT, WIRES_RUN};

    while (size >= 2) {
        size_t kind = data[0] % 32, length = data[1] < size - 2 ? data[1] : size - 2;

        if (large && kind == 31) {
            append_many_edges(stream, data[1]);
            length = 0;
        } else {
            append_frame(stream, types[kind % 5], data + 2, length);
        }
        data += 2 + length;
        size -= 2 + length;
    }
}

/* Reads what waits; each is an edge of a wired line. */
static void read_edges(struct p2p_wires *wires)
{
    struct p2p_probe probe = p2p_wires_probe(wires);
    struct p2p_error error = {0};
    struct p2p_edge edges[PORTION];
    size_t count;

    do {
        require(probe.read(probe.self, edges, PORTION, &count, &error) == P2P_OK && count <= PORTION);
        for (size_t i = 0; i < count; i++) {
            require(edges[i].level <= 1 && edges[i].channel <= P2P_CHANNEL_ANSWER && edges[i].flags == 0);
        }
    } while (count > 0);
}

static void run(struct p2p_wires *wires, struct p2p_virtual_clock *virtual_clock, int fd)
{
    struct p2p_clock clock = p2p_virtual_clock_port(virtual_clock);
    struct p2p_error error = {0};
    enum p2p_code code = p2p_wires_attach(wires, fd, &error);

    p2p_virtual_clock_attach(virtual_clock, NULL, NULL, NULL);

    /* To the end of time: the board decides where it pauses, and its stream has an end. */
    while (code == P2P_OK && clock.now_ns(clock.self) < UINT64_MAX) {
        code = clock.advance(clock.self, UINT64_MAX, &error);
        read_edges(wires);
    }
    require(error.code == code && (code == P2P_OK) == (error.message[0] == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct p2p_pins pins = {.stimulus = 0, .answer = 1, .query = 2};
    static struct stream stream;
    /* One for all inputs: attach must leave nothing of the board before. */
    static struct p2p_wires *wires;
    static struct p2p_virtual_clock *clock;
    int room = 4 * STREAM_BYTES, pair[2];

    wires = wires != NULL ? wires : p2p_wires_new(&pins, 10, -1);
    require(wires != NULL);
    clock = clock != NULL ? clock : p2p_virtual_clock_new(wires, 10, -1);
    require(clock != NULL);
    if (size == 0) {
        return 0;
    }
    stream.size = 0;
    if ((data[0] & 1) != 0) {
        append_greeting(&stream);
    }
    if ((data[0] & 2) != 0) {
        append_frames(&stream, (data[0] & 0xf8) == 0xf8, data + 1, size - 1);
    } else {
        append(&stream, data + 1, size - 1);
    }
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    require(setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room) == 0);
    /* What finds no room is lost: a stream may end anywhere. */
    (void)send(pair[1], stream.bytes, stream.size, MSG_DONTWAIT);
    require(shutdown(pair[1], SHUT_WR) == 0);
    run(wires, clock, pair[0]);
    p2p_wires_detach(wires);
    close(pair[1]);
    return 0;
}
