/* SPDX-License-Identifier: MIT */
#include "cli/verb_probe.h"

#include "calibration/calibration_file.h"
#include "util/prng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EDGES_DEFAULT = 10000, EDGES_MIN = P2P_POLARITIES * P2P_SKEW_PAIRS_MIN, DRIVE_AT_ONCE = 1024 };

#define NS_PER_S UINT64_C(1000000000)
#define STEP_NS  UINT64_C(50000000)
#define LEAD_NS  UINT64_C(1000000) /* from arming to the first edge, and from the last one to the end */

/* A virtual signal. For the skew edges 40 to 60 us apart, half of what the link can carry; for the clock a square. */
#define APART_NS     UINT64_C(40000)
#define JITTER_NS    UINT64_C(20000)
#define REFERENCE_NS UINT64_C(1000000)
#define REFERENCE_S  1.0

/*
 * Edges come at whole virtual nanoseconds, and a clock of 8 ns to the tick would see 8 phases of them for ever. A clock
 * that runs off a little, as any real one does, sees them all.
 */
#define DRIFT_PPM 100.0

/* One run of the probe, armed to stopped. */
struct measurement {
    struct p2p_skew *skew; /* NULL: not asked for */
    struct p2p_rate *rate; /* NULL: likewise */
    uint64_t edges;        /* of both channels */
};

struct calibrate {
    struct p2p_probe_verb verb;
    uint64_t edges; /* of the signal, in a run */
    struct p2p_calibration calibration;
};

/* What a virtual probe's line 0 does. */
struct signal {
    struct p2p_prng prng;
    uint64_t apart_ns, jitter_ns;
    uint64_t next_ns, left;
    uint8_t level; /* of the next edge */
};

static void take_edge(void *user, const struct p2p_edge *edge)
{
    struct measurement *measurement = user;

    measurement->edges++;
    if (measurement->skew != NULL) {
        p2p_skew_feed(measurement->skew, edge, 1);
    }
    if (measurement->rate != NULL) {
        p2p_rate_feed(measurement->rate, edge, 1);
    }
}

static struct p2p_probe_stand *open_stand(const struct calibrate *calibrate, struct measurement *measurement,
                                          enum p2p_stand_wiring wiring, double drift_ppm, struct p2p_error *error)
{
    const struct p2p_probe_stand_setup setup = {
        .bench = calibrate->verb.bench,
        .stop_fd = calibrate->verb.stop_fd,
        .on_edge = take_edge,
        .user = measurement,
        .wiring = wiring,
        .seed = P2P_PROBE_SEED + (uint64_t)wiring,
        .drift_ppm = drift_ppm,
    };

    return p2p_probe_stand_open(&setup, error);
}

/* The file is of one probe; another one's is not written over. */
static enum p2p_code identify(struct calibrate *calibrate, const struct p2p_probe_stand *stand, struct p2p_error *error)
{
    const struct p2p_probe_info *info = p2p_probe_stand_info(stand);
    struct p2p_calibration *calibration = &calibrate->calibration;

    if (calibration->tick_hz != 0) {
        return p2p_calibration_check_probe(calibration, calibrate->verb.options->file, info->serial, info->tick_hz,
                                           error);
    }
    snprintf(calibration->serial, sizeof calibration->serial, "%s", info->serial);
    snprintf(calibration->firmware, sizeof calibration->firmware, "%s", info->firmware);
    calibration->tick_hz = info->tick_hz;
    return P2P_OK;
}

static struct p2p_skew *new_skew(const struct p2p_probe_stand *stand, struct p2p_error *error)
{
    const struct probe_hello *hello = p2p_probe_link_hello(p2p_probe_stand_link(stand));
    const struct p2p_skew_setup setup = {
        .tick_hz = hello->clk_hz, .resolution_ticks = hello->resolution_ticks, .window_ns = P2P_SKEW_WINDOW_NS};
    struct p2p_skew *skew = p2p_skew_new(&setup);

