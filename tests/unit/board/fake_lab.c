/* SPDX-License-Identifier: MIT */
#include "fake_lab.h"

#include "ports/lab_clock.h"
#include "ports/probe_stream.h"
#include "ports/serial_stream.h"
#include "util/deadline.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*): the linker makes these names */

struct p2p_lab_clock *__real_p2p_lab_clock_new(int stop_fd, bool realtime);
struct p2p_lab_clock *__wrap_p2p_lab_clock_new(int stop_fd, bool realtime);
void __real_p2p_lab_clock_free(struct p2p_lab_clock *clock);
void __wrap_p2p_lab_clock_free(struct p2p_lab_clock *clock);
const char *__wrap_p2p_lab_clock_refused(const struct p2p_lab_clock *clock);
void __real_p2p_lab_clock_attach(struct p2p_lab_clock *clock, struct p2p_probe_device *device,
                                 struct p2p_stream_console *console, struct p2p_gpiod_stimulus *stimulus);
void __wrap_p2p_lab_clock_attach(struct p2p_lab_clock *clock, struct p2p_probe_device *device,
                                 struct p2p_stream_console *console, struct p2p_gpiod_stimulus *stimulus);
uint64_t __wrap_p2p_lab_clock_real_ns(void *self);
struct p2p_clock __wrap_p2p_lab_clock_port(struct p2p_lab_clock *clock);

struct p2p_gpiod_power *__wrap_p2p_gpiod_power_open(const struct p2p_gpiod_power_setup *setup, struct p2p_error *error);
void __wrap_p2p_gpiod_power_close(struct p2p_gpiod_power *power);
struct p2p_power __wrap_p2p_gpiod_power_port(struct p2p_gpiod_power *power);
enum p2p_code __wrap_p2p_gpiod_power_check(const struct p2p_gpiod_power *power, struct p2p_error *error);

struct p2p_power_command *__wrap_p2p_power_command_new(const struct p2p_power_command_setup *setup);
void __wrap_p2p_power_command_free(struct p2p_power_command *power);
struct p2p_power __wrap_p2p_power_command_port(struct p2p_power_command *power);
enum p2p_code __wrap_p2p_power_command_check(const struct p2p_power_command *power, struct p2p_error *error);
enum p2p_code __wrap_p2p_command_run(const struct p2p_command *command, const struct p2p_placeholder *placeholders,
                                     size_t placeholder_count, int stop_fd, struct p2p_error *error);

struct p2p_gpiod_stimulus *__wrap_p2p_gpiod_stimulus_open(const struct p2p_gpiod_stimulus_setup *setup,
                                                          struct p2p_error *error);
void __wrap_p2p_gpiod_stimulus_close(struct p2p_gpiod_stimulus *stimulus);
enum p2p_code __wrap_p2p_gpiod_stimulus_restart(struct p2p_gpiod_stimulus *stimulus, struct p2p_error *error);
void __wrap_p2p_gpiod_stimulus_stop(struct p2p_gpiod_stimulus *stimulus);
uint64_t __wrap_p2p_gpiod_stimulus_asked_ns(const struct p2p_gpiod_stimulus *stimulus);
uint64_t __wrap_p2p_gpiod_stimulus_due_ns(const struct p2p_gpiod_stimulus *stimulus);
struct p2p_achieved __wrap_p2p_gpiod_stimulus_achieved(const struct p2p_gpiod_stimulus *stimulus);
struct p2p_stimulus __wrap_p2p_gpiod_stimulus_port(struct p2p_gpiod_stimulus *stimulus);

enum p2p_code __wrap_p2p_serial_console_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                             struct p2p_error *error);
enum p2p_code __wrap_p2p_probe_stream_open(const struct p2p_probe_plan *plan, struct p2p_byte_stream *stream,
                                           struct p2p_error *error);
enum p2p_code __wrap_p2p_uboot_boot(const struct p2p_uboot_plan *plan, const char *configuration,
                                    const struct p2p_boot_files *files, const struct p2p_console *console,
                                    const struct p2p_clock *clock, struct p2p_error *error);

struct p2p_deadline __wrap_p2p_deadline_in_ms(int64_t ms);
enum p2p_wait __wrap_p2p_wait_fd(int fd, short events, int stop_fd, struct p2p_deadline deadline);

struct fake_lab fake_lab;

void fake_lab_reset(void)
{
    fake_lab = (struct fake_lab){.code = P2P_E_BENCH, .stop_fd = -1};
}

/* ---- The diary ---- */

