/* SPDX-License-Identifier: MIT */
/*
 * Replaced at link time: what opens a stream (ftdi, serial), and the emulator (virtual). Behind each stands the same
 * small firmware, which answers through a pipe. The real firmware is in tests/system/test_probe.py.
 */
#include "board/probe_stand.h"

#include "firmware/protocol/protocol.h"
#include "ports/ftdi_stream.h"
#include "ports/serial_stream.h"
#include "ports/virtual_probe.h"
#include "util/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define NS_PER_MS UINT64_C(1000000)
#define STEP_NS   (50 * NS_PER_MS)

enum { EDGES_MAX = 2000, RUNS_MAX = 2000, TEXT_BYTES = 64 };

/* ---- The firmware ---- */

static struct {
    int pipe[2]; /* [0] the host reads */
    bool mute;
    uint32_t selftest;
    struct probe_decoder decoder;
    uint16_t sequence;
    uint64_t now_ticks;
    uint32_t events[PROBE_CHANNELS];
    uint32_t checksum;
    unsigned open, closed;
    char device[TEXT_BYTES];
    uint32_t baud;
} probe;

static void say(struct probe_message message)
{
    uint8_t wire[PROBE_WIRE_MAX];
    size_t size;

    message.sequence = probe.sequence++;
    size = probe_encode(&message, wire);
    assert_int_not_equal(size, 0);
    assert_int_equal(write(probe.pipe[1], wire, size), size);
}

static void say_epoch(void)
{
    const struct probe_event now = {.ticks = probe.now_ticks};

    say((struct probe_message){.type = PROBE_EPOCH,
                               .epoch = {.now_ticks = probe.now_ticks,
                                         .events = {probe.events[0], probe.events[1]},
                                         .checksum = probe_checksum(probe.checksum, &now)}});
}

static void say_edges(unsigned count)
{
    while (count > 0) {
        struct probe_message message = {.type = PROBE_EVENTS};

        for (; message.events.count < PROBE_EVENTS_MAX && count > 0; count--) {
            struct probe_event *event = &message.events.event[message.events.count++];

            *event = (struct probe_event){.ticks = ++probe.now_ticks, .what = PROBE_WHAT_LEVEL};
            probe.events[0]++;
            probe.checksum = probe_checksum(probe.checksum, event);
        }
        say(message);
    }
}

static void obey(const struct probe_message *command)
{
    struct probe_ack ack = {.command = command->type, .sequence = command->sequence};

    if (command->type == PROBE_IDENTIFY) {
        say((struct probe_message){
            .type = PROBE_HELLO,
            .hello = {PROBE_PROTOCOL_VERSION, PROBE_CHANNELS, 125000000, 1, 9, 0xabc, 7, "fake 1"}});
    } else if (command->type == PROBE_SELF_TEST) {
        ack.value = probe.selftest;
    } else if (command->type == PROBE_STOP) {
        if (probe.now_ticks > 0) {
            say_epoch();
        }
        say((struct probe_message){.type = PROBE_STATS});
    }
    say((struct probe_message){.type = PROBE_ACK, .ack = ack});
    if (command->type == PROBE_ARM) {
        probe.now_ticks = 1000;
        say_epoch();
    }
}

/* ---- Its stream ---- */

static enum p2p_code stream_read(void *self, uint8_t *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    const ssize_t got = read(probe.pipe[0], bytes, capacity);

    (void)self;
    *count = got > 0 ? (size_t)got : 0;
    return got == 0 ? p2p_error_set(error, P2P_E_BENCH, "the fake's cable was pulled") : P2P_OK;
}

static enum p2p_code stream_write(void *self, const uint8_t *bytes, size_t count, struct p2p_error *error)
{
    struct probe_message command;

    (void)self;
    (void)error;
    for (size_t i = 0; i < count; i++) {
        if (probe_decoder_feed(&probe.decoder, bytes[i], &command) == PROBE_FOUND_MESSAGE && !probe.mute) {
            obey(&command);
        }
    }
    return P2P_OK;
}

