/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "board/lab_bench.h"
#include "cli/bench_lock.h"
#include "config/bench.h"

#include <stdio.h>

static enum p2p_code switch_off(const struct p2p_bench *bench, bool verbose, struct p2p_error *error)
{
    struct p2p_bench_lock lock = {0};
    enum p2p_code code;

    if (!p2p_bench_is_lab(bench)) {
        return p2p_error_set(error, P2P_E_INPUT, "%s: this bench has no board of hardware to switch off", bench->path);
    }
    code = p2p_bench_lock_take(&lock, bench, P2P_LOCK_BOARD, "off", 0, verbose, error);
    if (code == P2P_OK) {
        code = p2p_lab_bench_off(bench, error);
    }
    p2p_bench_lock_release(&lock);
    return code;
}

int p2p_verb_off(const struct p2p_options *options)
{
    struct p2p_error error = {0};
    struct p2p_bench *bench = p2p_bench_load(options->argument, &error);
    enum p2p_code code = bench != NULL ? switch_off(bench, options->verbose, &error) : p2p_failure(&error);

    if (code == P2P_OK && options->json) {
        printf("{\"off\": true}\n");
    } else if (code == P2P_OK) {
        printf("bench %s: its board is off\n", bench->name);
    }
    p2p_bench_free(bench);
    return code == P2P_OK ? p2p_finish_output(P2P_EXIT_PASS) : p2p_complain(&error, options);
}
