/* SPDX-License-Identifier: MIT */
/*
 * The whole chain from the probe's firmware to the verdict, over a cable with faults: the fake bench's board, the
 * firmware's core, the probe device, a campaign with its files, analysis and verdict. Nothing but the link tells what
 * went wrong: the board knows the truth, but the session is not told.
 *
 * P2P_FAULT_SEED and P2P_FAULT_SCHEDULES (from the environment) are the first random schedule and how many there are.
 */
#include "session/campaign.h"

#include "../store/temporary.h"
#include "fake_bench.h"
#include "faulty_link.h"
#include "ports/probe_device.h"
#include "simulated_probe.h"
#include "store/edge_file.h"
#include "util/file.h"
#include "util/prng.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    SCHEDULES = 2000,
    SAMPLES = 12,
    FRAMES_USUAL = 32,  /* about as many as a run has */
    COMMANDS_USUAL = 5, /* STOP, IDENTIFY, ARM, GET_STATS, STOP; the first two not to a probe that was just powered on */
    QUICKEST_NS = 500,
    SLOWEST_NS = 1900,
    LIMIT_NS = 2000,
    TOO_SLOW_NS = 2100,
    CHUNK_BYTES = 4096,
    EDGES_MAX = 256,
    TEXT_BYTES = 256,
    UNVOUCHED_PER_SCHEDULES = 1000, /* frames with damage that the crc let through are rarer than 1 in so many runs */
};

#define ROUND_NS UINT64_C(500000)

/* What the board does, and so the verdict if nothing else goes wrong. */
enum board { BOARD_IN_TIME, BOARD_ONE_SLOW, BOARD_ONE_LATE, BOARD_ONE_MISSED, BOARDS };

struct schedule {
    uint64_t seed;
    enum board board;
    enum simulated_past past;
    struct faulty_schedule link;
};

struct chain {
    const struct schedule *schedule;
    struct p2p_prng prng;
    struct fake_script script;
    struct fake_bench *bench;
    struct p2p_ports board; /* the fake bench's own */
    struct p2p_ports ports; /* as the session sees them */
    struct simulated_probe *probe;
    struct faulty_link *link;
    struct p2p_probe_device *device;
    uint64_t odd;     /* the stimulus that is not answered in time */
    uint64_t stimuli; /* that have risen */
    size_t shown;     /* edges of the board */
    char *folder;
    struct p2p_bench wiring;
    struct p2p_plan plan;
    struct p2p_configuration configuration;
    struct p2p_xen xen;
    struct p2p_result *result;
};

/* Of the schedules so far. */
static struct {
    unsigned runs, passed, failed, faults, unvouched;
    unsigned acted[FAULTY_KINDS], alone_faulted[FAULTY_KINDS];
} tally;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl*): the linker makes this name */
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
    (void)fd;
    return 0;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl*) */

/* ---- the chain ---- */

static void show_edges(struct chain *chain)
{
    size_t count;
    const struct p2p_edge *edges = fake_bench_truth(chain->bench, &count);

    for (; chain->shown < count; chain->shown++) {
        const struct p2p_edge *edge = &edges[chain->shown];

        chain->stimuli += edge->channel == P2P_CHANNEL_STIMULUS && edge->level == 1;
        simulated_probe_edge(chain->probe, edge->ticks, (enum p2p_channel)edge->channel, edge->level);
    }
}

/* The fake board answers all stimuli alike: it gets another script for each. */
static void choose_latency(struct chain *chain)
{
    chain->script.answer_ns = QUICKEST_NS + p2p_prng_upto(&chain->prng, SLOWEST_NS - QUICKEST_NS);
    if (chain->schedule->board == BOARD_ONE_SLOW && chain->stimuli == chain->odd) {
        chain->script.answer_ns = TOO_SLOW_NS;
    }
    fake_bench_rescript(chain->bench, &chain->script);
}

