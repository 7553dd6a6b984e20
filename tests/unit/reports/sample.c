/* SPDX-License-Identifier: MIT */
#include "sample.h"

#include <stdio.h>

struct p2p_result_configuration sample_configuration(const char *name, uint64_t base_ns)
{
    struct p2p_result_configuration configuration = {
        .limits = P2P_NO_LIMITS,
        .stub = "pin2pin-stub 0.1.0",
        .stub_path = "2",
        .boots = 2,
        .stats = {.n = 2000,
                  .n_warm = 1996,
                  .avg_ns = (double)base_ns + 0.25,
                  .min_ns = base_ns - 9,
                  .max_ns = base_ns + 400,
                  .warm_max_ns = base_ns + 50,
                  .p50_ns = base_ns,
                  .p99_ns = base_ns + 40,
                  .p99_9_ns = base_ns + 45,
                  .uncertainty_ns = 8.5,
                  .avg_uncertainty_ns = 4.625},
        .account = {.stimuli = 2000, .answered = 2000, .releases = 2000, .outside = 2, .answers = 2000, .edges = 6002},
    };

    snprintf(configuration.name, sizeof configuration.name, "%s", name);
    return configuration;
}

struct p2p_result sample_result(struct p2p_result_configuration *configurations, size_t count)
{
    return (struct p2p_result){
        .plan = "nightly",
        .bench = "lab-1",
        .wiring = "zcu102, pins 0 1 2, probe ftdi",
        .seed = 7,
        .boots = 2,
        .samples = 1000,
        .warmup = 2,
        .stimulus = {.period_ns = 1000000, .width_ns = 50000, .deadline_ns = 150000},
        .probe = "ftdi",
        .tick_hz = 125000000,
        .serial = "e6616408432d2b21",
        .firmware = "pin2pin 0.1.0",
        .budget = {.quantisation_ns = 3.266, .skew_ns = 2.31, .trigger_ns = 1.45},
        .complete = true,
        .configuration_count = count,
        .configurations = configurations,
    };
}

void sample_judge(struct p2p_result *result, size_t configuration, enum p2p_verdict verdict, const char *reason)
{
    p2p_judgement_add(&result->configurations[configuration].judgement, verdict, "%s", reason);
    p2p_judgement_add(&result->judgement, verdict, "%s: %s", result->configurations[configuration].name,
                      p2p_verdict_name(verdict));
}
