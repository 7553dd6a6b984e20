/* SPDX-License-Identifier: MIT */
#include "store/analysis.h"

#include "capture/pairing.h"
#include "store/edge_file.h"
#include "store/run_folder.h"
#include "util/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EDGES_PER_READ = 4096 };

#define NS_PER_S 1e9

/* What one configuration's boots add up to. */
struct tally {
    struct p2p_series *series;
    struct p2p_account account;
    struct p2p_judgement faults; /* of single boots */
    struct p2p_truth truth;
    uint32_t boots;
    uint32_t whole_boots;
};

struct p2p_analysis {
    struct p2p_result *result;
    struct tally *tallies;
};

struct p2p_analysis *p2p_analysis_new(struct p2p_result *result)
{
    struct p2p_analysis *analysis = calloc(1, sizeof *analysis);

    if (analysis == NULL) {
        return NULL;
    }
    analysis->result = result;
    analysis->tallies = calloc(result->configuration_count, sizeof *analysis->tallies);
    for (size_t i = 0; analysis->tallies != NULL && i < result->configuration_count; i++) {
        analysis->tallies[i].series = p2p_series_new(result->warmup);
        if (analysis->tallies[i].series == NULL) {
            p2p_analysis_free(analysis);
            return NULL;
        }
    }
    if (analysis->tallies == NULL) {
        free(analysis);
        return NULL;
    }
    return analysis;
}

void p2p_analysis_free(struct p2p_analysis *analysis)
{
    if (analysis == NULL) {
        return;
    }
    for (size_t i = 0; i < analysis->result->configuration_count; i++) {
        p2p_series_free(analysis->tallies[i].series);
    }
    free(analysis->tallies);
    free(analysis);
}

/* Where the samples of one boot go. */
struct intake {
    struct p2p_series *series;
    bool refused; /* a latency beyond the histogram, or no memory for it */
};

static void take_sample(void *user, const struct p2p_sample *sample)
{
    struct intake *intake = user;

    if (!p2p_series_add(intake->series, sample->latency_ticks)) {
        intake->refused = true;
    }
}

/* All boots of a run come from one probe: what the first says, the others must say too. */
static bool same_instrument(struct p2p_result *result, const struct p2p_edge_file_header *header)
{
    if (result->tick_hz == 0) {
        result->tick_hz = header->tick_hz;
        result->time_base = header->time_base;
    }
    return result->tick_hz == header->tick_hz && result->time_base == header->time_base;
}

/* Where the run folder stands is no part of a result, which is to be the same wherever it is made again. */
static const char *within(const char *message, const char *boot_folder)
{
    size_t length = strlen(boot_folder);

    return strncmp(message, boot_folder, length) == 0 && message[length] == '/' ? message + length + 1 : message;
}

/* False: the file is damaged, and the faults say so. */
static bool pair_edges(struct p2p_edge_reader *reader, struct p2p_pairing *pairing, struct p2p_judgement *faults,
                       uint32_t boot, const char *boot_folder)
{
    struct p2p_edge edges[EDGES_PER_READ];
    struct p2p_error error = {0};
    bool sound = true;
    size_t count = 0;

    do {
        if (p2p_edge_reader_next(reader, edges, EDGES_PER_READ, &count, &error) != P2P_OK) {
            p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": %s", boot,
                              within(error.message, boot_folder));
            sound = false;
            break;
        }
        p2p_pairing_feed(pairing, edges, count);
    } while (count > 0);
    p2p_pairing_finish(pairing);
    return sound;
}

