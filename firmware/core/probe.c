/* SPDX-License-Identifier: MIT */
#include "firmware/core/probe.h"

enum { EPOCHS_PER_SECOND = 10 };

static void send_hello(struct probe *probe)
{
    struct probe_message message = {.type = PROBE_HELLO, .hello = probe->hello};

    probe_outbox_send(&probe->outbox, &message);
}

static void send_ack(struct probe *probe, const struct probe_ack *ack)
{
    struct probe_message message = {.type = PROBE_ACK, .ack = *ack};

    probe_outbox_send(&probe->outbox, &message);
}

static void send_epoch(struct probe *probe, uint64_t now_ticks)
{
    const struct probe_stats *stats = &probe->outbox.stats;
    struct probe_message message = {
        .type = PROBE_EPOCH,
        .epoch = {.now_ticks = now_ticks,
                  .events = {stats->events[0], stats->events[1]},
                  .lost = stats->lost,
                  .checksum = probe_checksum(probe->outbox.checksum, &(struct probe_event){.ticks = now_ticks})},
    };

    probe_outbox_send(&probe->outbox, &message);
    probe->epoch_ticks = now_ticks + probe->hello.clk_hz / EPOCHS_PER_SECOND;
}

static void send_stats(struct probe *probe, uint64_t now_ticks)
{
    struct probe_message message = {.type = PROBE_STATS, .stats = probe->outbox.stats};

    message.stats.now_ticks = now_ticks;
    probe_outbox_send(&probe->outbox, &message);
}

static enum probe_status arm(struct probe *probe, uint8_t mask, uint64_t now_ticks)
{
    if (probe->state != PROBE_STOPPED) {
        return PROBE_WRONG_STATE;
    }
    if (mask == 0 || mask >> PROBE_CHANNELS != 0) {
        return PROBE_BAD_ARGUMENT;
    }
    probe_outbox_restart(&probe->outbox);
    probe->state = PROBE_ARMED;
    probe->mask = mask;
    probe->from_ticks = now_ticks;
    probe->to_ticks = UINT64_MAX;
    probe->complete_ticks = now_ticks;
    return PROBE_DONE;
}

/* The answer waits for the events that are still on their way. A STOP that was repeated is answered once, the latest.
 */
static void stop(struct probe *probe, uint16_t sequence, uint64_t now_ticks)
{
    if (probe->state == PROBE_ARMED) {
        probe->state = PROBE_STOPPING;
        probe->to_ticks = now_ticks;
    }
    probe->stop_sequence = sequence;
}

static void finish_stop(struct probe *probe)
{
    const struct probe_ack ack = {.command = PROBE_STOP, .sequence = probe->stop_sequence, .status = PROBE_DONE};

    probe_outbox_report(&probe->outbox);
    send_epoch(probe, probe->to_ticks);
    send_stats(probe, probe->to_ticks);
    send_ack(probe, &ack);
    probe->state = PROBE_STOPPED;
}

static void obey(struct probe *probe, const struct probe_message *command, uint64_t now_ticks)
{
    struct probe_ack ack = {.command = command->type, .sequence = command->sequence, .status = PROBE_DONE};

    switch (command->type) {
    case PROBE_IDENTIFY:
        send_hello(probe);
        break;
    case PROBE_ARM:
        ack.status = (uint8_t)arm(probe, command->arm_mask, now_ticks);
        break;
    case PROBE_STOP:
        stop(probe, command->sequence, now_ticks);
        if (probe->state != PROBE_STOPPED) {
            return;
        }
        break;
    case PROBE_SELF_TEST:
        if (probe->state == PROBE_STOPPED) {
            ack.value = probe->self_test(probe->context);
        } else {
            ack.status = PROBE_WRONG_STATE;
        }
        break;
    case PROBE_GET_STATS:
        send_stats(probe, probe->complete_ticks);
        break;
    default: /* a frame of the probe's own: the line is looped back */
        probe->outbox.stats.bad_commands++;
        return;
    }
    send_ack(probe, &ack);
    if (command->type == PROBE_ARM && ack.status == PROBE_DONE) {
        send_epoch(probe, now_ticks);
    }
}

void probe_start(struct probe *probe, const struct probe_hello *hello, probe_self_test_fn *self_test, void *context)
{
    probe->hello = *hello;
    probe->hello.version = PROBE_PROTOCOL_VERSION;
    probe->hello.channels = PROBE_CHANNELS;
    probe->hello.resolution_ticks = 1;
    probe->hello.dead_ticks = PROBE_DEAD_TICKS;
    probe->self_test = self_test;
    probe->context = context;
    probe_outbox_delimit(&probe->outbox);
    send_hello(probe);
}

