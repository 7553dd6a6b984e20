/* SPDX-License-Identifier: MIT */
#include "ports/wires.h"

#include "ports/wires_stream.h"

#include <stdlib.h>
#include <string.h>

/* Twice a frame, so that what is left of one batch plus one more frame always fits: memory stays bounded. */
enum { EDGES_MAX = 2 * WIRES_RECORDS_MAX, EDGES_ENOUGH = WIRES_RECORDS_MAX };

struct p2p_wires {
    struct p2p_pins pins;
    struct p2p_wires_stream stream;
    bool greeted;    /* HELLO has come */
    bool running;    /* a RUN is out, its PAUSED has not come */
    uint64_t now_ns; /* as of the last PAUSED or edge */
    struct p2p_edge edges[EDGES_MAX];
    size_t edge_next, edge_count;
    struct wires_record records[WIRES_RECORDS_MAX];
    size_t record_count;
    struct p2p_wires_frame frame;
};

struct p2p_wires *p2p_wires_new(const struct p2p_pins *pins, uint32_t stall_s, int stop_fd)
{
    struct p2p_wires *wires = calloc(1, sizeof *wires);

    if (wires != NULL) {
        explicit_bzero(wires, sizeof *wires); /* takes the memory now, not page by page in mid-run */
        wires->pins = *pins;
        wires->stream = (struct p2p_wires_stream){
            .peer = "the virtual board", .stall_ms = (int64_t)stall_s * 1000, .stop_fd = stop_fd, .fd = -1};
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
    p2p_wires_stream_close(&wires->stream);
    wires->greeted = false;
    wires->running = false;
    wires->edge_next = 0;
    wires->edge_count = 0;
    wires->record_count = 0;
}

bool p2p_wires_board_gone(const struct p2p_wires *wires)
{
    return wires->stream.gone;
}

uint64_t p2p_wires_now_ns(const struct p2p_wires *wires)
{
    return wires->now_ns;
}

bool p2p_wires_running(const struct p2p_wires *wires)
{
    return wires->running;
}

bool p2p_wires_full(const struct p2p_wires *wires)
{
    return wires->edge_count - wires->edge_next >= EDGES_ENOUGH;
}

int p2p_wires_fd(const struct p2p_wires *wires)
{
    return wires->stream.fd;
}

const struct wires_record *p2p_wires_records(const struct p2p_wires *wires, size_t *count)
{
    *count = wires->record_count;
    return wires->records;
}

static enum p2p_code take_record(struct p2p_wires *wires, const struct wires_record *record, struct p2p_error *error)
{
    struct p2p_edge edge = {.ticks = record->at_ns, .level = record->level};

    if (record->level > 1) {
        return p2p_error_set(error, P2P_E_BENCH, "the wires: an edge with level %u", record->level);
    }
    wires->now_ns = record->at_ns;
    wires->records[wires->record_count++] = *record;
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

static enum p2p_code take_seen(struct p2p_wires *wires, struct p2p_error *error)
{
    uint32_t size = wires->frame.size;
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
        struct wires_record record = wires_get_record(wires->frame.payload + at);

        code = take_record(wires, &record, error);
    }
    return code;
}

static enum p2p_code take_hello(struct p2p_wires *wires, struct p2p_error *error)
{
    const struct p2p_wires_frame *frame = &wires->frame;
    unsigned version = frame->size >= 2 ? (unsigned)wires_get(frame->payload, 2) : 0;

    if (frame->size != WIRES_HELLO_BYTES || version != WIRES_VERSION) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "the wires plugin speaks protocol version %u, expected %u: build it again with pin2pin",
                             version, WIRES_VERSION);
    }
    wires->greeted = true;
    return P2P_OK;
}

enum p2p_code p2p_wires_take(struct p2p_wires *wires, struct p2p_error *error)
{
    const struct p2p_wires_frame *frame = &wires->frame;
    enum p2p_code code = p2p_wires_receive(&wires->stream, &wires->frame, error);

    wires->record_count = 0;
    if (code != P2P_OK) {
        return code;
    }
    if (wires->greeted == (frame->type == WIRES_HELLO)) {
        return p2p_error_set(error, P2P_E_BENCH, "the wires: a frame of type 0x%02x; HELLO comes first, and once",
                             frame->type);
    }
    switch (frame->type) {
    case WIRES_HELLO:
        return take_hello(wires, error);
    case WIRES_SEEN:
        return take_seen(wires, error);
    case WIRES_PAUSED:
        code = p2p_wires_paused_at(&wires->stream, frame, &wires->now_ns, error);
        wires->running = code != P2P_OK;
        return code;
    default:
        return p2p_error_set(error, P2P_E_BENCH, "the wires: a frame of unknown type 0x%02x", frame->type);
    }
}

enum p2p_code p2p_wires_attach(struct p2p_wires *wires, int fd, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    p2p_wires_detach(wires);
    wires->stream.gone = false;
    wires->stream.fd = fd;
    wires->now_ns = 0;
    wires->running = true; /* until the first PAUSED, at virtual time 0 */
    while (wires->running && code == P2P_OK) {
        code = p2p_wires_take(wires, error);
    }
    if (code != P2P_OK) {
        p2p_wires_detach(wires);
    }
    return code;
}

enum p2p_code p2p_wires_run(struct p2p_wires *wires, uint64_t until_ns, struct p2p_error *error)
{
    enum p2p_code code = p2p_wires_send_run(&wires->stream, until_ns, error);

    wires->running = code == P2P_OK;
    return code;
}

static enum p2p_code stimulus_play(void *self, const struct p2p_drive *edges, size_t count, struct p2p_error *error)
{
    struct p2p_wires *wires = self;
    uint8_t *payload = wires->frame.payload;
    enum p2p_code code = P2P_OK;

    while (count > 0 && code == P2P_OK) {
        size_t piece = count < WIRES_RECORDS_MAX ? count : WIRES_RECORDS_MAX;

        for (size_t i = 0; i < piece; i++) {
            struct wires_record record = {
                .at_ns = edges[i].at_ns,
                .line = edges[i].line == P2P_LINE_STIMULUS ? wires->pins.stimulus : wires->pins.query,
                .level = edges[i].level,
            };

            wires_put_record(payload + i * WIRES_RECORD_BYTES, &record);
        }
        code = p2p_wires_send(&wires->stream, WIRES_EDGES, payload, (uint32_t)(piece * WIRES_RECORD_BYTES), error);
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

/* Both stamps are instruction counts: nothing is rounded, nothing drifts, nothing takes time. */
static const struct p2p_probe_info IDEAL = {.name = "ideal", .tick_hz = 1000000000};

static const struct p2p_probe_info *probe_info(void *self)
{
    (void)self;
    return &IDEAL;
}

static enum p2p_code probe_request(void *self, enum p2p_probe_request request, struct p2p_error *error)
{
    (void)self;
    (void)request;
    (void)error;
    return P2P_OK;
}

static bool probe_settled(void *self)
{
    (void)self;
    return true;
}

struct p2p_stimulus p2p_wires_stimulus(struct p2p_wires *wires)
{
    return (struct p2p_stimulus){.self = wires, .play = stimulus_play};
}

struct p2p_probe p2p_wires_probe(struct p2p_wires *wires)
{
    return (struct p2p_probe){wires, probe_info, probe_request, probe_settled, probe_read};
}
