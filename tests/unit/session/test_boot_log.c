/* SPDX-License-Identifier: MIT */
#include "session/boot_log.h"

#include "consoles.h"
#include "util/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct p2p_boot_log read_text(const char *text)
{
    struct p2p_boot_log log = {0};

    p2p_boot_log_feed(&log, text, strlen(text));
    return log;
}

static void assert_same_log(const struct p2p_boot_log *a, const struct p2p_boot_log *b)
{
    assert_string_equal(a->xen_version, b->xen_version);
    assert_string_equal(a->xen_debug, b->xen_debug);
    assert_string_equal(a->xen_scheduler, b->xen_scheduler);
    assert_string_equal(a->xen_command_line, b->xen_command_line);
    assert_string_equal(a->ready, b->ready);
    assert_string_equal(a->complaint, b->complaint);
    assert_string_equal(a->last, b->last);
    assert_int_equal(a->counted, b->counted);
    assert_memory_equal(&a->counters, &b->counters, sizeof a->counters);
}

static void an_empty_console_says_nothing(void **state)
{
    struct p2p_boot_log empty = {0}, log = read_text("\r\n\r\n(XEN) \r\n");

    (void)state;
    assert_same_log(&log, &empty);
}

/* What each line of a real console tells, by the one field that it fills. */
static void every_line_tells_what_it_tells(void **state)
{
    static const struct {
        const char *line;
        size_t field;
        const char *value;
    } cases[] = {
#define FIELD(name) offsetof(struct p2p_boot_log, name)
        {XEN_417_VERSION, FIELD(xen_version), "4.17.7"},
        {XEN_417_VERSION, FIELD(xen_debug), "n"},
        {XEN_420_VERSION, FIELD(xen_version), "4.20.5-pre"},
        {XEN_420_VERSION, FIELD(xen_debug), "n"},
        {"(XEN) Xen version 4.17.7 (gcc) debug=y Tue Nov  3\r\n", FIELD(xen_debug), "y"},
        {"(XEN) Xen version 4.17.7 (gcc debug=y\r\n", FIELD(xen_debug), "y"},
        {"(XEN) Xen version 4.17.7 (gcc nodebug=y)\r\n", FIELD(xen_debug), ""},
        {XEN_SCHEDULER, FIELD(xen_scheduler), "credit2"},
        {"(XEN) Using scheduler: SMP Credit Scheduler (credit)\r\n", FIELD(xen_scheduler), "credit"},
        {"(XEN) Using scheduler: null Scheduler (null)\r\n", FIELD(xen_scheduler), "null"},
        {"(XEN) Using scheduler: SMP RTDS Scheduler (rtds)\r\n", FIELD(xen_scheduler), "rtds"},
        {"(XEN) Using scheduler: ARINC 653 Scheduler (arinc653)\r\n", FIELD(xen_scheduler), "arinc653"},
        {"(XEN) Using scheduler: of no name\r\n", FIELD(xen_scheduler), ""},
        {XEN_COMMAND_LINE, FIELD(xen_command_line),
         "console=dtuart dtuart=/pl011@9000000 conswitch=ax bootscrub=0 noreboot vwfi=trap sched=credit2"},
        {READY "\n", FIELD(ready), READY},
        {"(XEN) DOM1: " READY_XEN "\r\n", FIELD(ready), READY_XEN},
        {"(XEN) " READY_XEN "\r\n", FIELD(ready), READY_XEN},
        {"DOM1: " READY_XEN "\r\n", FIELD(ready), ""},
        {"READY\n", FIELD(ready), ""},
        {"not READY pin2pin-stub 0.1.0\n", FIELD(ready), ""},
        {READY, FIELD(ready), ""}, /* no end of line yet */
        {"(XEN) Panic on CPU 0:\r\n", FIELD(complaint), "Panic on CPU 0:"},
        {"ERROR gpio: none; add one\n", FIELD(complaint), "ERROR gpio: none; add one"},
        {"(XEN) DOM1: EXCEPTION vector=4 esr=96000021 elr=40080b3c far=1\r\n", FIELD(complaint),
         "EXCEPTION vector=4 esr=96000021 elr=40080b3c far=1"},
        {"(XEN) no ERROR here\r\n", FIELD(complaint), ""},
        {XEN_LAST "\r\n", FIELD(last), "Freed 348kB init memory."},
#undef FIELD
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct p2p_boot_log log = read_text(cases[i].line);

        assert_string_equal((const char *)&log + cases[i].field, cases[i].value);
    }
}

