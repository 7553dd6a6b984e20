/* SPDX-License-Identifier: MIT */
/*
 * A rig of three parts: pins on which edges happen, a model probe that makes the protocol's bytes of them, and a cable
 * with faults between that probe and the link under test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/probe_link.h"
#include "util/prng.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    STEPS = 6, /* of 100 ms, in a run */
    STEP_EDGES_MAX = 60,
    EDGES_MAX = STEPS * STEP_EDGES_MAX,
    FRAMES_USUAL = 26, /* in a run */
    FRAMES_MAX = 64,   /* in any */
    FAULTS_MAX = 3,
    SCHEDULES = 4000,
    CLK_HZ = 125000000,
    INSERT_MAX = 8,
    WIRE_ROOM = PROBE_WIRE_MAX + INSERT_MAX,
    BACKLOG_BYTES = FRAMES_MAX * WIRE_ROOM,
};

#define STEP_NS    UINT64_C(100000000)
#define STEP_TICKS UINT64_C(12500000)
#define BACK_TICKS (20 * STEP_TICKS) /* more than any edge is after the EPOCH before it */

enum fault_kind {
    DELAYED, /* by 100 ms, the only harmless one */
    LOST,
    LOST_65536, /* with so many after it that the sequence fits again */
    REPEATED,
    REORDERED,
    CORRUPTED,
    TRUNCATED,
    INSERTED,
    STALLED,
    UNPLUGGED,
    RESET,
    RESET_SILENTLY, /* its HELLO is lost */
    EDGE_DROPPED,   /* inside the probe, which only its counters know */
    EDGE_OVERFLOW,  /* inside the probe, which says so */
    EDGE_CHANGED,   /* on its way, in a frame whose number and crc are right, as are these: */
    EDGES_SWAPPED,
    CLOCK_BACK,
    ERROR_SENT,
    COMMAND_LOST, /* on its way to the probe */
    FAULT_KINDS,
};

struct fault {
    enum fault_kind kind;
    unsigned frame; /* at which it strikes; of COMMAND_LOST the command, of EDGE_* the edge */
};

struct model_probe {
    struct probe_decoder decoder;
    uint16_t sequence;
    uint32_t run_id;
    bool armed;
    uint32_t counts[PROBE_CHANNELS];
    uint32_t lost;
    uint32_t checksum;
    struct probe_events queue;
};

struct rig {
    struct p2p_prng prng;
    struct p2p_probe_link *link;
    struct p2p_error error;
    uint64_t now_ns;
    uint64_t ticks;
    uint8_t levels[PROBE_CHANNELS];
    struct model_probe probe;
    struct fault faults[FAULTS_MAX];
    size_t fault_count;
    unsigned frames, commands; /* so far */
    bool delaying, stalled, forged;
    uint8_t held[WIRE_ROOM]; /* until the frame after it has passed */
    size_t held_size;
    uint8_t backlog[BACKLOG_BYTES];
    size_t backlog_size;
    struct p2p_edge made[EDGES_MAX];
    size_t made_count;
    struct p2p_edge delivered[EDGES_MAX + PROBE_EVENTS_MAX];
    size_t delivered_count;
};

static bool fail_calloc;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return fail_calloc ? NULL : __real_calloc(count, size);
}

static void collect(void *user, const struct p2p_edge *edge)
{
    struct rig *rig = user;

    assert_true(rig->delivered_count < sizeof rig->delivered / sizeof rig->delivered[0]);
    rig->delivered[rig->delivered_count++] = *edge;
}

static void rig_open(struct rig *rig, uint64_t seed)
{
    memset(rig, 0, sizeof *rig);
    p2p_prng_seed(&rig->prng, seed);
    rig->now_ns = UINT64_C(5000000000);
    rig->ticks = 100 * STEP_TICKS;
    rig->probe.run_id = (uint32_t)p2p_prng_next(&rig->prng);
    rig->link = p2p_probe_link_new(collect, rig);
    assert_non_null(rig->link);
}

static void rig_close(struct rig *rig)
{
    p2p_probe_link_free(rig->link);
}

/* The cable */

static void deliver(struct rig *rig, const uint8_t *bytes, size_t size)
{
    if (rig->stalled) {
        return;
    }
    if (rig->delaying) {
        assert_true(rig->backlog_size + size <= sizeof rig->backlog);
        memcpy(rig->backlog + rig->backlog_size, bytes, size);
        rig->backlog_size += size;
        return;
    }
    while (size > 0) {
        const size_t piece = 1 + p2p_prng_below(&rig->prng, size);

        (void)p2p_probe_link_feed(rig->link, bytes, piece, rig->now_ns, &rig->error);
        bytes += piece;
        size -= piece;
    }
}

static void flush_backlog(struct rig *rig)
{
    rig->delaying = false;
    deliver(rig, rig->backlog, rig->backlog_size);
    rig->backlog_size = 0;
}

static bool strikes(const struct rig *rig, enum fault_kind kind, unsigned at)
{
    for (size_t i = 0; i < rig->fault_count; i++) {
        if (rig->faults[i].kind == kind && rig->faults[i].frame == at) {
            return true;
        }
    }
    return false;
}

