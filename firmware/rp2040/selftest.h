/* SPDX-License-Identifier: MIT */
#ifndef P2P_RP2040_SELFTEST_H
#define P2P_RP2040_SELFTEST_H

#include <stdint.h>

/*
 * What SELF_TEST of the protocol answers, after less than 10 ms. The words it makes the counters write are used up, and
 * any that were there. What is wired to the pins does not matter.
 */
uint32_t selftest_run(void);

#endif
