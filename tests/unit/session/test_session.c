/* SPDX-License-Identifier: MIT */
/* One boot on the fake bench: in health, with each fault alone, and with some 600 random scripts. */
#include "session/session.h"

#include "capture/pairing.h"
#include "consoles.h"
#include "fake_bench.h"
#include "session/schedule.h"
#include "util/prng.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { EDGES_MAX = 40000, CONSOLE_MAX = 65536, LEAD_NS = 1000000, BABBLE_FLOOR = 10000 };

/* Where the session's data go; a disk that gets full at a call of its own. */
struct disk {
    struct fake_bench *bench; /* for its diary */
    struct p2p_probe_info probe;
    struct p2p_edge *edges, *truth;
    size_t edge_count, truth_count;
    char *console;
    size_t console_bytes;
    size_t stamped_bytes;
    uint64_t probe_calls, edges_calls, truth_calls, console_calls, stamp_calls;
    uint64_t probe_fail_at, edges_fail_at, truth_fail_at, console_fail_at, stamp_fail_at; /* from 1; 0: never */
    bool failed;
    uint64_t progress;
};

static enum p2p_code full(struct disk *disk, struct p2p_error *error)
{
    disk->failed = true;
    return p2p_error_set(error, P2P_E_HOST, "disk full");
}

static enum p2p_code keep_probe(void *user, const struct p2p_probe_info *info, struct p2p_error *error)
{
    struct disk *disk = user;

    assert_int_equal(disk->edge_count, 0);
    disk->probe = *info; /* the record holds it, too, whatever the disk says */
    return ++disk->probe_calls == disk->probe_fail_at ? full(disk, error) : P2P_OK;
}

static void keep(struct p2p_edge *kept, size_t *kept_count, const struct p2p_edge *edges, size_t count)
{
    assert_true(*kept_count + count <= EDGES_MAX);
    memcpy(kept + *kept_count, edges, count * sizeof *edges);
    *kept_count += count;
}

static enum p2p_code keep_edges(void *user, const struct p2p_edge *edges, size_t count, struct p2p_error *error)
{
    struct disk *disk = user;

    if (++disk->edges_calls == disk->edges_fail_at) {
        return full(disk, error);
    }
    if (edges->channel == P2P_CHANNEL_MARK) {
        fake_bench_note(disk->bench, edges->flags == P2P_MARK_ARMED ? "ARMED" : "DISARMED");
    }
    keep(disk->edges, &disk->edge_count, edges, count);
    return P2P_OK;
}

static enum p2p_code keep_truth(void *user, const struct p2p_edge *edges, size_t count, struct p2p_error *error)
{
    struct disk *disk = user;

    if (++disk->truth_calls == disk->truth_fail_at) {
        return full(disk, error);
    }
    keep(disk->truth, &disk->truth_count, edges, count);
    return P2P_OK;
}

static enum p2p_code keep_console(void *user, const char *bytes, size_t count, struct p2p_error *error)
{
    struct disk *disk = user;

    if (++disk->console_calls == disk->console_fail_at) {
        return full(disk, error);
    }
    assert_true(disk->console_bytes + count <= CONSOLE_MAX);
    memcpy(disk->console + disk->console_bytes, bytes, count);
    disk->console_bytes += count;
    return P2P_OK;
}

/* Right behind the bytes that it is of. */
static enum p2p_code keep_stamp(void *user, size_t count, uint64_t at_ns, struct p2p_error *error)
{
    struct disk *disk = user;

    if (++disk->stamp_calls == disk->stamp_fail_at) {
        return full(disk, error);
    }
    disk->stamped_bytes += count;
    assert_int_equal(disk->stamped_bytes, disk->console_bytes);
    assert_int_equal(at_ns, fake_bench_stamp_ns(disk->bench));
    return P2P_OK;
}

static void keep_progress(void *user, uint64_t stimuli)
{
    struct disk *disk = user;

    assert_true(stimuli > disk->progress);
    disk->progress = stimuli;
}

/* One boot and all that came of it. */
struct boot {
    struct fake_bench *bench;
    struct disk disk;
    struct p2p_plan plan;
    struct p2p_configuration configuration;
    struct p2p_xen xen;
    struct p2p_bench wiring;
    struct p2p_boot_record record;
    struct p2p_error error;
    struct p2p_account account;
    enum p2p_code code;
};

static void ignore_sample(void *user, const struct p2p_sample *sample)
{
    (void)user;
    (void)sample;
}

static void pair(struct boot *boot)
{
    struct p2p_pairing *pairing = p2p_pairing_new(boot->plan.stimulus.deadline_ns, ignore_sample, NULL);

    assert_non_null(pairing);
    p2p_pairing_feed(pairing, boot->disk.edges, boot->disk.edge_count);
    p2p_pairing_finish(pairing);
    boot->account = *p2p_pairing_account(pairing);
    p2p_pairing_free(pairing);
}

/* Marks stand in the stream as ARMED, DISARMED or a beginning of these; all edges of the bench are around them. */
static void check_stream(const struct boot *boot, const struct p2p_edge *kept, size_t kept_count,
                         const struct p2p_edge *edges, size_t count)
{
    size_t taken = 0, marks = 0;

    for (size_t i = 0; i < kept_count; i++) {
        const struct p2p_edge *edge = &kept[i];

        if (edge->channel == P2P_CHANNEL_MARK) {
            assert_int_equal(edge->flags, ++marks);
            assert_true(taken == 0 ||
                        edges[taken - 1].ticks <= (marks == 1 ? boot->record.armed_ns : boot->record.disarmed_ns));
        } else {
            assert_true(taken < count);
            assert_int_equal(edge->ticks, edges[taken].ticks);
            assert_int_equal(edge->channel, edges[taken].channel);
            assert_int_equal(edge->level, edges[taken].level);
            assert_int_equal(marks, edge->ticks < boot->record.armed_ns                                       ? 0
                                    : boot->record.disarmed_ns == 0 || edge->ticks < boot->record.disarmed_ns ? 1
                                                                                                              : 2);
            taken++;
        }
    }
    assert_true(marks <= P2P_MARK_DISARMED);
    assert_int_equal(marks, (boot->record.armed_ns != 0) + (boot->record.disarmed_ns != 0));
    if (boot->record.answers < BABBLE_FLOOR) { /* a babbler's edges are not taken in to their end */
        assert_int_equal(taken, count);
    }
}

