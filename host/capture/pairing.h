/* SPDX-License-Identifier: MIT */
/*
 * Edges in, samples and the account of every edge out. Pure: no clock, no device, one pass, constant memory.
 *
 * A stimulus is a rising edge on the stimulus channel. An answer is any edge on the answer channel. An answer belongs
 * to the latest stimulus before it, if that one is not answered yet and the answer comes within the deadline; an
 * answer after the deadline makes its stimulus late; any other answer is spurious. A stimulus with neither is missed.
 * Both lines must alternate in level: two edges of the same level in a row mean that the edge between was lost.
 * Every mark ends the window before it: a stimulus still open there is missed. An answer stamped before its stimulus
 * is spurious.
 */
#ifndef P2P_CAPTURE_PAIRING_H
#define P2P_CAPTURE_PAIRING_H

#include "capture/edge.h"

#include <stdbool.h>
#include <stddef.h>

struct p2p_account {
    uint64_t stimuli;  /* = answered + missed + late, always */
    uint64_t answered; /* in time: these are the samples */
    uint64_t missed;   /* no answer before the next stimulus, or before the end */
    uint64_t late;     /* first answer came after the deadline */
    uint64_t spurious; /* answers that no open stimulus explains */
    uint64_t clipped;  /* samples with a CLIPPED or GLITCH edge: counted here and kept out of the statistics' trust */
    uint64_t lost; /* edges that must have been there, by the alternation of levels; judged between the marks only */
    uint64_t releases;   /* falling edges of the stimulus line */
    uint64_t outside;    /* edges before ARMED or after DISARMED */
    uint64_t disordered; /* edges with a time before their predecessor's, on either line; between the marks only */
    uint64_t answers;    /* answer edges between the marks = answered + late + spurious */
    uint64_t edges;      /* all edges seen = stimuli + releases + answers + outside; an unknown channel breaks this */
};

/* One measured latency. `stimulus` counts from 0 within the boot. */
struct p2p_sample {
    uint64_t stimulus;
    uint64_t latency_ticks;
    uint8_t flags; /* of both edges, or-ed */
};

typedef void p2p_sample_fn(void *user, const struct p2p_sample *sample);

struct p2p_pairing;

/* `deadline_ticks` > 0; an answer exactly at the deadline is in time. NULL: out of memory. Free with p2p_pairing_free.
 */
struct p2p_pairing *p2p_pairing_new(uint64_t deadline_ticks, p2p_sample_fn *on_sample, void *user);
void p2p_pairing_free(struct p2p_pairing *pairing);

/* Edges in the order of the probe's stream, in pieces of any size; samples come out through `on_sample`. */
void p2p_pairing_feed(struct p2p_pairing *pairing, const struct p2p_edge *edges, size_t count);

/* No more edges come: the last stimulus is decided. Feed nothing afterwards. */
void p2p_pairing_finish(struct p2p_pairing *pairing);

/* Valid until p2p_pairing_free. Before finish, one stimulus may be open: stimuli = answered + missed + late + 1. */
const struct p2p_account *p2p_pairing_account(const struct p2p_pairing *pairing);

/* True if all three identities in struct p2p_account hold. Checked at the end of every boot. */
bool p2p_account_balances(const struct p2p_account *account);

/* Adds every field of `more` into `sum`. */
void p2p_account_add(struct p2p_account *sum, const struct p2p_account *more);

#endif
