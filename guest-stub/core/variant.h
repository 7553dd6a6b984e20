/* SPDX-License-Identifier: MIT */
/*
 * What a variant of the stub may replace at link time. core/normal/ holds the real ones, a variant's folder
 * any of answer.inc, after.c and announce.c.
 */
#ifndef STUB_CORE_VARIANT_H
#define STUB_CORE_VARIANT_H

#include <stdint.h>

struct stub;

/* Last in the IRQ handler; `irq` counts the interrupts taken, this one included. */
void after_interrupt(uint64_t irq);

/* Everything is armed: prints READY. */
void announce(const struct stub *stub);

#endif
