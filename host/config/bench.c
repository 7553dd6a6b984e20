/* SPDX-License-Identifier: MIT */
#include "config/bench.h"

#include "config/json_reader.h"

#include <stdlib.h>
#include <string.h>

enum {
    VIRT_POWER_KEY_PIN = 3, /* QEMU's virt wires the PL061's pin 3 to a gpio-keys power button */
    PINS = 3,
};

static const struct p2p_json_range GIC = {2, 3};
static const struct p2p_json_range MEMORY_MIB = {512, 4096};
static const struct p2p_json_range PIN = {0, 7};
static const struct p2p_json_range TIMEOUT_S = {1, 3600};
static const struct p2p_json_range CLK_HZ = {1000000, 200000000};
static const struct p2p_json_range BAUD = {9600, 12000000}; /* the FT232H's limit */
static const struct p2p_json_real_range CLOCK_PPM = {-1000, 1000};
static const struct p2p_json_real_range TRIGGER_NS = {0, 1000};
static const struct p2p_json_real_range TIMEBASE_PPM = {0, 1000};

#define NS_PER_S    UINT64_C(1000000000)
#define CRYSTAL_PPM (30 / 1.7320508075688772) /* the Pico's crystal: +-30 ppm, rectangular */

static const struct p2p_json_key BENCH_KEYS[] = {
    {"schema", "what kind of file this is"},
    {"version", "the version of the file's form"},
    {"name", "the bench's name in reports"},
    {"board", "the board under test"},
    {"stub", "the path of the guest stub's image"},
    {"pins", "the pins of the board's GPIO block"},
    {"probe", "what stamps the edges"},
    {"timeouts", "how long to wait for the bench"},
    {"stimulus", "the GPIO line that drives the board's stimulus pin"},
    {"query", "the GPIO line that drives the board's query pin"},
    {"console", "the serial port of the board's console"},
    {"power", "what switches the board's power"},
    {NULL, NULL},
};

static const struct p2p_json_key BOARD_KEYS[] = {
    {"kind", "the kind of board"},
    {"gic", "the version of the board's interrupt controller"},
    {"qemu", "the QEMU program"},
    {"memory_mib", "the board's memory"},
    {"wires", "the path of the wires plugin"},
    {"play", "how stimuli reach the board"},
    {"device_tree", "the path of the board's own device tree"},
    {"addresses", "where the files go in memory"},
    {"load", "how U-Boot gets the files"},
    {"folder", "where U-Boot finds the files"},
    {"interface", "the disk as U-Boot names it"},
    {"prompt", "U-Boot's prompt"},
    {"autoboot", "what announces the autoboot"},
    {"autoboot_key", "what stops it"},
    {"setup", "lines typed into U-Boot first"},
    {"boot", "the program that boots the board, and its arguments"},
    {"boot_timeout_s", "how long that program may take"},
    {"boot_tries", "power cycles until the board is READY"},
    {NULL, NULL},
};

/* Keys that only a virtual, or only a lab bench has. */
static const char *const VIRTUAL_BOARD_KEYS[] = {"qemu", "memory_mib", "wires", "play", NULL};
static const char *const LAB_BOARD_KEYS[] = {
    "device_tree",  "addresses", "load", "folder",         "interface",  "prompt", "autoboot",
    "autoboot_key", "setup",     "boot", "boot_timeout_s", "boot_tries", NULL};
static const char *const LAB_KEYS[] = {"stimulus", "query", "console", "power", NULL};

static const struct p2p_json_key PINS_KEYS[] = {
    {"stimulus", "the input that interrupts the guest"},
    {"answer", "the output that the guest toggles"},
    {"query", "the input that asks the guest for its counters"},
    {NULL, NULL},
};