static void note(const char *word)
{
    size_t length = strlen(fake_lab.diary);

    assert_true(length + strlen(word) + 2 <= sizeof fake_lab.diary);
    snprintf(fake_lab.diary + length, sizeof fake_lab.diary - length, "%s ", word);
}

static enum p2p_code fails(const char *word, struct p2p_error *error)
{
    return fake_lab.fails != NULL && strcmp(fake_lab.fails, word) == 0
               ? p2p_error_set(error, fake_lab.code, "%s failed", word)
               : P2P_OK;
}

static enum p2p_code step(const char *word, struct p2p_error *error)
{
    note(word);
    return fails(word, error);
}

/* "x+": x is open unless told to fail. */
static enum p2p_code open_part(const char *word, struct p2p_error *error)
{
    enum p2p_code code = step(word, error);

    fake_lab.open_parts += code == P2P_OK;
    return code;
}

static void close_part(const char *word)
{
    note(word);
    fake_lab.open_parts--;
}

/* ---- The clock: in a real one's place time passes at once ---- */

struct p2p_lab_clock *__wrap_p2p_lab_clock_new(int stop_fd, bool realtime)
{
    struct p2p_lab_clock *clock = NULL;

    fake_lab.stop_fd = stop_fd;
    fake_lab.realtime = realtime;
    if (step("clock+", &(struct p2p_error){0}) == P2P_OK) {
        clock = __real_p2p_lab_clock_new(stop_fd, false);
        fake_lab.open_parts += clock != NULL;
    }
    return clock;
}

void __wrap_p2p_lab_clock_free(struct p2p_lab_clock *clock)
{
    if (clock != NULL) {
        close_part("clock-");
    }
    __real_p2p_lab_clock_free(clock);
}

const char *__wrap_p2p_lab_clock_refused(const struct p2p_lab_clock *clock)
{
    assert_non_null(clock);
    return "SCHED_FIFO: no";
}

void __wrap_p2p_lab_clock_attach(struct p2p_lab_clock *clock, struct p2p_probe_device *device,
                                 struct p2p_stream_console *console, struct p2p_gpiod_stimulus *stimulus)
{
    char word[16];

    snprintf(word, sizeof word, "attach:%s%s%s", device != NULL ? "d" : "", console != NULL ? "c" : "",
             stimulus != NULL ? "s" : "");
    note(word);
    __real_p2p_lab_clock_attach(clock, device, console, stimulus);
}

uint64_t __wrap_p2p_lab_clock_real_ns(void *self)
{
    assert_non_null(self);
    return fake_lab.now_ns;
}

static uint64_t time_ns(void *self)
{
    assert_non_null(self);
    return fake_lab.time_ns;
}

static enum p2p_code advance(void *self, uint64_t until_ns, struct p2p_error *error)
{
    struct pollfd stop = {.fd = fake_lab.stop_fd, .events = POLLIN};

    assert_non_null(self);
    fake_lab.time_ns = until_ns;
    return poll(&stop, 1, 0) > 0 ? p2p_error_set(error, P2P_E_INTERRUPTED, "interrupted") : P2P_OK;
}

struct p2p_clock __wrap_p2p_lab_clock_port(struct p2p_lab_clock *clock)
{
    return (struct p2p_clock){.self = clock, .now_ns = time_ns, .advance = advance};
}

/* ---- The wait while the board is off ---- */

struct p2p_deadline __wrap_p2p_deadline_in_ms(int64_t ms)
{
    return (struct p2p_deadline){.at_ns = (fake_lab.wall_ms + ms) * 1000000};
}

enum p2p_wait __wrap_p2p_wait_fd(int fd, short events, int stop_fd, struct p2p_deadline deadline)
{
    int64_t left_ms = deadline.at_ns / 1000000 - fake_lab.wall_ms;
    char word[32];

    assert_int_equal(fd, -1);
    assert_int_equal(events, 0);
    assert_int_equal(stop_fd, fake_lab.stop_fd);
    left_ms = left_ms > 0 ? left_ms : 0;
    fake_lab.wall_ms += left_ms;
    snprintf(word, sizeof word, "rest:%" PRId64, left_ms);
    note(word);
    return fails("rest", &(struct p2p_error){0}) == P2P_OK ? P2P_WAIT_TIMEOUT : P2P_WAIT_STOPPED;
}

/* ---- GPIO ---- */

static struct fake_lab_line line_of(const struct p2p_line_plan *plan)
{
    struct fake_lab_line line = {.offset = plan->offset, .active_low = plan->active_low};

