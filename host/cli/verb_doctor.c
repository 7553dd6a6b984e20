/* SPDX-License-Identifier: MIT */
#include "cli/bench_lock.h"
#include "cli/cli.h"
#include "cli/verb_probe.h"
#include "doctor/doctor.h"

#include <stdio.h>
#include <unistd.h>

struct report {
    json_t *checks; /* NULL: lines of text */
    unsigned counts[P2P_FINDING_SKIPPED + 1];
};

static void take_finding(void *user, const struct p2p_finding *finding)
{
    struct report *report = user;
    const char *status = p2p_finding_status_name(finding->status);

    report->counts[finding->status]++;
    if (report->checks != NULL) {
        /* A failure to append shows: the answer is then refused for its missing rows. */
        json_array_append_new(report->checks,
                              json_pack("{ss ss ss so}", "name", finding->name, "status", status, "message",
                                        finding->message, "cure",
                                        finding->cure[0] != '\0' ? json_string(finding->cure) : json_null()));
        return;
    }
    printf("%-8s %-17s %s\n", status, finding->name, finding->message);
    if (finding->cure[0] != '\0') {
        printf("         %-17s cure: %s\n", "", finding->cure);
    }
    fflush(stdout); /* the next check may take a minute */
}

static int print_summary(const struct report *report, const struct p2p_bench *bench)
{
    const unsigned *counts = report->counts;
    const bool well = counts[P2P_FINDING_FAILED] == 0;
    const unsigned all =
        counts[P2P_FINDING_OK] + counts[P2P_FINDING_WARNING] + counts[P2P_FINDING_FAILED] + counts[P2P_FINDING_SKIPPED];

    if (report->checks == NULL) {
        printf("bench %s: %u checks: %u ok, %u warnings, %u failed, %u skipped\n", bench->name, all,
               counts[P2P_FINDING_OK], counts[P2P_FINDING_WARNING], counts[P2P_FINDING_FAILED],
               counts[P2P_FINDING_SKIPPED]);
    } else if (json_array_size(report->checks) != all) {
        p2p_print_answer(NULL);
        return P2P_EXIT_BENCH_FAULT;
    } else if (!p2p_print_answer(json_pack("{ss sO sb}", "bench", bench->name, "checks", report->checks, "ok", well))) {
        return P2P_EXIT_BENCH_FAULT;
    }
    return well ? P2P_EXIT_PASS : P2P_EXIT_BENCH_FAULT;
}

static enum p2p_code examine(const struct p2p_bench *bench, struct report *report, struct p2p_error *error)
{
    struct p2p_bench_lock lock = {0};
    struct p2p_error busy = {0};
    struct p2p_doctor doctor = {.bench = bench,
                                .busy = busy.message,
                                .folder = ".",
                                .sysfs = "/sys",
                                .dev = "/dev",
                                .stop_fd = p2p_open_stop_fd(error),
                                .on_finding = take_finding,
                                .user = report};
    enum p2p_code code = p2p_failure(error);

    if (doctor.stop_fd >= 0) {
        /* That it is taken is a finding like others. */
        (void)p2p_bench_lock_take(&lock, bench, P2P_LOCK_BOARD | P2P_LOCK_PROBE, "doctor", 0, false, &busy);
        code = p2p_doctor_run(&doctor, error);
        close(doctor.stop_fd);
    }
    p2p_bench_lock_release(&lock);
    return code;
}

int p2p_verb_doctor(const struct p2p_options *options)
{
    struct report report = {.checks = options->json ? json_array() : NULL};
    struct p2p_error error = {0};
    struct p2p_bench *bench = p2p_bench_load(options->argument, &error);
    enum p2p_code code = bench != NULL ? P2P_OK : p2p_failure(&error);
    int exit_code;

    if (code == P2P_OK && options->json && report.checks == NULL) {
        code = p2p_error_set(&error, P2P_E_HOST, "out of memory");
    }
    if (code == P2P_OK) {
        code = examine(bench, &report, &error);
    }
    exit_code = code == P2P_OK ? print_summary(&report, bench) : p2p_complain(&error, options);
    json_decref(report.checks);
    p2p_bench_free(bench);
    return p2p_finish_output(exit_code);
}
