/* SPDX-License-Identifier: MIT */
/*
 * A probe judged by the truth: edges.p2p against truth.p2p of the same boots. Samples are matched by their stimulus'
 * number; a sample that only one of the two has is unmatched. An answer that is late for both is no sample; one that
 * is late for one of them only is compared.
 */
#ifndef P2P_STORE_TRUTH_H
#define P2P_STORE_TRUTH_H

#include "store/run_folder.h"
#include "util/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise. Errors are the latency as reported, corrected, minus the true one. */
struct p2p_truth {
    double correction_ns; /* subtracted from each of the probe's latencies; the caller's to set */
    bool known;           /* at least one boot has a truth.p2p */
    uint64_t n;           /* samples that both have */
    uint64_t unmatched;
    double max_error_ns; /* the largest, without its sign */
    double error_sum_ns;
};

/* With its sign; 0 if there are no samples. */
double p2p_truth_mean_error_ns(const struct p2p_truth *truth);

/*
 * Adds one boot. Does nothing if there is no file at `truth_path` and none is vouched for. Constant memory.
 * P2P_E_INPUT: a file is damaged, missing, or not the one vouched for; what was compared until then is counted.
 */
enum p2p_code p2p_truth_add_boot(struct p2p_truth *truth, const char *edges_path, const char *truth_path,
                                 const struct p2p_vouched *vouched, uint64_t deadline_ns, struct p2p_error *error);

#endif