static size_t stream_poll_fds(void *self, struct pollfd fds[P2P_STREAM_FDS_MAX])
{
    (void)self;
    fds[0] = (struct pollfd){.fd = probe.pipe[0], .events = POLLIN};
    return 1;
}

static void stream_close(void *self)
{
    (void)self;
    probe.closed++;
}

static enum p2p_code open_stream(struct p2p_byte_stream *stream)
{
    *stream = (struct p2p_byte_stream){&probe, stream_read, stream_write, stream_poll_fds, stream_close};
    probe.open++;
    return P2P_OK;
}

enum p2p_code __wrap_p2p_serial_stream_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                            struct p2p_error *error);
enum p2p_code __wrap_p2p_ftdi_stream_open(const char *serial, uint32_t baud, struct p2p_byte_stream *stream,
                                          struct p2p_error *error);

enum p2p_code __wrap_p2p_serial_stream_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                            struct p2p_error *error)
{
    snprintf(probe.device, sizeof probe.device, "%s", device);
    probe.baud = baud;
    return strcmp(device, "absent") == 0 ? p2p_error_set(error, P2P_E_BENCH, "absent: no such port")
                                         : open_stream(stream);
}

enum p2p_code __wrap_p2p_ftdi_stream_open(const char *serial, uint32_t baud, struct p2p_byte_stream *stream,
                                          struct p2p_error *error)
{
    (void)error;
    snprintf(probe.device, sizeof probe.device, "%s", serial != NULL ? serial : "the only one");
    probe.baud = baud;
    return open_stream(stream);
}

/* ---- The emulator: a run ends at once, unless it is told to hang ---- */

static struct {
    int ended_fd;
    bool running, hangs, dies;
    uint64_t now_ns, until_ns;
    uint64_t runs[RUNS_MAX]; /* their lengths */
    unsigned run_count, stopped;
    char wiring[TEXT_BYTES];
    double clock_ppm;
    uint64_t seed, seen, seen_at_once;
} emulator;

enum p2p_code __wrap_p2p_virtual_probe_check(const struct p2p_probe_plan *plan, struct p2p_error *error);
struct p2p_virtual_probe *__wrap_p2p_virtual_probe_start(const struct p2p_virtual_probe_setup *setup,
                                                         struct p2p_byte_stream *uart, struct p2p_error *error);
void __wrap_p2p_virtual_probe_stop(struct p2p_virtual_probe *virtual);
uint64_t __wrap_p2p_virtual_probe_now_ns(const struct p2p_virtual_probe *virtual);
bool __wrap_p2p_virtual_probe_running(const struct p2p_virtual_probe *virtual);
enum p2p_code __wrap_p2p_virtual_probe_see(struct p2p_virtual_probe *virtual, const struct wires_record *records,
                                           size_t count, struct p2p_error *error);
enum p2p_code __wrap_p2p_virtual_probe_run(struct p2p_virtual_probe *virtual, uint64_t until_ns,
                                           struct p2p_error *error);
int __wrap_p2p_virtual_probe_fd(const struct p2p_virtual_probe *virtual);
enum p2p_code __wrap_p2p_virtual_probe_take(struct p2p_virtual_probe *virtual, struct p2p_error *error);

enum p2p_code __wrap_p2p_virtual_probe_check(const struct p2p_probe_plan *plan, struct p2p_error *error)
{
    return strcmp(plan->image, "absent") == 0 ? p2p_error_set(error, P2P_E_INPUT, "absent: build it") : P2P_OK;
}

