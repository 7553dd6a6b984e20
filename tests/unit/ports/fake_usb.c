/* SPDX-License-Identifier: MIT */
#include "fake_usb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { EP_IN = 0x81, EP_OUT = 0x02, OUT_REQUEST = 0x40, IN_REQUEST = 0xc0, GOOD_LINE = 0x60 };

struct libusb_context {
    char unused;
};

struct libusb_device {
    struct fake_chip *chip;
};

struct libusb_device_handle {
    struct libusb_device *device;
    bool claims;
};

struct fake_usb fake_usb;
static struct libusb_context context;
static struct libusb_device devices[FAKE_CHIPS_MAX];
static struct libusb_config_descriptor config = {.bConfigurationValue = 1};

/* ---- The test's side ---- */

struct fake_chip *fake_usb_add(const char *serial)
{
    struct fake_chip *chip = &fake_usb.chips[fake_usb.chip_count];

    devices[fake_usb.chip_count].chip = chip;
    fake_usb.chip_count++;
    *chip = (struct fake_chip){
        .vendor = 0x0403,
        .product = 0x6014,
        .release = 0x0900,
        .serial = serial,
        .ports = {2, (uint8_t)fake_usb.chip_count},
        .address = (uint8_t)(10 + fake_usb.chip_count),
        .packet_bytes = 512,
        .driver_bound = true,
        .modem = 0x11,
        .first_line = GOOD_LINE,
        .first_packet_bytes = 2,
        .latency_told = FAKE_NEVER,
        .latency_ms = 16,
    };
    return chip;
}

void fake_usb_reset(void)
{
    memset(&fake_usb, 0, sizeof fake_usb);
    fake_usb.control_fails_at = FAKE_NEVER;
    fake_usb.alloc_fails_at = FAKE_NEVER;
    fake_usb.submit_fails_at = FAKE_NEVER;
    fake_usb.pollfd_count = 3;
    fake_usb_add("FT1");
}

static struct fake_packet *new_packet(void)
{
    size_t at = (fake_usb.first_packet + fake_usb.packet_count) % FAKE_PACKETS_MAX;

    assert_true(fake_usb.packet_count < FAKE_PACKETS_MAX);
    fake_usb.packet_count++;
    fake_usb.packets[at] = (struct fake_packet){.status = LIBUSB_TRANSFER_COMPLETED};
    return &fake_usb.packets[at];
}

void fake_usb_raw(const uint8_t *bytes, size_t count)
{
    struct fake_packet *packet = new_packet();

    memcpy(packet->bytes, bytes, count);
    packet->count = count;
}

void fake_usb_packet(uint8_t line, const uint8_t *bytes, size_t count)
{
    struct fake_packet *packet = new_packet();

    assert_true(count + 2 <= (size_t)fake_usb.chips[0].packet_bytes);
    packet->bytes[0] = fake_usb.chips[0].modem;
    packet->bytes[1] = line;
    if (count > 0) {
        memcpy(packet->bytes + 2, bytes, count);
    }
    packet->count = count + 2;
}

void fake_usb_send(const uint8_t *bytes, size_t count)
{
    size_t most = (size_t)fake_usb.chips[0].packet_bytes - 2;

    for (; count >= most; bytes += most, count -= most) {
        fake_usb_packet(GOOD_LINE, bytes, most);
    }
    fake_usb_packet(GOOD_LINE, bytes, count);
}

void fake_usb_end(enum libusb_transfer_status status)
{
    new_packet()->status = status;
}

/* ---- Devices ---- */

#define WRAP(type, name, ...)                                                                                          \
    type __wrap_##name(__VA_ARGS__);                                                                                   \
    type __wrap_##name(__VA_ARGS__)

WRAP(int, libusb_init, libusb_context **made)
{
    if (fake_usb.init_error == 0) {
        *made = &context;
        fake_usb.contexts++;
    }
    return fake_usb.init_error;
}

