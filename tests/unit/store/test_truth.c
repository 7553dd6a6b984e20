/* SPDX-License-Identifier: MIT */
/* Pairs of files of edges: what the probe says, and what happened. */
#include "store/truth.h"

#include "../config/allocations.h"
#include "store/edge_file.h"
#include "temporary.h"
#include "util/file.h"
#include "util/prng.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define GHZ     UINT64_C(1000000000)
#define PROBE   UINT64_C(125000000) /* 8 ns a tick */
#define NOTHING UINT64_MAX          /* in place of a latency: no answer */

enum { PERIOD_NS = 1000000, WIDTH_NS = 50000, DEADLINE_NS = 150000, MANY = 5000 };

struct fixture {
    char *folder, *edges, *known;
    struct p2p_truth truth;
    struct p2p_vouched vouched; /* for `known` */
    struct p2p_error error;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    fixture->folder = temporary_folder();
    fixture->edges = p2p_format("%s/edges.p2p", fixture->folder);
    fixture->known = p2p_format("%s/truth.p2p", fixture->folder);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    free(fixture->edges);
    free(fixture->known);
    temporary_remove(fixture->folder);
    free(fixture);
    return 0;
}

static struct p2p_edge edge_at(uint64_t ns, uint64_t tick_hz, uint8_t channel, uint8_t level)
{
    return (struct p2p_edge){.ticks = ns * (tick_hz / 1000000) / 1000, .channel = channel, .level = level};
}

/* A stimulus each period, the first at `start_ns`, and its answer after the latency. */
static void record(const char *path, uint64_t tick_hz, uint64_t start_ns, const uint64_t *latencies_ns, size_t count)
{
    const struct p2p_edge_file_header header = {.tick_hz = tick_hz, .time_base = P2P_TIME_INSTRUCTIONS};
    struct p2p_error error = {0};
    struct p2p_edge_writer *writer;
    struct p2p_edge mark = {.channel = P2P_CHANNEL_MARK, .flags = P2P_MARK_ARMED};
    uint8_t level = 0;

    unlink(path);
    writer = p2p_edge_writer_open(path, &header, &error);
    assert_non_null(writer);
    p2p_edge_writer_append(writer, &mark, 1, &error);
    for (size_t i = 0; i < count; i++) {
        uint64_t at_ns = start_ns + i * PERIOD_NS;
        bool answered = latencies_ns[i] != NOTHING;
        bool quick = answered && latencies_ns[i] < WIDTH_NS;
        struct p2p_edge edges[3] = {edge_at(at_ns, tick_hz, P2P_CHANNEL_STIMULUS, 1)};
        size_t used = 1;

        if (!quick) {
            edges[used++] = edge_at(at_ns + WIDTH_NS, tick_hz, P2P_CHANNEL_STIMULUS, 0);
        }
        if (answered) {
            level ^= 1;
            edges[used++] = edge_at(at_ns + latencies_ns[i], tick_hz, P2P_CHANNEL_ANSWER, level);
        }
        if (quick) {
            edges[used++] = edge_at(at_ns + WIDTH_NS, tick_hz, P2P_CHANNEL_STIMULUS, 0);
        }
        p2p_edge_writer_append(writer, edges, used, &error);
    }
    mark.flags = P2P_MARK_DISARMED;
    p2p_edge_writer_append(writer, &mark, 1, &error);
    assert_int_equal(p2p_edge_writer_finish(writer, &error), P2P_OK);
}

static enum p2p_code add(struct fixture *fixture)
{
    return p2p_truth_add_boot(&fixture->truth, fixture->edges, fixture->known, &fixture->vouched, DEADLINE_NS,
                              &fixture->error);
}

/* One boot by two clocks of 1 GHz. */
static void add_boot(struct fixture *fixture, const uint64_t *probe, size_t probe_count, const uint64_t *known,
                     size_t known_count)
{
    record(fixture->edges, GHZ, PERIOD_NS, probe, probe_count);
    record(fixture->known, GHZ, PERIOD_NS, known, known_count);
    assert_int_equal(add(fixture), P2P_OK);
    assert_string_equal(fixture->error.message, "");
}

static void assert_truth(const struct p2p_truth *truth, uint64_t n, uint64_t unmatched, double max_ns, double mean_ns)
{
    assert_true(truth->known);
    assert_int_equal(truth->n, n);
    assert_int_equal(truth->unmatched, unmatched);
    assert_true(fabs(truth->max_error_ns - max_ns) < 1e-6);
    assert_true(fabs(p2p_truth_mean_error_ns(truth) - mean_ns) < 1e-6);
}

