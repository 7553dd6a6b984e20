/* SPDX-License-Identifier: MIT */
/* libserialport sets the port up; what it does not know (losses, locks, who hung up) is asked of the kernel. */
#include "ports/serial_stream.h"

#include "util/deadline.h"

#include <asm/termbits.h> /* termios2: rates of any number. Not beside termios.h */
#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <linux/serial.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WRITE_MS = 100 };

struct serial_stream {
    char *name;   /* as given, for messages */
    int guard_fd; /* opened before libserialport and closed after it; -1: not open */
    struct termios2 settings_found;
    struct sp_port *port;
    int fd; /* the port's own; -1: not open, or not ours */
    bool counts_losses;
    int losses_before_us;
    struct p2p_error fault; /* stands behind the `left` bytes that were there when it was seen */
    size_t left;
};

/* ---- Errors ---- */

static enum p2p_code port_failed(const struct serial_stream *s, const char *doing, enum sp_return result,
                                 struct p2p_error *error)
{
    switch (result) {
    case SP_ERR_MEM:
        return p2p_error_set(error, P2P_E_HOST, "%s: cannot %s: out of memory", s->name, doing);
    case SP_ERR_ARG:
        return p2p_error_set(error, P2P_E_INPUT, "%s: cannot %s: libserialport knows no such port or setting", s->name,
                             doing);
    case SP_ERR_SUPP:
        return p2p_error_set(error, P2P_E_INPUT, "%s: cannot %s: its driver does not support it", s->name, doing);
    case SP_ERR_FAIL:
    case SP_OK:
        break;
    }
    return p2p_error_set_errno(error, P2P_E_BENCH, errno, "%s: cannot %s", s->name, doing);
}

static enum p2p_code held(const struct serial_stream *s, struct p2p_error *error)
{
    return p2p_error_set(error, P2P_E_BENCH, "%s: another program holds it: `fuser -v %s` tells which", s->name,
                         s->name);
}

static enum p2p_code cannot_open(const struct serial_stream *s, int errno_value, struct p2p_error *error)
{
    switch (errno_value) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
        return p2p_error_set_errno(error, P2P_E_BENCH, errno_value,
                                   "%s: no such serial port: is it plugged in (see `ls /dev/serial/by-id`)", s->name);
    case EACCES:
    case EPERM:
        return p2p_error_set_errno(error, P2P_E_BENCH, errno_value,
                                   "%s: cannot open: join its group (often dialout) and log in again", s->name);
    case EBUSY:
        return held(s, error);
    default:
        return p2p_error_set_errno(error, P2P_E_BENCH, errno_value, "%s: cannot open", s->name);
    }
}

/* ---- Opening ---- */

/* Before libserialport changes anything: is it ours to take, and how was it? */
static enum p2p_code look_before(struct serial_stream *s, struct p2p_error *error)
{
    int fd = open(s->name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0) {
        return cannot_open(s, errno, error);
    }
    if (ioctl(fd, TCGETS2, &s->settings_found) != 0) {
        close(fd);
        return p2p_error_set(error, P2P_E_INPUT, "%s: not a serial port", s->name);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return held(s, error);
    }
    flock(fd, LOCK_UN); /* from 0.1.2 on libserialport takes a lock itself */
    s->guard_fd = fd;
    return P2P_OK;
}

/* libserialport wants the name that sysfs has, so /dev/serial/by-id/... is followed first. */
static enum p2p_code open_port(struct serial_stream *s, struct p2p_error *error)
{
    char *path = realpath(s->name, NULL);
    enum sp_return result;

    if (path == NULL) {
        return cannot_open(s, errno, error);
    }
    result = sp_get_port_by_name(path, &s->port);
    free(path);
    if (result == SP_OK) {
        result = sp_open(s->port, SP_MODE_READ_WRITE);
    }
    if (result == SP_OK) {
        result = sp_get_port_handle(s->port, &s->fd);
    }
    return result == SP_OK ? P2P_OK : port_failed(s, "open it", result, error);
}

/* Flock for who asks, TIOCEXCL for who does not; root ignores the latter. */
static enum p2p_code lock(struct serial_stream *s, struct p2p_error *error)
{
    if (flock(s->fd, LOCK_EX | LOCK_NB) != 0) { /* somebody came in between: nothing here is ours to put back */
        close(s->guard_fd);
        s->guard_fd = -1;
        s->fd = -1;
        return held(s, error);
    }
    if (ioctl(s->fd, TIOCEXCL) != 0) {
        return p2p_error_set_errno(error, P2P_E_BENCH, errno, "%s: cannot lock", s->name);
    }
    return P2P_OK;
}

