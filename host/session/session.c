/* SPDX-License-Identifier: MIT */
#include "session/session.h"

#include "session/schedule.h"
#include "util/deadline.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

enum {
    LOOK_MS = 10,            /* how often READY is looked for, in bench time */
    SETTLE_MS = 20,          /* after READY: Xen still frees its init memory and prints its last lines */
    LEAD_MS = 1,             /* from arming to the first stimulus */
    COUNTERS_MS = 1000,      /* the stub's answer to a query */
    XEN_LOG_MS = 5000,       /* by the wall clock */
    PROBE_STEP_MS = 1,       /* how often the probe's answer is looked for, in bench time */
    PROBE_AGAIN_MS = 10,     /* how often IDENTIFY is asked for again */
    PROBE_ANSWER_MS = 3000,  /* in bench time; a probe that is silent for less says so itself */
    DRIVES_PER_PIECE = 2048, /* handed over at once: 1024 stimuli, some 0.15 s of wall time */
    EDGES_PER_READ = 1024,
    BABBLE_FACTOR = 8, /* answers per stimulus; healthy is 1 */
    BABBLE_FLOOR = 10000,
};

struct run {
    const struct p2p_session *session;
    struct p2p_boot_record *record;
    struct p2p_error *error;
    uint64_t rises; /* stimuli that the probe saw */
};

static enum p2p_code drain_console(struct run *run)
{
    const struct p2p_session *session = run->session;
    const struct p2p_console *console = &session->ports->console;
    char bytes[4096];
    size_t count = 0;
    enum p2p_code code;

    do {
        code = console->read(console->self, bytes, sizeof bytes, &count, run->error);
        if (code == P2P_OK && count > 0) {
            p2p_boot_log_feed(&run->record->log, bytes, count);
            code = session->sink.console(session->sink.user, bytes, count, run->error);
        }
        if (code == P2P_OK && count > 0 && console->stamp_ns != NULL) {
            code = session->sink.stamp(session->sink.user, count, console->stamp_ns(console->self), run->error);
        }
    } while (code == P2P_OK && count > 0);
    return code;
}

static enum p2p_code count_edges(struct run *run, const struct p2p_edge *edges, size_t count)
{
    struct p2p_boot_record *record = run->record;

    for (size_t i = 0; i < count; i++) {
        record->answers += edges[i].channel == P2P_CHANNEL_ANSWER;
        run->rises += edges[i].channel == P2P_CHANNEL_STIMULUS && edges[i].level == 1;
    }
    if (record->answers > BABBLE_FLOOR + BABBLE_FACTOR * record->stimuli) {
        return p2p_error_set(run->error, P2P_E_BENCH, "the guest babbles: %" PRIu64 " answers to %" PRIu64 " stimuli",
                             record->answers, record->stimuli);
    }
    return P2P_OK;
}

static enum p2p_code drain_probe(struct run *run)
{
    const struct p2p_session *session = run->session;
    const struct p2p_probe *probe = &session->ports->probe;
    struct p2p_edge edges[EDGES_PER_READ];
    size_t count = 0;
    enum p2p_code code;

    do {
        code = probe->read(probe->self, edges, EDGES_PER_READ, &count, run->error);
        if (code == P2P_OK && count > 0) {
            code = session->sink.edges(session->sink.user, edges, count, run->error);
        }
        if (code == P2P_OK) {
            code = count_edges(run, edges, count);
        }
    } while (code == P2P_OK && count > 0);
    return code;
}

static enum p2p_code drain_truth(struct run *run)
{
    const struct p2p_session *session = run->session;
    const struct p2p_probe *truth = &session->ports->truth;
    struct p2p_edge edges[EDGES_PER_READ];
    size_t count = 0;
    enum p2p_code code = P2P_OK;

    do {
        if (truth->read != NULL) {
            code = truth->read(truth->self, edges, EDGES_PER_READ, &count, run->error);
        }
        if (code == P2P_OK && count > 0) {
            code = session->sink.truth(session->sink.user, edges, count, run->error);
        }
    } while (code == P2P_OK && count > 0);
    return code;
}

