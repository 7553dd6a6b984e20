/* SPDX-License-Identifier: MIT */
/*
 * The clock with the real stimulus on a fake chip. Time is the test's: a look at it takes 100 ns, sleeping takes what
 * was asked for and what the test adds.
 */
#include "fake_gpiod.h"
#include "ports/lab_clock.h"
#include "util/deadline.h"
#include "util/prng.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include <cmocka.h>

#define NS_PER_MS  UINT64_C(1000000)
#define NEVER      UINT64_MAX
#define START_NS   UINT64_C(5000000000) /* CLOCK_MONOTONIC when the clock is made */
#define TOLERANCE  UINT64_C(2000)       /* some looks at the time */
#define APART_NS   UINT64_C(150000)
#define PERIOD_NS  UINT64_C(1000000)
#define WIDTH_NS   UINT64_C(50000)
#define LOOK_LIMIT (20 * NS_PER_MS)

enum { STOP_FD = 5, PROBE_FD = 10, CONSOLE_FD = 20 };

static struct {
    uint64_t now_ns;
    uint64_t oversleep_ns;
    uint64_t stop_at_ns, probe_at_ns, console_at_ns; /* from then on it is readable */
    int poll_errno;                                  /* of the next ppoll */
    unsigned polls, port_polls, naps;                /* naps: sleeps of less than 1 us */
    uint64_t tend_ns;                                /* what it takes */
    uint64_t probe_every_ns;                         /* after a tend it is readable again; 0: never */
    unsigned tends;
    enum p2p_code tend_code;
    bool full;
    int sched_errno, mlock_errno;
    int policy, priority;
    bool locked;
    unsigned long slack;
} bench;

int64_t __wrap_p2p_monotonic_ns(void);
int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *signals);
enum p2p_code __wrap_p2p_probe_device_tend(struct p2p_probe_device *device, struct p2p_error *error);
bool __wrap_p2p_probe_device_full(const struct p2p_probe_device *device);
size_t __wrap_p2p_probe_device_poll_fds(const struct p2p_probe_device *device, struct pollfd *fds);
size_t __wrap_p2p_stream_console_poll_fds(const struct p2p_stream_console *console, struct pollfd *fds);
int __wrap_sched_setscheduler(pid_t pid, int policy, const struct sched_param *priority);
int __wrap_mlockall(int flags);
int __wrap_munlockall(void);
int __wrap_prctl(int option, ...);

int64_t __wrap_p2p_monotonic_ns(void)
{
    bench.now_ns += 100;
    return (int64_t)bench.now_ns;
}

static uint64_t ready_at_ns(int fd)
{
    switch (fd) {
    case STOP_FD:
        return bench.stop_at_ns;
    case PROBE_FD:
        return bench.probe_at_ns;
    case CONSOLE_FD:
        return bench.console_at_ns;
    default:
        return NEVER;
    }
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *signals)
{
    uint64_t left_ns = (uint64_t)timeout->tv_sec * 1000 * NS_PER_MS + (uint64_t)timeout->tv_nsec;
    uint64_t end_ns = bench.now_ns + left_ns + (left_ns > 0 ? bench.oversleep_ns : 0);
    int ready = 0;

    assert_null(signals);
    assert_true(count >= 1 && timeout->tv_nsec < 1000000000);
    assert_true(left_ns <= LOOK_LIMIT);
    bench.polls++;
    bench.port_polls += count > 1;
    bench.naps += left_ns < 1000;
    if (bench.poll_errno != 0) {
        errno = bench.poll_errno;
        bench.poll_errno = 0;
        return -1;
    }
    for (nfds_t i = 0; i < count; i++) {
        end_ns = ready_at_ns(fds[i].fd) < end_ns ? ready_at_ns(fds[i].fd) : end_ns;
    }
    bench.now_ns = end_ns > bench.now_ns ? end_ns : bench.now_ns;
    for (nfds_t i = 0; i < count; i++) {
        assert_int_equal(fds[i].events, POLLIN);
        fds[i].revents = ready_at_ns(fds[i].fd) <= bench.now_ns ? POLLIN : 0;
        ready += fds[i].revents != 0;
    }
    return ready;
}

enum p2p_code __wrap_p2p_probe_device_tend(struct p2p_probe_device *device, struct p2p_error *error)
{
    assert_ptr_equal(device, &bench);
    bench.tends++;
    bench.now_ns += bench.tend_ns;
    bench.probe_at_ns = bench.probe_every_ns == 0 ? NEVER : bench.now_ns + bench.probe_every_ns;
    return bench.tend_code == P2P_OK ? P2P_OK : p2p_error_set(error, bench.tend_code, "the probe fell silent");
}

