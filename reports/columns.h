/* SPDX-License-Identifier: MIT */
/*
 * All figures of a configuration, as names and texts: the columns of CSV and the properties of JUnit. The names are
 * those of result.json's keys. New columns are only ever added at the end.
 */
#ifndef P2P_REPORTS_COLUMNS_H
#define P2P_REPORTS_COLUMNS_H

#include "store/result.h"

#include <stddef.h>

enum {
    P2P_COLUMNS_MAX = 64,
    P2P_COLUMN_BYTES = 32,
};

struct p2p_column {
    const char *name;
    char text[P2P_COLUMN_BYTES]; /* "" where there is no such figure: no samples to make it of, no such limit */
};

struct p2p_columns {
    size_t count; /* the same for every configuration, as are the names */
    struct p2p_column columns[P2P_COLUMNS_MAX];
};

void p2p_columns_of(const struct p2p_result_configuration *configuration, struct p2p_columns *columns);

#endif
