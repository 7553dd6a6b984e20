/* SPDX-License-Identifier: MIT */
/* A child process that can't outlive us: it is killed when stopped, and by the kernel when we die (PR_SET_PDEATHSIG).
 */
#ifndef P2P_UTIL_PROCESS_H
#define P2P_UTIL_PROCESS_H

#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>

struct p2p_process;

/*
 * Starts argv[0] (looked up in PATH) in a process group of its own, so that a Ctrl-C reaches only us; stdin is
 * /dev/null, its output is kept for p2p_process_complaint. Of our descriptors it gets only `fds[0..fd_count)`, under
 * the same numbers. NULL: see `error` (P2P_E_BENCH, naming the program, if it can't be run).
 */
struct p2p_process *p2p_process_start(const char *const argv[], const int fds[], size_t fd_count,
                                      struct p2p_error *error);

/* Waits up to `ms`. True once it has ended. */
bool p2p_process_ended(struct p2p_process *process, int ms);

/* In words, e.g. "exit code 1" or "killed by signal 9"; "still running" before it has ended. */
void p2p_process_describe(const struct p2p_process *process, char *text, size_t bytes);

/* The last `bytes` - 1 bytes of what it printed, line breaks as "|", what is not printable as "?". */
void p2p_process_complaint(const struct p2p_process *process, char *text, size_t bytes);

/* Kills it if it still runs, reaps it, frees. `process` may be NULL. */
void p2p_process_stop(struct p2p_process *process);

#endif
