/* SPDX-License-Identifier: MIT */
#include "cli/verb_probe.h"

#include "calibration/calibration_file.h"
#include "stats/uncertainty.h"

#include <inttypes.h>
#include <stdio.h>

#define LATENCY_NS 2000.0 /* the order of what is measured: the budget is told for it */

/* All that is told; copies, as the probe is closed by then. */
struct facts {
    struct p2p_probe_info info;
    struct probe_hello hello;
    struct probe_stats stats;
    const char *calibration_path; /* borrowed; NULL: none */
    struct p2p_calibration calibration;
    struct p2p_uncertainty budget;
};

static double ticks_to_ns(const struct facts *facts, uint64_t ticks)
{
    return (double)ticks * 1e9 / (double)facts->hello.clk_hz;
}

static enum p2p_code load_calibration(const struct p2p_probe_plan *plan, struct facts *facts, struct p2p_error *error)
{
    facts->calibration_path = plan->calibration;
    if (plan->calibration == NULL) {
        return P2P_OK;
    }
    return p2p_calibration_load_complete(plan->calibration, &facts->calibration, error);
}

static enum p2p_code ask(const struct p2p_probe_verb *verb, struct facts *facts, struct p2p_error *error)
{
    struct p2p_probe_stand *stand = p2p_probe_verb_open(verb, error);
    enum p2p_code code = stand != NULL ? p2p_probe_stand_command(stand, PROBE_GET_STATS, error) : p2p_failure(error);

    if (code == P2P_OK) {
        facts->info = *p2p_probe_stand_info(stand);
        facts->hello = *p2p_probe_link_hello(p2p_probe_stand_link(stand));
        facts->stats = *p2p_probe_link_stats(p2p_probe_stand_link(stand));
    }
    p2p_probe_stand_close(stand);
    return code;
}

static enum p2p_code gather(const struct p2p_probe_verb *verb, struct facts *facts, struct p2p_error *error)
{
    const struct p2p_probe_plan *plan = &verb->bench->probe;

    if (load_calibration(plan, facts, error) != P2P_OK || ask(verb, facts, error) != P2P_OK) {
        return p2p_failure(error);
    }
    if (facts->calibration_path != NULL &&
        p2p_calibration_check_probe(&facts->calibration, facts->calibration_path, facts->info.serial,
                                    facts->info.tick_hz, error) != P2P_OK) {
        return p2p_failure(error);
    }
    facts->budget = p2p_calibration_budget(facts->calibration_path != NULL ? &facts->calibration : NULL, plan);
    facts->budget.quantisation_ns = facts->info.uncertainty.quantisation_ns;
    return P2P_OK;
}

static void print_budget(const struct facts *facts)
{
    const struct p2p_uncertainty *budget = &facts->budget;

    printf("uncertainty  of a latency of %.0f ns, standard unless said:\n", LATENCY_NS);
    printf("  quantisation  %.3f ns\n", budget->quantisation_ns);
    printf("  skew          %.3f ns, after a correction by %.3f ns\n", budget->skew_ns, budget->skew_correction_ns);
    printf("  trigger       %.3f ns\n", budget->trigger_ns);
    printf("  time base     %.3f ns (%.6g ppm)\n", budget->timebase_ppm * LATENCY_NS / 1e6, budget->timebase_ppm);
    printf("  expanded      +-%.3g ns (k = 2, about 95 %%)\n", p2p_uncertainty_of_sample_ns(budget, LATENCY_NS));
}

