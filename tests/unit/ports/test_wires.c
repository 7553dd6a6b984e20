/* SPDX-License-Identifier: MIT */
/*
 * The host's end of the wires, with the test as the board: its frames are written into the other end of the socket
 * before they are asked for. Frames here are written from WIRES-SPEC.md, not by the product's helpers. Replaced at link
 * time: recv and send (short, signals), calloc (no memory).
 */
#include "ports/wires.h"

#include "spec_example.h"
#include "util/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RUN = 0x01, EDGES = 0x02, HELLO = 0x81, SEEN = 0x82, PAUSED = 0x83, FAULT = 0x84 };
enum { FRAME_EDGES = 4096, FRAME_BYTES = 65536, TWO_FRAMES = 2 * FRAME_EDGES };

/* ---- the fakes ---- */

static size_t longest; /* bytes that one call of recv or send moves */
static bool interrupt; /* every second call fails with EINTR */
static bool no_memory;

ssize_t __real_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool interrupted(void)
{
    static unsigned int calls;

    errno = EINTR;
    return interrupt && ++calls % 2 == 1;
}

ssize_t __wrap_recv(int fd, void *data, size_t size, int flags)
{
    return interrupted() ? -1 : __real_recv(fd, data, size < longest ? size : longest, flags);
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
    return interrupted() ? -1 : __real_send(fd, data, size < longest ? size : longest, flags);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return no_memory ? NULL : __real_calloc(count, size);
}

/* ---- the board ---- */

struct fixture {
    struct p2p_wires *wires;
    struct p2p_clock clock;
    struct p2p_stimulus stimulus;
    struct p2p_probe probe;
    struct p2p_error error;
    int host;    /* given to `wires` */
    int board;   /* ours */
    int stop[2]; /* a pipe */
};

static const struct p2p_pins pins = {.stimulus = 0, .answer = 1, .query = 2};

static int set_up(void **state)
{
    static struct fixture f;
    int pair[2];

    longest = SIZE_MAX;
    interrupt = false;
    f = (struct fixture){0};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || pipe(f.stop) != 0) {
        return -1;
    }
    f.host = pair[0];
    f.board = pair[1];
    f.wires = p2p_wires_new(&pins, 1, f.stop[0]);
    f.clock = p2p_wires_clock(f.wires);
    f.stimulus = p2p_wires_stimulus(f.wires);
    f.probe = p2p_wires_probe(f.wires);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    p2p_wires_free(f->wires);
    close(f->board);
    close(f->stop[0]);
    close(f->stop[1]);
    return 0;
}

