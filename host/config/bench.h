/* SPDX-License-Identifier: MIT */
/* NAME.bench.json: how the bench is wired. Schema: docs/schema/bench.schema.json. */
#ifndef P2P_CONFIG_BENCH_H
#define P2P_CONFIG_BENCH_H

#include "config/lab_plan.h"
#include "config/plan.h"
#include "util/error.h"

#include <stdint.h>

enum p2p_board_kind {
    P2P_BOARD_QEMU_VIRT, /* "qemu-virt": qemu-system-aarch64 -M virt with the wires plugin */
    P2P_BOARD_UBOOT,     /* "uboot": a real board, booted through U-Boot on its console */
    P2P_BOARD_SCRIPT,    /* "script": a real board, booted by a program of the user's */
    P2P_BOARD_NONE,      /* left out: a probe alone, for `pin2pin probe` */
};

/* How stimuli reach the board. */
enum p2p_play {
    P2P_PLAY_SCHEDULE, /* many at once: fast, and exact as the board's clock plays them */
    P2P_PLAY_LOCKSTEP, /* one, look, the next: the virtual board stands still in between. Slower; same edges */
};

enum p2p_probe_kind {
    P2P_PROBE_IDEAL,   /* "ideal": the wires' own virtual timestamps, exact to the instruction */
    P2P_PROBE_VIRTUAL, /* "virtual": the probe's firmware in an emulated RP2040, on virtual time */
    P2P_PROBE_FTDI,    /* "ftdi": a probe behind an FT232H, by libftdi */
    P2P_PROBE_SERIAL,  /* "serial": a probe behind any serial port, by libserialport */
};

/* What stamps the edges. Strings are NULL, numbers 0, where the kind has no use for them. */
struct p2p_probe_plan {
    enum p2p_probe_kind kind;
    char *node;       /* virtual: program name looked up in PATH, or absolute path */
    char *runner;     /* virtual: fixtures/virtual-probe/main.js, absolute path */
    char *image;      /* virtual: the firmware's flat image, absolute path */
    uint32_t clk_hz;  /* virtual: of the image; divides 10^9 */
    double clock_ppm; /* virtual: by how much its clock is wrong, to 10^-6 ppm */
    char *serial;     /* ftdi: the chip's serial number; NULL: the only chip there is */
    char *device;     /* serial: as /dev/ttyUSB0, absolute path */
    uint32_t baud;    /* ftdi, serial */
    /* For the uncertainty budget (docs/uncertainty.md). */
    char *calibration;   /* absolute path of what `pin2pin probe calibrate` wrote, or NULL */
    double trigger_ns;   /* standard uncertainty of the threshold's crossing, both edges */
    double timebase_ppm; /* standard uncertainty of the clock's rate without calibration */
};

/* Pins of the board's GPIO block, 0..7 on the PL061; all different. */
struct p2p_pins {
    uint8_t stimulus; /* input: its rising edge interrupts the guest */
    uint8_t answer;   /* output: the stub toggles it on each interrupt */
    uint8_t query;    /* input: asks the stub to print its counters */
};

struct p2p_bench {
    char *path; /* as given by the user */
    char name[P2P_NAME_BYTES];
    struct {
        enum p2p_board_kind kind;
        char *qemu;          /* program name looked up in PATH, or absolute path */
        uint32_t gic;        /* 2 or 3 */
        uint32_t memory_mib; /* 512..4096 */
        char *wires;         /* the wires plugin, absolute path */
        enum p2p_play play;
    } board;
    struct p2p_lab_plan lab; /* all zero but on a lab bench: kinds "uboot" and "script" */
    char *stub;              /* guest stub's flat image, absolute path; NULL without a board */
    struct p2p_pins pins;
    struct p2p_probe_plan probe;
    struct {
        uint32_t boot_s;  /* wall-clock: power on to READY, 1..3600, default 60 */
        uint32_t stall_s; /* wall-clock: longest silence of the bench in a run, 1..3600, default 20 */
    } timeouts;
};

/* As in the file: "ideal", "virtual", ... */
const char *p2p_probe_kind_name(enum p2p_probe_kind kind);
const char *p2p_board_kind_name(enum p2p_board_kind kind); /* not of P2P_BOARD_NONE */

/* A real board: everything that only a lab bench has is there. */
bool p2p_bench_is_lab(const struct p2p_bench *bench);

/* As p2p_plan_load. Free with p2p_bench_free. */
struct p2p_bench *p2p_bench_load(const char *path, struct p2p_error *error);
void p2p_bench_free(struct p2p_bench *bench);

#endif
