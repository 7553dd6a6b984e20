/* SPDX-License-Identifier: MIT */
/*
 * The virtual board with a QEMU of ours: this very program, when it is started with QEMU's arguments (fake_qemu.h).
 */
#include "board/virtual_board.h"

#include "bench_folder.h"
#include "fake_qemu.h"
#include "util/deadline.h"
#include "util/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <libfdt.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct bench_folder f;

static int set_up(void **state)
{
    (void)state;
    return bench_folder_make(&f) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return bench_folder_remove(&f) ? 0 : -1;
}

static void assert_error(enum p2p_code code, const char *part)
{
    bench_folder_assert_error(&f, code, part);
}

static struct p2p_virtual_board *open_board(int stop_fd)
{
    struct p2p_virtual_board *board = p2p_virtual_board_open(&f.bench, stop_fd, &f.error);

    if (board == NULL) {
        fail_msg("%s", f.error.message);
    }
    return board;
}

static void assert_no_board(enum p2p_code code, const char *part)
{
    f.error = (struct p2p_error){0};
    assert_null(p2p_virtual_board_open(&f.bench, -1, &f.error));
    assert_error(code, part);
}

static void power_on(struct p2p_virtual_board *board, const struct p2p_configuration *configuration)
{
    if (p2p_virtual_board_on(board, configuration, &f.error) != P2P_OK) {
        fail_msg("%s", f.error.message);
    }
}

static void assert_no_power(struct p2p_virtual_board *board, const struct p2p_configuration *configuration,
                            enum p2p_code code, const char *part)
{
    f.error = (struct p2p_error){0};
    assert_int_equal(p2p_virtual_board_on(board, configuration, &f.error), code);
    assert_error(code, part);
}

/* NUL-terminated; the caller frees it. */
static char *contents(const char *path, size_t *size)
{
    char *data = NULL;

    assert_int_equal(p2p_read_file(path, 1 << 20, &data, size, &f.error), P2P_OK);
    return data;
}

/* "@" in `expected` stands for the folder, its comma doubled. */
static void assert_arguments_end(const char *expected)
{
    char *escaped = NULL, *wanted = NULL, *got;
    const char *comma = strchr(f.folder, ',');
    size_t size;

    assert_true(asprintf(&escaped, "%.*s,%s", (int)(comma - f.folder), f.folder, comma) > 0);
    wanted = p2p_format("\n-kernel\n%s", expected);
    got = contents("arguments", &size);
    assert_non_null(wanted);
    for (char *at; (at = strstr(wanted, "@")) != NULL;) {
        char *next = p2p_format("%.*s%s%s", (int)(at - wanted), wanted, escaped, at + 1);

        free(wanted);
        assert_non_null(wanted = next);
    }
    assert_non_null(strstr(got, "\n-kernel\n"));
    assert_string_equal(strstr(got, "\n-kernel\n"), wanted);
    free(got);
    free(wanted);
    free(escaped);
}

/* ---- open ---- */

static void open_looks_at_the_files_and_at_qemu(void **state)
{
    (void)state;
    p2p_virtual_board_close(open_board(-1));
    p2p_virtual_board_close(NULL);
}

static void a_missing_part_is_said_with_its_cure(void **state)
{
    (void)state;
    assert_int_equal(truncate(f.wires, 0), 0);
    assert_no_board(P2P_E_INPUT, "wires.so: expected a file of 1..16777216 bytes; the wires plugin is not there");
    assert_int_equal(unlink(f.wires), 0);
    assert_no_board(P2P_E_INPUT, "wires.so: the wires plugin is not there; build it: ./lab build: No such file");
    assert_int_equal(truncate(f.stub, 0x100001), 0);
    assert_no_board(P2P_E_INPUT, "stub.bin: expected a file of 1..1048576 bytes; the guest stub is not there");
    assert_int_equal(unlink(f.stub), 0);
    assert_no_board(P2P_E_INPUT, "stub.bin: the guest stub is not there");
    assert_int_equal(mkdir(f.stub, 0755), 0);
    assert_no_board(P2P_E_INPUT, "stub.bin: expected a file");
    assert_int_equal(rmdir(f.stub), 0);
}

static void a_qemu_that_does_not_run_is_the_benchs_fault(void **state)
{
    (void)state;
    setenv("FAKE_QEMU", "not dump", 1);
    assert_no_board(P2P_E_BENCH, "no device tree from it: QEMU: exit code 1: qemu: no such luck|qemu: sorry");
    snprintf(f.qemu, sizeof f.qemu, "p2p-no-qemu");
    assert_no_board(P2P_E_BENCH, "p2p-no-qemu: cannot run this program");
    setenv("TMPDIR", "/tmp/p2p-no-such-folder", 1);
    assert_no_board(P2P_E_HOST, "/tmp/p2p-no-such-folder/pin2pin-");
}