static void put(uint8_t *at, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static void board_says(const struct fixture *f, uint32_t type, const void *payload, size_t size)
{
    uint8_t header[8];

    put(header, size, 4);
    put(header + 4, type, 4);
    assert_int_equal(write(f->board, header, sizeof header), sizeof header);
    assert_int_equal(write(f->board, payload, size), size);
}

static void board_pauses(const struct fixture *f, uint64_t at_ns)
{
    uint8_t payload[8];

    put(payload, at_ns, 8);
    board_says(f, PAUSED, payload, sizeof payload);
}

static void board_greets(const struct fixture *f)
{
    static const uint8_t hello[12] = {1, 0, 8, 0, 2, 0, 10, 0}; /* version 1, 8 lines, QEMU 10.0.2 */

    board_says(f, HELLO, hello, sizeof hello);
}

static void put_record(uint8_t *at, uint64_t at_ns, uint8_t line, uint8_t level, uint8_t source)
{
    memset(at, 0, 16);
    put(at, at_ns, 8);
    at[8] = line;
    at[9] = level;
    at[10] = source;
}

static void board_sees(const struct fixture *f, uint64_t at_ns, uint8_t line, uint8_t level, uint8_t source)
{
    uint8_t record[16];

    put_record(record, at_ns, line, level, source);
    board_says(f, SEEN, record, sizeof record);
}

/* A full frame of answers at `from_ns`, one a nanosecond. */
static void board_babbles(const struct fixture *f, uint64_t from_ns)
{
    static uint8_t payload[FRAME_BYTES];

    for (size_t i = 0; i < FRAME_EDGES; i++) {
        put_record(payload + 16 * i, from_ns + i, 1, i % 2 == 0, 1);
    }
    board_says(f, SEEN, payload, sizeof payload);
}

static void board_hears(const struct fixture *f, const void *expected, size_t size)
{
    uint8_t bytes[64];

    assert_true(size <= sizeof bytes);
    assert_int_equal(__real_recv(f->board, bytes, size, MSG_WAITALL | MSG_DONTWAIT), size);
    assert_memory_equal(bytes, expected, size);
}

static void board_hears_nothing(const struct fixture *f)
{
    uint8_t byte;

    assert_int_equal(__real_recv(f->board, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

static void board_hears_run(const struct fixture *f, uint64_t until_ns)
{
    uint8_t run[16] = {8, 0, 0, 0, RUN};

    put(run + 8, until_ns, 8);
    board_hears(f, run, sizeof run);
}

static void hang_up(struct fixture *f)
{
    close(f->board);
    f->board = -1;
}

/* ---- the host ---- */

static void attach(struct fixture *f)
{
    board_greets(f);
    board_pauses(f, 0);
    assert_int_equal(p2p_wires_attach(f->wires, f->host, &f->error), P2P_OK);
}

static void assert_error(const struct fixture *f, enum p2p_code code, const char *part)
{
    assert_int_equal(f->error.code, code);
    if (strstr(f->error.message, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, f->error.message);
    }
}

static void assert_no_attach(struct fixture *f, enum p2p_code code, const char *part)
{
    assert_int_equal(p2p_wires_attach(f->wires, f->host, &f->error), code);
    assert_error(f, code, part);
    assert_int_equal(fcntl(f->host, F_GETFD), -1);
}

static void advance(struct fixture *f, uint64_t until_ns)
{
    if (f->clock.advance(f->clock.self, until_ns, &f->error) != P2P_OK) {
        fail_msg("%s", f->error.message);
    }
}

static void assert_no_advance(struct fixture *f, enum p2p_code code, const char *part)
{
    assert_int_equal(f->clock.advance(f->clock.self, 1000, &f->error), code);
    assert_error(f, code, part);
}

static uint64_t now_ns(const struct fixture *f)
{
    return f->clock.now_ns(f->clock.self);
}

static size_t read_edges(struct fixture *f, struct p2p_edge *edges, size_t capacity)
{
    size_t count = SIZE_MAX;

    assert_int_equal(f->probe.read(f->probe.self, edges, capacity, &count, &f->error), P2P_OK);
    return count;
}

static void assert_edge(const struct p2p_edge *edge, uint64_t ticks, enum p2p_channel channel, uint8_t level)
{
    assert_int_equal(edge->ticks, ticks);
    assert_int_equal(edge->channel, channel);
    assert_int_equal(edge->level, level);
    assert_int_equal(edge->flags, 0);
}

/* ---- attach ---- */

static void attach_ends_at_the_first_pause(void **state)
{
    struct fixture *f = *state;

    attach(f);
    assert_int_equal(now_ns(f), 0);
    board_hears_nothing(f);
    assert_string_equal(f->probe.info.name, "ideal");
    assert_int_equal(f->probe.info.tick_hz, 1000000000);
    assert_int_equal(f->probe.info.time_base, P2P_TIME_INSTRUCTIONS);
}

static void a_hello_of_another_version_is_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t hello[12] = {2, 0, 8};

    board_says(f, HELLO, hello, sizeof hello);
    assert_no_attach(f, P2P_E_BENCH, "protocol version 2, expected 1: build it again");
}

static void a_hello_of_another_size_is_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t hello[11] = {1, 0, 8};

    board_says(f, HELLO, hello, sizeof hello);
    assert_no_attach(f, P2P_E_BENCH, "protocol version");
}

static void hello_comes_first(void **state)
{
    struct fixture *f = *state;

    board_pauses(f, 0);
    assert_no_attach(f, P2P_E_BENCH, "type 0x83; HELLO comes first");
}

static void hello_comes_once(void **state)
{
    struct fixture *f = *state;

    board_greets(f);
    board_greets(f);
    assert_no_attach(f, P2P_E_BENCH, "type 0x81; HELLO comes first, and once");
}

static void a_fault_may_stand_for_hello(void **state)
{
    struct fixture *f = *state;

    board_says(f, FAULT, "QEMU 9.2 is too old", 19);
    assert_no_attach(f, P2P_E_BENCH, "the virtual board: QEMU 9.2 is too old");
    assert_string_equal(f->error.message, "the virtual board: QEMU 9.2 is too old");
}

static void the_end_within_the_greeting_is_said(void **state)
{
    struct fixture *f = *state;
    static const uint8_t greeting[] = {12, 0, 0, 0, HELLO, 0, 0,      0, 1, 0, 8, 0, 2, 0, 10, 0, 0, 0,
                                       0,  0, 8, 0, 0,     0, PAUSED, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0};

    for (size_t cut = 0; cut <= sizeof greeting; cut += 5) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_int_equal(write(pair[1], greeting, cut), cut);
        close(pair[1]);
        f->error = (struct p2p_error){0};
        assert_int_equal(p2p_wires_attach(f->wires, pair[0], &f->error), P2P_E_BENCH);
        assert_error(f, P2P_E_BENCH, "QEMU ended");
    }
    close(f->host);
}

static void edges_before_the_first_pause_have_a_limit(void **state)
{
    struct fixture *f = *state;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) { /* three frames may be more than a socket holds */
        close(f->host);
        board_greets(f);
        for (int i = 0; i < 3; i++) {
            board_babbles(f, 0);
        }
        _exit(0);
    }
    assert_no_attach(f, P2P_E_BENCH, "65536 bytes of edges, while 8192 edges wait");
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_silent_board_is_given_up_after_stall_s(void **state)
{
    struct fixture *f = *state;
    int64_t before_ns = p2p_monotonic_ns();

    board_greets(f);
    assert_no_attach(f, P2P_E_BENCH, "no progress for 1 s (timeouts.stall_s)");
    assert_true(p2p_monotonic_ns() - before_ns >= 1000000000);
}

static void stop_interrupts_attach(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(write(f->stop[1], "x", 1), 1);
    assert_no_attach(f, P2P_E_INTERRUPTED, "interrupted");
}

static void attach_detaches_the_board_before(void **state)
{
    struct fixture *f = *state;
    struct p2p_edge edge;
    int first = f->board, pair[2];
    uint8_t byte;

    attach(f);
    board_sees(f, 10, 1, 1, 1);
    board_pauses(f, 500);
    advance(f, 500);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    f->host = pair[0];
    f->board = pair[1];
    attach(f);
    board_hears_nothing(f);
    assert_int_equal(now_ns(f), 0);
    assert_int_equal(read_edges(f, &edge, 1), 0);
    assert_int_equal(read(first, &byte, 1), 1); /* the RUN */
    assert_int_equal(shutdown(first, SHUT_RD), 0);
    assert_int_equal(send(first, "x", 1, MSG_NOSIGNAL), -1); /* nobody there */
    close(first);
}

/* ---- bad frames ---- */

static void assert_bad_frame(struct fixture *f, uint32_t type, const void *payload, size_t size, const char *part)
{
    attach(f);
    board_says(f, type, payload, size);
    assert_no_advance(f, P2P_E_BENCH, part);
}

static void an_unknown_type_is_refused(void **state)
{
    assert_bad_frame(*state, 0x85, "", 0, "unknown type 0x85");
}

static void a_frame_of_our_own_type_is_refused(void **state)
{
    assert_bad_frame(*state, RUN, "12345678", 8, "unknown type 0x01");
}

static void a_pause_of_another_size_is_refused(void **state)
{
    assert_bad_frame(*state, PAUSED, "1234567", 7, "PAUSED with 7 bytes, expected 8");
}

static void a_broken_record_is_refused(void **state)
{
    assert_bad_frame(*state, SEEN, "1234567890123456789012345678901", 31, "31 bytes of edges");
}

static void a_level_beyond_1_is_refused(void **state)
{
    struct fixture *f = *state;

    attach(f);
    board_sees(f, 10, 5, 2, 0);
    assert_no_advance(f, P2P_E_BENCH, "an edge with level 2");
}

static void an_oversize_frame_is_refused_unread(void **state)
{
    struct fixture *f = *state;
    static const uint8_t header[8] = {1, 0, 1, 0, SEEN};

    attach(f);
    assert_int_equal(write(f->board, header, sizeof header), sizeof header);
    assert_no_advance(f, P2P_E_BENCH, "a frame of 65537 bytes, expected at most 65536");
}

static void a_fault_in_mid_run_is_told_in_its_words(void **state)
{
    assert_bad_frame(*state, FAULT, "out of memory", 13, "the virtual board: out of memory");
}

/* ---- advance ---- */

static void time_passes_to_the_pause(void **state)
{
    struct fixture *f = *state;

    attach(f);
    board_pauses(f, 1000);
    advance(f, 1000);
    board_hears_run(f, 1000);
    assert_int_equal(now_ns(f), 1000);
    advance(f, 1000); /* nothing to do */
    advance(f, 10);
    board_hears_nothing(f);
    board_pauses(f, 1001);
    advance(f, 1001);
    board_hears_run(f, 1001);
}

static void the_time_of_an_edge_is_now(void **state)
{
    struct fixture *f = *state;
    int console[2];

    attach(f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, console), 0);
    assert_int_equal(write(console[1], "x", 1), 1);
    p2p_wires_watch(f->wires, console[0]);
    board_sees(f, 400, 7, 1, 1); /* no probe there, and yet a time */
    advance(f, 1000);
    assert_int_equal(now_ns(f), 400);
    close(console[0]);
    close(console[1]);
}