static void the_first_of_each_kind_stands(void **state)
{
    struct p2p_boot_log log = read_text(XEN_417 XEN_420 "ERROR a: b; c\nERROR d: e; f\n" READY "\n" READY_XEN "\n");

    (void)state;
    assert_string_equal(log.xen_version, "4.17.7");
    assert_string_equal(log.complaint, "ERROR a: b; c");
    assert_string_equal(log.ready, READY);
    assert_string_equal(log.last, READY_XEN);
}

static void counters_are_read_whole_or_not_at_all(void **state)
{
    static const char *const damaged[] = {
        "COUNTERS irq=7 stimulus=6 query=1 unexpected_irq=0 spurious=0 fiq=0\n",
        "COUNTERS irq=7 stimulus=6 query=1 unexpected_irq=0 spurious=0 fiq=0 serror=\n",
        "COUNTERS irq=7 stimulus=6 query=1 unexpected_irq=0 spurious=x fiq=0 serror=0\n",
        "COUNTERS irq=7 stimulus=6 query=1 unexpected_irq=0 spurious=-1 fiq=0 serror=0\n",
        "COUNTERS irq=7,stimulus=6 query=1 unexpected_irq=0 spurious=0 fiq=0 serror=0\n",
        "COUNTERS stimulus=6 query=1 unexpected_irq=0 spurious=0 fiq=0 serror=0\n",
        "COUNTERSirq=7 stimulus=6 query=1 unexpected_irq=0 spurious=0 fiq=0 serror=0\n",
    };
    struct p2p_boot_log log = read_text("(XEN) DOM1: COUNTERS irq=1001 stimulus=1000 query=1 unexpected_irq=2 "
                                        "last_unexpected_intid=9 spurious=3 fiq=4 serror=5\r\n");

    (void)state;
    assert_true(log.counted);
    assert_int_equal(log.counters.irq, 1001);
    assert_int_equal(log.counters.unexpected_irq, 2);
    assert_int_equal(log.counters.spurious, 3);
    assert_int_equal(log.counters.fiq, 4);
    assert_int_equal(log.counters.serror, 5);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        log = read_text(damaged[i]);
        assert_false(log.counted);
    }
}

/* The console of a whole boot, recorded, with Xen's log dumped at its end. */
static void a_recorded_console_confirms_its_boot(void **state)
{
    static char no_extra_option[] = "";
    struct p2p_xen xen = {.version = "4.17", .scheduler = "credit2", .extra_command_line = no_extra_option};
    const struct p2p_configuration configuration = {.xen = &xen};
    struct p2p_bench bench = {.pins = {.stimulus = 0, .answer = 1, .query = 2}};
    struct p2p_error error = {0};
    struct p2p_boot_log log;
    char *text;
    size_t size;

    (void)state;
    bench.board.gic = 2;
    assert_int_equal(p2p_read_file(P2P_SOURCE_DIR "/tests/golden/run-v1/xen-4.17-vwfi-trap/boot-001/console.log",
                                   1 << 20, &text, &size, &error),
                     P2P_OK);
    log = read_text(text);
    assert_string_equal(log.xen_version, "4.17.7");
    assert_string_equal(log.complaint, "");
    assert_int_equal(log.counters.irq, 61);
    assert_int_equal(p2p_boot_log_check(&log, &configuration, &bench, &error), P2P_OK);
    assert_int_equal(p2p_boot_log_check_command_line(&log, &xen, &error), P2P_OK);
    free(text);
}

static void pieces_do_not_matter(void **state)
{
    static const char text[] = XEN_417 "(XEN) DOM1: " READY_XEN "\r\n" XEN_LOG PANIC
                                       "COUNTERS irq=1 unexpected_irq=2 spurious=3 fiq=4 serror=5\n";
    struct p2p_boot_log whole = read_text(text);

    (void)state;
    assert_true(whole.counted);
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct p2p_boot_log log = {0};

        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            p2p_boot_log_feed(&log, text + at, piece < sizeof text - 1 - at ? piece : sizeof text - 1 - at);
        }
        assert_same_log(&log, &whole);
    }
}

