/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/pairing.h"
#include "util/prng.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEADLINE_TICKS = 100, EDGES_MAX = 160, RANDOM_STREAMS = 5000 };

/* What came of a stream: the account and the samples in the order they were handed out. */
struct outcome {
    struct p2p_account account;
    struct p2p_sample samples[EDGES_MAX];
    size_t sample_count;
};

static bool fail_calloc;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return fail_calloc ? NULL : __real_calloc(count, size);
}

static struct p2p_edge mark(enum p2p_mark which)
{
    return (struct p2p_edge){.channel = P2P_CHANNEL_MARK, .flags = (uint8_t)which};
}

static struct p2p_edge edge(enum p2p_channel channel, uint64_t ticks, uint8_t level)
{
    return (struct p2p_edge){.ticks = ticks, .channel = (uint8_t)channel, .level = level};
}

static struct p2p_edge rise(uint64_t ticks)
{
    return edge(P2P_CHANNEL_STIMULUS, ticks, 1);
}

static struct p2p_edge fall(uint64_t ticks)
{
    return edge(P2P_CHANNEL_STIMULUS, ticks, 0);
}

static struct p2p_edge answer(uint64_t ticks, uint8_t level)
{
    return edge(P2P_CHANNEL_ANSWER, ticks, level);
}

static struct p2p_edge doubtful(enum p2p_edge_flag flag, struct p2p_edge edge_of_doubt)
{
    edge_of_doubt.flags = (uint8_t)flag;
    return edge_of_doubt;
}

static void collect(void *user, const struct p2p_sample *sample)
{
    struct outcome *outcome = user;

    assert_true(outcome->sample_count < EDGES_MAX);
    outcome->samples[outcome->sample_count++] = *sample;
}

/* Feeds in pieces of at most `piece_max` edges. */
static struct outcome pair(const struct p2p_edge *edges, size_t count, size_t piece_max)
{
    struct outcome outcome = {0};
    struct p2p_pairing *pairing = p2p_pairing_new(DEADLINE_TICKS, collect, &outcome);

    assert_non_null(pairing);
    for (size_t i = 0; i < count; i += piece_max)
        p2p_pairing_feed(pairing, &edges[i], count - i < piece_max ? count - i : piece_max);
    p2p_pairing_finish(pairing);
    outcome.account = *p2p_pairing_account(pairing);
    p2p_pairing_free(pairing);
    return outcome;
}

#define PAIR(edges) pair((edges), sizeof(edges) / sizeof(edges)[0], SIZE_MAX)

static void assert_account(const struct p2p_account *account, const struct p2p_account *expected)
{
    assert_int_equal(account->stimuli, expected->stimuli);
    assert_int_equal(account->answered, expected->answered);
    assert_int_equal(account->missed, expected->missed);
    assert_int_equal(account->late, expected->late);
    assert_int_equal(account->spurious, expected->spurious);
    assert_int_equal(account->clipped, expected->clipped);
    assert_int_equal(account->lost, expected->lost);
    assert_int_equal(account->releases, expected->releases);
    assert_int_equal(account->outside, expected->outside);
    assert_int_equal(account->disordered, expected->disordered);
    assert_int_equal(account->answers, expected->answers);
    assert_int_equal(account->edges, expected->edges);
}

static void assert_same(const struct outcome *outcome, const struct outcome *expected)
{
    assert_account(&outcome->account, &expected->account);
    assert_int_equal(outcome->sample_count, expected->sample_count);
    for (size_t i = 0; i < expected->sample_count; i++) {
        assert_int_equal(outcome->samples[i].stimulus, expected->samples[i].stimulus);
        assert_int_equal(outcome->samples[i].latency_ticks, expected->samples[i].latency_ticks);
        assert_int_equal(outcome->samples[i].flags, expected->samples[i].flags);
    }
}