struct p2p_virtual_probe *__wrap_p2p_virtual_probe_start(const struct p2p_virtual_probe_setup *setup,
                                                         struct p2p_byte_stream *uart, struct p2p_error *error)
{
    (void)error;
    for (const char *const *line = setup->wiring; *line != NULL; line++) {
        const size_t used = strlen(emulator.wiring);

        snprintf(emulator.wiring + used, sizeof emulator.wiring - used, "%s ", *line);
    }
    emulator.clock_ppm = setup->plan->clock_ppm;
    emulator.seed = setup->seed;
    open_stream(uart);
    return (struct p2p_virtual_probe *)&emulator;
}

void __wrap_p2p_virtual_probe_stop(struct p2p_virtual_probe *virtual)
{
    emulator.stopped += virtual != NULL;
}

uint64_t __wrap_p2p_virtual_probe_now_ns(const struct p2p_virtual_probe *virtual)
{
    (void)virtual;
    return emulator.now_ns;
}

bool __wrap_p2p_virtual_probe_running(const struct p2p_virtual_probe *virtual)
{
    (void)virtual;
    return emulator.running;
}

enum p2p_code __wrap_p2p_virtual_probe_see(struct p2p_virtual_probe *virtual, const struct wires_record *records,
                                           size_t count, struct p2p_error *error)
{
    (void)virtual;
    (void)error;
    assert_true(count <= WIRES_RECORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(records[i].at_ns, emulator.seen++);
    }
    emulator.seen_at_once = count;
    return P2P_OK;
}

static void end_run(void)
{
    const uint64_t one = 1;

    assert_int_equal(write(emulator.ended_fd, &one, sizeof one), sizeof one);
}

enum p2p_code __wrap_p2p_virtual_probe_run(struct p2p_virtual_probe *virtual, uint64_t until_ns,
                                           struct p2p_error *error)
{
    (void)virtual;
    (void)error;
    assert_false(emulator.running);
    assert_true(emulator.run_count < RUNS_MAX);
    emulator.runs[emulator.run_count++] = until_ns - emulator.now_ns;
    emulator.until_ns = until_ns;
    emulator.running = true;
    if (!emulator.hangs) {
        end_run();
    }
    return P2P_OK;
}

int __wrap_p2p_virtual_probe_fd(const struct p2p_virtual_probe *virtual)
{
    (void)virtual;
    return emulator.ended_fd;
}

enum p2p_code __wrap_p2p_virtual_probe_take(struct p2p_virtual_probe *virtual, struct p2p_error *error)
{
    uint64_t one;

    (void)virtual;
    assert_int_equal(read(emulator.ended_fd, &one, sizeof one), sizeof one);
    if (emulator.dies) {
        return p2p_error_set(error, P2P_E_BENCH, "the emulator's last words");
    }
    emulator.running = false;
    emulator.now_ns = emulator.until_ns;
    return P2P_OK;
}

/* ---- The bench ---- */

static char image[] = "image", absent[] = "absent", device[] = "/dev/ttyFAKE0", chip[] = "FT0001", path[] = "b.json";
static struct p2p_bench bench;
static struct p2p_probe_stand_setup setup;
static struct p2p_probe_stand *stand;
static struct {
    uint64_t ticks[EDGES_MAX];
    unsigned count;
} seen;

static void take_edge(void *user, const struct p2p_edge *edge)
{
    assert_ptr_equal(user, &seen);
    assert_true(seen.count < EDGES_MAX);
    seen.ticks[seen.count++] = edge->ticks;
}

static int start(void **state)
{
    (void)state;
    memset(&probe, 0, sizeof probe);
    memset(&emulator, 0, sizeof emulator);
    memset(&seen, 0, sizeof seen);
    assert_int_equal(pipe2(probe.pipe, O_NONBLOCK | O_CLOEXEC), 0);
    emulator.ended_fd = eventfd(0, EFD_CLOEXEC);
    bench = (struct p2p_bench){
        .path = path,
        .probe = {.kind = P2P_PROBE_SERIAL, .device = device, .serial = chip, .image = image, .baud = 4000000},
        .timeouts = {.stall_s = 1},
    };
    setup = (struct p2p_probe_stand_setup){.bench = &bench, .stop_fd = -1, .on_edge = take_edge, .user = &seen};
    stand = NULL;
    return 0;
}

