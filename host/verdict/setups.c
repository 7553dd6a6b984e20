/* SPDX-License-Identifier: MIT */
#include "verdict/setups.h"

#include <stdbool.h>
#include <string.h>

static struct p2p_setup setup_of(const struct p2p_result *result, const struct p2p_result_configuration *configuration)
{
    return (struct p2p_setup){
        .time_base = result->time_base,
        .wiring = result->wiring,
        .probe = result->probe,
        .serial = result->serial,
        .tick_hz = result->tick_hz,
        .stub = configuration->stub,
        .stub_path = configuration->stub_path,
    };
}

static bool same_stimuli(const struct p2p_stimulus_plan *a, const struct p2p_stimulus_plan *b)
{
    return a->kind == b->kind && a->period_ns == b->period_ns && a->jitter_ns == b->jitter_ns &&
           a->width_ns == b->width_ns && a->deadline_ns == b->deadline_ns && a->gap_ns == b->gap_ns &&
           a->burst_count == b->burst_count && a->burst_spacing_ns == b->burst_spacing_ns;
}

/* Returns how many configurations both have. */
static size_t compare_pairs(const struct p2p_result *a, const struct p2p_result *b,
                            struct p2p_comparability *comparability)
{
    size_t pairs = 0;

    for (size_t i = 0; i < a->configuration_count; i++) {
        const struct p2p_result_configuration *own = &a->configurations[i];
        const struct p2p_result_configuration *other = p2p_result_find(b, own->name);

        if (other == NULL) {
            p2p_remark(comparability->notes, "only in A: %s", own->name);
        } else {
            const struct p2p_setup own_setup = setup_of(a, own), other_setup = setup_of(b, other);

            p2p_compare_guests(own->name, &own_setup, &other_setup, comparability);
            pairs++;
        }
    }
    for (size_t i = 0; i < b->configuration_count; i++) {
        if (p2p_result_find(a, b->configurations[i].name) == NULL) {
            p2p_remark(comparability->notes, "only in B: %s", b->configurations[i].name);
        }
    }
    return pairs;
}

size_t p2p_compare_setups(const struct p2p_result *a, const struct p2p_result *b,
                          struct p2p_comparability *comparability)
{
    static const struct p2p_result_configuration none = {0};
    const struct p2p_setup a_setup = setup_of(a, &none), b_setup = setup_of(b, &none);
    size_t pairs;

    p2p_compare_benches(&a_setup, &b_setup, comparability);
    if (!same_stimuli(&a->stimulus, &b->stimulus)) {
        p2p_remark(comparability->notes, "the stimuli come at other times");
    }
    pairs = compare_pairs(a, b, comparability);
    if (pairs == 0) {
        p2p_remark(comparability->reasons, "no configuration is in both");
    }
    return pairs;
}
