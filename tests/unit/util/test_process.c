/* SPDX-License-Identifier: MIT */
#include "util/process.h"

#include "util/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000 };

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_pipe2(int fds[2], int flags);
int __wrap_pipe2(int fds[2], int flags);
pid_t __real_fork(void);
pid_t __wrap_fork(void);

static bool calloc_fails, pipe2_fails, fork_fails;

void *__wrap_calloc(size_t count, size_t size)
{
    return calloc_fails ? NULL : __real_calloc(count, size);
}

int __wrap_pipe2(int fds[2], int flags)
{
    errno = EMFILE;
    return pipe2_fails ? -1 : __real_pipe2(fds, flags);
}

pid_t __wrap_fork(void)
{
    errno = EAGAIN;
    return fork_fails ? -1 : __real_fork();
}

/* Our descriptors below 64, as bits. */
static uint64_t open_fds(void)
{
    uint64_t open = 0;

    for (int fd = 0; fd < 64; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            open |= UINT64_C(1) << fd;
        }
    }
    return open;
}

static struct p2p_process *shell(const char *script, const int fds[], size_t fd_count)
{
    struct p2p_error error = {0};
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct p2p_process *process = p2p_process_start(argv, fds, fd_count, &error);

    if (process == NULL) {
        fail_msg("%s", error.message);
    }
    return process;
}

static void assert_prints(const char *script, const int fds[], size_t fd_count, const char *expected)
{
    struct p2p_process *process = shell(script, fds, fd_count);
    char text[256];

    assert_true(p2p_process_ended(process, PATIENCE_MS));
    p2p_process_complaint(process, text, sizeof text);
    p2p_process_stop(process);
    assert_string_equal(text, expected);
}

/* Where nobody reaps orphans they stay as zombies. */
static bool is_gone_or_zombie(const char *stat_path)
{
    FILE *file = fopen(stat_path, "re");
    char stat[256] = "";
    const char *name_end;

    if (file == NULL) {
        return true;
    }
    assert_non_null(fgets(stat, sizeof stat, file));
    fclose(file);
    name_end = strrchr(stat, ')');
    return name_end != NULL && name_end[2] == 'Z';
}

static void its_output_is_kept_both_streams_in_order(void **state)
{
    (void)state;
    assert_prints("echo one; echo two >&2; echo three; echo", NULL, 0, "one|two|three");
    assert_prints(":", NULL, 0, "");
}

static void its_output_moves_no_cursor(void **state)
{
    (void)state;
    assert_prints("printf 'a\\033]0;b\\tc\\n\\377d'", NULL, 0, "a?]0;b c|?d");
}

static void a_babbling_program_does_not_fill_the_memory(void **state)
{
    struct p2p_process *process = shell("trap '' XFSZ; yes | head -c 40000000; exit 7", NULL, 0);
    char text[64];

    (void)state;
    assert_true(p2p_process_ended(process, PATIENCE_MS)); /* its writes fail, and it goes its way */
    p2p_process_describe(process, text, sizeof text);
    assert_string_equal(text, "exit code 7");
    p2p_process_stop(process);
}

static void what_it_started_ends_with_it(void **state)
{
    struct p2p_process *process = shell("sleep 987 >/dev/null & echo $!", NULL, 0);
    char text[64];
    long pid;

    (void)state;
    assert_true(p2p_process_ended(process, PATIENCE_MS));
    p2p_process_complaint(process, text, sizeof text);
    pid = strtol(text, NULL, 10);
    assert_true(pid > 1);
    p2p_process_stop(process);
    for (int i = 0; i < 500 && kill((pid_t)pid, 0) == 0; i++) {
        usleep(10000); /* until whoever inherited it has reaped it */
    }
    snprintf(text, sizeof text, "/proc/%ld/stat", pid);
    assert_true(is_gone_or_zombie(text));
}

static void the_complaint_is_the_tail(void **state)
{
    struct p2p_process *process = shell("printf 'abcdefgh\\n12345678'", NULL, 0);
    char text[8];

    (void)state;
    assert_true(p2p_process_ended(process, PATIENCE_MS));
    p2p_process_complaint(process, text, sizeof text);
    assert_string_equal(text, "2345678");
    p2p_process_complaint(process, text, 1);
    assert_string_equal(text, "");
    p2p_process_stop(process);
}

static void what_it_prints_after_a_look_is_kept_too(void **state)
{
    int ends[2];
    struct p2p_process *process;
    char text[32] = "";
    char go;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    process = shell("echo one; sleep 0.1; echo two", &ends[1], 1);
    close(ends[1]);
    for (int i = 0; i < PATIENCE_MS && text[0] == '\0'; i++) {
        p2p_process_complaint(process, text, sizeof text);
        usleep(1000);
    }
    assert_string_equal(text, "one");
    assert_int_equal(read(ends[0], &go, 1), 0); /* it has ended */
    p2p_process_complaint(process, text, sizeof text);
    assert_string_equal(text, "one|two");
    close(ends[0]);
    p2p_process_stop(process);
}

static void its_end_is_put_into_words(void **state)
{
    static const struct {
        const char *script, *words;
    } ends[] = {{"exit 0", "exit code 0"}, {"exit 7", "exit code 7"}, {"kill -9 $$", "killed by signal 9"}};
    char text[32];

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct p2p_process *process = shell(ends[i].script, NULL, 0);

        assert_true(p2p_process_ended(process, PATIENCE_MS));
        assert_true(p2p_process_ended(process, 0));
        p2p_process_describe(process, text, sizeof text);
        assert_string_equal(text, ends[i].words);
        p2p_process_stop(process);
    }
}

