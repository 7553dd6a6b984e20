/* SPDX-License-Identifier: MIT */
#include "ports/virtual_clock.h"

#include "ports/wires_stream.h"
#include "util/deadline.h"

#include <stdlib.h>
#include <string.h>

#define PROBE_PIECE_NS UINT64_C(50000000)
/* While the board runs, a run of the probe shorter than this costs more in frames than it saves. */
#define PROBE_WORTH_NS UINT64_C(1000000)

struct p2p_virtual_clock {
    struct p2p_wires *wires;
    int64_t stall_ms;
    int stop_fd;
    struct p2p_virtual_probe *probe;
    struct p2p_probe_device *device;
    const int *console_fd;        /* -1: closed */
    struct p2p_deadline progress; /* until then virtual time must have moved: bytes of a UART alone are none */
    /* Edges that the probe is still to be shown; full when another frame's would not fit. */
    struct wires_record unseen[2 * WIRES_RECORDS_MAX];
    size_t unseen_count;
};

/* What is polled in one turn. */
struct turn {
    struct pollfd fds[3 + P2P_STREAM_FDS_MAX];
    size_t count;
    size_t board, probe, console; /* places in `fds` */
};

struct p2p_virtual_clock *p2p_virtual_clock_new(struct p2p_wires *wires, uint32_t stall_s, int stop_fd)
{
    struct p2p_virtual_clock *clock = calloc(1, sizeof *clock);

    if (clock != NULL) {
        clock->wires = wires;
        clock->stall_ms = (int64_t)stall_s * 1000;
        clock->stop_fd = stop_fd;
    }
    return clock;
}

void p2p_virtual_clock_free(struct p2p_virtual_clock *clock)
{
    free(clock);
}

void p2p_virtual_clock_attach(struct p2p_virtual_clock *clock, struct p2p_virtual_probe *probe,
                              struct p2p_probe_device *device, const int *console_fd)
{
    clock->probe = probe;
    clock->device = device;
    clock->console_fd = console_fd;
    clock->unseen_count = 0;
}

uint64_t p2p_virtual_clock_probe_ns(void *self)
{
    const struct p2p_virtual_clock *clock = self;

    return clock->probe == NULL ? 0 : p2p_virtual_probe_until_ns(clock->probe);
}

static uint64_t now_ns(void *self)
{
    const struct p2p_virtual_clock *clock = self;

    /* The probe follows the board: where it stands, both have been. */
    return clock->probe == NULL ? p2p_wires_now_ns(clock->wires) : p2p_virtual_probe_now_ns(clock->probe);
}

/* The probe has to be shown some edges before the board's next frame fits. */
static bool is_crowded(const struct p2p_virtual_clock *clock)
{
    return clock->unseen_count > WIRES_RECORDS_MAX;
}

/* Someone has to read before more can be taken in. */
static bool is_full(const struct p2p_virtual_clock *clock)
{
    return p2p_wires_full(clock->wires) || (clock->device != NULL && p2p_probe_device_full(clock->device));
}

static enum p2p_code take_from_board(struct p2p_virtual_clock *clock, struct p2p_error *error)
{
    enum p2p_code code = p2p_wires_take(clock->wires, error);
    size_t count = 0;
    const struct wires_record *records = p2p_wires_records(clock->wires, &count);

    if (code == P2P_OK && clock->probe != NULL) {
        memcpy(clock->unseen + clock->unseen_count, records, count * sizeof records[0]);
        clock->unseen_count += count;
    }
    return code;
}

/* Shows the probe a frame of the edges up to `until_ns`; they may lie ahead of its next run. */
static enum p2p_code show_edges(struct p2p_virtual_clock *clock, uint64_t until_ns, struct p2p_error *error)
{
    size_t count = 0;
    enum p2p_code code;

    while (count < clock->unseen_count && count < WIRES_RECORDS_MAX && clock->unseen[count].at_ns <= until_ns) {
        count++;
    }
    if (count == 0) {
        return P2P_OK;
    }
    code = p2p_virtual_probe_see(clock->probe, clock->unseen, count, error);
    clock->unseen_count -= count;
    memmove(clock->unseen, clock->unseen + count, clock->unseen_count * sizeof clock->unseen[0]);
    return code;
}

/* The time up to which all edges are known; while the board runs, another may come at the instant of the last. */
static uint64_t known_ns(const struct p2p_virtual_clock *clock)
{
    uint64_t board_ns = p2p_wires_now_ns(clock->wires);

    return p2p_wires_running(clock->wires) && board_ns > 0 ? board_ns - 1 : board_ns;
}

/* Crowded, it takes a frame of edges even if they leave it no time to run: else nobody could move any more. */
static enum p2p_code follow(struct p2p_virtual_clock *clock, struct p2p_error *error)
{
    const bool crowded = is_crowded(clock);
    uint64_t probe_ns = p2p_virtual_probe_now_ns(clock->probe);
    uint64_t until_ns = known_ns(clock);
    uint64_t least_ns = p2p_wires_running(clock->wires) ? PROBE_WORTH_NS : 1;
    enum p2p_code code;

