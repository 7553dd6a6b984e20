/* SPDX-License-Identifier: MIT */
/* The programs are real: shells that write down that they ran. */
#include "ports/power_command.h"

#include "config/plan.h"
#include "util/deadline.h"
#include "util/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
FILE *__real_open_memstream(char **text, size_t *size);
FILE *__wrap_open_memstream(char **text, size_t *size);

static bool out_of_memory;

void *__wrap_calloc(size_t count, size_t size)
{
    return out_of_memory ? NULL : __real_calloc(count, size);
}

FILE *__wrap_open_memstream(char **text, size_t *size)
{
    return out_of_memory ? NULL : __real_open_memstream(text, size);
}

struct fixture {
    char folder[64], home[4096];
    const char *on[6], *off[6];
    struct p2p_power_command_setup setup;
    struct p2p_power_command *power;
    struct p2p_power port;
    struct p2p_error error;
};

/* Runs in a folder of its own: what the programs write is there. */
static int set_up(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    *f = (struct fixture){
        .folder = "/tmp/p2p-power-XXXXXX",
        .on = {"sh", "-c", "echo on $1 >>log", "sh", "{configuration}"},
        .off = {"sh", "-c", "echo off >>log"},
    };
    out_of_memory = false;
    if (getcwd(f->home, sizeof f->home) == NULL || mkdtemp(f->folder) == NULL || chdir(f->folder) != 0) {
        return -1;
    }
    f->setup = (struct p2p_power_command_setup){
        .on = {.what = "power on", .arguments = f->on, .timeout_s = P2P_COMMAND_TIMEOUT_S},
        .off = {.what = "power off", .arguments = f->off, .timeout_s = P2P_COMMAND_TIMEOUT_S},
        .stop_fd = -1,
    };
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    out_of_memory = false;
    p2p_power_command_free(f->power);
    unlink("log");
    unlink("broken");
    return chdir(f->home) == 0 ? rmdir(f->folder) : -1;
}

static void open_power(struct fixture *f)
{
    f->power = p2p_power_command_new(&f->setup);
    assert_non_null(f->power);
    f->port = p2p_power_command_port(f->power);
}

static enum p2p_code on(struct fixture *f)
{
    const struct p2p_configuration configuration = {.name = "credit2-trap"};

    f->error = (struct p2p_error){0};
    return f->port.on(f->port.self, &configuration, 42, &f->error);
}

static void off(struct fixture *f)
{
    f->port.off(f->port.self);
}

static void assert_log(const char *expected)
{
    char *text = NULL;
    size_t size = 0;
    struct p2p_error error = {0};

    if (access("log", F_OK) != 0) {
        assert_string_equal("", expected);
        return;
    }
    assert_int_equal(p2p_read_file("log", 1 << 16, &text, &size, &error), P2P_OK);
    assert_string_equal(text, expected);
    free(text);
}

static void assert_fault(const struct fixture *f, const char *expected)
{
    struct p2p_error error = {0};

    assert_int_equal(p2p_power_command_check(f->power, &error), expected == NULL ? P2P_OK : P2P_E_BENCH);
    assert_string_equal(error.message, expected == NULL ? "" : expected);
}

/* ---- Power ---- */

static void each_boot_is_switched_on_and_off(void **state)
{
    struct fixture *f = *state;

    open_power(f);
    assert_log("");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(on(f), P2P_OK);
        off(f);
        off(f);
    }
    assert_log("off\non credit2-trap\noff\non credit2-trap\noff\n");
    assert_fault(f, NULL);
}

static void a_board_that_was_not_touched_is_left_alone(void **state)
{
    struct fixture *f = *state;

    open_power(f);
    off(f);
    p2p_power_command_free(f->power);
    f->power = NULL;
    assert_log("");
}

static void a_board_that_is_on_is_switched_off_in_the_end(void **state)
{
    struct fixture *f = *state;

    open_power(f);
    assert_int_equal(on(f), P2P_OK);
    p2p_power_command_free(f->power);
    f->power = NULL;
    assert_log("off\non credit2-trap\noff\n");
}

/* On again without an off between: a boot begins without power. */
static void a_second_on_switches_off_first(void **state)
{
    struct fixture *f = *state;

    open_power(f);
    assert_int_equal(on(f), P2P_OK);
    assert_int_equal(on(f), P2P_OK);
    assert_log("off\non credit2-trap\noff\non credit2-trap\n");
}

static void a_failed_on_is_told_and_followed_by_off(void **state)
{
    struct fixture *f = *state;

    f->on[2] = "echo on >>log; echo relay 3; echo no answer >&2; exit 3";
    open_power(f);
    assert_int_equal(on(f), P2P_E_BENCH);
    assert_string_equal(f->error.message, "power on: sh: exit code 3: relay 3|no answer");
    off(f);
    assert_log("off\non\noff\n");
    assert_fault(f, NULL);
}

static void a_failed_off_stands_until_one_succeeds(void **state)
{
    static const char fault[] = "the board may still be on: power off: sh: exit code 1: relay lost";
    struct fixture *f = *state;

    f->off[2] = "test ! -e broken || { echo relay lost; exit 1; }; echo off >>log";
    open_power(f);
    assert_int_equal(on(f), P2P_OK);
    assert_int_equal(p2p_write_file("broken", "", 0, &f->error), P2P_OK);
    off(f);
    assert_fault(f, fault);
    assert_fault(f, fault);
    assert_int_equal(on(f), P2P_E_BENCH); /* it was not switched on over a board that may run */
    assert_string_equal(f->error.message, fault);
    assert_log("off\non credit2-trap\n");
    assert_int_equal(unlink("broken"), 0);
    off(f);
    assert_fault(f, NULL);
    assert_log("off\non credit2-trap\noff\n");
}

