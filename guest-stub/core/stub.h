/* SPDX-License-Identifier: MIT */
/* The state of the program; one instance, on stub_main's stack, which the handlers reach through TPIDR_EL1.
 */
#ifndef STUB_CORE_STUB_H
#define STUB_CORE_STUB_H

#include "core/pins.h"
#include "gic/gic.h"
#include "gpio/gpio.h"
#include "uart/uart.h"

#include <stdint.h>

/* Written by the handlers only. */
struct counters {
    uint64_t irq;      /* IRQ exceptions taken = toggles of the answer pin */
    uint64_t stimulus; /* edges taken from the latch; two pins may share one interrupt */
    uint64_t query;
    uint64_t unexpected_irq; /* another INTID */
    uint64_t last_unexpected_intid;
    uint64_t spurious; /* INTID 1020..1023, or ours with no edge latched */
    uint64_t fiq;
    uint64_t serror;
};

struct stub {
    struct uart uart;
    struct gic gic;
    struct gpio gpio;
    struct pins pins;
    const char *board;
    uint64_t entry_el;
    uint32_t intid;
    volatile struct counters counters;
    volatile uint32_t queried; /* set by the handler, cleared by the main loop */
};

#endif
