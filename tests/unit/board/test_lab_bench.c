/* SPDX-License-Identifier: MIT */
/*
 * The lab bench over fake parts (fake_lab.h): what is opened and asked for in which order, and that each part that
 * fails leaves the board off and nothing open. The same code over a real kernel's GPIO, FTDI chip and tty is
 * tests/system/test_bench_host.py.
 */
#include "board/lab_bench.h"

#include "base_tree.h"
#include "calibration/calibration_file.h"
#include "fake_lab.h"
#include "util/file.h"

#include <dirent.h>
#include <libfdt.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NS_PER_MS   UINT64_C(1000000)
#define CALIBRATION P2P_SOURCE_DIR "/tests/unit/calibration/good/"

/* In the diary: the board is asked, and says nothing; and how each boot begins. */
#define QUIET "attach:cs query ask stop attach: "
#define BEGUN "stop attach: off restart serial- serial+ rest:2000 " QUIET "attach:cs "

enum { PATH_BYTES = 128 };

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_vasprintf(char **text, const char *format, va_list arguments);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);

static int allocations_until_failure; /* 0: none fails */

static bool allocation_fails(void)
{
    return allocations_until_failure > 0 && --allocations_until_failure == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
    return allocation_fails() ? -1 : __real_vasprintf(text, format, arguments);
}

/* ---- The bench ---- */

static char name_of_bench[] = "lab.bench.json", empty[] = "";
static char gpio_chip[] = "pl061", other_chip[] = "relays", stimulus_line[] = "stim", relay_line[] = "board";
static char tty[] = "/dev/ttyX0", prompt[] = "ZynqMP> ", autoboot[] = "autoboot", key[] = "d", disk[] = "mmc 0:1";
static char boot_program[] = "./boot", configuration_word[] = "{configuration}", pdu[] = "pdu", on[] = "on",
            off[] = "off";
static char setup_line[] = "dhcp";
static char *setup_lines[] = {setup_line, NULL}, *script[] = {boot_program, configuration_word, NULL},
            *pdu_on[] = {pdu, on, NULL}, *pdu_off[] = {pdu, off, NULL};

static struct fixture {
    char folder[PATH_BYTES / 2];
    char tree[PATH_BYTES], stub[PATH_BYTES], xen_image[PATH_BYTES], calibration[PATH_BYTES];
    int stop_fds[2];
    struct p2p_bench bench; /* by U-Boot and TFTP, with a relay and a serial probe */
    struct p2p_stimulus_plan stimulus;
    struct p2p_xen xen;
    struct p2p_configuration native, on_xen;
    struct p2p_lab_bench *lab;
    struct p2p_error error;
} f;

static void put(const char *path, const void *data, size_t size)
{
    struct p2p_error error = {0};

    assert_int_equal(p2p_write_file(path, data, size, &error), P2P_OK);
}

static void fill_bench(struct p2p_bench *bench)
{
    *bench = (struct p2p_bench){.path = name_of_bench, .stub = f.stub, .pins = {0, 1, 2}};
    bench->board.kind = P2P_BOARD_UBOOT;
    bench->board.gic = 2;
    bench->timeouts.boot_s = 25;
    bench->probe = (struct p2p_probe_plan){.kind = P2P_PROBE_SERIAL, .device = tty, .baud = 4000000};
    bench->lab = (struct p2p_lab_plan){
        .device_tree = f.tree,
        .addresses = {.xen = 0x40600000, .stub = 0x50000000, .tree = 0x48000000, .partial = 0x50100000},
        .uboot = {.load = P2P_LAB_TFTP,
                  .folder = f.folder,
                  .interface = empty,
                  .prompt = prompt,
                  .autoboot = autoboot,
                  .autoboot_key = key,
                  .setup = setup_lines,
                  .setup_count = 1},
        .script = script,
        .script_s = 90,
        .boot_tries = 3,
        .stimulus = {.chip = gpio_chip, .line = stimulus_line},
        .query = {.chip = gpio_chip, .offset = 6, .active_low = true},
        .console = {.device = tty, .baud = 115200},
        .power = {.kind = P2P_LAB_POWER_GPIOD,
                  .relay = {.chip = other_chip, .line = relay_line, .active_low = true},
                  .settle_ms = 250,
                  .off_ms = 2000,
                  .on = pdu_on,
                  .off = pdu_off,
                  .timeout_s = 7},
    };
}

