/* SPDX-License-Identifier: MIT */
/* Distributor registers that v2 and v3 share. */
#ifndef STUB_GIC_DISTRIBUTOR_H
#define STUB_GIC_DISTRIBUTOR_H

#include "arch/mmio.h"

#include <stdint.h>

enum {
    GICD_CTLR = 0x000,
    GICD_IGROUPR = 0x080,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
    GICD_IROUTER = 0x6000,

    GIC_PRIORITY = 0x80,
    GIC_PRIORITY_ALL = 0xff, /* priority mask that lets everything through */
};

/* The 32-bit register that holds `intid` at one bit an interrupt. */
static inline uintptr_t gicd_word(uintptr_t distributor, uint32_t registers, uint32_t intid)
{
    return distributor + registers + intid / 32 * 4;
}

/* Off, level-sensitive, priority set. ICPENDR is left alone: Xen 4.17 aborts a guest that writes it. */
static inline void gicd_prepare(uintptr_t distributor, uint32_t intid)
{
    uintptr_t config = distributor + GICD_ICFGR + intid / 16 * 4;

    mmio_write32(gicd_word(distributor, GICD_ICENABLER, intid), 1u << intid % 32);
    mmio_write32(config, mmio_read32(config) & ~(3u << intid % 16 * 2));
    mmio_write8(distributor + GICD_IPRIORITYR + intid, GIC_PRIORITY);
}

#endif
