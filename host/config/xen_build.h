/* SPDX-License-Identifier: MIT */
/* FOLDER/NAME/xen.json: what a build of Xen is, beside its image, FOLDER/NAME/xen. Schema: docs/schema/xen.schema.json.
 */
#ifndef P2P_CONFIG_XEN_BUILD_H
#define P2P_CONFIG_XEN_BUILD_H

#include "config/plan.h"
#include "util/error.h"

#include <stdbool.h>

struct p2p_xen_build {
    char name[P2P_NAME_BYTES];
    char *image; /* absolute path */
    char version[P2P_XEN_VERSION_BYTES];
    bool debug;
    char **schedulers; /* ends with NULL */
};

/* P2P_E_INPUT: there is no such build, or xen.json is wrong. Free with p2p_xen_build_release, also after an error. */
enum p2p_code p2p_xen_build_load(const char *folder, const char *name, struct p2p_xen_build *build,
                                 struct p2p_error *error);
void p2p_xen_build_release(struct p2p_xen_build *build); /* what it owns, not itself */

/* "4.17", "4.17.4": two or three numbers of at most three digits, joined by dots. */
bool p2p_is_xen_version(const char *text);

#endif