static void the_same_edges_have_no_error(void **state)
{
    static const uint64_t latencies[] = {700, 0, 150000, 60000};
    struct fixture *fixture = *state;

    add_boot(fixture, latencies, 4, latencies, 4);
    assert_truth(&fixture->truth, 4, 0, 0, 0);
}

static void an_error_is_the_probes_latency_minus_the_true_one(void **state)
{
    static const uint64_t known[] = {700, 700, 700, 700}, longer[] = {700, 703, 700, 701},
                          shorter[] = {700, 700, 688, 700};
    struct fixture *fixture = *state;

    add_boot(fixture, longer, 4, known, 4);
    assert_truth(&fixture->truth, 4, 0, 3, 1);
    fixture->truth = (struct p2p_truth){0};
    add_boot(fixture, shorter, 4, known, 4);
    assert_truth(&fixture->truth, 4, 0, 12, -3);
}

static void boots_add_up(void **state)
{
    static const uint64_t known[] = {700, 800}, probe[] = {705, 799};
    struct fixture *fixture = *state;

    add_boot(fixture, probe, 2, known, 2);
    add_boot(fixture, known, 2, known, 2);
    add_boot(fixture, known, 1, probe, 2);
    assert_truth(&fixture->truth, 5, 1, 5, (5.0 - 1.0 - 5.0) / 5);
}

static void a_sample_that_one_lacks_is_unmatched(void **state)
{
    static const uint64_t all[] = {700, 701, 702, 703};
    static const uint64_t holes[][4] = {
        {NOTHING, 701, 702, 703}, {700, NOTHING, 702, 703}, {700, 701, 702, NOTHING}, {700, NOTHING, NOTHING, 703}};
    static const uint64_t unmatched[] = {1, 1, 1, 2};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 4; i++) {
        for (int probe_lacks = 0; probe_lacks < 2; probe_lacks++) {
            fixture->truth = (struct p2p_truth){0};
            add_boot(fixture, probe_lacks ? holes[i] : all, 4, probe_lacks ? all : holes[i], 4);
            assert_truth(&fixture->truth, 4 - unmatched[i], unmatched[i], 0, 0);
        }
    }
    fixture->truth = (struct p2p_truth){0};
    add_boot(fixture, holes[1], 4, holes[0], 4); /* each has one that the other lacks */
    assert_truth(&fixture->truth, 2, 2, 0, 0);
    fixture->truth = (struct p2p_truth){0};
    add_boot(fixture, all, 4, all, 0);
    assert_truth(&fixture->truth, 0, 4, 0, 0);
}

/* Stamps are rounded down: a latency of the probe's is off by less than a tick, either way. */
static void clocks_of_two_rates_are_compared_in_ns(void **state)
{
    static const uint64_t latencies[] = {700, 704, 7, 1};
    struct fixture *fixture = *state;

    record(fixture->edges, PROBE, PERIOD_NS, latencies, 4); /* a stimulus on a tick: 696, 704, 0, 0 */
    record(fixture->known, GHZ, PERIOD_NS, latencies, 4);
    assert_int_equal(add(fixture), P2P_OK);
    assert_truth(&fixture->truth, 4, 0, 7, (-4.0 + 0 - 7 - 1) / 4);
    fixture->truth = (struct p2p_truth){0};
    record(fixture->edges, PROBE, PERIOD_NS + 7, latencies, 4); /* 7 ns after one: 704, 704, 8, 8 */
    record(fixture->known, GHZ, PERIOD_NS + 7, latencies, 4);
    assert_int_equal(add(fixture), P2P_OK);
    assert_truth(&fixture->truth, 4, 0, 7, (4.0 + 0 + 1 + 7) / 4);
}

static void a_late_answer_is_a_sample_of_neither(void **state)
{
    static const uint64_t known[] = {700, DEADLINE_NS + 100, 700}, longer[] = {700, DEADLINE_NS + 500, 700},
                          none[] = {700, NOTHING, 700};
    struct fixture *fixture = *state;

    add_boot(fixture, longer, 3, known, 3);
    assert_truth(&fixture->truth, 2, 0, 0, 0);
    add_boot(fixture, none, 3, known, 3);
    add_boot(fixture, known, 3, none, 3);
    assert_truth(&fixture->truth, 6, 0, 0, 0);
}

