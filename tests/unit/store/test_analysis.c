/* SPDX-License-Identifier: MIT */
/* The golden run, whole and damaged in every way that a folder can be, through p2p_analyse_run. */
#include "store/analysis.h"

#include "store/edge_file.h"
#include "temporary.h"
#include "util/file.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define GOLDEN P2P_SOURCE_DIR "/tests/golden/run-v1"
/* What is made of it today: its own result.json is from before the probe had a budget. */
#define TODAY P2P_SOURCE_DIR "/tests/golden", "run-v1.result.json"

#define SAMPLES UINT64_C(60) /* of each boot */

enum { FILE_BYTES_MAX = 1 << 20 };

static const char SECOND_BOOT[] = "xen-4.17-vwfi-trap/boot-002";

static char *copy_of_golden(void)
{
    char *folder = temporary_folder();

    temporary_copy(GOLDEN, folder);
    return folder;
}

static struct p2p_result *analyse(const char *folder)
{
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_analyse_run(folder, &error);

    assert_string_equal(error.message, "");
    assert_non_null(result);
    return result;
}

static char *read_text(const char *folder, const char *name)
{
    char *path = p2p_format("%s/%s", folder, name);
    struct p2p_error error = {0};
    char *text;
    size_t size;

    assert_int_equal(p2p_read_file(path, FILE_BYTES_MAX, &text, &size, &error), P2P_OK);
    free(path);
    return text;
}

static void overwrite(char *at, const char *with)
{
    while (*with != '\0') {
        *at++ = *with++;
    }
}