    if (skew == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    return skew;
}

static struct p2p_rate *new_rate(const struct p2p_probe_stand *stand, double period_ns, double u_ppm,
                                 struct p2p_error *error)
{
    const struct probe_hello *hello = p2p_probe_link_hello(p2p_probe_stand_link(stand));
    const struct p2p_rate_setup setup = {.tick_hz = hello->clk_hz,
                                         .resolution_ticks = hello->resolution_ticks,
                                         .period_ns = period_ns,
                                         .reference_u_ppm = u_ppm};

    return p2p_rate_new(&setup, error);
}

static enum p2p_code drive_until(struct p2p_probe_stand *stand, struct signal *signal, uint64_t until_ns,
                                 struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    while (code == P2P_OK && signal->left > 0 && signal->next_ns < until_ns) {
        struct wires_record edges[DRIVE_AT_ONCE];
        size_t count = 0;

        while (count < DRIVE_AT_ONCE && signal->left > 0 && signal->next_ns < until_ns) {
            edges[count++] = (struct wires_record){.at_ns = signal->next_ns, .level = signal->level};
            signal->next_ns += signal->apart_ns + p2p_prng_upto(&signal->prng, signal->jitter_ns);
            signal->level ^= 1;
            signal->left--;
        }
        code = p2p_probe_stand_drive(stand, edges, count, error);
    }
    return code;
}

/* Arms, plays all of the signal, stops. */
static enum p2p_code play(struct p2p_probe_stand *stand, struct signal *signal, struct p2p_error *error)
{
    enum p2p_code code = p2p_probe_stand_request(stand, P2P_PROBE_ARM, error);
    uint64_t now_ns = p2p_probe_stand_now_ns(stand);

    p2p_prng_seed(&signal->prng, P2P_PROBE_SEED);
    signal->level = 1;
    signal->next_ns = now_ns + LEAD_NS;
    while (code == P2P_OK && (signal->left > 0 || now_ns < signal->next_ns + LEAD_NS)) {
        code = drive_until(stand, signal, now_ns + STEP_NS, error);
        if (code == P2P_OK) {
            code = p2p_probe_stand_advance(stand, now_ns + STEP_NS, error);
        }
        now_ns = p2p_probe_stand_now_ns(stand);
    }
    return code == P2P_OK ? p2p_probe_stand_request(stand, P2P_PROBE_STOP, error) : code;
}

static void keep_skew(struct calibrate *calibrate, enum p2p_wiring wiring,
                      const struct p2p_skew_mean means[P2P_POLARITIES])
{
    for (unsigned polarity = 0; polarity < P2P_POLARITIES; polarity++) {
        calibrate->calibration.skew[polarity][wiring] = means[polarity];
    }
}

static enum p2p_code measure_virtual_skew(struct calibrate *calibrate, enum p2p_wiring wiring, struct p2p_error *error)
{
    struct signal signal = {.apart_ns = APART_NS, .jitter_ns = JITTER_NS, .left = calibrate->edges};
    struct measurement measurement = {0};
    struct p2p_skew_mean means[P2P_POLARITIES];
    struct p2p_probe_stand *stand = open_stand(
        calibrate, &measurement, wiring == P2P_WIRING_STRAIGHT ? P2P_STAND_SAME : P2P_STAND_SWAPPED, DRIFT_PPM, error);
    enum p2p_code code = stand != NULL ? identify(calibrate, stand, error) : p2p_failure(error);

