/* SPDX-License-Identifier: MIT */
#include "fake_probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void send_message(struct fake_probe *probe, struct probe_message *message)
{
    if (probe->out_next == probe->out_count) {
        probe->out_next = 0;
        probe->out_count = 0;
    }
    if (probe->out_count + PROBE_WIRE_MAX > sizeof probe->out) {
        (void)fprintf(stderr, "fake probe: nobody reads\n");
        abort();
    }
    message->sequence = probe->sequence++;
    probe->out_count += probe_encode(message, probe->out + probe->out_count);
}

void fake_probe_flush(struct fake_probe *probe)
{
    struct probe_message message = {.type = PROBE_EVENTS, .events = probe->events};

    if (probe->events.count > 0) {
        probe->events.count = 0;
        send_message(probe, &message);
    }
}

static void send_hello(struct fake_probe *probe)
{
    struct probe_message message = {
        .type = PROBE_HELLO,
        .hello = {.version = PROBE_PROTOCOL_VERSION,
                  .channels = PROBE_CHANNELS,
                  .clk_hz = FAKE_PROBE_HZ,
                  .resolution_ticks = 8,
                  .dead_ticks = 9,
                  .board_id = FAKE_PROBE_BOARD,
                  .run_id = 7,
                  .firmware = "pin2pin fake"},
    };

    send_message(probe, &message);
}

static void send_epoch(struct fake_probe *probe, uint64_t now)
{
    struct probe_message message = {
        .type = PROBE_EPOCH,
        .epoch = {.now_ticks = now,
                  .events = {probe->counts[0] + probe->forged_count, probe->counts[1]},
                  .checksum = probe_checksum(probe->checksum, &(struct probe_event){.ticks = now})},
    };

    fake_probe_flush(probe);
    if (!probe->without_epochs) {
        send_message(probe, &message);
    }
    probe->epoch_at = now + FAKE_PROBE_EPOCH;
}

void fake_probe_start(struct fake_probe *probe)
{
    probe->out[probe->out_count++] = 0;
    send_hello(probe);
}

void fake_probe_pass(struct fake_probe *probe, uint64_t now)
{
    while (probe->armed && probe->epoch_at <= now) {
        send_epoch(probe, probe->epoch_at);
    }
    probe->now = now;
}

void fake_probe_edge(struct fake_probe *probe, uint8_t channel, uint8_t level)
{
    const struct probe_event event = {.ticks = probe->now,
                                      .what = (uint8_t)(channel | (level != 0 ? PROBE_WHAT_LEVEL : 0))};

    if (!probe->armed) {
        return;
    }
    probe->events.event[probe->events.count++] = event;
    probe->counts[channel]++;
    probe->checksum = probe_checksum(probe->checksum, &event);
    if (probe->events.count == PROBE_EVENTS_MAX) {
        fake_probe_flush(probe);
    }
}

static void arm(struct fake_probe *probe)
{
    probe->armed = true;
    probe->counts[0] = 0;
    probe->counts[1] = 0;
    probe->checksum = 0;
}

static void stop(struct fake_probe *probe)
{
    struct probe_message stats = {.type = PROBE_STATS, .stats = {.now_ticks = probe->now}};

    if (probe->armed) {
        send_epoch(probe, probe->now);
    }
    probe->armed = false;
    send_message(probe, &stats);
}

static void obey(struct fake_probe *probe, const struct probe_message *command)
{
    struct probe_message stats = {.type = PROBE_STATS, .stats = {.now_ticks = probe->now, .glitches = 5}};
    struct probe_message ack = {.type = PROBE_ACK, .ack = {command->type, command->sequence, PROBE_DONE, 0}};
    const bool refused = command->type == probe->refused;

    if (refused) {
        ack.ack.status = probe->status;
    } else if (command->type == PROBE_IDENTIFY) {
        send_hello(probe);
    } else if (command->type == PROBE_STOP) {
        stop(probe);
    } else if (command->type == PROBE_GET_STATS) {
        send_message(probe, &stats);
    }
    send_message(probe, &ack);
    if (command->type == PROBE_ARM && !refused) {
        arm(probe);
        send_epoch(probe, probe->now);
    }
}

void fake_probe_hear(struct fake_probe *probe, const uint8_t *bytes, size_t size)
{
    struct probe_message command;

    for (size_t i = 0; i < size; i++) {
        if (probe_decoder_feed(&probe->decoder, bytes[i], &command) != PROBE_FOUND_MESSAGE) {
            continue;
        }
        if (probe->command_count < FAKE_PROBE_COMMANDS_MAX) {
            probe->commands[probe->command_count++] = command.type;
        }
        if (probe->deaf > 0) {
            probe->deaf--;
        } else {
            obey(probe, &command);
        }
    }
}

size_t fake_probe_say(struct fake_probe *probe, uint8_t *bytes, size_t capacity)
{
    size_t left = probe->out_count - probe->out_next;
    size_t count = left < capacity ? left : capacity;

    memcpy(bytes, probe->out + probe->out_next, count);
    probe->out_next += count;
    return count;
}
