/* SPDX-License-Identifier: MIT */
/* Lines as they came over real consoles: Debian's Xen 4.17 and 4.20 on QEMU's virt, and the guest stub. */
#ifndef P2P_TESTS_SESSION_CONSOLES_H
#define P2P_TESTS_SESSION_CONSOLES_H

#define READY_FIELDS "el=1 entry_el=1 idle=wfi intid=39 stimulus=0 answer=1 query=2 path=2"
#define READY        "READY pin2pin-stub 0.1.0 board=linux,dummy-virt gic=v2 " READY_FIELDS
#define READY_XEN    "READY pin2pin-stub 0.1.0 board=unknown gic=v2 " READY_FIELDS

#define XEN_417_VERSION                                                                                                \
    "(XEN) Xen version 4.17.7 (Debian 4.17.7+13-g2445b30a44-0+deb12u1) (pkg-xen-devel@lists.alioth.debian.org) "       \
    "(aarch64-linux-gnu-gcc (Debian 12.2.0-14+deb12u1) 12.2.0) debug=n Wed Nov  4 16:52:28 UTC 2026\r\n"
#define XEN_420_VERSION                                                                                                \
    "(XEN) Xen version 4.20.5-pre (Debian 4.20.4+63-g7abfd2bce2-0+deb13u1) (pkg-xen-devel@lists.alioth.debian.org) "   \
    "(aarch64-linux-gnu-gcc (Debian 14.2.0-19) 14.2.0) debug=n Tue Nov  3 20:11:50 UTC 2026\r\n"
#define XEN_SCHEDULER "(XEN) Using scheduler: SMP Credit Scheduler rev2 (credit2)\r\n"
#define XEN_DOMAIN    "(XEN) *** LOADING DOMU cpus=1 memory=4000KB ***\r\n"
#define XEN_MACHINE   "(XEN) Brought up 1 CPUs\r\n" XEN_DOMAIN
#define XEN_LAST      "(XEN) Freed 348kB init memory.\r\n"

#define XEN_COMMAND_LINE                                                                                               \
    "(XEN) Command line: console=dtuart dtuart=/pl011@9000000 conswitch=ax bootscrub=0 noreboot vwfi=trap "            \
    "sched=credit2\r\n"
#define XEN_LOG                                                                                                        \
    "(XEN) 'w' pressed -> dumping console ring buffer (dmesg)\r\n(XEN) Checking for initrd in /chosen\r\n(XEN) \r\n"   \
    "(XEN) CMDLINE[0000000050000000]:domU1 stimulus=0 answer=1 query=2\r\n" XEN_COMMAND_LINE

#define XEN_417 XEN_417_VERSION "(XEN) 64-bit Execution:\r\n" XEN_SCHEDULER XEN_MACHINE XEN_LAST
#define XEN_420                                                                                                        \
    XEN_420_VERSION "(XEN) build-id: cd2aa25fb8bd6775334588037f855574524dbc12\r\n" XEN_SCHEDULER XEN_MACHINE XEN_LAST

#define PANIC "(XEN) Panic on CPU 0:\r\n(XEN) Unable to find a compatible timer in the device tree\r\n"

#endif
