/* SPDX-License-Identifier: MIT */
/* Which checks are made, in which order, and what one that fails does to the others. The checks are replaced. */
#include "finding_asserts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FINDINGS_MAX = 32 };

static struct p2p_bench bench;
static struct p2p_finding findings[FINDINGS_MAX];
static size_t count, runs;
static const char *failing, *warning, *stopping; /* names of checks; NULL: none */
static int stop_fd;
static bool no_memory;

static void check(struct p2p_examination *self, struct p2p_finding *finding)
{
    assert_ptr_equal(self->bench, &bench);
    assert_int_equal(finding->status, P2P_FINDING_OK);
    runs++;
    p2p_find_ok(finding, "well");
    if (failing != NULL && strcmp(finding->name, failing) == 0) {
        p2p_find(finding, P2P_FINDING_FAILED, "mend it", "broken");
    } else if (warning != NULL && strcmp(finding->name, warning) == 0) {
        p2p_find(finding, P2P_FINDING_WARNING, "mend it", "weak");
    } else if (stopping != NULL && strcmp(finding->name, stopping) == 0) {
        assert_int_equal(eventfd_write(stop_fd, 1), 0);
        p2p_find(finding, P2P_FINDING_FAILED, "none", "interrupted");
    }
}

#define REPLACED(name)                                                                                                 \
    p2p_check_fn __wrap_p2p_check_##name;                                                                              \
    void __wrap_p2p_check_##name(struct p2p_examination *self, struct p2p_finding *finding)                            \
    {                                                                                                                  \
        check(self, finding);                                                                                          \
    }

REPLACED(free)
REPLACED(clock)
REPLACED(disk)
REPLACED(realtime)
REPLACED(board_files)
REPLACED(calibration)
REPLACED(stimulus_line)
REPLACED(query_line)
REPLACED(power_off)
REPLACED(console_port)
REPLACED(chip)
REPLACED(permission)
REPLACED(driver)
REPLACED(speed)
REPLACED(latency_timer)
REPLACED(probe)
REPLACED(firmware)
REPLACED(selftest)
REPLACED(owner)
REPLACED(rate)
REPLACED(stimulus_seen)
REPLACED(console)
REPLACED(boot)
REPLACED(answers)
REPLACED(relay)

void *__wrap_calloc(size_t items, size_t bytes);
void *__real_calloc(size_t items, size_t bytes);

void *__wrap_calloc(size_t items, size_t bytes)
{
    return no_memory ? NULL : __real_calloc(items, bytes);
}

static void take(void *user, const struct p2p_finding *finding)
{
    assert_ptr_equal(user, &count);
    assert_true(count < FINDINGS_MAX);
    findings[count++] = *finding;
}

static enum p2p_code examine(struct p2p_error *error)
{
    const struct p2p_doctor doctor = {
        .bench = &bench, .busy = "", .folder = ".", .stop_fd = stop_fd, .on_finding = take, .user = &count};

    count = runs = 0;
    return p2p_doctor_run(&doctor, error);
}

/* The bench does not own its strings here, but could write to them. */
static char c_json_text[] = "c.json";

static int set_up(void **state)
{
    (void)state;
    bench = (struct p2p_bench){.board = {.kind = P2P_BOARD_UBOOT}, .probe = {.kind = P2P_PROBE_FTDI}};
    bench.probe.calibration = c_json_text;
    failing = warning = stopping = NULL;
    no_memory = false;
    stop_fd = eventfd(0, EFD_CLOEXEC);
    return stop_fd < 0;
}

static int tear_down(void **state)
{
    (void)state;
    return close(stop_fd);
}

/* `names` are all that were made, with "; " after each. */
static void assert_made(const char *names)
{
    char found[1024] = "";
    struct p2p_error error = {0};

    assert_int_equal(examine(&error), P2P_OK);
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(found);

        assert_int_equal(findings[i].status, P2P_FINDING_OK);
        snprintf(found + used, sizeof found - used, "%s; ", findings[i].name);
    }
    assert_int_equal(runs, count);
    assert_string_equal(found, names);
}