void probe_receive(struct probe *probe, uint8_t byte, uint64_t now_ticks)
{
    switch (probe_decoder_feed(&probe->decoder, byte, &probe->received)) {
    case PROBE_FOUND_NOTHING:
        break;
    case PROBE_FOUND_MESSAGE:
        obey(probe, &probe->received, now_ticks);
        break;
    case PROBE_FOUND_BAD_CRC:
    case PROBE_FOUND_BAD_LENGTH:
    case PROBE_FOUND_BAD_TYPE:
    case PROBE_FOUND_BAD_VALUE:
        probe->outbox.stats.bad_commands++;
        break;
    }
}

void probe_word(struct probe *probe, unsigned stream, uint32_t word, uint64_t now_ticks)
{
    probe_merge_put(&probe->merge[stream / PROBE_PHASES], stream % PROBE_PHASES, word, now_ticks);
}

static void advance(struct probe *probe, uint64_t complete_ticks)
{
    if (complete_ticks > probe->complete_ticks) {
        probe->complete_ticks = complete_ticks;
    }
}

/* At the same tick the stimulus comes first. Returns the channel; UINT64_MAX: no word waits. */
static unsigned next_channel(const struct probe *probe, uint64_t *ticks)
{
    unsigned next = 0;

    *ticks = probe_merge_next_ticks(&probe->merge[0]);
    for (unsigned channel = 1; channel < PROBE_CHANNELS; channel++) {
        const uint64_t other_ticks = probe_merge_next_ticks(&probe->merge[channel]);

        if (other_ticks < *ticks) {
            *ticks = other_ticks;
            next = channel;
        }
    }
    return next;
}

static bool is_wanted(const struct probe *probe, unsigned channel, uint64_t ticks)
{
    return probe->state != PROBE_STOPPED && (probe->mask >> channel & 1) != 0 && ticks >= probe->from_ticks &&
           ticks < probe->to_ticks;
}

bool probe_take(struct probe *probe, uint64_t horizon_ticks)
{
    uint64_t ticks;
    const unsigned channel = next_channel(probe, &ticks);
    uint8_t what;

    if (ticks >= horizon_ticks) {
        return false;
    }
    what = (uint8_t)(probe_merge_take(&probe->merge[channel]) | channel);
    advance(probe, ticks);
    if (is_wanted(probe, channel, ticks)) {
        probe_outbox_event(&probe->outbox, ticks, what);
    }
    return true;
}

void probe_lose(struct probe *probe, unsigned channel, enum probe_layer layer, uint64_t now_ticks)
{
    const struct probe_overflow overflow = {
        .channel = (uint8_t)channel,
        .layer = (uint8_t)layer,
        .lost = PROBE_LOST_UNKNOWN,
        .from_ticks = probe->complete_ticks,
        .to_ticks = now_ticks,
    };

    if (layer == PROBE_LAYER_RING) {
        probe_merge_restart(&probe->merge[channel], now_ticks);
    }
    if (probe->state != PROBE_STOPPED && (probe->mask >> channel & 1) != 0) {
        probe_outbox_overflow(&probe->outbox, &overflow);
    }
}

void probe_close(struct probe *probe, bool drained, uint64_t horizon_ticks)
{
    if (drained) {
        advance(probe, horizon_ticks);
    }
    probe_outbox_flush(&probe->outbox);
    if (probe->state == PROBE_STOPPING && probe->complete_ticks >= probe->to_ticks) {
        finish_stop(probe);
    } else if (probe->state != PROBE_STOPPED && probe->complete_ticks >= probe->epoch_ticks) {
        send_epoch(probe, probe->complete_ticks);
    }
}

/* After this time the LED changes, if it blinks. */
static uint32_t led_ticks(const struct probe *probe)
{
    return probe->outbox.stats.lost > 0 ? probe->hello.clk_hz / 8 : probe->hello.clk_hz;
}

bool probe_led(const struct probe *probe, uint64_t now_ticks)
{
    const bool blinks = probe->outbox.stats.lost > 0 || probe->state == PROBE_STOPPED;

    return !blinks || now_ticks / led_ticks(probe) % 2 == 0;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t probe_rest(const struct probe *probe, uint64_t now_ticks)
{
    const uint64_t until_led = led_ticks(probe) - now_ticks % led_ticks(probe);
    const uint64_t until_epoch = probe->epoch_ticks - smaller(now_ticks, probe->epoch_ticks);
    uint64_t word_ticks;

    (void)next_channel(probe, &word_ticks);
    if (probe->outbox.congested || probe->state == PROBE_STOPPING || word_ticks != UINT64_MAX) {
        return 0; /* something waits: for room, or for the horizon */
    }
    return probe->state == PROBE_ARMED ? smaller(until_epoch, until_led) : until_led;
}
