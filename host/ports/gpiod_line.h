/* SPDX-License-Identifier: MIT */
/*
 * One output line of a GPIO chip of this computer, by libgpiod. It is opened inactive and left inactive: that is the
 * safe level, and `active_low` says which voltage it is.
 */
#ifndef P2P_PORTS_GPIOD_LINE_H
#define P2P_PORTS_GPIOD_LINE_H

#include "config/lab_plan.h"
#include "util/error.h"

#include <stdbool.h>
#include <stdint.h>

/* From the bench file; strings are borrowed, and needed only while the line is opened. */
struct p2p_line_plan {
    const char *place; /* where the bench file has it, for messages: "lab.bench.json: $.stimulus" */
    const char *chip;  /* its label, its name as "gpiochip0", or its path */
    const char *line;  /* the line's name; NULL: `offset` says which */
    uint32_t offset;
    bool active_low;
};

enum { P2P_PLACE_BYTES = 256 };

/* That of a bench file's `line`, which it borrows as well as `place`: "PATH: $.KEY". */
struct p2p_line_plan p2p_line_plan_of(const struct p2p_lab_line *line, const char *path, const char *key,
                                      char place[P2P_PLACE_BYTES]);

struct p2p_gpiod_line;

/*
 * The line gets its level in the same step as its direction, so that one that stood there sees no edge. Until it is
 * closed nobody else can take it. P2P_E_BENCH: no such chip, or several of that label; no permission; another
 * program holds the line. P2P_E_INPUT: the chip has no such line, or several of that name. NULL: see `error`. Free with
 * p2p_gpiod_line_close.
 */
struct p2p_gpiod_line *p2p_gpiod_line_open(const struct p2p_line_plan *plan, struct p2p_error *error);

/* Drives it inactive and gives it back; nearly all chips keep the level then. `line` may be NULL. */
void p2p_gpiod_line_close(struct p2p_gpiod_line *line);

/* Never waits longer than the chip's driver does: well below 1 us to some 10 us on an SoC, 1 ms and more behind USB. */
enum p2p_code p2p_gpiod_line_set(const struct p2p_gpiod_line *line, bool active, struct p2p_error *error);

/*
 * Reads the line back. P2P_E_BENCH: it has the other level: shorted, or driven by something else. Chips whose driver
 * reads back the register, not the pin, never tell.
 */
enum p2p_code p2p_gpiod_line_check(const struct p2p_gpiod_line *line, bool active, struct p2p_error *error);

#endif
