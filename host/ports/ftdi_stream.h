/* SPDX-License-Identifier: MIT */
/* The byte stream of a probe behind an FTDI chip: an FT232H, or channel A of its kin. By libftdi, past the kernel. */
#ifndef P2P_PORTS_FTDI_STREAM_H
#define P2P_PORTS_FTDI_STREAM_H

#include "ports/byte_stream.h"

#include <stdbool.h>
#include <stdint.h>

/* FTDI's own USB numbers: FT232R and older, FT2232H, FT4232H, FT232H, FT230X. */
bool p2p_ftdi_is_chip(unsigned vendor, unsigned product);

/*
 * 8N1 at `baud`, with RTS/CTS flow control if the probe drives CTS. `serial` is the chip's serial number, NULL: the
 * only chip there is. Takes the chip from the kernel's driver and gives it back on close, if it answers.
 * P2P_E_BENCH: no such chip, several, or one that does not do as it should, with the cure. P2P_E_INPUT: a rate that the
 * chip cannot make within 1 %.
 * From its latency timer the chip sends a packet each millisecond, even without bytes. A host that is 30 ms late loses
 * nothing; after that flow control must hold the probe, and without it the chip tells the overrun.
 */
enum p2p_code p2p_ftdi_stream_open(const char *serial, uint32_t baud, struct p2p_byte_stream *stream,
                                   struct p2p_error *error);

#endif
