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

/* Xen writes "(XEN) " before its own lines and "(XEN) DOM1: " (4.17) or "(XEN) " (4.20) before the guest's. */
static const char *skip_prefixes(const char *line)
{
    const char *rest = after(line, "(XEN) ");

    if (rest != NULL) {
        line = rest;
        rest = after(line, "DOM1: ");
        line = rest != NULL ? rest : line;
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

static enum p2p_code check_xen(const struct p2p_boot_log *log, const struct p2p_xen *xen, struct p2p_error *error)
{
    const char *debug = xen->debug ? "y" : "n";

    if (!version_matches(log->xen_version, xen->version)) {
        return mismatch(error, "Xen's version", xen->version, log->xen_version);
    }
    if (strcmp(log->xen_debug, debug) != 0) {
        return mismatch(error, "Xen's debug=", debug, log->xen_debug);
    }
    if (strcmp(log->xen_scheduler, xen->scheduler) != 0) {
        return mismatch(error, "Xen's scheduler", xen->scheduler, log->xen_scheduler);
    }
    return P2P_OK;
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
    enum p2p_code code = P2P_OK;

    if (configuration->xen != NULL) {
        code = check_xen(log, configuration->xen, error);
    } else if (log->xen_version[0] != '\0') {
        code = mismatch(error, "hypervisor", "none (native)", log->xen_version);
    }
    if (code == P2P_OK) {
        code = check_field(log, "gic", bench->board.gic == 2 ? "v2" : "v3", error);
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
