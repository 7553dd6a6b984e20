/* SPDX-License-Identifier: MIT */
/*
 * Whole plans on the fake bench, into a folder. Replaced at link time: the calls that write, for a disk that gets full
 * and stays so, and fsync, for speed.
 */
#include "session/campaign.h"

#include "../store/temporary.h"
#include "consoles.h"
#include "fake_bench.h"
#include "store/analysis.h"
#include "store/boot_seed.h"
#include "store/run_folder.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

enum { CONFIGURATIONS = 3, BOOTS = 2, FILE_BYTES_MAX = 1 << 20 };

/* Of which the first round is in the plan's order; the second is the same mirrored. */
enum { SEED = 3 };
#define ORDER "native xen-4.17 other other xen-4.17 native "

/* ---- the disk ---- */

/* The replaced functions have no argument to keep this in. */
static struct {
    uint64_t writes, writes_left;
} disk = {.writes_left = FAKE_NEVER};

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*): the linker makes these names */
ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);
bool __real_p2p_write_all(int fd, const void *data, size_t size);
bool __wrap_p2p_write_all(int fd, const void *data, size_t size);
enum p2p_code __real_p2p_write_file(const char *path, const void *data, size_t size, struct p2p_error *error);
enum p2p_code __wrap_p2p_write_file(const char *path, const void *data, size_t size, struct p2p_error *error);
int __wrap_fsync(int fd);

static bool disk_is_full(void)
{
    errno = ENOSPC;
    return disk.writes++ >= disk.writes_left;
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return disk_is_full() ? -1 : __real_pwrite(fd, data, size, offset);
}

bool __wrap_p2p_write_all(int fd, const void *data, size_t size)
{
    return !disk_is_full() && __real_p2p_write_all(fd, data, size);
}

enum p2p_code __wrap_p2p_write_file(const char *path, const void *data, size_t size, struct p2p_error *error)
{
    return disk_is_full() ? p2p_error_set_errno(error, P2P_E_HOST, ENOSPC, "%s", path)
                          : __real_p2p_write_file(path, data, size, error);
}