static void long_lines_are_cut_and_the_next_is_read(void **state)
{
    char text[4 * P2P_LINE_BYTES];
    struct p2p_boot_log log;

    (void)state;
    snprintf(text, sizeof text, "ERROR %0*d\n%s\n", 3 * P2P_LINE_BYTES, 0, READY);
    log = read_text(text);
    assert_int_equal(strlen(log.complaint), P2P_LINE_BYTES - 1);
    assert_string_equal(log.ready, READY);
}

static void nul_bytes_are_noise(void **state)
{
    static const char text[] = "\0REA\0DY pin2pin-stub 0.1.0 gic=v2\0\n";
    struct p2p_boot_log log = {0};

    (void)state;
    p2p_boot_log_feed(&log, text, sizeof text - 1);
    assert_string_equal(log.ready, "READY pin2pin-stub 0.1.0 gic=v2");
}

static void a_field_is_a_word_of_its_own(void **state)
{
    struct p2p_boot_log log = read_text(READY "\n");
    char value[17];

    (void)state;
    assert_true(p2p_boot_log_ready_field(&log, "board", value, sizeof value));
    assert_string_equal(value, "linux,dummy-virt");
    assert_false(p2p_boot_log_ready_field(&log, "board", value, sizeof value - 1));
    assert_true(p2p_boot_log_ready_field(&log, "el", value, sizeof value));
    assert_string_equal(value, "1");
    assert_false(p2p_boot_log_ready_field(&log, "ic", value, sizeof value));
    assert_false(p2p_boot_log_ready_field(&log, "gi", value, sizeof value));
    assert_true(p2p_boot_log_ready_field(&log, "path", value, sizeof value));
    assert_string_equal(value, "2");
}

/* ---- what was asked for ---- */

static char no_extra[] = "";

static struct p2p_xen asked(const char *version)
{
    struct p2p_xen xen = {.scheduler = "credit2", .extra_command_line = no_extra};

    snprintf(xen.version, sizeof xen.version, "%s", version);
    return xen;
}

static void assert_check_of(const char *text, const struct p2p_configuration *configuration, enum p2p_board_kind kind,
                            const char *message)
{
    struct p2p_bench bench = {.pins = {.stimulus = 0, .answer = 1, .query = 2}};
    struct p2p_boot_log log = read_text(text);
    struct p2p_error error = {0};

    bench.board.gic = 2;
    bench.board.kind = kind;
    assert_int_equal(p2p_boot_log_check(&log, configuration, &bench, &error),
                     message[0] == '\0' ? P2P_OK : P2P_E_BENCH);
    assert_string_equal(error.message, message);
}

static void assert_check(const char *text, struct p2p_xen *xen, const char *message)
{
    const struct p2p_configuration configuration = {.xen = xen};

    assert_check_of(text, &configuration, P2P_BOARD_QEMU_VIRT, message);
}

static void the_stub_must_be_the_one_asked_for(void **state)
{
    static const struct {
        const char *fields, *message;
    } cases[] = {
        {"gic=v2 idle=wfi stimulus=0 answer=1 query=2", ""},
        {"gic=v3 idle=wfi stimulus=0 answer=1 query=2", "the stub's gic=: asked for v2, but the board runs v3"},
        {"gic=v2 idle=spin stimulus=0 answer=1 query=2", "the stub's idle=: asked for wfi, but the board runs spin"},
        {"gic=v2 idle=wfi stimulus=7 answer=1 query=2", "the stub's stimulus=: asked for 0, but the board runs 7"},
        {"gic=v2 idle=wfi stimulus=0 answer=7 query=2", "the stub's answer=: asked for 1, but the board runs 7"},
        {"gic=v2 idle=wfi stimulus=0 answer=1 query=7", "the stub's query=: asked for 2, but the board runs 7"},
        {"gic=v2 idle=wfi stimulus=0 answer=1",
         "the stub's query=: asked for 2, but the board runs something that does not say"},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "READY pin2pin-stub 0.1.0 %s\n", cases[i].fields);
        assert_check(text, NULL, cases[i].message);
    }
}