static size_t corrupt(struct rig *rig, uint8_t *wire, size_t size)
{
    for (uint64_t i = p2p_prng_below(&rig->prng, 4) + 1; i > 0; i--) {
        uint8_t *const byte = &wire[p2p_prng_below(&rig->prng, size)];

        *byte = (uint8_t)(*byte ^ (1 + p2p_prng_below(&rig->prng, 255)));
    }
    return size;
}

static size_t insert(struct rig *rig, uint8_t *wire, size_t size)
{
    const size_t count = 1 + p2p_prng_below(&rig->prng, INSERT_MAX), at = p2p_prng_below(&rig->prng, size);

    memmove(wire + at + count, wire + at, size - at);
    for (size_t i = at; i < at + count; i++) {
        wire[i] = (uint8_t)p2p_prng_next(&rig->prng);
    }
    return size + count;
}

/* What cuts the cable for good. */
static void strike_cable(struct rig *rig, unsigned frame)
{
    if (strikes(rig, DELAYED, frame)) {
        rig->delaying = true;
    }
    if (strikes(rig, STALLED, frame) || strikes(rig, UNPLUGGED, frame)) {
        flush_backlog(rig);
        rig->stalled = true;
    }
    if (strikes(rig, UNPLUGGED, frame)) {
        assert_int_equal(p2p_probe_link_unplugged(rig->link, &rig->error), P2P_E_BENCH);
    }
}

/* One frame through the cable, with what befalls it there. `wire` has WIRE_ROOM bytes. */
static void carry(struct rig *rig, uint8_t *wire, size_t size)
{
    const unsigned frame = rig->frames++;

    strike_cable(rig, frame);
    if (strikes(rig, LOST, frame) || strikes(rig, LOST_65536, frame)) {
        return;
    }
    if (strikes(rig, REORDERED, frame)) {
        memcpy(rig->held, wire, size);
        rig->held_size = size;
        return;
    }
    if (strikes(rig, REPEATED, frame)) {
        deliver(rig, wire, size);
    }
    if (strikes(rig, CORRUPTED, frame)) {
        size = corrupt(rig, wire, size);
    }
    if (strikes(rig, INSERTED, frame)) {
        size = insert(rig, wire, size);
    }
    if (strikes(rig, TRUNCATED, frame)) {
        size = p2p_prng_below(&rig->prng, size);
    }
    deliver(rig, wire, size);
    deliver(rig, rig->held, rig->held_size);
    rig->held_size = 0;
}

/* The model probe */

static void emit(struct rig *rig, struct probe_message *message)
{
    uint8_t wire[WIRE_ROOM];
    size_t size;

    message->sequence = rig->probe.sequence;
    if (!strikes(rig, LOST_65536, rig->frames)) {
        rig->probe.sequence++;
    }
    size = probe_encode(message, wire);
    assert_true(size > 0);
    carry(rig, wire, size);
}

static void emit_hello(struct rig *rig)
{
    struct probe_message message = {
        .type = PROBE_HELLO,
        .hello = {.version = PROBE_PROTOCOL_VERSION,
                  .channels = PROBE_CHANNELS,
                  .clk_hz = CLK_HZ,
                  .resolution_ticks = 1,
                  .dead_ticks = 9,
                  .run_id = rig->probe.run_id,
                  .firmware = "model"},
    };

    emit(rig, &message);
}

static void reset(struct rig *rig, bool silently)
{
    const uint32_t run_id = rig->probe.run_id + 1;

    rig->probe = (struct model_probe){.run_id = run_id};
    if (silently) {
        rig->frames++;
    } else {
        emit_hello(rig);
    }
}

/* Sends `message`, unless something befalls the probe itself now. */
static void send_message(struct rig *rig, struct probe_message *message)
{
    const unsigned frame = rig->frames;

    if (strikes(rig, RESET, frame) || strikes(rig, RESET_SILENTLY, frame)) {
        reset(rig, !strikes(rig, RESET, frame));
        return;
    }
    if (strikes(rig, ERROR_SENT, frame)) {
        struct probe_message error = {.type = PROBE_ERROR, .error = {.code = 7, .text = "the watchdog bit"}};

        emit(rig, &error);
    }
    emit(rig, message);
}

/* Two events of one tick change places. False: there are none. */
static bool swap_events(struct probe_events *events)
{
    for (size_t i = 1; i < events->count; i++) {
        const struct probe_event event = events->event[i];

        if (event.ticks == events->event[i - 1].ticks) {
            events->event[i] = events->event[i - 1];
            events->event[i - 1] = event;
            return true;
        }
    }
    return false;
}

/* What a crc of 16 bits lets through. Returns whether anything was done. */
static bool forge_events(struct rig *rig, struct probe_events *events)
{
    struct probe_event *const event = &events->event[p2p_prng_below(&rig->prng, events->count)];

    if (strikes(rig, EDGES_SWAPPED, rig->frames)) {
        return swap_events(events);
    }
    if (!strikes(rig, EDGE_CHANGED, rig->frames)) {
        return false;
    }
    event->what ^= p2p_prng_below(&rig->prng, 2) == 0 ? PROBE_WHAT_LEVEL : PROBE_WHAT_GLITCH;
    if (p2p_prng_below(&rig->prng, 2) == 0) {
        events->event[events->count - 1].ticks++;
    }
    return true;
}

