/* SPDX-License-Identifier: MIT */
/* Our code and the real libftdi, over a libusb that is not there: fake_usb.c. */
#include "fake_usb.h"
#include "ports/ftdi_stream.h"
#include "util/deadline.h"
#include "util/prng.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    BAUD = 4000000,
    GOOD_LINE = 0x60,
    OVERRUN = 0x02,
    PARITY = 0x04,
    FRAMING = 0x08,
    BREAK = 0x10,
    RING_BYTES = 256 * 1024, /* as ftdi_stream.c has it */
};

#define CHIP "FTDI chip \"FT1\" (bus 1, port 2.1)"

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
int __real_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags);

static bool out_of_memory, out_of_descriptors;
static int fd_at_start;

void *__wrap_calloc(size_t count, size_t size)
{
    return out_of_memory ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
    return out_of_memory ? NULL : __real_malloc(size);
}

int __wrap_eventfd(unsigned value, int flags)
{
    errno = EMFILE;
    return out_of_descriptors ? -1 : __real_eventfd(value, flags);
}

/* The lowest that is free: a leak shows in it. */
static int next_fd(void)
{
    int fd = dup(STDERR_FILENO);

    close(fd);
    return fd;
}

static struct fake_chip *chip(void)
{
    return &fake_usb.chips[0];
}

static void assert_nothing_left(void)
{
    assert_int_equal(fake_usb.contexts, 0);
    assert_int_equal(fake_usb.lists, 0);
    assert_int_equal(fake_usb.handles, 0);
    assert_int_equal(fake_usb.transfers, 0);
    assert_int_equal(next_fd(), fd_at_start);
    for (size_t i = 0; i < fake_usb.chip_count; i++) {
        assert_false(fake_usb.chips[i].claimed);
        assert_true(fake_usb.chips[i].driver_bound || fake_usb.chips[i].unplugged);
    }
}

static int set_up(void **state)
{
    (void)state;
    fake_usb_reset();
    out_of_memory = false;
    out_of_descriptors = false;
    fd_at_start = next_fd();
    return 0;
}

static struct p2p_byte_stream open_stream(void)
{
    struct p2p_byte_stream stream;
    struct p2p_error error = {0};
    enum p2p_code code = p2p_ftdi_stream_open(NULL, BAUD, &stream, &error);

    assert_string_equal(error.message, "");
    assert_int_equal(code, P2P_OK);
    return stream;
}

static void close_stream(struct p2p_byte_stream *stream)
{
    stream->close(stream->self);
    assert_nothing_left();
}

static void assert_refused(const char *serial, uint32_t baud, enum p2p_code code, const char *message)
{
    struct p2p_byte_stream stream;
    struct p2p_error error = {0};

    assert_int_equal(p2p_ftdi_stream_open(serial, baud, &stream, &error), code);
    assert_string_equal(error.message, message);
    assert_nothing_left();
}

static size_t read_some(struct p2p_byte_stream *stream, uint8_t *bytes, size_t capacity)
{
    struct p2p_error error = {0};
    size_t count = capacity + 1;

    assert_int_equal(stream->read(stream->self, bytes, capacity, &count, &error), P2P_OK);
    assert_true(count <= capacity);
    return count;
}

static void assert_reads(struct p2p_byte_stream *stream, const char *expected)
{
    uint8_t bytes[64];

    assert_int_equal(read_some(stream, bytes, sizeof bytes), strlen(expected));
    assert_memory_equal(bytes, expected, strlen(expected));
}

static void assert_fails(struct p2p_byte_stream *stream, const char *message)
{
    for (int i = 0; i < 3; i++) { /* the error stands */
        struct p2p_error error = {0};
        uint8_t bytes[8];
        size_t count = 99;

        assert_int_equal(stream->read(stream->self, bytes, sizeof bytes, &count, &error), P2P_E_BENCH);
        assert_int_equal(count, 0);
        assert_string_equal(error.message, message);
    }
}

static void send_text(uint8_t line, const char *text)
{
    fake_usb_packet(line, (const uint8_t *)text, strlen(text));
}

/* ---- Opening and closing ---- */

static void the_chip_is_set_up_and_given_back(void **state)
{
    struct p2p_byte_stream stream = open_stream();

    (void)state;
    assert_int_equal(chip()->rate, BAUD);
    assert_int_equal(chip()->frame, 8); /* 8 bits, no parity, 1 stop bit */
    assert_int_equal(chip()->latency_ms, 1);
    assert_int_equal(chip()->flow & 0xff00, 0x0100); /* RTS/CTS */
    assert_int_equal(chip()->modem_control & 0x0303, 0x0303);
    assert_int_equal(chip()->purges, 2); /* both directions */
    assert_true(chip()->resets > 0);
    assert_true(chip()->claimed);
    assert_int_equal(chip()->detached, 1);
    close_stream(&stream);
    assert_int_equal(chip()->latency_ms, 16);
    assert_int_equal(chip()->attached, 1);
}

