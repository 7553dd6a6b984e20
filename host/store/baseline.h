/* SPDX-License-Identifier: MIT */
/*
 * Pinned baselines: results of releases under a name, against which later runs are held. A rolling baseline hides slow
 * creep; a pinned one stays until it is dropped. FOLDER/NAME.json is a result.json, byte for byte.
 */
#ifndef P2P_STORE_BASELINE_H
#define P2P_STORE_BASELINE_H

#include "store/result.h"

/*
 * `chosen`, if a plan names one, or the user's own: $XDG_DATA_HOME/pin2pin/baselines, ~/.local/share/pin2pin/baselines.
 * free() it; NULL: see `error`.
 */
char *p2p_baseline_folder(const char *chosen, struct p2p_error *error);

/*
 * Pins the result.json at `result_path`. P2P_E_INPUT: not a name, the name is taken, not a result, or one that is
 * incomplete or a BENCH FAULT and so no measure for others.
 */
enum p2p_code p2p_baseline_pin(const char *folder, const char *name, const char *result_path, struct p2p_error *error);
/* P2P_E_INPUT: there is none of that name. */
enum p2p_code p2p_baseline_drop(const char *folder, const char *name, struct p2p_error *error);

/* Sorted; ends with NULL, *count is without it. Free with p2p_baseline_names_free. NULL: see `error`. No folder: none.
 */
char **p2p_baseline_list(const char *folder, size_t *count, struct p2p_error *error);
void p2p_baseline_names_free(char **names); /* may be NULL */

/* NULL: see `error`; if there is none of that name, it says which there are. Free with p2p_result_free. */
struct p2p_result *p2p_baseline_load(const char *folder, const char *name, struct p2p_error *error);

/*
 * Loads what the relative limits of `result` ask for into its references; `chosen` as for p2p_baseline_folder, looked
 * at only if they ask for something. P2P_E_INPUT: a baseline, or a configuration in it, is not there. Whether the two
 * are comparable is judged with the figures.
 */
enum p2p_code p2p_baseline_attach(struct p2p_result *result, const char *chosen, struct p2p_error *error);

#endif