static void flush_events(struct rig *rig)
{
    if (rig->probe.queue.count > 0) {
        struct probe_message message = {.type = PROBE_EVENTS, .events = rig->probe.queue};

        for (size_t i = 0; i < message.events.count; i++) {
            rig->probe.checksum = probe_checksum(rig->probe.checksum, &message.events.event[i]);
        }
        rig->probe.queue.count = 0;
        rig->forged = forge_events(rig, &message.events) || rig->forged;
        if (strikes(rig, CLOCK_BACK, rig->frames)) {
            for (size_t i = 0; i < message.events.count; i++) {
                message.events.event[i].ticks -= BACK_TICKS;
            }
        }
        send_message(rig, &message);
    }
}

static struct probe_message epoch_at(const struct rig *rig, uint64_t ticks)
{
    return (struct probe_message){
        .type = PROBE_EPOCH,
        .epoch = {.now_ticks = ticks,
                  .events = {rig->probe.counts[0], rig->probe.counts[1]},
                  .lost = rig->probe.lost,
                  .checksum = probe_checksum(rig->probe.checksum, &(struct probe_event){.ticks = ticks})},
    };
}

static void send_epoch(struct rig *rig)
{
    struct probe_message message;

    flush_events(rig);
    message = epoch_at(rig, rig->ticks);
    send_message(rig, &message);
}

static void send_ack(struct rig *rig, const struct probe_message *command, enum probe_status status)
{
    struct probe_message message = {
        .type = PROBE_ACK,
        .ack = {.command = command->type, .sequence = command->sequence, .status = (uint8_t)status, .value = 0},
    };

    send_message(rig, &message);
}

static void send_stats(struct rig *rig)
{
    struct probe_message message = {.type = PROBE_STATS, .stats = {.now_ticks = rig->ticks, .glitches = 5}};

    send_message(rig, &message);
}

static void send_overflow(struct rig *rig, uint8_t channel)
{
    struct probe_message message = {
        .type = PROBE_OVERFLOW,
        .overflow = {.channel = channel,
                     .layer = PROBE_LAYER_RING,
                     .lost = PROBE_LOST_UNKNOWN,
                     .from_ticks = rig->ticks - 1,
                     .to_ticks = rig->ticks},
    };

    send_message(rig, &message);
}

static void probe_obey(struct rig *rig, const struct probe_message *command)
{
    switch (command->type) {
    case PROBE_IDENTIFY:
        emit_hello(rig);
        break;
    case PROBE_ARM:
        if (rig->probe.armed) {
            send_ack(rig, command, PROBE_WRONG_STATE);
            return;
        }
        rig->probe.armed = true;
        memset(rig->probe.counts, 0, sizeof rig->probe.counts);
        rig->probe.lost = 0;
        rig->probe.checksum = 0;
        send_ack(rig, command, PROBE_DONE);
        send_epoch(rig);
        return;
    case PROBE_STOP:
        if (rig->probe.armed) {
            send_epoch(rig);
        }
        rig->probe.armed = false;
        send_stats(rig);
        break;
    case PROBE_GET_STATS:
        send_stats(rig);
        break;
    default:
        break;
    }
    send_ack(rig, command, PROBE_DONE);
}

static void probe_see(struct rig *rig, const struct p2p_edge *edge, unsigned index)
{
    struct probe_events *queue = &rig->probe.queue;

    if (!rig->probe.armed) {
        return;
    }
    if (strikes(rig, EDGE_OVERFLOW, index)) {
        rig->probe.lost++;
        send_overflow(rig, edge->channel);
        return;
    }
    rig->probe.counts[edge->channel]++;
    if (strikes(rig, EDGE_DROPPED, index)) {
        return;
    }
    queue->event[queue->count].ticks = edge->ticks;
    queue->event[queue->count].what = (uint8_t)(edge->channel | (edge->level != 0 ? PROBE_WHAT_LEVEL : 0) |
                                                ((edge->flags & P2P_EDGE_GLITCH) != 0 ? PROBE_WHAT_GLITCH : 0) |
                                                ((edge->flags & P2P_EDGE_CLIPPED) != 0 ? PROBE_WHAT_CLIPPED : 0));
    queue->count++;
    if (queue->count == PROBE_EVENTS_MAX || p2p_prng_below(&rig->prng, 16) == 0) {
        flush_events(rig);
    }
}

/* The host and the pins */

static void give(struct rig *rig, enum probe_type type)
{
    uint8_t wire[PROBE_WIRE_MAX];
    const size_t size = p2p_probe_link_command(rig->link, type, rig->now_ns, wire);
    struct probe_message command;

    if (size == 0 || strikes(rig, COMMAND_LOST, rig->commands++)) {
        return;
    }
    for (size_t i = 0; i < size; i++) {
        if (probe_decoder_feed(&rig->probe.decoder, wire[i], &command) == PROBE_FOUND_MESSAGE) {
            probe_obey(rig, &command);
        }
    }
}

/* 100 ms pass. */
static void pass_time(struct rig *rig)
{
    rig->ticks += STEP_TICKS;
    rig->now_ns += STEP_NS;
    flush_backlog(rig);
    if (rig->probe.armed) {
        send_epoch(rig);
    }
    (void)p2p_probe_link_check_alive(rig->link, rig->now_ns, &rig->error);
}

