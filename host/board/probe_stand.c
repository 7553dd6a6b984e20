/* SPDX-License-Identifier: MIT */
#include "board/probe_stand.h"

#include "ports/probe_stream.h"
#include "ports/virtual_probe.h"
#include "util/deadline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

enum { EDGES_AT_ONCE = 256 };

#define NS_PER_MS UINT64_C(1000000)
#define STEP_NS   (50 * NS_PER_MS) /* the probe's signs of life are 100 ms apart */
#define ASK_NS    (2 * NS_PER_MS)  /* while an answer is awaited */

struct p2p_probe_stand {
    p2p_probe_edge_fn *on_edge;
    void *user;
    int stop_fd; /* borrowed */
    uint32_t stall_s;
    struct p2p_virtual_probe *emulator; /* NULL: a real probe */
    struct p2p_probe_device *device;
    struct p2p_probe port; /* the device's */
};

/* One cable is the first of the GPIOs behind "=", the other the second (firmware/rp2040/board.h names them). */
static const char *const WIRINGS[][3] = {
    [P2P_STAND_LINES] = {"0=2", "1=3", NULL},
    [P2P_STAND_SAME] = {"0=2,3", NULL},
    [P2P_STAND_SWAPPED] = {"0=3,2", NULL},
};

uint64_t p2p_probe_stand_now_ns(const struct p2p_probe_stand *stand)
{
    return stand->emulator != NULL ? p2p_virtual_probe_now_ns(stand->emulator) : (uint64_t)p2p_monotonic_ns();
}

static uint64_t device_now_ns(void *clock)
{
    return p2p_probe_stand_now_ns(clock);
}

enum p2p_code p2p_probe_stand_check(const struct p2p_bench *bench, struct p2p_error *error)
{
    if (bench->probe.kind == P2P_PROBE_IDEAL) {
        return p2p_error_set(error, P2P_E_INPUT,
                             "%s: $.probe.kind: an \"ideal\" probe is no device; expected \"virtual\", \"ftdi\" or "
                             "\"serial\"",
                             bench->path);
    }
    return bench->probe.kind == P2P_PROBE_VIRTUAL ? p2p_virtual_probe_check(&bench->probe, error) : P2P_OK;
}

static enum p2p_code start_emulator(struct p2p_probe_stand *stand, const struct p2p_probe_stand_setup *setup,
                                    struct p2p_byte_stream *stream, struct p2p_error *error)
{
    struct p2p_probe_plan plan = setup->bench->probe;
    const struct p2p_virtual_probe_setup start = {
        .plan = &plan,
        .wiring = WIRINGS[setup->wiring],
        .seed = setup->seed,
        .stall_s = stand->stall_s,
        .stop_fd = stand->stop_fd,
    };

    plan.clock_ppm += setup->drift_ppm;
    stand->emulator = p2p_virtual_probe_start(&start, stream, error);
    return stand->emulator != NULL ? P2P_OK : p2p_failure(error);
}

static enum p2p_code open_stream(struct p2p_probe_stand *stand, const struct p2p_probe_stand_setup *setup,
                                 struct p2p_byte_stream *stream, struct p2p_error *error)
{
    const struct p2p_probe_plan *plan = &setup->bench->probe;

    switch (plan->kind) {
    case P2P_PROBE_VIRTUAL:
        return start_emulator(stand, setup, stream, error);
    case P2P_PROBE_FTDI:
    case P2P_PROBE_SERIAL:
        return p2p_probe_stream_open(plan, stream, error);
    case P2P_PROBE_IDEAL: /* refused above */
        break;
    }
    return P2P_E_INPUT;
}

static enum p2p_code open_device(struct p2p_probe_stand *stand, const struct p2p_probe_stand_setup *setup,
                                 struct p2p_error *error)
{
    const struct p2p_probe_setup device = {
        .name = p2p_probe_kind_name(setup->bench->probe.kind), .now_ns = device_now_ns, .clock = stand};
    struct p2p_byte_stream stream;

    if (p2p_probe_stand_check(setup->bench, error) != P2P_OK ||
        open_stream(stand, setup, &stream, error) != P2P_OK) {
        return p2p_failure(error);
    }
    stand->device = p2p_probe_device_new(&stream, &device);
    if (stand->device == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    stand->port = p2p_probe_device_port(stand->device);
    return p2p_probe_stand_request(stand, P2P_PROBE_IDENTIFY, error);
}

struct p2p_probe_stand *p2p_probe_stand_open(const struct p2p_probe_stand_setup *setup, struct p2p_error *error)
{
    struct p2p_probe_stand *stand = calloc(1, sizeof *stand);

    if (stand == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
        return NULL;
    }
    stand->on_edge = setup->on_edge;
    stand->user = setup->user;
    stand->stop_fd = setup->stop_fd;
    stand->stall_s = setup->bench->timeouts.stall_s;
    if (open_device(stand, setup, error) != P2P_OK) {
        p2p_probe_stand_close(stand);
        return NULL;
    }
    return stand;
}

void p2p_probe_stand_close(struct p2p_probe_stand *stand)
{
    if (stand != NULL) {
        p2p_probe_device_free(stand->device);
        p2p_virtual_probe_stop(stand->emulator);
        free(stand);
    }
}

const struct p2p_probe_info *p2p_probe_stand_info(const struct p2p_probe_stand *stand)
{
    return stand->port.info(stand->port.self);
}

const struct p2p_probe_link *p2p_probe_stand_link(const struct p2p_probe_stand *stand)
{
    return p2p_probe_device_link(stand->device);
}

/* Also what tends the device, so it is called whether or not something has come. */
static enum p2p_code hand_out(struct p2p_probe_stand *stand, struct p2p_error *error)
{
    struct p2p_edge edges[EDGES_AT_ONCE];
    enum p2p_code code;
    size_t count;