/* Those of the probe and the true ones; but not what a failing part, a full disk or a lie has kept back. */
static void check_streams(const struct boot *boot, const struct fake_script *script)
{
    bool failed = fake_bench_failed(boot->bench);
    const struct p2p_edge *edges;
    size_t count;

    if (boot->disk.failed || script->answers[P2P_PROBE_SYNC] == FAKE_IS_HASTY) {
        return;
    }
    if (!failed || script->fail_port != FAKE_PROBE) {
        edges = fake_bench_edges(boot->bench, &count);
        check_stream(boot, boot->disk.edges, boot->disk.edge_count, edges, count);
    }
    if (!script->truth) {
        assert_int_equal(boot->disk.truth_calls, 0);
    } else if (!failed || script->fail_port != FAKE_TRUTH) {
        edges = fake_bench_truth(boot->bench, &count);
        check_stream(boot, boot->disk.truth, boot->disk.truth_count, edges, count);
    }
}

static void check_console(const struct boot *boot)
{
    size_t count;
    const char *bytes = fake_bench_console(boot->bench, &count);

    assert_true(boot->disk.console_bytes <= count);
    if (boot->code == P2P_OK) {
        assert_int_equal(boot->disk.console_bytes, count);
    }
    if (boot->disk.console_bytes > 0) {
        assert_memory_equal(boot->disk.console, bytes, boot->disk.console_bytes);
    }
}

/* What was played is the schedule of the boot's seed, and then perhaps the query. */
static void check_drives(const struct boot *boot, uint64_t seed)
{
    size_t count;
    const struct p2p_drive *drives = fake_bench_drives(boot->bench, &count);
    struct p2p_schedule schedule;
    struct p2p_drive expected[2];
    size_t i = 0;

    p2p_schedule_init(&schedule, &boot->plan.stimulus, boot->plan.samples, seed, boot->record.armed_ns + LEAD_NS);
    while (i + 2 <= count && p2p_schedule_next(&schedule, expected, 2) == 2) {
        for (size_t edge = 0; edge < 2; edge++, i++) {
            assert_int_equal(drives[i].at_ns, expected[edge].at_ns);
            assert_int_equal(drives[i].line, P2P_LINE_STIMULUS);
            assert_int_equal(drives[i].level, expected[edge].level);
        }
    }
    if (i < count) {
        assert_int_equal(count, i + 2);
        assert_int_equal(drives[i].line, P2P_LINE_QUERY);
        assert_int_equal(drives[i].level, 1);
        assert_int_equal(drives[i + 1].line, P2P_LINE_QUERY);
        assert_int_equal(drives[i + 1].level, 0);
        assert_true(drives[i].at_ns > boot->record.disarmed_ns);
    }
    if (boot->code == P2P_OK) {
        assert_int_equal(count, 2 * boot->plan.samples + 2);
        assert_int_equal(boot->record.stimuli, boot->plan.samples);
    }
}

static void make_bench(struct boot *boot, const struct fake_script *script)
{
    boot->bench = fake_bench_new(script);
    boot->disk.bench = boot->bench;
    boot->disk.edges = calloc(EDGES_MAX, sizeof *boot->disk.edges);
    boot->disk.truth = calloc(EDGES_MAX, sizeof *boot->disk.truth);
    boot->disk.console = malloc(CONSOLE_MAX);
    assert_non_null(boot->disk.edges);
    assert_non_null(boot->disk.truth);
    assert_non_null(boot->disk.console);
}

static void run_session(struct boot *boot, const struct p2p_ports *ports, uint64_t seed)
{
    const struct p2p_session session = {
        .ports = ports,
        .bench = &boot->wiring,
        .plan = &boot->plan,
        .configuration = &boot->configuration,
        .seed = seed,
        .sink = {&boot->disk, keep_probe, keep_edges, keep_truth, keep_console, keep_stamp, keep_progress},
    };

    boot->code = p2p_session_run(&session, &boot->record, &boot->error);
    assert_true(fake_bench_ended_well(boot->bench));
    assert_int_equal(fake_bench_boots(boot->bench), boot->record.tries);
    assert_int_equal(fake_bench_seed(boot->bench), seed);
    assert_memory_equal(&boot->record.probe, &boot->disk.probe, sizeof boot->disk.probe);
    assert_int_equal(boot->error.code, boot->code);
    assert_int_equal(boot->error.message[0] == '\0', boot->code == P2P_OK);
    check_drives(boot, seed);
}

/* Runs the boot and checks all that holds on every path. */
static void run(struct boot *boot, const struct fake_script *script, uint64_t seed)
{
    struct p2p_ports ports;

    make_bench(boot, script);
    ports = fake_bench_ports(boot->bench);
    run_session(boot, &ports, seed);
    assert_int_equal(boot->record.tries, 1);
    assert_string_equal(boot->record.failed_try.message, "");
    assert_int_equal(boot->disk.stamp_calls, 0);
    assert_int_equal(boot->record.achieved.stimuli, 0);
    if (!boot->disk.failed) {
        check_console(boot);
    }
    check_streams(boot, script);
    pair(boot);
}

static void prepare(struct boot *boot, const char *xen)
{
    *boot = (struct boot){.code = P2P_OK};
    fake_plan(&boot->plan, &boot->configuration, &boot->xen, xen);
    fake_wiring(&boot->wiring);
}

static void discard(struct boot *boot)
{
    free(boot->disk.edges);
    free(boot->disk.truth);
    free(boot->disk.console);
    fake_bench_free(boot->bench);
}

/* A boot of `xen` on the script's board ends with `code` and `message`; NULL: any. */
static void expect(const struct fake_script *script, const char *xen, enum p2p_code code, const char *message)
{
    struct boot boot;

    prepare(&boot, xen);
    run(&boot, script, 1);
    assert_int_equal(boot.code, code);
    if (message != NULL) {
        assert_string_equal(boot.error.message, message);
    }
    discard(&boot);
}

static void a_healthy_boot_is_whole(void **state)
{
    static const char *const xens[] = {NULL, "4.17", "4.20"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct fake_script script = fake_healthy(xens[i]);
        struct boot boot;
        size_t bytes;

        prepare(&boot, xens[i]);
        run(&boot, &script, 7);
        assert_string_equal(boot.error.message, "");
        assert_true(boot.record.ready_ns >= script.ready_ns);
        assert_true(boot.record.armed_ns > boot.record.ready_ns);
        assert_true(boot.record.disarmed_ns > boot.record.armed_ns + 20 * boot.plan.stimulus.period_ns);
        assert_int_equal(boot.record.answers, 21);
        assert_int_equal(boot.record.log.counters.irq, 21);
        assert_int_equal(boot.account.stimuli, 20);
        assert_int_equal(boot.account.answered, 20);
        assert_int_equal(boot.account.outside, 1);
        assert_string_equal(boot.record.probe.serial, "00000000000000fa");
        assert_int_equal(boot.disk.truth_count, boot.disk.edge_count);
        assert_int_equal(boot.disk.progress, 20);
        fake_bench_console(boot.bench, &bytes);
        assert_int_equal(boot.disk.console_bytes, bytes);
        discard(&boot);
    }
}

