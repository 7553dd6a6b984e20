/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "calibration/calibration_file.h"
#include "config/bench.h"
#include "config/plan.h"
#include "store/result.h"
#include "util/file.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PEEK_BYTES_MAX = 1 << 20 };

/* What kind of file it says it is; "" if it does not. The loader gives the good messages. */
static void peek_schema(const char *path, char *schema, size_t bytes)
{
    struct p2p_error ignored = {0};
    char *data = NULL;
    size_t size = 0;
    json_t *root = NULL;
    const char *text;

    if (p2p_read_file(path, PEEK_BYTES_MAX, &data, &size, &ignored) == P2P_OK) {
        root = json_loadb(data, size, 0, NULL);
    }
    text = json_string_value(json_object_get(root, "schema"));
    snprintf(schema, bytes, "%s", text != NULL ? text : "");
    json_decref(root);
    free(data);
}

/* The plan may be meant for another computer: what is missing on this one is worth a word, not a refusal. */
static void warn_if_missing(const struct p2p_options *options, const char *path, const char *what)
{
    if (!options->quiet && path != NULL && access(path, R_OK) != 0) {
        fprintf(stderr, "pin2pin: warning: %s is not on this computer: %s\n", what, path);
    }
}

static void print_neighbours(const struct p2p_configuration *configuration)
{
    for (size_t i = 0; i < configuration->neighbour_count; i++) {
        printf(" %s", configuration->neighbours[i]->name);
    }
}

/* What differs between configurations, in words; the rest is the bench's. */
static void print_configuration(const struct p2p_configuration *configuration, int width)
{
    const struct p2p_xen *xen = configuration->xen;

    printf("  %-*s ", width, configuration->name);
    if (xen == NULL) {
        printf(" native");
    } else {
        printf(" Xen %s%s %s vwfi=%s", xen->version, xen->debug ? " debug" : "", xen->scheduler,
               p2p_vwfi_name(xen->vwfi));
    }
    if (configuration->gic > 0) {
        printf(" GICv%" PRIu32, configuration->gic);
    }
    if (configuration->cpus > 0) {
        printf(" %" PRIu32 " CPU%s", configuration->cpus, configuration->cpus > 1 ? "s" : "");
    }
    print_neighbours(configuration);
    putchar('\n');
}

static void print_configurations(const struct p2p_plan *plan)
{
    int width = 0;

    for (size_t i = 0; i < plan->configuration_count; i++) {
        int length = (int)strlen(plan->configurations[i].name);

        width = length > width ? length : width;
    }
    for (size_t i = 0; i < plan->configuration_count; i++) {
        print_configuration(&plan->configurations[i], width);
    }
}

static void warn_of_images(const struct p2p_options *options, const struct p2p_plan *plan)
{
    warn_if_missing(options, plan->bench_path, "the plan's bench");
    for (size_t i = 0; i < plan->neighbour_count; i++) {
        warn_if_missing(options, plan->neighbours[i].image, plan->neighbours[i].name);
    }
    for (size_t i = 0; i < plan->configuration_count; i++) {
        const struct p2p_configuration *configuration = &plan->configurations[i];

        warn_if_missing(options, configuration->guest, configuration->name);
        if (configuration->xen != NULL) {
            warn_if_missing(options, configuration->xen->image, configuration->name);
        }
    }
}

/* The caller frees the plan. */
static bool check_plan(const struct p2p_options *options, struct p2p_plan **plan, char *summary, size_t bytes,
                       struct p2p_error *error)
{
    *plan = p2p_plan_load(options->argument, error);
    if (*plan == NULL) {
        return false;
    }
    snprintf(summary, bytes, "plan %s: %zu configurations x %" PRIu32 " boots x %" PRIu64 " samples", (*plan)->name,
             (*plan)->configuration_count, (*plan)->boots, (*plan)->samples);
    warn_of_images(options, *plan);
    return true;
}

/* A calibration that cannot be used makes the bench unusable, not just poorer. One that is missing may come yet. */
static bool check_calibration_of(const struct p2p_bench *bench, struct p2p_error *error)
{
    const char *path = bench->probe.calibration;
    struct p2p_calibration calibration;

    return path == NULL || access(path, F_OK) != 0 ||
           p2p_calibration_load_complete(path, &calibration, error) == P2P_OK;
}

