/* SPDX-License-Identifier: MIT */
#include "ports/probe_stream.h"

#include "ports/ftdi_stream.h"
#include "ports/serial_stream.h"

enum p2p_code p2p_probe_stream_open(const struct p2p_probe_plan *plan, struct p2p_byte_stream *stream,
                                    struct p2p_error *error)
{
    return plan->kind == P2P_PROBE_FTDI ? p2p_ftdi_stream_open(plan->serial, plan->baud, stream, error)
                                        : p2p_serial_stream_open(plan->device, plan->baud, stream, error);
}
