/* SPDX-License-Identifier: MIT */
#include "board/bootable.h"

#include "bench_folder.h"
#include "util/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct bench_folder f;
static char bench_path[] = "lab.bench.json";

static int set_up(void **state)
{
    (void)state;
    if (!bench_folder_make(&f)) {
        return -1;
    }
    f.bench.path = bench_path;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return bench_folder_remove(&f) ? 0 : -1;
}

static void assert_bootable(const struct p2p_configuration *configuration)
{
    f.error = (struct p2p_error){0};
    assert_int_equal(p2p_bootable_check(&f.bench, configuration, &f.error), P2P_OK);
    assert_string_equal(f.error.message, "");
}

static void assert_refused(const struct p2p_configuration *configuration, const char *part)
{
    f.error = (struct p2p_error){0};
    assert_int_equal(p2p_bootable_check(&f.bench, configuration, &f.error), P2P_E_INPUT);
    bench_folder_assert_error(&f, P2P_E_INPUT, part);
}

static void a_virtual_board_is_what_it_is_told_to_be(void **state)
{
    struct p2p_configuration configuration = f.native;

    (void)state;
    configuration.gic = 2; /* the bench's own is 3 */
    configuration.cpus = 8;
    assert_bootable(&configuration);
}

static void a_real_board_is_as_it_is(void **state)
{
    struct p2p_configuration configuration = f.native;

    (void)state;
    f.bench.board.kind = P2P_BOARD_UBOOT;
    assert_bootable(&configuration);
    configuration.gic = 3;
    assert_bootable(&configuration);
    configuration.gic = 2;
    assert_refused(&configuration, "it asks for GICv2, but the board of lab.bench.json has GICv3 ($.board.gic): "
                                   "leave \"gic\" out, or take another bench");
}

static void neighbours_are_for_the_virtual_board(void **state)
{
    struct p2p_neighbour noisy = {.name = "noisy", .image = f.xen_image};
    struct p2p_configuration configuration = f.on_xen;

    (void)state;
    configuration.neighbours[0] = &noisy;
    configuration.neighbour_count = 1;
    assert_bootable(&configuration);
    f.bench.board.kind = P2P_BOARD_SCRIPT;
    assert_refused(&configuration, "it has a neighbour (\"noisy\"), which only the virtual board can load so far, but "
                                   "lab.bench.json is a lab bench: leave \"neighbours\" out");
}

static void images_must_be_there(void **state)
{
    char nowhere[] = "nowhere";
    struct p2p_neighbour noisy = {.name = "noisy", .image = nowhere};
    struct p2p_configuration configuration = f.on_xen;

    (void)state;
    assert_bootable(&configuration);
    configuration.neighbours[0] = &noisy;
    configuration.neighbour_count = 1;
    assert_refused(&configuration, "the neighbour's image, nowhere: No such file or directory");
    configuration.guest = nowhere;
    assert_refused(&configuration, "the guest's image, nowhere: No such file or directory");
    assert_int_equal(p2p_write_file(f.xen_image, "MZ", 2, &f.error), P2P_OK);
    assert_refused(&configuration, "xen: not an arm64 boot image");
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(a_virtual_board_is_what_it_is_told_to_be),
        IN_A_FOLDER(a_real_board_is_as_it_is),
        IN_A_FOLDER(neighbours_are_for_the_virtual_board),
        IN_A_FOLDER(images_must_be_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
