/* SPDX-License-Identifier: MIT */
/* libftdi knows the chip's requests; the bytes go by libusb itself, as libftdi drops each packet's status. */
#include "ports/ftdi_stream.h"

#include "util/deadline.h"

#include <errno.h>
#include <ftdi.h>
#include <libusb.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    FTDI_VENDOR = 0x0403,
    LATENCY_MS = 1,        /* the shortest; the chip's default is 16 */
    TRANSFERS = 32,        /* the latency timer ends one each ms, so many ms the host may be late */
    TRANSFER_BYTES = 4096, /* of whole packets, be they 64 bytes or 512 */
    RING_BYTES = 2 * TRANSFERS * TRANSFER_BYTES,
    CONTROL_MS = 500, /* for any request to the chip */
    FIRST_PACKET_MS = 100,
    WRITE_MS = 100,
    CLOSE_MS = 1000,
    SERIAL_BYTES = 128, /* the longest string descriptor, and more */
    PLACE_BYTES = 40,
    LIST_BYTES = 600,
    PORTS_MAX = 7, /* hubs in a row, by the USB standard */
};

/* Each packet begins with the modem's and the line's status (FTDI AN232B-04). */
enum {
    STATUS_BYTES = 2,
    MODEM_CTS = 0x10,
    LINE_OVERRUN = 0x02,
    LINE_PARITY = 0x04,
    LINE_FRAMING = 0x08,
    LINE_BREAK = 0x10,
};

static const uint16_t PRODUCTS[] = {0x6001, 0x6010, 0x6011, 0x6014, 0x6015};

struct ftdi_stream;

struct in_transfer {
    struct ftdi_stream *stream;
    struct libusb_transfer *usb;
    bool in_flight;
    uint8_t bytes[TRANSFER_BYTES];
};

struct ftdi_stream {
    struct ftdi_context *ftdi;
    libusb_device_handle *handle; /* beside libftdi's own, for what is before its open and after its close */
    bool taken_from_kernel;
    uint8_t latency_found_ms; /* 0: not known */
    char name[SERIAL_BYTES + PLACE_BYTES + 32];
    char node[32];       /* its file, for who asks who holds it */
    size_t packet_bytes; /* of its endpoint */
    int awake_fd;        /* always readable: what to poll while there is something to read */
    bool closing;
    struct p2p_error fault; /* behind the last byte of the ring */
    size_t in_flight;
    struct in_transfer transfers[TRANSFERS];
    size_t first, held; /* of the ring */
    uint8_t ring[RING_BYTES];
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- Errors ---- */

static enum p2p_code usb_failed(const struct ftdi_stream *s, const char *doing, int result, struct p2p_error *error)
{
    const char *word = libusb_error_name(result);

