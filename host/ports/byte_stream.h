/* SPDX-License-Identifier: MIT */
/*
 * The bytes to and from a probe: an FT232H, a serial port, a socket. One file each makes such a stream; from then on
 * nobody knows which it is.
 */
#ifndef P2P_PORTS_BYTE_STREAM_H
#define P2P_PORTS_BYTE_STREAM_H

#include "util/error.h"

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

enum { P2P_STREAM_FDS_MAX = 8 };

struct p2p_byte_stream {
    void *self;
    /*
     * Bytes that have come so far, up to `capacity`; *count == 0: none. Never waits. P2P_E_BENCH: the stream has ended,
     * or bytes were lost on the way (an overrun). Bytes from before the loss have been handed out; the error stands.
     */
    enum p2p_code (*read)(void *self, uint8_t *bytes, size_t capacity, size_t *count, struct p2p_error *error);
    /* All of `bytes` or an error. They are few (a command): it waits 100 ms at most. */
    enum p2p_code (*write)(void *self, const uint8_t *bytes, size_t count, struct p2p_error *error);
    /* What to poll until `read` is worth a call; returns how many (at most P2P_STREAM_FDS_MAX). */
    size_t (*poll_fds)(void *self, struct pollfd fds[P2P_STREAM_FDS_MAX]);
    /* Gives the device back as it was found, and frees. Returns also if the device is gone. */
    void (*close)(void *self);
};

#endif
