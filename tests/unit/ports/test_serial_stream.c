/* SPDX-License-Identifier: MIT */
/*
 * Our code and the real libserialport over pseudo-terminals. What a pty has not (sysfs, modem lines, counters) is faked
 * below libserialport.
 */
#include "ports/serial_stream.h"
#include "util/deadline.h"

#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <linux/serial.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

enum { BAUD = 4000000, NAME_BYTES = 64 };

struct fixture {
    int probe;  /* the pty's master: the other end of the line */
    int beside; /* another descriptor of the port, for a look at it; -1: none */
    char name[NAME_BYTES];
};

/* What the port says of itself. */
static struct {
    int modem;                            /* TIOCM_... */
    struct serial_icounter_struct counts; /* told if `counting` */
    bool counting;
    speed_t rate; /* that the driver writes back; 0: what it was given */
    bool two_stop_bits;
    int open_errno, exclusive_errno, read_errno;
    int locks_fail_in;    /* as below */
    int settings_fail_in; /* the how manyth time; 0: never */
    enum sp_return details;
    char path[NAME_BYTES]; /* as libserialport was asked for it */
    bool calloc_fails, strdup_fails;
} port;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
ssize_t __real_read(int fd, void *bytes, size_t count);
ssize_t __wrap_read(int fd, void *bytes, size_t count);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
enum sp_return __wrap_get_port_details(struct sp_port *details);

int __wrap_open(const char *path, int flags, ...)
{
    errno = port.open_errno;
    return port.open_errno != 0 ? -1 : __real_open(path, flags);
}

int __wrap_flock(int fd, int operation)
{
    errno = EWOULDBLOCK;
    return (operation & LOCK_EX) != 0 && --port.locks_fail_in == 0 ? -1 : __real_flock(fd, operation);
}

ssize_t __wrap_read(int fd, void *bytes, size_t count)
{
    errno = port.read_errno;
    return port.read_errno != 0 ? -1 : __real_read(fd, bytes, count);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return port.calloc_fails ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    return port.strdup_fails ? NULL : __real_strdup(text);
}

enum sp_return __wrap_get_port_details(struct sp_port *details)
{
    snprintf(port.path, sizeof port.path, "%s", sp_get_port_name(details));
    return port.details;
}

static int failing(int errno_value)
{
    errno = errno_value;
    return errno_value == 0 ? 0 : -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    void *argument;
    int result;

    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    switch (request) {
    case TIOCMGET:
        *(int *)argument = port.modem;
        return port.modem < 0 ? failing(ENOTTY) : 0;
    case TIOCMBIS:
    case TIOCMBIC:
        return 0;
    case TIOCGICOUNT:
        *(struct serial_icounter_struct *)argument = port.counts;
        return port.counting ? 0 : failing(ENOTTY);
    case TIOCEXCL:
        return port.exclusive_errno != 0 ? failing(port.exclusive_errno) : __real_ioctl(fd, request, argument);
    case TCSETS2:
        return --port.settings_fail_in == 0 ? failing(EIO) : __real_ioctl(fd, request, argument);
    case TCGETS2:
        result = __real_ioctl(fd, request, argument);
        if (port.rate != 0) {
            ((struct termios2 *)argument)->c_ospeed = port.rate;
        }
        ((struct termios2 *)argument)->c_cflag |= port.two_stop_bits ? CSTOPB : 0;
        return result;
    default:
        return __real_ioctl(fd, request, argument);
    }
}

/* ---- The pty ---- */

static int set_up(void **state)
{
    static struct fixture f;

    memset(&port, 0, sizeof port);
    port.modem = TIOCM_CTS;
    f.probe = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (f.probe < 0 || grantpt(f.probe) != 0 || unlockpt(f.probe) != 0 ||
        ptsname_r(f.probe, f.name, sizeof f.name) != 0) {
        return -1;
    }
    f.beside = open(f.name, O_RDWR | O_NOCTTY);
    *state = &f;
    return f.beside < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    memset(&port, 0, sizeof port);
    if (f->beside >= 0) {
        close(f->beside);
    }
    if (f->probe >= 0) {
        close(f->probe);
    }
    return 0;
}

/* The lowest that is free: a leak shows in it. */
static int next_fd(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return fd;
}

static struct termios2 settings_of(const struct fixture *f)
{
    struct termios2 settings;

    assert_int_equal(__real_ioctl(f->beside, TCGETS2, &settings), 0);
    return settings;
}

static bool is_exclusive(const struct fixture *f)
{
    int exclusive = -1;

    assert_int_equal(__real_ioctl(f->beside, TIOCGEXCL, &exclusive), 0);
    return exclusive != 0;
}