static int start(void **state)
{
    const struct base_tree shape = base_tree_of_virt();
    alignas(8) uint8_t tree[BASE_TREE_BYTES];
    static const char magic[4] = {'A', 'R', 'M', 0x64}, mark[] = "xen,domain";
    char image[128] = {0};
    size_t tree_size = base_tree_make(&shape, tree);

    (void)state;
    f = (struct fixture){.folder = "/tmp/p2p-lab-bench-XXXXXX",
                         .stimulus = {.period_ns = 1000000, .deadline_ns = 150000, .width_ns = 50000},
                         .xen = {.scheduler = "null", .extra_command_line = empty}};
    assert_non_null(mkdtemp(f.folder));
    assert_int_equal(pipe(f.stop_fds), 0);
    snprintf(f.tree, sizeof f.tree, "%s/board.dtb", f.folder);
    snprintf(f.stub, sizeof f.stub, "%s/the-stub", f.folder);
    snprintf(f.xen_image, sizeof f.xen_image, "%s/the-xen", f.folder);
    snprintf(f.calibration, sizeof f.calibration, "%s/c.json", f.folder);
    memcpy(image + 56, magic, sizeof magic);
    memcpy(image + 64, mark, sizeof mark);
    put(f.tree, tree, tree_size);
    put(f.stub, "the stub", 8);
    put(f.xen_image, image, sizeof image);
    fill_bench(&f.bench);
    f.xen.image = f.xen_image;
    f.on_xen = (struct p2p_configuration){.name = "xen-4.17", .xen = &f.xen};
    f.native = (struct p2p_configuration){.name = "native"};
    setenv("TMPDIR", f.folder, 1);
    fake_lab_reset();
    allocations_until_failure = 0;
    return 0;
}

/* Also: no part was left open, and no file but ours. */
static int end(void **state)
{
    (void)state;
    allocations_until_failure = 0;
    p2p_lab_bench_close(f.lab);
    close(f.stop_fds[0]);
    close(f.stop_fds[1]);
    unlink(f.tree);
    unlink(f.stub);
    unlink(f.xen_image);
    unlink(f.calibration);
    assert_int_equal(fake_lab.open_parts, 0);
    return rmdir(f.folder);
}

static void open_lab(void)
{
    f.error = (struct p2p_error){0};
    f.lab = p2p_lab_bench_open(&f.bench, &f.stimulus, f.stop_fds[0], &f.error);
    assert_string_equal(f.error.message, "");
    assert_non_null(f.lab);
}

static void close_lab(void)
{
    p2p_lab_bench_close(f.lab);
    f.lab = NULL;
}

static enum p2p_code power_on(const struct p2p_configuration *configuration)
{
    struct p2p_ports ports = p2p_lab_bench_ports(f.lab);

    f.error = (struct p2p_error){0};
    fake_lab.diary[0] = '\0';
    return ports.power.on(ports.power.self, configuration, 1, &f.error);
}

static void power_off(void)
{
    struct p2p_ports ports = p2p_lab_bench_ports(f.lab);

    ports.power.off(ports.power.self);
}

static void assert_error(enum p2p_code code, const char *message)
{
    assert_int_equal(f.error.code, code);
    assert_string_equal(f.error.message, message);
}

static void assert_line(const struct fake_lab_line *line, const char *where, const char *chip, const char *line_name,
                        uint32_t offset, bool active_low)
{
    assert_string_equal(line->place, where);
    assert_string_equal(line->chip, chip);
    assert_string_equal(line->line, line_name);
    assert_int_equal(line->offset, offset);
    assert_int_equal(line->active_low, active_low);
}

/* ---- Opening and closing ---- */

static void the_board_is_off_before_anything_drives_it(void **state)
{
    (void)state;
    open_lab();
    assert_string_equal(fake_lab.diary, "clock+ relay+ stimulus+ serial+ ");
    assert_true(fake_lab.realtime);
    assert_int_equal(fake_lab.stop_fd, f.stop_fds[0]);
    assert_string_equal(p2p_lab_bench_warning(f.lab), "SCHED_FIFO: no");
    fake_lab.diary[0] = '\0';
    close_lab();
    assert_string_equal(fake_lab.diary, "stop attach: off relay- stimulus- serial- clock- ");
    p2p_lab_bench_close(NULL);
}

static void each_part_gets_what_the_bench_file_says(void **state)
{
    (void)state;
    open_lab();
    assert_line(&fake_lab.relay, "lab.bench.json: $.power", "relays", "board", 0, true);
    assert_line(&fake_lab.stimulus, "lab.bench.json: $.stimulus", "pl061", "stim", 0, false);
    assert_line(&fake_lab.query, "lab.bench.json: $.query", "pl061", "", 6, true);
    assert_int_equal(fake_lab.settle_ms, 250);
    assert_int_equal(fake_lab.apart_ns, 150000);
    assert_int_equal(fake_lab.late_ns, 1000000);
    assert_string_equal(fake_lab.console, "/dev/ttyX0 115200");
}

static void power_may_be_programs(void **state)
{
    (void)state;
    f.bench.lab.power.kind = P2P_LAB_POWER_COMMAND;
    open_lab();
    assert_string_equal(fake_lab.diary, "clock+ command+ script stimulus+ serial+ ");
    assert_string_equal(fake_lab.command.on.what, "power on");
    assert_string_equal(fake_lab.command.off.what, "power off");
    assert_ptr_equal(fake_lab.command.on.arguments, pdu_on);
    assert_ptr_equal(fake_lab.command.off.arguments, pdu_off);
    assert_int_equal(fake_lab.command.on.timeout_s, 7);
    assert_int_equal(fake_lab.command.off.timeout_s, 7);
    assert_int_equal(fake_lab.command.stop_fd, f.stop_fds[0]);
    assert_int_equal(power_on(&f.native), P2P_OK);
    assert_string_equal(fake_lab.diary, BEGUN "on uboot probe+ attach:dcs ");
    fake_lab.diary[0] = '\0';
    close_lab();
    assert_string_equal(fake_lab.diary, "stop attach: probe- off command- stimulus- serial- clock- ");
}

