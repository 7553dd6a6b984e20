/* SPDX-License-Identifier: MIT */
/* The GPIO block. Ops are filled in by the init functions; pins are masks of one bit a pin. */
#ifndef STUB_GPIO_GPIO_H
#define STUB_GPIO_GPIO_H

#include <stdint.h>

/* What the vector does to toggle a pin: value ^= toggle, then a 32-bit store of value to address. */
struct gpio_answer {
    uintptr_t address;
    uint32_t toggle;
    uint32_t value; /* for the level the pin has now: low */
};

struct gpio {
    const char *name;
    uintptr_t base;
    uint32_t pin_count;

    /* Makes `output` an output at low with no edge, and `inputs` interrupt on their rising edges only. */
    void (*setup)(const struct gpio *gpio, uint32_t inputs, uint32_t output, struct gpio_answer *answer);
    /* The inputs with an edge since last asked; their latches are cleared. */
    uint32_t (*take_edges)(const struct gpio *gpio);
};

void gpio_pl061_init(struct gpio *gpio, uintptr_t base);

#endif