/* ---- The stream ---- */

static struct p2p_byte_stream open_at(const char *name, uint32_t baud)
{
    struct p2p_byte_stream stream = {0};
    struct p2p_error error = {0};
    enum p2p_code code = p2p_serial_stream_open(name, baud, &stream, &error);

    assert_string_equal(error.message, "");
    assert_int_equal(code, P2P_OK);
    return stream;
}

static struct p2p_byte_stream open_stream(const struct fixture *f)
{
    return open_at(f->name, BAUD);
}

/* Of `message` "%s" is the port's name. */
static void assert_refused(const char *name, enum p2p_code code, const char *format)
{
    struct p2p_byte_stream stream;
    struct p2p_error error = {0};
    char expected[512];
    const char *mark = strstr(format, "%s");
    int fd = next_fd();

    snprintf(expected, sizeof expected, "%s%s", name, mark == NULL ? format : "");
    if (mark != NULL) {
        snprintf(expected, sizeof expected, "%s%.*s%s%s", name, (int)(mark - format), format, name, mark + 2);
    }
    assert_int_equal(p2p_serial_stream_open(name, BAUD, &stream, &error), code);
    assert_string_equal(error.message, expected);
    assert_int_equal(next_fd(), fd);
}

/* Waits for the pty, whose bytes pass through a kernel thread, for a second at most. */
static void assert_reads(struct p2p_byte_stream *stream, const void *expected, size_t size)
{
    struct p2p_deadline deadline = p2p_deadline_in_ms(1000);
    struct p2p_error error = {0};
    uint8_t got[512];
    size_t total = 0;

    assert_true(size < sizeof got);
    while (total < size && p2p_deadline_left_ms(deadline) > 0) {
        struct pollfd fds[P2P_STREAM_FDS_MAX];
        size_t count;

        assert_int_equal(stream->poll_fds(stream->self, fds), 1);
        p2p_wait_fds(fds, 1, -1, deadline);
        assert_int_equal(stream->read(stream->self, got + total, sizeof got - total, &count, &error), P2P_OK);
        total += count;
    }
    assert_int_equal(total, size);
    assert_memory_equal(got, expected, size);
}

static void assert_reads_nothing(struct p2p_byte_stream *stream)
{
    struct p2p_error error = {0};
    uint8_t byte;
    size_t count = 99;

    assert_int_equal(stream->read(stream->self, &byte, 1, &count, &error), P2P_OK);
    assert_int_equal(count, 0);
}

static void assert_fails(struct p2p_byte_stream *stream, const char *name, const char *message)
{
    for (int i = 0; i < 3; i++) { /* the error stands */
        struct p2p_error error = {0};
        uint8_t bytes[8];
        size_t count = 99;

        assert_int_equal(stream->read(stream->self, bytes, sizeof bytes, &count, &error), P2P_E_BENCH);
        assert_int_equal(count, 0);
        assert_int_equal(strncmp(error.message, name, strlen(name)), 0);
        assert_string_equal(error.message + strlen(name), message);
    }
}

static void send_text(const struct fixture *f, const char *text)
{
    struct pollfd one = {.fd = f->beside, .events = POLLIN};

    assert_int_equal(write(f->probe, text, strlen(text)), strlen(text));
    poll(&one, 1, 1000); /* until it is there */
}

/* ---- Tests ---- */

static void all_bytes_go_both_ways_as_they_are(void **state)
{
    struct fixture *f = *state;
    struct p2p_byte_stream stream = open_stream(f);
    struct p2p_error error = {0};
    struct pollfd one = {.fd = f->probe, .events = POLLIN};
    uint8_t all[256], got[300];

    for (int i = 0; i < 256; i++) {
        all[i] = (uint8_t)i;
    }
    assert_reads_nothing(&stream);
    assert_int_equal(write(f->probe, all, sizeof all), sizeof all);
    assert_reads(&stream, all, sizeof all);
    assert_reads_nothing(&stream);
    assert_int_equal(stream.write(stream.self, all, sizeof all, &error), P2P_OK);
    assert_int_equal(stream.write(stream.self, all, 0, &error), P2P_OK);
    assert_int_equal(poll(&one, 1, 1000), 1);
    assert_int_equal(__real_read(f->probe, got, sizeof got), sizeof all); /* and no echo of the above */
    assert_memory_equal(got, all, sizeof all);
    stream.close(stream.self);
}