static void a_part_that_cannot_be_opened_is_told_and_the_others_are_closed(void **state)
{
    static const struct {
        const char *part, *message, *diary;
        enum p2p_code code;
        enum p2p_lab_power power;
    } cases[] = {
        {"clock+", "out of memory", "clock+ ", P2P_E_HOST, P2P_LAB_POWER_GPIOD},
        {"relay+", "relay+ failed", "clock+ relay+ attach: clock- ", P2P_E_BENCH, P2P_LAB_POWER_GPIOD},
        {"command+", "out of memory", "clock+ command+ attach: clock- ", P2P_E_HOST, P2P_LAB_POWER_COMMAND},
        {"script", "script failed", "clock+ command+ script attach: off command- clock- ", P2P_E_BENCH,
         P2P_LAB_POWER_COMMAND},
        {"stimulus+", "stimulus+ failed", "clock+ relay+ stimulus+ attach: off relay- clock- ", P2P_E_INPUT,
         P2P_LAB_POWER_GPIOD},
        {"serial+", "lab.bench.json: $.console: serial+ failed",
         "clock+ relay+ stimulus+ serial+ stop attach: off relay- stimulus- clock- ", P2P_E_BENCH, P2P_LAB_POWER_GPIOD},
        {"serial+", "lab.bench.json: $.console: serial+ failed",
         "clock+ command+ script stimulus+ serial+ stop attach: off command- stimulus- clock- ", P2P_E_INPUT,
         P2P_LAB_POWER_COMMAND},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_lab_reset();
        fake_lab.fails = cases[i].part;
        fake_lab.code = cases[i].code;
        f.error = (struct p2p_error){0};
        f.bench.lab.power.kind = cases[i].power;
        assert_null(p2p_lab_bench_open(&f.bench, &f.stimulus, f.stop_fds[0], &f.error));
        assert_error(cases[i].code, cases[i].message);
        assert_string_equal(fake_lab.diary, cases[i].diary);
        assert_int_equal(fake_lab.open_parts, 0);
    }
}

/* `rest`: how the message goes on behind our folder. */
static void expect_no_bench(const char *rest)
{
    char expected[256];

    snprintf(expected, sizeof expected, "%s/%s", f.folder, rest);
    fake_lab_reset();
    f.error = (struct p2p_error){0};
    assert_null(p2p_lab_bench_open(&f.bench, &f.stimulus, f.stop_fds[0], &f.error));
    assert_int_equal(f.error.code, P2P_E_INPUT);
    assert_int_equal(strncmp(f.error.message, expected, strlen(expected)), 0);
    assert_string_equal(fake_lab.diary, "clock+ attach: clock- ");
}

/* Nothing of the bench is touched for a run that cannot be. */
static void missing_files_are_found_before_any_line_is_taken(void **state)
{
    struct p2p_calibration half;

    (void)state;
    assert_int_equal(p2p_calibration_load(CALIBRATION "straight-only.json", &half, &f.error), P2P_OK);
    assert_int_equal(p2p_calibration_save(f.calibration, &half, &f.error), P2P_OK);
    f.bench.probe.calibration = f.calibration;
    expect_no_bench("c.json: not complete: ");
    unlink(f.calibration);
    expect_no_bench("c.json: cannot open: No such file");
    unlink(f.stub);
    expect_no_bench("the-stub: the guest stub is not there: No such file");
    unlink(f.tree);
    expect_no_bench("board.dtb: cannot open: No such file");
}

static void check_power_program(const struct p2p_command *command, const struct p2p_placeholder *placeholders,
                                size_t count)
{
    (void)placeholders;
    assert_string_equal(command->what, "power off");
    assert_ptr_equal(command->arguments, pdu_off);
    assert_int_equal(command->timeout_s, 7);
    assert_int_equal(count, 0);
}

