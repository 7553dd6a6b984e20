/* SPDX-License-Identifier: MIT */
#include "gic/distributor.h"
#include "gic/gic.h"

enum {
    GICC_CTLR = 0x00,
    GICC_PMR = 0x04,
    GICC_IAR = 0x0c,
    GICC_EOIR = 0x10,
    ENABLE = 1, /* the group we are in: 0 without the security extensions, 1 seen from the non-secure side */
};

static void v2_enable_spi(const struct gic *gic, uint32_t intid)
{
    gicd_prepare(gic->distributor, intid);
    /* ITARGETSR0 reads as this CPU's own mask; 0 on a single core, where targets are fixed. */
    mmio_write8(gic->distributor + GICD_ITARGETSR + intid, (uint8_t)mmio_read32(gic->distributor + GICD_ITARGETSR));
    mmio_write32(gicd_word(gic->distributor, GICD_ISENABLER, intid), 1u << intid % 32);
}

static uint32_t v2_acknowledge(const struct gic *gic)
{
    return mmio_read32(gic->cpu + GICC_IAR);
}

static void v2_end(const struct gic *gic, uint32_t acknowledged)
{
    mmio_write32(gic->cpu + GICC_EOIR, acknowledged);
}

void gic_v2_init(struct gic *gic, uintptr_t distributor, uintptr_t cpu_interface)
{
    gic->name = "v2";
    gic->distributor = distributor;
    gic->cpu = cpu_interface;
    gic->intid_mask = 0x3ff; /* above it, the CPU that sent a software interrupt */
    gic->enable_spi = v2_enable_spi;
    gic->acknowledge = v2_acknowledge;
    gic->end = v2_end;

    mmio_write32(distributor + GICD_CTLR, ENABLE);
    mmio_write32(cpu_interface + GICC_PMR, GIC_PRIORITY_ALL);
    mmio_write32(cpu_interface + GICC_CTLR, ENABLE);
}
