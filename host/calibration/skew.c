/* SPDX-License-Identifier: MIT */
#include "calibration/skew.h"

#include "stats/series.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    CHANNELS = 2,
    LEFT_OUT_MAX = 100,     /* one edge in so many */
    RULE_OF_THREE = 3,      /* what never came up in n looks happens less often than 3/n, at 95 % */
    PAIRS_FOR_INTERVAL = 2, /* in a row */
};

/* All edges of one level. Differences are kept as running mean and sum of squares (Welford). */
struct tally {
    uint64_t latest_ticks[CHANNELS];
    bool seen[CHANNELS];
    bool waiting; /* the edge below has no partner yet */
    uint8_t waiting_channel;
    uint64_t waiting_ticks;
    uint64_t n;
    double mean_ticks, squares;
    uint64_t row; /* pairs since the last edge that was left out */
    uint64_t pair_ticks, interval_ticks;
    uint64_t changes; /* of the interval between pairs, in whole ticks */
};

enum fault { SOUND, DISORDERED, TOO_CLOSE };

struct p2p_skew {
    struct p2p_skew_setup setup;
    uint64_t window_ticks;
    struct tally tallies[P2P_POLARITIES];
    struct p2p_skew_account account;
    uint64_t latest_ticks;
    enum fault fault; /* the first */
    uint64_t fault_ticks;
};

struct p2p_skew *p2p_skew_new(const struct p2p_skew_setup *setup)
{
    struct p2p_skew *skew = calloc(1, sizeof *skew);

    if (skew != NULL) {
        skew->setup = *setup;
        skew->window_ticks = p2p_ns_to_ticks(setup->window_ns, setup->tick_hz);
    }
    return skew;
}

void p2p_skew_free(struct p2p_skew *skew)
{
    free(skew);
}

static void note_fault(struct p2p_skew *skew, enum fault fault, uint64_t ticks)
{
    if (skew->fault == SOUND) {
        skew->fault = fault;
        skew->fault_ticks = ticks;
    }
}

static void leave_waiting_alone(struct p2p_skew *skew, struct tally *tally)
{
    if (tally->waiting) {
        tally->waiting = false;
        tally->row = 0;
        skew->account.alone++;
    }
}

static void take_pair(struct tally *tally, uint64_t stimulus_ticks, uint64_t answer_ticks)
{
    double difference = (double)(int64_t)(answer_ticks - stimulus_ticks); /* within the window */
    double before = difference - tally->mean_ticks;
    uint64_t interval = stimulus_ticks - tally->pair_ticks;

    tally->n++;
    tally->mean_ticks += before / (double)tally->n;
    tally->squares += before * (difference - tally->mean_ticks);

    if (tally->row >= PAIRS_FOR_INTERVAL && interval != tally->interval_ticks) {
        tally->changes++;
    }
    tally->row++;
    tally->interval_ticks = interval;
    tally->pair_ticks = stimulus_ticks;
}

/*
 * Edges of one level and channel are more than two windows apart, so that within the window there is one partner at
 * most: the first that comes is the nearest.
 */
static void check_spacing(struct p2p_skew *skew, struct tally *tally, const struct p2p_edge *edge)
{
    uint64_t spacing = edge->ticks - tally->latest_ticks[edge->channel];

    if (tally->seen[edge->channel] && spacing <= 2 * skew->window_ticks) {
        note_fault(skew, TOO_CLOSE, spacing);
    }
    tally->seen[edge->channel] = true;
    tally->latest_ticks[edge->channel] = edge->ticks;
}

static void find_partner(struct p2p_skew *skew, struct tally *tally, const struct p2p_edge *edge)
{
    if (tally->waiting && tally->waiting_channel != edge->channel &&
        edge->ticks - tally->waiting_ticks <= skew->window_ticks) {
        tally->waiting = false;
        skew->account.pairs++;
        if (edge->channel == P2P_CHANNEL_ANSWER) {
            take_pair(tally, tally->waiting_ticks, edge->ticks);
        } else {
            take_pair(tally, edge->ticks, tally->waiting_ticks);
        }
    } else {
        leave_waiting_alone(skew, tally);
        tally->waiting = true;
        tally->waiting_channel = edge->channel;
        tally->waiting_ticks = edge->ticks;
    }
}

static void take_edge(struct p2p_skew *skew, const struct p2p_edge *edge)
{
    struct tally *tally = &skew->tallies[edge->level == 0 ? P2P_FALLING : P2P_RISING];

    skew->account.edges++;
    if (edge->ticks < skew->latest_ticks) {
        note_fault(skew, DISORDERED, skew->latest_ticks - edge->ticks);
    }
    skew->latest_ticks = edge->ticks;
    if ((edge->flags & (P2P_EDGE_GLITCH | P2P_EDGE_CLIPPED)) != 0) {
        skew->account.flagged++;
        tally->row = 0;
    } else {
        check_spacing(skew, tally, edge);
        find_partner(skew, tally, edge);
    }
}

