/* SPDX-License-Identifier: MIT */
/* What the verbs of `pin2pin probe` have in common. */
#ifndef P2P_CLI_VERB_PROBE_H
#define P2P_CLI_VERB_PROBE_H

#include "board/probe_stand.h"
#include "cli/bench_lock.h"
#include "cli/cli.h"
#include "config/bench.h"

#include <jansson.h>
#include <stdbool.h>

#define P2P_PROBE_SEED 1 /* of a virtual probe's chances: the same each time */

struct p2p_probe_verb {
    const struct p2p_options *options; /* borrowed */
    struct p2p_bench *bench;
    struct p2p_bench_lock lock;
    int stop_fd;
};

/* Loads and checks the bench, locks its probe, takes over the signals. On any outcome end with p2p_probe_verb_discard.
 */
enum p2p_code p2p_probe_verb_prepare(struct p2p_probe_verb *verb, const struct p2p_options *options,
                                     struct p2p_error *error);
void p2p_probe_verb_discard(struct p2p_probe_verb *verb);

/* A stand that is never armed: no edges come. NULL: see `error`. */
struct p2p_probe_stand *p2p_probe_verb_open(const struct p2p_probe_verb *verb, struct p2p_error *error);

/* Takes over `answer` and prints it. False: it is NULL or no memory, and it has said so. */
bool p2p_print_answer(json_t *answer);

#endif
