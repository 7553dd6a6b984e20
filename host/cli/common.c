/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "store/result.h"

#include <stdio.h>
#include <stdlib.h>

int p2p_exit_for(enum p2p_verdict verdict, const struct p2p_options *options)
{
    int code = p2p_verdict_exit_code(verdict);

    if (options->bisect && (code == P2P_EXIT_INCONCLUSIVE || code == P2P_EXIT_BENCH_FAULT)) {
        return P2P_EXIT_BISECT_SKIP;
    }
    return code;
}

int p2p_complain(const struct p2p_error *error, const struct p2p_options *options)
{
    fprintf(stderr, "pin2pin: %s\n", error->message);
    switch (error->code) {
    case P2P_E_INPUT:
        return P2P_EXIT_USAGE;
    case P2P_E_INTERRUPTED:
        return P2P_EXIT_INTERRUPTED;
    case P2P_E_BENCH:
    case P2P_E_HOST:
    case P2P_OK:
        break;
    }
    return p2p_exit_for(P2P_VERDICT_BENCH_FAULT, options);
}

bool p2p_print_json(const struct p2p_result *result)
{
    char *text = p2p_result_encode(result);

    if (text == NULL) {
        fprintf(stderr, "pin2pin: out of memory\n");
        return false;
    }
    fputs(text, stdout);
    free(text);
    return true;
}

int p2p_finish_output(int exit_code)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "pin2pin: cannot write to stdout\n");
        return P2P_EXIT_BENCH_FAULT;
    }
    return exit_code;
}