WRAP(void, libusb_exit, libusb_context *made)
{
    if (made != NULL) {
        fake_usb.contexts--;
    }
}

WRAP(ssize_t, libusb_get_device_list, libusb_context *made, libusb_device ***list)
{
    assert_ptr_equal(made, &context);
    if (fake_usb.list_error != 0) {
        return fake_usb.list_error;
    }
    *list = calloc(FAKE_CHIPS_MAX + 1, sizeof **list);
    for (size_t i = 0; i < fake_usb.chip_count; i++) {
        (*list)[i] = &devices[i];
    }
    fake_usb.lists++;
    return (ssize_t)fake_usb.chip_count;
}

WRAP(void, libusb_free_device_list, libusb_device **list, int unref)
{
    assert_true(unref);
    fake_usb.lists--;
    free(list);
}

WRAP(int, libusb_get_device_descriptor, libusb_device *device, struct libusb_device_descriptor *descriptor)
{
    *descriptor = (struct libusb_device_descriptor){
        .idVendor = device->chip->vendor,
        .idProduct = device->chip->product,
        .bcdDevice = device->chip->release,
        .iSerialNumber = device->chip->serial == NULL ? 0 : 3,
        .bNumConfigurations = 1,
    };
    return 0;
}

WRAP(uint8_t, libusb_get_bus_number, libusb_device *device)
{
    (void)device;
    return 1;
}

WRAP(uint8_t, libusb_get_device_address, libusb_device *device)
{
    return device->chip->address;
}

WRAP(int, libusb_get_port_numbers, libusb_device *device, uint8_t *ports, int length)
{
    assert_true(length >= 7);
    memcpy(ports, device->chip->ports, 2);
    return device->chip->ports[1] == 0 ? 1 : 2;
}

WRAP(int, libusb_open, libusb_device *device, libusb_device_handle **handle)
{
    if (device->chip->open_error != 0) {
        return device->chip->open_error;
    }
    *handle = calloc(1, sizeof **handle);
    (*handle)->device = device;
    fake_usb.handles++;
    return 0;
}

/* As the real one: flying transfers are forgotten, and their owner's again; what it claims is released. */
WRAP(void, libusb_close, libusb_device_handle *handle)
{
    size_t kept = 0;

    if (handle == NULL) {
        return;
    }
    for (size_t i = 0; i < fake_usb.flying_count; i++) {
        if (fake_usb.flying[i]->dev_handle != handle) {
            fake_usb.flying[kept++] = fake_usb.flying[i];
        }
    }
    fake_usb.flying_count = kept;
    if (handle->claims) {
        handle->device->chip->claimed = false;
    }
    fake_usb.handles--;
    free(handle);
}

WRAP(libusb_device *, libusb_get_device, libusb_device_handle *handle)
{
    return handle->device;
}

WRAP(int, libusb_get_string_descriptor_ascii, libusb_device_handle *handle, uint8_t index, unsigned char *text,
     int length)
{
    const struct fake_chip *chip = handle->device->chip;

    assert_int_equal(index, 3);
    assert_true((size_t)length > strlen(chip->serial));
    if (chip->string_error != 0) {
        return chip->string_error;
    }
    memcpy(text, chip->serial, strlen(chip->serial) + 1);
    return (int)strlen(chip->serial);
}

WRAP(int, libusb_kernel_driver_active, libusb_device_handle *handle, int interface)
{
    assert_int_equal(interface, 0);
    return handle->device->chip->driver_bound;
}

WRAP(int, libusb_detach_kernel_driver, libusb_device_handle *handle, int interface)
{
    struct fake_chip *chip = handle->device->chip;

    assert_int_equal(interface, 0);
    assert_true(chip->driver_bound);
    if (chip->detach_error == 0) {
        chip->driver_bound = false;
        chip->detached++;
    }
    return chip->detach_error;
}

