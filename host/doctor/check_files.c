/* SPDX-License-Identifier: MIT */
/* The files that a bench names. */
#include "doctor/check.h"

#include "board/boot_files.h"
#include "board/virtual_bench.h"
#include "util/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TREE_BYTES_MAX = 4 << 20 };

/* As each native boot makes them. */
static enum p2p_code compose(const struct p2p_bench *bench, struct p2p_error *error)
{
    const struct p2p_configuration native = {.name = "native"};
    struct p2p_boot_files files = {0};
    char *tree = NULL;
    size_t size = 0;
    enum p2p_code code = p2p_read_file(bench->lab.device_tree, TREE_BYTES_MAX, &tree, &size, error);

    if (code == P2P_OK) {
        const struct p2p_boot_setup setup = {
            .base_tree = tree,
            .base_tree_size = size,
            .pins = &bench->pins,
            .stub = bench->stub,
            .stub_address = bench->lab.addresses.stub,
            .partial_address = bench->lab.addresses.partial,
        };

        code = p2p_boot_files_make(&setup, &native, &files, error);
    }
    p2p_boot_files_free(&files);
    free(tree);
    return code;
}

static void check_lab_files(const struct p2p_bench *bench, struct p2p_finding *finding)
{
    const char *folder = bench->lab.uboot.folder;
    const bool by_tftp = bench->board.kind == P2P_BOARD_UBOOT && bench->lab.uboot.load == P2P_LAB_TFTP;
    struct p2p_error error = {0};

    if (compose(bench, &error) != P2P_OK) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "correct $.stub or $.board.device_tree; the tree is the board's own, flattened (`dtc -O dtb`)", "%s",
                 error.message);
    } else if (by_tftp && access(folder, W_OK | X_OK) != 0) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "make it the folder that the TFTP server serves, and let yourself write to it",
                 "$.board.folder: %s: %s", folder, strerror(errno));
    } else {
        p2p_find_ok(finding, "guest stub and device tree%s", by_tftp ? ", and the TFTP server's folder" : "");
    }
}

static void check_virtual_files(const struct p2p_examination *self, struct p2p_finding *finding)
{
    struct p2p_error error = {0};
    struct p2p_virtual_bench *bench = p2p_virtual_bench_open(self->bench, self->doctor->stop_fd, &error);

    if (bench == NULL) {
        p2p_find(finding, P2P_FINDING_FAILED, "`./lab build` installs and builds all that the virtual bench needs",
                 "%s", error.message);
    } else {
        p2p_find_ok(finding, "guest stub, wires plugin, QEMU and its device tree");
    }
    p2p_virtual_bench_close(bench);
}

void p2p_check_board_files(struct p2p_examination *self, struct p2p_finding *finding)
{
    if (p2p_bench_is_lab(self->bench)) {
        check_lab_files(self->bench, finding);
    } else {
        check_virtual_files(self, finding);
    }
}

void p2p_check_calibration(struct p2p_examination *self, struct p2p_finding *finding)
{
    const char *path = self->bench->probe.calibration;
    struct p2p_error error = {0};

    if (path == NULL) {
        p2p_find(finding, P2P_FINDING_WARNING,
                 "`pin2pin probe calibrate -o FILE BENCH`, and name the file in the bench ($.probe.calibration)",
                 "none: the skew of the probe's inputs and its clock's error count as uncertainty");
    } else if (p2p_calibration_load_complete(path, &self->calibration, &error) != P2P_OK) {
        p2p_find(finding, P2P_FINDING_FAILED, "make or complete it: `pin2pin probe calibrate -o FILE BENCH`", "%s",
                 error.message);
    } else {
        p2p_find_ok(finding, "%s of %s", path, self->calibration.date);
    }
}