/* Both lines may change in the same tick; a line changes once in a tick. */
static void make_edges(struct rig *rig)
{
    for (uint64_t count = 1 + p2p_prng_below(&rig->prng, STEP_EDGES_MAX); count > 0; count--) {
        const unsigned channel = (unsigned)p2p_prng_below(&rig->prng, PROBE_CHANNELS);

        if (p2p_probe_link_state(rig->link) != P2P_PROBE_ARMED) {
            return;
        }
        rig->ticks += p2p_prng_below(&rig->prng, 4) * p2p_prng_below(&rig->prng, 1000);
        rig->levels[channel] ^= 1;
        rig->made[rig->made_count] = (struct p2p_edge){
            .ticks = rig->ticks,
            .channel = (uint8_t)channel,
            .level = rig->levels[channel],
            .flags = (uint8_t)(p2p_prng_below(&rig->prng, 4)),
        };
        rig->made_count++;
        probe_see(rig, &rig->made[rig->made_count - 1], (unsigned)rig->made_count - 1);
    }
}

/* A whole boot as the session has it. */
static void run(struct rig *rig)
{
    give(rig, PROBE_IDENTIFY);
    pass_time(rig);
    give(rig, PROBE_ARM);
    for (int step = 0; step < STEPS; step++) {
        make_edges(rig);
        pass_time(rig);
    }
    give(rig, PROBE_STOP);
    for (int step = 0; step < 7; step++) { /* longer than an answer may take */
        pass_time(rig);
    }
}

/* What a session would call a whole run. */
static bool healthy(const struct rig *rig)
{
    const struct probe_ack *ack = p2p_probe_link_ack(rig->link);

    return p2p_probe_link_state(rig->link) == P2P_PROBE_STOPPED && ack != NULL && ack->command == PROBE_STOP &&
           ack->status == PROBE_DONE;
}

static bool same_edge(const struct p2p_edge *a, const struct p2p_edge *b)
{
    return a->ticks == b->ticks && a->channel == b->channel && a->level == b->level && a->flags == b->flags;
}

/* Before this time the link vouches for every edge: it says so in its fault. */
static uint64_t whole_ticks(const struct rig *rig)
{
    static const char said[] = "no edge is missing or wrong before tick ";
    const char *at = strstr(rig->error.message, said);

    if (healthy(rig)) {
        return UINT64_MAX;
    }
    return at != NULL ? strtoull(at + strlen(said), NULL, 10) : 0;
}

/* A crc of 16 bits lets through what else happens to bytes, if seldom. */
static bool may_be_forged(const struct rig *rig)
{
    for (size_t i = 0; i < rig->fault_count; i++) {
        if (rig->faults[i].kind == CORRUPTED || rig->faults[i].kind == INSERTED) {
            return true;
        }
    }
    return rig->forged;
}

/*
 * Every delivered edge was made, in that order, and none is missing where the link vouches for them. Where it does not,
 * one may be wrong if something forged it.
 */
static bool delivered_right(const struct rig *rig)
{
    const uint64_t whole = whole_ticks(rig);
    size_t next = 0;

    for (size_t i = 0; i < rig->made_count; i++) {
        if (next < rig->delivered_count && same_edge(&rig->delivered[next], &rig->made[i])) {
            next++;
        } else if (rig->made[i].ticks < whole) {
            return false;
        }
    }
    return next == rig->delivered_count || (rig->delivered[next].ticks >= whole && may_be_forged(rig));
}

/* Tests */

static void test_without_faults_every_edge_comes(void **state)
{
    struct rig rig;

    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        rig_open(&rig, seed);
        if (seed % 2 != 0) {
            rig.fault_count = 1;
            rig.faults[0] = (struct fault){DELAYED, (unsigned)(seed / 2 % FRAMES_USUAL)};
        }
        run(&rig);
        if (!healthy(&rig)) {
            fail_msg("seed %" PRIu64 ": %s", seed, rig.error.message);
        }
        assert_true(rig.made_count >= STEPS);
        assert_true(delivered_right(&rig));
        assert_int_equal(p2p_probe_link_stats(rig.link)->glitches, 5);
        rig_close(&rig);
    }
}

static void test_each_fault_is_named(void **state)
{
    static const struct {
        struct fault fault;
        const char *text;
    } rows[] = {
        {{LOST, 4},
         "frames lost: 1, numbers 4 to 4; no edge is missing or wrong before tick 1262500000 (0.000000 s after "
         "arming)"},
        {{LOST_65536, 4}, "the probe counted"},
        {{REPEATED, 4}, "frame 4 came again or out of order, expected frame 5"},
        {{REORDERED, 4}, "frames lost: 1, numbers 4 to 4"},
        {{CORRUPTED, 4}, "a damaged frame came, with a wrong "},
        {{INSERTED, 4}, "a damaged frame came, with a wrong "},
        {{TRUNCATED, 4}, "a damaged frame came, with a wrong "},
        {{LOST, 0}, "the probe answered IDENTIFY, but its HELLO did not come"},
        {{LOST_65536, 3}, "edges came before the first EPOCH"},
        {{STALLED, 4}, "no EPOCH for 600 ms"},
        {{STALLED, 0}, "no answer to IDENTIFY for 600 ms"},
        {{UNPLUGGED, 4}, "it was closed"},
        {{RESET, 4}, "the probe was reset: in run "},
        {{RESET_SILENTLY, 4}, "no EPOCH for 600 ms"},
        {{EDGE_DROPPED, 3}, "the probe counted"},
        {{EDGE_OVERFLOW, 3}, "the probe lost 1 or more edges of the "},
        {{EDGE_OVERFLOW, 3}, ", in the DMA ring: they came too fast"},
        {{EDGE_CHANGED, 4}, "the edges that came are not those the probe sent by tick 1275"},
        {{CLOCK_BACK, 4}, "the probe's time went back to tick 101"},
        {{ERROR_SENT, 4}, "the probe reports error 7: the watchdog bit"},
        {{COMMAND_LOST, 0}, "no answer to IDENTIFY for 600 ms"},
        {{COMMAND_LOST, 1}, "no answer to ARM for 600 ms"},
        {{COMMAND_LOST, 2}, "no answer to STOP for 600 ms"},
    };
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rig_open(&rig, 1);
        rig.fault_count = 1;
        rig.faults[0] = rows[i].fault;
        run(&rig);
        assert_int_equal(p2p_probe_link_state(rig.link), P2P_PROBE_FAULTY);
        assert_int_equal(rig.error.code, P2P_E_BENCH);
        if (strstr(rig.error.message, rows[i].text) == NULL) {
            fail_msg("row %zu: %s", i, rig.error.message);
        }
        assert_true(delivered_right(&rig));
        rig_close(&rig);
    }
}

