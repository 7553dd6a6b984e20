/* SPDX-License-Identifier: MIT */
/*
 * The virtual bench's ports, with a QEMU and a runner of ours: this very program, when it is started as one
 * (fake_qemu.h, ../ports/fake_runner.h). Replaced at link time: calloc (no memory).
 */
#include "board/virtual_bench.h"

#include "bench_folder.h"
#include "calibration/calibration_file.h"
#include "fake_probe.h"
#include "fake_qemu.h"
#include "fake_runner.h"
#include "util/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NS_PER_MS UINT64_C(1000000)

enum { STEP_MS = 10, PATIENCE_MS = 5000, EDGES_MAX = 64 };

static unsigned callocs_left = UINT32_MAX;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return callocs_left-- == 0 ? NULL : __real_calloc(count, size);
}

static struct bench_folder f;
static struct p2p_virtual_bench *bench;
static struct p2p_ports ports;

static int set_up(void **state)
{
    (void)state;
    bench = NULL;
    return bench_folder_make(&f) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    p2p_virtual_bench_close(bench);
    return bench_folder_remove(&f) ? 0 : -1;
}

static void assert_error(enum p2p_code code, const char *part)
{
    bench_folder_assert_error(&f, code, part);
}

static void assert_ok(enum p2p_code code)
{
    if (code != P2P_OK) {
        fail_msg("%s", f.error.message);
    }
}

static void open_bench(enum p2p_probe_kind kind, int stop_fd)
{
    f.bench.probe.kind = kind;
    bench = p2p_virtual_bench_open(&f.bench, stop_fd, &f.error);
    if (bench == NULL) {
        fail_msg("%s", f.error.message);
    }
    ports = p2p_virtual_bench_ports(bench);
}

static void assert_no_bench(enum p2p_code code, const char *part)
{
    f.error = (struct p2p_error){0};
    assert_null(p2p_virtual_bench_open(&f.bench, -1, &f.error));
    assert_error(code, part);
}

static enum p2p_code try_power(uint64_t seed)
{
    return ports.power.on(ports.power.self, &f.native, seed, &f.error);
}

static void power_on(void)
{
    assert_ok(try_power(7));
}

static void assert_no_power(enum p2p_code code, const char *part)
{
    uint64_t open = bench_folder_open_fds();

    f.error = (struct p2p_error){0};
    assert_int_equal(try_power(7), code);
    assert_error(code, part);
    assert_int_equal(bench_folder_open_fds(), open);
}

static enum p2p_code advance(uint64_t until_ns)
{
    return ports.clock.advance(ports.clock.self, until_ns, &f.error);
}

static uint64_t now_ns(void)
{
    return ports.clock.now_ns(ports.clock.self);
}

static size_t read_console(char bytes[16])
{
    size_t count = SIZE_MAX;

    assert_ok(ports.console.read(ports.console.self, bytes, 16, &count, &f.error));
    return count;
}

static size_t read_edges(const struct p2p_probe *probe, struct p2p_edge *edges)
{
    size_t count = SIZE_MAX;

    assert_ok(probe->read(probe->self, edges, EDGES_MAX, &count, &f.error));
    return count;
}

static void pass_until(uint64_t until_ns)
{
    char bytes[16];

    while (now_ns() < until_ns) {
        assert_ok(advance(until_ns));
        (void)read_console(bytes);
    }
    assert_int_equal(now_ns(), until_ns);
}

static void settle(enum p2p_probe_request request)
{
    uint64_t end_ns = now_ns() + PATIENCE_MS * NS_PER_MS;

    assert_ok(ports.probe.request(ports.probe.self, request, &f.error));
    while (!ports.probe.settled(ports.probe.self)) {
        assert_true(now_ns() < end_ns);
        pass_until(now_ns() + STEP_MS * NS_PER_MS);
        if (request == P2P_PROBE_IDENTIFY) {
            assert_ok(ports.probe.request(ports.probe.self, request, &f.error));
        }
    }
}

