/* SPDX-License-Identifier: MIT */
#include "ports/probe_device.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_BYTES = PROBE_WIRE_MAX,
    /* A chunk may end one frame, and hold others of a few events each. */
    EDGES_PER_CHUNK = PROBE_EVENTS_MAX + CHUNK_BYTES / 5,
    EDGES_ENOUGH = 2048,
    EDGES_MAX = EDGES_ENOUGH + EDGES_PER_CHUNK,
};

#define NS_PER_MS   UINT64_C(1000000)
#define STARTING_NS (20 * NS_PER_MS)   /* a probe that has just got its power says HELLO by itself before */
#define REPEAT_NS   (60 * NS_PER_MS)   /* an answer may take 50 ms */
#define JOIN_NS     (2000 * NS_PER_MS) /* then nobody is there */

enum join { JOIN_NOT_ASKED, JOIN_LISTENING, JOIN_STOPPING, JOIN_IDENTIFYING, JOIN_DONE };

struct p2p_probe_device {
    struct p2p_byte_stream stream;
    struct p2p_probe_setup setup;
    struct p2p_probe_link *link;
    struct p2p_probe_info info;
    struct p2p_error fault;

    enum join join;
    uint64_t asked_ns; /* when the join began */
    uint64_t sent_ns;  /* when the latest command of the join went out */
    enum p2p_probe_request request;
    uint64_t epochs_wanted; /* SYNC's; 0: its command is not answered yet */

    struct p2p_edge edges[EDGES_MAX];
    size_t edge_next, edge_count;
};

static void take_edge(void *user, const struct p2p_edge *edge)
{
    struct p2p_probe_device *device = user;

    device->edges[device->edge_count++] = *edge;
}

struct p2p_probe_device *p2p_probe_device_new(const struct p2p_byte_stream *stream, const struct p2p_probe_setup *setup)
{
    struct p2p_probe_device *device = calloc(1, sizeof *device);

    if (device != NULL) {
        device->stream = *stream;
        device->setup = *setup;
        device->link = p2p_probe_link_new(take_edge, device);
    }
    if (device == NULL || device->link == NULL) {
        stream->close(stream->self);
        free(device);
        return NULL;
    }
    return device;
}

void p2p_probe_device_free(struct p2p_probe_device *device)
{
    if (device != NULL) {
        device->stream.close(device->stream.self);
        p2p_probe_link_free(device->link);
        free(device);
    }
}

static uint64_t now_ns(const struct p2p_probe_device *device)
{
    return device->setup.now_ns(device->setup.clock);
}

static enum p2p_code outcome(const struct p2p_probe_device *device, struct p2p_error *error)
{
    return device->fault.code == P2P_OK ? P2P_OK
                                        : p2p_error_set(error, device->fault.code, "%s", device->fault.message);
}

static size_t waiting(const struct p2p_probe_device *device)
{
    return device->edge_count - device->edge_next;
}

bool p2p_probe_device_full(const struct p2p_probe_device *device)
{
    return waiting(device) >= EDGES_ENOUGH;
}

/* The stream's end: its own words say why, the link's since when edges may be missing. */
static void lose_stream(struct p2p_probe_device *device, const struct p2p_error *cause)
{
    struct p2p_error link = {0};

    p2p_probe_link_unplugged(device->link, &link);
    p2p_error_set(&device->fault, cause->code, "%s; %s", cause->message, link.message);
}

static void take_bytes(struct p2p_probe_device *device)
{
    uint8_t bytes[CHUNK_BYTES];
    size_t count = 1;

    while (count > 0 && device->fault.code == P2P_OK && !p2p_probe_device_full(device)) {
        struct p2p_error cause = {0};

        if (device->stream.read(device->stream.self, bytes, sizeof bytes, &count, &cause) != P2P_OK) {
            lose_stream(device, &cause);
        } else if (count > 0) {
            p2p_probe_link_feed(device->link, bytes, count, now_ns(device), &device->fault);
        }
    }
}

static void fill_info(struct p2p_probe_device *device, const struct probe_hello *hello)
{
    struct p2p_probe_info *info = &device->info;

    snprintf(info->name, sizeof info->name, "%s", device->setup.name);
    snprintf(info->serial, sizeof info->serial, "%016" PRIx64, hello->board_id);
    snprintf(info->firmware, sizeof info->firmware, "%s", hello->firmware);
    info->tick_hz = hello->clk_hz;
    info->uncertainty = device->setup.budget;
    info->uncertainty.quantisation_ns = p2p_quantisation_ns(hello->resolution_ticks, hello->clk_hz);
    if (device->setup.calibration != NULL) {
        p2p_calibration_check_probe(device->setup.calibration, device->setup.calibration_path, info->serial,
                                    info->tick_hz, &device->fault);
    }
}

