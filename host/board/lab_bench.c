/* SPDX-License-Identifier: MIT */
#include "board/lab_bench.h"

#include "board/boot_files.h"
#include "board/uboot.h"
#include "calibration/calibration_file.h"
#include "ports/gpiod_power.h"
#include "ports/gpiod_stimulus.h"
#include "ports/lab_clock.h"
#include "ports/power_command.h"
#include "ports/probe_stream.h"
#include "ports/serial_stream.h"
#include "ports/stream_console.h"
#include "util/deadline.h"
#include "util/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    TREE_BYTES_MAX = 4 << 20,
    COMMAND_S = 10,
    LOAD_S = 60,
    ANSWER_MS = 50,     /* a stub's answer: 10 ms of characters, and the way through drivers and USB */
    QUESTIONS_MAX = 20, /* a board lives on from its capacitors, well below 1 s */
};

#define NS_PER_MS UINT64_C(1000000)

struct p2p_lab_bench {
    const struct p2p_bench *bench;
    int stop_fd; /* borrowed */
    char *base_tree;
    size_t base_tree_size;
    struct p2p_calibration calibration;
    bool calibrated;
    struct p2p_lab_clock *clock;
    struct p2p_gpiod_stimulus *stimulus;
    struct p2p_stream_console *console; /* NULL: its port is gone */
    struct p2p_gpiod_power *relay;      /* one of the two */
    struct p2p_power_command *command;  /* is NULL */
    bool may_be_on;                     /* the board */
    struct p2p_deadline may_go_on;      /* once it is off; power.off_ms */
    struct p2p_probe_device *device;    /* of one boot */
};

/* ---- Opening ---- */

static enum p2p_code load_files(struct p2p_lab_bench *self, struct p2p_error *error)
{
    const struct p2p_bench *bench = self->bench;
    const char *path = bench->probe.calibration;
    enum p2p_code code =
        p2p_read_file(bench->lab.device_tree, TREE_BYTES_MAX, &self->base_tree, &self->base_tree_size, error);

    if (code == P2P_OK && access(bench->stub, R_OK) != 0) {
        code = p2p_error_set_errno(error, P2P_E_INPUT, errno, "%s: the guest stub is not there", bench->stub);
    }
    if (code == P2P_OK && path != NULL) {
        code = p2p_calibration_load_complete(path, &self->calibration, error);
        self->calibrated = code == P2P_OK;
    }
    return code;
}

static struct p2p_command power_program(const struct p2p_lab_plan *lab, bool on)
{
    return (struct p2p_command){on ? "power on" : "power off",
                                (const char *const *)(on ? lab->power.on : lab->power.off), lab->power.timeout_s};
}

static enum p2p_code open_relay(struct p2p_lab_bench *self, struct p2p_error *error)
{
    const struct p2p_lab_plan *lab = &self->bench->lab;
    char place[P2P_PLACE_BYTES];
    const struct p2p_gpiod_power_setup setup = {
        .relay = p2p_line_plan_of(&lab->power.relay, self->bench->path, "power", place),
        .settle_ms = lab->power.settle_ms,
        .stop_fd = self->stop_fd,
    };

    self->relay = p2p_gpiod_power_open(&setup, error);
    return self->relay != NULL ? P2P_OK : p2p_failure(error);
}

/* The port would switch off first, too, but so late that the board gets no rest. */
static enum p2p_code open_programs(struct p2p_lab_bench *self, struct p2p_error *error)
{
    const struct p2p_power_command_setup setup = {
        .on = power_program(&self->bench->lab, true),
        .off = power_program(&self->bench->lab, false),
        .stop_fd = self->stop_fd,
    };

    self->command = p2p_power_command_new(&setup);
    return self->command != NULL ? p2p_command_run(&setup.off, NULL, 0, -1, error)
                                 : p2p_error_set(error, P2P_E_HOST, "out of memory");
}

/* Also switches off. */
static enum p2p_code open_power(struct p2p_lab_bench *self, struct p2p_error *error)
{
    enum p2p_code code =
        self->bench->lab.power.kind == P2P_LAB_POWER_GPIOD ? open_relay(self, error) : open_programs(self, error);

    self->may_go_on = p2p_deadline_in_ms(self->bench->lab.power.off_ms);
    return code;
}

static enum p2p_code open_console(struct p2p_lab_bench *self, struct p2p_error *error)
{
    const struct p2p_lab_plan *lab = &self->bench->lab;
    const struct p2p_clock clock = p2p_lab_clock_port(self->clock);
    struct p2p_byte_stream stream;
    struct p2p_error cause = {0};