int __wrap_fsync(int fd)
{
    (void)fd;
    return 0;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */

/* ---- a run ---- */

struct fixture {
    char *folder;
    struct fake_bench *bench;
    struct p2p_ports ports;
    struct p2p_bench wiring;
    struct p2p_plan plan;
    struct p2p_configuration configurations[CONFIGURATIONS];
    struct p2p_xen xen;
    struct p2p_result *result;
    struct p2p_campaign campaign;
    struct p2p_error error;
    uint64_t luck_ns;  /* a boot's own: its number times this is added to every latency of "other" */
    uint64_t drift_ns; /* added to every latency of "native", boot by boot of the run */
    uint64_t others;   /* boots of "other" so far */
    char order[256];   /* names of the configurations as they were powered */
    uint64_t tick_ns;  /* of the probe in healthy boots */
    uint64_t odd_boot; /* the one, from 1, that runs the script below; 0: none */
    struct fake_script odd;
    uint64_t progress_calls;
    struct p2p_progress last;
};

static const size_t ALL[CONFIGURATIONS] = {0, 1, 2};

/* What stands in result.json as a boot begins: all boots before it, and that more are to come. */
static void check_result_so_far(const struct fixture *fixture)
{
    char *path = p2p_result_path(fixture->folder);
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_result_load(path, &error);
    uint64_t boots = 0;

    assert_non_null(result);
    for (size_t i = 0; i < result->configuration_count; i++) {
        boots += result->configurations[i].boots + result->configurations[i].confirmation.boots;
    }
    assert_int_equal(boots, fixture->last.boots_done);
    assert_false(result->complete);
    assert_int_equal(result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    p2p_result_free(result);
    free(path);
}

static void on_power(void *user, const char *configuration)
{
    struct fixture *fixture = user;
    size_t length = strlen(fixture->order);
    struct fake_script script = fake_healthy(strncmp(configuration, "xen", 3) == 0 ? "4.17" : NULL);

    script.tick_ns = fixture->tick_ns;
    if (strcmp(configuration, "other") == 0) {
        script.answer_ns += fixture->luck_ns * ++fixture->others;
    } else if (strcmp(configuration, "native") == 0) {
        script.answer_ns += fixture->drift_ns * (fake_bench_boots(fixture->bench) - 1);
    }
    snprintf(fixture->order + length, sizeof fixture->order - length, "%s ", configuration);
    fake_bench_rescript(fixture->bench,
                        fake_bench_boots(fixture->bench) == fixture->odd_boot ? &fixture->odd : &script);
    check_result_so_far(fixture);
}

/* Our descriptors below 64, as bits. */
static uint64_t open_fds(void)
{
    uint64_t open = 0;

    for (int fd = 0; fd < 64; fd++) {
        open |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
    }
    return open;
}

static void on_progress(void *user, const struct p2p_progress *progress)
{
    struct fixture *fixture = user;

    assert_true(progress->boots_done <= progress->boots_planned);
    assert_true(progress->stimuli_done <= progress->stimuli_planned);
    assert_true(progress->stimuli_done >= fixture->last.stimuli_done);
    fixture->last = *progress;
    fixture->progress_calls++;
}

/* The configurations native, xen-4.17 and other, `count` of them as `selected` says, twice each. */
static void set_up(struct fixture *fixture, const size_t *selected, size_t count)
{
    struct fake_script script = fake_healthy(NULL);

    *fixture = (struct fixture){.folder = temporary_folder(), .bench = fake_bench_new(&script), .tick_ns = 1};
    fake_plan(&fixture->plan, &fixture->configurations[1], &fixture->xen, "4.17");
    fixture->configurations[0] = (struct p2p_configuration){.name = "native", .limits = P2P_NO_LIMITS};
    fixture->configurations[2] = (struct p2p_configuration){.name = "other", .limits = P2P_NO_LIMITS};
    fixture->plan.configurations = fixture->configurations;
    fixture->plan.configuration_count = CONFIGURATIONS;
    fixture->plan.seed = SEED;
    fixture->plan.boots = BOOTS;
    fixture->plan.samples = 5;
    fake_wiring(&fixture->wiring);
    fixture->ports = fake_bench_ports(fixture->bench);
    fixture->result = p2p_result_new(&fixture->plan, &fixture->wiring, selected, count);
    assert_non_null(fixture->result);
    fixture->campaign = (struct p2p_campaign){
        .ports = &fixture->ports,
        .bench = &fixture->wiring,
        .plan = &fixture->plan,
        .selected = selected,
        .folder = fixture->folder,
        .progress = on_progress,
        .user = fixture,
    };
    fake_bench_on_power(fixture->bench, on_power, fixture);
}

/* The same plan at a lab's bench, where a boot may take two tries. */
static void be_a_lab(struct fixture *fixture)
{
    fake_lab_wiring(&fixture->wiring, 2);
    fixture->ports = fake_bench_lab_ports(fixture->bench);
}

static enum p2p_code run(struct fixture *fixture)
{
    uint64_t before = open_fds();
    enum p2p_code code = p2p_campaign_run(&fixture->campaign, fixture->result, &fixture->error);

    assert_int_equal(code, fixture->error.code);
    assert_int_equal(open_fds(), before);
    assert_true(fake_bench_boots(fixture->bench) == 0 || fake_bench_ended_well(fixture->bench));
    return code;
}

static void tear_down(struct fixture *fixture)
{
    p2p_result_free(fixture->result);
    fake_bench_free(fixture->bench);
    temporary_remove(fixture->folder);
}

/* The result in memory, the one on disk, and the one made again from the boots are the same to the byte. */
static void check_results_agree(const struct fixture *fixture)
{
    struct p2p_error error = {0};
    char *path = p2p_result_path(fixture->folder);
    struct p2p_result *again = p2p_analyse_run(fixture->folder, &error);
    char *in_memory = p2p_result_encode(fixture->result);
    char *remade, *on_disk;
    size_t size;

    assert_non_null(again);
    remade = p2p_result_encode(again);
    assert_int_equal(p2p_read_file(path, FILE_BYTES_MAX, &on_disk, &size, &error), P2P_OK);
    assert_string_equal(in_memory, on_disk);
    assert_string_equal(remade, on_disk);
    free(on_disk);
    free(remade);
    free(in_memory);
    p2p_result_free(again);
    free(path);
}

static bool exists(const struct fixture *fixture, const char *name)
{
    char *path = p2p_format("%s/%s", fixture->folder, name);
    bool there = access(path, F_OK) == 0;

    free(path);
    return there;
}

static void configurations_take_turns_and_leave_their_files(void **state)
{
    static const char *const files[] = {"native/boot-001/console.log", "native/boot-002/edges.p2p",
                                        "xen-4.17/boot-001/boot.json", "xen-4.17/boot-002/console.log",
                                        "other/boot-001/edges.p2p",    "other/boot-002/boot.json",
                                        "native/boot-001/truth.p2p",   "xen-4.17/boot-002/truth.p2p"};
    struct fixture fixture;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    assert_int_equal(run(&fixture), P2P_OK);
    assert_string_equal(fixture.order, ORDER);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_true(exists(&fixture, files[i]));
    }
    assert_true(fixture.result->complete);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_PASS);
    for (size_t i = 0; i < CONFIGURATIONS; i++) {
        assert_int_equal(fixture.result->configurations[i].stats.n, 10);
        assert_int_equal(fixture.result->configurations[i].stats.max_ns, 700);
    }
    assert_int_equal(fixture.last.boots_planned, 6);
    assert_int_equal(fixture.last.stimuli_planned, 30);
    assert_int_equal(fixture.last.stimuli_done, 30);
    check_results_agree(&fixture);
    tear_down(&fixture);
}

