/* SPDX-License-Identifier: MIT */
/*
 * The probe's device over a stream of ours, with the real link and codec; fake_probe.h is at the other end. Time is a
 * variable. Replaced at link time: calloc (no memory).
 */
#include "ports/probe_device.h"

#include "fake_probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NS_PER_MS UINT64_C(1000000)

enum { ASK_MS = 10, FULL = 2048, MANY = 10000 };

static unsigned callocs_left = UINT32_MAX;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return callocs_left-- == 0 ? NULL : __real_calloc(count, size);
}

/* ---- the stream ---- */

struct rig {
    struct fake_probe probe;
    struct p2p_probe_device *device;
    struct p2p_probe port;
    struct p2p_error error;
    uint64_t now_ns;
    size_t piece;            /* bytes that a read gives at most */
    bool cut, takes_nothing; /* reading ends, once all has been read; writing fails */
    unsigned reads, polls, closes;
    uint64_t written_ns[8]; /* when commands went out */
    size_t written;
};

static enum p2p_code stream_read(void *self, uint8_t *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    struct rig *rig = self;

    rig->reads++;
    *count = fake_probe_say(&rig->probe, bytes, capacity < rig->piece ? capacity : rig->piece);
    return *count == 0 && rig->cut ? p2p_error_set(error, P2P_E_BENCH, "the cable is out") : P2P_OK;
}

static enum p2p_code stream_write(void *self, const uint8_t *bytes, size_t count, struct p2p_error *error)
{
    struct rig *rig = self;

    if (rig->takes_nothing) {
        return p2p_error_set(error, P2P_E_BENCH, "the cable takes nothing");
    }
    fake_probe_hear(&rig->probe, bytes, count);
    if (rig->written < sizeof rig->written_ns / sizeof rig->written_ns[0]) {
        rig->written_ns[rig->written] = rig->now_ns;
    }
    rig->written++;
    return P2P_OK;
}

static size_t stream_poll_fds(void *self, struct pollfd fds[P2P_STREAM_FDS_MAX])
{
    struct rig *rig = self;

    rig->polls++;
    fds[0] = (struct pollfd){.fd = 77};
    return 1;
}

static void stream_close(void *self)
{
    struct rig *rig = self;

    rig->closes++;
}

static uint64_t rig_now_ns(void *clock)
{
    const struct rig *rig = clock;

    return rig->now_ns;
}

static const struct p2p_uncertainty BUDGET = {
    .skew_ns = 1.5, .trigger_ns = 2.5, .timebase_ppm = 30, .skew_correction_ns = -0.5};

static struct p2p_probe_device *make_device(struct rig *rig, const struct p2p_calibration *calibration)
{
    const struct p2p_byte_stream stream = {rig, stream_read, stream_write, stream_poll_fds, stream_close};
    const struct p2p_probe_setup setup = {
        .name = "fake",
        .budget = BUDGET,
        .now_ns = rig_now_ns,
        .clock = rig,
        .calibration = calibration,
        .calibration_path = "my.calibration.json",
    };

    return p2p_probe_device_new(&stream, &setup);
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);

    if (rig == NULL) {
        return -1;
    }
    rig->piece = SIZE_MAX;
    rig->now_ns = 5000 * NS_PER_MS; /* an origin of its own */
    rig->probe.now = rig->now_ns;
    rig->device = make_device(rig, NULL);
    rig->port = p2p_probe_device_port(rig->device);
    *state = rig;
    return rig->device != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    unsigned before = rig->closes;
    bool closed;

    p2p_probe_device_free(rig->device);
    closed = rig->device == NULL || rig->closes == before + 1;
    free(rig);
    return closed ? 0 : -1;
}

/* ---- the host ---- */

static void pass(struct rig *rig, uint64_t ms)
{
    rig->now_ns += ms * NS_PER_MS;
    fake_probe_pass(&rig->probe, rig->now_ns);
}

