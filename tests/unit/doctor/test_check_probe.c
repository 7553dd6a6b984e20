/* SPDX-License-Identifier: MIT */
#include "finding_asserts.h"

#include "board/probe_stand.h"

#include <stdio.h>

#define NS_PER_MS UINT64_C(1000000)

enum { EDGES_MAX = 8 };

static struct p2p_bench bench;
static struct p2p_doctor doctor;
static struct p2p_examination self;

/* A probe whose wiring may be anything. */
static struct {
    const char *open_fault, *command_fault, *line_fault, *stop_fault;
    struct p2p_probe_info info;
    struct probe_hello hello;
    struct probe_ack ack;
    struct p2p_probe_stand_setup setup;
    uint64_t now_ns;
    bool armed;
    unsigned open, lines;
    uint64_t changed_ns[EDGES_MAX];
    unsigned changes;
    unsigned echoes[2]; /* edges on a channel for each of the line */
} fake;

struct p2p_probe_stand *__wrap_p2p_probe_stand_open(const struct p2p_probe_stand_setup *setup, struct p2p_error *error);
void __wrap_p2p_probe_stand_close(struct p2p_probe_stand *stand);
const struct p2p_probe_info *__wrap_p2p_probe_stand_info(const struct p2p_probe_stand *stand);
const struct p2p_probe_link *__wrap_p2p_probe_stand_link(const struct p2p_probe_stand *stand);
uint64_t __wrap_p2p_probe_stand_now_ns(const struct p2p_probe_stand *stand);
enum p2p_code __wrap_p2p_probe_stand_advance(struct p2p_probe_stand *stand, uint64_t until_ns, struct p2p_error *error);
enum p2p_code __wrap_p2p_probe_stand_request(struct p2p_probe_stand *stand, enum p2p_probe_request request,
                                             struct p2p_error *error);
enum p2p_code __wrap_p2p_probe_stand_command(struct p2p_probe_stand *stand, enum probe_type command,
                                             struct p2p_error *error);
enum p2p_code __wrap_p2p_probe_stand_drive(struct p2p_probe_stand *stand, const struct wires_record *edges,
                                           size_t count, struct p2p_error *error);
const struct probe_hello *__wrap_p2p_probe_link_hello(const struct p2p_probe_link *link);
const struct probe_ack *__wrap_p2p_probe_link_ack(const struct p2p_probe_link *link);
struct p2p_gpiod_line *__wrap_p2p_gpiod_line_open(const struct p2p_line_plan *plan, struct p2p_error *error);
enum p2p_code __wrap_p2p_gpiod_line_set(const struct p2p_gpiod_line *line, bool active, struct p2p_error *error);
void __wrap_p2p_gpiod_line_close(struct p2p_gpiod_line *line);

static enum p2p_code judge(const char *fault, struct p2p_error *error)
{
    return fault != NULL ? p2p_error_set(error, P2P_E_BENCH, "%s", fault) : P2P_OK;
}

struct p2p_probe_stand *__wrap_p2p_probe_stand_open(const struct p2p_probe_stand_setup *setup, struct p2p_error *error)
{
    assert_ptr_equal(setup->bench, &bench);
    fake.setup = *setup;
    fake.open += fake.open_fault == NULL;
    return judge(fake.open_fault, error) == P2P_OK ? (struct p2p_probe_stand *)&fake : NULL;
}

void __wrap_p2p_probe_stand_close(struct p2p_probe_stand *stand)
{
    fake.open -= stand != NULL;
}

const struct p2p_probe_info *__wrap_p2p_probe_stand_info(const struct p2p_probe_stand *stand)
{
    (void)stand;
    return &fake.info;
}

const struct p2p_probe_link *__wrap_p2p_probe_stand_link(const struct p2p_probe_stand *stand)
{
    return (const struct p2p_probe_link *)stand;
}

uint64_t __wrap_p2p_probe_stand_now_ns(const struct p2p_probe_stand *stand)
{
    (void)stand;
    return fake.now_ns;
}

enum p2p_code __wrap_p2p_probe_stand_advance(struct p2p_probe_stand *stand, uint64_t until_ns, struct p2p_error *error)
{
    (void)stand;
    (void)error;
    fake.now_ns = until_ns - fake.now_ns > NS_PER_MS ? fake.now_ns + NS_PER_MS : until_ns;
    return P2P_OK;
}

