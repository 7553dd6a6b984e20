/* SPDX-License-Identifier: MIT */
/*
 * One boot, from power on to power off: identify the probe, wait for READY, check that what runs is what was asked for,
 * arm, play, drain, disarm, compare the stub's counters with what the probe saw, have the probe vouch for all of it. On
 * every path the board ends off.
 *
 * On a lab bench a boot may take several tries, until the guest is READY: each is counted and told. Once something was
 * measured nothing is tried again.
 */
#ifndef P2P_SESSION_SESSION_H
#define P2P_SESSION_SESSION_H

#include "config/bench.h"
#include "config/plan.h"
#include "ports/ports.h"
#include "session/boot_log.h"

/* Where a boot's data go, as they come. A failure (disk full) ends the boot. */
struct p2p_session_sink {
    void *user;
    /* What measures; before any edge. */
    enum p2p_code (*probe)(void *user, const struct p2p_probe_info *info, struct p2p_error *error);
    enum p2p_code (*edges)(void *user, const struct p2p_edge *edges, size_t count, struct p2p_error *error);
    /* The same edges as they truly happened, in ticks of 1 ns, where somebody knows. */
    enum p2p_code (*truth)(void *user, const struct p2p_edge *edges, size_t count, struct p2p_error *error);
    enum p2p_code (*console)(void *user, const char *bytes, size_t count, struct p2p_error *error);
    /* Those bytes had come by `at_ns`, in bench time. Only where the console is stamped. */
    enum p2p_code (*stamp)(void *user, size_t count, uint64_t at_ns, struct p2p_error *error);
    /* Stimuli played so far; for a progress line. May be NULL. */
    void (*progress)(void *user, uint64_t stimuli);
};

struct p2p_session {
    const struct p2p_ports *ports;
    const struct p2p_bench *bench;
    const struct p2p_plan *plan;
    const struct p2p_configuration *configuration;
    uint64_t seed; /* of this boot's schedule */
    struct p2p_session_sink sink;
};

/* What a boot left behind besides its edges. */
struct p2p_boot_record {
    struct p2p_boot_log log;
    struct p2p_probe_info probe; /* name "": it was not identified */
    uint32_t tries;              /* power cycles until READY; what failed before the last stands in `failed_try` */
    struct p2p_error failed_try; /* the latest that was followed by another */
    struct p2p_achieved achieved;
    uint64_t ready_ns; /* bench time; 0: not reached */
    uint64_t armed_ns;
    uint64_t disarmed_ns;
    uint64_t stimuli; /* played */
    uint64_t answers; /* edges seen on the answer channel in all, the query's included */
};

/* Zero-initialise `record`; it is filled as far as the boot got, also when an error is returned. */
enum p2p_code p2p_session_run(const struct p2p_session *session, struct p2p_boot_record *record,
                              struct p2p_error *error);

#endif
