/* SPDX-License-Identifier: MIT */
#include "ports/wires.h"

#include "ports/wires_protocol.h"
#include "util/deadline.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * `advance` returns early once this many edges wait to be read: memory stays bounded when a guest babbles. Twice a
 * frame, so that what is left of one batch plus one more frame always fits.
 */
enum { EDGES_MAX = 2 * WIRES_RECORDS_MAX, EDGES_ENOUGH = WIRES_RECORDS_MAX };

struct p2p_wires {
    struct p2p_pins pins;
    int64_t stall_ms;
    int stop_fd;
    int fd;
    int console_fd;  /* borrowed */
    bool greeted;    /* HELLO has come */
    bool board_gone; /* the stream ended */
    bool running;    /* a RUN is out, its PAUSED has not come */
    uint64_t now_ns; /* as of the last PAUSED or edge */
    struct p2p_edge edges[EDGES_MAX];
    size_t edge_next, edge_count;
    uint8_t payload[WIRES_PAYLOAD_MAX];
};

struct p2p_wires *p2p_wires_new(const struct p2p_pins *pins, uint32_t stall_s, int stop_fd)
{
    struct p2p_wires *wires = calloc(1, sizeof *wires);

    if (wires != NULL) {
        wires->pins = *pins;
        wires->stall_ms = (int64_t)stall_s * 1000;
        wires->stop_fd = stop_fd;
        wires->fd = -1;
        wires->console_fd = -1;
    }
    return wires;
}

void p2p_wires_free(struct p2p_wires *wires)
{
    if (wires != NULL) {
        p2p_wires_detach(wires);
        free(wires);
    }
}

void p2p_wires_detach(struct p2p_wires *wires)
{
    if (wires->fd >= 0) {
        close(wires->fd);
        wires->fd = -1;
    }
    wires->console_fd = -1;
    wires->greeted = false;
    wires->running = false;
    wires->edge_next = 0;
    wires->edge_count = 0;
}

static enum p2p_code wait_outcome(const struct p2p_wires *wires, enum p2p_wait outcome, struct p2p_error *error)
{
    switch (outcome) {
    case P2P_WAIT_READY:
        return P2P_OK;
    case P2P_WAIT_STOPPED:
        return p2p_error_set(error, P2P_E_INTERRUPTED, "interrupted");
    case P2P_WAIT_TIMEOUT:
        return p2p_error_set(error, P2P_E_BENCH,
                             "the virtual board made no progress for %" PRId64 " s (timeouts.stall_s)",
                             wires->stall_ms / 1000);
    case P2P_WAIT_FAILED:
        break;
    }
    return p2p_error_set_errno(error, P2P_E_HOST, errno, "the wires: poll");
}

static enum p2p_code wait_for(struct p2p_wires *wires, short events, struct p2p_deadline deadline,
                              struct p2p_error *error)
{
    return wait_outcome(wires, p2p_wait_fd(wires->fd, events, wires->stop_fd, deadline), error);
}

bool p2p_wires_board_gone(const struct p2p_wires *wires)
{
    return wires->board_gone;
}

static enum p2p_code board_gone(struct p2p_wires *wires, struct p2p_error *error)
{
    wires->board_gone = true;
    return p2p_error_set(error, P2P_E_BENCH, "the virtual board is gone: QEMU ended in mid-run");
}

static enum p2p_code receive(struct p2p_wires *wires, uint8_t *data, size_t size, struct p2p_error *error)
{
    struct p2p_deadline deadline = p2p_deadline_in_ms(wires->stall_ms);

    while (size > 0) {
        enum p2p_code code = wait_for(wires, POLLIN, deadline, error);
        ssize_t count;

        if (code != P2P_OK) {
            return code;
        }
        count = recv(wires->fd, data, size, MSG_DONTWAIT);
        if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) {
            return board_gone(wires, error);
        }
        if (count > 0) {
            data += count;
            size -= (size_t)count;
        }
    }
    return P2P_OK;
}

static enum p2p_code transmit(struct p2p_wires *wires, const uint8_t *data, size_t size, struct p2p_error *error)
{
    struct p2p_deadline deadline = p2p_deadline_in_ms(wires->stall_ms);

    while (size > 0) {
        ssize_t count = send(wires->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (count < 0 && errno == EAGAIN) {
            enum p2p_code code = wait_for(wires, POLLOUT, deadline, error);

            if (code != P2P_OK) {
                return code;
            }
        } else if (count < 0 && errno != EINTR) {
            return board_gone(wires, error);
        } else if (count > 0) {
            data += count;
            size -= (size_t)count;
        }
    }
    return P2P_OK;
}

static enum p2p_code take_edge(struct p2p_wires *wires, const struct wires_record *record, struct p2p_error *error)
{
    struct p2p_edge edge = {.ticks = record->at_ns, .level = record->level};