    if (code == P2P_OK) {
        measurement.skew = new_skew(stand, error);
        code = measurement.skew != NULL ? play(stand, &signal, error) : p2p_failure(error);
    }
    if (code == P2P_OK) {
        code = p2p_skew_finish(measurement.skew, means, error);
    }
    if (code == P2P_OK) {
        keep_skew(calibrate, wiring, means);
    }
    p2p_skew_free(measurement.skew);
    p2p_probe_stand_close(stand);
    return code;
}

/* Virtual time is what the clock is off from, so it is a reference without error. */
static enum p2p_code measure_virtual_clock(struct calibrate *calibrate, struct p2p_error *error)
{
    struct signal signal = {.apart_ns = REFERENCE_NS / 2, .left = (uint64_t)(REFERENCE_S * 2e9 / REFERENCE_NS)};
    struct measurement measurement = {0};
    struct p2p_probe_stand *stand = open_stand(calibrate, &measurement, P2P_STAND_LINES, 0, error);
    enum p2p_code code = stand != NULL ? P2P_OK : p2p_failure(error);

    if (code == P2P_OK) {
        measurement.rate = new_rate(stand, REFERENCE_NS, 0, error);
        code = measurement.rate != NULL ? play(stand, &signal, error) : p2p_failure(error);
    }
    if (code == P2P_OK) {
        code = p2p_rate_finish(measurement.rate, &calibrate->calibration.clock, error);
    }
    p2p_rate_free(measurement.rate);
    p2p_probe_stand_close(stand);
    return code;
}

static enum p2p_code measure_virtual(struct calibrate *calibrate, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    for (unsigned wiring = 0; wiring < P2P_WIRINGS && code == P2P_OK; wiring++) {
        code = measure_virtual_skew(calibrate, wiring, error);
    }
    return code == P2P_OK ? measure_virtual_clock(calibrate, error) : code;
}

/* Until the user's signal has come as often as was asked for; each edge of it comes on both channels. */
static enum p2p_code listen(const struct calibrate *calibrate, struct p2p_probe_stand *stand,
                            const struct measurement *measurement, struct p2p_error *error)
{
    const uint32_t stall_s = calibrate->verb.bench->timeouts.stall_s;
    enum p2p_code code = p2p_probe_stand_request(stand, P2P_PROBE_ARM, error);
    uint64_t heard_ns = p2p_probe_stand_now_ns(stand);
    uint64_t edges = 0;

    while (code == P2P_OK && measurement->edges < PROBE_CHANNELS * calibrate->edges) {
        const uint64_t now_ns = p2p_probe_stand_now_ns(stand);

        if (measurement->edges > edges) {
            edges = measurement->edges;
            heard_ns = now_ns;
        }
        if (now_ns - heard_ns > stall_s * NS_PER_S) {
            return p2p_error_set(error, P2P_E_BENCH,
                                 "%" PRIu64 " edges came, then none for %" PRIu32
                                 " s (timeouts.stall_s): is the signal on both inputs?",
                                 edges, stall_s);
        }
        code = p2p_probe_stand_advance(stand, now_ns + STEP_NS, error);
    }
    return code == P2P_OK ? p2p_probe_stand_request(stand, P2P_PROBE_STOP, error) : code;
}

static enum p2p_code measure_real(struct calibrate *calibrate, struct p2p_error *error)
{
    const struct p2p_options *options = calibrate->verb.options;
    const bool swapped = strcmp(options->wiring, "swapped") == 0;
    struct measurement measurement = {0};
    struct p2p_skew_mean means[P2P_POLARITIES];
    struct p2p_probe_stand *stand = open_stand(calibrate, &measurement, P2P_STAND_LINES, 0, error);
    enum p2p_code code = stand != NULL ? identify(calibrate, stand, error) : p2p_failure(error);