static void xen_must_be_the_one_asked_for(void **state)
{
    static const struct {
        const char *asked, *found;
        bool fits;
    } cases[] = {
        {"4.17", "4.17", true},       {"4.17", "4.17.7", true},     {"4.17", "4.17-rc1", true},
        {"4.17.7", "4.17.7", true},   {"4.17", "4.170", false},     {"4.17", "4.1", false},
        {"4.17.7", "4.17", false},    {"4.20", "4.20.5-pre", true}, {"4.2", "4.20.5", false},
        {"4.17.7", "4.17.70", false},
    };
    char text[512], message[128];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct p2p_xen xen = asked(cases[i].asked);

        snprintf(text, sizeof text, "(XEN) Xen version %s (gcc) debug=n\r\n%s%s(XEN) %s\r\n", cases[i].found,
                 XEN_SCHEDULER, XEN_MACHINE, READY_XEN);
        snprintf(message, sizeof message, "Xen's version: asked for %s, but the board runs %s", cases[i].asked,
                 cases[i].found);
        assert_check(text, &xen, cases[i].fits ? "" : message);
    }
}

static void xen_must_say_its_debug_and_scheduler(void **state)
{
    struct p2p_xen xen = asked("4.17");

    (void)state;
    assert_check("(XEN) Xen version 4.17.7 (gcc)\r\n" XEN_SCHEDULER READY_XEN "\n", &xen,
                 "Xen's debug=: asked for n, but the board runs something that does not say");
    assert_check(XEN_417_VERSION READY_XEN "\n", &xen,
                 "Xen's scheduler: asked for credit2, but the board runs something that does not say");
    assert_check(READY "\n", &xen, "Xen's version: asked for 4.17, but the board runs something that does not say");
    assert_check(XEN_417 READY_XEN "\n", NULL, "hypervisor: asked for none (native), but the board runs 4.17.7");
    xen.debug = true;
    assert_check(XEN_417 READY_XEN "\n", &xen, "Xen's debug=: asked for y, but the board runs n");
}

static void the_gic_may_be_the_configurations_own(void **state)
{
    const struct p2p_configuration configuration = {.gic = 3};

    (void)state;
    assert_check_of(READY "\n", &configuration, P2P_BOARD_QEMU_VIRT,
                    "the stub's gic=: asked for v3, but the board runs v2");
}

static void xen_must_have_all_cpus_and_domains(void **state)
{
    struct p2p_xen xen = asked("4.17");
    struct p2p_configuration configuration = {.xen = &xen};
    const char one[] = XEN_417 READY_XEN "\n";
    const char two[] = XEN_417_VERSION XEN_SCHEDULER "(XEN) Brought up 2 CPUs\r\n" XEN_DOMAIN XEN_DOMAIN READY_XEN "\n";

    (void)state;
    assert_check_of(two, &configuration, P2P_BOARD_QEMU_VIRT, "CPUs: asked for 1, but the board runs 2");
    assert_check_of(two, &configuration, P2P_BOARD_UBOOT, "domains: asked for 1, but the board runs 2");
    configuration.cpus = 2;
    configuration.neighbour_count = 1;
    assert_check_of(two, &configuration, P2P_BOARD_UBOOT, "");
    assert_check_of(one, &configuration, P2P_BOARD_UBOOT, "CPUs: asked for 2, but the board runs 1");
    configuration.cpus = 1;
    assert_check_of(one, &configuration, P2P_BOARD_QEMU_VIRT, "domains: asked for 2, but the board runs 1");
}

static void neighbours_must_say_that_they_run(void **state)
{
    static const struct {
        const char *lines;
        uint32_t count;
    } cases[] = {
        {"(XEN) NEIGHBOUR\n", 0},
        {"(XEN) DOM2: NEIGHBOUR pin2pin-noisy 0.1.0\r\n", 1},
        {"(XEN) DOM2: NEIGHBOUR a\r\n(XEN) DOM13: NEIGHBOUR b\r\n", 2},
        {"(XEN) DOM: NEIGHBOUR a\r\n(XEN) DOM2 NEIGHBOUR b\r\n", 0},
        {"(XEN) DOM2: NEIGHBOUR a\r\n" XEN_COMMAND_LINE "(XEN) DOM2: NEIGHBOUR a\r\n", 1}, /* again in Xen's log */
    };
    struct p2p_configuration configuration = {.neighbour_count = 1};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct p2p_boot_log log = read_text(cases[i].lines);
        struct p2p_error error = {0};

        assert_int_equal(log.neighbours, cases[i].count);
        assert_int_equal(p2p_boot_log_check_neighbours(&log, &configuration, &error),
                         cases[i].count == 1 ? P2P_OK : P2P_E_BENCH);
    }
}

