/* SPDX-License-Identifier: MIT */
#include "faulty_link.h"

#include "firmware/protocol/protocol.h"
#include "util/prng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    GARBAGE_MAX = 40,
    FLIPS_MAX = 8,
    FRAME_MAX = 2 * PROBE_WIRE_MAX + FAULTY_FAULTS_MAX * GARBAGE_MAX, /* two, if a delimiter was lost */
    COMMAND_BYTES = 1024,
};

#define JITTER_NS UINT64_C(3000000)   /* any link has some */
#define DELAY_NS  UINT64_C(300000000) /* + 100 ms between two EPOCHs: below the 500 ms that the host allows */

/* No frame: it parts the runs of the firmware in the record. */
static const uint8_t BARRIER[] = {'r', 'e', 's', 'e', 't', 0};

/* A growing array. */
struct bytes {
    uint8_t *data;
    size_t count, capacity;
};

struct frame {
    uint8_t wire[FRAME_MAX];
    size_t size;
};

struct faulty_link {
    struct faulty_schedule schedule;
    bool acted[FAULTY_FAULTS_MAX];
    struct p2p_prng prng;
    uint64_t now_ns;

    struct bytes sent, given; /* the record */
    struct bytes waiting;     /* on its way to the host */
    uint64_t *ready_ns;       /* of each byte of `waiting` */
    size_t taken;

    struct frame frame, held;
    unsigned frames, commands;
    uint16_t shift; /* of the numbers of all frames, since one was made up or taken away */
    uint64_t late_ns;
    bool holding, stalled, cut, was_cut, reset;
    struct bytes command;
};

const char *faulty_name(enum faulty_kind kind)
{
    static const char *const names[] = {
        [FAULTY_ZEROS] = "zeros",
        [FAULTY_DELAY] = "delay",
        [FAULTY_DROP] = "drop",
        [FAULTY_REPEAT] = "repeat",
        [FAULTY_FLIP] = "flip",
        [FAULTY_SWAP] = "swap",
        [FAULTY_TRUNCATE] = "truncate",
        [FAULTY_GARBAGE] = "garbage",
        [FAULTY_STALL] = "stall",
        [FAULTY_CUT] = "cut",
        [FAULTY_RESET] = "reset",
        [FAULTY_HELLO] = "hello",
        [FAULTY_VANISH] = "vanish",
        [FAULTY_ALTER] = "alter",
        [FAULTY_COMMAND_DROP] = "command-drop",
        [FAULTY_COMMAND_FLIP] = "command-flip",
        [FAULTY_COMMAND_REPEAT] = "command-repeat",
    };

    return names[kind];
}

static void append(struct bytes *bytes, const uint8_t *data, size_t count)
{
    if (bytes->count + count > bytes->capacity) {
        bytes->capacity = 2 * (bytes->count + count);
        bytes->data = realloc(bytes->data, bytes->capacity);
        assert_non_null(bytes->data);
    }
    if (count > 0) {
        memcpy(bytes->data + bytes->count, data, count);
    }
    bytes->count += count;
}

struct faulty_link *faulty_link_new(const struct faulty_schedule *schedule)
{
    struct faulty_link *link = calloc(1, sizeof *link);

    assert_non_null(link);
    link->schedule = *schedule;
    p2p_prng_seed(&link->prng, schedule->seed);
    return link;
}

void faulty_link_free(struct faulty_link *link)
{
    free(link->sent.data);
    free(link->given.data);
    free(link->waiting.data);
    free(link->ready_ns);
    free(link->command.data);
    free(link);
}

static size_t below(struct faulty_link *link, size_t bound)
{
    return (size_t)p2p_prng_below(&link->prng, bound);
}

/* ---- frames ---- */

static bool decode(const uint8_t *wire, size_t size, struct probe_message *message)
{
    struct probe_decoder decoder = {0};
    enum probe_found found = PROBE_FOUND_NOTHING;

    for (size_t i = 0; i < size && found == PROBE_FOUND_NOTHING; i++) {
        found = probe_decoder_feed(&decoder, wire[i], message);
    }
    return found == PROBE_FOUND_MESSAGE;
}