/* The reader's end of a pipe that the child, and whoever inherits from it, holds open. */
static struct p2p_process *sleeper(int *alive_fd)
{
    struct p2p_process *process;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    process = shell("exec sleep 1000", &ends[1], 1);
    close(ends[1]);
    *alive_fd = ends[0];
    return process;
}

static void assert_all_gone(int alive_fd)
{
    char byte;

    assert_int_equal(p2p_wait_fd(alive_fd, POLLIN, -1, p2p_deadline_in_ms(PATIENCE_MS)), P2P_WAIT_READY);
    assert_int_equal(read(alive_fd, &byte, 1), 0);
    close(alive_fd);
}

static void stop_kills_and_reaps(void **state)
{
    char text[32];
    int alive_fd;
    struct p2p_process *process = sleeper(&alive_fd);
    struct p2p_deadline deadline = p2p_deadline_in_ms(20);

    (void)state;
    assert_false(p2p_process_ended(process, 0));
    assert_false(p2p_process_ended(process, 20));
    assert_int_equal(p2p_deadline_left_ms(deadline), 0); /* it did wait */
    p2p_process_describe(process, text, sizeof text);
    assert_string_equal(text, "still running");
    p2p_process_stop(process);
    assert_all_gone(alive_fd);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    p2p_process_stop(NULL);
}

/* We fork a parent for the sleeper and kill it: nobody is left to stop the sleeper but the kernel. */
static void the_child_dies_with_us(void **state)
{
    int ends[2], ready[2];
    char byte;
    pid_t parent;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(ready), 0);
    parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        const char *const argv[] = {"sleep", "1000", NULL};
        struct p2p_error error = {0};

        if (p2p_process_start(argv, &ends[1], 1, &error) != NULL && write(ready[1], "x", 1) == 1) {
            pause();
        }
        _exit(1);
    }
    close(ends[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_all_gone(ends[0]);
    close(ready[0]);
}

static void only_named_descriptors_are_inherited(void **state)
{
    int named = fcntl(0, F_DUPFD_CLOEXEC, 40);
    int other = fcntl(0, F_DUPFD, 41);

    (void)state;
    assert_int_equal(named, 40);
    assert_int_equal(other, 41);
    assert_prints("for fd in $(seq 0 60); do test -e /proc/$$/fd/$fd && echo $fd; done", &named, 1, "0|1|2|40");
    close(named);
    close(other);
}

static void its_input_is_empty_and_its_group_its_own(void **state)
{
    (void)state;
    assert_prints("readlink /proc/$$/fd/0; read line || echo end", NULL, 0, "/dev/null|end");
    assert_prints("set -- $(cat /proc/$$/stat); test $5 = $$ && echo own", NULL, 0, "own");
}

static void no_signal_stays_blocked(void **state)
{
    sigset_t all, before;

    (void)state;
    sigfillset(&all);
    assert_int_equal(sigprocmask(SIG_SETMASK, &all, &before), 0);
    assert_prints("exec grep SigBlk /proc/self/status", NULL, 0, "SigBlk: 0000000000000000");
    assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static void assert_does_not_start(const char *program, enum p2p_code code, const char *part)
{
    const char *const argv[] = {program, NULL};
    struct p2p_error error = {0};
    uint64_t before = open_fds();

    assert_null(p2p_process_start(argv, NULL, 0, &error));
    assert_int_equal(error.code, code);
    assert_non_null(strstr(error.message, program));
    if (strstr(error.message, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, error.message);
    }
    assert_int_equal(open_fds(), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
}

static void a_program_that_cannot_be_run_is_named(void **state)
{
    (void)state;
    assert_does_not_start("p2p-no-such-program", P2P_E_BENCH, "No such file or directory");
    assert_does_not_start("/etc/passwd", P2P_E_BENCH, "Permission denied");
}

static void a_host_without_resources_is_said(void **state)
{
    (void)state;
    calloc_fails = true;
    assert_does_not_start("true", P2P_E_HOST, "out of memory");
    calloc_fails = false;
    pipe2_fails = true;
    assert_does_not_start("true", P2P_E_HOST, "Too many open files");
    pipe2_fails = false;
    fork_fails = true;
    assert_does_not_start("true", P2P_E_HOST, "cannot fork");
    fork_fails = false;
}

static void nothing_of_ours_stays_open(void **state)
{
    uint64_t before = open_fds();

    (void)state;
    assert_prints("echo x", NULL, 0, "x");
    assert_int_equal(open_fds(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_output_is_kept_both_streams_in_order),
        cmocka_unit_test(its_output_moves_no_cursor),
        cmocka_unit_test(a_babbling_program_does_not_fill_the_memory),
        cmocka_unit_test(what_it_started_ends_with_it),
        cmocka_unit_test(the_complaint_is_the_tail),
        cmocka_unit_test(what_it_prints_after_a_look_is_kept_too),
        cmocka_unit_test(its_end_is_put_into_words),
        cmocka_unit_test(stop_kills_and_reaps),
        cmocka_unit_test(the_child_dies_with_us),
        cmocka_unit_test(only_named_descriptors_are_inherited),
        cmocka_unit_test(its_input_is_empty_and_its_group_its_own),
        cmocka_unit_test(no_signal_stays_blocked),
        cmocka_unit_test(a_program_that_cannot_be_run_is_named),
        cmocka_unit_test(a_host_without_resources_is_said),
        cmocka_unit_test(nothing_of_ours_stays_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
