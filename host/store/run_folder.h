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

/* Which edge file belongs to a boot.json: by its digest (SPEC.md), so that boots are not mixed up. */
struct p2p_vouched {
    bool known; /* false: nothing is vouched for */
    uint32_t digest;
};

/* What boot.json tells the analysis. The file itself says more, for people. */
struct p2p_boot_summary {
    bool complete; /* the boot reached its end, and all checks passed */
    char fault[P2P_ERROR_MESSAGE_BYTES];
    char configuration[P2P_NAME_BYTES];
    uint32_t boot;
    bool has_seed; /* the first files of version 1 may lack it, and stimuli */
    uint64_t seed; /* of its schedule */
    bool has_stimuli;
    uint64_t stimuli;               /* handed over to the board */
    bool has_xen;                   /* boot.json has the key */
    bool xen;                       /* Xen said something of itself */
    bool confirmation;              /* a fresh boot of a configuration that had failed */
    struct p2p_vouched edges;       /* edges.p2p */
    struct p2p_vouched truth;       /* truth.p2p */
    char stub[P2P_NAME_BYTES];      /* by its READY line: "pin2pin-stub 0.1.0"; "": it was not READY */
    char stub_path[P2P_NAME_BYTES]; /* what its path= says; "": nothing */
    char probe[P2P_NAME_BYTES];     /* "": it was not identified */
    char serial[P2P_NAME_BYTES];
    char firmware[P2P_NAME_BYTES];
    struct p2p_uncertainty budget;
};

/* P2P_E_INPUT if the edge file at `path`, with this digest, is not the one vouched for. */
enum p2p_code p2p_check_vouched(const char *path, const struct p2p_vouched *vouched, uint32_t digest,
                                struct p2p_error *error);

/* *present is false, with P2P_OK, if there is no boot.json. */
enum p2p_code p2p_boot_summary_load(const char *boot_folder, struct p2p_boot_summary *summary, bool *present,
                                    struct p2p_error *error);

#endif
