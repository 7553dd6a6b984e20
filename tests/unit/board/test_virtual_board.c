/* SPDX-License-Identifier: MIT */
/*
 * The virtual board with a QEMU of ours: this very program, when it is started with QEMU's arguments. What it is to do
 * stands in the environment variable FAKE_QEMU; what it was given it leaves in the working folder.
 */
#include "board/virtual_board.h"

#include "base_tree.h"
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

/* ---- the QEMU ---- */

static bool asked(const char *what)
{
    const char *order = getenv("FAKE_QEMU");

    return order != NULL && strcmp(order, what) == 0;
}

static int complain(void)
{
    (void)fprintf(stderr, "qemu: no such luck\nqemu: sorry\n");
    return 1;
}

static const char *value_of(char **argv, const char *option)
{
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, option) == 0) {
            return argv[1];
        }
    }
    return "";
}

/* The number after "fd=" in an option's value; -1: none. */
static int fd_of(char **argv, const char *option)
{
    const char *at = strstr(value_of(argv, option), "fd=");

    return at != NULL ? (int)strtol(at + 3, NULL, 10) : -1;
}

/* As QEMU does: a doubled comma stands for itself. */
static int dump_tree(const char *escaped)
{
    char path[256] = "";
    struct base_tree shape = base_tree_of_virt();
    alignas(8) uint8_t blob[BASE_TREE_BYTES];
    size_t size = base_tree_make(&shape, blob);

    for (size_t length = 0; *escaped != '\0' && length + 1 < sizeof path; length++) {
        path[length] = *escaped;
        escaped += strncmp(escaped, ",,", 2) == 0 ? 2 : 1;
    }
    if (asked("not dump")) {
        return complain();
    }
    return p2p_write_file(path, blob, size, &(struct p2p_error){0}) == P2P_OK ? 0 : 2;
}

