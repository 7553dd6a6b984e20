/* SPDX-License-Identifier: MIT */
/* The interrupt controller: one shared peripheral interrupt for this CPU. The ops are filled in by the init
 * functions. */
#ifndef STUB_GIC_GIC_H
#define STUB_GIC_GIC_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GIC_FIRST_SPI = 32,
    GIC_FIRST_SPECIAL = 1020, /* 1020..1023 say that there is nothing to handle, and want no end() */
    GIC_LAST_SPECIAL = 1023,
};

struct gic {
    const char *name;
    uintptr_t distributor;
    uintptr_t cpu;       /* v2: CPU interface; v3: this CPU's redistributor */
    uint32_t intid_mask; /* of what acknowledge() returns */

    void (*enable_spi)(const struct gic *gic, uint32_t intid); /* level-high, to this CPU */
    uint32_t (*acknowledge)(const struct gic *gic);
    void (*end)(const struct gic *gic, uint32_t acknowledged);
};

/* Both switch the controller on, with no interrupt enabled yet. */
void gic_v2_init(struct gic *gic, uintptr_t distributor, uintptr_t cpu_interface);
/* False: no redistributor of this CPU within the window. */
bool gic_v3_init(struct gic *gic, uintptr_t distributor, uintptr_t redistributors, uint64_t size);

#endif