/* Three stimuli, a millisecond apart. Returns the time of the first. */
static uint64_t play(void)
{
    struct p2p_drive drives[6];
    uint64_t first_ns = now_ns() + 2 * NS_PER_MS;

    for (unsigned i = 0; i < 6; i++) {
        drives[i] = (struct p2p_drive){.at_ns = first_ns + i / 2 * NS_PER_MS + i % 2 * UINT64_C(50000),
                                       .line = P2P_LINE_STIMULUS,
                                       .level = i % 2 == 0};
    }
    assert_ok(ports.stimulus.play(ports.stimulus.self, drives, 6, &f.error));
    pass_until(first_ns + 5 * NS_PER_MS);
    return first_ns;
}

static void assert_edge(const struct p2p_edge *edge, uint64_t ticks, enum p2p_channel channel, uint8_t level)
{
    assert_int_equal(edge->ticks, ticks);
    assert_int_equal(edge->channel, channel);
    assert_int_equal(edge->level, level);
}

static void assert_played(const struct p2p_edge *edges, size_t count, uint64_t first_ns)
{
    assert_int_equal(count, 9);
    for (size_t i = 0; i < 3; i++) {
        uint64_t at_ns = first_ns + i * NS_PER_MS;

        assert_edge(&edges[3 * i], at_ns, P2P_CHANNEL_STIMULUS, 1);
        assert_edge(&edges[3 * i + 1], at_ns + FAKE_QEMU_ANSWER_NS, P2P_CHANNEL_ANSWER, i % 2 == 0);
        assert_edge(&edges[3 * i + 2], at_ns + 50000, P2P_CHANNEL_STIMULUS, 0);
    }
}

/* ---- with the ideal probe ---- */

static void an_ideal_probe_needs_no_runner(void **state)
{
    (void)state;
    assert_int_equal(unlink(f.runner), 0);
    assert_int_equal(unlink(f.image), 0);
    open_bench(P2P_PROBE_IDEAL, -1);
    assert_int_equal(ports.time_base, P2P_TIME_INSTRUCTIONS);
    assert_null(ports.truth.read); /* it is the truth itself */
    assert_string_equal(ports.probe.info(ports.probe.self)->name, "ideal");
}

static void the_ports_work_while_the_power_is_on(void **state)
{
    uint64_t open;
    char bytes[16];

    (void)state;
    open_bench(P2P_PROBE_IDEAL, -1);
    open = bench_folder_open_fds();
    for (int boot = 0; boot < 2; boot++) {
        power_on();
        assert_int_equal(now_ns(), 0);
        assert_ok(advance(700)); /* the console first */
        assert_int_equal(read_console(bytes), 6);
        assert_memory_equal(bytes, "hello\n", 6);
        assert_ok(advance(700));
        assert_int_equal(now_ns(), 700);
        ports.power.off(ports.power.self);
        ports.power.off(ports.power.self);
        assert_int_equal(bench_folder_open_fds(), open);
    }
    assert_int_equal(access("probe-arguments", F_OK), -1); /* no runner was started */
    assert_int_equal(advance(900), P2P_E_BENCH);
}

static void the_ideal_probe_sees_all(void **state)
{
    struct p2p_edge edges[EDGES_MAX];
    uint64_t first_ns;

    (void)state;
    open_bench(P2P_PROBE_IDEAL, -1);
    power_on();
    for (int request = P2P_PROBE_IDENTIFY; request <= P2P_PROBE_ARM; request++) {
        settle((enum p2p_probe_request)request);
        assert_int_equal(now_ns(), 0);
    }
    first_ns = play();
    assert_played(edges, read_edges(&ports.probe, edges), first_ns);
}

static void power_on_ends_the_boot_before(void **state)
{
    uint64_t open;

    (void)state;
    open_bench(P2P_PROBE_VIRTUAL, -1);
    power_on();
    open = bench_folder_open_fds();
    power_on();
    assert_int_equal(bench_folder_open_fds(), open);
}

static void a_qemu_that_does_not_start_has_the_last_word(void **state)
{
    (void)state;
    open_bench(P2P_PROBE_VIRTUAL, -1);
    setenv("FAKE_QEMU", "die at once", 1);
    assert_no_power(P2P_E_BENCH, "the virtual board did not start: QEMU: exit code 1: qemu: no such luck|qemu: sorry");
}

