/* SPDX-License-Identifier: MIT */
/*
 * Any bytes on the probe's wire: what the decoder takes, the encoder turns back into bytes that decode to the same;
 * what the encoder takes, the decoder takes too. And the host's link lives through it, handing out edges in order of
 * time. The first byte: bit 0, the rest is frames before COBS (a byte of length each) whose crcs are made right, and
 * the checksums of EPOCHs too, if they are 0; bit 1, a HELLO and an armed probe come first; bit 2, the rest is a
 * message as the encoder is handed it.
 */
#include "firmware/protocol/protocol.h"
#include "capture/probe_link.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static enum probe_found decode(const uint8_t *wire, size_t size, struct probe_message *message)
{
    struct probe_decoder decoder = {0};

    for (size_t i = 0; i + 1 < size; i++) {
        require(probe_decoder_feed(&decoder, wire[i], message) == PROBE_FOUND_NOTHING);
    }
    return probe_decoder_feed(&decoder, wire[size - 1], message);
}

/* `message` is one that the encoder must take, and the decoder then must give back. */
static void round_trip(const struct probe_message *message)
{
    uint8_t wire[PROBE_WIRE_MAX], again[PROBE_WIRE_MAX];
    struct probe_message got;
    const size_t size = probe_encode(message, wire);

    require(size > 0 && size <= sizeof wire);
    require(decode(wire, size, &got) == PROBE_FOUND_MESSAGE);
    require(probe_encode(&got, again) == size);
    require(memcmp(wire, again, size) == 0);
}

static void check_edge(void *user, const struct p2p_edge *edge)
{
    struct p2p_edge *last = user;

    require(edge->ticks >= last->ticks && edge->ticks < PROBE_TICKS_END);
    require(edge->channel <= P2P_CHANNEL_ANSWER && edge->level <= 1);
    *last = *edge;
}

static void send_to(struct p2p_probe_link *link, const struct probe_message *message)
{
    struct p2p_error error = {0};
    uint8_t wire[PROBE_WIRE_MAX];
    const size_t size = probe_encode(message, wire);

    require(p2p_probe_link_feed(link, wire, size, 0, &error) == P2P_OK);
}

static void arm(struct p2p_probe_link *link)
{
    const struct probe_event none = {0};
    const struct probe_message hello = {
        .type = PROBE_HELLO,
        .sequence = UINT16_MAX - 1,
        .hello = {.version = 1, .channels = 2, .clk_hz = 1, .resolution_ticks = 1},
    };
    const struct probe_message ack = {.type = PROBE_ACK, .sequence = UINT16_MAX, .ack = {.command = PROBE_ARM}};
    const struct probe_message epoch = {.type = PROBE_EPOCH, .epoch = {.checksum = probe_checksum(0, &none)}};
    uint8_t wire[PROBE_WIRE_MAX];

    require(p2p_probe_link_command(link, PROBE_ARM, 0, wire) > 0);
    send_to(link, &hello);
    send_to(link, &ack);
    send_to(link, &epoch);
    require(p2p_probe_link_state(link) == P2P_PROBE_ARMED);
    require(p2p_probe_link_epochs(link) == 1);
}

struct host {
    struct probe_decoder decoder;
    struct p2p_probe_link *link;
    uint32_t checksum; /* of the events that the decoder took */
};

/* Byte by byte into a decoder and a link. */
static void pour(struct host *host, const uint8_t *bytes, size_t size)
{
    struct p2p_error error = {0};
    struct probe_message message;

    for (size_t i = 0; i < size; i++) {
        if (probe_decoder_feed(&host->decoder, bytes[i], &message) != PROBE_FOUND_MESSAGE) {
            continue;
        }
        round_trip(&message);
        for (size_t at = 0; message.type == PROBE_EVENTS && at < message.events.count; at++) {
            host->checksum = probe_checksum(host->checksum, &message.events.event[at]);
        }
    }
    require((p2p_probe_link_feed(host->link, bytes, size, 0, &error) == P2P_OK) ==
            (p2p_probe_link_state(host->link) != P2P_PROBE_FAULTY));
    require((error.code == P2P_OK) == (error.message[0] == '\0'));
}

/* `frame` without its crc. COBS has codes up to 255 here, so that too long frames come as well. */
static size_t seal(const uint8_t *frame, size_t size, uint8_t *wire)
{
    uint8_t whole[UINT8_MAX + 2];
    const uint16_t crc = probe_crc(frame, size);
    size_t code_at = 0, out = 1;

    memcpy(whole, frame, size);
    whole[size] = (uint8_t)crc;
    whole[size + 1] = (uint8_t)(crc >> 8);
    for (size_t i = 0; i < size + 2; i++) {
        if (whole[i] != 0) {
            wire[out++] = whole[i];
        }
        if (whole[i] == 0 || out - code_at == UINT8_MAX) {
            wire[code_at] = (uint8_t)(out - code_at);
            code_at = out++;
        }
    }
    wire[code_at] = (uint8_t)(out - code_at);
    wire[out] = 0;
    return out + 1;
}

/* An EPOCH of checksum 0 gets the right one: `frame` without its crc. */
static void complete_epoch(const struct host *host, uint8_t *frame, size_t size)
{
    struct probe_event now = {0};
    uint32_t checksum;

    if (size != 27 || frame[0] != PROBE_EPOCH || memcmp(frame + 23, &now, 4) != 0) {
        return;
    }
    for (unsigned i = 0; i < 8; i++) {
        now.ticks |= (uint64_t)frame[3 + i] << 8 * i;
    }
    checksum = probe_checksum(host->checksum, &now);
    for (unsigned i = 0; i < 4; i++) {
        frame[23 + i] = (uint8_t)(checksum >> 8 * i);
    }
}

static void pour_sealed(struct host *host, const uint8_t *data, size_t size)
{
    while (size > 0) {
        const size_t length = data[0] < size ? data[0] : size - 1;
        uint8_t frame[UINT8_MAX], wire[UINT8_MAX + 8];

        memcpy(frame, data + 1, length);
        complete_epoch(host, frame, length);
        pour(host, wire, seal(frame, length, wire));
        data += 1 + length;
        size -= 1 + length;
    }
}

static void encode_any(const uint8_t *data, size_t size)
{
    struct probe_message message;
    uint8_t wire[PROBE_WIRE_MAX];

    memset(&message, 0, sizeof message);
    memcpy(&message, data, size < sizeof message ? size : sizeof message);
    if (probe_encode(&message, wire) > 0) {
        round_trip(&message);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct host host = {0};
    struct p2p_edge last = {0};

    if (size < 1) {
        return 0;
    }
    if ((data[0] & 4) != 0) {
        encode_any(data + 1, size - 1);
        return 0;
    }
    host.link = p2p_probe_link_new(check_edge, &last);
    require(host.link != NULL);
    if ((data[0] & 2) != 0) {
        arm(host.link);
    }
    if ((data[0] & 1) != 0) {
        pour_sealed(&host, data + 1, size - 1);
    } else {
        pour(&host, data + 1, size - 1);
    }
    p2p_probe_link_free(host.link);
    return 0;
}
