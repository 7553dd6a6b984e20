/* SPDX-License-Identifier: MIT */
/*
 * Device trees that boot the guest on QEMU's `virt`, natively or as a dom0less domU of Xen. Pure: blobs in, blobs out.
 * Sources: Xen docs/misc/arm/device-tree/booting.txt, passthrough.txt and cpupools.txt; Devicetree Specification v0.4.
 */
#ifndef P2P_BOARD_DEVICE_TREE_H
#define P2P_BOARD_DEVICE_TREE_H

#include "config/plan.h"
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
    const char *command_line; /* NULL: none */
    uint32_t memory_mib;
    uint32_t vcpus;
    struct p2p_module kernel;
    struct p2p_module device_tree; /* the partial tree made by p2p_passthrough_tree; of size 0: none */
};

/* What Xen finds in /chosen; all borrowed. */
struct p2p_xen_chosen {
    const char *command_line;
    struct p2p_cpupool pool;          /* of the first domain */
    const struct p2p_domain *domains; /* Xen numbers them from 1 */
    size_t domain_count;
};

/* The stub alone: QEMU's tree without what it does not need, and its command line. */
enum p2p_code p2p_native_tree(const void *base, size_t base_size, const char *command_line, struct p2p_blob *blob,
                              struct p2p_error *error);

/* The host's tree for Xen: the GPIO block marked for passthrough, and the domains in /chosen. */
enum p2p_code p2p_xen_tree(const void *base, size_t base_size, const struct p2p_xen_chosen *chosen,
                           struct p2p_blob *blob, struct p2p_error *error);

/* The partial tree that hands the GPIO block of `base` to the domain. */
enum p2p_code p2p_passthrough_tree(const void *base, size_t base_size, struct p2p_blob *blob, struct p2p_error *error);

#endif