static void a_selection_keeps_each_boots_schedule(void **state)
{
    static const size_t last_and_first[] = {2, 0};
    struct fixture fixture;
    char *path, *text, seed[32];
    struct p2p_error error = {0};
    size_t size;

    (void)state;
    set_up(&fixture, last_and_first, 2);
    assert_int_equal(run(&fixture), P2P_OK);
    assert_string_equal(fixture.order, "other native native other ");
    path = p2p_format("%s/other/boot-002/boot.json", fixture.folder);
    assert_int_equal(p2p_read_file(path, FILE_BYTES_MAX, &text, &size, &error), P2P_OK);
    snprintf(seed, sizeof seed, "\"0x%016" PRIx64 "\"", p2p_boot_seed(SEED, 2, 2));
    assert_non_null(strstr(text, seed));
    free(text);
    free(path);
    check_results_agree(&fixture);
    tear_down(&fixture);
}

static void a_faulty_boot_is_a_verdict_and_the_others_go_on(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    fixture.odd_boot = 2;
    fixture.odd = fake_healthy("4.17");
    fixture.odd.ready = NULL;
    assert_int_equal(run(&fixture), P2P_OK);
    assert_int_equal(fake_bench_boots(fixture.bench), 6);
    assert_true(fixture.result->complete);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_int_equal(fixture.result->configurations[0].judgement.verdict, P2P_VERDICT_PASS);
    assert_int_equal(fixture.result->configurations[2].judgement.verdict, P2P_VERDICT_PASS);
    assert_int_equal(fixture.result->configurations[1].judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_string_equal(fixture.result->configurations[1].judgement.reason,
                        "boot 1: no READY from the guest stub within 1 s (timeouts.boot_s); last line on the console: "
                        "Freed 348kB init memory.");
    assert_int_equal(fixture.result->configurations[1].boots, 2);
    assert_int_equal(fixture.result->configurations[1].stats.n, 5);
    check_results_agree(&fixture);
    tear_down(&fixture);
}

static void odd_answers_become_the_verdict(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    fixture.odd_boot = 6;
    fixture.odd = fake_healthy(NULL);
    fixture.odd.late = 3;
    fixture.result->configurations[0].limits.exceedance = (struct p2p_exceedance_limit){1000000, 0.9};
    assert_int_equal(run(&fixture), P2P_OK);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_FAIL);
    assert_int_equal(fixture.result->configurations[0].exceedance.n, 10);
    assert_int_equal(fixture.result->configurations[0].exceedance.count, 1); /* late: above any limit */
    assert_string_equal(fixture.result->configurations[0].judgement.reason, "1 answer later than the deadline");
    check_results_agree(&fixture);
    tear_down(&fixture);
}

/* ---- fresh boots of what failed ---- */

/* As set_up, with one fresh boot for each configuration that fails. */
static void set_up_to_confirm(struct fixture *fixture)
{
    set_up(fixture, ALL, CONFIGURATIONS);
    fixture->plan.confirm_boots = fixture->result->confirm_boots = 1;
}

static void expect_confirmation(const struct fixture *fixture, size_t number, enum p2p_verdict verdict,
                                const char *reason, const char *reason_of_boots)
{
    const struct p2p_result_configuration *failed = &fixture->result->configurations[number];

    assert_true(fixture->result->complete);
    assert_int_equal(fixture->result->judgement.verdict, P2P_VERDICT_FAIL);
    assert_int_equal(failed->judgement.verdict, P2P_VERDICT_FAIL);
    assert_string_equal(failed->judgement.reason, reason);
    assert_int_equal(failed->boots, BOOTS);
    assert_int_equal(failed->account.stimuli, 10);
    assert_int_equal(failed->confirmation.boots, 1);
    assert_int_equal(failed->confirmation.judgement.verdict, verdict);
    assert_string_equal(failed->confirmation.judgement.reason, reason_of_boots);
    for (size_t i = 0; i < CONFIGURATIONS; i++) {
        assert_int_equal(fixture->result->configurations[i].confirmation.boots, i == number);
    }
    assert_int_equal(fixture->last.boots_planned, 7);
    assert_int_equal(fixture->last.stimuli_done, 35);
    assert_int_equal(fixture->result->order_count, 7);
    check_results_agree(fixture);
}

