/* SPDX-License-Identifier: MIT */
#include "board/virtual_bench.h"

#include "board/virtual_board.h"
#include "calibration/calibration_file.h"
#include "ports/probe_device.h"
#include "ports/virtual_clock.h"
#include "ports/virtual_probe.h"

#include <stdio.h>
#include <stdlib.h>

enum { WIRE_BYTES = 16 };

struct p2p_virtual_bench {
    const struct p2p_bench *bench;
    int stop_fd; /* borrowed */
    struct p2p_virtual_board *board;
    struct p2p_virtual_clock *clock;
    struct p2p_calibration calibration;
    bool calibrated;
    /* Of one boot; NULL with the ideal probe. */
    struct p2p_virtual_probe *probe;
    struct p2p_probe_device *device;
};

static bool is_ideal(const struct p2p_virtual_bench *self)
{
    return self->bench->probe.kind == P2P_PROBE_IDEAL;
}

static enum p2p_code load_calibration(struct p2p_virtual_bench *self, struct p2p_error *error)
{
    const char *path = self->bench->probe.calibration;
    enum p2p_code code = P2P_OK;

    if (path != NULL) {
        code = p2p_calibration_load_complete(path, &self->calibration, error);
        self->calibrated = code == P2P_OK;
    }
    return code;
}

static enum p2p_code open_probe(struct p2p_virtual_bench *self, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    if (!is_ideal(self)) {
        code = p2p_virtual_probe_check(&self->bench->probe, error);
    }
    return code == P2P_OK ? load_calibration(self, error) : code;
}

struct p2p_virtual_bench *p2p_virtual_bench_open(const struct p2p_bench *bench, int stop_fd, struct p2p_error *error)
{
    struct p2p_virtual_bench *self = calloc(1, sizeof *self);

    if (self == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
        return NULL;
    }
    self->bench = bench;
    self->stop_fd = stop_fd;
    if (open_probe(self, error) != P2P_OK) {
        goto fail;
    }
    self->board = p2p_virtual_board_open(bench, stop_fd, error);
    if (self->board == NULL) {
        goto fail;
    }
    self->clock = p2p_virtual_clock_new(p2p_virtual_board_wires(self->board), bench->timeouts.stall_s, stop_fd);
    if (self->clock == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
        goto fail;
    }
    return self;
fail:
    p2p_virtual_bench_close(self);
    return NULL;
}

static void power_off(void *user)
{
    struct p2p_virtual_bench *self = user;

    if (self->clock != NULL) {
        p2p_virtual_clock_attach(self->clock, NULL, NULL, NULL);
    }
    p2p_probe_device_free(self->device);
    self->device = NULL;
    p2p_virtual_probe_stop(self->probe);
    self->probe = NULL;
    if (self->board != NULL) {
        p2p_virtual_board_off(self->board);
    }
}

void p2p_virtual_bench_close(struct p2p_virtual_bench *self)
{
    if (self != NULL) {
        power_off(self);
        p2p_virtual_clock_free(self->clock);
        p2p_virtual_board_close(self->board);
        free(self);
    }
}

static enum p2p_code start_probe(struct p2p_virtual_bench *self, uint64_t seed, struct p2p_error *error)
{
    const struct p2p_bench *bench = self->bench;
    char stimulus[WIRE_BYTES], answer[WIRE_BYTES];
    const char *const wiring[] = {stimulus, answer, NULL};
    const struct p2p_virtual_probe_setup setup = {.plan = &bench->probe,
                                                  .wiring = wiring,
                                                  .seed = seed,
                                                  .stall_s = bench->timeouts.stall_s,
                                                  .stop_fd = self->stop_fd};
    const struct p2p_probe_setup device = {
        .name = p2p_probe_kind_name(bench->probe.kind),
        .budget = p2p_calibration_budget(self->calibrated ? &self->calibration : NULL, &bench->probe),
        .now_ns = p2p_virtual_clock_probe_ns,
        .clock = self->clock,
        .calibration = self->calibrated ? &self->calibration : NULL,
        .calibration_path = bench->probe.calibration,
    };
    struct p2p_byte_stream uart;

