/* SPDX-License-Identifier: MIT */
/*
 * What a session needs of a bench: small ports, each a struct of functions with the part's own state. Which part
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
#include "stats/uncertainty.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct p2p_configuration;

enum { P2P_PROBE_NAME_BYTES = 32 };

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
    /*
     * Starts one boot of `configuration`. Returns when power is applied, long before the guest is ready. What a virtual
     * bench leaves to chance (the phase of its probe's clock) is drawn from `seed`.
     */
    enum p2p_code (*on)(void *self, const struct p2p_configuration *configuration, uint64_t seed,
                        struct p2p_error *error);
    void (*off)(void *self);
    /* What `off` could not do, asked after it: P2P_E_BENCH: the board may still be on. NULL: it can't fail. */
    enum p2p_code (*check)(void *self, struct p2p_error *error);
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
    /* Bench time by which the bytes of the last read had come. NULL: nobody stamps them. */
    uint64_t (*stamp_ns)(void *self);
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

/* The achieved schedule: how late stimuli were, from the time asked for to the end of the call that drove the line. */
struct p2p_achieved {
    uint64_t stimuli; /* played */
    double mean_late_ns;
    uint64_t max_late_ns;
    uint64_t late; /* how many were later than the plan's period */
};

struct p2p_stimulus {
    void *self;
    /* Takes over `count` edges, ascending and in the future, to be played as bench time passes. Never waits. */
    enum p2p_code (*play)(void *self, const struct p2p_drive *edges, size_t count, struct p2p_error *error);
    /* In this boot. NULL: every edge comes exactly when it was asked for. */
    struct p2p_achieved (*achieved)(void *self);
};

/* What stamped the edges, and how far it can be trusted. */
struct p2p_probe_info {
    char name[P2P_PROBE_NAME_BYTES];   /* "ideal", "virtual", "ftdi", "serial" */
    char serial[P2P_PROBE_NAME_BYTES]; /* the probe's board id in hexadecimal; "" for the ideal one */
    char firmware[P2P_PROBE_NAME_BYTES];
    uint64_t tick_hz;
    struct p2p_uncertainty uncertainty; /* of one latency */
};

enum p2p_probe_request {
    P2P_PROBE_IDENTIFY, /* first in each boot: from its end on `info` is there; to be asked again until settled */
    P2P_PROBE_ARM,      /* from its end on edges come */
    P2P_PROBE_SYNC,     /* ends when every edge from before the request has come; only while armed */
    P2P_PROBE_STOP,     /* ends when the last edge has come, and the probe vouches for all of them */
};

/*
 * A request takes bench time: `settled` says that it has ended. One that takes too long makes `read` fail. After an
 * error the probe stays failed; edges handed out before it stay as they are.
 */
struct p2p_probe {
    void *self;
    /* NULL before the first IDENTIFY has ended. Valid until power.off. */
    const struct p2p_probe_info *(*info)(void *self);
    /* Never waits. P2P_E_BENCH: the probe has failed. Misuse (a request in the wrong state) is answered the same way.
     */
    enum p2p_code (*request)(void *self, enum p2p_probe_request request, struct p2p_error *error);
    bool (*settled)(void *self);
    /* Edges of both channels that have come so far, in order, up to `capacity`; *count == 0: none. Never waits. */
    enum p2p_code (*read)(void *self, struct p2p_edge *edges, size_t capacity, size_t *count, struct p2p_error *error);
};

struct p2p_ports {
    enum p2p_time_base time_base; /* of everything that this bench stamps */
    struct p2p_clock clock;
    struct p2p_power power;
    struct p2p_console console;
    struct p2p_stimulus stimulus;
    struct p2p_probe probe;
    /* What happened, whatever the probe says of it; `read` is NULL where nobody knows. Needs no request. */
    struct p2p_probe truth;
};

#endif
