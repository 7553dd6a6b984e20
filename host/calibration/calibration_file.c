/* SPDX-License-Identifier: MIT */
#include "calibration/calibration_file.h"

#include "calibration/skew.h"
#include "config/json_reader.h"
#include "config/json_writer.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, SERIAL_DIGITS = 16 };

#define STEPS 1e6 /* a unit: figures in the file are rounded to 10^-6 */

static const char SCHEMA[] = "pin2pin.calibration";

static const char *const POLARITY_KEYS[] = {[P2P_FALLING] = "falling", [P2P_RISING] = "rising"};
static const char *const WIRING_KEYS[] = {[P2P_WIRING_STRAIGHT] = "straight", [P2P_WIRING_SWAPPED] = "swapped"};

static const struct p2p_json_key ROOT_KEYS[] = {
    {"schema", "what kind of file this is"},
    {"version", "the version of the file's form"},
    {"serial", "the probe's board id"},
    {"firmware", "the probe's firmware"},
    {"tick_hz", "the nominal rate of the probe's clock"},
    {"date", "when it was measured, in UTC"},
    {"complete", "whether it may correct latencies"},
    {"rising", "the skew of rising edges"},
    {"falling", "the skew of falling edges"},
    {"clock", "the clock against a reference, or null"},
    {NULL, NULL},
};
static const struct p2p_json_key POLARITY_MEMBERS[] = {
    {"straight", "the mean with straight wiring, or null"},
    {"swapped", "the mean with swapped wiring, or null"},
    {"skew_ns", "of the inputs, or null"},
    {"u_ns", "its standard uncertainty, or null"},
    {"cable_ns", "of the cables, or null"},
    {NULL, NULL},
};
static const struct p2p_json_key MEAN_KEYS[] = {
    {"n", "pairs of edges"},
    {"mean_ns", "answer minus stimulus"},
    {"u_ns", "its standard uncertainty"},
    {NULL, NULL},
};
static const struct p2p_json_key CLOCK_KEYS[] = {
    {"ppm", "by how much the clock is fast"},
    {"u_ppm", "its standard uncertainty"},
    {"reference", "what it was measured against"},
    {NULL, NULL},
};
static const struct p2p_json_key REFERENCE_KEYS[] = {
    {"period_ns", "its period"},
    {"u_ppm", "the period's standard uncertainty"},
    {"n", "edges seen"},
    {"missing", "edges not seen"},
    {"seconds", "first to last edge"},
    {NULL, NULL},
};

static const struct p2p_json_range TICK_HZ = {1000000, 1000000000};
static const struct p2p_json_range PAIRS = {P2P_SKEW_PAIRS_MIN, P2P_JSON_INTEGER_MAX};
static const struct p2p_json_range REFERENCE_EDGES = {P2P_RATE_EDGES_MIN, P2P_JSON_INTEGER_MAX};
static const struct p2p_json_range MISSING = {0, P2P_JSON_INTEGER_MAX};
static const struct p2p_json_real_range SKEW_NS = {-(double)P2P_SKEW_WINDOW_NS, (double)P2P_SKEW_WINDOW_NS};
static const struct p2p_json_real_range U_NS = {0, 1000};
static const struct p2p_json_real_range PPM = {-P2P_RATE_PPM_MAX, P2P_RATE_PPM_MAX};
static const struct p2p_json_real_range U_PPM = {0, P2P_RATE_PPM_MAX};
static const struct p2p_json_real_range PERIOD_NS = {20, 1e10};
static const struct p2p_json_real_range SECONDS = {0, 1e9};

static bool is_split(const struct p2p_skew_mean means[P2P_WIRINGS])
{
    return means[P2P_WIRING_STRAIGHT].n > 0 && means[P2P_WIRING_SWAPPED].n > 0;
}

static struct p2p_skew_parts split(const struct p2p_skew_mean means[P2P_WIRINGS])
{
    return p2p_skew_split(&means[P2P_WIRING_STRAIGHT], &means[P2P_WIRING_SWAPPED]);
}

bool p2p_calibration_complete(const struct p2p_calibration *calibration)
{
    return is_split(calibration->skew[P2P_FALLING]) && is_split(calibration->skew[P2P_RISING]);
}

/* ---- Reading ---- */

