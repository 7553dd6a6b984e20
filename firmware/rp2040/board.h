/* SPDX-License-Identifier: MIT */
/*
 * The wiring of a Raspberry Pi Pico as probe. For another board change this file only; the UART's pins must be of one
 * UART in the RP2040 datasheet's function table (GPIO 0, 1, 14 and 15 are UART0's TX, RX, CTS and RTS).
 */
#ifndef P2P_RP2040_BOARD_H
#define P2P_RP2040_BOARD_H

#include "hardware/platform_defs.h" /* SYS_CLK_HZ */

enum {
    BOARD_STIMULUS_PIN = 2,
    BOARD_ANSWER_PIN = 3,
    BOARD_UART = 0,
    BOARD_UART_TX_PIN = 0,
    BOARD_UART_RX_PIN = 1,
    BOARD_UART_CTS_PIN = 14,
    BOARD_UART_RTS_PIN = 15,
    BOARD_LED_PIN = 25,
};

/* The fastest rates that both the probe's clock and an FT232H's 120 MHz divide to exactly. */
#if SYS_CLK_HZ == 125000000
enum { BOARD_BAUD = 4000000 };
#elif SYS_CLK_HZ == 200000000
enum { BOARD_BAUD = 8000000 };
#else
#error "no baud rate known for this clock"
#endif

#endif