static void a_clean_run_gives_one_sample_a_stimulus(void **state)
{
    const struct p2p_edge edges[] = {
        mark(P2P_MARK_ARMED), rise(1000), answer(1030, 1), fall(1050),
        rise(2000),           fall(2005), answer(2040, 0), mark(P2P_MARK_DISARMED),
    };
    const struct p2p_account expected = {.stimuli = 2, .answered = 2, .releases = 2, .answers = 2, .edges = 6};
    const struct outcome outcome = PAIR(edges);

    (void)state;
    assert_account(&outcome.account, &expected);
    assert_int_equal(outcome.sample_count, 2);
    assert_int_equal(outcome.samples[0].stimulus, 0);
    assert_int_equal(outcome.samples[0].latency_ticks, 30);
    assert_int_equal(outcome.samples[1].stimulus, 1);
    assert_int_equal(outcome.samples[1].latency_ticks, 40);
}

static void a_sample_comes_out_when_its_answer_does(void **state)
{
    const struct p2p_edge edges[] = {mark(P2P_MARK_ARMED), rise(10), answer(20, 1)};
    struct outcome outcome = {0};
    struct p2p_pairing *pairing = p2p_pairing_new(DEADLINE_TICKS, collect, &outcome);

    (void)state;
    assert_non_null(pairing);
    p2p_pairing_feed(pairing, edges, 2);
    assert_int_equal(outcome.sample_count, 0);
    assert_int_equal(p2p_pairing_account(pairing)->stimuli, 1);
    assert_int_equal(p2p_pairing_account(pairing)->missed, 0); /* still open */
    p2p_pairing_feed(pairing, edges + 2, 1);
    assert_int_equal(outcome.sample_count, 1);
    p2p_pairing_free(pairing);
}

static void the_deadline_itself_is_in_time(void **state)
{
    const struct p2p_edge edges[] = {mark(P2P_MARK_ARMED), rise(0), answer(100, 1), rise(200), answer(301, 0)};
    const struct p2p_account expected = {.stimuli = 2, .answered = 1, .late = 1, .lost = 1, .answers = 2, .edges = 4};
    const struct outcome outcome = PAIR(edges);

    (void)state;
    assert_account(&outcome.account, &expected);
    assert_int_equal(outcome.sample_count, 1);
    assert_int_equal(outcome.samples[0].latency_ticks, 100);
}

static void an_answer_at_the_same_tick_is_a_latency_of_0(void **state)
{
    const struct p2p_edge edges[] = {mark(P2P_MARK_ARMED), rise(7), answer(7, 1)};
    const struct outcome outcome = PAIR(edges);

    (void)state;
    assert_int_equal(outcome.account.answered, 1);
    assert_int_equal(outcome.account.disordered, 0);
    assert_int_equal(outcome.samples[0].latency_ticks, 0);
}

static void only_the_first_answer_counts(void **state)
{
    const struct p2p_edge edges[] = {mark(P2P_MARK_ARMED), answer(1, 1), rise(10),  answer(20, 0),
                                     answer(30, 1),        fall(40),     rise(200), answer(310, 0),
                                     answer(311, 1)};
    const struct p2p_account expected = {
        .stimuli = 2, .answered = 1, .late = 1, .spurious = 3, .releases = 1, .answers = 5, .edges = 8};
    const struct outcome outcome = PAIR(edges);

    (void)state;
    assert_account(&outcome.account, &expected);
}

static void a_stimulus_without_answer_is_missed(void **state)
{
    const struct p2p_edge edges[] = {mark(P2P_MARK_ARMED), rise(10), fall(20), rise(30),
                                     answer(40, 1),        fall(50), rise(60)};
    const struct p2p_account expected = {
        .stimuli = 3, .answered = 1, .missed = 2, .releases = 2, .answers = 1, .edges = 6};
    const struct outcome outcome = PAIR(edges);

    (void)state;
    assert_account(&outcome.account, &expected);
    assert_int_equal(outcome.samples[0].stimulus, 1);
}

