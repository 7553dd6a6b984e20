/* SPDX-License-Identifier: MIT */
/* Every wait has a deadline, on CLOCK_MONOTONIC, and can be stopped from outside. */
#ifndef P2P_UTIL_DEADLINE_H
#define P2P_UTIL_DEADLINE_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

struct p2p_deadline {
    int64_t at_ns;
};

int64_t p2p_monotonic_ns(void);
struct p2p_deadline p2p_deadline_in_ms(int64_t ms);
/* Rounded up, so that a poll() for it never returns just before the deadline; 0 once it has passed. */
int p2p_deadline_left_ms(struct p2p_deadline deadline);

enum p2p_wait {
    P2P_WAIT_READY,   /* the descriptor has something, or its peer is gone */
    P2P_WAIT_TIMEOUT, /* the deadline passed */
    P2P_WAIT_STOPPED, /* `stop_fd` became readable: the user wants out */
    P2P_WAIT_FAILED,  /* poll() itself failed: errno */
};

enum { P2P_WAIT_FDS_MAX = 12 };

/*
 * Waits until one of `fds` (at most P2P_WAIT_FDS_MAX) has what its `events` ask for; which, their `revents` say.
 * `stop_fd` may be -1; it is looked at first.
 */
enum p2p_wait p2p_wait_fds(struct pollfd *fds, size_t count, int stop_fd, struct p2p_deadline deadline);
enum p2p_wait p2p_wait_fd(int fd, short events, int stop_fd, struct p2p_deadline deadline);

#endif
