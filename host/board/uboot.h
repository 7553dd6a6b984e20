/* SPDX-License-Identifier: MIT */
/*
 * Boots a real board through U-Boot, over its console: stops the autoboot, types the bench's set-up lines, loads the
 * boot files and checks them by size and CRC-32, starts Xen (or natively the stub) by `booti`.
 *
 * TFTP: the files are put into a folder of their own in the TFTP server's, and removed when U-Boot has them; U-Boot
 * learns its addresses from the set-up lines (`setenv ipaddr ...; setenv serverip ...`, or `dhcp`).
 * Disk (an SD card): the user puts the files there beforehand, into the folder FOLDER/CONFIGURATION, under the names of
 * p2p_boot_file_name, as p2p_boot_files_write makes them. A file that is not what this boot needs is refused.
 */
#ifndef P2P_BOARD_UBOOT_H
#define P2P_BOARD_UBOOT_H

#include "board/boot_files.h"
#include "ports/ports.h"

enum p2p_uboot_load {
    P2P_UBOOT_TFTP, /* "tftp" */
    P2P_UBOOT_DISK, /* "disk" */
};

enum { P2P_UBOOT_LINE_MAX = 480 }; /* U-Boot 2023.01 cuts lines of more than 500 characters, and runs what is left */

/* From the bench file; strings are borrowed and never NULL; prompt and autoboot are never empty. */
struct p2p_uboot_plan {
    const char *prompt;       /* as "=> ", alone on its line */
    const char *autoboot;     /* what announces the autoboot, as "Hit any key to stop autoboot" */
    const char *autoboot_key; /* what stops it, as " " */
    const char *const *setup; /* lines to be typed before anything is loaded */
    size_t setup_count;
    enum p2p_uboot_load load;
    const char *interface; /* disk: as "mmc 0:1" or "virtio 0" */
    const char *folder;    /* tftp: the server's, on this computer; disk: on the disk, "" for its root */
    uint64_t address[P2P_BOOT_FILE_COUNT];
    uint32_t boot_s;    /* power on to "Starting kernel", whatever each step may take; timeouts.boot_s */
    uint32_t command_s; /* each command but those that load; 10 */
    uint32_t load_s;    /* each file; 60 */
};

/*
 * The board has just got its power. Returns when U-Boot has handed over ("Starting kernel"): Xen's banner and READY are
 * the session's to wait for. `configuration` is its name.
 * P2P_E_BENCH: what U-Boot did not do, and the console's last words. P2P_E_INPUT: a line of the bench file can't be
 * typed. P2P_E_INTERRUPTED by the clock.
 */
enum p2p_code p2p_uboot_boot(const struct p2p_uboot_plan *plan, const char *configuration,
                             const struct p2p_boot_files *files, const struct p2p_console *console,
                             const struct p2p_clock *clock, struct p2p_error *error);

#endif
