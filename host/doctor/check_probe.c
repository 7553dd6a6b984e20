/* SPDX-License-Identifier: MIT */
/* The probe, without a board: each look opens it and gives it back. */
#include "doctor/check.h"

#include "board/probe_stand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

enum {
    SEED = 1,      /* of a virtual probe's chances */
    PULSE_MS = 10, /* long for any line; short for a board that is off and is fed through its input */
    /* The RP2040's UART divides its clock by 16 and then by at least 1, in steps of 1/64 (datasheet, 4.2.7.1). */
    UART_STEPS = 64 / 16,
    UART_STEPS_MIN = 64,
};

static void ignore_edge(void *user, const struct p2p_edge *edge)
{
    (void)user;
    (void)edge;
}

static struct p2p_probe_stand *open_stand(const struct p2p_examination *self, p2p_probe_edge_fn *on_edge, void *user,
                                          struct p2p_error *error)
{
    const struct p2p_probe_stand_setup setup = {.bench = self->bench,
                                                .stop_fd = self->doctor->stop_fd,
                                                .on_edge = on_edge,
                                                .user = user,
                                                .wiring = P2P_STAND_LINES,
                                                .seed = SEED};

    return p2p_probe_stand_open(&setup, error);
}

/* ---- Who it is ---- */

static enum p2p_code ask(struct p2p_examination *self, struct p2p_error *error)
{
    struct p2p_probe_stand *stand = open_stand(self, ignore_edge, NULL, error);
    enum p2p_code code = stand != NULL ? p2p_probe_stand_command(stand, PROBE_SELF_TEST, error) : p2p_failure(error);

    if (code == P2P_OK) {
        self->info = *p2p_probe_stand_info(stand);
        self->hello = *p2p_probe_link_hello(p2p_probe_stand_link(stand));
        self->selftest = *p2p_probe_link_ack(p2p_probe_stand_link(stand));
    }
    p2p_probe_stand_close(stand);
    return code;
}

void p2p_check_probe(struct p2p_examination *self, struct p2p_finding *finding)
{
    struct p2p_error error = {0};

    if (ask(self, &error) != P2P_OK) {
        p2p_find(
            finding, P2P_FINDING_FAILED,
            self->bench->probe.kind == P2P_PROBE_VIRTUAL
                ? "`./lab build` installs and builds the virtual probe"
                : "see that the probe has power and pin2pin's firmware, TX to RX and RX to TX, grounds joined, and "
                  "the firmware's rate as $.probe.baud",
            "%s", error.message);
    } else {
        p2p_find_ok(finding, "%s, board id %s, %.6g MHz", self->hello.firmware, self->info.serial,
                    self->hello.clk_hz / 1e6);
    }
}

void p2p_check_firmware(struct p2p_examination *self, struct p2p_finding *finding)
{
    if (strcmp(self->hello.firmware, "pin2pin " P2P_VERSION) != 0) {
        p2p_find(finding, P2P_FINDING_WARNING, "flash the firmware that was built with this pin2pin",
                 "\"%s\", but this is pin2pin " P2P_VERSION, self->hello.firmware);
    } else {
        p2p_find_ok(finding, "%s, as this program", self->hello.firmware);
    }
}

void p2p_check_selftest(struct p2p_examination *self, struct p2p_finding *finding)
{
    if (self->selftest.status != PROBE_DONE || self->selftest.value != 0) {
        p2p_find(finding, P2P_FINDING_FAILED, "`pin2pin probe selftest` names what failed; exchange the probe's board",
                 "failed: status %u, bits 0x%" PRIx32, self->selftest.status, self->selftest.value);
    } else {
        p2p_find_ok(finding, "counters' clock, DMA and memory");
    }
}

void p2p_check_owner(struct p2p_examination *self, struct p2p_finding *finding)
{
    struct p2p_error error = {0};

    if (p2p_calibration_check_probe(&self->calibration, self->bench->probe.calibration, self->info.serial,
                                    self->info.tick_hz, &error) != P2P_OK) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "connect the probe that was calibrated, or calibrate this one into a new file", "%s", error.message);
    } else {
        p2p_find_ok(finding, "the calibration is of this probe");
    }
}

