/* SPDX-License-Identifier: MIT */
#include "store/analysis.h"

#include "capture/pairing.h"
#include "store/boot_seed.h"
#include "store/edge_file.h"
#include "store/judging.h"
#include "store/run_folder.h"
#include "util/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EDGES_PER_READ = 4096 };

/* What boots of one configuration add up to. */
struct tally {
    struct p2p_series *series; /* NULL before the first boot */
    uint32_t *numbers;         /* of the boots in the series, one for one */
    struct p2p_account account;
    struct p2p_judgement faults; /* of single boots */
    struct p2p_truth truth;
    uint32_t boots;
};

/* By its boots, the first of which counts. */
enum xen_use { XEN_UNKNOWN, ON_XEN, WITHOUT_XEN };

struct p2p_analysis {
    struct p2p_result *result;
    struct tally *planned; /* by configuration: the boots of the plan, */
    struct tally *fresh;   /* and those to confirm that it fails */
    enum xen_use *xen;     /* and both */
};

struct p2p_analysis *p2p_analysis_new(struct p2p_result *result)
{
    struct p2p_analysis *analysis = calloc(1, sizeof *analysis);

    if (analysis == NULL) {
        return NULL;
    }
    analysis->result = result;
    analysis->planned = calloc(result->configuration_count, sizeof *analysis->planned);
    analysis->fresh = calloc(result->configuration_count, sizeof *analysis->fresh);
    analysis->xen = calloc(result->configuration_count, sizeof *analysis->xen);
    if (analysis->planned == NULL || analysis->fresh == NULL || analysis->xen == NULL) {
        p2p_analysis_free(analysis);
        return NULL;
    }
    return analysis;
}

static void free_tallies(struct tally *tallies, size_t count)
{
    for (size_t i = 0; tallies != NULL && i < count; i++) {
        p2p_series_free(tallies[i].series);
        free(tallies[i].numbers);
    }
    free(tallies);
}

void p2p_analysis_free(struct p2p_analysis *analysis)
{
    if (analysis != NULL) {
        free_tallies(analysis->planned, analysis->result->configuration_count);
        free_tallies(analysis->fresh, analysis->result->configuration_count);
        free(analysis->xen);
        free(analysis);
    }
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

/* False: out of memory. */
static bool begin_boot(struct tally *tally, uint32_t boot, uint32_t warmup)
{
    size_t count = 0;
    uint32_t *numbers;

    if (tally->series == NULL) {
        tally->series = p2p_series_new(warmup);
    }
    if (tally->series == NULL) {
        return false;
    }
    count = p2p_series_boot_count(tally->series);
    numbers = realloc(tally->numbers, (count + 1) * sizeof *numbers);
    if (numbers == NULL) {
        return false;
    }
    numbers[count] = boot;
    tally->numbers = numbers;
    return p2p_series_begin_boot(tally->series);
}

/* What the reader says once all was read. */
static void check_end(const struct p2p_edge_reader *reader, const struct p2p_vouched *vouched, bool sound,
                      struct p2p_judgement *faults, uint32_t boot)
{
    struct p2p_error error = {0};

    if (!p2p_edge_reader_complete(reader)) {
        p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": the recording of edges has no end", boot);
    } else if (sound && p2p_check_vouched("edges.p2p", vouched, p2p_edge_reader_digest(reader), &error) != P2P_OK) {
        p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": %s", boot, error.message);
    }
}

/* *sound: all of the file could be read, and counts. */
static enum p2p_code read_edges(struct p2p_analysis *analysis, struct tally *tally, uint32_t boot,
                                const char *boot_folder, const char *path, const struct p2p_vouched *vouched,
                                bool *sound, struct p2p_error *error)
{
    struct p2p_result *result = analysis->result;
    struct intake intake = {0};
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
    if (pairing == NULL || !begin_boot(tally, boot, result->warmup)) {
        code = p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
        goto out;
    }
    intake.series = tally->series;
    *sound = pair_edges(reader, pairing, &tally->faults, boot, boot_folder);
    p2p_account_add(&tally->account, p2p_pairing_account(pairing));
    if (intake.refused) {
        p2p_judgement_add(&tally->faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": a latency of over 2^32 ticks",
                          boot);
    }
    check_end(reader, vouched, *sound, &tally->faults, boot);
out:
    p2p_pairing_free(pairing);
    p2p_edge_reader_close(reader);
    return code;
}

