/* SPDX-License-Identifier: MIT */
/*
 * The stimulus of a lab bench: two GPIO lines of this computer. `play` queues the edges; whoever lets time pass
 * (lab_clock) drives them when they are due.
 *
 * How late an edge comes is no error of the measurement: the probe stamps it. So a late edge is played, counted and
 * told, and only an edge that is a second late, or one that cannot be driven, is a bench fault. But nothing is merged
 * or reordered, since that would change what is measured: edges keep their order, a late pulse keeps its width, the
 * line stays low for a width after it (or as long as was asked for), and the next stimulus waits until the time between
 * the two is `apart_ns`, so that an answer to the one cannot be taken for the other's. A plan whose deadline fills its
 * period leaves no room to catch up: there lateness adds up.
 *
 * The phase between this computer's clock and the board's and the probe's is left to chance, as on any bench; the
 * plan's jitter comes on top.
 */
#ifndef P2P_PORTS_GPIOD_STIMULUS_H
#define P2P_PORTS_GPIOD_STIMULUS_H

#include "ports/gpiod_line.h"
#include "ports/ports.h"

#include <stdint.h>

/* Edges that may wait; a session hands over 2048 at once, when nearly all of those before have been played. */
enum { P2P_GPIOD_DRIVES_MAX = 4096 };

struct p2p_gpiod_stimulus_setup {
    struct p2p_line_plan stimulus, query;
    uint64_t apart_ns;               /* least time between two stimuli: the plan's deadline_ns */
    uint64_t late_ns;                /* a stimulus later than this counts as late: the plan's period_ns */
    uint64_t (*now_ns)(void *clock); /* p2p_lab_clock_real_ns */
    void *clock;
};

struct p2p_gpiod_stimulus;

/* Both lines go low, logically. Errors as of p2p_gpiod_line_open. NULL: see `error`. _close lets them go low, too. */
struct p2p_gpiod_stimulus *p2p_gpiod_stimulus_open(const struct p2p_gpiod_stimulus_setup *setup,
                                                   struct p2p_error *error);
void p2p_gpiod_stimulus_close(struct p2p_gpiod_stimulus *stimulus); /* may be NULL */

/* Before each boot: forgets what waits and what was achieved; both lines are low then, or P2P_E_BENCH: stuck. */
enum p2p_code p2p_gpiod_stimulus_restart(struct p2p_gpiod_stimulus *stimulus, struct p2p_error *error);
/* After each boot: forgets what waits; both lines low. What was achieved stands. */
void p2p_gpiod_stimulus_stop(struct p2p_gpiod_stimulus *stimulus);

/* The time that the next edge was asked for; UINT64_MAX: none waits. */
uint64_t p2p_gpiod_stimulus_asked_ns(const struct p2p_gpiod_stimulus *stimulus);
/* The time to drive it at: that, or later after a late one. */
uint64_t p2p_gpiod_stimulus_due_ns(const struct p2p_gpiod_stimulus *stimulus);
/* Drives the next edge now. */
enum p2p_code p2p_gpiod_stimulus_drive(struct p2p_gpiod_stimulus *stimulus, struct p2p_error *error);

struct p2p_achieved p2p_gpiod_stimulus_achieved(const struct p2p_gpiod_stimulus *stimulus);

/* `play` refuses (P2P_E_BENCH) what does not ascend, does not change its line, or does not fit the queue. */
struct p2p_stimulus p2p_gpiod_stimulus_port(struct p2p_gpiod_stimulus *stimulus);

#endif