static uint64_t seed_of_this_run(void)
{
    const char *text = getenv("P2P_TEST_SEED");

    return text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
}

static void draw_faults(struct rig *rig)
{
    rig->fault_count = p2p_prng_upto(&rig->prng, FAULTS_MAX);
    for (size_t i = 0; i < rig->fault_count; i++) {
        struct fault *const fault = &rig->faults[i];

        fault->kind = (enum fault_kind)p2p_prng_below(&rig->prng, FAULT_KINDS);
        fault->frame = (unsigned)p2p_prng_below(&rig->prng, fault->kind == COMMAND_LOST ? 3 : FRAMES_USUAL);
    }
}

static void test_no_schedule_of_faults_passes_for_health(void **state)
{
    const uint64_t seed = seed_of_this_run();
    unsigned healthy_runs = 0, healthy_despite = 0;

    (void)state;
    print_message("P2P_TEST_SEED=%" PRIu64 "\n", seed);
    for (uint64_t i = 0; i < SCHEDULES; i++) {
        struct rig rig;

        rig_open(&rig, seed + i * UINT64_C(0x9e3779b97f4a7c15));
        draw_faults(&rig);
        run(&rig);
        if (!delivered_right(&rig)) {
            fail_msg("schedule %" PRIu64 ": %zu edges made, %zu delivered, %s", i, rig.made_count, rig.delivered_count,
                     healthy(&rig) ? "and called healthy" : rig.error.message);
        }
        if (rig.fault_count == 0) {
            assert_true(healthy(&rig));
        }
        healthy_runs += healthy(&rig);
        healthy_despite += healthy(&rig) && rig.fault_count > 0;
        rig_close(&rig);
    }
    print_message("%d schedules: %u healthy, %u of them with faults that did no harm\n", SCHEDULES, healthy_runs,
                  healthy_despite);
    assert_in_range(healthy_runs, SCHEDULES / 10, SCHEDULES / 2); /* or the schedules test nothing */
}

/* A rig that has said HELLO and is armed. */
static void rig_armed(struct rig *rig)
{
    rig_open(rig, 1);
    give(rig, PROBE_IDENTIFY);
    give(rig, PROBE_ARM);
    assert_int_equal(p2p_probe_link_state(rig->link), P2P_PROBE_ARMED);
}

static void test_silence_is_timed_exactly(void **state)
{
    struct rig rig;

    (void)state;
    rig_armed(&rig);
    pass_time(&rig); /* an EPOCH */
    assert_int_equal(p2p_probe_link_check_alive(rig.link, rig.now_ns + P2P_PROBE_SILENCE_NS, &rig.error), P2P_OK);
    assert_int_equal(p2p_probe_link_check_alive(rig.link, rig.now_ns + P2P_PROBE_SILENCE_NS + 1, &rig.error),
                     P2P_E_BENCH);
    assert_int_equal(p2p_probe_link_state(rig.link), P2P_PROBE_FAULTY);
    rig_close(&rig);

    rig_open(&rig, 1);
    assert_int_equal(p2p_probe_link_check_alive(rig.link, rig.now_ns * 2, &rig.error), P2P_OK); /* nothing asked */
    rig.stalled = true;
    give(&rig, PROBE_STOP);
    assert_int_equal(p2p_probe_link_check_alive(rig.link, rig.now_ns + P2P_PROBE_SILENCE_NS, &rig.error), P2P_OK);
    assert_int_equal(p2p_probe_link_check_alive(rig.link, rig.now_ns + P2P_PROBE_SILENCE_NS + 1, &rig.error),
                     P2P_E_BENCH);
    rig_close(&rig);
}

