/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "reports/result_report.h"
#include "store/analysis.h"

#include <stdio.h>
#include <stdlib.h>

int p2p_verb_report(const struct p2p_options *options)
{
    const char *format = options->json ? "json" : options->format != NULL ? options->format : "text";
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_analyse_run(options->argument, &error);
    char *report = result == NULL ? NULL : p2p_result_report(result, format);

    p2p_result_free(result);
    if (report == NULL) {
        p2p_error_set(&error, P2P_E_HOST, "out of memory");
        return p2p_complain(&error, options);
    }
    fputs(report, stdout);
    free(report);
    return p2p_finish_output(P2P_EXIT_PASS);
}
