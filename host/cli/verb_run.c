/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "board/bootable.h"
#include "board/lab_bench.h"
#include "board/virtual_bench.h"
#include "cli/bench_lock.h"
#include "config/bench.h"
#include "config/plan.h"
#include "reports/result_report.h"
#include "reports/text.h"
#include "session/campaign.h"
#include "store/baseline.h"
#include "store/result.h"
#include "store/run_folder.h"
#include "util/deadline.h"
#include "util/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What goes on while a run is measured: a line on the terminal, rewritten in place, and the reports. */
struct watch {
    const char *folder;
    bool shown;
    int64_t start_ns;
    int64_t last_ns;
};

/* All that a run needs, made before anything is powered. */
struct setup {
    struct p2p_plan *plan;
    struct p2p_bench *bench;
    size_t *selected;
    size_t selected_count;
    struct p2p_virtual_bench *virtual_bench; /* one of the two */
    struct p2p_lab_bench *lab_bench;         /* is NULL */
    struct p2p_bench_lock lock;
    struct p2p_result *result;
    char *folder;
    int stop_fd;
};

static void show_progress(void *user, const struct p2p_progress *progress)
{
    struct watch *watch = user;
    int64_t now_ns = p2p_monotonic_ns();
    double elapsed_s = (double)(now_ns - watch->start_ns) / 1e9;
    double rate = elapsed_s > 0 ? (double)progress->stimuli_done / elapsed_s : 0;
    uint64_t left = progress->stimuli_planned - progress->stimuli_done;

    if (now_ns - watch->last_ns < 100000000 && progress->stimuli_done < progress->stimuli_planned) {
        return;
    }
    watch->last_ns = now_ns;
    watch->shown = true;
    fprintf(stderr, "\r\033[K%s, boot %" PRIu32 " (%" PRIu64 "/%" PRIu64 "): %" PRIu64 "/%" PRIu64 " samples, %.0f/s",
            progress->configuration, progress->boot, progress->boots_done, progress->boots_planned,
            progress->stimuli_done, progress->stimuli_planned, rate);
    if (rate > 0) {
        fprintf(stderr, ", %.0f s left", (double)left / rate);
    }
    fflush(stderr);
}

static void clear_progress(const struct watch *watch)
{
    if (watch->shown) {
        fprintf(stderr, "\r\033[K");
    }
}

static enum p2p_code save_reports(void *user, const struct p2p_result *result, struct p2p_error *error)
{
    const struct watch *watch = user;

    return p2p_result_reports_save(result, watch->folder, error);
}

static enum p2p_code no_such_configuration(const struct p2p_plan *plan, const char *only, struct p2p_error *error)
{
    char names[512] = "";
    size_t used = 0;

    for (size_t i = 0; i < plan->configuration_count && used < sizeof names; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                                 plan->configurations[i].name);
    }
    p2p_error_set(error, P2P_E_INPUT, "%s: no configuration or set \"%s\" (--only); there are: %s%s", plan->path, only,
                  names, used >= sizeof names ? "..." : "");
    return P2P_E_INPUT;
}

static bool is_meant(const struct p2p_configuration *configuration, const char *name)
{
    return strcmp(configuration->name, name) == 0 || (name[0] != '\0' && strcmp(configuration->set, name) == 0);
}

static bool is_selected(const struct p2p_configuration *configuration, const struct p2p_options *options)
{
    bool selected = options->only_count == 0;

    for (size_t i = 0; i < options->only_count && !selected; i++) {
        selected = is_meant(configuration, options->only[i]);
    }
    return selected;
}

/* Without its control a run could not tell that the bench is sick. */
static bool is_control(const struct p2p_configuration *configuration)
{
    return configuration->control.max_ns > 0;
}

static enum p2p_code check_only(const struct p2p_plan *plan, const char *name, struct p2p_error *error)
{
    bool found = false;

    for (size_t i = 0; i < plan->configuration_count && !found; i++) {
        found = is_meant(&plan->configurations[i], name);
    }
    return found ? P2P_OK : no_such_configuration(plan, name, error);
}

/* In the order of the plan, each once; controls always. */
static enum p2p_code select_configurations(struct setup *setup, const struct p2p_options *options,
                                           struct p2p_error *error)
{
    const struct p2p_plan *plan = setup->plan;
    enum p2p_code code = P2P_OK;

