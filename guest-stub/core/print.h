/* SPDX-License-Identifier: MIT */
#ifndef STUB_CORE_PRINT_H
#define STUB_CORE_PRINT_H

#include "uart/uart.h"

/* Knows %s, %lu and %lx, without flags or widths. A line ends with "\n" alone. */
void print(const struct uart *uart, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
