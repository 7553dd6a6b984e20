/* SPDX-License-Identifier: MIT */
#include "config/json_writer.h"

#include "util/file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum p2p_code p2p_json_save(const char *path, json_t *root, unsigned digits, struct p2p_error *error)
{
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(digits));
    char *line = text == NULL ? NULL : p2p_format("%s\n", text);
    enum p2p_code code = line == NULL ? p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path)
                                      : p2p_write_file(path, line, strlen(line), error);

    free(line);
    free(text);
    json_decref(root);
    return code;
}