static void a_console_with_bytes_comes_first(void **state)
{
    struct fixture *f = *state;
    int console[2];

    attach(f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, console), 0);
    assert_int_equal(write(console[1], "x", 1), 1);
    p2p_wires_watch(f->wires, console[0]);
    advance(f, 1000);
    advance(f, 1000); /* the same run goes on */
    board_hears_run(f, 1000);
    board_hears_nothing(f);
    assert_int_equal(now_ns(f), 0);
    p2p_wires_watch(f->wires, -1);
    board_pauses(f, 1000);
    advance(f, 1000);
    assert_int_equal(now_ns(f), 1000);
    board_hears_nothing(f);
    close(console[0]);
    close(console[1]);
}

static void only_the_wired_lines_have_a_probe(void **state)
{
    struct fixture *f = *state;
    struct p2p_edge edges[8];

    attach(f);
    board_sees(f, 10, 0, 1, 0);
    board_sees(f, 20, 1, 1, 1);
    board_sees(f, 30, 2, 1, 0); /* the query line */
    board_sees(f, 31, 0, 0, 1); /* the board drives our line */
    board_sees(f, 32, 1, 1, 0); /* we drive the board's line */
    board_sees(f, 33, 7, 1, 1);
    board_sees(f, 34, 1, 1, 2); /* neither drives it */
    board_sees(f, 40, 0, 0, 0);
    board_pauses(f, 50);
    advance(f, 50);
    assert_int_equal(read_edges(f, edges, 8), 3);
    assert_edge(&edges[0], 10, P2P_CHANNEL_STIMULUS, 1);
    assert_edge(&edges[1], 20, P2P_CHANNEL_ANSWER, 1);
    assert_edge(&edges[2], 40, P2P_CHANNEL_STIMULUS, 0);
}

