/* SPDX-License-Identifier: MIT */
/* What the writer and the reader of result.json share, and nobody else needs. */
#ifndef P2P_STORE_RESULT_JSON_H
#define P2P_STORE_RESULT_JSON_H

#include "stats/figures.h"

#include <stdio.h>

#define P2P_RESULT_SCHEMA "pin2pin.result"

enum { P2P_RESULT_VERSION = 1, P2P_RESULT_KEY_BYTES = 16 };

/* "avg_ns", ...: the key of a boot's figure. */
static inline void p2p_result_figure_key(enum p2p_figure figure, char key[P2P_RESULT_KEY_BYTES])
{
    snprintf(key, P2P_RESULT_KEY_BYTES, "%s_ns", p2p_figure_name(figure));
}

#endif
