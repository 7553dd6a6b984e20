/* SPDX-License-Identifier: MIT */
/* Bytes on their way to the link. One side puts, one drops; the two may be a main loop and an interrupt. */
#ifndef P2P_CORE_QUEUE_H
#define P2P_CORE_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A power of 2. At 4 Mbaud it takes 82 ms to send: so long the host may hold the link up before edges are lost. */
enum { PROBE_QUEUE_BYTES = 32768 };

/* Zero-initialise. */
struct probe_queue {
    uint8_t bytes[PROBE_QUEUE_BYTES];
    atomic_uint_least32_t put, dropped; /* in all so far, modulo 2^32 */
};

size_t probe_queue_free(const struct probe_queue *queue);

/* All or nothing; false: it does not fit. */
bool probe_queue_put(struct probe_queue *queue, const uint8_t *bytes, size_t size);

/* The oldest bytes that lie side by side, at most `max`; they stay until dropped. Returns their number. */
size_t probe_queue_front(const struct probe_queue *queue, size_t max, const uint8_t **bytes);

/* At most as many as probe_queue_front told of. */
void probe_queue_drop(struct probe_queue *queue, size_t size);

#endif