    switch (result) {
    case LIBUSB_ERROR_NO_MEM:
        return p2p_error_set(error, P2P_E_HOST, "%s: cannot %s: out of memory (%s)", s->name, doing, word);
    case LIBUSB_ERROR_ACCESS:
        return p2p_error_set(error, P2P_E_BENCH,
                             "%s: cannot %s: no permission (%s): copy pin2pin's docs/60-pin2pin.rules to "
                             "/etc/udev/rules.d, join the group plugdev, and plug the chip in again",
                             s->name, doing, word);
    case LIBUSB_ERROR_BUSY:
        return p2p_error_set(error, P2P_E_BENCH,
                             "%s: cannot %s: another program holds it (%s): `fuser -v %s` tells which", s->name, doing,
                             word, s->node);
    case LIBUSB_ERROR_NO_DEVICE:
        return p2p_error_set(error, P2P_E_BENCH, "%s: cannot %s: it was unplugged (%s)", s->name, doing, word);
    default:
        return p2p_error_set(error, P2P_E_BENCH, "%s: cannot %s: %s (%s)", s->name, doing, libusb_strerror(result),
                             word);
    }
}

static enum p2p_code ftdi_failed(const struct ftdi_stream *s, const char *doing, struct p2p_error *error)
{
    return p2p_error_set(error, P2P_E_BENCH, "%s: cannot %s: %s", s->name, doing, ftdi_get_error_string(s->ftdi));
}

/* ---- Finding the chip ---- */

struct search {
    const char *serial; /* NULL: any */
    size_t chips, matches;
    int refusal; /* libusb's error of a chip that could not be asked; 0: none */
    char list[LIST_BYTES];
};

bool p2p_ftdi_is_chip(unsigned vendor, unsigned product)
{
    for (size_t i = 0; i < sizeof PRODUCTS / sizeof PRODUCTS[0]; i++) {
        if (vendor == FTDI_VENDOR && product == PRODUCTS[i]) {
            return true;
        }
    }
    return false;
}

/* As the kernel names it: bus 1, port 2.4 is the fourth port of the hub at the second port. */
static void describe_place(libusb_device *device, char place[PLACE_BYTES])
{
    uint8_t ports[PORTS_MAX];
    int count = libusb_get_port_numbers(device, ports, PORTS_MAX);
    size_t used = (size_t)snprintf(place, PLACE_BYTES, "bus %u", libusb_get_bus_number(device));

    for (int i = 0; i < count && used < PLACE_BYTES; i++) {
        used += (size_t)snprintf(place + used, PLACE_BYTES - used, "%s%u", i == 0 ? ", port " : ".", ports[i]);
    }
}

/* Its serial number, "" if it has none. The handle is the caller's, NULL after an error of libusb's. */
static int open_device(libusb_device *device, uint8_t index, char serial[SERIAL_BYTES], libusb_device_handle **handle)
{
    int result = libusb_open(device, handle);

    serial[0] = '\0';
    if (result == 0 && index != 0) {
        result = libusb_get_string_descriptor_ascii(*handle, index, (unsigned char *)serial, SERIAL_BYTES);
        if (result < 0) {
            libusb_close(*handle);
        }
    }
    if (result < 0) {
        *handle = NULL;
        return result;
    }
    return 0;
}

static void list_chip(struct search *search, const char *serial, int result, const char *place)
{
    size_t used = strlen(search->list);
    char *end = search->list + used;
    const char *joint = used == 0 ? "" : ", ";

    if (result < 0) {
        snprintf(end, LIST_BYTES - used, "%s%s (%s)", joint, libusb_error_name(result), place);
    } else if (serial[0] == '\0') {
        snprintf(end, LIST_BYTES - used, "%sno serial (%s)", joint, place);
    } else {
        snprintf(end, LIST_BYTES - used, "%s\"%s\" (%s)", joint, serial, place);
    }
}

static void consider(struct ftdi_stream *s, struct search *search, libusb_device *device)
{
    struct libusb_device_descriptor descriptor;
    libusb_device_handle *handle = NULL;
    char serial[SERIAL_BYTES];
    char place[PLACE_BYTES];
    int result;

    if (libusb_get_device_descriptor(device, &descriptor) < 0 ||
        !p2p_ftdi_is_chip(descriptor.idVendor, descriptor.idProduct)) {
        return;
    }
    result = open_device(device, descriptor.iSerialNumber, serial, &handle);
    describe_place(device, place);
    list_chip(search, serial, result, place);
    search->chips++;
    if (result < 0) {
        search->refusal = result;
    }
    if (search->serial != NULL && (result < 0 || strcmp(serial, search->serial) != 0)) {
        libusb_close(handle);
        return;
    }
    if (++search->matches > 1) {
        libusb_close(handle);
        return;
    }
    s->handle = handle;
    snprintf(s->name, sizeof s->name, "FTDI chip \"%s\" (%s)", serial, place);
    snprintf(s->node, sizeof s->node, "/dev/bus/usb/%03u/%03u", libusb_get_bus_number(device),
             libusb_get_device_address(device));
}

static enum p2p_code judge(const struct ftdi_stream *s, const struct search *search, struct p2p_error *error)
{
    if (search->chips == 0) {
        return p2p_error_set(error, P2P_E_BENCH, "no FTDI chip is on USB: plug the probe's in (see `lsusb -d 0403:`)");
    }
    if (search->matches == 0) {
        return p2p_error_set(error, P2P_E_BENCH, "no FTDI chip with the serial \"%s\" is on USB; there are: %s%s",
                             search->serial, search->list,
                             search->refusal != LIBUSB_ERROR_ACCESS
                                 ? ""
                                 : ": for those without permission copy pin2pin's docs/60-pin2pin.rules to "
                                   "/etc/udev/rules.d");
    }
    if (search->matches > 1 && search->serial == NULL) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "several FTDI chips are on USB: %s: name the probe's in the bench file (\"serial\"); "
                             "those without a serial, or with equal ones, need one of their own (`ftdi_eeprom`)",
                             search->list);
    }
    if (search->matches > 1) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "%zu FTDI chips have the serial \"%s\": %s: give each a serial of its own "
                             "(`ftdi_eeprom`), or unplug all others",
                             search->matches, search->serial, search->list);
    }
    return s->handle != NULL ? P2P_OK : usb_failed(s, "open it", search->refusal, error);
}

