/* SPDX-License-Identifier: MIT */
/* What a verb keeps others from using, of a bench of hardware. Virtual boards and probes are made anew for each run. */
#ifndef P2P_CLI_BENCH_LOCK_H
#define P2P_CLI_BENCH_LOCK_H

#include "config/bench.h"

#include <stdbool.h>
#include <stdint.h>

struct p2p_lock;

enum {
    P2P_LOCK_BOARD = 1, /* by the bench's name */
    P2P_LOCK_PROBE = 2, /* by its serial number or device: several benches may name it */
};

/* NULL: not taken. Zero-initialise. */
struct p2p_bench_lock {
    struct p2p_lock *board, *probe;
};

/*
 * Takes those of `parts` that are hardware. `what` and `lease_s` are as for p2p_lock_take. `verbose`: says on stderr
 * whom it took one over from. On any outcome end with p2p_bench_lock_release.
 */
enum p2p_code p2p_bench_lock_take(struct p2p_bench_lock *lock, const struct p2p_bench *bench, unsigned parts,
                                  const char *what, uint64_t lease_s, bool verbose, struct p2p_error *error);
void p2p_bench_lock_release(struct p2p_bench_lock *lock);

#endif
