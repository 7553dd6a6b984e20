/* SPDX-License-Identifier: MIT */
#include "finding_asserts.h"

#include "board/lab_bench.h"
#include "board/virtual_bench.h"
#include "session/session.h"
#include "util/deadline.h"

static struct p2p_bench bench;
static struct p2p_doctor doctor;
static struct p2p_examination self;

/* What the boot does; and what the probe sees of the pulses after it. */
static struct {
    const char *open_fault, *fault, *pulse_fault, *console;
    unsigned answers, late_answers; /* the latter belong to the query */
    uint64_t stimuli, ready_ns;
    uint32_t tries;
    unsigned open, boots;
    struct p2p_pulse pulse;
    bool waited;
} fake;

struct p2p_lab_bench *__wrap_p2p_lab_bench_open(const struct p2p_bench *plan, const struct p2p_stimulus_plan *stimulus,
                                                int stop_fd, struct p2p_error *error);
void __wrap_p2p_lab_bench_close(struct p2p_lab_bench *open);
struct p2p_ports __wrap_p2p_lab_bench_ports(struct p2p_lab_bench *open);
struct p2p_virtual_bench *__wrap_p2p_virtual_bench_open(const struct p2p_bench *plan, int stop_fd,
                                                        struct p2p_error *error);
void __wrap_p2p_virtual_bench_close(struct p2p_virtual_bench *open);
struct p2p_ports __wrap_p2p_virtual_bench_ports(struct p2p_virtual_bench *open);
enum p2p_code __wrap_p2p_session_run(const struct p2p_session *session, struct p2p_boot_record *record,
                                     struct p2p_error *error);
enum p2p_code __wrap_p2p_pulse(const struct p2p_examination *examination, unsigned pulses, struct p2p_pulse *seen,
                               struct p2p_error *error);
enum p2p_wait __wrap_p2p_wait_fd(int fd, short events, int stop_fd, struct p2p_deadline deadline);

static void *open_fake(enum p2p_board_kind kind, struct p2p_error *error)
{
    assert_int_equal(bench.board.kind, kind);
    if (fake.open_fault != NULL) {
        p2p_error_set(error, P2P_E_BENCH, "%s", fake.open_fault);
        return NULL;
    }
    fake.open++;
    return &fake;
}

struct p2p_lab_bench *__wrap_p2p_lab_bench_open(const struct p2p_bench *plan, const struct p2p_stimulus_plan *stimulus,
                                                int stop_fd, struct p2p_error *error)
{
    assert_ptr_equal(plan, &bench);
    assert_int_equal(stop_fd, 99);
    assert_true(stimulus->width_ns < stimulus->deadline_ns && stimulus->deadline_ns <= stimulus->period_ns);
    return open_fake(P2P_BOARD_UBOOT, error);
}

void __wrap_p2p_lab_bench_close(struct p2p_lab_bench *open)
{
    fake.open -= open != NULL;
}

static uint64_t now_ns(void *clock)
{
    (void)clock;
    return 1000;
}

static enum p2p_code check_power(void *power, struct p2p_error *error)
{
    (void)power;
    return fake.fault != NULL ? p2p_error_set(error, P2P_E_BENCH, "%s", fake.fault) : P2P_OK;
}

struct p2p_ports __wrap_p2p_lab_bench_ports(struct p2p_lab_bench *open)
{
    assert_ptr_equal(open, &fake);
    return (struct p2p_ports){.clock = {.now_ns = now_ns}, .power = {.check = check_power}};
}

struct p2p_virtual_bench *__wrap_p2p_virtual_bench_open(const struct p2p_bench *plan, int stop_fd,
                                                        struct p2p_error *error)
{
    assert_ptr_equal(plan, &bench);
    assert_int_equal(stop_fd, 99);
    return open_fake(P2P_BOARD_QEMU_VIRT, error);
}

void __wrap_p2p_virtual_bench_close(struct p2p_virtual_bench *open)
{
    fake.open -= open != NULL;
}

struct p2p_ports __wrap_p2p_virtual_bench_ports(struct p2p_virtual_bench *open)
{
    assert_ptr_equal(open, &fake);
    return (struct p2p_ports){.clock = {.now_ns = now_ns}};
}