/* The board goes ahead by a round of the firmware's main loop, then the probe and the link. */
static enum p2p_code advance(void *self, uint64_t until_ns, struct p2p_error *error)
{
    struct chain *chain = self;
    const struct p2p_clock *clock = &chain->board.clock;
    const uint64_t round_ns = (clock->now_ns(clock->self) / ROUND_NS + 1) * ROUND_NS;
    const uint64_t now_ns = until_ns < round_ns ? until_ns : round_ns;
    uint8_t bytes[CHUNK_BYTES];
    enum p2p_code code;

    choose_latency(chain);
    code = clock->advance(clock->self, now_ns, error);
    show_edges(chain);
    simulated_probe_receive(chain->probe, bytes, faulty_link_commands(chain->link, bytes, sizeof bytes), now_ns);
    faulty_link_put(chain->link, bytes, simulated_probe_round(chain->probe, now_ns, bytes, sizeof bytes), now_ns);
    if (faulty_link_resets(chain->link)) {
        simulated_probe_reset(chain->probe, now_ns, (uint32_t)p2p_prng_next(&chain->prng));
    }
    return code;
}

static uint64_t chain_now_ns(void *self)
{
    const struct chain *chain = self;

    return chain->board.clock.now_ns(chain->board.clock.self);
}

static void script_board(struct chain *chain)
{
    chain->script = fake_healthy(NULL);
    chain->odd = p2p_prng_below(&chain->prng, SAMPLES);
    chain->configuration.limits.max_ns = LIMIT_NS;
    if (chain->schedule->board == BOARD_ONE_LATE) {
        chain->script.late = chain->odd;
    } else if (chain->schedule->board == BOARD_ONE_MISSED) {
        chain->script.missed = chain->odd;
    }
}

static void set_up(struct chain *chain, const struct schedule *schedule)
{
    static const size_t first = 0;
    struct p2p_probe_setup setup = {.name = "simulated", .now_ns = chain_now_ns, .clock = chain};
    struct p2p_byte_stream stream;

    *chain = (struct chain){.schedule = schedule, .folder = temporary_folder()};
    p2p_prng_seed(&chain->prng, schedule->seed);
    fake_plan(&chain->plan, &chain->configuration, &chain->xen, NULL);
    fake_wiring(&chain->wiring);
    script_board(chain);
    chain->plan.samples = SAMPLES;
    chain->plan.seed = p2p_prng_next(&chain->prng);
    chain->plan.stimulus.period_ns = 20000000; /* an EPOCH comes every five */
    chain->plan.stimulus.jitter_ns = 15000000;
    chain->bench = fake_bench_new(&chain->script);
    chain->board = fake_bench_ports(chain->bench);
    chain->probe = simulated_probe_new(schedule->past, (uint32_t)p2p_prng_next(&chain->prng));
    chain->link = faulty_link_new(&schedule->link);
    stream = faulty_link_stream(chain->link);
    chain->device = p2p_probe_device_new(&stream, &setup);
    assert_non_null(chain->device);
    chain->ports = chain->board;
    chain->ports.clock = (struct p2p_clock){chain, chain_now_ns, advance};
    chain->ports.probe = p2p_probe_device_port(chain->device);
    chain->ports.truth = (struct p2p_probe){0};
    chain->result = p2p_result_new(&chain->plan, &chain->wiring, &first, 1);
    assert_non_null(chain->result);
}

static void tear_down(struct chain *chain)
{
    p2p_result_free(chain->result);
    p2p_probe_device_free(chain->device);
    faulty_link_free(chain->link);
    simulated_probe_free(chain->probe);
    fake_bench_free(chain->bench);
    temporary_remove(chain->folder);
}

