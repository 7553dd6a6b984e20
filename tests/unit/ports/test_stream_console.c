/* SPDX-License-Identifier: MIT */
#include "ports/stream_console.h"

#include "util/prng.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static bool out_of_memory;

void *__wrap_calloc(size_t count, size_t size)
{
    return out_of_memory ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
    return out_of_memory ? NULL : __real_malloc(size);
}

/* A line whose other end is the test. */
struct line {
    const char *coming;
    size_t count;
    enum p2p_code failure; /* once nothing is coming any more */
    bool endless;
    size_t babbled;
    char written[64];
    unsigned closed;
    uint64_t now_ns;
};

static enum p2p_code line_read(void *self, uint8_t *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    struct line *line = self;

    if (line->endless) {
        memset(bytes, 'U', capacity);
        line->babbled += capacity;
        *count = capacity;
        return P2P_OK;
    }
    *count = line->count < capacity ? line->count : capacity;
    if (*count == 0 && line->failure != P2P_OK) {
        return p2p_error_set(error, line->failure, "/dev/ttyUSB0: the port hung up");
    }
    if (*count > 0) {
        memcpy(bytes, line->coming, *count);
        line->coming += *count;
        line->count -= *count;
    }
    return P2P_OK;
}

static enum p2p_code line_write(void *self, const uint8_t *bytes, size_t count, struct p2p_error *error)
{
    struct line *line = self;

    if (line->failure != P2P_OK) {
        return p2p_error_set(error, line->failure, "/dev/ttyUSB0: cannot write to it");
    }
    assert_true(count < sizeof line->written);
    memcpy(line->written, bytes, count);
    line->written[count] = '\0';
    return P2P_OK;
}

static size_t line_poll_fds(void *self, struct pollfd fds[P2P_STREAM_FDS_MAX])
{
    (void)self;
    fds[0].fd = 77;
    return 1;
}

static void line_close(void *self)
{
    struct line *line = self;

    line->closed++;
}

static uint64_t now_ns(void *self)
{
    const struct line *line = self;

    return line->now_ns;
}

struct fixture {
    struct line line;
    struct p2p_stream_console *console;
    struct p2p_console boot, session;
};

static struct p2p_stream_console *new_console(struct line *line)
{
    const struct p2p_byte_stream stream = {line, line_read, line_write, line_poll_fds, line_close};
    const struct p2p_clock clock = {.self = line, .now_ns = now_ns};

    return p2p_stream_console_new(&stream, &clock);
}

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.line.now_ns = 5};
    out_of_memory = false;
    fixture.console = new_console(&fixture.line);
    if (fixture.console == NULL) {
        return -1;
    }
    fixture.boot = p2p_stream_console_boot_port(fixture.console);
    fixture.session = p2p_stream_console_port(fixture.console);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    out_of_memory = false;
    p2p_stream_console_free(f->console);
    return f->line.closed == 1 ? 0 : -1;
}

static void comes(struct fixture *f, const char *text)
{
    f->line.coming = text;
    f->line.count = strlen(text);
}

static void assert_reads(const struct p2p_console *port, size_t capacity, const char *expected)
{
    struct p2p_error error = {0};
    char bytes[64];
    size_t count = 99;

    assert_int_equal(port->read(port->self, bytes, capacity, &count, &error), P2P_OK);
    assert_int_equal(count, strlen(expected));
    assert_memory_equal(bytes, expected, count);
}

static void assert_read_fails(const struct p2p_console *port, enum p2p_code code, const char *message)
{
    struct p2p_error error = {0};
    char bytes[64];
    size_t count = 99;

    assert_int_equal(port->read(port->self, bytes, sizeof bytes, &count, &error), code);
    assert_int_equal(count, 0);
    assert_string_equal(error.message, message);
}

static void what_comes_is_read_raw_and_without_waiting(void **state)
{
    struct fixture *f = *state;

    assert_reads(&f->session, 64, "");
    comes(f, "\x1b[0m\xff\r\n");
    assert_reads(&f->session, 3, "\x1b[0");
    assert_reads(&f->session, 64, "m\xff\r\n");
    assert_reads(&f->session, 64, "");
}