static enum p2p_code ask(struct rig *rig, enum p2p_probe_request request)
{
    return rig->port.request(rig->port.self, request, &rig->error);
}

static bool settled(struct rig *rig)
{
    return rig->port.settled(rig->port.self);
}

static void assert_ok(const struct rig *rig, enum p2p_code code)
{
    if (code != P2P_OK) {
        fail_msg("%s", rig->error.message);
    }
}

/* As the session does. Returns the code of the last request. */
static enum p2p_code try_join(struct rig *rig)
{
    enum p2p_code code = ask(rig, P2P_PROBE_IDENTIFY);

    while (code == P2P_OK && !settled(rig)) {
        assert_null(rig->port.info(rig->port.self));
        pass(rig, ASK_MS);
        code = ask(rig, P2P_PROBE_IDENTIFY);
    }
    return code;
}

static void join(struct rig *rig)
{
    assert_ok(rig, try_join(rig));
}

/* Asks, and takes in the answer, which comes at once. */
static void ask_and_settle(struct rig *rig, enum p2p_probe_request request)
{
    assert_ok(rig, ask(rig, request));
    assert_false(settled(rig));
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    assert_true(settled(rig));
}

static void join_and_arm(struct rig *rig)
{
    join(rig);
    ask_and_settle(rig, P2P_PROBE_ARM);
}

static size_t read_edges(struct rig *rig, struct p2p_edge *edges, size_t capacity)
{
    size_t count = SIZE_MAX;

    assert_ok(rig, rig->port.read(rig->port.self, edges, capacity, &count, &rig->error));
    return count;
}

static void assert_error(const struct rig *rig, enum p2p_code code, const char *part)
{
    assert_int_equal(rig->error.code, code);
    if (strstr(rig->error.message, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, rig->error.message);
    }
}

/* The fault of the call before: told by every call from now on, and nothing else comes. */
static void assert_stays_faulty(struct rig *rig)
{
    const struct p2p_error first = rig->error;
    struct p2p_edge edge;
    size_t count = SIZE_MAX;

    rig->cut = false;
    rig->takes_nothing = false;
    fake_probe_start(&rig->probe);
    for (int call = 0; call < 7; call++) {
        enum p2p_code code;

        rig->error = (struct p2p_error){0};
        if (call < 4) {
            code = ask(rig, (enum p2p_probe_request)call);
        } else if (call == 4) {
            code = p2p_probe_device_tend(rig->device, &rig->error);
        } else if (call == 5) {
            code = p2p_probe_device_command(rig->device, PROBE_GET_STATS, &rig->error);
        } else {
            code = rig->port.read(rig->port.self, &edge, 1, &count, &rig->error);
            assert_int_equal(count, 0);
        }
        assert_int_equal(code, first.code);
        assert_int_equal(rig->error.code, first.code);
        assert_string_equal(rig->error.message, first.message);
        assert_false(settled(rig));
    }
}

static void assert_commands(const struct rig *rig, const char *expected)
{
    char text[FAKE_PROBE_COMMANDS_MAX * 2 + 1] = "";

    for (size_t i = 0; i < rig->probe.command_count; i++) {
        snprintf(text + 2 * i, 3, "%02x", rig->probe.commands[i]);
    }
    assert_string_equal(text, expected);
}

/* ---- the join ---- */

static void assert_known(struct rig *rig)
{
    const struct p2p_probe_info *info = rig->port.info(rig->port.self);

    assert_non_null(info);
    assert_string_equal(info->name, "fake");
    assert_string_equal(info->serial, "e660583883123456");
    assert_string_equal(info->firmware, "pin2pin fake");
    assert_int_equal(info->tick_hz, FAKE_PROBE_HZ);
    assert_true(info->uncertainty.quantisation_ns == p2p_quantisation_ns(8, FAKE_PROBE_HZ));
    assert_true(info->uncertainty.quantisation_ns > 1);
    assert_true(info->uncertainty.skew_ns == BUDGET.skew_ns && info->uncertainty.trigger_ns == BUDGET.trigger_ns &&
                info->uncertainty.timebase_ppm == BUDGET.timebase_ppm &&
                info->uncertainty.skew_correction_ns == BUDGET.skew_correction_ns);
}