    if (p2p_serial_console_open(lab->console.device, lab->console.baud, &stream, &cause) != P2P_OK) {
        return p2p_error_set(error, cause.code, "%s: $.console: %s", self->bench->path, cause.message);
    }
    self->console = p2p_stream_console_new(&stream, &clock);
    return self->console != NULL ? P2P_OK : p2p_error_set(error, P2P_E_HOST, "out of memory");
}

static enum p2p_code open_stimulus(struct p2p_lab_bench *self, const struct p2p_stimulus_plan *plan,
                                   struct p2p_error *error)
{
    char stimulus[P2P_PLACE_BYTES], query[P2P_PLACE_BYTES];
    const struct p2p_gpiod_stimulus_setup setup = {
        .stimulus = p2p_line_plan_of(&self->bench->lab.stimulus, self->bench->path, "stimulus", stimulus),
        .query = p2p_line_plan_of(&self->bench->lab.query, self->bench->path, "query", query),
        .apart_ns = plan->deadline_ns,
        .late_ns = plan->period_ns,
        .now_ns = p2p_lab_clock_real_ns,
        .clock = self->clock,
    };

    self->stimulus = p2p_gpiod_stimulus_open(&setup, error);
    return self->stimulus != NULL ? P2P_OK : p2p_failure(error);
}

struct p2p_lab_bench *p2p_lab_bench_open(const struct p2p_bench *bench, const struct p2p_stimulus_plan *stimulus,
                                         int stop_fd, struct p2p_error *error)
{
    struct p2p_lab_bench *self = calloc(1, sizeof *self);

    if (self == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
        return NULL;
    }
    self->bench = bench;
    self->stop_fd = stop_fd;
    self->clock = p2p_lab_clock_new(stop_fd, true);
    if (self->clock == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
    } else if (load_files(self, error) == P2P_OK && open_power(self, error) == P2P_OK &&
               open_stimulus(self, stimulus, error) == P2P_OK && open_console(self, error) == P2P_OK) {
        return self;
    }
    p2p_lab_bench_close(self);
    return NULL;
}

enum p2p_code p2p_lab_bench_off(const struct p2p_bench *bench, struct p2p_error *error)
{
    struct p2p_lab_bench self = {.bench = bench, .stop_fd = -1};
    enum p2p_code code = open_power(&self, error);

    p2p_gpiod_power_close(self.relay);
    p2p_power_command_free(self.command);
    return code;
}

const char *p2p_lab_bench_warning(const struct p2p_lab_bench *self)
{
    return p2p_lab_clock_refused(self->clock);
}

/* ---- Power ---- */

static struct p2p_power power_port(const struct p2p_lab_bench *self)
{
    return self->relay != NULL ? p2p_gpiod_power_port(self->relay) : p2p_power_command_port(self->command);
}

/* However often it is said again, the board is off since the first time. */
static void switch_off(struct p2p_lab_bench *self)
{
    const struct p2p_power power = power_port(self);

    power.off(power.self);
    if (self->may_be_on) {
        self->may_be_on = false;
        self->may_go_on = p2p_deadline_in_ms(self->bench->lab.power.off_ms);
    }
}

static void power_off(void *user)
{
    struct p2p_lab_bench *self = user;

    if (self->stimulus != NULL) {
        p2p_gpiod_stimulus_stop(self->stimulus);
    }
    p2p_lab_clock_attach(self->clock, NULL, NULL, NULL);
    p2p_probe_device_free(self->device);
    self->device = NULL;
    if (self->relay != NULL || self->command != NULL) {
        switch_off(self);
    }
}

static enum p2p_code power_check(void *user, struct p2p_error *error)
{
    const struct p2p_lab_bench *self = user;

    return self->relay != NULL ? p2p_gpiod_power_check(self->relay, error)
                               : p2p_power_command_check(self->command, error);
}

/*
 * Whether the board says anything when it is asked: U-Boot echoes what is typed, Xen prints its help at an "h", the
 * stub prints its counters. It is kept for the session. A console that fails says nothing.
 */
static enum p2p_code ask_board(const struct p2p_lab_bench *self, bool *answers, struct p2p_error *error)
{
    const struct p2p_stimulus stimulus = p2p_gpiod_stimulus_port(self->stimulus);
    const struct p2p_console console = p2p_stream_console_boot_port(self->console);
    const struct p2p_clock clock = p2p_lab_clock_port(self->clock);
    uint64_t start_ns = clock.now_ns(clock.self), until_ns = start_ns + ANSWER_MS * NS_PER_MS;
    const struct p2p_drive query[2] = {{.at_ns = start_ns + NS_PER_MS, .line = P2P_LINE_QUERY, .level = 1},
                                       {.at_ns = start_ns + 2 * NS_PER_MS, .line = P2P_LINE_QUERY, .level = 0}};
    struct p2p_error ignored = {0};
    char bytes[256];
    size_t count;
    enum p2p_code code = stimulus.play(stimulus.self, query, 2, error);

