/* SPDX-License-Identifier: MIT */
#include "capture/probe_link.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct p2p_probe_link {
    p2p_probe_edge_fn *on_edge;
    void *user;
    struct probe_decoder decoder;
    struct probe_message message; /* as decoded last */
    struct p2p_error fault;

    bool greeted; /* `hello` has come, and every frame since was taken */
    bool armed;
    bool unconfirmed; /* edges came after the last EPOCH */
    bool stats_came;
    struct probe_hello hello;
    struct probe_stats stats;

    uint16_t next_sequence; /* the probe's */
    uint64_t epochs;        /* since ARM */
    uint64_t armed_ticks;   /* of the first EPOCH */
    uint64_t whole_ticks;   /* of the last EPOCH: every edge before it is here, and right */
    uint64_t last_ticks;    /* of the last edge or EPOCH */
    uint64_t alive_ns;      /* when it last proved, armed, that it lives */
    uint32_t received[PROBE_CHANNELS];
    uint32_t checksum; /* of what was received */

    uint8_t command;        /* the latest; 0: none */
    uint16_t sequence;      /* its number, the host's */
    uint16_t repeats;       /* of it, with the numbers before */
    uint16_t command_count; /* sent so far */
    uint64_t command_ns;
    bool waiting;
    bool answered;
    struct probe_ack ack;
};

enum { TEXT_BYTES = 512, MOMENT_BYTES = 80 };

struct p2p_probe_link *p2p_probe_link_new(p2p_probe_edge_fn *on_edge, void *user)
{
    struct p2p_probe_link *link = calloc(1, sizeof *link);

    if (link != NULL) {
        link->on_edge = on_edge;
        link->user = user;
    }
    return link;
}

void p2p_probe_link_free(struct p2p_probe_link *link)
{
    free(link);
}

static const char *channel_name(unsigned channel)
{
    return channel == P2P_CHANNEL_STIMULUS ? "stimulus" : "answer";
}

static const char *command_name(unsigned command)
{
    switch (command) {
    case PROBE_IDENTIFY:
        return "IDENTIFY";
    case PROBE_ARM:
        return "ARM";
    case PROBE_STOP:
        return "STOP";
    case PROBE_SELF_TEST:
        return "SELF_TEST";
    default:
        return "GET_STATS";
    }
}

/* Seconds are for the reader, rounded to microseconds; the ticks are exact. */
static void print_moment(const struct p2p_probe_link *link, uint64_t ticks, char text[MOMENT_BYTES])
{
    if (link->epochs > 0 && ticks >= link->armed_ticks) {
        snprintf(text, MOMENT_BYTES, "tick %" PRIu64 " (%.6f s after arming)", ticks,
                 (double)(ticks - link->armed_ticks) / link->hello.clk_hz);
    } else {
        snprintf(text, MOMENT_BYTES, "tick %" PRIu64, ticks);
    }
}