/* A boot of the same name and number, but of another run. A boot with a fault need not have come to its end. */
static void check_schedule(const struct p2p_result *result, size_t configuration, uint32_t boot,
                           const struct p2p_boot_summary *summary, struct p2p_judgement *faults)
{
    uint32_t number = result->configurations[configuration].number;
    uint64_t seed = number == 0 ? summary->seed : p2p_boot_seed(result->seed, number - 1, boot);

    if (summary->has_seed && summary->seed != seed) {
        p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT,
                          "boot %" PRIu32 ": its boot.json is of another run: seed 0x%016" PRIx64
                          ", expected 0x%016" PRIx64,
                          boot, summary->seed, seed);
    }
    if (summary->complete && summary->has_stimuli && summary->stimuli != result->samples) {
        p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT,
                          "boot %" PRIu32 ": its boot.json is of another run: %" PRIu64 " stimuli, expected %" PRIu64,
                          boot, summary->stimuli, result->samples);
    }
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
    if (summary->confirmation != (boot > result->boots)) {
        p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": its boot.json says that it is %s", boot,
                          summary->confirmation ? "a fresh one" : "one of the plan's");
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

/* One guest answers in all boots of a configuration. */
static void take_stub(struct p2p_result_configuration *configuration, uint32_t boot,
                      const struct p2p_boot_summary *summary, struct p2p_judgement *faults)
{
    if (summary->stub[0] == '\0') {
        return;
    }
    if (configuration->stub[0] == '\0') {
        snprintf(configuration->stub, sizeof configuration->stub, "%s", summary->stub);
        snprintf(configuration->stub_path, sizeof configuration->stub_path, "%s", summary->stub_path);
    } else if (strcmp(configuration->stub, summary->stub) != 0 ||
               strcmp(configuration->stub_path, summary->stub_path) != 0) {
        p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT,
                          "boot %" PRIu32 ": answered by %s, path %s; others by %s, path %s", boot, summary->stub,
                          summary->stub_path, configuration->stub, configuration->stub_path);
    }
}

/* All complete boots of a configuration run on Xen, or none. */
static void check_xen(struct p2p_analysis *analysis, size_t configuration, uint32_t boot,
                      const struct p2p_boot_summary *summary, struct p2p_judgement *faults)
{
    enum xen_use *others = &analysis->xen[configuration];
    enum xen_use own = summary->xen ? ON_XEN : WITHOUT_XEN;

    if (!summary->complete || !summary->has_xen) {
        return;
    }
    if (*others == XEN_UNKNOWN) {
        *others = own;
    } else if (*others != own) {
        p2p_judgement_add(faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": it ran %s Xen, others %s", boot,
                          own == ON_XEN ? "on" : "without", own == ON_XEN ? "without" : "on it");
    }
}

/* False: there is none that could be read. */
static bool take_summary(struct p2p_analysis *analysis, size_t configuration, uint32_t boot, const char *boot_folder,
                         struct tally *tally, struct p2p_boot_summary *summary)
{
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
    check_schedule(analysis->result, configuration, boot, summary, &tally->faults);
    check_xen(analysis, configuration, boot, summary, &tally->faults);
    take_stub(&analysis->result->configurations[configuration], boot, summary, &tally->faults);
    if (!summary->complete) {
        p2p_judgement_add(&tally->faults, P2P_VERDICT_BENCH_FAULT, "boot %" PRIu32 ": %s", boot, summary->fault);
    }
    return true;
}

