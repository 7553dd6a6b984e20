/* SPDX-License-Identifier: MIT */
/*
 * A probe's firmware, as far as its host can tell: bytes of commands in, bytes of frames out, after
 * firmware/protocol/SPEC.md and by its codec. Its ticks are nanoseconds.
 */
#ifndef P2P_TESTS_PORTS_FAKE_PROBE_H
#define P2P_TESTS_PORTS_FAKE_PROBE_H

#include "firmware/protocol/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_PROBE_BOARD UINT64_C(0xe660583883123456)

enum {
    FAKE_PROBE_HZ = 1000000000,
    FAKE_PROBE_EPOCH = FAKE_PROBE_HZ / 10,
    FAKE_PROBE_OUT_BYTES = 1 << 19,
    FAKE_PROBE_COMMANDS_MAX = 64,
};

struct fake_probe {
    /* How it misbehaves. */
    unsigned deaf;         /* so many commands do not reach it */
    uint8_t refused;       /* this command ... */
    uint8_t status;        /* ... is answered so */
    bool without_epochs;   /* it sends none */
    uint32_t forged_count; /* added to what its EPOCHs count */

    struct probe_decoder decoder;
    uint16_t sequence;
    bool armed;
    uint64_t now, epoch_at;
    uint32_t counts[PROBE_CHANNELS], checksum;
    struct probe_events events; /* not sent yet */

    uint8_t commands[FAKE_PROBE_COMMANDS_MAX]; /* types, as they came, also those that it did not hear */
    size_t command_count;
    uint8_t out[FAKE_PROBE_OUT_BYTES]; /* from out_next on: not read yet */
    size_t out_next, out_count;
};

/* It has got its power: HELLO. */
void fake_probe_start(struct fake_probe *probe);

/* Its time passes; an EPOCH each tenth of a second while it is armed. */
void fake_probe_pass(struct fake_probe *probe, uint64_t now);

/* An edge now. Sent with 46 others, or before any other frame. */
void fake_probe_edge(struct fake_probe *probe, uint8_t channel, uint8_t level);
void fake_probe_flush(struct fake_probe *probe);

void fake_probe_hear(struct fake_probe *probe, const uint8_t *bytes, size_t size);

/* Takes bytes out. */
size_t fake_probe_say(struct fake_probe *probe, uint8_t *bytes, size_t capacity);

#endif
