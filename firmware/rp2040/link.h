/* SPDX-License-Identifier: MIT */
/* The UART to the host, with RTS and CTS: bytes out by DMA from the core's queue, bytes in by interrupt. */
#ifndef P2P_RP2040_LINK_H
#define P2P_RP2040_LINK_H

#include "firmware/core/queue.h"

/* Once. `queue` is borrowed for good; the link drops what it has sent. */
void link_start(struct probe_queue *queue);

/* After bytes were put into the queue. */
void link_send(void);

/* False: none is there. */
bool link_receive(uint8_t *byte);

/* Whether link_receive has a byte. */
bool link_has_received(void);

#endif
