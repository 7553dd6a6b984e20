/* SPDX-License-Identifier: MIT */
#include "session/boot_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep(char *to, size_t bytes, const char *text, size_t length)
{
    if (to[0] == '\0') { /* the first wins */
        snprintf(to, bytes, "%.*s", (int)length, text);
    }
}

static const char *after(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* Xen writes "(XEN) " before its own lines and "(XEN) DOM1: " before a guest's; 4.20 only "(XEN) " before DOM1's. */
static const char *skip_prefixes(const char *line)
{
    const char *rest = after(line, "(XEN) ");

    if (rest != NULL) {
        line = rest;
        rest = after(line, "DOM");
        if (rest != NULL && strspn(rest, "0123456789") > 0) {
            rest = after(rest + strspn(rest, "0123456789"), ": ");
            line = rest != NULL ? rest : line;
        }
    }
    return line;
}

/* "key=value" as a word of `text`. NULL: not there. */
static const char *find_field(const char *text, const char *key, size_t *length)
{
    size_t key_length = strlen(key);

    for (const char *at = text; (at = strstr(at, key)) != NULL; at++) {
        if ((at == text || at[-1] == ' ') && at[key_length] == '=') {
            at += key_length + 1;
            *length = strcspn(at, " ");
            return at;
        }
    }
    return NULL;
}

static bool counter(const char *line, const char *key, uint64_t *count)
{
    size_t length;
    const char *value = find_field(line, key, &length);
    char *end;

    if (value == NULL || value[0] < '0' || value[0] > '9') {
        return false;
    }
    *count = strtoull(value, &end, 10);
    return end == value + length;
}

/* A line that a busy console damaged counts nothing: a counter that is not there is no zero. */
static void take_counters(struct p2p_boot_log *log, const char *line)
{
    struct p2p_stub_counters counters;

    if (counter(line, "irq", &counters.irq) && counter(line, "unexpected_irq", &counters.unexpected_irq) &&
        counter(line, "spurious", &counters.spurious) && counter(line, "fiq", &counters.fiq) &&
        counter(line, "serror", &counters.serror)) {
        log->counters = counters;
        log->counted = true;
    }
}

/* "Xen version 4.17.7 (Debian ...) (...) (...) debug=n Tue ..." */
static void take_version(struct p2p_boot_log *log, const char *text)
{
    size_t length;
    const char *debug = find_field(text, "debug", &length);

    keep(log->xen_version, sizeof log->xen_version, text, strcspn(text, " "));
    if (debug != NULL) {
        keep(log->xen_debug, sizeof log->xen_debug, debug, length);
    }
}

/* "SMP Credit Scheduler rev2 (credit2)": the name that `sched=` takes is the one in parentheses. */
static void take_scheduler(struct p2p_boot_log *log, const char *text)
{
    const char *open = strrchr(text, '(');

    if (open != NULL) {
        keep(log->xen_scheduler, sizeof log->xen_scheduler, open + 1, strcspn(open + 1, ")"));
    }
}

/* The number behind `prefix`, and where it ends; NULL: there is none. */
static const char *number_after(const char *text, const char *prefix, long *number)
{
    const char *digits = text == NULL ? NULL : after(text, prefix);
    char *end = NULL;

    *number = digits == NULL ? 0 : strtol(digits, &end, 10);
    return end == digits ? NULL : end;
}

/* xen/common/sched/boot-cpupool.c */
static void take_pool(struct p2p_boot_log *log, const char *line)
{
    long cpu, pool, scheduler;
    const char *rest = number_after(line, "Logical CPU ", &cpu);

    rest = number_after(rest, " in Pool-", &pool);
    rest = number_after(rest, " (Scheduler id: ", &scheduler);
    if (rest != NULL && cpu >= 0 && cpu < P2P_CPUS_MAX && !log->pools[cpu].said) {
        log->pools[cpu] = (struct p2p_logged_cpu){.said = true, .pool = pool, .scheduler = scheduler};
    }
}

/* What Xen tells of its CPUs and domains. */
static void take_machine(struct p2p_boot_log *log, const char *line)
{
    const char *rest;

    if ((rest = after(line, "Brought up ")) != NULL) {
        log->cpus = (uint32_t)strtoul(rest, NULL, 10);
    } else if (after(line, "Logical CPU ") != NULL) {
        take_pool(log, line);
    } else if (after(line, "*** LOADING DOMU ") != NULL && log->ready[0] == '\0') {
        log->domains++; /* Xen's log, which is asked for later, says all again */
    } else if (after(line, "NEIGHBOUR ") != NULL && log->xen_command_line[0] == '\0') {
        log->neighbours++;
    }
}

static void take_line(struct p2p_boot_log *log)
{
    const char *line = skip_prefixes(log->line);
    const char *rest;

    if (line[0] == '\0') {
        return;
    }
    snprintf(log->last, sizeof log->last, "%s", line);
    if ((rest = after(line, "Xen version ")) != NULL) {
        take_version(log, rest);
    } else if ((rest = after(line, "Command line: ")) != NULL) {
        keep(log->xen_command_line, sizeof log->xen_command_line, rest, strlen(rest));
    } else if ((rest = after(line, "Using scheduler: ")) != NULL) {
        take_scheduler(log, rest);
    } else if (after(line, "READY pin2pin-stub ") != NULL) {
        keep(log->ready, sizeof log->ready, line, strlen(line));
    } else if (after(line, "COUNTERS ") != NULL) {
        take_counters(log, line);
    } else if (after(line, "Panic on CPU") != NULL || after(line, "ERROR ") != NULL ||
               after(line, "EXCEPTION ") != NULL) {
        keep(log->complaint, sizeof log->complaint, line, strlen(line));
    } else {
        take_machine(log, line);
    }
}

void p2p_boot_log_feed(struct p2p_boot_log *log, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n') {
            log->line[log->length] = '\0';
            take_line(log);
            log->length = 0;
        } else if (bytes[i] != '\r' && bytes[i] != '\0' && log->length + 1 < sizeof log->line) {
            log->line[log->length++] = bytes[i];
        }
    }
}