    snprintf(stimulus, sizeof stimulus, "%u=%d", bench->pins.stimulus, P2P_PROBE_STIMULUS_GPIO);
    snprintf(answer, sizeof answer, "%u=%d", bench->pins.answer, P2P_PROBE_ANSWER_GPIO);
    self->probe = p2p_virtual_probe_start(&setup, &uart, error);
    if (self->probe == NULL) {
        return p2p_failure(error);
    }
    self->device = p2p_probe_device_new(&uart, &device);
    return self->device != NULL ? P2P_OK : p2p_error_set(error, P2P_E_HOST, "out of memory");
}

static enum p2p_code power_on(void *user, const struct p2p_configuration *configuration, uint64_t seed,
                              struct p2p_error *error)
{
    struct p2p_virtual_bench *self = user;
    enum p2p_code code;

    power_off(self);
    code = p2p_virtual_board_on(self->board, configuration, error);
    if (code == P2P_OK && !is_ideal(self)) {
        code = start_probe(self, seed, error);
    }
    if (code != P2P_OK) {
        power_off(self);
        return code;
    }
    p2p_virtual_clock_attach(self->clock, self->probe, self->device, &p2p_virtual_board_console(self->board)->fd);
    return P2P_OK;
}

/* The clock, with the last words of whoever dies under it. */
static enum p2p_code advance(void *user, uint64_t until_ns, struct p2p_error *error)
{
    struct p2p_virtual_bench *self = user;
    struct p2p_clock clock = p2p_virtual_clock_port(self->clock);
    struct p2p_error cause = {0};
    enum p2p_code code = clock.advance(clock.self, until_ns, &cause);

    return code == P2P_OK ? P2P_OK : p2p_virtual_board_explain(self->board, &cause, error);
}

static uint64_t now_ns(void *user)
{
    const struct p2p_virtual_bench *self = user;
    struct p2p_clock clock = p2p_virtual_clock_port(self->clock);

    return clock.now_ns(clock.self);
}

/* The device lives for one boot, the port for all: these find the one of this boot. */
static struct p2p_probe device_port(void *user)
{
    const struct p2p_virtual_bench *self = user;

    return p2p_probe_device_port(self->device);
}

static const struct p2p_probe_info *probe_info(void *user)
{
    const struct p2p_virtual_bench *self = user;
    struct p2p_probe probe = device_port(user);

    return self->device == NULL ? NULL : probe.info(probe.self);
}

static enum p2p_code probe_request(void *user, enum p2p_probe_request request, struct p2p_error *error)
{
    const struct p2p_virtual_bench *self = user;
    struct p2p_probe probe = device_port(user);
    struct p2p_error cause = {0};

    if (self->device == NULL) {
        return p2p_error_set(error, P2P_E_BENCH, "the virtual probe is off");
    }
    return probe.request(probe.self, request, &cause) == P2P_OK ? P2P_OK
                                                                : p2p_virtual_probe_explain(self->probe, &cause, error);
}

static bool probe_settled(void *user)
{
    const struct p2p_virtual_bench *self = user;
    struct p2p_probe probe = device_port(user);

    return self->device != NULL && probe.settled(probe.self);
}

static enum p2p_code probe_read(void *user, struct p2p_edge *edges, size_t capacity, size_t *count,
                                struct p2p_error *error)
{
    const struct p2p_virtual_bench *self = user;
    struct p2p_probe probe = device_port(user);
    struct p2p_error cause = {0};

    *count = 0;
    if (self->device == NULL || probe.read(probe.self, edges, capacity, count, &cause) == P2P_OK) {
        return P2P_OK;
    }
    return p2p_virtual_probe_explain(self->probe, &cause, error);
}

struct p2p_ports p2p_virtual_bench_ports(struct p2p_virtual_bench *self)
{
    struct p2p_wires *wires = p2p_virtual_board_wires(self->board);
    struct p2p_ports ports = {
        .time_base = P2P_TIME_INSTRUCTIONS, /* also the virtual probe's: its ticks are parts of virtual time */
        .clock = {.self = self, .now_ns = now_ns, .advance = advance},
        .power = {.self = self, .on = power_on, .off = power_off},
        .console = p2p_socket_console_port(p2p_virtual_board_console(self->board)),
        .stimulus = p2p_wires_stimulus(wires),
        .probe = p2p_wires_probe(wires),
    };

    if (!is_ideal(self)) {
        ports.truth = ports.probe;
        ports.probe = (struct p2p_probe){self, probe_info, probe_request, probe_settled, probe_read};
    }
    return ports;
}