static void test_first_fault_wins_and_ends_delivery(void **state)
{
    struct probe_message events = {.type = PROBE_EVENTS,
                                   .events = {.count = 1, .event = {{.ticks = 101 * STEP_TICKS}}}};
    uint8_t damage_then_events[2 + PROBE_WIRE_MAX] = {1, 0}; /* in one piece */
    uint8_t wire[PROBE_WIRE_MAX];
    struct p2p_error later = {0};
    struct rig rig;
    size_t size;

    (void)state;
    rig_armed(&rig);
    assert_int_equal(p2p_probe_link_unplugged(rig.link, &rig.error), P2P_E_BENCH);
    emit(&rig, &events);
    assert_int_equal(rig.delivered_count, 0);
    assert_int_equal(p2p_probe_link_check_alive(rig.link, rig.now_ns * 2, &later), P2P_E_BENCH);
    assert_string_equal(later.message, rig.error.message);
    assert_int_equal(p2p_probe_link_command(rig.link, PROBE_STOP, rig.now_ns, wire), 0);
    rig_close(&rig);

    rig_armed(&rig);
    events.sequence = rig.probe.sequence;
    size = 2 + probe_encode(&events, damage_then_events + 2);
    assert_int_equal(p2p_probe_link_feed(rig.link, damage_then_events, size, rig.now_ns, &rig.error), P2P_E_BENCH);
    assert_int_equal(rig.delivered_count, 0);
    rig_close(&rig);
}

static void test_link_may_be_joined_in_mid_stream(void **state)
{
    static const uint8_t tail[] = {0x17, 0x01, 0x02, 0x00, 0x05, 0x00};
    struct rig rig;

    (void)state;
    rig_open(&rig, 1);
    rig.probe.armed = true; /* by a host before this one */
    rig.probe.sequence = 65530;
    deliver(&rig, tail, sizeof tail);
    rig.probe.counts[1] = 77;
    send_epoch(&rig);
    give(&rig, PROBE_STOP);
    assert_false(p2p_probe_link_waiting(rig.link));
    assert_int_equal(p2p_probe_link_ack(rig.link)->command, PROBE_STOP);
    assert_int_equal(p2p_probe_link_state(rig.link), P2P_PROBE_UNKNOWN);
    assert_null(p2p_probe_link_hello(rig.link));
    assert_null(p2p_probe_link_stats(rig.link));
    run(&rig); /* over the sequence's end, too */
    assert_true(healthy(&rig));
    assert_true(delivered_right(&rig));
    assert_int_equal(p2p_probe_link_hello(rig.link)->clk_hz, CLK_HZ);
    rig_close(&rig);
}

static void test_second_run_counts_anew(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 1);
    run(&rig);
    assert_true(healthy(&rig));
    rig.made_count = 0;
    rig.delivered_count = 0;
    run(&rig); /* IDENTIFY brings a HELLO of the same run */
    assert_true(healthy(&rig));
    assert_true(delivered_right(&rig));
    rig_close(&rig);
}

static void test_commands_go_one_at_a_time(void **state)
{
    uint8_t wire[PROBE_WIRE_MAX];
    struct rig rig;

    (void)state;
    rig_open(&rig, 1);
    assert_null(p2p_probe_link_ack(rig.link));
    assert_int_equal(p2p_probe_link_command(rig.link, PROBE_HELLO, rig.now_ns, wire), 0);
    assert_int_equal(p2p_probe_link_command(rig.link, (enum probe_type)0x46, rig.now_ns, wire), 0);
    assert_false(p2p_probe_link_waiting(rig.link));
    assert_true(p2p_probe_link_command(rig.link, PROBE_IDENTIFY, rig.now_ns, wire) > 0);
    assert_true(p2p_probe_link_waiting(rig.link));
    assert_int_equal(p2p_probe_link_command(rig.link, PROBE_ARM, rig.now_ns, wire), 0);
    /* The probe was starting: it gets the second try, or both. */
    rig.delaying = true;
    give(&rig, PROBE_IDENTIFY);
    give(&rig, PROBE_IDENTIFY);
    flush_backlog(&rig);
    assert_false(p2p_probe_link_waiting(rig.link));
    assert_int_equal(p2p_probe_link_ack(rig.link)->sequence, 2);
    assert_int_equal(p2p_probe_link_state(rig.link), P2P_PROBE_STOPPED);
    /* Known now: no second try. */
    assert_true(p2p_probe_link_command(rig.link, PROBE_SELF_TEST, rig.now_ns, wire) > 0);
    assert_null(p2p_probe_link_ack(rig.link));
    assert_int_equal(p2p_probe_link_command(rig.link, PROBE_SELF_TEST, rig.now_ns, wire), 0);
    rig_close(&rig);
}

static void test_commands_are_what_the_probe_understands(void **state)
{
    static const enum probe_type commands[] = {PROBE_IDENTIFY, PROBE_SELF_TEST, PROBE_GET_STATS, PROBE_ARM, PROBE_STOP};
    struct rig rig;

    (void)state;
    rig_open(&rig, 1);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        struct probe_decoder decoder = {0};
        struct probe_message message = {0};
        uint8_t wire[PROBE_WIRE_MAX];
        const size_t size = p2p_probe_link_command(rig.link, commands[i], rig.now_ns, wire);
        enum probe_found found = PROBE_FOUND_NOTHING;

        assert_true(size > 0);
        for (size_t at = 0; at < size; at++) {
            found = probe_decoder_feed(&decoder, wire[at], &message);
        }
        assert_int_equal(found, PROBE_FOUND_MESSAGE);
        assert_int_equal(message.type, commands[i]);
        assert_int_equal(message.sequence, i);
        assert_true(commands[i] != PROBE_ARM || message.arm_mask == 3);
        probe_obey(&rig, &message);
        assert_int_equal(p2p_probe_link_ack(rig.link)->command, commands[i]);
    }
    assert_int_equal(p2p_probe_link_state(rig.link), P2P_PROBE_STOPPED);
    rig_close(&rig);
}