    setup->selected = calloc(plan->configuration_count, sizeof *setup->selected);
    if (setup->selected == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    for (size_t i = 0; i < options->only_count && code == P2P_OK; i++) {
        code = check_only(plan, options->only[i], error);
    }
    for (size_t i = 0; i < plan->configuration_count; i++) {
        const struct p2p_configuration *configuration = &plan->configurations[i];
        bool selected = is_selected(configuration, options);

        if (selected || is_control(configuration)) {
            setup->selected[setup->selected_count++] = i;
        }
        if (!selected && is_control(configuration) && code == P2P_OK && !options->quiet) {
            fprintf(stderr, "pin2pin: %s is run as well: it is the control\n", configuration->name);
        }
    }
    return code;
}

/* What is not there is found out before the first boot, not in the middle of the night. */
static enum p2p_code check_bootable(const struct setup *setup, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    for (size_t i = 0; i < setup->selected_count && code == P2P_OK; i++) {
        const struct p2p_configuration *configuration = &setup->plan->configurations[setup->selected[i]];
        struct p2p_error cause = {0};

        code = p2p_bootable_check(setup->bench, configuration, &cause);
        if (code != P2P_OK) {
            p2p_error_set(error, code, "%s: configuration \"%s\": %s", setup->plan->path, configuration->name,
                          cause.message);
        }
    }
    return code;
}

static enum p2p_code load_bench(struct setup *setup, const char *chosen, struct p2p_error *error)
{
    const char *path = chosen != NULL ? chosen : setup->plan->bench_path;
    struct p2p_error cause = {0};

    if (path == NULL) {
        p2p_error_set(error, P2P_E_INPUT, "%s: the plan names no bench; give one with --bench FILE", setup->plan->path);
        return P2P_E_INPUT;
    }
    setup->bench = p2p_bench_load(path, &cause);
    if (setup->bench == NULL) {
        p2p_error_set(error, p2p_failure(&cause), "%s%s%s", chosen != NULL ? "" : setup->plan->path,
                      chosen != NULL ? "" : ": $.bench: ", cause.message);
        return p2p_failure(&cause);
    }
    if (setup->bench->board.kind == P2P_BOARD_NONE) {
        return p2p_error_set(error, P2P_E_INPUT, "%s: this bench has no board: it is for `pin2pin probe`", path);
    }
    return P2P_OK;
}

static enum p2p_code load(struct setup *setup, const struct p2p_options *options, struct p2p_error *error)
{
    setup->plan = p2p_plan_load(options->argument, error);
    if (setup->plan == NULL) {
        return p2p_failure(error);
    }
    setup->plan->samples = options->has_samples ? options->samples : setup->plan->samples;
    setup->plan->boots = options->has_boots ? (uint32_t)options->boots : setup->plan->boots;
    setup->plan->seed = options->has_seed ? options->seed : setup->plan->seed;
    if (load_bench(setup, options->bench, error) != P2P_OK || select_configurations(setup, options, error) != P2P_OK) {
        return p2p_failure(error);
    }
    return check_bootable(setup, error);
}

/* Two runs may begin within a second: the second one is "...-2". */
static char *default_folder(const char *plan_name)
{
    time_t now = time(NULL);
    struct tm local;
    char date[32];
    char *folder;

    localtime_r(&now, &local);
    strftime(date, sizeof date, "%Y%m%d-%H%M%S", &local);
    folder = p2p_format("runs/%s-%s", plan_name, date);
    for (int number = 2; folder != NULL && number <= 1000 && access(folder, F_OK) == 0; number++) {
        free(folder);
        folder = p2p_format("runs/%s-%s-%d", plan_name, date, number);
    }
    return folder;
}

/*
 * Twice what the plan asks for when each boot takes as long as it may: who is still there then, hangs. The longest plan
 * there is plays for 4 * 10^9 s a boot, so nothing overflows.
 */
static uint64_t lease_s(const struct setup *setup)
{
    const struct p2p_plan *plan = setup->plan;
    const struct p2p_bench *bench = setup->bench;
    uint64_t boot_s = (uint64_t)bench->lab.boot_tries * (bench->timeouts.boot_s + bench->lab.script_s);
    uint64_t play_s = plan->samples * plan->stimulus.period_ns / 1000000000 + bench->timeouts.stall_s;

    return 2 * setup->selected_count * (plan->boots + plan->confirm_boots) * (boot_s + play_s);
}

static enum p2p_code lock_bench(struct setup *setup, const struct p2p_options *options, struct p2p_error *error)
{
    char *what = p2p_format("run %s", setup->plan->path);
    enum p2p_code code;

