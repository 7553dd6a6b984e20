/* SPDX-License-Identifier: MIT */
/* The keys of NAME.bench.json that only a lab bench has: how a real board is wired, powered and booted. */
#ifndef P2P_CONFIG_LAB_PLAN_H
#define P2P_CONFIG_LAB_PLAN_H

#include "config/json_reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line of a GPIO chip of this computer: by name, or by offset where `line` is NULL. */
struct p2p_lab_line {
    char *chip; /* label, name ("gpiochip0") or path */
    char *line;
    uint32_t offset;
    bool active_low;
};

enum p2p_lab_load { P2P_LAB_TFTP, P2P_LAB_DISK };
enum p2p_lab_power { P2P_LAB_POWER_GPIOD, P2P_LAB_POWER_COMMAND };

/* Where a board has its files in memory. */
struct p2p_lab_addresses {
    uint64_t xen; /* natively: of the stub */
    uint64_t stub, tree, partial;
};

/* All owned; NULL and 0 where the file says nothing and there is no default. */
struct p2p_lab_plan {
    char *device_tree; /* the board's own, flattened; absolute path */
    struct p2p_lab_addresses addresses;
    struct { /* board.kind "uboot" */
        enum p2p_lab_load load;
        char *folder;    /* tftp: the server's, absolute path; disk: on the disk, "" for its root */
        char *interface; /* disk: as "mmc 0:1" */
        char *prompt, *autoboot, *autoboot_key;
        char **setup; /* lines typed first; ends with NULL */
        size_t setup_count;
    } uboot;
    char **script; /* board.kind "script": the user's program that boots the board; ends with NULL */
    uint32_t script_s;
    uint32_t boot_tries; /* power cycles until the board is READY, before anything is measured */
    struct p2p_lab_line stimulus, query;
    struct {
        char *device; /* serial port, absolute path */
        uint32_t baud;
    } console;
    struct {
        enum p2p_lab_power kind;
        struct p2p_lab_line relay;
        uint32_t settle_ms;
        uint32_t off_ms;  /* off for so long at least before it goes on */
        char **on, **off; /* argument lists */
        uint32_t timeout_s;
    } power;
};

/* `root` is the file, `board` its "board"; `uboot`: of kind "uboot", else "script". */
void p2p_lab_plan_read(const struct p2p_json_object *root, const struct p2p_json_object *board, bool uboot,
                       struct p2p_lab_plan *lab);
void p2p_lab_plan_release(struct p2p_lab_plan *lab); /* what it owns, not itself */

/* Refuses those of `keys` (ends with NULL) that `object` has: `who` has no use for them. */
void p2p_lab_refuse_keys(const struct p2p_json_object *object, const char *const keys[], const char *who);

#endif