static enum p2p_code compare_with_truth(const struct p2p_analysis *analysis, struct tally *tally, uint32_t boot,
                                        const char *boot_folder, const char *edges_path,
                                        const struct p2p_vouched *vouched, struct p2p_error *error)
{
    char *path = p2p_format("%s/truth.p2p", boot_folder);
    struct p2p_error cause = {0};
    enum p2p_code code;

    if (path == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", boot_folder);
    }
    tally->truth.correction_ns = analysis->result->budget.skew_correction_ns;
    code = p2p_truth_add_boot(&tally->truth, edges_path, path, vouched, analysis->result->stimulus.deadline_ns, &cause);
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

static enum p2p_code record_order(struct p2p_result *result, size_t configuration, uint32_t boot,
                                  struct p2p_error *error)
{
    struct p2p_result_order *grown = realloc(result->order, (result->order_count + 1) * sizeof *grown);

    if (grown == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    grown[result->order_count++] = (struct p2p_result_order){.configuration = configuration, .boot = boot};
    result->order = grown;
    return P2P_OK;
}

enum p2p_code p2p_analysis_add_boot(struct p2p_analysis *analysis, size_t configuration, uint32_t boot,
                                    const char *boot_folder, struct p2p_error *error)
{
    struct tally *tally =
        boot > analysis->result->boots ? &analysis->fresh[configuration] : &analysis->planned[configuration];
    char *path = p2p_format("%s/edges.p2p", boot_folder);
    struct p2p_boot_summary summary = {0};
    enum p2p_code code = record_order(analysis->result, configuration, boot, error);
    bool present, silent, sound = false;

    if (path == NULL || code != P2P_OK) {
        free(path);
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", boot_folder);
    }
    tally->boots++;
    present = take_summary(analysis, configuration, boot, boot_folder, tally, &summary);
    /* A boot that ended before the probe was known has said why: there are no edges to look for. */
    silent = present && !summary.complete && summary.probe[0] == '\0';
    if (!silent || access(path, F_OK) == 0) {
        code = read_edges(analysis, tally, boot, boot_folder, path, &summary.edges, &sound, error);
    }
    if (present && code == P2P_OK) {
        take_probe(analysis->result, &summary);
    }
    if (sound && code == P2P_OK) {
        code = compare_with_truth(analysis, tally, boot, boot_folder, path, &summary.truth, error);
    }
    free(path);
    return code;
}

/* As a file holds it: a run, its report and the gate judge by the same digits. */
static double to_ps(double value_ns)
{
    return round(value_ns * 1e3) / 1e3;
}

/* False: out of memory. */
static bool take_boot_figures(const struct p2p_result *result, const struct tally *tally,
                              struct p2p_result_configuration *configuration)
{
    size_t count = p2p_series_boot_count(tally->series);
    struct p2p_result_boot *boots = realloc(configuration->boot_figures, (count + 1) * sizeof *boots);

    if (boots == NULL) {
        return false;
    }
    configuration->boot_figures = boots;
    configuration->boot_figure_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct p2p_result_boot *boot = &boots[configuration->boot_figure_count];
        struct p2p_boot_figures *figures = &boot->figures;

        boot->boot = tally->numbers[i];
        p2p_series_boot_figures(tally->series, i, result->tick_hz, &result->budget, figures);
        figures->variance_ns2 = to_ps(figures->variance_ns2);
        figures->value_ns[P2P_FIGURE_AVG] = to_ps(figures->value_ns[P2P_FIGURE_AVG]);
        configuration->boot_figure_count += figures->n > 0;
    }
    return true;
}

/* False: out of memory. */
static bool take_spread(struct p2p_result_configuration *configuration)
{
    size_t count = configuration->boot_figure_count;
    struct p2p_boot_figures *figures = calloc(count + 1, sizeof *figures);

    if (figures == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        figures[i] = configuration->boot_figures[i].figures;
    }
    p2p_spread_of(figures, count, &configuration->spread);
    free(figures);
    return true;
}

static void count_exceedances(const struct p2p_result *result, const struct tally *tally,
                              const struct p2p_exceedance_limit *limit, struct p2p_exceedance *exceedance)
{
    const struct p2p_account *account = &tally->account;

    *exceedance = (struct p2p_exceedance){0};
    if (limit->over_ns != UINT64_MAX) {
        exceedance->n = account->stimuli;
        exceedance->count = account->missed + account->late +
                            p2p_series_count_above(tally->series, limit->over_ns, result->tick_hz, &result->budget);
    }
}

/* False: out of memory. */
static bool update_planned(const struct p2p_result *result, const struct tally *tally,
                           struct p2p_result_configuration *configuration)
{
    bool done = true;

    configuration->boots = tally->boots;
    configuration->account = tally->account;
    configuration->truth = tally->truth;
    configuration->stats = (struct p2p_stats){0};
    configuration->spread = (struct p2p_spread){0};
    configuration->outliers = (struct p2p_outliers){0};
    configuration->exceedance = (struct p2p_exceedance){0};
    configuration->boot_figure_count = 0;
    configuration->judgement = tally->faults;
    if (tally->series != NULL) {
        p2p_series_stats(tally->series, result->tick_hz, &result->budget, &configuration->stats);
        p2p_series_outliers(tally->series, result->tick_hz, &result->budget, &configuration->outliers);
        count_exceedances(result, tally, &configuration->limits.exceedance, &configuration->exceedance);
        done = take_boot_figures(result, tally, configuration) && take_spread(configuration);
    }
    if (tally->boots == 0) {
        p2p_judgement_add(&configuration->judgement, P2P_VERDICT_BENCH_FAULT, "not measured");
    }
    return done;
}

static void update_fresh(const struct p2p_result *result, const struct tally *tally, const struct p2p_limits *limits,
                         struct p2p_confirmation *confirmation)
{
    *confirmation = (struct p2p_confirmation){
        .boots = tally->boots,
        .judgement = tally->faults,
        .account = tally->account,
        .truth = tally->truth,
    };
    if (tally->series != NULL) {
        p2p_series_stats(tally->series, result->tick_hz, &result->budget, &confirmation->stats);
        count_exceedances(result, tally, &limits->exceedance, &confirmation->exceedance);
    }
}

enum p2p_code p2p_analysis_update(struct p2p_analysis *analysis, bool ended, struct p2p_error *error)
{
    struct p2p_result *result = analysis->result;
    uint64_t recorded = 0;

    for (size_t i = 0; i < result->configuration_count; i++) {
        struct p2p_result_configuration *configuration = &result->configurations[i];

        if (!update_planned(result, &analysis->planned[i], configuration)) {
            return p2p_error_set(error, P2P_E_HOST, "out of memory");
        }
        update_fresh(result, &analysis->fresh[i], &configuration->limits, &configuration->confirmation);
        recorded += configuration->boots;
    }
    result->complete = ended && recorded == (uint64_t)result->boots * result->configuration_count;
    return p2p_result_judge(result) ? P2P_OK : p2p_error_set(error, P2P_E_HOST, "out of memory");
}

/* ---- A run folder ---- */

/* Which boots were taken in already: a row for each configuration. */
struct taken {
    bool *boots;
    size_t per_configuration;
};

/* A boot that is not there is not taken in; *missing counts it. */
static enum p2p_code add_recorded_boot(struct p2p_analysis *analysis, const char *folder, struct p2p_result_order entry,
                                       struct taken *taken, size_t *missing, struct p2p_error *error)
{
    const char *name = analysis->result->configurations[entry.configuration].name;
    size_t index = entry.configuration * taken->per_configuration + entry.boot - 1;
    char *boot_folder;
    enum p2p_code code = P2P_OK;

    if (entry.boot > taken->per_configuration || taken->boots[index]) {
        return P2P_OK;
    }
    boot_folder = p2p_boot_folder(folder, name, entry.boot);
    if (boot_folder == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", folder);
    }
    if (access(boot_folder, F_OK) == 0) {
        taken->boots[index] = true;
        code = p2p_analysis_add_boot(analysis, entry.configuration, entry.boot, boot_folder, error);
    } else {
        ++*missing;
    }
    free(boot_folder);
    return code;
}

/*
 * As they were run; then those that result.json does not know: of a run that was killed, or from before there was an
 * order, when configurations took turns as in the plan. *lost: boots that it knows are gone.
 */
static enum p2p_code add_recorded_boots(struct p2p_analysis *analysis, const char *folder,
                                        const struct p2p_result_order *order, size_t count, size_t *lost,
                                        struct p2p_error *error)
{
    const struct p2p_result *result = analysis->result;
    struct taken taken = {.per_configuration = result->boots + result->confirm_boots};
    enum p2p_code code = P2P_OK;
    size_t absent = 0;

    taken.boots = calloc(result->configuration_count, taken.per_configuration * sizeof *taken.boots);
    if (taken.boots == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", folder);
    }
    for (size_t i = 0; i < count && code == P2P_OK; i++) {
        code = add_recorded_boot(analysis, folder, order[i], &taken, lost, error);
    }
    for (uint32_t boot = 1; boot <= taken.per_configuration && code == P2P_OK; boot++) {
        for (size_t i = 0; i < result->configuration_count && code == P2P_OK; i++) {
            code = add_recorded_boot(analysis, folder, (struct p2p_result_order){i, boot}, &taken, &absent, error);
        }
    }
    free(taken.boots);
    return code;
}

/* What was asked for stays; what came of it is forgotten. */
static void forget_measured(struct p2p_result *result)
{
    result->probe[0] = result->serial[0] = result->firmware[0] = '\0';
    result->tick_hz = 0;
    result->budget = (struct p2p_uncertainty){0};
    result->order = NULL;
    result->order_count = 0;
    for (size_t i = 0; i < result->configuration_count; i++) {
        result->configurations[i].stub[0] = result->configurations[i].stub_path[0] = '\0';
    }
}

struct p2p_result *p2p_analyse_run(const char *folder, struct p2p_error *error)
{
    char *path = p2p_result_path(folder);
    struct p2p_result *result = path == NULL ? NULL : p2p_result_load(path, error);
    struct p2p_analysis *analysis = NULL;
    struct p2p_result_order *order = NULL;
    enum p2p_code code = P2P_E_HOST;
    size_t count = 0, lost = 0;

    free(path);
    if (result == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", folder);
        return NULL;
    }
    order = result->order;
    count = result->order_count;
    forget_measured(result);
    analysis = p2p_analysis_new(result);
    if (analysis == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", folder);
        goto out;
    }
    code = add_recorded_boots(analysis, folder, order, count, &lost, error);
    if (code == P2P_OK) {
        code = p2p_analysis_update(analysis, result->complete && lost == 0, error);
    }
out:
    p2p_analysis_free(analysis);
    free(order);
    if (code != P2P_OK) {
        p2p_result_free(result);
        result = NULL;
    }
    return result;
}
