/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "store/judging.h"
#include "store/result.h"

#include <stdio.h>

/*
 * The file may have been edited: a verdict is not believed over the figures beside it, nor that of the whole over its
 * parts'. What is printed, in words or as JSON, and the exit code are all of the result as judged again.
 */
int p2p_verb_gate(const struct p2p_options *options)
{
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_load_result(options->argument, &error);
    int exit_code;

    if (result == NULL) {
        return p2p_complain(&error, options);
    }
    if (!p2p_result_judge_again(result)) {
        p2p_error_set(&error, P2P_E_HOST, "%s: out of memory", options->argument);
        p2p_result_free(result);
        return p2p_complain(&error, options);
    }
    exit_code = p2p_exit_for(result->judgement.verdict, options);
    if (options->json && !p2p_print_json(result)) {
        exit_code = P2P_EXIT_BENCH_FAULT;
    }
    if (!options->json) {
        for (size_t i = 0; i < result->configuration_count; i++) {
            const struct p2p_result_configuration *configuration = &result->configurations[i];
            const char *reason = configuration->judgement.reason;

            printf("%s: %s%s%s\n", configuration->name, p2p_verdict_name(configuration->judgement.verdict),
                   reason[0] != '\0' ? ": " : "", reason);
        }
        printf("%s\n", p2p_verdict_name(result->judgement.verdict));
    }
    p2p_result_free(result);
    return p2p_finish_output(exit_code);
}