enum p2p_code __wrap_p2p_probe_stand_request(struct p2p_probe_stand *stand, enum p2p_probe_request request,
                                             struct p2p_error *error)
{
    (void)stand;
    assert_true(request == (fake.armed ? P2P_PROBE_STOP : P2P_PROBE_ARM));
    fake.armed = request == P2P_PROBE_ARM;
    return fake.armed ? P2P_OK : judge(fake.stop_fault, error);
}

enum p2p_code __wrap_p2p_probe_stand_command(struct p2p_probe_stand *stand, enum probe_type command,
                                             struct p2p_error *error)
{
    (void)stand;
    assert_int_equal(command, PROBE_SELF_TEST);
    return judge(fake.command_fault, error);
}

static void change(bool high)
{
    assert_true(fake.armed);
    assert_true(fake.changes < EDGES_MAX);
    assert_int_equal(high, fake.changes % 2 == 0);
    fake.changed_ns[fake.changes++] = fake.now_ns;
    for (uint8_t channel = 0; channel < 2; channel++) {
        for (unsigned i = 0; i < fake.echoes[channel]; i++) {
            fake.setup.on_edge(fake.setup.user, &(struct p2p_edge){.channel = channel, .level = high});
        }
    }
}

enum p2p_code __wrap_p2p_probe_stand_drive(struct p2p_probe_stand *stand, const struct wires_record *edges,
                                           size_t count, struct p2p_error *error)
{
    (void)stand;
    (void)error;
    assert_int_equal(count, 1);
    assert_int_equal(edges[0].at_ns, fake.now_ns);
    assert_int_equal(edges[0].line, 0);
    assert_int_equal(bench.probe.kind, P2P_PROBE_VIRTUAL);
    change(edges[0].level != 0);
    return P2P_OK;
}

const struct probe_hello *__wrap_p2p_probe_link_hello(const struct p2p_probe_link *link)
{
    (void)link;
    return &fake.hello;
}

const struct probe_ack *__wrap_p2p_probe_link_ack(const struct p2p_probe_link *link)
{
    (void)link;
    return &fake.ack;
}

struct p2p_gpiod_line *__wrap_p2p_gpiod_line_open(const struct p2p_line_plan *plan, struct p2p_error *error)
{
    assert_string_equal(plan->chip, "soc");
    fake.lines += fake.line_fault == NULL;
    return judge(fake.line_fault, error) == P2P_OK ? (struct p2p_gpiod_line *)&fake : NULL;
}

enum p2p_code __wrap_p2p_gpiod_line_set(const struct p2p_gpiod_line *line, bool active, struct p2p_error *error)
{
    (void)error;
    assert_ptr_equal(line, &fake);
    change(active);
    return P2P_OK;
}

void __wrap_p2p_gpiod_line_close(struct p2p_gpiod_line *line)
{
    fake.lines -= line != NULL;
}

/* The bench does not own its strings here, but could write to them. */
static char a_json_text[] = "a.json", c_json_text[] = "c.json", soc_text[] = "soc";

static int set_up(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.info = (struct p2p_probe_info){.serial = "00000000000000ab", .tick_hz = 125000000};
    fake.hello = (struct probe_hello){.clk_hz = 125000000, .firmware = "pin2pin " P2P_VERSION};
    fake.ack = (struct probe_ack){.status = PROBE_DONE};
    fake.echoes[0] = 1;
    bench = (struct p2p_bench){.path = a_json_text,
                               .board = {.kind = P2P_BOARD_UBOOT},
                               .probe = {.kind = P2P_PROBE_FTDI, .baud = 4000000, .calibration = c_json_text}};
    bench.lab.stimulus.chip = soc_text;
    doctor = (struct p2p_doctor){.bench = &bench, .stop_fd = -1};
    self = (struct p2p_examination){.doctor = &doctor, .bench = &bench, .hello = fake.hello, .info = fake.info};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(fake.open, 0);
    assert_int_equal(fake.lines, 0);
    return 0;
}

static void it_answers(void **state)
{
    (void)state;
    self.hello = (struct probe_hello){0};
    assert_check(p2p_check_probe, &self, P2P_FINDING_OK, P2P_VERSION ", board id 00000000000000ab, 125 MHz", "");
    assert_check(p2p_check_firmware, &self, P2P_FINDING_OK, P2P_VERSION, "");
    assert_check(p2p_check_selftest, &self, P2P_FINDING_OK, "DMA", "");
}

