/* SPDX-License-Identifier: MIT */
/* The virtual probe's process, with a runner of ours: this very program, when it is started as one (fake_runner.h). */
#include "ports/virtual_probe.h"

#include "fake_probe.h"
#include "fake_runner.h"
#include "util/deadline.h"
#include "util/file.h"
#include "wires_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000 };

static bool no_memory;
static int sockets_left = -1;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_socketpair(int domain, int type, int protocol, int pair[2]);
int __wrap_socketpair(int domain, int type, int protocol, int pair[2]);

void *__wrap_calloc(size_t count, size_t size)
{
    return no_memory ? NULL : __real_calloc(count, size);
}

int __wrap_socketpair(int domain, int type, int protocol, int pair[2])
{
    if (sockets_left == 0) {
        errno = EMFILE;
        return -1;
    }
    sockets_left--;
    return __real_socketpair(domain, type, protocol, pair);
}

struct fixture {
    char folder[64], runner[80], image[80], node[32];
    struct p2p_probe_plan plan;
    struct p2p_virtual_probe_setup setup;
    struct p2p_virtual_probe *probe;
    struct p2p_byte_stream uart;
    struct p2p_error error;
    uint64_t open_before;
};

static struct fixture f;

/* Our descriptors below 64, as bits. */
static uint64_t open_fds(void)
{
    uint64_t open = 0;

    for (int fd = 0; fd < 64; fd++) {
        open |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
    }
    return open;
}

static bool put_file(const char *path)
{
    return p2p_write_file(path, "x", 1, &(struct p2p_error){0}) == P2P_OK;
}

static int set_up(void **state)
{
    static const char *const wiring[] = {"3=2", "4=3", NULL};

    (void)state;
    f = (struct fixture){.folder = "/tmp/p2p-test-probe-XXXXXX", .node = "/proc/self/exe"};
    if (mkdtemp(f.folder) == NULL || chdir(f.folder) != 0) {
        return -1;
    }
    snprintf(f.runner, sizeof f.runner, "%s/main.js", f.folder);
    snprintf(f.image, sizeof f.image, "%s/probe.bin", f.folder);
    f.plan = (struct p2p_probe_plan){.kind = P2P_PROBE_VIRTUAL,
                                     .node = f.node,
                                     .runner = f.runner,
                                     .image = f.image,
                                     .clk_hz = 125000000,
                                     .clock_ppm = -12.5};
    f.setup =
        (struct p2p_virtual_probe_setup){.plan = &f.plan, .wiring = wiring, .seed = 42, .stall_s = 10, .stop_fd = -1};
    unsetenv("FAKE_PROBE");
    setenv("FAKE_PROBE_ARGUMENTS", "probe-arguments", 1);
    no_memory = false;
    sockets_left = -1;
    f.open_before = open_fds();
    return put_file(f.runner) && put_file(f.image) ? 0 : -1;
}

static void stop(void)
{
    if (f.uart.self != NULL) {
        f.uart.close(f.uart.self);
    }
    f.uart.self = NULL;
    p2p_virtual_probe_stop(f.probe);
    f.probe = NULL;
}

/* Fails when a process or a descriptor is left behind. */
static int tear_down(void **state)
{
    (void)state;
    stop();
    unlink("probe-arguments");
    unlink(f.runner);
    unlink(f.image);
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD && open_fds() == f.open_before && chdir("/") == 0 &&
                   rmdir(f.folder) == 0
               ? 0
               : -1;
}

static void assert_error(enum p2p_code code, const char *expected)
{
    assert_int_equal(f.error.code, code);
    if (strstr(f.error.message, expected) == NULL) {
        fail_msg("\"%s\" in \"%s\"", expected, f.error.message);
    }
    f.error = (struct p2p_error){0};
}

static void start(void)
{
    f.probe = p2p_virtual_probe_start(&f.setup, &f.uart, &f.error);
    if (f.probe == NULL) {
        fail_msg("%s", f.error.message);
    }
}