/* One a line. */
static void keep_arguments(char **argv)
{
    FILE *file = fopen("arguments", "w");

    for (argv++; file != NULL && *argv != NULL; argv++) {
        (void)fprintf(file, "%s\n", *argv);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* False: it can't be read, as when the descriptor is not inherited. */
static bool keep_copy(const char *from, const char *to)
{
    char *data = NULL;
    size_t size = 0;
    bool done = p2p_read_file(from, 1 << 20, &data, &size, &(struct p2p_error){0}) == P2P_OK &&
                p2p_write_file(to, data, size, &(struct p2p_error){0}) == P2P_OK;

    free(data);
    return done;
}

static bool keep_partial_tree(char **argv)
{
    char path[64];

    for (; *argv != NULL; argv++) {
        if (strstr(*argv, ",addr=0x50100000,") != NULL && sscanf(*argv, "loader,file=%63[^,]", path) == 1) {
            return keep_copy(path, "passthrough.dtb");
        }
    }
    return true;
}

/* Pauses wherever it is asked to, until the host is gone. */
static int run_board(int wires)
{
    static const uint8_t greeting[] = {12, 0, 0, 0, 0x81, 0, 0,    0, 1, 0, 8, 0, 2, 0, 10, 0, 0, 0,
                                       0,  0, 8, 0, 0,    0, 0x83, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0};
    uint8_t frame[16]; /* RUN comes in, PAUSED goes out */

    if (write(wires, greeting, sizeof greeting) != (ssize_t)sizeof greeting) {
        return 3;
    }
    while (recv(wires, frame, sizeof frame, MSG_WAITALL) == (ssize_t)sizeof frame) {
        if (asked("die in mid-run")) {
            return complain();
        }
        frame[4] = 0x83;
        if (asked("hang") || write(wires, frame, sizeof frame) != (ssize_t)sizeof frame) {
            pause();
        }
    }
    return 0;
}

static int fake_qemu(char **argv)
{
    const char *dump = strstr(value_of(argv, "-M"), "dumpdtb=");
    int console = fd_of(argv, "-chardev"), wires = fd_of(argv, "-plugin");

    if (dump != NULL) {
        return dump_tree(dump + strlen("dumpdtb="));
    }
    keep_arguments(argv);
    if (asked("die at once")) {
        return complain();
    }
    if (!keep_copy(value_of(argv, "-dtb"), "boot.dtb") || !keep_partial_tree(argv) ||
        write(console, "hello\n", 6) != 6) {
        return 4;
    }
    return run_board(wires);
}

/* ---- a folder with all that a bench names; its name has a comma, which QEMU's options must survive ---- */

struct fixture {
    char folder[64], stub[80], wires[80], xen_image[80];
    char qemu[32];
    char no_extra[1];
    struct p2p_bench bench;
    struct p2p_xen xen;
    struct p2p_configuration native, on_xen;
    struct p2p_error error;
    uint64_t open_before;
};

static struct fixture f;

/* Our descriptors below 64, as bits. */
static uint64_t open_fds(void)
{
    uint64_t open = 0;

    for (int fd = 0; fd < 64; fd++) {
        open |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
    }
    return open;
}

static bool put_file(const char *path, const void *data, size_t size)
{
    return p2p_write_file(path, data, size, &(struct p2p_error){0}) == P2P_OK;
}

static void fill_bench(void)
{
    f.bench.board.kind = P2P_BOARD_QEMU_VIRT;
    f.bench.board.qemu = f.qemu;
    f.bench.board.gic = 3;
    f.bench.board.memory_mib = 1024;
    f.bench.board.wires = f.wires;
    f.bench.stub = f.stub;
    f.bench.pins = (struct p2p_pins){.stimulus = 3, .answer = 4, .query = 5};
    f.bench.timeouts.boot_s = 10;
    f.bench.timeouts.stall_s = 10;
    f.xen = (struct p2p_xen){.image = f.xen_image, .scheduler = "null", .extra_command_line = f.no_extra};
    f.on_xen.xen = &f.xen;
}

static int set_up(void **state)
{
    static const char magic[4] = {'A', 'R', 'M', 0x64}, mark[] = "xen,domain";
    char image[128] = {0};

    (void)state;
    f = (struct fixture){.folder = "/tmp/p2p-test-board,XXXXXX", .qemu = "/proc/self/exe"};
    if (mkdtemp(f.folder) == NULL || chdir(f.folder) != 0) {
        return -1;
    }
    snprintf(f.stub, sizeof f.stub, "%s/stub.bin", f.folder);
    snprintf(f.wires, sizeof f.wires, "%s/wires.so", f.folder);
    snprintf(f.xen_image, sizeof f.xen_image, "%s/xen", f.folder);
    memcpy(image + 56, magic, sizeof magic);
    memcpy(image + 64, mark, sizeof mark);
    fill_bench();
    unsetenv("FAKE_QEMU");
    setenv("TMPDIR", f.folder, 1);
    f.open_before = open_fds();
    return put_file(f.stub, "stub", 4) && put_file(f.wires, "elf", 3) && put_file(f.xen_image, image, sizeof image)
               ? 0
               : -1;
}

/* Fails when a folder or a descriptor is left behind. */
static int tear_down(void **state)
{
    DIR *folder = opendir(".");
    struct dirent *entry;

    (void)state;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        unlink(entry->d_name);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return chdir("/") == 0 && rmdir(f.folder) == 0 && open_fds() == f.open_before ? 0 : -1;
}

static void assert_error(enum p2p_code code, const char *part)
{
    assert_int_equal(f.error.code, code);
    if (strstr(f.error.message, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, f.error.message);
    }
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

static void power_on(const struct p2p_ports *ports, const struct p2p_configuration *configuration)
{
    if (ports->power.on(ports->power.self, configuration, &f.error) != P2P_OK) {
        fail_msg("%s", f.error.message);
    }
}

static void assert_no_power(const struct p2p_ports *ports, const struct p2p_configuration *configuration,
                            enum p2p_code code, const char *part)
{
    f.error = (struct p2p_error){0};
    assert_int_equal(ports->power.on(ports->power.self, configuration, &f.error), code);
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
    assert_no_board(P2P_E_INPUT, "wires.so: the wires plugin is not there; build it: ./lab setup: No such file");
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
    assert_true(put_file("arguments", text, strlen(text)));
    free(text);
}

static void a_native_boot_gets_the_stub_and_its_tree(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_ports ports = p2p_virtual_board_ports(board);
    char *expected = p2p_format("%s/stub.bin\n-dtb\n/proc/self/fd/N\n-no-reboot\n-icount\nshift=0,sleep=off\n-chardev\n"
                                "socket,id=console,fd=N\n-serial\nchardev:console\n-plugin\n@/wires.so,fd=N\n",
                                f.folder);
    size_t size;
    char *arguments;

    (void)state;
    power_on(&ports, &f.native);
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
    struct p2p_ports ports = p2p_virtual_board_ports(board);
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
    power_on(&ports, &f.on_xen);
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

static void another_kernel_than_xen_is_refused(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_ports ports = p2p_virtual_board_ports(board);

    (void)state;
    assert_true(put_file(f.xen_image, "MZ", 2));
    assert_no_power(&ports, &f.on_xen, P2P_E_INPUT, "xen: not an arm64 boot image");
    p2p_virtual_board_close(board);
}

static void the_ports_work_while_the_power_is_on(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_ports ports = p2p_virtual_board_ports(board);
    uint64_t open = open_fds();
    char bytes[16];
    size_t count;

    (void)state;
    for (int boot = 0; boot < 2; boot++) {
        power_on(&ports, &f.native);
        assert_int_equal(ports.clock.now_ns(ports.clock.self), 0);
        assert_int_equal(ports.clock.advance(ports.clock.self, 700, &f.error), P2P_OK); /* the console first */
        assert_int_equal(ports.console.read(ports.console.self, bytes, sizeof bytes, &count, &f.error), P2P_OK);
        assert_int_equal(count, 6);
        assert_memory_equal(bytes, "hello\n", 6);
        assert_int_equal(ports.clock.advance(ports.clock.self, 700, &f.error), P2P_OK);
        assert_int_equal(ports.clock.now_ns(ports.clock.self), 700);
        ports.power.off(ports.power.self);
        ports.power.off(ports.power.self);
        assert_int_equal(open_fds(), open);
    }
    assert_int_equal(ports.clock.advance(ports.clock.self, 900, &f.error), P2P_E_BENCH);
    p2p_virtual_board_close(board);
}

static void power_on_ends_the_boot_before(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_ports ports = p2p_virtual_board_ports(board);
    uint64_t open;

    (void)state;
    power_on(&ports, &f.native);
    open = open_fds();
    power_on(&ports, &f.native);
    assert_int_equal(open_fds(), open);
    p2p_virtual_board_close(board);
}

static void a_qemu_that_does_not_start_has_the_last_word(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_ports ports = p2p_virtual_board_ports(board);
    uint64_t open = open_fds();
    int64_t before_ns;

    (void)state;
    setenv("FAKE_QEMU", "die at once", 1);
    before_ns = p2p_monotonic_ns();
    assert_no_power(&ports, &f.native, P2P_E_BENCH,
                    "the virtual board did not start: QEMU: exit code 1: qemu: no such luck|qemu: sorry");
    assert_int_equal(open_fds(), open);
    /* Its end is noticed, not waited for. */
    assert_true(p2p_monotonic_ns() - before_ns < (int64_t)f.bench.timeouts.stall_s * 1000000000 / 2);
    p2p_virtual_board_close(board);
}

/* A Debian update between the first boot and the second. */
static void a_qemu_that_is_gone_is_named(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_ports ports = p2p_virtual_board_ports(board);
    uint64_t open = open_fds();

    (void)state;
    snprintf(f.qemu, sizeof f.qemu, "p2p-no-qemu");
    assert_no_power(&ports, &f.on_xen, P2P_E_BENCH, "p2p-no-qemu: cannot run this program");
    assert_int_equal(open_fds(), open);
    p2p_virtual_board_close(board);
}

static void a_qemu_that_dies_in_mid_run_has_the_last_word(void **state)
{
    struct p2p_virtual_board *board = open_board(-1);
    struct p2p_ports ports = p2p_virtual_board_ports(board);
    char bytes[16];
    size_t count;

    (void)state;
    setenv("FAKE_QEMU", "die in mid-run", 1);
    power_on(&ports, &f.native);
    assert_int_equal(ports.console.read(ports.console.self, bytes, sizeof bytes, &count, &f.error), P2P_OK);
    for (int i = 0; i < 10 && f.error.code == P2P_OK; i++) { /* the console's end comes first, or not */
        (void)ports.clock.advance(ports.clock.self, 700, &f.error);
        (void)ports.console.read(ports.console.self, bytes, sizeof bytes, &count, &f.error);
    }
    assert_error(P2P_E_BENCH, "QEMU ended in mid-run: QEMU: exit code 1: qemu: no such luck|qemu: sorry");
    p2p_virtual_board_close(board);
}

static void stop_interrupts_a_run(void **state)
{
    struct p2p_virtual_board *board;
    struct p2p_ports ports;
    int stop[2];

    (void)state;
    assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
    board = open_board(stop[0]);
    ports = p2p_virtual_board_ports(board);
    setenv("FAKE_QEMU", "hang", 1);
    power_on(&ports, &f.native);
    assert_int_equal(write(stop[1], "x", 1), 1);
    assert_int_equal(ports.clock.advance(ports.clock.self, 700, &f.error), P2P_E_INTERRUPTED);
    assert_no_power(&ports, &f.native, P2P_E_INTERRUPTED, "interrupted");
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
        IN_A_FOLDER(another_kernel_than_xen_is_refused),
        IN_A_FOLDER(the_ports_work_while_the_power_is_on),
        IN_A_FOLDER(power_on_ends_the_boot_before),
        IN_A_FOLDER(a_qemu_that_does_not_start_has_the_last_word),
        IN_A_FOLDER(a_qemu_that_is_gone_is_named),
        IN_A_FOLDER(a_qemu_that_dies_in_mid_run_has_the_last_word),
        IN_A_FOLDER(stop_interrupts_a_run),
    };

    return argc > 1 ? fake_qemu(argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
