/* SPDX-License-Identifier: MIT */
#include "arch/mmio.h"
#include "uart/uart.h"

enum {
    UARTDR = 0x00,
    UARTFR = 0x18,
    UARTCR = 0x30,
    FR_TXFF = 1 << 5,
    CR_UARTEN = 1 << 0,
    CR_TXE = 1 << 8,
};

static void pl011_put(const struct uart *uart, char character)
{
    while (mmio_read32(uart->base + UARTFR) & FR_TXFF)
        ;
    mmio_write32(uart->base + UARTDR, (uint8_t)character);
}

void uart_sbsa_init(struct uart *uart, uintptr_t base)
{
    uart->base = base;
    uart->put = pl011_put;
}

void uart_pl011_init(struct uart *uart, uintptr_t base)
{
    uart_sbsa_init(uart, base);
    mmio_write32(base + UARTCR, mmio_read32(base + UARTCR) | CR_UARTEN | CR_TXE);
}
