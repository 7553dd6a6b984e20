/* SPDX-License-Identifier: MIT */
#include "core/print.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

struct recorder {
    struct uart uart; /* first: put() gets its address */
    size_t length;
    char text[256];
};

static void record(const struct uart *uart, char character)
{
    struct recorder *recorder = (struct recorder *)(uintptr_t)uart;

    assert_in_range(recorder->length, 0, sizeof(recorder->text) - 2);
    recorder->text[recorder->length++] = character;
}

static void prints_words_and_numbers(void **state)
{
    struct recorder recorder = {.uart.put = record};

    (void)state;
    print(&recorder.uart, "a=%s b=%lu c=%lx d=%lu\n", "word", 0ul, 0xdeadbeef01234567ul, UINT64_MAX);
    assert_string_equal(recorder.text, "a=word b=0 c=deadbeef01234567 d=18446744073709551615\n");
}

static void prints_plain_text(void **state)
{
    struct recorder recorder = {.uart.put = record};

    (void)state;
    print(&recorder.uart, "no arguments\n");
    print(&recorder.uart, "%s", "");
    assert_string_equal(recorder.text, "no arguments\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_words_and_numbers),
        cmocka_unit_test(prints_plain_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