/* *sound: all of the file could be read, and counts. */
static enum p2p_code read_edges(struct p2p_analysis *analysis, struct tally *tally, uint32_t boot,
                                const char *boot_folder, const char *path, bool *sound, struct p2p_error *error)
{
    struct p2p_result *result = analysis->result;
    struct intake intake = {.series = tally->series};
    struct p2p_edge_file_header header = {0};
    struct p2p_error cause = {0};
    struct p2p_edge_reader *reader = p2p_edge_reader_open(path, &header, &cause);
    struct p2p_pairing *pairing = NULL;
    enum p2p_code code = P2P_OK;

    if (reader == NULL) {
        p2p_judgement_add(&tally->faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": %s", boot,
                          within(cause.message, boot_folder));
        return P2P_OK;
    }
    if (!same_instrument(result, &header)) {
        p2p_judgement_add(&tally->faults, P2P_VERDICT_BENCH_FAULT,
                          "boot %" PRIu32 ": edges.p2p: another clock than the boots before", boot);
        goto out;
    }
    pairing = p2p_pairing_new(p2p_ns_to_ticks(result->stimulus.deadline_ns, header.tick_hz), take_sample, &intake);
    if (pairing == NULL) {
        code = p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
        goto out;
    }
    p2p_series_begin_boot(tally->series);
    *sound = pair_edges(reader, pairing, &tally->faults, boot, boot_folder);
    p2p_account_add(&tally->account, p2p_pairing_account(pairing));
    if (intake.refused) {
        p2p_judgement_add(&tally->faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": a latency of over 2^32 ticks",
                          boot);
    }
    if (!p2p_edge_reader_complete(reader)) {
        p2p_judgement_add(&tally->faults, P2P_VERDICT_BENCH_FAULT,
                          "boot %" PRIu32 ": the recording of edges has no end", boot);
    }
out:
    p2p_pairing_free(pairing);
    p2p_edge_reader_close(reader);
    return code;
}

/* What stands between a name and `text`, which may be empty. */
static const char *before(const char *text)
{
    return text[0] == '\0' ? "" : " ";
}

/* A folder copied to another's place must not pass for it, nor boots of two probes for one measurement. */
static void check_belongs(const struct p2p_result *result, size_t configuration, uint32_t boot,
                          const struct p2p_boot_summary *summary, struct p2p_judgement *faults)
{
    if (strcmp(summary->configuration, result->configurations[configuration].name) != 0 || summary->boot != boot) {
        p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": its boot.json is of %s, boot %" PRIu32,
                          boot, summary->configuration, summary->boot);
    }
    if (result->probe[0] != '\0' && summary->probe[0] != '\0' &&
        (strcmp(result->probe, summary->probe) != 0 || strcmp(result->serial, summary->serial) != 0)) {
        p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT,
                          "boot %" PRIu32 ": measured with probe %s%s%s, others with %s%s%s", boot, summary->probe,
                          before(summary->serial), summary->serial, result->probe, before(result->serial),
                          result->serial);
    }
    if (result->probe[0] != '\0' && summary->probe[0] != '\0' &&
        !p2p_uncertainty_is_same(&result->budget, &summary->budget)) {
        p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT,
                          "boot %" PRIu32 ": measured with another uncertainty budget than the first", boot);
    }
}

/* The first boot's counts. Without a readable edges.p2p its clock is not known, and nothing was measured with it. */
static void take_probe(struct p2p_result *result, const struct p2p_boot_summary *summary)
{
    if (result->probe[0] == '\0' && result->tick_hz != 0) {
        snprintf(result->probe, sizeof result->probe, "%s", summary->probe);
        snprintf(result->serial, sizeof result->serial, "%s", summary->serial);
        snprintf(result->firmware, sizeof result->firmware, "%s", summary->firmware);
        result->budget = summary->budget;
    }
}

/* False: there is none that could be read. */
static bool take_summary(struct p2p_analysis *analysis, size_t configuration, uint32_t boot, const char *boot_folder,
                         struct p2p_boot_summary *summary)
{
    struct tally *tally = &analysis->tallies[configuration];
    struct p2p_error cause = {0};
    bool present = false;

    if (p2p_boot_summary_load(boot_folder, summary, &present, &cause) != P2P_OK) {
        p2p_judgement_add(&tally->faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": %s", boot,
                          within(cause.message, boot_folder));
        return false;
    }
    if (!present) {
        p2p_judgement_add(&tally->faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 " was cut off: it has no boot.json",
                          boot);
        return false;
    }
    check_belongs(analysis->result, configuration, boot, summary, &tally->faults);
    if (!summary->complete) {
        p2p_judgement_add(&tally->faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": %s", boot, summary->fault);
    } else {
        tally->whole_boots++;
    }
    return true;
}

