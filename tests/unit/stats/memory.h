/* SPDX-License-Identifier: MIT */
/* Lets memory run out: for programs that wrap calloc and realloc. */
#ifndef P2P_TESTS_STATS_MEMORY_H
#define P2P_TESTS_STATS_MEMORY_H

#include <stdbool.h>

/* `count` more allocations succeed, and none after them. */
void memory_lasts_for(int count);
/* There is memory again. True: it had run out. */
bool memory_ran_out(void);

#endif
