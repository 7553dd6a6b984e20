/* SPDX-License-Identifier: MIT */
/*
 * Reads a board's console as it comes and keeps what it says of Xen and of the stub. Pure.
 * Xen's banner: xen/arch/arm/setup.c and common/sched/core.c; the stub's lines: guest-stub/SPEC.md.
 */
#ifndef P2P_SESSION_BOOT_LOG_H
#define P2P_SESSION_BOOT_LOG_H

#include "config/bench.h"
#include "config/plan.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { P2P_LINE_BYTES = 512 };

/* What the stub counted since it started. */
struct p2p_stub_counters {
    uint64_t irq;            /* interrupt exceptions taken = times the output was toggled */
    uint64_t unexpected_irq; /* interrupts other than its own */
    uint64_t spurious;       /* exceptions with nothing pending at the GIC */
    uint64_t fiq;
    uint64_t serror;
};

/* "Logical CPU 1 in Pool-1 (Scheduler id: 9)." */
struct p2p_logged_cpu {
    bool said;
    long pool;
    long scheduler; /* Xen's number; -1: the default one */
};

struct p2p_boot_log {
    char line[P2P_LINE_BYTES]; /* the line in the making; longer ones are cut here, never in the log file */
    size_t length;

    /* "" until it was said. */
    char xen_version[64];
    char xen_debug[8]; /* "n", "y" */
    char xen_scheduler[32];
    char xen_command_line[P2P_LINE_BYTES];
    uint32_t cpus;                             /* that Xen brought up */
    uint32_t domains;                          /* that Xen made */
    uint32_t neighbours;                       /* that said that they run */
    struct p2p_logged_cpu pools[P2P_CPUS_MAX]; /* by Xen's number of the CPU */
    char ready[P2P_LINE_BYTES];                /* the READY line, from its first word */
    char complaint[P2P_LINE_BYTES];            /* the first line that tells of a panic or of the stub's own trouble */
    char last[P2P_LINE_BYTES];                 /* the last line that said anything */
    bool counted;
    struct p2p_stub_counters counters;
};

/* Zero-initialise the log; then feed it the console's bytes in pieces of any size. */
void p2p_boot_log_feed(struct p2p_boot_log *log, const char *bytes, size_t count);

/* The value of ` key=value` in the READY line. False: no such key. */
bool p2p_boot_log_ready_field(const struct p2p_boot_log *log, const char *key, char *value, size_t bytes);

/*
 * P2P_E_BENCH, naming what was asked for and what runs, unless the board confirmed `configuration` by all that it says
 * unasked: Xen's version, debug and scheduler, how many CPUs and domains it has, the guest's cpupool, the stub's GIC,
 * idle and pins.
 */
enum p2p_code p2p_boot_log_check(const struct p2p_boot_log *log, const struct p2p_configuration *configuration,
                                 const struct p2p_bench *bench, struct p2p_error *error);

/* The same once the guest has been interrupted: each neighbour says "NEIGHBOUR ..." when it gets the CPU at last. */
enum p2p_code p2p_boot_log_check_neighbours(const struct p2p_boot_log *log,
                                            const struct p2p_configuration *configuration, struct p2p_error *error);

/*
 * The same for Xen's command line. Xen prints that line before its console is up, so it is only in Xen's own log, and
 * has to be asked for: key 'w'.
 */
enum p2p_code p2p_boot_log_check_command_line(const struct p2p_boot_log *log, const struct p2p_xen *xen,
                                              struct p2p_error *error);

#endif