static void what_the_boot_read_the_session_reads_too(void **state)
{
    struct fixture *f = *state;

    comes(f, "U-Boot");
    assert_reads(&f->boot, 64, "U-Boot");
    comes(f, "\r\n=> ");
    assert_reads(&f->boot, 3, "\r\n=");
    assert_reads(&f->boot, 64, "> ");
    assert_reads(&f->boot, 64, "");
    comes(f, "(XEN)");
    assert_reads(&f->session, 2, "U-");
    assert_reads(&f->session, 64, "Boot");
    assert_reads(&f->session, 64, "\r\n=");
    assert_reads(&f->session, 64, "> ");
    assert_reads(&f->session, 64, "(XEN)");
    assert_reads(&f->session, 64, "");
}

/* Any interleaving of the two readers: the session's bytes are all, in order. */
static void no_interleaving_loses_a_byte(void **state)
{
    static char sent[20000];
    struct fixture *f = *state;
    size_t given = 0, received = 0;
    struct p2p_prng prng;
    uint64_t seed = 42;

    print_message("seed %" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (char)p2p_prng_next(&prng);
    }
    f->line.coming = sent;
    while (received < sizeof sent) {
        const struct p2p_console *port = p2p_prng_below(&prng, 3) == 0 ? &f->session : &f->boot;
        size_t more = p2p_prng_below(&prng, 40), count = 0;
        struct p2p_error error = {0};
        char bytes[32];

        more = more < sizeof sent - given ? more : sizeof sent - given;
        f->line.count += more;
        given += more;
        assert_int_equal(port->read(port->self, bytes, 1 + p2p_prng_below(&prng, sizeof bytes), &count, &error),
                         P2P_OK);
        if (port == &f->session) {
            assert_memory_equal(bytes, sent + received, count);
            received += count;
        }
    }
}

static void bytes_bear_the_time_of_the_look_that_found_them(void **state)
{
    struct fixture *f = *state;

    f->line.now_ns = 100;
    comes(f, "first");
    assert_reads(&f->boot, 64, "first");
    f->line.now_ns = 200;
    comes(f, "second");
    assert_reads(&f->boot, 64, "second");
    f->line.now_ns = 300;
    assert_reads(&f->session, 3, "fir");
    assert_int_equal(p2p_stream_console_stamp_ns(f->console), 100);
    assert_reads(&f->session, 64, "st");
    assert_int_equal(p2p_stream_console_stamp_ns(f->console), 100);
    assert_reads(&f->session, 64, "second");
    assert_int_equal(p2p_stream_console_stamp_ns(f->console), 200);
    comes(f, "third");
    assert_reads(&f->session, 64, "third");
    assert_int_equal(p2p_stream_console_stamp_ns(f->console), 300);
    f->line.now_ns = 400;
    assert_reads(&f->session, 64, "");
    assert_int_equal(p2p_stream_console_stamp_ns(f->console), 300);
}

static void a_boot_starts_with_nothing_of_the_one_before(void **state)
{
    struct fixture *f = *state;
    struct p2p_error error = {0};

    comes(f, "READY of the boot before");
    assert_reads(&f->boot, 5, "READY");
    assert_int_equal(p2p_stream_console_restart(f->console, &error), P2P_OK);
    comes(f, "new");
    assert_reads(&f->session, 64, "new");
}

