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

static const struct p2p_json_key BENCH_KEYS[] = {
    {"schema", "what kind of file this is"},
    {"version", "the version of the file's form"},
    {"name", "the bench's name in reports"},
    {"board", "the board under test"},
    {"stub", "the path of the guest stub's image"},
    {"pins", "the pins of the board's GPIO block"},
    {"probe", "what stamps the edges"},
    {"timeouts", "how long to wait for the bench"},
    {NULL, NULL},
};

static const struct p2p_json_key BOARD_KEYS[] = {
    {"kind", "the kind of board"},
    {"gic", "the version of the board's interrupt controller"},
    {"qemu", "the QEMU program"},
    {"memory_mib", "the board's memory"},
    {"wires", "the path of the wires plugin"},
    {"play", "how stimuli reach the board"},
    {NULL, NULL},
};

static const struct p2p_json_key PINS_KEYS[] = {
    {"stimulus", "the input that interrupts the guest"},
    {"answer", "the output that the guest toggles"},
    {"query", "the input that asks the guest for its counters"},
    {NULL, NULL},
};

static const struct p2p_json_key PROBE_KEYS[] = {
    {"kind", "the kind of probe"},
    {NULL, NULL},
};

static const struct p2p_json_key TIMEOUTS_KEYS[] = {
    {"boot_s", "from power on to the guest's READY"},
    {"stall_s", "longest silence of the bench in a run"},
    {NULL, NULL},
};

static const char *const BOARD_KINDS[] = {[P2P_BOARD_QEMU_VIRT] = "qemu-virt", NULL};
static const char *const PLAYS[] = {[P2P_PLAY_SCHEDULE] = "schedule", [P2P_PLAY_LOCKSTEP] = "lockstep", NULL};
static const char *const PROBE_KINDS[] = {[P2P_PROBE_IDEAL] = "ideal", NULL};

/* A bare name is looked up in PATH; with a slash in it, it is a path like any other in the file. */
static char *read_program(const struct p2p_json_object *object, const char *key, const char *fallback)
{
    const char *program = p2p_json_string_or(object, key, fallback);

    return strchr(program, '/') == NULL ? p2p_json_copy(object, program) : p2p_json_path(object, key);
}

static void read_board(const struct p2p_json_object *root, struct p2p_bench *bench)
{
    struct p2p_json_object object = p2p_json_child(root, "board", BOARD_KEYS);

    bench->board.kind = (enum p2p_board_kind)p2p_json_choice(&object, "kind", BOARD_KINDS);
    bench->board.gic = (uint32_t)p2p_json_integer(&object, "gic", GIC);
    bench->board.qemu = read_program(&object, "qemu", "qemu-system-aarch64");
    bench->board.memory_mib = (uint32_t)p2p_json_integer_or(&object, "memory_mib", MEMORY_MIB, 1024);
    bench->board.wires = p2p_json_path(&object, "wires");
    bench->board.play = (enum p2p_play)p2p_json_choice_or(&object, "play", PLAYS, P2P_PLAY_SCHEDULE);
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

static void read_bench(const struct p2p_json_object *root, const char *path, struct p2p_bench *bench)
{
    struct p2p_json_object probe;
    struct p2p_json_object timeouts;

    bench->path = p2p_json_copy(root, path);
    p2p_json_name(root, "name", bench->name, sizeof bench->name);
    read_board(root, bench);
    bench->stub = p2p_json_path(root, "stub");
    read_pins(root, &bench->pins);
    probe = p2p_json_child(root, "probe", PROBE_KEYS);
    bench->probe = (enum p2p_probe_kind)p2p_json_choice(&probe, "kind", PROBE_KINDS);
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
        free(bench->board.qemu);
        free(bench->board.wires);
        free(bench->stub);
        free(bench->path);
        free(bench);
    }
}
