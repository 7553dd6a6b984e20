/* SPDX-License-Identifier: MIT */
/*
 * NAME.calibration.json: what was found out about one probe, by its serial. Schema:
 * docs/schema/calibration.schema.json. A file may be partial (one wiring so far, no clock): it is valid, but only a
 * complete one may correct latencies.
 */
#ifndef P2P_CALIBRATION_CALIBRATION_FILE_H
#define P2P_CALIBRATION_CALIBRATION_FILE_H

#include "calibration/rate.h"
#include "calibration/skew.h"
#include "config/bench.h"
#include "stats/uncertainty.h"
#include "util/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { P2P_CALIBRATION_TEXT_BYTES = 32, P2P_CALIBRATION_DATE_BYTES = sizeof "2026-01-31T23:59:59Z" };

/*
 * Half-widths of rectangular distributions, for a real probe: assumed, not measured. docs/uncertainty.md says from
 * what. All are far below a tick.
 */
#define P2P_INPUT_SKEW_BOUND_NS 1.0 /* the two inputs' skew, without calibration */
#define P2P_RISE_FALL_BOUND_NS  1.5 /* one input's fall against its rise: no calibration sees it */
#define P2P_CABLE_BOUND_NS      0.5 /* 10 cm more of cable on one line of the bench: neither does it see that */

enum p2p_wiring { P2P_WIRING_STRAIGHT, P2P_WIRING_SWAPPED, P2P_WIRINGS };

/* Held by value; nothing to free. Zero-initialise, then fill in. */
struct p2p_calibration {
    char serial[P2P_CALIBRATION_TEXT_BYTES]; /* the probe's board id, as p2p_probe_info's: 16 digits 0-9 a-f */
    char firmware[P2P_CALIBRATION_TEXT_BYTES];
    uint64_t tick_hz;
    char date[P2P_CALIBRATION_DATE_BYTES];                  /* UTC, of the latest change: "2026-01-31T23:59:59Z" */
    struct p2p_skew_mean skew[P2P_POLARITIES][P2P_WIRINGS]; /* n == 0: not measured yet */
    struct p2p_rate_result clock;                           /* n == 0: not measured */
};

/* The skew is known in both wirings and polarities. The clock is no part of this. */
bool p2p_calibration_complete(const struct p2p_calibration *calibration);

/* P2P_E_INPUT: the file is missing, or something in it is wrong. */
enum p2p_code p2p_calibration_load(const char *path, struct p2p_calibration *calibration, struct p2p_error *error);

/* Figures are kept to 10^-6 of their unit. Atomic, as p2p_write_file. */
enum p2p_code p2p_calibration_save(const char *path, const struct p2p_calibration *calibration,
                                   struct p2p_error *error);

/* P2P_E_INPUT unless it is of this probe, running at this rate. `path` is for the message. */
enum p2p_code p2p_calibration_check_probe(const struct p2p_calibration *calibration, const char *path,
                                          const char *serial, uint64_t tick_hz, struct p2p_error *error);
/* P2P_E_INPUT unless complete; says what is missing and how to add it. */
enum p2p_code p2p_calibration_check_complete(const struct p2p_calibration *calibration, const char *path,
                                             struct p2p_error *error);

/* Loads one that may correct latencies: p2p_calibration_load, and it is complete. */
enum p2p_code p2p_calibration_load_complete(const char *path, struct p2p_calibration *calibration,
                                            struct p2p_error *error);

/*
 * The probe's budget, all but quantisation_ns (0), which needs the clock that the probe tells. `calibration` is
 * complete, or NULL for none.
 */
struct p2p_uncertainty p2p_calibration_budget(const struct p2p_calibration *calibration,
                                              const struct p2p_probe_plan *plan);

#endif
