/* SPDX-License-Identifier: MIT */
/* What the groups of checks and the table that orders them (doctor.c) have in common. */
#ifndef P2P_DOCTOR_CHECK_H
#define P2P_DOCTOR_CHECK_H

#include "calibration/calibration_file.h"
#include "doctor/doctor.h"
#include "doctor/usb_chips.h"
#include "firmware/protocol/protocol.h"
#include "ports/gpiod_line.h"
#include "ports/ports.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One native boot, as far as it got. */
struct p2p_doctor_boot {
    size_t console_bytes, unreadable_bytes; /* the latter are no text */
    uint64_t answers;                       /* to the stimuli: the query's is none */
    uint64_t stimuli;
    bool ready;
    uint32_t tries;
    double ready_s;
    enum p2p_code code; /* of the whole boot, to power off */
    struct p2p_error error;
};

/* What a check leaves for those after it. */
struct p2p_examination {
    const struct p2p_doctor *doctor;
    const struct p2p_bench *bench;
    struct p2p_calibration calibration;
    struct p2p_usb_chip chip;
    struct p2p_probe_info info;
    struct probe_hello hello;
    struct probe_ack selftest;
    struct p2p_doctor_boot boot;
};

/* Each sets the finding's status, and its message. The finding comes as OK and empty. */
typedef void p2p_check_fn(struct p2p_examination *self, struct p2p_finding *finding);

void p2p_find_ok(struct p2p_finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `cure` says what to do, in words of the user's: commands, keys of the bench file, cables. */
void p2p_find(struct p2p_finding *finding, enum p2p_finding_status status, const char *cure, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* check_computer.c */
p2p_check_fn p2p_check_free, p2p_check_clock, p2p_check_disk, p2p_check_realtime;
/* check_files.c */
p2p_check_fn p2p_check_board_files, p2p_check_calibration;
/* check_lines.c */
p2p_check_fn p2p_check_stimulus_line, p2p_check_query_line, p2p_check_power_off, p2p_check_console_port;
/* check_usb.c */
p2p_check_fn p2p_check_chip, p2p_check_permission, p2p_check_driver, p2p_check_speed, p2p_check_latency_timer;
/* check_probe.c */
p2p_check_fn p2p_check_probe, p2p_check_firmware, p2p_check_selftest, p2p_check_owner, p2p_check_rate,
    p2p_check_stimulus_seen;
/* check_board.c */
p2p_check_fn p2p_check_console, p2p_check_boot, p2p_check_answers, p2p_check_relay;

#define P2P_RELAY_CURE                                                                                                 \
    "see that the relay switches all of the board's power (a USB cable may feed it, too), and that $.power is the "    \
    "right way round (\"active_low\"); if it only takes its time, raise $.power.off_ms"

/*
 * Whether the lab bench's board, which was switched off, says nothing when it is asked. P2P_OK also if it cannot be
 * asked: what is missing for that is another check's finding.
 */
enum p2p_code p2p_board_is_silent(const struct p2p_examination *self, struct p2p_error *error);

/* What the probe saw of a pulse on the stimulus line. */
struct p2p_pulse {
    unsigned stimulus_edges, answer_edges;
};

/*
 * Drives one pulse, as often as `pulses` says, while the probe captures. A real probe's comes from the bench's stimulus
 * line, a virtual one's from its emulator.
 */
enum p2p_code p2p_pulse(const struct p2p_examination *self, unsigned pulses, struct p2p_pulse *seen,
                        struct p2p_error *error);

#endif
