/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "reports/text.h"
#include "store/analysis.h"

#include <stdio.h>
#include <string.h>

int p2p_verb_report(const struct p2p_options *options)
{
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_analyse_run(options->argument, &error);
    int exit_code = P2P_EXIT_PASS;
    bool json = options->json || (options->format != NULL && strcmp(options->format, "json") == 0);

    if (result == NULL) {
        return p2p_complain(&error, options);
    }
    if (!json) {
        p2p_report_text(result, stdout);
    } else if (!p2p_print_json(result)) {
        exit_code = P2P_EXIT_BENCH_FAULT;
    }
    p2p_result_free(result);
    return p2p_finish_output(exit_code);
}
