/* SPDX-License-Identifier: MIT */
/* JSON files that the program writes for people and machines. */
#ifndef P2P_CONFIG_JSON_WRITER_H
#define P2P_CONFIG_JSON_WRITER_H

#include "util/error.h"

struct json_t;

/*
 * Writes `root`, indented, as p2p_write_file does, reals with `digits` digits. Takes over `root`, also when it fails;
 * NULL: there was no memory to make it.
 */
enum p2p_code p2p_json_save(const char *path, struct json_t *root, unsigned digits, struct p2p_error *error);

#endif
