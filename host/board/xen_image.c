/* SPDX-License-Identifier: MIT */
#include "board/xen_image.h"

#include "util/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IMAGE_BYTES_MAX = 64 << 20,
    IMAGE_HEADER_BYTES = 64,
    IMAGE_MAGIC_AT = 56,
};

/* In every Xen: the name of the tree node that describes a dom0less domain. */
static const char XEN_MARK[] = "xen,domain";

enum p2p_code p2p_xen_image_check(const char *path, struct p2p_error *error)
{
    char *image = NULL;
    size_t size = 0;
    enum p2p_code code = p2p_read_file(path, IMAGE_BYTES_MAX, &image, &size, error);

    if (code != P2P_OK) {
        return code;
    }
    if (size < IMAGE_HEADER_BYTES || memcmp(image + IMAGE_MAGIC_AT, "ARM\x64", 4) != 0) {
        code =
            p2p_error_set(error, P2P_E_INPUT, "%s: not an arm64 boot image (no \"ARM\\x64\" at byte %d); expected Xen",
                          path, IMAGE_MAGIC_AT);
    } else if (memmem(image, size, XEN_MARK, sizeof XEN_MARK) == NULL) {
        code = p2p_error_set(error, P2P_E_INPUT, "%s: an arm64 boot image, but not a Xen that can start domains", path);
    }
    free(image);
    return code;
}

char *p2p_xen_command_line(const struct p2p_configuration *configuration)
{
    const struct p2p_xen *xen = configuration->xen;
    char cpus[32] = "";

    if (configuration->cpus > 0) {
        snprintf(cpus, sizeof cpus, " maxcpus=%" PRIu32, configuration->cpus);
    }
    /*
     * bootscrub=0: idle-time scrubbing of free memory disturbs the first samples of vwfi=trap.
     * noreboot: a panic must end in silence on the console, not in a second boot.
     * conswitch=ax: console input stays with Xen; the session asks it for its log.
     */
    return p2p_format("console=dtuart dtuart=/pl011@9000000 conswitch=ax bootscrub=0 noreboot vwfi=%s sched=%s%s%s%s",
                      p2p_vwfi_name(xen->vwfi), xen->scheduler, cpus, *xen->extra_command_line != '\0' ? " " : "",
                      xen->extra_command_line);
}