static void assert_no_start(enum p2p_code code, const char *expected)
{
    assert_null(p2p_virtual_probe_start(&f.setup, &f.uart, &f.error));
    assert_error(code, expected);
    assert_int_equal(open_fds(), f.open_before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void assert_ok(enum p2p_code code)
{
    if (code != P2P_OK) {
        fail_msg("%s", f.error.message);
    }
}

static void assert_ready(void)
{
    struct pollfd one = {.fd = p2p_virtual_probe_fd(f.probe), .events = POLLIN};

    assert_int_equal(poll(&one, 1, PATIENCE_MS), 1);
}

static void run_until(uint64_t until_ns)
{
    assert_ok(p2p_virtual_probe_run(f.probe, until_ns, &f.error));
    assert_ready();
    assert_ok(p2p_virtual_probe_take(f.probe, &f.error));
}

/* ---- start ---- */

static void it_stands_at_0_after_the_start(void **state)
{
    (void)state;
    start();
    assert_int_equal(p2p_virtual_probe_now_ns(f.probe), 0);
    assert_int_equal(p2p_virtual_probe_until_ns(f.probe), 0);
    assert_false(p2p_virtual_probe_running(f.probe));
}

static void assert_arguments(const char *expected)
{
    char *text = NULL;
    size_t size;

    assert_ok(p2p_read_file("probe-arguments", 4096, &text, &size, &f.error));
    for (char *at = text; (at = strstr(at, "-fd\n")) != NULL;) { /* any number does */
        size_t digits = strspn(at += 4, "0123456789");

        assert_in_range(digits, 1, 4);
        *at = 'N';
        memmove(at + 1, at + digits, strlen(at + digits) + 1);
    }
    assert_string_equal(text, expected);
    free(text);
}

static void the_runner_is_told_all(void **state)
{
    char *expected = p2p_format("%s\n--image\n%s\n--edges-fd\nN\n--uart-fd\nN\n--clk-hz\n125000000\n"
                                "--ppm=-12.500000\n--seed\n42\n--line\n3=2\n--line\n4=3\n",
                                f.runner, f.image);

    (void)state;
    start();
    assert_arguments(expected);
    free(expected);
}

static void a_seed_has_15_digits_at_most(void **state)
{
    char *expected = p2p_format("%s\n--image\n%s\n--edges-fd\nN\n--uart-fd\nN\n--clk-hz\n200000000\n"
                                "--ppm=0.000001\n--seed\n744073709551615\n",
                                f.runner, f.image);
    static const char *const none[] = {NULL};

    (void)state;
    f.setup.seed = UINT64_MAX; /* 18446744073709551615 */
    f.setup.wiring = none;
    f.plan.clk_hz = 200000000;
    f.plan.clock_ppm = 0.000001;
    start();
    assert_arguments(expected);
    free(expected);
}

static void missing_files_are_told_before_the_start(void **state)
{
    (void)state;
    assert_ok(p2p_virtual_probe_check(&f.plan, &f.error));
    assert_int_equal(unlink(f.image), 0);
    assert_int_equal(p2p_virtual_probe_check(&f.plan, &f.error), P2P_E_INPUT);
    assert_error(P2P_E_INPUT,
                 "/probe.bin: the probe's firmware is not there; build it: ./lab build: No such file or directory");
    assert_int_equal(mkdir(f.image, 0755), 0);
    assert_int_equal(p2p_virtual_probe_check(&f.plan, &f.error), P2P_E_INPUT);
    assert_error(P2P_E_INPUT, "/probe.bin: expected a file; the probe's firmware is not there; build it: ./lab build");
    assert_int_equal(rmdir(f.image), 0);
    assert_int_equal(unlink(f.runner), 0);
    assert_int_equal(p2p_virtual_probe_check(&f.plan, &f.error), P2P_E_INPUT);
    assert_error(P2P_E_INPUT, "/main.js: the virtual probe's runner is not there (probe.runner): No such file");
}

static void a_missing_node_is_named(void **state)
{
    (void)state;
    snprintf(f.node, sizeof f.node, "p2p-no-node");
    assert_no_start(P2P_E_BENCH, "p2p-no-node: cannot run this program");
}

static void one_that_dies_at_once_has_the_last_word(void **state)
{
    int64_t before_ns = p2p_monotonic_ns();

    (void)state;
    setenv("FAKE_PROBE", "die at once", 1);
    assert_no_start(P2P_E_BENCH, "the virtual probe is gone: its process ended in mid-run: exit code 3: "
                                 "TypeError: x is undefined|    at main.js:1");
    assert_true(p2p_monotonic_ns() - before_ns < INT64_C(5000000000)); /* noticed, not waited for */
}

static void one_that_says_nothing_is_told_too(void **state)
{
    (void)state;
    snprintf(f.node, sizeof f.node, "true");
    assert_no_start(P2P_E_BENCH, "its process ended in mid-run: exit code 0: it printed nothing");
}

static void a_fault_at_once_is_told_in_its_words(void **state)
{
    (void)state;
    setenv("FAKE_PROBE", "fault at once", 1);
    assert_null(p2p_virtual_probe_start(&f.setup, &f.uart, &f.error));
    assert_string_equal(f.error.message, "the virtual probe: the image is empty");
}

static void another_version_is_refused(void **state)
{
    (void)state;
    setenv("FAKE_PROBE", "another version", 1);
    assert_no_start(P2P_E_BENCH, "the virtual probe speaks version 2 of the wires, expected 1");
}

static void hello_comes_first(void **state)
{
    (void)state;
    setenv("FAKE_PROBE", "no hello", 1);
    assert_no_start(P2P_E_BENCH, "the virtual probe: a frame of type 0x83; HELLO comes first");
}

static void it_has_to_begin_at_0(void **state)
{
    (void)state;
    setenv("FAKE_PROBE", "late start", 1);
    assert_no_start(P2P_E_BENCH, "the virtual probe stands at 5 ns, expected it to run until 0 ns");
}

static void one_that_never_pauses_is_given_up(void **state)
{
    int64_t before_ns = p2p_monotonic_ns();

    (void)state;
    f.setup.stall_s = 1;
    setenv("FAKE_PROBE", "no pause", 1);
    assert_no_start(P2P_E_BENCH, "the virtual probe made no progress for 1 s (timeouts.stall_s)");
    assert_true(p2p_monotonic_ns() - before_ns >= 1000000000);
}

static void stop_interrupts_the_start(void **state)
{
    int stop_pipe[2];

    (void)state;
    assert_int_equal(pipe2(stop_pipe, O_CLOEXEC), 0);
    assert_int_equal(write(stop_pipe[1], "x", 1), 1);
    f.setup.stop_fd = stop_pipe[0];
    setenv("FAKE_PROBE", "no pause", 1);
    assert_null(p2p_virtual_probe_start(&f.setup, &f.uart, &f.error));
    assert_error(P2P_E_INTERRUPTED, "interrupted");
    close(stop_pipe[0]);
    close(stop_pipe[1]);
}

static void without_memory_or_descriptors_nothing_starts(void **state)
{
    (void)state;
    no_memory = true;
    assert_no_start(P2P_E_HOST, "out of memory");
    no_memory = false;
    for (int sockets = 0; sockets < 2; sockets++) {
        sockets_left = sockets;
        assert_no_start(P2P_E_HOST, "the virtual probe: socketpair: Too many open files");
    }
    p2p_virtual_probe_stop(NULL);
}

/* ---- runs ---- */

static void a_run_is_not_waited_for(void **state)
{
    (void)state;
    start();
    assert_ok(p2p_virtual_probe_run(f.probe, 1000, &f.error));
    assert_true(p2p_virtual_probe_running(f.probe));
    assert_int_equal(p2p_virtual_probe_now_ns(f.probe), 0);
    assert_int_equal(p2p_virtual_probe_until_ns(f.probe), 1000);
    assert_ready();
    assert_ok(p2p_virtual_probe_take(f.probe, &f.error));
    assert_false(p2p_virtual_probe_running(f.probe));
    assert_int_equal(p2p_virtual_probe_now_ns(f.probe), 1000);
    assert_int_equal(p2p_virtual_probe_until_ns(f.probe), 1000);
    run_until(1000);
    run_until(5000);
    assert_int_equal(p2p_virtual_probe_now_ns(f.probe), 5000);
}

/* Through the UART's stream and back: the firmware's HELLO, an ARM, two edges of wired lines. */
static void its_uart_speaks_of_what_it_was_shown(void **state)
{
    const struct wires_record records[] = {
        {.at_ns = 1500, .line = 3, .level = 1}, {.at_ns = 1600, .line = 7, .level = 1}, {.at_ns = 1999, .line = 4}};
    struct probe_message command = {.type = PROBE_ARM, .arm_mask = 3}, message;
    struct probe_decoder decoder = {0};
    uint8_t wire[PROBE_WIRE_MAX], bytes[1024];
    unsigned hellos = 0, edges = 0;
    size_t count;

    (void)state;
    start();
    run_until(1000);
    assert_ok(f.uart.write(f.uart.self, wire, probe_encode(&command, wire), &f.error));
    assert_ok(p2p_virtual_probe_see(f.probe, records, 3, &f.error));
    run_until(2000);
    assert_ok(f.uart.read(f.uart.self, bytes, sizeof bytes, &count, &f.error));
    for (size_t i = 0; i < count; i++) {
        if (probe_decoder_feed(&decoder, bytes[i], &message) != PROBE_FOUND_MESSAGE) {
            continue;
        }
        hellos += message.type == PROBE_HELLO;
        if (message.type == PROBE_EVENTS) {
            assert_int_equal(message.events.count, 2);
            assert_int_equal(message.events.event[0].ticks, 1500);
            assert_int_equal(message.events.event[0].what, PROBE_WHAT_LEVEL);
            assert_int_equal(message.events.event[1].ticks, 1999);
            assert_int_equal(message.events.event[1].what, 1);
            edges += message.events.count;
        }
    }
    assert_int_equal(hellos, 1);
    assert_int_equal(edges, 2);
}

static void a_full_frame_of_edges_is_one_frame(void **state)
{
    static struct wires_record records[WIRES_RECORDS_MAX];

    (void)state;
    start();
    for (size_t i = 0; i < WIRES_RECORDS_MAX; i++) {
        records[i] = (struct wires_record){.at_ns = i, .line = 3, .level = i % 2 == 0};
    }
    assert_ok(p2p_virtual_probe_see(f.probe, records, WIRES_RECORDS_MAX, &f.error));
    run_until(5000);
}

static void assert_no_run(const char *order, const char *expected)
{
    setenv("FAKE_PROBE", order, 1);
    start();
    assert_ok(p2p_virtual_probe_run(f.probe, 1000, &f.error));
    assert_int_equal(p2p_virtual_probe_take(f.probe, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, expected);
    assert_true(p2p_virtual_probe_running(f.probe));
}

static void one_that_dies_in_a_run_has_the_last_word(void **state)
{
    (void)state;
    assert_no_run("die in run", "the virtual probe is gone: its process ended in mid-run: exit code 3: TypeError: x");
    assert_int_equal(p2p_virtual_probe_take(f.probe, &f.error), P2P_E_BENCH); /* and stays dead */
    assert_error(P2P_E_BENCH, "TypeError: x");
    assert_int_equal(p2p_virtual_probe_run(f.probe, 2000, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "TypeError: x");
    assert_int_equal(p2p_virtual_probe_see(f.probe, &(struct wires_record){.at_ns = 3000}, 1, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "TypeError: x");
}

static void await_death(void)
{
    siginfo_t info;

    assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
}

static void a_fault_in_a_run_is_told_in_its_words(void **state)
{
    (void)state;
    assert_no_run("fault in run", "the virtual probe: no such pin");
    await_death();
    assert_int_equal(p2p_virtual_probe_run(f.probe, 2000, &f.error), P2P_E_BENCH); /* told once */
    assert_error(P2P_E_BENCH, "the virtual probe is gone: its process ended in mid-run: exit code 1: it printed");
}

static void a_stalled_run_is_given_up(void **state)
{
    (void)state;
    f.setup.stall_s = 3; /* its start has to fit too, on a busy computer */
    assert_no_run("hang in run", "the virtual probe made no progress for 3 s (timeouts.stall_s)");
}

/* Else it would be sent there again and again. */
static void a_run_that_ends_too_soon_is_refused(void **state)
{
    (void)state;
    assert_no_run("short run", "the virtual probe stands at 999 ns, expected it to run until 1000 ns");
}

static void a_fault_that_nobody_has_read_is_found(void **state)
{
    (void)state;
    start();
    assert_ok(p2p_virtual_probe_see(f.probe, &(struct wires_record){.at_ns = 3000, .line = 99}, 1, &f.error));
    await_death();
    assert_int_equal(p2p_virtual_probe_run(f.probe, 4000, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "the virtual probe: an edge at 3000 ns");
}

/* ---- what is seen at its UART ---- */

static void what_is_seen_at_the_uart_gets_the_last_words(void **state)
{
    const struct p2p_error cause = {.code = P2P_E_BENCH, .message = "its socket is closed"};

    (void)state;
    setenv("FAKE_PROBE", "die in run", 1);
    start();
    assert_ok(p2p_virtual_probe_run(f.probe, 1000, &f.error));
    assert_int_equal(p2p_virtual_probe_explain(f.probe, &cause, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "its socket is closed: exit code 3: TypeError: x is undefined|    at main.js:1");
    stop();
    setenv("FAKE_PROBE", "fault in run", 1);
    start();
    assert_ok(p2p_virtual_probe_run(f.probe, 1000, &f.error));
    assert_int_equal(p2p_virtual_probe_explain(f.probe, &cause, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "the virtual probe: no such pin; its socket is closed");
}

static void a_probe_that_lives_has_no_last_words(void **state)
{
    const struct p2p_error cause = {.code = P2P_E_BENCH, .message = "edges were lost"};
    const struct p2p_error wish = {.code = P2P_E_INTERRUPTED, .message = "interrupted"};

    (void)state;
    start();
    assert_int_equal(p2p_virtual_probe_explain(f.probe, &cause, &f.error), P2P_E_BENCH);
    assert_string_equal(f.error.message, "edges were lost");
    f.error = (struct p2p_error){0};
    assert_int_equal(p2p_virtual_probe_explain(f.probe, &wish, &f.error), P2P_E_INTERRUPTED);
    assert_string_equal(f.error.message, "interrupted");
    f.error = (struct p2p_error){0};
    run_until(1000);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(it_stands_at_0_after_the_start),
        IN_A_FOLDER(the_runner_is_told_all),
        IN_A_FOLDER(a_seed_has_15_digits_at_most),
        IN_A_FOLDER(missing_files_are_told_before_the_start),
        IN_A_FOLDER(a_missing_node_is_named),
        IN_A_FOLDER(one_that_dies_at_once_has_the_last_word),
        IN_A_FOLDER(one_that_says_nothing_is_told_too),
        IN_A_FOLDER(a_fault_at_once_is_told_in_its_words),
        IN_A_FOLDER(another_version_is_refused),
        IN_A_FOLDER(hello_comes_first),
        IN_A_FOLDER(it_has_to_begin_at_0),
        IN_A_FOLDER(one_that_never_pauses_is_given_up),
        IN_A_FOLDER(stop_interrupts_the_start),
        IN_A_FOLDER(without_memory_or_descriptors_nothing_starts),
        IN_A_FOLDER(a_run_is_not_waited_for),
        IN_A_FOLDER(its_uart_speaks_of_what_it_was_shown),
        IN_A_FOLDER(a_full_frame_of_edges_is_one_frame),
        IN_A_FOLDER(one_that_dies_in_a_run_has_the_last_word),
        IN_A_FOLDER(a_fault_in_a_run_is_told_in_its_words),
        IN_A_FOLDER(a_stalled_run_is_given_up),
        IN_A_FOLDER(a_run_that_ends_too_soon_is_refused),
        IN_A_FOLDER(a_fault_that_nobody_has_read_is_found),
        IN_A_FOLDER(what_is_seen_at_the_uart_gets_the_last_words),
        IN_A_FOLDER(a_probe_that_lives_has_no_last_words),
    };

    return argc > 2 && fake_runner_is_meant(argv) ? fake_runner(argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
