/* SPDX-License-Identifier: MIT */
/* One native boot, from power on to power off, exactly as `run` does it; and what it shows. */
#include "doctor/check.h"

#include "board/lab_bench.h"
#include "board/virtual_bench.h"
#include "session/session.h"
#include "util/deadline.h"

#include <inttypes.h>

enum {
    STIMULI = 10,
    OFF_PULSES = 2,
};

/* Slow enough for a GPIO line behind USB. */
static const struct p2p_stimulus_plan STIMULUS = {
    .period_ns = 20000000, .width_ns = 5000000, .deadline_ns = 10000000, .kind = P2P_STIMULUS_PERIODIC};

/* ---- The boot ---- */

struct watch {
    struct p2p_doctor_boot *boot;
    bool disarmed;
};

static enum p2p_code take_probe(void *user, const struct p2p_probe_info *info, struct p2p_error *error)
{
    (void)user;
    (void)info;
    (void)error;
    return P2P_OK;
}

static enum p2p_code take_edges(void *user, const struct p2p_edge *edges, size_t count, struct p2p_error *error)
{
    struct watch *watch = user;

    (void)error;
    for (size_t i = 0; i < count; i++) {
        watch->disarmed |= edges[i].channel == P2P_CHANNEL_MARK && edges[i].flags == P2P_MARK_DISARMED;
        watch->boot->answers += edges[i].channel == P2P_CHANNEL_ANSWER && !watch->disarmed;
    }
    return P2P_OK;
}

static enum p2p_code ignore_edges(void *user, const struct p2p_edge *edges, size_t count, struct p2p_error *error)
{
    (void)user;
    (void)edges;
    (void)count;
    (void)error;
    return P2P_OK;
}

static enum p2p_code take_console(void *user, const char *bytes, size_t count, struct p2p_error *error)
{
    struct p2p_doctor_boot *boot = ((struct watch *)user)->boot;

    (void)error;
    boot->console_bytes += count;
    for (size_t i = 0; i < count; i++) {
        const unsigned char byte = (unsigned char)bytes[i];

        boot->unreadable_bytes += byte > '~' || (byte < ' ' && (byte < '\a' || byte > '\r') && byte != '\033');
    }
    return P2P_OK;
}

static enum p2p_code take_stamp(void *user, size_t count, uint64_t at_ns, struct p2p_error *error)
{
    (void)user;
    (void)count;
    (void)at_ns;
    (void)error;
    return P2P_OK;
}

static void boot_on(const struct p2p_bench *bench, const struct p2p_ports *ports, struct p2p_doctor_boot *boot)
{
    struct p2p_configuration native = {.name = "native"};
    const struct p2p_plan plan = {
        .boots = 1, .samples = STIMULI, .stimulus = STIMULUS, .configuration_count = 1, .configurations = &native};
    struct watch watch = {.boot = boot};
    const struct p2p_session session = {
        .ports = ports,
        .bench = bench,
        .plan = &plan,
        .configuration = &native,
        .sink = {&watch, take_probe, take_edges, ignore_edges, take_console, take_stamp, NULL},
    };
    struct p2p_boot_record record = {0};
    const uint64_t start_ns = ports->clock.now_ns(ports->clock.self);

    boot->code = p2p_session_run(&session, &record, &boot->error);
    boot->stimuli = record.stimuli;
    boot->ready = record.ready_ns > 0;
    boot->ready_s = boot->ready ? (double)(record.ready_ns - start_ns) / 1e9 : 0;
    boot->tries = record.tries;
}

static void boot_lab(const struct p2p_examination *self, struct p2p_doctor_boot *boot)
{
    struct p2p_lab_bench *bench = p2p_lab_bench_open(self->bench, &STIMULUS, self->doctor->stop_fd, &boot->error);

    if (bench != NULL) {
        const struct p2p_ports ports = p2p_lab_bench_ports(bench);

        boot_on(self->bench, &ports, boot);
    } else {
        boot->code = p2p_failure(&boot->error);
    }
    p2p_lab_bench_close(bench);
}

static void boot_virtual(const struct p2p_examination *self, struct p2p_doctor_boot *boot)
{
    struct p2p_virtual_bench *bench = p2p_virtual_bench_open(self->bench, self->doctor->stop_fd, &boot->error);

    if (bench != NULL) {
        const struct p2p_ports ports = p2p_virtual_bench_ports(bench);

        boot_on(self->bench, &ports, boot);
    } else {
        boot->code = p2p_failure(&boot->error);
    }
    p2p_virtual_bench_close(bench);
}

