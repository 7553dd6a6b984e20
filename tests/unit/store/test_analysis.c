/* SPDX-License-Identifier: MIT */
/* The golden run, whole and damaged in every way that a folder can be, through p2p_analyse_run. */
#include "store/analysis.h"

#include "store/edge_file.h"
#include "temporary.h"
#include "util/file.h"

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
    char *written = read_text(folder, "result.json");

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
    written = read_text(GOLDEN, "result.json");
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
    assert_string_equal(result->judgement.reason, "the run is incomplete: 4 of 4 boots recorded");
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
    written = read_text(GOLDEN, "result.json");
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
    expect_fault(folder, "boot 2: edges.p2p: cannot open: Not a directory; boot 2 was cut off: it has no boot.json", 2,
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
        cmocka_unit_test(missing_edges_are_a_fault),
        cmocka_unit_test(edges_that_are_a_fifo_do_not_hang),
        cmocka_unit_test(truncated_edges_have_no_end),
        cmocka_unit_test(boots_of_another_clock_are_not_mixed_in),
        cmocka_unit_test(files_of_others_are_left_alone),
        cmocka_unit_test(a_boot_that_is_no_folder_is_a_fault),
        cmocka_unit_test(a_folder_without_a_result_is_refused),
        cmocka_unit_test(a_limit_that_is_exceeded_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
