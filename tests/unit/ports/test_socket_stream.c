/* SPDX-License-Identifier: MIT */
/* The byte stream over a socket. Replaced at link time: malloc (no memory), recv (signals). */
#include "ports/socket_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static bool no_memory, interrupted;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
ssize_t __real_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);

void *__wrap_malloc(size_t size)
{
    return no_memory ? NULL : __real_malloc(size);
}

ssize_t __wrap_recv(int fd, void *data, size_t size, int flags)
{
    errno = EINTR;
    return interrupted ? -1 : __real_recv(fd, data, size, flags);
}

struct fixture {
    struct p2p_byte_stream stream;
    struct p2p_error error;
    int fd, peer;
};

static int set_up(void **state)
{
    static struct fixture f;
    int pair[2];

    f = (struct fixture){0};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        return -1;
    }
    f.fd = pair[0];
    f.peer = pair[1];
    *state = &f;
    return p2p_socket_stream_open(f.fd, &f.stream, &f.error) == P2P_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    f->stream.close(f->stream.self);
    close(f->peer);
    return fcntl(f->fd, F_GETFD) == -1 ? 0 : -1;
}

static void assert_reads(struct fixture *f, size_t capacity, const char *expected)
{
    uint8_t bytes[16];
    size_t count = SIZE_MAX;

    assert_int_equal(f->stream.read(f->stream.self, bytes, capacity, &count, &f->error), P2P_OK);
    assert_int_equal(count, strlen(expected));
    assert_memory_equal(bytes, expected, count);
}

static void bytes_come_in_pieces_and_are_not_waited_for(void **state)
{
    struct fixture *f = *state;

    assert_reads(f, 16, "");
    assert_int_equal(write(f->peer, "abcdef", 6), 6);
    assert_reads(f, 4, "abcd");
    interrupted = true;
    assert_reads(f, 4, "");
    interrupted = false;
    assert_reads(f, 16, "ef");
    assert_reads(f, 16, "");
}

static void what_came_before_the_end_comes_first(void **state)
{
    struct fixture *f = *state;
    uint8_t byte;
    size_t count = SIZE_MAX;

    assert_int_equal(write(f->peer, "abc", 3), 3);
    close(f->peer);
    f->peer = -1;
    assert_reads(f, 16, "abc");
    for (int i = 0; i < 2; i++) {
        f->error = (struct p2p_error){0};
        assert_int_equal(f->stream.read(f->stream.self, &byte, 1, &count, &f->error), P2P_E_BENCH);
        assert_int_equal(count, 0);
        assert_string_equal(f->error.message, "the probe's socket was closed at its other end");
    }
}

static void bytes_go_out_whole_or_not(void **state)
{
    static const uint8_t much[65536];
    struct fixture *f = *state;
    enum p2p_code code = P2P_OK;
    char bytes[4];

    assert_int_equal(f->stream.write(f->stream.self, (const uint8_t *)"abc", 3, &f->error), P2P_OK);
    assert_int_equal(read(f->peer, bytes, sizeof bytes), 3);
    assert_memory_equal(bytes, "abc", 3);
    for (int i = 0; i < 100 && code == P2P_OK; i++) { /* nobody reads */
        code = f->stream.write(f->stream.self, much, sizeof much, &f->error);
    }
    assert_int_equal(code, P2P_E_BENCH);
    assert_non_null(strstr(f->error.message, "the probe's socket takes no command"));
}

static void nobody_to_write_to_is_no_signal(void **state)
{
    struct fixture *f = *state;

    close(f->peer);
    f->peer = -1;
    assert_int_equal(f->stream.write(f->stream.self, (const uint8_t *)"abc", 3, &f->error), P2P_E_BENCH);
    assert_string_equal(f->error.message, "the probe's socket takes no command: Broken pipe");
}

static void bytes_wake_a_poll(void **state)
{
    struct fixture *f = *state;
    struct pollfd fds[P2P_STREAM_FDS_MAX];

    assert_int_equal(f->stream.poll_fds(f->stream.self, fds), 1);
    assert_int_equal(poll(fds, 1, 0), 0);
    assert_int_equal(write(f->peer, "x", 1), 1);
    assert_int_equal(poll(fds, 1, 0), 1);
}

static void without_memory_the_socket_is_closed(void **state)
{
    struct fixture *f = *state;
    struct p2p_byte_stream stream;
    int fd = dup(f->fd);

    no_memory = true;
    assert_int_equal(p2p_socket_stream_open(fd, &stream, &f->error), P2P_E_HOST);
    no_memory = false;
    assert_int_equal(fcntl(fd, F_GETFD), -1);
}

#define WITH_A_PEER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_PEER(bytes_come_in_pieces_and_are_not_waited_for),
        WITH_A_PEER(what_came_before_the_end_comes_first),
        WITH_A_PEER(bytes_go_out_whole_or_not),
        WITH_A_PEER(nobody_to_write_to_is_no_signal),
        WITH_A_PEER(bytes_wake_a_poll),
        WITH_A_PEER(without_memory_the_socket_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
