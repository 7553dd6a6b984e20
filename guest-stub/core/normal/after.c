/* SPDX-License-Identifier: MIT */
#include "core/variant.h"

void after_interrupt(uint64_t irq)
{
    (void)irq;
}