static void edges_outside_the_marks_are_only_counted(void **state)
{
    const struct p2p_edge edges[] = {rise(1),
                                     answer(2, 1),
                                     fall(3),
                                     answer(4, 0),
                                     mark(P2P_MARK_ARMED),
                                     rise(10),
                                     mark(P2P_MARK_DISARMED),
                                     answer(11, 1),
                                     fall(12),
                                     answer(13, 0),
                                     answer(5, 0),
                                     fall(4)};
    const struct p2p_account expected = {.stimuli = 1, .missed = 1, .outside = 9, .edges = 10};
    const struct outcome outcome = PAIR(edges);

    (void)state;
    assert_account(&outcome.account, &expected);
    assert_int_equal(outcome.sample_count, 0);
}

static void a_stream_that_is_never_armed_has_no_stimulus(void **state)
{
    const struct p2p_edge edges[] = {rise(1), answer(2, 1)};
    const struct p2p_account expected = {.outside = 2, .edges = 2};
    const struct outcome outcome = PAIR(edges);

    (void)state;
    assert_account(&outcome.account, &expected);
}

static void levels_carry_over_into_the_window(void **state)
{
    const struct p2p_edge edges[] = {fall(1),  answer(2, 1),  mark(P2P_MARK_ARMED),
                                     rise(10), answer(20, 1), mark(P2P_MARK_DISARMED)};
    const struct p2p_edge unknown[] = {mark(P2P_MARK_ARMED), rise(10), answer(20, 0)};
    const struct outcome outcome = PAIR(edges);
    const struct outcome outcome_unknown = PAIR(unknown);

    (void)state;
    assert_int_equal(outcome.account.lost, 1); /* the answer's fall between 2 and 20 */
    assert_int_equal(outcome.account.answered, 1);
    assert_int_equal(outcome_unknown.account.lost, 0);
}

static void equal_levels_in_a_row_tell_of_a_lost_edge(void **state)
{
    const struct p2p_edge edges[] = {mark(P2P_MARK_ARMED), rise(10), answer(15, 1), rise(20),
                                     answer(25, 1),        fall(30), fall(40),      mark(P2P_MARK_DISARMED)};
    const struct p2p_account expected = {
        .stimuli = 2, .answered = 2, .lost = 3, .releases = 2, .answers = 2, .edges = 6};
    const struct outcome outcome = PAIR(edges);

    (void)state;
    assert_account(&outcome.account, &expected);
}

static void a_doubtful_edge_clips_its_sample_once(void **state)
{
    const struct p2p_edge edges[] = {
        mark(P2P_MARK_ARMED),
        doubtful(P2P_EDGE_GLITCH, rise(10)),
        doubtful(P2P_EDGE_CLIPPED, answer(20, 1)),
        fall(30),
        doubtful(P2P_EDGE_CLIPPED, rise(40)),
        answer(50, 0),
        fall(60),
        rise(70),
        doubtful(P2P_EDGE_GLITCH, answer(80, 1)),
        fall(90),
        doubtful(P2P_EDGE_GLITCH, rise(100)),
        fall(110),
        rise(120),
        answer(130, 0),
    };
    const struct outcome outcome = PAIR(edges);

    (void)state;
    assert_int_equal(outcome.account.answered, 4);
    assert_int_equal(outcome.account.missed, 1); /* clipped too, but no sample */
    assert_int_equal(outcome.account.clipped, 3);
    assert_int_equal(outcome.samples[0].flags, P2P_EDGE_GLITCH | P2P_EDGE_CLIPPED);
    assert_int_equal(outcome.samples[1].flags, P2P_EDGE_CLIPPED);
    assert_int_equal(outcome.samples[2].flags, P2P_EDGE_GLITCH);
    assert_int_equal(outcome.samples[3].flags, 0);
}

