/* SPDX-License-Identifier: MIT */
#include "util/deadline.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#define NS_PER_MS INT64_C(1000000)

int64_t p2p_monotonic_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

struct p2p_deadline p2p_deadline_in_ms(int64_t ms)
{
    return (struct p2p_deadline){.at_ns = p2p_monotonic_ns() + ms * NS_PER_MS};
}

int p2p_deadline_left_ms(struct p2p_deadline deadline)
{
    int64_t left_ns = deadline.at_ns - p2p_monotonic_ns();
    int64_t left_ms;

    if (left_ns <= 0) {
        return 0;
    }
    left_ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

enum p2p_wait p2p_wait_fds(struct pollfd *fds, size_t count, int stop_fd, struct p2p_deadline deadline)
{
    struct pollfd all[1 + P2P_WAIT_FDS_MAX] = {{.fd = stop_fd, .events = POLLIN}};

    memcpy(all + 1, fds, count * sizeof *fds);
    for (;;) {
        int left_ms = p2p_deadline_left_ms(deadline);
        int ready = poll(all, 1 + count, left_ms);

        if (ready < 0 && errno != EINTR) {
            return P2P_WAIT_FAILED;
        }
        if (ready > 0 && all[0].revents != 0) {
            return P2P_WAIT_STOPPED;
        }
        if (ready > 0) {
            memcpy(fds, all + 1, count * sizeof *fds);
            return P2P_WAIT_READY;
        }
        if (ready == 0 && left_ms == 0) {
            return P2P_WAIT_TIMEOUT;
        }
    }
}

enum p2p_wait p2p_wait_fd(int fd, short events, int stop_fd, struct p2p_deadline deadline)
{
    struct pollfd one = {.fd = fd, .events = events};

    return p2p_wait_fds(&one, 1, stop_fd, deadline);
}
