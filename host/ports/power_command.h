/* SPDX-License-Identifier: MIT */
/*
 * Programs of the user's: one that switches the board's power, one that boots it. Each is an argument list, never a
 * shell's line; in an argument {name} stands for what we know by that name.
 */
#ifndef P2P_PORTS_POWER_COMMAND_H
#define P2P_PORTS_POWER_COMMAND_H

#include "ports/ports.h"

#include <stddef.h>
#include <stdint.h>

enum { P2P_COMMAND_TIMEOUT_S = 10, P2P_COMMAND_ARGUMENTS_MAX = 64 };

/* From the bench file; borrowed. */
struct p2p_command {
    const char *what;             /* for messages: "power on" */
    const char *const *arguments; /* the program first, looked up in PATH; ends with NULL */
    uint32_t timeout_s;
};

struct p2p_placeholder {
    const char *name; /* without its braces: "configuration" */
    const char *value;
};

/*
 * Runs it to its end; what it has left running in its process group is killed then. Braces around anything but [a-z_]+
 * stand for themselves. P2P_E_INPUT: a placeholder that is not among `placeholders`. P2P_E_BENCH: it can't be run,
 * takes too long (then it is killed), or its exit code is not 0. P2P_E_INTERRUPTED: `stop_fd` (may be -1) became
 * readable; it is killed.
 */
enum p2p_code p2p_command_run(const struct p2p_command *command, const struct p2p_placeholder *placeholders,
                              size_t placeholder_count, int stop_fd, struct p2p_error *error);

struct p2p_power_command_setup {
    struct p2p_command on;
    struct p2p_command off;
    int stop_fd; /* borrowed; ends a wait for `on`. `off` is never interrupted */
};

struct p2p_power_command;

/* NULL: out of memory. _free switches off first. */
struct p2p_power_command *p2p_power_command_new(const struct p2p_power_command_setup *setup);
void p2p_power_command_free(struct p2p_power_command *power);

/*
 * `on` knows {configuration}. It switches off first unless we did already: a run that was killed may have left the
 * board on, and a boot begins without power. `off` after `on` runs whether or not that succeeded; when the board is off
 * already, it does nothing.
 */
struct p2p_power p2p_power_command_port(struct p2p_power_command *power);

/*
 * p2p_power.off has no answer, so its failure stands here until an `off` succeeds: "the board may still be on: ...".
 * To be asked after each boot: the run is then a bench fault, for the next boot, too, would find it on. P2P_OK: none.
 */
enum p2p_code p2p_power_command_check(const struct p2p_power_command *power, struct p2p_error *error);

#endif
