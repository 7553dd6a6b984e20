/* SPDX-License-Identifier: MIT */
#include "doctor/doctor.h"

#include "doctor/check.h"
#include "util/deadline.h"

#include <stdlib.h>

enum id {
    FREE,
    CLOCK,
    DISK,
    REALTIME,
    BOARD_FILES,
    CALIBRATION,
    STIMULUS_LINE,
    QUERY_LINE,
    CONSOLE_PORT,
    CHIP,
    PERMISSION,
    DRIVER,
    SPEED,
    LATENCY,
    PROBE,
    FIRMWARE,
    SELFTEST,
    OWNER,
    RATE,
    POWER_OFF,
    STIMULUS_SEEN,
    CONSOLE,
    BOOT,
    ANSWERS,
    RELAY,
    CHECK_COUNT,
};

#define NEED(id) (UINT32_C(1) << (id))

struct check {
    const char *name;
    bool (*applies)(const struct p2p_bench *bench);
    p2p_check_fn *run;
    uint32_t needs; /* NEED of checks before it; those that do not apply do not count */
};

static bool to_all(const struct p2p_bench *bench)
{
    (void)bench;
    return true;
}

static bool to_a_board(const struct p2p_bench *bench)
{
    return bench->board.kind != P2P_BOARD_NONE;
}

static bool to_a_device(const struct p2p_bench *bench)
{
    return bench->probe.kind != P2P_PROBE_IDEAL;
}

static bool to_ftdi(const struct p2p_bench *bench)
{
    return bench->probe.kind == P2P_PROBE_FTDI;
}

static bool to_serial(const struct p2p_bench *bench)
{
    return bench->probe.kind == P2P_PROBE_SERIAL;
}

/* Others can't use them meanwhile. */
static bool to_hardware(const struct p2p_bench *bench)
{
    return p2p_bench_is_lab(bench) || to_ftdi(bench) || to_serial(bench);
}

static bool to_a_calibration(const struct p2p_bench *bench)
{
    return bench->probe.calibration != NULL || to_hardware(bench);
}

static bool to_a_named_calibration(const struct p2p_bench *bench)
{
    return bench->probe.calibration != NULL && to_a_device(bench);
}

/* Somebody must be able to drive the line: we, or the emulator. */
static bool to_a_driven_probe(const struct p2p_bench *bench)
{
    return p2p_bench_is_lab(bench) || bench->probe.kind == P2P_PROBE_VIRTUAL;
}