/* ---- boots ---- */

static void assert_bootargs(const char *path, const char *node, const char *name, const char *expected)
{
    size_t size;
    char *tree = contents(path, &size);

    assert_int_equal(fdt_check_full(tree, size), 0);
    assert_string_equal(fdt_getprop(tree, fdt_path_offset(tree, node), name, NULL), expected);
    free(tree);
}

/* Descriptors' numbers depend on who started us: any do. */
static void blur_descriptors(void)
{
    size_t size;
    char *text = contents("arguments", &size);

    for (char *at = text; (at = strpbrk(at, "=/")) != NULL; at++) {
        if (strncmp(at, "=console,fd=", 12) == 0 || strncmp(at, "/fd/", 4) == 0 ||
            strncmp(at, "/wires.so,fd=", 13) == 0) {
            char *number = at + strcspn(at, "0123456789\n");
            size_t digits = strspn(number, "0123456789");

            assert_in_range(digits, 1, 4);
            *number = 'N';
            memmove(number + 1, number + digits, strlen(number + digits) + 1);
        }
    }
    assert_int_equal(p2p_write_file("arguments", text, strlen(text), &f.error), P2P_OK);
    free(text);
}

static void a_native_boot_gets_the_stub_and_its_tree(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    char *expected = p2p_format("%s/stub.bin\n-dtb\n/proc/self/fd/N\n-no-reboot\n-icount\nshift=0,sleep=off\n-chardev\n"
                                "socket,id=console,fd=N\n-serial\nchardev:console\n-plugin\n@/wires.so,fd=N\n",
                                f.folder);
    size_t size;
    char *arguments;

    (void)state;
    power_on(board, &f.native);
    p2p_virtual_board_close(board);
    arguments = contents("arguments", &size);
    assert_non_null(strstr(arguments, "-M\nvirt,virtualization=on,gic-version=3\n-cpu\ncortex-a53\n-smp\n1\n-m\n1024\n"
                                      "-nodefaults\n-display\nnone\n-kernel\n"));
    free(arguments);
    blur_descriptors();
    assert_arguments_end(expected);
    assert_bootargs("boot.dtb", "/chosen", "bootargs", "stimulus=3 answer=4 query=5");
    free(expected);
}

static void a_boot_of_xen_gets_its_modules(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    char *expected =
        p2p_format("%s\n-dtb\n/proc/self/fd/N\n-device\nloader,file=@/stub.bin,addr=0x50000000,force-raw=on\n"
                   "-device\nloader,file=/proc/self/fd/N,addr=0x50100000,force-raw=on\n-no-reboot\n"
                   "-icount\nshift=0,sleep=off\n-chardev\nsocket,id=console,fd=N\n-serial\n"
                   "chardev:console\n-plugin\n@/wires.so,fd=N\n",
                   f.xen_image);
    size_t size, partial_size;
    const fdt64_t *reg;
    char *tree;

    (void)state;
    power_on(board, &f.on_xen);
    p2p_virtual_board_close(board);
    blur_descriptors();
    assert_arguments_end(expected);
    free(expected);
    assert_bootargs("boot.dtb", "/chosen/domU1/module@50000000", "bootargs", "stimulus=3 answer=4 query=5");
    assert_bootargs("passthrough.dtb", "/passthrough/pl061@9030000", "xen,path", "/pl061@9030000");

    /* Xen goes by these sizes. */
    free(contents("passthrough.dtb", &partial_size));
    tree = contents("boot.dtb", &size);
    reg = fdt_getprop(tree, fdt_path_offset(tree, "/chosen/domU1/module@50000000"), "reg", NULL);
    assert_int_equal(fdt64_ld(reg + 1), 4); /* "stub" */
    reg = fdt_getprop(tree, fdt_path_offset(tree, "/chosen/domU1/module@50100000"), "reg", NULL);
    assert_int_equal(fdt64_ld(reg + 1), partial_size);
    free(tree);
}

static void assert_argument(const char *part, bool there)
{
    size_t size;
    char *arguments = contents("arguments", &size);

    if ((strstr(arguments, part) != NULL) != there) {
        fail_msg("\"%s\" in \"%s\"", part, arguments);
    }
    free(arguments);
}

/* "dumps" has a line for each device tree that was asked for. */
static void assert_dumps(const char *expected)
{
    size_t size;
    char *dumps = contents("dumps", &size);

    assert_string_equal(dumps, expected);
    free(dumps);
}

