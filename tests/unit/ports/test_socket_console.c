/* SPDX-License-Identifier: MIT */
#include "ports/socket_console.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

ssize_t __real_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);

static int recv_errno;

ssize_t __wrap_recv(int fd, void *data, size_t size, int flags)
{
    errno = recv_errno;
    return recv_errno != 0 ? -1 : __real_recv(fd, data, size, flags);
}

struct fixture {
    struct p2p_socket_console console;
    struct p2p_console port;
    int qemu; /* the other end */
};

static int set_up(void **state)
{
    static struct fixture fixture;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        return -1;
    }
    fixture.console.fd = pair[0];
    fixture.port = p2p_socket_console_port(&fixture.console);
    fixture.qemu = pair[1];
    recv_errno = 0;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->console.fd >= 0) {
        close(f->console.fd);
    }
    if (f->qemu >= 0) {
        close(f->qemu);
    }
    return 0;
}

static void assert_reads(struct fixture *f, size_t capacity, const char *expected)
{
    struct p2p_error error = {0};
    char bytes[64];
    size_t count = 99;

    assert_int_equal(f->port.read(f->port.self, bytes, capacity, &count, &error), P2P_OK);
    assert_int_equal(count, strlen(expected));
    assert_memory_equal(bytes, expected, count);
}

static void hang_up(struct fixture *f)
{
    close(f->qemu);
    f->qemu = -1;
}

static void what_has_come_is_read_without_waiting(void **state)
{
    struct fixture *f = *state;

    assert_reads(f, 64, "");
    assert_int_equal(write(f->qemu, "READY\n", 6), 6);
    assert_reads(f, 4, "READ");
    assert_reads(f, 64, "Y\n");
    assert_reads(f, 64, "");
    assert_true(f->console.fd >= 0);
}

static void the_end_closes_after_the_last_bytes(void **state)
{
    struct fixture *f = *state;
    int fd = f->console.fd;

    assert_int_equal(write(f->qemu, "bye", 3), 3);
    hang_up(f);
    assert_reads(f, 64, "bye");
    assert_reads(f, 64, "");
    assert_int_equal(f->console.fd, -1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_reads(f, 64, "");
}

/* QEMU dies with bytes of ours unread: the kernel resets the connection. */
static void a_reset_is_the_end_too(void **state)
{
    struct fixture *f = *state;
    struct p2p_error error = {0};

    assert_int_equal(f->port.write(f->port.self, "unread", &error), P2P_OK);
    hang_up(f);
    assert_reads(f, 64, "");
    assert_int_equal(f->console.fd, -1);
}

static void a_socket_that_fails_is_the_benchs_fault(void **state)
{
    struct fixture *f = *state;
    struct p2p_error error = {0};
    char bytes[4];
    size_t count = 99;

    recv_errno = EINTR;
    assert_reads(f, 4, "");
    recv_errno = EIO;
    assert_int_equal(f->port.read(f->port.self, bytes, sizeof bytes, &count, &error), P2P_E_BENCH);
    assert_int_equal(count, 0);
    assert_string_equal(error.message, "the console's socket: Input/output error");
}

static void text_is_typed_whole(void **state)
{
    struct fixture *f = *state;
    struct p2p_error error = {0};
    char bytes[8] = {0};

    assert_int_equal(f->port.write(f->port.self, "dump\n", &error), P2P_OK);
    assert_int_equal(read(f->qemu, bytes, sizeof bytes), 5);
    assert_string_equal(bytes, "dump\n");
}

static void assert_takes_no_input(struct fixture *f)
{
    struct p2p_error error = {0};

    assert_int_equal(f->port.write(f->port.self, "x", &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the console takes no input: QEMU is gone or hangs");
}

static void typing_to_nobody_is_said(void **state)
{
    struct fixture *f = *state;

    hang_up(f);
    assert_takes_no_input(f); /* and no SIGPIPE */
    assert_reads(f, 64, "");
    assert_takes_no_input(f);
}

static void a_board_that_does_not_read_is_said(void **state)
{
    struct fixture *f = *state;
    struct p2p_error error = {0};

    for (int i = 0; i < 100000 && f->port.write(f->port.self, "0123456789", &error) == P2P_OK; i++) {
    }
    assert_takes_no_input(f);
}

#define WITH_A_CONSOLE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_CONSOLE(what_has_come_is_read_without_waiting),
        WITH_A_CONSOLE(the_end_closes_after_the_last_bytes),
        WITH_A_CONSOLE(a_reset_is_the_end_too),
        WITH_A_CONSOLE(a_socket_that_fails_is_the_benchs_fault),
        WITH_A_CONSOLE(text_is_typed_whole),
        WITH_A_CONSOLE(typing_to_nobody_is_said),
        WITH_A_CONSOLE(a_board_that_does_not_read_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