static void a_failure_is_confirmed_on_a_fresh_boot(void **state)
{
    struct fixture fixture;
    char *text, *path;
    struct p2p_error error = {0};
    size_t size;

    (void)state;
    set_up_to_confirm(&fixture);
    fixture.result->configurations[2].limits.max_ns = 699;
    assert_int_equal(run(&fixture), P2P_OK);
    assert_string_equal(fixture.order, ORDER "other ");
    expect_confirmation(&fixture, 2, P2P_VERDICT_FAIL, "max 700 ns > limit 699 ns; confirmed on a fresh boot",
                        "max 700 ns > limit 699 ns");
    assert_int_equal(fixture.result->configurations[2].confirmation.stats.n, 5);
    path = p2p_format("%s/other/boot-003/boot.json", fixture.folder);
    assert_int_equal(p2p_read_file(path, FILE_BYTES_MAX, &text, &size, &error), P2P_OK);
    assert_non_null(strstr(text, "\"boot\": 3,\n  \"confirmation\": true,\n"));
    free(text);
    free(path);
    tear_down(&fixture);
}

/* A fact stays a fact, and so does what the fresh boot showed. */
static void a_failure_that_does_not_come_again_stays_a_failure(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up_to_confirm(&fixture);
    fixture.odd_boot = 6;
    fixture.odd = fake_healthy(NULL);
    fixture.odd.late = 3;
    assert_int_equal(run(&fixture), P2P_OK);
    assert_string_equal(fixture.order, ORDER "native ");
    expect_confirmation(&fixture, 0, P2P_VERDICT_PASS,
                        "1 answer later than the deadline; a fresh boot did not show it again", "");
    tear_down(&fixture);
}

static void a_fresh_boot_that_breaks_confirms_nothing(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up_to_confirm(&fixture);
    fixture.result->configurations[2].limits.max_ns = 699;
    fixture.odd_boot = 7;
    fixture.odd = fake_healthy(NULL);
    fixture.odd.serror = 1;
    assert_int_equal(run(&fixture), P2P_OK);
    assert_int_equal(fixture.result->configurations[2].confirmation.judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_string_equal(fixture.result->configurations[2].judgement.reason,
                        "max 700 ns > limit 699 ns; the fresh boot was a BENCH FAULT");
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_FAIL);
    check_results_agree(&fixture);
    tear_down(&fixture);
}

static void a_bench_fault_gets_no_fresh_boot(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up_to_confirm(&fixture);
    fixture.odd_boot = 2;
    fixture.odd = fake_healthy("4.17");
    fixture.odd.ready = NULL;
    assert_int_equal(run(&fixture), P2P_OK);
    assert_string_equal(fixture.order, ORDER);
    assert_true(fixture.result->complete);
    assert_int_equal(fixture.result->configurations[1].confirmation.boots, 0);
    check_results_agree(&fixture);
    tear_down(&fixture);
}

static void a_plan_may_ask_for_several_fresh_boots_or_none(void **state)
{
    struct fixture fixture;

    (void)state;
    for (uint32_t boots = 0; boots <= 3; boots += 3) {
        set_up_to_confirm(&fixture);
        fixture.plan.confirm_boots = fixture.result->confirm_boots = boots;
        fixture.result->configurations[2].limits.max_ns = 699;
        assert_int_equal(run(&fixture), P2P_OK);
        assert_string_equal(fixture.order, boots == 0 ? ORDER : ORDER "other other other ");
        assert_string_equal(fixture.result->configurations[2].judgement.reason,
                            boots == 0 ? "max 700 ns > limit 699 ns"
                                       : "max 700 ns > limit 699 ns; confirmed on fresh boots");
        assert_int_equal(fixture.result->configurations[2].confirmation.stats.n, 5 * boots);
        check_results_agree(&fixture);
        tear_down(&fixture);
    }
}