static void a_probe_that_starts_is_known_by_its_hello(void **state)
{
    struct rig *rig = *state;

    assert_ok(rig, ask(rig, P2P_PROBE_IDENTIFY));
    assert_false(settled(rig));
    pass(rig, 5);
    fake_probe_start(&rig->probe);
    pass(rig, 5);
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    assert_null(rig->port.info(rig->port.self)); /* it has come, but the join is not through */
    join(rig);
    assert_known(rig);
    assert_commands(rig, "");
    join(rig); /* asked for once more: nothing to do */
    assert_known(rig);
    assert_commands(rig, "");
}

static void a_probe_that_rests_is_asked(void **state)
{
    struct rig *rig = *state;
    uint64_t asked_ns = rig->now_ns;

    join(rig);
    assert_known(rig);
    assert_commands(rig, "4341");                                 /* STOP, IDENTIFY */
    assert_true(rig->written_ns[0] >= asked_ns + 20 * NS_PER_MS); /* a probe that starts has its chance */
    assert_true(rig->now_ns - asked_ns <= 100 * NS_PER_MS);
}

static void a_probe_that_is_armed_is_stopped_first(void **state)
{
    static uint8_t lost[7];
    struct rig *rig = *state;
    struct p2p_edge edge;

    rig->probe.sequence = 1234;
    rig->probe.armed = true;
    rig->probe.epoch_at = rig->now_ns;
    for (int i = 0; i < 100; i++) {
        fake_probe_edge(&rig->probe, 0, (uint8_t)(i % 2));
    }
    fake_probe_flush(&rig->probe);
    assert_int_equal(fake_probe_say(&rig->probe, lost, sizeof lost), sizeof lost); /* we come in mid-frame */
    join(rig);
    assert_known(rig);
    assert_commands(rig, "4341");
    assert_false(rig->probe.armed);
    assert_int_equal(read_edges(rig, &edge, 1), 0); /* those were another host's */
    ask_and_settle(rig, P2P_PROBE_ARM);
}

static void a_probe_that_never_answers_is_given_up_after_2_s(void **state)
{
    struct rig *rig = *state;
    uint64_t asked_ns = rig->now_ns;

    rig->probe.deaf = UINT32_MAX;
    assert_int_equal(try_join(rig), P2P_E_BENCH);
    assert_error(rig, P2P_E_BENCH, "the probe does not answer: is it powered, wired, and flashed");
    assert_in_range(rig->now_ns - asked_ns, 2000 * NS_PER_MS, 2020 * NS_PER_MS);
    assert_int_equal(rig->written, 1 + (2000 - 20) / 60); /* STOP, again and again */
    assert_null(rig->port.info(rig->port.self));
    assert_stays_faulty(rig);
}

static void a_command_that_was_lost_is_repeated(void **state)
{
    struct rig *rig = *state;

    rig->probe.deaf = 1;
    join(rig);
    assert_known(rig);
    assert_commands(rig, "434341");
    assert_in_range(rig->written_ns[1] - rig->written_ns[0], 60 * NS_PER_MS, 70 * NS_PER_MS);
}

static void an_identify_that_was_lost_is_repeated(void **state)
{
    struct rig *rig = *state;

    assert_ok(rig, ask(rig, P2P_PROBE_IDENTIFY));
    while (rig->probe.command_count == 0) {
        pass(rig, ASK_MS);
        assert_ok(rig, ask(rig, P2P_PROBE_IDENTIFY));
    }
    rig->probe.deaf = 3;
    join(rig);
    assert_known(rig);
    assert_commands(rig, "4341414141");
    assert_in_range(rig->written_ns[2] - rig->written_ns[1], 60 * NS_PER_MS, 70 * NS_PER_MS);
}

