/* SPDX-License-Identifier: MIT */
/* This computer: who uses the bench, its clocks, its disk, its real time. */
#include "doctor/check.h"

#include "ports/lab_clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define MIB UINT64_C(1048576)

enum {
    DISK_MIB_MIN = 100,   /* a boot of 1 million stimuli: 32 MB of edges */
    DISK_MIB_GOOD = 1024, /* some weeks of nightly runs */
    RESOLUTION_NS_MAX = 1000,
};

void p2p_check_free(struct p2p_examination *self, struct p2p_finding *finding)
{
    if (self->doctor->busy[0] != '\0') {
        p2p_find(finding, P2P_FINDING_FAILED,
                 "wait until its owner is done, or end that process; if the lock file itself is at fault, see "
                 "PIN2PIN_LOCK_FOLDER",
                 "%s", self->doctor->busy);
    } else {
        p2p_find_ok(finding, "nobody else uses it");
    }
}

static void write_date(time_t at, char text[32])
{
    struct tm utc;

    gmtime_r(&at, &utc);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* The kernel knows whether somebody (NTP, PTP, a GPS receiver) keeps its clock right; asking needs no permission. */
static bool is_adrift(void)
{
    struct timex asked = {0};

    return adjtimex(&asked) == TIME_ERROR;
}

/* Results are dated by the clock. The bench file was written in its past. */
void p2p_check_clock(struct p2p_examination *self, struct p2p_finding *finding)
{
    struct timespec now, resolution;
    struct stat file;
    char now_text[32], file_text[32];

    if (clock_gettime(CLOCK_REALTIME, &now) != 0 || clock_getres(CLOCK_MONOTONIC, &resolution) != 0) {
        p2p_find(finding, P2P_FINDING_FAILED, "this kernel is not fit for measuring", "cannot read the clock: %s",
                 strerror(errno));
        return;
    }
    write_date(now.tv_sec, now_text);
    if (stat(self->bench->path, &file) == 0 && file.st_mtime > now.tv_sec) {
        write_date(file.st_mtime, file_text);
        p2p_find(finding, P2P_FINDING_FAILED, "set the clock, and let it be kept right (`timedatectl set-ntp true`)",
                 "it says %s, but the bench file was written at %s", now_text, file_text);
    } else if (resolution.tv_sec > 0 || resolution.tv_nsec > RESOLUTION_NS_MAX) {
        p2p_find(finding, P2P_FINDING_WARNING, "boot with a kernel that has high-resolution timers",
                 "CLOCK_MONOTONIC goes in steps of %ld ns", resolution.tv_nsec);
    } else if (p2p_bench_is_lab(self->bench) && is_adrift()) {
        p2p_find(finding, P2P_FINDING_WARNING,
                 "let it be kept right (`timedatectl set-ntp true`, or chrony); `timedatectl` must say that it is",
                 "%s, but nobody keeps it right: over the years the nights get wrong dates", now_text);
    } else {
        p2p_find_ok(finding, "%s, in steps of %ld ns", now_text, resolution.tv_nsec);
    }
}

void p2p_check_disk(struct p2p_examination *self, struct p2p_finding *finding)
{
    static const char cure[] = "free space, or start pin2pin where there is more (`run -o DIR` says where)";
    const char *folder = self->doctor->folder;
    struct statvfs disk;
    uint64_t free_mib;

    if (statvfs(folder, &disk) != 0 || access(folder, W_OK | X_OK) != 0) {
        p2p_find(finding, P2P_FINDING_FAILED, "start pin2pin in a folder that you may write to (`run -o DIR`)",
                 "run folders cannot be made in %s: %s", folder, strerror(errno));
        return;
    }
    free_mib = (uint64_t)disk.f_bavail * disk.f_frsize / MIB;
    if (free_mib < DISK_MIB_GOOD) {
        p2p_find(finding, free_mib < DISK_MIB_MIN ? P2P_FINDING_FAILED : P2P_FINDING_WARNING, cure,
                 "%" PRIu64 " MiB free here; 1 million stimuli take 32 MB", free_mib);
    } else {
        p2p_find_ok(finding, "%" PRIu64 " MiB free here", free_mib);
    }
}

void p2p_check_realtime(struct p2p_examination *self, struct p2p_finding *finding)
{
    struct p2p_lab_clock *clock = p2p_lab_clock_new(self->doctor->stop_fd, true);

    if (clock == NULL) {
        p2p_find(finding, P2P_FINDING_FAILED, "free some memory", "out of memory");
    } else if (p2p_lab_clock_refused(clock)[0] != '\0') {
        p2p_find(finding, P2P_FINDING_WARNING,
                 "let the user have rtprio 10 and memlock unlimited (/etc/security/limits.conf; in a systemd unit "
                 "LimitRTPRIO=10 and LimitMEMLOCK=infinity)",
                 "stimuli may come late: %s", p2p_lab_clock_refused(clock));
    } else {
        p2p_find_ok(finding, "SCHED_FIFO and locked memory are allowed");
    }
    p2p_lab_clock_free(clock);
}