static int end(void **state)
{
    (void)state;
    p2p_probe_stand_close(stand);
    close(probe.pipe[0]);
    close(probe.pipe[1]);
    close(emulator.ended_fd);
    return probe.open == probe.closed ? 0 : -1; /* each stream was closed once */
}

static void open_kind(enum p2p_probe_kind kind)
{
    struct p2p_error error = {0};

    bench.probe.kind = kind;
    stand = p2p_probe_stand_open(&setup, &error);
    assert_string_equal(error.message, "");
    assert_non_null(stand);
}

static void assert_not_opened(enum p2p_probe_kind kind, enum p2p_code code, const char *message)
{
    struct p2p_error error = {0};

    bench.probe.kind = kind;
    stand = p2p_probe_stand_open(&setup, &error);
    assert_null(stand);
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.message, message));
}

static void arm(void)
{
    struct p2p_error error = {0};

    p2p_probe_stand_request(stand, P2P_PROBE_ARM, &error);
    assert_string_equal(error.message, "");
}

/* ---- Opening ---- */

static void each_kind_is_opened_as_the_bench_says(void **state)
{
    static const struct {
        enum p2p_probe_kind kind;
        const char *name, *device;
        uint32_t baud;
    } kinds[] = {
        {P2P_PROBE_SERIAL, "serial", "/dev/ttyFAKE0", 4000000},
        {P2P_PROBE_FTDI, "ftdi", "FT0001", 4000000},
        {P2P_PROBE_VIRTUAL, "virtual", "", 0},
    };

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct p2p_probe_info *info;

        open_kind(kinds[i].kind);
        info = p2p_probe_stand_info(stand);
        assert_string_equal(info->name, kinds[i].name);
        assert_string_equal(info->serial, "0000000000000abc");
        assert_string_equal(info->firmware, "fake 1");
        assert_string_equal(probe.device, kinds[i].device);
        assert_int_equal(probe.baud, kinds[i].baud);
        assert_int_equal(end(state), 0);
        start(state);
    }
}

static void a_virtual_probe_is_wired_and_seeded(void **state)
{
    static const char *const wirings[] = {
        [P2P_STAND_LINES] = "0=2 1=3 ", [P2P_STAND_SAME] = "0=2,3 ", [P2P_STAND_SWAPPED] = "0=3,2 "};

    for (unsigned i = 0; i < sizeof wirings / sizeof wirings[0]; i++) {
        setup.wiring = i;
        setup.seed = 40 + i;
        setup.drift_ppm = 100;
        bench.probe.clock_ppm = 12.5;
        open_kind(P2P_PROBE_VIRTUAL);
        assert_string_equal(emulator.wiring, wirings[i]);
        assert_true(emulator.clock_ppm == 112.5);
        assert_true(bench.probe.clock_ppm == 12.5); /* the bench is as it was */
        assert_int_equal(emulator.seed, 40 + i);
        assert_int_equal(end(state), 0);
        assert_int_equal(emulator.stopped, 1);
        start(state);
    }
}

static void what_is_no_device_is_refused(void **state)
{
    (void)state;
    assert_not_opened(P2P_PROBE_IDEAL, P2P_E_INPUT, "b.json: $.probe.kind: an \"ideal\" probe is no device");
    bench.probe.image = absent;
    assert_not_opened(P2P_PROBE_VIRTUAL, P2P_E_INPUT, "absent: build it");
    bench.probe.device = absent;
    assert_not_opened(P2P_PROBE_SERIAL, P2P_E_BENCH, "absent: no such port");
    assert_int_equal(probe.open, 0);
}