/* The sound configuration is as it was, the other one is `reason`, and the run is a BENCH FAULT. Frees the folder. */
static void expect_fault(char *folder, const char *reason, uint32_t boots, uint64_t samples)
{
    struct p2p_result *result = analyse(folder);
    const struct p2p_result_configuration *sound = &result->configurations[0];
    const struct p2p_result_configuration *damaged = &result->configurations[1];

    assert_string_equal(sound->judgement.reason, "");
    assert_int_equal(sound->judgement.verdict, P2P_VERDICT_PASS);
    assert_int_equal(sound->stats.n, 2 * SAMPLES);
    assert_string_equal(damaged->judgement.reason, reason);
    assert_int_equal(damaged->judgement.verdict, reason[0] == '\0' ? P2P_VERDICT_PASS : P2P_VERDICT_BENCH_FAULT);
    assert_int_equal(damaged->boots, boots);
    assert_int_equal(damaged->stats.n, samples);
    assert_int_equal(result->complete, boots == 2);
    assert_int_equal(result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    p2p_result_free(result);
    temporary_remove(folder);
}

static void a_whole_folder_gives_the_result_that_the_run_wrote(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result = analyse(folder);
    char *encoded = p2p_result_encode(result);
    char *written = read_text(TODAY);

    (void)state;
    assert_string_equal(encoded, written);
    free(written);
    free(encoded);
    p2p_result_free(result);
    temporary_remove(folder);
}

/* All figures are made again: those of the file do not count. */
static void figures_in_result_json_do_not_matter(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_result_load(GOLDEN "/result.json", &error);
    char *text, *encoded, *written;

    (void)state;
    assert_non_null(result);
    result->tick_hz = 5;
    result->time_base = P2P_TIME_HARDWARE;
    result->judgement.verdict = P2P_VERDICT_FAIL;
    result->configurations[0].stats.max_ns = 12345;
    result->configurations[1].judgement.verdict = P2P_VERDICT_INCONCLUSIVE;
    result->configurations[1].account.lost = 4;
    text = p2p_result_encode(result);
    temporary_write(folder, "result.json", text);
    free(text);
    p2p_result_free(result);
    result = analyse(folder);
    encoded = p2p_result_encode(result);
    written = read_text(TODAY);
    assert_string_equal(encoded, written);
    free(written);
    free(encoded);
    p2p_result_free(result);
    temporary_remove(folder);
}

static void a_run_that_did_not_end_stays_incomplete(void **state)
{
    char *folder = copy_of_golden();
    char *text = read_text(folder, "result.json");
    char *flag = strstr(text, "\"complete\": true");
    struct p2p_result *result;

    (void)state;
    assert_non_null(flag);
    overwrite(flag, "\"complete\":false");
    temporary_write(folder, "result.json", text);
    free(text);
    result = analyse(folder);
    assert_false(result->complete);
    assert_int_equal(result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_string_equal(result->judgement.reason,
                        "the run is incomplete: all boots of the plan are recorded, but it did not come to its end");
    p2p_result_free(result);
    temporary_remove(folder);
}

static void a_missing_boot_makes_the_run_incomplete(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result;

    (void)state;
    temporary_delete(folder, SECOND_BOOT);
    result = analyse(folder);
    assert_string_equal(result->judgement.reason, "the run is incomplete: 3 of 4 boots recorded");
    p2p_result_free(result);
    expect_fault(folder, "", 1, SAMPLES);
}

static void a_missing_configuration_was_not_measured(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    temporary_delete(folder, "xen-4.17-vwfi-trap");
    expect_fault(folder, "not measured", 0, 0);
}

static void a_boot_without_boot_json_was_cut_off(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    temporary_delete(folder, "xen-4.17-vwfi-trap/boot-002/boot.json");
    expect_fault(folder, "boot 2 was cut off: it has no boot.json", 2, 2 * SAMPLES);
}

static void a_damaged_boot_json_is_a_fault_told_without_its_folder(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    temporary_write(folder, "xen-4.17-vwfi-trap/boot-002/boot.json", "");
    expect_fault(folder, "boot 2: boot.json:1:0: '[' or '{' expected near end of file", 2, 2 * SAMPLES);
}

static void a_boots_own_fault_is_told(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    temporary_write(
        folder, "xen-4.17-vwfi-trap/boot-002/boot.json",
        "{\"schema\": \"pin2pin.boot\", \"version\": 1, \"configuration\": \"xen-4.17-vwfi-trap\", \"boot\": 2, "
        "\"complete\": false, \"fault\": \"it broke\", \"probe\": {\"name\": \"ideal\", \"uncertainty_ns\": 0}}");
    expect_fault(folder, "boot 2: it broke", 2, 2 * SAMPLES);
}

static void a_boot_of_another_place_or_probe_is_a_fault(void **state)
{
    static const struct {
        const char *configuration, *probe, *reason;
        int boot;
    } cases[] = {
        {"native", "ideal", "boot 2: its boot.json is of native, boot 2", 2},
        {"xen-4.17-vwfi-trap", "ideal", "boot 2: its boot.json is of xen-4.17-vwfi-trap, boot 1", 1},
        {"xen-4.17-vwfi-trap", "pico", "boot 2: measured with probe pico, others with ideal", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = copy_of_golden();
        char *text =
            p2p_format("{\"schema\": \"pin2pin.boot\", \"version\": 1, \"configuration\": \"%s\", \"boot\": %d, "
                       "\"complete\": true, \"fault\": null, "
                       "\"probe\": {\"name\": \"%s\", \"uncertainty_ns\": 0}}",
                       cases[i].configuration, cases[i].boot, cases[i].probe);

        temporary_write(folder, "xen-4.17-vwfi-trap/boot-002/boot.json", text);
        free(text);
        expect_fault(folder, cases[i].reason, 2, 2 * SAMPLES);
    }
}

/* Of the same name and number, but measured by another plan, or on another system. */
static void a_boot_of_another_run_is_a_fault(void **state)
{
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        {"\"seed\": \"0x", "\"seed\": \"0x0000000000000011",
         "boot 2: its boot.json is of another run: seed 0x0000000000000011, expected 0x"},
        {"\"stimuli\": 60", "\"stimuli\": 20", "boot 2: its boot.json is of another run: 20 stimuli, expected 60"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = copy_of_golden();
        char *text = read_text(folder, "xen-4.17-vwfi-trap/boot-002/boot.json");
        char *result_text = read_text(folder, "result.json");
        char *name = strstr(result_text, "\"name\": \"xen-4.17-vwfi-trap\",");
        char *numbered;
        struct p2p_result *result;

        assert_non_null(strstr(text, cases[i].from));
        assert_non_null(name);
        overwrite(strstr(text, cases[i].from), cases[i].to);
        temporary_write(folder, "xen-4.17-vwfi-trap/boot-002/boot.json", text);
        numbered = p2p_format("%.*s\"number\": 2, %s", (int)(name - result_text), result_text, name);
        temporary_write(folder, "result.json", numbered);
        result = analyse(folder);
        assert_int_equal(result->configurations[1].judgement.verdict, P2P_VERDICT_BENCH_FAULT);
        assert_ptr_equal(strstr(result->configurations[1].judgement.reason, cases[i].reason),
                         result->configurations[1].judgement.reason);
        p2p_result_free(result);
        free(numbered);
        free(result_text);
        free(text);
        temporary_remove(folder);
    }
}

static void a_boot_without_xen_is_not_of_those_on_it(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    temporary_write(folder, "xen-4.17-vwfi-trap/boot-002/boot.json",
                    "{\"schema\": \"pin2pin.boot\", \"version\": 1, \"configuration\": \"xen-4.17-vwfi-trap\", "
                    "\"boot\": 2, \"complete\": true, \"fault\": null, \"xen\": null, "
                    "\"probe\": {\"name\": \"ideal\", \"uncertainty_ns\": 0}}");
    expect_fault(folder, "boot 2: it ran without Xen, others on it", 2, 2 * SAMPLES);
}

static void write_boot(const char *folder, const char *name, const char *outcome, const char *probe)
{
    char *text = p2p_format("{\"schema\": \"pin2pin.boot\", \"version\": 1, \"configuration\": \"%.*s\", \"boot\": %c, "
                            "%s, \"probe\": %s}",
                            (int)strcspn(name, "/"), name, name[strlen(name) - 1], outcome, probe);
    char *file = p2p_format("%s/boot.json", name);

    temporary_write(folder, file, text);
    free(file);
    free(text);
}

#define WHOLE        "\"complete\": true, \"fault\": null"
#define BROKEN       "\"complete\": false, \"fault\": \"the probe does not answer\""
#define FTDI(serial) "{\"name\": \"ftdi\", \"serial\": \"" serial "\", \"firmware\": \"1.0\", \"uncertainty_ns\": 0}"

static const char *const BOOTS[] = {"native/boot-001", "native/boot-002", "xen-4.17-vwfi-trap/boot-001",
                                    "xen-4.17-vwfi-trap/boot-002"};

/* The boots in the order of the analysis; what the first says holds for all. */
static void a_probe_of_another_serial_is_another_probe(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result;

    (void)state;
    write_boot(folder, BOOTS[0], WHOLE, FTDI("aa"));
    write_boot(folder, BOOTS[1], WHOLE, FTDI("aa"));
    write_boot(folder, BOOTS[2], WHOLE, FTDI("bb"));
    write_boot(folder, BOOTS[3], WHOLE, FTDI("aa"));
    result = analyse(folder);
    assert_string_equal(result->serial, "aa");
    assert_string_equal(result->firmware, "1.0");
    p2p_result_free(result);
    expect_fault(folder, "boot 1: measured with probe ftdi bb, others with ftdi aa", 2, 2 * SAMPLES);
}

/* There is no edges.p2p, and no need to say so. */
static void a_boot_whose_probe_was_not_known_has_one_reason(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    write_boot(folder, SECOND_BOOT, BROKEN, "null");
    temporary_delete(folder, "xen-4.17-vwfi-trap/boot-002/edges.p2p");
    expect_fault(folder, "boot 2: the probe does not answer", 2, SAMPLES);
    folder = copy_of_golden(); /* edges that should not be there are looked at all the same */
    write_boot(folder, SECOND_BOOT, BROKEN, "null");
    expect_fault(folder, "boot 2: the probe does not answer", 2, 2 * SAMPLES);
    folder = copy_of_golden(); /* the probe was known: its edges must be there */
    write_boot(folder, SECOND_BOOT, BROKEN, "{\"name\": \"ideal\", \"uncertainty_ns\": 0}");
    temporary_delete(folder, "xen-4.17-vwfi-trap/boot-002/edges.p2p");
    expect_fault(folder, "boot 2: the probe does not answer; boot 2: edges.p2p: cannot open: No such file or directory",
                 2, SAMPLES);
}

/* A probe whose clock nobody knows would make a result.json that cannot be read again. */
static void without_any_edges_there_is_no_probe(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result, *again;
    struct p2p_error error = {0};
    char *text;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        char *edges = p2p_format("%s/edges.p2p", BOOTS[i]);

        temporary_delete(folder, edges);
        free(edges);
    }
    result = analyse(folder);
    assert_string_equal(result->probe, "");
    text = p2p_result_encode(result);
    temporary_write(folder, "result.json", text);
    again = analyse(folder);
    assert_string_equal(error.message, "");
    assert_string_equal(again->configurations[0].judgement.reason,
                        "boot 1: edges.p2p: cannot open: No such file or directory; boot 2: edges.p2p: cannot open: No "
                        "such file or directory");
    p2p_result_free(again);
    free(text);
    p2p_result_free(result);
    temporary_remove(folder);
}

static void missing_edges_are_a_fault(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    temporary_delete(folder, "xen-4.17-vwfi-trap/boot-002/edges.p2p");
    expect_fault(folder, "boot 2: edges.p2p: cannot open: No such file or directory", 2, SAMPLES);
}

static void edges_that_are_a_fifo_do_not_hang(void **state)
{
    char *folder = copy_of_golden();
    char *path = p2p_format("%s/%s/edges.p2p", folder, SECOND_BOOT);

    (void)state;
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    free(path);
    expect_fault(folder, "boot 2: edges.p2p: not a regular file", 2, SAMPLES);
}

/* The file is a header of 64 bytes, one block of 4096 with all edges, and the end block. */
static void truncated_edges_have_no_end(void **state)
{
    static const struct {
        off_t size;
        uint64_t samples;
    } cases[] = {{64 + 2 * 4096 - 1, 2 * SAMPLES}, {64 + 4096, 2 * SAMPLES}, {64 + 4096 - 1, SAMPLES}, {64, SAMPLES}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = copy_of_golden();
        char *path = p2p_format("%s/%s/edges.p2p", folder, SECOND_BOOT);

        assert_int_equal(truncate(path, cases[i].size), 0);
        free(path);
        expect_fault(folder, "boot 2: the recording of edges has no end", 2, cases[i].samples);
    }
}

/* The same edges under another header. */
static void rewrite_edges(const char *folder, const struct p2p_edge_file_header *header)
{
    char *path = p2p_format("%s/%s/edges.p2p", folder, SECOND_BOOT);
    struct p2p_edge_file_header old;
    struct p2p_edge edges[512];
    struct p2p_error error = {0};
    struct p2p_edge_reader *reader = p2p_edge_reader_open(path, &old, &error);
    struct p2p_edge_writer *writer;
    size_t count;

    assert_non_null(reader);
    assert_int_equal(p2p_edge_reader_next(reader, edges, 512, &count, &error), P2P_OK);
    assert_true(count > 2 * SAMPLES && count < 512);
    p2p_edge_reader_close(reader);
    assert_int_equal(unlink(path), 0);
    writer = p2p_edge_writer_open(path, header, &error);
    assert_non_null(writer);
    assert_int_equal(p2p_edge_writer_append(writer, edges, count, &error), P2P_OK);
    assert_int_equal(p2p_edge_writer_finish(writer, &error), P2P_OK);
    free(path);
}

/* ---- the truth ---- */

/*
 * The second boot's edges as their own truth; but answer `number` (from 0; -1: none) comes `by_ns` later, or never.
 */
enum { NO_ANSWER = 0 };

static void write_truth(const char *folder, int number, int by_ns)
{
    char *from = p2p_format("%s/%s/edges.p2p", folder, SECOND_BOOT);
    char *to = p2p_format("%s/%s/truth.p2p", folder, SECOND_BOOT);
    struct p2p_edge_file_header header;
    struct p2p_edge edges[512];
    struct p2p_error error = {0};
    struct p2p_edge_reader *reader = p2p_edge_reader_open(from, &header, &error);
    struct p2p_edge_writer *writer = p2p_edge_writer_open(to, &header, &error);
    size_t count;

    assert_non_null(reader);
    assert_non_null(writer);
    assert_int_equal(p2p_edge_reader_next(reader, edges, 512, &count, &error), P2P_OK);
    assert_true(count > 2 * SAMPLES && count < 512);
    for (size_t i = 0; i < count; i++) {
        bool chosen = edges[i].channel == P2P_CHANNEL_ANSWER && number-- == 0;

        if (chosen) {
            edges[i].ticks += (uint64_t)(int64_t)by_ns;
        }
        if (!chosen || by_ns != NO_ANSWER) {
            assert_int_equal(p2p_edge_writer_append(writer, &edges[i], 1, &error), P2P_OK);
        }
    }
    assert_int_equal(p2p_edge_writer_finish(writer, &error), P2P_OK);
    p2p_edge_reader_close(reader);
    free(to);
    free(from);
}

static void a_probe_within_its_budget_passes(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result;
    const struct p2p_truth *truth;

    (void)state;
    write_truth(folder, 5, -1); /* the tick is 1 ns */
    result = analyse(folder);
    truth = &result->configurations[1].truth;
    assert_string_equal(result->configurations[1].judgement.reason, "");
    assert_int_equal(result->judgement.verdict, P2P_VERDICT_PASS);
    assert_true(truth->known);
    assert_int_equal(truth->n, SAMPLES);
    assert_int_equal(truth->unmatched, 0);
    assert_true(fabs(truth->max_error_ns - 1) < 1e-9);
    assert_true(fabs(p2p_truth_mean_error_ns(truth) - 1.0 / (double)SAMPLES) < 1e-9);
    assert_false(result->configurations[0].truth.known);
    p2p_result_free(result);
    temporary_remove(folder);
}

static void a_probe_beyond_its_budget_is_a_fault(void **state)
{
    static const int errors_ns[] = {2, -2};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *folder = copy_of_golden();

        write_truth(folder, 0, errors_ns[i]);
        expect_fault(folder, "the probe is off by up to 2.000 ns from the truth, its budget allows 1.000 ns", 2,
                     2 * SAMPLES);
    }
}

/* A tick of 1 ns, three times 0.6 ns of skew, three times 10 ppm of 150 us: 7.3 ns. The correction adds 2.5 to all. */
static void the_budget_says_what_is_allowed(void **state)
{
    static const char probe[] = "{\"name\": \"ideal\", \"uncertainty_ns\": 1, \"budget\": {\"skew_ns\": 0.6, "
                                "\"timebase_ppm\": 10, \"skew_correction_ns\": -2.5}}";
    static const struct {
        int error_ns;
        const char *reason;
    } cases[] = {{-4, ""}, {-5, "the probe is off by up to 7.500 ns from the truth, its budget allows 7.300 ns"}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *folder = copy_of_golden();
        struct p2p_result *result;

        for (size_t boot = 0; boot < 4; boot++) {
            write_boot(folder, BOOTS[boot], WHOLE, probe);
        }
        write_truth(folder, 0, cases[i].error_ns);
        result = analyse(folder);
        assert_string_equal(result->configurations[1].judgement.reason, cases[i].reason);
        assert_int_equal(result->configurations[1].stats.max_ns, 3858); /* 3855 + 2.5, half up */
        p2p_result_free(result);
        temporary_remove(folder);
    }
}

/* One boot's correction must not correct the others. */
static void another_budget_in_a_later_boot_is_a_fault(void **state)
{
    static const char probe[] =
        "{\"name\": \"ideal\", \"uncertainty_ns\": 0, \"budget\": {\"skew_correction_ns\": 3000}}";
    char *folder = copy_of_golden();
    struct p2p_result *result;

    (void)state;
    write_boot(folder, BOOTS[1], WHOLE, probe);
    result = analyse(folder);
    assert_int_equal(result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_non_null(strstr(result->configurations[0].judgement.reason, "another uncertainty budget than the first"));
    p2p_result_free(result);
    temporary_remove(folder);
}

/* Each sample within a tick, and all on one side: the mean claims more than it can. */
static void a_mean_beyond_its_uncertainty_is_a_fault(void **state)
{
    static const char probe[] =
        "{\"name\": \"ideal\", \"uncertainty_ns\": 0, \"budget\": {\"skew_correction_ns\": -0.5}}";
    char *folder = copy_of_golden();
    struct p2p_result *result;

    (void)state;
    for (size_t boot = 0; boot < 4; boot++) {
        write_boot(folder, BOOTS[boot], WHOLE, probe);
    }
    write_truth(folder, 0, 0);
    result = analyse(folder);
    assert_int_equal(result->configurations[1].judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_non_null(strstr(result->configurations[1].judgement.reason, "the mean is off by 0.500 ns from the truth"));
    p2p_result_free(result);
    temporary_remove(folder);
}

static void a_sample_without_its_like_is_a_fault(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    write_truth(folder, 30, NO_ANSWER);
    expect_fault(folder, "1 sample that the probe or the truth lacks", 2, 2 * SAMPLES);
}

static void a_damaged_truth_is_a_fault_told_without_its_folder(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    temporary_write(folder, "xen-4.17-vwfi-trap/boot-002/truth.p2p", "");
    expect_fault(folder, "boot 2: truth.p2p: not an edge file", 2, 2 * SAMPLES);
}

/* Said once, by whoever reads them first. */
static void damaged_edges_are_not_compared_with_the_truth(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    write_truth(folder, -1, 0);
    temporary_write(folder, "xen-4.17-vwfi-trap/boot-002/edges.p2p", "");
    expect_fault(folder, "boot 2: edges.p2p: not an edge file", 2, SAMPLES);
}

static void boots_of_another_clock_are_not_mixed_in(void **state)
{
    static const struct p2p_edge_file_header others[] = {{1000000001, P2P_TIME_INSTRUCTIONS},
                                                         {1000000000, P2P_TIME_HARDWARE}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        char *folder = copy_of_golden();

        rewrite_edges(folder, &others[i]);
        expect_fault(folder, "boot 2: edges.p2p: another clock than the boots before", 2, SAMPLES);
    }
}

static void files_of_others_are_left_alone(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result;
    char *encoded, *written;

    (void)state;
    temporary_write(folder, "notes.txt", "hello");
    temporary_write(folder, "native/boot-001/edges.p2p.bak", "old");
    temporary_write(folder, "native/boot-003", "no folder, no boot of the plan");
    result = analyse(folder);
    encoded = p2p_result_encode(result);
    written = read_text(TODAY);
    assert_string_equal(encoded, written);
    free(written);
    free(encoded);
    p2p_result_free(result);
    temporary_remove(folder);
}

static void a_boot_that_is_no_folder_is_a_fault(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    temporary_delete(folder, SECOND_BOOT);
    temporary_write(folder, SECOND_BOOT, "");
    expect_fault(folder, "boot 2 was cut off: it has no boot.json; boot 2: edges.p2p: cannot open: Not a directory", 2,
                 SAMPLES);
}

static void a_folder_without_a_result_is_refused(void **state)
{
    char *folder = temporary_folder();
    struct p2p_error error = {0};

    (void)state;
    assert_null(p2p_analyse_run(folder, &error));
    assert_int_equal(error.code, P2P_E_INPUT);
    assert_non_null(strstr(error.message, "result.json"));
    temporary_remove(folder);
}

static void a_limit_that_is_exceeded_fails(void **state)
{
    char *folder = copy_of_golden();
    char *text = read_text(folder, "result.json");
    char *limit = text;
    struct p2p_result *result;

    (void)state;
    while ((limit = strstr(limit, "20000")) != NULL) {
        overwrite(limit, "3854 ");
    }
    temporary_write(folder, "result.json", text);
    free(text);
    result = analyse(folder);
    assert_int_equal(result->configurations[0].judgement.verdict, P2P_VERDICT_PASS);
    assert_string_equal(result->configurations[1].judgement.reason, "warm_max 3855 ns > limit 3854 ns");
    assert_int_equal(result->judgement.verdict, P2P_VERDICT_FAIL);
    assert_string_equal(result->judgement.reason, "xen-4.17-vwfi-trap: FAIL");
    p2p_result_free(result);
    temporary_remove(folder);
}

/* ---- what boot.json vouches for ---- */

#define IDEAL "{\"name\": \"ideal\", \"uncertainty_ns\": 0}"

/* The digest of the second boot's edges.p2p. */
static uint32_t digest_of_edges(const char *folder)
{
    char *path = p2p_format("%s/%s/edges.p2p", folder, SECOND_BOOT);
    struct p2p_edge_file_header header;
    struct p2p_edge edges[512];
    struct p2p_error error = {0};
    struct p2p_edge_reader *reader = p2p_edge_reader_open(path, &header, &error);
    uint32_t digest;
    size_t count;

    assert_non_null(reader);
    assert_int_equal(p2p_edge_reader_next(reader, edges, 512, &count, &error), P2P_OK);
    digest = p2p_edge_reader_digest(reader);
    p2p_edge_reader_close(reader);
    free(path);
    return digest;
}

static void vouch(const char *folder, uint32_t edges, const char *truth)
{
    char *outcome =
        p2p_format(WHOLE ", \"files\": {\"edges_digest\": %" PRIu32 ", \"truth_digest\": %s}", edges, truth);

    write_boot(folder, SECOND_BOOT, outcome, IDEAL);
    free(outcome);
}

static void edges_of_another_boot_are_a_fault(void **state)
{
    char *folder = copy_of_golden();
    uint32_t digest = digest_of_edges(folder);
    char *from = p2p_format("%s/%s/edges.p2p", folder, BOOTS[2]);
    char *to = p2p_format("%s/%s/edges.p2p", folder, SECOND_BOOT);
    struct p2p_result *result;

    (void)state;
    vouch(folder, digest, "null");
    result = analyse(folder);
    assert_string_equal(result->configurations[1].judgement.reason, "");
    p2p_result_free(result);
    assert_int_equal(unlink(to), 0);
    assert_int_equal(link(from, to), 0);
    free(to);
    free(from);
    expect_fault(folder, "boot 2: edges.p2p: not the file that boot.json was written with", 2, 2 * SAMPLES);
}

static void a_truth_that_is_gone_or_anothers_is_a_fault(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    vouch(folder, digest_of_edges(folder), "1");
    expect_fault(folder, "boot 2: truth.p2p: cannot open: No such file or directory", 2, 2 * SAMPLES);
    folder = copy_of_golden();
    vouch(folder, digest_of_edges(folder), "1");
    write_truth(folder, -1, 0);
    expect_fault(folder, "boot 2: truth.p2p: not the file that boot.json was written with", 2, 2 * SAMPLES);
}

static void a_boot_of_another_guest_is_a_fault(void **state)
{
    static const struct {
        const char *ready, *reason;
    } cases[] = {
        {"READY pin2pin-stub 0.1.0 gic=v2 path=2", ""},
        {"READY pin2pin-stub 0.1.0 gic=v2 path=9",
         "boot 2: answered by pin2pin-stub 0.1.0, path 9; others by pin2pin-stub 0.1.0, path 2"},
        {"READY other 7 path=2", "boot 2: answered by other 7, path 2; others by pin2pin-stub 0.1.0, path 2"},
        {"READY other", "boot 2: answered by other, path ; others by pin2pin-stub 0.1.0, path 2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *folder = copy_of_golden();
        char *outcome = p2p_format(WHOLE ", \"stub\": \"%s\"", cases[i].ready);
        struct p2p_result *result;

        write_boot(folder, SECOND_BOOT, outcome, IDEAL);
        free(outcome);
        result = analyse(folder);
        assert_string_equal(result->configurations[1].judgement.reason, cases[i].reason);
        assert_string_equal(result->configurations[1].stub, "pin2pin-stub 0.1.0");
        p2p_result_free(result);
        temporary_remove(folder);
    }
}

static void a_fresh_boot_in_the_place_of_another_is_a_fault(void **state)
{
    char *folder = copy_of_golden();

    (void)state;
    write_boot(folder, SECOND_BOOT, WHOLE ", \"confirmation\": true", IDEAL);
    expect_fault(folder, "boot 2: its boot.json says that it is a fresh one", 2, 2 * SAMPLES);
}

/* ---- the order, and fresh boots ---- */

/* result.json as it is written today, with these changes. */
static void rewrite_result(const char *folder, void (*change)(struct p2p_result *result))
{
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_result_load(P2P_SOURCE_DIR "/tests/golden/run-v1.result.json", &error);
    char *text;

    assert_non_null(result);
    change(result);
    text = p2p_result_encode(result);
    temporary_write(folder, "result.json", text);
    free(text);
    p2p_result_free(result);
}

static void mirror_order(struct p2p_result *result)
{
    struct p2p_result_order first = result->order[0];

    result->order[0] = result->order[3];
    result->order[3] = first;
}

static void forget_last(struct p2p_result *result)
{
    result->order_count--;
}

/* The order is that of the run; a boot that it does not know comes last. */
static void boots_are_taken_in_as_they_were_run(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result;

    (void)state;
    rewrite_result(folder, mirror_order);
    result = analyse(folder);
    assert_int_equal(result->order_count, 4);
    assert_int_equal(result->order[0].configuration, 1);
    assert_int_equal(result->order[0].boot, 2);
    assert_int_equal(result->order[3].configuration, 0);
    assert_int_equal(result->order[3].boot, 1);
    p2p_result_free(result);
    rewrite_result(folder, forget_last);
    result = analyse(folder);
    assert_int_equal(result->order_count, 4);
    assert_int_equal(result->order[3].configuration, 1);
    assert_int_equal(result->configurations[1].boots, 2);
    p2p_result_free(result);
    temporary_remove(folder);
}

static void ask_for_fresh_boots(struct p2p_result *result)
{
    result->confirm_boots = 1;
    result->configurations[1].limits.max_ns = 3000; /* its boots take 3855 */
    result->order = realloc(result->order, (result->order_count + 1) * sizeof *result->order);
    assert_non_null(result->order);
    result->order[result->order_count++] = (struct p2p_result_order){.configuration = 1, .boot = 3};
}

/* A copy of the second boot as a fresh one. */
static void add_fresh_boot(const char *folder)
{
    char *from = p2p_format("%s/%s", folder, SECOND_BOOT);
    char *to = p2p_format("%s/xen-4.17-vwfi-trap/boot-003", folder);
    struct p2p_error error = {0};

    assert_int_equal(p2p_make_folders(to, &error), P2P_OK);
    temporary_copy(from, to);
    write_boot(folder, "xen-4.17-vwfi-trap/boot-003", WHOLE ", \"confirmation\": true", IDEAL);
    free(to);
    free(from);
}

static void fresh_boots_stand_beside_the_others(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result;
    const struct p2p_result_configuration *failed;

    (void)state;
    rewrite_result(folder, ask_for_fresh_boots);
    add_fresh_boot(folder);
    result = analyse(folder);
    failed = &result->configurations[1];
    assert_true(result->complete);
    assert_int_equal(failed->boots, 2);
    assert_int_equal(failed->stats.n, 2 * SAMPLES);
    assert_int_equal(failed->boot_figure_count, 2);
    assert_int_equal(failed->confirmation.boots, 1);
    assert_int_equal(failed->confirmation.stats.n, SAMPLES);
    assert_string_equal(failed->judgement.reason, "max 3855 ns > limit 3000 ns; confirmed on a fresh boot");
    p2p_result_free(result);
    temporary_remove(folder);
}

/* result.json knows of it: a result that can do without would hide what it showed. */
static void a_fresh_boot_that_is_gone_makes_the_run_incomplete(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result;

    (void)state;
    rewrite_result(folder, ask_for_fresh_boots);
    result = analyse(folder);
    assert_false(result->complete);
    assert_int_equal(result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    p2p_result_free(result);
    temporary_remove(folder);
}

static void ask_for_rarity(struct p2p_result *result)
{
    result->configurations[0].limits.exceedance = (struct p2p_exceedance_limit){.over_ns = 2, .probability = 0.5};
    result->configurations[1].limits.exceedance = (struct p2p_exceedance_limit){.over_ns = 3854, .probability = 0.5};
}

/* All of the one take 2 ns, all of the other 3855; 0.05^(1/120) = 0.975. */
static void samples_above_the_limit_are_counted(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result;
    const struct p2p_exceedance *none, *all;

    (void)state;
    rewrite_result(folder, ask_for_rarity);
    result = analyse(folder);
    none = &result->configurations[0].exceedance;
    all = &result->configurations[1].exceedance;
    assert_int_equal(none->n, 2 * SAMPLES);
    assert_int_equal(none->count, 0);
    assert_true(fabs(none->upper_95 - 0.024656) < 1e-6);
    assert_int_equal(all->count, 2 * SAMPLES);
    assert_true(fabs(all->lower_95 - 0.975344) < 1e-6);
    assert_int_equal(result->configurations[0].judgement.verdict, P2P_VERDICT_PASS);
    assert_int_equal(result->configurations[1].judgement.verdict, P2P_VERDICT_FAIL);
    p2p_result_free(result);
    temporary_remove(folder);
}

/* The golden run with a control band for its first configuration */
static struct p2p_result *analyse_with_control(char *folder, const struct p2p_band *band)
{
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_result_load(GOLDEN "/result.json", &error);
    char *text;

    assert_non_null(result);
    result->configurations[0].control = *band;
    text = p2p_result_encode(result);
    temporary_write(folder, "result.json", text);
    free(text);
    p2p_result_free(result);
    return analyse(folder);
}

static void a_sick_bench_voids_the_run(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result = analyse_with_control(folder, &(struct p2p_band){3, 5});
    const struct p2p_result_configuration *control = &result->configurations[0];

    (void)state;
    assert_int_equal(control->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_non_null(strstr(control->judgement.reason, "the bench is sick: avg "));
    assert_int_equal(result->configurations[1].judgement.verdict, P2P_VERDICT_PASS);
    assert_int_equal(result->judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_ptr_equal(strstr(result->judgement.reason, "native: the bench is sick: avg "), result->judgement.reason);
    p2p_result_free(result);
    temporary_remove(folder);
}

static void a_control_in_its_band_changes_nothing(void **state)
{
    char *folder = copy_of_golden();
    struct p2p_result *result = analyse_with_control(folder, &(struct p2p_band){1, 1000000});

    (void)state;
    assert_int_equal(result->judgement.verdict, P2P_VERDICT_PASS);
    assert_string_equal(result->judgement.reason, "");
    p2p_result_free(result);
    temporary_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_folder_gives_the_result_that_the_run_wrote),
        cmocka_unit_test(figures_in_result_json_do_not_matter),
        cmocka_unit_test(a_run_that_did_not_end_stays_incomplete),
        cmocka_unit_test(a_missing_boot_makes_the_run_incomplete),
        cmocka_unit_test(a_missing_configuration_was_not_measured),
        cmocka_unit_test(a_boot_without_boot_json_was_cut_off),
        cmocka_unit_test(a_damaged_boot_json_is_a_fault_told_without_its_folder),
        cmocka_unit_test(a_boots_own_fault_is_told),
        cmocka_unit_test(a_boot_of_another_place_or_probe_is_a_fault),
        cmocka_unit_test(a_boot_of_another_run_is_a_fault),
        cmocka_unit_test(a_boot_without_xen_is_not_of_those_on_it),
        cmocka_unit_test(a_probe_of_another_serial_is_another_probe),
        cmocka_unit_test(a_boot_whose_probe_was_not_known_has_one_reason),
        cmocka_unit_test(without_any_edges_there_is_no_probe),
        cmocka_unit_test(a_probe_within_its_budget_passes),
        cmocka_unit_test(a_probe_beyond_its_budget_is_a_fault),
        cmocka_unit_test(the_budget_says_what_is_allowed),
        cmocka_unit_test(another_budget_in_a_later_boot_is_a_fault),
        cmocka_unit_test(a_mean_beyond_its_uncertainty_is_a_fault),
        cmocka_unit_test(a_sample_without_its_like_is_a_fault),
        cmocka_unit_test(a_damaged_truth_is_a_fault_told_without_its_folder),
        cmocka_unit_test(damaged_edges_are_not_compared_with_the_truth),
        cmocka_unit_test(missing_edges_are_a_fault),
        cmocka_unit_test(edges_that_are_a_fifo_do_not_hang),
        cmocka_unit_test(truncated_edges_have_no_end),
        cmocka_unit_test(boots_of_another_clock_are_not_mixed_in),
        cmocka_unit_test(files_of_others_are_left_alone),
        cmocka_unit_test(a_boot_that_is_no_folder_is_a_fault),
        cmocka_unit_test(a_folder_without_a_result_is_refused),
        cmocka_unit_test(a_limit_that_is_exceeded_fails),
        cmocka_unit_test(edges_of_another_boot_are_a_fault),
        cmocka_unit_test(a_truth_that_is_gone_or_anothers_is_a_fault),
        cmocka_unit_test(a_boot_of_another_guest_is_a_fault),
        cmocka_unit_test(a_fresh_boot_in_the_place_of_another_is_a_fault),
        cmocka_unit_test(boots_are_taken_in_as_they_were_run),
        cmocka_unit_test(fresh_boots_stand_beside_the_others),
        cmocka_unit_test(a_fresh_boot_that_is_gone_makes_the_run_incomplete),
        cmocka_unit_test(samples_above_the_limit_are_counted),
        cmocka_unit_test(a_sick_bench_voids_the_run),
        cmocka_unit_test(a_control_in_its_band_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