/* More stimuli than go to the port in one piece, and more edges than come from the probe in one. */
static void a_long_boot_is_whole(void **state)
{
    struct fake_script script = fake_healthy(NULL);
    struct boot boot;

    (void)state;
    prepare(&boot, NULL);
    boot.plan.samples = 2500;
    run(&boot, &script, 3);
    assert_int_equal(boot.code, P2P_OK);
    assert_int_equal(boot.account.answered, 2500);
    discard(&boot);
}

static void the_console_may_come_in_any_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 20; piece++) {
        struct fake_script script = fake_healthy("4.17");

        script.console_piece = piece;
        script.console_trickle = 64;
        expect(&script, "4.17", P2P_OK, "");
    }
}

static void a_guest_that_is_not_ready_is_told_with_its_last_words(void **state)
{
    struct fake_script script = fake_healthy(NULL);

    (void)state;
    script.ready = NULL;
    expect(&script, NULL, P2P_E_BENCH,
           "no READY from the guest stub within 1 s (timeouts.boot_s); the console is silent");
    expect(&script, "4.17", P2P_E_BENCH, "Xen did not start: no banner on the console within 1 s (timeouts.boot_s)");
    script.banner = "U-Boot 2026.01\n";
    expect(&script, "4.17", P2P_E_BENCH,
           "Xen did not start: no banner on the console within 1 s (timeouts.boot_s); last line: U-Boot 2026.01");
    script = fake_healthy("4.17");
    script.ready = NULL;
    expect(&script, "4.17", P2P_E_BENCH,
           "no READY from the guest stub within 1 s (timeouts.boot_s); last line on the console: Freed 348kB init "
           "memory.");
}

static void ready_counts_up_to_the_time_limit_only(void **state)
{
    struct fake_script script = fake_healthy(NULL);

    (void)state;
    script.settle_ns = 0; /* the limit counts from when the probe is identified */
    script.ready_ns = 1000000000;
    expect(&script, NULL, P2P_OK, "");
    script.ready_ns++;
    expect(&script, NULL, P2P_E_BENCH, NULL);
    script.ready_ns = 500000000; /* soon in virtual time, but that crawls */
    script.wall_ms = 500;
    expect(&script, NULL, P2P_E_BENCH, NULL);
}

static void what_runs_must_be_what_was_asked_for(void **state)
{
    static const struct {
        const char *asked, *runs, *message;
    } cases[] = {
        {"4.17", "4.20", "Xen's version: asked for 4.17, but the board runs 4.20.5-pre"},
        {"4.20", "4.17", "Xen's version: asked for 4.20, but the board runs 4.17.7"},
        {NULL, "4.17", "hypervisor: asked for none (native), but the board runs 4.17.7"},
        {"4.1", "4.17", "Xen's version: asked for 4.1, but the board runs 4.17.7"},
    };
    struct fake_script script;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        script = fake_healthy(cases[i].runs);
        expect(&script, cases[i].asked, P2P_E_BENCH, cases[i].message);
    }
    script = fake_healthy("4.17");
    script.log = "(XEN) Command line: vwfi=native sched=credit2\r\n";
    expect(&script, "4.17", P2P_E_BENCH,
           "Xen's command line: asked for vwfi=trap sched=credit2, but the board runs vwfi=native sched=credit2");
    script.log = NULL;
    expect(&script, "4.17", P2P_E_BENCH, "Xen did not show its log, and with it its command line, within 5000 ms");
}

/* Debug and scheduler are asked of a plan, so it is the plan that changes here. */
static void debug_and_scheduler_must_be_what_was_asked_for(void **state)
{
    struct fake_script script = fake_healthy("4.17");
    struct boot boot;

    (void)state;
    prepare(&boot, "4.17");
    boot.xen.debug = true;
    run(&boot, &script, 1);
    assert_string_equal(boot.error.message, "Xen's debug=: asked for y, but the board runs n");
    assert_int_equal(boot.record.armed_ns, 0);
    discard(&boot);
    prepare(&boot, "4.17");
    snprintf(boot.xen.scheduler, sizeof boot.xen.scheduler, "credit");
    run(&boot, &script, 1);
    assert_string_equal(boot.error.message, "Xen's scheduler: asked for credit, but the board runs credit2");
    discard(&boot);
}

static void trouble_on_the_console_ends_the_boot(void **state)
{
    static const char exception[] = "EXCEPTION vector=4 esr=96000021 elr=40080b3c far=1\n";
    struct fake_script script = fake_healthy("4.17");

    (void)state;
    script.ready = NULL;
    script.trouble = PANIC;
    expect(&script, "4.17", P2P_E_BENCH, "the guest did not get ready; the console says: Panic on CPU 0:");
    script = fake_healthy(NULL);
    script.ready = "ERROR bootargs: no stimulus=; name the pin\n";
    expect(&script, NULL, P2P_E_BENCH,
           "the guest did not get ready; the console says: ERROR bootargs: no stimulus=; name the pin");
    script = fake_healthy(NULL);
    script.trouble = exception;
    script.trouble_ns = 40000000;
    script.mute_counters = true;
    expect(&script, NULL, P2P_E_BENCH,
           "the stub did not print its counters within 1000 ms; the console says: "
           "EXCEPTION vector=4 esr=96000021 elr=40080b3c far=1");
    script.mute_counters = false; /* another guest's, perhaps; but it was said */
    expect(&script, NULL, P2P_E_BENCH, "the console says: EXCEPTION vector=4 esr=96000021 elr=40080b3c far=1");
}

static void the_guests_count_must_be_the_probes(void **state)
{
    struct fake_script script = fake_healthy(NULL);

    (void)state;
    script.irq_extra = 1;
    expect(&script, NULL, P2P_E_BENCH, "the stub took 22 interrupts, but the probe saw 21 answers");
    script.irq_extra = 0;
    script.serror = 3;
    expect(&script, NULL, P2P_E_BENCH, "the stub met 0 unexpected interrupts, 0 spurious ones, 0 FIQs and 3 SErrors");
    script = fake_healthy(NULL);
    script.mute_counters = true;
    expect(&script, NULL, P2P_E_BENCH, "the stub did not print its counters within 1000 ms");
}

static void a_stimulus_that_never_came_is_a_fault(void **state)
{
    struct fake_script script = fake_healthy(NULL);

    (void)state;
    script.unplayed = 4;
    expect(&script, NULL, P2P_E_BENCH, "the probe saw 19 of 20 stimuli");
    script = fake_healthy(NULL);
    script.unseen = 0;
    expect(&script, NULL, P2P_E_BENCH, "the probe saw 19 of 20 stimuli");
}