static const struct check CHECKS[CHECK_COUNT] = {
    [FREE] = {"bench free", to_hardware, p2p_check_free, 0},
    [CLOCK] = {"clock", to_all, p2p_check_clock, 0},
    [DISK] = {"disk space", to_all, p2p_check_disk, 0},
    [REALTIME] = {"real time", p2p_bench_is_lab, p2p_check_realtime, 0},
    [BOARD_FILES] = {"board files", to_a_board, p2p_check_board_files, 0},
    [CALIBRATION] = {"calibration", to_a_calibration, p2p_check_calibration, 0},
    [STIMULUS_LINE] = {"stimulus line", p2p_bench_is_lab, p2p_check_stimulus_line, NEED(FREE)},
    [QUERY_LINE] = {"query line", p2p_bench_is_lab, p2p_check_query_line, NEED(FREE)},
    [CONSOLE_PORT] = {"console port", p2p_bench_is_lab, p2p_check_console_port, NEED(FREE)},
    [CHIP] = {"USB chip", to_ftdi, p2p_check_chip, 0},
    [PERMISSION] = {"USB permission", to_ftdi, p2p_check_permission, NEED(CHIP)},
    [DRIVER] = {"USB driver", to_ftdi, p2p_check_driver, NEED(CHIP)},
    [SPEED] = {"USB speed", to_ftdi, p2p_check_speed, NEED(CHIP)},
    [LATENCY] = {"latency timer", to_serial, p2p_check_latency_timer, 0},
    [PROBE] = {"probe answers", to_a_device, p2p_check_probe, NEED(FREE) | NEED(CHIP) | NEED(PERMISSION)},
    [FIRMWARE] = {"probe firmware", to_a_device, p2p_check_firmware, NEED(PROBE)},
    [SELFTEST] = {"probe self-test", to_a_device, p2p_check_selftest, NEED(PROBE)},
    [OWNER] = {"probe calibrated", to_a_named_calibration, p2p_check_owner, NEED(PROBE) | NEED(CALIBRATION)},
    [RATE] = {"link rate", to_hardware, p2p_check_rate, NEED(PROBE)},
    [POWER_OFF] = {"power off", p2p_bench_is_lab, p2p_check_power_off, NEED(FREE)},
    [STIMULUS_SEEN] = {"stimulus seen", to_a_driven_probe, p2p_check_stimulus_seen,
                       NEED(STIMULUS_LINE) | NEED(PROBE) | NEED(SELFTEST) | NEED(POWER_OFF)},
    [CONSOLE] = {"console speaks", to_a_board, p2p_check_console,
                 NEED(BOARD_FILES) | NEED(CALIBRATION) | NEED(STIMULUS_LINE) | NEED(QUERY_LINE) | NEED(POWER_OFF) |
                     NEED(CONSOLE_PORT) | NEED(PROBE) | NEED(OWNER)},
    [BOOT] = {"board boots", to_a_board, p2p_check_boot, NEED(CONSOLE)},
    [ANSWERS] = {"board answers", to_a_board, p2p_check_answers, NEED(BOOT) | NEED(STIMULUS_SEEN)},
    [RELAY] = {"power relay", p2p_bench_is_lab, p2p_check_relay, NEED(ANSWERS)},
};

/* The first check that this one waits for in vain; NULL: none. `passed` has those that applied not, too. */
static const struct check *unmet(const struct check *check, uint32_t passed)
{
    for (int i = 0; i < CHECK_COUNT; i++) {
        if ((check->needs & ~passed & NEED(i)) != 0) {
            return &CHECKS[i];
        }
    }
    return NULL;
}

static bool is_stopped(const struct p2p_doctor *doctor)
{
    return p2p_wait_fd(-1, 0, doctor->stop_fd, p2p_deadline_in_ms(0)) == P2P_WAIT_STOPPED;
}

/* False: the user wants out. Then what the check says is no finding: it was not let end. */
static bool run_check(struct p2p_examination *self, const struct check *check, uint32_t passed,
                      struct p2p_finding *finding)
{
    const struct check *need = unmet(check, passed);

    if (need != NULL) {
        p2p_find(finding, P2P_FINDING_SKIPPED, "", "needs: %s", need->name);
        return true;
    }
    check->run(self, finding);
    return !is_stopped(self->doctor);
}

enum p2p_code p2p_doctor_run(const struct p2p_doctor *doctor, struct p2p_error *error)
{
    struct p2p_examination *self = calloc(1, sizeof *self);
    enum p2p_code code = P2P_OK;
    uint32_t passed = 0;

    if (self == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    self->doctor = doctor;
    self->bench = doctor->bench;
    for (int i = 0; i < CHECK_COUNT && code == P2P_OK; i++) {
        struct p2p_finding finding = {.name = CHECKS[i].name};

        if (!CHECKS[i].applies(doctor->bench)) {
            passed |= NEED(i);
        } else if (!run_check(self, &CHECKS[i], passed, &finding)) {
            code = p2p_error_set(error, P2P_E_INTERRUPTED, "interrupted");
        } else {
            passed |= finding.status == P2P_FINDING_OK || finding.status == P2P_FINDING_WARNING ? NEED(i) : 0;
            doctor->on_finding(doctor->user, &finding);
        }
    }
    free(self);
    return code;
}
