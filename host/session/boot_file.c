/* SPDX-License-Identifier: MIT */
#include "session/boot_file.h"

#include "config/json_writer.h"
#include "store/budget_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The console may hold any byte, JSON only UTF-8: what is not printable ASCII becomes '?'. The bytes themselves are in
 * console.log.
 */
static json_t *console_text(const char *text)
{
    char clean[P2P_ERROR_MESSAGE_BYTES];
    size_t length = 0;

    if (text == NULL || text[0] == '\0') {
        return json_null();
    }
    for (; text[length] != '\0' && length + 1 < sizeof clean; length++) {
        clean[length] = text[length];
        if (text[length] < ' ' || text[length] > '~') {
            clean[length] = '?';
        }
    }
    clean[length] = '\0';
    return json_string(clean);
}

static json_t *encode_xen(const struct p2p_boot_log *log)
{
    if (log->xen_version[0] == '\0') {
        return json_null();
    }
    return json_pack("{so so so so}", "version", console_text(log->xen_version), "debug", console_text(log->xen_debug),
                     "scheduler", console_text(log->xen_scheduler), "command_line",
                     console_text(log->xen_command_line));
}

static json_t *encode_counters(const struct p2p_boot_log *log)
{
    const struct p2p_stub_counters *counters = &log->counters;

    if (!log->counted) {
        return json_null();
    }
    return json_pack("{sI sI sI sI sI}", "irq", (json_int_t)counters->irq, "unexpected_irq",
                     (json_int_t)counters->unexpected_irq, "spurious", (json_int_t)counters->spurious, "fiq",
                     (json_int_t)counters->fiq, "serror", (json_int_t)counters->serror);
}

static json_t *encode_probe(const struct p2p_probe_info *info, enum p2p_time_base time_base)
{
    if (info->name[0] == '\0') {
        return json_null();
    }
    return json_pack("{ss ss ss sI ss sf so}", "name", info->name, "serial", info->serial, "firmware", info->firmware,
                     "tick_hz", (json_int_t)info->tick_hz, "time_base", p2p_time_base_name(time_base), "uncertainty_ns",
                     p2p_uncertainty_of_sample_ns(&info->uncertainty, 0), "budget",
                     p2p_budget_encode(&info->uncertainty));
}

/* On a virtual bench every edge comes exactly when it was asked for, and there is nothing to tell. */
static json_t *encode_achieved(const struct p2p_ports *ports, const struct p2p_achieved *achieved)
{
    if (ports->stimulus.achieved == NULL) {
        return json_null();
    }
    return json_pack("{sI sf sI sI}", "stimuli", (json_int_t)achieved->stimuli, "mean_late_ns", achieved->mean_late_ns,
                     "max_late_ns", (json_int_t)achieved->max_late_ns, "late", (json_int_t)achieved->late);
}

static json_t *digest(const struct p2p_vouched *vouched)
{
    return vouched->known ? json_integer((json_int_t)vouched->digest) : json_null();
}

static json_t *encode(const struct p2p_boot_file *boot)
{
    const struct p2p_boot_record *record = boot->record;
    struct tm utc;
    char started_at[32], seed[24];

    gmtime_r(&boot->started_at.tv_sec, &utc);
    strftime(started_at, sizeof started_at, "%Y-%m-%dT%H:%M:%SZ", &utc);
    /* 64 random bits are more than a JSON reader's double holds. */
    snprintf(seed, sizeof seed, "0x%016" PRIx64, boot->session->seed);
    return json_pack("{ss si ss si sb ss ss sf sb so so so so so s{sI sI sI} sI sI si so so s{so so}}", "schema",
                     "pin2pin.boot", "version", 1, "configuration", boot->session->configuration->name, "boot",
                     (int)boot->boot, "confirmation", (int)boot->confirmation, "seed", seed, "started_at", started_at,
                     "wall_s", boot->wall_s, "complete", boot->fault == NULL, "fault", console_text(boot->fault),
                     "probe", encode_probe(&record->probe, boot->session->ports->time_base), "xen",
                     encode_xen(&record->log), "stub", console_text(record->log.ready), "counters",
                     encode_counters(&record->log), "bench_time", "ready_ns", (json_int_t)record->ready_ns, "armed_ns",
                     (json_int_t)record->armed_ns, "disarmed_ns", (json_int_t)record->disarmed_ns, "stimuli",
                     (json_int_t)record->stimuli, "answers", (json_int_t)record->answers, "tries", (int)record->tries,
                     "failed_try", console_text(record->failed_try.message), "schedule",
                     encode_achieved(boot->session->ports, &record->achieved), "files", "edges_digest",
                     digest(&boot->edges), "truth_digest", digest(&boot->truth));
}

enum p2p_code p2p_boot_file_write(const char *path, const struct p2p_boot_file *boot, struct p2p_error *error)
{
    return p2p_json_save(path, encode(boot), 6, error);
}