static void a_driver_that_was_not_there_is_not_put_there(void **state)
{
    struct p2p_byte_stream stream;

    (void)state;
    chip()->driver_bound = false;
    stream = open_stream();
    stream.close(stream.self);
    assert_int_equal(chip()->detached, 0);
    assert_int_equal(chip()->attached, 0);
}

static void without_cts_there_is_no_flow_control(void **state)
{
    struct p2p_byte_stream stream;

    (void)state;
    chip()->modem = 0x01;
    stream = open_stream();
    assert_int_equal(chip()->flow & 0xff00, 0);
    assert_int_equal(chip()->modem_control & 0x0202, 0x0202); /* RTS high: the probe may send */
    close_stream(&stream);
}

struct rate_case {
    uint16_t product, release;
    uint32_t baud, rate;
};

static void rates_are_what_libftdi_makes_of_them(void **state)
{
    static const struct rate_case cases[] = {
        {0x6014, 0x0900, 12000000, 12000000}, {0x6014, 0x0900, 8000000, 8000000}, {0x6010, 0x0700, 6000000, 6000000},
        {0x6011, 0x0800, 115200, 115246},     {0x6014, 0x0900, 3000000, 3000000}, {0x6014, 0x0900, 5050000, 5052631},
        {0x6001, 0x0600, 3000000, 3000000},   {0x6015, 0x1000, 2000000, 2000000}, {0x6001, 0x0400, 921600, 923076},
        {0x6014, 0x0900, 9600, 9600},         {0x6014, 0x0900, 4824120, 4800000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct p2p_byte_stream stream;
        struct p2p_error error = {0};

        fake_usb_reset();
        chip()->product = cases[i].product;
        chip()->release = cases[i].release;
        p2p_ftdi_stream_open("FT1", cases[i].baud, &stream, &error);
        assert_string_equal(error.message, "");
        assert_int_equal(chip()->rate, cases[i].rate);
        close_stream(&stream);
    }
}

static void rates_that_the_chip_cannot_make_are_refused(void **state)
{
    static const char words[] = "its fastest 12000000 (see \"baud\" in the bench file)";
    char message[200];

    (void)state;
    snprintf(message, sizeof message, CHIP ": cannot do 7000000 baud: its nearest rate is 6000000, %s", words);
    assert_refused(NULL, 7000000, P2P_E_INPUT, message);
    snprintf(message, sizeof message, CHIP ": cannot do 12130000 baud: its nearest rate is 12000000, %s", words);
    assert_refused(NULL, 12130000, P2P_E_INPUT, message);
    /* 2.375 = 19 / 8 would be 5052631: 1.04 % off */
    snprintf(message, sizeof message, CHIP ": cannot do 5000001 baud: its nearest rate is 5052631, %s", words);
    assert_refused(NULL, 5000001, P2P_E_INPUT, message);
    assert_refused(NULL, 0, P2P_E_INPUT,
                   CHIP ": cannot do 0 baud: its nearest rate is 0, its fastest 12000000 (see \"baud\" in the bench "
                        "file)");
    chip()->product = 0x6001;
    chip()->release = 0x0600; /* FT232R */
    assert_refused(NULL, BAUD, P2P_E_INPUT,
                   CHIP ": cannot do 4000000 baud: its nearest rate is 3000000, its fastest 3000000 (see \"baud\" in "
                        "the bench file)");
    chip()->release = 0x0200; /* FT8U232AM */
    assert_refused(NULL, 9600, P2P_E_INPUT,
                   CHIP ": cannot do 9600 baud: its nearest rate is 0, its fastest 0 (see \"baud\" in the bench "
                        "file)");
}

/* ---- Which chip ---- */

static void no_chip_is_told(void **state)
{
    static const char message[] = "no FTDI chip is on USB: plug the probe's in (see `lsusb -d 0403:`)";

    (void)state;
    chip()->vendor = 0x1234;
    assert_refused(NULL, BAUD, P2P_E_BENCH, message);
    chip()->vendor = 0x0403;
    chip()->product = 0x6002;
    assert_refused("FT1", BAUD, P2P_E_BENCH, message);
    fake_usb.chip_count = 0;
    assert_refused(NULL, BAUD, P2P_E_BENCH, message);
}

static void several_chips_need_a_name(void **state)
{
    (void)state;
    fake_usb_add("FT2");
    fake_usb_add(NULL)->ports[1] = 0;
    assert_refused(NULL, BAUD, P2P_E_BENCH,
                   "several FTDI chips are on USB: \"FT1\" (bus 1, port 2.1), \"FT2\" (bus 1, port 2.2), no serial "
                   "(bus 1, port 2): name the probe's in the bench file (\"serial\"); those without a serial, or with "
                   "equal ones, need one of their own (`ftdi_eeprom`)");
}

static void the_named_chip_is_opened(void **state)
{
    struct p2p_byte_stream stream;
    struct p2p_error error = {0};

    (void)state;
    fake_usb_add("FT2");
    fake_usb_add(NULL)->open_error = LIBUSB_ERROR_ACCESS; /* not ours: never mind */
    assert_int_equal(p2p_ftdi_stream_open("FT2", BAUD, &stream, &error), P2P_OK);
    assert_false(fake_usb.chips[0].claimed);
    assert_true(fake_usb.chips[1].claimed);
    close_stream(&stream);
}

static void a_chip_without_a_serial_may_be_the_only_one(void **state)
{
    struct p2p_byte_stream stream;

    (void)state;
    chip()->serial = NULL;
    stream = open_stream();
    close_stream(&stream);
    assert_refused("FT1", BAUD, P2P_E_BENCH,
                   "no FTDI chip with the serial \"FT1\" is on USB; there are: no serial (bus 1, port 2.1)");
}

static void equal_serials_are_refused(void **state)
{
    (void)state;
    fake_usb_add("FT1");
    fake_usb_add("FT2");
    assert_refused("FT1", BAUD, P2P_E_BENCH,
                   "2 FTDI chips have the serial \"FT1\": \"FT1\" (bus 1, port 2.1), \"FT1\" (bus 1, port 2.2), "
                   "\"FT2\" (bus 1, port 2.3): give each a serial of its own (`ftdi_eeprom`), or unplug all others");
}

static void a_missing_serial_lists_what_is_there(void **state)
{
    (void)state;
    assert_refused("FT9", BAUD, P2P_E_BENCH,
                   "no FTDI chip with the serial \"FT9\" is on USB; there are: \"FT1\" (bus 1, port 2.1)");
    fake_usb_add("FT9")->open_error = LIBUSB_ERROR_ACCESS;
    assert_refused("FT9", BAUD, P2P_E_BENCH,
                   "no FTDI chip with the serial \"FT9\" is on USB; there are: \"FT1\" (bus 1, port 2.1), "
                   "LIBUSB_ERROR_ACCESS (bus 1, port 2.2): for those without permission copy pin2pin's "
                   "docs/60-pin2pin.rules to /etc/udev/rules.d");
}

/* ---- What may go wrong at open ---- */

static void no_permission_is_told_with_the_rule(void **state)
{
    (void)state;
    chip()->open_error = LIBUSB_ERROR_ACCESS;
    assert_refused(NULL, BAUD, P2P_E_BENCH,
                   "FTDI chip \"\" (bus 1, port 2.1): cannot open it: no permission (LIBUSB_ERROR_ACCESS): copy "
                   "pin2pin's docs/60-pin2pin.rules to /etc/udev/rules.d, join the group plugdev, and plug the chip in "
                   "again");
}

static void a_serial_that_cannot_be_read_is_told(void **state)
{
    (void)state;
    chip()->string_error = LIBUSB_ERROR_IO;
    assert_refused(NULL, BAUD, P2P_E_BENCH,
                   "FTDI chip \"\" (bus 1, port 2.1): cannot open it: Input/Output Error (LIBUSB_ERROR_IO)");
}

static void a_held_chip_is_told_with_who_may_hold_it(void **state)
{
    (void)state;
    chip()->claim_error = LIBUSB_ERROR_BUSY;
    assert_refused(NULL, BAUD, P2P_E_BENCH,
                   CHIP ": cannot open it: another program holds it (LIBUSB_ERROR_BUSY): `fuser -v "
                        "/dev/bus/usb/001/011` tells which");
}

static void a_driver_that_does_not_let_go_is_told(void **state)
{
    (void)state;
    chip()->detach_error = LIBUSB_ERROR_NO_DEVICE;
    assert_refused(NULL, BAUD, P2P_E_BENCH,
                   CHIP ": cannot take it from the kernel's driver: it was unplugged (LIBUSB_ERROR_NO_DEVICE)");
    assert_int_equal(chip()->attached, 0);
}

static void usb_that_does_not_start_is_told(void **state)
{
    (void)state;
    fake_usb.list_error = LIBUSB_ERROR_NO_MEM;
    assert_refused(NULL, BAUD, P2P_E_HOST, "USB: cannot list what is on USB: out of memory (LIBUSB_ERROR_NO_MEM)");
    fake_usb.init_error = LIBUSB_ERROR_OTHER;
    assert_refused(NULL, BAUD, P2P_E_HOST, "FTDI: cannot start libusb: out of memory, or no USB (/dev/bus/usb)?");
    out_of_descriptors = true;
    assert_refused(NULL, BAUD, P2P_E_HOST, "FTDI: cannot make an event descriptor: Too many open files");
}

/* Whichever request fails, it is told, and everything is given back. */
static void every_request_that_fails_is_told(void **state)
{
    static const char *const expected[] = {
        CHIP ": cannot open it: ftdi_usb_reset failed",
        CHIP ": cannot open it: set baudrate failed",
        CHIP ": cannot reset it: FTDI reset failed",
        CHIP ": cannot set 8N1: Setting new line property failed",
        CHIP ": cannot set its baud rate: Setting new baudrate failed",
        CHIP ": cannot set its latency timer: reading latency timer failed",
        CHIP ": cannot set its latency timer: unable to set latency timer",
        CHIP ": cannot set its latency timer: reading latency timer failed",
        CHIP ": cannot raise DTR and RTS: set of rts/dtr failed",
        CHIP ": cannot purge its buffers: FTDI purge of TX buffer failed",
        CHIP ": cannot purge its buffers: FTDI purge of RX buffer failed",
        CHIP ": cannot set its flow control: set flow control failed",
    };
    const int count = sizeof expected / sizeof expected[0];
    struct p2p_byte_stream stream;

    (void)state;
    for (int i = 0; i < count; i++) {
        fake_usb_reset();
        fake_usb.control_fails_at = i;
        assert_refused(NULL, BAUD, P2P_E_BENCH, expected[i]);
    }
    fake_usb_reset();
    stream = open_stream();
    assert_int_equal(fake_usb.controls, count);
    close_stream(&stream);
}

static void a_latency_timer_that_does_not_take_is_told(void **state)
{
    (void)state;
    chip()->latency_told = 16;
    assert_refused(NULL, BAUD, P2P_E_BENCH,
                   CHIP ": its latency timer was set to 1 ms and is 16 ms: is it an FTDI chip?");
}

static void a_chip_with_odd_packets_is_told(void **state)
{
    (void)state;
    chip()->packet_bytes = 2;
    assert_refused(NULL, BAUD, P2P_E_BENCH, CHIP ": has packets of 2 bytes, expected 64 or 512: is it an FTDI chip?");
    chip()->packet_bytes = 500;
    assert_refused(NULL, BAUD, P2P_E_BENCH, CHIP ": has packets of 500 bytes, expected 64 or 512: is it an FTDI chip?");
    chip()->packet_bytes = LIBUSB_ERROR_NOT_FOUND;
    assert_refused(NULL, BAUD, P2P_E_BENCH, CHIP ": has packets of -5 bytes, expected 64 or 512: is it an FTDI chip?");
}

static void a_chip_that_sends_no_status_is_told(void **state)
{
    (void)state;
    chip()->first_packet_error = LIBUSB_ERROR_TIMEOUT;
    assert_refused(NULL, BAUD, P2P_E_BENCH,
                   CHIP ": cannot get its first packet: Operation timed out (LIBUSB_ERROR_TIMEOUT)");
    chip()->first_packet_error = 0;
    chip()->first_packet_bytes = 1;
    assert_refused(NULL, BAUD, P2P_E_BENCH, CHIP ": sends packets without their status: is it an FTDI chip?");
}

static void every_transfer_that_cannot_be_made_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < 32; i++) {
        fake_usb_reset();
        fake_usb.alloc_fails_at = i;
        assert_refused(NULL, BAUD, P2P_E_HOST, CHIP ": out of memory");
        fake_usb_reset();
        fake_usb.submit_fails_at = i;
        assert_refused(NULL, BAUD, P2P_E_HOST, CHIP ": cannot read from it: out of memory (LIBUSB_ERROR_NO_MEM)");
    }
}

