/* SPDX-License-Identifier: MIT */
#include "finding_asserts.h"

#include "board/lab_bench.h"
#include "ports/serial_stream.h"

static struct p2p_bench bench;
static struct p2p_doctor doctor;
static struct p2p_examination self;

static struct {
    const char *open_fault, *level_fault, *off_fault, *alive_fault, *port_fault;
    char place[P2P_PLACE_BYTES];
    struct p2p_line_plan asked;
    unsigned open;
} fake;

struct p2p_gpiod_line *__wrap_p2p_gpiod_line_open(const struct p2p_line_plan *plan, struct p2p_error *error);
enum p2p_code __wrap_p2p_gpiod_line_check(const struct p2p_gpiod_line *line, bool active, struct p2p_error *error);
void __wrap_p2p_gpiod_line_close(struct p2p_gpiod_line *line);
enum p2p_code __wrap_p2p_lab_bench_off(const struct p2p_bench *plan, struct p2p_error *error);
enum p2p_code __wrap_p2p_board_is_silent(const struct p2p_examination *examination, struct p2p_error *error);
enum p2p_code __wrap_p2p_serial_console_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                             struct p2p_error *error);

static enum p2p_code judge(const char *fault, struct p2p_error *error)
{
    return fault != NULL ? p2p_error_set(error, P2P_E_BENCH, "%s", fault) : P2P_OK;
}

struct p2p_gpiod_line *__wrap_p2p_gpiod_line_open(const struct p2p_line_plan *plan, struct p2p_error *error)
{
    fake.asked = *plan;
    strcpy(fake.place, plan->place);
    fake.open += fake.open_fault == NULL;
    return judge(fake.open_fault, error) == P2P_OK ? (struct p2p_gpiod_line *)&fake : NULL;
}

enum p2p_code __wrap_p2p_gpiod_line_check(const struct p2p_gpiod_line *line, bool active, struct p2p_error *error)
{
    assert_ptr_equal(line, &fake);
    assert_false(active);
    return judge(fake.level_fault, error);
}

void __wrap_p2p_gpiod_line_close(struct p2p_gpiod_line *line)
{
    fake.open -= line != NULL;
}

enum p2p_code __wrap_p2p_lab_bench_off(const struct p2p_bench *plan, struct p2p_error *error)
{
    assert_ptr_equal(plan, &bench);
    return judge(fake.off_fault, error);
}

enum p2p_code __wrap_p2p_board_is_silent(const struct p2p_examination *examination, struct p2p_error *error)
{
    assert_ptr_equal(examination, &self);
    assert_null(fake.off_fault);
    return judge(fake.alive_fault, error);
}

static void close_port(void *port)
{
    assert_ptr_equal(port, &fake);
    fake.open--;
}

enum p2p_code __wrap_p2p_serial_console_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                             struct p2p_error *error)
{
    assert_string_equal(device, "/dev/ttyA");
    assert_int_equal(baud, 9600);
    *stream = (struct p2p_byte_stream){.self = &fake, .close = close_port};
    fake.open += fake.port_fault == NULL;
    return judge(fake.port_fault, error);
}

/* The bench does not own its strings here, but could write to them. */
static char a_json_text[] = "a.json", soc_text[] = "soc", s_text[] = "S", dev_ttya_text[] = "/dev/ttyA";

static int set_up(void **state)
{
    (void)state;
    memset(&fake, 0, sizeof fake);
    bench = (struct p2p_bench){.path = a_json_text, .board = {.kind = P2P_BOARD_UBOOT}};
    bench.lab.stimulus = (struct p2p_lab_line){.chip = soc_text, .line = s_text, .active_low = true};
    bench.lab.query = (struct p2p_lab_line){.chip = soc_text, .offset = 7};
    bench.lab.console.device = dev_ttya_text;
    bench.lab.console.baud = 9600;
    doctor = (struct p2p_doctor){.bench = &bench, .stop_fd = -1};
    self = (struct p2p_examination){.doctor = &doctor, .bench = &bench};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(fake.open, 0);
    return 0;
}

static void lines(void **state)
{
    (void)state;
    assert_check(p2p_check_stimulus_line, &self, P2P_FINDING_OK, "\"S\" of soc", "");
    assert_string_equal(fake.place, "a.json: $.stimulus");
    assert_string_equal(fake.asked.line, "S");
    assert_true(fake.asked.active_low);
    assert_check(p2p_check_query_line, &self, P2P_FINDING_OK, "line 7 of soc", "");
    assert_string_equal(fake.place, "a.json: $.query");
    assert_int_equal(fake.asked.offset, 7);
}

static void lines_that_fail(void **state)
{
    (void)state;
    fake.level_fault = "stuck: reads back active";
    assert_check(p2p_check_query_line, &self, P2P_FINDING_FAILED, "reads back active", "short");
    fake.open_fault = "busy: held by \"x\"";
    assert_check(p2p_check_stimulus_line, &self, P2P_FINDING_FAILED, "busy: held by", "gpioinfo");
}

static void power_by_a_relay(void **state)
{
    (void)state;
    bench.lab.power.relay = (struct p2p_lab_line){.chip = (char[]){"relays"}, .offset = 2};
    assert_check(p2p_check_power_off, &self, P2P_FINDING_OK, "line 2 of relays", "");
    fake.alive_fault = "the board may still be on: it answers";
    assert_check(p2p_check_power_off, &self, P2P_FINDING_FAILED, "may still be on: it answers", "all of the board");
    fake.off_fault = "no such chip";
    assert_check(p2p_check_power_off, &self, P2P_FINDING_FAILED, "may be on: no such chip", "gpioinfo");
}

static void power_by_a_program(void **state)
{
    (void)state;
    bench.lab.power.kind = P2P_LAB_POWER_COMMAND;
    bench.lab.power.off = (char *[]){(char[]){"pdu"}, NULL};
    assert_check(p2p_check_power_off, &self, P2P_FINDING_OK, "pdu", "");
    fake.off_fault = "exit code 1";
    assert_check(p2p_check_power_off, &self, P2P_FINDING_FAILED, "may be on: exit code 1", "$.power.off by hand");
}

static void console_port(void **state)
{
    (void)state;
    assert_check(p2p_check_console_port, &self, P2P_FINDING_OK, "/dev/ttyA at 9600 baud", "");
    fake.port_fault = "another program holds it";
    assert_check(p2p_check_console_port, &self, P2P_FINDING_FAILED, "another program", "fuser");
}

#define ON_IT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_IT(lines), ON_IT(lines_that_fail), ON_IT(power_by_a_relay), ON_IT(power_by_a_program), ON_IT(console_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
