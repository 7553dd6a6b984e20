/* SPDX-License-Identifier: MIT */
#include "board/bootable.h"

#include "board/xen_image.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

/* A virtual board has what it is told to have; a real one is as it is. */
static enum p2p_code check_board(const struct p2p_bench *bench, const struct p2p_configuration *configuration,
                                 struct p2p_error *error)
{
    if (!p2p_bench_is_lab(bench)) {
        return P2P_OK;
    }
    if (configuration->gic != 0 && configuration->gic != bench->board.gic) {
        return p2p_error_set(error, P2P_E_INPUT,
                             "it asks for GICv%" PRIu32 ", but the board of %s has GICv%" PRIu32
                             " ($.board.gic): leave \"gic\" out, or take another bench",
                             configuration->gic, bench->path, bench->board.gic);
    }
    if (configuration->neighbour_count > 0) {
        return p2p_error_set(error, P2P_E_INPUT,
                             "it has a neighbour (\"%s\"), which only the virtual board can load so far, but %s is a "
                             "lab bench: leave \"neighbours\" out",
                             configuration->neighbours[0]->name, bench->path);
    }
    return P2P_OK;
}

static enum p2p_code check_readable(const char *path, const char *what, struct p2p_error *error)
{
    return access(path, R_OK) == 0 ? P2P_OK : p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s, %s", what, path);
}

enum p2p_code p2p_bootable_check(const struct p2p_bench *bench, const struct p2p_configuration *configuration,
                                 struct p2p_error *error)
{
    enum p2p_code code = check_board(bench, configuration, error);

    if (code == P2P_OK && configuration->xen != NULL) {
        code = p2p_xen_image_check(configuration->xen->image, error);
    }
    if (code == P2P_OK && configuration->guest != NULL) {
        code = check_readable(configuration->guest, "the guest's image", error);
    }
    for (size_t i = 0; i < configuration->neighbour_count && code == P2P_OK; i++) {
        code = check_readable(configuration->neighbours[i]->image, "the neighbour's image", error);
    }
    return code;
}