/* These are the analysis' to judge: the boot is whole, and its edges tell. */
static void odd_answers_are_recorded(void **state)
{
    struct fake_script script = fake_healthy(NULL);
    struct boot boot;

    (void)state;
    script.missed = 19;
    script.late = 0;
    script.twice = 5;
    prepare(&boot, NULL);
    run(&boot, &script, 1);
    assert_string_equal(boot.error.message, "");
    assert_int_equal(boot.account.stimuli, 20);
    assert_int_equal(boot.account.missed, 1);
    assert_int_equal(boot.account.late, 1);
    assert_int_equal(boot.account.answered, 18);
    assert_int_equal(boot.account.spurious, 1);
    discard(&boot);
}

static void a_late_answer_to_the_last_stimulus_is_still_seen(void **state)
{
    struct fake_script script = fake_healthy(NULL);
    struct boot boot;

    (void)state;
    script.late = 19;
    prepare(&boot, NULL);
    run(&boot, &script, 1);
    assert_int_equal(boot.code, P2P_OK);
    assert_int_equal(boot.account.late, 1);
    discard(&boot);
}

static void a_guest_that_babbles_is_stopped(void **state)
{
    struct fake_script script = fake_healthy(NULL);
    struct boot boot;

    (void)state;
    script.babble = 2;
    prepare(&boot, NULL);
    run(&boot, &script, 1);
    assert_int_equal(boot.code, P2P_E_BENCH);
    assert_non_null(strstr(boot.error.message, "the guest babbles: "));
    assert_int_equal(boot.record.disarmed_ns, 0);
    discard(&boot);
}

/* Every call of every port fails once, with every code; and so does every call of the disk. */
static void any_call_may_fail(void **state)
{
    static const enum p2p_code codes[] = {P2P_E_BENCH, P2P_E_HOST, P2P_E_INTERRUPTED, P2P_E_INPUT};

    (void)state;
    for (enum fake_port port = FAKE_POWER; port < FAKE_PORTS; port++) {
        bool failed = true;

        for (uint64_t step = 1; failed; step++) {
            struct fake_script script = fake_healthy("4.20");
            struct boot boot;

            script.fail_port = port;
            script.fail_step = step;
            script.fail_code = codes[step % 4];
            prepare(&boot, "4.20");
            run(&boot, &script, step);
            failed = fake_bench_failed(boot.bench);
            assert_int_equal(boot.code, failed ? script.fail_code : P2P_OK);
            assert_string_equal(boot.error.message, failed ? "scripted failure" : "");
            assert_true(failed || step > 1);
            discard(&boot);
        }
    }
}

static void the_disk_may_fill_up_at_any_time(void **state)
{
    bool failed = true;

    (void)state;
    for (uint64_t step = 1; failed; step++) {
        failed = false;
        for (int file = 0; file < 4; file++) {
            struct fake_script script = fake_healthy("4.17");
            struct boot boot;
            uint64_t *fail_at[] = {&boot.disk.probe_fail_at, &boot.disk.edges_fail_at, &boot.disk.truth_fail_at,
                                   &boot.disk.console_fail_at};

            script.console_piece = 100;
            prepare(&boot, "4.17");
            *fail_at[file] = step;
            run(&boot, &script, 1);
            assert_int_equal(boot.code, boot.disk.failed ? P2P_E_HOST : P2P_OK);
            assert_string_equal(boot.error.message, boot.disk.failed ? "disk full" : "");
            failed |= boot.disk.failed;
            assert_true(boot.disk.failed || step > 1);
            discard(&boot);
        }
    }
}

static void the_first_of_two_errors_wins(void **state)
{
    struct fake_script script = fake_healthy(NULL);
    struct boot boot;

    (void)state;
    script.fail_port = FAKE_CLOCK;
    script.fail_step = 4;
    script.fail_code = P2P_E_INTERRUPTED;
    prepare(&boot, NULL);
    boot.disk.console_fail_at = 1;
    run(&boot, &script, 1);
    assert_int_equal(boot.code, P2P_E_HOST);
    assert_false(fake_bench_failed(boot.bench));
    discard(&boot);
    prepare(&boot, NULL);
    script.fail_step = 1; /* the console has nothing to say before: the disk fills up in the last drain */
    script.banner = "hello\n";
    boot.disk.console_fail_at = 1;
    run(&boot, &script, 1);
    assert_int_equal(boot.code, P2P_E_INTERRUPTED);
    assert_true(boot.disk.failed);
    discard(&boot);
}

/* ---- the probe ---- */

static void expect_diary(const struct fake_script *script, const char *message, const char *diary)
{
    struct boot boot;

    prepare(&boot, NULL);
    run(&boot, script, 1);
    assert_int_equal(boot.code, message[0] == '\0' ? P2P_OK : P2P_E_BENCH);
    assert_string_equal(boot.error.message, message);
    assert_string_equal(fake_bench_diary(boot.bench), diary);
    discard(&boot);
}

#define TO_READY    "on identify settled ready "
#define TO_STIMULUS "arm settled ARMED stimulus "
#define TO_QUERY    "sync settled DISARMED query "
#define TO_OFF      "stop settled off "

static void the_probe_is_asked_in_order(void **state)
{
    struct fake_script script = fake_healthy(NULL);

    (void)state;
    expect_diary(&script, "", TO_READY TO_STIMULUS TO_QUERY TO_OFF);
    script.settle_ns = 0;
    expect_diary(&script, "", TO_READY TO_STIMULUS TO_QUERY TO_OFF);
    script.settle_ns = 35000000; /* a slow one is asked again who it is, as it may not have listened yet */
    script.ready_ns = 40000000;
    expect_diary(&script, "", "on identify identify identify identify settled ready " TO_STIMULUS TO_QUERY TO_OFF);
}