static void a_mute_probe_is_told_in_virtual_time(void **state)
{
    (void)state;
    probe.mute = true;
    assert_not_opened(P2P_PROBE_VIRTUAL, P2P_E_BENCH, "the probe does not answer");
    assert_int_equal(emulator.stopped, 1);
    assert_true(emulator.now_ns > 1000 * NS_PER_MS); /* that of the probe's clock; none of ours */
}

/* ---- Asking ---- */

static void a_command_is_answered(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    probe.selftest = 5;
    open_kind(P2P_PROBE_SERIAL);
    assert_int_equal(p2p_probe_stand_command(stand, PROBE_SELF_TEST, &error), P2P_OK);
    assert_int_equal(p2p_probe_link_ack(p2p_probe_stand_link(stand))->value, 5);
}

/* ---- Time ---- */

static void edges_come_out_in_order(void **state)
{
    static const enum p2p_probe_kind kinds[] = {P2P_PROBE_SERIAL, P2P_PROBE_VIRTUAL};
    struct p2p_error error = {0};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        open_kind(kinds[i]);
        arm();
        say_edges(1500); /* more than are taken at once */
        assert_int_equal(p2p_probe_stand_request(stand, P2P_PROBE_STOP, &error), P2P_OK);
        assert_int_equal(seen.count, 1500);
        for (unsigned edge = 0; edge < seen.count; edge++) {
            assert_int_equal(seen.ticks[edge], 1001 + edge);
        }
        assert_int_equal(end(state), 0);
        start(state);
    }
}

static void a_real_probes_time_is_ours(void **state)
{
    struct p2p_error error = {0};
    uint64_t before_ns, passed_ns;

    (void)state;
    open_kind(P2P_PROBE_SERIAL);
    before_ns = p2p_probe_stand_now_ns(stand);
    assert_int_equal(p2p_probe_stand_advance(stand, before_ns + 20 * NS_PER_MS, &error), P2P_OK);
    passed_ns = p2p_probe_stand_now_ns(stand) - before_ns;
    assert_in_range(passed_ns, 20 * NS_PER_MS, 2000 * NS_PER_MS);

    before_ns = p2p_probe_stand_now_ns(stand);
    assert_int_equal(p2p_probe_stand_advance(stand, UINT64_MAX, &error), P2P_OK);
    passed_ns = p2p_probe_stand_now_ns(stand) - before_ns;
    assert_in_range(passed_ns, STEP_NS, 2000 * NS_PER_MS);
}

static void what_comes_ends_a_real_wait(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    open_kind(P2P_PROBE_SERIAL);
    arm();
    say_edges(1);
    assert_int_equal(p2p_probe_stand_advance(stand, UINT64_MAX, &error), P2P_OK);
    assert_int_equal(seen.count, 1);
}

static void a_virtual_probes_time_is_its_runs(void **state)
{
    struct p2p_error error = {0};
    uint64_t from_ns;
    unsigned from_run;

    (void)state;
    open_kind(P2P_PROBE_VIRTUAL);
    from_ns = emulator.now_ns;
    from_run = emulator.run_count;
    assert_int_equal(p2p_probe_stand_advance(stand, from_ns + 7, &error), P2P_OK);
    assert_int_equal(p2p_probe_stand_now_ns(stand), from_ns + 7);
    assert_int_equal(p2p_probe_stand_advance(stand, UINT64_MAX, &error), P2P_OK);
    assert_int_equal(p2p_probe_stand_advance(stand, 0, &error), P2P_OK); /* the past: no step back */
    assert_int_equal(emulator.run_count, from_run + 3);
    assert_int_equal(emulator.runs[from_run + 1], STEP_NS);
    assert_int_equal(emulator.runs[from_run + 2], 0);
}

