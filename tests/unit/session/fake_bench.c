/* SPDX-License-Identifier: MIT */
#include "fake_bench.h"

#include "consoles.h"
#include "util/deadline.h"
#include "util/prng.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BABBLE_ANSWERS = 30000, BABBLE_GAP_NS = 10, PRINT_NS = 100000, LATE_NS = 200000 };

enum event_kind { EVENT_DRIVE, EVENT_ANSWER, EVENT_TEXT, EVENT_COUNTERS };

struct event {
    uint64_t at_ns;
    enum event_kind kind;
    uint8_t line, level; /* EVENT_DRIVE */
    const char *text;    /* EVENT_TEXT */
};

/* A growing array of anything. */
struct array {
    void *items;
    size_t count, capacity, taken;
};

struct fake_bench {
    struct fake_script script;
    void (*hook)(void *user, const char *configuration);
    void *user;
    uint64_t boots;
    struct p2p_probe_info info;
    bool powered, misused, failed, ended;
    uint64_t calls[FAKE_PORTS];
    /* Of the boot. */
    struct p2p_prng prng;
    uint64_t now_ns, stimuli, irq;
    uint8_t answer_level;
    size_t trickled;
    uint64_t stamp_ns;
    struct array events, edges, truth, console, drives;
    uint64_t seed;
    char diary[FAKE_DIARY_BYTES];
    /* Of the probe: what it was asked last, when that will have ended, and since and until when it captures. */
    enum p2p_probe_request request;
    bool asked, told, identified;
    uint64_t due_ns, captures_ns, stopped_ns;
};

static const struct p2p_probe_info INFO = {
    .name = "fake",
    .serial = "00000000000000fa",
    .firmware = "fake 1.0",
    .uncertainty = {.quantisation_ns = 0.25},
};

/* ---- the wall ---- */

/* The replaced functions have no argument to keep this in. */
static uint64_t wall_now_ms, wall_step_ms = 1;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*): the linker makes these names */
struct p2p_deadline __wrap_p2p_deadline_in_ms(int64_t ms);
int __wrap_p2p_deadline_left_ms(struct p2p_deadline deadline);

struct p2p_deadline __wrap_p2p_deadline_in_ms(int64_t ms)
{
    return (struct p2p_deadline){.at_ns = (int64_t)wall_now_ms + ms};
}

