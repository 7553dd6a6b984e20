/* SPDX-License-Identifier: MIT */
#include "ports/socket_console.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static enum p2p_code console_read(void *self, char *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    struct p2p_socket_console *console = self;
    ssize_t got;

    *count = 0;
    if (console->fd < 0) {
        return P2P_OK;
    }
    got = recv(console->fd, bytes, capacity, MSG_DONTWAIT);
    if (got > 0) {
        *count = (size_t)got;
    } else if (got == 0 || errno == ECONNRESET) {
        /* QEMU is gone. The clock notices too, and says it with QEMU's own last words. */
        close(console->fd);
        console->fd = -1;
    } else if (errno != EAGAIN && errno != EINTR) {
        return p2p_error_set_errno(error, P2P_E_BENCH, errno, "the console's socket");
    }
    return P2P_OK;
}

static enum p2p_code console_write(void *self, const char *text, struct p2p_error *error)
{
    const struct p2p_socket_console *console = self;
    size_t length = strlen(text);

    if (console->fd < 0 || send(console->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)length) {
        return p2p_error_set(error, P2P_E_BENCH, "the console takes no input: QEMU is gone or hangs");
    }
    return P2P_OK;
}

struct p2p_console p2p_socket_console_port(struct p2p_socket_console *console)
{
    return (struct p2p_console){.self = console, .read = console_read, .write = console_write};
}
