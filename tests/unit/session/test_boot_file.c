/* SPDX-License-Identifier: MIT */
/* boot.json, byte for byte (tests/golden/boots), and through the reader that the analysis uses. */
#include "session/boot_file.h"

#include "../store/temporary.h"
#include "consoles.h"
#include "fake_bench.h"
#include "store/run_folder.h"
#include "util/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN P2P_SOURCE_DIR "/tests/golden/boots/"

enum { FILE_BYTES_MAX = 1 << 20 };

/* Expanded 5.0 (k = 2), to six digits. */
#define BUDGET                                                                                                         \
    {                                                                                                                  \
        .quantisation_ns = 0.25, .skew_ns = 1.5, .trigger_ns = 1.98431348, .timebase_ppm = 30,                         \
        .skew_correction_ns = -2.75                                                                                    \
    }

struct fixture {
    struct fake_bench *bench;
    struct p2p_ports ports;
    struct p2p_plan plan;
    struct p2p_configuration configuration;
    struct p2p_xen xen;
    struct p2p_session session;
    struct p2p_boot_record record;
    struct p2p_boot_file file;
    char *folder, *path;
};

static void set_up(struct fixture *fixture)
{
    struct fake_script script = fake_healthy(NULL);

    *fixture = (struct fixture){.bench = fake_bench_new(&script), .folder = temporary_folder()};
    fake_plan(&fixture->plan, &fixture->configuration, &fixture->xen, NULL);
    fixture->ports = fake_bench_ports(fixture->bench);
    fixture->record.probe = (struct p2p_probe_info){"fake", "00000000000000fa", "fake 1.0", 1000000000, BUDGET};
    fixture->session = (struct p2p_session){.ports = &fixture->ports,
                                            .plan = &fixture->plan,
                                            .configuration = &fixture->configuration,
                                            .seed = UINT64_MAX - 1};
    fixture->file = (struct p2p_boot_file){.session = &fixture->session,
                                           .record = &fixture->record,
                                           .boot = 7,
                                           .started_at = {.tv_sec = 1767323045, .tv_nsec = 999999999},
                                           .wall_s = 1.5};
    fixture->path = p2p_format("%s/boot.json", fixture->folder);
}

static void tear_down(struct fixture *fixture)
{
    free(fixture->path);
    temporary_remove(fixture->folder);
    fake_bench_free(fixture->bench);
}

/* Writes the file and reads it both ways. free() the text. */
static char *write_and_read(struct fixture *fixture, struct p2p_boot_summary *summary)
{
    struct p2p_error error = {0};
    bool present = false;
    char *text;
    size_t size;

    assert_int_equal(p2p_boot_file_write(fixture->path, &fixture->file, &error), P2P_OK);
    assert_int_equal(p2p_boot_summary_load(fixture->folder, summary, &present, &error), P2P_OK);
    assert_true(present);
    assert_string_equal(summary->probe, fixture->record.probe.name);
    assert_string_equal(summary->serial, fixture->record.probe.serial);
    assert_string_equal(summary->firmware, fixture->record.probe.firmware);
    assert_int_equal(p2p_read_file(fixture->path, FILE_BYTES_MAX, &text, &size, &error), P2P_OK);
    return text;
}

static void assert_near(double found, double expected)
{
    assert_true(fabs(found - expected) < 1e-9);
}

/* Also what the schema is tested with. */
static void assert_golden(const char *text, const char *golden)
{
    struct p2p_error error = {0};
    char *expected;
    size_t size;

    assert_int_equal(p2p_read_file(golden, FILE_BYTES_MAX, &expected, &size, &error), P2P_OK);
    assert_string_equal(text, expected);
    free(expected);
}

static void a_boot_that_said_nothing_is_all_null(void **state)
{
    struct fixture fixture;
    struct p2p_boot_summary summary;
    char *text;

    (void)state;
    set_up(&fixture);
    text = write_and_read(&fixture, &summary);
    assert_golden(text, GOLDEN "silent.json");
    assert_false(summary.confirmation);
    assert_false(summary.edges.known || summary.truth.known);
    assert_string_equal(summary.stub, "");
    assert_true(summary.complete);
    assert_string_equal(summary.fault, "");
    assert_near(summary.budget.quantisation_ns, 0.25);
    assert_near(summary.budget.skew_ns, 1.5);
    assert_near(summary.budget.trigger_ns, 1.98431);
    assert_near(summary.budget.timebase_ppm, 30);
    assert_near(summary.budget.skew_correction_ns, -2.75);
    free(text);
    tear_down(&fixture);
}

static void a_probe_that_was_not_identified_is_null(void **state)
{
    struct fixture fixture;
    struct p2p_boot_summary summary;
    char *text;

    (void)state;
    set_up(&fixture);
    fixture.record.probe = (struct p2p_probe_info){0};
    fixture.file.fault = "the probe does not answer";
    text = write_and_read(&fixture, &summary);
    assert_golden(text, GOLDEN "unidentified.json");
    assert_string_equal(summary.fault, "the probe does not answer");
    free(text);
    tear_down(&fixture);
}