    *answers = false;
    console.write(console.self, "h", &ignored);
    while (code == P2P_OK && clock.now_ns(clock.self) < until_ns) {
        code = clock.advance(clock.self, until_ns, error);
        if (console.read(console.self, bytes, sizeof bytes, &count, &ignored) == P2P_OK && count > 0) {
            *answers = true;
        }
    }
    return code;
}

/* A relay's contacts may stick, which its line does not tell, but a board that still runs does. */
static enum p2p_code check_off(void *user, struct p2p_error *error)
{
    struct p2p_lab_bench *self = user;
    enum p2p_code code = power_check(self, error);
    bool answers = self->console != NULL; /* without one nobody can tell */

    p2p_lab_clock_attach(self->clock, NULL, self->console, self->stimulus);
    for (int i = 0; i < QUESTIONS_MAX && code == P2P_OK && answers; i++) {
        code = ask_board(self, &answers, error);
    }
    p2p_gpiod_stimulus_stop(self->stimulus);
    p2p_lab_clock_attach(self->clock, NULL, NULL, NULL);
    if (code == P2P_OK && answers) {
        code = p2p_error_set(error, P2P_E_BENCH,
                             "the board may still be on: it was switched off, but answers on its console: is the "
                             "relay stuck?");
    }
    return code;
}

/* Ends early if the user wants out. */
static enum p2p_code rest(const struct p2p_lab_bench *self, struct p2p_error *error)
{
    switch (p2p_wait_fd(-1, 0, self->stop_fd, self->may_go_on)) {
    case P2P_WAIT_TIMEOUT:
        return P2P_OK;
    case P2P_WAIT_STOPPED:
        return p2p_error_set(error, P2P_E_INTERRUPTED, "interrupted");
    case P2P_WAIT_READY:
    case P2P_WAIT_FAILED:
        break;
    }
    return p2p_error_set_errno(error, P2P_E_HOST, errno, "cannot wait while the board is off");
}

void p2p_lab_bench_close(struct p2p_lab_bench *self)
{
    if (self == NULL) {
        return;
    }
    if (self->clock != NULL) {
        power_off(self);
    }
    p2p_gpiod_power_close(self->relay);
    p2p_power_command_free(self->command);
    p2p_gpiod_stimulus_close(self->stimulus);
    p2p_stream_console_free(self->console);
    p2p_lab_clock_free(self->clock);
    free(self->base_tree);
    free(self);
}

/* ---- Booting ---- */

static enum p2p_code open_probe(struct p2p_lab_bench *self, struct p2p_error *error)
{
    const struct p2p_bench *bench = self->bench;
    const struct p2p_calibration *calibration = self->calibrated ? &self->calibration : NULL;
    const struct p2p_probe_setup setup = {
        .name = p2p_probe_kind_name(bench->probe.kind),
        .budget = p2p_calibration_budget(calibration, &bench->probe),
        .now_ns = p2p_lab_clock_real_ns,
        .clock = self->clock,
        .calibration = calibration,
        .calibration_path = bench->probe.calibration,
    };
    struct p2p_byte_stream stream;
    enum p2p_code code = p2p_probe_stream_open(&bench->probe, &stream, error);