/* All that was recorded stays, and says that it is not all. */
static void an_interrupt_in_a_fresh_boot_keeps_everything(void **state)
{
    struct fixture fixture;
    const struct p2p_result_configuration *failed;

    (void)state;
    set_up_to_confirm(&fixture);
    failed = &fixture.result->configurations[2];
    fixture.result->configurations[2].limits.max_ns = 699;
    fixture.odd_boot = 7;
    fixture.odd = fake_healthy(NULL);
    fixture.odd.fail_port = FAKE_CLOCK;
    fixture.odd.fail_step = 5;
    fixture.odd.fail_code = P2P_E_INTERRUPTED;
    assert_int_equal(run(&fixture), P2P_E_INTERRUPTED);
    assert_false(fixture.result->complete);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_int_equal(failed->judgement.verdict, P2P_VERDICT_FAIL);
    assert_int_equal(failed->stats.n, 10);
    assert_int_equal(failed->confirmation.boots, 1);
    check_results_agree(&fixture);
    tear_down(&fixture);
}

/* ---- drift and luck ---- */

static void a_control_that_drifts_voids_the_run(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    fixture.drift_ns = 20; /* the sixth boot of the run is native's second */
    fixture.result->configurations[0].control = (struct p2p_band){690, 740};
    assert_int_equal(run(&fixture), P2P_OK);
    assert_string_equal(fixture.result->configurations[0].judgement.reason,
                        "the bench is sick: avg 750.000 ns, expected 690 to 740 ns of this control");
    assert_int_equal(fixture.result->configurations[1].judgement.verdict, P2P_VERDICT_PASS);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    check_results_agree(&fixture);
    tear_down(&fixture);
}

/*
 * Luck of boots, which every sample of a boot shares, is told apart from what varies within one: "other" is off by 100
 * ns a boot, and the ticks of 8 ns make the rest. 700 ns are 87.5 ticks.
 */
static void luck_of_boots_is_told_apart_from_the_spread_within(void **state)
{
    struct fixture fixture;
    const struct p2p_result_configuration *lucky, *sober;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    fixture.plan.boots = fixture.result->boots = 3;
    fixture.plan.samples = fixture.result->samples = 100;
    fixture.tick_ns = 8;
    fixture.luck_ns = 100;
    assert_int_equal(run(&fixture), P2P_OK);
    sober = &fixture.result->configurations[0];
    lucky = &fixture.result->configurations[2];
    assert_int_equal(lucky->boot_figure_count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(lucky->boot_figures[i].boot, i + 1);
        assert_int_equal(lucky->boot_figures[i].figures.n, 100);
        assert_in_range((uint64_t)lucky->boot_figures[i].figures.value_ns[P2P_FIGURE_AVG], 792 + 100 * i,
                        808 + 100 * i);
    }
    assert_in_range((uint64_t)lucky->spread.between_boots_ns, 95, 105); /* of 800, 900, 1000: 100 */
    assert_in_range((uint64_t)sober->spread.between_boots_ns, 0, 2);
    assert_in_range((uint64_t)lucky->spread.within_boot_ns, 0, 8);
    assert_in_range((uint64_t)sober->spread.within_boot_ns, 1, 8);
    check_results_agree(&fixture);
    tear_down(&fixture);
}

/* 8 ns a tick: each stamp is up to a tick early, and so a latency is off by less than one. */
static void the_probe_is_held_to_the_truth(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    fixture.tick_ns = 8;
    assert_int_equal(run(&fixture), P2P_OK);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_PASS);
    assert_int_equal(fixture.result->tick_hz, 125000000);
    assert_string_equal(fixture.result->probe, "fake");
    assert_string_equal(fixture.result->serial, "00000000000000fa");
    assert_string_equal(fixture.result->firmware, "fake 1.0");
    for (size_t i = 0; i < CONFIGURATIONS; i++) {
        const struct p2p_truth *truth = &fixture.result->configurations[i].truth;

        assert_true(truth->known);
        assert_int_equal(truth->n, 10);
        assert_int_equal(truth->unmatched, 0);
        assert_true(truth->max_error_ns >= 4 && truth->max_error_ns < 8); /* 700 ns are 87.5 ticks */
    }
    check_results_agree(&fixture);
    tear_down(&fixture);
}

static void without_a_truth_there_is_no_file_of_it(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    fixture.ports.truth = (struct p2p_probe){0};
    assert_int_equal(run(&fixture), P2P_OK);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_PASS);
    assert_false(exists(&fixture, "native/boot-001/truth.p2p"));
    assert_false(fixture.result->configurations[0].truth.known);
    check_results_agree(&fixture);
    tear_down(&fixture);
}

