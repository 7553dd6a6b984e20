/* SPDX-License-Identifier: MIT */
/* The console: output only. */
#ifndef STUB_UART_UART_H
#define STUB_UART_UART_H

#include <stdint.h>

struct uart {
    uintptr_t base;
    void (*put)(const struct uart *uart, char character); /* waits while the transmitter is full */
};

/* Line settings are left as the firmware made them. */
void uart_pl011_init(struct uart *uart, uintptr_t base);
/* The SBSA subset of a PL011, as Xen's vpl011: no control registers. */
void uart_sbsa_init(struct uart *uart, uintptr_t base);

#endif