/* The next whole frame that is not empty, from *at on; *at is then behind it. */
static bool next_frame(const struct bytes *bytes, size_t *at, const uint8_t **wire, size_t *size)
{
    const uint8_t *end;

    while (*at < bytes->count && bytes->data[*at] == 0) {
        (*at)++;
    }
    end = *at < bytes->count ? memchr(bytes->data + *at, 0, bytes->count - *at) : NULL;
    if (end == NULL) {
        return false;
    }
    *wire = bytes->data + *at;
    *size = (size_t)(end - *wire) + 1;
    *at += *size;
    return true;
}

static bool find_hello(const struct bytes *bytes, size_t *at, const uint8_t **wire, size_t *size)
{
    struct probe_message message;

    while (next_frame(bytes, at, wire, size)) {
        if (decode(*wire, *size, &message) && message.type == PROBE_HELLO) {
            return true;
        }
    }
    return false;
}

static bool has_hello(const struct bytes *bytes)
{
    const uint8_t *wire;
    size_t at = 0, size;

    return find_hello(bytes, &at, &wire, &size);
}

/* ---- from the probe to the host ---- */

static void deliver(struct faulty_link *link, const uint8_t *data, size_t count)
{
    const uint64_t jitter_ns = p2p_prng_below(&link->prng, JITTER_NS);

    if (count == 0 || link->stalled || link->cut) {
        return;
    }
    append(&link->waiting, data, count);
    link->ready_ns = realloc(link->ready_ns, link->waiting.capacity * sizeof link->ready_ns[0]);
    assert_non_null(link->ready_ns);
    if (link->late_ns < link->now_ns + jitter_ns) {
        link->late_ns = link->now_ns + jitter_ns;
    }
    for (size_t i = link->waiting.count - count; i < link->waiting.count; i++) {
        link->ready_ns[i] = link->late_ns;
    }
}

static void encode(struct frame *frame, const struct probe_message *message)
{
    frame->size = probe_encode(message, frame->wire);
    assert_true(frame->size > 0);
}

static void renumber(struct faulty_link *link, struct frame *frame)
{
    struct probe_message message;

    if (link->shift != 0 && decode(frame->wire, frame->size, &message)) {
        message.sequence = (uint16_t)(message.sequence + link->shift);
        encode(frame, &message);
    }
}

static void flip(struct faulty_link *link, uint8_t *data, size_t size)
{
    for (size_t left = 1 + below(link, FLIPS_MAX); left > 0 && size > 0; left--) {
        data[below(link, size)] ^= (uint8_t)(1U << below(link, 8));
    }
}

/* Some of the end is not there, with the delimiter or without. */
static void truncate_frame(struct faulty_link *link, struct frame *frame)
{
    if (frame->size > 0) {
        frame->size = below(link, frame->size);
        if (below(link, 2) == 0) {
            frame->wire[frame->size++] = 0;
        }
    }
}

static void insert_garbage(struct faulty_link *link, struct frame *frame)
{
    const size_t at = below(link, frame->size + 1), count = 1 + below(link, GARBAGE_MAX);

    memmove(frame->wire + at + count, frame->wire + at, frame->size - at);
    for (size_t i = 0; i < count; i++) {
        frame->wire[at + i] = (uint8_t)below(link, 256);
    }
    frame->size += count;
}

static void insert_hello(struct faulty_link *link, const struct frame *next)
{
    struct probe_message message, hello = {.type = PROBE_HELLO,
                                           .hello = {.version = PROBE_PROTOCOL_VERSION,
                                                     .channels = PROBE_CHANNELS,
                                                     .clk_hz = 125000000,
                                                     .resolution_ticks = 1,
                                                     .run_id = (uint32_t)p2p_prng_next(&link->prng),
                                                     .firmware = "another"}};
    struct frame frame;

    if (decode(next->wire, next->size, &message)) {
        hello.sequence = message.sequence;
    }
    encode(&frame, &hello);
    deliver(link, frame.wire, frame.size);
    link->shift++;
}

