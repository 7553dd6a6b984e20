/* SPDX-License-Identifier: MIT */
/*
 * The host's end of the wires, with the test as the board: its frames are written into the other end of the socket
 * before they are asked for. Replaced at link time: recv and send (short, signals), calloc (no memory).
 */
#include "ports/wires.h"

#include "spec_example.h"
#include "util/deadline.h"
#include "wires_peer.h"

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

enum { TWO_FRAMES = 2 * FRAME_EDGES };

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

static void hang_up(struct fixture *f)
{
    close(f->board);
    f->board = -1;
}

/* ---- the host ---- */

static void attach(struct fixture *f)
{
    peer_greets(f->board);
    peer_pauses(f->board, 0);
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

/* A run and all that comes of it. */
static enum p2p_code try_run(struct fixture *f, uint64_t until_ns)
{
    enum p2p_code code = p2p_wires_run(f->wires, until_ns, &f->error);

    while (code == P2P_OK && p2p_wires_running(f->wires)) {
        code = p2p_wires_take(f->wires, &f->error);
    }
    return code;
}

static void run_until(struct fixture *f, uint64_t until_ns)
{
    if (try_run(f, until_ns) != P2P_OK) {
        fail_msg("%s", f->error.message);
    }
}

static void assert_no_run(struct fixture *f, enum p2p_code code, const char *part)
{
    assert_int_equal(try_run(f, 1000), code);
    assert_error(f, code, part);
}

static void take(struct fixture *f)
{
    if (p2p_wires_take(f->wires, &f->error) != P2P_OK) {
        fail_msg("%s", f->error.message);
    }
}

static uint64_t now_ns(const struct fixture *f)
{
    return p2p_wires_now_ns(f->wires);
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
    peer_hears_nothing(f->board);
    assert_false(p2p_wires_running(f->wires));
    assert_int_equal(p2p_wires_fd(f->wires), f->host);
}

static void a_hello_of_another_version_is_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t hello[12] = {2, 0, 8};

    peer_says(f->board, HELLO, hello, sizeof hello);
    assert_no_attach(f, P2P_E_BENCH, "protocol version 2, expected 1: build it again");
}

static void a_hello_of_another_size_is_refused(void **state)
{
    struct fixture *f = *state;
    static const uint8_t hello[11] = {1, 0, 8};

    peer_says(f->board, HELLO, hello, sizeof hello);
    assert_no_attach(f, P2P_E_BENCH, "protocol version");
}

static void hello_comes_first(void **state)
{
    struct fixture *f = *state;

    peer_pauses(f->board, 0);
    assert_no_attach(f, P2P_E_BENCH, "type 0x83; HELLO comes first");
}

static void hello_comes_once(void **state)
{
    struct fixture *f = *state;

    peer_greets(f->board);
    peer_greets(f->board);
    assert_no_attach(f, P2P_E_BENCH, "type 0x81; HELLO comes first, and once");
}