WRAP(int, libusb_set_auto_detach_kernel_driver, libusb_device_handle *handle, int enable)
{
    (void)handle;
    fail_msg("libusb would bind a driver that was not there before: %d", enable);
    return 0;
}

WRAP(int, libusb_attach_kernel_driver, libusb_device_handle *handle, int interface)
{
    struct fake_chip *chip = handle->device->chip;

    assert_int_equal(interface, 0);
    if (chip->unplugged) {
        return LIBUSB_ERROR_NO_DEVICE;
    }
    if (chip->claimed) {
        return LIBUSB_ERROR_BUSY;
    }
    chip->driver_bound = true;
    chip->attached++;
    return 0;
}

WRAP(int, libusb_get_config_descriptor, libusb_device *device, uint8_t index, struct libusb_config_descriptor **got)
{
    (void)device;
    assert_int_equal(index, 0);
    *got = &config;
    return 0;
}

WRAP(void, libusb_free_config_descriptor, struct libusb_config_descriptor *got)
{
    assert_ptr_equal(got, &config);
}

WRAP(int, libusb_get_configuration, libusb_device_handle *handle, int *value)
{
    (void)handle;
    *value = config.bConfigurationValue;
    return 0;
}

WRAP(int, libusb_claim_interface, libusb_device_handle *handle, int interface)
{
    struct fake_chip *chip = handle->device->chip;

    assert_int_equal(interface, 0);
    if (chip->claim_error == 0 && !chip->driver_bound) {
        chip->claimed = true;
        handle->claims = true;
        return 0;
    }
    return chip->driver_bound ? LIBUSB_ERROR_BUSY : chip->claim_error;
}

WRAP(int, libusb_release_interface, libusb_device_handle *handle, int interface)
{
    struct fake_chip *chip = handle->device->chip;

    assert_int_equal(interface, 0);
    assert_true(handle->claims);
    chip->claimed = false;
    handle->claims = false;
    return chip->unplugged ? LIBUSB_ERROR_NO_DEVICE : 0;
}

WRAP(int, libusb_get_max_packet_size, libusb_device *device, unsigned char endpoint)
{
    assert_int_equal(endpoint, EP_IN);
    return device->chip->packet_bytes;
}

/* ---- The chip's requests (as libftdi and the kernel know them) ---- */

/* The divisor's words back to a rate: 14 bits, three of a fraction, and for the H chips the clock's choice. */
static uint32_t rate_of(const struct fake_chip *chip, uint16_t value, uint16_t index)
{
    static const uint32_t eighths_of[] = {0, 4, 2, 1, 3, 5, 6, 7};
    bool high_speed = chip->release >= 0x0700 && chip->release <= 0x0900;
    uint32_t word = value | (uint32_t)(high_speed ? index >> 8 : index) << 16;
    uint32_t clock = high_speed && (word & 0x20000) != 0 ? 12000000 : 3000000;
    uint32_t eighths = (word & 0x3fff) * 8 + eighths_of[word >> 14 & 7];

    if ((word & 0x1ffff) < 2) { /* 0 and 1 stand for 1 and 1.5 */
        eighths = (word & 1) == 0 ? 8 : 12;
    }
    return clock * 8 / eighths;
}

static int take_request(struct fake_chip *chip, uint8_t request, uint16_t value, uint16_t index)
{
    enum { RESET, MODEM_CONTROL, FLOW_CONTROL, BAUD_RATE, FRAME, LATENCY = 9 };

    switch (request) {
    case RESET:
        *(value == 0 ? &chip->resets : &chip->purges) += 1;
        return 0;
    case MODEM_CONTROL:
        chip->modem_control = value;
        return 0;
    case FLOW_CONTROL:
        chip->flow = index;
        return 0;
    case BAUD_RATE:
        chip->rate = rate_of(chip, value, index);
        return 0;
    case FRAME:
        chip->frame = value;
        return 0;
    case LATENCY:
        chip->latency_ms = (uint8_t)value;
        return 0;
    default:
        fail_msg("request 0x%02x to the chip", request);
        return LIBUSB_ERROR_PIPE;
    }
}

