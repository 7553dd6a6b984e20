/* SPDX-License-Identifier: MIT */
/* The FTDI chips on USB as sysfs shows them: without permission for them, and without taking one. */
#ifndef P2P_DOCTOR_USB_CHIPS_H
#define P2P_DOCTOR_USB_CHIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { P2P_USB_CHIPS_MAX = 16, P2P_USB_TEXT_BYTES = 64 };

struct p2p_usb_chip {
    char place[P2P_USB_TEXT_BYTES];  /* sysfs' name: "1-2.4" is the fourth port of the hub at port 2 of bus 1 */
    char serial[P2P_USB_TEXT_BYTES]; /* "": blank */
    char driver[P2P_USB_TEXT_BYTES]; /* of its first interface: "ftdi_sio", "usbfs"; "": none */
    char node[P2P_USB_TEXT_BYTES];   /* below /dev: "bus/usb/001/005" */
    uint16_t product;
    unsigned speed_mbit; /* 12, 480; 0: not known */
};

/* False: `sysfs` has no USB at all. Chips beyond P2P_USB_CHIPS_MAX are left out. */
bool p2p_usb_chips_list(const char *sysfs, struct p2p_usb_chip chips[P2P_USB_CHIPS_MAX], size_t *count);

/* A chip that could do high speed (480 Mbit/s). */
bool p2p_usb_chip_is_fast(const struct p2p_usb_chip *chip);

/* The first line of the file DIR/NAME; "" if there is none. */
void p2p_sysfs_read(const char *folder, const char *name, char text[P2P_USB_TEXT_BYTES]);

#endif
