/* SPDX-License-Identifier: MIT */
#include "store/truth.h"

#include "capture/pairing.h"
#include "stats/series.h"
#include "store/edge_file.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define NS_PER_S 1e9

enum { EDGES_PER_READ = 1024 };

/* One of the two files, read a piece ahead of what was compared. */
struct side {
    struct p2p_edge_reader *reader;
    struct p2p_pairing *pairing; /* without a deadline: close to it, the probe's rounding decides */
    uint64_t deadline_ticks;
    double ns_per_tick;
    struct p2p_sample samples[EDGES_PER_READ + 1]; /* an edge ends one sample at most, and so does the end */
    size_t next, count;
    bool ended;
};

double p2p_truth_mean_error_ns(const struct p2p_truth *truth)
{
    return truth->n == 0 ? 0 : truth->error_sum_ns / (double)truth->n;
}

static void take_sample(void *user, const struct p2p_sample *sample)
{
    struct side *side = user;

    side->samples[side->count++] = *sample;
}

static enum p2p_code open_side(struct side *side, const char *path, uint64_t deadline_ns, struct p2p_error *error)
{
    struct p2p_edge_file_header header = {0};

    side->reader = p2p_edge_reader_open(path, &header, error);
    if (side->reader == NULL) {
        return p2p_failure(error);
    }
    side->ns_per_tick = NS_PER_S / (double)header.tick_hz;
    side->deadline_ticks = p2p_ns_to_ticks(deadline_ns, header.tick_hz);
    side->pairing = p2p_pairing_new(UINT64_MAX, take_sample, side);
    return side->pairing != NULL ? P2P_OK : p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
}

static void close_side(struct side *side)
{
    p2p_pairing_free(side->pairing);
    if (side->reader != NULL) {
        p2p_edge_reader_close(side->reader);
    }
}

/* Until there is a sample to compare, or the end. */
static enum p2p_code fill(struct side *side, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    while (code == P2P_OK && side->next == side->count && !side->ended) {
        struct p2p_edge edges[EDGES_PER_READ];
        size_t count = 0;

        side->next = side->count = 0;
        code = p2p_edge_reader_next(side->reader, edges, EDGES_PER_READ, &count, error);
        p2p_pairing_feed(side->pairing, edges, count);
        if (count == 0) {
            p2p_pairing_finish(side->pairing);
            side->ended = true;
        }
    }
    return code;
}

/* A late answer is no sample. */
static bool in_time(const struct side *side)
{
    return side->samples[side->next].latency_ticks <= side->deadline_ticks;
}

static void leave_unmatched(struct p2p_truth *truth, struct side *side)
{
    truth->unmatched += in_time(side);
    side->next++;
}

static void compare(struct p2p_truth *truth, struct side *probe, struct side *known)
{
    const struct p2p_sample *a = &probe->samples[probe->next];
    const struct p2p_sample *b = &known->samples[known->next];

    if (a->stimulus != b->stimulus) {
        leave_unmatched(truth, a->stimulus < b->stimulus ? probe : known);
        return;
    }
    if (in_time(probe) || in_time(known)) {
        double error_ns = (double)a->latency_ticks * probe->ns_per_tick - truth->correction_ns -
                          (double)b->latency_ticks * known->ns_per_tick;

        truth->n++;
        truth->error_sum_ns += error_ns;
        truth->max_error_ns = fmax(truth->max_error_ns, fabs(error_ns));
    }
    probe->next++;
    known->next++;
}

static void leave_all_unmatched(struct p2p_truth *truth, struct side *side)
{
    while (side->next < side->count) {
        leave_unmatched(truth, side);
    }
}

static enum p2p_code compare_all(struct p2p_truth *truth, struct side *probe, struct side *known,
                                 struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    while (code == P2P_OK) {
        code = fill(probe, error);
        if (code == P2P_OK) {
            code = fill(known, error);
        }
        if (probe->next == probe->count || known->next == known->count) {
            leave_all_unmatched(truth, probe);
            leave_all_unmatched(truth, known);
            if (probe->ended && known->ended) {
                break;
            }
        } else if (code == P2P_OK) {
            compare(truth, probe, known);
        }
    }
    return code;
}

enum p2p_code p2p_truth_add_boot(struct p2p_truth *truth, const char *edges_path, const char *truth_path,
                                 const struct p2p_vouched *vouched, uint64_t deadline_ns, struct p2p_error *error)
{
    struct side *sides;
    enum p2p_code code;

    if (access(truth_path, F_OK) != 0 && !vouched->known) {
        return P2P_OK;
    }
    truth->known = true;
    sides = calloc(2, sizeof *sides);
    if (sides == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", truth_path);
    }
    code = open_side(&sides[0], edges_path, deadline_ns, error);
    if (code == P2P_OK) {
        code = open_side(&sides[1], truth_path, deadline_ns, error);
    }
    if (code == P2P_OK) {
        code = compare_all(truth, &sides[0], &sides[1], error);
    }
    if (code == P2P_OK) {
        code = p2p_check_vouched(truth_path, vouched, p2p_edge_reader_digest(sides[1].reader), error);
    }
    close_side(&sides[0]);
    close_side(&sides[1]);
    free(sides);
    return code;
}