static void run(struct chain *chain)
{
    static const size_t first = 0;
    const struct p2p_campaign campaign = {.ports = &chain->ports,
                                          .bench = &chain->wiring,
                                          .plan = &chain->plan,
                                          .selected = &first,
                                          .folder = chain->folder};
    struct p2p_error error = {0};

    assert_int_equal(p2p_campaign_run(&campaign, chain->result, &error), P2P_OK);
    assert_true(fake_bench_ended_well(chain->bench));
}

/* ---- what must hold ---- */

static const struct p2p_result_configuration *configuration(const struct chain *chain)
{
    return &chain->result->configurations[0];
}

/* Ends the test, with all that is needed to see it again. */
__attribute__((format(printf, 2, 3))) static void wrong(const struct chain *chain, const char *format, ...)
{
    const struct schedule *schedule = chain->schedule;
    char text[TEXT_BYTES], faults[TEXT_BYTES] = "";
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < schedule->link.fault_count; i++) {
        const size_t length = strlen(faults);

        snprintf(faults + length, sizeof faults - length, " %s@%u%s", faulty_name(schedule->link.faults[i].kind),
                 schedule->link.faults[i].at, faulty_link_acted(chain->link, i) ? "" : " (came to nothing)");
    }
    fail_msg("%s\nseed %" PRIu64 ", board %d, past %d, faults:%s\nverdict %s: %s", text, schedule->seed,
             (int)schedule->board, (int)schedule->past, faults,
             p2p_verdict_name(configuration(chain)->judgement.verdict), configuration(chain)->judgement.reason);
}

/* The edges in the file, without the marks. */
static size_t read_edges(const struct chain *chain, struct p2p_edge *edges)
{
    char *path = p2p_format("%s/native/boot-001/edges.p2p", chain->folder);
    struct p2p_edge_file_header header;
    struct p2p_error error = {0};
    struct p2p_edge_reader *reader = p2p_edge_reader_open(path, &header, &error);
    size_t read = 0, count = 0;

    if (reader != NULL) {
        assert_int_equal(p2p_edge_reader_next(reader, edges, EDGES_MAX, &read, &error), P2P_OK);
        assert_true(read < EDGES_MAX);
    }
    p2p_edge_reader_close(reader);
    for (size_t i = 0; i < read; i++) {
        if (edges[i].channel != P2P_CHANNEL_MARK) {
            edges[count++] = edges[i];
        }
    }
    free(path);
    return count;
}

static bool same_edge(const struct p2p_edge *a, const struct p2p_edge *b)
{
    return a->ticks == b->ticks && a->channel == b->channel && a->level == b->level && a->flags == b->flags;
}

/* Until when, as the message says, every edge is there and right; UINT64_MAX: it does not say. */
static uint64_t vouched_ticks(const struct chain *chain)
{
    static const char words[] = "no edge is missing or wrong before tick ";
    const char *at = strstr(configuration(chain)->judgement.reason, words);

    return at == NULL ? UINT64_MAX : strtoull(at + strlen(words), NULL, 10);
}