/* Whatever has come. All is taken in even if one fails: what came before a fault shall be in the files. */
static enum p2p_code drain(struct run *run)
{
    enum p2p_code probe = drain_probe(run);
    enum p2p_code truth = drain_truth(run);
    enum p2p_code console = drain_console(run);

    return probe != P2P_OK ? probe : truth != P2P_OK ? truth : console;
}

static uint64_t now_ns(const struct run *run)
{
    const struct p2p_clock *clock = &run->session->ports->clock;

    return clock->now_ns(clock->self);
}

/* Lets bench time pass, taking in whatever comes. Decisions are taken afterwards, at that very bench time. */
static enum p2p_code pass_until(struct run *run, uint64_t until_ns)
{
    const struct p2p_clock *clock = &run->session->ports->clock;
    enum p2p_code code = P2P_OK;

    while (code == P2P_OK && now_ns(run) < until_ns) {
        code = clock->advance(clock->self, until_ns, run->error);
        if (code == P2P_OK) {
            code = drain(run);
        }
    }
    return code;
}

/* Asks the probe for something and lets bench time pass until it is there. */
static enum p2p_code ask_probe(struct run *run, enum p2p_probe_request request)
{
    static const char *const requests[] = {"IDENTIFY", "ARM", "SYNC", "STOP"};
    const struct p2p_probe *probe = &run->session->ports->probe;
    uint64_t start_ns = now_ns(run), asked_ns = start_ns;
    enum p2p_code code = probe->request(probe->self, request, run->error);

    while (code == P2P_OK && !probe->settled(probe->self)) {
        if (now_ns(run) - start_ns > PROBE_ANSWER_MS * NS_PER_MS) {
            return p2p_error_set(run->error, P2P_E_BENCH, "the probe did not end %s within %d ms", requests[request],
                                 PROBE_ANSWER_MS);
        }
        code = pass_until(run, now_ns(run) + PROBE_STEP_MS * NS_PER_MS);
        if (code == P2P_OK && request == P2P_PROBE_IDENTIFY && now_ns(run) - asked_ns >= PROBE_AGAIN_MS * NS_PER_MS) {
            asked_ns = now_ns(run);
            code = probe->request(probe->self, request, run->error);
        }
    }
    return code;
}

/* Of several tries of one boot all must meet the same probe: its edges go into one file. */
static enum p2p_code identify_probe(struct run *run)
{
    const struct p2p_session *session = run->session;
    const struct p2p_probe *probe = &session->ports->probe;
    struct p2p_probe_info *known = &run->record->probe;
    enum p2p_code code = ask_probe(run, P2P_PROBE_IDENTIFY);
    const struct p2p_probe_info *info;

    if (code != P2P_OK) {
        return code;
    }
    info = probe->info(probe->self);
    if (known->name[0] == '\0') {
        *known = *info;
        return session->sink.probe(session->sink.user, known, run->error);
    }
    if (strcmp(known->serial, info->serial) != 0 || known->tick_hz != info->tick_hz) {
        return p2p_error_set(run->error, P2P_E_BENCH,
                             "another probe answered than in the try before: %s (%" PRIu64 " Hz), not %s (%" PRIu64
                             " Hz)",
                             info->serial, info->tick_hz, known->serial, known->tick_hz);
    }
    return P2P_OK;
}

static enum p2p_code mark(struct run *run, enum p2p_mark kind)
{
    const struct p2p_session *session = run->session;
    struct p2p_edge edge = {.channel = P2P_CHANNEL_MARK, .flags = (uint8_t)kind};
    enum p2p_code code = session->sink.edges(session->sink.user, &edge, 1, run->error);

    if (code == P2P_OK && session->ports->truth.read != NULL) {
        code = session->sink.truth(session->sink.user, &edge, 1, run->error);
    }
    return code;
}

