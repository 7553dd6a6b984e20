/* SPDX-License-Identifier: MIT */
/* The lines of a lab bench that are this computer's: GPIO, power, console. Each is taken and given back, inactive. */
#include "doctor/check.h"

#include "board/lab_bench.h"
#include "ports/serial_stream.h"

static void tell_line(const struct p2p_lab_line *line, struct p2p_finding *finding)
{
    if (line->line != NULL) {
        p2p_find_ok(finding, "\"%s\" of %s", line->line, line->chip);
    } else {
        p2p_find_ok(finding, "line %u of %s", line->offset, line->chip);
    }
}

static void check_line(const struct p2p_examination *self, const struct p2p_lab_line *wanted, const char *key,
                       struct p2p_finding *finding)
{
    struct p2p_error error = {0};
    char place[P2P_PLACE_BYTES];
    const struct p2p_line_plan plan = p2p_line_plan_of(wanted, self->bench->path, key, place);
    struct p2p_gpiod_line *line = p2p_gpiod_line_open(&plan, &error);

    if (line == NULL) {
        p2p_find(
            finding, P2P_FINDING_FAILED,
            "`gpiodetect` and `gpioinfo` show this computer's chips and lines, and who holds them: name one that is "
            "free, and that you may use",
            "%s", error.message);
    } else if (p2p_gpiod_line_check(line, false, &error) != P2P_OK) {
        p2p_find(finding, P2P_FINDING_FAILED, "look for a short, or for somebody else who drives it", "%s",
                 error.message);
    } else {
        tell_line(wanted, finding);
    }
    p2p_gpiod_line_close(line);
}

void p2p_check_stimulus_line(struct p2p_examination *self, struct p2p_finding *finding)
{
    check_line(self, &self->bench->lab.stimulus, "stimulus", finding);
}

void p2p_check_query_line(struct p2p_examination *self, struct p2p_finding *finding)
{
    check_line(self, &self->bench->lab.query, "query", finding);
}

/* Whatever state somebody left it in: what follows wants the board off. */
void p2p_check_power_off(struct p2p_examination *self, struct p2p_finding *finding)
{
    const struct p2p_lab_plan *lab = &self->bench->lab;
    struct p2p_error error = {0};

    if (p2p_lab_bench_off(self->bench, &error) != P2P_OK) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 lab->power.kind == P2P_LAB_POWER_GPIOD
                     ? "`gpiodetect` and `gpioinfo` show this computer's chips and lines, and who holds them: name the "
                       "relay's in $.power"
                     : "run $.power.off by hand: it must switch the board off and exit with 0",
                 "the board may be on: %s", error.message);
    } else if (p2p_board_is_silent(self, &error) != P2P_OK) {
        p2p_find(finding, P2P_FINDING_FAILED, P2P_RELAY_CURE, "%s", error.message);
    } else if (lab->power.kind == P2P_LAB_POWER_GPIOD) {
        tell_line(&lab->power.relay, finding);
    } else {
        p2p_find_ok(finding, "%s says it is done", lab->power.off[0]);
    }
}

void p2p_check_console_port(struct p2p_examination *self, struct p2p_finding *finding)
{
    const char *device = self->bench->lab.console.device;
    struct p2p_byte_stream stream;
    struct p2p_error error = {0};

    if (p2p_serial_console_open(device, self->bench->lab.console.baud, &stream, &error) != P2P_OK) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "plug it in, end who holds it (`fuser -v` tells), join the group dialout, or correct $.console", "%s",
                 error.message);
        return;
    }
    stream.close(stream.self);
    p2p_find_ok(finding, "%s at %u baud", device, self->bench->lab.console.baud);
}