WRAP(int, libusb_control_transfer, libusb_device_handle *handle, uint8_t type, uint8_t request, uint16_t value,
     uint16_t index, unsigned char *data, uint16_t length, unsigned timeout_ms)
{
    enum { GET_LATENCY = 0x0a };
    struct fake_chip *chip = handle->device->chip;

    assert_in_range(timeout_ms, 1, 500);
    if (chip->unplugged) {
        return LIBUSB_ERROR_NO_DEVICE;
    }
    if (fake_usb.controls++ == fake_usb.control_fails_at) {
        return LIBUSB_ERROR_PIPE;
    }
    if (type == IN_REQUEST) {
        assert_int_equal(request, GET_LATENCY);
        assert_int_equal(length, 1);
        data[0] = chip->latency_told == FAKE_NEVER ? chip->latency_ms : (uint8_t)chip->latency_told;
        return 1;
    }
    assert_int_equal(type, OUT_REQUEST);
    return take_request(chip, request, value, index);
}

/* ---- Transfers ---- */

static int bulk_in(struct fake_chip *chip, unsigned char *data, int length, int *count)
{
    assert_int_equal(length, chip->packet_bytes);
    *count = 0;
    if (chip->first_packet_error != 0) {
        return chip->first_packet_error;
    }
    data[0] = chip->modem;
    data[1] = chip->first_line;
    memset(data + 2, 0xee, (size_t)length - 2);
    *count = chip->first_packet_bytes;
    return 0;
}

static int bulk_out(struct fake_chip *chip, const unsigned char *data, int length, int *count)
{
    size_t taken = (size_t)length;

    if (chip->write_error != 0 && taken > chip->write_stops_after) {
        taken = chip->write_stops_after;
    }
    assert_true(chip->written_count + taken <= FAKE_WRITTEN_MAX);
    memcpy(chip->written + chip->written_count, data, taken);
    chip->written_count += taken;
    *count = (int)taken;
    return chip->write_error;
}

WRAP(int, libusb_bulk_transfer, libusb_device_handle *handle, unsigned char endpoint, unsigned char *data, int length,
     int *count, unsigned timeout_ms)
{
    struct fake_chip *chip = handle->device->chip;

    assert_true(chip->claimed);
    assert_in_range(timeout_ms, 1, 100);
    if (chip->unplugged) {
        return LIBUSB_ERROR_NO_DEVICE;
    }
    return endpoint == EP_IN ? bulk_in(chip, data, length, count) : bulk_out(chip, data, length, count);
}

WRAP(struct libusb_transfer *, libusb_alloc_transfer, int iso_packets)
{
    assert_int_equal(iso_packets, 0);
    if (fake_usb.allocs++ == fake_usb.alloc_fails_at) {
        return NULL;
    }
    fake_usb.transfers++;
    return calloc(1, sizeof(struct libusb_transfer));
}

static bool is_flying(const struct libusb_transfer *transfer)
{
    for (size_t i = 0; i < fake_usb.flying_count; i++) {
        if (fake_usb.flying[i] == transfer) {
            return true;
        }
    }
    return false;
}

WRAP(void, libusb_free_transfer, struct libusb_transfer *transfer)
{
    if (transfer != NULL) {
        assert_false(is_flying(transfer));
        fake_usb.transfers--;
        free(transfer);
    }
}