static void edges_come_in_order_in_pieces(void **state)
{
    struct fixture *f = *state;
    struct p2p_edge edges[8];

    attach(f);
    for (uint64_t i = 1; i <= 5; i++) {
        board_sees(f, 10 * i, 1, i % 2, 1);
    }
    board_pauses(f, 50);
    advance(f, 50);
    assert_int_equal(read_edges(f, edges, 3), 3);
    assert_edge(&edges[2], 30, P2P_CHANNEL_ANSWER, 1);
    board_sees(f, 60, 1, 0, 1);
    board_pauses(f, 60);
    advance(f, 60);
    assert_int_equal(read_edges(f, edges, 8), 3);
    assert_edge(&edges[0], 40, P2P_CHANNEL_ANSWER, 0);
    assert_edge(&edges[1], 50, P2P_CHANNEL_ANSWER, 1);
    assert_edge(&edges[2], 60, P2P_CHANNEL_ANSWER, 0);
    assert_int_equal(read_edges(f, edges, 8), 0);
}

static void many_edges_are_to_be_read_first(void **state)
{
    static struct p2p_edge edges[TWO_FRAMES];
    struct fixture *f = *state;

    attach(f);
    board_sees(f, 1, 1, 1, 1);
    board_babbles(f, 2);
    board_pauses(f, 9000);
    advance(f, 9000);
    assert_int_equal(now_ns(f), 1 + FRAME_EDGES); /* the pause is still to come */
    advance(f, 9000);
    assert_int_equal(now_ns(f), 1 + FRAME_EDGES);
    assert_int_equal(read_edges(f, edges, TWO_FRAMES), 1 + FRAME_EDGES);
    for (size_t i = 0; i <= FRAME_EDGES; i++) {
        assert_int_equal(edges[i].ticks, i + 1);
    }
    advance(f, 9000);
    assert_int_equal(now_ns(f), 9000);
    board_hears_run(f, 9000);
    board_hears_nothing(f);
}