static void a_fault_may_stand_for_hello(void **state)
{
    struct fixture *f = *state;

    peer_says(f->board, FAULT, "QEMU 9.2 is too old", 19);
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
        assert_error(f, P2P_E_BENCH, "the virtual board is gone: its process ended in mid-run");
        assert_true(p2p_wires_board_gone(f->wires));
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
        peer_greets(f->board);
        for (int i = 0; i < 3; i++) {
            peer_babbles(f->board, 0, 1);
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

    peer_greets(f->board);
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
    peer_sees(f->board, 10, 1, 1, 1);
    peer_pauses(f->board, 500);
    run_until(f, 500);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    f->host = pair[0];
    f->board = pair[1];
    attach(f);
    peer_hears_nothing(f->board);
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
    peer_says(f->board, type, payload, size);
    assert_no_run(f, P2P_E_BENCH, part);
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
    assert_bad_frame(*state, PAUSED, "1234567", 7, "a frame of type 0x83 with 7 bytes, expected PAUSED with 8");
}

static void a_broken_record_is_refused(void **state)
{
    assert_bad_frame(*state, SEEN, "1234567890123456789012345678901", 31, "31 bytes of edges");
}

static void a_level_beyond_1_is_refused(void **state)
{
    struct fixture *f = *state;

    attach(f);
    peer_sees(f->board, 10, 5, 2, 0);
    assert_no_run(f, P2P_E_BENCH, "an edge with level 2");
}

static void an_oversize_frame_is_refused_unread(void **state)
{
    struct fixture *f = *state;
    static const uint8_t header[8] = {1, 0, 1, 0, SEEN};

    attach(f);
    assert_int_equal(write(f->board, header, sizeof header), sizeof header);
    assert_no_run(f, P2P_E_BENCH, "a frame of 65537 bytes, expected at most 65536");
}

static void a_fault_in_mid_run_is_told_in_its_words(void **state)
{
    assert_bad_frame(*state, FAULT, "out of memory", 13, "the virtual board: out of memory");
}

/* ---- runs ---- */

static void the_ideal_probe_is_always_ready(void **state)
{
    struct fixture *f = *state;
    const struct p2p_probe_info *info = f->probe.info(f->probe.self);

    assert_string_equal(info->name, "ideal");
    assert_int_equal(info->tick_hz, 1000000000);
    assert_memory_equal(&info->uncertainty, &(struct p2p_uncertainty){0}, sizeof info->uncertainty);
    attach(f);
    for (int request = P2P_PROBE_IDENTIFY; request <= P2P_PROBE_STOP; request++) {
        assert_int_equal(f->probe.request(f->probe.self, (enum p2p_probe_request)request, &f->error), P2P_OK);
        assert_true(f->probe.settled(f->probe.self));
    }
    peer_hears_nothing(f->board);
}

static void a_run_ends_at_the_pause(void **state)
{
    struct fixture *f = *state;

    attach(f);
    peer_pauses(f->board, 1000);
    run_until(f, 1000);
    peer_hears_run(f->board, 1000);
    assert_int_equal(now_ns(f), 1000);
    peer_hears_nothing(f->board);
    peer_pauses(f->board, 1001);
    run_until(f, 1001);
    peer_hears_run(f->board, 1001);
    assert_int_equal(now_ns(f), 1001);
}

static void a_run_is_not_waited_for(void **state)
{
    struct fixture *f = *state;

    attach(f);
    assert_int_equal(p2p_wires_run(f->wires, 1000, &f->error), P2P_OK);
    assert_true(p2p_wires_running(f->wires));
    assert_int_equal(now_ns(f), 0);
    peer_hears_run(f->board, 1000);
    peer_sees(f->board, 400, 7, 1, 1);
    take(f);
    assert_true(p2p_wires_running(f->wires));
    peer_pauses(f->board, 1000);
    take(f);
    assert_false(p2p_wires_running(f->wires));
}

static void the_time_of_an_edge_is_now(void **state)
{
    struct fixture *f = *state;

    attach(f);
    assert_int_equal(p2p_wires_run(f->wires, 1000, &f->error), P2P_OK);
    peer_sees(f->board, 400, 7, 1, 1); /* no probe there, and yet a time */
    take(f);
    assert_int_equal(now_ns(f), 400);
}

static void assert_record(const struct wires_record *record, uint64_t at_ns, uint8_t line, uint8_t level,
                          uint8_t source)
{
    assert_int_equal(record->at_ns, at_ns);
    assert_int_equal(record->line, line);
    assert_int_equal(record->level, level);
    assert_int_equal(record->source, source);
}

static void the_latest_frame_is_there_for_others(void **state)
{
    struct fixture *f = *state;
    const struct wires_record *records;
    uint8_t two[2 * RECORD_BYTES];
    size_t count = SIZE_MAX;

    attach(f);
    p2p_wires_records(f->wires, &count);
    assert_int_equal(count, 0);
    peer_put_edge(two, &(struct peer_edge){400, 7, 1, 1}); /* of any line, whoever drives it */
    peer_put_edge(two + RECORD_BYTES, &(struct peer_edge){401, 1, 0, 0});
    peer_says(f->board, SEEN, two, sizeof two);
    take(f);
    records = p2p_wires_records(f->wires, &count);
    assert_int_equal(count, 2);
    assert_record(&records[0], 400, 7, 1, 1);
    assert_record(&records[1], 401, 1, 0, 0);
    peer_pauses(f->board, 500);
    take(f);
    p2p_wires_records(f->wires, &count);
    assert_int_equal(count, 0);
}

static void a_full_probe_says_so_until_it_is_read(void **state)
{
    static struct p2p_edge edges[TWO_FRAMES];
    struct fixture *f = *state;

    attach(f);
    for (uint64_t i = 1; i < FRAME_EDGES; i++) {
        peer_sees(f->board, i, 1, i % 2, 1);
        take(f);
    }
    assert_false(p2p_wires_full(f->wires));
    peer_sees(f->board, FRAME_EDGES, 1, 0, 1);
    take(f);
    assert_true(p2p_wires_full(f->wires));
    assert_int_equal(read_edges(f, edges, 1), 1);
    assert_false(p2p_wires_full(f->wires));
    peer_babbles(f->board, FRAME_EDGES + 1, 1); /* a whole frame still fits */
    take(f);
    assert_int_equal(read_edges(f, edges, TWO_FRAMES), TWO_FRAMES - 1);
    for (size_t i = 0; i < TWO_FRAMES - 1; i++) {
        assert_int_equal(edges[i].ticks, i + 2);
    }
}

static void stop_interrupts_a_run(void **state)
{
    struct fixture *f = *state;

    attach(f);
    assert_int_equal(write(f->stop[1], "x", 1), 1);
    assert_no_run(f, P2P_E_INTERRUPTED, "interrupted");
}

static void only_the_wired_lines_have_a_probe(void **state)
{
    struct fixture *f = *state;
    struct p2p_edge edges[8];

    attach(f);
    peer_sees(f->board, 10, 0, 1, 0);
    peer_sees(f->board, 20, 1, 1, 1);
    peer_sees(f->board, 30, 2, 1, 0); /* the query line */
    peer_sees(f->board, 31, 0, 0, 1); /* the board drives our line */
    peer_sees(f->board, 32, 1, 1, 0); /* we drive the board's line */
    peer_sees(f->board, 33, 7, 1, 1);
    peer_sees(f->board, 34, 1, 1, 2); /* neither drives it */
    peer_sees(f->board, 40, 0, 0, 0);
    peer_pauses(f->board, 50);
    run_until(f, 50);
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
        peer_sees(f->board, 10 * i, 1, i % 2, 1);
    }
    peer_pauses(f->board, 50);
    run_until(f, 50);
    assert_int_equal(read_edges(f, edges, 3), 3);
    assert_edge(&edges[2], 30, P2P_CHANNEL_ANSWER, 1);
    peer_sees(f->board, 60, 1, 0, 1);
    peer_pauses(f->board, 60);
    run_until(f, 60);
    assert_int_equal(read_edges(f, edges, 8), 3);
    assert_edge(&edges[0], 40, P2P_CHANNEL_ANSWER, 0);
    assert_edge(&edges[1], 50, P2P_CHANNEL_ANSWER, 1);
    assert_edge(&edges[2], 60, P2P_CHANNEL_ANSWER, 0);
    assert_int_equal(read_edges(f, edges, 8), 0);
}

