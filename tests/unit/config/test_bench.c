/* SPDX-License-Identifier: MIT */
#include "allocations.h"
#include "config/bench.h"
#include "corpus.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GICV2 P2P_SOURCE_DIR "/fixtures/benches/virtual-gicv2.bench.json"
#define GICV3 P2P_SOURCE_DIR "/fixtures/benches/virtual-gicv3.bench.json"
#define IDEAL P2P_SOURCE_DIR "/fixtures/benches/virtual-gicv2-ideal.bench.json"
#define HERE  P2P_SOURCE_DIR "/tests/unit/config/good/"
#define GOOD  HERE "bench/"

static void *load(const char *path, struct p2p_error *error)
{
    return p2p_bench_load(path, error);
}

static void release(void *loaded)
{
    p2p_bench_free(loaded);
}

static const struct corpus_loader LOADER = {"bench", load, release};

static struct p2p_bench *load_good(const char *path, enum p2p_board_kind board, enum p2p_probe_kind probe)
{
    struct p2p_error error = {0};
    struct p2p_bench *bench = p2p_bench_load(path, &error);

    assert_string_equal(error.message, "");
    assert_non_null(bench);
    assert_string_equal(bench->path, path);
    assert_int_equal(bench->board.kind, board);
    assert_int_equal(bench->probe.kind, probe);
    return bench;
}

static struct p2p_bench *load_ideal(const char *path)
{
    return load_good(path, P2P_BOARD_QEMU_VIRT, P2P_PROBE_IDEAL);
}

static struct p2p_bench *load_virtual(const char *path)
{
    return load_good(path, P2P_BOARD_QEMU_VIRT, P2P_PROBE_VIRTUAL);
}

static void assert_virtual(const struct p2p_bench *bench, const char *name, uint32_t gic)
{
    assert_string_equal(bench->name, name);
    assert_int_equal(bench->board.gic, gic);
    assert_string_equal(bench->board.wires, P2P_SOURCE_DIR "/build/fixtures/virtual-board/wires.so");
    assert_string_equal(bench->stub, P2P_SOURCE_DIR "/build/guest-stub/stub.bin");
    assert_int_equal(bench->pins.stimulus, 0);
    assert_int_equal(bench->pins.answer, 1);
    assert_int_equal(bench->pins.query, 2);
}

static void assert_defaults(const struct p2p_bench *bench)
{
    assert_string_equal(bench->board.qemu, "qemu-system-aarch64");
    assert_int_equal(bench->board.play, P2P_PLAY_SCHEDULE);
    assert_int_equal(bench->board.memory_mib, 1024);
    assert_int_equal(bench->timeouts.boot_s, 60);
    assert_int_equal(bench->timeouts.stall_s, 20);
}

static void assert_string_or_null(const char *text, const char *expected)
{
    if (expected == NULL) {
        assert_null(text);
    } else {
        assert_non_null(text);
        assert_string_equal(text, expected);
    }
}

static void assert_probe(const struct p2p_bench *bench, const struct p2p_probe_plan *expected)
{
    assert_string_or_null(bench->probe.node, expected->node);
    assert_string_or_null(bench->probe.runner, expected->runner);
    assert_string_or_null(bench->probe.image, expected->image);
    assert_int_equal(bench->probe.clk_hz, expected->clk_hz);
    assert_true(bench->probe.clock_ppm == expected->clock_ppm);
    assert_string_or_null(bench->probe.serial, expected->serial);
    assert_string_or_null(bench->probe.device, expected->device);
    assert_int_equal(bench->probe.baud, expected->baud);
    assert_string_or_null(bench->probe.calibration, expected->calibration);
    assert_true(bench->probe.trigger_ns == expected->trigger_ns);
    assert_true(fabs(bench->probe.timebase_ppm - expected->timebase_ppm) < 1e-9);
}