static void assert_qemu_dies(enum p2p_probe_kind kind)
{
    char bytes[16];

    open_bench(kind, -1);
    setenv("FAKE_QEMU", "die in mid-run", 1);
    power_on();
    for (int i = 0; i < 10 && f.error.code == P2P_OK; i++) { /* the console's end comes first, or not */
        if (advance(700) == P2P_OK) {
            (void)read_console(bytes);
        }
    }
    assert_error(P2P_E_BENCH, "the virtual board is gone: its process ended in mid-run: QEMU: exit code 1: "
                              "qemu: no such luck|qemu: sorry");
}

static void a_qemu_that_dies_in_mid_run_has_the_last_word(void **state)
{
    (void)state;
    assert_qemu_dies(P2P_PROBE_IDEAL);
}

static void a_qemu_that_dies_beside_its_probe_has_the_last_word(void **state)
{
    (void)state;
    assert_qemu_dies(P2P_PROBE_VIRTUAL);
}

static void stop_interrupts_a_run(void **state)
{
    int stop[2];

    (void)state;
    assert_int_equal(pipe2(stop, O_CLOEXEC), 0);
    open_bench(P2P_PROBE_IDEAL, stop[0]);
    setenv("FAKE_QEMU", "hang", 1);
    power_on();
    assert_int_equal(write(stop[1], "x", 1), 1);
    assert_int_equal(advance(700), P2P_E_INTERRUPTED);
    f.error = (struct p2p_error){0};
    assert_int_equal(try_power(7), P2P_E_INTERRUPTED);
    assert_error(P2P_E_INTERRUPTED, "interrupted");
    p2p_virtual_bench_close(bench);
    bench = NULL;
    close(stop[0]);
    close(stop[1]);
}

static void no_memory_is_told_and_nothing_left(void **state)
{
    unsigned calls = 0;

    (void)state;
    f.bench.probe.kind = P2P_PROBE_VIRTUAL;
    for (bool done = false; !done; calls++) {
        f.error = (struct p2p_error){0};
        callocs_left = calls;
        bench = p2p_virtual_bench_open(&f.bench, -1, &f.error);
        done = callocs_left < UINT32_MAX - 1000; /* not one of them failed */
        callocs_left = UINT32_MAX;
        assert_true(done == (bench != NULL));
        assert_true(done || f.error.code == P2P_E_HOST);
        assert_true(done || bench_folder_open_fds() == f.open_before);
    }
    assert_in_range(calls, 4, 20);
    p2p_virtual_bench_close(NULL);
}

/* ---- with the virtual probe ---- */

static void what_is_missing_is_told_before_any_boot(void **state)
{
    (void)state;
    f.bench.probe.kind = P2P_PROBE_VIRTUAL;
    assert_int_equal(unlink(f.image), 0);
    assert_no_bench(P2P_E_INPUT, "probe.bin: the probe's firmware is not there; build it: ./lab build");
    assert_int_equal(unlink(f.runner), 0);
    assert_no_bench(P2P_E_INPUT, "main.js: the virtual probe's runner is not there (probe.runner)");
    assert_int_equal(unlink(f.stub), 0);
    f.bench.probe.kind = P2P_PROBE_IDEAL;
    assert_no_bench(P2P_E_INPUT, "stub.bin: the guest stub is not there");
}

static void both_probes_see_the_same(void **state)
{
    struct p2p_edge edges[EDGES_MAX];
    const struct p2p_probe_info *info;
    uint64_t first_ns;

    (void)state;
    open_bench(P2P_PROBE_VIRTUAL, -1);
    assert_int_equal(ports.time_base, P2P_TIME_INSTRUCTIONS);
    assert_string_equal(ports.truth.info(ports.truth.self)->name, "ideal");
    for (int boot = 0; boot < 2; boot++) {
        power_on();
        assert_null(ports.probe.info(ports.probe.self));
        settle(P2P_PROBE_IDENTIFY);
        info = ports.probe.info(ports.probe.self);
        assert_string_equal(info->name, "virtual");
        assert_string_equal(info->serial, "e660583883123456");
        assert_true(info->uncertainty.quantisation_ns > 0);
        settle(P2P_PROBE_ARM);
        first_ns = play();
        settle(P2P_PROBE_SYNC);
        assert_played(edges, read_edges(&ports.probe, edges), first_ns);
        assert_played(edges, read_edges(&ports.truth, edges), first_ns);
        settle(P2P_PROBE_STOP);
        assert_int_equal(read_edges(&ports.probe, edges), 0);
        ports.power.off(ports.power.self);
    }
}