/* True if edges that no EPOCH had vouched for are not those that happened. Those before must be. */
static bool check_edges_before_fault(const struct chain *chain)
{
    struct p2p_edge edges[EDGES_MAX];
    const size_t count = read_edges(chain, edges);
    const uint64_t until = vouched_ticks(chain);
    size_t true_count;
    const struct p2p_edge *truth = simulated_probe_measured(chain->probe, &true_count);

    if (count > 0 && until == UINT64_MAX) {
        wrong(chain, "edges came, but the message does not say which are good");
    }
    for (size_t i = 0; i < true_count && truth[i].ticks < until; i++) {
        if (until != UINT64_MAX && (i >= count || !same_edge(&edges[i], &truth[i]))) {
            wrong(chain, "edge %zu is not there or not right, though before the fault", i);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (i >= true_count || !same_edge(&edges[i], &truth[i])) {
            return true;
        }
    }
    return false;
}

/* ns of a latency from the board's truth; UINT64_MAX: not answered in time. */
static uint64_t true_latency_ns(const struct chain *chain, const struct p2p_edge *edges, size_t count, size_t rise)
{
    const uint64_t deadline_ticks = chain->plan.stimulus.deadline_ns / SIMULATED_TICK_NS;

    for (size_t i = rise + 1; i < count && edges[i].ticks - edges[rise].ticks <= deadline_ticks; i++) {
        if (edges[i].channel == P2P_CHANNEL_ANSWER) {
            return (edges[i].ticks - edges[rise].ticks) * SIMULATED_TICK_NS;
        }
    }
    return UINT64_MAX;
}

static void check_figures(const struct chain *chain, const struct p2p_edge *edges, size_t count)
{
    const struct p2p_stats *stats = &configuration(chain)->stats;
    uint64_t n = 0, sum_ns = 0, min_ns = UINT64_MAX, max_ns = 0;

    for (size_t i = 0, stimuli = 0; i < count && stimuli < SAMPLES; i++) {
        if (edges[i].channel == P2P_CHANNEL_STIMULUS && edges[i].level == 1) {
            const uint64_t ns = true_latency_ns(chain, edges, count, i);

            stimuli++;
            if (ns != UINT64_MAX) {
                n++;
                sum_ns += ns;
                min_ns = ns < min_ns ? ns : min_ns;
                max_ns = ns > max_ns ? ns : max_ns;
            }
        }
    }
    if (stats->n != n || stats->min_ns != min_ns || stats->max_ns != max_ns ||
        fabs(stats->avg_ns - (double)sum_ns / (double)n) > 1e-6) {
        wrong(chain,
              "n %" PRIu64 ", min %" PRIu64 ", max %" PRIu64 ", avg %f, but true are %" PRIu64 ", %" PRIu64 ", %" PRIu64
              ", %f",
              stats->n, stats->min_ns, stats->max_ns, stats->avg_ns, n, min_ns, max_ns, (double)sum_ns / (double)n);
    }
}

/* The verdict is no fault: it is the board's own, and every edge and every latency is exact. */
static void check_measured(const struct chain *chain)
{
    static const enum p2p_verdict verdicts[BOARDS] = {
        [BOARD_IN_TIME] = P2P_VERDICT_PASS,
        [BOARD_ONE_SLOW] = P2P_VERDICT_FAIL,
        [BOARD_ONE_LATE] = P2P_VERDICT_FAIL,
        [BOARD_ONE_MISSED] = P2P_VERDICT_FAIL,
    };
    struct p2p_edge edges[EDGES_MAX];
    const size_t count = read_edges(chain, edges);
    size_t true_count;
    const struct p2p_edge *truth = simulated_probe_measured(chain->probe, &true_count);

    if (!faulty_link_intact(chain->link)) {
        wrong(chain, "the host was not given what the probe sent, and does not say so");
    }
    if (configuration(chain)->judgement.verdict != verdicts[chain->schedule->board]) {
        wrong(chain, "a wrong verdict");
    }
    for (size_t i = 0; i < count || i < true_count; i++) {
        if (i >= count || i >= true_count || !same_edge(&edges[i], &truth[i])) {
            wrong(chain, "edge %zu of %zu is not the true one of %zu", i, count, true_count);
        }
    }
    check_figures(chain, edges, count);
}

/* The words are the link's own: what was lost. When is checked with the edges. */
static void check_words(const struct chain *chain)
{
    static const char *const words[] = {"the probe's link: ", "the probe does not answer", "the probe did not end "};
    bool found = false;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        found |= strstr(configuration(chain)->judgement.reason, words[i]) != NULL;
    }
    if (!found) {
        wrong(chain, "a fault that is not the link's");
    }
}

enum { WORDS_MAX = 4 };