static void a_request_that_fails_ends_the_boot(void **state)
{
    static const struct {
        enum fake_answer answer;
        const char *messages[FAKE_REQUESTS];
    } cases[] = {
        {FAKE_REFUSES,
         {"the fake probe refuses to identify", "the fake probe refuses to arm", "the fake probe refuses to sync",
          "the fake probe refuses to stop"}},
        {FAKE_NEVER_SETTLES,
         {"the probe did not end IDENTIFY within 3000 ms", "the probe did not end ARM within 3000 ms",
          "the probe did not end SYNC within 3000 ms", "the probe did not end STOP within 3000 ms"}},
    };
    static const char *const diaries[FAKE_REQUESTS] = {[P2P_PROBE_ARM] = TO_READY "arm off ",
                                                       [P2P_PROBE_SYNC] = TO_READY TO_STIMULUS "sync off ",
                                                       [P2P_PROBE_STOP] = TO_READY TO_STIMULUS TO_QUERY "stop off "};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (enum p2p_probe_request request = P2P_PROBE_ARM; request <= P2P_PROBE_STOP; request++) {
            struct fake_script script = fake_healthy(NULL);

            script.answers[request] = cases[i].answer;
            expect_diary(&script, cases[i].messages[request], diaries[request]);
        }
    }
    for (size_t i = 0; i < 2; i++) { /* IDENTIFY is asked again and again; nothing else happens */
        struct fake_script script = fake_healthy(NULL);
        struct boot boot;

        script.answers[P2P_PROBE_IDENTIFY] = cases[i].answer;
        prepare(&boot, NULL);
        run(&boot, &script, 1);
        assert_string_equal(boot.error.message, cases[i].messages[P2P_PROBE_IDENTIFY]);
        assert_string_equal(boot.record.probe.name, "");
        assert_int_equal(boot.disk.probe_calls, 0);
        assert_int_equal(boot.disk.edges_calls, 0);
        assert_int_equal(boot.record.ready_ns, 0);
        discard(&boot);
    }
}

/*
 * The stimulus' last edges reach the session when its time is up, the answer to it 700 ns later. Only SYNC waits for
 * that one: a probe that does not really sync loses it, and nothing but the account would tell.
 */
static void edges_under_way_are_waited_for(void **state)
{
    static const struct {
        enum fake_answer sync;
        uint64_t answered, missed;
    } cases[] = {{FAKE_OBEYS, 20, 0}, {FAKE_IS_HASTY, 19, 1}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fake_script script = fake_healthy(NULL);
        struct boot boot;

        prepare(&boot, NULL);
        script.answers[P2P_PROBE_SYNC] = cases[i].sync;
        script.edge_delay_ns =
            boot.plan.stimulus.width_ns + boot.plan.stimulus.deadline_ns + boot.plan.stimulus.period_ns;
        run(&boot, &script, 1);
        assert_string_equal(boot.error.message, "");
        assert_int_equal(boot.account.answered, cases[i].answered);
        assert_int_equal(boot.account.missed, cases[i].missed);
        assert_int_equal(boot.record.answers, 21);
        discard(&boot);
    }
}

/* A probe of the lab: all comes tens of milliseconds late. */
static void a_slow_link_loses_nothing(void **state)
{
    struct fake_script script = fake_healthy("4.20");
    struct boot boot;

    (void)state;
    script.edge_delay_ns = 60000000;
    prepare(&boot, "4.20");
    run(&boot, &script, 1);
    assert_string_equal(boot.error.message, "");
    assert_int_equal(boot.account.answered, 20);
    assert_int_equal(boot.account.outside, 1);
    discard(&boot);
}

/* The query's answer is among what STOP brings. */
static void the_counters_are_compared_when_the_last_edge_has_come(void **state)
{
    struct fake_script script = fake_healthy(NULL);

    (void)state;
    script.edge_delay_ns = 60000000;
    script.answers[P2P_PROBE_STOP] = FAKE_IS_HASTY;
    expect(&script, NULL, P2P_E_BENCH, "the stub took 21 interrupts, but the probe saw 20 answers");
}

static void nobody_need_know_the_truth(void **state)
{
    struct fake_script script = fake_healthy("4.17");

    (void)state;
    script.truth = false;
    expect(&script, "4.17", P2P_OK, "");
}

/* ---- tries: what only a lab has ---- */

enum { TRIES = 3, TRIES_CONSOLE = 16384 };

#define SILENT_XEN "Xen did not start: no banner on the console within 1 s (timeouts.boot_s)"

/* A boot of several power cycles, each with a script of its own. */
struct tries {
    struct boot boot;
    struct fake_script scripts[TRIES];
    size_t begun;
    /* Of all tries. */
    char diary[TRIES * FAKE_DIARY_BYTES], console[TRIES_CONSOLE];
    size_t console_bytes;
};

/* The bench forgets at each power on what the try before did and said. */
static void gather(struct tries *tries)
{
    size_t length = strlen(tries->diary), count;
    const char *console = fake_bench_console(tries->boot.bench, &count);

    snprintf(tries->diary + length, sizeof tries->diary - length, "%s", fake_bench_diary(tries->boot.bench));
    assert_true(tries->console_bytes + count <= TRIES_CONSOLE);
    if (count > 0) {
        memcpy(tries->console + tries->console_bytes, console, count);
    }
    tries->console_bytes += count;
}

static void begin_try(void *user, const char *configuration)
{
    struct tries *tries = user;

    (void)configuration;
    gather(tries);
    assert_true(tries->begun < TRIES);
    fake_bench_rescript(tries->boot.bench, &tries->scripts[tries->begun++]);
}

/* Three healthy boards of `xen` at the bench of a lab. Change the scripts, then run_tries, in the end discard. */
static void prepare_tries(struct tries *tries, const char *xen)
{
    *tries = (struct tries){0};
    prepare(&tries->boot, xen);
    fake_lab_wiring(&tries->boot.wiring, TRIES);
    for (size_t i = 0; i < TRIES; i++) {
        tries->scripts[i] = fake_healthy(xen);
    }
}

/* Checks all that holds on every path. */
static void run_tries(struct tries *tries, uint32_t expected)
{
    struct boot *boot = &tries->boot;
    struct p2p_ports ports;

    make_bench(boot, &tries->scripts[0]);
    fake_bench_on_power(boot->bench, begin_try, tries);
    ports = fake_bench_lab_ports(boot->bench);
    run_session(boot, &ports, 5);
    gather(tries);
    assert_int_equal(boot->record.tries, expected);
    assert_int_equal(tries->begun, expected);
    assert_int_equal(boot->record.failed_try.message[0] == '\0', boot->record.failed_try.code == P2P_OK);
    assert_true(boot->disk.probe_calls <= 1); /* edges.p2p is opened once */
    assert_true(boot->disk.console_bytes <= tries->console_bytes);
    if (!boot->disk.failed) {
        assert_memory_equal(boot->disk.console, tries->console, boot->disk.console_bytes);
        assert_int_equal(boot->disk.stamped_bytes, boot->disk.console_bytes);
    }
    pair(boot);
}

/* How often `word` stands in the diary of all tries. */
static size_t times(const struct tries *tries, const char *word)
{
    size_t count = 0;

    for (const char *at = tries->diary; (at = strstr(at, word)) != NULL; at += strlen(word)) {
        count++;
    }
    return count;
}

