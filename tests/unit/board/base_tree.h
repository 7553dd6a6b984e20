/* SPDX-License-Identifier: MIT */
/* A device tree of the shape that QEMU 10's `virt` dumps, made node by node so that a test can leave one out. */
#ifndef P2P_TESTS_BOARD_BASE_TREE_H
#define P2P_TESTS_BOARD_BASE_TREE_H

#include <stddef.h>
#include <stdint.h>

enum { BASE_TREE_BYTES = 4096 };

struct base_tree {
    uint64_t gpio_address; /* 0: no PL061 */
    int gpio_reg_bytes;
    int gpio_interrupts_bytes; /* -1: no such property */
    const char *uart;          /* of /aliases; NULL: no aliases */
    int uart_bytes;
    int cpus; /* 0: no /cpus. QEMU gives each a phandle; here only the first two have one */
};

/* The board as it is. */
struct base_tree base_tree_of_virt(void);

/* Into `blob`, of BASE_TREE_BYTES and 8-byte aligned. Returns its size; 0: libfdt failed. */
size_t base_tree_make(const struct base_tree *shape, void *blob);

#endif