static void the_port_is_given_back_as_it_was(void **state)
{
    struct fixture *f = *state;
    struct termios2 before = settings_of(f);
    int fd = next_fd();
    struct p2p_byte_stream stream = open_stream(f);
    struct termios2 during = settings_of(f);
    struct termios2 after;

    assert_int_equal(before.c_ospeed, 38400);
    assert_int_equal(before.c_lflag & (ICANON | ECHO), ICANON | ECHO);
    assert_int_equal(during.c_ospeed, BAUD);
    assert_int_equal(during.c_ispeed, BAUD);
    assert_int_equal(during.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS), CS8 | CRTSCTS);
    assert_int_equal(during.c_lflag & (ICANON | ECHO | ISIG | IEXTEN), 0);
    assert_int_equal(during.c_iflag & (IXON | IXOFF | ICRNL | INLCR | IGNCR | ISTRIP), 0);
    assert_int_equal(during.c_oflag & OPOST, 0);
    assert_true(is_exclusive(f));
    stream.close(stream.self);
    after = settings_of(f);
    assert_memory_equal(&after, &before, sizeof before);
    assert_false(is_exclusive(f));
    assert_int_equal(next_fd(), fd);
}

static void without_cts_there_is_no_flow_control(void **state)
{
    struct fixture *f = *state;
    struct p2p_byte_stream stream;

    port.modem = 0;
    stream = open_stream(f);
    assert_int_equal(settings_of(f).c_cflag & CRTSCTS, 0);
    stream.close(stream.self);
}

static void any_rate_is_set(void **state)
{
    static const uint32_t rates[] = {9600, 115200, 250000, 3333333, 4000000, 8000000, 12000000};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct p2p_byte_stream stream = open_at(f->name, rates[i]);

        assert_int_equal(settings_of(f).c_ospeed, rates[i]);
        stream.close(stream.self);
    }
}

static void a_rate_that_the_driver_changes_is_refused(void **state)
{
    struct fixture *f = *state;
    struct p2p_byte_stream stream;

    port.rate = 3950000;
    assert_refused(f->name, P2P_E_INPUT,
                   ": cannot do 4000000 baud: its driver made it 3950000 (see \"baud\" in the bench file)");
    assert_false(is_exclusive(f));
    port.rate = 4050000;
    assert_refused(f->name, P2P_E_INPUT,
                   ": cannot do 4000000 baud: its driver made it 4050000 (see \"baud\" in the bench file)");
    port.rate = 4040000;
    stream = open_stream(f);
    stream.close(stream.self);
}

static void settings_that_do_not_take_are_told(void **state)
{
    struct fixture *f = *state;

    port.two_stop_bits = true;
    assert_refused(f->name, P2P_E_INPUT, ": cannot do 8N1");
    port.two_stop_bits = false;
    port.settings_fail_in = 1;
    assert_refused(f->name, P2P_E_BENCH, ": cannot set its baud rate and 8N1: Input/output error");
    port.settings_fail_in = 5; /* libserialport sets the rate, and again with each of 8, N and 1 */
    assert_refused(f->name, P2P_E_BENCH, ": cannot set its flow control: Input/output error");
}

static void a_second_opener_is_refused_and_disturbs_nothing(void **state)
{
    struct fixture *f = *state;
    struct p2p_byte_stream first = open_stream(f);
    struct termios2 before = settings_of(f);
    struct termios2 after;

    port.path[0] = '\0';
    assert_refused(f->name, P2P_E_BENCH, ": another program holds it: `fuser -v %s` tells which");
    assert_string_equal(port.path, ""); /* libserialport, which changes settings at once, was not let near */
    after = settings_of(f);
    assert_memory_equal(&after, &before, sizeof before);
    send_text(f, "mine");
    assert_reads(&first, "mine", 4);
    first.close(first.self);
    first = open_stream(f);
    first.close(first.self);
}

/* Between our look and our lock. */
static void a_port_that_is_taken_in_between_is_left_alone(void **state)
{
    struct fixture *f = *state;
    int waiting = 0;

    send_text(f, "theirs\n");
    assert_int_equal(__real_ioctl(f->beside, TIOCEXCL), 0);
    port.locks_fail_in = 2;
    assert_refused(f->name, P2P_E_BENCH, ": another program holds it: `fuser -v %s` tells which");
    assert_true(is_exclusive(f));
    assert_int_equal(__real_ioctl(f->beside, FIONREAD, &waiting), 0);
    assert_int_equal(waiting, 7);
    assert_int_equal(settings_of(f).c_lflag & ICANON, 0); /* nothing was put back */
}