static void a_program_that_hangs_is_killed(void **state)
{
    struct fixture *f = *state;
    int64_t start_ns = p2p_monotonic_ns();

    f->on[2] = "echo switching; sleep 60; echo on >>log";
    f->setup.on.timeout_s = 1;
    open_power(f);
    assert_int_equal(on(f), P2P_E_BENCH);
    assert_string_equal(f->error.message, "power on: sh: not done within 1 s: switching");
    assert_true(p2p_monotonic_ns() - start_ns < INT64_C(20000000000));
    assert_log("off\n");
}

static void the_user_ends_the_wait_for_on_but_not_for_off(void **state)
{
    struct fixture *f = *state;
    int pipe_fds[2];

    assert_int_equal(pipe(pipe_fds), 0);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    f->on[2] = "sleep 60; echo on >>log";
    f->off[2] = "sleep 0.2; echo off >>log";
    f->setup.stop_fd = pipe_fds[0];
    open_power(f);
    assert_int_equal(on(f), P2P_E_INTERRUPTED);
    off(f);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    assert_fault(f, NULL);
    assert_log("off\noff\n");
}

static void out_of_memory_is_told(void **state)
{
    struct fixture *f = *state;

    open_power(f);
    out_of_memory = true;
    assert_null(p2p_power_command_new(&f->setup));
    assert_int_equal(on(f), P2P_E_BENCH);
    assert_string_equal(f->error.message, "the board may still be on: power off: out of memory");
}

/* ---- One program ---- */

static enum p2p_code run(struct fixture *f, const char *const *arguments)
{
    static const struct p2p_placeholder known[] = {{"xen", "/boot/xen"}, {"tree", "/a b/{xen}.dtb"}, {"empty", ""}};
    const struct p2p_command command = {.what = "boot", .arguments = arguments, .timeout_s = 10};

    f->error = (struct p2p_error){0};
    return p2p_command_run(&command, known, sizeof known / sizeof known[0], -1, &f->error);
}

/* What comes for a placeholder is not looked at again, and no shell sees any of it. */
static void placeholders_are_replaced_and_nothing_else(void **state)
{
    static const char *const arguments[] = {"sh",           "-c",         "printf '<%s>' \"$@\" >log",
                                            "sh",           "{xen}",      "{tree}{xen}",
                                            "-x={xen},",    "{empty}",    "",
                                            "{\"json\":1}", "{}",         "{Xen}",
                                            "{xen",         "$(id);`id`", NULL};
    struct fixture *f = *state;

    assert_int_equal(run(f, arguments), P2P_OK);
    assert_log("</boot/xen></a b/{xen}.dtb/boot/xen><-x=/boot/xen,><><><{\"json\":1}><{}><{Xen}><{xen><$(id);`id`>");
}

static void an_unknown_placeholder_is_refused_and_nothing_is_run(void **state)
{
    static const char *const arguments[] = {"sh", "-c", "echo ran >log", "sh", "{xen}", "--dtb={tre}", NULL};
    struct fixture *f = *state;

    assert_int_equal(run(f, arguments), P2P_E_INPUT);
    assert_string_equal(f->error.message, "boot: sh: no such placeholder: {tre}");
    assert_log("");
}

static void a_program_that_is_missing_is_told(void **state)
{
    static const char *const arguments[] = {"./no-such-relay", NULL};
    struct fixture *f = *state;

    assert_int_equal(run(f, arguments), P2P_E_BENCH);
    assert_non_null(strstr(f->error.message, "boot: ./no-such-relay: cannot run this program"));
}

static void a_program_that_is_killed_is_told(void **state)
{
    static const char *const arguments[] = {"sh", "-c", "kill -9 $$", NULL};
    struct fixture *f = *state;

    assert_int_equal(run(f, arguments), P2P_E_BENCH);
    assert_string_equal(f->error.message, "boot: sh: killed by signal 9: it printed nothing");
}

static void arguments_are_64_at_most(void **state)
{
    const char *arguments[P2P_COMMAND_ARGUMENTS_MAX + 2] = {"sh", "-c", "echo $# >log"};
    struct fixture *f = *state;

    for (int i = 3; i < P2P_COMMAND_ARGUMENTS_MAX; i++) {
        arguments[i] = "x";
    }
    assert_int_equal(run(f, arguments), P2P_OK);
    assert_log("60\n"); /* 64 less sh, -c, the script and $0 */
    arguments[P2P_COMMAND_ARGUMENTS_MAX] = "x";
    assert_int_equal(run(f, arguments), P2P_E_INPUT);
    assert_string_equal(f->error.message, "boot: sh: more than 64 arguments");
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(each_boot_is_switched_on_and_off),
        IN_A_FOLDER(a_board_that_was_not_touched_is_left_alone),
        IN_A_FOLDER(a_board_that_is_on_is_switched_off_in_the_end),
        IN_A_FOLDER(a_second_on_switches_off_first),
        IN_A_FOLDER(a_failed_on_is_told_and_followed_by_off),
        IN_A_FOLDER(a_failed_off_stands_until_one_succeeds),
        IN_A_FOLDER(a_program_that_hangs_is_killed),
        IN_A_FOLDER(the_user_ends_the_wait_for_on_but_not_for_off),
        IN_A_FOLDER(out_of_memory_is_told),
        IN_A_FOLDER(placeholders_are_replaced_and_nothing_else),
        IN_A_FOLDER(an_unknown_placeholder_is_refused_and_nothing_is_run),
        IN_A_FOLDER(a_program_that_is_missing_is_told),
        IN_A_FOLDER(a_program_that_is_killed_is_told),
        IN_A_FOLDER(arguments_are_64_at_most),
    };

    p2p_power_command_free(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