static void an_answer_stamped_before_its_stimulus_is_no_sample(void **state)
{
    const struct p2p_edge edges[] = {mark(P2P_MARK_ARMED), rise(50), answer(40, 1), answer(60, 0)};
    const struct p2p_account expected = {
        .stimuli = 1, .answered = 1, .spurious = 1, .disordered = 1, .answers = 2, .edges = 3};
    const struct outcome outcome = PAIR(edges);

    (void)state;
    assert_account(&outcome.account, &expected);
    assert_int_equal(outcome.samples[0].latency_ticks, 10);
}

static void an_edge_on_an_unknown_channel_unbalances_the_account(void **state)
{
    const struct p2p_edge inside[] = {mark(P2P_MARK_ARMED), {.ticks = 1, .channel = 2}, rise(10), answer(20, 1)};
    const struct p2p_edge outside[] = {
        {.ticks = 1, .channel = UINT8_MAX}, mark(P2P_MARK_ARMED), rise(10), answer(20, 1)};
    const struct outcome outcome = PAIR(inside);
    const struct outcome outcome_outside = PAIR(outside);

    (void)state;
    assert_int_equal(outcome.account.answered, 1);
    assert_false(p2p_account_balances(&outcome.account));
    assert_false(p2p_account_balances(&outcome_outside.account));
}

static void each_identity_is_checked(void **state)
{
    const struct p2p_account sound = {.stimuli = 30,
                                      .answered = 10,
                                      .missed = 12,
                                      .late = 8,
                                      .spurious = 3,
                                      .releases = 29,
                                      .outside = 5,
                                      .answers = 21,
                                      .edges = 85};
    /* Fields that stand in an identity: one more of any of them must show. */
    const size_t offsets[] = {
        offsetof(struct p2p_account, stimuli),  offsetof(struct p2p_account, answered),
        offsetof(struct p2p_account, missed),   offsetof(struct p2p_account, late),
        offsetof(struct p2p_account, spurious), offsetof(struct p2p_account, releases),
        offsetof(struct p2p_account, outside),  offsetof(struct p2p_account, answers),
        offsetof(struct p2p_account, edges),
    };

    (void)state;
    assert_true(p2p_account_balances(&sound));
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct p2p_account broken = sound;

        ++*(uint64_t *)(void *)((char *)&broken + offsets[i]);
        assert_false(p2p_account_balances(&broken));
    }
    /* One wrong identity each, the others hold. */
    assert_false(p2p_account_balances(&(struct p2p_account){.missed = 1}));
    assert_false(p2p_account_balances(&(struct p2p_account){.spurious = 1}));
    assert_false(p2p_account_balances(&(struct p2p_account){.outside = 1}));
}

static void adding_accounts_adds_every_field(void **state)
{
    enum { FIELDS = sizeof(struct p2p_account) / sizeof(uint64_t) };
    uint64_t values[FIELDS] = {0};
    struct p2p_account sum;
    struct p2p_account more;

    (void)state;
    /* By position, so that a field added later and forgotten in the sum is found. */
    for (size_t i = 0; i < FIELDS; i++)
        values[i] = 1 + i;
    memcpy(&sum, values, sizeof sum);
    for (size_t i = 0; i < FIELDS; i++)
        values[i] = 1000 * (1 + i);
    memcpy(&more, values, sizeof more);
    p2p_account_add(&sum, &more);
    memcpy(values, &sum, sizeof sum);
    for (size_t i = 0; i < FIELDS; i++)
        assert_int_equal(values[i], 1001 * (1 + i));
}

static void out_of_memory_gives_no_pairing(void **state)
{
    struct p2p_pairing *pairing;

    (void)state;
    fail_calloc = true;
    pairing = p2p_pairing_new(DEADLINE_TICKS, collect, NULL);
    fail_calloc = false;
    assert_null(pairing);
    p2p_pairing_free(NULL);
}