    if (!crowded && until_ns < probe_ns + least_ns) {
        return P2P_OK;
    }
    if (until_ns > probe_ns + PROBE_PIECE_NS) {
        until_ns = probe_ns + PROBE_PIECE_NS;
    }
    if (crowded && clock->unseen[WIRES_RECORDS_MAX - 1].at_ns < until_ns) {
        until_ns = clock->unseen[WIRES_RECORDS_MAX - 1].at_ns; /* the next are not shown yet */
    }
    code = show_edges(clock, crowded ? UINT64_MAX : until_ns, error);
    return code == P2P_OK && until_ns > probe_ns ? p2p_virtual_probe_run(clock->probe, until_ns, error) : code;
}

static size_t add(struct turn *turn, int fd, bool wanted)
{
    turn->fds[turn->count] = (struct pollfd){.fd = wanted ? fd : -1, .events = POLLIN};
    return turn->count++;
}

static void prepare(const struct p2p_virtual_clock *clock, struct turn *turn)
{
    bool probe_runs = clock->probe != NULL && p2p_virtual_probe_running(clock->probe);

    turn->count = 0;
    turn->board = add(turn, p2p_wires_fd(clock->wires), p2p_wires_running(clock->wires) && !is_crowded(clock));
    /* Without a reader of the console, QEMU would block on a full socket, and virtual time with it. */
    turn->console = add(turn, clock->console_fd != NULL ? *clock->console_fd : -1, true);
    turn->probe = add(turn, probe_runs ? p2p_virtual_probe_fd(clock->probe) : -1, probe_runs);
    if (clock->device != NULL) {
        turn->count += p2p_probe_device_poll_fds(clock->device, turn->fds + turn->count);
    }
}

static bool is_ready(const struct turn *turn, size_t place)
{
    return turn->fds[place].revents != 0;
}

static const char *awaited(const struct turn *turn)
{
    if (turn->fds[turn->board].fd < 0) {
        return "the virtual probe";
    }
    return turn->fds[turn->probe].fd < 0 ? "the virtual board" : "the virtual board, and its probe,";
}

static void await_progress(struct p2p_virtual_clock *clock)
{
    clock->progress = p2p_deadline_in_ms(clock->stall_ms);
}

static enum p2p_code wait(struct p2p_virtual_clock *clock, struct turn *turn, struct p2p_error *error)
{
    const struct p2p_wires_stream who = {.peer = awaited(turn), .stall_ms = clock->stall_ms};
    enum p2p_wait outcome = p2p_wait_fds(turn->fds, turn->count, clock->stop_fd, clock->progress);

    if (outcome == P2P_WAIT_READY) {
        if (is_ready(turn, turn->board) || is_ready(turn, turn->probe)) {
            await_progress(clock);
        } else if (p2p_deadline_left_ms(clock->progress) == 0) {
            outcome = P2P_WAIT_TIMEOUT;
        }
    }
    return p2p_wires_outcome(&who, outcome, error);
}

static enum p2p_code tend(struct p2p_virtual_clock *clock, struct p2p_error *error)
{
    struct p2p_error cause = {0};

    if (p2p_probe_device_tend(clock->device, &cause) == P2P_OK) {
        return P2P_OK;
    }
    return p2p_virtual_probe_explain(clock->probe, &cause, error);
}

/* One turn: the probe follows, whoever has something is heard. */
static enum p2p_code turn_round(struct p2p_virtual_clock *clock, bool *console, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;
    struct turn turn;

    if (clock->probe != NULL && !p2p_virtual_probe_running(clock->probe)) {
        code = follow(clock, error);
    }
    prepare(clock, &turn);
    if (code == P2P_OK) {
        code = wait(clock, &turn, error);
    }
    if (code == P2P_OK && is_ready(&turn, turn.board)) {
        code = take_from_board(clock, error);
    }
    if (code == P2P_OK && clock->device != NULL) { /* before the run's end is taken: these bytes are from within it */
        code = tend(clock, error);
    }
    if (code == P2P_OK && is_ready(&turn, turn.probe)) {
        code = p2p_virtual_probe_take(clock->probe, error);
    }
    *console = code == P2P_OK && is_ready(&turn, turn.console);
    return code;
}

static bool has_arrived(const struct p2p_virtual_clock *clock)
{
    return !p2p_wires_running(clock->wires) &&
           (clock->probe == NULL || (!p2p_virtual_probe_running(clock->probe) &&
                                     p2p_virtual_probe_now_ns(clock->probe) >= p2p_wires_now_ns(clock->wires)));
}

static enum p2p_code advance(void *self, uint64_t until_ns, struct p2p_error *error)
{
    struct p2p_virtual_clock *clock = self;
    enum p2p_code code = P2P_OK;
    bool console = false;

    if (has_arrived(clock) && until_ns > p2p_wires_now_ns(clock->wires)) {
        await_progress(clock);
        code = p2p_wires_run(clock->wires, until_ns, error);
    }
    while (code == P2P_OK && !has_arrived(clock) && !is_full(clock) && !console) {
        code = turn_round(clock, &console, error);
    }
    return code;
}

struct p2p_clock p2p_virtual_clock_port(struct p2p_virtual_clock *clock)
{
    return (struct p2p_clock){.self = clock, .now_ns = now_ns, .advance = advance};
}
