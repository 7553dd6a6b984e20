/* SPDX-License-Identifier: MIT */
/* The byte stream of a real probe, whichever part its bench file names. */
#ifndef P2P_PORTS_PROBE_STREAM_H
#define P2P_PORTS_PROBE_STREAM_H

#include "config/bench.h"
#include "ports/byte_stream.h"

/* `plan` is of kind P2P_PROBE_FTDI or P2P_PROBE_SERIAL; errors as of the part. */
enum p2p_code p2p_probe_stream_open(const struct p2p_probe_plan *plan, struct p2p_byte_stream *stream,
                                    struct p2p_error *error);

#endif