static const struct p2p_json_key PROBE_KEYS[] = {
    {"kind", "the kind of probe"},
    {"runner", "the path of the virtual probe's main.js"},
    {"image", "the path of the probe's firmware"},
    {"node", "the Node program"},
    {"clk_hz", "the clock that the image is made for"},
    {"clock_ppm", "by how much the virtual probe's clock is wrong"},
    {"serial", "the FTDI chip's serial number"},
    {"device", "the serial port"},
    {"baud", "the rate of the probe's link"},
    {"calibration", "the path of the probe's calibration"},
    {"trigger_ns", "the threshold's standard uncertainty"},
    {"timebase_ppm", "the clock's standard uncertainty"},
    {NULL, NULL},
};

#define OF(kind)    (1U << (kind))
#define REAL_PROBES (OF(P2P_PROBE_FTDI) | OF(P2P_PROBE_SERIAL))
#define ALL_PROBES  (OF(P2P_PROBE_VIRTUAL) | REAL_PROBES)

/* Which kinds take which key of the above; in its order. */
static const unsigned PROBE_KEY_OF[] = {
    ALL_PROBES | OF(P2P_PROBE_IDEAL),
    OF(P2P_PROBE_VIRTUAL),
    OF(P2P_PROBE_VIRTUAL),
    OF(P2P_PROBE_VIRTUAL),
    OF(P2P_PROBE_VIRTUAL),
    OF(P2P_PROBE_VIRTUAL),
    OF(P2P_PROBE_FTDI),
    OF(P2P_PROBE_SERIAL),
    REAL_PROBES,
    ALL_PROBES,
    ALL_PROBES,
    ALL_PROBES,
};

static const struct p2p_json_key TIMEOUTS_KEYS[] = {
    {"boot_s", "from power on to the guest's READY"},
    {"stall_s", "longest silence of the bench in a run"},
    {NULL, NULL},
};

static const char *const BOARD_KINDS[] = {
    [P2P_BOARD_QEMU_VIRT] = "qemu-virt", [P2P_BOARD_UBOOT] = "uboot", [P2P_BOARD_SCRIPT] = "script", NULL};
static const char *const PLAYS[] = {[P2P_PLAY_SCHEDULE] = "schedule", [P2P_PLAY_LOCKSTEP] = "lockstep", NULL};
static const char *const PROBE_KINDS[] = {
    [P2P_PROBE_IDEAL] = "ideal",
    [P2P_PROBE_VIRTUAL] = "virtual",
    [P2P_PROBE_FTDI] = "ftdi",
    [P2P_PROBE_SERIAL] = "serial",
    NULL,
};

const char *p2p_probe_kind_name(enum p2p_probe_kind kind)
{
    return PROBE_KINDS[kind];
}

const char *p2p_board_kind_name(enum p2p_board_kind kind)
{
    return BOARD_KINDS[kind];
}

/* A bare name is looked up in PATH; with a slash in it, it is a path like any other in the file. */
static char *read_program(const struct p2p_json_object *object, const char *key, const char *fallback)
{
    const char *program = p2p_json_string_or(object, key, fallback);

    return strchr(program, '/') == NULL ? p2p_json_copy(object, program) : p2p_json_path(object, key);
}

bool p2p_bench_is_lab(const struct p2p_bench *bench)
{
    return bench->board.kind == P2P_BOARD_UBOOT || bench->board.kind == P2P_BOARD_SCRIPT;
}

static void read_virtual_board(const struct p2p_json_object *root, const struct p2p_json_object *object,
                               struct p2p_bench *bench)
{
    p2p_lab_refuse_keys(object, LAB_BOARD_KEYS, "a virtual board");
    p2p_lab_refuse_keys(root, LAB_KEYS, "a virtual bench");
    bench->board.qemu = read_program(object, "qemu", "qemu-system-aarch64");
    bench->board.memory_mib = (uint32_t)p2p_json_integer_or(object, "memory_mib", MEMORY_MIB, 1024);
    bench->board.wires = p2p_json_path(object, "wires");
    bench->board.play = (enum p2p_play)p2p_json_choice_or(object, "play", PLAYS, P2P_PLAY_SCHEDULE);
}

