/* SPDX-License-Identifier: MIT */
/* Time and memory from edges to figures: ns per sample of pairing and series, and the peak of resident
 * memory. */
#include "capture/pairing.h"
#include "stats/series.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { EDGES_PER_STIMULUS = 3, CHUNK_STIMULI = 1024, STIMULI = 10000000 };
enum { PERIOD_TICKS = 125000, WIDTH_TICKS = 6250, DEADLINE_TICKS = 18750, TICK_HZ = 125000000 };

static void add_sample(void *user, const struct p2p_sample *sample)
{
    if (!p2p_series_add(user, sample->latency_ticks)) {
        fputs("out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
}

/* Rise, answer 250 to 4345 ticks later, fall. */
static void make_stimulus(uint64_t index, struct p2p_edge *edges)
{
    const uint64_t rise_ticks = index * PERIOD_TICKS;
    const uint64_t latency_ticks = 250 + (index * UINT64_C(0x9e3779b97f4a7c15) >> 52);

    edges[0] = (struct p2p_edge){.ticks = rise_ticks, .channel = P2P_CHANNEL_STIMULUS, .level = 1};
    edges[1] =
        (struct p2p_edge){.ticks = rise_ticks + latency_ticks, .channel = P2P_CHANNEL_ANSWER, .level = index % 2 == 0};
    edges[2] = (struct p2p_edge){.ticks = rise_ticks + WIDTH_TICKS, .channel = P2P_CHANNEL_STIMULUS};
}

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Returns the time spent in the code under test, without the making of the edges. */
static double play(struct p2p_pairing *pairing)
{
    static const struct p2p_edge armed = {.channel = P2P_CHANNEL_MARK, .flags = P2P_MARK_ARMED};
    struct p2p_edge edges[CHUNK_STIMULI * EDGES_PER_STIMULUS];
    double spent_ns = 0;

    p2p_pairing_feed(pairing, &armed, 1);
    for (uint64_t done = 0; done < STIMULI;) {
        size_t count = 0;
        double begin_ns;

        for (; count < CHUNK_STIMULI && done < STIMULI; count++) {
            make_stimulus(done++, &edges[count * EDGES_PER_STIMULUS]);
        }
        begin_ns = now_ns();
        p2p_pairing_feed(pairing, edges, count * EDGES_PER_STIMULUS);
        spent_ns += now_ns() - begin_ns;
    }
    p2p_pairing_finish(pairing);
    return spent_ns;
}

static void print_figures(const struct p2p_series *series, double spent_ns)
{
    const struct p2p_uncertainty budget = {0};
    struct p2p_stats stats;
    struct rusage usage;
    const double begin_ns = now_ns();

    p2p_series_stats(series, TICK_HZ, &budget, &stats);
    printf("samples           %" PRIu64 "\n", stats.n);
    printf("pairing + series  %.1f ns per sample\n", spent_ns / (double)stats.n);
    printf("figures           %.0f us in all\n", (now_ns() - begin_ns) / 1e3);
    getrusage(RUSAGE_SELF, &usage);
    printf("peak memory       %ld KiB\n", usage.ru_maxrss);
}

int main(void)
{
    int status = EXIT_FAILURE;
    struct p2p_series *series = p2p_series_new(2);
    struct p2p_pairing *pairing = p2p_pairing_new(DEADLINE_TICKS, add_sample, series);

    if (series == NULL || pairing == NULL || !p2p_series_begin_boot(series)) {
        fputs("out of memory\n", stderr);
        goto out;
    }
    print_figures(series, play(pairing));
    if (p2p_series_count(series) == STIMULI && p2p_account_balances(p2p_pairing_account(pairing))) {
        status = EXIT_SUCCESS;
    } else {
        fputs("samples are missing\n", stderr);
    }
out:
    p2p_pairing_free(pairing);
    p2p_series_free(series);
    return status;
}
