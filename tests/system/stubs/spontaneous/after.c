/* SPDX-License-Identifier: MIT */
/* Faulty on purpose: 300 us after every 16th interrupt the output toggles once more, with no stimulus. */
#include "core/variant.h"

static uint64_t counter(void)
{
    uint64_t ticks;

    __asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
    return ticks;
}

static uint64_t counter_hz(void)
{
    uint64_t hz;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz;
}

void after_interrupt(uint64_t irq)
{
    uint64_t start = counter();

    if (irq % 16 != 0)
        return;
    while (counter() - start < counter_hz() * 300 / 1000000)
        ;
    __asm__ volatile("eor w28, w28, w26\n\tstr w28, [x27]" : : : "memory");
}
