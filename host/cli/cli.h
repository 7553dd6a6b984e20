/* SPDX-License-Identifier: MIT */
/* The command line. Only here may the process exit, and only here are there globals. */
#ifndef P2P_CLI_CLI_H
#define P2P_CLI_CLI_H

#include "util/error.h"
#include "verdict/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum p2p_exit {
    P2P_EXIT_PASS = 0,
    P2P_EXIT_FAIL = 1,
    P2P_EXIT_USAGE = 2,
    P2P_EXIT_INCONCLUSIVE = 3,
    P2P_EXIT_BENCH_FAULT = 4,
    P2P_EXIT_BISECT_SKIP = 125, /* git bisect run: this commit can't be tested */
    P2P_EXIT_INTERRUPTED = 130,
};

enum { P2P_ONLY_MAX = 256 }; /* as many as a plan can have configurations */

/* What every verb takes, and the options of single verbs; zero or NULL where not given. */
struct p2p_options {
    bool verbose, quiet, json, bisect;
    const char *folder; /* -o DIR */
    const char *file;   /* -o FILE */
    const char *bench;  /* --bench */
    const char *only[P2P_ONLY_MAX]; /* --only, each time it is given */
    size_t only_count;
    const char *format; /* --format */
    bool has_samples, has_boots, has_seed;
    uint64_t samples, boots, seed;
    const char *play;   /* --play */
    const char *wiring; /* --wiring */
    bool has_seconds, has_edges, has_reference_ns, has_reference_ppm;
    uint64_t seconds, edges;
    double reference_ns, reference_ppm;
    const char *baselines; /* --baselines */
    bool trend, has_noise_floor, has_alpha;
    double noise_floor_percent, alpha;
    const char *argument;  /* the first operand; NULL: the verb takes none */
    char *const *operands; /* all of them */
    size_t operand_count;
};

struct p2p_result;

struct p2p_verb {
    const char *name;    /* one word, or two: "probe info" */
    const char *operand; /* "PLAN", "NAME RUN", "" */
    struct {
        size_t least, most;
    } operand_counts;
    const char *summary;
    const char *options; /* letters of the option table that it takes besides the common ones */
    int (*run)(const struct p2p_options *options);
};

int p2p_verb_run(const struct p2p_options *options);
int p2p_verb_check(const struct p2p_options *options);
int p2p_verb_gate(const struct p2p_options *options);
int p2p_verb_report(const struct p2p_options *options);
int p2p_verb_compare(const struct p2p_options *options);
int p2p_verb_baseline_pin(const struct p2p_options *options);
int p2p_verb_baseline_list(const struct p2p_options *options);
int p2p_verb_baseline_drop(const struct p2p_options *options);
int p2p_verb_off(const struct p2p_options *options);
int p2p_verb_doctor(const struct p2p_options *options);
int p2p_verb_probe_info(const struct p2p_options *options);
int p2p_verb_probe_selftest(const struct p2p_options *options);
int p2p_verb_probe_calibrate(const struct p2p_options *options);
int p2p_verb_probe_capture(const struct p2p_options *options);

/* "pin2pin: MESSAGE" to stderr; returns the exit code that belongs to the error. */
int p2p_complain(const struct p2p_error *error, const struct p2p_options *options);

/* The exit code of a verdict, as --exit-code asks for it. */
int p2p_exit_for(enum p2p_verdict verdict, const struct p2p_options *options);

/* A result.json, or the run folder that it is in; free() the path, and NULL is out of memory. */
char *p2p_result_file(const char *path);
struct p2p_result *p2p_load_result(const char *path, struct p2p_error *error); /* as p2p_result_load */

/* result.json's text to stdout. False: no memory for it, and it has said so. */
bool p2p_print_json(const struct p2p_result *result);

/*
 * SIGINT, SIGTERM and SIGHUP become a readable descriptor: every wait looks at it, and no handler runs in mid-write.
 * -1: see `error`.
 */
int p2p_open_stop_fd(struct p2p_error *error);

/* Takes the signal that made `stop_fd` readable, so that only the next one does again. False: there was none. */
bool p2p_take_stop(int stop_fd);

/* Flushes stdout: results that could not be written are an error, not a success. */
int p2p_finish_output(int exit_code);

#endif
