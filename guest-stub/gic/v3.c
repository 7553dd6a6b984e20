/* SPDX-License-Identifier: MIT */
#include "arch/sysreg.h"
#include "gic/distributor.h"
#include "gic/gic.h"

enum {
    CTLR_GROUP1 = 3, /* EnableGrp1 and, seen from the non-secure side, EnableGrp1A */
    CTLR_ARE = 1 << 4,

    GICR_TYPER = 0x08,
    GICR_WAKER = 0x14,
    TYPER_VLPIS = 1 << 1,
    TYPER_LAST = 1 << 4,
    TYPER_AFFINITY_SHIFT = 32,
    WAKER_PROCESSOR_SLEEP = 1 << 1,
    WAKER_CHILDREN_ASLEEP = 1 << 2,

    FRAMES_BYTES = 2 * 0x10000,      /* RD and SGI frames of one CPU */
    FRAMES_VLPI_BYTES = 4 * 0x10000, /* and the two of GICv4 */
};

/* MPIDR's affinity packed as in GICR_TYPER: Aff3 next to Aff2. */
static uint32_t own_affinity(void)
{
    uint64_t mpidr = read_mpidr_el1();

    return (uint32_t)((mpidr & 0xffffff) | (mpidr >> 8 & 0xff000000));
}

static void v3_enable_spi(const struct gic *gic, uint32_t intid)
{
    uintptr_t group = gicd_word(gic->distributor, GICD_IGROUPR, intid);

    gicd_prepare(gic->distributor, intid);
    mmio_write32(group, mmio_read32(group) | 1u << intid % 32);
    mmio_write64(gic->distributor + GICD_IROUTER + 8ull * intid, read_mpidr_el1() & 0xff00ffffff);
    mmio_write32(gicd_word(gic->distributor, GICD_ISENABLER, intid), 1u << intid % 32);
}

static uint32_t v3_acknowledge(const struct gic *gic)
{
    (void)gic;
    return (uint32_t)read_icc_iar1_el1();
}

static void v3_end(const struct gic *gic, uint32_t acknowledged)
{
    (void)gic;
    write_icc_eoir1_el1(acknowledged);
}

/* 0: not there. */
static uintptr_t find_redistributor(uintptr_t frames, uint64_t size)
{
    uintptr_t end = frames + size;
    uint64_t typer = 0;

    while (frames < end && !(typer & TYPER_LAST)) {
        typer = mmio_read64(frames + GICR_TYPER);
        if (typer >> TYPER_AFFINITY_SHIFT == own_affinity())
            return frames;
        frames += typer & TYPER_VLPIS ? FRAMES_VLPI_BYTES : FRAMES_BYTES;
    }
    return 0;
}

static void wake_redistributor(uintptr_t redistributor)
{
    uintptr_t waker = redistributor + GICR_WAKER;

    mmio_write32(waker, mmio_read32(waker) & ~(uint32_t)WAKER_PROCESSOR_SLEEP);
    while (mmio_read32(waker) & WAKER_CHILDREN_ASLEEP)
        ;
}

bool gic_v3_init(struct gic *gic, uintptr_t distributor, uintptr_t redistributors, uint64_t size)
{
    gic->name = "v3";
    gic->distributor = distributor;
    gic->cpu = find_redistributor(redistributors, size);
    gic->intid_mask = 0xffffff;
    gic->enable_spi = v3_enable_spi;
    gic->acknowledge = v3_acknowledge;
    gic->end = v3_end;
    if (!gic->cpu)
        return false;

    wake_redistributor(gic->cpu);
    mmio_write32(distributor + GICD_CTLR, CTLR_ARE | CTLR_GROUP1);
    write_icc_sre_el1(read_icc_sre_el1() | 1);
    write_icc_pmr_el1(GIC_PRIORITY_ALL);
    write_icc_igrpen1_el1(1);
    return true;
}