static void a_board_that_is_ready_in_the_second_try_is_measured(void **state)
{
    struct tries tries;

    (void)state;
    prepare_tries(&tries, NULL);
    tries.scripts[0].ready = NULL;
    tries.scripts[0].banner = "U-Boot 2026.01\n";
    run_tries(&tries, 2);
    assert_string_equal(tries.boot.error.message, "");
    assert_string_equal(tries.diary, "on identify settled off " TO_READY TO_STIMULUS TO_QUERY TO_OFF);
    assert_int_equal(tries.boot.record.failed_try.code, P2P_E_BENCH);
    assert_string_equal(
        tries.boot.record.failed_try.message,
        "no READY from the guest stub within 1 s (timeouts.boot_s); last line on the console: U-Boot 2026.01");
    assert_int_equal(tries.boot.disk.probe_calls, 1);
    assert_int_equal(tries.boot.disk.console_bytes, tries.console_bytes);
    assert_int_equal(tries.boot.account.answered, 20);
    assert_int_equal(tries.boot.record.stimuli, 20);
    assert_int_equal(tries.boot.record.achieved.stimuli, 20);
    assert_true(tries.boot.record.achieved.mean_late_ns == 1.5);
    discard(&tries.boot);
}

static void a_first_try_that_goes_well_is_the_only_one(void **state)
{
    struct tries tries;

    (void)state;
    prepare_tries(&tries, "4.17");
    run_tries(&tries, 1);
    assert_string_equal(tries.boot.error.message, "");
    assert_string_equal(tries.boot.record.failed_try.message, "");
    assert_int_equal(tries.boot.account.answered, 20);
    assert_true(tries.boot.disk.stamp_calls > 1);
    discard(&tries.boot);
}

static void a_board_that_is_never_ready_fails_by_its_last_try(void **state)
{
    struct tries tries;

    (void)state;
    prepare_tries(&tries, "4.17");
    tries.scripts[0].ready = tries.scripts[1].ready = tries.scripts[2].ready = NULL;
    tries.scripts[0].trouble = PANIC;
    tries.scripts[1].banner = "";
    tries.scripts[2].answers[P2P_PROBE_IDENTIFY] = FAKE_REFUSES;
    run_tries(&tries, 3);
    assert_int_equal(tries.boot.code, P2P_E_BENCH);
    assert_string_equal(tries.boot.error.message, "the fake probe refuses to identify");
    assert_string_equal(tries.boot.record.failed_try.message, SILENT_XEN);
    assert_string_equal(tries.diary, "on identify settled off on identify settled off on identify off ");
    assert_int_equal(tries.boot.record.ready_ns, 0);
    discard(&tries.boot);
}

/* As many as the bench file says; a virtual board is never started twice. */
static void the_bench_says_how_many_tries(void **state)
{
    struct tries tries;

    (void)state;
    for (uint32_t allowed = 1; allowed <= TRIES; allowed++) {
        prepare_tries(&tries, "4.17");
        tries.boot.wiring.lab.boot_tries = allowed;
        tries.scripts[0].banner = tries.scripts[1].banner = tries.scripts[2].banner = "";
        tries.scripts[0].ready = tries.scripts[1].ready = tries.scripts[2].ready = NULL;
        run_tries(&tries, allowed);
        assert_string_equal(tries.boot.error.message, SILENT_XEN);
        assert_string_equal(tries.boot.record.failed_try.message, allowed == 1 ? "" : SILENT_XEN);
        assert_int_equal(times(&tries, "off "), allowed);
        discard(&tries.boot);
    }
    prepare_tries(&tries, NULL);
    tries.boot.wiring.board.kind = P2P_BOARD_QEMU_VIRT;
    tries.scripts[0].ready = NULL;
    run_tries(&tries, 1);
    assert_int_equal(tries.boot.code, P2P_E_BENCH);
    discard(&tries.boot);
}

/* Of power, clock, console and probe; by whomever a try fails, only the bench's fault is worth another. */
static void only_the_benchs_fault_is_tried_again(void **state)
{
    static const enum p2p_code codes[] = {P2P_E_BENCH, P2P_E_INTERRUPTED, P2P_E_HOST, P2P_E_INPUT};
    static const enum fake_port ports[] = {FAKE_POWER, FAKE_CLOCK, FAKE_CONSOLE_READ, FAKE_REQUEST, FAKE_PROBE};

    (void)state;
    for (size_t port = 0; port < sizeof ports / sizeof *ports; port++) {
        for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
            bool again = codes[i] == P2P_E_BENCH;
            struct tries tries;

            prepare_tries(&tries, NULL);
            tries.scripts[0].fail_port = ports[port];
            tries.scripts[0].fail_step = 1;
            tries.scripts[0].fail_code = codes[i];
            run_tries(&tries, again ? 2 : 1);
            assert_int_equal(tries.boot.code, again ? P2P_OK : codes[i]);
            assert_string_equal(tries.boot.error.message, again ? "" : "scripted failure");
            assert_string_equal(tries.boot.record.failed_try.message, again ? "scripted failure" : "");
            assert_int_equal(times(&tries, "off "), again ? 2 : 1);
            discard(&tries.boot);
        }
    }
}

/* Whatever fails after READY ends the boot, also before a stimulus was played: it is a result. */
static void nothing_is_tried_again_after_ready(void **state)
{
    (void)state;
    for (int fault = 0; fault < 6; fault++) {
        struct tries tries;
        struct fake_script *script = &tries.scripts[0];

        prepare_tries(&tries, "4.17");
        if (fault == 0) {
            snprintf(tries.boot.xen.scheduler, sizeof tries.boot.xen.scheduler, "credit");
        } else if (fault <= 3) {
            script->answers[fault] = FAKE_REFUSES; /* ARM, SYNC, STOP */
        } else if (fault == 4) {
            script->unseen = 3;
        } else {
            script->mute_counters = true;
        }
        run_tries(&tries, 1);
        assert_int_equal(tries.boot.code, P2P_E_BENCH);
        assert_string_equal(tries.boot.record.failed_try.message, "");
        assert_true(tries.boot.record.ready_ns > 0);
        assert_int_equal(tries.boot.record.achieved.stimuli, fault <= 1 ? 0 : 20);
        discard(&tries.boot);
    }
}

/* Neither a complaint nor half a line of the first try is the second's. */
static void each_try_begins_a_log_of_its_own(void **state)
{
    struct tries tries;

    (void)state;
    prepare_tries(&tries, "4.17");
    tries.scripts[0].ready = NULL;
    tries.scripts[0].trouble = PANIC "(XEN) READY pin2pin-stub 0.0.9 and no";
    run_tries(&tries, 2);
    assert_string_equal(tries.boot.error.message, "");
    assert_string_equal(tries.boot.record.failed_try.message,
                        "the guest did not get ready; the console says: Panic on CPU 0:");
    assert_string_equal(tries.boot.record.log.complaint, "");
    assert_string_equal(tries.boot.record.log.ready, READY_XEN);
    assert_non_null(strstr(tries.console, "(XEN) READY pin2pin-stub 0.0.9 and no" XEN_417_VERSION));
    discard(&tries.boot);
}

