/* SPDX-License-Identifier: MIT */
/* Each format against its whole text: these are files that other programs read. */
#include "reports/capture_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ORIGIN UINT64_C(1000)

static const struct p2p_capture_head HEAD = {
    .probe = "probe virtual, board id 00, firmware f",
    .tick_hz = 125000000,
    .origin_ticks = ORIGIN,
};

static const struct p2p_edge EDGES[] = {
    {ORIGIN + 125, P2P_CHANNEL_STIMULUS, 1, 0},
    {ORIGIN + 369, P2P_CHANNEL_ANSWER, 1, 0},
    {ORIGIN + 500, P2P_CHANNEL_STIMULUS, 0, P2P_EDGE_GLITCH},
    {ORIGIN + 500, P2P_CHANNEL_ANSWER, 0, 0},
    {ORIGIN + 505, P2P_CHANNEL_ANSWER, 1, P2P_EDGE_GLITCH | P2P_EDGE_CLIPPED},
    {ORIGIN + 509, P2P_CHANNEL_ANSWER, 0, P2P_EDGE_CLIPPED},
    {ORIGIN + 125000500, P2P_CHANNEL_ANSWER, 1, 0},
};

enum { EDGE_COUNT = sizeof EDGES / sizeof EDGES[0] };

static void assert_text(enum p2p_capture_format format, const struct p2p_capture_head *head,
                        const struct p2p_edge *edges, size_t count, const char *fault, const char *expected)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct p2p_capture_report *report = p2p_capture_report_new(format, head, out);

    assert_non_null(report);
    for (size_t i = 0; i < count; i++) {
        p2p_capture_report_edge(report, &edges[i]);
    }
    p2p_capture_report_end(report, fault);
    p2p_capture_report_free(report);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, expected);
    free(text);
}

#define TEXT_HEAD                                                                                                      \
    "probe virtual, board id 00, firmware f; one tick is 8 ns; time counts from the capture's start\n\n"               \
    "             time_ns          delta_ns  channel   level  flags\n"

static void text_has_one_edge_a_line(void **state)
{
    (void)state;
    assert_text(P2P_CAPTURE_TEXT, &HEAD, EDGES, EDGE_COUNT, NULL,
                TEXT_HEAD "                1000                 -  stimulus      1\n"
                          "                2952              1952  answer        1\n"
                          "                4000              1048  stimulus      0  GLITCH\n"
                          "                4000                 0  answer        0\n"
                          "                4040                40  answer        1  GLITCH+CLIPPED\n"
                          "                4072                32  answer        0  CLIPPED\n"
                          "          1000004000         999999928  answer        1\n");
}

static void text_says_what_cut_it_off(void **state)
{
    (void)state;
    assert_text(P2P_CAPTURE_TEXT, &HEAD, EDGES, 1, "edges lost",
                TEXT_HEAD "                1000                 -  stimulus      1\n"
                          "\nINCOMPLETE: edges lost\n");
}

static void text_of_a_finer_clock_has_decimals(void **state)
{
    struct p2p_capture_head head = HEAD;

    (void)state;
    head.tick_hz = 400000000;
    assert_text(P2P_CAPTURE_TEXT, &head, EDGES, 2, NULL,
                "probe virtual, board id 00, firmware f; one tick is 2.500 ns; time counts from the capture's start\n\n"
                "             time_ns          delta_ns  channel   level  flags\n"
                "             312.500                 -  stimulus      1\n"
                "             922.500           610.000  answer        1\n");
}

#define CSV_HEAD "ticks,time_ns,channel,level,flags\n"

static void csv_has_ticks_and_nanoseconds(void **state)
{
    (void)state;
    assert_text(P2P_CAPTURE_CSV, &HEAD, EDGES, EDGE_COUNT, NULL,
                CSV_HEAD "1125,1000,stimulus,1,\n"
                         "1369,2952,answer,1,\n"
                         "1500,4000,stimulus,0,GLITCH\n"
                         "1500,4000,answer,0,\n"
                         "1505,4040,answer,1,GLITCH+CLIPPED\n"
                         "1509,4072,answer,0,CLIPPED\n"
                         "125001500,1000004000,answer,1,\n");
}

static void csv_of_no_edge_is_its_first_line(void **state)
{
    (void)state;
    assert_text(P2P_CAPTURE_CSV, &HEAD, NULL, 0, NULL, CSV_HEAD);
}

static void csv_has_a_row_that_says_incomplete(void **state)
{
    (void)state;
    assert_text(P2P_CAPTURE_CSV, &HEAD, EDGES, 1, "edges lost",
                CSV_HEAD "1125,1000,stimulus,1,\n"
                         ",,,,INCOMPLETE\n");
}

#define VCD_HEAD                                                                                                       \
    "$version pin2pin " P2P_VERSION " $end\n"                                                                          \
    "$comment probe virtual, board id 00, firmware f; 125000000 ticks a second; tick 1000 is time 0 $end\n"            \
    "$timescale 1 ps $end\n"                                                                                           \
    "$scope module probe $end\n"                                                                                       \
    "$var wire 1 s stimulus $end\n"                                                                                    \
    "$var wire 1 S stimulus_flagged $end\n"                                                                            \
    "$var wire 1 a answer $end\n"                                                                                      \
    "$var wire 1 A answer_flagged $end\n"                                                                              \
    "$upscope $end\n"                                                                                                  \
    "$enddefinitions $end\n"                                                                                           \
    "#0\n$dumpvars\nxs\n0S\nxa\n0A\n$end\n"

static void vcd_has_each_time_once_and_a_wire_for_flags(void **state)
{
    (void)state;
    assert_text(P2P_CAPTURE_VCD, &HEAD, EDGES, EDGE_COUNT, NULL,
                VCD_HEAD "#1000000\n1s\n"
                         "#2952000\n1a\n"
                         "#4000000\n0s\n1S\n$comment GLITCH $end\n0a\n"
                         "#4040000\n1a\n1A\n$comment GLITCH+CLIPPED $end\n"
                         "#4072000\n0a\n$comment CLIPPED $end\n"
                         "#1000004000000\n1a\n0A\n");
}

static void vcd_takes_an_edge_at_time_0(void **state)
{
    const struct p2p_edge edge = {ORIGIN, P2P_CHANNEL_ANSWER, 1, 0};

    (void)state;
    assert_text(P2P_CAPTURE_VCD, &HEAD, &edge, 1, NULL, VCD_HEAD "1a\n");
}

static void vcd_says_what_cut_it_off(void **state)
{
    (void)state;
    assert_text(P2P_CAPTURE_VCD, &HEAD, EDGES, 1, "edges lost",
                VCD_HEAD "#1000000\n1s\n$comment INCOMPLETE: edges lost $end\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_one_edge_a_line),
        cmocka_unit_test(text_says_what_cut_it_off),
        cmocka_unit_test(text_of_a_finer_clock_has_decimals),
        cmocka_unit_test(csv_has_ticks_and_nanoseconds),
        cmocka_unit_test(csv_of_no_edge_is_its_first_line),
        cmocka_unit_test(csv_has_a_row_that_says_incomplete),
        cmocka_unit_test(vcd_has_each_time_once_and_a_wire_for_flags),
        cmocka_unit_test(vcd_takes_an_edge_at_time_0),
        cmocka_unit_test(vcd_says_what_cut_it_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