static void each_machine_is_dumped_once(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_configuration other = f.native;

    (void)state;
    power_on(board, &f.native);
    assert_argument("gic-version=3\n-cpu\ncortex-a53\n-smp\n1\n", true);
    assert_dumps("3 1\n");
    other.gic = 2;
    other.cpus = 4;
    power_on(board, &other);
    power_on(board, &other);
    assert_argument("gic-version=2\n-cpu\ncortex-a53\n-smp\n4\n", true);
    other.gic = 3;
    other.cpus = 1; /* as the bench is by itself */
    power_on(board, &other);
    assert_dumps("3 1\n2 4\n");
    p2p_virtual_board_close(board);
}

static void neighbours_are_loaded_beside_the_guest(void **state)
{
    static char noisy_image[] = "noisy", other_image[] = "other";
    const struct p2p_neighbour noisy = {.image = noisy_image, .memory_mib = 16, .vcpus = 1};
    const struct p2p_neighbour other = {.image = other_image, .memory_mib = 16, .vcpus = 1};
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_configuration crowded = f.on_xen;
    size_t size;
    const fdt64_t *reg;
    char *tree;

    (void)state;
    crowded.neighbours[0] = &noisy;
    crowded.neighbours[1] = &other;
    crowded.neighbour_count = 2;
    assert_no_power(board, &crowded, P2P_E_INPUT, "noisy: the neighbour's image is not there; build it: ./lab build");
    assert_int_equal(p2p_write_file("noisy", "noise", 5, &f.error), P2P_OK);
    assert_int_equal(p2p_write_file("other", "others", 6, &f.error), P2P_OK);
    f.error = (struct p2p_error){0};
    power_on(board, &crowded);
    p2p_virtual_board_close(board);
    assert_argument("\nloader,file=noisy,addr=0x51000000,force-raw=on\n", true);
    assert_argument("\nloader,file=other,addr=0x52000000,force-raw=on\n", true);
    tree = contents("boot.dtb", &size);
    reg = fdt_getprop(tree, fdt_path_offset(tree, "/chosen/domU3/module@52000000"), "reg", NULL);
    assert_non_null(reg);
    assert_int_equal(fdt64_ld(reg + 1), 6);
    free(tree);
}

static void a_guest_of_its_own_is_loaded_instead(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_configuration other = f.on_xen;
    char guest[] = "guest";

    (void)state;
    other.guest = guest;
    assert_no_power(board, &other, P2P_E_INPUT, "guest: the guest is not there");
    assert_int_equal(p2p_write_file("guest", "guest", 5, &f.error), P2P_OK);
    f.error = (struct p2p_error){0};
    power_on(board, &other);
    p2p_virtual_board_close(board);
    assert_argument("\nloader,file=guest,addr=0x50000000,force-raw=on\n", true);
    assert_argument("stub.bin", false);
}

static void another_kernel_than_xen_is_refused(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);

    (void)state;
    assert_int_equal(p2p_write_file(f.xen_image, "MZ", 2, &f.error), P2P_OK);
    assert_no_power(board, &f.on_xen, P2P_E_INPUT, "xen: not an arm64 boot image");
    p2p_virtual_board_close(board);
}

/* A run and all that comes of it. */
static enum p2p_code run_until(struct p2p_virtual_board *board, uint64_t until_ns, struct p2p_error *error)
{
    struct p2p_wires *wires = p2p_virtual_board_wires(board);
    enum p2p_code code = p2p_wires_run(wires, until_ns, error);

    while (code == P2P_OK && p2p_wires_running(wires)) {
        code = p2p_wires_take(wires, error);
    }
    return code;
}

static void its_lines_and_console_work_while_the_power_is_on(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_console console = p2p_socket_console_port(p2p_virtual_board_console(board));
    uint64_t open = bench_folder_open_fds();
    char bytes[16];
    size_t count;

    (void)state;
    for (int boot = 0; boot < 2; boot++) {
        power_on(board, &f.native);
        assert_int_equal(p2p_wires_now_ns(p2p_virtual_board_wires(board)), 0);
        assert_int_equal(run_until(board, 700, &f.error), P2P_OK);
        assert_int_equal(p2p_wires_now_ns(p2p_virtual_board_wires(board)), 700);
        assert_int_equal(console.read(console.self, bytes, sizeof bytes, &count, &f.error), P2P_OK);
        assert_int_equal(count, 6);
        assert_memory_equal(bytes, "hello\n", 6);
        p2p_virtual_board_off(board);
        p2p_virtual_board_off(board);
        assert_int_equal(p2p_virtual_board_console(board)->fd, -1);
        assert_int_equal(bench_folder_open_fds(), open);
    }
    assert_int_equal(run_until(board, 900, &f.error), P2P_E_BENCH);
    p2p_virtual_board_close(board);
}