/* The last edge of the frame is later, on the other line, or the other way round. */
static void alter(struct faulty_link *link, struct frame *frame, struct probe_message *message)
{
    struct probe_event *event = &message->events.event[message->events.count - 1];

    switch (below(link, 3)) {
    case 0:
        event->ticks += 1 + below(link, 20);
        break;
    case 1:
        event->what ^= 1;
        break;
    default:
        event->what ^= PROBE_WHAT_LEVEL;
        break;
    }
    encode(frame, message);
}

/* True if the fault is of a frame of edges, and this is none; or of a second HELLO, and the first is still to come. */
static bool must_wait(const struct faulty_link *link, enum faulty_kind kind, const struct frame *frame,
                      struct probe_message *message)
{
    const bool known = decode(frame->wire, frame->size, message);

    if (kind == FAULTY_VANISH || kind == FAULTY_ALTER) {
        return !known || message->type != PROBE_EVENTS;
    }
    return kind == FAULTY_HELLO && !has_hello(&link->waiting);
}

static void harm(struct faulty_link *link, enum faulty_kind kind, struct frame *frame, struct probe_message *message)
{
    static const uint8_t zeros[] = {0, 0, 0};

    switch (kind) {
    case FAULTY_ZEROS:
        deliver(link, zeros, 1 + below(link, sizeof zeros));
        break;
    case FAULTY_DELAY:
        link->late_ns = link->now_ns + p2p_prng_below(&link->prng, DELAY_NS);
        break;
    case FAULTY_DROP:
        frame->size = 0;
        break;
    case FAULTY_REPEAT:
        deliver(link, frame->wire, frame->size);
        break;
    case FAULTY_FLIP:
        flip(link, frame->wire, frame->size);
        break;
    case FAULTY_SWAP:
        link->held = *frame;
        link->holding = true;
        frame->size = 0;
        break;
    case FAULTY_TRUNCATE:
        truncate_frame(link, frame);
        break;
    case FAULTY_GARBAGE:
        insert_garbage(link, frame);
        break;
    case FAULTY_STALL:
    case FAULTY_CUT: /* in the middle of the frame */
        deliver(link, frame->wire, below(link, frame->size + 1));
        frame->size = 0;
        link->stalled |= kind == FAULTY_STALL;
        link->cut |= kind == FAULTY_CUT;
        break;
    case FAULTY_RESET:
        link->reset = true;
        break;
    case FAULTY_HELLO:
        insert_hello(link, frame);
        renumber(link, frame);
        break;
    case FAULTY_VANISH:
        frame->size = 0;
        link->shift--;
        break;
    case FAULTY_ALTER:
        alter(link, frame, message);
        break;
    case FAULTY_COMMAND_DROP:
    case FAULTY_COMMAND_FLIP:
    case FAULTY_COMMAND_REPEAT:
    case FAULTY_KINDS:
        break;
    }
}

static bool is_of_commands(enum faulty_kind kind)
{
    return kind >= FAULTY_COMMAND_DROP;
}

static void pass_frame(struct faulty_link *link)
{
    struct frame *frame = &link->frame, held = {.size = 0};
    struct probe_message message;

    if (link->holding) {
        held = link->held;
        link->holding = false;
    }
    renumber(link, frame);
    for (size_t i = 0; i < link->schedule.fault_count; i++) {
        const struct faulty_fault *fault = &link->schedule.faults[i];

        if (!link->acted[i] && !is_of_commands(fault->kind) && link->frames >= fault->at &&
            !must_wait(link, fault->kind, frame, &message)) {
            link->acted[i] = true;
            harm(link, fault->kind, frame, &message);
        }
    }
    link->frames++;
    deliver(link, frame->wire, frame->size);
    deliver(link, held.wire, held.size);
    frame->size = 0;
}

void faulty_link_put(struct faulty_link *link, const uint8_t *bytes, size_t count, uint64_t now_ns)
{
    link->now_ns = now_ns;
    append(&link->sent, bytes, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(link->frame.size < (size_t)2 * PROBE_WIRE_MAX);
        link->frame.wire[link->frame.size++] = bytes[i];
        if (bytes[i] == 0 && link->frame.size > 1) {
            pass_frame(link);
        } else if (bytes[i] == 0) { /* the delimiter ahead of the first frame */
            deliver(link, bytes + i, 1);
            link->frame.size = 0;
        }
    }
}

