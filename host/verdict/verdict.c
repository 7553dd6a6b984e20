/* SPDX-License-Identifier: MIT */
#include "verdict/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct p2p_limits P2P_NO_LIMITS = {
    .avg_ns = UINT64_MAX,
    .max_ns = UINT64_MAX,
    .warm_max_ns = UINT64_MAX,
    .p99_ns = UINT64_MAX,
    .p99_9_ns = UINT64_MAX,
    .min_samples = 1,
    .exceedance = {.over_ns = UINT64_MAX},
};

static const struct {
    const char *name;
    int exit_code;
} VERDICTS[] = {
    [P2P_VERDICT_PASS] = {"PASS", 0},
    [P2P_VERDICT_INCONCLUSIVE] = {"INCONCLUSIVE", 3},
    [P2P_VERDICT_FAIL] = {"FAIL", 1},
    [P2P_VERDICT_BENCH_FAULT] = {"BENCH FAULT", 4},
};

enum { VERDICT_COUNT = sizeof VERDICTS / sizeof VERDICTS[0] };

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void judge_balance(const struct p2p_account *account, struct p2p_judgement *judgement)
{
    if (account->stimuli != account->answered + account->missed + account->late) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                          "account does not balance: stimuli %" PRIu64 " != answered %" PRIu64 " + missed %" PRIu64
                          " + late %" PRIu64,
                          account->stimuli, account->answered, account->missed, account->late);
    }
    if (account->answers != account->answered + account->late + account->spurious) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                          "account does not balance: answers %" PRIu64 " != answered %" PRIu64 " + late %" PRIu64
                          " + spurious %" PRIu64,
                          account->answers, account->answered, account->late, account->spurious);
    }
    if (account->edges != account->stimuli + account->releases + account->answers + account->outside) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                          "account does not balance: edges %" PRIu64 " != stimuli %" PRIu64 " + releases %" PRIu64
                          " + answers %" PRIu64 " + outside %" PRIu64,
                          account->edges, account->stimuli, account->releases, account->answers, account->outside);
    }
}

static bool nothing_answered(const struct p2p_account *account)
{
    return account->answered == 0 && account->late == 0;
}

static void judge_bench(const struct p2p_account *account, struct p2p_judgement *judgement)
{
    const enum p2p_verdict fault = P2P_VERDICT_BENCH_FAULT;

    judge_balance(account, judgement);
    if (account->stimuli == 0) {
        p2p_judgement_add(judgement, fault, "no stimulus was played");
    } else if (nothing_answered(account)) {
        p2p_judgement_add(judgement, fault, "no answer to any of %" PRIu64 " stimuli", account->stimuli);
    }
    if (account->lost > 0) {
        p2p_judgement_add(judgement, fault, "%" PRIu64 " lost edge%s", account->lost, plural(account->lost));
    }
    if (account->spurious > 0) {
        p2p_judgement_add(judgement, fault, "%" PRIu64 " spurious answer%s", account->spurious,
                          plural(account->spurious));
    }
    if (account->clipped > 0) {
        p2p_judgement_add(judgement, fault, "%" PRIu64 " sample%s with a clipped or glitch edge", account->clipped,
                          plural(account->clipped));
    }
    if (account->disordered > 0) {
        p2p_judgement_add(judgement, fault, "%" PRIu64 " edge%s stamped before the edge ahead", account->disordered,
                          plural(account->disordered));
    }
}

static void judge_limit(const char *figure, uint64_t value_ns, uint64_t limit_ns, struct p2p_judgement *judgement)
{
    if (value_ns > limit_ns) {
        p2p_judgement_add(judgement, P2P_VERDICT_FAIL, "%s %" PRIu64 " ns > limit %" PRIu64 " ns", figure, value_ns,
                          limit_ns);
    }
}