static bool check_bench(const struct p2p_options *options, char *summary, size_t bytes, struct p2p_error *error)
{
    struct p2p_bench *bench = p2p_bench_load(options->argument, error);

    bool valid;

    if (bench == NULL) {
        return false;
    }
    if (bench->board.kind == P2P_BOARD_NONE) {
        snprintf(summary, bytes, "bench %s: a probe alone (%s)", bench->name, p2p_probe_kind_name(bench->probe.kind));
    } else {
        snprintf(summary, bytes, "bench %s: %s, GICv%u, probe %s", bench->name, p2p_board_kind_name(bench->board.kind),
                 bench->board.gic, p2p_probe_kind_name(bench->probe.kind));
        warn_if_missing(options, bench->stub, "the bench's stub");
    }
    if (bench->board.kind == P2P_BOARD_QEMU_VIRT) {
        warn_if_missing(options, bench->board.wires, "the bench's wires plugin");
    } else if (p2p_bench_is_lab(bench)) {
        warn_if_missing(options, bench->lab.device_tree, "the board's device tree");
    }
    if (bench->probe.kind == P2P_PROBE_VIRTUAL) {
        warn_if_missing(options, bench->probe.runner, "the virtual probe's runner");
        warn_if_missing(options, bench->probe.image, "the probe's firmware");
    }
    if (bench->probe.calibration != NULL) {
        warn_if_missing(options, bench->probe.calibration, "the probe's calibration");
    }
    valid = check_calibration_of(bench, error);
    p2p_bench_free(bench);
    return valid;
}

static bool check_calibration(const struct p2p_options *options, char *summary, size_t bytes, struct p2p_error *error)
{
    struct p2p_calibration calibration;

    if (p2p_calibration_load(options->argument, &calibration, error) != P2P_OK) {
        return false;
    }
    snprintf(summary, bytes, "calibration of probe %s: %s", calibration.serial,
             p2p_calibration_complete(&calibration) ? "complete" : "not complete yet");
    return true;
}

static bool check_result(const struct p2p_options *options, char *summary, size_t bytes, struct p2p_error *error)
{
    struct p2p_result *result = p2p_result_load(options->argument, error);

    if (result == NULL) {
        return false;
    }
    snprintf(summary, bytes, "result of plan %s: %s", result->plan, p2p_verdict_name(result->judgement.verdict));
    p2p_result_free(result);
    return true;
}

/* The names of a plan's configurations. NULL: no plan, or no memory. */
static json_t *list_configurations(const struct p2p_plan *plan)
{
    json_t *names = plan != NULL ? json_array() : NULL;

    for (size_t i = 0; names != NULL && i < plan->configuration_count; i++) {
        json_array_append_new(names, json_string(plan->configurations[i].name));
    }
    return names;
}

static bool print_answer(const char *path, const struct p2p_plan *plan, bool valid, const char *message)
{
    json_t *answer = json_pack("{ss sb ss so*}", "file", path, "valid", (int)valid, "message", message,
                               "configurations", list_configurations(plan));

    if (answer == NULL) {
        fprintf(stderr, "pin2pin: %s: no JSON of this: its name is not UTF-8, or no memory\n", path);
        return false;
    }
    json_dumpf(answer, stdout, 0); /* a failure to write is told by p2p_finish_output */
    putchar('\n');
    json_decref(answer);
    return true;
}

int p2p_verb_check(const struct p2p_options *options)
{
    char schema[64], summary[256];
    struct p2p_error error = {0};
    struct p2p_plan *plan = NULL;
    int exit_code;
    bool valid;

    peek_schema(options->argument, schema, sizeof schema);
    if (strcmp(schema, "pin2pin.bench") == 0) {
        valid = check_bench(options, summary, sizeof summary, &error);
    } else if (strcmp(schema, "pin2pin.result") == 0) {
        valid = check_result(options, summary, sizeof summary, &error);
    } else if (strcmp(schema, "pin2pin.calibration") == 0) {
        valid = check_calibration(options, summary, sizeof summary, &error);
    } else {
        valid = check_plan(options, &plan, summary, sizeof summary, &error);
    }
    exit_code = valid ? P2P_EXIT_PASS : p2p_complain(&error, options);
    if (!options->json && valid) {
        printf("%s: %s\n", options->argument, summary);
    }
    if (!options->json && plan != NULL) {
        print_configurations(plan);
    }
    if (options->json && !print_answer(options->argument, plan, valid, valid ? summary : error.message)) {
        exit_code = P2P_EXIT_BENCH_FAULT;
    }
    p2p_plan_free(plan);
    return p2p_finish_output(exit_code);
}