static void no_memory_is_told(void **state)
{
    struct p2p_byte_stream stream;
    struct p2p_error error = {0};

    (void)state;
    out_of_memory = true;
    assert_int_equal(p2p_ftdi_stream_open(NULL, BAUD, &stream, &error), P2P_E_HOST);
    out_of_memory = false;
    assert_string_equal(error.message, "FTDI: out of memory");
    assert_nothing_left();
}

/* ---- Reading ---- */

static void bytes_come_without_their_status(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    uint8_t bytes[4];

    (void)state;
    assert_reads(&stream, "");
    send_text(GOOD_LINE, "hello");
    send_text(GOOD_LINE, ", world");
    assert_int_equal(read_some(&stream, bytes, 4), 4);
    assert_memory_equal(bytes, "hell", 4);
    assert_reads(&stream, "o, world");
    assert_reads(&stream, "");
    close_stream(&stream);
}

static void packets_of_status_alone_yield_nothing(void **state)
{
    struct p2p_byte_stream stream = open_stream();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        fake_usb_packet(GOOD_LINE, NULL, 0);
    }
    assert_reads(&stream, "");
    assert_int_equal(fake_usb.packet_count, 0);
    send_text(GOOD_LINE, "x");
    assert_reads(&stream, "x");
    close_stream(&stream);
}