static void shipped_benches_differ_in_the_gic(void **state)
{
    const struct p2p_probe_plan probe = {
        .node = "node",
        .runner = P2P_SOURCE_DIR "/fixtures/virtual-probe/main.js",
        .image = P2P_SOURCE_DIR "/build/firmware/pin2pin-probe.bin",
        .clk_hz = 125000000,
    };
    struct p2p_bench *gicv2 = load_virtual(GICV2);
    struct p2p_bench *gicv3 = load_virtual(GICV3);

    (void)state;
    assert_virtual(gicv2, "virtual-gicv2", 2);
    assert_defaults(gicv2);
    assert_probe(gicv2, &probe);
    assert_virtual(gicv3, "virtual-gicv3", 3);
    assert_defaults(gicv3);
    assert_probe(gicv3, &probe);
    p2p_bench_free(gicv2);
    p2p_bench_free(gicv3);
}

static void the_shipped_ideal_bench_has_no_probe_to_set_up(void **state)
{
    const struct p2p_probe_plan none = {0};
    struct p2p_bench *ideal = load_ideal(IDEAL);

    (void)state;
    assert_virtual(ideal, "virtual-gicv2-ideal", 2);
    assert_defaults(ideal);
    assert_probe(ideal, &none);
    p2p_bench_free(ideal);
}

static void left_out_keys_have_their_defaults(void **state)
{
    struct p2p_bench *bench = load_ideal(GOOD "minimal.json");

    (void)state;
    assert_defaults(bench);
    assert_string_equal(bench->stub, P2P_SOURCE_DIR "/tests/unit/config/good/stub.bin");
    assert_int_equal(bench->pins.stimulus, 7);
    assert_int_equal(bench->pins.answer, 0);
    assert_int_equal(bench->pins.query, 4);
    p2p_bench_free(bench);
}

static void every_key_is_read(void **state)
{
    struct p2p_bench *bench = load_ideal(GOOD "smallest.json");

    (void)state;
    assert_string_equal(bench->name, "s");
    assert_string_equal(bench->board.qemu, "q");
    assert_int_equal(bench->board.memory_mib, 512);
    assert_string_equal(bench->board.wires, "/w");
    assert_string_equal(bench->stub, "/s");
    assert_int_equal(bench->timeouts.boot_s, 1);
    assert_int_equal(bench->timeouts.stall_s, 1);
    p2p_bench_free(bench);
}

static void a_program_with_a_slash_is_a_path(void **state)
{
    struct p2p_bench *bench = load_ideal(GOOD "largest.json");

    (void)state;
    assert_string_equal(bench->board.qemu, P2P_SOURCE_DIR "/tests/unit/config/good/qemu/build/qemu-system-aarch64");
    assert_int_equal(bench->timeouts.boot_s, 3600);
    assert_int_equal(bench->board.play, P2P_PLAY_LOCKSTEP);
    p2p_bench_free(bench);
}

static void check_probe(const char *path, enum p2p_board_kind board, const struct p2p_probe_plan *expected)
{
    struct p2p_bench *bench = load_good(path, board, expected->kind);

    assert_probe(bench, expected);
    p2p_bench_free(bench);
}

static void every_key_of_a_virtual_probe_is_read(void **state)
{
    const struct p2p_probe_plan minimal = {
        .kind = P2P_PROBE_VIRTUAL,
        .node = "node",
        .runner = GOOD "main.js",
        .image = GOOD "probe.bin",
        .clk_hz = 125000000,
    };
    const struct p2p_probe_plan smallest = {
        .kind = P2P_PROBE_VIRTUAL,
        .node = "n",
        .runner = "/r",
        .image = "/i",
        .clk_hz = 1000000,
        .clock_ppm = -1000,
        .calibration = "/c",
    };
    const struct p2p_probe_plan largest = {
        .kind = P2P_PROBE_VIRTUAL,
        .node = HERE "node/bin/node",
        .runner = HERE "main.js",
        .image = HERE "probe.bin",
        .clk_hz = 200000000,
        .clock_ppm = 1000,
        .calibration = HERE "c.json",
        .trigger_ns = 1000,
        .timebase_ppm = 1000,
    };

    (void)state;
    check_probe(GOOD "virtual-minimal.json", P2P_BOARD_QEMU_VIRT, &minimal);
    check_probe(GOOD "virtual-smallest.json", P2P_BOARD_QEMU_VIRT, &smallest);
    check_probe(GOOD "virtual-largest.json", P2P_BOARD_QEMU_VIRT, &largest);
}

