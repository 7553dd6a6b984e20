/* SPDX-License-Identifier: MIT */
#include "capture/edge.h"

const char *p2p_time_base_name(enum p2p_time_base base)
{
    switch (base) {
    case P2P_TIME_HARDWARE:
        return "hardware";
    case P2P_TIME_INSTRUCTIONS:
        return "instructions";
    }
    return "unknown"; /* a damaged value must not pass for a time base */
}