static enum p2p_code not_ready(struct run *run)
{
    const struct p2p_boot_log *log = &run->record->log;
    uint32_t boot_s = run->session->bench->timeouts.boot_s;

    if (log->complaint[0] != '\0') {
        return p2p_error_set(run->error, P2P_E_BENCH, "the guest did not get ready; the console says: %s",
                             log->complaint);
    }
    if (run->session->configuration->xen != NULL && log->xen_version[0] == '\0') {
        return p2p_error_set(run->error, P2P_E_BENCH,
                             "Xen did not start: no banner on the console within %" PRIu32 " s (timeouts.boot_s)%s%s",
                             boot_s, log->last[0] != '\0' ? "; last line: " : "", log->last);
    }
    return p2p_error_set(run->error, P2P_E_BENCH,
                         "no READY from the guest stub within %" PRIu32 " s (timeouts.boot_s)%s%s", boot_s,
                         log->last[0] != '\0' ? "; last line on the console: " : "; the console is silent", log->last);
}

/* Looks stand on a grid of bench time, so that all that follows does not depend on when the board began to run. */
static uint64_t next_look_ns(const struct run *run)
{
    uint64_t look_ns = LOOK_MS * NS_PER_MS;

    return (now_ns(run) / look_ns + 1) * look_ns;
}

/* timeouts.boot_s holds in bench time and by the wall clock: a spinning guest makes virtual time crawl. */
static enum p2p_code wait_ready(struct run *run)
{
    uint64_t boot_s = run->session->bench->timeouts.boot_s;
    struct p2p_deadline wall = p2p_deadline_in_ms((int64_t)boot_s * 1000);
    uint64_t until_ns = now_ns(run) + boot_s * NS_PER_S;
    const struct p2p_boot_log *log = &run->record->log;

    while (log->ready[0] == '\0') {
        enum p2p_code code = pass_until(run, next_look_ns(run));

        if (code != P2P_OK) {
            return code;
        }
        if (log->complaint[0] != '\0') {
            return not_ready(run);
        }
        if (log->ready[0] == '\0' && (now_ns(run) >= until_ns || p2p_deadline_left_ms(wall) == 0)) {
            return not_ready(run);
        }
    }
    run->record->ready_ns = now_ns(run);
    return P2P_OK;
}

static enum p2p_code play(struct run *run)
{
    const struct p2p_session *session = run->session;
    const struct p2p_stimulus *stimulus = &session->ports->stimulus;
    struct p2p_drive edges[DRIVES_PER_PIECE];
    size_t capacity = session->bench->board.play == P2P_PLAY_LOCKSTEP ? 2 : DRIVES_PER_PIECE;
    struct p2p_schedule schedule;
    enum p2p_code code = P2P_OK;
    size_t count;

    p2p_schedule_init(&schedule, &session->plan->stimulus, session->plan->samples, session->seed,
                      run->record->armed_ns + LEAD_MS * NS_PER_MS);
    while (code == P2P_OK && (count = p2p_schedule_next(&schedule, edges, capacity)) > 0) {
        code = stimulus->play(stimulus->self, edges, count, run->error);
        if (code == P2P_OK) {
            code = pass_until(run, edges[count - 1].at_ns);
        }
        run->record->stimuli = schedule.next;
        if (session->sink.progress != NULL) {
            session->sink.progress(session->sink.user, schedule.next);
        }
    }
    return code;
}

static enum p2p_code measure(struct run *run)
{
    const struct p2p_stimulus_plan *stimulus = &run->session->plan->stimulus;
    enum p2p_code code = ask_probe(run, P2P_PROBE_ARM);