static void judge_limits(const struct p2p_stats *stats, const struct p2p_limits *limits,
                         struct p2p_judgement *judgement)
{
    if (stats->n_warm > 0) {
        judge_limit("warm_max", stats->warm_max_ns, limits->warm_max_ns, judgement);
    }
    if (stats->n == 0) {
        return;
    }
    judge_limit("max", stats->max_ns, limits->max_ns, judgement);
    judge_limit("p99", stats->p99_ns, limits->p99_ns, judgement);
    judge_limit("p99.9", stats->p99_9_ns, limits->p99_9_ns, judgement);
    if (stats->avg_ns > (double)limits->avg_ns) {
        p2p_judgement_add(judgement, P2P_VERDICT_FAIL, "avg %.3f ns > limit %" PRIu64 " ns", stats->avg_ns,
                          limits->avg_ns);
    }
}

static void judge_answers(const struct p2p_account *account, struct p2p_judgement *judgement)
{
    /* With no answer at all the bench is to blame, and that is said already. */
    if (account->missed > 0 && !nothing_answered(account)) {
        p2p_judgement_add(judgement, P2P_VERDICT_FAIL,
                          "%" PRIu64 " of %" PRIu64 " stimuli not answered before the next one", account->missed,
                          account->stimuli);
    }
    if (account->late > 0) {
        p2p_judgement_add(judgement, P2P_VERDICT_FAIL, "%" PRIu64 " answer%s later than the deadline", account->late,
                          plural(account->late));
    }
}

void p2p_judge(const struct p2p_stats *stats, const struct p2p_account *account, const struct p2p_limits *limits,
               struct p2p_judgement *judgement)
{
    *judgement = (struct p2p_judgement){.verdict = P2P_VERDICT_PASS};
    judge_bench(account, judgement);
    if (stats->below_zero) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                          "latencies are below the correction for the probe's skew: its calibration is wrong");
    }
    judge_limits(stats, limits, judgement);
    judge_answers(account, judgement);
    if (stats->n_warm < limits->min_samples || stats->n_warm == 0) {
        p2p_judgement_add(judgement, P2P_VERDICT_INCONCLUSIVE, "%" PRIu64 " warm sample%s, %" PRIu64 " needed",
                          stats->n_warm, plural(stats->n_warm), limits->min_samples > 0 ? limits->min_samples : 1);
    }
}

void p2p_judge_control(const struct p2p_stats *stats, const struct p2p_band *control, struct p2p_judgement *judgement)
{
    if (control->max_ns > 0 && stats->n > 0 &&
        (stats->avg_ns < (double)control->min_ns || stats->avg_ns > (double)control->max_ns)) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                          "the bench is sick: avg %.3f ns, expected %" PRIu64 " to %" PRIu64 " ns of this control",
                          stats->avg_ns, control->min_ns, control->max_ns);
    }
}

/* A text that did not fit says so. */
static void mark_cut(char *text, int wanted_length)
{
    if (wanted_length >= P2P_REASON_BYTES) {
        memcpy(text + P2P_REASON_BYTES - sizeof "...", "...", sizeof "...");
    }
}

void p2p_judgement_add(struct p2p_judgement *judgement, enum p2p_verdict verdict, const char *format, ...)
{
    const bool worse = verdict > judgement->verdict;
    char finding[P2P_REASON_BYTES];
    char joined[P2P_REASON_BYTES];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(finding, sizeof finding, format, arguments);
    va_end(arguments);
    mark_cut(finding, length);
    length = snprintf(joined, sizeof joined, "%s%s%s", worse ? finding : judgement->reason,
                      judgement->reason[0] != '\0' ? "; " : "", worse ? judgement->reason : finding);
    mark_cut(joined, length);
    memcpy(judgement->reason, joined, strlen(joined) + 1);
    judgement->verdict = p2p_verdict_worse(judgement->verdict, verdict);
}

enum p2p_verdict p2p_verdict_worse(enum p2p_verdict a, enum p2p_verdict b)
{
    return a > b ? a : b;
}

const char *p2p_verdict_name(enum p2p_verdict verdict)
{
    return VERDICTS[verdict].name;
}

int p2p_verdict_from_name(const char *name)
{
    for (int verdict = 0; verdict < VERDICT_COUNT; verdict++) {
        if (strcmp(VERDICTS[verdict].name, name) == 0) {
            return verdict;
        }
    }
    return -1;
}

int p2p_verdict_exit_code(enum p2p_verdict verdict)
{
    return VERDICTS[verdict].exit_code;
}
