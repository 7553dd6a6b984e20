/* SPDX-License-Identifier: MIT */
/*
 * The lock, between real processes: each other holder is a child. Replaced at link time: calloc, vasprintf (no memory)
 * and ftruncate (full disk).
 */
#include "util/lock.h"

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
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define NAME "bench lab"

/* ---- the fakes ---- */

static struct {
    int good_allocations; /* so many succeed, then one fails; -1: all succeed */
    int truncate_errno;   /* if not 0, ftruncate fails with it */
} fakes;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
int __real_vasprintf(char **text, const char *format, va_list arguments);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);
int __real_ftruncate(int fd, off_t length);
int __wrap_ftruncate(int fd, off_t length);

void *__wrap_calloc(size_t count, size_t size)
{
    return fakes.good_allocations >= 0 && fakes.good_allocations-- == 0 ? NULL : __real_calloc(count, size);
}

int __wrap_vasprintf(char **text, const char *format, va_list arguments)
{
    return fakes.good_allocations >= 0 && fakes.good_allocations-- == 0 ? -1
                                                                        : __real_vasprintf(text, format, arguments);
}

int __wrap_ftruncate(int fd, off_t length)
{
    errno = fakes.truncate_errno;
    return errno != 0 ? -1 : __real_ftruncate(fd, length);
}

/* ---- a folder of its own for each test ---- */

struct place {
    char folder[64];
    char path[128];   /* the lock's file */
    char victim[128]; /* a file that nobody may touch */
    pid_t holder;     /* the child; 0: none */
    int from_holder, to_holder;
};

static struct place place;

static int set_up(void **state)
{
    (void)state;
    fakes.good_allocations = -1;
    fakes.truncate_errno = 0;
    place = (struct place){.from_holder = -1, .to_holder = -1};
    snprintf(place.folder, sizeof place.folder, "/tmp/p2p-test-lock-XXXXXX");
    if (mkdtemp(place.folder) == NULL) {
        return -1;
    }
    snprintf(place.path, sizeof place.path, "%s/pin2pin-bench-lab.lock", place.folder);
    snprintf(place.victim, sizeof place.victim, "%s/victim", place.folder);
    return setenv(P2P_LOCK_FOLDER_VARIABLE, place.folder, 1);
}

static int end_holder(int signal_number)
{
    int status = 0;

    kill(place.holder, signal_number);
    waitpid(place.holder, &status, 0);
    place.holder = 0;
    close(place.from_holder);
    close(place.to_holder);
    return status;
}

static int tear_down(void **state)
{
    (void)state;
    if (place.holder > 0) {
        end_holder(SIGKILL);
    }
    chmod(place.folder, 0700);
    unlink(place.path);
    unlink(place.victim);
    return rmdir(place.folder);
}