bool p2p_boot_log_ready_field(const struct p2p_boot_log *log, const char *key, char *value, size_t bytes)
{
    size_t length;
    const char *at = find_field(log->ready, key, &length);

    if (at == NULL || length >= bytes) {
        return false;
    }
    memcpy(value, at, length);
    value[length] = '\0';
    return true;
}

static enum p2p_code mismatch(struct p2p_error *error, const char *what, const char *asked, const char *found)
{
    return p2p_error_set(error, P2P_E_BENCH, "%s: asked for %s, but the board runs %s", what, asked,
                         found[0] != '\0' ? found : "something that does not say");
}

/* "4.17" is "4.17" and "4.17.7", not "4.170". */
static bool version_matches(const char *found, const char *asked)
{
    const char *rest = after(found, asked);

    return rest != NULL && (rest[0] == '\0' || rest[0] == '.' || rest[0] == '-');
}

static enum p2p_code check_number(struct p2p_error *error, const char *what, uint32_t asked, uint32_t found)
{
    char asked_text[16], found_text[16];

    snprintf(asked_text, sizeof asked_text, "%" PRIu32, asked);
    snprintf(found_text, sizeof found_text, "%" PRIu32, found);
    return asked == found ? P2P_OK : mismatch(error, what, asked_text, found_text);
}

/* xen/include/public/domctl.h: XEN_SCHEDULER_* */
static long scheduler_number(const char *name)
{
    static const struct {
        const char *name;
        long number;
    } schedulers[] = {{"credit", 5}, {"credit2", 6}, {"arinc653", 7}, {"rtds", 8}, {"null", 9}};

    for (size_t i = 0; i < sizeof schedulers / sizeof schedulers[0]; i++) {
        if (strcmp(schedulers[i].name, name) == 0) {
            return schedulers[i].number;
        }
    }
    return 0;
}

/* A Xen that was built without cpupools at boot says nothing of any. */
static enum p2p_code check_pool(const struct p2p_boot_log *log, const struct p2p_cpupool *pool, struct p2p_error *error)
{
    for (uint32_t i = 0; i < pool->cpu_count; i++) {
        const struct p2p_logged_cpu *cpu = &log->pools[pool->first_cpu + i];

        if (!cpu->said || cpu->pool != log->pools[pool->first_cpu].pool || cpu->pool == log->pools[0].pool ||
            cpu->scheduler != scheduler_number(pool->scheduler)) {
            return p2p_error_set(error, P2P_E_BENCH,
                                 "cpupool: asked for one with CPU %" PRIu32
                                 " and the scheduler %s, but Xen %s: was it built with BOOT_TIME_CPUPOOLS?",
                                 pool->first_cpu + i, pool->scheduler,
                                 cpu->said ? "has that CPU in another" : "tells of no pool");
        }
    }
    return P2P_OK;
}

