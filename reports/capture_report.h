/* SPDX-License-Identifier: MIT */
/*
 * Captured edges as text, CSV or VCD: pure, edges in, characters out, one at a time in constant memory. Time counts
 * from the capture's start. Write errors are left in the stream's error flag.
 *
 * Text: one edge a line: time and the time since the edge before in ns, channel, level, flags.
 * CSV: `ticks,time_ns,channel,level,flags`; ticks are the probe's own, from its reset. No comments.
 * VCD: IEEE 1364, one wire a channel and one that is high while the channel's latest edge bears a flag; 1 ps steps.
 *
 * A capture that a fault ended says INCOMPLETE behind its last edge in each format.
 */
#ifndef P2P_REPORTS_CAPTURE_REPORT_H
#define P2P_REPORTS_CAPTURE_REPORT_H

#include "capture/edge.h"

#include <stdio.h>

enum p2p_capture_format {
    P2P_CAPTURE_TEXT,
    P2P_CAPTURE_CSV,
    P2P_CAPTURE_VCD,
};

struct p2p_capture_head {
    const char *probe;     /* which probe it was, in words; borrowed, for the head only */
    uint64_t tick_hz;      /* below 2^32, not 0 */
    uint64_t origin_ticks; /* the capture's start; no edge is before it */
};

struct p2p_capture_report;

/* Writes the head; `out` is borrowed. NULL: out of memory. Free with p2p_capture_report_free. */
struct p2p_capture_report *p2p_capture_report_new(enum p2p_capture_format format, const struct p2p_capture_head *head,
                                                  FILE *out);
void p2p_capture_report_free(struct p2p_capture_report *report); /* may be NULL */

/* Ascending in time. */
void p2p_capture_report_edge(struct p2p_capture_report *report, const struct p2p_edge *edge);

/* Last; `fault`: what ended the capture before its time, or NULL. */
void p2p_capture_report_end(struct p2p_capture_report *report, const char *fault);

/* "stimulus", "answer": in all formats. */
const char *p2p_channel_name(enum p2p_channel channel);

#endif