/* For what a killed run left on: nothing but the power is touched. */
static void off_alone_takes_the_power_only(void **state)
{
    (void)state;
    assert_int_equal(p2p_lab_bench_off(&f.bench, &f.error), P2P_OK);
    assert_string_equal(fake_lab.diary, "relay+ relay- ");
    assert_line(&fake_lab.relay, "lab.bench.json: $.power", "relays", "board", 0, true);
    fake_lab.fails = "relay+";
    assert_int_equal(p2p_lab_bench_off(&f.bench, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "relay+ failed");
    fake_lab_reset();
    fake_lab.on_script = check_power_program;
    f.error = (struct p2p_error){0};
    f.bench.lab.power.kind = P2P_LAB_POWER_COMMAND;
    assert_int_equal(p2p_lab_bench_off(&f.bench, &f.error), P2P_OK);
    assert_string_equal(fake_lab.diary, "command+ script command- ");
    fake_lab.fails = "script";
    assert_int_equal(p2p_lab_bench_off(&f.bench, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "script failed");
}

/* ---- Booting ---- */

static void check_uboot(const struct p2p_uboot_plan *plan, const char *configuration,
                        const struct p2p_boot_files *files, const struct p2p_console *console,
                        const struct p2p_clock *clock)
{
    struct p2p_error error = {0};
    char bytes[64];
    size_t count;

    assert_string_equal(configuration, "xen-4.17");
    assert_string_equal(plan->prompt, prompt);
    assert_string_equal(plan->autoboot, autoboot);
    assert_string_equal(plan->autoboot_key, key);
    assert_int_equal(plan->setup_count, 1);
    assert_string_equal(plan->setup[0], "dhcp");
    assert_int_equal(plan->address[P2P_BOOT_XEN], 0x40600000);
    assert_int_equal(plan->address[P2P_BOOT_STUB], 0x50000000);
    assert_int_equal(plan->address[P2P_BOOT_TREE], 0x48000000);
    assert_int_equal(plan->address[P2P_BOOT_PARTIAL], 0x50100000);
    assert_int_equal(plan->boot_s, 25);
    assert_true(plan->command_s > 0 && plan->load_s > 0);
    for (size_t i = 0; i < P2P_BOOT_FILE_COUNT; i++) {
        assert_non_null(files->file[i].data);
    }
    assert_int_equal(files->file[P2P_BOOT_STUB].size, 8);
    /* What U-Boot's driver reads is kept for the session. */
    snprintf(fake_lab.says, sizeof fake_lab.says, "U-Boot 2026.01\n");
    assert_int_equal(console->read(console->self, bytes, sizeof bytes, &count, &error), P2P_OK);
    assert_int_equal(count, 15);
    assert_true(clock->advance(clock->self, clock->now_ns(clock->self) + 1, &error) == P2P_OK);
}

static void check_tftp(const struct p2p_uboot_plan *plan, const char *configuration, const struct p2p_boot_files *files,
                       const struct p2p_console *console, const struct p2p_clock *clock)
{
    check_uboot(plan, configuration, files, console, clock);
    assert_int_equal(plan->load, P2P_UBOOT_TFTP);
    assert_string_equal(plan->interface, "");
    assert_string_equal(plan->folder, f.folder);
}

static void check_disk(const struct p2p_uboot_plan *plan, const char *configuration, const struct p2p_boot_files *files,
                       const struct p2p_console *console, const struct p2p_clock *clock)
{
    check_uboot(plan, configuration, files, console, clock);
    assert_int_equal(plan->load, P2P_UBOOT_DISK);
    assert_string_equal(plan->interface, "mmc 0:1");
}

/* The probe comes last: it would talk to nobody while the board boots. */
static void a_boot_goes_from_power_to_uboot_to_the_probe(void **state)
{
    struct p2p_ports ports;
    struct p2p_error error = {0};
    char bytes[64];
    size_t count;

    (void)state;
    fake_lab.on_uboot = check_tftp;
    open_lab();
    ports = p2p_lab_bench_ports(f.lab);
    snprintf(fake_lab.says, sizeof fake_lab.says, "of the boot before\n");
    assert_int_equal(power_on(&f.on_xen), P2P_OK);
    assert_string_equal(fake_lab.diary, BEGUN "on uboot probe+ attach:dcs ");
    assert_ptr_equal(fake_lab.probe_plan, &f.bench.probe);

    snprintf(fake_lab.says, sizeof fake_lab.says, "Xen version\n");
    assert_int_equal(ports.console.read(ports.console.self, bytes, sizeof bytes, &count, &error), P2P_OK);
    assert_memory_equal(bytes, "U-Boot 2026.01\n", count);
    assert_true(ports.console.stamp_ns(ports.console.self) > 0);
    assert_true(ports.console.stamp_ns(ports.console.self) < ports.clock.now_ns(ports.clock.self));
    assert_int_equal(ports.console.read(ports.console.self, bytes, sizeof bytes, &count, &error), P2P_OK);
    assert_memory_equal(bytes, "Xen version\n", count);
    fake_lab.diary[0] = '\0';
    assert_int_equal(ports.console.write(ports.console.self, "h", &error), P2P_OK);
    assert_string_equal(fake_lab.diary, "ask ");

    fake_lab.diary[0] = '\0';
    power_off();
    assert_string_equal(fake_lab.diary, "stop attach: probe- off ");
    fake_lab.on_uboot = check_disk;
    f.bench.lab.uboot.load = P2P_LAB_DISK;
    f.bench.lab.uboot.interface = disk;
    assert_int_equal(power_on(&f.on_xen), P2P_OK);
}

static void all_ports_are_a_labs(void **state)
{
    struct p2p_ports ports;

    (void)state;
    open_lab();
    ports = p2p_lab_bench_ports(f.lab);
    assert_int_equal(ports.time_base, P2P_TIME_HARDWARE);
    assert_null(ports.truth.read);
    assert_ptr_equal(ports.stimulus.self, &fake_lab.stimulus);
    assert_int_equal(power_on(&f.native), P2P_OK);
    fake_lab.achieved = (struct p2p_achieved){.stimuli = 20, .mean_late_ns = 1.5, .max_late_ns = 9, .late = 3};
    assert_int_equal(ports.stimulus.achieved(ports.stimulus.self).stimuli, 20);
    assert_int_equal(ports.stimulus.achieved(ports.stimulus.self).late, 3);
    power_off();
    assert_int_equal(ports.stimulus.achieved(ports.stimulus.self).max_late_ns, 9);
}

/* The board is off and the probe's stream closed, whatever failed; the next boot goes as if nothing had been. */
static void a_boot_that_fails_leaves_the_board_off(void **state)
{
    static const struct {
        const char *part;
        enum p2p_code code;
        const char *message, *diary;
    } cases[] = {
        {"restart", P2P_E_BENCH, "restart failed", "stop attach: off restart "},
        {"serial-read", P2P_E_BENCH, "the board's console: serial-read failed",
         "stop attach: off restart serial- serial+ "},
        {"on", P2P_E_INTERRUPTED, "on failed", BEGUN "on "},
        {"uboot", P2P_E_BENCH, "uboot failed", BEGUN "on uboot "},
        {"probe+", P2P_E_BENCH, "probe+ failed", BEGUN "on uboot probe+ "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char diary[256];

        fake_lab_reset();
        open_lab();
        fake_lab.fails = cases[i].part;
        fake_lab.code = cases[i].code;
        assert_int_equal(power_on(&f.native), cases[i].code);
        assert_error(cases[i].code, cases[i].message);
        snprintf(diary, sizeof diary, "%sstop attach: off ", cases[i].diary);
        assert_string_equal(fake_lab.diary, diary);
        fake_lab.fails = NULL;
        assert_int_equal(power_on(&f.native), P2P_OK);
        assert_string_equal(fake_lab.diary, BEGUN "on uboot probe+ attach:dcs ");
        close_lab();
    }
}

/* Found while the board is still off. */
static void a_file_that_is_wrong_costs_no_power_cycle(void **state)
{
    (void)state;
    open_lab();
    put(f.xen_image, "no Xen", 6);
    assert_int_equal(power_on(&f.on_xen), P2P_E_INPUT);
    assert_non_null(strstr(f.error.message, f.xen_image));
    assert_string_equal(fake_lab.diary, BEGUN "stop attach: off ");
    assert_int_equal(power_on(&f.native), P2P_OK);
}

static void a_board_that_stays_on_is_told_and_not_booted(void **state)
{
    static const enum p2p_lab_power powers[] = {P2P_LAB_POWER_GPIOD, P2P_LAB_POWER_COMMAND};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct p2p_ports ports;

        fake_lab_reset();
        f.bench.lab.power.kind = powers[i];
        open_lab();
        ports = p2p_lab_bench_ports(f.lab);
        assert_int_equal(power_on(&f.native), P2P_OK);
        fake_lab.achieved.stimuli = 20;
        power_off();
        assert_int_equal(ports.power.check(ports.power.self, &f.error), P2P_OK);
        fake_lab.stays_on = true;
        assert_int_equal(ports.power.check(ports.power.self, &f.error), P2P_E_BENCH);
        assert_error(P2P_E_BENCH, "the board may still be on");
        assert_int_equal(power_on(&f.native), P2P_E_BENCH);
        assert_error(P2P_E_BENCH, "the board may still be on");
        assert_string_equal(fake_lab.diary, "stop attach: off restart stop attach: off ");
        /* Nothing was played in this boot, so the 20 of the one before are not its. */
        assert_int_equal(ports.stimulus.achieved(ports.stimulus.self).stimuli, 0);
        close_lab();
    }
}

static size_t queries(void)
{
    size_t count = 0;

    for (const char *at = fake_lab.diary; (at = strstr(at, "query ")) != NULL; at++) {
        count++;
    }
    return count;
}

/* Contacts that stick are seen by no line: a board that answers although it was switched off. */
static void a_board_that_lives_on_is_told(void **state)
{
    struct p2p_ports ports;

    (void)state;
    open_lab();
    ports = p2p_lab_bench_ports(f.lab);
    assert_int_equal(power_on(&f.native), P2P_OK);
    power_off();
    fake_lab.diary[0] = '\0';
    assert_int_equal(ports.power.check(ports.power.self, &f.error), P2P_OK);
    assert_string_equal(fake_lab.diary, QUIET);

    fake_lab.diary[0] = '\0';
    fake_lab.answers = 2; /* from its capacitors */
    assert_int_equal(ports.power.check(ports.power.self, &f.error), P2P_OK);
    assert_int_equal(queries(), 3);

    fake_lab.diary[0] = '\0';
    fake_lab.answers = 1000;
    assert_int_equal(ports.power.check(ports.power.self, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "the board may still be on: it was switched off, but answers on its console: is the "
                              "relay stuck?");
    assert_true(queries() > 3);
}

/* A boot that failed leaves U-Boot at its prompt, where the stub's query means nothing. */
static void a_board_at_uboots_prompt_is_told_and_not_booted(void **state)
{
    struct p2p_ports ports;
    char bytes[64];
    size_t count;

    (void)state;
    open_lab();
    ports = p2p_lab_bench_ports(f.lab);
    fake_lab.at_prompt = true;
    assert_int_equal(ports.power.check(ports.power.self, &f.error), P2P_E_BENCH);
    assert_int_equal(power_on(&f.native), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "the board may still be on: it was switched off, but answers on its console: is the "
                              "relay stuck?");
    assert_null(strstr(fake_lab.diary, " on "));
    /* And the boot's console.log has it. */
    assert_int_equal(ports.console.read(ports.console.self, bytes, 1, &count, &f.error), P2P_OK);
    assert_int_equal(count, 1);
    assert_int_equal(bytes[0], 'h');
    fake_lab.at_prompt = false;
    assert_int_equal(power_on(&f.native), P2P_OK);
}

static void assert_rest(const char *word)
{
    assert_int_equal(power_on(&f.native), P2P_OK);
    assert_non_null(strstr(fake_lab.diary, word));
}

/* From the first time that it was switched off, however often that is said again. */
static void a_board_stays_off_for_a_while(void **state)
{
    static const enum p2p_lab_power powers[] = {P2P_LAB_POWER_GPIOD, P2P_LAB_POWER_COMMAND};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        fake_lab_reset();
        f.bench.lab.power.kind = powers[i];
        open_lab();
        fake_lab.wall_ms += 400;
        assert_rest(" rest:1600 "); /* a run before this one may have left it on */
        fake_lab.wall_ms += 9000;
        assert_rest(" rest:2000 ");
        fake_lab.fails = "uboot";
        assert_int_equal(power_on(&f.native), P2P_E_BENCH);
        fake_lab.fails = NULL;
        fake_lab.wall_ms += 1500;
        power_off();
        assert_rest(" rest:500 ");
        power_off();
        fake_lab.wall_ms += 5000;
        assert_rest(" rest:0 ");
        close_lab();
    }
}

static void who_wants_out_need_not_wait_while_it_is_off(void **state)
{
    (void)state;
    open_lab();
    fake_lab.fails = "rest";
    assert_int_equal(power_on(&f.native), P2P_E_INTERRUPTED);
    assert_error(P2P_E_INTERRUPTED, "interrupted");
    assert_string_equal(fake_lab.diary, "stop attach: off restart serial- serial+ rest:2000 stop attach: off ");
}

/* An adapter that was unplugged costs the boots without it. */
static void the_console_is_opened_for_each_boot(void **state)
{
    struct p2p_ports ports;
    char bytes[64];
    size_t count = 1;

    (void)state;
    open_lab();
    ports = p2p_lab_bench_ports(f.lab);
    fake_lab.fails = "serial+";
    assert_int_equal(power_on(&f.native), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "lab.bench.json: $.console: serial+ failed");
    assert_string_equal(fake_lab.diary, "stop attach: off restart serial- serial+ stop attach: off ");
    assert_int_equal(ports.power.check(ports.power.self, &f.error), P2P_OK); /* nobody can tell */
    assert_int_equal(ports.console.read(ports.console.self, bytes, sizeof bytes, &count, &f.error), P2P_OK);
    assert_int_equal(count, 0);
    assert_int_equal(ports.console.stamp_ns(ports.console.self), 0);
    f.error = (struct p2p_error){0};
    assert_int_equal(ports.console.write(ports.console.self, "w", &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "the board's console is typed to, but its port is gone");
    fake_lab.fails = NULL;
    assert_int_equal(power_on(&f.native), P2P_OK);
}

static void who_wants_out_need_not_wait_for_the_answer(void **state)
{
    struct p2p_ports ports;

    (void)state;
    open_lab();
    ports = p2p_lab_bench_ports(f.lab);
    assert_int_equal(write(f.stop_fds[1], "x", 1), 1);
    assert_int_equal(ports.power.check(ports.power.self, &f.error), P2P_E_INTERRUPTED);
    assert_string_equal(fake_lab.diary, "clock+ relay+ stimulus+ serial+ " QUIET);
}

/* ---- Scripts ---- */

static char script_folder[PATH_BYTES]; /* of the last run */

static bool has_file(const char *path, const char *contents)
{
    struct p2p_error error = {0};
    struct stat status;
    char *data;
    size_t size;
    bool same;

    if (p2p_read_file(path, 1 << 20, &data, &size, &error) != P2P_OK || stat(path, &status) != 0) {
        return false;
    }
    same = contents == NULL ? fdt_check_full(data, size) == 0 : strcmp(data, contents) == 0;
    free(data);
    return same;
}

static const char *value_of(const struct p2p_placeholder *placeholders, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(placeholders[i].name, name) == 0) {
            return placeholders[i].value;
        }
    }
    return NULL;
}

static void check_script(const struct p2p_command *command, const struct p2p_placeholder *placeholders, size_t count)
{
    const char *stub = value_of(placeholders, count, "stub");

    assert_string_equal(command->what, "board.boot");
    assert_ptr_equal(command->arguments, script);
    assert_int_equal(command->timeout_s, 90);
    assert_int_equal(count, 5);
    assert_true(has_file(stub, "the stub"));
    assert_true(has_file(value_of(placeholders, count, "tree"), NULL));
    assert_int_equal(strncmp(stub, f.folder, strlen(f.folder)), 0); /* TMPDIR */
    snprintf(script_folder, sizeof script_folder, "%.*s", (int)(strrchr(stub, '/') - stub), stub);
}

static void check_native_script(const struct p2p_command *command, const struct p2p_placeholder *placeholders,
                                size_t count)
{
    check_script(command, placeholders, count);
    assert_string_equal(value_of(placeholders, count, "configuration"), "native");
    assert_string_equal(value_of(placeholders, count, "xen"), "");
    assert_string_equal(value_of(placeholders, count, "partial"), "");
}

static void check_xen_script(const struct p2p_command *command, const struct p2p_placeholder *placeholders,
                             size_t count)
{
    check_script(command, placeholders, count);
    assert_string_equal(value_of(placeholders, count, "configuration"), "xen-4.17");
    assert_int_equal(access(value_of(placeholders, count, "xen"), R_OK), 0);
    assert_true(has_file(value_of(placeholders, count, "partial"), NULL));
}

static void a_script_gets_paths_that_are_gone_afterwards(void **state)
{
    (void)state;
    f.bench.board.kind = P2P_BOARD_SCRIPT;
    open_lab();
    fake_lab.on_script = check_native_script;
    assert_int_equal(power_on(&f.native), P2P_OK);
    assert_string_equal(fake_lab.diary, BEGUN "on script probe+ attach:dcs ");
    assert_int_equal(access(script_folder, F_OK), -1);
    fake_lab.on_script = check_xen_script;
    assert_int_equal(power_on(&f.on_xen), P2P_OK);
    assert_int_equal(access(script_folder, F_OK), -1);
}

static void a_script_that_fails_leaves_neither_files_nor_power(void **state)
{
    static const enum p2p_code codes[] = {P2P_E_BENCH, P2P_E_INPUT, P2P_E_INTERRUPTED};

    (void)state;
    f.bench.board.kind = P2P_BOARD_SCRIPT;
    open_lab();
    fake_lab.on_script = check_native_script;
    fake_lab.fails = "script";
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        fake_lab.code = codes[i];
        assert_int_equal(power_on(&f.native), codes[i]);
        assert_error(codes[i], "script failed");
        assert_string_equal(fake_lab.diary, BEGUN "on script stop attach: off ");
        assert_int_equal(access(script_folder, F_OK), -1);
    }
}