/* A refused command is an answer, not damage: the link goes on, but what was asked for will not come. */
static void check_answer(struct p2p_probe_device *device)
{
    static const char *const reasons[] = {[PROBE_WRONG_STATE] = "it is in another state",
                                          [PROBE_BAD_ARGUMENT] = "the argument is wrong",
                                          [PROBE_FAILED] = "it failed"};
    const struct probe_ack *ack = p2p_probe_link_ack(device->link);

    if (ack != NULL && ack->command != PROBE_SELF_TEST && ack->status != PROBE_DONE) {
        p2p_error_set(&device->fault, P2P_E_BENCH, "the probe refused command 0x%02x: %s", ack->command,
                      ack->status <= PROBE_FAILED ? reasons[ack->status] : "of no known reason");
    }
}

enum p2p_code p2p_probe_device_tend(struct p2p_probe_device *device, struct p2p_error *error)
{
    if (device->fault.code != P2P_OK) {
        return outcome(device, error);
    }
    memmove(device->edges, device->edges + device->edge_next, waiting(device) * sizeof device->edges[0]);
    device->edge_count = waiting(device);
    device->edge_next = 0;
    take_bytes(device);
    if (device->fault.code == P2P_OK && !p2p_probe_device_full(device)) { /* full: its signs of life wait behind */
        p2p_probe_link_check_alive(device->link, now_ns(device), &device->fault);
    }
    if (device->fault.code == P2P_OK) {
        check_answer(device);
    }
    if (device->request == P2P_PROBE_SYNC && device->epochs_wanted == 0 && !p2p_probe_link_waiting(device->link)) {
        /* it is made up behind the answer, so after the request */
        device->epochs_wanted = p2p_probe_link_epochs(device->link) + 1;
    }
    if (device->info.tick_hz == 0 && p2p_probe_link_hello(device->link) != NULL) {
        fill_info(device, p2p_probe_link_hello(device->link));
    }
    return outcome(device, error);
}

static void send_command(struct p2p_probe_device *device, enum probe_type command)
{
    uint8_t wire[PROBE_WIRE_MAX];
    struct p2p_error cause = {0};
    size_t size = p2p_probe_link_command(device->link, command, now_ns(device), wire);

    if (size == 0) {
        p2p_error_set(&device->fault, P2P_E_BENCH, "the probe can take no command 0x%02x now", command);
    } else if (device->stream.write(device->stream.self, wire, size, &cause) != P2P_OK) {
        lose_stream(device, &cause);
    }
    device->sent_ns = now_ns(device);
}

/* True if the join is through: the probe is known, and it rests. */
static bool is_joined(const struct p2p_probe_device *device)
{
    return p2p_probe_link_state(device->link) == P2P_PROBE_STOPPED && !p2p_probe_link_waiting(device->link);
}

static void send_join(struct p2p_probe_device *device, enum join join)
{
    device->join = join;
    send_command(device, join == JOIN_STOPPING ? PROBE_STOP : PROBE_IDENTIFY);
}

/* Listen, STOP, IDENTIFY; the last two again as long as nothing comes back. */
static void join(struct p2p_probe_device *device)
{
    uint64_t now = now_ns(device);
    bool unanswered = p2p_probe_link_waiting(device->link);

    if (device->join == JOIN_NOT_ASKED) {
        device->join = JOIN_LISTENING;
        device->asked_ns = now;
    }
    if (is_joined(device)) {
        device->join = JOIN_DONE;
    } else if (now - device->asked_ns > JOIN_NS) {
        p2p_error_set(&device->fault, P2P_E_BENCH,
                      "the probe does not answer: is it powered, wired, and flashed with pin2pin's firmware, and does "
                      "the link's rate fit its clock?");
    } else if (device->join == JOIN_LISTENING) {
        if (now - device->asked_ns >= STARTING_NS) {
            send_join(device, JOIN_STOPPING);
        }
    } else if (device->join == JOIN_STOPPING && !unanswered) {
        send_join(device, JOIN_IDENTIFYING);
    } else if (unanswered && p2p_probe_link_state(device->link) == P2P_PROBE_UNKNOWN &&
               now - device->sent_ns >= REPEAT_NS) {
        send_join(device, device->join);
    }
}