    if (code == P2P_OK) {
        self->device = p2p_probe_device_new(&stream, &setup);
        code = self->device != NULL ? P2P_OK : p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    return code;
}

static enum p2p_code boot_by_uboot(struct p2p_lab_bench *self, const char *configuration,
                                   const struct p2p_boot_files *files, struct p2p_error *error)
{
    const struct p2p_lab_plan *lab = &self->bench->lab;
    const struct p2p_uboot_plan plan = {
        .prompt = lab->uboot.prompt,
        .autoboot = lab->uboot.autoboot,
        .autoboot_key = lab->uboot.autoboot_key,
        .setup = (const char *const *)lab->uboot.setup,
        .setup_count = lab->uboot.setup_count,
        .load = lab->uboot.load == P2P_LAB_TFTP ? P2P_UBOOT_TFTP : P2P_UBOOT_DISK,
        .interface = lab->uboot.interface,
        .folder = lab->uboot.folder,
        .address = {[P2P_BOOT_XEN] = lab->addresses.xen,
                    [P2P_BOOT_STUB] = lab->addresses.stub,
                    [P2P_BOOT_TREE] = lab->addresses.tree,
                    [P2P_BOOT_PARTIAL] = lab->addresses.partial},
        .boot_s = self->bench->timeouts.boot_s,
        .command_s = COMMAND_S,
        .load_s = LOAD_S,
    };
    const struct p2p_console console = p2p_stream_console_boot_port(self->console);
    const struct p2p_clock clock = p2p_lab_clock_port(self->clock);

    return p2p_uboot_boot(&plan, configuration, files, &console, &clock, error);
}

/* The script gets paths; a file that the configuration has no use for is an empty argument. */
static enum p2p_code run_script(struct p2p_lab_bench *self, const char *configuration, const char *folder,
                                const struct p2p_boot_files *files, struct p2p_error *error)
{
    static const char *const names[P2P_BOOT_FILE_COUNT] = {"xen", "stub", "tree", "partial"};
    const struct p2p_command command = {"board.boot", (const char *const *)self->bench->lab.script,
                                        self->bench->lab.script_s};
    char *paths[P2P_BOOT_FILE_COUNT] = {NULL};
    struct p2p_placeholder placeholders[1 + P2P_BOOT_FILE_COUNT] = {{"configuration", configuration}};
    enum p2p_code code = P2P_OK;

    for (enum p2p_boot_file file = 0; file < P2P_BOOT_FILE_COUNT; file++) {
        paths[file] = files->file[file].data != NULL ? p2p_format("%s/%s", folder, p2p_boot_file_name(file))
                                                     : p2p_format("%s", "");
        placeholders[1 + file] = (struct p2p_placeholder){names[file], paths[file]};
        if (paths[file] == NULL) {
            code = p2p_error_set(error, P2P_E_HOST, "out of memory");
        }
    }
    if (code == P2P_OK) {
        code = p2p_command_run(&command, placeholders, 1 + P2P_BOOT_FILE_COUNT, self->stop_fd, error);
    }
    for (size_t i = 0; i < P2P_BOOT_FILE_COUNT; i++) {
        free(paths[i]);
    }
    return code;
}

static enum p2p_code boot_by_script(struct p2p_lab_bench *self, const char *configuration,
                                    const struct p2p_boot_files *files, struct p2p_error *error)
{
    const char *temporary = getenv("TMPDIR");
    const char *parent = temporary != NULL && temporary[0] != '\0' ? temporary : "/tmp";
    char *folder = p2p_format("%s/pin2pin-XXXXXX", parent);
    enum p2p_code code;

    if (folder == NULL) {
        code = p2p_error_set(error, P2P_E_HOST, "out of memory");
    } else if (mkdtemp(folder) == NULL) {
        code = p2p_error_set_errno(error, P2P_E_HOST, errno,
                                   "%s: cannot make a temporary folder for the boot's files (TMPDIR)", parent);
    } else {
        code = p2p_boot_files_write(files, folder, error);
        if (code == P2P_OK) {
            code = run_script(self, configuration, folder, files, error);
        }
        p2p_boot_files_remove(folder);
        rmdir(folder);
    }
    free(folder);
    return code;
}

static enum p2p_code boot(struct p2p_lab_bench *self, const struct p2p_configuration *configuration,
                          struct p2p_error *error)
{
    const struct p2p_boot_setup setup = {
        .base_tree = self->base_tree,
        .base_tree_size = self->base_tree_size,
        .pins = &self->bench->pins,
        .stub = self->bench->stub,
        .stub_address = self->bench->lab.addresses.stub,
        .partial_address = self->bench->lab.addresses.partial,
    };
    const struct p2p_power power = power_port(self);
    struct p2p_boot_files files = {0};
    enum p2p_code code = p2p_boot_files_make(&setup, configuration, &files, error);

    if (code == P2P_OK) {
        self->may_be_on = true;
        code = power.on(power.self, configuration, 0, error);
    }
    if (code == P2P_OK) {
        code = self->bench->board.kind == P2P_BOARD_UBOOT ? boot_by_uboot(self, configuration->name, &files, error)
                                                          : boot_by_script(self, configuration->name, &files, error);
    }
    p2p_boot_files_free(&files);
    return code;
}

/* Anew for each boot: an adapter that was plugged in again is another device. */
static enum p2p_code reopen_console(struct p2p_lab_bench *self, struct p2p_error *error)
{
    enum p2p_code code;

