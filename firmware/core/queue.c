/* SPDX-License-Identifier: MIT */
#include "firmware/core/queue.h"

#include <string.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t used(const struct probe_queue *queue)
{
    const uint32_t put = atomic_load_explicit(&queue->put, memory_order_acquire);
    const uint32_t dropped = atomic_load_explicit(&queue->dropped, memory_order_acquire);

    return put - dropped;
}

size_t probe_queue_free(const struct probe_queue *queue)
{
    return PROBE_QUEUE_BYTES - used(queue);
}

bool probe_queue_put(struct probe_queue *queue, const uint8_t *bytes, size_t size)
{
    const uint32_t put = atomic_load_explicit(&queue->put, memory_order_relaxed);
    const size_t at = put % PROBE_QUEUE_BYTES, to_end = smaller(size, PROBE_QUEUE_BYTES - at);

    if (size > probe_queue_free(queue)) {
        return false;
    }
    memcpy(queue->bytes + at, bytes, to_end);
    memcpy(queue->bytes, bytes + to_end, size - to_end);
    atomic_store_explicit(&queue->put, put + (uint32_t)size, memory_order_release);
    return true;
}

size_t probe_queue_front(const struct probe_queue *queue, size_t max, const uint8_t **bytes)
{
    const size_t at = atomic_load_explicit(&queue->dropped, memory_order_relaxed) % PROBE_QUEUE_BYTES;

    *bytes = queue->bytes + at;
    return smaller(smaller(used(queue), PROBE_QUEUE_BYTES - at), max);
}

void probe_queue_drop(struct probe_queue *queue, size_t size)
{
    const uint32_t dropped = atomic_load_explicit(&queue->dropped, memory_order_relaxed);

    atomic_store_explicit(&queue->dropped, dropped + (uint32_t)size, memory_order_release);
}
