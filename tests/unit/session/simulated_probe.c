/* SPDX-License-Identifier: MIT */
#include "simulated_probe.h"

#include "firmware/core/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    EDGES_MAX = 1024,
    WORDS_MAX = 64, /* of one counter in one round */
    SETTLE_TICKS = 4 * SIMULATED_CLK_HZ / 1000000,
    BYTE_NS = 2500, /* 10 bits at 4 Mbaud */
    BOARD_ID = 0x5eed,
};

/* How long it had been running, if it was. No multiple of a tick or of 2^32 ticks. */
#define UPTIME_NS UINT64_C(98765432101)

struct simulated_probe {
    struct probe core;
    uint64_t started_ns; /* by a clock that was UPTIME_NS at the bench's time 0 */
    uint64_t sent_ns;    /* when the byte sent last had left */
    struct {
        uint32_t word[WORDS_MAX];
        size_t put, taken;
    } counters[PROBE_STREAMS];
    struct p2p_edge edges[EDGES_MAX]; /* all that this run of the firmware saw */
    size_t edge_count;
    struct p2p_edge measured[EDGES_MAX];
    size_t measured_count;
};

static uint64_t ticks_at(const struct simulated_probe *probe, uint64_t bench_ns)
{
    return (bench_ns + UPTIME_NS - probe->started_ns + SIMULATED_TICK_NS - 1) / SIMULATED_TICK_NS;
}

static uint32_t no_self_test(void *context)
{
    (void)context;
    return 0;
}

static void start(struct simulated_probe *probe, uint64_t started_ns, uint32_t run_id)
{
    const struct probe_hello hello = {
        .clk_hz = SIMULATED_CLK_HZ, .board_id = BOARD_ID, .run_id = run_id, .firmware = "simulated"};

    memset(&probe->core, 0, sizeof probe->core);
    memset(probe->counters, 0, sizeof probe->counters);
    probe->started_ns = started_ns;
    probe->edge_count = 0;
    probe_start(&probe->core, &hello, no_self_test, NULL);
}

static void forget_bytes(struct simulated_probe *probe)
{
    struct probe_queue *queue = &probe->core.outbox.queue;

    probe_queue_drop(queue, PROBE_QUEUE_BYTES - probe_queue_free(queue));
}

/* Some bytes of its last frame are still to come: whoever joins now joins in the middle of a frame. */
static void arm_by_another_host(struct simulated_probe *probe)
{
    const struct probe_message arm = {.type = PROBE_ARM, .sequence = 41, .arm_mask = 3};
    uint8_t wire[PROBE_WIRE_MAX];
    const size_t size = probe_encode(&arm, wire);

    for (size_t i = 0; i < size; i++) {
        probe_receive(&probe->core, wire[i], ticks_at(probe, 0) - SIMULATED_CLK_HZ);
    }
    probe_queue_drop(&probe->core.outbox.queue, size / 2);
}

struct simulated_probe *simulated_probe_new(enum simulated_past past, uint32_t run_id)
{
    struct simulated_probe *probe = calloc(1, sizeof *probe);

    assert_non_null(probe);
    start(probe, past == SIMULATED_POWERED_ON ? UPTIME_NS : 0, run_id);
    if (past != SIMULATED_POWERED_ON) {
        forget_bytes(probe);
    }
    if (past == SIMULATED_LEFT_ARMED) {
        arm_by_another_host(probe);
    }
    return probe;
}

void simulated_probe_free(struct simulated_probe *probe)
{
    free(probe);
}

const struct p2p_edge *simulated_probe_measured(struct simulated_probe *probe, size_t *count)
{
    for (size_t i = 0; i < probe->edge_count && probe->measured_count < EDGES_MAX; i++) {
        const struct p2p_edge *edge = &probe->edges[i];

        if (edge->ticks >= probe->core.from_ticks && edge->ticks < probe->core.to_ticks) {
            probe->measured[probe->measured_count++] = *edge;
        }
    }
    probe->edge_count = 0;
    *count = probe->measured_count;
    return probe->measured;
}

void simulated_probe_reset(struct simulated_probe *probe, uint64_t now_ns, uint32_t run_id)
{
    size_t count;

    simulated_probe_measured(probe, &count);
    start(probe, now_ns + UPTIME_NS, run_id);
}

/* Both counters of a channel write, the twin one tick later. */
void simulated_probe_edge(struct simulated_probe *probe, uint64_t at_ns, enum p2p_channel channel, uint8_t level)
{
    const uint64_t ticks = ticks_at(probe, at_ns);

    assert_true(probe->edge_count < EDGES_MAX);
    if (probe->measured_count == 0) { /* else it was reset since: nobody is to see these */
        probe->edges[probe->edge_count++] =
            (struct p2p_edge){.ticks = ticks, .channel = (uint8_t)channel, .level = level};
    }
    for (unsigned i = 0; i < PROBE_PHASES; i++) {
        const unsigned phase = (unsigned)((ticks + i) % PROBE_PHASES);
        const unsigned stream = PROBE_PHASES * channel + phase;

        assert_true(probe->counters[stream].put < WORDS_MAX);
        probe->counters[stream].word[probe->counters[stream].put++] = (phase - (uint32_t)(ticks + i)) | level;
    }
}

void simulated_probe_receive(struct simulated_probe *probe, const uint8_t *bytes, size_t count, uint64_t now_ns)
{
    for (size_t i = 0; i < count; i++) {
        probe_receive(&probe->core, bytes[i], ticks_at(probe, now_ns));
    }
}

static void feed_words(struct simulated_probe *probe, uint64_t now_ticks)
{
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        if (probe->counters[stream].taken == probe->counters[stream].put) {
            probe->counters[stream].taken = probe->counters[stream].put = 0;
        } else if (probe_wants(&probe->core, stream)) {
            probe_word(&probe->core, stream, probe->counters[stream].word[probe->counters[stream].taken++], now_ticks);
        }
    }
}

size_t simulated_probe_round(struct simulated_probe *probe, uint64_t now_ns, uint8_t *bytes, size_t capacity)
{
    const uint64_t now_ticks = ticks_at(probe, now_ns);
    const uint64_t horizon = now_ticks > SETTLE_TICKS ? now_ticks - SETTLE_TICKS : 0;
    size_t room = (size_t)((now_ns - probe->sent_ns) / BYTE_NS), count = 0;
    const uint8_t *front;

    do {
        feed_words(probe, now_ticks);
    } while (probe_take(&probe->core, horizon));
    probe_close(&probe->core, true, horizon);
    probe->sent_ns = now_ns;
    for (room = room < capacity ? room : capacity; count < room; count++) {
        if (probe_queue_front(&probe->core.outbox.queue, 1, &front) == 0) {
            break;
        }
        bytes[count] = *front;
        probe_queue_drop(&probe->core.outbox.queue, 1);
    }
    return count;
}