    if (code == P2P_OK) {
        code = mark(run, P2P_MARK_ARMED);
        run->record->armed_ns = now_ns(run);
        run->rises = 0;
    }
    if (code == P2P_OK) {
        code = play(run);
    }
    if (code == P2P_OK) { /* a period more: whoever answers late or twice shall be seen */
        code = pass_until(run, now_ns(run) + stimulus->deadline_ns + stimulus->period_ns);
    }
    if (code == P2P_OK) { /* edges take their time from the probe to us */
        code = ask_probe(run, P2P_PROBE_SYNC);
    }
    if (code == P2P_OK) {
        code = mark(run, P2P_MARK_DISARMED);
        run->record->disarmed_ns = now_ns(run);
    }
    if (code == P2P_OK && run->rises != run->record->stimuli) {
        code = p2p_error_set(run->error, P2P_E_BENCH, "the probe saw %" PRIu64 " of %" PRIu64 " stimuli", run->rises,
                             run->record->stimuli);
    }
    return code;
}

static enum p2p_code check_counters(struct run *run)
{
    const struct p2p_stub_counters *counters = &run->record->log.counters;

    if (counters->irq != run->record->answers) {
        return p2p_error_set(run->error, P2P_E_BENCH,
                             "the stub took %" PRIu64 " interrupts, but the probe saw %" PRIu64 " answers",
                             counters->irq, run->record->answers);
    }
    if (counters->unexpected_irq + counters->spurious + counters->fiq + counters->serror != 0) {
        return p2p_error_set(run->error, P2P_E_BENCH,
                             "the stub met %" PRIu64 " unexpected interrupts, %" PRIu64 " spurious ones, %" PRIu64
                             " FIQs and %" PRIu64 " SErrors",
                             counters->unexpected_irq, counters->spurious, counters->fiq, counters->serror);
    }
    return P2P_OK;
}

static enum p2p_code no_counters(const struct run *run)
{
    const struct p2p_boot_log *log = &run->record->log;
    const char *words = log->complaint[0] != '\0' ? log->complaint : log->last;
    bool silent = strstr(words, log->ready) != NULL; /* since READY */

    return p2p_error_set(run->error, P2P_E_BENCH, "the stub did not print its counters within %d ms%s%s", COUNTERS_MS,
                         silent ? "" : "; the console says: ", silent ? "" : words);
}

/* Asks the stub what it counted. The query is an interrupt too and so has an answer of its own, after DISARMED. */
static enum p2p_code query(struct run *run)
{
    const struct p2p_stimulus *stimulus = &run->session->ports->stimulus;
    uint64_t rise_ns = now_ns(run) + NS_PER_MS;
    uint64_t until_ns = rise_ns + COUNTERS_MS * NS_PER_MS;
    struct p2p_drive edges[2] = {{.at_ns = rise_ns, .line = P2P_LINE_QUERY, .level = 1},
                                 {.at_ns = rise_ns + NS_PER_MS, .line = P2P_LINE_QUERY, .level = 0}};
    enum p2p_code code = stimulus->play(stimulus->self, edges, 2, run->error);

    while (code == P2P_OK && !run->record->log.counted && now_ns(run) < until_ns) {
        code = pass_until(run, now_ns(run) + LOOK_MS * NS_PER_MS);
    }
    if (code == P2P_OK && !run->record->log.counted) {
        code = no_counters(run);
    }
    return code;
}

/*
 * Xen's command line stands only in its log, which key 'w' dumps. Input reaches the board at no fixed point of virtual
 * time, so this comes last, when all edges are recorded.
 */
static enum p2p_code check_command_line(struct run *run)
{
    const struct p2p_session *session = run->session;
    const struct p2p_console *console = &session->ports->console;
    struct p2p_deadline wall = p2p_deadline_in_ms(XEN_LOG_MS);
    enum p2p_code code = console->write(console->self, "w", run->error);

    while (code == P2P_OK && run->record->log.xen_command_line[0] == '\0' && p2p_deadline_left_ms(wall) > 0) {
        code = pass_until(run, now_ns(run) + LOOK_MS * NS_PER_MS);
    }
    if (code == P2P_OK && run->record->log.xen_command_line[0] == '\0') {
        code = p2p_error_set(run->error, P2P_E_BENCH,
                             "Xen did not show its log, and with it its command line, within %d ms", XEN_LOG_MS);
    }
    if (code == P2P_OK) {
        code = p2p_boot_log_check_command_line(&run->record->log, session->configuration->xen, run->error);
    }
    return code;
}