/*
 * The oracle: the same rules, said about the whole stream at once instead of step by step. Quadratic on
 * purpose.
 */

static bool is_mark(const struct p2p_edge *edge)
{
    return edge->channel == P2P_CHANNEL_MARK;
}

static bool is_stimulus(const struct p2p_edge *edge)
{
    return edge->channel == P2P_CHANNEL_STIMULUS && edge->level == 1;
}

static bool is_answer(const struct p2p_edge *edge)
{
    return edge->channel == P2P_CHANNEL_ANSWER;
}

/* The last mark before edge i is ARMED. */
static bool is_inside(const struct p2p_edge *edges, size_t i)
{
    while (i > 0) {
        if (is_mark(&edges[--i]))
            return edges[i].flags == P2P_MARK_ARMED;
    }
    return false;
}

/* The answer of stimulus i: the first not stamped before it, ahead of the next stimulus, mark or end. Or
 * `count`. */
static size_t answer_of(const struct p2p_edge *edges, size_t count, size_t i)
{
    for (size_t k = i + 1; k < count && !is_mark(&edges[k]) && !is_stimulus(&edges[k]); k++) {
        if (is_answer(&edges[k]) && edges[k].ticks >= edges[i].ticks)
            return k;
    }
    return count;
}

/* The edge before i, on the channel of i only if `same_channel`. `i` itself if there is none. */
static size_t edge_before(const struct p2p_edge *edges, size_t i, bool same_channel)
{
    for (size_t k = i; k-- > 0;) {
        if (!is_mark(&edges[k]) && (!same_channel || edges[k].channel == edges[i].channel))
            return k;
    }
    return i;
}

static void judge_stimulus(const struct p2p_edge *edges, size_t count, size_t i, struct outcome *expected)
{
    const size_t k = answer_of(edges, count, i);

    if (k == count) {
        expected->account.missed++;
    } else if (edges[k].ticks - edges[i].ticks > DEADLINE_TICKS) {
        expected->account.late++;
    } else {
        expected->account.answered++;
        expected->account.clipped += (edges[i].flags | edges[k].flags) != 0;
        expected->samples[expected->sample_count++] = (struct p2p_sample){
            .stimulus = expected->account.stimuli,
            .latency_ticks = edges[k].ticks - edges[i].ticks,
            .flags = edges[i].flags | edges[k].flags,
        };
    }
    expected->account.stimuli++;
}

static bool explained(const struct p2p_edge *edges, size_t count, size_t k)
{
    for (size_t i = 0; i < k; i++) {
        if (is_stimulus(&edges[i]) && is_inside(edges, i) && answer_of(edges, count, i) == k)
            return true;
    }
    return false;
}

static struct outcome oracle(const struct p2p_edge *edges, size_t count)
{
    struct outcome expected = {0};
    struct p2p_account *account = &expected.account;

    for (size_t i = 0; i < count; i++) {
        const size_t before = edge_before(edges, i, false);
        const size_t before_on_line = edge_before(edges, i, true);

        if (is_mark(&edges[i]))
            continue;
        account->edges++;
        if (!is_inside(edges, i)) {
            account->outside++;
            continue;
        }
        account->disordered += edges[i].ticks < edges[before].ticks;
        account->lost += before_on_line != i && edges[before_on_line].level == edges[i].level;
        if (is_stimulus(&edges[i])) {
            judge_stimulus(edges, count, i, &expected);
        } else if (is_answer(&edges[i])) {
            account->answers++;
            account->spurious += !explained(edges, count, i);
        } else {
            account->releases++;
        }
    }
    return expected;
}

/* Mostly sound, with every disturbance that there is: equal and falling times, lost and extra edges, flags,
 * marks. */