static void what_comes_in_pieces_is_the_same(void **state)
{
    struct rig *rig = *state;
    struct p2p_edge edges[4];

    rig->piece = 1;
    join_and_arm(rig);
    assert_known(rig);
    fake_probe_edge(&rig->probe, 0, 1);
    fake_probe_edge(&rig->probe, 1, 0);
    fake_probe_flush(&rig->probe);
    assert_int_equal(read_edges(rig, edges, 4), 2);
    ask_and_settle(rig, P2P_PROBE_STOP);
}

/* ---- calibrations ---- */

static void use_calibration(struct rig *rig, const struct p2p_calibration *calibration)
{
    p2p_probe_device_free(rig->device);
    rig->device = make_device(rig, calibration);
    assert_non_null(rig->device);
    rig->port = p2p_probe_device_port(rig->device);
}

static void a_calibration_of_this_probe_is_taken(void **state)
{
    const struct p2p_calibration calibration = {
        .serial = "e660583883123456", .firmware = "pin2pin fake", .tick_hz = FAKE_PROBE_HZ};
    struct rig *rig = *state;

    use_calibration(rig, &calibration);
    join(rig);
    assert_known(rig);
}

static void a_calibration_of_another_probe_is_refused(void **state)
{
    const struct p2p_calibration calibration = {
        .serial = "e660583883123457", .firmware = "pin2pin fake", .tick_hz = FAKE_PROBE_HZ};
    struct rig *rig = *state;

    use_calibration(rig, &calibration);
    assert_int_equal(try_join(rig), P2P_E_INPUT);
    assert_error(rig, P2P_E_INPUT, "my.calibration.json");
    assert_error(rig, P2P_E_INPUT, "e660583883123457");
    assert_error(rig, P2P_E_INPUT, "e660583883123456");
    assert_null(rig->port.info(rig->port.self));
    assert_stays_faulty(rig);
}

static void a_calibration_at_another_clock_is_refused(void **state)
{
    const struct p2p_calibration calibration = {.serial = "e660583883123456", .tick_hz = FAKE_PROBE_HZ / 2};
    struct rig *rig = *state;

    use_calibration(rig, &calibration);
    assert_int_equal(try_join(rig), P2P_E_INPUT);
    assert_error(rig, P2P_E_INPUT, "my.calibration.json");
    assert_stays_faulty(rig);
}

/* ---- requests ---- */

static void armed_is_when_the_first_epoch_has_come(void **state)
{
    struct rig *rig = *state;

    join(rig);
    rig->probe.without_epochs = true;
    assert_ok(rig, ask(rig, P2P_PROBE_ARM));
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    assert_true(rig->probe.armed);
    assert_int_equal(p2p_probe_link_state(p2p_probe_device_link(rig->device)), P2P_PROBE_ARMED);
    assert_false(settled(rig));
    rig->probe.without_epochs = false;
    pass(rig, 100);
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    assert_true(settled(rig));
}

static void arm_may_be_refused(void **state)
{
    struct rig *rig = *state;

    join(rig);
    rig->probe.refused = PROBE_ARM;
    rig->probe.status = PROBE_WRONG_STATE;
    assert_ok(rig, ask(rig, P2P_PROBE_ARM));
    assert_int_equal(p2p_probe_device_tend(rig->device, &rig->error), P2P_E_BENCH);
    assert_error(rig, P2P_E_BENCH, "the probe refused command 0x42: it is in another state");
    assert_stays_faulty(rig);
}

