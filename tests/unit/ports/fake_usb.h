/* SPDX-License-Identifier: MIT */
/*
 * libusb with FTDI chips on it, put below the real libftdi by the linker. The chips take libftdi's requests, send what
 * the test queues, and fail as the test wants. Whatever was opened, allocated or claimed is counted.
 */
#ifndef P2P_TESTS_PORTS_FAKE_USB_H
#define P2P_TESTS_PORTS_FAKE_USB_H

#include <libusb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FAKE_CHIPS_MAX = 3,
    FAKE_PACKETS_MAX = 2048,
    FAKE_WRITTEN_MAX = 256,
    FAKE_NEVER = -1,
};

struct fake_chip {
    /* What it is. */
    uint16_t vendor, product, release; /* release 0x0900 is an FT232H, 0x0600 an FT232R */
    const char *serial;                /* NULL: none */
    uint8_t ports[2];                  /* where on bus 1; the second 0: on no hub */
    uint8_t address;
    int packet_bytes;
    bool driver_bound;  /* the kernel's */
    uint8_t modem;      /* first status byte */
    uint8_t first_line; /* second status byte of the first packet */
    /* How it fails; 0: not at all. */
    int open_error, string_error, detach_error, claim_error, submit_error, first_packet_error, write_error;
    int first_packet_bytes;   /* of it; 2 as a rule */
    size_t write_stops_after; /* bytes */
    int latency_told;         /* instead of the true one; FAKE_NEVER: the true one */
    bool unplugged;
    bool cancels_hang;
    /* What was made of it. */
    uint8_t latency_ms;
    uint32_t rate;
    uint16_t frame, flow, modem_control;
    unsigned resets, purges, detached, attached;
    bool claimed;
    uint8_t written[FAKE_WRITTEN_MAX];
    size_t written_count;
};

struct fake_packet {
    uint8_t bytes[512];
    size_t count;
    enum libusb_transfer_status status;
};

struct fake_usb {
    struct fake_chip chips[FAKE_CHIPS_MAX];
    size_t chip_count;
    int init_error, list_error, events_error;
    int control_fails_at, alloc_fails_at, submit_fails_at; /* counted from 0; FAKE_NEVER */
    int controls, allocs, submits;                         /* how many there were */
    size_t pollfd_count;
    int contexts, lists, handles, transfers;      /* not yet given back */
    struct fake_packet packets[FAKE_PACKETS_MAX]; /* on their way from the chip that is read */
    size_t first_packet, packet_count;
    struct libusb_transfer *flying[64];
    size_t flying_count;
};

extern struct fake_usb fake_usb;

/* One FT232H, "FT1", bound to the kernel's driver. */
void fake_usb_reset(void);
/* Another chip like the first. */
struct fake_chip *fake_usb_add(const char *serial);
/* A packet; more than a packet's bytes is a mistake of the test. */
void fake_usb_packet(uint8_t line, const uint8_t *bytes, size_t count);
/* Whole packets, and what remains in a short one. */
void fake_usb_send(const uint8_t *bytes, size_t count);
/* The next transfer ends with `status`, after what is queued. */
void fake_usb_end(enum libusb_transfer_status status);
/* An odd packet, as it stands. */
void fake_usb_raw(const uint8_t *bytes, size_t count);

#endif