/* The first getter refuses what is missing or no number, the second what is out of range. */
static double read_real(const struct p2p_json_object *object, const char *key, struct p2p_json_real_range range)
{
    (void)p2p_json_real(object, key);
    return p2p_json_real_or(object, key, range, 0);
}

static void read_text(const struct p2p_json_object *root, const char *key, char text[P2P_CALIBRATION_TEXT_BYTES])
{
    const char *found = p2p_json_string(root, key);

    if (strlen(found) >= P2P_CALIBRATION_TEXT_BYTES) {
        p2p_json_refuse(root, key, "%zu bytes, expected at most %d", strlen(found), P2P_CALIBRATION_TEXT_BYTES - 1);
    }
    snprintf(text, P2P_CALIBRATION_TEXT_BYTES, "%s", found);
}

static void read_serial(const struct p2p_json_object *root, char serial[P2P_CALIBRATION_TEXT_BYTES])
{
    read_text(root, "serial", serial);
    if (strlen(serial) != SERIAL_DIGITS || strspn(serial, "0123456789abcdef") != SERIAL_DIGITS) {
        p2p_json_refuse_value(root, "serial", "16 digits of 0-9 a-f");
    }
}

/* Of the form alone: "2026-01-31T23:59:59Z". */
static void read_date(const struct p2p_json_object *root, char date[P2P_CALIBRATION_DATE_BYTES])
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    const char *found = p2p_json_string(root, "date");
    bool good = strlen(found) == strlen(form);

    for (size_t i = 0; good && form[i] != '\0'; i++) {
        good = form[i] == 'd' ? found[i] >= '0' && found[i] <= '9' : found[i] == form[i];
    }
    if (!good) {
        p2p_json_refuse_value(root, "date", "a date like \"2026-01-31T23:59:59Z\"");
    }
    snprintf(date, P2P_CALIBRATION_DATE_BYTES, "%s", found);
}

static struct p2p_skew_mean read_mean(const struct p2p_json_object *polarity, const char *key)
{
    struct p2p_json_object object;

    if (p2p_json_is_null(polarity, key)) {
        return (struct p2p_skew_mean){0};
    }
    object = p2p_json_child(polarity, key, MEAN_KEYS);
    return (struct p2p_skew_mean){
        .n = p2p_json_integer(&object, "n", PAIRS),
        .mean_ns = read_real(&object, "mean_ns", SKEW_NS),
        .u_ns = read_real(&object, "u_ns", U_NS),
    };
}

/* Written for people and other programs; here it must be what the means give, or null without both of them. */
static void check_derived(const struct p2p_json_object *polarity, const char *key, bool known, double value,
                          struct p2p_json_real_range range)
{
    char expected[96];

    if (!known) {
        if (!p2p_json_has(polarity, key)) {
            p2p_json_refuse(polarity, key, "missing, expected null without both wirings");
        } else if (!p2p_json_is_null(polarity, key)) {
            p2p_json_refuse_value(polarity, key, "null without both wirings");
        }
    } else if (!(fabs(read_real(polarity, key, range) - value) < 2 / STEPS)) { /* two roundings */
        snprintf(expected, sizeof expected, "%.6f, which straight and swapped give", value);
        p2p_json_refuse_value(polarity, key, expected);
    }
}

static void read_polarity(const struct p2p_json_object *root, const char *key, struct p2p_skew_mean means[P2P_WIRINGS])
{
    struct p2p_json_object object = p2p_json_child(root, key, POLARITY_MEMBERS);
    struct p2p_skew_parts parts;
    bool known;

    for (size_t i = 0; i < P2P_WIRINGS; i++) {
        means[i] = read_mean(&object, WIRING_KEYS[i]);
    }
    known = is_split(means);
    parts = split(means);
    check_derived(&object, "skew_ns", known, parts.probe_ns, SKEW_NS);
    check_derived(&object, "u_ns", known, parts.u_ns, U_NS);
    check_derived(&object, "cable_ns", known, parts.cable_ns, SKEW_NS);
}

static void check_complete_key(const struct p2p_json_object *root, const struct p2p_calibration *calibration)
{
    bool complete = p2p_calibration_complete(calibration);

    if (!p2p_json_has(root, "complete")) {
        p2p_json_refuse(root, "complete", "missing, expected %s", complete ? "true" : "false");
    } else if (p2p_json_boolean_or(root, "complete", complete) != complete) {
        p2p_json_refuse_value(root, "complete",
                              complete ? "true, as both wirings are here" : "false, as a wiring is missing");
    }
}

