/* SPDX-License-Identifier: MIT */
/*
 * The clock of the virtual bench between two ends of ours. In most tests board and probe are scripts: what they say is
 * written into their sockets before it is asked for, what they were told is read afterwards. In the random test both
 * are processes: the board a child of ours, the probe this very program (fake_runner.h).
 * Replaced at link time: the probe's process, calloc (no memory).
 */
#include "ports/virtual_clock.h"

#include "fake_probe.h"
#include "fake_runner.h"
#include "util/deadline.h"
#include "util/prng.h"
#include "util/process.h"
#include "wires_peer.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NS_PER_MS UINT64_C(1000000)

enum { TWO_FRAMES = 2 * FRAME_EDGES };

/* ---- the probe's process, which is none ---- */

static struct {
    bool is_real;
    bool has_died;
    int edges, uart; /* the runner's ends */
} process;

static bool no_memory;

struct p2p_process *__real_p2p_process_start(const char *const argv[], const int fds[], size_t fd_count,
                                             struct p2p_error *error);
struct p2p_process *__wrap_p2p_process_start(const char *const argv[], const int fds[], size_t fd_count,
                                             struct p2p_error *error);
bool __real_p2p_process_ended(struct p2p_process *self, int ms);
bool __wrap_p2p_process_ended(struct p2p_process *self, int ms);
void __wrap_p2p_process_describe(const struct p2p_process *self, char *text, size_t bytes);
void __wrap_p2p_process_complaint(const struct p2p_process *self, char *text, size_t bytes);
void __real_p2p_process_stop(struct p2p_process *self);
void __wrap_p2p_process_stop(struct p2p_process *self);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

struct p2p_process *__wrap_p2p_process_start(const char *const argv[], const int fds[], size_t fd_count,
                                             struct p2p_error *error)
{
    static char none;

    if (process.is_real) {
        return __real_p2p_process_start(argv, fds, fd_count, error);
    }
    process.edges = dup(fds[0]);
    process.uart = dup(fds[1]);
    peer_greets(process.edges);
    peer_pauses(process.edges, 0);
    return (struct p2p_process *)(void *)&none;
}

bool __wrap_p2p_process_ended(struct p2p_process *self, int ms)
{
    return process.is_real ? __real_p2p_process_ended(self, ms) : process.has_died;
}

void __wrap_p2p_process_describe(const struct p2p_process *self, char *text, size_t bytes)
{
    (void)self;
    snprintf(text, bytes, "exit code 3");
}

void __wrap_p2p_process_complaint(const struct p2p_process *self, char *text, size_t bytes)
{
    (void)self;
    snprintf(text, bytes, "TypeError: x is undefined");
}

void __wrap_p2p_process_stop(struct p2p_process *self)
{
    if (process.is_real) {
        __real_p2p_process_stop(self);
    }
}

void *__wrap_calloc(size_t count, size_t size)
{
    return no_memory ? NULL : __real_calloc(count, size);
}

/* ---- the bench ---- */

struct fixture {
    struct p2p_wires *wires;
    struct p2p_probe truth;
    struct p2p_virtual_clock *clock;
    struct p2p_clock port;
    struct p2p_virtual_probe *probe;
    struct p2p_probe_device *device;
    struct fake_probe *firmware; /* the scripted probe's */
    struct p2p_error error;
    int board;      /* its end, ours */
    int console[2]; /* [0] the clock's, [1] the board's */
    int stop[2];    /* a pipe */
};

static struct fixture f;

static uint32_t stall_s;

static int make_bench(void)
{
    static const struct p2p_pins pins = {.stimulus = 0, .answer = 1, .query = 2};
    int pair[2];

    f = (struct fixture){.board = -1};
    memset(&process, 0, sizeof process);
    process.edges = -1;
    process.uart = -1;
    unsetenv("FAKE_PROBE");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, f.console) != 0 || pipe2(f.stop, O_CLOEXEC) != 0) {
        return -1;
    }
    f.board = pair[1];
    f.wires = p2p_wires_new(&pins, stall_s, f.stop[0]);
    f.truth = p2p_wires_probe(f.wires);
    f.clock = p2p_virtual_clock_new(f.wires, stall_s, f.stop[0]);
    f.port = p2p_virtual_clock_port(f.clock);
    f.firmware = calloc(1, sizeof *f.firmware);
    peer_greets(f.board);
    peer_pauses(f.board, 0);
    p2p_virtual_clock_attach(f.clock, NULL, NULL, &f.console[0]);
    return f.firmware != NULL && p2p_wires_attach(f.wires, pair[0], &f.error) == P2P_OK ? 0 : -1;
}

