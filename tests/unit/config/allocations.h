/* SPDX-License-Identifier: MIT */
/* Makes one allocation fail: ours by the linker's --wrap (calloc malloc strdup vasprintf), jansson's by its
 * own hook. */
#ifndef P2P_TESTS_CONFIG_ALLOCATIONS_H
#define P2P_TESTS_CONFIG_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>

/* The allocation after `count` more fails, once. */
void allocations_fail_after(size_t count);
/* Those of jansson, too, or no longer. */
void allocations_hook_jansson(bool hook);
/* From here on all succeed again. True: the one to fail was reached. */
bool allocations_failed(void);

#endif
