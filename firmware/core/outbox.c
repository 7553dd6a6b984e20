/* SPDX-License-Identifier: MIT */
#include "firmware/core/outbox.h"

void probe_outbox_restart(struct probe_outbox *outbox)
{
    outbox->stats = (struct probe_stats){.bad_commands = outbox->stats.bad_commands};
    outbox->checksum = 0;
}

void probe_outbox_send(struct probe_outbox *outbox, struct probe_message *message)
{
    uint8_t wire[PROBE_WIRE_MAX];

    message->sequence = outbox->next_sequence++;
    (void)probe_queue_put(&outbox->queue, wire, probe_encode(message, wire)); /* the gap in the numbers tells */
}

void probe_outbox_delimit(struct probe_outbox *outbox)
{
    (void)probe_queue_put(&outbox->queue, &(const uint8_t){0}, 1);
}

static void count_overflow(struct probe_stats *stats, uint8_t layer)
{
    switch (layer) {
    case PROBE_LAYER_FIFO:
        stats->fifo_overflows++;
        break;
    case PROBE_LAYER_RING:
        stats->ring_overflows++;
        break;
    default:
        stats->link_overflows++;
        break;
    }
}

void probe_outbox_overflow(struct probe_outbox *outbox, const struct probe_overflow *overflow)
{
    struct probe_overflow *pending = &outbox->overflow[overflow->channel][overflow->layer - PROBE_LAYER_FIFO];
    const bool unknown = overflow->lost == PROBE_LOST_UNKNOWN || pending->lost == PROBE_LOST_UNKNOWN;

    outbox->stats.lost += overflow->lost == PROBE_LOST_UNKNOWN ? 1 : overflow->lost;
    if (pending->lost == 0) {
        *pending = *overflow;
        count_overflow(&outbox->stats, overflow->layer);
        return;
    }
    pending->lost = unknown ? PROBE_LOST_UNKNOWN : pending->lost + overflow->lost;
    pending->to_ticks = overflow->to_ticks;
}

void probe_outbox_report(struct probe_outbox *outbox)
{
    for (unsigned channel = 0; channel < PROBE_CHANNELS; channel++) {
        for (unsigned layer = 0; layer < PROBE_LAYER_LINK; layer++) {
            struct probe_overflow *pending = &outbox->overflow[channel][layer];

            if (pending->lost != 0) {
                struct probe_message message = {.type = PROBE_OVERFLOW, .overflow = *pending};

                probe_outbox_send(outbox, &message);
                pending->lost = 0;
            }
        }
    }
}

static void count_sent(struct probe_outbox *outbox, const struct probe_events *events)
{
    struct probe_stats *stats = &outbox->stats;

    for (unsigned i = 0; i < events->count; i++) {
        const uint8_t what = events->event[i].what;

        stats->events[what & PROBE_WHAT_CHANNEL]++;
        stats->glitches += (what & PROBE_WHAT_GLITCH) != 0 ? 1 : 0;
        stats->clipped += (what & PROBE_WHAT_CLIPPED) != 0 ? 1 : 0;
        outbox->checksum = probe_checksum(outbox->checksum, &events->event[i]);
    }
}

static void lose_batch(struct probe_outbox *outbox)
{
    const struct probe_events *events = &outbox->batch.events;

    for (unsigned i = 0; i < events->count; i++) {
        const struct probe_overflow lost = {
            .channel = events->event[i].what & PROBE_WHAT_CHANNEL,
            .layer = PROBE_LAYER_LINK,
            .lost = 1,
            .from_ticks = events->event[i].ticks,
            .to_ticks = events->event[i].ticks,
        };

        probe_outbox_overflow(outbox, &lost);
    }
}

/* Once events are lost it goes on until much room is free: one long gap is worth more than many short ones. */
static bool is_congested(const struct probe_outbox *outbox)
{
    const size_t need = outbox->congested ? PROBE_QUEUE_BYTES / 2 : PROBE_OUTBOX_RESERVE_BYTES + PROBE_WIRE_MAX;

    return probe_queue_free(&outbox->queue) < need;
}

void probe_outbox_flush(struct probe_outbox *outbox)
{
    struct probe_events *events = &outbox->batch.events;

    outbox->congested = is_congested(outbox);
    if (outbox->congested) {
        lose_batch(outbox);
    } else {
        probe_outbox_report(outbox);
        if (events->count > 0) {
            count_sent(outbox, events);
            outbox->batch.type = PROBE_EVENTS;
            probe_outbox_send(outbox, &outbox->batch);
        }
    }
    events->count = 0;
}

static bool fits_batch(const struct probe_events *events, uint64_t ticks)
{
    return events->count == 0 || (events->count < PROBE_EVENTS_MAX && ticks - events->event[0].ticks <= UINT32_MAX);
}

void probe_outbox_event(struct probe_outbox *outbox, uint64_t ticks, uint8_t what)
{
    struct probe_events *events = &outbox->batch.events;

    if (!fits_batch(events, ticks)) {
        probe_outbox_flush(outbox);
    }
    events->event[events->count].ticks = ticks;
    events->event[events->count].what = what;
    events->count++;
}
