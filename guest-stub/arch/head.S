/* SPDX-License-Identifier: MIT */
/*
 * Entry: x0 = device tree, EL2 (native) or EL1 (Xen domU), MMU off. Runs wherever it is loaded on a 4 KiB
 * boundary. .bss and the stack are zeros inside the image: nothing is left to clear, and the loader cleans
 * them out of the caches together with the code.
 */

    .section .head, "ax"
    .global _start
_start:
    b       entry                   /* arm64 Image header: code0, code1 */
    .long   0
    .quad   0                       /* text_offset */
    .section .head.flags, "a"       /* image_size stands between: the linker script writes it */
    .quad   8                       /* little endian, anywhere in memory */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

    .text
entry:
    msr     daifset, #0xf
    mrs     x1, CurrentEL
    ubfx    x1, x1, #2, #2          /* entry EL, second argument of stub_main */
    cmp     x1, #2
    b.ne    at_el1

    mov     x2, #(1 << 31)          /* HCR_EL2.RW: EL1 is AArch64; nothing is routed to EL2 */
    msr     hcr_el2, x2
    mov     x2, #0x33ff             /* RES1 bits only: no trap of FP */
    msr     cptr_el2, x2
    msr     hstr_el2, xzr
    mov     x2, #3                  /* counter and timer are EL1's */
    msr     cnthctl_el2, x2
    msr     cntvoff_el2, xzr
    mrs     x2, midr_el1            /* what EL1 reads in MIDR and MPIDR comes from these two */
    msr     vpidr_el2, x2
    mrs     x2, mpidr_el1
    msr     vmpidr_el2, x2

    mrs     x2, id_aa64pfr0_el1
    ubfx    x2, x2, #24, #4
    cbz     x2, 1f                  /* no GICv3 system registers */
    mrs     x2, icc_sre_el2
    mov     x3, #9                  /* SRE, and Enable for EL1 */
    orr     x2, x2, x3
    msr     icc_sre_el2, x2
    isb
    msr     ich_hcr_el2, xzr
1:
    adr     x2, at_el1
    msr     elr_el2, x2
    mov     x2, #0x3c5              /* EL1h, D A I F masked */
    msr     spsr_el2, x2
    eret

at_el1:
    ldr     w2, =0x30d01800         /* RES1 bits, MMU off, I: or uncached fetches would be measured */
    msr     sctlr_el1, x2
    adr     x2, vectors
    msr     vbar_el1, x2
    msr     tpidr_el1, xzr          /* no struct stub yet */
    isb
    adrp    x2, stack_top
    add     sp, x2, :lo12:stack_top
    bl      stub_main
    b       stop

/* noreturn void stop(void): everything masked. A WFI wakes for a masked interrupt all the same, so loop. */
    .global stop
stop:
    msr     daifset, #0xf
1:
    wfi
    b       1b

/* void answer_set(uint32_t toggle, uintptr_t address, uint32_t value): what the fast path works on. */
    .global answer_set
answer_set:
    mov     w26, w0
    mov     x27, x1
    mov     w28, w2
    ret

    .bss
    .balign 16
    .skip   16384
stack_top:
