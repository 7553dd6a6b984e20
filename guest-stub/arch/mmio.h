/* SPDX-License-Identifier: MIT */
/*
 * Device registers. Plain base-register loads and stores only: a hypervisor that emulates the device cannot
 * decode the writeback forms that a compiler may choose for a volatile access.
 */
#ifndef STUB_ARCH_MMIO_H
#define STUB_ARCH_MMIO_H

#include <stdint.h>

static inline uint32_t mmio_read32(uintptr_t address)
{
    uint32_t value;

    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline uint64_t mmio_read64(uintptr_t address)
{
    uint64_t value;

    __asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void mmio_write8(uintptr_t address, uint8_t value)
{
    __asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline void mmio_write32(uintptr_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline void mmio_write64(uintptr_t address, uint64_t value)
{
    __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
}

/* All accesses before it have reached their device before anything after it. */
static inline void mmio_barrier(void)
{
    __asm__ volatile("dsb sy" : : : "memory");
}

#endif
