/* SPDX-License-Identifier: MIT */
#include "ports/lab_clock.h"

#include "util/deadline.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
#define LOOK_NS  UINT64_C(20000000) /* a probe's stream keeps 30 ms */
#define SHY_NS   UINT64_C(200000)   /* a read, and what the session makes of it, may take this long */
#define SPIN_NS  UINT64_C(50000)    /* a sleeper wakes up this late; later on a busy computer without SCHED_FIFO */

enum { PRIORITY = 10, REFUSED_BYTES = 128 }; /* above all that is not real-time, below the kernel's interrupt threads */

struct p2p_lab_clock {
    uint64_t origin_ns;
    uint64_t last_ns; /* bench time as told last */
    int stop_fd;
    bool fifo, locked;
    char refused[REFUSED_BYTES];
    struct p2p_probe_device *device;
    struct p2p_stream_console *console;
    struct p2p_gpiod_stimulus *stimulus;
};

/* ---- Real time ---- */

static void refuse(struct p2p_lab_clock *clock, const char *what)
{
    size_t used = strlen(clock->refused);

    snprintf(clock->refused + used, sizeof clock->refused - used, "%s%s: %s", used > 0 ? "; " : "", what,
             strerror(errno));
}

static void ask_for_realtime(struct p2p_lab_clock *clock)
{
    const struct sched_param priority = {.sched_priority = PRIORITY};

    clock->fifo = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) == 0;
    if (!clock->fifo) {
        refuse(clock, "SCHED_FIFO");
    }
    /* Not MCL_FUTURE: beyond the limit each later allocation would fail. */
    clock->locked = mlockall(MCL_CURRENT) == 0;
    if (!clock->locked) {
        refuse(clock, "mlockall");
    }
}

struct p2p_lab_clock *p2p_lab_clock_new(int stop_fd, bool realtime)
{
    struct p2p_lab_clock *clock = calloc(1, sizeof *clock);

    if (clock == NULL) {
        return NULL;
    }
    clock->stop_fd = stop_fd;
    clock->origin_ns = (uint64_t)p2p_monotonic_ns();
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* 50 us by default, added to each sleep */
    if (realtime) {
        ask_for_realtime(clock);
    }
    return clock;
}

void p2p_lab_clock_free(struct p2p_lab_clock *clock)
{
    const struct sched_param none = {.sched_priority = 0};

    if (clock == NULL) {
        return;
    }
    if (clock->locked) {
        munlockall();
    }
    if (clock->fifo) {
        sched_setscheduler(0, SCHED_OTHER, &none);
    }
    prctl(PR_SET_TIMERSLACK, 0UL, 0UL, 0UL, 0UL); /* 0: the default */
    free(clock);
}

const char *p2p_lab_clock_refused(const struct p2p_lab_clock *clock)
{
    return clock->refused;
}

void p2p_lab_clock_attach(struct p2p_lab_clock *clock, struct p2p_probe_device *device,
                          struct p2p_stream_console *console, struct p2p_gpiod_stimulus *stimulus)
{
    clock->device = device;
    clock->console = console;
    clock->stimulus = stimulus;
}

/* ---- Time ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t p2p_lab_clock_real_ns(void *self)
{
    const struct p2p_lab_clock *clock = self;

    return (uint64_t)p2p_monotonic_ns() - clock->origin_ns;
}

static uint64_t next_asked_ns(const struct p2p_lab_clock *clock)
{
    return clock->stimulus == NULL ? UINT64_MAX : p2p_gpiod_stimulus_asked_ns(clock->stimulus);
}

static uint64_t next_due_ns(const struct p2p_lab_clock *clock)
{
    return clock->stimulus == NULL ? UINT64_MAX : p2p_gpiod_stimulus_due_ns(clock->stimulus);
}

static uint64_t now_ns(void *self)
{
    struct p2p_lab_clock *clock = self;
    uint64_t ns = least(p2p_lab_clock_real_ns(clock), next_asked_ns(clock));

    if (ns > clock->last_ns) { /* an edge may be asked for in the past, but time does not go back */
        clock->last_ns = ns;
    }
    return clock->last_ns;
}

/* ---- One turn: wait, hear, drive ---- */