bool __wrap_p2p_probe_device_full(const struct p2p_probe_device *device)
{
    assert_ptr_equal(device, &bench);
    return bench.full;
}

size_t __wrap_p2p_probe_device_poll_fds(const struct p2p_probe_device *device, struct pollfd *fds)
{
    assert_ptr_equal(device, &bench);
    fds[0] = (struct pollfd){.fd = PROBE_FD + 1, .events = POLLIN}; /* never has anything */
    fds[1] = (struct pollfd){.fd = PROBE_FD, .events = POLLIN};
    return 2;
}

size_t __wrap_p2p_stream_console_poll_fds(const struct p2p_stream_console *console, struct pollfd *fds)
{
    assert_ptr_equal(console, &bench);
    fds[0] = (struct pollfd){.fd = CONSOLE_FD, .events = POLLIN};
    return 1;
}

int __wrap_sched_setscheduler(pid_t pid, int policy, const struct sched_param *priority)
{
    assert_int_equal(pid, 0);
    if (bench.sched_errno != 0) {
        errno = bench.sched_errno;
        return -1;
    }
    bench.policy = policy;
    bench.priority = priority->sched_priority;
    return 0;
}

int __wrap_mlockall(int flags)
{
    assert_int_equal(flags, MCL_CURRENT);
    if (bench.mlock_errno != 0) {
        errno = bench.mlock_errno;
        return -1;
    }
    bench.locked = true;
    return 0;
}

int __wrap_munlockall(void)
{
    bench.locked = false;
    return 0;
}

int __wrap_prctl(int option, ...)
{
    va_list arguments;

    assert_int_equal(option, PR_SET_TIMERSLACK);
    va_start(arguments, option);
    bench.slack = va_arg(arguments, unsigned long);
    va_end(arguments);
    return 0;
}

/* ---- The fixture ---- */

static struct {
    struct p2p_lab_clock *clock;
    struct p2p_clock port;
    struct p2p_gpiod_stimulus *stimulus;
} f;

/* Since the clock was made, as everything below. */
static uint64_t real_ns(void)
{
    return bench.now_ns - START_NS;
}

static uint64_t bench_ns(void)
{
    return f.port.now_ns(f.port.self);
}

static int set_up(void **state)
{
    struct p2p_gpiod_stimulus_setup setup = {.stimulus = {.place = "stimulus", .chip = "pl061", .offset = 0},
                                             .query = {.place = "query", .chip = "pl061", .offset = 1},
                                             .apart_ns = APART_NS,
                                             .late_ns = PERIOD_NS,
                                             .now_ns = p2p_lab_clock_real_ns};
    struct p2p_error error = {0};
    void *ports = &bench;

    (void)state;
    fake_gpiod_reset();
    fake_gpiod.now_ns = real_ns;
    memset(&bench, 0, sizeof bench);
    bench.now_ns = START_NS - 100;
    bench.stop_at_ns = bench.probe_at_ns = bench.console_at_ns = NEVER;
    f.clock = p2p_lab_clock_new(STOP_FD, false);
    assert_non_null(f.clock);
    f.port = p2p_lab_clock_port(f.clock);
    setup.clock = f.clock;
    f.stimulus = p2p_gpiod_stimulus_open(&setup, &error);
    assert_non_null(f.stimulus);
    p2p_lab_clock_attach(f.clock, ports, ports, f.stimulus);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    p2p_gpiod_stimulus_close(f.stimulus);
    p2p_lab_clock_free(f.clock);
    assert_int_equal(bench.slack, 0);
    fake_gpiod_check_all_given_back();
    return 0;
}

static enum p2p_code advance(uint64_t until_ns, struct p2p_error *error)
{
    uint64_t before_ns = real_ns();
    enum p2p_code code = f.port.advance(f.port.self, until_ns, error);

    assert_true(real_ns() - before_ns < LOOK_LIMIT + bench.oversleep_ns + bench.tend_ns + TOLERANCE + APART_NS);
    return code;
}

static void advance_well(uint64_t until_ns)
{
    struct p2p_error error = {0};

    assert_int_equal(advance(until_ns, &error), P2P_OK);
}

/* As a session lets time pass. */
static void pass_until(uint64_t until_ns)
{
    for (unsigned turns = 0; bench_ns() < until_ns; turns++) {
        assert_true(turns < 100000);
        advance_well(until_ns);
        bench.console_at_ns = bench.console_at_ns <= bench.now_ns ? NEVER : bench.console_at_ns; /* read */
    }
}

