/* SPDX-License-Identifier: MIT */
/*
 * The parts of a lab bench, replaced at link time (WRAP in CMakeLists.txt): GPIO lines, programs, serial ports, U-Boot.
 * Each notes what it is asked for, and one can be told to fail. Console and probe are real from the byte stream up.
 */
#ifndef P2P_TESTS_BOARD_FAKE_LAB_H
#define P2P_TESTS_BOARD_FAKE_LAB_H

#include "../ports/fake_probe.h"
#include "board/uboot.h"
#include "ports/gpiod_power.h"
#include "ports/gpiod_stimulus.h"
#include "ports/power_command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FAKE_LAB_DIARY_BYTES = 2048, FAKE_LAB_TEXT_BYTES = 64, FAKE_LAB_CONSOLE_BYTES = 256 };

/* A line as it was opened; the plan's strings need not outlive that. */
struct fake_lab_line {
    char place[FAKE_LAB_TEXT_BYTES], chip[FAKE_LAB_TEXT_BYTES], line[FAKE_LAB_TEXT_BYTES]; /* "": NULL */
    uint32_t offset;
    bool active_low;
};

struct fake_lab {
    /*
     * Words, each with a space behind it. What is opened "x+" is closed "x-": clock, relay, command, stimulus, serial
     * (the console's port), probe. "attach" with d, c, s for device, console and stimulus, if not NULL. "restart",
     * "stop": the stimulus. "on", "off": the power. "rest:N": N ms are waited. "ask": the board is typed to. "uboot";
     * "script": any program that is run.
     */
    char diary[FAKE_LAB_DIARY_BYTES];
    int open_parts;    /* 0: all that were opened are closed again */
    const char *fails; /* this word; NULL: none. Besides: "serial-read"; "rest": the user wants out */
    enum p2p_code code;
    bool stays_on;    /* what power_check says */
    unsigned answers; /* to so many queries; "query" stands in the diary for each */
    bool at_prompt;   /* the board echoes what is typed */
    int64_t wall_ms;  /* for deadlines; passes in a rest only */
    uint64_t time_ns; /* of the bench; passes in `advance` only, which goes by stop_fd, too */

    /* As they were asked for. */
    struct fake_lab_line relay, stimulus, query;
    uint32_t settle_ms;
    struct p2p_power_command_setup command;
    uint64_t apart_ns, late_ns;
    char console[FAKE_LAB_TEXT_BYTES]; /* DEVICE BAUD */
    bool realtime;
    int stop_fd; /* of all who got one */
    const struct p2p_probe_plan *probe_plan;

    struct p2p_achieved achieved;
    uint64_t now_ns; /* of the probe's device */
    struct fake_probe probe;
    char says[FAKE_LAB_CONSOLE_BYTES]; /* on the console, in one read */
    /* In these the test looks at what it likes. */
    void (*on_uboot)(const struct p2p_uboot_plan *plan, const char *configuration, const struct p2p_boot_files *files,
                     const struct p2p_console *console, const struct p2p_clock *clock);
    void (*on_script)(const struct p2p_command *command, const struct p2p_placeholder *placeholders, size_t count);
};

extern struct fake_lab fake_lab;

void fake_lab_reset(void);
#endif
