/* SPDX-License-Identifier: MIT */
/*
 * speed_verdict FOLDER SAMPLES: writes a run of SAMPLES samples in 10 boots into FOLDER (which must not exist; 24 bytes
 * a sample), times how long its verdict takes, prints that with the peak of resident memory, and removes the run.
 */
#include "capture/pairing.h"
#include "store/analysis.h"
#include "store/edge_file.h"
#include "store/run_folder.h"
#include "util/file.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define GOLDEN P2P_SOURCE_DIR "/tests/golden/run-v1/result.json" /* a run of two configurations */

enum { EDGES_PER_STIMULUS = 3, CHUNK_STIMULI = 1024, BOOTS = 5 /* of each configuration */, FOLDERS_OPEN = 8 };
enum { PERIOD_TICKS = 125000, WIDTH_TICKS = 6250, TICK_HZ = 125000000 };

static void check(enum p2p_code code, const struct p2p_error *error)
{
    if (code != P2P_OK) {
        fprintf(stderr, "speed_verdict: %s\n", error->message);
        exit(EXIT_FAILURE);
    }
}

/* Rise, answer 250 to 2297 ticks later, fall. */
static void make_stimulus(uint64_t index, struct p2p_edge *edges)
{
    const uint64_t rise_ticks = index * PERIOD_TICKS;
    const uint64_t latency_ticks = 250 + (index * UINT64_C(0x9e3779b97f4a7c15) >> 53);

    edges[0] = (struct p2p_edge){.ticks = rise_ticks, .channel = P2P_CHANNEL_STIMULUS, .level = 1};
    edges[1] =
        (struct p2p_edge){.ticks = rise_ticks + latency_ticks, .channel = P2P_CHANNEL_ANSWER, .level = index % 2 == 0};
    edges[2] = (struct p2p_edge){.ticks = rise_ticks + WIDTH_TICKS, .channel = P2P_CHANNEL_STIMULUS};
}

static void write_edges(const char *path, uint64_t samples)
{
    static const struct p2p_edge_file_header header = {.tick_hz = TICK_HZ, .time_base = P2P_TIME_HARDWARE};
    static const struct p2p_edge armed = {.channel = P2P_CHANNEL_MARK, .flags = P2P_MARK_ARMED};
    struct p2p_edge edges[CHUNK_STIMULI * EDGES_PER_STIMULUS];
    struct p2p_error error = {0};
    struct p2p_edge_writer *writer = p2p_edge_writer_open(path, &header, &error);

    check(error.code, &error);
    check(p2p_edge_writer_append(writer, &armed, 1, &error), &error);
    for (uint64_t done = 0; done < samples;) {
        size_t count = 0;

        for (; count < CHUNK_STIMULI && done < samples; count++) {
            make_stimulus(done++, &edges[count * EDGES_PER_STIMULUS]);
        }
        check(p2p_edge_writer_append(writer, edges, count * EDGES_PER_STIMULUS, &error), &error);
    }
    check(p2p_edge_writer_finish(writer, &error), &error);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    struct p2p_error error = {0};
    char *path = p2p_format("%s/%s", folder, name);

    check(p2p_write_file(path, text, strlen(text), &error), &error);
    free(path);
}

static void write_boot(const char *folder, const char *configuration, uint32_t boot, uint64_t samples)
{
    struct p2p_error error = {0};
    char *boot_folder = p2p_boot_folder(folder, configuration, boot);
    char *edges_path = p2p_format("%s/edges.p2p", boot_folder);
    char *text = p2p_format("{\"schema\":\"pin2pin.boot\",\"version\":1,\"configuration\":\"%s\",\"boot\":%" PRIu32
                            ",\"complete\":true,\"fault\":null,\"probe\":{\"name\":\"ideal\",\"uncertainty_ns\":0.0}}",
                            configuration, boot);

    check(p2p_make_folders(boot_folder, &error), &error);
    write_edges(edges_path, samples);
    write_file(boot_folder, "boot.json", text);
    free(text);
    free(edges_path);
    free(boot_folder);
}

static void write_run(const char *folder, uint64_t samples)
{
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_result_load(GOLDEN, &error);
    char *text;

    check(error.code, &error);
    check(p2p_run_folder_create(folder, &error), &error);
    result->boots = BOOTS;
    result->complete = true;
    text = p2p_result_encode(result);
    write_file(folder, "result.json", text);
    free(text);
    for (size_t i = 0; i < result->configuration_count; i++) {
        for (uint32_t boot = 1; boot <= BOOTS; boot++) {
            write_boot(folder, result->configurations[i].name, boot, samples / BOOTS / result->configuration_count);
        }
    }
    p2p_result_free(result);
}

static double read_clock_s(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void judge(const char *folder)
{
    struct p2p_error error = {0};
    const double begin_s = read_clock_s(CLOCK_MONOTONIC);
    const double cpu_begin_s = read_clock_s(CLOCK_PROCESS_CPUTIME_ID);
    struct p2p_result *result = p2p_analyse_run(folder, &error);
    const double spent_s = read_clock_s(CLOCK_MONOTONIC) - begin_s;
    const double cpu_s = read_clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin_s;
    struct rusage usage;
    uint64_t samples = 0;

    check(error.code, &error);
    for (size_t i = 0; i < result->configuration_count; i++) {
        samples += result->configurations[i].stats.n;
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("%" PRIu64 " samples: %s in %.3f s (CPU %.3f s, %.1f ns a sample), peak memory %ld KiB\n", samples,
           p2p_verdict_name(result->judgement.verdict), spent_s, cpu_s, cpu_s * 1e9 / (double)samples, usage.ru_maxrss);
    p2p_result_free(result);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

int main(int argc, char **argv)
{
    const uint64_t samples = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;

    if (samples == 0 || access(argv[1], F_OK) == 0) {
        fputs("usage: speed_verdict FOLDER SAMPLES; FOLDER is made, and removed\n", stderr);
        return 2;
    }
    write_run(argv[1], samples);
    judge(argv[1]);
    if (nftw(argv[1], remove_entry, FOLDERS_OPEN, FTW_DEPTH | FTW_PHYS) != 0) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
