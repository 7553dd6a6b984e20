/* SPDX-License-Identifier: MIT */
#include "session/campaign.h"

#include "session/boot_file.h"
#include "session/order.h"
#include "store/analysis.h"
#include "store/boot_seed.h"
#include "store/edge_file.h"
#include "store/run_folder.h"
#include "util/deadline.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct run {
    const struct p2p_campaign *campaign;
    struct p2p_analysis *analysis;
    struct p2p_result *result;
    struct p2p_progress progress;
};

struct boot_paths {
    char *folder, *console, *times, *edges, *truth, *summary;
};

/* The files of the boot that runs. */
struct recording {
    struct run *run;
    const struct boot_paths *paths;
    int console_fd;
    int times_fd;                  /* -1 until the first stamp */
    uint64_t console_bytes;        /* stamped so far */
    struct p2p_edge_writer *edges; /* NULL until the probe is identified: its clock is in the file's head */
    struct p2p_edge_writer *truth; /* NULL also if nobody knows it */
    struct p2p_vouched edges_digest, truth_digest;
    uint64_t stimuli_before;
};

static enum p2p_code record_probe(void *user, const struct p2p_probe_info *info, struct p2p_error *error)
{
    struct recording *recording = user;
    const struct p2p_ports *ports = recording->run->campaign->ports;
    struct p2p_edge_file_header header = {.tick_hz = info->tick_hz, .time_base = ports->time_base};

    recording->edges = p2p_edge_writer_open(recording->paths->edges, &header, error);
    if (recording->edges != NULL && ports->truth.read != NULL) {
        header.tick_hz = ports->truth.info(ports->truth.self)->tick_hz;
        recording->truth = p2p_edge_writer_open(recording->paths->truth, &header, error);
    }
    return error->code;
}

static enum p2p_code append(struct p2p_edge_writer *writer, const struct p2p_edge *edges, size_t count,
                            struct p2p_error *error)
{
    enum p2p_code code = p2p_edge_writer_append(writer, edges, count, error);

    return code == P2P_OK ? p2p_edge_writer_flush(writer, error) : code;
}

static enum p2p_code record_edges(void *user, const struct p2p_edge *edges, size_t count, struct p2p_error *error)
{
    const struct recording *recording = user;

    /* Of a probe that is not identified, e.g. as its file cannot be created: nobody knows what its ticks are. */
    return recording->edges == NULL ? P2P_OK : append(recording->edges, edges, count, error);
}

/* Before the probe is identified there is nothing to compare it with. */
static enum p2p_code record_truth(void *user, const struct p2p_edge *edges, size_t count, struct p2p_error *error)
{
    const struct recording *recording = user;

    return recording->truth == NULL ? P2P_OK : append(recording->truth, edges, count, error);
}

static enum p2p_code record_console(void *user, const char *bytes, size_t count, struct p2p_error *error)
{
    const struct recording *recording = user;

    if (!p2p_write_all(recording->console_fd, bytes, count)) {
        return p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot write", recording->paths->console);
    }
    return P2P_OK;
}

/* console.times: a line for each piece of console.log, its end as an offset and the bench time by which it had come. */
static enum p2p_code record_stamp(void *user, size_t count, uint64_t at_ns, struct p2p_error *error)
{
    struct recording *recording = user;
    const char *path = recording->paths->times;
    char line[64];
    int length;

    if (recording->times_fd < 0) {
        recording->times_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    }
    recording->console_bytes += count;
    length = snprintf(line, sizeof line, "%" PRIu64 " %" PRIu64 "\n", recording->console_bytes, at_ns);
    if (recording->times_fd < 0 || !p2p_write_all(recording->times_fd, line, (size_t)length)) {
        return p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot write", path);
    }
    return P2P_OK;
}

static void report_progress(struct run *run)
{
    if (run->campaign->progress != NULL) {
        run->campaign->progress(run->campaign->user, &run->progress);
    }
}

static void record_progress(void *user, uint64_t stimuli)
{
    struct recording *recording = user;

    recording->run->progress.stimuli_done = recording->stimuli_before + stimuli;
    report_progress(recording->run);
}

static enum p2p_code open_recording(struct recording *recording, struct p2p_error *error)
{
    const char *path = recording->paths->console;

    recording->console_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (recording->console_fd < 0) {
        return p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot create", path);
    }
    return P2P_OK;
}

