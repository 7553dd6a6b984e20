/* SPDX-License-Identifier: MIT */
#include "calibration/rate.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    RESOLUTIONS_MIN = 20, /* in a period: a tenth of it is then more than quantisation */
    GAP_PERIODS_MAX = 10,
    MISSING_MAX = 100, /* one edge in so many */
};

#define PERIOD_NS_MAX 1e10
#define JITTER_MAX    0.1 /* of a period */
#define PPM           1e6

/*
 * Number of the period (x) against the stamp's lead over the nominal one (y, in ticks), as running means and sums of
 * products. The lead stays small, so that doubles hold it.
 */
struct p2p_rate {
    struct p2p_rate_setup setup;
    double period_ticks; /* at the nominal rate */
    uint64_t first_ticks, latest_ticks;
    uint64_t n, periods;
    double mean_x, mean_y, xx, xy, yy;
    bool faulty; /* by an interval of fault_ticks, after n edges */
    uint64_t fault_ticks;
};

struct p2p_rate *p2p_rate_new(const struct p2p_rate_setup *setup, struct p2p_error *error)
{
    double resolution_ns = (double)setup->resolution_ticks * 1e9 / (double)setup->tick_hz;
    struct p2p_rate *rate;

    if (!(setup->period_ns >= RESOLUTIONS_MIN * resolution_ns && setup->period_ns <= PERIOD_NS_MAX)) {
        p2p_error_set(error, P2P_E_INPUT, "reference: period of %g ns, expected %g to %g", setup->period_ns,
                      RESOLUTIONS_MIN * resolution_ns, PERIOD_NS_MAX);
        return NULL;
    }
    if (!(setup->reference_u_ppm >= 0 && setup->reference_u_ppm <= P2P_RATE_PPM_MAX)) {
        p2p_error_set(error, P2P_E_INPUT, "reference: uncertainty of %g ppm, expected 0 to %d", setup->reference_u_ppm,
                      P2P_RATE_PPM_MAX);
        return NULL;
    }
    rate = calloc(1, sizeof *rate);
    if (rate == NULL) {
        p2p_error_set(error, P2P_E_HOST, "reference: out of memory");
        return NULL;
    }
    rate->setup = *setup;
    rate->period_ticks = setup->period_ns * (double)setup->tick_hz / 1e9;
    return rate;
}

void p2p_rate_free(struct p2p_rate *rate)
{
    free(rate);
}

/* How many periods `interval_ticks` is; 0: none, or too many. */
static uint64_t count_periods(const struct p2p_rate *rate, uint64_t interval_ticks)
{
    double whole = round((double)interval_ticks / rate->period_ticks);
    double off_ticks = fabs((double)interval_ticks - whole * rate->period_ticks);

    if (whole > GAP_PERIODS_MAX || off_ticks > JITTER_MAX * rate->period_ticks) {
        return 0;
    }
    return (uint64_t)whole;
}

static void take(struct p2p_rate *rate, uint64_t ticks)
{
    double x, y, before_x, before_y;

    if (rate->n == 0) {
        rate->first_ticks = ticks;
    } else {
        uint64_t interval = ticks - rate->latest_ticks; /* out of order: huge, and no gap is */
        uint64_t periods = count_periods(rate, interval);

        if (periods == 0) {
            rate->faulty = true;
            rate->fault_ticks = interval;
            return;
        }
        rate->periods += periods;
    }
    rate->latest_ticks = ticks;
    rate->n++;
    x = (double)rate->periods;
    y = (double)(ticks - rate->first_ticks) - x * rate->period_ticks;
    before_x = x - rate->mean_x;
    before_y = y - rate->mean_y;
    rate->mean_x += before_x / (double)rate->n;
    rate->mean_y += before_y / (double)rate->n;
    rate->xx += before_x * (x - rate->mean_x);
    rate->xy += before_x * (y - rate->mean_y);
    rate->yy += before_y * (y - rate->mean_y);
}

void p2p_rate_feed(struct p2p_rate *rate, const struct p2p_edge *edges, size_t count)
{
    for (size_t i = 0; i < count && !rate->faulty; i++) {
        const struct p2p_edge *edge = &edges[i];

        if (edge->channel == P2P_CHANNEL_STIMULUS && edge->level != 0 && edge->flags == 0) {
            take(rate, edge->ticks);
        }
    }
}

static enum p2p_code check(const struct p2p_rate *rate, uint64_t missing, struct p2p_error *error)
{
    if (rate->faulty) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "reference: after %" PRIu64 " edges an interval of %.9g ns, expected 1 to %d periods of "
                             "%.9g ns, to a tenth of one: is this the reference, and is it steady?",
                             rate->n, (double)rate->fault_ticks * 1e9 / (double)rate->setup.tick_hz, GAP_PERIODS_MAX,
                             rate->setup.period_ns);
    }
    if (rate->n < P2P_RATE_EDGES_MIN) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "reference: %" PRIu64 " edges, expected at least %d: is it on the stimulus input, and did "
                             "it run long enough?",
                             rate->n, P2P_RATE_EDGES_MIN);
    }
    if (missing > (rate->n + missing) / MISSING_MAX) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "reference: %" PRIu64 " of %" PRIu64 " edges missing, expected at most one in %d: look at "
                             "the signal and the wire",
                             missing, rate->n + missing, MISSING_MAX);
    }
    return P2P_OK;
}

/*
 * Least squares take the roundings of stamps for independent. Of a reference nearly locked to the clock they are not:
 * so the roundings of the first and the last stamp are added whole, as if there were no others.
 */
static double uncertainty_ppm(const struct p2p_rate *rate, double slope)
{
    double residue = fmax(0, rate->yy - slope * rate->xy) / (double)(rate->n - 2);
    double span_ticks = (double)rate->periods * rate->period_ticks;
    double fit = sqrt(residue / rate->xx) / rate->period_ticks;
    double ends = (double)rate->setup.resolution_ticks / sqrt(6) / span_ticks;

    return hypot(hypot(fit, ends) * PPM, rate->setup.reference_u_ppm);
}

enum p2p_code p2p_rate_finish(const struct p2p_rate *rate, struct p2p_rate_result *result, struct p2p_error *error)
{
    uint64_t missing = rate->n == 0 ? 0 : rate->periods + 1 - rate->n;
    enum p2p_code code = check(rate, missing, error);
    double slope;

    if (code != P2P_OK) {
        return code;
    }
    slope = rate->xy / rate->xx;
    *result = (struct p2p_rate_result){
        .ppm = slope / rate->period_ticks * PPM,
        .u_ppm = uncertainty_ppm(rate, slope),
        .period_ns = rate->setup.period_ns,
        .reference_u_ppm = rate->setup.reference_u_ppm,
        .n = rate->n,
        .missing = missing,
        .seconds = (double)rate->periods * rate->setup.period_ns / 1e9,
    };
    if (fabs(result->ppm) > P2P_RATE_PPM_MAX) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "reference: the clock is off by %.3g ppm, expected at most %d: is the period %.9g ns?",
                             result->ppm, P2P_RATE_PPM_MAX, result->period_ns);
    }
    if (result->u_ppm > P2P_RATE_PPM_MAX) {
        return p2p_error_set(error, P2P_E_BENCH, "reference: uncertain by %.3g ppm, expected at most %d: run it longer",
                             result->u_ppm, P2P_RATE_PPM_MAX);
    }
    return P2P_OK;
}
