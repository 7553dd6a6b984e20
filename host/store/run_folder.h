/* SPDX-License-Identifier: MIT */
/*
 * A run on disk:
 *   DIR/result.json                              from the first second, rewritten after each boot
 *   DIR/CONFIGURATION/boot-001/console.log       raw bytes of the console
 *                              console.times     on a lab bench: when they came
 *                              edges.p2p         every edge (SPEC.md)
 *                              truth.p2p         the same edges as they truly were, where somebody knows
 *                              boot.json         last of all: a boot without it did not end
 */
#ifndef P2P_STORE_RUN_FOLDER_H
#define P2P_STORE_RUN_FOLDER_H

#include "capture/edge.h"
#include "config/plan.h"
#include "stats/uncertainty.h"
#include "util/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Paths; free() them. NULL: out of memory. */
char *p2p_result_path(const char *folder);
char *p2p_boot_folder(const char *folder, const char *configuration, uint32_t boot);

/* Makes DIR, which must be empty if it exists (P2P_E_INPUT). */
enum p2p_code p2p_run_folder_create(const char *folder, struct p2p_error *error);

/* What boot.json tells the analysis. The file itself says more, for people. */
struct p2p_boot_summary {
    bool complete; /* the boot reached its end, and all checks passed */
    char fault[P2P_ERROR_MESSAGE_BYTES];
    char configuration[P2P_NAME_BYTES];
    uint32_t boot;
    char probe[P2P_NAME_BYTES]; /* "": it was not identified */
    char serial[P2P_NAME_BYTES];
    char firmware[P2P_NAME_BYTES];
    struct p2p_uncertainty budget;
};

/* *present is false, with P2P_OK, if there is no boot.json. */
enum p2p_code p2p_boot_summary_load(const char *boot_folder, struct p2p_boot_summary *summary, bool *present,
                                    struct p2p_error *error);

#endif