static void a_board_that_dies_is_said(void **state)
{
    struct fixture *f = *state;

    attach(f);
    hang_up(f);
    assert_no_advance(f, P2P_E_BENCH, "the virtual board is gone");
}

static void a_board_that_stalls_is_said(void **state)
{
    struct fixture *f = *state;
    int64_t before_ns;

    attach(f);
    before_ns = p2p_monotonic_ns();
    assert_no_advance(f, P2P_E_BENCH, "no progress for 1 s");
    assert_true(p2p_monotonic_ns() - before_ns >= 1000000000);
}

static void stop_interrupts_advance(void **state)
{
    struct fixture *f = *state;

    attach(f);
    board_pauses(f, 1000);
    assert_int_equal(write(f->stop[1], "x", 1), 1);
    assert_no_advance(f, P2P_E_INTERRUPTED, "interrupted");
}

static void a_detached_board_is_gone(void **state)
{
    struct fixture *f = *state;
    struct p2p_edge edge;
    uint8_t byte;

    attach(f);
    board_sees(f, 10, 1, 1, 1);
    board_pauses(f, 20);
    advance(f, 20);
    board_hears_run(f, 20);
    p2p_wires_detach(f->wires);
    p2p_wires_detach(f->wires);
    assert_int_equal(read(f->board, &byte, 1), 0);
    assert_int_equal(read_edges(f, &edge, 1), 0);
    assert_no_advance(f, P2P_E_BENCH, "the virtual board is gone");
}

/* ---- play ---- */

