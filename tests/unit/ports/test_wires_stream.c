/* SPDX-License-Identifier: MIT */
/* Frames over a socket, with the test as the peer. Replaced at link time: recv and send (short, signals), poll. */
#include "ports/wires_stream.h"

#include "wires_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static size_t longest; /* bytes that one call of recv or send moves */
static bool interrupt; /* every second call fails with EINTR */
static bool poll_fails;

ssize_t __real_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
int __real_poll(struct pollfd *fds, nfds_t count, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int ms);

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

int __wrap_poll(struct pollfd *fds, nfds_t count, int ms)
{
    errno = ENOMEM;
    return poll_fails ? -1 : __real_poll(fds, count, ms);
}

struct fixture {
    struct p2p_wires_stream stream;
    struct p2p_wires_frame frame;
    struct p2p_error error;
    int peer;
    int stop[2]; /* a pipe */
};

static int set_up(void **state)
{
    static struct fixture f;
    int pair[2];

    longest = SIZE_MAX;
    interrupt = false;
    poll_fails = false;
    f = (struct fixture){0};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 || pipe(f.stop) != 0) {
        return -1;
    }
    f.stream = (struct p2p_wires_stream){.peer = "the peer", .stall_ms = 100, .stop_fd = f.stop[0], .fd = pair[0]};
    f.peer = pair[1];
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    p2p_wires_stream_close(&f->stream);
    close(f->peer);
    close(f->stop[0]);
    close(f->stop[1]);
    return 0;
}

static void assert_error(struct fixture *f, enum p2p_code code, const char *message)
{
    assert_int_equal(f->error.code, code);
    assert_string_equal(f->error.message, message);
    f->error = (struct p2p_error){0};
}

static enum p2p_code receive(struct fixture *f)
{
    return p2p_wires_receive(&f->stream, &f->frame, &f->error);
}

static void send_and_receive(struct fixture *f)
{
    static const uint8_t payload[] = {1, 2, 3, 4, 5}, expected[] = {5, 0, 0, 0, EDGES, 0, 0, 0, 1, 2, 3, 4, 5};

    assert_int_equal(p2p_wires_send(&f->stream, WIRES_EDGES, payload, sizeof payload, &f->error), P2P_OK);
    peer_hears(f->peer, expected, sizeof expected);
    peer_says(f->peer, SEEN, payload, sizeof payload);
    assert_int_equal(receive(f), P2P_OK);
    assert_int_equal(f->frame.type, WIRES_SEEN);
    assert_int_equal(f->frame.size, sizeof payload);
    assert_memory_equal(f->frame.payload, payload, sizeof payload);
}

static void frames_go_out_and_come_in(void **state)
{
    struct fixture *f = *state;

    send_and_receive(f);
    assert_int_equal(p2p_wires_send(&f->stream, WIRES_EDGES, NULL, 0, &f->error), P2P_OK);
    peer_hears(f->peer, (uint8_t[]){0, 0, 0, 0, EDGES, 0, 0, 0}, 8);
    assert_int_equal(p2p_wires_send_run(&f->stream, 0x0102030405060708, &f->error), P2P_OK);
    peer_hears_run(f->peer, 0x0102030405060708);
    peer_hears_nothing(f->peer);
}

static void short_and_interrupted_calls_are_continued(void **state)
{
    longest = 3;
    interrupt = true;
    send_and_receive(*state);
}

static void the_largest_frame_comes_whole_and_no_larger_one(void **state)
{
    struct fixture *f = *state;

    peer_babbles(f->peer, 7, 1);
    assert_int_equal(receive(f), P2P_OK);
    assert_int_equal(f->frame.size, FRAME_BYTES);
    assert_int_equal(peer_get_edge(f->frame.payload + FRAME_BYTES - RECORD_BYTES).at_ns, 7 + FRAME_EDGES - 1);
    assert_int_equal(write(f->peer, "\1\0\1\0\202\0\0\0", HEADER_BYTES), HEADER_BYTES);
    assert_int_equal(receive(f), P2P_E_BENCH);
    assert_error(f, P2P_E_BENCH, "the peer: a frame of 65537 bytes, expected at most 65536");
}

static void a_fault_is_told_in_its_words(void **state)
{
    struct fixture *f = *state;

    peer_says(f->peer, FAULT, "no luck", 7);
    assert_int_equal(receive(f), P2P_E_BENCH);
    assert_error(f, P2P_E_BENCH, "the peer: no luck");
    assert_false(f->stream.gone);
}