/* One power cycle, up to READY. */
static enum p2p_code boot(struct run *run)
{
    const struct p2p_session *session = run->session;
    const struct p2p_power *power = &session->ports->power;
    enum p2p_code code = power->on(power->self, session->configuration, session->seed, run->error);

    run->record->tries++;
    run->record->log = (struct p2p_boot_log){0}; /* the line begins anew with the board */
    if (code == P2P_OK) {
        code = identify_probe(run);
    }
    return code == P2P_OK ? wait_ready(run) : code;
}

/* A board of hardware does not come up every time; nothing is measured yet, so nothing is hidden by another try. */
static enum p2p_code boot_in_tries(struct run *run)
{
    const struct p2p_session *session = run->session;
    const struct p2p_power *power = &session->ports->power;
    uint32_t allowed = p2p_bench_is_lab(session->bench) ? session->bench->lab.boot_tries : 1;
    enum p2p_code code = boot(run);

    while (code == P2P_E_BENCH && run->record->tries < allowed) {
        const struct p2p_error failed = *run->error;

        *run->error = (struct p2p_error){0};
        code = drain_console(run);                   /* the try's last words; there are no edges yet */
        if (code != P2P_OK && code != P2P_E_BENCH) { /* a full disk, say */
            return code;
        }
        power->off(power->self);
        *run->error = (struct p2p_error){0};
        run->record->failed_try = failed;
        code = boot(run);
    }
    return code;
}

static enum p2p_code run_powered(struct run *run)
{
    const struct p2p_session *session = run->session;
    enum p2p_code code = p2p_boot_log_check(&run->record->log, session->configuration, session->bench, run->error);

    if (code == P2P_OK) {
        code = pass_until(run, now_ns(run) + SETTLE_MS * NS_PER_MS);
    }
    if (code == P2P_OK) {
        code = measure(run);
    }
    if (code == P2P_OK) {
        code = query(run);
    }
    if (code == P2P_OK) {
        code = ask_probe(run, P2P_PROBE_STOP);
    }
    if (code == P2P_OK) {
        code = check_counters(run);
    }
    if (code == P2P_OK) {
        code = p2p_boot_log_check_neighbours(&run->record->log, session->configuration, run->error);
    }
    if (code == P2P_OK && session->configuration->xen != NULL) {
        code = check_command_line(run);
    }
    if (code == P2P_OK && run->record->log.complaint[0] != '\0') {
        code = p2p_error_set(run->error, P2P_E_BENCH, "the console says: %s", run->record->log.complaint);
    }
    return code;
}

/* What the board was told but did not do voids the boot: the next one would find it on. */
static enum p2p_code switch_off(const struct run *run, enum p2p_code code)
{
    const struct p2p_power *power = &run->session->ports->power;
    enum p2p_code off = P2P_OK;

    power->off(power->self);
    if (power->check != NULL) {
        off = power->check(power->self, run->error);
    }
    return code == P2P_OK ? off : code;
}

enum p2p_code p2p_session_run(const struct p2p_session *session, struct p2p_boot_record *record,
                              struct p2p_error *error)
{
    struct run run = {.session = session, .record = record, .error = error};
    const struct p2p_stimulus *stimulus = &session->ports->stimulus;
    enum p2p_code code = boot_in_tries(&run);

    if (code == P2P_OK) {
        code = run_powered(&run);
    }
    if (code != P2P_OK) { /* what came before the fault shall be in the files; the first error stands */
        drain(&run);
    }
    if (stimulus->achieved != NULL) {
        record->achieved = stimulus->achieved(stimulus->self);
    }
    return switch_off(&run, code);
}