static int set_up(void **state)
{
    (void)state;
    stall_s = 1;
    return make_bench();
}

/* For processes, which have to share their computer with others. */
static int set_up_patiently(void **state)
{
    (void)state;
    stall_s = 30;
    return make_bench();
}

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static int tear_down(void **state)
{
    (void)state;
    p2p_virtual_clock_free(f.clock);
    p2p_probe_device_free(f.device);
    p2p_virtual_probe_stop(f.probe);
    p2p_wires_free(f.wires);
    free(f.firmware);
    for (int i = 0; i < 2; i++) {
        close_fd(&f.console[i]);
        close_fd(&f.stop[i]);
    }
    close_fd(&f.board);
    close_fd(&process.edges);
    close_fd(&process.uart);
    return 0;
}

static void assert_ok(enum p2p_code code)
{
    if (code != P2P_OK) {
        fail_msg("%s", f.error.message);
    }
}

static void assert_error(enum p2p_code code, const char *part)
{
    assert_int_equal(f.error.code, code);
    if (strstr(f.error.message, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, f.error.message);
    }
}

static void start_probe(void)
{
    static struct p2p_probe_plan plan;
    static const char *const wiring[] = {"0=2", "1=3", NULL};
    static char node[] = "/proc/self/exe", path[] = "unused";
    const struct p2p_virtual_probe_setup setup = {
        .plan = &plan, .wiring = wiring, .stall_s = stall_s, .stop_fd = f.stop[0]};
    const struct p2p_probe_setup device = {.name = "virtual", .now_ns = p2p_virtual_clock_probe_ns, .clock = f.clock};
    struct p2p_byte_stream uart;

    plan = (struct p2p_probe_plan){.kind = P2P_PROBE_VIRTUAL, .node = node, .runner = path, .image = path};
    f.probe = p2p_virtual_probe_start(&setup, &uart, &f.error);
    if (f.probe == NULL) {
        fail_msg("%s", f.error.message);
    }
    f.device = p2p_probe_device_new(&uart, &device);
    assert_non_null(f.device);
    p2p_virtual_clock_attach(f.clock, f.probe, f.device, &f.console[0]);
}

static uint64_t now_ns(void)
{
    return f.port.now_ns(f.port.self);
}

static void advance(uint64_t until_ns)
{
    assert_ok(f.port.advance(f.port.self, until_ns, &f.error));
}

static void assert_no_advance(enum p2p_code code, const char *part)
{
    f.error = (struct p2p_error){0};
    assert_int_equal(f.port.advance(f.port.self, 1000, &f.error), code);
    assert_error(code, part);
}

static size_t read_edges(const struct p2p_probe *probe, struct p2p_edge *edges, size_t capacity)
{
    size_t count = SIZE_MAX;

    assert_ok(probe->read(probe->self, edges, capacity, &count, &f.error));
    return count;
}

/* ---- the board alone ---- */

static void time_passes_to_the_pause(void **state)
{
    (void)state;
    peer_pauses(f.board, 1000);
    advance(1000);
    peer_hears_run(f.board, 1000);
    assert_int_equal(now_ns(), 1000);
    advance(1000); /* nothing to do */
    advance(10);
    peer_hears_nothing(f.board);
    peer_pauses(f.board, 1001);
    advance(1001);
    peer_hears_run(f.board, 1001);
    assert_int_equal(p2p_virtual_clock_probe_ns(f.clock), 0); /* there is none */
}

static void the_time_of_an_edge_is_now(void **state)
{
    (void)state;
    assert_int_equal(write(f.console[1], "x", 1), 1);
    peer_sees(f.board, 400, 7, 1, 1); /* no probe there, and yet a time */
    advance(1000);
    assert_int_equal(now_ns(), 400);
}

static void a_console_with_bytes_comes_first(void **state)
{
    int none = -1;

    (void)state;
    assert_int_equal(write(f.console[1], "x", 1), 1);
    advance(1000);
    advance(1000); /* the same run goes on */
    peer_hears_run(f.board, 1000);
    peer_hears_nothing(f.board);
    assert_int_equal(now_ns(), 0);
    p2p_virtual_clock_attach(f.clock, NULL, NULL, &none);
    peer_pauses(f.board, 1000);
    advance(1000);
    assert_int_equal(now_ns(), 1000);
    peer_hears_nothing(f.board);
    p2p_virtual_clock_attach(f.clock, NULL, NULL, NULL);
    peer_pauses(f.board, 2000);
    advance(2000);
    assert_int_equal(now_ns(), 2000);
}

