/* SPDX-License-Identifier: MIT */
/* By its schedule's seed a boot is told from those of other runs: the session plays by it, the analysis checks it. */
#ifndef P2P_STORE_BOOT_SEED_H
#define P2P_STORE_BOOT_SEED_H

#include <stddef.h>
#include <stdint.h>

/* Different for each boot, the same for the same plan. `configuration` is the index in the plan. */
uint64_t p2p_boot_seed(uint64_t plan_seed, size_t configuration, uint32_t boot);

#endif