static size_t make_stream(struct p2p_prng *prng, struct p2p_edge *edges)
{
    const size_t count = p2p_prng_below(prng, EDGES_MAX + 1);
    const uint64_t step_max = 1 + p2p_prng_below(prng, UINT64_C(2) * DEADLINE_TICKS);
    uint64_t ticks = UINT64_C(100) * EDGES_MAX; /* never falls below 0 */
    uint8_t level[2] = {0, 0};

    for (size_t i = 0; i < count; i++) {
        const uint8_t line = (uint8_t)p2p_prng_below(prng, 2);

        if (p2p_prng_below(prng, 4) != 0)
            ticks += p2p_prng_below(prng, step_max);
        if (p2p_prng_below(prng, 20) == 0)
            ticks -= p2p_prng_below(prng, 100);
        if (p2p_prng_below(prng, 10) != 0)
            level[line] = !level[line];
        edges[i] = (struct p2p_edge){.ticks = ticks, .channel = line, .level = level[line]};
        if (p2p_prng_below(prng, 8) == 0)
            edges[i].flags = (uint8_t)p2p_prng_below(prng, 4);
        if (i == 2 || p2p_prng_below(prng, 40) == 0) {
            edges[i].channel = P2P_CHANNEL_MARK;
            edges[i].flags = i == 2 || p2p_prng_below(prng, 2) == 0 ? P2P_MARK_ARMED : P2P_MARK_DISARMED;
        }
    }
    return count;
}

static uint64_t seed_of_this_run(void)
{
    const char *text = getenv("P2P_TEST_SEED");

    return text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
}

static void random_streams_agree_with_the_oracle(void **state)
{
    const uint64_t seed = seed_of_this_run();
    struct p2p_prng prng;
    struct p2p_account sum = {0};

    (void)state;
    print_message("P2P_TEST_SEED=%" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (int i = 0; i < RANDOM_STREAMS; i++) {
        struct p2p_edge edges[EDGES_MAX];
        const size_t count = make_stream(&prng, edges);
        const struct outcome expected = oracle(edges, count);
        const struct outcome outcome = pair(edges, count, 1 + p2p_prng_below(&prng, EDGES_MAX));

        assert_same(&outcome, &expected);
        assert_true(p2p_account_balances(&outcome.account));
        p2p_account_add(&sum, &outcome.account);
    }
    /* The streams are worth something only if every class occurs often. */
    assert_true(sum.answered > RANDOM_STREAMS && sum.missed > RANDOM_STREAMS && sum.late > RANDOM_STREAMS);
    assert_true(sum.spurious > RANDOM_STREAMS && sum.lost > RANDOM_STREAMS && sum.outside > RANDOM_STREAMS);
    assert_true(sum.clipped > RANDOM_STREAMS && sum.disordered > RANDOM_STREAMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_run_gives_one_sample_a_stimulus),
        cmocka_unit_test(a_sample_comes_out_when_its_answer_does),
        cmocka_unit_test(the_deadline_itself_is_in_time),
        cmocka_unit_test(an_answer_at_the_same_tick_is_a_latency_of_0),
        cmocka_unit_test(only_the_first_answer_counts),
        cmocka_unit_test(a_stimulus_without_answer_is_missed),
        cmocka_unit_test(edges_outside_the_marks_are_only_counted),
        cmocka_unit_test(a_stream_that_is_never_armed_has_no_stimulus),
        cmocka_unit_test(levels_carry_over_into_the_window),
        cmocka_unit_test(equal_levels_in_a_row_tell_of_a_lost_edge),
        cmocka_unit_test(a_doubtful_edge_clips_its_sample_once),
        cmocka_unit_test(an_answer_stamped_before_its_stimulus_is_no_sample),
        cmocka_unit_test(an_edge_on_an_unknown_channel_unbalances_the_account),
        cmocka_unit_test(each_identity_is_checked),
        cmocka_unit_test(adding_accounts_adds_every_field),
        cmocka_unit_test(out_of_memory_gives_no_pairing),
        cmocka_unit_test(random_streams_agree_with_the_oracle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