    if (what == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    code = p2p_bench_lock_take(&setup->lock, setup->bench, P2P_LOCK_BOARD | P2P_LOCK_PROBE, what, lease_s(setup),
                               options->verbose, error);
    free(what);
    return code;
}

static enum p2p_code open_bench(struct setup *setup, const struct p2p_options *options, struct p2p_error *error)
{
    if (!p2p_bench_is_lab(setup->bench)) {
        setup->virtual_bench = p2p_virtual_bench_open(setup->bench, setup->stop_fd, error);
        return setup->virtual_bench != NULL ? P2P_OK : p2p_failure(error);
    }
    setup->lab_bench = p2p_lab_bench_open(setup->bench, &setup->plan->stimulus, setup->stop_fd, error);
    if (setup->lab_bench == NULL) {
        return p2p_failure(error);
    }
    if (p2p_lab_bench_warning(setup->lab_bench)[0] != '\0' && !options->quiet) {
        fprintf(stderr, "pin2pin: warning: stimuli may come late: %s\n", p2p_lab_bench_warning(setup->lab_bench));
    }
    return P2P_OK;
}

static enum p2p_code prepare(struct setup *setup, const struct p2p_options *options, struct p2p_error *error)
{
    enum p2p_code code = load(setup, options, error);
    struct p2p_error cause = {0};

    if (code != P2P_OK) {
        return code;
    }
    setup->stop_fd = p2p_open_stop_fd(error);
    if (setup->stop_fd < 0) {
        return p2p_failure(error);
    }
    setup->folder = options->folder != NULL ? p2p_format("%s", options->folder) : default_folder(setup->plan->name);
    setup->result = p2p_result_new(setup->plan, setup->bench, setup->selected, setup->selected_count);
    if (setup->folder == NULL || setup->result == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    if (p2p_baseline_attach(setup->result, setup->plan->baselines, &cause) != P2P_OK) {
        p2p_error_set(error, p2p_failure(&cause), "%s: %s", setup->plan->path, cause.message);
        return p2p_failure(&cause);
    }
    if (lock_bench(setup, options, error) != P2P_OK || open_bench(setup, options, error) != P2P_OK) {
        return p2p_failure(error);
    }
    return p2p_run_folder_create(setup->folder, error);
}

static void discard(struct setup *setup)
{
    p2p_virtual_bench_close(setup->virtual_bench);
    p2p_lab_bench_close(setup->lab_bench);
    p2p_bench_lock_release(&setup->lock); /* not before the board is off */
    p2p_result_free(setup->result);
    p2p_bench_free(setup->bench);
    p2p_plan_free(setup->plan);
    free(setup->selected);
    free(setup->folder);
    if (setup->stop_fd >= 0) {
        close(setup->stop_fd);
    }
}

static enum p2p_code measure(const struct setup *setup, const struct p2p_options *options, struct p2p_error *error)
{
    struct p2p_ports ports = setup->lab_bench != NULL ? p2p_lab_bench_ports(setup->lab_bench)
                                                      : p2p_virtual_bench_ports(setup->virtual_bench);
    struct watch watch = {.folder = setup->folder, .start_ns = p2p_monotonic_ns()};
    bool watched = isatty(STDERR_FILENO) && !options->quiet;
    struct p2p_campaign campaign = {
        .ports = &ports,
        .bench = setup->bench,
        .plan = setup->plan,
        .selected = setup->selected,
        .folder = setup->folder,
        .progress = watched ? show_progress : NULL,
        .written = save_reports,
        .user = &watch,
    };
    enum p2p_code code = p2p_campaign_run(&campaign, setup->result, error);

    clear_progress(&watch);
    return code;
}

static int print_result(const struct setup *setup, const struct p2p_options *options)
{
    int exit_code = p2p_exit_for(setup->result->judgement.verdict, options);

    if (!options->json) {
        p2p_report_text(setup->result, stdout);
    } else if (!p2p_print_json(setup->result)) {
        exit_code = P2P_EXIT_BENCH_FAULT;
    }
    if (!options->quiet) {
        fprintf(stderr, "run folder: %s\n", setup->folder);
    }
    return p2p_finish_output(exit_code);
}

int p2p_verb_run(const struct p2p_options *options)
{
    struct setup setup = {.stop_fd = -1};
    struct p2p_error error = {0};
    enum p2p_code code = prepare(&setup, options, &error);
    bool recording = code == P2P_OK;
    int exit_code;

    if (recording && options->verbose) {
        fprintf(stderr, "plan %s, bench %s, run folder %s\n", setup.plan->path, setup.bench->path, setup.folder);
    }
    if (recording) {
        code = measure(&setup, options, &error);
    }
    if (code == P2P_OK) {
        exit_code = print_result(&setup, options);
    } else {
        exit_code = p2p_complain(&error, options);
        if (recording && !options->quiet) {
            fprintf(stderr, "what was recorded until then is in %s\n", setup.folder);
        }
    }
    discard(&setup);
    return exit_code;
}