bool faulty_link_resets(struct faulty_link *link)
{
    const bool reset = link->reset;

    if (reset) {
        append(&link->sent, BARRIER, sizeof BARRIER);
    }
    link->reset = false;
    return reset;
}

/* ---- the host's end ---- */

static enum p2p_code stream_read(void *self, uint8_t *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    struct faulty_link *link = self;
    size_t ready = link->taken;

    while (ready < link->waiting.count && link->ready_ns[ready] <= link->now_ns) {
        ready++;
    }
    *count = ready - link->taken;
    if (*count == 0 && link->cut && link->taken == link->waiting.count) {
        link->was_cut = true;
        return p2p_error_set(error, P2P_E_BENCH, "the cable was cut");
    }
    if (*count > 0) { /* in pieces of any size */
        *count = 1 + below(link, *count < capacity ? *count : capacity);
        memcpy(bytes, link->waiting.data + link->taken, *count);
        append(&link->given, bytes, *count);
        link->taken += *count;
    }
    return P2P_OK;
}

/* A host writes a command in one piece. */
static enum p2p_code stream_write(void *self, const uint8_t *bytes, size_t count, struct p2p_error *error)
{
    struct faulty_link *link = self;
    uint8_t wire[PROBE_WIRE_MAX];
    size_t copies = 1;

    (void)error;
    assert_true(count <= sizeof wire);
    memcpy(wire, bytes, count);
    for (size_t i = 0; i < link->schedule.fault_count; i++) {
        const struct faulty_fault *fault = &link->schedule.faults[i];

        if (is_of_commands(fault->kind) && fault->at == link->commands) {
            link->acted[i] = true;
            if (fault->kind == FAULTY_COMMAND_FLIP) {
                flip(link, wire, count);
            }
            copies = fault->kind == FAULTY_COMMAND_REPEAT ? 2 : fault->kind == FAULTY_COMMAND_DROP ? 0 : copies;
        }
    }
    link->commands++;
    for (; copies > 0; copies--) {
        append(&link->command, wire, count);
    }
    return P2P_OK;
}

static size_t stream_poll_fds(void *self, struct pollfd fds[P2P_STREAM_FDS_MAX])
{
    (void)self;
    (void)fds;
    return 0;
}

static void stream_close(void *self)
{
    (void)self;
}

struct p2p_byte_stream faulty_link_stream(struct faulty_link *link)
{
    return (struct p2p_byte_stream){link, stream_read, stream_write, stream_poll_fds, stream_close};
}

size_t faulty_link_commands(struct faulty_link *link, uint8_t *bytes, size_t capacity)
{
    const size_t count = link->command.count;

    assert_true(count <= capacity);
    if (count > 0) {
        memcpy(bytes, link->command.data, count);
    }
    link->command.count = 0;
    return count;
}

/* ---- the record ---- */

unsigned faulty_link_frames(const struct faulty_link *link)
{
    return link->frames;
}

bool faulty_link_acted(const struct faulty_link *link, size_t fault)
{
    return link->acted[fault];
}

bool faulty_link_was_cut(const struct faulty_link *link)
{
    return link->was_cut;
}

bool faulty_link_intact(const struct faulty_link *link)
{
    size_t sent_at = 0, given_at = 0, sent_size = 0, given_size;
    const uint8_t *sent = NULL, *given;

    if (!find_hello(&link->given, &given_at, &given, &given_size)) {
        return true; /* it was given nothing that it could have believed */
    }
    do {
        if (!find_hello(&link->sent, &sent_at, &sent, &sent_size)) {
            return false;
        }
    } while (sent_size != given_size || memcmp(sent, given, given_size) != 0);
    while (next_frame(&link->given, &given_at, &given, &given_size)) {
        if (!next_frame(&link->sent, &sent_at, &sent, &sent_size) || sent_size != given_size ||
            memcmp(sent, given, given_size) != 0) {
            return false;
        }
    }
    return true;
}