/* A boot cut short leaves a file of edges that says so itself, and for which nobody vouches. */
static enum p2p_code close_edges(struct p2p_edge_writer *writer, bool whole, struct p2p_vouched *vouched,
                                 struct p2p_error *error)
{
    if (writer != NULL && whole) {
        *vouched = (struct p2p_vouched){.known = true, .digest = p2p_edge_writer_digest(writer)};
        return p2p_edge_writer_finish(writer, error);
    }
    p2p_edge_writer_abandon(writer);
    return P2P_OK;
}

/* `fd` may be -1. `code` is what went wrong before; it stands. */
static enum p2p_code close_log(int fd, const char *path, enum p2p_code code, struct p2p_error *error)
{
    if (fd >= 0) {
        if (!p2p_sync(fd) && code == P2P_OK) {
            code = p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: cannot sync", path);
        }
        close(fd);
    }
    return code;
}

static enum p2p_code close_recording(struct recording *recording, bool whole, struct p2p_error *error)
{
    enum p2p_code code = close_edges(recording->edges, whole, &recording->edges_digest, error);
    enum p2p_code truth = close_edges(recording->truth, whole, &recording->truth_digest, error);

    code = code == P2P_OK ? truth : code;
    code = close_log(recording->console_fd, recording->paths->console, code, error);
    return close_log(recording->times_fd, recording->paths->times, code, error);
}

static enum p2p_code make_paths(const struct p2p_campaign *campaign, const char *configuration, uint32_t boot,
                                struct boot_paths *paths, struct p2p_error *error)
{
    paths->folder = p2p_boot_folder(campaign->folder, configuration, boot);
    if (paths->folder != NULL) {
        paths->console = p2p_format("%s/console.log", paths->folder);
        paths->times = p2p_format("%s/console.times", paths->folder);
        paths->edges = p2p_format("%s/edges.p2p", paths->folder);
        paths->truth = p2p_format("%s/truth.p2p", paths->folder);
        paths->summary = p2p_format("%s/boot.json", paths->folder);
    }
    if (paths->folder == NULL || paths->console == NULL || paths->times == NULL || paths->edges == NULL ||
        paths->truth == NULL || paths->summary == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", campaign->folder);
        return P2P_E_HOST;
    }
    return p2p_make_folders(paths->folder, error);
}

static void free_paths(struct boot_paths *paths)
{
    free(paths->folder);
    free(paths->console);
    free(paths->times);
    free(paths->edges);
    free(paths->truth);
    free(paths->summary);
}

/* Powers, measures, records. The board's own failures end in boot.json and are no error here. */
static enum p2p_code record_boot(struct run *run, const struct p2p_configuration *configuration, uint64_t seed,
                                 uint32_t boot, const struct boot_paths *paths, struct p2p_error *error)
{
    const struct p2p_campaign *campaign = run->campaign;
    struct recording recording = {.run = run,
                                  .paths = paths,
                                  .console_fd = -1,
                                  .times_fd = -1,
                                  .stimuli_before = run->progress.boots_done * campaign->plan->samples};
    struct p2p_session session = {
        .ports = campaign->ports,
        .bench = campaign->bench,
        .plan = campaign->plan,
        .configuration = configuration,
        .seed = seed,
        .sink = {&recording, record_probe, record_edges, record_truth, record_console, record_stamp, record_progress},
    };
    struct p2p_boot_record record = {0};
    struct p2p_boot_file file = {
        .session = &session, .record = &record, .boot = boot, .confirmation = boot > campaign->plan->boots};
    struct p2p_error fault = {0};
    int64_t start_ns = p2p_monotonic_ns();
    enum p2p_code code = open_recording(&recording, &fault);
    enum p2p_code closed;

    clock_gettime(CLOCK_REALTIME, &file.started_at);
    if (code == P2P_OK) {
        code = p2p_session_run(&session, &record, &fault);
    }
    closed = close_recording(&recording, code == P2P_OK || code == P2P_E_BENCH, &fault);
    code = code == P2P_OK ? closed : code;
    file.edges = recording.edges_digest;
    file.truth = recording.truth_digest;
    file.wall_s = (double)(p2p_monotonic_ns() - start_ns) / 1e9;
    file.fault = code == P2P_OK ? NULL : fault.message;
    if (code == P2P_OK || code == P2P_E_BENCH) {
        return p2p_boot_file_write(paths->summary, &file, error);
    }
    /* The run ends here. boot.json is written if that can be done; the first error is the one to tell. */
    p2p_error_set(error, code, "%s", fault.message);
    p2p_boot_file_write(paths->summary, &file, error);
    return code;
}

static enum p2p_code write_result(const struct run *run, struct p2p_error *error)
{
    const struct p2p_campaign *campaign = run->campaign;
    char *path = p2p_result_path(campaign->folder);
    char *text = p2p_result_encode(run->result);
    enum p2p_code code = path == NULL || text == NULL
                             ? p2p_error_set(error, P2P_E_HOST, "%s: out of memory", campaign->folder)
                             : p2p_write_file(path, text, strlen(text), error);