/* At the deadline a tick decides what is in time; that must not look as if an edge had got lost. */
static void a_latency_at_the_deadline_is_matched(void **state)
{
    static const uint64_t late[] = {DEADLINE_NS + 3}, in_time[] = {DEADLINE_NS};
    struct fixture *fixture = *state;

    record(fixture->edges, PROBE, PERIOD_NS, late, 1); /* rounded down to the deadline itself */
    record(fixture->known, GHZ, PERIOD_NS, late, 1);
    assert_int_equal(add(fixture), P2P_OK);
    assert_truth(&fixture->truth, 1, 0, 3, -3);
    fixture->truth = (struct p2p_truth){0};
    record(fixture->edges, PROBE, PERIOD_NS, (const uint64_t[]){DEADLINE_NS + 8}, 1);
    record(fixture->known, GHZ, PERIOD_NS, in_time, 1);
    assert_int_equal(add(fixture), P2P_OK);
    assert_truth(&fixture->truth, 1, 0, 8, 8);
}

static void without_a_file_nothing_is_known(void **state)
{
    static const uint64_t latencies[] = {700};
    struct fixture *fixture = *state;

    record(fixture->edges, GHZ, PERIOD_NS, latencies, 1);
    assert_int_equal(add(fixture), P2P_OK);
    assert_false(fixture->truth.known);
    assert_int_equal(fixture->truth.n + fixture->truth.unmatched, 0);
}