static void read_clock(const struct p2p_json_object *root, struct p2p_rate_result *clock)
{
    struct p2p_json_object object, reference;

    if (p2p_json_is_null(root, "clock")) {
        return;
    }
    object = p2p_json_child(root, "clock", CLOCK_KEYS);
    reference = p2p_json_child(&object, "reference", REFERENCE_KEYS);
    *clock = (struct p2p_rate_result){
        .ppm = read_real(&object, "ppm", PPM),
        .u_ppm = read_real(&object, "u_ppm", U_PPM),
        .period_ns = read_real(&reference, "period_ns", PERIOD_NS),
        .reference_u_ppm = read_real(&reference, "u_ppm", U_PPM),
        .n = p2p_json_integer(&reference, "n", REFERENCE_EDGES),
        .missing = p2p_json_integer(&reference, "missing", MISSING),
        .seconds = read_real(&reference, "seconds", SECONDS),
    };
}

static void read_calibration(const struct p2p_json_object *root, struct p2p_calibration *calibration)
{
    *calibration = (struct p2p_calibration){.tick_hz = p2p_json_integer(root, "tick_hz", TICK_HZ)};
    read_serial(root, calibration->serial);
    read_text(root, "firmware", calibration->firmware);
    read_date(root, calibration->date);
    for (size_t i = 0; i < P2P_POLARITIES; i++) {
        read_polarity(root, POLARITY_KEYS[i], calibration->skew[i]);
    }
    check_complete_key(root, calibration);
    read_clock(root, &calibration->clock);
}

enum p2p_code p2p_calibration_load(const char *path, struct p2p_calibration *calibration, struct p2p_error *error)
{
    struct p2p_json_file *file = p2p_json_file_load(path, error);
    struct p2p_json_object root;
    enum p2p_code code;

    if (file == NULL) {
        return p2p_failure(error);
    }
    root = p2p_json_root(file, SCHEMA, VERSION, ROOT_KEYS);
    read_calibration(&root, calibration);
    code = p2p_json_file_code(file);
    p2p_json_file_free(file);
    return code;
}

/* ---- Writing ---- */

/* Adding 0 makes a zero of either sign "0.0". */
static json_t *real(double value)
{
    return json_real(round(value * STEPS) / STEPS + 0.0);
}

static json_t *real_or_null(bool known, double value)
{
    return known ? real(value) : json_null();
}

static json_t *encode_mean(const struct p2p_skew_mean *mean)
{
    if (mean->n == 0) {
        return json_null();
    }
    return json_pack("{sI so so}", "n", (json_int_t)mean->n, "mean_ns", real(mean->mean_ns), "u_ns", real(mean->u_ns));
}

static json_t *encode_polarity(const struct p2p_skew_mean means[P2P_WIRINGS])
{
    bool known = is_split(means);
    struct p2p_skew_parts parts = split(means);

    return json_pack("{so so so so so}", "straight", encode_mean(&means[P2P_WIRING_STRAIGHT]), "swapped",
                     encode_mean(&means[P2P_WIRING_SWAPPED]), "skew_ns", real_or_null(known, parts.probe_ns), "u_ns",
                     real_or_null(known, parts.u_ns), "cable_ns", real_or_null(known, parts.cable_ns));
}

static json_t *encode_clock(const struct p2p_rate_result *clock)
{
    if (clock->n == 0) {
        return json_null();
    }
    return json_pack("{so so s{so so sI sI so}}", "ppm", real(clock->ppm), "u_ppm", real(clock->u_ppm), "reference",
                     "period_ns", real(clock->period_ns), "u_ppm", real(clock->reference_u_ppm), "n",
                     (json_int_t)clock->n, "missing", (json_int_t)clock->missing, "seconds", real(clock->seconds));
}

static json_t *encode(const struct p2p_calibration *calibration)
{
    return json_pack("{ss si ss ss sI ss sb so so so}", "schema", SCHEMA, "version", VERSION, "serial",
                     calibration->serial, "firmware", calibration->firmware, "tick_hz",
                     (json_int_t)calibration->tick_hz, "date", calibration->date, "complete",
                     (int)p2p_calibration_complete(calibration), "rising",
                     encode_polarity(calibration->skew[P2P_RISING]), "falling",
                     encode_polarity(calibration->skew[P2P_FALLING]), "clock", encode_clock(&calibration->clock));
}

