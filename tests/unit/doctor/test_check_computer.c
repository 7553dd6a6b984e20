/* SPDX-License-Identifier: MIT */
#include "finding_asserts.h"

#include "ports/lab_clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define MIB 1048576

static struct p2p_bench bench;
static struct p2p_doctor doctor;
static struct p2p_examination self;
static char path[] = "/tmp/pin2pin-computer-XXXXXX";

static struct computer {
    bool clock_fails, no_clock;
    int clock_state;
    time_t now_s;
    long step_ns;
    unsigned long free_blocks;
    int disk_errno;
    const char *refused;
    unsigned clocks;
} computer;

int __wrap_statvfs(const char *folder, struct statvfs *disk);
int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_getres(clockid_t id, struct timespec *step);
int __wrap_adjtimex(struct timex *asked);
struct p2p_lab_clock *__wrap_p2p_lab_clock_new(int stop_fd, bool realtime);
const char *__wrap_p2p_lab_clock_refused(const struct p2p_lab_clock *clock);
void __wrap_p2p_lab_clock_free(struct p2p_lab_clock *clock);

int __wrap_statvfs(const char *folder, struct statvfs *disk)
{
    assert_string_equal(folder, doctor.folder);
    *disk = (struct statvfs){.f_bavail = computer.free_blocks, .f_bfree = 1 << 30, .f_frsize = MIB};
    errno = computer.disk_errno;
    return computer.disk_errno == 0 ? 0 : -1;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
    assert_int_equal(id, CLOCK_REALTIME);
    *now = (struct timespec){.tv_sec = computer.now_s};
    errno = EINVAL;
    return computer.clock_fails ? -1 : 0;
}

int __wrap_clock_getres(clockid_t id, struct timespec *step)
{
    assert_int_equal(id, CLOCK_MONOTONIC);
    *step = (struct timespec){.tv_nsec = computer.step_ns};
    return 0;
}

int __wrap_adjtimex(struct timex *asked)
{
    assert_int_equal(asked->modes, 0); /* or it would be set */
    errno = ENOSYS;
    return computer.clock_state;
}

struct p2p_lab_clock *__wrap_p2p_lab_clock_new(int stop_fd, bool realtime)
{
    assert_int_equal(stop_fd, -1);
    assert_true(realtime);
    computer.clocks += !computer.no_clock;
    return computer.no_clock ? NULL : (struct p2p_lab_clock *)&computer;
}

const char *__wrap_p2p_lab_clock_refused(const struct p2p_lab_clock *clock)
{
    assert_ptr_equal(clock, &computer);
    return computer.refused;
}

void __wrap_p2p_lab_clock_free(struct p2p_lab_clock *clock)
{
    computer.clocks -= clock != NULL;
}

static int set_up(void **state)
{
    const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    int fd;

    (void)state;
    memcpy(strrchr(path, '-') + 1, "XXXXXX", 6);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    bench = (struct p2p_bench){.path = path};
    doctor = (struct p2p_doctor){.bench = &bench, .busy = "", .folder = "/tmp", .stop_fd = -1};
    self = (struct p2p_examination){.doctor = &doctor, .bench = &bench};
    computer = (struct computer){.now_s = 1000000001, .step_ns = 1, .free_blocks = 2000, .refused = ""};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(computer.clocks, 0);
    return unlink(path);
}

static void another_has_the_bench(void **state)
{
    (void)state;
    assert_check(p2p_check_free, &self, P2P_FINDING_OK, "nobody else", "");
    doctor.busy = "bench lab is taken by pid 5";
    assert_check(p2p_check_free, &self, P2P_FINDING_FAILED, "bench lab is taken by pid 5", "wait");
}

static void the_clock(void **state)
{
    (void)state;
    assert_check(p2p_check_clock, &self, P2P_FINDING_OK, "2001-09-09T01:46:41Z, in steps of 1 ns", "");
    computer.step_ns = 4000000;
    assert_check(p2p_check_clock, &self, P2P_FINDING_WARNING, "4000000 ns", "high-resolution");
    computer.now_s = 999999999;
    assert_check(p2p_check_clock, &self, P2P_FINDING_FAILED,
                 "says 2001-09-09T01:46:39Z, but the bench file was written at 2001-09-09T01:46:40Z", "timedatectl");
    computer.clock_fails = true;
    assert_check(p2p_check_clock, &self, P2P_FINDING_FAILED, "cannot read the clock: Invalid", "kernel");
}

static void a_clock_that_nobody_keeps_right(void **state)
{
    (void)state;
    computer.clock_state = TIME_ERROR;
    assert_check(p2p_check_clock, &self, P2P_FINDING_OK, "2001", ""); /* it matters where nights are counted */
    bench.board.kind = P2P_BOARD_UBOOT;
    assert_check(p2p_check_clock, &self, P2P_FINDING_WARNING, "2001-09-09T01:46:41Z, but nobody keeps it right",
                 "set-ntp");
    computer.clock_state = TIME_INS; /* a leap second comes */
    assert_check(p2p_check_clock, &self, P2P_FINDING_OK, "2001", "");
    computer.clock_state = -1; /* a container's: not known */
    assert_check(p2p_check_clock, &self, P2P_FINDING_OK, "2001", "");
}

static void the_disk(void **state)
{
    (void)state;
    computer.free_blocks = 1024;
    assert_check(p2p_check_disk, &self, P2P_FINDING_OK, "1024 MiB free", "");
    computer.free_blocks = 1023;
    assert_check(p2p_check_disk, &self, P2P_FINDING_WARNING, "1023 MiB free", "-o DIR");
    computer.free_blocks = 99;
    assert_check(p2p_check_disk, &self, P2P_FINDING_FAILED, "99 MiB free", "-o DIR");
    computer.disk_errno = EIO;
    assert_check(p2p_check_disk, &self, P2P_FINDING_FAILED, "/tmp: Input/output error", "write");
    computer.disk_errno = 0;
    doctor.folder = "/absent";
    assert_check(p2p_check_disk, &self, P2P_FINDING_FAILED, "/absent: No such file", "write");
}

static void real_time(void **state)
{
    (void)state;
    assert_check(p2p_check_realtime, &self, P2P_FINDING_OK, "SCHED_FIFO", "");
    computer.refused = "SCHED_FIFO: not permitted";
    assert_check(p2p_check_realtime, &self, P2P_FINDING_WARNING, "SCHED_FIFO: not permitted", "LimitRTPRIO=10");
    computer.no_clock = true;
    assert_check(p2p_check_realtime, &self, P2P_FINDING_FAILED, "out of memory", "free");
}

#define ON_IT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_IT(another_has_the_bench),
        ON_IT(the_clock),
        ON_IT(a_clock_that_nobody_keeps_right),
        ON_IT(the_disk),
        ON_IT(real_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