static void edges_come_in_order_in_pieces(void **state)
{
    struct rig *rig = *state;
    struct p2p_edge edges[8];
    uint64_t start_ns;

    join_and_arm(rig);
    start_ns = rig->now_ns;
    for (int i = 1; i <= 5; i++) {
        pass(rig, 1);
        fake_probe_edge(&rig->probe, (uint8_t)(i % 2), i > 3);
    }
    fake_probe_flush(&rig->probe);
    assert_int_equal(read_edges(rig, edges, 3), 3);
    pass(rig, 1);
    fake_probe_edge(&rig->probe, 0, 0);
    fake_probe_flush(&rig->probe);
    assert_int_equal(read_edges(rig, edges + 3, 5), 3);
    assert_int_equal(read_edges(rig, edges + 6, 2), 0);
    for (uint64_t i = 1; i <= 6; i++) {
        assert_int_equal(edges[i - 1].ticks, start_ns + i * NS_PER_MS);
        assert_int_equal(edges[i - 1].channel, i % 2 == 0 ? P2P_CHANNEL_STIMULUS : P2P_CHANNEL_ANSWER);
        assert_int_equal(edges[i - 1].level, i == 4 || i == 5);
        assert_int_equal(edges[i - 1].flags, 0);
    }
}

/* The fake's EPOCHs are on a grid of 100 ms. */
static void sync_waits_for_the_epoch_behind_its_answer(void **state)
{
    struct rig *rig = *state;

    join_and_arm(rig);
    for (int turn = 0; turn < 2; turn++) {
        pass(rig, 250);
        assert_ok(rig, ask(rig, P2P_PROBE_SYNC));
        assert_false(settled(rig));
        pass(rig, 49);
        assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
        assert_false(settled(rig));
        pass(rig, 1);
        assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
        assert_true(settled(rig));
        pass(rig, 100);
    }
    assert_commands(rig, "43414245" "45");
}

/* What was under way before the request vouches for nothing after it. */
static void sync_ignores_epochs_ahead_of_its_answer(void **state)
{
    struct rig *rig = *state;

    join_and_arm(rig);
    rig->piece = 0;
    pass(rig, 250);
    assert_ok(rig, ask(rig, P2P_PROBE_SYNC));
    rig->piece = SIZE_MAX;
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    assert_false(settled(rig));
    pass(rig, 50);
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    assert_true(settled(rig));
}

static void stop_brings_the_last_edges(void **state)
{
    struct rig *rig = *state;
    struct p2p_edge edges[4];

    for (int turn = 0; turn < 2; turn++) {
        if (turn == 0) {
            join(rig);
        }
        ask_and_settle(rig, P2P_PROBE_ARM);
        fake_probe_edge(&rig->probe, 0, 1); /* not sent yet */
        fake_probe_edge(&rig->probe, 1, 1);
        assert_int_equal(read_edges(rig, edges, 4), 0);
        ask_and_settle(rig, P2P_PROBE_STOP);
        assert_int_equal(read_edges(rig, edges, 4), 2);
        assert_non_null(p2p_probe_link_stats(p2p_probe_device_link(rig->device)));
    }
    ask_and_settle(rig, P2P_PROBE_STOP); /* resting already */
}

static void a_stop_that_nobody_vouches_for_is_a_fault(void **state)
{
    struct rig *rig = *state;
    struct p2p_edge edge;

    join_and_arm(rig);
    rig->probe.without_epochs = true;
    fake_probe_edge(&rig->probe, 0, 1);
    assert_ok(rig, ask(rig, P2P_PROBE_STOP));
    assert_int_equal(p2p_probe_device_tend(rig->device, &rig->error), P2P_E_BENCH);
    assert_error(rig, P2P_E_BENCH, "stopped without a last EPOCH");
    assert_int_equal(read_edges(rig, &edge, 1), 1);
    assert_stays_faulty(rig);
}