/* What the line did before we came, and what came with it, is not ours. */
static void the_first_packet_is_dropped(void **state)
{
    struct p2p_byte_stream stream;

    (void)state;
    chip()->first_line = GOOD_LINE | OVERRUN | BREAK;
    chip()->first_packet_bytes = 512;
    stream = open_stream();
    send_text(GOOD_LINE, "ours");
    assert_reads(&stream, "ours");
    close_stream(&stream);
}

static void fill_bytes(uint8_t *bytes, size_t count, struct p2p_prng *random)
{
    for (size_t i = 0; i < count; i++) {
        bytes[i] = (uint8_t)p2p_prng_below(random, 256);
    }
}

static void check_every_split(int packet_bytes)
{
    static uint8_t sent[1020], got[1021];
    struct p2p_prng random;
    struct p2p_byte_stream stream;
    size_t most = (size_t)packet_bytes - 2;

    p2p_prng_seed(&random, (uint64_t)packet_bytes);
    fake_usb_reset();
    chip()->packet_bytes = packet_bytes;
    stream = open_stream();
    fill_bytes(sent, sizeof sent, &random);
    for (size_t first = 0; first <= most; first++) {
        size_t count = 2 * most;

        fake_usb_packet(GOOD_LINE, sent, first);
        fake_usb_send(sent + first, count - first);
        assert_int_equal(read_some(&stream, got, sizeof got), count);
        assert_memory_equal(got, sent, count);
    }
    close_stream(&stream);
}