static void power_on_ends_the_boot_before(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    uint64_t open;

    (void)state;
    power_on(board, &f.native);
    open = bench_folder_open_fds();
    power_on(board, &f.native);
    assert_int_equal(bench_folder_open_fds(), open);
    p2p_virtual_board_close(board);
}

static void a_qemu_that_does_not_start_has_the_last_word(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    uint64_t open = bench_folder_open_fds();
    int64_t before_ns;

    (void)state;
    setenv("FAKE_QEMU", "die at once", 1);
    before_ns = p2p_monotonic_ns();
    assert_no_power(board, &f.native, P2P_E_BENCH,
                    "the virtual board did not start: QEMU: exit code 1: qemu: no such luck|qemu: sorry");
    assert_int_equal(bench_folder_open_fds(), open);
    /* Its end is noticed, not waited for. */
    assert_true(p2p_monotonic_ns() - before_ns < (int64_t)f.bench.timeouts.stall_s * 1000000000 / 2);
    p2p_virtual_board_close(board);
}

/* A Debian update between the first boot and the second. */
static void a_qemu_that_is_gone_is_named(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    uint64_t open = bench_folder_open_fds();

    (void)state;
    snprintf(f.qemu, sizeof f.qemu, "p2p-no-qemu");
    assert_no_power(board, &f.on_xen, P2P_E_BENCH, "p2p-no-qemu: cannot run this program");
    assert_int_equal(bench_folder_open_fds(), open);
    p2p_virtual_board_close(board);
}

static void a_qemu_that_dies_in_mid_run_has_the_last_word(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_error cause = {0};

    (void)state;
    setenv("FAKE_QEMU", "die in mid-run", 1);
    power_on(board, &f.native);
    assert_int_equal(run_until(board, 700, &cause), P2P_E_BENCH);
    assert_int_equal(p2p_virtual_board_explain(board, &cause, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "the virtual board is gone: its process ended in mid-run: QEMU: exit code 1: "
                              "qemu: no such luck|qemu: sorry");
    p2p_virtual_board_close(board);
}

static void what_is_not_of_qemu_stays_as_it_is(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    const struct p2p_error cause = {.code = P2P_E_INTERRUPTED, .message = "interrupted"};

    (void)state;
    power_on(board, &f.native);
    assert_int_equal(p2p_virtual_board_explain(board, &cause, &f.error), P2P_E_INTERRUPTED);
    assert_string_equal(f.error.message, "interrupted");
    p2p_virtual_board_off(board);
    assert_int_equal(p2p_virtual_board_explain(board, &cause, &f.error), P2P_E_INTERRUPTED);
    p2p_virtual_board_close(board);
}

static void stop_interrupts_a_run(void **state)
{
    struct p2p_virtual_board *board;
    int stop[2];

    (void)state;
    assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
    board = open_board(stop[0]);
    setenv("FAKE_QEMU", "hang", 1);
    power_on(board, &f.native);
    assert_int_equal(write(stop[1], "x", 1), 1);
    assert_int_equal(run_until(board, 700, &f.error), P2P_E_INTERRUPTED);
    assert_no_power(board, &f.native, P2P_E_INTERRUPTED, "interrupted");
    p2p_virtual_board_close(board);
    close(stop[0]);
    close(stop[1]);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(open_looks_at_the_files_and_at_qemu),
        IN_A_FOLDER(a_missing_part_is_said_with_its_cure),
        IN_A_FOLDER(a_qemu_that_does_not_run_is_the_benchs_fault),
        IN_A_FOLDER(a_native_boot_gets_the_stub_and_its_tree),
        IN_A_FOLDER(a_boot_of_xen_gets_its_modules),
        IN_A_FOLDER(each_machine_is_dumped_once),
        IN_A_FOLDER(neighbours_are_loaded_beside_the_guest),
        IN_A_FOLDER(a_guest_of_its_own_is_loaded_instead),
        IN_A_FOLDER(another_kernel_than_xen_is_refused),
        IN_A_FOLDER(its_lines_and_console_work_while_the_power_is_on),
        IN_A_FOLDER(power_on_ends_the_boot_before),
        IN_A_FOLDER(a_qemu_that_does_not_start_has_the_last_word),
        IN_A_FOLDER(a_qemu_that_is_gone_is_named),
        IN_A_FOLDER(a_qemu_that_dies_in_mid_run_has_the_last_word),
        IN_A_FOLDER(what_is_not_of_qemu_stays_as_it_is),
        IN_A_FOLDER(stop_interrupts_a_run),
    };

    return argc > 1 ? fake_qemu(argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
