/* SPDX-License-Identifier: MIT */
/*
 * A probe that runs pin2pin's firmware, at the other end of a byte stream. Never waits: the caller lets time pass and
 * calls `tend`. Time is the caller's too (virtual, or CLOCK_MONOTONIC), because a silent probe is told by it.
 */
#ifndef P2P_PORTS_PROBE_DEVICE_H
#define P2P_PORTS_PROBE_DEVICE_H

#include "calibration/calibration_file.h"
#include "capture/probe_link.h"
#include "ports/byte_stream.h"
#include "ports/ports.h"

struct p2p_probe_device;

struct p2p_probe_setup {
    const char *name;                /* of its kind, for reports; borrowed */
    struct p2p_uncertainty budget;   /* quantisation_ns is added when the probe has told its clock */
    uint64_t (*now_ns)(void *clock); /* never goes back */
    void *clock;
    /* What the budget rests on, or NULL; borrowed. A probe that it is not of is refused (P2P_E_INPUT). */
    const struct p2p_calibration *calibration;
    const char *calibration_path;
};

/* Takes over `stream`. NULL: out of memory, and `stream` is closed. Free with p2p_probe_device_free. */
struct p2p_probe_device *p2p_probe_device_new(const struct p2p_byte_stream *stream,
                                              const struct p2p_probe_setup *setup);
void p2p_probe_device_free(struct p2p_probe_device *device); /* may be NULL */

/*
 * Takes in what has come, and looks whether the probe lives; sends nothing. Stops reading while many edges wait to be
 * read, so that memory stays bounded. P2P_E_BENCH: it has failed, and stays so.
 */
enum p2p_code p2p_probe_device_tend(struct p2p_probe_device *device, struct p2p_error *error);

/* Enough edges wait; `tend` will take in no more until some were read. */
bool p2p_probe_device_full(const struct p2p_probe_device *device);

/*
 * IDENTIFY joins a probe in whatever state it is: it may be starting, or still be armed by a host that died. To be
 * called again, every 10 ms or so, until `settled`; only these calls send something, so the caller knows when.
 */
enum p2p_code p2p_probe_device_request(struct p2p_probe_device *device, enum p2p_probe_request request,
                                       struct p2p_error *error);
/* Sends a command that is none of the requests: SELF_TEST, GET_STATS. Its ACK is then in the link. */
enum p2p_code p2p_probe_device_command(struct p2p_probe_device *device, enum probe_type command,
                                       struct p2p_error *error);
/* What was asked for last has ended, and well. */
bool p2p_probe_device_settled(const struct p2p_probe_device *device);

/* The account of the link: HELLO, STATS, ACK. Borrowed. */
const struct p2p_probe_link *p2p_probe_device_link(const struct p2p_probe_device *device);

/* What to poll while time passes by itself. */
size_t p2p_probe_device_poll_fds(const struct p2p_probe_device *device, struct pollfd fds[P2P_STREAM_FDS_MAX]);

/* Borrows `device`; `read` tends it first. */
struct p2p_probe p2p_probe_device_port(struct p2p_probe_device *device);

#endif
