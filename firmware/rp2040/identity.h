/* SPDX-License-Identifier: MIT */
#ifndef P2P_RP2040_IDENTITY_H
#define P2P_RP2040_IDENTITY_H

#include <stdint.h>

/* The flash chip's unique number; 0 where there is no boot ROM, so no chip behind it either: an emulator. */
uint64_t identity_board_id(void);

/* Another at each reset, by the noise of the ring oscillator. */
uint32_t identity_run_id(void);

#endif