static enum p2p_code compare_with_truth(const struct p2p_analysis *analysis, struct tally *tally, uint32_t boot,
                                        const char *boot_folder, const char *edges_path, struct p2p_error *error)
{
    char *path = p2p_format("%s/truth.p2p", boot_folder);
    struct p2p_error cause = {0};
    enum p2p_code code;

    if (path == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", boot_folder);
    }
    tally->truth.correction_ns = analysis->result->budget.skew_correction_ns;
    code = p2p_truth_add_boot(&tally->truth, edges_path, path, analysis->result->stimulus.deadline_ns, &cause);
    if (code == P2P_E_INPUT) {
        p2p_judgement_add(&tally->faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": %s", boot,
                          within(cause.message, boot_folder));
        code = P2P_OK;
    } else if (code != P2P_OK) {
        p2p_error_set(error, code, "%s", cause.message);
    }
    free(path);
    return code;
}

enum p2p_code p2p_analysis_add_boot(struct p2p_analysis *analysis, size_t configuration, uint32_t boot,
                                    const char *boot_folder, struct p2p_error *error)
{
    struct tally *tally = &analysis->tallies[configuration];
    char *path = p2p_format("%s/edges.p2p", boot_folder);
    struct p2p_boot_summary summary;
    enum p2p_code code = P2P_OK;
    bool present, silent, sound = false;

    if (path == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", boot_folder);
    }
    tally->boots++;
    present = take_summary(analysis, configuration, boot, boot_folder, &summary);
    /* A boot that ended before the probe was known has said why: there are no edges to look for. */
    silent = present && !summary.complete && summary.probe[0] == '\0';
    if (!silent || access(path, F_OK) == 0) {
        code = read_edges(analysis, tally, boot, boot_folder, path, &sound, error);
    }
    if (present && code == P2P_OK) {
        take_probe(analysis->result, &summary);
    }
    if (sound && code == P2P_OK) {
        code = compare_with_truth(analysis, tally, boot, boot_folder, path, error);
    }
    free(path);
    return code;
}

/* What a sample may be off by: a tick, and three times what else there is, over the longest latency. */
static double allowed_error_ns(const struct p2p_result *result)
{
    const struct p2p_uncertainty *budget = &result->budget;

    return NS_PER_S / (double)result->tick_hz + 3 * budget->skew_ns +
           3e-6 * budget->timebase_ppm * (double)result->stimulus.deadline_ns;
}

/* What the mean may be off by: five times its standard uncertainty, which chance exceeds once in a million runs. */
static double allowed_mean_error_ns(const struct p2p_result *result, const struct p2p_stats *stats, uint64_t n)
{
    struct p2p_uncertainty budget = result->budget;

    budget.quantisation_ns = p2p_quantisation_ns(1, result->tick_hz);
    return 2.5 * p2p_uncertainty_of_mean_ns(&budget, stats->avg_ns, n); /* which is expanded, k = 2 */
}

/* Where the truth is known, the probe is held to it: one that is wrong measures nothing. */
static void judge_truth(const struct p2p_result *result, const struct p2p_truth *truth, const struct p2p_stats *stats,
                        struct p2p_judgement *judgement)
{
    double mean_error_ns = p2p_truth_mean_error_ns(truth);

    if (truth->unmatched > 0) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT, "%" PRIu64 " sample%s that the probe or the truth lacks",
                          truth->unmatched, truth->unmatched == 1 ? "" : "s");
    }
    if (truth->n > 0 && truth->max_error_ns > allowed_error_ns(result) + 1e-6) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                          "the probe is off by up to %.3f ns from the truth, its budget allows %.3f ns",
                          truth->max_error_ns, allowed_error_ns(result));
    }
    if (truth->n > 0 && fabs(mean_error_ns) > allowed_mean_error_ns(result, stats, truth->n)) {
        p2p_judgement_add(
            judgement, P2P_VERDICT_BENCH_FAULT,
            "the mean is off by %.3f ns from the truth, its uncertainty allows %.3f ns (without jitter the "
            "stimuli stand still against the probe's ticks)",
            fabs(mean_error_ns), allowed_mean_error_ns(result, stats, truth->n));
    }
}