/* One clear reason, no word of files that could not be there; the other boots go on. */
static void a_probe_that_is_not_identified_is_one_fault(void **state)
{
    struct fixture fixture;

    (void)state;
    for (uint64_t boot = 1; boot <= 6; boot += 5) { /* the first of the run, and the last */
        set_up(&fixture, ALL, CONFIGURATIONS);
        fixture.odd_boot = boot;
        fixture.odd = fake_healthy(NULL);
        fixture.odd.answers[P2P_PROBE_IDENTIFY] = FAKE_NEVER_SETTLES;
        assert_int_equal(run(&fixture), P2P_OK);
        assert_int_equal(fake_bench_boots(fixture.bench), 6);
        assert_string_equal(fixture.result->configurations[0].judgement.reason,
                            boot == 1 ? "boot 1: the probe did not end IDENTIFY within 3000 ms"
                                      : "boot 2: the probe did not end IDENTIFY within 3000 ms");
        assert_int_equal(fixture.result->configurations[0].stats.n, 5);
        assert_string_equal(fixture.result->configurations[1].judgement.reason, "");
        assert_string_equal(fixture.result->serial, "00000000000000fa");
        assert_int_equal(exists(&fixture, "native/boot-001/edges.p2p"), boot != 1);
        assert_int_equal(exists(&fixture, "native/boot-001/truth.p2p"), boot != 1);
        assert_true(exists(&fixture, "native/boot-001/console.log"));
        check_results_agree(&fixture);
        tear_down(&fixture);
    }
}

static void no_probe_in_any_boot_is_no_probe_in_the_result(void **state)
{
    static const size_t native[] = {0};
    struct fixture fixture;

    (void)state;
    set_up(&fixture, native, 1);
    fixture.plan.boots = fixture.result->boots = 1;
    fixture.odd_boot = 1;
    fixture.odd = fake_healthy(NULL);
    fixture.odd.answers[P2P_PROBE_IDENTIFY] = FAKE_REFUSES;
    assert_int_equal(run(&fixture), P2P_OK);
    assert_string_equal(fixture.result->probe, "");
    assert_string_equal(fixture.result->configurations[0].judgement.reason,
                        "boot 1: the fake probe refuses to identify");
    check_results_agree(&fixture);
    tear_down(&fixture);
}

/* What a failing bench still hands out has no file yet to go to. */
static void edges_before_the_probe_is_known_do_no_harm(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    fixture.odd_boot = 2;
    fixture.odd = fake_healthy("4.17");
    fixture.odd.stray = true;
    fixture.odd.fail_port = FAKE_POWER;
    fixture.odd.fail_step = 1;
    fixture.odd.fail_code = P2P_E_BENCH;
    assert_int_equal(run(&fixture), P2P_OK);
    assert_string_equal(fixture.result->configurations[1].judgement.reason, "boot 1: scripted failure");
    check_results_agree(&fixture);
    tear_down(&fixture);
}

/* Not the bench's fault, so nothing goes on; what was recorded stays and says that it is not all. */
static void expect_end(uint64_t boot, enum p2p_code code, const char *order, const char *reason)
{
    struct fixture fixture;

    set_up(&fixture, ALL, CONFIGURATIONS);
    fixture.odd_boot = boot;
    fixture.odd = fake_healthy(NULL);
    fixture.odd.fail_port = FAKE_CLOCK;
    fixture.odd.fail_step = 5;
    fixture.odd.fail_code = code;
    assert_int_equal(run(&fixture), code);
    assert_string_equal(fixture.error.message, "scripted failure");
    assert_string_equal(fixture.order, order);
    assert_false(fixture.result->complete);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_non_null(strstr(fixture.result->judgement.reason, reason));
    assert_string_equal(fixture.result->configurations[(uint64_t)2 * CONFIGURATIONS - boot].judgement.reason,
                        "boot 2: scripted failure; boot 2: the recording of edges has no end");
    check_results_agree(&fixture);
    tear_down(&fixture);
}

static void an_error_that_is_not_the_benchs_ends_the_run(void **state)
{
    static const enum p2p_code codes[] = {P2P_E_INTERRUPTED, P2P_E_HOST, P2P_E_INPUT};

    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        expect_end(4, codes[i], "native xen-4.17 other other ", "the run is incomplete: 4 of 6 boots recorded");
        expect_end(6, codes[i], ORDER,
                   "the run is incomplete: all boots of the plan are recorded, but it did not come to its end");
    }
}