static void a_board_that_dies_is_said(void **state)
{
    struct fixture *f = *state;

    attach(f);
    hang_up(f);
    assert_no_run(f, P2P_E_BENCH, "the virtual board is gone");
}

static void a_board_that_stalls_is_said(void **state)
{
    struct fixture *f = *state;
    int64_t before_ns;

    attach(f);
    before_ns = p2p_monotonic_ns();
    assert_no_run(f, P2P_E_BENCH, "no progress for 1 s");
    assert_true(p2p_monotonic_ns() - before_ns >= 1000000000);
}

static void a_detached_board_is_gone(void **state)
{
    struct fixture *f = *state;
    struct p2p_edge edge;
    uint8_t byte;

    attach(f);
    peer_sees(f->board, 10, 1, 1, 1);
    peer_pauses(f->board, 20);
    run_until(f, 20);
    peer_hears_run(f->board, 20);
    p2p_wires_detach(f->wires);
    p2p_wires_detach(f->wires);
    assert_int_equal(read(f->board, &byte, 1), 0);
    assert_int_equal(read_edges(f, &edge, 1), 0);
    assert_no_run(f, P2P_E_BENCH, "the virtual board is gone");
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
    peer_hears(f->board, expected, sizeof expected);
    assert_int_equal(f->stimulus.play(f->stimulus.self, NULL, 0, &f->error), P2P_OK);
    peer_hears_nothing(f->board);
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
        peer_put(expected, sizes[i], 4);
        peer_put(expected + 4, EDGES, 4);
        if (__real_recv(fd, header, 8, MSG_WAITALL) != 8 || memcmp(header, expected, 8) != 0 ||
            __real_recv(fd, payload, sizes[i], MSG_WAITALL) != (ssize_t)sizes[i]) {
            return 1;
        }
        for (size_t at = 0; at < sizes[i]; at += 16, at_ns++) {
            peer_put_edge(record, &(struct peer_edge){at_ns, 0, at_ns % 2, 0});
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
    run_until(f, 2000000);
    peer_hears(f->board, example.host, sizeof example.host);
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
        WITH_A_BOARD(the_ideal_probe_is_always_ready),
        WITH_A_BOARD(a_run_ends_at_the_pause),
        WITH_A_BOARD(a_run_is_not_waited_for),
        WITH_A_BOARD(the_time_of_an_edge_is_now),
        WITH_A_BOARD(the_latest_frame_is_there_for_others),
        WITH_A_BOARD(only_the_wired_lines_have_a_probe),
        WITH_A_BOARD(edges_come_in_order_in_pieces),
        WITH_A_BOARD(a_full_probe_says_so_until_it_is_read),
        WITH_A_BOARD(a_board_that_dies_is_said),
        WITH_A_BOARD(a_board_that_stalls_is_said),
        WITH_A_BOARD(stop_interrupts_a_run),
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
