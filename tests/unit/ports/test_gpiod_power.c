/* SPDX-License-Identifier: MIT */
#include "fake_gpiod.h"
#include "ports/gpiod_power.h"
#include "util/deadline.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PLACE "lab.bench.json: $.power"
#define RELAY PLACE ": line 2 of GPIO chip \"pl061\""

enum { STOP_FD = 77, SETTLE_MS = 1500 };

static const struct p2p_gpiod_power_setup SETUP = {
    .relay = {.place = PLACE, .chip = "pl061", .offset = 2}, .settle_ms = SETTLE_MS, .stop_fd = STOP_FD};

/* How the wait ends, and what was seen of it. */
static struct {
    enum p2p_wait outcome;
    unsigned waits;
    bool was_on;
} wait;

struct p2p_deadline __wrap_p2p_deadline_in_ms(int64_t ms);
enum p2p_wait __wrap_p2p_wait_fd(int fd, short events, int stop_fd, struct p2p_deadline deadline);

struct p2p_deadline __wrap_p2p_deadline_in_ms(int64_t ms)
{
    return (struct p2p_deadline){.at_ns = ms * 1000000};
}

enum p2p_wait __wrap_p2p_wait_fd(int fd, short events, int stop_fd, struct p2p_deadline deadline)
{
    assert_int_equal(fd, -1);
    assert_int_equal(events, 0);
    assert_int_equal(stop_fd, STOP_FD);
    assert_int_equal(deadline.at_ns, SETTLE_MS * INT64_C(1000000));
    wait.waits++;
    wait.was_on = fake_gpiod.chips[0].lines[2].high;
    return wait.outcome;
}

static struct fake_line *relay(void)
{
    return &fake_gpiod.chips[0].lines[2];
}

static int set_up(void **state)
{
    struct p2p_error error = {0};

    fake_gpiod_reset();
    memset(&wait, 0, sizeof wait);
    wait.outcome = P2P_WAIT_TIMEOUT;
    *state = p2p_gpiod_power_open(&SETUP, &error);
    assert_non_null(*state);
    assert_false(relay()->high);
    return 0;
}

static int tear_down(void **state)
{
    p2p_gpiod_power_close(*state);
    fake_gpiod_check_all_given_back();
    return 0;
}

static enum p2p_code on(struct p2p_gpiod_power *power, struct p2p_error *error)
{
    struct p2p_power port = p2p_gpiod_power_port(power);

    *error = (struct p2p_error){0};
    return port.on(port.self, NULL, 0, error);
}

static void off(struct p2p_gpiod_power *power)
{
    struct p2p_power port = p2p_gpiod_power_port(power);

    port.off(port.self);
}

static void check_fault(const struct p2p_gpiod_power *power, const char *message)
{
    struct p2p_error error = {0};

    assert_int_equal(p2p_gpiod_power_check(power, &error), message == NULL ? P2P_OK : P2P_E_BENCH);
    assert_string_equal(error.message, message == NULL ? "" : message);
}

static void on_waits_until_power_is_steady(void **state)
{
    struct p2p_error error;

    assert_int_equal(on(*state, &error), P2P_OK);
    assert_int_equal(wait.waits, 1);
    assert_true(wait.was_on);
    assert_true(relay()->high);
    off(*state);
    assert_false(relay()->high);
    off(*state);
    check_fault(*state, NULL);
    assert_int_equal(wait.waits, 1);
    assert_int_equal(fake_gpiod.change_count, 2);
}

static void closing_switches_off(void **state)
{
    struct p2p_error error;

    assert_int_equal(on(*state, &error), P2P_OK);
    p2p_gpiod_power_close(*state);
    *state = NULL;
    assert_false(relay()->high);
    assert_false(relay()->held);
}

static void an_interrupted_on_switches_off(void **state)
{
    struct p2p_error error;

    wait.outcome = P2P_WAIT_STOPPED;
    assert_int_equal(on(*state, &error), P2P_E_INTERRUPTED);
    assert_string_equal(error.message, "interrupted");
    assert_true(wait.was_on);
    assert_false(relay()->high);
    wait.outcome = P2P_WAIT_FAILED;
    assert_int_equal(on(*state, &error), P2P_E_HOST);
    assert_string_equal(error.message, "cannot wait for the relay to settle");
    assert_false(relay()->high);
}

static void a_relay_that_cannot_be_driven_is_told(void **state)
{
    struct p2p_error error;

    fake_gpiod.sets_fail_in = 1;
    assert_int_equal(on(*state, &error), P2P_E_BENCH);
    assert_string_equal(error.message,
                        "cannot switch the board on: the relay: " RELAY ": cannot drive it active: Input/output error");
    assert_int_equal(wait.waits, 0);
    assert_false(relay()->high);
    check_fault(*state, NULL);
}

static void a_relay_that_stays_off_is_told(void **state)
{
    struct p2p_error error;

    relay()->sticks = 0;
    assert_int_equal(on(*state, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "cannot switch the board on: the relay: " RELAY
                                       ": stuck: driven active, it reads back inactive");
    assert_int_equal(wait.waits, 0);
    assert_false(relay()->high);
    check_fault(*state, NULL);
}

static void a_relay_that_stays_on_is_told_until_it_goes_off(void **state)
{
    static const char stuck[] =
        "the board may still be on: the relay: " RELAY ": stuck: driven inactive, it reads back active";
    struct p2p_error error;

    assert_int_equal(on(*state, &error), P2P_OK);
    relay()->sticks = 1;
    off(*state);
    check_fault(*state, stuck);
    assert_int_equal(on(*state, &error), P2P_E_BENCH);
    assert_string_equal(error.message, stuck);
    assert_int_equal(wait.waits, 1);
    relay()->sticks = FAKE_NEVER;
    assert_int_equal(on(*state, &error), P2P_OK);
    check_fault(*state, NULL);
}

static void an_off_that_fails_is_told(void **state)
{
    struct p2p_error error;

    assert_int_equal(on(*state, &error), P2P_OK);
    fake_gpiod.sets_fail_in = 1;
    off(*state);
    check_fault(*state,
                "the board may still be on: the relay: " RELAY ": cannot drive it inactive: Input/output error");
    off(*state);
    check_fault(*state, NULL);
    assert_false(relay()->high);
}

static void a_relay_is_looked_at_when_it_is_opened(void **state)
{
    struct p2p_error error = {0};

    p2p_gpiod_power_close(*state);
    *state = NULL;
    relay()->sticks = 1;
    assert_null(p2p_gpiod_power_open(&SETUP, &error));
    assert_int_equal(error.code, P2P_E_BENCH);
    assert_string_equal(error.message, "the board may still be on: the relay: " RELAY
                                       ": stuck: driven inactive, it reads back active");
    fake_gpiod_check_all_given_back();
    relay()->held = true;
    relay()->consumer = "gpioset";
    error = (struct p2p_error){0};
    assert_null(p2p_gpiod_power_open(&SETUP, &error));
    assert_string_equal(error.message, RELAY ": busy: held by \"gpioset\" (see `gpioinfo`)");
    fake_gpiod.allocations_fail_in = 1;
    error = (struct p2p_error){0};
    assert_null(p2p_gpiod_power_open(&SETUP, &error));
    assert_int_equal(error.code, P2P_E_HOST);
    assert_string_equal(error.message, PLACE ": out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(on_waits_until_power_is_steady, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_switches_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_interrupted_on_switches_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_relay_that_cannot_be_driven_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_relay_that_stays_off_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_relay_that_stays_on_is_told_until_it_goes_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_off_that_fails_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_relay_is_looked_at_when_it_is_opened, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
