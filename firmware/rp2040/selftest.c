/* SPDX-License-Identifier: MIT */
#include "selftest.h"

#include "board.h"
#include "capture.h"
#include "firmware/core/probe.h"

#include "hardware/gpio.h"
#include "hardware/timer.h"

#include <string.h>

enum {
    FAILED_CLOCK = 1 << 0,
    FAILED_DMA = 1 << 1,
    FAILED_MEMORY = 1 << 2,
    PULSE_US = 1000,
    TOLERANCE_US = 20, /* interrupts come in between */
};

/* The linker script's: the program in RAM, and where it was copied from. */
extern const char __ram_text_start__[], __ram_text_end__[], __ram_text_source__[];

/* Between pin and state machine, so that the board is not seen. */
static void force_pins(enum gpio_override level)
{
    gpio_set_inover(BOARD_STIMULUS_PIN, level);
    gpio_set_inover(BOARD_ANSWER_PIN, level);
    busy_wait_us_32(CAPTURE_SETTLE_US);
}

static void skip_words(void)
{
    uint32_t word;

    capture_look();
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        while (capture_next(stream, &word) == CAPTURE_WORD) {
        }
    }
}

/* The rise and the fall of one pulse, `length_us` by the other clock. */
static uint32_t check_stream(unsigned stream, uint32_t length_us)
{
    uint32_t rise, fall, length_ticks;

    if (capture_next(stream, &rise) != CAPTURE_WORD || capture_next(stream, &fall) != CAPTURE_WORD || (rise & 1) != 1 ||
        (fall & 1) != 0) {
        return FAILED_DMA;
    }
    length_ticks = (rise & ~1U) - fall; /* the count runs down */
    return length_ticks / CAPTURE_TICKS_PER_US - length_us + TOLERANCE_US <= 2 * TOLERANCE_US ? 0 : FAILED_CLOCK;
}

static uint32_t check_capture(void)
{
    uint32_t failed = 0, start_us, length_us;

    force_pins(GPIO_OVERRIDE_LOW);
    skip_words();
    start_us = time_us_32();
    force_pins(GPIO_OVERRIDE_HIGH);
    busy_wait_us_32(PULSE_US);
    length_us = time_us_32() - start_us;
    force_pins(GPIO_OVERRIDE_LOW);
    capture_look();
    for (unsigned stream = 0; stream < PROBE_STREAMS; stream++) {
        failed |= check_stream(stream, length_us);
    }
    force_pins(GPIO_OVERRIDE_NORMAL);
    return failed;
}

uint32_t selftest_run(void)
{
    const size_t size = (uintptr_t)__ram_text_end__ - (uintptr_t)__ram_text_start__;
    const uint32_t memory = memcmp(__ram_text_start__, __ram_text_source__, size) == 0 ? 0 : FAILED_MEMORY;

    return memory | check_capture();
}