    if (code == P2P_OK && options->has_reference_ns) {
        measurement.rate = new_rate(stand, options->reference_ns, options->reference_ppm, error);
        code = measurement.rate != NULL ? P2P_OK : p2p_failure(error);
    }
    if (code == P2P_OK) {
        measurement.skew = new_skew(stand, error);
        code = measurement.skew != NULL ? listen(calibrate, stand, &measurement, error) : p2p_failure(error);
    }
    if (code == P2P_OK) {
        code = p2p_skew_finish(measurement.skew, means, error);
    }
    if (code == P2P_OK) {
        keep_skew(calibrate, swapped ? P2P_WIRING_SWAPPED : P2P_WIRING_STRAIGHT, means);
    }
    if (code == P2P_OK && measurement.rate != NULL) {
        code = p2p_rate_finish(measurement.rate, &calibrate->calibration.clock, error);
    }
    p2p_skew_free(measurement.skew);
    p2p_rate_free(measurement.rate);
    p2p_probe_stand_close(stand);
    return code;
}

/* What is wrong is told before the probe is started. */
static enum p2p_code check_options(struct calibrate *calibrate, struct p2p_error *error)
{
    const struct p2p_options *options = calibrate->verb.options;
    const bool is_virtual = calibrate->verb.bench->probe.kind == P2P_PROBE_VIRTUAL;
    const bool is_told = options->wiring != NULL || options->has_reference_ns || options->has_reference_ppm;