/* A real board has as many CPUs as it has, unless somebody asks. */
static enum p2p_code check_cpus(const struct p2p_boot_log *log, const struct p2p_configuration *configuration,
                                const struct p2p_bench *bench, struct p2p_error *error)
{
    uint32_t asked = configuration->cpus == 0 && !p2p_bench_is_lab(bench) ? 1 : configuration->cpus;

    return asked == 0 ? P2P_OK : check_number(error, "CPUs", asked, log->cpus);
}

static enum p2p_code check_xen(const struct p2p_boot_log *log, const struct p2p_configuration *configuration,
                               const struct p2p_bench *bench, struct p2p_error *error)
{
    const struct p2p_xen *xen = configuration->xen;
    const char *debug = xen->debug ? "y" : "n";
    enum p2p_code code = P2P_OK;

    if (!version_matches(log->xen_version, xen->version)) {
        return mismatch(error, "Xen's version", xen->version, log->xen_version);
    }
    if (strcmp(log->xen_debug, debug) != 0) {
        return mismatch(error, "Xen's debug=", debug, log->xen_debug);
    }
    if (strcmp(log->xen_scheduler, xen->scheduler) != 0) {
        return mismatch(error, "Xen's scheduler", xen->scheduler, log->xen_scheduler);
    }
    code = check_cpus(log, configuration, bench, error);
    if (code == P2P_OK) {
        code = check_number(error, "domains", (uint32_t)configuration->neighbour_count + 1, log->domains);
    }
    return code == P2P_OK ? check_pool(log, &xen->cpupool, error) : code;
}

static enum p2p_code check_field(const struct p2p_boot_log *log, const char *key, const char *asked,
                                 struct p2p_error *error)
{
    char found[64] = "", what[64];

    if (p2p_boot_log_ready_field(log, key, found, sizeof found) && strcmp(found, asked) == 0) {
        return P2P_OK;
    }
    snprintf(what, sizeof what, "the stub's %s=", key);
    return mismatch(error, what, asked, found);
}

static enum p2p_code check_pin(const struct p2p_boot_log *log, const char *key, unsigned pin, struct p2p_error *error)
{
    char asked[16];

    snprintf(asked, sizeof asked, "%u", pin);
    return check_field(log, key, asked, error);
}

enum p2p_code p2p_boot_log_check(const struct p2p_boot_log *log, const struct p2p_configuration *configuration,
                                 const struct p2p_bench *bench, struct p2p_error *error)
{
    uint32_t gic = configuration->gic > 0 ? configuration->gic : bench->board.gic;
    enum p2p_code code = P2P_OK;

    if (configuration->xen != NULL) {
        code = check_xen(log, configuration, bench, error);
    } else if (log->xen_version[0] != '\0') {
        code = mismatch(error, "hypervisor", "none (native)", log->xen_version);
    }
    if (code == P2P_OK) {
        code = check_field(log, "gic", gic == 2 ? "v2" : "v3", error);
    }
    if (code == P2P_OK) {
        code = check_field(log, "idle", "wfi", error); /* without WFI a vwfi comparison shows nothing */
    }
    if (code == P2P_OK) {
        code = check_pin(log, "stimulus", bench->pins.stimulus, error);
    }
    if (code == P2P_OK) {
        code = check_pin(log, "answer", bench->pins.answer, error);
    }
    return code == P2P_OK ? check_pin(log, "query", bench->pins.query, error) : code;
}

enum p2p_code p2p_boot_log_check_neighbours(const struct p2p_boot_log *log,
                                            const struct p2p_configuration *configuration, struct p2p_error *error)
{
    return check_number(error, "neighbours", (uint32_t)configuration->neighbour_count, log->neighbours);
}

/* True if `text` holds `key=value` as a word. */
static bool says(const char *text, const char *key, const char *value)
{
    size_t length;
    const char *found = find_field(text, key, &length);

    return found != NULL && length == strlen(value) && strncmp(found, value, length) == 0;
}

enum p2p_code p2p_boot_log_check_command_line(const struct p2p_boot_log *log, const struct p2p_xen *xen,
                                              struct p2p_error *error)
{
    char asked[64];

    snprintf(asked, sizeof asked, "vwfi=%s sched=%s", p2p_vwfi_name(xen->vwfi), xen->scheduler);
    if (!says(log->xen_command_line, "vwfi", p2p_vwfi_name(xen->vwfi)) ||
        !says(log->xen_command_line, "sched", xen->scheduler) ||
        strstr(log->xen_command_line, xen->extra_command_line) == NULL) {
        return mismatch(error, "Xen's command line", asked, log->xen_command_line);
    }
    return P2P_OK;
}