static void other_commands_settle_by_their_answer(void **state)
{
    struct rig *rig = *state;
    const struct p2p_probe_link *link = p2p_probe_device_link(rig->device);

    join(rig);
    assert_ok(rig, p2p_probe_device_command(rig->device, PROBE_GET_STATS, &rig->error));
    assert_false(settled(rig));
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    assert_true(settled(rig));
    assert_int_equal(p2p_probe_link_stats(link)->glitches, 5);
    rig->probe.refused = PROBE_SELF_TEST; /* "failed" is its result, no fault of ours */
    rig->probe.status = PROBE_FAILED;
    assert_ok(rig, p2p_probe_device_command(rig->device, PROBE_SELF_TEST, &rig->error));
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    assert_true(settled(rig));
    assert_int_equal(p2p_probe_link_ack(link)->status, PROBE_FAILED);
}

static void nothing_is_asked_before_the_join(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(ask(rig, P2P_PROBE_ARM), P2P_E_BENCH);
    assert_error(rig, P2P_E_BENCH, "the probe was asked for something before it was identified");
    assert_commands(rig, "");
    assert_stays_faulty(rig);
}

static void sync_is_for_the_armed(void **state)
{
    struct rig *rig = *state;

    join(rig);
    assert_int_equal(ask(rig, P2P_PROBE_SYNC), P2P_E_BENCH);
    assert_error(rig, P2P_E_BENCH, "the probe was asked for something before it was armed");
    assert_stays_faulty(rig);
}

static void one_command_at_a_time(void **state)
{
    struct rig *rig = *state;

    join(rig);
    rig->probe.deaf = 1;
    assert_ok(rig, ask(rig, P2P_PROBE_ARM));
    assert_int_equal(ask(rig, P2P_PROBE_STOP), P2P_E_BENCH);
    assert_error(rig, P2P_E_BENCH, "the probe can take no command 0x43 now");
    assert_stays_faulty(rig);
}

/* ---- faults ---- */

static void an_armed_probe_may_not_be_silent(void **state)
{
    struct rig *rig = *state;

    join_and_arm(rig);
    pass(rig, 100);
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    rig->probe.without_epochs = true;
    pass(rig, 500);
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    pass(rig, 1);
    assert_int_equal(p2p_probe_device_tend(rig->device, &rig->error), P2P_E_BENCH);
    assert_error(rig, P2P_E_BENCH, "no EPOCH for 501 ms");
    assert_error(rig, P2P_E_BENCH, "no edge is missing or wrong before tick 5");
    assert_stays_faulty(rig);
}

static void a_resting_probe_may_be_silent(void **state)
{
    struct rig *rig = *state;

    join(rig);
    pass(rig, 3600000);
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    ask_and_settle(rig, P2P_PROBE_ARM);
}

static void a_command_needs_an_answer(void **state)
{
    struct rig *rig = *state;

    join(rig);
    rig->probe.deaf = UINT32_MAX;
    assert_ok(rig, ask(rig, P2P_PROBE_ARM));
    pass(rig, 500);
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    pass(rig, 1);
    assert_int_equal(p2p_probe_device_tend(rig->device, &rig->error), P2P_E_BENCH);
    assert_error(rig, P2P_E_BENCH, "no answer to ARM for 501 ms");
    assert_stays_faulty(rig);
}

/* Three edges, of which one has come after the last EPOCH. */
static void run_a_little(struct rig *rig)
{
    join_and_arm(rig);
    fake_probe_edge(&rig->probe, 0, 1);
    fake_probe_edge(&rig->probe, 1, 1);
    pass(rig, 100);
    pass(rig, 7);
    fake_probe_edge(&rig->probe, 0, 0);
    fake_probe_flush(&rig->probe);
}