static void what_the_board_said_is_there(void **state)
{
    static const char console[] = XEN_417 "(XEN) DOM1: " READY_XEN "\r\n"
                                          "(XEN) DOM1: COUNTERS irq=21 stimulus=20 query=1 unexpected_irq=2 spurious=3 "
                                          "fiq=4 serror=5\r\n" XEN_COMMAND_LINE;
    static const char *const pieces[] = {
        "\"version\": \"4.17.7\",\n    \"debug\": \"n\",\n    \"scheduler\": \"credit2\",\n    \"command_line\": "
        "\"console=",
        "\"stub\": \"" READY_XEN "\"",
        "\"irq\": 21,\n    \"unexpected_irq\": 2,\n    \"spurious\": 3,\n    \"fiq\": 4,\n    \"serror\": 5\n",
        "\"ready_ns\": 10,\n    \"armed_ns\": 20,\n    \"disarmed_ns\": 30\n",
        "\"stimuli\": 40,\n  \"answers\": 41,\n  \"tries\": 1,\n  \"failed_try\": null,\n  \"schedule\": null,\n",
    };
    struct fixture fixture;
    struct p2p_boot_summary summary;
    char *text;

    (void)state;
    set_up(&fixture);
    p2p_boot_log_feed(&fixture.record.log, console, sizeof console - 1);
    fixture.record.ready_ns = 10;
    fixture.record.armed_ns = 20;
    fixture.record.disarmed_ns = 30;
    fixture.record.stimuli = 40;
    fixture.record.answers = 41;
    fixture.record.tries = 1;
    text = write_and_read(&fixture, &summary);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        assert_non_null(strstr(text, pieces[i]));
    }
    assert_string_equal(summary.stub, "pin2pin-stub 0.1.0");
    assert_string_equal(summary.stub_path, "2");
    free(text);
    tear_down(&fixture);
}

/* Of a lab: several tries, and stimuli that were late; of a fresh boot, and with digests at their limits. */
static void tries_and_the_achieved_schedule_are_there(void **state)
{
    struct fixture fixture;
    struct p2p_boot_summary summary;
    char *text;

    (void)state;
    set_up(&fixture);
    fixture.ports = fake_bench_lab_ports(fixture.bench);
    fixture.record.tries = 3;
    p2p_error_set(&fixture.record.failed_try, P2P_E_BENCH, "no READY; last line: \xff\x1b[0m");
    fixture.record.stimuli = 1000;
    fixture.record.achieved =
        (struct p2p_achieved){.stimuli = 998, .mean_late_ns = 4321.125, .max_late_ns = 1234567890123, .late = 2};
    fixture.file.confirmation = true;
    fixture.file.edges = (struct p2p_vouched){.known = true, .digest = UINT32_MAX};
    fixture.file.truth = (struct p2p_vouched){.known = true};
    text = write_and_read(&fixture, &summary);
    assert_golden(text, GOLDEN "tried.json");
    assert_true(summary.complete);
    assert_true(summary.confirmation);
    assert_true(summary.edges.known && summary.truth.known);
    assert_int_equal(summary.edges.digest, UINT32_MAX);
    assert_int_equal(summary.truth.digest, 0);
    free(text);
    tear_down(&fixture);
}

/* A lab's boot that never got to a stimulus has a schedule, too: nothing was late, as nothing was played. */
static void a_lab_that_played_nothing_says_so(void **state)
{
    struct fixture fixture;
    struct p2p_boot_summary summary;
    char *text;

    (void)state;
    set_up(&fixture);
    fixture.ports = fake_bench_lab_ports(fixture.bench);
    text = write_and_read(&fixture, &summary);
    assert_non_null(strstr(text, "\"schedule\": {\n    \"stimuli\": 0,\n    \"mean_late_ns\": 0.0,\n    "
                                 "\"max_late_ns\": 0,\n    \"late\": 0\n  },\n"));
    free(text);
    tear_down(&fixture);
}

static void a_console_of_any_bytes_is_printable_in_json(void **state)
{
    static const char console[] = "READY pin2pin-stub \xff\x01\"\\ x\n";
    struct fixture fixture;
    struct p2p_boot_summary summary;
    char *text;

    (void)state;
    set_up(&fixture);
    p2p_boot_log_feed(&fixture.record.log, console, sizeof console - 1);
    fixture.file.fault = "no \x1b[31mred\x7f and no \xc3\xbc";
    text = write_and_read(&fixture, &summary);
    assert_false(summary.complete);
    assert_string_equal(summary.fault, "no ?[31mred? and no ??");
    assert_non_null(strstr(text, "\"READY pin2pin-stub ??\\\"\\\\ x\""));
    assert_string_equal(summary.stub, "pin2pin-stub ??\"\\ x");
    assert_string_equal(summary.stub_path, "");
    free(text);
    tear_down(&fixture);
}

static void a_fault_of_the_longest_text_survives(void **state)
{
    char fault[P2P_ERROR_MESSAGE_BYTES];
    struct fixture fixture;
    struct p2p_boot_summary summary;

    (void)state;
    memset(fault, 'x', sizeof fault - 1);
    fault[sizeof fault - 1] = '\0';
    set_up(&fixture);
    fixture.file.fault = fault;
    free(write_and_read(&fixture, &summary));
    assert_string_equal(summary.fault, fault);
    tear_down(&fixture);
}

static void a_folder_that_is_gone_is_an_error(void **state)
{
    struct fixture fixture;
    struct p2p_error error = {0};

    (void)state;
    set_up(&fixture);
    assert_int_equal(p2p_boot_file_write("/nonexistent/boot.json", &fixture.file, &error), P2P_E_HOST);
    assert_non_null(strstr(error.message, "/nonexistent/boot.json"));
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_boot_that_said_nothing_is_all_null),
        cmocka_unit_test(a_probe_that_was_not_identified_is_null),
        cmocka_unit_test(what_the_board_said_is_there),
        cmocka_unit_test(tries_and_the_achieved_schedule_are_there),
        cmocka_unit_test(a_lab_that_played_nothing_says_so),
        cmocka_unit_test(a_console_of_any_bytes_is_printable_in_json),
        cmocka_unit_test(a_fault_of_the_longest_text_survives),
        cmocka_unit_test(a_folder_that_is_gone_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