static void bytes_may_be_split_into_packets_anywhere(void **state)
{
    (void)state;
    check_every_split(512);
    check_every_split(64);
}

static void bytes_of_any_packets_come_in_order(void **state)
{
    enum { TOTAL = 300000 };
    uint64_t seed = (uint64_t)p2p_monotonic_ns();
    uint8_t *sent = malloc(TOTAL);
    uint8_t *got = malloc(TOTAL);
    struct p2p_byte_stream stream = open_stream();
    struct p2p_prng random;
    size_t out = 0, in = 0;

    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    p2p_prng_seed(&random, seed);
    fill_bytes(sent, TOTAL, &random);
    while (in < TOTAL) {
        size_t capacity = 1 + (size_t)p2p_prng_below(&random, 2000);

        for (size_t n = p2p_prng_below(&random, 5); n > 0 && out < TOTAL && fake_usb.packet_count < 2000; n--) {
            size_t count = p2p_prng_below(&random, 3) == 0 ? 510 : (size_t)p2p_prng_below(&random, 510);

            count = count < TOTAL - out ? count : TOTAL - out;
            fake_usb_packet(GOOD_LINE, sent + out, count);
            out += count;
        }
        if (out == TOTAL) {
            fake_usb_packet(GOOD_LINE, NULL, 0); /* the latency timer ends the last transfer */
        }
        in += read_some(&stream, got + in, capacity < TOTAL - in ? capacity : TOTAL - in);
    }
    assert_memory_equal(got, sent, TOTAL);
    close_stream(&stream);
    free(sent);
    free(got);
}

static void a_full_ring_holds_the_chip_and_loses_nothing(void **state)
{
    enum { TOTAL = 900000 };
    uint8_t *sent = malloc(TOTAL);
    uint8_t *got = malloc(TOTAL);
    struct p2p_byte_stream stream = open_stream();
    struct p2p_prng random;
    uint8_t none;
    size_t in = 0;

    (void)state;
    p2p_prng_seed(&random, 1);
    fill_bytes(sent, TOTAL, &random);
    fake_usb_send(sent, TOTAL);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(read_some(&stream, &none, 0), 0);
    }
    assert_int_equal(fake_usb.flying_count, 0); /* nobody takes from the chip any more */
    assert_true(fake_usb.packet_count * 510 > TOTAL - RING_BYTES);
    assert_true(fake_usb.packet_count * 510 < TOTAL - RING_BYTES + 2 * 4096);
    while (in < TOTAL) {
        in += read_some(&stream, got + in, TOTAL - in < 5000 ? TOTAL - in : 5000);
    }
    assert_memory_equal(got, sent, TOTAL);
    assert_int_equal(fake_usb.flying_count, 32);
    close_stream(&stream);
    free(sent);
    free(got);
}

static void an_overrun_is_told_after_the_bytes_before_it(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    uint8_t bytes[2];

    (void)state;
    send_text(GOOD_LINE, "before");
    send_text(GOOD_LINE | OVERRUN, "in doubt");
    send_text(GOOD_LINE, "after");
    assert_int_equal(read_some(&stream, bytes, 2), 2);
    assert_reads(&stream, "fore");
    assert_int_equal(fake_usb.flying_count, 30); /* nobody wants more */
    assert_fails(&stream, CHIP ": the chip lost bytes (overrun): the host was late; wire RTS and CTS, or relieve the "
                               "host");
    close_stream(&stream);
}