static void edges_of_two_probes_are_not_mixed(void **state)
{
    struct tries tries;

    (void)state;
    for (int other = 0; other < 2; other++) { /* by its serial; by its clock */
        prepare_tries(&tries, NULL);
        tries.scripts[0].ready = NULL;
        if (other == 0) {
            tries.scripts[1].serial = tries.scripts[2].serial = "00000000000000fb";
        } else {
            tries.scripts[1].tick_ns = tries.scripts[2].tick_ns = 8;
        }
        run_tries(&tries, 3);
        assert_int_equal(tries.boot.code, P2P_E_BENCH);
        assert_string_equal(tries.boot.error.message,
                            other == 0 ? "another probe answered than in the try before: 00000000000000fb "
                                         "(1000000000 Hz), not 00000000000000fa (1000000000 Hz)"
                                       : "another probe answered than in the try before: 00000000000000fa (125000000 "
                                         "Hz), not 00000000000000fa (1000000000 Hz)");
        assert_string_equal(tries.boot.record.probe.serial, "00000000000000fa");
        assert_int_equal(tries.boot.record.probe.tick_hz, 1000000000);
        assert_int_equal(tries.boot.record.armed_ns, 0);
        discard(&tries.boot);
    }
    prepare_tries(&tries, NULL); /* the first one is back */
    tries.scripts[0].ready = NULL;
    tries.scripts[1].serial = "00000000000000fb";
    run_tries(&tries, 3);
    assert_string_equal(tries.boot.error.message, "");
    assert_int_equal(tries.boot.account.answered, 20);
    discard(&tries.boot);
}

/* What the try said in its last moments is taken in between the tries; if it can't be written, no more are begun. */
static void a_disk_that_fills_up_between_tries_ends_the_boot(void **state)
{
    (void)state;
    for (int file = 0; file < 2; file++) {
        struct tries tries;

        prepare_tries(&tries, NULL);
        tries.scripts[0].fail_port = FAKE_CLOCK;
        tries.scripts[0].fail_step = 1;
        tries.scripts[0].banner = "last words\n";
        *(file == 0 ? &tries.boot.disk.console_fail_at : &tries.boot.disk.stamp_fail_at) = 1;
        run_tries(&tries, 1);
        assert_int_equal(tries.boot.code, P2P_E_HOST);
        assert_string_equal(tries.boot.error.message, "disk full");
        assert_string_equal(tries.boot.record.failed_try.message, "");
        discard(&tries.boot);
    }
}

static void a_board_that_stays_on_voids_its_boot(void **state)
{
    static const char stays[] = "the board may still be on: the fake one";
    struct tries tries;

    (void)state;
    prepare_tries(&tries, NULL); /* a good boot */
    tries.scripts[0].stays_on = true;
    run_tries(&tries, 1);
    assert_int_equal(tries.boot.code, P2P_E_BENCH);
    assert_string_equal(tries.boot.error.message, stays);
    assert_int_equal(tries.boot.account.answered, 20);
    discard(&tries.boot);

    prepare_tries(&tries, NULL); /* a bad one: what was wrong first stands */
    tries.scripts[0].stays_on = true;
    tries.scripts[0].irq_extra = 1;
    run_tries(&tries, 1);
    assert_string_equal(tries.boot.error.message, "the stub took 22 interrupts, but the probe saw 21 answers");
    discard(&tries.boot);

    prepare_tries(&tries, NULL); /* who wants out gets out */
    tries.scripts[0].stays_on = true;
    tries.scripts[0].fail_port = FAKE_CLOCK;
    tries.scripts[0].fail_step = 3;
    tries.scripts[0].fail_code = P2P_E_INTERRUPTED;
    run_tries(&tries, 1);
    assert_int_equal(tries.boot.code, P2P_E_INTERRUPTED);
    discard(&tries.boot);
}

/* Every call of a lab's ports fails once. */
static void any_call_of_a_lab_may_fail(void **state)
{
    (void)state;
    for (enum fake_port port = FAKE_POWER; port < FAKE_TRUTH; port++) {
        bool failed = true;

        for (uint64_t step = 1; failed; step++) {
            struct tries tries;

            prepare_tries(&tries, "4.20");
            tries.boot.wiring.lab.boot_tries = 1;
            tries.scripts[0].fail_port = port;
            tries.scripts[0].fail_step = step;
            run_tries(&tries, 1);
            failed = fake_bench_failed(tries.boot.bench);
            assert_string_equal(tries.boot.error.message, failed ? "scripted failure" : "");
            discard(&tries.boot);
        }
    }
}

/* ---- random scripts ---- */

enum random_fault {
    NO_FAULT,
    PORT_FAILS,
    PROBE_FULL,
    EDGES_FULL,
    TRUTH_FULL,
    CONSOLE_FULL,
    REFUSED,
    NEVER_SETTLED,
    SILENT,
    TROUBLE,
    WRONG_XEN,
    NO_LOG,
    NO_COUNTERS,
    WRONG_COUNT,
    SERROR,
    BABBLE,
    UNPLAYED,
    UNSEEN,
    MISSED,
    LATE,
    TWICE,
    RANDOM_FAULTS
};

/* Builds the fault into the script; the code that the boot is to end with if the fault comes to pass. */
static enum p2p_code inject(enum random_fault fault, struct fake_script *script, struct boot *boot,
                            struct p2p_prng *prng)
{
    uint64_t number = p2p_prng_below(prng, boot->plan.samples);
    bool xen = boot->configuration.xen != NULL;