    calibrate->edges = options->has_edges ? options->edges : EDGES_DEFAULT;
    if (options->file == NULL) {
        return p2p_error_set(error, P2P_E_INPUT, "expected -o FILE: the calibration to write or to complete");
    }
    if (calibrate->edges < EDGES_MIN) {
        return p2p_error_set(error, P2P_E_INPUT, "--edges: expected %d or more to calibrate by, found %" PRIu64,
                             EDGES_MIN, calibrate->edges);
    }
    if (is_virtual && is_told) {
        return p2p_error_set(error, P2P_E_INPUT,
                             "--wiring and --reference-* are for real probes: a virtual one is measured in both "
                             "wirings and against virtual time at once");
    }
    if (!is_virtual && options->wiring == NULL) {
        return p2p_error_set(error, P2P_E_INPUT, "expected --wiring straight or --wiring swapped: how the cables are");
    }
    if (options->has_reference_ppm && !options->has_reference_ns) {
        return p2p_error_set(error, P2P_E_INPUT, "--reference-ppm: of which reference? expected --reference-ns, too");
    }
    if (access(options->file, F_OK) == 0) {
        return p2p_calibration_load(options->file, &calibrate->calibration, error);
    }
    return P2P_OK;
}

static enum p2p_code save(struct calibrate *calibrate, struct p2p_error *error)
{
    struct p2p_calibration *calibration = &calibrate->calibration;
    const time_t now = time(NULL);
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(calibration->date, sizeof calibration->date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return p2p_calibration_save(calibrate->verb.options->file, calibration, error);
}

static const char *polarity_name(unsigned polarity)
{
    return polarity == P2P_RISING ? "rising" : "falling";
}

static bool is_split(const struct p2p_skew_mean wirings[P2P_WIRINGS])
{
    return wirings[P2P_WIRING_STRAIGHT].n > 0 && wirings[P2P_WIRING_SWAPPED].n > 0;
}

static void print_skew(unsigned polarity, const struct p2p_skew_mean wirings[P2P_WIRINGS])
{
    if (is_split(wirings)) {
        const struct p2p_skew_parts parts = p2p_skew_split(&wirings[P2P_WIRING_STRAIGHT], &wirings[P2P_WIRING_SWAPPED]);

        printf("  %-8s inputs %+.3f ns, cables %+.3f ns, each +-%.3f ns\n", polarity_name(polarity), parts.probe_ns,
               parts.cable_ns, parts.u_ns);
        return;
    }
    for (unsigned wiring = 0; wiring < P2P_WIRINGS; wiring++) {
        if (wirings[wiring].n > 0) {
            printf("  %-8s inputs and cables together %+.3f +-%.3f ns\n", polarity_name(polarity),
                   wirings[wiring].mean_ns, wirings[wiring].u_ns);
        }
    }
}

static void print_clock(const struct p2p_rate_result *clock)
{
    if (clock->n == 0) {
        printf("clock: not measured; that takes a reference and --reference-ns\n");
        return;
    }
    printf("clock: %.6f +-%.6f ppm too %s, by %" PRIu64 " edges in %.3f s; a latency of 2 us reads %.6f ns too %s\n",
           fabs(clock->ppm), clock->u_ppm, clock->ppm < 0 ? "slow" : "fast", clock->n, clock->seconds,
           fabs(clock->ppm) * 2e-3, clock->ppm < 0 ? "short" : "long");
}

static void print_calibration(const struct calibrate *calibrate)
{
    const struct p2p_calibration *calibration = &calibrate->calibration;
    const bool straight = calibration->skew[P2P_RISING][P2P_WIRING_STRAIGHT].n > 0;

    printf("probe %s, calibrated in %s\n", calibration->serial, calibrate->verb.options->file);
    printf("skew, answer minus stimulus; after +- the standard uncertainty:\n");
    for (unsigned i = P2P_POLARITIES; i-- > 0;) {
        print_skew(i, calibration->skew[i]);
    }
    print_clock(&calibration->clock);
    if (!p2p_calibration_complete(calibration)) {
        printf("not complete: exchange the cables at the probe, and calibrate into the same file with --wiring %s\n",
               straight ? "swapped" : "straight");
    }
}

static json_t *encode_mean(const struct p2p_skew_mean *mean)
{
    return mean->n == 0
               ? json_null()
               : json_pack("{sI sf sf}", "pairs", (json_int_t)mean->n, "mean_ns", mean->mean_ns, "u_ns", mean->u_ns);
}

static json_t *encode_skew(const struct p2p_skew_mean wirings[P2P_WIRINGS])
{
    const struct p2p_skew_mean *straight = &wirings[P2P_WIRING_STRAIGHT], *swapped = &wirings[P2P_WIRING_SWAPPED];
    json_t *parts = json_null();

    if (is_split(wirings)) {
        const struct p2p_skew_parts split = p2p_skew_split(straight, swapped);

        parts = json_pack("{sf sf sf}", "probe_ns", split.probe_ns, "cable_ns", split.cable_ns, "u_ns", split.u_ns);
    }
    return json_pack("{so so so}", "straight", encode_mean(straight), "swapped", encode_mean(swapped), "parts", parts);
}

static json_t *encode_clock(const struct p2p_rate_result *clock)
{
    return clock->n == 0 ? json_null()
                         : json_pack("{sf sf sI sf}", "ppm", clock->ppm, "u_ppm", clock->u_ppm, "edges",
                                     (json_int_t)clock->n, "seconds", clock->seconds);
}

static json_t *encode(const struct calibrate *calibrate)
{
    const struct p2p_calibration *calibration = &calibrate->calibration;

    return json_pack("{ss ss sb s{so so} so}", "file", calibrate->verb.options->file, "board_id", calibration->serial,
                     "complete", (int)p2p_calibration_complete(calibration), "skew", "rising",
                     encode_skew(calibration->skew[P2P_RISING]), "falling", encode_skew(calibration->skew[P2P_FALLING]),
                     "clock", encode_clock(&calibration->clock));
}

int p2p_verb_probe_calibrate(const struct p2p_options *options)
{
    struct calibrate calibrate = {0};
    struct p2p_error error = {0};
    enum p2p_code code = p2p_probe_verb_prepare(&calibrate.verb, options, &error);
    int exit_code = P2P_EXIT_PASS;

    if (code == P2P_OK) {
        code = check_options(&calibrate, &error);
    }
    if (code == P2P_OK) {
        code = calibrate.verb.bench->probe.kind == P2P_PROBE_VIRTUAL ? measure_virtual(&calibrate, &error)
                                                                     : measure_real(&calibrate, &error);
    }
    if (code == P2P_OK) {
        code = save(&calibrate, &error);
    }
    if (code != P2P_OK) {
        exit_code = p2p_complain(&error, options);
    } else if (!options->json) {
        print_calibration(&calibrate);
    } else if (!p2p_print_answer(encode(&calibrate))) {
        exit_code = P2P_EXIT_BENCH_FAULT;
    }
    p2p_probe_verb_discard(&calibrate.verb);
    return p2p_finish_output(exit_code);
}
