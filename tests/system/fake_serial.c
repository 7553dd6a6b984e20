/* SPDX-License-Identifier: MIT */
/*
 * Linked into a copy of pin2pin: a probe's serial port is a UNIX socket, as libserialport takes no pseudo-terminal. So
 * whatever waits in real time for a real probe is tested; the port itself is, too, in the bench-host VM.
 */
#include "ports/serial_stream.h"
#include "ports/socket_stream.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum p2p_code __wrap_p2p_serial_stream_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                            struct p2p_error *error);

enum p2p_code __wrap_p2p_serial_stream_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                            struct p2p_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)baud;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", device);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        return p2p_error_set_errno(error, P2P_E_BENCH, errno, "%s: cannot connect", device);
    }
    return p2p_socket_stream_open(fd, stream, error);
}