static void a_port_that_others_hold_is_told(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(flock(f->beside, LOCK_EX), 0);
    assert_refused(f->name, P2P_E_BENCH, ": another program holds it: `fuser -v %s` tells which");
    assert_int_equal(flock(f->beside, LOCK_UN), 0);
    port.open_errno = EBUSY; /* what TIOCEXCL does to those who are not root */
    assert_refused(f->name, P2P_E_BENCH, ": another program holds it: `fuser -v %s` tells which");
    port.open_errno = 0;
    port.exclusive_errno = EIO;
    assert_refused(f->name, P2P_E_BENCH, ": cannot lock: Input/output error");
}

static void a_link_to_the_port_is_followed(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/p2p-serial-XXXXXX";
    char link[sizeof folder + 8];
    struct p2p_byte_stream stream;

    assert_non_null(mkdtemp(folder));
    snprintf(link, sizeof link, "%s/by-id", folder);
    assert_int_equal(symlink(f->name, link), 0);
    stream = open_at(link, BAUD);
    assert_string_equal(port.path, f->name); /* as sysfs has it */
    stream.close(stream.self);
    unlink(link);
    rmdir(folder);
}

static void what_is_no_serial_port_is_told(void **state)
{
    (void)state;
    assert_refused("/dev/null", P2P_E_INPUT, ": not a serial port");
    assert_refused(P2P_SOURCE_DIR "/README.md", P2P_E_INPUT, ": not a serial port");
    assert_refused("/dev", P2P_E_BENCH, ": cannot open: Is a directory");
    assert_refused("/dev/none", P2P_E_BENCH,
                   ": no such serial port: is it plugged in (see `ls /dev/serial/by-id`): No such file or directory");
}

static void no_permission_is_told_with_the_group(void **state)
{
    struct fixture *f = *state;

    port.open_errno = EACCES;
    assert_refused(f->name, P2P_E_BENCH,
                   ": cannot open: join its group (often dialout) and log in again: Permission denied");
}

static void what_libserialport_refuses_is_told(void **state)
{
    struct fixture *f = *state;

    port.details = SP_ERR_ARG;
    assert_refused(f->name, P2P_E_INPUT, ": cannot open it: libserialport knows no such port or setting");
    port.details = SP_ERR_MEM;
    assert_refused(f->name, P2P_E_HOST, ": cannot open it: out of memory");
    port.details = SP_ERR_SUPP;
    assert_refused(f->name, P2P_E_INPUT, ": cannot open it: its driver does not support it");
    port.details = SP_OK;
    port.modem = -1;
    assert_refused(f->name, P2P_E_BENCH, ": cannot open it: Inappropriate ioctl for device");
}

static void no_memory_is_told(void **state)
{
    struct fixture *f = *state;

    port.calloc_fails = true;
    assert_refused(f->name, P2P_E_HOST, ": out of memory");
    port.calloc_fails = false;
    port.strdup_fails = true;
    assert_refused(f->name, P2P_E_HOST, ": out of memory");
}

static void a_port_that_hangs_up_is_told(void **state)
{
    struct fixture *f = *state;
    struct p2p_byte_stream stream = open_stream(f);
    struct p2p_error error = {0};

    send_text(f, "last");
    assert_reads(&stream, "last", 4);
    assert_reads_nothing(&stream);
    close(f->probe);
    f->probe = -1;
    assert_fails(&stream, f->name, ": the port hung up: it was unplugged");
    assert_int_equal(stream.write(stream.self, (const uint8_t *)"x", 1, &error), P2P_E_BENCH);
    assert_non_null(strstr(error.message, ": cannot write to it: Input/output error"));
    stream.close(stream.self);
}

static void a_read_that_fails_is_told(void **state)
{
    struct fixture *f = *state;
    struct p2p_byte_stream stream = open_stream(f);

    port.read_errno = ENXIO;
    assert_fails(&stream, f->name, ": the port hung up: it was unplugged");
    stream.close(stream.self);
    port.read_errno = 0;
    stream = open_stream(f);
    port.read_errno = EBADF;
    assert_fails(&stream, f->name, ": cannot read from it: Bad file descriptor");
    stream.close(stream.self);
}

static void losses_are_told_after_the_bytes_that_wait(void **state)
{
    static const char message[] = ": 2 bytes were lost or bad on the line (overrun, framing, parity, break): check "
                                  "the baud rate and the wiring of RTS and CTS, and whether the probe has restarted";
    int *const counters[] = {&port.counts.overrun, &port.counts.buf_overrun, &port.counts.frame, &port.counts.parity,
                             &port.counts.brk};
    struct fixture *f = *state;

    port.counting = true;
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        struct p2p_byte_stream stream;
        struct p2p_error error = {0};
        uint8_t bytes[2];
        size_t count;

        *counters[i] = 7; /* from before us */
        stream = open_stream(f);
        send_text(f, "first");
        assert_reads(&stream, "first", 5);
        send_text(f, "rest");
        *counters[i] += 2;
        assert_int_equal(stream.read(stream.self, bytes, 2, &count, &error), P2P_OK);
        assert_int_equal(count, 2);
        assert_memory_equal(bytes, "re", 2);
        send_text(f, "after");
        assert_reads(&stream, "st", 2);
        assert_fails(&stream, f->name, message);
        stream.close(stream.self);
    }
}

