/* SPDX-License-Identifier: MIT */
#include "answer.inc"

#define FRAME 160

/* x26-x28 are not in the frame: they are the fast path's everywhere. x19-x25 and x29 the callee keeps. */
    .macro counted handler
    stp     x0, x1, [sp, #-FRAME]!
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x30, [sp, #144]
    mrs     x0, tpidr_el1
    bl      \handler
    b       leave
    .endm

    .macro fatal number
    .org    vectors + \number * 0x80
    mrs     x0, tpidr_el1
    mov     w1, #\number
    b       stub_fatal
    .endm

    .section .vectors, "ax"
    .balign 2048
    .global vectors, vector_irq
vectors:
    fatal   0                       /* EL1 with SP_EL0: never used */
    fatal   1
    fatal   2
    fatal   3
    fatal   4                       /* EL1h, synchronous */
    .org    vectors + 0x280
vector_irq:
    answer
answered:
    counted stub_irq
    .org    vectors + 0x300
    counted stub_fiq
    .org    vectors + 0x380
    counted stub_serror
    fatal   8                       /* lower EL: never used */
    fatal   9
    fatal   10
    fatal   11
    fatal   12
    fatal   13
    fatal   14
    fatal   15
    .org    vectors + 0x800

leave:
    mrs     x0, elr_el1
    adr     x1, idle_begin
    sub     x0, x0, x1
    cmp     x0, #(idle_end - idle_begin)
    b.hs    1f
    msr     elr_el1, x1             /* restart the idle sequence, see idle */
1:
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x30, [sp, #144]
    ldp     x0, x1, [sp], #FRAME
    eret

/*
 * void idle(const volatile uint32_t *flag): sleeps until *flag is set. Interrupts stay unmasked, so that the
 * wake-up takes the interrupt right at the WFI. The handlers restart the sequence if they interrupted it: a
 * flag set between the load and the WFI is not slept over.
 */
    .text
    .global idle
idle:
idle_begin:
    ldr     w1, [x0]
    cbnz    w1, idle_end
    wfi
    b       idle_begin
idle_end:
    ret

    .section .rodata, "a"
    .balign 4
    .global path_instructions
path_instructions:
    .long   (answered - vector_irq) / 4
