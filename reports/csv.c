/* SPDX-License-Identifier: MIT */
#include "reports/csv.h"

#include "reports/columns.h"
#include "reports/plain.h"

#include <string.h>

static const char END_OF_ROW[] = "\r\n"; /* RFC 4180 */

/* Quoted where it has to be. */
static void print_text(FILE *out, const char *text)
{
    const bool quoted = strpbrk(text, ",\"") != NULL;

    if (quoted) {
        fputc('"', out);
    }
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            fputc('"', out);
        }
        fputc(p2p_plain_character(*text), out);
    }
    if (quoted) {
        fputc('"', out);
    }
}

static void print_row(FILE *out, const struct p2p_result *result, const struct p2p_result_configuration *configuration)
{
    const char *texts[] = {result->plan,
                           result->bench,
                           p2p_time_base_name(result->time_base),
                           configuration->set,
                           configuration->name,
                           p2p_verdict_name(configuration->judgement.verdict),
                           configuration->judgement.reason};
    struct p2p_columns columns;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fputs(i > 0 ? "," : "", out);
        print_text(out, texts[i]);
    }
    p2p_columns_of(configuration, &columns);
    for (size_t i = 0; i < columns.count; i++) {
        fprintf(out, ",%s", columns.columns[i].text);
    }
    fputs(END_OF_ROW, out);
}

void p2p_report_csv(const struct p2p_result *result, FILE *out)
{
    const struct p2p_result_configuration nothing = {0};
    struct p2p_columns columns;

    fputs("plan,bench,time_base,set,configuration,verdict,reason", out);
    p2p_columns_of(&nothing, &columns); /* for the names */
    for (size_t i = 0; i < columns.count; i++) {
        fprintf(out, ",%s", columns.columns[i].name);
    }
    fputs(END_OF_ROW, out);
    for (size_t i = 0; i < result->configuration_count; i++) {
        print_row(out, result, &result->configurations[i]);
    }
}
