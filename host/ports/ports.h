/* SPDX-License-Identifier: MIT */
/*
 * What a session needs of a bench: five small ports, each a struct of functions with the part's own state. Which part
 * stands behind a port is the bench file's business; the session never knows.
 *
 * Lifecycle of all: the bench makes them (not powered), `power.on` brings the board up for one boot and makes the other
 * ports usable, `power.off` ends that on every path and may be called at any time, any number of times.
 * The session calls from one thread. Only `clock.advance` and `power.on` wait, and both have a deadline.
 *
 * Bench time is what the board lives in: virtual nanoseconds on the virtual bench (time passes only in
 * `clock.advance`), CLOCK_MONOTONIC on a lab bench.
 */
#ifndef P2P_PORTS_PORTS_H
#define P2P_PORTS_PORTS_H

#include "capture/edge.h"
#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

struct p2p_configuration;

struct p2p_clock {
    void *self;
    /* Bench time, from an origin of its own. */
    uint64_t (*now_ns)(void *self);
    /*
     * Lets bench time pass until `until_ns`; returns earlier, with P2P_OK, when a port should be read first.
     * P2P_E_BENCH: the bench died or fell silent. P2P_E_INTERRUPTED.
     */
    enum p2p_code (*advance)(void *self, uint64_t until_ns, struct p2p_error *error);
};

struct p2p_power {
    void *self;
    /* Starts one boot of `configuration`. Returns when power is applied, long before the guest is ready. */
    enum p2p_code (*on)(void *self, const struct p2p_configuration *configuration, struct p2p_error *error);
    void (*off)(void *self);
};

struct p2p_console {
    void *self;
    /* Raw bytes that have come so far, up to `capacity`; *count == 0: none. Never waits. */
    enum p2p_code (*read)(void *self, char *bytes, size_t capacity, size_t *count, struct p2p_error *error);
    /*
     * Types `text` (short: it fits any buffer). When the board takes it in is up to host time, even on the virtual
     * bench: type only where nothing is measured any more.
     */
    enum p2p_code (*write)(void *self, const char *text, struct p2p_error *error);
};

enum p2p_line {
    P2P_LINE_STIMULUS,
    P2P_LINE_QUERY, /* asks the guest to print its counters */
};

struct p2p_drive {
    uint64_t at_ns; /* bench time */
    uint8_t line;   /* enum p2p_line */
    uint8_t level;
};

struct p2p_stimulus {
    void *self;
    /* Takes over `count` edges, ascending and in the future, to be played as bench time passes. Never waits. */
    enum p2p_code (*play)(void *self, const struct p2p_drive *edges, size_t count, struct p2p_error *error);
};

struct p2p_probe_info {
    const char *name; /* "ideal" */
    uint64_t tick_hz;
    enum p2p_time_base time_base;
    double uncertainty_ns; /* of one latency */
};

struct p2p_probe {
    void *self;
    struct p2p_probe_info info;
    /* Edges of both channels that have come so far, in order, up to `capacity`; *count == 0: none. Never waits. */
    enum p2p_code (*read)(void *self, struct p2p_edge *edges, size_t capacity, size_t *count, struct p2p_error *error);
};

struct p2p_ports {
    struct p2p_clock clock;
    struct p2p_power power;
    struct p2p_console console;
    struct p2p_stimulus stimulus;
    struct p2p_probe probe;
};

#endif