    free(text);
    free(path);
    if (code == P2P_OK && campaign->written != NULL) {
        code = campaign->written(campaign->user, run->result, error);
    }
    return code;
}

static enum p2p_code run_boot(struct run *run, size_t number, uint32_t boot, struct p2p_error *error)
{
    const struct p2p_campaign *campaign = run->campaign;
    size_t index = campaign->selected[number];
    const struct p2p_configuration *configuration = &campaign->plan->configurations[index];
    /* By the index in the plan: `--only` gives a configuration the same schedule as the whole plan does. */
    uint64_t seed = p2p_boot_seed(campaign->plan->seed, index, boot);
    struct boot_paths paths = {0};
    enum p2p_code code;

    run->progress.configuration = configuration->name;
    run->progress.boot = boot;
    report_progress(run);
    code = make_paths(campaign, configuration->name, boot, &paths, error);
    if (code == P2P_OK) {
        enum p2p_code analysed;

        code = record_boot(run, configuration, seed, boot, &paths, error);
        run->progress.boots_done++;
        run->progress.stimuli_done = run->progress.boots_done * campaign->plan->samples;
        analysed = p2p_analysis_add_boot(run->analysis, number, boot, paths.folder, error);
        code = code == P2P_OK ? analysed : code;
    }
    free_paths(&paths);
    return code;
}

/* One boot, and the result with it. Whatever becomes of the boot, what is known is written. */
static enum p2p_code run_and_analyse(struct run *run, size_t number, uint32_t boot, struct p2p_error *error)
{
    enum p2p_code code = run_boot(run, number, boot, error);
    enum p2p_code updated = p2p_analysis_update(run->analysis, false, error);
    enum p2p_code written = write_result(run, error);

    code = code == P2P_OK ? updated : code;
    return code == P2P_OK ? written : code;
}

/* The rounds from `first` on of those configurations that `numbers` names. */
static enum p2p_code run_rounds(struct run *run, const size_t *numbers, size_t count, uint32_t first, uint32_t rounds,
                                struct p2p_error *error)
{
    size_t *order = calloc(count + 1, sizeof *order);
    enum p2p_code code = P2P_OK;

    if (order == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    run->progress.boots_planned += (uint64_t)rounds * count;
    run->progress.stimuli_planned = run->progress.boots_planned * run->campaign->plan->samples;
    for (uint32_t round = first; round < first + rounds && code == P2P_OK; round++) {
        p2p_order_round(run->campaign->plan->seed, round, count, order);
        for (size_t i = 0; i < count && code == P2P_OK; i++) {
            code = run_and_analyse(run, numbers[order[i]], round, error);
        }
    }
    free(order);
    return code;
}

static size_t find_failed(const struct p2p_result *result, size_t *numbers)
{
    size_t count = 0;

    for (size_t i = 0; i < result->configuration_count; i++) {
        if (result->configurations[i].judgement.verdict == P2P_VERDICT_FAIL) {
            numbers[count++] = i;
        }
    }
    return count;
}

static enum p2p_code run_all(struct run *run, struct p2p_error *error)
{
    const struct p2p_plan *plan = run->campaign->plan;
    size_t count = run->result->configuration_count;
    size_t *numbers = calloc(count, sizeof *numbers);
    enum p2p_code code;

    if (numbers == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        numbers[i] = i;
    }
    code = run_rounds(run, numbers, count, 1, plan->boots, error);
    if (code == P2P_OK) {
        count = find_failed(run->result, numbers);
        code = run_rounds(run, numbers, count, plan->boots + 1, plan->confirm_boots, error);
    }
    free(numbers);
    return code;
}

enum p2p_code p2p_campaign_run(const struct p2p_campaign *campaign, struct p2p_result *result, struct p2p_error *error)
{
    struct run run = {.campaign = campaign, .result = result, .analysis = p2p_analysis_new(result)};
    enum p2p_code code;

    if (run.analysis == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    result->time_base = campaign->ports->time_base;
    code = p2p_analysis_update(run.analysis, false, error);
    if (code == P2P_OK) {
        code = write_result(&run, error);
    }
    if (code == P2P_OK) {
        code = run_all(&run, error);
    }
    if (code == P2P_OK) {
        code = p2p_analysis_update(run.analysis, true, error);
    }
    if (code == P2P_OK) {
        code = write_result(&run, error);
    }
    p2p_analysis_free(run.analysis);
    return code;
}