static void the_runner_gets_wiring_and_seed(void **state)
{
    char *text = NULL;
    size_t size;

    (void)state;
    open_bench(P2P_PROBE_VIRTUAL, -1);
    assert_ok(try_power(123456));
    assert_ok(p2p_read_file("probe-arguments", 4096, &text, &size, &f.error));
    assert_non_null(strstr(text, "\n--seed\n123456\n--line\n3=2\n--line\n4=3\n"));
    free(text);
}

static void a_probe_that_is_off_does_nothing(void **state)
{
    struct p2p_edge edges[EDGES_MAX];

    (void)state;
    open_bench(P2P_PROBE_VIRTUAL, -1);
    for (int boot = 0; boot < 2; boot++) {
        f.error = (struct p2p_error){0};
        assert_null(ports.probe.info(ports.probe.self));
        assert_false(ports.probe.settled(ports.probe.self));
        assert_int_equal(read_edges(&ports.probe, edges), 0);
        assert_int_equal(ports.probe.request(ports.probe.self, P2P_PROBE_IDENTIFY, &f.error), P2P_E_BENCH);
        assert_error(P2P_E_BENCH, "the virtual probe is off");
        power_on();
        ports.power.off(ports.power.self);
    }
}

static void a_runner_that_does_not_start_has_the_last_word(void **state)
{
    (void)state;
    open_bench(P2P_PROBE_VIRTUAL, -1);
    setenv("FAKE_PROBE", "die at once", 1);
    assert_no_power(P2P_E_BENCH, "the virtual probe is gone: its process ended in mid-run: exit code 3: TypeError: x");
    setenv("FAKE_PROBE", "fault at once", 1);
    assert_no_power(P2P_E_BENCH, "the virtual probe: the image is empty");
    unsetenv("FAKE_PROBE");
    power_on();
}

static void assert_probe_dies(const char *order, const char *expected)
{
    f.error = (struct p2p_error){0};
    setenv("FAKE_PROBE", order, 1);
    power_on();
    while (f.error.code == P2P_OK) {
        char bytes[16];

        if (advance(now_ns() + 700) == P2P_OK) {
            (void)read_console(bytes);
        }
    }
    assert_error(P2P_E_BENCH, expected);
}

static void a_runner_that_fails_in_mid_run_has_the_last_word(void **state)
{
    (void)state;
    open_bench(P2P_PROBE_VIRTUAL, -1);
    assert_probe_dies("die in run", "exit code 3: TypeError: x is undefined|    at main.js:1");
    assert_probe_dies("fault in run", "the virtual probe: no such pin");
    assert_probe_dies("short run", "the virtual probe stands at 699 ns");
    assert_probe_dies("close UART", "the probe's socket was closed at its other end; the probe's link: ");
    f.bench.timeouts.stall_s = 3; /* their start has to fit too, on a busy computer */
    p2p_virtual_bench_close(bench);
    open_bench(P2P_PROBE_VIRTUAL, -1);
    assert_probe_dies("hang in run", "the virtual probe made no progress for 3 s (timeouts.stall_s)");
}

