/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "reports/text.h"
#include "store/analysis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int p2p_verb_report(const struct p2p_options *options)
{
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_analyse_run(options->argument, &error);
    bool json = options->json || (options->format != NULL && strcmp(options->format, "json") == 0);

    if (result == NULL) {
        return p2p_complain(&error, options);
    }
    if (json) {
        char *text = p2p_result_encode(result);

        fputs(text != NULL ? text : "", stdout);
        free(text);
    } else {
        p2p_report_text(result, stdout);
    }
    p2p_result_free(result);
    return p2p_finish_output(P2P_EXIT_PASS);
}
