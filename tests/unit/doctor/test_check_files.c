/* SPDX-License-Identifier: MIT */
#include "finding_asserts.h"

#include "board/boot_files.h"
#include "board/virtual_bench.h"
#include "util/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[64], tree[80];
static struct p2p_bench bench;
static struct p2p_doctor doctor;
static struct p2p_examination self;
static const char *fault; /* of what is wrapped; NULL: none */
static unsigned open_benches;

enum p2p_code __wrap_p2p_boot_files_make(const struct p2p_boot_setup *setup,
                                         const struct p2p_configuration *configuration, struct p2p_boot_files *files,
                                         struct p2p_error *error);
struct p2p_virtual_bench *__wrap_p2p_virtual_bench_open(const struct p2p_bench *plan, int stop_fd,
                                                        struct p2p_error *error);
void __wrap_p2p_virtual_bench_close(struct p2p_virtual_bench *open);
enum p2p_code __wrap_p2p_calibration_load_complete(const char *path, struct p2p_calibration *calibration,
                                                   struct p2p_error *error);

enum p2p_code __wrap_p2p_boot_files_make(const struct p2p_boot_setup *setup,
                                         const struct p2p_configuration *configuration, struct p2p_boot_files *files,
                                         struct p2p_error *error)
{
    (void)files;
    assert_string_equal(setup->base_tree, "tree");
    assert_int_equal(setup->base_tree_size, 4);
    assert_string_equal(setup->stub, "the-stub");
    assert_int_equal(setup->stub_address, 5);
    assert_null(configuration->xen);
    return fault != NULL ? p2p_error_set(error, P2P_E_INPUT, "%s", fault) : P2P_OK;
}

struct p2p_virtual_bench *__wrap_p2p_virtual_bench_open(const struct p2p_bench *plan, int stop_fd,
                                                        struct p2p_error *error)
{
    assert_ptr_equal(plan, &bench);
    assert_int_equal(stop_fd, -1);
    if (fault != NULL) {
        p2p_error_set(error, P2P_E_INPUT, "%s", fault);
        return NULL;
    }
    open_benches++;
    return (struct p2p_virtual_bench *)&open_benches;
}

void __wrap_p2p_virtual_bench_close(struct p2p_virtual_bench *open)
{
    open_benches -= open != NULL;
}

enum p2p_code __wrap_p2p_calibration_load_complete(const char *path, struct p2p_calibration *calibration,
                                                   struct p2p_error *error)
{
    snprintf(calibration->date, sizeof calibration->date, "2026-01-01T00:00:00Z");
    if (strcmp(path, "absent") == 0) {
        return p2p_error_set(error, P2P_E_INPUT, "absent: cannot open");
    }
    return fault != NULL ? p2p_error_set(error, P2P_E_INPUT, "%s", fault) : P2P_OK;
}

/* The bench does not own its strings here, but could write to them. */
static char the_stub_text[] = "the-stub";

static int set_up(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    snprintf(folder, sizeof folder, "/tmp/pin2pin-files-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(tree, sizeof tree, "%s/tree", folder);
    assert_int_equal(p2p_write_file(tree, "tree", 4, &error), P2P_OK);
    bench = (struct p2p_bench){.board = {.kind = P2P_BOARD_SCRIPT}, .stub = the_stub_text};
    bench.lab.device_tree = tree;
    bench.lab.addresses.stub = 5;
    doctor = (struct p2p_doctor){.bench = &bench, .stop_fd = -1};
    self = (struct p2p_examination){.doctor = &doctor, .bench = &bench};
    fault = NULL;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(open_benches, 0);
    unlink(tree);
    return rmdir(folder);
}

static void of_a_lab(void **state)
{
    (void)state;
    assert_check(p2p_check_board_files, &self, P2P_FINDING_OK, "guest stub and device tree", "");
    fault = "the-stub: no image";
    assert_check(p2p_check_board_files, &self, P2P_FINDING_FAILED, "the-stub: no image", "$.stub");
    unlink(tree);
    assert_check(p2p_check_board_files, &self, P2P_FINDING_FAILED, "tree: cannot open", "dtc -O dtb");
}

static void of_tftp(void **state)
{
    (void)state;
    bench.board.kind = P2P_BOARD_UBOOT;
    bench.lab.uboot.load = P2P_LAB_TFTP;
    bench.lab.uboot.folder = folder;
    assert_check(p2p_check_board_files, &self, P2P_FINDING_OK, "TFTP", "");
    bench.lab.uboot.folder = (char[]){"/absent"};
    assert_check(p2p_check_board_files, &self, P2P_FINDING_FAILED, "$.board.folder: /absent: No such", "TFTP server");
    bench.lab.uboot.load = P2P_LAB_DISK; /* a folder of the board's */
    assert_check(p2p_check_board_files, &self, P2P_FINDING_OK, "device tree", "");
}

static void of_the_virtual_bench(void **state)
{
    (void)state;
    bench.board.kind = P2P_BOARD_QEMU_VIRT;
    assert_check(p2p_check_board_files, &self, P2P_FINDING_OK, "QEMU", "");
    fault = "qemu: not there";
    assert_check(p2p_check_board_files, &self, P2P_FINDING_FAILED, "qemu: not there", "./lab build");
}

static void calibration(void **state)
{
    (void)state;
    assert_check(p2p_check_calibration, &self, P2P_FINDING_WARNING, "none", "probe calibrate");
    bench.probe.calibration = (char[]){"absent"};
    assert_check(p2p_check_calibration, &self, P2P_FINDING_FAILED, "absent: cannot open", "probe calibrate");
    bench.probe.calibration = (char[]){"there"};
    assert_check(p2p_check_calibration, &self, P2P_FINDING_OK, "there of 2026-01-01", "");
    fault = "half of it is missing";
    assert_check(p2p_check_calibration, &self, P2P_FINDING_FAILED, "half of it is missing", "probe calibrate");
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(of_a_lab),
        IN_A_FOLDER(of_tftp),
        IN_A_FOLDER(of_the_virtual_bench),
        IN_A_FOLDER(calibration),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