/* The session reads and asks too: whoever is first to see the end tells why. */
static void every_port_of_the_probe_tells_its_last_words(void **state)
{
    struct p2p_edge edge;
    size_t count;

    (void)state;
    open_bench(P2P_PROBE_VIRTUAL, -1);
    assert_probe_dies("die in run", "TypeError: x is undefined");
    f.error = (struct p2p_error){0};
    assert_int_equal(ports.probe.read(ports.probe.self, &edge, 1, &count, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "TypeError: x is undefined");
    f.error = (struct p2p_error){0};
    assert_int_equal(ports.probe.request(ports.probe.self, P2P_PROBE_STOP, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "TypeError: x is undefined");
}

/* ---- calibrations ---- */

static void put_calibration(const char *serial, uint64_t tick_hz, bool complete)
{
    static char path[] = "my.calibration.json";
    struct p2p_calibration calibration = {
        .firmware = "pin2pin fake", .tick_hz = tick_hz, .date = "2026-01-31T23:59:59Z"};

    snprintf(calibration.serial, sizeof calibration.serial, "%s", serial);
    for (int i = 0; i < P2P_POLARITIES; i++) {
        calibration.skew[i][P2P_WIRING_STRAIGHT] = (struct p2p_skew_mean){.n = 100, .mean_ns = 3, .u_ns = 0.25};
        if (complete) {
            calibration.skew[i][P2P_WIRING_SWAPPED] = (struct p2p_skew_mean){.n = 100, .mean_ns = -1, .u_ns = 0.25};
        }
    }
    assert_ok(p2p_calibration_save(path, &calibration, &f.error));
    f.bench.probe.calibration = path;
}

static void a_calibration_corrects_the_probe(void **state)
{
    (void)state;
    put_calibration("e660583883123456", FAKE_PROBE_HZ, true);
    open_bench(P2P_PROBE_VIRTUAL, -1);
    power_on();
    settle(P2P_PROBE_IDENTIFY);
    assert_true(ports.probe.info(ports.probe.self)->uncertainty.skew_correction_ns != 0);
}

static void a_calibration_that_does_not_fit_is_refused(void **state)
{
    static char missing[] = "no.calibration.json";

    (void)state;
    f.bench.probe.kind = P2P_PROBE_VIRTUAL;
    f.bench.probe.calibration = missing;
    assert_no_bench(P2P_E_INPUT, "no.calibration.json");
    put_calibration("e660583883123456", FAKE_PROBE_HZ, false);
    assert_no_bench(P2P_E_INPUT, "my.calibration.json");
    put_calibration("e660583883123457", FAKE_PROBE_HZ, true);
    f.error = (struct p2p_error){0};
    open_bench(P2P_PROBE_VIRTUAL, -1);
    power_on();
    while (f.error.code == P2P_OK && !ports.probe.settled(ports.probe.self)) {
        if (ports.probe.request(ports.probe.self, P2P_PROBE_IDENTIFY, &f.error) == P2P_OK) {
            char bytes[16];

            (void)advance(now_ns() + STEP_MS * NS_PER_MS);
            (void)read_console(bytes);
        }
    }
    assert_error(P2P_E_INPUT, "my.calibration.json");
    assert_error(P2P_E_INPUT, "e660583883123457");
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(an_ideal_probe_needs_no_runner),
        IN_A_FOLDER(the_ports_work_while_the_power_is_on),
        IN_A_FOLDER(the_ideal_probe_sees_all),
        IN_A_FOLDER(power_on_ends_the_boot_before),
        IN_A_FOLDER(a_qemu_that_does_not_start_has_the_last_word),
        IN_A_FOLDER(a_qemu_that_dies_in_mid_run_has_the_last_word),
        IN_A_FOLDER(a_qemu_that_dies_beside_its_probe_has_the_last_word),
        IN_A_FOLDER(stop_interrupts_a_run),
        IN_A_FOLDER(no_memory_is_told_and_nothing_left),
        IN_A_FOLDER(what_is_missing_is_told_before_any_boot),
        IN_A_FOLDER(both_probes_see_the_same),
        IN_A_FOLDER(the_runner_gets_wiring_and_seed),
        IN_A_FOLDER(a_probe_that_is_off_does_nothing),
        IN_A_FOLDER(a_runner_that_does_not_start_has_the_last_word),
        IN_A_FOLDER(a_runner_that_fails_in_mid_run_has_the_last_word),
        IN_A_FOLDER(every_port_of_the_probe_tells_its_last_words),
        IN_A_FOLDER(a_calibration_corrects_the_probe),
        IN_A_FOLDER(a_calibration_that_does_not_fit_is_refused),
    };

    if (argc > 2 && fake_runner_is_meant(argv)) {
        return fake_runner(argv);
    }
    return argc > 1 ? fake_qemu(argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