static void queue(uint64_t at_ns, enum p2p_line line, uint8_t level)
{
    struct p2p_stimulus port = p2p_gpiod_stimulus_port(f.stimulus);
    const struct p2p_drive drive = {.at_ns = at_ns, .line = (uint8_t)line, .level = level};
    struct p2p_error error = {0};

    assert_int_equal(port.play(port.self, &drive, 1, &error), P2P_OK);
}

static void queue_pulse(uint64_t at_ns)
{
    queue(at_ns, P2P_LINE_STIMULUS, 1);
    queue(at_ns + WIDTH_NS, P2P_LINE_STIMULUS, 0);
}

static void assert_about(uint64_t found_ns, uint64_t expected_ns)
{
    assert_in_range(found_ns, expected_ns, expected_ns + TOLERANCE);
}

/* ---- Tests ---- */

static void time_passes_in_pieces_of_20_ms(void **state)
{
    (void)state;
    assert_about(bench_ns(), 0);
    advance_well(3 * NS_PER_MS);
    assert_about(bench_ns(), 3 * NS_PER_MS);
    advance_well(100 * NS_PER_MS);
    assert_about(bench_ns(), 23 * NS_PER_MS);
    advance_well(NS_PER_MS); /* has passed already */
    assert_about(bench_ns(), 23 * NS_PER_MS);
    p2p_lab_clock_attach(f.clock, NULL, NULL, NULL);
    advance_well(25 * NS_PER_MS);
    assert_about(bench_ns(), 25 * NS_PER_MS);
    assert_int_equal(bench.polls, 3);
}

/* A sleeper that wakes up late by less than the 50 us of spinning is in time. */
static void edges_are_driven_to_the_time(void **state)
{
    (void)state;
    bench.oversleep_ns = 49000;
    for (uint64_t i = 1; i <= 10; i++) {
        queue_pulse(i * PERIOD_NS);
    }
    pass_until(11 * PERIOD_NS);
    assert_int_equal(fake_gpiod.change_count, 20);
    for (uint64_t i = 0; i < 20; i++) {
        assert_about(fake_gpiod.changes[i].at_ns, (i / 2 + 1) * PERIOD_NS + i % 2 * WIDTH_NS);
        assert_int_equal(fake_gpiod.changes[i].high, i % 2 == 0);
    }
    assert_true(p2p_gpiod_stimulus_achieved(f.stimulus).max_late_ns < TOLERANCE);
}

static void a_late_sleeper_is_told_in_the_achieved_schedule(void **state)
{
    (void)state;
    bench.oversleep_ns = 80000;
    queue_pulse(PERIOD_NS);
    pass_until(2 * PERIOD_NS);
    assert_about(fake_gpiod.changes[0].at_ns, PERIOD_NS + 30000);
    assert_about(p2p_gpiod_stimulus_achieved(f.stimulus).max_late_ns, 30000);
}

static void a_console_with_something_to_say_is_read_first(void **state)
{
    (void)state;
    bench.console_at_ns = START_NS + 3 * NS_PER_MS;
    queue_pulse(5 * NS_PER_MS);
    advance_well(10 * NS_PER_MS);
    assert_about(bench_ns(), 3 * NS_PER_MS);
    assert_int_equal(fake_gpiod.change_count, 0);
}

static void shortly_before_an_edge_nobody_is_heard(void **state)
{
    (void)state;
    queue(5 * NS_PER_MS, P2P_LINE_STIMULUS, 1);
    advance_well(5 * NS_PER_MS - 190000);
    bench.console_at_ns = bench.probe_at_ns = START_NS + 5 * NS_PER_MS - 180000;
    bench.port_polls = 0;
    advance_well(10 * NS_PER_MS);
    assert_int_equal(fake_gpiod.change_count, 1);
    assert_about(fake_gpiod.changes[0].at_ns, 5 * NS_PER_MS);
    assert_int_equal(bench.port_polls, 1); /* after it */
    assert_int_equal(bench.tends, 1);
    assert_about(bench_ns(), 5 * NS_PER_MS);
}

static void what_the_probe_sends_is_taken_in_while_time_passes(void **state)
{
    (void)state;
    bench.probe_at_ns = START_NS;
    bench.probe_every_ns = NS_PER_MS;
    advance_well(10 * NS_PER_MS + NS_PER_MS / 2);
    assert_in_range(bench.tends, 10, 11);
    assert_about(bench_ns(), 10 * NS_PER_MS + NS_PER_MS / 2);
    bench.full = true;
    advance_well(20 * NS_PER_MS);
    assert_true(bench_ns() < 12 * NS_PER_MS);
}