static void read_board(const struct p2p_json_object *root, struct p2p_bench *bench)
{
    struct p2p_json_object object = p2p_json_child(root, "board", BOARD_KEYS);

    bench->board.kind = (enum p2p_board_kind)p2p_json_choice(&object, "kind", BOARD_KINDS);
    bench->board.gic = (uint32_t)p2p_json_integer(&object, "gic", GIC);
    if (p2p_bench_is_lab(bench)) {
        p2p_lab_refuse_keys(&object, VIRTUAL_BOARD_KEYS, "a board of hardware");
        p2p_lab_plan_read(root, &object, bench->board.kind == P2P_BOARD_UBOOT, &bench->lab);
    } else {
        read_virtual_board(root, &object, bench);
    }
}

static void read_pins(const struct p2p_json_object *root, struct p2p_pins *pins)
{
    struct p2p_json_object object = p2p_json_child(root, "pins", PINS_KEYS);
    uint8_t *const targets[PINS] = {&pins->stimulus, &pins->answer, &pins->query};

    for (size_t i = 0; i < PINS; i++) {
        const char *key = PINS_KEYS[i].name;

        *targets[i] = (uint8_t)p2p_json_integer(&object, key, PIN);
        if (*targets[i] == VIRT_POWER_KEY_PIN) {
            p2p_json_refuse(&object, key, "pin %d is the virt board's power key: use another", VIRT_POWER_KEY_PIN);
        }
        for (size_t j = 0; j < i; j++) {
            if (*targets[j] == *targets[i]) {
                p2p_json_refuse(&object, key, "pin %d is the pin of %s, too: use another", *targets[i],
                                PINS_KEYS[j].name);
            }
        }
    }
}

static void refuse_keys_of_others(const struct p2p_json_object *object, enum p2p_probe_kind kind)
{
    for (size_t i = 0; PROBE_KEYS[i].name != NULL; i++) {
        if ((PROBE_KEY_OF[i] & OF(kind)) == 0 && p2p_json_has(object, PROBE_KEYS[i].name)) {
            p2p_json_refuse(object, PROBE_KEYS[i].name, "a probe of kind \"%s\" has no use for it", PROBE_KINDS[kind]);
        }
    }
}

static void read_virtual(const struct p2p_json_object *object, struct p2p_probe_plan *probe)
{
    probe->node = read_program(object, "node", "node");
    probe->runner = p2p_json_path(object, "runner");
    probe->image = p2p_json_path(object, "image");
    probe->clk_hz = (uint32_t)p2p_json_integer_or(object, "clk_hz", CLK_HZ, 125000000);
    if (NS_PER_S % probe->clk_hz != 0) { /* the emulator counts whole ns */
        p2p_json_refuse(object, "clk_hz", "%u Hz has no whole number of ns: use a divisor of 10^9", probe->clk_hz);
    }
    probe->clock_ppm = p2p_json_real_or(object, "clock_ppm", CLOCK_PPM, 0);
}

static void read_probe(const struct p2p_json_object *root, struct p2p_probe_plan *probe)
{
    struct p2p_json_object object = p2p_json_child(root, "probe", PROBE_KEYS);

    probe->kind = (enum p2p_probe_kind)p2p_json_choice(&object, "kind", PROBE_KINDS);
    refuse_keys_of_others(&object, probe->kind);
    switch (probe->kind) {
    case P2P_PROBE_IDEAL:
        return;
    case P2P_PROBE_VIRTUAL:
        read_virtual(&object, probe);
        break;
    case P2P_PROBE_FTDI:
        if (p2p_json_has(&object, "serial")) {
            probe->serial = p2p_json_copy(&object, p2p_json_string(&object, "serial"));
        }
        probe->baud = (uint32_t)p2p_json_integer_or(&object, "baud", BAUD, 4000000);
        break;
    case P2P_PROBE_SERIAL:
        probe->device = p2p_json_path(&object, "device");
        probe->baud = (uint32_t)p2p_json_integer_or(&object, "baud", BAUD, 4000000);
        break;
    }
    if (p2p_json_has(&object, "calibration")) {
        probe->calibration = p2p_json_path(&object, "calibration");
    }
    probe->trigger_ns = p2p_json_real_or(&object, "trigger_ns", TRIGGER_NS, 0);
    probe->timebase_ppm =
        p2p_json_real_or(&object, "timebase_ppm", TIMEBASE_PPM, probe->kind == P2P_PROBE_VIRTUAL ? 0 : CRYSTAL_PPM);
}