    if (record->level > 1) {
        return p2p_error_set(error, P2P_E_BENCH, "the wires: an edge with level %u", record->level);
    }
    wires->now_ns = record->at_ns;
    if (record->source == WIRES_DRIVEN && record->line == wires->pins.stimulus) {
        edge.channel = P2P_CHANNEL_STIMULUS;
    } else if (record->source == WIRES_OUTPUT && record->line == wires->pins.answer) {
        edge.channel = P2P_CHANNEL_ANSWER;
    } else {
        return P2P_OK; /* the query line, or a pin with no probe on it */
    }
    wires->edges[wires->edge_count++] = edge;
    return P2P_OK;
}

static enum p2p_code take_edges(struct p2p_wires *wires, uint32_t size, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    memmove(wires->edges, wires->edges + wires->edge_next,
            (wires->edge_count - wires->edge_next) * sizeof wires->edges[0]);
    wires->edge_count -= wires->edge_next;
    wires->edge_next = 0;
    if (size % WIRES_RECORD_BYTES != 0 || wires->edge_count + size / WIRES_RECORD_BYTES > EDGES_MAX) {
        return p2p_error_set(error, P2P_E_BENCH, "the wires: %u bytes of edges, while %zu edges wait", size,
                             wires->edge_count);
    }
    for (uint32_t at = 0; at < size && code == P2P_OK; at += WIRES_RECORD_BYTES) {
        struct wires_record record = wires_get_record(wires->payload + at);

        code = take_edge(wires, &record, error);
    }
    return code;
}

static enum p2p_code receive_frame(struct p2p_wires *wires, uint32_t *type, uint32_t *size, struct p2p_error *error)
{
    uint8_t header[WIRES_HEADER_BYTES];
    enum p2p_code code = receive(wires, header, sizeof header, error);

    if (code != P2P_OK) {
        return code;
    }
    *size = (uint32_t)wires_get(header, 4);
    *type = (uint32_t)wires_get(header + 4, 4);
    if (*size > sizeof wires->payload) {
        return p2p_error_set(error, P2P_E_BENCH, "the wires: a frame of %u bytes, expected at most %zu", *size,
                             sizeof wires->payload);
    }
    return receive(wires, wires->payload, *size, error);
}

static enum p2p_code take_hello(struct p2p_wires *wires, uint32_t size, struct p2p_error *error)
{
    unsigned version = size >= 2 ? (unsigned)wires_get(wires->payload, 2) : 0;

    if (size != WIRES_HELLO_BYTES || version != WIRES_VERSION) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "the wires plugin speaks protocol version %u, expected %u: build it again with pin2pin",
                             version, WIRES_VERSION);
    }
    wires->greeted = true;
    return P2P_OK;
}

static enum p2p_code take_paused(struct p2p_wires *wires, uint32_t size, struct p2p_error *error)
{
    if (size != WIRES_TIME_BYTES) {
        return p2p_error_set(error, P2P_E_BENCH, "the wires: PAUSED with %u bytes, expected %d", size,
                             WIRES_TIME_BYTES);
    }
    wires->now_ns = wires_get(wires->payload, WIRES_TIME_BYTES);
    wires->running = false;
    return P2P_OK;
}

/* Takes one frame in; PAUSED ends a run. */
static enum p2p_code take_frame(struct p2p_wires *wires, struct p2p_error *error)
{
    uint32_t type = 0, size = 0;
    enum p2p_code code = receive_frame(wires, &type, &size, error);

    if (code != P2P_OK) {
        return code;
    }
    if (wires->greeted == (type == WIRES_HELLO) && type != WIRES_FAULT) {
        return p2p_error_set(error, P2P_E_BENCH, "the wires: a frame of type 0x%02x; HELLO comes first, and once",
                             type);
    }
    switch (type) {
    case WIRES_HELLO:
        return take_hello(wires, size, error);
    case WIRES_SEEN:
        return take_edges(wires, size, error);
    case WIRES_PAUSED:
        return take_paused(wires, size, error);
    case WIRES_FAULT:
        return p2p_error_set(error, P2P_E_BENCH, "the virtual board: %.*s", (int)size, (const char *)wires->payload);
    default:
        return p2p_error_set(error, P2P_E_BENCH, "the wires: a frame of unknown type 0x%02x", type);
    }
}

