/* SPDX-License-Identifier: MIT */
/*
 * Messages to the host: numbers them, gathers events into frames, and keeps the account of what was sent and what was
 * lost. Events that find the queue full are counted and reported as an OVERFLOW of the link. Other messages have a
 * reserve of their own; one that does not fit even there still takes its number, so that the host sees the gap.
 */
#ifndef P2P_CORE_OUTBOX_H
#define P2P_CORE_OUTBOX_H

#include "firmware/core/queue.h"
#include "firmware/protocol/protocol.h"

enum { PROBE_OUTBOX_RESERVE_BYTES = 2048 };

/* Zero-initialise. */
struct probe_outbox {
    struct probe_queue queue;
    uint16_t next_sequence;
    bool congested;             /* from the first event lost until half of the queue is free */
    struct probe_message batch; /* the events not yet in a frame */
    struct probe_stats stats;   /* since probe_outbox_restart, but for `now_ticks` and `bad_commands` */
    uint32_t checksum;          /* of the events that `stats` counts */
    struct probe_overflow overflow[PROBE_CHANNELS][PROBE_LAYER_LINK]; /* not yet reported, where `lost` is not 0 */
};

/* Begins a new account. No event or OVERFLOW may be pending. */
void probe_outbox_restart(struct probe_outbox *outbox);

/* Sets the sequence number of `message` and queues it. */
void probe_outbox_send(struct probe_outbox *outbox, struct probe_message *message);

/* The first bytes on the wire: a delimiter, which ends whatever noise the host received before. */
void probe_outbox_delimit(struct probe_outbox *outbox);

/* Events in order of time; they go out with probe_outbox_flush, or when a frame is full. */
void probe_outbox_event(struct probe_outbox *outbox, uint64_t ticks, uint8_t what);
void probe_outbox_flush(struct probe_outbox *outbox);

/* Edges were lost before they became events. OVERFLOWs go out before the next events that find room. */
void probe_outbox_overflow(struct probe_outbox *outbox, const struct probe_overflow *overflow);

/* Sends the pending OVERFLOWs, whatever the room. */
void probe_outbox_report(struct probe_outbox *outbox);

#endif