/* What a fault that comes alone may be called; the last ones if nothing comes after it that would show more. */
static const char *const EXPECTED[FAULTY_KINDS][WORDS_MAX] = {
    [FAULTY_DROP] = {"frames lost: 1, number", "no answer to", "no EPOCH for", "its HELLO did not come"},
    [FAULTY_REPEAT] = {"came again", "the probe was reset"},
    [FAULTY_FLIP] = {"a damaged frame came", "its HELLO did not come", "no answer to"},
    [FAULTY_SWAP] = {"frames lost: 1, number", "no answer to", "its HELLO did not come"},
    [FAULTY_TRUNCATE] = {"a damaged frame came", "frames lost: 1, number", "its HELLO did not come", "no answer to"},
    [FAULTY_GARBAGE] = {"a damaged frame came", "its HELLO did not come", "no answer to"},
    [FAULTY_STALL] = {"no EPOCH for", "no answer to", "the probe does not answer"},
    [FAULTY_CUT] = {"the cable was cut; the probe's link: it was closed"},
    [FAULTY_RESET] = {"the probe was reset", "a damaged frame came"},
    [FAULTY_HELLO] = {"the probe was reset", "its HELLO did not come", "while the probe was not armed"},
    [FAULTY_VANISH] = {"the probe counted"},
    [FAULTY_ALTER] = {"the probe counted", "are not those the probe sent", "time went back"},
    [FAULTY_COMMAND_DROP] = {"no answer to"},
    [FAULTY_COMMAND_FLIP] = {"no answer to"},
    [FAULTY_COMMAND_REPEAT] = {"was answered already", "the probe was reset"},
};

static void check_name(const struct chain *chain, enum faulty_kind kind)
{
    for (size_t i = 0; i < WORDS_MAX && EXPECTED[kind][i] != NULL; i++) {
        if (strstr(configuration(chain)->judgement.reason, EXPECTED[kind][i]) != NULL) {
            return;
        }
    }
    wrong(chain, "not what one expects of this fault");
}

static bool is_forged(enum faulty_kind kind)
{
    return kind == FAULTY_VANISH || kind == FAULTY_ALTER;
}

static void check_fault(const struct chain *chain)
{
    const struct faulty_schedule *schedule = &chain->schedule->link;
    bool harmed = false, forged = false;

    for (size_t i = 0; i < schedule->fault_count; i++) {
        if (faulty_link_acted(chain->link, i)) {
            harmed |= schedule->faults[i].kind >= FAULTY_HARMLESS;
            forged |= is_forged(schedule->faults[i].kind);
        }
    }
    if (!harmed) {
        wrong(chain, "a fault, though no harm was done");
    }
    check_words(chain);
    tally.unvouched += check_edges_before_fault(chain) && !forged;
    if (schedule->fault_count == 1) {
        check_name(chain, schedule->faults[0].kind);
        tally.alone_faulted[schedule->faults[0].kind]++;
    }
}

static void check(const struct chain *chain)
{
    const bool faulty = configuration(chain)->judgement.verdict == P2P_VERDICT_BENCH_FAULT;

    tally.runs++;
    tally.faults += faulty;
    tally.passed += configuration(chain)->judgement.verdict == P2P_VERDICT_PASS;
    tally.failed += configuration(chain)->judgement.verdict == P2P_VERDICT_FAIL;
    for (size_t i = 0; i < chain->schedule->link.fault_count; i++) {
        tally.acted[chain->schedule->link.faults[i].kind] += faulty_link_acted(chain->link, i);
    }
    if (faulty) {
        check_fault(chain);
    } else {
        check_measured(chain);
        if (faulty_link_was_cut(chain->link)) {
            wrong(chain, "the cable was cut, and the host does not say so");
        }
    }
}

static void play(const struct schedule *schedule)
{
    struct chain chain;

    set_up(&chain, schedule);
    run(&chain);
    check(&chain);
    tear_down(&chain);
}

/* ---- the tests ---- */

static void forget(void)
{
    memset(&tally, 0, sizeof tally);
}