static void a_folder_that_cannot_be_made_is_told_by_name(void **state)
{
    (void)state;
    f.bench.board.kind = P2P_BOARD_SCRIPT;
    open_lab();
    setenv("TMPDIR", "/nonexistent", 1);
    assert_int_equal(power_on(&f.native), P2P_E_HOST);
    assert_error(P2P_E_HOST, "/nonexistent: cannot make a temporary folder for the boot's files (TMPDIR): No such file "
                             "or directory");
    assert_string_equal(fake_lab.diary, BEGUN "on stop attach: off ");
}

/* ---- The probe ---- */

static enum p2p_code identify(void)
{
    struct p2p_ports ports = p2p_lab_bench_ports(f.lab);
    enum p2p_code code = P2P_OK;

    f.error = (struct p2p_error){0};
    for (int i = 0; i < 100 && code == P2P_OK; i++) {
        code = ports.probe.request(ports.probe.self, P2P_PROBE_IDENTIFY, &f.error);
        if (ports.probe.settled(ports.probe.self)) {
            break;
        }
        fake_lab.now_ns += 10 * NS_PER_MS;
    }
    return code;
}

static void the_probe_is_opened_for_each_boot(void **state)
{
    struct p2p_ports ports;
    struct p2p_edge edge;
    size_t count = 1;

    (void)state;
    open_lab();
    ports = p2p_lab_bench_ports(f.lab);
    for (int boot = 0; boot < 2; boot++) {
        assert_int_equal(power_on(&f.native), P2P_OK);
        assert_null(ports.probe.info(ports.probe.self));
        assert_int_equal(identify(), P2P_OK);
        assert_true(ports.probe.settled(ports.probe.self));
        assert_string_equal(ports.probe.info(ports.probe.self)->name, "serial");
        assert_string_equal(ports.probe.info(ports.probe.self)->serial, "e660583883123456");
        assert_int_equal(ports.probe.info(ports.probe.self)->tick_hz, FAKE_PROBE_HZ);
        assert_int_equal(ports.probe.request(ports.probe.self, P2P_PROBE_ARM, &f.error), P2P_OK);
        fake_probe_edge(&fake_lab.probe, P2P_CHANNEL_STIMULUS, 1);
        fake_probe_pass(&fake_lab.probe, FAKE_PROBE_EPOCH);
        assert_int_equal(ports.probe.read(ports.probe.self, &edge, 1, &count, &f.error), P2P_OK);
        assert_int_equal(count, 1);
        assert_int_equal(edge.channel, P2P_CHANNEL_STIMULUS);
        power_off();
        assert_null(ports.probe.info(ports.probe.self));
        assert_false(ports.probe.settled(ports.probe.self));
        assert_int_equal(ports.probe.read(ports.probe.self, &edge, 1, &count, &f.error), P2P_OK);
        assert_int_equal(count, 0);
        assert_int_equal(ports.probe.request(ports.probe.self, P2P_PROBE_IDENTIFY, &f.error), P2P_E_BENCH);
        assert_error(P2P_E_BENCH, "the probe is asked, but the bench is off");
        fake_lab.probe = (struct fake_probe){0};
    }
}