static void a_failed_probe_is_told(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    bench.probe_at_ns = START_NS + NS_PER_MS;
    bench.tend_code = P2P_E_BENCH;
    assert_int_equal(advance(10 * NS_PER_MS, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the probe fell silent");
    assert_about(real_ns(), NS_PER_MS);
}

static void the_user_can_stop_it_at_any_time(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    bench.stop_at_ns = START_NS + NS_PER_MS;
    assert_int_equal(advance(10 * NS_PER_MS, &error), P2P_E_INTERRUPTED);
    assert_string_equal(error.message, "interrupted");
    assert_about(real_ns(), NS_PER_MS);
    queue_pulse(NS_PER_MS / 2); /* overdue, and so is the next */
    queue_pulse(NS_PER_MS);
    assert_int_equal(advance(10 * NS_PER_MS, &error), P2P_E_INTERRUPTED);
    assert_int_equal(fake_gpiod.change_count, 0);
}

static void a_signal_ends_no_wait(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    bench.console_at_ns = START_NS + 3 * NS_PER_MS;
    bench.poll_errno = EINTR;
    advance_well(10 * NS_PER_MS);
    assert_about(bench_ns(), 3 * NS_PER_MS);
    assert_int_equal(bench.polls, 2);
    bench.poll_errno = EINVAL;
    assert_int_equal(advance(10 * NS_PER_MS, &error), P2P_E_HOST);
    assert_string_equal(error.message, "cannot wait for the bench: Invalid argument");
}

static void an_edge_that_cannot_be_driven_is_told(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    queue_pulse(NS_PER_MS);
    fake_gpiod.sets_fail_in = 1;
    assert_int_equal(advance(10 * NS_PER_MS, &error), P2P_E_BENCH);
    assert_string_equal(error.message,
                        "stimulus: line 0 of GPIO chip \"pl061\": cannot drive it active: Input/output error");
}

/* This computer stood still for 5 ms, in which three stimuli were due. */
static void bench_time_stands_until_late_edges_are_played(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 3; i++) {
        queue_pulse(i * PERIOD_NS);
    }
    bench.now_ns += 5 * NS_PER_MS;
    assert_int_equal(bench_ns(), PERIOD_NS);
    pass_until(4 * PERIOD_NS);
    assert_int_equal(fake_gpiod.change_count, 6);
    assert_about(fake_gpiod.changes[0].at_ns, 5 * NS_PER_MS);
    assert_about(fake_gpiod.changes[2].at_ns, 5 * NS_PER_MS + APART_NS);
    assert_about(fake_gpiod.changes[4].at_ns, fake_gpiod.changes[2].at_ns + APART_NS);
    assert_about(fake_gpiod.changes[5].at_ns, fake_gpiod.changes[4].at_ns + WIDTH_NS);
    assert_about(bench_ns(), real_ns());
    assert_int_equal(p2p_gpiod_stimulus_achieved(f.stimulus).late, 3);
}

static void while_bench_time_stands_it_sleeps(void **state)
{
    (void)state;
    queue_pulse(PERIOD_NS);
    queue_pulse(2 * PERIOD_NS);
    bench.now_ns += 5 * NS_PER_MS;
    bench.naps = 0;
    pass_until(3 * PERIOD_NS);
    assert_int_equal(fake_gpiod.change_count, 4);
    assert_true(bench.naps <= 4); /* a look at the ports for each edge */
}

static void bench_time_never_goes_back(void **state)
{
    (void)state;
    advance_well(3 * NS_PER_MS);
    queue_pulse(2 * NS_PER_MS);
    assert_about(bench_ns(), 3 * NS_PER_MS);
    pass_until(4 * NS_PER_MS);
    assert_int_equal(fake_gpiod.change_count, 2);
    assert_about(fake_gpiod.changes[0].at_ns, 3 * NS_PER_MS);
}

static void edges_that_never_end_do_not_keep_ports_unread(void **state)
{
    const uint64_t period_ns = 120000; /* always shortly before an edge */

    (void)state;
    for (uint64_t i = 1; i <= 1000; i++) {
        queue(i * period_ns, P2P_LINE_QUERY, i % 2);
    }
    bench.console_at_ns = START_NS;
    advance_well(1001 * period_ns);
    assert_in_range(bench_ns(), 19 * NS_PER_MS, 21 * NS_PER_MS);
    pass_until(1001 * period_ns);
    assert_int_equal(fake_gpiod.change_count, 1000);
}

/* Late sleeps, long reads, a talkative console: every edge is played, in order, and none before its time. */
static void any_schedule_is_played(void **state)
{
    enum { STIMULI = 500 };
    uint64_t seed = (uint64_t)time(NULL), asked_ns[STIMULI], at_ns = NS_PER_MS;
    struct p2p_prng prng;

    (void)state;
    print_message("seed %" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (size_t i = 0; i < STIMULI; i++) {
        asked_ns[i] = at_ns += APART_NS + p2p_prng_below(&prng, PERIOD_NS);
        queue_pulse(at_ns);
    }
    bench.probe_at_ns = START_NS;
    bench.probe_every_ns = 300000;
    for (size_t i = 0; i < STIMULI; i++) {
        bench.oversleep_ns = p2p_prng_below(&prng, 4) == 0 ? p2p_prng_below(&prng, 3 * PERIOD_NS) : 1000;
        bench.tend_ns = p2p_prng_below(&prng, 100000);
        bench.console_at_ns = p2p_prng_below(&prng, 2) == 0 ? bench.now_ns + p2p_prng_below(&prng, PERIOD_NS) : NEVER;
        pass_until(asked_ns[i] + 1);
        assert_true(fake_gpiod.change_count >= 2 * i + 1);
    }
    bench.oversleep_ns = 0;
    pass_until(at_ns + WIDTH_NS + 1);
    assert_int_equal(fake_gpiod.change_count, 2 * STIMULI);
    for (size_t i = 0; i < STIMULI; i++) {
        assert_true(fake_gpiod.changes[2 * i].at_ns >= asked_ns[i]);
        assert_true(fake_gpiod.changes[2 * i].high && !fake_gpiod.changes[2 * i + 1].high);
    }
    assert_int_equal(p2p_gpiod_stimulus_achieved(f.stimulus).stimuli, STIMULI);
}

static void real_time_is_asked_for_and_given_back(void **state)
{
    struct p2p_lab_clock *clock = p2p_lab_clock_new(-1, true);

    (void)state;
    assert_int_equal(bench.policy, SCHED_FIFO | SCHED_RESET_ON_FORK);
    assert_int_equal(bench.priority, 10);
    assert_true(bench.locked);
    assert_int_equal(bench.slack, 1);
    assert_string_equal(p2p_lab_clock_refused(clock), "");
    p2p_lab_clock_free(clock);
    assert_int_equal(bench.policy, SCHED_OTHER);
    assert_int_equal(bench.priority, 0);
    assert_false(bench.locked);
    assert_int_equal(bench.slack, 0);
}

static void without_being_asked_nothing_is_real_time(void **state)
{
    (void)state;
    bench.policy = FAKE_NEVER;
    p2p_lab_clock_free(p2p_lab_clock_new(-1, false));
    assert_int_equal(bench.policy, FAKE_NEVER);
    assert_false(bench.locked);
    p2p_lab_clock_free(NULL);
}

static void what_is_refused_is_said_and_not_given_back(void **state)
{
    struct p2p_lab_clock *clock;

    (void)state;
    bench.policy = FAKE_NEVER;
    bench.sched_errno = EPERM;
    bench.mlock_errno = ENOMEM;
    clock = p2p_lab_clock_new(-1, true);
    assert_string_equal(p2p_lab_clock_refused(clock),
                        "SCHED_FIFO: Operation not permitted; mlockall: Cannot allocate memory");
    bench.sched_errno = 0;
    bench.locked = true;
    p2p_lab_clock_free(clock);
    assert_int_equal(bench.policy, FAKE_NEVER);
    assert_true(bench.locked);
}

static void no_memory_is_told(void **state)
{
    (void)state;
    fake_gpiod.allocations_fail_in = 1;
    assert_null(p2p_lab_clock_new(-1, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(time_passes_in_pieces_of_20_ms, set_up, tear_down),
        cmocka_unit_test_setup_teardown(edges_are_driven_to_the_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_late_sleeper_is_told_in_the_achieved_schedule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_console_with_something_to_say_is_read_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shortly_before_an_edge_nobody_is_heard, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_probe_sends_is_taken_in_while_time_passes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_probe_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_user_can_stop_it_at_any_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_ends_no_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_edge_that_cannot_be_driven_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bench_time_stands_until_late_edges_are_played, set_up, tear_down),
        cmocka_unit_test_setup_teardown(while_bench_time_stands_it_sleeps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bench_time_never_goes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(edges_that_never_end_do_not_keep_ports_unread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_schedule_is_played, set_up, tear_down),
        cmocka_unit_test_setup_teardown(real_time_is_asked_for_and_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_being_asked_nothing_is_real_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_refused_is_said_and_not_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_memory_is_told, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