    do {
        code = stand->port.read(stand->port.self, edges, EDGES_AT_ONCE, &count, error);
        for (size_t i = 0; i < count && code == P2P_OK; i++) {
            stand->on_edge(stand->user, &edges[i]);
        }
    } while (code == P2P_OK && count > 0);
    return code;
}

/* Waits for the probe's bytes, or for `fd`, which may be -1. */
static enum p2p_code wait_for_bytes(struct p2p_probe_stand *stand, int fd, int64_t timeout_ms, bool *fd_ready,
                                    bool *timed_out, struct p2p_error *error)
{
    struct pollfd fds[1 + P2P_STREAM_FDS_MAX] = {{.fd = fd, .events = POLLIN}};
    const size_t count = 1 + p2p_probe_device_poll_fds(stand->device, fds + 1);
    const enum p2p_wait outcome = p2p_wait_fds(fds, count, stand->stop_fd, p2p_deadline_in_ms(timeout_ms));

    *fd_ready = outcome == P2P_WAIT_READY && fds[0].revents != 0;
    *timed_out = outcome == P2P_WAIT_TIMEOUT;
    if (outcome == P2P_WAIT_STOPPED) {
        return p2p_error_set(error, P2P_E_INTERRUPTED, "interrupted");
    }
    if (outcome == P2P_WAIT_FAILED) {
        return p2p_error_set_errno(error, P2P_E_HOST, errno, "poll");
    }
    return P2P_OK;
}

/* One piece of the emulator's run, which goes on only while its UART is read. */
static enum p2p_code follow_emulator(struct p2p_probe_stand *stand, struct p2p_error *error)
{
    bool ended, silent;
    enum p2p_code code = wait_for_bytes(stand, p2p_virtual_probe_fd(stand->emulator), (int64_t)stand->stall_s * 1000,
                                        &ended, &silent, error);
    enum p2p_code handed;

    if (code == P2P_OK && silent) {
        code = p2p_error_set(error, P2P_E_BENCH,
                             "the virtual probe made no progress for %" PRIu32 " s "
                             "(timeouts.stall_s)",
                             stand->stall_s);
    }
    if (code == P2P_OK && ended) {
        code = p2p_virtual_probe_take(stand->emulator, error);
    }
    /* Also what came before it failed; why it did, it knows better than its UART. */
    handed = hand_out(stand, error);
    return code != P2P_OK ? code : handed;
}

static enum p2p_code advance_emulator(struct p2p_probe_stand *stand, uint64_t until_ns, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    if (!p2p_virtual_probe_running(stand->emulator)) { /* else the user wanted out in mid-run */
        code = p2p_virtual_probe_run(stand->emulator, until_ns, error);
    }
    while (code == P2P_OK && p2p_virtual_probe_running(stand->emulator)) {
        code = follow_emulator(stand, error);
    }
    return code;
}

static enum p2p_code advance_real(struct p2p_probe_stand *stand, uint64_t step_ns, struct p2p_error *error)
{
    bool none, timed_out;
    enum p2p_code code =
        wait_for_bytes(stand, -1, (int64_t)((step_ns + NS_PER_MS - 1) / NS_PER_MS), &none, &timed_out, error);

    return code == P2P_OK ? hand_out(stand, error) : code;
}

enum p2p_code p2p_probe_stand_advance(struct p2p_probe_stand *stand, uint64_t until_ns, struct p2p_error *error)
{
    const uint64_t now_ns = p2p_probe_stand_now_ns(stand);
    uint64_t step_ns = until_ns > now_ns ? until_ns - now_ns : 0;

    step_ns = step_ns < STEP_NS ? step_ns : STEP_NS;
    return stand->emulator != NULL ? advance_emulator(stand, now_ns + step_ns, error)
                                   : advance_real(stand, step_ns, error);
}

/* IDENTIFY joins a probe in several steps, and sends something only when it is asked again. */
enum p2p_code p2p_probe_stand_request(struct p2p_probe_stand *stand, enum p2p_probe_request request,
                                      struct p2p_error *error)
{
    enum p2p_code code = stand->port.request(stand->port.self, request, error);

    while (code == P2P_OK && !stand->port.settled(stand->port.self)) {
        code = p2p_probe_stand_advance(stand, p2p_probe_stand_now_ns(stand) + ASK_NS, error);
        if (code == P2P_OK && request == P2P_PROBE_IDENTIFY) {
            code = stand->port.request(stand->port.self, request, error);
        }
    }
    return code;
}

enum p2p_code p2p_probe_stand_command(struct p2p_probe_stand *stand, enum probe_type command, struct p2p_error *error)
{
    enum p2p_code code = p2p_probe_device_command(stand->device, command, error);

    while (code == P2P_OK && !p2p_probe_device_settled(stand->device)) {
        code = p2p_probe_stand_advance(stand, p2p_probe_stand_now_ns(stand) + ASK_NS, error);
    }
    return code;
}

enum p2p_code p2p_probe_stand_drive(struct p2p_probe_stand *stand, const struct wires_record *edges, size_t count,
                                    struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    if (stand->emulator == NULL) {
        return p2p_error_set(error, P2P_E_INPUT, "only a virtual probe's lines can be driven");
    }
    for (size_t done = 0; done < count && code == P2P_OK; done += WIRES_RECORDS_MAX) {
        const size_t left = count - done;

        code = p2p_virtual_probe_see(stand->emulator, edges + done, left < WIRES_RECORDS_MAX ? left : WIRES_RECORDS_MAX,
                                     error);
    }
    return code;
}