void p2p_skew_feed(struct p2p_skew *skew, const struct p2p_edge *edges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (edges[i].channel < CHANNELS) {
            take_edge(skew, &edges[i]);
        }
    }
}

/*
 * The scatter of the differences tells all if the phases are uniform. They were looked at as often as the signal's
 * phase went round through a tick, which shows as the interval changing to another number of ticks and back; of a
 * signal that is locked to the clock it never does. What so many looks cannot exclude is a rectangle around the mean.
 */
static double uncertainty_ticks(const struct tally *tally, uint64_t resolution_ticks)
{
    double n = (double)tally->n;
    double looks = (double)tally->changes / 2;
    double half_width = (double)resolution_ticks * (looks > RULE_OF_THREE ? RULE_OF_THREE / looks : 1);

    return sqrt(tally->squares / (n - 1) / n + half_width * half_width / 3);
}

static enum p2p_code check(const struct p2p_skew *skew, struct p2p_error *error)
{
    static const char *const names[] = {[P2P_FALLING] = "falling", [P2P_RISING] = "rising"};
    const struct p2p_skew_account *account = &skew->account;
    uint64_t left_out = account->alone + account->flagged;

    switch (skew->fault) {
    case SOUND:
        break;
    case DISORDERED:
        return p2p_error_set(error, P2P_E_BENCH, "skew: an edge is %" PRIu64 " ticks before its predecessor",
                             skew->fault_ticks);
    case TOO_CLOSE:
        return p2p_error_set(error, P2P_E_BENCH,
                             "skew: two edges of one level are %" PRIu64 " ns apart, expected more than %" PRIu64
                             ": use a slower signal, or find out why it bounces",
                             p2p_ticks_to_ns(skew->fault_ticks, skew->setup.tick_hz), 2 * skew->setup.window_ns);
    }
    for (size_t i = 0; i < P2P_POLARITIES; i++) {
        if (skew->tallies[i].n < P2P_SKEW_PAIRS_MIN) {
            return p2p_error_set(error, P2P_E_BENCH,
                                 "skew: %" PRIu64 " pairs of %s edges, expected at least %d (alone: %" PRIu64
                                 ", flagged: %" PRIu64 "): does the same signal drive both inputs, and long enough?",
                                 skew->tallies[i].n, names[i], P2P_SKEW_PAIRS_MIN, account->alone, account->flagged);
        }
    }
    if (left_out > account->edges / LEFT_OUT_MAX) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "skew: of %" PRIu64 " edges %" PRIu64 " are alone and %" PRIu64
                             " flagged, expected at most one in %d: look at the signal and the wires",
                             account->edges, account->alone, account->flagged, LEFT_OUT_MAX);
    }
    return P2P_OK;
}

enum p2p_code p2p_skew_finish(struct p2p_skew *skew, struct p2p_skew_mean means[P2P_POLARITIES],
                              struct p2p_error *error)
{
    double tick_ns = 1e9 / (double)skew->setup.tick_hz;
    enum p2p_code code;

    for (size_t i = 0; i < P2P_POLARITIES; i++) {
        leave_waiting_alone(skew, &skew->tallies[i]);
    }
    code = check(skew, error);
    if (code != P2P_OK) {
        return code;
    }
    for (size_t i = 0; i < P2P_POLARITIES; i++) {
        const struct tally *tally = &skew->tallies[i];

        means[i] = (struct p2p_skew_mean){
            .n = tally->n,
            .mean_ns = tally->mean_ticks * tick_ns,
            .u_ns = uncertainty_ticks(tally, skew->setup.resolution_ticks) * tick_ns,
        };
    }
    return P2P_OK;
}

const struct p2p_skew_account *p2p_skew_account(const struct p2p_skew *skew)
{
    return &skew->account;
}

/* straight = inputs + cables, swapped = inputs - cables; the runs are independent. */
struct p2p_skew_parts p2p_skew_split(const struct p2p_skew_mean *straight, const struct p2p_skew_mean *swapped)
{
    return (struct p2p_skew_parts){
        .probe_ns = (straight->mean_ns + swapped->mean_ns) / 2,
        .cable_ns = (straight->mean_ns - swapped->mean_ns) / 2,
        .u_ns = hypot(straight->u_ns, swapped->u_ns) / 2,
    };
}