enum p2p_code p2p_board_is_silent(const struct p2p_examination *self, struct p2p_error *error)
{
    struct p2p_error ignored = {0};
    struct p2p_lab_bench *bench = p2p_lab_bench_open(self->bench, &STIMULUS, self->doctor->stop_fd, &ignored);
    enum p2p_code code = P2P_OK;

    if (bench != NULL) {
        const struct p2p_ports ports = p2p_lab_bench_ports(bench);

        code = ports.power.check(ports.power.self, error);
    }
    p2p_lab_bench_close(bench);
    return code;
}

/* ---- What it shows ---- */

void p2p_check_console(struct p2p_examination *self, struct p2p_finding *finding)
{
    struct p2p_doctor_boot *boot = &self->boot;

    if (p2p_bench_is_lab(self->bench)) {
        boot_lab(self, boot);
    } else {
        boot_virtual(self, boot);
    }
    if (boot->console_bytes == 0) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "see that the board gets power when it is switched on, that its console's TX goes to our RX, and that "
                 "$.console names its port",
                 "the board was switched on and said nothing: %s", boot->error.message);
    } else if (boot->unreadable_bytes * 4 > boot->console_bytes) {
        p2p_find(finding, P2P_FINDING_FAILED, "correct $.console.baud, and join the grounds",
                 "%zu of %zu bytes of the boot are no text", boot->unreadable_bytes, boot->console_bytes);
    } else {
        p2p_find_ok(finding, "%zu bytes of text", boot->console_bytes);
    }
}

void p2p_check_boot(struct p2p_examination *self, struct p2p_finding *finding)
{
    const struct p2p_doctor_boot *boot = &self->boot;

    if (!boot->ready) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "watch the console while it boots: does U-Boot or the boot script get the files, and is the stub "
                 "started? Correct $.board, or raise $.timeouts.boot_s",
                 "%s", boot->error.message);
    } else if (boot->tries > 1) {
        p2p_find(finding, P2P_FINDING_WARNING,
                 "watch the console of a boot that fails; raise $.power.settle_ms or off_ms",
                 "the guest was ready only at power cycle %" PRIu32, boot->tries);
    } else {
        p2p_find_ok(finding, "the guest was ready after %.3f s", boot->ready_s);
    }
}

void p2p_check_answers(struct p2p_examination *self, struct p2p_finding *finding)
{
    const struct p2p_doctor_boot *boot = &self->boot;

    if (boot->code == P2P_OK && boot->answers == boot->stimuli) {
        p2p_find_ok(finding, "%" PRIu64 " answers to %" PRIu64 " stimuli", boot->answers, boot->stimuli);
    } else if (boot->stimuli > 0 && boot->answers == 0) {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "join the stimulus line and the board's stimulus pin, the board's answer pin and the probe's answer "
                 "input (GPIO 3), and the grounds; see $.pins",
                 "the probe saw no answer to %" PRIu64 " stimuli%s%s", boot->stimuli, boot->code != P2P_OK ? ": " : "",
                 boot->error.message);
    } else if (boot->code == P2P_OK) {
        p2p_find(finding, P2P_FINDING_FAILED, "the answer line rings, or the stimulus does: see to cables and grounds",
                 "%" PRIu64 " answers to %" PRIu64 " stimuli", boot->answers, boot->stimuli);
    } else {
        p2p_find(finding, P2P_FINDING_FAILED, "see what the message names; `pin2pin run` would fail the same way", "%s",
                 boot->error.message);
    }
}

/* It was on, for it answered. Off, it does not. The wait ends early if the user wants out. */
void p2p_check_relay(struct p2p_examination *self, struct p2p_finding *finding)
{
    struct p2p_error error = {0};
    struct p2p_pulse seen;

    p2p_wait_fd(-1, 0, self->doctor->stop_fd, p2p_deadline_in_ms(self->bench->lab.power.off_ms));
    if (p2p_pulse(self, OFF_PULSES, &seen, &error) != P2P_OK) {
        p2p_find(finding, P2P_FINDING_FAILED, "see to the probe's cable and power", "%s", error.message);
    } else if (seen.answer_edges > 0) {
        p2p_find(finding, P2P_FINDING_FAILED, P2P_RELAY_CURE, "switched off, the board still answers: %u edges",
                 seen.answer_edges);
    } else {
        p2p_find_ok(finding, "on, the board answers; off, it does not");
    }
}