static void print_facts(const struct facts *facts)
{
    const struct probe_hello *hello = &facts->hello;
    const struct probe_stats *stats = &facts->stats;

    printf("probe        %s, board id %s\n", facts->info.name, facts->info.serial);
    printf("firmware     %s, protocol version %u, run id %08" PRIx32 "\n", hello->firmware, hello->version,
           hello->run_id);
    printf("clock        %" PRIu32 " Hz\n", hello->clk_hz);
    printf("resolution   %u ticks, %.6g ns\n", hello->resolution_ticks, ticks_to_ns(facts, hello->resolution_ticks));
    printf("dead time    %u ticks, %.6g ns after an edge\n", hello->dead_ticks, ticks_to_ns(facts, hello->dead_ticks));
    printf("running      %.3f s; since it was armed last %" PRIu32 " + %" PRIu32 " edges, %" PRIu32
           " glitches, %" PRIu32 " clipped, %" PRIu32 " lost; %" PRIu32 " bad commands\n",
           ticks_to_ns(facts, stats->now_ticks) / 1e9, stats->events[0], stats->events[1], stats->glitches,
           stats->clipped, stats->lost, stats->bad_commands);
    if (facts->calibration_path != NULL) {
        printf("calibration  %s of %s\n", facts->calibration_path, facts->calibration.date);
    } else {
        printf("calibration  none\n");
    }
    print_budget(facts);
}

static json_t *encode_stats(const struct probe_stats *stats)
{
    return json_pack("{sI s[II] sI sI sI sI sI sI sI}", "now_ticks", (json_int_t)stats->now_ticks, "events",
                     (json_int_t)stats->events[0], (json_int_t)stats->events[1], "glitches",
                     (json_int_t)stats->glitches, "clipped", (json_int_t)stats->clipped, "lost",
                     (json_int_t)stats->lost, "fifo_overflows", (json_int_t)stats->fifo_overflows, "ring_overflows",
                     (json_int_t)stats->ring_overflows, "link_overflows", (json_int_t)stats->link_overflows,
                     "bad_commands", (json_int_t)stats->bad_commands);
}

static json_t *encode_budget(const struct p2p_uncertainty *budget)
{
    return json_pack("{sf sf sf sf sf sf sf}", "quantisation_ns", budget->quantisation_ns, "skew_ns", budget->skew_ns,
                     "skew_correction_ns", budget->skew_correction_ns, "trigger_ns", budget->trigger_ns, "timebase_ppm",
                     budget->timebase_ppm, "latency_ns", LATENCY_NS, "expanded_ns",
                     p2p_uncertainty_of_sample_ns(budget, LATENCY_NS));
}

static json_t *encode(const struct facts *facts)
{
    const struct probe_hello *hello = &facts->hello;
    char run_id[16];

    snprintf(run_id, sizeof run_id, "%08" PRIx32, hello->run_id);
    return json_pack("{ss ss ss ss si sI si sf si sf so ss? so}", "probe", facts->info.name, "board_id",
                     facts->info.serial, "firmware", hello->firmware, "run_id", run_id, "protocol_version",
                     (int)hello->version, "clk_hz", (json_int_t)hello->clk_hz, "resolution_ticks",
                     (int)hello->resolution_ticks, "resolution_ns", ticks_to_ns(facts, hello->resolution_ticks),
                     "dead_ticks", (int)hello->dead_ticks, "dead_ns", ticks_to_ns(facts, hello->dead_ticks), "stats",
                     encode_stats(&facts->stats), "calibration", facts->calibration_path, "uncertainty",
                     encode_budget(&facts->budget));
}

int p2p_verb_probe_info(const struct p2p_options *options)
{
    struct p2p_probe_verb verb;
    struct facts facts = {0};
    struct p2p_error error = {0};
    enum p2p_code code = p2p_probe_verb_prepare(&verb, options, &error);
    int exit_code = P2P_EXIT_PASS;

    if (code == P2P_OK) {
        code = gather(&verb, &facts, &error);
    }
    if (code != P2P_OK) {
        exit_code = p2p_complain(&error, options);
    } else if (!options->json) {
        print_facts(&facts);
    } else if (!p2p_print_answer(encode(&facts))) {
        exit_code = P2P_EXIT_BENCH_FAULT;
    }
    p2p_probe_verb_discard(&verb); /* the facts borrow from its bench */
    return p2p_finish_output(exit_code);
}
