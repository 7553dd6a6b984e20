/* SPDX-License-Identifier: MIT */
#include "store/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Board, pins and probe: what else a bench file says moves no latency, or is seen in the boots themselves. */
static void describe_wiring(const struct p2p_bench *bench, char wiring[P2P_WIRING_BYTES])
{
    char gic[16] = "";

    if (bench->board.gic != 0) {
        snprintf(gic, sizeof gic, " gicv%u", (unsigned)bench->board.gic);
    }
    snprintf(wiring, P2P_WIRING_BYTES, "%s%s, pins %u %u %u, probe %s",
             bench->board.kind == P2P_BOARD_NONE ? "none" : p2p_board_kind_name(bench->board.kind), gic,
             bench->pins.stimulus, bench->pins.answer, bench->pins.query, p2p_probe_kind_name(bench->probe.kind));
}

struct p2p_result *p2p_result_new(const struct p2p_plan *plan, const struct p2p_bench *bench, const size_t *selected,
                                  size_t configuration_count)
{
    struct p2p_result *result = calloc(1, sizeof *result);

    if (result == NULL) {
        return NULL;
    }
    result->configurations = calloc(configuration_count, sizeof *result->configurations);
    if (result->configurations == NULL) {
        free(result);
        return NULL;
    }
    snprintf(result->plan, sizeof result->plan, "%s", plan->name);
    snprintf(result->bench, sizeof result->bench, "%s", bench->name);
    describe_wiring(bench, result->wiring);
    result->seed = plan->seed;
    result->boots = plan->boots;
    result->confirm_boots = plan->confirm_boots;
    result->samples = plan->samples;
    result->warmup = plan->warmup;
    result->stimulus = plan->stimulus;
    result->configuration_count = configuration_count;
    for (size_t i = 0; i < configuration_count; i++) {
        const struct p2p_configuration *from = &plan->configurations[selected[i]];
        struct p2p_result_configuration *to = &result->configurations[i];

        snprintf(to->name, sizeof to->name, "%s", from->name);
        snprintf(to->set, sizeof to->set, "%s", from->set);
        to->number = (uint32_t)selected[i] + 1;
        to->limits = from->limits;
        to->control = from->control;
    }
    return result;
}

void p2p_result_free(struct p2p_result *result)
{
    if (result == NULL) {
        return;
    }
    for (size_t i = 0; i < result->configuration_count; i++) {
        free(result->configurations[i].boot_figures);
    }
    for (size_t i = 0; i < result->reference_count; i++) {
        free(result->references[i].boot_figures);
    }
    free(result->configurations);
    free(result->references);
    free(result->order);
    free(result);
}

const struct p2p_result_configuration *p2p_result_find(const struct p2p_result *result, const char *name)
{
    for (size_t i = 0; i < result->configuration_count; i++) {
        if (strcmp(result->configurations[i].name, name) == 0) {
            return &result->configurations[i];
        }
    }
    return NULL;
}

size_t p2p_result_boot_values(const struct p2p_result_boot *boots, size_t count, enum p2p_figure figure, double *values)
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        const struct p2p_boot_figures *figures = &boots[i].figures;

        if (figure == P2P_FIGURE_WARM_MAX ? figures->n_warm > 0 : figures->n > 0) {
            values[found++] = figures->value_ns[figure];
        }
    }
    return found;
}