/* In any packet of a transfer, not only its first. */
static void an_overrun_amid_a_transfer_is_told(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    uint8_t full[510] = {0};
    uint8_t bytes[4096];

    (void)state;
    fake_usb_packet(GOOD_LINE, full, sizeof full);
    fake_usb_packet(GOOD_LINE, full, sizeof full);
    fake_usb_packet(GOOD_LINE | OVERRUN, full, sizeof full);
    fake_usb_packet(GOOD_LINE, full, 1);
    assert_int_equal(read_some(&stream, bytes, sizeof bytes), 2 * sizeof full);
    assert_fails(&stream, CHIP ": the chip lost bytes (overrun): the host was late; wire RTS and CTS, or relieve the "
                               "host");
    close_stream(&stream);
}

static void bad_bytes_on_the_line_are_told(void **state)
{
    static const struct {
        uint8_t line;
        const char *words;
    } cases[] = {{PARITY, "0x64: parity"}, {FRAMING, "0x68: framing"}, {BREAK | FRAMING, "0x78: framing break"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct p2p_byte_stream stream;
        char message[200];

        fake_usb_reset();
        stream = open_stream();
        send_text(GOOD_LINE, "good");
        send_text(GOOD_LINE | cases[i].line, "x");
        assert_reads(&stream, "good");
        snprintf(message, sizeof message,
                 CHIP ": bad bytes on the line (line status %s): check the baud rate, the wiring, and whether the "
                      "probe has restarted",
                 cases[i].words);
        assert_fails(&stream, message);
        close_stream(&stream);
    }
}

/* The chip repeats them; the kernel's driver has the same rule. */
static void line_errors_without_bytes_do_not_count(void **state)
{
    struct p2p_byte_stream stream = open_stream();

    (void)state;
    fake_usb_packet(GOOD_LINE | OVERRUN | PARITY | FRAMING | BREAK, NULL, 0);
    send_text(GOOD_LINE, "good");
    assert_reads(&stream, "good");
    close_stream(&stream);
}

static void a_packet_without_status_is_told(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    const uint8_t byte = 0;

    (void)state;
    fake_usb_raw(&byte, 1);
    assert_fails(&stream, CHIP ": a packet came without its status");
    close_stream(&stream);
}

static void a_chip_unplugged_amid_a_run_is_told_after_its_last_bytes(void **state)
{
    struct p2p_byte_stream stream = open_stream();

    (void)state;
    send_text(GOOD_LINE, "last");
    chip()->unplugged = true;
    assert_reads(&stream, "last");
    assert_fails(&stream, CHIP ": cannot read from it: it was unplugged (LIBUSB_ERROR_NO_DEVICE)");
    close_stream(&stream);
    assert_int_equal(chip()->attached, 0);
}

static void a_chip_unplugged_while_nobody_reads_is_told(void **state)
{
    static uint8_t bytes[2 * RING_BYTES];
    struct p2p_byte_stream stream = open_stream();
    struct p2p_error error = {0};
    size_t count = 0, got;

    (void)state;
    fake_usb_send(bytes, sizeof bytes);
    assert_int_equal(read_some(&stream, bytes, 0), 0);
    assert_int_equal(fake_usb.flying_count, 0);
    fake_usb.packet_count = 0;
    chip()->unplugged = true;
    while (stream.read(stream.self, bytes, 4096, &got, &error) == P2P_OK) {
        count += got;
    }
    assert_true(count > RING_BYTES - 2 * 4096 && count <= RING_BYTES);
    assert_string_equal(error.message, CHIP ": cannot read from it: it was unplugged (LIBUSB_ERROR_NO_DEVICE)");
    close_stream(&stream);
}

static void failed_transfers_are_told(void **state)
{
    static const struct {
        enum libusb_transfer_status status;
        const char *message;
    } cases[] = {
        {LIBUSB_TRANSFER_ERROR, CHIP ": reading ended: the transfer failed: check cable and hub"},
        {LIBUSB_TRANSFER_STALL, CHIP ": reading ended: the endpoint stalled"},
        {LIBUSB_TRANSFER_OVERFLOW, CHIP ": reading ended: it sent more than was asked for (babble)"},
        {LIBUSB_TRANSFER_NO_DEVICE, CHIP ": reading ended: it was unplugged"},
        {LIBUSB_TRANSFER_TIMED_OUT, CHIP ": reading ended: the transfer timed out"},
        {LIBUSB_TRANSFER_CANCELLED, CHIP ": reading ended: the transfer was cancelled"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct p2p_byte_stream stream;
        uint8_t full[510] = "whole packets of a transfer that ends badly count";

        fake_usb_reset();
        stream = open_stream();
        fake_usb_packet(GOOD_LINE, full, sizeof full);
        fake_usb_end(cases[i].status);
        fake_usb_packet(GOOD_LINE, full, sizeof full); /* never: the order would be in doubt */
        assert_int_equal(read_some(&stream, full, sizeof full), sizeof full);
        assert_fails(&stream, cases[i].message);
        close_stream(&stream);
    }
}

static void a_resubmission_that_fails_is_told(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    struct p2p_error error = {0};
    uint8_t bytes[4];
    size_t count;

    (void)state;
    fake_usb.submit_fails_at = 32;
    send_text(GOOD_LINE, "last");
    assert_reads(&stream, "last");
    assert_int_equal(stream.read(stream.self, bytes, sizeof bytes, &count, &error), P2P_E_HOST);
    assert_string_equal(error.message, CHIP ": cannot read from it: out of memory (LIBUSB_ERROR_NO_MEM)");
    close_stream(&stream);
}

static void events_that_cannot_be_followed_are_told(void **state)
{
    struct p2p_byte_stream stream = open_stream();

    (void)state;
    fake_usb.events_error = LIBUSB_ERROR_INTERRUPTED;
    assert_reads(&stream, "");
    fake_usb.events_error = LIBUSB_ERROR_IO;
    assert_fails(&stream, CHIP ": cannot follow what it sends: Input/Output Error (LIBUSB_ERROR_IO)");
    close_stream(&stream);
}

/* ---- Polling ---- */

static void usb_is_polled_while_nothing_waits(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    struct pollfd fds[P2P_STREAM_FDS_MAX];

    (void)state;
    assert_int_equal(stream.poll_fds(stream.self, fds), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fds[i].fd, 100 + i);
        assert_int_equal(fds[i].events, i == 1 ? POLLOUT : POLLIN);
    }
    fake_usb.pollfd_count = 10;
    assert_int_equal(stream.poll_fds(stream.self, fds), P2P_STREAM_FDS_MAX);
    close_stream(&stream);
}

static void assert_ready(struct p2p_byte_stream *stream)
{
    struct pollfd fds[P2P_STREAM_FDS_MAX];
    size_t count = stream->poll_fds(stream->self, fds);

    assert_int_equal(count, 1);
    assert_int_equal(poll(fds, count, 0), 1);
    assert_int_equal(fds[0].revents, POLLIN);
}

static void what_waits_is_told_at_once(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    struct p2p_error error = {0};
    struct pollfd fds[P2P_STREAM_FDS_MAX];
    uint8_t bytes[2];
    size_t count;

    (void)state;
    send_text(GOOD_LINE, "abc");
    send_text(GOOD_LINE | OVERRUN, "x");
    assert_int_equal(read_some(&stream, bytes, 2), 2);
    assert_ready(&stream); /* a byte */
    assert_int_equal(read_some(&stream, bytes, 2), 1);
    assert_ready(&stream); /* the error */
    assert_int_equal(stream.read(stream.self, bytes, 2, &count, &error), P2P_E_BENCH);
    close_stream(&stream);
    fake_usb_reset();
    stream = open_stream();
    send_text(GOOD_LINE, "abc");
    assert_int_equal(read_some(&stream, bytes, 2), 2);
    assert_ready(&stream);
    assert_int_equal(read_some(&stream, bytes, 2), 1);
    assert_int_equal(stream.poll_fds(stream.self, fds), 3);
    close_stream(&stream);
}

/* ---- Writing ---- */

static void bytes_are_written_whole(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(stream.write(stream.self, (const uint8_t *)"command", 7, &error), P2P_OK);
    assert_int_equal(stream.write(stream.self, (const uint8_t *)"", 0, &error), P2P_OK);
    assert_int_equal(stream.write(stream.self, (const uint8_t *)"s", 1, &error), P2P_OK);
    assert_int_equal(chip()->written_count, 8);
    assert_memory_equal(chip()->written, "commands", 8);
    close_stream(&stream);
}

static void assert_write_fails(struct p2p_byte_stream *stream, enum p2p_code code, const char *message)
{
    struct p2p_error error = {0};

    assert_int_equal(stream->write(stream->self, (const uint8_t *)"command", 7, &error), code);
    assert_string_equal(error.message, message);
}

static void a_write_that_fails_is_told(void **state)
{
    static const char too_slow[] =
        CHIP ": does not take 7 bytes within 100 ms: does the probe run, and let it send (CTS)?";
    struct p2p_byte_stream stream = open_stream();

    (void)state;
    chip()->write_error = LIBUSB_ERROR_TIMEOUT;
    chip()->write_stops_after = 3;
    assert_write_fails(&stream, P2P_E_BENCH, too_slow);
    chip()->write_stops_after = 7; /* an emulated USB may count those that it never handed on */
    assert_write_fails(&stream, P2P_E_BENCH, too_slow);
    chip()->write_error = LIBUSB_ERROR_PIPE;
    assert_write_fails(&stream, P2P_E_BENCH, CHIP ": cannot write to it: Pipe error (LIBUSB_ERROR_PIPE)");
    chip()->unplugged = true;
    assert_write_fails(&stream, P2P_E_BENCH, CHIP ": cannot write to it: it was unplugged (LIBUSB_ERROR_NO_DEVICE)");
    out_of_memory = true;
    assert_write_fails(&stream, P2P_E_HOST, CHIP ": out of memory");
    out_of_memory = false;
    close_stream(&stream);
}

/* ---- Closing ---- */

static void a_chip_unplugged_before_the_close_is_no_trouble(void **state)
{
    struct p2p_byte_stream stream = open_stream();

    (void)state;
    chip()->unplugged = true;
    close_stream(&stream);
}

/* The kernel's driver would wait 5 s for each answer of it. */
static void a_silent_chip_is_not_given_back_to_the_kernel(void **state)
{
    struct p2p_byte_stream stream = open_stream();

    (void)state;
    assert_int_equal(chip()->detached, 1);
    fake_usb.control_fails_at = fake_usb.controls; /* all that is asked for at a close */
    stream.close(stream.self);
    assert_int_equal(chip()->attached, 0);
    chip()->driver_bound = true; /* once it is plugged in again */
    assert_nothing_left();
}

static void bytes_that_come_while_closing_do_no_harm(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    int64_t start_ns = p2p_monotonic_ns();

    (void)state;
    send_text(GOOD_LINE, "too late");
    close_stream(&stream);
    assert_in_range(p2p_monotonic_ns() - start_ns, 0, 900000000); /* its transfer was not submitted again */
}

static void transfers_that_never_end_do_not_hold_the_close(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    int64_t start_ns = p2p_monotonic_ns();

    (void)state;
    chip()->cancels_hang = true;
    close_stream(&stream);
    assert_in_range(p2p_monotonic_ns() - start_ns, 1000000000, 2500000000);
}

static void a_usb_that_fails_does_not_hold_the_close(void **state)
{
    struct p2p_byte_stream stream = open_stream();
    int64_t start_ns = p2p_monotonic_ns();

    (void)state;
    fake_usb.events_error = LIBUSB_ERROR_IO;
    close_stream(&stream);
    assert_in_range(p2p_monotonic_ns() - start_ns, 0, 900000000);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_chip_is_set_up_and_given_back),
        TEST(a_driver_that_was_not_there_is_not_put_there),
        TEST(without_cts_there_is_no_flow_control),
        TEST(rates_are_what_libftdi_makes_of_them),
        TEST(rates_that_the_chip_cannot_make_are_refused),
        TEST(no_chip_is_told),
        TEST(several_chips_need_a_name),
        TEST(the_named_chip_is_opened),
        TEST(a_chip_without_a_serial_may_be_the_only_one),
        TEST(equal_serials_are_refused),
        TEST(a_missing_serial_lists_what_is_there),
        TEST(no_permission_is_told_with_the_rule),
        TEST(a_serial_that_cannot_be_read_is_told),
        TEST(a_held_chip_is_told_with_who_may_hold_it),
        TEST(a_driver_that_does_not_let_go_is_told),
        TEST(usb_that_does_not_start_is_told),
        TEST(every_request_that_fails_is_told),
        TEST(a_latency_timer_that_does_not_take_is_told),
        TEST(a_chip_with_odd_packets_is_told),
        TEST(a_chip_that_sends_no_status_is_told),
        TEST(every_transfer_that_cannot_be_made_is_told),
        TEST(no_memory_is_told),
        TEST(bytes_come_without_their_status),
        TEST(packets_of_status_alone_yield_nothing),
        TEST(the_first_packet_is_dropped),
        TEST(bytes_may_be_split_into_packets_anywhere),
        TEST(bytes_of_any_packets_come_in_order),
        TEST(a_full_ring_holds_the_chip_and_loses_nothing),
        TEST(an_overrun_is_told_after_the_bytes_before_it),
        TEST(an_overrun_amid_a_transfer_is_told),
        TEST(bad_bytes_on_the_line_are_told),
        TEST(line_errors_without_bytes_do_not_count),
        TEST(a_packet_without_status_is_told),
        TEST(a_chip_unplugged_amid_a_run_is_told_after_its_last_bytes),
        TEST(a_chip_unplugged_while_nobody_reads_is_told),
        TEST(failed_transfers_are_told),
        TEST(a_resubmission_that_fails_is_told),
        TEST(events_that_cannot_be_followed_are_told),
        TEST(usb_is_polled_while_nothing_waits),
        TEST(what_waits_is_told_at_once),
        TEST(bytes_are_written_whole),
        TEST(a_write_that_fails_is_told),
        TEST(a_chip_unplugged_before_the_close_is_no_trouble),
        TEST(a_silent_chip_is_not_given_back_to_the_kernel),
        TEST(bytes_that_come_while_closing_do_no_harm),
        TEST(transfers_that_never_end_do_not_hold_the_close),
        TEST(a_usb_that_fails_does_not_hold_the_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