/* The first fault wins; it says since when edges may be missing or wrong. */
__attribute__((format(printf, 2, 3))) static void fault(struct p2p_probe_link *link, const char *format, ...)
{
    char text[TEXT_BYTES], whole[MOMENT_BYTES], last[MOMENT_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (link->epochs > 0) {
        print_moment(link, link->whole_ticks, whole);
        print_moment(link, link->last_ticks, last);
        p2p_error_set(&link->fault, P2P_E_BENCH,
                      "the probe's link: %s; no edge is missing or wrong before %s, last heard of %s", text, whole,
                      last);
    } else {
        p2p_error_set(&link->fault, P2P_E_BENCH, "the probe's link: %s", text);
    }
}

static enum p2p_code outcome(const struct p2p_probe_link *link, struct p2p_error *error)
{
    if (link->fault.code != P2P_OK) {
        p2p_error_set(error, link->fault.code, "%s", link->fault.message);
    }
    return link->fault.code;
}

/* False, and the link faulty: time went back. */
static bool advance_time(struct p2p_probe_link *link, uint64_t ticks)
{
    if (ticks < link->last_ticks) {
        fault(link, "the probe's time went back to tick %" PRIu64, ticks);
        return false;
    }
    link->last_ticks = ticks;
    return true;
}

static bool waits_for(const struct p2p_probe_link *link, enum probe_type command)
{
    return link->waiting && link->command == command;
}

static void take_hello(struct p2p_probe_link *link, const struct probe_message *message)
{
    const struct probe_hello *hello = &message->hello;

    if (hello->version != PROBE_PROTOCOL_VERSION) {
        fault(link, "the probe speaks protocol version %u, expected %d: flash the firmware that came with pin2pin",
              hello->version, PROBE_PROTOCOL_VERSION);
    } else if (hello->channels != PROBE_CHANNELS || hello->clk_hz == 0 || hello->resolution_ticks == 0) {
        fault(link, "a probe with %u channels, a clock of %" PRIu32 " Hz and a resolution of %u ticks cannot be used",
              hello->channels, hello->clk_hz, hello->resolution_ticks);
    } else {
        link->hello = *hello;
        link->greeted = true;
        link->next_sequence = (uint16_t)(message->sequence + 1);
    }
}

/* A HELLO after the first; asked for or not, it must come from the same run of the firmware. */
static bool hello_is_reset(const struct p2p_probe_link *link, const struct probe_message *message)
{
    return message->type == PROBE_HELLO &&
           (message->hello.run_id != link->hello.run_id || !waits_for(link, PROBE_IDENTIFY));
}

static void take_events(struct p2p_probe_link *link, const struct probe_events *events)
{
    if (!link->armed || link->epochs == 0) {
        fault(link, "%u edges came %s", events->count,
              link->armed ? "before the first EPOCH" : "while the probe was not armed");
        return;
    }
    for (size_t i = 0; i < events->count; i++) {
        const uint8_t what = events->event[i].what;
        const uint8_t channel = what & PROBE_WHAT_CHANNEL;
        const struct p2p_edge edge = {
            .ticks = events->event[i].ticks,
            .channel = channel == 0 ? P2P_CHANNEL_STIMULUS : P2P_CHANNEL_ANSWER,
            .level = (what & PROBE_WHAT_LEVEL) != 0,
            .flags = (uint8_t)(((what & PROBE_WHAT_GLITCH) != 0 ? P2P_EDGE_GLITCH : 0) |
                               ((what & PROBE_WHAT_CLIPPED) != 0 ? P2P_EDGE_CLIPPED : 0)),
        };

        if (!advance_time(link, edge.ticks)) {
            return;
        }
        link->received[channel]++;
        link->checksum = probe_checksum(link->checksum, &events->event[i]);
        link->unconfirmed = true;
        link->on_edge(link->user, &edge);
    }
}

/* False, and the link faulty: what came is not what the probe sent, or not all that there was. */
static bool epoch_confirms(struct p2p_probe_link *link, const struct probe_epoch *epoch)
{
    const uint32_t checksum = probe_checksum(link->checksum, &(struct probe_event){.ticks = epoch->now_ticks});

    for (unsigned i = 0; i < PROBE_CHANNELS; i++) {
        if (epoch->events[i] != link->received[i]) {
            fault(link, "%" PRIu32 " edges of the %s line came, the probe counted %" PRIu32 " by tick %" PRIu64,
                  link->received[i], channel_name(i), epoch->events[i], epoch->now_ticks);
        }
    }
    if (epoch->checksum != checksum) {
        fault(link,
              "the edges that came are not those the probe sent by tick %" PRIu64 ": their checksum is %08" PRIx32
              ", the probe's %08" PRIx32,
              epoch->now_ticks, checksum, epoch->checksum);
    }
    if (epoch->lost != 0) {
        fault(link, "the probe lost %" PRIu32 " edges by tick %" PRIu64, epoch->lost, epoch->now_ticks);
    }
    return link->fault.code == P2P_OK;
}

static void take_epoch(struct p2p_probe_link *link, const struct probe_epoch *epoch, uint64_t now_ns)
{
    if (!link->armed) {
        fault(link, "an EPOCH came while the probe was not armed");
        return;
    }
    if (epoch_confirms(link, epoch) && advance_time(link, epoch->now_ticks)) {
        if (link->epochs++ == 0) {
            link->armed_ticks = epoch->now_ticks;
        }
        link->whole_ticks = epoch->now_ticks;
        link->unconfirmed = false;
        link->alive_ns = now_ns;
    }
}

static void take_overflow(struct p2p_probe_link *link, const struct probe_overflow *overflow)
{
    static const char *const layers[] = {
        [PROBE_LAYER_FIFO] = "the counter's FIFO",
        [PROBE_LAYER_RING] = "the DMA ring",
        [PROBE_LAYER_LINK] = "the link's queue",
    };
    char count[16] = "1 or more", from[MOMENT_BYTES], to[MOMENT_BYTES];

    if (overflow->lost != PROBE_LOST_UNKNOWN) {
        snprintf(count, sizeof count, "%" PRIu32, overflow->lost);
    }
    print_moment(link, overflow->from_ticks, from);
    print_moment(link, overflow->to_ticks, to);
    fault(link, "the probe lost %s edges of the %s line between %s and %s, in %s: they came too fast", count,
          channel_name(overflow->channel), from, to, layers[overflow->layer]);
}

static void take_armed(struct p2p_probe_link *link, uint64_t now_ns)
{
    link->armed = true;
    link->epochs = 0;
    link->received[0] = 0;
    link->received[1] = 0;
    link->checksum = 0;
    link->alive_ns = now_ns;
}

/* Without a last EPOCH nobody vouches for the edges since the one before. */
static void take_stopped(struct p2p_probe_link *link)
{
    if (link->unconfirmed) {
        fault(link, "the probe stopped without a last EPOCH");
    }
    link->armed = false;
}

static void take_ack(struct p2p_probe_link *link, const struct probe_ack *ack, uint64_t now_ns)
{
    const uint16_t age = (uint16_t)(link->sequence - ack->sequence);

    if (!waits_for(link, ack->command) || age > link->repeats) {
        if (link->greeted) {
            fault(link, "an answer to %s number %u, which was not sent or was answered already",
                  command_name(ack->command), ack->sequence);
        }
        return;
    }
    if (age != 0) {
        return; /* to an earlier try */
    }
    link->waiting = false;
    link->answered = true;
    link->ack = *ack;
    if (ack->command == PROBE_IDENTIFY && !link->greeted) {
        fault(link, "the probe answered IDENTIFY, but its HELLO did not come");
    } else if (ack->command == PROBE_ARM && ack->status == PROBE_DONE) {
        take_armed(link, now_ns);
    } else if (ack->command == PROBE_STOP && ack->status == PROBE_DONE) {
        take_stopped(link);
    }
}

static void take_message(struct p2p_probe_link *link, const struct probe_message *message, uint64_t now_ns)
{
    switch (message->type) {
    case PROBE_HELLO:
        break; /* has been checked */
    case PROBE_EVENTS:
        take_events(link, &message->events);
        break;
    case PROBE_EPOCH:
        take_epoch(link, &message->epoch, now_ns);
        break;
    case PROBE_OVERFLOW:
        take_overflow(link, &message->overflow);
        break;
    case PROBE_STATS:
        link->stats = message->stats;
        link->stats_came = true;
        break;
    case PROBE_ERROR:
        fault(link, "the probe reports error %u: %s", message->error.code, message->error.text);
        break;
    case PROBE_ACK:
        take_ack(link, &message->ack, now_ns);
        break;
    default:
        fault(link, "the probe sent a %s, which is a command: is the line looped back?", command_name(message->type));
        break;
    }
}

/* False, and the link faulty: the frame is not the one that comes next. */
static bool in_sequence(struct p2p_probe_link *link, const struct probe_message *message)
{
    const uint16_t ahead = (uint16_t)(message->sequence - link->next_sequence);

    if (hello_is_reset(link, message)) {
        fault(link, "the probe was reset: in run %08" PRIx32 " came a HELLO of run %08" PRIx32, link->hello.run_id,
              message->hello.run_id);
    } else if (ahead >= 0x8000) {
        fault(link, "frame %u came again or out of order, expected frame %u", message->sequence, link->next_sequence);
    } else if (ahead > 0) {
        fault(link, "frames lost: %u, numbers %u to %u", ahead, link->next_sequence, (uint16_t)(message->sequence - 1));
    } else {
        link->next_sequence++;
        return true;
    }
    return false;
}

static void take_found(struct p2p_probe_link *link, enum probe_found found, uint64_t now_ns)
{
    static const char *const damage[] = {
        [PROBE_FOUND_BAD_CRC] = "a wrong checksum",
        [PROBE_FOUND_BAD_LENGTH] = "a wrong length",
        [PROBE_FOUND_BAD_TYPE] = "an unknown type",
        [PROBE_FOUND_BAD_VALUE] = "a value that the protocol forbids",
    };
    const struct probe_message *message = &link->message;

    if (found == PROBE_FOUND_NOTHING) {
        return;
    }
    if (!link->greeted) {
        if (found == PROBE_FOUND_MESSAGE && message->type == PROBE_HELLO) {
            take_hello(link, message);
        } else if (found == PROBE_FOUND_MESSAGE && message->type == PROBE_ACK) {
            take_ack(link, &message->ack, now_ns);
        }
    } else if (found != PROBE_FOUND_MESSAGE) {
        fault(link, "a damaged frame came, with %s", damage[found]);
    } else if (in_sequence(link, message)) {
        take_message(link, message, now_ns);
    }
}

size_t p2p_probe_link_command(struct p2p_probe_link *link, enum probe_type command, uint64_t now_ns,
                              uint8_t wire[PROBE_WIRE_MAX])
{
    const struct probe_message message = {
        .type = (uint8_t)command,
        .sequence = link->command_count,
        .arm_mask = (1 << PROBE_CHANNELS) - 1, /* taken by ARM only */
    };
    const bool repeat = waits_for(link, command) && !link->greeted;
    const bool allowed = link->fault.code == P2P_OK && (!link->waiting || repeat) && command >= PROBE_IDENTIFY;
    const size_t size = allowed ? probe_encode(&message, wire) : 0;

    if (size == 0) {
        return 0;
    }
    link->repeats = (uint16_t)(repeat ? link->repeats + 1 : 0);
    link->command = message.type;
    link->sequence = message.sequence;
    link->command_count++;
    link->command_ns = now_ns;
    link->waiting = true;
    link->answered = false;
    return size;
}

enum p2p_code p2p_probe_link_feed(struct p2p_probe_link *link, const uint8_t *bytes, size_t size, uint64_t now_ns,
                                  struct p2p_error *error)
{
    for (size_t i = 0; i < size && link->fault.code == P2P_OK; i++) {
        take_found(link, probe_decoder_feed(&link->decoder, bytes[i], &link->message), now_ns);
    }
    return outcome(link, error);
}

enum p2p_code p2p_probe_link_check_alive(struct p2p_probe_link *link, uint64_t now_ns, struct p2p_error *error)
{
    if (link->waiting && now_ns - link->command_ns > P2P_PROBE_SILENCE_NS) {
        fault(link, "no answer to %s for %" PRIu64 " ms", command_name(link->command),
              (now_ns - link->command_ns) / 1000000);
    }
    if (link->armed && now_ns - link->alive_ns > P2P_PROBE_SILENCE_NS) {
        fault(link, "no EPOCH for %" PRIu64 " ms: the probe or its cable is gone", (now_ns - link->alive_ns) / 1000000);
    }
    return outcome(link, error);
}

enum p2p_code p2p_probe_link_unplugged(struct p2p_probe_link *link, struct p2p_error *error)
{
    fault(link, "it was closed: the probe was unplugged, or its emulator ended");
    return outcome(link, error);
}

enum p2p_probe_state p2p_probe_link_state(const struct p2p_probe_link *link)
{
    if (link->fault.code != P2P_OK) {
        return P2P_PROBE_FAULTY;
    }
    if (!link->greeted) {
        return P2P_PROBE_UNKNOWN;
    }
    return link->armed ? P2P_PROBE_ARMED : P2P_PROBE_STOPPED;
}

uint64_t p2p_probe_link_epochs(const struct p2p_probe_link *link)
{
    return p2p_probe_link_state(link) == P2P_PROBE_ARMED ? link->epochs : 0;
}

bool p2p_probe_link_waiting(const struct p2p_probe_link *link)
{
    return link->waiting;
}

const struct probe_hello *p2p_probe_link_hello(const struct p2p_probe_link *link)
{
    return link->greeted ? &link->hello : NULL;
}

const struct probe_stats *p2p_probe_link_stats(const struct p2p_probe_link *link)
{
    return link->stats_came ? &link->stats : NULL;
}

const struct probe_ack *p2p_probe_link_ack(const struct p2p_probe_link *link)
{
    return link->answered ? &link->ack : NULL;
}
