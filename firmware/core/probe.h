/* SPDX-License-Identifier: MIT */
/*
 * The probe without its hardware: words of the counters and bytes of the host in, frames out.
 *
 * The caller goes round: it reads the clock, then what words there are, and calls
 *     probe_wants / probe_word for each stream, probe_take, again until probe_take returns false;
 *     probe_close
 * with a horizon before which every edge's words are surely there. Stream 2 * c + p is phase p of channel c.
 * After a round that was drained it may leave out as many as probe_rest allows, as long as nothing comes in.
 */
#ifndef P2P_CORE_PROBE_H
#define P2P_CORE_PROBE_H

#include "firmware/core/merge.h"
#include "firmware/core/outbox.h"

enum { PROBE_STREAMS = PROBE_CHANNELS * PROBE_PHASES };

/* Returns SELF_TEST's bit mask of what failed. */
typedef uint32_t probe_self_test_fn(void *context);

enum probe_state { PROBE_STOPPED, PROBE_ARMED, PROBE_STOPPING };

/* Zero-initialise, then probe_start. Held by value; the caller hands `outbox.queue` to the link. */
struct probe {
    struct probe_hello hello;
    probe_self_test_fn *self_test;
    void *context;

    struct probe_merge merge[PROBE_CHANNELS];
    struct probe_outbox outbox;
    struct probe_decoder decoder;
    struct probe_message received;

    enum probe_state state;
    uint8_t mask;
    uint16_t stop_sequence;        /* of the STOP that is to be answered */
    uint64_t from_ticks, to_ticks; /* edges from ARM until STOP count */
    uint64_t complete_ticks;       /* every event before was taken */
    uint64_t epoch_ticks;          /* the next EPOCH is due */
};

/* Says HELLO. `hello` but for what this version of the core is: protocol, channels, resolution, dead time. */
void probe_start(struct probe *probe, const struct probe_hello *hello, probe_self_test_fn *self_test, void *context);

void probe_receive(struct probe *probe, uint8_t byte, uint64_t now_ticks);

static inline bool probe_wants(const struct probe *probe, unsigned stream)
{
    return probe_merge_wants(&probe->merge[stream / PROBE_PHASES], stream % PROBE_PHASES);
}

void probe_word(struct probe *probe, unsigned stream, uint32_t word, uint64_t now_ticks);

/* Takes one event from before the horizon; false: there is none. */
bool probe_take(struct probe *probe, uint64_t horizon_ticks);

/* Words of `channel` were lost until now. After PROBE_LAYER_RING what comes next is read from a new place. */
void probe_lose(struct probe *probe, unsigned channel, enum probe_layer layer, uint64_t now_ticks);

/* Ends a round. `drained`: probe_take has returned false for this horizon. */
void probe_close(struct probe *probe, bool drained, uint64_t horizon_ticks);

/* For how long from now on rounds have nothing to do, if no word and no byte comes. The LED is work, too. */
uint64_t probe_rest(const struct probe *probe, uint64_t now_ticks);

/* The status LED: dark for 1 s in 2 when stopped, lit when armed, a flicker of 4 Hz once edges were lost. */
bool probe_led(const struct probe *probe, uint64_t now_ticks);

#endif
