/* SPDX-License-Identifier: MIT */
/* Many questions at once: Holm's (1979) correction. */
#ifndef P2P_STATS_HOLM_H
#define P2P_STATS_HOLM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Adjusts p in place, so that those at or below alpha hold all together: the chance of one false alarm or more in the
 * whole table is at most alpha. False: out of memory; p is as it was.
 */
bool p2p_holm(double *p, size_t count);

#endif
