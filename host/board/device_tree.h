/* SPDX-License-Identifier: MIT */
/*
 * Device trees that boot the stub on QEMU's `virt`, natively or as a dom0less domU of Xen. Pure: blobs in, blobs out.
 * Sources: Xen docs/misc/arm/device-tree/booting.txt and passthrough.txt; Devicetree Specification v0.4.
 */
#ifndef P2P_BOARD_DEVICE_TREE_H
#define P2P_BOARD_DEVICE_TREE_H

#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

struct p2p_blob {
    void *data; /* free() it */
    size_t size;
};

/* Where a file is put in the board's memory before Xen starts, and its exact size: Xen takes both from the tree. */
struct p2p_module {
    uint64_t address;
    uint64_t size;
};

struct p2p_domain {
    const char *xen_command_line;
    const char *guest_command_line;
    uint32_t memory_mib;
    struct p2p_module kernel;
    struct p2p_module device_tree; /* the partial tree made by p2p_passthrough_tree */
};

/* The stub alone: QEMU's tree without what it does not need, and its command line. */
enum p2p_code p2p_native_tree(const void *base, size_t base_size, const char *command_line, struct p2p_blob *blob,
                              struct p2p_error *error);

/* The host's tree for Xen: the GPIO block marked for passthrough, and one domain in /chosen. */
enum p2p_code p2p_xen_tree(const void *base, size_t base_size, const struct p2p_domain *domain, struct p2p_blob *blob,
                           struct p2p_error *error);

/* The partial tree that hands the GPIO block of `base` to the domain. */
enum p2p_code p2p_passthrough_tree(const void *base, size_t base_size, struct p2p_blob *blob, struct p2p_error *error);

#endif