#define CRYSTAL_PPM 17.320508076 /* 30 ppm over the square root of 3 */

static void a_real_probe_stands_alone(void **state)
{
    const struct p2p_probe_plan ftdi_minimal = {
        .kind = P2P_PROBE_FTDI,
        .baud = 4000000,
        .timebase_ppm = CRYSTAL_PPM,
    };
    const struct p2p_probe_plan ftdi_smallest = {
        .kind = P2P_PROBE_FTDI,
        .serial = "F",
        .baud = 9600,
        .calibration = "/c",
    };
    const struct p2p_probe_plan ftdi_largest = {
        .kind = P2P_PROBE_FTDI,
        .serial = "FT4ABC12 z",
        .baud = 12000000,
        .calibration = GOOD "c.json",
        .trigger_ns = 999.75,
        .timebase_ppm = 1000,
    };
    const struct p2p_probe_plan serial_minimal = {
        .kind = P2P_PROBE_SERIAL,
        .device = "/dev/ttyUSB0",
        .baud = 4000000,
        .timebase_ppm = CRYSTAL_PPM,
    };
    const struct p2p_probe_plan serial_largest = {
        .kind = P2P_PROBE_SERIAL,
        .device = "/dev/serial/by-id/usb-FTDI_Probe-if00-port0",
        .baud = 12000000,
        .calibration = GOOD "c.json",
        .trigger_ns = 1000,
        .timebase_ppm = 0.5,
    };
    struct p2p_bench *bench = load_good(GOOD "ftdi-minimal.json", P2P_BOARD_NONE, P2P_PROBE_FTDI);

    (void)state;
    assert_null(bench->stub);
    assert_null(bench->board.qemu);
    assert_null(bench->board.wires);
    assert_int_equal(bench->timeouts.stall_s, 20);
    p2p_bench_free(bench);
    check_probe(GOOD "ftdi-minimal.json", P2P_BOARD_NONE, &ftdi_minimal);
    check_probe(GOOD "ftdi-smallest.json", P2P_BOARD_NONE, &ftdi_smallest);
    check_probe(GOOD "ftdi-largest.json", P2P_BOARD_NONE, &ftdi_largest);
    check_probe(GOOD "serial-minimal.json", P2P_BOARD_NONE, &serial_minimal);
    check_probe(GOOD "serial-largest.json", P2P_BOARD_NONE, &serial_largest);
}

/* ---- lab benches ---- */

static struct p2p_bench *load_lab(const char *path, enum p2p_board_kind board, enum p2p_probe_kind probe)
{
    struct p2p_bench *bench = load_good(path, board, probe);

    assert_true(p2p_bench_is_lab(bench));
    assert_string_equal(bench->name, "lab");
    assert_int_equal(bench->board.gic, 2);
    assert_null(bench->board.qemu);
    assert_null(bench->board.wires);
    assert_string_equal(bench->stub, GOOD "stub.bin");
    assert_string_equal(bench->lab.device_tree, GOOD "board.dtb");
    assert_int_equal(bench->lab.addresses.xen, 0x40600000);
    assert_int_equal(bench->lab.addresses.stub, 0x50000000);
    assert_int_equal(bench->lab.addresses.tree, 0x48000000);
    assert_int_equal(bench->lab.addresses.partial, 0x50100000);
    assert_string_equal(bench->lab.console.device, "/dev/ttyUSB0");
    return bench;
}

static void assert_line(const struct p2p_lab_line *line, const char *chip, const char *name, uint32_t offset,
                        bool active_low)
{
    assert_string_or_null(line->chip, chip);
    assert_string_or_null(line->line, name);
    assert_int_equal(line->offset, offset);
    assert_int_equal(line->active_low, active_low);
}

/* A list that ends with NULL, against words with a space behind each. */
static void assert_words(char *const *words, const char *expected)
{
    assert_non_null(words);
    for (; *words != NULL; words++) {
        size_t length = strlen(*words);

        assert_int_equal(strncmp(expected, *words, length), 0);
        assert_int_equal(expected[length], ' ');
        expected += length + 1;
    }
    assert_string_equal(expected, "");
}