static void a_board_that_is_off_is_silent(void **state)
{
    struct fixture *f = *state;
    struct p2p_error error = {0};

    f->line.endless = true;
    assert_int_equal(p2p_stream_console_restart(f->console, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the board's console does not fall silent although the board should be off");
    assert_true(f->line.babbled < P2P_CONSOLE_KEPT_BYTES_MAX + 10000);
}

static void a_board_that_babbles_is_stopped_and_its_bytes_are_kept(void **state)
{
    struct fixture *f = *state;
    struct p2p_error error = {0};
    char bytes[1000];
    size_t count, read = 0;

    f->line.endless = true;
    while (f->boot.read(f->boot.self, bytes, sizeof bytes, &count, &error) == P2P_OK) {
        read += count;
    }
    assert_int_equal(read, P2P_CONSOLE_KEPT_BYTES_MAX);
    assert_int_equal(error.code, P2P_E_BENCH);
    assert_string_equal(error.message,
                        "the board babbles: 1048576 bytes on its console, and it is not booted yet: check "
                        "the console's baud rate, and whether the board restarts over and over");
    f->line.endless = false;
    for (read = 0; f->session.read(f->session.self, bytes, sizeof bytes, &count, &error) == P2P_OK && count > 0;) {
        read += count;
    }
    assert_int_equal(read, P2P_CONSOLE_KEPT_BYTES_MAX);
    comes(f, "x");
    assert_reads(&f->boot, 64, "x"); /* there is room again */
}

static void the_limit_is_each_boots_own(void **state)
{
    struct fixture *f = *state;
    struct p2p_error error = {0};
    char bytes[1000];
    size_t count;

    f->line.endless = true;
    while (f->boot.read(f->boot.self, bytes, sizeof bytes, &count, &error) == P2P_OK) {
    }
    f->line.endless = false;
    error = (struct p2p_error){0};
    assert_int_equal(p2p_stream_console_restart(f->console, &error), P2P_OK);
    comes(f, "U-Boot");
    assert_reads(&f->boot, 64, "U-Boot");
}

static void a_lost_line_is_told_after_its_last_bytes(void **state)
{
    static const char message[] = "the board's console: /dev/ttyUSB0: the port hung up";
    struct fixture *f = *state;
    struct p2p_error error = {0};

    comes(f, "bye");
    f->line.failure = P2P_E_BENCH;
    assert_reads(&f->boot, 64, "bye");
    assert_read_fails(&f->boot, P2P_E_BENCH, message);
    assert_reads(&f->session, 64, "bye");
    assert_read_fails(&f->session, P2P_E_BENCH, message);
    assert_int_equal(p2p_stream_console_restart(f->console, &error), P2P_E_BENCH);
    assert_string_equal(error.message, message);
}

static void text_is_typed(void **state)
{
    struct fixture *f = *state;
    struct p2p_error error = {0};

    assert_int_equal(f->boot.write(f->boot.self, "booti\r", &error), P2P_OK);
    assert_string_equal(f->line.written, "booti\r");
    assert_int_equal(f->session.write(f->session.self, "w", &error), P2P_OK);
    assert_string_equal(f->line.written, "w");
    f->line.failure = P2P_E_BENCH;
    assert_int_equal(f->session.write(f->session.self, "w", &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the board's console: /dev/ttyUSB0: cannot write to it");
}

static void its_descriptors_are_the_lines(void **state)
{
    struct fixture *f = *state;
    struct pollfd fds[P2P_STREAM_FDS_MAX];

    assert_int_equal(p2p_stream_console_poll_fds(f->console, fds), 1);
    assert_int_equal(fds[0].fd, 77);
}

static void out_of_memory_is_told(void **state)
{
    struct fixture *f = *state;
    struct line other = {0};

    comes(f, "U-Boot");
    out_of_memory = true;
    assert_null(new_console(&other));
    assert_int_equal(other.closed, 1);
    assert_read_fails(&f->boot, P2P_E_HOST, "the board's console: out of memory");
}

#define WITH_A_LINE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_LINE(what_comes_is_read_raw_and_without_waiting),
        WITH_A_LINE(what_the_boot_read_the_session_reads_too),
        WITH_A_LINE(no_interleaving_loses_a_byte),
        WITH_A_LINE(bytes_bear_the_time_of_the_look_that_found_them),
        WITH_A_LINE(a_boot_starts_with_nothing_of_the_one_before),
        WITH_A_LINE(a_board_that_is_off_is_silent),
        WITH_A_LINE(a_board_that_babbles_is_stopped_and_its_bytes_are_kept),
        WITH_A_LINE(the_limit_is_each_boots_own),
        WITH_A_LINE(a_lost_line_is_told_after_its_last_bytes),
        WITH_A_LINE(text_is_typed),
        WITH_A_LINE(its_descriptors_are_the_lines),
        WITH_A_LINE(out_of_memory_is_told),
    };

    p2p_stream_console_free(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
