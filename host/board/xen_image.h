/* SPDX-License-Identifier: MIT */
/* What we ask of Xen, in the words of its command line; and whether a file is a Xen at all. */
#ifndef P2P_BOARD_XEN_IMAGE_H
#define P2P_BOARD_XEN_IMAGE_H

#include "config/plan.h"
#include "util/error.h"

/*
 * P2P_E_INPUT if `path` can't be read, has no arm64 Image header (Linux Documentation/arm64/booting.rst: magic
 * "ARM\x64" at byte 56), or is a kernel other than Xen.
 */
enum p2p_code p2p_xen_image_check(const char *path, struct p2p_error *error);

/* The command line for a configuration that has a Xen; free() it. NULL: out of memory. */
char *p2p_xen_command_line(const struct p2p_configuration *configuration);

#endif