static void a_stream_that_ends_keeps_the_edges_from_before(void **state)
{
    struct rig *rig = *state;
    struct p2p_edge edges[4];
    size_t count = SIZE_MAX;
    char whole[80];

    run_a_little(rig);
    rig->cut = true;
    snprintf(whole, sizeof whole, "no edge is missing or wrong before tick %llu (0.100000 s after arming)",
             (unsigned long long)(rig->now_ns - 7 * NS_PER_MS));
    assert_int_equal(p2p_probe_device_tend(rig->device, &rig->error), P2P_E_BENCH);
    assert_int_equal(read_edges(rig, edges, 2), 2);
    assert_int_equal(read_edges(rig, edges + 2, 2), 1);
    assert_int_equal(edges[2].ticks, rig->now_ns);
    rig->error = (struct p2p_error){0};
    assert_int_equal(rig->port.read(rig->port.self, edges, 1, &count, &rig->error), P2P_E_BENCH);
    assert_int_equal(count, 0);
    assert_int_equal(strncmp(rig->error.message, "the cable is out; the probe's link: ", 36), 0);
    assert_error(rig, P2P_E_BENCH, whole);
    assert_stays_faulty(rig);
}

static void a_stream_that_takes_nothing_is_lost_as_well(void **state)
{
    struct rig *rig = *state;
    struct p2p_edge edges[4];

    run_a_little(rig);
    rig->takes_nothing = true;
    assert_int_equal(ask(rig, P2P_PROBE_STOP), P2P_E_BENCH);
    assert_error(rig, P2P_E_BENCH, "the cable takes nothing; the probe's link: ");
    assert_error(rig, P2P_E_BENCH, "no edge is missing or wrong before tick ");
    assert_int_equal(read_edges(rig, edges, 4), 3);
    assert_stays_faulty(rig);
}

static void a_count_that_does_not_fit_is_a_fault(void **state)
{
    struct rig *rig = *state;
    struct p2p_edge edges[4];

    run_a_little(rig);
    rig->probe.forged_count = 1;
    pass(rig, 100);
    assert_int_equal(read_edges(rig, edges, 4), 3); /* as they were handed out, they stay */
    assert_int_equal(p2p_probe_device_tend(rig->device, &rig->error), P2P_E_BENCH);
    assert_error(rig, P2P_E_BENCH, "2 edges of the stimulus line came, the probe counted 3");
    assert_stays_faulty(rig);
}

/* ---- many edges ---- */

static void a_full_queue_stops_reading_and_goes_on(void **state)
{
    static struct p2p_edge edges[MANY];
    struct rig *rig = *state;
    struct pollfd fds[P2P_STREAM_FDS_MAX];
    uint64_t start_ns;
    size_t count = 0;
    unsigned reads, polls = rig->polls;

    join_and_arm(rig);
    assert_int_equal(p2p_probe_device_poll_fds(rig->device, fds), 1);
    assert_int_equal(rig->polls, polls + 1);
    start_ns = rig->now_ns;
    for (uint64_t i = 0; i < MANY; i++) {
        fake_probe_pass(&rig->probe, start_ns + i);
        fake_probe_edge(&rig->probe, i % 3 == 0, i % 2);
    }
    fake_probe_flush(&rig->probe);
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    assert_true(p2p_probe_device_full(rig->device));
    assert_int_equal(p2p_probe_device_poll_fds(rig->device, fds), 0);
    reads = rig->reads;
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    assert_int_equal(rig->reads, reads);
    assert_true(rig->probe.out_next < rig->probe.out_count);

    /* Its signs of life wait behind the edges: nobody may hold its silence against it. */
    pass(rig, 1000);
    assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
    while (count < MANY) {
        size_t capacity = MANY - count < 333 ? MANY - count : 333;
        size_t got = read_edges(rig, edges + count, capacity);

        assert_int_not_equal(got, 0);
        count += got;
    }
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(edges[i].ticks, start_ns + i);
        assert_int_equal(edges[i].channel, i % 3 == 0 ? P2P_CHANNEL_ANSWER : P2P_CHANNEL_STIMULUS);
        assert_int_equal(edges[i].level, i % 2);
    }
    assert_false(p2p_probe_device_full(rig->device));
    ask_and_settle(rig, P2P_PROBE_STOP); /* by its counts and checksum too all are here */
    assert_int_equal(read_edges(rig, edges, 1), 0);
}