enum p2p_code p2p_calibration_save(const char *path, const struct p2p_calibration *calibration, struct p2p_error *error)
{
    return p2p_json_save(path, encode(calibration), 15, error);
}

/* ---- Use ---- */

enum p2p_code p2p_calibration_check_probe(const struct p2p_calibration *calibration, const char *path,
                                          const char *serial, uint64_t tick_hz, struct p2p_error *error)
{
    if (strcmp(calibration->serial, serial) != 0) {
        return p2p_error_set(error, P2P_E_INPUT,
                             "%s: made with probe %s, but this is probe %s: name that one's calibration", path,
                             calibration->serial, serial);
    }
    if (calibration->tick_hz != tick_hz) {
        return p2p_error_set(error, P2P_E_INPUT,
                             "%s: made at %" PRIu64 " Hz, but probe %s runs at %" PRIu64 " Hz: calibrate it again",
                             path, calibration->tick_hz, serial, tick_hz);
    }
    return P2P_OK;
}

enum p2p_code p2p_calibration_check_complete(const struct p2p_calibration *calibration, const char *path,
                                             struct p2p_error *error)
{
    for (size_t i = 0; i < P2P_WIRINGS; i++) {
        if (calibration->skew[P2P_FALLING][i].n == 0 || calibration->skew[P2P_RISING][i].n == 0) {
            return p2p_error_set(error, P2P_E_INPUT,
                                 "%s: not complete: run `pin2pin probe calibrate BENCH --wiring %s -o %s` (a virtual "
                                 "probe's without --wiring)",
                                 path, WIRING_KEYS[i], path);
        }
    }
    return P2P_OK;
}

enum p2p_code p2p_calibration_load_complete(const char *path, struct p2p_calibration *calibration,
                                            struct p2p_error *error)
{
    enum p2p_code code = p2p_calibration_load(path, calibration, error);

    return code == P2P_OK ? p2p_calibration_check_complete(calibration, path, error) : code;
}

static bool is_real(enum p2p_probe_kind kind)
{
    return kind == P2P_PROBE_FTDI || kind == P2P_PROBE_SERIAL;
}

static double of_rectangle(double half_width)
{
    return half_width / sqrt(3);
}

/* What no calibration sees. The inputs and lines of an emulated probe have no delays at all. */
static double unseen_ns(enum p2p_probe_kind kind)
{
    return is_real(kind) ? hypot(of_rectangle(P2P_RISE_FALL_BOUND_NS), of_rectangle(P2P_CABLE_BOUND_NS)) : 0;
}

/*
 * A stimulus always rises, answers rise and fall in turn: half of the latencies have one polarity's skew, half the
 * other's. Corrected by the mean of both, each is off by half their difference, one way or the other.
 */
static void take_skew(const struct p2p_calibration *calibration, struct p2p_uncertainty *budget)
{
    struct p2p_skew_parts rising = split(calibration->skew[P2P_RISING]);
    struct p2p_skew_parts falling = split(calibration->skew[P2P_FALLING]);
    double measured = hypot(rising.u_ns, falling.u_ns) / 2;
    double half_difference = (rising.probe_ns - falling.probe_ns) / 2;

    budget->skew_correction_ns = (rising.probe_ns + falling.probe_ns) / 2;
    budget->skew_ns = hypot(budget->skew_ns, hypot(measured, half_difference));
}

struct p2p_uncertainty p2p_calibration_budget(const struct p2p_calibration *calibration,
                                              const struct p2p_probe_plan *plan)
{
    struct p2p_uncertainty budget = {
        .skew_ns = unseen_ns(plan->kind),
        .trigger_ns = plan->trigger_ns,
        .timebase_ppm = plan->timebase_ppm,
    };

    if (calibration != NULL) {
        take_skew(calibration, &budget);
    } else if (is_real(plan->kind)) {
        budget.skew_ns = hypot(budget.skew_ns, of_rectangle(P2P_INPUT_SKEW_BOUND_NS));
    }
    /* The rate is not corrected, as 30 ppm of 4 us are 0.12 ns: what it is off counts as uncertainty. */
    if (calibration != NULL && calibration->clock.n > 0) {
        budget.timebase_ppm = hypot(calibration->clock.ppm, calibration->clock.u_ppm);
    }
    return budget;
}
