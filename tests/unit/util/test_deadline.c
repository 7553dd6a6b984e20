/* SPDX-License-Identifier: MIT */
#include "util/deadline.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#define NS_PER_MS INT64_C(1000000)

struct pipes {
    int in[2], stop[2];
};

static int set_up(void **state)
{
    static struct pipes pipes;

    *state = &pipes;
    return pipe(pipes.in) == 0 && pipe(pipes.stop) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    struct pipes *pipes = *state;

    for (int i = 0; i < 2; i++) {
        close(pipes->in[i]);
        close(pipes->stop[i]);
    }
    return 0;
}

static void say(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static void what_is_left_is_rounded_up_and_never_negative(void **state)
{
    struct p2p_deadline soon = {.at_ns = p2p_monotonic_ns() + 200 * NS_PER_MS + 1};
    int left_ms = p2p_deadline_left_ms(soon);

    (void)state;
    assert_in_range(left_ms, 100, 201);
    while (p2p_monotonic_ns() < soon.at_ns) {
        assert_true(p2p_deadline_left_ms(soon) > 0 || p2p_monotonic_ns() >= soon.at_ns);
    }
    assert_int_equal(p2p_deadline_left_ms(soon), 0);
    assert_int_equal(p2p_deadline_left_ms((struct p2p_deadline){.at_ns = 0}), 0);
    assert_int_equal(p2p_deadline_left_ms((struct p2p_deadline){.at_ns = INT64_MAX}), INT_MAX);
}

static void a_deadline_lies_in_the_future(void **state)
{
    int64_t before_ns = p2p_monotonic_ns();
    struct p2p_deadline deadline = p2p_deadline_in_ms(5000);

    (void)state;
    assert_true(deadline.at_ns - before_ns >= 5000 * NS_PER_MS);
    assert_true(deadline.at_ns - p2p_monotonic_ns() <= 5000 * NS_PER_MS);
}

static void silence_ends_at_the_deadline_and_not_before(void **state)
{
    const struct pipes *pipes = *state;
    struct p2p_deadline deadline = p2p_deadline_in_ms(30);

    assert_int_equal(p2p_wait_fd(pipes->in[0], POLLIN, pipes->stop[0], deadline), P2P_WAIT_TIMEOUT);
    assert_true(p2p_monotonic_ns() >= deadline.at_ns);
    assert_int_equal(p2p_wait_fd(pipes->in[0], POLLIN, -1, deadline), P2P_WAIT_TIMEOUT);
}

static void a_passed_deadline_still_looks(void **state)
{
    const struct pipes *pipes = *state;

    say(pipes->in[1]);
    assert_int_equal(p2p_wait_fd(pipes->in[0], POLLIN, -1, p2p_deadline_in_ms(-5)), P2P_WAIT_READY);
}

static void the_stop_comes_before_the_bytes(void **state)
{
    const struct pipes *pipes = *state;

    say(pipes->in[1]);
    assert_int_equal(p2p_wait_fd(pipes->in[0], POLLIN, pipes->stop[0], p2p_deadline_in_ms(0)), P2P_WAIT_READY);
    say(pipes->stop[1]);
    assert_int_equal(p2p_wait_fd(pipes->in[0], POLLIN, pipes->stop[0], p2p_deadline_in_ms(1000)), P2P_WAIT_STOPPED);
}

static void which_descriptor_is_ready_is_told(void **state)
{
    const struct pipes *pipes = *state;
    struct pollfd fds[P2P_WAIT_FDS_MAX];

    for (int i = 0; i < P2P_WAIT_FDS_MAX; i++) {
        fds[i] = (struct pollfd){.fd = i % 2 == 0 ? pipes->stop[0] : -1, .events = POLLIN};
    }
    fds[P2P_WAIT_FDS_MAX - 1].fd = pipes->in[0];
    say(pipes->in[1]);
    assert_int_equal(p2p_wait_fds(fds, P2P_WAIT_FDS_MAX, -1, p2p_deadline_in_ms(1000)), P2P_WAIT_READY);
    for (int i = 0; i < P2P_WAIT_FDS_MAX - 1; i++) {
        assert_int_equal(fds[i].revents, 0);
    }
    assert_int_equal(fds[P2P_WAIT_FDS_MAX - 1].revents, POLLIN);
}

static void a_peer_that_is_gone_is_ready(void **state)
{
    struct pipes *pipes = *state;

    close(pipes->in[1]);
    pipes->in[1] = -1;
    assert_int_equal(p2p_wait_fd(pipes->in[0], POLLIN, -1, p2p_deadline_in_ms(1000)), P2P_WAIT_READY);
}

static volatile sig_atomic_t ticks;

static void tick(int number)
{
    (void)number;
    ticks = ticks + 1;
}

/* Signals must neither end the wait nor start its time afresh. */
static void signals_do_not_change_the_deadline(void **state)
{
    const struct pipes *pipes = *state;
    struct sigaction action = {.sa_handler = tick};
    struct itimerval every_4_ms = {.it_interval = {.tv_usec = 4000}, .it_value = {.tv_usec = 4000}};
    struct p2p_deadline deadline = p2p_deadline_in_ms(60);
    enum p2p_wait outcome;

    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &every_4_ms, NULL), 0);
    outcome = p2p_wait_fd(pipes->in[0], POLLIN, pipes->stop[0], deadline);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    assert_int_equal(outcome, P2P_WAIT_TIMEOUT);
    assert_true(p2p_monotonic_ns() >= deadline.at_ns);
    assert_true(p2p_monotonic_ns() < deadline.at_ns + 5000 * NS_PER_MS);
    assert_true(ticks >= 2);
}

int __real_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);

static int poll_errno;

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    errno = poll_errno;
    return poll_errno != 0 ? -1 : __real_poll(fds, count, timeout_ms);
}

static void a_poll_that_fails_is_told_with_its_errno(void **state)
{
    const struct pipes *pipes = *state;
    enum p2p_wait outcome;

    poll_errno = ENOMEM;
    outcome = p2p_wait_fd(pipes->in[0], POLLIN, -1, p2p_deadline_in_ms(1000));
    assert_int_equal(errno, ENOMEM);
    poll_errno = 0;
    assert_int_equal(outcome, P2P_WAIT_FAILED);
}

#define WITH_PIPES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_rounded_up_and_never_negative),
        cmocka_unit_test(a_deadline_lies_in_the_future),
        WITH_PIPES(silence_ends_at_the_deadline_and_not_before),
        WITH_PIPES(a_passed_deadline_still_looks),
        WITH_PIPES(the_stop_comes_before_the_bytes),
        WITH_PIPES(which_descriptor_is_ready_is_told),
        WITH_PIPES(a_peer_that_is_gone_is_ready),
        WITH_PIPES(signals_do_not_change_the_deadline),
        WITH_PIPES(a_poll_that_fails_is_told_with_its_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
