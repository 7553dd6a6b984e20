/* SPDX-License-Identifier: MIT */
/*
 * A bench in memory: all ports, a virtual clock, and a board and a probe that do what a script says. The clock of the
 * wall is replaced too (at link time: WRAP p2p_deadline_in_ms p2p_deadline_left_ms), so that no test waits.
 */
#ifndef P2P_TESTS_SESSION_FAKE_BENCH_H
#define P2P_TESTS_SESSION_FAKE_BENCH_H

#include "config/bench.h"
#include "config/plan.h"
#include "ports/ports.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_NEVER UINT64_MAX

/* Whose call fails. */
enum fake_port {
    FAKE_POWER,
    FAKE_CLOCK,
    FAKE_CONSOLE_READ,
    FAKE_CONSOLE_WRITE,
    FAKE_STIMULUS,
    FAKE_PROBE,
    FAKE_REQUEST,
    FAKE_TRUTH,
    FAKE_PORTS
};

/* What the probe makes of a request. */
enum fake_answer {
    FAKE_OBEYS,
    FAKE_REFUSES,
    FAKE_NEVER_SETTLES,
    FAKE_IS_HASTY, /* says at once that it is done; for SYNC and STOP: edges are still under way */
};

enum { FAKE_REQUESTS = P2P_PROBE_STOP + 1, FAKE_DIARY_BYTES = 4096 };

struct fake_script {
    const char *banner; /* printed at power on */
    const char *ready;  /* line with its end; NULL: never printed */
    uint64_t ready_ns;
    const char *trouble; /* printed at trouble_ns; NULL: none */
    uint64_t trouble_ns;
    const char *log;    /* what key 'w' prints; NULL: nothing */
    const char *prefix; /* before the guest's lines */
    bool mute_counters;
    uint64_t irq_extra; /* added to what the guest counts */
    uint64_t serror;
    uint64_t answer_ns; /* latency */
    /* Numbers of stimuli, from 0; FAKE_NEVER: none. */
    uint64_t missed, late, twice, babble;
    uint64_t unplayed; /* the line never moves */
    uint64_t unseen;   /* answered, but the probe misses both edges of the stimulus */
    /* The probe. */
    enum fake_answer answers[FAKE_REQUESTS];
    uint64_t settle_ns;     /* that each request takes; SYNC and STOP wait for the edges besides */
    uint64_t edge_delay_ns; /* from an edge until it can be read */
    uint64_t tick_ns;       /* of the probe's clock; stamps are rounded down */
    const char *serial;     /* another probe's than usual; NULL: the usual one */
    bool truth;             /* somebody knows it; must be the same for all scripts of a bench */
    bool stray;             /* an edge can be read as soon as the board has power, before any request */
    size_t console_piece;   /* bytes a read, at most; 0: as many as there are */
    size_t console_trickle; /* bytes between two advances, at most; 0: as many as there are */
    uint64_t early_seed;    /* not 0: advance returns early, at random */
    uint64_t wall_ms;       /* that pass each time somebody looks at the clock on the wall */
    bool stays_on;          /* a lab: `off` does not reach the board, and `check` tells */
    enum fake_port fail_port;
    uint64_t fail_step; /* the call of fail_port that fails, from 1; 0: none */
    enum p2p_code fail_code;
};

/* A board in good health, with the texts that fit `xen`: native for NULL, "4.17" or "4.20". */
struct fake_script fake_healthy(const char *xen);

struct fake_bench;

/* NULL never: a test without memory ends. `script` is copied. Free with fake_bench_free. */
struct fake_bench *fake_bench_new(const struct fake_script *script);
void fake_bench_free(struct fake_bench *bench);

/* For the next boot: a board of another script. */
void fake_bench_rescript(struct fake_bench *bench, const struct fake_script *script);
/* Called by power.on with the configuration's name, e.g. to rescript; NULL: nobody. */
void fake_bench_on_power(struct fake_bench *bench, void (*hook)(void *user, const char *configuration), void *user);

struct p2p_ports fake_bench_ports(struct fake_bench *bench);

/*
 * The same as a lab has them: nobody knows the truth, `off` can fail, the console is stamped (each read has a stamp of
 * its own: bench time, and 1 ns for each byte so far), and stimuli are late (3 ns at most, 1.5 ns in the mean).
 */
struct p2p_ports fake_bench_lab_ports(struct fake_bench *bench);
/* Of the bytes that the session read last. */
uint64_t fake_bench_stamp_ns(const struct fake_bench *bench);

/*
 * True if the board is off, was switched off by the last call of all, and no port was used while it was off, nor the
 * probe asked for what its state does not allow.
 */
bool fake_bench_ended_well(const struct fake_bench *bench);
/* True if the failure of the script's fail_step came to pass. */
bool fake_bench_failed(const struct fake_bench *bench);
uint64_t fake_bench_boots(const struct fake_bench *bench);

uint64_t fake_bench_seed(const struct fake_bench *bench); /* that the last boot was powered with */

/*
 * What happened in the last boot, in words with a space after each: "on", "ready", "identify", "arm", "sync", "stop"
 * (requests), "settled" (the session was told so), "stimulus", "query" (first rising edge), "off". The test may add its
 * own.
 */
const char *fake_bench_diary(const struct fake_bench *bench);
void fake_bench_note(struct fake_bench *bench, const char *word);

/*
 * Of the last boot: what the session was to take in (of the edges those that had come from the probe), and what it had
 * played. Valid until the next call of a port.
 */
const struct p2p_edge *fake_bench_edges(const struct fake_bench *bench, size_t *count);
const struct p2p_edge *fake_bench_truth(const struct fake_bench *bench, size_t *count);
const char *fake_bench_console(const struct fake_bench *bench, size_t *count);
const struct p2p_drive *fake_bench_drives(const struct fake_bench *bench, size_t *count);

/* The plan and bench that the scripts fit: GICv2, pins 0, 1, 2. `xen` as for fake_healthy. */
void fake_plan(struct p2p_plan *plan, struct p2p_configuration *configuration, struct p2p_xen *xen_storage,
               const char *xen);
void fake_wiring(struct p2p_bench *bench);
/* A lab, where a boot may take so many tries. */
void fake_lab_wiring(struct p2p_bench *bench, uint32_t tries);

#endif
