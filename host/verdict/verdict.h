/* SPDX-License-Identifier: MIT */
/*
 * What a configuration's figures and account mean. Verdicts are ordered: combining two gives the worse one, so a
 * status can only get worse, and no measurement at all is a BENCH FAULT, not a PASS.
 */
#ifndef P2P_VERDICT_VERDICT_H
#define P2P_VERDICT_VERDICT_H

#include "capture/pairing.h"
#include "stats/figures.h"
#include "stats/series.h"
#include "util/name.h"

#include <stddef.h>

enum p2p_verdict {
    P2P_VERDICT_PASS = 0,
    P2P_VERDICT_INCONCLUSIVE = 1, /* not enough samples for the limits asked for */
    P2P_VERDICT_FAIL = 2,         /* measured, and too slow (or not answered in time) */
    P2P_VERDICT_BENCH_FAULT = 3,  /* the figures can't be trusted, or there are none */
};

enum { P2P_REASON_BYTES = 512 };

/* P(latency > over_ns) has to be shown to be below `probability`, with 95 % confidence. */
struct p2p_exceedance_limit {
    uint64_t over_ns;   /* UINT64_MAX: no such limit */
    double probability; /* 0..1, both excluded */
};

/* A figure may be at most so many times another's, of the same run or of a pinned baseline. */
struct p2p_relative_limit {
    enum p2p_figure figure;
    double at_most;                /* 0.4, 1.05 */
    char of[P2P_NAME_BYTES];       /* the other configuration; in a baseline, the same one by default */
    char baseline[P2P_NAME_BYTES]; /* "": of the same run */
};

enum { P2P_RELATIVE_LIMITS_MAX = 8 };

/* A limit of UINT64_MAX is no limit. A figure equal to its limit passes. */
struct p2p_limits {
    uint64_t avg_ns;
    uint64_t max_ns;
    uint64_t warm_max_ns;
    uint64_t p99_ns;
    uint64_t p99_9_ns;
    uint64_t min_samples; /* fewer warm samples than this are INCONCLUSIVE; at least 1 */
    struct p2p_exceedance_limit exceedance;
    size_t relative_count;
    struct p2p_relative_limit relative[P2P_RELATIVE_LIMITS_MAX];
};

extern const struct p2p_limits P2P_NO_LIMITS;

/*
 * Where the mean of a control has to be: a configuration that is known so well that when its figures move, the bench
 * has, and not what is under test. max_ns 0: the configuration is no control.
 */
struct p2p_band {
    uint64_t min_ns, max_ns; /* both belong to it */
};

struct p2p_judgement {
    enum p2p_verdict verdict;
    char reason[P2P_REASON_BYTES]; /* every finding that counts, worst first, joined by "; "; empty for a clean PASS */
};

/*
 * Judges one configuration's measured data. BENCH FAULT: the account does not balance, or lost, spurious, clipped or
 * disordered edges, or no answer at all. FAIL: a limit exceeded, or missed or late answers (a latency beyond the
 * deadline exceeds every limit). INCONCLUSIVE: fewer than limits->min_samples warm samples. Findings are all named.
 */
void p2p_judge(const struct p2p_stats *stats, const struct p2p_account *account, const struct p2p_limits *limits,
               struct p2p_judgement *judgement);

/* Adds BENCH FAULT, "the bench is sick: ...", if a control's mean is out of its band. No samples: no finding. */
void p2p_judge_control(const struct p2p_stats *stats, const struct p2p_band *control, struct p2p_judgement *judgement);

/*
 * Folds one more finding in: the worse verdict stands, its reasons first; a finding that is not worse goes last. A
 * reason that does not fit is cut and ends in "...".
 */
void p2p_judgement_add(struct p2p_judgement *judgement, enum p2p_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

enum p2p_verdict p2p_verdict_worse(enum p2p_verdict a, enum p2p_verdict b);

/* "PASS", "INCONCLUSIVE", "FAIL", "BENCH FAULT". */
const char *p2p_verdict_name(enum p2p_verdict verdict);
/* The reverse; -1 if there is no such verdict. */
int p2p_verdict_from_name(const char *name);

/* The process' exit code for a verdict: 0, 3, 1, 4 (see design: PASS, INCONCLUSIVE, FAIL, BENCH FAULT). */
int p2p_verdict_exit_code(enum p2p_verdict verdict);

#endif