static void send_edges(const struct p2p_session_sink *sink, uint8_t channel, uint8_t flags, unsigned count)
{
    const struct p2p_edge edge = {.channel = channel, .flags = flags};
    struct p2p_error error = {0};

    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(sink->edges(sink->user, &edge, 1, &error), P2P_OK);
        assert_int_equal(sink->truth(sink->user, &edge, 1, &error), P2P_OK);
    }
}

enum p2p_code __wrap_p2p_session_run(const struct p2p_session *session, struct p2p_boot_record *record,
                                     struct p2p_error *error)
{
    const struct p2p_session_sink *sink = &session->sink;

    assert_ptr_equal(session->bench, &bench);
    assert_null(session->configuration->xen);
    assert_string_equal(session->configuration->name, "native");
    assert_int_equal(session->plan->samples, 10);
    fake.boots++;
    assert_int_equal(sink->probe(sink->user, &record->probe, error), P2P_OK);
    assert_int_equal(sink->console(sink->user, fake.console, strlen(fake.console), error), P2P_OK);
    assert_int_equal(sink->stamp(sink->user, strlen(fake.console), 0, error), P2P_OK);
    send_edges(sink, P2P_CHANNEL_MARK, P2P_MARK_ARMED, 1);
    send_edges(sink, P2P_CHANNEL_STIMULUS, 0, 20);
    send_edges(sink, P2P_CHANNEL_ANSWER, 0, fake.answers);
    send_edges(sink, P2P_CHANNEL_MARK, P2P_MARK_DISARMED, 1);
    send_edges(sink, P2P_CHANNEL_ANSWER, 0, fake.late_answers);
    record->stimuli = fake.stimuli;
    record->ready_ns = fake.ready_ns;
    record->tries = fake.tries;
    return fake.fault != NULL ? p2p_error_set(error, P2P_E_BENCH, "%s", fake.fault) : P2P_OK;
}

enum p2p_code __wrap_p2p_pulse(const struct p2p_examination *examination, unsigned pulses, struct p2p_pulse *seen,
                               struct p2p_error *error)
{
    assert_ptr_equal(examination, &self);
    assert_true(fake.waited);
    assert_int_equal(pulses, 2); /* of a board that is on, at least one edge would be seen */
    *seen = fake.pulse;
    return fake.pulse_fault != NULL ? p2p_error_set(error, P2P_E_BENCH, "%s", fake.pulse_fault) : P2P_OK;
}

enum p2p_wait __wrap_p2p_wait_fd(int fd, short events, int stop_fd, struct p2p_deadline deadline)
{
    (void)events;
    assert_int_equal(fd, -1);
    assert_int_equal(stop_fd, 99);
    assert_in_range(p2p_deadline_left_ms(deadline), 1, bench.lab.power.off_ms);
    fake.waited = true;
    return P2P_WAIT_TIMEOUT;
}

static int set_up(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.console = "U-Boot\r\n\033[1mREADY\t\n";
    fake.answers = 10;
    fake.late_answers = 1;
    fake.stimuli = 10;
    fake.ready_ns = UINT64_C(1500001000);
    fake.tries = 1;
    fake.pulse.stimulus_edges = 4;
    bench = (struct p2p_bench){.board = {.kind = P2P_BOARD_UBOOT}, .lab = {.power = {.off_ms = 60000}}};
    doctor = (struct p2p_doctor){.bench = &bench, .stop_fd = 99};
    self = (struct p2p_examination){.doctor = &doctor, .bench = &bench};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(fake.open, 0);
    return 0;
}

static void all_is_well(void)
{
    assert_check(p2p_check_console, &self, P2P_FINDING_OK, "bytes of text", "");
    assert_check(p2p_check_boot, &self, P2P_FINDING_OK, "ready after 1.500 s", "");
    assert_check(p2p_check_answers, &self, P2P_FINDING_OK, "10 answers to 10 stimuli", "");
    assert_int_equal(fake.boots, 1); /* for all of them */
}

static void a_lab_bench(void **state)
{
    (void)state;
    all_is_well();
    assert_check(p2p_check_relay, &self, P2P_FINDING_OK, "off, it does not", "");
}

static void a_virtual_bench(void **state)
{
    (void)state;
    bench.board.kind = P2P_BOARD_QEMU_VIRT;
    all_is_well();
}

