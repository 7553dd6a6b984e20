/* SPDX-License-Identifier: MIT */
#include "ports/socket_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct socket_stream {
    int fd;
};

static enum p2p_code stream_read(void *self, uint8_t *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    const struct socket_stream *stream = self;
    ssize_t got = recv(stream->fd, bytes, capacity, MSG_DONTWAIT);

    *count = got > 0 ? (size_t)got : 0;
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        return p2p_error_set(error, P2P_E_BENCH, "the probe's socket was closed at its other end");
    }
    return P2P_OK;
}

static enum p2p_code stream_write(void *self, const uint8_t *bytes, size_t count, struct p2p_error *error)
{
    const struct socket_stream *stream = self;

    /* Commands are short and each is answered before the next: the buffer has room, or nobody reads it. */
    if (send(stream->fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)count) {
        return p2p_error_set_errno(error, P2P_E_BENCH, errno, "the probe's socket takes no command");
    }
    return P2P_OK;
}

static size_t stream_poll_fds(void *self, struct pollfd fds[P2P_STREAM_FDS_MAX])
{
    const struct socket_stream *stream = self;

    fds[0] = (struct pollfd){.fd = stream->fd, .events = POLLIN};
    return 1;
}

static void stream_close(void *self)
{
    struct socket_stream *stream = self;

    close(stream->fd);
    free(stream);
}

enum p2p_code p2p_socket_stream_open(int fd, struct p2p_byte_stream *stream, struct p2p_error *error)
{
    struct socket_stream *self = malloc(sizeof *self);

    if (self == NULL) {
        close(fd);
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    self->fd = fd;
    *stream = (struct p2p_byte_stream){
        .self = self, .read = stream_read, .write = stream_write, .poll_fds = stream_poll_fds, .close = stream_close};
    return P2P_OK;
}
