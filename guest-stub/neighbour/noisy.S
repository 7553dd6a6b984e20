/* SPDX-License-Identifier: MIT */
/*
 * The noisy neighbour: a Xen domU that makes hypercalls without end and so never gives up its CPU. Says one line first
 * if it has a vpl011. Needs neither device tree nor stack; all interrupts stay masked.
 */
    .equ UART, 0x22000000           /* xen/include/public/arch-arm.h: GUEST_PL011_BASE */
    .equ XEN_VERSION, 17            /* __HYPERVISOR_xen_version: short, and open to every domain */
    .equ XENVER_VERSION, 0          /* its command with no argument */

    .text
    .global _start
_start:                             /* also the vector table, of which one entry is used */
    b       entry                   /* arm64 Image header: code0, code1 */
    .long   0
    .quad   0                       /* text_offset */
    .quad   end - _start            /* image_size */
    .quad   8                       /* little endian, anywhere in memory */
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

entry:
    adr     x0, _start
    msr     vbar_el1, x0
    ldr     w0, =0x30d01800         /* RES1 bits, MMU off, I: fetches from the cache, or the bus would be loaded too */
    msr     sctlr_el1, x0
    isb
    mov     w1, #UART
    adr     x2, line
1:  ldrb    w0, [x2], #1
    cbz     w0, call
    str     w0, [x1]
    b       1b

    .org    _start + 0x200          /* synchronous exception, SP_ELx: no vpl011 at this address */
call:
    mov     x16, #XEN_VERSION
1:  mov     x0, #XENVER_VERSION     /* the result is there too */
    hvc     #0xea1                  /* XEN_HYPERCALL_TAG */
    b       1b

line:
    .asciz  "NEIGHBOUR pin2pin-noisy " P2P_VERSION "\n"
    .ltorg
end:
