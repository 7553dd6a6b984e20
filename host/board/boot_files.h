/* SPDX-License-Identifier: MIT */
/* The files that a board needs in its memory for one boot of a configuration, whoever puts them there. */
#ifndef P2P_BOARD_BOOT_FILES_H
#define P2P_BOARD_BOOT_FILES_H

#include "board/device_tree.h"
#include "config/bench.h"

enum p2p_boot_file {
    P2P_BOOT_XEN, /* native: none */
    P2P_BOOT_STUB,
    P2P_BOOT_TREE,    /* the host's device tree */
    P2P_BOOT_PARTIAL, /* the domain's partial device tree; native: none */
    P2P_BOOT_FILE_COUNT,
};

/* What all boots of a board have in common; borrowed. */
struct p2p_boot_setup {
    const void *base_tree; /* the board's own device tree */
    size_t base_tree_size;
    const struct p2p_pins *pins;
    const char *stub;                    /* path */
    uint64_t stub_address;               /* where Xen is told to find the stub */
    uint64_t partial_address;            /* and its partial tree */
    const struct p2p_module *neighbours; /* and each of the configuration's neighbours; NULL: nowhere */
};

/* A file that the configuration has no use for has no data. */
struct p2p_boot_files {
    struct p2p_blob file[P2P_BOOT_FILE_COUNT];
};

/* The path of the guest's image: the configuration's own, or the stub. */
const char *p2p_boot_guest(const struct p2p_boot_setup *setup, const struct p2p_configuration *configuration);

/* "xen", "stub.bin", "tree.dtb", "partial.dtb": the name in any folder. */
const char *p2p_boot_file_name(enum p2p_boot_file file);

/*
 * Zero-initialise `files`, and free it with p2p_boot_files_free, also after an error. The first composes the trees
 * only, for a stub of `stub_size` bytes; the second reads the images, too. P2P_E_INPUT: an image is not what it should
 * be.
 */
enum p2p_code p2p_boot_files_compose(const struct p2p_boot_setup *setup, const struct p2p_configuration *configuration,
                                     uint64_t stub_size, struct p2p_boot_files *files, struct p2p_error *error);
enum p2p_code p2p_boot_files_make(const struct p2p_boot_setup *setup, const struct p2p_configuration *configuration,
                                  struct p2p_boot_files *files, struct p2p_error *error);
void p2p_boot_files_free(struct p2p_boot_files *files);

/*
 * Writes them to `folder`, each whole or not at all. Files of an earlier boot with these names are replaced, or removed
 * where this one has none. After an error none is left.
 */
enum p2p_code p2p_boot_files_write(const struct p2p_boot_files *files, const char *folder, struct p2p_error *error);
/* Files that are not there are no error. */
void p2p_boot_files_remove(const char *folder);

#endif