/* `serial`, NULL: the probe's own; made at `tick_hz`. */
static void put_calibration(const char *serial, uint64_t tick_hz)
{
    struct p2p_calibration calibration;
    struct p2p_error error = {0};

    assert_int_equal(p2p_calibration_load(CALIBRATION "whole.json", &calibration, &error), P2P_OK);
    if (serial != NULL) {
        snprintf(calibration.serial, sizeof calibration.serial, "%s", serial);
    }
    calibration.tick_hz = tick_hz;
    assert_int_equal(p2p_calibration_save(f.calibration, &calibration, &error), P2P_OK);
    f.bench.probe.calibration = f.calibration;
}

static void the_probes_own_calibration_corrects(void **state)
{
    struct p2p_ports ports;

    (void)state;
    put_calibration(NULL, FAKE_PROBE_HZ);
    open_lab();
    ports = p2p_lab_bench_ports(f.lab);
    assert_int_equal(power_on(&f.native), P2P_OK);
    assert_int_equal(identify(), P2P_OK);
    assert_true(ports.probe.info(ports.probe.self)->uncertainty.skew_correction_ns != 0);
    assert_true(ports.probe.info(ports.probe.self)->uncertainty.quantisation_ns > 0);
}

static void another_probes_calibration_is_refused(void **state)
{
    (void)state;
    for (int other = 0; other < 2; other++) {
        char expected[256];

        fake_lab_reset();
        put_calibration(other == 0 ? "0000000000000001" : NULL, other == 0 ? FAKE_PROBE_HZ : 125000000);
        open_lab();
        assert_int_equal(power_on(&f.native), P2P_OK);
        assert_int_equal(identify(), P2P_E_INPUT);
        snprintf(expected, sizeof expected, "%s: made %s", f.calibration,
                 other == 0 ? "with probe 0000000000000001, but this is probe e660583883123456: name that one's "
                              "calibration"
                            : "at 125000000 Hz, but probe e660583883123456 runs at 1000000000 Hz: calibrate it again");
        assert_error(P2P_E_INPUT, expected);
        close_lab();
    }
}