static void test_refused_command_is_no_fault(void **state)
{
    const struct probe_message stop = {.type = PROBE_STOP, .sequence = 2};
    const struct probe_message arm = {.type = PROBE_ARM, .sequence = 1};
    uint8_t wire[PROBE_WIRE_MAX];
    struct rig rig;

    (void)state;
    rig_open(&rig, 1);
    give(&rig, PROBE_IDENTIFY);
    assert_true(p2p_probe_link_command(rig.link, PROBE_ARM, rig.now_ns, wire) > 0);
    send_ack(&rig, &arm, PROBE_FAILED);
    assert_int_equal(p2p_probe_link_state(rig.link), P2P_PROBE_STOPPED);
    assert_int_equal(p2p_probe_link_ack(rig.link)->status, PROBE_FAILED);
    rig_close(&rig);

    rig_armed(&rig);
    assert_true(p2p_probe_link_command(rig.link, PROBE_STOP, rig.now_ns, wire) > 0);
    send_ack(&rig, &stop, PROBE_FAILED);
    assert_int_equal(p2p_probe_link_state(rig.link), P2P_PROBE_ARMED);
    assert_true(p2p_probe_link_command(rig.link, PROBE_STOP, rig.now_ns, wire) > 0);
    send_ack(&rig, &stop, PROBE_DONE); /* to the STOP before */
    assert_int_equal(p2p_probe_link_state(rig.link), P2P_PROBE_FAULTY);
    rig_close(&rig);
}

/* Sends `message` to a link in the state asked for; the fault must say `text`. */
static void expect_fault(bool armed, struct probe_message message, const char *text)
{
    struct rig rig;

    rig_open(&rig, 1);
    if (message.type != PROBE_HELLO || message.hello.version == 0) {
        give(&rig, PROBE_IDENTIFY);
    }
    if (armed) {
        give(&rig, PROBE_ARM);
    }
    emit(&rig, &message);
    if (strstr(rig.error.message, text) == NULL) {
        fail_msg("expected \"%s\": %s", text, rig.error.message);
    }
    assert_int_equal(p2p_probe_link_state(rig.link), P2P_PROBE_FAULTY);
    assert_int_equal(rig.delivered_count, 0);
    rig_close(&rig);
}

static void test_hello_is_checked(void **state)
{
    const struct probe_hello good = {.version = 1, .channels = 2, .clk_hz = CLK_HZ, .resolution_ticks = 1};
    struct probe_message message = {.type = PROBE_HELLO, .hello = good};

    (void)state;
    message.hello.version = 2;
    expect_fault(false, message, "the probe speaks protocol version 2, expected 1");
    message.hello = good;
    message.hello.channels = 4;
    expect_fault(false, message, "a probe with 4 channels");
    message.hello = good;
    message.hello.clk_hz = 0;
    expect_fault(false, message, "a clock of 0 Hz");
    message.hello = good;
    message.hello.resolution_ticks = 0;
    expect_fault(false, message, "a resolution of 0 ticks");
}

static void test_unasked_hello_of_the_same_run_is_a_reset(void **state)
{
    struct rig rig;

    (void)state;
    rig_armed(&rig);
    emit_hello(&rig);
    assert_non_null(strstr(rig.error.message, "the probe was reset"));
    rig_close(&rig);
}

static void test_another_run_is_a_reset_even_if_asked_for(void **state)
{
    struct rig rig;

    (void)state;
    rig_armed(&rig);
    rig.probe.run_id++;
    give(&rig, PROBE_IDENTIFY);
    assert_non_null(strstr(rig.error.message, "the probe was reset"));
    rig_close(&rig);
}

static void test_messages_out_of_place_are_faults(void **state)
{
    static const struct rig none;
    const uint64_t later = 101 * STEP_TICKS;
    const struct probe_message events = {.type = PROBE_EVENTS, .events = {.count = 1, .event = {{.ticks = later}}}};
    const struct probe_message epoch = epoch_at(&none, later);
    const struct probe_message loop = {.type = PROBE_STOP};
    const struct probe_message ack = {.type = PROBE_ACK, .ack = {.command = PROBE_STOP, .sequence = 2}};
    struct probe_message lost = epoch, early = epoch_at(&none, 100 * STEP_TICKS - 1), other = epoch;
    struct probe_message overflow = {
        .type = PROBE_OVERFLOW,
        .overflow = {.layer = PROBE_LAYER_LINK, .lost = 12, .from_ticks = later, .to_ticks = later + CLK_HZ},
    };

    (void)state;
    lost.epoch.lost = 9;
    other.epoch.now_ticks++;
    expect_fault(false, events, "1 edges came while the probe was not armed");
    expect_fault(false, epoch, "an EPOCH came while the probe was not armed");
    expect_fault(false, loop, "is the line looped back?");
    expect_fault(true, ack, "an answer to STOP number 2, which was not sent");
    expect_fault(true, lost, "the probe lost 9 edges by tick 1262500000");
    expect_fault(true, early, "time went back");
    expect_fault(true, other, "are not those the probe sent by tick 1262500001");
    expect_fault(true, overflow,
                 "the probe lost 12 edges of the stimulus line between tick 1262500000 (0.100000 s after arming) and "
                 "tick 1387500000 (1.100000 s after arming), in the link's queue");
}

