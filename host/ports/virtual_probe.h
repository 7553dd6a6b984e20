/* SPDX-License-Identifier: MIT */
/*
 * The probe's firmware in an emulated RP2040 (fixtures/virtual-probe/SPEC.md), as a process of ours on virtual time:
 * it stands still but for `run`. This is its pins and its clock; its UART is a byte stream for a probe device.
 */
#ifndef P2P_PORTS_VIRTUAL_PROBE_H
#define P2P_PORTS_VIRTUAL_PROBE_H

#include "config/bench.h"
#include "ports/byte_stream.h"
#include "ports/wires_protocol.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the firmware looks: firmware/rp2040/board.h. */
enum { P2P_PROBE_STIMULUS_GPIO = 2, P2P_PROBE_ANSWER_GPIO = 3 };

struct p2p_virtual_probe;

struct p2p_virtual_probe_setup {
    const struct p2p_probe_plan *plan; /* of kind P2P_PROBE_VIRTUAL; borrowed */
    const char *const *wiring;         /* the runner's --line arguments ("0=2", "1=3"), ends with NULL; borrowed */
    uint64_t seed;                     /* of the clock's phase and the firmware's run id */
    uint32_t stall_s;
    int stop_fd; /* borrowed; -1: none */
};

/*
 * Starts it; returns when it stands at time 0. `uart` is the caller's to close, and to be read whenever it has bytes:
 * else virtual time stands still. NULL: see `error`. End with p2p_virtual_probe_stop.
 */
struct p2p_virtual_probe *p2p_virtual_probe_start(const struct p2p_virtual_probe_setup *setup,
                                                  struct p2p_byte_stream *uart, struct p2p_error *error);
void p2p_virtual_probe_stop(struct p2p_virtual_probe *probe); /* may be NULL */

/* A missing file told before anything is started: P2P_E_INPUT with the cure. */
enum p2p_code p2p_virtual_probe_check(const struct p2p_probe_plan *plan, struct p2p_error *error);

/* How far its time has come; while it runs, where the run began. */
uint64_t p2p_virtual_probe_now_ns(const struct p2p_virtual_probe *probe);
/* Where its run ends; the same as above while it stands. */
uint64_t p2p_virtual_probe_until_ns(const struct p2p_virtual_probe *probe);
bool p2p_virtual_probe_running(const struct p2p_virtual_probe *probe);

/* While it stands: what happens on its lines, ascending, not before its present; at most WIRES_RECORDS_MAX at once. */
enum p2p_code p2p_virtual_probe_see(struct p2p_virtual_probe *probe, const struct wires_record *records, size_t count,
                                    struct p2p_error *error);
/* While it stands: starts a run and returns at once. */
enum p2p_code p2p_virtual_probe_run(struct p2p_virtual_probe *probe, uint64_t until_ns, struct p2p_error *error);
/* Readable when the run has ended (or the probe has died). */
int p2p_virtual_probe_fd(const struct p2p_virtual_probe *probe);
/* Then to be called: it stands again, or P2P_E_BENCH with its last words. */
enum p2p_code p2p_virtual_probe_take(struct p2p_virtual_probe *probe, struct p2p_error *error);

/* `cause` is what somebody saw at its UART; if it has died, its own last words are added. Returns the cause's code. */
enum p2p_code p2p_virtual_probe_explain(struct p2p_virtual_probe *probe, const struct p2p_error *cause,
                                        struct p2p_error *error);

#endif