/* ---- Memory ---- */

static bool open_and_boot(void)
{
    f.error = (struct p2p_error){0};
    f.lab = p2p_lab_bench_open(&f.bench, &f.stimulus, f.stop_fds[0], &f.error);
    return f.lab != NULL && power_on(&f.on_xen) == P2P_OK;
}

/* A failed allocation anywhere from open to the last step of a boot: an error of this computer, and nothing left. */
static void every_failed_allocation_is_told(void **state)
{
    static const enum p2p_board_kind kinds[] = {P2P_BOARD_UBOOT, P2P_BOARD_SCRIPT};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int count = 0;
        bool done = false;

        f.bench.board.kind = kinds[i];
        while (!done) {
            fake_lab_reset();
            allocations_until_failure = ++count;
            done = open_and_boot();
            assert_int_equal(done, allocations_until_failure > 0);
            allocations_until_failure = 0;
            assert_int_equal(f.error.code, done ? P2P_OK : P2P_E_HOST);
            assert_true(done || strstr(f.error.message, "out of memory") != NULL);
            close_lab();
            assert_int_equal(fake_lab.open_parts, 0);
        }
        assert_true(count > 8);
    }
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BENCH(the_board_is_off_before_anything_drives_it),
        WITH_BENCH(each_part_gets_what_the_bench_file_says),
        WITH_BENCH(power_may_be_programs),
        WITH_BENCH(a_part_that_cannot_be_opened_is_told_and_the_others_are_closed),
        WITH_BENCH(missing_files_are_found_before_any_line_is_taken),
        WITH_BENCH(off_alone_takes_the_power_only),
        WITH_BENCH(a_boot_goes_from_power_to_uboot_to_the_probe),
        WITH_BENCH(all_ports_are_a_labs),
        WITH_BENCH(a_boot_that_fails_leaves_the_board_off),
        WITH_BENCH(a_file_that_is_wrong_costs_no_power_cycle),
        WITH_BENCH(a_board_that_stays_on_is_told_and_not_booted),
        WITH_BENCH(a_board_that_lives_on_is_told),
        WITH_BENCH(a_board_at_uboots_prompt_is_told_and_not_booted),
        WITH_BENCH(a_board_stays_off_for_a_while),
        WITH_BENCH(who_wants_out_need_not_wait_while_it_is_off),
        WITH_BENCH(the_console_is_opened_for_each_boot),
        WITH_BENCH(who_wants_out_need_not_wait_for_the_answer),
        WITH_BENCH(a_script_gets_paths_that_are_gone_afterwards),
        WITH_BENCH(a_script_that_fails_leaves_neither_files_nor_power),
        WITH_BENCH(a_folder_that_cannot_be_made_is_told_by_name),
        WITH_BENCH(the_probe_is_opened_for_each_boot),
        WITH_BENCH(the_probes_own_calibration_corrects),
        WITH_BENCH(another_probes_calibration_is_refused),
        WITH_BENCH(every_failed_allocation_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
