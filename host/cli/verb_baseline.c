/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "store/baseline.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

int p2p_verb_baseline_pin(const struct p2p_options *options)
{
    const char *name = options->operands[0];
    struct p2p_error error = {0};
    char *folder = p2p_baseline_folder(options->baselines, &error);
    char *file = p2p_result_file(options->operands[1]);
    enum p2p_code code;

    if (folder == NULL) {
        code = p2p_failure(&error);
    } else if (file == NULL) {
        code = p2p_error_set(&error, P2P_E_HOST, "out of memory");
    } else {
        code = p2p_baseline_pin(folder, name, file, &error);
    }
    if (code == P2P_OK && !options->quiet) {
        fprintf(stderr, "pinned %s in %s\n", name, folder);
    }
    free(file);
    free(folder);
    return code == P2P_OK ? P2P_EXIT_PASS : p2p_complain(&error, options);
}

int p2p_verb_baseline_drop(const struct p2p_options *options)
{
    struct p2p_error error = {0};
    char *folder = p2p_baseline_folder(options->baselines, &error);
    enum p2p_code code = folder == NULL ? p2p_failure(&error) : p2p_baseline_drop(folder, options->operands[0], &error);

    free(folder);
    return code == P2P_OK ? P2P_EXIT_PASS : p2p_complain(&error, options);
}

/* NULL: out of memory. */
static json_t *describe(const char *name, const struct p2p_result *result)
{
    return json_pack("{ss ss ss ss ss sI sI}", "name", name, "plan", result->plan, "bench", result->bench, "time_base",
                     p2p_time_base_name(result->time_base), "verdict", p2p_verdict_name(result->judgement.verdict),
                     "boots", (json_int_t)result->boots, "samples", (json_int_t)result->samples);
}

static void print_line(const char *name, const struct p2p_result *result)
{
    printf("%-20s  plan %s on bench %s, %u boots of %llu, %s: %s\n", name, result->plan, result->bench,
           (unsigned)result->boots, (unsigned long long)result->samples, p2p_time_base_name(result->time_base),
           p2p_verdict_name(result->judgement.verdict));
}

static enum p2p_code list(const struct p2p_options *options, const char *folder, char *const *names, json_t *array,
                          struct p2p_error *error)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        struct p2p_result *result = p2p_baseline_load(folder, names[i], error);

        if (result == NULL) {
            return p2p_failure(error);
        }
        if (!options->json) {
            print_line(names[i], result);
        } else if (json_array_append_new(array, describe(names[i], result)) != 0) {
            p2p_error_set(error, P2P_E_HOST, "out of memory");
        }
        p2p_result_free(result);
    }
    return error->code;
}

static enum p2p_code print_array(json_t *array, struct p2p_error *error)
{
    char *text = json_dumps(array, JSON_INDENT(2));

    if (text == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    puts(text);
    free(text);
    return P2P_OK;
}

int p2p_verb_baseline_list(const struct p2p_options *options)
{
    struct p2p_error error = {0};
    char *folder = p2p_baseline_folder(options->baselines, &error);
    size_t count = 0;
    char **names = folder == NULL ? NULL : p2p_baseline_list(folder, &count, &error);
    json_t *array = json_array();
    enum p2p_code code = names == NULL ? p2p_failure(&error) : list(options, folder, names, array, &error);

    if (code == P2P_OK && options->json) {
        code = print_array(array, &error);
    }
    json_decref(array);
    p2p_baseline_names_free(names);
    free(folder);
    return code == P2P_OK ? p2p_finish_output(P2P_EXIT_PASS) : p2p_complain(&error, options);
}