/* Whenever it gets full: an error of this computer, and never a result on disk that claims more than there is. */
static void check_full_disk(bool lab)
{
    enum { EVERY = 5 }; /* a prime: it meets the several kinds of write at all places */
    bool filled = true;

    for (uint64_t writes = 0; filled; writes += EVERY) {
        struct fixture fixture;
        enum p2p_code code;
        char *path;

        set_up(&fixture, ALL, CONFIGURATIONS);
        if (lab) {
            be_a_lab(&fixture);
        }
        disk.writes = 0;
        disk.writes_left = writes;
        code = run(&fixture);
        filled = disk.writes > writes;
        disk.writes_left = FAKE_NEVER;
        assert_int_equal(code, filled ? P2P_E_HOST : P2P_OK);
        assert_int_equal(filled, strstr(fixture.error.message, "No space left") != NULL);
        path = p2p_result_path(fixture.folder);
        if (filled && access(path, F_OK) == 0) {
            struct p2p_error error = {0};
            struct p2p_result *result = p2p_analyse_run(fixture.folder, &error);

            assert_non_null(result);
            assert_false(result->complete);
            assert_int_equal(result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
            p2p_result_free(result);
        } else {
            assert_true(!filled || writes == 0);
        }
        free(path);
        tear_down(&fixture);
    }
}

static void a_full_disk_ends_the_run(void **state)
{
    (void)state;
    check_full_disk(false);
    check_full_disk(true);
}

/* ---- a lab's console ---- */

/* Of boot 1 of `configuration`. free() it. */
static char *read_boot_file(const struct fixture *fixture, const char *configuration, const char *name)
{
    char *path = p2p_format("%s/%s/boot-001/%s", fixture->folder, configuration, name);
    struct p2p_error error = {0};
    char *text = NULL;
    size_t size;

    assert_int_equal(p2p_read_file(path, FILE_BYTES_MAX, &text, &size, &error), P2P_OK);
    free(path);
    return text;
}

/*
 * console.times begins with `first` and has `lines` lines "END TIME": ends ascend to the end of console.log, so that
 * every byte of it has a stamp. The fake stamps by bench time plus the bytes of this try so far (fake_bench.h).
 */
static void check_times(const struct fixture *fixture, const char *configuration, const char *first, size_t lines)
{
    char *log = read_boot_file(fixture, configuration, "console.log");
    char *times = read_boot_file(fixture, configuration, "console.times");
    uint64_t end = 0;

    assert_int_equal(strncmp(times, first, strlen(first)), 0);
    for (char *line = times; *line != '\0'; line++, lines--) {
        uint64_t next = strtoull(line, &line, 10);

        assert_true(next > end);
        end = next;
        assert_int_equal(*line, ' ');
        assert_true(strtoull(line, &line, 10) > 0);
        assert_int_equal(*line, '\n');
    }
    assert_int_equal(lines, 0);
    assert_int_equal(end, strlen(log));
    free(times);
    free(log);
}

static void a_labs_console_is_stamped_byte_for_byte(void **state)
{
    const size_t ready = strlen(READY "\n"), banner = strlen(XEN_417);
    struct fixture fixture;
    char first[64];

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    be_a_lab(&fixture);
    assert_int_equal(run(&fixture), P2P_OK);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_PASS);
    assert_int_equal(fixture.result->time_base, P2P_TIME_HARDWARE);
    snprintf(first, sizeof first, "%zu %zu\n", ready, 10000000 + ready);  /* the first look after it came */
    check_times(&fixture, "native", first, 2);                            /* and COUNTERS */
    snprintf(first, sizeof first, "%zu %zu\n", banner, 1000000 + banner); /* while the probe is identified */
    check_times(&fixture, "xen-4.17", first, 4);                          /* and READY, COUNTERS, Xen's log */
    check_results_agree(&fixture);
    tear_down(&fixture);
}

static void a_virtual_benchs_console_is_not_stamped(void **state)
{
    struct fixture fixture;
    char *text;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    assert_int_equal(run(&fixture), P2P_OK);
    assert_false(exists(&fixture, "native/boot-001/console.times"));
    assert_false(exists(&fixture, "xen-4.17/boot-002/console.times"));
    text = read_boot_file(&fixture, "native", "boot.json");
    assert_non_null(strstr(text, "\"tries\": 1,\n  \"failed_try\": null,\n  \"schedule\": null,\n"));
    free(text);
    tear_down(&fixture);
}