    switch (fault) {
    case NO_FAULT:
        return P2P_OK;
    case PORT_FAILS:
        script->fail_port = (enum fake_port)p2p_prng_below(prng, FAKE_PORTS);
        script->fail_step = 1 + p2p_prng_below(prng, script->fail_port == FAKE_POWER ? 1 : 60);
        script->fail_code = p2p_prng_below(prng, 2) ? P2P_E_BENCH : P2P_E_INTERRUPTED;
        return script->fail_code;
    case PROBE_FULL:
        boot->disk.probe_fail_at = 1;
        return P2P_E_HOST;
    case TRUTH_FULL:
        boot->disk.truth_fail_at = 1 + p2p_prng_below(prng, 10);
        return script->truth ? P2P_E_HOST : P2P_OK;
    case REFUSED:
        script->answers[p2p_prng_below(prng, FAKE_REQUESTS)] = FAKE_REFUSES;
        break;
    case NEVER_SETTLED:
        script->answers[p2p_prng_below(prng, FAKE_REQUESTS)] = FAKE_NEVER_SETTLES;
        break;
    case EDGES_FULL:
        boot->disk.edges_fail_at = 1 + p2p_prng_below(prng, 10);
        return P2P_E_HOST;
    case CONSOLE_FULL:
        boot->disk.console_fail_at = 1 + p2p_prng_below(prng, 10);
        return P2P_E_HOST;
    case SILENT:
        script->ready = NULL;
        break;
    case TROUBLE:
        script->trouble = p2p_prng_below(prng, 2) ? PANIC : "ERROR gpio: none; add one\n";
        script->trouble_ns = p2p_prng_below(prng, 40000000);
        break;
    case WRONG_XEN:
        script->banner = xen ? "(XEN) Xen version 4.99 debug=n\r\n" : XEN_417;
        break;
    case NO_LOG:
        script->log = NULL;
        return xen ? P2P_E_BENCH : P2P_OK;
    case NO_COUNTERS:
        script->mute_counters = true;
        break;
    case WRONG_COUNT:
        script->irq_extra = 1 + p2p_prng_below(prng, 3);
        break;
    case SERROR:
        script->serror = 1;
        break;
    case BABBLE:
        script->babble = number;
        break;
    case UNPLAYED:
        script->unplayed = number;
        break;
    case UNSEEN:
        script->unseen = number;
        break;
    case MISSED:
        script->missed = number;
        return P2P_OK;
    case LATE:
        script->late = number;
        return P2P_OK;
    case TWICE:
        script->twice = number;
        return P2P_OK;
    case RANDOM_FAULTS:
        fail();
    }
    return P2P_E_BENCH;
}

static void random_script(uint64_t seed)
{
    static const char *const xens[] = {NULL, "4.17", "4.20"};
    struct p2p_prng prng;
    enum random_fault fault;
    enum p2p_code expected;
    struct fake_script script;
    struct boot boot;
    bool came;

    p2p_prng_seed(&prng, seed);
    fault = (enum random_fault)(seed % RANDOM_FAULTS);
    prepare(&boot, xens[p2p_prng_below(&prng, 3)]);
    script = fake_healthy(boot.configuration.xen != NULL ? boot.xen.version : NULL);
    boot.plan.samples = 3 + p2p_prng_below(&prng, 30);
    script.answer_ns = 1 + p2p_prng_below(&prng, 5000);
    script.ready_ns = 1 + p2p_prng_below(&prng, 20000000);
    script.console_piece = p2p_prng_below(&prng, 50);
    script.console_trickle = p2p_prng_below(&prng, 2) * (40 + p2p_prng_below(&prng, 50));
    script.early_seed = p2p_prng_below(&prng, 2) * seed;
    script.settle_ns = p2p_prng_below(&prng, 2) * p2p_prng_below(&prng, 50000000);
    script.edge_delay_ns = p2p_prng_below(&prng, 2) * p2p_prng_below(&prng, 100000000);
    script.truth = p2p_prng_below(&prng, 2) == 0;
    expected = inject(fault, &script, &boot, &prng);
    run(&boot, &script, seed);
    came = (fault != PORT_FAILS || fake_bench_failed(boot.bench)) &&
           ((fault != PROBE_FULL && fault != EDGES_FULL && fault != TRUTH_FULL && fault != CONSOLE_FULL) ||
            boot.disk.failed);
    if (boot.code != (came ? expected : P2P_OK)) {
        fail_msg("seed %" PRIu64 ", fault %d: expected %d, found %d: %s", seed, (int)fault, (int)expected,
                 (int)boot.code, boot.error.message);
    }
    assert_true(p2p_account_balances(&boot.account));
    if (boot.code == P2P_OK) {
        assert_int_equal(boot.account.stimuli, boot.plan.samples);
        assert_int_equal(boot.account.missed, fault == MISSED);
        assert_int_equal(boot.account.late, fault == LATE);
        assert_int_equal(boot.account.spurious, fault == TWICE);
    }
    discard(&boot);
}

static void no_fault_passes_for_a_good_boot(void **state)
{
    uint64_t seed = (uint64_t)time(NULL);

    (void)state;
    print_message("seeds from %" PRIu64 "\n", seed);
    for (uint64_t i = 0; i < UINT64_C(40) * RANDOM_FAULTS; i++) {
        random_script(seed + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_boot_is_whole),
        cmocka_unit_test(a_long_boot_is_whole),
        cmocka_unit_test(the_console_may_come_in_any_pieces),
        cmocka_unit_test(a_guest_that_is_not_ready_is_told_with_its_last_words),
        cmocka_unit_test(ready_counts_up_to_the_time_limit_only),
        cmocka_unit_test(what_runs_must_be_what_was_asked_for),
        cmocka_unit_test(debug_and_scheduler_must_be_what_was_asked_for),
        cmocka_unit_test(trouble_on_the_console_ends_the_boot),
        cmocka_unit_test(the_guests_count_must_be_the_probes),
        cmocka_unit_test(a_stimulus_that_never_came_is_a_fault),
        cmocka_unit_test(odd_answers_are_recorded),
        cmocka_unit_test(a_late_answer_to_the_last_stimulus_is_still_seen),
        cmocka_unit_test(a_guest_that_babbles_is_stopped),
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(the_disk_may_fill_up_at_any_time),
        cmocka_unit_test(the_first_of_two_errors_wins),
        cmocka_unit_test(the_probe_is_asked_in_order),
        cmocka_unit_test(a_request_that_fails_ends_the_boot),
        cmocka_unit_test(edges_under_way_are_waited_for),
        cmocka_unit_test(a_slow_link_loses_nothing),
        cmocka_unit_test(the_counters_are_compared_when_the_last_edge_has_come),
        cmocka_unit_test(nobody_need_know_the_truth),
        cmocka_unit_test(a_board_that_is_ready_in_the_second_try_is_measured),
        cmocka_unit_test(a_first_try_that_goes_well_is_the_only_one),
        cmocka_unit_test(a_board_that_is_never_ready_fails_by_its_last_try),
        cmocka_unit_test(the_bench_says_how_many_tries),
        cmocka_unit_test(only_the_benchs_fault_is_tried_again),
        cmocka_unit_test(nothing_is_tried_again_after_ready),
        cmocka_unit_test(each_try_begins_a_log_of_its_own),
        cmocka_unit_test(edges_of_two_probes_are_not_mixed),
        cmocka_unit_test(a_disk_that_fills_up_between_tries_ends_the_boot),
        cmocka_unit_test(a_board_that_stays_on_voids_its_boot),
        cmocka_unit_test(any_call_of_a_lab_may_fail),
        cmocka_unit_test(no_fault_passes_for_a_good_boot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