/* The densest chunks, cut anywhere: what is full never overflows. */
static void no_cut_of_the_bytes_overflows_the_queue(void **state)
{
    static struct p2p_edge edges[MANY];
    struct rig *rig = *state;

    join_and_arm(rig);
    for (size_t piece = 1; piece <= PROBE_WIRE_MAX; piece += 25) {
        size_t count = 0, got;

        rig->piece = piece;
        for (int i = 0; i < FULL + 47 * 10; i++) {
            fake_probe_edge(&rig->probe, 0, 1);
        }
        fake_probe_flush(&rig->probe);
        assert_ok(rig, p2p_probe_device_tend(rig->device, &rig->error));
        assert_true(p2p_probe_device_full(rig->device));
        while ((got = read_edges(rig, edges + count, MANY - count)) > 0) {
            count += got;
        }
        assert_int_equal(count, FULL + 47 * 10);
    }
}

/* ---- life ---- */

static void without_memory_the_stream_is_closed(void **state)
{
    struct rig *rig = *state;

    for (unsigned calls = 0; calls < 2; calls++) {
        callocs_left = calls;
        assert_null(make_device(rig, NULL));
        callocs_left = UINT32_MAX;
        assert_int_equal(rig->closes, calls + 1);
    }
    p2p_probe_device_free(NULL);
}

#define WITH_A_PROBE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_PROBE(a_probe_that_starts_is_known_by_its_hello),
        WITH_A_PROBE(a_probe_that_rests_is_asked),
        WITH_A_PROBE(a_probe_that_is_armed_is_stopped_first),
        WITH_A_PROBE(a_probe_that_never_answers_is_given_up_after_2_s),
        WITH_A_PROBE(a_command_that_was_lost_is_repeated),
        WITH_A_PROBE(an_identify_that_was_lost_is_repeated),
        WITH_A_PROBE(what_comes_in_pieces_is_the_same),
        WITH_A_PROBE(a_calibration_of_this_probe_is_taken),
        WITH_A_PROBE(a_calibration_of_another_probe_is_refused),
        WITH_A_PROBE(a_calibration_at_another_clock_is_refused),
        WITH_A_PROBE(armed_is_when_the_first_epoch_has_come),
        WITH_A_PROBE(arm_may_be_refused),
        WITH_A_PROBE(edges_come_in_order_in_pieces),
        WITH_A_PROBE(sync_waits_for_the_epoch_behind_its_answer),
        WITH_A_PROBE(sync_ignores_epochs_ahead_of_its_answer),
        WITH_A_PROBE(stop_brings_the_last_edges),
        WITH_A_PROBE(a_stop_that_nobody_vouches_for_is_a_fault),
        WITH_A_PROBE(other_commands_settle_by_their_answer),
        WITH_A_PROBE(nothing_is_asked_before_the_join),
        WITH_A_PROBE(sync_is_for_the_armed),
        WITH_A_PROBE(one_command_at_a_time),
        WITH_A_PROBE(an_armed_probe_may_not_be_silent),
        WITH_A_PROBE(a_resting_probe_may_be_silent),
        WITH_A_PROBE(a_command_needs_an_answer),
        WITH_A_PROBE(a_stream_that_ends_keeps_the_edges_from_before),
        WITH_A_PROBE(a_stream_that_takes_nothing_is_lost_as_well),
        WITH_A_PROBE(a_count_that_does_not_fit_is_a_fault),
        WITH_A_PROBE(a_full_queue_stops_reading_and_goes_on),
        WITH_A_PROBE(no_cut_of_the_bytes_overflows_the_queue),
        WITH_A_PROBE(without_memory_the_stream_is_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
