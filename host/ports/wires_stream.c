/* SPDX-License-Identifier: MIT */
#include "ports/wires_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum p2p_code p2p_wires_outcome(const struct p2p_wires_stream *stream, enum p2p_wait outcome, struct p2p_error *error)
{
    switch (outcome) {
    case P2P_WAIT_READY:
        return P2P_OK;
    case P2P_WAIT_STOPPED:
        return p2p_error_set(error, P2P_E_INTERRUPTED, "interrupted");
    case P2P_WAIT_TIMEOUT:
        return p2p_error_set(error, P2P_E_BENCH, "%s made no progress for %" PRId64 " s (timeouts.stall_s)",
                             stream->peer, stream->stall_ms / 1000);
    case P2P_WAIT_FAILED:
        break;
    }
    return p2p_error_set_errno(error, P2P_E_HOST, errno, "%s: poll", stream->peer);
}

static enum p2p_code peer_gone(struct p2p_wires_stream *stream, struct p2p_error *error)
{
    stream->gone = true;
    return p2p_error_set(error, P2P_E_BENCH, "%s is gone: its process ended in mid-run", stream->peer);
}

static enum p2p_code wait_for(const struct p2p_wires_stream *stream, short events, struct p2p_deadline deadline,
                              struct p2p_error *error)
{
    return p2p_wires_outcome(stream, p2p_wait_fd(stream->fd, events, stream->stop_fd, deadline), error);
}

static enum p2p_code receive(struct p2p_wires_stream *stream, uint8_t *data, size_t size, struct p2p_error *error)
{
    struct p2p_deadline deadline = p2p_deadline_in_ms(stream->stall_ms);

    while (size > 0) {
        ssize_t count = recv(stream->fd, data, size, MSG_DONTWAIT);

        if (count < 0 && errno == EAGAIN) {
            enum p2p_code code = wait_for(stream, POLLIN, deadline, error);

            if (code != P2P_OK) {
                return code;
            }
        } else if (count == 0 || (count < 0 && errno != EINTR)) {
            return peer_gone(stream, error);
        } else if (count > 0) {
            data += count;
            size -= (size_t)count;
        }
    }
    return P2P_OK;
}

static enum p2p_code transmit(struct p2p_wires_stream *stream, const uint8_t *data, size_t size,
                              struct p2p_error *error)
{
    struct p2p_deadline deadline = p2p_deadline_in_ms(stream->stall_ms);

    while (size > 0) {
        ssize_t count = send(stream->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (count < 0 && errno == EAGAIN) {
            enum p2p_code code = wait_for(stream, POLLOUT, deadline, error);

            if (code != P2P_OK) {
                return code;
            }
        } else if (count < 0 && errno != EINTR) {
            return peer_gone(stream, error);
        } else if (count > 0) {
            data += count;
            size -= (size_t)count;
        }
    }
    return P2P_OK;
}

enum p2p_code p2p_wires_receive(struct p2p_wires_stream *stream, struct p2p_wires_frame *frame, struct p2p_error *error)
{
    uint8_t header[WIRES_HEADER_BYTES];
    enum p2p_code code = receive(stream, header, sizeof header, error);

    if (code != P2P_OK) {
        return code;
    }
    frame->size = (uint32_t)wires_get(header, 4);
    frame->type = (uint32_t)wires_get(header + 4, 4);
    if (frame->size > sizeof frame->payload) {
        return p2p_error_set(error, P2P_E_BENCH, "%s: a frame of %u bytes, expected at most %zu", stream->peer,
                             frame->size, sizeof frame->payload);
    }
    code = receive(stream, frame->payload, frame->size, error);
    if (code == P2P_OK && frame->type == WIRES_FAULT) {
        code =
            p2p_error_set(error, P2P_E_BENCH, "%s: %.*s", stream->peer, (int)frame->size, (const char *)frame->payload);
    }
    return code;
}

enum p2p_code p2p_wires_send(struct p2p_wires_stream *stream, enum wires_type type, const uint8_t *payload,
                             uint32_t size, struct p2p_error *error)
{
    uint8_t header[WIRES_HEADER_BYTES];
    enum p2p_code code;

    wires_put_header(header, type, size);
    code = transmit(stream, header, sizeof header, error);
    return code == P2P_OK ? transmit(stream, payload, size, error) : code;
}

enum p2p_code p2p_wires_send_run(struct p2p_wires_stream *stream, uint64_t until_ns, struct p2p_error *error)
{
    uint8_t payload[WIRES_TIME_BYTES];

    wires_put(payload, until_ns, WIRES_TIME_BYTES);
    return p2p_wires_send(stream, WIRES_RUN, payload, sizeof payload, error);
}

enum p2p_code p2p_wires_paused_at(const struct p2p_wires_stream *stream, const struct p2p_wires_frame *frame,
                                  uint64_t *at_ns, struct p2p_error *error)
{
    if (frame->type != WIRES_PAUSED || frame->size != WIRES_TIME_BYTES) {
        return p2p_error_set(error, P2P_E_BENCH, "%s: a frame of type 0x%02x with %u bytes, expected PAUSED with %d",
                             stream->peer, frame->type, frame->size, WIRES_TIME_BYTES);
    }
    *at_ns = wires_get(frame->payload, WIRES_TIME_BYTES);
    return P2P_OK;
}

void p2p_wires_stream_close(struct p2p_wires_stream *stream)
{
    if (stream->fd >= 0) {
        close(stream->fd);
        stream->fd = -1;
    }
}