static enum probe_type command_of(enum p2p_probe_request request)
{
    return request == P2P_PROBE_ARM ? PROBE_ARM : PROBE_STOP;
}

static bool is_misuse(const struct p2p_probe_device *device, enum p2p_probe_request request)
{
    return (request != P2P_PROBE_IDENTIFY && device->join != JOIN_DONE) ||
           (request == P2P_PROBE_SYNC && p2p_probe_link_state(device->link) != P2P_PROBE_ARMED);
}

enum p2p_code p2p_probe_device_request(struct p2p_probe_device *device, enum p2p_probe_request request,
                                       struct p2p_error *error)
{
    enum p2p_code code = p2p_probe_device_tend(device, error);

    if (code != P2P_OK) {
        return code;
    }
    if (is_misuse(device, request)) {
        p2p_error_set(&device->fault, P2P_E_BENCH, "the probe was asked for something before it was %s",
                      device->join == JOIN_DONE ? "armed" : "identified");
        return outcome(device, error);
    }
    device->request = request;
    switch (request) {
    case P2P_PROBE_IDENTIFY:
        if (device->join != JOIN_DONE) {
            join(device);
        }
        break;
    case P2P_PROBE_SYNC: /* what comes behind its answer was sent after the request, however slow the link */
        device->epochs_wanted = 0;
        send_command(device, PROBE_GET_STATS);
        break;
    case P2P_PROBE_ARM:
    case P2P_PROBE_STOP:
        send_command(device, command_of(request));
        break;
    }
    return outcome(device, error);
}

enum p2p_code p2p_probe_device_command(struct p2p_probe_device *device, enum probe_type command,
                                       struct p2p_error *error)
{
    enum p2p_code code = p2p_probe_device_tend(device, error);

    if (code == P2P_OK) {
        device->request = P2P_PROBE_IDENTIFY; /* settled when answered */
        send_command(device, command);
        code = outcome(device, error);
    }
    return code;
}

bool p2p_probe_device_settled(const struct p2p_probe_device *device)
{
    const struct p2p_probe_link *link = device->link;

    if (device->fault.code != P2P_OK) {
        return false;
    }
    switch (device->request) {
    case P2P_PROBE_SYNC:
        return device->epochs_wanted > 0 && p2p_probe_link_epochs(link) >= device->epochs_wanted;
    case P2P_PROBE_ARM: /* its first EPOCH says when that was */
        return p2p_probe_link_state(link) == P2P_PROBE_ARMED && p2p_probe_link_epochs(link) > 0;
    case P2P_PROBE_STOP:
        return is_joined(device);
    case P2P_PROBE_IDENTIFY:
        break;
    }
    return device->join == JOIN_DONE && !p2p_probe_link_waiting(link);
}

const struct p2p_probe_link *p2p_probe_device_link(const struct p2p_probe_device *device)
{
    return device->link;
}

size_t p2p_probe_device_poll_fds(const struct p2p_probe_device *device, struct pollfd fds[P2P_STREAM_FDS_MAX])
{
    /* Nobody would read it: it must not wake the caller again and again. */
    return p2p_probe_device_full(device) ? 0 : device->stream.poll_fds(device->stream.self, fds);
}

static const struct p2p_probe_info *port_info(void *self)
{
    const struct p2p_probe_device *device = self;

    return device->join == JOIN_DONE ? &device->info : NULL;
}

static enum p2p_code port_request(void *self, enum p2p_probe_request request, struct p2p_error *error)
{
    return p2p_probe_device_request(self, request, error);
}

static bool port_settled(void *self)
{
    return p2p_probe_device_settled(self);
}

static enum p2p_code port_read(void *self, struct p2p_edge *edges, size_t capacity, size_t *count,
                               struct p2p_error *error)
{
    struct p2p_probe_device *device = self;
    struct p2p_error later = {0}; /* what came before a fault is handed out first */
    size_t left;

    p2p_probe_device_tend(device, &later);
    left = waiting(device);
    *count = left < capacity ? left : capacity;
    memcpy(edges, device->edges + device->edge_next, *count * sizeof edges[0]);
    device->edge_next += *count;
    return *count > 0 ? P2P_OK : outcome(device, error);
}

struct p2p_probe p2p_probe_device_port(struct p2p_probe_device *device)
{
    return (struct p2p_probe){device, port_info, port_request, port_settled, port_read};
}