int __wrap_p2p_deadline_left_ms(struct p2p_deadline deadline)
{
    wall_now_ms += wall_step_ms;
    return deadline.at_ns > (int64_t)wall_now_ms ? (int)(deadline.at_ns - (int64_t)wall_now_ms) : 0;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */

/* ---- arrays ---- */

static void *append(struct array *array, const void *items, size_t count, size_t size)
{
    void *at;

    if (array->count + count > array->capacity) {
        array->capacity = 2 * (array->count + count);
        array->items = realloc(array->items, array->capacity * size);
        assert_non_null(array->items);
    }
    at = (char *)array->items + array->count * size;
    memcpy(at, items, count * size);
    array->count += count;
    return at;
}

static void clear(struct array *array)
{
    free(array->items);
    *array = (struct array){0};
}

/* ---- the board ---- */

/* Keeps the events in order of time; of two at one time the earlier planned comes first. */
static void plan_event(struct fake_bench *bench, struct event event)
{
    struct event *at = append(&bench->events, &event, 1, sizeof event);
    const struct event *first = (const struct event *)bench->events.items + bench->events.taken;

    for (; at > first && at[-1].at_ns > event.at_ns; at--) {
        *at = at[-1];
    }
    *at = event;
}

static void print(struct fake_bench *bench, const char *text)
{
    if (text[0] != '\0') {
        append(&bench->console, text, strlen(text), 1);
    }
}

static void emit_edge(struct fake_bench *bench, uint8_t channel, uint8_t level, bool seen)
{
    struct p2p_edge edge = {.ticks = bench->now_ns, .channel = channel, .level = level};

    append(&bench->truth, &edge, 1, sizeof edge);
    edge.ticks /= bench->script.tick_ns;
    if (seen && bench->now_ns >= bench->captures_ns && bench->now_ns < bench->stopped_ns) {
        append(&bench->edges, &edge, 1, sizeof edge);
    }
}

static void plan_answer(struct fake_bench *bench, uint64_t after_ns)
{
    plan_event(bench, (struct event){.at_ns = bench->now_ns + after_ns, .kind = EVENT_ANSWER});
}

static void answer_stimulus(struct fake_bench *bench, uint64_t number)
{
    const struct fake_script *script = &bench->script;

    if (number != script->missed) {
        plan_answer(bench, number == script->late ? LATE_NS : script->answer_ns);
    }
    if (number == script->twice) {
        plan_answer(bench, script->answer_ns + 1);
    }
    for (int i = 0; number == script->babble && i < BABBLE_ANSWERS; i++) {
        plan_answer(bench, script->answer_ns + (uint64_t)i * BABBLE_GAP_NS);
    }
}

static void drive_line(struct fake_bench *bench, const struct event *event)
{
    if (event->line == P2P_LINE_QUERY) {
        if (event->level == 1) {
            fake_bench_note(bench, "query");
            plan_answer(bench, bench->script.answer_ns);
            plan_event(bench, (struct event){.at_ns = bench->now_ns + PRINT_NS, .kind = EVENT_COUNTERS});
        }
        return;
    }
    if (event->level == 1 && bench->stimuli == 0) {
        fake_bench_note(bench, "stimulus");
    }
    if (bench->stimuli != bench->script.unplayed) {
        emit_edge(bench, P2P_CHANNEL_STIMULUS, event->level, bench->stimuli != bench->script.unseen);
        if (event->level == 1) {
            answer_stimulus(bench, bench->stimuli);
        }
    }
    bench->stimuli += event->level == 0;
}

static void print_counters(struct fake_bench *bench)
{
    char line[256];

    if (!bench->script.mute_counters) {
        snprintf(line, sizeof line,
                 "%sCOUNTERS irq=%" PRIu64 " stimulus=%" PRIu64 " query=1 unexpected_irq=0 last_unexpected_intid=0 "
                 "spurious=0 fiq=0 serror=%" PRIu64 "\n",
                 bench->script.prefix, bench->irq + bench->script.irq_extra, bench->stimuli, bench->script.serror);
        print(bench, line);
    }
}

static void happen(struct fake_bench *bench, const struct event *event)
{
    switch (event->kind) {
    case EVENT_DRIVE:
        drive_line(bench, event);
        break;
    case EVENT_ANSWER:
        bench->irq++;
        bench->answer_level ^= 1;
        emit_edge(bench, P2P_CHANNEL_ANSWER, bench->answer_level, true);
        break;
    case EVENT_TEXT:
        if (event->text == bench->script.ready) {
            fake_bench_note(bench, "ready");
        }
        print(bench, event->text);
        break;
    case EVENT_COUNTERS:
        print_counters(bench);
        break;
    }
}

/* ---- the ports ---- */

/* True if this call is the one that the script lets fail. A probe stays failed. */
static bool fails(struct fake_bench *bench, enum fake_port port, struct p2p_error *error)
{
    bench->ended = false;
    bench->misused |= !bench->powered;
    bench->calls[port]++;
    if ((bench->calls[port] != bench->script.fail_step && !(port == FAKE_PROBE && bench->failed)) ||
        port != bench->script.fail_port) {
        return false;
    }
    bench->failed = true;
    p2p_error_set(error, bench->script.fail_code, "scripted failure");
    return true;
}

/* As before the first boot. */
static void reset(struct fake_bench *bench)
{
    clear(&bench->events);
    clear(&bench->edges);
    clear(&bench->truth);
    clear(&bench->console);
    clear(&bench->drives);
    memset(bench->calls, 0, sizeof bench->calls);
    bench->now_ns = bench->stimuli = bench->irq = 0;
    bench->answer_level = 0;
    bench->diary[0] = '\0';
    bench->asked = bench->told = bench->identified = false;
    bench->captures_ns = FAKE_NEVER;
    bench->stopped_ns = FAKE_NEVER;
}

static enum p2p_code power_on(void *self, const struct p2p_configuration *configuration, uint64_t seed,
                              struct p2p_error *error)
{
    static const struct p2p_edge stray = {.channel = P2P_CHANNEL_ANSWER, .level = 1};
    struct fake_bench *bench = self;

    bench->misused |= bench->powered;
    bench->powered = true;
    bench->boots++;
    bench->seed = seed;
    if (bench->hook != NULL) {
        bench->hook(bench->user, configuration->name);
    }
    reset(bench);
    fake_bench_note(bench, "on");
    p2p_prng_seed(&bench->prng, bench->script.early_seed);
    if (bench->script.stray) {
        append(&bench->edges, &stray, 1, sizeof stray);
    }
    if (fails(bench, FAKE_POWER, error)) {
        return error->code;
    }
    print(bench, bench->script.banner);
    if (bench->script.ready != NULL) {
        plan_event(bench, (struct event){bench->script.ready_ns, EVENT_TEXT, 0, 0, bench->script.ready});
    }
    if (bench->script.trouble != NULL) {
        plan_event(bench, (struct event){bench->script.trouble_ns, EVENT_TEXT, 0, 0, bench->script.trouble});
    }
    return P2P_OK;
}

static void power_off(void *self)
{
    struct fake_bench *bench = self;

    fake_bench_note(bench, "off");
    bench->powered = false;
    bench->ended = true;
}

static uint64_t clock_now_ns(void *self)
{
    struct fake_bench *bench = self;

    return bench->now_ns;
}

static enum p2p_code clock_advance(void *self, uint64_t until_ns, struct p2p_error *error)
{
    struct fake_bench *bench = self;
    bool dies = fails(bench, FAKE_CLOCK, error); /* not before it did its work: there is more to be read */

    assert_true(until_ns > bench->now_ns);
    if (bench->script.early_seed != 0 && p2p_prng_below(&bench->prng, 3) != 0) {
        until_ns = bench->now_ns + p2p_prng_upto(&bench->prng, until_ns - bench->now_ns);
    }
    bench->trickled = 0;
    while (bench->events.taken < bench->events.count) {
        struct event event = ((const struct event *)bench->events.items)[bench->events.taken];

        if (event.at_ns > until_ns) {
            break;
        }
        bench->events.taken++;
        bench->now_ns = event.at_ns;
        happen(bench, &event);
    }
    bench->now_ns = until_ns;
    return dies ? error->code : P2P_OK;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum p2p_code console_read(void *self, char *bytes, size_t capacity, size_t *count, struct p2p_error *error)
{
    struct fake_bench *bench = self;
    size_t wanted = smaller(capacity, bench->console.count - bench->console.taken);

    *count = 0;
    if (fails(bench, FAKE_CONSOLE_READ, error)) {
        return error->code;
    }
    if (bench->script.console_piece != 0) {
        wanted = smaller(wanted, bench->script.console_piece);
    }
    if (bench->script.console_trickle != 0) {
        wanted = smaller(wanted, bench->script.console_trickle - bench->trickled);
    }
    if (wanted > 0) {
        memcpy(bytes, (const char *)bench->console.items + bench->console.taken, wanted);
    }
    bench->console.taken += wanted;
    bench->trickled += wanted;
    bench->stamp_ns = wanted > 0 ? bench->now_ns + bench->console.taken : bench->stamp_ns;
    *count = wanted;
    return P2P_OK;
}

static enum p2p_code console_write(void *self, const char *text, struct p2p_error *error)
{
    struct fake_bench *bench = self;

    if (fails(bench, FAKE_CONSOLE_WRITE, error)) {
        return error->code;
    }
    if (strcmp(text, "w") == 0 && bench->script.log != NULL) {
        plan_event(bench, (struct event){bench->now_ns + PRINT_NS, EVENT_TEXT, 0, 0, bench->script.log});
    }
    return P2P_OK;
}

static enum p2p_code stimulus_play(void *self, const struct p2p_drive *edges, size_t count, struct p2p_error *error)
{
    struct fake_bench *bench = self;

    if (fails(bench, FAKE_STIMULUS, error)) {
        return error->code;
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(edges[i].at_ns > bench->now_ns);
        assert_true(i == 0 || edges[i].at_ns > edges[i - 1].at_ns);
        plan_event(bench, (struct event){edges[i].at_ns, EVENT_DRIVE, edges[i].line, edges[i].level, NULL});
    }
    append(&bench->drives, edges, count, sizeof *edges);
    return P2P_OK;
}

static enum p2p_code hand_out(struct fake_bench *bench, enum fake_port port, struct array *from, size_t ready,
                              struct p2p_edge *edges, size_t capacity, size_t *count, struct p2p_error *error)
{
    size_t wanted = smaller(capacity, ready - from->taken);

    *count = 0;
    if (fails(bench, port, error)) {
        return error->code;
    }
    if (wanted > 0) {
        memcpy(edges, (const struct p2p_edge *)from->items + from->taken, wanted * sizeof *edges);
    }
    from->taken += wanted;
    *count = wanted;
    return P2P_OK;
}

static enum p2p_code probe_read(void *self, struct p2p_edge *edges, size_t capacity, size_t *count,
                                struct p2p_error *error)
{
    struct fake_bench *bench = self;
    size_t ready;

    fake_bench_edges(bench, &ready);
    return hand_out(bench, FAKE_PROBE, &bench->edges, ready, edges, capacity, count, error);
}

static enum p2p_code truth_read(void *self, struct p2p_edge *edges, size_t capacity, size_t *count,
                                struct p2p_error *error)
{
    struct fake_bench *bench = self;

    return hand_out(bench, FAKE_TRUTH, &bench->truth, bench->truth.count, edges, capacity, count, error);
}

static const struct p2p_probe_info *truth_info(void *self)
{
    static const struct p2p_probe_info info = {.name = "ideal", .tick_hz = 1000000000};

    (void)self;
    return &info;
}

static bool request_has_ended(const struct fake_bench *bench)
{
    return !bench->asked || bench->now_ns >= bench->due_ns;
}

/* IDENTIFY first, and again as often as one likes; the others in their order, each when the one before has ended. */
static bool may_ask(const struct fake_bench *bench, enum p2p_probe_request request)
{
    if (request == P2P_PROBE_IDENTIFY) {
        return !bench->asked || bench->request == P2P_PROBE_IDENTIFY;
    }
    return bench->asked && request_has_ended(bench) && bench->told && bench->request + 1 == request;
}

static enum p2p_code probe_request(void *self, enum p2p_probe_request request, struct p2p_error *error)
{
    static const char *const words[] = {"identify", "arm", "sync", "stop"};
    struct fake_bench *bench = self;
    const struct fake_script *script = &bench->script;
    bool again = bench->asked && bench->request == request;
    uint64_t under_way_ns = request >= P2P_PROBE_SYNC ? script->edge_delay_ns : 0;

    if (fails(bench, FAKE_REQUEST, error)) {
        return error->code;
    }
    bench->misused |= !may_ask(bench, request);
    fake_bench_note(bench, words[request]);
    if (script->answers[request] == FAKE_REFUSES) {
        return p2p_error_set(error, P2P_E_BENCH, "the fake probe refuses to %s", words[request]);
    }
    if (again) {
        return P2P_OK;
    }
    bench->request = request;
    bench->asked = true;
    bench->told = false;
    bench->due_ns = script->answers[request] == FAKE_NEVER_SETTLES ? FAKE_NEVER
                    : script->answers[request] == FAKE_IS_HASTY    ? bench->now_ns
                                                                   : bench->now_ns + script->settle_ns + under_way_ns;
    if (request == P2P_PROBE_ARM) {
        bench->captures_ns = bench->due_ns;
    } else if (request == P2P_PROBE_STOP) {
        bench->stopped_ns = bench->now_ns;
    }
    return P2P_OK;
}

static bool probe_settled(void *self)
{
    struct fake_bench *bench = self;
    bool ended = bench->asked && request_has_ended(bench);

    bench->misused |= !bench->powered;
    if (ended && !bench->told) {
        bench->told = true;
        bench->identified = true;
        fake_bench_note(bench, "settled");
    }
    return ended;
}

static const struct p2p_probe_info *probe_info(void *self)
{
    struct fake_bench *bench = self;

    bench->misused |= !bench->powered;
    return bench->identified ? &bench->info : NULL;
}

/* ---- what only a lab has ---- */

static enum p2p_code power_check(void *self, struct p2p_error *error)
{
    struct fake_bench *bench = self;

    bench->misused |= bench->powered; /* asked after `off` */
    return bench->script.stays_on ? p2p_error_set(error, P2P_E_BENCH, "the board may still be on: the fake one")
                                  : P2P_OK;
}

static uint64_t console_stamp_ns(void *self)
{
    return fake_bench_stamp_ns(self);
}

static struct p2p_achieved stimulus_achieved(void *self)
{
    const struct fake_bench *bench = self;

    return (struct p2p_achieved){.stimuli = bench->stimuli, .mean_late_ns = 1.5, .max_late_ns = 3, .late = 1};
}

/* ---- for the tests ---- */

struct fake_script fake_healthy(const char *xen)
{
    struct fake_script script = {
        .banner = "",
        .ready = READY "\n",
        .ready_ns = 3000000,
        .prefix = "",
        .answer_ns = 700,
        .missed = FAKE_NEVER,
        .late = FAKE_NEVER,
        .twice = FAKE_NEVER,
        .babble = FAKE_NEVER,
        .unplayed = FAKE_NEVER,
        .unseen = FAKE_NEVER,
        .settle_ns = 300000,
        .tick_ns = 1,
        .truth = true,
        .wall_ms = 1,
        .fail_code = P2P_E_BENCH,
    };

    if (xen != NULL) {
        bool old = strcmp(xen, "4.17") == 0;

        script.banner = old ? XEN_417 : XEN_420;
        script.ready = old ? "(XEN) DOM1: " READY_XEN "\r\n" : "(XEN) " READY_XEN "\r\n";
        script.prefix = old ? "(XEN) DOM1: " : "(XEN) ";
        script.log = XEN_LOG;
    }
    return script;
}

struct fake_bench *fake_bench_new(const struct fake_script *script)
{
    struct fake_bench *bench = calloc(1, sizeof *bench);

    assert_non_null(bench);
    fake_bench_rescript(bench, script);
    return bench;
}

void fake_bench_free(struct fake_bench *bench)
{
    reset(bench);
    free(bench);
}

void fake_bench_rescript(struct fake_bench *bench, const struct fake_script *script)
{
    bench->script = *script;
    bench->info = INFO;
    bench->info.tick_hz = UINT64_C(1000000000) / script->tick_ns;
    if (script->serial != NULL) {
        snprintf(bench->info.serial, sizeof bench->info.serial, "%s", script->serial);
    }
    bench->failed = false;
    wall_step_ms = script->wall_ms;
}

void fake_bench_on_power(struct fake_bench *bench, void (*hook)(void *user, const char *configuration), void *user)
{
    bench->hook = hook;
    bench->user = user;
}

struct p2p_ports fake_bench_ports(struct fake_bench *bench)
{
    struct p2p_ports ports = {
        .time_base = P2P_TIME_INSTRUCTIONS,
        .clock = {bench, clock_now_ns, clock_advance},
        .power = {.self = bench, .on = power_on, .off = power_off},
        .console = {.self = bench, .read = console_read, .write = console_write},
        .stimulus = {.self = bench, .play = stimulus_play},
        .probe = {bench, probe_info, probe_request, probe_settled, probe_read},
    };

    if (bench->script.truth) {
        ports.truth = (struct p2p_probe){.self = bench, .info = truth_info, .read = truth_read};
    }
    return ports;
}

struct p2p_ports fake_bench_lab_ports(struct fake_bench *bench)
{
    struct p2p_ports ports = fake_bench_ports(bench);

    ports.time_base = P2P_TIME_HARDWARE;
    ports.power.check = power_check;
    ports.console.stamp_ns = console_stamp_ns;
    ports.stimulus.achieved = stimulus_achieved;
    ports.truth = (struct p2p_probe){0};
    return ports;
}

uint64_t fake_bench_stamp_ns(const struct fake_bench *bench)
{
    return bench->stamp_ns;
}

bool fake_bench_ended_well(const struct fake_bench *bench)
{
    return !bench->powered && bench->ended && !bench->misused;
}

bool fake_bench_failed(const struct fake_bench *bench)
{
    return bench->failed;
}

uint64_t fake_bench_boots(const struct fake_bench *bench)
{
    return bench->boots;
}

uint64_t fake_bench_seed(const struct fake_bench *bench)
{
    return bench->seed;
}

const char *fake_bench_diary(const struct fake_bench *bench)
{
    return bench->diary;
}

void fake_bench_note(struct fake_bench *bench, const char *word)
{
    size_t length = strlen(bench->diary);

    assert_true(length + strlen(word) + 2 <= sizeof bench->diary);
    snprintf(bench->diary + length, sizeof bench->diary - length, "%s ", word);
}

const struct p2p_edge *fake_bench_edges(const struct fake_bench *bench, size_t *count)
{
    const struct p2p_edge *edges = bench->edges.items;

    *count = bench->edges.taken; /* nothing that has come goes away */
    while (*count < bench->edges.count &&
           edges[*count].ticks * bench->script.tick_ns + bench->script.edge_delay_ns <= bench->now_ns) {
        ++*count;
    }
    return edges;
}

const struct p2p_edge *fake_bench_truth(const struct fake_bench *bench, size_t *count)
{
    *count = bench->truth.count;
    return bench->truth.items;
}

const char *fake_bench_console(const struct fake_bench *bench, size_t *count)
{
    *count = bench->console.count;
    return bench->console.items;
}

const struct p2p_drive *fake_bench_drives(const struct fake_bench *bench, size_t *count)
{
    *count = bench->drives.count;
    return bench->drives.items;
}

void fake_plan(struct p2p_plan *plan, struct p2p_configuration *configuration, struct p2p_xen *xen_storage,
               const char *xen)
{
    static char nothing[] = "";

    *configuration = (struct p2p_configuration){.name = "native", .limits = P2P_NO_LIMITS};
    if (xen != NULL) {
        *xen_storage = (struct p2p_xen){.scheduler = "credit2", .vwfi = P2P_VWFI_TRAP, .extra_command_line = nothing};
        snprintf(xen_storage->version, sizeof xen_storage->version, "%s", xen);
        snprintf(configuration->name, sizeof configuration->name, "xen-%s", xen);
        configuration->xen = xen_storage;
    }
    *plan = (struct p2p_plan){
        .name = "fake",
        .seed = 1,
        .boots = 1,
        .samples = 20,
        .warmup = 2,
        .stimulus = {.period_ns = 1000000, .jitter_ns = 700000, .width_ns = 50000, .deadline_ns = 150000},
        .configuration_count = 1,
        .configurations = configuration,
    };
}

void fake_wiring(struct p2p_bench *bench)
{
    *bench = (struct p2p_bench){.name = "fake", .pins = {.stimulus = 0, .answer = 1, .query = 2}};
    bench->board.gic = 2;
    bench->timeouts.boot_s = 1;
    bench->timeouts.stall_s = 1;
}

void fake_lab_wiring(struct p2p_bench *bench, uint32_t tries)
{
    fake_wiring(bench);
    bench->board.kind = P2P_BOARD_UBOOT;
    bench->lab.boot_tries = tries;
}