static void the_guest_must_be_in_its_pool(void **state)
{
#define CPU(number, pool, scheduler) "(XEN) Logical CPU " number " in Pool-" pool " (Scheduler id: " scheduler ").\r\n"
    static const char refused[] = "cpupool: asked for one with CPU %d and the scheduler null, but Xen %s: was it built "
                                  "with BOOT_TIME_CPUPOOLS?";
    static const struct {
        const char *lines;
        int cpu; /* that is wrong; 0: none */
        const char *why;
    } cases[] = {
        {CPU("0", "0", "-1") CPU("1", "1", "9") CPU("2", "1", "9"), 0, ""},
        {CPU("2", "3", "9") CPU("1", "3", "9") CPU("0", "0", "6"), 0, ""},
        {"", 1, "tells of no pool"},
        {CPU("0", "0", "-1") CPU("1", "1", "9"), 2, "tells of no pool"},
        {CPU("0", "0", "-1") CPU("1", "1", "9") CPU("2", "2", "9"), 2, "has that CPU in another"},
        {CPU("0", "0", "-1") CPU("1", "0", "9") CPU("2", "0", "9"), 1, "has that CPU in another"},
        {CPU("0", "0", "-1") CPU("1", "1", "6") CPU("2", "1", "6"), 1, "has that CPU in another"},
        {CPU("0", "0", "-1") CPU("1", "1", "9") CPU("8", "1", "9"), 2, "tells of no pool"},
    };
    struct p2p_xen xen = asked("4.17");
    const struct p2p_configuration configuration = {.xen = &xen, .cpus = 3};
    char text[2048], message[256] = "";

    (void)state;
    xen.cpupool = (struct p2p_cpupool){.first_cpu = 1, .cpu_count = 2, .scheduler = "null"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "%s%s(XEN) Brought up 3 CPUs\r\n%s%s%s\n", XEN_417_VERSION, XEN_SCHEDULER,
                 cases[i].lines, XEN_DOMAIN, READY_XEN);
        if (cases[i].cpu > 0) {
            snprintf(message, sizeof message, refused, cases[i].cpu, cases[i].why);
        }
        assert_check_of(text, &configuration, P2P_BOARD_QEMU_VIRT, message);
    }
#undef CPU
}

static void xens_command_line_must_hold_all_that_was_asked_for(void **state)
{
    static char extra[] = "timer_slop=0";
    static const struct {
        const char *line;
        bool fits;
    } cases[] = {
        {"vwfi=native sched=null timer_slop=0", true},
        {"sched=null a=b vwfi=native timer_slop=0 noreboot", true},
        {"vwfi=native sched=null", false},
        {"vwfi=trap sched=null timer_slop=0", false},
        {"vwfi=native sched=null2 timer_slop=0", false},
        {"vwfi=native timer_slop=0", false},
        {"xvwfi=native sched=null timer_slop=0", false},
        {"", false},
    };
    struct p2p_xen xen = {.scheduler = "null", .vwfi = P2P_VWFI_NATIVE, .extra_command_line = extra};
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct p2p_error error = {0};
        struct p2p_boot_log log;

        snprintf(text, sizeof text, "(XEN) Command line: %s\r\n", cases[i].line);
        log = read_text(text);
        assert_int_equal(p2p_boot_log_check_command_line(&log, &xen, &error), cases[i].fits ? P2P_OK : P2P_E_BENCH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_console_says_nothing),
        cmocka_unit_test(every_line_tells_what_it_tells),
        cmocka_unit_test(the_first_of_each_kind_stands),
        cmocka_unit_test(counters_are_read_whole_or_not_at_all),
        cmocka_unit_test(a_recorded_console_confirms_its_boot),
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(long_lines_are_cut_and_the_next_is_read),
        cmocka_unit_test(nul_bytes_are_noise),
        cmocka_unit_test(a_field_is_a_word_of_its_own),
        cmocka_unit_test(the_stub_must_be_the_one_asked_for),
        cmocka_unit_test(xen_must_be_the_one_asked_for),
        cmocka_unit_test(xen_must_say_its_debug_and_scheduler),
        cmocka_unit_test(the_gic_may_be_the_configurations_own),
        cmocka_unit_test(xen_must_have_all_cpus_and_domains),
        cmocka_unit_test(neighbours_must_say_that_they_run),
        cmocka_unit_test(the_guest_must_be_in_its_pool),
        cmocka_unit_test(xens_command_line_must_hold_all_that_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