static void many_edges_are_to_be_read_first(void **state)
{
    static struct p2p_edge edges[TWO_FRAMES];

    (void)state;
    peer_sees(f.board, 1, 1, 1, 1);
    peer_babbles(f.board, 2, 1);
    peer_pauses(f.board, 9000);
    advance(9000);
    assert_int_equal(now_ns(), 1 + FRAME_EDGES); /* the pause is still to come */
    advance(9000);
    assert_int_equal(now_ns(), 1 + FRAME_EDGES);
    assert_int_equal(read_edges(&f.truth, edges, TWO_FRAMES), 1 + FRAME_EDGES);
    for (size_t i = 0; i <= FRAME_EDGES; i++) {
        assert_int_equal(edges[i].ticks, i + 1);
    }
    advance(9000);
    assert_int_equal(now_ns(), 9000);
    peer_hears_run(f.board, 9000);
    peer_hears_nothing(f.board);
}

static void a_board_that_dies_is_said(void **state)
{
    (void)state;
    close_fd(&f.board);
    assert_no_advance(P2P_E_BENCH, "the virtual board is gone: its process ended in mid-run");
}

static void a_board_that_stalls_is_said(void **state)
{
    int64_t before_ns = p2p_monotonic_ns();

    (void)state;
    assert_no_advance(P2P_E_BENCH, "the virtual board made no progress for 1 s (timeouts.stall_s)");
    assert_true(p2p_monotonic_ns() - before_ns >= 1000000000);
}

static void stop_interrupts_advance(void **state)
{
    (void)state;
    peer_pauses(f.board, 1000);
    assert_int_equal(write(f.stop[1], "x", 1), 1);
    assert_no_advance(P2P_E_INTERRUPTED, "interrupted");
}

static void a_detached_board_is_gone(void **state)
{
    (void)state;
    p2p_wires_detach(f.wires);
    assert_no_advance(P2P_E_BENCH, "the virtual board is gone");
}

/* ---- with a probe ---- */

/* SEEN with edges `first` to `last` of peer_babbles(100, 100). */
static void probe_hears_babble(size_t first, size_t last)
{
    static struct peer_frame frame;

    peer_hears_frame(process.edges, &frame);
    assert_int_equal(frame.type, SEEN);
    assert_int_equal(frame.size, (last - first + 1) * RECORD_BYTES);
    for (size_t i = first; i <= last; i++) {
        struct peer_edge edge = peer_get_edge(frame.payload + (i - first) * RECORD_BYTES);

        assert_int_equal(edge.at_ns, 100 + 100 * i);
        assert_int_equal(edge.line, 1);
        assert_int_equal(edge.level, i % 2 == 0);
    }
}

static void probe_hears_edge(uint64_t at_ns, uint8_t line)
{
    struct peer_edge edge = {at_ns, line, 1, 1};
    uint8_t seen[HEADER_BYTES + RECORD_BYTES] = {RECORD_BYTES, 0, 0, 0, SEEN};

    peer_put_edge(seen + HEADER_BYTES, &edge);
    peer_hears(process.edges, seen, sizeof seen);
}

static void the_probe_follows_to_the_same_time(void **state)
{
    (void)state;
    start_probe();
    peer_pauses(f.board, 1000);
    peer_pauses(process.edges, 1000);
    advance(1000);
    assert_int_equal(now_ns(), 1000);
    assert_int_equal(p2p_wires_now_ns(f.wires), 1000);
    assert_int_equal(p2p_virtual_probe_now_ns(f.probe), 1000);
    assert_int_equal(p2p_virtual_clock_probe_ns(f.clock), 1000);
    peer_hears_run(process.edges, 1000);
    advance(1000);
    peer_hears_nothing(process.edges);
    peer_hears_run(f.board, 1000);
    peer_hears_nothing(f.board);
}

static void edges_are_shown_before_the_run_that_passes_them(void **state)
{
    (void)state;
    start_probe();
    peer_sees(f.board, 10, 0, 1, 1); /* of any line: which have a wire is the probe's business */
    peer_sees(f.board, 20, 7, 1, 1);
    peer_sees(f.board, 1000, 1, 1, 1);
    peer_pauses(f.board, 1000);
    peer_pauses(process.edges, 1000);
    advance(1000);
    peer_hears(process.edges, (uint8_t[]){3 * RECORD_BYTES, 0, 0, 0, SEEN, 0, 0, 0}, HEADER_BYTES);
    for (int i = 0; i < 3; i++) {
        static const struct peer_edge edges[] = {{10, 0, 1, 1}, {20, 7, 1, 1}, {1000, 1, 1, 1}};
        uint8_t record[RECORD_BYTES];

        peer_put_edge(record, &edges[i]);
        peer_hears(process.edges, record, sizeof record);
    }
    peer_hears_run(process.edges, 1000);
    peer_hears_nothing(process.edges);
}

/* What the instant of the last edge will bring is open while the board runs. */
static void the_probe_follows_while_the_board_runs(void **state)
{
    (void)state;
    start_probe();
    peer_sees(f.board, 999999, 1, 1, 1); /* not worth a run yet */
    peer_sees(f.board, 5000000, 1, 1, 1);
    peer_pauses(process.edges, 4999999);
    peer_sees(f.board, 5000000, 2, 1, 1);
    peer_pauses(f.board, 6000000);
    peer_pauses(process.edges, 6000000);
    advance(6000000);
    assert_int_equal(now_ns(), 6000000);
    probe_hears_edge(999999, 1);
    peer_hears_run(process.edges, 4999999);
    peer_hears(process.edges, (uint8_t[]){2 * RECORD_BYTES, 0, 0, 0, SEEN, 0, 0, 0}, HEADER_BYTES);
}

static void a_long_silence_is_followed_in_pieces(void **state)
{
    (void)state;
    start_probe();
    peer_pauses(f.board, 120 * NS_PER_MS);
    for (uint64_t ms = 50; ms <= 120; ms += ms < 100 ? 50 : 20) {
        peer_pauses(process.edges, ms * NS_PER_MS);
    }
    advance(120 * NS_PER_MS);
    assert_int_equal(now_ns(), 120 * NS_PER_MS);
    peer_hears_run(process.edges, 50 * NS_PER_MS);
    peer_hears_run(process.edges, 100 * NS_PER_MS);
    peer_hears_run(process.edges, 120 * NS_PER_MS);
    peer_hears_nothing(process.edges);
}

/* The probe is shown no more than a frame holds, and its run ends where the rest begins. */
static void a_frame_of_edges_at_a_time(void **state)
{
    static struct p2p_edge edges[TWO_FRAMES];
    const uint64_t middle_ns = UINT64_C(100) * FRAME_EDGES; /* edge number 4095 */

    (void)state;
    start_probe();
    peer_babbles(f.board, 100, 100);
    peer_babbles(f.board, 100 + middle_ns, 100);
    peer_pauses(f.board, 2 * NS_PER_MS);
    advance(2 * NS_PER_MS); /* the truth is full */
    assert_int_equal(now_ns(), 0);
    assert_int_equal(read_edges(&f.truth, edges, TWO_FRAMES), FRAME_EDGES);
    advance(2 * NS_PER_MS);
    assert_int_equal(read_edges(&f.truth, edges, TWO_FRAMES), FRAME_EDGES);
    peer_pauses(process.edges, middle_ns);
    peer_pauses(process.edges, 2 * NS_PER_MS);
    advance(2 * NS_PER_MS);
    assert_int_equal(now_ns(), 2 * NS_PER_MS);
    probe_hears_babble(0, FRAME_EDGES - 1);
    peer_hears_run(process.edges, middle_ns);
    probe_hears_babble(FRAME_EDGES, TWO_FRAMES - 1);
    peer_hears_run(process.edges, 2 * NS_PER_MS);
    peer_hears_nothing(process.edges);
}

static void board_sees_at_once(uint64_t at_ns)
{
    static uint8_t payload[FRAME_BYTES];

    for (size_t i = 0; i < FRAME_EDGES; i++) {
        peer_put_edge(payload + RECORD_BYTES * i, &(struct peer_edge){at_ns, 7, i % 2 == 0, 1});
    }
    peer_says(f.board, SEEN, payload, sizeof payload);
}

/* No room for the board's next frame, no time for the probe to run: it has to be shown what lies ahead. */
static void more_than_a_frame_in_one_instant_does_not_lock(void **state)
{
    static struct peer_frame frame;

    (void)state;
    start_probe();
    for (int i = 0; i < 3; i++) {
        board_sees_at_once(100);
    }
    peer_pauses(f.board, 200);
    peer_pauses(process.edges, 99);
    peer_pauses(process.edges, 200);
    advance(200);
    assert_int_equal(now_ns(), 200);
    for (int frames = 0, edges = 0; edges < 3 * FRAME_EDGES; frames++) {
        assert_in_range(frames, 0, 3);
        peer_hears_frame(process.edges, &frame);
        edges += frame.type == SEEN ? (int)(frame.size / RECORD_BYTES) : 0;
        assert_true(frame.type == SEEN || peer_get(frame.payload, 8) == 99);
    }
    peer_hears_run(process.edges, 200);
    peer_hears_nothing(process.edges);
}

static void early_returns_go_on_afterwards(void **state)
{
    char byte;

    (void)state;
    start_probe();
    peer_pauses(f.board, 1000);
    assert_int_equal(write(f.console[1], "x", 1), 1);
    advance(1000); /* the board has arrived, the probe has not begun */
    assert_int_equal(now_ns(), 0);
    assert_int_equal(p2p_virtual_clock_probe_ns(f.clock), 0);
    advance(1000); /* now it runs */
    assert_int_equal(now_ns(), 0);
    assert_int_equal(p2p_virtual_clock_probe_ns(f.clock), 1000);
    assert_int_equal(read(f.console[0], &byte, 1), 1);
    peer_pauses(process.edges, 1000);
    advance(5000); /* no new run before the old one has ended */
    assert_int_equal(now_ns(), 1000);
    peer_hears_run(f.board, 1000);
    peer_hears_nothing(f.board);
    peer_hears_run(process.edges, 1000);
    peer_hears_nothing(process.edges);
}

static void a_new_boot_forgets_edges_and_probe(void **state)
{
    (void)state;
    start_probe();
    peer_sees(f.board, 10, 1, 1, 1);
    assert_int_equal(write(f.console[1], "x", 1), 1);
    advance(1000);
    p2p_virtual_clock_attach(f.clock, NULL, NULL, NULL);
    assert_int_equal(now_ns(), 10); /* the board's */
    p2p_virtual_clock_attach(f.clock, f.probe, f.device, NULL);
    peer_pauses(f.board, 1000);
    peer_pauses(process.edges, 1000);
    advance(1000);
    peer_hears_run(process.edges, 1000);
    peer_hears_nothing(process.edges);
}

/* ---- its device ---- */

static void firmware_speaks(void)
{
    uint8_t bytes[4096];
    size_t count;

    while ((count = fake_probe_say(f.firmware, bytes, sizeof bytes)) > 0) {
        assert_int_equal(send(process.uart, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL), count);
    }
}

static void firmware_obeys(void)
{
    uint8_t bytes[256];
    ssize_t count = recv(process.uart, bytes, sizeof bytes, MSG_DONTWAIT);

    assert_true(count > 0);
    fake_probe_hear(f.firmware, bytes, (size_t)count);
    firmware_speaks();
}

static void both_pause(uint64_t at_ns)
{
    fake_probe_pass(f.firmware, at_ns);
    peer_pauses(f.board, at_ns);
    peer_pauses(process.edges, at_ns);
}

static void request(enum p2p_probe_request what)
{
    assert_ok(p2p_probe_device_request(f.device, what, &f.error));
}

static void start_and_arm(void)
{
    start_probe();
    request(P2P_PROBE_IDENTIFY);
    fake_probe_start(f.firmware);
    firmware_speaks();
    both_pause(1000);
    advance(1000);
    request(P2P_PROBE_IDENTIFY);
    assert_true(p2p_probe_device_settled(f.device));
    request(P2P_PROBE_ARM);
    firmware_obeys();
    both_pause(2000);
    advance(2000);
    assert_true(p2p_probe_device_settled(f.device));
}

static void what_the_probe_says_in_a_run_is_there_at_its_end(void **state)
{
    (void)state;
    start_probe();
    fake_probe_start(f.firmware);
    firmware_speaks();
    both_pause(1000);
    advance(1000);
    assert_non_null(p2p_probe_link_hello(p2p_probe_device_link(f.device)));
}

static void commands_are_answered_in_the_next_run(void **state)
{
    (void)state;
    start_and_arm();
    request(P2P_PROBE_STOP);
    firmware_obeys();
    both_pause(3000);
    advance(3000);
    assert_true(p2p_probe_device_settled(f.device));
}

/* The run ends while bytes of it still wait in the socket: they are of that run all the same. */
static void a_full_device_is_to_be_read_first(void **state)
{
    static struct p2p_edge edges[TWO_FRAMES];
    size_t count = 0, got;

    (void)state;
    start_and_arm();
    for (uint64_t i = 0; i < 5000; i++) {
        fake_probe_pass(f.firmware, 2000 + i);
        fake_probe_edge(f.firmware, i % 3 == 0, i % 2);
    }
    fake_probe_flush(f.firmware);
    firmware_speaks();
    both_pause(8000);
    advance(8000);
    assert_true(p2p_probe_device_full(f.device));
    assert_int_equal(now_ns(), 2000); /* nobody goes on */
    do {
        struct p2p_probe port = p2p_probe_device_port(f.device);

        advance(8000);
        assert_true(now_ns() == 8000 || p2p_probe_device_full(f.device));
        while ((got = read_edges(&port, edges + count, 1000)) > 0) {
            count += got;
        }
    } while (now_ns() < 8000);
    assert_int_equal(count, 5000);
    for (uint64_t i = 0; i < 5000; i++) {
        assert_int_equal(edges[i].ticks, 2000 + i);
        assert_int_equal(edges[i].level, i % 2);
    }
}

static void a_silent_firmware_is_told_by_virtual_time(void **state)
{
    (void)state;
    start_and_arm();
    peer_pauses(f.board, 1000 * NS_PER_MS);
    for (uint64_t piece = 1; piece <= 12; piece++) {
        peer_pauses(process.edges, 2000 + piece * 50 * NS_PER_MS);
    }
    assert_int_equal(f.port.advance(f.port.self, 1000 * NS_PER_MS, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "no EPOCH for 5"); /* a piece after 500 ms at the latest */
}

/* ---- those who hang, or die ---- */

static void a_stalled_probe_is_named(void **state)
{
    int64_t before_ns = p2p_monotonic_ns();

    (void)state;
    start_probe();
    peer_pauses(f.board, 1000);
    assert_no_advance(P2P_E_BENCH, "the virtual probe made no progress for 1 s (timeouts.stall_s)");
    assert_true(p2p_monotonic_ns() - before_ns >= 1000000000);
}

/* Delimiters: the UART is busy, and says nothing. */
static void *babble(void *context)
{
    const _Atomic bool *enough = context;

    while (!*enough) {
        (void)!send(process.uart, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        usleep(1000);
    }
    return NULL;
}

static void a_uart_that_babbles_is_no_progress(void **state)
{
    _Atomic bool enough = false;
    pthread_t babbler;
    enum p2p_code code;

    (void)state;
    start_probe();
    peer_pauses(f.board, 1000);
    assert_int_equal(pthread_create(&babbler, NULL, babble, &enough), 0);
    code = f.port.advance(f.port.self, 1000, &f.error);
    enough = true;
    assert_int_equal(pthread_join(babbler, NULL), 0);
    assert_int_equal(code, P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "the virtual probe made no progress for 1 s (timeouts.stall_s)");
}

static void a_stalled_board_is_named(void **state)
{
    (void)state;
    start_probe();
    peer_sees(f.board, 5000000, 1, 1, 1);
    peer_pauses(process.edges, 4999999);
    assert_no_advance(P2P_E_BENCH, "the virtual board made no progress");
}

/* The board runs as well, but nobody listens to it: there is no room for what it may say. */
static void a_probe_that_keeps_the_board_waiting_is_named(void **state)
{
    (void)state;
    start_probe();
    board_sees_at_once(5000000);
    board_sees_at_once(6000000);
    assert_no_advance(P2P_E_BENCH, "the virtual probe made no progress");
}

static void two_that_stall_are_both_named(void **state)
{
    (void)state;
    start_probe();
    peer_sees(f.board, 5000000, 1, 1, 1);
    assert_no_advance(P2P_E_BENCH, "the virtual board, and its probe, made no progress");
}

static void stop_interrupts_the_probe(void **state)
{
    (void)state;
    start_probe();
    peer_pauses(f.board, 1000);
    advance(0);
    assert_int_equal(write(f.stop[1], "x", 1), 1);
    assert_no_advance(P2P_E_INTERRUPTED, "interrupted");
}

static void probe_dies(void)
{
    process.has_died = true;
    close_fd(&process.edges);
    close_fd(&process.uart);
}

static void a_probe_that_dies_has_the_last_word(void **state)
{
    (void)state;
    start_and_arm();
    probe_dies();
    peer_pauses(f.board, 3000);
    f.error = (struct p2p_error){0};
    assert_int_equal(f.port.advance(f.port.self, 3000, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, ": exit code 3: TypeError: x is undefined");
}

/* Its UART ends with it. That is seen first, but is not the reason. */
static void a_fault_of_the_probe_is_told_in_its_words(void **state)
{
    (void)state;
    start_and_arm();
    peer_says(process.edges, FAULT, "no such pin", 11);
    probe_dies();
    peer_pauses(f.board, 3000);
    f.error = (struct p2p_error){0};
    assert_int_equal(f.port.advance(f.port.self, 3000, &f.error), P2P_E_BENCH);
    assert_error(P2P_E_BENCH, "the virtual probe: no such pin");
    assert_error(P2P_E_BENCH, "no edge is missing or wrong before tick 1000 "); /* when it was armed */
}

static void a_cable_that_is_pulled_is_no_death(void **state)
{
    (void)state;
    start_and_arm();
    close_fd(&process.uart);
    f.error = (struct p2p_error){0};
    assert_int_equal(f.port.advance(f.port.self, 3000, &f.error), P2P_E_BENCH);
    assert_int_equal(strncmp(f.error.message, "the probe's socket was closed at its other end; ", 48), 0);
}

static void no_memory_is_null(void **state)
{
    (void)state;
    no_memory = true;
    assert_null(p2p_virtual_clock_new(f.wires, 1, -1));
    no_memory = false;
    p2p_virtual_clock_free(NULL);
}

/* ---- a random schedule ---- */

enum { QUIET_MS = 1000, ROUNDS = 60, SEEN_MAX = 1 << 17 };

struct random_board {
    struct p2p_prng prng;
    int wires, console;
    struct peer_edge edges[FRAME_EDGES]; /* not told yet */
    size_t count, frame;                 /* `frame`: how many make the next one */
    uint8_t level[3];
};

static void board_tells(struct random_board *board)
{
    static uint8_t payload[FRAME_BYTES];

    for (size_t i = 0; i < board->count; i++) {
        peer_put_edge(payload + RECORD_BYTES * i, &board->edges[i]);
    }
    if (board->count > 0 && !peer_send(board->wires, SEEN, payload, board->count * RECORD_BYTES)) {
        exit(1);
    }
    board->count = 0;
    board->frame = 1 + p2p_prng_below(&board->prng, p2p_prng_below(&board->prng, 2) == 0 ? 5 : FRAME_EDGES);
    if (p2p_prng_below(&board->prng, 8) == 0) {
        usleep((useconds_t)p2p_prng_below(&board->prng, 2000));
    }
    if (p2p_prng_below(&board->prng, 8) == 0) {
        (void)send(board->console, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

/* Lines 0 (driven by us), 1 (by the board) and 7 (no wire). */
static void board_changes(struct random_board *board, uint64_t at_ns)
{
    size_t which = p2p_prng_below(&board->prng, 3);

    board->level[which] ^= 1;
    board->edges[board->count++] =
        (struct peer_edge){at_ns, (uint8_t)(which == 2 ? 7 : which), board->level[which], which != 0};
    if (board->count == board->frame) {
        board_tells(board);
    }
}

static void board_runs(struct random_board *board, uint64_t from_ns, uint64_t until_ns)
{
    static const uint64_t gaps_ns[] = {2, 300, 5000, 3000000};
    uint64_t at_ns = from_ns < QUIET_MS * NS_PER_MS ? until_ns : from_ns, gap_ns = 300;
    unsigned edges = 0;

    while (at_ns < until_ns) {
        if (edges++ % 1000 == 0) {
            gap_ns = gaps_ns[p2p_prng_below(&board->prng, edges < 20000 ? 4 : 1) + (edges < 20000 ? 0 : 3)];
        }
        board_changes(board, at_ns);
        at_ns += p2p_prng_below(&board->prng, gap_ns);
    }
    board_tells(board);
}

/* The child's life. */
__attribute__((noreturn)) static void be_the_board(uint64_t seed)
{
    static struct random_board board;
    static struct peer_frame frame;
    uint64_t now = 0;

    board.wires = f.board;
    board.console = f.console[1];
    board.frame = 1;
    p2p_prng_seed(&board.prng, seed);
    while (peer_receive(f.board, &frame) && frame.type == RUN) {
        uint64_t until_ns = peer_get(frame.payload, 8);

        board_runs(&board, now, until_ns);
        now = until_ns;
        if (!peer_send(f.board, PAUSED, frame.payload, 8)) {
            break;
        }
    }
    _exit(0);
}

struct sight {
    struct p2p_edge edges[SEEN_MAX];
    size_t count;
};

static struct sight truth, seen;

static void look(const struct p2p_probe *probe, struct sight *sight)
{
    size_t got;

    while ((got = read_edges(probe, sight->edges + sight->count, SEEN_MAX - sight->count)) > 0) {
        sight->count += got;
    }
    assert_true(sight->count < SEEN_MAX);
}

static void pass_until(uint64_t until_ns)
{
    struct p2p_probe port = p2p_probe_device_port(f.device);
    char bytes[64];

    while (now_ns() < until_ns) {
        advance(until_ns);
        (void)recv(f.console[0], bytes, sizeof bytes, MSG_DONTWAIT);
        look(&f.truth, &truth);
        look(&port, &seen);
    }
    assert_int_equal(now_ns(), until_ns);
    assert_int_equal(p2p_wires_now_ns(f.wires), until_ns);
}

/* Everything before now has been seen, and nothing else. */
static void assert_same_sight(uint64_t seed)
{
    size_t due = 0;

    while (due < truth.count && truth.edges[due].ticks < now_ns()) {
        due++;
    }
    for (size_t i = 0; i < due || i < seen.count; i++) {
        if (i >= due || i >= seen.count || seen.edges[i].ticks != truth.edges[i].ticks ||
            seen.edges[i].channel != truth.edges[i].channel || seen.edges[i].level != truth.edges[i].level) {
            fail_msg("seed %" PRIu64 ", until %" PRIu64 " ns: edge %zu of %zu, %zu were seen", seed, now_ns(), i, due,
                     seen.count);
        }
    }
}

static void settle(enum p2p_probe_request what)
{
    request(what);
    while (!p2p_probe_device_settled(f.device)) {
        pass_until(now_ns() + 10 * NS_PER_MS);
        if (what == P2P_PROBE_IDENTIFY) {
            request(what);
        }
    }
}

static void play_random(uint64_t seed)
{
    struct p2p_prng prng;
    pid_t child;
    int status = -1;

    truth.count = 0;
    seen.count = 0;
    p2p_prng_seed(&prng, seed);
    process.is_real = true;
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        p2p_wires_detach(f.wires); /* our copy of the host's end */
        be_the_board(seed);
    }
    close_fd(&f.board);
    start_probe();
    settle(P2P_PROBE_IDENTIFY);
    settle(P2P_PROBE_ARM);
    pass_until(QUIET_MS * NS_PER_MS);
    for (int round = 0; round < ROUNDS && truth.count < SEEN_MAX / 2; round++) {
        pass_until(now_ns() + 1 + p2p_prng_below(&prng, round % 3 == 0 ? 300 : 20 * NS_PER_MS));
        assert_same_sight(seed);
    }
    settle(P2P_PROBE_STOP); /* its counts and its checksum agree */
    assert_true(seen.count > 1000);
    p2p_wires_detach(f.wires);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void what_the_probe_sees_is_what_happened(void **state)
{
    uint64_t seed = (uint64_t)p2p_monotonic_ns();

    (void)state;
    print_message("seed %" PRIu64 "\n", seed);
    play_random(seed);
}

static void what_the_probe_sees_is_what_happened_once_more(void **state)
{
    (void)state;
    play_random(1);
}

#define ON_A_BENCH(test)         cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define ON_A_PATIENT_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up_patiently, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ON_A_BENCH(time_passes_to_the_pause),
        ON_A_BENCH(the_time_of_an_edge_is_now),
        ON_A_BENCH(a_console_with_bytes_comes_first),
        ON_A_BENCH(many_edges_are_to_be_read_first),
        ON_A_BENCH(a_board_that_dies_is_said),
        ON_A_BENCH(a_board_that_stalls_is_said),
        ON_A_BENCH(stop_interrupts_advance),
        ON_A_BENCH(a_detached_board_is_gone),
        ON_A_BENCH(the_probe_follows_to_the_same_time),
        ON_A_BENCH(edges_are_shown_before_the_run_that_passes_them),
        ON_A_BENCH(the_probe_follows_while_the_board_runs),
        ON_A_BENCH(a_long_silence_is_followed_in_pieces),
        ON_A_BENCH(a_frame_of_edges_at_a_time),
        ON_A_BENCH(more_than_a_frame_in_one_instant_does_not_lock),
        ON_A_BENCH(early_returns_go_on_afterwards),
        ON_A_BENCH(a_new_boot_forgets_edges_and_probe),
        ON_A_BENCH(what_the_probe_says_in_a_run_is_there_at_its_end),
        ON_A_BENCH(commands_are_answered_in_the_next_run),
        ON_A_BENCH(a_full_device_is_to_be_read_first),
        ON_A_BENCH(a_silent_firmware_is_told_by_virtual_time),
        ON_A_BENCH(a_stalled_probe_is_named),
        ON_A_BENCH(a_uart_that_babbles_is_no_progress),
        ON_A_BENCH(a_stalled_board_is_named),
        ON_A_BENCH(a_probe_that_keeps_the_board_waiting_is_named),
        ON_A_BENCH(two_that_stall_are_both_named),
        ON_A_BENCH(stop_interrupts_the_probe),
        ON_A_BENCH(a_probe_that_dies_has_the_last_word),
        ON_A_BENCH(a_fault_of_the_probe_is_told_in_its_words),
        ON_A_BENCH(a_cable_that_is_pulled_is_no_death),
        ON_A_BENCH(no_memory_is_null),
        ON_A_PATIENT_BENCH(what_the_probe_sees_is_what_happened),
        ON_A_PATIENT_BENCH(what_the_probe_sees_is_what_happened_once_more),
    };

    return argc > 2 && fake_runner_is_meant(argv) ? fake_runner(argv) : cmocka_run_group_tests(tests, NULL, NULL);
}