WRAP(int, libusb_submit_transfer, struct libusb_transfer *transfer)
{
    const struct fake_chip *chip = transfer->dev_handle->device->chip;

    assert_true(chip->claimed);
    assert_int_equal(transfer->endpoint, EP_IN);
    assert_int_equal(transfer->length % chip->packet_bytes, 0);
    assert_int_equal(transfer->timeout, 0);
    assert_false(is_flying(transfer));
    if (chip->unplugged) {
        return LIBUSB_ERROR_NO_DEVICE;
    }
    if (fake_usb.submits++ == fake_usb.submit_fails_at) {
        return LIBUSB_ERROR_NO_MEM;
    }
    transfer->actual_length = 0;
    transfer->status = LIBUSB_TRANSFER_COMPLETED;
    fake_usb.flying[fake_usb.flying_count++] = transfer;
    return 0;
}

WRAP(int, libusb_cancel_transfer, struct libusb_transfer *transfer)
{
    const struct fake_chip *chip = transfer->dev_handle->device->chip;
    bool has_ended = fake_usb.packet_count > 0 && transfer == fake_usb.flying[0];

    if (!is_flying(transfer) || has_ended) {
        return LIBUSB_ERROR_NOT_FOUND;
    }
    if (chip->unplugged) {
        return LIBUSB_ERROR_NO_DEVICE;
    }
    if (!chip->cancels_hang) {
        transfer->status = LIBUSB_TRANSFER_CANCELLED;
    }
    return 0;
}

/* Packets into the transfer until one is short or it is full. True: it has ended. */
static bool fill(struct libusb_transfer *transfer, const struct fake_chip *chip)
{
    if (transfer->status == LIBUSB_TRANSFER_CANCELLED) {
        return true;
    }
    while (fake_usb.packet_count > 0) {
        const struct fake_packet *packet = &fake_usb.packets[fake_usb.first_packet];

        memcpy(transfer->buffer + transfer->actual_length, packet->bytes, packet->count);
        transfer->actual_length += (int)packet->count;
        transfer->status = packet->status;
        fake_usb.first_packet = (fake_usb.first_packet + 1) % FAKE_PACKETS_MAX;
        fake_usb.packet_count--;
        if (packet->count < (size_t)chip->packet_bytes || transfer->actual_length == transfer->length) {
            return true;
        }
    }
    if (chip->unplugged) {
        transfer->status = LIBUSB_TRANSFER_NO_DEVICE;
    }
    return chip->unplugged;
}

WRAP(int, libusb_handle_events_timeout_completed, libusb_context *made, struct timeval *wait, int *completed)
{
    bool none = true;

    assert_ptr_equal(made, &context);
    assert_null(completed);
    if (fake_usb.events_error != 0) {
        return fake_usb.events_error;
    }
    while (fake_usb.flying_count > 0 && fill(fake_usb.flying[0], fake_usb.flying[0]->dev_handle->device->chip)) {
        struct libusb_transfer *transfer = fake_usb.flying[0];

        fake_usb.flying_count--;
        memmove(fake_usb.flying, fake_usb.flying + 1, fake_usb.flying_count * sizeof fake_usb.flying[0]);
        transfer->callback(transfer);
        none = false;
    }
    if (none && (wait->tv_sec > 0 || wait->tv_usec > 0)) {
        usleep((useconds_t)(wait->tv_sec * 1000000 + wait->tv_usec));
    }
    return 0;
}

/* ---- Descriptors ---- */

WRAP(const struct libusb_pollfd **, libusb_get_pollfds, libusb_context *made)
{
    static const struct libusb_pollfd fds[] = {{100, 1}, {101, 4}, {102, 1}, {103, 1}, {104, 1},
                                               {105, 1}, {106, 1}, {107, 1}, {108, 1}, {109, 1}};
    const struct libusb_pollfd **list = calloc(fake_usb.pollfd_count + 1, sizeof *list);

    assert_ptr_equal(made, &context);
    for (size_t i = 0; i < fake_usb.pollfd_count; i++) {
        list[i] = &fds[i];
    }
    fake_usb.lists++;
    return list;
}

WRAP(void, libusb_free_pollfds, const struct libusb_pollfd **list)
{
    fake_usb.lists--;
    free(list);
}