static enum sp_return set_frame(struct serial_stream *s, uint32_t baud)
{
    enum sp_return result = sp_set_baudrate(s->port, (int)baud);

    result = result != SP_OK ? result : sp_set_bits(s->port, 8);
    result = result != SP_OK ? result : sp_set_parity(s->port, SP_PARITY_NONE);
    return result != SP_OK ? result : sp_set_stopbits(s->port, 1);
}

/*
 * An open CTS would hold our commands for ever, so it decides. Not sp_set_flowcontrol: that of 0.1.1 sets CRTSCTS among
 * the wrong flags, to no effect.
 */
static enum p2p_code set_flow_control(const struct serial_stream *s, struct p2p_error *error)
{
    enum sp_signal signals = 0;
    struct termios2 settings;

    if (sp_get_signals(s->port, &signals) != SP_OK || ioctl(s->fd, TCGETS2, &settings) != 0) {
        return p2p_error_set_errno(error, P2P_E_BENCH, errno, "%s: cannot read its settings", s->name);
    }
    settings.c_iflag &= ~(tcflag_t)(IXON | IXOFF | IXANY);
    settings.c_cflag &= ~(tcflag_t)CRTSCTS;
    settings.c_cflag |= (signals & SP_SIG_CTS) != 0 ? CRTSCTS : 0;
    if (ioctl(s->fd, TCSETS2, &settings) != 0) {
        return p2p_error_set_errno(error, P2P_E_BENCH, errno, "%s: cannot set its flow control", s->name);
    }
    return P2P_OK;
}

/* Drivers take what they are given and write back what they made of it. */
static enum p2p_code check_settings(const struct serial_stream *s, uint32_t baud, struct p2p_error *error)
{
    struct termios2 now;
    uint32_t off;

    if (ioctl(s->fd, TCGETS2, &now) != 0) {
        return p2p_error_set_errno(error, P2P_E_BENCH, errno, "%s: cannot read its settings back", s->name);
    }
    off = now.c_ospeed > baud ? now.c_ospeed - baud : baud - now.c_ospeed;
    if (off > baud / 100) {
        return p2p_error_set(error, P2P_E_INPUT,
                             "%s: cannot do %u baud: its driver made it %u (see \"baud\" in the bench file)", s->name,
                             baud, now.c_ospeed);
    }
    if ((now.c_cflag & (CSIZE | PARENB | CSTOPB)) != CS8) {
        return p2p_error_set(error, P2P_E_INPUT, "%s: cannot do 8N1", s->name);
    }
    return P2P_OK;
}

static enum p2p_code configure(struct serial_stream *s, uint32_t baud, struct p2p_error *error)
{
    enum sp_return result = set_frame(s, baud);
    enum p2p_code code;

    if (result != SP_OK) {
        return port_failed(s, "set its baud rate and 8N1", result, error);
    }
    code = set_flow_control(s, error);
    if (code == P2P_OK) {
        code = check_settings(s, baud, error);
    }
    if (code == P2P_OK && sp_flush(s->port, SP_BUF_BOTH) != SP_OK) {
        code = p2p_error_set_errno(error, P2P_E_BENCH, errno, "%s: cannot purge its buffers", s->name);
    }
    return code;
}

/* ---- Reading ---- */

/* False: the driver does not count. */
static bool count_losses(int fd, int *losses)
{
    struct serial_icounter_struct counts;

    memset(&counts, 0, sizeof counts);
    if (ioctl(fd, TIOCGICOUNT, &counts) != 0) {
        return false;
    }
    *losses = counts.overrun + counts.buf_overrun + counts.frame + counts.parity + counts.brk;
    return true;
}

/* The counters run ahead of the bytes: those that wait already may be good, and are handed out first. */
static void look_for_losses(struct serial_stream *s)
{
    int losses = 0;
    int waiting;

    if (!s->counts_losses || !count_losses(s->fd, &losses) || losses == s->losses_before_us) {
        return;
    }
    waiting = sp_input_waiting(s->port);
    s->left = waiting > 0 ? (size_t)waiting : 0;
    p2p_error_set(&s->fault, P2P_E_BENCH,
                  "%s: %d bytes were lost or bad on the line (overrun, framing, parity, break): check the baud rate "
                  "and the wiring of RTS and CTS, and whether the probe has restarted",
                  s->name, losses - s->losses_before_us);
}

static bool is_hung_up(int fd)
{
    struct pollfd one = {.fd = fd};

    return poll(&one, 1, 0) > 0;
}

