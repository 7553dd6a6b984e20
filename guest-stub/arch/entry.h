/* SPDX-License-Identifier: MIT */
/* What C and assembler call in each other. */
#ifndef STUB_ARCH_ENTRY_H
#define STUB_ARCH_ENTRY_H

#include <stdint.h>

struct stub;

/* In head.S and vectors.S. */
_Noreturn void stop(void);
void answer_set(uint32_t toggle, uintptr_t address, uint32_t value);
void idle(const volatile uint32_t *flag);
extern const uint32_t path_instructions; /* from the IRQ vector up to and with the last of answer.inc */

/* In C. `stub` is what TPIDR_EL1 holds; NULL before it is set. */
_Noreturn void stub_main(const void *fdt, uint64_t entry_el);
void stub_irq(struct stub *stub);
void stub_fiq(struct stub *stub);
void stub_serror(struct stub *stub);
_Noreturn void stub_fatal(const struct stub *stub, uint32_t vector);

#endif