/* A board's power cycle breaks the line, each time. What else a port can have goes for a console, too. */
static void a_console_takes_a_damaged_line_as_it_is(void **state)
{
    struct fixture *f = *state;
    struct p2p_byte_stream stream = {0};
    struct p2p_error error = {0};

    port.counting = true;
    assert_int_equal(p2p_serial_console_open(f->name, 115200, &stream, &error), P2P_OK);
    assert_int_equal(settings_of(f).c_ospeed, 115200);
    port.counts.brk = port.counts.frame = port.counts.parity = 3;
    port.counts.overrun = port.counts.buf_overrun = 1;
    send_text(f, "U-Boot");
    assert_reads(&stream, "U-Boot", 6);
    port.counts.brk++;
    assert_reads_nothing(&stream);
    assert_refused(f->name, P2P_E_BENCH, ": another program holds it: `fuser -v %s` tells which");
    close(f->probe);
    f->probe = -1;
    assert_fails(&stream, f->name, ": the port hung up: it was unplugged");
    stream.close(stream.self);
    assert_int_equal(p2p_serial_console_open("/nonexistent", 115200, &stream, &error), P2P_E_BENCH);
    assert_non_null(strstr(error.message, "/nonexistent: no such serial port"));
}

static void a_driver_that_counts_nothing_will_do(void **state)
{
    struct fixture *f = *state;
    struct p2p_byte_stream stream = open_stream(f);

    port.counts.overrun = 5;
    send_text(f, "x");
    assert_reads(&stream, "x", 1);
    stream.close(stream.self);
}

static void a_write_that_is_not_taken_ends_in_time(void **state)
{
    static const uint8_t much[1 << 20];
    uint8_t got[1];
    size_t taken = 0, left = 0;
    struct fixture *f = *state;
    struct p2p_byte_stream stream = open_stream(f);
    struct p2p_error error = {0};
    int64_t start_ns = p2p_monotonic_ns();

    assert_int_equal(stream.write(stream.self, much, sizeof much, &error), P2P_E_BENCH);
    assert_in_range(p2p_monotonic_ns() - start_ns, 100000000, 900000000);
    assert_int_equal(sscanf(error.message + strlen(f->name), ": took %zu", &taken), 1);
    assert_non_null(strstr(error.message, " of 1048576 bytes in 100 ms: does the probe run, and let it send (CTS)?"));
    stream.close(stream.self);
    while (__real_read(f->probe, got, sizeof got) > 0) {
        left++;
    }
    assert_true(left < 8192 && taken > 8192); /* the rest was thrown away: on a real line it would hold the close */
}

#define WITH_A_PTY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_PTY(all_bytes_go_both_ways_as_they_are),
        WITH_A_PTY(the_port_is_given_back_as_it_was),
        WITH_A_PTY(without_cts_there_is_no_flow_control),
        WITH_A_PTY(any_rate_is_set),
        WITH_A_PTY(a_rate_that_the_driver_changes_is_refused),
        WITH_A_PTY(settings_that_do_not_take_are_told),
        WITH_A_PTY(a_second_opener_is_refused_and_disturbs_nothing),
        WITH_A_PTY(a_port_that_is_taken_in_between_is_left_alone),
        WITH_A_PTY(a_port_that_others_hold_is_told),
        WITH_A_PTY(a_link_to_the_port_is_followed),
        WITH_A_PTY(what_is_no_serial_port_is_told),
        WITH_A_PTY(no_permission_is_told_with_the_group),
        WITH_A_PTY(what_libserialport_refuses_is_told),
        WITH_A_PTY(no_memory_is_told),
        WITH_A_PTY(a_port_that_hangs_up_is_told),
        WITH_A_PTY(a_read_that_fails_is_told),
        WITH_A_PTY(losses_are_told_after_the_bytes_that_wait),
        WITH_A_PTY(a_console_takes_a_damaged_line_as_it_is),
        WITH_A_PTY(a_driver_that_counts_nothing_will_do),
        WITH_A_PTY(a_write_that_is_not_taken_ends_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
