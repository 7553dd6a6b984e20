/* SPDX-License-Identifier: MIT */
/* The byte stream of a probe or of a board's console behind a serial port, by libserialport. */
#ifndef P2P_PORTS_SERIAL_STREAM_H
#define P2P_PORTS_SERIAL_STREAM_H

#include "ports/byte_stream.h"

#include <stdint.h>

/*
 * Raw 8N1 at `baud`, with RTS/CTS flow control if the port has it and the probe drives CTS; nobody else may open
 * `device` meanwhile. Its settings are put back on close.
 * P2P_E_BENCH: the device is missing, held by another program, or does not do as it should. P2P_E_INPUT: it is no
 * serial port, or cannot do that rate within 1 %.
 * Losses are told if the driver counts them (TIOCGICOUNT). A pseudo-terminal has neither a line that could lose bytes
 * nor flow control; libserialport 0.1 refuses it.
 */
enum p2p_code p2p_serial_stream_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                     struct p2p_error *error);

/*
 * The same for a board's console. Each power cycle makes breaks and framing errors on its line, so these, and overruns
 * with them, are no faults here: a console is read for what it says.
 */
enum p2p_code p2p_serial_console_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                      struct p2p_error *error);

#endif
