/* SPDX-License-Identifier: MIT */
#include "reports/capture_reader.h"

#include "reports/capture_report.h"

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

enum { EDGES_MAX = 8 };

/* A file that ends with its test; the name is the same each time, for the messages. */
struct csv {
    char folder[64];
    char path[96];
};

static void write_csv(struct csv *csv, const char *text)
{
    FILE *file;

    snprintf(csv->folder, sizeof csv->folder, "/tmp/p2p-csv-XXXXXX");
    assert_non_null(mkdtemp(csv->folder));
    snprintf(csv->path, sizeof csv->path, "%s/edges.csv", csv->folder);
    file = fopen(csv->path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void remove_csv(const struct csv *csv)
{
    assert_int_equal(unlink(csv->path), 0);
    assert_int_equal(rmdir(csv->folder), 0);
}

static struct p2p_capture_summary read_all(const char *path, struct p2p_timed_edge edges[EDGES_MAX], size_t *count)
{
    struct p2p_error error = {0};
    struct p2p_capture_reader *reader = p2p_capture_reader_open(path, &error);
    struct p2p_capture_summary summary;
    bool there = true;

    assert_string_equal(error.message, "");
    assert_non_null(reader);
    for (*count = 0; there; *count += there) {
        assert_true(*count < EDGES_MAX);
        assert_int_equal(p2p_capture_reader_next(reader, &edges[*count], &there, &error), P2P_OK);
    }
    summary = *p2p_capture_reader_summary(reader);
    p2p_capture_reader_close(reader);
    return summary;
}

static void assert_edge(const struct p2p_timed_edge *edge, uint64_t at_ns, uint8_t channel, uint8_t level)
{
    assert_int_equal(edge->at_ns, at_ns);
    assert_int_equal(edge->channel, channel);
    assert_int_equal(edge->level, level);
}

static void assert_refused(const char *text, const char *message)
{
    struct p2p_error error = {0};
    struct csv csv;

    write_csv(&csv, text);
    assert_null(p2p_capture_reader_open(csv.path, &error));
    assert_int_equal(error.code, P2P_E_INPUT);
    assert_int_equal(strncmp(error.message, csv.path, strlen(csv.path)), 0);
    assert_string_equal(error.message + strlen(csv.path), message);
    remove_csv(&csv);
}

static void columns_are_found_by_name(void **state)
{
    struct p2p_timed_edge edges[EDGES_MAX];
    struct p2p_capture_summary summary;
    struct csv csv;
    size_t count;

    (void)state;
    write_csv(&csv, "level,note,time_ns,channel\r\n"
                    "1,a,0,stimulus\r\n"
                    "0,,20,1\n"
                    "0,b,20,0"); /* no line end behind the last one */
    summary = read_all(csv.path, edges, &count);
    assert_int_equal(count, 3);
    assert_edge(&edges[0], 0, P2P_CHANNEL_STIMULUS, 1);
    assert_edge(&edges[1], 20, P2P_CHANNEL_ANSWER, 0);
    assert_edge(&edges[2], 20, P2P_CHANNEL_STIMULUS, 0);
    assert_int_equal(summary.edges, 3);
    assert_int_equal(summary.last_ns, 20);
    assert_false(summary.starts_high[P2P_CHANNEL_STIMULUS]);
    assert_true(summary.starts_high[P2P_CHANNEL_ANSWER]);
    remove_csv(&csv);
}

static void fractions_are_rounded(void **state)
{
    struct p2p_timed_edge edges[EDGES_MAX];
    struct csv csv;
    size_t count;

    (void)state;
    write_csv(&csv, "time_ns,channel,level\n"
                    "0.499,0,1\n7.5,0,0\n7.519000000,0,1\n9223372036854775807.0,0,0\n");
    read_all(csv.path, edges, &count);
    assert_int_equal(count, 4);
    assert_edge(&edges[0], 0, 0, 1);
    assert_edge(&edges[1], 8, 0, 0);
    assert_edge(&edges[2], 8, 0, 1);
    assert_edge(&edges[3], INT64_MAX, 0, 0);
    remove_csv(&csv);
}

static void no_edges_are_no_error(void **state)
{
    struct p2p_timed_edge edges[EDGES_MAX];
    struct p2p_capture_summary summary;
    struct csv csv;
    size_t count;

    (void)state;
    write_csv(&csv, "time_ns,channel,level\n");
    summary = read_all(csv.path, edges, &count);
    assert_int_equal(count, 0);
    assert_int_equal(summary.last_ns, 0);
    remove_csv(&csv);
}

static void a_captures_own_csv_comes_back(void **state)
{
    const struct p2p_capture_head head = {.probe = "p", .tick_hz = 125000000, .origin_ticks = 1000};
    const struct p2p_edge written[] = {{1125, P2P_CHANNEL_STIMULUS, 1, 0}, {1369, P2P_CHANNEL_ANSWER, 0, 1}};
    struct p2p_timed_edge edges[EDGES_MAX];
    struct p2p_capture_report *report;
    struct csv csv;
    size_t count;
    FILE *out;

    (void)state;
    write_csv(&csv, "");
    out = fopen(csv.path, "w");
    report = p2p_capture_report_new(P2P_CAPTURE_CSV, &head, out);
    p2p_capture_report_edge(report, &written[0]);
    p2p_capture_report_edge(report, &written[1]);
    p2p_capture_report_end(report, NULL);
    p2p_capture_report_free(report);
    fclose(out);
    read_all(csv.path, edges, &count);
    assert_int_equal(count, 2);
    assert_edge(&edges[0], 1000, P2P_CHANNEL_STIMULUS, 1);
    assert_edge(&edges[1], 2952, P2P_CHANNEL_ANSWER, 0);
    remove_csv(&csv);
}

#define HEAD "time_ns,channel,level\n"

static void wrong_lines_are_refused_with_their_number(void **state)
{
    (void)state;
    assert_refused(HEAD "0,0,1\n1,0\n", ":3: expected 3 fields, found 2");
    assert_refused(HEAD "\n", ":2: expected 3 fields, found 1");
    assert_refused(HEAD "0,0,1,\n", ":2: expected 3 fields, found 4");
    assert_refused(HEAD "1,0,1\n0,0,0\n", ":3: time_ns: expected a time not before the line above, found \"0\"");
    assert_refused(HEAD "1,2,1\n", ":2: channel: expected stimulus or answer (or 0, 1), found \"2\"");
    assert_refused(HEAD "1,Stimulus,1\n", ":2: channel: expected stimulus or answer (or 0, 1), found \"Stimulus\"");
    assert_refused(HEAD "1,0,2\n", ":2: level: expected 0 or 1, found \"2\"");
    assert_refused(HEAD "0,0,1\n0,1,1\n1,0,1\n", ":4: level: expected 0 (the channel is high), found \"1\"");
    assert_refused(HEAD "0,0,0\n1,0,1\n2,0,0\n3,0,0\n", ":5: level: expected 1 (the channel is low), found \"0\"");
    assert_refused(HEAD "1,0,\n", ":2: level: expected 0 or 1, found \"\"");
    assert_refused("ticks,time_ns,channel,level,flags\n8,64,stimulus,1,\n,,,,INCOMPLETE\n",
                   ":3: time_ns: expected nanoseconds from 0, found \"\"");
}

static void wrong_times_are_refused(void **state)
{
    static const char *const times[] = {"",
                                        "x",
                                        "-1",
                                        " 1",
                                        "+1",
                                        "1 ",
                                        "0x10",
                                        "1e3",
                                        "1.",
                                        "1.x",
                                        "1.0.0",
                                        ".5",
                                        "1,0",
                                        "nan",
                                        "1.0000000001",
                                        "9223372036854775808",
                                        "18446744073709551616"};

    (void)state;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char text[128], message[128];

        snprintf(text, sizeof text, HEAD "%s,0,1\n", times[i]);
        snprintf(message, sizeof message, ":2: time_ns: expected nanoseconds from 0, found \"%s\"", times[i]);
        if (strchr(times[i], ',') != NULL) {
            snprintf(message, sizeof message, ":2: expected 3 fields, found 4");
        }
        assert_refused(text, message);
    }
}

static void wrong_heads_are_refused(void **state)
{
    (void)state;
    assert_refused("", ":1: no column \"time_ns\"; expected a first line with time_ns, channel and level");
    assert_refused("time,channel,level\n",
                   ":1: no column \"time_ns\"; expected a first line with time_ns, channel and level");
    assert_refused("time_ns,level\n",
                   ":1: no column \"channel\"; expected a first line with time_ns, channel and level");
    assert_refused("a,b,c,d,e,f,g,h,i,j,k,l,m,n,time_ns,channel,level\n", ":1: more than 16 fields");
}

static void a_line_without_end_is_refused(void **state)
{
    char text[2048];

    (void)state;
    memset(text, '0', sizeof text);
    text[sizeof text - 1] = '\0';
    memcpy(text, HEAD, strlen(HEAD));
    assert_refused(text, ":2: longer than 510 bytes");
}

static void assert_no_file(const char *path, const char *message)
{
    struct p2p_error error = {0};

    assert_null(p2p_capture_reader_open(path, &error));
    assert_int_equal(error.code, P2P_E_INPUT);
    assert_string_equal(error.message, message);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    assert_no_file("/nowhere/edges.csv", "/nowhere/edges.csv: cannot open: No such file or directory");
    assert_no_file("/tmp", "/tmp: not a regular file");
    assert_no_file("/dev/null", "/dev/null: not a regular file");
}

/* And does not wait for a writer. */
static void a_fifo_is_refused(void **state)
{
    char message[128];
    struct csv csv;

    (void)state;
    write_csv(&csv, "");
    assert_int_equal(unlink(csv.path), 0);
    assert_int_equal(mkfifo(csv.path, 0600), 0);
    snprintf(message, sizeof message, "%s: not a regular file", csv.path);
    assert_no_file(csv.path, message);
    remove_csv(&csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(fractions_are_rounded),
        cmocka_unit_test(no_edges_are_no_error),
        cmocka_unit_test(a_captures_own_csv_comes_back),
        cmocka_unit_test(wrong_lines_are_refused_with_their_number),
        cmocka_unit_test(wrong_times_are_refused),
        cmocka_unit_test(wrong_heads_are_refused),
        cmocka_unit_test(a_line_without_end_is_refused),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(a_fifo_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