enum p2p_code p2p_wires_attach(struct p2p_wires *wires, int fd, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    p2p_wires_detach(wires);
    wires->board_gone = false;
    wires->fd = fd;
    wires->now_ns = 0;
    wires->running = true; /* until the first PAUSED, at virtual time 0 */
    while (wires->running && code == P2P_OK) {
        code = take_frame(wires, error);
    }
    if (code != P2P_OK) {
        p2p_wires_detach(wires);
    }
    return code;
}

void p2p_wires_watch(struct p2p_wires *wires, int console_fd)
{
    wires->console_fd = console_fd;
}

/*
 * Waits for a frame or for console output. Without a reader of the console, QEMU would block on a full socket, and
 * virtual time with it.
 */
static enum p2p_code wait_for_frame(struct p2p_wires *wires, bool *frame, struct p2p_error *error)
{
    struct pollfd fds[2] = {{.fd = wires->fd, .events = POLLIN}, {.fd = wires->console_fd, .events = POLLIN}};
    enum p2p_wait outcome = p2p_wait_fds(fds, 2, wires->stop_fd, p2p_deadline_in_ms(wires->stall_ms));

    *frame = fds[0].revents != 0;
    return wait_outcome(wires, outcome, error);
}

static uint64_t clock_now_ns(void *self)
{
    const struct p2p_wires *wires = self;

    return wires->now_ns;
}

static enum p2p_code clock_advance(void *self, uint64_t until_ns, struct p2p_error *error)
{
    struct p2p_wires *wires = self;
    enum p2p_code code = P2P_OK;

    if (!wires->running && until_ns > wires->now_ns) {
        uint8_t frame[WIRES_HEADER_BYTES + WIRES_TIME_BYTES];

        wires_put_header(frame, WIRES_RUN, WIRES_TIME_BYTES);
        wires_put(frame + WIRES_HEADER_BYTES, until_ns, WIRES_TIME_BYTES);
        code = transmit(wires, frame, sizeof frame, error);
        wires->running = code == P2P_OK;
    }
    while (wires->running && code == P2P_OK && wires->edge_count - wires->edge_next < EDGES_ENOUGH) {
        bool frame = false;

        code = wait_for_frame(wires, &frame, error);
        if (code == P2P_OK && !frame) {
            break; /* the console first */
        }
        if (code == P2P_OK) {
            code = take_frame(wires, error);
        }
    }
    return code;
}

static enum p2p_code stimulus_play(void *self, const struct p2p_drive *edges, size_t count, struct p2p_error *error)
{
    struct p2p_wires *wires = self;
    enum p2p_code code = P2P_OK;

    while (count > 0 && code == P2P_OK) {
        size_t piece = count < WIRES_RECORDS_MAX ? count : WIRES_RECORDS_MAX;
        uint8_t header[WIRES_HEADER_BYTES];

        for (size_t i = 0; i < piece; i++) {
            struct wires_record record = {
                .at_ns = edges[i].at_ns,
                .line = edges[i].line == P2P_LINE_STIMULUS ? wires->pins.stimulus : wires->pins.query,
                .level = edges[i].level,
            };

            wires_put_record(wires->payload + i * WIRES_RECORD_BYTES, &record);
        }
        wires_put_header(header, WIRES_EDGES, (uint32_t)(piece * WIRES_RECORD_BYTES));
        code = transmit(wires, header, sizeof header, error);
        if (code == P2P_OK) {
            code = transmit(wires, wires->payload, piece * WIRES_RECORD_BYTES, error);
        }
        edges += piece;
        count -= piece;
    }
    return code;
}

static enum p2p_code probe_read(void *self, struct p2p_edge *edges, size_t capacity, size_t *count,
                                struct p2p_error *error)
{
    struct p2p_wires *wires = self;
    size_t left = wires->edge_count - wires->edge_next;

    (void)error;
    *count = left < capacity ? left : capacity;
    memcpy(edges, wires->edges + wires->edge_next, *count * sizeof edges[0]);
    wires->edge_next += *count;
    return P2P_OK;
}

struct p2p_clock p2p_wires_clock(struct p2p_wires *wires)
{
    return (struct p2p_clock){.self = wires, .now_ns = clock_now_ns, .advance = clock_advance};
}

struct p2p_stimulus p2p_wires_stimulus(struct p2p_wires *wires)
{
    return (struct p2p_stimulus){.self = wires, .play = stimulus_play};
}

struct p2p_probe p2p_wires_probe(struct p2p_wires *wires)
{
    return (struct p2p_probe){
        .self = wires,
        /* Both stamps are instruction counts: nothing is rounded, nothing drifts. */
        .info = {.name = "ideal", .tick_hz = 1000000000, .time_base = P2P_TIME_INSTRUCTIONS, .uncertainty_ns = 0},
        .read = probe_read,
    };
}
