/* SPDX-License-Identifier: MIT */
#include "core/print.h"

#include <stdarg.h>
#include <stddef.h>

static void put_text(const struct uart *uart, const char *text)
{
    for (; *text; text++)
        uart->put(uart, *text);
}

static void put_number(const struct uart *uart, unsigned long number, unsigned base)
{
    char digits[24]; /* 20 for 2^64 in decimal */
    char *digit = digits + sizeof(digits) - 1;

    *digit = '\0';
    do {
        *--digit = "0123456789abcdef"[number % base];
        number /= base;
    } while (number);
    put_text(uart, digit);
}

void print(const struct uart *uart, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    for (; *format; format++) {
        if (*format != '%') {
            uart->put(uart, *format);
        } else if (*++format == 's') {
            put_text(uart, va_arg(arguments, const char *));
        } else { /* %lu, %lx */
            format++;
            put_number(uart, va_arg(arguments, unsigned long), *format == 'x' ? 16 : 10);
        }
    }
    va_end(arguments);
}
