/* SPDX-License-Identifier: MIT */
#include "reports/result_report.h"

#include "reports/csv.h"
#include "reports/junit.h"
#include "reports/text.h"
#include "util/file.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool write_text(const struct p2p_result *result, FILE *out)
{
    p2p_report_text(result, out);
    return true;
}

static bool write_csv(const struct p2p_result *result, FILE *out)
{
    p2p_report_csv(result, out);
    return true;
}

struct format {
    const char *name;
    const char *file; /* NULL: not kept */
    bool (*write)(const struct p2p_result *result, FILE *out);
};

static const struct format FORMATS[] = {
    {"text", NULL, write_text},
    {"junit", "junit.xml", p2p_report_junit},
    {"csv", "result.csv", write_csv},
};

enum { FORMAT_COUNT = sizeof FORMATS / sizeof FORMATS[0] };

/* NULL: out of memory. */
static char *make(const struct format *format, const struct p2p_result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool whole;

    if (out == NULL) {
        return NULL;
    }
    whole = format->write(result, out) && ferror(out) == 0;
    if (fclose(out) != 0 || !whole) {
        free(text);
        return NULL;
    }
    return text;
}

char *p2p_result_report(const struct p2p_result *result, const char *format)
{
    if (strcmp(format, "json") == 0) {
        return p2p_result_encode(result);
    }
    for (int i = 0; i < FORMAT_COUNT; i++) {
        if (strcmp(format, FORMATS[i].name) == 0) {
            return make(&FORMATS[i], result);
        }
    }
    assert(false);
    return NULL;
}

static enum p2p_code save(const struct format *format, const struct p2p_result *result, const char *folder,
                          struct p2p_error *error)
{
    char *path = p2p_format("%s/%s", folder, format->file);
    char *text = make(format, result);
    enum p2p_code code = path == NULL || text == NULL ? p2p_error_set(error, P2P_E_HOST, "%s: out of memory", folder)
                                                      : p2p_write_file(path, text, strlen(text), error);

    free(text);
    free(path);
    return code;
}

enum p2p_code p2p_result_reports_save(const struct p2p_result *result, const char *folder, struct p2p_error *error)
{
    enum p2p_code code = P2P_OK;

    for (int i = 0; i < FORMAT_COUNT && code == P2P_OK; i++) {
        if (FORMATS[i].file != NULL) {
            code = save(&FORMATS[i], result, folder, error);
        }
    }
    return code;
}