    snprintf(line.place, sizeof line.place, "%s", plan->place);
    snprintf(line.chip, sizeof line.chip, "%s", plan->chip);
    snprintf(line.line, sizeof line.line, "%s", plan->line != NULL ? plan->line : "");
    return line;
}

static enum p2p_code power_on(void *self, const struct p2p_configuration *configuration, uint64_t seed,
                              struct p2p_error *error)
{
    (void)self;
    (void)seed;
    assert_non_null(configuration);
    return step("on", error);
}

static void power_off(void *self)
{
    (void)self;
    note("off");
}

static enum p2p_code power_check(struct p2p_error *error)
{
    return fake_lab.stays_on ? p2p_error_set(error, P2P_E_BENCH, "the board may still be on") : P2P_OK;
}

struct p2p_gpiod_power *__wrap_p2p_gpiod_power_open(const struct p2p_gpiod_power_setup *setup, struct p2p_error *error)
{
    fake_lab.relay = line_of(&setup->relay);
    fake_lab.settle_ms = setup->settle_ms;
    assert_int_equal(setup->stop_fd, fake_lab.stop_fd);
    return open_part("relay+", error) == P2P_OK ? (struct p2p_gpiod_power *)&fake_lab.relay : NULL;
}

void __wrap_p2p_gpiod_power_close(struct p2p_gpiod_power *power)
{
    if (power != NULL) {
        close_part("relay-");
    }
}

struct p2p_power __wrap_p2p_gpiod_power_port(struct p2p_gpiod_power *power)
{
    assert_ptr_equal(power, &fake_lab.relay);
    return (struct p2p_power){.self = power, .on = power_on, .off = power_off};
}

enum p2p_code __wrap_p2p_gpiod_power_check(const struct p2p_gpiod_power *power, struct p2p_error *error)
{
    assert_ptr_equal(power, &fake_lab.relay);
    return power_check(error);
}

struct p2p_gpiod_stimulus *__wrap_p2p_gpiod_stimulus_open(const struct p2p_gpiod_stimulus_setup *setup,
                                                          struct p2p_error *error)
{
    fake_lab.stimulus = line_of(&setup->stimulus);
    fake_lab.query = line_of(&setup->query);
    fake_lab.apart_ns = setup->apart_ns;
    fake_lab.late_ns = setup->late_ns;
    assert_int_equal(setup->now_ns(setup->clock), fake_lab.now_ns);
    return open_part("stimulus+", error) == P2P_OK ? (struct p2p_gpiod_stimulus *)&fake_lab.stimulus : NULL;
}

void __wrap_p2p_gpiod_stimulus_close(struct p2p_gpiod_stimulus *stimulus)
{
    if (stimulus != NULL) {
        close_part("stimulus-");
    }
}

enum p2p_code __wrap_p2p_gpiod_stimulus_restart(struct p2p_gpiod_stimulus *stimulus, struct p2p_error *error)
{
    assert_ptr_equal(stimulus, &fake_lab.stimulus);
    fake_lab.achieved = (struct p2p_achieved){0};
    return step("restart", error);
}

void __wrap_p2p_gpiod_stimulus_stop(struct p2p_gpiod_stimulus *stimulus)
{
    assert_ptr_equal(stimulus, &fake_lab.stimulus);
    note("stop");
}

uint64_t __wrap_p2p_gpiod_stimulus_asked_ns(const struct p2p_gpiod_stimulus *stimulus)
{
    assert_ptr_equal(stimulus, &fake_lab.stimulus);
    return UINT64_MAX; /* none waits */
}

uint64_t __wrap_p2p_gpiod_stimulus_due_ns(const struct p2p_gpiod_stimulus *stimulus)
{
    assert_ptr_equal(stimulus, &fake_lab.stimulus);
    return UINT64_MAX;
}

struct p2p_achieved __wrap_p2p_gpiod_stimulus_achieved(const struct p2p_gpiod_stimulus *stimulus)
{
    assert_ptr_equal(stimulus, &fake_lab.stimulus);
    return fake_lab.achieved;
}

/* Its edges are driven at once; a board that lives answers. */
static enum p2p_code play(void *self, const struct p2p_drive *edges, size_t count, struct p2p_error *error)
{
    assert_ptr_equal(self, &fake_lab.stimulus);
    assert_int_equal(count, 2);
    assert_int_equal(edges[0].line, P2P_LINE_QUERY);
    assert_int_equal(edges[0].level, 1);
    assert_int_equal(edges[1].line, P2P_LINE_QUERY);
    assert_int_equal(edges[1].level, 0);
    assert_true(edges[0].at_ns < edges[1].at_ns);
    if (fake_lab.answers > 0) {
        fake_lab.answers--;
        snprintf(fake_lab.says, sizeof fake_lab.says, "COUNTERS irq=1\n");
    }
    return step("query", error);
}