static void flip(const char *path, off_t at)
{
    int fd = open(path, O_RDWR);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* A header of 64 bytes, blocks of 4096; the second of several is damaged, on either side. */
static void a_damaged_file_is_named_and_counts_until_there(void **state)
{
    struct fixture *fixture = *state;
    uint64_t latencies[MANY];

    for (size_t i = 0; i < MANY; i++) {
        latencies[i] = 700 + i % 100;
    }
    for (int side = 0; side < 2; side++) {
        record(fixture->edges, GHZ, PERIOD_NS, latencies, MANY);
        record(fixture->known, GHZ, PERIOD_NS, latencies, MANY);
        flip(side == 0 ? fixture->edges : fixture->known, 64 + 4096 + 100);
        fixture->truth = (struct p2p_truth){0};
        fixture->error = (struct p2p_error){0};
        assert_int_equal(add(fixture), P2P_E_INPUT);
        assert_non_null(strstr(fixture->error.message, side == 0 ? fixture->edges : fixture->known));
        assert_true(fixture->truth.known);
        assert_true(fixture->truth.n > 50 && fixture->truth.n < MANY / 2);
        assert_true(fixture->truth.max_error_ns == 0);
    }
}

static void a_file_that_is_no_edge_file_is_refused(void **state)
{
    static const uint64_t latencies[] = {700};
    struct fixture *fixture = *state;

    record(fixture->edges, GHZ, PERIOD_NS, latencies, 1);
    temporary_write(fixture->folder, "truth.p2p", "");
    assert_int_equal(add(fixture), P2P_E_INPUT);
    assert_non_null(strstr(fixture->error.message, fixture->known));
    fixture->error = (struct p2p_error){0};
    assert_int_equal(unlink(fixture->edges), 0);
    assert_int_equal(add(fixture), P2P_E_INPUT);
    assert_non_null(strstr(fixture->error.message, fixture->edges));
}

/* Many blocks and many reads, with holes at random: the same as counted by hand. */
static void any_two_files_are_compared_to_their_ends(void **state)
{
    struct fixture *fixture = *state;
    uint64_t seed = (uint64_t)time(NULL);

    print_message("seeds from %" PRIu64 "\n", seed);
    for (uint64_t run = 0; run < 20; run++) {
        struct p2p_truth expected = {.known = true};
        uint64_t probe[MANY], known[MANY];
        size_t counts[2];
        struct p2p_prng prng;

        p2p_prng_seed(&prng, seed + run);
        counts[0] = (size_t)p2p_prng_below(&prng, MANY + 1);
        counts[1] = (size_t)p2p_prng_below(&prng, MANY + 1);
        for (size_t i = 0; i < MANY; i++) {
            double error;

            known[i] = p2p_prng_below(&prng, 10) ? 1000 + p2p_prng_below(&prng, 100000) : NOTHING;
            probe[i] = p2p_prng_below(&prng, 10) ? 1000 + p2p_prng_below(&prng, 100000) : NOTHING;
            known[i] = i < counts[1] ? known[i] : NOTHING;
            probe[i] = i < counts[0] ? probe[i] : NOTHING;
            if (known[i] != NOTHING && probe[i] != NOTHING) {
                error = (double)probe[i] - (double)known[i];
                expected.n++;
                expected.error_sum_ns += error;
                expected.max_error_ns = fmax(expected.max_error_ns, fabs(error));
            } else {
                expected.unmatched += known[i] != probe[i];
            }
        }
        fixture->truth = (struct p2p_truth){0};
        add_boot(fixture, probe, counts[0], known, counts[1]);
        assert_truth(&fixture->truth, expected.n, expected.unmatched, expected.max_error_ns,
                     p2p_truth_mean_error_ns(&expected));
    }
}

static void a_file_that_is_vouched_for_has_to_be_there(void **state)
{
    static const uint64_t latencies[] = {700, 800};
    struct fixture *fixture = *state;

    record(fixture->edges, GHZ, PERIOD_NS, latencies, 2);
    fixture->vouched.known = true;
    assert_int_equal(add(fixture), P2P_E_INPUT);
    assert_non_null(strstr(fixture->error.message, "truth.p2p: cannot open"));
}

/* Of another boot: whole, and even equal in all that is compared here. */
static void a_file_that_is_not_the_one_vouched_for_is_refused(void **state)
{
    static const uint64_t latencies[] = {700, 800}, others[] = {701, 800};
    struct fixture *fixture = *state;
    struct p2p_edge_file_header header;
    struct p2p_edge_reader *reader;
    struct p2p_edge edges[16];
    size_t count = 0;

    record(fixture->edges, GHZ, PERIOD_NS, latencies, 2);
    record(fixture->known, GHZ, PERIOD_NS, latencies, 2);
    reader = p2p_edge_reader_open(fixture->known, &header, &fixture->error);
    assert_non_null(reader);
    assert_int_equal(p2p_edge_reader_next(reader, edges, 16, &count, &fixture->error), P2P_OK);
    fixture->vouched = (struct p2p_vouched){.known = true, .digest = p2p_edge_reader_digest(reader)};
    p2p_edge_reader_close(reader);
    assert_int_equal(add(fixture), P2P_OK);
    record(fixture->known, GHZ, PERIOD_NS, others, 2);
    assert_int_equal(add(fixture), P2P_E_INPUT);
    assert_non_null(strstr(fixture->error.message, "truth.p2p: not the file that boot.json was written with"));
}

/* How many allocations it takes; each of them fails once, is told, and leaks nothing (ASan's leak check watches). */
static size_t allocations_of(struct fixture *fixture, size_t samples)
{
    uint64_t latencies[MANY];
    bool failed = true;
    size_t count = 0;

    for (size_t i = 0; i < samples; i++) {
        latencies[i] = 700;
    }
    record(fixture->edges, GHZ, PERIOD_NS, latencies, samples);
    record(fixture->known, GHZ, PERIOD_NS, latencies, samples);
    while (failed) {
        enum p2p_code code;

        fixture->error = (struct p2p_error){0};
        allocations_fail_after(count++);
        code = add(fixture);
        failed = allocations_failed();
        assert_int_equal(code, failed ? P2P_E_HOST : P2P_OK);
        assert_int_equal(fixture->error.code, code);
    }
    return count;
}

static void memory_does_not_grow_with_the_files(void **state)
{
    struct fixture *fixture = *state;
    size_t few = allocations_of(fixture, 1);

    assert_true(few > 3);
    assert_int_equal(allocations_of(fixture, MANY), few);
}

static void no_samples_have_no_mean(void **state)
{
    const struct p2p_truth nothing = {0};

    (void)state;
    assert_true(p2p_truth_mean_error_ns(&nothing) == 0);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(the_same_edges_have_no_error),
        IN_A_FOLDER(an_error_is_the_probes_latency_minus_the_true_one),
        IN_A_FOLDER(boots_add_up),
        IN_A_FOLDER(a_sample_that_one_lacks_is_unmatched),
        IN_A_FOLDER(clocks_of_two_rates_are_compared_in_ns),
        IN_A_FOLDER(a_late_answer_is_a_sample_of_neither),
        IN_A_FOLDER(a_latency_at_the_deadline_is_matched),
        IN_A_FOLDER(without_a_file_nothing_is_known),
        IN_A_FOLDER(a_damaged_file_is_named_and_counts_until_there),
        IN_A_FOLDER(a_file_that_is_no_edge_file_is_refused),
        IN_A_FOLDER(any_two_files_are_compared_to_their_ends),
        IN_A_FOLDER(a_file_that_is_vouched_for_has_to_be_there),
        IN_A_FOLDER(a_file_that_is_not_the_one_vouched_for_is_refused),
        IN_A_FOLDER(memory_does_not_grow_with_the_files),
        cmocka_unit_test(no_samples_have_no_mean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