static void a_bench_that_does_not_open(void **state)
{
    (void)state;
    fake.open_fault = "line taken meanwhile";
    assert_check(p2p_check_console, &self, P2P_FINDING_FAILED, "line taken meanwhile", "power");
    assert_int_equal(fake.boots, 0);
    bench.board.kind = P2P_BOARD_QEMU_VIRT;
    self.boot = (struct p2p_doctor_boot){0};
    assert_check(p2p_check_console, &self, P2P_FINDING_FAILED, "line taken meanwhile", "power");
}

static void a_silent_console(void **state)
{
    (void)state;
    fake.console = "";
    fake.fault = "no READY";
    assert_check(p2p_check_console, &self, P2P_FINDING_FAILED, "said nothing: no READY", "TX");
}

static void a_console_at_a_wrong_rate(void **state)
{
    (void)state;
    fake.console = "\x80\xf0\x01\x7f\xff\x03\x9c ok";
    fake.fault = "no READY";
    assert_check(p2p_check_console, &self, P2P_FINDING_FAILED, "7 of 10 bytes", "$.console.baud");
}

static void a_board_that_does_not_boot(void **state)
{
    (void)state;
    fake.ready_ns = 0;
    fake.fault = "U-Boot's prompt did not come";
    assert_check(p2p_check_console, &self, P2P_FINDING_OK, "text", "");
    assert_check(p2p_check_boot, &self, P2P_FINDING_FAILED, "U-Boot's prompt did not come", "$.timeouts.boot_s");
}

static void a_board_that_needs_tries(void **state)
{
    (void)state;
    fake.tries = 3;
    assert_check(p2p_check_console, &self, P2P_FINDING_OK, "text", "");
    assert_check(p2p_check_boot, &self, P2P_FINDING_WARNING, "only at power cycle 3", "settle_ms");
}

static void assert_answers(const char *says, const char *cure)
{
    self.boot = (struct p2p_doctor_boot){0};
    assert_check(p2p_check_console, &self, P2P_FINDING_OK, "text", "");
    assert_check(p2p_check_answers, &self, P2P_FINDING_FAILED, says, cure);
}

static void wrong_answers(void **state)
{
    (void)state;
    fake.answers = 0;
    assert_answers("no answer to 10 stimuli", "GPIO 3");
    fake.fault = "the stub did not print its counters";
    assert_answers("no answer to 10 stimuli: the stub did not print", "GPIO 3");
    fake.stimuli = 0;
    assert_answers("the stub did not print", "pin2pin run");
    fake.stimuli = 10;
    fake.answers = 10; /* all there, but the boot is not sound */
    assert_answers("the stub did not print", "pin2pin run");
    fake.fault = NULL;
    fake.answers = 20;
    assert_answers("20 answers to 10", "rings");
}

static void a_relay_that_does_not_switch(void **state)
{
    (void)state;
    fake.pulse.answer_edges = 2;
    assert_check(p2p_check_relay, &self, P2P_FINDING_FAILED, "still answers: 2 edges", "active_low");
    fake.pulse_fault = "unplugged";
    assert_check(p2p_check_relay, &self, P2P_FINDING_FAILED, "unplugged", "cable");
}

static void a_board_that_was_switched_off(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    assert_int_equal(p2p_board_is_silent(&self, &error), P2P_OK);
    fake.open_fault = "no console"; /* which its own check tells */
    assert_int_equal(p2p_board_is_silent(&self, &error), P2P_OK);
    fake.open_fault = NULL;
    fake.fault = "the board may still be on";
    assert_int_equal(p2p_board_is_silent(&self, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the board may still be on");
    assert_int_equal(fake.boots, 0);
}

#define ON_IT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_IT(a_lab_bench),
        ON_IT(a_virtual_bench),
        ON_IT(a_bench_that_does_not_open),
        ON_IT(a_silent_console),
        ON_IT(a_console_at_a_wrong_rate),
        ON_IT(a_board_that_does_not_boot),
        ON_IT(a_board_that_needs_tries),
        ON_IT(wrong_answers),
        ON_IT(a_relay_that_does_not_switch),
        ON_IT(a_board_that_was_switched_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