static void an_end_within_a_frame_is_an_end(void **state)
{
    static const uint8_t frame[] = {2, 0, 0, 0, SEEN, 0, 0, 0, 1, 2};
    struct fixture *f = *state;

    for (size_t cut = 0; cut < sizeof frame; cut++) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        p2p_wires_stream_close(&f->stream);
        f->stream.fd = pair[0];
        f->stream.gone = false;
        assert_int_equal(write(pair[1], frame, cut), cut);
        close(pair[1]);
        assert_int_equal(receive(f), P2P_E_BENCH);
        assert_error(f, P2P_E_BENCH, "the peer is gone: its process ended in mid-run");
        assert_true(f->stream.gone);
    }
    f->stream.gone = false;
    assert_int_equal(p2p_wires_send_run(&f->stream, 1, &f->error), P2P_E_BENCH);
    assert_error(f, P2P_E_BENCH, "the peer is gone: its process ended in mid-run");
    assert_true(f->stream.gone);
}

static void silence_is_told_also_within_a_frame(void **state)
{
    struct fixture *f = *state;
    int64_t before_ns = p2p_monotonic_ns();

    f->stream.stall_ms = 1000;
    assert_int_equal(write(f->peer, "\2\0\0\0\202\0\0\0\1", 9), 9);
    assert_int_equal(receive(f), P2P_E_BENCH);
    assert_error(f, P2P_E_BENCH, "the peer made no progress for 1 s (timeouts.stall_s)");
    assert_true(p2p_monotonic_ns() - before_ns >= 1000000000);
    assert_false(f->stream.gone);
}

static void a_peer_that_does_not_read_is_told(void **state)
{
    static const uint8_t payload[FRAME_BYTES];
    struct fixture *f = *state;
    enum p2p_code code = P2P_OK;

    for (int i = 0; i < 100 && code == P2P_OK; i++) { /* until the socket is full */
        code = p2p_wires_send(&f->stream, WIRES_EDGES, payload, sizeof payload, &f->error);
    }
    assert_error(f, P2P_E_BENCH, "the peer made no progress for 0 s (timeouts.stall_s)");
    assert_int_equal(write(f->stop[1], "x", 1), 1);
    assert_int_equal(p2p_wires_send_run(&f->stream, 1, &f->error), P2P_E_INTERRUPTED);
}

static void stop_ends_a_wait(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(write(f->stop[1], "x", 1), 1);
    assert_int_equal(receive(f), P2P_E_INTERRUPTED);
    assert_error(f, P2P_E_INTERRUPTED, "interrupted");
}

static void a_poll_that_fails_is_this_computers_fault(void **state)
{
    struct fixture *f = *state;

    poll_fails = true;
    assert_int_equal(receive(f), P2P_E_HOST);
    assert_error(f, P2P_E_HOST, "the peer: poll: Cannot allocate memory");
}

static void a_pause_has_a_time(void **state)
{
    struct fixture *f = *state;
    uint64_t at_ns = 0;

    peer_pauses(f->peer, 0x0102030405060708);
    assert_int_equal(receive(f), P2P_OK);
    assert_int_equal(p2p_wires_paused_at(&f->stream, &f->frame, &at_ns, &f->error), P2P_OK);
    assert_int_equal(at_ns, 0x0102030405060708);
    f->frame.size = 9;
    assert_int_equal(p2p_wires_paused_at(&f->stream, &f->frame, &at_ns, &f->error), P2P_E_BENCH);
    assert_error(f, P2P_E_BENCH, "the peer: a frame of type 0x83 with 9 bytes, expected PAUSED with 8");
    f->frame = (struct p2p_wires_frame){.type = WIRES_SEEN, .size = 8};
    assert_int_equal(p2p_wires_paused_at(&f->stream, &f->frame, &at_ns, &f->error), P2P_E_BENCH);
    assert_error(f, P2P_E_BENCH, "the peer: a frame of type 0x82 with 8 bytes, expected PAUSED with 8");
    assert_int_equal(at_ns, 0x0102030405060708);
}

static void close_is_for_once(void **state)
{
    struct fixture *f = *state;
    int fd = f->stream.fd;

    p2p_wires_stream_close(&f->stream);
    p2p_wires_stream_close(&f->stream);
    assert_int_equal(f->stream.fd, -1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(receive(f), P2P_E_BENCH); /* and nothing is there */
}

#define WITH_A_PEER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_PEER(frames_go_out_and_come_in),
        WITH_A_PEER(short_and_interrupted_calls_are_continued),
        WITH_A_PEER(the_largest_frame_comes_whole_and_no_larger_one),
        WITH_A_PEER(a_fault_is_told_in_its_words),
        WITH_A_PEER(an_end_within_a_frame_is_an_end),
        WITH_A_PEER(silence_is_told_also_within_a_frame),
        WITH_A_PEER(a_peer_that_does_not_read_is_told),
        WITH_A_PEER(stop_ends_a_wait),
        WITH_A_PEER(a_poll_that_fails_is_this_computers_fault),
        WITH_A_PEER(a_pause_has_a_time),
        WITH_A_PEER(close_is_for_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
