/* SPDX-License-Identifier: MIT */
/* System registers, one accessor each. */
#ifndef STUB_ARCH_SYSREG_H
#define STUB_ARCH_SYSREG_H

#include <stdint.h>

#define SYSREG_READER(name)                                                                                            \
    static inline uint64_t read_##name(void)                                                                           \
    {                                                                                                                  \
        uint64_t value;                                                                                                \
        __asm__ volatile("mrs %0, " #name : "=r"(value) : : "memory");                                                 \
        return value;                                                                                                  \
    }

/* With the barrier that makes the write take effect before what follows. */
#define SYSREG_WRITER(name)                                                                                            \
    static inline void write_##name(uint64_t value)                                                                    \
    {                                                                                                                  \
        __asm__ volatile("msr " #name ", %0\n\tisb" : : "r"(value) : "memory");                                        \
    }

SYSREG_READER(mpidr_el1)
SYSREG_READER(esr_el1)
SYSREG_READER(elr_el1)
SYSREG_READER(far_el1)
SYSREG_READER(icc_sre_el1)
SYSREG_READER(icc_iar1_el1)
SYSREG_WRITER(icc_sre_el1)
SYSREG_WRITER(icc_pmr_el1)
SYSREG_WRITER(icc_igrpen1_el1)
SYSREG_WRITER(icc_eoir1_el1)
SYSREG_WRITER(tpidr_el1)

/* SError, IRQ and FIQ. */
static inline void unmask_interrupts(void)
{
    __asm__ volatile("msr daifclr, #7" : : : "memory");
}

#endif