/* A child takes the lock, says so, and releases it when it is told to. */
static void start_holder(uint64_t lease_s)
{
    struct p2p_error error = {0};
    int up[2], down[2];
    char byte = '?';

    assert_int_equal(pipe2(up, O_CLOEXEC), 0);
    assert_int_equal(pipe2(down, O_CLOEXEC), 0);
    place.holder = fork();
    assert_true(place.holder >= 0);
    if (place.holder == 0) {
        struct p2p_lock *lock = p2p_lock_take(NAME, "run nightly.plan.json", lease_s, &error);

        close(down[1]);
        if (write(up[1], lock != NULL ? "y" : "n", 1) == 1 && read(down[0], &byte, 1) == 1) {
            p2p_lock_release(lock);
        }
        _exit(0);
    }
    close(up[1]);
    close(down[0]);
    place.from_holder = up[0];
    place.to_holder = down[1];
    assert_int_equal(read(up[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
}

static void write_text(const char *text)
{
    FILE *file = fopen(place.path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void read_text(const char *path, char *text, size_t bytes)
{
    FILE *file = fopen(path, "r");
    size_t count;

    assert_non_null(file);
    count = fread(text, 1, bytes - 1, file);
    text[count] = '\0';
    fclose(file);
}

static void make_victim(void)
{
    FILE *file = fopen(place.victim, "w");

    assert_non_null(file);
    fputs("precious", file);
    assert_int_equal(fclose(file), 0);
}

static void assert_victim_is_whole(void)
{
    char text[16];

    read_text(place.victim, text, sizeof text);
    assert_string_equal(text, "precious");
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" in \"%s\"", part, text);
    }
}

static void assert_refused(enum p2p_code code, const char *part)
{
    struct p2p_error error = {0};

    assert_null(p2p_lock_take(NAME, "test", 0, &error));
    assert_int_equal(error.code, code);
    assert_has(error.message, NAME);
    assert_has(error.message, part);
}

static struct p2p_lock *take(void)
{
    struct p2p_error error = {0};
    struct p2p_lock *lock = p2p_lock_take(NAME, "test", 0, &error);

    assert_string_equal(error.message, "");
    assert_non_null(lock);
    return lock;
}

/* ---- held ---- */

static void a_second_process_is_refused_and_told_by_whom(void **state)
{
    char part[32];

    (void)state;
    start_holder(0);
    snprintf(part, sizeof part, "in use by pid %d (", (int)place.holder);
    assert_refused(P2P_E_BENCH, part);
    assert_refused(P2P_E_BENCH, "Z, run nightly.plan.json)");
    assert_refused(P2P_E_BENCH, "@"); /* user and host */
    assert_refused(P2P_E_BENCH, ", since 2");
}

static void so_is_a_second_lock_of_the_same_process(void **state)
{
    struct p2p_lock *lock = take();

    (void)state;
    assert_refused(P2P_E_BENCH, "in use by pid ");
    assert_refused(P2P_E_BENCH, "in use by pid "); /* the refusal has not dropped it */
    p2p_lock_release(lock);
    p2p_lock_release(take());
}

static void another_bench_is_free(void **state)
{
    struct p2p_error error = {0};
    struct p2p_lock *other;
    char path[128];

    (void)state;
    start_holder(0);
    other = p2p_lock_take("probe /dev/serial/by-id/a b", "test", 0, &error);
    assert_non_null(other);
    p2p_lock_release(other);
    snprintf(path, sizeof path, "%s/pin2pin-probe--dev-serial-by-id-a-b.lock", place.folder);
    assert_int_equal(unlink(path), 0);
}

static void who_waits_too_long_is_said(void **state)
{
    struct p2p_lock *lock;
    struct p2p_error error = {0};

    (void)state;
    lock = p2p_lock_take(NAME, "test", 3600, &error);
    assert_non_null(lock);
    assert_null(p2p_lock_take(NAME, "test", 0, &error));
    assert_has(error.message, ", test, until 2");
    assert_null(strstr(error.message, "hangs"));
    write_text("pid 1 (a@b, since 2001-01-01T00:00:00Z, test, until 2001-01-01T01:00:00Z)\n");
    assert_refused(P2P_E_BENCH, "until 2001-01-01T01:00:00Z): it should be done by now; look whether it hangs");
    p2p_lock_release(lock);
}

static void the_lease_ends_so_many_seconds_from_now(void **state)
{
    struct p2p_lock *lock;
    struct p2p_error error = {0};
    char text[P2P_LOCK_OWNER_BYTES], until[32];
    const time_t before = time(NULL);
    bool found = false;

    (void)state;
    lock = p2p_lock_take(NAME, "test", 7200, &error);
    assert_non_null(lock);
    assert_true(p2p_lock_owner(NAME, text));
    for (time_t at = before; at <= time(NULL); at++) {
        const time_t end = at + 7200;

        strftime(until, sizeof until, "until %Y-%m-%dT%H:%M:%SZ)", gmtime(&end));
        found = found || strstr(text, until) != NULL;
    }
    assert_true(found);
    p2p_lock_release(lock);
}

static void a_holder_without_a_text_is_refused_too(void **state)
{
    struct p2p_lock *lock = take();

    (void)state;
    write_text("");
    assert_refused(P2P_E_BENCH, "in use by a process that has not said who it is");
    p2p_lock_release(lock);
}

static void what_others_wrote_does_not_reach_the_terminal(void **state)
{
    struct p2p_lock *lock = take();

    (void)state;
    write_text("pid 1\033[2J\x80\tx\nsecond line");
    assert_refused(P2P_E_BENCH, "in use by pid 1?[2J??x");
    p2p_lock_release(lock);
}

/* ---- free again ---- */

static void a_release_leaves_nothing(void **state)
{
    struct p2p_lock *lock;
    char text[8];

    (void)state;
    start_holder(0);
    assert_int_equal(write(place.to_holder, "x", 1), 1);
    assert_int_equal(waitpid(place.holder, NULL, 0), place.holder);
    place.holder = 0;
    close(place.from_holder);
    close(place.to_holder);
    read_text(place.path, text, sizeof text);
    assert_string_equal(text, "");
    lock = take();
    assert_string_equal(p2p_lock_left_by(lock), "");
    p2p_lock_release(lock);
}

static void a_killed_holder_leaves_its_name_and_no_lock(void **state)
{
    struct p2p_lock *lock;
    char owner[P2P_LOCK_OWNER_BYTES], part[32];

    (void)state;
    start_holder(0);
    snprintf(part, sizeof part, "pid %d (", (int)place.holder);
    assert_true(WIFSIGNALED(end_holder(SIGKILL)));
    assert_false(p2p_lock_owner(NAME, owner));
    lock = take();
    assert_has(p2p_lock_left_by(lock), part);
    assert_true(p2p_lock_owner(NAME, owner));
    assert_null(strstr(owner, part)); /* it is ours now */
    p2p_lock_release(lock);
}

static void a_child_of_the_holder_does_not_keep_it(void **state)
{
    struct p2p_lock *lock = take();
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        execlp("sleep", "sleep", "10", (char *)NULL);
        _exit(1);
    }
    for (int i = 0; i < 100; i++) { /* until it is sleep */
        char path[64], name[16];

        snprintf(path, sizeof path, "/proc/%d/comm", (int)child);
        read_text(path, name, sizeof name);
        if (strcmp(name, "sleep\n") == 0) {
            break;
        }
        usleep(10000);
    }
    p2p_lock_release(lock);
    p2p_lock_release(take());
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* ---- owner ---- */

static void the_owner_is_told_without_taking_anything(void **state)
{
    char owner[P2P_LOCK_OWNER_BYTES], part[32];

    (void)state;
    assert_false(p2p_lock_owner(NAME, owner)); /* no file */
    assert_int_equal(access(place.path, F_OK), -1);
    start_holder(0);
    snprintf(part, sizeof part, "pid %d (", (int)place.holder);
    assert_true(p2p_lock_owner(NAME, owner));
    assert_has(owner, part);
    end_holder(SIGKILL);
    assert_false(p2p_lock_owner(NAME, owner));
    assert_string_equal(owner, "");
}

/* ---- what is wrong with the file ---- */

static void a_link_is_not_followed(void **state)
{
    char owner[P2P_LOCK_OWNER_BYTES];

    (void)state;
    make_victim();
    assert_int_equal(symlink(place.victim, place.path), 0);
    assert_refused(P2P_E_BENCH, "is no plain file: remove it");
    assert_false(p2p_lock_owner(NAME, owner));
    assert_victim_is_whole();
    assert_int_equal(unlink(place.victim), 0);
    assert_refused(P2P_E_BENCH, "is no plain file: remove it"); /* nor does one to nowhere make a file there */
    assert_int_equal(access(place.victim, F_OK), -1);
}

static void a_second_name_of_a_file_is_not_written(void **state)
{
    (void)state;
    make_victim();
    assert_int_equal(link(place.victim, place.path), 0);
    assert_refused(P2P_E_BENCH, "is no plain file: remove it");
    assert_victim_is_whole();
}

static void a_fifo_does_not_hang_us(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(place.path, 0600), 0);
    assert_refused(P2P_E_BENCH, "is no plain file: remove it");
}

static void a_folder_is_no_lock(void **state)
{
    (void)state;
    assert_int_equal(mkdir(place.path, 0700), 0);
    assert_refused(P2P_E_BENCH, "is no plain file: remove it");
    assert_int_equal(rmdir(place.path), 0);
}

static void a_missing_folder_names_the_cure(void **state)
{
    (void)state;
    setenv(P2P_LOCK_FOLDER_VARIABLE, "/nowhere", 1);
    assert_refused(P2P_E_HOST, "cannot open its lock file /nowhere/pin2pin-bench-lab.lock (PIN2PIN_LOCK_FOLDER names "
                               "another folder): No such file or directory");
}

static void a_folder_that_may_not_be_written_is_said(void **state)
{
    (void)state;
    if (geteuid() == 0) { /* who may write everywhere but here */
        setenv(P2P_LOCK_FOLDER_VARIABLE, "/proc", 1);
        assert_refused(P2P_E_HOST, "cannot open its lock file /proc/pin2pin-bench-lab.lock");
        return;
    }
    assert_int_equal(chmod(place.folder, 0500), 0);
    assert_refused(P2P_E_HOST, "Permission denied");
}

static void every_user_may_take_it_next(void **state)
{
    const mode_t before = umask(077);
    struct stat status;

    (void)state;
    p2p_lock_release(take());
    umask(before);
    assert_int_equal(stat(place.path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0666);
}

static void without_a_wish_the_folder_is_one_that_all_may_write(void **state)
{
    static const char name[] = "unit-test-of-pin2pin";
    static const char *const folders[] = {"/run/lock/pin2pin", "/run/lock", "/tmp"};
    struct p2p_error error = {0};
    struct p2p_lock *lock;
    int found = 0;

    (void)state;
    unsetenv(P2P_LOCK_FOLDER_VARIABLE);
    lock = p2p_lock_take(name, "test", 0, &error);
    assert_string_equal(error.message, "");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[128];
        struct stat status;

        snprintf(path, sizeof path, "%s/pin2pin-%s.lock", folders[i], name);
        if (unlink(path) == 0) {
            assert_int_equal(stat(folders[i], &status), 0);
            assert_int_equal(status.st_mode & 01002, 01002);
            found++;
        }
    }
    assert_int_equal(found, 1);
    p2p_lock_release(lock);
}

/* ---- this computer fails ---- */

static void a_full_disk_is_said_and_leaves_no_lock(void **state)
{
    (void)state;
    fakes.truncate_errno = EIO;
    assert_refused(P2P_E_HOST, "cannot write ");
    fakes.truncate_errno = 0;
    p2p_lock_release(take());
}

static void no_memory_is_said(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        fakes.good_allocations = i;
        assert_refused(P2P_E_HOST, "out of memory");
    }
    fakes.good_allocations = -1;
    p2p_lock_release(take());
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(a_second_process_is_refused_and_told_by_whom),
        IN_A_FOLDER(so_is_a_second_lock_of_the_same_process),
        IN_A_FOLDER(another_bench_is_free),
        IN_A_FOLDER(who_waits_too_long_is_said),
        IN_A_FOLDER(the_lease_ends_so_many_seconds_from_now),
        IN_A_FOLDER(a_holder_without_a_text_is_refused_too),
        IN_A_FOLDER(what_others_wrote_does_not_reach_the_terminal),
        IN_A_FOLDER(a_release_leaves_nothing),
        IN_A_FOLDER(a_killed_holder_leaves_its_name_and_no_lock),
        IN_A_FOLDER(a_child_of_the_holder_does_not_keep_it),
        IN_A_FOLDER(the_owner_is_told_without_taking_anything),
        IN_A_FOLDER(a_link_is_not_followed),
        IN_A_FOLDER(a_second_name_of_a_file_is_not_written),
        IN_A_FOLDER(a_fifo_does_not_hang_us),
        IN_A_FOLDER(a_folder_is_no_lock),
        IN_A_FOLDER(a_missing_folder_names_the_cure),
        IN_A_FOLDER(a_folder_that_may_not_be_written_is_said),
        IN_A_FOLDER(every_user_may_take_it_next),
        IN_A_FOLDER(without_a_wish_the_folder_is_one_that_all_may_write),
        IN_A_FOLDER(a_full_disk_is_said_and_leaves_no_lock),
        IN_A_FOLDER(no_memory_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