static void each_kind_of_bench_has_its_checks(void **state)
{
    (void)state;
    assert_made("bench free; clock; disk space; real time; board files; calibration; stimulus line; query line; "
                "console port; USB chip; USB permission; USB driver; USB speed; probe answers; probe firmware; "
                "probe self-test; probe calibrated; link rate; power off; stimulus seen; console speaks; board boots; "
                "board answers; power relay; ");
    bench.probe = (struct p2p_probe_plan){.kind = P2P_PROBE_SERIAL};
    bench.board.kind = P2P_BOARD_NONE;
    assert_made("bench free; clock; disk space; calibration; latency timer; probe answers; probe firmware; "
                "probe self-test; link rate; ");
    bench.probe.kind = P2P_PROBE_VIRTUAL;
    assert_made("clock; disk space; probe answers; probe firmware; probe self-test; stimulus seen; ");
    bench.board.kind = P2P_BOARD_QEMU_VIRT;
    assert_made("clock; disk space; board files; probe answers; probe firmware; probe self-test; stimulus seen; "
                "console speaks; board boots; board answers; ");
    bench.probe.kind = P2P_PROBE_IDEAL;
    assert_made("clock; disk space; board files; console speaks; board boots; board answers; ");
}

/* `skipped` are the names of all that are, with "; " after each. */
static void assert_skipped(const char *failed, const char *skipped)
{
    char found[1024] = "";
    struct p2p_error error = {0};
    size_t skips = 0;

    failing = failed;
    assert_int_equal(examine(&error), P2P_OK);
    for (size_t i = 0; i < count; i++) {
        const size_t used = strlen(found);

        if (findings[i].status == P2P_FINDING_SKIPPED) {
            snprintf(found + used, sizeof found - used, "%s; ", findings[i].name);
            assert_memory_equal(findings[i].message, "needs: ", 7);
            skips++;
        } else {
            assert_int_equal(findings[i].status,
                             strcmp(findings[i].name, failed) == 0 ? P2P_FINDING_FAILED : P2P_FINDING_OK);
        }
    }
    assert_int_equal(runs + skips, count);
    assert_string_equal(found, skipped);
}

#define BOARD "console speaks; board boots; board answers; power relay; "
#define PROBE "probe firmware; probe self-test; probe calibrated; link rate; "

static void what_needs_a_failed_check_is_skipped(void **state)
{
    (void)state;
    assert_skipped("clock", "");
    assert_skipped("disk space", "");
    assert_skipped("USB speed", "");
    assert_skipped("link rate", "");
    assert_skipped("board files", BOARD);
    assert_skipped("console port", BOARD);
    assert_skipped("query line", BOARD);
    assert_skipped("power off", "stimulus seen; " BOARD);
    assert_skipped("stimulus line", "stimulus seen; " BOARD);
    assert_skipped("USB permission", "probe answers; " PROBE "stimulus seen; " BOARD);
    assert_skipped("USB chip", "USB permission; USB driver; USB speed; probe answers; " PROBE "stimulus seen; " BOARD);
    assert_skipped("probe calibrated", BOARD);
    assert_skipped("stimulus seen", "board answers; power relay; ");
    assert_skipped("console speaks", "board boots; board answers; power relay; ");
    assert_skipped("board answers", "power relay; ");
}

/* The board is another's: nothing of ours may reach it. */
static void a_bench_in_use_is_left_alone(void **state)
{
    (void)state;
    assert_skipped("bench free",
                   "stimulus line; query line; console port; probe answers; " PROBE "power off; stimulus seen; " BOARD);
}

static void the_reason_names_the_nearest_need(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    failing = "board boots";
    assert_int_equal(examine(&error), P2P_OK);
    assert_string_equal(findings[count - 1].name, "power relay");
    assert_string_equal(findings[count - 1].message, "needs: board answers");
    assert_string_equal(findings[count - 2].message, "needs: board boots");
}

static void a_warning_skips_nothing(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    warning = "USB chip";
    assert_int_equal(examine(&error), P2P_OK);
    assert_int_equal(runs, count);
}

/* A check that was interrupted tells nothing about the bench. */
static void stop_ends_it(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    stopping = "stimulus line";
    assert_int_equal(examine(&error), P2P_E_INTERRUPTED);
    assert_string_equal(error.message, "interrupted");
    assert_string_equal(findings[count - 1].name, "calibration");
    assert_int_equal(runs, count + 1);
}

static void no_memory_is_told(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    no_memory = true;
    assert_int_equal(examine(&error), P2P_E_HOST);
    assert_int_equal(count, 0);
}

static void statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(p2p_finding_status_name(P2P_FINDING_OK), "ok");
    assert_string_equal(p2p_finding_status_name(P2P_FINDING_SKIPPED), "skipped");
}

#define ON_IT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_IT(each_kind_of_bench_has_its_checks),
        ON_IT(what_needs_a_failed_check_is_skipped),
        ON_IT(a_bench_in_use_is_left_alone),
        ON_IT(the_reason_names_the_nearest_need),
        ON_IT(a_warning_skips_nothing),
        ON_IT(stop_ends_it),
        ON_IT(no_memory_is_told),
        ON_IT(statuses_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