static enum p2p_code find_chip(struct ftdi_stream *s, const char *serial, struct p2p_error *error)
{
    struct search search = {.serial = serial};
    libusb_device **devices;
    ssize_t count = libusb_get_device_list(s->ftdi->usb_ctx, &devices);

    if (count < 0) {
        return usb_failed(s, "list what is on USB", (int)count, error);
    }
    for (ssize_t i = 0; i < count; i++) {
        consider(s, &search, devices[i]);
    }
    libusb_free_device_list(devices, 1); /* the handle keeps its device */
    return judge(s, &search, error);
}

/* ---- Opening it ---- */

/* libftdi detaches the kernel's driver too, but forgets whether there was one and gives nothing back. */
static enum p2p_code take_from_kernel(struct ftdi_stream *s, struct p2p_error *error)
{
    int result;

    if (libusb_kernel_driver_active(s->handle, s->ftdi->interface) != 1) {
        return P2P_OK;
    }
    result = libusb_detach_kernel_driver(s->handle, s->ftdi->interface);
    if (result < 0) {
        return usb_failed(s, "take it from the kernel's driver", result, error);
    }
    s->taken_from_kernel = true;
    return P2P_OK;
}

static enum p2p_code open_chip(struct ftdi_stream *s, struct p2p_error *error)
{
    enum { CLAIM_FAILED = -5 }; /* libftdi's word for it */
    int result;

    s->ftdi->module_detach_mode = DONT_DETACH_SIO_MODULE;
    s->ftdi->usb_read_timeout = CONTROL_MS;
    s->ftdi->usb_write_timeout = CONTROL_MS;
    result = ftdi_usb_open_dev(s->ftdi, libusb_get_device(s->handle));
    if (result == CLAIM_FAILED) {
        return usb_failed(s, "open it", LIBUSB_ERROR_BUSY, error);
    }
    if (result < 0) {
        return ftdi_failed(s, "open it", error);
    }
    result = libusb_get_max_packet_size(libusb_get_device(s->handle), (unsigned char)s->ftdi->out_ep);
    if (result <= STATUS_BYTES || TRANSFER_BYTES % result != 0) {
        return p2p_error_set(error, P2P_E_BENCH, "%s: has packets of %d bytes, expected 64 or 512: is it an FTDI chip?",
                             s->name, result);
    }
    s->packet_bytes = (size_t)result;
    return P2P_OK;
}

/* The fastest rate; others are fractions of it. 0: a chip of before 2002, which divides otherwise. */
static uint32_t fastest_rate(enum ftdi_chip_type type)
{
    switch (type) {
    case TYPE_2232H:
    case TYPE_4232H:
    case TYPE_232H:
        return 12000000;
    case TYPE_BM:
    case TYPE_2232C:
    case TYPE_R:
    case TYPE_230X:
        return 3000000;
    case TYPE_AM:
        break;
    }
    return 0;
}

/* What libftdi makes of `baud`: the fastest divided by 1, by 1.5, or from 2 up by eighths, rounded (FTDI AN_120). */
static uint32_t nearest_rate(uint32_t fastest, uint32_t baud)
{
    uint32_t eighths;

    if (baud >= fastest) {
        eighths = 8;
    } else if (baud >= fastest / 3 * 2) {
        eighths = 12;
    } else if (baud >= fastest / 2) {
        eighths = 16;
    } else {
        eighths = (8 * fastest + baud / 2) / baud;
    }
    return 8 * fastest / eighths;
}

static enum p2p_code set_rate(struct ftdi_stream *s, uint32_t baud, struct p2p_error *error)
{
    uint32_t fastest = fastest_rate(s->ftdi->type);
    uint32_t rate = fastest == 0 || baud == 0 ? 0 : nearest_rate(fastest, baud);
    uint32_t off = rate > baud ? rate - baud : baud - rate;

    if (rate == 0 || off > baud / 100) {
        return p2p_error_set(error, P2P_E_INPUT,
                             "%s: cannot do %u baud: its nearest rate is %u, its fastest %u (see \"baud\" in the bench "
                             "file)",
                             s->name, baud, rate, fastest);
    }
    if (ftdi_set_baudrate(s->ftdi, (int)baud) < 0) {
        return ftdi_failed(s, "set its baud rate", error);
    }
    return P2P_OK;
}

static enum p2p_code set_latency(struct ftdi_stream *s, struct p2p_error *error)
{
    uint8_t now_ms;

    if (ftdi_get_latency_timer(s->ftdi, &s->latency_found_ms) < 0 || ftdi_set_latency_timer(s->ftdi, LATENCY_MS) < 0 ||
        ftdi_get_latency_timer(s->ftdi, &now_ms) < 0) {
        return ftdi_failed(s, "set its latency timer", error);
    }
    if (now_ms != LATENCY_MS) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "%s: its latency timer was set to %d ms and is %u ms: is it an FTDI chip?", s->name,
                             LATENCY_MS, now_ms);
    }
    return P2P_OK;
}

/*
 * The first packet tells what went wrong on the line before we came, so it is dropped. It also tells whether CTS is
 * wired: with flow control and an open CTS the chip would never send.
 */
static enum p2p_code set_flow_control(struct ftdi_stream *s, struct p2p_error *error)
{
    uint8_t *packet = s->transfers[0].bytes;
    int count = 0;
    int result = libusb_bulk_transfer(s->ftdi->usb_dev, (unsigned char)s->ftdi->out_ep, packet, (int)s->packet_bytes,
                                      &count, FIRST_PACKET_MS);

    if (result < 0) {
        return usb_failed(s, "get its first packet", result, error);
    }
    if (count < STATUS_BYTES) {
        return p2p_error_set(error, P2P_E_BENCH, "%s: sends packets without their status: is it an FTDI chip?",
                             s->name);
    }
    if (ftdi_setflowctrl(s->ftdi, (packet[0] & MODEM_CTS) != 0 ? SIO_RTS_CTS_HS : SIO_DISABLE_FLOW_CTRL) < 0) {
        return ftdi_failed(s, "set its flow control", error);
    }
    return P2P_OK;
}

static enum p2p_code configure(struct ftdi_stream *s, uint32_t baud, struct p2p_error *error)
{
    enum p2p_code code;

    if (ftdi_usb_reset(s->ftdi) < 0) {
        return ftdi_failed(s, "reset it", error);
    }
    if (ftdi_set_line_property(s->ftdi, BITS_8, STOP_BIT_1, NONE) < 0) {
        return ftdi_failed(s, "set 8N1", error);
    }
    code = set_rate(s, baud, error);
    if (code == P2P_OK) {
        code = set_latency(s, error);
    }
    if (code != P2P_OK) {
        return code;
    }
    if (ftdi_setdtr_rts(s->ftdi, 1, 1) < 0) { /* without flow control, the probe may send all the same */
        return ftdi_failed(s, "raise DTR and RTS", error);
    }
    if (ftdi_tcioflush(s->ftdi) < 0) {
        return ftdi_failed(s, "purge its buffers", error);
    }
    return set_flow_control(s, error);
}

/* ---- Reading ---- */

static void put(struct ftdi_stream *s, const uint8_t *bytes, size_t count)
{
    size_t at = (s->first + s->held) % RING_BYTES;
    size_t to_end = smaller(count, RING_BYTES - at);

    memcpy(s->ring + at, bytes, to_end);
    memcpy(s->ring, bytes + to_end, count - to_end);
    s->held += count;
}

static size_t get(struct ftdi_stream *s, uint8_t *bytes, size_t capacity)
{
    size_t count = smaller(capacity, s->held);
    size_t to_end = smaller(count, RING_BYTES - s->first);

    memcpy(bytes, s->ring + s->first, to_end);
    memcpy(bytes + to_end, s->ring, count - to_end);
    s->first = (s->first + count) % RING_BYTES;
    s->held -= count;
    return count;
}

/* Where among a packet's bytes it happened the chip does not tell: from that packet on none counts. */
static bool line_is_good(struct ftdi_stream *s, uint8_t line)
{
    if ((line & LINE_OVERRUN) != 0) {
        p2p_error_set(&s->fault, P2P_E_BENCH,
                      "%s: the chip lost bytes (overrun): the host was late; wire RTS and CTS, or relieve the host",
                      s->name);
    } else if ((line & (LINE_PARITY | LINE_FRAMING | LINE_BREAK)) != 0) {
        p2p_error_set(&s->fault, P2P_E_BENCH,
                      "%s: bad bytes on the line (line status 0x%02x:%s%s%s): check the baud rate, the wiring, and "
                      "whether the probe has restarted",
                      s->name, line, (line & LINE_PARITY) != 0 ? " parity" : "",
                      (line & LINE_FRAMING) != 0 ? " framing" : "", (line & LINE_BREAK) != 0 ? " break" : "");
    }
    return s->fault.code == P2P_OK;
}

/*
 * The chip repeats a line error in packets without bytes, also one of before us; as in the kernel's driver these do not
 * count. Nothing is missed: an overrun needs a full buffer, so bytes come with it.
 */
static void take_packets(struct ftdi_stream *s, const uint8_t *bytes, size_t count)
{
    while (count > 0 && s->fault.code == P2P_OK) {
        size_t packet = smaller(count, s->packet_bytes);

        if (packet < STATUS_BYTES) {
            p2p_error_set(&s->fault, P2P_E_BENCH, "%s: a packet came without its status", s->name);
        } else if (packet > STATUS_BYTES && line_is_good(s, bytes[1])) {
            put(s, bytes + STATUS_BYTES, packet - STATUS_BYTES);
        }
        bytes += packet;
        count -= packet;
    }
}

static const char *status_words(enum libusb_transfer_status status)
{
    switch (status) {
    case LIBUSB_TRANSFER_NO_DEVICE:
        return "it was unplugged";
    case LIBUSB_TRANSFER_STALL:
        return "the endpoint stalled";
    case LIBUSB_TRANSFER_OVERFLOW:
        return "it sent more than was asked for (babble)";
    case LIBUSB_TRANSFER_CANCELLED:
        return "the transfer was cancelled";
    case LIBUSB_TRANSFER_TIMED_OUT:
        return "the transfer timed out";
    case LIBUSB_TRANSFER_ERROR:
    case LIBUSB_TRANSFER_COMPLETED:
        break;
    }
    return "the transfer failed: check cable and hub";
}

/* Each transfer in flight has its room in the ring, so what comes always fits. */
static bool has_room(const struct ftdi_stream *s)
{
    return RING_BYTES - s->held >= (s->in_flight + 1) * TRANSFER_BYTES;
}

/* With the ring full none are submitted: the chip's buffer fills, and its flow control holds the probe. */
static void submit(struct ftdi_stream *s)
{
    for (size_t i = 0; i < TRANSFERS && s->fault.code == P2P_OK && has_room(s); i++) {
        struct in_transfer *transfer = &s->transfers[i];
        int result = transfer->in_flight ? 0 : libusb_submit_transfer(transfer->usb);

        if (result < 0) {
            usb_failed(s, "read from it", result, &s->fault);
        } else if (!transfer->in_flight) {
            transfer->in_flight = true;
            s->in_flight++;
        }
    }
}

static void LIBUSB_CALL transfer_done(struct libusb_transfer *usb)
{
    struct in_transfer *transfer = usb->user_data;
    struct ftdi_stream *s = transfer->stream;

    transfer->in_flight = false;
    s->in_flight--;
    if (s->closing) {
        return;
    }
    take_packets(s, transfer->bytes, (size_t)usb->actual_length);
    if (usb->status != LIBUSB_TRANSFER_COMPLETED) {
        p2p_error_set(&s->fault, P2P_E_BENCH, "%s: reading ended: %s", s->name, status_words(usb->status));
    }
    submit(s);
}

static enum p2p_code start_reading(struct ftdi_stream *s, struct p2p_error *error)
{
    for (size_t i = 0; i < TRANSFERS; i++) {
        struct in_transfer *transfer = &s->transfers[i];

        transfer->stream = s;
        transfer->usb = libusb_alloc_transfer(0);
        if (transfer->usb == NULL) {
            return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", s->name);
        }
        libusb_fill_bulk_transfer(transfer->usb, s->ftdi->usb_dev, (unsigned char)s->ftdi->out_ep, transfer->bytes,
                                  TRANSFER_BYTES, transfer_done, transfer, 0);
    }
    submit(s);
    return s->fault.code == P2P_OK ? P2P_OK : p2p_error_set(error, s->fault.code, "%s", s->fault.message);
}

/* Lets libusb do its work, for `ms` at most. False: it cannot. */
static bool handle_events(struct ftdi_stream *s, int ms)
{
    struct timeval wait = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
    int result = libusb_handle_events_timeout_completed(s->ftdi->usb_ctx, &wait, NULL);

    if (result < 0 && result != LIBUSB_ERROR_INTERRUPTED) {
        usb_failed(s, "follow what it sends", result, &s->fault);
        return false;
    }
    return true;
}

static enum p2p_code stream_read(void *self, uint8_t *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    struct ftdi_stream *s = self;

    handle_events(s, 0);
    *count = get(s, bytes, capacity);
    submit(s);
    if (*count == 0 && s->held == 0 && s->fault.code != P2P_OK) {
        return p2p_error_set(error, s->fault.code, "%s", s->fault.message);
    }
    return P2P_OK;
}

/* While bytes or a fault wait to be read, USB may have nothing more to say. */
static size_t stream_poll_fds(void *self, struct pollfd fds[P2P_STREAM_FDS_MAX])
{
    struct ftdi_stream *s = self;
    const struct libusb_pollfd **all;
    size_t count = 0;

    if (s->held > 0 || s->fault.code != P2P_OK) {
        fds[0] = (struct pollfd){.fd = s->awake_fd, .events = POLLIN};
        return 1;
    }
    all = libusb_get_pollfds(s->ftdi->usb_ctx);
    while (all != NULL && all[count] != NULL && count < P2P_STREAM_FDS_MAX) {
        fds[count] = (struct pollfd){.fd = all[count]->fd, .events = all[count]->events};
        count++;
    }
    libusb_free_pollfds(all);
    return count;
}

/* ---- Writing ---- */

static enum p2p_code stream_write(void *self, const uint8_t *bytes, size_t count, struct p2p_error *error)
{
    struct ftdi_stream *s = self;
    uint8_t *copy = count <= INT_MAX ? malloc(count + 1) : NULL; /* libusb does not promise to leave them alone */
    int sent = 0;
    int result;

    if (copy == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "%s: out of memory", s->name);
    }
    memcpy(copy, bytes, count);
    result = libusb_bulk_transfer(s->ftdi->usb_dev, (unsigned char)s->ftdi->in_ep, copy, (int)count, &sent, WRITE_MS);
    free(copy);
    if (result == LIBUSB_ERROR_TIMEOUT || (result == 0 && (size_t)sent < count)) {
        return p2p_error_set(error, P2P_E_BENCH,
                             "%s: does not take %zu bytes within %d ms: does the probe run, and let it send (CTS)?",
                             s->name, count, WRITE_MS);
    }
    return result < 0 ? usb_failed(s, "write to it", result, error) : P2P_OK;
}

/* ---- Closing ---- */

static void stop_reading(struct ftdi_stream *s)
{
    struct p2p_deadline deadline = p2p_deadline_in_ms(CLOSE_MS);
    int left_ms = CLOSE_MS;

    s->closing = true;
    for (size_t i = 0; i < TRANSFERS; i++) {
        if (s->transfers[i].in_flight) {
            libusb_cancel_transfer(s->transfers[i].usb); /* fails if it has ended: then its callback is on the way */
        }
    }
    while (s->in_flight > 0 && left_ms > 0 && handle_events(s, left_ms)) {
        left_ms = p2p_deadline_left_ms(deadline);
    }
}

/* The kernel's driver waits 5 s for each answer of a chip that gives none: it gets that one when it is plugged in. */
static void close_chip(struct ftdi_stream *s)
{
    bool silent = false;

    if (s->ftdi->usb_dev != NULL) {
        stop_reading(s);
        if (s->latency_found_ms != 0) { /* rate and flow control cannot be asked for; every driver sets its own */
            silent = ftdi_set_latency_timer(s->ftdi, s->latency_found_ms) < 0;
        }
        ftdi_usb_close(s->ftdi);
    }
    if (s->taken_from_kernel && !silent) {
        libusb_attach_kernel_driver(s->handle, s->ftdi->interface);
    }
    if (s->handle != NULL) {
        libusb_close(s->handle);
    }
}

static void stream_close(void *self)
{
    struct ftdi_stream *s = self;

    if (s->ftdi != NULL) {
        close_chip(s);
        /* Also those that never ended: libusb lets go of a closed device's transfers, the kernel of their buffers. */
        for (size_t i = 0; i < TRANSFERS; i++) {
            libusb_free_transfer(s->transfers[i].usb);
        }
        ftdi_free(s->ftdi);
    }
    if (s->awake_fd >= 0) {
        close(s->awake_fd);
    }
    free(s);
}

static enum p2p_code set_up(struct ftdi_stream *s, const char *serial, uint32_t baud, struct p2p_error *error)
{
    enum p2p_code code;

    s->awake_fd = eventfd(1, EFD_CLOEXEC);
    if (s->awake_fd < 0) {
        return p2p_error_set_errno(error, P2P_E_HOST, errno, "FTDI: cannot make an event descriptor");
    }
    s->ftdi = ftdi_new();
    if (s->ftdi == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "FTDI: cannot start libusb: out of memory, or no USB (/dev/bus/usb)?");
    }
    code = find_chip(s, serial, error);
    if (code == P2P_OK) {
        code = take_from_kernel(s, error);
    }
    if (code == P2P_OK) {
        code = open_chip(s, error);
    }
    if (code == P2P_OK) {
        code = configure(s, baud, error);
    }
    return code == P2P_OK ? start_reading(s, error) : code;
}

enum p2p_code p2p_ftdi_stream_open(const char *serial, uint32_t baud, struct p2p_byte_stream *stream,
                                   struct p2p_error *error)
{
    struct ftdi_stream *s = calloc(1, sizeof *s);
    enum p2p_code code;

    if (s == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "FTDI: out of memory");
    }
    snprintf(s->name, sizeof s->name, "USB"); /* until there is a chip to name */
    code = set_up(s, serial, baud, error);
    if (code != P2P_OK) {
        stream_close(s);
        return code;
    }
    *stream = (struct p2p_byte_stream){s, stream_read, stream_write, stream_poll_fds, stream_close};
    return P2P_OK;
}