/* One boot, two tries: one folder, one of each file, and boot.json tells. */
static void a_boot_of_two_tries_is_one_boot(void **state)
{
    static const char words[] = "U-Boot 2026.01\nhalf a line";
    const size_t said = strlen(words), ready = strlen(READY "\n");
    struct fixture fixture;
    char *text, first[128];

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    be_a_lab(&fixture);
    fixture.odd_boot = 1;
    fixture.odd = fake_healthy(NULL);
    fixture.odd.ready = NULL;
    fixture.odd.banner = words;
    assert_int_equal(run(&fixture), P2P_OK);
    assert_int_equal(fake_bench_boots(fixture.bench), 7);
    assert_string_equal(fixture.order, "native " ORDER);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_PASS);
    assert_int_equal(fixture.result->configurations[0].boots, 2);
    assert_int_equal(fixture.result->configurations[0].stats.n, 10);
    text = read_boot_file(&fixture, "native", "boot.json");
    assert_non_null(strstr(text, "\"tries\": 2,\n  \"failed_try\": \"no READY from the guest stub within 1 s "
                                 "(timeouts.boot_s); last line on the console: U-Boot 2026.01\",\n  \"schedule\": "
                                 "{\n    \"stimuli\": 5,\n    \"mean_late_ns\": 1.5,\n    \"max_late_ns\": 3,\n    "
                                 "\"late\": 1\n  },\n"));
    free(text);
    text = read_boot_file(&fixture, "native", "console.log");
    assert_int_equal(strncmp(text, words, strlen(words)), 0);
    free(text);
    snprintf(first, sizeof first, "%zu %zu\n%zu %zu\n", said, 1000000 + said, said + ready, 10000000 + ready);
    check_times(&fixture, "native", first, 3);
    check_results_agree(&fixture);
    tear_down(&fixture);
}

static void a_board_that_stays_on_is_a_faulty_boot(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    be_a_lab(&fixture);
    fixture.odd_boot = 3;
    fixture.odd = fake_healthy(NULL);
    fixture.odd.stays_on = true;
    assert_int_equal(run(&fixture), P2P_OK);
    assert_int_equal(fixture.result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_string_equal(fixture.result->configurations[2].judgement.reason,
                        "boot 1: the board may still be on: the fake one");
    check_results_agree(&fixture);
    tear_down(&fixture);
}

static void files_that_are_there_are_not_written_over(void **state)
{
    struct fixture fixture;
    char *folder;

    (void)state;
    set_up(&fixture, ALL, CONFIGURATIONS);
    folder = p2p_boot_folder(fixture.folder, "native", 1);
    assert_int_equal(p2p_make_folders(folder, &fixture.error), P2P_OK);
    temporary_write(folder, "console.log", "precious");
    assert_int_equal(run(&fixture), P2P_E_HOST);
    assert_non_null(strstr(fixture.error.message, "console.log: cannot create: File exists"));
    assert_int_equal(fake_bench_boots(fixture.bench), 0);
    free(folder);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(configurations_take_turns_and_leave_their_files),
        cmocka_unit_test(a_selection_keeps_each_boots_schedule),
        cmocka_unit_test(a_faulty_boot_is_a_verdict_and_the_others_go_on),
        cmocka_unit_test(odd_answers_become_the_verdict),
        cmocka_unit_test(a_failure_is_confirmed_on_a_fresh_boot),
        cmocka_unit_test(a_failure_that_does_not_come_again_stays_a_failure),
        cmocka_unit_test(a_fresh_boot_that_breaks_confirms_nothing),
        cmocka_unit_test(a_bench_fault_gets_no_fresh_boot),
        cmocka_unit_test(a_plan_may_ask_for_several_fresh_boots_or_none),
        cmocka_unit_test(an_interrupt_in_a_fresh_boot_keeps_everything),
        cmocka_unit_test(a_control_that_drifts_voids_the_run),
        cmocka_unit_test(luck_of_boots_is_told_apart_from_the_spread_within),
        cmocka_unit_test(the_probe_is_held_to_the_truth),
        cmocka_unit_test(without_a_truth_there_is_no_file_of_it),
        cmocka_unit_test(a_probe_that_is_not_identified_is_one_fault),
        cmocka_unit_test(no_probe_in_any_boot_is_no_probe_in_the_result),
        cmocka_unit_test(edges_before_the_probe_is_known_do_no_harm),
        cmocka_unit_test(an_error_that_is_not_the_benchs_ends_the_run),
        cmocka_unit_test(a_full_disk_ends_the_run),
        cmocka_unit_test(a_labs_console_is_stamped_byte_for_byte),
        cmocka_unit_test(a_virtual_benchs_console_is_not_stamped),
        cmocka_unit_test(a_boot_of_two_tries_is_one_boot),
        cmocka_unit_test(a_board_that_stays_on_is_a_faulty_boot),
        cmocka_unit_test(files_that_are_there_are_not_written_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