static void lines_go_out_by_their_pins(void **state)
{
    static const struct p2p_drive drives[] = {{.at_ns = 0x0102030405060708, .line = P2P_LINE_STIMULUS, .level = 1},
                                              {.at_ns = 0x0102030405060709, .line = P2P_LINE_QUERY, .level = 0}};
    static const uint8_t expected[] = {32, 0, 0, 0, EDGES, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 0, 0,
                                       0,  0, 0, 0, 9,     7, 6, 5, 4, 3, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0};
    struct fixture *f = *state;

    attach(f);
    assert_int_equal(f->stimulus.play(f->stimulus.self, drives, 2, &f->error), P2P_OK);
    board_hears(f, expected, sizeof expected);
    assert_int_equal(f->stimulus.play(f->stimulus.self, NULL, 0, &f->error), P2P_OK);
    board_hears_nothing(f);
}

enum { MANY = 2 * FRAME_EDGES + 1 };

/* The board takes its time; 0: all frames are as they should be. */
static int slow_board(int fd)
{
    static const uint32_t sizes[] = {FRAME_BYTES, FRAME_BYTES, 16};
    static uint8_t payload[FRAME_BYTES];
    uint8_t header[8], expected[8], record[16];
    uint64_t at_ns = 0;

    usleep(50000);
    for (size_t i = 0; i < 3; i++) {
        put(expected, sizes[i], 4);
        put(expected + 4, EDGES, 4);
        if (__real_recv(fd, header, 8, MSG_WAITALL) != 8 || memcmp(header, expected, 8) != 0 ||
            __real_recv(fd, payload, sizes[i], MSG_WAITALL) != (ssize_t)sizes[i]) {
            return 1;
        }
        for (size_t at = 0; at < sizes[i]; at += 16, at_ns++) {
            put_record(record, at_ns, 0, at_ns % 2, 0);
            if (memcmp(payload + at, record, 16) != 0) {
                return 2;
            }
        }
    }
    return __real_recv(fd, header, 1, 0) == 0 ? 0 : 3;
}

static struct p2p_drive *many_drives(void)
{
    struct p2p_drive *drives = calloc(MANY, sizeof *drives);

    assert_non_null(drives);
    for (uint64_t i = 0; i < MANY; i++) {
        drives[i] = (struct p2p_drive){.at_ns = i, .line = P2P_LINE_STIMULUS, .level = i % 2};
    }
    return drives;
}

static void many_edges_go_out_in_full_frames(void **state)
{
    struct fixture *f = *state;
    struct p2p_drive *drives = many_drives();
    int small = 4096, status = -1;
    pid_t child;

    attach(f);
    assert_int_equal(setsockopt(f->host, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(f->host);
        _exit(slow_board(f->board));
    }
    assert_int_equal(f->stimulus.play(f->stimulus.self, drives, MANY, &f->error), P2P_OK);
    p2p_wires_detach(f->wires);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free(drives);
}

static void a_board_that_does_not_read_stops_play(void **state)
{
    struct fixture *f = *state;
    struct p2p_drive *drives = many_drives();
    int small = 4096;

    attach(f);
    assert_int_equal(setsockopt(f->host, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    assert_int_equal(f->stimulus.play(f->stimulus.self, drives, MANY, &f->error), P2P_E_BENCH);
    assert_error(f, P2P_E_BENCH, "no progress for 1 s");
    f->error = (struct p2p_error){0};
    assert_int_equal(write(f->stop[1], "x", 1), 1);
    assert_int_equal(f->stimulus.play(f->stimulus.self, drives, MANY, &f->error), P2P_E_INTERRUPTED);
    hang_up(f);
    f->error = (struct p2p_error){0};
    assert_int_equal(f->stimulus.play(f->stimulus.self, drives, MANY, &f->error), P2P_E_BENCH);
    assert_error(f, P2P_E_BENCH, "the virtual board is gone");
    free(drives);
}

/* ---- the example of the specification ---- */

static void play_example(struct fixture *f)
{
    static const struct p2p_drive drives[] = {{.at_ns = 1000000, .line = P2P_LINE_STIMULUS, .level = 1},
                                              {.at_ns = 1050000, .line = P2P_LINE_STIMULUS, .level = 0}};
    struct spec_example example = {0};
    struct p2p_edge edges[4];

    assert_true(spec_example_load(&example));
    attach(f);
    assert_int_equal(write(f->board, example.board, sizeof example.board), sizeof example.board);
    assert_int_equal(f->stimulus.play(f->stimulus.self, drives, 2, &f->error), P2P_OK);
    advance(f, 2000000);
    board_hears(f, example.host, sizeof example.host);
    assert_int_equal(now_ns(f), 2000000);
    assert_int_equal(read_edges(f, edges, 4), 3);
    assert_edge(&edges[0], 1000000, P2P_CHANNEL_STIMULUS, 1);
    assert_edge(&edges[1], 1003883, P2P_CHANNEL_ANSWER, 1);
    assert_edge(&edges[2], 1050000, P2P_CHANNEL_STIMULUS, 0);
}

static void the_specs_example_is_true(void **state)
{
    play_example(*state);
}

static void short_and_interrupted_calls_are_continued(void **state)
{
    longest = 3;
    interrupt = true;
    play_example(*state);
}

static void no_memory_is_null(void **state)
{
    (void)state;
    no_memory = true;
    assert_null(p2p_wires_new(&pins, 1, -1));
    no_memory = false;
    p2p_wires_free(NULL);
}

#define WITH_A_BOARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_BOARD(attach_ends_at_the_first_pause),
        WITH_A_BOARD(a_hello_of_another_version_is_refused),
        WITH_A_BOARD(a_hello_of_another_size_is_refused),
        WITH_A_BOARD(hello_comes_first),
        WITH_A_BOARD(hello_comes_once),
        WITH_A_BOARD(a_fault_may_stand_for_hello),
        WITH_A_BOARD(the_end_within_the_greeting_is_said),
        WITH_A_BOARD(edges_before_the_first_pause_have_a_limit),
        WITH_A_BOARD(a_silent_board_is_given_up_after_stall_s),
        WITH_A_BOARD(stop_interrupts_attach),
        WITH_A_BOARD(attach_detaches_the_board_before),
        WITH_A_BOARD(an_unknown_type_is_refused),
        WITH_A_BOARD(a_frame_of_our_own_type_is_refused),
        WITH_A_BOARD(a_pause_of_another_size_is_refused),
        WITH_A_BOARD(a_broken_record_is_refused),
        WITH_A_BOARD(a_level_beyond_1_is_refused),
        WITH_A_BOARD(an_oversize_frame_is_refused_unread),
        WITH_A_BOARD(a_fault_in_mid_run_is_told_in_its_words),
        WITH_A_BOARD(time_passes_to_the_pause),
        WITH_A_BOARD(the_time_of_an_edge_is_now),
        WITH_A_BOARD(a_console_with_bytes_comes_first),
        WITH_A_BOARD(only_the_wired_lines_have_a_probe),
        WITH_A_BOARD(edges_come_in_order_in_pieces),
        WITH_A_BOARD(many_edges_are_to_be_read_first),
        WITH_A_BOARD(a_board_that_dies_is_said),
        WITH_A_BOARD(a_board_that_stalls_is_said),
        WITH_A_BOARD(stop_interrupts_advance),
        WITH_A_BOARD(a_detached_board_is_gone),
        WITH_A_BOARD(lines_go_out_by_their_pins),
        WITH_A_BOARD(many_edges_go_out_in_full_frames),
        WITH_A_BOARD(a_board_that_does_not_read_stops_play),
        WITH_A_BOARD(the_specs_example_is_true),
        WITH_A_BOARD(short_and_interrupted_calls_are_continued),
        cmocka_unit_test(no_memory_is_null),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