static enum p2p_code stream_read(void *self, uint8_t *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    struct serial_stream *s = self;
    bool hung_up = is_hung_up(s->fd); /* before reading: bytes from before it come first */
    int got = 0;

    *count = 0;
    if (s->fault.code == P2P_OK) {
        look_for_losses(s);
    }
    if (s->fault.code != P2P_OK && capacity > s->left) {
        capacity = s->left;
    }
    if (capacity > 0) {
        got = sp_nonblocking_read(s->port, bytes, capacity);
    }
    if (got > 0) {
        *count = (size_t)got;
        s->left -= s->fault.code != P2P_OK ? (size_t)got : 0;
        return P2P_OK;
    }
    if (got < 0 && errno != EIO && errno != ENXIO && errno != ENODEV) {
        port_failed(s, "read from it", (enum sp_return)got, &s->fault);
    } else if (got < 0 || hung_up) {
        p2p_error_set(&s->fault, P2P_E_BENCH, "%s: the port hung up: it was unplugged", s->name);
    }
    return s->fault.code == P2P_OK ? P2P_OK : p2p_error_set(error, s->fault.code, "%s", s->fault.message);
}

static size_t stream_poll_fds(void *self, struct pollfd fds[P2P_STREAM_FDS_MAX])
{
    const struct serial_stream *s = self;

    fds[0] = (struct pollfd){.fd = s->fd, .events = POLLIN};
    return 1;
}

/* ---- Writing and closing ---- */

/* Not sp_blocking_write: that one goes by the wall clock, which may be set meanwhile. */
static enum p2p_code stream_write(void *self, const uint8_t *bytes, size_t count, struct p2p_error *error)
{
    struct serial_stream *s = self;
    struct p2p_deadline deadline = p2p_deadline_in_ms(WRITE_MS);
    size_t sent = 0;

    while (sent < count) {
        int taken = sp_nonblocking_write(s->port, bytes + sent, count - sent);

        if (taken < 0) {
            return port_failed(s, "write to it", (enum sp_return)taken, error);
        }
        sent += (size_t)taken;
        if (sent < count && p2p_wait_fd(s->fd, POLLOUT, -1, deadline) != P2P_WAIT_READY) {
            return p2p_error_set(error, P2P_E_BENCH,
                                 "%s: took %zu of %zu bytes in %d ms: does the probe run, and let it send (CTS)?",
                                 s->name, sent, count, WRITE_MS);
        }
    }
    return P2P_OK;
}

static void stream_close(void *self)
{
    struct serial_stream *s = self;

    if (s->fd >= 0) {
        ioctl(s->fd, TIOCNXCL);         /* else it would stay locked while anybody has it open */
        sp_flush(s->port, SP_BUF_BOTH); /* what flow control holds would hold up the close */
    }
    if (s->guard_fd >= 0) {
        ioctl(s->guard_fd, TCSETS2, &s->settings_found);
    }
    if (s->port != NULL) {
        sp_close(s->port); /* fails if it never opened */
    }
    if (s->guard_fd >= 0) {
        close(s->guard_fd);
    }
    sp_free_port(s->port);
    free(s->name);
    free(s);
}

static enum p2p_code set_up(struct serial_stream *s, uint32_t baud, struct p2p_error *error)
{
    enum p2p_code code = look_before(s, error);

    if (code == P2P_OK) {
        code = open_port(s, error);
    }
    if (code == P2P_OK) {
        code = lock(s, error);
    }
    if (code == P2P_OK) {
        code = configure(s, baud, error);
    }
    return code;
}

static enum p2p_code open_stream(const char *device, uint32_t baud, bool strict, struct p2p_byte_stream *stream,
                                 struct p2p_error *error)
{
    struct serial_stream *s = calloc(1, sizeof *s);
    char *name = strdup(device);
    enum p2p_code code;

    if (s == NULL || name == NULL) {
        free(s);
        free(name);
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", device);
    }
    *s = (struct serial_stream){.name = name, .guard_fd = -1, .fd = -1};
    code = set_up(s, baud, error);
    if (code != P2P_OK) {
        stream_close(s);
        return code;
    }
    s->counts_losses = strict && count_losses(s->fd, &s->losses_before_us);
    *stream = (struct p2p_byte_stream){s, stream_read, stream_write, stream_poll_fds, stream_close};
    return P2P_OK;
}

enum p2p_code p2p_serial_stream_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                     struct p2p_error *error)
{
    return open_stream(device, baud, true, stream, error);
}

enum p2p_code p2p_serial_console_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                      struct p2p_error *error)
{
    return open_stream(device, baud, false, stream, error);
}