    p2p_stream_console_free(self->console);
    self->console = NULL;
    code = open_console(self, error);
    return code == P2P_OK ? p2p_stream_console_restart(self->console, error) : code;
}

/* No boot is valid that begins with power. */
static enum p2p_code prepare(struct p2p_lab_bench *self, struct p2p_error *error)
{
    /* First: what a boot before achieved is not this one's. */
    enum p2p_code code = p2p_gpiod_stimulus_restart(self->stimulus, error);

    if (code == P2P_OK) {
        code = power_check(self, error);
    }
    if (code == P2P_OK) {
        code = reopen_console(self, error);
    }
    if (code == P2P_OK) {
        code = rest(self, error);
    }
    return code == P2P_OK ? check_off(self, error) : code;
}

static enum p2p_code power_on(void *user, const struct p2p_configuration *configuration, uint64_t seed,
                              struct p2p_error *error)
{
    struct p2p_lab_bench *self = user;
    enum p2p_code code;

    (void)seed; /* nothing is left to it here: chance is real */
    power_off(self);
    code = prepare(self, error);
    if (code == P2P_OK) {
        p2p_lab_clock_attach(self->clock, NULL, self->console, self->stimulus);
        code = boot(self, configuration, error);
    }
    /* Not before: a probe that a failed boot left armed talks, and nobody would hear it while a script runs. */
    if (code == P2P_OK) {
        code = open_probe(self, error);
    }
    if (code == P2P_OK) {
        p2p_lab_clock_attach(self->clock, self->device, self->console, self->stimulus);
    }
    if (code != P2P_OK) {
        power_off(self);
    }
    return code;
}

/* ---- Ports ---- */

/* The device lives for one boot, the port for all; without power there is none. */
static const struct p2p_probe_info *probe_info(void *user)
{
    const struct p2p_lab_bench *self = user;
    struct p2p_probe probe;

    if (self->device == NULL) {
        return NULL;
    }
    probe = p2p_probe_device_port(self->device);
    return probe.info(probe.self);
}

static enum p2p_code probe_request(void *user, enum p2p_probe_request request, struct p2p_error *error)
{
    const struct p2p_lab_bench *self = user;

    return self->device == NULL ? p2p_error_set(error, P2P_E_BENCH, "the probe is asked, but the bench is off")
                                : p2p_probe_device_request(self->device, request, error);
}

static bool probe_settled(void *user)
{
    const struct p2p_lab_bench *self = user;

    return self->device != NULL && p2p_probe_device_settled(self->device);
}

static enum p2p_code probe_read(void *user, struct p2p_edge *edges, size_t capacity, size_t *count,
                                struct p2p_error *error)
{
    const struct p2p_lab_bench *self = user;
    struct p2p_probe probe;

    *count = 0;
    if (self->device == NULL) {
        return P2P_OK;
    }
    probe = p2p_probe_device_port(self->device);
    return probe.read(probe.self, edges, capacity, count, error);
}

static struct p2p_achieved achieved(void *stimulus)
{
    return p2p_gpiod_stimulus_achieved(stimulus);
}

/* The console, too, is another one in each boot. */
static enum p2p_code console_read(void *user, char *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    const struct p2p_lab_bench *self = user;
    struct p2p_console console;

    *count = 0;
    if (self->console == NULL) {
        return P2P_OK;
    }
    console = p2p_stream_console_port(self->console);
    return console.read(console.self, bytes, capacity, count, error);
}

static enum p2p_code console_write(void *user, const char *text, struct p2p_error *error)
{
    const struct p2p_lab_bench *self = user;
    struct p2p_console console;

    if (self->console == NULL) {
        return p2p_error_set(error, P2P_E_BENCH, "the board's console is typed to, but its port is gone");
    }
    console = p2p_stream_console_port(self->console);
    return console.write(console.self, text, error);
}

static uint64_t console_stamp_ns(void *user)
{
    const struct p2p_lab_bench *self = user;

    return self->console != NULL ? p2p_stream_console_stamp_ns(self->console) : 0;
}

struct p2p_ports p2p_lab_bench_ports(struct p2p_lab_bench *self)
{
    struct p2p_ports ports = {
        .time_base = P2P_TIME_HARDWARE,
        .clock = p2p_lab_clock_port(self->clock),
        .power = {.self = self, .on = power_on, .off = power_off, .check = check_off},
        .console = {self, console_read, console_write, console_stamp_ns},
        .stimulus = p2p_gpiod_stimulus_port(self->stimulus),
        .probe = {self, probe_info, probe_request, probe_settled, probe_read},
    };

    ports.stimulus.achieved = achieved;
    return ports;
}