static void update_configuration(const struct p2p_result *result, const struct tally *tally,
                                 struct p2p_result_configuration *configuration)
{
    configuration->boots = tally->boots;
    configuration->account = tally->account;
    configuration->truth = tally->truth;
    configuration->stats = (struct p2p_stats){0};
    configuration->judgement = (struct p2p_judgement){0};
    if (result->tick_hz != 0) {
        p2p_series_stats(tally->series, result->tick_hz, &result->budget, &configuration->stats);
    }
    if (tally->boots == 0) {
        p2p_judgement_add(&configuration->judgement, P2P_VERDICT_BENCH_FAULT, "not measured");
        return;
    }
    if (tally->faults.verdict != P2P_VERDICT_PASS) {
        p2p_judgement_add(&configuration->judgement, tally->faults.verdict, "%s", tally->faults.reason);
    }
    judge_truth(result, &tally->truth, &configuration->stats, &configuration->judgement);
    if (tally->account.stimuli > 0 || tally->whole_boots > 0) { /* else the fault has said it all */
        struct p2p_judgement measured = {0};

        p2p_judge(&configuration->stats, &configuration->account, &configuration->limits, &measured);
        if (measured.verdict != P2P_VERDICT_PASS) {
            p2p_judgement_add(&configuration->judgement, measured.verdict, "%s", measured.reason);
        }
    }
}

/* A sick bench voids the run, not only the configuration that showed it. */
static void judge_control(struct p2p_result *result, struct p2p_result_configuration *configuration)
{
    struct p2p_judgement control = {0};

    p2p_judge_control(&configuration->stats, &configuration->control, &control);
    if (control.verdict != P2P_VERDICT_PASS) {
        p2p_judgement_add(&configuration->judgement, control.verdict, "%s", control.reason);
        p2p_judgement_add(&result->judgement, control.verdict, "%s: %s", configuration->name, control.reason);
    }
}

void p2p_analysis_update(struct p2p_analysis *analysis, bool ended)
{
    struct p2p_result *result = analysis->result;
    uint32_t recorded = 0;
    uint64_t planned = (uint64_t)result->boots * result->configuration_count;

    result->judgement = (struct p2p_judgement){0};
    for (size_t i = 0; i < result->configuration_count; i++) {
        struct p2p_result_configuration *configuration = &result->configurations[i];

        update_configuration(result, &analysis->tallies[i], configuration);
        recorded += configuration->boots;
        judge_control(result, configuration);
        if (configuration->judgement.verdict != P2P_VERDICT_PASS) {
            p2p_judgement_add(&result->judgement, configuration->judgement.verdict, "%s: %s", configuration->name,
                              p2p_verdict_name(configuration->judgement.verdict));
        }
    }
    result->complete = ended && recorded == planned;
    if (!result->complete) {
        p2p_judgement_add(&result->judgement, P2P_VERDICT_BENCH_FAULT,
                          "the run is incomplete: %" PRIu32 " of %" PRIu64 " boots recorded", recorded, planned);
    }
}

static enum p2p_code add_recorded_boots(struct p2p_analysis *analysis, const char *folder, struct p2p_error *error)
{
    const struct p2p_result *result = analysis->result;
    enum p2p_code code = P2P_OK;

    for (size_t i = 0; i < result->configuration_count && code == P2P_OK; i++) {
        for (uint32_t boot = 1; boot <= result->boots && code == P2P_OK; boot++) {
            char *boot_folder = p2p_boot_folder(folder, result->configurations[i].name, boot);

            if (boot_folder == NULL) {
                return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", folder);
            }
            if (access(boot_folder, F_OK) == 0) {
                code = p2p_analysis_add_boot(analysis, i, boot, boot_folder, error);
            }
            free(boot_folder);
        }
    }
    return code;
}

struct p2p_result *p2p_analyse_run(const char *folder, struct p2p_error *error)
{
    char *path = p2p_result_path(folder);
    struct p2p_result *result = path == NULL ? NULL : p2p_result_load(path, error);
    struct p2p_analysis *analysis = NULL;
    enum p2p_code code = P2P_OK;
    bool ended;

    free(path);
    if (result == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", folder);
        return NULL;
    }
    ended = result->complete;
    result->probe[0] = result->serial[0] = result->firmware[0] = '\0';
    result->tick_hz = 0;
    result->budget = (struct p2p_uncertainty){0};
    analysis = p2p_analysis_new(result);
    if (analysis == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", folder);
        p2p_result_free(result);
        return NULL;
    }
    code = add_recorded_boots(analysis, folder, error);
    if (code == P2P_OK) {
        p2p_analysis_update(analysis, ended);
    }
    p2p_analysis_free(analysis);
    if (code != P2P_OK) {
        p2p_result_free(result);
        return NULL;
    }
    return result;
}