static void assert_gpio_of_the_lab(const struct p2p_lab_plan *lab)
{
    assert_line(&lab->stimulus, "pinctrl-bcm2711", "GPIO17", 0, false);
    assert_line(&lab->query, "pinctrl-bcm2711", NULL, 27, true);
}

static void every_key_of_tftp_and_a_relay_is_read(void **state)
{
    struct p2p_bench *bench = load_lab(GOOD "lab-tftp-gpiod.json", P2P_BOARD_UBOOT, P2P_PROBE_FTDI);
    const struct p2p_lab_plan *lab = &bench->lab;

    (void)state;
    assert_gpio_of_the_lab(lab);
    assert_int_equal(lab->uboot.load, P2P_LAB_TFTP);
    assert_string_equal(lab->uboot.folder, "/srv/tftp");
    assert_string_equal(lab->uboot.interface, "");
    assert_string_equal(lab->uboot.prompt, "=> ");
    assert_string_equal(lab->uboot.autoboot, "Hit any key to stop autoboot");
    assert_string_equal(lab->uboot.autoboot_key, " ");
    assert_int_equal(lab->uboot.setup_count, 2);
    assert_string_equal(lab->uboot.setup[0], "setenv ipaddr 10.0.2.15");
    assert_string_equal(lab->uboot.setup[1], "setenv serverip 10.0.2.2");
    assert_null(lab->uboot.setup[2]);
    assert_null(lab->script);
    assert_int_equal(lab->boot_tries, 3);
    assert_int_equal(lab->console.baud, 115200);
    assert_int_equal(lab->power.kind, P2P_LAB_POWER_GPIOD);
    assert_line(&lab->power.relay, "relays", "board", 0, false);
    assert_int_equal(lab->power.settle_ms, 100);
    assert_int_equal(lab->power.off_ms, 2000);
    assert_null(lab->power.on);
    assert_null(lab->power.off);
    assert_string_equal(bench->probe.serial, "FT4ABCDE");
    assert_int_equal(bench->timeouts.boot_s, 60);
    p2p_bench_free(bench);
}

static void every_key_of_a_disk_and_programs_is_read(void **state)
{
    struct p2p_bench *bench = load_lab(GOOD "lab-disk-command.json", P2P_BOARD_UBOOT, P2P_PROBE_SERIAL);
    const struct p2p_lab_plan *lab = &bench->lab;

    (void)state;
    assert_gpio_of_the_lab(lab);
    assert_int_equal(lab->uboot.load, P2P_LAB_DISK);
    assert_string_equal(lab->uboot.folder, "");
    assert_string_equal(lab->uboot.interface, "mmc 0:1");
    assert_string_equal(lab->uboot.prompt, "ZynqMP> ");
    assert_string_equal(lab->uboot.autoboot, "autoboot");
    assert_string_equal(lab->uboot.autoboot_key, "d");
    assert_int_equal(lab->uboot.setup_count, 0);
    assert_words(lab->uboot.setup, "");
    assert_int_equal(lab->boot_tries, 1);
    assert_int_equal(lab->console.baud, 921600);
    assert_int_equal(lab->power.kind, P2P_LAB_POWER_COMMAND);
    assert_line(&lab->power.relay, NULL, NULL, 0, false);
    assert_words(lab->power.on, "pdu 3 on ");
    assert_words(lab->power.off, "pdu 3 off ");
    assert_int_equal(lab->power.timeout_s, 5);
    assert_int_equal(lab->power.off_ms, 5000);
    assert_string_equal(bench->probe.device, "/dev/ttyUSB1");
    p2p_bench_free(bench);
}

static void every_key_of_a_script_is_read(void **state)
{
    struct p2p_bench *bench = load_lab(GOOD "lab-script.json", P2P_BOARD_SCRIPT, P2P_PROBE_FTDI);
    const struct p2p_lab_plan *lab = &bench->lab;

    (void)state;
    assert_gpio_of_the_lab(lab);
    assert_words(lab->script, "./boot {configuration} {xen} ");
    assert_int_equal(lab->script_s, 90);
    assert_int_equal(lab->boot_tries, 3);
    assert_null(lab->uboot.folder);
    assert_null(lab->uboot.prompt);
    assert_null(lab->uboot.setup);
    assert_int_equal(lab->power.kind, P2P_LAB_POWER_GPIOD);
    p2p_bench_free(bench);
}