static void without_faults_every_verdict_is_true(void **state)
{
    (void)state;
    forget();
    for (unsigned i = 0; i < 2 * BOARDS * SIMULATED_PASTS; i++) {
        play(&(struct schedule){
            .seed = i, .board = (enum board)(i % BOARDS), .past = (enum simulated_past)(i / BOARDS % SIMULATED_PASTS)});
    }
    assert_int_equal(tally.passed, tally.runs / BOARDS);
    assert_int_equal(tally.failed, tally.runs - tally.passed);
}

/* Each at each place: also in the words that the host uses for it. */
static void each_fault_alone_is_named(void **state)
{
    (void)state;
    forget();
    for (int kind = 0; kind < FAULTY_KINDS; kind++) {
        const bool command = kind >= FAULTY_COMMAND_DROP;
        const unsigned places = command ? COMMANDS_USUAL : FRAMES_USUAL;

        for (unsigned at = 0; at < places; at++) {
            play(&(struct schedule){.seed = at,
                                    .board = (enum board)(at % BOARDS),
                                    .past = command ? SIMULATED_IDLE : (enum simulated_past)(at % SIMULATED_PASTS),
                                    .link = {at, 1, {{(enum faulty_kind)kind, at}}}});
        }
        if (kind < FAULTY_HARMLESS) {
            assert_int_equal(tally.alone_faulted[kind], 0);
        } else if (tally.alone_faulted[kind] < places / 2) {
            fail_msg("%s: a fault at %u of %u places only", faulty_name((enum faulty_kind)kind),
                     tally.alone_faulted[kind], places);
        }
    }
}

static struct schedule random_schedule(uint64_t seed)
{
    struct schedule schedule = {.seed = seed};
    struct p2p_prng prng;

    p2p_prng_seed(&prng, seed);
    schedule.board = (enum board)p2p_prng_below(&prng, BOARDS);
    schedule.past = (enum simulated_past)p2p_prng_below(&prng, SIMULATED_PASTS);
    schedule.link.seed = p2p_prng_next(&prng);
    schedule.link.fault_count = (size_t)p2p_prng_upto(&prng, FAULTY_FAULTS_MAX);
    for (size_t i = 0; i < schedule.link.fault_count; i++) {
        const enum faulty_kind kind = (enum faulty_kind)p2p_prng_below(&prng, FAULTY_KINDS);
        const unsigned places = kind >= FAULTY_COMMAND_DROP ? COMMANDS_USUAL : FRAMES_USUAL;

        schedule.link.faults[i] = (struct faulty_fault){kind, (unsigned)p2p_prng_below(&prng, places)};
    }
    return schedule;
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static void no_random_schedule_gives_a_wrong_verdict(void **state)
{
    const uint64_t seed = from_environment("P2P_FAULT_SEED", 1),
                   count = from_environment("P2P_FAULT_SCHEDULES", SCHEDULES);

    (void)state;
    forget();
    for (uint64_t i = 0; i < count; i++) {
        const struct schedule schedule = random_schedule(seed + i);

        play(&schedule);
    }
    print_message("seeds %" PRIu64 " to %" PRIu64 ": %u PASS, %u FAIL, %u BENCH FAULT\n", seed, seed + count - 1,
                  tally.passed, tally.failed, tally.faults);
    assert_in_range(tally.unvouched, 0, 1 + count / UNVOUCHED_PER_SCHEDULES);
    if (count >= SCHEDULES) { /* or the schedules test nothing */
        assert_in_range(tally.passed, count / 20, count);
        assert_in_range(tally.failed, count / 20, count);
        assert_in_range(tally.faults, count / 2, count);
        for (int kind = 0; kind < FAULTY_KINDS; kind++) {
            assert_true(tally.acted[kind] > count / 40);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_faults_every_verdict_is_true),
        cmocka_unit_test(each_fault_alone_is_named),
        cmocka_unit_test(no_random_schedule_gives_a_wrong_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
