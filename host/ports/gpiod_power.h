/* SPDX-License-Identifier: MIT */
/* The board's power behind a relay on a GPIO line. */
#ifndef P2P_PORTS_GPIOD_POWER_H
#define P2P_PORTS_GPIOD_POWER_H

#include "ports/gpiod_line.h"
#include "ports/ports.h"

#include <stdint.h>

struct p2p_gpiod_power_setup {
    struct p2p_line_plan relay; /* active: on */
    uint32_t settle_ms;         /* from the relay's closing to steady power; `on` waits for it */
    int stop_fd;                /* borrowed, may be -1; ends that wait */
};

struct p2p_gpiod_power;

/* Switches off. Errors as of p2p_gpiod_line_open, and P2P_E_BENCH: the relay is stuck. _close switches off, too. */
struct p2p_gpiod_power *p2p_gpiod_power_open(const struct p2p_gpiod_power_setup *setup, struct p2p_error *error);
void p2p_gpiod_power_close(struct p2p_gpiod_power *power); /* may be NULL */

/* An `on` that fails, or is interrupted, switches off again. */
struct p2p_power p2p_gpiod_power_port(struct p2p_gpiod_power *power);

/*
 * p2p_power.off has no answer, so its failure stands here until an `off` succeeds: "the board may still be on: ...".
 * To be asked after each boot: the run is then a bench fault, for the next boot, too, would find it on. P2P_OK: none.
 */
enum p2p_code p2p_gpiod_power_check(const struct p2p_gpiod_power *power, struct p2p_error *error);

#endif
