/* SPDX-License-Identifier: MIT */
#include "store/budget_json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct p2p_json_real_range STANDARD = {0, 1e6};
static const struct p2p_json_real_range CORRECTION = {-1e6, 1e6};

static const struct p2p_json_key BUDGET_KEYS[] = {
    {"quantisation_ns", "standard uncertainty of both edges' rounding"},
    {"skew_ns", "standard uncertainty of the channels' skew"},
    {"trigger_ns", "standard uncertainty of the thresholds' crossing"},
    {"timebase_ppm", "standard uncertainty of the clock's rate"},
    {"skew_correction_ns", "what is subtracted from every latency"},
    {NULL, NULL},
};

void p2p_budget_read(const struct p2p_json_object *probe, struct p2p_uncertainty *budget)
{
    struct p2p_json_object object = p2p_json_child_or_none(probe, "budget", BUDGET_KEYS);
    bool old = !p2p_json_has(probe, "budget");
    double expanded_ns = p2p_json_real(probe, "uncertainty_ns");

    if (expanded_ns < 0 || (old && expanded_ns > 2 * STANDARD.max)) {
        p2p_json_refuse_value(probe, "uncertainty_ns", "a number from 0 to 2000000");
    }
    *budget = (struct p2p_uncertainty){
        .quantisation_ns = p2p_json_real_or(&object, "quantisation_ns", STANDARD, 0),
        .skew_ns = p2p_json_real_or(&object, "skew_ns", STANDARD, 0),
        .trigger_ns = p2p_json_real_or(&object, "trigger_ns", STANDARD, 0),
        .timebase_ppm = p2p_json_real_or(&object, "timebase_ppm", STANDARD, 0),
        .skew_correction_ns = p2p_json_real_or(&object, "skew_correction_ns", CORRECTION, 0),
    };
    if (old) {
        budget->quantisation_ns = expanded_ns / 2; /* k = 2 */
    }
}

void p2p_probe_text_read(const struct p2p_json_object *probe, const char *key, char *text, size_t size)
{
    const char *value = p2p_json_string_or(probe, key, "");
    bool plain = strlen(value) < size;

    for (const char *at = value; *at != '\0'; at++) {
        plain &= *at >= ' ' && *at <= '~';
    }
    if (!plain) {
        p2p_json_refuse(probe, key, "expected at most %zu printable ASCII characters", size - 1);
        return;
    }
    snprintf(text, size, "%s", value);
}

/* The nearest double to the rounded decimal: it comes back the same from a file. */
static json_t *micro(double value)
{
    return json_real(round(value * 1e6) / 1e6);
}

json_t *p2p_budget_encode(const struct p2p_uncertainty *budget)
{
    return json_pack("{so so so so so}", "quantisation_ns", micro(budget->quantisation_ns), "skew_ns",
                     micro(budget->skew_ns), "trigger_ns", micro(budget->trigger_ns), "timebase_ppm",
                     micro(budget->timebase_ppm), "skew_correction_ns", micro(budget->skew_correction_ns));
}