static void an_emulator_that_hangs_is_a_fault(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    open_kind(P2P_PROBE_VIRTUAL);
    emulator.hangs = true;
    assert_int_equal(p2p_probe_stand_advance(stand, UINT64_MAX, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the virtual probe made no progress for 1 s (timeouts.stall_s)");
}

/* It knows better than its UART, and what came before is there. */
static void an_emulator_that_dies_has_the_last_word(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    open_kind(P2P_PROBE_VIRTUAL);
    arm();
    say_edges(3);
    emulator.dies = true;
    close(probe.pipe[1]);
    assert_int_equal(p2p_probe_stand_advance(stand, UINT64_MAX, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the emulator's last words");
    assert_int_equal(seen.count, 3);
}

static void a_pulled_cable_is_a_fault_behind_its_edges(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    open_kind(P2P_PROBE_SERIAL);
    arm();
    say_edges(3);
    close(probe.pipe[1]);
    assert_int_equal(p2p_probe_stand_advance(stand, UINT64_MAX, &error), P2P_E_BENCH);
    assert_non_null(strstr(error.message, "the fake's cable was pulled"));
    assert_int_equal(seen.count, 3);
}

static void the_user_stops_any_wait_and_may_go_on(void **state)
{
    static const enum p2p_probe_kind kinds[] = {P2P_PROBE_SERIAL, P2P_PROBE_VIRTUAL};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct p2p_error error = {0};
        uint64_t stop = 1;

        setup.stop_fd = eventfd(0, EFD_CLOEXEC);
        open_kind(kinds[i]);
        arm();
        emulator.hangs = true;
        assert_int_equal(write(setup.stop_fd, &stop, sizeof stop), sizeof stop);
        assert_int_equal(p2p_probe_stand_advance(stand, UINT64_MAX, &error), P2P_E_INTERRUPTED);
        assert_int_equal(read(setup.stop_fd, &stop, sizeof stop), sizeof stop);

        error = (struct p2p_error){0};
        emulator.hangs = false;
        end_run(); /* the one that was under way */
        say_edges(2);
        assert_int_equal(p2p_probe_stand_request(stand, P2P_PROBE_STOP, &error), P2P_OK);
        assert_int_equal(seen.count, 2);
        close(setup.stop_fd);
        assert_int_equal(end(state), 0);
        start(state);
    }
}

/* ---- Driving ---- */

static void lines_are_driven_in_frames(void **state)
{
    enum { COUNT = 2 * WIRES_RECORDS_MAX + 5 };
    struct wires_record *records = calloc(COUNT, sizeof *records);
    struct p2p_error error = {0};

    (void)state;
    assert_non_null(records);
    for (unsigned i = 0; i < COUNT; i++) {
        records[i].at_ns = i;
    }
    open_kind(P2P_PROBE_VIRTUAL);
    assert_int_equal(p2p_probe_stand_drive(stand, records, COUNT, &error), P2P_OK);
    assert_int_equal(emulator.seen, COUNT);
    assert_int_equal(emulator.seen_at_once, 5);
    free(records);
}

static void a_real_probes_lines_are_the_users(void **state)
{
    const struct wires_record record = {0};
    struct p2p_error error = {0};

    (void)state;
    open_kind(P2P_PROBE_SERIAL);
    assert_int_equal(p2p_probe_stand_drive(stand, &record, 1, &error), P2P_E_INPUT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_is_opened_as_the_bench_says),
        TEST(a_virtual_probe_is_wired_and_seeded),
        TEST(what_is_no_device_is_refused),
        TEST(a_mute_probe_is_told_in_virtual_time),
        TEST(a_command_is_answered),
        TEST(edges_come_out_in_order),
        TEST(a_real_probes_time_is_ours),
        TEST(what_comes_ends_a_real_wait),
        TEST(a_virtual_probes_time_is_its_runs),
        TEST(an_emulator_that_hangs_is_a_fault),
        TEST(an_emulator_that_dies_has_the_last_word),
        TEST(a_pulled_cable_is_a_fault_behind_its_edges),
        TEST(the_user_stops_any_wait_and_may_go_on),
        TEST(lines_are_driven_in_frames),
        TEST(a_real_probes_lines_are_the_users),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
