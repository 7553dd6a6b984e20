/* SPDX-License-Identifier: MIT */
#include "ports/gpiod_power.h"

#include "util/deadline.h"

#include <stdlib.h>

struct p2p_gpiod_power {
    struct p2p_gpiod_line *relay;
    uint32_t settle_ms;
    int stop_fd;
    struct p2p_error fault;
};

/* Driven again even if it is off by our account: the account may be what is wrong. */
static void power_off(void *self)
{
    struct p2p_gpiod_power *power = self;
    struct p2p_error cause = {0};
    enum p2p_code code = p2p_gpiod_line_set(power->relay, false, &cause);

    if (code == P2P_OK) {
        code = p2p_gpiod_line_check(power->relay, false, &cause);
    }
    power->fault = (struct p2p_error){0};
    if (code != P2P_OK) {
        p2p_error_set(&power->fault, code, "the board may still be on: the relay: %s", cause.message);
    }
}

enum p2p_code p2p_gpiod_power_check(const struct p2p_gpiod_power *power, struct p2p_error *error)
{
    return power->fault.code == P2P_OK ? P2P_OK : p2p_error_set(error, power->fault.code, "%s", power->fault.message);
}

static enum p2p_code settle(const struct p2p_gpiod_power *power, struct p2p_error *error)
{
    switch (p2p_wait_fd(-1, 0, power->stop_fd, p2p_deadline_in_ms(power->settle_ms))) {
    case P2P_WAIT_TIMEOUT:
        return P2P_OK;
    case P2P_WAIT_STOPPED:
        return p2p_error_set(error, P2P_E_INTERRUPTED, "interrupted");
    case P2P_WAIT_READY:
    case P2P_WAIT_FAILED:
        break;
    }
    return p2p_error_set(error, P2P_E_HOST, "cannot wait for the relay to settle");
}

static enum p2p_code close_relay(const struct p2p_gpiod_power *power, struct p2p_error *error)
{
    struct p2p_error cause = {0};
    enum p2p_code code = p2p_gpiod_line_set(power->relay, true, &cause);

    if (code == P2P_OK) {
        code = p2p_gpiod_line_check(power->relay, true, &cause);
    }
    return code == P2P_OK ? P2P_OK
                          : p2p_error_set(error, code, "cannot switch the board on: the relay: %s", cause.message);
}

static enum p2p_code power_on(void *self, const struct p2p_configuration *configuration, uint64_t seed,
                              struct p2p_error *error)
{
    struct p2p_gpiod_power *power = self;
    enum p2p_code code;

    (void)configuration;
    (void)seed;
    if (power->fault.code != P2P_OK) { /* a boot begins without power: it may go now */
        power_off(power);
    }
    code = p2p_gpiod_power_check(power, error);
    if (code == P2P_OK) {
        code = close_relay(power, error);
    }
    if (code == P2P_OK) {
        code = settle(power, error);
    }
    if (code != P2P_OK) {
        power_off(power);
    }
    return code;
}

struct p2p_gpiod_power *p2p_gpiod_power_open(const struct p2p_gpiod_power_setup *setup, struct p2p_error *error)
{
    struct p2p_gpiod_power *power = calloc(1, sizeof *power);

    if (power == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", setup->relay.place);
        return NULL;
    }
    power->settle_ms = setup->settle_ms;
    power->stop_fd = setup->stop_fd;
    power->relay = p2p_gpiod_line_open(&setup->relay, error);
    if (power->relay != NULL) {
        power_off(power);
    }
    if (power->relay == NULL || p2p_gpiod_power_check(power, error) != P2P_OK) {
        p2p_gpiod_power_close(power);
        power = NULL;
    }
    return power;
}

void p2p_gpiod_power_close(struct p2p_gpiod_power *power)
{
    if (power != NULL) {
        p2p_gpiod_line_close(power->relay); /* which switches it off */
        free(power);
    }
}

struct p2p_power p2p_gpiod_power_port(struct p2p_gpiod_power *power)
{
    return (struct p2p_power){.self = power, .on = power_on, .off = power_off};
}