/* A real probe may stand alone; then there is nothing to boot. */
static bool is_probe_alone(const struct p2p_json_object *root, const struct p2p_probe_plan *probe)
{
    return (OF(probe->kind) & REAL_PROBES) != 0 && !p2p_json_has(root, "board") && !p2p_json_has(root, "stub") &&
           !p2p_json_has(root, "pins");
}

static void check_probe_fits(const struct p2p_json_object *root, const struct p2p_bench *bench)
{
    bool real_probe = (OF(bench->probe.kind) & REAL_PROBES) != 0;

    if (real_probe != p2p_bench_is_lab(bench)) {
        p2p_json_refuse(root, "probe", "a probe of kind \"%s\" cannot see the edges of a %s board",
                        PROBE_KINDS[bench->probe.kind], real_probe ? "virtual" : "real");
    }
}

static void read_bench(const struct p2p_json_object *root, const char *path, struct p2p_bench *bench)
{
    struct p2p_json_object timeouts;

    bench->path = p2p_json_copy(root, path);
    p2p_json_name(root, "name", bench->name, sizeof bench->name);
    read_probe(root, &bench->probe);
    if (is_probe_alone(root, &bench->probe)) {
        bench->board.kind = P2P_BOARD_NONE;
        p2p_lab_refuse_keys(root, LAB_KEYS, "a probe alone");
    } else {
        read_board(root, bench);
        bench->stub = p2p_json_path(root, "stub");
        read_pins(root, &bench->pins);
        check_probe_fits(root, bench);
    }
    timeouts = p2p_json_child_or_none(root, "timeouts", TIMEOUTS_KEYS);
    bench->timeouts.boot_s = (uint32_t)p2p_json_integer_or(&timeouts, "boot_s", TIMEOUT_S, 60);
    bench->timeouts.stall_s = (uint32_t)p2p_json_integer_or(&timeouts, "stall_s", TIMEOUT_S, 20);
}

struct p2p_bench *p2p_bench_load(const char *path, struct p2p_error *error)
{
    struct p2p_json_file *file = p2p_json_file_load(path, error);
    struct p2p_json_object root;
    struct p2p_bench *bench;

    if (file == NULL) {
        return NULL;
    }
    root = p2p_json_root(file, "pin2pin.bench", 1, BENCH_KEYS);
    bench = p2p_json_allocate(&root, 1, sizeof *bench);
    if (bench != NULL) {
        read_bench(&root, path, bench);
    }
    if (p2p_json_file_code(file) != P2P_OK) {
        p2p_bench_free(bench);
        bench = NULL;
    }
    p2p_json_file_free(file);
    return bench;
}

void p2p_bench_free(struct p2p_bench *bench)
{
    if (bench != NULL) {
        p2p_lab_plan_release(&bench->lab);
        free(bench->board.qemu);
        free(bench->board.wires);
        free(bench->stub);
        free(bench->probe.node);
        free(bench->probe.runner);
        free(bench->probe.image);
        free(bench->probe.serial);
        free(bench->probe.device);
        free(bench->probe.calibration);
        free(bench->path);
        free(bench);
    }
}