static void a_virtual_bench_and_a_probe_alone_are_no_lab(void **state)
{
    struct p2p_bench *ideal = load_ideal(GOOD "minimal.json");
    struct p2p_bench *alone = load_good(GOOD "ftdi-minimal.json", P2P_BOARD_NONE, P2P_PROBE_FTDI);

    (void)state;
    assert_false(p2p_bench_is_lab(ideal));
    assert_false(p2p_bench_is_lab(alone));
    assert_null(ideal->lab.device_tree);
    assert_int_equal(ideal->lab.boot_tries, 0);
    p2p_bench_free(ideal);
    p2p_bench_free(alone);
}

static void kinds_are_named_as_in_the_file(void **state)
{
    (void)state;
    assert_string_equal(p2p_board_kind_name(P2P_BOARD_QEMU_VIRT), "qemu-virt");
    assert_string_equal(p2p_board_kind_name(P2P_BOARD_UBOOT), "uboot");
    assert_string_equal(p2p_board_kind_name(P2P_BOARD_SCRIPT), "script");
    assert_string_equal(p2p_probe_kind_name(P2P_PROBE_SERIAL), "serial");
}

static void good_files_load(void **state)
{
    (void)state;
    assert_true(corpus_check_good(&LOADER) >= 14);
}

static void bad_files_are_refused_in_the_expected_words(void **state)
{
    (void)state;
    assert_true(corpus_check_bad(&LOADER) >= 147);
}

static void every_truncation_is_refused_with_its_place(void **state)
{
    (void)state;
    corpus_check_truncated(&LOADER, GOOD "largest.json");
    corpus_check_truncated(&LOADER, GOOD "virtual-largest.json");
    corpus_check_truncated(&LOADER, GOOD "lab-tftp-gpiod.json");
}

static void check_failed_allocations(const char *path)
{
    size_t count = 0;
    bool failed = true;

    while (failed) {
        struct p2p_error error = {0};
        struct p2p_bench *bench;

        allocations_fail_after(count++);
        bench = p2p_bench_load(path, &error);
        failed = allocations_failed();
        assert_int_equal(bench == NULL, failed);
        assert_int_equal(error.code, failed ? P2P_E_HOST : P2P_OK);
        p2p_bench_free(bench);
    }
    assert_true(count > 8);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    check_failed_allocations(GOOD "largest.json");
    check_failed_allocations(GOOD "virtual-largest.json");
    check_failed_allocations(GOOD "ftdi-largest.json");
    check_failed_allocations(GOOD "serial-largest.json");
    check_failed_allocations(GOOD "lab-tftp-gpiod.json");
    check_failed_allocations(GOOD "lab-disk-command.json");
    check_failed_allocations(GOOD "lab-script.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_benches_differ_in_the_gic),
        cmocka_unit_test(the_shipped_ideal_bench_has_no_probe_to_set_up),
        cmocka_unit_test(left_out_keys_have_their_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(a_program_with_a_slash_is_a_path),
        cmocka_unit_test(every_key_of_a_virtual_probe_is_read),
        cmocka_unit_test(a_real_probe_stands_alone),
        cmocka_unit_test(every_key_of_tftp_and_a_relay_is_read),
        cmocka_unit_test(every_key_of_a_disk_and_programs_is_read),
        cmocka_unit_test(every_key_of_a_script_is_read),
        cmocka_unit_test(a_virtual_bench_and_a_probe_alone_are_no_lab),
        cmocka_unit_test(kinds_are_named_as_in_the_file),
        cmocka_unit_test(good_files_load),
        cmocka_unit_test(bad_files_are_refused_in_the_expected_words),
        cmocka_unit_test(every_truncation_is_refused_with_its_place),
        cmocka_unit_test(every_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