/* What is polled in one turn: stop_fd, the probe's, the console's. */
struct turn {
    struct pollfd fds[1 + 2 * P2P_STREAM_FDS_MAX];
    size_t count;
    size_t probe_end; /* places of the probe's: from 1 to here */
};

static void prepare(const struct p2p_lab_clock *clock, bool shy, struct turn *turn)
{
    turn->fds[0] = (struct pollfd){.fd = clock->stop_fd, .events = POLLIN};
    turn->count = 1;
    if (!shy && clock->device != NULL) {
        turn->count += p2p_probe_device_poll_fds(clock->device, turn->fds + turn->count);
    }
    turn->probe_end = turn->count;
    if (!shy && clock->console != NULL) {
        turn->count += p2p_stream_console_poll_fds(clock->console, turn->fds + turn->count);
    }
}

static bool any_ready(const struct turn *turn, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        if (turn->fds[i].revents != 0) {
            return true;
        }
    }
    return false;
}

static enum p2p_code wait_until(struct p2p_lab_clock *clock, uint64_t until_ns, struct turn *turn,
                                struct p2p_error *error)
{
    uint64_t now = p2p_lab_clock_real_ns(clock);
    uint64_t left_ns = until_ns > now ? until_ns - now : 0;
    struct timespec left = {.tv_sec = (time_t)(left_ns / NS_PER_S), .tv_nsec = (long)(left_ns % NS_PER_S)};

    if (ppoll(turn->fds, turn->count, &left, NULL) < 0) {
        if (errno != EINTR) {
            return p2p_error_set_errno(error, P2P_E_HOST, errno, "cannot wait for the bench");
        }
        for (size_t i = 0; i < turn->count; i++) {
            turn->fds[i].revents = 0;
        }
    }
    return turn->fds[0].revents == 0 ? P2P_OK : p2p_error_set(error, P2P_E_INTERRUPTED, "interrupted");
}

static enum p2p_code drive_due(struct p2p_lab_clock *clock, uint64_t due_ns, struct p2p_error *error)
{
    if (due_ns > p2p_lab_clock_real_ns(clock) + SPIN_NS) {
        return P2P_OK;
    }
    while (p2p_lab_clock_real_ns(clock) < due_ns) { /* SPIN_NS at most */
    }
    return p2p_gpiod_stimulus_drive(clock->stimulus, error);
}

/* Until `until_ns` (real time), or the next edge, which it drives, or until somebody has something. */
static enum p2p_code turn_round(struct p2p_lab_clock *clock, uint64_t until_ns, bool *early, struct p2p_error *error)
{
    uint64_t due_ns = next_due_ns(clock);
    bool shy = due_ns <= p2p_lab_clock_real_ns(clock) + SHY_NS;
    struct turn turn;
    enum p2p_code code;

    prepare(clock, shy, &turn);
    code = wait_until(clock, least(until_ns, due_ns - least(due_ns, SPIN_NS)), &turn, error);
    if (code == P2P_OK && any_ready(&turn, 1, turn.probe_end)) {
        code = p2p_probe_device_tend(clock->device, error);
        *early = p2p_probe_device_full(clock->device);
    }
    *early = *early || any_ready(&turn, turn.probe_end, turn.count);
    return code == P2P_OK ? drive_due(clock, due_ns, error) : code;
}

static enum p2p_code advance(void *self, uint64_t until_ns, struct p2p_error *error)
{
    struct p2p_lab_clock *clock = self;
    uint64_t look_ns = p2p_lab_clock_real_ns(clock) + LOOK_NS;
    enum p2p_code code = P2P_OK;
    bool early = false;

    while (code == P2P_OK && !early && now_ns(clock) < until_ns && p2p_lab_clock_real_ns(clock) < look_ns) {
        /* While bench time stands, `until_ns` is no time to wake up at: it comes with the edge. */
        code = turn_round(clock, next_asked_ns(clock) < until_ns ? look_ns : least(until_ns, look_ns), &early, error);
    }
    return code;
}

struct p2p_clock p2p_lab_clock_port(struct p2p_lab_clock *clock)
{
    return (struct p2p_clock){.self = clock, .now_ns = now_ns, .advance = advance};
}