/* The chip's own rate is within 1 % of what was asked for, or it would not have opened. */
void p2p_check_rate(struct p2p_examination *self, struct p2p_finding *finding)
{
    const uint64_t clk_hz = self->hello.clk_hz;
    const uint64_t baud = self->bench->probe.baud;
    const uint64_t nearest = (UART_STEPS * clk_hz + baud / 2) / baud;
    const double rate = (double)(UART_STEPS * clk_hz) / (double)(nearest > UART_STEPS_MIN ? nearest : UART_STEPS_MIN);
    const double percent = (rate / (double)baud - 1) * 100;

    if (percent < -1 || percent > 1) {
        p2p_find(finding, P2P_FINDING_WARNING, "choose a rate that divides the probe's clock: 4 Mbaud at 125 MHz",
                 "the probe's nearest rate is %.0f baud, %+.2f %% of %" PRIu64, rate, percent, baud);
    } else {
        p2p_find_ok(finding, "%" PRIu64 " baud, the probe's is off by %+.2f %%", baud, percent);
    }
}

/* ---- A pulse ---- */

static void count_edge(void *user, const struct p2p_edge *edge)
{
    struct p2p_pulse *seen = user;

    seen->stimulus_edges += edge->channel == P2P_CHANNEL_STIMULUS;
    seen->answer_edges += edge->channel == P2P_CHANNEL_ANSWER;
}

static enum p2p_code pass(struct p2p_probe_stand *stand, struct p2p_error *error)
{
    const uint64_t until_ns = p2p_probe_stand_now_ns(stand) + PULSE_MS * NS_PER_MS;
    enum p2p_code code = P2P_OK;

    while (code == P2P_OK && p2p_probe_stand_now_ns(stand) < until_ns) {
        code = p2p_probe_stand_advance(stand, until_ns, error);
    }
    return code;
}

/* `line` is NULL for a virtual probe. */
static enum p2p_code drive(struct p2p_probe_stand *stand, const struct p2p_gpiod_line *line, bool high,
                           struct p2p_error *error)
{
    const struct wires_record edge = {
        .at_ns = p2p_probe_stand_now_ns(stand), .line = P2P_LINE_STIMULUS, .level = high ? 1 : 0};
    enum p2p_code code =
        line != NULL ? p2p_gpiod_line_set(line, high, error) : p2p_probe_stand_drive(stand, &edge, 1, error);

    return code == P2P_OK ? pass(stand, error) : code;
}

static enum p2p_code drive_pulses(struct p2p_probe_stand *stand, const struct p2p_gpiod_line *line, unsigned pulses,
                                  struct p2p_error *error)
{
    enum p2p_code code = p2p_probe_stand_request(stand, P2P_PROBE_ARM, error);

    for (unsigned i = 0; i < pulses && code == P2P_OK; i++) {
        code = drive(stand, line, true, error);
        if (code == P2P_OK) {
            code = drive(stand, line, false, error);
        }
    }
    return code == P2P_OK ? p2p_probe_stand_request(stand, P2P_PROBE_STOP, error) : code;
}

enum p2p_code p2p_pulse(const struct p2p_examination *self, unsigned pulses, struct p2p_pulse *seen,
                        struct p2p_error *error)
{
    const bool lab = p2p_bench_is_lab(self->bench);
    char place[P2P_PLACE_BYTES];
    const struct p2p_line_plan plan =
        p2p_line_plan_of(&self->bench->lab.stimulus, self->bench->path, "stimulus", place);
    struct p2p_gpiod_line *line = lab ? p2p_gpiod_line_open(&plan, error) : NULL;
    struct p2p_probe_stand *stand = NULL;
    enum p2p_code code = lab && line == NULL ? p2p_failure(error) : P2P_OK;

    *seen = (struct p2p_pulse){0};
    if (code == P2P_OK) {
        stand = open_stand(self, count_edge, seen, error);
        code = stand != NULL ? drive_pulses(stand, line, pulses, error) : p2p_failure(error);
    }
    p2p_probe_stand_close(stand);
    p2p_gpiod_line_close(line);
    return code;
}

void p2p_check_stimulus_seen(struct p2p_examination *self, struct p2p_finding *finding)
{
    struct p2p_error error = {0};
    struct p2p_pulse seen;

    if (p2p_pulse(self, 1, &seen, &error) != P2P_OK) {
        p2p_find(finding, P2P_FINDING_FAILED, "see to the probe's cable and power", "%s", error.message);
    } else if (seen.stimulus_edges == 0 && seen.answer_edges > 0) {
        p2p_find(finding, P2P_FINDING_FAILED, "exchange the two cables at the probe's inputs",
                 "a pulse on the stimulus line came in at the probe's answer input");
    } else if (seen.stimulus_edges != 2) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 seen.stimulus_edges == 0
                     ? "join the stimulus line and the probe's stimulus input (GPIO 2), and the grounds"
                     : "the line rings or floats: join the grounds, shorten the cable, or add a series resistor",
                 "the probe saw %u edges of a pulse on the stimulus line; expected 2", seen.stimulus_edges);
    } else {
        p2p_find_ok(finding, "a pulse of %d ms: its 2 edges", PULSE_MS);
    }
}