static void it_answers_not(void **state)
{
    (void)state;
    fake.command_fault = "it was unplugged";
    assert_check(p2p_check_probe, &self, P2P_FINDING_FAILED, "it was unplugged", "TX to RX");
    fake.open_fault = "silent";
    assert_check(p2p_check_probe, &self, P2P_FINDING_FAILED, "silent", "$.probe.baud");
    bench.probe.kind = P2P_PROBE_VIRTUAL;
    assert_check(p2p_check_probe, &self, P2P_FINDING_FAILED, "silent", "./lab build");
}

static void another_firmware(void **state)
{
    (void)state;
    snprintf(self.hello.firmware, sizeof self.hello.firmware, "pin2pin 0.0.1");
    assert_check(p2p_check_firmware, &self, P2P_FINDING_WARNING, "\"pin2pin 0.0.1\", but this is", "flash");
}

static void a_failed_selftest(void **state)
{
    (void)state;
    self.selftest.value = 2;
    assert_check(p2p_check_selftest, &self, P2P_FINDING_FAILED, "bits 0x2", "probe selftest");
    self.selftest = (struct probe_ack){.status = PROBE_FAILED};
    assert_check(p2p_check_selftest, &self, P2P_FINDING_FAILED, "status 3", "probe selftest");
}

static void a_calibration_of_another(void **state)
{
    (void)state;
    self.calibration.tick_hz = 125000000;
    snprintf(self.calibration.serial, sizeof self.calibration.serial, "00000000000000ab");
    assert_check(p2p_check_owner, &self, P2P_FINDING_OK, "of this probe", "");
    snprintf(self.calibration.serial, sizeof self.calibration.serial, "00000000000000ac");
    assert_check(p2p_check_owner, &self, P2P_FINDING_FAILED, "c.json", "calibrate");
}

static void link_rates(void **state)
{
    (void)state;
    assert_check(p2p_check_rate, &self, P2P_FINDING_OK, "4000000 baud, the probe's is off by +0.00 %", "");
    bench.probe.baud = 6000000;
    assert_check(p2p_check_rate, &self, P2P_FINDING_OK, "off by +0.40 %", "");
    bench.probe.baud = 12000000; /* faster than its UART goes */
    assert_check(p2p_check_rate, &self, P2P_FINDING_WARNING, "7812500 baud, -34.90 %", "divides");
}

static void a_pulse_from_the_line(void **state)
{
    (void)state;
    assert_check(p2p_check_stimulus_seen, &self, P2P_FINDING_OK, "2 edges", "");
    assert_int_equal(fake.changes, 2);
    assert_int_equal(fake.changed_ns[1] - fake.changed_ns[0], 10 * NS_PER_MS);
    assert_int_equal(fake.now_ns - fake.changed_ns[1], 10 * NS_PER_MS); /* the edge takes its time to us */
}

static void a_pulse_in_the_emulator(void **state)
{
    (void)state;
    bench.board.kind = P2P_BOARD_QEMU_VIRT;
    bench.probe.kind = P2P_PROBE_VIRTUAL;
    fake.line_fault = "there is no line";
    assert_check(p2p_check_stimulus_seen, &self, P2P_FINDING_OK, "2 edges", "");
}

static void wrong_wirings(void **state)
{
    (void)state;
    fake.echoes[0] = 0;
    assert_check(p2p_check_stimulus_seen, &self, P2P_FINDING_FAILED, "saw 0 edges", "GPIO 2");
    fake.changes = 0;
    fake.echoes[1] = 1;
    assert_check(p2p_check_stimulus_seen, &self, P2P_FINDING_FAILED, "answer input", "exchange");
    fake.changes = 0;
    fake.echoes[0] = 3;
    assert_check(p2p_check_stimulus_seen, &self, P2P_FINDING_FAILED, "saw 6 edges", "rings");
}

static void a_capture_that_fails(void **state)
{
    (void)state;
    fake.stop_fault = "edges were lost";
    assert_check(p2p_check_stimulus_seen, &self, P2P_FINDING_FAILED, "edges were lost", "cable");
    fake.line_fault = "busy";
    assert_check(p2p_check_stimulus_seen, &self, P2P_FINDING_FAILED, "busy", "cable");
}

#define ON_IT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_IT(it_answers),
        ON_IT(it_answers_not),
        ON_IT(another_firmware),
        ON_IT(a_failed_selftest),
        ON_IT(a_calibration_of_another),
        ON_IT(link_rates),
        ON_IT(a_pulse_from_the_line),
        ON_IT(a_pulse_in_the_emulator),
        ON_IT(wrong_wirings),
        ON_IT(a_capture_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