/* What the first run knew is not good for the second. */
static void test_edges_after_a_run_belong_to_no_run(void **state)
{
    const struct probe_message arm = {.type = PROBE_ARM, .sequence = 3};
    struct probe_message events = {.type = PROBE_EVENTS,
                                   .events = {.count = 1, .event = {{.ticks = 200 * STEP_TICKS}}}};
    uint8_t wire[PROBE_WIRE_MAX];
    struct rig rig;

    (void)state;
    for (int armed = 0; armed <= 1; armed++) {
        rig_open(&rig, 1);
        run(&rig);
        if (armed != 0) {
            assert_true(p2p_probe_link_command(rig.link, PROBE_ARM, rig.now_ns, wire) > 0);
            send_ack(&rig, &arm, PROBE_DONE);
            assert_int_equal(p2p_probe_link_state(rig.link), P2P_PROBE_ARMED);
        }
        emit(&rig, &events);
        assert_non_null(strstr(rig.error.message, armed != 0 ? "1 edges came before the first EPOCH"
                                                             : "1 edges came while the probe was not armed"));
        assert_int_equal(rig.delivered_count, rig.made_count);
        rig_close(&rig);
    }
}

static void test_epochs_are_counted_while_armed(void **state)
{
    struct rig rig;

    (void)state;
    rig_open(&rig, 1);
    give(&rig, PROBE_IDENTIFY);
    assert_int_equal(p2p_probe_link_epochs(rig.link), 0);
    for (int runs = 0; runs < 2; runs++) {
        give(&rig, PROBE_ARM);
        for (uint64_t epochs = 1; epochs < 5; epochs++) {
            assert_int_equal(p2p_probe_link_epochs(rig.link), epochs);
            pass_time(&rig);
        }
        give(&rig, PROBE_STOP);
        assert_int_equal(p2p_probe_link_epochs(rig.link), 0);
    }
    give(&rig, PROBE_ARM);
    assert_int_equal(p2p_probe_link_unplugged(rig.link, &rig.error), P2P_E_BENCH);
    assert_int_equal(p2p_probe_link_epochs(rig.link), 0);
    rig_close(&rig);
}

/* Heavy damage that a frame's crc lets through once in 65536: the next EPOCH tells, in any frame of any run. */
static void test_forged_edges_never_make_a_whole_run(void **state)
{
    unsigned forged = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct rig rig;

        rig_open(&rig, seed);
        rig.fault_count = 1;
        rig.faults[0] =
            (struct fault){seed % 2 == 0 ? EDGE_CHANGED : EDGES_SWAPPED, (unsigned)(seed / 2 % FRAMES_USUAL)};
        run(&rig);
        assert_true(delivered_right(&rig));
        if (healthy(&rig) == rig.forged) {
            fail_msg("seed %" PRIu64 ": forged %d, %s", seed, rig.forged, rig.error.message);
        }
        forged += rig.forged;
        rig_close(&rig);
    }
    assert_true(forged > 300);
}

/* Edges that no EPOCH has vouched for do not make a whole run. */
static void test_stop_needs_a_last_epoch(void **state)
{
    const struct probe_message stop = {.type = PROBE_STOP, .sequence = 2};
    uint8_t wire[PROBE_WIRE_MAX];
    struct rig rig;

    (void)state;
    rig_armed(&rig);
    make_edges(&rig);
    flush_events(&rig);
    assert_true(p2p_probe_link_command(rig.link, PROBE_STOP, rig.now_ns, wire) > 0);
    send_ack(&rig, &stop, PROBE_DONE);
    assert_non_null(strstr(rig.error.message, "the probe stopped without a last EPOCH"));
    assert_true(delivered_right(&rig));
    rig_close(&rig);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fail_calloc = true;
    assert_null(p2p_probe_link_new(collect, NULL));
    fail_calloc = false;
    p2p_probe_link_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_faults_every_edge_comes),
        cmocka_unit_test(test_each_fault_is_named),
        cmocka_unit_test(test_no_schedule_of_faults_passes_for_health),
        cmocka_unit_test(test_silence_is_timed_exactly),
        cmocka_unit_test(test_first_fault_wins_and_ends_delivery),
        cmocka_unit_test(test_link_may_be_joined_in_mid_stream),
        cmocka_unit_test(test_second_run_counts_anew),
        cmocka_unit_test(test_commands_go_one_at_a_time),
        cmocka_unit_test(test_commands_are_what_the_probe_understands),
        cmocka_unit_test(test_refused_command_is_no_fault),
        cmocka_unit_test(test_hello_is_checked),
        cmocka_unit_test(test_unasked_hello_of_the_same_run_is_a_reset),
        cmocka_unit_test(test_another_run_is_a_reset_even_if_asked_for),
        cmocka_unit_test(test_messages_out_of_place_are_faults),
        cmocka_unit_test(test_edges_after_a_run_belong_to_no_run),
        cmocka_unit_test(test_epochs_are_counted_while_armed),
        cmocka_unit_test(test_forged_edges_never_make_a_whole_run),
        cmocka_unit_test(test_stop_needs_a_last_epoch),
        cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
