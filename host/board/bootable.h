/* SPDX-License-Identifier: MIT */
/* Whether a bench can boot a configuration, as far as files tell: found out before the first boot of the night. */
#ifndef P2P_BOARD_BOOTABLE_H
#define P2P_BOARD_BOOTABLE_H

#include "config/bench.h"

/* P2P_E_INPUT: the board is not what the configuration asks for, or an image is not there or not what it should be. */
enum p2p_code p2p_bootable_check(const struct p2p_bench *bench, const struct p2p_configuration *configuration,
                                 struct p2p_error *error);

#endif
