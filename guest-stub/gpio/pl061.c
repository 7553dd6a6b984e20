/* SPDX-License-Identifier: MIT */
/* Arm PL061: eight pins. Address bits 9:2 of a data access are the mask of the pins that it touches. */
#include "arch/mmio.h"
#include "gpio/gpio.h"

enum {
    GPIODATA = 0x000,
    GPIODIR = 0x400,
    GPIOIS = 0x404,
    GPIOIBE = 0x408,
    GPIOIEV = 0x40c,
    GPIOIE = 0x410,
    GPIOMIS = 0x418,
    GPIOIC = 0x41c,
    GPIOAFSEL = 0x420,
};

static void change(uintptr_t address, uint32_t clear, uint32_t set)
{
    mmio_write32(address, (mmio_read32(address) & ~clear) | set);
}

static void pl061_setup(const struct gpio *gpio, uint32_t inputs, uint32_t output, struct gpio_answer *answer)
{
    uintptr_t base = gpio->base;

    answer->address = base + GPIODATA + output * 4ul;
    answer->toggle = output;
    answer->value = 0;

    mmio_write32(base + GPIOIE, 0);
    change(base + GPIOAFSEL, inputs | output, 0);
    mmio_write32(answer->address, answer->value);
    change(base + GPIODIR, inputs, output);
    mmio_write32(answer->address, answer->value); /* a write before DIR may have been ignored */

    change(base + GPIOIS, inputs, 0);
    change(base + GPIOIBE, inputs, 0);
    change(base + GPIOIEV, 0, inputs);
    mmio_write32(base + GPIOIC, 0xff);
    mmio_write32(base + GPIOIE, inputs);
}

static uint32_t pl061_take_edges(const struct gpio *gpio)
{
    uint32_t edges = mmio_read32(gpio->base + GPIOMIS);

    mmio_write32(gpio->base + GPIOIC, edges);
    mmio_barrier(); /* the line must be down before the interrupt is ended, or it comes again */
    return edges;
}

void gpio_pl061_init(struct gpio *gpio, uintptr_t base)
{
    gpio->name = "pl061";
    gpio->base = base;
    gpio->pin_count = 8;
    gpio->setup = pl061_setup;
    gpio->take_edges = pl061_take_edges;
}