struct p2p_stimulus __wrap_p2p_gpiod_stimulus_port(struct p2p_gpiod_stimulus *stimulus)
{
    return (struct p2p_stimulus){.self = stimulus, .play = play};
}

/* ---- Programs ---- */

struct p2p_power_command *__wrap_p2p_power_command_new(const struct p2p_power_command_setup *setup)
{
    fake_lab.command = *setup;
    return open_part("command+", &(struct p2p_error){0}) == P2P_OK ? (struct p2p_power_command *)&fake_lab.command
                                                                   : NULL;
}

void __wrap_p2p_power_command_free(struct p2p_power_command *power)
{
    if (power != NULL) {
        close_part("command-");
    }
}

struct p2p_power __wrap_p2p_power_command_port(struct p2p_power_command *power)
{
    assert_ptr_equal(power, &fake_lab.command);
    return (struct p2p_power){.self = power, .on = power_on, .off = power_off};
}

enum p2p_code __wrap_p2p_power_command_check(const struct p2p_power_command *power, struct p2p_error *error)
{
    assert_ptr_equal(power, &fake_lab.command);
    return power_check(error);
}

enum p2p_code __wrap_p2p_command_run(const struct p2p_command *command, const struct p2p_placeholder *placeholders,
                                     size_t placeholder_count, int stop_fd, struct p2p_error *error)
{
    assert_int_equal(stop_fd, strcmp(command->what, "power off") == 0 ? -1 : fake_lab.stop_fd);
    if (fake_lab.on_script != NULL) {
        fake_lab.on_script(command, placeholders, placeholder_count);
    }
    return step("script", error);
}

/* ---- U-Boot and the serial ports ---- */

enum p2p_code __wrap_p2p_uboot_boot(const struct p2p_uboot_plan *plan, const char *configuration,
                                    const struct p2p_boot_files *files, const struct p2p_console *console,
                                    const struct p2p_clock *clock, struct p2p_error *error)
{
    if (fake_lab.on_uboot != NULL) {
        fake_lab.on_uboot(plan, configuration, files, console, clock);
    }
    return step("uboot", error);
}

static enum p2p_code serial_read(void *self, uint8_t *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    size_t length = strlen(fake_lab.says);

    (void)self;
    assert_true(length <= capacity);
    memcpy(bytes, fake_lab.says, length);
    fake_lab.says[0] = '\0';
    *count = length;
    return fails("serial-read", error);
}

static enum p2p_code serial_write(void *self, const uint8_t *bytes, size_t count, struct p2p_error *error)
{
    (void)self;
    (void)error;
    assert_memory_equal(bytes, "h", count);
    note("ask");
    if (fake_lab.at_prompt) {
        snprintf(fake_lab.says, sizeof fake_lab.says, "h");
    }
    return P2P_OK;
}

static size_t no_poll_fds(void *self, struct pollfd fds[P2P_STREAM_FDS_MAX])
{
    (void)self;
    (void)fds;
    return 0;
}

static void serial_close(void *self)
{
    (void)self;
    close_part("serial-");
}

enum p2p_code __wrap_p2p_serial_console_open(const char *device, uint32_t baud, struct p2p_byte_stream *stream,
                                             struct p2p_error *error)
{
    snprintf(fake_lab.console, sizeof fake_lab.console, "%s %" PRIu32, device, baud);
    *stream = (struct p2p_byte_stream){NULL, serial_read, serial_write, no_poll_fds, serial_close};
    return open_part("serial+", error);
}

static enum p2p_code probe_read(void *self, uint8_t *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    (void)self;
    (void)error;
    *count = fake_probe_say(&fake_lab.probe, bytes, capacity);
    return P2P_OK;
}

static enum p2p_code probe_write(void *self, const uint8_t *bytes, size_t count, struct p2p_error *error)
{
    (void)self;
    (void)error;
    fake_probe_hear(&fake_lab.probe, bytes, count);
    return P2P_OK;
}

static void probe_close(void *self)
{
    (void)self;
    close_part("probe-");
}

enum p2p_code __wrap_p2p_probe_stream_open(const struct p2p_probe_plan *plan, struct p2p_byte_stream *stream,
                                           struct p2p_error *error)
{
    fake_lab.probe_plan = plan;
    *stream = (struct p2p_byte_stream){NULL, probe_read, probe_write, no_poll_fds, probe_close};
    return open_part("probe+", error);
}

/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */
